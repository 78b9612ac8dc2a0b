"""One trial: resample the training rows of a fold, train classifiers on them, measure them on the rows held out.

Everything that learns (filling, resampling, encoding, choosing thresholds, training) is given training rows only; see
:func:`rarelabel.evaluation.preparation.make_training`, and :mod:`rarelabel.evaluation.leakage` for the test of it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone

from rarelabel._validation import take_rows
from rarelabel.classifiers import label_scores_and_predictions, with_class_weights
from rarelabel.datasets import Dataset
from rarelabel.evaluation.approaches import Approach, tuned_thresholds
from rarelabel.evaluation.kept_rows import KeptRows
from rarelabel.evaluation.measures import HeldOut, measure_held_out
from rarelabel.evaluation.metering import CpuClock, PeakMemory, deadline
from rarelabel.evaluation.preparation import Resampling, Training, make_training, seeded
from rarelabel.evaluation.records import RUN_COLUMNS, Record, Status, Task, TaskOutcome
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
    kept_rows : KeptRows, default=None
        Where resampled rows are kept, for other approaches and later runs.
    """

    approach: Approach
    classifiers: Mapping[str, ClassifierChoice]
    folds: NDArray[np.integer[Any]]
    inner_splits: int = 3
    fidelity: bool = True
    time_limit: float | None = None
    kept_rows: KeptRows | None = None


def run_task(task: Task, dataset: Dataset) -> TaskOutcome:
    """Carry out a task. What a sampler or classifier does wrong is recorded, not raised.

    They may be anybody's code, so an error of any kind is a result of theirs; only Ctrl-C and the like go through.

    Parameters
    ----------
    task : Task
        ``task.settings`` is a :class:`Setup`.
    dataset : Dataset

    Returns
    -------
    TaskOutcome
    """
    trial = _Trial.of(task, dataset)
    with _noted(trial.notes):
        try:
            with deadline(trial.setup.time_limit, "resampling"):
                training = trial.make_training()
                inner = list(trial.inner_trainings()) if trial.tunes_thresholds else []
        except Exception as error:
            problem = f"{trial.setup.approach.name}: {_described(error)}"
            return TaskOutcome(tuple(trial.record(name, "failed", problem, _Meters()) for name in task.keys))
        resampling = None if training.resampling is None else trial.describe_rows(training.resampling)
        outcomes = [trial.run(name, training, inner) for name in task.keys]
    vectors = {key: value for _, vectors in outcomes for key, value in vectors.items()}
    return TaskOutcome(tuple(run for run, _ in outcomes), vectors, resampling)


@dataclass(frozen=True, eq=False)
class _Meters:
    """What the run of one classifier costs, and what was noted; a wall time of 0 stands for one that never began."""

    training: CpuClock = field(default_factory=CpuClock)
    measuring: CpuClock = field(default_factory=CpuClock)
    notes: list[str] = field(default_factory=list)
    started: float | None = None

    @property
    def wall(self) -> float:
        return 0.0 if self.started is None else time.perf_counter() - self.started


