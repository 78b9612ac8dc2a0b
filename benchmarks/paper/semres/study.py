"""What the studies of this folder share: one split, one sampler, what its rows are like and what they do.

Of each data set 80 % of the rows are given, stratified by class, the others held out. New rows of the rarest class
are compared with those given of that class; with several classes, of all classes that grow. Downstream: a classifier
learns from the resampled rows and is measured on those held out; the means over four classifiers that differ in kind.
"""

import csv
import sys
import time
import warnings
from functools import cache

import numpy as np
from sklearn.model_selection import train_test_split

from rarelabel.base import BaseSampler
from rarelabel.classifiers import label_scores_and_predictions
from rarelabel.evaluation.measures import HeldOut, measure_held_out
from rarelabel.evaluation.preparation import Preparation
from rarelabel.metrics import fidelity_report
from rarelabel.registry import make_classifier, make_sampler

CLASSIFIERS = ("knn", "tree", "logistic", "forest")

FIDELITY = ("wasserstein", "total_variation", "c2st_auc", "precision", "recall", "exact_duplicates")

DOWNSTREAM = {"f1": "rare_f1", "g_mean": "class_g_mean", "auc": "class_auc", "mcc": "mcc"}
"""Column of the CSV files to measure; F1 is that of the rarest class (of the rarest quarter where there are more)."""


def split(Y, seed):
    """Rows given and rows held out."""
    given, held = train_test_split(np.arange(len(Y)), test_size=0.2, stratify=Y.argmax(axis=1), random_state=seed)
    return np.sort(given), np.sort(held)


def filled(dataset, given, rows=None):
    """The rows given, or others, missing values filled in from the rows given, as comparisons do it."""
    return Preparation.fit(dataset.X[given], dataset.schema).fill(dataset.X[given if rows is None else rows])


def resampled(sampler, X, Y, schema):
    """What a sampler of this package or of imbalanced-learn gives; classes are an indicator."""
    if isinstance(sampler, BaseSampler):
        return sampler.fit_resample(X, Y, schema=schema)
    X_res, y_res = sampler.fit_resample(X, Y.argmax(axis=1))
    return X_res, y_res[:, np.newaxis] == np.arange(Y.shape[1])


def downstream(dataset, given, held, X_train, Y_train, seed, names=CLASSIFIERS):
    """Measures on the rows held out, means over classifiers."""
    schema = dataset.schema
    preparation = Preparation.fit(dataset.X[given], schema)
    X_held, Y_held = preparation.encode(preparation.fill(dataset.X[held])), dataset.Y[held]
    X_train = preparation.encode(preparation.fill(X_train))
    found = []
    for name in names:
        classifier = make_classifier(name, random_state=seed).fit(X_train, Y_train.argmax(axis=1))
        scores, predicted = label_scores_and_predictions(classifier, X_held)
        values, said = np.zeros(Y_held.shape), np.zeros(Y_held.shape, dtype=bool)
        values[:, classifier.classes_], said[:, classifier.classes_] = scores.values, predicted
        told = HeldOut(Y_held, said, values, dataset.Y[given].sum(axis=0), scores.probabilities, exclusive=True)
        measured = measure_held_out(told)[0]
        found.append([measured[measure] for measure in DOWNSTREAM.values()])
    return dict(zip(DOWNSTREAM, np.mean(np.array(found, dtype=float), axis=0).tolist(), strict=True))


def fidelity(dataset, given, X_new, Y_new, seed):
    """How like the rows given of the classes that grew the new rows are."""
    X, Y = filled(dataset, given), dataset.Y[given]
    grown = Y[:, Y_new.any(axis=0)].any(axis=1)
    report = fidelity_report((X[grown], Y[grown]), (X_new, Y_new), schema=dataset.schema, random_state=seed).to_dict()
    return {name: report[name] for name in FIDELITY}


