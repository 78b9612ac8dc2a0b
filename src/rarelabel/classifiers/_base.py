"""The contract of a multi-label classifier: validate, fit on arrays, give an indicator and probabilities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from rarelabel._validation import Features, Matrix, validate, validate_features
from rarelabel.schema import Column

__all__ = ["MultilabelClassifier"]


def _gives_probabilities(classifier: Any) -> bool:
    """Whether what the classifier is built on has ``predict_proba``."""
    return not hasattr(classifier, "estimator") or hasattr(classifier.estimator, "predict_proba")


class MultilabelClassifier(ClassifierMixin, BaseEstimator, ABC):
    """Base of the classifiers: the inputs are checked here, the methods below see arrays only.

    Attributes
    ----------
    classes_ : ndarray, shape (q, 2) or (q,)
        ``[0, 1]`` for each label; the classes where Y was one-dimensional.
    label_names_ : tuple of str, shape (q,)
    schema_ : Schema
        The kinds of the columns of the training table.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, shape (d,)
        Only where X came with column names.
    """

    def fit(self, X: Any, Y: Any) -> MultilabelClassifier:
        """Learn from a table.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame, shape (n, d)
            Numbers and booleans; encode categories first.
        Y : array-like, sparse matrix, DataFrame or list of label lists, n rows
            A one-dimensional Y holds the class of each row.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If the inputs or parameters cannot be used; the message names the column or label.
        """
        table = validate(X, Y, **self._door())
        if not get_tags(self).input_tags.categorical:
            _refuse_categories(table.schema.features)
        validate_data(self, X, skip_check_array=True)
        if table.labels.exclusive and not _gives_probabilities(self):
            raise TypeError(
                f"Y is one-dimensional, and {type(self).__name__} picks the most probable class of each row: "
                f"it needs an estimator with predict_proba, got {self.estimator!r}"
            )
        self.schema_, self.label_names_ = table.schema, table.schema.label_names
        self.classes_ = np.tile([0, 1], (table.Y.shape[1], 1))
        if table.labels.exclusive:
            self.classes_ = np.array(table.labels.values)
        self._fit(self._handed_on(table.X), table.Y)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the labels of rows.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame, shape (m, d)

        Returns
        -------
        ndarray of int, shape (m, q)
            1 where a row carries a label, whatever container Y had. Where Y was one-dimensional, the most probable
            class of each row, shape (m,).
        """
        rows = self._rows(X)
        if not self.schema_.exclusive:
            return self._predict(rows).astype(np.int64)
        return self.classes_[np.argmax(self._exclusive_proba(rows), axis=1)]

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Estimate the probability of each label.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame, shape (m, d)

        Returns
        -------
        ndarray of float, shape (m, q)
            P(label) in [0, 1]; rows sum to 1 only where Y was one-dimensional. Absent where the nested estimator has
            no ``predict_proba``.
        """
        rows = self._rows(X)
        return self._exclusive_proba(rows) if self.schema_.exclusive else self._predict_proba(rows)

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_with_proba(self, X: Any) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Give what ``predict`` and ``predict_proba`` give, and do the work they share once.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame, shape (m, d)

        Returns
        -------
        predicted : ndarray of int, shape (m, q), or the class of each row, shape (m,)
        proba : ndarray of float, shape (m, q)
        """
        rows = self._rows(X)
        if not self.schema_.exclusive:
            predicted, proba = self._predict_with_proba(rows)
            return predicted.astype(np.int64), proba
        proba = self._exclusive_proba(rows)
        return self.classes_[np.argmax(proba, axis=1)], proba

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of rows all of whose labels are predicted right: subset accuracy, a hard measure for many labels.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame, shape (m, d)
        y : array-like, sparse matrix or DataFrame, m rows
            An indicator, or the class of each row.
        sample_weight : array-like, shape (m,), default=None

        Returns
        -------
        float
            In [0, 1].
        """
        return float(super().score(X, y, sample_weight=sample_weight))

    @abstractmethod
    def _fit(self, X: Matrix, Y: NDArray[np.bool_]) -> None:
        """Learn from arrays."""

    @abstractmethod
    def _predict(self, X: Matrix) -> NDArray[np.bool_]:
        """Labels of rows, shape (m, q)."""

    @abstractmethod
    def _predict_proba(self, X: Matrix) -> NDArray[np.float64]:
        """P(label) of rows, shape (m, q)."""

    def _predict_with_proba(self, X: Matrix) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Both of the above; overridden where they share work."""
        return self._predict(X), self._predict_proba(X)

    def _rows(self, X: Any) -> Matrix:
        check_is_fitted(self)
        features = validate_features(X, **self._door())
        if not get_tags(self).input_tags.categorical:
            _refuse_categories(features.columns)
        validate_data(self, X, reset=False, skip_check_array=True)
        return self._encoded(features)

    def _encoded(self, features: Features) -> Any:
        """What the methods below get of rows; overridden where the kinds of columns matter."""
        return self._handed_on(features.X)

    def _door(self) -> dict[str, Any]:
        """How X is read."""
        categorical = getattr(self, "categorical_features", "auto")
        return {"allow_nan": get_tags(self).input_tags.allow_nan, "categorical_features": categorical}

    def _handed_on(self, X: Matrix) -> Matrix:
        """X as nested estimators of other libraries take it: LightGBM knows sparse matrices, but no sparse arrays."""
        return sparse.csr_matrix(X) if sparse.issparse(X) and hasattr(self, "estimator") else X  # shares the numbers

    def _exclusive_proba(self, X: Matrix) -> NDArray[np.float64]:
        """P(class) where each row has exactly one: the probabilities of the labels, made to sum to one."""
        proba = self._predict_proba(X)
        total = proba.sum(axis=1, keepdims=True)
        return np.where(total > 0, proba / np.where(total > 0, total, 1), 1 / proba.shape[1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.multi_output = True
        if hasattr(self, "estimator"):
            nested = get_tags(self.estimator).input_tags
            tags.input_tags.sparse, tags.input_tags.allow_nan = nested.sparse, nested.allow_nan
        else:
            tags.input_tags.sparse = True
        return tags


def _refuse_categories(columns: tuple[Column, ...]) -> None:
    for column in columns:
        if column.kind == "category" and column.categories != (False, True):
            raise ValueError(
                f"column {column.name!r} holds categories ({', '.join(map(repr, column.categories[:3]))}, ...): "
                "could not convert string to float; encode it first, as with OneHotEncoder in a ColumnTransformer"
            )
