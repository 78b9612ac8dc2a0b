"""The rules that the metrics share: what a tie counts, and what to do with a label or row that has no value."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = ["PrecisionTies", "Ties", "Undefined", "check_choice", "mean_of"]

Ties = Literal["half", "optimistic", "pessimistic"]
"""What a positive and a negative of equal score count: half an error, none, or one."""

PrecisionTies = Literal["together", "half", "optimistic", "pessimistic"]
"""As :data:`Ties`, for measures of precision; ``"together"``: no threshold parts equal scores (scikit-learn's rule)."""

Undefined = Literal["skip", "zero", "one", "nan"]
"""What a label or row without a value counts in a mean: nothing, 0, 1, or it makes the mean NaN."""


def check_choice(name: str, value: Any, choices: Any) -> None:
    """Refuse a value that is none of the choices, a ``Literal`` type.

    Examples
    --------
    >>> check_choice("ties", "third", Ties)
    Traceback (most recent call last):
    ...
    ValueError: ties must be 'half', 'optimistic' or 'pessimistic', got 'third'
    """
    *others, last = map(repr, get_args(choices))
    if not isinstance(value, str) or value not in get_args(choices):
        raise ValueError(f"{name} must be {', '.join(others)} or {last}, got {value!r}")


def mean_of(values: NDArray[np.float64], undefined: Undefined) -> float:
    """Mean of values, of which those that are NaN count as ``undefined`` says; NaN where none is left.

    Examples
    --------
    >>> values = np.array([1.0, 0.5, np.nan])
    >>> mean_of(values, "skip"), mean_of(values, "zero"), mean_of(values, "nan")
    (0.75, 0.5, nan)
    """
    check_choice("undefined", undefined, Undefined)
    missing = np.isnan(values)
    if undefined == "skip":
        values = values[~missing]
    elif undefined != "nan":
        values = np.where(missing, float(undefined == "one"), values)
    return float(values.mean()) if len(values) else float("nan")
