"""Labels, losses and confidences of a training loop, NumPy or torch, as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import Labels, validate_labels

__all__ = ["as_confidences", "as_labels", "as_losses", "as_truth"]

_MOST = 1e100


def as_labels(Y: Any, *, min_classes: int = 2) -> Labels:
    """The indicator matrix and the names of its labels."""
    return validate_labels(_array(Y), min_classes=min_classes)


def as_truth(Y: Any, names: tuple[str, ...], n_rows: int, what: str = "Y_true") -> NDArray[np.bool_]:
    """Labels of other rows, or others of the same, in the order of these names, shape (n, K).

    ValueError where they are not of these names, or not of as many rows; it calls them ``what``.
    """
    truth = as_labels(Y, min_classes=1).in_order(names, what)
    if len(truth) != n_rows:
        raise ValueError(f"{what} has shape {truth.shape}, expected {(n_rows, len(names))}")
    return truth


def as_losses(losses: Any, shape: tuple[int, ...], names: tuple[str, ...]) -> NDArray[np.float64]:
    """Losses of this shape; ValueError names the first label and row where one is not finite."""
    values = _floats(losses, "losses", shape)
    _refuse(~np.isfinite(values), values, "loss", names, "a finite number")
    return np.clip(values, -_MOST, _MOST)  # their squares are finite


def as_confidences(confidences: Any, shape: tuple[int, ...], names: tuple[str, ...]) -> NDArray[np.float64]:
    """Predicted probabilities of this shape; ValueError names the first label and row where one lies outside [0, 1]."""
    values = _floats(confidences, "confidences", shape)
    _refuse(~((values >= 0) & (values <= 1)), values, "confidence", names, "a probability in [0, 1]")
    return values


def _array(values: Any) -> Any:
    """What lives on a GPU or carries a gradient cannot be read by NumPy as it is."""
    return values.detach().cpu() if hasattr(values, "detach") else values


def _floats(values: Any, what: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    values = _array(values)
    try:
        floats = np.asarray(values.double() if hasattr(values, "double") else values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"expected {what} as a table of numbers, got {type(values).__name__}") from None
    if floats.shape != shape:
        raise ValueError(f"{what} have shape {floats.shape}, expected {shape}: one for each row and label")
    return floats


def _refuse(
    wrong: NDArray[np.bool_], values: NDArray[np.float64], what: str, names: tuple[str, ...], expected: str
) -> None:
    if wrong.any():
        row, label = np.argwhere(wrong)[0]
        value = values[row, label]
        raise ValueError(f"the {what} of label {names[label]!r} in row {row} is {value}: expected {expected}")
