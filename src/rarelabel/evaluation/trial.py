"""One trial: resample the training rows of a fold, train classifiers on them, measure them on the rows held out.

Everything that learns (filling, resampling, encoding, choosing thresholds, training) is given training rows only; see
:func:`rarelabel.evaluation.preparation.make_training`, and :mod:`rarelabel.evaluation.leakage` for the test of it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from rarelabel._validation import take_rows
from rarelabel.classifiers import label_scores_and_predictions, with_class_weights
from rarelabel.datasets import Dataset
from rarelabel.evaluation.approaches import Approach, tuned_thresholds
from rarelabel.evaluation.measures import HeldOut, measure_held_out
from rarelabel.evaluation.metering import CpuClock, PeakMemory, deadline
from rarelabel.evaluation.preparation import Resampling, Training, make_training, seeded
from rarelabel.evaluation.records import Record, Task, TaskOutcome
from rarelabel.metrics import fidelity_report
from rarelabel.model_selection import MultilabelStratifiedKFold
from rarelabel.registry import make_classifier

__all__ = ["ClassifierChoice", "Setup", "run_task"]

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class ClassifierChoice:
    """A classifier by name, or any scikit-learn estimator for several labels.

    Parameters
    ----------
    name : str
        What tables call it.
    classifier : str, default=None
        A name that :func:`rarelabel.registry.make_classifier` knows.
    parameters : mapping of str to object
    instance : estimator, default=None
        Instead of a name.
    """

    name: str
    classifier: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    instance: Any = None

    def make(self, seed: int) -> Any:
        """A fresh classifier, every ``random_state`` in it set."""
        if self.instance is not None:
            from sklearn.base import clone

            classifier = clone(self.instance)
        else:
            classifier = make_classifier(self.classifier or self.name, **self.parameters)
        return seeded(classifier, seed)


@dataclass(frozen=True, eq=False)
class Setup:
    """What a task is about, as values that travel to another process.

    Parameters
    ----------
    approach : Approach
    classifiers : mapping of str to ClassifierChoice
    folds : ndarray of int, shape (n,)
        The fold in which each row is held out.
    inner_splits : int, default=3
        Folds of the training rows on which thresholds are chosen.
    fidelity : bool, default=True
        Whether new rows are compared with the real ones.
    time_limit : float, default=None
        Seconds that resampling, and the training of each classifier, may take.
    """

    approach: Approach
    classifiers: Mapping[str, ClassifierChoice]
    folds: NDArray[np.integer[Any]]
    inner_splits: int = 3
    fidelity: bool = True
    time_limit: float | None = None


def run_task(task: Task, dataset: Dataset) -> TaskOutcome:
    """Carry out a task. What a sampler or classifier does wrong is recorded, not raised.

    Parameters
    ----------
    task : Task
        ``task.settings`` is a :class:`Setup`.
    dataset : Dataset

    Returns
    -------
    TaskOutcome
    """
    setup: Setup = task.settings
    fit, held = (np.flatnonzero(setup.folds != task.fold), np.flatnonzero(setup.folds == task.fold))
    streams = np.random.SeedSequence([task.seed, task.repeat, task.fold]).generate_state(3)
    trial = _Trial(task, setup, dataset, fit, held, *map(int, streams))
    memory, clock = PeakMemory(), CpuClock()
    with threadpool_limits(1), _noted() as notes:  # threads of processes side by side stand in each other's way
        try:
            with deadline(setup.time_limit, "resampling"):
                training = make_training(dataset, fit, held, setup.approach, trial.sampler_seed, clock)
                inner = list(trial.inner_trainings(clock)) if setup.approach.thresholds else []
        except Exception as error:
            problem = f"{setup.approach.name}: {_described(error)}"
            runs = tuple(trial.record(name, "failed", problem, notes, clock, memory) for name in task.keys)
            return TaskOutcome(runs)
        resampling = None if training.resampling is None else trial.describe_rows(training.resampling, notes)
        outcomes = [trial.train(name, training, inner, notes, clock, memory) for name in task.keys]
    vectors = {key: value for _, vectors in outcomes for key, value in vectors.items()}
    return TaskOutcome(tuple(run for run, _ in outcomes), vectors, resampling)


@dataclass(frozen=True, eq=False)
class _Trial:
    """A task with its rows and seeds."""

    task: Task
    setup: Setup
    dataset: Dataset
    fit: Indices
    held: Indices
    sampler_seed: int
    classifier_seed: int
    inner_seed: int

    def inner_trainings(self, clock: CpuClock) -> Iterator[tuple[Training, Indices]]:
        """Each division of the training rows into rows to train on and rows to choose thresholds on."""
        Y = self.dataset.Y[self.fit]
        n_splits = min(self.setup.inner_splits, len(Y))
        splitter = MultilabelStratifiedKFold(n_splits, shuffle=True, random_state=self.inner_seed)
        for fit, held in splitter.split(np.zeros((len(Y), 1)), Y):
            training = make_training(
                self.dataset, self.fit[fit], self.fit[held], self.setup.approach, self.sampler_seed, clock
            )
            yield training, held

    def train(
        self,
        name: str,
        training: Training,
        inner: list[tuple[Training, Indices]],
        notes: list[str],
        sampler_clock: CpuClock,
        memory: PeakMemory,
    ) -> tuple[Record, dict[tuple[str, str], NDArray[np.float64]]]:
        """Train and measure one classifier; give its record, and its values for each label by key and name."""
        clock, measures_clock, started = CpuClock(), CpuClock(), time.perf_counter()
        with _noted() as more:
            costs: dict[str, Any] = {"clock": clock, "started": started, "n_resampled": len(training.Y)}
            try:
                classifier = self._classifier(name)
            except TypeError as error:
                record = self.record(name, "skipped", str(error), [*notes, *more], sampler_clock, memory, **costs)
                return record, {}
            try:
                with clock, deadline(self.setup.time_limit, "training"):
                    scores, predicted, probabilities = self._fit_predict(classifier, training)
                    if self.setup.approach.thresholds:
                        predicted = self._above_thresholds(classifier, inner, scores, predicted)
                with measures_clock:
                    values, vectors = measure_held_out(self._held_out(scores, predicted, probabilities))
            except Exception as error:
                problem = f"{name}: {_described(error)}"
                return self.record(name, "failed", problem, [*notes, *more], sampler_clock, memory, **costs), {}
        record = self.record(name, "ok", "", [*notes, *more], sampler_clock, memory, **costs)
        record["cpu_measures"] = measures_clock.seconds
        key = self.task.keys[name]
        return record | values, {(key, vector): each for vector, each in vectors.items()}

    def _classifier(self, name: str) -> Any:
        classifier = self.setup.classifiers[name].make(self.classifier_seed)
        if self.setup.approach.thresholds and self.dataset.schema.exclusive and self.dataset.Y.shape[1] > 2:
            raise TypeError("thresholds are tuned for labels or for two classes, not for more classes")
        return with_class_weights(classifier) if self.setup.approach.class_weights else classifier

    def _fit_predict(self, classifier: Any, training: Training) -> Any:
        from sklearn.base import clone

        X, X_held = (_accepted(classifier, each) for each in (training.X, training.X_held))
        exclusive = self.dataset.schema.exclusive
        fitted = clone(classifier).fit(X, training.Y.argmax(axis=1) if exclusive else training.Y.astype(np.int64))
        given, predicted = label_scores_and_predictions(fitted, X_held)
        scores, q = given.values, training.Y.shape[1]
        if exclusive:
            scores, predicted = (_all_classes(each, fitted.classes_, q) for each in (scores, predicted))
        elif q == 1:  # scikit-learn takes a Y of one column for two classes
            scores, predicted = scores[:, -1:], predicted[:, -1:]
        return scores, predicted, given.probabilities

    def _above_thresholds(
        self, classifier: Any, inner: list[tuple[Training, Indices]], scores: Any, predicted: Any
    ) -> Any:
        """What is predicted where the thresholds are those that did best on training rows not trained on.

        Labels with fewer positives than inner folds stay as they were predicted.
        """
        Y = self.dataset.Y[self.fit]
        unseen = np.zeros(Y.shape)
        for training, rows in inner:
            unseen[rows] = self._fit_predict(classifier, training)[0]
        thresholds = tuned_thresholds(Y, unseen, at_least=len(inner))
        if not self.dataset.schema.exclusive:
            return np.where(np.isnan(thresholds), predicted, scores >= thresholds)
        rarer = int(Y.sum(axis=0).argmin())
        if np.isnan(thresholds[rarer]):
            return predicted
        is_rarer = scores[:, rarer] >= thresholds[rarer]
        return np.column_stack([is_rarer == (label == rarer) for label in range(2)])

    def _held_out(self, scores: Any, predicted: Any, probabilities: bool) -> HeldOut:
        Y, exclusive = self.dataset.Y, self.dataset.schema.exclusive
        return HeldOut(Y[self.held], predicted, scores, Y.sum(axis=0), probabilities, exclusive)

    def describe_rows(self, resampling: Resampling, notes: list[str]) -> Record:
        """Say how many rows are new, and how like the real ones they are."""
        n_new = int(resampling.new.sum())
        n_removed = len(self.fit) - (len(resampling.new) - n_new)
        record: Record = {"key": self.task.resampling_key, **self._identity(), "n_new": n_new, "n_removed": n_removed}
        if not self.setup.fidelity or not n_new:
            return record
        made = np.flatnonzero(resampling.new)
        Y = self.dataset.Y
        try:
            report = fidelity_report(
                (resampling.X_given, Y[self.fit]),
                (take_rows(resampling.X, made), resampling.Y[made]),
                holdout=(resampling.X_held, Y[self.held]),
                schema=self.dataset.schema,
                random_state=self.sampler_seed,
            )
        except Exception as error:
            notes.append(f"new rows could not be compared with real ones: {_described(error)}")
            return record
        return record | {name: None if np.isnan(value) else value for name, value in report.to_dict().items()}

    def record(
        self,
        name: str,
        status: str,
        error: str,
        notes: list[str],
        sampler_clock: CpuClock,
        memory: PeakMemory,
        *,
        clock: CpuClock | None = None,
        started: float | None = None,
        n_resampled: int | None = None,
    ) -> Record:
        """A record without measures."""
        Y = self.dataset.Y
        identity = self._identity()
        return {
            "key": self.task.keys[name],
            "dataset": identity["dataset"],
            "approach": identity["approach"],
            "classifier": name,
            "repeat": identity["repeat"],
            "fold": identity["fold"],
            "seed": identity["seed"],
            "status": status,
            "error": error,
            "notes": "\n".join(dict.fromkeys(notes)),
            "n_train": len(self.fit),
            "n_resampled": len(self.fit) if n_resampled is None else n_resampled,
            "n_test": len(self.held),
            "absent_train": int((~Y[self.fit].any(axis=0)).sum()),
            "absent_test": int((~Y[self.held].any(axis=0)).sum()),
            "cpu_sampler": sampler_clock.seconds,
            "cpu_classifier": 0.0 if clock is None else clock.seconds,
            "cpu_measures": 0.0,
            "wall": 0.0 if started is None else time.perf_counter() - started,
            "peak_mb": memory.mb,
        }

    def _identity(self) -> Record:
        task = self.task
        return {
            "dataset": task.dataset,
            "approach": task.approach,
            "repeat": task.repeat,
            "fold": task.fold,
            "seed": task.seed,
        }


def _accepted(classifier: Any, X: Any) -> Any:
    """X in a form that the classifier takes: dense where it takes no sparse matrix."""
    from sklearn.utils import get_tags

    return X.toarray() if sparse.issparse(X) and not get_tags(classifier).input_tags.sparse else X


def _all_classes(values: Any, classes: Any, q: int) -> Any:
    """Columns for all classes of the data set, where a fold may miss some."""
    full = np.zeros((len(values), q), dtype=values.dtype)
    full[:, np.asarray(classes, dtype=np.intp)] = values
    return full


@contextmanager
def _noted() -> Iterator[list[str]]:
    """Collect warnings as text instead of showing them."""
    notes: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, category, *where: notes.append(
            f"{category.__name__}: {' '.join(str(message).split())[:300]}"
        )
        yield notes


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
