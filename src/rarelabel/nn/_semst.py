"""SEMST-ResNet: self-attention between the columns of a row, and noise shrunk away by a threshold of the row's own."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu, scaled_dot_product_attention

from rarelabel.nn._denoisers import Skip, TimeEmbedding, denoiser_width

__all__ = ["SEMSTResNet", "soft_threshold"]


def soft_threshold(x: Tensor, tau: Tensor) -> Tensor:
    """Soft thresholding, ``sign(x) max(|x| - tau, 0)``: what is nearer to 0 than tau is noise, and the rest shrinks.

    Examples
    --------
    >>> soft_threshold(torch.tensor([-3.0, -0.5, 0.0, 2.0]), torch.tensor(1.0))
    tensor([-2., -0.,  0.,  1.])
    """
    return x.sign() * relu(x.abs() - tau)


class SEMSTResNet(nn.Module):
    """Residual blocks of self-attention between columns and learned soft thresholds, the denoiser of SEMRes-DDPM.

    Parameters
    ----------
    d : int
        Columns in and out.
    width : int, default=None
        Hidden units of the shrinkage branch; :func:`denoiser_width` of d by default.
    depth : int, default=3
        Blocks.
    dropout : float, default=0.0
    time_dim : int, default=128
        Size of the time embedding.
    token_dim : int, default=16
        Size of a token, a multiple of ``n_heads``.
    n_heads : int, default=2
        Heads of the attention.
    max_tokens : int, default=24
        Most tokens of a row. Attention costs their square, whatever d is.
    variables : sequence of int, default=None
        Numbers of neighbouring columns that are one variable (the columns of a category); they sum to d. By default
        each column is one.
    attention, shrinkage, residual : bool, default=True
        Whether blocks have self-attention; the soft threshold; shortcuts around what they do.
    skip : bool, default=True
        Add each column's own straight line to its output.
    conditional : bool, default=False
        Take a third argument: the mask of the columns whose true values x holds.

    Raises
    ------
    ValueError
        If ``token_dim`` is no multiple of ``n_heads``, a number is below 1, or ``variables`` do not sum to d.

    Notes
    -----
    A variable is a token: a straight map of its columns. Where there are more than ``max_tokens`` variables, neighbours
    share a token, each of about d / ``max_tokens`` columns.

    A block adds the time, then h <- h + attention(norm(h)), then h <- h + shrink(layers(norm(h))). The two layers see
    all tokens at once. The threshold is that of deep residual shrinkage networks, one for each row and token:
    ``tau = alpha mean|h|``, the mean over the token's units, and ``alpha = sigmoid(FC(mean|h|))``, where FC sees the
    means of all tokens of the row. As alpha < 1, no token is shrunk away altogether.

    NOTE[DIFF] The paper gives no sizes, no order of the parts and no tokens. Those here are our own.

    References
    ----------
    "SEMRes-DDPM", residual network based diffusion modelling for imbalanced tables. arXiv 2403.05918, 2024.

    M. Zhao et al., "Deep residual shrinkage networks for fault diagnosis". IEEE Transactions on Industrial Informatics,
    16(7), 2020.

    Examples
    --------
    >>> SEMSTResNet(7)(torch.zeros(3, 7), torch.tensor([0.1, 0.5, 1.0])).shape
    torch.Size([3, 7])
    >>> SEMSTResNet(500).n_tokens, SEMSTResNet(9, variables=[1, 1, 7]).n_tokens
    (24, 3)
    """

    def __init__(
        self,
        d: int,
        *,
        width: int | None = None,
        depth: int = 3,
        dropout: float = 0.0,
        time_dim: int = 128,
        token_dim: int = 16,
        n_heads: int = 2,
        max_tokens: int = 24,
        variables: Sequence[int] | None = None,
        attention: bool = True,
        shrinkage: bool = True,
        residual: bool = True,
        skip: bool = True,
        conditional: bool = False,
    ) -> None:
        super().__init__()
        if min(n_heads, token_dim, max_tokens) < 1 or token_dim % n_heads:
            raise ValueError(f"token_dim must be a multiple of n_heads, got {token_dim!r} and {n_heads!r}")
        width = denoiser_width(d) if width is None else width
        tokens = _columns_of_tokens(d, variables, max_tokens)
        self.n_tokens = len(tokens)
        self.conditional = conditional
        self.time = TimeEmbedding(time_dim)
        self.tokens = _Tokens(tokens, 2 * d if conditional else d, token_dim, shift=d if conditional else None)
        self.blocks = nn.ModuleList(
            _Block(
                self.n_tokens,
                token_dim,
                n_heads,
                width,
                time_dim,
                dropout,
                attention=attention,
                shrinkage=shrinkage,
                residual=residual,
            )
            for _ in range(depth)
        )
        self.out = nn.Sequential(nn.LayerNorm(self.n_tokens * token_dim), nn.Linear(self.n_tokens * token_dim, d))
        self.skip = Skip(d, time_dim) if skip else None

    def forward(self, x: Tensor, time: Tensor, known: Tensor | None = None) -> Tensor:
        """Denoise x, shape (n, d), at times t / T, shape (n,), where the columns in ``known`` are not noised."""
        embedded = self.time(time)
        seen = x
        if self.conditional:
            seen = torch.cat([x, torch.zeros_like(x) if known is None else known.to(x.dtype)], dim=1)
        h = self.tokens(seen)
        for block in self.blocks:
            h = block(h, embedded)
        out = self.out(h.flatten(1))
        return out if self.skip is None else out + self.skip(x, embedded)


def _columns_of_tokens(d: int, variables: Sequence[int] | None, max_tokens: int) -> list[list[int]]:
    """The columns of each token."""
    widths = [1] * d if variables is None else list(variables)
    if sum(widths) != d or min(widths, default=0) < 1:
        raise ValueError(f"variables must be numbers of columns that sum to {d}, got a sum of {sum(widths)}")
    tokens: dict[int, list[int]] = {}
    start = 0
    for variable, width in enumerate(widths):
        token = variable if len(widths) <= max_tokens else start * max_tokens // d
        tokens.setdefault(token, []).extend(range(start, start + width))
        start += width
    return list(tokens.values())


class _Tokens(nn.Module):
    """A straight map of each token's columns to its units, and a start of its own.

    With ``shift`` the mask of known columns stands that many columns to the right of x, and is mapped as well.
    """

    columns: Tensor

    def __init__(self, tokens: list[list[int]], d: int, dim: int, *, shift: int | None) -> None:
        super().__init__()
        if shift is not None:
            tokens = [columns + [c + shift for c in columns] for columns in tokens]
        longest = max(map(len, tokens))
        # shorter tokens are filled up with column d, which is 0
        index = torch.tensor([columns + [d] * (longest - len(columns)) for columns in tokens])
        self.register_buffer("columns", index, persistent=False)
        self.weight = nn.Parameter(torch.empty(d, dim).uniform_(-1, 1) / math.sqrt(longest))
        self.bias = nn.Parameter(torch.empty(len(tokens), dim).uniform_(-1, 1))

    def forward(self, x: Tensor) -> Tensor:
        of_token, weight = pad(x, (0, 1))[:, self.columns], pad(self.weight, (0, 0, 0, 1))[self.columns]
        return torch.einsum("ntc,tcu->ntu", of_token, weight) + self.bias


class _Block(nn.Module):
    """The time, attention between tokens, then two layers whose output is shrunk; each part but the time optional."""

    def __init__(
        self,
        n_tokens: int,
        dim: int,
        n_heads: int,
        width: int,
        time_dim: int,
        dropout: float,
        *,
        attention: bool,
        shrinkage: bool,
        residual: bool,
    ) -> None:
        super().__init__()
        self.residual = residual
        self.time = nn.Linear(time_dim, dim)
        self.attention = _Attention(dim, n_heads) if attention else None
        self.norm = nn.LayerNorm(dim)
        self.layers = nn.Sequential(
            nn.Linear(n_tokens * dim, width), nn.SiLU(), nn.Dropout(dropout), nn.Linear(width, n_tokens * dim)
        )
        self.shrinkage = _Shrinkage(n_tokens) if shrinkage else None

    def forward(self, h: Tensor, embedded: Tensor) -> Tensor:
        h = h + self.time(embedded)[:, None]
        if self.attention is not None:
            attended = self.attention(h)
            h = h + attended if self.residual else attended
        branch = self.layers(self.norm(h).flatten(1)).view_as(h)
        if self.shrinkage is not None:
            branch = self.shrinkage(branch)
        return h + branch if self.residual else branch


class _Attention(nn.Module):
    """Multi-head self-attention between the tokens of a row (Vaswani et al. 2017), normalised first."""

    def __init__(self, dim: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm = nn.LayerNorm(dim)
        self.project = nn.Linear(dim, 3 * dim)
        self.merge = nn.Linear(dim, dim)

    def forward(self, h: Tensor) -> Tensor:
        n, m, dim = h.shape
        heads = self.project(self.norm(h)).view(n, m, 3, self.n_heads, dim // self.n_heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        return self.merge(scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(n, m, dim))


class _Shrinkage(nn.Module):
    """Soft thresholding of each token by alpha times its mean size, where alpha is learned from the sizes of all."""

    def __init__(self, n_tokens: int) -> None:
        super().__init__()
        self.scale = nn.Sequential(nn.Linear(n_tokens, n_tokens), nn.ReLU(), nn.Linear(n_tokens, n_tokens))

    def forward(self, h: Tensor) -> Tensor:
        size = h.abs().mean(dim=2)
        alpha = torch.sigmoid(self.scale(size))
        return soft_threshold(h, (alpha * size)[:, :, None])
