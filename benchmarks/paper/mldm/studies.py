"""What the MLDM paper leaves open: threshold of rarity, number of rows, steps, extreme imbalance.

    cd benchmarks/paper/mldm; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python studies.py threshold --data emotions yeast --seeds 1

writes ``threshold.csv``, going on where it ended before, and ``threshold.md``. Rows are given and held out as in
``fidelity.py``, which says what the measures are.
"""

import argparse
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from fidelity import compare_rows, means_of, read_data, run_missing, shown, split

from rarelabel import MLDM
from rarelabel.datasets import Dataset
from rarelabel.imbalance import ir_per_label, mean_ir, minority_labels

MEASURES = {
    "rows in S": "n_subset", "new rows": "n_new", "label corr.": "label_frequency_correlation",
    "cardinality S": "cardinality_real", "new": "cardinality_new", "W1/sigma": "wasserstein", "C2ST": "c2st_auc",
    "distance ratio": "distance_ratio", "MeanIR -%": "mean_ir_reduction", "SCUMBLE before": "scumble_before",
    "after": "scumble_after", "s": "seconds",
}  # fmt: skip
"""Heading to column of the CSV files."""


def labels_above(Y, threshold):
    return np.flatnonzero(minority_labels(Y, threshold=threshold * mean_ir(Y)))


def bootstrap(X, Y, labels, n, seed):
    """n rows of S, drawn with replacement."""
    rows = np.random.default_rng(seed).choice(np.flatnonzero(Y[:, labels].any(axis=1)), n)
    return X[rows], Y[rows]


def threshold(data, seed):
    """A quarter of n new rows where a minority label has IRLbl > 0.5, 1 and 1.5 MeanIR."""
    dataset = read_data(data)
    given, held = split(dataset, seed)
    X, Y, n = dataset.X[given], dataset.Y[given], len(given)
    for times in (0.5, 1.0, 1.5):
        labels = labels_above(Y, times)
        if not len(labels):
            yield {"threshold": times, "n_minority": 0}
            continue
        sampler, start = MLDM(threshold=times, random_state=seed), time.process_time()
        X_res, Y_res = sampler.fit_resample(X, Y, schema=dataset.schema)
        seconds = round(time.process_time() - start, 1)
        found = compare_rows(dataset, given, held, labels, X_res[n:], Y_res[n:], seed)
        yield {"threshold": times, "n_minority": len(labels), **found, "path": sampler.path_, "seconds": seconds}


def budget(data, seed):
    """10, 25, 50 and 100 % of n new rows of one trained model, beside as many rows of S drawn with replacement."""
    dataset = read_data(data)
    given, held = split(dataset, seed)
    X, Y = dataset.X[given], dataset.Y[given]
    labels = labels_above(Y, 1.0)
    model = MLDM(random_state=seed).fit(X, Y, schema=dataset.schema)
    for share in (0.1, 0.25, 0.5, 1.0):
        n, start = round(share * len(Y)), time.process_time()
        drawn = model.sample(n)
        seconds = round(time.process_time() - start, 1)
        for rows, (X_new, Y_new) in {"MLDM": drawn, "bootstrap": bootstrap(X, Y, labels, n, seed)}.items():
            found = compare_rows(dataset, given, held, labels, X_new, Y_new, seed)
            yield {"rows": rows, "share": share, **found, "seconds": seconds if rows == "MLDM" else 0.0}


def drawing_steps(data, seed):
    """A quarter of n new rows of one trained model (T = 1000), drawn in few and in many steps."""
    dataset = read_data(data)
    given, held = split(dataset, seed)
    X, Y = dataset.X[given], dataset.Y[given]
    sampler, labels = MLDM(random_state=seed).fit(X, Y, schema=dataset.schema), labels_above(Y, 1.0)
    for steps in (10, 20, 25, 50, 100, 1000):
        model = sampler.trained_.model
        sampler.trained_ = replace(
            sampler.trained_, model=replace(model, recipe=replace(model.recipe, sampling_steps=steps))
        )
        start = time.process_time()
        X_new, Y_new = sampler.sample(round(0.25 * len(Y)))
        seconds = round(time.process_time() - start, 1)
        found = compare_rows(dataset, given, held, labels, X_new, Y_new, seed)
        yield {"sampling_steps": steps, **found, "seconds": seconds}


