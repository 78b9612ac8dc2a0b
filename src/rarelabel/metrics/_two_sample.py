"""Do new rows follow the distribution of the real ones? A classifier, a kernel and neighbours as judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from rarelabel._random import RandomState, check_random_state
from rarelabel._validation import Matrix, as_csr, validate_feature_pair, validate_label_pair
from rarelabel.metrics._points import choose_rows, points_of, squared_distances
from rarelabel.metrics._privacy import row_hashes
from rarelabel.neighbors import nearest, row_distances
from rarelabel.schema import Schema

__all__ = [
    "Manifolds",
    "auc_of",
    "c2st_auc",
    "manifolds_of",
    "mmd",
    "mmd_of",
    "precision_recall_density_coverage",
]

Floats = NDArray[np.float64]
_FEWEST = 5  # rows a side below which no classifier is asked
_MEDIAN_OF = 1000  # rows a side that the median of distances is taken from


def c2st_auc(
    X_real: Any,
    X_new: Any,
    *,
    Y_real: Any = None,
    Y_new: Any = None,
    classifier: Any = None,
    n_splits: int = 3,
    max_rows: int | None = 500,
    schema: Schema | None = None,
    categorical_features: Any = "auto",
    random_state: RandomState = None,
) -> float:
    """How well a classifier tells new rows from real ones (C2ST): AUC on rows it was not trained on, in [0, 1].

    0.5 is what chance gives and 1 tells all rows apart. Values well below 0.5 are no praise: they say that new rows lie
    right beside single real rows, so that each row of the test part has its twin of the other kind in training.

    Parameters
    ----------
    X_real : array-like, sparse matrix or DataFrame, shape (n, d)
    X_new : likewise, shape (m, d); m may be 0
        Frames are matched by the names of their columns, anything else by position.
    Y_real, Y_new : labels of the rows, default=None
        Joined to the features where given, so that rows with the wrong labels are found out too.
    classifier : scikit-learn classifier with ``predict_proba``, default=None
        By default a random forest of 40 trees on half of the rows each, with at least 5 rows
        in a leaf (fewer below 100 rows).
    n_splits : int, default=3
        Folds. A real row and its copies are never parted, so one copy of each real row gives 0.5.
    max_rows : int or None, default=500
        As many real rows as new ones are drawn, at most this many of each; None sets no bound.
    schema : Schema, default=None
        What the columns are, where that is known: X then holds numbers, and categories as codes.
    categorical_features : "auto", None, mask, indices or names, default="auto"
    random_state : int, Generator, RandomState or None, default=None
        Draws the rows, the folds, and the trees of the default classifier.

    Returns
    -------
    float
        Mean over the folds. NaN with fewer than 5 rows, or fewer than ``n_splits``, on either side.

    Raises
    ------
    ValueError, TypeError
        If the columns or labels of the two differ, one Y is given without the other, or an option is out of range.

    References
    ----------
    D. Lopez-Paz and M. Oquab, *Revisiting classifier two-sample tests*, ICLR 2017, with the AUC in place of the
    accuracy.

    Examples
    --------
    >>> from rarelabel.metrics import c2st_auc
    >>> rng = np.random.default_rng(0)
    >>> c2st_auc(rng.normal(size=(100, 2)), rng.normal(size=(100, 2)) + 9, random_state=0)
    1.0
    """
    if (Y_real is None) != (Y_new is None):
        raise ValueError("c2st_auc takes Y_real and Y_new together, or neither")
    if isinstance(n_splits, bool) or not isinstance(n_splits, int | np.integer) or n_splits < 2:
        raise ValueError(f"n_splits must be a whole number of at least 2, got {n_splits!r}")
    check_max_rows(max_rows)
    points = points_of(validate_feature_pair(X_real, X_new, schema=schema, categorical_features=categorical_features))
    labels = None if Y_real is None else validate_label_pair(Y_real, Y_new)
    if labels is not None:
        for name, E, Y in zip(("real", "new"), points, labels, strict=True):
            if E.shape[0] != len(Y):
                raise ValueError(f"X_{name} has {E.shape[0]} rows, Y_{name} {len(Y)}: expected as many")
    rng = check_random_state(random_state)
    return auc_of(points, labels, classifier=classifier, n_splits=int(n_splits), max_rows=max_rows, rng=rng)


def auc_of(
    points: tuple[Matrix, Matrix],
    labels: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None,
    *,
    rng: np.random.Generator,
    classifier: Any = None,
    n_splits: int = 3,
    max_rows: int | None = 500,
) -> float:
    n = min(E.shape[0] for E in points) if max_rows is None else min(max_rows, *(E.shape[0] for E in points))
    if n < max(_FEWEST, n_splits):
        return float("nan")
    rows = [choose_rows(E.shape[0], n, rng) for E in points]
    Z = _stack(*(E[chosen] for E, chosen in zip(points, rows, strict=True)))
    is_new = np.repeat([False, True], n)
    fold = _folds(row_hashes(Z), is_new, n_splits, rng)
    if labels is not None:
        Y = np.concatenate([side[chosen] for side, chosen in zip(labels, rows, strict=True)]).astype(np.float64)
        Z = as_csr(sparse.hstack([Z, sparse.csr_array(Y)])) if sparse.issparse(Z) else np.hstack([Z, Y])
    values = []
    for at in range(n_splits):
        test, train = fold == at, fold != at
        if len(np.unique(is_new[test])) < 2:
            continue
        if len(np.unique(is_new[train])) < 2:
            values.append(0.5)  # nothing to learn from
            continue
        judge = _forest(int(train.sum()), rng) if classifier is None else clone(classifier)
        scores = judge.fit(Z[train], is_new[train]).predict_proba(Z[test])[:, 1]
        values.append(float(roc_auc_score(is_new[test], scores)))
    return float(np.mean(values)) if values else float("nan")


def _forest(n: int, rng: np.random.Generator) -> RandomForestClassifier:
    """Trees for n training rows, too coarse to learn single rows by heart."""
    leaf = max(1, min(5, n // 20))
    return RandomForestClassifier(
        40, min_samples_leaf=leaf, max_samples=max(1, n // 2), random_state=int(rng.integers(2**31))
    )


def _folds(
    hashes: NDArray[np.uint64], is_new: NDArray[np.bool_], n_splits: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Fold of each row: a real row and its copies in one; real rows, new rows and such groups dealt out evenly.

    Rows that several real rows equal are common values of coarse columns, not copies, and are dealt out one by one.
    """
    _, group = np.unique(hashes, return_inverse=True)
    copied = np.bincount(group, ~is_new)[group] == 1
    _, unit = np.unique(np.where(copied, group, len(group) + np.arange(len(group))), return_inverse=True)
    size = np.bincount(unit)
    order = np.lexsort((rng.random(len(size)), size, np.bincount(unit, is_new) / size))
    fold = np.empty(len(size), dtype=np.intp)
    fold[order] = np.arange(len(size)) % n_splits
    return fold[unit]


