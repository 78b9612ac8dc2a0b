"""A saved model draws the same rows in the same containers, and a bad file is refused and runs nothing."""

import json
import pickle
import struct
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

from rarelabel import MLDM  # noqa: E402
from rarelabel._validation import Container, validate  # noqa: E402

SMALL = {"width": 32, "training_steps": 20, "sampling_steps": 5, "random_state": 0}


def table(n=120):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 3)), (rng.random((n, 3)) < [0.8, 0.3, 0.2]).astype(np.int8)


def fitted(X, Y, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MLDM(**SMALL | parameters).fit(X, Y)


def forms():
    X, Y = table()
    yield "array", X.astype(np.float32), Y
    yield "whole numbers", (10 * X).astype(np.int16), Y.astype(bool)
    yield "sparse", sparse.csc_matrix(np.where(np.abs(X) > 1, X, 0)), sparse.csr_array(Y)
    yield "lists", X.tolist(), [[["sun", "sea", "sky"][j] for j in np.flatnonzero(row)] for row in Y]
    yield "classes", X, np.array(["often"] * 90 + ["rare"] * 30)
    yield "class numbers", X, [3] * 90 + [1] * 30
    yield "categories", np.column_stack([X.round(2).astype(object), ["red", "blue"] * 60]), Y


FORMS = list(forms())


def equal(A, B):
    if sparse.issparse(A):
        return type(A) is type(B) and A.dtype == B.dtype and (A.toarray() == B.toarray()).all()
    if isinstance(A, np.ndarray):
        return type(A) is type(B) and A.dtype == B.dtype and np.array_equal(A, B)
    return A == B


@pytest.mark.filterwarnings("ignore:MLDM. . of the new rows equal")  # the sparse table has few distinct rows
@pytest.mark.parametrize(("X", "Y"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
def test_a_loaded_model_draws_the_same_rows_in_the_same_containers(X, Y, tmp_path):
    model = fitted(X, Y)
    model.save(tmp_path / "model.safetensors")
    again = MLDM.load(tmp_path / "model.safetensors")
    for before, after in zip(model.sample(30), again.sample(30), strict=True):
        assert type(before) is type(after)
        assert equal(before, after)
    assert again.get_params() == model.get_params()
    assert (again.path_, again.n_subset_, again.stopped_) == (model.path_, model.n_subset_, model.stopped_)
    np.testing.assert_array_equal(again.loss_history_, model.loss_history_)
    assert again.sampling_strategy_ == model.sampling_strategy_


def mixed_frame(pd):
    rng = np.random.default_rng(1)
    X = pd.DataFrame(
        {
            "height": rng.normal(size=120).astype(np.float32),
            "children": pd.array([None, *rng.integers(0, 5, size=119)], "Int8"),
            "smoker": rng.random(120) < 0.3,
            "city": rng.choice(["Rome", "Oslo", "Bern"], size=120),
            "size": pd.Categorical(rng.choice(["s", "m", "l"], size=120), ["xs", "s", "m", "l"], ordered=True),
        }
    )
    return X, pd.DataFrame(table()[1], columns=["often", "at times", "rarely"])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_come_back_as_frames_of_the_same_types(library, tmp_path):
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    X, Y = mixed_frame(pd)
    if library == "polars":
        X, Y = pl.from_pandas(X).with_columns(pl.col("size").cast(pl.Enum(["xs", "s", "m", "l"]))), pl.from_pandas(Y)
    model = fitted(X, Y)
    model.save(tmp_path / "model.safetensors")
    again = MLDM.load(tmp_path / "model.safetensors")
    for source, before, after in zip((X, Y), model.sample(40), again.sample(40), strict=True):
        assert before.equals(after)
        assert list(before.columns) == list(source.columns)
        assert list(before.dtypes) == list(after.dtypes) == list(source.dtypes)
    assert again.feature_names_in_.tolist() == list(X.columns)
    assert set(again.sample(20, {"city": "Oslo", "rarely": 1})[0]["city"]) == {"Oslo"}


def test_a_container_is_rows_for_each_category_and_class_only():
    X = np.array([["a", 1], ["b", 2], ["a", 3], ["c", 4]], dtype=object)
    container = Container.of(validate(X, ["x", "x", "y", "x"]))
    assert container.table.source[0].tolist() == X.tolist()
    container = Container.of(validate(X[[0, 0, 0, 1]], ["x", "x", "y", "x"]))
    assert len(container.table.Y) == 3


def test_the_file_holds_no_row_of_features(tmp_path):
    X, Y = table()
    fitted(X, Y).save(tmp_path / "model.safetensors")
    tensors = safetensors.load_file(tmp_path / "model.safetensors")
    assert {name.split(".")[0] for name in tensors} == {
        "denoiser", "encoder", "labels", "shares", "frequencies", "seen", "hashes", "label_sets", "set_counts",
        "loss_history",
    }  # fmt: skip
    assert not any(tensor.shape[:1] == (120,) and tensor.ndim == 2 for tensor in tensors.values())
    sets, counts = np.unique(Y, axis=0, return_counts=True)
    np.testing.assert_array_equal(tensors["label_sets"].numpy(), sets)
    np.testing.assert_array_equal(tensors["set_counts"].numpy(), counts)


def test_a_seed_may_be_a_number_of_numpy(tmp_path):
    model = fitted(*table(), random_state=np.int64(3))
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(MLDM.load(tmp_path / "model").sample(9)[0], model.sample(9)[0])


def test_a_label_model_of_the_callers_own_is_not_kept(tmp_path):
    model = fitted(*table(), label_model=RandomForestClassifier(n_estimators=2))
    model.save(tmp_path / "model")
    again = MLDM.load(tmp_path / "model")
    assert again.label_model is None
    np.testing.assert_array_equal(again.sample(9)[0], model.sample(9)[0])


def test_loading_leaves_the_global_generator_alone(model_file):
    before = torch.get_rng_state()
    MLDM.load(model_file)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_network_of_the_callers_own_is_asked_for(tmp_path):
    class Line(torch.nn.Module):
        def __init__(self, d):
            super().__init__()
            self.layer = torch.nn.Linear(d, d)

        def forward(self, x, time, known):
            return self.layer(x)

    model = fitted(*table(), denoiser=Line)
    model.save(tmp_path / "model")
    with pytest.raises(ValueError, match="its network is the caller's own: pass denoiser="):
        MLDM.load(tmp_path / "model")
    np.testing.assert_array_equal(MLDM.load(tmp_path / "model", denoiser=Line).sample(9)[0], model.sample(9)[0])
    with pytest.raises(ValueError, match="the weights are not those of the network"):
        MLDM.load(tmp_path / "model", denoiser=lambda d: Line(d + 1))


# Bad files


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    fitted(*table()).save(path)
    return path


def parts(path):
    with safetensors.safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["rarelabel"])
    return header, safetensors.load_file(path)


def rewritten(source, path, change):
    header, tensors = parts(source)
    change(header, tensors)
    safetensors.save_file(tensors, path, {"rarelabel": json.dumps(header)})
    return path


def test_rewriting_without_a_change_can_be_read(model_file, tmp_path):
    MLDM.load(rewritten(model_file, tmp_path / "same", lambda header, tensors: None))


def set_in(*path, value):
    def change(header, tensors):
        for key in path[:-1]:
            header = header[key]
        header[path[-1]] = value

    return change


def without_tensor(name):
    return lambda header, tensors: tensors.pop(name)


def with_tensor(name, value):
    return lambda header, tensors: tensors.update({name: value})


DAMAGED = {
    "a newer format": (set_in("format", value=99), "is a model file of format 99; this version reads format 4"),
    "no method": (set_in("method", value=None), "does not say what method wrote it"),
    "another method": (set_in("method", value="AEMLO"), "holds a model of 'AEMLO', not of 'MLDM'"),
    "a network that is none": (
        set_in("facts", "recipe", "denoiser", value="os.system"),
        "unknown denoiser 'os.system'",
    ),
    "a width beyond memory": (set_in("facts", "recipe", "width", value=10**9), "weights are not those of the network"),
    "a million million steps": (set_in("facts", "recipe", "T", value=10**12), "T is"),
    "no schema": (lambda header, tensors: header.pop("schema"), "its parts do not fit together"),
    "a column too many": (lambda header, tensors: header["schema"]["features"].pop(), "do not fit together"),
    "blocks beyond the table": (
        set_in("facts", "encoder", "blocks", 0, "sources", value=[0, 1, 99]),
        "do not fit together",
    ),
    "blocks of nothing": (set_in("facts", "encoder", "blocks", value=[]), "do not fit together"),
    "no weights": (without_tensor("denoiser.out.1.weight"), "weights are not those of the network"),
    "weights that are no numbers": (
        with_tensor("denoiser.out.1.bias", torch.full((6,), float("nan"))),
        "a weight is not finite",
    ),
    "no labels": (with_tensor("labels", torch.zeros(0, dtype=torch.int64)), "do not fit together"),
    "labels that are not there": (with_tensor("labels", torch.tensor([1, 7])), "do not fit together"),
    "a history that is none": (with_tensor("loss_history", torch.zeros(3)), "do not fit together"),
    "no facts": (lambda header, tensors: header.pop("facts"), "do not fit together"),
    "unknown parameters": (set_in("parameters", "command", value="ls"), "is damaged"),
    "no container": (set_in("container", value=3), "is damaged"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_file_whose_parts_do_not_fit_is_refused(case, model_file, tmp_path):
    change, message = DAMAGED[case]
    with pytest.raises(ValueError, match=message):
        MLDM.load(rewritten(model_file, tmp_path / "model", change))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.99])
def test_a_file_cut_short_is_refused(share, model_file, tmp_path):
    content = model_file.read_bytes()
    (tmp_path / "cut").write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="no model file, or is cut short"):
        MLDM.load(tmp_path / "cut")


class Evil:
    def __reduce__(self):
        return (exec, ("raise SystemExit('this ran')",))


@pytest.mark.parametrize(
    "content",
    [pickle.dumps(Evil()), b"GIF89a" * 100, struct.pack("<Q", 2**60) + b"{}", b""],
    ids=["pickle", "picture", "a header of an exabyte", "nothing"],
)
def test_a_file_of_another_kind_is_refused_and_not_run(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match="no model file"):
        MLDM.load(tmp_path / "file")


def test_tensors_of_someone_else_are_refused(tmp_path):
    safetensors.save_file({"a": torch.zeros(2)}, tmp_path / "file")
    with pytest.raises(ValueError, match="is no model file of rarelabel"):
        MLDM.load(tmp_path / "file")
    safetensors.save_file({"a": torch.zeros(2)}, tmp_path / "file", {"rarelabel": "{" * 10_000})
    with pytest.raises(ValueError, match="its header is no JSON"):
        MLDM.load(tmp_path / "file")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing"):
        MLDM.load(tmp_path / "nothing")


def test_a_model_that_is_not_trained_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        MLDM().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
