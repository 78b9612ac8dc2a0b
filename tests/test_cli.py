"""The command line as people and programs meet it: output, exit codes, messages, nothing half-written."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
from click.testing import CliRunner

from rarelabel import __version__
from rarelabel.cli import main
from rarelabel.datasets import load_digit_scenes, read, write
from rarelabel.registry import SAMPLERS, SINGLE_LABEL_SAMPLERS


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def scenes(tmp_path):
    write(load_digit_scenes(150), tmp_path / "scenes.arff")
    return tmp_path / "scenes.arff"


def python(*arguments, **more):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120, **more)


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from rarelabel.cli import main\n"
        "try: main(['resample', '--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'pandas', 'matplotlib', 'narwhals', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert "--strategy HOW_MUCH" in done.stdout


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_commands(option, run):
    result = run(option)
    assert result.exit_code == 0
    for command in ("compare", "convert", "demo", "diagnose", "generate", "methods", "report", "resample"):
        assert f"\n  {command} " in result.stdout


def test_version_and_running_as_a_module():
    done = python("-m", "rarelabel", "--version")
    assert (done.returncode, done.stdout) == (0, f"rarelabel, version {__version__}\n")


def test_diagnose_prints_the_report(run, scenes):
    result = run("diagnose", scenes)
    assert result.exit_code == 0
    assert result.stdout.startswith("Imbalance of 150 rows, 144 inputs, 10 labels")
    assert result.stderr.startswith(f"Reading {scenes} ...")


def test_json_stands_alone_on_stdout(run, scenes, tmp_path):
    diagnosed = json.loads(run("diagnose", scenes, "--json").stdout)
    assert diagnosed["num.instances"] == 150
    outcome = json.loads(run("resample", scenes, "-m", "MLSMOTE", "-o", tmp_path / "o.csv", "--json").stdout)
    assert outcome["before"] == diagnosed
    assert outcome["rows_after"] == outcome["after"]["num.instances"] == len(read(tmp_path / "o.csv", -10).Y)
    assert outcome["parameters"]["random_state"] == 0
    plan = json.loads(run("resample", scenes, "-m", "MLSMOTE", "--plan", "--json").stdout)
    assert plan["rows_after"] == outcome["rows_after"]
    listed = json.loads(run("methods", "--json").stdout)
    assert {method["name"] for method in listed} == {*SAMPLERS, *SINGLE_LABEL_SAMPLERS}


def test_resample_prints_before_and_after(run, scenes, tmp_path):
    result = run("resample", scenes, "-m", "ml-ros", "-o", tmp_path / "out.arff", "--strategy", "digit_9=4,digit_8=1")
    assert result.exit_code == 0, result.stderr
    first, made = read(scenes), read(tmp_path / "out.arff")
    assert result.stdout.startswith("MLROS on scenes.arff: 150 rows -> 155 (5 added, 0 removed)")
    for name in ("MeanIR", "max IR", "CVIR", "SCUMBLE", "labels per row"):
        assert f"\n  {name} " in result.stdout
    (line,) = [line for line in result.stdout.splitlines() if line.strip().startswith("digit_9")]
    assert line.split()[1:3] == [str(data.Y[:, 9].sum()) for data in (first, made)]
    assert made.Y[150:, 9].sum() >= 4
    assert f"Wrote {tmp_path / 'out.arff'}" in result.stdout


def test_plan_writes_nothing(run, scenes, tmp_path):
    before = sorted(tmp_path.iterdir())
    result = run("resample", scenes, "-m", "MLROS", "--plan", "-o", tmp_path / "out.arff")
    assert result.exit_code == 0
    assert result.stdout.startswith("MLROS: 150 rows -> ")
    assert "nothing was written" in result.stdout
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("suffix", ["arff", "arff.gz", "csv", "dat", "libsvm"])
def test_same_seed_same_bytes(suffix, run, scenes, tmp_path):
    made = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / folder).mkdir()
        out = tmp_path / folder / f"out.{suffix}"
        assert run("resample", scenes, "-m", "MLSMOTE", "-o", out, "--seed", seed).exit_code == 0
        made.append(out.read_bytes())
    assert made[0] == made[1] != made[2]


def test_settings_reach_the_sampler(run, scenes, tmp_path):
    def parameters(*options):
        result = run("resample", scenes, "-o", tmp_path / "o.csv", "--json", *options)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)["parameters"]

    given = parameters("-m", "MLSMOTE", "--set", "k_neighbors=3", "--set", "metric=euclidean", "--strategy", "0.1")
    assert (given["k_neighbors"], given["metric"], given["sampling_strategy"]) == (3, "euclidean", 0.1)
    assert parameters("-m", "MLRUS", "--set", "keep_minority=true", "--strategy", "12") == {
        "keep_minority": True,
        "random_state": 0,
        "sampling_strategy": 12,
    }
    chosen = parameters("-m", "MLSMOTE", "--set", "categorical_features=pixel_0_0,pixel_0_1")
    assert chosen["categorical_features"] == "['pixel_0_0', 'pixel_0_1']"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--labels", "-2"], ("ill", "rich, well")),
        (["-l", "2"], ("age", "tall")),
        (["--labels", "tall,ill"], ("tall", "ill")),
        (["-l", "rich, well", "-l", "ill"], ("rich, well", "ill")),
        (["--labels", "chosen.xml"], ("tall", "ill")),
    ],
)
def test_labels_are_chosen_by_count_names_or_file(options, names, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = ['age,tall,x,ill,"rich, well"', "1,0,3.5,0,1", "0,1,2.5,1,0", "1,1,1.5,0,0"]
    (tmp_path / "toy.csv").write_text("\n".join(rows) + "\n")
    labels = "".join(f'<label name="{name}"></label>' for name in ("tall", "ill"))
    (tmp_path / "chosen.xml").write_text(f'<labels xmlns="http://mulan.sourceforge.net/labels">{labels}</labels>')
    result = run("diagnose", "toy.csv", "--json", *options)
    assert result.exit_code == 0, result.stderr
    assert tuple(label["name"] for label in json.loads(result.stdout)["labels"]) == names


def test_budget_for_a_label_with_commas_and_equal_signs_in_its_name(run, tmp_path):
    rows = ["x,often,a=b,1=2"]
    rows += [f"{i},1,{int(i < 4)},{int(i % 5 == 0)}" for i in range(30)]
    (tmp_path / "toy.csv").write_text("\n".join(rows) + "\n")
    result = run(
        "resample", tmp_path / "toy.csv", "-l", -3, "-m", "MLROS", "--plan", "--json", "--strategy", "a=b=3,1=2=5"
    )
    assert json.loads(result.stdout)["rows_per_label"] == {"a=b": 3, "1=2": 5}


def test_convert_keeps_the_data(run, scenes, tmp_path):
    result = run("convert", scenes, tmp_path / "new.libsvm")
    assert result.exit_code == 0
    assert "new.libsvm" in result.stdout
    first, made = read(scenes), read(tmp_path / "new.libsvm")
    np.testing.assert_array_equal(made.X.toarray(), first.X)
    np.testing.assert_array_equal(made.Y, first.Y)


def test_methods_tells_what_each_does(run):
    text = run("methods").stdout
    assert "MLUL: removes rows\n" in text
    assert "REMEDIAL: splits rows\n" in text
    assert "k_neighbors=5" in text
    assert max(map(len, text.splitlines())) <= 100


def bad_files(folder):
    (folder / "row.arff").write_text("@relation r\n@attribute x numeric\n@attribute l {0,1}\n@data\n1,0\noops,1\n")
    (folder / "cut.arff.gz").write_bytes(gzip.compress(b"@relation r\n" * 2000)[:-30])
    (folder / "empty.csv").write_text("x,l\n")
    (folder / "label.csv").write_text("x,l\n1.5,0\n2.5,7\n")
    (folder / "none.csv").write_text("x,l,m\n1.5,0,0\n2.5,0,0\n3.5,0,0\n")
    (folder / "gap.csv").write_text("x,l,m\n1.5,0,1\n,1,1\n3.5,0,1\n4.5,0,1\n")
    (folder / "twice.arff").write_text("@relation r\n@attribute x numeric\n@attribute x {0,1}\n@data\n1,0\n")


BAD = [
    (["diagnose", "missing.arff"], 1, "no file missing.arff"),
    (["diagnose", "row.arff", "-l", "l"], 1, "row.arff, line 6"),
    (["diagnose", "cut.arff.gz"], 1, "cut.arff.gz: the compressed data end too early"),
    (["diagnose", "empty.csv"], 1, "empty"),
    (["diagnose", "label.csv", "-l", "l"], 1, "label 'l' is 7"),
    (["diagnose", "scenes.arff", "-l", "digit_77"], 1, "digit_77"),
    (["diagnose", "twice.arff", "-l", "-1"], 1, "'x'"),
    (["diagnose", "."], 1, "is a folder"),
    (["diagnose", "scenes.arff", "--plot", "no/folder/x.png"], 1, "there is no folder"),
    (["diagnose"], 2, "Missing argument 'PATH'"),
    (["diagnose", "scenes.arff", "--nonsense"], 2, "No such option"),
    (["nonsense"], 2, "No such command 'nonsense'"),
    (["resample", "scenes.arff", "-m", "SMOTEX", "-o", "o.arff"], 2, "no method is called 'SMOTEX'; there are AEMLO"),
    (["resample", "scenes.arff", "-m", "MLROS"], 2, "Missing option '-o'"),
    (["resample", "scenes.arff", "-m", "MLROS", "-o", "o.arff", "--set", "k=3"], 2, "MLROS has no parameter k; it has"),
    (["resample", "scenes.arff", "-m", "MLTL", "-o", "o.arff", "--strategy", "3"], 2, "no parameter sampling_strategy"),
    (["resample", "scenes.arff", "-m", "MLROS", "-o", "o.arff", "--set", "k"], 2, "expected name=value, got 'k'"),
    (["resample", "scenes.arff", "-m", "MLROS", "-o", "o.arff", "--strategy", "a=x"], 2, "label=rows"),
    (["resample", "scenes.arff", "-m", "MLROS", "-o", "o.arff", "--strategy", "a=1,b"], 2, "label=rows"),
    (["resample", "scenes.arff", "-m", "MLROS", "-o", "o.arff", "--seed", "-1"], 2, "'--seed'"),
    (["resample", "scenes.arff", "-m", "MLROS", "-o", "o.arff", "--strategy", "0"], 1, "must be positive, got 0"),
    (["resample", "scenes.arff", "-m", "MLROS", "-o", "o.arff", "--strategy", "-3"], 1, "must be positive, got -3"),
    (["resample", "scenes.arff", "-m", "MLROS", "-o", "o.arff", "--strategy", "digit_9=0"], 1, "'digit_9'"),
    (
        ["resample", "scenes.arff", "-m", "MLROS", "-o", "o.arff", "--strategy", "cat=3"],
        1,
        "'cat', which is not a label",
    ),
    (
        ["resample", "scenes.arff", "-m", "MLROS", "-o", "o.arff", "--strategy", "10000000000"],
        1,
        "10,000,000,000 new rows",
    ),
    (["resample", "scenes.arff", "-m", "MLSMOTE", "-o", "o.arff", "--set", "metric=x"], 1, "metric"),
    (["resample", "scenes.arff", "-m", "MLROS", "-o", "scenes.arff"], 1, "already the input"),
    (["resample", "scenes.arff", "-m", "MLROS", "-o", "o.arff", "--provenance", "o.arff"], 1, "another output"),
    (["resample", "scenes.arff", "-m", "MLROS", "-o", "o.doc"], 1, "cannot tell a format from 'o.doc'"),
    (["resample", "scenes.arff", "-m", "MLROS", "-o", "no/folder/o.arff"], 1, "there is no folder"),
    (["resample", "none.csv", "-l", "-2", "-m", "MLROS", "-o", "o.arff"], 1, "no positive"),
    (["resample", "gap.csv", "-l", "-2", "-m", "MLSMOTE", "-o", "o.arff"], 1, "NaN (a missing value) in column 'x'"),
    (["convert", "scenes.arff", "o.txt"], 1, "cannot tell a format"),
    (["convert", "scenes.arff", "o.txt", "--format", "word"], 2, "'--format'"),
    (["demo", "-o", "scenes.arff"], 1, "is a file, expected a folder"),
]


if find_spec("torch") is not None:
    command = ["resample", "scenes.arff", "-m", "SEMResDDPM", "-o", "o.arff"]
    BAD.append((command, 1, "SEMResDDPM balances the classes of"))


@pytest.mark.parametrize(("arguments", "code", "message"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_bad_input_gets_a_line_and_an_exit_code(arguments, code, message, run, scenes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bad_files(tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    (error,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert message in error
    assert "Traceback" not in result.stderr
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_debug_shows_the_traceback(run):
    result = run("--debug", "diagnose", "missing.arff")
    assert isinstance(result.exception, FileNotFoundError)


def test_error_of_the_system_is_put_plainly(run, scenes, monkeypatch):
    def denied(*_, **__):
        raise PermissionError(13, "Permission denied", "scenes.arff")

    monkeypatch.setattr("rarelabel.tasks.diagnose", denied)
    assert run("diagnose", scenes).stderr == "Error: scenes.arff: Permission denied\n"


def test_memory_that_runs_out_is_an_error_not_a_traceback(run, scenes, monkeypatch):
    def hungry(*_, **__):
        raise MemoryError("Unable to allocate 9 GiB")

    monkeypatch.setattr("rarelabel.tasks.diagnose", hungry)
    result = run("diagnose", scenes)
    assert (result.exit_code, result.stderr) == (1, "Error: out of memory: Unable to allocate 9 GiB\n")


def test_warnings_are_lines_once_each(run, scenes, monkeypatch):
    def warn(*_, **__):
        for text in ("one", "two", "one"):
            warnings.warn(text, UserWarning, stacklevel=2)
        raise ValueError("stop")

    monkeypatch.setattr("rarelabel.tasks.diagnose", warn)
    assert run("diagnose", scenes).stderr == "Warning: one\nWarning: two\nError: stop\n"


def test_guessed_labels_are_a_warning(run, tmp_path):
    (tmp_path / "toy.csv").write_text("x,l,m\n1.5,0,1\n2.5,1,1\n")
    result = run("diagnose", tmp_path / "toy.csv")
    assert result.exit_code == 0
    assert result.stderr.count("Warning: ") == 1
    assert "'l', 'm'" in result.stderr


def test_interrupt_ends_with_130(run, scenes, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("rarelabel.tasks.diagnose", interrupted)
    result = run("diagnose", scenes)
    assert result.exit_code == 130
    assert "Stopped" in result.stderr


ENDLESS_DEMO = """
import signal, sys, time
import rarelabel.tasks._demo
from rarelabel.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # where tests run in the background it is ignored
rarelabel.tasks._demo.resample_dataset = lambda *_: time.sleep(600)
main(["demo", "-o", sys.argv[1]])
"""


@pytest.mark.skipif(os.name == "nt", reason="signals work otherwise there")
def test_interrupted_process_leaves_nothing_behind(tmp_path):
    """The demo never gets beyond resampling by itself, however late the signal comes."""
    command = [sys.executable, "-c", ENDLESS_DEMO, str(tmp_path / "demo")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "Resampling" not in (line := process.stderr.readline()):
        assert line, "the process ended before it resampled"
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert out == ""
    assert "Traceback" not in err
    assert list((tmp_path / "demo").iterdir()) == []


def test_reader_of_the_output_may_leave_early(scenes):
    command = f"{sys.executable} -m rarelabel methods | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("AEMLO")
    assert "Traceback" not in done.stderr


@pytest.mark.data
def test_single_label_file_end_to_end(run, data_folder, tmp_path):
    path = data_folder / "tabular" / "new-thyroid1.dat"
    result = run("resample", path, "-m", "MLSMOTE", "-o", tmp_path / "more.dat")
    assert result.exit_code == 0, result.stderr
    first, made = read(path), read(tmp_path / "more.dat")
    assert made.schema.exclusive
    assert made.Y.sum(axis=0).tolist() == (first.Y.sum(axis=0) * [2, 1]).tolist()


def test_a_long_step_says_that_it_is_still_going_on(run, scenes, tmp_path, monkeypatch):
    import rarelabel.tasks

    convert = rarelabel.tasks.convert

    def slowly(*arguments, progress, **more):
        progress("Thinking")
        time.sleep(0.5)
        return convert(*arguments, progress=progress, **more)

    monkeypatch.setattr("rarelabel.cli._main._STILL_SECONDS", 0.1)
    monkeypatch.setattr(rarelabel.tasks, "convert", slowly)
    result = run("convert", scenes, tmp_path / "out.csv")
    assert result.exit_code == 0
    lines = result.stderr.splitlines()
    assert lines[0] == "Thinking ..."
    assert sum(line.startswith("  still at it, ") for line in lines[1:6]) >= 3
    assert "still" not in result.stdout
