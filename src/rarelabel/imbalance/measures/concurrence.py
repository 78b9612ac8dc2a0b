"""How much rare labels share their rows with frequent ones (SCUMBLE)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import validate_labels
from rarelabel.imbalance.measures.counts import label_counts
from rarelabel.imbalance.measures.ratios import NeverPositive, coefficient_of_variation, ir_per_label

__all__ = [
    "scumble",
    "scumble_cv",
    "scumble_cv_per_label",
    "scumble_per_label",
    "scumble_per_row",
]


def scumble_per_row(Y: Any) -> NDArray[np.float64]:
    """How unequally frequent the labels of each row are (SCUMBLE of an instance, [2]_).

    One minus the ratio of the geometric to the arithmetic mean of IRLbl over the labels that the row carries.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    ndarray of float, shape (n,)
        In [0, 1); 0 for a row with one label or none.

    References
    ----------
    .. [2] F. Charte et al. "Dealing with difficult minority labels in imbalanced multilabel data sets". Neurocomputing
       326-327 (2019), section 3.

    Examples
    --------
    >>> from rarelabel.imbalance import scumble_per_row
    >>> scumble_per_row([[1, 1], [1, 0], [1, 0], [1, 0]]).round(12)
    array([0.2, 0. , 0. , 0. ])
    """
    Y = validate_labels(Y).Y
    n = len(Y)
    rows, cols = np.nonzero(Y)
    irlbl = ir_per_label(Y)[cols]
    size = np.maximum(np.bincount(rows, minlength=n), 1)
    mean = np.bincount(rows, irlbl, minlength=n) / size
    # Geometric over arithmetic mean as exp(mean(log(ratio to the mean))): no product that overflows with many
    # labels, and exactly 0 for a row with one label.
    log_ratio = np.bincount(rows, np.log(irlbl / mean[rows]), minlength=n) / size
    return np.maximum(-np.expm1(log_ratio), 0.0)


def scumble(Y: Any) -> float:
    """Mean SCUMBLE over the rows, in [0, 1): the higher, the more rare labels share rows with frequent ones [2]_.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    float

    References
    ----------
    .. [2] F. Charte et al. "Dealing with difficult minority labels in imbalanced multilabel data sets". Neurocomputing
       326-327 (2019), section 3.

    Examples
    --------
    >>> from rarelabel.imbalance import scumble
    >>> round(scumble([[1, 1], [1, 0], [1, 0], [1, 0]]), 12)
    0.05
    """
    return float(scumble_per_row(Y).mean())


def scumble_cv(Y: Any) -> float:
    """Coefficient of variation (n - 1) of SCUMBLE over the rows; 0 where SCUMBLE is 0, nan for a single row.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    float

    Examples
    --------
    >>> from rarelabel.imbalance import scumble_cv
    >>> round(scumble_cv([[1, 1], [1, 0], [1, 0], [1, 0]]), 12)
    2.0
    """
    return coefficient_of_variation(scumble_per_row(Y))


def scumble_per_label(Y: Any, *, never_positive: NeverPositive = "ignore") -> NDArray[np.float64]:
    """Mean SCUMBLE of the rows that carry each label (SCUMBLELbl of [2]_).

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.
    never_positive : {"ignore", "mldr"}, default="ignore"
        A label without a positive gets nan, or 0 as in mldr.

    Returns
    -------
    ndarray of float, shape (q,)

    Raises
    ------
    ValueError
        If ``never_positive`` is another word.

    References
    ----------
    .. [2] F. Charte et al. "Dealing with difficult minority labels in imbalanced multilabel data sets". Neurocomputing
       326-327 (2019), section 3.

    Examples
    --------
    >>> from rarelabel.imbalance import scumble_per_label
    >>> scumble_per_label([[1, 1], [1, 0], [1, 0], [1, 0]]).round(12)
    array([0.05, 0.2 ])
    """
    if never_positive not in ("ignore", "mldr"):
        raise ValueError(f'never_positive must be "ignore" or "mldr", got {never_positive!r}')
    means = _scumble_moments(validate_labels(Y).Y)[0]
    return np.nan_to_num(means, nan=0.0) if never_positive == "mldr" else means


def scumble_cv_per_label(Y: Any) -> NDArray[np.float64]:
    """Coefficient of variation (n - 1) of SCUMBLE over the rows that carry each label.

    Parameters
    ----------
    Y : array-like, shape (n, q)
        Label indicators.

    Returns
    -------
    ndarray of float, shape (q,)
        nan for a label with fewer than two positives; 0 where its rows all have SCUMBLE 0.

    Examples
    --------
    >>> from rarelabel.imbalance import scumble_cv_per_label
    >>> scumble_cv_per_label([[1, 1], [1, 0], [1, 0], [1, 0]]).round(12)
    array([ 2., nan])
    """
    means, deviations = _scumble_moments(validate_labels(Y).Y)
    np.divide(deviations, means, out=deviations, where=means > 0)
    return deviations


def _scumble_moments(Y: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (n - 1) of SCUMBLE over the rows of each label; nan where there are too few."""
    q = Y.shape[1]
    rows, cols = np.nonzero(Y)
    values = scumble_per_row(Y)[rows]
    counts = label_counts(Y).astype(np.float64)
    means = _ratio(np.bincount(cols, values, minlength=q), counts)
    squares = np.bincount(cols, (values - means[cols]) ** 2, minlength=q)
    return means, np.sqrt(_ratio(squares, counts - 1))


def _ratio(numerator: NDArray[Any], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    """Elementwise division; nan where the denominator is 0 or nan."""
    quotient = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=quotient, where=denominator > 0)
    return quotient
