"""A conditional variational autoencoder of encoded rows: told all labels of a row, it draws the features."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rarelabel._device import choose_device, forked_rng, limited_threads, torch_generator
from rarelabel._validation import Matrix
from rarelabel.encoding import Block, NumericTransform, TableEncoder
from rarelabel.generative._copies import are_copies, single_rows
from rarelabel.generative._encoded_rows import EncodedRows, output_bias, unseen_states
from rarelabel.generative._latent_drawing import draw_states
from rarelabel.generative._latent_losses import feature_loss, n_variables
from rarelabel.generative._seeds import plan_seeds, seeds_under
from rarelabel.generative._subset_model import choose_held_out, in_order, subset_weights
from rarelabel.schema import Schema
from rarelabel.selection import Budget
from rarelabel.training import Batch, TrainingResult, train

__all__ = [
    "Autoencoder",
    "TrainedAutoencoder",
    "VariationalRecipe",
    "draw_features",
    "negative_elbo",
    "recipe_of",
    "train_on_table",
]

_ATTEMPTS = 10
"""Rounds of drawing in the last of which copies of training rows are taken."""

_CELLS = 2**22
"""Cells of decoded rows that are held at a time."""

_LEAST_LOG_SCALE = math.log(0.01)
"""Of a number given its code: a column that the code gives exactly would have a density without bound."""


@dataclass(frozen=True)
class VariationalRecipe:
    """Sizes of the networks and their training.

    Parameters
    ----------
    latent_size, width : int
        z, and units of the two hidden layers of encoder and decoder.
    beta : float
        Weight of the divergence of q(z | x, y) from the standard normal law; 1 is the bound on the likelihood.
    steps, batch_size, learning_rate, weight_decay, patience, ema, record_every
        As in :func:`rarelabel.training.train`.
    """

    latent_size: int
    width: int
    beta: float
    steps: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int | None
    ema: float = 0.999
    record_every: int = 50


class Autoencoder(nn.Module):
    """q(z | x, y), p(x | z, y), and the standard deviations of numbers.

    Parameters
    ----------
    d, q : int
        Encoded features and labels.
    recipe : VariationalRecipe
    """

    def __init__(self, d: int, q: int, recipe: VariationalRecipe) -> None:
        super().__init__()
        z, width = recipe.latent_size, recipe.width
        self.encoder = _network(d + q, width, 2 * z)
        self.decoder = _network(z + q, width, d)
        self.log_scale = nn.Parameter(torch.zeros(d))

    def encode(self, Z: Tensor, Y: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x, y), each of shape (n, z)."""
        mean, log_variance = self.encoder(torch.cat([Z, Y], dim=1)).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, z: Tensor, Y: Tensor) -> Tensor:
        """Means of numbers and logits of states, shape (n, d)."""
        return self.decoder(torch.cat([z, Y], dim=1))

    @property
    def scale(self) -> Tensor:
        """Standard deviations of numbers given z and y, shape (d,); those of other columns mean nothing."""
        return self.log_scale.clamp(min=_LEAST_LOG_SCALE).exp()


def _network(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs)
    )


def negative_elbo(
    network: Autoencoder, Z: Tensor, Y: Tensor, noise: Tensor, blocks: tuple[Block, ...], beta: float = 1.0
) -> Tensor:
    """-E log p(x | z, y) + beta KL(q(z | x, y), N(0, I)) of each row over its number of variables, shape (n,).

    The expectation is estimated from one z. Numbers are normal around what is decoded, with a standard deviation of
    their own; states are drawn with the decoded probabilities.

    Parameters
    ----------
    network : Autoencoder
    Z : Tensor, shape (n, d)
        Encoded features.
    Y : Tensor of 0 and 1, shape (n, q)
    noise : Tensor, shape (n, z)
        Standard normal.
    blocks : tuple of Block
    beta : float, default=1.0
    """
    mean, log_variance = network.encode(Z, Y)
    decoded = network.decode(mean + (log_variance / 2).exp() * noise, Y)
    scale = network.scale
    surprise = ((decoded - Z) / scale) ** 2 / 2 + scale.log() + math.log(2 * math.pi) / 2
    divergence = (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1) / 2
    return feature_loss(decoded, Z, blocks, surprise) + beta * divergence / max(n_variables(blocks), 1)


