"""Rows that are kept are the rows that were made: the same numbers, notes and costs, for less work."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from rarelabel.datasets import load_digit_scenes
from rarelabel.evaluation.kept_rows import KeptRows
from rarelabel.evaluation.metering import CpuClock

DIGITS = load_digit_scenes(200)
QUICK = {"cv": "1x2", "fidelity": "none"}
ROWS = np.arange(5)


class Copier(BaseEstimator):
    """Repeats the first row, tells so, and counts how often it was asked."""

    asked = 0

    def __init__(self, times=1):
        self.times = times

    def fit_resample(self, X, Y):
        Copier.asked += 1
        warnings.warn("the first row\n again", ConvergenceWarning, stacklevel=1)
        return np.concatenate([X, X[[0] * self.times]]), np.concatenate([Y, Y[[0] * self.times]])


def made_of(X, n_calls=1, *, folder, key="key", rows=ROWS, seed=0, warn=()):
    """What is given back, and how often it was made."""
    calls = []

    def make():
        calls.append(1)
        for category, text in warn:
            warnings.warn(text, category, stacklevel=1)
        return X, np.eye(5, 3, dtype=bool), np.arange(5) > 3

    for _ in range(n_calls):
        made = KeptRows(folder, key).made_once(rows, seed, make, CpuClock())
    return made, len(calls)


@pytest.mark.parametrize(
    "X",
    [
        np.random.default_rng(0).normal(size=(5, 4)),
        sparse.csr_array(np.where(np.random.default_rng(0).random((5, 40)) < 0.1, 1.5, 0)),
        sparse.csr_array((5, 4)),
    ],
    ids=["dense", "sparse", "empty"],
)
def test_what_is_read_is_what_was_made(tmp_path, X):
    (found, Y, new), calls = made_of(X, 2, folder=tmp_path)
    assert calls == 1
    assert type(found) is type(X)
    assert found.dtype == X.dtype
    np.testing.assert_array_equal(found.toarray() if sparse.issparse(X) else found, sparse.csr_array(X).toarray())
    np.testing.assert_array_equal(Y, np.eye(5, 3, dtype=bool))
    np.testing.assert_array_equal(new, [False] * 4 + [True])


@pytest.mark.parametrize("other", [{"key": "other"}, {"rows": np.arange(1, 6)}, {"seed": 1}])
def test_what_the_rows_hang_on_tells_them_apart(tmp_path, other):
    assert made_of(np.eye(5), folder=tmp_path)[1] == 1
    assert made_of(np.eye(5), folder=tmp_path, **other)[1] == 1
    assert made_of(np.eye(5), folder=tmp_path)[1] == 0


@pytest.mark.parametrize("harm", ["cut", "empty", "another", "no archive"])
def test_a_damaged_file_is_made_again(tmp_path, harm):
    made_of(np.eye(5), folder=tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    if harm == "another":
        with path.open("wb") as file:
            np.savez(file, a=np.zeros(2))
    else:
        path.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "no archive": b"rows"}[harm])
    (found, _, _), calls = made_of(np.eye(5), folder=tmp_path)
    assert calls == 1
    np.testing.assert_array_equal(found, np.eye(5))
    assert made_of(np.eye(5), folder=tmp_path)[1] == 0


def test_a_file_that_holds_code_is_not_run(tmp_path):
    made_of(np.eye(5), folder=tmp_path)
    (path,) = tmp_path.iterdir()
    ran = tmp_path / "ran"

    class Malicious:
        def __reduce__(self):
            return Path.touch, (ran,)

    with path.open("wb") as file:
        np.savez(file, X=np.array([Malicious()], dtype=object))
    assert made_of(np.eye(5), folder=tmp_path)[1] == 1
    assert not ran.exists()


def test_warnings_come_again_with_their_names(tmp_path):
    given = [(UserWarning, "few rows"), (ConvergenceWarning, "no end"), (RuntimeWarning, "overflow")]
    for expected_calls in (1, 0):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert made_of(np.eye(5), folder=tmp_path, warn=given)[1] == expected_calls
        told = [(each.category.__name__, str(each.message)) for each in caught]
        assert told == [(category.__name__, text) for category, text in given]


def test_the_clock_goes_on_by_what_making_took(tmp_path):
    def make():
        clock = CpuClock()
        while clock.seconds < 0.05:
            with clock:
                sum(range(10_000))
        return np.eye(5), np.eye(5, 3, dtype=bool), np.zeros(5, dtype=bool)

    first, second = CpuClock(), CpuClock()
    for clock in (first, second):
        KeptRows(tmp_path, "key").made_once(ROWS, 0, make, clock)
    assert first.seconds == second.seconds >= 0.05


def test_an_error_leaves_no_file_and_what_was_warned_of_is_told(tmp_path):
    def make():
        warnings.warn("few rows", UserWarning, stacklevel=1)
        raise RuntimeError("no rows")

    with pytest.raises(RuntimeError, match="no rows"), pytest.warns(UserWarning, match="few rows"):
        KeptRows(tmp_path, "key").made_once(ROWS, 0, make, CpuClock())
    assert not list(tmp_path.iterdir())


def test_rows_that_cannot_be_written_are_used_all_the_same(tmp_path):
    with pytest.warns(UserWarning, match="rows could not be kept in .*gone"):
        (X, _, _), calls = made_of(np.eye(5), folder=tmp_path / "gone")
    assert calls == 1
    np.testing.assert_array_equal(X, np.eye(5))


def run(**more):
    """A comparison of a copier with and without weights and thresholds, and how often it was asked for rows."""
    pytest.importorskip("pydantic")
    from rarelabel.evaluation import compare

    Copier.asked = 0
    approaches = {
        name: {"sampler": "MLROS", **extra} for name, extra in (("MLROS", {}), ("MLROS+weights", {"weights": True}))
    }
    asked = {"samplers": {"copier": Copier()} | approaches, "classifiers": "br-tree"} | QUICK | more
    return compare(DIGITS, **asked), Copier.asked


def table(results):
    """Everything but what is never the same twice."""
    costs = {"wall", "cpu_sampler", "cpu_classifier", "cpu_measures", "peak_mb"}
    return {name: column.tolist() for name, column in results.runs.items() if name not in costs}


def test_a_comparison_that_keeps_rows_finds_the_same(tmp_path):
    plain, asked = run()
    assert asked == 2
    kept, asked = run(keep_rows=tmp_path / "new" / "rows")
    assert asked == 2
    np.testing.assert_equal(table(kept), table(plain))
    assert "ConvergenceWarning: the first row again" in "\n".join(kept.runs["notes"].tolist())
    assert len(list((tmp_path / "new" / "rows").iterdir())) == 2 + 2  # two folds: the copier, and MLROS for both
    again, asked = run(keep_rows=tmp_path / "new" / "rows")
    assert asked == 0
    np.testing.assert_equal(table(again), table(plain))


def test_a_classifier_added_later_needs_no_new_rows(tmp_path):
    store = {"store": tmp_path / "runs.sqlite", "keep_rows": tmp_path / "rows"}
    run(**store)
    _, asked = run(classifiers=["br-tree", "mlknn"], **store)
    assert asked == 0
    _, asked = run(samplers={"copier": Copier(2)}, **store)
    assert asked == 2  # one that copies twice makes other rows


def test_rows_on_inner_folds_are_kept_too(tmp_path):
    from_spec = {"samplers": {"tuned": {"sampler": "MLROS", "thresholds": True}}}
    plain, _ = run(**from_spec)
    for _ in range(2):
        kept, _ = run(**from_spec, keep_rows=tmp_path)
        np.testing.assert_equal(table(kept), table(plain))
        assert len(list(tmp_path.iterdir())) == 2 * (1 + 3)


def test_a_file_is_no_folder_to_keep_rows_in(tmp_path):
    (tmp_path / "rows").write_text("mine")
    with pytest.raises(FileExistsError, match="rows"):
        run(keep_rows=tmp_path / "rows")
    assert (tmp_path / "rows").read_text() == "mine"
