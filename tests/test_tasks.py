"""Files in, results and files out: what tasks do beyond the functions they call."""

import csv
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from rarelabel import tasks
from rarelabel.datasets import Dataset, load_digit_scenes, read, write
from rarelabel.imbalance import describe
from rarelabel.over_sampling import MLSMOTE
from rarelabel.registry import SAMPLERS, SINGLE_LABEL_SAMPLERS, make_sampler, sampler_names
from rarelabel.schema import Column, Schema

LABELS = ("sun", "sea", "rare one")


def mixed_dataset(n=80, *, exclusive=False, as_sparse=False):
    """Numbers, whole numbers and categories, one of which no row has; labels from frequent to rare."""
    rng = np.random.default_rng(3)
    X = np.column_stack(
        [rng.normal(size=n).round(3), rng.integers(0, 50, n), rng.choice([0.0, 2.0], n), rng.choice([0.0, 1.0, 3.0], n)]
    )
    if exclusive:
        Y = np.arange(3) == rng.choice(3, size=n, p=[0.7, 0.2, 0.1])[:, None]
    else:
        Y = rng.random((n, 3)) < [0.8, 0.4, 0.1]
        Y[:3] = [[True, False, True], [True, True, True], [False, False, True]]
    columns = (
        Column("height"),
        Column("age", "integer"),
        Column("town", "category", ("Ely", "nowhere", "Bath")),
        Column("y2", "category", ("a", "b", "never", "d")),
    )
    schema = Schema(columns, tuple(Column(name, "label") for name in LABELS), exclusive)
    return Dataset(sparse.csr_array(X) if as_sparse else X, Y, schema, "mixed")


def dense(X):
    return X.toarray() if sparse.issparse(X) else X


@pytest.fixture
def mixed():
    return mixed_dataset()


@pytest.fixture
def mixed_file(mixed, tmp_path):
    write(mixed, tmp_path / "mixed.arff")
    return tmp_path / "mixed.arff"


def test_diagnosis_is_the_report_of_what_was_read(mixed, mixed_file):
    assert tasks.diagnose(mixed_file).to_dict() == describe(mixed.X, mixed.Y, schema=mixed.schema).to_dict()


def test_same_rows_as_the_sampler_gives_for_the_arrays(tmp_path):
    scenes = load_digit_scenes(600)
    scenes = replace(scenes, schema=Schema.numeric(144, scenes.label_names))
    X, Y = MLSMOTE(k_neighbors=3, random_state=7).fit_resample(scenes.X, scenes.Y)
    made, _ = tasks.resample_dataset(scenes, "MLSMOTE", {"k_neighbors": 3}, seed=7)
    np.testing.assert_array_equal(made.X, X)
    np.testing.assert_array_equal(made.Y, Y)


@pytest.mark.parametrize("form", ["dense", "sparse", "exclusive"])
@pytest.mark.parametrize("method", sampler_names(installed=True))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_sampler_gives_valid_rows_and_does_what_it_planned(method, form, tmp_path):
    dataset = mixed_dataset(exclusive=form == "exclusive", as_sparse=form == "sparse")
    write(dataset, tmp_path / "in.arff")
    planned = tasks.plan(tmp_path / "in.arff", method, seed=5)
    result = tasks.resample(tmp_path / "in.arff", method, tmp_path / "out.arff", seed=5)
    made = read(tmp_path / "out.arff")
    assert made.schema == dataset.schema  # names, kinds, categories that no row has, whether labels exclude each other
    assert sparse.issparse(made.X) == (form == "sparse")
    assert len(made.Y) == result.after.n_rows == planned.n_rows_after
    assert (result.n_added, result.n_removed) == (planned.n_new, planned.n_removed)
    X = dense(made.X)
    np.testing.assert_array_equal(X[:, 1], np.round(X[:, 1]))
    seen = [set(dense(dataset.X)[:, j].tolist()) for j in (2, 3)]
    assert set(X[:, 2].tolist()) <= seen[0]
    assert set(X[:, 3].tolist()) <= seen[1]
    kept = len(dataset.Y) - result.n_removed
    if not result.n_removed:
        np.testing.assert_array_equal(X[:kept], dense(dataset.X))
    if form == "exclusive":
        assert (made.Y.sum(axis=1) == 1).all()
    after = describe(made.X, made.Y, schema=made.schema)
    assert result.to_dict()["after"] == after.to_dict()


