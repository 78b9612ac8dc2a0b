"""Tables that name images and their labels."""

from __future__ import annotations

import ast
import csv
import io
import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.datasets._opening import read_bytes, read_text, suffix_format

__all__ = ["Columns", "Manifest", "csv_columns", "parse_manifest", "read_columns"]

_PATH_NAMES = ("path", "image", "file", "filename", "file_name", "image_path", "filepath")
_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".ppm", ".pgm")
_LIST_NAMES = ("labels", "tags")
_BITS = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
_EMPTY = ("", "nan", "na", "n/a", "<na>", "none", "null")
_UNKNOWN = ("-1", "-1.0")
_SEPARATORS = (";", "|", ",")
_BESIDE = re.compile(r"""['"]\s+['"]""")
"""Texts without a comma between them, as NumPy writes an array; Python takes them for one text."""
_LOOKED_AT = 20
"""Lines that tell the delimiter."""

Columns = dict[str, list[Any]]


@dataclass(frozen=True, eq=False)
class Manifest:
    """Names of images, with labels and perhaps parts.

    Parameters
    ----------
    source : str
        What errors call the table.
    paths : tuple of str, shape (n,)
    Y : ndarray of bool, shape (n, K)
    label_names : tuple of str, shape (K,)
    split : ndarray of str, shape (n,), default=None
        Part that each image belongs to, where a column says so.
    """

    source: str
    paths: tuple[str, ...]
    Y: NDArray[np.bool_]
    label_names: tuple[str, ...]
    split: NDArray[Any] | None


def read_columns(path: Path) -> Columns:
    """Columns of a CSV (``.csv``, ``.tsv``, perhaps ``.gz``) or Parquet file.

    Raises
    ------
    ValueError
        If it is neither, or a line has too few or too many cells.
    """
    format = suffix_format(path)
    if format == "csv":
        return read_text(path, lambda stream: csv_columns(stream, str(path)), newline="")
    if format != "parquet":
        raise ValueError(f"{path}: expected a manifest in CSV or Parquet (.csv, .tsv, .parquet), or a .tar with one")
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise ImportError("reading Parquet needs pyarrow: pip install 'rarelabel[data]'") from error
    try:
        table = parquet.read_table(io.BytesIO(read_bytes(path)))
    except ArrowException as error:
        raise ValueError(f"{path}: not a Parquet file that can be read: {error}") from None
    return {name: table.column(name).to_pylist() for name in table.column_names}


def csv_columns(stream: IO[str], source: str) -> Columns:
    """Cells as they stand, so that an image may be called ``0012``."""
    text = stream.read()
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise ValueError(f"{source}, line {reader.line_num}: {error}") from None
    if not any(names):
        raise ValueError(f"{source}: the file is empty; expected a header with the names of the columns")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{source}: the column name {twice!r} stands more than once in the header")
    rows = []
    try:
        for row in reader:
            if row and len(row) != len(names):
                raise ValueError(
                    f"{source}, line {reader.line_num}: expected {len(names)} values as in the header, got {len(row)}"
                )
            if row:
                rows.append(row)
    except csv.Error as error:
        raise ValueError(f"{source}, line {reader.line_num}: {error}") from None
    return {name: [row[j].strip() for row in rows] for j, name in enumerate(names)}


def _delimiter(text: str) -> str:
    """Comma, semicolon or tab: what splits the most lines of the first few as the header, and that into most cells."""

    def agreement(delimiter: str) -> tuple[int, int]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            widths = [len(row) for row in islice(reader, _LOOKED_AT) if row]
        except csv.Error:
            return 0, 0
        return (widths.count(widths[0]), widths[0]) if widths and widths[0] > 1 else (0, 0)

    return max(",;\t", key=agreement)


