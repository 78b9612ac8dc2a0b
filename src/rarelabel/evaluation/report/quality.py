"""Tables of what the samplers made: how real the new rows are, how private, how calibrated the models, at what cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rarelabel.evaluation.columns import UNKNOWN, codes
from rarelabel.evaluation.report.cells import Cell, Table, number
from rarelabel.evaluation.results import Results

__all__ = ["FIDELITY", "PRIVACY", "Column", "cost_table", "fidelity_means", "resampling_table"]


class Column(NamedTuple):
    """A measure of new rows: its name, what tables call it, and what is good."""

    name: str
    label: str
    good: str


FIDELITY = (
    Column(
        "label_frequency_correlation",
        "label frequencies",
        "Correlation of the labels' frequencies in new and real rows. 1 keeps them; a sampler for rare labels "
        "changes them on purpose, so low is not bad in itself.",
    ),
    Column(
        "cardinality_real",
        "labels per real row",
        "Mean number of labels of a real row: the yardstick of the next.",
    ),
    Column(
        "cardinality_new",
        "labels per new row",
        "Near that of real rows is good; 0 means rows without labels.",
    ),
    Column(
        "minority_share_new",
        "minority share",
        "Share of new rows with a rare label. High is what a sampler for rare labels is for.",
    ),
    Column(
        "wasserstein",
        "Wasserstein",
        "How far numbers have moved, in standard deviations. 0 is best; above 0.3 is far.",
    ),
    Column(
        "total_variation",
        "total variation",
        "How far shares of categories have moved. 0 is best, 1 worst.",
    ),
    Column(
        "c2st_auc",
        "C2ST AUC",
        "How well a classifier tells new rows from real ones. 0.5 is best, 1 means always.",
    ),
    Column(
        "mmd",
        "MMD²",
        "Distance of the two clouds of rows by a kernel. 0 is best; it may fall a little below.",
    ),
    Column(
        "precision",
        "precision",
        "Share of new rows that lie among real ones. 1 is best.",
    ),
    Column(
        "recall",
        "recall",
        "Share of real rows that lie among new ones. Low where new rows fill only rare regions.",
    ),
    Column(
        "density",
        "density",
        "How densely real rows surround the new ones. About 1 is good.",
    ),
    Column(
        "coverage",
        "coverage",
        "Share of real rows with a new one nearby. Low where few rows were made.",
    ),
    Column(
        "cooccurrence_distance",
        "co-occurrence",
        "How far joint occurrence of labels has moved. 0 is best, 1 worst.",
    ),
)
"""How like the real rows the new ones are."""

PRIVACY = (
    Column(
        "dcr_median",
        "distance to closest",
        "Distance of a new row to the closest real row. 0 means copies; at least the next column means no closer "
        "than strangers are.",
    ),
    Column(
        "dcr_holdout_median",
        "of held-out rows",
        "The same for real rows that were held out: the yardstick.",
    ),
    Column(
        "nndr_median",
        "nearest / second",
        "Distance to the nearest real row divided by that to the second. Near 1 is good; near 0 gives one "
        "person's row away.",
    ),
    Column(
        "exact_duplicates",
        "copies",
        "Share of new rows equal to a real one. 0 is private; 1 for samplers that repeat rows.",
    ),
)
"""How close to single real rows the new ones are."""


def fidelity_means(results: Results, *keys: str) -> tuple[list[tuple[str, ...]], dict[str, NDArray[np.float64]]]:
    """Means over resamplings of all their numbers, by the columns named: groups, in table order, and columns."""
    columns = results.resamplings
    groups, of_rows = codes(*(columns[key] for key in keys))
    means = {}
    for name, values in columns.items():
        if name in ("key", "dataset", "approach", "repeat", "fold", "seed"):
            continue
        known = values != UNKNOWN if values.dtype == np.int64 else ~np.isnan(values)
        counts = np.bincount(of_rows[known], minlength=len(groups))
        sums = np.bincount(of_rows[known], weights=values[known], minlength=len(groups))
        means[name] = np.divide(sums, counts, out=np.full(len(groups), np.nan), where=counts > 0)
    return [group if isinstance(group, tuple) else (group,) for group in groups], means


def resampling_table(results: Results, caption: str, columns: Sequence[Column]) -> Table:
    """Means over data sets and folds for each approach that resamples; columns nobody has are left out."""
    groups, means = fidelity_means(results, "approach")
    shown = [column for column in columns if len(groups) and not np.isnan(means[column.name]).all()]
    rows = tuple(
        (
            Cell(name),
            Cell(f"{number(means['n_new'][g], 0)} / {number(means['n_removed'][g], 0)}"),
            *(Cell(number(means[column.name][g])) for column in shown),
        )
        for g, (name,) in enumerate(groups)
    )
    heads = ("approach", "rows made / removed", *(column.label for column in shown))
    return Table(caption, heads, rows, "Means over data sets and folds. –: not defined, for example without new rows.")


def cost_table(results: Results) -> Table:
    """What a run of each approach costs on average."""
    heads = ("approach", "runs", "sampler", "training", "measures", "all, by the clock", "memory")
    rows = tuple(
        (
            Cell(cost.approach),
            Cell(f"{cost.n_runs:,}"),
            *(Cell(_seconds(value)) for value in (cost.cpu_sampler, cost.cpu_classifier, cost.cpu_measures, cost.wall)),
            Cell("–" if cost.peak_mb != cost.peak_mb else f"{cost.peak_mb:,.0f} MB"),
        )
        for cost in results.costs()
    )
    note = (
        "Means over the runs that ended well. Sampler, training (with prediction) and measures are processor time; "
        "rows are resampled once for all classifiers. Memory is what a run added to its process, measured."
    )
    return Table("Time and memory of a run", heads, rows, note)


def _seconds(value: float) -> str:
    if value != value:
        return "–"
    return f"{value * 1000:,.0f} ms" if value < 1 else f"{value:,.1f} s" if value < 600 else f"{value / 60:,.0f} min"