@pytest.mark.parametrize("method", sampler_names(installed=True, single_label=True))
def test_samplers_of_classes_give_valid_rows_and_refuse_several_labels(method, tmp_path):
    learns = hasattr(make_sampler(method), "training_steps")
    small = {"training_steps": 2} if learns else {"sampling_strategy": "minority"}
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=60), rng.integers(0, 9, size=60), rng.integers(0, 3, size=60)])
    mixed = method == "SMOTENC" or learns
    third = Column("town", "category", ("Bath", "Oslo", "Rome")) if mixed else Column("third")
    schema = Schema(
        (Column("x"), Column("age", "integer"), third), (Column("often", "label"), Column("rare", "label")), True
    )
    rare = X[:, 0] > 0.9
    dataset = Dataset(X, np.column_stack([~rare, rare]), schema, "classes")
    made, origin = tasks.resample_dataset(dataset, method, small, seed=3)
    np.testing.assert_array_equal(made.X[:60], X)
    assert made.Y.sum(axis=0)[0] == (~rare).sum()
    assert origin.rows_per_label() == {"rare": len(made.Y) - 60}
    assert len(made.Y) > 80
    np.testing.assert_array_equal(made.X[:, 1], np.round(made.X[:, 1]))
    if mixed:
        assert set(made.X[:, 2]) <= {0.0, 1.0, 2.0}
    with pytest.raises(ValueError, match=f"{method} balances the classes of a single-label table, but rows of .* MLDM"):
        tasks.resample_dataset(mixed_dataset(), method, small)


def test_samplers_of_imbalanced_learn_say_what_they_do_not_take(tmp_path):
    pytest.importorskip("imblearn")
    dataset = mixed_dataset(exclusive=True)
    with pytest.raises(ValueError, match=r"SMOTE takes numbers alone, but column '.*' holds categories: SMOTENC"):
        tasks.resample_dataset(dataset, "SMOTE")
    with pytest.raises(ValueError, match="SMOTE is imbalanced-learn's and cannot say beforehand"):
        tasks.plan(write(dataset, tmp_path / "in.arff")[0], "SMOTE")


def test_class_that_no_row_has_stays_a_class(tmp_path):
    dataset = mixed_dataset(exclusive=True)
    labels = (Column("never", "label"), *dataset.schema.labels)
    schema = Schema(dataset.schema.features, labels, exclusive=True)
    Y = np.column_stack([np.zeros(80, dtype=bool), dataset.Y])
    with pytest.warns(UserWarning, match="no row carries 'never'"):
        made, origin = tasks.resample_dataset(
            Dataset(dataset.X, Y, schema), "MLROS", {"sampling_strategy": {"rare one": 4}}
        )
    assert made.label_names == ("never", *LABELS)
    assert (made.Y.sum(axis=0) - Y.sum(axis=0)).tolist() == [0, 0, 0, 4]
    assert origin.rows_per_label() == {"rare one": 4}


def test_budget_for_each_label_goes_by_name(mixed):
    made, origin = tasks.resample_dataset(mixed, "mlros", {"sampling_strategy": {"rare one": 6, "sea": 2}})
    assert origin.rows_per_label() == {"sea": 2, "rare one": 6}
    assert made.Y[80:, 2].sum() >= 6
    assert origin.parameters["sampling_strategy"] == {"rare one": 6, "sea": 2}


def test_unknown_label_is_named_with_those_that_are_like_it(mixed):
    with pytest.raises(ValueError, match=r"names 'rare won', which is not a label; did you mean 'rare one'\?"):
        tasks.resample_dataset(mixed, "MLROS", {"sampling_strategy": {"rare won": 6}})


def test_errors_and_warnings_name_columns_and_labels_of_the_file(mixed):
    X = mixed.X.copy()
    X[4, 0] = np.nan
    with pytest.raises(ValueError, match=r"NaN .* in column 'height', row 4"):
        tasks.resample_dataset(replace(mixed, X=X), "MLSMOTE")
    Y = mixed.Y.copy()
    Y[:, 1] = False
    with pytest.warns(UserWarning, match="no row carries 'sea'"):
        tasks.resample_dataset(replace(mixed, Y=Y), "MLROS")


