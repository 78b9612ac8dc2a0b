"""From a data set to a sampler's arrays and back: categories stay categories, whole numbers whole, names the file's."""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel.datasets import Dataset
from rarelabel.registry import make_sampler, sampler_class
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan

__all__ = ["Provenance", "plan_dataset", "resample_dataset"]


@dataclass(frozen=True, eq=False)
class Provenance:
    """Where each row of a resampled data set comes from.

    Parameters
    ----------
    method : str
    parameters : dict of str to object
        Of the sampler; labels and columns by their names.
    label_names : tuple of str, shape (q,)
    is_synthetic : ndarray of bool, shape (n_out,)
        Which rows are additions.
    seed_rows, neighbor_rows : ndarray of int, shape (n_out,)
        Row of the input that each row is or was made from, and the second row it was made with (-1: none).
    made_for : ndarray of int, shape (n_out,)
        Position in ``label_names`` of the label it was made for (-1: none in particular).
    """

    method: str
    parameters: dict[str, Any]
    label_names: tuple[str, ...]
    is_synthetic: NDArray[np.bool_]
    seed_rows: NDArray[np.intp]
    neighbor_rows: NDArray[np.intp]
    made_for: NDArray[np.intp]

    def rows_per_label(self) -> dict[str, int]:
        """How many rows were made for each label that any was made for."""
        labels, counts = np.unique(self.made_for[self.made_for >= 0], return_counts=True)
        return {self.label_names[label]: int(count) for label, count in zip(labels, counts, strict=True)}


def plan_dataset(
    dataset: Dataset, method: str, parameters: Mapping[str, Any] | None = None, *, seed: int = 0
) -> SamplingPlan:
    """Plan what :func:`resample_dataset` would do.

    Parameters
    ----------
    dataset : Dataset
    method : str
    parameters : mapping of str to object, default=None
    seed : int, default=0

    Returns
    -------
    SamplingPlan
    """
    sampler, Y, names = _prepare(dataset, method, parameters, seed)
    with _names_of_the_file(dataset.schema, Y):
        plan: SamplingPlan = sampler.plan(dataset.X, Y)
    return replace(plan, label_names=names)


def resample_dataset(
    dataset: Dataset, method: str, parameters: Mapping[str, Any] | None = None, *, seed: int = 0
) -> tuple[Dataset, Provenance]:
    """Resample a data set in memory.

    Parameters
    ----------
    dataset : Dataset
    method : str
        Name of a sampler.
    parameters : mapping of str to object, default=None
        Its parameters, with labels and columns by name.
    seed : int, default=0
        Its ``random_state`` where it has one and ``parameters`` do not say.

    Returns
    -------
    resampled : Dataset
        With the same schema.
    provenance : Provenance

    Raises
    ------
    ValueError, TypeError
        If the method or a parameter is unknown, or the data cannot be used; the message names the column or label.

    Examples
    --------
    >>> from rarelabel.datasets import load_digit_scenes
    >>> from rarelabel.tasks import resample_dataset
    >>> more, origin = resample_dataset(load_digit_scenes(200), "MLSMOTE", {"sampling_strategy": {"digit_9": 12}})
    >>> more
    Dataset('digit scenes', 212 rows, 144 features, 10 labels)
    >>> origin.rows_per_label()
    {'digit_9': 12}
    """
    sampler, Y, names = _prepare(dataset, method, parameters, seed)
    with _names_of_the_file(dataset.schema, Y):
        X_res, Y_res = sampler.fit_resample(dataset.X, Y)
    if dataset.schema.exclusive:
        Y_res = Y_res[:, None] == np.array(dataset.label_names, dtype=object)
    position = np.array([*(dataset.label_names.index(name) for name in names), -1], dtype=np.intp)
    provenance = Provenance(
        method=type(sampler).__name__,
        parameters=_parameters_by_name(sampler, parameters),
        label_names=dataset.label_names,
        is_synthetic=sampler.is_synthetic_,
        seed_rows=sampler.seed_rows_,
        neighbor_rows=sampler.neighbor_rows_,
        made_for=position[sampler.made_for_],
    )
    X_res = _whole(X_res, dataset.schema)
    return Dataset(X_res, np.asarray(Y_res, dtype=bool), dataset.schema, dataset.name), provenance


