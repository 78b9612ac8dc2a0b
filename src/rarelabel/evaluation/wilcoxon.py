"""Which of two methods is better over several data sets? The signed-rank test, corrected for many pairs.

References
----------
F. Wilcoxon (1945), "Individual comparisons by ranking methods".
J. W. Pratt (1959), "Remarks on zeros and ties in the Wilcoxon signed rank procedures".
S. Holm (1979), "A simple sequentially rejective multiple test procedure".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rarelabel.evaluation.scores import Missing, ScoreTable, score_table
from rarelabel.evaluation.statistics import check_alpha, groups_of, ranks_of, rounded, shown_p

__all__ = ["Comparison", "WilcoxonResult", "wilcoxon_holm"]

_EXACT_UP_TO = 200


class Comparison(NamedTuple):
    """Two methods on the same data sets.

    Attributes
    ----------
    first, second : str
    wins, ties, losses : int
        Data sets on which ``first`` is better, as good, worse.
    median_difference : float
        Of the scores, ``first`` minus ``second``.
    statistic : float
        The smaller of the rank sums of wins and of losses.
    p_value, adjusted_p_value : float
        Two-sided, before and after Holm's correction.
    exact : bool
        Whether the p-value is exact rather than by the normal approximation.
    """

    first: str
    second: str
    wins: int
    ties: int
    losses: int
    median_difference: float
    statistic: float
    p_value: float
    adjusted_p_value: float
    exact: bool


@dataclass(frozen=True, eq=False)
class WilcoxonResult:
    """What :func:`wilcoxon_holm` returns.

    Parameters
    ----------
    methods : tuple of str, shape (k,)
    mean_ranks : ndarray of float, shape (k,)
    n_datasets : int
    comparisons : tuple of Comparison
        In the order of the columns.
    control : str or None
        The method all others were compared with; None where all pairs were.
    alpha : float
    """

    methods: tuple[str, ...]
    mean_ranks: NDArray[np.float64]
    n_datasets: int
    comparisons: tuple[Comparison, ...] = field(repr=False)
    control: str | None
    alpha: float

    @property
    def p_values(self) -> NDArray[np.float64]:
        """Adjusted p-values, shape (k, k): 1 on the diagonal, NaN for pairs that were not compared."""
        k = len(self.methods)
        table = np.full((k, k), np.nan)
        np.fill_diagonal(table, 1.0)
        for each in self.comparisons:
            i, j = self.methods.index(each.first), self.methods.index(each.second)
            table[i, j] = table[j, i] = each.adjusted_p_value
        return table

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The largest groups, without gaps in the order of mean ranks, of which no two methods differ.

        Raises
        ------
        ValueError
            If the methods were compared with a control only.
        """
        if self.control is not None:
            raise ValueError(f"groups need all pairs; these methods were compared with {self.control!r} only")
        return groups_of(self.methods, self.mean_ranks, self.p_values <= self.alpha)

    def __str__(self) -> str:
        """One line for each comparison, the clearest first."""
        against = "all pairs" if self.control is None else f"against {self.control}"
        lines = [f"Wilcoxon signed-rank test with Holm's correction, {against}, {self.n_datasets} data sets"]
        pairs = [f"{each.first} - {each.second}" for each in self.comparisons]
        width = max(4, *map(len, pairs))
        lines.append(f"  {'pair':<{width}}  win/tie/loss  median diff.          p   p (Holm)")
        for at in sorted(range(len(pairs)), key=lambda at: self.comparisons[at].p_value):
            each = self.comparisons[at]
            counts = f"{each.wins}/{each.ties}/{each.losses}"
            lines.append(
                f"  {pairs[at]:<{width}}  {counts:>12}  {each.median_difference:>+12.4g}  {shown_p(each.p_value):>9}  "
                f"{shown_p(each.adjusted_p_value):>9}{' *' if each.adjusted_p_value <= self.alpha else ''}"
            )
        return "\n".join([*lines, f"  * differs at alpha = {self.alpha:g}"])


