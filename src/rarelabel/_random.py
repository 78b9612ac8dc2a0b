"""One generator per call: ``random_state`` is read here and nowhere below."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

__all__ = ["RandomState", "check_random_state", "with_seeds"]

RandomState = int | np.integer | np.random.Generator | np.random.RandomState | None
"""What users may pass as ``random_state``."""


def check_random_state(random_state: RandomState) -> np.random.Generator:
    """Make the generator that one call draws from.

    Parameters
    ----------
    random_state : int, Generator, RandomState or None
        An integer gives the same stream every time; a ``Generator`` is used as it is (and so advances); a legacy
        ``RandomState`` seeds a new generator with one draw of its own; None takes fresh entropy.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    ValueError
        If ``random_state`` is a negative integer or of another type.

    Examples
    --------
    >>> check_random_state(0).integers(100, size=3).tolist() == check_random_state(0).integers(100, size=3).tolist()
    True
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31, size=4))
    if random_state is None:
        return np.random.default_rng()
    if isinstance(random_state, Integral) and not isinstance(random_state, bool) and random_state >= 0:
        return np.random.default_rng(int(random_state))
    raise ValueError(
        f"random_state must be a non-negative int, a Generator, a RandomState or None, got {random_state!r}"
    )


def with_seeds(estimator: Any, rng: np.random.Generator, *, overwrite: bool = False) -> Any:
    """Copy a scikit-learn estimator and seed what would draw from the global generator.

    Every ``random_state`` that is None, in nested estimators too, gets a fresh seed; others stay, unless ``overwrite``.

    Examples
    --------
    >>> from sklearn.ensemble import BaggingClassifier
    >>> from sklearn.svm import SVC
    >>> found = with_seeds(BaggingClassifier(SVC(), random_state=7), np.random.default_rng(0))
    >>> found.random_state, found.estimator.random_state
    (7, 1826701614)
    """
    from sklearn.base import clone  # here, for this module is imported with all others

    copied = clone(estimator)
    states = {name: value for name, value in copied.get_params().items() if name.rpartition("__")[2] == "random_state"}
    names = sorted(name for name, value in states.items() if overwrite or value is None)
    return copied.set_params(**{name: int(rng.integers(2**31 - 1)) for name in names})
