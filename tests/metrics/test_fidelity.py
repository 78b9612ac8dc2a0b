"""Labels and single columns of new rows: worked values, laws, SciPy's distance, known shifts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse, stats

from rarelabel import metrics as m
from rarelabel.schema import Column, Schema


@st.composite
def numeric_pairs(draw):
    d = draw(st.integers(1, 4))
    value = st.one_of(st.integers(-3, 3).map(float), st.just(float("nan")), st.floats(-5, 5, width=16))
    return tuple(draw(hnp.arrays(np.float64, (draw(st.integers(1, 8)), d), elements=value)) for _ in range(2))


def slow_wasserstein(real, new):
    real, new = real[~np.isnan(real)], new[~np.isnan(new)]
    if not len(real) or not len(new):
        return np.nan
    if np.ptp(real) == 0:
        return np.mean(new != real[0])
    return stats.wasserstein_distance(real, new) / real.std()


@given(pair=numeric_pairs())
@settings(max_examples=150)
def test_wasserstein_is_scipys_over_the_deviation_dense_and_sparse(pair):
    real, new = pair
    expected = [slow_wasserstein(r, n) for r, n in zip(real.T, new.T, strict=True)]
    np.testing.assert_allclose(m.wasserstein_per_column(real, new), expected, rtol=1e-6, atol=1e-9)
    found = m.wasserstein_per_column(sparse.csr_array(real), sparse.csr_array(new))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    defined = np.array(expected)[~np.isnan(expected)]
    assert m.wasserstein(real, new) == pytest.approx(defined.mean() if len(defined) else np.nan, nan_ok=True)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_wasserstein_worked_out_by_hand(container):
    """Real 0, 4 (deviation 2); new 0, 0, 4, 8: quantiles 0, 0, 4, 4 against 0, 0, 4, 8 cost 4/4 = 1, so 1/2."""
    real, new = np.array([[0.0], [4.0]]), np.array([[0.0], [0.0], [4.0], [8.0]])
    assert m.wasserstein(container(real), container(new)) == pytest.approx(0.5)


def test_a_shift_of_s_deviations_is_s_and_units_do_not_matter():
    rng = np.random.default_rng(0)
    X = rng.gamma(2.0, size=(200, 3))
    shifted = X + [0.5, 1, 3] * X.std(axis=0)
    np.testing.assert_allclose(m.wasserstein_per_column(X, shifted), [0.5, 1, 3])
    other = rng.normal(size=(70, 3))
    scale, offset = np.array([1e-6, -7.0, 1e5]), np.array([3.0, 0.0, -1e4])
    np.testing.assert_allclose(
        m.wasserstein_per_column(X * scale + offset, other * scale + offset), m.wasserstein_per_column(X, other)
    )
    assert m.wasserstein(X, X[rng.permutation(200)]) == 0  # exactly: the counts are whole numbers
    assert m.wasserstein(X, np.repeat(X, 3, axis=0)) == 0


def test_many_columns_go_in_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    real, new = rng.normal(size=(30, 7)), rng.normal(size=(11, 7))
    codes, more = rng.integers(3, size=(30, 7)), rng.integers(3, size=(11, 7))
    whole = m.wasserstein_per_column(real, new), m.total_variation(codes, more, categorical_features=range(7))
    monkeypatch.setattr("rarelabel.metrics._fidelity._BLOCK", 90)
    np.testing.assert_array_equal(m.wasserstein_per_column(real, new), whole[0])
    assert m.total_variation(codes, more, categorical_features=range(7)) == whole[1]


def test_constant_columns_count_the_rows_that_left():
    real = np.column_stack([np.full(5, 0.1), np.arange(5.0), np.zeros(5)])
    new = np.column_stack([[0.1, 0.1, 0.3, 0.1], np.arange(4.0), [0, 9, 9, 0]])
    for container in (np.asarray, sparse.csr_array):
        values = m.wasserstein_per_column(container(real), container(new))
        assert values[[0, 2]].tolist() == [0.25, 0.5]


def test_total_variation_worked_out_by_hand():
    """real: a 1/2, b 1/2; new: a 1/4, b 1/4, c 1/4, missing 1/4: half of (1/4 + 1/4 + 1/4 + 1/4)."""
    real = [["a", 1.5], ["b", 2.5]]
    new = [["a", 1.5], ["b", 1.0], ["c", 1.0], [None, 1.0]]
    np.testing.assert_array_equal(m.total_variation_per_column(real, new), [0.5, np.nan])
    assert m.total_variation(real, new) == 0.5
    assert m.total_variation([["a"], ["b"]], [["c"]]) == 1
    assert np.isnan(m.wasserstein([["a"], ["b"]], [["c"]]))  # no numeric column
    assert np.isnan(m.total_variation([[1.5]], [[2.5]]))  # no column of categories


@given(seed=st.integers(0, 1000), n=st.integers(1, 30), k=st.integers(1, 30))
@settings(max_examples=40)
def test_total_variation_of_codes_is_the_definition_dense_and_sparse(seed, n, k):
    rng = np.random.default_rng(seed)
    columns = (Column("c0", "category", (0, 1, 2)), Column("x"), Column("c1", "category", ("a",)))
    draws = [np.column_stack([rng.integers(3, size=s), rng.normal(size=s), np.zeros(s)]) for s in (n, k)]
    for X in draws:
        X[rng.random(len(X)) < 0.2, 0] = np.nan
    shares = [np.array([np.mean(X[:, 0] == code) for code in range(3)] + [np.isnan(X[:, 0]).mean()]) for X in draws]
    expected = [np.abs(shares[0] - shares[1]).sum() / 2, np.nan, 0]
    for container in (np.asarray, sparse.csr_array):
        found = m.total_variation_per_column(*map(container, draws), schema=Schema(columns))
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_frequencies_of_labels():
    Y = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 1]])
    assert m.label_frequency_correlation(Y, np.repeat(Y, 2, axis=0)) == pytest.approx(1)
    assert m.label_frequency_correlation(Y, 1 - Y) == pytest.approx(-1)
    real, new = np.array([3, 2, 1]) / 4, np.array([1, 1, 2]) / 2
    expected = np.corrcoef(real, new)[0, 1]
    assert m.label_frequency_correlation(Y, [[1, 0, 1], [0, 1, 1]]) == pytest.approx(expected)
    assert np.isnan(m.label_frequency_correlation(Y, [[1, 1, 1]]))  # constant
    assert np.isnan(m.label_frequency_correlation(Y[:, :1], Y[:, :1]))  # one label


def test_labels_are_matched_by_name_and_by_value():
    pd = pytest.importorskip("pandas")
    real = pd.DataFrame({"sea": [1, 1, 0], "sun": [0, 0, 1], "fog": [0, 0, 0]})
    new = pd.DataFrame({"fog": [0], "sun": [0], "sea": [1]})
    assert m.label_frequency_correlation(real, new) == pytest.approx(np.sqrt(3) / 2)  # of (2, 1, 0) and (1, 0, 0)
    assert m.label_frequency_correlation([["sea"], ["sea", "sun"]], [["sea"]]) == pytest.approx(1)
    assert m.minority_share(["a", "a", "a", "b"], ["b"]) == 1  # one class alone among the new rows
    with pytest.raises(ValueError, match="the real rows have 3 labels, the new rows 2"):
        m.minority_share(real, new[["fog", "sun"]])


def test_minority_labels_are_those_of_the_real_rows():
    """Counts 4, 2, 1, 0: IRLbl 1, 2, 4 with mean 7/3, so the third label alone; the last occurs in no row."""
    real = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]])
    new = np.array([[0, 1, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1]])
    assert m.minority_share(real, new) == 0.5


def test_company_of_labels_worked_out_by_hand():
    """P(b|a) is 1/2 in real rows and 1 in new ones: 1 - (1/2)/1; P(a|b) is 1 on both sides: 0."""
    assert m.cooccurrence_distance([[1, 1], [1, 0]], [[1, 1]]) == pytest.approx(0.25)


@given(seed=st.integers(0, 1000))
@settings(max_examples=40)
def test_company_of_labels_ignores_how_often_they_occur_and_is_a_distance(seed):
    rng = np.random.default_rng(seed)
    Y, other = rng.random((20, 5)) < 0.3, rng.random((15, 5)) < 0.4
    value = m.cooccurrence_distance(Y, other)
    if not (Y.any(axis=0) & other.any(axis=0)).any():
        assert np.isnan(value)
        return
    assert 0 <= value <= 1
    assert value == pytest.approx(m.cooccurrence_distance(other, Y))
    assert m.cooccurrence_distance(Y, np.repeat(Y, 3, axis=0)[::-1]) == 0
    block = np.kron(np.eye(2, dtype=bool), np.ones((1, 2), dtype=bool))  # two pairs of labels, never across
    assert m.cooccurrence_distance(block, np.repeat(block, [1, 9], axis=0)) == 0  # one pair nine times as often
    assert m.cooccurrence_distance(block, [[1, 0, 1, 0], [0, 1, 0, 1]]) == 1


def test_no_new_rows_and_labels_that_never_occur():
    Y = np.zeros((3, 2), dtype=int)
    assert np.isnan(m.cooccurrence_distance(Y, Y))
    assert np.isnan(m.label_frequency_correlation(Y, Y))
    assert m.minority_share(Y, Y) == 0
    for measure in (m.cooccurrence_distance, m.label_frequency_correlation, m.minority_share):
        assert np.isnan(measure([[1, 0], [0, 1]], np.empty((0, 2))))
    X = np.array([[1.0, 0.0], [2.0, 1.0]])
    for container in (np.asarray, sparse.csr_array):
        empty = container(X)[:0]
        assert np.isnan(m.wasserstein(container(X), empty))
        assert np.isnan(m.total_variation(container(X), empty, categorical_features=[1]))


def test_columns_without_a_value():
    real, new = np.array([[np.nan, 1.0], [np.nan, 2.0]]), np.array([[1.0, np.nan]])
    assert np.isnan(m.wasserstein_per_column(real, new)).all()
    assert m.total_variation([[None, "a"]], [[None, "a"], [None, "a"]]) == 0


def test_columns_are_matched_by_name_and_must_be_of_one_kind():
    pd = pytest.importorskip("pandas")
    real = pd.DataFrame({"size": [1.0, 3.0], "colour": ["red", "blue"]})
    new = pd.DataFrame({"colour": ["blue", "red"], "size": [2.0, 4.0]})
    assert m.wasserstein(real, new) == 1
    assert m.total_variation(real, new) == 0
    with pytest.raises(ValueError, match="column 'size' is numeric in the real rows, category in the new rows"):
        m.wasserstein(real, new.assign(size=["a", "b"]))
    with pytest.raises(ValueError, match="the real rows have 2 columns, the new rows 1: expected the same"):
        m.wasserstein(real, new[["size"]])
    with pytest.raises(ValueError, match="different columns: 'size', 'weight' in one of them only"):
        m.wasserstein(real, new.rename(columns={"size": "weight"}))
    with pytest.raises(ValueError, match="must hold codes of its 2 categories"):
        m.total_variation(np.array([[0.0]]), np.array([[2.0]]), schema=Schema((Column("c", "category", ("a", "b")),)))


@pytest.mark.parametrize("real_form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("new_form", [np.asarray, sparse.csr_array])
def test_values_of_categories_are_matched_whatever_the_containers(real_form, new_form):
    real, new = np.array([[1.0, 5.0], [2.0, 6.0]]), np.array([[0.0, 5.0], [2.0, 7.0], [2.0, 8.0], [1.0, 8.0]])
    values = m.total_variation_per_column(real_form(real), new_form(new), categorical_features=[0])
    assert values[0] == pytest.approx(0.25)  # 0: 1/4, 1: |1/2 - 1/4|, 2: 0
