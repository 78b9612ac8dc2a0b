"""The Bayesian comparisons: baycomp, the integrals written out, and laws."""

import numpy as np
import pytest
from scipy import stats

from rarelabel.evaluation import bayesian_signed_rank, correlated_t_test

RNG = np.random.default_rng(0)
SECOND = RNG.uniform(0.4, 0.9, size=14)
FIRST = SECOND + RNG.normal(0.012, 0.03, size=14)


def probabilities(result):
    return np.array([result.left, result.rope, result.right])


@pytest.mark.parametrize("rope", [0.0, 0.005, 0.02])
@pytest.mark.parametrize("prior_strength", [0.5, 3.0])
def test_signed_rank_equals_baycomp(rope, prior_strength):
    baycomp = pytest.importorskip("baycomp")
    expected = baycomp.SignedRankTest(FIRST, SECOND, rope=rope, prior=prior_strength, nsamples=20_000, random_state=1)
    found = bayesian_signed_rank(
        FIRST, SECOND, rope=rope, prior_strength=prior_strength, n_samples=20_000, random_state=1
    )
    if rope > 0:
        np.testing.assert_allclose(probabilities(found), expected.probs(), atol=0.015)
        np.testing.assert_allclose(found.samples.mean(axis=0), expected.sample.mean(axis=0), atol=0.003)
    else:  # baycomp splits the pair of the pseudo-observation with itself, the paper counts it in the region
        in_region = found.samples[:, 1].mean()
        split = found.samples.mean(axis=0) + in_region * np.array([0.5, -1, 0.5])
        np.testing.assert_allclose(split, expected.sample.mean(axis=0), atol=0.003)


def test_the_posterior_mean_is_that_of_the_dirichlet_distribution():
    """E[w_i w_j] is known in closed form, so the mean weight of each region is a sum over pairs of data sets."""
    rope, s = 0.01, 0.5
    z = np.append(0, FIRST - SECOND)
    strength = np.append(s, np.ones(len(z) - 1))
    total = strength.sum()
    moments = (np.outer(strength, strength) + np.diag(strength)) / (total * (total + 1))
    sums = z[:, None] + z
    expected = [moments[sums > 2 * rope].sum(), 0, moments[sums < -2 * rope].sum()]
    expected[1] = 1 - sum(expected)
    samples = bayesian_signed_rank(FIRST, SECOND, rope=rope, n_samples=40_000, random_state=0).samples
    error = samples.std(axis=0) / 200
    assert (np.abs(samples.mean(axis=0) - expected) < 4 * error).all()


def test_signed_rank_counts_the_samples_in_which_a_region_weighs_most():
    found = bayesian_signed_rank(FIRST, SECOND, n_samples=5000, random_state=0)
    np.testing.assert_allclose(found.samples.sum(axis=1), 1)
    most = found.samples.argmax(axis=1)
    np.testing.assert_allclose(probabilities(found), [(most == side).mean() for side in range(3)])


def test_differences_at_the_bound_of_the_region_lie_inside():
    scores = np.array([0.5, 0.6, 0.7, 0.8])
    found = bayesian_signed_rank(scores + 0.01, scores, rope=0.01, n_samples=200, random_state=0)
    assert probabilities(found).tolist() == [0, 1, 0]
    above = bayesian_signed_rank(scores + 0.011, scores, rope=0.01, n_samples=4000, random_state=0)
    assert above.left > 0.8


def test_methods_that_score_the_same_are_practically_equal():
    assert bayesian_signed_rank(SECOND, SECOND, rope=0, n_samples=100, random_state=0).rope == 1
    assert correlated_t_test(SECOND, SECOND).rope == 1


@pytest.mark.parametrize("compare", [bayesian_signed_rank, correlated_t_test])
def test_swapping_methods_or_losses_for_scores_swaps_the_sides(compare):
    options = {"n_samples": 20_000, "random_state": 0} if compare is bayesian_signed_rank else {}
    one = probabilities(compare(FIRST, SECOND, **options))
    assert one[0] > one[2] + 0.1
    np.testing.assert_allclose(probabilities(compare(SECOND, FIRST, **options))[::-1], one, atol=1e-12)
    np.testing.assert_allclose(probabilities(compare(FIRST, SECOND, higher_is_better=False, **options))[::-1], one)