def _stack(A: Matrix, B: Matrix) -> Matrix:
    return as_csr(sparse.vstack([A, B])) if sparse.issparse(A) else np.concatenate([A, B])


def mmd(
    X_real: Any,
    X_new: Any,
    *,
    bandwidth: float | Sequence[float] | None = None,
    max_rows: int | None = 5000,
    schema: Schema | None = None,
    categorical_features: Any = "auto",
    random_state: RandomState = None,
) -> float:
    r"""Squared maximum mean discrepancy under a Gaussian kernel, unbiased (Gretton et al. 2012, eq. 3), at most 2.

    The kernel is :math:`\exp(-\|x - y\|^2 / 2\sigma^2)` of the HEOM distance, see :func:`distance_to_closest_record`.
    Zero is expected where both come from one distribution; being unbiased, the estimate is then as often below 0.

    Parameters
    ----------
    X_real : array-like, sparse matrix or DataFrame, shape (n, d)
    X_new : likewise, shape (m, d); m may be 0
    bandwidth : float, sequence of float or None, default=None
        :math:`\sigma`; the mean of the kernels where there are several. None takes the median distance between any two
        rows of the real and new ones together, or the mean distance where the median is 0.
    max_rows : int or None, default=5000
        At most this many rows of each are drawn; None sets no bound. Memory is bounded either way.
    schema, categorical_features : as in :func:`distance_to_closest_record`
    random_state : int, Generator, RandomState or None, default=None
        Draws the rows.

    Returns
    -------
    float
        NaN with fewer than two rows on either side.

    Raises
    ------
    ValueError, TypeError
        If the columns of the two differ, or an option is out of range.

    References
    ----------
    A. Gretton et al., *A kernel two-sample test*, JMLR 13, 2012.

    Examples
    --------
    >>> from rarelabel.metrics import mmd
    >>> round(mmd([[0.0], [0.0]], [[1.0], [1.0]], bandwidth=0.1), 3)
    2.0
    """
    bandwidths = () if bandwidth is None else tuple(np.atleast_1d(np.asarray(bandwidth, dtype=np.float64)).tolist())
    if bandwidth is not None and not (bandwidths and all(0 < sigma < np.inf for sigma in bandwidths)):
        raise ValueError(f"bandwidth must be a positive number or several, got {bandwidth!r}")
    check_max_rows(max_rows)
    rng = check_random_state(random_state)
    points = points_of(validate_feature_pair(X_real, X_new, schema=schema, categorical_features=categorical_features))
    real, new = (E[choose_rows(E.shape[0], max_rows, rng)] for E in points)
    return mmd_of(real, new, bandwidths, rng)


