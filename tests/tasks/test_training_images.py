"""Training on images from file to file: what is learned, what is listed as wrong, resuming, the page, the command."""

import base64
import csv
import io
import json
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import warnings
from dataclasses import asdict

import numpy as np
import pytest
from click.testing import CliRunner

pytest.importorskip("torch")
Image = pytest.importorskip("PIL.Image")
pytest.importorskip("jinja2")

from rarelabel._tensor_files import read_tensor_file, write_tensor_file  # noqa: E402
from rarelabel.augmentation import METHODS, load_image_model  # noqa: E402
from rarelabel.cli import main  # noqa: E402
from rarelabel.cli._training import train_images as command  # noqa: E402
from rarelabel.datasets import read_images  # noqa: E402
from rarelabel.metrics import average_precision_per_label  # noqa: E402
from rarelabel.nn import resnet_small  # noqa: E402
from rarelabel.tasks import TrainingOptions, train_images  # noqa: E402

N, N_TRAIN = 160, 128
WRONG = [(3, 0), (40, 1), (77, 0), (101, 1)]  # row and label that the table has wrong
QUICK = TrainingOptions(method="balancemix", size=16, epochs=3, warmup=1, batch_size=32, n_ops=1, magnitude=2, seed=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A red square says red, a blue one blue; the third label, rare, that both are there."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    truth = rng.random((N, 2)) < [0.5, 0.3]
    lines = ["image,part,red,blue,both"]
    for row, (red, blue) in enumerate(truth):
        pixels = rng.integers(80, 120, (16, 16, 3), dtype=np.uint8)
        if red:
            at = rng.integers(0, 8, 2)
            pixels[at[0] : at[0] + 8, at[1] : at[1] + 8] = (250, 20, 20)
        if blue:
            at = rng.integers(0, 8, 2)
            pixels[at[0] : at[0] + 5, at[1] : at[1] + 5] = (20, 20, 250)
        Image.fromarray(pixels).save(folder / f"{row:03}.png")
        given = [bool(red) ^ ((row, 0) in WRONG), bool(blue) ^ ((row, 1) in WRONG), bool(red and blue)]
        lines.append(",".join([f"{row:03}.png", "train" if row < N_TRAIN else "test", *(str(int(y)) for y in given)]))
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    options = TrainingOptions(method="bce", size=16, epochs=12, n_ops=0, learning_rate=0.03, epsilon=0.8)
    said = []
    result = train_images(
        folder / "table.csv",
        out / "model.safetensors",
        options,
        split="part",
        many=40,
        few=20,
        report=out / "page.html",
        suspicious=out / "list.csv",
        progress=said.append,
    )
    return result, out, said


def test_what_is_easy_is_learned_and_what_is_wrong_is_found(trained):
    result, _, said = trained
    assert (result.n_train, result.n_held_out, result.label_names) == (128, 32, ("red", "blue", "both"))
    assert result.average_precision.min() > 0.9
    assert result.groups["all"] == pytest.approx(result.average_precision.mean())
    first = {
        (str(row), str(label)) for row, label in zip(result.suspicious.row[:8], result.suspicious.label, strict=False)
    }
    wrong = {(f"{row:03}.png", ("red", "blue")[label]) for row, label in WRONG}
    assert len(first & wrong) >= 3
    assert [line for line in said if line.startswith("epoch")][-1].startswith("epoch 12 of 12: loss")


def test_groups_are_those_of_the_counts(trained):
    result, _, _ = trained
    expected = ["many" if n > 40 else "few" if n < 20 else "medium" for n in result.counts]
    assert list(result.group_of) == expected
    assert len(set(expected)) >= 2
    for name in set(expected):
        chosen = np.array(expected) == name
        assert result.groups[name] == pytest.approx(result.average_precision[chosen].mean())
    with pytest.raises(ValueError, match="must not be above many"):
        train_images("x.csv", "y", many=1, few=5)


def test_the_model_file_predicts_what_was_reported(trained, folder):
    result, out, _ = trained
    model = load_image_model(out / "model.safetensors")
    assert (model.label_names, model.size, model.about["options"]["method"]) == (("red", "blue", "both"), 16, "bce")
    images = read_images(folder / "table.csv", size=16, split="part")
    test = images.take(images.split == "test")
    proba = model.predict_proba(test, batch_size=7)
    found = average_precision_per_label(test.Y, proba)
    assert found == pytest.approx(result.average_precision, abs=1e-6)
    files = model.predict_proba([folder / name for name in test.paths])
    assert np.abs(files - proba).max() < 1e-6
    with pytest.raises(ValueError, match=r"expected uint8 of shape \(3, 16, 16\), got .* \(3, 8, 8\); read_im"):
        model.predict_proba(read_images(folder / "table.csv", size=8))
    with pytest.raises(ValueError, match=r"there is no image '.*nothing\.png'"):
        model.predict_proba([folder / "nothing.png"])
    with pytest.raises(ValueError, match=r"images is the one path .*, expected a sequence"):
        model.predict_proba(folder / test.paths[0])
    with pytest.raises(ValueError, match="batch_size must be at least 1, got -1"):
        model.predict_proba(test, batch_size=-1)
    (out / "cut.safetensors").write_bytes((out / "model.safetensors").read_bytes()[:-100])
    with pytest.raises(ValueError, match="cut short"):
        load_image_model(out / "cut.safetensors")


def test_the_page_shows_the_pictures_and_loads_nothing(trained, folder):
    result, out, _ = trained
    page = (out / "page.html").read_text()
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page
    uris = re.findall(r'src="data:image/jpeg;base64,([^"]+)" alt="([^"]+)"', page)
    shown = int((result.suspicious.suggested != result.suspicious.given).sum())
    assert len(uris) == min(shown, 60) > 0
    for encoded, name in uris[:5]:
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB")).astype(int)
        real = np.asarray(Image.open(folder / name)).astype(int)
        assert np.abs(picture - real).mean() < 25  # JPEG; another image would be further off
    assert f"Mean average precision {result.groups['all']:.3f} on held-out images" in page


def test_the_list_is_a_csv_file(trained):
    result, out, _ = trained
    rows = list(csv.DictReader((out / "list.csv").read_text().splitlines()))
    assert [row["row"] for row in rows] == result.suspicious.row.tolist()
    assert {row["label"] for row in rows} <= {"red", "blue", "both"}
    json.dumps(result.to_dict(), allow_nan=False)
    assert "suspicious label" in str(result)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"size": 0}, "size is 0, expected a whole number of at least 1"),
        ({"size": "16"}, "size is '16', expected"),
        ({"label_names": "abc"}, "label_names is 'abc', expected different texts"),
        ({"label_names": ["a", "b", "a"]}, r"label_names is \[.*, expected different texts"),
        ({"about": 3}, "about is 3, expected names and values"),
    ],
)
def test_a_model_file_whose_header_is_no_such_thing_is_damaged(trained, tmp_path, changed, message):
    header, tensors = read_tensor_file(trained[1] / "model.safetensors")
    write_tensor_file(tmp_path / "model", header | changed, tensors)
    with pytest.raises(ValueError, match=f"model is damaged: its parts do not fit together .{message}"):
        load_image_model(tmp_path / "model")


