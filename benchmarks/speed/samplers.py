"""CPU seconds of each sampler against a bare neighbour query over the same rows, in the same run.

The yardstick is what no implementation can go without: scikit-learn's brute-force query for k + 1 neighbours, over all
rows (MLSOL, MLUL, MLeNN, MLTL) or over the bag of each minority label (MLSMOTE). Medians of five runs after a warm-up,
the two in turn. Also the random samplers, for orientation.

    OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive python benchmarks/speed/samplers.py [FOLDER OF ARFF FILES] > samplers.md
"""

import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.neighbors import NearestNeighbors

from rarelabel.datasets import read
from rarelabel.imbalance import minority_labels
from rarelabel.registry import SAMPLERS, make_sampler, sampler_class

K = 5


def cpu_seconds(*functions, runs=5):
    """Median CPU seconds of each function, run in turn."""
    taken = np.empty((runs + 1, len(functions)))
    for run in range(runs + 1):
        for at, function in enumerate(functions):
            start = time.process_time()
            function()
            taken[run, at] = time.process_time() - start
    return np.median(taken[1:], axis=0)


def query(X, bags, k):
    for bag in bags:
        if len(bag) > k:
            NearestNeighbors(n_neighbors=k + 1, algorithm="brute").fit(X[bag]).kneighbors(X[bag])


def synthetic(n=20_000, d=100, q=50):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)), rng.random((n, q)) < np.geomspace(0.4, 0.003, q), False


def compare(name, X, Y, categorical, slow):
    bags = {
        "every row": [np.arange(len(Y))],
        "minority bags": [np.flatnonzero(Y[:, label]) for label in np.flatnonzero(minority_labels(Y))],
    }
    yardstick = {"MLSMOTE": "minority bags", "MLSOL": "every row", "MLUL": "every row"}
    yardstick |= {"MLeNN": "every row", "MLTL": "every row"}
    for method in SAMPLERS:
        if method == "MLRkNNOS" and not slow:
            continue
        known = sampler_class(method)().get_params()
        given = {"random_state": 0, "categorical_features": categorical if np.any(categorical) else "auto"}
        sampler = make_sampler(method, **{key: value for key, value in given.items() if key in known})
        k = {"MLeNN": 3, "MLTL": 1}.get(method, K)
        if method in yardstick:
            ours, bare = cpu_seconds(
                lambda s=sampler: s.fit_resample(X, Y), lambda m=method, k=k: query(X, bags[yardstick[m]], k)
            )
            print(f"| {name} | {method} | {ours:.4f} | {yardstick[method]}, k = {k} | {bare:.4f} | {ours / bare:.2f} |")
        else:
            (ours,) = cpu_seconds(lambda s=sampler: s.fit_resample(X, Y))
            print(f"| {name} | {method} | {ours:.4f} | | | |")
        sys.stdout.flush()


def main():
    warnings.simplefilter("ignore")
    assert os.environ.get("OMP_NUM_THREADS") == "1", "export OMP_NUM_THREADS=1 first"
    print("| data | sampler | CPU seconds | bare query over | CPU seconds | ratio |\n|---|---|---|---|---|---|")
    compare("synthetic 20,000 x 100, 50 labels", *synthetic(), slow=False)
    compare("synthetic 5,000 x 100, 50 labels", *synthetic(5_000), slow=False)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    for name in ("emotions", "cal500", "yeast", "scene") if folder else ():
        data = read(folder / f"{name}.arff.gz")
        compare(name, data.X, data.Y, data.schema.is_category, slow=True)


if __name__ == "__main__":
    main()
