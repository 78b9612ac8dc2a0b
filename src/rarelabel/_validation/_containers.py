"""The caller's containers, kept as a few rows, so that rows drawn later come back in them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from typing import Any, Self

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation._features import Matrix
from rarelabel._validation._labels import Labels, are_label_lists, is_frame, is_series
from rarelabel._validation._tables import Resampled, Table, decode_categories, restore, take_rows
from rarelabel.schema import Column, Schema

__all__ = ["Container"]


@dataclass(frozen=True, eq=False)
class Container:
    """A table cut down to the rows that show its form: one for each category and class, and the first.

    Parameters
    ----------
    table : Table
    """

    table: Table

    @property
    def schema(self) -> Schema:
        """The columns."""
        return self.table.schema

    @property
    def columns(self) -> tuple[Hashable, ...]:
        """Names of the columns of X, as the caller wrote them."""
        X = self.table.source[0]
        return tuple(nw.from_native(X, eager_only=True).columns) if is_frame(X) else self.schema.feature_names

    @property
    def labels(self) -> tuple[Hashable, ...]:
        """Labels or classes, as the caller wrote them."""
        return self.table.labels.values

    def codes(self, j: int) -> list[int]:
        """Codes of the categories that rows have in column j of X."""
        return _codes(self.table.X, j)

    @classmethod
    def of(cls, table: Table) -> Self:
        """The container of a validated table."""
        rows = [0]
        for j in np.flatnonzero(table.schema.is_category):
            column = table.X[:, [j]].toarray()[:, 0] if sparse.issparse(table.X) else table.X[:, j]
            rows += np.unique(column, return_index=True)[1].tolist()
        if table.schema.exclusive:
            rows += table.Y.argmax(axis=0).tolist()
        kept = np.unique(np.array(rows, dtype=np.intp))
        source = take_rows(table.source[0], kept), take_rows(table.source[1], kept)
        labels = replace(table.labels, Y=table.labels.Y[kept])
        return cls(replace(table, X=table.X[kept], Y=table.Y[kept], source=source, labels=labels))

    def fill(self, X: Matrix, Y: NDArray[np.bool_]) -> tuple[Any, Any]:
        """Rows in the caller's containers and types."""
        X_out, Y_out = restore(self.table, Resampled(np.zeros(1, dtype=np.intp), X, Y))
        return _without_first(X_out), _without_first(Y_out)

    def to_plain(self) -> dict[str, Any]:
        """The form of the containers in words that JSON can hold."""
        X, Y = self.table.source
        return {
            "X": _form_of(X),
            "Y": _form_of(Y),
            "codes": {str(j): self.codes(j) for j in np.flatnonzero(self.schema.is_category).tolist()},
            "written": [asdict(column) for column in self.table.written.features],
            "label_values": [
                value.item() if isinstance(value, np.generic) else value for value in self.table.labels.values
            ],
            "label_lists": not is_frame(Y) and not sparse.issparse(Y) and not is_series(Y) and are_label_lists(list(Y)),
            "in_column": self.table.labels.in_column,
            "named": self.table.named,
        }

    @classmethod
    def from_plain(cls, schema: Schema, plain: dict[str, Any]) -> Self:
        """The container that :meth:`to_plain` described, filled with made-up rows."""
        written = Schema(
            tuple(Column(**{**column, "categories": tuple(column["categories"])}) for column in plain["written"]),
            schema.labels,
            schema.exclusive,
        )
        n = max([1, *(column.n_categories + 1 for column in schema.features), schema.n_labels])
        codes, columns = np.zeros((n, schema.n_features)), []
        for j, column in enumerate(written.features):
            if column.kind == "category":
                seen = plain.get("codes", {}).get(str(j), range(column.n_categories))
                codes[:, j] = np.append(np.resize(np.array([*seen] or [np.nan]), n - 1), np.nan)
                columns.append(decode_categories(codes[:, j], column))
            else:
                columns.append(np.zeros(n, dtype=object))
        Y = np.arange(n)[:, np.newaxis] % schema.n_labels == np.arange(schema.n_labels)
        values = tuple(plain["label_values"])
        form = plain["Y"]
        in_column = bool(plain.get("in_column"))
        is_indicator = form["kind"] in ("sparse", "frame") or form.get("ndim") == 2 or form.get("nested")
        if plain["label_lists"]:
            Y_source = [[value for value, has in zip(values, row, strict=True) if has] for row in Y.tolist()]
        elif in_column:
            Y_source = _column(form, np.array(values, dtype=object)[Y.argmax(axis=1)])
        elif not is_indicator:
            Y_source = _filled(form, [np.array(values, dtype=object)[Y.argmax(axis=1)]], ("class",))
        elif form["kind"] == "array":
            Y_source = Y.astype(form["dtype"])
        else:
            Y_source = _filled(form, list(Y.T.astype(object)), schema.label_names)
        X_source = _filled(plain["X"], columns, schema.feature_names)
        labels = Labels(Y, schema.label_names, schema.exclusive, values, in_column=in_column)
        X = sparse.csr_array(codes) if sparse.issparse(X_source) else codes
        return cls(Table(X, Y, schema, bool(plain["named"]), (X_source, Y_source), labels, written))


