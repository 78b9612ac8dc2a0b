"""Whether rows decoded by AEMLO keep the minority labels of their seeds, are distinct, and look like the seeds.

Labels with 30 positives or fewer are left out, as in the released set-up; all rows are trained on. ``recall``: of the
minority labels of the seeds, the share that the new rows carry. ``accepted``: share of the decoded rows that carried
the label they were made for. The others were decoded again, so that recall alone says little: a network that was
trained for 20 steps has 0.99 on yeast, with 0.35 accepted. ``cardinality``: labels of a new row over labels of its
seed. ``distance``: median distance of new rows to the nearest training row, over that of seeds to the nearest row that
is no seed. W1 is between new rows and the seeds.

    cd benchmarks/paper/aemlo; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python recall.py recall.csv --seeds 1 > recall.md

Lines that the CSV file already has are not computed again. ``missed`` names the bounds of BOUNDS that the means of a
line do not keep.
"""

import argparse
import sys
import time
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from rarelabel import AEMLO
from rarelabel.imbalance import mean_ir
from rarelabel.metrics import distance_to_closest_record, fidelity_report, row_hashes

sys.path.append(str(Path(__file__).parents[1] / "mldm"))
from fidelity import means_of, read_data, read_value, run_missing, valid

DATA = ("yeast", "corel5k", "bibtex")
SHOWN = {
    "labels": "n_labels", "seeds": "n_subset", "new rows": "n_new", "recall": "recall", "accepted": "accepted",
    "distinct": "distinct", "cardinality": "cardinality", "W1/sigma": "wasserstein", "C2ST": "c2st_auc",
    "in range": "valid", "copies": "copies", "distance": "distance", "MeanIR before": "mean_ir_before",
    "after": "mean_ir_after", "steps": "steps", "s": "seconds",
}  # fmt: skip
"""Heading to column of the CSV file."""

BOUNDS = {
    "recall": lambda row: row["recall"] >= 0.9,
    "distinct": lambda row: row["distinct"] >= 0.95,
    "cardinality": lambda row: abs(row["cardinality"] - 1) <= 0.1,
    "W1": lambda row: not row["wasserstein"] > 0.2,
    "in range": lambda row: row["valid"] == 1,
}


def frequent_labels(dataset, least=31):
    """The data set without labels on fewer rows."""
    kept = dataset.Y.sum(axis=0) >= least
    labels = tuple(column for column, keep in zip(dataset.schema.labels, kept, strict=True) if keep)
    return replace(dataset, Y=dataset.Y[:, kept], schema=replace(dataset.schema, labels=labels))


def sampler_of(variant, seed):
    """``paper``, ``reference``, or either with parameters: ``paper:latent_noise=0,interpolation=0``."""
    name, _, options = variant.partition(":")
    parameters = {key: read_value(value) for key, value in (pair.split("=") for pair in options.split(",") if pair)}
    return AEMLO(variant=name, random_state=seed, **parameters)


@cache
def warm_up():
    """Train once on next to nothing: the first training of a process takes seconds to import what torch needs."""
    warnings.simplefilter("ignore")
    X = np.random.default_rng(0).normal(size=(30, 2))
    AEMLO(training_steps=1, width=8, random_state=0).fit(X, X > [-1, 1])


def measure(dataset, variant, seed):
    """One line of the CSV file."""
    warm_up()
    X, Y, schema = dataset.X, dataset.Y, dataset.schema
    n, sampler = len(Y), sampler_of(variant, seed)
    labels = np.unique(sampler.plan(X, Y, schema=schema).made_for)
    start = time.process_time()
    X_res, Y_res = sampler.fit_resample(X, Y, schema=schema)
    seconds = time.process_time() - start
    X_new, Y_new, Y_seeds = X_res[n:], Y_res[n:], Y[sampler.seed_rows_[n:]]
    in_subset = Y[:, labels].any(axis=1)
    line = {"n_labels": Y.shape[1], "n_subset": int(in_subset.sum()), "n_new": len(Y_new)}
    if len(Y_new) < 2:
        return line | dict.fromkeys([column for column in SHOWN.values() if column not in line], np.nan)
    wanted, hashes = Y_seeds[:, labels], row_hashes(X_new)
    report = fidelity_report((X[in_subset], Y[in_subset]), (X_new, Y_new), schema=schema, random_state=seed)
    apart = np.median(distance_to_closest_record(X, X_new, schema=schema))
    others = np.flatnonzero(~in_subset)
    usual = np.median(distance_to_closest_record(X[others], X[in_subset], schema=schema)) if len(others) else np.nan
    return line | {
        "recall": (Y_new[:, labels] & wanted).sum() / wanted.sum(),
        "accepted": sampler.acceptance_,
        "distinct": len(np.unique(hashes)) / len(hashes),
        "cardinality": Y_new.sum() / Y_seeds.sum(),
        "wasserstein": report.to_dict()["wasserstein"],
        "c2st_auc": report.to_dict()["c2st_auc"],
        "valid": valid(X, X_new),
        "copies": np.isin(hashes, row_hashes(X)).mean(),
        "distance": apart / usual if usual else np.nan,
        "mean_ir_before": mean_ir(Y),
        "mean_ir_after": mean_ir(Y_res),
        "steps": int(sampler.loss_history_[-1, 0]),
        "seconds": round(seconds, 1),
    }


def shown(value, heading):
    if np.isnan(value):
        return "-"
    digits = 0 if heading in ("labels", "seeds", "new rows", "steps", "s") else 2
    return f"{value:.{digits}f}" if digits else f"{value:,.0f}"


def write_table(lines, variants, data):
    print("# Rows decoded by AEMLO\n")
    print(
        "`recall.py` says what is measured. Means over the seeds; s: CPU seconds of training and drawing, one thread."
    )
    for variant in variants:
        print_table(variant, "data", {name: runs_of(lines, name, variant) for name in data})


def runs_of(lines, name, variant):
    return [line for line in lines if (line["data"], line["variant"]) == (name, variant)]


def print_table(title, first, rows, headings=tuple(SHOWN)):
    """Means over the lines of each row, and the bounds that they miss."""
    print(f"\n## {title}\n\n| {first} | runs | {' | '.join(headings)} | missed |")
    print("|---" * (len(headings) + 3) + "|")
    for name, mine in rows.items():
        if mine:
            means = means_of(mine)
            values = (shown(means[SHOWN[heading]], heading) for heading in headings)
            missed = ", ".join(bound for bound, is_kept in BOUNDS.items() if not is_kept(means))
            print(f"| {name} | {len(mine)} | {' | '.join(values)} | {missed or '-'} |")


def run(path, jobs):
    """All lines, after those that the CSV file lacks."""
    return run_missing(
        path, jobs, lambda data, variant, seed: [measure(frequent_labels(read_data(data)), variant, seed)]
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("csv", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--variants", nargs="+", default=["paper", "reference"])
    parser.add_argument("--data", nargs="+", default=DATA)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    jobs = (
        {"data": name, "variant": variant, "seed": seed}
        for seed in range(options.seeds)
        for name in options.data
        for variant in options.variants
    )
    write_table(run(options.csv, jobs), options.variants, options.data)


if __name__ == "__main__":
    main()
