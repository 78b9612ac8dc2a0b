"""Samplers of imbalanced-learn, which take numbers and the class of each row: what they are told, and what they refuse.

The samplers are that library's own. What they cannot take is refused here, by the names of the file.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel.datasets import Dataset
from rarelabel.schema import Schema

__all__ = ["resample_classes"]

_NEIGHBOURS = ("k_neighbors", "n_neighbors")


def resample_classes(sampler: Any, dataset: Dataset) -> tuple[Any, NDArray[np.bool_]]:
    """Resample by a sampler of imbalanced-learn.

    Parameters
    ----------
    sampler : object
        Its ``categorical_features``, where it has some, are names, positions or a mask; ``"auto"`` are those of the
        schema. Afterwards they are what was used, by name.
    dataset : Dataset
        Of labels that exclude each other.

    Returns
    -------
    X : ndarray or csr_array of float64
        The rows of the data set, then the new ones.
    Y : ndarray of bool

    Raises
    ------
    ValueError
        If columns hold categories or missing values that the sampler cannot take, a class has fewer rows than it
        needs neighbours, or no class borders on another and it needs that.

    Warns
    -----
    UserWarning
        Where a class that was to grow has not: BorderlineSMOTE adds rows only beside those near other classes.
    """
    schema, name = dataset.schema, type(sampler).__name__
    classes = np.array(schema.label_names, dtype=object)
    y = given = classes[dataset.Y.argmax(axis=1)]
    told = _tell_categories(sampler, schema)
    _refuse_missing(name, dataset)
    if name != "BorderlineSMOTE":  # which looks only at those rows of a class that are in danger
        _refuse_small_classes(sampler, y)
    try:
        X, y = sampler.fit_resample(dataset.X, y)
    except ValueError:
        _refuse_small_classes(sampler, y)
        raise
    except RuntimeError as error:  # ADASYN, where no class borders on another
        raise ValueError(f"{name}: {error}") from error
    if told:
        sampler.set_params(categorical_features=told)
    _tell_of_classes_left(sampler, given, y)
    n, Y = len(dataset.Y), np.asarray(y)[:, np.newaxis] == classes
    if schema.is_integer.any():
        X = X.tolil() if sparse.issparse(X) else np.array(X)
        X[n:, schema.is_integer] = np.round(X[n:, schema.is_integer])
    return sparse.csr_array(X) if sparse.issparse(X) else X, Y


def _tell_categories(sampler: Any, schema: Schema) -> list[str]:
    """Give the sampler the positions of the columns of categories; their names."""
    name, held = type(sampler).__name__, schema.is_category
    if held.all():
        raise ValueError(
            f"{name} needs columns of numbers, but every column holds categories; these take such tables: SEMResDDPM, "
            "TabDDPM and CWGANGP, or MLROS, MLSMOTE and MLSOL"
        )
    if "categorical_features" not in sampler.get_params():
        if held.any():
            first = schema.feature_names[int(held.argmax())]
            raise ValueError(f"{name} takes numbers alone, but column {first!r} holds categories: SMOTENC takes both")
        return []
    chosen = sampler.categorical_features
    used = held if isinstance(chosen, str) else _mask(chosen, schema)
    if (held & ~used).any():
        left_out = schema.feature_names[int((held & ~used).argmax())]
        raise ValueError(f"column {left_out!r} holds categories; categorical_features must name it as well")
    if not used.any():
        raise ValueError(f"{name} needs columns of categories beside numbers, and there are none: SMOTE takes numbers")
    sampler.set_params(categorical_features=np.flatnonzero(used).tolist())
    return [column for column, is_used in zip(schema.feature_names, used, strict=True) if is_used]


def _mask(chosen: Sequence[Any] | None, schema: Schema) -> NDArray[np.bool_]:
    """Columns by name, position or mask, as a mask."""
    items, d = list(chosen if chosen is not None else []), schema.n_features
    if len(items) == d and all(isinstance(item, bool | np.bool_) for item in items):
        return np.array(items, dtype=bool)
    position = {name: j for j, name in enumerate(schema.feature_names)}
    used = np.zeros(d, dtype=bool)
    for item in items:
        j = position[item] if isinstance(item, str) else item
        if isinstance(j, bool | np.bool_) or not isinstance(j, int | np.integer) or not -d <= j < d:
            raise ValueError(
                f"categorical_features holds {item!r}; expected names, positions below {d}, or a mask of {d}"
            )
        used[j] = True
    return used


def _refuse_missing(name: str, dataset: Dataset) -> None:
    if sparse.issparse(dataset.X):
        X = sparse.coo_array(dataset.X)
        rows, columns = (coords[np.isnan(X.data)] for coords in X.coords)
    else:
        rows, columns = np.nonzero(np.isnan(dataset.X))
    if len(rows):
        j = int(columns.min())
        rows = rows[columns == j]
        raise ValueError(
            f"{name} takes no missing values, but column {dataset.feature_names[j]!r} misses {len(rows):,} (the first "
            f"in row {rows.min() + 1:,}); fill them in, or take SEMResDDPM, TabDDPM, CWGANGP or MLROS"
        )


def _refuse_small_classes(sampler: Any, y: NDArray[Any]) -> None:
    """Raise ValueError for a class that is to grow and has fewer rows than the sampler looks for neighbours."""
    parameter = next((each for each in _NEIGHBOURS if each in sampler.get_params()), None)
    if parameter is None:
        return
    given = getattr(sampler, parameter)
    # a search of the user's own counts the row itself among the neighbours
    k = given if isinstance(given, int | np.integer) else getattr(given, "n_neighbors", 1) - 1
    small = {label: n for label in _wanted(sampler, y) if (n := int((y == label).sum())) <= k}
    if small:
        label, n = min(small.items(), key=lambda each: each[1])
        way = f"set {parameter} to {n - 1} or less" if n > 1 else "one row has no neighbours"
        raise ValueError(
            f"{type(sampler).__name__} looks for {parameter}={k} neighbours of each row in its class, but class "
            f"{label!r} has {n} row{'s' * (n > 1)}: {way}, or take SEMResDDPM or MLROS, which need none"
        )


def _tell_of_classes_left(sampler: Any, before: NDArray[Any], after: NDArray[Any]) -> None:
    """Warn of classes that were to grow and have as many rows as before."""
    left = [label for label in _wanted(sampler, before) if (after == label).sum() == (before == label).sum()]
    if left:
        name = type(sampler).__name__
        why = "; it adds rows beside those near other classes, and found none" * (name == "BorderlineSMOTE")
        named = ", ".join(map(repr, left))
        warnings.warn(f"{name} added no row of {named}{why}; SMOTE adds rows anywhere", UserWarning, stacklevel=3)


def _wanted(sampler: Any, y: NDArray[Any]) -> list[Any]:
    """The classes that are to grow."""
    wanted = import_module("imblearn.utils").check_sampling_strategy(sampler.sampling_strategy, y, "over-sampling")
    return [label for label, n_new in wanted.items() if n_new]
