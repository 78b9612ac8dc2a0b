"""A class-conditional diffusion of a table: what SEMRes-DDPM and TabDDPM have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.encoding import TableEncoder
from rarelabel.generative._class_generator import class_weights
from rarelabel.generative._model import Recipe, TableModel, first_model, learn
from rarelabel.generative._subset_model import choose_held_out
from rarelabel.nn import denoiser_width
from rarelabel.training import TrainingResult

__all__ = ["class_recipe", "learn_classes"]

_OF_THE_RECIPE = ("sampling_steps", "dropout", "batch_size", "learning_rate", "weight_decay", "patience")


def class_recipe(parameters: Mapping[str, Any], d: int, **chosen: Any) -> Recipe:
    """How to train and draw, with the parameters of a sampler, on a table of d encoded columns."""
    for name in ("width", "patience"):
        if parameters[name] is not None and parameters[name] < 1:
            raise ValueError(f"{name} must be None or at least 1, got {parameters[name]!r}")
    if not 0 <= parameters["dropout"] < 1:
        raise ValueError(f"dropout must be in [0, 1), got {parameters['dropout']!r}")
    return Recipe(
        T=parameters["n_timesteps"],
        steps=parameters["training_steps"],
        width=min(denoiser_width(d), 512) if parameters["width"] is None else parameters["width"],
        **{name: parameters[name] for name in _OF_THE_RECIPE},
        **chosen,
    )


def learn_classes(
    encoder: TableEncoder,
    Z: NDArray[np.float32],
    Y: NDArray[np.bool_],
    labels: NDArray[np.intp],
    recipe: Recipe,
    rng: np.random.Generator,
    **loop: Any,
) -> tuple[TableModel, TrainingResult]:
    """Train one model on all rows; about half of them are told their class, and rare classes come more often.

    Parameters
    ----------
    encoder, Z, Y
        The table, encoded with its classes.
    labels : ndarray of int
        Classes that rows will be drawn for. A tenth of their rows is held out where that is ten rows, else a tenth of
        the others.
    recipe : Recipe
    rng : Generator
    **loop
        ``device``, ``n_threads``, ``progress``, ``cancel`` of :func:`~rarelabel.training.train`.

    Returns
    -------
    TableModel, TrainingResult
    """
    model = first_model(encoder.blocks_, encoder, recipe, Z.mean(axis=0, dtype=np.float64), rng)
    held_out = np.zeros(len(Z), dtype=bool)
    if recipe.patience is not None:
        held_out = choose_held_out(Y, labels, rng)
    block = encoder.blocks_[-1]
    result = learn(
        model,
        Z,
        row_weights=class_weights(Y),
        held_out=held_out,
        revealed=list(range(block.start, block.stop)),
        rng=rng,
        **loop,
    )
    return model, result