def test_a_wider_region_takes_probability_from_both_sides():
    found = [probabilities(correlated_t_test(FIRST, SECOND, rope=rope)) for rope in (0, 0.01, 0.02, 0.5)]
    assert (np.diff(found, axis=0)[:, [0, 2]] <= 0).all()
    assert found[0][1] == 0
    assert found[-1][1] > 0.999


def test_the_seed_makes_the_samples_and_global_state_is_left_alone():
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    one, same = (bayesian_signed_rank(FIRST, SECOND, n_samples=5000, random_state=3).samples for _ in range(2))
    other = bayesian_signed_rank(FIRST, SECOND, n_samples=5000, random_state=4).samples
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("n_repeats", [1, 2, 7])
@pytest.mark.parametrize("rope", [0.001, 0.02])
def test_correlated_t_equals_baycomp(n_repeats, rope):
    baycomp = pytest.importorskip("baycomp")
    expected = baycomp.CorrelatedTTest.probs(FIRST, SECOND, rope=rope, runs=n_repeats)
    found = correlated_t_test(FIRST, SECOND, rope=rope, n_repeats=n_repeats)
    np.testing.assert_allclose(probabilities(found), expected, atol=1e-12)


def test_correlated_t_is_more_careful_than_the_t_test_without_correlation():
    gain = FIRST - SECOND
    found = correlated_t_test(FIRST, SECOND, rope=0)
    plain = stats.t.cdf(gain.mean() / (gain.std(ddof=1) / np.sqrt(len(gain))), len(gain) - 1)
    assert 0.5 < found.left < plain
    assert found.scale**2 == pytest.approx((1 / 14 + 1 / 13) * gain.var(ddof=1))


def test_the_interval_holds_its_share_of_the_posterior():
    found = correlated_t_test(FIRST, SECOND)
    low, high = found.interval(0.8)
    inside = stats.t.cdf([low, high], found.df, loc=found.mean, scale=found.scale)
    np.testing.assert_allclose(inside, [0.1, 0.9])
    with pytest.raises(ValueError, match="share must lie between 0 and 1, got 95"):
        found.interval(95)


def test_a_constant_gain_is_certain():
    found = correlated_t_test(SECOND + 0.02, SECOND)
    assert (found.left, found.right) == (1, 0)
    assert found.interval() == pytest.approx((0.02, 0.02))


def test_missing_scores_are_named_or_left_out():
    pd = pytest.importorskip("pandas")
    first = pd.Series([0.5, None, 0.7, 0.8], index=["birds", "yeast", "scene", "flags"])
    second = pd.Series([0.4, 0.5, 0.6, 0.8], index=first.index)
    with pytest.raises(ValueError, match="'MLSMOTE' on 'yeast'"):
        bayesian_signed_rank(first, second, names=["MLSMOTE", "none"])
    with pytest.warns(UserWarning, match="left out 1 of 4 data sets .*: 'yeast'"):
        found = bayesian_signed_rank(first, second, missing="drop", n_samples=50, random_state=0)
    assert found.n_datasets == 3
    with pytest.raises(ValueError, match="'first' on 'fold 2'"):
        correlated_t_test([0.5, None, 0.7], [0.4, 0.5, 0.6])


def test_series_of_other_data_sets_are_not_compared():
    pd = pytest.importorskip("pandas")
    first = pd.Series([0.5, 0.6], index=["birds", "yeast"])
    with pytest.raises(ValueError, match="indices of the two methods differ"):
        bayesian_signed_rank(first, first[::-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rope": -0.1}, "rope must be a number of at least 0, got -0.1"),
        ({"rope": float("nan")}, "rope must be a number of at least 0"),
        ({"prior_strength": 0}, "prior_strength must be positive, got 0"),
        ({"n_samples": 0}, "n_samples must be at least 1, got 0"),
        ({"names": ["one"]}, "expected the names of two methods"),
        ({"names": ["one", "one"]}, "names of methods are repeated: 'one'"),
        ({"random_state": "x"}, "random_state must be"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        bayesian_signed_rank(FIRST, SECOND, **options)


@pytest.mark.parametrize("n_repeats", [0, 3, 14, -2])
def test_scores_must_be_repeats_of_folds(n_repeats):
    with pytest.raises(ValueError, match=r"14 scores are not .* repeats of two folds or more"):
        correlated_t_test(FIRST, SECOND, n_repeats=n_repeats)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match=r"got shapes \(14,\) and \(13,\)"):
        correlated_t_test(FIRST, SECOND[1:])
