"""The tables of a store, and how values are written in them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from rarelabel.evaluation.records import RESAMPLING_COLUMNS, RUN_COLUMNS, DatasetInfo

__all__ = ["CLAIMS", "SQL_TYPES", "dataset_info", "dataset_row", "plain", "schema", "table_names"]

SQL_TYPES = {str: "TEXT NOT NULL DEFAULT ''", int: "INTEGER", float: "REAL"}

CLAIMS = "CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY) WITHOUT ROWID"
"""Runs that somebody works on; stores of before have no such table."""


def schema(version: int) -> list[str]:
    """Statements that make the tables of an empty store."""

    def columns(types: Mapping[str, type]) -> str:
        return ", ".join(
            f'"{name}" ' + ("TEXT PRIMARY KEY" if name == "key" else SQL_TYPES[kind]) for name, kind in types.items()
        )

    return [
        "CREATE TABLE meta (store_version INTEGER NOT NULL)",
        f"INSERT INTO meta VALUES ({version})",
        f"CREATE TABLE runs ({columns(RUN_COLUMNS)})",
        "CREATE INDEX runs_by_block ON runs (dataset, classifier, approach)",
        "CREATE INDEX runs_by_status ON runs (status)",
        'CREATE TABLE vectors (key TEXT, name TEXT, shape TEXT, "values" BLOB, PRIMARY KEY (key, name))',
        f"CREATE TABLE resamplings ({columns(RESAMPLING_COLUMNS)})",
        "CREATE TABLE resampled (key TEXT PRIMARY KEY, resampling TEXT) WITHOUT ROWID",
        "CREATE TABLE datasets (fingerprint TEXT PRIMARY KEY, name TEXT, n_rows INTEGER, n_features INTEGER, "
        "n_labels INTEGER, exclusive INTEGER, label_names TEXT, label_counts TEXT, mean_ir REAL, cardinality REAL, "
        "scumble REAL)",
        "CREATE TABLE specs (fingerprint TEXT PRIMARY KEY, spec TEXT, command TEXT, created TEXT, environment TEXT)",
        "CREATE TABLE spec_runs (spec TEXT, position INTEGER, key TEXT, dataset TEXT, approach TEXT, classifier TEXT, "
        "PRIMARY KEY (spec, position)) WITHOUT ROWID",
        "CREATE TABLE spec_datasets (spec TEXT, position INTEGER, fingerprint TEXT, name TEXT, "
        "PRIMARY KEY (spec, position)) WITHOUT ROWID",
        CLAIMS,
    ]


def table_names(connection: sqlite3.Connection) -> set[str]:
    """Those that a database has."""
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def plain(value: Any) -> str | int | float | None:
    """SQLite takes the bytes of a NumPy number, and no text with lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value.item() if isinstance(value, np.generic) else value


def dataset_row(info: DatasetInfo) -> list[Any]:
    """A data set as values of the table ``datasets``."""
    values = (getattr(info, column.name) for column in fields(DatasetInfo))
    return [json.dumps(value) if isinstance(value, tuple) else plain(value) for value in values]


def dataset_info(row: Sequence[Any]) -> DatasetInfo:
    """The opposite of :func:`dataset_row`."""
    values = dict(zip((column.name for column in fields(DatasetInfo)), row, strict=True))
    values["exclusive"] = bool(values["exclusive"])
    for name in ("label_names", "label_counts"):
        values[name] = tuple(json.loads(values[name]))
    for name in ("mean_ir", "cardinality", "scumble"):
        values[name] = float("nan") if values[name] is None else values[name]
    return DatasetInfo(**values)
