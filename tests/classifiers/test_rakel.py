"""RAkEL: which labelsets are drawn, and what the votes come to."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.tree import DecisionTreeClassifier

from rarelabel._random import with_seeds
from rarelabel.classifiers import LabelPowerset, RAkEL
from rarelabel.classifiers._rakel import combination, disjoint_labelsets, overlapping_labelsets

X, Y = make_multilabel_classification(120, 8, n_classes=7, random_state=1)
X = scale(X)


@pytest.mark.parametrize(("q", "size"), [(5, 1), (6, 3), (7, 7), (9, 4)])
def test_ranks_number_every_combination_once(q, size):
    found = [combination(rank, size) for rank in range(comb(q, size))]
    assert sorted(found) == list(combinations(range(q), size))


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 90), st.data())
def test_overlapping_labelsets_are_distinct_of_one_size_and_hold_every_label(q, data):
    size = data.draw(st.integers(1, q))
    least, most = -(-q // size), comb(q, size)
    m = data.draw(st.integers(least, min(most, 2 * q + least)))
    drawn = overlapping_labelsets(q, size, m, np.random.default_rng(data.draw(st.integers(0, 999))))
    assert len({tuple(labels) for labels in drawn}) == m
    assert {len(set(labels.tolist())) for labels in drawn} == {size}
    assert set(np.concatenate(drawn).tolist()) == set(range(q))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 90), st.integers(1, 12), st.integers(0, 999))
def test_disjoint_labelsets_are_a_partition(q, size, seed):
    drawn = disjoint_labelsets(q, size, np.random.default_rng(seed))
    assert sorted(np.concatenate(drawn).tolist()) == list(range(q))
    assert [len(labels) for labels in drawn[:-1]] == [size] * (len(drawn) - 1)
    assert len(drawn) == -(-q // size)


def test_every_labelset_is_drawn_equally_often():
    """1 of the 10 pairs of 5 labels would leave three without a vote, so 4 are drawn and counted."""
    rng = np.random.default_rng(0)
    tally = dict.fromkeys(combinations(range(5), 2), 0)
    for _ in range(3000):
        for labels in overlapping_labelsets(5, 2, 4, rng):
            tally[tuple(labels.tolist())] += 1
    share = np.array(list(tally.values())) / 3000
    np.testing.assert_allclose(share, 0.4, atol=0.04)


def test_votes_are_means_over_the_models_that_know_a_label():
    """Against powersets fitted one by one over the same labelsets."""
    tree = DecisionTreeClassifier(max_depth=2, max_features=1)
    classifier = RAkEL(tree, random_state=0).fit(X, Y)
    assert len(classifier.labelsets_) == 14
    votes, proba, known = np.zeros(Y.shape), np.zeros(Y.shape), np.zeros(7)
    for labels, powerset in zip(classifier.labelsets_, classifier.powersets_, strict=True):
        single = LabelPowerset(tree.set_params(random_state=powerset.estimator.random_state)).fit(X, Y[:, labels])
        votes[:, labels] += single.predict(X)
        proba[:, labels] += single.predict_proba(X)
        known[labels] += 1
    np.testing.assert_allclose(classifier.votes(X), votes / known)
    np.testing.assert_allclose(classifier.predict_proba(X), proba / known)
    np.testing.assert_array_equal(classifier.predict(X), votes / known > 0.5)


def test_the_threshold_must_be_exceeded():
    parameters = {"estimator": DecisionTreeClassifier(max_depth=2), "random_state": 3}
    votes = RAkEL(**parameters).fit(X, Y).votes(X)
    for threshold in (0.0, float(np.unique(votes)[2]), 0.9):
        predicted = RAkEL(**parameters, threshold=threshold).fit(X, Y).predict(X)
        np.testing.assert_array_equal(predicted, votes > threshold)
        assert 0 < predicted.sum() < predicted.size


def test_disjoint_labelsets_predict_what_their_one_model_does():
    classifier = RAkEL(LogisticRegression(), overlapping=False, random_state=0).fit(X, Y)
    assert sorted(map(len, classifier.labelsets_)) == [1, 3, 3]
    for labels in classifier.labelsets_:
        single = LabelPowerset(LogisticRegression()).fit(X, Y[:, labels])
        np.testing.assert_array_equal(classifier.predict(X)[:, labels], single.predict(X))
        np.testing.assert_allclose(classifier.predict_proba(X)[:, labels], single.predict_proba(X))


def test_a_labelset_of_all_labels_is_label_powerset():
    whole = LabelPowerset(LogisticRegression()).fit(X, Y).predict(X)
    for overlapping in (True, False):
        classifier = RAkEL(LogisticRegression(), labelset_size=7, overlapping=overlapping).fit(X, Y)
        np.testing.assert_array_equal(classifier.predict(X), whole)


def test_fewer_labels_than_a_labelset_holds_are_all_taken_with_one_warning():
    with pytest.warns(UserWarning, match="labelset_size=3 is more than the 2 labels there are; 2 is used") as caught:
        classifier = RAkEL(LogisticRegression()).fit(X, Y[:, :2])
    assert [each.filename for each in caught] == [__file__]
    assert [labels.tolist() for labels in classifier.labelsets_] == [[0, 1]]


def test_more_labelsets_than_there_are_is_lowered_with_one_warning():
    with pytest.warns(UserWarning, match="there are 4 distinct sets of 3 of 4 labels, n_labelsets=9 is lowered"):
        classifier = RAkEL(LogisticRegression(), n_labelsets=9).fit(X, Y[:, :4])
    assert len(classifier.labelsets_) == 4


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"labelset_size": 0}, "labelset_size must be an int of at least 1, got 0"),
        ({"n_labelsets": 2.5}, "n_labelsets must be an int of at least 1, got 2.5"),
        ({"n_labelsets": 2}, "n_labelsets=2 labelsets of 3 labels cannot hold all 7 labels: at least 3 needed"),
        ({"n_labelsets": 4, "overlapping": False}, "n_labelsets=4 is for overlapping labelsets"),
        ({"threshold": 1}, r"threshold must be in \[0, 1\), got 1"),
    ],
)
def test_wrong_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        RAkEL(LogisticRegression(), **parameters).fit(X, Y)


def test_the_seed_reaches_every_nested_estimator_and_fixes_the_result():
    nested = make_pipeline(StandardScaler(), BaggingClassifier(DecisionTreeClassifier(max_features=1), n_estimators=2))
    seeds = [
        value
        for name, value in with_seeds(nested, np.random.default_rng(0), overwrite=True).get_params().items()
        if name.endswith("random_state")
    ]
    assert len(set(seeds)) == 2
    assert None not in seeds
    with parallel_config(backend="threading"):
        proba = [
            RAkEL(nested, random_state=seed, n_jobs=jobs).fit(X, Y).predict_proba(X)
            for seed, jobs in ((0, 1), (0, 2), (1, 1))
        ]
    np.testing.assert_array_equal(proba[0], proba[1])
    assert not np.array_equal(proba[0], proba[2])


def test_models_of_an_ensemble_get_different_seeds():
    classifier = RAkEL(DecisionTreeClassifier(random_state=0), random_state=0).fit(X, Y)
    assert len({powerset.estimator.random_state for powerset in classifier.powersets_}) == 14


def test_labels_that_are_constant_are_predicted_so():
    constant = Y.copy()
    constant[:, 0], constant[:, 1] = 0, 1
    classifier = RAkEL(LogisticRegression(), random_state=0).fit(X, constant)
    for method in (classifier.predict, classifier.predict_proba, classifier.votes):
        np.testing.assert_allclose(method(X)[:, :2], [[0, 1]] * len(X))
