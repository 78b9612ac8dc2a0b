"""Keys of runs change with what the numbers hang on, and with nothing else."""

import numpy as np
import pytest
from scipy import sparse

pytest.importorskip("pydantic")

from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from rarelabel.datasets import Dataset, load_digit_scenes
from rarelabel.evaluation import planning
from rarelabel.evaluation.planning import data_fingerprint, plan_tasks
from rarelabel.evaluation.protocol import make_spec

DIGITS = load_digit_scenes(600)


def plan(dataset=DIGITS, name="digits", **fields):
    usual = {"approaches": ["mlsmote"], "classifiers": ["br-tree", "mlknn"], "cv": "2x3", "seeds": 2}
    return plan_tasks(make_spec(datasets=[{"name": name}], **usual | fields), {name: dataset})


def keys(tasks, approach="MLSMOTE", classifier="br-tree"):
    """Of all divisions, by repeat, fold and seed."""
    return {(t.repeat, t.fold, t.seed): t.keys[classifier] for t in tasks if t.approach == approach}


def test_every_run_has_a_key_of_its_own():
    tasks = plan()
    assert len(tasks) == 4 * 6 * 2
    every = [key for task in tasks for key in task.keys.values()] + [task.resampling_key for task in tasks]
    assert len(set(every)) == len(every) == 3 * len(tasks)
    assert all(len(key) == 64 and int(key, 16) for key in every)


def test_tasks_come_by_data_set_approach_repeat_fold_and_seed():
    spec = make_spec(datasets=[{"name": "b"}, {"name": "a"}], classifiers=["mlknn"], cv="2x2", seeds=[5, 3])
    tasks = plan_tasks(spec, {"a": DIGITS, "b": DIGITS})
    found = [(task.dataset, task.approach, task.repeat, task.fold, task.seed) for task in tasks]
    approaches = ("none", "weights", "thresholds")
    assert found == [(d, a, r, f, s) for d in "ba" for a in approaches for r in (0, 1) for f in (0, 1) for s in (5, 3)]


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "another name"},
        {"approaches": ["mlros", "mlsmote", "remedial"]},
        {"approaches": [{"name": "MLSMOTE", "sampler": "MLSMOTE"}]},
        {"classifiers": ["mlknn", "br-logistic", "br-tree"]},
        {"seeds": [1, 0, 9]},
        {"cv": "5x3"},
        {"measures": ["lrap"]},
        {"fidelity": "all"},
    ],
)
def test_keys_stay_when_a_spec_grows_or_shows_something_else(changed):
    before, after = keys(plan()), keys(plan(**changed))
    assert before.items() <= after.items()


@pytest.mark.parametrize(
    "changed",
    [
        {"dataset": load_digit_scenes(601)},
        {"approaches": [{"name": "MLSMOTE", "sampler": "MLSMOTE", "parameters": {"k_neighbors": 4}}]},
        {"approaches": [{"name": "MLSMOTE", "sampler": "MLSOL"}]},
        {"approaches": [{"name": "MLSMOTE", "sampler": "MLSMOTE", "thresholds": True}]},
        {"approaches": [{"name": "MLSMOTE", "sampler": "MLSMOTE", "weights": True}]},
        {"classifiers": [{"name": "br-tree", "parameters": {"max_depth": 3}}]},
        {"classifiers": [{"name": "br-tree", "classifier": "cc-tree"}]},
        {"cv": "2x4"},
        {"cv": {"n_repeats": 2, "n_splits": 3, "random_state": 1}},
        {"seeds": [2, 3]},
        {"inner_splits": 4},
        {"time_limit": 9.0},
    ],
)
def test_keys_change_with_what_numbers_hang_on(changed):
    assert not set(keys(plan()).values()) & set(keys(plan(**changed)).values())


def test_a_name_of_ones_own_for_a_known_way_does_not_matter():
    approaches, classifiers = [{"name": "smote", "sampler": "MLSMOTE"}], [{"name": "tree", "classifier": "br-tree"}]
    other = [{"name": "a tree", "classifier": "br-tree"}]
    found = keys(plan(approaches=approaches, classifiers=classifiers), "smote", "tree")
    assert found == keys(plan(classifiers=other), classifier="a tree")


def test_keys_change_with_the_version_of_the_protocol(monkeypatch):
    before = keys(plan())
    monkeypatch.setattr(planning, "PROTOCOL_VERSION", planning.PROTOCOL_VERSION + 1)
    planning._versions.cache_clear()
    after = keys(plan())
    monkeypatch.undo()
    planning._versions.cache_clear()
    assert not set(before.values()) & set(after.values())
    assert keys(plan()) == before


def test_whether_new_rows_are_compared_changes_the_resampling_only():
    first, every, none = (
        [task for task in plan(fidelity=fidelity) if task.approach == "MLSMOTE"]
        for fidelity in ("first", "all", "none")
    )
    assert [task.settings.fidelity for task in first] == [task.fold == 0 for task in first]
    assert all(task.settings.fidelity for task in every)
    assert not any(task.settings.fidelity for task in none)
    for one, other in zip(first, every, strict=True):
        assert one.keys == other.keys
        assert (one.resampling_key == other.resampling_key) == (one.fold == 0)


def test_the_fingerprint_of_data_sees_every_part():
    X, Y = DIGITS.X.copy(), DIGITS.Y.copy()
    X[3, 4] += 1
    Y[5, 6] = ~Y[5, 6]
    variants = [
        DIGITS,
        Dataset(X, DIGITS.Y, DIGITS.schema, DIGITS.name),
        Dataset(DIGITS.X, Y, DIGITS.schema, DIGITS.name),
        Dataset(DIGITS.X[::-1], DIGITS.Y[::-1], DIGITS.schema, DIGITS.name),
        Dataset(sparse.csr_array(DIGITS.X), DIGITS.Y, DIGITS.schema, DIGITS.name),
    ]
    assert len({data_fingerprint(each) for each in variants}) == len(variants)
    same = Dataset(np.asfortranarray(DIGITS.X), DIGITS.Y.copy(), DIGITS.schema, "another name")
    assert data_fingerprint(same) == data_fingerprint(DIGITS)


def test_objects_are_told_apart_by_what_they_are():
    def key(instance, described):
        given = {"name": "mine", "described": described, "instance": instance}
        return keys(plan(classifiers=[given]), classifier="mine")[0, 0, 0]

    tree = DecisionTreeClassifier()
    assert key(tree, "a") == key(DecisionTreeClassifier(), "a")
    assert key(tree, "a") != key(tree, "b")
    assert key(tree, "a") != key(LogisticRegression(), "a")


def test_labels_that_a_fold_cannot_hold_out_are_named():
    Y = DIGITS.Y.copy()
    Y[2:, 0] = False
    Y[:2, 0] = True
    rare = Dataset(DIGITS.X, Y, DIGITS.schema, "digits")
    with pytest.warns(
        UserWarning, match=f"digits: 1 of 10 labels have no positive row in some fold.*'{DIGITS.label_names[0]}'"
    ):
        plan(rare)
