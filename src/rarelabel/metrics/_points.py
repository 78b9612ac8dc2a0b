"""Rows of real and new tables as points of one space, in which the distance of two rows is Euclidean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn import config_context
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.neighbors import NearestNeighbors

from rarelabel._validation import FeaturePair, Matrix, as_csr
from rarelabel.neighbors import embedding, row_distances
from rarelabel.schema import Schema

__all__ = ["choose_rows", "distances_to_closest", "points_of", "squared_distances"]

Floats = NDArray[np.float64]
_BLOCK = 2**21  # distances held at a time: 16 MB
_MEGABYTES = 128


def points_of(pair: FeaturePair) -> tuple[Matrix, Matrix]:
    """Embed both tables by HEOM with the ranges of the real rows, shapes (n, d') and (m, d').

    A missing category is a category. A missing number stands at the mean of the real column, with a further coordinate
    that is 1 where the number is missing and 0 elsewhere.
    """
    # NOTE[DIFF] HEOM puts a missing number at distance 1 from every value and from another missing one, so that a row
    # would not equal its own copy. Here two missing numbers are equal, and a missing one is at least 1 from any value.
    real, new = _as_float64(pair.real), _as_float64(pair.new)
    gaps = [_is_missing(X) for X in (real, new)]
    gappy = np.logical_or(*(np.asarray(gap.sum(axis=0)).ravel() > 0 for gap in gaps))
    schema = pair.schema
    if gappy.any():
        columns = [
            replace(column, categories=(*column.categories, None)) if gap and column.kind == "category" else column
            for column, gap in zip(schema.features, gappy, strict=True)
        ]
        n_categories = np.array([column.n_categories for column in schema.features])
        fill = np.where(schema.is_category, n_categories, _means(real, gaps[0]))
        real, new = _filled(real, fill), _filled(new, fill)
        schema = Schema(tuple(columns))
    embed = embedding(real, schema)
    points = [embed(real), embed(new)]
    flagged = np.flatnonzero(gappy & ~schema.is_category)
    if len(flagged):
        points = [_beside(E, gap[:, flagged]) for E, gap in zip(points, gaps, strict=True)]
    if not sparse.issparse(points[0]):  # around 0 products of coordinates lose the fewest digits
        center = points[0].mean(axis=0)
        points = [E - center for E in points]
    return points[0], points[1]


def distances_to_closest(E: Matrix, E_real: Matrix, k: int = 1) -> Floats:
    """Distances of each row of E to the k nearest rows of E_real, nearest first, shape (m, min(k, n))."""
    k = min(k, E_real.shape[0])
    if not E.shape[0]:
        return np.empty((0, k))
    index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(E_real)
    with config_context(working_memory=_MEGABYTES):
        found = index.kneighbors(E, return_distance=False)
    # measured again by differences: a row is at distance 0 of its copy, which products do not give
    return np.sort(np.column_stack([row_distances(E, E_real[nth]) for nth in found.T]), axis=1)


def squared_distances(A: Matrix, B: Matrix) -> Iterator[tuple[slice, Floats]]:
    """Squared distances of some rows of A at a time to all rows of B."""
    step = max(1, _BLOCK // max(B.shape[0], 1))
    for start in range(0, A.shape[0], step):
        rows = slice(start, min(start + step, A.shape[0]))
        yield rows, euclidean_distances(A[rows], B, squared=True)


def choose_rows(n: int, at_most: int | None, rng: np.random.Generator) -> NDArray[np.intp]:
    """All n rows, or as many of them as allowed, drawn by chance, in order."""
    if at_most is None or n <= at_most:
        return np.arange(n)
    return np.sort(rng.choice(n, at_most, replace=False))


def _as_float64(X: Matrix) -> Matrix:
    return X.astype(np.float64, copy=False)


def _is_missing(X: Matrix) -> Matrix:
    if not sparse.issparse(X):
        return np.isnan(X)
    gaps = sparse.csr_array((np.isnan(X.data), X.indices, X.indptr), shape=X.shape, copy=True)
    gaps.eliminate_zeros()
    return gaps


def _means(X: Matrix, gaps: Matrix) -> Floats:
    """Mean of each column over what it has, 0 where it has nothing."""
    n_present = X.shape[0] - np.asarray(gaps.sum(axis=0)).ravel()
    total = np.asarray(_filled(X, np.zeros(X.shape[1])).sum(axis=0)).ravel()
    return np.asarray(total / np.maximum(n_present, 1))


def _filled(X: Matrix, fill: Floats) -> Matrix:
    """X with the value of its column in place of each missing one."""
    if not sparse.issparse(X):
        return np.where(np.isnan(X), fill, X)
    return sparse.csr_array((np.where(np.isnan(X.data), fill[X.indices], X.data), X.indices, X.indptr), shape=X.shape)


def _beside(E: Matrix, gaps: Matrix) -> Matrix:
    if sparse.issparse(E):
        return as_csr(sparse.hstack([E, gaps.astype(np.float64)], format="csr"))
    return np.hstack([E, gaps])
