"""What the released code of MLDM does, for comparison only: its rows are far from the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation import Matrix, as_csr
from rarelabel.generative._model import Recipe, draw
from rarelabel.generative._subset_model import Trained

__all__ = ["RELEASED", "draw_as_released"]

RELEASED = Recipe(
    sampling_steps=1000, prediction="epsilon", clamp=False, eta=1.0, known_share=0.0, denoiser="mlp", width=256,
    dropout=0.0, steps=1000, batch_size=4096, ema=0.0, max_norm=None, patience=None,
)  # fmt: skip
"""Noise predicted for every column as if it were a number, nothing held in range, no average of the weights."""


def draw_as_released(
    trained: Trained, n: int, *, generator: torch.Generator, **place: Any
) -> tuple[Matrix, NDArray[np.bool_]]:
    """Draw rows as the released code does: no conditions, and each batch stretched over the training range."""
    encoder = trained.encoder
    Z = draw(trained.model, n, generator=generator, **place).astype(np.float64)
    Z = np.clip(np.nan_to_num(Z), -1e30, 1e30)
    X, Y = encoder.inverse_transform(Z)
    bounds, _ = encoder.inverse_transform(np.stack([encoder.lower_, encoder.upper_]))
    dense, (low, high) = (rows.toarray() if sparse.issparse(rows) else rows for rows in (X, bounds))
    for block in encoder.blocks_:
        if block.is_continuous:
            # NOTE[DIFF] a batch that is constant in a column stays at its lower end; the release raises
            part = Z[:, block.columns]
            span = np.ptp(part, axis=0) if n else np.ones(block.width)
            share = (part - part.min(axis=0, initial=np.inf)) / np.where(span > 0, span, 1)
            sources = list(block.sources)
            stretched = low[sources] + share * (high[sources] - low[sources])
            dense[:, sources] = np.rint(stretched) if block.kind == "integer" else stretched
    return (as_csr(dense) if sparse.issparse(X) else dense), Y
