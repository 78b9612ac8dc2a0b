"""Folds for cross-validation, each with its share of every label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import BaseCrossValidator

from rarelabel._random import RandomState, check_random_state
from rarelabel.model_selection.arguments import check_order, check_whole, validate_split, warn_of_rare_labels
from rarelabel.model_selection.stratification import iterative_stratification

__all__ = ["MultilabelStratifiedKFold", "RepeatedMultilabelStratifiedKFold"]

Split = tuple[NDArray[np.int64], NDArray[np.int64]]


@final
class MultilabelStratifiedKFold(BaseCrossValidator):
    """K folds, each with its share of every label ([1]_; with ``order=2`` also of pairs of labels, [2]_).

    Fold sizes differ by at most one (with groups: as little as the greedy choice allows). Works as ``cv=`` everywhere
    in scikit-learn; ``groups`` are requested by default under metadata routing.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    order : {1, 2}, default=1
        1 balances labels (iterative stratification); 2 also pairs of labels that occur together (second order).
    shuffle : bool, default=True
        Whether chance settles ties. False gives the same folds every time and takes no ``random_state``.
    random_state : int, Generator, RandomState or None, default=None
        Used where ``shuffle=True``. An int gives the same folds at every call.

    Raises
    ------
    ValueError
        If ``n_splits`` is below 2, ``order`` is neither 1 nor 2, or ``random_state`` comes with ``shuffle=False``.

    Warns
    -----
    UserWarning
        On :meth:`split`, naming the labels with fewer positives than folds: some folds lack them.

    References
    ----------
    .. [1] K. Sechidis, G. Tsoumakas, I. Vlahavas. "On the stratification of multi-label data". ECML PKDD 2011.
    .. [2] P. Szymański, T. Kajdanowicz. "A network perspective on stratification of multi-label data". PMLR 74 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel.model_selection import MultilabelStratifiedKFold
    >>> X = np.zeros((8, 1))
    >>> Y = np.array([[1, 0], [1, 0], [1, 1], [1, 1], [0, 0], [0, 0], [0, 0], [0, 0]])
    >>> for train, test in MultilabelStratifiedKFold(2, random_state=0).split(X, Y):
    ...     print(len(test), Y[test].sum(axis=0))
    4 [2 1]
    4 [2 1]
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012 - the form in which scikit-learn reads it

    def __init__(
        self, n_splits: int = 5, *, order: int = 1, shuffle: bool = True, random_state: RandomState = None
    ) -> None:
        check_whole("n_splits", n_splits, 2)
        check_order(order)
        if not shuffle and random_state is not None:
            raise ValueError("random_state has no effect with shuffle=False: leave it at None or set shuffle=True")
        self.n_splits = n_splits
        self.order = order
        self.shuffle = shuffle
        self.random_state = random_state

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[Split]:
        """Yield the rows to train on and the rows to test on, fold by fold.

        Parameters
        ----------
        X : array-like, shape (n, d)
            Only its length is looked at.
        y : array-like, sparse matrix, DataFrame or list of label lists, shape (n, q) or (n,)
            Labels.
        groups : array-like, shape (n,), default=None
            Rows of one group never stand on both sides of a split.

        Yields
        ------
        train, test : ndarray of int
            Row numbers, ascending.

        Raises
        ------
        ValueError
            If X and y differ in length, there are fewer rows or groups than folds, or y is no table of labels.
        """
        labels, codes = validate_split(X, y, groups)
        rng = check_random_state(self.random_state) if self.shuffle else None
        warn_of_rare_labels(labels, codes, self.n_splits)
        yield from _folds(labels.Y, codes, self.n_splits, self.order, rng)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of folds."""
        return self.n_splits


@final
class RepeatedMultilabelStratifiedKFold(BaseCrossValidator):
    """:class:`MultilabelStratifiedKFold` repeated, each time with other folds.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    n_repeats : int, default=10
        How often to divide the rows, at least 1.
    order : {1, 2}, default=1
        1 balances labels, 2 also pairs of labels.
    random_state : int, Generator, RandomState or None, default=None
        An int gives the same folds at every call.

    Raises
    ------
    ValueError
        If ``n_splits`` is below 2, ``n_repeats`` below 1 or ``order`` neither 1 nor 2.

    Warns
    -----
    UserWarning
        On :meth:`split`, once for all repeats, naming the labels with fewer positives than folds.

    Examples
    --------
    >>> from rarelabel.model_selection import RepeatedMultilabelStratifiedKFold
    >>> RepeatedMultilabelStratifiedKFold(n_splits=5, n_repeats=2).get_n_splits()
    10
    """

    __metadata_request__split = {"groups": True}  # noqa: RUF012 - the form in which scikit-learn reads it

    def __init__(
        self, n_splits: int = 5, *, n_repeats: int = 10, order: int = 1, random_state: RandomState = None
    ) -> None:
        check_whole("n_splits", n_splits, 2)
        check_whole("n_repeats", n_repeats, 1)
        check_order(order)
        self.n_splits = n_splits
        self.n_repeats = n_repeats
        self.order = order
        self.random_state = random_state

    def split(self, X: Any, y: Any, groups: Any = None) -> Iterator[Split]:
        """Yield the rows to train on and the rows to test on, fold by fold, repeat by repeat.

        Parameters
        ----------
        X : array-like, shape (n, d)
            Only its length is looked at.
        y : array-like, sparse matrix, DataFrame or list of label lists, shape (n, q) or (n,)
            Labels.
        groups : array-like, shape (n,), default=None
            Rows of one group never stand on both sides of a split.

        Yields
        ------
        train, test : ndarray of int
            Row numbers, ascending.

        Raises
        ------
        ValueError
            If X and y differ in length, there are fewer rows or groups than folds, or y is no table of labels.
        """
        labels, codes = validate_split(X, y, groups)
        rng = check_random_state(self.random_state)
        warn_of_rare_labels(labels, codes, self.n_splits)
        for _ in range(self.n_repeats):
            yield from _folds(labels.Y, codes, self.n_splits, self.order, rng)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits: folds times repeats."""
        return self.n_splits * self.n_repeats


def _folds(
    Y: NDArray[np.bool_], codes: NDArray[np.int64] | None, n_splits: int, order: int, rng: np.random.Generator | None
) -> Iterator[Split]:
    n = len(Y)
    units, what = (n, "rows") if codes is None else (int(codes.max()) + 1, "groups")
    if n_splits > units:
        raise ValueError(f"n_splits={n_splits} folds cannot be made of {units} {what}: use at most {units}")
    sizes = np.full(n_splits, n // n_splits)
    sizes[: n % n_splits] += 1
    shares = np.full(n_splits, 1 / n_splits)
    part = iterative_stratification(Y, sizes, shares=shares, order=order, groups=codes, rng=rng)
    for fold in range(n_splits):
        yield np.flatnonzero(part != fold), np.flatnonzero(part == fold)
