"""LP-RUS removes rows of frequent labelsets, as its algorithm read step by step does."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rarelabel import LPRUS
from rarelabel.under_sampling._lprus import lprus

A, B, C = (1, 0), (0, 1), (1, 1)
Y = np.array([A] * 6 + [B] * 5 + [C], dtype=bool)


def sizes_of(Y):
    return Counter(map(tuple, Y.astype(int).tolist()))


def shares(sizes, n_removed):
    """Removals of each labelset: Charte et al. 2015, Algorithm 1, with whole rows."""
    mean = sum(sizes.values()) / len(sizes)
    majority = sorted((size, bag) for bag, size in sizes.items() if size > mean)
    taken, left = {}, n_removed
    for served, (size, bag) in enumerate(majority):
        taken[bag] = min(left // (len(majority) - served), int(size - mean))
        left -= taken[bag]
    return taken


@pytest.mark.parametrize(("n_removed", "gone"), [(2, {A: 1, B: 1}), (3, {A: 2, B: 1}), (9, {A: 2, B: 1})])
def test_worked_example(n_removed, gone):
    """12 rows of 3 labelsets: the mean is 4, so A may lose two rows and B one."""
    rows = lprus(Y, n_removed=n_removed, rng=np.random.default_rng(0))
    assert sizes_of(Y[rows]) == gone == shares(sizes_of(Y), n_removed)


@given(hnp.arrays(bool, st.tuples(st.integers(2, 40), st.just(3))), st.integers(1, 40), st.integers(0, 2**32))
def test_shares_are_those_of_the_algorithm(Y, n_removed, seed):
    rows = lprus(Y, n_removed=n_removed, rng=np.random.default_rng(seed))
    assert len(set(rows)) == len(rows)
    sizes, gone = sizes_of(Y), sizes_of(Y[rows])
    expected = shares(sizes, n_removed)
    assert set(gone) <= set(expected)
    by_size = [sorted((sizes[bag], share[bag]) for bag in expected) for share in (expected, gone)]
    assert by_size[0] == by_size[1]
    mean = len(Y) / len(sizes)
    assert all(sizes[bag] - gone[bag] >= mean for bag in gone)


def test_every_row_of_a_frequent_labelset_can_go():
    gone = {int(row) for seed in range(80) for row in lprus(Y, n_removed=2, rng=np.random.default_rng(seed))}
    assert gone == set(range(11))


def test_a_budget_without_room_removes_what_it_can_and_says_so():
    with pytest.warns(UserWarning, match="LPRUS removes 3 of 50 rows"):
        _, Y_res = LPRUS(sampling_strategy=50, random_state=0).fit_resample(np.zeros((12, 1)), Y.astype(int))
    assert sizes_of(Y_res) == {A: 4, B: 4, C: 1}


@pytest.mark.parametrize("seed", range(5))
def test_rows_for_labels_that_share_labelsets_are_distinct_and_leave_the_mean(seed):
    Y = np.array([C] * 20 + [A] * 4 + [B] * 3)
    sampler = LPRUS(sampling_strategy={"y0": 5, "y1": 5}, random_state=seed)
    plan = sampler.plan(np.zeros((27, 1)), Y)
    _, Y_res = sampler.fit_resample(np.zeros((27, 1)), Y)
    assert len(Y_res) == 17 == plan.n_rows_after
    assert len(set(plan.rows)) == 10
    assert sizes_of(Y_res)[C] == 10


@pytest.mark.data
@pytest.mark.parametrize(("name", "after"), [("flags", 140)])
def test_row_counts_of_the_reference(data_folder, name, after):
    """mldr.resampling removes 54 rows of flags where 25 % are 49; here no row too many goes."""
    from rarelabel.datasets import read

    dataset = read(data_folder / "multilabel" / f"{name}.arff.gz")
    _, Y_res = LPRUS(random_state=0).fit_resample(np.zeros((len(dataset.Y), 1)), dataset.Y)
    budget = int(0.25 * len(dataset.Y) + 0.5)
    removed = len(dataset.Y) - len(Y_res)
    assert removed == min(budget, sum(shares(sizes_of(dataset.Y), budget).values()))
    assert 0 <= len(Y_res) - after <= len(shares(sizes_of(dataset.Y), budget))
