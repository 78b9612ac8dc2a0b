"""Parameters of MLDM that mean something."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

__all__ = ["check_parameters"]

_CHOICES = {"budget": ("n", "subset"), "train_on": ("auto", "subset", "all"), "variant": ("paper", "reference")}
_COUNTS = ("n_timesteps", "sampling_steps", "training_steps", "batch_size", "n_choices")
_COUNTS_OR_NONE = ("width", "n_threads", "patience")


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise ValueError for a parameter that is none of the choices, or a count below 1."""
    for name, allowed in _CHOICES.items():
        if parameters[name] not in allowed:
            expected = " or ".join(map(repr, allowed))
            raise ValueError(f"{name} must be {expected}, got {parameters[name]!r}")
    for name in _COUNTS + _COUNTS_OR_NONE:
        value = parameters[name]
        if value is None and name in _COUNTS_OR_NONE:
            continue
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be an int of at least 1, got {value!r}")
    if not 0 <= parameters["dropout"] < 1:
        raise ValueError(f"dropout must be in [0, 1), got {parameters['dropout']!r}")
