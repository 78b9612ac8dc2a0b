"""Rows drawn the more often, the less sure the network is of their labels: Eqs. 2-4 of BalanceMix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

try:
    from torch.utils.data import Sampler
except ImportError as error:
    raise ImportError("MinoritySampler needs PyTorch: pip install 'rarelabel[torch]'") from error

from rarelabel._random import RandomState, check_random_state
from rarelabel.augmentation._inputs import as_confidences, as_labels

__all__ = ["MinoritySampler"]

_LEAST_SCORE = 1e-6


@final
class MinoritySampler(Sampler[int]):
    r"""Draw rows with replacement, those with labels that are hard to predict more often.

    Section 3.2 of Song et al. (2024), which :class:`LabelManager` cites.

    With :math:`P(k)` the mean confidence :math:`f_k` over rows with label k, and :math:`A(k)` the mean of
    :math:`1 - f_k` over rows without it (Eq. 2),

    .. math:: Score(x) = \sum_k [y_k = 1] P(k) + [y_k = 0] A(k), \qquad p(x) \propto Score(x)^{-1 / temperature}.

    (Eqs. 3-4 with temperature 1.) Before the first :meth:`update` all rows are equally likely.

    Give it to a ``DataLoader`` as ``sampler=``. Every pass over it is one epoch, which has random numbers of its own:
    the draws depend on the seed, the number of the epoch and the confidences, and on nothing else.

    Parameters
    ----------
    Y : anything :func:`~rarelabel._validation.validate_labels` takes, or tensor, shape (n, K)
        The given labels.
    num_samples : int, default=None
        Rows of an epoch; None: n.
    temperature : float, default=1.0
        Below 1 the probabilities differ more, above 1 less. With many labels the sum has many terms that hardly
        differ, and temperature 1 is next to uniform.
    positives_only : bool, default=False
        Let the score be the mean of :math:`P(k)` over the labels that a row has, so that rare labels count and absent
        ones do not. A row without labels then counts like one whose labels are predicted best.
    random_state : int, Generator, RandomState or None, default=None

    Attributes
    ----------
    presence_, absence_ : ndarray of float, shape (K,)
        :math:`P` and :math:`A`; 1/2 for what no row has shown yet.
    probabilities_ : ndarray of float, shape (n,)
        :math:`p`, which sums to 1.
    epoch : int
        Number of the next epoch, from 0.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or Y is not made of labels.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel.augmentation import MinoritySampler
    >>> Y = np.array([[1, 0], [1, 0], [1, 0], [0, 1]])
    >>> sampler = MinoritySampler(Y, positives_only=True, random_state=0)
    >>> sampler.update([[0.9, 0.2], [0.9, 0.2], [0.9, 0.2], [0.2, 0.3]])  # the second label is hard
    >>> sampler.probabilities_.round(3)
    array([0.167, 0.167, 0.167, 0.5  ])
    >>> len(list(sampler))
    4
    """

    def __init__(
        self,
        Y: Any,
        *,
        num_samples: int | None = None,
        temperature: float = 1.0,
        positives_only: bool = False,
        random_state: RandomState = None,
    ) -> None:
        if not (temperature > 0 and np.isfinite(temperature)):
            raise ValueError(f"temperature must be a number above 0, got {temperature!r}")
        if num_samples is not None and (num_samples < 1 or int(num_samples) != num_samples):
            raise ValueError(f"num_samples must be a whole number of at least 1, got {num_samples!r}")
        labels = as_labels(Y)
        self._Y, self._names = labels.Y, labels.names
        n, n_labels = self._Y.shape
        self.num_samples = n if num_samples is None else int(num_samples)
        self.temperature = temperature
        self.positives_only = positives_only
        self.seed = int(check_random_state(random_state).integers(2**63))
        self.epoch = 0
        self.presence_ = np.full(n_labels, 0.5)
        self.absence_ = np.full(n_labels, 0.5)
        self._weigh()

    def __len__(self) -> int:
        return self.num_samples

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        return iter(rng.choice(len(self._Y), size=self.num_samples, p=self.probabilities_).tolist())

    def set_epoch(self, epoch: int) -> None:
        """Let the next pass be that of this epoch, counted from 0.

        Raises
        ------
        ValueError
            If it is negative.
        """
        if epoch < 0:
            raise ValueError(f"epoch must not be negative, got {epoch!r}")
        self.epoch = int(epoch)

    def update(self, confidences: Any, rows: Any = None) -> None:
        """Take new confidences, once in each epoch, after its last step (Algorithm 1).

        Parameters
        ----------
        confidences : array-like or tensor of numbers in [0, 1], shape (r, K)
        rows : array-like of int, shape (r,), default=None
            Positions in Y of the rows these belong to, where not all rows were predicted. None: all, in order. A label
            that none of these rows shows (or of which all do) keeps its earlier :math:`P` (:math:`A`).

        Raises
        ------
        ValueError
            If the shape is wrong, or a confidence is NaN or outside [0, 1]. The message names label and row.
        IndexError
            If there is no such row.
        """
        Y = self._Y if rows is None else self._Y[np.asarray(rows)]
        f = as_confidences(confidences, Y.shape, self._names)
        positives = Y.sum(axis=0)
        negatives = len(Y) - positives
        sums = np.where(Y, f, 0).sum(axis=0), np.where(Y, 0, 1 - f).sum(axis=0)
        self.presence_ = np.divide(sums[0], positives, out=self.presence_.copy(), where=positives > 0)
        self.absence_ = np.divide(sums[1], negatives, out=self.absence_.copy(), where=negatives > 0)
        self._weigh()

    def state_dict(self) -> dict[str, Any]:
        """What is needed to go on after a restart: seed, epoch, P and A."""
        return {
            "seed": self.seed,
            "epoch": self.epoch,
            "presence": self.presence_.tolist(),
            "absence": self.absence_.tolist(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken.

        Raises
        ------
        ValueError
            If the state is of a sampler with another number of labels.
        """
        presence, absence = (np.array(state[name], dtype=np.float64) for name in ("presence", "absence"))
        if presence.shape != self.presence_.shape or absence.shape != self.absence_.shape:
            raise ValueError(f"the state has {len(presence)} labels, this sampler {len(self.presence_)}")
        self.seed, self.epoch = int(state["seed"]), int(state["epoch"])
        self.presence_, self.absence_ = presence, absence
        self._weigh()

    def _weigh(self) -> None:
        if self.positives_only:
            score = _mean_presence(self._Y, self.presence_)
        else:
            score = self.absence_.sum() + self._Y @ (self.presence_ - self.absence_)
        # NOTE[DIFF] the paper divides by the score as it is; a floor, where a network is sure of the wrong thing
        self.probabilities_ = softmax(-np.log(np.maximum(score, _LEAST_SCORE)) / self.temperature)


def _mean_presence(Y: NDArray[np.bool_], presence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean P(k) over the labels of each row; the greatest there is for rows without labels."""
    counts, seen = Y.sum(axis=1), Y.any(axis=0)
    highest = presence[seen].max(initial=_LEAST_SCORE)
    return np.where(counts > 0, (Y @ presence) / np.maximum(counts, 1), highest)
