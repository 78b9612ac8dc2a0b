"""AEMLO: features and labels in one latent space, and new rows decoded from near the seeds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping
from threading import Event
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from rarelabel._random import RandomState
from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.encoding import NumericTransform, TableEncoder
from rarelabel.generative._aemlo_parameters import check_parameters
from rarelabel.generative._conditions import label_conditions
from rarelabel.generative._generative import GenerativeMixin
from rarelabel.generative._label_model import LabelModel, fit_label_model
from rarelabel.generative._latent_drawing import Drawn, LabelThreshold, draw_rows
from rarelabel.generative._latent_files import latent_parts, read_latent
from rarelabel.generative._latent_training import train_space
from rarelabel.generative._model import history_of
from rarelabel.generative._persistence import ModelFile, Parts
from rarelabel.generative._released_space import draw_as_released
from rarelabel.generative._seeds import SeedRule, choose_seeds, plan_seeds
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan, SamplingStrategy, check_memory, resolve_budget
from rarelabel.training import Record

__all__ = ["AEMLO"]

_FEW = 10
"""Seeds under which a user is told that they are few."""


@final
class AEMLO(GenerativeMixin, BaseSampler):
    """Autoencoder-guided multi-label oversampling: rows decoded from near the codes of rows with rare labels.

    Two encoders bring features and labels into one latent space, two decoders lead out of it; all are trained together
    on all rows. A new row is decoded from a point near the code of a seed, a row with a minority label, and carries the
    label it was made for.

    Parameters
    ----------
    sampling_strategy : "auto", float, int, dict or callable, default=0.25
        Rows to add: a share of n, a number, or for each label.
    seeds : {"minority", "top_k"} or callable, default="minority"
        Rows that new ones are made from: those with a minority label (IRLbl > threshold * MeanIR), those with one of
        the ``n_labels`` most imbalanced of these, or the rows that ``seeds(Y)`` gives as a mask or as indices. A dict
        as ``sampling_strategy`` makes all rows with its labels seeds.
    n_labels : int, default=10
        For ``seeds="top_k"``.
    threshold : float, default=1.0
        Times MeanIR: the IRLbl above which a label is a minority label.
    label_threshold : {"calibrated", "cardinality"} or float, default="calibrated"
        When a decoded label is carried: by a threshold for each label, above which it is as often as on the seeds; by
        one for all, above which rows have as many labels as the seeds; or above this probability.
    latent_noise : float, default=0.1
        Standard deviation of what is added to codes, in training and drawing; codes have standard deviation about 1.
    interpolation : float in [0, 1], default=0.5
        Points lie up to this share of the way to another seed of the same label. 0 takes no second seed.
    variant : {"paper", "reference"}, default="paper"
        ``"reference"`` has the networks, losses and decoding of the released code, for comparison only; see Notes.
    latent_size : int, default=None
        z; by default the number of encoded columns, from 16 to 128.
    width : int, default=None
        Hidden units; by default the number of encoded columns, from 256 to 384 (128 beyond 10,000 columns).
    latent_weight, label_weight, ranking_weight, feature_weight : float, default=1, 10, 1 and 1
        Of the terms of the loss: agreement of the two codes, cross-entropy of labels, their ranking, features.
    orthogonality : float, default=0.1
        How much the covariances of codes are held to the identity, within the latent term.
    decoded_from : {"both", "labels", "features"}, default="both"
        Whose codes the label decoder is trained on; the released code takes those of labels alone.
    numeric_transform : {"auto", "quantile", "standard", "minmax"}, default="auto"
        ``"auto"`` is ``"quantile"``, but ``"standard"`` for more than 10,000 columns.
    training_steps : int, default=None
        At most; 1000 by default, 201 epochs for ``variant="reference"``.
    batch_size : int, default=256
    learning_rate, weight_decay : float, default=1e-3 and 1e-5
    patience : int, default=5
        Looks at the held-out loss, every 50 steps, without a better one, before training ends. None holds no row out.
    label_model : None, "forest" or classifier, default=None
        Judges the rows of :meth:`fit_resample` by P(labels | features), learned from all rows of the table: of the
        candidates from each seed the one is taken whose labels it believes most. ``"forest"`` is a random forest.
        :meth:`sample` has no judge.
    n_choices : int, default=8
        Candidates decoded for each new row where a label model judges them, else one.
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
        Number of seeds.
    latent_correlation_ : float
        Of the two codes of the seeds, from -1 to 1: the mean over the z dimensions.
    loss_history_ : ndarray, shape (looks, 3)
        Steps made, mean loss since the look before, loss of the held-out rows (NaN where there are none).
    stopped_ : {"finished", "early", "cancelled", "not finite"}
        Why training ended.
    acceptance_ : float
        Of the rows decoded last, the share that was accepted, whether taken or not.
    drawn_for_ : ndarray of int
        After :meth:`sample`: index of the label each row was drawn for.

    Notes
    -----
    NOTE[DIFF] The released model is deterministic: a row is the reconstruction of one seed. Here points are moved by
    noise and towards a second seed. The label decoder learns from the codes of features as well, which are what it
    decodes, and by cross-entropy as well as by ranking. A candidate without the label it is made for is drawn again.

    Conditions of :meth:`sample` name labels: rows are made from the seeds that meet them, and meet them. A saved model
    holds the codes and label sets of the seeds: whoever has it can decode rows that are near to them.

    ``variant="reference"`` has none of this, scales columns to [0, 1], and takes every decoded row that has any label.
    Its rows seldom carry a minority label.

    References
    ----------
    "AEMLO", autoencoder-guided multi-label oversampling. arXiv 2408.13078, 2024.
    Yeh et al., "Learning deep latent spaces for multi-label classification", AAAI 2017.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> Y = np.column_stack([X[:, 0] > -1, X[:, 1] > 1]).astype(int)
    >>> sampler = AEMLO(training_steps=50, random_state=0)
    >>> X_res, Y_res = sampler.fit_resample(X, Y)
    >>> X_res.shape, Y_res[200:, 1].all()
    ((250, 3), np.True_)
    """

    _allow_nan: ClassVar[bool] = True

    def __init__(
        self,
        *,
        sampling_strategy: SamplingStrategy = 0.25,
        seeds: SeedRule = "minority",
        n_labels: int = 10,
        threshold: float = 1.0,
        label_threshold: LabelThreshold = "calibrated",
        latent_noise: float = 0.1,
        interpolation: float = 0.5,
        variant: Literal["paper", "reference"] = "paper",
        latent_size: int | None = None,
        width: int | None = None,
        latent_weight: float = 1.0,
        label_weight: float = 10.0,
        ranking_weight: float = 1.0,
        feature_weight: float = 1.0,
        orthogonality: float = 0.1,
        decoded_from: Literal["both", "labels", "features"] = "both",
        numeric_transform: Literal["auto"] | NumericTransform = "auto",
        training_steps: int | None = None,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-5,
        patience: int | None = 5,
        label_model: Any = None,
        n_choices: int = 8,
        reject_copies: bool = True,
        categorical_features: Any = "auto",
        device: str = "auto",
        n_threads: int | None = 1,
        progress: Callable[[Record], object] | None = None,
        cancel: Callable[[], bool] | Event | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.seeds = seeds
        self.n_labels = n_labels
        self.threshold = threshold
        self.label_threshold = label_threshold
        self.latent_noise = latent_noise
        self.interpolation = interpolation
        self.variant = variant
        self.latent_size = latent_size
        self.width = width
        self.latent_weight = latent_weight
        self.label_weight = label_weight
        self.ranking_weight = ranking_weight
        self.feature_weight = feature_weight
        self.orthogonality = orthogonality
        self.decoded_from = decoded_from
        self.numeric_transform = numeric_transform
        self.training_steps = training_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.label_model = label_model
        self.n_choices = n_choices
        self.reject_copies = reject_copies
        self.categorical_features = categorical_features
        self.device = device
        self.n_threads = n_threads
        self.progress = progress
        self.cancel = cancel
        self.random_state = random_state

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        check_parameters(self.get_params(deep=False))
        strategy = self.sampling_strategy(Y) if callable(self.sampling_strategy) else self.sampling_strategy
        if isinstance(strategy, Mapping):
            seeds = Y
        else:
            seeds = choose_seeds(Y, self.seeds, "AEMLO", n_labels=self.n_labels, threshold=self.threshold)
        budget = resolve_budget(strategy, Y, schema.label_names, auto=0.25)
        check_memory(budget.total, X, schema.n_labels)
        rows, made_for = plan_seeds(seeds, budget, rng)
        labels = np.unique(made_for)
        self._seeds = seeds & np.isin(np.arange(Y.shape[1]), labels)
        return SamplingPlan("AEMLO", len(Y), schema.label_names, labels, len(rows), rows=rows, made_for=made_for)

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        n = len(Y)
        if not plan.n_new or plan.rows is None or plan.made_for is None:
            return Resampled(np.arange(n), X[:0], Y[:0])
        self._train(X, Y, schema, plan, rng)
        judge = None
        if self.label_model is not None:
            encoder = TableEncoder(self.trained_.encoder.numeric_transform).fit(X, schema, Y)
            judge = fit_label_model(self.label_model, encoder, X, Y, rng)
        drawn = self._decode(np.searchsorted(self.trained_.rows, plan.rows), plan.made_for, None, rng, judge=judge)
        rows, none = np.arange(n), np.full(n, -1)
        return Resampled(
            rows,
            drawn.X,
            drawn.Y,
            seeds=np.append(rows, drawn.first),
            neighbors=np.append(none, drawn.second),
            made_for=np.append(none, self._made_for(plan.made_for, drawn)),
        )

    def _train(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> None:
        if not len(plan.labels):
            return
        none = np.zeros(0, dtype=np.intp)
        rows, made_for = none if plan.rows is None else plan.rows, none if plan.made_for is None else plan.made_for
        self.n_subset_ = int(self._seeds.any(axis=1).sum())
        if self.n_subset_ < _FEW:
            message = f"AEMLO: only {self.n_subset_} rows are seeds; new rows lie near these few"
            warnings.warn(message, UserWarning, stacklevel=4)
        self.trained_, result, self.latent_correlation_ = train_space(
            X, Y, schema, self._seeds, (rows, made_for), self.get_params(deep=False), rng
        )
        self.stopped_, self.loss_history_ = result.stopped, history_of(result)
        if result.stopped == "not finite":
            message = (
                f"AEMLO: the loss became NaN or infinite after {result.n_steps} steps; the weights before are used"
            )
            warnings.warn(message, UserWarning, stacklevel=4)

    def _draw(
        self, n: int, conditions: Mapping[Hashable, Any] | None, rng: np.random.Generator
    ) -> tuple[Matrix, NDArray[np.bool_]]:
        wanted = label_conditions(conditions or {}, self._container, "AEMLO")
        if wanted and self.variant == "reference":
            raise ValueError('variant="reference" takes no conditions')
        rows, made_for = self.trained_.plan(n, wanted, rng)
        order = rng.permutation(len(rows))
        drawn = self._decode(rows[order], made_for[order], wanted, rng, n_asked=n)
        self.drawn_for_ = self._made_for(made_for[order], drawn)
        return drawn.X, drawn.Y

    def _parts(self) -> Parts:
        tensors, facts = latent_parts(self.trained_)
        return tensors, facts | {"n_subset": self.n_subset_, "latent_correlation": self.latent_correlation_}

    def _restore(self, content: ModelFile) -> None:
        self.trained_ = read_latent(content, self.device)
        facts = content.facts
        self.n_subset_, self.latent_correlation_ = int(facts["n_subset"]), float(facts["latent_correlation"])

    def _decode(
        self,
        first: NDArray[np.intp],
        made_for: NDArray[np.intp],
        conditions: dict[int, bool] | None,
        rng: np.random.Generator,
        *,
        n_asked: int | None = None,
        judge: LabelModel | None = None,
    ) -> Drawn:
        """Rows from seeds, with a warning where they are fewer than asked for."""
        if self.variant == "reference":
            drawn = draw_as_released(self.trained_, first, n_threads=self.n_threads)
        else:
            drawn = draw_rows(
                self.trained_,
                first,
                made_for,
                interpolation=self.interpolation,
                noise=self.latent_noise,
                conditions=conditions,
                reject_copies=self.reject_copies,
                judge=judge,
                n_choices=self.n_choices,
                rng=rng,
                n_threads=self.n_threads,
            )
        n_asked = len(first) if n_asked is None else n_asked
        self.acceptance_ = drawn.acceptance
        if len(drawn.Y) < n_asked:
            missed = "have any label" if self.variant == "reference" else "carry the label they are made for"
            also = " and meet the conditions" if conditions else ""
            message = f"AEMLO: {len(drawn.Y)} of {n_asked} rows could be drawn that {missed}{also}"
            warnings.warn(message, UserWarning, stacklevel=4)
        return drawn

    def _made_for(self, made_for: NDArray[np.intp], drawn: Drawn) -> NDArray[np.intp]:
        """Labels of the rows that were drawn; the released code makes rows for none in particular."""
        return np.full(len(drawn.asked), -1) if self.variant == "reference" else made_for[drawn.asked]
