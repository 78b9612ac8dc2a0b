"""Nearest neighbours without the row itself, and distances for mixed columns as Euclidean embeddings.

HEOM (Wilson & Martinez 1997) is Euclidean after dividing numbers by their range and writing each category as a
one-hot vector over the square root of two; VDM with exponent two is Euclidean after replacing a category by the
probabilities of the labels given that category. So every exact or approximate Euclidean index serves mixed tables.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.neighbors import NearestNeighbors

from rarelabel._validation import Matrix, as_csr
from rarelabel.schema import Schema

__all__ = [
    "Embedding",
    "FaissNeighbors",
    "Metric",
    "adjusted_hamming",
    "embedding",
    "nearest",
    "resolve_neighbors",
    "row_distances",
    "warn_of_small_bags",
]

Metric = Literal["heom", "vdm", "euclidean"]
"""``"heom"``: ranges and one-hot categories; ``"vdm"``: ranges and label probabilities; ``"euclidean"``: numbers as
they are and one-hot categories."""


_MEGABYTES = 128
"""Distances between sparse rows held at a time: scikit-learn's own 1024 come to over 2 GB with temporaries."""


@dataclass(frozen=True)
class Embedding:
    """A map under which the distance of two rows is Euclidean.

    Parameters
    ----------
    scale : ndarray, shape (d,)
        Factor of each column that stays one column: numbers, and categories with at most two values.
    codebooks : dict of int to ndarray of shape (n_categories, width)
        What each category of the other columns is replaced by.
    """

    scale: NDArray[np.float64]
    codebooks: dict[int, NDArray[np.float64]]

    def __call__(self, X: Matrix) -> Matrix:
        """Embed rows, shape (n, d) to (n, d'); a sparse X stays sparse.

        Columns that become several move behind the others.
        """
        single = np.setdiff1d(np.arange(len(self.scale)), list(self.codebooks))
        if sparse.issparse(X):
            scaled = sparse.csr_array(X[:, single] if self.codebooks else X, copy=True)
            scaled.data = scaled.data * self.scale[single][scaled.indices]
            parts = [
                sparse.csr_array(book[X[:, [j]].toarray().ravel().astype(int)]) for j, book in self.codebooks.items()
            ]
            return as_csr(sparse.hstack([scaled, *parts], format="csr")) if parts else scaled
        if not self.codebooks:
            return X if (self.scale == 1).all() else X * self.scale.astype(X.dtype)
        parts = [book[X[:, j].astype(int)] for j, book in self.codebooks.items()]
        return np.hstack([X[:, single] * self.scale[single], *parts])


def embedding(X: Matrix, schema: Schema, *, metric: Metric = "heom", Y: NDArray[np.bool_] | None = None) -> Embedding:
    """Learn the embedding of a metric from a table.

    Parameters
    ----------
    X : ndarray or csr_array, shape (n, d)
        No missing values.
    schema : Schema
    metric : {"heom", "vdm", "euclidean"}, default="heom"
    Y : ndarray of bool, shape (n, q), default=None
        Labels; needed by ``"vdm"`` only.

    Returns
    -------
    Embedding

    Raises
    ------
    ValueError
        If the metric is unknown, or ``"vdm"`` is asked for without labels.

    References
    ----------
    Wilson & Martinez, *Improved heterogeneous distance functions*, JAIR 6, 1997.

    Examples
    --------
    >>> from rarelabel.schema import Column
    >>> schema = Schema((Column("age"), Column("sex", "category", ("f", "m"))))
    >>> X = np.array([[20.0, 0], [40.0, 1]])
    >>> embedding(X, schema)(X).tolist()
    [[1.0, 0.0], [2.0, 1.0]]
    """
    if metric not in ("heom", "vdm", "euclidean"):
        raise ValueError(f"metric must be 'heom', 'vdm' or 'euclidean', got {metric!r}")
    if metric == "vdm" and Y is None:
        raise ValueError("metric 'vdm' needs the labels Y")
    scale = np.ones(X.shape[1])
    if metric != "euclidean":
        low, high = X.min(axis=0), X.max(axis=0)
        low, high = (side.toarray() if sparse.issparse(side) else side for side in (low, high))
        span = np.ravel(high).astype(np.float64) - np.ravel(low).astype(np.float64)
        scale[span > 0] = 1 / span[span > 0]
    codebooks = {}
    for j in np.flatnonzero(schema.is_category):
        n_categories = schema.features[j].n_categories
        if metric == "vdm":
            book = _label_probabilities(X, int(j), n_categories, Y)
            apart = float(np.linalg.norm(book[-1] - book[0]))
        else:
            book = np.eye(n_categories) / np.sqrt(2)
            apart = 1.0
        if n_categories <= 2:  # two points need one dimension: their distance
            scale[j] = apart
        else:
            codebooks[int(j)] = book
    return Embedding(scale, codebooks)


