"""BalanceMix around any module and any dataset: Algorithm 1, and the methods it is compared with."""

from __future__ import annotations

import copy
import os
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from threading import Event
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray

try:
    import torch
except ImportError as error:
    raise ImportError("BalanceMix needs PyTorch: pip install 'rarelabel[torch]'") from error

from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from rarelabel._device import choose_device, limited_threads
from rarelabel._random import RandomState, check_random_state
from rarelabel._team import Team, join_team
from rarelabel.augmentation._balancemix_record import EpochRecord
from rarelabel.augmentation._balancemix_run import Diverged, Epoch, Run, Settings, default_warmup, given_losses
from rarelabel.augmentation._balancemix_state import begin_state, check_state, write_state
from rarelabel.augmentation._inputs import as_truth
from rarelabel.augmentation._label_manager import Trusted, Unlearned
from rarelabel.augmentation._managed_labels import ManagedLabels, ManagementScores
from rarelabel.augmentation._methods import Method, find_method
from rarelabel.augmentation._minority_sampler import MinoritySampler
from rarelabel.augmentation._rows import BatchView, RowLoader, Transform, View, labels_of, split_held_out
from rarelabel.augmentation._suspicious import SuspiciousLabels
from rarelabel.metrics import mean_average_precision

__all__ = ["BalanceMix", "Stopped"]

Stopped = Literal["finished", "cancelled", "not finite"]
"""Why training ended."""

_HELD_OUT = "the held-out dataset"
_MANY_REMOVED = 1 / 3
_NOT_FINITE = "a logit, a loss or a gradient is not finite"


