"""What is measured of every run: which measures there are, which way is better, and their values on held-out rows."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rarelabel import metrics

__all__ = ["DEFAULT_MEASURES", "MEASURES", "HeldOut", "Measure", "check_measures", "measure_held_out", "reliability"]

Needs = Literal["predictions", "scores", "probabilities"]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The rows that were held out, and what a classifier says of them.

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
        The truth.
    Y_pred : ndarray of bool, shape (n, q)
    Y_score : ndarray of float, shape (n, q)
        The larger, the more likely the label.
    counts : ndarray of int, shape (q,)
        Positives of each label in the whole data set: which labels are rare must not differ from fold to fold. A label
        without any is none of the rare ones, as no fold could judge it.
    probabilities : bool, default=True
        Whether the scores are probabilities.
    exclusive : bool, default=False
        Whether each row has exactly one label.
    """

    Y: NDArray[np.bool_]
    Y_pred: NDArray[np.bool_]
    Y_score: Floats
    counts: NDArray[np.int64]
    probabilities: bool = True
    exclusive: bool = False


@dataclass(frozen=True)
class Measure:
    """A measure of a run.

    Parameters
    ----------
    label : str
        What it is called in tables.
    compute : callable
        Of a :class:`HeldOut` and its values for each label.
    higher_is_better : bool, default=True
    needs : {"predictions", "scores", "probabilities"}, default="predictions"
        A classifier without probabilities has no calibration.
    exclusive : bool, default=None
        For single-label data only (True), for multi-label data only (False), or for both (None).
    """

    label: str
    compute: Callable[[HeldOut, dict[str, Floats]], float]
    higher_is_better: bool = True
    needs: Needs = "predictions"
    exclusive: bool | None = None


def _group(name: str) -> Callable[[HeldOut, dict[str, Floats]], float]:
    return lambda held, each: metrics.group_means(each["f1"], held.counts)[name]


def _of_the_rare(name: str) -> Callable[[HeldOut, dict[str, Floats]], float]:
    def compute(held: HeldOut, each: dict[str, Floats]) -> float:
        there = np.flatnonzero(held.counts)
        return _mean(each[name][there[metrics.rarest_labels(held.counts[there])]]) if len(there) else float("nan")

    return compute


def _mean(values: Floats) -> float:
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


MEASURES: dict[str, Measure] = {
    "rare_f1": Measure("rare-label F1", _of_the_rare("f1")),
    "macro_f1": Measure("macro F1", lambda held, each: _mean(each["f1"])),
    "micro_f1": Measure("micro F1", lambda held, each: metrics.f1(held.Y, held.Y_pred, average="micro")),
    "example_f1": Measure(
        "example F1", lambda held, each: metrics.f1(held.Y, held.Y_pred, average="samples"), exclusive=False
    ),
    "many_f1": Measure("F1 of labels with many rows", _group("many")),
    "medium_f1": Measure("F1 of labels with a medium number of rows", _group("medium")),
    "few_f1": Measure("F1 of labels with few rows", _group("few")),
    "macro_precision": Measure("macro precision", lambda held, each: _mean(each["precision"])),
    "macro_recall": Measure("macro recall", lambda held, each: _mean(each["recall"])),
    "g_mean": Measure("G-mean", lambda held, each: metrics.g_mean(held.Y, held.Y_pred)),
    "macro_auc": Measure("macro AUC", lambda held, each: metrics.roc_auc(held.Y, held.Y_score), needs="scores"),
    "micro_auc": Measure(
        "micro AUC", lambda held, each: metrics.roc_auc(held.Y, held.Y_score, average="micro"), needs="scores"
    ),
    "map": Measure("mAP", lambda held, each: _mean(each["average_precision"]), needs="scores"),
    "rare_ap": Measure("rare-label AP", _of_the_rare("average_precision"), needs="scores"),
    "ranking_loss": Measure(
        "ranking loss", lambda held, each: metrics.ranking_loss(held.Y, held.Y_score), False, "scores", False
    ),
    "coverage": Measure(
        "coverage", lambda held, each: metrics.coverage_error(held.Y, held.Y_score), False, "scores", False
    ),
    "one_error": Measure("one-error", lambda held, each: metrics.one_error(held.Y, held.Y_score), False, "scores"),
    "lrap": Measure(
        "label ranking AP",
        lambda held, each: metrics.label_ranking_average_precision(held.Y, held.Y_score),
        needs="scores",
        exclusive=False,
    ),
    "hamming_loss": Measure("Hamming loss", lambda held, each: metrics.hamming_loss(held.Y, held.Y_pred), False),
    "subset_accuracy": Measure(
        "subset accuracy", lambda held, each: metrics.subset_accuracy(held.Y, held.Y_pred), exclusive=False
    ),
    "ece": Measure(
        "ECE", lambda held, each: metrics.expected_calibration_error(held.Y, held.Y_score), False, "probabilities"
    ),
    "brier": Measure(
        "Brier score", lambda held, each: metrics.brier_score(held.Y, held.Y_score), False, "probabilities"
    ),
    "macro_auc_aemlo": Measure(
        "macro AUC (as in AEMLO's code)",
        lambda held, each: metrics.roc_auc(held.Y, held.Y_score, ties="optimistic", undefined="zero"),
        needs="scores",
        exclusive=False,
    ),
    "ranking_loss_aemlo": Measure(
        "ranking loss (as in AEMLO's code)",
        lambda held, each: metrics.ranking_loss(held.Y, held.Y_score, ties="pessimistic", undefined="zero"),
        False,
        "scores",
        False,
    ),
    "class_f1": Measure("F1 of the classes", lambda held, each: _mean(each["f1"]), exclusive=True),
    "class_g_mean": Measure(
        "G-mean of the classes",
        lambda held, each: metrics.class_g_mean(_codes(held.Y), _codes(held.Y_pred)),
        exclusive=True,
    ),
    "class_auc": Measure(
        "AUC of the classes",
        lambda held, each: _class_auc(held),
        needs="scores",
        exclusive=True,
    ),
    "balanced_accuracy": Measure(
        "balanced accuracy",
        lambda held, each: metrics.balanced_accuracy(_codes(held.Y), _codes(held.Y_pred)),
        exclusive=True,
    ),
    "mcc": Measure(
        "MCC", lambda held, each: metrics.matthews_corrcoef(_codes(held.Y), _codes(held.Y_pred)), exclusive=True
    ),
    "accuracy": Measure(
        "accuracy", lambda held, each: float((_codes(held.Y) == _codes(held.Y_pred)).mean()), exclusive=True
    ),
}
"""Every measure by name. A label without a positive among the held-out rows is left out of every mean over labels, so
that all approaches are judged by the same labels; F1 of a label that is there but never predicted is 0."""

