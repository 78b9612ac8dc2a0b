"""A conditional Wasserstein GAN over encoded rows, whose critic's slope is held at 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from threading import Event

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rarelabel._device import choose_device, forked_rng, limited_threads, torch_generator
from rarelabel.encoding import Block, TableEncoder, idle_numbers
from rarelabel.generative._class_model import class_weights
from rarelabel.generative._model import Recipe, TableModel
from rarelabel.nn import denoiser_width
from rarelabel.training import Record, Stopped, TrainingResult

__all__ = [
    "Generator",
    "Rows",
    "WassersteinRecipe",
    "critic_view",
    "draw_generated",
    "learn_generator",
    "slope_penalty",
]

_LATENT = 64
"""Size of the noise that a row is made of."""

_RECORD_EVERY = 50

_LEAST_SHARE = 0.01
"""Share of rows that have a number, under which it is not made larger for the critic."""


@dataclass(frozen=True)
class WassersteinRecipe:
    """How the two networks are trained.

    Parameters
    ----------
    steps : int
        Of the generator.
    critic_steps : int
        Of the critic before each step of the generator.
    gradient_penalty : float
        Lambda, the weight of (norm of the critic's gradient - 1)^2.
    temperature : float
        Of the relaxed states that the critic sees of the generator's rows.
    batch_size : int
    learning_rate : float
    device, n_threads, progress, cancel
        As in :func:`rarelabel.training.train`.
    """

    steps: int
    critic_steps: int
    gradient_penalty: float
    temperature: float
    batch_size: int
    learning_rate: float
    device: str
    n_threads: int | None
    progress: Callable[[Record], object] | None
    cancel: Callable[[], bool] | Event | None

    def is_cancelled(self) -> bool:
        """Whether the caller wants training to end."""
        return self.cancel is not None and (self.cancel.is_set() if isinstance(self.cancel, Event) else self.cancel())


class Generator(nn.Module):
    """Noise and the class, as an encoded row whose other columns are 0, to what rows are made of."""

    def __init__(self, d: int) -> None:
        super().__init__()
        width = min(denoiser_width(d), 512)
        self.layers = nn.Sequential(
            nn.Linear(_LATENT + d, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, d)
        )

    def forward(self, noise: Tensor, told: Tensor) -> Tensor:
        return self.layers(torch.cat([noise, told], dim=1))


def _critic(d: int) -> nn.Module:
    width = min(denoiser_width(d), 512)
    return nn.Sequential(
        nn.Linear(d, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
    )


@dataclass(frozen=True, eq=False)
class Rows:
    """How the generator's output becomes encoded rows."""

    blocks: tuple[Block, ...]
    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, model: TableModel, place: torch.device) -> Rows:
        low, high = (torch.from_numpy(bound.astype(np.float32)).to(place) for bound in model.bounds)
        return cls(model.blocks, low, high)

    def make(self, network: nn.Module, like: Tensor, generator: torch.Generator, temperature: float | None) -> Tensor:
        """Rows of the classes of ``like``, their states relaxed; without a temperature drawn."""
        classes = self.blocks[-1].columns
        told = torch.zeros_like(like)
        told[:, classes] = like[:, classes]
        output = network(torch.randn(len(like), _LATENT, generator=generator).to(like.device), told)
        uniform = torch.rand(output.shape, generator=generator).clamp(1e-6, 1 - 1e-6).to(like.device)
        parts = [
            self._part(block, output[:, block.columns], uniform[:, block.columns], temperature)
            for block in self.blocks[:-1]
        ]
        return torch.cat([*parts, like[:, classes]], dim=1)

    def _part(self, block: Block, output: Tensor, uniform: Tensor, temperature: float | None) -> Tensor:
        if block.is_continuous:
            low, high = self.low[block.columns], self.high[block.columns]
            return low + (high - low) * (torch.tanh(output) + 1) / 2
        if block.is_one_hot:
            noisy = output - (-uniform.log()).log()  # Gumbel noise: the largest column is a draw of the softmax
            if temperature is None:
                return nn.functional.one_hot(noisy.argmax(dim=1), block.width).to(output.dtype)
            return torch.softmax(noisy / temperature, dim=1)
        noisy = output + uniform.log() - (-uniform).log1p()  # logistic noise: positive with the logit's probability
        return (noisy > 0).to(output.dtype) if temperature is None else torch.sigmoid(noisy / temperature)


def critic_view(blocks: tuple[Block, ...], rows: Tensor, weights: Tensor) -> Callable[[Tensor], Tensor]:
    """What the critic sees of rows, real and made: of numbers beside a missing or usual value nothing.

    A number counts as far as it is there, and is divided by the root of the share of rows that have it: else a column
    that few rows have hardly varies, and its spread is learned last. The states are not moved for what numbers gain.

    Parameters
    ----------
    blocks : tuple of Block
    rows : Tensor, shape (n, d)
        Real rows.
    weights : Tensor, shape (n,)
        How often each comes.

    Returns
    -------
    callable
        Of encoded rows.

    Examples
    --------
    >>> blocks = Block("numeric", 0, 1, (0,)), Block("missing", 1, 2, (0,))
    >>> rows = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0], [3.0, 0.0]])
    >>> critic_view(blocks, rows, torch.ones(4))(torch.tensor([[3.0, 0.0], [3.0, 0.5], [3.0, 1.0]])).tolist()
    [[6.0, 0.0], [3.0, 0.5], [0.0, 1.0]]
    """
    idle = idle_numbers(blocks)
    if not idle:
        return lambda rows: rows

    def presence(rows: Tensor) -> Tensor:
        there = torch.ones_like(rows)
        for numbers, states in idle:
            there[:, numbers] *= 1 - rows[:, states].detach()
        return there

    share = (weights.to(rows) @ presence(rows)) / weights.sum()
    scale = share.clamp(min=_LEAST_SHARE) ** -0.5
    return lambda rows: rows * presence(rows) * scale


