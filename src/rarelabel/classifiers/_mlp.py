"""A feed-forward network with one output for each label, trained with torch and applied with NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit

from rarelabel._random import RandomState, check_random_state
from rarelabel._validation import Matrix
from rarelabel.classifiers._base import MultilabelClassifier

if TYPE_CHECKING:
    from torch import Generator, Tensor

__all__ = ["MultilabelMLP", "balanced_weights", "forward", "initial_layers"]

Layer = tuple["Tensor", "Tensor"]
"""Weights, shape (inputs, outputs), and biases, shape (outputs,)."""


def balanced_weights(Y: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Weight of each value of each label, n / (2 rows with that value), shape (2, q).

    With them both values of a label have the same total weight, and all weights of a label sum to n. A constant label
    has weight 1.

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)

    Examples
    --------
    >>> balanced_weights(np.array([[True, False]] + [[False, False]] * 4)).T.tolist()
    [[0.625, 2.5], [1.0, 1.0]]
    """
    rows = np.stack([(~Y).sum(axis=0), Y.sum(axis=0)])
    return np.where(rows.min(axis=0) > 0, len(Y) / (2 * np.maximum(rows, 1)), 1).astype(np.float32)


def initial_layers(sizes: Sequence[int], rng: np.random.Generator) -> list[Layer]:
    """Layers between the sizes: weights uniform with variance 2 / inputs (He et al. 2015), biases 0.

    Those of the last layer are 0 too, so that every label starts at the probability 1/2, whatever the row.

    Parameters
    ----------
    sizes : sequence of int
        Of the input, each hidden layer and the output.
    rng : Generator
    """
    torch = _torch()
    layers: list[Layer] = []
    for inputs, outputs in pairwise(sizes):
        bound = np.sqrt(6 / inputs) if len(layers) < len(sizes) - 2 else 0.0
        weights = rng.uniform(-bound, bound, (inputs, outputs)).astype(np.float32)
        layers.append((torch.from_numpy(weights).requires_grad_(), torch.zeros(outputs, requires_grad=True)))
    return layers


def forward(layers: list[Layer], rows: Tensor, *, dropout: float = 0.0, generator: Generator | None = None) -> Tensor:
    """Logit of each label, shape (m, q).

    Parameters
    ----------
    layers : list of (weights, biases)
    rows : Tensor, shape (m, d)
    dropout : float, default=0.0
        Share of hidden units put to zero, the others scaled up.
    generator : Generator, default=None
        Draws them. torch's own dropout has no such argument and would draw from the global generator.
    """
    torch = _torch()
    for depth, (weights, biases) in enumerate(layers):
        if depth:
            rows = torch.relu(rows)
            if dropout:
                rows = rows * (torch.rand(rows.shape, generator=generator) >= dropout) / (1 - dropout)
        rows = rows @ weights + biases
    return rows


