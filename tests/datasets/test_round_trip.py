"""What is written comes back, for any names and values, within each format's stated limits."""

import re
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from scipy import sparse

from rarelabel.datasets import Dataset, read, write
from rarelabel.schema import Column, Schema

NASTY = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
    st.text(" ,'\"\\%{}?@;\t\n\r\u2028\x85a1ü", max_size=6),
    st.sampled_from(["", "?", "'", "\\", "\\n", "%", "{", "}", " ", "nan", "1", "<null>", "@data", "''", '""', "1.0"]),
).filter(
    lambda text: all(c in "\t\n\r\x85" or c >= " " for c in text) and "\ufffe" not in text and "\uffff" not in text
)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def datasets(draw, categories=True, as_sparse=None):
    """Data sets of up to 5 rows with names that are hard to write."""
    n = draw(st.integers(1, 5))
    names = draw(st.lists(NASTY, min_size=2, max_size=6, unique=True))
    q = draw(st.integers(1, len(names) - 1))
    features, columns = [], []
    for name in names[q:]:
        kind = draw(st.sampled_from(["numeric", "integer", "category"] if categories else ["numeric", "integer"]))
        values = ()
        if kind == "category":
            values = tuple(draw(st.lists(NASTY, min_size=1, max_size=4, unique=True)))
            cells = st.integers(0, len(values) - 1).map(float)
        else:
            cells = NUMBER if kind == "numeric" else st.integers(-(2**60), 2**60).map(float)
        if categories:
            cells = st.one_of(cells, cells, st.just(np.nan))
        features.append(draw(st.lists(cells, min_size=n, max_size=n)))
        columns.append(Column(name, kind, values))
    X = np.array(features).T.copy() + 0.0
    Y = np.array(draw(st.lists(st.lists(st.booleans(), min_size=q, max_size=q), min_size=n, max_size=n)))
    schema = Schema(tuple(columns), tuple(Column(name, "label") for name in names[:q]))
    if draw(st.booleans()):
        Y = np.eye(q, dtype=bool)[draw(st.lists(st.integers(0, q - 1), min_size=n, max_size=n))]
        schema = replace(schema, exclusive=True)
    make_sparse = draw(st.booleans()) if as_sparse is None else as_sparse
    name = draw(NASTY.filter(lambda text: text and ":" not in text))
    return Dataset(sparse.csr_array(X) if make_sparse else X, Y, schema, name)


def again(dataset, filename, **options):
    with tempfile.TemporaryDirectory() as folder:
        write(dataset, Path(folder, filename), **options)
        return read(Path(folder, filename))


def dense(dataset):
    return dataset.X.toarray() if sparse.issparse(dataset.X) else dataset.X


def assert_same(first, second, *, exclusive=True):
    assert second.schema.features == first.schema.features
    assert second.schema.labels == first.schema.labels
    assert second.schema.exclusive == first.schema.exclusive or not exclusive
    assert np.array_equal(first.Y, second.Y)
    np.testing.assert_array_equal(dense(second), dense(first))


quick = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(
    datasets(), st.sampled_from(["start", "end"]), st.sampled_from([None, True, False]), st.sampled_from(["", ".gz"])
)
def test_arff_keeps_everything(dataset, labels_at, as_sparse, suffix):
    back = again(dataset, f"a.arff{suffix}", labels_at=labels_at, sparse=as_sparse)
    assert_same(dataset, back)
    assert back.name == dataset.name
    assert sparse.issparse(back.X) == (sparse.issparse(dataset.X) if as_sparse is None else as_sparse)


@quick
@given(datasets(), st.sampled_from(["start", "end"]))
def test_meka_keeps_everything_but_exclusivity(dataset, labels_at):
    back = again(dataset, "a.arff", style="meka", labels_at=labels_at)
    assert_same(dataset, back, exclusive=False)
    assert back.name == dataset.name


NAMELESS = Schema((Column("0", "numeric"),), (Column("", "label"),))


@quick
@given(datasets(as_sparse=False), st.sampled_from(["start", "end"]))
@example(Dataset(np.zeros((2, 1)), np.zeros((2, 1), dtype=bool), NAMELESS, "0"), "start")
def test_keel_keeps_everything(dataset, labels_at):
    back = again(dataset, "a.dat", labels_at=labels_at)
    assert_same(dataset, back)
    assert back.name == dataset.name


@settings(quick, max_examples=60)
@given(datasets(), st.sampled_from(["start", "end"]), st.sampled_from(["", ".gz"]))
def test_parquet_keeps_everything(dataset, labels_at, suffix):
    pytest.importorskip("pyarrow")
    back = again(dataset, f"a.parquet{suffix}", labels_at=labels_at)
    assert_same(dataset, back)
    assert back.name == dataset.name
    assert sparse.issparse(back.X) == sparse.issparse(dataset.X)


def decoded(dataset):
    """Columns with the categories in words."""
    for column, values in zip(dataset.schema.features, dense(dataset).T, strict=True):
        if column.kind == "category":
            yield [None if np.isnan(value) else column.categories[int(value)] for value in values]
        else:
            yield [None if np.isnan(value) else value for value in values]


@quick
@given(datasets(), st.sampled_from(["start", "end"]), st.sampled_from([".csv", ".csv.gz", ".tsv"]))
def test_csv_keeps_all_but_the_order_of_categories(dataset, labels_at, suffix):
    back = again(dataset, f"a{suffix}", labels_at=labels_at)
    assert back.schema.labels == dataset.schema.labels
    assert back.schema.exclusive == dataset.schema.exclusive
    assert np.array_equal(back.Y, dataset.Y)
    assert back.feature_names == dataset.feature_names
    assert list(decoded(back)) == list(decoded(dataset))
    for before, after, cells in zip(dataset.schema.features, back.schema.features, decoded(dataset), strict=True):
        assert after.kind == before.kind or all(cell is None for cell in cells)


@quick
@given(datasets(categories=False), st.sampled_from([".libsvm", ".svm.gz"]))
def test_libsvm_keeps_numbers_and_label_names(dataset, suffix):
    if any(re.fullmatch("[0-9]+", name) for name in dataset.label_names):
        assume(all(re.fullmatch(r"[^\s,:#]+", name) for name in dataset.label_names))
    back = again(dataset, f"a{suffix}")
    assert back.schema.exclusive == dataset.schema.exclusive
    assert back.label_names == dataset.label_names
    assert np.array_equal(back.Y, dataset.Y)
    assert sparse.issparse(back.X)
    np.testing.assert_array_equal(dense(back), dense(dataset))


@pytest.mark.parametrize("suffix", ["arff", "dat", "csv", "parquet", "arff.gz"])
def test_the_same_data_give_the_same_bytes(tmp_path, flowers, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    for name in ("one", "two"):
        write(flowers, tmp_path / f"{name}.{suffix}")
    assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()
