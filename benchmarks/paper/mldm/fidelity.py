"""How like real rows MLDM's are, how near to single ones, and what they do to the imbalance.

Of each data set 80 % of the rows are given to the sampler, the others held out. S: the rows given that carry a minority
label. New rows are compared with S; distances are to the nearest row given, S or not, beside those of held-out rows
with a minority label. ``bootstrap`` is rows of S drawn with replacement, what a perfect memory would give; ``held-out``
the held-out rows with a minority label, what new rows of the same law would give.

    cd benchmarks/paper/mldm; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python fidelity.py fidelity.csv --seeds 1 --variants paper reference bootstrap held-out > fidelity.md

Lines that the CSV file already has are not computed again. Few rows have a W1 by chance: ``W1 boot.`` is the
bootstrap's, ``W1 real`` that of held-out rows, were they as many as the new ones: W1 by chance goes with
sqrt(1/m + 1/n) for m and n rows. Both are means over all their lines. ``missed`` names the bounds of BOUNDS that the
means of a line do not keep. ``paper:rows=1000``: of 1,000 rows drawn from the same model, so that chance is small.

    python fidelity.py fidelity.csv --seeds 3 --variants paper:rows=1000 --data flags emotions yeast foodtruck cal500
"""

import argparse
import csv
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from rarelabel import MLDM
from rarelabel.datasets import read
from rarelabel.imbalance import mean_ir, minority_labels, scumble
from rarelabel.metrics import distance_to_closest_record, fidelity_report, row_hashes

DATA = (
    "flags", "emotions", "yeast", "foodtruck", "scene", "birds", "cal500", "genbase", "medical", "stackex_chess",
    "corel5k", "bibtex",
)  # fmt: skip
SHOWN = {
    "rows in S": "n_subset", "new rows": "n_new", "label corr.": "label_frequency_correlation",
    "cardinality S": "cardinality_real", "new": "cardinality_new", "W1/sigma": "wasserstein", "W1 boot.": "bootstrap",
    "W1 real": "held-out", "C2ST": "c2st_auc",
    "in range": "valid", "minority": "minority_share_new", "copies S": "copies_of_subset", "copies new": "copies",
    "distance ratio": "distance_ratio", "MeanIR -%": "mean_ir_reduction", "SCUMBLE before": "scumble_before",
    "after": "scumble_after", "s": "seconds",
}  # fmt: skip
"""Heading to column of the CSV file."""

BOUNDS = {
    "label corr.": lambda row: row["label_frequency_correlation"] >= 0.95,
    "cardinality": lambda row: abs(row["cardinality_new"] / row["cardinality_real"] - 1) <= 0.1,
    "W1": lambda row: not row["wasserstein"] > 0.15,
    "C2ST": lambda row: not row["c2st_auc"] > 0.75,
    "in range": lambda row: row["valid"] == 1,
    "minority": lambda row: row["minority_share_new"] >= 0.95,
    "copies": lambda row: row["copies"] <= row["copies_of_subset"],
    "distance": lambda row: not row["distance_ratio"] < 0.8,
}
"""What is asked of the means over the seeds; NaN is where there is nothing to measure."""


def split(dataset, seed):
    """Rows given and rows held out."""
    order = np.random.default_rng(seed).permutation(len(dataset.Y))
    n = int(0.8 * len(order))
    return np.sort(order[:n]), np.sort(order[n:])


def new_rows(variant, X, Y, in_subset, schema, seed):
    """New rows, and the model that made them, if any."""
    n = len(Y)
    if variant == "bootstrap":
        rows = np.random.default_rng(seed).choice(np.flatnonzero(in_subset), max(1, round(0.25 * n)))
        return X[rows], Y[rows], None
    name, _, options = variant.partition(":")
    parameters = {key: read_value(value) for key, value in (pair.split("=") for pair in options.split(",") if pair)}
    more = parameters.pop("rows", None)
    sampler = MLDM(variant=name, random_state=seed, **parameters)
    X_res, Y_res = sampler.fit_resample(X, Y, schema=schema)
    if more is None:
        return X_res[n:], Y_res[n:], sampler
    drawn = sampler.sample_dataset(more)
    return drawn.X, drawn.Y, sampler


def read_value(text):
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return {"True": True, "False": False, "None": None}.get(text, text)


def valid(X, X_new):
    """Share of the new values inside the range of the rows given (and so of known categories)."""
    X, X_new = (A.toarray() if hasattr(A, "toarray") else A for A in (X, X_new))
    low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    return ((X_new >= low) & (X_new <= high) | np.isnan(X_new)).mean()


def measure(dataset, variant, seed):
    """One line of the CSV file."""
    given, held = split(dataset, seed)
    X, Y = dataset.X[given], dataset.Y[given]
    labels = minority_labels(Y)
    start = time.process_time()
    if variant == "held-out":
        rows = held[dataset.Y[held][:, labels].any(axis=1)]
        X_new, Y_new, sampler = dataset.X[rows], dataset.Y[rows], None
    else:
        X_new, Y_new, sampler = new_rows(variant, X, Y, Y[:, labels].any(axis=1), dataset.schema, seed)
    seconds = time.process_time() - start
    return {
        **compare_rows(dataset, given, held, labels, X_new, Y_new, seed),
        "path": "" if sampler is None else sampler.path_,
        "steps": 0 if sampler is None or not len(sampler.loss_history_) else int(sampler.loss_history_[-1, 0]),
        "stopped": "" if sampler is None else sampler.stopped_,
        "seconds": round(seconds, 1),
    }