def _codes(X: Matrix, j: int) -> list[int]:
    column = X[:, [j]].toarray()[:, 0] if sparse.issparse(X) else X[:, j]
    return np.unique(column[~np.isnan(column)]).astype(int).tolist()


def _form_of(data: Any) -> dict[str, Any]:
    """What a container is, and the types of its columns."""
    if sparse.issparse(data):
        return {
            "kind": "sparse",
            "format": data.format,
            "array": isinstance(data, sparse.sparray),
            "dtype": str(data.dtype),
        }
    if is_series(data) or is_frame(data):
        frame = data.to_frame() if is_series(data) else data
        library = "pandas" if hasattr(frame, "iloc") else "polars"
        types = [frame.dtypes.iloc[j] if library == "pandas" else frame.dtypes[j] for j in range(frame.shape[1])]
        return {
            "kind": "series" if is_series(data) else "frame",
            "library": library,
            "names": [name if type(name) in (str, int, float, bool) else str(name) for name in frame.columns],
            "dtypes": [str(dtype) if library == "pandas" else dtype.base_type().__name__ for dtype in types],
            "categories": [_categories_of(dtype) for dtype in types],
            "ordered": [bool(getattr(dtype, "ordered", False)) for dtype in types],
        }
    if isinstance(data, np.ndarray):
        return {"kind": "array", "dtype": data.dtype.str, "ndim": data.ndim}
    return {"kind": "list", "nested": len(np.shape(data[0])) > 0}


def _categories_of(dtype: Any) -> list[Any] | None:
    categories = getattr(dtype, "categories", None)
    return None if categories is None else categories.to_list() if hasattr(categories, "to_list") else list(categories)


def _filled(form: dict[str, Any], columns: list[NDArray[Any]], names: tuple[str, ...]) -> Any:
    """A container of a form that holds these columns."""
    if form["kind"] == "sparse":
        cells = np.column_stack(columns).astype(float).astype(form["dtype"])
        return (sparse.csr_array if form["array"] else sparse.csr_matrix)(cells).asformat(form["format"])
    if form["kind"] in ("frame", "series"):
        return _frame(form, columns)
    if form["kind"] == "array" and form["ndim"] == 1:
        return columns[0].astype(form["dtype"])
    cells = np.column_stack(columns)
    if form["kind"] == "array":
        return (
            cells.astype(form["dtype"])
            if np.dtype(form["dtype"]).kind in "OUS"
            else np.zeros(cells.shape, form["dtype"])
        )
    return cells.tolist() if form["nested"] else columns[0].tolist()


def _column(form: dict[str, Any], values: NDArray[Any]) -> Any:
    """A container of a form that holds this column alone."""
    if form["kind"] == "array":
        return values.astype(form["dtype"])[:, np.newaxis]
    return _filled(form, [values], ("class",))


def _frame(form: dict[str, Any], columns: list[NDArray[Any]]) -> Any:
    parts = zip(columns, form["dtypes"], form["categories"], form["ordered"], strict=True)
    if form["library"] == "pandas":
        pd = import_module("pandas")
        made = [
            pd.Series(
                pd.Categorical(values.tolist(), categories, ordered=ordered)
                if categories is not None
                else pd.Series(values.tolist(), dtype=dtype)
            )
            for values, dtype, categories, ordered in parts
        ]
    else:
        pl = import_module("polars")
        types = {name: getattr(pl, name) for name in form["dtypes"] if name in pl.datatypes.__all__}
        made = [
            pl.Series(values.tolist(), dtype=pl.Enum(categories) if dtype == "Enum" else types[dtype], strict=False)
            for values, dtype, categories, _ in parts
        ]
    if form["kind"] == "series":
        return made[0].rename(form["names"][0])
    if form["library"] == "pandas":
        frame = pd.concat(made, axis=1)
        frame.columns = form["names"]
        return frame
    return pl.DataFrame(dict(zip(form["names"], made, strict=True)))


def _without_first(part: Any) -> Any:
    """All rows but the first: a view where the container has views."""
    if isinstance(part, np.ndarray):
        return part[1:]
    n = part.shape[0] if hasattr(part, "shape") else len(part)
    return _renumbered(take_rows(part, np.arange(1, n)))


def _renumbered(data: Any) -> Any:
    return data.reset_index(drop=True) if hasattr(data, "reset_index") else data
