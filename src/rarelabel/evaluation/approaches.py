"""Ways to deal with imbalance: a sampler, class weights, tuned thresholds, or several of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.registry import make_sampler, sampler_class

__all__ = ["BASELINES", "Approach", "parse_approach", "tuned_thresholds"]

BASELINES = ("none", "weights", "thresholds")
"""What costs no new rows. Every comparison has them, so that a sampler is judged against them."""


@dataclass(frozen=True)
class Approach:
    """A way to deal with imbalance.

    Parameters
    ----------
    name : str
        What tables call it.
    sampler : str, default=None
        Name of a sampler. None: the training rows stay as they are, unless ``instance`` is given.
    parameters : mapping of str to object
        Of the sampler.
    class_weights : bool, default=False
        Whether classifiers weigh the rows of a label by the inverse of their frequency.
    thresholds : bool, default=False
        Whether the threshold of each label is chosen by cross-validation inside the training rows.
    instance : object, default=None
        Instead of a name: anything with ``fit_resample``.
    """

    name: str
    sampler: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    class_weights: bool = False
    thresholds: bool = False
    instance: Any = None

    @property
    def resamples(self) -> bool:
        """Whether it changes the training rows."""
        return self.sampler is not None or self.instance is not None

    def make_sampler(self) -> Any:
        """A fresh sampler, or None."""
        if self.instance is not None:
            from sklearn.base import clone

            return clone(self.instance)
        return None if self.sampler is None else make_sampler(self.sampler, **self.parameters)


def parse_approach(text: str) -> Approach:
    """Understand the name of an approach: ``none``, or a sampler, ``weights`` and ``thresholds`` joined by ``+``.

    Parameters
    ----------
    text : str
        In any case.

    Returns
    -------
    Approach
        Its name is the canonical one.

    Raises
    ------
    ValueError
        If a part is unknown, or there is more than one sampler.

    Examples
    --------
    >>> parse_approach("ml-smote+thresholds")
    Approach(name='MLSMOTE+thresholds', sampler='MLSMOTE', parameters={}, class_weights=False, thresholds=True, \
instance=None)
    """
    parts = [part.strip() for part in text.split("+")]
    plain = [part.lower() for part in parts]
    samplers = [_sampler_name(part) for part in parts if part.lower() not in BASELINES]
    if len(samplers) > 1 or len(set(plain)) < len(plain) or ("none" in plain and len(plain) > 1):
        raise ValueError(
            f"cannot understand the approach {text!r}: expected none, or at most one sampler, 'weights' and "
            "'thresholds', each once, joined by '+'"
        )
    name = "+".join([*samplers, *(part for part in ("weights", "thresholds") if part in plain)]) or "none"
    return Approach(name, samplers[0] if samplers else None, {}, "weights" in plain, "thresholds" in plain)


def _sampler_name(part: str) -> str:
    try:
        return sampler_class(part).__name__
    except ValueError as error:
        near = get_close_matches(part.lower(), BASELINES, n=1)
        raise ValueError(f"{error}; did you mean {near[0]}?" if near else str(error)) from None


def tuned_thresholds(Y: NDArray[np.bool_], scores: NDArray[np.float64], *, at_least: int = 1) -> NDArray[np.float64]:
    """The threshold at which each label's F1 is highest: rows that score at least as much get the label.

    Of two neighbouring scores the middle is taken, so that the threshold does not lie on a score. A label that the
    scores say nothing of gets their lowest, so that all have it: F1 of a coin is highest where it always shows heads
    (Lipton et al. 2014, "Optimal thresholding of classifiers to maximize F1 measure").

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    scores : ndarray of float, shape (n, q)
        Of rows that the classifier was not trained on.
    at_least : int, default=1
        Positives that a label must have. One that has fewer than there were folds was unknown to some of the models
        that gave the scores.

    Returns
    -------
    ndarray of float, shape (q,)
        NaN for labels that have fewer positives.

    Examples
    --------
    >>> import numpy as np
    >>> Y = np.array([[1, 0], [1, 0], [0, 0], [0, 0]], dtype=bool)
    >>> tuned_thresholds(Y, np.array([[0.4, 0.1], [0.3, 0.1], [0.2, 0.1], [0.1, 0.1]])).tolist()
    [0.25, nan]
    """
    n, q = Y.shape
    order = np.argsort(-scores, axis=0, kind="stable")
    falling, hits = np.take_along_axis(scores, order, axis=0), np.cumsum(np.take_along_axis(Y, order, axis=0), axis=0)
    f1 = 2 * hits / (np.arange(1, n + 1)[:, None] + np.maximum(hits[-1], 1))
    f1[:-1][falling[:-1] == falling[1:]] = -1.0  # rows of equal score are taken together or not at all
    last = np.argmax(f1, axis=0)
    labels = np.arange(q)
    at, below = falling[last, labels], falling[np.minimum(last + 1, n - 1), labels]
    middle = np.where(last + 1 < n, at + (below - at) / 2, at)
    middle = np.where(middle > below, middle, at)  # the middle of two floats next to each other is one of them
    return np.where(hits[-1] >= max(at_least, 1), middle, np.nan)
