"""MLTL removes the rows that its algorithm, read row by row, removes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rarelabel import MLTL
from rarelabel.imbalance import ir_per_label, mean_ir, scumble
from rarelabel.under_sampling._mltl import adaptive_threshold


@st.composite
def tables(draw):
    n, q = draw(st.integers(4, 25)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    Y = rng.random((n, q)) < rng.uniform(0.1, 0.9, q)
    Y[0] = True
    return rng.uniform(size=(n, 2)), Y


def slowly(X, Y, threshold, keep_minority):
    """Pereira et al. 2020: a majority row whose nearest neighbour's labels are too different goes."""
    irlbl, mean = ir_per_label(Y), mean_ir(Y)
    gone = []
    for i in range(len(Y)):
        labels = [j for j in range(Y.shape[1]) if Y[i, j]]
        if not any(irlbl[j] < mean for j in labels) or (keep_minority and any(irlbl[j] > mean for j in labels)):
            continue
        near = min((row for row in range(len(Y)) if row != i), key=lambda row: np.linalg.norm(X[i] - X[row]))
        either = sum(a or b for a, b in zip(Y[i], Y[near], strict=True))
        if sum(Y[i] != Y[near]) / either > threshold:
            gone.append(i)
    return gone


@given(tables(), st.sampled_from([0.0, 0.15, 0.3, 0.5, 1.0]), st.booleans())
@settings(deadline=None)
def test_removed_rows_equal_the_loops(table, threshold, keep_minority):
    X, Y = table
    sampler = MLTL(threshold=threshold, keep_minority=keep_minority, metric="euclidean")
    sampler.fit_resample(X, Y)
    expected = np.delete(np.arange(len(X)), slowly(X, Y, threshold, keep_minority))
    assert sampler.sample_indices_.tolist() == expected.tolist()


@given(tables())
@settings(deadline=None)
def test_no_positive_of_a_minority_label_is_lost(table):
    X, Y = table
    _, Y_res = MLTL(threshold=0.0).fit_resample(X, Y)
    minority = ir_per_label(Y) > mean_ir(Y)
    assert (Y_res[:, minority].sum(axis=0) == Y[:, minority].sum(axis=0)).all()


@pytest.mark.parametrize(
    ("counts", "expected"),
    [((30, 20), 0.5), ((60, 10), 0.5), ((60, 6), 0.3), ((100, 1), 0.15)],
)
def test_the_adaptive_threshold_follows_mean_ir(counts, expected):
    Y = np.repeat(np.eye(2, dtype=bool), counts, axis=0)
    indicator = 1 / np.sqrt(mean_ir(Y))
    assert scumble(Y) == 0
    assert adaptive_threshold(Y) == expected == (0.5 if indicator > 0.5 else 0.3 if indicator > 0.3 else 0.15)


def test_the_adaptive_threshold_is_high_where_rare_and_frequent_labels_share_rows():
    wide = np.zeros((12, 13), dtype=bool)
    wide[:, 0] = True
    wide[np.arange(12), 1 + np.arange(12)] = True
    assert scumble(wide) > 0.3
    assert 1 / np.sqrt(mean_ir(wide)) < 0.5
    assert adaptive_threshold(wide) == 0.5


@pytest.mark.parametrize("wrong", [-0.1, 1.1, "high"])
def test_a_threshold_outside_of_its_range_is_refused(wrong):
    with pytest.raises(ValueError, match=r"threshold must be 'auto' or lie in \[0, 1\], got"):
        MLTL(threshold=wrong).fit_resample(np.eye(4), np.eye(4))
