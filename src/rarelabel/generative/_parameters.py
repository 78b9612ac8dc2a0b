"""Parameters of MLDM: those that mean something, and the recipe that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any

from rarelabel.generative._label_model import check_label_model
from rarelabel.generative._model import Recipe
from rarelabel.generative._released import RELEASED
from rarelabel.nn import denoiser_width

__all__ = ["check_parameters", "recipe_of"]

_CHOICES = {"budget": ("n", "subset"), "train_on": ("auto", "subset", "all"), "variant": ("paper", "reference")}
_OF_THE_RECIPE = (
    "sampling_steps",
    "denoiser",
    "dropout",
    "batch_size",
    "learning_rate",
    "weight_decay",
    "patience",
)
_COUNTS = ("n_timesteps", "sampling_steps", "training_steps", "batch_size")
_COUNTS_OR_NONE = ("n_choices", "width", "n_threads", "patience")


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
    _check_label_model(parameters)
    threshold = parameters["threshold"]
    if isinstance(threshold, bool) or not isinstance(threshold, float | int) or not 0 < threshold < float("inf"):
        raise ValueError(f"threshold must be a positive number, got {threshold!r}")
    if not 0 <= parameters["dropout"] < 1:
        raise ValueError(f"dropout must be in [0, 1), got {parameters['dropout']!r}")


def recipe_of(parameters: Mapping[str, Any], d: int, n_subset: int) -> Recipe:
    """How to train and draw: with these parameters, on a table of d columns and labels, ``n_subset`` rows in S."""
    if parameters["variant"] == "reference":
        return replace(
            RELEASED,
            T=parameters["n_timesteps"],
            sampling_steps=parameters["n_timesteps"],
            steps=parameters["training_steps"],
            batch_size=min(RELEASED.batch_size, n_subset),
        )
    return Recipe(
        T=parameters["n_timesteps"],
        steps=parameters["training_steps"],
        width=min(denoiser_width(d), 512) if parameters["width"] is None else parameters["width"],
        **{name: parameters[name] for name in _OF_THE_RECIPE},
    )


def _check_label_model(parameters: Mapping[str, Any]) -> None:
    model, background = parameters["label_model"], parameters["background"]
    check_label_model(model)
    if isinstance(background, bool) or not isinstance(background, float | int) or not 0 <= background < float("inf"):
        raise ValueError(f"background must be a share of the rows, at least 0, got {background!r}")
    if background and model is None:
        raise ValueError("background rows get their labels from a label model: set label_model='forest'")
    if background and parameters["train_on"] == "subset":
        raise ValueError("background rows are like all rows, train_on='subset' knows S only: set train_on='all'")
    if model is not None and parameters["variant"] == "reference":
        raise ValueError("variant='reference' takes every row it draws, without a label_model")
