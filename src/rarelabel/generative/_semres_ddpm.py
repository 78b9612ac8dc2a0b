"""SEMRes-DDPM: a diffusion model of each class, with SEMST-ResNet, draws rows until classes are balanced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from threading import Event
from typing import Any, ClassVar, final

from rarelabel._random import RandomState
from rarelabel.base import BaseSampler
from rarelabel.encoding import NumericTransform
from rarelabel.generative._balancing import BalancingStrategy
from rarelabel.generative._class_diffusion import check_parameters, draw_rows, learn_classes
from rarelabel.generative._class_model import Draw, Learn
from rarelabel.generative._class_sampler import ClassMixin
from rarelabel.generative._generative import GenerativeMixin
from rarelabel.training import Record

__all__ = ["SEMResDDPM"]


@final
class SEMResDDPM(ClassMixin, GenerativeMixin, BaseSampler):
    """SEMRes-DDPM: rows of rare classes, drawn from a diffusion model whose denoiser is SEMST-ResNet.

    Parameters
    ----------
    sampling_strategy : "auto", float, dict or callable, default="auto"
        As in imbalanced-learn: ``"auto"`` brings every class up to the most frequent one, ``"minority"`` only the
        rarest. A float is the ratio of minority to majority after, for two classes. A dict gives the rows that classes
        are to have. A callable takes the class of each row, as the caller wrote it, and returns such
        a dict.
    attention, shrinkage, residual : bool, default=False, True and True
        Whether the network has self-attention between columns, soft thresholds, and shortcuts; see
        :class:`~rarelabel.nn.SEMSTResNet`, and the notes.
    width : int, default=None
        Hidden units; by default they follow the number of encoded columns, from 256 to 512.
    dropout : float, default=0.1
    numeric_transform : {"quantile", "standard", "minmax"}, default="quantile"
    n_timesteps : int, default=1000
        T, the steps of the diffusion.
    sampling_steps : int, default=25
        Steps taken when drawing, at most T.
    training_steps : int, default=None
        At most; training ends where the loss of held-out rows no longer falls. None: 2,000, or 1,000 where no row is
        held out.
    batch_size : int, default=256
    learning_rate, weight_decay : float, default=1e-3 and 1e-5
    patience : int, default=5
        Looks at the held-out loss, every 50 steps, without a better one, before training ends. Held out is a tenth of
        the rows that are to be drawn for, where that is ten rows. None holds no row out.
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
        Steps made, mean loss since the look before, loss of the held-out rows (NaN where there are none).
    stopped_ : {"finished", "early", "cancelled", "not finite"}
        Why training ended.
    drawn_for_ : ndarray of int
        After :meth:`sample`: index of the class each row was drawn for.

    Notes
    -----
    NOTE[DIFF] The paper trains on the rows of the minority class of a binary table of numbers. Here one model is
    trained on all rows and told their class, rare classes drawn up to ten times as often, so that a class of five rows
    borrows what columns look like from the others, several classes cost one training, and categories and missing values
    are diffused as states. The network gives x_0, not the noise, held in the training range. All sizes are ours: the
    paper states none. Attention, which the paper's network has, is off: it doubles the time of a fit and gains
    little that could be told from chance.

    A class of one or two rows is not learned: its new rows are copies whose numbers are moved by a little within the
    range of the column, and a warning says so. Where only such classes are to grow, no network is trained until rows of
    another class are asked for, or a file is to be written; ``loss_history_`` is empty till then.

    Conditions of :meth:`sample` name a class, to 1 or 0, and columns; all rows have the very values. Where a class and
    a column share a name, ``("label", name)`` and ``("column", name)`` are told apart. Where :meth:`fit_resample` adds
    no rows, all classes come alike without. A saved model holds the rows of classes that were too small to be learned.

    References
    ----------
    "SEMRes-DDPM", residual network based diffusion modelling for imbalanced tables. arXiv 2403.05918, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(60, 3)), np.array(["often"] * 50 + ["rare"] * 10)
    >>> X_res, y_res = SEMResDDPM(training_steps=5, random_state=0).fit_resample(X, y)
    >>> X_res.shape, (y_res[60:] == "rare").all()
    ((100, 3), np.True_)
    """

    _allow_nan: ClassVar[bool] = True

    def __init__(
        self,
        *,
        sampling_strategy: BalancingStrategy = "auto",
        attention: bool = False,
        shrinkage: bool = True,
        residual: bool = True,
        width: int | None = None,
        dropout: float = 0.1,
        numeric_transform: NumericTransform = "quantile",
        n_timesteps: int = 1000,
        sampling_steps: int = 25,
        training_steps: int | None = None,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-5,
        patience: int | None = 5,
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
        self.attention = attention
        self.shrinkage = shrinkage
        self.residual = residual
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
        self.n_choices = n_choices
        self.reject_copies = reject_copies
        self.categorical_features = categorical_features
        self.device = device
        self.n_threads = n_threads
        self.progress = progress
        self.cancel = cancel
        self.random_state = random_state

    def _check(self, parameters: Mapping[str, Any]) -> None:
        check_parameters(parameters)

    @property
    def _learning(self) -> Learn:
        without = tuple(part for part in ("attention", "shrinkage", "residual") if not getattr(self, part))
        return partial(learn_classes, parameters=self.get_params(deep=False), denoiser="semst", without=without)

    @property
    def _drawing(self) -> Draw:
        return partial(draw_rows, sampling_steps=self.sampling_steps, device=self.device, n_threads=self.n_threads)
