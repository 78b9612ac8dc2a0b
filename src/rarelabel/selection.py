"""Which labels and rows to work on, and how many rows to make or remove."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.imbalance import mean_ir, minority_labels

__all__ = [
    "Budget",
    "SamplingPlan",
    "SamplingStrategy",
    "allocate",
    "apportion",
    "check_memory",
    "minority_or_warn",
    "repeat_rows",
    "resolve_budget",
]

SamplingStrategy = str | float | int | Mapping[Hashable, int] | Callable[[NDArray[np.bool_]], Any]
"""How much to sample: ``"auto"``, a share of n, a number of rows, rows for each label, or a function of Y."""


@dataclass(frozen=True)
class SamplingPlan:
    """What a sampler is going to do to a table.

    Parameters
    ----------
    method : str
        Name of the sampler.
    n_rows : int
        Rows before.
    label_names : tuple of str, shape (q,)
    labels : ndarray of int
        Indices of the labels the method works for (over-sampling) or against (under-sampling).
    n_new, n_removed : int, default=0
        Rows that are added and rows that go.
    rows : ndarray of int, default=None
        The seed of each new row, or the rows that go. None where they are drawn only while resampling.
    made_for : ndarray of int, shape (n_new,), default=None
        Index of the label each new row is made for, where the method makes rows for single labels.

    Examples
    --------
    >>> import numpy as np
    >>> plan = SamplingPlan("MLROS", 10, ("sun", "sea"), np.array([1]), n_new=2, made_for=np.array([1, 1]))
    >>> print(plan)
    MLROS: 10 rows -> 12 (2 added, 0 removed)
      sea: 2 rows
    >>> plan.n_rows_after
    12
    """

    method: str
    n_rows: int
    label_names: tuple[str, ...]
    labels: NDArray[np.intp]
    n_new: int = 0
    n_removed: int = 0
    rows: NDArray[np.intp] | None = None
    made_for: NDArray[np.intp] | None = None

    @property
    def n_rows_after(self) -> int:
        """Rows after."""
        return self.n_rows + self.n_new - self.n_removed

    @property
    def kept(self) -> NDArray[np.intp]:
        """The rows that stay, in order, shape (n_rows - n_removed,)."""
        stay = np.ones(self.n_rows, dtype=bool)
        if self.n_removed:
            stay[self.rows] = False
        return np.flatnonzero(stay)

    @property
    def rows_per_label(self) -> dict[str, int]:
        """How many new rows are made for each label; empty where rows are not made for single labels."""
        if self.made_for is None:
            return {}
        counts = np.bincount(self.made_for[self.made_for >= 0], minlength=len(self.label_names))
        return {self.label_names[label]: int(counts[label]) for label in self.labels}

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain values, ready for JSON."""
        return {
            "method": self.method,
            "rows_before": self.n_rows,
            "rows_added": self.n_new,
            "rows_removed": self.n_removed,
            "rows_after": self.n_rows_after,
            "labels": [self.label_names[label] for label in self.labels],
            "rows_per_label": self.rows_per_label,
        }

    def __str__(self) -> str:
        head = (
            f"{self.method}: {self.n_rows} rows -> {self.n_rows_after} ({self.n_new} added, {self.n_removed} removed)"
        )
        return "\n".join([head, *(f"  {name}: {count} rows" for name, count in self.rows_per_label.items())])


@dataclass(frozen=True)
class Budget:
    """A resolved ``sampling_strategy``.

    Parameters
    ----------
    total : int
        Rows in all.
    per_label : dict of int to int, default=None
        Rows for each label index, where the caller asked for that.
    """

    total: int
    per_label: dict[int, int] | None = None


def resolve_budget(
    sampling_strategy: SamplingStrategy,
    Y: NDArray[np.bool_],
    label_names: Sequence[str],
    *,
    auto: float | Mapping[int, int],
) -> Budget:
    """How many rows ``sampling_strategy`` asks for.

    Parameters
    ----------
    sampling_strategy : "auto", float, int, dict or callable
        A float is a share of the n rows, rounded half up; an int a number of rows; a dict gives the rows to make (or
        remove) for each label, by name or position; a callable takes Y and returns one of these.
    Y : ndarray of bool, shape (n, q)
    label_names : sequence of str, shape (q,)
    auto : float or dict of int to int
        What ``"auto"`` stands for: a share of n, or rows for each label index.

    Returns
    -------
    Budget

    Raises
    ------
    ValueError
        If the strategy is of another type, not positive, comes to no row at all, or names an unknown label.

    Examples
    --------
    >>> Y = np.array([[1, 0], [1, 1]], dtype=bool)
    >>> resolve_budget(0.5, Y, ["sun", "sea"], auto=0.25)
    Budget(total=1, per_label=None)
    >>> resolve_budget({"sea": 3}, Y, ["sun", "sea"], auto=0.25)
    Budget(total=3, per_label={1: 3})
    """
    if callable(sampling_strategy):
        sampling_strategy = sampling_strategy(Y)
    if isinstance(sampling_strategy, Mapping):
        return _budget_per_label(sampling_strategy, Y, label_names)
    if isinstance(sampling_strategy, str) and sampling_strategy == "auto":
        if isinstance(auto, Mapping):
            return Budget(sum(auto.values()), dict(auto))
        sampling_strategy = auto
    if isinstance(sampling_strategy, bool) or not isinstance(sampling_strategy, Real):
        raise ValueError(
            "sampling_strategy must be 'auto', a float (share of n), an int (rows), a dict (label to rows) or a "
            f"callable, got {sampling_strategy!r}"
        )
    if not 0 < sampling_strategy < np.inf:
        raise ValueError(f"sampling_strategy must be positive, got {sampling_strategy!r}")
    if isinstance(sampling_strategy, Integral):
        return Budget(int(sampling_strategy))
    total = int(np.floor(float(sampling_strategy) * len(Y) + 0.5))
    if total == 0:
        raise ValueError(f"sampling_strategy={sampling_strategy!r} of {len(Y)} rows comes to 0 rows; ask for more")
    return Budget(total)


