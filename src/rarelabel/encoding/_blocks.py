"""The columns of the encoded matrix: which there are, and what of the table decides it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation import Matrix
from rarelabel.schema import Schema

__all__ = [
    "CELLS",
    "Block",
    "BlockKind",
    "Facts",
    "Usual",
    "column_facts",
    "dense_columns",
    "fill_values",
    "idle_numbers",
    "lay_out",
    "usual_values",
]

BlockKind = Literal["numeric", "integer", "usual", "binary", "category", "missing", "labels", "classes"]
"""What the columns of a block are; see :class:`Block`."""

CELLS = 2**22
"""Cells of one batch of rows or columns: what is held beside the encoded matrix."""


@dataclass(frozen=True)
class Block:
    """Neighbouring columns of the encoded matrix Z that are of one kind.

    Parameters
    ----------
    kind : {"numeric", "integer", "usual", "binary", "category", "missing", "labels", "classes"}
        ``"numeric"``, ``"integer"``: one real column for each source. ``"usual"``: 1 where the source has the value
        that most rows have, whatever its real column says. ``"binary"``: one column of 0 and 1 for each source.
        ``"category"``: the one-hot columns of a single source. ``"missing"``: 1 where the source has no value.
        ``"labels"``: one column of 0 and 1 for each label. ``"classes"``: labels of which each row has exactly one.
    start, stop : int
        The columns of Z.
    sources : tuple of int
        The columns of X (of Y for ``"labels"`` and ``"classes"``) that the block stands for.

    Examples
    --------
    >>> block = Block("category", 4, 7, (2,))
    >>> block.columns, block.width, block.is_one_hot
    (slice(4, 7, None), 3, True)
    """

    kind: BlockKind
    start: int
    stop: int
    sources: tuple[int, ...]

    @property
    def columns(self) -> slice:
        """The columns of Z."""
        return slice(self.start, self.stop)

    @property
    def width(self) -> int:
        """Number of columns of Z."""
        return self.stop - self.start

    @property
    def is_continuous(self) -> bool:
        """Whether the columns hold real numbers, not states."""
        return self.kind in ("numeric", "integer")

    @property
    def is_one_hot(self) -> bool:
        """Whether the columns together are one variable, of which exactly one column is 1."""
        return self.kind in ("category", "classes")


def idle_numbers(blocks: tuple[Block, ...]) -> tuple[tuple[list[int], list[int]], ...]:
    """Columns of Z with numbers that mean nothing where a state is 1, and the columns with these states.

    A pair for the states "usual value" and one for "missing", each where there are such numbers; a number may be in
    both, but no row has both states.

    Raises
    ------
    KeyError
        If a state "usual value" stands beside no number.

    Examples
    --------
    >>> numbers = Block("numeric", 0, 2, (4, 7)), Block("integer", 2, 3, (0,))
    >>> idle_numbers((*numbers, Block("usual", 3, 5, (0, 7)), Block("missing", 5, 7, (4, 9))))
    (([2, 1], [3, 4]), ([0], [5]))
    """
    numbers = {j: c for block in blocks if block.is_continuous for c, j in enumerate(block.sources, block.start)}
    pairs = []
    for block in blocks:
        if block.kind in ("usual", "missing"):
            at = list(enumerate(block.sources, block.start))
            if block.kind == "missing":  # categories and columns of two values have no number
                at = [(c, j) for c, j in at if j in numbers]
            if at:
                pairs.append(([numbers[j] for _, j in at], [c for c, _ in at]))
    return tuple(pairs)


@dataclass(frozen=True)
class Facts:
    """Range of each column over its present values (NaN: none), whether some miss, whether there are just two."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    missing: NDArray[np.bool_]
    two_valued: NDArray[np.bool_]

    def numbers(self, schema: Schema) -> NDArray[np.bool_]:
        """Columns encoded as numbers."""
        return (self.low < self.high) & ~schema.is_category & ~self.two_valued


