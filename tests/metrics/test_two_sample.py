"""Judges of whole rows: known distributions, closed forms, slow definitions, copies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import cdist
from scipy.stats import norm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB

from rarelabel import metrics as m

NAN = float("nan")


def ranged(real, *others):
    span = np.where(np.ptp(real, axis=0) > 0, np.ptp(real, axis=0), 1)
    return [X / span for X in (real, *others)]


@pytest.mark.parametrize("distance", [0.0, 0.5, 1.0, 2.0])
def test_two_normals_at_distance_d_are_told_apart_as_often_as_theory_says(distance):
    rng = np.random.default_rng(0)
    real, new = rng.normal(size=(1500, 3)), rng.normal(size=(1500, 3)) + np.array([distance, 0, 0])
    found = m.c2st_auc(real, new, classifier=LinearDiscriminantAnalysis(), max_rows=None, random_state=0)
    assert found == pytest.approx(norm.cdf(distance / np.sqrt(2)), abs=0.035)  # three standard errors


def test_the_default_classifier_tells_what_a_line_cannot():
    """The same columns, in one table as they belong together, in the other shuffled apart."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(800, 1))
    X = z + 0.2 * rng.normal(size=(800, 3))
    real, rest = X[:400], X[400:]
    shuffled = np.column_stack([rng.permutation(column) for column in rest.T])
    assert m.c2st_auc(real, shuffled, random_state=0) > 0.9
    assert m.c2st_auc(real, shuffled, random_state=0, classifier=LinearDiscriminantAnalysis()) < 0.6
    assert m.c2st_auc(real, rest, random_state=0) == pytest.approx(0.5, abs=0.08)


def test_copies_are_not_told_apart():
    """Rows with equal features stay in one fold: a memorising judge would else give far below 0.5."""
    rng = np.random.default_rng(0)
    real = rng.normal(size=(150, 4))
    assert m.c2st_auc(real, real[rng.permutation(150)], random_state=0) == 0.5
    copies = real[rng.integers(150, size=150)]
    assert m.c2st_auc(real, copies, random_state=0) == pytest.approx(0.5, abs=0.1)
    assert m.c2st_auc(np.ones((9, 2)), np.ones((9, 2)), random_state=0) == 0.5


def test_wrong_labels_are_found_out_only_with_the_labels():
    rng = np.random.default_rng(0)
    real, new = rng.normal(size=(300, 2)), rng.normal(size=(300, 2))
    Y_real, Y_new = real > 0, new < 0
    assert m.c2st_auc(real, new, Y_real=Y_real, Y_new=Y_new, random_state=0) > 0.9
    assert m.c2st_auc(real, new, Y_real=Y_real, Y_new=new > 0, random_state=0) == pytest.approx(0.5, abs=0.1)
    with pytest.raises(ValueError, match="Y_real and Y_new together, or neither"):
        m.c2st_auc(real, new, Y_real=Y_real)
    with pytest.raises(ValueError, match="X_new has 300 rows, Y_new 299: expected as many"):
        m.c2st_auc(real, new, Y_real=Y_real, Y_new=Y_new[:-1])


def test_gaps_and_categories_are_seen_by_the_judge():
    rng = np.random.default_rng(0)
    real, new = rng.normal(size=(200, 2)), rng.normal(size=(200, 2))
    gone = new.copy()
    gone[rng.random(200) < 0.6, 1] = np.nan
    assert m.c2st_auc(real, gone, random_state=0) > 0.65
    colours = np.array(["red", "blue", "green"], dtype=object)
    real, new = colours[rng.integers(2, size=(200, 1))], colours[rng.integers(1, 3, size=(200, 1))]
    assert m.c2st_auc(real, new, random_state=0) == pytest.approx(0.875, abs=0.05)  # 1/2 + 3/8: half against half


def test_judgement_of_sparse_rows_and_its_seed():
    rng = np.random.default_rng(0)
    real, new = rng.poisson(0.3, size=(90, 8)).astype(float), rng.poisson(0.5, size=(80, 8)).astype(float)
    judge = GaussianNB()
    dense = m.c2st_auc(real, new, random_state=3)
    assert dense == m.c2st_auc(real, new, random_state=3)
    assert dense != m.c2st_auc(real, new, random_state=4)
    close = m.c2st_auc(sparse.csr_array(real), sparse.csr_array(new), random_state=3)
    assert close == pytest.approx(dense, abs=0.1)  # the same rows, other trees
    assert m.c2st_auc(real, new, classifier=judge, random_state=0) > 0.5
    assert not hasattr(judge, "classes_")  # a clone was trained


def test_too_few_rows_for_a_judge():
    X = np.arange(20.0)[:, None]
    for n in (0, 1, 4):
        assert np.isnan(m.c2st_auc(X, X[:n], random_state=0))
    assert np.isnan(m.c2st_auc(X[:4], X, random_state=0))
    assert np.isnan(m.c2st_auc(X, X[:6], n_splits=7, random_state=0))
    assert m.c2st_auc(X, X[:5] + 100, classifier=GaussianNB(), random_state=0) == 1


