"""What a model gave for labels that are known: predictions or scores in, arrays that fit the labels out."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation._labels import Labels, are_label_lists, is_frame, is_series, validate_labels

__all__ = ["matching_columns", "together", "validate_predictions", "validate_scores"]


def validate_predictions(Y_true: Any, Y_pred: Any) -> tuple[Labels, Labels]:
    """Check true and predicted labels together. Classes may all be one and the same.

    Parameters
    ----------
    Y_true, Y_pred : anything :func:`validate_labels` takes, n rows each
        Frames are matched by the names of their columns, label lists and classes by their values, whichever of them
        occur in only one of the two; anything else by position.

    Returns
    -------
    Y_true, Y_pred : Labels
        Of the same labels in the same order.

    Raises
    ------
    ValueError
        As :func:`validate_labels` does, and where rows or labels of the two differ.
    TypeError
        If one holds classes as text and the other as numbers.

    Examples
    --------
    >>> true, pred = validate_predictions(["a", "b", "c"], ["a", "a", "a"])
    >>> pred.names, pred.Y.astype(int).tolist()
    (('a', 'b', 'c'), [[1, 0, 0], [1, 0, 0], [1, 0, 0]])
    """
    joined = together(Y_true, Y_pred)
    if joined is not None:
        both, n = joined
        labels = validate_labels(both, min_classes=1)
        if len(labels.Y) != 2 * n:
            raise ValueError(f"Y_true has {n} rows, Y_pred {len(labels.Y) - n}; expected as many")
        halves = (labels.Y[:n], labels.Y[n:])
        true, pred = (Labels(half, labels.names, labels.exclusive, labels.values) for half in halves)
        return true, pred
    true, pred = (validate_labels(Y, min_classes=1) for Y in (Y_true, Y_pred))
    columns = matching_columns(true.names, pred.names) if is_frame(Y_pred) else slice(None)
    _check_same_shape(true.Y.shape, pred.Y.shape, "Y_pred")
    return true, Labels(pred.Y[:, columns], true.names, true.exclusive, true.values)


def validate_scores(Y_true: Any, Y_score: Any, *, probabilities: bool = False) -> tuple[Labels, NDArray[np.float64]]:
    """Check true labels and the scores of all labels together.

    Parameters
    ----------
    Y_true : anything :func:`validate_labels` takes, n rows
    Y_score : array-like, sparse matrix or DataFrame of finite numbers, shape (n, q)
        The larger, the more likely the label. A frame is matched to labels with names by its column names.
    probabilities : bool, default=False
        Whether every score must lie in [0, 1].

    Returns
    -------
    Y_true : Labels
    Y_score : ndarray of float, shape (n, q)

    Raises
    ------
    ValueError
        If the shapes differ, or a score is no finite number (or no probability). The message names label and row.

    Examples
    --------
    >>> validate_scores([[1, 0]], [[0.3, float("nan")]])
    Traceback (most recent call last):
    ...
    ValueError: the score of label 'y1' in row 0 is nan: expected a finite number
    """
    labels = validate_labels(Y_true, min_classes=1)
    columns: Any = slice(None)
    if sparse.issparse(Y_score):
        Y_score = Y_score.toarray()
    elif is_frame(Y_score):
        frame = nw.from_native(Y_score, eager_only=True)
        columns = matching_columns(labels.names, tuple(map(str, frame.columns)))
        Y_score = frame.to_numpy()
    try:
        scores = np.asarray(Y_score)
        if scores.dtype.kind == "c":
            raise TypeError
        scores = scores.astype(np.float64, copy=False)
    except (TypeError, ValueError):
        raise ValueError("expected Y_score as a table of real numbers, one column for each label") from None
    _check_same_shape(labels.Y.shape, scores.shape, "Y_score")
    scores = scores[:, columns]
    _check_values(scores, labels.names, probabilities)
    return labels, scores


def _check_values(scores: NDArray[np.float64], names: tuple[str, ...], probabilities: bool) -> None:
    wrong, wanted = ~np.isfinite(scores), "a finite number"
    if probabilities and not wrong.any():
        wrong, wanted = (scores < 0) | (scores > 1), "a probability in [0, 1]"
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        raise ValueError(f"the score of label {names[j]!r} in row {i} is {scores[i, j]}: expected {wanted}")


def _check_same_shape(true: tuple[int, ...], given: tuple[int, ...], name: str) -> None:
    if true != given:
        raise ValueError(f"Y_true has shape {tuple(true)}, {name} {tuple(given)}: expected the same rows and labels")


def matching_columns(names: tuple[str, ...], given: tuple[str, ...]) -> Any:
    """Positions in ``given`` of the names of the labels; all in order where the labels came without names."""
    if names == given or names == tuple(f"y{j}" for j in range(len(names))):
        return slice(None)
    if sorted(names) != sorted(given):
        odd = sorted(set(names) ^ set(given))
        shown = ", ".join(map(repr, odd[:5])) + (" ..." if len(odd) > 5 else "")
        raise ValueError(f"Y_true and what is compared with it have different labels: {shown} in one of them only")
    position = {name: j for j, name in enumerate(given)}
    return [position[name] for name in names]


def together(Y_true: Any, Y_pred: Any) -> tuple[Any, int] | None:
    """The two one after the other, and the rows of the first, where labels are values and not columns."""
    true, pred = _classes(Y_true), _classes(Y_pred)
    if true is not None and pred is not None:
        if len({true.dtype.kind in "US", pred.dtype.kind in "US"}) > 1 and object not in (true.dtype, pred.dtype):
            raise TypeError(f"Y_true holds classes of type {true.dtype}, Y_pred of type {pred.dtype}")
        return np.concatenate([true, pred]), len(true)
    if isinstance(Y_true, list | tuple) and isinstance(Y_pred, list | tuple):
        lists = [are_label_lists(Y) for Y in (Y_true, Y_pred)]
        empty = [all(isinstance(row, list | tuple) and not row for row in Y) for Y in (Y_true, Y_pred)]
        if any(lists) and all(given or none for given, none in zip(lists, empty, strict=True)):
            return [*Y_true, *Y_pred], len(Y_true)
    return None


def _classes(Y: Any) -> NDArray[Any] | None:
    """A one-dimensional y of classes as an array; None for anything else."""
    if is_series(Y):
        Y = nw.from_native(Y, series_only=True).to_numpy()
    elif isinstance(Y, list | tuple) and Y and all(np.isscalar(value) for value in Y):
        Y = np.asarray(Y)
    if not isinstance(Y, np.ndarray) or Y.ndim != 1:
        return None
    return None if Y.dtype == object and any(isinstance(row, list | tuple | set | frozenset) for row in Y) else Y
