"""How fast signal turns into noise.

Time runs from 0 (data) to T (noise). Everything about a schedule is in its ᾱ_t, the share of the
signal's variance (of its probability, for categories) left at time t: for any s < t,
α_{t|s} = ᾱ_t / ᾱ_s, so one formula serves single and long steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

__all__ = ["Schedule", "cosine_schedule", "linear_schedule", "strided_times"]


@dataclass(frozen=True, eq=False)
class Schedule:
    """The ᾱ of a diffusion.

    Parameters
    ----------
    alphas_bar : Tensor of float64, shape (T + 1,)
        From ``alphas_bar[0] = 1``, decreasing, positive.

    Raises
    ------
    ValueError
        If the values do not start at 1, or do not decrease, or are not positive.

    Examples
    --------
    >>> schedule = Schedule(torch.tensor([1.0, 0.5, 0.1], dtype=torch.float64))
    >>> schedule.T, schedule.betas
    (2, tensor([0.5000, 0.8000], dtype=torch.float64))
    """

    alphas_bar: Tensor

    def __post_init__(self) -> None:
        values = self.alphas_bar
        if len(values) < 2 or values[0] != 1 or not bool((values[1:] < values[:-1]).all()) or not bool(values[-1] > 0):
            raise ValueError(f"alphas_bar must decrease from 1 and stay positive, got {values.tolist()[:5]}...")

    @property
    def T(self) -> int:
        """Number of steps."""
        return len(self.alphas_bar) - 1

    @property
    def betas(self) -> Tensor:
        """Noise added by each step, shape (T,): beta_1 first."""
        return 1 - self.alphas_bar[1:] / self.alphas_bar[:-1]

    def alpha_bar(self, t: Tensor, like: Tensor) -> Tensor:
        """ᾱ_t for each row of ``like``, in float64.

        Parameters
        ----------
        t : Tensor of int64, shape (n,)
        like : Tensor, shape (n, ...)

        Returns
        -------
        Tensor, shape (n, 1, ...)
            With as many axes as ``like``.
        """
        return self.alphas_bar.to(like.device)[t.to(like.device)].reshape(-1, *[1] * (like.ndim - 1))


def cosine_schedule(T: int = 1000, *, s: float = 0.008, max_beta: float = 0.999) -> Schedule:
    """The cosine schedule (Nichol & Dhariwal 2021, Eq. 17).

    Parameters
    ----------
    T : int, default=1000
        Number of steps, at least 1.
    s : float, default=0.008
        Offset that keeps the first steps from being too small.
    max_beta : float, default=0.999
        Most noise of one step.

    Returns
    -------
    Schedule

    Examples
    --------
    >>> cosine_schedule(4).betas
    tensor([0.1530, 0.4170, 0.7079, 0.9990], dtype=torch.float64)
    """
    _check_length(T)
    time = torch.arange(T + 1, dtype=torch.float64) / T
    f = torch.cos((time + s) / (1 + s) * math.pi / 2) ** 2
    return _from_betas(torch.clamp(1 - f[1:] / f[:-1], max=max_beta))


def linear_schedule(T: int = 1000, *, beta_1: float = 1e-4, beta_T: float = 0.02) -> Schedule:
    """Noise that grows linearly (Ho et al. 2020, section 4).

    The two betas are those of 1000 steps; with another T they are multiplied by 1000 / T, so that about as much signal
    is left in the end (a step adds at most 0.999).

    Parameters
    ----------
    T : int, default=1000
        Number of steps, at least 1.
    beta_1, beta_T : float, default=1e-4 and 0.02

    Returns
    -------
    Schedule

    Examples
    --------
    >>> linear_schedule(1000).betas[[0, -1]]
    tensor([1.0000e-04, 2.0000e-02], dtype=torch.float64)
    """
    _check_length(T)
    betas = torch.linspace(beta_T, beta_1, T, dtype=torch.float64).flip(0) * (1000 / T)
    return _from_betas(torch.clamp(betas, max=0.999))


def strided_times(T: int, n_steps: int) -> list[tuple[int, int]]:
    """The steps (t, s), from t to s < t, of a walk from T to 0 in ``n_steps`` steps of about equal length.

    Examples
    --------
    >>> strided_times(10, 3)
    [(10, 7), (7, 3), (3, 0)]
    """
    if not 1 <= n_steps <= T:
        raise ValueError(f"n_steps must be between 1 and T={T}, got {n_steps!r}")
    times = [round(i * T / n_steps) for i in range(n_steps, -1, -1)]
    return list(pairwise(times))


def _from_betas(betas: Tensor) -> Schedule:
    return Schedule(torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - betas, dim=0)]))


def _check_length(T: int) -> None:
    if T < 1:
        raise ValueError(f"T must be at least 1, got {T!r}")
