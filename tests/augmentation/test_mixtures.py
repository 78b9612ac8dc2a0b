"""Many mixtures of two normal distributions at once: scikit-learn's, one by one, and laws of EM."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from sklearn.mixture import GaussianMixture

from rarelabel.augmentation._mixtures import fit_two_gaussians


def losses_like(rng, n, share=0.2):
    """Small losses of clean labels, larger ones of wrong labels."""
    return np.where(rng.random(n) < share, rng.gamma(4, 0.7, n), rng.exponential(0.2, n))


def reference(sample):
    """scikit-learn's mixture, run until nothing moves, its components in order of their means."""
    found = GaussianMixture(2, tol=1e-11, max_iter=5000, random_state=0).fit(sample[:, None])
    order = np.argsort(found.means_[:, 0])
    values = found.weights_[order], found.means_[order, 0], found.covariances_[order, 0, 0]
    return values, found.predict_proba(sample[:, None])[:, order[0]]


def test_equal_to_scikit_learn_that_starts_alike():
    """With the defaults of both EM stops early, so start and end matter; k-means on a line is found by trying all."""
    rng = np.random.default_rng(6)
    samples = [losses_like(rng, n) for n in (40, 150, 500)] + [-np.log(expit(rng.normal(-1, 0.5, 400)))]
    found = fit_two_gaussians(samples)
    for k, sample in enumerate(samples):
        divisions = [np.split(np.sort(sample), [at]) for at in range(1, len(sample))]
        parts = min(divisions, key=lambda parts: sum(part.var() * len(part) for part in parts))
        start = {
            "weights_init": [len(part) / len(sample) for part in parts],
            "means_init": [[part.mean()] for part in parts],
            "precisions_init": [[[1 / (part.var() + 1e-6)]] for part in parts],
        }
        other = GaussianMixture(2, **start).fit(sample[:, None])
        assert found.n_iter[k] == other.n_iter_
        np.testing.assert_allclose(found.weights[:, k], other.weights_, atol=1e-9)
        np.testing.assert_allclose(found.means[:, k], other.means_[:, 0], atol=1e-9)
        np.testing.assert_allclose(found.variances[:, k], other.covariances_[:, 0, 0], atol=1e-9)


def test_one_hump_is_not_nibbled_at():
    """Losses of clean labels that a network cannot tell apart: the likeliest mixture calls a tenth clean at times."""
    logits = np.random.default_rng(0).normal(-1, 0.5, (20, 600))
    humps = list(-np.log(expit(logits)))
    found = fit_two_gaussians(humps)
    clean = found.posterior(np.array(humps), np.arange(20)[:, None]) > 0.5
    assert clean.mean(axis=1).min() > 0.4


def test_equal_to_scikit_learn_sample_by_sample():
    """Samples up to 512 values are fitted as they are, longer ones as 512 points."""
    rng = np.random.default_rng(0)
    sizes = [12, 60, 300, 512, 513, 3000, 9000]
    samples = [losses_like(rng, n, share) for n, share in zip(sizes, np.linspace(0.1, 0.5, 7), strict=True)]
    found = fit_two_gaussians(samples, tol=1e-13, max_iter=5000)
    assert found.converged.all()
    assert not found.collapsed.any()
    for k, sample in enumerate(samples):
        (weights, means, variances), posterior = reference(sample)
        tolerance = 1e-5 if len(sample) <= 512 else 3e-4
        np.testing.assert_allclose(found.weights[:, k], weights, atol=tolerance)
        np.testing.assert_allclose(found.means[:, k], means, atol=tolerance)
        np.testing.assert_allclose(found.variances[:, k], variances, atol=tolerance)
        above = sample >= means[0]  # below the mean of the clean component it stays as it is there
        np.testing.assert_allclose(found.posterior(sample, np.array(k))[above], posterior[above], atol=tolerance)


def test_a_mixture_does_not_depend_on_the_others():
    rng = np.random.default_rng(1)
    samples = [losses_like(rng, n) for n in (700, 15, 2500)]
    together = fit_two_gaussians(samples)
    for k, sample in enumerate(samples):
        alone = fit_two_gaussians([sample])
        np.testing.assert_allclose(together.means[:, k], alone.means[:, 0], atol=1e-5)
        np.testing.assert_allclose(together.variances[:, k], alone.variances[:, 0], atol=1e-5)


def test_the_likelier_of_two_maxima_is_found():
    """Nine of ten values are a broad hump: scikit-learn, from k-means, halves it, and misses the narrow one near 0."""
    rng = np.random.default_rng(0)
    sample = np.concatenate([rng.exponential(0.1, 100), -np.log(rng.beta(1, 9, 900))])
    found = fit_two_gaussians([sample])
    other = GaussianMixture(2, tol=1e-9, max_iter=5000, random_state=0).fit(sample[:, None])
    scales = np.sqrt(found.variances[:, 0])
    ours = np.log((found.weights[:, 0] * norm.pdf(sample[:, None], found.means[:, 0], scales)).sum(axis=1)).mean()
    assert ours > other.score(sample[:, None]) + 0.05
    assert found.means[0, 0] < 0.2 < 1 < other.means_.min()


