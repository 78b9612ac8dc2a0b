"""ARFF as Weka, MULAN and MEKA write it, dense and sparse, and KEEL's variant of it, read line by line."""

from __future__ import annotations

import re
import warnings
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel.datasets._table import Table
from rarelabel.schema import Column

__all__ = ["ArffError", "parse_arff"]

_QUOTED = re.compile(r"'((?:[^'\\]|\\.|'')*)'|\"((?:[^\"\\]|\\.|\"\")*)\"", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)|(['\"])\2", re.DOTALL)
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}
_DENSE = re.compile(r"[^,%]*")
_BRACED = re.compile(r"[^,%}]*")
_SPACED = re.compile(r"[^\s%]*")
_NAME = re.compile(r"[^\s{%]+")
_BLANK = re.compile(r"\s*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|nan)", re.IGNORECASE)
_TYPE = re.compile(r"(numeric|real|integer|string|date|relational)(?![^\s\[])", re.IGNORECASE)
_INDEX = re.compile(r"[0-9]{1,12}")
_KEYWORD = re.compile(r"@(\w+)")
_MEKA = re.compile(r"(.*?):\s(.*?(?<!\S)-C\s*(-?[0-9]{1,9}).*)", re.DOTALL)


class ArffError(ValueError):
    """A file that is not the ARFF (or KEEL) it should be.

    Parameters
    ----------
    message : str
        What was expected and what came.
    source : str, default=""
        File.
    line : int or None, default=None
        Line in the file, from 1.
    column : str or None, default=None
        Attribute.

    Examples
    --------
    >>> print(ArffError("expected a number, got 'abc'", source="toy.arff", line=7, column="age"))
    toy.arff, line 7, attribute 'age': expected a number, got 'abc'
    """

    def __init__(self, message: str, *, source: str = "", line: int | None = None, column: str | None = None) -> None:
        place = [source] if source else []
        place += [f"line {line}"] if line is not None else []
        place += [f"attribute {column!r}"] if column is not None else []
        super().__init__(f"{', '.join(place)}: {message}" if place else message)
        self.source, self.line, self.column = source, line, column


class _MalformedError(Exception):
    """What is wrong with a piece of text, before it is known where it stands."""


@dataclass
class _Header:
    relation: str | None = None
    columns: list[Column] = field(default_factory=list)
    open_ended: set[int] = field(default_factory=set)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


def parse_arff(lines: Iterable[str], source: str, *, keel: bool = False) -> Table:
    """Read the lines of an ARFF or KEEL file.

    Absent entries of sparse rows are the first declared value of a nominal attribute, 0 of a number and the empty
    string of a string. String and date attributes become categories in order of appearance. ``integer`` attributes
    that hold fractions are numeric. Instance weights are ignored with a warning.

    Parameters
    ----------
    lines : iterable of str
    source : str
        What errors call the file.
    keel : bool, default=False
        Read KEEL's ``<null>`` as missing; without ``@outputs`` the last attribute is the class.

    Returns
    -------
    Table

    Raises
    ------
    ArffError
        With the line, and the attribute where there is one.
    """
    numbered = enumerate(lines, 1)
    header = _read_header(numbered, source)
    rows = _Rows(header, source, missing=("?", "<null>") if keel else ("?",))
    for number, line in numbered:
        rows.add(number, line.strip())
    if rows.n_weights:
        warnings.warn(
            f"{source}: {rows.n_weights} rows carry an instance weight (the first in line {rows.first_weight}); "
            "weights are ignored",
            stacklevel=10,
        )
    relation = header.relation or ""
    meka = _MEKA.fullmatch(relation)
    values = rows.values()
    return Table(
        name=meka.group(1) if meka else relation,
        columns=rows.columns(),
        values=values,
        outputs=header.outputs or ((header.columns[-1].name,) if keel else ()),
        inputs=header.inputs,
        label_count=int(meka.group(3)) if meka else None,
        relation=relation,
        class_name=_class_name(header, keel=keel),
    )


def _class_name(header: _Header, *, keel: bool) -> str | None:
    """The column that holds classes, if any, by the rules of the format; see :class:`Table`."""
    last = header.columns[-1].name
    outputs = (header.outputs or (last,)) if keel else (last,)
    kinds = ("category", "integer") if keel else ("category",)
    nominal = [c for j, c in enumerate(header.columns) if c.kind in kinds and j not in header.open_ended]
    return outputs[0] if len(outputs) == 1 and outputs[0] in {column.name for column in nominal} else None


def _read_header(numbered: Iterator[tuple[int, str]], source: str) -> _Header:
    header = _Header()
    names: set[str] = set()
    number = 0
    for number, raw in numbered:
        line = raw.strip()
        if not line or line.startswith("%"):
            continue
        match = _KEYWORD.match(line)
        keyword = match.group(1).lower() if match else ""
        rest = line[match.end() :] if match else ""
        try:
            if keyword == "data":
                if not header.columns:
                    raise _MalformedError("@data comes before any @attribute")
                return header
            _declare(header, keyword, rest, line)
        except _MalformedError as error:
            raise ArffError(str(error), source=source, line=number) from None
        if keyword == "attribute":
            name = header.columns[-1].name
            if name in names:
                raise ArffError("this name is declared twice", source=source, line=number, column=name)
            names.add(name)
    raise ArffError("the file ends before @data", source=source, line=number)


def _declare(header: _Header, keyword: str, rest: str, line: str) -> None:
    if keyword == "relation":
        header.relation = _relation(rest)
    elif keyword == "attribute":
        column, open_ended = _attribute(rest)
        if open_ended:
            header.open_ended.add(len(header.columns))
        header.columns.append(column)
    elif keyword in ("inputs", "input"):
        header.inputs = tuple(value for value, _ in _cells(rest, _DENSE))
    elif keyword in ("outputs", "output"):
        header.outputs = tuple(value for value, _ in _cells(rest, _DENSE))
    else:
        raise _MalformedError(f"expected @relation, @attribute or @data, got {_clip(line)!r}")


def _relation(text: str) -> str:
    text = text.strip()
    quoted = _QUOTED.match(text)
    return _unescape(quoted) if quoted else text.partition("%")[0].strip()


def _attribute(text: str) -> tuple[Column, bool]:
    """Return the column that ``NAME TYPE`` declares, and whether its categories are found only in the data."""
    name, _, at = _cell(text, 0, _NAME)
    if at == 0 or not text[:at].strip():
        raise _MalformedError("@attribute without a name")
    at = _skip(text, at)
    if text[at : at + 1] == "{":
        return Column(name, "category", _nominal(text, at + 1, name)), False
    kind = _TYPE.match(text, at)
    word = kind.group(1).lower() if kind else ""
    if word in ("string", "date"):
        return Column(name, "category"), True
    if word in ("numeric", "real", "integer"):
        return Column(name, "integer" if word == "integer" else "numeric"), False
    reason = "is not supported" if word == "relational" else "is not a type; expected numeric, {...}, string or date"
    raise _MalformedError(f"attribute {name!r}: {_clip(text[at:].strip())!r} {reason}")


def _nominal(text: str, at: int, name: str) -> tuple[str, ...]:
    end = text.find("}", at)
    inside = text[at:end]
    if end >= 0 and not any(mark in inside for mark in "'\"%"):
        # Weka's tokenizer takes blanks for commas
        values = [value.strip() for value in inside.split(",")] if "," in inside else inside.split()
    else:
        values, end = [], _skip(text, at)
        while True:
            value, _, end = _cell(text, end, _BRACED)
            values.append(value)
            end = _skip(text, end)
            if text[end : end + 1] == "}":
                break
            if text[end : end + 1] != ",":
                raise _MalformedError(f"attribute {name!r}: the list of values has no closing brace")
            end += 1
    rest = text[end + 1 :].strip()
    if rest and not rest.startswith("%"):
        raise _MalformedError(f"attribute {name!r}: unexpected {_clip(rest)!r} after the list of values")
    if not values:
        raise _MalformedError(f"attribute {name!r}: the list of values is empty")
    if len(set(values)) != len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise _MalformedError(f"attribute {name!r}: the value {_clip(twice)!r} is declared twice")
    return tuple(values)


class _Rows:
    """Rows as they are read: flat numbers, with the line each row came from."""

    def __init__(self, header: _Header, source: str, missing: tuple[str, ...]) -> None:
        self.header, self.source, self.missing = header, source, frozenset(missing)
        self.m = len(header.columns)
        self.names = [column.name for column in header.columns]
        self.n_weights = self.first_weight = 0
        self.sparse: bool | None = None
        self.lines, self.data, self.indices = array("q"), array("d"), array("q")
        self.indptr = array("q", [0])
        self.codes: dict[int, dict[str, int]] = {}
        self.plain: list[Callable[[str], float]] = []
        for j, column in enumerate(header.columns):
            if j in header.open_ended:
                self.codes[j] = {}
                self.plain.append(partial(_growing, self.codes[j], self.missing))
            elif column.kind == "category":
                known = {str(value): code for code, value in enumerate(column.categories)}
                self.codes[j] = known
                self.plain.append({**known, **dict.fromkeys(missing, np.nan)}.__getitem__)
            else:
                self.plain.append(float)

    def add(self, number: int, line: str) -> None:
        """Take in one line, without the blanks around it."""
        if not line or line[0] == "%":
            return
        is_sparse = line[0] == "{"
        if self.sparse is None:
            self._begin(is_sparse)
        try:
            indices, values = self._sparse_row(line, number) if is_sparse else (None, self._dense_row(line, number))
        except _MalformedError as error:
            raise ArffError(str(error), source=self.source, line=number) from None
        self.lines.append(number)
        if self.sparse:
            self.indices.extend(range(self.m) if indices is None else indices)
            self.data.extend(values)
            self.indptr.append(len(self.data))
        else:
            if indices is not None:
                row = [0.0] * self.m
                for j, value in zip(indices, values, strict=True):
                    row[j] = value
                values = row
            self.data.extend(values)

    def _begin(self, is_sparse: bool) -> None:
        self.sparse = is_sparse
        if is_sparse:
            for j in self.header.open_ended:
                self.codes[j][""] = 0

    def _dense_row(self, line: str, number: int) -> list[float]:
        if not ("'" in line or '"' in line or "%" in line or "{" in line or "_" in line):
            parts = line.split(",")
            if " " in line or "\t" in line:
                parts = [part.strip() for part in parts]
            if len(parts) == self.m:
                try:
                    return [convert(part) for convert, part in zip(self.plain, parts, strict=True)]
                except (KeyError, ValueError):
                    pass
        cells = list(_cells(line, _DENSE))
        if len(cells) == 1 and self.m > 1:
            cells = list(_cells(line, _SPACED))
        if len(cells) == self.m + 1 and cells[-1][0].startswith("{"):
            self._weigh(cells.pop()[0], number)
        if len(cells) != self.m:
            raise _MalformedError(f"expected {self.m} values, got {len(cells)}")
        return [self._number(j, value, quoted, number) for j, (value, quoted) in enumerate(cells)]

    def _sparse_row(self, line: str, number: int) -> tuple[list[int], list[float]]:
        inside = line[1:-1].strip()
        plain = not ("'" in line or '"' in line or "%" in line or "_" in line or "{" in inside or "}" in inside)
        if plain and line[-1] == "}":
            if not inside:
                return [], []
            try:
                pairs = [pair.split() for pair in inside.split(",")]
                indices = [int(index) for index, _ in pairs]
                if min(indices) >= 0 and len(set(indices)) == len(indices):
                    plain_of = self.plain
                    values = [plain_of[j](pair[1]) for j, pair in zip(indices, pairs, strict=True)]
                    return indices, values
            except (KeyError, ValueError, IndexError):
                pass
        return self._sparse_row_slowly(line, number)

    def _sparse_row_slowly(self, line: str, number: int) -> tuple[list[int], list[float]]:
        indices: list[int] = []
        values: list[float] = []
        at = _skip(line, 1)
        while line[at : at + 1] != "}":
            index, _, at = _cell(line, at, _SPACED)
            if not _INDEX.fullmatch(index) or int(index) >= self.m:
                raise _MalformedError(f"expected the number of an attribute, 0 to {self.m - 1}, got {_clip(index)!r}")
            j = int(index)
            if j in indices:
                raise ArffError("given twice in one row", source=self.source, line=number, column=self.names[j])
            value, quoted, at = _cell(line, at, _BRACED)
            indices.append(j)
            values.append(self._number(j, value, quoted, number))
            at = _skip(line, at)
            if line[at : at + 1] == ",":
                at = _skip(line, at + 1)
            elif line[at : at + 1] != "}":
                raise _MalformedError("the row has no closing brace")
        rest = line[at + 1 :].partition("%")[0].strip()
        if rest:
            if not rest.startswith(","):
                raise _MalformedError(f"unexpected {_clip(rest)!r} after the closing brace")
            self._weigh(rest[1:].strip(), number)
        return indices, values

    def _number(self, j: int, value: str, quoted: bool, number: int) -> float:
        """Turn one value into a number, with an error that names its attribute."""
        if not quoted and value in self.missing:
            return np.nan
        if j in self.header.open_ended:
            return _growing(self.codes[j], frozenset(), value)
        if j in self.codes:
            if value in self.codes[j]:
                return self.codes[j][value]
            expected = f"one of {_clip(', '.join(self.codes[j]))}"
        else:
            if _NUMBER.fullmatch(value):
                return float(value)
            expected = "a number"
        message = f"expected {expected}, got {_clip(value)!r}"
        raise ArffError(message, source=self.source, line=number, column=self.names[j])

    def _weigh(self, text: str, number: int) -> None:
        if not _NUMBER.fullmatch(text[1:-1].strip()) or text[0] + text[-1] != "{}":
            raise _MalformedError(f"expected a weight in braces, got {_clip(text)!r}")
        self.n_weights += 1
        self.first_weight = self.first_weight or number

    def values(self) -> NDArray[np.float64] | sparse.csr_array:
        """Return all rows, shape (n, m)."""
        data = np.frombuffer(self.data, dtype=np.float64) if self.data else np.empty(0)
        if np.isinf(data).any():
            k = int(np.isinf(data).argmax())
            row = int(np.searchsorted(self.indptr, k, side="right")) - 1 if self.sparse else k // self.m
            j = self.indices[k] if self.sparse else k % self.m
            raise ArffError("infinite value", source=self.source, line=self.lines[row], column=self.names[j])
        if not self.sparse:
            return data.reshape(-1, self.m).copy()
        indices = np.array(self.indices, dtype=np.int64)
        matrix = sparse.csr_array((data.copy(), indices, np.array(self.indptr)), shape=(len(self.lines), self.m))
        matrix.sort_indices()
        matrix.eliminate_zeros()
        return matrix

    def columns(self) -> tuple[Column, ...]:
        """Return the columns, with the categories and the whole numbers that the data show."""
        columns = list(self.header.columns)
        for j in self.header.open_ended:
            columns[j] = replace(columns[j], categories=tuple(self.codes[j]))
        whole = [j for j, column in enumerate(columns) if column.kind == "integer"]
        if whole:
            fraction = np.zeros(self.m, dtype=bool)
            data = np.frombuffer(self.data, dtype=np.float64) if self.data else np.empty(0)
            at = np.flatnonzero(data % 1 > 0)
            fraction[np.array(self.indices, dtype=np.int64)[at] if self.sparse else at % self.m] = True
            for j in whole:
                if fraction[j]:
                    columns[j] = replace(columns[j], kind="numeric")
        return tuple(columns)


def _growing(codes: dict[str, int], missing: frozenset[str], value: str) -> float:
    return np.nan if value in missing else codes.setdefault(value, len(codes))


def _cells(text: str, bare: re.Pattern[str]) -> Iterator[tuple[str, bool]]:
    """Yield the values of one line and whether each was quoted; ``%`` outside quotes begins a comment."""
    at = 0
    while True:
        value, quoted, at = _cell(text, at, bare)
        yield value, quoted
        at = _skip(text, at)
        if at >= len(text) or text[at] == "%":
            return
        if text[at] == ",":
            at += 1
        elif bare is not _SPACED:
            raise _MalformedError(f"expected a comma, got {_clip(text[at:])!r}")


def _cell(text: str, at: int, bare: re.Pattern[str]) -> tuple[str, bool, int]:
    """Return the value that begins at ``at``, whether it was quoted, and where it ends."""
    at = _skip(text, at)
    if text[at : at + 1] in ("'", '"'):
        match = _QUOTED.match(text, at)
        if match is None:
            raise _MalformedError(f"the quote that opens {_clip(text[at:])!r} is not closed")
        return _unescape(match), True, match.end()
    match = bare.match(text, at)
    return (match.group().rstrip(), False, match.end()) if match else ("", False, at)


def _unescape(match: re.Match[str]) -> str:
    quote = match.group()[0]

    def plain(escape: re.Match[str]) -> str:
        code = escape.group(1)
        if code is None:
            return quote if escape.group(2) == quote else escape.group()
        if len(code) == 5:
            return chr(int(code[1:], 16))
        return _CONTROL.get(code, code)

    inside = match.group()[1:-1]
    return _ESCAPE.sub(plain, inside) if "\\" in inside or quote in inside else inside


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _clip(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
