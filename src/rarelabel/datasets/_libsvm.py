"""LIBSVM's sparse text with several labels per row: ``1,3 5:0.2 9:1``."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy import sparse

from rarelabel.datasets._dataset import Dataset
from rarelabel.schema import Column, Schema

__all__ = ["libsvm_lines", "parse_libsvm"]

_COUNT = re.compile(r"[0-9]{1,9}")


def parse_libsvm(
    lines: Iterable[str], source: str, names: Sequence[str] | None, name: str, *, exclusive: bool = False
) -> Dataset:
    """Read LIBSVM lines.

    A line that begins with a blank, or whose first word holds a colon, carries no label. Feature numbers count from
    1, or from 0 where a 0 occurs.

    Parameters
    ----------
    lines : iterable of str
    source : str
        What errors call the file.
    names : sequence of str or None
        The labels: words in the file are these names, or their positions counted from 0. None: the words that
        occur are the labels, numbers in their order, other words in alphabetical order.
    name : str
        Name of the data set.
    exclusive : bool, default=False
        True where every row is to carry exactly one label.

    Raises
    ------
    ValueError
        With the line, if it is not LIBSVM or names an unknown label.
    """
    carried: list[list[str]] = []
    indices, data, indptr = array("q"), array("d"), array("q", [0])
    for number, raw in enumerate(lines, 1):
        line = raw.partition("#")[0]
        words = line.split()
        if not words:
            if "#" not in raw and raw.startswith((" ", "\t")):
                raise ValueError(f"{source}, line {number}: a row without labels and values; write at least 1:0")
            continue
        unlabelled = line[0] in " \t" or ":" in words[0]
        labels = [] if unlabelled else words.pop(0).split(",")
        if "" in labels or len(set(labels)) != len(labels):
            raise ValueError(f"{source}, line {number}: labels are empty or repeated: {','.join(labels)!r}")
        carried.append(labels)
        row = _row(words, f"{source}, line {number}")
        indices.extend(row)
        data.extend(row.values())
        indptr.append(len(data))
    if not carried:
        raise ValueError(f"{source}: the file holds no rows")
    if not indices:
        raise ValueError(f"{source}: the file holds no feature")
    at = np.array(indices, dtype=np.int64)
    at -= 0 if (at == 0).any() else 1
    X = sparse.csr_array((np.array(data), at, np.array(indptr)), shape=(len(carried), int(at.max()) + 1))
    X.sort_indices()
    X.eliminate_zeros()
    Y, label_names = _indicator(carried, source, names)
    if exclusive and not (Y.sum(axis=1) == 1).all():
        raise ValueError(f"{source}: the labels are said to exclude each other, yet some rows carry none or several")
    return Dataset(X, Y, Schema.numeric(X.shape[1], label_names, exclusive=exclusive), name)


def _row(words: list[str], place: str) -> dict[int, float]:
    row: dict[int, float] = {}
    for word in words:
        index, _, text = word.partition(":")
        try:
            value = float(text)
        except ValueError:
            value = np.inf
        if not _COUNT.fullmatch(index) or not np.isfinite(value) or "_" in text:
            raise ValueError(f"{place}: expected feature:number, got {word[:60]!r}")
        if int(index) in row:
            raise ValueError(f"{place}: feature {index} is given twice")
        row[int(index)] = value
    return row


def _indicator(
    carried: list[list[str]], source: str, names: Sequence[str] | None
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.bool_]], tuple[str, ...]]:
    words = {label for labels in carried for label in labels}
    numbered = all(_COUNT.fullmatch(word) for word in words)
    if names is None:
        if not words:
            raise ValueError(f"{source}: no row carries a label")
        names = sorted(words, key=lambda word: (int(word), word)) if numbered else sorted(words)
        column_of = {word: column for column, word in enumerate(names)}
    elif words <= set(names):
        column_of = {word: column for column, word in enumerate(names)}
    else:
        column_of = {word: int(word) for word in words if numbered and int(word) < len(names)}
    Y = np.zeros((len(carried), len(names)), dtype=bool)
    for i, labels in enumerate(carried):
        for word in labels:
            if word not in column_of:
                raise ValueError(
                    f"{source}: row {i + 1} carries the label {word!r}, which is neither one of the {len(names)} "
                    f"names given nor a position from 0 to {len(names) - 1}"
                )
            Y[i, column_of[word]] = True
    return Y, tuple(names)


def libsvm_lines(dataset: Dataset) -> Iterator[str]:
    """Yield the lines of a LIBSVM file: labels as positions from 0, features counted from 1.

    Where a label's name is itself a number, labels are written by name, so that it cannot be taken for a position.
    The first row ends with an explicit zero where that is needed to show how many features there are.

    Raises
    ------
    ValueError
        If a column holds categories or missing values, or labels have names, that the format cannot hold.
    """
    words = _label_words(dataset.label_names)
    _refuse_what_libsvm_cannot_hold(dataset.X, dataset.schema.features)
    X, d = sparse.csr_array(dataset.X), dataset.X.shape[1]
    last_is_shown = bool((X.indices == d - 1).any())
    for i in range(X.shape[0]):
        row = slice(X.indptr[i], X.indptr[i + 1])
        pairs = zip(X.indices[row].tolist(), X.data[row].tolist(), strict=True)
        cells = [f"{j + 1}:{repr(value).removesuffix('.0')}" for j, value in sorted(pairs) if value != 0]
        if i == 0 and not last_is_shown:
            cells.append(f"{d}:0")
        yield ",".join(words[label] for label in np.flatnonzero(dataset.Y[i])) + " " + (" ".join(cells) or "1:0") + "\n"


def _label_words(names: Sequence[str]) -> list[str]:
    if not any(_COUNT.fullmatch(name) for name in names):
        return [str(position) for position in range(len(names))]
    for name in names:
        if not re.fullmatch(r"[^\s,:#]+", name):
            raise ValueError(
                f"label {name!r} cannot be written as a word, as it must be beside labels that are numbers"
            )
    return list(names)


def _refuse_what_libsvm_cannot_hold(X: np.ndarray | sparse.csr_array, columns: Sequence[Column]) -> None:
    """Raise for categories and missing values, by the name of the column."""
    for column in columns:
        if column.kind == "category":
            raise ValueError(f"column {column.name!r} holds categories; LIBSVM files hold numbers only")
    missing = sparse.csc_array(X)
    missing.data = np.isnan(missing.data)
    at = np.flatnonzero(missing.sum(axis=0))
    if at.size:
        raise ValueError(f"column {columns[at[0]].name!r} has missing values; LIBSVM files cannot hold them")