@dataclass(frozen=True, eq=False)
class TrainedAutoencoder:
    """All that drawing needs.

    Parameters
    ----------
    encoder : TableEncoder
        Of the features alone.
    network : Autoencoder
    recipe : VariationalRecipe
    labels : ndarray of int, shape (r,)
        The labels rows are drawn for.
    label_sets : ndarray of bool, shape (u, q)
        The distinct rows of Y.
    set_counts : ndarray of int, shape (u,)
        How many rows have each.
    hashes : ndarray of uint64
        Of the features of the rows that the training table has once, so that copies are known.
    unseen : ndarray of int
        Encoded columns of categories that no training row has.
    """

    encoder: TableEncoder
    network: Autoencoder
    recipe: VariationalRecipe
    labels: NDArray[np.intp]
    label_sets: NDArray[np.bool_]
    set_counts: NDArray[np.intp]
    hashes: NDArray[np.uint64]
    unseen: NDArray[np.intp]

    def plan(
        self, n: int, conditions: Mapping[int, bool], rng: np.random.Generator
    ) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        """Label sets of n rows and the labels they are for, as of training rows that meet the conditions.

        None where no row meets them.
        """
        Y = np.repeat(self.label_sets, self.set_counts, axis=0)
        minority = Y & np.isin(np.arange(Y.shape[1]), self.labels)
        rows, made_for = plan_seeds(seeds_under(conditions, minority, Y), Budget(n), rng)
        return Y[rows], made_for


