"""BinaryRelevance: scikit-learn's results where it copes, and the constants where it does not."""

import warnings

import numpy as np
import pytest
from joblib import parallel_config
from scipy import sparse
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import scale
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from rarelabel.classifiers import BinaryRelevance

X, Y = make_multilabel_classification(80, 6, n_classes=4, random_state=0)
X = scale(X)
ESTIMATORS = [
    LogisticRegression(class_weight="balanced"),
    DecisionTreeClassifier(max_depth=3, random_state=0),
    GaussianNB(),
]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_equals_scikit_learn_where_no_label_is_constant(estimator):
    with parallel_config(backend="threading"):
        ours, theirs = BinaryRelevance(estimator, n_jobs=2).fit(X, Y), MultiOutputClassifier(estimator).fit(X, Y)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    expected = np.column_stack([proba[:, 1] for proba in theirs.predict_proba(X)])
    np.testing.assert_array_equal(ours.predict_proba(X), expected)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_constant_labels_are_predicted_as_they_are_and_the_others_as_without_them(estimator):
    constant = np.column_stack([Y[:, 0], np.zeros(80), np.ones(80), Y[:, 3]]).astype(int)
    with pytest.warns(UserWarning, match=r"everywhere: 'y1' \(always 0\), 'y2' \(always 1\)$") as caught:
        classifier = BinaryRelevance(estimator).fit(X, constant)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert classifier.estimators_[1:3] == [False, True]
    full = BinaryRelevance(estimator).fit(X, Y)
    for method in ("predict", "predict_proba"):
        found = getattr(classifier, method)(X)
        assert found[:, 1:3].tolist() == [[0, 1]] * 80
        np.testing.assert_array_equal(found[:, [0, 3]], getattr(full, method)(X)[:, [0, 3]])


def test_sparse_labels_give_the_same_as_dense_ones():
    dense = BinaryRelevance(LogisticRegression()).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(
        BinaryRelevance(LogisticRegression()).fit(X, sparse.csr_matrix(Y)).predict_proba(X), dense
    )


def test_an_estimator_without_probabilities_predicts_all_the_same():
    classifier = BinaryRelevance(LinearSVC(random_state=0))
    assert not hasattr(classifier, "predict_proba")
    expected = MultiOutputClassifier(LinearSVC(random_state=0)).fit(X, Y).predict(X)
    np.testing.assert_array_equal(classifier.fit(X, Y).predict(X), expected)
    with pytest.raises(TypeError, match="needs an estimator with predict_proba, got LinearSVC"):
        classifier.fit(X, Y[:, 0])


def test_the_estimator_passed_is_not_touched():
    estimator = LogisticRegression(class_weight="balanced")
    classifier = BinaryRelevance(estimator).fit(X, Y)
    assert not hasattr(estimator, "coef_")
    assert [fitted.class_weight for fitted in classifier.estimators_] == ["balanced"] * 4


@pytest.mark.parametrize("wrong", [LogisticRegression, "tree", LinearRegression(), None])
def test_what_is_no_classifier_is_refused(wrong):
    with pytest.raises((TypeError, AttributeError)):
        BinaryRelevance(wrong).fit(X, Y)


def test_classes_are_told_apart_where_y_is_one_dimensional():
    y = np.array(["red", "green", "blue"])[np.digitize(X[:, 0], np.quantile(X[:, 0], [0.33, 0.66]))]
    classifier = BinaryRelevance(DecisionTreeClassifier(random_state=0)).fit(X, y)
    assert classifier.predict(X).tolist() == y.tolist()
    np.testing.assert_allclose(classifier.predict_proba(X).sum(axis=1), 1)


def test_a_row_that_no_class_wants_gets_equal_probabilities():
    y = np.array([0, 1, 2] * 10)
    X = np.eye(3)[y]
    classifier = BinaryRelevance(DecisionTreeClassifier(random_state=0)).fit(X, y)
    np.testing.assert_allclose(classifier.predict_proba([[0.0, 0, 0]]), [[1 / 3] * 3])


def test_missing_values_go_to_estimators_that_take_them():
    holes = X.astype(float)
    holes[::7, 2] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = BinaryRelevance(DecisionTreeClassifier(random_state=0)).fit(holes, Y).predict(holes)
    expected = MultiOutputClassifier(DecisionTreeClassifier(random_state=0)).fit(holes, Y).predict(holes)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match=r"NaN.*column 'x2', row 0"):
        BinaryRelevance(LogisticRegression()).fit(holes, Y)
