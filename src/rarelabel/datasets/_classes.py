"""Classes of one column: from its values to an indicator, and back to one column in a file."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rarelabel.datasets._dataset import Dataset
from rarelabel.schema import Column, Schema

__all__ = ["class_codes", "class_column_name", "classes_of", "numbers_of"]

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,14}")


def classes_of(
    column: Column, values: NDArray[np.float64], place: str, names: Sequence[str] | None = None
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Return the classes that a column holds as one indicator column per class.

    Parameters
    ----------
    column : Column
    values : ndarray of shape (n,)
        As a table has them: categories as codes.
    place : str
        What errors call the file.
    names : sequence of str, default=None
        The classes and their order, where they are known. None: the column's categories, or its numbers in order.

    Returns
    -------
    Y : ndarray of bool, shape (n, classes)
    names : tuple of str

    Raises
    ------
    ValueError
        If a value is missing, is a fraction, or is not one of ``names``.
    """
    missing = np.isnan(values)
    if missing.any():
        raise ValueError(f"{place}: the class {column.name!r} is missing in row {int(missing.argmax()) + 1}")
    if column.kind == "category":
        found, codes = [str(value) for value in column.categories], values.astype(np.intp)
    else:
        broken = (values != np.floor(values)) | (np.abs(values) >= 10.0**15)
        if broken.any():
            at = int(broken.argmax())
            raise ValueError(
                f"{place}: the class {column.name!r} is {float(values[at])!r} in row {at + 1}; expected whole numbers "
                "or text"
            )
        numbers, codes = np.unique(values, return_inverse=True)
        found = [str(int(number)) for number in numbers]
    if names is None:
        return codes[:, np.newaxis] == np.arange(len(found)), tuple(found)
    position = {name: at for at, name in enumerate(names)}
    known = np.array([position.get(name, -1) for name in found], dtype=np.intp)[codes]
    if (known < 0).any():
        at = int((known < 0).argmax())
        raise ValueError(
            f"{place}: the class {column.name!r} is {found[int(codes[at])]!r} in row {at + 1}, which is none of the "
            f"{len(names)} classes that are named"
        )
    return known[:, np.newaxis] == np.arange(len(names)), tuple(names)


def class_column_name(schema: Schema) -> str:
    """Name of the column that the classes of a table are written in."""
    if schema.class_name is not None:
        return schema.class_name
    name = "Class"
    while name in schema.feature_names:
        name += "_"
    return name


def class_codes(dataset: Dataset) -> list[int]:
    """Position of the class of each row.

    Raises
    ------
    ValueError
        If a row does not carry exactly one.
    """
    wrong = dataset.Y.sum(axis=1) != 1
    if wrong.any():
        raise ValueError(f"row {int(wrong.argmax()) + 1} does not carry exactly one of the classes")
    codes: list[int] = dataset.Y.argmax(axis=1).tolist()
    return codes


def numbers_of(names: Sequence[str]) -> list[int] | None:
    """The classes as whole numbers, where all of them read as such and would be written the same."""
    return [int(name) for name in names] if all(_WHOLE.fullmatch(name) for name in names) else None