@final
class MultilabelMLP(MultilabelClassifier):
    """A feed-forward network with one logistic output for each label, trained by AdamW on the mean log loss.

    What scikit-learn's ``MLPClassifier`` does, but with class weights, dropout and sparse Y, with early stopping by the
    loss of all labels rather than by the share of rows that are right in every label, and with the global generators
    left alone. Needs the extra ``torch`` to be trained, not to be used.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(256,)
        Units of each hidden layer, with ReLU. None at all makes it a logistic regression for each label.
    dropout : float, default=0.5
        Share of hidden units left out in a training step, in [0, 1).
    learning_rate : float, default=0.001
    weight_decay : float, default=0.01
        Of AdamW, on weights and not on biases, which carry how rare a label is.
    epochs : int, default=50
        Passes over the training rows; at most, with early stopping.
    batch_size : int, default=64
        Rows of a training step. Sparse X is made dense for one batch at a time.
    early_stopping : bool, default=False
        Hold rows out, stop when their loss has not fallen for ``patience`` epochs, and return to the best epoch. Not
        done with fewer than 20 rows. It suits probabilities; F1 and average precision of rare labels still rise while
        the loss of all labels already does.
    validation_fraction : float, default=0.1
        Share of rows held out, in (0, 1).
    patience : int, default=10
    class_weight : "balanced" or None, default=None
        With "balanced" the positives of a label weigh as much in the loss as its negatives.
    random_state : int, Generator, RandomState or None, default=None
        For the first weights, the rows held out, the order of rows and dropout.

    Attributes
    ----------
    coefs_ : list of ndarray of float32, shape (inputs, outputs)
        Weights of each layer.
    intercepts_ : list of ndarray of float32, shape (outputs,)
    loss_history_ : ndarray, shape (epochs done, 2)
        Mean loss of the training rows during each epoch, and of those held out after it; the latter NaN without early
        stopping.
    n_epochs_ : int
        Epochs after which the weights were kept.

    Raises
    ------
    ValueError
        On ``fit``, if a parameter is out of range, or the loss is no longer finite.
    ImportError
        On ``fit``, if torch is not installed.

    Notes
    -----
    Standardise X first. Where Y is one-dimensional each class is told from all others, and probabilities are made to
    sum to one. Results are the same bytes for the same seed, version of torch and number of threads.

    References
    ----------
    Loshchilov & Hutter, *Decoupled weight decay regularization*, ICLR 2019.

    Examples
    --------
    >>> X, Y = [[-1.0], [-0.5], [0.5], [1.0]] * 10, [[0, 1], [0, 1], [1, 0], [1, 0]] * 10
    >>> classifier = MultilabelMLP((8,), learning_rate=0.05, random_state=0)
    >>> classifier.fit(X, Y).predict([[-2.0], [2.0]])
    array([[0, 1],
           [1, 0]])
    """

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (256,),
        *,
        dropout: float = 0.5,
        learning_rate: float = 0.001,
        weight_decay: float = 0.01,
        epochs: int = 50,
        batch_size: int = 64,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        class_weight: Literal["balanced"] | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.class_weight = class_weight
        self.random_state = random_state

    def _fit(self, X: Matrix, Y: NDArray[np.bool_]) -> None:
        self._check_parameters()
        rng = check_random_state(self.random_state)
        layers = initial_layers([X.shape[1], *self.hidden_layer_sizes, Y.shape[1]], rng)
        held, fitted = self._inner_split(len(Y), rng)
        loss = _log_loss(balanced_weights(Y[fitted]) if self.class_weight else np.ones((2, Y.shape[1]), np.float32))
        history, best, left = [], (np.inf, 0, _arrays(layers)), self.patience
        for epoch, trained in enumerate(self._epochs(layers, loss, X, Y, fitted, rng), start=1):
            validated = self._mean_loss(layers, loss, X, Y, held) if len(held) else np.nan
            history.append((trained, validated))
            if not np.isfinite(trained) or np.isinf(validated):
                raise ValueError(
                    f"MultilabelMLP: the loss is {trained} in epoch {epoch}; standardise X or lower learning_rate="
                    f"{self.learning_rate!r}"
                )
            if not len(held) or validated < best[0]:
                best, left = (validated, epoch, _arrays(layers)), self.patience
            else:
                left -= 1
            if left <= 0:
                break
        _, self.n_epochs_, (self.coefs_, self.intercepts_) = best
        self.loss_history_ = np.array(history)

    def _inner_split(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows held out and rows to train on."""
        n_held = max(1, round(n * self.validation_fraction)) if self.early_stopping and n >= 20 else 0
        shuffled = rng.permutation(n)
        return shuffled[:n_held], shuffled[n_held:]

    def _epochs(
        self,
        layers: list[Layer],
        loss: Callable[[Tensor, Tensor], Tensor],
        X: Matrix,
        Y: NDArray[np.bool_],
        fitted: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> Iterator[float]:
        """Train the layers in place; give the mean loss after each epoch."""
        torch = _torch()
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        weights, biases = zip(*layers, strict=True)
        optimizer = torch.optim.AdamW(
            [{"params": weights, "weight_decay": self.weight_decay}, {"params": biases, "weight_decay": 0.0}],
            lr=self.learning_rate,
        )
        for _ in range(self.epochs):
            total = 0.0
            for batch in _batches(rng.permutation(fitted), self.batch_size):
                rows, labels = _tensors(X, Y, batch)
                value = loss(forward(layers, rows, dropout=self.dropout, generator=generator), labels)
                optimizer.zero_grad()
                value.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                total += float(value.detach()) * len(batch)
            yield total / len(fitted)

    def _mean_loss(self, layers: list[Layer], loss: Any, X: Matrix, Y: NDArray[np.bool_], held: Any) -> float:
        torch, total = _torch(), 0.0
        with torch.no_grad():
            for batch in _batches(held, self.batch_size):
                rows, labels = _tensors(X, Y, batch)
                total += float(loss(forward(layers, rows), labels)) * len(batch)
        return total / len(held)

    def _predict(self, X: Matrix) -> NDArray[np.bool_]:
        return self._predict_proba(X) > 0.5

    def _predict_proba(self, X: Matrix) -> NDArray[np.float64]:
        rows: Any = X
        for depth, (weights, biases) in enumerate(zip(self.coefs_, self.intercepts_, strict=True)):
            rows = (np.maximum(rows, 0) if depth else rows) @ weights.astype(np.float64) + biases
        return np.asarray(expit(rows))

    def _predict_with_proba(self, X: Matrix) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        proba = self._predict_proba(X)
        return proba > 0.5, proba

    def _check_parameters(self) -> None:
        sizes = self.hidden_layer_sizes
        if isinstance(sizes, str) or not isinstance(sizes, Sequence) or not all(_is_count(size) for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be a sequence of ints of at least 1, got {sizes!r}")
        for name in ("epochs", "batch_size", "patience"):
            if not _is_count(getattr(self, name)):
                raise ValueError(f"{name} must be an int of at least 1, got {getattr(self, name)!r}")
        ranges: dict[str, tuple[str, Callable[[float], bool]]] = {
            "dropout": ("in [0, 1)", lambda value: 0 <= value < 1),
            "validation_fraction": ("in (0, 1)", lambda value: 0 < value < 1),
            "learning_rate": ("above 0", lambda value: 0 < value < np.inf),
            "weight_decay": ("of at least 0", lambda value: 0 <= value < np.inf),
        }
        for name, (expected, holds) in ranges.items():
            value = getattr(self, name)
            if not isinstance(value, Real) or isinstance(value, bool) or not holds(float(value)):
                raise ValueError(f"{name} must be a number {expected}, got {value!r}")
        if self.class_weight not in (None, "balanced"):
            raise ValueError(f"class_weight must be 'balanced' or None, got {self.class_weight!r}")


def _torch() -> Any:
    try:
        import torch
    except ModuleNotFoundError as absent:
        raise ImportError("MultilabelMLP needs torch to be trained: pip install 'rarelabel[torch]'") from absent
    return torch


def _log_loss(weights: NDArray[np.float32]) -> Callable[[Tensor, Tensor], Tensor]:
    """Mean log loss over rows and labels, each value of each label weighted."""
    torch = _torch()
    absent, present = torch.from_numpy(weights)

    def loss(logits: Tensor, labels: Tensor) -> Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(
            logits, labels, weight=absent, pos_weight=present / absent
        )

    return loss


def _batches(rows: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _tensors(X: Matrix, Y: NDArray[np.bool_], batch: NDArray[np.intp]) -> tuple[Tensor, Tensor]:
    torch = _torch()
    rows = X[batch].toarray() if sparse.issparse(X) else X[batch]
    with np.errstate(over="ignore"):  # the loss tells of infinite numbers
        rows = rows.astype(np.float32)
    return torch.from_numpy(rows), torch.from_numpy(Y[batch].astype(np.float32))


def _arrays(layers: list[Layer]) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Copies of the weights and biases."""
    weights, biases = zip(*layers, strict=True)
    return [each.detach().numpy().copy() for each in weights], [each.detach().numpy().copy() for each in biases]


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
