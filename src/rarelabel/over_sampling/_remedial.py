"""REMEDIAL: split rows in which rare and frequent labels occur together."""

from __future__ import annotations

from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.imbalance import minority_labels, scumble_per_row
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan


def remedial(
    Y: NDArray[np.bool_], rows: NDArray[np.intp], minority: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Decouple rows (Charte et al. 2019, Algorithm 1).

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    rows : ndarray of int, shape (m,)
        Rows to split.
    minority : ndarray of bool, shape (q,)

    Returns
    -------
    Y_kept : ndarray of bool, shape (n, q)
        Y with the majority labels taken out of ``rows``.
    Y_clones : ndarray of bool, shape (m, q)
        Only the majority labels of ``rows``.
    """
    Y_kept = Y.copy()
    Y_kept[rows] &= minority
    return Y_kept, Y[rows] & ~minority


@final
class REMEDIAL(BaseSampler):
    """Resampling of multi-label data by decoupling highly imbalanced labels.

    A row whose SCUMBLE is above that of the data set becomes two with the same features: the original keeps its
    minority labels, a clone appended at the end its majority ones. No positive is lost or gained.

    Parameters
    ----------
    one_sided : {"split", "keep"}, default="split"
        What happens to a row above the mean SCUMBLE whose labels are all on one side of MeanIR. ``"split"`` follows
        the paper to the letter, and one of its two halves has no labels; ``"keep"`` leaves the row whole. On emotions
        this concerns 3 of 222 rows, on birds 91 of 140.

    Notes
    -----
    REMEDIAL changes labels of original rows: those of the split rows come back with fewer labels. There is no budget,
    so there is no ``sampling_strategy``, and nothing is drawn at random.

    References
    ----------
    F. Charte, A. J. Rivera, M. J. del Jesus, F. Herrera. "Dealing with difficult minority labels in imbalanced
    multilabel data sets". Neurocomputing 326-327 (2019).

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel import REMEDIAL
    >>> X = np.arange(6).reshape(6, 1)
    >>> Y = np.array([[1, 1], [1, 0], [1, 0], [1, 0], [1, 0], [0, 1]])
    >>> X_res, Y_res = REMEDIAL().fit_resample(X, Y)
    >>> Y_res[0].tolist(), X_res[6:].tolist(), Y_res[6:].tolist()
    ([0, 1], [[0]], [[1, 0]])
    """

    _allow_nan = True

    def __init__(self, *, one_sided: Literal["split", "keep"] = "split") -> None:
        self.one_sided = one_sided

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        if self.one_sided not in ("split", "keep"):
            raise ValueError(f"one_sided must be 'split' or 'keep', got {self.one_sided!r}")
        concurrence = scumble_per_row(Y)
        split = concurrence > concurrence.mean()
        minority = minority_labels(Y)
        if self.one_sided == "keep":
            split &= (Y & minority).any(axis=1) & (Y & ~minority).any(axis=1)
        rows = np.flatnonzero(split)
        return SamplingPlan("REMEDIAL", len(Y), schema.label_names, np.flatnonzero(minority), len(rows), rows=rows)

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        assert plan.rows is not None
        Y_kept, Y_clones = remedial(Y, plan.rows, minority_labels(Y))
        return Resampled(np.append(np.arange(len(Y)), plan.rows), Y_rows=np.concatenate([Y_kept, Y_clones]))
