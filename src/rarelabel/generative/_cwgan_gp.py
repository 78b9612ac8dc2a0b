"""CWGAN-GP: rows of rare classes from a conditional Wasserstein GAN whose critic's slope is held at 1."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any, ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rarelabel._device import choose_device, forked_rng, limited_threads, torch_generator
from rarelabel._random import RandomState
from rarelabel.encoding import Block, NumericTransform, TableEncoder, idle_numbers
from rarelabel.generative._balancing import BalancingStrategy
from rarelabel.generative._class_generator import ClassGenerator, class_weights
from rarelabel.generative._model import Denoiser, Recipe, TableModel
from rarelabel.nn import denoiser_width
from rarelabel.training import Record, Stopped, TrainingResult

__all__ = ["CWGANGP"]

_LATENT = 64
"""Size of the noise that a row is made of."""

_RECORD_EVERY = 50


class _Generator(nn.Module):
    """Noise and the class, as an encoded row whose other columns are 0, to what rows are made of."""

    def __init__(self, d: int) -> None:
        super().__init__()
        width = min(denoiser_width(d), 512)
        self.layers = nn.Sequential(
            nn.Linear(_LATENT + d, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, d)
        )

    def forward(self, noise: Tensor, told: Tensor) -> Tensor:
        return self.layers(torch.cat([noise, told], dim=1))


@final
class CWGANGP(ClassGenerator):
    """CWGAN-GP: a generator told the class, against a critic that measures how far its rows are from real ones.

    Parameters
    ----------
    sampling_strategy : "auto", float, dict or callable, default="auto"
        As in imbalanced-learn: ``"auto"`` brings every class up to the most frequent one, ``"minority"`` only the
        rarest. A float is the ratio of minority to majority after, for two classes. A dict gives the rows that classes
        are to have. A callable takes the class of each row, as text, and returns such a dict.
    numeric_transform : {"quantile", "standard", "minmax"}, default="quantile"
    training_steps : int, default=1000
        Steps of the generator.
    critic_steps : int, default=5
        Steps of the critic before each step of the generator.
    gradient_penalty : float, default=10.0
        Weight of (norm of the critic's gradient - 1)^2.
    temperature : float, default=0.2
        Of the relaxed states (Gumbel-softmax) that the critic sees of the generator's rows.
    batch_size : int, default=128
    learning_rate : float, default=2e-4
    reject_copies : bool, default=True
        Draw rows again whose features equal those of a training row.
    categorical_features : "auto", mask, indices or names, default="auto"
        Columns that hold categories besides those whose type says so.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, ...; ``"auto"`` takes a GPU where there is one.
    n_threads : int, default=1
        Threads of torch. None takes as many as torch is set to; results may then differ from computer to computer.
    progress : callable, default=None
        Called with a :class:`~rarelabel.training.Record` as training goes on.
    cancel : callable or threading.Event, default=None
        Looked at before every step; where true, training ends and what was learned so far is used.
    random_state : int, Generator or None, default=None

    Attributes
    ----------
    loss_history_ : ndarray, shape (looks, 3)
        Steps made, the critic's mean estimate of the Wasserstein distance since the look before, NaN.
    stopped_ : {"finished", "cancelled", "not finite"}
        Why training ended.

    Notes
    -----
    Both networks have two hidden layers of as many units as the denoisers have. Numbers leave the generator through a
    hyperbolic tangent over their training range, states by Gumbel-softmax. Real rows come class by class alike, no row
    more than ten times as often as one of the most frequent class, and the generator is told the classes of these rows.

    A class of one or two rows is not learned: its new rows are copies whose numbers are moved by a little within the
    range of the column, and a warning says so.

    References
    ----------
    I. Gulrajani et al., "Improved Training of Wasserstein GANs". NeurIPS 2017, Algorithm 1.

    M. Zheng et al., "Conditional Wasserstein generative adversarial network-gradient penalty-based approach to
    alleviating imbalanced data classification". Information Sciences 512, 2020.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(60, 3)), np.array(["often"] * 50 + ["rare"] * 10)
    >>> X_res, y_res = CWGANGP(training_steps=3, random_state=0).fit_resample(X, y)
    >>> X_res.shape, (y_res[60:] == "rare").all()
    ((100, 3), np.True_)
    """

    _network: ClassVar[Denoiser | None] = _Generator
    _takes_columns: ClassVar[bool] = False
    _counts: ClassVar[tuple[str, ...]] = ("training_steps", "critic_steps", "batch_size")

    def __init__(
        self,
        *,
        sampling_strategy: BalancingStrategy = "auto",
        numeric_transform: NumericTransform = "quantile",
        training_steps: int = 1000,
        critic_steps: int = 5,
        gradient_penalty: float = 10.0,
        temperature: float = 0.2,
        batch_size: int = 128,
        learning_rate: float = 2e-4,
        reject_copies: bool = True,
        categorical_features: Any = "auto",
        device: str = "auto",
        n_threads: int | None = 1,
        progress: Callable[[Record], object] | None = None,
        cancel: Callable[[], bool] | Event | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.numeric_transform = numeric_transform
        self.training_steps = training_steps
        self.critic_steps = critic_steps
        self.gradient_penalty = gradient_penalty
        self.temperature = temperature
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.reject_copies = reject_copies
        self.categorical_features = categorical_features
        self.device = device
        self.n_threads = n_threads
        self.progress = progress
        self.cancel = cancel
        self.random_state = random_state

    def _learn(
        self,
        encoder: TableEncoder,
        Z: NDArray[np.float32],
        Y: NDArray[np.bool_],
        labels: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> tuple[TableModel, TrainingResult]:
        if not self.gradient_penalty >= 0 or not self.temperature > 0:
            got = f"got {self.gradient_penalty!r} and {self.temperature!r}"
            raise ValueError(f"gradient_penalty must be at least 0 and temperature above 0, {got}")
        place, generator = choose_device(self.device), torch_generator(rng)
        with forked_rng(generator):
            pair = _Pair(_Generator(encoder.width_).to(place), _critic(encoder.width_).to(place))
        bounds = encoder.lower_, encoder.upper_
        model = TableModel(encoder.blocks_, bounds, Recipe(denoiser=_Generator), pair.generator)
        with limited_threads(self.n_threads):
            rows, weights = torch.from_numpy(Z).to(place), torch.from_numpy(class_weights(Y))
            result = self._train_pair(pair, _Rows.of(model, place), rows, weights, generator)
        return model, result

    def _train_pair(
        self, pair: _Pair, form: _Rows, rows: Tensor, weights: Tensor, generator: torch.Generator
    ) -> TrainingResult:
        """Algorithm 1 of Gulrajani et al."""
        rate, betas = self.learning_rate, (0.5, 0.9)
        for_generator = torch.optim.Adam(pair.generator.parameters(), lr=rate, betas=betas)
        for_critic = torch.optim.Adam(pair.critic.parameters(), lr=rate, betas=betas)
        history: list[Record] = []
        recent: list[float] = []
        stopped: Stopped = "finished"
        step = 0
        for step in range(1, self.training_steps + 1):
            if self.cancel is not None and (self.cancel.is_set() if isinstance(self.cancel, Event) else self.cancel()):
                stopped, step = "cancelled", step - 1
                break
            is_finite = True
            for _ in range(self.critic_steps):
                drawn = torch.multinomial(weights, self.batch_size, replacement=True, generator=generator)
                real = rows[drawn.to(rows.device)]
                with torch.no_grad():
                    made = form.make(pair.generator, real, generator, self.temperature)
                distance = pair.critic(real).mean() - pair.critic(made).mean()
                penalty = slope_penalty(pair.critic, real, made, generator)
                is_finite &= _descend(for_critic, self.gradient_penalty * penalty - distance)
            made = form.make(pair.generator, real, generator, self.temperature)
            if not (is_finite and _descend(for_generator, -pair.critic(made).mean())):
                stopped = "not finite"
                break
            recent.append(distance.item())
            if step % _RECORD_EVERY == 0 or step == self.training_steps:
                history.append(Record(step, self.training_steps, sum(recent) / len(recent)))
                recent = []
                if self.progress is not None:
                    self.progress(history[-1])
        pair.generator.eval()
        return TrainingResult(tuple(history), step, stopped, step)

    def _draw(
        self, values: NDArray[np.float32], known: NDArray[np.bool_], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        place, model = choose_device(self.device), self.trained_.model
        with limited_threads(self.n_threads), torch.no_grad():
            told = torch.from_numpy(values).to(place)
            made = _Rows.of(model, place).make(model.denoiser.to(place), told, torch_generator(rng), None)
        return np.asarray(made.cpu().numpy())


def _critic(d: int) -> nn.Module:
    width = min(denoiser_width(d), 512)
    return nn.Sequential(
        nn.Linear(d, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
    )


@dataclass(frozen=True, eq=False)
class _Pair:
    """The two networks."""

    generator: nn.Module
    critic: nn.Module


@dataclass(frozen=True, eq=False)
class _Rows:
    """How the generator's output becomes encoded rows."""

    blocks: tuple[Block, ...]
    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, model: TableModel, place: torch.device) -> _Rows:
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
        made = torch.cat([*parts, like[:, classes]], dim=1)
        numbers, states = idle_numbers(self.blocks)
        if numbers:  # where the value is the usual one the number means nothing and is 0, as in real rows
            at = torch.tensor(numbers, device=made.device)
            made = made.index_copy(1, at, made[:, numbers] * (1 - made[:, states]))
        return made

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
    share = torch.rand(len(real), 1, generator=generator).to(real.device)
    between = (share * real + (1 - share) * made).requires_grad_()
    (slopes,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((slopes.norm(dim=1) - 1) ** 2).mean()


def _descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> bool:
    """One step down the gradient; False, and no step, where the gradient is not finite."""
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if not bool(torch.isfinite(nn.utils.clip_grad_norm_(parameters, math.inf))):
        return False
    optimizer.step()
    return True