def learn_generator(
    encoder: TableEncoder,
    Z: NDArray[np.float32],
    Y: NDArray[np.bool_],
    labels: NDArray[np.intp],
    rng: np.random.Generator,
    *,
    recipe: WassersteinRecipe,
) -> tuple[TableModel, TrainingResult]:
    """Train a generator, told the class, against a critic on all rows; rare classes come more often.

    Parameters
    ----------
    encoder, Z, Y
        The table, encoded with its classes.
    labels : ndarray of int
        Not used: all classes are learned alike.
    rng : Generator
    recipe : WassersteinRecipe

    Returns
    -------
    TableModel, TrainingResult
        The network of the model is the generator.
    """
    place, random = choose_device(recipe.device), torch_generator(rng)
    with forked_rng(random):
        generator, critic = Generator(encoder.width_).to(place), _critic(encoder.width_).to(place)
    model = TableModel(encoder.blocks_, (encoder.lower_, encoder.upper_), Recipe(denoiser=Generator), generator)
    with limited_threads(recipe.n_threads):
        rows, weights = torch.from_numpy(Z).to(place), torch.from_numpy(class_weights(Y))
        result = _train_pair(generator, critic, Rows.of(model, place), rows, weights, random, recipe)
    return model, result


def draw_generated(
    model: TableModel,
    values: NDArray[np.float32],
    known: NDArray[np.bool_],
    rng: np.random.Generator,
    *,
    device: str,
    n_threads: int | None,
) -> NDArray[np.float32]:
    """An encoded row of the class of each row of ``values``; other known columns are not told."""
    place = choose_device(device)
    with limited_threads(n_threads), torch.no_grad():
        told = torch.from_numpy(values).to(place)
        made = Rows.of(model, place).make(model.denoiser.to(place), told, torch_generator(rng), None)
    return np.asarray(made.cpu().numpy())


def slope_penalty(critic: nn.Module, real: Tensor, made: Tensor, generator: torch.Generator) -> Tensor:
    """The mean of (norm of the critic's gradient - 1)^2 at random points between real rows and made ones.

    Examples
    --------
    >>> critic = nn.Linear(2, 1, bias=False)
    >>> with torch.no_grad():
    ...     critic.weight.copy_(torch.tensor([[3.0, 4.0]]))  # its slope is 5 everywhere: (5 - 1)^2
    Parameter containing:
    tensor([[3., 4.]], requires_grad=True)
    >>> slope_penalty(critic, torch.zeros(4, 2), torch.ones(4, 2), torch.Generator()).item()
    16.0
    """
    # NOTE[DIFF] Zheng et al. take the slope along the features alone; here it is along the columns of the class too
    share = torch.rand(len(real), 1, generator=generator).to(real.device)
    between = (share * real + (1 - share) * made).requires_grad_()
    (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slopes.norm(dim=1) - 1) ** 2).mean()


def _train_pair(
    generator: nn.Module,
    critic: nn.Module,
    form: Rows,
    rows: Tensor,
    weights: Tensor,
    random: torch.Generator,
    recipe: WassersteinRecipe,
) -> TrainingResult:
    """Algorithm 1 of Gulrajani et al."""
    # NOTE[DIFF] the paper's rate is 1e-4 and its betas are (0, 0.9); CTGAN (Xu et al. 2019) has these, for tables
    rate, betas = recipe.learning_rate, (0.5, 0.9)
    for_generator = torch.optim.Adam(generator.parameters(), lr=rate, betas=betas)
    for_critic = torch.optim.Adam(critic.parameters(), lr=rate, betas=betas)
    view = critic_view(form.blocks, rows, weights)
    averaged = deepcopy(generator)
    history: list[Record] = []
    recent: list[float] = []
    stopped: Stopped = "finished"
    step = 0
    for step in range(1, recipe.steps + 1):
        if recipe.is_cancelled():
            stopped, step = "cancelled", step - 1
            break
        is_finite = True
        for _ in range(recipe.critic_steps):
            drawn = torch.multinomial(weights, recipe.batch_size, replacement=True, generator=random)
            real = rows[drawn.to(rows.device)]
            with torch.no_grad():
                made = form.make(generator, real, random, recipe.temperature)
            real, made = view(real), view(made)
            distance = critic(real).mean() - critic(made).mean()
            penalty = slope_penalty(critic, real, made, random)
            is_finite &= _descend(for_critic, recipe.gradient_penalty * penalty - distance)
        made = view(form.make(generator, real, random, recipe.temperature))
        if not (is_finite and _descend(for_generator, -critic(made).mean())):
            stopped, step = "not finite", step - 1
            break
        # the pair circles around where it would settle: the mean of about the last ninth of the steps lies nearer to it
        with torch.no_grad():
            for mean, now in zip(averaged.parameters(), generator.parameters(), strict=True):
                mean.lerp_(now, 9 / (10 + step))
        recent.append(distance.item())
        if step % _RECORD_EVERY == 0 or step == recipe.steps:
            history.append(Record(step, recipe.steps, sum(recent) / len(recent)))
            recent = []
            if recipe.progress is not None:
                recipe.progress(history[-1])
    generator.load_state_dict(averaged.state_dict())
    generator.eval()
    return TrainingResult(tuple(history), step, stopped, step)


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> bool:
    """One step down the gradient; False, and no step, where the gradient is not finite."""
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if not bool(torch.isfinite(nn.utils.clip_grad_norm_(parameters, math.inf))):
        return False
    optimizer.step()
    return True
