"""ML-RUS: remove rows that carry frequent labels until the labels reach the mean imbalance."""

from __future__ import annotations

import warnings
from typing import final

import numpy as np
from numpy.typing import NDArray

from rarelabel._random import RandomState
from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.imbalance import ir_per_label, label_counts, mean_ir, minority_labels
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan, SamplingStrategy, minority_or_warn, resolve_budget


def mlrus(
    Y: NDArray[np.bool_],
    *,
    n_removed: int,
    eligible: NDArray[np.bool_],
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Rows to remove (Charte et al. 2015, Algorithm 4, ML-RUS).

    Round after round, a random row of each majority label's bag (IRLbl < MeanIR) goes. A label leaves once its
    imbalance ratio, counted without the removed rows, has reached the MeanIR of the original data, or its bag is empty.

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    n_removed : int
        Rows wanted; fewer come where every majority label has left.
    eligible : ndarray of bool, shape (n,)
        Rows that may go.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (<= n_removed,)
        Distinct.
    """
    stop, counts, largest = mean_ir(Y), label_counts(Y).astype(np.int64), label_counts(Y).max()
    majority = np.flatnonzero(ir_per_label(Y) < stop)
    bags = {label: rng.permutation(np.flatnonzero(Y[:, label] & eligible)).tolist() for label in majority.tolist()}
    gone = ~eligible
    rows: list[int] = []
    while bags and len(rows) < n_removed:
        for label, bag in list(bags.items()):
            while bag and gone[bag[-1]]:  # another label's turn has taken it
                bag.pop()
            if not bag or largest / counts[label] >= stop:
                del bags[label]
                continue
            row = bag.pop()
            gone[row] = True
            rows.append(row)
            counts -= Y[row]
            if len(rows) == n_removed:
                break
    return np.array(rows, dtype=np.intp)


@final
class MLRUS(BaseSampler):
    """Multi-label random under-sampling: remove rows that carry majority labels.

    Parameters
    ----------
    sampling_strategy : "auto", float, int, dict or callable, default=0.25
        Rows to remove: a share of n, a number, or for each label. ``"auto"`` is 0.25, as in the paper. Fewer rows go
        where every majority label (IRLbl < MeanIR) reaches MeanIR before; :meth:`plan` says how many.
    keep_minority : bool, default=False
        Whether rows that also carry a minority label stay. The paper's algorithm lets them go with their majority
        labels.
    random_state : int, Generator or None, default=None

    Notes
    -----
    As in the paper, the largest count that imbalance ratios are measured against is that of the original data.

    References
    ----------
    F. Charte, A. J. Rivera, M. J. del Jesus, F. Herrera. "Addressing imbalance in multilabel classification: Measures
    and random resampling algorithms". Neurocomputing 163 (2015), section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel import MLRUS
    >>> X = np.arange(8).reshape(8, 1)
    >>> Y = np.array([[1, 0]] * 7 + [[0, 1]])
    >>> X_res, Y_res = MLRUS(sampling_strategy=2, random_state=0).fit_resample(X, Y)
    >>> Y_res.sum(axis=0).tolist()
    [5, 1]
    """

    _allow_nan = True

    def __init__(
        self,
        *,
        sampling_strategy: SamplingStrategy = 0.25,
        keep_minority: bool = False,
        random_state: RandomState = None,
    ) -> None:
        self.sampling_strategy = sampling_strategy
        self.keep_minority = keep_minority
        self.random_state = random_state

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        budget = resolve_budget(self.sampling_strategy, Y, schema.label_names, auto=0.25)
        eligible = np.ones(len(Y), dtype=bool)
        if self.keep_minority:
            eligible &= ~(Y & minority_labels(Y)).any(axis=1)
        if budget.per_label is None:
            minority_or_warn(Y, "MLRUS")
            rows = mlrus(Y, n_removed=budget.total, eligible=eligible, rng=rng)
        else:
            rows = remove_for_labels(Y, budget.per_label, eligible, schema, rng)
        labels = np.array(list(budget.per_label or np.flatnonzero(ir_per_label(Y) < mean_ir(Y))), dtype=np.intp)
        return SamplingPlan("MLRUS", len(Y), schema.label_names, labels, n_removed=len(rows), rows=np.sort(rows))

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        return Resampled(plan.kept)


def remove_for_labels(
    Y: NDArray[np.bool_],
    per_label: dict[int, int],
    eligible: NDArray[np.bool_],
    schema: Schema,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Distinct random rows to remove for each label; at least one row that carries it stays."""
    left = eligible.copy()
    rows = []
    for label, count in per_label.items():
        bag = np.flatnonzero(Y[:, label] & left)
        taken = rng.permutation(bag)[: min(count, len(bag) - 1)]
        if len(taken) < count:
            name = schema.label_names[label]
            warnings.warn(f"MLRUS removes {len(taken)} of {count} rows with {name!r}", UserWarning, stacklevel=5)
        left[taken] = False
        rows.append(taken)
    return np.concatenate(rows)
