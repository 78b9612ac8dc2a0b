"""Drawn rows that equal rows of the training table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import Matrix
from rarelabel.metrics import row_hashes

__all__ = ["are_copies", "single_rows"]


def single_rows(X: Matrix) -> NDArray[np.uint64]:
    """Hashes of the rows that a table holds once, sorted.

    A row that it holds more often is frequent, and nobody's own: if drawn tables had no such rows, their columns would
    have another law.

    Parameters
    ----------
    X : ndarray or csr_array, shape (n, d)

    Examples
    --------
    >>> X = np.array([[0.0, 1], [0, 1], [2, 3]])
    >>> are_copies(np.array([[0.0, 1], [2, 3], [2, 4]]), single_rows(X))
    array([False,  True, False])
    """
    hashes, counts = np.unique(row_hashes(X), return_counts=True)
    return np.asarray(hashes[counts == 1])


def are_copies(X: Matrix, singles: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which rows equal one whose hash is among those of :func:`single_rows`, shape (m,)."""
    return np.isin(row_hashes(X), singles)
