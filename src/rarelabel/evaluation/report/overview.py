"""Tables of how well the approaches did: over all, by rank, and on each data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rarelabel.evaluation.report.cells import Cell, Table, number, of_gain, p_value, probability, score
from rarelabel.evaluation.report.gains import REFERENCE, ROPE, Gain, Grid, gain_of_block, gains, higher_is_better
from rarelabel.evaluation.report.labels import LabelScores
from rarelabel.evaluation.report.ranking import Common, Ranking, common_blocks
from rarelabel.evaluation.report.summary import JUDGEMENTS, Summary
from rarelabel.evaluation.report.verdict import Judged, Verdict, label_of

__all__ = [
    "dataset_table",
    "gain_table",
    "label_table",
    "left_out",
    "overview_table",
    "rank_table",
    "verdict_table",
]


def verdict_table(judged: Judged) -> Table:
    """What the verdict is on each data set."""
    label = label_of(judged.verdict.measure)
    rows = []
    for dataset, verdict in judged.on.items():
        row = [Cell(dataset), *_best_cells(verdict), Cell(verdict.headline, left=True)]
        rows.append(tuple(row))
    columns = ("data set", "none", "best sampler", "gain", "best cheap remedy", "gain", "in words")
    return Table(f"Verdict on each data set, by {label}", columns, tuple(rows), "± is half of the 95 % interval.")


def _best_cells(verdict: Verdict) -> list[Cell]:
    some = verdict.sampler or verdict.remedy
    cells = [score(some.reference_score) if some else Cell("–")]
    for gain in (verdict.sampler, verdict.remedy):
        name = Cell(gain.approach if gain else "–", left=True)
        cells += [name, of_gain(gain.mean, gain.reach, gain.judgement) if gain else Cell("–")]
    return cells


def overview_table(grid: Grid, measures: Sequence[str], caption: str = "Means of the main measures") -> Table:
    """Means of the main measures over the blocks on which every approach has a score, the best in bold where clear."""
    others = [name for name in grid.approaches if name != REFERENCE]
    columns: dict[str, dict[str, Cell]] = {}
    n_blocks = []
    for measure in measures:
        common = common_blocks(grid.scores(measure))
        columns[measure] = _mean_cells(grid, common, len(others))
        n_blocks.append(len(common.blocks))
    rows = tuple(
        (Cell(name), *(columns[measure].get(name, Cell("–")) for measure in measures)) for name in grid.approaches
    )
    n = f"{n_blocks[0]}" if len(set(n_blocks)) == 1 else f"{min(n_blocks)} to {max(n_blocks)}"
    heads = tuple(f"{label_of(name)}\xa0{'↑' if higher_is_better(name) else '↓'}" for name in measures)
    note = (
        f"Means over {n} of {len(grid.blocks)} blocks (a classifier on a data set): those on which every approach in "
        "the column has a score. ± is the standard deviation over folds, pooled over blocks. ↑ higher is better, ↓ "
        f"lower is. Bold: the best, where it is clearly better than {REFERENCE}."
    )
    return Table(caption, ("approach", *heads), rows, note)


def _mean_cells(grid: Grid, common: Common, n_tried: int) -> dict[str, Cell]:
    if not common.blocks:
        return {}
    means = common.values.mean(axis=0)
    spreads = np.sqrt((common.deviations**2).mean(axis=0))
    best = int(means.argmax() if higher_is_better(common.measure) else means.argmin())
    clear = False
    if common.approaches[best] != REFERENCE and REFERENCE in grid.approaches:
        _, overall = gains(grid, common.measure, [common.approaches[best]], n_tried=n_tried)
        clear = any(gain.judgement == "better" for gain in overall.values())
    return {
        name: score(mean, spread, strong=clear and j == best)
        for j, (name, mean, spread) in enumerate(zip(common.approaches, means.tolist(), spreads.tolist(), strict=True))
    }


def gain_table(summary: Summary, judged: Judged) -> Table:
    """What each approach gains over doing nothing, and how probable it is that this matters."""
    n = len(summary.datasets)
    found = sorted(judged.gains.values(), key=lambda gain: -gain.mean)
    rows = tuple(_gain_row(gain, n) for gain in found)
    method = (
        "Bayesian signed-rank test over data sets, each of which counts once"
        if n > 1
        else "correlated t-test over folds"
    )
    return Table(
        f"Gain over {REFERENCE} in {label_of(judged.verdict.measure)}",
        ("approach", "gain", f"P(gain > {ROPE:g})", "P(no difference)", f"P(loss > {ROPE:g})", "data sets", "in words"),
        rows,
        f"Probabilities by the {method}. ± is half of the 95 % interval of the mean gain. Clear is a difference whose "
        f"probability is at least 1 − 0.05 / {max(len(found), 1)}, because {len(found)} approaches were tried"
        + (", and whose interval excludes 0." if n > 1 else "."),
    )


def _gain_row(gain: Gain, n_datasets: int) -> tuple[Cell, ...]:
    chances = (probability(gain.better), probability(gain.equal), probability(gain.worse))
    return (
        Cell(gain.approach),
        of_gain(gain.mean, gain.reach, gain.judgement),
        *map(Cell, chances),
        Cell(f"{gain.n_datasets} of {n_datasets}"),
        Cell(JUDGEMENTS[gain.judgement], judgement=gain.judgement, left=True),
    )


def rank_table(found: Ranking) -> Table:
    """Mean ranks, and the signed-rank tests against doing nothing."""
    if found.friedman is None:
        return Table("", (), ())
    tests = {each.first: each for each in found.against_none.comparisons} if found.against_none else {}
    ranks = found.friedman.mean_ranks
    rows = []
    for j in np.argsort(ranks, kind="stable").tolist():
        name = found.friedman.methods[j]
        test = tests.get(name)
        against = (
            (
                f"{test.wins} / {test.ties} / {test.losses}",
                number(test.median_difference),
                p_value(test.p_value),
                p_value(test.adjusted_p_value),
            )
            if test
            else ("–",) * 4
        )
        strong = test is not None and test.adjusted_p_value <= 0.05 and test.wins > test.losses
        rows.append((Cell(name), Cell(number(ranks[j], 2), strong=strong), *map(Cell, against)))
    return Table(
        f"Mean ranks by {label_of(found.common.measure)}, and Wilcoxon’s signed-rank test against {REFERENCE}",
        ("approach", "mean rank", "better / tied / worse", "median difference", "p", "p (Holm)"),
        tuple(rows),
        f"Bold: better than {REFERENCE} at p (Holm) ≤ 0.05.",
    )


def left_out(common: Common, n_blocks: int) -> list[str]:
    """Which approaches and blocks the ranks leave out."""
    said = []
    if common.dropped_approaches:
        names = ", ".join(common.dropped_approaches)
        said.append(f"Left out, for want of scores on half of the blocks or more: {names}.")
    if common.dropped_blocks:
        by_dataset: dict[str, list[str]] = {}
        for block in common.dropped_blocks:
            by_dataset.setdefault(block.dataset, []).append(block.classifier)
        where = "; ".join(f"{dataset}: {', '.join(names)}" for dataset, names in by_dataset.items())
        said.append(
            f"{len(common.dropped_blocks)} of {n_blocks} blocks are left out, because some approach was skipped or "
            f"failed there ({where})."
        )
    return said


def dataset_table(grid: Grid, dataset: str, measure: str) -> Table:
    """Every approach with every classifier on one data set."""
    scores = grid.scores(measure)
    cube = grid.cube(measure)
    rows = [b for b, block in enumerate(scores.blocks) if block.dataset == dataset]
    columns = []
    for b in rows:
        values = scores.values[b]
        known = not np.isnan(values).all()
        best = int(np.nanargmax(values if higher_is_better(measure) else -values)) if known else -1
        clear = False
        if known and grid.approaches[best] != REFERENCE and REFERENCE in grid.approaches:
            gain = gain_of_block(grid, cube, b, grid.approaches[best], measure)
            clear = gain is not None and gain.judgement == "better"
        columns.append(
            [
                score(mean, spread, strong=clear and a == best)
                for a, (mean, spread) in enumerate(zip(values.tolist(), scores.deviations[b].tolist(), strict=True))
            ]
        )
    body = tuple((Cell(name), *(column[a] for column in columns)) for a, name in enumerate(grid.approaches))
    heads = ("approach", *(scores.blocks[b].classifier for b in rows))
    label, way = label_of(measure), "higher" if higher_is_better(measure) else "lower"
    note = (
        f"Mean ± standard deviation over folds; {way} is better. Bold: the best of the column, where it is clearly "
        f"better than {REFERENCE} with that classifier. –: failed on some fold, skipped, or undefined."
    )
    return Table(f"{label[:1].upper()}{label[1:]} by classifier", heads, body, note)


def label_table(labels: LabelScores, order: Sequence[int], approaches: Sequence[str]) -> Table:
    """F1 and average precision of every label, in the order given."""
    shown = [(name, kind) for name, kind in (("f1", "F1"), ("average_precision", "AP")) if name in labels.values]
    values = {name: labels.over_classifiers(name, approaches) for name, _ in shown}
    rows = tuple(
        (
            Cell(labels.names[j]),
            Cell(f"{labels.counts[j]:,}"),
            *(Cell(number(values[name][a, j])) for name, _ in shown for a in range(len(approaches))),
        )
        for j in order
    )
    heads = tuple(f"{kind}, {approach}" for _, kind in shown for approach in approaches)
    return Table("Every label, the rarest first", ("label", "rows", *heads), rows)
