"""How much rarer labels are than the most frequent one."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rarelabel.imbalance.measures.counts import label_counts

__all__ = [
    "NeverPositive",
    "coefficient_of_variation",
    "cvir",
    "ir_per_label",
    "max_ir",
    "mean_ir",
    "minority_labels",
]

NeverPositive = Literal["ignore", "mldr"]
"""What a label without a positive counts for: nothing, or an imbalance ratio of 0 as in the R package mldr."""


def ir_per_label(Y: Any, *, never_positive: NeverPositive = "ignore") -> NDArray[np.float64]:
    """Imbalance ratio of every label: count of the most frequent label over its own (IRLbl of [1]_).

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.
    never_positive : {"ignore", "mldr"}, default="ignore"
        A label without a positive gets ``inf``, or 0 as in mldr.

    Returns
    -------
    ndarray of float, shape (q,)
        At least 1 wherever a label has a positive.

    Raises
    ------
    ValueError
        If ``never_positive`` is another word.

    References
    ----------
    .. [1] F. Charte et al. "Addressing imbalance in multilabel classification". Neurocomputing 163 (2015), section 3.

    Examples
    --------
    >>> from rarelabel.imbalance import ir_per_label
    >>> ir_per_label([[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]])
    array([ 1.,  4., inf])
    >>> ir_per_label([[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]], never_positive="mldr")
    array([1., 4., 0.])
    """
    if never_positive not in ("ignore", "mldr"):
        raise ValueError(f'never_positive must be "ignore" or "mldr", got {never_positive!r}')
    counts = label_counts(Y)
    irlbl = np.full(len(counts), np.inf if never_positive == "ignore" else 0.0)
    np.divide(counts.max(), counts, out=irlbl, where=counts > 0)
    return irlbl


def mean_ir(Y: Any, *, never_positive: NeverPositive = "ignore") -> float:
    """Mean imbalance ratio over the labels (MeanIR of [1]_).

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.
    never_positive : {"ignore", "mldr"}, default="ignore"
        Labels without a positive are left out of the mean, or count as 0 as in mldr.

    Returns
    -------
    float
        At least 1 with ``"ignore"``; nan where no label has a positive.

    Raises
    ------
    ValueError
        If ``never_positive`` is another word.

    References
    ----------
    .. [1] F. Charte et al. "Addressing imbalance in multilabel classification". Neurocomputing 163 (2015), section 3.

    Examples
    --------
    >>> from rarelabel.imbalance import mean_ir
    >>> mean_ir([[1, 1], [1, 0], [1, 0], [1, 0]])
    2.5
    """
    irlbl = _averaged_ir(Y, never_positive)
    return float(irlbl.mean()) if irlbl.any() else np.nan


def max_ir(Y: Any) -> float:
    """Imbalance ratio of the rarest label that has a positive; nan where no label has one.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.imbalance import max_ir
    >>> max_ir([[1, 1], [1, 0], [1, 0], [1, 0]])
    4.0
    """
    return float(max(_averaged_ir(Y, "ignore"), default=np.nan))


def cvir(Y: Any, *, never_positive: NeverPositive = "ignore") -> float:
    """Coefficient of variation of the imbalance ratios: standard deviation (n - 1) over mean (CVIR of [1]_).

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.
    never_positive : {"ignore", "mldr"}, default="ignore"
        Labels without a positive are left out, or count as 0 as in mldr.

    Returns
    -------
    float
        0 where all labels are equally frequent; nan with fewer than two labels to compare.

    Raises
    ------
    ValueError
        If ``never_positive`` is another word.

    References
    ----------
    .. [1] F. Charte et al. "Addressing imbalance in multilabel classification". Neurocomputing 163 (2015), section 3.

    Examples
    --------
    >>> from rarelabel.imbalance import cvir
    >>> round(cvir([[1, 1], [1, 0], [1, 0], [1, 0]]), 6)
    0.848528
    """
    return coefficient_of_variation(_averaged_ir(Y, never_positive))


def minority_labels(Y: Any, *, threshold: float | None = None) -> NDArray[np.bool_]:
    """Which labels are minority labels: their imbalance ratio is above the mean one ([1]_).

    A label without a positive is not among them: no row is there to learn it from.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.
    threshold : float, default=None
        Imbalance ratio above which a label is a minority label. None takes :func:`mean_ir`.

    Returns
    -------
    ndarray of bool, shape (q,)

    References
    ----------
    .. [1] F. Charte et al. "Addressing imbalance in multilabel classification". Neurocomputing 163 (2015), section 3.

    Examples
    --------
    >>> from rarelabel.imbalance import minority_labels
    >>> minority_labels([[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]])
    array([False,  True, False])
    """
    irlbl = ir_per_label(Y)
    if threshold is None:
        threshold = mean_ir(Y)
    return np.isfinite(irlbl) & (irlbl > threshold)


def coefficient_of_variation(values: NDArray[np.float64]) -> float:
    """Divide the standard deviation (n - 1) by the mean; 0 for constant values, nan for fewer than two.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        Values, none negative.

    Returns
    -------
    float

    Examples
    --------
    >>> coefficient_of_variation(np.array([1.0, 2.0, 3.0]))
    0.5
    """
    if len(values) < 2:
        return np.nan
    deviation = float(values.std(ddof=1))
    return deviation / float(values.mean()) if deviation else 0.0


def _averaged_ir(Y: Any, never_positive: NeverPositive) -> NDArray[np.float64]:
    """Imbalance ratios that enter a mean: with ``"ignore"``, those of labels that have a positive."""
    irlbl = ir_per_label(Y, never_positive=never_positive)
    return irlbl[np.isfinite(irlbl)]
