"""How like real rows new ones are, label by label and column by column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation import FeaturePair, Matrix, validate_feature_pair, validate_label_pair
from rarelabel.imbalance import co_occurrence, minority_labels
from rarelabel.metrics._rules import mean_of
from rarelabel.schema import Schema

__all__ = [
    "cooccurrence_distance",
    "label_frequency_correlation",
    "minority_share",
    "total_variation",
    "total_variation_of",
    "total_variation_per_column",
    "wasserstein",
    "wasserstein_of",
    "wasserstein_per_column",
]

Floats = NDArray[np.float64]
_BLOCK = 2**20  # entries sorted or counted at once; keeps the working memory at some tens of MB


def label_frequency_correlation(Y_real: Any, Y_new: Any) -> float:
    """Pearson correlation between the frequencies of the labels in real and in new rows, in [-1, 1].

    Parameters
    ----------
    Y_real : array-like, sparse matrix, DataFrame, label lists or classes, n rows
    Y_new : likewise, m rows
        Frames are matched by the names of their columns, label lists and classes by value, anything else by position.

    Returns
    -------
    float
        NaN where there is no new row, or where all labels are equally frequent on one of the sides.

    Raises
    ------
    ValueError, TypeError
        If labels hold anything but 0 and 1, or the labels of the two differ.

    Examples
    --------
    >>> from rarelabel.metrics import label_frequency_correlation
    >>> label_frequency_correlation([[1, 0, 0], [1, 1, 0]], [[0, 1, 1], [0, 0, 1]])
    -1.0
    """
    real, new = validate_label_pair(Y_real, Y_new)
    if not len(new):
        return float("nan")
    counts = np.stack([real.sum(axis=0), new.sum(axis=0)])  # whole numbers: constant is constant
    if (np.ptp(counts, axis=1) == 0).any():
        return float("nan")
    return float(np.clip(np.corrcoef(counts)[0, 1], -1, 1))


def minority_share(Y_real: Any, Y_new: Any) -> float:
    """Share of the new rows that carry a minority label of the real ones, one with IRLbl above MeanIR, in [0, 1].

    Parameters
    ----------
    Y_real, Y_new : as in :func:`label_frequency_correlation`

    Returns
    -------
    float
        NaN where there is no new row.

    Examples
    --------
    >>> from rarelabel.metrics import minority_share
    >>> minority_share([[1, 0], [1, 0], [1, 1]], [[1, 1], [1, 0]])
    0.5
    """
    real, new = validate_label_pair(Y_real, Y_new)
    return float(new[:, minority_labels(real)].any(axis=1).mean()) if len(new) else float("nan")


def cooccurrence_distance(Y_real: Any, Y_new: Any) -> float:
    r"""How much the company of the labels differs between real and new rows: 0 the same, 1 nothing in common.

    For each label l that occurs on both sides, its companions are the probabilities P(m | l) of all other labels m. The
    distance of two such vectors is one minus the sum of their lesser over the sum of their greater entries (Ruzicka);
    it is 0 where l stands alone on both sides. The result is the mean over these labels.

    Parameters
    ----------
    Y_real, Y_new : as in :func:`label_frequency_correlation`

    Returns
    -------
    float
        NaN where no label occurs on both sides.

    Notes
    -----
    Samplers change how often labels occur on purpose, so joint frequencies would differ by design; the probabilities
    given a label do not. Dividing by what occurs, and not by the number of pairs, keeps the many pairs that never occur
    from hiding the few that do. Labels with few rows make it noisy: compare with what held-out rows give.

    Examples
    --------
    >>> from rarelabel.metrics import cooccurrence_distance
    >>> Y_real = [[1, 1, 0], [1, 0, 1], [1, 0, 0]]
    >>> cooccurrence_distance(Y_real, [[1, 1, 0], [1, 0, 1], [1, 0, 0]] * 7)
    0.0
    >>> cooccurrence_distance(Y_real, [[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    1.0
    """
    real, new = validate_label_pair(Y_real, Y_new)
    if not len(new):
        return float("nan")
    both = real.any(axis=0) & new.any(axis=0)
    given = [_company(Y)[both] for Y in (real, new)]
    common, either = np.minimum(*given).sum(axis=1), np.maximum(*given).sum(axis=1)
    return mean_of(1 - np.divide(common, either, out=np.ones(len(either)), where=either > 0), "skip")


def _company(Y: NDArray[np.bool_]) -> Floats:
    """P(m | l) at [l, m], 0 on the diagonal, shape (q, q)."""
    pairs = co_occurrence(Y)
    counts = np.maximum(np.diag(pairs), 1)
    np.fill_diagonal(pairs, 0)
    return np.asarray(pairs / counts[:, None])


def wasserstein(X_real: Any, X_new: Any, *, schema: Schema | None = None, categorical_features: Any = "auto") -> float:
    """Mean over the numeric columns of the 1-Wasserstein distance, in standard deviations of the real column.

    Parameters
    ----------
    X_real : array-like, sparse matrix or DataFrame, shape (n, d)
    X_new : likewise, shape (m, d)
        Frames are matched by the names of their columns, anything else by position. Missing values are left out.
    schema : Schema, default=None
        What the columns are, where that is known: X then holds numbers, and categories as codes.
    categorical_features : "auto", None, mask, indices or names, default="auto"
        Columns that hold categories besides those whose type says so.

    Returns
    -------
    float
        At least 0: rows shifted by s standard deviations give s. NaN without a new row or a numeric column.

    Raises
    ------
    ValueError, TypeError
        If a value is infinite, or the columns of the two differ in number, name or kind.

    Notes
    -----
    It looks at one column at a time: columns shuffled independently of each other keep the distance 0. A sparse X is
    worked on through its stored entries alone.

    Examples
    --------
    >>> from rarelabel.metrics import wasserstein
    >>> wasserstein([[0.0], [2.0]], [[3.0], [5.0]])
    3.0
    """
    values = wasserstein_per_column(X_real, X_new, schema=schema, categorical_features=categorical_features)
    return mean_of(values, "skip")


def wasserstein_per_column(
    X_real: Any, X_new: Any, *, schema: Schema | None = None, categorical_features: Any = "auto"
) -> Floats:
    """1-Wasserstein distance of each column in standard deviations of the real one, shape (d,).

    A real column that is constant has no standard deviation; it gives the share of the new rows that differ from it. A
    column of categories, and one without a value on either side, is NaN. See :func:`wasserstein`.

    Examples
    --------
    >>> from rarelabel.metrics import wasserstein_per_column
    >>> wasserstein_per_column([[0.0, 7.0], [2.0, 7.0]], [[3.0, 7.0], [5.0, 8.0]])
    array([3. , 0.5])
    """
    return wasserstein_of(
        validate_feature_pair(X_real, X_new, schema=schema, categorical_features=categorical_features)
    )


def wasserstein_of(pair: FeaturePair) -> Floats:
    real, new = pair.real, pair.new
    if sparse.issparse(real):
        values = _stored_wasserstein(sparse.csc_array(real), sparse.csc_array(new))
    else:
        step = max(1, _BLOCK // (len(real) + len(new)))
        blocks = [slice(start, start + step) for start in range(0, real.shape[1], step)]
        values = np.concatenate([_dense_wasserstein(real[:, at], new[:, at]) for at in blocks])
    values[pair.schema.is_category] = np.nan
    return values


def _dense_wasserstein(real: Matrix, new: Matrix) -> Floats:
    """The integral of the difference of the two distribution functions, for each column."""
    values = np.concatenate([real, new]).T.astype(np.float64)
    missing = np.isnan(values)
    n_real, n_new = (~missing[:, : len(real)]).sum(axis=1), (~missing[:, len(real) :]).sum(axis=1)
    weight = np.concatenate([np.repeat(n_new[:, None], len(real), 1), np.repeat(-n_real[:, None], len(new), 1)], axis=1)
    weight[missing] = 0  # whole numbers, so that equal columns are at distance 0 exactly
    order = np.argsort(values, axis=1)  # NaN last
    ahead = np.cumsum(np.take_along_axis(weight, order, axis=1), axis=1)[:, :-1]
    gaps = np.diff(np.take_along_axis(values, order, axis=1), axis=1)
    area = np.where(ahead != 0, np.abs(ahead) * gaps, 0.0).sum(axis=1)
    present = np.where(missing[:, : len(real)], np.nan, values[:, : len(real)])
    center = np.nansum(present, axis=1) / np.maximum(n_real, 1)
    deviation = np.sqrt(np.nansum((present - center[:, None]) ** 2, axis=1) / np.maximum(n_real, 1))
    lowest = np.where(missing[:, : len(real)], np.inf, values[:, : len(real)]).min(axis=1)
    highest = np.where(missing[:, : len(real)], -np.inf, values[:, : len(real)]).max(axis=1)
    left = (values[:, len(real) :] != lowest[:, None]) & ~missing[:, len(real) :]
    return _in_deviations(area, deviation, lowest == highest, left.sum(axis=1), n_real, n_new)


def _stored_wasserstein(real: sparse.csc_array, new: sparse.csc_array) -> Floats:
    """As :func:`_dense_wasserstein`, through stored entries and one entry for all the zeros of a column."""
    d = real.shape[1]
    parts = []
    for side in (real, new):
        column = np.repeat(np.arange(d), np.diff(side.indptr))
        missing = np.isnan(side.data)
        n = side.shape[0] - np.bincount(column[missing], minlength=d)
        parts.append((column[~missing], side.data[~missing].astype(np.float64), n))
    (column_real, values_real, n_real), (column_new, values_new, n_new) = parts
    stored_real, stored_new = np.bincount(column_real, minlength=d), np.bincount(column_new, minlength=d)
    at_zero = n_new * (n_real - stored_real) - n_real * (n_new - stored_new)
    column = np.concatenate([column_real, column_new, np.arange(d)])
    values = np.concatenate([values_real, values_new, np.zeros(d)])
    weight = np.concatenate([n_new[column_real], -n_real[column_new], at_zero])
    order = np.lexsort((values, column))
    column, values = column[order], values[order]
    ahead = np.cumsum(weight[order])[:-1]  # back at 0 wherever a column ends
    area = np.bincount(column[:-1], np.abs(ahead) * np.diff(values), minlength=d)
    total = np.maximum(n_real, 1)
    center = np.bincount(column_real, values_real, minlength=d) / total
    spread = np.bincount(column_real, (values_real - center[column_real]) ** 2, minlength=d)
    deviation = np.sqrt((spread + (n_real - stored_real) * center**2) / total)
    lowest, highest = np.where(stored_real < n_real, 0.0, np.inf), np.where(stored_real < n_real, 0.0, -np.inf)
    np.minimum.at(lowest, column_real, values_real)
    np.maximum.at(highest, column_real, values_real)
    left = np.bincount(column_new, values_new != lowest[column_new], minlength=d) + (n_new - stored_new) * (lowest != 0)
    return _in_deviations(area, deviation, lowest == highest, left, n_real, n_new)


def _in_deviations(
    area: Any, deviation: Floats, constant: NDArray[np.bool_], left: Any, n_real: Any, n_new: Any
) -> Floats:
    """Areas between distribution functions, times n_real * n_new, as distances in standard deviations."""
    undefined = (n_real == 0) | (n_new == 0)
    n_real, n_new = np.maximum(n_real, 1), np.maximum(n_new, 1)
    unit = np.where(constant | (deviation == 0), 1.0, deviation) * n_real * n_new
    return np.where(undefined, np.nan, np.where(constant, left / n_new, area / unit))


def total_variation(
    X_real: Any, X_new: Any, *, schema: Schema | None = None, categorical_features: Any = "auto"
) -> float:
    """Mean over the category columns of the total variation distance, half the sum of ``|P - Q|``, in [0, 1].

    Parameters
    ----------
    X_real, X_new, schema, categorical_features : as in :func:`wasserstein`
        A missing value is a category of its own; so is one that only the new rows have.

    Returns
    -------
    float
        NaN without a new row or a column of categories.

    Raises
    ------
    ValueError, TypeError
        As :func:`wasserstein` does.

    Examples
    --------
    >>> from rarelabel.metrics import total_variation
    >>> total_variation([["red"], ["red"], ["blue"], ["blue"]], [["red"], ["green"]])
    0.5
    """
    values = total_variation_per_column(X_real, X_new, schema=schema, categorical_features=categorical_features)
    return mean_of(values, "skip")


def total_variation_per_column(
    X_real: Any, X_new: Any, *, schema: Schema | None = None, categorical_features: Any = "auto"
) -> Floats:
    """Total variation distance of each column of categories, shape (d,); NaN for the others.

    See :func:`total_variation`.

    Examples
    --------
    >>> from rarelabel.metrics import total_variation_per_column
    >>> total_variation_per_column([["red", 1.0], ["blue", 2.0]], [["red", 1.0]])
    array([0.5, nan])
    """
    pair = validate_feature_pair(X_real, X_new, schema=schema, categorical_features=categorical_features)
    return total_variation_of(pair)


def total_variation_of(pair: FeaturePair) -> Floats:
    values = np.full(pair.schema.n_features, np.nan)
    chosen = np.flatnonzero(pair.schema.is_category)
    if not len(chosen) or not pair.new.shape[0]:
        return values
    sizes = np.array([pair.schema.features[j].n_categories + 1 for j in chosen])  # the last is "missing"
    start = np.cumsum(sizes) - sizes
    p, q = (_category_counts(X[:, chosen], start, sizes) / X.shape[0] for X in (pair.real, pair.new))
    values[chosen] = np.add.reduceat(np.abs(p - q), start) / 2
    return values


def _category_counts(X: Matrix, start: NDArray[np.intp], sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Rows of each category, the columns one after the other, each from its place in ``start``."""
    length = int(sizes.sum())
    if sparse.issparse(X):
        codes = np.where(np.isnan(X.data), sizes[X.indices] - 1, X.data).astype(np.intp)
        counts = np.bincount(start[X.indices] + codes, minlength=length)
        counts[start] += X.shape[0] - np.bincount(X.indices, minlength=len(start))
        return counts
    counts = np.zeros(length, dtype=np.intp)
    step = max(1, _BLOCK // X.shape[1])
    for first in range(0, len(X), step):
        rows = X[first : first + step]
        codes = np.where(np.isnan(rows), sizes - 1, rows).astype(np.intp) + start
        counts += np.bincount(codes.ravel(), minlength=length)
    return counts
