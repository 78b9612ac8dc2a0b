"""LabelPowerset: classes are labelsets, marginals are sums over them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from rarelabel.classifiers import LabelPowerset


def test_an_example_worked_by_hand():
    """Three nearest of 0: labelsets {0}, {0, 1}, {1, 2}; so P = 2/3, 2/3, 1/3. Far away all carry {2}."""
    X = [[-1.0], [0.0], [1.0], [100.0], [101.0], [102.0]]
    Y = [[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]]
    classifier = LabelPowerset(KNeighborsClassifier(3)).fit(X, Y)
    np.testing.assert_allclose(classifier.predict_proba([[0.0], [101.0]]), [[2 / 3, 2 / 3, 1 / 3], [0, 0, 1]])
    assert classifier.powerset_.members[0].tolist() == [False, False, True]
    assert classifier.powerset_.members.sum(axis=1).tolist() == [1, 1, 2, 2]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(1, 5))
def test_only_labelsets_of_the_training_rows_are_predicted(seed, n, q):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, 2)), rng.random((n, q)) < 0.4
    predicted = LabelPowerset(DecisionTreeClassifier(max_depth=2)).fit(X, Y).predict(rng.normal(size=(20, 2)))
    assert set(map(tuple, predicted.tolist())) <= set(map(tuple, Y.astype(int).tolist()))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(1, 5))
def test_with_labelset_frequencies_the_marginals_are_label_frequencies(seed, n, q):
    Y = np.random.default_rng(seed).random((n, q)) < 0.4
    classifier = LabelPowerset(DummyClassifier(strategy="prior")).fit(np.zeros((n, 1)), Y)
    np.testing.assert_allclose(classifier.predict_proba([[0.0]])[0], Y.mean(axis=0), atol=1e-12)


def test_trees_that_know_the_training_rows_give_them_back():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 3)), rng.random((50, 4)) < 0.3
    classifier = LabelPowerset(DecisionTreeClassifier()).fit(X, Y)
    np.testing.assert_array_equal(classifier.predict(X), Y)
    np.testing.assert_array_equal(classifier.predict_proba(X), Y)


def test_a_single_labelset_needs_no_estimator():
    classifier = LabelPowerset(LogisticRegression()).fit([[0.0], [1.0], [2.0]], [[1, 0], [1, 0], [1, 0]])
    assert classifier.predict([[5.0], [6.0]]).tolist() == [[1, 0], [1, 0]]
    assert classifier.predict_proba([[5.0]]).tolist() == [[1.0, 0.0]]


def test_without_probabilities_only_labels_are_predicted():
    X, Y = np.arange(6.0)[:, None] - 3, [[1, 0]] * 3 + [[1, 1]] * 3
    classifier = LabelPowerset(LinearSVC()).fit(X, Y)
    assert not hasattr(classifier, "predict_proba")
    assert classifier.predict([[-9.0], [9.0]]).tolist() == [[1, 0], [1, 1]]


def test_the_estimator_passed_is_not_fitted():
    estimator = LogisticRegression()
    LabelPowerset(estimator).fit([[0.0], [1.0]], [[1, 0], [0, 1]])
    assert not hasattr(estimator, "coef_")


def test_a_class_is_refused():
    with pytest.raises(TypeError, match="must be an instance"):
        LabelPowerset(RefusedClassifier()).fit([[0.0], [1.0]], [[1, 0], [0, 1]])


class RefusedClassifier:
    """Has nothing a classifier has, but lets itself be asked for tags."""

    def __sklearn_tags__(self):
        return LogisticRegression().__sklearn_tags__()
