"""What the measures of new rows say of samplers, of held-out rows and of noise, so that their sizes get a meaning.

Of each data set two thirds of the rows are given to a sampler, the others held out, three times over. Each line is one
sort of new rows, judged beside the rows given; values are means of the three. Beside the samplers:

- held-out rows: what new rows from the true distribution would give;
- 0.3 sd noise: rows given, each number moved by normal noise of 0.3 standard deviations of its column, labels kept;
- shuffled columns: each column and label shuffled by itself, so that columns are right and rows are not;
- noise: normal numbers with the mean and deviation of each column, each label by its frequency.

    cd benchmarks/fidelity; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
    python new_rows.py FOLDER > new_rows.md
"""

import sys
import time
import warnings
from pathlib import Path

import numpy as np

from rarelabel.datasets import read
from rarelabel.metrics import fidelity_report
from rarelabel.registry import make_sampler

DATA = ("emotions", "yeast")
SAMPLERS = ("MLROS", "MLSMOTE", "MLSOL")
REPEATS = 3


def new_rows(X, Y, schema, held, rng):
    """Name of a sort of new rows, their X and Y."""
    n, d = X.shape
    yield "held-out rows", *held
    for name in SAMPLERS:
        X_res, Y_res = make_sampler(name, random_state=int(rng.integers(2**31))).fit_resample(X, Y, schema=schema)
        yield name, X_res[n:], Y_res[n:]
    some = rng.permutation(n)[: n // 2]
    yield "0.3 sd noise", X[some] + 0.3 * X.std(axis=0) * rng.normal(size=(len(some), d)), Y[some]
    shuffled = [np.column_stack([rng.permutation(column) for column in A.T]) for A in (X, Y)]
    yield "shuffled columns", shuffled[0][some], shuffled[1][some]
    noise = X.mean(axis=0) + X.std(axis=0) * rng.normal(size=(len(some), d))
    yield "noise", noise, rng.random((len(some), Y.shape[1])) < Y.mean(axis=0)


def measure(dataset):
    """Measures of each sort of new rows, mean over the repeats, with its rows and CPU seconds."""
    found = {}
    for seed in range(REPEATS):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(dataset.Y))
        X, Y = np.asarray(dataset.X)[order], dataset.Y[order]
        n = 2 * len(Y) // 3
        held = X[n:], Y[n:]
        for name, X_new, Y_new in new_rows(X[:n], Y[:n], dataset.schema, held, rng):
            start = time.process_time()
            options = {"holdout": held, "schema": dataset.schema, "random_state": seed}
            report = fidelity_report((X[:n], Y[:n]), (X_new, Y_new), **options).to_dict()
            seconds = time.process_time() - start
            found.setdefault(name, []).append({"rows": len(Y_new), **report, "CPU s": seconds})
    return {name: {key: np.mean([row[key] for row in rows]) for key in rows[0]} for name, rows in found.items()}


def shown(value, key):
    if np.isnan(value):
        return "-"
    digits = {"rows": 0, "mmd": 4}.get(key, 2)
    return f"{value:.{digits}f}"


def main(folder):
    warnings.simplefilter("ignore")
    print("# Measures of new rows\n")
    print(
        "`python new_rows.py FOLDER`; the program says what each line is. Two thirds of the rows given, means of three"
    )
    print("divisions. CPU seconds are those of one report.")
    for name in DATA:
        dataset = read(folder / f"{name}.arff.gz")
        table = measure(dataset)
        kinds = list(table)
        print(
            f"\n## {name}: {len(dataset.Y)} rows, {dataset.schema.n_features} columns, {dataset.schema.n_labels} labels"
        )
        print(f"\n| measure | {' | '.join(kinds)} |")
        print("|---" * (len(kinds) + 1) + "|")
        for key in table[kinds[0]]:
            print(f"| {key} | {' | '.join(shown(table[kind][key], key) for kind in kinds)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
