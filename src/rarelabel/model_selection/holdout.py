"""One train and one test part, each with its share of every label."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator

from rarelabel._random import RandomState, check_random_state
from rarelabel._validation import take_rows
from rarelabel.model_selection.arguments import check_order, check_whole, n_rows, validate_split, warn_of_rare_labels
from rarelabel.model_selection.stratification import iterative_stratification

__all__ = ["MultilabelStratifiedShuffleSplit", "train_test_split"]


@final
class MultilabelStratifiedShuffleSplit(BaseCrossValidator):
    """Random splits into a train and a test part, each with its share of every label.

    Parameters
    ----------
    n_splits : int, default=10
        How many splits, at least 1.
    test_size, train_size : float, int or None, default=None
        Share of the rows in (0, 1), or number of rows. A part that is None takes what the other leaves; with both None
        the test part is 0.1. Where both are given and do not use up the rows, the rest is left out.
    order : {1, 2}, default=1
        1 balances labels, 2 also pairs of labels.
    random_state : int, Generator, RandomState or None, default=None
        An int gives the same splits at every call.

    Raises
    ------
    ValueError
        If ``n_splits`` is below 1 or ``order`` neither 1 nor 2; on :meth:`split` if the sizes do not fit the rows.

    Warns
    -----
    UserWarning
        On :meth:`split`, once, naming the labels with fewer than two positives.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel.model_selection import MultilabelStratifiedShuffleSplit
    >>> Y = np.repeat([[1, 0], [1, 1], [0, 0]], 4, axis=0)
    >>> splitter = MultilabelStratifiedShuffleSplit(1, test_size=0.25, random_state=0)
    >>> [Y[test].sum(axis=0).tolist() for _, test in splitter.split(Y, Y)]
    [[2, 1]]
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012 - the form in which scikit-learn reads it

    def __init__(
        self,
        n_splits: int = 10,
        *,
        test_size: float | None = None,
        train_size: float | None = None,
        order: int = 1,
        random_state: RandomState = None,
    ) -> None:
        check_whole("n_splits", n_splits, 1)
        check_order(order)
        self.n_splits = n_splits
        self.test_size = test_size
        self.train_size = train_size
        self.order = order
        self.random_state = random_state

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the rows to train on and the rows to test on.

        Parameters
        ----------
        X : array-like, shape (n, d)
            Only its length is looked at.
        y : array-like, sparse matrix, DataFrame or list of label lists, shape (n, q) or (n,)
            Labels.
        groups : array-like, shape (n,), default=None
            Rows of one group never stand on both sides; sizes are then as near as the groups allow.

        Yields
        ------
        train, test : ndarray of int
            Row numbers, in random order.

        Raises
        ------
        ValueError
            If X and y differ in length, or the sizes leave a part empty or need more rows than there are.
        """
        labels, codes = validate_split(X, y, groups)
        sizes = _sizes(len(labels.Y), self.test_size, self.train_size, 0.1)
        rng = check_random_state(self.random_state)
        warn_of_rare_labels(labels, codes, 2)
        for _ in range(self.n_splits):
            part = iterative_stratification(labels.Y, sizes, order=self.order, groups=codes, rng=rng)
            yield rng.permutation(np.flatnonzero(part == 0)), rng.permutation(np.flatnonzero(part == 1))

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits."""
        return self.n_splits


def train_test_split(
    X: Any,
    Y: Any,
    *others: Any,
    test_size: float | None = None,
    train_size: float | None = None,
    order: int = 1,
    shuffle: bool = True,
    random_state: RandomState = None,
    groups: Any = None,
) -> list[Any]:
    """Split a table in two so that both parts have their share of every label.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame, shape (n, d)
        Features.
    Y : array-like, sparse matrix, DataFrame or list of label lists, shape (n, q) or (n,)
        Labels, by which the split is stratified.
    *others : array-like, n rows each
        More tables to split the same way.
    test_size, train_size : float, int or None, default=None
        Share of the rows in (0, 1), or number of rows. A part that is None takes what the other leaves; with both None
        the test part is 0.25.
    order : {1, 2}, default=1
        1 balances labels, 2 also pairs of labels.
    shuffle : bool, default=True
        Whether chance decides and rows come in random order. False gives the same split every time, in the order of X.
    random_state : int, Generator, RandomState or None, default=None
        Used where ``shuffle=True``. An int gives the same split at every call.
    groups : array-like, shape (n,), default=None
        Rows of one group stay together; sizes are then as near as the groups allow.

    Returns
    -------
    list
        ``X_train, X_test, Y_train, Y_test`` and so on for ``others``: the order of scikit-learn's function of the same
        name, each in the container it came in.

    Raises
    ------
    ValueError
        If lengths differ, the sizes do not fit the rows, or ``random_state`` comes with ``shuffle=False``.

    Warns
    -----
    UserWarning
        Naming the labels with fewer than two positives.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel.model_selection import train_test_split
    >>> X, Y = np.arange(12), np.repeat([[1, 0], [1, 1], [0, 0]], 4, axis=0)
    >>> X_train, X_test, Y_train, Y_test = train_test_split(X, Y, random_state=0)
    >>> len(X_train), len(X_test), Y_train.sum(axis=0), Y_test.sum(axis=0)
    (9, 3, array([6, 3]), array([2, 1]))
    """
    if not shuffle and random_state is not None:
        raise ValueError("random_state has no effect with shuffle=False: leave it at None or set shuffle=True")
    check_order(order)
    labels, codes = validate_split(X, Y, groups)
    for position, other in enumerate(others, start=3):
        if n_rows(other) != len(labels.Y):
            raise ValueError(f"argument {position} has {n_rows(other)} rows, Y has {len(labels.Y)}")
    sizes = _sizes(len(labels.Y), test_size, train_size, 0.25)
    rng = check_random_state(random_state) if shuffle else None
    warn_of_rare_labels(labels, codes, 2)
    part = iterative_stratification(labels.Y, sizes, order=order, groups=codes, rng=rng)
    sides = [np.flatnonzero(part == side) for side in (0, 1)]
    if rng is not None:
        sides = [rng.permutation(rows) for rows in sides]
    return [take_rows(data, rows) for data in (X, Y, *others) for rows in sides]


def _sizes(n: int, test_size: float | None, train_size: float | None, default: float) -> NDArray[np.int64]:
    """Rows of the train part, of the test part and, if there are any, left out."""
    if test_size is None and train_size is None:
        test_size = default
    n_test, n_train = _rows("test_size", test_size, n, ceil), _rows("train_size", train_size, n, floor)
    n_test = n - n_train if n_test is None and n_train is not None else n_test
    n_train = n - n_test if n_train is None and n_test is not None else n_train
    assert n_test is not None
    assert n_train is not None
    if n_train < 1 or n_test < 1 or n_train + n_test > n:
        raise ValueError(
            f"{n} rows cannot be split into {n_train} to train on and {n_test} to test on "
            f"(test_size={test_size!r}, train_size={train_size!r}): expected at least one row in each, {n} in all"
        )
    left_out = n - n_train - n_test
    return np.array([n_train, n_test, left_out] if left_out else [n_train, n_test])


def _rows(name: str, size: Any, n: int, to_whole: Any) -> int | None:
    if size is None:
        return None
    if isinstance(size, int | np.integer) and not isinstance(size, bool):
        return int(size)
    if isinstance(size, float | np.floating) and 0 < size < 1:
        return int(to_whole(size * n))
    raise ValueError(f"{name} must be a number of rows, a share between 0 and 1, or None, got {size!r}")