def compare_rows(dataset, given, held, labels, X_new, Y_new, seed):
    """How the new rows stand to S (the rows given with one of ``labels``), to all rows given and to those held out."""
    X, Y, schema = dataset.X[given], dataset.Y[given], dataset.schema
    in_subset, held_subset = Y[:, labels].any(axis=1), dataset.Y[held][:, labels].any(axis=1)
    X_held, Y_held = dataset.X[held][held_subset], dataset.Y[held][held_subset]
    report = fidelity_report((X[in_subset], Y[in_subset]), (X_new, Y_new), schema=schema, random_state=seed)
    hashes, counts = np.unique(row_hashes(X), return_counts=True)
    repeated = hashes[counts > 1]
    distances = np.median(distance_to_closest_record(X, X_new, schema=schema))
    held_out = np.median(distance_to_closest_record(X, X_held, schema=schema)) if len(Y_held) else np.nan
    after = np.vstack([Y, Y_new])
    return {
        "n_subset": int(in_subset.sum()),
        "n_held_subset": int(held_subset.sum()),
        "n_new": len(Y_new),
        **report.to_dict(),
        "minority_share_new": Y_new[:, labels].any(axis=1).mean(),
        "valid": valid(X, X_new),
        "copies_of_subset": np.isin(row_hashes(X[in_subset]), repeated).mean(),
        "copies": np.isin(row_hashes(X_new), hashes).mean(),
        "distance": distances,
        "distance_held_out": held_out,
        "distance_ratio": distances / held_out if held_out else np.nan,
        "mean_ir_before": mean_ir(Y),
        "mean_ir_after": mean_ir(after),
        "mean_ir_reduction": 100 * (1 - mean_ir(after) / mean_ir(Y)),
        "scumble_before": scumble(Y),
        "scumble_after": scumble(after),
    }


def read_lines(path):
    return list(csv.DictReader(path.open())) if path.exists() else []


def append_lines(path, lines):
    """Write lines to a CSV file as they come, so that a run that ends early goes on where it was."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, lines[0], lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(lines)


def run_missing(path, jobs, measure_job):
    """All lines of the CSV file, after those of the jobs that it lacks. A job is a dict that its lines begin with."""
    lines = read_lines(path)
    for job in jobs:
        named = {key: str(value) for key, value in job.items()}
        if any(named.items() <= line.items() for line in lines):
            continue
        start = time.process_time()
        found = [{**job, **line} for line in measure_job(**job)]
        append_lines(path, found)
        lines = read_lines(path)
        print(path.stem, *job.values(), f"{time.process_time() - start:.0f} s", file=sys.stderr)
    return lines


def read_data(name):
    return read(Path(os.environ["RARELABEL_DATA"]) / "multilabel" / f"{name}.arff.gz")


def means_of(lines):
    """Means of the columns that are numbers, NaN where a line has none."""
    means = {}
    for column in lines[0]:
        try:
            means[column] = np.mean([float(line[column] or "nan") for line in lines])
        except ValueError:
            continue
    return means


def chance(lines, means):
    """Mean W1 of other rows, brought to the numbers of rows of the means."""
    found = []
    for line in lines:
        numbers = ((means["n_subset"], means["n_new"]), (float(line["n_subset"]), float(line["n_new"])))
        if line["variant"] == "bootstrap":
            numbers = ((np.inf, means["n_new"]), (np.inf, float(line["n_new"])))  # S is the whole population
        wanted, had = (np.sqrt(1 / m + 1 / n) for m, n in numbers)
        found.append(float(line["wasserstein"]) * wanted / had)
    return np.mean(found) if found else np.nan


def shown(value, heading):
    if np.isnan(value):
        return "-"
    digits = 0 if heading in ("rows in S", "new rows", "s") else 1 if heading == "MeanIR -%" else 2
    return f"{value:.{digits}f}" if abs(value) < 1e5 else f"{value:.0e}"


def write_table(lines, variants):
    print("# Fidelity of MLDM's rows\n")
    print(
        "`fidelity.py` says what is measured. Means over the seeds; s: CPU seconds of training and drawing, one thread."
    )
    for variant in variants:
        print(f"\n## {variant}\n\n| data | seeds | {' | '.join(SHOWN)} | missed |")
        print("|---" * (len(SHOWN) + 3) + "|")
        for name in DATA:
            mine = [line for line in lines if line["data"] == name and line["variant"] == variant]
            if not mine:
                continue
            means = means_of(mine)
            for other in ("bootstrap", "held-out"):
                means[other] = chance(
                    [line for line in lines if (line["data"], line["variant"]) == (name, other)], means
                )
            values = (shown(means[column], heading) for heading, column in SHOWN.items())
            missed = ", ".join(bound for bound, is_kept in BOUNDS.items() if not is_kept(means))
            print(f"| {name} | {len(mine)} | {' | '.join(values)} | {missed or '-'} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("csv", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--variants", nargs="+", default=["paper", "reference", "bootstrap", "held-out"])
    parser.add_argument("--data", nargs="+", default=DATA)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    jobs = (
        {"data": name, "variant": variant, "seed": seed}
        for seed in range(options.seeds)
        for variant in options.variants
        for name in options.data
    )
    lines = run_missing(options.csv, jobs, lambda data, variant, seed: [measure(read_data(data), variant, seed)])
    write_table(lines, options.variants)


if __name__ == "__main__":
    main()
