"""A class-conditional diffusion of a table: what SEMRes-DDPM and TabDDPM have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rarelabel._device import torch_generator
from rarelabel.encoding import TableEncoder
from rarelabel.generative._bounds import check_counts, check_number, check_switches, is_number
from rarelabel.generative._class_model import class_weights
from rarelabel.generative._model import Recipe, TableModel, draw, first_model, learn
from rarelabel.generative._subset_model import choose_held_out
from rarelabel.nn import denoiser_width
from rarelabel.training import TrainingResult

__all__ = ["check_parameters", "draw_rows", "learn_classes"]

_COUNTS = ("n_timesteps", "sampling_steps", "batch_size")
_COUNTS_OR_NONE = ("training_steps", "width", "patience", "n_threads")
_SWITCHES = ("attention", "shrinkage", "residual")
_OF_THE_RECIPE = ("sampling_steps", "dropout", "batch_size", "learning_rate", "weight_decay", "patience")
_OF_THE_LOOP = ("device", "n_threads", "progress", "cancel")

_MOST_STEPS, _STEPS = 2000, 1000
"""Where held-out rows end training, and where there are none."""


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise ValueError for a parameter of a sampler that means nothing."""
    check_counts(parameters, _COUNTS, or_none=_COUNTS_OR_NONE)
    check_switches(parameters, tuple(name for name in _SWITCHES if name in parameters))
    check_number(parameters, "learning_rate", above=0)
    check_number(parameters, "weight_decay")
    if not is_number(parameters["dropout"]) or not 0 <= parameters["dropout"] < 1:
        raise ValueError(f"dropout must be in [0, 1), got {parameters['dropout']!r}")


def learn_classes(
    encoder: TableEncoder,
    Z: NDArray[np.float32],
    Y: NDArray[np.bool_],
    labels: NDArray[np.intp],
    rng: np.random.Generator,
    *,
    parameters: Mapping[str, Any],
    denoiser: Literal["mlp", "semst"],
    without: tuple[str, ...] = (),
) -> tuple[TableModel, TrainingResult]:
    """Train one model on all rows; about half of them are told their class, and rare classes come more often.

    Parameters
    ----------
    encoder, Z, Y
        The table, encoded with its classes.
    labels : ndarray of int
        Classes that rows will be drawn for. A tenth of their rows is held out where that is ten rows, else none: the
        loss of other classes stops falling long before few rows are learned.
    rng : Generator
    parameters : dict
        Of the sampler.
    denoiser : str
    without : tuple of str
        Parts of ``"semst"`` that are switched off.

    Returns
    -------
    TableModel, TrainingResult
    """
    recipe = Recipe(
        T=parameters["n_timesteps"],
        steps=parameters["training_steps"] or _MOST_STEPS,
        width=min(denoiser_width(encoder.width_), 512) if parameters["width"] is None else parameters["width"],
        denoiser=denoiser,
        without=without,
        **{name: parameters[name] for name in _OF_THE_RECIPE},
    )
    model = first_model(encoder.blocks_, encoder, recipe, Z.mean(axis=0, dtype=np.float64), rng)
    held_out = np.zeros(len(Z), dtype=bool)
    if recipe.patience is not None:
        held_out = choose_held_out(Y, labels, rng) & Y[:, labels].any(axis=1)
    if parameters["training_steps"] is None and not held_out.any():
        model = replace(model, recipe=replace(recipe, steps=_STEPS))
    block = encoder.blocks_[-1]
    result = learn(
        model,
        Z,
        row_weights=class_weights(Y),
        held_out=held_out,
        revealed=list(range(block.start, block.stop)),
        rng=rng,
        **{name: parameters[name] for name in _OF_THE_LOOP},
    )
    return model, result


def draw_rows(
    model: TableModel,
    values: NDArray[np.float32],
    known: NDArray[np.bool_],
    rng: np.random.Generator,
    **place: Any,
) -> NDArray[np.float32]:
    """An encoded row for each row of ``values``, which it has where ``known``; the rest as in ``_model.draw``."""
    return draw(model, len(values), generator=torch_generator(rng), values=values, known=known, **place)