def parse_manifest(
    columns: Columns,
    source: str,
    *,
    path_column: str | None = None,
    labels: str | Sequence[str] | None = None,
    split: str | None = None,
    separator: str | None = None,
) -> Manifest:
    """Tell paths, labels and parts among the columns; see :func:`rarelabel.datasets.read_images`.

    Raises
    ------
    ValueError
        If there is no such column, a label is neither 0 nor 1 (naming row and column), an image is named twice, or a
        path leads out of the folder.
    """
    for name in (path_column, split, *([labels] if isinstance(labels, str) else labels or [])):
        if name is not None and name not in columns:
            raise ValueError(f"{source}: there is no column {name!r}; columns are {', '.join(map(repr, columns))}")
    path_column = path_column or _path_column(columns, source)
    split = split or next((name for name in columns if name.lower() == "split"), None)
    paths = _checked_paths(columns[path_column], path_column, source)
    if not paths:
        raise ValueError(f"{source}: the table has columns but no rows")
    rest = {name: cells for name, cells in columns.items() if name not in (path_column, split)}
    if labels is None:
        listed = [name for name in rest if name.lower() in _LIST_NAMES and not _is_mostly_bits(rest[name])]
        labels = listed[0] if listed else _label_columns(rest, source)
        if not labels:
            raise ValueError(f"{source}: no column holds 0 and 1, and none is called labels or tags; pass labels=")
    if isinstance(labels, str) and not _is_mostly_bits(columns[labels]):
        Y, names = _from_lists(columns[labels], labels, source, separator)
    else:
        names = (labels,) if isinstance(labels, str) else tuple(labels)
        if not names:
            raise ValueError(f"{source}: labels names no column, expected at least one")
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{source}: labels names the column {name!r} twice")
        Y = np.column_stack([_bits(columns[name], name, source, paths) for name in names])
    parts = None if split is None else _parts(columns[split], split, source, paths)
    return Manifest(source, paths, Y, names, parts)


def _label_columns(columns: Columns, source: str) -> list[str]:
    """Columns at least half of whose cells are 0 or 1.

    ValueError where another holds nothing else but empty cells and -1, as which some tables have what is not known.
    """
    found = [name for name, cells in columns.items() if _is_mostly_bits(cells)]
    for name in (name for name in columns if name not in found):
        values, which = _texts(columns[name])
        kinds = {_BITS.get(value, value) for value in values.tolist()} - set(_EMPTY)
        if kinds & {0, 1} and kinds <= {0, 1, *_UNKNOWN}:
            n = int(np.isin(values, list(_BITS))[which].sum())
            raise ValueError(
                f"{source}: column {name!r} holds 0 or 1 in {n:,} of {len(which):,} rows, and nothing or -1 "
                "in the others: if it is a label, write 0 there; if not, name the columns of labels by labels="
            )
    return found


def _parts(cells: Sequence[Any], name: str, source: str, paths: tuple[str, ...]) -> NDArray[Any]:
    """The part of each image; an empty cell could mean any."""
    parts = ["" if cell is None else str(cell).strip() for cell in cells]
    for row, part in enumerate(parts):
        if part.lower() in _EMPTY:
            raise ValueError(f"{source}: column {name!r} names no part in row {row + 1} ({paths[row]})")
    return np.array(parts)


def _path_column(columns: Columns, source: str) -> str:
    for name, cells in columns.items():
        if name.lower() in _PATH_NAMES:
            return name
        if cells and all(str(cell).lower().endswith(_SUFFIXES) for cell in cells):
            return name
    raise ValueError(
        f"{source}: cannot tell which column names the images ({', '.join(map(repr, columns))}); pass path_column="
    )


def _checked_paths(cells: Sequence[Any], column: str, source: str) -> tuple[str, ...]:
    rows: dict[str, int] = {}
    for row, cell in enumerate(cells, 1):
        text = "" if cell is None else str(cell).strip()
        path = str(PurePosixPath(text))
        if not text or path == ".":
            raise ValueError(f"{source}: column {column!r} names no image in row {row}")
        windows = PureWindowsPath(text)
        drive = windows.drive if os.name == "nt" else ""  # elsewhere a:b.png is a name like any other
        if path.startswith("/") or drive or windows.root or ".." in windows.parts:
            raise ValueError(
                f"{source}: the path {text!r} in row {row} leads out of the folder of the images: expected a path "
                "below it, without '..'"
            )
        if "\x00" in path:
            raise ValueError(f"{source}: the path {text!r} in row {row} holds a zero byte")
        if path in rows:
            raise ValueError(f"{source}: the image {path!r} stands in row {rows[path]} and again in row {row}")
        rows[path] = row
    return tuple(rows)