def _budget_per_label(wanted: Mapping[Hashable, int], Y: NDArray[np.bool_], label_names: Sequence[str]) -> Budget:
    per_label: dict[int, int] = {}
    for name, count in wanted.items():
        if isinstance(count, bool) or not isinstance(count, Integral) or count <= 0:
            raise ValueError(f"sampling_strategy asks for {count!r} rows for label {name!r}; expected a positive int")
        label = _find_label(name, label_names)
        if not Y[:, label].any():
            raise ValueError(f"sampling_strategy asks for rows for label {name!r}, which no row carries")
        if label in per_label:
            raise ValueError(f"sampling_strategy names label {label_names[label]!r} twice, by name and by position")
        per_label[label] = int(count)
    if not per_label:
        raise ValueError("sampling_strategy is an empty dict; name at least one label")
    return Budget(sum(per_label.values()), per_label)


def _find_label(name: Hashable, label_names: Sequence[str]) -> int:
    """Index of a label by its name or, where none has that name, by its position."""
    if str(name) in label_names:
        return list(label_names).index(str(name))
    if isinstance(name, Integral) and 0 <= name < len(label_names):
        return int(name)
    known = ", ".join(map(repr, label_names[:10])) + (", ..." if len(label_names) > 10 else "")
    raise ValueError(f"sampling_strategy names {name!r}, which is not a label; labels are {known}")


def check_memory(n_new: int, X: Any, n_labels: int, *, asked_by: str = "sampling_strategy") -> None:
    """Raise ValueError before a table is made that cannot fit into the memory of this computer.

    Parameters
    ----------
    n_new : int
        Rows to be added to X.
    X : ndarray or csr_array, shape (n, d)
    n_labels : int
    asked_by : str, default="sampling_strategy"
        The parameter that asks for them, for the message.
    """
    n, d = X.shape
    size_of_X = X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes
    row = size_of_X / n + n_labels
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**33
    if 3 * n_new * row > memory:  # the new rows, their parts while they are made, and the joined result
        raise ValueError(
            f"{asked_by} asks for {n_new:,} new rows of {d:,} columns, about {n_new * row / 2**30:,.1f} GiB, "
            f"which do not fit into this computer's {memory / 2**30:,.1f} GiB of memory; ask for fewer"
        )


def allocate(total: int, capacities: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
    """Share ``total`` out evenly without exceeding any capacity.

    Bags are served from the smallest capacity to the largest; what one cannot take is spread over those that follow
    (Charte et al. 2015, ``distributeAmongBags``). The shares are whole and sum to ``min(total, sum(capacities))``.

    Parameters
    ----------
    total : int
    capacities : ndarray of int, shape (m,)

    Returns
    -------
    ndarray of int, shape (m,)

    Examples
    --------
    >>> allocate(10, np.array([1, 9, 2, 3])).tolist()
    [1, 4, 2, 3]
    >>> allocate(5, np.array([3, 3])).tolist()
    [2, 3]
    """
    shares = np.zeros(len(capacities), dtype=np.intp)
    remaining = total
    for served, bag in enumerate(np.argsort(capacities, kind="stable")):
        shares[bag] = min(int(capacities[bag]), remaining // (len(capacities) - served))
        remaining -= int(shares[bag])
    return shares


def apportion(total: int, weights: NDArray[Any]) -> NDArray[np.intp]:
    """Split ``total`` into whole shares proportional to ``weights`` (largest remainders).

    Examples
    --------
    >>> apportion(7, np.array([1, 1, 2])).tolist()
    [2, 2, 3]
    """
    exact = total * weights / weights.sum()
    shares = np.floor(exact).astype(np.intp)
    most_short = np.argsort(shares - exact, kind="stable")[: total - int(shares.sum())]
    shares[most_short] += 1
    return shares


def minority_or_warn(Y: NDArray[np.bool_], method: str, *, threshold: float = 1.0) -> NDArray[np.intp]:
    """Indices of the minority labels (IRLbl > threshold * MeanIR), with a warning where there are none.

    Examples
    --------
    >>> minority_or_warn(np.array([[1, 1], [1, 0], [1, 0]], dtype=bool), "MLROS").tolist()
    [1]
    """
    labels = np.flatnonzero(minority_labels(Y, threshold=threshold * mean_ir(Y)))
    if not len(labels):
        bound = "the average (IRLbl > MeanIR)" if threshold == 1 else f"{threshold:g} times the average IRLbl"
        message = f"{method}: no label is rarer than {bound}; nothing is resampled"
        warnings.warn(message, UserWarning, stacklevel=2)
    return labels


def repeat_rows(bag: NDArray[np.intp], count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """``count`` rows of a bag, each used equally often: whole rounds in order, then a random draw for the rest.

    Examples
    --------
    >>> repeat_rows(np.array([4, 7]), 4, np.random.default_rng(0)).tolist()
    [4, 7, 4, 7]
    """
    rounds, rest = divmod(count, len(bag))
    return np.concatenate([np.tile(bag, rounds), np.sort(rng.choice(bag, rest, replace=False))]).astype(np.intp)
