"""MLDM: a diffusion model of the rows that carry rare labels, and new rows drawn from it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping
from threading import Event
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from rarelabel._device import torch_generator
from rarelabel._random import RandomState
from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.encoding import NumericTransform
from rarelabel.generative._conditions import encode_conditions
from rarelabel.generative._diffusion_files import read_trained, trained_parts
from rarelabel.generative._generative import GenerativeMixin
from rarelabel.generative._label_model import fit_label_model
from rarelabel.generative._model import Denoiser, history_of
from rarelabel.generative._parameters import check_parameters, recipe_of
from rarelabel.generative._persistence import ModelFile, Parts
from rarelabel.generative._released import draw_as_released
from rarelabel.generative._subset_model import draw_for_labels, draw_for_table, label_shares, train_on_subset
from rarelabel.schema import Schema
from rarelabel.selection import (
    SamplingPlan,
    SamplingStrategy,
    apportion,
    check_memory,
    minority_or_warn,
    resolve_budget,
)
from rarelabel.training import Record

__all__ = ["MLDM"]

_FEW = 50
"""Rows with a minority label under which a user is told that they are few."""

_MANY = 1000
"""Rows with a minority label from which on they may do by themselves."""


@final
class MLDM(GenerativeMixin, BaseSampler):
    """Multi-label diffusion model: new rows drawn from a diffusion of features and labels.

    One model is trained on the rows S that carry a minority label (IRLbl > threshold * MeanIR), features and labels
    together. Each new row is drawn for one minority label, which it carries.

    Parameters
    ----------
    sampling_strategy : "auto", float, int, dict or callable, default=0.25
        Rows to add: a share, a number, or for each label. ``"auto"`` is 0.25, as in the paper.
    budget : {"n", "subset"}, default="n"
        What a share is of: all rows (the paper) or S (the released code).
    threshold : float, default=1.0
        Times MeanIR: the IRLbl above which a label is a minority label, unless ``sampling_strategy`` names labels.
    train_on : {"auto", "subset", "all"}, default="auto"
        ``"subset"`` trains on S, as the paper does, and knows no other label. ``"all"`` trains on all rows, drawing
        those of S more often; drawn is for minority labels either way, so the new rows are like S. ``"auto"`` takes S
        where it has a thousand rows and ten for each column of the encoded table: fewer are learned by heart.
    variant : {"paper", "reference"}, default="paper"
        ``"reference"`` does what the released code does, for comparison only; see Notes.
    denoiser : {"resnet", "mlp", "semst"} or callable, default="resnet"
        The network; ``"semst"`` is :class:`~rarelabel.nn.SEMSTResNet`. ``denoiser(d)`` makes one for d encoded columns,
        called as ``network(x, time, known)``.
    width : int, default=None
        Hidden units; by default they follow the number of encoded columns, from 256 to 512.
    dropout : float, default=0.1
    numeric_transform : {"quantile", "standard", "minmax"}, default="quantile"
    n_timesteps : int, default=1000
        T, the steps of the diffusion.
    sampling_steps : int, default=25
        Steps taken when drawing, at most T.
    training_steps : int, default=2000
        At most; training ends where the loss of held-out rows no longer falls.
    batch_size : int, default=256
    learning_rate, weight_decay : float, default=1e-3 and 1e-5
    patience : int, default=5
        Looks at the held-out loss, every 50 steps, without a better one, before training ends. None holds no row out.
    label_model : None, "forest" or classifier, default=None
        Judges the rows of :meth:`fit_resample` by P(labels | features), learned from all rows of the table: of the
        candidates for each row the one is taken whose labels it believes most. ``"forest"`` is a random forest. The new
        rows are then less like S and of more use to a classifier. :meth:`sample` has no judge.
    background : float, default=0.0
        Further rows that :meth:`fit_resample` adds, as a share of n, drawn for no label in particular. The label model
        says which labels they carry, each label as often as the diffusion drew it.
    n_choices : int, default=None
        Candidates drawn for each new row: 3, or 8 where a label model judges them. Without a label model the one is
        taken that keeps the label frequencies nearest to those of S.
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
    path_ : {"subset", "all rows conditioned"}
        What was trained on.
    n_subset_ : int
        Rows in S.
    loss_history_ : ndarray, shape (looks, 3)
        Steps made, mean loss since the look before, loss of the held-out rows (NaN where there are none).
    stopped_ : {"finished", "early", "cancelled", "not finite"}
        Why training ended.
    drawn_for_ : ndarray of int
        After :meth:`sample`: index of the label each row was drawn for, -1 for none in particular.

    Notes
    -----
    NOTE[DIFF] The paper draws rows without conditions, so that which labels come is left to chance. Here a label is
    told to the network: a minority label of a random row of S. Rows drawn in this way have the law of S, each carries
    a minority label, and the rows for each label are known beforehand.

    :meth:`sample` takes conditions on labels and columns; all rows have the very values. Where a label and a column
    share a name, ``("label", name)`` and ``("column", name)`` are told apart. Where only labels are named, the label
    sets of the training rows that meet them come as often as there. A saved model holds no row of X, but the label sets
    of the rows, with their counts.

    ``variant="reference"`` predicts the noise of all columns as if they were numbers, holds nothing in range, takes
    every one of the T steps, trains a small network without averaging its weights, accepts every row, and stretches
    each batch of new rows over the training range. Its rows are far from the data.

    References
    ----------
    "MLDM", a diffusion model for over-sampling multi-label data. arXiv 2501.10822, 2025.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(80, 3))
    >>> Y = np.column_stack([X[:, 0] > -1, X[:, 1] > 1]).astype(int)
    >>> sampler = MLDM(training_steps=20, random_state=0)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")  # the rare label is on few rows
    ...     X_res, Y_res = sampler.fit_resample(X, Y)
    >>> X_res.shape, sampler.path_, Y_res[80:, 1].all()
    ((100, 3), 'all rows conditioned', np.True_)

    Rows under a condition:

    >>> X = rng.normal(size=(400, 2))
    >>> Y = np.column_stack([X[:, 0] > -1, X[:, 0] > 1]).astype(int)
    >>> model = MLDM(training_steps=150, random_state=0).fit(X, Y)
    >>> X_new, Y_new = model.sample(100, {"y1": 1})
    >>> Y_new[:, 1].mean().item(), X_new[:, 0].mean() > 1
    (1.0, np.True_)
    """

    _allow_nan: ClassVar[bool] = True

    def __init__(
        self,
        *,
        sampling_strategy: SamplingStrategy = 0.25,
        budget: Literal["n", "subset"] = "n",
        threshold: float = 1.0,
        train_on: Literal["auto", "subset", "all"] = "auto",
        variant: Literal["paper", "reference"] = "paper",
        denoiser: Denoiser = "resnet",
        width: int | None = None,
        dropout: float = 0.1,
        numeric_transform: NumericTransform = "quantile",
        n_timesteps: int = 1000,
        sampling_steps: int = 25,
        training_steps: int = 2000,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-5,
        patience: int | None = 5,
        label_model: Any = None,
        background: float = 0.0,
        n_choices: int | None = None,
        reject_copies: bool = True,
        categorical_features: Any = "auto",
        device: str = "auto",
        n_threads: int | None = 1,
        progress: Callable[[Record], object] | None = None,
        cancel: Callable[[], bool] | Event | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.budget = budget
        self.threshold = threshold
        self.train_on = train_on
        self.variant = variant
        self.denoiser = denoiser
        self.width = width
        self.dropout = dropout
        self.numeric_transform = numeric_transform
        self.n_timesteps = n_timesteps
        self.sampling_steps = sampling_steps
        self.training_steps = training_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.label_model = label_model
        self.background = background
        self.n_choices = n_choices
        self.reject_copies = reject_copies
        self.categorical_features = categorical_features
        self.device = device
        self.n_threads = n_threads
        self.progress = progress
        self.cancel = cancel
        self.random_state = random_state

    def _draw(
        self, n: int, conditions: Mapping[Hashable, Any] | None, rng: np.random.Generator
    ) -> tuple[Matrix, NDArray[np.bool_]]:
        trained = self.trained_
        known = None if conditions is None else encode_conditions(conditions, self._container, trained.encoder)
        if self.variant == "reference":
            if known is not None:
                raise ValueError('variant="reference" takes no conditions')
            self.drawn_for_ = np.full(n, -1, dtype=np.intp)
            return draw_as_released(trained, n, generator=torch_generator(rng), **self._place)
        made_for = np.full(n, -1, dtype=np.intp)
        if known is None:
            made_for = rng.permutation(np.repeat(trained.labels, apportion(n, trained.shares)))
        n_choices = (self.n_choices or 3) if known is None else 16 if known.is_partial and known.features else 1
        X_new, Y_new, rows = draw_for_labels(
            trained, made_for, conditions=known, n_choices=n_choices, **self._drawing(rng)
        )
        if len(rows) < n:
            message = f"MLDM: {len(rows)} of {n} rows could be drawn that meet the conditions {dict(conditions or {})}"
            warnings.warn(message, UserWarning, stacklevel=3)
        self.drawn_for_ = made_for[rows]
        return X_new, Y_new

    def _parts(self) -> Parts:
        tensors, facts = trained_parts(self.trained_)
        return tensors, facts | {"path": self.path_, "n_subset": self.n_subset_}

    def _restore(self, content: ModelFile) -> None:
        self.trained_ = read_trained(content, self.denoiser)
        self.denoiser = self.trained_.model.recipe.denoiser
        self.path_, self.n_subset_ = content.facts["path"], content.facts["n_subset"]

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        check_parameters(self.get_params(deep=False))
        strategy = self.sampling_strategy(Y) if callable(self.sampling_strategy) else self.sampling_strategy
        if isinstance(strategy, Mapping):
            asked = resolve_budget(strategy, Y, schema.label_names, auto=0.25)
            labels = np.array(list(asked.per_label or ()), dtype=np.intp)
            made_for = np.repeat(labels, list((asked.per_label or {}).values()))
        else:
            labels = minority_or_warn(Y, "MLDM", threshold=self.threshold)
            in_subset = Y[:, labels].any(axis=1)
            basis = Y[in_subset] if self.budget == "subset" and len(labels) else Y
            total = resolve_budget(strategy, basis, schema.label_names, auto=0.25).total
            check_memory(total, X, schema.n_labels)
            made_for = np.zeros(0, dtype=np.intp)
            if len(labels):
                made_for = np.repeat(labels, apportion(total, label_shares(Y, labels)))
        if self.background and len(labels):
            made_for = np.append(made_for, np.full(round(self.background * len(Y)), -1))
        check_memory(len(made_for), X, schema.n_labels)
        named = None if self.variant == "reference" else made_for
        return SamplingPlan("MLDM", len(Y), schema.label_names, labels, len(made_for), made_for=named)

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        n = len(Y)
        made_for = np.full(plan.n_new, -1, dtype=np.intp) if plan.made_for is None else plan.made_for
        if not plan.n_new:
            return Resampled(np.arange(n), X[:0], Y[:0])
        self._train(X, Y, schema, plan, rng)
        if self.variant == "reference":
            X_new, Y_new = draw_as_released(self.trained_, plan.n_new, generator=torch_generator(rng), **self._place)
            return Resampled(np.arange(n), X_new, Y_new)
        drawing = self._drawing(rng)
        if self.label_model is None:
            X_new, Y_new, rows = draw_for_labels(self.trained_, made_for, n_choices=self.n_choices or 3, **drawing)
        else:
            judge = fit_label_model(self.label_model, self.trained_.encoder, X, Y, rng)
            X_new, Y_new, rows = draw_for_table(
                self.trained_, made_for, judge=judge, n_choices=self.n_choices or 8, **drawing
            )
        return Resampled(np.arange(n), X_new, Y_new, made_for=np.append(np.full(n, -1), made_for[rows]))

    def _train(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> None:
        labels = plan.labels
        if not len(labels):
            return
        self.n_subset_ = int(Y[:, labels].any(axis=1).sum())
        on_all_rows = self._trains_on_all(X, schema)
        if self.n_subset_ < _FEW and self.variant == "paper":
            done = "trained on all rows, drawn for minority labels" if on_all_rows else "they are all it is trained on"
            message = f"MLDM: only {self.n_subset_} rows carry a minority label; {done}"
            warnings.warn(message, UserWarning, stacklevel=3)
        self.path_ = "all rows conditioned" if on_all_rows else "subset"
        self.trained_, result = train_on_subset(
            X,
            Y,
            schema,
            labels,
            on_all_rows=on_all_rows,
            recipe=recipe_of(self.get_params(deep=False), X.shape[1] + schema.n_labels, self.n_subset_),
            numeric_transform=self.numeric_transform,
            rng=rng,
            progress=self.progress,
            cancel=self.cancel,
            **self._place,
        )
        self.stopped_, self.loss_history_ = result.stopped, history_of(result)
        if result.stopped == "not finite":
            message = f"MLDM: the loss became NaN or infinite after {result.n_steps} steps; the weights before are used"
            warnings.warn(message, UserWarning, stacklevel=3)

    def _trains_on_all(self, X: Matrix, schema: Schema) -> bool:
        if self.variant == "reference" or self.train_on == "subset":
            return False
        if self.background:  # rows of S alone say nothing of the others
            return True
        width = sum(max(column.n_categories, 1) for column in schema.features) + schema.n_labels
        return self.train_on == "all" or self.n_subset_ < max(_MANY, 10 * width)

    def _drawing(self, rng: np.random.Generator) -> dict[str, Any]:
        return {
            "reject_copies": self.reject_copies,
            "rng": rng,
            "sampling_steps": self.sampling_steps,
            **self._place,
        }

    @property
    def _place(self) -> dict[str, Any]:
        return {"device": self.device, "n_threads": self.n_threads}
