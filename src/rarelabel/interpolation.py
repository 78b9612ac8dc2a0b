"""New rows between pairs of rows, and the most frequent categories among neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation import Matrix, as_csr
from rarelabel.schema import Schema

__all__ = ["interpolate", "vote_categories"]

_BLOCK = 2**21
"""Numbers handled at a time, so that memory does not grow with the number of new rows."""


def interpolate(
    X: Matrix,
    schema: Schema,
    seeds: NDArray[np.intp],
    partners: NDArray[np.intp],
    rng: np.random.Generator,
) -> Matrix:
    """A random point between each seed and its partner, feature by feature.

    A numeric feature is ``x_s + u (x_r - x_s)`` with its own ``u`` in [0, 1); a category is the seed's where
    ``u < 0.5`` and the partner's otherwise. A dense and a sparse X give the same rows.

    Parameters
    ----------
    X : ndarray or csr_array, shape (n, d)
    schema : Schema
    seeds, partners : ndarray of int, shape (m,)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray or csr_array, shape (m, d)
        Within the range of seed and partner in every column.

    Examples
    --------
    >>> X = np.array([[0.0, 5.0], [1.0, 5.0]])
    >>> new = interpolate(X, Schema.numeric(2), np.array([0]), np.array([1]), np.random.default_rng(0))
    >>> bool(0 <= new[0, 0] < 1), new[0, 1].item()
    (True, 5.0)
    """
    blocks = [
        _between(
            X[seeds[part]], X[partners[part]], schema.is_category, rng.random((part.stop - part.start, X.shape[1]))
        )
        for part in _parts(len(seeds), X.shape[1])
    ]
    if sparse.issparse(X):
        return as_csr(sparse.vstack(blocks, format="csr")) if blocks else X[:0]
    return np.concatenate(blocks) if blocks else X[:0].copy()


def _between(A: Any, B: Any, is_category: NDArray[np.bool_], gap: NDArray[np.float64]) -> Any:
    gap[:, is_category] = gap[:, is_category] >= 0.5
    if not sparse.issparse(A):
        new = (A + gap * (B - A)).astype(A.dtype, copy=False)
        return np.clip(new, np.minimum(A, B), np.maximum(A, B))  # rounding may step over the end
    difference = sparse.coo_array(B - A)
    difference.data = difference.data * gap[difference.coords[0], difference.coords[1]]
    new = (A + sparse.csr_array(difference)).astype(A.dtype, copy=False)
    new = sparse.csr_array(new.maximum(A.minimum(B)).minimum(A.maximum(B)))
    new.eliminate_zeros()
    return new


def vote_categories(
    X: Matrix, schema: Schema, new: Matrix, seeds: NDArray[np.intp], voters: NDArray[np.intp]
) -> Matrix:
    """Set each category of the new rows to the most frequent one among their voters.

    A tie goes to the seed's category where it is among the winners, else to the one declared first.

    Parameters
    ----------
    X : ndarray or csr_array, shape (n, d)
    schema : Schema
    new : ndarray or csr_array, shape (m, d)
        Changed in place where it is dense.
    seeds : ndarray of int, shape (m,)
    voters : ndarray of int, shape (m, k)

    Returns
    -------
    ndarray or csr_array, shape (m, d)
    """
    binary = np.array([column.kind == "category" and column.n_categories <= 2 for column in schema.features])
    several = np.flatnonzero(schema.is_category & ~binary)
    if binary.any():
        new = _vote_binary(X, binary, new, seeds, voters)
    if len(several):
        columns = X[:, several].toarray() if sparse.issparse(X) else X[:, several]
        chosen = np.empty((len(seeds), len(several)))
        for j, feature in enumerate(several):
            chosen[:, j] = _majority(columns[:, j].astype(int), schema.features[feature].n_categories, seeds, voters)
        new = _set_columns(new, several, chosen)
    return new


def _vote_binary(X: Matrix, binary: NDArray[np.bool_], new: Any, seeds: NDArray[np.intp], voters: Any) -> Any:
    """All two-valued columns at once: the second value wins with more than half of the votes."""
    k = voters.shape[1]
    if sparse.issparse(X):
        m = len(seeds)
        ballots = sparse.csr_array((np.ones(m * k), voters.ravel(), np.arange(0, m * k + 1, k)), shape=(m, X.shape[0]))
        own = sparse.csr_array((np.full(m, 0.5), seeds, np.arange(m + 1)), shape=(m, X.shape[0]))
        keep = sparse.dia_array((binary[None, :].astype(float), [0]), shape=(len(binary), len(binary)))
        ones = sparse.csr_array((ballots + own) @ (X @ keep))
        ones.data = (ones.data > (k + 0.5) / 2).astype(float)  # the seed's half vote breaks ties
        ones.eliminate_zeros()
        rest = sparse.dia_array(((~binary)[None, :].astype(float), [0]), shape=(len(binary), len(binary)))
        return as_csr(new @ rest + ones).astype(X.dtype, copy=False)
    columns = np.flatnonzero(binary)
    for part in _parts(len(seeds), len(columns)):
        ones = 0.5 * X[np.ix_(seeds[part], columns)]
        for voter in voters[part].T:
            ones += X[np.ix_(voter, columns)]
        new[np.ix_(np.arange(part.start, part.stop), columns)] = ones > (k + 0.5) / 2
    return new


def _majority(
    codes: NDArray[np.intp], n_categories: int, seeds: NDArray[np.intp], voters: NDArray[np.intp]
) -> NDArray[np.intp]:
    m, k = voters.shape
    chosen = np.empty(m, dtype=np.intp)
    for part in _parts(m, n_categories):
        size = part.stop - part.start
        votes = np.zeros((size, n_categories))
        np.add.at(votes, (np.repeat(np.arange(size), k), codes[voters[part]].ravel()), 1.0)
        votes[np.arange(size), codes[seeds[part]]] += 0.5 * (votes[np.arange(size), codes[seeds[part]]] > 0)
        chosen[part] = votes.argmax(axis=1)
    return chosen


def _set_columns(new: Any, columns: NDArray[np.intp], values: NDArray[np.float64]) -> Any:
    if sparse.issparse(new):
        rest = new.tocsc()
        kept = {int(j): sparse.csc_array(values[:, [position]]) for position, j in enumerate(columns)}
        return sparse.csr_array(
            sparse.hstack([kept.get(j, rest[:, [j]]) for j in range(new.shape[1])], format="csr", dtype=new.dtype)
        )
    new[:, columns] = values
    return new


def _parts(m: int, width: int) -> Iterator[slice]:
    """Slices over m rows of about ``_BLOCK`` numbers each."""
    size = max(1, _BLOCK // max(width, 1))
    for start in range(0, m, size):
        yield slice(start, min(start + size, m))