def test_a_known_mixture_comes_back_and_the_order_of_values_is_of_no_matter():
    rng = np.random.default_rng(2)
    sample = np.concatenate([rng.normal(0.5, 0.1, 30_000), rng.normal(3, 0.8, 10_000)])
    shuffled = rng.permutation(sample)
    found = fit_two_gaussians([shuffled])
    np.testing.assert_allclose(found.weights[:, 0], [0.75, 0.25], atol=0.01)
    np.testing.assert_allclose(found.means[:, 0], [0.5, 3], atol=0.03)
    np.testing.assert_allclose(np.sqrt(found.variances[:, 0]), [0.1, 0.8], atol=0.02)
    np.testing.assert_array_equal(found.means, fit_two_gaussians([sample]).means)


def test_the_posterior_is_bayes_rule():
    found = fit_two_gaussians([losses_like(np.random.default_rng(3), 200)])
    x = np.linspace(0, 4, 9)
    density = [norm.pdf(x, m, np.sqrt(v)) for m, v in zip(found.means[:, 0], found.variances[:, 0], strict=True)]
    joint = found.weights * np.array(density)
    expected, above = joint[0] / joint.sum(axis=0), x >= found.means[0, 0]
    np.testing.assert_allclose(found.posterior(x, np.array(0))[above], expected[above], atol=1e-12)


def test_the_posterior_falls_up_to_the_larger_mean():
    """The narrower component is the lower one: at 0, which is 5 of its deviations away, Bayes' rule names the other."""
    rng = np.random.default_rng(7)
    found = fit_two_gaussians([np.concatenate([rng.normal(1, 0.2, 400), rng.normal(2, 1, 400)])])
    (m0, m1), (s0, s1) = found.means[:, 0], np.sqrt(found.variances[:, 0])
    w0, w1 = found.weights[:, 0]
    assert w0 * norm.pdf(0, m0, s0) < w1 * norm.pdf(0, m1, s1)
    x = np.linspace(-1, m1, 200)
    posterior = found.posterior(x, np.array(0))
    assert (np.diff(posterior) <= 0).all()
    assert np.ptp(posterior[x < m0]) == 0
    assert posterior[0] > 0.5


def test_what_em_found_is_a_fixed_point():
    """One step by hand from the values found gives them again: weights, means, variances + 1e-6."""
    sample = losses_like(np.random.default_rng(4), 300)
    found = fit_two_gaussians([sample], tol=1e-15, max_iter=5000)
    joint = [
        w * norm.pdf(sample, m, np.sqrt(v)) for w, m, v in zip(found.weights, found.means, found.variances, strict=True)
    ]
    first = joint[0] / (joint[0] + joint[1])
    for component, share in enumerate((first, 1 - first)):
        mean = (share * sample).sum() / share.sum()
        variance = (share * (sample - mean) ** 2).sum() / share.sum() + 1e-6
        assert found.weights[component, 0] == pytest.approx(share.mean(), abs=1e-7)
        assert found.means[component, 0] == pytest.approx(mean, abs=1e-7)
        assert found.variances[component, 0] == pytest.approx(variance, abs=1e-7)


@pytest.mark.parametrize(
    "sample",
    [
        np.zeros(50),
        np.full(5000, 2.5),
        np.full(3, 1e-12),
        np.random.default_rng(0).normal(0.7, 1e-5, 400),
        np.array([0.3]),
    ],
)
def test_flat_samples_collapse_without_nan(sample):
    found = fit_two_gaussians([sample])
    assert found.collapsed.tolist() == [True]
    assert np.isfinite(found.posterior(sample, np.array(0))).all()


def test_extreme_values_give_no_nan():
    sample = np.r_[np.full(30, 1e-300), 1e6, 2e6]
    found = fit_two_gaussians([sample])
    posterior = found.posterior(np.r_[sample, 0, 1e9], np.array(0))
    assert np.isfinite(posterior).all()
    assert (posterior[:30] > 0.999).all()
    assert (posterior[30:32] < 0.001).all()


def test_nothing_to_fit_is_nothing():
    assert fit_two_gaussians([]).means.shape == (2, 0)


def test_too_few_steps_are_said():
    found = fit_two_gaussians([losses_like(np.random.default_rng(5), 400)], max_iter=2)
    assert (found.n_iter.tolist(), found.converged.tolist()) == ([2], [False])
