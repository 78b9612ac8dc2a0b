"""From a table to a trained latent space: encode, train, codes of the seeds, thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit

from rarelabel._validation import Matrix
from rarelabel.encoding import TableEncoder
from rarelabel.generative._copies import single_rows
from rarelabel.generative._encoded_rows import EncodedRows, unseen_states
from rarelabel.generative._latent_drawing import TrainedSpace, label_thresholds, latent_points
from rarelabel.generative._latent_losses import mean_correlation
from rarelabel.generative._latent_model import (
    LatentRecipe,
    decode_codes,
    encode_features,
    encode_labels,
    first_space,
    learn_space,
    loss_of,
)
from rarelabel.generative._released_space import released_loss, released_recipe, unit_range
from rarelabel.generative._seeds import choose_partners, plan_seeds
from rarelabel.generative._subset_model import subset_weights
from rarelabel.schema import Schema
from rarelabel.selection import Budget
from rarelabel.training import TrainingResult

__all__ = ["choose_held_out", "recipe_of", "train_space"]

_WIDE = 10_000
"""Columns above which the transform is one that needs no loop over columns, and the network narrow."""

_LEAST_CALIBRATED, _MOST_CALIBRATED = 512, 4096
_HELD_OUT = 1024, 2**22
"""Most held-out rows, and most cells of them: their loss is computed at once."""


def train_space(
    X: Matrix,
    Y: NDArray[np.bool_],
    schema: Schema,
    seeds: NDArray[np.bool_],
    planned: tuple[NDArray[np.intp], NDArray[np.intp]],
    parameters: Mapping[str, Any],
    rng: np.random.Generator,
) -> tuple[TrainedSpace, TrainingResult, float]:
    """Train the four maps on all rows, encode the seeds, find the thresholds of labels.

    Parameters
    ----------
    X, Y, schema
        The table.
    seeds : ndarray of bool, shape (n, q)
        The labels that each row is a seed for.
    planned : tuple of ndarray of int, shape (m,)
        The seeds of the new rows and the labels they are made for, on which thresholds are found.
    parameters : dict
        Of the sampler.
    rng : Generator

    Returns
    -------
    TrainedSpace, TrainingResult
    correlation : float
        Of the two codes of the seeds, mean over the latent dimensions.
    """
    released, n_threads = parameters["variant"] == "reference", parameters["n_threads"]
    transform = parameters["numeric_transform"]
    if transform == "auto":
        transform = "standard" if X.shape[1] > _WIDE else "quantile"
    # the released code sees numbers only, from 0 to 1
    encoder = TableEncoder("minmax", usual_share=1.0) if released else TableEncoder(transform)
    encoder.fit(X, schema)
    rows = EncodedRows(X, encoder, prepare=unit_range if released else None)
    recipe = recipe_of(parameters, len(Y), encoder.width_)
    means = rows.mean()
    space = first_space(encoder, Y.shape[1], recipe, (means, Y.mean(axis=0)), rng)
    is_seed: NDArray[np.bool_] = np.asarray(seeds.any(axis=1))
    held_out = np.zeros(len(Y), dtype=bool)
    if recipe.patience is not None:
        held_out = choose_held_out(is_seed, rng, encoder.width_)
    result = learn_space(
        space,
        rows,
        Y,
        encoder,
        recipe,
        released_loss if released else loss_of,
        row_weights=None if released else subset_weights(is_seed),
        held_out=held_out,
        rng=rng,
        device=parameters["device"],
        n_threads=n_threads,
        progress=parameters["progress"],
        cancel=parameters["cancel"],
    )
    chosen = np.flatnonzero(is_seed)
    codes = encode_features(space, rows, chosen, n_threads=n_threads)
    of_labels = encode_labels(space, Y[chosen], n_threads=n_threads)
    correlation = mean_correlation(torch.from_numpy(codes), torch.from_numpy(of_labels))
    trained = TrainedSpace(
        encoder, space, recipe, chosen, codes, seeds[chosen], Y[chosen], np.full(Y.shape[1], 0.5),
        single_rows(X), unseen_states(means, encoder.blocks_), schema.exclusive,
    )  # fmt: skip
    if not released:
        trained.thresholds[:] = _thresholds(trained, *planned, parameters, rng)
    return trained, result, correlation


def _thresholds(
    trained: TrainedSpace,
    rows: NDArray[np.intp],
    made_for: NDArray[np.intp],
    parameters: Mapping[str, Any],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Thresholds at which labels decoded near the planned seeds are like those of the seeds.

    A seed that is not planned is looked at once, since later rows may be made from it, and all of them again and again
    where they are few.
    """
    first = np.searchsorted(trained.rows, rows)
    others = trained.seeds & ~np.isin(np.arange(len(trained.rows)), first)[:, np.newaxis]
    more, more_labels = plan_seeds(others, Budget(int(others.any(axis=1).sum())), rng)
    first, labels = np.append(first, more), np.append(made_for, more_labels)
    n = min(max(len(first), _LEAST_CALIBRATED), _MOST_CALIBRATED)
    some = np.resize(rng.permutation(len(first)), n)
    first, labels = first[some], labels[some]
    points = latent_points(
        trained.codes,
        trained.seeds,
        first,
        choose_partners(first, labels, trained.seeds, rng),
        labels,
        interpolation=parameters["interpolation"],
        noise=parameters["latent_noise"],
        rng=rng,
    )
    _, scores = decode_codes(trained.space, points, n_threads=parameters["n_threads"])
    return label_thresholds(parameters["label_threshold"], expit(scores.astype(np.float64)), trained.label_sets[first])


def recipe_of(parameters: Mapping[str, Any], n: int, d: int) -> LatentRecipe:
    """How to train: with these parameters, on n rows of d encoded columns."""
    if parameters["variant"] == "reference":
        return released_recipe(n, parameters["training_steps"])
    width = parameters["width"] or (128 if d > _WIDE else min(max(d, 256), 384))
    same = (
        "latent_weight", "label_weight", "ranking_weight", "feature_weight", "orthogonality", "decoded_from",
        "batch_size", "learning_rate", "weight_decay", "patience",
    )  # fmt: skip
    return LatentRecipe(
        latent_size=parameters["latent_size"] or min(max(d, 16), 128),
        width=width,
        label_width=width,
        noise=parameters["latent_noise"],
        steps=parameters["training_steps"] or 1000,
        **{name: parameters[name] for name in same},
    )


def choose_held_out(
    is_seed: NDArray[np.bool_], rng: np.random.Generator, width: int = 1, *, share: float = 0.1, least: int = 10
) -> NDArray[np.bool_]:
    """Rows whose loss decides when training ends, as a mask: a tenth of those that are no seeds.

    A seed that was not trained on would not be given its labels back. None at all where the others are too few.
    """
    held, pool = np.zeros(len(is_seed), dtype=bool), np.flatnonzero(~is_seed)
    n_held = min(round(share * len(pool)), _HELD_OUT[0], _HELD_OUT[1] // max(width, 1))
    if n_held >= least:
        held[rng.permutation(pool)[:n_held]] = True
    return held
