"""The store of a comparison: one SQLite file that grows by whole tasks, bears kill -9 and several processes at once."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from rarelabel.datasets import Dataset
from rarelabel.evaluation import provenance
from rarelabel.evaluation.columns import Columns, as_columns, codes
from rarelabel.evaluation.records import RESAMPLING_COLUMNS, RUN_COLUMNS, DatasetInfo, Record, Task, TaskOutcome
from rarelabel.evaluation.store_tables import CLAIMS, dataset_info, dataset_row, plain, schema, table_names

__all__ = ["STORE_VERSION", "ResultStore", "SpecInfo", "StoreError"]

STORE_VERSION = 1
"""Changes when a store of before cannot be read as it is."""

_CHUNK = 5000


class StoreError(OSError):
    """The store cannot be used; the message says why and what to do. What was written before is kept."""


@dataclass(frozen=True)
class SpecInfo:
    """A specification in a store.

    Parameters
    ----------
    fingerprint : str
    spec : dict
        Enough to run it again.
    command : str
    created : str
        When it was last started, in UTC.
    environment : dict
    n_runs : int
        How many runs it asks for.
    """

    fingerprint: str
    spec: dict[str, Any] = field(repr=False)
    command: str
    created: str
    environment: dict[str, Any] = field(repr=False)
    n_runs: int


class ResultStore:
    """Records of runs in an SQLite file.

    The outcome of a task is written in one transaction: whatever happens to the process, all its records are there or
    none. Several processes may write to one store; a run that both have done is kept once. A store may hold many
    specifications, which share the runs they have in common.

    Parameters
    ----------
    path : str or path-like, default=None
        A new file is made if there is none. None: a temporary store that is gone once closed.
    read_only : bool, default=False
        Open a store that is there and change nothing, also where nothing can be written.
    timeout : float, default=60.0
        Seconds to wait for another process that is writing.

    Raises
    ------
    StoreError
        If the file is no store, is damaged, is of another version, or cannot be opened.

    Examples
    --------
    >>> from rarelabel.evaluation.records import Task, TaskOutcome
    >>> task = Task("birds", "none", 0, 0, 0, {"br-tree": "a1", "mlknn": "b2"})
    >>> with ResultStore() as store:
    ...     store.add_spec("5ec", {"folds": 1}, "", [task], {})
    ...     store.write(TaskOutcome(({"key": "b2", "status": "ok", "macro_f1": 0.5},)))
    ...     print(store.statuses(), store.runs("5ec")["macro_f1"])
    {'b2': 'ok'} [0.5]
    """

    def __init__(
        self, path: str | os.PathLike[str] | None = None, *, read_only: bool = False, timeout: float = 60.0
    ) -> None:
        self.path = None if path is None else Path(path)
        self.read_only = read_only
        self._timeout = timeout
        self._known: dict[str, set[str]] = {}
        with self._explained():
            self._connection = self._open_for_reading() if read_only else self._open()
        try:
            with self._explained():
                self._check_version()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ResultStore:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ResultStore({'temporary' if self.path is None else str(self.path)!r})"

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add_spec(
        self,
        fingerprint: str,
        spec: Mapping[str, Any],
        command: str,
        tasks: Iterable[Task],
        datasets: Mapping[str, Dataset],
        environment: Mapping[str, Any] | None = None,
    ) -> None:
        """Say which runs belong to a specification; if it is there already, it becomes the last one started.

        Parameters
        ----------
        fingerprint : str
        spec : mapping
            Plain values, ready for JSON.
        command : str
            The command line that ran it, or "".
        tasks : iterable of Task
            In table order. What they call data sets, approaches and classifiers holds for this specification, whatever
            another one calls the same runs.
        datasets : mapping of str to Dataset
            By the names that the tasks give them.
        environment : mapping, default=None
            Plain values, ready for JSON. None: the versions of Python, this package and those it stands on.
        """
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        around = provenance.environment() if environment is None else dict(environment)
        runs = ((key, t.dataset, t.approach, classifier) for t in tasks for classifier, key in t.keys.items())
        described = [provenance.dataset_info(name, dataset) for name, dataset in datasets.items()]
        with self._transaction() as sql:
            for table in ("spec_runs", "spec_datasets"):
                sql.execute(f"DELETE FROM {table} WHERE spec = ?", (fingerprint,))
            sql.execute(
                "INSERT OR REPLACE INTO specs VALUES (?, ?, ?, ?, ?)",
                (fingerprint, json.dumps(dict(spec)), command, now, json.dumps(around)),
            )
            sql.executemany(
                "INSERT INTO spec_runs VALUES (?, ?, ?, ?, ?, ?)",
                ((fingerprint, i, *run) for i, run in enumerate(runs)),
            )
            sql.executemany(
                "INSERT INTO spec_datasets VALUES (?, ?, ?, ?)",
                ((fingerprint, i, info.fingerprint, info.name) for i, info in enumerate(described)),
            )
            sql.executemany(
                f"INSERT OR REPLACE INTO datasets VALUES ({', '.join('?' * len(fields(DatasetInfo)))})",
                map(dataset_row, described),
            )

    def write(self, outcome: TaskOutcome, *, replace_failed: bool = False) -> None:
        """Write all that came of a task, or nothing if that fails; a run that is there already stays as it is.

        Parameters
        ----------
        outcome : TaskOutcome
        replace_failed : bool, default=False
            Whether a run that is there but failed gives way.
        """
        with self._transaction() as sql:
            for run in outcome.runs:
                if replace_failed:
                    sql.execute("DELETE FROM runs WHERE key = ? AND status = 'failed'", (run["key"],))
                self._insert(sql, "runs", run)
            sql.executemany("DELETE FROM claims WHERE key = ?", [(run["key"],) for run in outcome.runs])
            sql.executemany(
                "INSERT OR IGNORE INTO vectors VALUES (?, ?, ?, ?)",
                (
                    (*of, json.dumps(v.shape), np.ascontiguousarray(v, "<f8").tobytes())
                    for of, v in outcome.vectors.items()
                ),
            )
            if outcome.resampling is not None:
                self._insert(sql, "resamplings", outcome.resampling)
                sql.executemany(
                    "INSERT OR IGNORE INTO resampled VALUES (?, ?)",
                    ((run["key"], outcome.resampling["key"]) for run in outcome.runs),
                )

    def claim(self, keys: Iterable[str]) -> bool:
        """Say that some runs are worked on.

        A claim ends when the run is written. The claims of a process that was killed stay, so a claim is a reason to do
        something else first, not to leave a run out.

        Parameters
        ----------
        keys : iterable of str

        Returns
        -------
        bool
            Whether none of them was claimed already.
        """
        wanted = list(keys)
        with self._transaction() as sql:
            there = sql.execute(
                "SELECT count(*) FROM claims WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(wanted),)
            ).fetchone()
            sql.executemany("INSERT OR IGNORE INTO claims VALUES (?)", [(key,) for key in wanted])
        return bool(there == (0,))

    def statuses(self, keys: Iterable[str] | None = None) -> dict[str, str]:
        """Status of the runs that are there, by key: of all, or of those among ``keys``."""
        chosen = "" if keys is None else "WHERE key IN (SELECT value FROM json_each(?))"
        with self._explained():
            rows = self._connection.execute(
                f"SELECT key, status FROM runs {chosen}", () if keys is None else (json.dumps(list(keys)),)
            )
            return dict(rows.fetchall())

    def specs(self) -> tuple[SpecInfo, ...]:
        """All specifications, the one started last at the end."""
        with self._explained():
            rows = self._connection.execute(
                "SELECT fingerprint, spec, command, created, environment, "
                "(SELECT count(*) FROM spec_runs WHERE spec = fingerprint) FROM specs ORDER BY created, rowid"
            ).fetchall()
        return tuple(SpecInfo(f, json.loads(s), c, at, json.loads(e), n) for f, s, c, at, e, n in rows)

    def find_spec(self, fingerprint: str | None = None) -> SpecInfo:
        """The specification whose fingerprint begins so; None: the one started last.

        Raises
        ------
        LookupError
            If there is none, or several.
        """
        specs = self.specs()
        if not specs:
            raise LookupError(f"{self._name} holds no comparison yet")
        if fingerprint is None:
            return specs[-1]
        found = [spec for spec in specs if spec.fingerprint.startswith(fingerprint)]
        if len(found) != 1:
            there = ", ".join(f"{spec.fingerprint[:12]} ({spec.created[:19]})" for spec in found or specs)
            raise LookupError(
                f"{len(found) or 'no'} comparisons in {self._name} begin with {fingerprint!r}; expected one of {there}"
            )
        return found[0]

    def runs(self, spec: str) -> Columns:
        """Columns of the runs of a specification that are there, in its order; those of measures in no fixed order."""
        with self._explained():
            measures = [name for name in self._columns_of("runs") if name not in RUN_COLUMNS]
            return self._read(
                "runs",
                RUN_COLUMNS | dict.fromkeys(measures, float),
                {"dataset", "approach", "classifier"},
                "spec_runs AS named JOIN runs USING (key) WHERE spec = ? ORDER BY position",
                spec,
            )

    def resamplings(self, spec: str) -> Columns:
        """Columns of the resamplings that runs of a specification used, one for each task, in its order."""
        with self._explained():
            found = self._read(
                "resamplings",
                RESAMPLING_COLUMNS,
                {"dataset", "approach"},
                "(SELECT resampling, dataset, approach, min(position) AS first "
                "FROM spec_runs JOIN resampled USING (key) WHERE spec = ? "
                "GROUP BY resampling, dataset, approach) AS named "
                "JOIN resamplings ON resamplings.key = resampling ORDER BY first",
                spec,
            )
        _, tasks = codes(*(found[name] for name in ("dataset", "approach", "repeat", "fold", "seed")))
        first = np.unique(tasks, return_index=True)[1]
        return {name: column[first] for name, column in found.items()}

    def datasets(self, spec: str) -> tuple[DatasetInfo, ...]:
        """The data sets of a specification, in its order."""
        names = ", ".join(
            f"{'spec_datasets' if column.name == 'name' else 'datasets'}.{column.name}"
            for column in fields(DatasetInfo)
        )
        with self._explained():
            rows = self._connection.execute(
                f"SELECT {names} FROM spec_datasets JOIN datasets USING (fingerprint) WHERE spec = ? ORDER BY position",
                (spec,),
            ).fetchall()
        return tuple(map(dataset_info, rows))

    def vectors(self, spec: str, name: str) -> dict[str, NDArray[np.float64]]:
        """Arrays of that name by key of the run, in the specification's order."""
        with self._explained():
            rows = self._connection.execute(
                'SELECT key, shape, "values" FROM spec_runs JOIN vectors USING (key) '
                "WHERE spec = ? AND name = ? ORDER BY position",
                (spec, name),
            ).fetchall()
        return {
            key: np.frombuffer(values, "<f8").astype(np.float64).reshape(json.loads(shape))
            for key, shape, values in rows
        }

    @property
    def _name(self) -> str:
        return "the temporary store" if self.path is None else str(self.path)

    def _open(self) -> sqlite3.Connection:
        if self.path is not None:
            if self.path.is_dir():
                raise StoreError(f"{self.path} is a folder; expected the path of a file")
            if not self.path.parent.is_dir():
                raise StoreError(f"cannot make {self.path}: there is no folder {self.path.parent}")
        connection = sqlite3.connect(
            "" if self.path is None else self.path, timeout=self._timeout, isolation_level=None
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables where there are none. Several processes may get here at once."""
        tables = table_names(connection)
        if not tables:
            if self.path is not None:
                self._write_ahead(connection)
            connection.execute("BEGIN IMMEDIATE")
            if not table_names(connection):
                for statement in schema(STORE_VERSION):
                    connection.execute(statement)
            connection.execute("COMMIT")
        elif "meta" in tables and "claims" not in tables:
            connection.execute(CLAIMS)
        # enough for kill -9; if the power fails, the last tasks are run again
        connection.execute("PRAGMA synchronous = NORMAL")

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        """Readers go on while one process writes. SQLite does not itself wait for the lock that this change needs."""
        last = time.monotonic() + self._timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                    raise
                time.sleep(0.02)

    def _open_for_reading(self) -> sqlite3.Connection:
        if self.path is None or not self.path.is_file():
            raise StoreError(f"there is no store {self.path}; give the path of one that is there")
        uri = f"file:{quote(str(self.path.absolute()))}?mode=ro"
        beside = self.path.with_name(self.path.name + "-wal")
        connection = sqlite3.connect(uri, uri=True, timeout=self._timeout, isolation_level=None)
        try:
            table_names(connection)
        except sqlite3.OperationalError as error:
            connection.close()
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
            if beside.exists() and beside.stat().st_size:
                raise StoreError(
                    f"{self.path} cannot be read where nothing can be written, as its last records are still in "
                    f"{beside}; copy both to a folder of your own and open it there"
                ) from error
            # nobody can write here, so no lock is needed
            connection = sqlite3.connect(uri + "&immutable=1", uri=True, isolation_level=None)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_version(self) -> None:
        if "meta" not in table_names(self._connection):
            raise StoreError(f"{self._name} is a database, but no store of results; give another path")
        row = self._connection.execute("SELECT store_version FROM meta").fetchone()
        if row != (STORE_VERSION,):
            raise StoreError(
                f"{self._name} is a store of version {row[0] if row else 'unknown'}, this is version {STORE_VERSION}; "
                "give another path, or read it with the version of rarelabel that wrote it"
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._known.clear()
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _insert(self, sql: sqlite3.Connection, table: str, record: Record) -> None:
        if not self._known.get(table, set()) >= record.keys():
            self._add_columns(sql, table, record)
        names = ", ".join(f'"{name}"' for name in record)
        sql.execute(
            f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(record))}) ON CONFLICT (key) DO NOTHING",
            [plain(value) for value in record.values()],
        )

    def _add_columns(self, sql: sqlite3.Connection, table: str, names: Iterable[str]) -> None:
        """Add those that are not there. The write lock is held, so no other process adds the same."""
        there = self._columns_of(table)
        for name in names:
            if name not in there:
                if not name.isidentifier():
                    raise ValueError(f"a measure must be named like a variable, got {name!r}")
                sql.execute(f'ALTER TABLE {table} ADD COLUMN "{name}" REAL')
        self._known[table] = set(self._columns_of(table))

    def _columns_of(self, table: str) -> list[str]:
        return [row[1] for row in self._connection.execute(f"PRAGMA table_info({table})")]

    def _read(self, table: str, types: Mapping[str, type], renamed: Set[str], source: str, spec: str) -> Columns:
        names = ", ".join(f'{"named" if name in renamed else table}."{name}"' for name in types)
        cursor = self._connection.execute(f"SELECT {names} FROM {source}", (spec,))
        chunks = [as_columns((), types)]
        while rows := cursor.fetchmany(_CHUNK):
            chunks.append(as_columns(rows, types))
        return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in types}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what an error of SQLite means and what to do."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            reason = self._reason(getattr(error, "sqlite_errorcode", 0) & 0xFF)
            raise StoreError(f"{self._name} {reason} ({error})" if reason else f"{self._name}: {error}") from error

    def _reason(self, code: int) -> str:
        return {
            sqlite3.SQLITE_NOTADB: "is no store of results; give another path",
            sqlite3.SQLITE_CORRUPT: "is damaged; move it away and start again, or save what can be read with the "
            "command .recover of the program sqlite3",
            sqlite3.SQLITE_BUSY: f"has been locked by another process for {self._timeout:g} seconds; wait for that "
            "one or end it, then start again: what was done is kept",
            sqlite3.SQLITE_FULL: "cannot grow, as the disk is full; make room and start again: what was done is kept",
            sqlite3.SQLITE_IOERR: "cannot be read or written; see that its disk works and has room, then start again: "
            "what was done is kept",
            sqlite3.SQLITE_READONLY: "cannot be written to; give a path in a folder of your own",
            sqlite3.SQLITE_CANTOPEN: "cannot be opened; see that its folder is there and yours to write to",
        }.get(code, "")
