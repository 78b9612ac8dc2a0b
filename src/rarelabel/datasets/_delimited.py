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
    head = next((record for record in _records(numbered, source) if record[2].strip()), None)
    if head is None:
        raise ValueError(f"{source}: the file is empty")
    delimiter = _delimiter(head[2])
    cell = re.compile(rf'[ ]*"((?:[^"]|"")*)"[ ]*(?={re.escape(delimiter)}|\Z)|([^{re.escape(delimiter)}]*)')
    header = _cells(head[2], delimiter, cell, f"{source}, line {head[0]}")
    names = _names(header, source)
    rows: list[list[Cell]] = []
    at: list[int] = []
    for number, last, text in _records(numbered, source):
        cells = _cells(text, delimiter, cell, f"{source}, line {number}")
        if cells == [("", False)] and len(names) > 1:
            continue
        if len(cells) != len(names):
            raise ValueError(
                f"{source}, line {number}: expected {len(names)} values as in the header, got {len(cells)}"
            )
        rows.append(cells)
        at.append(last)
    _refuse_row_as_header(header, rows, source)
    quotes_tell = any(text and not quoted for row in rows for text, quoted in row)
    columns, values = [], np.empty((len(rows), len(names)))
    for j, name in enumerate(names):
        column, values[:, j] = _column(name, [row[j] for row in rows], at, source, quotes_tell)
        columns.append(column)
    return Table("", tuple(columns), values)


def _delimiter(header: str) -> str:
    outside = re.sub(r'"(?:[^"]|"")*"', "", header)
    return max(",;\t", key=outside.count)


def _records(numbered: Iterator[tuple[int, str]], source: str) -> Iterator[tuple[int, int, str]]:
    """Yield first line, last line and text of each record; a quoted cell can hold line breaks."""
    for first, line in numbered:
        last, parts, quotes = first, [line], line.count('"')
        while quotes % 2:
            last, line = next(numbered, (0, ""))
            if not line:
                raise ValueError(f"{source}, line {first}: a quote is not closed before the file ends")
            parts.append(line)
            quotes += line.count('"')
        yield first, last, "".join(parts).removesuffix("\n").removesuffix("\r")


def _cells(text: str, delimiter: str, cell: re.Pattern[str], place: str) -> list[Cell]:
    """Return the cells of a record and whether each stood in quotes."""
    if '"' not in text:
        return [(part.strip(), False) for part in text.split(delimiter)]
    cells: list[Cell] = []
    at = -1
    while at < len(text):
        match = cell.match(text, at + 1)
        if match is None:
            raise ValueError(f"{place}: cannot be read as cells")
        inside, bare = match.group(1), match.group(2) or ""
        if '"' in bare:
            raise ValueError(f"{place}: misplaced quote in {bare.strip()[:60]!r}")
        cells.append((bare.strip(), False) if inside is None else (inside.replace('""', '"'), True))
        at = match.end()
    return cells


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


def _refuse_row_as_header(header: list[Cell], rows: list[list[Cell]], source: str) -> None:
    """Raise where the first line holds numbers and, for a name, text that its own column holds as a value."""
    is_number = [not quoted and _NUMBER.fullmatch(name) is not None for name, quoted in header]
    if any(is_number):
        for j, (name, quoted) in enumerate(header):
            if not quoted and not is_number[j] and any(row[j] == (name, False) for row in rows):
                raise ValueError(f"{source}: {name!r}, in the first line, is also a value of its column; {_HEADER}")


def _column(
    name: str, cells: list[Cell], at: list[int], source: str, quotes_tell: bool
) -> tuple[Column, NDArray[np.float64]]:
    present = [(text, quoted) for text, quoted in cells if text or quoted]
    is_text = bool(present) and quotes_tell and all(quoted for _, quoted in present)
    if is_text or not all(_NUMBER.fullmatch(text.strip()) for text, _ in present):
        codes: dict[str, int] = {}
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
