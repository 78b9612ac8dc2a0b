"""The protocol sees training rows only, leaks are caught, and a leak would change the result."""

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from rarelabel.datasets import Dataset, load_digit_scenes
from rarelabel.evaluation.approaches import parse_approach
from rarelabel.evaluation.leakage import LeakError, check_no_leak
from rarelabel.evaluation.metering import CpuClock
from rarelabel.evaluation.preparation import make_training
from rarelabel.metrics import f1
from rarelabel.registry import make_classifier, make_sampler, sampler_names
from rarelabel.schema import Column, Schema

TRAIN, HELD = np.arange(0, 90), np.arange(90, 120)


def table(rng):
    X = rng.normal(size=(120, 4))
    X[rng.random(X.shape) < 0.05] = np.nan
    X[:, 3] = rng.integers(0, 3, 120)
    Y = rng.random((120, 5)) < [0.5, 0.4, 0.3, 0.15, 0.1]
    schema = Schema(
        (*(Column(f"x{j}") for j in range(3)), Column("colour", "category", ("red", "green", "blue"))),
        tuple(Column(f"y{j}", "label") for j in range(5)),
    )
    return X, Y, schema


@pytest.mark.filterwarnings("ignore:MLDM. only")
@pytest.mark.parametrize("approach", ["none", *sorted(sampler_names(installed=True))])
def test_protocol_trains_on_nothing_that_hangs_on_held_out_rows(approach):
    X, Y, schema = table(np.random.default_rng(0))

    def prepare(X, Y, train, held):
        X = np.column_stack([X[:, :3], np.clip(np.abs(np.nan_to_num(X[:, 3])), 0, 2).astype(int)])
        dataset = Dataset(X, Y, schema)
        training = make_training(dataset, train, held, parse_approach(approach), 3, CpuClock())
        return training.X, training.Y

    check_no_leak(prepare, X, Y, TRAIN, HELD)


def scaled_on_all_rows(X, Y, train, held):
    return StandardScaler().fit(X).transform(X)[train], Y[train]


def filled_on_all_rows(X, Y, train, held):
    X = X.copy()
    X[0, 0] = np.nan
    return SimpleImputer().fit(X).transform(X)[train], Y[train]


def resampled_before_the_split(X, Y, train, held):
    X_res, Y_res = make_sampler("MLSMOTE", random_state=0).fit_resample(X, Y)
    kept = np.setdiff1d(np.arange(len(Y_res)), held)
    return X_res[kept], Y_res[kept]


def features_chosen_by_all_labels(X, Y, train, held):
    apart = np.abs(X[Y[:, 0]].mean(axis=0) - X[~Y[:, 0]].mean(axis=0))
    return (X[train][:, apart > np.median(apart)],)


@pytest.mark.parametrize(
    "leaking", [scaled_on_all_rows, filled_on_all_rows, resampled_before_the_split, features_chosen_by_all_labels]
)
def test_leaks_are_caught(leaking):
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(120, 6)), rng.random((120, 3)) < [0.5, 0.3, 0.1]
    with pytest.raises(LeakError, match="array 0 of the training data changed"):
        check_no_leak(leaking, X, Y, TRAIN, HELD)


def test_steps_that_draw_afresh_cannot_be_judged():
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(20, 2)), rng.random((20, 2)) < 0.5

    def noisy(X, Y, train, held):
        return (X[train] + rng.normal(size=(len(train), 2)),)

    with pytest.raises(ValueError, match="fix its random_state"):
        check_no_leak(noisy, X, Y, np.arange(15), np.arange(15, 20))


def test_sparse_tables_are_checked_too():
    scenes = load_digit_scenes(120)
    from scipy import sparse

    X = sparse.csr_array(scenes.X)
    check_no_leak(lambda X, Y, train, held: (X[train], Y[train]), X, scenes.Y, TRAIN, HELD)
    with pytest.raises(LeakError, match="values differ"):
        check_no_leak(lambda X, Y, train, held: ((X / X.max())[train],), X, scenes.Y, TRAIN, HELD)


def test_a_leak_would_change_the_result():
    """Labels that are pure noise cannot be predicted; rows cloned before the split make it look as if they could."""
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(400, 5)), rng.random((400, 2)) < [0.5, 0.08]
    schema = Schema.numeric(5, ("common", "rare"))
    train, held = np.arange(300), np.arange(300, 400)
    clones = parse_approach("LPROS")

    training = make_training(Dataset(X, Y, schema), train, held, clones, 0, CpuClock())
    honest = make_classifier("br-tree", random_state=0).fit(training.X, training.Y).predict(training.X_held)

    X_all, Y_all = make_sampler("LPROS", sampling_strategy=0.4, random_state=0).fit_resample(X, Y)
    rows = rng.permutation(len(Y_all))
    cut = len(rows) * 3 // 4
    leaky = make_classifier("br-tree", random_state=0).fit(X_all[rows[:cut]], Y_all[rows[:cut]])

    honest_f1 = f1(Y[held][:, [1]], honest[:, [1]])
    leaky_f1 = f1(Y_all[rows[cut:]][:, [1]], leaky.predict(X_all[rows[cut:]])[:, [1]])
    assert honest_f1 < 0.3
    assert leaky_f1 > 0.7
