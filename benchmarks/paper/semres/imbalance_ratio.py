"""The ratio of imbalance: the rarer class of some sets thinned; and more than two classes.

    export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python imbalance_ratio.py ratio --data vehicle1 segment0 yeast1 pimaImb --seeds 3 --picture semres_ratio.svg
    python imbalance_ratio.py classes --seeds 3

writes ``imbalance_STUDY.csv``, going on where it ended before, and ``imbalance_STUDY.md``; the picture has F1 against
the ratio, a mean over the seeds. Ratio: of the rows given,
those of the rarer class are thinned at random until there are IR times as many of the other; rows held out stay as
they are, so that scores can be compared along IR. Classes: ``wine`` and ``digits`` of scikit-learn, ``blobs`` of its
``make_classification`` (5 classes, 12 columns, 6 % of them exchanged); class k of the given rows is thinned to a
share of 1 / (1 + k) of those it has, so that the last is the rarest. ``study.py`` says what is measured.
"""

import argparse
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
from data import from_arrays, load
from matplotlib.figure import Figure
from sklearn.datasets import load_digits, load_wine, make_classification
from study import downstream, fidelity, filled, of_budget, resampled, run_missing, split, write_table

from rarelabel.registry import make_sampler

APPROACHES = ("none", "SMOTE", "TabDDPM", "SEMResDDPM")
COLOURS = {"none": "#222222", "SMOTE": "#cc79a7", "TabDDPM": "#0072b2", "SEMResDDPM": "#d55e00"}
RATIOS = (2, 5, 10, 20, 40)
COLUMNS = ("n_rarest", "n_new", "f1", "g_mean", "auc", "mcc", "wasserstein", "c2st_auc", "recall", "seconds")


def thinned(Y, given, wanted, rng):
    """The rows given, of each class at most as many as wanted."""
    kept = []
    for label, n in enumerate(wanted):
        mine = given[Y[given][:, label]]
        kept.append(rng.permutation(mine)[: max(2, int(n))])
    return np.sort(np.concatenate(kept))


def evaluate(dataset, given, held, approach, seed, training_steps):
    X, Y, start = filled(dataset, given), dataset.Y[given], time.process_time()
    X_res, Y_res = X, Y
    if approach != "none":
        parameters = {"training_steps": training_steps} if training_steps and approach.endswith("DDPM") else {}
        if approach == "SMOTE":
            parameters["k_neighbors"] = min(5, int(Y.sum(axis=0).min()) - 1)
        X_res, Y_res = resampled(make_sampler(approach, random_state=seed, **parameters), X, Y, dataset.schema)
    seconds = round(time.process_time() - start, 2)
    X_new, Y_new = X_res[len(Y) :], Y_res[len(Y) :]
    names = ("wasserstein", "c2st_auc", "recall")
    like = fidelity(dataset, given, X_new, Y_new, seed) if len(Y_new) else dict.fromkeys(names, np.nan)
    after = downstream(dataset, given, held, X_res, Y_res, seed)
    sizes = {"n_rarest": int(Y.sum(axis=0).min()), "n_new": len(Y_new), "seconds": seconds}
    return {**sizes, **{name: like[name] for name in names}, **after}


def ratio(data, approach, seed, training_steps):
    """The rarer class thinned to each ratio that is above that of the set; nothing where fewer than 5 rows are left."""
    dataset = load(data)
    given, held = split(dataset.Y, seed)
    counts = dataset.Y[given].sum(axis=0)
    for each in (0, *RATIOS):
        wanted = np.where(counts == counts.min(), counts.max() / each, counts) if each else counts
        if wanted.min() > counts.min() or wanted.min() < 5:
            continue
        kept = thinned(dataset.Y, given, wanted, np.random.default_rng(seed))
        name = str(each) if each else "as it is"
        yield {"ir": name, **evaluate(dataset, kept, held, approach, seed, training_steps)}


def classes(data, approach, seed, training_steps):
    dataset = many_classes(data)
    given, held = split(dataset.Y, seed)
    counts = dataset.Y[given].sum(axis=0)
    kept = thinned(dataset.Y, given, counts / (1 + np.arange(len(counts))), np.random.default_rng(seed))
    yield {"classes": len(counts), **evaluate(dataset, kept, held, approach, seed, training_steps)}


def many_classes(name):
    if name == "blobs":
        X, y = make_classification(
            1500, 12, n_informative=6, n_redundant=3, n_classes=5, n_clusters_per_class=2, flip_y=0.06, random_state=0
        )
    else:
        X, y = {"wine": load_wine, "digits": load_digits}[name](return_X_y=True)
    return from_arrays(name, X, y)


STUDIES = {
    "ratio": (ratio, ("vehicle1", "segment0", "yeast1", "pimaImb"), ("data", "ir", "approach")),
    "classes": (classes, ("wine", "digits", "blobs"), ("data", "approach")),
}


def picture(lines):
    """F1 of the rarer class against the imbalance ratio, a panel for each data set."""
    names = list(dict.fromkeys(line["data"] for line in lines))
    figure = Figure(figsize=(8, 2.6), layout="constrained")
    for ax, name in zip(figure.subplots(1, len(names), sharey=True, squeeze=False)[0], names, strict=True):
        mine = [line for line in lines if line["data"] == name]
        others = max(int(line["n_rarest"]) + int(line["n_new"]) for line in mine)
        for approach, colour in COLOURS.items():
            scores = {}
            for line in mine:
                if line["approach"] == approach:
                    scores.setdefault(others / int(line["n_rarest"]), []).append(float(line["f1"]))
            ratios = sorted(scores)
            means = [np.mean(scores[each]) for each in ratios]
            ax.plot(ratios, means, color=colour, marker="o", markersize=3, linewidth=1.4, label=approach)
        ax.set(xscale="log", xticks=RATIOS, xticklabels=RATIOS, ylim=(0, 1.02))
        ax.minorticks_off()
        ax.tick_params(labelsize="x-small")
        ax.set_title(name, fontsize="small")
    figure.supxlabel("rows of the other class for each of the rarer", fontsize="small")
    figure.supylabel("F1 of the rarer class", fontsize="small")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, fontsize="small")
    return figure


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--data", nargs="+")
    parser.add_argument("--approaches", nargs="+", default=APPROACHES)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--training-steps", type=int, default=0, help="0: as the samplers have it")
    parser.add_argument("--picture", type=Path, help="SVG file, of the study of ratios")
    options = parser.parse_args()
    job, data, by = STUDIES[options.study]
    jobs = (
        {"data": name, "approach": approach, "seed": seed, "training_steps": options.training_steps}
        for seed in range(options.seeds)
        for name in options.data or data
        for approach in options.approaches
    )
    lines = of_budget(run_missing(Path(f"imbalance_{options.study}.csv"), jobs, job), options.training_steps)
    known = [name for name in APPROACHES if any(line["approach"] == name for line in lines)]
    ratios = ["as it is", *map(str, RATIOS)]
    lines.sort(key=lambda x: (x["data"], ratios.index(x.get("ir", "as it is")), known.index(x["approach"])))
    titles = {"ratio": "The rarer class thinned", "classes": "More than two classes"}
    write_table(Path(f"imbalance_{options.study}.md"), titles[options.study], lines, by, COLUMNS)
    if options.picture:
        mpl.rcParams["svg.hashsalt"] = "rarelabel"  # the same bytes from the same rows
        mpl.rcParams["svg.fonttype"] = "none"
        picture(lines).savefig(options.picture, metadata={"Date": None})


if __name__ == "__main__":
    main()
