"""Diffusion of columns of 0 and 1: the two-state case of :mod:`rarelabel.diffusion.multinomial`, one number each.

A bit that was redrawn with probability 1 - α has turned over with probability (1 - α) / 2. That needs one uniform
number for each bit, where two states in log space need two exponential ones and their logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rarelabel.diffusion.schedules import Schedule

__all__ = ["BinaryDiffusion"]


@dataclass(frozen=True)
class BinaryDiffusion:
    """Uniform noise on variables with two states.

    Every method takes tensors of shape (n, ...) and times of shape (n,), and returns one of the same shape.

    Parameters
    ----------
    schedule : Schedule

    Examples
    --------
    >>> diffusion = BinaryDiffusion(Schedule(torch.tensor([1.0, 0.4], dtype=torch.float64)))
    >>> noised = diffusion.q_step(torch.ones(2000, 1), torch.tensor([0]), torch.tensor([1]), torch.Generator())
    >>> round(noised.mean().item(), 2)  # 0.4 + 0.6 / 2
    0.7
    """

    schedule: Schedule

    def q_step(self, x_s: Tensor, s: Tensor, t: Tensor, generator: torch.Generator) -> Tensor:
        """Draw x_t given x_s, s <= t (Hoogeboom et al. 2021, section 4)."""
        alpha = self.schedule.alpha_bar(t, x_s) / self.schedule.alpha_bar(s, x_s)
        turned = self.sample(((1 - alpha) / 2).to(x_s.dtype).expand_as(x_s), generator)
        return (x_s - turned).abs()

    def reverse(self, logit: Tensor, x_t: Tensor, t: Tensor, s: Tensor) -> Tensor:
        """Probability of x_s = 1 given x_t, where the denoiser gives x_0 = 1 the log-odds ``logit``, s < t.

        As :meth:`rarelabel.diffusion.multinomial.MultinomialDiffusion.log_reverse`, the mean of the posterior over the
        belief about x_0.
        """
        sign = 2 * x_t - 1
        # the belief is about x_0 given x_t; what x_t says is taken out here, and comes back below
        reweighted = logit - sign * self._evidence(t, torch.zeros_like(t), x_t)
        kept = self.schedule.alpha_bar(s, x_t)
        replaced = ((1 - kept) / 2).to(x_t.dtype)
        kept = kept.to(x_t.dtype)
        # both from their logits: 1 - p would lose what is left of a rare state
        one, zero = kept * torch.sigmoid(reweighted) + replaced, kept * torch.sigmoid(-reweighted) + replaced
        return torch.sigmoid(one.log() - zero.log() + sign * self._evidence(t, s, x_t))

    def sample(self, p: Tensor, generator: torch.Generator) -> Tensor:
        """Draw bits that are 1 with probability p."""
        drawn = torch.rand(p.shape, generator=generator, device=generator.device, dtype=p.dtype).to(p.device)
        return (drawn < p).to(p.dtype)

    def _evidence(self, t: Tensor, s: Tensor, like: Tensor) -> Tensor:
        """What x_t = 1 adds to the log-odds of x_s = 1: log((1 + α_{t|s}) / (1 - α_{t|s}))."""
        alpha = self.schedule.alpha_bar(t, like) / self.schedule.alpha_bar(s, like)
        return (torch.log1p(alpha) - torch.log1p(-alpha)).to(like.dtype)
