"""Run what a store does not have yet, and write it as it comes."""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, cast

import joblib
import numpy as np

from rarelabel.datasets import Dataset
from rarelabel.evaluation.executors import Done, RunTask, in_processes, in_this_process, on_dask
from rarelabel.evaluation.records import Task
from rarelabel.evaluation.store import ResultStore

__all__ = ["Progress", "run"]


@dataclass(frozen=True)
class Progress:
    """How far a comparison is.

    Parameters
    ----------
    done, total : int
        Runs that the store has, and that it is to have.
    failed, skipped : int
        How many of those done failed, or were impossible.
    seconds : float
        Since the start.
    seconds_left : float or None
        About how many more; None before the first task has ended.
    last : str
        The task that ended last.
    """

    done: int
    total: int
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    last: str = ""


def run(
    tasks: Iterable[Task],
    datasets: Mapping[str, Dataset],
    store: ResultStore,
    *,
    n_jobs: int = 1,
    client: Any = None,
    progress: Callable[[Progress], None] | None = None,
    run_task: RunTask | None = None,
    retry_failed: bool = False,
) -> Progress:
    """Run the tasks of which the store lacks a run, for the classifiers that it lacks, and write what comes of each.

    It may be stopped at any moment, also by kill -9, and called again: the store ends up with the same table. Several
    processes that are called with one store share the work, each in an order of its own; the table's order is that of
    the specification.

    Parameters
    ----------
    tasks : iterable of Task
    datasets : mapping of str to Dataset
        By the names that the tasks give them.
    store : ResultStore
    n_jobs : int, default=1
        Processes of this machine, each on one thread; -1 for as many as there are processors.
    client : dask.distributed.Client or str, default=None
        A Dask cluster to run on instead, or the address of its scheduler as in ``"tcp://127.0.0.1:8786"`` (needs the
        extra ``dask``).
    progress : callable, default=None
        Called with a :class:`Progress` at the start and after each task.
    run_task : callable, default=None
        What carries out a task on its data set. None: :func:`rarelabel.evaluation.trial.run_task`.
    retry_failed : bool, default=False
        Whether runs that failed before are run again.

    Returns
    -------
    Progress
        At the end.

    Raises
    ------
    ValueError
        If a task is on a data set that is not given.
    StoreError
        If the store cannot be read or written.
    ConnectionError
        If the Dask cluster does not answer, or is gone.
    ImportError
        If Dask is not installed.

    Examples
    --------
    >>> from rarelabel.datasets import load_digit_scenes
    >>> from rarelabel.evaluation.records import Task, TaskOutcome
    >>> from rarelabel.evaluation.runner import run
    >>> from rarelabel.evaluation.store import ResultStore
    >>> def count_labels(task, dataset):
    ...     return TaskOutcome(tuple({"key": key, "status": "ok"} for key in task.keys.values()))
    >>> tasks = [Task("digits", "none", 0, fold, 0, {"mlknn": f"key {fold}"}) for fold in range(3)]
    >>> with ResultStore() as store:
    ...     end = run(tasks, {"digits": load_digit_scenes(20)}, store, run_task=count_labels)
    >>> end.done, end.total, end.failed
    (3, 3, 0)
    """
    tasks = list(tasks)
    if unknown := {task.dataset for task in tasks} - datasets.keys():
        raise ValueError(f"no data set {', '.join(map(repr, sorted(unknown)))}; there are {', '.join(datasets)}")
    if run_task is None:
        from rarelabel.evaluation.trial import run_task
    ledger = _Ledger(tasks, store, retry_failed)
    report = progress or (lambda _: None)
    report(ledger.progress())
    done = _executed(ledger.queue(), datasets, cast(RunTask, run_task), n_jobs, client)
    with closing(done):
        for each in done:
            store.write(each.outcome, replace_failed=retry_failed)
            ledger.note(each)
            report(ledger.progress(each.task))
    return ledger.progress()


