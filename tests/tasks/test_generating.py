"""Rows from model files: generate, and resample with a model kept, as functions and from the command line."""

import csv
import json
import warnings

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

from rarelabel import MLDM, tasks  # noqa: E402
from rarelabel.cli import main  # noqa: E402
from rarelabel.datasets import Dataset, read, write  # noqa: E402
from rarelabel.generative import _mldm  # noqa: E402
from rarelabel.schema import Column, Schema  # noqa: E402

LABELS = ("sun", "sea", "a=b", "never")
SMALL = {"training_steps": 60, "width": 32, "sampling_steps": 5}


def trips(n=160):
    """Numbers, whole numbers of which some are missing, categories; names and categories that hold equal signs."""
    rng = np.random.default_rng(1)
    Y = np.column_stack([rng.random((n, 3)) < [0.9, 0.4, 0.1], np.zeros(n, dtype=bool)])
    Y[:4, 2] = True
    X = np.column_stack(
        [rng.normal(size=n).round(3), rng.integers(0, 50, n), rng.integers(0, 3, n), rng.integers(0, 2, n)]
    ).astype(float)
    X[5:40, 1] = np.nan
    columns = (
        Column("height"),
        Column("age", "integer"),
        Column("town", "category", ("Ely", "Bath", "x=y")),
        Column("k=v", "category", ("no", "yes")),
    )
    return Dataset(X, Y, Schema(columns, tuple(Column(name, "label") for name in LABELS)), "trips")


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "trips.safetensors"
    data = trips()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few rows, and a label that none carries
        MLDM(**SMALL, random_state=0).fit(data.X, data.Y, schema=data.schema).save(path)
    return path


@pytest.fixture
def folder(tmp_path, model_file, monkeypatch):
    """A folder to work in, with the model and the table."""
    (tmp_path / "trips.safetensors").write_bytes(model_file.read_bytes())
    write(trips(), tmp_path / "trips.arff")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(main, [str(each) for each in arguments])


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("suffix", ["parquet", "csv", "arff.gz", "dat"])
def test_rows_are_those_that_the_model_draws_for_the_seed(suffix, folder):
    out = f"new.{suffix}"
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    tasks.generate("trips.safetensors", 40, out, {"a=b": 1}, seed=3)
    made, drawn = read(out, list(LABELS)), MLDM.load("trips.safetensors").sample_dataset(40, {"a=b": 1}, random_state=3)
    if suffix != "csv":  # categories come in order of appearance there
        assert made.schema.features == drawn.schema.features
        np.testing.assert_array_equal(made.X, drawn.X)
    np.testing.assert_array_equal(made.X[:, :2], drawn.X[:, :2])
    np.testing.assert_array_equal(made.Y, drawn.Y)
    tasks.generate("trips.safetensors", 40, f"again.{suffix}", {"a=b": 1}, seed=3)
    tasks.generate("trips.safetensors", 40, f"other.{suffix}", {"a=b": 1}, seed=4)
    first, again, other = ((folder / f"{name}.{suffix}").read_bytes() for name in ("new", "again", "other"))
    assert first == again != other


@pytest.mark.filterwarnings("ignore:MLDM. only:UserWarning", "ignore:no row carries:UserWarning")
def test_resampling_keeps_the_model_of_its_one_training(folder, monkeypatch):
    trained = []

    def counted(*arguments, **more):
        trained.append(1)
        return learn(*arguments, **more)

    learn = _mldm.train_on_subset
    monkeypatch.setattr(_mldm, "train_on_subset", counted)
    result = tasks.resample("trips.arff", "mldm", "more.arff", SMALL, seed=5, save_model="kept.safetensors")
    assert len(trained) == 1
    assert folder / "kept.safetensors" in [folder / file for file in result.files]
    tasks.resample("trips.arff", "mldm", "plain.arff", SMALL, seed=5)
    assert (folder / "more.arff").read_bytes() == (folder / "plain.arff").read_bytes()
    data = trips()
    direct = MLDM(**SMALL, random_state=5).fit(data.X, data.Y, schema=data.schema)
    tasks.generate("kept.safetensors", 25, "new.arff", seed=9)
    X, Y = direct.sample(25, random_state=9)
    np.testing.assert_array_equal(read("new.arff").X, X)
    np.testing.assert_array_equal(read("new.arff").Y, Y)


