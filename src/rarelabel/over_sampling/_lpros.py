"""LP-ROS: clone rows whose labelset is rarer than the average labelset."""

from __future__ import annotations

import warnings
from typing import final

import numpy as np
from numpy.typing import NDArray

from rarelabel._random import RandomState
from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.imbalance import labelsets
from rarelabel.schema import Schema
from rarelabel.selection import Budget, SamplingPlan, SamplingStrategy, allocate, check_memory, resolve_budget


def lpros(Y: NDArray[np.bool_], *, n_new: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows to clone (Charte et al. 2015, LP-ROS, the counterpart of Algorithm 1).

    A labelset is a minority one if fewer rows than the mean have it. The clones are shared out over the minority
    labelsets, from the largest to the smallest, and none grows beyond the mean size, rounded up.

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    n_new : int
        Clones wanted. Fewer come where every minority labelset has reached the mean size.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (<= n_new,)
    """
    _, sizes, inverse = labelsets(Y)
    mean_size = len(Y) / len(sizes)
    minority = rng.permutation(np.flatnonzero(sizes < mean_size))  # equal sizes have equal chances
    room = np.ceil(mean_size - sizes[minority]).astype(int)
    shares = allocate(n_new, room)
    bag = np.repeat(minority, shares)
    rows_by_bag, start = np.argsort(inverse, kind="stable"), np.cumsum(sizes) - sizes
    return rows_by_bag[start[bag] + rng.integers(sizes[bag])]


def _for_labels(Y: NDArray[np.bool_], budget: Budget, rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows to clone for given labels: each labelset that holds the label is equally likely, then each of its rows."""
    _, sizes, inverse = labelsets(Y)
    rows = []
    for label, count in (budget.per_label or {}).items():
        bag = np.flatnonzero(Y[:, label])
        rarity = 1 / sizes[inverse[bag]]
        rows.append(rng.choice(bag, count, p=rarity / rarity.sum()))
    return np.concatenate(rows)


@final
class LPROS(BaseSampler):
    """Label-powerset random over-sampling: clone rows with rare labelsets.

    Parameters
    ----------
    sampling_strategy : "auto", float, int, dict or callable, default=0.25
        Rows to add: a share of n, a number, or for each label (then labelsets that hold the label are drawn with equal
        probability). ``"auto"`` is 0.25, as in the paper.
    random_state : int, Generator or None, default=None

    Notes
    -----
    NOTE[DIFF] The paper shares clones out by fractions of rows; here the shares are whole and add up to the budget
    exactly, or to all the room there is (then a warning says so). Where every labelset is unique (cal500) there is
    no rare one, and nothing is cloned.

    References
    ----------
    F. Charte, A. J. Rivera, M. J. del Jesus, F. Herrera. "Addressing imbalance in multilabel classification: Measures
    and random resampling algorithms". Neurocomputing 163 (2015), section 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel import LPROS
    >>> X = np.arange(8).reshape(8, 1)
    >>> Y = np.array([[1, 0]] * 7 + [[1, 1]])
    >>> X_res, Y_res = LPROS(sampling_strategy=2, random_state=0).fit_resample(X, Y)
    >>> X_res[8:].ravel().tolist()
    [7, 7]
    """

    _allow_nan = True

    def __init__(self, *, sampling_strategy: SamplingStrategy = 0.25, random_state: RandomState = None) -> None:
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        budget = resolve_budget(self.sampling_strategy, Y, schema.label_names, auto=0.25)
        check_memory(budget.total, X, schema.n_labels)
        rows = _for_labels(Y, budget, rng) if budget.per_label else lpros(Y, n_new=budget.total, rng=rng)
        if len(rows) < budget.total:
            message = f"LPROS makes {len(rows)} of {budget.total} rows: then every rare labelset has the mean size"
            warnings.warn(message, UserWarning, stacklevel=4)
        labels = np.flatnonzero(Y[rows].any(axis=0))
        return SamplingPlan("LPROS", len(Y), schema.label_names, labels, n_new=len(rows), rows=rows)

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        assert plan.rows is not None
        return Resampled(np.append(np.arange(len(Y)), plan.rows))