def training_steps(data, seed):
    """A quarter of n new rows of models with T from 10 to 1000, drawn in at most 25 steps."""
    dataset = read_data(data)
    given, held = split(dataset, seed)
    X, Y, n = dataset.X[given], dataset.Y[given], len(given)
    for T in (10, 20, 50, 100, 1000):
        sampler, start = MLDM(n_timesteps=T, random_state=seed), time.process_time()
        X_res, Y_res = sampler.fit_resample(X, Y, schema=dataset.schema)
        seconds = round(time.process_time() - start, 1)
        found = compare_rows(dataset, given, held, labels_above(Y, 1.0), X_res[n:], Y_res[n:], seed)
        yield {"T": T, **found, "steps": int(sampler.loss_history_[-1, 0]), "seconds": seconds}


def extreme(data, seed):
    """The most frequent label and those on at most two rows: MeanIR far above 500 where the former is on 1,000.

    Trained for 100 steps only: asked is what happens, not how well.
    """
    whole = read_data(data)
    counts = whole.Y.sum(axis=0)
    kept = np.flatnonzero((counts == counts.max()) | ((counts > 0) & (counts <= 2)))
    schema = replace(whole.schema, labels=tuple(whole.schema.labels[label] for label in kept))
    dataset = Dataset(whole.X, whole.Y[:, kept], schema, f"{data}, top and rarest labels")
    Y, n = dataset.Y, len(dataset.Y)
    everything = np.arange(n)
    sampler, start = MLDM(training_steps=100, random_state=seed), time.process_time()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        X_res, Y_res = sampler.fit_resample(dataset.X, Y, schema=schema)
    seconds = round(time.process_time() - start, 1)
    labels = labels_above(Y, 1.0)
    found = compare_rows(dataset, everything, everything[:0], labels, X_res[n:], Y_res[n:], seed)
    per_label = Y_res[n:, labels].sum(axis=0)
    yield {
        "n": n, "n_labels": len(kept), "max_ir": ir_per_label(Y).max(), "n_minority": len(labels),
        "single_positive": (Y.sum(axis=0)[labels] == 1).mean(), **found, "path": sampler.path_,
        "least_new_rows": per_label.min(), "most_new_rows": per_label.max(),
        "warnings": " / ".join(str(warning.message) for warning in told), "seconds": seconds,
    }  # fmt: skip


STUDIES = {
    "threshold": (threshold, {"threshold": "threshold", "minority labels": "n_minority"}),
    "budget": (budget, {"rows": "rows", "share of n": "share"}),
    "drawing_steps": (drawing_steps, {"drawing steps": "sampling_steps"}),
    "training_steps": (training_steps, {"T": "T", "training steps": "steps"}),
    "extreme": (
        extreme,
        {
            "rows": "n", "labels": "n_labels", "MeanIR before": "mean_ir_before", "MeanIR after": "mean_ir_after",
            "minority labels": "n_minority", "of them on one row": "single_positive",
            "fewest new rows of one": "least_new_rows", "most": "most_new_rows", "path": "path", "warnings": "warnings",
        },
    ),
}  # fmt: skip
"""The study, and what varies in it: heading to column."""


def write_table(path, lines, study, varied):
    """One line for each value of what varies: means over the seeds."""
    keys = [
        "data",
        *(column for column in varied.values() if column in ("threshold", "rows", "share", "T", "sampling_steps")),
    ]
    groups = {}
    for line in lines:
        groups.setdefault(tuple(line[key] for key in keys), []).append(line)
    headings = ["data", "seeds", *varied, *MEASURES]
    with path.open("w") as file:
        print(f"# {path.stem.replace('_', ' ').capitalize()}\n\n`studies.py`: {study.__doc__}\n", file=file)
        print("Means over the seeds; s: CPU seconds, one thread.\n", file=file)
        print(f"| {' | '.join(headings)} |\n{'|---' * len(headings)}|", file=file)
        for key, mine in groups.items():
            means = means_of(mine)
            fixed = (plain(means.get(column, mine[0][column])) for column in varied.values())
            values = (shown(means.get(column, np.nan), heading) for heading, column in MEASURES.items())
            print(f"| {key[0]} | {len(mine)} | {' | '.join([*fixed, *values])} |", file=file)


def plain(value):
    return value if isinstance(value, str) else "-" if np.isnan(value) else f"{value:.6g}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--data", nargs="+", required=True)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    if options.study != "extreme":
        warnings.simplefilter("ignore")
    study, varied = STUDIES[options.study]
    jobs = ({"data": name, "seed": seed} for seed in range(options.seeds) for name in options.data)
    lines = run_missing(Path(f"{options.study}.csv"), jobs, study)
    write_table(Path(f"{options.study}.md"), lines, study, varied)


if __name__ == "__main__":
    main()
