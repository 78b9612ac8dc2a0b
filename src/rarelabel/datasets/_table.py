"""From the columns of a file to features and labels."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel.datasets._classes import classes_of
from rarelabel.datasets._dataset import Dataset
from rarelabel.datasets._mulan import class_column_in, read_label_file
from rarelabel.datasets._opening import stem
from rarelabel.schema import Column, Schema

__all__ = ["Table", "WhichLabels", "to_dataset"]

WhichLabels = str | os.PathLike[str] | int | Sequence[str] | None
"""How a user says which columns are labels; see :func:`rarelabel.datasets.read`."""

_HOW = (
    "say which columns are labels: labels='labels.xml' (a MULAN file), labels=['name', ...], labels=n (the first n "
    "columns) or labels=-n (the last n); or which holds the class of each row: classes='name'"
)
_MOST_CLASSES = 100
"""A column with more numbers than these is taken for classes only where the caller says so."""
_TRUTH = {"0": False, "1": True, "false": False, "true": True, "0.0": False, "1.0": True}


@dataclass(frozen=True)
class Table:
    """All columns of one file, before labels are told from features.

    Parameters
    ----------
    name : str
        Name of the data set, empty where the file gives none.
    columns : tuple of Column, shape (m,)
    values : ndarray or csr_array of float64, shape (n, m)
        Categories as codes, missing values as NaN.
    outputs : tuple of str, default=()
        Label columns that the file itself names (KEEL's ``@outputs``).
    inputs : tuple of str, default=()
        Feature columns that the file itself names (KEEL's ``@inputs``); empty: all that are not labels.
    label_count : int or None, default=None
        MEKA's ``-C``: labels are the first n columns, or the last -n.
    relation : str, default=""
        The relation as the file spells it.
    class_name : str or None, default=None
        Column that may hold classes by the rules of the format: KEEL's only output, where it is nominal or integer, and
        the last attribute of ARFF, where it is nominal.
    """

    name: str
    columns: tuple[Column, ...]
    values: NDArray[np.float64] | sparse.csr_array
    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    label_count: int | None = None
    relation: str = ""
    class_name: str | None = None


@dataclass(frozen=True)
class _Found:
    """Label columns, and whether they are the classes of one column (known by ``names``) or of one-hot columns."""

    positions: list[int]
    is_class: bool = False
    exclusive: bool = False
    names: tuple[str, ...] | None = None


def to_dataset(
    table: Table, labels: WhichLabels, path: Path, label_file: Path | None, *, classes: str | None = None
) -> Dataset:
    """Tell labels from features.

    Parameters
    ----------
    table : Table
    labels : str, path, int, sequence of str or None
        As in :func:`rarelabel.datasets.read`.
    path : Path
        The file the table came from, for messages.
    label_file : Path or None
        MULAN file that lies beside ``path``, if there is one.
    classes : str or None, default=None
        Column that holds the class of each row, in place of ``labels``.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If the labels cannot be found, are unknown, or are not 0/1.
    """
    if table.values.shape[0] == 0:
        raise ValueError(f"{path}: the table is empty, it has columns but no rows")
    table = replace(table, name=table.name or stem(path).name)
    found = _class_column(table, classes, path, label_file) if classes is not None else None
    found = found or _find(table, labels, path, label_file)
    chosen = set(found.positions)
    features = [j for j in range(len(table.columns)) if j not in chosen]
    if labels is None and table.inputs:
        features = _declared_inputs(table, features, path)
    if not features:
        raise ValueError(f"{path}: every column is a label, no feature is left")
    X = table.values[:, features]
    columns = tuple(table.columns[j] for j in features)
    class_name = None
    if found.is_class or (len(found.positions) == 1 and not found.exclusive and _is_class(table, found.positions[0])):
        j = found.positions[0]
        Y, names = classes_of(table.columns[j], _dense(table, j), str(path), found.names)
        exclusive, class_name = True, table.columns[j].name
    else:
        alone = len(found.positions) == 1
        Y = np.column_stack([_indicator(table, j, path, alone=alone) for j in found.positions])
        names = tuple(table.columns[j].name for j in found.positions)
        exclusive = found.exclusive
        if exclusive and not (Y.sum(axis=1) == 1).all():
            raise ValueError(f"{path}: the labels are said to exclude each other, yet some rows carry none or several")
    schema = Schema(columns, tuple(Column(name, "label") for name in names), exclusive, class_name)
    return Dataset(X if sparse.issparse(X) else np.ascontiguousarray(X), Y, schema, table.name)


def _find(table: Table, labels: WhichLabels, path: Path, label_file: Path | None) -> _Found:
    if isinstance(labels, bool):
        raise TypeError(f"labels must be a file, names, a count or None, got {labels!r}")
    if isinstance(labels, os.PathLike) or (isinstance(labels, str) and labels.lower().endswith(".xml")):
        return _from_file(table, Path(labels), path)
    if isinstance(labels, str):
        return _asked(table, _positions(table, [labels], path, "labels"))
    if isinstance(labels, (int, np.integer)):
        return _asked(table, _counted(table, int(labels), path, "labels"))
    if labels is not None:
        return _asked(table, _positions(table, list(labels), path, "labels"))
    if table.outputs:
        return _asked(table, _positions(table, list(table.outputs), path, "@outputs"))
    if label_file is not None:
        return _from_file(table, label_file, path)
    if table.label_count is not None:
        found = _Found(_counted(table, table.label_count, path, "-C in @relation"))
        if "-weka.filters" in table.relation:
            names = [table.columns[j].name for j in found.positions]
            warnings.warn(
                f"{path}: filters were applied after '-C {table.label_count}' was written in the relation name; "
                f"taking as labels {_shown(names)}. If they are not, pass labels=",
                stacklevel=4,
            )
        return found
    return _last_nominal(table, path) or _guess(table, path)


def _class_column(table: Table, name: str, path: Path, label_file: Path | None) -> _Found:
    """The column that the caller says holds classes; a label file that says the same knows their order."""
    if not isinstance(name, str):
        raise TypeError(f"classes must be the name of a column, got {name!r}")
    positions = _positions(table, [name], path, "classes", "column")
    if label_file is not None and class_column_in(label_file) == name:
        return _from_file(table, label_file, path)
    return _Found(positions, is_class=True)


def _asked(table: Table, positions: list[int]) -> _Found:
    """Columns that were named; alone, one that the file itself says is the class holds classes."""
    name = table.columns[positions[0]].name
    is_class = len(positions) == 1 and name == table.class_name and (bool(table.outputs) or _is_called_class(name))
    return _Found(positions, is_class=is_class)


def _is_called_class(name: str) -> bool:
    return name.strip().lower() == "class"


def _last_nominal(table: Table, path: Path) -> _Found | None:
    """Weka's class, the last attribute, where it is called so or cannot be a label."""
    last = len(table.columns) - 1
    if table.class_name is None or not (_is_called_class(table.class_name) or _is_class(table, last)):
        return None
    if not _is_called_class(table.class_name):
        warnings.warn(
            f"{path}: no label file and no label count; taking the last attribute, {table.class_name!r}, as the class "
            f"of each row. If it is not, {_HOW}",
            stacklevel=5,
        )
    return _Found([last], is_class=True)


def _from_file(table: Table, label_file: Path, path: Path) -> _Found:
    names, exclusive = read_label_file(label_file)
    column = class_column_in(label_file)
    if column is not None:
        position = _positions(table, [column], path, str(label_file), "column")
        return _Found(position, is_class=True, exclusive=True, names=tuple(names))
    return _Found(_positions(table, names, path, str(label_file)), exclusive=exclusive)


def _positions(table: Table, names: list[str], path: Path, origin: str, what: str = "label") -> list[int]:
    where = {column.name: j for j, column in enumerate(table.columns)}
    if not names:
        raise ValueError(f"{path}: {origin} names no label")
    unknown = [name for name in names if name not in where]
    if unknown:
        raise ValueError(f"{path}: {origin} names the {what} {unknown[0]!r}, which is not a column of the file")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{path}: {origin} names the label {twice!r} more than once")
    return [where[name] for name in names]


def _counted(table: Table, count: int, path: Path, origin: str) -> list[int]:
    m = len(table.columns)
    if not 0 < abs(count) < m:
        raise ValueError(f"{path}: {origin} is {count}, but the file has {m} columns; expected 1 to {m - 1} in size")
    return list(range(count)) if count > 0 else list(range(m + count, m))


def _declared_inputs(table: Table, features: list[int], path: Path) -> list[int]:
    declared = set(_positions(table, list(table.inputs), path, "@inputs"))
    unused = [table.columns[j].name for j in features if j not in declared]
    if unused:
        warnings.warn(f"{path}: neither input nor output, left out: {_shown(unused)}", stacklevel=4)
    return [j for j in features if j in declared]


def _guess(table: Table, path: Path) -> _Found:
    """Take the trailing columns that hold nothing but 0 and 1: a guess, and so one that warns."""
    first = len(table.columns)
    while first > 0 and _holds_truth(table, first - 1):
        first -= 1
    if first in (0, len(table.columns)):
        raise ValueError(f"{path}: cannot tell which columns are labels; {_HOW}")
    names = [column.name for column in table.columns[first:]]
    warnings.warn(
        f"{path}: no label file and no label count; taking the last {len(names)} columns, which hold only 0 and 1, "
        f"as labels: {_shown(names)}. If they are not, {_HOW}",
        stacklevel=5,
    )
    return _Found(list(range(first, len(table.columns))))


def _holds_truth(table: Table, j: int) -> bool:
    column = table.columns[j]
    if column.kind == "category":
        declared = {str(value).lower() for value in column.categories}
        return declared in ({"0", "1"}, {"false", "true"})
    values = _dense(table, j)
    return bool(np.isin(values, (0.0, 1.0)).all())


def _is_class(table: Table, j: int) -> bool:
    """Whether a column that stands alone can only be one of classes: words, or more than two whole numbers."""
    column = table.columns[j]
    if column.kind == "category":
        return any(str(value).strip().lower() not in _TRUTH for value in column.categories)
    values = _dense(table, j)
    values = values[~np.isnan(values)]
    return bool((values == np.floor(values)).all()) and 2 < len(np.unique(values)) <= _MOST_CLASSES


def _dense(table: Table, j: int) -> NDArray[np.float64]:
    values = table.values[:, [j]]
    return np.asarray(values if isinstance(values, np.ndarray) else values.toarray(), dtype=np.float64).ravel()


def _indicator(table: Table, j: int, path: Path, *, alone: bool = False) -> NDArray[np.bool_]:
    """Return one label column as bool, shape (n,)."""
    column, values = table.columns[j], _dense(table, j)
    missing = np.isnan(values)
    if missing.any():
        raise ValueError(
            f"{path}: label {column.name!r} is missing in row {int(missing.argmax()) + 1}; expected 0 or 1"
        )
    if column.kind == "category":
        truth = np.array([_TRUTH.get(str(value).strip().lower(), -1) for value in column.categories], dtype=np.int8)
        bits = truth[values.astype(np.intp)]
    else:
        bits = np.where(np.isin(values, (0.0, 1.0)), values, -1).astype(np.int8)
    bad = bits < 0
    if bad.any():
        row = int(bad.argmax())
        value = column.categories[int(values[row])] if column.kind == "category" else float(values[row])
        hint = f", or classes={column.name!r} to take its values as classes" if alone else ""
        raise ValueError(f"{path}: label {column.name!r} is {value!r} in row {row + 1}; expected 0 or 1{hint}")
    return bits.astype(bool)


def _shown(names: Sequence[str], limit: int = 10) -> str:
    shown = ", ".join(repr(name) for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
