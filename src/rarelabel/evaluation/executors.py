"""Where tasks are carried out: in this process, in processes of this machine, on a Dask cluster.

Each executor is a generator. It takes tasks from a queue only when it can start them, and yields what came of them as
soon as it is there, in any order. A task that kills its process is a failed task; the others go on.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import joblib
from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

from rarelabel.datasets import Dataset
from rarelabel.evaluation.metering import one_thread
from rarelabel.evaluation.records import Task, TaskOutcome

__all__ = ["Done", "RunTask", "attempt", "in_processes", "in_this_process", "on_dask"]

RunTask: TypeAlias = Callable[[Task, Dataset], TaskOutcome]

_THREADS = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
_RETRIES = 2  # of a task that did not reach its worker whole
_SECONDS_FOR_A_WORKER = 60
_SECONDS_TO_LOOK = 1.0  # whether the parent lives


@dataclass(frozen=True, eq=False)
class Done:
    """A task that ended.

    Parameters
    ----------
    task : Task
    outcome : TaskOutcome
    seconds : float
        How long it took; NaN where its process died.
    """

    task: Task
    outcome: TaskOutcome
    seconds: float = float("nan")


def attempt(run_task: RunTask, task: Task, dataset: Dataset) -> Done:
    """Carry out a task on one thread, so that numbers do not hang on where it runs; an error is recorded."""
    start = time.perf_counter()
    try:
        with one_thread():
            outcome = run_task(task, dataset)
    except (Exception, SystemExit) as error:
        outcome = _failed(task, f"{type(error).__name__}: {error}")
    return Done(task, outcome, time.perf_counter() - start)


def in_this_process(queue: Iterator[Task], datasets: Mapping[str, Dataset], run_task: RunTask) -> Iterator[Done]:
    """One task after the other."""
    for task in queue:
        yield attempt(run_task, task, datasets[task.dataset])


def in_processes(
    queue: Iterator[Task], datasets: Mapping[str, Dataset], run_task: RunTask, n_jobs: int
) -> Iterator[Done]:
    """In so many processes of this machine, which share the memory of the data sets.

    Where a process dies, nobody knows which of the tasks under way it was, so each of these is tried by itself.
    """
    with TemporaryDirectory(prefix="rarelabel-") as folder:
        for i, dataset in enumerate(datasets.values()):
            joblib.dump(dataset, Path(folder, str(i)))
        paths = {name: str(Path(folder, str(i))) for i, name in enumerate(datasets)}
        # one task more than there are processes, so that none waits while this process writes
        while suspects := (yield from _until_a_process_dies(queue, folder, paths, run_task, n_jobs, n_jobs + 1)):
            one_by_one = iter(suspects)
            while culprit := (yield from _until_a_process_dies(one_by_one, folder, paths, run_task, 1, 1)):
                yield Done(culprit[0], _failed(culprit[0], _DIED))


_DIED = "the process that ran this task was killed or crashed; perhaps there was not enough memory"


def _until_a_process_dies(
    queue: Iterator[Task], folder: str, paths: Mapping[str, str], run_task: RunTask, n_jobs: int, at_once: int
) -> Generator[Done, None, list[Task]]:
    """Yield what is done; return the tasks that were under way when a process died."""
    # not joblib.Parallel: it takes tasks ahead of time, in another thread, and loses all that is under way
    pool = ProcessPoolExecutor(n_jobs, env=_THREADS, initializer=_end_with_parent, initargs=(os.getpid(), folder))
    running: dict[Future[Done], Task] = {}
    try:
        while True:
            while len(running) < at_once and (task := next(queue, None)) is not None:
                running[_submitted(pool, run_task, task, paths[task.dataset])] = task
            if not running:
                return []
            died = False
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                if isinstance(future.exception(), BrokenProcessPool):
                    died = True
                else:
                    yield _result(future, running.pop(future))
            if died:
                for future in wait(running).done:
                    if not isinstance(future.exception(), BrokenProcessPool):
                        yield _result(future, running.pop(future))
                return list(running.values())
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _end_with_parent(parent: int, folder: str) -> None:
    """Where the parent is killed, its processes end too and clear up; loky's would wait for it for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS_TO_LOOK)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _submitted(pool: Any, run_task: RunTask, task: Task, path: str) -> Future[Done]:
    try:
        return pool.submit(_attempt_from_file, run_task, task, path)
    except BrokenProcessPool as error:
        future: Future[Done] = Future()
        future.set_exception(error)
        return future


