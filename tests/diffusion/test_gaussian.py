"""The Gaussian formulas against Bayes' rule written out, in float64."""

import math
from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rarelabel.diffusion import GaussianDiffusion, cosine_schedule, linear_schedule  # noqa: E402

F64 = torch.float64
PAIRS = [(1, 0), (2, 1), (7, 3), (20, 19), (20, 1), (13, 0)]


@pytest.fixture(params=[cosine_schedule, linear_schedule])
def schedule(request):
    return request.param(20)


def column(*values):
    return torch.tensor(values, dtype=F64)[:, None]


@pytest.mark.parametrize(("t", "s"), PAIRS)
def test_single_steps_make_up_the_long_one(schedule, t, s):
    """Means and variances of the product of single transitions (Ho Eq. 2) are those of one q(x_t | x_s)."""
    mean, variance = 1.0, 0.0
    for beta in schedule.betas[s:t].tolist():
        mean, variance = math.sqrt(1 - beta) * mean, (1 - beta) * variance + beta
    diffusion = GaussianDiffusion(schedule)
    at_t, at_s = torch.tensor([t]), torch.tensor([s])
    assert diffusion.q_step(column(1), at_s, at_t, column(0)).item() == pytest.approx(mean, rel=1e-12)
    assert diffusion.q_step(column(0), at_s, at_t, column(1)).item() ** 2 == pytest.approx(variance, rel=1e-12)
    if s == 0:
        assert diffusion.q_sample(column(1), at_t, column(0)).item() == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize(("t", "s"), [pair for pair in PAIRS if pair[1] > 0])
def test_the_posterior_is_bayes_rule_on_a_grid(schedule, t, s):
    x0, x_t = 0.7, -0.4
    alpha_bar, single = schedule.alphas_bar.tolist(), schedule.betas.tolist()

    def density(x, mean, variance):
        return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(variance)

    keep = math.prod(1 - beta for beta in single[s:t])
    grid = np.linspace(-12, 12, 400_001)
    weights = density(grid, math.sqrt(alpha_bar[s]) * x0, 1 - alpha_bar[s])
    weights *= density(x_t, math.sqrt(keep) * grid, 1 - keep)
    weights /= weights.sum()
    mean = (weights * grid).sum()
    variance = (weights * (grid - mean) ** 2).sum()
    found = GaussianDiffusion(schedule).posterior(column(x0), column(x_t), torch.tensor([t]), torch.tensor([s]))
    assert found[0].item() == pytest.approx(mean, rel=1e-6)
    assert found[1].item() == pytest.approx(variance, rel=1e-6)


def test_the_posterior_at_time_0_is_the_data(schedule):
    mean, variance = GaussianDiffusion(schedule).posterior(
        column(0.7), column(-5), torch.tensor([9]), torch.tensor([0])
    )
    assert mean.item() == pytest.approx(0.7, rel=1e-12)
    assert variance.item() == 0


@pytest.mark.parametrize("prediction", ["x0", "epsilon", "v"])
def test_every_prediction_gives_back_the_data_and_loses_nothing(schedule, prediction):
    generator = torch.Generator().manual_seed(0)
    x0, noise = (torch.randn(19, 3, generator=generator, dtype=F64) for _ in range(2))
    t = torch.arange(1, 20)
    diffusion = GaussianDiffusion(schedule, prediction)
    x_t = diffusion.q_sample(x0, t, noise)
    target = diffusion.target(x0, t, noise)
    torch.testing.assert_close(diffusion.x0_from(target, x_t, t), x0)
    torch.testing.assert_close(diffusion.epsilon_from(x0, x_t, t), noise)
    assert diffusion.loss(target, x0, t, noise).max() == 0
    assert torch.allclose(diffusion.loss(target + 3, x0, t, noise), torch.full_like(x0, 9.0))


def test_the_velocity_is_the_papers():
    diffusion = GaussianDiffusion(cosine_schedule(20), "v")
    alpha_bar = cosine_schedule(20).alphas_bar[4].item()
    expected = math.sqrt(alpha_bar) * 0.3 - math.sqrt(1 - alpha_bar) * 2
    assert diffusion.target(column(2), torch.tensor([4]), column(0.3)).item() == pytest.approx(expected)


