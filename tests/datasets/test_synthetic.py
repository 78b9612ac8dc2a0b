"""The truth that comes with synthetic data is what the data converge to."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from rarelabel.datasets import make_imbalanced_multilabel

N = 40_000


@pytest.fixture(scope="module")
def drawn():
    return make_imbalanced_multilabel(
        N, 9, 6, zipf=1.2, cardinality=1.8, dependence=0.8, n_informative=4, n_categorical=3, noise=0.7, random_state=5
    )


def close(observed, expected, spread, n):
    """Within five standard errors, entry by entry."""
    return np.all(np.abs(observed - expected) <= 5 * spread / np.sqrt(n) + 1e-12)


def test_label_and_pair_frequencies(drawn):
    data, truth = drawn
    Y = data.Y.astype(float)
    pairs = truth.pair_probabilities
    assert close(Y.mean(axis=0), truth.label_probabilities, 0.5, N)
    assert close(Y.T @ Y / N, pairs, np.sqrt(pairs * (1 - pairs)), N)
    assert np.isclose(truth.label_probabilities.sum(), 1.8)
    ratio = truth.label_probabilities[0] / truth.label_probabilities
    np.testing.assert_allclose(ratio, np.arange(1, 7) ** 1.2)


def test_weights_come_back_by_least_squares(drawn):
    data, truth = drawn
    design = np.column_stack([np.ones(N), data.Y])
    solution, *_ = np.linalg.lstsq(design, data.X[:, :6], rcond=None)
    errors = 0.7 * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    expected = np.vstack([truth.intercept, truth.weights])
    assert np.all(np.abs(solution - expected) <= 5 * errors[:, None])
    assert not truth.weights[:, 4:].any()
    assert truth.weights[:, :4].all()


def test_means_per_label(drawn):
    data, truth = drawn
    for label, mean in enumerate(truth.label_means):
        rows = data.X[data.Y[:, label], :6]
        assert close(rows.mean(axis=0), mean, rows.std(axis=0), len(rows))


def test_noise_is_normal_with_the_given_spread(drawn):
    data, truth = drawn
    rest = data.X[:, :6] - truth.intercept - data.Y @ truth.weights
    assert np.abs(rest.std() - 0.7) < 5 * 0.7 / np.sqrt(2 * rest.size)
    assert np.abs((np.abs(rest) < 0.7).mean() - 0.6827) < 5 * 0.47 / np.sqrt(rest.size)


def test_categories_depend_on_their_label(drawn):
    data, truth = drawn
    for j, label in enumerate(truth.categorical_labels):
        for present in (0, 1):
            codes = data.X[data.Y[:, label] == present, 6 + j]
            shares = np.bincount(codes.astype(int), minlength=3) / len(codes)
            assert close(shares, truth.category_probabilities[j, present], 0.5, len(codes))
    assert [column.kind for column in data.schema.features] == ["numeric"] * 6 + ["category"] * 3


def test_counts_in_sparse_form():
    data, truth = make_imbalanced_multilabel(20_000, 30, 5, sparse=True, n_categorical=2, random_state=0)
    assert isinstance(data.X, sparse.csr_array)
    assert data.X.nnz < 0.35 * data.X.shape[0] * 30
    counts = data.X[:, :28].toarray()
    assert data.schema.is_integer[:28].all()
    assert (counts == counts.round()).all()
    mean = truth.intercept + data.Y @ truth.weights
    assert close(counts.mean(axis=0), mean.mean(axis=0), counts.std(axis=0) + 0.1, 20_000)
    # Poisson: the variance around the mean is the mean
    assert np.isclose(((counts - mean) ** 2).mean(), mean.mean(), rtol=0.05)


def test_missing_values_are_as_frequent_as_asked():
    data, _ = make_imbalanced_multilabel(5000, 10, 4, n_categorical=3, missing_rate=0.2, random_state=0)
    missing = np.isnan(data.X)
    assert close(missing.mean(axis=0), 0.2, 0.4, 5000)
    # missing at random: no more often where label 0 is present
    assert abs(missing[data.Y[:, 0]].mean() - missing[~data.Y[:, 0]].mean()) < 0.02


@settings(max_examples=60, deadline=None)
@given(
    q=st.integers(1, 12),
    zipf=st.floats(0, 4),
    share=st.floats(0.01, 0.94),
    dependence=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_truth_is_a_distribution(q, zipf, share, dependence, seed):
    data, truth = make_imbalanced_multilabel(
        20, 4, q, zipf=zipf, cardinality=share * q, dependence=dependence, n_categorical=1, random_state=seed
    )
    p, pairs = truth.label_probabilities, truth.pair_probabilities
    assert np.isclose(p.sum(), share * q)
    assert (np.diff(p) <= 1e-12).all()
    assert ((p > 0) & (p <= 0.95 + 1e-12)).all()
    np.testing.assert_allclose(pairs, pairs.T)
    np.testing.assert_allclose(np.diag(pairs), p)
    # bounds of Frechet
    assert (pairs <= np.minimum.outer(p, p) + 1e-12).all()
    assert (pairs >= np.maximum(np.add.outer(p, p) - 1, 0) - 1e-12).all()
    np.testing.assert_allclose(truth.category_probabilities.sum(axis=-1), 1)
    if dependence == 0:
        off = ~np.eye(q, dtype=bool)
        np.testing.assert_allclose(pairs[off], np.multiply.outer(p, p)[off])
    assert data.Y.shape == (20, q)


def test_same_seed_same_data():
    first, second = (make_imbalanced_multilabel(50, random_state=3)[0] for _ in range(2))
    assert np.array_equal(first.X, second.X)
    assert np.array_equal(first.Y, second.Y)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_samples": 0},
        {"n_samples": 2.5},
        {"n_labels": 0},
        {"zipf": -1},
        {"cardinality": 9.6},
        {"cardinality": 0},
        {"dependence": 1.1},
        {"n_categorical": 21},
        {"n_informative": 21},
        {"n_categories": 1},
        {"noise": float("nan")},
        {"missing_rate": 1.0},
    ],
)
def test_parameters_out_of_range_are_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name} must be a"):
        make_imbalanced_multilabel(**wrong)