@final
class BalanceMix:
    r"""Train a network on labels that are rare and partly wrong (Song et al. 2024, Algorithm 1).

    Every step takes a batch of rows in random order and one of a :class:`MinoritySampler`. In warm-up both are mixed
    with the labels as given. After it a :class:`LabelManager` sorts the labels of both, by losses and by what the
    network says to two views of each row; they are mixed (:func:`mixup`), and labels that stay doubtful count less
    (:func:`reliability_weighted_bce`). After each epoch all rows are predicted as they are, without augmentation and
    dropout; from this the sampler takes its confidences, and the manager the losses to which it fits its mixtures and
    by which it judges labels throughout the next epoch.

    Parameters
    ----------
    model : torch.nn.Module
        From a batch of inputs to logits, shape (b, K). Trained in place; it stays on the device.
    method : str or Method, default="balancemix"
        A name of :data:`METHODS`: ``"bce"``, ``"mixup"``, ``"minority"``, ``"clean"``, ``"relabelled"`` and
        ``"balancemix"`` are the steps of the paper's ablation (Table 5), ``"asl"`` and ``"asl-mixup"`` the asymmetric
        loss. All run through the same loop, with the same rows in the same order.
    epochs : int, default=20
        Passes over the rows.
    warmup : int, default=None
        Passes before labels are managed. None: a quarter of the epochs, at least 1; of 20 epochs 5, as for Pascal VOC
        in the paper.
    batch_size : int, default=32
        Rows of a step at most; batches of an epoch are of nearly equal size.
    view : callable, default=None
        ``view(item, rng)`` gives one random view of an item of the dataset as a tensor; rng is a NumPy ``Generator``.
        Worker processes call it. Without views, rows are looked at as they are.
    batch_view : callable, default=None
        ``batch_view(x, generator)`` gives a view of each row of a batch at once, instead of ``view``; generator is a
        ``torch.Generator`` on the CPU.
    transform : callable, default=None
        ``transform(item)`` gives the tensor of an item as it is; None: ``torch.as_tensor``.
    augment : bool, default=True
        Whether rows that are trained on are views too. False: only re-labelling looks at views.
    optimizer : callable, default=None
        From parameters to a ``torch.optim.Optimizer``; None: SGD with the next three. Its learning rates fall to 0
        along a cosine, step by step.
    learning_rate, momentum, weight_decay : float, default=0.01, 0.9 and 1e-4
    max_norm : float, default=None
        Norm to which gradients are clipped; None clips nothing.
    alpha, mix_per_row : float and bool, default=4.0 and True
        ``alpha`` and ``per_row`` of :func:`mixup`.
    epsilon, unlearned, trusted, reg_covar : default=0.975, "manage", None and 0.01
        Of :class:`LabelManager`; ``epsilon`` is 0.55 where only one positive of a row is known.
    temperature, positives_only : float and bool, default=1.0 and False
        Of :class:`MinoritySampler`.
    class_weight : "balanced" or None, default=None
        With "balanced" the positives of a label weigh as much in the loss as its negatives, by the labels as given.
    amp : "auto" or bool, default="auto"
        Whether the module computes in bfloat16 (losses stay in float32). ``"auto"``: on a GPU that has it.
    device : str or torch.device, default="auto"
    num_workers : int, default=0
        Processes that load rows; they do not change the result.
    n_threads : int, default=None
        Threads of torch while training; None leaves their number alone.
    random_state : int, Generator, RandomState or None, default=None
        An int is the seed itself.

    Attributes
    ----------
    history_ : tuple of EpochRecord
        One for each epoch done.
    stopped_ : {"finished", "cancelled", "not finite"}
        ``"not finite"``: a logit, a loss or a gradient became NaN or infinite; the module holds the weights after the
        last good epoch.
    n_epochs_ : int
        Epochs done.
    seed_ : int
    label_names_ : tuple of str, shape (K,)
    sampler_ : MinoritySampler
    manager_ : LabelManager

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    TypeError
        If ``optimizer`` is an optimizer.

    Notes
    -----
    The same seed gives the same bytes on the same machine with as many threads, whatever the number of workers, and
    where a run was killed and went on from its state. On a GPU this holds as far as its operations are deterministic.
    Started by torchrun, every process loads and computes its share of the same batches; random numbers inside of the
    module (dropout), and batch normalisation, which goes by the share, then differ from those of one process.

    References
    ----------
    H. Song, M. Kim and J.-G. Lee (2024), "Toward robustness in multi-label classification: a data augmentation strategy
    against imbalance and noise", AAAI; arXiv 2312.07087.

    Examples
    --------
    >>> import torch
    >>> from rarelabel.augmentation import BalanceMix
    >>> from rarelabel.datasets import flip_labels, make_imbalanced_multilabel
    >>> data, _ = make_imbalanced_multilabel(400, 20, 4, class_sep=1.5, random_state=0)
    >>> noisy = flip_labels(data.Y, 0.2, random_state=1)
    >>> X = torch.tensor(data.X).float()
    >>> network = torch.nn.Linear(20, 4)
    >>> trained = BalanceMix(network, epochs=10, warmup=3, epsilon=0.9, random_state=0).fit(X, noisy.Y)
    >>> scores = trained.score_labels(data.Y)
    >>> scores.clean_precision > 0.9
    True
    >>> trained.predict_proba(X).shape
    (400, 4)
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        method: str | Method = "balancemix",
        epochs: int = 20,
        warmup: int | None = None,
        batch_size: int = 32,
        view: View | None = None,
        batch_view: BatchView | None = None,
        transform: Transform | None = None,
        augment: bool = True,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer] | None = None,
        learning_rate: float = 0.01,
        momentum: float = 0.9,
        weight_decay: float = 1e-4,
        max_norm: float | None = None,
        alpha: float = 4.0,
        mix_per_row: bool = True,
        epsilon: float = 0.975,
        unlearned: Unlearned = "manage",
        trusted: Trusted | None = None,
        reg_covar: float = 0.01,
        temperature: float = 1.0,
        positives_only: bool = False,
        class_weight: Literal["balanced"] | None = None,
        amp: Literal["auto"] | bool = "auto",
        device: str | torch.device = "auto",
        num_workers: int = 0,
        n_threads: int | None = None,
        random_state: RandomState = None,
    ) -> None:
        if optimizer is not None and not callable(optimizer):
            kind = type(optimizer).__name__
            raise TypeError(f"optimizer is a {kind}, expected what makes one, such as lambda p: {kind}(p, lr=0.1)")
        if view is not None and batch_view is not None:
            raise ValueError("view and batch_view are both given; expected one of them: of single rows, or of batches")
        if amp not in ("auto", True, False):
            raise ValueError(f"amp must be 'auto', True or False, got {amp!r}")
        self.model = model
        self.view, self.batch_view, self.transform = view, batch_view, transform
        self.optimizer = optimizer
        if not 0 <= learning_rate < float("inf"):
            raise ValueError(f"the learning rate must be a number of at least 0, got {learning_rate!r}")
        self.sgd: dict[str, Any] = {"lr": float(learning_rate), "momentum": momentum, "weight_decay": weight_decay}
        self.amp, self.device = amp, device
        self.num_workers, self.n_threads = num_workers, n_threads
        if optimizer is None:
            SGD([nn.Parameter(torch.zeros(1))], **self.sgd)  # refuses rates that it cannot use
        is_int = isinstance(random_state, int | np.integer)
        rng = check_random_state(random_state)
        self.seed_ = int(random_state) if is_int else int(rng.integers(2**63))  # type: ignore[arg-type]
        self.settings = Settings(
            method=find_method(method),
            epochs=epochs,
            warmup=default_warmup(epochs, 4) if warmup is None else warmup,
            batch_size=batch_size,
            augment=augment,
            alpha=alpha,
            mix_per_row=mix_per_row,
            epsilon=epsilon,
            unlearned=unlearned,
            trusted=trusted,
            reg_covar=reg_covar,
            temperature=temperature,
            positives_only=positives_only,
            class_weight=class_weight,
            max_norm=max_norm,
            seed=self.seed_,
        )

    def fit(
        self,
        dataset: Any,
        Y: Any = None,
        *,
        Y_true: Any = None,
        held_out: Any = None,
        state: str | os.PathLike[str] | None = None,
        resume: bool = True,
        progress: Callable[[EpochRecord], object] | None = None,
        cancel: Callable[[], bool] | Event | None = None,
    ) -> Self:
        """Train the module.

        Parameters
        ----------
        dataset : map-style dataset or tensor
            ``dataset[i]`` is an input, or a tuple that begins with one. Where it has ``__getitems__``, rows are fetched
            by that, as a list or as one tensor.
        Y : anything :func:`~rarelabel._validation.validate_labels` takes, or tensor, shape (n, K), default=None
            The given labels. None: the attribute ``Y`` of the dataset, the second tensor of a ``TensorDataset``, else
            every item is read once for its second part. An array or a tensor has no names of labels; they then come
            from the attribute ``label_names`` of the dataset, if it has one.
        Y_true : as Y, default=None
            The truth, where noise was added on purpose: the history then says how right the managed labels are.
        held_out : dataset with labels, or tuple of dataset and labels, default=None
            Its mean average precision is in the history. Its labels, and those of ``Y_true``, are matched with Y by
            name where both have names, else by position.
        state : path-like, default=None
            A file written before the first epoch and after each, from which an interrupted run goes on exactly.
        resume : bool, default=True
            Whether to go on from the file where there is one; otherwise it is replaced.
        progress : callable, default=None
            Called with every :class:`EpochRecord` (by the first process alone).
        cancel : callable or threading.Event, default=None
            Looked at before every step; where true, training ends as it stands.

        Returns
        -------
        BalanceMix

        Raises
        ------
        TypeError
            If the dataset gives no rows by number, such as a ``DataLoader``.
        ValueError
            If labels, shapes or outputs of the module do not fit, if logits or the loss are not finite in the very
            first epoch, or if the state is of another run.
        OSError
            If there is no folder for the state.

        Warns
        -----
        UserWarning
            If warm-up takes all epochs, so that no labels are managed.
        """
        if state is not None:
            check_state(state)
        self.settings.warn_of_warmup()
        place = choose_device(self.device)
        team = join_team(place)
        with limited_threads(self.n_threads):
            run = self._run = self._make_run(dataset, Y, place, team)
            held = None if held_out is None else self._held_out(held_out, run)
            truth = None if Y_true is None else as_truth(Y_true, run.label_names, len(run.Y))
            self.label_names_, self.sampler_, self.manager_ = run.label_names, run.sampler, run.manager
            self.history_: tuple[EpochRecord, ...] = ()
            self.stopped_: Stopped = "finished"
            run.rehearse()
            if state is not None:
                self.history_ = begin_state(state, run, resume=resume)
            team.broadcast(run.model)
            try:
                while len(self.history_) < self.settings.epochs:
                    record = self._epoch(run, held, truth, cancel)
                    if record is None:
                        break
                    self.history_ = (*self.history_, record)
                    if team.rank == 0 and state is not None:
                        write_state(state, run, self.history_)
                    if team.rank == 0 and progress is not None:
                        progress(record)
            finally:
                run.rows.close()
                run.model.eval()
        self.n_epochs_ = len(self.history_)
        return self

    def predict_proba(self, dataset: Any) -> NDArray[np.float64]:
        """Probability of each label of each row.

        Parameters
        ----------
        dataset : as in :meth:`fit`
            Labels it may have are not looked at.

        Returns
        -------
        ndarray of float in [0, 1], shape (m, K)

        Raises
        ------
        ValueError
            If nothing was fitted, or a logit is not finite.
        """
        run = self._fitted()
        with limited_threads(self.n_threads):
            return self._predicted(run, self._loader(dataset, run.place, run.team))

    def managed_labels(self) -> ManagedLabels:
        """What the trained network and a label manager say about the labels of the training rows.

        All rows are predicted as they are, mixtures are fitted to their losses, and two views of each are looked at.
        Any method has this, also those that train with the labels as given.

        Returns
        -------
        ManagedLabels

        Raises
        ------
        ValueError
            As :meth:`predict_proba`.
        """
        run = self._fitted()
        with limited_threads(self.n_threads):
            try:
                logits = run.predict(run.rows)
                views = run.predict(run.rows, 2) if run.rows.has_views else [logits]
            except Diverged:
                raise ValueError(_NOT_FINITE) from None
            finally:
                run.rows.close()
        losses = given_losses(logits, run.Y)
        found = self.settings.make_manager().fit(losses, run.Y).manage(losses, run.Y, [v.sigmoid() for v in views])
        return replace(found, label_names=run.label_names)

    def suspicious_labels(self, top: int | None = None, *, row_names: Any = None) -> SuspiciousLabels:
        """List given labels of the training rows that are probably wrong; see :meth:`ManagedLabels.suspicious`."""
        return self.managed_labels().suspicious(top, row_names=row_names)

    def score_labels(self, Y_true: Any) -> ManagementScores:
        """Compare :meth:`managed_labels` with the truth; see :meth:`ManagedLabels.score`."""
        return self.managed_labels().score(Y_true)

    def _make_run(self, dataset: Any, Y: Any, place: torch.device, team: Team) -> Run:
        labels = labels_of(dataset, Y, "the dataset")
        model, settings = self.model.to(place), self.settings
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        return Run(
            model=model,
            optimizer=SGD(parameters, **self.sgd) if self.optimizer is None else self.optimizer(parameters),
            settings=settings,
            rows=self._loader(dataset, place, team),
            Y=labels.Y,
            label_names=labels.names,
            sampler=MinoritySampler(
                labels.Y,
                temperature=settings.temperature,
                positives_only=settings.positives_only,
                random_state=settings.seed,
            ),
            manager=settings.make_manager(),
            team=team,
            place=place,
            amp=self._amp_type(place),
        )

    def _loader(self, dataset: Any, place: torch.device, team: Team) -> RowLoader:
        views = self.transform, self.view, self.batch_view
        return RowLoader(dataset, *views, self.seed_, self.num_workers, team, place)

    def _held_out(self, held_out: Any, run: Run) -> tuple[RowLoader, NDArray[np.bool_]]:
        dataset, Y = split_held_out(held_out)
        labels = labels_of(dataset, Y, _HELD_OUT, min_classes=1).in_order(run.label_names, _HELD_OUT)
        return self._loader(dataset, run.place, run.team), labels

    def _amp_type(self, place: torch.device) -> torch.dtype | None:
        is_on = self.amp
        if self.amp == "auto":
            is_on = place.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if is_on else None

    def _epoch(
        self,
        run: Run,
        held_out: tuple[RowLoader, NDArray[np.bool_]] | None,
        truth: NDArray[np.bool_] | None,
        cancel: Callable[[], bool] | Event | None,
    ) -> EpochRecord | None:
        """The next epoch; None, and why in ``stopped_``, where training ends before it is done."""
        number, start = len(self.history_), time.perf_counter()
        before, which, rows = copy.deepcopy(run.model.state_dict()), "training", run.rows
        try:
            done = run.train_epoch(number, cancel)
            if done.cancelled:
                self.stopped_ = "cancelled"
                return None
            run.look_at_all_rows(number)
            seen = None
            if held_out is not None:
                which, rows = "held-out", held_out[0]
                seen = mean_average_precision(held_out[1], run.predict(rows).numpy())
        except Diverged:
            run.model.load_state_dict(before)
            what = f"{_NOT_FINITE} for {which} rows"
            if number == 0:
                del self._run
                why = run.blame(before, rows) or "a smaller learning rate may help"
                raise ValueError(f"{what} in the first epoch: {why}") from None
            self.stopped_ = "not finite"
            warnings.warn(
                f"BalanceMix: {what} in epoch {number + 1}; the module has the weights after epoch {number}",
                UserWarning,
                stacklevel=3,
            )
            return None
        return self._record(run, done, truth, time.perf_counter() - start, seen)

    def _record(
        self, run: Run, done: Epoch, truth: NDArray[np.bool_] | None, seconds: float, held_out_map: float | None
    ) -> EpochRecord:
        managed, p = done.managed, run.sampler.probabilities_
        shares = {} if managed is None else {name: float(s.mean()) for name, s in managed.shares().items()}
        removed = None if managed is None else managed.positives_removed
        if removed is not None and removed > _MANY_REMOVED:
            self._warn_of_removed_positives(removed)
        return EpochRecord(
            epoch=len(self.history_) + 1,
            n_epochs=self.settings.epochs,
            loss=done.loss,
            seconds=seconds,
            **shares,
            spread=float(p.max() / p.min()) if self.settings.method.partner == "minority" else None,
            held_out_map=held_out_map,
            scores=None if managed is None or truth is None else managed.score(truth),
            positives_removed=removed,
        )

    def _warn_of_removed_positives(self, removed: float) -> None:
        """Once in a run: a network that has learned only how rare labels are takes their positives for wrong."""
        if all((record.positives_removed or 0) <= _MANY_REMOVED for record in self.history_):
            warnings.warn(
                f"BalanceMix: {removed:.0%} of the given positives became negatives in epoch {len(self.history_) + 1}; "
                f"unless as many are wrong, warm up longer (warmup={self.settings.warmup})",
                UserWarning,
                stacklevel=4,
            )

    def _fitted(self) -> Run:
        if not hasattr(self, "_run"):
            raise ValueError("this BalanceMix is not fitted yet: call fit(dataset, Y) first")
        return self._run

    def _predicted(self, run: Run, rows: RowLoader) -> NDArray[np.float64]:
        try:
            logits: Tensor = run.predict(rows)
        except Diverged:
            raise ValueError(rows.blame() or _NOT_FINITE) from None
        finally:
            rows.close()
        probabilities: NDArray[np.float64] = logits.double().sigmoid().numpy()
        return probabilities
