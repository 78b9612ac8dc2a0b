"""One diffusion over all columns of an encoded table: Gaussian for numbers, multinomial for states.

The state of the model is a matrix as :class:`rarelabel.encoding.TableEncoder` makes it. A denoiser is any callable
``denoiser(x_t, time) -> output`` on matrices of that width, with ``time = t / T`` in (0, 1] for each row. Its output
means, for a real column, what ``prediction`` says; for a column of 0 and 1, the logit of 1; for a one-hot block, the
logits of its categories.

Two ways to draw rows of which some columns are known. A model with ``known_share`` > 0 is trained with random columns
left without noise and told which (``denoiser(x_t, time, known)``), so that it learns every conditional distribution;
any other model is steered by noised versions of the known values (RePaint), which is approximate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from rarelabel.diffusion.binary import BinaryDiffusion
from rarelabel.diffusion.gaussian import GaussianDiffusion, Prediction
from rarelabel.diffusion.multinomial import MultinomialDiffusion, log_probabilities_from_logits, states_from_bits
from rarelabel.diffusion.schedules import Schedule, strided_times
from rarelabel.encoding import Block, idle_numbers

__all__ = ["Conditions", "Denoiser", "MixedDiffusion", "Noised", "StateLoss"]

Denoiser = Callable[..., Tensor]
"""From x_t, shape (n, width), time t / T, shape (n,), and the mask of known columns where ``known_share`` > 0, to the
output, shape (n, width)."""

StateLoss = Literal["cross_entropy", "kl"]
"""How beliefs about states are scored; see :class:`MixedDiffusion`."""


class Noised(NamedTuple):
    """Rows, their times and what noise made of them: all that a loss needs.

    Parameters
    ----------
    x0 : Tensor, shape (n, width)
    t : Tensor of int64, shape (n,)
        From 1 to T.
    noise : Tensor, shape (n, width)
        The Gaussian noise of real columns, 0 elsewhere.
    x_t : Tensor, shape (n, width)
    known : Tensor of bool, shape (n, width)
        Columns that were left without noise.
    """

    x0: Tensor
    t: Tensor
    noise: Tensor
    x_t: Tensor
    known: Tensor


@dataclass(frozen=True, eq=False)
class Conditions:
    """Entries that drawn rows must have.

    Parameters
    ----------
    values : Tensor, shape (width,) or (n, width)
        Encoded values; looked at where ``known``.
    known : Tensor of bool, shape (width,) or (n, width)
        All columns of a one-hot block, or none.
    """

    values: Tensor
    known: Tensor


@dataclass(frozen=True, eq=False)
class _Variables:
    """m variables of one kind, each of ``n_columns`` columns: K where it is one-hot, else one."""

    kind: Literal["continuous", "bits", "one_hot"]
    columns: slice | Tensor
    n_columns: int = 1

    @classmethod
    def of(cls, kind: Literal["continuous", "bits", "one_hot"], columns: list[int], n_columns: int = 1) -> _Variables:
        """A slice where the columns stand side by side: a view then takes the place of a copy."""
        first, last = columns[0], columns[-1] + 1
        together = columns == list(range(first, last))
        return cls(kind, slice(first, last) if together else torch.tensor(columns), n_columns)

    def take(self, x: Tensor) -> Tensor:
        """Their columns, shape (n, m), or (n, m, K) where they are one-hot."""
        part = x[:, self.columns]
        return part.reshape(len(x), part.shape[1] // self.n_columns, self.n_columns) if self.kind == "one_hot" else part

    def put(self, x: Tensor, part: Tensor) -> None:
        """Write their columns into x."""
        x[:, self.columns] = part.flatten(1)

    def marked(self, mask: Tensor) -> Tensor:
        """Which variables a mask of columns marks, shape (n, m)."""
        part = self.take(mask)
        return part[..., 0] if self.kind == "one_hot" else part


@dataclass(frozen=True, eq=False)
class MixedDiffusion:
    """Diffusion of a table of real columns, two-state columns and one-hot blocks.

    Parameters
    ----------
    blocks : tuple of Block
        What the columns are.
    schedule : Schedule
        The same for numbers and states.
    prediction : {"x0", "epsilon", "v"}, default="x0"
        What the denoiser gives for real columns.
    bounds : tuple of Tensor, each of shape (width,), default=None
        Least and largest value of each column; real columns are held between them while sampling.
    state_loss : {"cross_entropy", "kl"}, default="cross_entropy"
        ``"cross_entropy"`` scores the denoiser's belief about x_0; ``"kl"`` is T times the divergence of its step from
        the true one, an estimate of the likelihood bound. Both are least at p(x_0 | x_t); the first weighs all times
        alike and varies less.

    known_share : float, default=0.0
        Share of the training rows in which some variables are left without noise. In half of these they are labels,
        in the others any; how many is drawn evenly on a logarithmic scale from one to all. Above 0 the denoiser takes
        the mask of known columns as its third argument.

    Raises
    ------
    ValueError
        If an option is unknown or out of range.

    Examples
    --------
    >>> from rarelabel.diffusion.schedules import cosine_schedule
    >>> diffusion = MixedDiffusion((Block("labels", 0, 2, (0, 1)),), cosine_schedule(100))
    >>> generator = torch.Generator().manual_seed(0)
    >>> rows = diffusion.sample(500, lambda x, time: torch.full_like(x, 2.0), generator=generator, n_steps=10)
    >>> rows.shape, round(rows.mean().item(), 1)  # the logistic function of 2 is 0.88
    (torch.Size([500, 2]), 0.9)
    """

    blocks: tuple[Block, ...]
    schedule: Schedule
    prediction: Prediction = "x0"
    bounds: tuple[Tensor, Tensor] | None = None
    state_loss: StateLoss = "cross_entropy"
    known_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.known_share <= 1:
            raise ValueError(f"known_share must be in [0, 1], got {self.known_share!r}")
        if self.state_loss not in get_args(StateLoss):
            raise ValueError(f"state_loss must be one of 'cross_entropy', 'kl', got {self.state_loss!r}")
        if not self.blocks:
            raise ValueError("there are no columns to diffuse: every column of the table is constant")
        GaussianDiffusion(self.schedule, self.prediction)  # checks the prediction

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.blocks[-1].stop

    @property
    def gaussian(self) -> GaussianDiffusion:
        """The diffusion of the real columns."""
        return GaussianDiffusion(self.schedule, self.prediction)

    @property
    def multinomial(self) -> MultinomialDiffusion:
        """The diffusion of the states."""
        return MultinomialDiffusion(self.schedule)

    @property
    def binary(self) -> BinaryDiffusion:
        """The diffusion of columns of 0 and 1."""
        return BinaryDiffusion(self.schedule)

    @cached_property
    def _variables(self) -> tuple[_Variables, ...]:
        """Columns that are computed together: real ones, two-state ones, one-hot blocks of equal width."""
        real = [c for block in self.blocks if block.is_continuous for c in range(block.start, block.stop)]
        one_hot: dict[int, list[int]] = {}
        for block in self.blocks:
            if block.is_one_hot:
                one_hot.setdefault(block.width, []).extend(range(block.start, block.stop))
        grouped = {*real, *(c for columns in one_hot.values() for c in columns)}
        bits = [c for c in range(self.width) if c not in grouped]
        found = [_Variables.of("continuous", real)] if real else []
        found += [_Variables.of("bits", bits)] if bits else []
        return (*found, *(_Variables.of("one_hot", columns, K) for K, columns in one_hot.items()))

    @cached_property
    def _is_label(self) -> Tensor:
        """Which columns are labels, shape (width,)."""
        kinds = [block.kind in ("labels", "classes") for block in self.blocks for _ in range(block.width)]
        return torch.tensor(kinds)

    @cached_property
    def _first_columns(self) -> Tensor | None:
        """The first column of each column's variable, shape (width,); None where every column is one."""
        if not any(block.is_one_hot for block in self.blocks):
            return None
        columns = [(block, c) for block in self.blocks for c in range(block.start, block.stop)]
        return torch.tensor([block.start if block.is_one_hot else c for block, c in columns])

    @cached_property
    def _idle_numbers(self) -> tuple[tuple[list[int], list[int]], ...]:
        """Columns of numbers that mean nothing where a state is 1, and the columns of the states."""
        return idle_numbers(self.blocks)

    # --- training ---

    def draw(self, x0: Tensor, generator: torch.Generator, *, t: Tensor | None = None) -> Noised:
        """Noise rows at random times.

        Parameters
        ----------
        x0 : Tensor, shape (n, width)
            Encoded rows.
        generator : torch.Generator
        t : Tensor of int64, shape (n,), default=None
            Times from 1 to T; by default drawn evenly.

        Returns
        -------
        Noised
        """
        if t is None:
            t = torch.randint(1, self.schedule.T + 1, x0.shape[:1], generator=generator, device=generator.device)
        t = t.to(x0.device)
        idle = self._idle(x0)
        if idle is not None:
            # any number would do, but one value would tell the state, and the state the number, round and round
            x0 = torch.where(idle, torch.randn(x0.shape, generator=generator, device=generator.device).to(x0), x0)
        noise = self._noise(x0, generator)
        x_t = self._forward(x0, torch.zeros_like(t), t, noise, generator)
        known = self._draw_known(len(x0), generator).to(x0.device)
        if idle is not None:
            known = known & ~idle
        return Noised(x0, t, noise, torch.where(known, x0, x_t), known)

    def losses(self, denoiser: Denoiser, noised: Noised) -> Tensor:
        """The loss of each row: the mean over its unknown variables (a one-hot block is one variable).

        A number whose source has its usual value, or none, is no variable of the row.

        Parameters
        ----------
        denoiser : callable
        noised : Noised

        Returns
        -------
        Tensor, shape (n,)
        """
        x0, t, noise, x_t, known = noised
        output = self._denoise(denoiser, x_t, t, known)
        parts, unknown, idle = [], [], self._idle(x0)
        unscored = known if idle is None else known | idle
        for variables in self._variables:
            unknown.append(~variables.marked(unscored))
            part, truth = variables.take(output), variables.take(x0)
            if variables.kind == "continuous":
                parts.append(self.gaussian.loss(part, truth, t, variables.take(noise)))
            elif self.state_loss == "kl":
                parts.append(self.schedule.T * self._kl(part, truth, variables.take(x_t), t, variables.kind == "bits"))
            elif variables.kind == "bits":
                parts.append(binary_cross_entropy_with_logits(part, truth, reduction="none"))
            else:
                parts.append(-(truth * torch.log_softmax(part, dim=-1)).sum(dim=-1))
        scored = torch.cat(unknown, dim=1)
        return (torch.cat(parts, dim=1) * scored).sum(dim=1) / scored.sum(dim=1).clamp(min=1)

    # --- sampling ---

    @torch.no_grad()
    def sample(
        self,
        n: int,
        denoiser: Denoiser,
        *,
        generator: torch.Generator,
        n_steps: int = 50,
        clamp: bool = True,
        eta: float = 0.0,
        conditions: Conditions | None = None,
        n_resamples: int = 1,
        batch_size: int = 4096,
        device: torch.device | str = "cpu",
    ) -> Tensor:
        """Draw rows.

        Parameters
        ----------
        n : int
            Number of rows.
        denoiser : callable
        generator : torch.Generator
        n_steps : int, default=50
            Steps from noise to data, at most T (fewer are taken where T is smaller).
        clamp : bool, default=True
            Hold the denoiser's belief about real columns within ``bounds`` at every step.
        eta : float, default=0.0
            Noise of the steps of real columns: 0 for DDIM, 1 for ancestral sampling, whose draws vary too little where
            steps are few. States are always drawn.
        conditions : Conditions, default=None
            Known entries, exact in the end. Where ``known_share`` > 0 the denoiser is told them; else they are replaced
            at every time by noised versions of themselves (RePaint, Lugmayr et al. 2022, Eq. 8), which pulls the other
            columns towards the conditional distribution but does not reach it.
        n_resamples : int, default=1
            How often each step is taken, going back by noise in between (RePaint Algorithm 1, its U), so that the
            other columns come closer to the known ones. Costs as many times more.
        batch_size : int, default=4096
            Rows drawn at a time.
        device : torch.device or str, default="cpu"
            Where the denoiser is.

        Returns
        -------
        Tensor of float32, shape (n, width)

        Raises
        ------
        ValueError
            If numbers are out of range, or the conditions have another shape or name a part of a one-hot block.
        """
        if n_resamples < 1 or n_steps < 1 or n < 0:
            raise ValueError(f"n, n_steps, n_resamples must be positive, got {n!r}, {n_steps!r}, {n_resamples!r}")
        times = strided_times(self.schedule.T, min(n_steps, self.schedule.T))
        values, known = self._checked(conditions, n)
        rows = []
        for start in range(0, n, batch_size):
            m = min(batch_size, n - start)
            part = [a[start : start + m].to(device) for a in (values, known)] if conditions is not None else None
            x = self._prior(torch.zeros(m, self.width, device=device), generator)
            x = self._put_known(x, part, self.schedule.T, generator)
            told = None if part is None else part[1]
            for t, s in times:
                for again in range(n_resamples, 0, -1):
                    x = self._step(x, denoiser, t, s, generator, clamp=clamp, eta=eta, known=told)
                    x = self._put_known(x, part, s, generator)
                    if s == 0 or again == 1:
                        break
                    x = self._put_known(self._noised(x, s, t, generator), part, t, generator)
            rows.append(x)
        return torch.cat(rows) if rows else torch.zeros(0, self.width, device=device)

    def _step(
        self,
        x_t: Tensor,
        denoiser: Denoiser,
        t: int,
        s: int,
        generator: torch.Generator,
        *,
        clamp: bool,
        eta: float,
        known: Tensor | None,
    ) -> Tensor:
        """Draw x_s given x_t."""
        at_t, at_s = (torch.full((len(x_t),), time, device=x_t.device) for time in (t, s))
        output = self._denoise(denoiser, x_t, at_t, torch.zeros_like(x_t, dtype=torch.bool) if known is None else known)
        x_s, noise = torch.empty_like(x_t), self._noise(x_t, generator) if eta else torch.zeros_like(x_t)
        for variables in self._variables:
            part, state = variables.take(output), variables.take(x_t)
            if variables.kind == "continuous":
                x0 = self.gaussian.x0_from(part, state, at_t)
                if clamp and self.bounds is not None:
                    x0 = torch.clamp(x0, *(bound.to(x0)[variables.columns] for bound in self.bounds))
                drawn = self.gaussian.step(x0, state, at_t, at_s, variables.take(noise), eta=eta)
            elif variables.kind == "bits":
                drawn = self.binary.sample(self.binary.reverse(part, state, at_t, at_s), generator)
            else:
                log_p = torch.log_softmax(part, dim=-1)
                drawn = self.multinomial.sample(self.multinomial.log_reverse(log_p, state, at_t, at_s), generator)
            variables.put(x_s, drawn)
        return x_s

    def _kl(self, output: Tensor, x0: Tensor, x_t: Tensor, t: Tensor, is_bits: bool) -> Tensor:
        """The divergence of each variable, shape (n, m)."""
        if is_bits:
            log_p, x0, x_t = log_probabilities_from_logits(output), states_from_bits(x0), states_from_bits(x_t)
        else:
            log_p = torch.log_softmax(output, dim=-1)
        return self.multinomial.kl(log_p, x0, x_t, t)

    def _denoise(self, denoiser: Denoiser, x_t: Tensor, t: Tensor, known: Tensor) -> Tensor:
        time = t / self.schedule.T
        return denoiser(x_t, time, known) if self.known_share > 0 else denoiser(x_t, time)

    def _put_known(self, x: Tensor, part: list[Tensor] | None, t: int, generator: torch.Generator) -> Tensor:
        """Replace known entries at time t: by what they are where the denoiser is told, else noised."""
        if part is None:
            return x
        values, known = part
        return torch.where(known, values if self.known_share > 0 else self._noised(values, 0, t, generator), x)

    def _draw_known(self, n: int, generator: torch.Generator) -> Tensor:
        """Columns that rows are given, shape (n, width)."""
        if self.known_share == 0:
            return torch.zeros(n, self.width, dtype=torch.bool)
        given, any_column, scale = torch.rand(3, n, 1, generator=generator, device=generator.device).cpu()
        is_label = self._is_label
        candidates = is_label | (any_column < 0.5) if bool(is_label.any()) else torch.ones_like(is_label)
        share = candidates.sum(dim=-1, keepdim=True) ** -scale
        drawn = torch.rand(n, self.width, generator=generator, device=generator.device).cpu()
        if self._first_columns is not None:
            drawn = drawn[:, self._first_columns]
        return (drawn < torch.where(given < self.known_share, share, 0.0)) & candidates

    def _idle(self, x0: Tensor) -> Tensor | None:
        """Where a number means nothing, shape (n, width); None where there is no such column."""
        if not self._idle_numbers:
            return None
        idle = torch.zeros(x0.shape, dtype=torch.bool, device=x0.device)
        for numbers, states in self._idle_numbers:
            idle[:, numbers] |= x0[:, states] == 1
        return idle

    def _noised(self, x_s: Tensor, s: int, t: int, generator: torch.Generator) -> Tensor:
        """Draw x_t given x_s, s <= t, all rows at the same times."""
        if s == t:
            return x_s
        at_s, at_t = (torch.full((len(x_s),), time, device=x_s.device) for time in (s, t))
        return self._forward(x_s, at_s, at_t, self._noise(x_s, generator), generator)

    def _forward(self, x_s: Tensor, s: Tensor, t: Tensor, noise: Tensor, generator: torch.Generator) -> Tensor:
        """Draw x_t given x_s, with the Gaussian noise given."""
        x_t = torch.empty_like(x_s)
        for variables in self._variables:
            state = variables.take(x_s)
            if variables.kind == "continuous":
                noised = self.gaussian.q_step(state, s, t, variables.take(noise))
            elif variables.kind == "bits":
                noised = self.binary.q_step(state, s, t, generator)
            else:
                noised = self.multinomial.sample(self.multinomial.log_q(state.log(), t, s), generator)
            variables.put(x_t, noised)
        return x_t

    def _prior(self, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draw x_T: standard normal numbers, evenly drawn states."""
        x = self._noise(like, generator)
        for variables in self._variables:
            state = variables.take(like)
            if variables.kind == "bits":
                variables.put(x, self.binary.sample(torch.full_like(state, 0.5), generator))
            elif variables.kind == "one_hot":
                variables.put(x, self.multinomial.sample(torch.zeros_like(state), generator))
        return x

    def _noise(self, like: Tensor, generator: torch.Generator) -> Tensor:
        """Standard normal noise in the real columns, 0 elsewhere."""
        noise = torch.zeros_like(like)
        for variables in self._variables:
            if variables.kind == "continuous":
                shape = variables.take(like).shape
                drawn = torch.randn(shape, generator=generator, device=generator.device, dtype=like.dtype)
                variables.put(noise, drawn.to(like.device))
        return noise

    def _checked(self, conditions: Conditions | None, n: int) -> tuple[Tensor, Tensor]:
        """Values and mask of the conditions, one row for each row to draw."""
        if conditions is None:
            return torch.zeros(0), torch.zeros(0)
        values, known = conditions.values, conditions.known
        for name, tensor in (("values", values), ("known", known)):
            if tensor.shape not in ((self.width,), (n, self.width)):
                expected = f"({self.width},) or ({n}, {self.width})"
                raise ValueError(f"conditions.{name} has shape {tuple(tensor.shape)}; expected {expected}")
        values, known = values.to(torch.float32).expand(n, -1), known.to(torch.bool).expand(n, -1)
        for block in filter(lambda block: block.is_one_hot, self.blocks):
            part = known[:, block.columns]
            if bool((part.any(dim=1) != part.all(dim=1)).any()):
                raise ValueError(f"conditions name a part of the one-hot block of column {block.sources}; name all")
        return torch.where(known, values, 0.0), known
