"""Ranks, Friedman and Nemenyi: the worked example of Demšar (2006), SciPy, scikit-posthocs, and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from rarelabel.evaluation import friedman, mean_ranks, nemenyi, score_table
from rarelabel.evaluation.statistics import rounded

# few distinct values, so that ties are common
TABLES = st.tuples(st.integers(2, 9), st.integers(2, 6)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(0, 6).map(lambda v: v / 8))
)


def random_table(n, k, seed=0, ties=False):
    scores = np.random.default_rng(seed).normal(size=(n, k)) + np.linspace(0, 1.5, k)
    return np.round(scores) if ties else scores


def test_mean_ranks_of_the_worked_example(demsar_ranked):
    ranks = mean_ranks(demsar_ranked)
    np.testing.assert_allclose(ranks.mean, [3.143, 2.000, 2.893, 1.964], atol=5e-4)
    np.testing.assert_array_equal(ranks.per_dataset[9], [2.5] * 4)  # mushroom: all alike
    np.testing.assert_array_equal(ranks.per_dataset[5], [1, 2.5, 4, 2.5])
    assert ranks.methods == demsar_ranked.methods
    assert str(ranks).splitlines()[1] == "  1.964  C4.5+m+cf"


def test_statistics_of_the_worked_example(demsar_ranked):
    found = friedman(demsar_ranked, tie_correction=False)
    assert found.chi2 == pytest.approx(9.28, abs=5e-3)
    assert found.f == pytest.approx(3.69, abs=5e-3)
    assert found.f_p_value < 0.05  # the critical value of F(3, 39) is 2.85
    assert stats.f.isf(0.05, 3, 39) == pytest.approx(2.85, abs=5e-3)


def test_critical_differences_of_the_worked_example(demsar):
    assert nemenyi(demsar, alpha=0.05).critical_difference == pytest.approx(1.25, abs=5e-3)
    assert nemenyi(demsar, alpha=0.10).critical_difference == pytest.approx(1.12, abs=5e-3)


def test_groups_of_the_worked_example(demsar):
    """At 0.05 nothing differs; at 0.10 C4.5 is worse than both variants that tune m."""
    assert nemenyi(demsar, alpha=0.05).groups == (("C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"),)
    assert nemenyi(demsar, alpha=0.10).groups == (("C4.5+m+cf", "C4.5+m", "C4.5+cf"), ("C4.5+cf", "C4.5"))


@pytest.mark.parametrize(
    ("alpha", "published"),
    [
        (0.05, [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]),
        (0.10, [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]),
    ],
)
def test_critical_values_are_those_of_the_published_table(alpha, published):
    """Table 5 (a) of the paper, for 2 to 10 methods: the studentised range over the square root of 2."""
    n = 12
    for k, q in enumerate(published, start=2):
        difference = nemenyi(random_table(n, k), alpha=alpha).critical_difference
        assert difference / np.sqrt(k * (k + 1) / (6 * n)) == pytest.approx(q, abs=1.1e-3)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("n", "k"), [(5, 3), (14, 4), (9, 12)])
def test_friedman_equals_scipy(n, k, ties):
    scores = random_table(n, k, ties=ties)
    expected = stats.friedmanchisquare(*scores.T)
    found = friedman(scores)
    np.testing.assert_allclose([found.chi2, found.p_value], [expected.statistic, expected.pvalue], rtol=1e-10)


@pytest.mark.parametrize(("n", "k", "ties"), [(5, 3, False), (14, 4, True), (9, 12, False)])
def test_nemenyi_equals_scikit_posthocs(n, k, ties):
    posthocs = pytest.importorskip("scikit_posthocs")
    scores = random_table(n, k, ties=ties)
    expected = np.asarray(posthocs.posthoc_nemenyi_friedman(scores))
    np.testing.assert_allclose(nemenyi(scores).p_values, expected, rtol=1e-6, atol=1e-12)


def test_two_methods_are_judged_as_by_the_normal_distribution():
    """For k = 2 the studentised range is that of two normal variables."""
    result = nemenyi([[1, 2]] * 6 + [[2, 1]] * 2)
    z = abs(result.mean_ranks[0] - result.mean_ranks[1]) / np.sqrt(2 * 3 / (6 * 8))
    assert result.p_values[0, 1] == pytest.approx(2 * stats.norm.sf(z))


def test_where_nothing_differs_nothing_is_found():
    same = np.ones((4, 3))
    found = friedman(same)
    assert (found.chi2, found.p_value, found.f, found.f_p_value) == (0, 1, 0, 1)
    np.testing.assert_array_equal(nemenyi(same).p_values, np.ones((3, 3)))


def test_where_all_data_sets_agree_f_is_infinite():
    found = friedman([[1, 2, 3]] * 5)
    assert found.chi2 == pytest.approx(5 * 2)
    assert (found.f, found.f_p_value) == (float("inf"), 0)


def test_methods_far_apart_stand_in_no_group():
    result = nemenyi([[1, 2, 3]] * 40, methods=["bad", "middling", "good"])
    assert result.groups == ()
    assert str(result).endswith("all methods differ")


def test_losses_rank_the_other_way_round(demsar):
    losses = score_table(1 - demsar.values)
    np.testing.assert_array_equal(mean_ranks(losses, higher_is_better=False).mean, mean_ranks(demsar).mean)
    assert friedman(losses, higher_is_better=False).chi2 == pytest.approx(friedman(losses).chi2)


def test_rounding_of_floats_makes_no_ranks():
    assert 0.1 + 0.2 != 0.3
    np.testing.assert_array_equal(mean_ranks([[0.1 + 0.2, 0.3], [1e9 * (0.1 + 0.2), 1e9 * 0.3]]).mean, [1.5, 1.5])
    assert len(set(rounded(np.array([0.9 - 0.6, 0.4 - 0.1, 12.4 - 12.1]), np.array([0.9, 0.4, 12.4])))) == 1


def test_small_differences_still_count():
    np.testing.assert_array_equal(mean_ranks([[0.3, 0.3 + 1e-10], [1e-20, 2e-20], [0.0, 1e-300]]).mean, [2, 1])


@settings(max_examples=40)
@given(TABLES)
def test_ranks_of_every_data_set_share_the_same_sum_and_ignore_scale(scores):
    ranks = mean_ranks(scores)
    k = scores.shape[1]
    np.testing.assert_allclose(ranks.per_dataset.sum(axis=1), k * (k + 1) / 2)
    np.testing.assert_array_equal(mean_ranks(np.exp(scores) * 1000).per_dataset, ranks.per_dataset)


@settings(max_examples=25, deadline=None)
@given(TABLES, st.sampled_from([0.01, 0.05, 0.3]))
def test_a_difference_is_significant_just_where_it_reaches_the_critical_one(scores, alpha):
    result = nemenyi(scores, alpha=alpha)
    apart = np.abs(result.mean_ranks[:, None] - result.mean_ranks)
    np.testing.assert_array_equal(result.p_values <= alpha, apart >= result.critical_difference)
    for group in result.groups:
        at = [result.methods.index(name) for name in group]
        assert (result.p_values[np.ix_(at, at)] > alpha).all()
    for one in result.groups:
        assert sum(set(one) <= set(other) for other in result.groups) == 1


@pytest.mark.parametrize("alpha", [0, 1, -0.1, float("nan")])
def test_alpha_must_be_a_chance(demsar, alpha):
    with pytest.raises(ValueError, match="alpha must lie between 0 and 1"):
        nemenyi(demsar, alpha=alpha)