def mmd_of(real: Matrix, new: Matrix, bandwidths: Sequence[float], rng: np.random.Generator) -> float:
    n, m = real.shape[0], new.shape[0]
    if min(n, m) < 2:
        return float("nan")
    sigmas = bandwidths or (_median_distance(real, new, rng),)
    if sigmas == (0.0,):
        return 0.0  # all rows are the same

    def kernel_sum(A: Matrix, B: Matrix) -> float:
        return sum(
            float(np.exp(-squared / (2 * sigma**2)).sum()) for _, squared in squared_distances(A, B) for sigma in sigmas
        ) / len(sigmas)

    within = (kernel_sum(real, real) - n) / (n * (n - 1)) + (kernel_sum(new, new) - m) / (m * (m - 1))
    return within - 2 * kernel_sum(real, new) / (n * m)


def _median_distance(real: Matrix, new: Matrix, rng: np.random.Generator) -> float:
    few = _stack(*(E[choose_rows(E.shape[0], _MEDIAN_OF, rng)] for E in (real, new)))
    above = [
        squared[:, rows.start :][np.triu_indices(len(squared), 1, squared.shape[1] - rows.start)]
        for rows, squared in squared_distances(few, few)
    ]
    distances = np.sqrt(np.concatenate(above))
    return float(np.median(distances)) or float(distances.mean())