def _label_probabilities(X: Matrix, j: int, n_categories: int, Y: Any) -> NDArray[np.float64]:
    """P(label | category) for each category of column j, shape (n_categories, q), up to a rotation of its rows."""
    codes = (X[:, [j]].toarray() if sparse.issparse(X) else X[:, j]).ravel().astype(int)
    member = sparse.csr_array((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(n_categories, len(codes)))
    book = (member @ Y.astype(np.float64)) / np.maximum(np.bincount(codes, minlength=n_categories), 1)[:, None]
    if book.shape[1] <= n_categories:
        return np.asarray(book)
    left, singular, _ = np.linalg.svd(book, full_matrices=False)  # the same distances in at most n_categories dims
    return np.asarray(left * singular)


def nearest(
    E: Matrix,
    k: int,
    *,
    queries: NDArray[np.intp] | None = None,
    estimator: Any = None,
    n_jobs: int | None = None,
) -> NDArray[np.intp]:
    """The k nearest other rows of each row, nearest first.

    The row itself is excluded by its index, not by its place in the list, so that duplicates of a row are
    neighbours of it and it never is its own.

    Parameters
    ----------
    E : ndarray or csr_array, shape (n, d)
        Embedded rows.
    k : int
        At most n - 1; a larger one is lowered to that.
    queries : ndarray of int, shape (m,), default=None
        Rows whose neighbours are sought among all; None means every row.
    estimator : object with ``fit`` and ``kneighbors``, default=None
        Any index, exact or approximate. By default scikit-learn's exact brute force, which works in chunks.
    n_jobs : int, default=None

    Returns
    -------
    ndarray of int, shape (m, min(k, n - 1))

    Examples
    --------
    >>> nearest(np.array([[0.0], [0.0], [1.0], [5.0]]), 1).ravel().tolist()
    [1, 0, 0, 2]
    """
    n = E.shape[0]
    rows = np.arange(n) if queries is None else np.asarray(queries)
    k = min(k, n - 1)
    if k <= 0 or not len(rows):
        return np.empty((len(rows), max(k, 0)), dtype=np.intp)
    index = NearestNeighbors(algorithm="brute", n_jobs=n_jobs) if estimator is None else clone(estimator)
    with config_context(working_memory=_MEGABYTES):
        found = index.fit(E).kneighbors(E if queries is None else E[rows], n_neighbors=k + 1, return_distance=False)
    itself = found == rows[:, None]
    itself[~itself.any(axis=1), -1] = True  # more than k duplicates stood before the row: drop the last instead
    return np.asarray(found[~itself].reshape(len(rows), k), dtype=np.intp)


def resolve_neighbors(neighbors: Any) -> tuple[int, Any]:
    """The number of neighbours and the index that finds them, from ``k_neighbors`` or ``n_neighbors``.

    Parameters
    ----------
    neighbors : int or object with ``n_neighbors``, ``fit`` and ``kneighbors``
        An object counts the row itself among its ``n_neighbors``, as in imbalanced-learn.

    Returns
    -------
    k : int
    estimator : object or None

    Raises
    ------
    ValueError, TypeError
        If the number is below 1, or the object cannot search.

    Examples
    --------
    >>> resolve_neighbors(5), resolve_neighbors(NearestNeighbors(n_neighbors=4))[0]
    ((5, None), 3)
    """
    if isinstance(neighbors, Integral) and not isinstance(neighbors, bool):
        if neighbors < 1:
            raise ValueError(f"the number of neighbours must be at least 1, got {neighbors}")
        return int(neighbors), None
    if not (hasattr(neighbors, "kneighbors") and hasattr(neighbors, "n_neighbors")):
        raise TypeError(f"neighbours must be an int or an object with kneighbors, got {neighbors!r}")
    return resolve_neighbors(neighbors.n_neighbors - 1)[0], neighbors


def warn_of_small_bags(method: str, k: int, sizes: Mapping[str, int]) -> None:
    """Warn once, naming every bag in which a row has fewer than k other rows to be its neighbours.

    Parameters
    ----------
    method : str
    k : int
    sizes : mapping of str to int
        What neighbours are sought in, and how many rows that has.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True, action="always") as caught:
    ...     warn_of_small_bags("MLSMOTE", 5, {"label 'sun'": 9, "label 'fog'": 3})
    >>> print(caught[0].message)
    MLSMOTE: fewer than 5 neighbours to be had in label 'fog' (3 rows); all are used
    """
    small = [f"{name} ({size} rows)" for name, size in sizes.items() if size <= k]
    if small:
        named = ", ".join(small[:10]) + (f" and {len(small) - 10} more" if len(small) > 10 else "")
        message = f"{method}: fewer than {k} neighbours to be had in {named}; all are used"
        warnings.warn(message, UserWarning, stacklevel=5)


def row_distances(A: Matrix, B: Matrix) -> NDArray[np.float64]:
    """Euclidean distance between matching rows of two matrices, shape (n,)."""
    if sparse.issparse(A):
        difference = sparse.csr_array(A - B)
        return np.sqrt(np.asarray(difference.multiply(difference).sum(axis=1))).ravel()
    return np.linalg.norm(A - B, axis=1)


def adjusted_hamming(
    A: NDArray[np.bool_], B: NDArray[np.bool_], *, over: Literal["sum", "union"] = "sum"
) -> NDArray[np.float64]:
    """Labels that differ as a share of the labels present, for matching rows.

    Parameters
    ----------
    A, B : ndarray of bool, shape (..., q)
    over : {"sum", "union"}, default="sum"
        Divide by the labels of both rows added up (Charte et al. 2014) or by the labels in either (Pereira et al.
        2020). Two rows without labels have distance 0.

    Returns
    -------
    ndarray, shape (...)
        In [0, 1].

    Examples
    --------
    >>> A, B = np.array([[1, 1, 1, 0]], dtype=bool), np.array([[1, 0, 0, 1]], dtype=bool)
    >>> adjusted_hamming(A, B).item(), adjusted_hamming(A, B, over="union").item()
    (0.6, 0.75)
    """
    differing = (A ^ B).sum(axis=-1)
    present = A.sum(axis=-1) + B.sum(axis=-1) if over == "sum" else (A | B).sum(axis=-1)
    return np.asarray(differing / np.maximum(present, 1))


@final
class FaissNeighbors(BaseEstimator):
    """Nearest neighbours through faiss, for dense tables of many rows (extra ``ann``).

    Parameters
    ----------
    n_neighbors : int, default=6
        Neighbours including the row itself, as in imbalanced-learn.
    index : {"hnsw", "flat"}, default="hnsw"
        ``"hnsw"`` is approximate (recall about 0.98 at 20,000 x 100) and worth it from about 50,000 rows;
        ``"flat"`` is exact.
    M : int, default=32
        Links of each node of the graph (``"hnsw"``).

    Raises
    ------
    ImportError
        On ``fit``, where faiss is not installed.
    """

    def __init__(self, n_neighbors: int = 6, *, index: Literal["hnsw", "flat"] = "hnsw", M: int = 32) -> None:
        self.n_neighbors = n_neighbors
        self.index = index
        self.M = M

    def fit(self, X: Matrix, y: object = None) -> FaissNeighbors:
        """Index the rows of X."""
        try:
            import faiss
        except ImportError:
            raise ImportError("FaissNeighbors needs faiss: pip install 'rarelabel[ann]'") from None
        if sparse.issparse(X):
            raise ValueError("faiss takes dense rows only; use the default search for a sparse X")
        if self.index not in ("hnsw", "flat"):
            raise ValueError(f"index must be 'hnsw' or 'flat', got {self.index!r}")
        d = X.shape[1]
        self.index_ = faiss.IndexHNSWFlat(d, self.M) if self.index == "hnsw" else faiss.IndexFlatL2(d)
        self.index_.add(np.ascontiguousarray(X, dtype=np.float32))
        return self

    def kneighbors(self, X: Matrix, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """Distances and indices of the nearest indexed rows, nearest first, shape (m, n_neighbors) each."""
        wanted = self.n_neighbors if n_neighbors is None else n_neighbors
        squared, found = self.index_.search(np.ascontiguousarray(X, dtype=np.float32), wanted)
        return (np.sqrt(np.maximum(squared, 0)), found) if return_distance else found
