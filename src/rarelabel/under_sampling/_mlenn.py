"""MLeNN: remove rows without minority labels whose neighbours have other labels."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.imbalance import minority_labels
from rarelabel.neighbors import Metric, adjusted_hamming, embedding, nearest, resolve_neighbors, warn_of_small_bags
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan


def mlenn(
    Y: NDArray[np.bool_], rows: NDArray[np.intp], neighbors: NDArray[np.intp], *, threshold: float
) -> NDArray[np.intp]:
    """Rows to remove (Charte et al. 2014, Algorithm 1).

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    rows : ndarray of int, shape (m,)
        Candidates: the rows without a minority label.
    neighbors : ndarray of int, shape (m, k)
    threshold : float
        Adjusted Hamming distance above which two labelsets differ.

    Returns
    -------
    ndarray of int
        The candidates that differ from at least half of their neighbours.

    Examples
    --------
    >>> Y = np.array([[1, 0], [0, 1], [0, 1], [1, 1]], dtype=bool)
    >>> mlenn(Y, np.array([0, 1]), np.array([[1, 3], [2, 3]]), threshold=0.75).tolist()
    [0]
    """
    k = neighbors.shape[1]
    differing = np.zeros(len(rows), dtype=int)
    for neighbor in neighbors.T:
        differing += adjusted_hamming(Y[rows], Y[neighbor]) > threshold
    return rows[2 * differing >= k] if k else rows[:0]


@final
class MLeNN(BaseSampler):
    """Multi-label edited nearest neighbours.

    A row goes if it carries no minority label (IRLbl > MeanIR) and its labelset differs from those of at least half of
    its neighbours. Nothing is drawn at random. A row without labels differs
    from every row that has some, and so mostly goes.

    Parameters
    ----------
    n_neighbors : int or object with ``kneighbors``, default=3
    threshold : float, default=0.75
        Adjusted Hamming distance, in [0, 1], above which two labelsets differ: labels that differ over labels of both
        rows.
    categorical_features : "auto", mask, indices or names, default="auto"
        Columns that hold categories besides those whose type says so.
    metric : {"heom", "vdm", "euclidean"}, default="heom"
    n_jobs : int, default=None

    References
    ----------
    F. Charte, A. J. Rivera, M. J. del Jesus, F. Herrera. "MLeNN: A first approach to heuristic multilabel
    undersampling". IDEAL 2014.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel import MLeNN
    >>> X = np.array([[0.0], [0.1], [0.2], [0.3], [9.0], [9.1]])
    >>> Y = np.array([[1, 0, 0]] * 3 + [[0, 1, 0]] + [[1, 0, 1]] + [[1, 1, 0]])
    >>> X_res, Y_res = MLeNN().fit_resample(X, Y)
    >>> X_res.ravel().tolist()
    [0.0, 0.1, 0.2, 9.0, 9.1]
    """

    def __init__(
        self,
        *,
        n_neighbors: Any = 3,
        threshold: float = 0.75,
        categorical_features: Any = "auto",
        metric: Metric = "heom",
        n_jobs: int | None = None,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.threshold = threshold
        self.categorical_features = categorical_features
        self.metric = metric
        self.n_jobs = n_jobs

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must lie in [0, 1], got {self.threshold!r}")
        k, estimator = resolve_neighbors(self.n_neighbors)
        warn_of_small_bags("MLeNN", k, {"the table": len(Y)})
        minority = minority_labels(Y)
        candidates = np.flatnonzero(~(Y & minority).any(axis=1))
        E = embedding(X, schema, metric=self.metric, Y=Y)(X)
        neighbors = nearest(E, k, queries=candidates, estimator=estimator, n_jobs=self.n_jobs)
        rows = mlenn(Y, candidates, neighbors, threshold=self.threshold)
        labels = np.flatnonzero(Y.any(axis=0) & ~minority)
        return SamplingPlan("MLeNN", len(Y), schema.label_names, labels, n_removed=len(rows), rows=rows)

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        return Resampled(plan.kept)
