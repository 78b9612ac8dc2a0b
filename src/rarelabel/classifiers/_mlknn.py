"""ML-kNN: Bayes' rule on how many of a row's neighbours carry a label (Zhang & Zhou 2007)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from rarelabel._validation import Matrix
from rarelabel.classifiers._base import MultilabelClassifier
from rarelabel.neighbors import nearest

__all__ = ["MLkNN", "count_likelihoods", "label_posteriors", "label_priors", "neighbor_counts"]


def neighbor_counts(neighbors: NDArray[np.intp], Y: NDArray[np.bool_]) -> NDArray[np.int32]:
    """How many neighbours of each row carry each label, the paper's C_x(l).

    Parameters
    ----------
    neighbors : ndarray of int, shape (m, k)
        Rows of Y.
    Y : ndarray of bool, shape (n, q)

    Returns
    -------
    ndarray of int, shape (m, q)

    Examples
    --------
    >>> neighbor_counts(np.array([[0, 1], [1, 1]]), np.array([[True, False], [True, True]])).tolist()
    [[2, 1], [2, 2]]
    """
    counts = np.zeros((len(neighbors), Y.shape[1]), dtype=np.int32)
    for place in neighbors.T:  # k passes over (m, q) instead of one array of shape (m, k, q)
        counts += Y[place]
    return counts


def label_priors(Y: NDArray[np.bool_], s: float) -> NDArray[np.float64]:
    """P(H1) of each label, (s + rows with it) / (2 s + n), shape (q,).

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    s : float

    Examples
    --------
    >>> label_priors(np.array([[True, False], [True, False]]), 1.0).tolist()
    [0.75, 0.25]
    """
    return (s + Y.sum(axis=0)) / (2 * s + len(Y))


def count_likelihoods(counts: NDArray[np.int32], Y: NDArray[np.bool_], k: int, s: float) -> NDArray[np.float64]:
    """P(E_j | H_b) of each label.

    Of the training rows without (b = 0) and with (b = 1) the label, the smoothed share of those of whose k neighbours
    exactly j carry it.

    Parameters
    ----------
    counts : ndarray of int, shape (n, q)
        From 0 to k.
    Y : ndarray of bool, shape (n, q)
    k : int
    s : float

    Returns
    -------
    ndarray, shape (2, k + 1, q)
        ``[b, j, l]``; sums to 1 over j.
    """
    q = Y.shape[1]
    cells = counts * np.int64(q) + np.arange(q)
    tally = np.stack([np.bincount(cells[rows], minlength=(k + 1) * q).reshape(k + 1, q) for rows in (~Y, Y)])
    return (s + tally) / (s * (k + 1) + tally.sum(axis=1, keepdims=True))


def label_posteriors(
    counts: NDArray[np.int32], priors: NDArray[np.float64], likelihoods: NDArray[np.float64]
) -> NDArray[np.float64]:
    """P(H1 | E) of each row and label by Bayes' rule, shape (m, q).

    Parameters
    ----------
    counts : ndarray of int, shape (m, q)
    priors : ndarray, shape (q,)
    likelihoods : ndarray, shape (2, k + 1, q)
    """
    absent, present = likelihoods[:, counts, np.arange(counts.shape[1])]
    absent, present = absent * (1 - priors), present * priors
    return present / (present + absent)


@final
class MLkNN(MultilabelClassifier):
    """ML-kNN: a label's probability given how many of the k nearest rows carry it (Zhang & Zhou 2007).

    Counts are compared with those of the training rows with and without the label, as in the paper's Figure 1. A
    training row is not its own neighbour: it is left out by its index, so duplicates of it still count.

    Parameters
    ----------
    k : int, default=10
        Neighbours. Lowered, with a warning, where there are fewer other rows.
    s : float, default=1.0
        Smoothing, above 0; 1 is Laplace's.
    include_self : bool, default=False
        Count a training row among its own k neighbours, as scikit-multilearn does: wrong by the paper, since the row
        then knows its own labels; here to reproduce results that were obtained so.
    class_weight : "balanced" or None, default=None
        With "balanced" both values of a label are given the prior probability 1/2, so a label is predicted where the
        count of neighbours is likelier among rows with it than among rows without it.
    metric : str or callable, default="euclidean"
        As in scikit-learn's ``NearestNeighbors``.
    n_jobs : int, default=None
        For the search of neighbours.

    Attributes
    ----------
    k_ : int
        Neighbours used.
    priors_ : ndarray, shape (q,)
        P(label), 1/2 with balanced class weights.
    likelihoods_ : ndarray, shape (2, k + 1, q)
        ``[b, j, l]``: the share of rows with (b = 1) or without (b = 0) label l of whose neighbours j carry it.

    Raises
    ------
    ValueError
        On ``fit``, if ``k`` or ``s`` is out of range, ``class_weight`` is unknown, or there is but one row.

    Warns
    -----
    UserWarning
        Where ``k`` is lowered.

    Notes
    -----
    A label is predicted where its probability exceeds one half; the paper leaves ties open. The search gives equally
    near rows in any order.

    Balanced weights: a mistake on a row with (b = 1) or without (b = 0) a label costs w_b = n / (2 n_b), n_b the rows
    of that kind. It is then worth predicting where w_1 P(H1) P(E | H1) > w_0 P(H0) P(E | H0); with P(H_b) = n_b / n
    each w_b P(H_b) is 1/2. The paper's smoothed prior gives the same once rows are counted by their weights:
    (s + n/2) / (2 s + n) = 1/2.

    References
    ----------
    Zhang & Zhou, *ML-KNN: a lazy learning approach to multi-label learning*, Pattern Recognition 40, 2007.

    Examples
    --------
    >>> X, Y = [[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]], [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]
    >>> MLkNN(k=2).fit(X, Y).predict_proba([[0.5], [11.2]])
    array([[0.8, 0.2],
           [0.2, 0.8]])
    """

    def __init__(
        self,
        k: int = 10,
        s: float = 1.0,
        *,
        include_self: bool = False,
        class_weight: Literal["balanced"] | None = None,
        metric: str | Callable[..., float] = "euclidean",
        n_jobs: int | None = None,
    ) -> None:
        self.k = k
        self.s = s
        self.include_self = include_self
        self.class_weight = class_weight
        self.metric = metric
        self.n_jobs = n_jobs

    def _fit(self, X: Matrix, Y: NDArray[np.bool_]) -> None:
        self.k_ = self._checked_k(len(Y))
        self.index_ = NearestNeighbors(n_neighbors=self.k_, metric=self.metric, n_jobs=self.n_jobs).fit(X)
        self.Y_ = Y
        found = self._neighbors(X) if self.include_self else nearest(X, self.k_, estimator=self.index_)
        # NOTE[DIFF]: the paper has no weights. They enter the priors only: the likelihoods are shares within the rows
        # of one kind, where weights cancel but for the smoothing, which has to stay strong where rows are few.
        self.priors_ = label_priors(Y, self.s) if self.class_weight is None else np.full(Y.shape[1], 0.5)
        self.likelihoods_ = count_likelihoods(neighbor_counts(found, Y), Y, self.k_, self.s)

    def _checked_k(self, n: int) -> int:
        if not isinstance(self.k, Integral) or isinstance(self.k, bool) or self.k < 1:
            raise ValueError(f"k must be an int of at least 1, got {self.k!r}")
        if not isinstance(self.s, Real) or isinstance(self.s, bool) or not 0 < self.s < np.inf:
            raise ValueError(f"s must be a number above 0, got {self.s!r}")
        if self.class_weight not in (None, "balanced"):
            raise ValueError(f"class_weight must be 'balanced' or None, got {self.class_weight!r}")
        most = n if self.include_self else n - 1
        if most < 1:
            raise ValueError("MLkNN needs at least 2 rows, got n_samples = 1: a row is no neighbour of itself")
        if self.k > most:
            message = f"MLkNN: k={self.k} neighbours are more than {n} training rows have; k={most} is used"
            warnings.warn(message, UserWarning, stacklevel=4)
        return min(int(self.k), most)

    def _neighbors(self, X: Matrix) -> Any:
        return self.index_.kneighbors(X, return_distance=False)

    def _predict(self, X: Matrix) -> NDArray[np.bool_]:
        return self._predict_proba(X) > 0.5

    def _predict_with_proba(self, X: Matrix) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        proba = self._predict_proba(X)
        return proba > 0.5, proba

    def _predict_proba(self, X: Matrix) -> NDArray[np.float64]:
        return label_posteriors(neighbor_counts(self._neighbors(X), self.Y_), self.priors_, self.likelihoods_)
