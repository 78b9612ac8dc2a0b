"""CPU seconds of MLDM, MLSMOTE and MLSOL as a table grows: where do the lines cross?

    cd benchmarks/paper/mldm; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
    python crossover.py 500 1000 2000 5000 10000 20000 50000

writes ``crossover.csv``, going on where it ended before, and ``crossover.md``. Tables have 30 columns and 10 labels;
each method adds a quarter of n rows. MLSMOTE or MLSOL that took more than 120 s is not tried on larger tables.
"""

import sys
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
    path, lines = Path("crossover.csv"), read_lines(Path("crossover.csv"))
    for n in map(int, sys.argv[1:]):
        for method in SAMPLERS:
            if (
                not any(line["method"] == method and float(line["seconds"]) > LONGEST for line in lines)
                or method == "MLDM"
            ):
                lines = run_missing(path, [{"n": n, "method": method}], measure)
    seconds = {(int(line["n"]), line["method"]): float(line["seconds"]) for line in lines}
    steps = {int(line["n"]): line["steps"] for line in lines if line["method"] == "MLDM"}
    with Path("crossover.md").open("w") as file:
        print("# CPU seconds as the table grows\n\n`crossover.py` says what is measured; one thread.\n", file=file)
        print(f"| n | {' | '.join(SAMPLERS)} | training steps of MLDM |\n{'|---' * (len(SAMPLERS) + 2)}|", file=file)
        for n in sorted(steps):
            values = (f"{seconds.get((n, method), np.nan):.3g}".replace("nan", "-") for method in SAMPLERS)
            print(f"| {n:,} | {' | '.join(values)} | {steps[n]} |", file=file)


if __name__ == "__main__":
    main()
