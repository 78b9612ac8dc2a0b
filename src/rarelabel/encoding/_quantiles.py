"""Numbers to the quantiles of a standard normal and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

__all__ = ["each_column", "from_normal", "quantile_nodes", "to_normal"]


def each_column(
    function: Callable[..., NDArray[np.float64]], A: NDArray[np.float64], nodes: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    return np.stack([function(a, *of_column) for a, of_column in zip(A.T, nodes, strict=True)], axis=1)


def quantile_nodes(x: NDArray[np.float64], n_quantiles: int) -> NDArray[np.float64]:
    """Distinct values and the normal quantiles of the first and the last rank of each, shape (3, m).

    The j-th smallest of n values stands at the normal quantile of (j - 1/2) / n.
    """
    x = np.sort(x)
    n = len(x)
    first = np.flatnonzero(np.concatenate([[True], x[1:] != x[:-1]]))
    last = np.concatenate([first[1:], [n]]) - 1
    if len(first) > n_quantiles:
        ranks = np.rint(np.linspace(0, n - 1, n_quantiles)).astype(np.intp)
        kept = np.unique(np.searchsorted(first, ranks, side="right") - 1)
        first, last = first[kept], last[kept]
    return np.stack([x[first], ndtri((first + 0.5) / n), ndtri((last + 0.5) / n)])


def to_normal(
    x: NDArray[np.float64], values: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Encode: straight lines between the values; a value itself as the middle of the ranks it owns."""
    i = np.clip(np.searchsorted(values, x, side="right") - 1, 0, len(values) - 1)
    after = np.minimum(i + 1, len(values) - 1)
    share = np.clip((x - values[i]) / np.where(after > i, values[after] - values[i], 1), 0, 1)
    middle = np.clip(np.where(low < high, ndtri((ndtr(low) + ndtr(high)) / 2), low), low, high)
    at_value = (x == values[i]) | (x < values[0]) | (after == i)
    return np.where(at_value, middle[i], high[i] + share * (low[after] - high[i]))


def from_normal(
    z: NDArray[np.float64], values: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Decode: straight lines between the values, and each value over all the ranks it owns."""
    return np.interp(z, np.stack([low, high], axis=1).ravel(), np.repeat(values, 2))