def test_columns_can_be_named_as_categories(mixed):
    made, _ = tasks.resample_dataset(mixed, "MLSMOTE", {"categorical_features": ["height"]})
    assert set(made.X[:, 0]) == set(mixed.X[:, 0])  # a category is taken over, a number would lie between
    with pytest.raises(ValueError, match=r"'heigth', which is not a column; did you mean 'height'\?"):
        tasks.resample_dataset(mixed, "MLSMOTE", {"categorical_features": ["heigth"]})
    with pytest.raises(ValueError, match="indices below 4"):
        tasks.resample_dataset(mixed, "MLSMOTE", {"categorical_features": [9]})


def test_provenance_file_leads_back_to_the_rows(mixed, mixed_file, tmp_path):
    tasks.resample(mixed_file, "MLSMOTE", tmp_path / "out.arff", provenance=tmp_path / "from.csv")
    made = read(tmp_path / "out.arff")
    lines = list(csv.DictReader((tmp_path / "from.csv").read_text().splitlines()))
    assert [int(line["row"]) for line in lines] == list(range(len(made.Y)))
    assert [line["synthetic"] for line in lines] == ["0"] * 80 + ["1"] * (len(made.Y) - 80)
    for line in lines[80:]:
        seed, neighbor = (mixed.X[int(line[key])] for key in ("seed_row", "neighbor_row"))
        low, high = np.minimum(seed, neighbor)[:2], np.maximum(seed, neighbor)[:2]
        x = made.X[int(line["row"])][:2]
        assert ((low <= x) & (x <= high)).all()
        assert mixed.Y[int(line["seed_row"]), LABELS.index(line["made_for"])]
    assert all(line["neighbor_row"] == line["made_for"] == "" for line in lines[:80])


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        ("no/such/folder/out.arff", FileNotFoundError, "there is no folder"),
        (".", IsADirectoryError, "it is a folder"),
        ("mixed.arff", ValueError, "already the input"),
        ("out.xls", ValueError, "cannot tell a format from 'out.xls'"),
        ("out.libsvm", ValueError, "column 'town' holds categories"),
    ],
)
def test_output_that_cannot_be_written_is_found_out_before_the_work(
    out, error, message, mixed_file, tmp_path, monkeypatch
):
    monkeypatch.setattr("rarelabel.tasks._resampling.resample_dataset", lambda *_, **__: pytest.fail("the work began"))
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(error, match=message):
        tasks.resample(mixed_file, "MLROS", tmp_path / out)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_nothing_is_left_where_writing_fails(mixed_file, tmp_path, monkeypatch):
    (tmp_path / "out.arff").write_text("what was there")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}

    def full_disk(dataset, out):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("rarelabel.tasks._resampling.write", full_disk)
    with pytest.raises(OSError, match="No space left"):
        tasks.resample(mixed_file, "MLROS", tmp_path / "out.arff", provenance=tmp_path / "from.csv")
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_output_folder_that_is_not_writable(mixed_file, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="is not writable"):
        tasks.resample(mixed_file, "MLROS", tmp_path / "out.arff")


def test_progress_tells_each_step_in_order(mixed_file, tmp_path):
    said = []
    tasks.resample(mixed_file, "MLROS", tmp_path / "out.arff", progress=said.append)
    assert [line.split()[0] for line in said] == ["Reading", "MLROS:", "Measuring", "Writing"]


@pytest.mark.parametrize("name", ["new.csv", "new.arff.gz", "new.dat", "new.parquet"])
def test_conversion_there_and_back(name, mixed, mixed_file, tmp_path):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    files = tasks.convert(mixed_file, tmp_path / name)
    tasks.convert(
        tmp_path / name, tmp_path / "back.arff", files[1] if name.endswith("csv") and len(files) > 1 else None
    )
    back = read(tmp_path / "back.arff")
    np.testing.assert_array_equal(back.Y, mixed.Y)
    for j, (column, known) in enumerate(zip(back.schema.features, mixed.schema.features, strict=True)):
        assert (column.name, column.kind) == (known.name, known.kind)
        values = [c.categories or None for c in (column, known)]
        cells = [[v[int(x)] if v else x for x in data.X[:, j]] for v, data in zip(values, (back, mixed), strict=True)]
        assert cells[0] == cells[1]


