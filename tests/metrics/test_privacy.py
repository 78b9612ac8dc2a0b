"""How near new rows come to real ones: worked values, copies, a slow direct evaluation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from rarelabel import metrics as m
from rarelabel.schema import Column, Schema

MIXED = Schema((Column("x"), Column("c", "category", ("a", "b", "c")), Column("b", "category", (0, 1)), Column("z")))


def mixed_rows(rng, n, gaps=0.0):
    X = np.column_stack([rng.normal(size=n), rng.integers(3, size=n), rng.integers(2, size=n), rng.normal(5, 9, n)])
    X[rng.random(X.shape) < gaps] = np.nan
    return X


def heom(a, b, span):
    """Without missing values, for the schema MIXED."""
    return np.sqrt(((a[0] - b[0]) / span[0]) ** 2 + (a[1] != b[1]) + (a[2] != b[2]) + ((a[3] - b[3]) / span[3]) ** 2)


@given(seed=st.integers(0, 1000), n=st.integers(2, 20), k=st.integers(1, 10))
@settings(max_examples=40)
def test_distances_and_ratios_are_what_heom_says_dense_and_sparse(seed, n, k):
    rng = np.random.default_rng(seed)
    real, new = mixed_rows(rng, n), mixed_rows(rng, k)
    slow = np.sort([[heom(a, b, np.ptp(real, axis=0)) for b in real] for a in new], axis=1)
    for container in (np.asarray, sparse.csr_array):
        sides = container(real), container(new)
        np.testing.assert_allclose(m.distance_to_closest_record(*sides, schema=MIXED), slow[:, 0])
        ratios = m.nearest_neighbor_distance_ratio(*sides, schema=MIXED)
        np.testing.assert_allclose(ratios, slow[:, 0] / slow[:, 1])


@given(seed=st.integers(0, 1000))
@settings(max_examples=30)
def test_copies_are_found_with_missing_values_too(seed):
    rng = np.random.default_rng(seed)
    real, fresh = mixed_rows(rng, 30, gaps=0.2), mixed_rows(rng, 10, gaps=0.2)
    new = np.concatenate([real[rng.integers(30, size=12)], fresh])
    same = (new[:, None] == real) | (np.isnan(new[:, None]) & np.isnan(real))
    expected = same.all(axis=2).any(axis=1)
    for container in (np.asarray, sparse.csr_array):
        sides = container(real), container(new)
        np.testing.assert_array_equal(m.exact_duplicates(*sides, schema=MIXED), expected)
        np.testing.assert_array_equal(m.distance_to_closest_record(*sides, schema=MIXED) == 0, expected)


def test_missing_is_far_from_any_value_and_at_no_distance_from_missing():
    real = np.array([[0.0, 0.0], [4.0, 0.0], [np.nan, 1.0]])
    apart = m.distance_to_closest_record(real, np.array([[np.nan, 1.0], [np.nan, 0.0]]))
    assert apart[0] == 0
    assert apart[1] == pytest.approx(1)  # to the third row, a range away in the second column
    codes = Schema((Column("c", "category", ("a", "b")),))
    assert m.distance_to_closest_record(np.array([[0.0], [1.0]]), np.array([[np.nan]]), schema=codes)[0] == (
        pytest.approx(1)
    )


def test_a_tiny_change_is_no_copy_and_the_sign_of_zero_is_none():
    real = np.array([[0.0, 1.0, 0.1], [2.0, 3.0, 0.2]])
    assert m.exact_duplicates(real, real * [1, 1, 1 + 1e-15]).tolist() == [False, False]
    assert m.exact_duplicates(real, real * [-1.0, 1, 1]).tolist() == [True, False]
    swapped = real[:, [1, 0, 2]]  # the same values elsewhere
    assert not m.exact_duplicates(real, swapped).any()


def test_hashes_tell_all_rows_of_zeros_and_ones_apart():
    """Bits of 0.0 and 1.0 differ in few places only; 2^12 rows and no two hashes equal."""
    rows = ((np.arange(4096)[:, None] >> np.arange(12)) & 1).astype(float)
    assert not m.exact_duplicates(rows[:2048], rows[2048:]).any()
    assert m.exact_duplicates(sparse.csr_array(rows), sparse.csr_array(rows[::-1])).all()


def test_hashes_in_blocks_are_the_same(monkeypatch):
    X = np.random.default_rng(0).integers(2, size=(50, 3)).astype(float)
    whole = m.exact_duplicates(X[:4], X)
    monkeypatch.setattr("rarelabel.metrics._privacy._BLOCK", 9)
    np.testing.assert_array_equal(m.exact_duplicates(X[:4], X), whole)


def test_ratio_worked_out_by_hand_with_its_rule_for_zero_by_zero():
    real = [[0.0], [0.0], [10.0]]
    assert m.nearest_neighbor_distance_ratio(real, [[0.0], [8.0], [10.0]]).tolist() == [0, 0.25, 0]
    assert np.isnan(m.nearest_neighbor_distance_ratio([[0.0]], [[1.0]])).all()


def test_order_and_units_do_not_matter():
    rng = np.random.default_rng(0)
    real, new = rng.normal(size=(40, 3)), rng.normal(size=(9, 3))
    scale, offset = np.array([1e-3, 40.0, -1e4]), np.array([7.0, 1e3, 0.0])
    for measure in (m.distance_to_closest_record, m.nearest_neighbor_distance_ratio):
        values = measure(real, new)
        np.testing.assert_allclose(measure(real * scale + offset, new * scale + offset), values, rtol=1e-9)
        np.testing.assert_allclose(measure(real[::-1], new[::-1]), values[::-1])


def test_no_new_rows_and_one_column_without_a_value():
    real = np.array([[1.0, np.nan], [2.0, np.nan]])
    for measure in (m.distance_to_closest_record, m.nearest_neighbor_distance_ratio, m.exact_duplicates):
        assert measure(real, real[:0]).shape == (0,)
        assert measure(real, real[:0].tolist()).shape == (0,)
    assert m.distance_to_closest_record(real, [[1.5, np.nan]]).tolist() == [0.5]


def test_frames_are_compared_by_the_names_of_columns_and_values_of_categories():
    pd = pytest.importorskip("pandas")
    real = pd.DataFrame({"size": [1.0, 3.0], "colour": ["red", "blue"]})
    new = pd.DataFrame({"colour": ["green", "red"], "size": [1.0, 1.0]})
    assert m.exact_duplicates(real, new).tolist() == [False, True]
    assert m.distance_to_closest_record(real, new).tolist() == [pytest.approx(1), 0]
