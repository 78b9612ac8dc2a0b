"""Whatever goes in comes back: the same containers, names, types, categories and values."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from rarelabel._validation import Resampled, restore, validate

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")
pytest.importorskip("polars.testing")

WHOLE = st.integers(-100, 100)
LARGE = st.integers(-(2**53), 2**53)
COUNT = st.integers(0, 2**53)
SINGLE = st.floats(-1e6, 1e6, width=32)
DOUBLE = st.floats(allow_nan=False, allow_infinity=False)
WORD = st.text("abç ", max_size=3)

NUMPY = {
    **dict.fromkeys(["int8", "int16", "int32"], WHOLE),
    "int64": LARGE,
    "uint64": COUNT,
    "float16": st.floats(-1000, 1000, width=16),
    "float32": SINGLE,
    "float64": DOUBLE,
    "bool": st.booleans(),
    "U3": st.text("abç", max_size=3),
}
PANDAS = {
    **{name: NUMPY[name] for name in ("int8", "int64", "uint64", "float32", "float64", "bool")},
    "Int16": st.one_of(st.none(), WHOLE),
    "UInt64": st.one_of(st.none(), COUNT),
    "Float32": st.one_of(st.none(), SINGLE),
    "boolean": st.one_of(st.none(), st.booleans()),
    "string": st.one_of(st.none(), WORD),
    "object": st.one_of(st.none(), WORD),
    pd.CategoricalDtype(["s", "m", "unused", "l"], ordered=True): st.sampled_from([None, "s", "m", "l"]),
    pd.CategoricalDtype([30, 10, 20]): st.sampled_from([10, 20]),
    pd.SparseDtype(float, 0.0): SINGLE,
    pd.SparseDtype(int, 0): WHOLE,
    "int32[pyarrow]": st.one_of(st.none(), WHOLE),
    "double[pyarrow]": st.one_of(st.none(), DOUBLE),
    "string[pyarrow]": st.one_of(st.none(), WORD),
    "bool[pyarrow]": st.one_of(st.none(), st.booleans()),
}
POLARS = {
    pl.Int8: WHOLE,
    pl.Int64: st.one_of(st.none(), LARGE),
    pl.UInt64: COUNT,
    pl.Float32: SINGLE,
    pl.Float64: st.one_of(st.none(), DOUBLE),
    pl.Boolean: st.one_of(st.none(), st.booleans()),
    pl.String: st.one_of(st.none(), WORD),
    pl.Categorical: st.sampled_from([None, "a", "b"]),
    pl.Enum(["s", "m", "unused", "l"]): st.sampled_from([None, "s", "l"]),
}
ARROW = {
    pa.int8(): WHOLE,
    pa.int64(): st.one_of(st.none(), LARGE),
    pa.uint64(): COUNT,
    pa.float32(): SINGLE,
    pa.float64(): st.one_of(st.none(), DOUBLE),
    pa.bool_(): st.one_of(st.none(), st.booleans()),
    pa.string(): st.one_of(st.none(), WORD),
    pa.large_string(): WORD,
    pa.dictionary(pa.int32(), pa.string()): st.sampled_from(["a", "b"]),
}
SPARSE = [sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.csc_matrix]


def sized(draw, cells, n):
    """A column of n values of which one is there."""
    return draw(st.lists(cells, min_size=n, max_size=n).filter(lambda column: any(v is not None for v in column)))


@st.composite
def arrays(draw, n):
    dtype = draw(st.sampled_from(list(NUMPY)))
    return draw(hnp.arrays(dtype, (n, draw(st.integers(1, 3))), elements=NUMPY[dtype]))


@st.composite
def lists(draw, n):
    columns = [sized(draw, draw(st.sampled_from([DOUBLE, LARGE, WORD, st.booleans()])), n) for _ in range(2)]
    form = draw(st.sampled_from([list, tuple]))
    return [form(row) for row in zip(*columns, strict=True)]


@st.composite
def pandas_frames(draw, n):
    dtypes = draw(st.lists(st.sampled_from(list(PANDAS)), min_size=1, max_size=4))
    index = draw(st.sampled_from([None, list("zyxwvuts")[:n], range(10, 10 + n)]))
    columns = {f"column {j}": pd.Series(sized(draw, PANDAS[d], n), dtype=d) for j, d in enumerate(dtypes)}
    return pd.DataFrame(columns).set_axis(index) if index is not None else pd.DataFrame(columns)


@st.composite
def polars_frames(draw, n):
    dtypes = draw(st.lists(st.sampled_from(list(POLARS)), min_size=1, max_size=4))
    return pl.DataFrame([pl.Series(f"c{j}", sized(draw, POLARS[d], n), dtype=d) for j, d in enumerate(dtypes)])


@st.composite
def arrow_tables(draw, n):
    types = draw(st.lists(st.sampled_from(list(ARROW)), min_size=1, max_size=4))
    return pa.table({f"c{j}": pa.array(sized(draw, ARROW[t], n), t) for j, t in enumerate(types)})


@st.composite
def sparse_matrices(draw, n):
    dtype = draw(st.sampled_from(["int8", "int64", "float32", "float64"]))
    values = draw(hnp.arrays(dtype, (n, 3), elements=st.integers(-3, 3)))
    return draw(st.sampled_from(SPARSE))(values)


TABLES = {
    "arrays": arrays,
    "lists": lists,
    "pandas": pandas_frames,
    "polars": polars_frames,
    "arrow": arrow_tables,
    "sparse": sparse_matrices,
}


@st.composite
def labels(draw, n):
    """Y in every form it may have."""
    Y = draw(hnp.arrays(np.int8, (n, 3), elements=st.integers(0, 1)))
    words = [[f"y{j}" for j in np.flatnonzero(row)] for row in Y]
    classes = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n).filter(lambda y: len(set(y)) > 1))
    names = ["a", "b", "c"]
    forms = [
        *(Y.astype(dtype) for dtype in ("bool", "int8", "uint64", "float32", "object")),
        Y.tolist(),
        tuple(map(tuple, Y.tolist())),
        *(container(Y.astype(dtype)) for container in SPARSE for dtype in ("bool", "int64", "float32")),
        *(pd.DataFrame(Y, columns=names).astype(dtype) for dtype in ("int64", "bool", "Int8", "boolean")),
        pd.DataFrame(Y, columns=names, index=range(5, 5 + n)),
        pd.DataFrame(Y, columns=names).astype("bool[pyarrow]"),
        pl.DataFrame(Y, schema=names),
        pl.DataFrame(Y, schema=names).cast(pl.Boolean),
        pa.table(dict(zip(names, Y.T, strict=True))),
        np.array(classes),
        np.array(classes, dtype=float),
        [f"class {c}" for c in classes],
        pd.Series(classes, name="kind", index=range(5, 5 + n)),
        pd.Series([f"class {c}" for c in classes], dtype="category"),
        pl.Series("kind", [f"class {c}" for c in classes]),
    ]
    if any(words):
        forms += [[set(row) for row in words], tuple(frozenset(row) for row in words)]
        if len({len(row) for row in words}) > 1:
            forms += [words, [tuple(row) for row in words]]
    return draw(st.sampled_from(forms))


@st.composite
def cases(draw, kind):
    """X, Y, and rows to keep, repeat or make."""
    n = draw(st.integers(2, 6))
    return draw(TABLES[kind](n)), draw(labels(n)), n, draw(st.lists(st.integers(0, n - 1), max_size=5))


def taken(data, rows, *, renumber):
    """Rows of any container by its own means."""
    if isinstance(data, pd.DataFrame | pd.Series):
        return data.iloc[rows].reset_index(drop=True) if renumber else data.iloc[rows]
    if isinstance(data, pa.Table):
        return data.take(pa.array(rows, pa.int64()))
    if isinstance(data, pl.DataFrame | pl.Series):
        return data[rows] if rows else data.clear()
    if sparse.issparse(data):
        return type(data)(data.tocsr()[rows].asformat(data.format))
    if isinstance(data, np.ndarray):
        return data[np.array(rows, dtype=int)]
    return type(data)(data[row] for row in rows)


def assert_same(found, expected):
    """Equal in container, names, types and every value."""
    assert type(found) is type(expected)
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    elif isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(found, expected, check_exact=True)
    elif isinstance(expected, pl.DataFrame):
        pl.testing.assert_frame_equal(found, expected, check_exact=True)
    elif isinstance(expected, pl.Series):
        pl.testing.assert_series_equal(found, expected, check_exact=True)
    elif isinstance(expected, pa.Table):
        assert found.schema == expected.schema
        assert found.to_pylist() == expected.to_pylist()
    elif sparse.issparse(expected):
        assert found.format == expected.format
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found.toarray(), expected.toarray())
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
        if expected.dtype == object:
            assert [type(v) for v in found.ravel()] == [type(v) for v in expected.ravel()]
    else:
        assert found == expected
        assert [[type(v) for v in row] for row in found if isinstance(row, list | tuple)] == [
            [type(v) for v in row] for row in expected if isinstance(row, list | tuple)
        ]


@pytest.mark.parametrize("kind", TABLES)
def test_rows_kept_repeated_or_made_come_back_as_they_went_in(kind):
    @settings(max_examples=40, deadline=None)
    @given(cases(kind))
    def check(case):
        X, Y, n, rows = case
        before = copy.deepcopy((X, Y))
        table = validate(X, Y, allow_nan=True)

        everything = restore(table, Resampled(np.arange(n)))
        assert_same(everything[0], taken(X, list(range(n)), renumber=False))
        assert_same(everything[1], taken(Y, list(range(n)), renumber=False))

        distinct = sorted(set(rows))
        subset = restore(table, Resampled(np.array(distinct, dtype=np.intp)))
        assert_same(subset[0], taken(X, distinct, renumber=False))
        assert_same(subset[1], taken(Y, distinct, renumber=False))

        again = [*range(n), *rows]
        repeated = restore(table, Resampled(np.array(again)))
        assert_same(repeated[0], taken(X, again, renumber=bool(rows)))
        assert_same(repeated[1], taken(Y, again, renumber=bool(rows)))

        new = np.array(rows, dtype=np.intp)
        made = restore(table, Resampled.grown(n, table.X[new], table.Y[new], seeds=new, neighbors=new))
        assert_same(made[0], taken(X, again, renumber=True))
        assert_same(made[1], taken(Y, again, renumber=True))

        for now, then in zip((X, Y), before, strict=True):
            assert_same(now, then)

    check()


@given(hnp.arrays(np.int64, (4, 2), elements=st.integers(-(2**63), 2**63 - 1)), st.permutations(range(4)))
def test_rows_of_the_input_keep_whole_numbers_that_no_float_holds(X, order):
    kept, _ = restore(validate(X, np.eye(4)), Resampled(np.array(order)))
    np.testing.assert_array_equal(kept, X[order])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
def test_new_whole_numbers_are_rounded_and_stay_within_their_type(dtype):
    limits = np.iinfo(dtype)
    X = np.array([[limits.min], [limits.max]], dtype=dtype)
    new = np.array([[1.5], [2.5], [0.4], [float(limits.max)], [float(limits.min)]])
    table = validate(X, np.eye(2))
    rows = np.zeros(5, dtype=np.intp)
    X_res, _ = restore(table, Resampled.grown(2, new, table.Y[rows], seeds=rows, neighbors=rows))
    assert X_res.dtype == dtype
    assert X_res[2:, 0].tolist() == [2, 2, 0, limits.max, limits.min]


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "list", "sparse"])
def test_new_whole_numbers_are_rounded_in_every_container(kind):
    values = {"a": [0, 10], "b": [1, 3]}
    X = {
        "pandas": pd.DataFrame(values, dtype="Int8"),
        "polars": pl.DataFrame(values, schema={"a": pl.Int8, "b": pl.Int8}),
        "arrow": pa.table({name: pa.array(column, pa.int8()) for name, column in values.items()}),
        "list": [[0, 1], [10, 3]],
        "sparse": sparse.csr_matrix(np.array([[0, 1], [10, 3]], dtype=np.int8)),
    }[kind]
    table = validate(X, np.eye(2))
    new = np.array([[6.7, 2.2]])
    new = sparse.csr_array(new) if kind == "sparse" else new
    row = np.zeros(1, dtype=np.intp)
    X_res, _ = restore(table, Resampled.grown(2, new, table.Y[row], seeds=row, neighbors=row))
    last = {
        "pandas": lambda: X_res.iloc[-1].tolist(),
        "polars": lambda: list(X_res.row(-1)),
        "arrow": lambda: list(X_res.to_pylist()[-1].values()),
        "list": lambda: X_res[-1],
        "sparse": lambda: X_res.toarray()[-1].tolist(),
    }[kind]()
    assert last == [7, 2]


def test_changed_labels_come_back_in_the_container_of_Y():
    Y_rows = np.array([[True, False], [False, False], [False, True]])
    for Y, expected in [
        ([{"a", "b"}, {"b"}], [{"a"}, set(), {"b"}]),
        (sparse.csc_matrix(np.array([[1, 1], [0, 1]])), sparse.csc_matrix(Y_rows.astype(int))),
        (pd.DataFrame({"a": [1, 0], "b": [1, 1]}), pd.DataFrame({"a": [1, 0, 0], "b": [0, 0, 1]})),
        (np.array([[1.0, 1], [0, 1]]), Y_rows.astype(float)),
    ]:
        table = validate([[1.5], [2.5]], Y)
        X_res, Y_res = restore(table, Resampled(np.array([0, 1, 0]), Y_rows=Y_rows))
        assert X_res == [[1.5], [2.5], [1.5]]
        assert_same(Y_res, expected)


def test_the_index_is_kept_where_rows_go_and_made_anew_where_rows_come():
    X = pd.DataFrame({"a": [1.0, 2, 3]}, index=["p", "q", "r"])
    table = validate(X, np.eye(3))
    assert restore(table, Resampled(np.array([0, 2])))[0].index.tolist() == ["p", "r"]
    assert restore(table, Resampled(np.array([0, 1, 2, 2])))[0].index.tolist() == [0, 1, 2, 3]


def test_an_X_and_Y_of_different_length_are_refused_with_both_lengths():
    with pytest.raises(ValueError, match="X has 3 rows, Y 2"):
        validate(np.zeros((3, 1)), np.eye(2))
