"""Diffusion of categories in log space (Hoogeboom et al. 2021).

A variable with K states is a vector of K numbers on the last axis: one-hot, or the logarithms of probabilities. Noise
replaces the state by a uniformly drawn one. All formulas hold for any two times s < t; with s = t - 1 they are those
of the paper.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from rarelabel.diffusion.schedules import Schedule

__all__ = ["MultinomialDiffusion", "log_probabilities_from_logits", "states_from_bits"]


def states_from_bits(bits: Tensor) -> Tensor:
    """Columns of 0 and 1, shape (n, m), as variables with two states, shape (n, m, 2)."""
    return torch.stack([1 - bits, bits], dim=-1)


def log_probabilities_from_logits(logits: Tensor) -> Tensor:
    """Logits of the state 1, shape (n, m), as log-probabilities of both states, shape (n, m, 2)."""
    return torch.nn.functional.logsigmoid(torch.stack([-logits, logits], dim=-1))


@dataclass(frozen=True)
class MultinomialDiffusion:
    """Uniform noise on variables with K states.

    Every method takes tensors of shape (n, ..., K) and times of shape (n,). The number of states is read off the last
    axis.

    Parameters
    ----------
    schedule : Schedule

    Examples
    --------
    >>> from rarelabel.diffusion.schedules import Schedule
    >>> diffusion = MultinomialDiffusion(Schedule(torch.tensor([1.0, 0.4], dtype=torch.float64)))
    >>> x0, t = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([1])
    >>> diffusion.log_q(x0.log(), t, torch.tensor([0])).exp()  # 0.4 + 0.6 / 3, and 0.6 / 3
    tensor([[0.6000, 0.2000, 0.2000]])
    """

    schedule: Schedule

    def log_q(self, log_x_s: Tensor, t: Tensor, s: Tensor) -> Tensor:
        """Log-probabilities of x_t given (the distribution of) x_s, s <= t (Hoogeboom section 4).

        q(x_t | x_s) = α_{t|s} x_s + (1 - α_{t|s}) / K.
        """
        alpha = self.schedule.alpha_bar(t, log_x_s) / self.schedule.alpha_bar(s, log_x_s)
        log_alpha, log_uniform = alpha.log(), (1 - alpha).log() - math.log(log_x_s.shape[-1])
        return torch.logaddexp(log_x_s + log_alpha.to(log_x_s.dtype), log_uniform.to(log_x_s.dtype))

    def log_posterior(self, log_x0: Tensor, x_t: Tensor, t: Tensor, s: Tensor) -> Tensor:
        """Log-probabilities of x_s given the state x_t and x_0, s < t (Hoogeboom section 4).

        q(x_s | x_t, x_0) ∝ q(x_t | x_s) q(x_s | x_0); as a function of x_s the first factor is
        α_{t|s} x_t + (1 - α_{t|s}) / K.
        """
        unnormalised = self._likelihood(x_t, t, s).log() + self.log_q(log_x0, s, torch.zeros_like(s))
        return torch.log_softmax(unnormalised, dim=-1)

    def log_reverse(self, log_p: Tensor, x_t: Tensor, t: Tensor, s: Tensor) -> Tensor:
        """Log-probabilities of x_s given x_t, where the denoiser believes x_0 to be distributed as p(x_0 | x_t).

        The mean of the posterior over that belief, Σ_j p(x_0 = j | x_t) q(x_s | x_t, x_0 = j) (Austin et al. 2021,
        D3PM, Eq. 4). As q(x_s | x_t, j) = q(x_t | x_s) q(x_s | j) / q(x_t | j), it is the posterior at the reweighted
        belief p(j | x_t) / q(x_t | j), hence one call.
        """
        # NOTE[DIFF] Hoogeboom et al. put the belief itself into the posterior. That counts x_t twice: already for one
        # variable it gives another law than the data's, and the more so the longer the step.
        reweighted = log_p - self._likelihood(x_t, t, torch.zeros_like(t)).log()
        return self.log_posterior(torch.log_softmax(reweighted, dim=-1), x_t, t, s)

    def kl(self, log_p: Tensor, x0: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """KL divergence, in nats, of the model's step from t to t - 1 from the true one (Hoogeboom section 4).

        At t = 1 it is the negative log-likelihood of x_0. Summed over t = 1..T it bounds that of the data, up to the
        constant term at T.

        Parameters
        ----------
        log_p : Tensor, shape (n, ..., K)
            The denoiser's log-probabilities of x_0.
        x0, x_t : Tensor, shape (n, ..., K)
            One-hot.
        t : Tensor of int64, shape (n,)

        Returns
        -------
        Tensor, shape (n, ...)
        """
        true = self._likelihood(x_t, t, t - 1) * self._likelihood(x0, t - 1, torch.zeros_like(t))
        true = true / true.sum(dim=-1, keepdim=True)
        return (torch.special.xlogy(true, true) - true * self.log_reverse(log_p, x_t, t, t - 1)).sum(dim=-1)

    def sample(self, log_p: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a state for each variable by the largest of its log-probabilities plus Gumbel noise; one-hot."""
        noise = torch.empty(log_p.shape, dtype=log_p.dtype, device=generator.device)
        gumbel = -noise.exponential_(generator=generator).log().to(log_p.device)
        drawn = (log_p + gumbel).argmax(dim=-1)
        return torch.nn.functional.one_hot(drawn, log_p.shape[-1]).to(log_p.dtype)

    def _likelihood(self, x_t: Tensor, t: Tensor, s: Tensor) -> Tensor:
        """q(x_t | x_s = k) for every k: the noise is symmetric, so this is q(. | x_t) too."""
        alpha = self.schedule.alpha_bar(t, x_t) / self.schedule.alpha_bar(s, x_t)
        return alpha.to(x_t.dtype) * x_t + ((1 - alpha) / x_t.shape[-1]).to(x_t.dtype)
