"""The store: whole tasks or nothing, several writers, and errors that say what to do."""

import os
import sqlite3
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

from rarelabel.datasets import load_digit_scenes
from rarelabel.evaluation.columns import UNKNOWN
from rarelabel.evaluation.records import COST_COLUMNS, RUN_COLUMNS, Task, TaskOutcome
from rarelabel.evaluation.results import Results
from rarelabel.evaluation.store import ResultStore, StoreError


def outcome(key, status="ok", **measures):
    same = {"dataset": "birds", "approach": "none", "classifier": "mlknn", "repeat": 0, "fold": 0, "seed": 0}
    return TaskOutcome(({"key": key, **same, "status": status, **measures},), {(key, "f1"): np.array([0.5, np.nan])})


def task(*keys, **names):
    return Task(**{"dataset": "birds", "approach": "none"} | names, repeat=0, fold=0, seed=0, keys={k: k for k in keys})


def test_what_is_written_is_read_to_the_last_bit(tmp_path):
    values = [0.1 + 0.2, 5e-324, 1.0, -np.inf, np.pi]
    curve = np.random.default_rng(0).normal(size=(3, 10))
    run = {"key": "a", "status": "ok", "n_train": np.int64(7), "notes": "über\nzwei \ud800"}
    run |= {f"m{i}": value for i, value in enumerate(values)} | {"undefined": float("nan"), "absent": None}
    with ResultStore(tmp_path / "s.db") as store:
        store.add_spec("5", {}, "", [task("a")], {})
        store.write(TaskOutcome((run,), {("a", "reliability"): curve}))
    with ResultStore(tmp_path / "s.db") as store:
        columns, vectors = store.runs("5"), store.vectors("5", "reliability")
    assert [columns[f"m{i}"][0].hex() for i in range(5)] == [value.hex() for value in map(float, values)]
    assert np.isnan([columns["undefined"][0], columns["absent"][0], columns["wall"][0]]).all()
    assert (columns["n_train"].tolist(), columns["n_test"].tolist()) == ([7], [UNKNOWN])
    assert columns["notes"].tolist() == ["über\nzwei \\ud800"]
    assert vectors["a"].tobytes() == curve.tobytes()
    assert vectors["a"].shape == (3, 10)


def test_runs_come_in_the_order_of_the_spec_whoever_wrote_first():
    with ResultStore() as store:
        store.add_spec("5", {}, "", [task("c", "a"), task("missing", "b")], {})
        for key in "abcz":
            store.write(outcome(key))
        assert store.runs("5")["key"].tolist() == ["c", "a", "b"]
        assert list(store.vectors("5", "f1")) == ["c", "a", "b"]
        assert store.find_spec().n_runs == 4


def test_names_are_those_of_the_spec():
    """Two specs that share a run but call data set and approach differently; one of them has it twice."""
    run = outcome("a").runs[0] | {"dataset": "old", "approach": "old way"}
    resampling = {"key": "r", "dataset": "old", "approach": "old way", "repeat": 0, "fold": 0, "seed": 0, "n_new": 3}
    with ResultStore() as store:
        store.add_spec("new", {}, "", [task("a", dataset="x", approach="y"), task("a", dataset="z")], {})
        store.write(TaskOutcome((run,), {}, resampling))
        columns, resamplings = store.runs("new"), store.resamplings("new")
    assert list(zip(columns["dataset"], columns["approach"], strict=True)) == [("x", "y"), ("z", "none")]
    assert list(zip(resamplings["dataset"], resamplings["n_new"], strict=True)) == [("x", 3), ("z", 3)]


def test_a_failure_in_the_middle_of_a_task_leaves_nothing(tmp_path):
    first, second = outcome("a", macro_f1=0.5).runs[0], outcome("b").runs[0] | {"not a name": 1.0}
    with ResultStore(tmp_path / "s.db") as store:
        with pytest.raises(ValueError, match="must be named like a variable, got 'not a name'"):
            store.write(TaskOutcome((first, second)))
        assert store.statuses() == {}
        store.write(outcome("a", macro_f1=0.5))  # the column that went with the transaction is added again
        assert store.statuses() == {"a": "ok"}


def test_a_run_is_kept_once_and_a_failed_one_gives_way_when_asked():
    with ResultStore() as store:
        store.add_spec("5", {}, "", [task("a")], {})
        store.write(outcome("a", "failed", error="ValueError"))
        store.write(outcome("a", f1=1.0))
        assert store.statuses() == {"a": "failed"}
        store.write(outcome("a", f1=0.5), replace_failed=True)
        store.write(outcome("a", f1=0.7), replace_failed=True)
        assert (store.runs("5")["f1"].tolist(), store.runs("5")["error"].tolist()) == ([0.5], [""])


def test_a_claim_lasts_until_the_run_is_written(tmp_path):
    path = tmp_path / "store.db"
    with ResultStore(path) as first, ResultStore(path) as second:
        assert first.claim(["a", "b"])
        assert not second.claim(["b", "c"])
        assert second.claim(["d"])
        first.write(TaskOutcome(({"key": "b", "status": "ok"}, {"key": "c", "status": "ok"})))
        assert second.claim(["b", "c"])
        assert not second.claim(["a"])


def test_a_store_of_before_claims_is_taken(tmp_path):
    path = tmp_path / "store.db"
    with ResultStore(path) as store:
        store.write(outcome("a"))
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE claims")
    connection.close()
    with ResultStore(path, read_only=True) as store:
        assert store.statuses() == {"a": "ok"}
    with ResultStore(path) as store:
        assert store.claim(["b"])
        assert store.statuses() == {"a": "ok"}


