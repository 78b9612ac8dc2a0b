"""What is encoded comes back; what a model invents comes back valid."""

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import norm

from rarelabel._validation import validate_features
from rarelabel.encoding import Block, TableEncoder
from rarelabel.schema import Column, Schema

TRANSFORMS = ["quantile", "standard", "minmax"]


def one_column(values, kind="numeric"):
    return np.array(values, float)[:, None], Schema((Column("a", kind),))


def z_of(values, kind="numeric", transform="quantile", **parameters):
    X, schema = one_column(values, kind)
    encoder = TableEncoder(transform, **parameters).fit(X, schema)
    return encoder.transform(X)[:, 0], encoder


# --- hand-worked numbers ---


def test_distinct_values_stand_at_the_normal_quantiles_of_their_middle_ranks():
    z, encoder = z_of([30.0, 10.0, 20.0, 60.0])
    assert z == pytest.approx(norm.ppf([5 / 8, 1 / 8, 3 / 8, 7 / 8]))
    halfway = (norm.ppf(5 / 8) + norm.ppf(7 / 8)) / 2
    decoded = encoder.inverse_transform(np.array([[halfway], [9.0], [-9.0], [np.inf]]))[0]
    assert decoded[:, 0] == pytest.approx([45.0, 60.0, 10.0, 60.0])  # (30 + 60) / 2; beyond the ends, the ends


def test_a_tie_owns_its_ranks_and_comes_back_from_all_of_them():
    # ten sorted values: 1, then 5 five times (ranks 2 to 6), 6, 7, 8, 9
    z, encoder = z_of([1, 5, 5, 5, 5, 5, 6, 7, 8, 9])
    assert z[1] == pytest.approx(norm.ppf(0.35))  # middle of (2 - 1/2) / 10 = 0.15 and (6 - 1/2) / 10 = 0.55
    owned = norm.ppf(np.linspace(0.15, 0.55, 9))[:, None]
    assert (encoder.inverse_transform(owned)[0] == 5).all()
    outside = encoder.inverse_transform(norm.ppf([[0.14], [0.56]]))[0][:, 0]
    assert (outside < 5).tolist() == [True, False]
    assert outside[1] > 5


def test_a_normal_draw_decodes_to_the_training_distribution_with_its_spike():
    rng = np.random.default_rng(0)
    x = np.where(rng.random(4000) < 0.6, 0.0, rng.lognormal(sigma=1.5, size=4000))
    encoder = z_of(x, usual_share=1)[1]
    drawn = encoder.inverse_transform(rng.normal(size=(20000, 1)))[0][:, 0]
    assert (drawn == 0).mean() == pytest.approx((x == 0).mean(), abs=0.01)
    levels = [0.7, 0.8, 0.9, 0.99]
    assert np.quantile(drawn, levels) == pytest.approx(np.quantile(x, levels), rel=0.1)


def test_a_value_that_most_rows_have_is_a_state_beside_the_quantiles_of_the_others():
    # seven sorted values, four of them 0; the others are 2, 4, 9
    X, schema = one_column([0, 4, 0, 0, 9, 2, 0])
    encoder = TableEncoder(usual_share=0.5).fit(X, schema)
    assert encoder.blocks_ == (Block("numeric", 0, 1, (0,)), Block("usual", 1, 2, (0,)))
    last = norm.ppf(5 / 6)  # three others: 1/6, 1/2, 5/6
    Z = encoder.transform(X)
    assert Z[:, 0] == pytest.approx([0, 0, 0, 0, last, -last, 0])
    assert Z[:, 1].tolist() == [1, 0, 1, 1, 0, 0, 1]
    assert (encoder.lower_, encoder.upper_) == (pytest.approx([-last, 0]), pytest.approx([last, 1]))
    decoded = encoder.inverse_transform(np.array([[9.0, 0.6], [9, 0.5], [-9, 0.4], [last / 2, 0]]))[0]
    assert decoded[:, 0] == pytest.approx([0, 9, 2, 6.5])  # halfway between 4 and 9


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_no_other_number_decodes_to_the_usual_value(transform):
    # every whole number of the range may come, but for the usual 0: what would round to it goes to -1 or 1
    X, schema = one_column([0, 0, 0, 0, 0, 0, -1, -4, 3, 8], "integer")
    encoder = TableEncoder(transform, usual_share=0.5).fit(X, schema)
    Z = np.stack([np.linspace(encoder.lower_[0] - 1, encoder.upper_[0] + 1, 2001), np.zeros(2001)], axis=1)
    decoded = encoder.inverse_transform(Z)[0][:, 0]
    assert set(decoded) == set(range(-4, 9)) - {0}
    assert (np.diff(decoded) >= 0).all()
    assert (encoder.inverse_transform(Z + np.array([0, 1]))[0] == 0).all()


