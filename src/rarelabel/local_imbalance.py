"""How hard each label of each row is for its neighbours: the ground MLSOL and MLUL share.

Liu, Blekas, Tsoumakas, *Multi-label sampling based on local label imbalance*, Pattern Recognition 122 (2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LocalImbalance", "local_imbalance"]


@dataclass(frozen=True)
class LocalImbalance:
    """Local label imbalance of a table.

    Parameters
    ----------
    minority : ndarray of bool, shape (n, q)
        Whether a row has the minority value of a label: 1, or 0 for a label that more than half of the rows carry.
    flipped : ndarray of bool, shape (q,)
        The labels whose minority value is 0.
    opponents : ndarray of int, shape (n, q)
        Neighbours with the other value, where the row has the minority value; 0 elsewhere.
    k : int
        Neighbours of each row.
    S : ndarray of float, shape (n, q)
        C of the minority values that are no outliers (C < 1), each label summing to 1 (Eqs. 2-4); 0 elsewhere.
    valid : ndarray of bool, shape (n, q)
        Where S is defined.
    """

    minority: NDArray[np.bool_]
    flipped: NDArray[np.bool_]
    opponents: NDArray[np.uint16]
    k: int
    S: NDArray[np.float64]
    valid: NDArray[np.bool_]

    @property
    def C(self) -> NDArray[np.float64]:
        """Share of a row's neighbours with the other value (Eq. 1), 0 where the row has the majority value."""
        return self.opponents / self.k

    @property
    def weights(self) -> NDArray[np.float64]:
        """The weight w of each row: the sum of S over labels, shape (n,)."""
        return np.asarray(self.S.sum(axis=1))


def local_imbalance(Y: NDArray[np.bool_], neighbors: NDArray[np.intp]) -> LocalImbalance:
    """Compare the labels of every row with those of its neighbours.

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    neighbors : ndarray of int, shape (n, k)

    Returns
    -------
    LocalImbalance

    Examples
    --------
    >>> Y = np.array([[1], [1], [0], [0], [0], [0]], dtype=bool)
    >>> near = np.array([[1, 2], [0, 2], [3, 4], [2, 4], [2, 3], [3, 4]])
    >>> local_imbalance(Y, near).C.ravel().tolist()
    [0.5, 0.5, 0.0, 0.0, 0.0, 0.0]
    """
    n, k = neighbors.shape
    flipped = Y.sum(axis=0) > n / 2
    minority = Y ^ flipped
    opponents = np.zeros(Y.shape, dtype=np.uint16)
    for neighbor in neighbors.T:
        opponents += minority[neighbor] < minority
    valid = minority & (opponents < k)
    raw = np.where(valid, opponents, 0)
    total = raw.sum(axis=0)
    valid &= total > 0
    S = np.divide(raw, total, out=np.zeros(raw.shape), where=total > 0)
    return LocalImbalance(minority, flipped, opponents, k, S, valid)
