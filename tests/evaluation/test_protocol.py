"""What a comparison is, written down: read, checked, explained, and written again."""

import json
import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pydantic")

from sklearn.model_selection import KFold

from rarelabel.datasets import load_digit_scenes
from rarelabel.evaluation.protocol import Folds, Spec, json_schema, make_spec, read_spec, write_toml

TOML = """
datasets = ["birds.arff", "/data/yeast.arff.gz"]
approaches = ["mlsmote", "mlsol+thresholds"]
cv = "2x5"
seeds = 3
measures = ["rare_f1", "lrap"]

[[classifiers]]
name = "small tree"
classifier = "br-tree"
parameters = {max_depth = 3}
"""


def spec_of(**fields):
    return make_spec(**{"datasets": ["birds.arff"], "classifiers": ["br-tree"]} | fields)


def test_a_file_is_read_as_it_says(tmp_path):
    (tmp_path / "spec.toml").write_text(TOML)
    spec = read_spec(tmp_path / "spec.toml")
    assert [(each.name, each.path) for each in spec.datasets] == [
        ("birds", str(tmp_path / "birds.arff")),
        ("yeast", "/data/yeast.arff.gz"),
    ]
    names = ["none", "weights", "thresholds", "MLSMOTE", "MLSOL+thresholds"]
    assert [each.name for each in spec.approaches] == names
    assert (spec.approaches[4].sampler, spec.approaches[4].thresholds, spec.approaches[4].weights) == (
        "MLSOL",
        True,
        False,
    )
    assert spec.classifiers[0].choice().make(0).estimator.max_depth == 3
    assert (spec.cv, spec.seeds, spec.measures[0]) == (Folds(n_repeats=2, n_splits=5), [0, 1, 2], "rare_f1")
    assert spec.n_runs == 2 * 5 * 1 * 3 * 10


def test_the_cheap_remedies_are_added_once_and_keep_their_place():
    assert [each.name for each in spec_of().approaches] == ["none", "weights", "thresholds"]
    found = spec_of(approaches=["mlros", "weights"]).approaches
    assert [each.name for each in found] == ["none", "thresholds", "MLROS", "weights"]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60)
@given(st.dictionaries(texts, values, max_size=4), texts.filter(len))
def test_a_spec_survives_toml(parameters, name):
    given = [{"name": name, "parameters": parameters, "described": name}]
    spec = spec_of(classifiers=given, datasets=[{"name": name, "path": "a.csv", "labels": ["x", name]}], seeds=[4, 2])
    again = Spec.model_validate(tomllib.loads(write_toml(spec)))
    assert again == spec
    assert again.fingerprint == spec.fingerprint


def test_what_toml_has_no_word_for_is_refused():
    given = [{"name": "tree", "parameters": {"max_depth": None}, "described": "tree"}]
    with pytest.raises(ValueError, match="TOML has no null"):
        write_toml(spec_of(classifiers=given))


def test_infinite_and_missing_parameters_are_told_apart():
    def of(value):
        return spec_of(classifiers=[{"name": "t", "parameters": {"x": value}, "described": "t"}]).fingerprint

    assert len({of(float("inf")), of(float("nan")), of(None), of(1.0)}) == 4


@pytest.mark.parametrize("labels", [0, 2, "y", ["a", "b"]])
def test_which_columns_are_labels_survives_toml(labels):
    spec = spec_of(datasets=[{"name": "t", "path": "t.csv", "labels": labels}])
    assert Spec.model_validate(tomllib.loads(write_toml(spec))).datasets[0].labels == labels


def test_the_schema_knows_every_field_and_no_other():
    schema = json_schema()
    assert set(schema["properties"]) == set(Spec.model_fields)
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"datasets", "classifiers"}
    json.dumps(schema)


