"""Binary relevance: one classifier for each label, on its own."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.parallel import Parallel, delayed

from rarelabel._validation import Matrix
from rarelabel.classifiers._base import MultilabelClassifier
from rarelabel.classifiers._binary import (
    check_classifier,
    fit_binary,
    predict_and_proba_binary,
    predict_binary,
    proba_binary,
    warn_of_constant_labels,
)

__all__ = ["BinaryRelevance"]


@final
class BinaryRelevance(MultilabelClassifier):
    """One binary classifier for each label, learned on its own.

    What scikit-learn's ``MultiOutputClassifier`` does, but a label that is constant in the training rows, as rare ones
    are in some folds, is no error: its value is predicted with probability 0 or 1, and named in a warning. Y may be
    sparse, and ``predict_proba`` is one matrix.

    Parameters
    ----------
    estimator : classifier
        Copied for each label and otherwise left as it is, ``class_weight`` and ``random_state`` included.
    n_jobs : int, default=None
        Labels fitted at a time, as in joblib.

    Attributes
    ----------
    estimators_ : list of classifier or bool, shape (q,)
        A bool where the label was constant.

    Warns
    -----
    UserWarning
        Once, naming the labels that were constant.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, Y = [[0.0], [1.0], [2.0], [3.0]], [[0, 1], [0, 1], [1, 0], [1, 0]]
    >>> BinaryRelevance(LogisticRegression()).fit(X, Y).predict([[-1.0], [4.0]])
    array([[0, 1],
           [1, 0]])
    """

    def __init__(self, estimator: Any, *, n_jobs: int | None = None) -> None:
        self.estimator = estimator
        self.n_jobs = n_jobs

    def _fit(self, X: Matrix, Y: NDArray[np.bool_]) -> None:
        check_classifier(self.estimator)
        warn_of_constant_labels(Y, self.label_names_, "BinaryRelevance")
        self.estimators_ = Parallel(n_jobs=self.n_jobs)(delayed(fit_binary)(self.estimator, X, label) for label in Y.T)

    def _predict(self, X: Matrix) -> NDArray[np.bool_]:
        return np.column_stack([predict_binary(fitted, X) for fitted in self.estimators_])

    def _predict_proba(self, X: Matrix) -> NDArray[np.float64]:
        return np.column_stack([proba_binary(fitted, X) for fitted in self.estimators_])

    def _predict_with_proba(self, X: Matrix) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        predicted, proba = zip(*(predict_and_proba_binary(fitted, X) for fitted in self.estimators_), strict=True)
        return np.column_stack(predicted), np.column_stack(proba)
