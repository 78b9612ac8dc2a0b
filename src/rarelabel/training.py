"""One training loop for all deep methods."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Literal

try:
    import torch
except ImportError as error:
    raise ImportError("rarelabel.training needs PyTorch: pip install 'rarelabel[torch]'") from error

from torch import Tensor, nn

from rarelabel._device import choose_device, forked_rng, limited_threads
from rarelabel._team import Team, join_team

__all__ = ["Batch", "Draw", "Loss", "Record", "Stopped", "TrainingResult", "is_set", "train"]

Batch = Sequence[Tensor]
"""Tensors whose first axis is the rows."""

Draw = Callable[[Batch, torch.Generator], Batch]
"""What is random about a batch (times, noise, masks), drawn before the loss; the rows stay in order."""

Loss = Callable[[Any, Batch], Tensor]
"""From the module and a drawn batch to the loss of each row, shape (n,), or of the batch, shape ()."""

Stopped = Literal["finished", "early", "cancelled", "not finite"]
"""Why training ended."""


@dataclass(frozen=True)
class Record:
    """One line of the history.

    Parameters
    ----------
    step : int
        Steps made.
    n_steps : int
        Steps asked for.
    loss : float
        Mean training loss since the line before.
    held_out_loss : float, default=None
        Of the averaged weights on the held-out rows, where there are any.
    """

    step: int
    n_steps: int
    loss: float
    held_out_loss: float | None = None

    def __str__(self) -> str:
        held_out = "" if self.held_out_loss is None else f", held out {self.held_out_loss:.4g}"
        return f"step {self.step:,} of {self.n_steps:,}: loss {self.loss:.4g}{held_out}"


@dataclass(frozen=True)
class TrainingResult:
    """How training went.

    Parameters
    ----------
    history : tuple of Record
    best_step : int
        The step whose averaged weights the module holds now.
    stopped : {"finished", "early", "cancelled", "not finite"}
        ``"early"``: the held-out loss no longer fell. ``"not finite"``: the loss or its gradient became NaN or
        infinite; the module holds the last weights before.
    n_steps : int
        Steps made.
    """

    history: tuple[Record, ...]
    best_step: int
    stopped: Stopped
    n_steps: int


def train(
    module: nn.Module,
    loss: Loss,
    data: Batch,
    *,
    generator: torch.Generator,
    draw: Draw | None = None,
    row_weights: Tensor | None = None,
    held_out: Batch | None = None,
    n_steps: int = 2000,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    weight_decay: float = 1e-5,
    warmup: int = 0,
    ema: float = 0.999,
    max_norm: float | None = 1.0,
    record_every: int = 100,
    patience: int | None = 5,
    device: str | torch.device = "auto",
    n_threads: int | None = None,
    progress: Callable[[Record], object] | None = None,
    cancel: Callable[[], bool] | Event | None = None,
) -> TrainingResult:
    """Fit a module, in place, to the least mean loss.

    AdamW with a learning rate that falls to 0 along a cosine, gradients clipped by norm, and a moving average of the
    weights, which is what the module holds in the end (in evaluation mode). The average of step k is
    d_k average + (1 - d_k) weights with d_k = min(ema, k / (9 + k)), so that it soon forgets the first weights.

    Started by torchrun, every process computes its share of the same batches and gradients are averaged, so that two
    processes do what one does with the same batch size.

    Parameters
    ----------
    module : torch.nn.Module
    loss : callable
        ``loss(module, batch)`` gives the loss of each row, shape (n,), or a scalar for what is no sum over rows.
    data : sequence of Tensor
        Training rows, with a common first axis.
    generator : torch.Generator
        Of batches, draws and dropout. The same state gives the same weights on the same machine.
    draw : callable, default=None
        ``draw(batch, generator)`` adds what is random; its tensors go to ``loss``.
    row_weights : Tensor, shape (n,), default=None
        Draw the rows of each batch with probability proportional to these, with replacement. By default every row is
        seen once in each epoch.
    held_out : sequence of Tensor, default=None
        Rows whose loss decides when to stop and which weights to keep. Up to eight draws of each are made, once.
    n_steps, batch_size : int, default=2000 and 256
        Where there are fewer rows than ``batch_size``, they come more than once in a batch, each with its own draw.
    learning_rate, weight_decay : float, default=1e-3 and 1e-5
    warmup : int, default=0
        Steps in which the learning rate rises.
    ema : float, default=0.999
        0 takes no average.
    max_norm : float, default=1.0
        Norm to which gradients are clipped; None clips nothing.
    record_every : int, default=100
        Steps between lines of the history and looks at the held-out loss.
    patience : int, default=5
        Stop after as many looks without a lower held-out loss; None never does.
    device : str or torch.device, default="auto"
        The module stays there.
    n_threads : int, default=None
        Threads of torch while training; None leaves their number alone.
    progress : callable, default=None
        Called with every :class:`Record` (by the first process alone).
    cancel : callable or threading.Event, default=None
        Looked at before every step; where true, training ends as it stands.

    Returns
    -------
    TrainingResult

    Raises
    ------
    ValueError
        If a number is out of range, the tensors of ``data`` differ in length, or the very first loss is not finite.

    Examples
    --------
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> module = nn.Linear(1, 1)
    >>> result = train(module, lambda module, batch: ((module(batch[0]) - 3 * batch[0] - 1) ** 2).mean(1), [x],
    ...                generator=torch.Generator().manual_seed(0), learning_rate=0.05, n_steps=500, device="cpu")
    >>> result.stopped, round(module.weight.item(), 2), round(module.bias.item(), 2)
    ('finished', 3.0, 1.0)
    """
    _check(data, n_steps, batch_size, record_every, ema)
    if row_weights is not None and len(row_weights) != len(data[0]):
        raise ValueError(f"row_weights has {len(row_weights)} entries; expected one for each of {len(data[0])} rows")
    if row_weights is not None and not (bool((row_weights >= 0).all()) and 0 < row_weights.sum().item() < math.inf):
        raise ValueError("row_weights must be finite numbers of at least 0, and some above")
    place = choose_device(device)
    team = join_team(place)
    with limited_threads(n_threads), forked_rng(generator, place):
        data = [tensor.to(place) for tensor in data]
        team.broadcast(module.to(place).train())
        average = copy.deepcopy(module).eval().requires_grad_(False)
        best = None if held_out is None else _Best.prepare(loss, held_out, draw, generator, place)
        parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(
            parameters, lr=learning_rate, weight_decay=weight_decay, fused=place.type in ("cpu", "cuda")
        )
        history: list[Record] = []
        recent: list[float] = []
        good = 0  # the last step known to give a finite loss
        for step, rows in enumerate(_batches(len(data[0]), batch_size, row_weights, generator)):
            batch: Batch = [tensor[rows.to(place)] for tensor in data]
            batch = draw(batch, generator) if draw is not None else batch
            value = team.weigh(loss(module, team.share(batch)), batch_size)
            total, cancelled = team.agree(value, is_set(cancel))
            if not math.isfinite(total):
                if step == 0:
                    raise ValueError(f"the first loss is {total}: the data or the module hold NaN or infinite numbers")
                stopped: Stopped = "not finite"
                break
            _update_average(average, module, min(ema, step / (9 + step)))
            good = step
            recent.append(total)
            if step and (step % record_every == 0 or step == n_steps):
                seen = None if best is None else best.look(average, step, team)
                history.append(Record(step, n_steps, sum(recent) / len(recent), seen))
                recent = []
                if progress is not None and team.rank == 0:
                    progress(history[-1])
            if step == n_steps or cancelled or (best is not None and best.is_past(patience)):
                stopped = "finished" if step == n_steps else "cancelled" if cancelled else "early"
                break
            optimizer.param_groups[0]["lr"] = learning_rate * _decay(step, n_steps, warmup)
            if not _descend(value, parameters, optimizer, max_norm, team):
                stopped = "not finite"
                break
        if best is not None and best.step:
            good, weights = best.step, best.weights
        else:
            weights = average.state_dict()
        module.load_state_dict(weights)
        module.eval()
    return TrainingResult(tuple(history), good, stopped, step)


def _descend(
    value: Tensor, parameters: list[nn.Parameter], optimizer: torch.optim.Optimizer, max_norm: float | None, team: Team
) -> bool:
    """One step down the gradient; False, and no step, where the gradient is not finite."""
    optimizer.zero_grad()
    value.backward()  # type: ignore[no-untyped-call]
    team.average_gradients(parameters)
    norm = nn.utils.clip_grad_norm_(parameters, math.inf if max_norm is None else max_norm)
    if not bool(torch.isfinite(norm)):
        return False
    optimizer.step()
    return True


def _decay(step: int, n_steps: int, warmup: int) -> float:
    """The share of the learning rate at a step: up along a line, down along a cosine."""
    return min(1.0, (step + 1) / (warmup + 1)) * (1 + math.cos(math.pi * step / n_steps)) / 2


@torch.no_grad()
def _update_average(average: nn.Module, module: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(list(average.parameters()), list(module.parameters()), 1 - decay)
    for copied, buffer in zip(average.buffers(), module.buffers(), strict=True):
        copied.copy_(buffer)


def _batches(n: int, size: int, row_weights: Tensor | None, generator: torch.Generator) -> Iterator[Tensor]:
    """Batches of row indices without end: one random order of the rows after another, or draws by weight."""
    if row_weights is not None:
        ends = row_weights.to(generator.device, torch.float64).cumsum(0)
        while True:
            drawn = torch.rand(size, dtype=torch.float64, generator=generator, device=generator.device)
            yield torch.searchsorted(ends, drawn * ends[-1], right=True)
    waiting = torch.zeros(0, dtype=torch.int64, device=generator.device)
    while True:
        while len(waiting) < size:
            waiting = torch.cat([waiting, torch.randperm(n, generator=generator, device=generator.device)])
        yield waiting[:size]
        waiting = waiting[size:]


def is_set(cancel: Callable[[], bool] | Event | None) -> bool:
    """Whether the caller wishes training to end."""
    return False if cancel is None else cancel.is_set() if isinstance(cancel, Event) else bool(cancel())


def _check(data: Batch, n_steps: int, batch_size: int, record_every: int, ema: float) -> None:
    if len({len(tensor) for tensor in data}) != 1 or len(data[0]) == 0:
        raise ValueError(f"data must be tensors of one length above 0, got lengths {[len(tensor) for tensor in data]}")
    for name, value in (("n_steps", n_steps), ("batch_size", batch_size), ("record_every", record_every)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value!r}")
    if not 0 <= ema < 1:
        raise ValueError(f"ema must be in [0, 1), got {ema!r}")


@dataclass
class _Best:
    """The held-out rows as drawn once, the least loss on them, and the step and the weights that gave it."""

    loss: Loss
    drawn: Batch
    value: float = math.inf
    step: int = 0
    weights: dict[str, Any] = field(default_factory=dict)
    looks_since: int = 0

    @classmethod
    def prepare(
        cls, loss: Loss, held_out: Batch, draw: Draw | None, generator: torch.Generator, place: torch.device
    ) -> _Best:
        times = 1 if draw is None else max(1, min(8, 8192 // len(held_out[0])))
        batch: Batch = [torch.cat([tensor.to(place)] * times) for tensor in held_out]
        return cls(loss, batch if draw is None else draw(batch, generator))

    @torch.no_grad()
    def look(self, average: nn.Module, step: int, team: Team) -> float:
        """The held-out loss of the averaged weights; keeps them where it is the least so far."""
        value = team.weigh(self.loss(average, team.share(self.drawn)), len(self.drawn[0]))
        total, _ = team.agree(value, False)
        self.looks_since += 1
        if total < self.value:
            self.value, self.step, self.looks_since = total, step, 0
            self.weights = copy.deepcopy(average.state_dict())
        return total

    def is_past(self, patience: int | None) -> bool:
        return patience is not None and self.looks_since >= patience
