"""The terms of AEMLO's loss: two views that agree, labels decoded, features decoded."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from rarelabel.encoding import Block, idle_numbers

__all__ = ["feature_loss", "latent_loss", "mean_correlation", "n_variables", "ranking_loss", "soft_ranking_loss"]


def covariance(U: Tensor, V: Tensor) -> Tensor:
    """Cov(u, v), shape (z, z)."""
    return (U - U.mean(dim=0)).T @ (V - V.mean(dim=0)) / len(U)


def latent_loss(U: Tensor, V: Tensor, orthogonality: float = 0.1) -> Tensor:
    """The correlation of two views in the soft form of C2AE (Yeh et al. 2017, equation 3), per latent dimension.

    (E ‖u - v‖² + λ (‖Cov(u) - I‖² + ‖Cov(v) - I‖²)) / z. Under the constraint Cov(u) = Cov(v) = I of canonical
    correlation analysis E ‖u - v‖² is 2 z - 2 tr Cov(u, v) where the means agree, so the least distance is the largest
    correlation. Only z x z matrices are made; all is summed in double precision.

    Parameters
    ----------
    U, V : Tensor, shape (n, z)
    orthogonality : float, default=0.1
        λ.

    Returns
    -------
    Tensor, shape ()

    Examples
    --------
    >>> U = 2**0.5 * torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])  # of covariance I
    >>> latent_loss(U, U).item() < 1e-12, round(latent_loss(U, -U).item(), 6)  # ‖2 u‖² = 8 in two dimensions
    (True, 4.0)
    """
    U, V = U.double(), V.double()
    distance = ((U - V) ** 2).sum() / len(U)
    identity = torch.eye(U.shape[1], dtype=U.dtype, device=U.device)
    departure = ((covariance(U, U) - identity) ** 2).sum() + ((covariance(V, V) - identity) ** 2).sum()
    return (distance + orthogonality * departure) / U.shape[1]


def mean_correlation(U: Tensor, V: Tensor) -> float:
    """Correlation of two views, mean over the latent dimensions, from -1 to 1; 0 for a dimension that does not vary.

    Dimension by dimension, as :func:`latent_loss` has it. The total correlation of Andrew et al. (2013) looks for the
    best directions: of few rows in many dimensions it finds some whatever the views are.

    Parameters
    ----------
    U, V : Tensor, shape (n, z)

    Examples
    --------
    >>> U = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    >>> round(mean_correlation(U, 2 * U + 1), 6), round(mean_correlation(U, -U), 6)
    (1.0, -1.0)
    """
    U, V = U.double() - U.double().mean(dim=0), V.double() - V.double().mean(dim=0)
    spread = (U**2).sum(dim=0).sqrt() * (V**2).sum(dim=0).sqrt()
    return float(torch.where(spread > 0, (U * V).sum(dim=0) / spread, 0.0).mean())


def ranking_loss(scores: Tensor, Y: Tensor) -> Tensor:
    """Mean of exp(-(s_p - s_r)) over the pairs of a label p that a row carries and a label r that it does not.

    The sum over pairs is a product of two sums, so pairs are not made. A row with all labels or none has no pair.

    Parameters
    ----------
    scores : Tensor, shape (n, q)
    Y : Tensor of 0 and 1, shape (n, q)

    Returns
    -------
    Tensor, shape (n,)

    Examples
    --------
    >>> ranking_loss(torch.tensor([[0.0, 0, 0], [3, 1, 1]]), torch.tensor([[1.0, 0, 0], [1, 1, 1]]))
    tensor([1., 0.])
    """
    return _log_ranking_loss(scores, Y).exp()


def soft_ranking_loss(scores: Tensor, Y: Tensor) -> Tensor:
    """Log(1 + :func:`ranking_loss`) of each row, shape (n,), finite however far scores are apart.

    Examples
    --------
    >>> soft_ranking_loss(torch.tensor([[-50.0, 50]]), torch.tensor([[1.0, 0]]))
    tensor([100.])
    """
    return F.softplus(_log_ranking_loss(scores, Y))


def _log_ranking_loss(scores: Tensor, Y: Tensor) -> Tensor:
    carried, others = Y.sum(dim=1), (1 - Y).sum(dim=1)
    lowest = torch.finfo(scores.dtype).min
    low = torch.where(Y > 0, -scores, lowest).logsumexp(dim=1) - carried.clamp(min=1).log()
    high = torch.where(Y > 0, lowest, scores).logsumexp(dim=1) - others.clamp(min=1).log()
    return torch.where((carried > 0) & (others > 0), low + high, -math.inf)


def span(columns: list[int]) -> list[int] | slice:
    """Columns as a slice where they follow each other: a view then, where indices would copy."""
    first, last = columns[0], columns[-1]
    return slice(first, last + 1) if columns == list(range(first, last + 1)) else columns


def n_variables(blocks: tuple[Block, ...]) -> int:
    """Variables of a row: a category is one, whatever its columns."""
    return sum(1 if block.is_one_hot else block.width for block in blocks)


def feature_loss(decoded: Tensor, Z: Tensor, blocks: tuple[Block, ...], errors: Tensor | None = None) -> Tensor:
    """Loss of decoded features, mean over the variables of a row.

    Absolute error of numbers, or the errors given, and cross-entropy of states. A number beside a state "usual value"
    or "missing" that is 1 means nothing and is not scored.

    Parameters
    ----------
    decoded : Tensor, shape (n, d)
        Numbers as they are; of states the logits.
    Z : Tensor, shape (n, d)
        Encoded rows.
    blocks : tuple of Block
    errors : Tensor, shape (n, d), default=None
        Of numbers; other columns of it are not looked at.

    Returns
    -------
    Tensor, shape (n,)
    """
    losses = torch.zeros(len(Z), dtype=Z.dtype, device=Z.device)

    def error(columns: list[int] | slice) -> Tensor:
        return (decoded[:, columns] - Z[:, columns]).abs() if errors is None else errors[:, columns]

    for block in blocks:
        part, target = decoded[:, block.columns], Z[:, block.columns]
        if block.is_one_hot:
            losses = losses - (part.log_softmax(dim=1) * target).sum(dim=1)
        elif block.is_continuous:
            losses = losses + error(block.columns).sum(dim=1)
        else:
            losses = losses + F.binary_cross_entropy_with_logits(part, target, reduction="none").sum(dim=1)
    for numbers, states in idle_numbers(blocks):
        losses = losses - (error(span(numbers)) * Z[:, span(states)]).sum(dim=1)
    return losses / max(n_variables(blocks), 1)