def begins(*arguments, **more):
    """Whether the first epoch is trained, and not one of another run gone on from."""

    class Begun(Exception):
        pass

    def progress(message):
        if message in ("training the first epoch", "going on with training"):
            raise Begun(message)

    with pytest.raises(Begun) as begun:
        train_images(*arguments, **more, progress=progress)
    return str(begun.value) == "training the first epoch"


def test_a_run_does_not_go_on_with_other_pictures_labels_or_weights(folder, tmp_path):
    """Same options, same names, same training labels: what else there is must not differ either."""
    here = tmp_path / "images"
    shutil.copytree(folder, here)
    torch_save = pytest.importorskip("torch").save
    torch_save(resnet_small(3, random_state=1).state_dict(), tmp_path / "w.pth")
    options = TrainingOptions(method="bce", size=16, epochs=1, checkpoint=str(tmp_path / "w.pth"))
    table, out = here / "table.csv", tmp_path / "m"
    train_images(table, out, options, split="part")
    assert not begins(table, out, options, split="part")
    assert not begins(table, out, options, split="part", images=folder)  # the same ones elsewhere
    shutil.copy(tmp_path / "w.pth", tmp_path / "again.pth")
    again = TrainingOptions(method="bce", size=16, epochs=1, checkpoint=str(tmp_path / "again.pth"))
    assert not begins(table, out, again, split="part")
    torch_save(resnet_small(3, random_state=2).state_dict(), tmp_path / "again.pth")
    assert begins(table, out, again, split="part")
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    shutil.copy(other / "001.png", other / "000.png")
    assert begins(table, out, options, split="part", images=other)
    lines = table.read_text().splitlines()
    lines[-1] = lines[-1][:-5] + ("0,0,0" if lines[-1][-5:] != "0,0,0" else "1,1,1")  # a held-out image
    table.write_text("\n".join(lines))
    assert begins(table, out, options, split="part")


