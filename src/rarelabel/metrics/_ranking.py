"""How well scores order rows for each label, and labels for each row.

One sort gives all of them: of each positive the module needs only how many items, and how many positives among them,
stand before it and share its score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import validate_scores
from rarelabel.metrics._rules import PrecisionTies, Ties, Undefined, check_choice, mean_of

__all__ = [
    "average_precision_per_label",
    "coverage_error",
    "error_set_size",
    "interpolated_average_precision_per_label",
    "is_error",
    "label_ranking_average_precision",
    "mean_average_precision",
    "one_error",
    "ranking_loss",
    "roc_auc",
    "roc_auc_per_label",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_CHUNK = 2**20  # entries sorted at once; keeps the working memory at some tens of MB
_ERROR_OF_A_TIE = {"half": 0.5, "optimistic": 0.0, "pessimistic": 1.0}


@dataclass(frozen=True)
class Positives:
    """The positives of a matrix, line by line from the highest score down; all arrays have shape (p,).

    Parameters
    ----------
    line : line of each positive
    before : items of its line with a higher score
    tied : items of its line with the same score, itself included
    positives_before, positives_tied : the positives among these
    nth : 1 for the first of the positives that share a score, 2 for the next, ...
    """

    line: Ints
    before: Ints
    tied: Ints
    positives_before: Ints
    positives_tied: Ints
    nth: Ints


def roc_auc(
    Y_true: Any,
    Y_score: Any,
    *,
    average: Literal["macro", "micro"] = "macro",
    ties: Ties = "half",
    undefined: Undefined = "skip",
) -> float:
    """Area under the ROC curve: share of the pairs of a positive and a negative in the right order, in [0, 1].

    Parameters
    ----------
    Y_true : array-like, sparse matrix, DataFrame, label lists or classes, shape (n, q)
        True labels.
    Y_score : array-like, sparse matrix or DataFrame, shape (n, q)
        Scores, the larger the more likely.
    average : {"macro", "micro"}, default="macro"
        Mean over labels; or one value from the pairs of all entries of the table.
    ties : {"half", "optimistic", "pessimistic"}, default="half"
        Whether a pair of equal scores counts as half right, right or wrong.
    undefined : {"skip", "zero", "one", "nan"}, default="skip"
        What a label without a positive, or without a negative, counts.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes differ, a score is not finite (the label and row are named), or an option is unknown.

    Notes
    -----
    The defaults agree with scikit-learn's ``roc_auc_score`` where that is defined. ``ties="optimistic",
    undefined="zero"`` is what the code released with AEMLO (arXiv 2408.13078) computes: a tie is a win, and the sum
    over the labels that have a value is divided by the number of all labels.

    Examples
    --------
    >>> from rarelabel.metrics import roc_auc
    >>> Y_true, Y_score = [[1, 0], [0, 0], [1, 0]], [[0.9, 0.1], [0.4, 0.2], [0.4, 0.3]]
    >>> roc_auc(Y_true, Y_score), roc_auc(Y_true, Y_score, ties="optimistic", undefined="zero")
    (0.75, 0.5)
    """
    check_choice("average", average, Literal["macro", "micro"])
    if average == "macro":
        return mean_of(roc_auc_per_label(Y_true, Y_score, ties=ties), undefined)
    check_choice("ties", ties, Ties)
    labels, scores = validate_scores(Y_true, Y_score)
    negatives = np.sort(scores[~labels.Y])
    wins = np.searchsorted(negatives, scores[labels.Y], "left")
    draws = np.searchsorted(negatives, scores[labels.Y], "right") - wins
    right = wins.sum() + (1 - _ERROR_OF_A_TIE[ties]) * draws.sum()
    pairs = len(negatives) * len(wins)
    return mean_of(np.array([right / pairs if pairs else np.nan]), "nan" if undefined == "skip" else undefined)


def roc_auc_per_label(Y_true: Any, Y_score: Any, *, ties: Ties = "half") -> Floats:
    """Area under the ROC curve of each label, shape (q,); NaN without a positive or a negative. See :func:`roc_auc`.

    Examples
    --------
    >>> from rarelabel.metrics import roc_auc_per_label
    >>> roc_auc_per_label([[1, 0], [0, 0], [1, 0]], [[0.9, 0.1], [0.4, 0.2], [0.4, 0.3]])
    array([0.75,  nan])
    """
    labels, scores = validate_scores(Y_true, Y_score)
    wrong, pairs = _wrong_pairs(labels.Y.T, scores.T, ties)
    return np.divide(pairs - wrong, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)


def mean_average_precision(
    Y_true: Any, Y_score: Any, *, ties: PrecisionTies = "together", undefined: Undefined = "skip"
) -> float:
    """Mean over labels of the average precision (mAP), in [0, 1].

    Parameters
    ----------
    Y_true, Y_score : as in :func:`roc_auc`
    ties : {"together", "half", "optimistic", "pessimistic"}, default="together"
        Where the positives among rows of equal score stand: at the end of the tie, counted together, since no threshold
        parts them (scikit-learn); at their expected places; before or behind the negatives.
    undefined : {"skip", "zero", "one", "nan"}, default="skip"
        What a label without a positive counts.

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.metrics import mean_average_precision
    >>> mean_average_precision([[1, 0], [0, 0], [1, 0]], [[0.9, 0.1], [0.5, 0.2], [0.5, 0.3]], ties="pessimistic")
    0.8333333333333333
    """
    return mean_of(average_precision_per_label(Y_true, Y_score, ties=ties), undefined)


def average_precision_per_label(Y_true: Any, Y_score: Any, *, ties: PrecisionTies = "together") -> Floats:
    """Average precision of each label, shape (q,); NaN without a positive. See :func:`mean_average_precision`.

    Examples
    --------
    >>> from rarelabel.metrics import average_precision_per_label
    >>> average_precision_per_label([[0, 0], [1, 0]], [[0.9, 0.1], [0.5, 0.2]])
    array([0.5, nan])
    """
    labels, scores = validate_scores(Y_true, Y_score)
    return _average_precision(labels.Y.T, scores.T, ties)


def interpolated_average_precision_per_label(
    Y_true: Any, Y_score: Any, *, levels: int = 11, ties: PrecisionTies = "together"
) -> Floats:
    """Mean of the best precision at or beyond each of evenly spaced levels of recall, for each label, shape (q,).

    Parameters
    ----------
    Y_true, Y_score, ties : as in :func:`mean_average_precision`
    levels : int, default=11
        Levels of recall from 0 to 1: 11 are 0, 0.1, ..., 1, as in TREC; Mulan and utiml take 10.

    Returns
    -------
    ndarray of float, shape (q,)
        NaN for a label without a positive.

    Examples
    --------
    >>> from rarelabel.metrics import interpolated_average_precision_per_label
    >>> interpolated_average_precision_per_label([[1], [0], [1]], [[0.9], [0.5], [0.3]], levels=2)
    array([0.83333333])
    """
    if not isinstance(levels, int | np.integer) or isinstance(levels, bool) or levels < 2:
        raise ValueError(f"levels must be a whole number of at least 2, got {levels!r}")
    labels, scores = validate_scores(Y_true, Y_score)
    line, at_each = _precision_at_positives(labels.Y.T, scores.T, ties)
    values = np.full(labels.Y.shape[1], np.nan)
    ends = np.cumsum(np.bincount(line, minlength=len(values)))
    for j, precisions in enumerate(np.split(at_each, ends[:-1])):
        if len(precisions):
            best = np.maximum.accumulate(precisions[::-1])[::-1]
            recalls = np.arange(1, len(best) + 1) / len(best)
            values[j] = best[np.searchsorted(recalls, np.arange(levels) / (levels - 1))].mean()
    return values


def label_ranking_average_precision(
    Y_true: Any, Y_score: Any, *, ties: PrecisionTies = "together", undefined: Undefined = "skip"
) -> float:
    """Mean over rows of the average precision of its labels (Schapire and Singer 2000), in [0, 1].

    Parameters
    ----------
    Y_true, Y_score, ties : as in :func:`mean_average_precision`, with labels in the place of rows
    undefined : {"skip", "zero", "one", "nan"}, default="skip"
        What a row without labels counts: ``"one"`` in scikit-learn.

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.metrics import label_ranking_average_precision
    >>> label_ranking_average_precision([[1, 0], [0, 1], [0, 0]], [[0.9, 0.1], [0.5, 0.2], [0.7, 0.1]])
    0.75
    """
    labels, scores = validate_scores(Y_true, Y_score)
    return mean_of(_average_precision(labels.Y, scores, ties), undefined)


def ranking_loss(Y_true: Any, Y_score: Any, *, ties: Ties = "pessimistic", undefined: Undefined = "skip") -> float:
    """Mean over rows of the share of pairs of a label it has and one it lacks in the wrong order, in [0, 1].

    Parameters
    ----------
    Y_true, Y_score : as in :func:`roc_auc`
    ties : {"half", "optimistic", "pessimistic"}, default="pessimistic"
        Whether a pair of equal scores counts as half an error, none or one (scikit-learn, AEMLO).
    undefined : {"skip", "zero", "one", "nan"}, default="skip"
        What a row with no label or with all labels counts: ``"zero"`` in scikit-learn and in the code of AEMLO.

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.metrics import ranking_loss
    >>> Y_true, Y_score = [[1, 0, 0], [0, 0, 0]], [[0.5, 0.9, 0.5], [0.3, 0.2, 0.1]]
    >>> ranking_loss(Y_true, Y_score), ranking_loss(Y_true, Y_score, ties="half", undefined="zero")
    (1.0, 0.375)
    """
    labels, scores = validate_scores(Y_true, Y_score)
    wrong, pairs = _wrong_pairs(labels.Y, scores, ties)
    return mean_of(np.divide(wrong, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0), undefined)


def error_set_size(Y_true: Any, Y_score: Any, *, ties: Ties = "pessimistic", undefined: Undefined = "skip") -> float:
    """Mean over rows of the number of pairs of labels in the wrong order; options as in :func:`ranking_loss`.

    Examples
    --------
    >>> from rarelabel.metrics import error_set_size
    >>> error_set_size([[1, 0, 0]], [[0.5, 0.9, 0.5]])
    2.0
    """
    labels, scores = validate_scores(Y_true, Y_score)
    wrong, pairs = _wrong_pairs(labels.Y, scores, ties)
    return mean_of(np.where(pairs > 0, wrong, np.nan), undefined)


def is_error(Y_true: Any, Y_score: Any, *, ties: Ties = "pessimistic", undefined: Undefined = "skip") -> float:
    """Share of the rows with a pair of labels in the wrong order (Crammer and Singer 2003), in [0, 1].

    Options as in :func:`ranking_loss`; a row in which only ties are wrong counts what one tie does.

    Examples
    --------
    >>> from rarelabel.metrics import is_error
    >>> is_error([[1, 0, 0], [1, 0, 1]], [[0.5, 0.9, 0.5], [0.9, 0.1, 0.3]])
    0.5
    """
    labels, scores = validate_scores(Y_true, Y_score)
    wrong, pairs = _wrong_pairs(labels.Y, scores, ties)
    surely, _ = _wrong_pairs(labels.Y, scores, "optimistic")
    value = np.where(surely > 0, 1.0, _ERROR_OF_A_TIE[ties] * (wrong > 0))
    return mean_of(np.where(pairs > 0, value, np.nan), undefined)


def coverage_error(
    Y_true: Any,
    Y_score: Any,
    *,
    ties: Ties = "pessimistic",
    undefined: Undefined = "skip",
    from_zero: bool = False,
) -> float:
    """Mean over rows of how far down its ranking one must go to have met all its labels, in [1, q].

    Parameters
    ----------
    Y_true, Y_score : as in :func:`roc_auc`
    ties : {"half", "optimistic", "pessimistic"}, default="pessimistic"
        Whether a label stands at its expected place among labels of equal score, before or behind those that the row
        lacks (scikit-learn).
    undefined : {"skip", "zero", "one", "nan"}, default="skip"
        What a row without labels counts: ``"zero"`` in scikit-learn.
    from_zero : bool, default=False
        Count one step less for every row, as Schapire and Singer (2000), Mulan and mldr do. A perfect ranking of one
        label is then 0.

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.metrics import coverage_error
    >>> coverage_error([[1, 0, 1], [0, 1, 0]], [[0.9, 0.5, 0.1], [0.2, 0.8, 0.4]])
    2.0
    """
    check_choice("ties", ties, Ties)
    labels, scores = validate_scores(Y_true, Y_score)
    found = _positives(labels.Y, scores)
    last = np.flatnonzero(np.diff(found.line, append=-1))  # the lowest positive of each row
    depth = np.full(len(labels.Y), np.nan)
    places = {
        "optimistic": found.positives_tied,
        "half": found.positives_tied * (found.tied + 1) / (found.positives_tied + 1),
        "pessimistic": found.tied,
    }
    depth[found.line[last]] = (found.before + places[ties])[last] - from_zero
    return mean_of(depth, undefined)


def one_error(Y_true: Any, Y_score: Any, *, ties: Ties = "half", undefined: Undefined = "skip") -> float:
    """Share of the rows that lack the label of highest score, in [0, 1].

    Parameters
    ----------
    Y_true, Y_score : as in :func:`roc_auc`
    ties : {"half", "optimistic", "pessimistic"}, default="half"
        Where several labels share the highest score: the share of them that the row lacks; an error only if it lacks
        all; an error if it lacks any.
    undefined : {"skip", "zero", "one", "nan"}, default="skip"
        What a row without labels counts: ``"one"`` in mldr and in the code of AEMLO.

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.metrics import one_error
    >>> one_error([[1, 0, 0], [0, 1, 0]], [[0.9, 0.1, 0.2], [0.5, 0.5, 0.1]])
    0.25
    """
    check_choice("ties", ties, Ties)
    labels, scores = validate_scores(Y_true, Y_score)
    top = scores == scores.max(axis=1, keepdims=True)
    hit = (top & labels.Y).sum(axis=1) / top.sum(axis=1)
    error = {"half": 1 - hit, "optimistic": (hit == 0) * 1.0, "pessimistic": (hit < 1) * 1.0}[ties]
    return mean_of(np.where(labels.Y.any(axis=1), error, np.nan), undefined)


def _wrong_pairs(Y: NDArray[np.bool_], scores: Floats, ties: Ties) -> tuple[Floats, NDArray[np.intp]]:
    """Pairs of a positive and a negative in the wrong order in each line, and how many pairs there are."""
    check_choice("ties", ties, Ties)
    found = _positives(Y, scores)
    negatives_before = found.before - found.positives_before
    negatives_tied = found.tied - found.positives_tied
    errors = negatives_before + _ERROR_OF_A_TIE[ties] * negatives_tied
    wrong = np.bincount(found.line, weights=errors, minlength=len(Y)).astype(np.float64)
    n_positives = np.bincount(found.line, minlength=len(Y))
    return wrong, n_positives * (Y.shape[1] - n_positives)


def _average_precision(Y: NDArray[np.bool_], scores: Floats, ties: PrecisionTies) -> Floats:
    """Mean precision at the positives of each line; NaN without a positive."""
    line, at_each = _precision_at_positives(Y, scores, ties)
    n_positives = np.bincount(line, minlength=len(Y))
    total = np.bincount(line, weights=at_each, minlength=len(Y))
    return np.divide(total, n_positives, out=np.full(len(Y), np.nan), where=n_positives > 0)


def _precision_at_positives(Y: NDArray[np.bool_], scores: Floats, ties: PrecisionTies) -> tuple[Ints, Floats]:
    """Line of each positive, from the highest score down, and the precision at its place."""
    check_choice("ties", ties, PrecisionTies)
    found = _positives(Y, scores)
    met = found.positives_tied if ties == "together" else found.nth
    places = {
        "together": found.tied,
        "optimistic": found.nth,
        "half": found.nth * (found.tied + 1) / (found.positives_tied + 1),
        "pessimistic": found.tied - found.positives_tied + found.nth,
    }
    return found.line, (found.positives_before + met) / (found.before + places[ties])


def _positives(Y: NDArray[np.bool_], scores: Floats) -> Positives:
    step = max(1, _CHUNK // Y.shape[1])
    parts = [_positives_of(Y[i : i + step], scores[i : i + step], i) for i in range(0, len(Y), step)]
    return Positives(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _positives_of(Y: NDArray[np.bool_], scores: Floats, first_line: int) -> tuple[Ints, ...]:
    """The columns of :class:`Positives` for some lines, which are laid end to end so that one pass serves them all."""
    order = np.argsort(-scores, axis=1)
    ranked = np.take_along_axis(scores, order, axis=1)
    positive = np.take_along_axis(Y, order, axis=1).ravel()
    new = np.ones(ranked.shape, dtype=bool)
    new[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    start = np.flatnonzero(new)  # of each run of equal scores
    size = np.diff(start, append=new.size)
    met = np.append(0, np.cumsum(positive))  # positives among the first 0, 1, 2, ... items
    at = np.flatnonzero(positive)
    run = (np.cumsum(new) - 1)[at]
    line = at // Y.shape[1]
    before_run = met[start[run]]
    return (
        line + first_line,
        start[run] - line * Y.shape[1],
        size[run],
        before_run - met[line * Y.shape[1]],
        met[start[run] + size[run]] - before_run,
        met[at + 1] - before_run,
    )