DEFAULT_MEASURES = ("rare_f1", "macro_f1", "micro_f1", "map", "macro_auc", "ranking_loss", "hamming_loss", "ece")
"""Those that tables show by default; the first is the one a comparison is decided by."""


def _codes(Y: NDArray[np.bool_]) -> NDArray[np.intp]:
    return Y.argmax(axis=1)


def _class_auc(held: HeldOut) -> float:
    q = held.Y.shape[1]
    scores = held.Y_score[:, 1] if q == 2 else held.Y_score
    if len(np.unique(_codes(held.Y))) < 2:
        return float("nan")
    return metrics.class_auc(_codes(held.Y), scores, classes=np.arange(q))


def check_measures(names: Iterable[str]) -> tuple[str, ...]:
    """Refuse names of measures that do not exist; the nearest that do are suggested.

    Examples
    --------
    >>> check_measures(["macro_f1", "makro_auc"])
    Traceback (most recent call last):
    ...
    ValueError: there is no measure 'makro_auc'; did you mean 'macro_auc', 'micro_auc' or 'macro_auc_aemlo'?
    """
    names = tuple(names)
    for name in names:
        if name not in MEASURES:
            near = difflib.get_close_matches(name, MEASURES, n=3)
            there_are = f"did you mean {_or(near)}?" if near else f"there are {', '.join(MEASURES)}"
            raise ValueError(f"there is no measure {name!r}; {there_are}")
    return names


def _or(names: list[str]) -> str:
    *others, last = map(repr, names)
    return f"{', '.join(others)} or {last}" if others else last


def measure_held_out(held: HeldOut) -> tuple[dict[str, float | None], dict[str, Floats]]:
    """Measure a run in every way that applies.

    Parameters
    ----------
    held : HeldOut

    Returns
    -------
    values : dict of float or None
        Of every measure that is defined for such data and such scores; None where it has no value.
    vectors : dict of ndarray
        Values for each label, ``"f1"``, ``"precision"``, ``"recall"``, ``"average_precision"`` of shape (q,), NaN for
        labels without a positive, and, of probabilities, ``"reliability"``; see :func:`reliability`.

    Examples
    --------
    >>> import numpy as np
    >>> Y = np.array([[1, 0], [1, 1]], dtype=bool)
    >>> values, vectors = measure_held_out(HeldOut(Y, Y[:, ::-1], np.array([[0.2, 0.9], [0.9, 0.8]]), np.array([9, 1])))
    >>> values["macro_f1"], values["rare_f1"], vectors["f1"].round(2).tolist()
    (0.6666666666666666, 0.6666666666666666, [0.67, 0.67])
    """
    vectors = {
        "f1": metrics.f1_per_label(held.Y, held.Y_pred),
        "precision": metrics.precision_per_label(held.Y, held.Y_pred),
        "recall": metrics.recall_per_label(held.Y, held.Y_pred),
        "average_precision": metrics.average_precision_per_label(held.Y, held.Y_score),
    }
    absent = ~held.Y.any(axis=0)
    for values_of_labels in vectors.values():
        values_of_labels[absent] = np.nan
    if held.probabilities:
        vectors["reliability"] = reliability(held.Y, held.Y_score)
    values: dict[str, float | None] = {}
    for name, measure in MEASURES.items():
        if measure.exclusive is None or measure.exclusive == held.exclusive:
            known = held.probabilities or measure.needs != "probabilities"
            value = measure.compute(held, vectors) if known else float("nan")
            values[name] = None if np.isnan(value) else float(value)
    return values, vectors


def reliability(Y: NDArray[np.bool_], P: Floats, *, n_bins: int = 10) -> Floats:
    """What a reliability curve is drawn from, pooled over labels.

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    P : ndarray of float, shape (n, q)
        Probabilities in [0, 1].
    n_bins : int, default=10
        Bins of equal width; the last one holds 1.

    Returns
    -------
    ndarray of float, shape (3, n_bins)
        For each bin the number of probabilities, their sum, and how many of them belong to labels that are there.

    Examples
    --------
    >>> import numpy as np
    >>> reliability(np.array([[True], [False]]), np.array([[0.9], [0.4]]), n_bins=2).tolist()
    [[1.0, 1.0], [0.4, 0.9], [0.0, 1.0]]
    """
    p = P.ravel()
    bins = np.minimum((p * n_bins).astype(np.intp), n_bins - 1)
    weights = (None, p, Y.ravel().astype(np.float64))
    return np.stack([np.bincount(bins, weights=w, minlength=n_bins).astype(np.float64) for w in weights])
