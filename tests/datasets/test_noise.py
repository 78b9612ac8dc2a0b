"""Label noise: shares within chance, what each kind must keep, Eq. 11 in both readings, seeds."""

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from rarelabel.datasets import flip_labels, keep_one_positive, mislabel


def labels(n=3000, seed=0):
    return np.random.default_rng(seed).random((n, 5)) < [0.6, 0.4, 0.2, 0.1, 0.03]


KINDS = [
    lambda Y, seed: mislabel(Y, 0.4, random_state=seed),
    lambda Y, seed: mislabel(Y, 0.4, total="rows", random_state=seed),
    lambda Y, seed: flip_labels(Y, 0.3, random_state=seed),
    lambda Y, seed: keep_one_positive(Y, random_state=seed),
]


@pytest.mark.parametrize("noise", KINDS)
def test_the_truth_is_kept_aside_and_the_seed_decides(noise):
    Y = labels(300)
    before = Y.copy()
    found = noise(Y, 1)
    np.testing.assert_array_equal(Y, before)
    np.testing.assert_array_equal(found.wrong, found.Y != Y)
    np.testing.assert_array_equal(found.Y_true, Y)
    assert found.wrong.any()
    np.testing.assert_array_equal(found.Y, noise(Y, 1).Y)
    assert (found.Y != noise(Y, 2).Y).any()


@pytest.mark.parametrize("rate", [0.2, 0.4])
def test_flips_are_as_many_as_asked_in_every_label_and_value(rate):
    Y = labels()
    wrong = flip_labels(Y, rate, random_state=0).wrong
    for label in range(5):
        for value in (False, True):
            rows = Y[:, label] == value
            assert binomtest(int(wrong[rows, label].sum()), int(rows.sum()), rate).pvalue > 0.001
    both = wrong[:, 0] & wrong[:, 1]
    assert binomtest(int(both.sum()), len(Y), rate**2).pvalue > 0.001  # independent


@pytest.mark.parametrize("total", ["positives", "rows"])
@pytest.mark.parametrize("rate", [0.2, 1.0])
def test_mislabelling_keeps_the_number_of_labels_of_a_row(total, rate):
    Y = np.vstack([labels(), np.zeros((1, 5)), np.ones((1, 5))]).astype(bool)
    found = mislabel(Y, rate, total=total, random_state=0)
    np.testing.assert_array_equal(found.Y.sum(axis=1), Y.sum(axis=1))
    assert not found.wrong[-2:].any()  # nothing to move, nowhere to go
    assert (found.wrong & Y).sum() == (found.wrong & ~Y).sum() > 0


@pytest.mark.parametrize("total", ["positives", "rows"])
def test_labels_move_with_the_probabilities_of_equation_11(total):
    """Rows with one label each, 4 labels of which 1,000 rows have none: rho_ij = rate N_j / (N - N_i)."""
    counts = np.array([6000, 3000, 2000, 1000])
    Y = np.repeat(np.vstack([np.eye(4), np.zeros(4)]), [*counts, 1000], axis=0).astype(bool)
    found = mislabel(Y, 0.4, total=total, random_state=0)
    size = counts.sum() + (1000 if total == "rows" else 0)
    for i in range(4):
        moved = found.Y[Y[:, i]].sum(axis=0)
        expected = 0.4 * counts / (size - counts[i])
        expected[i] = 0
        expected[i] = 1 - expected.sum()
        assert chisquare(moved, expected * counts[i]).pvalue > 0.001
        if total == "positives":
            assert expected[i] == pytest.approx(0.6)  # with one label per row the rate is the rate


def test_several_labels_move_as_one_after_the_other():
    """Rows have labels 0 and 1 or label 2, 3 or none. N_j = 1000, 1000, 500, 1500; N = 4000.

    Label 0 goes to 2 with 0.4 * 500 / 3000 = 1/15 and to 3 with 1/5. Where it went to 2, label 1 can only go to 3.
    """
    rows = [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    Y = np.repeat(rows, [1000, 500, 1500], axis=0).astype(bool)
    counts = np.zeros((2, 2, 2, 2))
    for seed in range(20):
        noisy = mislabel(Y, 0.4, random_state=seed).Y[:1000].astype(int)
        np.add.at(counts, tuple(noisy.T), 1)
    to2, to3 = 1 / 15, 1 / 5
    stay = 1 - to2 - to3
    expected = {
        (1, 1, 0, 0): stay * stay,
        (1, 0, 1, 0): stay * to2,
        (1, 0, 0, 1): stay * to3,
        (0, 1, 1, 0): to2 * (1 - to3),
        (0, 1, 0, 1): to3 * (1 - to2),
        (0, 0, 1, 1): to2 * to3 + to3 * to2,
    }
    assert sum(expected.values()) == pytest.approx(1)
    observed = np.array([counts[key] for key in expected])
    assert observed.sum() == 20_000
    assert chisquare(observed, 20_000 * np.array(list(expected.values()))).pvalue > 0.001


def test_by_rows_more_labels_move_and_a_label_of_every_row_goes_for_certain():
    Y = labels()
    shares = [(mislabel(Y, 0.4, total=t, random_state=0).wrong & Y).sum() / Y.sum() for t in ("positives", "rows")]
    assert shares[0] < shares[1]
    everywhere = np.column_stack([np.ones(200), np.arange(200) < 100]).astype(bool)
    found = mislabel(everywhere, 0.2, total="rows", random_state=0).Y
    assert (found[100:] == [False, True]).all()
    alone = np.ones((20, 1), dtype=bool)
    assert mislabel(alone, 1.0, random_state=0).Y.all()
    assert not mislabel(np.zeros((20, 3)), 1.0, random_state=0).Y.any()


def test_one_positive_is_kept_each_as_likely_as_the_others():
    Y = np.vstack([np.tile([1, 1, 0, 1], (3000, 1)), np.zeros((5, 4)), np.tile([0, 0, 1, 0], (5, 1))]).astype(bool)
    found = keep_one_positive(Y, random_state=0)
    assert not (found.Y & ~Y).any()  # no wrong positive
    np.testing.assert_array_equal(found.Y.sum(axis=1), Y.any(axis=1))
    assert chisquare(found.Y[:3000].sum(axis=0)[[0, 1, 3]]).pvalue > 0.001
    assert not found.wrong[3000:].any()


def test_rate_0_changes_nothing_and_rate_1_flips_all():
    Y = labels(50)
    assert not mislabel(Y, 0, random_state=0).wrong.any()
    assert not flip_labels(Y, 0, random_state=0).wrong.any()
    assert flip_labels(Y, 1, random_state=0).wrong.all()


def test_names_come_with_it_and_bad_input_is_named():
    assert flip_labels([["sea"], ["sun"], []]).label_names == ("sea", "sun")
    with pytest.raises(ValueError, match=r"rate must lie in \[0, 1\], got 1.2"):
        flip_labels(labels(5), 1.2)
    with pytest.raises(ValueError, match=r"rate must lie in \[0, 1\], got nan"):
        mislabel(labels(5), float("nan"))
    with pytest.raises(ValueError, match=r"total must be one of \('positives', 'rows'\), got 'all'"):
        mislabel(labels(5), total="all")
    with pytest.raises(ValueError, match="label 'y1' must hold 0 or 1 only"):
        keep_one_positive([[0, 3]])
