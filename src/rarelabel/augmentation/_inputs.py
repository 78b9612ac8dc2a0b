"""Labels, losses and confidences of a training loop, NumPy or torch, as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import Labels, validate_labels

__all__ = ["as_confidences", "as_labels", "as_losses", "as_truth", "columns_of"]

_SHOWN = 5
_MOST = 1e100


def as_labels(Y: Any) -> Labels:
    """The indicator matrix and the names of its labels."""
    return validate_labels(_array(Y))


def columns_of(names: tuple[str, ...], labels: Labels, what: str) -> NDArray[np.intp]:
    """The columns of ``labels`` that hold the labels of these names, in this order.

    They are found by name where ``labels`` has names, else by position. ``names`` that are y0, y1, ... are positions
    too, unless ``labels`` has the same names.

    Raises
    ------
    ValueError
        If the names or numbers of labels differ; ``what`` says whose labels these are.
    """
    found, n = labels.names, len(names)
    if labels.named and found != names:
        if sorted(found) == sorted(names):
            return np.array([found.index(name) for name in names], dtype=np.intp)
        if names != tuple(f"y{k}" for k in range(n)):
            parts = [
                f"{verb} " + ", ".join(map(repr, odd[:_SHOWN])) + (" ..." if len(odd) > _SHOWN else "")
                for verb, odd in (
                    ("lacks", [name for name in names if name not in found]),
                    ("has besides", [name for name in found if name not in names]),
                )
                if odd
            ]
            raise ValueError(f"{what} has other labels than the {n} expected: it {' and '.join(parts)}")
    if len(found) != n:
        raise ValueError(f"{what} has {len(found)} labels, expected {n}")
    return np.arange(n)


def as_truth(Y_true: Any, names: tuple[str, ...], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The truth in the order of the given labels; ValueError where it is not of their names or shape."""
    labels = as_labels(Y_true)
    truth: NDArray[np.bool_] = labels.Y[:, columns_of(names, labels, "Y_true")]
    if truth.shape != shape:
        raise ValueError(f"Y_true has shape {truth.shape}, expected {shape}")
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
