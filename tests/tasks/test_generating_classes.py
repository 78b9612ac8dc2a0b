"""Rows from files of models that balance classes: the same commands as for MLDM, and a line where one cannot do it."""

import csv
import json
import warnings

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

from rarelabel import CWGANGP, MLDM, SEMResDDPM, TabDDPM, load_model, tasks  # noqa: E402
from rarelabel.cli import main  # noqa: E402
from rarelabel.datasets import Dataset, read, write  # noqa: E402
from rarelabel.schema import Column, Schema  # noqa: E402

TINY = {"training_steps": 3, "batch_size": 16}
DIFFUSION = {**TINY, "width": 16, "n_timesteps": 20, "sampling_steps": 2}
SMALL = {CWGANGP: {**TINY, "critic_steps": 1}, SEMResDDPM: DIFFUSION, TabDDPM: DIFFUSION}
every_class = pytest.mark.parametrize("cls", SMALL)


def patients(n=60):
    """Numbers, whole numbers, categories; two classes, one row in five ill."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=n), rng.integers(0, 90, n), rng.integers(0, 3, n)])
    columns = (Column("height"), Column("age", "integer"), Column("town", "category", ("Ely", "Bath", "York")))
    is_ill = np.arange(n) % 5 == 0
    labels = Column("well", "label"), Column("ill", "label")
    return Dataset(X, np.column_stack([~is_ill, is_ill]), Schema(columns, labels, exclusive=True), "patients")


@pytest.fixture(scope="module")
def model_files(tmp_path_factory):
    folder, data = tmp_path_factory.mktemp("models"), patients()
    for cls, parameters in SMALL.items():
        cls(**parameters, random_state=0).fit(data.X, data.Y, schema=data.schema).save(folder / cls.__name__)
    return folder


@pytest.fixture
def folder(tmp_path, model_files, monkeypatch):
    """A folder to work in, with the models and the table."""
    for file in model_files.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    write(patients(), tmp_path / "patients.arff")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, [str(each) for each in arguments])


def refused(result, message):
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert message in error


@every_class
def test_resampling_keeps_the_model_and_generate_draws_from_it(cls, folder):
    settings = [f"--set={name}={value}" for name, value in SMALL[cls].items()]
    arguments = ["patients.arff", "-m", cls.__name__, *settings, "--seed", 5, "-o", "more.arff", "--save-model", "kept"]
    result = run("resample", *arguments)
    assert result.exit_code == 0, result.output
    assert read("more.arff").Y.sum(axis=0).tolist() == [48, 48]
    data = patients()
    direct = cls(**SMALL[cls], random_state=5).fit(data.X, data.Y, schema=data.schema)
    X, Y = direct.sample(25, random_state=9)
    result = run("generate", "kept", "-n", 25, "-o", "new.arff", "--seed", 9, "--provenance", "from.csv", "--json")
    assert result.exit_code == 0, result.output
    made, told = read("new.arff"), json.loads(result.stdout)
    assert made.schema == data.schema
    np.testing.assert_allclose(made.X, X, rtol=1e-12)
    np.testing.assert_array_equal(made.Y, Y)
    assert (told["method"], told["training_rows"], told["trained_on"]) == (cls.__name__, 60, "all rows")
    assert told["training_rows_with_a_minority_label"] is None
    assert told["rows_per_label"] == {"ill": 25}
    assert {line["made_for"] for line in csv.DictReader((folder / "from.csv").read_text().splitlines())} == {"ill"}


@every_class
def test_rows_of_a_class_that_is_asked_for(cls, folder):
    result = run("generate", cls.__name__, "-n", 9, "-o", "new.arff", "--label", "well=1")
    assert result.exit_code == 0, result.output
    first, asked, *_ = result.stdout.splitlines()
    assert first == f"9 rows drawn from {cls.__name__}: {cls.__name__}, trained on all 60 rows"
    assert asked == "  conditions: well = 1"
    assert read("new.arff").Y.sum(axis=0).tolist() == [9, 0]
    plain = run("generate", cls.__name__, "-n", 9, "-o", "new.arff")
    assert "conditions: none; each row was drawn for a class that rows were to be added to" in plain.stdout
    refused(run("generate", cls.__name__, "-n", 9, "-o", "new.arff", "--label", "wel=1"), "did you mean 'well'")
    both = ["--label", "well=1", "--label", "ill=1"]
    refused(run("generate", cls.__name__, "-n", 9, "-o", "new.arff", *both), "every row has exactly one class")


def test_columns_can_be_asked_of_diffusions_and_not_of_the_gan(folder):
    before = {file.name for file in folder.iterdir()}
    options = ["-n", 12, "-o", "new.arff", "--where", "town=York", "--label", "ill=1"]
    refused(run("generate", "CWGANGP", *options), "CWGANGP is told the class alone; conditions name columns")
    assert {file.name for file in folder.iterdir()} == before
    for name in ("SEMResDDPM", "TabDDPM"):
        result = run("generate", name, *options)
        assert result.exit_code == 0, result.output
        made = read("new.arff")
        assert (made.X[:, 2] == 2).all()
        assert made.Y[:, 1].all()


def test_a_balanced_table_leaves_no_model_to_keep(folder):
    data = patients()
    rows = np.r_[np.flatnonzero(data.Y[:, 1]), np.flatnonzero(data.Y[:, 0])[:12]]
    write(Dataset(data.X[rows], data.Y[rows], data.schema), "even.arff")
    result = run("resample", "even.arff", "-m", "TabDDPM", "-o", "more.arff", "--save-model", "kept")
    refused(result, "TabDDPM had no rows to make, so no model was trained that could be saved")


# The loader


def test_the_loader_gives_the_sampler_that_the_file_names(folder):
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few rows
        X, Y = rng.normal(size=(40, 2)), rng.random((40, 2)) < [0.8, 0.2]
        MLDM(**DIFFUSION, random_state=0).fit(X, Y).save("MLDM")
    for cls in (*SMALL, MLDM):
        model, direct = load_model(cls.__name__, device="cpu"), cls.load(cls.__name__)
        assert (type(model), model.device) == (cls, "cpu")
        for loaded, expected in zip(model.sample(6), direct.sample(6), strict=True):
            np.testing.assert_array_equal(loaded, expected)


def test_a_table_of_classes_as_an_indicator_comes_back_so(folder):
    data = patients()
    model = TabDDPM(**DIFFUSION, random_state=0).fit(data.X, data.Y.astype(np.int8), schema=data.schema)
    model.save("indicator")
    (X, Y), (X_again, Y_again) = model.sample(9), load_model("indicator").sample(9)
    assert Y_again.dtype == Y.dtype == np.int8
    np.testing.assert_array_equal(Y_again, Y)
    np.testing.assert_array_equal(X_again, X)
    assert Y_again.sum(axis=0).tolist() == [0, 9]


def test_a_method_of_another_version_is_named(folder):
    tensors = safetensors.load_file("TabDDPM")
    with safetensors.safe_open("TabDDPM", "pt") as file:
        header = json.loads(file.metadata()["rarelabel"])
    safetensors.save_file(tensors, "novel", {"rarelabel": json.dumps(header | {"method": "NOVEL"})})
    message = "novel holds a model of 'NOVEL', which this version does not know; it knows .*CWGANGP.*MLDM"
    with pytest.raises(ValueError, match=message):
        load_model("novel")
    with pytest.raises(FileNotFoundError, match="there is no file nothing"):
        load_model("nothing")
    with pytest.raises(ValueError, match="novel holds a model of 'NOVEL'"):
        tasks.generate("novel", 3, "new.arff")


DAMAGED = {
    "so many rows that the class is learned": lambda tensors: tensors.update({"few.0": torch_zeros(3, 7)}),
    "rows of a class that is not there": lambda tensors: tensors.update({"few.9": torch_zeros(2, 7)}),
    "rows of another width": lambda tensors: tensors.update({"few.1": torch_zeros(2, 3)}),
    "a state beyond the table": lambda tensors: tensors.update({"unseen": torch_zeros(1) + 99}),
    "classes too many": lambda tensors: tensors.update({"seen": torch_zeros(3) > 0}),
    "no hashes": lambda tensors: tensors.pop("hashes"),
}


def torch_zeros(*shape):
    import torch

    return torch.zeros(*shape)


@pytest.mark.parametrize("case", DAMAGED)
def test_a_file_whose_parts_do_not_fit_is_refused(case, folder):
    with safetensors.safe_open("TabDDPM", "pt") as file:
        metadata = file.metadata()
    tensors = safetensors.load_file("TabDDPM")
    DAMAGED[case](tensors)
    safetensors.save_file(tensors, "damaged", metadata)
    with pytest.raises(ValueError, match="damaged is damaged: its parts do not fit together"):
        load_model("damaged")
