"""Y of any form gives the same indicator; a Y that is wrong is refused by the name of its label."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from rarelabel._validation import validate_classes, validate_labels

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

Y = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1]])
NAMED = {"sea": [1, 0, 0], "sky": [0, 0, 1], "sun": [1, 0, 1]}

INDICATORS = {
    **{f"array of {dtype}": Y.astype(dtype) for dtype in ("bool", "int8", "int64", "uint64", "float32", "float64")},
    "array of objects": Y.astype(object),
    "Fortran array": np.asfortranarray(Y),
    "list": Y.tolist(),
    "list of arrays": list(Y),
    "csr_array": sparse.csr_array(Y),
    "csc_matrix": sparse.csc_matrix(Y.astype(float)),
    "coo_array of bool": sparse.coo_array(Y.astype(bool)),
    "lil_matrix": sparse.lil_matrix(Y),
}
FRAMES = {
    "pandas": pd.DataFrame(NAMED),
    "pandas bool": pd.DataFrame(NAMED).astype(bool),
    "pandas nullable": pd.DataFrame(NAMED).astype("Int8"),
    "pandas Arrow": pd.DataFrame(NAMED).astype("bool[pyarrow]"),
    "polars": pl.DataFrame(NAMED),
    "polars bool": pl.DataFrame(NAMED).cast(pl.Boolean),
    "arrow": pa.table(NAMED),
}


@pytest.mark.parametrize("form", INDICATORS)
def test_every_indicator_means_the_same(form):
    labels = validate_labels(INDICATORS[form])
    assert labels.Y.dtype == bool
    np.testing.assert_array_equal(labels.Y, Y == 1)
    assert labels.names == ("y0", "y1", "y2")
    assert not labels.exclusive


@pytest.mark.parametrize("form", FRAMES)
def test_a_frame_brings_the_names_of_its_labels(form):
    labels = validate_labels(FRAMES[form])
    np.testing.assert_array_equal(labels.Y, Y == 1)
    assert labels.names == ("sea", "sky", "sun")


@pytest.mark.parametrize(
    "lists",
    [
        [["sun", "sea"], [], ["sky", "sun"]],
        [("sea", "sun"), (), ("sun", "sky")],
        [{"sea", "sun"}, set(), {"sun", "sky"}],
        (frozenset({"sea", "sun"}), frozenset(), frozenset({"sun", "sky"})),
        np.array([["sun", "sea"], [], ["sky", "sun"]], dtype=object),
        pd.Series([["sun", "sea"], [], ["sky", "sun"]]),
    ],
    ids=["lists", "tuples", "sets", "frozensets", "object array", "series"],
)
def test_collections_of_labels_become_columns_in_sorted_order(lists):
    labels = validate_labels(lists)
    assert labels.names == ("sea", "sky", "sun")
    np.testing.assert_array_equal(labels.Y, Y == 1)


def test_labels_that_are_numbers_keep_their_type_beside_their_name():
    labels = validate_labels([[10, 2], [], [2, 3]])
    assert labels.values == (2, 3, 10)
    assert labels.names == ("2", "3", "10")


@pytest.mark.parametrize(
    "y",
    [
        ["b", "a", "c", "a"],
        np.array(["b", "a", "c", "a"]),
        np.array(["b", "a", "c", "a"], dtype=object),
        pd.Series(["b", "a", "c", "a"], index=[9, 8, 7, 6]),
        pd.Series(["b", "a", "c", "a"], dtype="category"),
        pl.Series(["b", "a", "c", "a"]),
        pa.chunked_array([["b", "a"], ["c", "a"]]),
    ],
    ids=["list", "array", "objects", "series", "categorical", "polars", "arrow"],
)
def test_one_class_for_each_row_is_an_exclusive_indicator(y):
    labels = validate_labels(y)
    assert labels.names == ("a", "b", "c")
    assert labels.exclusive
    np.testing.assert_array_equal(labels.Y.astype(int), [[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]])


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=8).filter(lambda y: len(set(y)) > 1))
def test_classes_that_are_numbers_come_in_order_and_once_in_each_row(y):
    labels = validate_labels(np.array(y))
    assert labels.values == tuple(sorted(set(y)))
    assert [labels.values[j] for j in labels.Y.argmax(axis=1)] == y
    assert (labels.Y.sum(axis=1) == 1).all()


def test_the_indicator_is_a_copy():
    given_Y = np.array([[True, False], [False, True]])
    validate_labels(given_Y).Y[:] = True
    assert given_Y.tolist() == [[True, False], [False, True]]


def test_an_explicit_zero_is_no_label():
    stored = sparse.csr_array((np.array([1, 0]), np.array([0, 1]), np.array([0, 1, 2])), shape=(2, 2))
    assert validate_labels(stored).Y.tolist() == [[True, False], [False, False]]
    assert stored.nnz == 2


def test_entries_stored_twice_add_up_and_are_refused():
    twice = sparse.coo_array((np.array([1, 1]), (np.array([0, 0]), np.array([1, 1]))), shape=(2, 2))
    with pytest.raises(ValueError, match=r"'y1' must hold 0 or 1 only, got .*2.* in row 0"):
        validate_labels(twice)


BAD = {
    "2 in an array": (np.array([[0, 1], [2, 0]]), "label 'y0' must hold 0 or 1 only, got .*2.* in row 1"),
    "half": (np.array([[0, 0.5]]), "label 'y1' must hold 0 or 1 only, got .*0.5.* in row 0"),
    "-1 in a list": ([[0, 1], [1, -1]], "label 'y1' .* got .*-1.* in row 1"),
    "2 in a frame": (pd.DataFrame({"a": [0, 1], "b": [1, 2]}), "label 'b' .* got .*2.* in row 1"),
    "2 in polars": (pl.DataFrame({"a": [0, 1], "b": [1, 2]}), "label 'b' .* got .*2.* in row 1"),
    "2 in sparse": (sparse.csr_array(np.array([[0, 0], [0, 2]])), "label 'y1' .* got .*2.* in row 1"),
    "word in a frame": (pd.DataFrame({"a": [0, 1], "b": ["0", "1"]}), "label 'b' .* got '0' in row 0"),
    "NaN": (np.array([[0.0, 1.0], [np.nan, 1.0]]), "label 'y0' is missing .* in row 1"),
    "NaN in sparse": (sparse.csr_array(np.array([[0, np.nan]])), "label 'y1' is missing .* in row 0"),
    "missing in a frame": (pd.DataFrame({"a": [0.0, None]}), "label 'a' is missing .* in row 1"),
    "missing, nullable": (pd.DataFrame({"a": pd.array([0, None], "Int8")}), "label 'a' is missing .* in row 1"),
    "missing in polars": (pl.DataFrame({"a": [True, None]}), "label 'a' is missing .* in row 1"),
    "None": (None, "y is None"),
    "no rows": (np.zeros((0, 3)), "Y is empty"),
    "no rows in a list": ([], "Y is empty"),
    "no labels": (np.zeros((3, 0)), "no labels"),
    "no labels in lists": ([set(), set()], "no labels"),
    "three dimensions": (np.zeros((2, 2, 2)), r"1 or 2 dimensions.*\(2, 2, 2\)"),
    "ragged numbers": ([[0, 1], [[1], 0]], "different lengths|must hold 0 or 1"),
    "repeated names": (pd.DataFrame([[0, 1]], columns=["a", "a"]), "(?s)unique column names.*'a'"),
    "names equal as text": (pd.DataFrame([[0, 1]], columns=["1", 1]), "repeated: '1'"),
    "a word": ("sun", "expected labels as an array, a frame or a list, got str"),
    "a number": (3, "expected labels as an array, a frame or a list, got int"),
    "one class": (["a", "a"], "one class only .*'a'"),
    "missing class": (["a", None], "row 1 is missing"),
    "missing number": ([1.0, np.nan], "row 1 is missing"),
    "continuous": ([0.1, 0.2, 0.7], "continuous"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_Y_is_refused_and_says_what_is_wrong(case):
    wrong, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        validate_labels(wrong)


def test_a_lazy_frame_is_refused():
    with pytest.raises(TypeError, match="collect it first"):
        validate_labels(pl.LazyFrame({"a": [0, 1]}))


# The class of each row


CLASS_TABLES = {
    "array": np.array([["b"], ["a"], ["b"]]),
    "objects": np.array([["b"], ["a"], ["b"]], dtype=object),
    "list": [["b"], ["a"], ["b"]],
    "tuples": (("b",), ("a",), ("b",)),
    "pandas": pd.DataFrame({"t": ["b", "a", "b"]}),
    "pandas category": pd.DataFrame({"t": pd.Categorical(["b", "a", "b"], ["none", "b", "a"])}),
    "polars": pl.DataFrame({"t": ["b", "a", "b"]}),
    "arrow": pa.table({"t": ["b", "a", "b"]}),
}


@pytest.mark.parametrize("form", CLASS_TABLES)
def test_a_table_of_one_column_holds_classes_where_classes_are_asked_for(form):
    labels = validate_classes(CLASS_TABLES[form])
    assert labels.Y.astype(int).tolist() == [[0, 1], [1, 0], [0, 1]]
    assert (labels.names, labels.values, labels.exclusive, labels.in_column) == (("a", "b"), ("a", "b"), True, True)


def test_numbers_of_one_column_are_classes_and_not_an_indicator_of_one_label():
    for Y in ([[3], [0], [3]], np.array([[3], [0], [3]]), sparse.coo_array([[3], [0], [3]])):
        assert (validate_classes(Y).values, validate_classes(Y).Y[:, 1].tolist()) == ((0, 3), [True, False, True])
    assert validate_labels([[1], [0], [1]]).names == ("y0",)


def test_an_indicator_is_one_of_classes_where_each_row_carries_one_label():
    for Y, exclusive in (
        ([[0, 1], [1, 0]], True),
        (sparse.csr_array([[0, 1, 0], [1, 0, 0]]), True),
        ([{"b"}, {"a"}], True),
        ([[1, 1], [1, 0]], False),
        ([[0, 0], [1, 0]], False),
        (["b", "a"], True),
    ):
        labels = validate_classes(Y)
        assert (labels.exclusive, labels.in_column) == (exclusive, False)
        np.testing.assert_array_equal(labels.Y, validate_labels(Y).Y)


def test_labels_are_put_in_order_by_name_and_those_that_are_listed_may_be_absent():
    names = ("a", "b", "c")
    frame = pd.DataFrame({"c": [1, 0], "a": [0, 0], "b": [0, 1]})
    assert validate_labels(frame).in_order(names, "Y").astype(int).tolist() == [[0, 0, 1], [0, 1, 0]]
    assert validate_labels(frame.to_numpy()).in_order(names, "Y").astype(int).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert validate_labels([["c"], []]).in_order(names, "Y").astype(int).tolist() == [[0, 0, 1], [0, 0, 0]]
    classes = validate_labels(["b", "b"], min_classes=1)
    assert classes.in_order(names, "Y").astype(int).tolist() == [[0, 1, 0]] * 2
    with pytest.raises(ValueError, match="held-out has other labels than the 3 expected: it lacks 'b'"):
        validate_labels(frame[["a", "c"]]).in_order(names, "held-out")  # a column was forgotten
    with pytest.raises(ValueError, match="it lacks 'a', 'b', 'c' and has besides 'd'"):
        validate_labels([["d"], []]).in_order(names, "Y")
    with pytest.raises(ValueError, match="Y has 2 labels, expected 3"):
        validate_labels([[1, 0]]).in_order(names, "Y")