@dataclass(frozen=True)
class Manifolds:
    """What :func:`precision_recall_density_coverage` returns.

    Parameters
    ----------
    precision : float
        Share of the new rows in the ball of a real row, in [0, 1].
    recall : float
        Share of the real rows in the ball of a new row, in [0, 1].
    density : float
        Balls of real rows that a new row is in, over k; at least 0, about 1 for the same distribution.
    coverage : float
        Share of the real rows whose ball holds a new row, in [0, 1].
    """

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(
    X_real: Any,
    X_new: Any,
    *,
    k: int = 5,
    max_rows: int | None = 5000,
    schema: Schema | None = None,
    categorical_features: Any = "auto",
    random_state: RandomState = None,
) -> Manifolds:
    """Whether new rows lie where real rows lie, and everywhere there, by nearest neighbours.

    The ball of a row reaches to the k-th nearest other row of its own table, in the distance of
    :func:`distance_to_closest_record`. Precision and recall ask for balls of real rows around new ones and of new rows
    around real ones (Kynkäänniemi et al. 2019); density and coverage use the balls of real rows alone, and so do not
    hang on outliers among the new rows (Naeem et al. 2020).

    Parameters
    ----------
    X_real : array-like, sparse matrix or DataFrame, shape (n, d)
    X_new : likewise, shape (m, d); m may be 0
    k : int, default=5
        At most one less than the rows of a table; a larger one is lowered to that.
    max_rows : int or None, default=5000
        At most this many rows of each are drawn; None sets no bound.
    schema, categorical_features : as in :func:`distance_to_closest_record`
    random_state : int, Generator, RandomState or None, default=None
        Draws the rows.

    Returns
    -------
    Manifolds
        All NaN without a new row or with one real row only; the recall also with one new row only.

    Raises
    ------
    ValueError, TypeError
        If the columns of the two differ, or an option is out of range.

    References
    ----------
    T. Kynkäänniemi et al., *Improved precision and recall metric for assessing generative models*, NeurIPS 2019.
    M. F. Naeem et al., *Reliable fidelity and diversity metrics for generative models*, ICML 2020.

    Examples
    --------
    >>> from rarelabel.metrics import precision_recall_density_coverage
    >>> precision_recall_density_coverage([[0.0], [1.0], [3.0], [10.0]], [[0.5], [4.0]], k=1)
    Manifolds(precision=1.0, recall=0.75, density=2.0, coverage=1.0)
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ValueError(f"k must be a whole number of at least 1, got {k!r}")
    check_max_rows(max_rows)
    rng = check_random_state(random_state)
    points = points_of(validate_feature_pair(X_real, X_new, schema=schema, categorical_features=categorical_features))
    real, new = (E[choose_rows(E.shape[0], max_rows, rng)] for E in points)
    return manifolds_of(real, new, int(k))


def manifolds_of(real: Matrix, new: Matrix, k: int = 5) -> Manifolds:
    n, m = real.shape[0], new.shape[0]
    if n < 2 or m < 1:
        return Manifolds(*[float("nan")] * 4)
    around_real, around_new = _squared_radii(real, k), _squared_radii(new, k)
    near_real, near_new = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    balls = np.zeros(m, dtype=np.intp)
    for rows, squared in squared_distances(real, new):
        inside = squared <= around_real[rows, None]
        balls += inside.sum(axis=0)
        near_new[rows] = inside.any(axis=1)
        near_real[rows] = (squared <= around_new).any(axis=1)
    return Manifolds(
        precision=float((balls > 0).mean()),
        recall=float(near_real.mean()) if m > 1 else float("nan"),
        density=float(balls.mean() / min(k, n - 1)),
        coverage=float(near_new.mean()),
    )


def _squared_radii(E: Matrix, k: int) -> Floats:
    """Squared distance to the k-th nearest other row, a trace wider: a row on the rim is in the ball."""
    others = nearest(E, k)
    if not others.shape[1]:
        return np.full(len(others), -1.0)  # holds nothing
    radii = row_distances(E, E[others[:, -1]])
    norms = np.asarray((E * E).sum(axis=1)).ravel()
    return radii**2 + 1e-12 * max(float(norms.max(initial=0.0)), 1e-300)


def check_max_rows(max_rows: Any) -> None:
    """Refuse what is neither None nor a number of rows."""
    whole = isinstance(max_rows, int | np.integer) and not isinstance(max_rows, bool)
    if max_rows is not None and not (whole and max_rows >= 1):
        raise ValueError(f"max_rows must be a whole number of at least 1 or None, got {max_rows!r}")