def test_conversion_to_meka_needs_no_label_file(mixed_file, tmp_path):
    files = tasks.convert(mixed_file, tmp_path / "meka.arff", format="meka")
    assert [file.name for file in files] == ["meka.arff"]
    assert "-C 3" in (tmp_path / "meka.arff").read_text().splitlines()[0]
    assert read(tmp_path / "meka.arff").label_names == LABELS


def test_methods_are_the_registry_with_defaults_and_papers():
    known = {method.name: method for method in tasks.methods()}
    assert set(known) == {*SAMPLERS, *SINGLE_LABEL_SAMPLERS}
    assert {name for name, method in known.items() if method.single_label} == set(SINGLE_LABEL_SAMPLERS)
    for name in (*sampler_names(installed=True), *sampler_names(installed=True, single_label=True)):
        method = known[name]
        assert method.parameters == make_sampler(name).get_params()
        assert method.summary.endswith(".")
        assert "20" in method.paper, name
    kinds = {kind: {name for name, method in known.items() if method.kind == kind} for kind in ("removes", "splits")}
    assert kinds == {"removes": {"LPRUS", "MLRUS", "MLeNN", "MLTL", "MLUL"}, "splits": {"REMEDIAL"}}


def test_demonstration_writes_what_it_says(tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("pydantic")
    pytest.importorskip("jinja2")
    result = tasks.demo(tmp_path / "new" / "demo", n_splits=2)
    written = {file.name for file in (tmp_path / "new" / "demo").iterdir()}
    assert written >= {"digit_scenes.arff", "digit_scenes.xml", "digit_scenes_mlsmote.arff", "report.txt"}
    assert written >= {"diagnosis.png", "before_after.png", "scenes.png", "comparison.html"}
    learned = {"MLDM"} & set(sampler_names(installed=True))
    assert ({"scenes_mldm.png", "digit_scenes.safetensors"} <= written) == bool(learned)
    assert [each.method for each in result.resamplings] == ["MLSMOTE", "MLROS", "MLSOL", *learned]
    assert ("pip install 'rarelabel[torch]'" in str(result)) != bool(learned)
    assert {file.name for file in result.files} == written
    assert (tmp_path / "new" / "demo" / "report.txt").read_text() == f"{result}\n"
    assert result.rare_labels == ("digit_8", "digit_9", "digit_7")
    again = read(tmp_path / "new" / "demo" / "digit_scenes_mlsmote.arff")
    np.testing.assert_array_equal(again.X, np.round(again.X))
    assert len(again.Y) == result.resamplings[0].after.n_rows
    runs = result.comparison.results
    assert set(runs.approaches) == {"none", "weights", "thresholds", "MLSMOTE", "MLROS", "MLSOL", *learned}
    assert not runs.failures()
    table = runs.scores("map")
    plain, tuned = (table.values[0, list(table.approaches).index(name)] for name in ("none", "thresholds"))
    assert plain == pytest.approx(tuned)  # a threshold does not change a ranking
    assert (runs.runs["macro_f1"] > 0.3).all()


def test_demonstration_without_extras(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = tasks.demo(tmp_path, n_splits=2)
    assert any("pip install 'rarelabel[bench]'" in line for line in result.missing)
    assert any("pip install 'rarelabel[report]'" in line for line in result.missing)
    assert result.comparison is None
    assert "\n".join(result.missing) in str(result)
    assert not list(tmp_path.glob("*.png"))
    assert (tmp_path / "digit_scenes_mlsmote.arff").is_file()


def test_demonstration_without_torch_says_what_to_install_and_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("rarelabel.tasks._demo.sampler_names", lambda *, installed: ("MLSMOTE", "MLROS", "MLSOL"))
    result = tasks.demo(tmp_path, n_splits=2)
    assert result.missing[0] == "MLDM needs PyTorch: pip install 'rarelabel[torch]'"
    assert "MLDM, a diffusion model, needs PyTorch: pip install 'rarelabel[torch]'" in str(result)
    assert [each.method for each in result.resamplings] == ["MLSMOTE", "MLROS", "MLSOL"]
    assert not list(tmp_path.glob("*mldm*")) + list(tmp_path.glob("*.safetensors"))


def test_scenes_are_drawn_in_groups_with_what_they_carry():
    pytest.importorskip("matplotlib")
    from rarelabel.tasks._pictures import Scene, draw_scenes

    real, made = Scene(np.zeros(4), "a"), Scene(np.arange(4.0), "a + b", "created", created=True)
    figure = draw_scenes([("b", [[real, real], [made, real]]), ("a", [[real, real]])], 2, "title")
    assert [ax.get_xlabel() for ax in figure.axes] == ["a", "a", "a + b", "a", "a", "a"]
    assert [ax.get_title() for ax in figure.axes] == ["real", "real", "created", "real", "real", "real"]
    assert [ax.get_ylabel() for ax in figure.axes] == ["for b", "", "", "", "for a", ""]
    columns = [ax.get_subplotspec().colspan.start for ax in figure.axes]
    assert columns == [0, 1, 3, 4, 0, 1]  # an empty column parts the groups
    np.testing.assert_array_equal(figure.axes[2].images[0].get_array(), [[0, 1], [2, 3]])


def test_picture_without_matplotlib_says_what_to_install(mixed_file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match="pip install 'rarelabel"):
        tasks.diagnose(mixed_file, picture=tmp_path / "all.png")


@pytest.mark.parametrize("n_labels", [3, 40])
def test_picture_of_before_and_after(n_labels, tmp_path):
    pytest.importorskip("matplotlib")
    from rarelabel.tasks._pictures import draw_before_after

    rng = np.random.default_rng(0)
    Y = rng.random((200, n_labels)) < np.geomspace(0.6, 0.02, n_labels)
    Y[:, -1] = False
    after = np.concatenate([Y, Y[:50]])
    reports = [describe(None, labels) for labels in (Y, after)]
    figure = draw_before_after(*reports, "a $title")
    rows = figure.axes[0]
    if n_labels == 3:
        drawn = [points.get_offsets()[:, 0].tolist() for points in rows.collections[1:]]
        assert drawn == [[r.counts[label] for label in reports[0].rarest_first] for r in reports]
        assert [text.get_text() for text in rows.get_yticklabels()] == ["y2", "y1", "y0"]
    else:
        before = np.sort(Y.sum(axis=0))[::-1].astype(float)
        np.testing.assert_array_equal(rows.lines[0].get_ydata(), np.where(before > 0, before, np.nan))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(tmp_path / "drawn.png")


@pytest.mark.data
@pytest.mark.parametrize("name", ["multilabel/emotions.arff.gz", "multilabel/flags.arff.gz", "tabular/car-good.dat"])
def test_real_files_keep_their_rows(name, data_folder, tmp_path):
    out = tmp_path / ("out" + "".join(Path(name).suffixes))
    result = tasks.resample(data_folder / name, "MLSMOTE", out)
    first, made = read(data_folder / name), read(out)
    assert made.schema == first.schema
    np.testing.assert_array_equal(made.X[: len(first.Y)], first.X)
    np.testing.assert_array_equal(made.Y[: len(first.Y)], first.Y)
    assert result.n_added == len(made.Y) - len(first.Y) > 0


@pytest.mark.data
def test_real_sparse_file_stays_sparse(data_folder, tmp_path):
    path = data_folder / "multilabel" / "medical.arff.gz"
    with (
        pytest.warns(UserWarning, match="MLSMOTE skips 'Class-5-786_2'"),
        pytest.warns(UserWarning, match=r"fewer than 5 neighbours to be had in label .* \(\d rows\)"),
    ):
        tasks.resample(path, "MLSMOTE", tmp_path / "out.arff.gz")
    first, made = read(path), read(tmp_path / "out.arff.gz")
    assert sparse.issparse(made.X)
    assert made.schema == first.schema
    assert (made.X[: len(first.Y)] != first.X).nnz == 0


def test_a_clash_with_a_label_file_is_found_before_the_work(tmp_path, mixed):
    write(mixed, tmp_path / "in.arff")
    (tmp_path / "out.xml").write_text('<labels xmlns="http://mulan.sourceforge.net/labels"><label name="a"/></labels>')
    said = []
    with pytest.raises(ValueError, match=r"out\.xml exists and names other labels"):
        tasks.resample(tmp_path / "in.arff", "MLROS", tmp_path / "out.arff", progress=said.append)
    assert not any(line.startswith(("MLROS", "Writing")) for line in said)
    assert not (tmp_path / "out.arff").exists()
