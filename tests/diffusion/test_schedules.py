"""Schedules against the papers' formulas written out."""

import math
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from rarelabel.diffusion import Schedule, cosine_schedule, linear_schedule, strided_times  # noqa: E402


@pytest.mark.parametrize("T", [1, 2, 7, 100, 1000, 4000])
@pytest.mark.parametrize("make", [cosine_schedule, linear_schedule])
def test_every_length_gives_a_schedule_that_starts_at_data_and_ends_at_noise(make, T):
    schedule = make(T)
    assert schedule.T == T
    assert schedule.alphas_bar[0] == 1
    assert schedule.betas.shape == (T,)
    assert 0 < schedule.alphas_bar[-1] < 0.002
    product = 1.0
    for beta, alpha_bar in zip(schedule.betas.tolist(), schedule.alphas_bar[1:].tolist(), strict=True):
        assert 0 < beta <= 0.999 + 1e-12
        product *= 1 - beta
        assert alpha_bar == pytest.approx(product, rel=1e-9)


def test_the_cosine_schedule_is_the_papers():
    def f(t):
        return math.cos((t / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2

    alphas_bar = cosine_schedule(1000).alphas_bar
    for t in (1, 10, 500, 998):  # the last step alone is held at beta = 0.999
        assert alphas_bar[t].item() == pytest.approx(f(t) / f(0), rel=1e-9)
    assert alphas_bar[1000] == pytest.approx(alphas_bar[999].item() * 0.001)


def test_the_linear_schedule_keeps_about_its_end_whatever_the_length():
    ends = [linear_schedule(T).alphas_bar[-1].log().item() for T in (1000, 500, 200)]
    assert ends[0] == pytest.approx(-0.5 * (1e-4 + 0.02) * 1000, abs=0.1)  # log(1 - b) is about -b
    assert ends[1:] == pytest.approx([ends[0]] * 2, rel=0.06)


@pytest.mark.parametrize(("T", "n_steps"), [(1, 1), (10, 10), (1000, 50), (1000, 7), (1000, 999), (13, 6)])
def test_a_walk_goes_from_noise_to_data_in_as_many_steps_as_asked(T, n_steps):
    steps = strided_times(T, n_steps)
    assert len(steps) == n_steps
    assert steps[0][0] == T
    assert steps[-1][1] == 0
    assert all(t > s for t, s in steps)
    assert all(before[1] == after[0] for before, after in pairwise(steps))
    assert max(t - s for t, s in steps) - min(t - s for t, s in steps) <= 1


def test_what_is_no_schedule_is_refused():
    with pytest.raises(ValueError, match="n_steps must be between 1 and T=10, got 11"):
        strided_times(10, 11)
    with pytest.raises(ValueError, match="T must be at least 1, got 0"):
        cosine_schedule(0)
    for values in ([1.0, 1.0], [0.9, 0.5], [1.0, 0.5, 0.0], [1.0, 0.5, 0.6], [1.0]):
        with pytest.raises(ValueError, match="alphas_bar must decrease from 1"):
            Schedule(torch.tensor(values, dtype=torch.float64))
