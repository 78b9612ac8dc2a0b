"""A diffusion model of a table: trained, drawn from, told the labels that rows are for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rarelabel._device import choose_device, forked_rng, limited_threads, torch_generator
from rarelabel.diffusion import Conditions, MixedDiffusion, Noised, Prediction, cosine_schedule
from rarelabel.encoding import Block, TableEncoder
from rarelabel.nn import MLPDenoiser, ResidualMLPDenoiser, SEMSTResNet
from rarelabel.training import Batch, Draw, Record, TrainingResult, train

__all__ = [
    "DENOISERS",
    "DRAWN_AT_ONCE",
    "Denoiser",
    "Recipe",
    "TableModel",
    "build",
    "draw",
    "first_model",
    "history_of",
    "learn",
]

DRAWN_AT_ONCE = 1024
"""Rows of one batch of drawing."""

DENOISERS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLPDenoiser,
    "resnet": ResidualMLPDenoiser,
    "semst": SEMSTResNet,
}
"""Name to network; ``network(d, width=..., dropout=..., conditional=True)``."""

Denoiser = Literal["mlp", "resnet", "semst"] | Callable[[int], nn.Module]
"""Name of a network, or a function of the number of encoded columns that makes one."""


@dataclass(frozen=True)
class Recipe:
    """All numbers of training and drawing.

    Parameters
    ----------
    T : int
        Steps of the diffusion.
    sampling_steps : int
        Steps taken when drawing.
    prediction : {"x0", "epsilon", "v"}
    clamp : bool
        Hold real columns in their training range while drawing.
    eta : float
        Noise of the drawing steps of real columns.
    known_share : float
        Share of training rows of which some columns are given; 0 makes a model that takes no conditions.
    denoiser : str or callable
    without : tuple of str
        Parts of ``"semst"`` that are switched off.
    width : int or None
    dropout : float
    steps, batch_size, learning_rate, weight_decay, ema, max_norm, patience, record_every
        As in :func:`rarelabel.training.train`.
    """

    T: int = 1000
    sampling_steps: int = 50
    prediction: Prediction = "x0"
    clamp: bool = True
    eta: float = 0.0
    known_share: float = 0.5
    denoiser: Denoiser = "resnet"
    without: tuple[str, ...] = ()
    width: int | None = None
    dropout: float = 0.1
    steps: int = 2000
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-5
    ema: float = 0.999
    max_norm: float | None = 1.0
    patience: int | None = 5
    record_every: int = 50


@dataclass(frozen=True, eq=False)
class TableModel:
    """A trained model.

    Parameters
    ----------
    blocks : tuple of Block
        What the columns are to the diffusion.
    bounds : tuple of ndarray, each of shape (width,)
        Range of each column.
    recipe : Recipe
    denoiser : torch.nn.Module
    """

    blocks: tuple[Block, ...]
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]]
    recipe: Recipe
    denoiser: nn.Module

    def diffusion(self, device: torch.device) -> MixedDiffusion:
        """The diffusion, with its bounds on a device."""
        low, high = (torch.from_numpy(bound.astype(np.float32)).to(device) for bound in self.bounds)
        recipe = self.recipe
        return MixedDiffusion(
            self.blocks,
            cosine_schedule(recipe.T),
            recipe.prediction,
            bounds=(low, high),
            known_share=recipe.known_share,
        )


def build(blocks: tuple[Block, ...], encoder: TableEncoder, recipe: Recipe) -> TableModel:
    """A model whose weights come from torch's global generator.

    Raises
    ------
    ValueError
        If the denoiser is unknown.
    """
    network = recipe.denoiser
    if isinstance(network, str):
        if network not in DENOISERS:
            expected = ", ".join(map(repr, DENOISERS))
            raise ValueError(f"denoiser must be one of {expected} or a function of the width, got {network!r}")
        is_conditional = recipe.known_share > 0
        options: dict[str, Any] = dict.fromkeys(recipe.without, False)
        if network == "semst":
            options["variables"] = _variables(blocks)
        made = DENOISERS[network](
            encoder.width_,
            width=recipe.width,
            dropout=recipe.dropout,
            conditional=is_conditional,
            skip=is_conditional,  # the released network has no skip path
            **options,
        )
    else:
        made = network(encoder.width_)
    return TableModel(blocks, (encoder.lower_, encoder.upper_), recipe, made)


def _variables(blocks: tuple[Block, ...]) -> list[int]:
    """Columns of each variable."""
    return [width for block in blocks for width in ([block.width] if block.is_one_hot else [1] * block.width)]


def first_model(
    blocks: tuple[Block, ...],
    encoder: TableEncoder,
    recipe: Recipe,
    frequencies: NDArray[np.float64],
    rng: np.random.Generator,
) -> TableModel:
    """A model before training.

    The network's last biases are what it would give if it knew no row: means of real columns, log-odds and
    log-frequencies of states. Otherwise thousands of labels that are nearly always 0 would have to be unlearned first.

    Parameters
    ----------
    blocks, encoder, recipe
    frequencies : ndarray of float, shape (width,)
        Mean of each encoded column.
    rng : Generator
    """
    with forked_rng(torch_generator(rng)):
        model = build(blocks, encoder, recipe)
    if isinstance(recipe.denoiser, str) and recipe.prediction == "x0":
        bias = frequencies.copy()
        p = np.clip(frequencies, 1e-5, 1 - 1e-5)
        for block in blocks:
            if block.is_one_hot:
                bias[block.columns] = np.log(p[block.columns])
            elif not block.is_continuous:
                bias[block.columns] = np.log(p[block.columns]) - np.log1p(-p[block.columns])
        last = [layer for layer in model.denoiser.out.modules() if isinstance(layer, nn.Linear)][-1]  # type: ignore[union-attr]
        with torch.no_grad():
            last.bias.copy_(torch.from_numpy(bias))
    return model


def learn(
    model: TableModel,
    Z: NDArray[np.float32],
    *,
    row_weights: NDArray[np.float64] | None,
    held_out: NDArray[np.bool_],
    revealed: list[int],
    rng: np.random.Generator,
    device: str | torch.device,
    n_threads: int | None,
    progress: Callable[[Record], object] | None = None,
    cancel: Callable[[], bool] | Event | None = None,
) -> TrainingResult:
    """Train the model's denoiser, in place.

    Parameters
    ----------
    model : TableModel
    Z : ndarray of float32, shape (n, width)
        Encoded rows; put into another order.
    row_weights : ndarray of float, shape (n,), or None
        How often rows are drawn; None for all alike.
    held_out : ndarray of bool, shape (n,)
        Rows that decide when to stop.
    revealed : list of int
        Columns of labels that rows will be drawn for: about half of the rows that carry one are told one.
    rng, device, n_threads, progress, cancel
        As in :func:`rarelabel.training.train`.

    Returns
    -------
    TrainingResult
    """
    place, recipe = choose_device(device), model.recipe
    diffusion = model.diffusion(place)
    n_kept = int((~held_out).sum())
    # held-out rows change places with the last ones: two views then, where masks would copy the whole table
    inside, outside = np.flatnonzero(held_out[:n_kept]), n_kept + np.flatnonzero(~held_out[n_kept:])
    Z[inside], Z[outside] = Z[outside], Z[inside]
    rows = torch.from_numpy(Z)
    weights = None if row_weights is None else row_weights.copy()
    if weights is not None:
        weights[inside] = weights[outside]
    return train(
        model.denoiser,
        lambda denoiser, batch: diffusion.losses(denoiser, Noised(*batch)),
        [rows[:n_kept]],
        generator=torch_generator(rng),
        draw=_revealing(diffusion, revealed),
        row_weights=None if weights is None else torch.from_numpy(weights[:n_kept]),
        held_out=[rows[n_kept:]] if held_out.any() else None,
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


def history_of(result: TrainingResult) -> NDArray[np.float64]:
    """Steps made, mean loss since the look before, loss of held-out rows or NaN, for each look; shape (looks, 3)."""
    rows = [(r.step, r.loss, np.nan if r.held_out_loss is None else r.held_out_loss) for r in result.history]
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def _revealing(diffusion: MixedDiffusion, columns: list[int]) -> Draw:
    """Noise rows; about half of those that carry one of these labels are told one of them.

    A row with twice as many of the labels is told one twice as often, so that of those told l each that carries l
    counts alike: the model learns p(row | l).
    """

    def noise(batch: Batch, generator: torch.Generator) -> Noised:
        (x0,) = batch
        noised = diffusion.draw(x0, generator)
        if not columns or not diffusion.known_share:
            return noised
        carried = x0[:, columns].cpu()
        number = carried.sum(dim=1)
        usual = number.sum() / (number > 0).sum().clamp(min=1)
        told = torch.rand(len(x0), generator=generator) < 0.5 * number / usual
        chosen = torch.multinomial(carried + (number == 0)[:, None].float(), 1, generator=generator)[:, 0]
        known = torch.zeros(x0.shape, dtype=torch.bool)
        for block in diffusion.blocks:
            if block.kind == "classes":  # all columns of a class are told
                known[:, block.columns] = told[:, None]
        known[torch.arange(len(x0)), torch.tensor(columns)[chosen]] |= told
        known = known.to(x0.device) | noised.known
        return noised._replace(known=known, x_t=torch.where(known, x0, noised.x_t))

    return noise


def draw(
    model: TableModel,
    n: int,
    *,
    generator: torch.Generator,
    values: NDArray[Any] | None = None,
    known: NDArray[np.bool_] | None = None,
    eta: float | None = None,
    sampling_steps: int | None = None,
    device: str | torch.device,
    n_threads: int | None,
) -> NDArray[np.float32]:
    """Draw encoded rows.

    Parameters
    ----------
    model : TableModel
    n : int
    generator : torch.Generator
    values, known : ndarray, shape (n, width), default=None
        Entries that the rows must have, where ``known``.
    eta : float, default=None
        Noise of the drawing steps of real columns; None takes the recipe's.
    sampling_steps : int, default=None
        None takes the recipe's.
    device : str or torch.device
    n_threads : int or None

    Returns
    -------
    ndarray of float32, shape (n, width)
    """
    place, recipe = choose_device(device), model.recipe
    conditions = None
    if values is not None and known is not None and known.any():
        conditions = Conditions(torch.from_numpy(values.astype(np.float32)), torch.from_numpy(known))
    with limited_threads(n_threads):
        rows: Tensor = model.diffusion(place).sample(
            n,
            model.denoiser.to(place),
            generator=generator,
            n_steps=sampling_steps or recipe.sampling_steps,
            clamp=recipe.clamp,
            eta=recipe.eta if eta is None else eta,
            conditions=conditions,
            batch_size=DRAWN_AT_ONCE,
            device=place,
        )
    return np.asarray(rows.cpu().numpy())
