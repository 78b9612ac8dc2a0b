"""The four maps of AEMLO around one latent space, and how they are trained together."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from rarelabel._device import choose_device, forked_rng, limited_threads, torch_generator
from rarelabel.encoding import TableEncoder
from rarelabel.generative._encoded_rows import EncodedRows, log_odds, output_bias
from rarelabel.generative._latent_losses import feature_loss, latent_loss, soft_ranking_loss
from rarelabel.training import Batch, Record, TrainingResult, train

__all__ = [
    "LatentRecipe",
    "LatentSpace",
    "decode_codes",
    "encode_features",
    "encode_labels",
    "first_space",
    "learn_space",
    "loss_of",
]


@dataclass(frozen=True)
class LatentRecipe:
    """All numbers of the networks and their training.

    Parameters
    ----------
    latent_size, width, label_width : int
        z, hidden units of three maps, and of the label decoder.
    latent_weight, label_weight, ranking_weight, feature_weight : float
        Of the terms of the loss; ``label_weight`` is that of the cross-entropy.
    orthogonality : float
        λ of :func:`~rarelabel.generative._latent_losses.latent_loss`.
    decoded_from : {"both", "labels", "features"}
        Whose codes the label decoder is trained on.
    noise : float
        Standard deviation of what is added to the codes of features before they are decoded.
    steps, batch_size, learning_rate, weight_decay, ema, max_norm, patience, record_every
        As in :func:`rarelabel.training.train`.
    released : bool
        Whether losses and networks are those of the released code.
    """

    latent_size: int
    width: int
    label_width: int
    latent_weight: float = 1.0
    label_weight: float = 10.0
    ranking_weight: float = 1.0
    feature_weight: float = 1.0
    orthogonality: float = 0.1
    decoded_from: Literal["both", "labels", "features"] = "both"
    noise: float = 0.1
    steps: int = 1000
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-5
    ema: float = 0.999
    max_norm: float | None = 1.0
    patience: int | None = 5
    record_every: int = 50
    released: bool = False


class Gate(nn.Module):
    """h times the sigmoid of a linear map of h."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weigh = nn.Linear(width, width)

    def forward(self, h: Tensor) -> Tensor:
        """Weigh hidden units, shape (n, width)."""
        return h * self.weigh(h).sigmoid()


class LatentSpace(nn.Module):
    """The maps F_ex and F_ey into the latent space, F_dx and F_dy out of it.

    Parameters
    ----------
    d, q : int
        Encoded features and labels.
    recipe : LatentRecipe
    """

    def __init__(self, d: int, q: int, recipe: LatentRecipe) -> None:
        super().__init__()
        z, width = recipe.latent_size, recipe.width
        hidden = [nn.Linear(d, width), nn.LeakyReLU(), nn.Linear(width, width), nn.LeakyReLU(), nn.Linear(width, z)]
        # NOTE[DIFF] the released encoder of features ends with a LeakyReLU: codes that are hardly ever negative cannot
        # have covariance I and agree with those of labels, which may be anything
        self.encode_features = nn.Sequential(*hidden, *([nn.LeakyReLU()] if recipe.released else []))
        self.encode_labels = nn.Sequential(nn.Linear(q, width), nn.LeakyReLU(), Gate(width), nn.Linear(width, z))
        self.decode_features = nn.Sequential(nn.Linear(z, width), nn.LeakyReLU(), nn.Linear(width, d))
        self.decode_labels = nn.Sequential(
            nn.Linear(z, recipe.label_width), nn.LeakyReLU(), nn.Linear(recipe.label_width, q)
        )


