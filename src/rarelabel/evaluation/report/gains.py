"""Does an approach gain over another, and is that more than chance? Paired differences on one data set or more.

One data set: scores of a fold are averaged over classifiers and seeds, and the folds compared by the correlated t-test
with Nadeau and Bengio's correction. Several: each data set counts once, whatever the number of its folds, classifiers
and seeds, and the Bayesian signed-rank test compares the data sets. A difference is then clear only if the 95 %
interval of the mean gain excludes 0 as well: two or three data sets that happen to agree are not enough.

References
----------
C. Nadeau and Y. Bengio (2003), "Inference for the generalization error", Machine Learning 52.
A. Benavoli, G. Corani, J. Demšar and M. Zaffalon (2017), "Time for a change: a tutorial for comparing multiple
classifiers through Bayesian analysis", JMLR 18.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rarelabel.evaluation.bayesian import bayesian_signed_rank, correlated_t_test
from rarelabel.evaluation.columns import codes
from rarelabel.evaluation.measures import MEASURES
from rarelabel.evaluation.results import Block, Results, Scores

__all__ = [
    "ERROR",
    "REFERENCE",
    "ROPE",
    "Gain",
    "Grid",
    "Judgement",
    "best_of",
    "gain_of_block",
    "gains",
    "higher_is_better",
]

REFERENCE = "none"
"""The approach that all others are held against."""

ROPE = 0.01
"""Differences up to this count as none."""

ERROR = 0.05
"""Chance allowed of calling any of the approaches tried different where it is not."""

Judgement = Literal["better", "worse", "equal", "unclear", "untested"]
"""Clearly better or worse, clearly as good, no clear difference, or too few folds or data sets to say."""


@dataclass(frozen=True)
class Gain:
    """By how much an approach does better than a reference.

    Parameters
    ----------
    approach, reference : str
    score, reference_score : float
        Means over the same classifiers and folds; over data sets, each once.
    mean, reach : float
        The mean difference, positive where the approach is better, and half of the 95 % interval around it: over folds
        with the corrected variance, over data sets with the plain one. NaN where there is but one.
    better, equal, worse : float
        Posterior probabilities that the gain is above :data:`ROPE`, within, below.
    judgement : Judgement
    n_datasets : int
    classifiers : tuple of str
        Over which classifiers of the data set the mean is taken; over data sets, ().
    """

    approach: str
    reference: str
    score: float
    reference_score: float
    mean: float
    reach: float
    better: float
    equal: float
    worse: float
    judgement: Judgement
    n_datasets: int = 1
    classifiers: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the runs of a comparison stand: by block, division (repeat, fold, seed) and approach."""

    results: Results = field(repr=False)
    blocks: tuple[Block, ...]
    divisions: NDArray[np.int64]
    approaches: tuple[str, ...]
    at: tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]] = field(repr=False)
    _cubes: dict[str, NDArray[np.float64]] = field(default_factory=dict, repr=False)
    _scores: dict[str, Scores] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, results: Results) -> Grid:
        """The grid of all runs."""
        runs = results.runs
        blocks, b = codes(runs["dataset"], runs["classifier"])
        divisions, d = codes(runs["repeat"], runs["fold"], runs["seed"])
        approaches, a = codes(runs["approach"])
        return cls(
            results,
            tuple(Block(*block) for block in blocks),
            np.array(divisions, dtype=np.int64).reshape(-1, 3),
            tuple(approaches),
            (b, d, a),
        )

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the data sets, in table order."""
        return tuple(dict.fromkeys(block.dataset for block in self.blocks))

    @property
    def classifiers(self) -> tuple[str, ...]:
        """Names of the classifiers, in table order."""
        return tuple(dict.fromkeys(block.classifier for block in self.blocks))

    def cube(self, measure: str) -> NDArray[np.float64]:
        """Values of a measure by block, division and approach; NaN where there is none."""
        if measure not in self._cubes:
            cube = np.full((len(self.blocks), len(self.divisions), len(self.approaches)), np.nan)
            cube[self.at] = np.where(self.results.runs["status"] == "ok", self.results.runs[measure], np.nan)
            self._cubes[measure] = cube
        return self._cubes[measure]

    def scores(self, measure: str) -> Scores:
        """What :meth:`Results.scores` returns, worked out once."""
        if measure not in self._scores:
            self._scores[measure] = self.results.scores(measure)
        return self._scores[measure]


def gains(
    grid: Grid,
    measure: str,
    approaches: Sequence[str],
    reference: str = REFERENCE,
    *,
    n_tried: int | None = None,
    datasets: Sequence[str] | None = None,
) -> tuple[dict[str, dict[str, Gain]], dict[str, Gain]]:
    """What approaches gain over a reference.

    Parameters
    ----------
    grid : Grid
    measure : str
    approaches : sequence of str
    reference : str, default="none"
    n_tried : int, default=None
        How many approaches the reader chooses among; None: as many as are given. A difference is clear where its
        probability is at least ``1 - ERROR / n_tried``, so that the best of many must be clearer than a single one.
    datasets : sequence of str, default=None
        None: all.

    Returns
    -------
    per_dataset : dict of dict of Gain
        By data set and approach. A classifier counts where both approaches have a score on every fold on which any
        has; an approach without such a classifier is left out.
    overall : dict of Gain
        By approach, over the data sets of ``per_dataset`` that have it. With one, that one's gain.
    """
    n_tried = n_tried or len(approaches)
    cube = grid.cube(measure)
    higher = higher_is_better(measure)
    per_dataset: dict[str, dict[str, Gain]] = {}
    for dataset in grid.datasets if datasets is None else datasets:
        rows = [b for b, block in enumerate(grid.blocks) if block.dataset == dataset]
        found = {name: _on_dataset(grid, cube, rows, name, reference, higher, n_tried) for name in approaches}
        per_dataset[dataset] = {name: gain for name, gain in found.items() if gain is not None}
    overall = {}
    for name in approaches:
        each = [found[name] for found in per_dataset.values() if name in found]
        if each:
            overall[name] = each[0] if len(each) == 1 else _over_datasets(each, higher, n_tried)
    return per_dataset, overall


def gain_of_block(grid: Grid, cube: NDArray[np.float64], block: int, approach: str, measure: str) -> Gain | None:
    """What an approach gains over :data:`REFERENCE` with one classifier on one data set."""
    n_tried = len(grid.approaches) - 1
    return _on_dataset(grid, cube, [block], approach, REFERENCE, higher_is_better(measure), n_tried)


def best_of(overall: dict[str, Gain], candidates: Sequence[str], n_datasets: int) -> Gain | None:
    """The largest mean gain among the clear ones, else among all; of equals the first.

    Only candidates that have a gain on more than half of the data sets are looked at.
    """
    there = [overall[name] for name in candidates if name in overall and 2 * overall[name].n_datasets > n_datasets]
    clear = [gain for gain in there if gain.judgement == "better"]
    return max(clear or there, key=lambda gain: gain.mean, default=None)


def higher_is_better(measure: str) -> bool:
    """Whether more of a measure is better; of one that is not ours, yes."""
    return measure not in MEASURES or MEASURES[measure].higher_is_better


def _on_dataset(
    grid: Grid, cube: NDArray[np.float64], rows: list[int], approach: str, reference: str, higher: bool, n_tried: int
) -> Gain | None:
    i, j = grid.approaches.index(approach), grid.approaches.index(reference)
    part: NDArray[np.float64] = cube[rows]
    there = ~np.isnan(part)
    wanted = np.any(there, axis=2)
    complete = wanted.any(axis=1) & (there[:, :, i] & there[:, :, j] == wanted).all(axis=1)
    if not complete.any():
        return None
    shared = wanted[complete].all(axis=0)
    pair = part[complete][:, shared][:, :, [i, j]].mean(axis=0)
    if not len(pair):
        return None
    folds, of_rows = codes(*grid.divisions[shared, :2].T)
    seeds = np.bincount(of_rows)  # runs that differ in the seed alone share their held-out rows: no further evidence
    scores = np.column_stack([np.bincount(of_rows, weights=pair[:, k]) / seeds for k in (0, 1)])
    first, second, n_repeats = _whole_repeats(scores, [repeat for repeat, _ in folds])
    classifiers = tuple(grid.blocks[b].classifier for b, whole in zip(rows, complete, strict=True) if whole)
    gain = replace(_untested(approach, reference, first, second, higher), classifiers=classifiers)
    if len(first) // n_repeats < 2:
        return gain
    posterior = correlated_t_test(first, second, rope=ROPE, n_repeats=n_repeats, higher_is_better=higher)
    reach = float(posterior.interval()[1]) - posterior.mean
    return _judged(replace(gain, reach=reach), posterior.left, posterior.rope, posterior.right, n_tried)


def _whole_repeats(
    scores: NDArray[np.float64], repeats: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Scores of the repeats that have most folds, and how many these are: the test asks for equal numbers."""
    distinct, counts = np.unique(repeats, return_counts=True)
    kept = distinct[counts == counts.max()]
    rows = np.isin(repeats, kept)
    return scores[rows, 0], scores[rows, 1], len(kept)


