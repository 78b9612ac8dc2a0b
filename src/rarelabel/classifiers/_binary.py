"""A binary estimator for one label, or the constant where the training rows show only one value of it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin, clone

from rarelabel._validation import Matrix

__all__ = [
    "check_classifier",
    "fit_binary",
    "predict_and_proba_binary",
    "predict_binary",
    "proba_binary",
    "warn_of_constant_labels",
]


def check_classifier(estimator: Any) -> None:
    """TypeError where ``estimator`` cannot be used as a classifier.

    Parameters
    ----------
    estimator : object
    """
    missing = [name for name in ("fit", "predict", "get_params") if not hasattr(estimator, name)]
    if missing or isinstance(estimator, type | RegressorMixin):
        raise TypeError(f"estimator must be an instance of a scikit-learn classifier, got {estimator!r}")


def fit_binary(estimator: Any, X: Matrix, present: NDArray[np.bool_]) -> Any:
    """Fit a copy of the estimator for one label.

    Parameters
    ----------
    estimator : classifier
    X : ndarray or csr_array, shape (n, d)
    present : ndarray of bool, shape (n,)

    Returns
    -------
    classifier or bool
        The value itself where all rows share it: many estimators refuse a single class, others give one column.
    """
    if present.all() or not present.any():
        return bool(present[0])
    return clone(estimator).fit(X, present.astype(np.int64))


def predict_binary(fitted: Any, X: Matrix) -> NDArray[np.bool_]:
    """Whether each row carries the label, shape (m,).

    Parameters
    ----------
    fitted : classifier or bool
        What :func:`fit_binary` gave.
    X : ndarray or csr_array, shape (m, d)
    """
    if isinstance(fitted, bool):
        return np.full(X.shape[0], fitted)
    return np.asarray(fitted.predict(X) == 1)


def proba_binary(fitted: Any, X: Matrix) -> NDArray[np.float64]:
    """P(label) of each row, shape (m,); 0 or 1 where the label was constant.

    Parameters
    ----------
    fitted : classifier or bool
        What :func:`fit_binary` gave.
    X : ndarray or csr_array, shape (m, d)
    """
    if isinstance(fitted, bool):
        return np.full(X.shape[0], float(fitted))
    return np.asarray(fitted.predict_proba(X)[:, list(fitted.classes_).index(1)], dtype=np.float64)


def predict_and_proba_binary(fitted: Any, X: Matrix) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Both :func:`predict_binary` and :func:`proba_binary`, one pass of trees and forests instead of two.

    Parameters
    ----------
    fitted : classifier or bool
        What :func:`fit_binary` gave.
    X : ndarray or csr_array, shape (m, d)
    """
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

    # These predict the first of the most probable classes, by definition. Others may not, for instance SVC, and where
    # they compare a decision with 0 rounding may tell the two apart.
    voting = (DecisionTreeClassifier, ExtraTreeClassifier, RandomForestClassifier, ExtraTreesClassifier)
    if type(fitted) not in voting:
        return predict_binary(fitted, X), proba_binary(fitted, X)
    proba = fitted.predict_proba(X)
    positive = list(fitted.classes_).index(1)
    return np.asarray(fitted.classes_[proba.argmax(axis=1)] == 1), proba[:, positive].astype(np.float64, copy=False)


def warn_of_constant_labels(Y: NDArray[np.bool_], names: tuple[str, ...], method: str) -> None:
    """Warn once, naming the labels that no training row or every training row carries.

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    names : tuple of str, shape (q,)
    method : str
    """
    constant = [f"{names[j]!r} (always {int(Y[0, j])})" for j in np.flatnonzero((Y[0] == Y).all(axis=0))]
    if constant:
        named = ", ".join(constant[:10]) + (f" and {len(constant) - 10} more" if len(constant) > 10 else "")
        warnings.warn(
            f"{method}: nothing to learn for labels that are constant in training, so that value is predicted "
            f"everywhere: {named}",
            UserWarning,
            stacklevel=4,
        )
