"""New rows lie between their two rows, feature by feature, and categories are voted for."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from rarelabel import interpolation
from rarelabel.interpolation import interpolate, vote_categories
from rarelabel.schema import Column, Schema

VALUES = st.one_of(
    st.just(0.0), st.floats(-1e6, 1e6), st.floats(allow_nan=False, allow_infinity=False, min_value=1e-300)
)
MIXED = Schema(
    (Column("a"), Column("b", "category", ("p", "q")), Column("c", "category", ("x", "y", "z")), Column("d", "integer"))
)


@st.composite
def pairs(draw, dtype=float):
    n, d, m = draw(st.integers(1, 6)), draw(st.integers(1, 4)), draw(st.integers(0, 8))
    elements = st.floats(-1e6, 1e6, width=32) if dtype == np.float32 else st.floats(-1e9, 1e9)
    X = draw(hnp.arrays(dtype, (n, d), elements=st.one_of(st.just(0.0), elements)))
    rows = hnp.arrays(np.intp, m, elements=st.integers(0, n - 1))
    return X, draw(rows), draw(rows)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_feature_leaves_the_range_of_seed_and_partner(dtype):
    @given(pairs(dtype), st.integers(0, 2**32))
    @settings(deadline=None)
    def check(case, seed):
        X, seeds, partners = case
        new = interpolate(X, Schema.numeric(X.shape[1]), seeds, partners, np.random.default_rng(seed))
        assert new.dtype == dtype
        assert new.shape == (len(seeds), X.shape[1])
        assert (np.minimum(X[seeds], X[partners]) <= new).all()
        assert (new <= np.maximum(X[seeds], X[partners])).all()

    check()


@given(pairs(), st.integers(0, 2**32))
@settings(deadline=None)
def test_sparse_gives_the_rows_of_dense_to_the_last_bit(case, seed):
    X, seeds, partners = case
    schema = Schema.numeric(X.shape[1])
    dense = interpolate(X, schema, seeds, partners, np.random.default_rng(seed))
    thin = interpolate(sparse.csr_array(X), schema, seeds, partners, np.random.default_rng(seed))
    assert isinstance(thin, sparse.csr_array)
    np.testing.assert_array_equal(thin.toarray(), dense)


def test_each_feature_has_a_gap_of_its_own_uniform_between_the_two_rows():
    X = np.array([[0.0, 10.0], [1.0, 30.0]])
    m = 4000
    new = interpolate(X, Schema.numeric(2), np.zeros(m, int), np.ones(m, int), np.random.default_rng(0))
    gaps = (new - X[0]) / (X[1] - X[0])
    for moment in (1, 2, 3):
        np.testing.assert_allclose((gaps**moment).mean(axis=0), 1 / (moment + 1), atol=0.03)
    assert abs(np.corrcoef(gaps.T)[0, 1]) < 0.06


def test_a_category_is_taken_from_either_row_and_is_never_between():
    X = np.array([[0.0, 0, 0, 0], [0, 1, 2, 0]])
    new = interpolate(X, MIXED, np.zeros(2000, int), np.ones(2000, int), np.random.default_rng(0))
    assert set(new[:, 1]) == {0, 1}
    assert set(new[:, 2]) == {0, 2}
    np.testing.assert_allclose([new[:, 1].mean(), new[:, 2].mean() / 2], 0.5, atol=0.05)


def test_blocks_give_the_rows_of_one_go(monkeypatch):
    rng = np.random.default_rng(5)
    X, seeds, partners = rng.normal(size=(20, 3)), rng.integers(20, size=50), rng.integers(20, size=50)
    whole = interpolate(X, Schema.numeric(3), seeds, partners, np.random.default_rng(1))
    monkeypatch.setattr(interpolation, "_BLOCK", 7)
    np.testing.assert_array_equal(interpolate(X, Schema.numeric(3), seeds, partners, np.random.default_rng(1)), whole)


def elected(codes, seed, voters):
    """The most frequent category of the voters; a tie goes to the seed's, else to the first declared."""
    votes = Counter(codes[voter] for voter in voters)
    winners = sorted(code for code, count in votes.items() if count == max(votes.values()))
    return codes[seed] if codes[seed] in winners else winners[0]


@st.composite
def elections(draw):
    n, m, k = draw(st.integers(1, 6)), draw(st.integers(0, 6)), draw(st.integers(1, 6))
    X = np.column_stack(
        [
            draw(hnp.arrays(float, n, elements=st.floats(-5, 5))),
            draw(hnp.arrays(float, n, elements=st.integers(0, 1))),
            draw(hnp.arrays(float, n, elements=st.integers(0, 2))),
            draw(hnp.arrays(float, n, elements=st.integers(-5, 5))),
        ]
    )
    rows = st.integers(0, n - 1)
    return X, draw(hnp.arrays(np.intp, m, elements=rows)), draw(hnp.arrays(np.intp, (m, k), elements=rows))


@pytest.mark.parametrize("block", [2**21, 5])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_votes_elect_what_a_count_elects_and_leave_numbers_alone(form, block, monkeypatch):
    monkeypatch.setattr(interpolation, "_BLOCK", block)

    @given(elections())
    @settings(deadline=None)
    def check(case):
        X, seeds, voters = case
        new = np.full((len(seeds), 4), 0.25)
        new[:, 1:3] = 0
        found = vote_categories(form(X), MIXED, form(new), seeds, voters)
        assert sparse.issparse(found) == (form is sparse.csr_array)
        found = found.toarray() if sparse.issparse(found) else found
        for row, (seed, who) in enumerate(zip(seeds, voters, strict=True)):
            expected = [0.25, elected(X[:, 1], seed, who), elected(X[:, 2], seed, who), 0.25]
            assert found[row].tolist() == expected

    check()
