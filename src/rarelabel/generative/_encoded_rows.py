"""The encoded features of a table as a network takes them: dense, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from rarelabel._validation import Matrix
from rarelabel.encoding import Block, TableEncoder

__all__ = ["EncodedRows", "log_odds", "output_bias", "unseen_states"]

_CELLS = 2**25
"""Cells of the encoded table up to which it is held as one dense matrix (128 MB)."""


class EncodedRows:
    """The encoded features of a table, dense by batches.

    A table of up to ``cells`` cells is held as it is. Of a larger one that is sparse, only what differs from the row
    of zeros is held; a larger dense one is encoded anew in each batch.

    Parameters
    ----------
    X : ndarray or csr_array, shape (n, d)
    encoder : TableEncoder
        Fitted without labels.
    prepare : callable, default=None
        ``prepare(Z, encoder)`` changes encoded rows before they are used.
    cells : int, default=2**25
    """

    def __init__(
        self,
        X: Matrix,
        encoder: TableEncoder,
        *,
        prepare: Callable[[Tensor, TableEncoder], Tensor] | None = None,
        cells: int = _CELLS,
    ) -> None:
        self._X, self._encoder, self._prepare = X, encoder, prepare
        self._dense = self._differences = None
        if X.shape[0] * encoder.width_ <= cells:
            self._dense = torch.from_numpy(encoder.transform(X, dtype=np.float32))
        elif sparse.issparse(X):
            self._zero = encoder.transform(X[:1] * 0, dtype=np.float32)
            step = max(1, cells // (4 * encoder.width_))
            parts = [
                sparse.csr_array(encoder.transform(X[start : start + step], dtype=np.float32) - self._zero)
                for start in range(0, X.shape[0], step)
            ]
            self._differences = sparse.vstack(parts, format="csr")

    def __getitem__(self, rows: NDArray[np.intp]) -> Tensor:
        """Encoded rows, float32, shape (m, width)."""
        Z = self._encoded(rows)
        return Z if self._prepare is None else self._prepare(Z, self._encoder)

    def _encoded(self, rows: NDArray[np.intp]) -> Tensor:
        if self._dense is not None:
            return self._dense[torch.from_numpy(rows)]
        if self._differences is not None:
            return torch.from_numpy(self._differences[rows].toarray() + self._zero)
        return torch.from_numpy(self._encoder.transform(self._X[rows], dtype=np.float32))

    def mean(self) -> NDArray[np.float64]:
        """Mean of each column, shape (width,)."""
        if self._dense is not None:
            return self._dense.mean(dim=0, dtype=torch.float64).numpy()
        if self._differences is not None:
            return np.asarray(self._differences.mean(axis=0, dtype=np.float64) + self._zero[0])
        rows = np.array_split(np.arange(len(self._X)), 1 + self._X.shape[0] * self._encoder.width_ // _CELLS)
        return np.asarray(sum(self[part].sum(dim=0, dtype=torch.float64).numpy() for part in rows) / len(self._X))


def output_bias(means: NDArray[np.float64], blocks: tuple[Block, ...]) -> NDArray[np.float64]:
    """What a decoder gives that knows no row: means of numbers, log-odds and log-frequencies of states.

    Parameters
    ----------
    means : ndarray of float, shape (d,)
        Of the encoded columns.
    blocks : tuple of Block

    Returns
    -------
    ndarray of float, shape (d,)
    """
    bias = means.copy()
    for block in blocks:
        part = means[block.columns]
        if block.is_one_hot:
            bias[block.columns] = np.log(np.clip(part, 1e-5, 1 - 1e-5))
        elif not block.is_continuous:
            bias[block.columns] = log_odds(part)
    return bias


def unseen_states(means: NDArray[np.floating[Any]], blocks: tuple[Block, ...]) -> NDArray[np.intp]:
    """Encoded columns of categories and classes that no row has.

    Parameters
    ----------
    means : ndarray of float, shape (d,)
        Of the encoded columns.
    blocks : tuple of Block

    Returns
    -------
    ndarray of int
    """
    one_hot = np.zeros(len(means), dtype=bool)
    for block in blocks:
        one_hot[block.columns] = block.is_one_hot
    return np.flatnonzero(one_hot & (means == 0))


def log_odds(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log p / (1 - p), finite for 0 and 1 too."""
    p = np.clip(p, 1e-5, 1 - 1e-5)
    return np.asarray(np.log(p) - np.log1p(-p))
