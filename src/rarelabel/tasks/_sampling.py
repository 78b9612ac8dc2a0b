"""From a data set to a sampler's arrays and back: categories stay categories, whole numbers whole, names the file's."""

from __future__ import annotations

import csv
import difflib
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.base import BaseSampler
from rarelabel.datasets import Dataset, atomic_path
from rarelabel.registry import is_single_label, make_sampler, sampler_class, sampler_names
from rarelabel.selection import SamplingPlan
from rarelabel.tasks._class_samplers import resample_classes
from rarelabel.tasks._outputs import PathLike, Progress, silent

__all__ = [
    "Provenance",
    "check_saving",
    "near_names",
    "plan_dataset",
    "resample_dataset",
    "write_provenance",
]

_SECONDS_BETWEEN_LINES = 10.0


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
    sampler = _sampler(dataset, method, parameters, seed)
    if not isinstance(sampler, BaseSampler):
        raise ValueError(f"{type(sampler).__name__} is imbalanced-learn's and cannot say beforehand what it will do")
    plan: SamplingPlan = sampler.plan(dataset.X, dataset.Y, schema=dataset.schema)
    return plan


def resample_dataset(
    dataset: Dataset,
    method: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    seed: int = 0,
    save_model: PathLike | None = None,
    progress: Progress = silent,
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
    save_model : path-like, default=None
        Where to write the model that the rows are drawn from, for methods that learn one.
    progress : callable, default does nothing
        Called with a line every few seconds while a model is trained.

    Returns
    -------
    resampled : Dataset
        With the same schema.
    provenance : Provenance

    Raises
    ------
    ValueError, TypeError
        If the method or a parameter is unknown, or the data cannot be used; the message names the column or label.
        If a model is to be saved and the method learns none, or had nothing to learn.

    Examples
    --------
    >>> from rarelabel.datasets import load_digit_scenes
    >>> from rarelabel.tasks import resample_dataset
    >>> more, origin = resample_dataset(load_digit_scenes(400), "MLSMOTE", {"sampling_strategy": {"digit_9": 12}})
    >>> more
    Dataset('digit scenes', 412 rows, 144 features, 10 labels)
    >>> origin.rows_per_label()
    {'digit_9': 12}
    """
    if save_model is not None:
        check_saving(method)
    sampler = _sampler(dataset, method, parameters, seed)
    if "progress" in sampler.get_params() and sampler.progress is None:
        sampler.set_params(progress=_now_and_then(type(sampler).__name__, progress))
    if not isinstance(sampler, BaseSampler):
        return _resample_classes(sampler, dataset, parameters)
    X_res, Y_res = sampler.fit_resample(dataset.X, dataset.Y, schema=dataset.schema)
    if save_model is not None:
        if not hasattr(sampler, "trained_"):
            raise ValueError(
                f"{type(sampler).__name__} had no rows to make, so no model was trained that could be saved"
            )
        sampler.save(save_model)
    provenance = Provenance(
        method=type(sampler).__name__,
        parameters=_shown_parameters(sampler, parameters),
        label_names=dataset.label_names,
        is_synthetic=sampler.is_synthetic_,
        seed_rows=sampler.seed_rows_,
        neighbor_rows=sampler.neighbor_rows_,
        made_for=sampler.made_for_,
    )
    return Dataset(X_res, Y_res, dataset.schema, dataset.name), provenance


def _resample_classes(
    sampler: Any, dataset: Dataset, parameters: Mapping[str, Any] | None
) -> tuple[Dataset, Provenance]:
    """Resample by a sampler of imbalanced-learn, which knows no rows that new ones are made from."""
    n, name = len(dataset.Y), type(sampler).__name__
    X, Y = resample_classes(sampler, dataset)
    shown = _shown_parameters(sampler, parameters)
    if "categorical_features" in sampler.get_params():
        shown["categorical_features"] = sampler.categorical_features
    is_new = np.arange(len(Y)) >= n
    rows = np.where(is_new, -1, np.arange(len(Y)))
    origin = Provenance(
        method=name,
        parameters=shown,
        label_names=dataset.label_names,
        is_synthetic=is_new,
        seed_rows=rows,
        neighbor_rows=np.full(len(Y), -1),
        made_for=np.where(is_new, Y.argmax(axis=1), -1),
    )
    return Dataset(X, Y, dataset.schema, dataset.name), origin


def check_saving(method: str) -> None:
    """Raise ValueError or ImportError, before any work, if a method has no model that could be saved."""
    cls = sampler_class(method)
    if not hasattr(cls, "save"):
        names = sampler_names(installed=True) + sampler_names(installed=True, single_label=True)
        able = [name for name in names if hasattr(sampler_class(name), "save")]
        raise ValueError(f"{cls.__name__} learns no model that could be saved; these do: {', '.join(able) or 'none'}")
    if find_spec("safetensors") is None:
        raise ImportError("models are saved by safetensors: pip install 'rarelabel[torch]'")


def write_provenance(origin: Provenance, path: PathLike) -> Path:
    """Write a CSV file with a line for each row: new or not, the rows it was made from, the label it was made for."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["row", "synthetic", "seed_row", "neighbor_row", "made_for"])
        rows = zip(
            origin.is_synthetic.tolist(),
            origin.seed_rows.tolist(),
            origin.neighbor_rows.tolist(),
            origin.made_for.tolist(),
            strict=True,
        )
        for row, (synthetic, seed, neighbor, label) in enumerate(rows):
            writer.writerow(
                [
                    row,
                    int(synthetic),
                    "" if seed < 0 else seed,
                    "" if neighbor < 0 else neighbor,
                    "" if label < 0 else origin.label_names[label],
                ]
            )
    return Path(path)


def near_names(name: str, known: Sequence[str]) -> str:
    """What a user may have meant by a name that does not exist."""
    alike = difflib.get_close_matches(name, known, 3)
    if alike:
        return f"did you mean {' or '.join(map(repr, alike))}?"
    return f"there are {', '.join(map(repr, known[:10]))}" + (
        f" and {len(known) - 10:,} more" if len(known) > 10 else ""
    )


def _now_and_then(method: str, progress: Progress) -> Callable[[object], None]:
    """Pass on what training says, but not more often than a person reads."""
    said = [time.monotonic()]

    def say(record: object) -> None:
        if time.monotonic() - said[0] >= _SECONDS_BETWEEN_LINES:
            said[0] = time.monotonic()
            progress(f"Training {method}: {record}")

    return say


def _sampler(dataset: Dataset, method: str, parameters: Mapping[str, Any] | None, seed: int) -> Any:
    """The sampler; labels and columns that the parameters name must exist."""
    given = dict(parameters or {})
    if is_single_label(method) and not dataset.schema.exclusive:
        if dataset.schema.n_labels == 1:
            (label,) = dataset.label_names
            raise ValueError(
                f"{sampler_class(method).__name__} balances the classes of a single-label table, but {label!r} of "
                f"{dataset.name} was read as a label of 0 and 1; as two classes it is read by --class "
                f"{shlex.quote(label)}, or classes={label!r} in Python"
            )
        raise ValueError(
            f"{sampler_class(method).__name__} balances the classes of a single-label table, but rows of "
            f"{dataset.name} may carry several of its {dataset.schema.n_labels} labels: take a multi-label method such "
            "as MLSMOTE or MLDM"
        )
    if "random_state" in make_sampler(method).get_params():
        given.setdefault("random_state", seed)
    if isinstance(given.get("sampling_strategy"), Mapping):
        _check_names("sampling_strategy", given["sampling_strategy"], dataset.label_names, "label")
    chosen = given.get("categorical_features", "auto")
    if chosen is not None and not (isinstance(chosen, str) and chosen == "auto"):
        items = [chosen] if isinstance(chosen, str | int) else list(chosen)
        named = [item for item in items if isinstance(item, str)]
        _check_names("categorical_features", named, dataset.feature_names, "column")
        given["categorical_features"] = items
    return make_sampler(method, **given)


def _check_names(parameter: str, wanted: Iterable[str], known: tuple[str, ...], what: str) -> None:
    for name in wanted:
        if name not in known:
            raise ValueError(f"{parameter} names {name!r}, which is not a {what}; {near_names(name, known)}")


def _shown_parameters(sampler: Any, given: Mapping[str, Any] | None) -> dict[str, Any]:
    shown = {**sampler.get_params(deep=False), **(given or {})}
    if not given or "categorical_features" not in given:
        shown.pop("categorical_features", None)
    return {name: value for name, value in shown.items() if name not in ("cancel", "progress")}
