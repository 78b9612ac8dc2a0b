"""Mean ranks and tests over all data sets.

    python all_ranks.py wide/corel5k/summary.csv wide/bibtex/summary.csv summary.csv > all_ranks.md

A score is the mean over the folds of a data set under a classifier. Ranks of the approaches over these blocks, and, as
blocks of one data set are not independent, over the data sets, scores averaged over classifiers. The tests against
doing nothing (Wilcoxon, Holm's correction) are of the latter. Ranks of seven, last, are of one variant of MLDM at a
time beside the approaches without MLDM: two variants in one table take places from each other.
"""

import csv
import sys
from collections import defaultdict

import numpy as np

from rarelabel.evaluation import mean_ranks, wilcoxon_holm

MEASURES = {
    "rare_f1": "rare-label F1", "rare_ap": "rare-label AP", "macro_f1": "macro F1", "micro_f1": "micro F1",
    "map": "mAP",
}  # fmt: skip


def read_scores(paths):
    """Measure to block (data set, classifier) to approach to mean; a later file's line replaces an earlier one's."""
    scores = {measure: defaultdict(dict) for measure in MEASURES}
    for path in paths:
        with open(path) as file:
            for line in csv.DictReader(file):
                if line["measure"] in MEASURES:
                    block = line["dataset"], line["classifier"]
                    scores[line["measure"]][block][line["approach"]] = float(line["mean"])
    return scores


def as_rows(blocks, approaches):
    return np.array([[blocks[block][approach] for approach in approaches] for block in blocks])


def main(paths):
    scores = read_scores(paths)
    first = next(iter(scores["rare_f1"].values()))
    approaches, names = list(first), list(dict.fromkeys(data for data, _ in scores["rare_f1"]))
    variants = [each for each in approaches if each.startswith("MLDM")]
    others = [each for each in approaches if each not in variants]
    alone = {variant: [] for variant in variants}
    lines = {approach: {"mean": [], "rank": [], "data rank": [], "p": []} for approach in approaches}
    for blocks in scores.values():
        rows = as_rows(blocks, approaches)
        of = np.array([names.index(data) for data, _ in blocks])
        by_data = np.array([rows[of == i].mean(axis=0) for i in range(len(names))])
        tests = wilcoxon_holm(by_data, control="none", methods=approaches).comparisons
        p_values = {name: test.adjusted_p_value for test in tests for name in (test.first, test.second)}
        for k, approach in enumerate(approaches):
            lines[approach]["mean"].append(f"{by_data[:, k].mean():.3f}")
            lines[approach]["rank"].append(f"{mean_ranks(rows, methods=approaches).mean[k]:.1f}")
            lines[approach]["data rank"].append(f"{mean_ranks(by_data, methods=approaches).mean[k]:.1f}")
            lines[approach]["p"].append("" if approach == "none" else f"{p_values[approach]:.3f}")
        for variant in variants:
            seven = [*others, variant]
            ranks = mean_ranks(by_data[:, [approaches.index(each) for each in seven]], methods=seven).mean
            best = int(np.argmin(ranks[:-1]))
            alone[variant].append(f"{ranks[-1]:.1f} ({others[best]} {ranks[best]:.1f})")
    print(f"# Ranks over {len(names)} data sets, {len(scores['rare_f1'])} blocks\n\nData sets: {', '.join(names)}.")
    for part, title in (
        ("mean", "Mean over the data sets"), ("rank", "Mean rank over blocks, 1 is best"),
        ("data rank", "Mean rank over data sets"), ("p", "p against doing nothing, over data sets, Holm's correction"),
    ):  # fmt: skip
        print(f"\n{title}:\n\n| approach | {' | '.join(MEASURES.values())} |\n{'|---' * (len(MEASURES) + 1)}|")
        for approach in approaches:
            print(f"| {approach} | {' | '.join(lines[approach][part])} |")
    print("\nMean rank over data sets of a variant of MLDM among all without MLDM; the best of these in brackets:\n")
    print(f"| variant | {' | '.join(MEASURES.values())} |\n{'|---' * (len(MEASURES) + 1)}|")
    for variant in variants:
        print(f"| {variant} | {' | '.join(alone[variant])} |")


if __name__ == "__main__":
    main(sys.argv[1:])
