"""CSV: a header and one row per line, separated by commas, semicolons or tabs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

import numpy as np

from rarelabel.datasets._arff_writer import dense_rows
from rarelabel.datasets._classes import class_codes, class_column_name, numbers_of
from rarelabel.datasets._dataset import Dataset
from rarelabel.datasets._table import Table
from rarelabel.schema import Column, Kind

__all__ = ["csv_lines", "parse_csv"]

Cell = tuple[str, bool]

_HEADER = "expected a header with the names of the columns"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|infinity)|nan", re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?[0-9]+")


def parse_csv(lines: Iterable[str], source: str, *, quotes_tell: bool = False) -> Table:
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
    quotes_tell : bool, default=False
        Take quotes at their word even where all values stand in them.

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
    # kept as text until the kinds are known: a string per cell would need ten times the memory
    records: list[tuple[int, str]] = []
    traits = _Traits(len(names))
    for number, last, text in _records(numbered, source):
        cells = _cells(text, delimiter, cell, f"{source}, line {number}")
        if cells == [("", False)] and len(names) > 1:
            continue
        if len(cells) != len(names):
            raise ValueError(
                f"{source}, line {number}: expected {len(names)} values as in the header, got {len(cells)}"
            )
        traits.add(cells)
        records.append((last, text))
    kinds = traits.kinds(quotes_tell=quotes_tell)
    codes: list[dict[str, int]] = [{} for _ in names]
    values = np.empty((len(records), len(names)))
    for i, (last, text) in enumerate(records):
        row = _row(_cells(text, delimiter, cell, ""), kinds, codes)
        values[i] = row
        if np.isinf(values[i]).any():
            raise ValueError(f"{source}, line {last}, column {names[int(np.isinf(row).argmax())]!r}: infinite value")
    _refuse_row_as_header(header, codes, source)
    columns = [Column(name, kind, tuple(known)) for name, kind, known in zip(names, kinds, codes, strict=True)]
    return Table("", tuple(columns), values)


class _Traits:
    """What the cells of each column have in common, as far as they are read."""

    def __init__(self, m: int) -> None:
        self.number, self.whole, self.quoted, self.empty = [True] * m, [True] * m, [True] * m, [True] * m

    def add(self, cells: list[Cell]) -> None:
        """Take in one row."""
        for j, (text, quoted) in enumerate(cells):
            if text or quoted:
                self.empty[j] = False
                self.quoted[j] &= quoted
                if self.number[j]:
                    self.number[j], whole = _reads_as(text)
                    self.whole[j] &= whole

    def kinds(self, *, quotes_tell: bool = False) -> list[Kind]:
        """Return the kind of each column; quotes tell where some columns have them and others do not."""
        quotes_tell = quotes_tell or not all(self.quoted)
        kinds: list[Kind] = []
        for number, whole, quoted, empty in zip(self.number, self.whole, self.quoted, self.empty, strict=True):
            if empty:
                kinds.append("numeric")
            elif not number or (quoted and quotes_tell):
                kinds.append("category")
            else:
                kinds.append("integer" if whole else "numeric")
        return kinds


@lru_cache(maxsize=4096)
def _reads_as(text: str) -> tuple[bool, bool]:
    """Whether the text reads as a number, and as a whole one."""
    text = text.strip()
    whole = _WHOLE.fullmatch(text) is not None
    return whole or _NUMBER.fullmatch(text) is not None, whole


def _row(cells: list[Cell], kinds: list[Kind], codes: list[dict[str, int]]) -> list[float]:
    row = []
    for (text, quoted), kind, known in zip(cells, kinds, codes, strict=True):
        if not text and not quoted:
            row.append(np.nan)
        elif kind == "category":
            row.append(known.setdefault(text, len(known)))
        else:
            row.append(float(text))
    return row


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
    parts = text.split(delimiter)
    if '"' not in text:
        return [(part.strip(), False) for part in parts]
    if all('"' not in part or (part[0] == part[-1] == '"' and part.count('"') == 2) for part in parts):
        return [(part[1:-1], True) if '"' in part else (part.strip(), False) for part in parts]
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


def _refuse_row_as_header(header: list[Cell], codes: list[dict[str, int]], source: str) -> None:
    """Raise where the first line holds numbers and, for a name, text that its own column holds as a value."""
    is_number = [not quoted and _NUMBER.fullmatch(name) is not None for name, quoted in header]
    if any(is_number):
        for (name, quoted), number, known in zip(header, is_number, codes, strict=True):
            if not quoted and not number and name in known:
                raise ValueError(f"{source}: {name!r}, in the first line, is also a value of its column; {_HEADER}")


def csv_lines(dataset: Dataset, *, labels_at: Literal["start", "end"], delimiter: str = ",") -> Iterator[str]:
    """Yield the lines of a CSV file: names and categories in quotes, numbers without, missing values empty.

    Labels that exclude each other become one column of classes.

    Parameters
    ----------
    dataset : Dataset
    labels_at : {"start", "end"}
    delimiter : str, default=","
    """
    schema = dataset.schema
    names = [class_column_name(schema)] if schema.exclusive else schema.label_names
    features, labels = map(_quote, schema.feature_names), map(_quote, names)
    yield delimiter.join([*labels, *features] if labels_at == "start" else [*features, *labels]) + "\r\n"
    categories = [[_quote(str(value)) for value in column.categories] for column in schema.features]
    whole = schema.is_integer.tolist()
    in_words = numbers_of(schema.label_names) is None
    classes = [_quote(name) if in_words else name for name in schema.label_names]
    codes = class_codes(dataset) if schema.exclusive else []

    def show(j: int, value: float) -> str:
        if value != value:
            return ""
        if categories[j]:
            return categories[j][int(value)]
        return format(value, ".0f") if whole[j] else repr(value)

    for i, (values, carried) in enumerate(dense_rows(dataset)):
        cells = [show(j, value) for j, value in enumerate(values)]
        last = [classes[codes[i]]] if schema.exclusive else ["1" if bit else "0" for bit in carried]
        yield delimiter.join(last + cells if labels_at == "start" else cells + last) + "\r\n"


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
