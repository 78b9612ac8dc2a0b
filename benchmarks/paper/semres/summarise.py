"""Averages, mean ranks and tests of a comparison that run.py made, as Markdown.

    python summarise.py keel.sqlite > keel.md
    python summarise.py mixed.sqlite --without-paper > mixed.md

A block is a classifier on a data set. Averages are over the blocks on which every approach shown has a score; class
weights are not to be had with four of the nine classifiers and stand beside doing nothing with the other five. Ranks,
Friedman's test and Wilcoxon's signed-rank tests with Holm's correction are over data sets (means over classifiers),
which do not hang together as blocks do; mean ranks over blocks stand beside them. They need two data sets on which
every approach has a score; of one there are averages alone.

Approaches whose name begins with that of ``--control`` are variants of it ("SEMResDDPM judged"). As two variants in
one table take places from each other, each is ranked and tested alone among all other approaches.
"""

import argparse
from pathlib import Path

import numpy as np

from rarelabel.evaluation import MEASURES, Results, friedman, mean_ranks, score_table, wilcoxon_holm

SHOWN = ("rare_f1", "class_g_mean", "class_auc", "balanced_accuracy", "mcc")
PAPER = {"rare_f1": 0.7059, "class_g_mean": 0.8173, "class_auc": 0.8979}
"""What the paper reports of SEMRes-DDPM, as averages over its 20 data sets and 9 classifiers, unnamed."""

HEADINGS = {"rare_f1": "F1 of the rarer class", "class_g_mean": "G-mean", "class_auc": "AUC"}
NOT_EVERYWHERE = "weights"


def cube(results, measure, approaches):
    """Scores by data set, classifier and approach; NaN where there is none."""
    scores = results.scores(measure)
    datasets, classifiers = (list(dict.fromkeys(names)) for names in zip(*scores.blocks, strict=True))
    found = np.full((len(datasets), len(classifiers), len(approaches)), np.nan)
    columns = [scores.approaches.index(name) for name in approaches]
    for (dataset, classifier), values in zip(scores.blocks, scores.values, strict=True):
        found[datasets.index(dataset), classifiers.index(classifier)] = values[columns]
    return datasets, classifiers, found


def heading(measure):
    return HEADINGS.get(measure, MEASURES[measure].label)


def row(name, values, digits=3):
    return f"| {name} | {' | '.join('-' if np.isnan(v) else f'{v:.{digits}f}' for v in values)} |"


def table(first, headings, rows):
    return "\n".join([f"| {first} | {' | '.join(headings)} |", "|---" + "|---:" * len(headings) + "|", *rows, ""])


def averages(results, approaches, with_paper):
    headings = [heading(measure) for measure in SHOWN]
    means = []
    for measure in SHOWN:
        values = cube(results, measure, approaches)[2].reshape(-1, len(approaches))
        means.append(values[~np.isnan(values).any(axis=1)].mean(axis=0))
    rows = [row(name, values, 4) for name, values in zip(approaches, np.transpose(means), strict=True)]
    if with_paper:
        rows.append(row("SEMRes-DDPM in the paper", [PAPER.get(measure, np.nan) for measure in SHOWN], 4))
    return "## Averages over data sets and classifiers\n\n" + table("approach", headings, rows)


def averages_with_weights(results):
    if NOT_EVERYWHERE not in results.approaches:
        return ""
    means, headings = [], [heading(measure) for measure in SHOWN]
    for measure in SHOWN:
        values = cube(results, measure, ("none", NOT_EVERYWHERE))[2].reshape(-1, 2)
        means.append(values[~np.isnan(values).any(axis=1)].mean(axis=0))
    rows = [row(name, values, 4) for name, values in zip(("none", NOT_EVERYWHERE), np.transpose(means), strict=True)]
    return "Where class weights are to be had:\n\n" + table("approach", headings, rows)


