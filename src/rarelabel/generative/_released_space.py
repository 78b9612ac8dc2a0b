"""What the released code of AEMLO does, made to run, for comparison only: its rows seldom carry a minority label."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rarelabel.encoding import TableEncoder
from rarelabel.generative._latent_drawing import Drawn, TrainedSpace
from rarelabel.generative._latent_losses import ranking_loss
from rarelabel.generative._latent_model import LatentRecipe, LatentSpace, decode_codes

__all__ = ["draw_as_released", "released_loss", "released_recipe", "unit_range"]

_EPOCHS = 201


def released_recipe(n: int, training_steps: int | None) -> LatentRecipe:
    """The sizes and the training of the released demonstration, on n rows."""
    batch_size = min(128, n)
    return LatentRecipe(
        latent_size=500, width=200, label_width=100, noise=0.0, steps=training_steps or _EPOCHS * -(-n // batch_size),
        batch_size=batch_size, learning_rate=1e-4, weight_decay=0.0, ema=0.0, max_norm=None, patience=None,
        released=True,
    )  # fmt: skip


def released_loss(
    space: LatentSpace, Z: Tensor, Y: Tensor, noise: Tensor, encoder: TableEncoder, recipe: LatentRecipe
) -> Tensor:
    """The released losses of a batch, from matrices of its rows.

    Labels are decoded from codes of labels alone; everything, the mean error of features too, is divided by the size
    of the batch.
    """
    U, V = space.encode_features(Z), space.encode_labels(Y)
    n = len(Z)
    latent = ((U - V) ** 2).sum() + 0.1 * (_departure(U) + _departure(V))
    carried = Y.sum(dim=1) * (1 - Y).sum(dim=1)
    label = (ranking_loss(space.decode_labels(V), Y) * carried / (carried + 1e-4)).sum()
    decoded = space.decode_features(U)
    distances = (squared_distances(Z) - squared_distances(decoded)) ** 2
    feature = (decoded - Z).abs().mean() + distances.sum() / max(n * (n - 1), 1)
    return (latent + label + feature) / n


def _departure(U: Tensor) -> Tensor:
    """‖UᵀU - I‖², from whichever of UᵀU and UUᵀ is smaller."""
    gram = U @ U.T if len(U) < U.shape[1] else U.T @ U
    return (gram**2).sum() - 2 * (U**2).sum() + U.shape[1]


def squared_distances(A: Tensor) -> Tensor:
    """Squared distances of all pairs of rows, shape (n, n)."""
    squares = (A**2).sum(dim=1)
    return (squares[:, None] + squares - 2 * A @ A.T).clamp(min=0)


def unit_range(Z: Tensor, encoder: TableEncoder) -> Tensor:
    """Numbers from [-1, 1], where the encoder puts them, to [0, 1]."""
    return torch.cat([(Z[:, b.columns] + 1) / 2 if b.is_continuous else Z[:, b.columns] for b in encoder.blocks_], 1)


def draw_as_released(trained: TrainedSpace, first: NDArray[np.intp], *, n_threads: int | None) -> Drawn:
    """Decode each seed as it is, its labels with probabilities of 1/2 and more; rows without any are dropped."""
    decoded, scores = decode_codes(trained.space, trained.codes[first], n_threads=n_threads)
    Z = decoded.astype(np.float64)
    for block in trained.encoder.blocks_:
        if block.is_continuous:
            Z[:, block.columns] = 2 * Z[:, block.columns] - 1
    X, _ = trained.encoder.inverse_transform(Z)
    Y = scores.argmax(axis=1)[:, np.newaxis] == np.arange(scores.shape[1]) if trained.exclusive else scores >= 0
    asked = np.flatnonzero(Y.any(axis=1))
    seeds = trained.rows[first[asked]]
    return Drawn(X[asked], Y[asked], asked, seeds, np.full(len(asked), -1), len(asked) / max(len(first), 1))
