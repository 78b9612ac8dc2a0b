"""Which combinations of labels occur, and how often."""

from __future__ import annotations

from math import log, prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import validate_labels

__all__ = [
    "Labelsets",
    "diversity",
    "ir_per_labelset",
    "labelsets",
    "max_labelset_frequency",
    "n_labelsets",
    "single_labelsets",
    "tcs",
]


class Labelsets(NamedTuple):
    """The distinct labelsets of a table, the most frequent first.

    Attributes
    ----------
    members : ndarray of bool, shape (m, q)
        Which labels each labelset holds. Equally frequent labelsets come in the order of their first row.
    counts : ndarray of int, shape (m,)
        Rows with each labelset.
    inverse : ndarray of int, shape (n,)
        For every row, the position of its labelset in ``members``.
    """

    members: NDArray[np.bool_]
    counts: NDArray[np.int64]
    inverse: NDArray[np.int64]


def labelsets(Y: Any) -> Labelsets:
    """List the distinct labelsets, how often each occurs, and which one every row has.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    Labelsets
        ``(members, counts, inverse)``, the most frequent labelset first.

    Examples
    --------
    >>> from rarelabel.imbalance import labelsets
    >>> members, counts, inverse = labelsets([[1, 1], [1, 0], [1, 0], [1, 0]])
    >>> members.astype(int)
    array([[1, 0],
           [1, 1]])
    >>> counts, inverse
    (array([3, 1]), array([1, 0, 0, 0]))
    """
    Y = validate_labels(Y).Y
    _, first, inverse, counts = np.unique(_row_keys(Y), return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -counts))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return Labelsets(Y[first[order]], counts[order], rank[inverse])


def n_labelsets(Y: Any) -> int:
    """Count the distinct labelsets, the empty one included.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    int

    Examples
    --------
    >>> from rarelabel.imbalance import n_labelsets
    >>> n_labelsets([[1, 1], [1, 0], [1, 0], [1, 0]])
    2
    """
    return len(_labelset_counts(Y))


def single_labelsets(Y: Any) -> int:
    """Count the labelsets that occur in one row only.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    int

    Examples
    --------
    >>> from rarelabel.imbalance import single_labelsets
    >>> single_labelsets([[1, 1], [1, 0], [1, 0], [1, 0]])
    1
    """
    return int(np.count_nonzero(_labelset_counts(Y) == 1))


def max_labelset_frequency(Y: Any) -> int:
    """Rows that carry the most frequent labelset.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    int

    Examples
    --------
    >>> from rarelabel.imbalance import max_labelset_frequency
    >>> max_labelset_frequency([[1, 1], [1, 0], [1, 0], [1, 0]])
    3
    """
    return int(_labelset_counts(Y).max())


def diversity(Y: Any) -> float:
    """Distinct labelsets per row, in (0, 1]: 1 where no two rows carry the same labels (PLDiv of [4]_).

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    float

    References
    ----------
    .. [4] M.-L. Zhang, Z.-H. Zhou. "A review on multi-label learning algorithms". IEEE TKDE 26 (2014), section 2.1.2.

    Examples
    --------
    >>> from rarelabel.imbalance import diversity
    >>> diversity([[1, 1], [1, 0], [1, 0], [1, 0]])
    0.5
    """
    counts = _labelset_counts(Y)
    return float(len(counts) / counts.sum())


def ir_per_labelset(Y: Any) -> NDArray[np.float64]:
    """Imbalance ratio of every labelset: count of the most frequent one over its own.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    ndarray of float, shape (m,)
        In the order of :func:`labelsets`, so ascending from 1.

    Examples
    --------
    >>> from rarelabel.imbalance import ir_per_labelset
    >>> ir_per_labelset([[1, 1], [1, 0], [1, 0], [1, 0]])
    array([1., 3.])
    """
    counts = np.sort(_labelset_counts(Y))[::-1]
    irlset: NDArray[np.float64] = counts[0] / counts
    return irlset


def tcs(Y: Any, *, n_inputs: int) -> float:
    """Theoretical complexity score: ln(inputs x labels x labelsets) [3]_.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.
    n_inputs : int
        Number of features as the user counts them: a category is one input, however many columns encode it.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If ``n_inputs`` is below 1.

    References
    ----------
    .. [3] F. Charte et al. "On the impact of dataset complexity and sampling strategy in multilabel classifiers
       performance". HAIS 2016, section 3.

    Examples
    --------
    >>> from rarelabel.imbalance import tcs
    >>> round(tcs([[1, 1], [1, 0], [1, 0], [1, 0]], n_inputs=25), 6)  # ln(25 * 2 * 2)
    4.60517
    """
    if n_inputs < 1:
        raise ValueError(f"n_inputs must be at least 1, got {n_inputs!r}")
    Y = validate_labels(Y).Y
    return log(prod((int(n_inputs), Y.shape[1], n_labelsets(Y))))


def _labelset_counts(Y: Any) -> NDArray[np.int64]:
    return np.unique(_row_keys(validate_labels(Y).Y), return_counts=True)[1]


def _row_keys(Y: NDArray[np.bool_]) -> NDArray[Any]:
    """One sortable key per row, equal where the labelsets are: the row's bits, packed."""
    packed = np.ascontiguousarray(np.packbits(Y, axis=1))
    width = packed.shape[1]
    if width <= 8:
        padded = np.zeros((len(Y), 8), dtype=np.uint8)
        padded[:, :width] = packed
        return padded.view(np.uint64).ravel()
    return packed.view(np.dtype((np.void, width))).ravel()
