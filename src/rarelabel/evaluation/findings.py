"""What results answer with: blocks, scores, paired scores, failures, absent labels, costs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["AbsentLabels", "Block", "Cost", "Failure", "PairedScores", "Scores"]


class Block(NamedTuple):
    """Where approaches are ranked against each other: one classifier on one data set."""

    dataset: str
    classifier: str


@dataclass(frozen=True, eq=False)
class Scores:
    """How well each approach did on each block: what :meth:`Results.scores` returns.

    Parameters
    ----------
    measure : str
    blocks : tuple of Block, shape (n,)
    approaches : tuple of str, shape (k,)
    values, deviations : ndarray of float, shape (n, k)
        Mean and standard deviation (of n - 1) over repeats, folds and seeds; NaN where there is no score.
    counts : ndarray of int, shape (n, k)
        Of how many runs.
    """

    measure: str
    blocks: tuple[Block, ...]
    approaches: tuple[str, ...]
    values: NDArray[np.float64]
    deviations: NDArray[np.float64] = field(repr=False)
    counts: NDArray[np.int64] = field(repr=False)


@dataclass(frozen=True, eq=False)
class PairedScores:
    """Scores of an approach and of its reference on the same folds of one block, in table order.

    Parameters
    ----------
    block : Block
    scores, reference : ndarray of float, shape (m,)
    divisions : ndarray of int, shape (m, 3)
        Repeat, fold and seed of each pair.
    """

    block: Block
    scores: NDArray[np.float64]
    reference: NDArray[np.float64]
    divisions: NDArray[np.int64] = field(repr=False)

    @property
    def differences(self) -> NDArray[np.float64]:
        """By how much the approach scores higher, shape (m,)."""
        return self.scores - self.reference

    @property
    def n_repeats(self) -> int:
        """How often the rows were divided into folds or another seed taken, as the correlated t-test asks."""
        return len({(repeat, seed) for repeat, _, seed in self.divisions.tolist()})


class Failure(NamedTuple):
    """Runs that failed or were skipped for one reason."""

    dataset: str
    approach: str
    classifier: str
    status: str
    error: str
    n_runs: int


class AbsentLabels(NamedTuple):
    """How many labels have no positive in the training rows and in the held-out rows of a fold."""

    dataset: str
    repeat: int
    fold: int
    train: int
    test: int


class Cost(NamedTuple):
    """What a run of an approach costs on average on the machine that ran it; NaN where it was not measured."""

    approach: str
    n_runs: int
    cpu_sampler: float
    cpu_classifier: float
    cpu_measures: float
    wall: float
    peak_mb: float
