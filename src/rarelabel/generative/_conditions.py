"""Conditions on drawn rows: from column names and values to entries of the encoded matrix."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation import Container, Matrix, as_csr
from rarelabel.encoding import Block, TableEncoder, idle_numbers
from rarelabel.schema import Schema

__all__ = ["Known", "encode_conditions", "known_label", "label_conditions"]


@dataclass(frozen=True, eq=False)
class Known:
    """Entries of an encoded row that are known, and what they mean.

    Parameters
    ----------
    values : ndarray of float, shape (width,)
    known : ndarray of bool, shape (width,)
    features : dict of int to float
        Column of X to its value, categories as codes.
    labels : dict of int to bool
    is_partial : bool, default=False
        Whether no entry stands for some of this: that a row is not of some class.
    """

    values: NDArray[np.float64]
    known: NDArray[np.bool_]
    features: dict[int, float]
    labels: dict[int, bool]
    is_partial: bool = False

    def holds(self, X: Matrix, Y: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which rows meet the conditions, shape (n,). Numbers may differ by rounding."""
        good = np.ones(len(Y), dtype=bool)
        for j, value in self.features.items():
            column = X[:, [j]].toarray()[:, 0] if sparse.issparse(X) else X[:, j]
            good &= np.isclose(column, value, rtol=1e-4, atol=1e-6, equal_nan=True)
        for label, value in self.labels.items():
            good &= Y[:, label] == value
        return good

    def put(self, X: Matrix) -> Matrix:
        """The rows with the very values of X that are known; decoded ones have about seven digits."""
        if not self.features:
            return X
        columns, values = list(self.features), list(self.features.values())
        if not sparse.issparse(X):
            X = X.copy()
            X[:, columns] = values
            return X
        n, others = X.shape[0], sparse.csr_array(X, copy=True)
        others.data[np.isin(others.indices, columns)] = 0
        places = np.tile(columns, n), np.arange(n + 1) * len(columns)
        X = as_csr(others + sparse.csr_array((np.tile(values, n), *places), shape=X.shape))
        X.eliminate_zeros()
        return X


