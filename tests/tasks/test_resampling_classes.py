"""Tables of classes in and out of files: how the column is told, that it is kept, and what samplers refuse by name."""

from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import sparse

from rarelabel import tasks
from rarelabel.cli import main
from rarelabel.datasets import Dataset, read
from rarelabel.schema import Column, Schema


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


def refused(result, message, code=1):
    assert result.exit_code == code, result.output
    assert message in result.stderr, result.stderr


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """One table with a target of 0 and 1, one of words, one of 0, 1 and 2; the last shares a name with a column."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [f"{x:.3f},{age}" for x, age in zip(rng.normal(size=40), rng.integers(20, 60, 40), strict=True)]
    kinds = {
        "fraud.csv": ("target", ["1" if i % 5 == 0 else "0" for i in range(40)]),
        "telco.csv": ("Churn", ["Yes" if i % 5 == 0 else "No" for i in range(40)]),
        "multi.csv": ("target", [str(min(i % 8, 2)) for i in range(40)]),
        "clash.csv": ("target", ["amount" if i % 5 == 0 else "age" for i in range(40)]),
    }
    for name, (column, cells) in kinds.items():
        lines = [f"{row},{cell}" for row, cell in zip(rows, cells, strict=True)]
        (tmp_path / name).write_text("\n".join([f"amount,age,{column}", *lines]) + "\n")
    return tmp_path


def lines_of(path):
    return path.read_text().splitlines()


# How the column is told


def test_a_target_of_0_and_1_is_resampled_as_classes(folder):
    pytest.importorskip("imblearn")
    result = run("resample", "fraud.csv", "--class", "target", "-m", "SMOTE", "-o", "o.csv")
    assert result.exit_code == 0, result.output
    assert lines_of(folder / "o.csv")[0] == '"amount","age","target"'
    made = read("o.csv")
    assert (made.label_names, made.Y.sum(axis=0).tolist()) == (("0", "1"), [32, 32])
    assert {line.rsplit(",", 1)[1] for line in lines_of(folder / "o.csv")[1:]} == {"0", "1"}


@pytest.mark.parametrize("labels", [["--labels", "target"], ["--labels=-1"]])
def test_a_label_of_0_and_1_is_refused_with_the_option_that_makes_it_classes(folder, labels):
    pytest.importorskip("imblearn")
    result = run("resample", "fraud.csv", *labels, "-m", "SMOTE", "-o", "o.csv")
    refused(result, "'target' of fraud was read as a label of 0 and 1; as two classes it is read by --class target")
    assert not (folder / "o.csv").exists()
    assert tasks.diagnose("fraud.csv", "target").n_labels == 1


def test_three_whole_numbers_need_no_option(folder):
    result = run("resample", "multi.csv", "--labels", "target", "-m", "MLROS", "-o", "o.csv")
    assert result.exit_code == 0, result.output
    assert read("o.csv").label_names == ("0", "1", "2")
    assert lines_of(folder / "o.csv")[:41] == ['"amount","age","target"', *_plain(lines_of(folder / "multi.csv")[1:])]


def _plain(lines):
    """Numbers as they are written again."""
    cells = [line.split(",") for line in lines]
    return [",".join([repr(float(amount)), age, target]) for amount, age, target in cells]


def test_every_command_that_takes_labels_takes_a_class(folder):
    assert tasks.diagnose("fraud.csv", classes="target").label_names == ("0", "1")
    assert "2 labels" in run("diagnose", "fraud.csv", "--class", "target").stdout
    assert run("convert", "fraud.csv", "o.arff", "--class", "target").exit_code == 0
    assert read("o.arff").schema.class_name == "target"
    planned = run("resample", "fraud.csv", "--class", "target", "-m", "MLROS", "--plan")
    assert "\n  1: " in planned.stdout
    for command in (["diagnose", "fraud.csv"], ["convert", "fraud.csv", "o.csv"], ["compare", "fraud.csv"]):
        both = "--class takes the place of --labels; give one of them"
        refused(run(*command, "--class", "target", "--labels", "target"), both, 2)
        refused(run(*command, "--labels", "target", "--class", "target"), both, 2)


def test_comparison_of_classes(folder):
    pytest.importorskip("pydantic")
    result = run(
        *("compare", "fraud.csv", "--class", "target", "--classifiers", "tree", "--cv", "1x2", "--fidelity", "none")
    )
    assert result.exit_code == 0, result.output
    from rarelabel.evaluation.results import Results

    results = Results.read("results.sqlite")
    (info,) = results.datasets
    assert (info.exclusive, info.n_labels) == (True, 2)
    assert results.spec["datasets"][0]["classes"] == "target"
    # what is read as a label is another comparison, which says nothing of classes
    labels = tasks.plan_comparison(["fraud.csv"], labels=["target"], classifiers=["tree"], cv="1x2", fidelity="none")
    assert labels.to_dict()["datasets"] == [{"name": "fraud", "path": "fraud.csv", "labels": ["target"]}]
    data = '[[datasets]]\nname = "fraud"\npath = "fraud.csv"\nclasses = "target"\n'
    (folder / "spec.toml").write_text('classifiers = ["tree"]\ncv = "1x2"\nfidelity = "none"\n' + data)
    named = tasks.plan_comparison(["fraud.csv"], classes="target", classifiers=["tree"], cv="1x2", fidelity="none")
    assert tasks.plan_comparison([], "spec.toml") == named
    (folder / "both.toml").write_text(data + 'labels = ["target"]\n')
    refused(run("compare", "--spec", "both.toml"), "has labels (['target']) and classes ('target')", 2)
    refused(run("compare", "--spec", "spec.toml", "--class", "target"), "not of those in a spec file", 2)


# What comes out


@pytest.mark.parametrize("suffix", ["csv", "arff", "parquet", "dat"])
def test_the_class_column_keeps_its_name(folder, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    out = f"o.{suffix}"
    result = run("resample", "telco.csv", "--labels", "Churn", "-m", "MLROS", "-o", out)
    assert result.exit_code == 0, result.output
    made, first = read(out), read("telco.csv", "Churn")
    assert (made.schema, made.schema.class_name) == (first.schema, "Churn")
    np.testing.assert_array_equal(made.Y[:40], first.Y)
    again = run("resample", out, "-m", "MLROS", "-o", f"p.{suffix}")
    assert again.exit_code == 0, again.output
    assert read(f"p.{suffix}").schema.class_name == "Churn"


def test_a_class_may_be_called_as_a_column_is(folder):
    result = run("resample", "clash.csv", "--labels", "target", "-m", "MLROS", "-o", "o.csv")
    assert result.exit_code == 0, result.output
    assert read("o.csv").label_names == ("amount", "age")


def test_generate_writes_the_class_column_of_the_table(folder):
    pytest.importorskip("torch")
    pytest.importorskip("safetensors")
    small = ["training_steps=3", "batch_size=16", "width=16", "n_timesteps=20", "sampling_steps=2"]
    settings = [f"--set={each}" for each in small]
    options = [*settings, "-o", "o.csv", "--save-model", "kept"]
    result = run("resample", "telco.csv", "--labels", "Churn", "-m", "TabDDPM", *options)
    assert result.exit_code == 0, result.output
    assert lines_of(folder / "o.csv")[0] == '"amount","age","Churn"'
    assert run("generate", "kept", "-n", 5, "-o", "new.csv").exit_code == 0
    lines = lines_of(folder / "new.csv")
    assert lines[0] == '"amount","age","Churn"'
    assert {line.rsplit(",", 1)[1] for line in lines[1:]} == {'"Yes"'}


def test_models_of_before_have_no_class_column(folder):
    pytest.importorskip("torch")
    safetensors = pytest.importorskip("safetensors.torch")
    import json

    from rarelabel import TabDDPM

    data = read("telco.csv", "Churn")
    TabDDPM(training_steps=2, random_state=0).fit(data.X, data.Y, schema=data.schema).save("kept")
    with safetensors.safe_open("kept", "pt") as file:
        header = json.loads(file.metadata()["rarelabel"])
    assert header["schema"].pop("class_name") == "Churn"
    safetensors.save_file(safetensors.load_file("kept"), "old", {"rarelabel": json.dumps(header)})
    assert run("generate", "old", "-n", 5, "-o", "new.csv").exit_code == 0
    assert lines_of(folder / "new.csv")[0] == '"amount","age","Class"'


# What samplers of imbalanced-learn are told, and refuse


def mixed(n=40, *, town=True, n_rare=8):
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.normal(size=n), rng.integers(0, 4, n), rng.integers(0, 3, n)]).astype(float)
    third = Column("town", "category", ("Bath", "Oslo", "Rome")) if town else Column("town")
    labels = Column("often", "label"), Column("rare", "label")
    rare = np.arange(n) < n_rare
    schema = Schema((Column("x"), Column("floor", "integer"), third), labels, True)
    return Dataset(X, np.column_stack([~rare, rare]), schema, "flats")


@pytest.mark.parametrize("chosen", [["floor", "town"], [1, 2], [1, -1], [False, True, True], np.array([1, 2])])
def test_smotenc_takes_the_categories_that_are_set(chosen):
    smotenc = pytest.importorskip("imblearn.over_sampling").SMOTENC
    data = mixed()
    made, origin = tasks.resample_dataset(data, "SMOTENC", {"categorical_features": chosen}, seed=0)
    classes = np.array(["often", "rare"], dtype=object)[data.Y.argmax(axis=1)]
    X, _ = smotenc([1, 2], random_state=0).fit_resample(data.X, classes)
    np.testing.assert_array_equal(made.X, X)
    assert origin.parameters["categorical_features"] == ["floor", "town"]
    plain, told = tasks.resample_dataset(data, "SMOTENC", seed=0)
    assert told.parameters["categorical_features"] == ["town"]
    assert not np.array_equal(plain.X, made.X)


def test_smotenc_is_not_told_that_categories_are_numbers():
    pytest.importorskip("imblearn")
    for chosen in (["floor"], [], None):
        with pytest.raises(ValueError, match="column 'town' holds categories; categorical_features must name it"):
            tasks.resample_dataset(mixed(), "SMOTENC", {"categorical_features": chosen})
    for chosen, held in ((["town", 3], "3"), ([2, 1.5], "1.5"), ([True, False], "True")):
        with pytest.raises(ValueError, match=f"categorical_features holds {held}; expected names, positions below 3"):
            tasks.resample_dataset(mixed(), "SMOTENC", {"categorical_features": chosen})
    with pytest.raises(ValueError, match="categorical_features names 'city', which is not a column"):
        tasks.resample_dataset(mixed(), "SMOTENC", {"categorical_features": ["city"]})
    with pytest.raises(ValueError, match="SMOTENC needs columns of categories beside numbers"):
        tasks.resample_dataset(mixed(town=False), "SMOTENC")


@pytest.mark.parametrize("method", ["SMOTE", "ADASYN", "BorderlineSMOTE", "SMOTENC"])
def test_a_class_with_too_few_rows_is_named(method):
    pytest.importorskip("imblearn")
    parameter = "n_neighbors" if method == "ADASYN" else "k_neighbors"
    data = mixed(town=method == "SMOTENC", n_rare=4)
    if method == "BorderlineSMOTE":
        data.X[:4] += 9  # three neighbours of ten are rare: in danger
    message = f"{method} looks for {parameter}=5 neighbours of each row in its class, but class 'rare' has 4 rows: set "
    with pytest.raises(ValueError, match=f"{message}{parameter} to 3 or less, or take SEMResDDPM or MLROS"):
        tasks.resample_dataset(data, method)
    made, _ = tasks.resample_dataset(data, method, {parameter: 3})
    assert len(made.Y) > 40
    if method == "BorderlineSMOTE":
        return
    with pytest.raises(ValueError, match="class 'rare' has 1 row: one row has no neighbours"):
        tasks.resample_dataset(mixed(town=method == "SMOTENC", n_rare=1), method, {parameter: 1})
    # a class that is not to grow may be small
    kept, _ = tasks.resample_dataset(data, method, {"sampling_strategy": {"rare": 4}})
    assert len(kept.Y) == 40


def test_a_class_that_was_to_grow_and_has_not_is_told():
    """BorderlineSMOTE adds rows beside those in danger; a class far from all others has none."""
    pytest.importorskip("imblearn")
    apart = mixed(town=False, n_rare=10)
    apart.X[:10, 0] += 100
    message = "BorderlineSMOTE added no row of 'rare'; it adds rows beside those near other classes, and found none"
    with pytest.warns(UserWarning, match=message):
        made, _ = tasks.resample_dataset(apart, "BorderlineSMOTE")
    np.testing.assert_array_equal(made.X, apart.X)
    assert tasks.resample_dataset(apart, "SMOTE")[0].Y[:, 1].sum() == 30
    # no word where none is asked for
    tasks.resample_dataset(apart, "BorderlineSMOTE", {"sampling_strategy": {"rare": 10}})


@pytest.mark.parametrize("method", ["SMOTE", "ADASYN", "BorderlineSMOTE", "SMOTENC"])
def test_a_column_that_misses_values_is_named(method):
    pytest.importorskip("imblearn")
    data = mixed(town=method == "SMOTENC")
    data.X[[6, 9], 1] = np.nan
    message = rf"{method} takes no missing values, but column 'floor' misses 2 \(the first in row 7\); fill them in, or"
    for X in (data.X, sparse.csr_array(data.X)):
        with pytest.raises(ValueError, match=message):
            tasks.resample_dataset(replace(data, X=X), method)


@pytest.mark.parametrize("method", ["SMOTE", "ADASYN", "BorderlineSMOTE", "SMOTENC"])
def test_a_table_of_categories_alone_is_sent_elsewhere(method):
    pytest.importorskip("imblearn")
    columns = tuple(Column(name, "category", ("a", "b", "c")) for name in ("x", "y"))
    X = np.random.default_rng(0).integers(0, 3, (40, 2)).astype(float)
    data = Dataset(X, mixed().Y, Schema(columns, mixed().schema.labels, True), "words")
    message = (
        f"{method} needs columns of numbers, but every column holds categories; these take such tables: SEMResDDPM"
    )
    with pytest.raises(ValueError, match=message):
        tasks.resample_dataset(data, method)
    for named in ("MLROS", "MLSMOTE", "MLSOL"):
        assert len(tasks.resample_dataset(data, named)[0].Y) > 40


@pytest.mark.parametrize("method", ["SEMResDDPM", "TabDDPM", "CWGANGP"])
def test_what_is_named_for_such_tables_takes_them(method):
    pytest.importorskip("torch")
    columns = tuple(Column(name, "category", ("a", "b", "c")) for name in ("x", "y"))
    X = np.random.default_rng(0).integers(0, 3, (40, 2)).astype(float)
    X[3, 0] = np.nan
    data = Dataset(X, mixed().Y, Schema(columns, mixed().schema.labels, True), "words")
    with pytest.warns(UserWarning, match="columns have missing values.*: 'x'; impute"):
        made, _ = tasks.resample_dataset(data, method, {"training_steps": 2})
    assert made.Y.sum(axis=0).tolist() == [32, 32]
