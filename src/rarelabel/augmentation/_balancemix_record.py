"""A line of the history of a BalanceMix run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rarelabel.augmentation._managed_labels import ManagementScores

__all__ = ["EpochRecord"]


@dataclass(frozen=True)
class EpochRecord:
    """What an epoch of training did.

    Parameters
    ----------
    epoch, n_epochs : int
        Epochs done, and how many there are to do.
    loss : float
        Mean over its batches, labels summed.
    seconds : float
        Wall time, looking at all rows and at held-out ones included.
    clean, relabelled, ambiguous : float, default=None
        Shares of the labels of all rows; None where they are not managed, as in warm-up.
    spread : float, default=None
        How much likelier the minority sampler draws the likeliest row than the unlikeliest one from now on.
    held_out_map : float, default=None
        Mean average precision over the labels of the held-out rows, in [0, 1]; NaN where these have no labels.
    scores : ManagementScores, default=None
        How right the managed labels were, where the truth is known.
    positives_removed : float, default=None
        Share of the given positives that were re-labelled as negatives.
    """

    epoch: int
    n_epochs: int
    loss: float
    seconds: float
    clean: float | None = None
    relabelled: float | None = None
    ambiguous: float | None = None
    spread: float | None = None
    held_out_map: float | None = None
    scores: ManagementScores | None = None
    positives_removed: float | None = None

    def __str__(self) -> str:
        parts = [f"epoch {self.epoch} of {self.n_epochs}: loss {self.loss:.4g}"]
        if self.clean is not None:
            parts.append(f"{self.clean:.1%} clean, {self.relabelled:.1%} re-labelled, {self.ambiguous:.1%} ambiguous")
        if self.positives_removed:
            parts.append(f"{self.positives_removed:.1%} of the given positives removed")
        if self.held_out_map is not None:
            unknown = math.isnan(self.held_out_map)
            parts.append(f"held-out mAP {'cannot be measured' if unknown else f'{self.held_out_map:.4f}'}")
        return ", ".join([*parts, f"{self.seconds:.1f} s"])