def known_label(blocks: tuple[Block, ...], label: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values and mask, shape (width,), of rows that carry a label."""
    block = blocks[-1]
    values, known = np.zeros(block.stop), np.zeros(block.stop, dtype=bool)
    values[block.start + label] = 1
    known[block.columns if block.is_one_hot else block.start + label] = True
    return values, known


def encode_conditions(conditions: Mapping[Hashable, Any], container: Container, encoder: TableEncoder) -> Known:
    """Translate conditions.

    Parameters
    ----------
    conditions : dict
        Name of a label to 0 or 1, name of a column of X to its value. A name is what the caller wrote, or its text;
        ``("label", name)`` and ``("column", name)`` say which of the two is meant.
    container : Container
        Of the training table.
    encoder : TableEncoder
        Fitted with labels.

    Returns
    -------
    Known
        Of classes, "not this one" cannot be said in the encoded row: ``holds`` checks it.

    Raises
    ------
    ValueError
        If a name is unknown or means two columns, or a value is none that the column has: not 0 or 1, an unknown
        category or one that no row has, a number beyond the training range, missing where none was.
    """
    schema = container.schema
    features: dict[int, float] = {}
    labels: dict[int, bool] = {}
    for name, value in conditions.items():
        side, j = _meant(name, container)
        if side == "label":
            labels[j] = _label_value(name, value)
        else:
            features[j] = _feature_value(container, j, value)
    _check_classes(schema, labels)
    X, Y = encoder.inverse_transform(np.zeros((1, encoder.width_)))  # any valid row
    X = X.toarray() if sparse.issparse(X) else X
    for j, number in features.items():
        X[0, j] = number
    for label, wanted in labels.items():
        if wanted and schema.exclusive:
            Y[0] = False
        Y[0, label] = wanted
    if schema.exclusive and not Y.any():
        Y[0, 0] = True
    Z = encoder.transform(X, Y)
    known = _mask(encoder.blocks_, features, labels)
    for numbers, states in idle_numbers(encoder.blocks_):  # where a state says it all the number means nothing
        known[numbers] &= Z[0, states] == 0
    back, _ = encoder.inverse_transform(Z)
    back = back.toarray() if sparse.issparse(back) else back
    for j, number in features.items():
        if not np.isclose(back[0, j], number, rtol=1e-6, atol=1e-9, equal_nan=True):
            asked, nearest = (conditions_value(schema, j, each) for each in (number, back[0, j]))
            raise ValueError(
                f"conditions ask for {asked!r} in column {schema.feature_names[j]!r}, which lies outside of what the "
                f"training rows hold (nearest: {nearest!r})"
            )
        if schema.features[j].kind == "integer":
            features[j] = float(np.round(number))
    return Known(Z[0], known, features, labels, schema.exclusive and bool(labels) and not any(labels.values()))


def conditions_value(schema: Schema, j: int, value: float) -> Any:
    """A value of column j as the caller knows it."""
    column = schema.features[j]
    if np.isnan(value):
        return None
    return column.categories[int(value)] if column.kind == "category" else float(value)


def _meant(name: Hashable, container: Container) -> tuple[str, int]:
    """``"column"`` or ``"label"``, and which.

    What the caller wrote comes before what equals it, and this before what has the same text: 1 is the class 1 beside a
    column "1", and the column 1 beside a class "1".
    """
    sides = {"column": container.columns, "label": container.labels}
    if isinstance(name, tuple) and len(name) == 2 and name[0] in ("column", "label"):
        match = _match(name[1], sides[name[0]])
        if match is not None:
            return name[0], match[1]
    matches = {side: match for side, written in sides.items() if (match := _match(name, written)) is not None}
    if not matches:
        raise ValueError(f"conditions name {name!r}, which is neither a column nor a label")
    best = min(matches, key=lambda side: matches[side][0])
    if len(matches) == 2 and matches["column"][0] == matches["label"][0]:
        raise ValueError(
            f"conditions name {name!r}, which is both a column and a label: write {('column', name)!r} or "
            f"{('label', name)!r}"
        )
    return best, matches[best][1]


def _match(name: Hashable, written: Sequence[Hashable]) -> tuple[int, int] | None:
    """How far from what the caller wrote a name is, and which it is; None where there is none."""
    fits: tuple[Callable[[Hashable], bool], ...] = (
        lambda other: _type(name) is _type(other) and name == other,
        lambda other: bool(name == other),
        lambda other: str(name) == str(other),
    )
    for distance, fit in enumerate(fits):
        for j, other in enumerate(written):
            if fit(other):
                return distance, j
    return None


def _type(value: Hashable) -> type:
    return type(value.item() if isinstance(value, np.generic) else value)


def _label_value(name: Hashable, value: Any) -> bool:
    if not np.isscalar(value) or value not in (0, 1):
        raise ValueError(f"conditions: label {name!r} must be 0 or 1, got {value!r}")
    return bool(value)


def _feature_value(container: Container, j: int, value: Any) -> float:
    column = container.schema.features[j]
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return np.nan
    if column.kind == "category":
        seen = [column.categories[code] for code in container.codes(j)]
        if value not in seen:
            known = ", ".join(map(repr, seen[:10])) + (", ..." if len(seen) > 10 else "")
            missed = ", which no row has" if value in column.categories else ""
            raise ValueError(f"conditions: column {column.name!r} has the categories {known}, got {value!r}{missed}")
        return float(column.categories.index(value))
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"conditions: column {column.name!r} holds numbers, got {value!r}") from None


def _check_classes(schema: Schema, labels: dict[int, bool]) -> None:
    if not schema.exclusive:
        return
    asked = [schema.label_names[label] for label, wanted in labels.items() if wanted]
    if len(asked) > 1 or (len(labels) == schema.n_labels and not asked):
        raise ValueError(f"conditions: every row has exactly one class, asked for {asked}")


def _mask(blocks: tuple[Block, ...], features: dict[int, float], labels: dict[int, bool]) -> NDArray[np.bool_]:
    known = np.zeros(blocks[-1].stop, dtype=bool)
    for block in blocks:
        if block.kind == "labels":
            known[[block.start + label for label in labels]] = True
        elif block.kind == "classes":
            known[block.columns] = any(labels.values())
        elif block.kind == "category":
            known[block.columns] = block.sources[0] in features and not np.isnan(features[block.sources[0]])
        else:
            given = [j in features and (block.kind == "missing" or not np.isnan(features[j])) for j in block.sources]
            known[block.columns] = given
    return known


def label_conditions(conditions: Mapping[Hashable, Any], container: Container, method: str) -> dict[int, bool]:
    """Index of a label to whether rows must carry it, for a method that can be told labels alone."""
    wanted = {}
    for name, value in conditions.items():
        match = _match(name, container.labels)
        if isinstance(name, tuple) and len(name) == 2 and name[0] == "label":
            match = _match(name[1], container.labels) or match
        if match is None:
            names = container.schema.label_names
            known = ", ".join(map(repr, names[:10])) + (", ..." if len(names) > 10 else "")
            raise ValueError(f"{method} takes conditions on labels, {known}; got one on {name!r}")
        wanted[match[1]] = _label_value(name, value)
    return wanted
