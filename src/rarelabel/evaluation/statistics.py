"""Are the differences between methods over several data sets more than chance? Tests by mean ranks (Demšar 2006).

References
----------
J. Demšar (2006), "Statistical comparisons of classifiers over multiple data sets", JMLR 7.
R. L. Iman and J. M. Davenport (1980), "Approximations of the critical region of the Friedman statistic".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rarelabel.evaluation.scores import Missing, ScoreTable, score_table

__all__ = [
    "FriedmanResult",
    "MeanRanks",
    "NemenyiResult",
    "friedman",
    "mean_ranks",
    "nemenyi",
]

_DIGITS = 12


@dataclass(frozen=True, eq=False)
class MeanRanks:
    """What :func:`mean_ranks` returns. Rank 1 is best.

    Parameters
    ----------
    methods : tuple of str, shape (k,)
    datasets : tuple of str, shape (n,)
    mean : ndarray of float, shape (k,)
    per_dataset : ndarray of float, shape (n, k)
    """

    methods: tuple[str, ...]
    datasets: tuple[str, ...]
    mean: NDArray[np.float64]
    per_dataset: NDArray[np.float64] = field(repr=False)

    def __str__(self) -> str:
        """The methods with their mean ranks, best first."""
        return f"Mean ranks over {len(self.datasets)} data sets (1 is best)\n" + _ranking(self.methods, self.mean)


@dataclass(frozen=True, eq=False)
class FriedmanResult:
    """What :func:`friedman` returns.

    Parameters
    ----------
    methods : tuple of str, shape (k,)
    mean_ranks : ndarray of float, shape (k,)
    n_datasets : int
    chi2, p_value : float
        Friedman's statistic, and its p-value from the chi-square distribution with k - 1 degrees of freedom.
    f, f_p_value : float
        Iman and Davenport's statistic, and its p-value from F with k - 1 and (k - 1)(n - 1) degrees of freedom.
    """

    methods: tuple[str, ...]
    mean_ranks: NDArray[np.float64]
    n_datasets: int
    chi2: float
    p_value: float
    f: float
    f_p_value: float

    def __str__(self) -> str:
        """Both statistics with their p-values, and the mean ranks."""
        k, n = len(self.methods), self.n_datasets
        return (
            f"Friedman test, {k} methods on {n} data sets\n"
            f"  chi-square({k - 1}) = {self.chi2:.4g}, p = {shown_p(self.p_value)}\n"
            f"  Iman-Davenport F({k - 1}, {(k - 1) * (n - 1)}) = {self.f:.4g}, p = {shown_p(self.f_p_value)}\n"
            + _ranking(self.methods, self.mean_ranks)
        )


@dataclass(frozen=True, eq=False)
class NemenyiResult:
    """What :func:`nemenyi` returns.

    Parameters
    ----------
    methods : tuple of str, shape (k,)
    mean_ranks : ndarray of float, shape (k,)
    n_datasets : int
    p_values : ndarray of float, shape (k, k)
        Of every pair, adjusted for the number of pairs; 1 on the diagonal.
    critical_difference : float
        Two methods differ at ``alpha`` where their mean ranks are at least this far apart.
    alpha : float
    """

    methods: tuple[str, ...]
    mean_ranks: NDArray[np.float64]
    n_datasets: int
    p_values: NDArray[np.float64] = field(repr=False)
    critical_difference: float
    alpha: float

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The largest groups of methods that the test does not tell apart, best first: the bars of the diagram."""
        return groups_of(self.methods, self.mean_ranks, self.p_values <= self.alpha)

    def __str__(self) -> str:
        """Critical difference, mean ranks and groups."""
        return (
            f"Nemenyi test, {len(self.methods)} methods on {self.n_datasets} data sets\n"
            f"  critical difference {self.critical_difference:.4g} at alpha = {self.alpha:g}\n"
            f"{_ranking(self.methods, self.mean_ranks)}\n{_shown_groups(self.groups)}"
        )


