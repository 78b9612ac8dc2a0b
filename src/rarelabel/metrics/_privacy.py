"""How near new rows come to single real ones: whether they are new at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation import Matrix, validate_feature_pair
from rarelabel.metrics._points import distances_to_closest, points_of
from rarelabel.schema import Schema

__all__ = [
    "distance_ratios",
    "distance_to_closest_record",
    "exact_duplicates",
    "nearest_neighbor_distance_ratio",
    "row_hashes",
]

_BLOCK = 2**20


def distance_to_closest_record(
    X_real: Any, X_new: Any, *, schema: Schema | None = None, categorical_features: Any = "auto"
) -> NDArray[np.float64]:
    """Distance of each new row to the real row nearest to it (DCR), shape (m,).

    Parameters
    ----------
    X_real : array-like, sparse matrix or DataFrame, shape (n, d)
    X_new : likewise, shape (m, d); m may be 0
        Frames are matched by the names of their columns, anything else by position.
    schema : Schema, default=None
        What the columns are, where that is known: X then holds numbers, and categories as codes.
    categorical_features : "auto", None, mask, indices or names, default="auto"
        Columns that hold categories besides those whose type says so.

    Returns
    -------
    ndarray of float, shape (m,)
        At least 0, and 0 for a copy. The distance is HEOM: numbers in ranges of the real column (as they are where
        that is constant), 1 between two categories, 1 or a little more between a missing value and any other.

    Raises
    ------
    ValueError, TypeError
        If a value is infinite, or the columns of the two differ in number, name or kind.

    Notes
    -----
    A distance says little by itself. Compare it with that of held-out real rows: new rows that lie much nearer to the
    real ones than those do give the real ones away.

    References
    ----------
    Wilson & Martinez, *Improved heterogeneous distance functions*, JAIR 6, 1997 (HEOM).

    Examples
    --------
    >>> from rarelabel.metrics import distance_to_closest_record
    >>> distance_to_closest_record([[0.0, 5.0], [10.0, 7.0]], [[1.0, 5.0], [10.0, 7.0]])
    array([0.1, 0. ])
    """
    pair = validate_feature_pair(X_real, X_new, schema=schema, categorical_features=categorical_features)
    E_real, E_new = points_of(pair)
    return distances_to_closest(E_new, E_real)[:, 0]


def nearest_neighbor_distance_ratio(
    X_real: Any, X_new: Any, *, schema: Schema | None = None, categorical_features: Any = "auto"
) -> NDArray[np.float64]:
    """Distance of each new row to the nearest real row over that to the second nearest (NNDR), shape (m,), in [0, 1].

    Near 0 a new row points at one real row; near 1 it lies between several.

    Parameters
    ----------
    X_real, X_new, schema, categorical_features : as in :func:`distance_to_closest_record`

    Returns
    -------
    ndarray of float, shape (m,)
        0/0 is 0: a copy is a copy however many real rows are equal to it. NaN where there is one real row only.

    Examples
    --------
    >>> from rarelabel.metrics import nearest_neighbor_distance_ratio
    >>> nearest_neighbor_distance_ratio([[0.0], [10.0]], [[2.0], [5.0], [10.0]])
    array([0.25, 1.  , 0.  ])
    """
    pair = validate_feature_pair(X_real, X_new, schema=schema, categorical_features=categorical_features)
    E_real, E_new = points_of(pair)
    return distance_ratios(distances_to_closest(E_new, E_real, 2))


def distance_ratios(closest: NDArray[np.float64]) -> NDArray[np.float64]:
    """First over second column; 0/0 is 0, NaN without a second column."""
    if closest.shape[1] < 2:
        return np.full(len(closest), np.nan)
    first, second = closest.T
    return np.divide(first, second, out=np.zeros(len(closest)), where=second > 0)


def exact_duplicates(
    X_real: Any, X_new: Any, *, schema: Schema | None = None, categorical_features: Any = "auto"
) -> NDArray[np.bool_]:
    """Which new rows equal a real row in every feature, shape (m,).

    Rows are compared by hashes of 64 bits, so a row that is no copy may be taken for one with a chance of about
    n / 2e19. Two missing values are equal.

    Parameters
    ----------
    X_real, X_new, schema, categorical_features : as in :func:`distance_to_closest_record`

    Returns
    -------
    ndarray of bool, shape (m,)

    Examples
    --------
    >>> from rarelabel.metrics import exact_duplicates
    >>> exact_duplicates([["red", 1.0], ["blue", 2.0]], [["red", 2.0], ["blue", 2.0]])
    array([False,  True])
    """
    pair = validate_feature_pair(X_real, X_new, schema=schema, categorical_features=categorical_features)
    return np.isin(row_hashes(pair.new), row_hashes(pair.real))


def row_hashes(X: Matrix) -> NDArray[np.uint64]:
    """A number for each row, equal for equal rows, shape (n,); the same for a sparse and a dense X.

    Examples
    --------
    >>> hashes = row_hashes(np.array([[0.0, 1.0], [1.0, 0.0], [-0.0, 1.0]]))
    >>> hashes == hashes[0]
    array([ True, False,  True])
    """
    factors = np.random.default_rng(0).integers(2**63, size=X.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    if sparse.issparse(X):
        return np.asarray(sparse.csr_array((_mixed_bits(X.data), X.indices, X.indptr), shape=X.shape) @ factors)
    step = max(1, _BLOCK // X.shape[1])
    parts = [_mixed_bits(X[start : start + step]) @ factors for start in range(0, len(X), step)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint64)


def _mixed_bits(values: NDArray[Any]) -> NDArray[np.uint64]:
    """The bits of floats, well stirred (the finaliser of SplitMix64); 0 stays 0, so absent entries do not count."""
    values = values.astype(np.float64)
    values[values == 0] = 0.0  # -0.0 is 0
    values[np.isnan(values)] = np.nan  # one NaN of many
    bits = values.view(np.uint64)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
