"""ML-ROS: clone rows that carry rare labels until the labels reach the mean imbalance."""

from __future__ import annotations

from typing import final

import numpy as np
from numpy.typing import NDArray

from rarelabel._random import RandomState
from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.imbalance import label_counts, mean_ir
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan, SamplingStrategy, check_memory, minority_or_warn, resolve_budget


def mlros(
    Y: NDArray[np.bool_], labels: NDArray[np.intp], *, n_new: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows to clone, in order, and the label each is for (Charte et al. 2015, Algorithm 3).

    Round after round, a random row of each minority label's bag is cloned. A label leaves once its imbalance ratio,
    counted with the clones, is down to the MeanIR of the original data.

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    labels : ndarray of int
        The minority labels.
    n_new : int
        Clones wanted; fewer come where every minority label has left.
    rng : numpy.random.Generator

    Returns
    -------
    rows, made_for : ndarray of int, shape (<= n_new,)
    """
    stop = mean_ir(Y)
    counts = label_counts(Y).astype(np.int64)
    bags = {label: np.flatnonzero(Y[:, label]) for label in labels.tolist()}
    rows: list[int] = []
    made_for: list[int] = []
    while bags and len(rows) < n_new:
        for label, bag in list(bags.items())[: n_new - len(rows)]:
            row = int(bag[rng.integers(len(bag))])
            rows.append(row)
            made_for.append(label)
            counts += Y[row]
            if counts.max() / counts[label] <= stop:
                del bags[label]
    return np.array(rows, dtype=np.intp), np.array(made_for, dtype=np.intp)


@final
class MLROS(BaseSampler):
    """Multi-label random over-sampling: clone rows that carry minority labels.

    Parameters
    ----------
    sampling_strategy : "auto", float, int, dict or callable, default=0.25
        Rows to add: a share of n, a number, or for each label. ``"auto"`` is 0.25, as in the paper. Fewer rows come
        where every minority label (IRLbl > MeanIR) reaches MeanIR before; :meth:`plan` says how many.
    random_state : int, Generator or None, default=None

    References
    ----------
    F. Charte, A. J. Rivera, M. J. del Jesus, F. Herrera. "Addressing imbalance in multilabel classification: Measures
    and random resampling algorithms". Neurocomputing 163 (2015), section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel import MLROS
    >>> X = np.arange(8).reshape(8, 1)
    >>> Y = np.array([[1, 0]] * 7 + [[0, 1]])
    >>> X_res, Y_res = MLROS(sampling_strategy=1, random_state=0).fit_resample(X, Y)
    >>> X_res[8:].tolist(), Y_res[8:].tolist()
    ([[7]], [[0, 1]])
    """

    _allow_nan = True

    def __init__(self, *, sampling_strategy: SamplingStrategy = 0.25, random_state: RandomState = None) -> None:
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        budget = resolve_budget(self.sampling_strategy, Y, schema.label_names, auto=0.25)
        check_memory(budget.total, X, schema.n_labels)
        if budget.per_label:
            labels = np.array(list(budget.per_label))
            made_for = np.repeat(labels, list(budget.per_label.values()))
            rows = np.concatenate([rng.choice(np.flatnonzero(Y[:, j]), c) for j, c in budget.per_label.items()])
        else:
            labels = minority_or_warn(Y, "MLROS")
            rows, made_for = mlros(Y, labels, n_new=budget.total, rng=rng)
        return SamplingPlan("MLROS", len(Y), schema.label_names, labels, len(rows), rows=rows, made_for=made_for)

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        assert plan.rows is not None
        assert plan.made_for is not None
        none = np.full(len(Y), -1, dtype=np.intp)
        return Resampled(np.append(np.arange(len(Y)), plan.rows), made_for=np.append(none, plan.made_for))