@pytest.mark.parametrize(("t", "s"), PAIRS)
def test_an_ancestral_step_is_a_draw_from_the_posterior(schedule, t, s):
    diffusion = GaussianDiffusion(schedule)
    x0, x_t, at_t, at_s = column(0.7), column(-0.4), torch.tensor([t]), torch.tensor([s])
    mean, variance = diffusion.posterior(x0, x_t, at_t, at_s)
    at_mean = diffusion.step(x0, x_t, at_t, at_s, column(0), eta=1.0)
    torch.testing.assert_close(at_mean, mean)
    torch.testing.assert_close((diffusion.step(x0, x_t, at_t, at_s, column(1), eta=1.0) - at_mean) ** 2, variance)


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("t", "s"), PAIRS)
def test_steps_of_every_eta_keep_the_law_of_x_s(schedule, t, s, eta):
    """Song Lemma 1: over x_t ~ q(x_t | x_0), x_s has the mean and variance of q(x_s | x_0)."""
    diffusion = GaussianDiffusion(schedule)
    at_t, at_s, x0 = torch.tensor([t]), torch.tensor([s]), column(0.7)
    x_t = [diffusion.q_sample(x0, at_t, column(noise)) for noise in (0, 1)]
    base = diffusion.step(x0, x_t[0], at_t, at_s, column(0), eta=eta)
    by_x_t = diffusion.step(x0, x_t[1], at_t, at_s, column(0), eta=eta) - base  # the step is linear in both noises
    by_noise = diffusion.step(x0, x_t[0], at_t, at_s, column(1), eta=eta) - base
    alpha_bar = schedule.alphas_bar[s].item()
    assert base.item() == pytest.approx(math.sqrt(alpha_bar) * 0.7, rel=1e-9)
    assert (by_x_t**2 + by_noise**2).item() == pytest.approx(1 - alpha_bar, abs=1e-12)
    assert (by_noise.item() == 0) == (eta == 0 or s == 0)


def test_ddim_with_the_true_score_brings_a_gaussian_to_its_law():
    """Data N(m, v): E[x_0 | x_t] is known, and 200 deterministic steps must end at quantiles of N(m, v)."""
    m, v, schedule = 1.5, 0.09, cosine_schedule(1000)
    diffusion = GaussianDiffusion(schedule)
    probabilities = torch.tensor([0.01, 0.2, 0.5, 0.9], dtype=F64)
    start = torch.special.ndtri(probabilities)[:, None]
    x = start
    times = list(range(1000, -1, -5))
    for t, s in pairwise(times):
        at_t, at_s = torch.full((4,), t), torch.full((4,), s)
        alpha_bar = schedule.alphas_bar[t]
        x0 = m + alpha_bar.sqrt() * v / (alpha_bar * v + 1 - alpha_bar) * (x - alpha_bar.sqrt() * m)
        x = diffusion.step(x0, x, at_t, at_s, torch.zeros_like(x), eta=0.0)
    torch.testing.assert_close(x, m + math.sqrt(v) * start, rtol=0, atol=0.02)


@pytest.mark.parametrize("prediction", ["x0", "epsilon", "v"])
def test_gradients_of_the_loss(prediction):
    diffusion = GaussianDiffusion(cosine_schedule(20), prediction)
    generator = torch.Generator().manual_seed(0)
    output, x0, noise = (torch.randn(3, 2, generator=generator, dtype=F64) for _ in range(3))
    t = torch.tensor([1, 10, 20])
    assert torch.autograd.gradcheck(lambda o: diffusion.loss(o, x0, t, noise), output.requires_grad_())
    assert torch.autograd.gradcheck(lambda o: diffusion.x0_from(o, x0, t), output)


def test_single_precision_loses_little_at_the_noisy_end():
    diffusion = GaussianDiffusion(cosine_schedule(1000))
    x0, x_t, noise, t, s = column(0.7), column(-0.4), column(0.2), torch.tensor([1000]), torch.tensor([980])
    exact = diffusion.step(x0, x_t, t, s, noise)
    torch.testing.assert_close(diffusion.step(x0.float(), x_t.float(), t, s, noise.float()).double(), exact)


def test_an_unknown_prediction_is_refused():
    with pytest.raises(ValueError, match="prediction must be one of 'epsilon', 'x0', 'v', got 'score'"):
        GaussianDiffusion(cosine_schedule(10), "score")
