"""LP-RUS: remove rows whose labelset is more frequent than the average labelset."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from rarelabel._random import RandomState
from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.imbalance import labelsets
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan, SamplingStrategy, allocate, resolve_budget


def lprus(
    Y: NDArray[np.bool_],
    *,
    n_removed: int,
    among: NDArray[np.bool_] | None = None,
    gone: Sequence[int] | NDArray[np.intp] = (),
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Rows to remove (Charte et al. 2015, Algorithm 1, LP-RUS).

    A labelset is a majority one if more rows than the mean have it. The removals are shared out over the majority
    labelsets, from the smallest to the largest, and none shrinks below the mean size.

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    n_removed : int
        Rows wanted. Fewer come where every majority labelset is down to the mean size.
    among : ndarray of bool, shape (n,), default=None
        Rows that may go; by default any.
    gone : sequence of int, default=()
        Rows that are removed already and no longer count.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (<= n_removed,)
        Distinct.
    """
    _, sizes, inverse = labelsets(Y)
    mean_size = len(Y) / len(sizes)
    stays = np.ones(len(Y), dtype=bool)
    stays[np.asarray(gone, dtype=np.intp)] = False
    free = stays if among is None else stays & among
    left, eligible = (np.bincount(inverse[rows], minlength=len(sizes)) for rows in (stays, free))
    majority = rng.permutation(np.flatnonzero((left > mean_size) & (eligible > 0)))
    room = np.minimum(np.floor(left[majority] - mean_size).astype(int), eligible[majority])
    shares = allocate(n_removed, room)
    bags = np.split(np.argsort(inverse, kind="stable"), np.cumsum(sizes)[:-1])
    drawn = [
        rng.choice(bags[bag][free[bags[bag]]], share, replace=False)
        for bag, share in zip(majority, shares, strict=True)
    ]
    return np.concatenate([*drawn, np.empty(0, dtype=np.intp)]).astype(np.intp)


@final
class LPRUS(BaseSampler):
    """Label-powerset random under-sampling: remove rows with frequent labelsets.

    Parameters
    ----------
    sampling_strategy : "auto", float, int, dict or callable, default=0.25
        Rows to remove: a share of n, a number, or for each label (rows that carry it, from labelsets more frequent than
        the mean). ``"auto"`` is 0.25, as in the paper.
    random_state : int, Generator or None, default=None

    References
    ----------
    F. Charte, A. J. Rivera, M. J. del Jesus, F. Herrera. "Addressing imbalance in multilabel classification: Measures
    and random resampling algorithms". Neurocomputing 163 (2015), section 4.1.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel import LPRUS
    >>> X = np.arange(8).reshape(8, 1)
    >>> Y = np.array([[1, 0]] * 7 + [[1, 1]])
    >>> X_res, Y_res = LPRUS(sampling_strategy=2, random_state=0).fit_resample(X, Y)
    >>> len(X_res), Y_res[:, 1].sum().item()
    (6, 1)
    """

    _allow_nan = True

    def __init__(self, *, sampling_strategy: SamplingStrategy = 0.25, random_state: RandomState = None) -> None:
        self.sampling_strategy = sampling_strategy
        self.random_state = random_state

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        budget = resolve_budget(self.sampling_strategy, Y, schema.label_names, auto=0.25)
        if budget.per_label is None:
            rows = lprus(Y, n_removed=budget.total, rng=rng)
        else:
            rows = np.empty(0, dtype=np.intp)
            for label, count in budget.per_label.items():
                rows = np.append(rows, lprus(Y, n_removed=count, among=Y[:, label], gone=rows, rng=rng))
        if len(rows) < budget.total:
            message = f"LPRUS removes {len(rows)} of {budget.total} rows: then every labelset is down to the mean size"
            warnings.warn(message, UserWarning, stacklevel=4)
        labels = np.flatnonzero(Y[rows].any(axis=0))
        return SamplingPlan("LPRUS", len(Y), schema.label_names, labels, n_removed=len(rows), rows=np.sort(rows))

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        return Resampled(plan.kept)
