"""What the reader must know beside the scores: labels that folds lack, failed and skipped runs, notes, the protocol."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from rarelabel.evaluation.report.cells import Cell, Table
from rarelabel.evaluation.report.gains import ROPE, Grid
from rarelabel.evaluation.results import Failure, Results

__all__ = ["absent_table", "dataset_facts", "failure_table", "note_table", "protocol_words", "spec_text"]


def dataset_facts(results: Results) -> Table:
    """Size and imbalance of each data set."""

    def number(value: float) -> Cell:
        return Cell("–" if value != value else f"{value:,.2f}")

    rows = tuple(
        (
            Cell(info.name),
            Cell(f"{info.n_rows:,}"),
            Cell(f"{info.n_features:,}"),
            Cell(f"{info.n_labels:,}"),
            Cell(f"{min(info.label_counts, default=0):,}"),
            *(
                Cell("–" if value != value else f"{value:,.2f}")
                for value in (info.mean_ir, info.cardinality, info.scumble)
            ),
            Cell("one per row" if info.exclusive else "several per row", left=True),
        )
        for info in results.datasets
    )
    heads = ("data set", "rows", "features", "labels", "rows of the rarest", "MeanIR", "cardinality", "SCUMBLE", "kind")
    return Table("The data sets", heads, rows)


def absent_table(results: Results) -> Table:
    """How many labels have no positive row in the training and held-out part of folds."""
    folds: dict[str, list[tuple[int, int]]] = {}
    for each in results.absent_labels():
        folds.setdefault(each.dataset, []).append((each.train, each.test))
    rows = []
    for dataset, counts in folds.items():
        train, test = np.array(counts).T
        cells = [_span(train), f"{(train > 0).sum()}", _span(test), f"{(test > 0).sum()}"]
        rows.append((Cell(dataset), Cell(f"{len(counts)}"), *map(Cell, cells)))
    heads = ("data set", "folds", "absent from training", "folds concerned", "absent from test", "folds concerned")
    note = (
        "Labels without a positive row. Of one absent from training nothing can be learnt; one absent from test has no "
        "AUC and AP there."
    )
    return Table("Labels that folds lack", heads, tuple(rows), note)


def _span(counts: NDArray[np.int64]) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low}" if low == high else f"{low} to {high}"


def failure_table(results: Results) -> Table:
    """Runs that failed or were skipped, and why; equal reasons together."""
    together: dict[tuple[str, str, str], list[Failure]] = {}
    for each in results.failures():
        together.setdefault((each.approach, each.status, each.error), []).append(each)
    rows = tuple(
        (
            Cell(approach),
            Cell(_listed(each.classifier for each in where), left=True),
            Cell(_listed(each.dataset for each in where), left=True),
            Cell(status, judgement="worse" if status == "failed" else "", left=True),
            Cell(f"{sum(each.n_runs for each in where):,}"),
            Cell(error or "no reason given", left=True),
        )
        for (approach, status, error), where in together.items()
    )
    heads = ("approach", "classifiers", "data sets", "what happened", "runs", "reason")
    return Table("Runs that failed or were skipped", heads, rows)


def note_table(results: Results) -> Table:
    """Warnings raised during the runs, the most frequent first."""
    counts: Counter[str] = Counter()
    for notes, n in Counter(results.runs["notes"].tolist()).items():
        for note in set(filter(None, notes.split("\n"))):
            counts[note] += n
    rows = tuple(
        (Cell(note), Cell(f"{n:,}")) for note, n in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    )
    return Table("Warnings raised during the runs", ("warning", "runs"), rows)


def protocol_words(results: Results, grid: Grid) -> list[str]:
    """How the comparison was made."""
    repeats, folds, seeds = (len(set(column)) for column in grid.divisions.T.tolist())
    held_out = "one part of the rows was held out" if folds == 1 else "each fold was held out in turn"
    again = f", {repeats} times over" if repeats > 1 else ""
    return [
        f"The rows of each data set were divided into {_count(folds, 'fold')}{again}; {held_out}, and models were "
        f"trained on the other rows. Every run was made with {_count(seeds, 'random seed')}.",
        f"Compared were {_count(len(grid.approaches), 'approach', 'approaches')}: {_listed(grid.approaches)}. "
        "Samplers saw the training rows only and left the held-out rows as they are; the resampled rows went to "
        f"every classifier ({_listed(grid.classifiers)}). “weights” are class weights; “thresholds” are one for "
        "each label, chosen by cross-validation inside the training rows.",
        "Approaches are compared on the same folds, seeds and classifiers. A score is the mean over folds and seeds. "
        "An approach that failed on a fold has none for that classifier and data set, since the folds it survived may "
        "be the easy ones.",
        "A gain is the paired difference to doing nothing. On one data set, scores of a fold are averaged over "
        "classifiers and seeds, and the folds compared by the Bayesian correlated t-test with Nadeau and Bengio’s "
        "correction for shared training rows. Over data sets, each counts once, and the Bayesian signed-rank test is "
        f"used. Differences up to {ROPE:g} count as none.",
        "A difference is called clear where its probability is at least 1 − 0.05 / (number of approaches other than "
        "none), because the best of many looks better than it is, and, over data sets, the 95 % interval of the mean "
        "gain excludes 0. ± after a gain is half of its 95 % interval; ± after a score is the standard deviation over "
        "folds.",
    ]


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def spec_text(results: Results) -> str:
    """The specification as JSON, or nothing where there is none."""
    return json.dumps(results.spec, indent=2, ensure_ascii=False, default=str) if results.spec else ""
