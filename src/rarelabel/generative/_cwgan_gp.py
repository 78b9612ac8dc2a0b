"""CWGAN-GP: rows of rare classes from a conditional Wasserstein GAN whose critic's slope is held at 1."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from threading import Event
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from rarelabel._random import RandomState
from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.encoding import NumericTransform
from rarelabel.generative._balancing import BalancingStrategy
from rarelabel.generative._bounds import check_counts, check_number, check_switches
from rarelabel.generative._class_files import class_parts, read_classes
from rarelabel.generative._class_model import (
    Draw,
    fit_class_model,
    plan_classes,
    resample_classes,
    sample_classes,
)
from rarelabel.generative._generative import GenerativeMixin
from rarelabel.generative._model import history_of
from rarelabel.generative._persistence import ModelFile, Parts
from rarelabel.generative._wasserstein import Generator, WassersteinRecipe, draw_generated, learn_generator
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan
from rarelabel.training import Record

__all__ = ["CWGANGP"]

_OF_THE_RECIPE = (
    "critic_steps",
    "gradient_penalty",
    "temperature",
    "batch_size",
    "learning_rate",
    "device",
    "n_threads",
    "progress",
    "cancel",
)


@final
class CWGANGP(GenerativeMixin, BaseSampler):
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
    drawn_for_ : ndarray of int
        After :meth:`sample`: index of the class each row was drawn for.

    Notes
    -----
    Both networks have two hidden layers of as many units as the denoisers have. Numbers leave the generator through a
    hyperbolic tangent over their training range, states by Gumbel-softmax. Real rows come class by class alike, no row
    more than ten times as often as one of the most frequent class, and the generator is told the classes of these rows.

    A class of one or two rows is not learned: its new rows are copies whose numbers are moved by a little within the
    range of the column, and a warning says so.

    Conditions of :meth:`sample` name a class, to 1 or 0; columns cannot be told. Where
    :meth:`fit_resample` adds no rows, all classes come alike without. A saved model holds the rows of classes that were
    too small to be learned.

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

    _allow_nan: ClassVar[bool] = True

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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        parameters = self.get_params(deep=False)
        check_counts(parameters, ("training_steps", "critic_steps", "batch_size"), or_none=("n_threads",))
        check_switches(parameters, ("reject_copies",))
        check_number(parameters, "gradient_penalty")
        for name in ("temperature", "learning_rate"):
            check_number(parameters, name, above=0)
        return plan_classes("CWGANGP", self.sampling_strategy, X, Y, schema)

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        if not plan.n_new:
            return Resampled(np.arange(len(Y)), X[:0], Y[:0])
        self._train(X, Y, schema, plan, rng)
        return resample_classes(self.trained_, plan, self._drawing, reject_copies=self.reject_copies, rng=rng)

    def _train(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> None:
        recipe = WassersteinRecipe(steps=self.training_steps, **{name: getattr(self, name) for name in _OF_THE_RECIPE})
        learn = partial(learn_generator, recipe=recipe)
        transform: NumericTransform = self.numeric_transform
        self.trained_, result = fit_class_model(X, Y, schema, plan, learn, numeric_transform=transform, rng=rng)
        self.stopped_, self.loss_history_ = result.stopped, history_of(result)

    def _draw(
        self, n: int, conditions: Mapping[Hashable, Any] | None, rng: np.random.Generator
    ) -> tuple[Matrix, NDArray[np.bool_]]:
        X, Y, self.drawn_for_ = sample_classes(
            self.trained_,
            self.schema_,
            n,
            conditions,
            self._drawing,
            "CWGANGP",
            takes_columns=False,
            reject_copies=self.reject_copies,
            rng=rng,
        )
        return X, Y

    def _parts(self) -> Parts:
        return class_parts(self.trained_)

    def _restore(self, content: ModelFile) -> None:
        self.trained_ = read_classes(content, Generator)

    @property
    def _drawing(self) -> Draw:
        return partial(draw_generated, device=self.device, n_threads=self.n_threads)
