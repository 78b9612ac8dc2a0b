"""Mixtures of two normal distributions on a line, many of them fitted together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = ["TwoGaussians", "fit_two_gaussians"]

Floats = NDArray[np.float64]

_MOST_GROUPS = 512
_LOWEST = 0.05
_TIMES_FARTHER = 2.0
_LEAST_ROWS = 10 * np.finfo(np.float64).eps  # of a component: its mean is then finite


@dataclass(frozen=True, eq=False)
class TwoGaussians:
    """Mixtures of two normal distributions; component 0 of each is the one with the smaller mean.

    Parameters
    ----------
    weights, means, variances : ndarray of float, shape (2, m)
    n_values : ndarray of int, shape (m,)
        Losses that each mixture was fitted to.
    n_iter : ndarray of int, shape (m,)
        Steps of EM.
    converged : ndarray of bool, shape (m,)
    collapsed : ndarray of bool, shape (m,)
        Where one normal distribution does as well: the means are nearer than the square root of ``reg_covar``, or a
        component holds less than one loss. Such a mixture says nothing.
    """

    weights: Floats
    means: Floats
    variances: Floats
    n_values: NDArray[np.intp]
    n_iter: NDArray[np.intp]
    converged: NDArray[np.bool_]
    collapsed: NDArray[np.bool_]

    def posterior(self, values: Floats, mixture: NDArray[np.intp]) -> Floats:
        """Probability of component 0 for each value, given the index of its mixture (of a shape that broadcasts).

        That of values below the mean of component 0 is the one at this mean.
        """
        # NOTE[DIFF] Eq. 8 as it is written doubts the smallest losses of all, where component 0 is the narrower one
        values = np.maximum(values, self.means[0, mixture])
        return _posterior(values, np.stack([self.weights, self.means, self.variances])[:, :, mixture])


@dataclass(frozen=True, eq=False)
class _Groups:
    """Values of m samples as weighted points, all of shape (m, g); ``counts`` is 0 beyond the end of a short sample.

    ``centers`` and ``scatters`` are mean and variance of the values that a point stands for.
    """

    counts: Floats
    centers: Floats
    scatters: Floats

    def of(self, chosen: NDArray[np.bool_]) -> _Groups:
        return _Groups(self.counts[chosen], self.centers[chosen], self.scatters[chosen])


@dataclass(frozen=True, eq=False)
class _Climb:
    """Where EM ended: weights, means and variances, shape (3, 2, m), and the mean log-likelihood of each sample."""

    theta: Floats
    likelihood: Floats
    n_iter: NDArray[np.intp]
    converged: NDArray[np.bool_]

    def distance(self) -> Floats:
        """Of the means, in standard deviations."""
        _, (m0, m1), variances = self.theta
        distance: Floats = np.abs(m1 - m0) / np.sqrt(variances.mean(axis=0))
        return distance


def fit_two_gaussians(
    samples: Sequence[Floats], *, reg_covar: float = 1e-6, tol: float = 1e-3, max_iter: int = 100
) -> TwoGaussians:
    """Fit a mixture to each sample by EM, all at the same time.

    EM starts from the best division in two by squared distances, which on a line is found exactly, and ends when a step
    adds less than ``tol`` to the mean log-likelihood, as scikit-learn's ``GaussianMixture`` does with the same
    defaults. A second EM starts from the lowest twentieth and the rest, and goes on to a tenth of ``tol``; where that
    ends likelier and with means twice as far apart, in standard deviations, it is taken instead.

    A sample of more than 512 values is sorted, and neighbours go together as one point that keeps their number, mean
    and variance; so a step costs the same for a thousand values and a million.

    Parameters
    ----------
    samples : sequence of ndarray of float, m arrays of any length >= 1
    reg_covar : float, default=1e-6
        Added to every variance.
    tol : float, default=1e-3
    max_iter : int, default=100

    Returns
    -------
    TwoGaussians

    Examples
    --------
    >>> import numpy as np
    >>> low, high = np.random.default_rng(0).normal([[1.0], [5.0]], [[0.1], [1.0]], size=(2, 3000))
    >>> mixture = fit_two_gaussians([np.concatenate([low, high[:2000]])])
    >>> for values in (mixture.means, mixture.weights, np.sqrt(mixture.variances)):
    ...     print(values[:, 0].round(1))
    [1. 5.]
    [0.6 0.4]
    [0.1 1. ]
    """
    groups = _grouped(samples)
    first = _climb(groups, _best_division, reg_covar, tol, max_iter)
    # A group of few values gains little likelihood in each step: of the usual tol, EM would end with half of it.
    second = _climb(groups, _lowest, reg_covar, tol / 10, max_iter)
    # Of one skewed hump, any lump at its lower end fits a little better than two halves do, so likelier is not enough.
    other = (second.likelihood > first.likelihood) & (second.distance() > _TIMES_FARTHER * first.distance())
    found = np.where(other, second.theta, first.theta)
    swap = found[1, 0] > found[1, 1]
    weights, means, variances = np.where(swap, found[:, ::-1], found)
    n_values = np.array([len(sample) for sample in samples], dtype=np.intp)
    collapsed = (means[1] - means[0] < np.sqrt(reg_covar)) | (weights.min(axis=0) * n_values < 1)
    n_iter = np.where(other, second.n_iter, first.n_iter)
    converged = np.where(other, second.converged, first.converged)
    return TwoGaussians(weights, means, variances, n_values, n_iter, converged, collapsed)


def _grouped(samples: Sequence[Floats]) -> _Groups:
    size = min(max(map(len, samples), default=1), _MOST_GROUPS)
    counts, centers, squares = np.zeros((3, len(samples), size))
    for k, sample in enumerate(samples):
        g = min(len(sample), size)
        edges = np.arange(g) * len(sample) // g
        values = np.sort(sample)
        counts[k, :g] = np.diff(edges, append=len(sample))
        centers[k, :g] = np.add.reduceat(values, edges) / counts[k, :g]
        squares[k, :g] = np.add.reduceat(values * values, edges) / counts[k, :g]
    return _Groups(counts, centers, np.maximum(squares - centers * centers, 0))


def _climb(groups: _Groups, start: Callable[[_Groups], Floats], reg_covar: float, tol: float, max_iter: int) -> _Climb:
    """EM of all samples from the posteriors that ``start`` gives, each until it is done."""
    m = len(groups.counts)
    found, likelihood = np.zeros((3, 2, m)), np.full(m, -np.inf)
    n_iter, converged = np.zeros(m, dtype=np.intp), np.zeros(m, dtype=bool)
    running, theta = np.arange(m), _maximize(groups, start(groups), reg_covar)
    for step in range(1, max_iter + 1):
        if not len(running):
            break
        share, height = _expect(groups, theta)
        theta = _maximize(groups, share, reg_covar)
        done = np.abs(height - likelihood[running]) < tol
        found[:, :, running], likelihood[running], n_iter[running], converged[running] = theta, height, step, done
        if done.any():
            running, groups, theta = running[~done], groups.of(~done), theta[:, :, ~done]
    return _Climb(found, likelihood, n_iter, converged)


def _best_division(groups: _Groups) -> Floats:
    """1 for the lower points and 0 for the others, where squared distances to the means of both are least in sum."""
    rows = np.cumsum(groups.counts, axis=1)
    total = np.cumsum(groups.counts * groups.centers, axis=1)
    rest_rows, rest_total = rows[:, -1:] - rows, total[:, -1:] - total
    between = total**2 / rows + rest_total**2 / np.maximum(rest_rows, 1)
    lower: Floats = (np.arange(rows.shape[1]) <= between.argmax(axis=1)[:, np.newaxis]).astype(np.float64)
    return lower


def _lowest(groups: _Groups) -> Floats:
    """1 for the first twentieth of the values, and always for the first point, 0 for the others."""
    rows = np.cumsum(groups.counts, axis=1)
    lowest: Floats = (rows <= np.maximum(_LOWEST * rows[:, -1:], rows[:, :1])).astype(np.float64)
    return lowest


def _maximize(groups: _Groups, share: Floats, reg_covar: float) -> Floats:
    """Weights, means and variances, shape (3, 2, m), given the posterior of the first component, shape (m, g)."""
    first = groups.counts * share
    theta = np.empty((3, 2, len(first)))
    for component, part in enumerate((first, groups.counts - first)):
        rows = part.sum(axis=1) + _LEAST_ROWS
        mean = np.einsum("mg,mg->m", part, groups.centers) / rows
        away = (groups.centers - mean[:, np.newaxis]) ** 2 + groups.scatters
        theta[:, component] = rows, mean, np.einsum("mg,mg->m", part, away) / rows + reg_covar
    theta[0] /= theta[0].sum(axis=0)
    return theta


def _posterior(values: Floats, theta: Floats) -> Floats:
    """Probability of component 0; ``theta`` is (weights, means, variances), each by component."""
    (w0, w1), (m0, m1), (v0, v1) = theta
    odds = np.log(w0 / w1) + 0.5 * np.log(v1 / v0)
    posterior: Floats = expit(odds + 0.5 * ((values - m1) ** 2 / v1 - (values - m0) ** 2 / v0))
    return posterior


def _expect(groups: _Groups, theta: Floats) -> tuple[Floats, Floats]:
    """Posterior of component 0 for each point, and the mean log-likelihood up to what all mixtures share."""
    w, m, v = theta[..., np.newaxis]
    first, second = np.log(w) - 0.5 * np.log(v) - 0.5 * ((groups.centers - m) ** 2 + groups.scatters) / v
    rest = np.exp(-np.abs(first - second))  # of the less likely component, beside the other
    share = np.where(first > second, 1, rest) / (1 + rest)
    total = (groups.counts * (np.maximum(first, second) + np.log(1 + rest))).sum(axis=1)
    return share, total / groups.counts.sum(axis=1)
