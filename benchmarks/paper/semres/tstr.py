"""Train on synthetic rows, test on real ones: all classes drawn, in the numbers of the rows given, and nothing else.

    export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python tstr.py --data vehicle1 segment0 yeast1 --seeds 3

writes ``tstr.csv``, going on where it ended before, and ``tstr.md``. ``real``: the same classifiers, trained on the
real rows given. ``study.py`` says what is measured; fidelity is over all classes, labels included.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from data import load
from study import downstream, fidelity, filled, of_budget, run_missing, split, write_table

from rarelabel import CWGANGP, SEMResDDPM, TabDDPM

SAMPLERS = {"SEMResDDPM": SEMResDDPM, "TabDDPM": TabDDPM, "CWGANGP": CWGANGP}
COLUMNS = (
    "f1",
    "g_mean",
    "auc",
    "mcc",
    "wasserstein",
    "c2st_auc",
    "precision",
    "recall",
    "exact_duplicates",
    "seconds",
)


def job(data, rows, seed, training_steps):
    dataset = load(data)
    given, held = split(dataset.Y, seed)
    X, Y = filled(dataset, given), dataset.Y[given]
    start = time.process_time()
    if rows == "real":
        X_new, Y_new = X, Y
    else:
        parameters = {"training_steps": training_steps} if training_steps else {}
        model = SAMPLERS[rows](random_state=seed, **parameters).fit(X, Y, schema=dataset.schema)
        drawn = [
            model.sample(int(n), {name: 1}, random_state=seed)
            for name, n in zip(dataset.label_names, Y.sum(axis=0), strict=True)
            if n
        ]
        X_new, Y_new = (np.vstack([np.asarray(part[i]) for part in drawn]) for i in range(2))
    seconds = round(time.process_time() - start, 2)
    found = fidelity(dataset, given, X_new, Y_new, seed)
    yield {"n_new": len(Y_new), "seconds": seconds, **found, **downstream(dataset, given, held, X_new, Y_new, seed)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=["vehicle1", "segment0", "yeast1"])
    parser.add_argument("--rows", nargs="+", default=["real", *SAMPLERS])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--training-steps", type=int, default=0, help="0: as the samplers have it")
    options = parser.parse_args()
    jobs = (
        {"data": name, "rows": rows, "seed": seed, "training_steps": options.training_steps}
        for seed in range(options.seeds)
        for name in options.data
        for rows in options.rows
    )
    lines = of_budget(run_missing(Path("tstr.csv"), jobs, job), options.training_steps)
    lines.sort(key=lambda line: (line["data"], options.rows.index(line["rows"]) if line["rows"] in options.rows else 9))
    write_table(Path("tstr.md"), "Trained on synthetic rows, tested on real ones", lines, ("data", "rows"), COLUMNS)


if __name__ == "__main__":
    main()
