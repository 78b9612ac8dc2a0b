"""LP-ROS clones rows of rare labelsets, as its algorithm read step by step does."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rarelabel import LPROS
from rarelabel.over_sampling._lpros import lpros

A, B, C, D = (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0)
Y = np.array([A] * 6 + [B] * 3 + [C] * 2 + [D] * 1, dtype=bool)


def sizes_of(Y):
    return Counter(map(tuple, Y.astype(int).tolist()))


def shares(sizes, n_new):
    """Clones of each labelset: Charte et al. 2015, LP-ROS, with whole rows; equal sizes may change places."""
    mean = sum(sizes.values()) / len(sizes)
    minority = sorted((size, bag) for bag, size in sizes.items() if size < mean)[::-1]
    given, left = {}, n_new
    for served, (size, bag) in enumerate(minority):
        given[bag] = min(left // (len(minority) - served), int(np.ceil(mean - size)))
        left -= given[bag]
    return given


@pytest.mark.parametrize(("n_new", "clones"), [(1, {D: 1}), (2, {C: 1, D: 1}), (3, {C: 1, D: 2}), (9, {C: 1, D: 2})])
def test_worked_example(n_new, clones):
    """12 rows of 4 labelsets: the mean is 3, so C has room for one clone and D for two."""
    rows = lpros(Y, n_new=n_new, rng=np.random.default_rng(0))
    assert sizes_of(Y[rows]) == clones == {bag: n for bag, n in shares(sizes_of(Y), n_new).items() if n}


@given(hnp.arrays(bool, st.tuples(st.integers(2, 30), st.just(3))), st.integers(1, 30), st.integers(0, 2**32))
def test_shares_are_those_of_the_algorithm(Y, n_new, seed):
    rows = lpros(Y, n_new=n_new, rng=np.random.default_rng(seed))
    sizes, cloned = sizes_of(Y), sizes_of(Y[rows])
    expected = shares(sizes, n_new)
    assert set(cloned) <= set(expected)
    by_size = [sorted((sizes[bag], share[bag]) for bag in expected) for share in (expected, cloned)]
    assert by_size[0] == by_size[1]


def test_every_row_of_a_rare_labelset_can_be_cloned():
    drawn = {int(lpros(Y, n_new=2, rng=np.random.default_rng(seed)).min()) for seed in range(60)}
    assert drawn == {9, 10}


def test_a_budget_without_room_makes_what_it_can_and_says_so():
    sampler = LPROS(sampling_strategy=50, random_state=0)
    with pytest.warns(UserWarning, match="LPROS makes 3 of 50 rows"):
        _, Y_res = sampler.fit_resample(np.zeros((12, 1)), Y.astype(int))
    assert len(Y_res) == 15


def test_rows_for_a_label_carry_it_and_labelsets_are_equally_likely():
    """Label 0 is in labelset A (6 rows) and D (1 row): half of the clones are the one row of D."""
    sampler = LPROS(sampling_strategy={"y0": 1000}, random_state=0)
    sampler.fit_resample(np.zeros((12, 1)), Y.astype(int))
    clones = sampler.sample_indices_[12:]
    assert Y[clones, 0].all()
    np.testing.assert_allclose((clones == 11).mean(), 0.5, atol=0.05)


@pytest.mark.data
@pytest.mark.parametrize(("name", "after"), [("emotions", 741), ("flags", 239)])
def test_row_counts_of_the_reference(data_folder, name, after):
    """As mldr.resampling gives for P = 25 on emotions; on flags it makes 45 of the 49 rows due, here all come."""
    from rarelabel.datasets import read

    dataset = read(data_folder / "multilabel" / f"{name}.arff.gz")
    _, Y_res = LPROS(random_state=0).fit_resample(np.zeros((len(dataset.Y), 1)), dataset.Y)
    budget = int(0.25 * len(dataset.Y) + 0.5)
    assert len(Y_res) == len(dataset.Y) + min(budget, sum(shares(sizes_of(dataset.Y), budget).values()))
    assert abs(len(Y_res) - after) <= 4
    if name == "emotions":
        assert len(Y_res) == after
