"""X of any form in, a float matrix and the kind of each column out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation._labels import is_frame, is_series, unique_names
from rarelabel.schema import Column, Kind

__all__ = ["Features", "Matrix", "as_csr", "validate_features"]

Matrix: TypeAlias = Any
"""The form X travels in: an ndarray or a csr_array of floats, categories as codes. (SciPy carries no types.)"""


@dataclass(frozen=True)
class Features:
    """A validated X: its numbers and the kind of each column.

    Parameters
    ----------
    X : ndarray or csr_array of float, shape (n, d)
        Categories as codes, missing values as NaN.
    columns : tuple of Column, shape (d,)
    named : bool
        Whether the names came with X.
    """

    X: Matrix
    columns: tuple[Column, ...]
    named: bool


def validate_features(
    X: Any, *, categorical_features: Any = "auto", allow_nan: bool = False, names: tuple[str, ...] | None = None
) -> Features:
    """Turn features of any accepted form into a float matrix with known column kinds.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame, shape (n, d)
        NumPy arrays and lists of numbers, strings or both; any SciPy sparse format; pandas, polars, pyarrow.
    categorical_features : "auto", None, mask, or indices or names of columns, default="auto"
        Columns that hold categories besides those whose type says so (strings, booleans, categoricals).
    allow_nan : bool, default=False
        Whether missing values may pass.
    names : tuple of str, default=None
        Names of the columns of an array or sparse matrix; by default ``x0, x1, ...``.

    Returns
    -------
    Features

    Raises
    ------
    ValueError
        If X is empty, not two-dimensional, complex, infinite, has repeated column names, an object column of mixed
        types, or a missing value where none is allowed. The message names the column and the row.
    TypeError
        If X or a column has a type that cannot be read as numbers or categories.
    """
    if sparse.issparse(X):
        return _from_sparse(X, categorical_features, allow_nan, names)
    if is_frame(X):
        frame = nw.from_native(X, eager_only=True)
        names = unique_names(frame.columns, "X")
        _check_shape(frame.shape)
        raw = [_frame_column(frame[:, j], name) for j, name in enumerate(names)]
        return _from_columns(raw, names, categorical_features, allow_nan, named=True)
    if is_series(X):
        raise ValueError("Expected 2D array, got a 1D series instead: pass a frame with one column")
    array = _as_array(X)
    names = numbered_names("x", array.shape[1], names)
    if array.dtype.kind in "fiu":
        return _from_numbers(array, names, categorical_features, allow_nan)
    raw = [_object_column(array[:, j], name) for j, name in enumerate(names)]
    return _from_columns(raw, names, categorical_features, allow_nan, named=False)


def _as_array(X: Any) -> NDArray[Any]:
    if isinstance(X, str | bytes) or not (isinstance(X, Iterable) or hasattr(X, "__array__")):
        raise TypeError(f"expected X as an array, a frame, a sparse matrix or a list, got {type(X).__name__}")
    try:
        array = np.asarray(X)
        if array.dtype.kind in "biufUS" and not hasattr(X, "__array__"):
            array = np.asarray(X, dtype=object)  # in a list every column has its own type
    except ValueError:
        raise ValueError("the rows of X have different lengths; expected a rectangular table") from None
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported: expected real numbers or categories in X")
    if array.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead, of shape {array.shape}. Reshape your data: "
            "one row for each sample, one column for each feature"
        )
    if array.dtype.kind not in "fiubUSO":
        raise TypeError(f"expected numbers or categories in X, got an array of type {array.dtype}")
    _check_shape(array.shape)
    return array


def _from_numbers(X: NDArray[Any], names: tuple[str, ...], categorical_features: Any, allow_nan: bool) -> Features:
    """A purely numeric array: one conversion, no loop over columns but for those that hold categories."""
    kind: Kind = "integer" if X.dtype.kind in "iu" else "numeric"
    dtype = X.dtype if X.dtype in (np.float32, np.float64) else np.float64
    values = X.astype(dtype, copy=False)
    check_finite(values, names, allow_nan=allow_nan)
    columns = [Column(name, kind) for name in names]
    chosen = resolve_columns(categorical_features, names)
    if chosen.any():
        values = values.copy()
        for j in np.flatnonzero(chosen):
            values[:, j], columns[j] = _encode_numbers(X[:, j], names[j])
    return Features(values, tuple(columns), named=False)


def _from_columns(
    raw: list[tuple[str, NDArray[Any], tuple[Hashable, ...]]],
    names: tuple[str, ...],
    categorical_features: Any,
    allow_nan: bool,
    *,
    named: bool,
) -> Features:
    """Columns already told apart, each (kind, values, declared categories)."""
    chosen = resolve_columns(categorical_features, names)
    X = np.empty((len(raw[0][1]), len(raw)))
    columns = []
    for j, (kind, values, categories) in enumerate(raw):
        if kind == "category" or chosen[j]:
            X[:, j], column = _encode(values, names[j], categories)
        else:
            X[:, j] = np.asarray(values, dtype=np.float64)
            column = Column(names[j], "integer" if kind == "integer" else "numeric")
        columns.append(column)
    check_finite(X, names, allow_nan=allow_nan)
    return Features(X, tuple(columns), named=named)


def _from_sparse(X: Any, categorical_features: Any, allow_nan: bool, names: tuple[str, ...] | None) -> Features:
    _check_shape(X.shape)
    if X.dtype.kind == "c":
        raise ValueError("Complex data not supported: expected real numbers in X")
    csr = as_csr(X)
    csr = csr.astype(csr.dtype if csr.dtype in (np.float32, np.float64) else np.float64, copy=False)
    if not csr.has_canonical_format:
        csr = csr.copy()  # the caller's arrays may be shared and stay as they are
        csr.sum_duplicates()
    names = numbered_names("x", csr.shape[1], names)
    check_finite(csr, names, allow_nan=allow_nan)
    kind: Kind = "integer" if X.dtype.kind in "iu" else "numeric"
    chosen = resolve_columns(categorical_features, names)
    columns = [Column(name, "category" if category else kind) for name, category in zip(names, chosen, strict=True)]
    if chosen.all() and np.isin(csr.data, (0, 1)).all():  # the usual case of many binary columns: already codes
        seen = np.bincount(csr.indices[csr.data == 1], minlength=csr.shape[1]) > 0
        columns = [
            Column(name, "category", (0.0, 1.0) if one else (0.0,)) for name, one in zip(names, seen, strict=True)
        ]
    elif chosen.any():
        columns_of = csr.tocsc()
        for j in np.flatnonzero(chosen):
            part = slice(columns_of.indptr[j], columns_of.indptr[j + 1])
            values, codes = np.unique(columns_of.data[part], return_inverse=True)
            others = values[(values != 0) & ~np.isnan(values)]  # an absent entry is the value 0 and keeps code 0
            known = np.where(values == 0, 0, np.searchsorted(others, values) + 1)
            columns_of.data[part] = np.where(np.isnan(values), np.nan, known)[codes]
            columns[j] = Column(names[j], "category", (0.0, *others.tolist()))
        csr = as_csr(columns_of)
    return Features(csr, tuple(columns), named=False)


def as_csr(X: Any) -> sparse.csr_array:
    """Any sparse matrix as a csr_array with 32-bit indices where they suffice: scikit-learn takes no others.

    Examples
    --------
    >>> as_csr(sparse.coo_array([[0.0, 1.0]])).indices.dtype
    dtype('int32')
    """
    csr = sparse.csr_array(X)
    if csr.indices.dtype != np.int32 and max(csr.nnz, *csr.shape) < np.iinfo(np.int32).max:
        parts = (csr.data, csr.indices.astype(np.int32), csr.indptr.astype(np.int32))
        return sparse.csr_array(parts, shape=csr.shape)
    return csr


def _frame_column(series: Any, name: str) -> tuple[str, NDArray[Any], tuple[Hashable, ...]]:
    dtype = series.dtype
    if dtype == nw.Unknown and series.null_count() == len(series):  # polars and pyarrow know such a type
        return _without_values(len(series))
    if dtype in (nw.Categorical, nw.Enum):
        declared = tuple(series.cat.get_categories().to_list())
        return "category", np.array([*series.to_list(), None], dtype=object)[:-1], declared
    if dtype == nw.Boolean:
        return "category", np.array([*series.to_list(), None], dtype=object)[:-1], (False, True)
    if dtype.is_numeric():
        missing = series.is_null().to_numpy()
        values = series.to_numpy()
        if missing.any():
            values = np.array([np.nan if gap else value for value, gap in zip(values, missing, strict=True)], float)
        return ("integer" if dtype.is_integer() else "numeric"), values, ()
    if dtype in (nw.String, nw.Object):
        return _object_column(np.array([*series.to_list(), None], dtype=object)[:-1], name)
    if hasattr(series.to_native(), "sparse"):  # a sparse column of pandas, whose type narwhals does not know
        return _frame_column(nw.from_native(series.to_native().sparse.to_dense(), series_only=True), name)
    raise TypeError(f"column {name!r} has type {dtype}: expected numbers, booleans, strings or categories; convert it")


def _without_values(n: int) -> tuple[str, NDArray[Any], tuple[Hashable, ...]]:
    """A column all of whose values are missing, which says nothing of what they are."""
    return "numeric", np.full(n, np.nan), ()


def _object_column(values: NDArray[Any], name: str) -> tuple[str, NDArray[Any], tuple[Hashable, ...]]:
    """Tell whether a column of Python objects holds numbers or categories."""
    if values.dtype.kind in "US":
        return "category", values.astype(object), ()
    if values.dtype.kind == "b":
        return "category", values.astype(object), (False, True)
    present = [value for value in values if not _is_missing(value)]
    if not present:
        return _without_values(len(values))
    if all(isinstance(value, bool | np.bool_) for value in present):
        return "category", values, (False, True)
    if all(isinstance(value, Real) and not isinstance(value, bool | np.bool_) for value in present):
        whole = all(isinstance(value, Integral) for value in present)
        numbers = np.array([np.nan if _is_missing(value) else float(value) for value in values])
        return ("integer" if whole else "numeric"), numbers, ()
    if all(isinstance(value, str) for value in present):
        return "category", values, ()
    types = sorted({type(value).__name__ for value in present})
    wanted = "each argument must be a string or a number; expected one type in a column"
    if len(types) > 1 and set(types) <= {"str", "int", "float", "bool"}:
        raise ValueError(f"column {name!r} mixes types {', '.join(types)}: {wanted}")
    raise TypeError(f"column {name!r} holds {', '.join(types)}: {wanted}")


def _encode_numbers(values: NDArray[Any], name: str) -> tuple[NDArray[np.float64], Column]:
    """Codes of a numeric column in the order of its values, NaN where one is missing."""
    categories, codes = np.unique(values, return_inverse=True)
    n_missing = int(np.isnan(categories).sum()) if categories.dtype.kind == "f" else 0  # NaN sorts last
    present = len(categories) - n_missing
    return np.where(codes < present, codes, np.nan), Column(name, "category", tuple(categories[:present].tolist()))


def _encode(
    values: NDArray[Any], name: str, categories: tuple[Hashable, ...] = ()
) -> tuple[NDArray[np.float64], Column]:
    """Codes of the values in ``categories`` (by default the values in sorted order), NaN where one is missing."""
    missing = np.array([_is_missing(value) for value in values], dtype=bool)
    if not categories:
        categories = tuple(sorted(set(values[~missing].tolist())))
    position = {value: float(code) for code, value in enumerate(categories)}
    codes = np.array([np.nan if gap else position[value] for value, gap in zip(values, missing, strict=True)], float)
    return codes, Column(name, "category", categories)


def _is_missing(value: Any) -> bool:
    return (
        value is None or (isinstance(value, float | np.floating) and value != value) or type(value).__name__ == "NAType"
    )


def resolve_columns(chosen: Any, names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Mask of the columns that ``categorical_features`` names.

    Examples
    --------
    >>> resolve_columns(["b"], ("a", "b")), resolve_columns([0], ("a", "b")), resolve_columns("auto", ("a", "b"))
    (array([False,  True]), array([ True, False]), array([False, False]))
    """
    mask = np.zeros(len(names), dtype=bool)
    if chosen is None or (isinstance(chosen, str) and chosen == "auto"):
        return mask
    items = [chosen] if isinstance(chosen, str | Integral) else np.asarray(chosen).tolist()
    if items and all(isinstance(item, bool) for item in items):
        if len(items) != len(names):
            raise ValueError(f"categorical_features is a mask of {len(items)} values, but X has {len(names)} columns")
        return np.array(items, dtype=bool)
    for item in items:
        if isinstance(item, str):
            if item not in names:
                raise ValueError(f"categorical_features names {item!r}, which is not a column of X")
            mask[names.index(item)] = True
        elif isinstance(item, int) and -len(names) <= item < len(names):
            mask[item] = True
        else:
            raise ValueError(f"categorical_features holds {item!r}; expected names or indices below {len(names)}")
    return mask


