"""X of any form gives the numbers and kinds it holds; an X that is wrong is refused by the name of its column."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from rarelabel._validation import decode_categories, validate_features

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

MIXED = {"size": [1.5, 2.0, -3.0], "count": [4, 0, 7], "colour": ["red", "blue", "red"], "new": [True, False, True]}
CODES = [[1.5, 4, 1, 1], [2.0, 0, 0, 0], [-3.0, 7, 1, 1]]


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint64"])
def test_whole_dtypes_are_integer_columns(dtype):
    features = validate_features(np.array([[1, 2], [3, 4]], dtype=dtype))
    assert {column.kind for column in features.columns} == {"integer"}
    assert features.X.dtype == np.float64
    assert [column.name for column in features.columns] == ["x0", "x1"]
    assert not features.named


@pytest.mark.parametrize(("dtype", "kept"), [("float16", "float64"), ("float32", "float32"), ("float64", "float64")])
def test_float_dtypes_are_numeric_columns_and_keep_single_precision(dtype, kept):
    features = validate_features(np.array([[1, 2.5]], dtype=dtype))
    assert {column.kind for column in features.columns} == {"numeric"}
    assert features.X.dtype == kept


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame(MIXED),
        pd.DataFrame(MIXED).convert_dtypes(),
        pd.DataFrame(MIXED).convert_dtypes(dtype_backend="pyarrow"),
        pl.DataFrame(MIXED),
        pa.table(MIXED),
    ],
    ids=["pandas", "pandas nullable", "pandas Arrow", "polars", "arrow"],
)
def test_frames_bring_names_kinds_and_categories(table):
    features = validate_features(table)
    assert features.named
    assert [(column.name, column.kind) for column in features.columns] == [
        ("size", "numeric"),
        ("count", "integer"),
        ("colour", "category"),
        ("new", "category"),
    ]
    assert features.columns[2].categories == ("blue", "red")
    assert features.columns[3].categories == (False, True)
    assert features.X.tolist() == CODES


@pytest.mark.parametrize("array", [list(zip(*MIXED.values(), strict=True)), np.array(list(MIXED.values()), object).T])
def test_lists_and_object_arrays_are_told_apart_column_by_column(array):
    features = validate_features(array)
    assert [column.kind for column in features.columns] == ["numeric", "integer", "category", "category"]
    assert features.X.tolist() == CODES


@pytest.mark.parametrize(
    "column",
    [
        pd.DataFrame({"c": pd.Categorical(["m", "s", "m"], ["s", "m", "l"], ordered=True)}),
        pl.DataFrame({"c": pl.Series(["m", "s", "m"], dtype=pl.Enum(["s", "m", "l"]))}),
    ],
    ids=["pandas", "polars"],
)
def test_declared_categories_keep_their_order_and_those_that_no_row_has(column):
    features = validate_features(column)
    assert features.columns[0].categories == ("s", "m", "l")
    assert features.X.ravel().tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    "chosen", [[0, 2], [0, -1], np.array([0, 2]), [True, False, True], np.array([True, False, True])], ids=str
)
def test_columns_are_made_categories_by_index_or_mask(chosen):
    features = validate_features(np.array([[7, 1, 5], [3, 1, 5], [7, 2, 9]]), categorical_features=chosen)
    assert [column.kind for column in features.columns] == ["category", "integer", "category"]
    assert features.columns[0].categories == (3, 7)
    assert features.X.tolist() == [[1, 1, 0], [0, 1, 0], [1, 2, 1]]


@pytest.mark.parametrize("chosen", ["b", ["b"], 1], ids=str)
def test_columns_are_made_categories_by_name(chosen):
    features = validate_features(pd.DataFrame({"a": [1, 2], "b": [30, 10]}), categorical_features=chosen)
    assert [column.kind for column in features.columns] == ["integer", "category"]
    assert features.columns[1].categories == (10, 30)


@given(
    hnp.arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.integers(-2, 2)),
    st.sampled_from([sparse.csr_array, sparse.csc_array, sparse.coo_array, sparse.csr_matrix, sparse.csc_matrix]),
    st.sampled_from(["int8", "int64", "float32", "float64"]),
)
def test_sparse_holds_what_dense_holds(X, container, dtype):
    given_X = container(X.astype(dtype))
    features = validate_features(given_X)
    assert isinstance(features.X, sparse.csr_array)
    np.testing.assert_array_equal(features.X.toarray(), X)
    assert {column.kind for column in features.columns} == {"integer" if "int" in dtype else "numeric"}


@given(hnp.arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 3)), elements=st.integers(-2, 2)))
def test_categories_of_a_sparse_column_decode_to_its_values_and_zero_has_code_zero(X):
    features = validate_features(sparse.csc_array(X), categorical_features=[0])
    assert features.columns[0].categories[0] == 0
    codes = features.X.toarray()[:, 0]
    np.testing.assert_array_equal(decode_categories(codes, features.columns[0]).astype(int), X[:, 0])
    np.testing.assert_array_equal(features.X.toarray()[:, 1:], X[:, 1:])


def test_entries_stored_twice_are_added_without_touching_the_input():
    X = sparse.csr_array((np.array([1.0, 2.0]), np.array([1, 1]), np.array([0, 2])), shape=(1, 2))
    assert validate_features(X).X.toarray().tolist() == [[0, 3]]
    assert X.data.tolist() == [1, 2]


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=8))
def test_codes_of_words_decode_to_the_words(words):
    if all(word is None for word in words):
        return
    features = validate_features(np.array([[word] for word in words], dtype=object), allow_nan=True)
    assert decode_categories(features.X[:, 0], features.columns[0]).tolist() == words
    assert list(features.columns[0].categories) == sorted({word for word in words if word is not None})


@pytest.mark.parametrize(
    "table",
    [
        np.array([[1.0, np.nan], [2.0, 3.0]]),
        np.array([[1.0, None], [2.0, 3.0]], dtype=object),
        [[1.0, None], [2.0, 3.0]],
        pd.DataFrame({"x0": [1.0, 2.0], "x1": [np.nan, 3.0]}),
        pd.DataFrame({"x0": [1.0, 2.0], "x1": pd.array([None, 3.0], "Float64")}),
        pd.DataFrame({"x0": [1.0, 2.0], "x1": pd.array([None, 3.0], "double[pyarrow]")}),
        pl.DataFrame({"x0": [1.0, 2.0], "x1": [None, 3.0]}),
        pa.table({"x0": [1.0, 2.0], "x1": [None, 3.0]}),
        sparse.csr_array(np.array([[1.0, np.nan], [2.0, 3.0]])),
        pd.DataFrame({"x0": [1.0, 2.0], "x1": [None, "a"]}),
        pl.DataFrame({"x0": [1.0, 2.0], "x1": pl.Series([None, "a"], dtype=pl.Categorical)}),
        pl.DataFrame({"x0": [1.0, 2.0], "x1": [None, True]}),
        pd.DataFrame({"x0": [1, 2], "x1": pd.array([None, 3], "Int8")}),
    ],
)
def test_a_missing_value_passes_where_it_may_and_is_refused_by_column_and_row_elsewhere(table):
    X = validate_features(table, allow_nan=True).X
    X = X.toarray() if sparse.issparse(X) else X
    np.testing.assert_array_equal(np.isnan(X), [[False, True], [False, False]])
    with pytest.raises(ValueError, match=r"NaN \(a missing value\) in column 'x1', row 0; impute"):
        validate_features(table)


BAD = {
    "infinity": (np.array([[1.0, 2.0], [3.0, np.inf]]), ValueError, r"infinity \(inf\) in column 'x1', row 1"),
    "infinity in a frame": (pd.DataFrame({"a": [1.0, -np.inf]}), ValueError, "infinity .* column 'a', row 1"),
    "infinity in sparse": (sparse.csr_array(np.array([[0, np.inf]])), ValueError, "infinity .* 'x1', row 0"),
    "mixed types": ([[1, "a"], [2, 3]], ValueError, "column 'x1' mixes types int, str"),
    "mixed types in a frame": (
        pd.DataFrame({"a": [1, "b"]}, dtype=object),
        ValueError,
        "column 'a' mixes types int, str",
    ),
    "dates": (pd.DataFrame({"when": pd.to_datetime(["2020-01-01"])}), TypeError, "column 'when' has type Datetime"),
    "polars dates": (pl.DataFrame({"when": [datetime.date(2020, 1, 1)]}), TypeError, "column 'when' has type Date"),
    "lists": (pl.DataFrame({"bag": [[1, 2]]}), TypeError, "column 'bag' has type List"),
    "objects": (np.array([[{"a": 1}]], dtype=object), TypeError, "column 'x0' holds dict"),
    "repeated names": (pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]), ValueError, "(?s)unique column names.*'a'"),
    "names equal as text": (pd.DataFrame([[1, 2]], columns=[0, "0"]), ValueError, "repeated: '0'"),
    "no rows": (np.empty((0, 2)), ValueError, r"0 sample\(s\) \(shape=\(0, 2\)\)"),
    "no rows in a frame": (pd.DataFrame({"a": []}), ValueError, r"0 sample\(s\)"),
    "no columns": (np.empty((2, 0)), ValueError, r"0 feature\(s\) \(shape=\(2, 0\)\)"),
    "no columns in sparse": (sparse.csr_array((2, 0)), ValueError, r"0 feature\(s\)"),
    "one dimension": (np.array([1.0, 2.0]), ValueError, "Expected 2D array, got 1D"),
    "a series": (pd.Series([1.0, 2.0]), ValueError, "got a 1D series"),
    "three dimensions": (np.zeros((2, 2, 2)), ValueError, "Expected 2D array, got 3D"),
    "ragged": ([[1, 2], [3]], ValueError, "rows of X have different lengths"),
    "complex": (np.array([[1j]]), ValueError, "Complex data not supported"),
    "complex in sparse": (sparse.csr_array(np.array([[1j]])), ValueError, "Complex data not supported"),
    "a word": ("abc", TypeError, "got str"),
    "a number": (3, TypeError, "got int"),
    "None": (None, TypeError, "got NoneType"),
    "times": (np.array([["2020-01-01"]], dtype="datetime64[D]"), TypeError, "datetime64"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_X_is_refused_and_says_what_is_wrong(case):
    wrong, error, message = BAD[case]
    with pytest.raises(error, match=message):
        validate_features(wrong)


@pytest.mark.parametrize("case", ["infinity", "infinity in a frame", "infinity in sparse"])
def test_infinity_is_refused_even_where_values_may_be_missing(case):
    wrong, error, message = BAD[case]
    with pytest.raises(error, match=message):
        validate_features(wrong, allow_nan=True)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (["z"], "names 'z', which is not a column"),
        ([5], "holds 5; expected names or indices below 2"),
        ([-3], "holds -3"),
        ([1.5], "holds 1.5"),
        ([True], "a mask of 1 values, but X has 2 columns"),
    ],
)
def test_categorical_features_that_do_not_exist_are_refused(chosen, message):
    with pytest.raises(ValueError, match=message):
        validate_features(pd.DataFrame({"a": [1, 2], "b": [3, 4]}), categorical_features=chosen)


@pytest.mark.parametrize(
    "X",
    [
        np.array([[1.0, None], [2.0, None]], dtype=object),
        pd.DataFrame({"a": [1.0, 2.0], "b": [None, None]}),
        pd.DataFrame({"a": [1.0, 2.0], "b": pd.array([None, None], "string")}),
        pl.DataFrame({"a": [1.0, 2.0], "b": [None, None]}),
        pa.table({"a": [1.0, 2.0], "b": pa.nulls(2)}),
    ],
)
def test_a_column_without_any_value_is_missing_throughout(X):
    features = validate_features(X, allow_nan=True)
    np.testing.assert_array_equal(features.X, [[1.0, np.nan], [2.0, np.nan]])
    assert features.columns[1].kind == "numeric"
    with pytest.raises(ValueError, match=r"NaN \(a missing value\) in column '(b|x1)', row 0"):
        validate_features(X)