def _prepare(
    dataset: Dataset, method: str, parameters: Mapping[str, Any] | None, seed: int
) -> tuple[Any, NDArray[Any], tuple[str, ...]]:
    """The sampler, Y as it takes it, and the names of the labels in the order in which it knows them."""
    given = dict(parameters or {})
    allowed = sampler_class(method)().get_params()
    if "random_state" in allowed:
        given.setdefault("random_state", seed)
    schema = dataset.schema
    if schema.exclusive:
        Y = np.array(schema.label_names, dtype=object)[dataset.Y.argmax(axis=1)]
        names = tuple(np.unique(Y).tolist())
    else:
        Y, names = dataset.Y, schema.label_names
    if isinstance(given.get("sampling_strategy"), Mapping):
        given["sampling_strategy"] = _labels_by_position(given["sampling_strategy"], schema)
    if "categorical_features" in allowed:
        given["categorical_features"] = _category_mask(given.get("categorical_features"), schema)
    return make_sampler(method, **given), Y, names


def _labels_by_position(wanted: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """A budget for each label, by the name under which the sampler knows the label."""
    for name in wanted:
        if name not in schema.label_names:
            raise ValueError(
                f"sampling_strategy names {name!r}, which is not a label; {_near(name, schema.label_names)}"
            )
    if schema.exclusive:
        return dict(wanted)
    return {f"y{schema.label_names.index(name)}": count for name, count in wanted.items()}


def _category_mask(chosen: Any, schema: Schema) -> NDArray[np.bool_]:
    """Columns that the file says are categories, and those that the user names besides."""
    mask = schema.is_category
    if chosen is None or (isinstance(chosen, str) and chosen == "auto"):
        return mask
    for item in [chosen] if isinstance(chosen, str | int) else chosen:
        if isinstance(item, str):
            if item not in schema.feature_names:
                raise ValueError(
                    f"categorical_features names {item!r}, which is not a column; {_near(item, schema.feature_names)}"
                )
            mask[schema.feature_names.index(item)] = True
        elif 0 <= item < len(mask):
            mask[item] = True
        else:
            raise ValueError(f"categorical_features holds {item!r}; expected names, or positions below {len(mask)}")
    return mask


def _near(name: str, known: tuple[str, ...]) -> str:
    alike = difflib.get_close_matches(name, known, 3)
    if alike:
        return f"did you mean {' or '.join(map(repr, alike))}?"
    return f"there are {', '.join(map(repr, known[:10]))}" + (
        f" and {len(known) - 10:,} more" if len(known) > 10 else ""
    )


def _parameters_by_name(sampler: Any, given: Mapping[str, Any] | None) -> dict[str, Any]:
    shown = {**sampler.get_params(deep=False), **(given or {})}
    if not given or "categorical_features" not in given:
        shown.pop("categorical_features", None)
    return shown


def _whole(X: Any, schema: Schema) -> Any:
    """X with its integer columns rounded: a created row of the sampler's floats may lie between two whole numbers."""
    whole = schema.is_integer
    if not whole.any():
        return X
    if sparse.issparse(X):
        X = sparse.csr_array(X, copy=True)
        here = whole[X.indices]
        X.data[here] = np.round(X.data[here])
        X.eliminate_zeros()
        return X
    return np.where(whole, np.round(X), X)


@contextmanager
def _names_of_the_file(schema: Schema, Y: NDArray[Any]) -> Iterator[None]:
    """Let messages of a sampler, which knows bare arrays as x0, y0, ..., name the columns and labels of the file."""
    names = {f"'x{j}'": repr(name) for j, name in enumerate(schema.feature_names)}
    if Y.ndim == 2:
        names |= {f"'y{j}'": repr(name) for j, name in enumerate(schema.label_names)}

    def named(message: object) -> str:
        return re.sub(r"'[xy]\d+'", lambda match: names.get(match.group(), match.group()), str(message))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except (ValueError, TypeError) as error:
            kind: Callable[[str], Exception] = ValueError if isinstance(error, ValueError) else TypeError
            raise kind(named(error)) from error
    for warning in caught:
        warnings.warn(named(warning.message), warning.category, stacklevel=4)
