"""The measures against their definitions, written as loops, and against laws that they must obey."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from rarelabel import imbalance
from rarelabel.imbalance import measures

indicators = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))
quickly = settings(max_examples=60, deadline=None)


def defined_ir(Y):
    counts = [int(sum(column)) for column in Y.T]
    return [max(counts) / count if count else np.inf for count in counts]


def defined_scumble(Y):
    ratios, values = defined_ir(Y), []
    for row in Y:
        carried = [ratio for ratio, held in zip(ratios, row, strict=True) if held]
        if not carried:
            values.append(0.0)
            continue
        values.append(1 - np.prod(carried) ** (1 / len(carried)) / (sum(carried) / len(carried)))
    return np.array(values)


@quickly
@given(indicators)
def test_ratios_are_the_definition(Y):
    ratios = defined_ir(Y)
    finite = [ratio for ratio in ratios if np.isfinite(ratio)]
    assert imbalance.ir_per_label(Y).tolist() == ratios
    assert imbalance.label_counts(Y).tolist() == Y.sum(axis=0).tolist()
    assert imbalance.mean_ir(Y) == pytest.approx(np.mean(finite) if finite else np.nan, nan_ok=True)
    assert imbalance.max_ir(Y) == pytest.approx(max(finite, default=np.nan), nan_ok=True)
    varies = np.std(finite, ddof=1) / np.mean(finite) if len(finite) > 1 else np.nan
    assert imbalance.cvir(Y) == pytest.approx(varies, nan_ok=True, abs=1e-12)


@quickly
@given(indicators)
def test_never_positive_labels_count_as_zero_in_the_way_of_mldr(Y):
    ratios = [0 if np.isinf(ratio) else ratio for ratio in defined_ir(Y)]
    assert imbalance.ir_per_label(Y, never_positive="mldr").tolist() == ratios
    expected = np.mean(ratios) if any(ratios) else np.nan
    assert imbalance.mean_ir(Y, never_positive="mldr") == pytest.approx(expected, nan_ok=True)


@quickly
@given(indicators)
def test_minority_labels_are_above_the_mean_ratio_and_have_a_positive(Y):
    finite = [ratio for ratio in defined_ir(Y) if np.isfinite(ratio)]
    mean = imbalance.mean_ir(Y)
    assert imbalance.minority_labels(Y).tolist() == [ratio in finite and ratio > mean for ratio in defined_ir(Y)]


@quickly
@given(indicators)
def test_scumble_is_the_definition(Y):
    values = defined_scumble(Y)
    np.testing.assert_allclose(imbalance.scumble_per_row(Y), values, rtol=1e-9, atol=1e-14)
    assert imbalance.scumble(Y) == pytest.approx(values.mean(), rel=1e-9, abs=1e-14)
    for label, mean in enumerate(imbalance.scumble_per_label(Y)):
        own = values[Y[:, label]]
        assert mean == pytest.approx(own.mean() if len(own) else np.nan, rel=1e-9, abs=1e-14, nan_ok=True)


@quickly
@given(indicators)
def test_scumble_varies_as_defined(Y):
    def variation(values):
        if len(values) < 2:
            return np.nan
        return values.std(ddof=1) / values.mean() if np.ptp(values) > 1e-12 else 0.0

    values = defined_scumble(Y)
    assert imbalance.scumble_cv(Y) == pytest.approx(variation(values), rel=1e-6, abs=1e-9, nan_ok=True)
    expected = [variation(values[column]) for column in Y.T]
    np.testing.assert_allclose(imbalance.scumble_cv_per_label(Y), expected, rtol=1e-6, atol=1e-9)


@quickly
@given(indicators)
def test_labelsets_are_the_distinct_rows(Y):
    members, counts, inverse = imbalance.labelsets(Y)
    tally = {}
    for row in map(tuple, Y.tolist()):
        tally[row] = tally.get(row, 0) + 1
    assert {tuple(row): count for row, count in zip(members.tolist(), counts.tolist(), strict=True)} == tally
    assert np.array_equal(members[inverse], Y)
    assert counts.tolist() == sorted(tally.values(), reverse=True)
    assert imbalance.n_labelsets(Y) == len(tally)
    assert imbalance.single_labelsets(Y) == list(tally.values()).count(1)
    assert imbalance.max_labelset_frequency(Y) == max(tally.values())
    assert imbalance.diversity(Y) == len(tally) / len(Y)
    assert imbalance.ir_per_labelset(Y).tolist() == [max(counts) / count for count in counts]


def test_labelsets_that_differ_beyond_the_first_64_labels_are_told_apart():
    Y = np.zeros((4, 130), dtype=bool)
    Y[1, 64] = Y[2, 129] = Y[3, 129] = True
    members, counts, inverse = imbalance.labelsets(Y)
    assert counts.tolist() == [2, 1, 1]
    assert inverse.tolist() == [1, 2, 0, 0]
    assert np.array_equal(members[inverse], Y)


@quickly
@given(indicators)
def test_pairs_are_counted_one_by_one(Y):
    q = Y.shape[1]
    expected = [[sum(row[a] and row[b] for row in Y.tolist()) for b in range(q)] for a in range(q)]
    assert imbalance.co_occurrence(Y).tolist() == expected


@quickly
@given(indicators, st.randoms(use_true_random=False))
def test_order_of_rows_and_labels_does_not_matter(Y, random):
    rows = random.sample(range(len(Y)), len(Y))
    labels = random.sample(range(Y.shape[1]), Y.shape[1])
    shuffled = Y[np.ix_(rows, labels)]
    for name in ("mean_ir", "max_ir", "scumble", "cardinality", "density", "n_labelsets", "single_labelsets"):
        measure = getattr(imbalance, name)
        assert measure(shuffled) == pytest.approx(measure(Y), nan_ok=True), name
    np.testing.assert_allclose(imbalance.scumble_per_row(shuffled), imbalance.scumble_per_row(Y)[rows], atol=1e-14)
    np.testing.assert_array_equal(imbalance.ir_per_label(shuffled), imbalance.ir_per_label(Y)[labels])


@quickly
@given(indicators)
def test_bounds(Y):
    scumble = imbalance.scumble_per_row(Y)
    assert ((scumble >= 0) & (scumble < 1)).all()
    assert (scumble[Y.sum(axis=1) < 2] == 0).all()
    assert (imbalance.ir_per_label(Y) >= 1).all()
    assert imbalance.cardinality(Y) == pytest.approx(imbalance.density(Y) * Y.shape[1])


def test_scumble_of_very_many_very_rare_labels_does_not_overflow():
    Y = np.zeros((2000, 400), dtype=bool)
    Y[0, :] = True
    Y[:, 0] = True
    # The geometric mean of one 1 and 399 times 2000 as a product has 1,317 digits.
    expected = 1 - np.exp(399 / 400 * np.log(2000)) / ((1 + 399 * 2000) / 400)
    assert imbalance.scumble_per_row(Y)[0] == pytest.approx(expected, rel=1e-12)


def test_tcs_is_the_logarithm_of_the_product_and_takes_numbers_beyond_64_bits():
    Y = np.array([[1, 0], [0, 1], [1, 1]])
    assert imbalance.tcs(Y, n_inputs=72) == pytest.approx(np.log(72 * 2 * 3))
    assert imbalance.tcs(Y, n_inputs=2**62) == pytest.approx(np.log(6) + 62 * np.log(2))
    with pytest.raises(ValueError, match="n_inputs must be at least 1, got 0"):
        imbalance.tcs(Y, n_inputs=0)


def test_any_form_of_labels_is_taken():
    Y = np.array([[1, 1, 0], [1, 0, 0], [1, 0, 1]])
    lists = [["a", "b"], ["a"], ["a", "c"]]
    assert imbalance.mean_ir(sparse.csr_array(Y)) == imbalance.mean_ir(Y) == imbalance.mean_ir(lists) == 7 / 3


@pytest.mark.parametrize("name", ["ir_per_label", "mean_ir", "cvir", "scumble_per_label"])
def test_unknown_treatment_of_never_positive_labels_is_refused(name):
    with pytest.raises(ValueError, match='never_positive must be "ignore" or "mldr", got \'zero\''):
        getattr(imbalance, name)([[1, 0], [0, 1]], never_positive="zero")


def test_everything_public_is_sorted_and_there():
    for module in (imbalance, measures):
        assert module.__all__ == sorted(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)
