"""A Dask cluster of two worker processes gives the table of a local run, also when a worker is killed."""

import os
import runpy
import signal
from pathlib import Path

import pytest

from rarelabel.evaluation.records import TaskOutcome
from rarelabel.evaluation.runner import run
from rarelabel.evaluation.store import ResultStore

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def fake():
    return runpy.run_path(str(Path(__file__).with_name("fake_comparison.py")))


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes on the loopback interface."""
    before = os.environ.copy()
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as running:
        yield running
    # Dask sets OMP_NUM_THREADS and PYTHONHASHSEED for good, and the processes of later tests would have them
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def expected(fake, tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    return fake["compare"](folder / "store.db", folder / "table.csv").read_bytes()


def test_the_address_of_a_scheduler_is_enough(fake, cluster, expected, tmp_path):
    table = fake["compare"](tmp_path / "store.db", tmp_path / "table.csv", client=cluster.scheduler_address)
    assert table.read_bytes() == expected


def test_a_worker_killed_in_the_middle_changes_nothing(fake, cluster, expected, tmp_path):
    run_task, mark = fake["run_task"], tmp_path / "killed"

    def deadly(task, dataset):
        if (task.approach, task.fold) == ("MLSMOTE", 3) and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return run_task(task, dataset)

    with distributed.Client(cluster, set_as_default=False) as client:
        before = set(client.nthreads())
        table = fake["compare"](tmp_path / "store.db", tmp_path / "table.csv", client=client, run_task=deadly)
        assert mark.exists()
        assert set(client.nthreads()) != before
    assert table.read_bytes() == expected


def test_a_task_that_kills_every_worker_is_a_failed_one(fake, cluster):
    """Those that wait on the same worker are blamed with it, and cleared: they run by themselves."""
    cluster.scheduler.allowed_failures = 0  # Dask gives up at once instead of after four workers

    def deadly(task, dataset):
        if task.fold == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return TaskOutcome(tuple({"key": key, "status": "ok"} for key in task.keys.values()))

    tasks = fake["make_tasks"]()[:4]
    with ResultStore() as store:
        end = run(tasks, fake["make_datasets"](), store, run_task=deadly, client=cluster.scheduler_address)
        assert (end.done, end.failed) == (8, 2)
        assert {key for key, status in store.statuses().items() if status == "failed"} == set(tasks[2].keys.values())


def test_an_address_where_nobody_answers_is_named(fake):
    quickly = dask.config.set({"distributed.comm.timeouts.connect": "1s"})
    nobody = pytest.raises(ConnectionError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9; start one there")
    with ResultStore() as store, quickly, nobody:
        run(fake["make_tasks"](), fake["make_datasets"](), store, client="tcp://127.0.0.1:9", run_task=print)
