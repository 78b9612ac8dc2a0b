"""Seeds: the rows that new rows are made from, and the label each is made for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rarelabel.imbalance import ir_per_label
from rarelabel.selection import Budget, minority_or_warn, repeat_rows

__all__ = ["SeedRule", "choose_partners", "choose_seeds", "plan_seeds", "seeds_under"]

SeedRule = Literal["minority", "top_k"] | Callable[[NDArray[np.bool_]], Any]
"""Which rows may be seeds; a callable takes Y and gives a mask of rows or their indices."""


def choose_seeds(
    Y: NDArray[np.bool_], rule: SeedRule, method: str, *, n_labels: int = 10, threshold: float = 1.0
) -> NDArray[np.bool_]:
    """Which rows may be seeds, and for which of their labels.

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    rule : {"minority", "top_k"} or callable
        Rows with a minority label (IRLbl > threshold * MeanIR), rows with one of the ``n_labels`` most imbalanced of
        these, or the rows that ``rule(Y)`` gives, as a mask or as indices. A row of the callable is a seed for its
        minority labels or, where it has none, for its rarest label.
    method : str
        Who warns.
    n_labels : int, default=10
    threshold : float, default=1.0

    Returns
    -------
    ndarray of bool, shape (n, q)
        True where a row is a seed for a label. A warning tells where there is none.

    Raises
    ------
    ValueError
        If a callable gives no rows, rows that are not there, or rows without labels.

    Examples
    --------
    >>> Y = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 1], [1, 1, 0]], dtype=bool)  # IRLbl 1, 2, 4 and MeanIR 7/3
    >>> choose_seeds(Y, "minority", "AEMLO").astype(int)
    array([[0, 0, 0],
           [0, 0, 0],
           [0, 0, 1],
           [0, 0, 0]])
    >>> choose_seeds(Y, lambda Y: [0, 1], "AEMLO").astype(int)[:2]  # neither has a minority label
    array([[0, 1, 0],
           [1, 0, 0]])
    """
    irs = ir_per_label(Y)
    if callable(rule):
        rows = _rows_of(rule(Y), Y)
        minority = Y & (irs > threshold * np.mean(irs[Y.any(axis=0)]))
        rarest = np.where(Y, irs, -np.inf).argmax(axis=1)
        alone = np.arange(Y.shape[1]) == rarest[:, np.newaxis]
        labels = np.where(minority.any(axis=1, keepdims=True), minority, alone)
        return np.asarray(labels & np.isin(np.arange(len(Y)), rows)[:, np.newaxis])
    labels = minority_or_warn(Y, method, threshold=threshold)
    if rule == "top_k":
        labels = labels[np.argsort(-irs[labels], kind="stable")[:n_labels]]
    return np.asarray(Y & np.isin(np.arange(Y.shape[1]), labels))


def _rows_of(given: Any, Y: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Row indices that a callable gave, as a mask or as they are."""
    chosen = np.asarray(given)
    if chosen.dtype == bool and chosen.shape == (len(Y),):
        chosen = np.flatnonzero(chosen)
    if chosen.ndim != 1 or len(chosen) == 0 or chosen.dtype.kind not in "iu":
        got = f"{chosen.dtype} of shape {chosen.shape}"
        raise ValueError(f"seeds(Y) must give a mask of the {len(Y)} rows, or indices of some of them; got {got}")
    if chosen.min() < 0 or chosen.max() >= len(Y):
        raise ValueError(f"seeds(Y) gave row {chosen.min() if chosen.min() < 0 else chosen.max()} of {len(Y)} rows")
    bare = chosen[~Y[chosen].any(axis=1)]
    if len(bare):
        raise ValueError(f"seeds(Y) gave row {bare[0]}, which carries no label that new rows could be made for")
    return np.unique(chosen).astype(np.intp)


