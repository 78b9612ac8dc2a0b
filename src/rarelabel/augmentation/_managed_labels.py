"""What a label manager decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.augmentation._inputs import as_truth
from rarelabel.augmentation._suspicious import SuspiciousLabels

__all__ = ["ManagedLabels", "ManagementScores"]


@dataclass(frozen=True)
class ManagementScores:
    """How right a label manager was, as in Tables 14 and 15 of the paper; NaN where nothing is there to count.

    Parameters
    ----------
    clean_precision : float
        Share of the labels held for clean that are right.
    clean_recall : float
        Share of the right labels that are held for clean.
    relabelled_share : float
        Share of all labels that were re-labelled.
    relabelling_accuracy : float
        Share of the re-labelled ones that are right now.
    """

    clean_precision: float
    clean_recall: float
    relabelled_share: float
    relabelling_accuracy: float


@dataclass(frozen=True, eq=False)
class ManagedLabels:
    """What :meth:`LabelManager.manage` decided about every label of every row; all arrays have shape (n, K).

    Parameters
    ----------
    given : ndarray of bool
        The labels as they came.
    labels : ndarray of bool
        The labels to train with: those given, but for the re-labelled ones.
    weights : ndarray of float
        What the loss of each counts: 1, and the probability of being clean for ambiguous ones (Eq. 10).
    clean, relabelled : ndarray of bool
    clean_probability : ndarray of float
    losses : ndarray of float
    confidences : ndarray of float, default=None
        Mean over the views, where there were any.
    label_names : tuple of str, shape (K,)
    """

    given: NDArray[np.bool_]
    labels: NDArray[np.bool_]
    weights: NDArray[np.float64]
    clean: NDArray[np.bool_]
    relabelled: NDArray[np.bool_]
    clean_probability: NDArray[np.float64] = field(repr=False)
    losses: NDArray[np.float64] = field(repr=False)
    confidences: NDArray[np.float64] | None = field(repr=False)
    label_names: tuple[str, ...] = field(repr=False)

    @property
    def ambiguous(self) -> NDArray[np.bool_]:
        """Neither clean nor re-labelled."""
        return ~(self.clean | self.relabelled)

    @property
    def positives_removed(self) -> float:
        """Share of the given positives that are negatives now; 0 where there are none."""
        return float((self.given & ~self.labels).sum() / max(self.given.sum(), 1))

    def shares(self) -> dict[str, NDArray[np.float64]]:
        """Shares of clean, re-labelled and ambiguous rows of each label, three arrays of shape (K,) that sum to 1."""
        kinds = {"clean": self.clean, "relabelled": self.relabelled, "ambiguous": self.ambiguous}
        return {name: mask.mean(axis=0) for name, mask in kinds.items()}

    def score(self, Y_true: Any) -> ManagementScores:
        """Compare with the truth, where it is known because the noise was added on purpose.

        Parameters
        ----------
        Y_true : anything :func:`~rarelabel._validation.validate_labels` takes, shape (n, K)
            Labels are matched by name where both have names, else by position.

        Returns
        -------
        ManagementScores

        Raises
        ------
        ValueError
            If shape or names differ.
        """
        truth = as_truth(Y_true, self.label_names, len(self.given))
        right = self.given == truth
        return ManagementScores(
            clean_precision=_share(right[self.clean]),
            clean_recall=_share(self.clean[right]),
            relabelled_share=_share(self.relabelled),
            relabelling_accuracy=_share((self.labels == truth)[self.relabelled]),
        )

    def suspicious(self, top: int | None = None, *, row_names: Sequence[Any] | None = None) -> SuspiciousLabels:
        """List the given labels that are probably wrong, the least probable first, for somebody to look at.

        Those are the labels not held for clean, but for the re-labelled ones whose new value is the given one: the
        views of their row confirm them.

        Parameters
        ----------
        top : int, default=None
            How many; None: all.
        row_names : sequence, shape (n,), default=None
            What to call the rows, such as file names; by default their positions.

        Returns
        -------
        SuspiciousLabels

        Raises
        ------
        ValueError
            If ``top`` is negative, or there are not as many names as rows.

        Examples
        --------
        >>> import numpy as np
        >>> from rarelabel.augmentation import LabelManager
        >>> losses = np.r_[np.linspace(0, 0.2, 30), 3.0][:, np.newaxis]
        >>> managed = LabelManager().fit(losses, np.ones((31, 1))).manage(losses, np.ones((31, 1)))
        >>> print(managed.suspicious())
        1 suspicious label
          row 30, label 'y0' given 1: clean with probability 0.000, loss 3.000
        """
        n = len(self.given)
        if top is not None and top < 0:
            raise ValueError(f"top must not be negative, got {top!r}")
        if row_names is not None and len(row_names) != n:
            raise ValueError(f"there are {len(row_names)} row_names for {n} rows")
        rows, labels = np.nonzero(~self.clean & ~(self.relabelled & (self.labels == self.given)))
        probability, losses = self.clean_probability[rows, labels], self.losses[rows, labels]
        order = np.lexsort((-losses, probability))[:top]
        rows, labels = rows[order], labels[order]
        sure = self.relabelled[rows, labels]
        return SuspiciousLabels(
            row=rows if row_names is None else _as_names(row_names)[rows],
            label=np.array(self.label_names, dtype=object)[labels],
            given=self.given[rows, labels],
            clean_probability=probability[order],
            loss=losses[order],
            confidence=None if self.confidences is None else self.confidences[rows, labels],
            suggested=np.where(sure, self.labels[rows, labels], -1).astype(np.int8),
        )


def _as_names(names: Sequence[Any]) -> NDArray[Any]:
    """One dimension, and every name as it is: tuples, dates, and numbers among texts."""
    if len({type(name) for name in names}) == 1 and (plain := np.asarray(names)).ndim == 1 and plain.dtype.kind != "M":
        return plain
    found = np.empty(len(names), dtype=object)
    found[:] = list(names)
    return found


def _share(mask: NDArray[np.bool_]) -> float:
    return float(mask.mean()) if mask.size else float("nan")
