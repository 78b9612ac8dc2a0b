"""A comparison that costs nothing, for tests of store, runner and results; as a script, one that may kill itself.

python fake_comparison.py STORE TABLE [--die task|transaction|written --after N] [--n-jobs N] [--pause SECONDS]
"""

import argparse
import hashlib
import os
import signal
import time

import numpy as np

from rarelabel.datasets import load_digit_scenes
from rarelabel.evaluation.records import RESAMPLING_COLUMNS, Task, TaskOutcome
from rarelabel.evaluation.results import Results
from rarelabel.evaluation.runner import run
from rarelabel.evaluation.store import ResultStore

N_FOLDS = 5


def make_tasks():
    """2 data sets, 3 approaches, 5 folds, 2 classifiers: 60 runs."""
    return [
        Task(dataset, approach, 0, fold, 0, keys(dataset, approach, fold), f"{dataset}/{approach}/{fold}")
        for dataset in ("birds", "yeast")
        for approach in ("none", "weights", "MLSMOTE")
        for fold in range(N_FOLDS)
    ]


def keys(dataset, approach, fold):
    return {name: f"{dataset}/{approach}/{name}/{fold}" for name in ("mlknn", "br-tree")}


def make_datasets():
    return {"birds": load_digit_scenes(20), "yeast": load_digit_scenes(30)}


def number(*of):
    """A number between 0 and 1 that hangs on nothing but its arguments."""
    return int.from_bytes(hashlib.sha256(repr(of).encode()).digest()[:6]) / 2**48


def run_task(task, dataset):
    """MLkNN takes no weights, br-tree fails on one fold, and the two data sets have different measures."""
    runs, vectors = [], {}
    for name, key in task.keys.items():
        record = {"key": key, "dataset": task.dataset, "approach": task.approach, "classifier": name}
        record |= {"repeat": 0, "fold": task.fold, "seed": 0, "status": "ok", "n_train": len(dataset.Y), "n_test": 7}
        record |= {"absent_train": task.fold % 2, "absent_test": 3, "wall": time.perf_counter() % 1}
        if name == "mlknn" and task.approach == "weights":
            record |= {"status": "skipped", "error": "MLkNN takes no class weights"}
        elif (name, task.dataset, task.approach, task.fold) == ("br-tree", "yeast", "MLSMOTE", 2):
            record |= {"status": "failed", "error": "ValueError: too few rows"}
        else:
            record |= {"macro_f1": number(key, "macro"), "zeta": np.float64(number(key, "zeta"))}
            record["rare_f1" if task.dataset == "birds" else "alpha"] = number(key, "own")
            vectors[key, "f1"] = np.array([number(key, label) for label in range(4)] + [np.nan])
            vectors[key, "reliability"] = np.arange(30.0).reshape(3, 10)
        runs.append(record)
    resampling = None
    if task.approach == "MLSMOTE":
        values = dict.fromkeys(RESAMPLING_COLUMNS) | {"key": task.resampling_key, "dataset": task.dataset}
        resampling = values | {"approach": task.approach, "repeat": 0, "fold": task.fold, "seed": 0}
        resampling |= {"n_new": 10 + task.fold, "n_removed": 0, "wasserstein": number(task.resampling_key)}
    return TaskOutcome(tuple(runs), vectors, resampling)


def compare(path, table=None, **options):
    """Run it and write its table."""
    with (options.pop("store_class", ResultStore))(path) as store:
        store.add_spec("5bec", {"folds": N_FOLDS}, "", make_tasks(), make_datasets())
        run(make_tasks(), make_datasets(), store, **{"run_task": run_task} | options)
        return Results.from_store(store).write_table(table) if table is not None else None


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class DyingStore(ResultStore):
    """Kills its process at the n-th record, in the middle of the transaction, or right after it."""

    when, after, count = "", 0, 0

    def _insert(self, sql, table, record):
        super()._insert(sql, table, record)
        DyingStore.count += 1
        if self.when == "transaction" and self.count == self.after:
            die()

    def write(self, outcome, **options):
        super().write(outcome, **options)
        if self.when == "written" and self.count >= self.after:
            die()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("table")
    parser.add_argument("--die", default="")
    parser.add_argument("--after", type=int, default=0)
    parser.add_argument("--n-jobs", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--log")
    given = parser.parse_args()
    DyingStore.when, DyingStore.after = given.die, given.after
    calls = []

    def paused(task, dataset):
        calls.append(task)
        if given.die == "task" and len(calls) == given.after:
            die()
        if given.log:
            with open(given.log, "a") as log:
                log.write(f"{os.getpid()} {task.resampling_key}\n")
        time.sleep(given.pause)
        return run_task(task, dataset)

    compare(given.store, given.table, store_class=DyingStore, run_task=paused, n_jobs=given.n_jobs)


if __name__ == "__main__":
    main()
