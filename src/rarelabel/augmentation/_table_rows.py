"""Rows of a table as inputs of a network, a batch at a time, and random views of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from rarelabel._validation import Features, Matrix
from rarelabel.encoding import TableEncoder
from rarelabel.schema import Schema

__all__ = ["TableInputs", "TableRows", "TableViews"]

_CELLS = 2**22
"""Of encoded rows that are held at once."""

_NOTHING = np.zeros(0)
"""Training codes of a column whose values mean nothing."""


@dataclass(frozen=True, eq=False)
class TableInputs:
    """How rows of a table become inputs; learned from training rows by :meth:`fit`.

    Numbers get mean 0 and standard deviation 1, columns of two values 0 and 1, other categories a column each. What
    training rows never showed (an unknown category, a missing value where none was missing) is encoded as the mean of
    the training rows, which says nothing.

    Parameters
    ----------
    schema : Schema
    encoder : TableEncoder
    is_known : ndarray of bool, shape (d,)
        Whether a column of X had a value in training.
    means : ndarray of float32, shape (w,)
        Of the encoded columns over the training rows.
    sources : ndarray of int, shape (w,)
        The column of X that each encoded column is of.
    is_number : ndarray of bool, shape (w,)
    """

    schema: Schema
    encoder: TableEncoder
    is_known: NDArray[np.bool_]
    means: NDArray[np.float32]
    sources: NDArray[np.intp]
    is_number: NDArray[np.bool_]

    @classmethod
    def fit(cls, X: Matrix, schema: Schema) -> Self:
        """Learn from training rows as the door gives them."""
        encoder = TableEncoder("standard", usual_share=1.0).fit(X, schema)
        sources = [np.broadcast_to(block.sources, block.width) for block in encoder.blocks_]
        is_number = [np.full(block.width, block.is_continuous) for block in encoder.blocks_]
        total = np.zeros(encoder.width_)
        step = max(1, _CELLS // max(1, encoder.width_))
        for start in range(0, X.shape[0], step):
            total += encoder.transform(X[start : start + step]).sum(axis=0)
        return cls(
            schema,
            encoder,
            np.array([_has_values(X, j) for j in range(X.shape[1])]),
            (total / X.shape[0]).astype(np.float32),
            np.concatenate([*sources, np.zeros(0, np.intp)]).astype(np.intp),
            np.concatenate([*is_number, np.zeros(0, bool)]).astype(bool),
        )

    @property
    def width(self) -> int:
        """Number of inputs, at least one."""
        return max(1, self.encoder.width_)

    @property
    def n_at_once(self) -> int:
        """Rows to be encoded at a time where there are many."""
        return max(1, _CELLS // self.width)

    def rows(self, features: Features) -> TableRows:
        """Rows of the same columns; ValueError where a column holds numbers instead of categories, or the reverse.

        A column without any value, in training or now, is missing throughout, whatever it was taken for.
        """
        codes = {}
        for j, (known, found) in enumerate(zip(self.schema.features, features.columns, strict=True)):
            if (known.kind == "category") != (found.kind == "category"):
                if not (self.is_known[j] and _has_values(features.X, j)):
                    codes[j] = _NOTHING
                    continue
                kinds = ["categories" if column.kind == "category" else "numbers" for column in (known, found)]
                raise ValueError(f"column {known.name!r} held {kinds[0]} in training, now it holds {kinds[1]}")
            if known.categories != found.categories:
                of = {value: code for code, value in enumerate(known.categories)}
                codes[j] = np.array([of.get(value, np.nan) for value in found.categories])
        return TableRows(features.X, self, codes)

    def encode(self, X: NDArray[Any], codes: dict[int, NDArray[np.float64]]) -> NDArray[np.float32]:
        """Dense rows encoded; ``codes``: of columns whose categories have other codes here, those of training."""
        X = np.array(X, dtype=np.float64)
        for j, training_codes in codes.items():
            present = ~np.isnan(X[:, j])
            if not len(training_codes):
                X[:, j] = np.nan
            else:
                X[present, j] = training_codes[X[present, j].astype(np.intp)]
        unseen = np.isnan(X)
        for block in self.encoder.blocks_:
            if block.kind == "missing":  # an unknown category is a missing one there
                unseen[:, list(block.sources)] = False
        X[unseen] = 0
        Z: NDArray[np.float32] = self.encoder.transform(X, dtype=np.float32)
        if unseen.any():
            Z = np.where(unseen[:, self.sources], self.means, Z)
        return Z if Z.shape[1] else np.zeros((len(Z), 1), np.float32)


@dataclass(frozen=True, eq=False)
class TableRows:
    """A map-style dataset of encoded rows. Dense rows are encoded once, sparse ones when they are asked for.

    Parameters
    ----------
    X : ndarray or csr_array, shape (n, d)
    inputs : TableInputs
    codes : dict
        As in :meth:`TableInputs.encode`.
    """

    X: Matrix
    inputs: TableInputs
    codes: dict[int, NDArray[np.float64]]

    def __post_init__(self) -> None:
        encoded = None if sparse.issparse(self.X) else torch.from_numpy(self.inputs.encode(self.X, self.codes))
        object.__setattr__(self, "_encoded", encoded)

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def __getitem__(self, row: int) -> Tensor:
        return self.__getitems__([row])[0]

    def __getitems__(self, rows: Any) -> Tensor:
        encoded: Tensor | None = getattr(self, "_encoded", None)
        if encoded is not None:
            return encoded[torch.as_tensor(rows)]
        return torch.from_numpy(self.inputs.encode(self.X[rows].toarray(), self.codes))


@dataclass(frozen=True, eq=False)
class TableViews:
    """A random view of each row: columns put to their means, and noise on numbers.

    Parameters
    ----------
    mask_share : float in [0, 1)
        Share of the columns of X whose value is replaced by the mean of the training rows.
    noise : float >= 0
        Standard deviation of the noise on numbers, in standard deviations of their column.
    means : Tensor, shape (w,)
    sources : Tensor of int, shape (w,)
    is_number : Tensor of bool, shape (w,)
    """

    mask_share: float
    noise: float
    means: Tensor
    sources: Tensor
    is_number: Tensor

    @classmethod
    def of(cls, inputs: TableInputs, *, mask_share: float, noise: float) -> Self:
        """Views of these inputs."""
        parts = inputs.means, inputs.sources, inputs.is_number
        return cls(mask_share, noise, *(torch.from_numpy(part) for part in parts))

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if not len(self.sources):
            return x
        shape = len(x), int(self.sources.max()) + 1
        if self.noise:
            noise = self.noise * torch.randn(x.shape, generator=generator) * self.is_number
            x = x + noise.to(x)
        if self.mask_share:
            masked = (torch.rand(shape, generator=generator) < self.mask_share)[:, self.sources]
            x = torch.where(masked.to(x.device), self.means.to(x), x)
        return x


def _has_values(X: Matrix, j: int) -> bool:
    """Whether a column has one that is not missing; of a sparse one, those that are not stored are zeros."""
    if not sparse.issparse(X):
        return not bool(np.isnan(X[:, j]).all())
    column = X[:, [j]]
    return column.nnz < X.shape[0] or not bool(np.isnan(column.data).all())
