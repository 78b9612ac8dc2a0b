"""MLRkNNOS pairs rows with their reverse neighbours and predicts the other labels, label by label."""

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC
from sklearn.tree import ExtraTreeClassifier

from rarelabel import MLRkNNOS
from rarelabel.neighbors import embedding
from rarelabel.over_sampling._mlrknnos import predict_labels, reverse_pairs
from rarelabel.schema import Schema


def make_table(n=60, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, np.column_stack([X[:, 0] > 0.9, X[:, 1] > 0.2, X.sum(axis=1) > 2])


def reverse_neighbors(E, bag, k):
    """Rows of the bag that have each row of the bag among their k nearest there."""
    reverse = {int(s): set() for s in bag}
    for r in bag:
        near = sorted((row for row in bag if row != r), key=lambda row: np.linalg.norm(E[row] - E[r]))[:k]
        for s in near:
            reverse[int(s)].add(int(r))
    return {s: rs for s, rs in reverse.items() if rs}


@pytest.mark.parametrize("k", [1, 3, 5])
def test_pairs_are_a_row_and_one_of_its_reverse_neighbours_all_of_them_possible(k):
    E, Y = make_table()
    bag = np.flatnonzero(Y[:, 0])
    expected = reverse_neighbors(E, bag, k)
    seeds, partners = reverse_pairs(E, bag, 4000, k, estimator=None, n_jobs=None, rng=np.random.default_rng(0))
    found = {}
    for s, r in zip(seeds.tolist(), partners.tolist(), strict=True):
        found.setdefault(s, set()).add(r)
    assert found == expected
    shares = np.unique(seeds, return_counts=True)[1] / 4000
    np.testing.assert_allclose(shares, 1 / len(expected), atol=0.03)


@pytest.mark.parametrize("estimator", [SVC(kernel="rbf"), GaussianNB()])
def test_other_labels_are_what_one_classifier_for_each_label_predicts(estimator):
    E, Y = make_table()
    rng = np.random.default_rng(1)
    E_new, made_for = rng.normal(size=(12, 3)), np.repeat([0, 2], 6)
    found = predict_labels(E, Y, E_new, made_for, estimator=estimator, max_samples=10**9, rng=rng)
    for label in range(3):
        own = made_for == label
        train = np.concatenate([E, E_new[own]])
        target = np.append(Y[:, label], np.ones(own.sum(), dtype=bool))
        expected = np.where(own, True, type(estimator)().fit(train, target).predict(E_new))
        np.testing.assert_array_equal(found[:, label], expected)


def test_a_label_that_no_row_or_every_row_carries_needs_no_classifier():
    E, Y = make_table()
    Y = np.column_stack([Y, np.zeros(60, bool), np.ones(60, bool)])
    found = predict_labels(
        E, Y, E[:5] + 0.1, np.zeros(5, int), estimator=SVC(), max_samples=1000, rng=np.random.default_rng(0)
    )
    assert not found[:, 3].any()
    assert found[:, 4].all()


class Counting(GaussianNB):
    """A classifier that remembers how many rows of each kind it was given."""

    seen: list = []  # noqa: RUF012

    def fit(self, X, y):
        Counting.seen.append((int(np.sum(y)), int(np.sum(~y))))
        return super().fit(X, y)


def test_training_is_bounded_by_max_samples():
    E, Y = make_table(300)
    Counting.seen.clear()
    rng = np.random.default_rng(0)
    predict_labels(E, Y, E[:80], np.repeat([0, 1], 40), estimator=Counting(), max_samples=20, rng=rng)
    assert Counting.seen
    assert all(negatives <= 10 and positives <= 20 for positives, negatives in Counting.seen)


def test_balance_makes_half_of_the_rows_carry_each_label():
    X, Y = make_table()
    plan = MLRkNNOS(sampling_strategy="balance", random_state=0).plan(X, Y)
    counts = Y.sum(axis=0)
    assert plan.rows_per_label == {f"y{j}": 60 - 2 * c for j, c in enumerate(counts) if 2 * c < 60}


def test_a_share_is_split_by_what_balance_would_need():
    X, Y = make_table()
    need = 60 - 2 * Y.sum(axis=0)
    plan = MLRkNNOS(sampling_strategy=20, random_state=0).plan(X, Y)
    assert sum(plan.rows_per_label.values()) == 20
    for name, share in plan.rows_per_label.items():
        assert abs(share - 20 * need[int(name[1])] / need[need > 0].sum()) < 1


def test_every_new_row_carries_the_label_it_was_made_for_and_lies_between_carriers():
    X, Y = make_table()
    sampler = MLRkNNOS(sampling_strategy={"y2": 9, "y0": 7}, k_neighbors=2, random_state=0)
    X_res, Y_res = sampler.fit_resample(X, Y)
    E = embedding(X, Schema.numeric(3))(X)
    for row in range(60, len(X_res)):
        label, s, r = sampler.made_for_[row], sampler.seed_rows_[row], sampler.neighbor_rows_[row]
        assert Y_res[row, label]
        assert r in reverse_neighbors(E, np.flatnonzero(Y[:, label]), 2)[s]
        assert (np.minimum(X[s], X[r]) <= X_res[row]).all()
        assert (X_res[row] <= np.maximum(X[s], X[r])).all()
    assert sampler.made_for_[60:].tolist() == [2] * 9 + [0] * 7


def test_a_label_with_one_row_is_skipped_with_a_warning_that_names_it():
    X, Y = make_table()
    Y[:, 0] = False
    Y[5, 0] = True
    with pytest.warns(UserWarning, match="MLRkNNOS skips 'y0'"):
        plan = MLRkNNOS(random_state=0).plan(X, Y)
    assert "y0" not in plan.rows_per_label
    assert plan.n_new == 15


def test_too_small_a_training_set_is_refused():
    X, Y = make_table()
    with pytest.raises(ValueError, match="max_samples must be at least 2, got 1"):
        MLRkNNOS(max_samples=1).fit_resample(X, Y)


def test_a_class_of_its_own_for_every_new_row_of_a_one_dimensional_y():
    X, _ = make_table()
    y = np.array(["a"] * 40 + ["b"] * 12 + ["c"] * 8)
    sampler = MLRkNNOS(random_state=0)
    _, y_res = sampler.fit_resample(X, y)
    assert y_res[60:].tolist() == [("a", "b", "c")[label] for label in sampler.made_for_[60:]]


def test_a_classifier_with_randomness_of_its_own_is_seeded_too():
    X, Y = make_table()
    trees = [MLRkNNOS(estimator=ExtraTreeClassifier(max_depth=2), random_state=seed) for seed in (0, 0, 1, 2, 3)]
    labels = [sampler.fit_resample(X, Y)[1].tobytes() for sampler in trees]
    assert labels[0] == labels[1]
    assert len(set(labels)) > 1
