"""The runner: what is missing is run, wherever, and the table is the same whatever happens on the way."""

import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rarelabel.evaluation.records import TaskOutcome
from rarelabel.evaluation.results import Results
from rarelabel.evaluation.runner import run
from rarelabel.evaluation.store import ResultStore

SCRIPT = Path(__file__).with_name("fake_comparison.py")


@pytest.fixture(scope="module")
def fake():
    """The names of fake_comparison.py. What is defined there travels to other processes by value."""
    return runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def expected(fake, tmp_path_factory):
    """Table of a comparison that was never interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    return fake["compare"](folder / "store.db", folder / "table.csv").read_bytes()


def start(*arguments):
    return subprocess.Popen([sys.executable, str(SCRIPT), *map(str, arguments)], stderr=subprocess.PIPE, text=True)


def finish(process):
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors


def test_the_table_has_every_run_in_order(fake, expected):
    lines = expected.decode().splitlines()
    assert lines[0].split(",")[-4:] == ["rare_f1", "macro_f1", "alpha", "zeta"]  # as MEASURES, then by name
    assert [line.split(",")[0] for line in lines[1:]] == [
        key for task in fake["make_tasks"]() for key in task.keys.values()
    ]
    assert repr(fake["number"]("birds/none/mlknn/0", "macro")) in lines[1]


@pytest.mark.parametrize(
    ("when", "after"), [("task", 1), ("task", 17), ("transaction", 1), ("transaction", 32), ("written", 40)]
)
def test_killed_and_started_again_gives_the_same_bytes(fake, expected, tmp_path, when, after):
    store, table = tmp_path / "store.db", tmp_path / "table.csv"
    code, errors = finish(start(store, table, "--die", when, "--after", after))
    assert code == -signal.SIGKILL, errors
    assert not table.exists()
    with ResultStore(store) as opened:
        there = opened.statuses()
    assert len(there) < 60
    for task in fake["make_tasks"]():  # all records of a task or none
        assert len(there.keys() & set(task.keys.values())) in (0, 2)
    assert fake["compare"](store, table).read_bytes() == expected


def test_killed_twice(fake, expected, tmp_path):
    store, table = tmp_path / "store.db", tmp_path / "table.csv"
    for after in (19, 23):
        code, errors = finish(start(store, table, "--die", "transaction", "--after", after))
        assert code == -signal.SIGKILL, errors
    assert finish(start(store, table)) == (0, "")
    assert table.read_bytes() == expected


def test_two_processes_share_one_store(expected, tmp_path):
    store, log = tmp_path / "store.db", tmp_path / "log"
    tables = [tmp_path / "first.csv", tmp_path / "second.csv"]
    processes = [start(store, table, "--pause", 0.1, "--log", log) for table in tables]
    assert [finish(process) for process in processes] == [(0, ""), (0, "")]
    assert max(tables, key=lambda t: t.stat().st_size).read_bytes() == expected
    with ResultStore(store, read_only=True) as opened:
        assert Results.from_store(opened).write_table(tmp_path / "after.csv").read_bytes() == expected
    done = [line.split() for line in log.read_text().splitlines()]
    assert len({pid for pid, _ in done}) == 2  # both worked
    assert len({task for _, task in done}) == 30
    assert len(done) <= 31  # the first to end goes over what the other is at


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell when a parent has died")
def test_processes_end_when_the_one_that_started_them_is_killed(fake, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    store, table = tmp_path / "store.db", tmp_path / "table.csv"
    process = start(store, table, "--n-jobs", 2, "--die", "written", "--after", 4, "--pause", 0.05)
    _, errors = process.communicate(timeout=120)  # ends once no process holds the pipe
    assert process.returncode == -signal.SIGKILL, errors
    assert list(tmp_path.glob("rarelabel-*")) == []
    assert fake["compare"](store, table, n_jobs=2).read_bytes() == expected


def test_processes_of_this_machine_give_the_same_bytes(fake, expected, tmp_path):
    assert fake["compare"](tmp_path / "store.db", tmp_path / "table.csv", n_jobs=2).read_bytes() == expected


def test_a_process_that_dies_fails_its_task_only(fake, tmp_path):
    run_task = fake["run_task"]

    def deadly(task, dataset):
        if (task.dataset, task.approach, task.fold) in {("birds", "none", 1), ("yeast", "weights", 4)}:
            os._exit(3)
        return run_task(task, dataset)

    fake["compare"](tmp_path / "store.db", n_jobs=2, run_task=deadly)
    with ResultStore(tmp_path / "store.db") as store:
        results = Results.from_store(store)
        assert len(results) == 60
        died = results.where(status="failed").failures()
        assert [(f.dataset, f.approach) for f in died if f.error.startswith("the process")] == [
            ("birds", "none"),
            ("birds", "none"),
            ("yeast", "weights"),
            ("yeast", "weights"),
        ]
        assert results.where(dataset="birds", approach="none", fold=1).runs["status"].tolist() == ["failed", "failed"]
    # what was to blame is gone: the table becomes that of a run without it
    again = fake["compare"](tmp_path / "store.db", tmp_path / "again.csv", retry_failed=True)
    assert b"the process" not in again.read_bytes()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_is_recorded_and_the_rest_goes_on(fake, n_jobs):
    def broken(task, dataset):
        if task.fold == 3:
            raise SystemExit("no luck") if task.approach == "none" else ZeroDivisionError("nothing to divide by")
        return TaskOutcome(tuple({"key": key, "status": "ok"} for key in task.keys.values()))

    with ResultStore() as store:
        end = run(fake["make_tasks"](), fake["make_datasets"](), store, run_task=broken, n_jobs=n_jobs)
        assert (end.done, end.total, end.failed, end.skipped) == (60, 60, 12, 0)
        store.add_spec("5", {}, "", fake["make_tasks"](), {})
        failures = Results.from_store(store).failures()
    assert {f.error for f in failures} == {"SystemExit: no luck", "ZeroDivisionError: nothing to divide by"}


def test_only_what_is_missing_is_run(fake, tmp_path):
    tasks, datasets, asked = fake["make_tasks"](), fake["make_datasets"](), []

    def spy(task, dataset):
        asked.append((task.resampling_key, tuple(task.keys)))
        return fake["run_task"](task, dataset)

    with ResultStore(tmp_path / "store.db") as store:
        run([task.only(["mlknn"]) for task in tasks[:3]], datasets, store, run_task=spy)
        asked.clear()
        run(tasks, datasets, store, run_task=spy)
        assert sorted(asked)[:3] == [(f"birds/MLSMOTE/{fold}", ("mlknn", "br-tree")) for fold in range(3)]
        assert {(task.resampling_key, ("br-tree",)) for task in tasks[:3]} <= set(asked)
        assert len(asked) == 30
        asked.clear()
        run(tasks, datasets, store, run_task=spy)
        assert asked == []
        run(tasks, datasets, store, run_task=spy, retry_failed=True)
        assert asked == [("yeast/MLSMOTE/2", ("br-tree",))]


def test_a_run_that_another_process_has_done_meanwhile_is_not_run(fake, tmp_path):
    tasks, datasets, count = fake["make_tasks"](), fake["make_datasets"](), []
    path = tmp_path / "store.db"

    def first_of_all(task, dataset):
        count.append(task)
        if len(count) == 1:
            with ResultStore(path) as other:
                run(tasks, datasets, other, run_task=fake["run_task"])
        return fake["run_task"](task, dataset)

    with ResultStore(path) as store:
        end = run(tasks, datasets, store, run_task=first_of_all)
        assert len(count) == 1
        assert (end.done, len(store.statuses())) == (60, 60)


def test_what_is_done_is_kept_when_it_is_interrupted(fake, tmp_path):
    count = []

    def interrupted(task, dataset):
        count.append(task)
        if len(count) == 4:
            raise KeyboardInterrupt
        return fake["run_task"](task, dataset)

    with ResultStore(tmp_path / "store.db") as store:
        with pytest.raises(KeyboardInterrupt):
            run(fake["make_tasks"](), fake["make_datasets"](), store, run_task=interrupted)
        assert len(store.statuses()) == 6


def test_progress_counts_and_tells_the_time_left(fake, monkeypatch):
    """Two data sets whose tasks take 1 and 3 seconds: what is left is told exactly once both are known."""
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def slow(task, dataset):
        now[0] += 1.0 if task.dataset == "birds" else 3.0
        return TaskOutcome(tuple({"key": key, "status": "ok"} for key in task.keys.values()))

    seen, tasks = [], fake["make_tasks"]()
    with ResultStore() as store:
        run(tasks, fake["make_datasets"](), store, run_task=slow, progress=seen.append)
    assert [each.done for each in seen] == list(range(0, 62, 2))
    assert seen[0].seconds_left is None
    assert seen[-1].seconds_left == 0
    both = next(i for i in range(1, 31) if {each.last.split(",")[0] for each in seen[1 : i + 1]} == {"birds", "yeast"})
    for each in seen[both:]:
        assert each.seconds + each.seconds_left == pytest.approx(15 * 1 + 15 * 3)


def test_tasks_on_unknown_data_sets_are_refused(fake):
    with ResultStore() as store, pytest.raises(ValueError, match=r"no data set 'yeast'; there are birds"):
        run(fake["make_tasks"](), {"birds": None}, store, run_task=fake["run_task"])


def test_processes_share_data_sets_and_cannot_spoil_them(fake):
    """Each task adds 1 to its copy of X; the original stays."""

    def greedy(task, dataset):
        dataset.X[:] += 1.0
        return TaskOutcome(tuple({"key": key, "status": "ok"} for key in task.keys.values()))

    datasets = fake["make_datasets"]()
    before = datasets["birds"].X.copy()
    with ResultStore() as store:
        assert run(fake["make_tasks"](), datasets, store, run_task=greedy, n_jobs=2).failed == 0
    np.testing.assert_array_equal(datasets["birds"].X, before)
