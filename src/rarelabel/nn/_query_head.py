"""A query for each label that looks at the feature map of an image."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

__all__ = ["QueryHead"]


@final
class QueryHead(nn.Module):
    """From a feature map to a logit for each label, by queries that attend to its places.

    Each label has a learnt query, so that it can look at its own part of the image, where the mean over all places
    would drown what is small. One layer of a Transformer decoder without self-attention, as in ML-Decoder (Ridnik et
    al. 2023); queries are learnt and each label has a linear map of its own, as in Query2Label (Liu et al. 2021).

    Parameters
    ----------
    n_features : int
        Channels of the feature map.
    n_labels : int
    dim : int, default=256
        Size of a query, a multiple of ``n_heads``.
    n_heads : int, default=8
        Heads of the attention.
    hidden : int, default=None
        Units of the two layers after the attention; None: twice ``dim``.

    Raises
    ------
    ValueError
        If ``dim`` is no multiple of ``n_heads``.

    References
    ----------
    T. Ridnik et al. (2023), "ML-Decoder: scalable and versatile classification head", WACV.
    S. Liu et al. (2021), "Query2Label: a simple Transformer way to multi-label classification"; arXiv 2107.10834.

    Examples
    --------
    >>> import torch
    >>> from rarelabel.nn import QueryHead
    >>> QueryHead(512, 17)(torch.zeros(2, 512, 4, 4)).shape
    torch.Size([2, 17])
    """

    def __init__(
        self, n_features: int, n_labels: int, *, dim: int = 256, n_heads: int = 8, hidden: int | None = None
    ) -> None:
        super().__init__()
        if dim % n_heads:
            raise ValueError(f"dim must be a multiple of n_heads ({n_heads}), got {dim!r}")
        hidden = 2 * dim if hidden is None else hidden
        self.queries = nn.Parameter(torch.randn(n_labels, dim))
        self.embed = nn.Linear(n_features, dim)
        self.attention = nn.MultiheadAttention(dim, n_heads, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.feed = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, dim))
        self.weight = nn.Parameter(torch.randn(n_labels, dim) / dim**0.5)
        self.bias = nn.Parameter(torch.zeros(n_labels))

    def forward(self, x: Tensor) -> Tensor:
        """From a feature map, shape (b, n_features, h, w), to logits, shape (b, n_labels)."""
        places = torch.relu(self.embed(x.flatten(2).transpose(1, 2)))
        queries = self.queries.expand(len(x), -1, -1)
        seen, _ = self.attention(queries, places, places, need_weights=False)
        h = self.norm1(queries + seen)
        h = self.norm2(h + self.feed(h))
        return (h * self.weight).sum(dim=-1) + self.bias
