"""Two tables of the same columns, one of real rows and one of new rows: matched columns, categories and labels out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation._features import Features, Matrix, as_csr, validate_features
from rarelabel._validation._labels import is_frame, validate_labels
from rarelabel._validation._scores import matching_columns, together
from rarelabel._validation._tables import validate
from rarelabel.schema import Column, Schema

__all__ = ["FeaturePair", "validate_feature_pair", "validate_label_pair"]


@dataclass(frozen=True, eq=False)
class FeaturePair:
    """Features of real and of new rows, in the same columns and codes.

    Parameters
    ----------
    real : ndarray or csr_array of float, shape (n, d)
        Categories as codes, missing values as NaN.
    new : the same, shape (m, d)
        May have no rows.
    schema : Schema
        The kinds of the columns; the categories are those that either table knows.
    """

    real: Matrix
    new: Matrix
    schema: Schema


def validate_feature_pair(
    X_real: Any, X_new: Any, *, schema: Schema | None = None, categorical_features: Any = "auto"
) -> FeaturePair:
    """Check the features of real and new rows together.

    Parameters
    ----------
    X_real : anything :func:`validate_features` takes, n rows
    X_new : likewise, m rows; m may be 0
        Frames are matched by the names of their columns, anything else by position; categories by their values.
    schema : Schema, default=None
        What the columns are, where the caller knows. Both then hold numbers, categories as codes.
    categorical_features : "auto", None, mask, indices or names, default="auto"

    Returns
    -------
    FeaturePair
        Both sparse or both dense, as ``X_real``.

    Raises
    ------
    ValueError, TypeError
        As :func:`validate_features` does, and where the columns of the two differ in number, name or kind.

    Examples
    --------
    >>> pair = validate_feature_pair([["red"], ["blue"]], [["red"], ["green"]])
    >>> pair.schema.features[0].categories, pair.real.ravel().tolist(), pair.new.ravel().tolist()
    (('blue', 'red', 'green'), [1.0, 0.0], [1.0, 2.0])
    """
    real = _features(X_real, schema, categorical_features)
    d = len(real.columns)
    if _n_rows(X_new) == 0:
        empty = sparse.csr_array((0, d)) if sparse.issparse(real.X) else np.empty((0, d))
        return FeaturePair(real.X, empty, Schema(real.columns))
    new = _features(X_new, schema, categorical_features)
    if len(new.columns) != d:
        raise ValueError(f"the real rows have {d} columns, the new rows {len(new.columns)}: expected the same")
    if real.named and new.named:
        new = _reordered(new, real)
    X, columns = real.X, list(real.columns)
    X_new = new.X.toarray() if sparse.issparse(new.X) and not sparse.issparse(X) else new.X
    different = [j for j, (ours, theirs) in enumerate(zip(columns, new.columns, strict=True)) if ours != theirs]
    recoded: list[tuple[int, NDArray[np.float64]]] = []
    for j in different:
        ours, theirs = columns[j], new.columns[j]
        if ours.kind != "category" and theirs.kind != "category":
            columns[j] = ours if ours.kind == theirs.kind else replace(ours, kind="numeric")
        elif ours.kind == theirs.kind:
            columns[j], codes = _union(ours, theirs)
            recoded.append((j, codes))
        elif not _only_missing(X_new, j):  # a column without a value has no kind of its own
            if not _only_missing(X, j):
                raise ValueError(f"column {ours.name!r} is {ours.kind} in the real rows, {theirs.kind} in the new rows")
            columns[j] = replace(theirs, name=ours.name)
    X_new = _recode(X_new, recoded)
    return FeaturePair(X, as_csr(X_new) if sparse.issparse(X) else X_new, Schema(tuple(columns)))


def validate_label_pair(Y_real: Any, Y_new: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Check the labels of real and new rows together.

    Parameters
    ----------
    Y_real : anything :func:`validate_labels` takes, n rows
    Y_new : likewise, m rows; m may be 0
        Frames are matched by the names of their columns, label lists and classes by their values, whichever of them
        occur in only one of the two; anything else by position.

    Returns
    -------
    Y_real : ndarray of bool, shape (n, q)
    Y_new : ndarray of bool, shape (m, q)

    Raises
    ------
    ValueError, TypeError
        As :func:`validate_labels` does, and where the labels of the two differ.

    Examples
    --------
    >>> real, new = validate_label_pair(["a", "b", "c"], ["a"])
    >>> new.astype(int).tolist()
    [[1, 0, 0]]
    """
    if _n_rows(Y_new) == 0:
        real = validate_labels(Y_real).Y
        return real, np.zeros((0, real.shape[1]), dtype=bool)
    joined = together(Y_real, Y_new)
    if joined is not None:
        both, n = joined
        Y = validate_labels(both).Y
        return Y[:n], Y[n:]
    ours, theirs = validate_labels(Y_real), validate_labels(Y_new)
    if len(ours.names) != len(theirs.names):
        raise ValueError(
            f"the real rows have {len(ours.names)} labels, the new rows {len(theirs.names)}: expected the same"
        )
    if is_frame(Y_new):
        return ours.Y, theirs.Y[:, matching_columns(ours.names, theirs.names)]
    return ours.Y, theirs.Y


def _features(X: Any, schema: Schema | None, categorical_features: Any) -> Features:
    if schema is None:
        return validate_features(X, categorical_features=categorical_features, allow_nan=True)
    stand_in = Schema(schema.features, (Column("label", "label"),))
    table = validate(X, np.zeros((_n_rows(X), 1), dtype=bool), allow_nan=True, schema=stand_in)
    return Features(table.X, table.schema.features, named=False)


def _n_rows(data: Any) -> int:
    shape = getattr(data, "shape", None)
    return int(shape[0]) if shape else len(data)


def _reordered(new: Features, real: Features) -> Features:
    """The new columns in the order of the real ones, by name."""
    names = tuple(column.name for column in real.columns)
    given = tuple(column.name for column in new.columns)
    if names == given:
        return new
    if sorted(names) != sorted(given):
        odd = ", ".join(map(repr, sorted(set(names) ^ set(given))[:5]))
        raise ValueError(f"the real and the new rows have different columns: {odd} in one of them only")
    order = [given.index(name) for name in names]
    return Features(new.X[:, order], tuple(new.columns[j] for j in order), named=True)


def _union(real: Column, new: Column) -> tuple[Column, NDArray[np.float64]]:
    """A column that knows the categories of both, and its code for each code of the new one."""
    unseen = tuple(value for value in new.categories if value not in set(real.categories))
    position = {value: float(code) for code, value in enumerate(real.categories + unseen)}
    return replace(real, categories=real.categories + unseen), np.array([position[value] for value in new.categories])


def _recode(X: Matrix, recoded: list[tuple[int, NDArray[np.float64]]]) -> Matrix:
    """X with the codes of some columns replaced; NaN stays. In a sparse X code 0 is the value 0 in both tables."""
    if not recoded:
        return X
    X = sparse.csc_array(X) if sparse.issparse(X) else X.copy()
    for j, codes in recoded:
        part = X.data[X.indptr[j] : X.indptr[j + 1]] if sparse.issparse(X) else X[:, j]
        known = ~np.isnan(part)
        part[known] = codes[part[known].astype(int)]
    return as_csr(X) if sparse.issparse(X) else X


def _only_missing(X: Matrix, j: int) -> bool:
    column = X[:, [j]].toarray() if sparse.issparse(X) else X[:, j]
    return bool(np.isnan(column).all())
