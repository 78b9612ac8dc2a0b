"""BalanceMix on tables, beside cross-entropy, Mixup and the asymmetric loss, with labels made wrong on purpose.

Of each data set 70 % of the rows are trained on, with noise in their labels, the others held out, stratified and as
they are. All methods train the same network (one hidden layer) in the same loop, with the same views of rows. mAP is
the mean over labels of the average precision after the last epoch; ``rare`` is that of the third of the labels with
fewest training positives. ``clean`` and ``re-labelled`` are shares of the last epoch; ``precision``, ``recall`` and
``accuracy`` those of Tables 14 and 15 of the paper, of the training labels as the trained network sees them, for
methods that manage labels. The learning rate is the paper's, 0.01, where a method has none. A method may have options:
``balancemix:temperature=0.1``, ``balancemix:learning_rate=0.05``, ``balancemix:epsilon=0.8``.

    cd benchmarks/paper/balancemix; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python features.py features.csv --seeds 3 > features.md
    python features.py sampler.csv --seeds 3 --noise clean "mislabel 40" --methods $(python features.py --samplers)

Lines that the CSV file already has are not computed again.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from rarelabel.augmentation import BalanceMixClassifier
from rarelabel.datasets import flip_labels, keep_one_positive, mislabel
from rarelabel.metrics import average_precision_per_label
from rarelabel.model_selection import train_test_split

sys.path.append(str(Path(__file__).parents[1] / "mldm"))
from fidelity import means_of, read_data, read_value, run_missing

DATA = ("yeast", "bibtex", "tmc2007_500", "corel5k")
METHODS = ("bce", "mixup", "asl", "balancemix")
SAMPLERS = (
    "mixup:learning_rate=0.05",
    *(f"minority:temperature={temperature},learning_rate=0.05" for temperature in (0.1, 0.3, 1.0)),
    *(f"minority:positives_only=True,temperature={t},learning_rate=0.05" for t in (0.1, 0.3, 1.0)),
)
NOISE = {
    "clean": None,
    "mislabel 20": lambda Y, seed: mislabel(Y, 0.2, random_state=seed),
    "mislabel 40": lambda Y, seed: mislabel(Y, 0.4, random_state=seed),
    "flip 20": lambda Y, seed: flip_labels(Y, 0.2, random_state=seed),
    "flip 40": lambda Y, seed: flip_labels(Y, 0.4, random_state=seed),
    "single positive": lambda Y, seed: keep_one_positive(Y, random_state=seed),
}
SHOWN = {
    "mAP": "map", "rare": "map_rare", "spread": "spread", "clean": "clean", "re-labelled": "relabelled",
    "precision": "clean_precision", "recall": "clean_recall", "accuracy": "relabelling_accuracy", "s": "seconds",
}  # fmt: skip
"""Heading to column of the CSV file."""


def split_method(method):
    """Name and options of ``name:option=value,option=value``."""
    name, _, options = method.partition(":")
    return name, {key: read_value(value) for key, value in (pair.split("=") for pair in options.split(",") if pair)}


def measure(data, noise, method, seed, **settings):
    """One line of the CSV file."""
    dataset = read_data(data)
    X, X_held, truth, Y_held = train_test_split(dataset.X, dataset.Y, test_size=0.3, random_state=seed)
    given = truth if NOISE[noise] is None else NOISE[noise](truth, seed).Y
    name, options = split_method(method)
    common = {"epsilon": 0.55 if noise == "single positive" else 0.975, "learning_rate": 0.01}
    classifier = BalanceMixClassifier(method=name, n_threads=1, random_state=seed, **common | settings | options)
    start = time.process_time()
    classifier.fit(X, given)
    seconds = time.process_time() - start
    precision = average_precision_per_label(Y_held, classifier.predict_proba(X_held))
    positives = truth.sum(axis=0)
    record = classifier.history_[-1]
    scores = None if record.clean is None else classifier.managed_labels(X, given).score(truth)
    return {
        "map": np.nanmean(precision),
        "map_rare": np.nanmean(precision[positives <= np.quantile(positives, 1 / 3)]),
        "loss": record.loss,
        "spread": record.spread,
        "clean": record.clean,
        "relabelled": record.relabelled,
        "clean_precision": scores and scores.clean_precision,
        "clean_recall": scores and scores.clean_recall,
        "relabelling_accuracy": scores and scores.relabelling_accuracy,
        "n": len(truth),
        "epochs": len(classifier.history_),
        "stopped": classifier.stopped_,
        "seconds": round(seconds, 1),
    }


def write_table(lines, options):
    print("# BalanceMix on tables\n")
    print("`features.py` says what is measured. Means over the seeds; s: CPU seconds, one thread.")
    for noise in options.noise:
        print(f"\n## {noise}\n\n| data | method | seeds | {' | '.join(SHOWN)} |\n|{'---|' * (len(SHOWN) + 3)}")
        for data in options.data:
            for method in options.methods:
                named = {"data": data, "noise": noise, "method": method}
                mine = [line for line in lines if named.items() <= line.items()]
                if mine:
                    means = means_of(mine)
                    values = (shown(means.get(column, np.nan), heading) for heading, column in SHOWN.items())
                    print(f"| {data} | {method} | {len(mine)} | {' | '.join(values)} |")


def shown(value, heading):
    if np.isnan(value):
        return "-"
    return f"{value:.0f}" if heading == "s" else f"{value:.2f}" if heading == "spread" else f"{value:.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--data", nargs="+", default=DATA)
    parser.add_argument("--noise", nargs="+", default=list(NOISE))
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--show", action="store_true", help="run nothing, print what the CSV file has")
    parser.add_argument("--samplers", action="store_true", help="print the methods that tell samplers apart")
    options = parser.parse_args()
    if options.samplers:
        print(*SAMPLERS)
        return
    warnings.simplefilter("ignore")
    jobs = (
        {"data": data, "noise": noise, "method": method, "seed": seed}
        for seed in range(options.seeds)
        for data in options.data
        for noise in options.noise
        for method in options.methods
    )
    settings = {"epochs": options.epochs, "warmup": max(1, options.epochs // 5)}
    jobs = () if options.show else jobs
    lines = run_missing(options.csv, jobs, lambda **job: [measure(**job, **settings)])
    write_table(lines, options)


if __name__ == "__main__":
    main()
