"""MLSOL gives the types, weights and labels of its three algorithms, read step by step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rarelabel import MLSOL
from rarelabel.local_imbalance import local_imbalance
from rarelabel.neighbors import nearest
from rarelabel.over_sampling._mlsol import (
    BORDERLINE,
    MAJORITY,
    OUTLIER,
    RARE,
    SAFE,
    draw_seeds,
    label_types,
    new_labels,
    relative_distance,
)


@st.composite
def tables(draw):
    n, q = draw(st.integers(6, 30)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    k = draw(st.sampled_from([1, 3, 5, 10]))
    E = rng.normal(size=(n, 2))
    return E, rng.random((n, q)) < rng.uniform(0.1, 0.8, q), nearest(E, k)


def slow_types(Y, near):
    """Algorithm 2: thresholds on C, then rare values next to a safe or borderline one until nothing changes."""
    n, q = Y.shape
    k = near.shape[1]
    T = np.full((n, q), MAJORITY)
    for j in range(q):
        minority = 0 if Y[:, j].sum() > n / 2 else 1
        for i in range(n):
            if Y[i, j] == minority:
                opponents = sum(Y[m, j] != Y[i, j] for m in near[i])
                if opponents * 10 < 3 * k:
                    T[i, j] = SAFE
                elif opponents * 10 < 7 * k:
                    T[i, j] = BORDERLINE
                else:
                    T[i, j] = RARE if opponents < k else OUTLIER
    changed = True
    while changed:
        changed = False
        for i in range(n):
            for j in range(q):
                if T[i, j] == RARE and any(T[m, j] in (SAFE, BORDERLINE) for m in near[i]):
                    T[i, j] = BORDERLINE
                    changed = True
    return T


def slow_labels(Y, T, seed, partner, cd):
    """Algorithm 3 for one new row at relative distance cd from its seed."""
    new = []
    for j in range(Y.shape[1]):
        s, r, d = seed, partner, cd
        if Y[s, j] == Y[r, j]:
            new.append(Y[s, j])
            continue
        if T[s, j] == MAJORITY:
            s, r, d = r, s, 1 - d
        theta = {SAFE: 0.5, BORDERLINE: 0.75, RARE: 1 + 1e-5, OUTLIER: -1e-5}[T[s, j]]
        new.append(Y[s, j] if d <= theta else Y[r, j])
    return new


@given(tables())
@settings(deadline=None)
def test_types_equal_the_loops(table):
    _, Y, near = table
    np.testing.assert_array_equal(label_types(local_imbalance(Y, near), near), slow_types(Y, near))


@given(tables(), st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0, 0.5, 0.75, 1])), min_size=1, max_size=6))
@settings(deadline=None)
def test_labels_equal_the_loops(table, distances):
    _, Y, near = table
    rng = np.random.default_rng(0)
    seeds = rng.integers(len(Y), size=len(distances))
    partners = near[seeds, 0]
    local = local_imbalance(Y, near)
    types = label_types(local, near)
    found = new_labels(local, types, seeds, partners, np.array(distances, dtype=float))
    expected = [slow_labels(Y, types, *args) for args in zip(seeds, partners, distances, strict=True)]
    np.testing.assert_array_equal(found, expected)


def test_seeds_come_in_proportion_to_their_weight():
    rng = np.random.default_rng(4)
    E = rng.normal(size=(40, 2))
    local = local_imbalance(rng.random((40, 3)) < 0.3, nearest(E, 5))
    seeds, made_for = draw_seeds(local, 40_000, None, np.random.default_rng(0))
    np.testing.assert_allclose(
        np.bincount(seeds, minlength=40) / 40_000, local.weights / local.weights.sum(), atol=0.01
    )
    assert set(made_for) == {-1}


def test_seeds_for_a_label_come_in_proportion_to_its_own_share():
    rng = np.random.default_rng(4)
    E = rng.normal(size=(40, 2))
    local = local_imbalance(rng.random((40, 3)) < 0.3, nearest(E, 5))
    seeds, made_for = draw_seeds(local, 30_000, {2: 30_000}, np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(seeds, minlength=40) / 30_000, local.S[:, 2], atol=0.01)
    assert set(made_for) == {2}


def test_without_any_weight_rows_with_a_minority_value_are_equally_likely():
    """Two groups far apart: no minority value has an opponent beside it, so all C are 0."""
    E = np.append(np.zeros((4, 1)), np.full((8, 1), 9.0))[:, None]
    Y = (E == 0).astype(bool)
    local = local_imbalance(Y, nearest(E, 2))
    assert not local.weights.any()
    seeds, _ = draw_seeds(local, 4000, None, np.random.default_rng(0))
    np.testing.assert_allclose(np.bincount(seeds, minlength=12)[:4] / 4000, 0.25, atol=0.03)


def test_relative_distance_is_a_share_of_the_way_and_half_where_all_coincide():
    A, B = np.array([[0.0], [0.0], [3.0]]), np.array([[4.0], [4.0], [3.0]])
    found = relative_distance(lambda X: X, np.array([[1.0], [4.0], [3.0]]), A, B)
    assert found.tolist() == [0.25, 1.0, 0.5]


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_rows_made_by_the_sampler_obey_the_algorithm(seed):
    rng = np.random.default_rng(seed)
    X, Y = rng.uniform(size=(40, 3)), rng.random((40, 3)) < [0.2, 0.4, 0.7]
    Y[0], Y[1] = True, False
    sampler = MLSOL(k_neighbors=4, random_state=seed, metric="euclidean")
    X_res, Y_res = sampler.fit_resample(X, Y)
    near = nearest(X, 4)
    types = slow_types(Y, near)
    for row in range(40, len(X_res)):
        s, r = sampler.seed_rows_[row], sampler.neighbor_rows_[row]
        assert r in near[s]
        to_s, to_r = np.linalg.norm(X_res[row] - X[s]), np.linalg.norm(X_res[row] - X[r])
        assert Y_res[row].tolist() == slow_labels(Y, types, s, r, to_s / (to_s + to_r))


def test_the_budget_is_a_share_of_the_rows_and_rows_for_a_label_carry_it():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 3)), (rng.random((50, 3)) < 0.3).astype(int)
    assert len(MLSOL(random_state=0).fit_resample(X, Y)[0]) == 65
    _, Y_res = MLSOL(sampling_strategy={"y1": 6, "y0": 5}, random_state=0).fit_resample(X, Y)
    assert Y_res[50:].sum(axis=0)[0] >= 5
    assert Y_res[50:].sum(axis=0)[1] >= 6


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_rows_for_a_class_have_that_class(name):
    rng = np.random.default_rng(0)
    y = np.array(["a"] * 30 + ["b"] * 12 + ["c"] * 8)
    _, y_res = MLSOL(sampling_strategy={name: 40}, random_state=0).fit_resample(rng.normal(size=(50, 2)), y)
    assert (y_res[50:] == name).all()