def first_space(
    encoder: TableEncoder,
    q: int,
    recipe: LatentRecipe,
    frequencies: tuple[NDArray[np.float64], NDArray[np.float64]],
    rng: np.random.Generator,
) -> LatentSpace:
    """The maps before training.

    The last biases of the decoders are what they would give if they knew no row: means of numbers, log-odds and
    log-frequencies of states.

    Parameters
    ----------
    encoder : TableEncoder
        Fitted without labels.
    q : int
        Labels.
    recipe : LatentRecipe
    frequencies : tuple of ndarray
        Means of the encoded features and of the labels.
    rng : Generator
    """
    with forked_rng(torch_generator(rng)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Initializing zero-element tensors")  # all columns are constant
        space = LatentSpace(encoder.width_, q, recipe)
    if recipe.released:
        return space
    means, of_labels = frequencies
    biases = output_bias(means, encoder.blocks_), log_odds(of_labels)
    with torch.no_grad():
        for decoder, values in zip((space.decode_features, space.decode_labels), biases, strict=True):
            last = decoder[-1]
            assert isinstance(last, nn.Linear)
            last.bias.copy_(torch.from_numpy(values))
    return space


def loss_of(space: LatentSpace, Z: Tensor, Y: Tensor, noise: Tensor, encoder: TableEncoder, r: LatentRecipe) -> Tensor:
    """The loss of a batch: the two codes agree, both give the labels, that of the features gives the features.

    Parameters
    ----------
    space : LatentSpace
    Z : Tensor, shape (n, d)
        Encoded features.
    Y : Tensor of 0 and 1, shape (n, q)
    noise : Tensor, shape (n, z)
        Added to the codes of features before they are decoded.
    encoder : TableEncoder
    r : LatentRecipe

    Returns
    -------
    Tensor, shape ()
    """
    U, V = space.encode_features(Z), space.encode_labels(Y)
    noisy = U + r.noise * noise
    loss = r.latent_weight * latent_loss(U, V, r.orthogonality)
    # NOTE[DIFF] the released label decoder sees codes of labels only, and decodes codes of features later
    codes = {"both": [noisy, V], "features": [noisy], "labels": [V]}[r.decoded_from]
    if not space.training:
        # How well unseen rows are labelled is no matter here, a seed is a row that was seen: held-out rows are decoded
        # from the codes of their labels, if at all. Otherwise training would end before rare labels are learned.
        codes = [V] if r.decoded_from != "features" else []
    for code in codes:
        scores = space.decode_labels(code)
        # NOTE[DIFF] the logarithm, because exp of a difference lets one row outweigh all others
        loss = loss + r.ranking_weight * soft_ranking_loss(scores, Y).mean() / len(codes)
        # NOTE[DIFF] a ranking has no zero, so that a threshold of 1/2 would mean nothing: cross-entropy gives it one
        loss = loss + r.label_weight * F.binary_cross_entropy_with_logits(scores, Y) / len(codes)
    # NOTE[DIFF] the released code divides the mean error of features by the size of the batch once more
    return loss + r.feature_weight * feature_loss(space.decode_features(noisy), Z, encoder.blocks_).mean()


def learn_space(
    space: LatentSpace,
    rows: EncodedRows,
    Y: NDArray[np.bool_],
    encoder: TableEncoder,
    recipe: LatentRecipe,
    loss: Callable[..., Tensor] = loss_of,
    *,
    row_weights: NDArray[np.float64] | None,
    held_out: NDArray[np.bool_],
    rng: np.random.Generator,
    device: str | torch.device,
    n_threads: int | None,
    progress: Callable[[Record], object] | None = None,
    cancel: Callable[[], bool] | Event | None = None,
) -> TrainingResult:
    """Train the maps together, in place. Batches are row indices; their rows are made dense one batch at a time.

    Parameters
    ----------
    space : LatentSpace
    rows : EncodedRows
    Y : ndarray of bool, shape (n, q)
    encoder : TableEncoder
    recipe : LatentRecipe
    loss : callable, default=loss_of
    row_weights : ndarray of float, shape (n,), or None
        How often rows are drawn; None for all alike.
    held_out : ndarray of bool, shape (n,)
        Rows that decide when to stop.
    rng, device, n_threads, progress, cancel
        As in :func:`rarelabel.training.train`.
    """
    place = choose_device(device)
    labels = torch.from_numpy(Y.astype(np.float32))

    def draw(batch: Batch, generator: torch.Generator) -> Batch:
        (index,) = batch
        noise = torch.randn((len(index), recipe.latent_size), generator=generator)
        return [index, noise.to(index.device)]

    def batch_loss(module: LatentSpace, batch: Batch) -> Tensor:
        index, noise = batch
        index = index.cpu()
        return loss(module, rows[index.numpy()].to(place), labels[index].to(place), noise, encoder, recipe)

    kept = np.flatnonzero(~held_out)
    return train(
        space,
        batch_loss,
        [torch.from_numpy(kept)],
        generator=torch_generator(rng),
        draw=draw,
        row_weights=None if row_weights is None else torch.from_numpy(row_weights[kept]),
        held_out=[torch.from_numpy(np.flatnonzero(held_out))] if held_out.any() else None,
        n_steps=recipe.steps,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        ema=recipe.ema,
        max_norm=recipe.max_norm,
        record_every=min(recipe.record_every, recipe.steps),
        patience=recipe.patience,
        device=place,
        n_threads=n_threads,
        progress=progress,
        cancel=cancel,
    )


@torch.no_grad()
def encode_features(
    space: LatentSpace, rows: EncodedRows, chosen: NDArray[np.intp], *, n_threads: int | None
) -> NDArray[np.float32]:
    """Codes of the features of some rows, shape (m, z)."""
    place = next(space.parameters()).device
    parts = np.split(chosen, range(256, len(chosen), 256))
    with limited_threads(n_threads):
        return np.concatenate([space.encode_features(rows[part].to(place)).cpu().numpy() for part in parts])


@torch.no_grad()
def encode_labels(space: LatentSpace, Y: NDArray[np.bool_], *, n_threads: int | None) -> NDArray[np.float32]:
    """Codes of label sets, shape (m, z)."""
    place = next(space.parameters()).device
    with limited_threads(n_threads):
        return np.asarray(space.encode_labels(torch.from_numpy(Y.astype(np.float32)).to(place)).cpu().numpy())


@torch.no_grad()
def decode_codes(
    space: LatentSpace, codes: NDArray[np.float32], *, n_threads: int | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Decoded features, states as logits, and scores of labels, of shapes (m, d) and (m, q)."""
    place = next(space.parameters()).device
    with limited_threads(n_threads):
        points = torch.from_numpy(codes).to(place)
        return space.decode_features(points).cpu().numpy(), space.decode_labels(points).cpu().numpy()
