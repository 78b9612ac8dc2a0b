"""compare and report, as functions of files and from the command line."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys

import pytest
from click.testing import CliRunner

pytest.importorskip("pydantic")
pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from rarelabel import tasks
from rarelabel.cli import main
from rarelabel.datasets import load_digit_scenes, write
from rarelabel.evaluation.results import Results


@pytest.fixture
def scenes(tmp_path, monkeypatch):
    """A folder to work in, with a small file of scenes."""
    write(load_digit_scenes(160), tmp_path / "scenes.arff")
    monkeypatch.chdir(tmp_path)
    return "scenes.arff"


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(main, [str(each) for each in arguments])


def compared(run, *more):
    return run("compare", "scenes.arff", "--samplers", "mlros", "--classifiers", "br-tree,mlknn", "--cv", "1x2", *more)


def test_comparison_ends_with_a_verdict_a_store_a_report_and_tables(run, scenes, tmp_path):
    result = compared(run, "--report", "report.html", "--tables", "tables", "--store", "runs.sqlite")
    assert result.exit_code == 0, result.output
    assert "gain over none" in result.stdout
    assert "16 runs, 0 failed, 0 skipped" in result.stdout
    assert "Every run is kept in runs.sqlite" in result.stdout
    page = (tmp_path / "report.html").read_text()
    assert "MLROS" in page
    assert "thresholds" in page
    assert (tmp_path / "tables" / "runs.csv").read_text().count("\n") == 17
    with sqlite3.connect(tmp_path / "runs.sqlite") as store:
        assert store.execute("SELECT count(*) FROM runs WHERE status = 'ok'").fetchone() == (16,)


def test_report_of_a_store_says_the_same_as_the_comparison(run, scenes, tmp_path):
    first = compared(run, "--report", "a.html")
    again = run("report", "results.sqlite", "-o", "b.html")
    assert again.exit_code == 0, again.output
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert first.stdout.split("\nWrote")[0] == again.stdout.split("\nWrote")[0]


def test_comparison_started_again_runs_only_what_is_new(run, scenes, monkeypatch):
    compared(run)
    from rarelabel.evaluation import trial

    done = []
    real = trial.run_task
    monkeypatch.setattr(trial, "run_task", lambda task, dataset: done.append(task.approach) or real(task, dataset))
    assert compared(run).exit_code == 0
    assert done == []
    more = run("compare", "scenes.arff", "--samplers", "mlros,mlsol", "--classifiers", "br-tree,mlknn", "--cv", "1x2")
    assert more.exit_code == 0
    assert done == ["MLSOL", "MLSOL"]


def test_json_has_verdicts_and_gains(run, scenes):
    result = json.loads(compared(run, "--json", "--measures", "macro_f1,map").stdout)
    assert [verdict["measure"] for verdict in result["verdicts"]] == ["macro_f1", "map"]
    assert set(result["verdicts"][0]["gains"]) == {"weights", "thresholds", "MLROS"}
    assert (result["n_runs"], result["n_failed"]) == (16, 0)


def test_spec_file_gives_the_same_runs_as_options(run, scenes, tmp_path):
    (tmp_path / "spec.toml").write_text(
        """
        approaches = ["mlros"]
        classifiers = ["br-tree", "mlknn"]
        cv = "1x2"

        [[datasets]]
        name = "scenes"
        path = "scenes.arff"
        """
    )
    compared(run, "--tables", "a")
    assert run("compare", "--spec", "spec.toml", "--store", "other.sqlite", "--tables", "b").exit_code == 0
    assert (tmp_path / "a" / "runs.csv").read_bytes() == (tmp_path / "b" / "runs.csv").read_bytes()


def test_command_that_reproduces_a_run_is_kept(run, scenes, monkeypatch):
    arguments = ["compare", "scenes.arff", "--samplers", "mlros", "--classifiers", "br-tree", "--cv", "1x2"]
    monkeypatch.setattr(sys, "argv", ["rarelabel", *arguments])
    run(*arguments)
    assert Results.read("results.sqlite").command == "rarelabel " + " ".join(arguments)


BAD = [
    (["compare"], 2, "Missing argument 'DATA...'"),
    (["compare", "scenes.arff", "--samplers", "mlsmot"], 2, "did you mean MLSMOTE"),
    (["compare", "scenes.arff", "--samplers", "mlros+mlsol"], 2, "at most one sampler"),
    (["compare", "scenes.arff", "--classifiers", "br-tre"], 2, "did you mean br-tree"),
    (["compare", "scenes.arff", "--measures", "makro_f1"], 2, "did you mean 'macro_f1'"),
    (["compare", "scenes.arff", "--cv", "two by five"], 2, "such as 2x5"),
    (["compare", "scenes.arff", "--cv", "2x1"], 2, "greater than or equal to 2"),
    (["compare", "none.arff"], 1, "none.arff"),
    (["compare", "scenes.arff", "--report", "no/folder/r.html"], 1, "there is no folder"),
    (["compare", "scenes.arff", "--store", "scenes.arff"], 1, "already the input"),
    (["compare", "scenes.arff", "--spec", "spec.toml"], 2, "both by name and in a spec file"),
    (["compare", "--spec", "bad.toml"], 2, "bad.toml is not TOML"),
    (["compare", "--spec", "odd.toml"], 2, "sampler_names"),
    (["report", "nothing.sqlite"], 1, "there is no file nothing.sqlite"),
    (["report", "scenes.arff"], 1, "scenes.arff"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), BAD, ids=[" ".join(case[0]) for case in BAD])
def test_bad_input_gets_a_line_and_an_exit_code(arguments, code, message, run, scenes, tmp_path):
    (tmp_path / "bad.toml").write_text("cv = ")
    (tmp_path / "odd.toml").write_text('datasets = ["scenes.arff"]\nclassifiers = ["mlknn"]\nsampler_names = []\n')
    before = (tmp_path / "scenes.arff").read_bytes()
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "scenes.arff").read_bytes() == before


def test_failing_cells_are_told_and_the_rest_goes_on(scenes):
    from rarelabel.evaluation import comparing

    class Broken:
        def __init__(self, k=1):
            self.k = k

        def get_params(self, deep=True):
            return {"k": self.k}

        def set_params(self, **parameters):
            return self

        def fit_resample(self, X, Y):
            raise RuntimeError("no neighbours left")

    results = comparing.compare(load_digit_scenes(120), {"broken": Broken()}, "br-tree", cv="1x2")
    failures = results.failures()
    assert [(each.approach, each.status, each.n_runs) for each in failures] == [("broken", "failed", 2)]
    assert "RuntimeError: no neighbours left" in failures[0].error
    assert (results.runs["status"] == "ok").sum() == 6


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL there")
def test_killed_and_started_again_it_gives_the_same_table(scenes, tmp_path):
    options = ["--samplers", "mlros,mlsol", "--classifiers", "br-tree,mlknn", "--cv", "2x3"]
    command = [sys.executable, "-m", "rarelabel", "compare", "scenes.arff", *options]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    kills = 0
    for _ in range(3):
        process = subprocess.Popen([*command, "--store", "killed.sqlite"], env=environment, stderr=subprocess.DEVNULL)
        while process.poll() is None and _n_runs("killed.sqlite") < 10 * (kills + 1):
            pass
        kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert kills == 3, "it ended before it was killed"
    assert _n_runs("killed.sqlite") < 60
    subprocess.run([*command, "--store", "killed.sqlite", "--tables", "a"], env=environment, check=True)
    subprocess.run([*command, "--store", "whole.sqlite", "--tables", "b"], env=environment, check=True)
    assert (tmp_path / "a" / "runs.csv").read_bytes() == (tmp_path / "b" / "runs.csv").read_bytes()
    shutil.rmtree(tmp_path / "a")


def _n_runs(path):
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as store:
            return store.execute("SELECT count(*) FROM runs").fetchone()[0]
    except sqlite3.Error:
        return 0


def test_report_of_nothing_measured_says_so(scenes, run):
    result = compared(run, "--time-limit", "0.000001")
    assert result.exit_code == 0, result.output
    assert "16 failed" in result.stdout


def test_tasks_write_json_that_json_knows(scenes):
    spec = tasks.plan_comparison([scenes], classifiers=["br-tree"], cv="1x2")
    text = json.dumps(tasks.compare(spec).to_dict(), allow_nan=False)
    assert "thresholds" in text
