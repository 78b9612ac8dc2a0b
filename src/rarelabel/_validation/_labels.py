"""Y of any form in, a boolean indicator matrix out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.multiclass import check_classification_targets

__all__ = ["Labels", "validate_classes", "validate_labels"]


_SHOWN = 5


@dataclass(frozen=True)
class Labels:
    """A validated Y.

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
        True where a row carries a label.
    names : tuple of str, shape (q,)
        Column names, the labels of a list of label lists, or the classes of a one-dimensional y.
    exclusive : bool
        True where Y came as the class of each row, so that each row carries exactly one label.
    values : tuple
        The labels as the user wrote them: the same as ``names`` but with their types kept.
    named : bool, default=False
        Whether Y brought the names; an array or sparse matrix has none, and its labels are called y0, y1, ...
    in_column : bool, default=False
        Whether the classes came as a table of one column.
    listed : bool, default=False
        Whether the names are those that occur, as in lists of labels and in classes, so that other rows may have more.
    """

    Y: NDArray[np.bool_]
    names: tuple[str, ...]
    exclusive: bool
    values: tuple[Hashable, ...]
    named: bool = False
    in_column: bool = False
    listed: bool = False

    def in_order(self, names: tuple[str, ...], what: str) -> NDArray[np.bool_]:
        """Y with the columns of the labels of these names, in this order.

        They are found by name where Y has names, else by position. Names that are listed and do not occur are labels
        that no row carries.

        Raises
        ------
        ValueError
            As :meth:`positions`.

        Examples
        --------
        >>> validate_labels([["sun"], []]).in_order(("sea", "sun"), "Y").astype(int).tolist()
        [[0, 1], [0, 0]]
        """
        if self.listed and set(self.names) < set(names):
            Y = np.zeros((len(self.Y), len(names)), dtype=bool)
            Y[:, [names.index(name) for name in self.names]] = self.Y
            return Y
        return np.asarray(self.Y[:, self.positions(names, what)])

    def positions(self, names: tuple[str, ...], what: str) -> NDArray[np.intp]:
        """Column of Y for each of these labels: by name where Y has names, else by position.

        ``names`` that are y0, y1, ... are positions too, unless Y has the same names.

        Raises
        ------
        ValueError
            If the names or numbers of labels differ; ``what`` says whose labels these are.
        """
        found, n = self.names, len(names)
        if self.named and found != names:
            if sorted(found) == sorted(names):
                return np.array([found.index(name) for name in names], dtype=np.intp)
            if names != tuple(f"y{k}" for k in range(n)):
                parts = [
                    f"{verb} " + ", ".join(map(repr, odd[:_SHOWN])) + (" ..." if len(odd) > _SHOWN else "")
                    for verb, odd in (
                        ("lacks", [name for name in names if name not in found]),
                        ("has besides", [name for name in found if name not in names]),
                    )
                    if odd
                ]
                raise ValueError(f"{what} has other labels than the {n} expected: it {' and '.join(parts)}")
        if len(found) != n:
            raise ValueError(f"{what} has {len(found)} labels, expected {n}")
        return np.arange(n)


def validate_labels(Y: Any, *, min_classes: int = 2) -> Labels:
    """Turn labels of any accepted form into a boolean indicator matrix.

    Parameters
    ----------
    Y : array-like, sparse matrix, DataFrame, Series, or list of label lists
        Two-dimensional: an indicator of zeros and ones, shape (n, q). A list (or object array) of lists, sets or
        tuples of label names: one collection for each row, possibly empty. One-dimensional: the class of each row.
    min_classes : int, default=2
        How many classes a one-dimensional Y must hold. There is nothing to learn from one, but rows that are held out
        may well hold no other.

    Returns
    -------
    Labels

    Raises
    ------
    ValueError
        If Y is empty, ragged, holds anything but 0 and 1, misses values, repeats column names, or (one-dimensional)
        is continuous or has too few classes. The message names the label.

    Examples
    --------
    >>> validate_labels([["sun", "sea"], [], ["sea"]]).names
    ('sea', 'sun')
    >>> validate_labels(["b", "a", "b"]).Y.astype(int).tolist()
    [[0, 1], [1, 0], [0, 1]]
    """
    if Y is None:
        raise ValueError("requires y to be passed, but the target y is None: expected labels, one row for each of X")
    if sparse.issparse(Y):
        return _from_sparse(Y)
    if is_frame(Y):
        return _from_frame(Y)
    if is_series(Y):
        Y = nw.from_native(Y, series_only=True).to_numpy()
    if not isinstance(Y, np.ndarray | list | tuple) and hasattr(Y, "__array__"):
        Y = np.asarray(Y)
    if not isinstance(Y, np.ndarray):
        if not isinstance(Y, Iterable) or isinstance(Y, str | bytes):
            raise ValueError(f"expected labels as an array, a frame or a list, got {type(Y).__name__}: {Y!r:.80}")
        Y = list(Y)
        if are_label_lists(Y):
            return _from_label_lists(Y)
        try:
            Y = np.asarray(Y)
        except ValueError:
            raise ValueError("the rows of Y have different lengths; expected an indicator matrix of 0 and 1") from None
    if Y.dtype == object and Y.ndim == 1 and are_label_lists(Y.tolist()):
        return _from_label_lists(Y.tolist())
    if Y.ndim == 1:
        return _from_classes(Y, min_classes)
    if Y.ndim != 2:
        raise ValueError(f"expected labels of 1 or 2 dimensions, got an array of shape {Y.shape}")
    names = tuple(f"y{j}" for j in range(Y.shape[1]))
    return Labels(_indicator(Y, names), names, False, names)


def validate_classes(Y: Any) -> Labels:
    """Labels for a method that takes the class of each row, in the forms that imbalanced-learn takes too.

    Parameters
    ----------
    Y : anything :func:`validate_labels` takes
        A table of one column holds the classes. An indicator is one of classes if each row carries one label.

    Returns
    -------
    Labels
        Not ``exclusive`` where rows carry several labels or none.

    Raises
    ------
    ValueError
        As :func:`validate_labels` does.

    Examples
    --------
    >>> [validate_classes(Y).names for Y in ([["b"], ["a"], ["b"]], np.eye(2))]
    [('a', 'b'), ('y0', 'y1')]
    """
    column = _only_column(Y)
    if column is not None:
        return replace(_from_classes(column, min_classes=2), in_column=True)
    labels = validate_labels(Y)
    return replace(labels, exclusive=bool((labels.Y.sum(axis=1) == 1).all()))


def is_frame(data: Any) -> bool:
    """Whether ``data`` is an eager data frame of any library narwhals knows."""
    if isinstance(data, np.ndarray | list | tuple):  # the usual case, at no cost
        return False
    frame = nw.from_native(data, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise TypeError(f"expected an eager frame, got {type(data).__name__}: collect it first")
    return isinstance(frame, nw.DataFrame)


def is_series(data: Any) -> bool:
    """Whether ``data`` is a series of any library narwhals knows."""
    if isinstance(data, np.ndarray | list | tuple):
        return False
    return isinstance(nw.from_native(data, pass_through=True, allow_series=True), nw.Series)


def are_label_lists(Y: Sequence[Any]) -> bool:
    """Whether Y is a list of collections of labels rather than rows of an indicator.

    Rows of equal length that hold nothing but numbers are taken for an indicator, so that a stray 2 in one is an error.
    """
    if not Y or not all(isinstance(row, list | tuple | set | frozenset) for row in Y):
        return False
    if any(isinstance(row, set | frozenset) for row in Y):
        return True
    ragged = len({len(row) for row in Y}) > 1
    return ragged or any(isinstance(label, str) for row in Y for label in row)


def _only_column(Y: Any) -> NDArray[Any] | None:
    """The values of a table of one column; None of anything else."""
    if sparse.issparse(Y):
        return Y.toarray()[:, 0] if Y.shape[1] == 1 else None
    if is_frame(Y):
        frame = nw.from_native(Y, eager_only=True)
        return frame[:, 0].to_numpy() if frame.shape[1] == 1 else None
    if isinstance(Y, list | tuple):
        if not Y or not all(isinstance(row, list | tuple | np.ndarray) and len(row) == 1 for row in Y):
            return None
    elif is_series(Y) or not hasattr(Y, "__array__"):
        return None
    rows = np.asarray(Y)
    return rows[:, 0] if rows.ndim == 2 and rows.shape[1] == 1 else None


def unique_names(columns: Iterable[Any], what: str) -> tuple[str, ...]:
    """Column names as strings; ValueError names the ones that are repeated."""
    names = tuple(str(column) for column in columns)
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"column names of {what} are repeated: {', '.join(map(repr, repeated))}; make them unique")
    return names


def _from_sparse(Y: Any) -> Labels:
    names = tuple(f"y{j}" for j in range(Y.shape[1]))
    stored = sparse.coo_array(Y)
    stored.sum_duplicates()  # two ones in one place are a 2
    wrong = ~np.isin(stored.data, (0, 1))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        _refuse(names[stored.coords[1][at]], int(stored.coords[0][at]), stored.data[at])
    _check_shape(Y.shape)
    dense = np.zeros(Y.shape, dtype=bool)
    dense[stored.coords[0], stored.coords[1]] = stored.data != 0
    return Labels(dense, names, False, names)


def _from_frame(Y: Any) -> Labels:
    frame = nw.from_native(Y, eager_only=True)
    names = unique_names(frame.columns, "Y")
    _check_shape(frame.shape)
    columns = [frame[:, j].to_numpy() for j in range(frame.shape[1])]
    dense = np.column_stack([_indicator(column[:, None], (name,)) for column, name in zip(columns, names, strict=True)])
    return Labels(dense, names, False, tuple(frame.columns), named=True)


def _from_label_lists(Y: Sequence[Iterable[Hashable]]) -> Labels:
    values = sorted({label for row in Y for label in row}, key=lambda label: (type(label).__name__, label))
    names = unique_names(values, "Y")
    _check_shape((len(Y), len(values)))
    position = {label: j for j, label in enumerate(values)}
    dense = np.zeros((len(Y), len(values)), dtype=bool)
    for i, row in enumerate(Y):
        dense[i, [position[label] for label in row]] = True
    return Labels(dense, names, False, tuple(values), named=True, listed=True)


def _from_classes(y: NDArray[Any], min_classes: int) -> Labels:
    if y.size == 0:
        raise ValueError("Y is empty: found 0 sample(s) while a minimum of 2 is required")
    missing = y != y if y.dtype.kind in "fc" else np.array([value is None or value != value for value in y])
    if np.any(missing):
        raise ValueError(f"the label of row {int(np.flatnonzero(missing)[0])} is missing (NaN): drop such rows first")
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < min_classes:
        raise ValueError(f"y has one class only ({classes[0]!r}) in {len(y)} sample(s); expected at least two")
    dense = np.zeros((len(y), len(classes)), dtype=bool)
    dense[np.arange(len(y)), codes] = True
    names = tuple(map(str, classes.tolist()))
    return Labels(dense, names, True, tuple(classes.tolist()), named=True, listed=True)


def _indicator(Y: NDArray[Any], names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Y as booleans; ValueError names the first label, row and value that is not 0 or 1."""
    _check_shape(Y.shape)
    if Y.dtype == bool:
        return Y.copy()
    if Y.dtype.kind not in "iufb":
        Y = Y.astype(object)
    wrong = ~((Y == 0) | (Y == 1))
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        _refuse(names[j], int(i), Y[i, j])
    return np.asarray(Y == 1, dtype=bool)


def _refuse(name: str, row: int, value: Any) -> None:
    if value is None or value != value:
        raise ValueError(f"label {name!r} is missing (NaN) in row {row}: drop such rows or decide on 0 or 1 first")
    plain = value.item() if isinstance(value, np.generic) else value
    raise ValueError(f"label {name!r} must hold 0 or 1 only, got {plain!r} in row {row}")


def _check_shape(shape: tuple[int, ...]) -> None:
    if shape[0] == 0:
        raise ValueError(f"Y is empty: found 0 sample(s) (shape={tuple(shape)}) while a minimum of 1 is required")
    if shape[1] == 0:
        raise ValueError(f"Y has no labels (shape={tuple(shape)}): expected at least one column")
