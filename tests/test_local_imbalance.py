"""Local imbalance equals its definition, value by value (Liu, Blekas, Tsoumakas 2022, Eqs. 1-4)."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rarelabel.local_imbalance import local_imbalance


@st.composite
def neighbourhoods(draw):
    """Y and, for every row, k distinct other rows."""
    n, q = draw(st.integers(3, 9)), draw(st.integers(1, 4))
    k = draw(st.integers(1, n - 1))
    seed = draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    near = np.array([rng.permutation(np.delete(np.arange(n), i))[:k] for i in range(n)])
    return draw(hnp.arrays(bool, (n, q))), near


def slowly(Y, near):
    """Minority value, C and S of every row and label, in loops."""
    n, q = Y.shape
    k = near.shape[1]
    C, S = np.zeros((n, q)), np.full((n, q), -1.0)
    minority_value = [0 if sum(Y[:, j]) > n / 2 else 1 for j in range(q)]
    for j in range(q):
        for i in range(n):
            if Y[i, j] == minority_value[j]:
                C[i, j] = sum(Y[m, j] != Y[i, j] for m in near[i]) / k
        usable = [i for i in range(n) if Y[i, j] == minority_value[j] and C[i, j] < 1]
        total = sum(C[i, j] for i in usable)
        for i in usable:
            if total > 0:
                S[i, j] = C[i, j] / total
    return minority_value, C, S


@given(neighbourhoods())
def test_C_S_and_w_equal_the_loops(case):
    Y, near = case
    local = local_imbalance(Y, near)
    minority_value, C, S = slowly(Y, near)
    np.testing.assert_array_equal(local.flipped, [value == 0 for value in minority_value])
    np.testing.assert_array_equal(local.minority, np.array(minority_value) == Y)
    np.testing.assert_allclose(local.C, C)
    np.testing.assert_array_equal(local.valid, S >= 0)
    np.testing.assert_allclose(local.S, np.maximum(S, 0))
    np.testing.assert_allclose(local.weights, np.maximum(S, 0).sum(axis=1))


@given(neighbourhoods())
def test_S_of_a_label_sums_to_one_or_is_nowhere(case):
    sums = local_imbalance(*case).S.sum(axis=0)
    assert (np.isclose(sums, 1) | (sums == 0)).all()


@given(neighbourhoods())
def test_swapping_the_values_of_every_label_changes_nothing_where_no_label_is_even(case):
    Y, near = case
    uneven = 2 * Y.sum(axis=0) != len(Y)
    one, other = local_imbalance(Y[:, uneven], near), local_imbalance(~Y[:, uneven], near)
    np.testing.assert_array_equal(one.S, other.S)
    np.testing.assert_array_equal(one.flipped, ~other.flipped)
