"""Parquet, with the schema in the file's metadata so that nothing is lost."""

from __future__ import annotations

import io
import json
import re
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel.datasets._classes import class_codes, class_column_name, classes_of, numbers_of
from rarelabel.datasets._dataset import Dataset
from rarelabel.datasets._table import Table
from rarelabel.schema import Column, Schema

__all__ = ["dataset_from_parquet", "parquet_bytes", "table_from_parquet"]

_KEY = b"rarelabel"
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def _pyarrow(verb: str) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(f"{verb} Parquet needs pyarrow: pip install 'rarelabel[data]'") from error
    return pyarrow


def _arrow_table(content: bytes, source: str) -> Any:
    pa = _pyarrow("reading")
    try:
        names = pa.parquet.read_schema(io.BytesIO(content)).names
        if len(set(names)) == len(names):
            return pa.parquet.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{source}: not a Parquet file that can be read: {error}") from None
    twice = next(name for name in names if names.count(name) > 1)
    raise ValueError(f"{source}: the column name {twice!r} stands more than once")


def dataset_from_parquet(content: bytes, source: str) -> Dataset | None:
    """Return the data set that :func:`rarelabel.datasets.write` put in the file, None for other programs' files.

    Raises
    ------
    ValueError
        If the content is not Parquet.
    """
    arrow = _arrow_table(content, source)
    note = (arrow.schema.metadata or {}).get(_KEY)
    if note is None:
        return None
    try:
        told = json.loads(note)
        features, labels = (
            tuple(Column(item["name"], item["kind"], tuple(item["categories"])) for item in told[part])
            for part in ("features", "labels")
        )
        # files of before have a column for each class
        name, is_sparse, class_name = told["name"], told["sparse"], told.get("class_name")
        schema = Schema(features, labels, told["exclusive"], class_name)
        X = np.empty((arrow.num_rows, schema.n_features))
        for j, column in enumerate(features):
            X[:, j] = _coded(column, *_numbers(arrow.column(column.name), source, column.name))
        if class_name is not None:
            Y, _ = classes_of(*_numbers(arrow.column(class_name), source, class_name), source, schema.label_names)
        else:
            Y = np.empty((arrow.num_rows, schema.n_labels), dtype=bool)
            for j, column in enumerate(labels):
                Y[:, j] = _numbers(arrow.column(column.name), source, column.name)[1] == 1
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{source}: the note on columns and labels in the file does not fit it ({error!r})") from None
    return Dataset(sparse.csr_array(X) if is_sparse else X, Y, schema, name)


def table_from_parquet(content: bytes, source: str) -> Table:
    """Return the columns of a Parquet file, with kinds from its types and without an index that pandas stored.

    Raises
    ------
    ValueError
        If the content is not Parquet, a column name is repeated, or a column is of a type that is neither number,
        truth value, text nor date.
    """
    arrow = _arrow_table(content, source)
    columns, values = [], []
    for name in arrow.column_names:
        if not _PANDAS_INDEX.fullmatch(name):
            column, numbers = _numbers(arrow.column(name), source, name)
            columns.append(column)
            values.append(numbers)
    if not columns:
        raise ValueError(f"{source}: the file has no columns")
    return Table("", tuple(columns), np.column_stack(values))


def _numbers(chunked: Any, source: str, name: str) -> tuple[Column, NDArray[np.float64]]:
    pa = _pyarrow("reading")
    types, kind = pa.types, chunked.type
    if types.is_floating(kind) or types.is_decimal(kind) or types.is_integer(kind):
        numbers = chunked.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
        if np.isinf(numbers).any():
            raise ValueError(f"{source}, column {name!r}: infinite value in row {int(np.isinf(numbers).argmax()) + 1}")
        return Column(name, "integer" if types.is_integer(kind) else "numeric"), numbers
    if types.is_boolean(kind):
        numbers = chunked.cast(pa.int8()).cast(pa.float64()).to_numpy()
        return Column(name, "category", ("False", "True")), np.array(numbers, dtype=np.float64)
    is_text = types.is_string(kind) or types.is_large_string(kind)
    if not (types.is_dictionary(kind) or is_text or types.is_temporal(kind)):
        raise ValueError(f"{source}, column {name!r}: the type {kind} is neither number, truth value, text nor date")
    encoded = chunked if types.is_dictionary(kind) else chunked.cast(pa.string()).dictionary_encode()
    encoded = encoded.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0) if encoded.num_chunks else pa.array([], kind)
    codes = encoded.indices.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return Column(name, "category", tuple(encoded.dictionary.to_pylist())), codes


def _coded(column: Column, stored: Column, codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return codes by the declared order of categories; Parquet is free to keep another."""
    if column.kind != "category":
        return codes
    code_of = {str(value): code for code, value in enumerate(column.categories)}
    declared = np.array([code_of[str(value)] for value in stored.categories] + [np.nan])
    return declared[np.where(np.isnan(codes), -1, codes).astype(np.intp)]


def parquet_bytes(dataset: Dataset, *, labels_at: Literal["start", "end"]) -> bytes:
    """Return a Parquet file of the data set.

    Numbers become ``float64``, integers ``int64``, categories dictionary columns, labels truth values, missing
    values nulls. Labels that exclude each other are one column, of numbers, truth values or a dictionary.
    """
    pa = _pyarrow("writing")
    schema = dataset.schema
    dense = dataset.X if isinstance(dataset.X, np.ndarray) else dataset.X.toarray()
    features = [_arrow_column(pa, column, dense[:, j]) for j, column in enumerate(schema.features)]
    class_name = class_column_name(schema) if schema.exclusive else None
    if class_name is not None:
        labels, label_names = [_arrow_classes(pa, dataset)], [class_name]
    else:
        labels, label_names = [pa.array(dataset.Y[:, j]) for j in range(schema.n_labels)], list(schema.label_names)
    names = [list(schema.feature_names), label_names]
    arrays = [features, labels]
    if labels_at == "start":
        names.reverse()
        arrays.reverse()
    note = {
        "name": dataset.name,
        "sparse": sparse.issparse(dataset.X),
        "exclusive": schema.exclusive,
        "class_name": class_name,
        "features": [_told(column) for column in schema.features],
        "labels": [_told(column) for column in schema.labels],
    }
    table = pa.table(arrays[0] + arrays[1], names=names[0] + names[1])
    table = table.replace_schema_metadata({_KEY: json.dumps(note, ensure_ascii=False).encode()})
    buffer = io.BytesIO()
    pa.parquet.write_table(table, buffer)
    return buffer.getvalue()


def _arrow_classes(pa: Any, dataset: Dataset) -> Any:
    codes, names = np.array(class_codes(dataset), dtype=np.int32), dataset.label_names
    numbers = numbers_of(names)
    if numbers is not None:
        return pa.array(np.array(numbers, dtype=np.int64)[codes])
    if set(names) == {"False", "True"}:
        return pa.array(np.array([name == "True" for name in names])[codes])
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(names)))


def _told(column: Column) -> dict[str, Any]:
    values = [value if isinstance(value, (str, int, float)) else str(value) for value in column.categories]
    return {"name": column.name, "kind": column.kind, "categories": values}


def _arrow_column(pa: Any, column: Column, values: NDArray[np.float64]) -> Any:
    missing = np.isnan(values)
    if column.kind == "category":
        codes = pa.array(np.where(missing, 0, values).astype(np.int32), mask=missing)
        return pa.DictionaryArray.from_arrays(codes, pa.array([str(value) for value in column.categories]))
    if column.kind == "integer" and (missing | (np.abs(values) < 2**53)).all():
        return pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
    return pa.array(values, mask=missing)
