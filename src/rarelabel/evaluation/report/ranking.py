"""Approaches ranked on every block, a classifier on a data set, and the tests of their mean ranks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rarelabel.evaluation.report.gains import REFERENCE, higher_is_better
from rarelabel.evaluation.results import Block, Scores
from rarelabel.evaluation.scores import ScoreTable
from rarelabel.evaluation.statistics import FriedmanResult, NemenyiResult, friedman, nemenyi
from rarelabel.evaluation.wilcoxon import WilcoxonResult, wilcoxon_holm

__all__ = ["Common", "Ranking", "common_blocks", "ranking"]


@dataclass(frozen=True, eq=False)
class Common:
    """Scores without gaps: blocks on which all of the approaches kept have one.

    Parameters
    ----------
    measure : str
    blocks, approaches : tuple
    values, deviations : ndarray of float, shape (n, k)
    dropped_blocks : tuple of Block
        On which one of the approaches kept has no score.
    dropped_approaches : tuple of str
        Without a score on half of the blocks or more: they would take too many blocks with them.
    """

    measure: str
    blocks: tuple[Block, ...]
    approaches: tuple[str, ...]
    values: NDArray[np.float64] = field(repr=False)
    deviations: NDArray[np.float64] = field(repr=False)
    dropped_blocks: tuple[Block, ...]
    dropped_approaches: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Mean ranks and their tests; None, and ``reason`` says why, where there is nothing to rank.

    Parameters
    ----------
    common : Common
    friedman : FriedmanResult or None
    nemenyi : NemenyiResult or None
    against_none : WilcoxonResult or None
        None too where doing nothing is not among the approaches.
    reason : str
    """

    common: Common
    friedman: FriedmanResult | None
    nemenyi: NemenyiResult | None
    against_none: WilcoxonResult | None
    reason: str = ""


def common_blocks(scores: Scores) -> Common:
    """Leave out approaches with too many gaps, then the blocks on which one of the others has a gap."""
    there = ~np.isnan(scores.values)
    some = there.any(axis=1)  # a block without any score, as of a measure for other data, is nobody's gap
    kept = 2 * there[some].sum(axis=0) > some.sum()
    rows = some & there[:, kept].all(axis=1) & kept.any()
    return Common(
        scores.measure,
        tuple(block for block, row in zip(scores.blocks, rows, strict=True) if row),
        tuple(name for name, column in zip(scores.approaches, kept, strict=True) if column),
        scores.values[np.ix_(rows, kept)],
        scores.deviations[np.ix_(rows, kept)],
        tuple(block for block, lost in zip(scores.blocks, some & ~rows, strict=True) if lost),
        tuple(name for name, column in zip(scores.approaches, kept, strict=True) if not column),
    )


def ranking(scores: Scores) -> Ranking:
    """Rank the approaches on every block.

    Parameters
    ----------
    scores : Scores
        Of :meth:`Results.scores`.

    Examples
    --------
    >>> from rarelabel.evaluation.results import Results
    >>> run = dict(dataset="birds", classifier="mlknn", repeat=0, fold=0, seed=0, status="ok")
    >>> results = Results.from_records(
    ...     [run | dict(approach="none", rare_f1=0.2), run | dict(approach="MLROS", rare_f1=0.3)]
    ... )
    >>> ranking(results.scores("rare_f1")).reason
    'Approaches are ranked over blocks (a classifier on a data set), and a test of ranks needs two or more; here is 1.'
    """
    common = common_blocks(scores)
    n, k = len(common.blocks), len(common.approaches)
    if n < 2 or k < 2:
        what = (
            "Approaches are ranked over blocks (a classifier on a data set), and a test of ranks needs two or more; "
            f"here {'is' if n == 1 else 'are'} {n}."
            if n < 2
            else f"A ranking needs two approaches or more with scores on the same blocks; here is {k}."
        )
        return Ranking(common, None, None, None, what)
    names = tuple(f"{i}" for i in range(n))
    table = ScoreTable(common.values, names, common.approaches)
    higher = higher_is_better(scores.measure)
    against = REFERENCE in common.approaches
    return Ranking(
        common,
        friedman(table, higher_is_better=higher),
        nemenyi(table, higher_is_better=higher),
        wilcoxon_holm(table, control=REFERENCE, higher_is_better=higher) if against else None,
    )
