"""Iterative stratification: rows are dealt to parts, the rarest label first.

The algorithm keeps, for every label and part, how many more positives the part should get. It takes the label with the
fewest positives left, gives each row that carries it to the part that is most in want, notes for *all* labels of the
row what the part has got, and goes on with the label that is rarest then [1]_. With ``order=2`` pairs of labels that
occur together are wanted too, beside the single labels [2]_.

Rows with the same labels are interchangeable, so the unit dealt here is a labelset with its number of rows: the work
grows with the number of labelsets, not of rows.

References
----------
.. [1] K. Sechidis, G. Tsoumakas, I. Vlahavas. "On the stratification of multi-label data". ECML PKDD 2011, section 3,
   Algorithm 1.
.. [2] P. Szymański, T. Kajdanowicz. "A network perspective on stratification of multi-label data". PMLR 74 (2017),
   section 4 (SOIS).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel.imbalance import labelsets

__all__ = ["iterative_stratification"]

_MAX_PAIRS = 100_000_000
_DEALT = np.iinfo(np.int64).max


@dataclass(frozen=True)
class _Units:
    """What is dealt: labelsets (``copies`` rows of each, which may part) or groups (one copy, of many rows).

    Parameters
    ----------
    wants : csr_array of int, shape (m, p)
        How often each wanted combination of labels occurs in one copy of each unit.
    copies, size : ndarray of int, shape (m,)
        Copies of each unit and rows in one copy.
    of_row : ndarray of int, shape (n,)
        The unit of every row.
    """

    wants: sparse.csr_array
    copies: NDArray[np.int64]
    size: NDArray[np.int64]
    of_row: NDArray[np.int64]


def iterative_stratification(
    Y: NDArray[np.bool_],
    sizes: NDArray[np.int64],
    *,
    shares: NDArray[np.float64] | None = None,
    order: int = 1,
    groups: NDArray[np.int64] | None = None,
    rng: np.random.Generator | None = None,
) -> NDArray[np.int64]:
    """Deal rows to parts so that each part gets its share of each label ([1]_, Algorithm 1).

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
        Label indicators.
    sizes : ndarray of int, shape (k,)
        Rows of each part; their sum is n. Kept exactly, or as near as the groups allow.
    shares : ndarray of float, shape (k,), default=None
        Share of every label that each part is to get. None takes ``sizes / n``.
    order : {1, 2}, default=1
        Balance labels, or labels and the pairs that occur together in at least two rows.
    groups : ndarray of int, shape (n,), default=None
        Group of each row, 0 to g - 1. Rows of one group stay in one part.
    rng : numpy.random.Generator, default=None
        Settles ties, and which of the rows with equal labels go where. None: the first ones.

    Returns
    -------
    ndarray of int, shape (n,)
        The part of each row.

    Raises
    ------
    ValueError
        If ``order`` is neither 1 nor 2, or there are too many pairs to hold.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas, I. Vlahavas. "On the stratification of multi-label data". ECML PKDD 2011.

    Examples
    --------
    >>> import numpy as np
    >>> Y = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 0], [0, 0]], dtype=bool)
    >>> iterative_stratification(Y, np.array([3, 3]))
    array([0, 1, 0, 1, 0, 1])
    """
    if order not in (1, 2):
        raise ValueError(f"order must be 1 (labels) or 2 (labels and pairs of labels), got {order!r}")
    units = _labelset_units(Y, order, rng) if groups is None else _group_units(Y, order, groups, rng)
    dealt = _deal(units, sizes, sizes / len(Y) if shares is None else shares, rng)
    if groups is not None:
        return dealt[units.of_row]
    within = np.zeros(len(Y)) if rng is None else rng.random(len(Y))
    part = np.empty(len(Y), dtype=np.int64)
    part[np.lexsort((within, units.of_row))] = dealt
    return part


def _deal(
    units: _Units, sizes: NDArray[np.int64], shares: NDArray[np.float64], rng: np.random.Generator | None
) -> NDArray[np.int64]:
    """Choose the part of every copy of every unit, in the order of the units, shape (sum of copies,)."""
    wants = units.wants
    if rng is not None:  # chance decides among labels that are equally rare
        shuffled = rng.permutation(wants.shape[1])
        wants = sparse.csr_array((wants.data, shuffled[wants.indices], wants.indptr), wants.shape)
    total = wants.T @ units.copies
    wanted = np.outer(total, shares)
    left = total.astype(np.int64)
    n = int(units.copies @ units.size)
    room = sizes.astype(np.int64)
    holders = sparse.csc_array(wants)
    holders.sort_indices()
    end = np.cumsum(units.copies)
    part = np.full(int(end[-1]), -1, dtype=np.int64)
    while left[rarest := int(left.argmin())] < _DEALT:
        holding = holders.indices[holders.indptr[rarest] : holders.indptr[rarest + 1]]
        for u in holding[part[end[holding] - 1] < 0]:
            own = slice(wants.indptr[u], wants.indptr[u + 1])
            items, amounts = wants.indices[own], wants.data[own]
            copies, size = units.copies[u], units.size[u]
            # NOTE[DIFF]: the paper gives to the part that wants the rarest label most, in absolute numbers, and on ties
            # looks at rows. Here the gain in squared deviation from the wanted numbers decides, over all labels of the
            # unit and its rows, each in shares of its total: the rarest label still counts most, labels that are not
            # yet the rarest stay in line, and parts of unequal size fill side by side.
            weights, row_weight = amounts / total[items], len(items) * size / n
            shortage = weights @ wanted[items] + row_weight * room
            step = weights @ amounts + row_weight * size
            chosen = _choose(shortage / shares, step / shares, room // size, int(copies), rng)
            part[end[u] - copies : end[u]] = chosen
            taken = np.bincount(chosen, minlength=len(sizes))
            wanted[items] -= np.outer(amounts, taken)
            room -= size * taken
            left[items] -= amounts * copies
        left[left == 0] = _DEALT
    return part


def _choose(
    shortage: NDArray[np.float64],
    step: NDArray[np.float64],
    fit: NDArray[np.int64],
    copies: int,
    rng: np.random.Generator | None,
) -> NDArray[np.int64]:
    """Parts for ``copies`` equal units, one after the other: the greatest gain first, and chance among equals.

    The gain is ``shortage - step / 2`` at first and falls by ``step`` with every copy that a part gets, so the sequence
    of greedy choices is the sorted merge of k descending sequences, each as long as copies fit into the part.
    """
    depth = fit.clip(0, copies)
    if not depth.any():  # only a group can be larger than the room in every part
        depth[fit.argmax()] = 1
    parts = depth.nonzero()[0] if copies == 1 else np.repeat(np.arange(len(fit)), depth)
    got = 0 if copies == 1 else np.arange(len(parts)) - np.repeat(np.cumsum(depth) - depth, depth)
    chance = np.zeros(len(fit)) if rng is None else rng.random(len(fit))
    # Rounding makes ties of numbers that differ by the order of additions only.
    gain = (shortage[parts] - (got + 0.5) * step[parts]).round(9)
    chosen: NDArray[np.int64] = parts[np.lexsort((chance[parts], -gain))[:copies]]
    return chosen


def _labelset_units(Y: NDArray[np.bool_], order: int, rng: np.random.Generator | None) -> _Units:
    """Labelsets; those of many labels, the hardest to place, tend to come early, in an order that chance varies."""
    members, counts, inverse = labelsets(Y)
    chance = np.zeros(len(counts)) if rng is None else rng.random(len(counts))
    rank = np.argsort(-members.sum(axis=1) * (0.5 + chance), kind="stable")
    position = np.empty_like(rank)
    position[rank] = np.arange(len(rank))
    counts = counts[rank]
    wants = _combinations(members[rank], counts, order)
    return _Units(wants, counts, np.ones_like(counts), position[inverse])


def _group_units(
    Y: NDArray[np.bool_], order: int, groups: NDArray[np.int64], rng: np.random.Generator | None
) -> _Units:
    """Groups, the largest first, and those of one size in random order."""
    size = np.bincount(groups)
    chance = np.zeros(len(size)) if rng is None else rng.random(len(size))
    largest_first = np.lexsort((chance, -size))
    position = np.empty_like(largest_first)
    position[largest_first] = np.arange(len(size))
    of_row = position[groups]
    gather = sparse.csr_array((np.ones(len(Y), dtype=np.int64), (of_row, np.arange(len(Y)))))
    wants = sparse.csr_array(gather @ _combinations(Y, np.ones(len(Y), dtype=np.int64), order))
    wants.sort_indices()
    return _Units(wants, np.ones_like(size), size[largest_first], of_row)


def _combinations(Y: NDArray[np.bool_], copies: NDArray[np.int64], order: int) -> sparse.csr_array:
    """Which rows of Y hold which wanted combination: no label at all, each label, and (order 2) pairs of labels.

    NOTE[DIFF]: "no label at all" is a label here, so that such rows are spread evenly. Pairs that occur once are left
    out: wherever their row goes, no part gets a share of them, and the row is better placed by its labels.
    """
    empty = ~Y.any(axis=1, keepdims=True)
    singles = sparse.csr_array(np.hstack([empty, Y]), dtype=np.int64)
    occurring = np.flatnonzero(np.asarray(singles.T @ copies))
    blocks: list[Any] = [singles[:, occurring]]
    if order == 2:
        rows, pairs = _pairs(Y)
        keys, pairs = np.unique(pairs, return_inverse=True)
        often = np.bincount(pairs, copies[rows], minlength=len(keys)) > 1
        kept = often[pairs]
        column = (np.cumsum(often) - 1)[pairs[kept]]
        ones = np.ones(len(column), dtype=np.int64)
        blocks.append(sparse.csr_array((ones, (rows[kept], column)), shape=(len(Y), int(often.sum()))))
    combinations = sparse.csr_array(sparse.hstack(blocks, format="csr"))
    combinations.sort_indices()
    return combinations


def _pairs(Y: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every pair of labels of every row: the row, and a number that tells the pair."""
    rows, labels = np.nonzero(Y)
    later = np.cumsum(Y.sum(axis=1))[rows] - np.arange(len(rows)) - 1
    if later.sum() > _MAX_PAIRS:
        raise ValueError(f"order=2 would need {later.sum():,} pairs of labels, above {_MAX_PAIRS:,}: use order=1")
    first = np.repeat(np.arange(len(rows)), later)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(later) - later, later)
    return rows[first], labels[first] * Y.shape[1] + labels[second]
