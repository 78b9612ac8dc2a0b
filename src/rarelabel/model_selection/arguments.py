"""What splitters are given: labels, groups and options, checked once for all of them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import Labels, validate_labels

__all__ = ["check_order", "check_whole", "n_rows", "validate_split", "warn_of_rare_labels"]


def validate_split(X: Any, Y: Any, groups: Any) -> tuple[Labels, NDArray[np.int64] | None]:
    """Check labels and groups; number the groups from 0."""
    labels = validate_labels(Y)
    n = len(labels.Y)
    if X is not None and n_rows(X) != n:
        raise ValueError(f"X and Y have inconsistent numbers of samples: X has {n_rows(X)} rows, Y {n}")
    if groups is None:
        return labels, None
    groups = np.asarray(groups)
    if groups.shape != (n,):
        raise ValueError(f"groups must have one value for each of the {n} rows, got shape {groups.shape}")
    missing = np.flatnonzero([group is None or group != group for group in groups.tolist()])
    if len(missing):
        raise ValueError(f"the group of row {missing[0]} is missing")
    return labels, np.unique(groups, return_inverse=True)[1]


def warn_of_rare_labels(labels: Labels, codes: NDArray[np.int64] | None, parts: int) -> None:
    """Name the labels that cannot be in every part."""
    if codes is None:
        counts, what = labels.Y.sum(axis=0), "positives"
    else:
        held = np.zeros((int(codes.max()) + 1, labels.Y.shape[1]), dtype=bool)
        np.logical_or.at(held, codes, labels.Y)
        counts, what = held.sum(axis=0), "groups with a positive"
    rare = np.flatnonzero(counts < parts)
    if len(rare):
        rare = rare[np.argsort(counts[rare], kind="stable")]
        named = ", ".join(f"{labels.names[label]!r} ({counts[label]})" for label in rare[:10])
        more = f" and {len(rare) - 10} more" if len(rare) > 10 else ""
        warnings.warn(
            f"{len(rare)} of {len(counts)} labels have fewer {what} than the {parts} parts of the split, so some part "
            f"lacks them: {named}{more}",
            UserWarning,
            stacklevel=3,
        )


def check_whole(name: str, value: Any, least: int) -> None:
    """Refuse anything but a whole number of at least ``least``."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")


def check_order(order: Any) -> None:
    """Refuse an order of stratification that there is not."""
    if order not in (1, 2):
        raise ValueError(f"order must be 1 (labels) or 2 (labels and pairs of labels), got {order!r}")


def n_rows(data: Any) -> int:
    """Count the rows of a container of any kind."""
    return int(data.shape[0]) if hasattr(data, "shape") else len(data)
