"""Mean ranks and tests over all data sets of several comparisons.

    cd benchmarks/paper/mldm/useful
    python ../../ranks.py wide/corel5k/summary.csv wide/bibtex/summary.csv summary.csv --of MLDM > all_ranks.md

A score is the mean over the folds of a data set under a classifier. Ranks of the approaches over these blocks, and, as
blocks of one data set are not independent, over the data sets, scores averaged over classifiers. The tests against
doing nothing (Wilcoxon, Holm's correction) are of the latter. The last ranks are of one variant of the method at a time
beside the approaches that are none: two variants in one table take places from each other.
"""

import argparse
import csv
from collections import defaultdict

import numpy as np

from rarelabel.evaluation import mean_ranks, wilcoxon_holm

MEASURES = {
    "rare_f1": "rare-label F1", "rare_ap": "rare-label AP", "macro_f1": "macro F1", "micro_f1": "micro F1",
    "map": "mAP", "macro_auc": "macro AUC", "ranking_loss": "ranking loss",
}  # fmt: skip
LEAST_IS_BEST = ("ranking_loss",)
PARTS = {
    "mean": "Mean over the data sets", "rank": "Mean rank over blocks, 1 is best",
    "data rank": "Mean rank over data sets", "p": "p against doing nothing, over data sets, Holm's correction",
}  # fmt: skip


def read_scores(paths, measures):
    """Measure to block (data set, classifier) to approach to mean; a later file's line replaces an earlier one's."""
    scores = {measure: defaultdict(dict) for measure in measures}
    for path in paths:
        with open(path) as file:
            for line in csv.DictReader(file):
                if line["measure"] in measures:
                    block = line["dataset"], line["classifier"]
                    scores[line["measure"]][block][line["approach"]] = float(line["mean"])
    return scores


def ranks_of(rows, approaches, measure):
    return mean_ranks(-rows if measure in LEAST_IS_BEST else rows, methods=approaches).mean


def compare(blocks, names, approaches, measure):
    """Cells of each part for each approach, and the means over classifiers, shape (data sets, approaches)."""
    rows = np.array([[blocks[block][approach] for approach in approaches] for block in blocks])
    of = np.array([names.index(data) for data, _ in blocks])
    by_data = np.array([rows[of == i].mean(axis=0) for i in range(len(names))])
    tests = wilcoxon_holm(by_data, control="none", methods=approaches).comparisons
    p_values = {name: f"{test.adjusted_p_value:.3f}" for test in tests for name in (test.first, test.second)}
    cells = {
        "mean": [f"{value:.3f}" for value in by_data.mean(axis=0)],
        "rank": [f"{value:.1f}" for value in ranks_of(rows, approaches, measure)],
        "data rank": [f"{value:.1f}" for value in ranks_of(by_data, approaches, measure)],
        "p": ["" if approach == "none" else p_values[approach] for approach in approaches],
    }
    return cells, by_data


def alone(by_data, approaches, variant, others, measure):
    """Rank of a variant among the approaches that are no other variant, and the best of these."""
    methods = [*others, variant]
    ranks = ranks_of(by_data[:, [approaches.index(each) for each in methods]], methods, measure)
    best = int(np.argmin(ranks[:-1]))
    return f"{ranks[-1]:.1f} ({others[best]} {ranks[best]:.1f})"


def print_table(first, measures, rows):
    heads = [MEASURES[measure] for measure in measures]
    print(f"| {first} | {' | '.join(heads)} |\n{'|---' * (len(heads) + 1)}|")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("summaries", nargs="+")
    parser.add_argument("--of", required=True, help="the method whose variants begin with this word")
    parser.add_argument("--measures", nargs="+", choices=MEASURES, default=list(MEASURES)[:5])
    parser.add_argument("--without", nargs="+", default=[], help="approaches to leave out")
    options = parser.parse_args()
    scores = read_scores(options.summaries, options.measures)
    blocks = scores[options.measures[0]]
    names = list(dict.fromkeys(data for data, _ in blocks))
    approaches = [each for each in next(iter(blocks.values())) if each not in options.without]
    variants = [each for each in approaches if each.split()[0] == options.of]
    others = [each for each in approaches if each not in variants]
    found = {measure: compare(scores[measure], names, approaches, measure) for measure in options.measures}
    print(f"# Ranks over {len(names)} data sets, {len(blocks)} blocks\n\nData sets: {', '.join(names)}.")
    for part, title in PARTS.items():
        print(f"\n{title}:\n")
        cells = {each: [found[m][0][part][k] for m in options.measures] for k, each in enumerate(approaches)}
        print_table("approach", options.measures, cells)
    print(
        f"\nMean rank over data sets of a variant of {options.of} among all without; the best of these in brackets:\n"
    )
    cells = {each: [alone(found[m][1], approaches, each, others, m) for m in options.measures] for each in variants}
    print_table("variant", options.measures, cells)


if __name__ == "__main__":
    main()