def test_mmd_worked_out_by_hand():
    """Bandwidth 1 after the real range 1: k(0, 1) = e^-1/2 within real; new rows equal: 1; across: (e^-1/2 + 1) / 2."""
    a = np.exp(-0.5)
    expected = a + 1 - 2 * (a + 1) / 2
    assert m.mmd([[0.0], [1.0]], [[1.0], [1.0]], bandwidth=1.0) == pytest.approx(expected, abs=1e-12)
    wide, narrow = np.exp(-1 / 8), np.exp(-2)  # bandwidths 2 and 1/2, averaged
    b = (wide + narrow) / 2
    real, new = [[0.0], [1.0]], [[0.0], [0.0]]
    assert m.mmd(real, new, bandwidth=[2, 0.5]) == pytest.approx(b + 1 - (1 + b), abs=1e-12)


def test_mmd_where_most_rows_are_equal_takes_the_mean_distance():
    """12 of the 28 pairs are at distance 1: sigma = 3/7, a = k(0, 1) = exp(-49/18); 1 + (4 + 8a)/12 - 2 (8 + 8a)/16."""
    a = np.exp(-49 / 18)
    assert m.mmd([[0.0]] * 4, [[0.0], [0.0], [1.0], [1.0]]) == pytest.approx((1 - a) / 3, abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_mmd_of_two_normals_is_the_closed_form(shift):
    """E k(x, y) of N(0, 1) and N(t, 1) is s / sqrt(s^2 + 2) exp(-t^2 / 2(s^2 + 2)), with the bandwidth s."""
    rng = np.random.default_rng(0)
    real, new = rng.normal(size=(2000, 1)), rng.normal(size=(2000, 1)) + shift
    s = 0.8
    expected = 2 * s / np.sqrt(s**2 + 2) * (1 - np.exp(-(shift**2) / (2 * (s**2 + 2))))
    found = m.mmd(real, new, bandwidth=s / np.ptp(real))
    assert found == pytest.approx(expected, abs=0.015)


def test_mmd_is_unbiased():
    """Under one distribution the mean over draws is 0, and about half of them are below."""
    rng = np.random.default_rng(0)
    values = np.array([m.mmd(*rng.normal(size=(2, 12, 2))) for _ in range(300)])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(300)
    assert 0.3 < (values < 0).mean() < 0.8


@given(seed=st.integers(0, 1000), n=st.integers(2, 12), k=st.integers(2, 12))
@settings(max_examples=40)
def test_mmd_with_the_median_of_distances_is_the_definition(seed, n, k):
    rng = np.random.default_rng(seed)
    real, new = rng.normal(size=(n, 3)), rng.normal(size=(k, 3))
    A, B = ranged(real, new)
    pooled = cdist(np.concatenate([A, B]), np.concatenate([A, B]))
    sigma = np.median(pooled[np.triu_indices(n + k, 1)])
    K = np.exp(-(pooled**2) / (2 * sigma**2))
    within = (K[:n, :n].sum() - n) / (n * (n - 1)) + (K[n:, n:].sum() - k) / (k * (k - 1))
    expected = within - 2 * K[:n, n:].mean()
    for container in (np.asarray, sparse.csr_array):
        assert m.mmd(container(real), container(new)) == pytest.approx(expected, abs=1e-9)
    offset, scale = np.array([1e4, 0, -3]), np.array([1e-3, -5, 100])
    assert m.mmd(real[::-1] * scale + offset, new * scale + offset) == pytest.approx(expected, abs=1e-7)


def balls(real, new, k):
    """The definitions, pair by pair."""
    A, B = ranged(real, new)
    rim_a, rim_b = (np.sort(cdist(E, E), axis=1)[:, min(k, len(E) - 1)] * (1 + 1e-9) for E in (A, B))
    D = cdist(A, B)
    inside = rim_a[:, None] >= D
    recall = (rim_b >= D).any(axis=1).mean() if len(B) > 1 else NAN
    density = inside.sum() / (min(k, len(A) - 1) * len(B))
    return m.Manifolds(inside.any(axis=0).mean(), recall, density, inside.any(axis=1).mean())


@given(seed=st.integers(0, 1000), n=st.integers(2, 15), size=st.integers(1, 15), k=st.integers(1, 6))
@settings(max_examples=80)
def test_manifolds_are_what_the_papers_define(seed, n, size, k):
    rng = np.random.default_rng(seed)
    real, new = rng.normal(size=(n, 2)), rng.normal(size=(size, 2)) * 1.5
    expected = balls(real, new, k)
    for container in (np.asarray, sparse.csr_array):
        found = m.precision_recall_density_coverage(container(real), container(new), k=k)
        assert vars(found) == pytest.approx(vars(expected), nan_ok=True)


def test_manifolds_worked_out_by_hand():
    """Radii of 0, 1, 3, 10 with k = 1: 1, 1, 2, 7. Only 12 lies in one ball (of 10); -2 and -3 lie in none."""
    real = [[0.0], [1.0], [3.0], [10.0]]
    found = m.precision_recall_density_coverage(real, [[-2.0], [-3.0], [12.0]], k=1)
    assert found.precision == pytest.approx(1 / 3)
    assert found.density == pytest.approx(1 / 3)
    assert found.coverage == pytest.approx(1 / 4)
    assert found.recall == 1  # the ball of 12 reaches down to -2
    assert m.precision_recall_density_coverage(real, [[0.5], [4.0]], k=1).recall == 3 / 4  # both reach 3.5; 10 is left


def test_equal_tables_and_far_ones():
    X = np.random.default_rng(0).normal(size=(60, 3))
    found = m.precision_recall_density_coverage(X, X[::-1])
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)
    assert found.density == pytest.approx(6 / 5)  # each ball holds its own row and 5 others
    assert vars(m.precision_recall_density_coverage(X, X + 50)) == {
        "precision": 0,
        "recall": 0,
        "density": 0,
        "coverage": 0,
    }
    same = np.ones((8, 2))  # every radius is 0, and every row on the rim
    found = m.precision_recall_density_coverage(same, same)
    assert (found.precision, found.recall, found.density, found.coverage) == (1, 1, 8 / 5, 1)
    assert m.mmd(same, same) == 0
    assert m.mmd(X, X + 50) == pytest.approx(2 - 2 * np.exp(-0.5), abs=0.1)  # most pairs are across: as far as sigma


