"""Rows drawn at random mixed with minority rows: Eq. 5 of BalanceMix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scipy.special import betaincinv

try:
    import torch
except ImportError as error:
    raise ImportError("mixup needs PyTorch: pip install 'rarelabel[torch]'") from error

from torch import Tensor

__all__ = ["mixing_weights", "mixup"]


def mixup(
    random: Sequence[Any],
    minority: Sequence[Any],
    *,
    alpha: float = 4.0,
    per_row: bool = True,
    generator: torch.Generator | None = None,
    lam: Tensor | None = None,
) -> tuple[tuple[Tensor, ...], Tensor]:
    r"""Mix rows of two samplers, more of the first than of the second (Song et al. 2024, Eq. 5).

    .. math:: \lambda = \max(\lambda', 1 - \lambda'), \quad \lambda' \sim Beta(\alpha, \alpha), \qquad
        x = \lambda x_R + (1 - \lambda) x_M, \quad y = \lambda y_R + (1 - \lambda) y_M

    The weights of the labels in :func:`reliability_weighted_bce` are those of the first batch: it has the larger part.

    Parameters
    ----------
    random : sequence of tensors or arrays with b rows each
        Inputs, labels and whatever else is to be mixed, of rows drawn at random. Truth values and whole numbers
        become floats of the type of the first tensor, and all lie where it lies.
    minority : sequence of tensors or arrays of the same shapes
        The same of rows that a :class:`MinoritySampler` drew.
    alpha : float, default=4.0
        The larger, the nearer :math:`\lambda` is to 1/2; 0 mixes nothing.
    per_row : bool, default=True
        Draw a :math:`\lambda` for each row, as Eq. 5 is written, or one for the batch. The paper does not say which.
    generator : torch.Generator, default=None
        Where the random numbers come from; None: torch's global generator.
    lam : Tensor, shape (b,), default=None
        Weights that :func:`mixing_weights` drew before; the three parameters above are not looked at then.

    Returns
    -------
    mixed : tuple of Tensor
        One for each tensor of ``random``.
    lam : Tensor, shape (b,)
        :math:`\lambda` of each row, in [1/2, 1].

    Raises
    ------
    ValueError
        If ``alpha`` is negative or no number, or the shapes of the two differ.

    Examples
    --------
    >>> import torch
    >>> from rarelabel.augmentation import mixup
    >>> x, y = torch.zeros(2, 3), torch.tensor([[True, False]] * 2)
    >>> (x_mix, y_mix), lam = mixup((x, y), (x + 1, ~y), generator=torch.Generator().manual_seed(0))
    >>> torch.allclose(x_mix, 1 - lam[:, None]), torch.allclose(y_mix[:, 0], lam)
    (True, True)
    """
    first = _tensors(random)
    second = _tensors(minority, like=first)
    shapes, others = ([tuple(tensor.shape) for tensor in tensors] for tensors in (first, second))
    if shapes != others or len({shape[:1] for shape in shapes}) != 1:
        raise ValueError(f"expected two batches of the same shapes and number of rows, got {shapes} and {others}")
    n = shapes[0][0]
    if lam is None:
        lam = mixing_weights(n, alpha=alpha, per_row=per_row, generator=generator)
    lam = torch.as_tensor(lam).to(first[0])
    if lam.shape != (n,):
        raise ValueError(f"lam has shape {tuple(lam.shape)}, expected {(n,)}: a weight for each row")
    mixed = []
    for a, b in zip(first, second, strict=True):
        share = lam.reshape(n, *[1] * (a.ndim - 1))
        mixed.append(share * a + (1 - share) * b)
    return tuple(mixed), lam


def mixing_weights(
    n: int, *, alpha: float = 4.0, per_row: bool = True, generator: torch.Generator | None = None
) -> Tensor:
    """Draw the weights of n random rows, as :func:`mixup` does by itself.

    Parameters
    ----------
    n : int
    alpha, per_row, generator : as in :func:`mixup`

    Returns
    -------
    Tensor of float64, shape (n,), in [1/2, 1]

    Raises
    ------
    ValueError
        If ``alpha`` is negative or no number.
    """
    if not (alpha >= 0 and alpha < float("inf")):
        raise ValueError(f"alpha must be a number of at least 0, got {alpha!r}")
    device = "cpu" if generator is None else generator.device
    u = torch.rand(n if per_row else 1, dtype=torch.float64, generator=generator, device=device).cpu()
    lam = torch.ones_like(u)  # the limit of alpha = 0: all weight at 0 and 1
    if alpha > 0:
        lam = torch.from_numpy(betaincinv(alpha, alpha, u.numpy()))
        lam = torch.maximum(lam, 1 - lam)
    return lam.expand(n)


def _tensors(values: Sequence[Any], like: Sequence[Tensor] | None = None) -> list[Tensor]:
    if len(values) == 0:
        raise ValueError("expected at least one tensor to mix")
    tensors = [torch.as_tensor(value) for value in values]
    lead = tensors[0] if like is None else like[0]
    dtype = lead.dtype if lead.is_floating_point() else torch.get_default_dtype()
    return [tensor.to(lead.device, tensor.dtype if tensor.is_floating_point() else dtype) for tensor in tensors]
