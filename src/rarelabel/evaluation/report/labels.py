"""What becomes of single labels: values of each label by approach and classifier, and reliability curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rarelabel.evaluation.columns import codes
from rarelabel.evaluation.report.gains import Grid
from rarelabel.evaluation.results import Results, Vectors

__all__ = ["LabelScores", "label_scores", "reliability_curves"]


@dataclass(frozen=True, eq=False)
class LabelScores:
    """Values of each label of a data set, means over folds.

    Parameters
    ----------
    names : tuple of str, shape (q,)
    counts : ndarray of int, shape (q,)
        Positives in the whole data set.
    classifiers, approaches : tuple of str
    values : dict of ndarray, shape (classifiers, approaches, q)
        By name of the vector; NaN where a label has no value, or the approach failed on a fold.
    """

    names: tuple[str, ...]
    counts: NDArray[np.int64]
    classifiers: tuple[str, ...]
    approaches: tuple[str, ...]
    values: dict[str, NDArray[np.float64]] = field(repr=False)

    def over_classifiers(self, vector: str, approaches: Sequence[str]) -> NDArray[np.float64]:
        """Values of some approaches, shape (k, q), over the classifiers that all of them have."""
        at = [self.approaches.index(name) for name in approaches]
        chosen: NDArray[np.float64] = self.values[vector][:, at]
        whole = ~np.any(np.all(np.isnan(chosen), axis=2), axis=1)
        return nan_mean(chosen[whole]) if whole.any() else np.full(chosen.shape[1:], np.nan)


def label_scores(results: Results, grid: Grid, vectors: Sequence[str]) -> dict[str, LabelScores]:
    """Values of each label of every data set that the results describe, if there are any."""
    found: dict[str, LabelScores] = {}
    infos = {info.name: info for info in results.datasets}
    for vector in vectors:
        cells = _cells(results, grid, results.vectors(vector))
        for dataset in grid.datasets:
            rows = [b for b, block in enumerate(grid.blocks) if block.dataset == dataset]
            info = infos.get(dataset)
            q = info.n_labels if info else 0
            values = np.full((len(rows), len(grid.approaches), q), np.nan)
            for c, block in enumerate(rows):
                for a in range(len(grid.approaches)):
                    arrays = cells.get((block, a))
                    if arrays and all(len(array) == q for array in arrays):
                        values[c, a] = nan_mean(np.array(arrays))
            if info is None or np.isnan(values).all():
                continue
            if dataset not in found:
                classifiers = tuple(grid.blocks[b].classifier for b in rows)
                counts = np.array(info.label_counts, dtype=np.int64)
                found[dataset] = LabelScores(info.label_names, counts, classifiers, grid.approaches, {})
            found[dataset].values[vector] = values
    return found


def reliability_curves(
    results: Results, grid: Grid, approaches: Sequence[str]
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Sums over runs of counts, probabilities and positives in each bin, by data set and approach.

    Of each data set the classifiers count that have probabilities for all of the approaches.
    """
    cells = _cells(results, grid, results.vectors("reliability"))
    at = [grid.approaches.index(name) for name in approaches]
    curves: dict[str, dict[str, NDArray[np.float64]]] = {}
    for b, block in enumerate(grid.blocks):
        if all((b, a) in cells for a in at):
            here = curves.setdefault(block.dataset, {})
            for name, a in zip(approaches, at, strict=True):
                here[name] = here.get(name, 0.0) + np.sum(cells[b, a], axis=0)
    return curves


def _cells(results: Results, grid: Grid, vectors: Vectors) -> dict[tuple[int, int], list[NDArray[np.float64]]]:
    """The arrays of each block and approach that have one for every run, none of which failed."""
    cells: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
    blocks, _, approaches = grid.at
    pairs, of_rows = codes(blocks, approaches)
    for key, pair in zip(results.runs["key"].tolist(), of_rows.tolist(), strict=True):
        array = vectors.get(key)
        if array is not None:
            cells.setdefault(pairs[pair], []).append(array)
    n_runs = np.bincount(of_rows, minlength=len(pairs))
    return {pair: cells[pair] for pair, n in zip(pairs, n_runs.tolist(), strict=True) if len(cells.get(pair, ())) == n}


def nan_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the first axis of what is not NaN; NaN where nothing is."""
    there = ~np.isnan(values)
    n = there.sum(axis=0)
    return np.divide(np.where(there, values, 0.0).sum(axis=0), n, out=np.full(n.shape, np.nan), where=n > 0)
