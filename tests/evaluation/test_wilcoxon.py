"""The signed-rank test: Demšar's worked example, SciPy, all signs counted one by one, and Holm's steps."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rarelabel.evaluation import wilcoxon_holm


def only(result):
    (comparison,) = result.comparisons
    return comparison


def against_zero(differences, **options):
    return only(wilcoxon_holm(np.column_stack([differences, np.zeros(len(differences))]), **options))


def counted_p_value(differences, zero_method):
    """The definition: of all ways to give signs to the ranks, how many are at least as far out."""
    d = np.asarray(differences, dtype=float)
    d = d[d != 0] if zero_method == "wilcox" else d
    ranks = stats.rankdata(np.abs(d))
    observed = min(ranks[d > 0].sum(), ranks[d < 0].sum())
    ranks = ranks[d != 0]
    sums = [np.dot(ranks, signs) for signs in product([0, 1], repeat=len(ranks))]
    return min(1.0, 2 * np.mean(np.array(sums) <= observed))


def test_statistic_of_the_worked_example(demsar):
    """Demšar (2006), table 2: rank sums 93 and 12 with the ranks of two zeros shared out, so 91.5 and 10.5 without."""
    found = next(c for c in wilcoxon_holm(demsar, zero_method="pratt").comparisons if c[:2] == ("C4.5", "C4.5+m"))
    assert found.statistic == 10.5
    assert (found.wins, found.ties, found.losses) == (2, 2, 10)
    assert found.p_value < 0.05


@pytest.mark.parametrize("n", [5, 12, 50])
def test_p_values_equal_those_of_scipy(n):
    d = np.random.default_rng(n).normal(0.3, 1, size=n)
    expected = stats.wilcoxon(d, method="exact")
    found = against_zero(d)
    np.testing.assert_allclose([found.statistic, found.p_value], [expected.statistic, expected.pvalue], rtol=1e-9)
    assert found.exact


@pytest.mark.parametrize("zero_method", ["wilcox", "pratt"])
def test_many_data_sets_are_judged_as_by_scipys_approximation(zero_method):
    d = np.round(np.random.default_rng(0).normal(0.1, 1, size=400), 1)
    expected = stats.wilcoxon(d, zero_method=zero_method, correction=False, method="approx")
    found = against_zero(d, zero_method=zero_method)
    np.testing.assert_allclose([found.statistic, found.p_value], [expected.statistic, expected.pvalue], rtol=1e-9)
    assert not found.exact


def test_the_approximation_meets_the_exact_value_where_one_takes_over():
    d = np.random.default_rng(1).normal(0.15, 1, size=200)
    approximate = stats.wilcoxon(d, correction=False, method="approx").pvalue
    assert against_zero(d).exact
    assert against_zero(d).p_value == pytest.approx(approximate, rel=0.02)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=2, max_size=9), st.sampled_from(["wilcox", "pratt"]))
def test_with_ties_and_zeros_the_p_value_is_the_count_of_all_signs(differences, zero_method):
    found = against_zero(differences, zero_method=zero_method)
    assert found.p_value == pytest.approx(counted_p_value(differences, zero_method))


@pytest.mark.parametrize("zero_method", ["wilcox", "pratt"])
def test_a_method_that_changes_nothing_does_not_differ(zero_method):
    found = against_zero([0.0] * 6, zero_method=zero_method)
    assert (found.p_value, found.ties, found.statistic) == (1, 6, 0)


def test_rounding_of_floats_neither_breaks_ties_nor_makes_differences():
    scores = [[0.9, 0.6], [0.4, 0.1], [12.4, 12.1], [0.1 + 0.2, 0.3], [0.5, 0.4], [0.5, 0.3]]
    found = only(wilcoxon_holm(scores))
    assert (found.wins, found.ties) == (5, 1)
    assert found.p_value == pytest.approx(counted_p_value([3, 3, 3, 0, 1, 2], "wilcox"))


def test_holm_by_hand():
    """The smallest of three p-values times 3, the next times 2, the last times 1, and none below the one before."""
    base = np.random.default_rng(5).normal(size=(8, 1))
    sizes = np.arange(1, 9)[:, None]
    gains = sizes * np.where(sizes <= [0, 1, 2], -1, 1)  # a never loses, b once by the least, c twice by the least
    result = wilcoxon_holm(np.hstack([base, base + gains]), methods=["none", "a", "b", "c"], control="none")
    ways = np.array([1, 2, 5])  # for the losses to sum to at most 0, 1 and 3
    np.testing.assert_allclose([each.p_value for each in result.comparisons], 2 * ways / 2**8)
    np.testing.assert_allclose([each.adjusted_p_value for each in result.comparisons], 2 * np.array([3, 4, 5]) / 2**8)
    assert [each.first for each in result.comparisons] == ["a", "b", "c"]
    assert {each.second for each in result.comparisons} == {"none"}


def test_all_pairs_with_holm_equal_scikit_posthocs():
    posthocs = pytest.importorskip("scikit_posthocs")
    pd = pytest.importorskip("pandas")
    scores = np.random.default_rng(2).normal(size=(12, 5)) + np.linspace(0, 1.5, 5)
    names = list("abcde")
    long = pd.DataFrame(scores, columns=names).melt(var_name="method", value_name="score")
    expected = posthocs.posthoc_wilcoxon(long, "score", "method", method="exact", p_adjust="holm")
    np.testing.assert_allclose(
        wilcoxon_holm(scores, methods=names).p_values, expected.loc[names, names].to_numpy(float), rtol=1e-9
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 6))
def test_corrected_p_values_keep_their_order_and_their_bounds(seed, k):
    scores = np.round(np.random.default_rng(seed).normal(size=(8, k)), 1)
    found = wilcoxon_holm(scores).comparisons
    p, adjusted = (np.array([getattr(each, name) for each in found]) for name in ("p_value", "adjusted_p_value"))
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1, len(p) * p + 1e-15)).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_swapping_methods_swaps_wins_and_losses():
    scores = np.random.default_rng(3).normal(size=(9, 2))
    one, other = only(wilcoxon_holm(scores)), only(wilcoxon_holm(scores[:, ::-1]))
    loss = only(wilcoxon_holm(scores, higher_is_better=False))
    assert (one.wins, one.losses) == (other.losses, other.wins) == (loss.losses, loss.wins)
    assert one.p_value == other.p_value == loss.p_value
    assert one.median_difference == -other.median_difference == loss.median_difference


def test_groups_hold_no_two_methods_that_differ():
    scores = np.random.default_rng(4).normal(size=(20, 3)) / 5 + [0, 0.1, 5]
    result = wilcoxon_holm(scores, methods=["a", "b", "c"])
    assert [set(group) for group in result.groups] == [{"a", "b"}]
    assert result.p_values[0, 2] < 0.05


def test_a_control_leaves_the_other_pairs_open(demsar):
    result = wilcoxon_holm(demsar, control="C4.5")
    assert np.isnan(result.p_values).sum() == 6
    with pytest.raises(ValueError, match=r"groups need all pairs; these methods were compared with 'C4\.5' only"):
        _ = result.groups
    assert "against C4.5, 14 data sets" in str(result)


def test_printing_puts_the_clearest_difference_first(demsar):
    lines = str(wilcoxon_holm(demsar)).splitlines()
    p = [float(line.split()[-2 if line.endswith("*") else -1]) for line in lines[2:-1]]
    assert len(p) == 6
    assert p == sorted(p)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"control": "C5"}, r"control 'C5' is not among the methods: 'C4.5', 'C4.5\+m'"),
        ({"zero_method": "zsplit"}, "zero_method must be 'wilcox' or 'pratt', got 'zsplit'"),
        ({"alpha": 5}, "alpha must lie between 0 and 1, got 5"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(demsar, options, message):
    with pytest.raises(ValueError, match=message):
        wilcoxon_holm(demsar, **options)
