"""Checks of numbers among the parameters of samplers."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = ["check_counts", "check_number", "check_switches", "is_number"]


def check_counts(parameters: Mapping[str, Any], names: tuple[str, ...], *, or_none: tuple[str, ...] = ()) -> None:
    """Raise ValueError where one of these is no whole number of at least 1; those ``or_none`` may be None.

    Examples
    --------
    >>> check_counts({"steps": 5, "width": None}, ("steps",), or_none=("width",))
    >>> check_counts({"steps": 2.5}, ("steps",))
    Traceback (most recent call last):
        ...
    ValueError: steps must be an int of at least 1, got 2.5
    """
    for name in names + or_none:
        value = parameters[name]
        if value is None and name in or_none:
            continue
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be {'None or ' * (name in or_none)}an int of at least 1, got {value!r}")


def check_number(parameters: Mapping[str, Any], name: str, *, above: float | None = None) -> None:
    """Raise ValueError where a parameter is no finite number of at least 0, or not above ``above``.

    Examples
    --------
    >>> check_number({"rate": 0}, "rate")
    >>> check_number({"rate": 0}, "rate", above=0)
    Traceback (most recent call last):
        ...
    ValueError: rate must be a number above 0, got 0
    """
    value = parameters[name]
    if not is_number(value) or not np.isfinite(value) or value < 0 or (above is not None and value <= above):
        expected = "of at least 0" if above is None else f"above {above:g}"
        raise ValueError(f"{name} must be a number {expected}, got {value!r}")


def check_switches(parameters: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Raise ValueError where one of these is neither True nor False: ``"no"`` would count as True."""
    for name in names:
        if not isinstance(parameters[name], bool | np.bool_):
            raise ValueError(f"{name} must be True or False, got {parameters[name]!r}")


def is_number(value: Any) -> bool:
    """Whether a value is a real number and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)
