"""Diffusion of real columns (Ho et al. 2020) and its shortened samplers (Song et al. 2021, DDIM).

All formulas hold for any two times s < t. With s = t - 1 they are those of Ho et al.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from rarelabel.diffusion.schedules import Schedule

__all__ = ["GaussianDiffusion", "Prediction"]

Prediction = Literal["epsilon", "x0", "v"]
"""What a denoiser gives: the noise, the data, or the velocity of Salimans & Ho (2022)."""


@dataclass(frozen=True)
class GaussianDiffusion:
    """Gaussian noise on real columns.

    Every method takes tensors of shape (n, ...) with times of shape (n,), and returns one of the same shape.

    Parameters
    ----------
    schedule : Schedule
    prediction : {"x0", "epsilon", "v"}, default="x0"
        What the denoiser gives.

    Raises
    ------
    ValueError
        If the prediction is unknown.

    Examples
    --------
    >>> from rarelabel.diffusion.schedules import cosine_schedule
    >>> diffusion = GaussianDiffusion(cosine_schedule(100), "epsilon")
    >>> x0, noise, t = torch.ones(2, 1), torch.full((2, 1), 0.5), torch.tensor([1, 50])
    >>> x_t = diffusion.q_sample(x0, t, noise)
    >>> torch.allclose(diffusion.x0_from(noise, x_t, t), x0)
    True
    """

    schedule: Schedule
    prediction: Prediction = "x0"

    def __post_init__(self) -> None:
        if self.prediction not in get_args(Prediction):
            expected = ", ".join(map(repr, get_args(Prediction)))
            raise ValueError(f"prediction must be one of {expected}, got {self.prediction!r}")

    def q_sample(self, x0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """x_t given x_0: √ᾱ_t x_0 + √(1 - ᾱ_t) ε (Ho Eq. 4)."""
        return self.q_step(x0, torch.zeros_like(t), t, noise)

    def q_step(self, x_s: Tensor, s: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """x_t given x_s for s < t (Ho Eq. 2 where t = s + 1)."""
        alpha = self._alpha(t, x_s) / self._alpha(s, x_s)
        return alpha.sqrt().to(x_s.dtype) * x_s + (1 - alpha).sqrt().to(x_s.dtype) * noise

    def posterior(self, x0: Tensor, x_t: Tensor, t: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of x_s given x_t and x_0, s < t (Ho Eqs. 6 and 7).

        Returns
        -------
        mean : Tensor, shape (n, ...)
        variance : Tensor, shape (n, 1, ...)
        """
        alpha_bar_t, alpha_bar_s = self._alpha(t, x_t), self._alpha(s, x_t)
        alpha = alpha_bar_t / alpha_bar_s
        of_x0 = alpha_bar_s.sqrt() * (1 - alpha) / (1 - alpha_bar_t)
        of_x_t = alpha.sqrt() * (1 - alpha_bar_s) / (1 - alpha_bar_t)
        variance = (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha)
        return of_x0.to(x_t.dtype) * x0 + of_x_t.to(x_t.dtype) * x_t, variance.to(x_t.dtype)

    def epsilon_from(self, x0: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """The noise that makes x_t of x_0."""
        alpha_bar = self._alpha(t, x_t)
        return (x_t - alpha_bar.sqrt().to(x_t.dtype) * x0) / (1 - alpha_bar).sqrt().to(x_t.dtype)

    def x0_from(self, output: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """x_0 from what the denoiser gave at x_t (for the noise: Song Eq. 9)."""
        if self.prediction == "x0":
            return output
        alpha_bar = self._alpha(t, x_t)
        signal, noise = alpha_bar.sqrt().to(x_t.dtype), (1 - alpha_bar).sqrt().to(x_t.dtype)
        if self.prediction == "epsilon":
            return (x_t - noise * output) / signal
        return signal * x_t - noise * output

    def target(self, x0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """What the denoiser should give."""
        if self.prediction == "x0":
            return x0
        if self.prediction == "epsilon":
            return noise
        alpha_bar = self._alpha(t, x0)
        return alpha_bar.sqrt().to(x0.dtype) * noise - (1 - alpha_bar).sqrt().to(x0.dtype) * x0

    def loss(self, output: Tensor, x0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Squared error of each entry (Ho Eq. 14), shape (n, ...)."""
        return (output - self.target(x0, t, noise)) ** 2

    def step(self, x0: Tensor, x_t: Tensor, t: Tensor, s: Tensor, noise: Tensor, *, eta: float = 1.0) -> Tensor:
        """x_s from x_t and the x_0 believed in (Song Eqs. 12 and 16).

        Parameters
        ----------
        x0, x_t, noise : Tensor, shape (n, ...)
        t, s : Tensor of int64, shape (n,)
            s < t, any distance apart.
        eta : float, default=1.0
            1 draws from the posterior (ancestral sampling), 0 adds no noise (DDIM).

        Returns
        -------
        Tensor, shape (n, ...)
        """
        alpha_bar_t, alpha_bar_s = self._alpha(t, x_t), self._alpha(s, x_t)
        variance = eta**2 * (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s)
        # never below 0 in exact arithmetic
        of_epsilon = (1 - alpha_bar_s - variance).clamp(min=0).sqrt().to(x_t.dtype)
        epsilon = self.epsilon_from(x0, x_t, t)
        x_s = alpha_bar_s.sqrt().to(x_t.dtype) * x0 + of_epsilon * epsilon
        return x_s + variance.sqrt().to(x_t.dtype) * noise if eta else x_s

    def _alpha(self, t: Tensor, like: Tensor) -> Tensor:
        return self.schedule.alpha_bar(t, like)