def train_on_table(
    X: Matrix,
    Y: NDArray[np.bool_],
    schema: Schema,
    labels: NDArray[np.intp],
    parameters: Mapping[str, Any],
    rng: np.random.Generator,
) -> tuple[TrainedAutoencoder, TrainingResult]:
    """Train on all rows; those with one of ``labels`` come more often.

    Parameters
    ----------
    X, Y, schema
        The table.
    labels : ndarray of int
        The minority labels.
    parameters : dict
        Of the sampler.
    rng : Generator

    Returns
    -------
    TrainedAutoencoder, TrainingResult
    """
    transform: NumericTransform = parameters["numeric_transform"]
    encoder = TableEncoder(transform).fit(X, schema)
    rows, recipe = EncodedRows(X, encoder), recipe_of(parameters, encoder.width_)
    with forked_rng(torch_generator(rng)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Initializing zero-element tensors")  # all columns are constant
        network = Autoencoder(encoder.width_, Y.shape[1], recipe)
    means = rows.mean()
    with torch.no_grad():
        last = network.decoder[-1]
        assert isinstance(last, nn.Linear)
        last.bias.copy_(torch.from_numpy(output_bias(means, encoder.blocks_)))
    held_out = np.zeros(len(Y), dtype=bool)
    if recipe.patience is not None:
        held_out = choose_held_out(Y, labels, rng)
    weights = subset_weights(np.asarray(Y[:, labels].any(axis=1)))
    result = _learn(network, rows, Y, encoder, recipe, weights, held_out, parameters, rng)
    sets, counts = np.unique(Y, axis=0, return_counts=True)
    hashes, unseen = single_rows(X), unseen_states(means, encoder.blocks_)
    return TrainedAutoencoder(encoder, network, recipe, labels, sets, counts, hashes, unseen), result


def recipe_of(parameters: Mapping[str, Any], d: int) -> VariationalRecipe:
    """Sizes and training with the parameters of the sampler, on d encoded columns."""
    return VariationalRecipe(
        latent_size=parameters["latent_size"] or min(max(d // 4, 8), 32),
        width=parameters["width"] or min(max(d, 256), 512),
        beta=float(parameters["beta"]),
        steps=parameters["training_steps"],
        **{name: parameters[name] for name in ("batch_size", "learning_rate", "weight_decay", "patience")},
    )


def _learn(
    network: Autoencoder,
    rows: EncodedRows,
    Y: NDArray[np.bool_],
    encoder: TableEncoder,
    recipe: VariationalRecipe,
    weights: NDArray[np.float64],
    held_out: NDArray[np.bool_],
    parameters: Mapping[str, Any],
    rng: np.random.Generator,
) -> TrainingResult:
    """Train in place. Batches are row indices; their rows are made dense one batch at a time."""
    place, labels = choose_device(parameters["device"]), torch.from_numpy(Y.astype(np.float32))

    def draw(batch: Batch, generator: torch.Generator) -> Batch:
        (index,) = batch
        return [index, torch.randn((len(index), recipe.latent_size), generator=generator).to(index.device)]

    def loss(module: Autoencoder, batch: Batch) -> Tensor:
        index, noise = batch
        index = index.cpu()
        Z, told = rows[index.numpy()].to(place), labels[index].to(place)
        return negative_elbo(module, Z, told, noise, encoder.blocks_, recipe.beta).mean()

    kept = np.flatnonzero(~held_out)
    return train(
        network,
        loss,
        [torch.from_numpy(kept)],
        generator=torch_generator(rng),
        draw=draw,
        row_weights=torch.from_numpy(weights[kept]),
        held_out=[torch.from_numpy(np.flatnonzero(held_out))] if held_out.any() else None,
        n_steps=recipe.steps,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        ema=recipe.ema,
        record_every=min(recipe.record_every, recipe.steps),
        patience=recipe.patience,
        device=place,
        n_threads=parameters["n_threads"],
        progress=parameters["progress"],
        cancel=parameters["cancel"],
    )


def draw_features(
    trained: TrainedAutoencoder,
    Y: NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    reject_copies: bool,
    n_threads: int | None,
) -> tuple[Matrix, int]:
    """Features of rows with given labels, and how many of the rows equal training rows.

    A copy of a training row is drawn again, nine times at most: a table may have few distinct rows.

    Parameters
    ----------
    trained : TrainedAutoencoder
    Y : ndarray of bool, shape (m, q)
    rng : Generator
    reject_copies : bool
        Whether copies of rows that the table has once are drawn again; others are none.
    n_threads : int or None

    Returns
    -------
    X : decoded rows
    n_copies : int
    """
    missing, parts, n_copies = np.arange(len(Y)), [], 0
    step = max(1, _CELLS // max(trained.encoder.width_, 1))
    for attempt in range(_ATTEMPTS):
        failed = []
        for slots in np.split(missing, range(step, len(missing), step)):
            X = _draw_once(trained, Y[slots], rng, n_threads)
            copied = reject_copies & are_copies(X, trained.hashes)
            if attempt == _ATTEMPTS - 1:
                n_copies += int(copied.sum())
                copied[:] = False
            parts.append((slots[~copied], X[~copied], Y[slots[~copied]]))
            failed.append(slots[copied])
        missing = np.concatenate(failed)
        if not len(missing):
            break
    return in_order(parts)[0], n_copies


@torch.no_grad()
def _draw_once(
    trained: TrainedAutoencoder, Y: NDArray[np.bool_], rng: np.random.Generator, n_threads: int | None
) -> Matrix:
    """X from p(x | z, y), with z from the standard normal law."""
    network, blocks = trained.network, trained.encoder.blocks_
    place = network.log_scale.device
    z = torch.from_numpy(rng.standard_normal((len(Y), trained.recipe.latent_size), dtype=np.float32))
    with limited_threads(n_threads):
        told = torch.from_numpy(Y.astype(np.float32)).to(place)
        decoded, scale = network.decode(z.to(place), told).cpu().numpy(), network.scale.cpu().numpy()
    for block in blocks:
        if block.is_continuous:
            part = decoded[:, block.columns]
            part += scale[block.columns] * rng.standard_normal(part.shape, dtype=np.float32)
    X, _ = trained.encoder.inverse_transform(draw_states(decoded, blocks, trained.unseen, rng))
    return X
