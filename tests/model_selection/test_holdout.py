"""Laws of one train and one test part: exact sizes, fair shares, containers kept, rows of all tables together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from rarelabel.model_selection import MultilabelStratifiedShuffleSplit, train_test_split

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

rare_is_fine = pytest.mark.filterwarnings("ignore:.*labels have fewer")
indicators = hnp.arrays(bool, st.tuples(st.integers(4, 40), st.integers(1, 6)))
Y = np.random.default_rng(0).random((200, 6)) < [0.5, 0.3, 0.2, 0.1, 0.05, 0.04]


@rare_is_fine
@settings(max_examples=60, deadline=None)
@given(indicators, st.integers(1, 3), st.sampled_from([1, 2]))
def test_parts_are_disjoint_and_of_the_sizes_asked_for(Y, test_size, order):
    splitter = MultilabelStratifiedShuffleSplit(2, test_size=test_size, order=order, random_state=0)
    for train, test in splitter.split(None, Y):
        assert len(test) == test_size
        assert sorted([*train, *test]) == list(range(len(Y)))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({}, (180, 20)),
        ({"test_size": 0.25}, (150, 50)),
        ({"test_size": 33}, (167, 33)),
        ({"train_size": 0.5}, (100, 100)),
        ({"train_size": 20, "test_size": 0.101}, (20, 21)),
    ],
)
def test_sizes(sizes, expected):
    splitter = MultilabelStratifiedShuffleSplit(3, random_state=0, **sizes)
    splits = list(splitter.split(None, Y))
    assert splitter.get_n_splits() == len(splits) == 3
    assert {(len(train), len(test)) for train, test in splits} == {expected}
    assert len({tuple(sorted(test)) for _, test in splits}) == 3


def test_each_part_gets_its_share_of_every_label():
    for share in (0.1, 0.25, 0.5):
        for train, test in MultilabelStratifiedShuffleSplit(5, test_size=share, random_state=0).split(None, Y):
            assert np.abs(Y[test].sum(axis=0) - share * Y.sum(axis=0)).max() <= 2
            assert np.abs(Y[train].sum(axis=0) - (1 - share) * Y.sum(axis=0)).max() <= 2


def test_rows_left_out_take_their_share_too():
    for train, test in MultilabelStratifiedShuffleSplit(3, test_size=50, train_size=50, random_state=0).split(None, Y):
        for part in (train, test):
            assert np.abs(Y[part].sum(axis=0) - Y.sum(axis=0) / 4).max() <= 1.5


def test_groups_stay_whole():
    groups = np.arange(200) // 5
    for train, test in MultilabelStratifiedShuffleSplit(3, test_size=0.2, random_state=0).split(None, Y, groups):
        assert not set(groups[train]) & set(groups[test])
        assert len(test) == 40


def test_tables_are_split_alike_in_their_own_containers():
    numbers = np.arange(200)
    tables = [
        np.column_stack([numbers, numbers]),
        pd.DataFrame({"n": numbers, "kind": pd.Categorical(["a", "b"] * 100)}, index=numbers + 1000),
        pl.DataFrame({"n": numbers}),
        sparse.csr_array(numbers[:, None]),
        sparse.coo_matrix(numbers[:, None]),
        numbers.tolist(),
        pd.Series(numbers),
        pl.Series(numbers),
    ]
    for table in tables:
        X_train, X_test, Y_train, Y_test, n_train, n_test = train_test_split(table, Y, numbers, random_state=0)
        assert type(X_train) is type(X_test) is type(table)
        assert np.array_equal(Y_train, Y[n_train])
        assert np.array_equal(Y_test, Y[n_test])
        for part, rows in ((X_train, n_train), (X_test, n_test)):
            dense = part.toarray() if sparse.issparse(part) else part
            dense = dense["n"] if hasattr(dense, "columns") else dense
            assert np.array_equal(np.asarray(dense).reshape(len(rows), -1)[:, 0], rows)
    frame = train_test_split(tables[1], Y, random_state=0)[0]
    assert frame.dtypes.equals(tables[1].dtypes)
    assert np.array_equal(frame.index, frame["n"] + 1000)


def test_labels_keep_their_container():
    lists = [[f"label {label}" for label in np.flatnonzero(row)] for row in Y]
    *_, train, test = train_test_split(Y, lists, test_size=0.25, random_state=0)
    assert isinstance(train, list)
    assert len(test) == 50
    *_, train, _ = train_test_split(Y, sparse.csr_matrix(Y), random_state=0)
    assert isinstance(train, sparse.csr_matrix)
    assert train.shape == (150, 6)


def test_shuffling():
    first, second, third = (train_test_split(Y, Y, np.arange(200), random_state=seed)[4] for seed in (0, 0, 1))
    assert np.array_equal(first, second)
    assert not np.array_equal(np.sort(first), np.sort(third))
    assert not np.array_equal(first, np.sort(first))
    fixed = [train_test_split(Y, Y, np.arange(200), shuffle=False)[4] for _ in range(2)]
    assert np.array_equal(fixed[0], fixed[1])
    assert np.array_equal(fixed[0], np.sort(fixed[0]))


def test_labels_with_one_positive_are_named():
    with pytest.warns(UserWarning, match=r"1 of 2 labels have fewer positives than the 2 .*: 'fog' \(1\)"):
        train_test_split(np.zeros((4, 1)), pd.DataFrame({"sun": [1, 1, 0, 1], "fog": [0, 1, 0, 0]}))


@rare_is_fine
@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((Y[:9], Y), {}, "X has 9 rows, Y 200"),
        ((Y, Y, Y[:7]), {}, "argument 3 has 7 rows, Y has 200"),
        ((Y, Y), {"test_size": 0}, "200 rows cannot be split into 200 to train on and 0 to test on"),
        ((Y, Y), {"test_size": 200}, "200 rows cannot be split into 0 to train on and 200 to test on"),
        ((Y, Y), {"test_size": 0.7, "train_size": 0.7}, "200 rows cannot be split"),
        ((Y, Y), {"test_size": 1.5}, "test_size must be a number of rows, a share between 0 and 1, or None, got 1.5"),
        ((Y, Y), {"train_size": "half"}, "train_size must be a number of rows"),
        ((Y, Y), {"order": 0}, "order must be 1"),
        ((Y, Y), {"shuffle": False, "random_state": 0}, "random_state has no effect"),
    ],
)
def test_bad_input_is_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        train_test_split(*arguments, **options)


def test_bad_number_of_splits_is_refused():
    with pytest.raises(ValueError, match="n_splits must be a whole number of at least 1, got 0"):
        MultilabelStratifiedShuffleSplit(0)


@pytest.mark.parametrize("order", [1, 2])
def test_seeds_give_unlike_splits_even_where_no_two_rows_are_alike(order):
    distinct = np.random.default_rng(1).random((300, 40)) < 0.2
    assert len(np.unique(distinct, axis=0)) == 300
    splitter = MultilabelStratifiedShuffleSplit(8, test_size=0.25, order=order, random_state=0)
    tested = np.array([np.isin(np.arange(300), test) for _, test in splitter.split(None, distinct)])
    shared = [(tested[i] & tested[j]).sum() / 75 for i in range(8) for j in range(i)]
    assert np.mean(shared) < 0.45  # 0.25 by chance; 1 when the order of labelsets and labels was fixed