@dataclass(frozen=True, eq=False)
class _Trial:
    """A task with its rows, its seeds and the meters that run over all of it.

    Seeds hang on the division only: all approaches meet classifiers with the same random numbers.
    """

    task: Task
    setup: Setup
    dataset: Dataset
    fit: Indices
    held: Indices
    sampler_seed: int
    classifier_seed: int
    inner_seed: int
    notes: list[str] = field(default_factory=list)
    sampling: CpuClock = field(default_factory=CpuClock)
    memory: PeakMemory = field(default_factory=PeakMemory)

    @classmethod
    def of(cls, task: Task, dataset: Dataset) -> _Trial:
        setup: Setup = task.settings
        fit, held = (np.flatnonzero(setup.folds != task.fold), np.flatnonzero(setup.folds == task.fold))
        seeds = np.random.SeedSequence([task.seed, task.repeat, task.fold]).generate_state(3)
        for_sampler, for_classifier, for_inner = map(int, seeds)
        return cls(task, setup, dataset, fit, held, for_sampler, for_classifier, for_inner)

    @property
    def tunes_thresholds(self) -> bool:
        """Whether the approach does, and there are labels or two classes to do it for."""
        return self.setup.approach.thresholds and not (self.dataset.schema.exclusive and len(self._present()) > 2)

    def _present(self) -> Indices:
        """The labels that some row of the data set has: a file may declare classes that no row is of."""
        return np.flatnonzero(self.dataset.Y.any(axis=0))

    def make_training(self) -> Training:
        """What classifiers are trained on, and the rows held out."""
        return self._training_of(self.fit, self.held)

    def _training_of(self, fit: Indices, held: Indices) -> Training:
        setup = self.setup
        return make_training(self.dataset, fit, held, setup.approach, self.sampler_seed, self.sampling, setup.kept_rows)

    def inner_trainings(self) -> Iterator[tuple[Training, Indices]]:
        """Each division of the training rows into rows to train on and rows to choose thresholds on."""
        Y = self.dataset.Y[self.fit]
        n_splits = min(self.setup.inner_splits, len(Y))
        self._warn_of_labels_without_threshold(Y.sum(axis=0), n_splits)
        splitter = MultilabelStratifiedKFold(n_splits, shuffle=True, random_state=self.inner_seed)
        with warnings.catch_warnings():  # it knows no names, and has been spoken for
            warnings.simplefilter("ignore", UserWarning)
            divisions = list(splitter.split(np.zeros((len(Y), 1)), Y))
        for fit, held in divisions:
            yield self._training_of(self.fit[fit], self.fit[held]), held

    def _warn_of_labels_without_threshold(self, counts: NDArray[np.int64], n_splits: int) -> None:
        """Name the labels that are too rare for every inner fold, the rarest first."""
        rare = np.flatnonzero(counts < n_splits)
        if len(rare):
            rare = rare[np.argsort(counts[rare], kind="stable")]
            named = ", ".join(f"{self.dataset.label_names[label]!r} ({counts[label]})" for label in rare[:10])
            more = f" and {len(rare) - 10} more" if len(rare) > 10 else ""
            what, of = ("classes", "rows") if self.dataset.schema.exclusive else ("labels", "positives")
            warnings.warn(
                f"{len(rare)} of {len(counts)} {what} have fewer {of} than the {n_splits} inner folds, so no threshold "
                f"is tuned for them: {named}{more}",
                UserWarning,
                stacklevel=2,
            )

    def run(
        self, name: str, training: Training, inner: list[tuple[Training, Indices]]
    ) -> tuple[Record, dict[tuple[str, str], NDArray[np.float64]]]:
        """Train and measure one classifier; give its record, and its values for each label by key and name."""
        meters = _Meters(started=time.perf_counter())
        n_resampled = len(training.Y)
        with _noted(meters.notes):
            try:
                classifier = self._classifier(name)
            except TypeError as error:
                return self.record(name, "skipped", str(error), meters, n_resampled), {}
            except Exception as error:
                return self.record(name, "failed", f"{name}: {_described(error)}", meters, n_resampled), {}
            try:
                with meters.training, deadline(self.setup.time_limit, "training"):
                    predictions = self._predictions(classifier, training, inner)
                with meters.measuring:
                    values, vectors = measure_held_out(self._held_out(predictions))
            except Exception as error:
                return self.record(name, "failed", f"{name}: {_described(error)}", meters, n_resampled), {}
        record = self.record(name, "ok", "", meters, n_resampled) | values
        key = self.task.keys[name]
        return record, {(key, vector): each for vector, each in vectors.items()}

    def _classifier(self, name: str) -> Any:
        """The classifier, to be fitted; a TypeError says why the approach cannot be had with it."""
        classifier = self.setup.classifiers[name].make(self.classifier_seed)
        if self.setup.approach.thresholds and not self.tunes_thresholds:
            raise TypeError("thresholds are tuned for labels or for two classes, not for more classes")
        return with_class_weights(classifier) if self.setup.approach.class_weights else classifier

    def _predictions(self, classifier: Any, training: Training, inner: list[tuple[Training, Indices]]) -> _Predictions:
        """What the classifier says of the rows held out, with tuned thresholds where the approach has them."""
        found = self._fit_predict(classifier, training)
        if not self.setup.approach.thresholds:
            return found
        return replace(found, predicted=self._above_thresholds(found, self._thresholds(classifier, inner)))

    def _fit_predict(self, classifier: Any, training: Training) -> _Predictions:
        X, X_held = (_accepted(classifier, each) for each in (training.X, training.X_held))
        exclusive = self.dataset.schema.exclusive
        fitted = clone(classifier).fit(X, training.Y.argmax(axis=1) if exclusive else training.Y.astype(np.int64))
        given, predicted = label_scores_and_predictions(fitted, X_held)
        scores, q = given.values, training.Y.shape[1]
        if exclusive:
            scores, predicted = (_all_classes(each, fitted.classes_, q) for each in (scores, predicted))
        elif q == 1 and np.ndim(fitted.classes_) == 1:  # scikit-learn takes a Y of one column for two classes
            scores, predicted = (_all_classes(each, fitted.classes_, 2)[:, 1:] for each in (scores, predicted))
        return _Predictions(scores, predicted, given.probabilities)

    def _thresholds(self, classifier: Any, inner: list[tuple[Training, Indices]]) -> NDArray[np.float64]:
        """Those that do best on training rows that the classifier was not trained on.

        NaN for labels with fewer positives than inner folds.
        """
        Y = self.dataset.Y[self.fit]
        unseen = np.zeros(Y.shape)
        for training, rows in inner:
            unseen[rows] = self._fit_predict(classifier, training).scores
        return tuned_thresholds(Y, unseen, at_least=len(inner))

    def _above_thresholds(self, found: _Predictions, thresholds: NDArray[np.float64]) -> NDArray[np.bool_]:
        """What is predicted by these thresholds; labels without one stay as they were predicted."""
        if not self.dataset.schema.exclusive:
            return np.where(np.isnan(thresholds), found.predicted, found.scores >= thresholds)
        present = self._present()
        by_count = present[np.argsort(self.dataset.Y[self.fit][:, present].sum(axis=0), kind="stable")]
        rarer, other = by_count[0], by_count[-1]
        if np.isnan(thresholds[rarer]):
            return found.predicted
        is_rarer = found.scores[:, rarer] >= thresholds[rarer]
        labels = np.arange(len(thresholds))
        return np.where(is_rarer[:, None], labels == rarer, labels == other)

    def _held_out(self, found: _Predictions) -> HeldOut:
        Y, exclusive = self.dataset.Y, self.dataset.schema.exclusive
        return HeldOut(Y[self.held], found.predicted, found.scores, Y.sum(axis=0), found.probabilities, exclusive)

    def describe_rows(self, resampling: Resampling) -> Record:
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
            self.notes.append(f"new rows could not be compared with real ones: {_described(error)}")
            return record
        return record | {name: None if np.isnan(value) else value for name, value in report.to_dict().items()}

    def record(self, name: str, status: Status, error: str, meters: _Meters, n_resampled: int | None = None) -> Record:
        """A record without measures; without ``n_resampled``, resampling came to nothing."""
        Y = self.dataset.Y
        of: Record = {"key": self.task.keys[name], **self._identity(), "classifier": name}
        of |= {"status": status, "error": error, "notes": "\n".join(dict.fromkeys([*self.notes, *meters.notes]))}
        of |= {
            "n_train": len(self.fit),
            "n_resampled": len(self.fit) if n_resampled is None else n_resampled,
            "n_test": len(self.held),
            "absent_train": int((~Y[self.fit].any(axis=0)).sum()),
            "absent_test": int((~Y[self.held].any(axis=0)).sum()),
            "cpu_sampler": self.sampling.seconds,
            "cpu_classifier": meters.training.seconds,
            "cpu_measures": meters.measuring.seconds,
            "wall": meters.wall,
            "peak_mb": self.memory.mb,
        }
        return {column: of[column] for column in RUN_COLUMNS}

    def _identity(self) -> Record:
        task = self.task
        return {
            "dataset": task.dataset,
            "approach": task.approach,
            "repeat": task.repeat,
            "fold": task.fold,
            "seed": task.seed,
        }


@dataclass(frozen=True, eq=False)
class _Predictions:
    """What a classifier says of rows, each of shape (m, q)."""

    scores: NDArray[np.float64]
    predicted: NDArray[np.bool_]
    probabilities: bool


def _accepted(classifier: Any, X: Any) -> Any:
    """X in a form that the classifier takes: dense where it takes no sparse matrix."""
    from sklearn.utils import get_tags

    return X.toarray() if sparse.issparse(X) and not get_tags(classifier).input_tags.sparse else X


def _all_classes(values: Any, classes: Any, q: int) -> Any:
    """Columns for all classes of the data set, where a fold may miss some: these score as low as any, and at most 0."""
    full = np.full((len(values), q), values.min(initial=0), dtype=values.dtype)
    full[:, np.asarray(classes, dtype=np.intp)] = values
    return full


@contextmanager
def _noted(notes: list[str]) -> Iterator[None]:
    """Collect warnings as text instead of showing them."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, category, *where: notes.append(
            f"{category.__name__}: {' '.join(str(message).split())[:300]}"
        )
        yield


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
