"""Parameters of AEMLO that mean something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rarelabel.generative._bounds import check_counts, check_number, check_switches, is_number
from rarelabel.generative._label_model import check_label_model

__all__ = ["check_parameters"]


_CHOICES = {
    "variant": ("paper", "reference"),
    "decoded_from": ("both", "labels", "features"),
    "numeric_transform": ("auto", "quantile", "standard", "minmax"),
}
_COUNTS = ("n_labels", "batch_size", "n_choices")
_COUNTS_OR_NONE = ("latent_size", "width", "training_steps", "patience", "n_threads")
_AT_LEAST_0 = (
    "latent_noise", "latent_weight", "label_weight", "ranking_weight", "feature_weight", "orthogonality",
    "weight_decay",
)  # fmt: skip


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise ValueError for a parameter that is none of the choices or out of range."""
    for name, allowed in _CHOICES.items():
        if parameters[name] not in allowed:
            raise ValueError(f"{name} must be {' or '.join(map(repr, allowed))}, got {parameters[name]!r}")
    check_counts(parameters, _COUNTS, or_none=_COUNTS_OR_NONE)
    check_switches(parameters, ("reject_copies",))
    check_label_model(parameters["label_model"])
    if parameters["variant"] == "reference" and parameters["label_model"] is not None:
        raise ValueError("variant='reference' takes every row with a label, without a label_model")
    for name in _AT_LEAST_0:
        check_number(parameters, name)
    check_number(parameters, "learning_rate", above=0)
    if not is_number(parameters["threshold"]) or not 0 < parameters["threshold"] < np.inf:
        raise ValueError(f"threshold must be a positive number, got {parameters['threshold']!r}")
    if not is_number(parameters["interpolation"]) or not 0 <= parameters["interpolation"] <= 1:
        raise ValueError(f"interpolation must be in [0, 1], got {parameters['interpolation']!r}")
    seeds, rule = parameters["seeds"], parameters["label_threshold"]
    if not callable(seeds) and seeds not in ("minority", "top_k"):
        raise ValueError(f"seeds must be 'minority', 'top_k' or a function of Y, got {seeds!r}")
    if rule not in ("calibrated", "cardinality") and not (is_number(rule) and 0 < rule < 1):
        raise ValueError(f"label_threshold must be 'calibrated', 'cardinality' or in (0, 1), got {rule!r}")