def test_held_out_images_without_labels_measure_nothing_and_say_so(folder, tmp_path):
    lines = (folder / "table.csv").read_text().splitlines()
    lines = [line[:-5] + "0,0,0" if ",test," in line else line for line in lines]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    options = TrainingOptions(method="balancemix", size=16, epochs=2)
    with pytest.warns(UserWarning, match="none of the 32 held-out images has a label, so nothing can be measured"):
        result = train_images(
            tmp_path / "table.csv", tmp_path / "m", options, images=folder, split="part", report=tmp_path / "page.html"
        )
    assert "held-out images: cannot be measured, as none of them has a label" in str(result)
    assert "held-out mAP cannot be measured" in str(result.history[0])
    page = (tmp_path / "page.html").read_text()
    assert "Mean average precision cannot be measured: no held-out image has a label" in page
    assert "nan" not in re.sub(r'src="[^"]*"', "", page)
    found = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert found["mean_average_precision"]["all"] is None
    assert [record["held_out_map"] for record in found["history"]] == [None, None]
    assert load_image_model(tmp_path / "m").about["mean_average_precision"]["all"] is None


def test_nothing_that_is_read_is_written_over(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "x")
    table, weights, image = tmp_path / "x" / "table.csv", tmp_path / "w.pth", tmp_path / "x" / "007.png"
    weights.write_bytes(b"weights")
    options = TrainingOptions(size=16, epochs=1, checkpoint=str(weights))
    for out, others in ((weights, {"options": options}), (image, {}), (tmp_path / "x" / "y", {"suspicious": image})):
        with pytest.raises(ValueError, match=r"cannot write .*: it is already the input"):
            train_images(table, out, **{"options": QUICK} | others, split="part")
    with tarfile.open(tmp_path / "table.tar", "w") as tar:
        tar.add(tmp_path / "x", ".")
    shutil.copy(table, tmp_path)
    with pytest.raises(ValueError, match=r"cannot write .*: it is already the input"):
        train_images(tmp_path / "table.csv", tmp_path / "table.tar", QUICK, split="part")
    assert image.read_bytes() == (folder / "007.png").read_bytes()


def test_options_that_mean_nothing_are_refused_before_an_image_is_read(folder, tmp_path, monkeypatch):
    from rarelabel.datasets import LabelledImages

    def load(images):
        raise AssertionError("images were decoded")

    monkeypatch.setattr(LabelledImages, "load", load)
    for changed, message in (
        ({"epsilon": 2}, r"epsilon must lie in \[0.5, 1\], got 2"),
        ({"trusted": "x"}, r"trusted must be None or one of \('negatives', 'positives'\), got 'x'"),
        ({"magnitude": 20}, r"magnitude must lie in \[0, 10\], got 20"),
        ({"learning_rate": -1.0}, "learning rate"),
        ({"batch_size": 0}, "batch_size must be a whole number"),
        ({"method": "magic"}, "method must be"),
        ({"checkpoint": str(tmp_path / "nothing.pth")}, "there is no file"),
    ):
        said = []
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            train_images(folder / "table.csv", tmp_path / "m", TrainingOptions(**changed), progress=said.append)
        assert not said
    with pytest.raises(ValueError, match=r"few \(40\) must not be above many \(32\) plus one"):  # 128 / 4
        train_images(folder / "table.csv", tmp_path / "m", QUICK, split="part", few=40)


def test_labels_too_rare_to_be_split_are_named(folder, tmp_path):
    lines = (folder / "table.csv").read_text().splitlines()
    lines = [f"{line},{int(row == 5)}" if row else f"{line},comet" for row, line in enumerate(lines)]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    options = TrainingOptions(method="bce", size=16, epochs=1)
    with pytest.warns(UserWarning, match=r"1 of 3 labels have fewer positives .*: 'comet' \(1\)$") as found:
        begins(tmp_path / "table.csv", tmp_path / "m", options, images=folder, labels=["red", "blue", "comet"])
    assert len(found) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        begins(tmp_path / "table.csv", tmp_path / "m", options, images=folder, labels=["red", "blue"])


def test_the_command_warns_of_a_warm_up_that_takes_all_epochs(folder, tmp_path):
    arguments = [
        "train-images",
        str(folder / "table.csv"),
        "-o",
        str(tmp_path / "m"),
        "--size",
        "16",
        "--split",
        "part",
    ]
    done = CliRunner().invoke(main, [*arguments, "--epochs", "1", "--warmup", "4"])
    assert done.exit_code == 0, done.output
    assert done.stderr.count("Warning: BalanceMix: warmup=4 takes all of epochs=1, so labels are never managed") == 1


