"""Algorithm 1 of BalanceMix: an epoch of training, and what is learned of all rows after it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rarelabel._device import forked_rng, torch_generator
from rarelabel._team import Team
from rarelabel.augmentation._label_manager import LabelManager, Trusted, Unlearned
from rarelabel.augmentation._losses import AsymmetricLoss, reliability_weighted_bce
from rarelabel.augmentation._managed_labels import ManagedLabels
from rarelabel.augmentation._methods import Method
from rarelabel.augmentation._minority_sampler import MinoritySampler
from rarelabel.augmentation._mixup import mixing_weights, mixup
from rarelabel.augmentation._rows import Request, RowLoader
from rarelabel.augmentation._streams import Purpose, random_stream
from rarelabel.classifiers import balanced_weights
from rarelabel.training import is_set

__all__ = ["Diverged", "Epoch", "Run", "Settings", "default_warmup", "given_losses", "split"]

_N_VIEWS = 2  # of each row, for re-labelling; the first of them is trained on


class Diverged(Exception):
    """A logit, a loss or a gradient is not finite."""


@dataclass(frozen=True)
class Settings:
    """What decides the course of training besides the data, the module and its optimizer; see :class:`BalanceMix`."""

    method: Method
    epochs: int
    warmup: int
    batch_size: int
    augment: bool
    alpha: float
    mix_per_row: bool
    epsilon: float
    unlearned: Unlearned
    trusted: Trusted | None
    reg_covar: float
    temperature: float
    positives_only: bool
    class_weight: str | None
    max_norm: float | None
    seed: int

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("warmup", 0), ("batch_size", 1)):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
            object.__setattr__(self, name, int(value))  # what a state file and torch take
        if self.method.kinds and self.warmup < 1:
            raise ValueError("warmup must be at least 1 where labels are managed: losses tell nothing before it")
        if self.class_weight not in (None, "balanced"):
            raise ValueError(f"class_weight must be 'balanced' or None, got {self.class_weight!r}")
        if self.max_norm is not None and not self.max_norm > 0:
            raise ValueError(f"max_norm must be above 0, or None, got {self.max_norm!r}")
        mixing_weights(0, alpha=self.alpha)
        self.make_manager()
        if not (self.temperature > 0 and math.isfinite(self.temperature)):
            raise ValueError(f"temperature must be a number above 0, got {self.temperature!r}")
        for name in ("alpha", "epsilon", "reg_covar", "temperature", "max_norm"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else float(value))

    def warn_of_warmup(self) -> None:
        if self.method.kinds and self.warmup >= self.epochs:
            warnings.warn(
                f"BalanceMix: warmup={self.warmup} takes all of epochs={self.epochs}, so labels are never managed: "
                "right and wrong ones are trained on as given",
                UserWarning,
                stacklevel=3,
            )

    def make_manager(self) -> LabelManager:
        return LabelManager(
            epsilon=self.epsilon, unlearned=self.unlearned, trusted=self.trusted, reg_covar=self.reg_covar
        )


def default_warmup(epochs: Any, share: int) -> int:
    """One of every ``share`` epochs, at least one; epochs that are no whole number are refused by :class:`Settings`."""
    return max(1, int(epochs) // share) if isinstance(epochs, int | np.integer) else 1


@dataclass(frozen=True)
class Epoch:
    """What an epoch gave: its mean loss, the labels it trained with once warm-up is over, and whether it was whole."""

    loss: float
    managed: ManagedLabels | None
    cancelled: bool = False


@dataclass(eq=False)
class Run:
    """Everything that takes part in training.

    Parameters
    ----------
    model, optimizer : torch.nn.Module, torch.optim.Optimizer
    settings : Settings
    rows : RowLoader
        Of the training rows.
    Y : ndarray of bool, shape (n, K)
    label_names : tuple of str, shape (K,)
    sampler : MinoritySampler
    manager : LabelManager
    team : Team
    place : torch.device
    amp : torch.dtype or None
        Type in which the module computes; None: its own.
    logits : Tensor of float32, shape (n, K), default=None
        Of all rows as they are, from the end of the last epoch, on the CPU.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    settings: Settings
    rows: RowLoader
    Y: NDArray[np.bool_]
    label_names: tuple[str, ...]
    sampler: MinoritySampler
    manager: LabelManager
    team: Team
    place: torch.device
    amp: torch.dtype | None
    logits: Tensor | None = None

    def __post_init__(self) -> None:
        self.rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.loss: Callable[..., Tensor] = partial(reliability_weighted_bce, reduction="none")
        if self.settings.method.loss == "asl":
            self.loss = AsymmetricLoss(reduction="none")
        if self.settings.class_weight is not None:
            self.loss = partial(_balanced, self.loss, torch.from_numpy(balanced_weights(self.Y)).to(self.place))
        self.targets = torch.from_numpy(self.Y).float()
        self.is_double = any(parameter.dtype == torch.float64 for parameter in self.model.parameters())

    @property
    def n_steps(self) -> int:
        """Steps of an epoch."""
        return _n_batches(len(self.Y), self.settings.batch_size)

    def rehearse(self) -> None:
        """Send a few rows through the module as they are, and views of them, so that what does not fit is known now.

        Lazy modules have their weights after it.

        Raises
        ------
        ValueError
            If the module does not give a logit for each label.

        Warns
        -----
        UserWarning
            If views are whole numbers and rows as they are not, or the reverse.
        """
        rows = replace(self.rows, team=Team(), num_workers=0)
        few = np.arange(min(2, len(self.Y)))
        [[tensors]] = rows.load([[Request(few, int(rows.has_views), True, ("view", 0, 0))]])
        kinds = [("floats" if x.is_floating_point() else "whole numbers", x.dtype) for x in tensors]
        if len({kind for kind, _ in kinds}) > 1:
            (plain, of_plain), (viewed, of_view) = kinds
            warnings.warn(
                f"BalanceMix: a view gives {viewed} ({of_view}), and a row as it is, from transform if there is one, "
                f"{plain} ({of_plain}); the module is trained on the one and predicts from the other",
                UserWarning,
                stacklevel=3,
            )
        with forked_rng(torch_generator(random_stream(self.settings.seed, "dropout")), self.place), torch.no_grad():
            for x in tensors:  # one by one: views may have another shape
                self.evaluate([x])

    def train_epoch(self, epoch: int, cancel: Callable[[], bool] | Event | None = None) -> Epoch:
        """The inner loop of Algorithm 1.

        Parameters
        ----------
        epoch : int
            Counted from 0.
        cancel : callable or threading.Event, default=None

        Returns
        -------
        Epoch

        Raises
        ------
        Diverged
            Before a step is taken with a loss or gradient that is not finite.
        """
        method, settings = self.settings.method, self.settings
        parts: dict[Purpose, list[NDArray[np.intp]]] = {
            "view": self._split(random_stream(settings.seed, "order", epoch).permutation(len(self.Y)))
        }
        if method.partner is not None:
            parts["partner view"] = self._split(self._partners(epoch))
        decisions = _Decisions.of(self) if method.kinds and epoch >= settings.warmup else None
        plan = [
            [self._request(rows[step], purpose, epoch, step, decisions is not None) for purpose, rows in parts.items()]
            for step in range(self.n_steps)
        ]
        total = 0.0
        for step, loaded in enumerate(self.rows.load(plan)):
            x, weights = [tensors[0] for tensors in loaded], None
            mine = [request.rows[self.team.rank :: self.team.size] for request in plan[step]]
            y = [self.targets[torch.from_numpy(rows)] for rows in mine]
            if decisions is not None:
                y, weights = decisions.manage(self, mine, [tensors[-_N_VIEWS:] for tensors in loaded])
            n_rows = len(plan[step][0].rows)
            if method.partner is not None:
                generator = torch_generator(random_stream(settings.seed, "mix", epoch, step))
                lam = mixing_weights(n_rows, alpha=settings.alpha, per_row=settings.mix_per_row, generator=generator)
                (x[0], y[0]), _ = mixup((x[0], y[0]), (x[1], y[1]), lam=lam[self.team.rank :: self.team.size])
            value, cancelled = self._descend((x[0], y[0], weights), n_rows, epoch, step, is_set(cancel))
            if cancelled:
                return Epoch(total / max(step, 1), None, cancelled=True)
            total += value
        self.team.broadcast(self.model)  # buffers may have gone apart
        return Epoch(total / self.n_steps, None if decisions is None else decisions.result(self.team))

    def look_at_all_rows(self, epoch: int) -> None:
        """The end of an epoch in Algorithm 1: new confidences and losses for the sampler and the label manager.

        Raises
        ------
        Diverged
            If a logit is not finite.
        """
        if self.settings.method.needs_confidences:
            self.logits = self.predict(self.rows)
            self.fit_manager(epoch)
            if self.settings.method.partner == "minority":
                self.sampler.update(self.logits.sigmoid())

    def fit_manager(self, epoch: int) -> None:
        """Fit the mixtures to the losses at the end of an epoch, if the next one needs them."""
        if self.logits is not None and self.settings.method.kinds and epoch + 1 >= self.settings.warmup:
            self.manager.fit(given_losses(self.logits, self.Y), self.Y)

    @torch.no_grad()
    def predict(self, rows: RowLoader, n_views: int = 0, purpose: Purpose = "review") -> Any:
        """Logits of all rows of a dataset as they are, or a list of those of views; float32, on the CPU.

        Raises
        ------
        Diverged
            If one is not finite.
        ValueError
            If there are no rows, or fewer than processes.
        """
        n = len(rows.dataset)
        batches = split(np.arange(n), 4 * self.settings.batch_size, self.team)
        plan = [[Request(batch, n_views, not n_views, (purpose, 0, step))] for step, batch in enumerate(batches)]
        found = [torch.zeros(n, len(self.label_names)) for _ in range(max(n_views, 1))]
        for batch, [loaded] in zip(batches, rows.load(plan), strict=True):
            mine = torch.from_numpy(batch[self.team.rank :: self.team.size])
            for logits, x in zip(found, loaded, strict=True):
                logits[mine] = torch.cat(self.evaluate(torch.split(x, self.settings.batch_size))).cpu()
        found = [self.team.gather(logits) for logits in found]
        if not all(bool(torch.isfinite(logits).all()) for logits in found):
            raise Diverged
        return found if n_views else found[0]

    @torch.no_grad()
    def evaluate(self, batches: Sequence[Tensor]) -> list[Tensor]:
        """Logits of batches, as the module gives them in use.

        Together on a GPU. On a CPU one by one: in its cache pictures of 128 pixels took two thirds of the time.
        """
        self.model.eval()
        if self.place.type == "cpu":
            return [self._forward(x) for x in batches]
        return list(torch.split(self._forward(torch.cat(list(batches))), [len(x) for x in batches]))

    @staticmethod
    def blame(weights: Mapping[str, Tensor], rows: RowLoader) -> str:
        """Which weights that training began with, or which rows, are not finite; empty where all are."""
        bad = [name for name, tensor in weights.items() if not bool(torch.isfinite(tensor).all())]
        return f"the module came with NaN or infinity in {bad[0]!r}" if bad else rows.blame()

    def _forward(self, x: Tensor) -> Tensor:
        if x.dtype == torch.float64 and not self.is_double:  # as NumPy and pandas have numbers
            x = x.float()
        with torch.autocast(self.place.type, self.amp) if self.amp else nullcontext():
            logits: Tensor = self.model(x)
        if not isinstance(logits, Tensor):
            raise TypeError(f"the module gives a {type(logits).__name__}, expected a tensor of logits")
        if logits.shape != (len(x), len(self.label_names)):
            raise ValueError(
                f"the module gives an output of shape {tuple(logits.shape)} for {len(x)} rows; expected a logit for "
                f"each of {len(self.label_names)} labels"
            )
        return logits.float()

    def _descend(
        self, batch: tuple[Tensor, Any, Any], n_rows: int, epoch: int, step: int, wish: bool
    ) -> tuple[float, bool]:
        """One step of the optimizer; its loss, and whether any process was told to end before it."""
        x, y, weights = batch
        self.model.train()
        self.optimizer.zero_grad()
        at = torch_generator(random_stream(self.settings.seed, "dropout", epoch, step, self.team.rank))
        with forked_rng(at, self.place):
            logits = self._forward(x)
        if bool(torch.isfinite(logits).all()):
            losses = self.loss(logits, y, weights).sum(dim=1)
            value = losses.mean() if self.team.size == 1 else self.team.weigh(losses, n_rows)
        else:
            value = logits.sum() * math.nan
        total, cancelled = self.team.agree(value, wish)
        if cancelled:
            return total, True
        if not math.isfinite(total):
            raise Diverged
        value.backward()  # type: ignore[no-untyped-call]
        self.team.average_gradients(self.parameters)
        max_norm = math.inf if self.settings.max_norm is None else self.settings.max_norm
        if not bool(torch.isfinite(nn.utils.clip_grad_norm_(self.parameters, max_norm))):
            raise Diverged
        done = (epoch * self.n_steps + step) / (self.settings.epochs * self.n_steps)
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * (1 + math.cos(math.pi * done)) / 2
        self.optimizer.step()
        return total, False

    def _split(self, rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        return split(rows, self.settings.batch_size, self.team)

    def _partners(self, epoch: int) -> NDArray[np.intp]:
        if self.settings.method.partner == "random":
            return random_stream(self.settings.seed, "partner", epoch).permutation(len(self.Y))
        self.sampler.set_epoch(epoch)
        return np.array(list(self.sampler))

    def _request(self, rows: NDArray[np.intp], purpose: Purpose, epoch: int, step: int, managing: bool) -> Request:
        """What a step needs of its rows: what is trained on comes first, what is looked at for re-labelling last."""
        has_views = self.rows.has_views
        is_view = has_views and self.settings.augment
        looks = managing and has_views and "relabelled" in self.settings.method.kinds
        return Request(rows, _N_VIEWS if looks else int(is_view), not is_view, (purpose, epoch, step))


def split(rows: NDArray[np.intp], size: int, team: Team) -> list[NDArray[np.intp]]:
    """Batches of nearly equal size, at most ``size`` rows, but three for the last of an odd number in batches of two.

    A batch of a single row has no batch normalisation.

    Raises
    ------
    ValueError
        If there are no rows, or a batch has fewer than there are processes.

    Examples
    --------
    >>> split(np.arange(7), 3, Team())
    [array([0, 1, 2]), array([3, 4]), array([5, 6])]
    """
    if len(rows) == 0:
        raise ValueError("there are no rows; expected at least one")
    n_batches = _n_batches(len(rows), size)
    if len(rows) // n_batches < team.size:
        raise ValueError(f"{len(rows)} rows in batches of at most {size} are too few for {team.size} processes")
    return np.array_split(rows, n_batches)


def _n_batches(n: int, size: int) -> int:
    n_batches = math.ceil(n / size)
    return n_batches if size == 1 else max(1, min(n_batches, n // 2))


def _balanced(loss: Callable[..., Tensor], of_values: Tensor, logits: Tensor, y: Any, weights: Any = None) -> Tensor:
    """The loss with a weight for each value of each label, shape (2, K); it is linear in y."""
    y = torch.as_tensor(y).to(logits)
    present, absent = (loss(logits, torch.full_like(y, value), weights) for value in (1.0, 0.0))
    return of_values[1] * y * present + of_values[0] * (1 - y) * absent


def given_losses(logits: Tensor, Y: NDArray[np.bool_]) -> Tensor:
    """Loss of every given label, shape (n, K)."""
    return reliability_weighted_bce(logits, Y, reduction="none")


@dataclass(frozen=True, eq=False)
class _Decisions:
    """What an epoch decides about the labels of the random rows, of which it sees each once.

    Parameters
    ----------
    managed : ManagedLabels
        Of all rows, by their losses alone.
    labels, relabelled : ndarray of bool, shape (n, K)
        Filled as rows are seen.
    """

    managed: ManagedLabels
    labels: NDArray[np.bool_]
    relabelled: NDArray[np.bool_]

    @classmethod
    def of(cls, run: Run) -> _Decisions:
        assert run.logits is not None, "all rows are looked at before labels are managed"
        managed = run.manager.manage(given_losses(run.logits, run.Y), run.Y)
        return cls(managed, np.zeros_like(run.Y), np.zeros_like(run.Y))

    def manage(
        self, run: Run, parts: Sequence[NDArray[np.intp]], views: Sequence[Sequence[Tensor]]
    ) -> tuple[list[Tensor], Tensor]:
        """Labels of the rows of each part, and weights of those of the first, the random rows (Eqs. 8-10)."""
        rows, kinds, confidences = np.concatenate(parts), run.settings.method.kinds, None
        if "relabelled" in kinds:
            seen = run.evaluate([x for view in zip(*views, strict=True) for x in view])
            if not all(bool(torch.isfinite(logits).all()) for logits in seen):
                # a loss that is not finite ends training in all processes
                given = [run.targets[torch.from_numpy(part)] for part in parts]
                return given, torch.full_like(given[0], math.nan)
            confidences = [torch.cat(seen[k : k + len(parts)]).sigmoid() for k in range(0, len(seen), len(parts))]
        found = run.manager.manage(self.managed.losses[rows], run.Y[rows], confidences)
        first = parts[0]
        n = len(first)
        self.labels[first], self.relabelled[first] = found.labels[:n], found.relabelled[:n]
        weights = found.weights if "ambiguous" in kinds else found.clean | found.relabelled
        labels = torch.from_numpy(found.labels).float()
        return list(torch.split(labels, [len(part) for part in parts])), torch.from_numpy(weights[:n]).float()

    def result(self, team: Team) -> ManagedLabels:
        """Of all rows, whichever process saw them."""
        labels, relabelled = (
            team.gather(torch.from_numpy(mask.astype(np.uint8))).numpy().astype(bool)
            for mask in (self.labels, self.relabelled)
        )
        weights = np.where(self.managed.clean | relabelled, 1.0, self.managed.clean_probability)
        return replace(self.managed, labels=labels, relabelled=relabelled, weights=weights)
