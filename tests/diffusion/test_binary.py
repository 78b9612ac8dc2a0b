"""Bits against the multinomial formulas of two states, which are tested against products of transition matrices."""

import pytest

torch = pytest.importorskip("torch")

from rarelabel.diffusion import BinaryDiffusion, MultinomialDiffusion, cosine_schedule, linear_schedule  # noqa: E402
from rarelabel.diffusion.multinomial import log_probabilities_from_logits, states_from_bits  # noqa: E402

F64 = torch.float64
STEPS = [(1, 0), (2, 1), (7, 3), (12, 11), (12, 1), (5, 0)]


@pytest.fixture(params=[cosine_schedule, linear_schedule])
def schedule(request):
    return request.param(12)


@pytest.mark.parametrize(("t", "s"), STEPS)
def test_the_reverse_step_is_that_of_two_states(schedule, t, s):
    logit = torch.tensor([[-30.0, -3.0, 0.0, 0.4, 8.0]] * 2, dtype=F64)
    x_t = torch.tensor([[0.0], [1.0]], dtype=F64).expand(2, 5)
    at_t, at_s = torch.full((2,), t), torch.full((2,), s)
    found = BinaryDiffusion(schedule).reverse(logit, x_t, at_t, at_s)
    expected = MultinomialDiffusion(schedule).log_reverse(
        log_probabilities_from_logits(logit), states_from_bits(x_t), at_t, at_s
    )
    torch.testing.assert_close(found, expected[..., 1].exp(), rtol=1e-9, atol=0)


@pytest.mark.parametrize(("t", "s"), [(2, 1), (1000, 980), (20, 0)])
def test_rare_states_keep_their_probability_in_single_precision(t, s):
    """Every part of a thousand labels that hardly any row carries."""
    logit = torch.tensor([[-14.0, 14.0, -200.0, 200.0]] * 2)
    x_t = torch.tensor([[0.0], [1.0]]).expand(2, 4)
    at_t, at_s = torch.full((2,), t), torch.full((2,), s)
    diffusion = BinaryDiffusion(cosine_schedule(1000))
    found, exact = (diffusion.reverse(logit.to(kind), x_t.to(kind), at_t, at_s) for kind in (torch.float32, F64))
    torch.testing.assert_close(found.to(F64), exact, rtol=2e-4, atol=1e-30)
    torch.testing.assert_close(1 - found.to(F64), 1 - exact, rtol=0, atol=2e-7)


@pytest.mark.parametrize(("t", "s"), [(1, 0), (7, 3), (12, 0), (5, 5)])
def test_bits_turn_over_as_often_as_they_should(schedule, t, s):
    n = 40_000
    x_s = torch.tensor([[0.0, 1.0]]).expand(n, 2)
    at_s, at_t = torch.full((n,), s), torch.full((n,), t)
    found = BinaryDiffusion(schedule).q_step(x_s, at_s, at_t, torch.Generator().manual_seed(0))
    turned = (1 - (schedule.alphas_bar[t] / schedule.alphas_bar[s]).item()) / 2
    assert set(found.unique().tolist()) <= {0.0, 1.0}
    assert found.mean(0).tolist() == pytest.approx([turned, 1 - turned], abs=4 * 0.5 / n**0.5)
    assert (found[:, 0] * found[:, 1]).mean().item() == pytest.approx(turned * (1 - turned), abs=4 * 0.5 / n**0.5)


def test_draws_have_the_probabilities_and_repeat_with_the_generator():
    p = torch.tensor([0.0, 1e-3, 0.5, 1.0])
    diffusion = BinaryDiffusion(cosine_schedule(12))
    drawn, again = (diffusion.sample(p.expand(40_000, 4), torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(drawn, again)
    assert drawn.mean(0)[[0, 3]].tolist() == [0, 1]
    assert drawn.mean(0)[1:3].tolist() == pytest.approx([1e-3, 0.5], abs=0.01)
    assert drawn.mean(0)[1].item() == pytest.approx(1e-3, abs=4 * (1e-3 / 40_000) ** 0.5)
