"""Whether resampling helped: a quick classifier on held-out rows, beside what costs no new rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.datasets import Dataset
from rarelabel.model_selection import MultilabelStratifiedKFold, train_test_split
from rarelabel.registry import make_sampler
from rarelabel.tasks._outputs import Progress

__all__ = ["Scores", "score_held_out", "tuned_thresholds", "verdict"]

_NOTHING, _WEIGHTS, _THRESHOLDS = "nothing done", "class weights", "a tuned threshold for each label"
_SAMPLERS = ("MLROS", "MLSMOTE")


@dataclass(frozen=True, eq=False)
class Scores:
    """How well one way to deal with imbalance does on held-out rows, once for each split.

    Parameters
    ----------
    approach : str
    resamples : bool
        Whether it changes the training rows.
    macro_f1, rare_f1, macro_ap : ndarray of float, shape (n_splits,)
        F1 as a mean over all labels and over the rare ones; average precision as a mean over all labels.
    """

    approach: str
    resamples: bool
    macro_f1: NDArray[np.float64]
    rare_f1: NDArray[np.float64]
    macro_ap: NDArray[np.float64]


def score_held_out(
    dataset: Dataset, rare: NDArray[np.intp], *, n_splits: int, progress: Progress
) -> tuple[Scores, ...]:
    """Train and score a logistic regression per label, for each way to deal with imbalance.

    Only the training part is resampled, weighted or used to choose thresholds.

    Parameters
    ----------
    dataset : Dataset
    rare : ndarray of int
        Labels whose mean F1 is told apart.
    n_splits : int
    progress : callable

    Returns
    -------
    tuple of Scores
    """
    found: dict[str, list[tuple[float, float, float]]] = {}
    for split in range(n_splits):
        progress(f"Training on split {split + 1} of {n_splits}")
        X, X_test, Y, Y_test = train_test_split(dataset.X, dataset.Y, test_size=0.3, random_state=split)
        plain = _scores_of(_classifier().fit(X, Y), X_test)
        outcomes = {
            _NOTHING: (plain, 0.5),
            _WEIGHTS: (_scores_of(_classifier("balanced").fit(X, Y), X_test), 0.5),
            _THRESHOLDS: (plain, tuned_thresholds(Y, _out_of_fold(X, Y, split))),
        }
        for name in _SAMPLERS:
            more = make_sampler(name, random_state=split).fit_resample(X, Y)
            outcomes[name] = (_scores_of(_classifier().fit(*more), X_test), 0.5)
        for approach, (scores, threshold) in outcomes.items():
            found.setdefault(approach, []).append(_measure(Y_test, scores, threshold, rare))
    return tuple(Scores(approach, approach in _SAMPLERS, *np.array(each).T) for approach, each in found.items())


def _classifier(class_weight: str | None = None) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    return OneVsRestClassifier(LogisticRegression(C=0.01, class_weight=class_weight, solver="newton-cholesky"))


def _scores_of(classifier: Any, X: NDArray[np.float64]) -> NDArray[np.float64]:
    return classifier.predict_proba(X)


def _out_of_fold(X: NDArray[np.float64], Y: NDArray[np.bool_], seed: int) -> NDArray[np.float64]:
    """Scores of each training row by a classifier that has not seen it."""
    scores = np.zeros(Y.shape)
    for fit, held in MultilabelStratifiedKFold(3, shuffle=True, random_state=seed).split(X, Y):
        scores[held] = _scores_of(_classifier().fit(X[fit], Y[fit]), X[held])
    return scores


def tuned_thresholds(Y: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The threshold at which each label's F1 is highest, shape (q,).

    Parameters
    ----------
    Y : ndarray of bool, shape (n, q)
    scores : ndarray of float, shape (n, q)

    Examples
    --------
    >>> import numpy as np
    >>> Y = np.array([[1], [1], [0], [0]], dtype=bool)
    >>> tuned_thresholds(Y, np.array([[0.4], [0.3], [0.2], [0.1]])).tolist()
    [0.3]
    """
    thresholds = np.empty(Y.shape[1])
    for label in range(Y.shape[1]):
        order = np.argsort(-scores[:, label], kind="stable")
        falling, hits = scores[order, label], np.cumsum(Y[order, label])
        f1 = 2 * hits / (np.arange(1, len(Y) + 1) + max(hits[-1], 1))
        f1[:-1][falling[:-1] == falling[1:]] = -1  # rows of equal score are taken together or not at all
        thresholds[label] = falling[np.argmax(f1)]
    return thresholds


def _measure(
    Y: NDArray[np.bool_], scores: NDArray[np.float64], threshold: Any, rare: NDArray[np.intp]
) -> tuple[float, float, float]:
    from sklearn.metrics import average_precision_score, f1_score

    f1 = f1_score(Y, scores >= threshold, average=None, zero_division=0)
    return float(f1.mean()), float(f1[rare].mean()), float(average_precision_score(Y, scores, average="macro"))


def verdict(scores: tuple[Scores, ...]) -> str:
    """Say whether resampling helped, judged split by split.

    Parameters
    ----------
    scores : tuple of Scores
        The first is the one with nothing done.

    Returns
    -------
    str
    """
    nothing = scores[0]
    resamplers = [each for each in scores if each.resamples]
    others = [each for each in scores[1:] if not each.resamples]
    best = max(resamplers, key=lambda each: each.macro_f1.mean())
    rival = max(others, key=lambda each: each.macro_f1.mean())
    lines = ["IN SHORT, for these data and this classifier:"]
    for each in resamplers:
        lines += [
            f"  {each.approach} {_judged(each.macro_f1, nothing.macro_f1)} against nothing done:",
            f"    macro F1 {_against(each.macro_f1, nothing.macro_f1)}",
            f"    F1 of the rare labels {_against(each.rare_f1, nothing.rare_f1)}",
        ]
    conclusion = {
        "helped": f"It also beat {rival.approach}, the best way without new rows:",
        "hurt": f"But {rival.approach} did better, without a single new row:",
        "made no clear difference": f"But {rival.approach} did about as well, without a single new row:",
    }[_judged(best.macro_f1, rival.macro_f1)]
    lines += [
        f"  {conclusion}",
        f"    macro F1 of {best.approach} beside it {_against(best.macro_f1, rival.macro_f1)}",
        "  So try them on your own data, and keep what wins on rows held out.",
    ]
    return "\n".join(lines)


def _judged(values: NDArray[np.float64], reference: NDArray[np.float64]) -> str:
    """In words, by the share of splits that are better: at least four in five, at most one in five, or between."""
    better = float(np.mean(values > reference))
    if better >= 0.8:
        return "helped"
    return "hurt" if better <= 0.2 else "made no clear difference"


def _against(values: NDArray[np.float64], reference: NDArray[np.float64]) -> str:
    difference = values - reference
    return f"{difference.mean():+.3f} (better in {int((difference > 0).sum())} of {len(difference)} splits)"
