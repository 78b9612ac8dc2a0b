"""BalanceMix for tables, with the interface of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from numbers import Integral, Real
from threading import Event
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

try:
    import torch
except ImportError as error:
    raise ImportError("BalanceMixClassifier needs PyTorch: pip install 'rarelabel[torch]'") from error

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from rarelabel._device import forked_rng, torch_generator
from rarelabel._random import RandomState, check_random_state
from rarelabel._validation import Features, Matrix
from rarelabel.augmentation._balancemix import BalanceMix
from rarelabel.augmentation._balancemix_record import EpochRecord
from rarelabel.augmentation._balancemix_run import default_warmup, given_losses
from rarelabel.augmentation._inputs import as_truth
from rarelabel.augmentation._label_manager import LabelManager, Trusted, Unlearned
from rarelabel.augmentation._managed_labels import ManagedLabels
from rarelabel.augmentation._methods import Method, find_method
from rarelabel.augmentation._streams import random_stream
from rarelabel.augmentation._suspicious import SuspiciousLabels
from rarelabel.augmentation._table_rows import TableInputs, TableRows, TableViews
from rarelabel.classifiers import MultilabelClassifier

__all__ = ["BalanceMixClassifier"]


@final
class BalanceMixClassifier(MultilabelClassifier):
    """A feed-forward network for tables whose labels are rare and partly wrong, trained by BalanceMix.

    Numbers get mean 0 and standard deviation 1 and categories a column each, inside. Sparse rows are made dense a batch
    at a time. A view of a row is the row with some columns masked and some noise on numbers.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(256,)
        Units of each hidden layer, with ReLU.
    method : str or Method, default="balancemix"
        As in :class:`BalanceMix`: ``"bce"``, ``"mixup"``, ``"asl"``, ... train the same network in the same loop.
    dropout : float in [0, 1), default=0.0
        Share of hidden units left out in a training step.
    epochs : int, default=50
    warmup : int, default=None
        Epochs before labels are managed. None: a fifth of the epochs, at least 1.
    batch_size : int, default=64
    optimizer : {"sgd", "adamw"}, default="sgd"
        SGD with momentum 0.9, as in the paper, or AdamW. The learning rate falls to 0 along a cosine.
    learning_rate : float, default=None
        None: 0.01, but 0.05 with SGD where labels are managed: the network must have learned something when warm-up
        ends, and what a higher rate learns by heart is what the label manager finds.
    weight_decay : float, default=1e-4
    mask_share : float in [0, 1), default=0.1
        Share of the columns of a view that are masked by their means over the training rows.
    noise : float, default=0.1
        Standard deviation of the noise of a view, in standard deviations of the column.
    augment : bool, default=True
        Whether rows that are trained on are views too, with every method.
    alpha, epsilon, unlearned, trusted, reg_covar : default=4.0, 0.975, "manage", None and 0.01
    temperature, positives_only : default=1.0 and False
        As in :class:`BalanceMix`.
    class_weight : "balanced" or None, default=None
        With "balanced" the positives of a label weigh as much in the loss as its negatives.
    categorical_features : "auto", None, mask, or indices or names of columns, default="auto"
        Columns that hold categories besides those whose type says so.
    device : str, default="auto"
    n_threads : int, default=None
    progress : callable, default=None
        Called with an :class:`EpochRecord` after each epoch.
    cancel : callable or threading.Event, default=None
        Looked at before every step; where true, training ends as it stands. An event cannot be copied: where the
        estimator is cloned, as by cross-validation, give ``lambda: event.is_set()``.
    random_state : int, Generator, RandomState or None, default=None

    Attributes
    ----------
    network_ : torch.nn.Module
    inputs_ : TableInputs
        How rows become inputs of the network.
    history_ : tuple of EpochRecord
    stopped_ : {"finished", "cancelled", "not finite"}
    seed_ : int

    Raises
    ------
    ValueError
        On ``fit``, if a parameter is out of range, or the loss is not finite in the first epoch.

    See Also
    --------
    BalanceMix : The loop, for any network and dataset.

    References
    ----------
    H. Song, M. Kim and J.-G. Lee (2024), "Toward robustness in multi-label classification: a data augmentation strategy
    against imbalance and noise", AAAI; arXiv 2312.07087.

    Examples
    --------
    >>> from rarelabel.augmentation import BalanceMixClassifier
    >>> from rarelabel.datasets import flip_labels, make_imbalanced_multilabel
    >>> data, _ = make_imbalanced_multilabel(500, 20, 4, class_sep=1.5, random_state=0)
    >>> noisy = flip_labels(data.Y, 0.2, random_state=1)
    >>> classifier = BalanceMixClassifier((32,), epochs=20, warmup=5, batch_size=16, random_state=0)
    >>> predicted = classifier.fit(data.X, noisy.Y).predict(data.X)
    >>> bool((predicted == data.Y).mean() > 0.92)  # of the labels it learned from, 0.8 were right
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (256,),
        *,
        method: str | Method = "balancemix",
        dropout: float = 0.0,
        epochs: int = 50,
        warmup: int | None = None,
        batch_size: int = 64,
        optimizer: Literal["sgd", "adamw"] = "sgd",
        learning_rate: float | None = None,
        weight_decay: float = 1e-4,
        mask_share: float = 0.1,
        noise: float = 0.1,
        augment: bool = True,
        alpha: float = 4.0,
        epsilon: float = 0.975,
        unlearned: Unlearned = "manage",
        trusted: Trusted | None = None,
        reg_covar: float = 0.01,
        temperature: float = 1.0,
        positives_only: bool = False,
        class_weight: Literal["balanced"] | None = None,
        categorical_features: Any = "auto",
        device: str = "auto",
        n_threads: int | None = None,
        progress: Callable[[EpochRecord], object] | None = None,
        cancel: Callable[[], bool] | Event | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.method = method
        self.dropout = dropout
        self.epochs = epochs
        self.warmup = warmup
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.mask_share = mask_share
        self.noise = noise
        self.augment = augment
        self.alpha = alpha
        self.epsilon = epsilon
        self.unlearned = unlearned
        self.trusted = trusted
        self.reg_covar = reg_covar
        self.temperature = temperature
        self.positives_only = positives_only
        self.class_weight = class_weight
        self.categorical_features = categorical_features
        self.device = device
        self.n_threads = n_threads
        self.progress = progress
        self.cancel = cancel
        self.random_state = random_state

    def managed_labels(self, X: Any, Y: Any) -> ManagedLabels:
        """What the network and a label manager say about given labels, those it was trained on or others.

        Mixtures are fitted to the losses of these rows, and two views of each are looked at.

        Parameters
        ----------
        X, Y : as in :meth:`fit`
            Labels are matched with those fitted by name where both have names, else by position.

        Returns
        -------
        ManagedLabels
            Labels stand in the order of ``label_names_``.

        Raises
        ------
        ValueError
            If the table has other columns or labels.
        """
        rows = self._rows(X)
        given = as_truth(Y, self.label_names_, len(rows), what="Y")
        generator = torch_generator(random_stream(self.seed_, "review"))
        losses = given_losses(self._logits(rows), given)
        views = [self._logits(rows, generator).sigmoid() for _ in range(2)]
        manager = LabelManager(
            epsilon=self.epsilon, unlearned=self.unlearned, trusted=self.trusted, reg_covar=self.reg_covar
        ).fit(losses, given)
        return replace(manager.manage(losses, given, views), label_names=self.label_names_)

    def suspicious_labels(
        self, X: Any, Y: Any, top: int | None = None, *, row_names: Sequence[Any] | None = None
    ) -> SuspiciousLabels:
        """List given labels that are probably wrong; see :meth:`managed_labels`, :meth:`ManagedLabels.suspicious`."""
        return self.managed_labels(X, Y).suspicious(top, row_names=row_names)

    def _fit(self, X: Matrix, Y: NDArray[np.bool_]) -> None:
        self._check_parameters()
        rng = check_random_state(self.random_state)
        inputs = TableInputs.fit(X, self.schema_)
        sizes = [inputs.width, *self.hidden_layer_sizes, Y.shape[1]]
        network = _network(sizes, self.dropout, torch_generator(rng))
        trained = BalanceMix(
            network,
            method=self.method,
            epochs=self.epochs,
            warmup=default_warmup(self.epochs, 5) if self.warmup is None else self.warmup,
            batch_size=self.batch_size,
            batch_view=TableViews.of(inputs, mask_share=self.mask_share, noise=self.noise),
            augment=self.augment,
            optimizer=self._make_optimizer,
            alpha=self.alpha,
            epsilon=self.epsilon,
            unlearned=self.unlearned,
            trusted=self.trusted,
            reg_covar=self.reg_covar,
            temperature=self.temperature,
            positives_only=self.positives_only,
            class_weight=self.class_weight,
            device=self.device,
            n_threads=self.n_threads,
            random_state=rng,
        )
        trained.fit(TableRows(X, inputs, {}), Y, progress=self.progress, cancel=self.cancel)
        self.network_, self.inputs_ = network.cpu().eval(), inputs
        self.seed_, self.history_, self.stopped_ = trained.seed_, trained.history_, trained.stopped_

    def _make_optimizer(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        rate = self.learning_rate
        if rate is None:
            rate = 0.05 if self.optimizer == "sgd" and find_method(self.method).kinds else 0.01
        if self.optimizer == "adamw":
            return AdamW(parameters, lr=rate, weight_decay=self.weight_decay)
        return SGD(parameters, lr=rate, momentum=0.9, weight_decay=self.weight_decay)

    def _encoded(self, features: Features) -> TableRows:
        return self.inputs_.rows(features)

    def _predict(self, X: Matrix) -> NDArray[np.bool_]:
        return self._predict_proba(X) > 0.5

    def _predict_proba(self, X: Matrix) -> NDArray[np.float64]:
        logits = self._logits(X).double()
        bad = np.flatnonzero(~torch.isfinite(logits).all(dim=1).numpy())
        if len(bad):
            raise ValueError(
                f"logits of {len(bad):,} of {len(logits):,} rows are not finite, the first is row {bad[0]}"
            )
        probabilities: NDArray[np.float64] = logits.sigmoid().numpy()
        return probabilities

    def _predict_with_proba(self, X: Matrix) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        proba = self._predict_proba(X)
        return proba > 0.5, proba

    @torch.no_grad()
    def _logits(self, rows: TableRows, generator: torch.Generator | None = None) -> torch.Tensor:
        """Of rows as they are, or of a view of each where a generator is given."""
        view = TableViews.of(self.inputs_, mask_share=self.mask_share, noise=self.noise)
        parts, step = [], self.inputs_.n_at_once
        for start in range(0, len(rows), step):
            x = rows.__getitems__(range(start, min(start + step, len(rows))))
            parts.append(self.network_(x if generator is None else view(x, generator)))
        return torch.cat(parts)

    def _check_parameters(self) -> None:
        sizes = self.hidden_layer_sizes
        if isinstance(sizes, str) or not isinstance(sizes, Sequence) or not all(map(_is_size, sizes)):
            raise ValueError(f"hidden_layer_sizes must be a sequence of ints of at least 1, got {sizes!r}")
        ranges: dict[str, tuple[str, Callable[[float], bool]]] = {
            "dropout": ("in [0, 1)", lambda value: 0 <= value < 1),
            "mask_share": ("in [0, 1)", lambda value: 0 <= value < 1),
            "noise": ("of at least 0", lambda value: 0 <= value < np.inf),
            "weight_decay": ("of at least 0", lambda value: 0 <= value < np.inf),
        }
        if self.learning_rate is not None:
            ranges["learning_rate"] = ("above 0", lambda value: 0 < value < np.inf)
        for name, (expected, holds) in ranges.items():
            value = getattr(self, name)
            if not isinstance(value, Real) or isinstance(value, bool) or not holds(float(value)):
                raise ValueError(f"{name} must be a number {expected}, got {value!r}")
        if self.optimizer not in ("sgd", "adamw"):
            raise ValueError(f"optimizer must be 'sgd' or 'adamw', got {self.optimizer!r}")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = tags.input_tags.allow_nan = True
        return tags


def _network(sizes: Sequence[int], dropout: float, generator: torch.Generator) -> nn.Sequential:
    """Linear layers between the sizes, with ReLU and dropout; every label starts at the probability 1/2."""
    with forked_rng(generator):
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
        last = layers[-3]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    return nn.Sequential(*layers[:-2])


def _is_size(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