def check_finite(X: Matrix, names: tuple[str, ...], *, allow_nan: bool) -> None:
    """Raise ValueError that names the first column with an infinite value, or a missing one where none may be."""
    stored = X.data if sparse.issparse(X) else X
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(stored.sum(dtype=np.float64)):  # one pass; NaN and infinities do not survive a sum
            return
    for wrong, what in ((np.isinf(stored), "infinity (inf)"), (np.isnan(stored), "NaN (a missing value)")):
        if wrong.any() and not (allow_nan and what.startswith("NaN")):
            if sparse.issparse(X):
                entry = X.tocoo()
                at = int(np.flatnonzero(wrong)[0])
                i, j = int(entry.coords[0][at]), int(entry.coords[1][at])
            else:
                i, j = (int(index) for index in np.argwhere(wrong)[0])
            advice = "" if what.startswith("inf") else "; impute it first, or use a method that carries missing values"
            raise ValueError(f"Input X contains {what} in column {names[j]!r}, row {i}{advice}")


def numbered_names(prefix: str, n_columns: int, names: tuple[str, ...] | None) -> tuple[str, ...]:
    """The given names, or the prefix and a number for each column; ValueError where there are too few or too many."""
    if names is None:
        return tuple(f"{prefix}{j}" for j in range(n_columns))
    if len(names) != n_columns:
        raise ValueError(f"the schema has {len(names)} columns {prefix}, the array {n_columns}")
    return names


def _check_shape(shape: tuple[int, ...]) -> None:
    if shape[0] == 0:
        raise ValueError(f"Found array with 0 sample(s) (shape={tuple(shape)}) while a minimum of 1 is required.")
    if shape[1] == 0:
        raise ValueError(f"Found array with 0 feature(s) (shape={tuple(shape)}) while a minimum of 1 is required.")