def measure(dataset, sampler, seed):
    """One line: the new rows of the rows given, and what they do; without a sampler, what is there already."""
    given, held = split(dataset.Y, seed)
    X, Y = filled(dataset, given), dataset.Y[given]
    if sampler is None:
        return {"n_new": 0, "steps": 0, "seconds": 0.0, **dict.fromkeys(FIDELITY, np.nan)} | downstream(
            dataset, given, held, X, Y, seed
        )
    start = time.process_time()
    X_res, Y_res = resampled(sampler, X, Y, dataset.schema)
    seconds = time.process_time() - start
    X_new, Y_new = X_res[len(Y) :], Y_res[len(Y) :]
    history = getattr(sampler, "loss_history_", ())
    return {
        "n_new": len(Y_new),
        "steps": int(history[-1][0]) if len(history) else 0,
        "seconds": round(seconds, 2),
        **fidelity(dataset, given, X_new, Y_new, seed),
        **downstream(dataset, given, held, X_res, Y_res, seed),
    }


# --- CSV files that grow, tables of means ---


def read_lines(path):
    return list(csv.DictReader(path.open())) if path.exists() else []


@cache
def warm_up():
    """Train once on next to nothing: the first training of a process takes seconds to import what torch needs."""
    X = np.random.default_rng(0).normal(size=(30, 2))
    make_sampler("TabDDPM", training_steps=1, width=8, random_state=0).fit_resample(X, np.arange(30) % 3 > 0)
    make_sampler("SMOTE").fit_resample(X, np.arange(30) % 3 > 0)


def of_budget(lines, training_steps):
    """Lines of samplers that were trained for as many steps: trials stay out of tables."""
    return [line for line in lines if int(line["training_steps"]) == training_steps]


def run_missing(path, jobs, measure_job):
    """All lines of the CSV file, after those of the jobs that it lacks; a job is a dict that its lines begin with."""
    lines = read_lines(path)
    warnings.simplefilter("ignore")
    for job in jobs:
        if lines and not job.keys() <= lines[0].keys():
            sys.exit(f"{path} has no column {', '.join(job.keys() - lines[0].keys())}: move it away and start anew")
        named = {key: str(value) for key, value in job.items()}
        if any(named.items() <= line.items() for line in lines):
            continue
        warm_up()
        start = time.process_time()
        found = [{**job, **line} for line in measure_job(**job)]
        is_new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, found[0], lineterminator="\n")
            if is_new:
                writer.writeheader()
            writer.writerows(found)
        lines = read_lines(path)
        print(path.stem, *job.values(), f"{time.process_time() - start:.0f} s", file=sys.stderr, flush=True)
    return lines


def mean_and_spread(lines, column):
    """``mean ± standard deviation`` of a column over lines."""
    values = numbers(lines, column)
    values = values[~np.isnan(values)]
    if not len(values):
        return "-"
    digits = {"seconds": 1, "n_new": 0, "n_rarest": 0, "steps": 0, "weights": 0}.get(column, 3)
    spread = f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{values.mean():.{digits}f}{spread}"


def write_table(path, title, lines, by, columns):
    """A Markdown table beside the CSV file: one row for each value of ``by``, cells of means over all else.

    The spread is that of means over the data sets, seed by seed: how much a seed changes the result.
    """
    keys = list(dict.fromkeys(tuple(line[name] for name in by) for line in lines))
    text = [f"# {title}\n", f"| {' | '.join([*by, 'data sets', 'seeds', *columns])} |"]
    text.append("|---" * (len(by) + 2 + len(columns)) + "|")
    for key in keys:
        mine = [line for line in lines if tuple(line[name] for name in by) == key]
        seeds = sorted({line["seed"] for line in mine})
        over = [{c: mean_of([line for line in mine if line["seed"] == seed], c) for c in columns} for seed in seeds]
        cells = [mean_and_spread(over, column) for column in columns]
        text.append(f"| {' | '.join([*key, str(len({line['data'] for line in mine})), str(len(seeds)), *cells])} |")
    path.write_text("\n".join(text) + "\n")


def numbers(lines, column):
    """A column of lines, NaN where it is empty."""
    return np.array([np.nan if line[column] == "" else float(line[column]) for line in lines])


def mean_of(lines, column):
    values = numbers(lines, column)
    return np.nanmean(values) if not np.isnan(values).all() else np.nan
