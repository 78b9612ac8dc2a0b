"""Multi-label LIBSVM."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

from rarelabel.datasets import Dataset, read, write
from rarelabel.datasets._libsvm import parse_libsvm
from rarelabel.schema import Column, Schema


def parse(text, names=None):
    return parse_libsvm(text.splitlines(keepends=True), "a.libsvm", names, "a")


def test_rows_with_and_without_labels():
    dataset = parse("1,3 1:0.5 4:2\n 2:1 # none\n10 3:-1e-3\n4:1\n\n# done\n")
    assert dataset.label_names == ("1", "3", "10")
    assert dataset.Y.astype(int).tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert isinstance(dataset.X, sparse.csr_array)
    assert dataset.X.toarray().tolist() == [[0.5, 0, 0, 2], [0, 1, 0, 0], [0, 0, -1e-3, 0], [0, 0, 0, 1]]
    assert dataset.feature_names == ("x0", "x1", "x2", "x3")


def test_features_count_from_zero_where_a_zero_occurs():
    assert parse("1 0:5 2:1\n").X.toarray().tolist() == [[5, 0, 1]]


@pytest.mark.parametrize(
    ("text", "column"), [("0 1:1\n", 0), ("2 1:1\n", 2), ("cat 1:1\n", 1), ("cat,ox 1:1\n", [1, 2])]
)
def test_labels_by_position_or_by_name(text, column):
    dataset = parse(text, ["dog", "cat", "ox"])
    assert dataset.label_names == ("dog", "cat", "ox")
    assert np.flatnonzero(dataset.Y[0]).tolist() == np.atleast_1d(column).tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 1:1\n3 1:1\n", "row 2 carries the label '3', which is neither one of the 3 names"),
        ("1 1:x\n", "line 1: expected feature:number, got '1:x'"),
        ("1 1:1\n1 qid:3 1:1\n", "line 2: expected feature:number, got 'qid:3'"),
        ("1 1:inf\n", "got '1:inf'"),
        ("1 1:1_0\n", "got '1:1_0'"),
        ("1 2:1 2:3\n", "feature 2 is given twice"),
        ("1,,2 1:1\n", "empty or repeated"),
        ("1,1 1:1\n", "empty or repeated"),
        ("# nothing\n", "holds no rows"),
        ("1\n2\n", "holds no feature"),
        (" \n", "line 1: a row without labels and values"),
    ],
)
def test_bad_lines(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse(text, ["a", "b", "c"])
    assert "a.libsvm" in str(caught.value)


def test_no_label_at_all_without_names():
    with pytest.raises(ValueError, match="no row carries a label"):
        parse(" 1:1\n")


def test_agrees_with_scikit_learn_both_ways(tmp_path):
    rng = np.random.default_rng(1)
    X = sparse.csr_array(rng.random((30, 12)).round(9) * (rng.random((30, 12)) < 0.3))  # it writes 16 digits, not all
    Y = rng.random((30, 4)) < 0.4
    path = tmp_path / "a.libsvm"
    dump_svmlight_file(X, Y.astype(int), str(path), multilabel=True, zero_based=False)
    ours = read(path)
    np.testing.assert_array_equal(ours.X.toarray(), X.toarray()[:, : ours.X.shape[1]])
    assert np.array_equal(ours.Y, Y)
    write(Dataset(X, Y, Schema.numeric(12, list("abcd"))), tmp_path / "b.libsvm")
    theirs, labels = load_svmlight_file(str(tmp_path / "b.libsvm"), multilabel=True, zero_based=False)
    np.testing.assert_array_equal(theirs.toarray(), X.toarray())
    assert [set(map(int, row)) for row in labels] == [set(np.flatnonzero(row)) for row in Y]


@pytest.mark.parametrize("as_sparse", [True, False])
def test_what_the_format_cannot_hold_is_refused_by_column(tmp_path, as_sparse):
    X = np.array([[0.0, 1.0, np.nan]])
    features = (Column("a"), Column("b"), Column("with gaps"))
    Y = np.ones((1, 1), dtype=bool)
    dataset = Dataset(sparse.csr_array(X) if as_sparse else X, Y, Schema(features, (Column("l", "label"),)))
    with pytest.raises(ValueError, match="column 'with gaps' has missing values"):
        write(dataset, tmp_path / "a.libsvm")
    schema = Schema((Column("c", "category", ("x", "y")),), (Column("l", "label"),))
    with pytest.raises(ValueError, match="column 'c' holds categories"):
        write(Dataset(np.zeros((1, 1)), Y, schema), tmp_path / "a.libsvm")
    assert list(tmp_path.iterdir()) == []


def test_labels_named_by_numbers_are_written_by_name(tmp_path):
    Y = np.array([[True, False, False], [False, True, True]])
    path, _ = write(Dataset(np.ones((2, 1)), Y, Schema.numeric(1, ("2", "0", "b"))), tmp_path / "a.libsvm")
    assert path.read_text() == "2 1:1\n0,b 1:1\n"
    assert np.array_equal(read(path).Y, Y)
    with pytest.raises(ValueError, match="label 'b c' cannot be written as a word"):
        write(Dataset(np.ones((2, 1)), Y, Schema.numeric(1, ("2", "0", "b c"))), tmp_path / "b.libsvm")


def test_a_count_of_labels_has_no_meaning(tmp_path):
    path = tmp_path / "a.svm"
    path.write_text("1 1:1\n")
    with pytest.raises(ValueError, match="not the count 2"):
        read(path, 2)
