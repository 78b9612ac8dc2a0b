"""Labels made wrong on purpose, to see what a method bears: Eq. 11 of BalanceMix and Appendix C."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from rarelabel._random import RandomState, check_random_state
from rarelabel._validation import validate_labels

__all__ = ["NoisyLabels", "Total", "flip_labels", "keep_one_positive", "mislabel"]

Total = Literal["positives", "rows"]
"""What N is in Eq. 11: all positives of all labels, or rows."""


@dataclass(frozen=True, eq=False)
class NoisyLabels:
    """Labels some of which are wrong, and which those are; both arrays have shape (n, q).

    Parameters
    ----------
    Y : ndarray of bool
    wrong : ndarray of bool
        True where Y differs from the truth, so that the truth is ``Y ^ wrong``.
    label_names : tuple of str, shape (q,)
    """

    Y: NDArray[np.bool_]
    wrong: NDArray[np.bool_]
    label_names: tuple[str, ...] = field(repr=False)

    @property
    def Y_true(self) -> NDArray[np.bool_]:
        """The labels before, shape (n, q)."""
        return self.Y ^ self.wrong


def mislabel(Y: Any, rate: float = 0.2, *, total: Total = "positives", random_state: RandomState = None) -> NoisyLabels:
    r"""Move labels to other labels, to frequent ones most often (Song et al. 2024, Eq. 11).

    A label i of a row moves to a label j that the row does not have with probability

    .. math:: \rho_{i \to j} = \tau \frac{N_j}{N - N_i},

    where :math:`N_j` is the number of positives of j. No row loses or gains labels in number, and none gets a label
    twice: the labels of a row move one after the other, and not to where one has moved before.

    Parameters
    ----------
    Y : anything :func:`~rarelabel._validation.validate_labels` takes, shape (n, q)
    rate : float in [0, 1], default=0.2
        :math:`\tau`. The paper has 0.2 and 0.4.
    total : {"positives", "rows"}, default="positives"
        What N is. ``"positives"``: :math:`\sum_j N_j`. The probabilities of all j other than i then sum to
        :math:`\tau`, as they do with one label per row, where the formula comes from; fewer labels than that share
        move, since some j are there already. ``"rows"``: n, the paper's words. The sum then exceeds :math:`\tau` by
        about the mean number of labels of a row, and is brought down to 1 where it would be more.
    random_state : int, Generator, RandomState or None, default=None

    Returns
    -------
    NoisyLabels

    Raises
    ------
    ValueError
        If ``rate`` or ``total`` is out of its range, or Y is not made of labels.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel.datasets import mislabel
    >>> Y = np.random.default_rng(0).random((1000, 4)) < [0.5, 0.3, 0.2, 0.1]
    >>> noisy = mislabel(Y, 0.4, random_state=0)
    >>> bool((noisy.Y.sum(axis=1) == Y.sum(axis=1)).all())
    True
    >>> round(float((Y & noisy.wrong).sum() / Y.sum()), 2)  # share of positives that moved
    0.27
    """
    _check_rate(rate)
    if total not in get_args(Total):
        raise ValueError(f"total must be one of {get_args(Total)}, got {total!r}")
    rng = _own_stream(random_state)
    labels = validate_labels(Y)
    truth, noisy = labels.Y, labels.Y.copy()
    counts = truth.sum(axis=0).astype(np.float64)
    others = (counts.sum() if total == "positives" else len(truth)) - counts
    # others is 0 where there are no other labels, or (by rows) the label is in every row, and goes for certain
    rates = rate * counts / np.maximum(others, 1e-9)[:, np.newaxis]
    order = np.argsort(~truth, axis=1, kind="stable")  # positives first
    n_labels = truth.sum(axis=1)
    for turn in range(int(n_labels.max())):
        rows = np.flatnonzero(n_labels > turn)
        source = order[rows, turn]
        upper = np.cumsum(np.where(truth[rows] | noisy[rows], 0, rates[source]), axis=1)
        draw = rng.random(len(rows)) * np.maximum(upper[:, -1], 1)
        moves = draw < upper[:, -1]
        target = (draw[moves, np.newaxis] < upper[moves]).argmax(axis=1)
        noisy[rows[moves], source[moves]] = False
        noisy[rows[moves], target] = True
    return NoisyLabels(noisy, noisy != truth, labels.names)


def flip_labels(Y: Any, rate: float = 0.2, *, random_state: RandomState = None) -> NoisyLabels:
    """Turn every entry of Y over with the same probability, independently of all others.

    Parameters
    ----------
    Y : anything :func:`~rarelabel._validation.validate_labels` takes, shape (n, q)
    rate : float in [0, 1], default=0.2
        The paper has 0.2 and 0.4. Where labels are rare, most of the positives are wrong then.
    random_state : int, Generator, RandomState or None, default=None

    Returns
    -------
    NoisyLabels

    Raises
    ------
    ValueError
        If ``rate`` is out of its range, or Y is not made of labels.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel.datasets import flip_labels
    >>> noisy = flip_labels(np.zeros((1000, 5)), 0.2, random_state=0)
    >>> float(noisy.Y.mean().round(2)), bool((noisy.Y == noisy.wrong).all())
    (0.2, True)
    """
    _check_rate(rate)
    rng = _own_stream(random_state)
    labels = validate_labels(Y)
    wrong = rng.random(labels.Y.shape) < rate
    return NoisyLabels(labels.Y ^ wrong, wrong, labels.names)


def keep_one_positive(Y: Any, *, random_state: RandomState = None) -> NoisyLabels:
    """Keep one label of each row, drawn at random, and say of all others that they are absent.

    Rows without labels stay so. This is the setting of single positive labels: every 1 is right, many a 0 is not.

    Parameters
    ----------
    Y : anything :func:`~rarelabel._validation.validate_labels` takes, shape (n, q)
    random_state : int, Generator, RandomState or None, default=None

    Returns
    -------
    NoisyLabels

    Raises
    ------
    ValueError
        If Y is not made of labels.

    Examples
    --------
    >>> from rarelabel.datasets import keep_one_positive
    >>> keep_one_positive([[1, 1, 0], [0, 0, 1], [0, 0, 0]], random_state=0).Y.sum(axis=1)
    array([1, 1, 0])
    """
    rng = _own_stream(random_state)
    labels = validate_labels(Y)
    chosen = np.where(labels.Y, rng.random(labels.Y.shape), -1).argmax(axis=1)
    kept = labels.Y & (np.arange(labels.Y.shape[1]) == chosen[:, np.newaxis])
    return NoisyLabels(kept, kept != labels.Y, labels.names)


def _own_stream(random_state: RandomState) -> np.random.Generator:
    """A stream apart from the one of the seed itself: the labels may have been drawn with the same seed."""
    return np.random.default_rng(check_random_state(random_state).integers(2**63, size=4))


def _check_rate(rate: float) -> None:
    if not 0 <= rate <= 1:
        raise ValueError(f"rate must lie in [0, 1], got {rate!r}")