def plan_seeds(
    seeds: NDArray[np.bool_], budget: Budget, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The seed of each new row and the label it is made for.

    All seeds are used equally often, each for its labels in turn. Where the budget says how often each label,
    the seeds of a label are.

    Parameters
    ----------
    seeds : ndarray of bool, shape (n, q)
        Which rows are seeds for which labels.
    budget : Budget
    rng : Generator

    Returns
    -------
    rows, labels : ndarray of int, shape (m,)
        Without entries where there is no seed; labels in ascending order.

    Examples
    --------
    >>> seeds = np.array([[1, 1], [0, 1], [0, 0]], dtype=bool)
    >>> rows, labels = plan_seeds(seeds, Budget(6), np.random.default_rng(0))
    >>> rows.tolist(), labels.tolist()
    ([0, 0, 0, 1, 1, 1], [0, 1, 1, 1, 1, 1])
    """
    bag = np.flatnonzero(seeds.any(axis=1))
    if budget.per_label is None and len(bag):
        rows = np.sort(repeat_rows(bag, budget.total, rng))
        first_use = np.searchsorted(rows, rows)
        n_labels = seeds[rows].sum(axis=1)
        turn = (rng.integers(n_labels)[first_use] + np.arange(len(rows)) - first_use) % n_labels
        labels = (np.cumsum(seeds[rows], axis=1) > turn[:, np.newaxis]).argmax(axis=1)
        order = np.argsort(labels, kind="stable")
        return rows[order], labels[order]
    counts = {label: m for label, m in (budget.per_label or {}).items() if m}
    bags = {label: repeat_rows(np.flatnonzero(seeds[:, label]), m, rng) for label, m in counts.items()}
    rows = np.concatenate([np.zeros(0, dtype=np.intp), *bags.values()])
    return rows, np.repeat(np.array(list(bags), dtype=np.intp), [len(bag) for bag in bags.values()])


def seeds_under(
    conditions: Mapping[int, bool], seeds: NDArray[np.bool_], label_sets: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Seeds whose label sets meet conditions, for the labels that the conditions ask for, if any.

    Parameters
    ----------
    conditions : dict of int to bool
        Index of a label to whether rows must carry it.
    seeds, label_sets : ndarray of bool, shape (s, q)
        The labels that each row is a seed for, and those that it carries.

    Returns
    -------
    ndarray of bool, shape (s, q)

    Examples
    --------
    >>> label_sets = np.array([[1, 1], [1, 0], [0, 1]], dtype=bool)
    >>> seeds_under({0: True, 1: False}, label_sets, label_sets).astype(int).tolist()
    [[0, 0], [1, 0], [0, 0]]
    """
    meets = np.ones(len(label_sets), dtype=bool)
    for label, value in conditions.items():
        meets &= label_sets[:, label] == value
    asked = [label for label, value in conditions.items() if value]
    wanted = label_sets & np.isin(np.arange(seeds.shape[1]), asked) if asked else seeds
    return np.asarray(wanted & meets[:, np.newaxis])


def choose_partners(
    rows: NDArray[np.intp], labels: NDArray[np.intp], seeds: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Another seed of the same label for each seed, evenly drawn; -1 where the label has no other.

    Parameters
    ----------
    rows, labels : ndarray of int, shape (m,)
        Seeds and the labels they are used for.
    seeds : ndarray of bool, shape (n, q)
        Which rows are seeds for which labels.
    rng : Generator

    Returns
    -------
    ndarray of int, shape (m,)

    Examples
    --------
    >>> seeds = np.array([[1, 0], [1, 1], [0, 0]], dtype=bool)
    >>> choose_partners(np.array([0, 1, 1]), np.array([0, 0, 1]), seeds, np.random.default_rng(0)).tolist()
    [1, 0, -1]
    """
    partners = np.full(len(rows), -1, dtype=np.intp)
    for label in np.unique(labels):
        bag, mine = np.flatnonzero(seeds[:, label]), np.flatnonzero(labels == label)
        if len(bag) > 1:
            places = np.searchsorted(bag, rows[mine])
            step = rng.integers(1, len(bag), size=len(mine))
            partners[mine] = bag[(places + step) % len(bag)]
    return partners