def ranks(results, approaches, control):
    whole = min(int((~np.isnan(cube(results, each, approaches)[2])).any(axis=1).all(axis=1).sum()) for each in SHOWN)
    if whole < 2:
        return f"Ranks and tests need two data sets on which every approach has a score; there is {whole or 'none'}.\n"
    by_set, by_block, tests = [], [], []
    for measure in SHOWN:
        datasets, _, values = cube(results, measure, approaches)
        blocks = values.reshape(-1, len(approaches))
        by_block.append(mean_ranks(blocks[~np.isnan(blocks).any(axis=1)], methods=approaches).mean)
        scores = score_table(np.nanmean(values, axis=1), methods=approaches, datasets=datasets, missing="drop")
        by_set.append(mean_ranks(scores).mean)
        tests.append((measure, friedman(scores), wilcoxon_holm(scores, control=control)))
    headings = [heading(measure) for measure in SHOWN]
    text = [
        f"## Mean ranks of {control} among others, 1 is best\n",
        "Over data sets, scores being means over classifiers:\n",
    ]
    text.append(
        table("approach", headings, [row(n, v, 2) for n, v in zip(approaches, np.transpose(by_set), strict=True)])
    )
    text.append("Over blocks:\n")
    rows = [row(n, v, 2) for n, v in zip(approaches, np.transpose(by_block), strict=True)]
    text.append(table("approach", headings, rows))
    text.append(f"## {control} against the others, over data sets\n")
    text.append("Wins, ties and losses, median difference (positive: better), p of Wilcoxon's test after Holm.\n")
    for measure, friedmans, wilcoxons in tests:
        text.append(f"### {heading(measure)} (Friedman: p = {friedmans.p_value:.2g})\n")
        text.append("| against | won | tied | lost | median difference | p |\n|---|---:|---:|---:|---:|---:|")
        text.extend(map(against(control), wilcoxons.comparisons))
        text.append("")
    return "\n".join(text)


def against(control):
    """How a line tells of a comparison, from the side of the control."""

    def tell(found):
        if found.first == control:
            other, won, lost, difference = found.second, found.wins, found.losses, found.median_difference
        else:
            other, won, lost, difference = found.first, found.losses, found.wins, -found.median_difference
        return f"| {other} | {won} | {found.ties} | {lost} | {difference:+.3f} | {found.adjusted_p_value:.2g} |"

    return tell


def every_set(results, approaches):
    text = ["## Every data set, means over classifiers\n"]
    for measure in PAPER:
        datasets, _, values = cube(results, measure, approaches)
        rows = [row(name, each) for name, each in zip(datasets, np.nanmean(values, axis=1), strict=True)]
        text += [f"### {heading(measure)}\n", table("data", approaches, rows)]
    return "\n".join(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("store", type=Path)
    parser.add_argument("--control", default="SEMResDDPM")
    parser.add_argument("--without-paper", action="store_true")
    options = parser.parse_args()
    results = Results.read(options.store)
    approaches = tuple(name for name in results.approaches if name != NOT_EVERYWHERE)
    if options.control not in approaches:
        parser.error(f"--control {options.control} is none of the approaches in the store: {', '.join(approaches)}")
    datasets, classifiers, _ = cube(results, SHOWN[0], approaches)
    seeds = len(set(results.runs["seed"].tolist()))
    folds = len(set(results.runs["fold"].tolist()))
    failed = sum(each.n_runs for each in results.failures() if each.status == "failed")
    print(f"# {options.store.stem}\n")
    print(f"{len(datasets)} data sets, {len(classifiers)} classifiers, {folds} folds, {seeds} seed(s): ", end="")
    print(f"{len(results):,} of {results.n_planned:,} runs, {failed} failed.\n")
    print(averages(results, approaches, not options.without_paper))
    print(averages_with_weights(results))
    variants = [name for name in approaches if name.startswith(options.control)]
    for variant in variants:
        print(ranks(results, [name for name in approaches if name == variant or name not in variants], variant))
    print(every_set(results, approaches))
    for each in results.failures():
        if each.status == "failed":
            print(f"- failed {each.n_runs} x: {each.dataset}, {each.approach}, {each.classifier}: {each.error[:200]}")


if __name__ == "__main__":
    main()
