"""How long a store of 100,000 runs with 25 measures takes to write, to open and to filter.

    python benchmarks/speed/store.py [n_runs]

Each step is also given as a multiple of a yardstick taken in the same process: reading the same rows by bare sqlite3.
"""

import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from rarelabel.evaluation.measures import MEASURES
from rarelabel.evaluation.records import Task, TaskOutcome
from rarelabel.evaluation.results import Results
from rarelabel.evaluation.store import ResultStore

CLASSIFIERS = tuple(f"classifier {i}" for i in range(5))
APPROACHES = ("none", *(f"approach {i}" for i in range(1, 20)))
DATASETS = tuple(f"data set {i}" for i in range(20))


def make_tasks(n_runs):
    n_folds = -(-n_runs // (len(CLASSIFIERS) * len(APPROACHES) * len(DATASETS)))
    return [
        Task(dataset, approach, 0, fold, 0, {c: f"{hash((dataset, approach, fold, c)):064x}" for c in CLASSIFIERS})
        for dataset in DATASETS
        for approach in APPROACHES
        for fold in range(n_folds)
    ]


def outcome(task, rng):
    measures = list(MEASURES)[:25]
    runs = []
    for classifier, key in task.keys.items():
        run = {"key": key, "dataset": task.dataset, "approach": task.approach, "classifier": classifier}
        run |= {"repeat": 0, "fold": task.fold, "seed": 0, "status": "ok", "error": "", "notes": "", "n_train": 400}
        run |= {"n_resampled": 500, "n_test": 100, "absent_train": 0, "absent_test": 1, "wall": 0.5}
        runs.append(run | dict(zip(measures, rng.random(len(measures)).tolist(), strict=True)))
    return TaskOutcome(tuple(runs))


def main():
    tasks, rng = make_tasks(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000), np.random.default_rng(0)
    outcomes = [outcome(task, rng) for task in tasks]
    n_runs = sum(len(task.keys) for task in tasks)
    with tempfile.TemporaryDirectory() as folder:
        path, seconds = Path(folder, "store.db"), {}

        def timed(name, work):
            start = time.perf_counter()
            result = work()
            seconds[name] = time.perf_counter() - start
            return result

        with ResultStore(path) as store:
            timed("add the spec", lambda: store.add_spec("5", {}, "", tasks, {}))
            timed("write, one transaction for each task", lambda: [store.write(each) for each in outcomes])
        bare = sqlite3.connect(path)
        timed("yardstick: SELECT * by sqlite3", lambda: bare.execute("SELECT * FROM runs").fetchall() and None)
        bare.close()
        with ResultStore(path, read_only=True) as store:
            results = timed("open: Results.from_store", lambda: Results.from_store(store))
            timed("look up which runs are there", store.statuses)
        timed("where(dataset, approach)", lambda: results.where(dataset=DATASETS[3], approach=APPROACHES[:3]))
        timed("scores", lambda: results.scores("macro_f1"))
        timed("paired", lambda: results.paired("macro_f1", APPROACHES[1]))
        timed("write the table as CSV", lambda: results.write_table(Path(folder, "table.csv")))
        size = path.stat().st_size / 2**20
    print(f"{n_runs} runs x {len(results.runs)} columns, {size:.0f} MiB")
    yardstick = seconds["yardstick: SELECT * by sqlite3"]
    for name, value in seconds.items():
        print(f"{name:<40}{value:8.3f} s{value / yardstick:8.2f} x")


if __name__ == "__main__":
    main()
