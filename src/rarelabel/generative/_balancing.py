"""How many rows each class is to get, as imbalanced-learn's ``sampling_strategy`` says it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BalancingStrategy", "rows_to_add"]

BalancingStrategy = str | float | Mapping[Hashable, int] | Callable[[NDArray[Any]], Any]
"""``"auto"``, the ratio minority / majority after, the rows of each class after, or a function of y that gives them."""

_NAMED = ("auto", "not majority", "minority", "not minority", "all")


def rows_to_add(strategy: BalancingStrategy, Y: NDArray[np.bool_], classes: Sequence[Hashable]) -> NDArray[np.intp]:
    """New rows of each class.

    Parameters
    ----------
    strategy : str, float, dict or callable
        ``"auto"`` or ``"not majority"`` brings every class up to the most frequent one, ``"minority"`` only the rarest,
        ``"not minority"`` all but the rarest, ``"all"`` all. A float is the ratio of minority to majority after, for
        two classes. A dict gives the rows that classes are to have, by the class or its text. A callable takes the
        class of each row, as the caller wrote it, and returns such a dict.
    Y : ndarray of bool, shape (n, q)
        One True in each row.
    classes : sequence, shape (q,)
        As the caller wrote them.

    Returns
    -------
    ndarray of int, shape (q,)

    Raises
    ------
    ValueError
        If the strategy is none of these, names an unknown class, or asks for fewer rows than there are.

    Examples
    --------
    >>> Y = np.array([[1, 0], [1, 0], [1, 0], [1, 0], [0, 1]], dtype=bool)
    >>> rows_to_add("auto", Y, ["sun", "rain"]), rows_to_add(0.5, Y, ["sun", "rain"])
    (array([0, 3]), array([0, 1]))
    >>> rows_to_add(lambda y: {1: int((y == 0).sum())}, Y, [0, 1])
    array([0, 3])
    """
    if callable(strategy):
        strategy = strategy(np.array(classes)[Y.argmax(axis=1)])
    counts = Y.sum(axis=0).astype(np.intp)
    if isinstance(strategy, Mapping):
        wanted = _wanted(strategy, counts, classes)
    elif isinstance(strategy, str):
        wanted = np.where(_grown(strategy, counts), counts.max(), counts)
    elif isinstance(strategy, Real) and not isinstance(strategy, bool | Integral):
        wanted = _wanted_ratio(float(strategy), counts)
    else:
        raise ValueError(
            "sampling_strategy must be 'auto', a float (minority / majority after), a dict (class to rows after) or a "
            f"callable, got {strategy!r}"
        )
    return np.where(counts > 0, wanted - counts, 0)


def _grown(strategy: str, counts: NDArray[np.intp]) -> NDArray[np.bool_]:
    if strategy not in _NAMED:
        raise ValueError(f"sampling_strategy must be one of {', '.join(map(repr, _NAMED))}, got {strategy!r}")
    rarest = np.arange(len(counts)) == np.where(counts > 0, counts, counts.max() + 1).argmin()
    if strategy == "minority":
        return rarest
    return ~rarest if strategy == "not minority" else np.ones(len(counts), dtype=bool)


def _wanted(
    strategy: Mapping[Hashable, int], counts: NDArray[np.intp], classes: Sequence[Hashable]
) -> NDArray[np.intp]:
    wanted, names = counts.copy(), list(map(str, classes))
    for name, number in strategy.items():
        if name in classes:
            label = list(classes).index(name)
        elif str(name) in names:
            label = names.index(str(name))
        else:
            known = ", ".join(map(repr, names[:10])) + (", ..." if len(names) > 10 else "")
            raise ValueError(f"sampling_strategy names {name!r}, which is not a class; classes are {known}")
        if isinstance(number, bool) or not isinstance(number, Integral) or number < 0:
            raise ValueError(f"sampling_strategy asks for {number!r} rows of class {name!r}; expected an int")
        if number < counts[label]:
            raise ValueError(
                f"sampling_strategy asks for {number} rows of class {name!r}, which has {counts[label]} already"
            )
        if not counts[label]:
            raise ValueError(f"sampling_strategy asks for rows of class {name!r}, which no row has")
        wanted[label] = number
    return wanted


def _wanted_ratio(ratio: float, counts: NDArray[np.intp]) -> NDArray[np.intp]:
    if (counts > 0).sum() != 2:
        raise ValueError(
            f"sampling_strategy={ratio!r} is a ratio of two classes, y has {(counts > 0).sum()}; "
            "give 'auto' or a dict (class to rows after)"
        )
    if not 0 < ratio <= 1:
        raise ValueError(f"sampling_strategy must be a ratio in (0, 1], got {ratio!r}")
    rarer = int(np.where(counts > 0, counts, counts.max() + 1).argmin())
    wanted = counts.copy()
    wanted[rarer] = int(ratio * counts.max())
    if wanted[rarer] < counts[rarer]:
        raise ValueError(
            f"sampling_strategy={ratio!r} asks for fewer rows of the rarer class than there are: "
            f"its ratio is {counts[rarer] / counts.max():.3g} already"
        )
    return wanted
