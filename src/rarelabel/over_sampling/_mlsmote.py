"""MLSMOTE: new rows between neighbours that share a minority label, with labels by vote of the neighbours."""

from __future__ import annotations

import warnings
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._random import RandomState
from rarelabel._validation import Matrix, Resampled, as_csr
from rarelabel.base import BaseSampler
from rarelabel.imbalance import label_counts
from rarelabel.interpolation import interpolate, vote_categories
from rarelabel.neighbors import Metric, embedding, nearest, resolve_neighbors, warn_of_small_bags
from rarelabel.schema import Schema
from rarelabel.selection import (
    SamplingPlan,
    SamplingStrategy,
    apportion,
    check_memory,
    minority_or_warn,
    repeat_rows,
    resolve_budget,
)

LabelsetStrategy = Literal["ranking", "union", "intersection"]


def mlsmote(
    X: Matrix,
    Y: NDArray[np.bool_],
    schema: Schema,
    *,
    seeds: NDArray[np.intp],
    made_for: NDArray[np.intp],
    k: int = 5,
    labelset_strategy: LabelsetStrategy = "ranking",
    metric: Metric = "heom",
    estimator: Any = None,
    n_jobs: int | None = None,
    rng: np.random.Generator,
) -> tuple[Matrix, NDArray[np.bool_], NDArray[np.intp]]:
    """New rows, their labels and the neighbour each was made with (Charte et al. 2015, Algorithms 1 and 2).

    Parameters
    ----------
    X : ndarray or csr_array, shape (n, d)
    Y : ndarray of bool, shape (n, q)
    schema : Schema
    seeds, made_for : ndarray of int, shape (m,)
        The row each new one starts from and the minority label it is made for, which the seed carries. Rows made for
        one label stand together.
    k : int, default=5
        Neighbours; fewer where fewer other rows carry the label.
    labelset_strategy : {"ranking", "union", "intersection"}, default="ranking"
        Labels of a new row: those of more than half of the seed and its neighbours, of any of them, or of all.
    metric : {"heom", "vdm", "euclidean"}, default="heom"
    estimator : object with ``fit`` and ``kneighbors``, default=None
    n_jobs : int, default=None
    rng : numpy.random.Generator

    Returns
    -------
    X_new : ndarray or csr_array, shape (m, d)
    Y_new : ndarray of bool, shape (m, q)
    neighbors : ndarray of int, shape (m,)
    """
    E = embedding(X, schema, metric=metric, Y=Y)(X)
    X_new, Y_new, partners = [X[:0]], [Y[:0]], [seeds[:0]]
    for label in dict.fromkeys(made_for.tolist()):
        bag = np.flatnonzero(Y[:, label])
        own = seeds[made_for == label]
        used, position = np.unique(np.searchsorted(bag, own), return_inverse=True)
        found = nearest(E[bag], k, queries=used, estimator=estimator, n_jobs=n_jobs)
        voters = bag[found][position]
        partner = voters[np.arange(len(own)), rng.integers(voters.shape[1], size=len(own))]
        made = interpolate(X, schema, own, partner, rng)
        X_new.append(vote_categories(X, schema, made, own, voters))
        Y_new.append(vote_labels(Y, own, voters, labelset_strategy))
        partners.append(partner)
    stacked = as_csr(sparse.vstack(X_new, format="csr")) if sparse.issparse(X) else np.concatenate(X_new)
    return stacked, np.concatenate(Y_new), np.concatenate(partners)


def vote_labels(
    Y: NDArray[np.bool_], seeds: NDArray[np.intp], voters: NDArray[np.intp], strategy: LabelsetStrategy
) -> NDArray[np.bool_]:
    """Labels that seed and neighbours agree on, shape (m, q) (Algorithm 2, "label set assignment").

    Examples
    --------
    >>> Y = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]], dtype=bool)
    >>> for strategy in ("ranking", "union", "intersection"):
    ...     print(vote_labels(Y, np.array([0]), np.array([[1, 2]]), strategy).astype(int))
    [[1 1 0]]
    [[1 1 1]]
    [[1 0 0]]
    """
    counts = Y[seeds].astype(np.int32)
    for voter in voters.T:
        counts += Y[voter]
    needed = {"ranking": (voters.shape[1] + 1) / 2, "union": 0, "intersection": voters.shape[1]}[strategy]
    return np.asarray(counts > needed)


