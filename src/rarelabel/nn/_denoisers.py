"""Multi-layer perceptrons that denoise, and what denoisers share: the time, the skip path, what is known of a row."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["KnownEmbedding", "MLPDenoiser", "ResidualMLPDenoiser", "Skip", "TimeEmbedding", "denoiser_width"]


_WIDE = 400
"""Columns above which a known value is lost among the others. Narrow tables learn their labels without this, and told
loudly their rows are a little too typical of them. bibtex with its 1,995 columns did not learn its labels."""


def denoiser_width(d: int) -> int:
    """Hidden units for a table of d encoded columns: 2 d, rounded up to a multiple of 64, from 256 to 1024.

    A network much narrower than its input cannot give back what differs from column to column; beyond 1024 the skip
    path of the denoisers carries that.

    Examples
    --------
    >>> [denoiser_width(d) for d in (3, 150, 400, 2000)]
    [256, 320, 832, 1024]
    """
    return min(max(64 * math.ceil(2 * d / 64), 256), 1024)


class TimeEmbedding(nn.Module):
    """Sines and cosines of the time, and two layers that learn from them (Ho et al. 2020, appendix B).

    Parameters
    ----------
    dim : int, default=128
        Size of the embedding, even.
    max_period : float, default=10000
        Of the slowest wave, in thousandths of the time.

    Examples
    --------
    >>> TimeEmbedding(4)(torch.tensor([0.0, 0.5])).shape
    torch.Size([2, 4])
    """

    frequencies: Tensor

    def __init__(self, dim: int = 128, *, max_period: float = 10_000) -> None:
        super().__init__()
        if dim < 2 or dim % 2:
            raise ValueError(f"the size of a time embedding must be even and positive, got {dim!r}")
        exponents = torch.arange(dim // 2) / (dim // 2)
        # Ho et al. count time in steps of 1000; t / T is stretched to the same, so that T may be any
        self.register_buffer("frequencies", 1000 * max_period**-exponents, persistent=False)
        self.layers = nn.Sequential(nn.Linear(dim, dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, time: Tensor) -> Tensor:
        """Embed times t / T, shape (n,), as shape (n, dim)."""
        angles = time[:, None] * self.frequencies
        return self.layers(torch.cat([angles.cos(), angles.sin()], dim=1))


class Skip(nn.Module):
    """Each column's own straight line to its output, whose slope and offset follow the time.

    The noise in x_t, and the evidence of a noised state about its own column, pass here, not through the hidden layers
    that may be narrower than the table. Starts at 0.
    """

    def __init__(self, d: int, time_dim: int) -> None:
        super().__init__()
        self.line = nn.Linear(time_dim, 2 * d)
        nn.init.zeros_(self.line.weight)
        nn.init.zeros_(self.line.bias)

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        slope, offset = self.line(embedded).chunk(2, dim=1)
        return slope * x + offset


class KnownEmbedding(nn.Module):
    """Which columns of a row are known, and in wide tables their values, told as loudly as all noised columns together.

    A wide table has thousands of noised columns and one known label. In a projection of all columns alike the label is
    lost among the noise, and a network learns it so slowly that rows drawn for a label do not look like its rows. So
    known values have a projection of their own, with weights of order 1, and are scaled to length 1 if they are longer:
    many of them are no louder than one.

    Parameters
    ----------
    d : int
    width : int
    loud : bool
        Tell values too; the network knows them from the noised columns anyway.
    """

    def __init__(self, d: int, width: int, *, loud: bool) -> None:
        super().__init__()
        self.which = nn.Linear(d, width, bias=False)
        self.values = nn.Linear(d, width, bias=False) if loud else None
        if self.values is not None:
            nn.init.uniform_(self.values.weight, -1, 1)

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        """Embed the columns of x, shape (n, d), that are ``known``, as shape (n, width)."""
        which = known.to(x.dtype)
        told = self.which(which)
        if self.values is None:
            return told
        values = which * x
        return told + self.values(values) / values.norm(dim=1, keepdim=True).clamp(min=1)


class MLPDenoiser(nn.Module):
    """A multi-layer perceptron with the time added to its projected input, as in TabDDPM and MLDM.

    Parameters
    ----------
    d : int
        Columns in and out.
    width : int, default=None
        Units of each hidden layer; :func:`denoiser_width` of d by default.
    depth : int, default=2
        Hidden layers.
    dropout : float, default=0.0
    time_dim : int, default=128
        Size of the time embedding.
    skip : bool, default=True
        Add each column's own straight line to its output.
    conditional : bool, default=False
        Take a third argument: the mask of the columns whose true values x holds. Above 400 columns these values have a
        projection of their own, :class:`KnownEmbedding`.

    Examples
    --------
    >>> MLPDenoiser(7)(torch.zeros(3, 7), torch.tensor([0.1, 0.5, 1.0])).shape
    torch.Size([3, 7])
    """

    def __init__(
        self,
        d: int,
        *,
        width: int | None = None,
        depth: int = 2,
        dropout: float = 0.0,
        time_dim: int = 128,
        skip: bool = True,
        conditional: bool = False,
    ) -> None:
        super().__init__()
        width = denoiser_width(d) if width is None else width
        self.time = TimeEmbedding(time_dim)
        self.project = nn.Linear(d, width)
        self.known = KnownEmbedding(d, width, loud=d > _WIDE) if conditional else None
        self.project_time = nn.Linear(time_dim, width)
        layers: list[nn.Module] = []
        for _ in range(depth):
            layers += [nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout)]
        self.hidden = nn.Sequential(*layers)
        self.out = nn.Linear(width, d)
        self.skip = Skip(d, time_dim) if skip else None

    def forward(self, x: Tensor, time: Tensor, known: Tensor | None = None) -> Tensor:
        """Denoise x, shape (n, d), at times t / T, shape (n,), where the columns in ``known`` are not noised."""
        embedded = self.time(time)
        h = self.project(x) + self.project_time(embedded)
        if self.known is not None and known is not None:
            h = h + self.known(x, known)
        out = self.out(self.hidden(h))
        return out if self.skip is None else out + self.skip(x, embedded)


class ResidualMLPDenoiser(nn.Module):
    """Residual blocks of two layers, each told the time (Gorishniy et al. 2021, section 3.2, with time added).

    Parameters
    ----------
    d : int
        Columns in and out.
    width : int, default=None
        Units that the blocks add to; :func:`denoiser_width` of d by default.
    depth : int, default=3
        Blocks.
    dropout : float, default=0.0
    time_dim : int, default=128
        Size of the time embedding.
    skip : bool, default=True
        Add each column's own straight line to its output.
    conditional : bool, default=False
        Take a third argument: the mask of the columns whose true values x holds. Above 400 columns these values have a
        projection of their own, :class:`KnownEmbedding`.

    Examples
    --------
    >>> ResidualMLPDenoiser(7)(torch.zeros(3, 7), torch.tensor([0.1, 0.5, 1.0])).shape
    torch.Size([3, 7])
    """

    def __init__(
        self,
        d: int,
        *,
        width: int | None = None,
        depth: int = 3,
        dropout: float = 0.0,
        time_dim: int = 128,
        skip: bool = True,
        conditional: bool = False,
    ) -> None:
        super().__init__()
        width = denoiser_width(d) if width is None else width
        self.time = TimeEmbedding(time_dim)
        self.project = nn.Linear(d, width)
        self.known = KnownEmbedding(d, width, loud=d > _WIDE) if conditional else None
        self.blocks = nn.ModuleList(_ResidualBlock(width, time_dim, dropout) for _ in range(depth))
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, d))
        self.skip = Skip(d, time_dim) if skip else None

    def forward(self, x: Tensor, time: Tensor, known: Tensor | None = None) -> Tensor:
        """Denoise x, shape (n, d), at times t / T, shape (n,), where the columns in ``known`` are not noised."""
        embedded = self.time(time)
        h = self.project(x)
        if self.known is not None and known is not None:
            h = h + self.known(x, known)
        for block in self.blocks:
            h = block(h, embedded)
        out = self.out(h)
        return out if self.skip is None else out + self.skip(x, embedded)


class _ResidualBlock(nn.Module):
    """Normalise, add the time, two layers; the sum with the input."""

    def __init__(self, width: int, time_dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.time = nn.Linear(time_dim, width)
        self.layers = nn.Sequential(
            nn.Linear(width, width), nn.SiLU(), nn.Dropout(dropout), nn.Linear(width, width), nn.Dropout(dropout)
        )

    def forward(self, h: Tensor, embedded: Tensor) -> Tensor:
        return h + self.layers(self.norm(h) + self.time(embedded))