def _result(future: Future[Done], task: Task) -> Done:
    error = future.exception()
    return future.result() if error is None else Done(task, _failed(task, f"{type(error).__name__}: {error}"))


def _attempt_from_file(run_task: RunTask, task: Task, path: str) -> Done:
    return attempt(run_task, task, _loaded(path))


@cache
def _loaded(path: str) -> Dataset:
    """The data set, its arrays mapped from the file: shared by all processes, and what one writes is its own."""
    return joblib.load(path, mmap_mode="c")


def on_dask(queue: Iterator[Task], datasets: Mapping[str, Dataset], run_task: RunTask, client: Any) -> Iterator[Done]:
    """On the workers of a Dask cluster, which must have this package and its extras installed."""
    with _connected(client) as connection:
        yield from _on_cluster(queue, datasets, run_task, connection)


def _on_cluster(
    queue: Iterator[Task], datasets: Mapping[str, Dataset], run_task: RunTask, client: Any
) -> Iterator[Done]:
    from distributed import as_completed

    there: dict[str, Any] = {}
    running: dict[Any, Task] = {}
    suspects: list[Task] = []
    ended = as_completed(loop=client.loop)

    def fill() -> None:
        while len(running) <= sum(client.nthreads().values()) and (task := next(queue, None)) is not None:
            if task.dataset not in there:
                there[task.dataset] = _sent(client, datasets[task.dataset])
            future = _started(client, run_task, task, there[task.dataset])
            running[future] = task
            ended.add(future)

    try:
        fill()
        for future in ended:
            task = running.pop(future)
            done = _received(future, task)
            if done is None:
                suspects.append(task)
                there.pop(task.dataset, None)  # what was being sent may be held to be the killer, too
            else:
                yield done
            fill()
        for task in suspects:  # Dask blames all that was waiting on the workers that died; alone, a task is guilty
            data = _sent(client, datasets[task.dataset])
            data.exception()  # wait until it is there
            yield _received(_started(client, run_task, task, data), task) or Done(task, _failed(task, _DIED))
    finally:
        client.cancel(list(running), force=True)


def _started(client: Any, run_task: RunTask, task: Task, data: Any) -> Any:
    return client.submit(attempt, run_task, task, data, pure=False, retries=_RETRIES)


def _received(future: Any, task: Task) -> Done | None:
    """What came of a task; None where workers died of it, or of another one that was with it."""
    from distributed import CancelledError, KilledWorker

    try:
        error = future.exception()
    except CancelledError as lost:
        raise ConnectionError("the Dask cluster is gone; start it and run again: what was done is kept") from lost
    if isinstance(error, KilledWorker):
        return None
    return future.result() if error is None else Done(task, _failed(task, f"{type(error).__name__}: {error}"))


def _sent(client: Any, dataset: Dataset) -> Any:
    """The data set on the cluster, sent once. Unlike what is scattered, it comes back if its worker dies."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        return client.submit(_as_it_is, dataset, pure=False)


def _as_it_is(dataset: Dataset) -> Dataset:
    return dataset


@contextmanager
def _connected(client: Any) -> Iterator[Any]:
    """A client that was given, or one of our own to the address that was given."""
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError("running on a cluster needs Dask: pip install 'rarelabel[dask]'") from error
    if not isinstance(client, str):
        _check_workers(client)
        yield client
        return
    try:
        own = Client(client, set_as_default=False)
    except OSError as error:
        raise ConnectionError(f"no Dask scheduler answers at {client}; start one there, or give its address") from error
    with own:
        _check_workers(own)
        yield own


def _check_workers(client: Any) -> None:
    try:
        client.wait_for_workers(1, timeout=_SECONDS_FOR_A_WORKER)
    except TimeoutError as error:
        raise ConnectionError(
            f"the Dask cluster has no worker after {_SECONDS_FOR_A_WORKER} seconds; start one with dask worker"
        ) from error


def _failed(task: Task, error: str) -> TaskOutcome:
    same = {"dataset": task.dataset, "approach": task.approach}
    same_division = {"repeat": task.repeat, "fold": task.fold, "seed": task.seed}
    return TaskOutcome(
        tuple(
            {"key": key, **same, "classifier": name, **same_division, "status": "failed", "error": error}
            for name, key in task.keys.items()
        )
    )