KILLED = """
import os, signal, sys
from rarelabel.tasks import TrainingOptions, train_images

def progress(message):
    if message.startswith("epoch 2 of"):
        os.kill(os.getpid(), signal.SIGKILL)

train_images(sys.argv[1], sys.argv[2], eval(sys.argv[3]), split="part", progress=progress)
"""


def test_killed_and_called_again_it_gives_the_same_bytes(folder, tmp_path):
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    first = train_images(folder / "table.csv", whole, QUICK, split="part")
    # a process of its own from the start: one forked from this one, where torch has had threads, may wait for ever
    command = [sys.executable, "-c", KILLED, str(folder / "table.csv"), str(parts), repr(QUICK)]
    assert subprocess.run(command, timeout=240, check=False).returncode == -signal.SIGKILL
    assert not parts.exists()
    said = []
    second = train_images(folder / "table.csv", parts, QUICK, split="part", progress=said.append)
    assert said[1] == "going on with training"
    assert [line[:11] for line in said if line.startswith("epoch")] == ["epoch 3 of "]
    assert parts.read_bytes() == whole.read_bytes()
    assert second.average_precision.tolist() == first.average_precision.tolist()
    assert [r.loss for r in second.history] == [r.loss for r in first.history]
    third = train_images(folder / "table.csv", parts, QUICK, split="part", progress=(again := []).append)
    assert not [line for line in again if line.startswith("epoch")]  # finished: nothing is trained again
    assert third.average_precision.tolist() == first.average_precision.tolist()


def test_without_a_column_the_split_is_stratified(folder, tmp_path):
    options = TrainingOptions(method="mixup", size=16, epochs=1)
    result = train_images(folder / "table.csv", tmp_path / "m", options, labels=["red", "both"], held_out=0.25)
    assert (result.n_train, result.n_held_out) == (120, 40)
    whole = read_images(folder / "table.csv", labels=["red", "both"]).Y.sum(axis=0)
    assert result.counts == pytest.approx(0.75 * whole, abs=1)


def test_wrong_arguments_are_named(folder, tmp_path):
    with pytest.raises(ValueError, match=r"the column 'image' says '000.png', .*: expected 'train'"):
        train_images(folder / "table.csv", tmp_path / "m", QUICK, split="image", path_column="image")
    with pytest.raises(ValueError, match="already the input"):
        train_images(folder / "table.csv", folder / "table.csv", QUICK)
    with pytest.raises(ValueError, match=r"network must be one of small, .* got 'large'"):
        train_images(folder / "table.csv", tmp_path / "m", TrainingOptions(network="large"), split="part")
    for share, message in (
        (5.0, r"held_out must be a share of the images, above 0 and below 1, got 5\.0"),
        (0.999, r"held_out=0\.999 of 160 images leaves none to train on"),
    ):
        with pytest.raises(ValueError, match=message):
            train_images(folder / "table.csv", tmp_path / "m", QUICK, labels=["red", "blue"], held_out=share)


def test_options_may_be_numbers_of_numpy():
    options = TrainingOptions(size=np.int64(16), learning_rate=np.float32(0.5), flip=np.bool_(True))
    assert options == TrainingOptions(size=16, learning_rate=0.5, flip=True)
    json.dumps(asdict(options))


def test_a_model_whose_weights_are_not_finite_predicts_nothing(trained, folder, tmp_path):
    header, tensors = read_tensor_file(trained[1] / "model.safetensors")
    write_tensor_file(tmp_path / "m", header, tensors | {"fc.bias": tensors["fc.bias"] * np.nan})
    with pytest.raises(ValueError, match="logits of 2 of 2 images are not finite, the first is image 0"):
        load_image_model(tmp_path / "m").predict_proba([folder / "001.png", folder / "002.png"])


def test_the_command(folder, tmp_path):
    arguments = [
        "train-images", str(folder / "table.csv"), "-o", str(tmp_path / "m"), "--method", "asl", "--size", "16",
        "--epochs", "1", "--split", "part", "--labels", "red,blue", "--seed", "3", "--json",
        "--trusted", "positives",
    ]  # fmt: skip
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["options"]["method"], found["options"]["seed"], len(found["labels"])) == ("asl", 3, 2)
    assert found["options"]["trusted"] == "positives"
    assert (tmp_path / "m").exists()
    bad = CliRunner().invoke(main, ["train-images", str(folder / "nothing.csv"), "-o", str(tmp_path / "m")])
    assert bad.exit_code == 1
    assert "no file" in bad.stderr


def test_the_command_knows_every_method():
    option = next(each for each in command.params if each.name == "method")
    assert set(option.type.choices) == set(METHODS)
