"""CVAE: a conditional variational autoencoder that is told the label set of each new row."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping
from threading import Event
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from rarelabel._random import RandomState
from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.encoding import NumericTransform
from rarelabel.generative._bounds import check_counts, check_number, check_switches
from rarelabel.generative._conditions import label_conditions
from rarelabel.generative._generative import GenerativeMixin
from rarelabel.generative._model import history_of
from rarelabel.generative._persistence import ModelFile, Parts
from rarelabel.generative._seeds import choose_seeds, plan_seeds
from rarelabel.generative._variational import draw_features, train_on_table
from rarelabel.generative._variational_files import autoencoder_parts, read_autoencoder
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan, SamplingStrategy, check_memory, resolve_budget
from rarelabel.training import Record

__all__ = ["CVAE"]

_FEW = 10
"""Rows with a minority label under which a user is told that they are few."""

_COUNTS = ("training_steps", "batch_size")
_COUNTS_OR_NONE = ("latent_size", "width", "patience", "n_threads")
_TRANSFORMS = ("quantile", "standard", "minmax")


@final
class CVAE(GenerativeMixin, BaseSampler):
    """Conditional variational autoencoder: the features of a row, drawn from its labels and a normal code.

    It learns p(x | y, z) and q(z | x, y) on all rows. A new row takes the whole label set of a random row that carries
    the label it is made for, a code z from N(0, I), and features from p(x | y, z): its labels are those of the table,
    and only its features are new.

    Parameters
    ----------
    sampling_strategy : "auto", float, int, dict or callable, default=0.25
        Rows to add: a share of n, a number, or for each label.
    threshold : float, default=1.0
        Times MeanIR: the IRLbl above which a label is a minority label.
    beta : float, default=1.0
        Weight of the divergence of codes from N(0, I). With less, rows are sharper and codes fill less of what is drawn
        from.
    latent_size : int, default=None
        z; by default a quarter of the number of encoded columns, from 8 to 32.
    width : int, default=None
        Hidden units; by default the number of encoded columns, from 256 to 512.
    numeric_transform : {"quantile", "standard", "minmax"}, default="quantile"
    training_steps : int, default=2000
        At most; training ends where the loss of held-out rows no longer falls.
    batch_size : int, default=256
    learning_rate, weight_decay : float, default=2e-3 and 1e-5
    patience : int, default=5
        Looks at the held-out loss, every 50 steps, without a better one, before training ends. None holds no row out.
    reject_copies : bool, default=True
        Draw rows again whose features equal those of a training row. A row that the table has more than once is
        frequent, and nobody's own: it may come again.
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
    n_subset_ : int
        Rows with a label that rows are drawn for.
    loss_history_ : ndarray, shape (looks, 3)
        Steps made, mean loss since the look before, loss of the held-out rows (NaN where there are none).
    stopped_ : {"finished", "early", "cancelled", "not finite"}
        Why training ended.
    drawn_for_ : ndarray of int
        After :meth:`sample`: index of the label each row was drawn for.

    Notes
    -----
    The loss is Sohn et al.'s (equation 4), with all labels of a row as the condition and the prior N(0, I) whatever
    they are. The standard deviation of each number given its code is learned (Rybkin et al.), and new values are drawn
    with it: decoded means alone would vary too little. Rows with a minority label come more often in training.

    Conditions of :meth:`sample` name labels. A saved model holds no row of X, but the label sets of the rows, with
    their counts.

    References
    ----------
    Sohn, Lee, Yan, "Learning structured output representation using deep conditional generative models", NIPS 2015.
    Rybkin, Daniilidis, Levine, "Simple and effective VAE training with calibrated decoders", ICML 2021.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> Y = np.column_stack([X[:, 0] > -1, X[:, 1] > 1]).astype(int)
    >>> sampler = CVAE(training_steps=50, random_state=0)
    >>> X_res, Y_res = sampler.fit_resample(X, Y)
    >>> X_res.shape, Y_res[200:, 1].all()
    ((250, 3), np.True_)
    """

    _allow_nan: ClassVar[bool] = True

    def __init__(
        self,
        *,
        sampling_strategy: SamplingStrategy = 0.25,
        threshold: float = 1.0,
        beta: float = 1.0,
        latent_size: int | None = None,
        width: int | None = None,
        numeric_transform: NumericTransform = "quantile",
        training_steps: int = 2000,
        batch_size: int = 256,
        learning_rate: float = 2e-3,
        weight_decay: float = 1e-5,
        patience: int | None = 5,
        reject_copies: bool = True,
        categorical_features: Any = "auto",
        device: str = "auto",
        n_threads: int | None = 1,
        progress: Callable[[Record], object] | None = None,
        cancel: Callable[[], bool] | Event | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.threshold = threshold
        self.beta = beta
        self.latent_size = latent_size
        self.width = width
        self.numeric_transform = numeric_transform
        self.training_steps = training_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.reject_copies = reject_copies
        self.categorical_features = categorical_features
        self.device = device
        self.n_threads = n_threads
        self.progress = progress
        self.cancel = cancel
        self.random_state = random_state

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        _check_parameters(self.get_params(deep=False))
        strategy = self.sampling_strategy(Y) if callable(self.sampling_strategy) else self.sampling_strategy
        by_label = isinstance(strategy, Mapping)
        candidates = Y if by_label else choose_seeds(Y, "minority", "CVAE", threshold=self.threshold)
        budget = resolve_budget(strategy, Y, schema.label_names, auto=0.25)
        check_memory(budget.total, X, schema.n_labels)
        rows, made_for = plan_seeds(candidates, budget, rng)
        self._label_rows = rows
        return SamplingPlan("CVAE", len(Y), schema.label_names, np.unique(made_for), len(rows), made_for=made_for)

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        n = len(Y)
        if not plan.n_new or plan.made_for is None:
            return Resampled(np.arange(n), X[:0], Y[:0])
        self._train(X, Y, schema, plan, rng)
        Y_new = Y[self._label_rows]
        return Resampled(
            np.arange(n), self._features(Y_new, rng), Y_new, made_for=np.append(np.full(n, -1), plan.made_for)
        )

    def _train(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> None:
        if not len(plan.labels):
            return
        self.n_subset_ = int(Y[:, plan.labels].any(axis=1).sum())
        if self.n_subset_ < _FEW:
            message = f"CVAE: only {self.n_subset_} rows carry a minority label; new rows look like these few"
            warnings.warn(message, UserWarning, stacklevel=4)
        self.trained_, result = train_on_table(X, Y, schema, plan.labels, self.get_params(deep=False), rng)
        self.stopped_, self.loss_history_ = result.stopped, history_of(result)
        if result.stopped == "not finite":
            message = f"CVAE: the loss became NaN or infinite after {result.n_steps} steps; the weights before are used"
            warnings.warn(message, UserWarning, stacklevel=4)

    def _draw(
        self, n: int, conditions: Mapping[Hashable, Any] | None, rng: np.random.Generator
    ) -> tuple[Matrix, NDArray[np.bool_]]:
        wanted = label_conditions(conditions or {}, self._container, "CVAE")
        Y, made_for = self.trained_.plan(n, wanted, rng)
        if len(Y) < n:
            message = f"CVAE: {len(Y)} of {n} rows could be drawn, no training row meets the conditions {conditions}"
            warnings.warn(message, UserWarning, stacklevel=3)
        order = rng.permutation(len(Y))
        self.drawn_for_ = made_for[order]
        return self._features(Y[order], rng), Y[order]

    def _features(self, Y: NDArray[np.bool_], rng: np.random.Generator) -> Matrix:
        X, n_copies = draw_features(self.trained_, Y, rng, reject_copies=self.reject_copies, n_threads=self.n_threads)
        if n_copies:
            warnings.warn(f"CVAE: {n_copies} of the new rows equal rows of the table", UserWarning, stacklevel=4)
        return X

    def _parts(self) -> Parts:
        tensors, facts = autoencoder_parts(self.trained_)
        return tensors, facts | {"n_subset": self.n_subset_}

    def _restore(self, content: ModelFile) -> None:
        self.trained_ = read_autoencoder(content, self.device)
        self.n_subset_ = int(content.facts["n_subset"])


def _check_parameters(parameters: Mapping[str, Any]) -> None:
    """Raise ValueError for a parameter that is none of the choices or out of range."""
    if parameters["numeric_transform"] not in _TRANSFORMS:
        expected = " or ".join(map(repr, _TRANSFORMS))
        raise ValueError(f"numeric_transform must be {expected}, got {parameters['numeric_transform']!r}")
    check_counts(parameters, _COUNTS, or_none=_COUNTS_OR_NONE)
    check_switches(parameters, ("reject_copies",))
    for name in ("beta", "weight_decay"):
        check_number(parameters, name)
    for name in ("learning_rate", "threshold"):
        check_number(parameters, name, above=0)
