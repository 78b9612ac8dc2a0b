"""Budgets come to whole rows, shares add up, and what cannot be is refused before any work."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from rarelabel import selection
from rarelabel.imbalance import ir_per_label, mean_ir
from rarelabel.selection import (
    Budget,
    SamplingPlan,
    allocate,
    apportion,
    check_memory,
    minority_or_warn,
    repeat_rows,
    resolve_budget,
)

Y = np.array([[1, 0], [1, 1], [1, 0], [1, 0], [1, 0], [1, 0]], dtype=bool)
NAMES = ["sun", "sea"]


@pytest.mark.parametrize(
    ("strategy", "total"),
    [
        (0.25, 2),  # 1.5, rounded half up
        (1 / 12, 1),  # 0.5
        (0.41, 2),  # 2.46
        (0.42, 3),  # 2.52
        (2.0, 12),
        (1, 1),
        (np.int64(7), 7),
        (np.float32(0.5), 3),
        ("auto", 3),
        (lambda Y: len(Y) - 1, 5),
        (lambda Y: 0.5, 3),
    ],
)
def test_shares_and_numbers_come_to_rows(strategy, total):
    assert resolve_budget(strategy, Y, NAMES, auto=0.5) == Budget(total)


@pytest.mark.parametrize("strategy", [{"sea": 3, "sun": 2}, lambda Y: {"sea": 3, "sun": np.int32(2)}])
def test_a_dict_gives_rows_for_each_label_by_name(strategy):
    assert resolve_budget(strategy, Y, NAMES, auto=0.5) == Budget(5, {1: 3, 0: 2})


def test_a_label_that_is_a_number_is_named_by_it():
    assert resolve_budget({3: 2}, Y, ["3", "7"], auto=0.5) == Budget(2, {0: 2})


def test_a_label_may_be_named_by_its_position():
    assert resolve_budget({1: 3}, Y, NAMES, auto=0.5) == Budget(3, {1: 3})
    assert resolve_budget({1: 3}, Y, ["1", "7"], auto=0.5) == Budget(3, {0: 3})  # a name comes first


def test_auto_may_stand_for_rows_of_each_label():
    assert resolve_budget("auto", Y, NAMES, auto={1: 4}) == Budget(4, {1: 4})


BAD = {
    "zero": (0, "must be positive, got 0"),
    "zero share": (0.0, "must be positive, got 0.0"),
    "negative": (-0.5, "must be positive, got -0.5"),
    "infinite": (np.inf, "must be positive, got inf"),
    "NaN": (np.nan, "must be positive, got nan"),
    "too small a share": (0.01, "0.01 of 6 rows comes to 0 rows"),
    "word": ("minority", "must be 'auto', a float .* got 'minority'"),
    "bool": (True, "must be 'auto', .* got True"),
    "None": (None, "must be 'auto', .* got None"),
    "list": (["sea"], "must be 'auto', .* got"),
    "unknown label": ({"sky": 1}, "names 'sky', which is not a label; labels are 'sun', 'sea'"),
    "unknown position": ({2: 1}, "names 2, which is not a label"),
    "a label twice": ({"sun": 1, 0: 2}, "names label 'sun' twice"),
    "no rows for a label": ({"sea": 0}, "asks for 0 rows for label 'sea'; expected a positive int"),
    "half a row": ({"sea": 1.5}, "asks for 1.5 rows for label 'sea'"),
    "bool for a label": ({"sea": True}, "asks for True rows for label 'sea'"),
    "empty dict": ({}, "empty dict"),
    "callable that gives nothing": (lambda Y: None, "must be 'auto'"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_budget_that_means_nothing_is_refused(case):
    strategy, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        resolve_budget(strategy, Y, NAMES, auto=0.5)


def test_rows_for_a_label_that_no_row_carries_are_refused():
    with pytest.raises(ValueError, match="label 'sky', which no row carries"):
        resolve_budget({"sky": 1}, np.array([[1, 0], [1, 0]], bool), ["sun", "sky"], auto=0.5)


@pytest.mark.parametrize("X", [np.zeros((10, 4)), sparse.csr_array(np.eye(10, 4))])
def test_a_table_that_fits_no_memory_is_refused_with_its_number_of_rows(X):
    with pytest.raises(ValueError, match=r"1,000,000,000,000 new rows of 4 columns, about .* GiB"):
        check_memory(10**12, X, n_labels=3)
    check_memory(1000, X, n_labels=3)


@given(st.integers(0, 200), st.lists(st.integers(0, 30), max_size=10))
def test_allocation_gives_all_there_is_to_give_and_never_more_than_fits(total, capacities):
    shares = allocate(total, np.array(capacities, dtype=int))
    assert (shares >= 0).all()
    assert (shares <= capacities).all()
    assert shares.sum() == min(total, sum(capacities))


@given(st.integers(0, 200), st.lists(st.integers(0, 30), min_size=1, max_size=10))
def test_allocation_is_even_among_bags_that_are_not_full(total, capacities):
    shares = allocate(total, np.array(capacities, dtype=int))
    unfilled = shares[shares < capacities]
    if len(unfilled):
        assert unfilled.max() - unfilled.min() <= 1
        assert shares.max() <= unfilled.max() + 1


@given(st.integers(0, 1000), st.lists(st.integers(0, 50), min_size=1, max_size=10).filter(any))
def test_apportioned_shares_add_up_and_are_less_than_a_row_off(total, weights):
    shares = apportion(total, np.array(weights))
    assert shares.sum() == total
    np.testing.assert_array_less(np.abs(shares - total * np.array(weights) / sum(weights)), 1)
    assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if weight == 0)


@given(st.lists(st.integers(0, 99), min_size=1, max_size=8, unique=True), st.integers(0, 40), st.integers(0, 2**32))
def test_repeated_rows_are_used_equally_often(bag, count, seed):
    rows = repeat_rows(np.array(bag), count, np.random.default_rng(seed))
    used = [int((rows == row).sum()) for row in bag]
    assert len(rows) == sum(used) == count
    assert max(used) - min(used) <= 1


def test_the_rest_of_repeated_rows_is_drawn_at_random():
    drawn = {tuple(repeat_rows(np.arange(4), 5, np.random.default_rng(seed))[4:]) for seed in range(50)}
    assert drawn == {(0,), (1,), (2,), (3,)}


def test_minority_labels_are_those_above_the_mean_ratio_and_none_is_a_warning():
    many = np.array([[1, 1, 0], [1, 0, 1], [1, 0, 0], [1, 0, 1]], bool)
    expected = np.flatnonzero(ir_per_label(many) > mean_ir(many))
    np.testing.assert_array_equal(minority_or_warn(many, "MLROS"), expected)
    with pytest.warns(UserWarning, match="MLROS: no label is rarer than the average"):
        assert not len(minority_or_warn(np.eye(3, dtype=bool), "MLROS"))
    with pytest.warns(UserWarning, match=r"MLDM: no label is rarer than 1.5 times the average IRLbl; nothing"):
        assert not len(minority_or_warn(np.eye(3, dtype=bool), "MLDM", threshold=1.5))


def test_a_plan_counts_prints_and_becomes_JSON():
    grows = SamplingPlan("M", 10, ("sun", "sea"), np.array([1, 0]), n_new=3, made_for=np.array([1, 1, 0]))
    assert grows.n_rows_after == 13
    assert grows.rows_per_label == {"sea": 2, "sun": 1}
    assert str(grows) == "M: 10 rows -> 13 (3 added, 0 removed)\n  sea: 2 rows\n  sun: 1 rows"
    assert json.loads(json.dumps(grows.to_dict())) == {
        "method": "M",
        "rows_before": 10,
        "rows_added": 3,
        "rows_removed": 0,
        "rows_after": 13,
        "labels": ["sea", "sun"],
        "rows_per_label": {"sea": 2, "sun": 1},
    }
    shrinks = SamplingPlan("U", 5, ("sun",), np.array([0]), n_removed=2, rows=np.array([1, 3]))
    assert shrinks.kept.tolist() == [0, 2, 4]
    assert shrinks.rows_per_label == {}


def test_every_name_is_exported():
    assert selection.__all__ == sorted(selection.__all__, key=lambda name: (name[0].islower(), name))