@pytest.mark.parametrize(
    ("values", "share", "has_state"),
    [
        ([5, 5, 1, 2], 0.5, False),  # half are not more than half
        ([5, 5, 5, 1, 2], 0.5, True),
        ([5, 5, 5, 1, 2], 0.6, False),
        ([5, 5, 5, 1, 2, np.nan, np.nan], 0.5, True),  # three of the five that are present
        ([5, 5, 5, 1], 0.5, False),  # two values are two states as they are
        ([5, 5, 5, 5, 5, 5, 1, 2], 1.0, False),
    ],
)
@pytest.mark.parametrize("is_sparse", [False, True])
def test_a_usual_value_holds_more_than_its_share_of_the_values_present(values, share, has_state, is_sparse):
    X, schema = one_column(values)
    encoder = TableEncoder(usual_share=share).fit(sparse.csr_array(X) if is_sparse else X, schema)
    assert ("usual" in [block.kind for block in encoder.blocks_]) == has_state


def test_a_missing_value_beside_a_usual_one():
    X, schema = one_column([7, 7, np.nan, 7, 1, 2])
    encoder = TableEncoder("minmax", usual_share=0.5).fit(X, schema)
    Z = encoder.transform(X)
    # the number -1 to 1 for 1 to 2, the state, "missing", which is not "usual"
    assert Z.tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0], [-1, 0, 0], [1, 0, 0]]
    np.testing.assert_array_equal(encoder.inverse_transform(Z)[0], X)


def test_normal_numbers_and_frequent_states_decode_to_the_training_distribution():
    rng = np.random.default_rng(0)
    x = np.where(rng.random(4000) < 0.95, 0.0, rng.lognormal(sigma=1.5, size=4000))
    X, schema = one_column(x)
    encoder = TableEncoder().fit(X, schema)
    Z = np.stack([rng.normal(size=40000), rng.random(40000) < (x == 0).mean()], axis=1)
    drawn = encoder.inverse_transform(Z)[0][:, 0]
    levels = [0.96, 0.98, 0.99, 0.995]
    assert np.quantile(drawn, levels) == pytest.approx(np.quantile(x, levels), rel=0.15)


def test_standard_and_minmax_are_what_they_say():
    assert z_of([1.0, 3.0, 8.0], transform="minmax")[0] == pytest.approx([-1, 2 / 7 * 2 - 1, 1])
    z = z_of([1.0, 3.0, 8.0], transform="standard")[0]
    assert z == pytest.approx((np.array([1, 3, 8]) - 4) / np.sqrt((9 + 1 + 16) / 3))


def test_blocks_name_every_column_of_the_encoded_matrix():
    features = (
        Column("real"),
        Column("constant"),
        Column("sex", "category", ("f", "m")),
        Column("count", "integer"),
        Column("job", "category", ("a", "b", "c")),
        Column("flag"),
        Column("unseen", "category", ("x", "y", "z")),
    )
    X = np.array(
        [[0.5, 3, 0, 4, 2, 7.0, 1], [np.nan, 3, 1, 5, np.nan, -1, 1], [2.5, 3, 1, 9, 0, -1, 1], [1.5, 3, 0, 4, 1, 7, 1]]
    )
    Y = np.array([[1, 0], [0, 0], [1, 0], [0, 0]], bool)
    schema = Schema(features, (Column("l", "label"), Column("never", "label")))
    encoder = TableEncoder("minmax").fit(X, schema, Y)
    assert encoder.blocks_ == (
        Block("numeric", 0, 1, (0,)),
        Block("integer", 1, 2, (3,)),
        Block("binary", 2, 4, (2, 5)),
        Block("category", 4, 7, (4,)),
        Block("missing", 7, 9, (0, 4)),
        Block("labels", 9, 11, (0, 1)),
    )
    expected = [
        [-1, -1, 0, 1, 0, 0, 1, 0, 0, 1, 0],
        [0, -0.6, 1, 0, 1, 0, 0, 1, 1, 0, 0],  # missing: the median 1.5, the first of three equal categories
        [1, 1, 1, 0, 1, 0, 0, 0, 0, 1, 0],
        [0, -1, 0, 1, 0, 1, 0, 0, 0, 0, 0],
    ]
    Z = encoder.transform(X, Y)
    assert pytest.approx(np.array(expected, float)) == Z
    X_back, Y_back = encoder.inverse_transform(Z)
    np.testing.assert_array_equal(X_back, X)
    np.testing.assert_array_equal(Y_back, Y)
    assert encoder.lower_.tolist() == [-1, -1] + [0] * 9
    assert encoder.upper_.tolist() == [1] * 11