def test_the_last_spec_started_is_the_newest_and_others_are_found_by_their_beginning():
    data = {"digits": load_digit_scenes(20)}
    with ResultStore() as store:
        with pytest.raises(LookupError, match="holds no comparison yet"):
            store.find_spec()
        for fingerprint in ("abc", "abd", "abc"):
            store.add_spec(fingerprint, {"name": fingerprint}, f"run {fingerprint}", [task("a")], data)
        assert [spec.fingerprint for spec in store.specs()] == ["abd", "abc"]
        assert store.find_spec("abd").command == "run abd"
        assert store.find_spec().environment["numpy"] == np.__version__
        with pytest.raises(LookupError, match=r"2 comparisons in .* begin with 'ab'; expected one of abd .*, abc"):
            store.find_spec("ab")
        with pytest.raises(LookupError, match=r"no comparisons in .* begin with 'x'"):
            store.find_spec("x")
        (info,) = Results.from_store(store, "abc").datasets
    assert (info.name, info.n_rows, info.n_labels, info.exclusive) == ("digits", 20, 10, False)
    assert info.label_counts == tuple(data["digits"].Y.sum(axis=0).tolist())
    assert info.label_names == data["digits"].label_names


def test_many_writers_add_the_same_columns_at_once(tmp_path):
    """Eight connections, each in a thread, start together on a file that is not there."""
    barrier, errors = threading.Barrier(8), []

    def work(i):
        try:
            barrier.wait()
            with ResultStore(tmp_path / "s.db") as store:
                for j in range(5):
                    store.write(outcome(f"{i}/{j}", **{f"m{j}": float(i)}))
                    store.write(outcome(f"all/{j}", **{f"m{j}": 9.0}))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with ResultStore(tmp_path / "s.db") as store:
        assert len(store.statuses()) == 8 * 5 + 5
        store.add_spec("5", {}, "", [task(*(f"{i}/3" for i in range(8)))], {})
        assert store.runs("5")["m3"].tolist() == list(range(8))


def test_a_full_disk_keeps_what_was_written(tmp_path):
    path = tmp_path / "s.db"
    with ResultStore(path) as store:
        store.write(outcome("a"))
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match=r"s\.db cannot grow, as the disk is full; make room and start again"):
            store.write(outcome("b", error="x" * 100_000))
        assert store.statuses() == {"a": "ok"}
    with ResultStore(path) as store:
        store.write(outcome("b"))
        assert store.statuses() == {"a": "ok", "b": "ok"}
        assert store._connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_lock_that_lasts_is_named(tmp_path):
    path = tmp_path / "s.db"
    with ResultStore(path, timeout=0.05) as store, ResultStore(path) as other:
        other._connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"locked by another process for 0\.05 seconds; .*what was done is kept"):
            store.write(outcome("a"))
        assert store.statuses() == {}  # reading goes on
        other._connection.execute("ROLLBACK")
        store.write(outcome("a"))


def text_file(path):
    path.write_text("key,dataset\n" * 100)


def other_database(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    connection.close()


def newer_store(path):
    with ResultStore(path) as store:
        store._connection.execute("UPDATE meta SET store_version = 99")


def damaged_store(path):
    with ResultStore(path) as store:
        store.write(outcome("a"))
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (text_file, r"s\.db is no store of results; give another path"),
        (other_database, r"s\.db is a database, but no store of results; give another path"),
        (newer_store, r"s\.db is a store of version 99, this is version 1; .* the version of rarelabel that wrote it"),
        (damaged_store, r"s\.db is damaged; move it away and start again, or save what can be read with"),
    ],
)
def test_files_that_cannot_be_used_are_named_and_left_alone(tmp_path, make, message, read_only):
    path = tmp_path / "s.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=message), ResultStore(path, read_only=read_only) as store:
        store.statuses()
    assert path.read_bytes() == before


def test_paths_that_cannot_be_are_named(tmp_path):
    with pytest.raises(StoreError, match="is a folder; expected the path of a file"):
        ResultStore(tmp_path)
    with pytest.raises(StoreError, match=r"there is no folder .*nowhere"):
        ResultStore(tmp_path / "nowhere" / "s.db")
    with pytest.raises(StoreError, match=r"there is no store .*s\.db"):
        ResultStore(tmp_path / "s.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_read_where_nothing_can_be_written():
    """As a user who may only read; root may write anywhere, so another user is taken."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s.db")
        with ResultStore(path) as store:
            store.add_spec("5", {}, "", [task("a")], {})
            store.write(outcome("a", f1=0.5))
        path.chmod(0o444)
        path.parent.chmod(0o555)
        read = as_other_user(lambda: _read_and_fail_to_write(path))
        path.parent.chmod(0o755)
    assert read == "0.5"


def _read_and_fail_to_write(path):
    with ResultStore(path, read_only=True) as store:
        value = store.runs("5")["f1"][0]
        with pytest.raises(StoreError, match=r"cannot be written to; give a path in a folder of your own"):
            store.write(outcome("b"))
    with pytest.raises(StoreError, match=r"cannot be (opened|written to)"), ResultStore(path) as store:
        store.write(outcome("b"))
    return str(value)


def as_other_user(work):
    """What ``work`` returns in a child process without the rights of root."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            os.write(writer, work().encode())
        except BaseException as error:
            os.write(writer, repr(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        return answer.read()


def test_every_column_of_a_run_has_its_place_in_the_file(tmp_path):
    with ResultStore(tmp_path / "s.db"):
        pass
    connection = sqlite3.connect(tmp_path / "s.db")
    types = {row[1]: row[2] for row in connection.execute("PRAGMA table_info(runs)")}
    assert list(types) == list(RUN_COLUMNS)
    assert {types[name] for name in COST_COLUMNS} == {"REAL"}
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