def mean_ranks(
    scores: Any,
    *,
    higher_is_better: bool = True,
    methods: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    missing: Missing = "raise",
) -> MeanRanks:
    """Rank the methods on each data set, the best as 1, and average. Ties share the mean of their ranks.

    Scores that agree to 12 digits are ties, so that the rounding of floats ranks nothing.

    Parameters
    ----------
    scores : array-like, DataFrame or ScoreTable, shape (n, k)
        One row for each data set, one column for each method; see :func:`score_table`.
    higher_is_better : bool, default=True
        False for losses.
    methods, datasets : sequence of str, default=None
        Names, where ``scores`` has none.
    missing : {"raise", "drop"}, default="raise"
        What to do where a score is missing.

    Returns
    -------
    MeanRanks

    Raises
    ------
    ValueError, TypeError
        As :func:`score_table` does.

    Examples
    --------
    >>> print(mean_ranks([[0.5, 0.6, 0.6], [0.7, 0.9, 0.8]], methods=["none", "MLSMOTE", "MLROS"]))
    Mean ranks over 2 data sets (1 is best)
      1.250  MLSMOTE
      1.750  MLROS
      3.000  none
    """
    return ranks_of(score_table(scores, methods=methods, datasets=datasets, missing=missing), higher_is_better)


def ranks_of(table: ScoreTable, higher_is_better: bool) -> MeanRanks:
    values = rounded(table.values, np.abs(table.values).max(axis=1, keepdims=True))
    ranks = stats.rankdata(-values if higher_is_better else values, axis=1)
    return MeanRanks(table.methods, table.datasets, ranks.mean(axis=0), ranks)


