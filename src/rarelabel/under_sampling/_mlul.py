"""MLUL: keep the rows that matter for locally rare labels, remove those that stand in their way."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._random import RandomState
from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.local_imbalance import LocalImbalance, local_imbalance
from rarelabel.neighbors import Metric, embedding, nearest, resolve_neighbors, warn_of_small_bags
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan, SamplingStrategy, resolve_budget


def importance(local: LocalImbalance, neighbors: NDArray[np.intp]) -> NDArray[np.float64]:
    """How much a row is worth keeping: v = w - u, moved so that the least is 0 (Liu et al. 2022, Algorithm 4).

    w is the row's own local imbalance (as for MLSOL). u is the mean, over its reverse neighbours, of their local
    imbalance in labels where the row has the other value or is an outlier, less that in labels where it agrees.

    Parameters
    ----------
    local : LocalImbalance
    neighbors : ndarray of int, shape (n, k)

    Returns
    -------
    ndarray of float, shape (n,)
        Not negative.
    """
    n, k = neighbors.shape
    points_at = sparse.csr_array((np.ones(n * k), neighbors.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    reverse = sparse.csr_array(points_at.T)
    received = reverse @ local.S
    agreeing = np.where(local.valid, received, 0.0).sum(axis=1)
    opposing = received.sum(axis=1) - agreeing
    u = (opposing - agreeing) / np.maximum(np.diff(reverse.indptr), 1)
    v = local.weights - u
    return np.asarray(v - min(float(v.min()), 0.0))


def removal_order(v: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows in the order in which they go, so that keeping the last m draws m rows without replacement by weight v.

    Drawing with the keys log(u) / v is drawing one row after the other in proportion to v (Efraimidis & Spirakis
    2006). Rows of weight 0 come first, in random order.
    """
    u = rng.random(len(v))
    keys = np.divide(np.log(u, out=np.full(len(u), -np.inf), where=u > 0), v, out=np.full(len(v), -np.inf), where=v > 0)
    return np.lexsort((u, keys))


@final
class MLUL(BaseSampler):
    """Multi-label under-sampling based on local label imbalance.

    Parameters
    ----------
    sampling_strategy : "auto", float, int, dict or callable, default=0.25
        Rows to remove: a share of n, a number, or for each label (the least important rows that carry it). ``"auto"``
        is 0.25.
    n_neighbors : int or object with ``kneighbors``, default=5
    categorical_features : "auto", mask, indices or names, default="auto"
        Columns that hold categories besides those whose type says so.
    metric : {"heom", "vdm", "euclidean"}, default="heom"
    random_state : int, Generator or None, default=None
    n_jobs : int, default=None

    References
    ----------
    B. Liu, K. Blekas, G. Tsoumakas. "Multi-label sampling based on local label imbalance". Pattern Recognition 122
    (2022), section 4.3.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel import MLUL
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(50, 3))
    >>> Y = np.column_stack([X[:, 0] > 1, X[:, 1] > 0]).astype(int)
    >>> X_res, Y_res = MLUL(sampling_strategy=0.2, random_state=0).fit_resample(X, Y)
    >>> X_res.shape
    (40, 3)
    """

    def __init__(
        self,
        *,
        sampling_strategy: SamplingStrategy = 0.25,
        n_neighbors: Any = 5,
        categorical_features: Any = "auto",
        metric: Metric = "heom",
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.n_neighbors = n_neighbors
        self.categorical_features = categorical_features
        self.metric = metric
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        budget = resolve_budget(self.sampling_strategy, Y, schema.label_names, auto=0.25)
        k, estimator = resolve_neighbors(self.n_neighbors)
        warn_of_small_bags("MLUL", k, {"the table": len(Y)})
        E = embedding(X, schema, metric=self.metric, Y=Y)(X)
        neighbors = nearest(E, k, estimator=estimator, n_jobs=self.n_jobs)
        order = removal_order(importance(local_imbalance(Y, neighbors), neighbors), rng)
        if budget.per_label is None:
            rows = order[: budget.total]
        else:
            rows = np.empty(0, dtype=np.intp)
            for label, count in budget.per_label.items():
                carriers = order[Y[order, label]]
                rows = np.union1d(rows, carriers[~np.isin(carriers, rows)][:count])
        if len(rows) > len(Y) - 1:
            raise ValueError(f"sampling_strategy asks to remove {len(rows)} of {len(Y)} rows; at least one must stay")
        labels = np.array(list(budget.per_label or np.flatnonzero(Y.any(axis=0))), dtype=np.intp)
        return SamplingPlan("MLUL", len(Y), schema.label_names, labels, n_removed=len(rows), rows=np.sort(rows))

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        return Resampled(plan.kept)
