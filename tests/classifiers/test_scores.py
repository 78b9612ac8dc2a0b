"""Scores and predictions in one form, whatever gave them."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_multilabel_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain as SklearnChain
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from rarelabel.classifiers import (
    BinaryRelevance,
    ClassifierChain,
    LabelPowerset,
    MLkNN,
    RAkEL,
    label_predictions,
    label_scores,
    label_scores_and_predictions,
)

X, Y = make_multilabel_classification(120, 6, n_classes=4, random_state=0)
X = scale(X)
TREE, LOGISTIC = DecisionTreeClassifier(max_depth=3, random_state=0), LogisticRegression()
FOREST = RandomForestClassifier(10, random_state=0)
GIVING_PROBABILITIES = [
    MultiOutputClassifier(LOGISTIC),
    OneVsRestClassifier(LOGISTIC),
    SklearnChain(LOGISTIC),
    FOREST,
    ExtraTreesClassifier(10, random_state=0),
    KNeighborsClassifier(),
    MLPClassifier((8,), solver="lbfgs", max_iter=20, random_state=0),
    TREE,
    make_pipeline(StandardScaler(), FOREST),
    make_pipeline(StandardScaler(), MultiOutputClassifier(TREE)),
    GridSearchCV(TREE, {"max_depth": [2, 3]}, cv=2),
    BinaryRelevance(LOGISTIC),
]
GIVING_DECISIONS = [
    RidgeClassifier(),
    OneVsRestClassifier(LinearSVC()),
    SklearnChain(LinearSVC()),
    make_pipeline(StandardScaler(), RidgeClassifier()),
]
GIVING_LABELS = [MultiOutputClassifier(LinearSVC()), BinaryRelevance(LinearSVC())]


def fit(classifier, X, Y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clone(classifier).fit(X, Y)


def by_label(proba):
    """P(1) of two-column matrices, one label after the other."""
    return np.column_stack([each[:, 1] for each in proba]) if isinstance(proba, list) else proba


@pytest.mark.parametrize("classifier", GIVING_PROBABILITIES, ids=str)
def test_probabilities_are_those_of_the_positive_value(classifier):
    fitted = fit(classifier, X, Y)
    scores = label_scores(fitted, X)
    assert scores.probabilities
    np.testing.assert_array_equal(scores.values, by_label(fitted.predict_proba(X)))
    predicted = label_predictions(fitted, X)
    assert predicted.dtype == bool
    np.testing.assert_array_equal(predicted, fitted.predict(X) == 1)
    assert (scores.values[predicted].mean() > 0.5) & (scores.values[~predicted].mean() < 0.5)


@pytest.mark.parametrize("classifier", GIVING_DECISIONS, ids=str)
def test_decisions_are_scores_without_a_scale(classifier):
    fitted = fit(classifier, X, Y)
    scores = label_scores(fitted, X)
    assert not scores.probabilities
    np.testing.assert_array_equal(scores.values, fitted.decision_function(X))
    if not isinstance(fitted, SklearnChain):
        np.testing.assert_array_equal(scores.values > 0, label_predictions(fitted, X))


@pytest.mark.parametrize("classifier", GIVING_LABELS, ids=str)
def test_predictions_are_the_scores_where_there_is_nothing_else(classifier):
    fitted = fit(classifier, X, Y)
    scores = label_scores(fitted, X)
    assert not scores.probabilities
    np.testing.assert_array_equal(scores.values, fitted.predict(X))


@pytest.mark.parametrize(
    "classifier",
    [FOREST, TREE, KNeighborsClassifier(), MultiOutputClassifier(TREE), OneVsRestClassifier(TREE)],
    ids=str,
)
def test_a_label_that_was_constant_in_training_has_probability_0_or_1(classifier):
    constant = Y.copy()
    constant[:, 1], constant[:, 2] = 0, 1
    fitted = fit(classifier, X, constant)
    scores = label_scores(fitted, X).values
    assert scores.shape == Y.shape
    assert (scores[:, 1] == 0).all()
    assert (scores[:, 2] == 1).all()
    np.testing.assert_array_equal(label_predictions(fitted, X)[:, 1:3], [[False, True]] * len(X))


CLASSES = np.array(["green", "red", "blue"])[np.arange(120) % 3]


@pytest.mark.parametrize("classifier", [LOGISTIC, FOREST, SVC(), RidgeClassifier(), BinaryRelevance(LOGISTIC)], ids=str)
def test_classes_have_a_column_each_in_the_order_of_classes_(classifier):
    fitted = fit(classifier, X, CLASSES)
    predicted, scores = label_predictions(fitted, X), label_scores(fitted, X)
    assert fitted.classes_.tolist() == ["blue", "green", "red"]
    assert scores.values.shape == predicted.shape == (120, 3)
    np.testing.assert_array_equal(fitted.classes_[predicted.argmax(axis=1)], fitted.predict(X))
    assert (predicted.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(scores.values.argmax(axis=1), predicted.argmax(axis=1))


def test_two_classes_with_one_decision_have_opposite_scores():
    fitted = LinearSVC().fit([[0.0], [1.0], [4.0], [5.0]], ["no", "no", "yes", "yes"])
    scores = label_scores(fitted, [[0.0], [9.0]]).values
    assert (scores[:, 0] == -scores[:, 1]).all()
    assert scores.argmax(axis=1).tolist() == [0, 1]


def test_sparse_predictions_and_probabilities():
    class Sparse(ClassifierMixin, BaseEstimator):
        classes_ = (np.arange(2),) * 2

        def predict(self, X):
            return sparse.csr_array([[0, 1], [1, 0]])

        def predict_proba(self, X):
            return sparse.lil_matrix([[0.2, 0.7], [0.6, 0.0]])

    assert label_predictions(Sparse(), None).tolist() == [[False, True], [True, False]]
    assert label_scores(Sparse(), None).values.tolist() == [[0.2, 0.7], [0.6, 0.0]]
    fitted = OneVsRestClassifier(LOGISTIC).fit(X, sparse.csr_array(Y))
    assert sparse.issparse(fitted.predict(X))
    np.testing.assert_array_equal(label_predictions(fitted, X), fitted.predict(X).toarray() == 1)


def test_labels_of_three_values_are_refused():
    three = np.column_stack([np.arange(120) % 3, np.arange(120) % 2])
    fitted = DecisionTreeClassifier().fit(X, three)
    with pytest.raises(ValueError, match=r"label 0 of the classifier has the classes \[0, 1, 2\]; expected 0 and 1"):
        label_scores(fitted, X)
    with pytest.raises(ValueError, match=r"label 0 is predicted to be .*2.* in row \d+; expected 0 or 1"):
        label_predictions(fitted, X)


def test_pairwise_decisions_are_refused():
    fitted = SVC(decision_function_shape="ovo").fit(X, np.arange(120) % 4)
    with pytest.raises(ValueError, match=r"SVC gives scores of shape \(120, 6\) for 4 labels"):
        label_scores(fitted, X)


NESTED = [
    TREE,
    ExtraTreeClassifier(random_state=0),
    FOREST,
    ExtraTreesClassifier(10, random_state=0),
    LOGISTIC,
    KNeighborsClassifier(4),  # ties
    HistGradientBoostingClassifier(max_iter=5),
    DummyClassifier(strategy="prior"),
]
OURS = [
    *(method(estimator) for estimator in NESTED for method in (BinaryRelevance, ClassifierChain)),
    ClassifierChain(TREE, order="random", random_state=1),
    LabelPowerset(FOREST),
    RAkEL(TREE, random_state=0),
    MLkNN(4),
    BinaryRelevance(LinearSVC()),
]


TAKING_NO_CLASSES = {str(each) for each in (BinaryRelevance(LinearSVC()), MultiOutputClassifier(TREE))}


@pytest.mark.parametrize("target", [Y, np.pad(Y, ((0, 0), (0, 1))), CLASSES], ids=["labels", "constant", "classes"])
@pytest.mark.parametrize("classifier", [*OURS, MultiOutputClassifier(TREE), RidgeClassifier()], ids=str)
def test_both_at_once_are_what_each_is_alone(classifier, target):
    if target is CLASSES and str(classifier) in TAKING_NO_CLASSES:
        pytest.skip("takes no classes")
    fitted = fit(classifier, X[:80], target[:80])
    scores, predicted = label_scores_and_predictions(fitted, X)
    alone = label_scores(fitted, X)
    np.testing.assert_array_equal(scores.values, alone.values)
    assert scores.probabilities is alone.probabilities
    np.testing.assert_array_equal(predicted, label_predictions(fitted, X))


def calls(monkeypatch, owner, name):
    counted, original = [], getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *args, **kwargs: counted.append(1) or original(*args, **kwargs))
    return counted


def test_neighbours_and_forests_are_asked_once(monkeypatch):
    neighbours, forest = MLkNN(3).fit(X, Y), BinaryRelevance(FOREST).fit(X, Y)
    searches = calls(monkeypatch, neighbours.index_, "kneighbors")
    label_scores_and_predictions(neighbours, X)
    assert len(searches) == 1
    passes = calls(monkeypatch, RandomForestClassifier, "predict_proba")  # which its predict calls too
    label_scores_and_predictions(forest, X)
    assert len(passes) == Y.shape[1]