def test_written_files_fit_the_schema():
    jsonschema = pytest.importorskip("jsonschema")
    written = tomllib.loads(write_toml(spec_of(approaches=["mlsmote"], time_limit=3.0)))
    jsonschema.validate(written, json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written | {"sede": 1}, json_schema())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"classifiers": ["br-tre"]}, "classifiers: no classifier is called 'br-tre'.*did you mean br-tree"),
        ({"approaches": ["mlsmot"]}, "approaches: no method is called 'mlsmot'.*did you mean MLSMOTE"),
        ({"measures": ["rare_f2"]}, "measures: there is no measure 'rare_f2'; did you mean 'rare_f1'"),
        ({"seed": 3}, "seed: .*not permitted, got 3"),
        ({"cv": "2x"}, "cv: cannot understand the folds '2x': expected repeats x folds, such as 2x5"),
        ({"cv": "ten"}, "cv: cannot understand the folds 'ten'"),
        ({"cv": "2x1"}, "n_splits"),
        ({"cv": 1}, "n_splits"),
        ({"seeds": [0, 0]}, r"seeds must be different whole numbers from 0, got \[0, 0\]"),
        ({"seeds": [-1]}, r"got \[-1\]"),
        ({"seeds": 0}, "seeds: .*at least 1"),
        ({"datasets": []}, "datasets: .*at least 1"),
        ({"time_limit": 0}, "time_limit: .*greater than 0, got 0"),
        ({"inner_splits": 1}, "inner_splits: .*got 1"),
        ({"fidelity": "some"}, "fidelity: .*'first', 'all' or 'none', got 'some'"),
        ({"datasets": ["a/b.arff", "c/b.csv"]}, "datasets must have different names; 'b' came twice"),
        ({"approaches": ["mlros", "ml-ros"]}, "approaches must have different names; 'MLROS' came twice"),
        ({"approaches": [{"name": "x", "parameters": {"k": 1}}]}, "has parameters, but no sampler to give them to"),
        ({"approaches": [{"name": "x", "sampler": "MLSMOTE", "parameters": {"k": 1}}]}, "MLSMOTE has no parameter k"),
        ({"classifiers": [{"name": "br-tree", "parameters": {"depth": 1}}]}, "no parameter depth.*max_depth"),
    ],
)
def test_what_is_wrong_is_named(fields, message):
    with pytest.raises(ValueError, match=message):
        spec_of(**fields)


def test_a_missing_field_is_named():
    with pytest.raises(ValueError, match="classifiers: Field required"):
        make_spec(datasets=["a.arff"])


@pytest.mark.parametrize("content", [b"cv = ", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_named(tmp_path, content):
    (tmp_path / "spec.toml").write_bytes(content)
    with pytest.raises(ValueError, match=r"spec\.toml is not TOML"):
        read_spec(tmp_path / "spec.toml")


def test_a_file_with_a_wrong_field_is_named(tmp_path):
    (tmp_path / "spec.toml").write_text(TOML.replace("seeds", "sedes"))
    with pytest.raises(ValueError, match=r"spec\.toml: sedes: "):
        read_spec(tmp_path / "spec.toml")


def test_an_object_is_needed_again():
    spec = spec_of(classifiers=[{"name": "mine", "described": "my.Tree()", "instance": object()}])
    again = Spec.model_validate(tomllib.loads(write_toml(spec)))
    with pytest.raises(ValueError, match=r"'mine' needs the object my\.Tree\(\), which no file holds; pass it"):
        again.classifiers[0].choice()


def test_folds_hold_out_every_row_once_and_differ_from_repeat_to_repeat():
    Y = load_digit_scenes(100).Y
    folds = [Folds.of("2x4").assign(Y, repeat) for repeat in (0, 1, 0)]
    assert np.bincount(folds[0]).sum() == 100
    assert len(np.unique(folds[0])) == 4
    assert folds[0].tolist() == folds[2].tolist() != folds[1].tolist()

    # labels are spread more evenly than by chance
    def spread(assigned):
        return np.std([Y[assigned == fold].sum(axis=0) for fold in range(4)], axis=0).mean()

    by_chance = np.empty(100, int)
    for fold, (_, held) in enumerate(KFold(4, shuffle=True, random_state=0).split(Y)):
        by_chance[held] = fold
    assert spread(folds[0]) < spread(by_chance)


def test_folds_are_written_in_many_ways():
    assert Folds.of("5") == Folds.of(5) == Folds.of("1x5") == Folds.of({"n_splits": 5}) == Folds()
    assert Folds.of("3X2") == Folds(n_repeats=3, n_splits=2)
