"""How often each label occurs, alone and in pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation import validate_labels

__all__ = [
    "cardinality",
    "co_occurrence",
    "density",
    "label_counts",
    "label_frequencies",
]


def label_counts(Y: Any) -> NDArray[np.int64]:
    """Rows that carry each label, shape (q,).

    Parameters
    ----------
    Y : array-like, sparse matrix, DataFrame or list of label lists, shape (n, q)
        Label indicators.

    Returns
    -------
    ndarray of int, shape (q,)

    Examples
    --------
    >>> from rarelabel.imbalance import label_counts
    >>> label_counts([[1, 1], [1, 0], [1, 0], [1, 0]])
    array([4, 1])
    """
    counts: NDArray[np.int64] = validate_labels(Y).Y.sum(axis=0, dtype=np.int64)
    return counts


def label_frequencies(Y: Any) -> NDArray[np.float64]:
    """Share of the rows that carry each label, shape (q,), each in [0, 1].

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    ndarray of float, shape (q,)

    Examples
    --------
    >>> from rarelabel.imbalance import label_frequencies
    >>> label_frequencies([[1, 1], [1, 0], [1, 0], [1, 0]])
    array([1.  , 0.25])
    """
    Y = validate_labels(Y).Y
    frequencies: NDArray[np.float64] = Y.mean(axis=0)
    return frequencies


def cardinality(Y: Any) -> float:
    """Labels per row, on average, in [0, q].

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.imbalance import cardinality
    >>> cardinality([[1, 1], [1, 0], [1, 0], [1, 0]])
    1.25
    """
    Y = validate_labels(Y).Y
    return float(np.count_nonzero(Y) / len(Y))


def density(Y: Any) -> float:
    """Share of ones in Y, in [0, 1]: the cardinality over the number of labels.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.imbalance import density
    >>> density([[1, 1], [1, 0], [1, 0], [1, 0]])
    0.625
    """
    Y = validate_labels(Y).Y
    return float(np.count_nonzero(Y) / Y.size)


def co_occurrence(Y: Any) -> NDArray[np.int64]:
    """Rows that carry each pair of labels, shape (q, q); the diagonal holds the label counts.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    ndarray of int, shape (q, q)
        Symmetric.

    Examples
    --------
    >>> from rarelabel.imbalance import co_occurrence
    >>> co_occurrence([[1, 1], [1, 0], [1, 0], [1, 0]])
    array([[4, 1],
           [1, 1]])
    """
    indicators = sparse.csr_array(validate_labels(Y).Y, dtype=np.int64)
    pairs: Any = indicators.T @ indicators
    dense: NDArray[np.int64] = pairs.toarray()
    return dense
