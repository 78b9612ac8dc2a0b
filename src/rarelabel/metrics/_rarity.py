"""The same measures for rare labels and for groups of labels of like frequency."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import validate_predictions, validate_scores
from rarelabel.metrics._classification import f1_per_label
from rarelabel.metrics._ranking import average_precision_per_label
from rarelabel.metrics._rules import PrecisionTies, Undefined, mean_of

__all__ = ["group_means", "label_groups", "rare_average_precision", "rare_f1", "rarest_labels"]


def rarest_labels(counts: Any, *, share: float = 0.25) -> NDArray[np.bool_]:
    """Mask of the rarest labels, shape (q,): at least ``share`` of them, and all that are as rare as the last of these.

    Parameters
    ----------
    counts : array-like of int, shape (q,)
        Positives of each label in the training data. A label with none is the rarest of all.
    share : float in (0, 1], default=0.25
        Share of the labels, by default the rarest quartile; rounded up to whole labels.

    Returns
    -------
    ndarray of bool, shape (q,)

    Raises
    ------
    ValueError
        If a count is negative or missing, or the share is out of range.

    Examples
    --------
    >>> from rarelabel.metrics import rarest_labels
    >>> rarest_labels([50, 3, 400, 3, 20]), rarest_labels([50, 3, 400, 3, 20], share=0.5)
    (array([False,  True, False,  True, False]), array([False,  True, False,  True,  True]))
    """
    counts = _check_counts(counts)
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in (0, 1], got {share!r}")
    last = int(np.ceil(share * len(counts) - 1e-9)) - 1  # a share of 0.3 of 10 labels is 3, whatever 0.3 is in binary
    return counts <= np.sort(counts)[max(last, 0)]


def rare_f1(Y_true: Any, Y_pred: Any, *, counts: Any = None, share: float = 0.25, zero_division: float = 0.0) -> float:
    """Macro F1 of the rarest labels, in [0, 1].

    Parameters
    ----------
    Y_true, Y_pred, zero_division : as in :func:`f1`
    counts : array-like of int, shape (q,), default=None
        Positives of each label in the training data; by default those of ``Y_true``.
    share : float in (0, 1], default=0.25
        Which labels are rare; see :func:`rarest_labels`.

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.metrics import rare_f1
    >>> rare_f1([[1, 0], [1, 1]], [[1, 0], [1, 0]], counts=[80, 3])
    0.0
    """
    values = f1_per_label(Y_true, Y_pred, zero_division=zero_division)
    if counts is None:
        counts = validate_predictions(Y_true, Y_pred)[0].Y.sum(axis=0)
    return mean_of(values[_rare(counts, share, len(values))], "skip")


def rare_average_precision(
    Y_true: Any,
    Y_score: Any,
    *,
    counts: Any = None,
    share: float = 0.25,
    ties: PrecisionTies = "together",
    undefined: Undefined = "skip",
) -> float:
    """Mean average precision of the rarest labels, in [0, 1].

    Parameters
    ----------
    Y_true, Y_score, ties, undefined : as in :func:`mean_average_precision`
    counts, share : as in :func:`rare_f1`

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.metrics import rare_average_precision
    >>> rare_average_precision([[1, 0], [1, 1]], [[0.9, 0.5], [0.8, 0.4]], counts=[80, 3])
    0.5
    """
    values = average_precision_per_label(Y_true, Y_score, ties=ties)
    if counts is None:
        counts = validate_scores(Y_true, Y_score)[0].Y.sum(axis=0)
    return mean_of(values[_rare(counts, share, len(values))], undefined)


def label_groups(counts: Any, *, many: int = 100, few: int = 20) -> dict[str, NDArray[np.bool_]]:
    """Masks of the labels with many, a medium number of, and few training positives, each of shape (q,).

    Parameters
    ----------
    counts : array-like of int, shape (q,)
        Positives of each label in the training data.
    many : int, default=100
        "many" are labels with more positives than this.
    few : int, default=20
        "few" are labels with fewer positives than this; "medium" are all others. Both bounds follow Liu et al. (2019),
        "Large-scale long-tailed recognition in an open world".

    Returns
    -------
    dict of ndarray of bool
        Keys ``"many"``, ``"medium"``, ``"few"``; every label is in exactly one.

    Examples
    --------
    >>> from rarelabel.metrics import label_groups
    >>> {name: mask.tolist() for name, mask in label_groups([101, 100, 19]).items()}
    {'many': [True, False, False], 'medium': [False, True, False], 'few': [False, False, True]}
    """
    counts = _check_counts(counts)
    if few > many + 1:
        raise ValueError(f"few ({few!r}) must not be above many ({many!r}) plus one: no label may be in both groups")
    return {"many": counts > many, "medium": (counts <= many) & (counts >= few), "few": counts < few}


def group_means(
    values: Any, counts: Any, *, many: int = 100, few: int = 20, undefined: Undefined = "skip"
) -> dict[str, float]:
    """Mean of any measure per label over the labels with many, a medium number of, and few training positives.

    Parameters
    ----------
    values : array-like of float, shape (q,)
        What a function ``..._per_label`` gave.
    counts, many, few : as in :func:`label_groups`
    undefined : {"skip", "zero", "one", "nan"}, default="skip"
        What a value of NaN counts.

    Returns
    -------
    dict of float
        NaN for a group without labels.

    Examples
    --------
    >>> from rarelabel.metrics import group_means
    >>> group_means([0.9, 0.7, 0.1], [500, 300, 7])
    {'many': 0.8, 'medium': nan, 'few': 0.1}
    """
    values = np.asarray(values, dtype=np.float64)
    groups = label_groups(counts, many=many, few=few)
    if values.shape != groups["few"].shape:
        raise ValueError(
            f"got values of shape {values.shape} and counts of shape {groups['few'].shape}: expected one each"
        )
    return {name: mean_of(values[mask], undefined) for name, mask in groups.items()}


def _rare(counts: Any, share: float, q: int) -> NDArray[np.bool_]:
    mask = rarest_labels(counts, share=share)
    if len(mask) != q:
        raise ValueError(f"counts has {len(mask)} values for {q} labels: pass the training positives of every label")
    return mask


def _check_counts(counts: Any) -> NDArray[np.float64]:
    counts = np.asarray(counts, dtype=np.float64)
    if counts.ndim != 1 or not counts.size:
        raise ValueError(f"counts must have one value for each label, got shape {counts.shape}")
    wrong = np.flatnonzero(~(counts >= 0))
    if len(wrong):
        raise ValueError(f"the count of label {wrong[0]} is {counts[wrong[0]]}: expected a number of rows")
    return counts
