"""From a spec to its tasks, each with the keys of its runs: hashes of all that the numbers of a run hang on."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel import __version__
from rarelabel.datasets import Dataset
from rarelabel.evaluation.approaches import Approach
from rarelabel.evaluation.kept_rows import KeptRows
from rarelabel.evaluation.records import Task
from rarelabel.evaluation.sources import installed_version, source_of
from rarelabel.evaluation.trial import ClassifierChoice, Setup

if TYPE_CHECKING:
    from rarelabel.evaluation.protocol import Spec

__all__ = ["PROTOCOL_VERSION", "data_fingerprint", "plan_tasks"]

PROTOCOL_VERSION = 2
"""Raised whenever a trial gives other numbers than before for the same spec; runs of older versions are run again."""


def plan_tasks(spec: Spec, datasets: Mapping[str, Dataset], rows_folder: Path | None = None) -> list[Task]:
    """List the tasks of a spec, in the order of every table made of it.

    The key of a run is a hash of the data, the folds, the seed, the approach and the classifier with their parameters,
    and the code: the versions of this package, of NumPy, SciPy and scikit-learn, and the source of sampler and
    classifier with all modules of this package behind them and the versions of packages that these import. The name of
    the data set, other repeats, other approaches and the measures shown do not matter, so a spec can grow and keep what
    was run before.

    Parameters
    ----------
    spec : Spec
    datasets : mapping of str to Dataset
        By the names that the spec gives them.
    rows_folder : Path, default=None
        Where resampled rows are kept. No key hangs on it.

    Returns
    -------
    list of Task
    """
    choices = {each.name: each.choice() for each in spec.classifiers}
    classifiers = {
        each.name: _classifier_key(each.model_dump(mode="json"), choices[each.name]) for each in spec.classifiers
    }
    tasks = []
    for described in spec.datasets:
        dataset = datasets[described.name]
        data = data_fingerprint(dataset)
        folds = [spec.cv.assign(dataset.Y, repeat) for repeat in range(spec.cv.n_repeats)]
        _warn_of_absent_labels(described.name, dataset, folds)
        for each in spec.approaches:
            approach = each.approach()
            way = _approach_key(each.model_dump(mode="json"), approach)
            kept = _kept_rows(rows_folder, data, way, spec.time_limit) if approach.resamples else None
            for repeat, fold, seed in _divisions(spec):
                compared = spec.fidelity == "all" or (spec.fidelity == "first" and fold == 0)
                setup = Setup(approach, choices, folds[repeat], spec.inner_splits, compared, spec.time_limit, kept)
                division = [spec.cv.n_splits, spec.cv.random_state, repeat, fold, seed]
                at = [data, way, division, spec.inner_splits, spec.time_limit, _versions()]
                keys = {name: _hash([*at, classifier]) for name, classifier in classifiers.items()}
                tasks.append(Task(described.name, each.name, repeat, fold, seed, keys, _hash([*at, compared]), setup))
    return tasks


def data_fingerprint(dataset: Dataset) -> str:
    """Hash of the values, labels and schema of a data set; its name does not matter.

    Examples
    --------
    >>> from rarelabel.datasets import load_digit_scenes
    >>> data_fingerprint(load_digit_scenes(10)) == data_fingerprint(load_digit_scenes(20))
    False
    """
    found = hashlib.sha256(repr((dataset.schema, dataset.X.shape)).encode())
    X: Any = dataset.X
    for array in (X.data, X.indices, X.indptr, dataset.Y) if sparse.issparse(X) else (X, dataset.Y):
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _warn_of_absent_labels(name: str, dataset: Dataset, folds: list[NDArray[np.int32]]) -> None:
    """Name the labels that some fold does not hold out; there they are left out of means over labels."""
    n_splits = 1 + max(int(each.max()) for each in folds)
    held = [each == fold for each in folds for fold in range(n_splits)]
    absent = np.stack([~dataset.Y[rows].any(axis=0) for rows in held]).max(axis=0)
    if absent.any():
        labels = [label for label, gone in zip(dataset.label_names, absent, strict=True) if gone]
        more = f" and {len(labels) - 5} more" if len(labels) > 5 else ""
        warnings.warn(
            f"{name}: {len(labels)} of {len(absent)} labels have no positive row in some fold, where they are left out "
            f"of means over labels: {', '.join(map(repr, labels[:5]))}{more}",
            UserWarning,
            stacklevel=3,
        )


def _divisions(spec: Spec) -> list[tuple[int, int, int]]:
    repeats, splits = range(spec.cv.n_repeats), range(spec.cv.n_splits)
    return [(repeat, fold, seed) for repeat in repeats for fold in splits for seed in spec.seeds]


def _approach_key(described: dict[str, Any], approach: Approach) -> list[Any]:
    del described["name"]
    return [described, source_of(type(approach.make_sampler())) if approach.resamples else ""]


def _kept_rows(folder: Path | None, data: str, way: list[Any], time_limit: float | None) -> KeptRows | None:
    """Where rows of a sampler are kept: its approaches with and without weights and thresholds have the same."""
    if folder is None:
        return None
    described, source = way
    sampler = {name: value for name, value in described.items() if name not in ("weights", "thresholds")}
    return KeptRows(folder, _hash([data, sampler, source, time_limit, _versions()]))


def _classifier_key(described: dict[str, Any], choice: ClassifierChoice) -> list[Any]:
    """The description, its own name only where that says what it is, and the source of all estimators inside."""
    if described["classifier"] is not None or described["described"]:
        del described["name"]
    classifier = choice.make(0)
    inside = [each for each in classifier.get_params(deep=True).values() if hasattr(each, "get_params")]
    return [described, sorted({source_of(type(part)) for part in (classifier, *inside)})]


@cache
def _versions() -> str:
    others = ", ".join(f"{name} {installed_version(name)}" for name in ("numpy", "scipy", "scikit-learn"))
    return f"protocol {PROTOCOL_VERSION}, rarelabel {__version__}, {others}"


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=repr).encode()).hexdigest()
