"""How far predicted probabilities can be taken at their word."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import validate_scores
from rarelabel.metrics._rules import check_choice

__all__ = [
    "brier_score",
    "brier_score_per_label",
    "expected_calibration_error",
    "expected_calibration_error_per_label",
    "log_loss",
    "log_loss_per_label",
]

Floats = NDArray[np.float64]
Binning = Literal["width", "mass"]


def brier_score(Y_true: Any, Y_prob: Any) -> float:
    """Mean squared difference of probabilities and labels (Brier 1950), averaged over labels, in [0, 1].

    Parameters
    ----------
    Y_true : array-like, sparse matrix, DataFrame, label lists or classes, shape (n, q)
        True labels.
    Y_prob : array-like, sparse matrix or DataFrame, shape (n, q)
        Probabilities in [0, 1].

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes differ or a value is no probability; the label and row are named.

    Examples
    --------
    >>> from rarelabel.metrics import brier_score
    >>> brier_score([[1, 0], [1, 1]], [[1.0, 0.5], [0.5, 1.0]])
    0.125
    """
    return float(brier_score_per_label(Y_true, Y_prob).mean())


def brier_score_per_label(Y_true: Any, Y_prob: Any) -> Floats:
    """Mean squared difference of probability and label, for each label, shape (q,); see :func:`brier_score`.

    Examples
    --------
    >>> from rarelabel.metrics import brier_score_per_label
    >>> brier_score_per_label([[1, 0], [1, 1]], [[1.0, 0.5], [0.0, 1.0]])
    array([0.5  , 0.125])
    """
    labels, prob = validate_scores(Y_true, Y_prob, probabilities=True)
    squares = prob - labels.Y
    return np.square(squares, out=squares).mean(axis=0)


def log_loss(Y_true: Any, Y_prob: Any, *, clip: float = 1e-15) -> float:
    """Mean negative logarithm of the probability given to the truth, averaged over labels, at least 0.

    Parameters
    ----------
    Y_true, Y_prob : as in :func:`brier_score`
    clip : float in (0, 0.5), default=1e-15
        Probabilities are taken to be at least ``clip`` away from 0 and 1, so that one sure mistake is not infinite.

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.metrics import log_loss
    >>> round(log_loss([[1, 0], [1, 1]], [[1.0, 0.5], [0.5, 1.0]]), 4)
    0.3466
    """
    return float(log_loss_per_label(Y_true, Y_prob, clip=clip).mean())


def log_loss_per_label(Y_true: Any, Y_prob: Any, *, clip: float = 1e-15) -> Floats:
    """Mean negative logarithm of the probability given to the truth, for each label; see :func:`log_loss`.

    Examples
    --------
    >>> from rarelabel.metrics import log_loss_per_label
    >>> log_loss_per_label([[1, 0], [1, 1]], [[1.0, 0.5], [0.5, 1.0]]).round(4)
    array([0.3466, 0.3466])
    """
    if not 0 < clip < 0.5:
        raise ValueError(f"clip must lie between 0 and 0.5, got {clip!r}")
    labels, prob = validate_scores(Y_true, Y_prob, probabilities=True)
    of_truth = np.where(labels.Y, prob, 1 - prob)
    return -np.log(np.clip(of_truth, clip, 1 - clip)).mean(axis=0)


def expected_calibration_error(
    Y_true: Any,
    Y_prob: Any,
    *,
    n_bins: int = 10,
    binning: Binning = "width",
    average: Literal["macro", "micro"] = "macro",
) -> float:
    """Expected calibration error: how far mean probability and share of positives lie apart, in [0, 1].

    Probabilities are put into bins; the differences are weighted by the rows in each bin (Naeini et al. 2015). For a
    rare label nearly all rows fall into the lowest bin of equal width; bins of equal mass part them.

    Parameters
    ----------
    Y_true, Y_prob : as in :func:`brier_score`
    n_bins : int, default=10
        Number of bins; those without a row count nothing.
    binning : {"width", "mass"}, default="width"
        Intervals of equal width, [0, 1/B), [1/B, 2/B), ..., [1 - 1/B, 1]; or bins of about n / B rows each. Rows of
        equal probability are never parted: they all go to the bin of the first.
    average : {"macro", "micro"}, default="macro"
        Mean over labels; or the error of all entries of the table together.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes differ, a value is no probability (the label and row are named), or an option is unknown.

    Examples
    --------
    >>> from rarelabel.metrics import expected_calibration_error
    >>> expected_calibration_error([[1], [0], [1], [1]], [[0.25], [0.25], [0.75], [0.75]])
    0.25
    """
    check_choice("average", average, Literal["macro", "micro"])
    if average == "macro":
        return float(expected_calibration_error_per_label(Y_true, Y_prob, n_bins=n_bins, binning=binning).mean())
    labels, prob = validate_scores(Y_true, Y_prob, probabilities=True)
    return _calibration_error(labels.Y.ravel(), prob.ravel(), n_bins, binning)


def expected_calibration_error_per_label(
    Y_true: Any, Y_prob: Any, *, n_bins: int = 10, binning: Binning = "width"
) -> Floats:
    """Expected calibration error of each label, shape (q,); see :func:`expected_calibration_error`.

    Examples
    --------
    >>> from rarelabel.metrics import expected_calibration_error_per_label
    >>> expected_calibration_error_per_label([[1, 0], [0, 0]], [[0.5, 0.5], [0.5, 0.0]])
    array([0.  , 0.25])
    """
    labels, prob = validate_scores(Y_true, Y_prob, probabilities=True)
    columns = zip(labels.Y.T, prob.T, strict=True)
    return np.array([_calibration_error(y, p, n_bins, binning) for y, p in columns])


def _calibration_error(y: NDArray[np.bool_], prob: Floats, n_bins: int, binning: Binning) -> float:
    if not isinstance(n_bins, int | np.integer) or isinstance(n_bins, bool) or n_bins < 1:
        raise ValueError(f"n_bins must be a whole number of at least 1, got {n_bins!r}")
    check_choice("binning", binning, Binning)
    off = prob - y
    if binning == "width":
        bins = np.minimum((prob * n_bins).astype(np.int64), n_bins - 1)
    else:
        order = np.argsort(prob)
        ranked, off, place = prob[order], off[order], np.arange(len(prob))
        place[1:][ranked[1:] == ranked[:-1]] = 0
        bins = np.maximum.accumulate(place) * n_bins // len(prob)  # a tie takes the place of its first row
    # the rows in a bin times the difference of its means is the difference of its sums
    gaps = np.bincount(bins, weights=off, minlength=n_bins)
    return float(np.abs(gaps).sum() / len(prob))
