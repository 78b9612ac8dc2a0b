"""How probable is it that a method is better by an amount that matters? Bayesian comparison of two methods.

A test of significance cannot say that two methods are as good as equal; these can. Differences of at most ``rope`` (the
region of practical equivalence) count as none.

References
----------
A. Benavoli, G. Corani, J. Demšar and M. Zaffalon (2017), "Time for a change: a tutorial for comparing multiple
classifiers through Bayesian analysis", JMLR 18.
G. Corani and A. Benavoli (2015), "A Bayesian approach for comparing cross-validated algorithms on multiple data sets",
Machine Learning 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from rarelabel._random import RandomState, check_random_state
from rarelabel.evaluation.scores import Missing, score_table
from rarelabel.evaluation.statistics import rounded

__all__ = ["CorrelatedTPosterior", "SignedRankPosterior", "bayesian_signed_rank", "correlated_t_test"]

_CHUNK = 4096


@dataclass(frozen=True, eq=False)
class SignedRankPosterior:
    """What :func:`bayesian_signed_rank` returns.

    Parameters
    ----------
    names : tuple of (str, str)
    left, rope, right : float
        Probability that the first method is better, that both are practically equal, that the second is better: shares
        of the samples in which that region weighs most.
    width : float
        Half of the region of practical equivalence.
    n_datasets : int
    samples : ndarray of float, shape (s, 3)
        Weights of the three regions, drawn from their posterior.
    """

    names: tuple[str, str]
    left: float
    rope: float
    right: float
    width: float
    n_datasets: int
    samples: NDArray[np.float64] = field(repr=False)

    def __str__(self) -> str:
        """The three probabilities."""
        head = f"Bayesian signed-rank test on {self.n_datasets} data sets" + _equal_up_to(self.width)
        return "\n".join([head, *_three(self.names, self.left, self.rope, self.right)])


@dataclass(frozen=True, eq=False)
class CorrelatedTPosterior:
    """What :func:`correlated_t_test` returns.

    Parameters
    ----------
    names : tuple of (str, str)
    left, rope, right : float
        Probability that the first method is better, that both are practically equal, that the second is better.
    width : float
        Half of the region of practical equivalence.
    mean, scale, df : float
        The posterior of the gain of the first method over the second: Student's t, shifted and scaled.
    """

    names: tuple[str, str]
    left: float
    rope: float
    right: float
    width: float
    mean: float
    scale: float
    df: float

    def interval(self, share: float = 0.95) -> tuple[float, float]:
        """Bounds between which the gain of the first method lies with probability ``share``."""
        if not 0 < share < 1:
            raise ValueError(f"share must lie between 0 and 1, got {share!r}")
        reach = float(stats.t.ppf((1 + share) / 2, self.df)) * self.scale
        return self.mean - reach, self.mean + reach

    def __str__(self) -> str:
        """The gain and the three probabilities."""
        low, high = self.interval()
        head = f"Bayesian correlated t-test on {self.df + 1:g} scores" + _equal_up_to(self.width)
        gain = f"  {self.names[0]} gains {self.mean:+.4g} over {self.names[1]}, 95 % between {low:+.4g} and {high:+.4g}"
        return "\n".join([head, gain, *_three(self.names, self.left, self.rope, self.right)])


def bayesian_signed_rank(
    first: Any,
    second: Any,
    *,
    rope: float = 0.01,
    prior_strength: float = 0.5,
    n_samples: int = 50_000,
    higher_is_better: bool = True,
    names: Sequence[str] = ("first", "second"),
    datasets: Sequence[str] | None = None,
    missing: Missing = "raise",
    random_state: RandomState = None,
) -> SignedRankPosterior:
    """Compare two methods over data sets by the signed-rank test under a Dirichlet process (Benavoli et al. 2017, 4.2).

    A weight for each data set, and one for a pseudo-observation without difference, are drawn from a Dirichlet
    distribution. Two weights multiplied weigh the mean of two differences, which lies on the left, in the region of
    practical equivalence, bounds included, or on the right of it.

    Parameters
    ----------
    first, second : array-like, shape (n,)
        Scores of the two methods on the same data sets.
    rope : float, default=0.01
        Differences up to this count as none. With 0 only exact ties do.
    prior_strength : float, default=0.5
        Weight of the pseudo-observation, where a data set weighs 1.
    n_samples : int, default=50000
        Draws from the posterior. The standard error of a probability is at most ``0.5 / sqrt(n_samples)``.
    higher_is_better : bool, default=True
        False for losses.
    names : sequence of two str, default=("first", "second")
        What to call the methods.
    datasets : sequence of str, shape (n,), default=None
        Names of the data sets. None: those of a pandas index of text.
    missing : {"raise", "drop"}, default="raise"
        What to do where a score is missing.
    random_state : int, Generator, RandomState or None, default=None
        Where the draws come from.

    Returns
    -------
    SignedRankPosterior

    Raises
    ------
    ValueError, TypeError
        As :func:`score_table` does; if the two differ in length or in the data sets they name; if ``rope`` is negative,
        ``prior_strength`` not positive, or ``n_samples`` less than 1.

    Examples
    --------
    >>> smote = [0.62, 0.71, 0.55, 0.80, 0.47, 0.66, 0.59, 0.73]
    >>> none = [0.58, 0.66, 0.56, 0.75, 0.41, 0.60, 0.55, 0.70]
    >>> print(bayesian_signed_rank(smote, none, names=["MLSMOTE", "none"], random_state=0))
    Bayesian signed-rank test on 8 data sets, differences up to 0.01 count as none
      MLSMOTE better     0.998
      practically equal  0.002
      none better        0.000
    """
    if not prior_strength > 0:
        raise ValueError(f"prior_strength must be positive, got {prior_strength!r}")
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, got {n_samples!r}")
    gain = _gains(first, second, rope, higher_is_better, names, datasets, missing)
    rng = check_random_state(random_state)
    with_prior = np.append(0.0, gain)
    sums = with_prior[:, None] + with_prior
    sums = rounded(sums, np.abs(gain).max(keepdims=True) + rope)
    bound = rounded(np.array([2 * rope]), np.abs(gain).max(keepdims=True) + rope)
    left, right = (sums > bound).astype(float), (sums < -bound).astype(float)
    strength = np.append(prior_strength, np.ones(len(gain)))
    samples = np.empty((n_samples, 3))
    for start in range(0, n_samples, _CHUNK):
        stop = min(start + _CHUNK, n_samples)
        weights = rng.dirichlet(strength, size=stop - start)
        samples[start:stop, 0] = ((weights @ left) * weights).sum(axis=1)
        samples[start:stop, 2] = ((weights @ right) * weights).sum(axis=1)
    samples[:, 1] = np.clip(1 - samples[:, 0] - samples[:, 2], 0.0, 1.0)
    on_left, in_rope, on_right = (np.bincount(samples.argmax(axis=1), minlength=3) / n_samples).tolist()
    return SignedRankPosterior((str(names[0]), str(names[1])), on_left, in_rope, on_right, rope, len(gain), samples)


def correlated_t_test(
    first: Any,
    second: Any,
    *,
    rope: float = 0.01,
    n_repeats: int = 1,
    higher_is_better: bool = True,
    names: Sequence[str] = ("first", "second"),
) -> CorrelatedTPosterior:
    r"""Compare two methods on one data set by the scores of their folds (Corani and Benavoli 2015, section 3).

    Folds share training rows, so their scores are correlated. With the correlation set to the share of rows in a test
    fold (Nadeau and Bengio 2003), the posterior of the gain is Student's t with n - 1 degrees of freedom around the
    mean, of squared scale :math:`(1/n + \rho/(1 - \rho))\,\hat\sigma^2`.

    Parameters
    ----------
    first, second : array-like, shape (n,)
        Scores of the two methods on the same folds.
    rope : float, default=0.01
        Differences up to this count as none.
    n_repeats : int, default=1
        How often the cross-validation was repeated: n scores are then of ``n / n_repeats`` folds.
    higher_is_better : bool, default=True
        False for losses.
    names : sequence of two str, default=("first", "second")
        What to call the methods.

    Returns
    -------
    CorrelatedTPosterior

    Raises
    ------
    ValueError, TypeError
        If the two differ in length, a score is missing or infinite, ``rope`` is negative, or n is not ``n_repeats``
        times two folds or more.

    Examples
    --------
    >>> smote = [0.62, 0.66, 0.61, 0.65, 0.63, 0.64, 0.60, 0.66, 0.62, 0.65]
    >>> none = [0.58, 0.61, 0.60, 0.62, 0.59, 0.61, 0.57, 0.60, 0.59, 0.61]
    >>> print(correlated_t_test(smote, none, n_repeats=2, names=["MLSMOTE", "none"]))
    Bayesian correlated t-test on 10 scores, differences up to 0.01 count as none
      MLSMOTE gains +0.036 over none, 95 % between +0.01793 and +0.05407
      MLSMOTE better     0.995
      practically equal  0.005
      none better        0.000
    """
    gain = _gains(first, second, rope, higher_is_better, names, None, "raise", row="fold")
    n = len(gain)
    if n_repeats < 1 or n % n_repeats or n // n_repeats < 2:
        raise ValueError(f"{n} scores are not {n_repeats!r} repeats of two folds or more")
    rho = n_repeats / n
    mean = float(gain.mean())
    scale = float(np.sqrt((1 / n + rho / (1 - rho)) * gain.var(ddof=1)))
    if scale > 1e-12 * max(abs(mean), 1e-300):
        left, right = (float(stats.t.cdf((side * mean - rope) / scale, n - 1)) for side in (1, -1))
    else:  # all folds gain the same
        left, right = float(mean > rope), float(mean < -rope)
    return CorrelatedTPosterior(
        (str(names[0]), str(names[1])), left, max(0.0, 1 - left - right), right, rope, mean, scale, n - 1
    )


def _gains(
    first: Any,
    second: Any,
    rope: float,
    higher_is_better: bool,
    names: Sequence[str],
    rows: Sequence[str] | None,
    missing: Missing,
    row: str = "data set",
) -> NDArray[np.float64]:
    """By how much the first method is better on each row."""
    if not (np.isfinite(rope) and rope >= 0):
        raise ValueError(f"rope must be a number of at least 0, got {rope!r}")
    if isinstance(names, str) or len(names) != 2:
        raise ValueError(f"expected the names of two methods, got {names!r}")
    columns = [np.asarray(scores) for scores in (first, second)]
    if any(column.ndim != 1 for column in columns) or len(columns[0]) != len(columns[1]):
        shapes = " and ".join(str(column.shape) for column in columns)
        raise ValueError(f"expected two one-dimensional sequences of equal length, got shapes {shapes}")
    indices = [list(scores.index) for scores in (first, second) if hasattr(scores, "iloc")]
    if len(indices) == 2 and indices[0] != indices[1]:
        raise ValueError("the indices of the two methods differ: expected the same rows in the same order")
    if rows is None and indices and all(isinstance(name, str) for name in indices[0]):
        rows = indices[0]
    if rows is None:
        rows = [f"{row} {i + 1}" for i in range(len(columns[0]))]
    pair = np.column_stack(columns) if all(c.dtype.kind in "fiu" for c in columns) else list(zip(*columns, strict=True))
    table = score_table(pair, methods=names, datasets=rows, missing=missing)
    difference = table.values[:, 0] - table.values[:, 1]
    difference = rounded(difference, np.abs(table.values).max(axis=1))
    return difference if higher_is_better else -difference


def _equal_up_to(width: float) -> str:
    return f", differences up to {width:g} count as none"


def _three(names: tuple[str, str], left: float, rope: float, right: float) -> list[str]:
    what = [f"{names[0]} better", "practically equal", f"{names[1]} better"]
    width = max(map(len, what))
    return [f"  {name:<{width}}  {p:.3f}" for name, p in zip(what, (left, rope, right), strict=True)]