def test_exclusive_labels_come_back_as_exactly_one():
    schema = Schema((Column("a"),), (Column("u", "label"), Column("v", "label")), exclusive=True)
    encoder = TableEncoder().fit(np.arange(3.0)[:, None], schema, np.eye(3, 2, dtype=bool))
    assert encoder.blocks_[-1].kind == "classes"
    Y = encoder.inverse_transform(np.random.default_rng(0).normal(size=(50, 3)))[1]
    assert (Y.sum(axis=1) == 1).all()


# --- laws ---


@st.composite
def tables(draw):
    """Columns: numeric of any scale, ties, a usual value, integers, categories (also distinct), constants, NaN."""
    n = draw(st.integers(1, 12))
    extreme = st.floats(allow_nan=False, allow_infinity=False)
    columns, values = [], []
    for j in range(draw(st.integers(1, 5))):
        kind = draw(
            st.sampled_from(
                ["numeric", "tied", "spiked", "counts", "huge", "tiny", "integer", "category", "distinct", "constant"]
            )
        )
        if kind == "category":
            k = draw(st.integers(1, 5))
            column, x = Column(f"x{j}", "category", tuple(range(k))), st.integers(0, k - 1)
            x = draw(st.lists(x, min_size=n, max_size=n))
        elif kind == "distinct":
            column, x = Column(f"x{j}", "category", tuple(range(n))), draw(st.permutations(range(n)))
        else:
            column = Column(f"x{j}", "integer" if kind in ("integer", "counts") else "numeric")
            element = {
                "numeric": st.floats(-1e6, 1e6),
                "tied": st.sampled_from([0.0, 0.0, 0.0, 1.5, 7.25]),
                "spiked": st.just(draw(extreme)) | st.floats(-1e6, 1e6),
                "counts": st.sampled_from([0, 0, 0, 0, -1, 1, 2, 30]),
                "huge": extreme,
                "tiny": st.floats(-1e-300, 1e-300),
                "integer": st.integers(-(10**9), 10**9),
                "constant": st.just(draw(extreme)),
            }[kind]
            x = draw(st.lists(element, min_size=n, max_size=n))
        x = np.array(x, float)
        if draw(st.booleans()):
            x[draw(st.lists(st.booleans(), min_size=n, max_size=n))] = np.nan
        columns.append(column)
        values.append(x)
    Y = np.array(draw(st.lists(st.lists(st.booleans(), min_size=2, max_size=2), min_size=n, max_size=n)), bool)
    return np.stack(values, axis=1), Y, Schema(tuple(columns), (Column("l0", "label"), Column("l1", "label")))


