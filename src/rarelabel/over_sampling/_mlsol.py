"""MLSOL: new rows where labels are locally rare, with labels by the type of each seed label."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from rarelabel._random import RandomState
from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.interpolation import interpolate
from rarelabel.local_imbalance import LocalImbalance, local_imbalance
from rarelabel.neighbors import (
    Embedding,
    Metric,
    embedding,
    nearest,
    resolve_neighbors,
    row_distances,
    warn_of_small_bags,
)
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan, SamplingStrategy, check_memory, resolve_budget

MAJORITY, SAFE, BORDERLINE, RARE, OUTLIER = range(5)
"""Type of a label of a row (Algorithm 2): the majority value, or a minority value by its share C of opponents."""

_THRESHOLD = np.array([np.nan, 0.5, 0.75, 1 + 1e-5, -1e-5])
"""Up to which relative distance from a seed of each type a new row takes the seed's value (Algorithm 3)."""


def label_types(local: LocalImbalance, neighbors: NDArray[np.intp]) -> NDArray[np.int8]:
    """Type of every label of every row, shape (n, q) (Algorithm 2).

    A rare value next to a safe or borderline one of the same label is borderline itself, and so on until nothing
    changes.
    """
    share = local.opponents.astype(np.int32) * 10  # C >= 0.3 as 10 C k >= 3 k: no rounding on the borders
    types = np.full(share.shape, SAFE, dtype=np.int8)
    for tenths in (3, 7, 10):
        types += share >= tenths * local.k
    types[~local.minority] = MAJORITY
    rows, labels = np.nonzero(types == RARE)
    while len(rows):
        around = types[neighbors[rows], labels[:, None]]
        change = ((around == SAFE) | (around == BORDERLINE)).any(axis=1)
        if not change.any():
            break
        types[rows[change], labels[change]] = BORDERLINE
        rows, labels = rows[~change], labels[~change]
    return types