def _over_datasets(each: list[Gain], higher: bool, n_tried: int) -> Gain:
    first, second = np.array([gain.score for gain in each]), np.array([gain.reference_score for gain in each])
    gain = replace(_untested(each[0].approach, each[0].reference, first, second, higher), n_datasets=len(each))
    posterior = bayesian_signed_rank(first, second, rope=ROPE, higher_is_better=higher, random_state=0)
    n = len(each)
    reach = float(stats.t.ppf(0.975, n - 1) * (first - second).std(ddof=1) / np.sqrt(n))
    gain = _judged(replace(gain, reach=reach), posterior.left, posterior.rope, posterior.right, n_tried)
    if gain.judgement in ("better", "worse") and abs(gain.mean) <= reach:
        return replace(gain, judgement="unclear")  # two or three data sets that happen to agree are not enough
    return gain


def _untested(
    approach: str,
    reference: str,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    higher: bool,
) -> Gain:
    score, reference_score = float(first.mean()), float(second.mean())
    difference = float((first - second).mean())
    nan = float("nan")
    gain = difference if higher else -difference
    return Gain(approach, reference, score, reference_score, gain, nan, nan, nan, nan, "untested")


def _judged(gain: Gain, better: float, equal: float, worse: float, n_tried: int) -> Gain:
    sure = 1 - ERROR / n_tried
    judgement: Judgement = "unclear"
    if better >= sure:
        judgement = "better"
    elif worse >= sure:
        judgement = "worse"
    elif equal >= 1 - ERROR:
        judgement = "equal"
    return replace(gain, better=better, equal=equal, worse=worse, judgement=judgement)
