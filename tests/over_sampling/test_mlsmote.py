"""MLSMOTE makes the rows that its two algorithms, read pair by pair, allow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn.neighbors import NearestNeighbors

from rarelabel import MLSMOTE
from rarelabel.imbalance import minority_labels
from rarelabel.over_sampling._mlsmote import mlsmote, vote_labels
from rarelabel.schema import Column, Schema

SCHEMA = Schema(
    (Column("a"), Column("b"), Column("c", "category", ("x", "y", "z")), Column("d", "category", ("p", "q")))
)


def make_table(n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(n, 2)), rng.integers(3, size=n), rng.integers(2, size=n)])
    Y = rng.random((n, 4)) < [0.6, 0.5, 0.15, 0.1]
    Y[:3, 2:] = True
    return X, Y


def nearest_of(X, seed, bag, k):
    """The k nearest of the bag by HEOM over the whole table, the row itself left out by index."""
    span = X[:, :2].max(axis=0) - X[:, :2].min(axis=0)
    distance = {
        row: (((X[seed, :2] - X[row, :2]) / span) ** 2).sum() + (X[seed, 2:] != X[row, 2:]).sum()
        for row in bag
        if row != seed
    }
    return sorted(distance, key=distance.get)[:k]


@pytest.mark.parametrize("strategy", ["ranking", "union", "intersection"])
@pytest.mark.parametrize("k", [1, 4, 5, 50])
def test_every_new_row_is_one_that_the_algorithm_can_make(strategy, k):
    X, Y = make_table()
    made_for = np.repeat([2, 3], [Y[:, 2].sum(), Y[:, 3].sum()])
    seeds = np.concatenate([np.flatnonzero(Y[:, 2]), np.flatnonzero(Y[:, 3])])
    new, labels, partners = mlsmote(
        X, Y, SCHEMA, seeds=seeds, made_for=made_for, k=k, labelset_strategy=strategy, rng=np.random.default_rng(1)
    )
    for row, seed in enumerate(seeds):
        neighbors = nearest_of(X, seed, np.flatnonzero(Y[:, made_for[row]]), k)
        assert partners[row] in neighbors
        ends = X[[seed, partners[row]], :2]
        assert (ends.min(axis=0) <= new[row, :2]).all()
        assert (new[row, :2] <= ends.max(axis=0)).all()
        for column in (2, 3):
            votes = np.bincount(X[neighbors, column].astype(int), minlength=3)
            assert votes[int(new[row, column])] == votes.max()
        counts = Y[[seed, *neighbors]].sum(axis=0)
        size = len(neighbors) + 1
        expected = {"ranking": 2 * counts > size, "union": counts > 0, "intersection": counts == size}[strategy]
        np.testing.assert_array_equal(labels[row], expected)


def test_every_neighbour_can_be_the_partner():
    X, Y = make_table()
    seed = int(np.flatnonzero(Y[:, 2])[0])
    _, _, partners = mlsmote(
        X, Y, SCHEMA, seeds=np.full(200, seed), made_for=np.full(200, 2), k=4, rng=np.random.default_rng(0)
    )
    assert set(partners) == set(nearest_of(X, seed, np.flatnonzero(Y[:, 2]), 4))


@given(hnp.arrays(bool, (5, 3)), st.integers(1, 4))
def test_ranking_is_a_strict_majority_of_seed_and_neighbours(Y, k):
    voters = np.arange(1, k + 1)[None]
    found = vote_labels(Y, np.array([0]), voters, "ranking")[0]
    for label in range(3):
        assert found[label] == (sum(Y[: k + 1, label]) > (k + 1) / 2)


def test_auto_makes_one_row_for_each_row_of_each_minority_label():
    X, Y = make_table()
    sampler = MLSMOTE(random_state=0)
    plan = sampler.plan(X, Y)
    minority = np.flatnonzero(minority_labels(Y))
    assert plan.labels.tolist() == minority.tolist()
    assert plan.rows_per_label == {f"y{j}": Y[:, j].sum() for j in minority}
    np.testing.assert_array_equal(np.sort(plan.rows), np.sort(np.nonzero(Y[:, minority])[0]))


def test_a_number_is_shared_out_by_the_size_of_the_bags():
    X, Y = make_table(200)
    sizes = Y.sum(axis=0)
    plan = MLSMOTE(sampling_strategy=100, random_state=0).plan(X, Y)
    shares = plan.rows_per_label
    assert sum(shares.values()) == 100
    for name, share in shares.items():
        assert abs(share - 100 * sizes[int(name[1])] / sizes[plan.labels].sum()) < 1


def test_rows_for_a_label_all_carry_it_with_every_strategy():
    X, Y = make_table()
    for strategy in ("ranking", "union", "intersection"):
        sampler = MLSMOTE(sampling_strategy={"y0": 7, "y3": 9}, labelset_strategy=strategy, random_state=0)
        _, Y_res = sampler.fit_resample(X, Y.astype(int))
        assert Y_res[60:67, 0].all()
        assert Y_res[67:, 3].all()
        assert len(Y_res) == 76


def test_a_label_with_one_row_is_skipped_with_a_warning_that_names_it():
    X, Y = make_table()
    Y[:, 3] = False
    Y[4, 3] = True
    with pytest.warns(UserWarning, match="MLSMOTE skips 'y3': one row is no pair"):
        plan = MLSMOTE(random_state=0, sampling_strategy={"y2": 5, "y3": 5}).plan(X, Y)
    assert plan.rows_per_label == {"y2": 5}


def test_no_minority_label_is_a_warning_and_no_new_row():
    X, Y = np.arange(8.0)[:, None], np.tile(np.eye(2, dtype=int), (4, 1))
    with pytest.warns(UserWarning, match="no label is rarer than the average"):
        X_res, Y_res = MLSMOTE().fit_resample(X, Y)
    assert X_res.tolist() == X.tolist()
    assert Y_res.tolist() == Y.tolist()


def test_vdm_and_an_index_of_the_users_choice_are_used():
    X, Y = make_table()
    plain = MLSMOTE(random_state=0, categorical_features=[2, 3])
    seen = {}
    for name, sampler in {
        "heom": plain,
        "vdm": MLSMOTE(random_state=0, categorical_features=[2, 3], metric="vdm"),
        "tree": MLSMOTE(
            random_state=0,
            categorical_features=[2, 3],
            k_neighbors=NearestNeighbors(n_neighbors=6, algorithm="kd_tree"),
        ),
    }.items():
        sampler.fit_resample(X, Y)
        seen[name] = sampler.neighbor_rows_.tolist()
    assert seen["heom"] == seen["tree"]
    assert seen["heom"] != seen["vdm"]


def test_an_unknown_labelset_strategy_is_refused():
    X, Y = make_table()
    with pytest.raises(ValueError, match="'ranking', 'union' or 'intersection', got 'majority'"):
        MLSMOTE(labelset_strategy="majority").fit_resample(X, Y)


def test_sparse_columns_of_categories_come_back_as_their_values():
    rng = np.random.default_rng(0)
    X = (rng.random((50, 6)) < 0.4) * np.array([1, 1, 5, 5, 1, 1])
    X = np.column_stack([X, rng.random(50)])  # so that no two distances are equal
    Y = rng.random((50, 2)) < [0.7, 0.2]
    dense, _ = MLSMOTE(random_state=0, categorical_features=np.arange(6)).fit_resample(X, Y)
    thin, _ = MLSMOTE(random_state=0, categorical_features=np.arange(6)).fit_resample(sparse.csr_array(X), Y)
    np.testing.assert_array_equal(thin.toarray(), dense)
    assert set(np.unique(dense[50:, 2:4])) <= {0, 5}
