"""Label powerset: every labelset seen in training is one class."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from rarelabel._validation import Matrix
from rarelabel.classifiers._base import MultilabelClassifier
from rarelabel.classifiers._binary import check_classifier
from rarelabel.imbalance import labelsets

__all__ = ["LabelPowerset", "Powerset", "fit_powerset", "powerset_marginals", "predict_powerset"]


@dataclass(frozen=True, eq=False)
class Powerset:
    """A fitted multi-class problem over labelsets.

    Parameters
    ----------
    members : ndarray of bool, shape (m, q)
        Labels of each class.
    estimator : classifier or None
        Predicts the position of a labelset in ``members``; None where there is but one.
    """

    members: NDArray[np.bool_]
    estimator: Any


def fit_powerset(estimator: Any, X: Matrix, Y: NDArray[np.bool_]) -> Powerset:
    """Fit the estimator, itself and no copy, to tell the labelsets of Y apart.

    Parameters
    ----------
    estimator : classifier
    X : ndarray or csr_array, shape (n, d)
    Y : ndarray of bool, shape (n, q)

    Returns
    -------
    Powerset
    """
    members, _, inverse = labelsets(Y)
    if len(members) == 1:
        return Powerset(members, None)
    with warnings.catch_warnings():  # many classes are what labelsets are, and no sign of a regression problem
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        return Powerset(members, estimator.fit(X, inverse))


def predict_powerset(powerset: Powerset, X: Matrix) -> NDArray[np.bool_]:
    """Labels of the class that is predicted for each row, shape (m, q).

    Parameters
    ----------
    powerset : Powerset
    X : ndarray or csr_array, shape (m, d)
    """
    if powerset.estimator is None:
        return np.repeat(powerset.members, X.shape[0], axis=0)
    return powerset.members[powerset.estimator.predict(X)]


def powerset_marginals(powerset: Powerset, X: Matrix) -> NDArray[np.float64]:
    """P(label): the summed probabilities of the labelsets that hold it, shape (m, q).

    Parameters
    ----------
    powerset : Powerset
    X : ndarray or csr_array, shape (m, d)
    """
    if powerset.estimator is None:
        return np.repeat(powerset.members.astype(np.float64), X.shape[0], axis=0)
    members = powerset.members[powerset.estimator.classes_]
    return np.clip(powerset.estimator.predict_proba(X) @ members.astype(np.float64), 0, 1)  # sums round above 1


@final
class LabelPowerset(MultilabelClassifier):
    """One multi-class problem whose classes are the labelsets seen in training (Tsoumakas & Katakis 2007).

    ``predict`` gives the labelset that the estimator predicts, so only ever one that was seen; ``predict_proba`` sums,
    for each label, the probabilities of the labelsets that hold it. With a single labelset in training there is
    nothing to learn, and that one is predicted.

    Parameters
    ----------
    estimator : classifier
        Multi-class.

    Attributes
    ----------
    powerset_ : Powerset
        ``members``, the labelsets with the most frequent first, shape (m, q), and the fitted ``estimator``.

    References
    ----------
    Tsoumakas & Katakis, *Multi-label classification: an overview*, International Journal of Data Warehousing and Mining
    3(3), 2007.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> X, Y = [[0.0], [1.0], [5.0]], [[1, 0], [1, 1], [0, 1]]
    >>> classifier = LabelPowerset(KNeighborsClassifier(n_neighbors=2)).fit(X, Y)
    >>> classifier.predict_proba([[0.4]])
    array([[1. , 0.5]])
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def _fit(self, X: Matrix, Y: NDArray[np.bool_]) -> None:
        check_classifier(self.estimator)
        self.powerset_ = fit_powerset(clone(self.estimator), X, Y)

    def _predict(self, X: Matrix) -> NDArray[np.bool_]:
        return predict_powerset(self.powerset_, X)

    def _predict_proba(self, X: Matrix) -> NDArray[np.float64]:
        return powerset_marginals(self.powerset_, X)
