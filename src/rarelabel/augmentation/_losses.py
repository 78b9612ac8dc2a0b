"""Losses for labels that are rare or wrong."""

from __future__ import annotations

from typing import Any, Literal, final, get_args

try:
    import torch
except ImportError as error:
    raise ImportError("these losses need PyTorch: pip install 'rarelabel[torch]'") from error

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["AsymmetricLoss", "Reduction", "reliability_weighted_bce"]

Reduction = Literal["sum_mean", "mean", "none"]
"""Sum over labels and mean over rows, mean over both, or the loss of each label of each row."""


def reliability_weighted_bce(
    logits: Tensor, targets: Any, weights: Any = None, *, reduction: Reduction = "sum_mean"
) -> Tensor:
    r"""Binary cross-entropy in which ambiguous labels count less (Song et al. 2024, Eq. 10).

    .. math:: \frac{1}{b} \sum_i \Big( \sum_{k \in C \cup R} BCE(f_k(x_i), y_{ik})
        + \sum_{k \in U} p_G(x_i, k) \, BCE(f_k(x_i), y_{ik}) \Big)

    The weights of a :class:`ManagedLabels` are 1 for clean and re-labelled labels and :math:`p_G` for ambiguous ones.
    The sum is not divided by the weights, so a batch of which nothing is trusted has a loss of 0 and no gradient.

    Parameters
    ----------
    logits : Tensor, shape (b, K)
        :math:`\log(f / (1 - f))`. Numbers of 16 bits are taken to 32 first.
    targets : Tensor or array, shape (b, K)
        Labels in [0, 1], mixed or not.
    weights : Tensor or array, shape (b, K), default=None
        None: all 1, the loss of Eq. 1.
    reduction : {"sum_mean", "mean", "none"}, default="sum_mean"
        ``"sum_mean"``: sum over labels, mean over rows, as in the paper.

    Returns
    -------
    Tensor, shape () or (b, K)

    Raises
    ------
    ValueError
        If a logit is NaN or infinite (the message names row and label), or shapes differ.

    Examples
    --------
    >>> import torch
    >>> from rarelabel.augmentation import reliability_weighted_bce
    >>> logits = torch.tensor([[0.0, 0.0], [3.0, -3.0]])
    >>> reliability_weighted_bce(logits, [[1, 0], [1, 0]], [[1, 0.5], [1, 1]])  # (1.5 log 2 + 2 log(1 + e^-3)) / 2
    tensor(0.5684)
    """
    logits, targets, weights = _checked(logits, targets, weights)
    losses = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return _reduced(losses, weights, reduction)


@final
class AsymmetricLoss(nn.Module):
    r"""Binary cross-entropy that forgets easy negatives (Ridnik et al. 2021).

    With :math:`p = \sigma(logit)` and :math:`p_m = \max(p - margin, 0)`,

    .. math:: L = -y \, (1 - p)^{\gamma_+} \log p - (1 - y) \, p_m^{\gamma_-} \log(1 - p_m)

    (their Eqs. 5-7). Gradients pass through all factors. With both exponents and the margin 0 it is binary
    cross-entropy, with equal exponents and no margin the focal loss.

    Parameters
    ----------
    gamma_positive, gamma_negative : float, default=0, 4
        Exponents of positives and negatives; the defaults are those BalanceMix is compared with.
    margin : float in [0, 1), default=0.05
        Negatives with a probability below it count nothing.
    reduction : {"sum_mean", "mean", "none"}, default="sum_mean"
        ``"sum_mean"``: sum over labels, mean over rows.

    Raises
    ------
    ValueError
        If a parameter is out of its range; when called, as :func:`reliability_weighted_bce`.

    References
    ----------
    T. Ridnik et al. (2021), "Asymmetric loss for multi-label classification", ICCV.

    Examples
    --------
    >>> import torch
    >>> from rarelabel.augmentation import AsymmetricLoss
    >>> logits = torch.tensor([[0.0, -4.0]])
    >>> AsymmetricLoss(reduction="none")(logits, [[1, 0]])  # -log 0.5; 0.018 lies below the margin
    tensor([[0.6931, 0.0000]])
    """

    def __init__(
        self,
        *,
        gamma_positive: float = 0.0,
        gamma_negative: float = 4.0,
        margin: float = 0.05,
        reduction: Reduction = "sum_mean",
    ) -> None:
        super().__init__()
        for name, gamma in (("gamma_positive", gamma_positive), ("gamma_negative", gamma_negative)):
            if not gamma >= 0:
                raise ValueError(f"{name} must be at least 0, got {gamma!r}")
        if not 0 <= margin < 1:
            raise ValueError(f"margin must lie in [0, 1), got {margin!r}")
        _check_reduction(reduction)
        self.gamma_positive = gamma_positive
        self.gamma_negative = gamma_negative
        self.margin = margin
        self.reduction: Reduction = reduction

    def forward(self, logits: Tensor, targets: Any, weights: Any = None) -> Tensor:
        """Take what :func:`reliability_weighted_bce` takes; return a Tensor of shape () or (b, K)."""
        logits, targets, weights = _checked(logits, targets, weights)
        tiny = torch.finfo(logits.dtype).tiny  # below it the slope of a power may be infinite
        absent = torch.sigmoid(-logits)
        positive = -functional.logsigmoid(logits)
        if self.gamma_positive:
            positive = positive * absent.clamp(min=tiny) ** self.gamma_positive
        kept = torch.log((absent + self.margin).clamp(max=1)) if self.margin else functional.logsigmoid(-logits)
        negative = -kept
        if self.gamma_negative:
            negative = negative * (torch.sigmoid(logits) - self.margin).clamp(min=tiny) ** self.gamma_negative
        return _reduced(targets * positive + (1 - targets) * negative, weights, self.reduction)

    def extra_repr(self) -> str:
        """The parameters, for ``print(module)``."""
        names = ("gamma_positive", "gamma_negative", "margin", "reduction")
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)


def _checked(logits: Tensor, targets: Any, weights: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    """All three in one type and place."""
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    if not bool(torch.isfinite(logits).all()):
        place = torch.nonzero(~torch.isfinite(logits))[0].tolist()
        raise ValueError(
            f"the logit at {place} (row, label) is {logits[tuple(place)].item()}: expected finite numbers. "
            "Has training diverged? A smaller learning rate or clipped gradients may help"
        )
    return logits, _like(logits, targets, "targets"), None if weights is None else _like(logits, weights, "weights")


def _like(logits: Tensor, values: Any, name: str) -> Tensor:
    tensor = torch.as_tensor(values).to(logits)
    if tensor.shape != logits.shape:
        raise ValueError(f"{name} have shape {tuple(tensor.shape)}, logits {tuple(logits.shape)}: expected the same")
    return tensor


def _reduced(losses: Tensor, weights: Tensor | None, reduction: Reduction) -> Tensor:
    _check_reduction(reduction)
    if weights is not None:
        losses = losses * weights
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum(dim=-1).mean()


def _check_reduction(reduction: str) -> None:
    if reduction not in get_args(Reduction):
        raise ValueError(f"reduction must be one of {get_args(Reduction)}, got {reduction!r}")