def rounded(values: NDArray[np.float64], magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values to 12 digits of numbers of this magnitude: 0.9 - 0.6 is as much as 0.4 - 0.1."""
    digits = _DIGITS - np.ceil(np.log10(np.where(magnitude > 0, magnitude, 1.0)))
    scale = 10.0 ** np.clip(digits, -300, 300)
    return np.round(values * scale) / scale


def friedman(
    scores: Any,
    *,
    higher_is_better: bool = True,
    tie_correction: bool = True,
    methods: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    missing: Missing = "raise",
) -> FriedmanResult:
    """Friedman's test that all methods are equally good, with Iman and Davenport's sharper F (Demšar 2006, 3.2.2).

    Parameters
    ----------
    scores : array-like, DataFrame or ScoreTable, shape (n, k)
        One row for each data set, one column for each method; see :func:`score_table`.
    higher_is_better : bool, default=True
        False for losses.
    tie_correction : bool, default=True
        Whether to divide by the share of the variance that ties leave, as SciPy does. False gives the formula as
        Demšar prints it, which is conservative where there are ties.
    methods, datasets : sequence of str, default=None
        Names, where ``scores`` has none.
    missing : {"raise", "drop"}, default="raise"
        What to do where a score is missing.

    Returns
    -------
    FriedmanResult
        Where all methods tie on all data sets both statistics are 0; where all data sets rank them alike F is infinite.

    Raises
    ------
    ValueError, TypeError
        As :func:`score_table` does.

    Examples
    --------
    >>> scores = [[0.5, 0.6, 0.7], [0.7, 0.9, 0.8], [0.2, 0.3, 0.4], [0.6, 0.7, 0.8]]
    >>> print(friedman(scores, methods=["none", "MLSMOTE", "MLROS"]))
    Friedman test, 3 methods on 4 data sets
      chi-square(2) = 6.5, p = 0.0388
      Iman-Davenport F(2, 6) = 13, p = 0.00659
      1.250  MLROS
      1.750  MLSMOTE
      3.000  none
    """
    ranks = mean_ranks(scores, higher_is_better=higher_is_better, methods=methods, datasets=datasets, missing=missing)
    n, k = ranks.per_dataset.shape
    spread = float(((ranks.mean - (k + 1) / 2) ** 2).sum())
    chi2 = 12 * n / (k * (k + 1)) * spread
    if tie_correction and chi2 > 0:
        chi2 *= n * (k**3 - k) / 12 / float(((ranks.per_dataset - (k + 1) / 2) ** 2).sum())
    left = n * (k - 1) - chi2
    f = (n - 1) * chi2 / left if left > 1e-9 * n * k else float("inf")
    return FriedmanResult(
        ranks.methods,
        ranks.mean,
        n,
        chi2,
        float(stats.chi2.sf(chi2, k - 1)),
        f,
        float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))),
    )


def nemenyi(
    scores: Any,
    *,
    alpha: float = 0.05,
    higher_is_better: bool = True,
    methods: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    missing: Missing = "raise",
) -> NemenyiResult:
    r"""Nemenyi's test of all pairs of methods by their mean ranks (Demšar 2006, 3.2.2).

    The critical difference is :math:`q_\alpha \sqrt{k(k+1)/6n}`, where :math:`q_\alpha` is the quantile of the
    studentised range for k groups and infinite degrees of freedom, divided by :math:`\sqrt 2`.

    Parameters
    ----------
    scores : array-like, DataFrame or ScoreTable, shape (n, k)
        One row for each data set, one column for each method; see :func:`score_table`.
    alpha : float in (0, 1), default=0.05
        Chance of calling any two equal methods different.
    higher_is_better : bool, default=True
        False for losses.
    methods, datasets : sequence of str, default=None
        Names, where ``scores`` has none.
    missing : {"raise", "drop"}, default="raise"
        What to do where a score is missing.

    Returns
    -------
    NemenyiResult
        Draw it with :func:`plot_critical_difference`.

    Raises
    ------
    ValueError, TypeError
        As :func:`score_table` does, and if ``alpha`` is not in (0, 1).

    Examples
    --------
    >>> scores = [[0.5, 0.6, 0.7], [0.7, 0.9, 0.8], [0.2, 0.3, 0.4], [0.6, 0.7, 0.8]]
    >>> print(nemenyi(scores, methods=["none", "MLSMOTE", "MLROS"]))
    Nemenyi test, 3 methods on 4 data sets
      critical difference 1.657 at alpha = 0.05
      1.250  MLROS
      1.750  MLSMOTE
      3.000  none
      not told apart: MLROS, MLSMOTE; MLSMOTE, none
    """
    check_alpha(alpha)
    ranks = mean_ranks(scores, higher_is_better=higher_is_better, methods=methods, datasets=datasets, missing=missing)
    n, k = ranks.per_dataset.shape
    error = np.sqrt(k * (k + 1) / (6 * n))
    rows, columns = np.triu_indices(k, 1)
    p_values = np.ones((k, k))
    apart = np.abs(ranks.mean[rows] - ranks.mean[columns]) / error * np.sqrt(2)
    p_values[rows, columns] = np.clip(stats.studentized_range.sf(apart, k, np.inf), 0.0, 1.0)
    p_values[columns, rows] = p_values[rows, columns]
    difference = float(stats.studentized_range.ppf(1 - alpha, k, np.inf) / np.sqrt(2) * error)
    return NemenyiResult(ranks.methods, ranks.mean, n, p_values, difference, alpha)


def groups_of(
    methods: tuple[str, ...], mean_ranks: NDArray[np.float64], differ: NDArray[np.bool_]
) -> tuple[tuple[str, ...], ...]:
    """The largest runs of methods, in the order of their ranks, of which no two differ; single methods left out."""
    order = np.argsort(mean_ranks, kind="stable")
    groups, reached = [], 0
    for start in range(len(order)):
        stop = start + 1
        while stop < len(order) and not differ[np.ix_(order[start : stop + 1], order[start : stop + 1])].any():
            stop += 1
        if stop - start > 1 and stop > reached:
            groups.append(tuple(methods[j] for j in order[start:stop]))
            reached = stop
    return tuple(groups)


def check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, got {alpha!r}")


def _ranking(methods: tuple[str, ...], mean: NDArray[np.float64]) -> str:
    return "\n".join(f"  {mean[j]:.3f}  {methods[j]}" for j in np.argsort(mean, kind="stable"))


def _shown_groups(groups: tuple[tuple[str, ...], ...]) -> str:
    shown = "; ".join(", ".join(group) for group in groups)
    return f"  not told apart: {shown}" if groups else "  all methods differ"


def shown_p(p_value: float) -> str:
    return f"{p_value:.3g}" if p_value >= 1e-4 else f"{p_value:.1e}"
