"""Measures of one class per row, where all classes should count alike; scikit-learn does the arithmetic.

The measures of labels take a one-dimensional y too: each class is then a label against the rest. Rows that are held out
may hold one class only; each measure says what it is then, and is what scikit-learn has where that defines it.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from rarelabel._validation import Labels, validate_predictions, validate_scores
from rarelabel.metrics._ranking import roc_auc_per_label
from rarelabel.metrics._rules import Undefined, check_choice, mean_of

__all__ = ["balanced_accuracy", "class_auc", "class_f1", "class_g_mean", "matthews_corrcoef"]


def class_f1(
    y_true: Any,
    y_pred: Any,
    *,
    average: Literal["macro", "micro", "weighted"] = "macro",
    positive: Any = None,
    zero_division: float = 0.0,
) -> float:
    """F1 of classes, in [0, 1].

    Parameters
    ----------
    y_true, y_pred : array-like, shape (n,)
        True and predicted classes.
    average : {"macro", "micro", "weighted"}, default="macro"
        Mean over classes; accuracy; or mean weighted by the true rows of each class.
    positive : class, default=None
        Return F1 of this class alone: the minority class of a two-class problem.
    zero_division : {0, 1, nan}, default=0
        Value of a class that is neither present nor predicted.

    Returns
    -------
    float
        1 where a single class is all that is present and predicted. F1 of another class, ``positive``, is
        ``zero_division`` then.

    Raises
    ------
    ValueError
        If y is not one-dimensional, the lengths differ or ``positive`` is none of two or more classes.

    Examples
    --------
    >>> from rarelabel.metrics import class_f1
    >>> round(class_f1(["a", "a", "b"], ["a", "b", "b"]), 4), round(class_f1(["a", "a", "b"], ["a", "a", "a"]), 4)
    (0.6667, 0.4)
    >>> class_f1(["a", "a", "b"], ["a", "a", "a"], positive="b")
    0.0
    >>> class_f1(["a", "a"], ["a", "a"]), class_f1(["a", "a"], ["a", "a"], positive="b", zero_division=1)
    (1.0, 1.0)
    """
    check_choice("average", average, Literal["macro", "micro", "weighted"])
    true, pred, names = _codes(y_true, y_pred)
    if positive is None:
        return float(metrics.f1_score(true, pred, average=average, zero_division=zero_division))
    if positive not in names and len(names) > 1:
        raise ValueError(f"positive={positive!r} is no class; the classes are {', '.join(map(repr, names))}")
    code = [names.index(positive) if positive in names else len(names)]  # the code of a class that no row has
    return float(metrics.f1_score(true, pred, labels=code, average="macro", zero_division=zero_division))


def class_g_mean(y_true: Any, y_pred: Any) -> float:
    """Geometric mean of the recalls of all classes that occur in ``y_true`` (Kubat and Matwin 1997), in [0, 1].

    Where one class alone occurs it is the recall of that class.

    Examples
    --------
    >>> from rarelabel.metrics import class_g_mean
    >>> round(class_g_mean([0, 0, 0, 0, 1], [0, 0, 0, 1, 1]), 4), class_g_mean([0, 0, 1], [0, 0, 0])
    (0.866, 0.0)
    """
    recalls = _recalls(y_true, y_pred)
    return float(np.prod(recalls ** (1 / len(recalls))))


def balanced_accuracy(y_true: Any, y_pred: Any) -> float:
    """Mean of the recalls of all classes that occur in ``y_true``, in [0, 1].

    Where one class alone occurs it is the recall of that class.

    Examples
    --------
    >>> from rarelabel.metrics import balanced_accuracy
    >>> balanced_accuracy([0, 0, 0, 1], [0, 0, 0, 0])
    0.5
    """
    return float(_recalls(y_true, y_pred).mean())


def matthews_corrcoef(y_true: Any, y_pred: Any) -> float:
    """Matthews correlation coefficient of true and predicted classes, in [-1, 1].

    0 if one class alone is present, or predicted, even if it is the same: there is nothing to correlate.

    Examples
    --------
    >>> from rarelabel.metrics import matthews_corrcoef
    >>> matthews_corrcoef([0, 0, 1, 1], [1, 1, 0, 0])
    -1.0
    """
    true, pred, _ = _codes(y_true, y_pred)
    if (true == true[0]).all() or (pred == pred[0]).all():
        return 0.0  # as scikit-learn has it, which warns of the shape of its confusion matrix
    return float(metrics.matthews_corrcoef(true, pred))


def class_auc(y_true: Any, y_score: Any, *, classes: Any = None, undefined: Undefined = "skip") -> float:
    """Area under the ROC curve: of two classes, or the mean of each class against the rest, in [0, 1].

    Parameters
    ----------
    y_true : array-like, shape (n,)
        True classes.
    y_score : array-like, shape (n,) or (n, k)
        Scores of the second of two classes in sorted order, or of each class.
    classes : array-like, shape (k,), default=None
        The class of each column, as in ``classes_`` of a classifier; by default the classes of ``y_true``, sorted.
    undefined : {"skip", "zero", "one", "nan"}, default="skip"
        What a class that does not occur in ``y_true``, or is the only one, counts.

    Returns
    -------
    float
        Equal to scikit-learn's ``roc_auc_score(..., multi_class="ovr")`` where that is defined. NaN where ``y_true``
        holds one class only, unless ``undefined`` says otherwise: there is no pair of rows to put in order.

    Raises
    ------
    ValueError
        If the shapes do not fit or a row has a class that is not in ``classes``.

    Examples
    --------
    >>> from rarelabel.metrics import class_auc
    >>> class_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    >>> class_auc(["a", "b", "a"], [[0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.6, 0.1, 0.3]], classes=["a", "b", "c"])
    1.0
    """
    y, scores = np.asarray(y_true), np.asarray(y_score, dtype=np.float64)
    if y.ndim != 1:
        raise ValueError(f"expected one class for each row, got y_true of shape {y.shape}")
    given = np.unique(y) if classes is None else np.asarray(classes)
    if scores.ndim == 1:
        scores = np.column_stack([-scores, scores]) if len(given) != 1 else scores[:, None]
    if scores.ndim != 2 or scores.shape != (len(y), len(given)):
        raise ValueError(
            f"y_score has shape {scores.shape}: expected {len(y)} rows and {len(given)} classes, {given.tolist()}"
        )
    strange = np.flatnonzero(~np.isin(y, given))
    if len(strange):
        raise ValueError(f"row {strange[0]} has class {y[strange[0]]!r}, which is not among {given.tolist()}")
    indicator = y[:, None] == given[None, :]
    validate_scores(indicator, scores)
    return mean_of(roc_auc_per_label(indicator, scores), undefined)


def _codes(y_true: Any, y_pred: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[Any, ...]]:
    """Both as positions in the sorted classes of either."""
    true, pred = validate_predictions(y_true, y_pred)
    for labels in (true, pred):
        _check_classes(labels)
    return true.Y.argmax(axis=1), pred.Y.argmax(axis=1), true.values


def _check_classes(labels: Labels) -> None:
    if not labels.exclusive:
        raise ValueError(f"expected one class for each row (a 1-D y), got labels of shape {labels.Y.shape}")


def _recalls(y_true: Any, y_pred: Any) -> NDArray[np.float64]:
    true, pred, _ = _codes(y_true, y_pred)
    recalls: NDArray[np.float64] = metrics.recall_score(true, pred, labels=np.unique(true), average=None)
    return recalls
