"""Whether what a model is trained on hangs on rows that it must not see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._random import RandomState, check_random_state
from rarelabel._validation import Matrix

__all__ = ["LeakError", "check_no_leak"]

Indices = NDArray[np.intp]
Prepare = Callable[[Any, NDArray[np.bool_], Indices, Indices], Sequence[Any]]


class LeakError(AssertionError):
    """Training data changed when nothing but held-out rows did."""


def check_no_leak(
    prepare: Prepare,
    X: Matrix,
    Y: NDArray[np.bool_],
    train: Indices,
    held: Indices,
    *,
    random_state: RandomState = 0,
) -> None:
    """Put other values and labels into the held-out rows, and demand that the training data stay the same to the bit.

    It is the test to put any pipeline to before its scores are believed: scaling, choosing features, filling in or
    resampling before the split all fail it.

    Parameters
    ----------
    prepare : callable
        Called as ``prepare(X, Y, train, held)``; returns the arrays a model is trained on, such as ``(X_train,
        Y_train)`` after every step that learns. Must give the same arrays each time it is called with the same ones.
    X : ndarray or csr_array of float, shape (n, d)
    Y : ndarray of bool, shape (n, q)
    train, held : ndarray of int
        Rows that may be learned from, and rows that may not.
    random_state : int, Generator, RandomState or None, default=0
        Draws the other values.

    Raises
    ------
    LeakError
        If an array changes; the message says which and by how much.
    ValueError
        If ``prepare`` gives other arrays when called again with the same ones, so that nothing can be concluded.

    Examples
    --------
    >>> import numpy as np
    >>> X, Y = np.arange(12.0).reshape(6, 2), np.eye(6, 2, dtype=bool)
    >>> def scaled_before_the_split(X, Y, train, held):
    ...     return (X / X.max(axis=0))[train], Y[train]
    >>> check_no_leak(scaled_before_the_split, X, Y, np.arange(4), np.arange(4, 6))
    Traceback (most recent call last):
    ...
    rarelabel.evaluation.leakage.LeakError: array 0 of the training data changed when only held-out rows did: ...
    """
    before, again = (list(map(_dense, prepare(X, Y, train, held))) for _ in range(2))
    if _first_difference(before, again) is not None:
        raise ValueError("prepare gave other arrays for the same input; fix its random_state, then check again")
    rng = check_random_state(random_state)
    after = list(map(_dense, prepare(*_replaced(X, Y, held, rng), train, held)))
    changed = _first_difference(before, after)
    if changed is not None:
        raise LeakError(
            f"array {changed} of the training data changed when only held-out rows did: "
            f"{_extent(before[changed], after[changed])}. Fit every step on the training rows alone"
        )


def _replaced(X: Matrix, Y: NDArray[np.bool_], held: Indices, rng: np.random.Generator) -> tuple[Matrix, Any]:
    """X and Y with the held-out rows far away from where they were, and with all their labels turned round."""
    other_Y = Y.copy()
    other_Y[held] = ~Y[held]
    dense = X[held].toarray() if sparse.issparse(X) else X[held]
    spread = np.nan_to_num(np.abs(dense)).max(initial=1.0)
    values = rng.uniform(-3 * spread, 3 * spread, size=dense.shape)
    if not sparse.issparse(X):
        other_X = X.copy()
        other_X[held] = values
        return other_X, other_Y
    rows = sparse.lil_array(X)
    rows[held] = np.where(rng.random(dense.shape) < 0.1, values, 0.0)
    return sparse.csr_array(rows), other_Y


def _dense(array: Any) -> NDArray[Any]:
    return array.toarray() if sparse.issparse(array) else np.asarray(array)


def _first_difference(before: list[NDArray[Any]], after: list[NDArray[Any]]) -> int | None:
    for i, (old, new) in enumerate(zip(before, after, strict=True)):
        if old.shape != new.shape or not np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
            return i
    return None


def _extent(old: NDArray[Any], new: NDArray[Any]) -> str:
    if old.shape != new.shape:
        return f"its shape went from {old.shape} to {new.shape}"
    return f"{int((old != new).sum())} of its {old.size} values differ"
