"""A comparison by one call: whatever is given, it is the comparison that a spec describes, and nothing is run twice."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

pytest.importorskip("pydantic")

from sklearn.base import BaseEstimator
from sklearn.feature_selection import VarianceThreshold
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.tree import DecisionTreeClassifier

from rarelabel.datasets import Dataset, load_digit_scenes, write
from rarelabel.evaluation import compare, make_spec, run_spec, runner
from rarelabel.evaluation.records import COST_COLUMNS
from rarelabel.over_sampling import MLROS
from rarelabel.schema import Column

DIGITS = load_digit_scenes(200)
Y_NAMES = tuple(Column(f"y{j}", "label") for j in range(DIGITS.Y.shape[1]))
UNNAMED = Dataset(DIGITS.X, DIGITS.Y, replace(DIGITS.schema, labels=Y_NAMES), DIGITS.name)
QUICK = {"cv": "1x2", "fidelity": "none"}


class CountedTree(DecisionTreeClassifier):
    """A tree that counts how often one was fitted."""

    fitted = 0

    def fit(self, X, y):
        CountedTree.fitted += 1
        return super().fit(X, y)


class Reverser(BaseEstimator):
    def fit_resample(self, X, y):
        return X[::-1], y[::-1]


def table(results, *but):
    """Everything but keys, costs and the columns named."""
    dropped = {"key", *COST_COLUMNS, *but}
    return {name: column.tolist() for name, column in results.runs.items() if name not in dropped}


def same(one, two, *but):
    one, two = table(one, *but), table(two, *but)
    assert list(one) == list(two)
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def test_it_is_the_spec_that_it_describes():
    found = compare(DIGITS, ["mlros", "mlsmote+thresholds"], ["br-tree", "mlknn"], seeds=2, measures=["lrap"], **QUICK)
    spec = make_spec(
        datasets=[{"name": DIGITS.name}],
        approaches=["mlros", "mlsmote+thresholds"],
        classifiers=["br-tree", "mlknn"],
        seeds=[0, 1],
        measures=["lrap"],
        **QUICK,
    )
    expected = run_spec(spec, {DIGITS.name: DIGITS})
    same(found, expected)
    assert found.runs["key"].tolist() == expected.runs["key"].tolist()
    assert len(found.runs["key"]) == spec.n_runs == 5 * 2 * 2 * 2
    assert found.spec == spec.to_dict()


def test_the_cheap_remedies_take_part_unasked():
    assert set(compare(DIGITS, classifiers="br-tree", **QUICK).runs["approach"]) == {"none", "weights", "thresholds"}


def as_frame(X):
    return pytest.importorskip("pandas").DataFrame(X, columns=[f"pixel {j}" for j in range(X.shape[1])])


@pytest.mark.parametrize(
    "given",
    [
        (DIGITS.X, DIGITS.Y),
        [(DIGITS.X, DIGITS.Y)],
        (DIGITS.X.tolist(), DIGITS.Y.astype(int)),
        {"data set 1": (DIGITS.X, sparse.csr_array(DIGITS.Y.astype(int)))},
        {"data set 1": DIGITS},
    ],
    ids=["arrays", "list", "lists", "sparse", "mapping"],
)
def test_data_may_come_in_any_form(given):
    named = isinstance(given, dict) and given["data set 1"] is DIGITS
    expected = compare({"data set 1": DIGITS if named else UNNAMED}, "mlros", "br-tree", **QUICK)
    same(compare(given, "mlros", "br-tree", **QUICK), expected)


def test_names_of_labels_change_nothing_but_notes():
    named, unnamed = (compare({"data set": each}, "mlros", "br-tree", **QUICK) for each in (DIGITS, UNNAMED))
    same(named, unnamed, "notes")
    notes = "\n".join(named.runs["notes"].tolist())
    assert "inner folds, so no threshold is tuned for them: 'digit_8' (1)" in notes
    assert re.sub(r"'digit_(\d)'", r"'y\1'", notes) == "\n".join(unnamed.runs["notes"].tolist())


def test_frames_are_taken():
    pandas = pytest.importorskip("pandas")
    labels = pandas.DataFrame(DIGITS.Y.astype(int), columns=DIGITS.label_names)
    found = compare((as_frame(DIGITS.X), labels), "mlros", "br-tree", **QUICK)
    same(found, compare({"data set 1": DIGITS}, "mlros", "br-tree", **QUICK))
    assert found.datasets[0].label_names == DIGITS.label_names


def test_classes_are_taken():
    y = np.minimum(DIGITS.Y.argmax(axis=1), 2)
    results = compare((DIGITS.X, y), "mlros", "br-tree", **QUICK)
    assert results.datasets[0].exclusive
    status = dict(zip(results.runs["approach"], results.runs["status"], strict=True))
    assert status == {"none": "ok", "weights": "ok", "thresholds": "skipped", "MLROS": "ok"}
    assert np.isfinite(results.runs["mcc"][results.runs["status"] == "ok"]).all()


def test_several_data_sets_are_compared_side_by_side(tmp_path):
    path = tmp_path / "scenes.arff"
    write(DIGITS, path)
    small = Dataset(DIGITS.X[:150], DIGITS.Y[:150], DIGITS.schema, "small")
    results = compare([str(path), small, (DIGITS.X, DIGITS.Y)], classifiers="br-tree", **QUICK)
    assert [each.name for each in results.datasets] == ["scenes", "small", "data set 3"]
    assert [each.n_rows for each in results.datasets] == [200, 150, 200]


def test_objects_give_what_their_names_give():
    tree = MultiOutputClassifier(DecisionTreeClassifier(min_samples_leaf=2))
    results = compare(DIGITS, {"copies": MLROS(), "MLROS": "mlros"}, {"a": tree, "b": tree}, **QUICK)
    a, b = (results.where(classifier=name) for name in "ab")
    same(a, b, "classifier")
    same(a.where(approach="copies"), a.where(approach="MLROS"), "approach")
    assert set(results.runs["status"]) == {"ok"}


def test_pipelines_and_own_samplers_take_part():
    pipeline = make_pipeline(VarianceThreshold(), DecisionTreeClassifier())
    results = compare(DIGITS, Reverser(), [pipeline], **QUICK)
    assert set(results.runs["approach"]) == {"none", "weights", "thresholds", "Reverser"}
    assert set(results.runs["classifier"]) == {"Pipeline"}
    assert set(results.runs["status"]) == {"ok"}


def test_a_name_of_ones_own_may_stand_for_any_approach():
    given = {"both": "mlros+thresholds", "untouched": "none", "heavy": "weights"}
    results = compare(DIGITS, given, {"tree": "br-tree"}, **QUICK)
    for own, known in (("untouched", "none"), ("heavy", "weights")):
        same(results.where(approach=own), results.where(approach=known), "approach")
    expected = compare(DIGITS, "mlros+thresholds", "br-tree", **QUICK)
    same(results.where(approach="both"), expected.where(approach="MLROS+thresholds"), "approach", "classifier")


def test_nothing_is_run_twice_and_a_comparison_may_grow(tmp_path):
    store = tmp_path / "runs.sqlite"

    def fits(**more):
        CountedTree.fitted = 0
        asked = {"samplers": "mlros", "classifiers": CountedTree(), "store": store} | QUICK | more
        return compare(DIGITS, **asked), CountedTree.fitted

    first, fitted = fits()
    assert fitted == (1 + 1 + 4 + 1) * 2  # none, weights, thresholds on three inner folds, MLROS; two folds
    again, fitted = fits()
    assert fitted == 0
    same(first, again)
    grown, fitted = fits(samplers=["mlros", "mlrus"], seeds=2)
    assert fitted == 2 + (1 + 1 + 4 + 1 + 1) * 2
    same(grown.where(seed=0, approach=["none", "weights", "thresholds", "MLROS"]), first)
    assert fits(classifiers=CountedTree(max_depth=2))[1] == 14  # another tree is another classifier


def planned_key(classifier):
    """Of a comparison that is planned, but ends before its first run."""
    planned = []

    class Planned(Exception):
        pass

    def end(tasks, *_, **__):
        planned.extend(tasks)
        raise Planned

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "run", end)
        with pytest.raises(Planned):
            compare(DIGITS, classifiers=classifier, **QUICK)
    return planned[0].keys


def test_long_objects_are_told_apart():
    """scikit-learn shortens the descriptions of these to the same text."""

    def pipeline(threshold):
        steps = [(f"a rather long name, number {i}", VarianceThreshold(0.001)) for i in range(40)]
        steps[20] = (steps[20][0], VarianceThreshold(threshold))
        return Pipeline([*steps, ("tree", DecisionTreeClassifier())])

    assert repr(pipeline(0.002)) == repr(pipeline(0.003))
    keys = [planned_key(pipeline(threshold)) for threshold in (0.002, 0.003, 0.002)]
    assert keys[0] == keys[2] != keys[1]


def test_vectors_outlive_the_call(tmp_path):
    for store in (None, tmp_path / "runs.sqlite"):
        results = compare(DIGITS, classifiers="br-tree", store=store, **QUICK)
        vectors = results.vectors("f1")
        assert set(vectors) == set(results.runs["key"])
        for key, score in zip(results.runs["key"], results.runs["macro_f1"], strict=True):
            assert np.nanmean(vectors[key]) == pytest.approx(score)


def test_progress_is_told_to_the_end():
    seen = []
    compare(DIGITS, "mlros", "br-tree", progress=seen.append, **QUICK)
    assert (seen[-1].done, seen[-1].total, seen[-1].failed) == (8, 8, 0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("no_such_file.arff", "mlros", "br-tree"), OSError, "no_such_file"),
        ((DIGITS, "mlross", "br-tree"), ValueError, "did you mean MLROS"),
        ((DIGITS, "mlros", "br-tre"), ValueError, "did you mean br-tree"),
        ((DIGITS, [3], "br-tree"), TypeError, "expected the name of a sampler or an object that is one, got 3"),
        ((DIGITS, "mlros", [MLROS()]), TypeError, r"expected the name of a classifier .*, got MLROS\(\)"),
        ((([[1.0], [2.0]], [[1, 0]]), "mlros", "br-tree"), ValueError, "rows"),
        (([DIGITS.X, DIGITS.Y], "mlros", "br-tree"), TypeError, r"\(X, Y\)"),
        (([DIGITS, DIGITS], "mlros", "br-tree"), ValueError, "datasets must have different names"),
    ],
)
def test_what_cannot_be_compared_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        compare(*arguments, **QUICK)


def test_a_data_set_that_is_in_no_file_must_be_passed():
    spec = make_spec(datasets=[{"name": "mine"}], classifiers=["br-tree"])
    with pytest.raises(ValueError, match="data set 'mine' is in no file; pass it"):
        run_spec(spec)
