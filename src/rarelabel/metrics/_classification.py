"""How well predicted labels agree with the true ones."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import validate_predictions
from rarelabel.metrics._rules import Undefined, check_choice, mean_of

__all__ = [
    "f1",
    "f1_per_label",
    "g_mean",
    "g_mean_per_label",
    "hamming_loss",
    "jaccard",
    "jaccard_per_label",
    "precision",
    "precision_per_label",
    "recall",
    "recall_per_label",
    "specificity",
    "specificity_per_label",
    "subset_accuracy",
]

Floats = NDArray[np.float64]
Average = Literal["macro", "micro", "samples"]
"""Mean over the labels, one value from the counts of all labels together, or mean over the rows."""


class Confusion(NamedTuple):
    """True positives, false positives, false negatives and true negatives; of each label, of each row, or of all."""

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats


def f1(Y_true: Any, Y_pred: Any, *, average: Average = "macro", zero_division: float = 0.0) -> float:
    """F1, the harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN), in [0, 1].

    Parameters
    ----------
    Y_true, Y_pred : array-like, sparse matrix, DataFrame, label lists or classes, shape (n, q)
        True and predicted labels.
    average : {"macro", "micro", "samples"}, default="macro"
        Mean over labels; one value from the summed counts; or mean over rows.
    zero_division : {0, 1, nan}, default=0
        Value of a label (or row) that is neither present nor predicted. NaN leaves it out of the mean.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the labels of the two do not match, or an option is unknown.

    Examples
    --------
    >>> from rarelabel.metrics import f1
    >>> Y_true, Y_pred = [[1, 0], [1, 1]], [[1, 0], [1, 0]]
    >>> f1(Y_true, Y_pred), f1(Y_true, Y_pred, average="micro")
    (0.5, 0.8)
    """
    return _averaged(_f1, Y_true, Y_pred, average, zero_division)


def f1_per_label(Y_true: Any, Y_pred: Any, *, zero_division: float = 0.0) -> Floats:
    """F1 of each label, shape (q,); see :func:`f1`.

    Examples
    --------
    >>> from rarelabel.metrics import f1_per_label
    >>> f1_per_label([[1, 0], [1, 1]], [[1, 0], [1, 0]])
    array([1., 0.])
    """
    return _per_label(_f1, Y_true, Y_pred, zero_division)


def precision(Y_true: Any, Y_pred: Any, *, average: Average = "macro", zero_division: float = 0.0) -> float:
    """Precision, TP / (TP + FP), in [0, 1]; undefined where nothing is predicted. Parameters as :func:`f1`.

    Examples
    --------
    >>> from rarelabel.metrics import precision
    >>> precision([[1, 0], [1, 1]], [[1, 1], [1, 1]])
    0.75
    """
    return _averaged(_precision, Y_true, Y_pred, average, zero_division)


def precision_per_label(Y_true: Any, Y_pred: Any, *, zero_division: float = 0.0) -> Floats:
    """Precision of each label, shape (q,); see :func:`precision`.

    Examples
    --------
    >>> from rarelabel.metrics import precision_per_label
    >>> precision_per_label([[1, 0], [1, 1]], [[1, 1], [1, 1]])
    array([1. , 0.5])
    """
    return _per_label(_precision, Y_true, Y_pred, zero_division)


def recall(Y_true: Any, Y_pred: Any, *, average: Average = "macro", zero_division: float = 0.0) -> float:
    """Recall, TP / (TP + FN), in [0, 1]; undefined where nothing is present. Parameters as :func:`f1`.

    Examples
    --------
    >>> from rarelabel.metrics import recall
    >>> recall([[1, 1], [1, 1]], [[1, 0], [1, 1]])
    0.75
    """
    return _averaged(_recall, Y_true, Y_pred, average, zero_division)


def recall_per_label(Y_true: Any, Y_pred: Any, *, zero_division: float = 0.0) -> Floats:
    """Recall of each label, shape (q,); see :func:`recall`.

    Examples
    --------
    >>> from rarelabel.metrics import recall_per_label
    >>> recall_per_label([[1, 1], [1, 1]], [[1, 0], [1, 1]])
    array([1. , 0.5])
    """
    return _per_label(_recall, Y_true, Y_pred, zero_division)


def specificity(Y_true: Any, Y_pred: Any, *, average: Average = "macro", zero_division: float = 0.0) -> float:
    """Specificity, TN / (TN + FP), in [0, 1]; undefined where all is present. Parameters as :func:`f1`.

    Examples
    --------
    >>> from rarelabel.metrics import specificity
    >>> specificity([[0, 0], [0, 1]], [[0, 1], [0, 1]])
    0.5
    """
    return _averaged(_specificity, Y_true, Y_pred, average, zero_division)


def specificity_per_label(Y_true: Any, Y_pred: Any, *, zero_division: float = 0.0) -> Floats:
    """Specificity of each label, shape (q,); see :func:`specificity`.

    Examples
    --------
    >>> from rarelabel.metrics import specificity_per_label
    >>> specificity_per_label([[0, 0], [0, 1]], [[0, 1], [0, 1]])
    array([1., 0.])
    """
    return _per_label(_specificity, Y_true, Y_pred, zero_division)


def jaccard(Y_true: Any, Y_pred: Any, *, average: Average = "samples", zero_division: float = 0.0) -> float:
    """Jaccard index, TP / (TP + FP + FN), in [0, 1]; over rows the "accuracy" of Godbole and Sarawagi (2004).

    Parameters as :func:`f1`, but for the average.

    Examples
    --------
    >>> from rarelabel.metrics import jaccard
    >>> jaccard([[1, 0], [1, 1]], [[1, 0], [1, 0]])
    0.75
    """
    return _averaged(_jaccard, Y_true, Y_pred, average, zero_division)


def jaccard_per_label(Y_true: Any, Y_pred: Any, *, zero_division: float = 0.0) -> Floats:
    """Jaccard index of each label, shape (q,); see :func:`jaccard`.

    Examples
    --------
    >>> from rarelabel.metrics import jaccard_per_label
    >>> jaccard_per_label([[1, 0], [1, 1]], [[1, 0], [1, 0]])
    array([1., 0.])
    """
    return _per_label(_jaccard, Y_true, Y_pred, zero_division)


def g_mean(Y_true: Any, Y_pred: Any, *, undefined: Undefined = "skip") -> float:
    """Mean over labels of the geometric mean of recall and specificity (Kubat and Matwin 1997), in [0, 1].

    A model that never predicts a rare label has 0 for it, whatever its accuracy.

    Parameters
    ----------
    Y_true, Y_pred : array-like, sparse matrix, DataFrame, label lists or classes, shape (n, q)
        True and predicted labels.
    undefined : {"skip", "zero", "one", "nan"}, default="skip"
        What a label without a positive, or without a negative, counts.

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.metrics import g_mean
    >>> round(g_mean([[1, 0], [1, 1], [0, 0]], [[1, 0], [0, 0], [0, 0]]), 4)
    0.3536
    """
    return mean_of(g_mean_per_label(Y_true, Y_pred), undefined)


def g_mean_per_label(Y_true: Any, Y_pred: Any) -> Floats:
    """Geometric mean of recall and specificity of each label, shape (q,); NaN without a positive or a negative.

    Examples
    --------
    >>> from rarelabel.metrics import g_mean_per_label
    >>> g_mean_per_label([[1, 0], [0, 0]], [[1, 0], [0, 1]])
    array([ 1., nan])
    """
    counts = _confusion(Y_true, Y_pred, 0)
    return np.sqrt(_recall(counts, np.nan) * _specificity(counts, np.nan))


def hamming_loss(Y_true: Any, Y_pred: Any) -> float:
    """Share of the entries of Y that are predicted wrongly, in [0, 1].

    Examples
    --------
    >>> from rarelabel.metrics import hamming_loss
    >>> hamming_loss([[1, 0], [1, 1]], [[1, 0], [1, 0]])
    0.25
    """
    true, pred = validate_predictions(Y_true, Y_pred)
    return float((true.Y != pred.Y).mean())


def subset_accuracy(Y_true: Any, Y_pred: Any) -> float:
    """Share of the rows of which every label is predicted rightly, in [0, 1].

    Examples
    --------
    >>> from rarelabel.metrics import subset_accuracy
    >>> subset_accuracy([[1, 0], [1, 1]], [[1, 0], [1, 0]])
    0.5
    """
    true, pred = validate_predictions(Y_true, Y_pred)
    return float((true.Y == pred.Y).all(axis=1).mean())


def _confusion(Y_true: Any, Y_pred: Any, axis: int | None) -> Confusion:
    true, pred = validate_predictions(Y_true, Y_pred)
    tp = np.asarray((true.Y & pred.Y).sum(axis=axis), dtype=np.float64)
    present, predicted = true.Y.sum(axis=axis), pred.Y.sum(axis=axis)
    of = true.Y.size if axis is None else true.Y.shape[axis]
    return Confusion(tp, predicted - tp, present - tp, of - present - predicted + tp)


def _averaged(measure: Any, Y_true: Any, Y_pred: Any, average: Average, zero_division: float) -> float:
    check_choice("average", average, Average)
    counts = _confusion(Y_true, Y_pred, {"macro": 0, "micro": None, "samples": 1}[average])
    return mean_of(np.atleast_1d(measure(counts, _zero_division(zero_division))), "skip")


def _per_label(measure: Any, Y_true: Any, Y_pred: Any, zero_division: float) -> Floats:
    return measure(_confusion(Y_true, Y_pred, 0), _zero_division(zero_division))


def _zero_division(value: Any) -> float:
    if isinstance(value, int | float | np.number) and (value in (0, 1) or value != value):
        return float(value)
    raise ValueError(f"zero_division must be 0, 1 or nan, got {value!r}")


def _f1(counts: Confusion, otherwise: float) -> Floats:
    return _ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn, otherwise)


def _precision(counts: Confusion, otherwise: float) -> Floats:
    return _ratio(counts.tp, counts.tp + counts.fp, otherwise)


def _recall(counts: Confusion, otherwise: float) -> Floats:
    return _ratio(counts.tp, counts.tp + counts.fn, otherwise)


def _specificity(counts: Confusion, otherwise: float) -> Floats:
    return _ratio(counts.tn, counts.tn + counts.fp, otherwise)


def _jaccard(counts: Confusion, otherwise: float) -> Floats:
    return _ratio(counts.tp, counts.tp + counts.fp + counts.fn, otherwise)


def _ratio(part: Floats, whole: Floats, otherwise: float) -> Floats:
    return np.divide(part, whole, out=np.full(np.shape(whole), otherwise), where=whole > 0)
