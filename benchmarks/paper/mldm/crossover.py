"""CPU seconds of MLDM, MLSMOTE and MLSOL as a table grows: where do the lines cross?

    cd benchmarks/paper/mldm; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
    python crossover.py 500 1000 2000 5000 10000 20000 50000 --methods MLDM MLSMOTE MLSOL

writes ``crossover.csv``, going on where it ended before, and ``crossover.md``. Tables have 30 columns and 10 labels;
each method adds a quarter of n rows. MLSMOTE or MLSOL that took more than 120 s is not tried on larger tables.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from fidelity import read_lines, run_missing

from rarelabel import MLDM, MLSMOTE, MLSOL
from rarelabel.datasets import make_imbalanced_multilabel

SAMPLERS = {"MLDM": MLDM, "MLSMOTE": MLSMOTE, "MLSOL": MLSOL}
LONGEST = 120
"""Seconds after which larger tables are left out."""


def measure(n, method):
    dataset, _ = make_imbalanced_multilabel(n, 30, 10, random_state=0)
    sampler = SAMPLERS[method](sampling_strategy=0.25, random_state=0)
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, Y_res = sampler.fit_resample(dataset.X, dataset.Y)
    seconds = time.process_time() - start
    steps = int(sampler.loss_history_[-1, 0]) if method == "MLDM" else ""
    path = sampler.path_ if method == "MLDM" else ""
    yield {"n_new": len(Y_res) - n, "seconds": round(seconds, 3), "steps": steps, "path": path}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sizes", type=int, nargs="+")
    parser.add_argument("--methods", nargs="+", choices=SAMPLERS, default=list(SAMPLERS))
    options = parser.parse_args()
    path = Path("crossover.csv")
    lines = read_lines(path)
    for n in options.sizes:
        for method in options.methods:
            longest = max((float(line["seconds"]) for line in lines if line["method"] == method), default=0)
            if method == "MLDM" or longest <= LONGEST:
                lines = run_missing(path, [{"n": n, "method": method}], measure)
    seconds = {(int(line["n"]), line["method"]): float(line["seconds"]) for line in lines}
    steps = {int(line["n"]): line["steps"] for line in lines if line["method"] == "MLDM"}
    with Path("crossover.md").open("w") as file:
        print("# CPU seconds as the table grows\n\n`crossover.py` says what is measured; one thread.\n", file=file)
        print(f"| n | {' | '.join(SAMPLERS)} | training steps of MLDM |\n{'|---' * (len(SAMPLERS) + 2)}|", file=file)
        for n in sorted({n for n, _ in seconds}):
            values = (f"{seconds.get((n, method), np.nan):.3g}".replace("nan", "-") for method in SAMPLERS)
            print(f"| {n:,} | {' | '.join(values)} | {steps.get(n, '-')} |", file=file)


if __name__ == "__main__":
    main()
