"""MLTL: remove rows of frequent labels that form a Tomek link with their nearest neighbour."""

from __future__ import annotations

from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import Matrix, Resampled
from rarelabel.base import BaseSampler
from rarelabel.imbalance import ir_per_label, mean_ir, minority_labels, scumble
from rarelabel.neighbors import Metric, adjusted_hamming, embedding, nearest
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan


def adaptive_threshold(Y: NDArray[np.bool_]) -> float:
    """Threshold from the imbalance of the data: 0.5, 0.3 or 0.15 for 1 / sqrt(MeanIR) above 0.5, 0.3 or below.

    Where SCUMBLE is above 0.3 it is 0.5, since most rows then differ from their neighbours.

    Examples
    --------
    >>> adaptive_threshold(np.array([[1, 1], [1, 0], [1, 0]], dtype=bool))
    0.5
    """
    indicator = 1 / np.sqrt(mean_ir(Y))
    if indicator > 0.5 or scumble(Y) > 0.3:
        return 0.5
    return 0.3 if indicator > 0.3 else 0.15


def mltl(
    Y: NDArray[np.bool_], rows: NDArray[np.intp], neighbor: NDArray[np.intp], *, threshold: float
) -> NDArray[np.intp]:
    """Rows to remove: the candidates whose labelset differs from their nearest neighbour's (Pereira et al. 2020).

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    rows, neighbor : ndarray of int, shape (m,)
        Candidates and the nearest other row of each.
    threshold : float

    Returns
    -------
    ndarray of int
    """
    return rows[adjusted_hamming(Y[rows], Y[neighbor], over="union") > threshold]


@final
class MLTL(BaseSampler):
    """Multi-label Tomek links.

    A row that carries a majority label (IRLbl < MeanIR) goes if its labelset is further than a threshold from that of
    its nearest neighbour. Nothing is drawn at random.

    Parameters
    ----------
    threshold : "auto" or float, default="auto"
        Share of the labels of either row that differ, in [0, 1]. ``"auto"`` follows MeanIR and SCUMBLE as in the paper:
        0.5, 0.3 or 0.15.
    keep_minority : bool, default=True
        Whether rows that also carry a minority label stay.
    categorical_features : "auto", mask, indices or names, default="auto"
        Columns that hold categories besides those whose type says so.
    metric : {"heom", "vdm", "euclidean"}, default="heom"
    n_jobs : int, default=None

    Notes
    -----
    NOTE[DIFF] The authors' program removes rows of majority labels even where they carry a minority label, and so loses
    rare positives; ``keep_minority=False`` does as they do.

    References
    ----------
    R. M. Pereira, Y. M. G. Costa, C. N. Silla Jr. "MLTL: A multi-label approach for the Tomek Link undersampling
    algorithm". Neurocomputing 383 (2020).

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel import MLTL
    >>> X = np.array([[0.0], [0.1], [0.3], [0.6], [9.0], [9.1]])
    >>> Y = np.array([[1, 0, 0]] * 3 + [[0, 1, 0]] + [[1, 0, 1]] + [[1, 0, 1]])
    >>> X_res, Y_res = MLTL(threshold=0.5).fit_resample(X, Y)
    >>> X_res.ravel().tolist()
    [0.0, 0.1, 0.3, 0.6, 9.0, 9.1]
    """

    def __init__(
        self,
        *,
        threshold: float | Literal["auto"] = "auto",
        keep_minority: bool = True,
        categorical_features: Any = "auto",
        metric: Metric = "heom",
        n_jobs: int | None = None,
    ) -> None:
        self.threshold = threshold
        self.keep_minority = keep_minority
        self.categorical_features = categorical_features
        self.metric = metric
        self.n_jobs = n_jobs

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        threshold = adaptive_threshold(Y) if self.threshold == "auto" else self.threshold
        if isinstance(threshold, str) or not 0 <= threshold <= 1:
            raise ValueError(f"threshold must be 'auto' or lie in [0, 1], got {self.threshold!r}")
        majority = ir_per_label(Y) < mean_ir(Y)
        candidates = (Y & majority).any(axis=1)
        if self.keep_minority:
            candidates &= ~(Y & minority_labels(Y)).any(axis=1)
        rows = np.flatnonzero(candidates)
        E = embedding(X, schema, metric=self.metric, Y=Y)(X)
        neighbor = nearest(E, 1, queries=rows, n_jobs=self.n_jobs)[:, 0]
        gone = mltl(Y, rows, neighbor, threshold=threshold)
        return SamplingPlan(
            "MLTL", len(Y), schema.label_names, np.flatnonzero(majority), n_removed=len(gone), rows=gone
        )

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        return Resampled(plan.kept)
