"""Names of approaches, and thresholds that maximise F1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score

from rarelabel.evaluation.approaches import BASELINES, Approach, parse_approach, tuned_thresholds
from rarelabel.over_sampling import MLROS, MLSMOTE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("none", Approach("none")),
        ("Weights", Approach("weights", class_weights=True)),
        ("THRESHOLDS", Approach("thresholds", thresholds=True)),
        ("thresholds + weights", Approach("weights+thresholds", class_weights=True, thresholds=True)),
        ("ml-smote", Approach("MLSMOTE", "MLSMOTE")),
        ("weights+ml_ros", Approach("MLROS+weights", "MLROS", class_weights=True)),
        ("mlros+thresholds+weights", Approach("MLROS+weights+thresholds", "MLROS", {}, True, True)),
    ],
)
def test_names_are_understood_in_any_case_and_order(text, expected):
    assert parse_approach(text) == expected
    assert parse_approach(expected.name) == expected


@pytest.mark.parametrize("text", ["none+weights", "mlros+mlsmote", "weights+weights", "mlros+ml-ros", "mlros+none"])
def test_what_does_not_go_together_is_refused(text):
    with pytest.raises(ValueError, match="at most one sampler, 'weights' and 'thresholds', each once"):
        parse_approach(text)


@pytest.mark.parametrize(
    ("text", "near"), [("mlsmot", "MLSMOTE"), ("mlros+treshold", "thresholds"), ("wieghts", "weights"), ("non", "none")]
)
def test_unknown_names_suggest_near_ones(text, near):
    with pytest.raises(ValueError, match=f"did you mean .*{near}"):
        parse_approach(text)


@pytest.mark.parametrize("text", ["", "mlros+", "+"])
def test_an_empty_part_is_refused(text):
    with pytest.raises(ValueError, match="''"):
        parse_approach(text)


def test_the_cheap_remedies_are_approaches_that_change_no_rows():
    assert [parse_approach(name).resamples for name in BASELINES] == [False] * 3
    assert all(parse_approach(name).make_sampler() is None for name in BASELINES)


def test_samplers_are_fresh_each_time():
    approach = Approach("mine", "MLSMOTE", {"k_neighbors": 3})
    one, two = approach.make_sampler(), approach.make_sampler()
    assert isinstance(one, MLSMOTE)
    assert one is not two
    assert one.k_neighbors == 3
    given = MLROS(random_state=1)
    made = Approach("mine", instance=given).make_sampler()
    assert made is not given
    assert repr(made) == repr(given)
    assert Approach("mine", instance=given).resamples


def best_f1(y, scores):
    """Highest F1 of all thresholds: 2 TP / (rows predicted + rows positive)."""
    return max(2 * (y & (scores >= t)).sum() / ((scores >= t).sum() + y.sum()) for t in scores)


labels_and_scores = st.tuples(st.integers(1, 12), st.integers(1, 3)).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(bool, shape),
        hnp.arrays(float, shape, elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0, -3.0, 1e300, 5e-324])),
    )
)


@given(labels_and_scores)
def test_thresholds_are_best_among_all(labels_and_scores):
    Y, scores = labels_and_scores
    thresholds = tuned_thresholds(Y, scores)
    for y, s, threshold in zip(Y.T, scores.T, thresholds, strict=True):
        if not y.any():
            assert np.isnan(threshold)
        else:
            assert f1_score(y, s >= threshold) == pytest.approx(best_f1(y, s))


@given(labels_and_scores)
def test_thresholds_do_not_hang_on_the_order_of_rows(labels_and_scores):
    Y, scores = labels_and_scores
    order = np.random.default_rng(0).permutation(len(Y))
    np.testing.assert_array_equal(tuned_thresholds(Y[order], scores[order]), tuned_thresholds(Y, scores))


def test_of_equally_good_thresholds_the_highest_is_taken():
    """After row 0: 2/3. After rows 0 to 3, two hits of four: 4/6, the same."""
    Y = np.array([[1], [0], [0], [1]], dtype=bool)
    scores = np.array([[0.9], [0.7], [0.5], [0.3]])
    assert tuned_thresholds(Y, scores).tolist() == [(0.9 + 0.7) / 2]


def test_rows_of_equal_score_are_taken_together():
    """Among the three rows at 0.5 there is one positive: F1 of {0} is 2/3, of {0..3} is 4/6; the first comes first."""
    Y = np.array([[1], [0], [1], [0]], dtype=bool)
    assert tuned_thresholds(Y, np.array([[0.8], [0.5], [0.5], [0.5]])).tolist() == [pytest.approx(0.65)]
    # a threshold inside a tie would reach F1 = 1, and there is none
    assert tuned_thresholds(Y[[2, 3]], np.array([[0.5], [0.5]])).tolist() == [0.5]


def test_a_label_that_scores_say_nothing_of_is_given_to_all():
    Y = np.array([[1], [0], [0], [0]], dtype=bool)
    threshold = tuned_thresholds(Y, np.full((4, 1), 0.2))
    assert (threshold <= 0.2).all()


def test_labels_with_too_few_positives_get_none():
    Y = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 0]], dtype=bool)
    scores = np.array([[0.9] * 3, [0.5] * 3, [0.2] * 3])
    assert np.isnan(tuned_thresholds(Y, scores)).tolist() == [False, False, True]
    assert np.isnan(tuned_thresholds(Y, scores, at_least=2)).tolist() == [True, False, True]
    assert np.isnan(tuned_thresholds(Y, scores, at_least=4)).all()
    assert np.isnan(tuned_thresholds(Y, scores, at_least=0)).tolist() == [False, False, True]


def test_the_middle_of_neighbouring_floats_is_no_lower_score():
    above = np.nextafter(0.5, 1)
    assert tuned_thresholds(np.array([[True], [False]]), np.array([[above], [0.5]])).tolist() == [above]
