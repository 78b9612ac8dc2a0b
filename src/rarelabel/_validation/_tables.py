"""The table that a sampler sees, and the way back to the caller's containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation._features import Features, Matrix, as_csr, validate_features
from rarelabel._validation._labels import (
    Labels,
    are_label_lists,
    is_frame,
    is_series,
    validate_classes,
    validate_labels,
)
from rarelabel.schema import Column, Schema

__all__ = ["Resampled", "Table", "decode_categories", "restore", "take_rows", "validate"]


@dataclass(frozen=True)
class Table:
    """Validated X and Y beside the containers they came in.

    Parameters
    ----------
    X : ndarray or csr_array of float, shape (n, d)
        Categories as codes (see ``schema``), missing values as NaN.
    Y : ndarray of bool, shape (n, q)
    schema : Schema
    named : bool
        Whether the feature names came with X.
    source : tuple of (X, Y)
        As the caller gave them.
    labels : Labels
    written : Schema
        How created rows are written: ``schema``, but for columns that came as codes and go back as codes.
    """

    X: Matrix
    Y: NDArray[np.bool_]
    schema: Schema
    named: bool
    source: tuple[Any, Any]
    labels: Labels
    written: Schema


@dataclass(frozen=True)
class Resampled:
    """What a sampler returns: rows of the input to keep or repeat, and rows that are new.

    Parameters
    ----------
    rows : ndarray of int, shape (r,)
        Rows of the input that stand in the output, in order; a row may come again.
    X_new : ndarray or csr_array, shape (m, d), default=None
        Created rows, appended after ``rows``.
    Y_new : ndarray of bool, shape (m, q), default=None
        Labels of the created rows.
    Y_rows : ndarray of bool, shape (r, q), default=None
        Labels of ``rows``, where the method changes them.
    seeds, neighbors, made_for : ndarray of int, shape (r + m,), default=None
        Row of the input each row of the output was made from, the second row used (-1: none), and the index of the
        label it was made for (-1: none). By default ``rows`` and -1.
    """

    rows: NDArray[np.intp]
    X_new: Matrix | None = None
    Y_new: NDArray[np.bool_] | None = None
    Y_rows: NDArray[np.bool_] | None = None
    seeds: NDArray[np.intp] | None = None
    neighbors: NDArray[np.intp] | None = None
    made_for: NDArray[np.intp] | None = None

    @classmethod
    def grown(
        cls,
        n: int,
        X_new: Matrix,
        Y_new: NDArray[np.bool_],
        *,
        seeds: NDArray[np.intp],
        neighbors: NDArray[np.intp],
        made_for: NDArray[np.intp] | None = None,
    ) -> Resampled:
        """All n rows of the input followed by created rows; provenance is given for the created ones only."""
        rows = np.arange(n)
        none = np.full(n, -1, dtype=np.intp)
        return cls(
            rows,
            X_new,
            Y_new,
            seeds=np.append(rows, seeds),
            neighbors=np.append(none, neighbors),
            made_for=None if made_for is None else np.append(none, made_for),
        )


def validate(
    X: Any,
    Y: Any,
    *,
    categorical_features: Any = "auto",
    allow_nan: bool = False,
    classes: bool = False,
    schema: Schema | None = None,
) -> Table:
    """Check X and Y together; the only way into a sampler.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame, shape (n, d)
    Y : anything :func:`validate_labels` takes, n rows
    categorical_features : "auto", None, mask, indices or names, default="auto"
    allow_nan : bool, default=False
        Whether X may miss values.
    classes : bool, default=False
        Whether Y is read as :func:`validate_classes` does.
    schema : Schema, default=None
        What the columns are, where the caller knows. X then holds numbers, categories as codes, and Y an indicator.

    Returns
    -------
    Table

    Raises
    ------
    ValueError, TypeError
        As :func:`validate_features` and :func:`validate_labels` do, and where X and Y differ in length.

    Examples
    --------
    >>> table = validate([[1.5, "red"], [2.0, "blue"]], [["sun"], ["sun", "sea"]])
    >>> table.X.tolist(), table.schema.features[1].categories, table.schema.label_names
    ([[1.5, 1.0], [2.0, 0.0]], ('blue', 'red'), ('sea', 'sun'))
    """
    if schema is not None and not (sparse.issparse(X) or (isinstance(X, np.ndarray) and X.dtype.kind in "fiub")):
        raise TypeError(
            f"a schema describes an array or sparse matrix of numbers and codes, got X as {type(X).__name__}"
        )
    names = None if schema is None else schema.feature_names
    features = validate_features(X, categorical_features=categorical_features, allow_nan=allow_nan, names=names)
    read = validate_classes if classes else validate_labels
    labels = read(Y) if schema is None else _known_labels(Y, schema)
    if features.X.shape[0] != labels.Y.shape[0]:
        raise ValueError(
            f"X and Y have inconsistent numbers of samples: X has {features.X.shape[0]} rows, Y {labels.Y.shape[0]}"
        )
    columns, written = features.columns, features.columns
    if schema is not None:
        columns, written = _known_columns(features, schema)
    label_columns = tuple(Column(name, "label") for name in labels.names)
    found = Schema(columns, label_columns, labels.exclusive, None if schema is None else schema.class_name)
    return Table(
        X=features.X,
        Y=labels.Y,
        schema=found,
        named=features.named or schema is not None,
        source=(X, Y),
        labels=labels,
        written=Schema(written, label_columns, labels.exclusive),
    )


def _known_labels(Y: Any, schema: Schema) -> Labels:
    """An indicator whose label names are known."""
    labels = validate_labels(Y)
    names = schema.label_names
    if labels.exclusive or len(labels.names) != len(names):
        raise ValueError(f"the schema has {len(names)} labels: expected Y as an indicator of as many columns")
    if schema.exclusive and (labels.Y.sum(axis=1) != 1).any():
        row = int(np.flatnonzero(labels.Y.sum(axis=1) != 1)[0])
        raise ValueError(f"row {row} of Y has {int(labels.Y[row].sum())} classes; the schema says that each has one")
    return Labels(labels.Y, names, schema.exclusive, names)


def _known_columns(features: Features, schema: Schema) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """The columns as the schema has them, and as created rows are written: categories as the codes they came as."""
    check_codes(features.X, schema)
    columns, written = list(features.columns), list(features.columns)
    for j, known in enumerate(schema.features):
        if known.kind == "category":
            columns[j] = known
            written[j] = Column(known.name, "category", tuple(map(float, range(known.n_categories))))
        elif columns[j].kind != "category":
            columns[j] = written[j] = known
    return tuple(columns), tuple(written)


def check_codes(X: Matrix, schema: Schema) -> None:
    """Raise ValueError that names the first column of categories in which a value is not the code of one."""
    limit = np.array([column.n_categories if column.kind == "category" else np.inf for column in schema.features])
    codes, top = (X.data, limit[X.indices]) if sparse.issparse(X) else (X, np.broadcast_to(limit, X.shape))
    wrong = np.isfinite(top) & ~np.isnan(codes) & ((codes < 0) | (codes >= top) | (codes != np.floor(codes)))
    if wrong.any():
        at = np.argwhere(wrong)[0]
        column = schema.features[X.indices[at[0]] if sparse.issparse(X) else at[1]]
        raise ValueError(
            f"column {column.name!r} must hold codes of its {column.n_categories} categories, got {codes[tuple(at)]!r}"
        )


def restore(table: Table, resampled: Resampled) -> tuple[Any, Any]:
    """Give a resampled table back in the caller's containers, types, names and categories.

    Rows of the input are taken from the caller's own objects and so are unchanged to the last bit. Created rows are
    made valid first: whole numbers are rounded and kept in the range of their type.

    Parameters
    ----------
    table : Table
        What :func:`validate` returned.
    resampled : Resampled

    Returns
    -------
    X_res, Y_res
        The same types of container as ``table.source``. A pandas index is kept where rows were only removed, and
        numbered afresh where rows were added.
    """
    X, Y = table.source
    only_removed = resampled.X_new is None and len(np.unique(resampled.rows)) == len(resampled.rows)
    X_res = _restore_features(table, resampled, X)
    Y_res = _restore_labels(table, resampled, Y)
    if not only_removed:
        X_res, Y_res = _renumber(X_res), _renumber(Y_res)
    return X_res, Y_res


def _restore_features(table: Table, resampled: Resampled, X: Any) -> Any:
    kept = take_rows(X, resampled.rows)
    if resampled.X_new is None:
        return kept
    if sparse.issparse(X):
        new = _decode_sparse(resampled.X_new, table.written, X.dtype)
        return type(X)(sparse.vstack([as_csr(kept), new], format=X.format, dtype=X.dtype))
    new_X = resampled.X_new
    dense = new_X.toarray() if sparse.issparse(new_X) else np.asarray(new_X)
    if is_frame(X):
        frame = nw.from_native(X, eager_only=True)
        columns = [
            _new_column(frame[:, j], dense[:, j], table.X[:, j], column.kind)
            for j, column in enumerate(table.schema.features)
        ]
        made = frame[np.zeros(len(dense), dtype=int).tolist()] if len(dense) else frame[:0]
        return nw.concat([nw.from_native(kept), _with_columns(made, columns)]).to_native()
    decoded = _decode(dense, table.written, getattr(X, "dtype", None))
    if isinstance(X, np.ndarray):
        return np.concatenate([kept, decoded.astype(X.dtype)])
    return type(kept)([*kept, *_rows_like(kept[0], decoded.tolist())])


def _decode(dense: NDArray[Any], schema: Schema, dtype: Any) -> NDArray[Any]:
    """Codes to values, whole columns to whole numbers within the range of ``dtype``."""
    if schema.is_category.any() or dtype is None or np.dtype(dtype).kind in "bUSO":
        out = dense.astype(object)
        for j, column in enumerate(schema.features):
            if column.kind == "category":
                out[:, j] = decode_categories(dense[:, j], column)
            elif column.kind == "integer":
                out[:, j] = [value if value != value else int(value) for value in np.round(dense[:, j])]
        return out
    if np.dtype(dtype).kind in "iu":
        return _to_integers(dense, np.dtype(dtype))
    return np.where(schema.is_integer, np.round(dense), dense) if schema.is_integer.any() else dense


def decode_categories(codes: NDArray[Any], column: Column) -> NDArray[Any]:
    """Values of a category column from its codes; None where a code is NaN."""
    values = np.empty(column.n_categories + 1, dtype=object)
    values[:-1] = np.fromiter(column.categories, dtype=object, count=column.n_categories)
    return values[np.where(np.isnan(codes), column.n_categories, np.nan_to_num(codes)).astype(int)]


def _to_integers(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    limits = np.iinfo(dtype)
    whole = np.clip(np.round(values), float(limits.min), float(limits.max))
    out = np.zeros(values.shape, dtype=dtype)
    top = whole >= float(limits.max)  # the largest int64 is no float: casting it would overflow
    out[~top] = whole[~top].astype(dtype)
    out[top] = limits.max
    return out


def _decode_sparse(new: Any, schema: Schema, dtype: np.dtype[Any]) -> sparse.csr_array:
    csr = as_csr(new)
    coded = [
        j
        for j, column in enumerate(schema.features)
        if column.kind == "category" and column.categories != tuple(range(column.n_categories))
    ]
    if coded or schema.is_integer.any():
        csr = csr.copy()
    for j in coded:
        here = csr.indices == j
        csr.data[here] = np.array(schema.features[j].categories, dtype=float)[csr.data[here].astype(int)]
    if schema.is_integer.any():
        whole = schema.is_integer[csr.indices]
        csr.data[whole] = np.round(csr.data[whole])
        csr.eliminate_zeros()
    if dtype.kind in "iu":
        csr = sparse.csr_array((_to_integers(csr.data, dtype), csr.indices, csr.indptr), shape=csr.shape)
    return csr


def _new_column(series: Any, values: NDArray[Any], codes: Any, kind: str) -> Any:
    """A column of created values with exactly the type of ``series``.

    Categories are taken from rows of the caller's own column, so that types narwhals cannot express stay as they are.
    """
    if kind == "category":
        first: dict[Any, int] = {}
        for row, code in enumerate(codes.tolist()):
            first.setdefault("missing" if code != code else code, row)
        rows = [first["missing" if code != code else code] for code in values.tolist()]
        return series[rows] if rows else series[:0]
    gaps = np.isnan(values)
    if kind == "integer":
        dtype = np.dtype(str(series.dtype).lower() if series.dtype.is_integer() else np.int64)
        values = _to_integers(np.where(gaps, 0, values), dtype)
    items = values.tolist()
    missing = None if series.is_null().any() else np.nan
    for row in np.flatnonzero(gaps).tolist():
        items[row] = missing
    return _series_like(series, items)


def _series_like(series: Any, items: list[Any]) -> Any:
    native = series.to_native()
    backend = nw.get_native_namespace(native)
    if hasattr(native, "astype"):  # pandas-like: keep nullable, Arrow-backed and NumPy types apart
        made = nw.new_series(series.name, items, backend=backend).to_native()
        return nw.from_native(made.astype(native.dtype), series_only=True)
    return nw.new_series(series.name, items, series.dtype, backend=backend)


def _with_columns(frame: Any, columns: list[Any]) -> Any:
    native = frame.to_native()
    if hasattr(native, "iloc"):
        native = native.reset_index(drop=True)
        for j, series in enumerate(columns):
            native.isetitem(j, series.to_native().reset_index(drop=True))
        return nw.from_native(native)
    return frame.with_columns(*columns) if columns else frame


def _restore_labels(table: Table, resampled: Resampled, Y: Any) -> Any:
    if resampled.Y_rows is not None:
        return _encode_labels(table, resampled.Y_rows, Y)
    kept = take_rows(Y, resampled.rows)
    if resampled.Y_new is None:
        return kept
    new = _encode_labels(table, resampled.Y_new, Y)
    if sparse.issparse(Y):
        return type(Y)(sparse.vstack([kept, new], format=Y.format, dtype=Y.dtype))
    if is_frame(Y):
        return nw.concat([nw.from_native(kept), nw.from_native(new)]).to_native()
    if is_series(Y):
        taken = nw.from_native(Y, series_only=True)[[*resampled.rows.tolist(), *_rows_of_class(table, resampled.Y_new)]]
        return taken.to_native()
    if isinstance(Y, np.ndarray):
        return np.concatenate([kept, new])
    return type(kept)([*kept, *new])


def _rows_of_class(table: Table, Y: NDArray[np.bool_]) -> list[int]:
    first = table.Y.argmax(axis=0)
    return first[Y.argmax(axis=1)].tolist()


def _encode_labels(table: Table, labels: NDArray[np.bool_], Y: Any) -> Any:
    """An indicator in the form of the caller's Y."""
    if table.schema.exclusive:
        return take_rows(Y, np.array(_rows_of_class(table, labels), dtype=int))
    if sparse.issparse(Y):
        return type(Y)(sparse.csr_array(labels, dtype=Y.dtype).asformat(Y.format))
    if is_frame(Y):
        frame = nw.from_native(Y, eager_only=True)
        columns = [
            _series_like(column, labels[:, j].astype(column.to_numpy().dtype).tolist())
            for j, column in enumerate(frame.iter_columns())
        ]
        return _with_columns(frame[np.zeros(len(labels), dtype=int).tolist()], columns).to_native()
    values = np.empty(len(table.labels.values), dtype=object)
    values[:] = table.labels.values
    if isinstance(Y, np.ndarray) and Y.dtype != object:
        return labels.astype(Y.dtype)
    if are_label_lists(list(Y)):
        first = next(iter(Y))
        lists = [type(first)(values[row].tolist()) for row in labels]
        if isinstance(Y, np.ndarray):
            out = np.empty(len(lists), dtype=object)
            out[:] = lists
            return out
        return type(Y)(lists)
    rows = labels.astype(np.asarray(list(Y[0])).dtype).tolist()
    if isinstance(Y, np.ndarray):
        return np.array(rows, dtype=object).reshape(labels.shape)
    return type(Y)(_rows_like(Y[0], rows))


def _rows_like(first: Any, rows: list[list[Any]]) -> list[Any]:
    """Rows of a list in the form of its first one."""
    if isinstance(first, np.ndarray):
        return [np.array(row, dtype=first.dtype) for row in rows]
    return [type(first)(row) for row in rows]


def take_rows(data: Any, rows: NDArray[np.intp]) -> Any:
    """Rows of any container, as the same container."""
    if sparse.issparse(data):
        return type(data)(data.tocsr()[rows].asformat(data.format))
    if is_frame(data):
        frame = nw.from_native(data, eager_only=True)
        return (frame[rows.tolist()] if len(rows) else frame[:0]).to_native()
    if is_series(data):
        series = nw.from_native(data, series_only=True)
        return (series[rows.tolist()] if len(rows) else series[:0]).to_native()
    if isinstance(data, np.ndarray):
        return data[rows]
    return type(data)(data[row] for row in rows)


def _renumber(data: Any) -> Any:
    return data.reset_index(drop=True) if hasattr(data, "reset_index") else data
