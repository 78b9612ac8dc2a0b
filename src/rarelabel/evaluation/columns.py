"""Records as columns: one array for each column, fast to read and to filter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNKNOWN", "Columns", "as_columns", "codes", "matching"]

Columns: TypeAlias = dict[str, NDArray[Any]]
"""Arrays of one length by the names of the columns: text as object, whole numbers as int64, others as float64."""

UNKNOWN = -1
"""A whole number that is not known, as the rows after a resampling that failed. NaN is that of the other numbers."""


def as_columns(rows: Sequence[Sequence[Any]], types: Mapping[str, type]) -> Columns:
    """Columns of rows whose values stand in the order of ``types``; None becomes "", UNKNOWN or NaN.

    Examples
    --------
    >>> as_columns([("birds", 2, None), ("yeast", None, 0.5)], {"dataset": str, "fold": int, "f1": float})
    {'dataset': array(['birds', 'yeast'], dtype=object), 'fold': array([ 2, -1]), 'f1': array([nan, 0.5])}
    """
    values = zip(*rows, strict=True) if rows else ((),) * len(types)
    return {name: _array(column, kind) for (name, kind), column in zip(types.items(), values, strict=True)}


def _array(column: Sequence[Any], kind: type) -> NDArray[Any]:
    if kind is float:
        return np.array(column, dtype=np.float64)
    if kind is int:
        return np.array([UNKNOWN if value is None else value for value in column], dtype=np.int64)
    same: dict[str, str] = {"": ""}  # one object for each text: equal ones compare at once and take no room
    array = np.empty(len(column), dtype=object)
    array[:] = [same.setdefault(value, value) for value in (text or "" for text in column)]
    return array


def codes(*columns: NDArray[Any]) -> tuple[list[Any], NDArray[np.intp]]:
    """Distinct values, in the order in which they come, and the position of each row's value among them.

    The values of several columns are tuples.

    Examples
    --------
    >>> codes(np.array(["b", "a", "b"], dtype=object))
    (['b', 'a'], array([0, 1, 0]))
    """
    position: dict[Any, int] = {}
    values = columns[0].tolist() if len(columns) == 1 else zip(*(column.tolist() for column in columns), strict=True)
    of_rows = np.fromiter((position.setdefault(value, len(position)) for value in values), np.intp, len(columns[0]))
    return list(position), of_rows


def matching(columns: Columns, wanted: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Which rows have one of the wanted values in each of the columns; columns that are not there are passed over.

    Examples
    --------
    >>> matching({"fold": np.array([0, 1, 2])}, {"fold": [0, 2]})
    array([ True, False,  True])
    """
    rows = np.ones(len(next(iter(columns.values()))) if columns else 0, dtype=bool)
    for name, values in wanted.items():
        if name in columns:
            distinct, of_rows = codes(columns[name])
            allowed = set(_several(values))
            rows &= np.array([value in allowed for value in distinct], dtype=bool)[of_rows]
    return rows


def _several(values: Any) -> Iterable[Any]:
    return values if isinstance(values, Collection | np.ndarray) and not isinstance(values, str) else [values]
