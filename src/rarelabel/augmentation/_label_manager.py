"""Which labels of which rows to trust: Eqs. 6-9 of BalanceMix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self, final, get_args

import numpy as np
from numpy.typing import NDArray

from rarelabel.augmentation._inputs import as_confidences, as_labels, as_losses
from rarelabel.augmentation._managed_labels import ManagedLabels
from rarelabel.augmentation._mixtures import fit_two_gaussians

__all__ = ["LabelManager", "Rare", "Trusted", "Unlearned"]

Rare = Literal["pool", "skip"]
Unlearned = Literal["manage", "trust"]
Trusted = Literal["negatives", "positives"]
_TRUSTED = -1


@final
class LabelManager:
    r"""Tell clean labels from wrong ones by their losses (Song et al. 2024, Section 3.3).

    Networks learn clean labels before wrong ones, so that wrong ones have the larger losses meanwhile. For each label,
    and there for the rows given 1 and the rows given 0 apart, a mixture of two normal distributions is fitted to the
    losses (Eqs. 6-7). The probability of the component with the smaller mean is the probability :math:`p_G` that the
    given label is clean (Eq. 8). A label of a row is

    - *clean* if :math:`p_G > 1/2`,
    - else *re-labelled* if the mean confidence of several views of the row is above ``epsilon`` (to 1) or below
      1 - ``epsilon`` (to 0) (Eq. 9); this may confirm what was given,
    - else *ambiguous*: it counts with weight :math:`p_G` (Eq. 10).

    It works with NumPy and takes tensors of torch too, wherever they are.

    Parameters
    ----------
    epsilon : float in [0.5, 1], default=0.975
        How sure the views must be. The paper has 0.550 where only one positive label of a row is known.
    min_rows : int, default=10
        Least number of rows for a mixture.
    rare : {"pool", "skip"}, default="pool"
        What becomes of a label that fewer rows are given (as 1 or as 0). ``"pool"``: one mixture for all such labels
        together, if they have ``min_rows`` rows in all. ``"skip"``, or where even that is too few: given labels are
        trusted, :math:`p_G = 1`.
    unlearned : {"manage", "trust"}, default="manage"
        What becomes of the rows given 1 (or 0) of a label while even the smaller mean of their mixture is above log 2,
        the cross-entropy of a coin: the network says the opposite of most of them, so it has not learned them yet, and
        losses do not tell clean from wrong. ``"manage"``, as in the paper: the mixture counts all the same, and most
        positives of a rare label are doubted. ``"trust"``: given labels are trusted. It is for losses that are binary
        cross-entropy in nats.
    trusted : {"positives", "negatives"}, default=None
        Given labels of this value are known to be right: they are clean, with :math:`p_G = 1`. ``"positives"`` where
        positives can only be missing, as with one known positive of each row, or tags that nobody was asked for. The
        paper doubts both values always.
    reg_covar : float, default=0.01
        Added to every variance, in squared units of the losses: losses that differ by less than about a tenth of a nat
        are alike. Where the means of a mixture are nearer than its square root, so that the losses do not tell clean
        from wrong, given labels are trusted. The paper does not say; with scikit-learn's 1e-6 the losses of clean
        labels, most of them nearly 0, are split themselves, and more clean labels are doubted.
    tol : float, default=1e-3
        EM ends when a step adds less to the mean log-likelihood of the losses.
    max_iter : int, default=100
        Most steps of EM.

    Attributes
    ----------
    mixtures_ : TwoGaussians
        The m mixtures that were fitted, at most 2K.
    mixture_ : ndarray of int, shape (2, K)
        Index of the mixture of the rows given 0 (row 0) and 1 (row 1); -1 where given labels are trusted.
    label_names_ : tuple of str, shape (K,)

    References
    ----------
    H. Song, M. Kim and J.-G. Lee (2024), "Toward robustness in multi-label classification: a data augmentation strategy
    against imbalance and noise", AAAI; arXiv 2312.07087.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel.augmentation import LabelManager
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.random((500, 2)) < [0.5, 0.2]
    >>> confidences = np.where(truth, rng.beta(9, 1, truth.shape), rng.beta(1, 9, truth.shape))
    >>> Y = truth.copy()
    >>> Y[:3] = ~Y[:3]
    >>> losses = -np.log(np.where(Y, confidences, 1 - confidences))
    >>> managed = LabelManager(epsilon=0.8).fit(losses, Y).manage(losses, Y, [confidences])
    >>> managed.relabelled[:3].mean() > 0.6, managed.clean[3:].mean() > 0.9
    (np.True_, np.True_)
    """

    def __init__(
        self,
        *,
        epsilon: float = 0.975,
        min_rows: int = 10,
        rare: Rare = "pool",
        unlearned: Unlearned = "manage",
        trusted: Trusted | None = None,
        reg_covar: float = 0.01,
        tol: float = 1e-3,
        max_iter: int = 100,
    ) -> None:
        if not 0.5 <= epsilon <= 1:
            raise ValueError(f"epsilon must lie in [0.5, 1], got {epsilon!r}")
        if min_rows < 2:
            raise ValueError(f"min_rows must be at least 2, one for each component, got {min_rows!r}")
        if rare not in get_args(Rare):
            raise ValueError(f"rare must be one of {get_args(Rare)}, got {rare!r}")
        if unlearned not in get_args(Unlearned):
            raise ValueError(f"unlearned must be one of {get_args(Unlearned)}, got {unlearned!r}")
        if trusted not in (None, *get_args(Trusted)):
            raise ValueError(f"trusted must be None or one of {get_args(Trusted)}, got {trusted!r}")
        for name, value in {"reg_covar": reg_covar, "tol": tol, "max_iter": max_iter}.items():
            if not value > 0:
                raise ValueError(f"{name} must be above 0, got {value!r}")
        self.epsilon = epsilon
        self.min_rows = min_rows
        self.rare = rare
        self.unlearned = unlearned
        self.trusted = trusted
        self.reg_covar = reg_covar
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, losses: Any, Y: Any) -> Self:
        """Fit the mixtures, once in each epoch (Eqs. 6-7).

        Parameters
        ----------
        losses : array-like or tensor, shape (n, K)
            Loss of every given label, such as binary cross-entropy with ``reduction="none"``.
        Y : anything :func:`~rarelabel._validation.validate_labels` takes, or tensor, shape (n, K)
            The given labels.

        Returns
        -------
        LabelManager

        Raises
        ------
        ValueError
            If the shapes differ or a loss is not finite. The message names label and row.
        """
        found = as_labels(Y)
        labels, names = found.Y, found.names
        values = np.ascontiguousarray(as_losses(losses, labels.shape, names).T)
        given = np.ascontiguousarray(labels.T)
        mixture = np.full((2, len(names)), _TRUSTED, dtype=np.intp)
        samples: list[NDArray[np.float64]] = []
        for value in (0, 1):
            if self.trusted == get_args(Trusted)[value]:
                continue
            chosen = given == bool(value)
            enough = chosen.sum(axis=1) >= self.min_rows
            mixture[value, enough] = len(samples) + np.arange(enough.sum())
            samples += [values[label, chosen[label]] for label in np.flatnonzero(enough)]
            # NOTE[DIFF] the paper does not say what to do about labels with hardly a positive
            pool = values[~enough][chosen[~enough]]
            if self.rare == "pool" and len(pool) >= self.min_rows:
                mixture[value, ~enough] = len(samples)
                samples.append(pool)
        self.mixtures_ = fit_two_gaussians(samples, reg_covar=self.reg_covar, tol=self.tol, max_iter=self.max_iter)
        if samples:
            silent = self.mixtures_.collapsed
            if self.unlearned == "trust":
                silent = silent | (self.mixtures_.means[0] > np.log(2))
            mixture[silent[mixture]] = _TRUSTED
        self.mixture_ = mixture
        self.label_names_ = names
        return self

    def clean_probability(self, losses: Any, Y: Any) -> NDArray[np.float64]:
        """Probability that each given label is clean (Eq. 8).

        Parameters
        ----------
        losses, Y : as in :meth:`fit`
            Of the rows that were fitted or of others, such as a batch. Labels with names may come in another order; all
            that has shape (n, K) is in the order of Y.

        Returns
        -------
        ndarray of float in [0, 1], shape (n, K)

        Raises
        ------
        ValueError
            As in :meth:`fit`, and if nothing was fitted, or names or number of the labels differ.
        """
        labels, names, mixture = self._labels(Y)
        return self._posterior(as_losses(losses, labels.shape, names), labels, mixture)

    def manage(self, losses: Any, Y: Any, views: Sequence[Any] | None = None) -> ManagedLabels:
        """Sort the labels of some rows into clean, re-labelled and ambiguous ones (Eqs. 8-9).

        Parameters
        ----------
        losses, Y : as in :meth:`clean_probability`
        views : sequence of array-like or tensor, each of shape (n, K), default=None
            Confidences in [0, 1] of augmented views of the same rows; the paper takes two. None: nothing
            is re-labelled.

        Returns
        -------
        ManagedLabels

        Raises
        ------
        ValueError
            As in :meth:`clean_probability`, and if a confidence is no probability.
        """
        labels, names, mixture = self._labels(Y)
        values = as_losses(losses, labels.shape, names)
        probability = self._posterior(values, labels, mixture)
        clean = probability > 0.5
        new, relabelled, confidences = labels, np.zeros_like(clean), None
        if views is not None:
            if len(views) == 0:
                raise ValueError("views must hold the confidences of at least one view, or be None")
            confidences = np.mean([as_confidences(view, labels.shape, names) for view in views], axis=0)
            present, absent = confidences > self.epsilon, confidences < 1 - self.epsilon
            relabelled = ~clean & (present | absent)
            new = np.where(relabelled, present, labels)
        return ManagedLabels(
            given=labels,
            labels=new,
            weights=np.where(clean | relabelled, 1.0, probability),
            clean=clean,
            relabelled=relabelled,
            clean_probability=probability,
            losses=values,
            confidences=confidences,
            label_names=names,
        )

    def _labels(self, Y: Any) -> tuple[NDArray[np.bool_], tuple[str, ...], NDArray[np.intp]]:
        """The labels, their names, and ``mixture_`` in their order."""
        if not hasattr(self, "mixture_"):
            raise ValueError("this LabelManager is not fitted yet: call fit(losses, Y) first")
        labels = as_labels(Y, min_classes=1)
        fitted = np.argsort(labels.positions(self.label_names_, "Y"))  # of each label of Y, its place there
        return labels.Y, tuple(self.label_names_[k] for k in fitted), self.mixture_[:, fitted]

    def _posterior(
        self, values: NDArray[np.float64], labels: NDArray[np.bool_], mixtures: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        probability = np.ones_like(values)
        if len(self.mixtures_.n_values) == 0:
            return probability
        for value in (0, 1):
            mixture = mixtures[value]
            chosen = (labels == bool(value)) & (mixture != _TRUSTED)
            probability[chosen] = self.mixtures_.posterior(values, mixture)[chosen]
        return probability