@final
class MLSMOTE(BaseSampler):
    """Multi-label synthetic minority over-sampling.

    Every row that carries a minority label is a seed. A new row lies between the seed and one of its nearest neighbours
    among the rows with the same label, takes the most frequent categories of the neighbours, and the labels that more
    than half of seed and neighbours carry.

    Parameters
    ----------
    sampling_strategy : "auto", float, int, dict or callable, default="auto"
        ``"auto"``, as in the paper: one new row for each row of each minority label (IRLbl > MeanIR). A float (share of
        n) or int (rows) is shared out over the minority labels in the same proportion; a dict gives the rows to make
        for each label, and so the least number of positives it gains.
    k_neighbors : int or object with ``kneighbors``, default=5
        Neighbours of a seed. An object (:class:`sklearn.neighbors.NearestNeighbors`,
        :class:`rarelabel.neighbors.FaissNeighbors`, ...) is cloned for each label and gives ``n_neighbors - 1``
        neighbours, as in imbalanced-learn.
    labelset_strategy : {"ranking", "union", "intersection"}, default="ranking"
        How the labels of a new row follow from those of seed and neighbours.
    categorical_features : "auto", mask, indices or names, default="auto"
        Columns that hold categories besides those whose type says so.
    metric : {"heom", "vdm", "euclidean"}, default="heom"
        How rows with numbers and categories are compared.
    random_state : int, Generator or None, default=None
    n_jobs : int, default=None

    Notes
    -----
    NOTE[DIFF] Seeds and neighbours are original rows only, whatever the order of the labels. The paper leaves the
    metric of mixed rows to VDM; ``metric="vdm"`` gives it, HEOM is the default because it needs no labels and stays
    sparse. A label with a single row has no neighbour and is skipped with a warning.

    References
    ----------
    F. Charte, A. J. Rivera, M. J. del Jesus, F. Herrera. "MLSMOTE: Approaching imbalanced multilabel learning through
    synthetic instance generation". Knowledge-Based Systems 89 (2015).

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel import MLSMOTE
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(60, 4)), np.zeros((60, 2), dtype=int)
    >>> Y[:, 0], Y[:6, 1] = 1, 1
    >>> sampler = MLSMOTE(random_state=0)
    >>> print(sampler.plan(X, Y))
    MLSMOTE: 60 rows -> 66 (6 added, 0 removed)
      y1: 6 rows
    >>> X_res, Y_res = sampler.fit_resample(X, Y)
    >>> X_res.shape, Y_res[60:, 1].tolist()
    ((66, 4), [1, 1, 1, 1, 1, 1])
    """

    def __init__(
        self,
        *,
        sampling_strategy: SamplingStrategy = "auto",
        k_neighbors: Any = 5,
        labelset_strategy: LabelsetStrategy = "ranking",
        categorical_features: Any = "auto",
        metric: Metric = "heom",
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.k_neighbors = k_neighbors
        self.labelset_strategy = labelset_strategy
        self.categorical_features = categorical_features
        self.metric = metric
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        if self.labelset_strategy not in ("ranking", "union", "intersection"):
            raise ValueError(
                f"labelset_strategy must be 'ranking', 'union' or 'intersection', got {self.labelset_strategy!r}"
            )
        sizes = label_counts(Y)
        minority = minority_or_warn(Y, "MLSMOTE")
        auto = {int(label): int(sizes[label]) for label in minority}
        budget = resolve_budget(self.sampling_strategy, Y, schema.label_names, auto=auto)
        check_memory(budget.total, X, schema.n_labels)
        labels = np.array(list(budget.per_label or auto), dtype=np.intp)
        single = labels[sizes[labels] < 2]
        if len(single):
            names = ", ".join(repr(schema.label_names[label]) for label in single)
            warnings.warn(f"MLSMOTE skips {names}: one row is no pair to interpolate", UserWarning, stacklevel=4)
        labels = labels[sizes[labels] >= 2]
        k, _ = resolve_neighbors(self.k_neighbors)
        warn_of_small_bags("MLSMOTE", k, {f"label {schema.label_names[j]!r}": int(sizes[j]) for j in labels})
        if budget.per_label is not None:
            rows_for = np.array([budget.per_label[int(label)] for label in labels], dtype=np.intp)
        else:
            rows_for = apportion(budget.total, sizes[labels]) if len(labels) else labels
        bags = [repeat_rows(np.flatnonzero(Y[:, j]), int(c), rng) for j, c in zip(labels, rows_for, strict=True)]
        seeds = np.concatenate([*bags, np.empty(0, dtype=np.intp)]).astype(np.intp)
        made_for = np.repeat(labels, rows_for)
        return SamplingPlan("MLSMOTE", len(Y), schema.label_names, labels, len(seeds), rows=seeds, made_for=made_for)

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        assert plan.rows is not None
        assert plan.made_for is not None
        k, estimator = resolve_neighbors(self.k_neighbors)
        X_new, Y_new, partners = mlsmote(
            X,
            Y,
            schema,
            seeds=plan.rows,
            made_for=plan.made_for,
            k=k,
            labelset_strategy=self.labelset_strategy,
            metric=self.metric,
            estimator=estimator,
            n_jobs=self.n_jobs,
            rng=rng,
        )
        return Resampled.grown(len(Y), X_new, Y_new, seeds=plan.rows, neighbors=partners, made_for=plan.made_for)
