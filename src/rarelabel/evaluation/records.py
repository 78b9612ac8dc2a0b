"""The plain values that travel from a trial to the store and on to the results: names of columns, tasks, outcomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COST_COLUMNS",
    "FIDELITY_COLUMNS",
    "RESAMPLING_COLUMNS",
    "RUN_COLUMNS",
    "VECTOR_NAMES",
    "DatasetInfo",
    "Record",
    "Status",
    "Task",
    "TaskOutcome",
]

Record: TypeAlias = dict[str, "str | int | float | None"]
"""One flat record; None where a value is undefined."""

Status = Literal["ok", "failed", "skipped"]
"""What became of a run: measured, ended by an error, or impossible (a classifier that takes no class weights)."""

RUN_COLUMNS: dict[str, type] = {
    "key": str,
    "dataset": str,
    "approach": str,
    "classifier": str,
    "repeat": int,
    "fold": int,
    "seed": int,
    "status": str,
    "error": str,
    "notes": str,
    "n_train": int,
    "n_resampled": int,
    "n_test": int,
    "absent_train": int,
    "absent_test": int,
    "cpu_sampler": float,
    "cpu_classifier": float,
    "cpu_measures": float,
    "wall": float,
    "peak_mb": float,
}
"""Columns of a run, in order, before those of the measures."""

COST_COLUMNS = ("cpu_sampler", "cpu_classifier", "cpu_measures", "wall", "peak_mb")
"""Columns of a run that differ from machine to machine and from one time to the next."""

FIDELITY_COLUMNS = (
    "label_frequency_correlation",
    "cardinality_real",
    "cardinality_new",
    "minority_share_new",
    "wasserstein",
    "total_variation",
    "c2st_auc",
    "mmd",
    "precision",
    "recall",
    "density",
    "coverage",
    "cooccurrence_distance",
    "dcr_median",
    "dcr_holdout_median",
    "nndr_median",
    "exact_duplicates",
)
"""How like the real rows the new ones are, and how private."""

RESAMPLING_COLUMNS: dict[str, type] = {
    "key": str,
    "dataset": str,
    "approach": str,
    "repeat": int,
    "fold": int,
    "seed": int,
    "n_new": int,
    "n_removed": int,
    **dict.fromkeys(FIDELITY_COLUMNS, float),
}
"""Columns of a resampling, in order."""


@dataclass(frozen=True)
class DatasetInfo:
    """What a comparison keeps of a data set: all but its rows.

    Parameters
    ----------
    fingerprint : str
        Of its contents.
    name : str
    n_rows, n_features, n_labels : int
    exclusive : bool
        Whether each row has exactly one label.
    label_names : tuple of str, shape (q,)
    label_counts : tuple of int, shape (q,)
        Positives of each label.
    mean_ir, cardinality, scumble : float
        As :mod:`rarelabel.imbalance` has them; NaN where undefined.
    """

    fingerprint: str
    name: str
    n_rows: int
    n_features: int
    n_labels: int
    exclusive: bool
    label_names: tuple[str, ...] = field(repr=False)
    label_counts: tuple[int, ...] = field(repr=False)
    mean_ir: float = float("nan")
    cardinality: float = float("nan")
    scumble: float = float("nan")


VECTOR_NAMES = ("f1", "precision", "recall", "average_precision", "reliability")
"""Arrays that are kept of a run."""


@dataclass(frozen=True)
class Task:
    """One approach on the training rows of one fold, and every classifier that is trained on what it gives.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    approach : str
        Name of the approach.
    repeat, fold, seed : int
        Which division into folds, which of its folds is held out, and what the random numbers start from.
    keys : mapping of str to str
        Key of the run of each classifier, by the classifier's name.
    resampling_key : str
        Key of the resampling that they share.
    settings : object
        What :func:`rarelabel.evaluation.trial.run_task` needs beyond that; picklable.

    Examples
    --------
    >>> task = Task("birds", "none", 0, 0, 0, {"br-tree": "1f", "mlknn": "2e"})
    >>> task.only(["mlknn"]).keys
    {'mlknn': '2e'}
    """

    dataset: str
    approach: str
    repeat: int
    fold: int
    seed: int
    keys: Mapping[str, str]
    resampling_key: str = ""
    settings: Any = field(default=None, repr=False)

    def only(self, classifiers: Iterable[str]) -> Task:
        """The same task for some of its classifiers."""
        wanted = set(classifiers)
        return replace(self, keys={name: key for name, key in self.keys.items() if name in wanted})


@dataclass(frozen=True, eq=False)
class TaskOutcome:
    """What came of a task.

    Parameters
    ----------
    runs : tuple of Record
        One for each classifier, with the columns :data:`RUN_COLUMNS` and one for each measure.
    vectors : mapping of (str, str) to ndarray of float
        Values for each label, or of a curve, by key of the run and name: ``"f1"``, ``"average_precision"``,
        ``"precision"`` and ``"recall"`` of shape (q,), and ``"reliability"`` of shape (3, 10).
    resampling : Record, default=None
        With the columns :data:`RESAMPLING_COLUMNS`, where rows were resampled.
    """

    runs: tuple[Record, ...]
    vectors: Mapping[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict, repr=False)
    resampling: Record | None = None