@pytest.mark.parametrize(
    ("options", "holds"),
    [
        (["--label", "sea=1", "--label", "a=b=0"], lambda X, Y: Y[:, 1] & ~Y[:, 2]),
        (["--where", "town=x=y"], lambda X, Y: X[:, 2] == 2),
        (["--where", "k=v=yes", "--label", "sun=0"], lambda X, Y: (X[:, 3] == 1) & ~Y[:, 0]),
        (["--where", "age=30", "--where", "age=30.0"], lambda X, Y: X[:, 1] == 30),
        (["--where", "height=0.25"], lambda X, Y: np.isclose(X[:, 0], 0.25)),
        (["--where", "age="], lambda X, Y: np.isnan(X[:, 1])),
        (["--where", "age=?", "--where", "town=Bath"], lambda X, Y: np.isnan(X[:, 1]) & (X[:, 2] == 1)),
    ],
)
def test_conditions_hold_in_the_file(options, holds, run, folder):
    result = run("generate", "trips.safetensors", "-n", 30, "-o", "new.arff", *options)
    assert result.exit_code == 0, result.output
    made = read("new.arff")
    assert len(made.Y) == 30
    assert made.schema == trips().schema
    assert holds(made.X, made.Y).all()


def test_without_conditions_each_row_carries_the_label_it_was_drawn_for(run, folder):
    result = run("generate", "trips.safetensors", "-n", 50, "-o", "new.arff", "--provenance", "from.csv", "--json")
    assert result.exit_code == 0, result.output
    made, lines = read("new.arff"), list(csv.DictReader((folder / "from.csv").read_text().splitlines()))
    assert [line["row"] for line in lines] == [str(i) for i in range(50)]
    assert all(line["synthetic"] == "1" and line["seed_row"] == line["neighbor_row"] == "" for line in lines)
    assert all(made.Y[i, LABELS.index(line["made_for"])] for i, line in enumerate(lines))
    told = json.loads(result.stdout)
    assert sum(told["rows_per_label"].values()) == told["rows"] == told["rows_asked"] == 50
    assert (told["method"], told["training_rows"], told["trained_on"]) == ("MLDM", 160, "all rows conditioned")
    assert told["files"] == ["new.arff", "new.xml", "from.csv"]


def test_summary_says_what_was_asked_for_and_what_came(run, folder):
    result = run("generate", "trips.safetensors", "-n", 20, "-o", "new.csv", "--label", "a=b=1", "--where", "age=30")
    first, asked, _, _, label, *_ = result.stdout.splitlines()
    n_rare = int(trips().Y[:, 2].sum())
    assert first.startswith("20 rows drawn from trips.safetensors: MLDM, trained on all 160 rows, of which ")
    assert f"which {n_rare} carry" in first
    assert asked == "  conditions: a=b = 1, age = 30"
    assert label.split() == ["a=b", "20", "100.0%"]
    assert result.stdout.endswith("Wrote new.csv, new.xml\n")


def test_fewer_rows_than_asked_are_written_and_counted(run, folder, monkeypatch):
    draw = _mldm.draw_for_labels

    def half(*arguments, **more):
        X, Y, rows = draw(*arguments, **more)
        return X[::2], Y[::2], rows[::2]

    monkeypatch.setattr(_mldm, "draw_for_labels", half)
    result = run("generate", "trips.safetensors", "-n", 20, "-o", "new.arff", "--label", "a=b=1")
    assert result.exit_code == 0
    assert result.stdout.startswith("10 of the 20 rows asked for drawn from")
    assert "Warning: MLDM: 10 of 20 rows could be drawn that meet the conditions {'a=b': 1}" in result.stderr
    assert len(read("new.arff").Y) == 10