def draw_seeds(
    local: LocalImbalance, n_new: int, per_label: dict[int, int] | None, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Seeds drawn in proportion to their weight w, and the label each is for (-1: none in particular).

    Where no row has a weight (no minority value has a neighbour of either kind), all rows with a minority value are
    equally likely. Seeds for a label carry it; where most rows do, they are equally likely.
    """
    if per_label is None:
        seeds = _draw(local.weights, np.asarray(local.minority.any(axis=1)), n_new, rng)
        return seeds, np.full(n_new, -1, dtype=np.intp)
    drawn = []
    for label, count in per_label.items():
        carriers = local.minority[:, label] ^ local.flipped[label]
        weights = local.S[:, label] * carriers  # nowhere, where most rows carry the label: its rare value is 0
        drawn.append(_draw(weights, carriers, count, rng))
    return np.concatenate(drawn), np.repeat(np.array(list(per_label), dtype=np.intp), list(per_label.values()))


def _draw(
    weights: NDArray[np.float64], fallback: NDArray[np.bool_], count: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    p = weights if weights.sum() > 0 else (fallback if fallback.any() else np.ones(len(weights)))
    return rng.choice(len(p), size=count, p=p / p.sum())


def new_labels(
    local: LocalImbalance,
    types: NDArray[np.int8],
    seeds: NDArray[np.intp],
    partners: NDArray[np.intp],
    distance: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Labels of the new rows (Algorithm 3), shape (m, q).

    Where seed and partner agree, so does the new row. Elsewhere it takes the minority value if it lies close enough to
    the one of the two that has it, with a reach that hangs on that value's type.

    Parameters
    ----------
    local : LocalImbalance
    types : ndarray of int8, shape (n, q)
    seeds, partners : ndarray of int, shape (m,)
    distance : ndarray of float, shape (m,)
        Distance to the seed over the sum of the distances to seed and partner.
    """
    has, other = local.minority[seeds], local.minority[partners]
    holder = np.where(has, types[seeds], types[partners])
    away = np.where(has, distance[:, None], 1 - distance[:, None])
    minority = np.where(has == other, has, away <= _THRESHOLD[holder])
    return np.asarray(minority ^ local.flipped, dtype=bool)


def relative_distance(embed: Embedding, X_new: Matrix, A: Matrix, B: Matrix) -> NDArray[np.float64]:
    """Distance to A over the sum of distances to A and B, for matching rows; 0.5 where all three coincide."""
    E_new = embed(X_new)
    to_seed, to_partner = row_distances(E_new, A), row_distances(E_new, B)
    total = to_seed + to_partner
    return np.divide(to_seed, total, out=np.full(len(total), 0.5), where=total > 0)


@final
class MLSOL(BaseSampler):
    """Multi-label synthetic over-sampling based on local label distribution.

    Seeds are drawn where minority values are surrounded by the other value, but not entirely; each label of a new row
    is decided by where the row lies between seed and neighbour and by how safe the seed's value is.

    Parameters
    ----------
    sampling_strategy : "auto", float, int, dict or callable, default=0.3
        Rows to add: a share of n, a number, or for each label. ``"auto"`` is 0.3, as in the paper. With a dict the
        seeds are drawn by that label alone, and the new rows carry it.
    k_neighbors : int or object with ``kneighbors``, default=5
    categorical_features : "auto", mask, indices or names, default="auto"
        Columns that hold categories besides those whose type says so.
    metric : {"heom", "vdm", "euclidean"}, default="heom"
    random_state : int, Generator or None, default=None
    n_jobs : int, default=None

    Notes
    -----
    NOTE[DIFF] With a one-dimensional y, deciding each class apart could give a row two classes or none; such a row
    takes the class of the seed.

    References
    ----------
    B. Liu, K. Blekas, G. Tsoumakas. "Multi-label sampling based on local label imbalance". Pattern Recognition 122
    (2022), section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel import MLSOL
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(50, 3))
    >>> Y = np.column_stack([X[:, 0] > 1, X[:, 1] > 0]).astype(int)
    >>> X_res, Y_res = MLSOL(sampling_strategy=0.2, random_state=0).fit_resample(X, Y)
    >>> X_res.shape
    (60, 3)
    """

    def __init__(
        self,
        *,
        sampling_strategy: SamplingStrategy = 0.3,
        k_neighbors: Any = 5,
        categorical_features: Any = "auto",
        metric: Metric = "heom",
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.k_neighbors = k_neighbors
        self.categorical_features = categorical_features
        self.metric = metric
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        budget = resolve_budget(self.sampling_strategy, Y, schema.label_names, auto=0.3)
        check_memory(budget.total, X, schema.n_labels)
        labels = np.array(list(budget.per_label or np.flatnonzero(Y.any(axis=0))), dtype=np.intp)
        made_for = None
        if budget.per_label is not None:
            made_for = np.repeat(labels, list(budget.per_label.values()))
        return SamplingPlan("MLSOL", len(Y), schema.label_names, labels, budget.total, made_for=made_for)

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        k, estimator = resolve_neighbors(self.k_neighbors)
        warn_of_small_bags("MLSOL", k, {"the table": len(Y)})
        embed = embedding(X, schema, metric=self.metric, Y=Y)
        E = embed(X)
        neighbors = nearest(E, k, estimator=estimator, n_jobs=self.n_jobs)
        local = local_imbalance(Y, neighbors)
        types = label_types(local, neighbors)
        wanted = None if plan.made_for is None else _counts(plan.made_for)
        seeds, made_for = draw_seeds(local, plan.n_new, wanted, rng)
        partners = neighbors[seeds, rng.integers(neighbors.shape[1], size=len(seeds))]
        X_new = interpolate(X, schema, seeds, partners, rng)
        distance = relative_distance(embed, X_new, E[seeds], E[partners])
        Y_new = new_labels(local, types, seeds, partners, distance)
        asked = np.flatnonzero(made_for >= 0)
        if schema.exclusive:
            Y_new = np.where(Y_new.sum(axis=1, keepdims=True) == 1, Y_new, Y[seeds])
            Y_new[asked] = False
        Y_new[asked, made_for[asked]] = True
        return Resampled.grown(len(Y), X_new, Y_new, seeds=seeds, neighbors=partners, made_for=made_for)


def _counts(made_for: NDArray[np.intp]) -> dict[int, int]:
    labels, counts = np.unique(made_for, return_counts=True)
    return dict(zip(labels.tolist(), counts.tolist(), strict=True))