def _texts(cells: Sequence[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The different cells as lower-case texts, and which of them each cell is."""
    values, which = np.unique(np.array(["" if c is None else str(c) for c in cells], dtype=str), return_inverse=True)
    return np.array([value.strip().lower() for value in values.tolist()]), which


def _is_mostly_bits(cells: Sequence[Any]) -> bool:
    if any(isinstance(cell, list) for cell in cells[:1]):
        return False
    values, which = _texts(cells)
    known = np.array([value in _BITS for value in values.tolist()])
    return bool(known[which].mean() >= 0.5)


def _bits(cells: Sequence[Any], name: str, source: str, paths: tuple[str, ...]) -> NDArray[np.bool_]:
    values, which = _texts(cells)
    bits = np.array([_BITS.get(value, -1) for value in values.tolist()])[which]
    if (bits < 0).any():
        row = int((bits < 0).argmax())
        raise ValueError(f"{source}: label {name!r} is {cells[row]!r} in row {row + 1} ({paths[row]}); expected 0 or 1")
    return bits.astype(bool)


def _from_lists(
    cells: Sequence[Any], column: str, source: str, separator: str | None
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Labels that each cell lists, as a list or as a text with separators, in alphabetical order."""
    cells = [_literal(cell, f"{source}: column {column!r}, row {row}") for row, cell in enumerate(cells, 1)]
    if separator is None:
        separator = _separator([cell for cell in cells if isinstance(cell, str)], f"{source}: column {column!r}")
    lists: list[list[str]] = []
    for row, cell in enumerate(cells, 1):
        if isinstance(cell, str):
            parts = cell.split(separator)
        elif isinstance(cell, list | tuple | set) or cell is None:
            parts = [str(part) for part in cell or () if part is not None]
        else:
            raise ValueError(f"{source}: column {column!r} holds {cell!r} in row {row}; expected a list of labels")
        lists.append([part.strip() for part in parts if part.strip()])
    names = sorted({name for listed in lists for name in listed})
    if not names:
        raise ValueError(f"{source}: column {column!r} lists no label in any row")
    where = {name: j for j, name in enumerate(names)}
    Y = np.zeros((len(lists), len(names)), dtype=bool)
    for row, listed in enumerate(lists):
        Y[row, [where[name] for name in listed]] = True
    return Y, tuple(names)


def _literal(cell: Any, where: str) -> Any:
    """A list written out, as pandas writes one, is that list; a text that means nothing is none."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    if text.lower() in _EMPTY:
        return None
    if text[0] + text[-1] not in ("[]", "{}"):
        return cell
    try:
        found = None if _BESIDE.search(text) else ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError):
        found = None
    if found == {}:
        return None
    if not isinstance(found, list | tuple | set) or not all(isinstance(part, str | int) for part in found):
        raise ValueError(f"{where}: {text!r} is in brackets, but no list of labels such as ['car', 'tree']")
    return found


def _separator(texts: Sequence[str], where: str) -> str:
    """The first of the usual separators that occurs; a warning where words stand together instead."""
    for separator in _SEPARATORS:
        if any(separator in text for text in texts):
            return separator
    n = sum(" " in text.strip() for text in texts)
    if 2 * n > len(texts):
        warnings.warn(
            f"{where}: {n:,} of {len(texts):,} cells hold spaces and none {' or '.join(map(repr, _SEPARATORS))}, so "
            "each is one label; if spaces stand between labels, pass separator=' '",
            stacklevel=5,
        )
    return _SEPARATORS[0]
