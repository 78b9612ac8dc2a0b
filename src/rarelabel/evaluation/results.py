"""What a comparison found: its runs as columns, scores of approaches on blocks, paired differences, costs, gaps."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rarelabel.datasets import atomic_path
from rarelabel.evaluation.columns import UNKNOWN, Columns, as_columns, codes, matching
from rarelabel.evaluation.findings import AbsentLabels, Block, Cost, Failure, PairedScores, Scores
from rarelabel.evaluation.measures import MEASURES
from rarelabel.evaluation.records import (
    COST_COLUMNS,
    RESAMPLING_COLUMNS,
    RUN_COLUMNS,
    VECTOR_NAMES,
    DatasetInfo,
    Record,
)

if TYPE_CHECKING:
    from rarelabel.evaluation.store import ResultStore

__all__ = [
    "AbsentLabels",
    "Block",
    "Cost",
    "DatasetInfo",
    "Failure",
    "PairedScores",
    "Results",
    "Scores",
]

Vectors: TypeAlias = dict[str, NDArray[np.float64]]


class _ReadVectors(Protocol):
    def __call__(self, name: str) -> Vectors: ...


@dataclass(frozen=True, eq=False)
class Results:
    """Runs of a comparison, in the order of its specification.

    Made by :meth:`from_store` or :meth:`from_records`.

    Parameters
    ----------
    runs : dict of str to ndarray
        Columns :data:`~rarelabel.evaluation.records.RUN_COLUMNS` and one for each measure that some run has: text as
        object, whole numbers as int64 (-1 where unknown), others as float64 (NaN where undefined).
    resamplings : dict of str to ndarray
        Columns :data:`~rarelabel.evaluation.records.RESAMPLING_COLUMNS`, one row for each time rows were resampled.
    datasets : tuple of DatasetInfo
    spec : mapping
        What was to be run.
    command : str
        The command that ran it, or "".
    environment : mapping
        Versions of what ran it.
    n_planned : int
        How many runs the specification asks for; fewer are here while it is under way.

    Examples
    --------
    >>> from rarelabel.evaluation.results import Results
    >>> run = dict(dataset="birds", classifier="mlknn", repeat=0, seed=0, status="ok")
    >>> results = Results.from_records(
    ...     [
    ...         run | dict(approach="none", fold=0, macro_f1=0.25),
    ...         run | dict(approach="none", fold=1, macro_f1=0.5),
    ...         run | dict(approach="MLSMOTE", fold=0, macro_f1=0.5),
    ...         run | dict(approach="MLSMOTE", fold=1, macro_f1=0.625),
    ...     ]
    ... )
    >>> results.scores("macro_f1").values
    array([[0.375 , 0.5625]])
    >>> results.paired("macro_f1", "MLSMOTE")[0].differences
    array([0.25 , 0.125])
    >>> results.where(approach="none", fold=[0, 1]).runs["macro_f1"]
    array([0.25, 0.5 ])
    """

    runs: Columns = field(repr=False)
    resamplings: Columns = field(repr=False)
    datasets: tuple[DatasetInfo, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict, repr=False)
    command: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict, repr=False)
    n_planned: int = 0
    read_vectors: _ReadVectors = field(default=lambda name: {}, repr=False)

    @classmethod
    def from_store(cls, store: ResultStore, spec: str | None = None) -> Results:
        """Results of a specification in a store, which must stay open as long as :meth:`vectors` is asked.

        Parameters
        ----------
        store : ResultStore
        spec : str, default=None
            Its fingerprint or how it begins. None: the one that was run last.

        Raises
        ------
        LookupError
            If the store has no such specification, or several.
        """
        chosen = store.find_spec(spec)
        return cls(
            runs=_in_order(store.runs(chosen.fingerprint)),
            resamplings=store.resamplings(chosen.fingerprint),
            datasets=store.datasets(chosen.fingerprint),
            spec=chosen.spec,
            command=chosen.command,
            environment=chosen.environment,
            n_planned=chosen.n_runs,
            read_vectors=lambda name: store.vectors(chosen.fingerprint, name),
        )

    @classmethod
    def read(cls, path: str | os.PathLike[str], spec: str | None = None) -> Results:
        """Results of a specification in a file, which is opened anew whenever :meth:`vectors` is asked.

        Parameters
        ----------
        path : str or path-like
        spec : str, default=None
            Its fingerprint or how it begins. None: the one that was run last.

        Raises
        ------
        FileNotFoundError, StoreError
            If there is no such file, or it is no store.
        LookupError
            If the store has no such specification, or several.
        """
        from rarelabel.evaluation.store import ResultStore

        if not Path(path).is_file():
            raise FileNotFoundError(f"there is no file {path}; a comparison makes one")
        with ResultStore(path, read_only=True) as store:
            chosen = store.find_spec(spec).fingerprint
            found = cls.from_store(store, chosen)

        def read_vectors(name: str) -> Vectors:
            with ResultStore(path, read_only=True) as store:
                return store.vectors(chosen, name)

        return replace(found, read_vectors=read_vectors)

    def in_memory(self) -> Results:
        """The same results with all vectors read, so that their store may go."""
        vectors = {name: self.vectors(name) for name in VECTOR_NAMES}
        return replace(self, read_vectors=lambda name: vectors.get(name, {}))

    @classmethod
    def from_records(
        cls,
        runs: Iterable[Record],
        *,
        resamplings: Iterable[Record] = (),
        vectors: Mapping[tuple[str, str], NDArray[np.float64]] = MappingProxyType({}),
        datasets: Iterable[DatasetInfo] = (),
        spec: Mapping[str, Any] = MappingProxyType({}),
        command: str = "",
        environment: Mapping[str, Any] = MappingProxyType({}),
    ) -> Results:
        """Results of records in memory, in the order given; what a record lacks is unknown.

        Parameters
        ----------
        runs, resamplings : iterable of Record
        vectors : mapping of (str, str) to ndarray
            By key of the run and name.
        datasets : iterable of DatasetInfo
        spec, command, environment
            As in :class:`Results`.
        """
        records = list(runs)
        measures = {name: float for record in records for name in record if name not in RUN_COLUMNS}

        def read_vectors(name: str) -> Vectors:
            return {key: values for (key, of), values in vectors.items() if of == name}

        return cls(
            runs=_in_order(_columns(records, RUN_COLUMNS | measures)),
            resamplings=_columns(list(resamplings), RESAMPLING_COLUMNS),
            datasets=tuple(datasets),
            spec=dict(spec),
            command=command,
            environment=dict(environment),
            n_planned=len(records),
            read_vectors=read_vectors,
        )

    def __len__(self) -> int:
        return len(self.runs["key"])

    def __repr__(self) -> str:
        return (
            f"Results({len(self)} of {self.n_planned} runs, {len(self.blocks())} blocks, "
            f"{len(self.approaches)} approaches, {len(self.measures)} measures)"
        )

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of the measures that some run has."""
        return tuple(name for name in self.runs if name not in RUN_COLUMNS)

    @property
    def approaches(self) -> tuple[str, ...]:
        """Names of the approaches, in table order."""
        return tuple(codes(self.runs["approach"])[0])

    def blocks(self) -> tuple[Block, ...]:
        """Every data set with every classifier that was run on it, in table order."""
        return tuple(Block(*block) for block in codes(self.runs["dataset"], self.runs["classifier"])[0])

    def where(self, **wanted: Any) -> Results:
        """The runs, and what belongs to them, that have one of the wanted values in each column named.

        Parameters
        ----------
        **wanted : value or collection of values
            By name of the column: ``dataset="birds", approach=["none", "MLSMOTE"], status="ok"``.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        self._check_columns(wanted)
        runs = _rows(self.runs, matching(self.runs, wanted))
        resamplings = _rows(self.resamplings, matching(self.resamplings, wanted))
        named, keys = set(codes(runs["dataset"])[0]), set(runs["key"].tolist())
        return replace(
            self,
            runs=runs,
            resamplings=resamplings,
            datasets=tuple(info for info in self.datasets if info.name in named),
            n_planned=len(keys) if wanted else self.n_planned,
            read_vectors=lambda name: {key: v for key, v in self.read_vectors(name).items() if key in keys},
        )

    def vectors(self, name: str) -> Vectors:
        """Arrays of that name by key of the run: ``"f1"``, ``"precision"``, ``"reliability"`` and so on."""
        return self.read_vectors(name)

    def scores(self, measure: str, *, complete: bool = True) -> Scores:
        """Mean of a measure over repeats, folds and seeds, for every block and approach.

        Parameters
        ----------
        measure : str
        complete : bool, default=True
            An approach that has no value on a fold where another one has, be it that it failed or is still to run, has
            no score on that block: the folds it survived may be the easy ones. False: the mean of what there is.

        Raises
        ------
        ValueError
            If no run has that measure.
        """
        cube = self._cube(measure)
        there = ~np.isnan(cube)
        counts = there.sum(axis=1)
        total = np.where(there, cube, 0.0).sum(axis=1)
        shown = counts > 0
        if complete:
            shown &= counts == there.any(axis=2).sum(axis=1)[:, np.newaxis]
        mean = np.divide(total, counts, out=np.full(counts.shape, np.nan), where=shown)
        squares = np.where(there, (cube - mean[:, np.newaxis]) ** 2, 0.0).sum(axis=1)
        variance = np.divide(squares, counts - 1, out=np.full(counts.shape, np.nan), where=shown & (counts > 1))
        return Scores(measure, self.blocks(), self.approaches, mean, np.sqrt(variance), counts)

    def paired(self, measure: str, approach: str, reference: str = "none") -> tuple[PairedScores, ...]:
        """Scores of an approach and a reference on the same repeats, folds and seeds, for each block that has any.

        Parameters
        ----------
        measure : str
        approach, reference : str

        Raises
        ------
        ValueError
            If no run has that measure, or there is no such approach.
        """
        for name in (approach, reference):
            if name not in self.approaches:
                raise ValueError(f"no run of an approach {name!r}; there are {', '.join(self.approaches) or 'none'}")
        cube = self._cube(measure)
        first, second = (cube[:, :, self.approaches.index(name)] for name in (approach, reference))
        divisions = np.array(self._divisions()[0], dtype=np.int64).reshape(-1, 3)
        both = ~(np.isnan(first) | np.isnan(second))
        return tuple(
            PairedScores(block, first[b, both[b]], second[b, both[b]], divisions[both[b]])
            for b, block in enumerate(self.blocks())
            if both[b].any()
        )

    def failures(self) -> tuple[Failure, ...]:
        """What failed or was skipped and why, equal reasons counted together, in table order."""
        bad = _rows(self.runs, self.runs["status"] != "ok")
        distinct, of_rows = codes(*(bad[name] for name in Failure._fields[:-1]))
        counts = np.bincount(of_rows, minlength=len(distinct)).tolist()
        return tuple(Failure._make((*reason, count)) for reason, count in zip(distinct, counts, strict=True))

    def absent_labels(self) -> tuple[AbsentLabels, ...]:
        """How many labels each fold of each data set lacks, in table order; folds no run tells of are left out."""
        known = _rows(self.runs, (self.runs["absent_train"] != UNKNOWN) & (self.runs["absent_test"] != UNKNOWN))
        names = ("dataset", "repeat", "fold", "absent_train", "absent_test")
        return tuple(AbsentLabels(*fold) for fold in codes(*(known[name] for name in names))[0])

    def costs(self) -> tuple[Cost, ...]:
        """What the runs of each approach that ended well cost on average, in table order."""
        ok = _rows(self.runs, self.runs["status"] == "ok")
        approaches, of_rows = codes(ok["approach"])
        n_runs = np.bincount(of_rows, minlength=len(approaches))
        means = [_means(ok[name], of_rows, len(approaches)).tolist() for name in COST_COLUMNS]
        return tuple(Cost(*row) for row in zip(approaches, n_runs.tolist(), *means, strict=True))

    def table(self) -> list[Record]:
        """Every run as a flat record, without costs: the same wherever and however often it is run.

        What is unknown or undefined is None.
        """
        names, rows = self._table()
        return [dict(zip(names, row, strict=True)) for row in rows]

    def write_table(self, path: str | os.PathLike[str]) -> Path:
        """Write the table as CSV: the same bytes for the same runs, floats to the last digit.

        Parameters
        ----------
        path : str or path-like
            An existing file is replaced once the new one is whole.

        Returns
        -------
        Path
        """
        names, rows = self._table()
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")  # floats as repr has them, None as nothing
            writer.writerow(names)
            writer.writerows(rows)
        return Path(path)

    def frame(self) -> Any:
        """The runs, costs included, as a pandas DataFrame (needs the extra ``data``).

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("frames need pandas: pip install 'rarelabel[data]'") from error
        return pd.DataFrame(self.runs)

    def _table(self) -> tuple[list[str], Iterable[tuple[Any, ...]]]:
        names = [name for name in self.runs if name not in (*COST_COLUMNS, "notes")]
        return names, zip(*(_plain(self.runs[name]) for name in names), strict=True)

    def _check_columns(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.runs:
                raise ValueError(f"runs have no column {name!r}; they have {', '.join(self.runs)}")

    def _divisions(self) -> tuple[list[Any], NDArray[np.intp]]:
        return codes(self.runs["repeat"], self.runs["fold"], self.runs["seed"])

    def _cube(self, measure: str) -> NDArray[np.float64]:
        """Values by block, division and approach; NaN where there is none."""
        if measure not in self.measures:
            raise ValueError(f"no run has the measure {measure!r}; there are {', '.join(self.measures) or 'none'}")
        blocks, b = codes(self.runs["dataset"], self.runs["classifier"])
        divisions, d = self._divisions()
        approaches, a = codes(self.runs["approach"])
        cube = np.full((len(blocks), len(divisions), len(approaches)), np.nan)
        cube[b, d, a] = np.where(self.runs["status"] == "ok", self.runs[measure], np.nan)
        return cube


def _columns(records: Sequence[Record], types: Mapping[str, type]) -> Columns:
    return as_columns([tuple(record.get(name) for name in types) for record in records], types)


def _in_order(runs: Columns) -> Columns:
    """Measures that some run has, in the order of MEASURES, then of their names: not of who wrote first."""
    there = [name for name in runs if name not in RUN_COLUMNS and not np.isnan(runs[name]).all()]
    position = {name: i for i, name in enumerate(MEASURES)}
    measures = sorted(there, key=lambda name: (position.get(name, len(position)), name))
    return {name: runs[name] for name in (*RUN_COLUMNS, *measures)}


def _rows(columns: Columns, rows: NDArray[np.bool_]) -> Columns:
    return {name: column[rows] for name, column in columns.items()}


def _means(values: NDArray[np.float64], groups: NDArray[np.intp], n_groups: int) -> NDArray[np.float64]:
    there = ~np.isnan(values)
    counts = np.bincount(groups[there], minlength=n_groups)
    sums = np.bincount(groups[there], weights=values[there], minlength=n_groups)
    return np.divide(sums, counts, out=np.full(n_groups, np.nan), where=counts > 0)


def _plain(column: NDArray[Any]) -> list[Any]:
    values = column.tolist()
    if column.dtype == np.int64:
        return [None if value == UNKNOWN else value for value in values]
    return [None if value != value else value for value in values] if column.dtype == np.float64 else values
