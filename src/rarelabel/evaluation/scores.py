"""The table that every comparison starts from: one score for each data set (row) and method (column)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import Features, decode_categories, validate_features

__all__ = ["Missing", "ScoreTable", "score_table"]

Missing = Literal["raise", "drop"]
"""What to do with data sets on which some method has no score."""


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Scores without gaps, and what their rows and columns are called.

    Parameters
    ----------
    values : ndarray of float, shape (n, k)
    datasets : tuple of str, shape (n,)
    methods : tuple of str, shape (k,)
    """

    values: NDArray[np.float64] = field(repr=False)
    datasets: tuple[str, ...]
    methods: tuple[str, ...]

    def __str__(self) -> str:
        """Every score, one line for each data set."""
        first = max(8, *map(len, self.datasets))
        widths = [max(8, len(name)) for name in self.methods]
        lines = [" " * first + "".join(f"  {name:>{w}}" for name, w in zip(self.methods, widths, strict=True))]
        for name, row in zip(self.datasets, self.values, strict=True):
            lines.append(f"{name:<{first}}" + "".join(f"  {v:>{w}.4g}" for v, w in zip(row, widths, strict=True)))
        return "\n".join(lines)


def score_table(
    scores: Any,
    *,
    methods: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    missing: Missing = "raise",
) -> ScoreTable:
    """Check a table of scores. Every function of this package that takes ``scores`` passes them through here.

    Parameters
    ----------
    scores : array-like or DataFrame, shape (n, k), or ScoreTable
        One row for each data set, one column for each method. In a frame, one column of text may name the data sets;
        else the index of a pandas frame does where it holds text.
    methods : sequence of str, shape (k,), default=None
        Names of the methods. None: the column names of a frame, else ``method 1, method 2, ...``
    datasets : sequence of str, shape (n,), default=None
        Names of the data sets. None: as ``scores`` has them, else ``data set 1, data set 2, ...``
    missing : {"raise", "drop"}, default="raise"
        Whether a missing score (NaN, None: a run that failed) is an error, or its data set is left out, for all
        methods, with a warning that names it.

    Returns
    -------
    ScoreTable

    Raises
    ------
    ValueError
        If a score is missing or infinite (the message names the data set and the method), names are repeated or of the
        wrong number, a column holds text, or fewer than two methods or data sets are left.
    TypeError
        If ``scores`` is no table.

    Examples
    --------
    >>> table = score_table([[0.5, 0.6], [0.7, 0.9]], methods=["none", "MLSMOTE"], datasets=["birds", "yeast"])
    >>> print(table)
                  none   MLSMOTE
    birds          0.5       0.6
    yeast          0.7       0.9
    """
    if missing not in ("raise", "drop"):
        raise ValueError(f"missing must be 'raise' or 'drop', got {missing!r}")
    known = isinstance(scores, ScoreTable)
    values, rows, columns = (scores.values, scores.datasets, scores.methods) if known else _read(scores)
    rows = _names(datasets, rows, len(values), "data sets")
    columns = _names(methods, columns, values.shape[1], "methods")
    if np.isinf(values).any():
        i, j = np.argwhere(np.isinf(values))[0]
        raise ValueError(f"the score of {columns[j]!r} on {rows[i]!r} is {values[i, j]}; expected a finite number")
    gaps = np.isnan(values)
    if gaps.any():
        values, rows = _without_gaps(values, rows, columns, gaps, missing)
    if len(values) < 2 or len(columns) < 2:
        raise ValueError(f"a comparison needs at least 2 methods on 2 data sets, got {len(columns)} on {len(values)}")
    return ScoreTable(values, rows, columns)


def _read(scores: Any) -> tuple[NDArray[np.float64], tuple[str, ...], tuple[str, ...]]:
    """Numbers and names of any container. A numeric array goes by, so that infinities are named by method later."""
    plain = isinstance(scores, np.ndarray) and scores.ndim == 2 and scores.dtype.kind in "fiu" and scores.size > 0
    if plain:
        values = np.array(scores, dtype=np.float64)
        return values, _numbered("data set", len(values)), _numbered("method", values.shape[1])
    features = validate_features(scores, allow_nan=True)
    written = ~np.isnan(features.X).all(axis=0)  # a method that failed everywhere is no column of text
    text = [j for j, column in enumerate(features.columns) if column.kind == "category" and written[j]]
    names = [column.name for column in features.columns]
    if text and (not features.named or len(text) > 1):
        raise ValueError(
            f"column {names[text[-1]]!r} does not hold numbers; expected one column of scores for each method"
            + (", and at most one column of text that names the data sets" if features.named else "")
        )
    values = np.asarray(np.delete(features.X, text, axis=1), dtype=np.float64)
    methods = tuple(np.delete(np.array(names, dtype=object), text).tolist())
    return values, _row_names(scores, features, text), methods if features.named else _numbered("method", len(methods))


def _row_names(scores: Any, features: Features, text: list[int]) -> tuple[str, ...]:
    if text:
        column = features.columns[text[0]]
        codes = features.X[:, text[0]]
        if np.isnan(codes).any():
            raise ValueError(f"row {int(np.isnan(codes).argmax())} of column {column.name!r} names no data set")
        return tuple(map(str, decode_categories(codes, column)))
    index = list(scores.index) if features.named and hasattr(scores, "index") else []
    if index and all(isinstance(name, str) for name in index):
        return tuple(index)
    return _numbered("data set", features.X.shape[0])


def _numbered(what: str, n: int) -> tuple[str, ...]:
    return tuple(f"{what} {i + 1}" for i in range(n))


def _names(given: Sequence[str] | None, found: tuple[str, ...], n: int, what: str) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError(f"expected a sequence of names of {what}, got the text {given!r}")
    names = found if given is None else tuple(map(str, given))
    if len(names) != n:
        raise ValueError(f"the scores have {n} {what}, but {len(names)} names were given")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"names of {what} are repeated: {_listed(repeated)}; expected each once, its scores averaged")
    return names


def _without_gaps(
    values: NDArray[np.float64],
    datasets: tuple[str, ...],
    methods: tuple[str, ...],
    gaps: NDArray[np.bool_],
    missing: Missing,
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    if missing == "raise":
        cells = [f"{methods[j]!r} on {datasets[i]!r}" for i, j in np.argwhere(gaps)]
        more = f" and {len(cells) - 5} more" if len(cells) > 5 else ""
        raise ValueError(
            f"scores are missing: {', '.join(cells[:5])}{more}; run these again, or pass missing='drop' to leave out "
            "the data sets concerned"
        )
    kept = np.flatnonzero(~gaps.any(axis=1))
    left_out = [datasets[i] for i in np.flatnonzero(gaps.any(axis=1))]
    warn(
        f"left out {len(left_out)} of {len(datasets)} data sets on which a method has no score: {_listed(left_out)}",
        stacklevel=3,
    )
    return values[kept], tuple(datasets[i] for i in kept)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
