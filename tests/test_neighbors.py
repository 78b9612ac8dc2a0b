"""Neighbours never hold the row itself, and embedded distances are the mixed distances they stand for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn.neighbors import KDTree, NearestNeighbors

from rarelabel.neighbors import (
    FaissNeighbors,
    adjusted_hamming,
    embedding,
    nearest,
    resolve_neighbors,
    row_distances,
)
from rarelabel.schema import Column, Schema

SCHEMA = Schema(
    (
        Column("length"),
        Column("size", "category", ("s", "m", "l", "xl")),
        Column("count", "integer"),
        Column("new", "category", (False, True)),
        Column("colour", "category", ("r", "g", "b")),
        Column("only", "category", ("x",)),
        Column("constant"),
    )
)


@st.composite
def tables(draw):
    """X with columns as in SCHEMA, and Y."""
    n = draw(st.integers(2, 12))
    columns = [
        draw(hnp.arrays(float, n, elements=st.floats(-100, 100).map(lambda v: round(v, 3)))),
        draw(hnp.arrays(int, n, elements=st.integers(0, 3))),
        draw(hnp.arrays(int, n, elements=st.integers(-5, 50))),
        draw(hnp.arrays(int, n, elements=st.integers(0, 1))),
        draw(hnp.arrays(int, n, elements=st.integers(0, 2))),
        np.zeros(n),
        np.full(n, 7.0),
    ]
    return np.column_stack(columns).astype(float), draw(hnp.arrays(bool, (n, draw(st.integers(1, 5)))))


def heom(X, a, b):
    """Wilson & Martinez 1997, section 2.3, pair by pair: squared range-scaled differences plus mismatches."""
    total = 0.0
    for j, column in enumerate(SCHEMA.features):
        if column.kind == "category":
            total += X[a, j] != X[b, j]
        else:
            span = X[:, j].max() - X[:, j].min()
            total += ((X[a, j] - X[b, j]) / (span if span > 0 else 1)) ** 2
    return np.sqrt(total)


def vdm(X, Y, a, b):
    """Section 2.4 with exponent two: categories differ by their label probabilities, numbers by range."""
    total = 0.0
    for j, column in enumerate(SCHEMA.features):
        if column.kind == "category":
            total += sum(
                (Y[X[:, j] == X[a, j], c].mean() - Y[X[:, j] == X[b, j], c].mean()) ** 2 for c in range(Y.shape[1])
            )
        else:
            span = X[:, j].max() - X[:, j].min()
            total += ((X[a, j] - X[b, j]) / (span if span > 0 else 1)) ** 2
    return np.sqrt(total)


def all_pairs(n):
    return [pair.ravel() for pair in np.indices((n, n))]


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@given(tables())
@settings(max_examples=50, deadline=None)
def test_heom_is_the_distance_of_the_definition(form, table):
    X, _ = table
    E = embedding(form(X), SCHEMA)(form(X))
    assert sparse.issparse(E) == (form is sparse.csr_array)
    first, second = all_pairs(len(X))
    expected = [heom(X, a, b) for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(row_distances(E[first], E[second]), expected, atol=1e-9)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@given(tables())
@settings(max_examples=50, deadline=None)
def test_vdm_is_the_distance_of_the_definition(form, table):
    X, Y = table
    E = embedding(form(X), SCHEMA, metric="vdm", Y=Y)(form(X))
    first, second = all_pairs(len(X))
    expected = [vdm(X, Y, a, b) for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(row_distances(E[first], E[second]), expected, atol=1e-7)


@given(tables())
@settings(max_examples=30, deadline=None)
def test_euclidean_leaves_numbers_as_they_are_and_counts_mismatches(table):
    X, _ = table
    E = embedding(X, SCHEMA, metric="euclidean")(X)
    first, second = all_pairs(len(X))
    category = SCHEMA.is_category
    squared = ((X[first] - X[second])[:, ~category] ** 2).sum(axis=1)
    squared += (X[first] != X[second])[:, category].sum(axis=1)
    np.testing.assert_allclose(row_distances(E[first], E[second]), np.sqrt(squared), atol=1e-9)


def test_a_row_of_another_table_is_scaled_by_the_table_it_was_learned_from():
    X = np.array([[0.0, 10.0], [4.0, 30.0]])
    embed = embedding(X, Schema.numeric(2))
    assert embed(np.array([[8.0, 20.0]])).tolist() == [[2.0, 1.0]]


@given(
    hnp.arrays(float, st.tuples(st.integers(2, 15), st.integers(1, 3)), elements=st.integers(0, 2)), st.integers(1, 20)
)
@settings(max_examples=100, deadline=None)
def test_no_row_is_its_own_neighbour_however_many_duplicates_it_has(E, k):
    found = nearest(E, k)
    n = len(E)
    assert found.shape == (n, min(k, n - 1))
    for row in range(n):
        others = np.delete(np.arange(n), row)
        assert row not in found[row]
        assert len(set(found[row])) == found.shape[1]
        distances = np.linalg.norm(E - E[row], axis=1)
        np.testing.assert_allclose(distances[found[row]], np.sort(distances[others])[: found.shape[1]], atol=1e-7)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_neighbours_agree_with_every_pair_compared(form):
    rng = np.random.default_rng(0)
    E = rng.normal(size=(80, 6)) * (rng.random((80, 6)) < 0.5)
    distance = np.linalg.norm(E[:, None] - E[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    expected = np.argsort(distance, axis=1)[:, :7]
    np.testing.assert_array_equal(nearest(form(E), 7), expected)
    some = np.array([3, 70, 3])
    np.testing.assert_array_equal(nearest(form(E), 7, queries=some), expected[some])


@pytest.mark.parametrize("k", [1, 4])
def test_a_table_of_equal_rows_gives_other_rows(k):
    found = nearest(np.zeros((200, 2)), k)
    assert not (found == np.arange(200)[:, None]).any()


def test_nothing_to_search_gives_no_neighbours():
    assert nearest(np.zeros((1, 2)), 3).shape == (1, 0)
    assert nearest(np.zeros((5, 2)), 3, queries=np.empty(0, dtype=int)).shape == (0, 3)


class TreeOfMine:
    """An index that is no scikit-learn class but has what is needed: fit, kneighbors, get_params."""

    def __init__(self, n_neighbors=4):
        self.n_neighbors = n_neighbors

    def get_params(self, deep=True):
        return {"n_neighbors": self.n_neighbors}

    def fit(self, X, y=None):
        self.tree_ = KDTree(X)
        return self

    def kneighbors(self, X, n_neighbors=None, return_distance=True):
        distance, found = self.tree_.query(X, n_neighbors or self.n_neighbors)
        return (distance, found) if return_distance else found


@pytest.mark.parametrize(
    "estimator",
    [NearestNeighbors(algorithm="kd_tree"), NearestNeighbors(algorithm="ball_tree", n_jobs=1), TreeOfMine()],
    ids=["kd_tree", "ball_tree", "own"],
)
def test_any_exact_index_gives_the_same_neighbours_and_stays_unfitted(estimator):
    E = np.random.default_rng(1).normal(size=(60, 3))
    np.testing.assert_array_equal(nearest(E, 5, estimator=estimator), nearest(E, 5))
    assert not hasattr(estimator, "tree_")
    assert not hasattr(estimator, "n_features_in_")


def test_flat_faiss_gives_the_same_neighbours():
    pytest.importorskip("faiss")
    E = np.random.default_rng(2).normal(size=(300, 8))
    np.testing.assert_array_equal(nearest(E, 5, estimator=FaissNeighbors(index="flat")), nearest(E, 5))


def test_faiss_distances_are_euclidean_and_the_graph_finds_nearly_all():
    pytest.importorskip("faiss")
    E = np.random.default_rng(3).normal(size=(2000, 8)).astype(np.float32)
    distance, found = FaissNeighbors(index="flat").fit(E).kneighbors(E[:5], 3)
    np.testing.assert_allclose(distance, np.linalg.norm(E[:5, None] - E[found], axis=2), atol=1e-3)
    graph, exact = nearest(E, 5, estimator=FaissNeighbors()), nearest(E, 5)
    shared = [len(set(a) & set(b)) for a, b in zip(graph, exact, strict=True)]
    assert np.mean(shared) > 4.5


def test_faiss_refuses_what_it_cannot_do():
    pytest.importorskip("faiss")
    with pytest.raises(ValueError, match="dense rows only"):
        FaissNeighbors().fit(sparse.csr_array((2, 2)))
    with pytest.raises(ValueError, match="index must be 'hnsw' or 'flat', got 'tree'"):
        FaissNeighbors(index="tree").fit(np.zeros((2, 2)))


def test_an_int_and_an_index_mean_the_same_number_of_neighbours():
    assert resolve_neighbors(np.int64(5)) == (5, None)
    index = NearestNeighbors(n_neighbors=6)
    assert resolve_neighbors(index) == (5, index)


@pytest.mark.parametrize("wrong", [0, -2, NearestNeighbors(n_neighbors=1)])
def test_less_than_one_neighbour_is_refused(wrong):
    with pytest.raises(ValueError, match="number of neighbours must be at least 1, got"):
        resolve_neighbors(wrong)


@pytest.mark.parametrize("wrong", [2.5, "5", True, None, object()])
def test_what_cannot_search_is_refused(wrong):
    with pytest.raises(TypeError, match="an int or an object with kneighbors"):
        resolve_neighbors(wrong)


def test_metrics_that_do_not_exist_or_lack_labels_are_refused():
    with pytest.raises(ValueError, match="metric must be 'heom', 'vdm' or 'euclidean', got 'cosine'"):
        embedding(np.zeros((2, 1)), Schema.numeric(1), metric="cosine")
    with pytest.raises(ValueError, match="'vdm' needs the labels"):
        embedding(np.zeros((2, 1)), Schema.numeric(1), metric="vdm")


@given(hnp.arrays(bool, st.tuples(st.integers(1, 4), st.integers(1, 5))), st.randoms(use_true_random=False))
def test_adjusted_hamming_is_the_share_of_labels_that_differ(A, random):
    B = A[random.sample(range(len(A)), len(A))]
    for over in ("sum", "union"):
        expected = []
        for a, b in zip(A, B, strict=True):
            differing = sum(x != y for x, y in zip(a, b, strict=True))
            present = sum(a) + sum(b) if over == "sum" else sum(x or y for x, y in zip(a, b, strict=True))
            expected.append(differing / present if present else 0)
        np.testing.assert_allclose(adjusted_hamming(A, B, over=over), expected)
