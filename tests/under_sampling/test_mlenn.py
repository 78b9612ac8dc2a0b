"""MLeNN removes the rows that its algorithm, read row by row, removes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rarelabel import MLeNN
from rarelabel.imbalance import ir_per_label, mean_ir


@st.composite
def tables(draw):
    n, q = draw(st.integers(4, 25)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    Y = rng.random((n, q)) < rng.uniform(0.1, 0.9, q)
    Y[0] = True
    return rng.uniform(size=(n, 2)), Y


def slowly(X, Y, k, threshold):
    """Charte et al. 2014, Algorithm 1."""
    irlbl, mean = ir_per_label(Y), mean_ir(Y)
    gone = []
    for i in range(len(Y)):
        if any(Y[i, j] and irlbl[j] > mean for j in range(Y.shape[1])):
            continue
        others = [row for row in range(len(Y)) if row != i]
        near = sorted(others, key=lambda row: np.linalg.norm(X[i] - X[row]))[:k]
        different = 0
        for row in near:
            present = sum(Y[i]) + sum(Y[row])
            if present and sum(Y[i] != Y[row]) / present > threshold:
                different += 1
        if different >= len(near) / 2:
            gone.append(i)
    return gone


@given(tables(), st.integers(1, 6), st.sampled_from([0.0, 0.25, 0.4, 0.5, 0.75, 1.0]))
@settings(deadline=None)
@pytest.mark.filterwarnings("ignore:MLeNN. fewer than")
def test_removed_rows_equal_the_loops(table, k, threshold):
    X, Y = table
    sampler = MLeNN(n_neighbors=k, threshold=threshold, metric="euclidean")
    X_res, _ = sampler.fit_resample(X, Y)
    expected = np.delete(np.arange(len(X)), slowly(X, Y, k, threshold))
    assert sampler.sample_indices_.tolist() == expected.tolist()
    np.testing.assert_array_equal(X_res, X[expected])


@given(tables())
@settings(deadline=None)
def test_no_positive_of_a_minority_label_is_lost(table):
    X, Y = table
    _, Y_res = MLeNN(threshold=0.0).fit_resample(X, Y)
    minority = ir_per_label(Y) > mean_ir(Y)
    assert (Y_res[:, minority].sum(axis=0) == Y[:, minority].sum(axis=0)).all()


def test_worked_example():
    """A lone y1 among four y0: three of its three neighbours share nothing with it. y2 is the minority label."""
    X = np.array([[0.0], [0.1], [0.2], [0.3], [0.35], [9.0], [9.1]])
    Y = np.array([[1, 0, 0]] * 3 + [[0, 1, 0], [1, 0, 0], [1, 0, 1], [1, 1, 0]])
    sampler = MLeNN()
    sampler.fit_resample(X, Y)
    assert sampler.sample_indices_.tolist() == [0, 1, 2, 4, 5, 6]


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.nan])
def test_a_threshold_outside_of_its_range_is_refused(wrong):
    with pytest.raises(ValueError, match=r"threshold must lie in \[0, 1\], got"):
        MLeNN(threshold=wrong).fit_resample(np.eye(4), np.eye(4))
