"""The minority sampler: Eqs. 2-4 cell by cell, frequencies of its draws, epochs and seeds, bad input."""

import numpy as np
import pytest
from scipy.stats import chisquare

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from rarelabel.augmentation import MinoritySampler  # noqa: E402


def table(n=60, seed=0):
    rng = np.random.default_rng(seed)
    Y = rng.random((n, 4)) < [0.6, 0.3, 0.15, 0.05]
    return Y, np.clip(np.where(Y, 0.7, 0.1) * rng.uniform(0.3, 1.3, Y.shape), 0, 1)


def direct(Y, f, temperature):
    """Eqs. 2-4, written out."""
    n, q = Y.shape
    scores = []
    for row in Y:
        score = 0.0
        for k in range(q):
            same = [i for i in range(n) if Y[i, k] == row[k]]
            score += sum(f[i, k] if row[k] else 1 - f[i, k] for i in same) / len(same)
        scores.append(score)
    p = np.array(scores) ** (-1 / temperature)
    return p / p.sum()


@pytest.mark.parametrize("temperature", [1.0, 0.2, 5.0])
def test_probabilities_follow_the_equations(temperature):
    Y, f = table()
    sampler = MinoritySampler(Y, temperature=temperature)
    np.testing.assert_allclose(sampler.probabilities_, 1 / 60)
    sampler.update(f)
    np.testing.assert_allclose(sampler.probabilities_, direct(Y, f, temperature), rtol=1e-12)


def test_worked_example():
    """P = (0.8, 0.4), A = (0.9, 0.6); scores 0.8 + 0.6, 0.9 + 0.4, 0.8 + 0.6, 0.9 + 0.6."""
    Y = [[1, 0], [0, 1], [1, 0], [0, 0]]
    f = [[0.7, 0.3], [0.1, 0.4], [0.9, 0.5], [0.1, 0.4]]
    sampler = MinoritySampler(Y)
    sampler.update(f)
    np.testing.assert_allclose(sampler.presence_, [0.8, 0.4])
    np.testing.assert_allclose(sampler.absence_, [0.9, 0.6])
    weights = 1 / np.array([1.4, 1.3, 1.4, 1.5])
    np.testing.assert_allclose(sampler.probabilities_, weights / weights.sum())
    positives = MinoritySampler(Y, positives_only=True)
    positives.update(f)
    weights = 1 / np.array([0.8, 0.4, 0.8, 0.8])  # the row without labels is like the easiest label's
    np.testing.assert_allclose(positives.probabilities_, weights / weights.sum())
    both = MinoritySampler([[1, 1], [1, 0], [0, 1]], positives_only=True)
    both.update([[0.8, 0.2], [0.8, 0.0], [0.0, 0.2]])
    weights = 1 / np.array([0.5, 0.8, 0.2])  # the mean over the labels, not their sum
    np.testing.assert_allclose(both.probabilities_, weights / weights.sum())


def test_draws_have_the_probabilities():
    Y, f = table(40)
    sampler = MinoritySampler(Y, num_samples=20_000, temperature=0.2, random_state=0)
    sampler.update(f)
    counts = np.bincount(list(sampler), minlength=40)
    assert chisquare(counts, 20_000 * sampler.probabilities_).pvalue > 0.01
    assert chisquare(counts, np.full(40, 500)).pvalue < 1e-6


def test_an_epoch_is_repeatable_and_differs_from_the_next():
    Y, _ = table()
    before = torch.get_rng_state()
    sampler = MinoritySampler(Y, random_state=7)
    epochs = [list(sampler) for _ in range(3)]
    assert sampler.epoch == 3
    assert epochs[0] != epochs[1] != epochs[2]
    sampler.set_epoch(1)
    assert [list(sampler), list(sampler)] == epochs[1:]
    assert list(MinoritySampler(Y, random_state=7)) == epochs[0]
    assert list(MinoritySampler(Y, random_state=8)) != epochs[0]
    assert torch.equal(torch.get_rng_state(), before)


def test_a_state_goes_on_where_it_was_taken():
    Y, f = table()
    sampler = MinoritySampler(Y, random_state=0)
    list(sampler)
    sampler.update(f)
    other = MinoritySampler(Y)
    other.load_state_dict(sampler.state_dict())
    assert list(other) == list(sampler)
    np.testing.assert_array_equal(other.probabilities_, sampler.probabilities_)
    with pytest.raises(ValueError, match="the state has 4 labels, this sampler 2"):
        MinoritySampler(Y[:, :2]).load_state_dict(sampler.state_dict())


def test_it_feeds_a_data_loader():
    Y, _ = table()
    sampler = MinoritySampler(torch.tensor(Y).float(), num_samples=25, random_state=0)
    loader = DataLoader(TensorDataset(torch.arange(60)), sampler=sampler, batch_size=10)
    drawn = torch.cat([batch for (batch,) in loader]).tolist()
    assert (len(loader), len(sampler), len(drawn)) == (3, 25, 25)
    sampler.set_epoch(0)
    assert drawn == list(sampler)


def test_labels_that_no_row_shows_keep_what_they_had():
    Y = np.array([[1, 0, 1], [1, 0, 1], [0, 0, 1]])
    sampler = MinoritySampler(Y)
    sampler.update([[0.8, 0.1, 0.9], [0.6, 0.1, 0.9], [0.2, 0.1, 0.9]])
    np.testing.assert_allclose(sampler.presence_, [0.7, 0.5, 0.9])
    np.testing.assert_allclose(sampler.absence_, [0.8, 0.9, 0.5])
    sampler.update([[0.4, 0.2, 0.6]], rows=[2])
    np.testing.assert_allclose(sampler.presence_, [0.7, 0.5, 0.6])
    np.testing.assert_allclose(sampler.absence_, [0.6, 0.8, 0.5])
    assert np.isfinite(sampler.probabilities_).all()


@pytest.mark.parametrize("positives_only", [False, True])
def test_a_network_that_is_sure_of_the_wrong_thing(positives_only):
    """Every score is 0; rows without a label, all labels absent, and a single row."""
    for Y in ([[1], [0]], [[0, 0], [0, 0]], [[1, 1]]):
        sampler = MinoritySampler(Y, positives_only=positives_only, temperature=0.01)
        sampler.update(1.0 - np.array(Y))
        np.testing.assert_allclose(sampler.probabilities_, 1 / len(Y))


def test_bad_input_is_named():
    Y, f = table(6)
    with pytest.raises(ValueError, match="temperature must be a number above 0, got 0"):
        MinoritySampler(Y, temperature=0)
    with pytest.raises(ValueError, match="num_samples must be a whole number of at least 1, got 0"):
        MinoritySampler(Y, num_samples=0)
    with pytest.raises(ValueError, match="label 'y1' must hold 0 or 1 only"):
        MinoritySampler([[0, 2]])
    sampler = MinoritySampler(Y)
    with pytest.raises(ValueError, match="epoch must not be negative, got -1"):
        sampler.set_epoch(-1)
    f[3, 2] = np.nan
    with pytest.raises(ValueError, match="the confidence of label 'y2' in row 3 is nan: expected a probability"):
        sampler.update(f)
    with pytest.raises(ValueError, match=r"confidences have shape \(5, 4\), expected \(6, 4\)"):
        sampler.update(f[:5])
    with pytest.raises(IndexError):
        sampler.update(np.zeros((1, 4)), rows=[6])
