"""Conditions on drawn rows: from column names and values to entries of the encoded matrix."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation import Matrix
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


def known_label(blocks: tuple[Block, ...], label: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values and mask, shape (width,), of rows that carry a label."""
    block = blocks[-1]
    values, known = np.zeros(block.stop), np.zeros(block.stop, dtype=bool)
    values[block.start + label] = 1
    known[block.columns if block.is_one_hot else block.start + label] = True
    return values, known


def encode_conditions(conditions: Mapping[Hashable, Any], schema: Schema, encoder: TableEncoder) -> Known:
    """Translate conditions.

    Parameters
    ----------
    conditions : dict
        Name of a label to 0 or 1, name of a column of X to its value.
    schema : Schema
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
        category, a number beyond the training range, missing where none was.
    """
    features: dict[int, float] = {}
    labels: dict[int, bool] = {}
    for name, value in conditions.items():
        j, label = (_position(name, names) for names in (schema.feature_names, schema.label_names))
        if (j is None) == (label is None):
            problem = "is both a column and a label" if j is not None else "is neither a column nor a label"
            raise ValueError(f"conditions name {name!r}, which {problem}")
        if label is not None:
            if not np.isscalar(value) or value not in (0, 1):
                raise ValueError(f"conditions: label {name!r} must be 0 or 1, got {value!r}")
            labels[label] = bool(value)
        elif j is not None:
            features[j] = _feature_value(schema, j, value)
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
    return Known(Z[0], known, features, labels, schema.exclusive and bool(labels) and not any(labels.values()))


def conditions_value(schema: Schema, j: int, value: float) -> Any:
    """A value of column j as the caller knows it."""
    column = schema.features[j]
    if np.isnan(value):
        return None
    return column.categories[int(value)] if column.kind == "category" else float(value)


def _position(name: Hashable, names: tuple[str, ...]) -> int | None:
    return names.index(str(name)) if str(name) in names else None


def _feature_value(schema: Schema, j: int, value: Any) -> float:
    column = schema.features[j]
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return np.nan
    if column.kind == "category":
        if value not in column.categories:
            known = ", ".join(map(repr, column.categories[:10])) + (", ..." if column.n_categories > 10 else "")
            raise ValueError(f"conditions: column {column.name!r} has the categories {known}, got {value!r}")
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


def label_conditions(conditions: Mapping[Hashable, Any], schema: Schema, method: str) -> dict[int, bool]:
    """Index of a label to whether rows must carry it, for a method that can be told labels alone."""
    wanted = {}
    for name, value in conditions.items():
        if str(name) not in schema.label_names:
            known = ", ".join(map(repr, schema.label_names[:10])) + (", ..." if schema.n_labels > 10 else "")
            raise ValueError(f"{method} takes conditions on labels, {known}; got one on {name!r}")
        if not np.isscalar(value) or value not in (0, 1):
            raise ValueError(f"conditions: label {name!r} must be 0 or 1, got {value!r}")
        wanted[schema.label_names.index(str(name))] = bool(value)
    return wanted