def column_facts(X: Matrix) -> Facts:
    n, d = X.shape
    if not sparse.issparse(X):
        low = np.fmin.reduce(X, axis=0).astype(np.float64)
        high = np.fmax.reduce(X, axis=0).astype(np.float64)
        missing = np.isnan(X)
        two_valued = ((low == X) | (high == X) | missing).all(axis=0) & (low < high)
        return Facts(low, high, missing.any(axis=0), two_valued)
    values, at = X.data.astype(np.float64), X.indices
    has_zero = np.bincount(at, minlength=d) < n  # an entry that is not stored
    low, high = np.where(has_zero, 0.0, np.nan), np.where(has_zero, 0.0, np.nan)
    np.fmin.at(low, at, values)
    np.fmax.at(high, at, values)
    gaps = np.isnan(values)
    between = ~gaps & (values != low[at]) & (values != high[at])
    others = (np.bincount(at[between], minlength=d) > 0) | (has_zero & (low < 0) & (high > 0))
    return Facts(low, high, np.bincount(at[gaps], minlength=d) > 0, ~others & (low < high))


@dataclass(frozen=True)
class Usual:
    """The value that most rows of a column have (NaN: none), and the range of its other values."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def usual_values(columns: Matrix, chosen: NDArray[np.bool_], share: float) -> Usual:
    """What more than ``share`` >= 1/2 of the present values of a column are; it is their median then."""
    value, low, high = np.full((3, columns.shape[1]), np.nan)
    for j, column in dense_columns(columns, tuple(np.flatnonzero(chosen).tolist())):
        present = column[~np.isnan(column)]
        middle = (len(present) - 1) // 2
        median = np.partition(present, middle)[middle]
        others = present[present != median]
        if len(present) - len(others) > share * len(present):
            value[j], low[j], high[j] = median, others.min(), others.max()
    return Usual(value, low, high)


def lay_out(facts: Facts, usual: NDArray[np.bool_], schema: Schema, *, with_labels: bool) -> tuple[Block, ...]:
    """The blocks of Z, in order; ``usual``: columns with a usual value."""
    n_categories = np.array([column.n_categories for column in schema.features], dtype=np.intp)
    varies = facts.low < facts.high
    binary = varies & np.where(schema.is_category, n_categories == 2, facts.two_valued)
    category = varies & schema.is_category & ~binary
    number = facts.numbers(schema)
    parts: list[tuple[BlockKind, NDArray[np.intp], int]] = []
    numeric, integer = number & ~schema.is_integer, number & schema.is_integer
    parts.append(("numeric", np.flatnonzero(numeric), int(numeric.sum())))
    parts.append(("integer", np.flatnonzero(integer), int(integer.sum())))
    parts.append(("usual", np.flatnonzero(usual), int(usual.sum())))
    parts.append(("binary", np.flatnonzero(binary), int(binary.sum())))
    parts += [("category", np.array([j]), int(n_categories[j])) for j in np.flatnonzero(category)]
    masked = np.flatnonzero(facts.missing & ~np.isnan(facts.low))
    parts.append(("missing", masked, len(masked)))
    if with_labels:
        parts.append(("classes" if schema.exclusive else "labels", np.arange(schema.n_labels), schema.n_labels))
    parts = [part for part in parts if part[2]]
    starts = np.cumsum([0, *(width for _, _, width in parts)]).tolist()
    return tuple(
        Block(kind, start, start + width, tuple(sources.tolist()))
        for start, (kind, sources, width) in zip(starts, parts, strict=False)
    )


def fill_values(columns: Matrix, blocks: tuple[Block, ...], schema: Schema) -> NDArray[np.float64]:
    """What stands for a missing value: the lower median, the most frequent category; 0 where none is missing."""
    fill = np.zeros(schema.n_features)
    for block in filter(lambda block: block.kind == "missing", blocks):
        for j, column in dense_columns(columns, block.sources):
            present = np.sort(column[~np.isnan(column)])
            is_category = schema.features[j].kind == "category"
            fill[j] = np.bincount(present.astype(np.intp)).argmax() if is_category else present[(len(present) - 1) // 2]
    return fill


def dense_columns(columns: Matrix, sources: tuple[int, ...]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Each source with its values, taken from dense or CSC columns a few at a time."""
    step = max(1, CELLS // columns.shape[0])
    for start in range(0, len(sources), step):
        chosen = list(sources[start : start + step])
        part = columns[:, chosen].toarray() if sparse.issparse(columns) else columns[:, chosen]
        yield from zip(chosen, np.asarray(part, dtype=np.float64).T, strict=True)
