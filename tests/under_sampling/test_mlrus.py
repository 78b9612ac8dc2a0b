"""ML-RUS removes rows of frequent labels in turn, each label until it has reached MeanIR."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rarelabel import MLRUS
from rarelabel.imbalance import ir_per_label, mean_ir, minority_labels
from rarelabel.under_sampling._mlrus import mlrus


def replay(Y, rows, n_removed):
    """Charte et al. 2015, Algorithm 4, row by row, with the largest count of the original data."""
    stop, counts = mean_ir(Y), Y.sum(axis=0).astype(int)
    largest, left = counts.max(), set(range(len(Y)))
    waiting = [j for j in range(Y.shape[1]) if counts[j] and largest / counts[j] < stop]
    order = rows.tolist()
    while waiting and len(left) > len(Y) - n_removed:
        for label in list(waiting):
            if len(left) == len(Y) - n_removed:
                break
            if not any(Y[row, label] for row in left) or largest / counts[label] >= stop:
                waiting.remove(label)
                continue
            row = order.pop(0)
            assert Y[row, label]
            left.remove(row)
            counts -= Y[row]
    assert not order


@given(hnp.arrays(bool, st.tuples(st.integers(2, 25), st.integers(1, 4))), st.integers(1, 25), st.integers(0, 2**32))
def test_every_row_is_one_that_the_algorithm_removes_next(Y, n_removed, seed):
    rows = mlrus(Y, n_removed=n_removed, eligible=np.ones(len(Y), bool), rng=np.random.default_rng(seed))
    replay(Y, rows, n_removed)


def test_worked_example_of_the_stop_rule():
    """10 and 2 positives: IRLbl 1 and 5, MeanIR 3. Label 0 stops at 3 rows: 10 / 4 < 3 <= 10 / 3."""
    Y = np.array([[1, 0]] * 10 + [[0, 1]] * 2, dtype=bool)
    rows = mlrus(Y, n_removed=12, eligible=np.ones(12, bool), rng=np.random.default_rng(0))
    assert len(rows) == 7
    assert not Y[rows, 1].any()


def test_every_row_of_a_bag_can_go():
    Y = np.array([[1, 0]] * 6 + [[0, 1]] * 2, dtype=bool)
    gone = {int(mlrus(Y, n_removed=1, eligible=np.ones(8, bool), rng=np.random.default_rng(s))[0]) for s in range(80)}
    assert gone == set(range(6))


@given(hnp.arrays(bool, st.tuples(st.integers(2, 25), st.integers(2, 4))), st.integers(0, 2**32))
def test_rows_with_a_minority_label_can_be_kept(Y, seed):
    if not Y.any() or not minority_labels(Y).any() or not Y.any(axis=0).all():
        return
    sampler = MLRUS(sampling_strategy=len(Y), keep_minority=True, random_state=seed)
    _, Y_res = sampler.fit_resample(np.zeros((len(Y), 1)), Y)
    minority = minority_labels(Y)
    assert (Y_res[:, minority].sum(axis=0) == Y[:, minority].sum(axis=0)).all()


def test_rows_for_each_label_go_exactly_and_one_stays():
    Y = np.array([[1, 0]] * 10 + [[0, 1]] * 3)
    sampler = MLRUS(sampling_strategy={"y0": 4, "y1": 1}, random_state=0)
    _, Y_res = sampler.fit_resample(np.zeros((13, 1)), Y)
    assert Y_res.sum(axis=0).tolist() == [6, 2]
    with pytest.warns(UserWarning, match="MLRUS removes 2 of 5 rows with 'y1'"):
        _, Y_res = MLRUS(sampling_strategy={"y1": 5}).fit_resample(np.zeros((13, 1)), Y)
    assert Y_res.sum(axis=0).tolist() == [10, 1]


@pytest.mark.data
def test_emotions_loses_distinct_rows_of_majority_labels(data_folder):
    from rarelabel.datasets import read

    Y = read(data_folder / "multilabel" / "emotions.arff.gz").Y
    sampler = MLRUS(random_state=0)
    plan = sampler.plan(np.zeros((len(Y), 1)), Y)
    _, Y_res = sampler.fit_resample(np.zeros((len(Y), 1)), Y)
    assert len(Y_res) == plan.n_rows_after
    assert 0 < plan.n_removed <= 148
    gone = np.setdiff1d(np.arange(len(Y)), sampler.sample_indices_)
    assert Y[gone][:, ir_per_label(Y) < mean_ir(Y)].any(axis=1).all()
