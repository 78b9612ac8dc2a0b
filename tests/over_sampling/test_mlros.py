"""ML-ROS clones rows of rare labels in turn, each label until it has reached MeanIR."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rarelabel import MLROS
from rarelabel.imbalance import ir_per_label, mean_ir, minority_labels
from rarelabel.over_sampling._mlros import mlros


def replay(Y, rows, made_for, n_new):
    """Charte et al. 2015, Algorithm 3, clone by clone: who may be next, and when it ends."""
    stop = mean_ir(Y)
    waiting = [j for j in range(Y.shape[1]) if stop < ir_per_label(Y)[j] < np.inf]
    counts = Y.sum(axis=0).astype(int)
    clones = list(zip(rows.tolist(), made_for.tolist(), strict=True))
    while waiting and clones:
        for label in list(waiting):
            if not clones:
                break
            row, what_for = clones.pop(0)
            assert what_for == label
            assert Y[row, label]
            counts += Y[row]
            if counts.max() / counts[label] <= stop:
                waiting.remove(label)
    assert not clones
    assert len(rows) == n_new or not waiting


@given(hnp.arrays(bool, st.tuples(st.integers(2, 25), st.integers(1, 4))), st.integers(1, 60), st.integers(0, 2**32))
def test_every_clone_is_the_one_that_the_algorithm_makes_next(Y, n_new, seed):
    labels = np.flatnonzero(minority_labels(Y))
    rows, made_for = mlros(Y, labels, n_new=n_new, rng=np.random.default_rng(seed))
    replay(Y, rows, made_for, n_new)


def test_worked_example_of_the_stop_rule():
    """12, 3 and 1 positives: IRLbl 1, 4, 12, MeanIR 17/3. The last label stops at 3: 12 / 3 = 4 < 17/3 < 12 / 2 = 6."""
    Y = np.array([[1, 0, 0]] * 9 + [[1, 1, 0]] * 3 + [[0, 0, 1]], dtype=bool)
    rows, made_for = mlros(Y, np.array([2]), n_new=100, rng=np.random.default_rng(0))
    assert rows.tolist() == [12, 12]
    assert made_for.tolist() == [2, 2]


def test_every_row_of_a_bag_can_be_cloned():
    Y = np.array([[1, 0]] * 12 + [[0, 1]] * 3, dtype=bool)
    drawn = {int(mlros(Y, np.array([1]), n_new=1, rng=np.random.default_rng(seed))[0][0]) for seed in range(50)}
    assert drawn == {12, 13, 14}


def test_provenance_names_the_label_and_the_row():
    Y = np.array([[1, 0, 0]] * 9 + [[1, 1, 0]] * 3 + [[0, 0, 1]])
    sampler = MLROS(sampling_strategy=1, random_state=0)
    sampler.fit_resample(np.arange(13.0)[:, None], Y)
    assert sampler.made_for_.tolist() == [-1] * 13 + [2]
    assert sampler.seed_rows_[13] == sampler.sample_indices_[13] == 12
    assert sampler.is_synthetic_.tolist() == [False] * 13 + [True]


def test_rows_for_each_label_are_given_exactly_whatever_the_stop_rule_says():
    Y = np.array([[1, 0, 0]] * 9 + [[1, 1, 0]] * 3 + [[0, 0, 1]])
    sampler = MLROS(sampling_strategy={"y2": 30, "y1": 4}, random_state=0)
    _, Y_res = sampler.fit_resample(np.zeros((13, 1)), Y)
    assert (Y_res[13:].sum(axis=0) == [4, 4, 30]).all()


@pytest.mark.data
def test_emotions_takes_the_whole_budget(data_folder):
    """No label of emotions reaches MeanIR within 25 %, so 148 rows come (the reference overshoots to 152)."""
    from rarelabel.datasets import read

    Y = read(data_folder / "multilabel" / "emotions.arff.gz").Y
    _, Y_res = MLROS(random_state=0).fit_resample(np.zeros((len(Y), 1)), Y)
    assert len(Y_res) == 593 + 148
    assert mean_ir(Y_res) < mean_ir(Y)
