"""Rows that a label model judges, and background rows that it labels."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

pytest.importorskip("torch")

from rarelabel import MLDM
from rarelabel.classifiers import BinaryRelevance
from rarelabel.encoding import TableEncoder
from rarelabel.generative._label_model import choose_believed, fit_label_model
from rarelabel.schema import Column, Schema

pytestmark = pytest.mark.filterwarnings("ignore:MLDM. only:UserWarning")
QUICK = {"training_steps": 200, "width": 64, "sampling_steps": 10, "patience": None, "random_state": 0}


def rule(X):
    """Label 0 is frequent and comes in waves, label 1 is rare; both are a function of the features."""
    return np.column_stack([np.sin(4 * X[:, 2]) > -0.5, X[:, 0] + X[:, 1] > 1.8])


@pytest.fixture(scope="module")
def table():
    X = np.random.default_rng(0).normal(size=(400, 3))
    return X, rule(X)


def resampled(table, **parameters):
    sampler = MLDM(**{**QUICK, **parameters})
    X, Y = sampler.fit_resample(*table)
    return sampler, X[400:], Y[400:].astype(bool)


def model_of(X, Y, classifier="forest", *, exclusive=False):
    labels = tuple(Column(f"l{j}", "label") for j in range(Y.shape[1]))
    schema = Schema(tuple(Column(f"x{j}") for j in range(X.shape[1])), labels, exclusive)
    encoder = TableEncoder().fit(X, schema, Y)
    return fit_label_model(classifier, encoder, X, Y, np.random.default_rng(0))


def test_log_likelihood_adds_what_each_label_says():
    X, Y = np.arange(4.0)[:, None], np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=bool)
    model = model_of(X, Y, BinaryRelevance(DummyClassifier(strategy="prior")))
    # the first label has probability 3/4, the second 1/4
    found = model.log_likelihood(X[:2], np.array([[True, True], [False, False]]))
    np.testing.assert_allclose(found, [np.log(3 / 4) + np.log(1 / 4), np.log(1 / 4) + np.log(3 / 4)])


def test_nothing_is_held_to_be_certain():
    X, Y = np.arange(4.0)[:, None], np.array([[0, 1], [0, 1], [1, 0], [1, 0]], dtype=bool)
    model = model_of(X, Y, DecisionTreeClassifier())
    np.testing.assert_allclose(model.log_likelihood(X[:1], ~Y[:1]), [2 * np.log(0.01)])


def test_labels_go_to_as_many_rows_as_asked_and_to_the_likeliest(table):
    model = model_of(*table)
    X = np.random.default_rng(1).normal(size=(200, 3))
    Y, p = model.assign(X, np.array([150, 20])), model.probabilities(X)
    assert Y.sum(axis=0).tolist() == [150, 20]
    for label in range(2):
        assert p[Y[:, label], label].min() >= p[~Y[:, label], label].max()


def test_of_classes_each_row_gets_one():
    X = np.random.default_rng(0).normal(size=(150, 1))
    Y = np.digitize(X[:, 0], [-0.5, 0.5])[:, None] == np.arange(3)
    assigned = model_of(X, Y, exclusive=True).assign(np.array([[-2.0], [0.0], [2.0]]), np.array([0, 0, 0]))
    np.testing.assert_array_equal(assigned, np.eye(3, dtype=bool))


def test_a_label_that_never_varies_is_certain():
    X, Y = np.arange(6.0)[:, None], np.array([[1, 0, 0]] * 3 + [[0, 1, 0]] * 3, dtype=bool)
    assert model_of(X, Y).probabilities(X)[:, 2].tolist() == [0.0] * 6


def test_the_candidate_believed_most_is_taken_among_the_valid():
    beliefs = np.array([[-1.0, -3.0, -2.0], [-1.0, -3.0, -2.0], [0.0, 0.0, 0.0]])
    valid = np.array([[True, True, True], [False, True, True], [False, False, False]])
    assert choose_believed(beliefs, valid).tolist() == [0, 2, -1]


def test_judged_rows_agree_better_with_the_truth(table):
    right = {}
    for name in (None, "forest"):
        _, X, Y = resampled(table, label_model=name)
        assert Y[:, 1].all()  # both are drawn for the rare label
        right[name] = (rule(X) == Y).mean()
    assert right["forest"] > right[None] + 0.05


def test_background_rows_are_further_rows_whose_labels_are_the_judges(table):
    sampler, X, Y = resampled(table, label_model="forest", background=0.5)
    plan = sampler.plan(*table)
    assert len(X) == plan.n_new == 100 + 200
    assert plan.rows_per_label == {"y1": 100}
    assert (rule(X[100:]) == Y[100:]).mean() > 0.85  # labels as drawn: 0.74
    assert 0 < Y[100:, 1].mean() < 0.7  # not drawn for the rare label


def test_background_trains_on_all_rows(table):
    X = np.random.default_rng(0).normal(size=(3000, 2))
    Y = np.column_stack([np.ones(3000, dtype=bool), X[:, 0] > 0])
    Y[:5, 0] = False
    for background, path in ((0.0, "subset"), (0.1, "all rows conditioned")):
        sampler = MLDM(**{**QUICK, "training_steps": 2}, label_model="forest", background=background)
        sampler.fit_resample(X, Y)
        assert sampler.path_ == path


def test_any_classifier_with_probabilities_may_judge(table):
    _, X, Y = resampled(table, label_model=BinaryRelevance(DecisionTreeClassifier(min_samples_leaf=5)))
    assert (rule(X) == Y).mean() > 0.95


def test_the_callers_classifier_is_not_fitted(table):
    forest = DecisionTreeClassifier()
    resampled(table, label_model=forest)
    assert not hasattr(forest, "tree_")
    assert forest.random_state is None


def test_trees_inside_the_callers_classifier_are_seeded(table):
    found = [resampled(table, label_model=BinaryRelevance(ExtraTreeClassifier(max_depth=3)))[2] for _ in range(2)]
    np.testing.assert_array_equal(*found)


def test_same_seed_same_bytes(table):
    first, second = (resampled(table, label_model="forest", background=0.25)[1:] for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert a.tobytes() == b.tobytes()


def test_one_label_alone():
    X = np.random.default_rng(0).normal(size=(200, 2))
    Y = X[:, :1] > 1
    model = model_of(X, Y)
    assert model.probabilities(X).shape == (200, 1)
    assert (model.assign(X, np.array([int(Y.sum())])) == Y).mean() > 0.95


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"label_model": "tree"}, "label_model must be None, 'forest' or a classifier with predict_proba, got 'tree'"),
        ({"label_model": LinearSVC()}, "with predict_proba, got LinearSVC"),
        ({"background": 1.0}, "background rows get their labels from a label model: set label_model='forest'"),
        ({"background": -1, "label_model": "forest"}, "background must be a share of the rows, at least 0, got -1"),
        ({"background": True, "label_model": "forest"}, "at least 0, got True"),
        ({"background": 1.0, "label_model": "forest", "train_on": "subset"}, "train_on='subset' knows S only"),
        ({"label_model": "forest", "variant": "reference"}, "variant='reference' takes every row it draws"),
        ({"n_choices": 0}, "n_choices must be an int of at least 1, got 0"),
    ],
)
def test_parameters_that_mean_nothing(table, parameters, message):
    with pytest.raises(ValueError, match=message):
        MLDM(**parameters).fit_resample(*table)