def test_a_collapsed_table_has_precision_without_coverage():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(300, 2))
    found = m.precision_recall_density_coverage(real, 0.01 * rng.normal(size=(300, 2)))
    assert found.precision == 1
    assert found.recall < 0.05
    assert found.coverage < 0.2


def test_one_outlier_among_the_new_rows_raises_the_recall_and_not_the_coverage():
    """What Naeem et al. hold against precision and recall: a lone new row has a huge ball."""
    rng = np.random.default_rng(0)
    real, new = rng.normal(size=(200, 2)), rng.normal(size=(20, 2)) * 0.01 + 3
    one = np.concatenate([new, [[-200.0, -200.0]]])
    before, after = (m.precision_recall_density_coverage(real, X) for X in (new, one))
    assert after.recall == 1 > before.recall
    assert after.coverage == before.coverage


def test_work_in_blocks_gives_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    real, new = rng.normal(size=(40, 3)), rng.normal(size=(30, 3))
    found = m.mmd(real, new), m.precision_recall_density_coverage(real, new)
    monkeypatch.setattr("rarelabel.metrics._points._BLOCK", 200)
    assert m.mmd(real, new) == pytest.approx(found[0], abs=1e-12)
    assert m.precision_recall_density_coverage(real, new) == found[1]


def test_a_bound_on_rows_draws_them_with_the_seed():
    rng = np.random.default_rng(0)
    real, new = rng.normal(size=(200, 2)), rng.normal(size=(200, 2))
    for measure in (m.mmd, m.precision_recall_density_coverage):
        drawn = measure(real, new, max_rows=50, random_state=0)
        assert drawn == measure(real, new, max_rows=50, random_state=0)
        assert drawn != measure(real, new, max_rows=50, random_state=1)
        assert measure(real, new, max_rows=200) == measure(real, new, max_rows=None)


def test_too_few_rows():
    X = np.array([[0.0], [1.0], [2.0]])
    assert np.isnan(m.mmd(X, X[:1]))
    assert np.isnan(m.mmd(X, X[:0]))
    for real, new in ((X, X[:0]), (X[:1], X)):
        assert np.isnan(list(vars(m.precision_recall_density_coverage(real, new)).values())).all()
    one = m.precision_recall_density_coverage(X, X[:1])
    assert np.isnan(one.recall)
    assert one.precision == 1


def test_options_out_of_range_are_refused():
    X = [[0.0], [1.0]]
    for k in (0, 1.5, True):
        with pytest.raises(ValueError, match="k must be a whole number of at least 1"):
            m.precision_recall_density_coverage(X, X, k=k)
    for n_splits in (1, 2.5):
        with pytest.raises(ValueError, match="n_splits must be a whole number of at least 2"):
            m.c2st_auc(X, X, n_splits=n_splits)
    for bandwidth in (0, -1.0, [], [1.0, np.inf]):
        with pytest.raises(ValueError, match="bandwidth must be a positive number or several"):
            m.mmd(X, X, bandwidth=bandwidth)
    for measure in (m.mmd, m.c2st_auc, m.precision_recall_density_coverage):
        with pytest.raises(ValueError, match="max_rows must be a whole number of at least 1 or None, got 0"):
            measure(X, X, max_rows=0)
