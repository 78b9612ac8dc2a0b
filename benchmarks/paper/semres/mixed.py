"""Rows of tables with categories: are all of them valid, and how far is each column from the real one?

    export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python mixed.py --seeds 3

writes ``mixed.csv``, going on where it ended before, and ``mixed.md``. ``study.py`` says how rows are given and held
out. The new rows of the rarer class are compared with those given. ``invalid``: values of category columns that no
row given has, of any class, as a share of all. ``worst``: of the columns, beside the means. ``held-out``: the real
rows held out of the class. Where all columns are categories, SMOTEN takes the place of SMOTENC, which needs a number.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from data import load
from study import downstream, fidelity, filled, of_budget, resampled, run_missing, split, write_table

from rarelabel import SEMResDDPM, TabDDPM
from rarelabel.metrics import total_variation_per_column, wasserstein_per_column

DATA = ("flare-F", "car-good", "kddcup-land_vs_portsweep", "abalone-3_vs_11", "german", "adult", "telco_churn")
SAMPLERS = ("SEMResDDPM", "TabDDPM", "SMOTENC", "held-out")
COLUMNS = (
    "n_new", "invalid", "total_variation", "worst_total_variation", "wasserstein", "worst_wasserstein", "c2st_auc",
    "recall", "exact_duplicates", "f1", "g_mean", "auc", "seconds",
)  # fmt: skip


def make(name, schema, seed, training_steps):
    if name in ("SEMResDDPM", "TabDDPM"):
        parameters = {"training_steps": training_steps} if training_steps else {}
        return {"SEMResDDPM": SEMResDDPM, "TabDDPM": TabDDPM}[name](random_state=seed, **parameters)
    from imblearn.over_sampling import SMOTEN, SMOTENC

    if schema.is_category.all():
        return SMOTEN(random_state=seed)
    return SMOTENC(np.flatnonzero(schema.is_category).tolist(), random_state=seed)


def invalid(X, X_new, schema):
    """Share of the values of category columns that no row of X has."""
    columns = np.flatnonzero(schema.is_category)
    return np.mean([~np.isin(X_new[:, column], X[:, column]) for column in columns])


def worst(values):
    return np.nan if np.isnan(values).all() else np.nanmax(values)


def job(data, sampler, seed, training_steps):
    dataset = load(data)
    given, held = split(dataset.Y, seed)
    X, Y, schema = filled(dataset, given), dataset.Y[given], dataset.schema
    rarer = int(Y.sum(axis=0).argmin())
    start, learned = time.process_time(), {}
    if sampler == "held-out":
        chosen = held[dataset.Y[held][:, rarer]]
        X_new, Y_new = filled(dataset, given, chosen), dataset.Y[chosen]
    else:
        X_res, Y_res = resampled(make(sampler, schema, seed, training_steps), X, Y, schema)
        X_new, Y_new = X_res[len(Y) :], Y_res[len(Y) :]
    seconds = round(time.process_time() - start, 2)
    if sampler != "held-out":
        learned = downstream(dataset, given, held, X_res, Y_res, seed)
    real = X[Y[:, rarer]]
    yield {
        "n_new": len(X_new),
        "invalid": invalid(X, X_new, schema),
        "worst_wasserstein": worst(wasserstein_per_column(real, X_new, schema=schema)),
        "worst_total_variation": worst(total_variation_per_column(real, X_new, schema=schema)),
        **fidelity(dataset, given, X_new, Y_new, seed),
        **(learned or dict.fromkeys(("f1", "g_mean", "auc", "mcc"), np.nan)),
        "seconds": seconds,
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=DATA)
    parser.add_argument("--samplers", nargs="+", default=SAMPLERS)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--training-steps", type=int, default=0, help="0: as the samplers have it")
    options = parser.parse_args()
    jobs = (
        {"data": name, "sampler": sampler, "seed": seed, "training_steps": options.training_steps}
        for seed in range(options.seeds)
        for name in options.data
        for sampler in options.samplers
    )
    lines = of_budget(run_missing(Path("mixed.csv"), jobs, job), options.training_steps)
    order = [name for name in DATA if any(line["data"] == name for line in lines)]
    lines.sort(key=lambda line: (order.index(line["data"]), SAMPLERS.index(line["sampler"])))
    write_table(Path("mixed.md"), "Rows of tables with categories", lines, ("data", "sampler"), COLUMNS)


if __name__ == "__main__":
    main()