def wilcoxon_holm(
    scores: Any,
    *,
    control: str | None = None,
    alpha: float = 0.05,
    zero_method: Literal["wilcox", "pratt"] = "wilcox",
    higher_is_better: bool = True,
    methods: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    missing: Missing = "raise",
) -> WilcoxonResult:
    """Wilcoxon's signed-rank test of pairs of methods, corrected by Holm's step-down procedure.

    Unlike with mean ranks, a comparison does not depend on which other methods are in the table (Benavoli et al. 2016,
    "Should we really use post-hoc tests based on mean-ranks?", JMLR 17). P-values are two-sided. Up to 200 data sets
    they are exact, also with ties; beyond, they come from the normal approximation, corrected for ties.

    Parameters
    ----------
    scores : array-like, DataFrame or ScoreTable, shape (n, k)
        One row for each data set, one column for each method; see :func:`score_table`.
    control : str, default=None
        Compare every other method with this one: k - 1 tests, so less correction. None compares all pairs.
    alpha : float in (0, 1), default=0.05
        Chance of calling any two equal methods different.
    zero_method : {"wilcox", "pratt"}, default="wilcox"
        Data sets on which two methods score the same (to 12 digits): ``"wilcox"`` leaves them out, ``"pratt"`` ranks
        them with the others and then leaves out their ranks. Splitting their ranks evenly, as Demšar recommends, has
        the same exact p-value as ``"pratt"``.
    higher_is_better : bool, default=True
        False for losses.
    methods, datasets : sequence of str, default=None
        Names, where ``scores`` has none.
    missing : {"raise", "drop"}, default="raise"
        What to do where a score is missing.

    Returns
    -------
    WilcoxonResult
        With all pairs, draw it with :func:`plot_critical_difference`.

    Raises
    ------
    ValueError, TypeError
        As :func:`score_table` does, and if ``control`` is no method, or ``alpha`` or ``zero_method`` is not as said.

    Examples
    --------
    >>> scores = [[0.5, 0.6, 0.7], [0.7, 0.9, 0.8], [0.2, 0.3, 0.4], [0.6, 0.7, 0.8], [0.1, 0.2, 0.2], [0.4, 0.6, 0.5]]
    >>> print(wilcoxon_holm(scores, methods=["none", "MLSMOTE", "MLROS"], control="none"))
    Wilcoxon signed-rank test with Holm's correction, against none, 6 data sets
      pair            win/tie/loss  median diff.          p   p (Holm)
      MLSMOTE - none         6/0/0          +0.1     0.0312     0.0625
      MLROS - none           6/0/0         +0.15     0.0312     0.0625
      * differs at alpha = 0.05
    """
    check_alpha(alpha)
    if zero_method not in ("wilcox", "pratt"):
        raise ValueError(f"zero_method must be 'wilcox' or 'pratt', got {zero_method!r}")
    table = score_table(scores, methods=methods, datasets=datasets, missing=missing)
    pairs = list(combinations(range(len(table.methods)), 2))
    if control is not None:
        if control not in table.methods:
            raise ValueError(f"control {control!r} is not among the methods: {', '.join(map(repr, table.methods))}")
        at = table.methods.index(control)
        pairs = [(j, at) for j in range(len(table.methods)) if j != at]
    tests = [_compare(table, i, j, zero_method, higher_is_better) for i, j in pairs]
    adjusted = _holm(np.array([each.p_value for each in tests]))
    comparisons = tuple(each._replace(adjusted_p_value=p) for each, p in zip(tests, adjusted.tolist(), strict=True))
    ranks = ranks_of(table, higher_is_better).mean
    return WilcoxonResult(table.methods, ranks, len(table.datasets), comparisons, control, alpha)


def _compare(table: ScoreTable, i: int, j: int, zero_method: str, higher_is_better: bool) -> Comparison:
    first, second = table.values[:, i], table.values[:, j]
    difference = rounded(first - second, np.maximum(np.abs(first), np.abs(second)))
    gain = difference if higher_is_better else -difference
    statistic, p_value, exact = _signed_rank_test(gain, zero_method)
    wins, losses = int((gain > 0).sum()), int((gain < 0).sum())
    return Comparison(
        first=table.methods[i],
        second=table.methods[j],
        wins=wins,
        ties=len(gain) - wins - losses,
        losses=losses,
        median_difference=float(np.median(difference)),
        statistic=statistic,
        p_value=p_value,
        adjusted_p_value=p_value,
        exact=exact,
    )


def _signed_rank_test(difference: NDArray[np.float64], zero_method: str) -> tuple[float, float, bool]:
    """Wilcoxon's statistic, its two-sided p-value, and whether that is exact."""
    if zero_method == "wilcox":
        difference = difference[difference != 0]
    ranks = stats.rankdata(np.abs(difference))
    signed = ranks[difference != 0]
    statistic = float(min(ranks[difference > 0].sum(), ranks[difference < 0].sum()))
    if len(signed) <= _EXACT_UP_TO:
        return statistic, _exact_p_value(statistic, signed), True
    # Given the ranks, signs are fair coins: this variance holds with ties and zeros as it stands.
    z = (statistic - signed.sum() / 2) / (np.sqrt((signed**2).sum()) / 2)
    return statistic, min(1.0, float(2 * stats.norm.cdf(z))), False


def _exact_p_value(statistic: float, ranks: NDArray[np.float64]) -> float:
    """Chance that the smaller rank sum is at most ``statistic`` where each rank is a win or a loss by a fair coin."""
    doubled = np.round(2 * ranks).astype(int)  # ranks of ties are halves
    chance = np.zeros(doubled.sum() + 1)  # of each doubled rank sum of the wins
    chance[0] = 1.0
    for rank in doubled:
        moved = np.zeros_like(chance)
        moved[rank:] = chance[: len(chance) - rank]
        chance = (chance + moved) / 2
    return min(1.0, 2 * float(chance[: round(2 * statistic) + 1].sum()))


def _holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's adjusted p-values: the smallest times m, the next times m - 1, ..., never falling."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p_values[order] * factors))
    return adjusted