@given(tables(), st.sampled_from(TRANSFORMS))
@settings(max_examples=150)
def test_any_table_comes_back(table, transform):
    X, Y, schema = table
    encoder = TableEncoder(transform, usual_share=0.5).fit(X, schema, Y)
    Z = encoder.transform(X, Y)
    assert np.isfinite(Z).all()
    assert (encoder.lower_ - 1e-12 <= Z).all()
    assert (encoder.upper_ + 1e-12 >= Z).all()
    X_back, Y_back = encoder.inverse_transform(Z)
    np.testing.assert_array_equal(Y_back, Y)
    for j, column in enumerate(schema.features):
        if column.kind == "numeric" and transform != "quantile":
            largest = np.abs(X[~np.isnan(X[:, j]), j]).max(initial=0)
            np.testing.assert_allclose(X_back[:, j], X[:, j], rtol=1e-9, atol=max(1e-9 * largest, 5e-324))
        elif column.kind == "numeric" and np.nanmax(np.abs(X[:, j]), initial=0) > 1e300:  # tiny beside huge is lost
            np.testing.assert_allclose(X_back[:, j], X[:, j], rtol=1e-15, atol=1e-300)
        else:
            np.testing.assert_array_equal(X_back[:, j], X[:, j])


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("usual", [2.0**1023, -(2.0**1023), 1e300])
def test_a_usual_value_far_beyond_the_others_comes_back_without_overflow(transform, usual):
    X = np.append(np.full(10, usual), [0, 0.25])[:, np.newaxis]
    schema = Schema((Column("x", "numeric"),), (Column("l", "label"),))
    encoder = TableEncoder(transform, usual_share=0.5).fit(X, schema, np.zeros((12, 1), bool))
    Z = encoder.transform(X, np.zeros((12, 1), bool))
    assert np.isfinite(Z).all()
    np.testing.assert_allclose(encoder.inverse_transform(Z)[0], X, rtol=1e-12, atol=1e-12)


@given(tables(), st.sampled_from(TRANSFORMS), st.integers(0, 2**32 - 1))
@settings(max_examples=80)
def test_whatever_a_model_invents_is_valid(table, transform, seed):
    X, Y, schema = table
    encoder = TableEncoder(transform, usual_share=0.5).fit(X, schema, Y)
    Z = np.random.default_rng(seed).normal(scale=3, size=(20, encoder.width_))
    invented, labels = encoder.inverse_transform(Z)
    assert labels.shape == (20, 2)
    for j, column in enumerate(schema.features):
        seen, made = X[~np.isnan(X[:, j]), j], invented[~np.isnan(invented[:, j]), j]
        if len(seen) == 0:
            assert len(made) == 0
            continue
        if len(seen) == len(X):
            assert len(made) == 20  # nothing is missing where nothing was
        if column.kind == "category":
            assert set(made) <= set(range(column.n_categories))
        else:
            assert ((made >= seen.min()) & (made <= seen.max())).all()
        if column.kind == "integer":
            assert (made == np.rint(made)).all()


@given(tables(), st.sampled_from(TRANSFORMS))
@settings(max_examples=60)
def test_the_state_holds_all_that_was_learnt(table, transform):
    X, Y, schema = table
    encoder = TableEncoder(transform, usual_share=0.5).fit(X, schema, Y)
    arrays, config = encoder.to_state()
    again = TableEncoder.from_state(arrays, json.loads(json.dumps(config)))
    assert again.blocks_ == encoder.blocks_
    Z = encoder.transform(X, Y)
    np.testing.assert_array_equal(again.transform(X, Y), Z)
    np.testing.assert_array_equal(again.inverse_transform(Z + 0.3)[0], encoder.inverse_transform(Z + 0.3)[0])


@given(tables(), st.sampled_from(TRANSFORMS))
@settings(max_examples=60)
def test_sparse_rows_are_encoded_as_dense_ones(table, transform):
    X, Y, schema = table
    dense = TableEncoder(transform, usual_share=0.5).fit(X, schema, Y)
    thin = TableEncoder(transform, usual_share=0.5).fit(sparse.csr_array(X), schema, Y)
    assert thin.blocks_ == dense.blocks_
    Z = thin.transform(sparse.csr_array(X), Y)
    np.testing.assert_array_equal(Z, dense.transform(X, Y))
    back = thin.inverse_transform(Z)[0]
    assert sparse.issparse(back)
    np.testing.assert_array_equal(back.toarray(), dense.inverse_transform(Z)[0])


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_encoding_is_increasing_and_the_way_back_is_its_inverse_between_training_values(transform):
    rng = np.random.default_rng(1)
    x = rng.lognormal(sigma=2, size=5000)
    _, encoder = z_of(x, transform=transform, n_quantiles=100)
    held_out = np.sort(rng.uniform(x.min(), x.max(), 1000))[:, None]
    z = encoder.transform(held_out)
    assert (np.diff(z[:, 0]) > 0).all()
    np.testing.assert_allclose(encoder.inverse_transform(z)[0], held_out, rtol=1e-9)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_range_near_the_largest_float_does_not_overflow(transform):
    x = np.array([-1.7e308, -3.0, 1.0, 1.7e308])
    z, encoder = z_of(x, transform=transform)
    between = encoder.inverse_transform((z[:-1] + z[1:])[:, None] / 2)[0][:, 0]
    np.testing.assert_allclose(between, [-0.85e308, -1.0, 0.85e308], rtol=1e-9, atol=1e300)


