"""Scores and predictions of any fitted classifier, in the one form that measures take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel.classifiers._base import MultilabelClassifier

__all__ = ["LabelScores", "label_predictions", "label_scores", "label_scores_and_predictions"]


@dataclass(frozen=True, eq=False)
class LabelScores:
    """A score for each row and label: the larger, the more likely the label.

    Parameters
    ----------
    values : ndarray of float, shape (n, q)
    probabilities : bool
        Whether they are probabilities, in [0, 1]. If not they rank rows but have no scale, as those of an SVM, or are
        the predictions themselves.
    """

    values: NDArray[np.float64]
    probabilities: bool


def label_scores(classifier: Any, X: Any) -> LabelScores:
    """Scores of each label by whatever the classifier offers.

    Parameters
    ----------
    classifier : fitted classifier
        Of this package or any other with the API of scikit-learn, pipelines and searches included. The first it has of
        ``predict_proba``, ``decision_function`` and ``predict`` is used.
    X : array-like, sparse matrix or DataFrame, shape (n, d)

    Returns
    -------
    LabelScores
        ``values`` of shape (n, q). scikit-learn's forests, trees, neighbours and ``MultiOutputClassifier`` give a list
        of matrices, one for each label: it becomes one matrix, with probability 0 or 1 where a label was constant in
        training. A classifier fitted on classes has a column for each of its ``classes_``; a Y of one column counts as
        classes in scikit-learn, so the result has two columns, except with the classifiers of this package and
        ``MultiOutputClassifier``.

    Raises
    ------
    ValueError
        If a label has other values than 0 and 1, or there are not as many scores as labels.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X, Y = [[0.0], [1.0], [2.0], [3.0]], [[0, 1, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0]]
    >>> forest = RandomForestClassifier(random_state=0).fit(X, Y)
    >>> [each.shape for each in forest.predict_proba(X)]
    [(4, 2), (4, 2), (4, 1)]
    >>> scores = label_scores(forest, X)
    >>> scores.values.shape, scores.probabilities
    ((4, 3), True)
    """
    if hasattr(classifier, "predict_proba"):
        return LabelScores(_probabilities(classifier.predict_proba(X), classifier), probabilities=True)
    if hasattr(classifier, "decision_function"):
        values = _dense(classifier.decision_function(X))
        if values.ndim == 1:  # of two classes only the second has a score
            values = np.column_stack([-values, values])
        return LabelScores(_as_many_as_labels(values, classifier), probabilities=False)
    return LabelScores(label_predictions(classifier, X).astype(np.float64), probabilities=False)


def label_predictions(classifier: Any, X: Any) -> NDArray[np.bool_]:
    """Which labels the classifier predicts for each row.

    Parameters
    ----------
    classifier : fitted classifier
        Of this package or any other with the API of scikit-learn.
    X : array-like, sparse matrix or DataFrame, shape (n, d)

    Returns
    -------
    ndarray of bool, shape (n, q)
        Where classes are predicted, a column for each of ``classes_``.

    Raises
    ------
    ValueError
        If something else than 0 and 1 is predicted for a label.

    Examples
    --------
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> label_predictions(KNeighborsClassifier(1).fit([[0.0], [5.0]], ["red", "blue"]), [[1.0]])
    array([[False,  True]])
    """
    return _indicator(classifier.predict(X), classifier)


def label_scores_and_predictions(classifier: Any, X: Any) -> tuple[LabelScores, NDArray[np.bool_]]:
    """Both :func:`label_scores` and :func:`label_predictions`, at the price of one where the classifier can.

    Parameters
    ----------
    classifier : fitted classifier
        Those of this package share the work (``predict_with_proba``); others are asked twice.
    X : array-like, sparse matrix or DataFrame, shape (n, d)

    Returns
    -------
    scores : LabelScores
    predictions : ndarray of bool, shape (n, q)

    Raises
    ------
    ValueError
        As the two functions do.

    Examples
    --------
    >>> from rarelabel.classifiers import MLkNN
    >>> fitted = MLkNN(1).fit([[0.0], [1.0], [5.0], [6.0]], [[1, 0], [1, 0], [0, 1], [0, 1]])
    >>> scores, predictions = label_scores_and_predictions(fitted, [[0.2]])
    >>> scores.values, predictions
    (array([[0.75, 0.25]]), array([[ True, False]]))
    """
    if isinstance(classifier, MultilabelClassifier) and hasattr(classifier, "predict_with_proba"):
        predicted, proba = classifier.predict_with_proba(X)
        return LabelScores(proba, probabilities=True), _indicator(predicted, classifier)
    return label_scores(classifier, X), label_predictions(classifier, X)


def _probabilities(proba: Any, classifier: Any) -> NDArray[np.float64]:
    """One matrix of what ``predict_proba`` gave."""
    if not isinstance(proba, list):
        return _as_many_as_labels(_dense(proba), classifier)
    pairs = zip(proba, classifier.classes_, strict=True)
    return np.column_stack([_positive(_dense(each), classes, j) for j, (each, classes) in enumerate(pairs)])


def _positive(proba: NDArray[np.float64], classes: Any, j: int) -> NDArray[np.float64]:
    """P(1) of the j-th label, of which training perhaps saw one value only."""
    known = np.asarray(classes).tolist()
    if not set(known) <= {0, 1}:
        raise ValueError(f"label {j} of the classifier has the classes {known}; expected 0 and 1")
    return proba[:, known.index(1)] if 1 in known else np.zeros(len(proba))


def _as_many_as_labels(values: NDArray[np.float64], classifier: Any) -> NDArray[np.float64]:
    q = len(classifier.classes_)
    if values.shape[1:] != (q,):
        raise ValueError(
            f"{type(classifier).__name__} gives scores of shape {values.shape} for {q} labels; expected one for each"
        )
    return values


def _dense(values: Any) -> NDArray[np.float64]:
    return np.asarray(values.toarray() if sparse.issparse(values) else values, dtype=np.float64)


def _indicator(predicted: Any, classifier: Any) -> NDArray[np.bool_]:
    """The indicator of what ``predict`` gave: an indicator itself, perhaps sparse, or the class of each row."""
    predicted = predicted.toarray() if sparse.issparse(predicted) else np.asarray(predicted)
    if predicted.ndim == 1:
        return np.asarray(predicted[:, None] == np.asarray(classifier.classes_))
    present = predicted == 1
    if not (present | (predicted == 0)).all():
        row, label = np.argwhere(~(present | (predicted == 0)))[0]
        raise ValueError(f"label {label} is predicted to be {predicted[row, label]!r} in row {row}; expected 0 or 1")
    return np.asarray(present)
