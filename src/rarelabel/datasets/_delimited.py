"""CSV: a header and one row per line, separated by commas, semicolons or tabs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rarelabel.datasets._arff_writer import dense_rows
from rarelabel.datasets._dataset import Dataset
from rarelabel.datasets._table import Table
from rarelabel.schema import Column

__all__ = ["csv_lines", "parse_csv"]

Cell = tuple[str, bool]

_HEADER = "expected a header with the names of the columns"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|infinity)|nan", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]+")


def parse_csv(lines: Iterable[str], source: str) -> Table:
    """Read CSV lines (RFC 4180 quoting, quoted line breaks included).

    An empty cell without quotes is missing. A column is one of numbers where every value reads as a number, unless
    all its values stand in quotes while others in the file do not; it is one of integers where no value has a point
    or an exponent. Other columns are categories, in order of appearance.

    Parameters
    ----------
    lines : iterable of str
        With their line ends.
    source : str
        What errors call the file.

    Raises
    ------
    ValueError
        With the line and column.
    """
    numbered = enumerate(lines, 1)
    head = next(((n, line) for n, line in numbered if line.strip()), None)
    if head is None:
        raise ValueError(f"{source}: the file is empty")
    delimiter = _delimiter(head[1])
    cell = re.compile(rf'[ ]*"((?:[^"]|"")*)"[ ]*(?={re.escape(delimiter)}|\Z)|([^{re.escape(delimiter)}]*)')
    header = _split(*head, numbered, delimiter, cell, source)[0]
    names = _names(header, source)
    rows: list[list[Cell]] = []
    at: list[int] = []
    for number, line in numbered:
        cells, last = _split(number, line, numbered, delimiter, cell, source)
        if cells == [("", False)] and len(names) > 1:
            continue
        if len(cells) != len(names):
            raise ValueError(
                f"{source}, line {number}: expected {len(names)} values as in the header, got {len(cells)}"
            )
        rows.append(cells)
        at.append(last)
    quotes_tell = any(text and not quoted for row in rows for text, quoted in row)
    columns, values = [], np.empty((len(rows), len(names)))
    for j, name in enumerate(names):
        column, values[:, j] = _column(name, [row[j] for row in rows], at, source, quotes_tell)
        columns.append(column)
    return Table("", tuple(columns), values)


def _delimiter(header: str) -> str:
    outside = re.sub(r'"(?:[^"]|"")*"', "", header)
    return max(",;\t", key=outside.count)


def _split(
    number: int, line: str, more: Iterator[tuple[int, str]], delimiter: str, cell: re.Pattern[str], source: str
) -> tuple[list[Cell], int]:
    """Return the cells of the record that begins with ``line``, and the number of its last line."""
    last = number
    if '"' not in line:
        return [(text.strip(), False) for text in line.rstrip("\r\n").split(delimiter)], last
    parts = [line]
    quotes = line.count('"')
    while quotes % 2:
        following = next(more, None)
        if following is None:
            raise ValueError(f"{source}, line {number}: a quote is not closed before the file ends")
        last = following[0]
        parts.append(following[1])
        quotes += following[1].count('"')
    text = _without_line_end("".join(parts))
    cells: list[Cell] = []
    at = 0
    while True:
        match = cell.match(text, at)
        if match is None:
            break
        quoted = match.group(1) is not None
        if not quoted and '"' in match.group(2):
            raise ValueError(f"{source}, line {number}: misplaced quote in {match.group(2).strip()[:60]!r}")
        cells.append((match.group(1).replace('""', '"'), True) if quoted else (match.group(2).strip(), False))
        at = match.end()
        if at >= len(text):
            break
        at += 1
    return cells, last


def _without_line_end(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _names(cells: list[Cell], source: str) -> list[str]:
    for position, (name, quoted) in enumerate(cells, 1):
        if not name and not quoted:
            raise ValueError(f"{source}: column {position} has no name in the header")
    names = [name for name, _ in cells]
    positions = [str(position) for position in range(len(names))]
    if names != positions and all(_NUMBER.fullmatch(name) and not quoted for name, quoted in cells):
        raise ValueError(f"{source}: the first line holds only numbers; {_HEADER}")
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{source}: the column name {twice!r} stands more than once in the header")
    return names


def _column(
    name: str, cells: list[Cell], at: list[int], source: str, quotes_tell: bool
) -> tuple[Column, NDArray[np.float64]]:
    present = [(text, quoted) for text, quoted in cells if text or quoted]
    is_text = bool(present) and quotes_tell and all(quoted for _, quoted in present)
    if is_text or not all(_NUMBER.fullmatch(text.strip()) for text, _ in present):
        codes: dict[str, int] = {}
        if any(text == name for text, _ in present):
            raise ValueError(f"{source}: {name!r}, in the first line, is also a value of its column; {_HEADER}")
        values = [codes.setdefault(text, len(codes)) if text or quoted else np.nan for text, quoted in cells]
        return Column(name, "category", tuple(codes)), np.array(values, dtype=np.float64)
    numbers = np.array([float(text) if text else np.nan for text, _ in cells])
    infinite = np.isinf(numbers)
    if infinite.any():
        raise ValueError(f"{source}, line {at[int(infinite.argmax())]}, column {name!r}: infinite value")
    whole = bool(present) and all(_WHOLE.fullmatch(text.strip()) for text, _ in present)
    return Column(name, "integer" if whole else "numeric"), numbers


def csv_lines(dataset: Dataset, *, labels_at: Literal["start", "end"], delimiter: str = ",") -> Iterator[str]:
    """Yield the lines of a CSV file: names and categories in quotes, numbers without, missing values empty.

    Parameters
    ----------
    dataset : Dataset
    labels_at : {"start", "end"}
    delimiter : str, default=","
    """
    schema = dataset.schema
    features, labels = map(_quote, schema.feature_names), map(_quote, schema.label_names)
    yield delimiter.join([*labels, *features] if labels_at == "start" else [*features, *labels]) + "\r\n"
    categories = [[_quote(str(value)) for value in column.categories] for column in schema.features]
    whole = schema.is_integer.tolist()

    def show(j: int, value: float) -> str:
        if value != value:
            return ""
        if categories[j]:
            return categories[j][int(value)]
        return format(value, ".0f") if whole[j] else repr(value)

    for values, carried in dense_rows(dataset):
        cells = [show(j, value) for j, value in enumerate(values)]
        bits = ["1" if bit else "0" for bit in carried]
        yield delimiter.join(bits + cells if labels_at == "start" else cells + bits) + "\r\n"


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