def _executed(
    queue: Iterator[Task], datasets: Mapping[str, Dataset], run_task: RunTask, n_jobs: int, client: Any
) -> Any:
    if client is not None:
        return on_dask(queue, datasets, run_task, client)
    processes = joblib.effective_n_jobs(n_jobs)
    if processes == 1:
        return in_this_process(queue, datasets, run_task)
    return in_processes(queue, datasets, run_task, processes)


class _Ledger:
    """What is done and what is left, as far as this process knows, and at what pace it goes."""

    def __init__(self, tasks: list[Task], store: ResultStore, retry_failed: bool) -> None:
        self._tasks, self._store, self._retry_failed = tasks, store, retry_failed
        self._start = time.perf_counter()
        self._group = {key: (task.dataset, task.approach) for task in tasks for key in task.keys.values()}
        self._left = Counter(self._group.values())
        self._statuses: dict[str, str] = {}
        self._count: Counter[str] = Counter()
        self._seconds: defaultdict[tuple[str, ...], float] = defaultdict(float)
        self._runs: Counter[tuple[str, ...]] = Counter()
        self._learn(self._there(self._group))

    def queue(self) -> Iterator[Task]:
        """Tasks with the classifiers that are missing, looked up at the last moment: another process may be at work.

        Tasks that another has claimed come last, for it may have been killed; by then most of them are done.
        """
        claimed = []
        # in one order, two processes that start together would meet at every task
        for i in np.random.default_rng(os.getpid()).permutation(len(self._tasks)):
            missing = self._missing(self._tasks[i])
            if missing.keys and self._store.claim(missing.keys.values()):
                yield missing
            elif missing.keys:
                claimed.append(self._tasks[i])
        for task in claimed:
            if (missing := self._missing(task)).keys:
                yield missing

    def _missing(self, task: Task) -> Task:
        """The task with the classifiers whose runs the store lacks."""
        if any(key not in self._statuses for key in task.keys.values()):
            self._learn(self._there(task.keys.values()))
        return task.only(name for name, key in task.keys.items() if key not in self._statuses)

    def note(self, done: Done) -> None:
        """Take a task that has ended into account."""
        self._learn({str(run["key"]): str(run["status"]) for run in done.outcome.runs})
        if done.seconds == done.seconds:
            for group in _like(done.task.dataset, done.task.approach):
                self._seconds[group] += done.seconds
                self._runs[group] += len(done.task.keys)

    def progress(self, last: Task | None = None) -> Progress:
        """How far it is."""
        seconds = time.perf_counter() - self._start
        return Progress(
            done=len(self._statuses),
            total=len(self._group),
            failed=self._count["failed"],
            skipped=self._count["skipped"],
            seconds=seconds,
            seconds_left=self._seconds_left(seconds),
            last="" if last is None else _described(last),
        )

    def _there(self, keys: Iterable[str]) -> dict[str, str]:
        """Those of the runs that need not be run."""
        found = self._store.statuses(keys)
        return {key: status for key, status in found.items() if not (self._retry_failed and status == "failed")}

    def _learn(self, statuses: Mapping[str, str]) -> None:
        for key, status in statuses.items():
            if key not in self._statuses:
                self._statuses[key] = status
                self._count[status] += 1
                self._left[self._group[key]] -= 1

    def _seconds_left(self, seconds: float) -> float | None:
        """Work left over work done, times the time this took.

        A run that is left counts as much as those of its data set and approach did, else of its data set, else of all.
        """
        if not self._runs:
            return 0.0 if len(self._statuses) == len(self._group) else None
        left = 0.0
        for group, n_runs in self._left.items():
            like = next(each for each in _like(*group) if self._runs[each])
            left += n_runs * self._seconds[like] / self._runs[like]
        return seconds * left / self._seconds[()] if self._seconds[()] else 0.0


def _like(dataset: str, approach: str) -> tuple[tuple[str, ...], ...]:
    """What a run is like, the closest first."""
    return (dataset, approach), (dataset,), ()


def _described(task: Task) -> str:
    return f"{task.dataset}, {task.approach}, repeat {task.repeat}, fold {task.fold}, seed {task.seed}"
