"""Classifier chains: each label is learned from the features and the labels before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._random import RandomState, check_random_state
from rarelabel._validation import Matrix
from rarelabel.classifiers._base import MultilabelClassifier
from rarelabel.classifiers._binary import (
    check_classifier,
    fit_binary,
    predict_and_proba_binary,
    predict_binary,
    warn_of_constant_labels,
)

__all__ = ["ClassifierChain"]


@final
class ClassifierChain(MultilabelClassifier):
    """Binary classifiers in a row, each of which also sees the labels before it (Read et al. 2011).

    Learned from the true labels, applied to the predicted ones. What scikit-learn's ``ClassifierChain`` does, but a
    label that is constant in the training rows is no error, and Y may be sparse.

    Parameters
    ----------
    estimator : classifier
        Copied for each label and otherwise left as it is, ``class_weight`` and ``random_state`` included.
    order : "random" or sequence of int, default=None
        Positions of all labels in the order of the chain; None takes them as they stand in Y.
    random_state : int, Generator, RandomState or None, default=None
        For ``order="random"``.

    Attributes
    ----------
    order_ : ndarray of int, shape (q,)
    estimators_ : list of classifier or bool, shape (q,)
        In the order of the chain; a bool where the label was constant.

    Raises
    ------
    ValueError
        On ``fit``, if ``order`` does not hold every label once.

    Warns
    -----
    UserWarning
        Once, naming the labels that were constant.

    References
    ----------
    Read, Pfahringer, Holmes & Frank, *Classifier chains for multi-label classification*, Machine Learning 85, 2011.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, Y = [[0.0], [1.0], [2.0], [3.0]], [[0, 1], [0, 1], [1, 0], [1, 0]]
    >>> ClassifierChain(DecisionTreeClassifier(), order=[1, 0]).fit(X, Y).predict([[-1.0], [4.0]])
    array([[0, 1],
           [1, 0]])
    """

    def __init__(
        self,
        estimator: Any,
        *,
        order: Literal["random"] | Sequence[int] | None = None,
        random_state: RandomState = None,
    ) -> None:
        self.estimator = estimator
        self.order = order
        self.random_state = random_state

    def _fit(self, X: Matrix, Y: NDArray[np.bool_]) -> None:
        check_classifier(self.estimator)
        self.order_ = resolve_order(self.order, Y.shape[1], check_random_state(self.random_state))
        warn_of_constant_labels(Y, self.label_names_, "ClassifierChain")
        ordered = Y[:, self.order_]
        self.estimators_ = [
            fit_binary(self.estimator, _beside(X, ordered[:, :i]), ordered[:, i]) for i in range(Y.shape[1])
        ]

    def _predict(self, X: Matrix) -> NDArray[np.bool_]:
        chained = np.empty((X.shape[0], len(self.order_)), dtype=bool)
        for i, fitted in enumerate(self.estimators_):
            chained[:, i] = predict_binary(fitted, _beside(X, chained[:, :i]))
        return chained[:, np.argsort(self.order_)]

    def _predict_proba(self, X: Matrix) -> NDArray[np.float64]:
        return self._predict_with_proba(X)[1]

    def _predict_with_proba(self, X: Matrix) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        chained = np.empty((X.shape[0], len(self.order_)), dtype=bool)
        proba = np.empty(chained.shape)
        for i, (label, fitted) in enumerate(zip(self.order_, self.estimators_, strict=True)):
            seen = _beside(X, chained[:, :i])
            chained[:, i], proba[:, label] = predict_and_proba_binary(fitted, seen)
        return chained[:, np.argsort(self.order_)], proba


def resolve_order(order: Any, q: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """The order of a chain over q labels.

    Parameters
    ----------
    order : "random", sequence of int or None
    q : int
    rng : Generator

    Returns
    -------
    ndarray of int, shape (q,)

    Raises
    ------
    ValueError
        If the sequence does not hold every position once.

    Examples
    --------
    >>> resolve_order([2, 0, 1], 3, np.random.default_rng(0)).tolist()
    [2, 0, 1]
    """
    if order is None:
        return np.arange(q)
    if isinstance(order, str):
        if order != "random":
            raise ValueError(f"order must be 'random', a sequence of positions or None, got {order!r}")
        return rng.permutation(q)
    positions = np.asarray(order)
    if positions.shape != (q,) or positions.dtype.kind not in "iu" or set(positions.tolist()) != set(range(q)):
        raise ValueError(f"order must hold each of the positions 0 to {q - 1} once, got {order!r}")
    return positions.astype(np.intp)


def _beside(X: Matrix, labels: NDArray[np.bool_]) -> Matrix:
    """The features and the labels before, in one matrix."""
    if not labels.shape[1]:
        return X
    if sparse.issparse(X):
        return sparse.hstack([X, sparse.csr_matrix(labels.astype(X.dtype))], format="csr")
    return np.hstack([X, labels.astype(X.dtype)])
