"""Calibration: worked values, slow definitions, scikit-learn, a reference evaluation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from rarelabel import metrics as m


@st.composite
def tables(draw):
    shape = (draw(st.integers(1, 15)), draw(st.integers(1, 4)))
    prob = hnp.arrays(np.float64, shape, elements=st.integers(0, 20).map(lambda step: step / 20))
    return draw(hnp.arrays(bool, shape)), draw(prob)


def gap(y, prob, members):
    return members.mean() * abs(y[members].mean() - prob[members].mean()) if members.any() else 0.0


def equal_width(y, prob, n_bins):
    total = 0.0
    for b in range(n_bins):
        members = (prob * n_bins >= b) & ((prob * n_bins < b + 1) | (b == n_bins - 1))
        total += gap(y, prob, members)
    return total


def equal_mass(y, prob, n_bins):
    """Each row goes where the first of the rows with its probability stands."""
    first = np.array([np.sum(prob < p) for p in prob])
    return sum(gap(y, prob, np.floor(n_bins * first / len(prob)) == b) for b in range(n_bins))


@given(table=tables(), n_bins=st.integers(1, 12))
@settings(max_examples=80)
def test_calibration_error_is_what_the_definition_says(table, n_bins):
    Y, prob = table
    for binning, slow in (("width", equal_width), ("mass", equal_mass)):
        expected = [slow(y, p, n_bins) for y, p in zip(Y.T, prob.T, strict=True)]
        options = {"n_bins": n_bins, "binning": binning}
        np.testing.assert_allclose(m.expected_calibration_error_per_label(Y, prob, **options), expected, atol=1e-12)
        assert m.expected_calibration_error(Y, prob, **options) == pytest.approx(np.mean(expected))
        pooled = slow(Y.ravel(), prob.ravel(), n_bins)
        assert m.expected_calibration_error(Y, prob, average="micro", **options) == pytest.approx(pooled)


def test_calibration_error_worked_out_by_hand():
    Y = np.array([[0], [0], [1], [1]])
    prob = np.array([[0.0], [0.2], [0.6], [1.0]])
    assert m.expected_calibration_error(Y, prob, n_bins=2) == pytest.approx(0.5 * 0.1 + 0.5 * 0.2)
    assert m.expected_calibration_error(Y, prob, n_bins=1) == pytest.approx(abs(0.5 - 0.45))
    assert m.expected_calibration_error(Y, Y, n_bins=7) == 0  # sure and right
    assert m.expected_calibration_error(Y, 1 - Y) == 1  # sure and wrong


def test_bins_of_equal_mass_part_what_bins_of_equal_width_hide():
    """Two groups of rows of a rare label, one promised too much and one too little, all below 0.1."""
    prob = np.repeat([0.02, 0.06], 50)[:, None]
    Y = np.zeros((100, 1), dtype=int)
    Y[:4] = 1  # 8 % where 2 % are promised, none where 6 % are
    assert m.expected_calibration_error(Y, prob) == pytest.approx(0.0, abs=1e-12)
    assert m.expected_calibration_error(Y, prob, binning="mass") == pytest.approx(0.06)


def test_bins_of_equal_mass_hold_equal_shares_where_nothing_is_tied():
    """With one row in each bin, the error is the mean absolute error."""
    rng = np.random.default_rng(0)
    prob, Y = rng.random((10, 1)), rng.random((10, 1)) < 0.5
    expected = np.abs(Y - prob).mean()
    assert m.expected_calibration_error(Y, prob, n_bins=10, binning="mass") == pytest.approx(expected)


@given(table=tables())
@settings(max_examples=60)
def test_brier_score_and_log_loss_equal_scikit_learn(table):
    Y, prob = table
    brier = [sk.brier_score_loss(y, p, pos_label=True) for y, p in zip(Y.T, prob.T, strict=True)]
    np.testing.assert_allclose(m.brier_score_per_label(Y, prob), brier, atol=1e-12)
    assert m.brier_score(Y, prob) == pytest.approx(np.mean(brier))
    inner = np.clip(prob, 0.01, 0.99)
    loss = [sk.log_loss(y, p, labels=[False, True]) for y, p in zip(Y.T, inner.T, strict=True)]
    np.testing.assert_allclose(m.log_loss_per_label(Y, inner), loss)
    assert m.log_loss(Y, inner) == pytest.approx(np.mean(loss))


def test_one_sure_mistake_costs_what_the_clip_allows():
    assert m.log_loss([[1]], [[0.0]], clip=0.001) == pytest.approx(-np.log(0.001))
    assert m.log_loss([[0]], [[1.0]]) == pytest.approx(-np.log(1e-15), rel=1e-3)


@pytest.mark.data
def test_log_loss_of_a_reference_evaluation(reference_folder):
    """The reference adds up the labels where we take their mean."""
    folder = reference_folder / "flags_evaluation"
    Y, prob = (np.loadtxt(folder / f"{name}.csv", delimiter=",", skiprows=1) for name in ("expected", "scores"))
    expected = (folder / "measures.csv").read_text(encoding="utf-8").split('"Logarithmic-Loss",')[1].split()[0]
    assert round(m.log_loss_per_label(Y, prob).sum(), 4) == float(expected)


@pytest.mark.parametrize("measure", [m.brier_score, m.log_loss, m.expected_calibration_error])
def test_what_is_no_probability_is_refused_by_label_and_row(measure):
    pd = pytest.importorskip("pandas")
    Y = pd.DataFrame({"sea": [1, 0], "sun": [0, 1]})
    with pytest.raises(ValueError, match=r"score of label 'sun' in row 1 is 1\.5: expected a probability in \[0, 1\]"):
        measure(Y, [[0.1, 0.2], [0.3, 1.5]])
    with pytest.raises(ValueError, match=r"score of label 'sea' in row 0 is nan: expected a finite number"):
        measure(Y, [[np.nan, 0.2], [0.3, 1.5]])


def test_unknown_options_are_refused():
    Y, prob = [[1]], [[0.5]]
    for n_bins in (0, 2.5, True):
        with pytest.raises(ValueError, match="n_bins must be a whole number of at least 1"):
            m.expected_calibration_error(Y, prob, n_bins=n_bins)
    with pytest.raises(ValueError, match="binning must be 'width' or 'mass', got 'size'"):
        m.expected_calibration_error(Y, prob, binning="size")
    with pytest.raises(ValueError, match="average must be 'macro' or 'micro'"):
        m.expected_calibration_error(Y, prob, average="samples")
    with pytest.raises(ValueError, match=r"clip must lie between 0 and 0\.5"):
        m.log_loss(Y, prob, clip=0)