def bad_models(folder):
    content = (folder / "trips.safetensors").read_bytes()
    (folder / "cut.safetensors").write_bytes(content[: len(content) // 2])
    with safetensors.safe_open("trips.safetensors", "pt") as file:
        header = json.loads(file.metadata()["rarelabel"])
    tensors = safetensors.load_file("trips.safetensors")
    for name, change in {
        "future": {"format": 99},
        "other": {"method": "NOVEL"},
        "hole": {"facts": header["facts"] | {"sampling_strategy": None}},
    }.items():
        safetensors.save_file(tensors, f"{name}.safetensors", {"rarelabel": json.dumps(header | change)})
    safetensors.save_file(tensors, "foreign.safetensors", {"format": "pt"})


BAD = [
    (["--label", "sunn=1"], "'sunn=1' names 'sunn', which is not a label; did you mean 'sun'?"),
    (["--label", "zzz=1"], "which is not a label; there are 'sun', 'sea', 'a=b', 'never'"),
    (["--label", "age=1"], "'age', which is not a label; it is a column: use --where"),
    (["--label", "sun"], "expected label=value, got 'sun'"),
    (["--label", "sun=2"], "label 'sun' is 0 or 1, got '2'"),
    (["--label", "sun=1", "--label", "sun=0"], "'sun' is asked to be both 1 and 0"),
    (["--where", "sea=1"], "'sea', which is not a column; it is a label: use --label"),
    (["--where", "hieght=1"], "did you mean 'height'?"),
    (["--where", "town=Elly"], "column 'town' has no category 'Elly'; did you mean 'Ely'?"),
    (["--where", "age=old"], "column 'age' holds numbers, got 'old'"),
    (["--where", "age=1000"], "which lies outside of what the training rows hold"),
    (["--where", "height=inf"], "which lies outside of what the training rows hold"),
    (["--where", "height="], "column 'height' has a missing value"),
    (["--where", "age=", "--where", "age=3"], "'age' is asked to be both missing and 3"),
    (["--label", "never=1"], "none of 10 rows could be drawn that meets the conditions never = 1; nothing is written"),
    (["-n", "0"], "n must be at least 1, got 0"),
    (["-n", "99999999999"], "n asks for 99,999,999,999 new rows of 4 columns"),
    (["--device", "gpu"], "device must be 'auto' or a device of torch such as 'cpu' or 'cuda', got 'gpu'"),
    (["-o", "new.xls"], "cannot tell a format from 'new.xls'"),
    (["-o", "new.libsvm"], "column 'town' holds categories"),
    (["-o", "no/folder/new.csv"], "there is no folder"),
    (["-o", "trips.safetensors"], "already the input"),
    (["--provenance", "new.arff"], "another output"),
]
BAD_MODELS = [
    ("nothing.safetensors", "there is no file nothing.safetensors"),
    ("trips.arff", "trips.arff is no model file, or is cut short"),
    ("cut.safetensors", "cut.safetensors is no model file, or is cut short"),
    ("foreign.safetensors", "foreign.safetensors is no model file of rarelabel"),
    ("future.safetensors", "is a model file of format 99; this version reads format"),
    ("other.safetensors", "holds a model of 'NOVEL', which this version does not know"),
    ("hole.safetensors", "hole.safetensors is damaged"),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_what_cannot_be_done_is_a_line_and_leaves_no_file(options, message, run, folder):
    before = contents(folder)
    refused(run("generate", "trips.safetensors", "-n", 10, "-o", "new.arff", *options), message)
    assert contents(folder) == before


@pytest.mark.parametrize("out", ["new.xls", "new.libsvm", "no/folder/new.csv"])
def test_output_that_cannot_be_written_is_found_out_before_the_work(out, folder, monkeypatch):
    monkeypatch.setattr(MLDM, "sample_dataset", lambda *_, **__: pytest.fail("the work began"))
    with pytest.raises((ValueError, OSError), match=r"cannot (tell a format|write)|holds categories"):
        tasks.generate("trips.safetensors", 10, out)


@pytest.mark.parametrize(("name", "message"), BAD_MODELS, ids=[case[0] for case in BAD_MODELS])
def test_a_file_that_is_no_model_is_a_line_and_leaves_no_file(name, message, run, folder):
    bad_models(folder)
    before = contents(folder)
    refused(run("generate", name, "-n", 10, "-o", "new.arff"), message)
    assert contents(folder) == before


def refused(result, message):
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert message in error
    assert "Traceback" not in result.stderr


def test_nothing_is_left_where_writing_fails(folder, monkeypatch):
    def full_disk(dataset, out):
        raise OSError(28, "No space left on device")

    before = contents(folder)
    monkeypatch.setattr("rarelabel.tasks._generating.write", full_disk)
    with pytest.raises(OSError, match="No space left"):
        tasks.generate("trips.safetensors", 5, "new.arff", provenance="from.csv")
    assert contents(folder) == before


def test_values_of_other_programs_are_taken_as_they_are(folder):
    tasks.generate("trips.safetensors", 8, "new.arff", {"sea": True, "town": "Bath", "age": None})
    made = read("new.arff")
    assert made.Y[:, 1].all()
    assert (made.X[:, 2] == 1).all()
    assert np.isnan(made.X[:, 1]).all()
    with pytest.raises(ValueError, match=r"'twon', which is neither a column nor a label; did you mean 'town'\?"):
        tasks.generate("trips.safetensors", 8, "other.arff", {"twon": "Bath"})


def forms():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 2)).round(2)
    yield "lists of labels", X.tolist(), [["often", "rare"] if i < 9 else ["often"] for i in range(90)], "rare"
    yield "classes", X, np.array(["often"] * 75 + ["rare"] * 15), "rare"
    yield (
        "strings",
        np.column_stack([X.astype(object), ["red", "blue"] * 45]),
        np.eye(2, dtype=int)[[0] * 80 + [1] * 10],
        "y1",
    )


FORMS = list(forms())


@pytest.mark.parametrize(("X", "Y", "rare"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
@pytest.mark.filterwarnings("ignore:MLDM. only:UserWarning")
def test_models_of_tables_in_memory_give_files_too(X, Y, rare, folder):
    MLDM(**SMALL, random_state=0).fit(X, Y).save("mine.safetensors")
    where = ["x2=blue"] if len(X[0]) == 3 else []
    tasks.generate("mine.safetensors", 12, "new.arff", labels=[f"{rare}=1"], where=where)
    made = read("new.arff")
    assert made.Y[:, made.label_names.index(rare)].all()
    if where:
        assert {made.schema.features[2].categories[int(code)] for code in made.X[:, 2]} == {"blue"}


def test_only_methods_that_learn_a_model_can_keep_one(run, folder, monkeypatch):
    monkeypatch.setattr("rarelabel.tasks._resampling.read", lambda *_, **__: pytest.fail("the work began"))
    before = contents(folder)
    arguments = ["resample", "trips.arff", "-o", "more.arff", "--save-model", "kept.safetensors", "-m"]
    refused(run(*arguments, "MLSMOTE"), "MLSMOTE learns no model that could be saved; these do: ")
    planned = run(*arguments, "MLDM", "--plan")
    assert planned.exit_code == 2
    assert "--plan trains nothing" in planned.stderr
    refused(run(*arguments[:-3], "--save-model", "more.arff", "-m", "MLDM"), "another output")
    monkeypatch.setattr("rarelabel.tasks._sampling.find_spec", lambda name: None)
    refused(run(*arguments, "MLDM"), "pip install 'rarelabel[torch]'")
    assert contents(folder) == before


def test_where_no_label_is_rare_there_is_no_model_to_keep(run, folder):
    data = trips()
    even = Dataset(data.X, np.ones((160, 1), dtype=bool), Schema(data.schema.features, (Column("all", "label"),)))
    write(even, "even.arff")
    before = contents(folder)
    result = run("resample", "even.arff", "-m", "MLDM", "-o", "more.arff", "--save-model", "kept.safetensors")
    refused(result, "MLDM had no rows to make, so no model was trained that could be saved")
    assert contents(folder) == before


@pytest.mark.filterwarnings("ignore:MLDM. only:UserWarning", "ignore:no row carries:UserWarning")
def test_training_tells_how_far_it_is_and_can_be_stopped(run, folder, monkeypatch):
    monkeypatch.setattr("rarelabel.tasks._sampling._SECONDS_BETWEEN_LINES", 0.0)
    arguments = ["resample", "trips.arff", "-m", "MLDM", "-o", "more.arff", "--save-model", "kept.safetensors"]
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "\nTraining MLDM: step 2 of 2: loss " in result.stderr
    assert json.loads(run(*arguments, "--json").stdout)["parameters"].keys().isdisjoint({"progress", "cancel"})
    for file in ("more.arff", "more.xml", "kept.safetensors"):
        (folder / file).unlink()
    before = contents(folder)

    def interrupted(line):
        if line.startswith("Training"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tasks.resample("trips.arff", "MLDM", "more.arff", save_model="kept.safetensors", progress=interrupted)
    assert contents(folder) == before
