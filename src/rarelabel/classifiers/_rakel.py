"""RAkEL: label powersets over small random labelsets, whose votes are averaged."""

from __future__ import annotations

import warnings
from math import ceil, comb
from numbers import Integral
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.parallel import Parallel, delayed

from rarelabel._random import RandomState, check_random_state, with_seeds
from rarelabel._validation import Matrix
from rarelabel.classifiers._base import MultilabelClassifier
from rarelabel.classifiers._binary import check_classifier
from rarelabel.classifiers._lp import fit_powerset, powerset_marginals, predict_powerset

__all__ = ["RAkEL", "combination", "disjoint_labelsets", "overlapping_labelsets"]


def disjoint_labelsets(q: int, size: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """A random partition of q labels into sets of ``size``, the last one perhaps smaller, as RAkELd does.

    Parameters
    ----------
    q, size : int
    rng : Generator

    Returns
    -------
    list of ndarray of int
        Sorted positions.

    Examples
    --------
    >>> [len(labels) for labels in disjoint_labelsets(7, 3, np.random.default_rng(0))]
    [3, 3, 1]
    """
    shuffled = rng.permutation(q)
    return [np.sort(shuffled[start : start + size]) for start in range(0, q, size)]


def overlapping_labelsets(q: int, size: int, m: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Draw m distinct random sets of ``size`` labels that together hold all q labels: RAkELo.

    Parameters
    ----------
    q, size, m : int
        ``m`` at most the number of such sets, and ``m * size`` at least q.
    rng : Generator

    Returns
    -------
    list of ndarray of int, shape (size,)
        Sorted positions.

    Examples
    --------
    >>> drawn = overlapping_labelsets(4, 2, 6, np.random.default_rng(0))
    >>> sorted(labels.tolist() for labels in drawn)
    [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    """
    total = comb(q, size)
    if total < 2**62:
        drawn = [combination(int(rank), size) for rank in rng.choice(total, size=m, replace=False)]
    else:  # more than a generator can number: two equal draws are as good as impossible, and a third more so
        distinct: dict[tuple[int, ...], None] = {}
        while len(distinct) < m:
            distinct[tuple(sorted(rng.choice(q, size=size, replace=False).tolist()))] = None
        drawn = list(distinct)
    member = np.zeros((m, q), dtype=bool)
    for row, labels in zip(member, drawn, strict=True):
        row[list(labels)] = True
    _cover(member, rng)
    return [np.flatnonzero(row) for row in member]


def combination(rank: int, size: int) -> tuple[int, ...]:
    """The set of ``size`` numbers with the given rank in colexicographic order, ascending.

    Parameters
    ----------
    rank : int
        From 0; ranks below ``comb(q, size)`` give sets of numbers below q.
    size : int

    Examples
    --------
    >>> [combination(rank, 2) for rank in range(4)]
    [(0, 1), (0, 2), (1, 2), (0, 3)]
    """
    found = []
    for i in range(size, 0, -1):
        low, high = i - 1, i  # the largest number with comb(number, i) <= rank lies in [low, high)
        while comb(high, i) <= rank:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if comb(middle, i) <= rank else (low, middle)
        found.append(low)
        rank -= comb(low, i)
    return tuple(reversed(found))


def _cover(member: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """Give each label that is in no set the place of one that is in several, in place.

    NOTE[DIFF]: the paper draws and no more, which leaves about q * exp(-size * m / q) labels without a vote and so
    never predicted. A set that gets a label no other set has stays distinct from all others.
    """
    for label in np.flatnonzero(~member.any(axis=0)):
        i, other = rng.choice(np.argwhere(member & (member.sum(axis=0) > 1)))
        member[i, other], member[i, label] = False, True


@final
class RAkEL(MultilabelClassifier):
    """Random k-labelsets: an ensemble of label powersets over few labels each (Tsoumakas et al. 2011).

    With overlapping labelsets (RAkELo) the labelsets are distinct, and a label is predicted where the share of votes
    for it among the models that know it exceeds the threshold. With disjoint ones (RAkELd) each label has one model and
    so one vote. ``predict_proba`` averages the models' probabilities of the label instead of their votes.

    Parameters
    ----------
    estimator : classifier
        Multi-class. Each ``random_state`` in it is set afresh for each model.
    labelset_size : int, default=3
        Labels of each model, the k of the paper. All labels, with a warning, where there are fewer.
    n_labelsets : int, default=None
        Models; overlapping only. By default twice the number of labels, or as many as there are distinct labelsets.
    overlapping : bool, default=True
        RAkELo, else RAkELd.
    threshold : float, default=0.5
        Share of votes that must be exceeded, in [0, 1).
    random_state : int, Generator, RandomState or None, default=None
    n_jobs : int, default=None
        Models fitted at a time, as in joblib.

    Attributes
    ----------
    labelsets_ : list of ndarray of int
        Labels of each model. Every label is in at least one.
    powersets_ : list of Powerset
        The models.

    Raises
    ------
    ValueError
        On ``fit``, if a parameter is out of range, ``n_labelsets`` is too small to hold all labels, or it is given for
        disjoint labelsets.

    Warns
    -----
    UserWarning
        Where ``labelset_size`` or ``n_labelsets`` is more than there can be.

    References
    ----------
    Tsoumakas, Katakis & Vlahavas, *Random k-labelsets for multilabel classification*, IEEE Transactions on Knowledge
    and Data Engineering 23(7), 2011.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, Y = [[0.0], [1.0], [2.0], [3.0]], [[0, 1, 0, 0], [0, 1, 1, 0], [1, 0, 1, 0], [1, 0, 0, 1]]
    >>> classifier = RAkEL(DecisionTreeClassifier(), labelset_size=2, random_state=0).fit(X, Y)
    >>> len(classifier.labelsets_), classifier.predict([[0.1], [2.9]]).tolist()
    (6, [[0, 1, 0, 0], [1, 0, 0, 1]])
    """

    def __init__(
        self,
        estimator: Any,
        *,
        labelset_size: int = 3,
        n_labelsets: int | None = None,
        overlapping: bool = True,
        threshold: float = 0.5,
        random_state: RandomState = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.labelset_size = labelset_size
        self.n_labelsets = n_labelsets
        self.overlapping = overlapping
        self.threshold = threshold
        self.random_state = random_state
        self.n_jobs = n_jobs

    def votes(self, X: Any) -> NDArray[np.float64]:
        """Share of the models that know a label which vote for it: the paper's average vote.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame, shape (m, d)

        Returns
        -------
        ndarray of float, shape (m, q)
            In [0, 1].
        """
        return self._mean(predict_powerset, self._rows(X))

    def _fit(self, X: Matrix, Y: NDArray[np.bool_]) -> None:
        check_classifier(self.estimator)
        if not 0 <= self.threshold < 1:
            raise ValueError(f"threshold must be in [0, 1), got {self.threshold!r}")
        rng = check_random_state(self.random_state)
        q = Y.shape[1]
        size = self._resolved_size(q)
        if self.overlapping:
            self.labelsets_ = overlapping_labelsets(q, size, self._resolved_number(q, size), rng)
        elif self.n_labelsets is not None:
            raise ValueError(f"n_labelsets={self.n_labelsets!r} is for overlapping labelsets; disjoint ones follow q")
        else:
            self.labelsets_ = disjoint_labelsets(q, size, rng)
        models = [with_seeds(self.estimator, rng, overwrite=True) for _ in self.labelsets_]
        self.powersets_ = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_powerset)(model, X, Y[:, labels]) for model, labels in zip(models, self.labelsets_, strict=True)
        )

    def _resolved_size(self, q: int) -> int:
        size = _positive("labelset_size", self.labelset_size)
        if size > q:
            message = f"RAkEL: labelset_size={size} is more than the {q} labels there are; {q} is used"
            warnings.warn(message, UserWarning, stacklevel=4)
        return min(size, q)

    def _resolved_number(self, q: int, size: int) -> int:
        most, least = comb(q, size), ceil(q / size)
        if self.n_labelsets is None:
            return min(2 * q, most)
        wanted = _positive("n_labelsets", self.n_labelsets)
        if wanted < least:
            raise ValueError(
                f"n_labelsets={wanted} labelsets of {size} labels cannot hold all {q} labels: at least {least} needed"
            )
        if wanted > most:
            message = f"RAkEL: there are {most} distinct sets of {size} of {q} labels, n_labelsets={wanted} is lowered"
            warnings.warn(message, UserWarning, stacklevel=4)
        return min(wanted, most)

    def _mean(self, answer: Any, X: Matrix) -> NDArray[np.float64]:
        """Mean answer of the models that know a label, shape (m, q)."""
        total = np.zeros((X.shape[0], len(self.label_names_)))
        for powerset, labels in zip(self.powersets_, self.labelsets_, strict=True):
            total[:, labels] += answer(powerset, X)
        return total / np.bincount(np.concatenate(self.labelsets_))

    def _predict(self, X: Matrix) -> NDArray[np.bool_]:
        return self._mean(predict_powerset, X) > self.threshold

    def _predict_proba(self, X: Matrix) -> NDArray[np.float64]:
        # NOTE[DIFF]: the paper ranks labels by votes; probabilities tell more, most of all for disjoint labelsets,
        # where a vote is 0 or 1. The paper's averages are what `votes` gives.
        return np.clip(self._mean(powerset_marginals, X), 0, 1)


def _positive(name: str, value: Any) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be an int of at least 1, got {value!r}")
    return int(value)