def test_integers_of_many_values_are_exact_though_quantiles_are_few():
    x = np.random.default_rng(0).choice(10**12, size=3000)
    X, schema = one_column(x, "integer")
    encoder = TableEncoder(n_quantiles=10).fit(X, schema)
    np.testing.assert_array_equal(encoder.inverse_transform(encoder.transform(X))[0], X)


def test_many_sparse_binary_columns_need_no_memory_beside_the_encoded_matrix():
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(6000, size=100_000), rng.integers(1800, size=100_000)
    X = sparse.csr_array((np.ones(100_000), (rows, columns)), shape=(6000, 1800))
    X.sum_duplicates()
    X.data[:] = 1.0
    schema = Schema(tuple(Column(f"w{j}", "category", (0.0, 1.0)) for j in range(1800)))
    tracemalloc.start()
    Z = TableEncoder().fit(X, schema).transform(X, dtype=np.float32)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert Z.shape == (6000, 1800)
    np.testing.assert_array_equal(Z, X.toarray())
    # a batch of 2**22 cells: as floats before and after filling in, its mask, and its binary part
    assert peak < Z.nbytes + 4.5 * 2**22 * 8


# --- the door and the errors ---


def test_infinities_do_not_pass_the_door():
    with pytest.raises(ValueError, match="infinity"):
        validate_features(np.array([[1.0], [np.inf]]), allow_nan=True)


SCHEMA = Schema((Column("age"), Column("job", "category", ("a", "b", "c"))), (Column("l", "label"),))
X, Y = np.array([[1.0, 0], [2, 1], [5, 2]]), np.array([[1], [0], [0]], bool)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda e: TableEncoder("log").fit(X, SCHEMA), "numeric_transform must be one of 'quantile', .* got 'log'"),
        (lambda e: TableEncoder(n_quantiles=1).fit(X, SCHEMA), "n_quantiles must be at least 2, got 1"),
        (lambda e: TableEncoder(usual_share=0.4).fit(X, SCHEMA), r"usual_share must be in \[0.5, 1\], got 0.4"),
        (lambda e: TableEncoder().fit(X[:, :1], SCHEMA), r"X has shape \(3, 1\); expected rows of the schema's 2"),
        (lambda e: TableEncoder().fit(X, SCHEMA, Y[:2]), r"Y has shape \(2, 1\); expected \(3, 1\)"),
        (lambda e: e.transform(X[:, :1], Y), r"X has shape \(3, 1\); expected 2 columns"),
        (lambda e: e.transform(X), r"expected Y of shape \(3, 1\), got none"),
        (lambda e: e.transform(np.where(X == 5, np.nan, X), Y), "'age' has a missing value, but had none"),
        (lambda e: e.inverse_transform(np.zeros((2, 9))), r"Z has shape \(2, 9\); expected 5 columns"),
        (lambda e: e.inverse_transform(np.full((2, 5), np.nan)), "Z holds NaN, first in row 0"),
        (lambda e: TableEncoder().fit(X, SCHEMA).transform(X, Y), "fitted without labels; Y was given"),
    ],
)
def test_errors_say_what_was_expected(action, message):
    with pytest.raises(ValueError, match=message):
        action(TableEncoder().fit(X, SCHEMA, Y))


@pytest.mark.parametrize("values", [(0.0, 5e-324), (0.0, -5e-324)])
def test_two_values_without_a_number_between_them_are_two_states(values):
    X = np.array(values)[:, np.newaxis]
    encoder = TableEncoder().fit(X, Schema.numeric(1))
    np.testing.assert_array_equal(encoder.inverse_transform(encoder.transform(X))[0], X)
