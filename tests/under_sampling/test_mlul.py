"""MLUL keeps rows by the weight of its algorithm, read row by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rarelabel import MLUL
from rarelabel.local_imbalance import local_imbalance
from rarelabel.neighbors import nearest
from rarelabel.under_sampling._mlul import importance, removal_order


@st.composite
def tables(draw):
    n, q = draw(st.integers(6, 30)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    X = rng.uniform(size=(n, 2))
    return X, rng.random((n, q)) < rng.uniform(0.1, 0.8, q), nearest(X, draw(st.sampled_from([1, 3, 5])))


def slowly(Y, near):
    """w, u and v = w - u moved to be positive (Liu, Blekas, Tsoumakas 2022, section 4.3)."""
    n, q = Y.shape
    k = near.shape[1]
    S = [[None] * q for _ in range(n)]
    for j in range(q):
        minority = 0 if sum(Y[:, j]) > n / 2 else 1
        C = {i: sum(Y[m, j] != Y[i, j] for m in near[i]) / k for i in range(n) if Y[i, j] == minority}
        C = {i: c for i, c in C.items() if c < 1}
        for i, c in C.items():
            S[i][j] = c / sum(C.values()) if sum(C.values()) > 0 else None
    v = []
    for i in range(n):
        w = sum(s for s in S[i] if s is not None)
        reverse = [m for m in range(n) if i in near[m]]
        u = 0.0
        for m in reverse:
            for j in range(q):
                if S[m][j] is not None:
                    u += S[m][j] if S[i][j] is None else -S[m][j]
        v.append(w - u / len(reverse) if reverse else w)
    return np.array(v) - min(min(v), 0)


@given(tables())
@settings(deadline=None)
def test_importance_equals_the_loops(table):
    _, Y, near = table
    np.testing.assert_allclose(importance(local_imbalance(Y, near), near), slowly(Y, near), atol=1e-12)


def test_keeping_the_last_rows_is_drawing_without_replacement_by_weight():
    """Of weights 0, 1, 2, 3, 4 two rows are kept: P(i) p_i + sum over j of p_j p_i / (1 - p_j)."""
    v = np.array([0.0, 1, 2, 3, 4])
    p = v / v.sum()
    expected = [p[i] + sum(p[j] * p[i] / (1 - p[j]) for j in range(5) if j != i) for i in range(5)]
    rng = np.random.default_rng(0)
    kept = np.bincount(np.concatenate([removal_order(v, rng)[-2:] for _ in range(20_000)]), minlength=5) / 20_000
    np.testing.assert_allclose(kept, expected, atol=0.015)


def test_rows_without_weight_go_first_in_random_order():
    v = np.array([0.0, 5, 0, 5, 0])
    orders = {tuple(removal_order(v, np.random.default_rng(seed))[:3]) for seed in range(100)}
    assert {tuple(sorted(order)) for order in orders} == {(0, 2, 4)}
    assert len(orders) == 6


def test_every_row_is_in_the_order_once():
    order = removal_order(np.array([0, 1e-300, 1, 0, 1e300]), np.random.default_rng(0))
    assert sorted(order) == [0, 1, 2, 3, 4]


def test_rows_for_each_label_go_exactly_and_carry_it():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(60, 2)), (rng.random((60, 3)) < [0.6, 0.3, 0.2]).astype(int)
    sampler = MLUL(sampling_strategy={"y0": 7, "y1": 3}, random_state=0)
    plan = sampler.plan(X, Y)
    _, Y_res = sampler.fit_resample(X, Y)
    assert len(Y_res) == 50 == plan.n_rows_after
    assert Y[plan.rows][:, :2].any(axis=1).all()


def test_removing_every_row_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="asks to remove 10 of 10 rows; at least one must stay"):
        MLUL(sampling_strategy=1.0).fit_resample(rng.normal(size=(10, 2)), np.eye(10))
