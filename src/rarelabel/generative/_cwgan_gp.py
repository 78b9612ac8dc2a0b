"""CWGAN-GP: rows of rare classes from a conditional Wasserstein GAN whose critic's slope is held at 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from threading import Event
from typing import Any, ClassVar, final

from rarelabel._random import RandomState
from rarelabel.base import BaseSampler
from rarelabel.encoding import NumericTransform
from rarelabel.generative._balancing import BalancingStrategy
from rarelabel.generative._bounds import check_counts, check_number
from rarelabel.generative._class_model import Draw, Learn
from rarelabel.generative._class_sampler import ClassMixin
from rarelabel.generative._generative import GenerativeMixin
from rarelabel.generative._model import Denoiser
from rarelabel.generative._wasserstein import Generator, WassersteinRecipe, draw_generated, learn_generator
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
class CWGANGP(ClassMixin, GenerativeMixin, BaseSampler):
    """CWGAN-GP: a generator told the class, against a critic that measures how far its rows are from real ones.

    Parameters
    ----------
    sampling_strategy : "auto", float, dict or callable, default="auto"
        As in imbalanced-learn: ``"auto"`` brings every class up to the most frequent one, ``"minority"`` only the
        rarest. A float is the ratio of minority to majority after, for two classes. A dict gives the rows that classes
        are to have. A callable takes the class of each row, as the caller wrote it, and returns such
        a dict.
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
    label_model : "forest" or classifier, default=None
        Learns the classes of the rows that :meth:`fit_resample` is given, and judges new ones: of ``n_choices``
        candidates for each row, the one is taken whose class it believes most.
    n_choices : int, default=3
        Without a label model there is one candidate for each row.
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
    The generator that draws is the mean of the trained one over about the last ninth of its steps.

    The critic sees a number as far as it is there: beside a missing or usual value it is 0 in real rows and made ones,
    and it is divided by the root of the share of rows that have it.

    A class of one or two rows is not learned: its new rows are copies whose numbers are moved by a little within the
    range of the column, and a warning says so. Where only such classes are to grow, no network is trained until rows of
    another class are asked for, or a file is to be written; ``loss_history_`` is empty till then.

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
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(60, 3)), np.array(["often"] * 50 + ["rare"] * 10)
    >>> X_res, y_res = CWGANGP(training_steps=3, random_state=0).fit_resample(X, y)
    >>> X_res.shape, (y_res[60:] == "rare").all()
    ((100, 3), np.True_)
    """

    _allow_nan: ClassVar[bool] = True
    _takes_columns: ClassVar[bool] = False
    _network: ClassVar[Denoiser | None] = Generator

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
        label_model: Any = None,
        n_choices: int = 3,
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
        self.label_model = label_model
        self.n_choices = n_choices
        self.reject_copies = reject_copies
        self.categorical_features = categorical_features
        self.device = device
        self.n_threads = n_threads
        self.progress = progress
        self.cancel = cancel
        self.random_state = random_state

    def _check(self, parameters: Mapping[str, Any]) -> None:
        check_counts(parameters, ("training_steps", "critic_steps", "batch_size"), or_none=("n_threads",))
        check_number(parameters, "gradient_penalty")
        for name in ("temperature", "learning_rate"):
            check_number(parameters, name, above=0)

    @property
    def _learning(self) -> Learn:
        recipe = WassersteinRecipe(steps=self.training_steps, **{name: getattr(self, name) for name in _OF_THE_RECIPE})
        return partial(learn_generator, recipe=recipe)

    @property
    def _drawing(self) -> Draw:
        return partial(draw_generated, device=self.device, n_threads=self.n_threads)
