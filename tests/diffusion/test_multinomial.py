"""The multinomial formulas against products of transition matrices, in float64."""

import math
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from rarelabel.diffusion import MultinomialDiffusion, cosine_schedule, linear_schedule  # noqa: E402
from rarelabel.diffusion.multinomial import log_probabilities_from_logits, states_from_bits  # noqa: E402

F64 = torch.float64
STEPS = [(1, 0), (2, 1), (7, 3), (12, 11), (12, 1), (5, 0)]


@pytest.fixture(params=[cosine_schedule, linear_schedule])
def schedule(request):
    return request.param(12)


def transition(schedule, t, s, K):
    """Q[i, j] = q(x_t = j | x_s = i): the product of the matrices of all steps from s to t."""
    Q = torch.eye(K, dtype=F64)
    for beta in schedule.betas[s:t]:
        Q = Q @ ((1 - beta) * torch.eye(K, dtype=F64) + beta / K)
    return Q


def bayes(schedule, belief, j_t, t, s, K):
    """q(x_s | x_t = j_t) where x_0 is i with probability belief_i given x_t: by enumeration of x_0 and x_s."""
    Q_s, Q_ts, Q_t = (transition(schedule, *times, K) for times in ((s, 0), (t, s), (t, 0)))
    result = torch.zeros(K, dtype=F64)
    for i in range(K):
        for k in range(K):
            result[k] += belief[i] * Q_s[i, k] * Q_ts[k, j_t] / Q_t[i, j_t]
    return result


def one_hot(state, K):
    return torch.nn.functional.one_hot(torch.tensor([state]), K).to(F64)


@pytest.mark.parametrize("K", [2, 3, 6])
@pytest.mark.parametrize(("t", "s"), STEPS)
def test_forward_probabilities_are_rows_of_the_matrix_product(schedule, t, s, K):
    found = MultinomialDiffusion(schedule).log_q(one_hot(1, K).log(), torch.tensor([t]), torch.tensor([s])).exp()
    torch.testing.assert_close(found[0], transition(schedule, t, s, K)[1])


@pytest.mark.parametrize("K", [2, 3, 6])
@pytest.mark.parametrize(("t", "s"), STEPS)
@pytest.mark.parametrize("state", [0, 1])
def test_the_posterior_is_bayes_rule_by_enumeration(schedule, t, s, K, state):
    found = MultinomialDiffusion(schedule).log_posterior(
        one_hot(1, K).log(), one_hot(state, K), torch.tensor([t]), torch.tensor([s])
    )
    torch.testing.assert_close(found.exp()[0], bayes(schedule, one_hot(1, K)[0], state, t, s, K))


@pytest.mark.parametrize("K", [2, 3, 6])
@pytest.mark.parametrize(("t", "s"), STEPS)
def test_the_reverse_step_averages_the_posterior_over_the_belief(schedule, t, s, K):
    belief = torch.softmax(torch.arange(K, dtype=F64) * 0.7, 0)
    found = MultinomialDiffusion(schedule).log_reverse(
        belief.log()[None], one_hot(1, K), torch.tensor([t]), torch.tensor([s])
    )
    torch.testing.assert_close(found.exp()[0], bayes(schedule, belief, 1, t, s, K))


@pytest.mark.parametrize("n_steps", [1, 2, 5, 12])
def test_true_beliefs_give_the_data_distribution_in_any_number_of_steps(schedule, n_steps):
    """Push the law of x_T through exact reverse steps; what comes out at 0 is the law of x_0."""
    K, diffusion = 4, MultinomialDiffusion(schedule)
    data = torch.tensor([0.6, 0.25, 0.1, 0.05], dtype=F64)
    times = [round(i * 12 / n_steps) for i in range(n_steps, -1, -1)]
    law = data @ transition(schedule, 12, 0, K)
    for t, s in pairwise(times):
        Q = transition(schedule, t, 0, K)
        belief = (data[:, None] * Q / (data @ Q)).T  # p(x_0 | x_t), one row for each x_t
        at_t, at_s = torch.full((K,), t), torch.full((K,), s)
        law = law @ diffusion.log_reverse(belief.log(), torch.eye(K, dtype=F64), at_t, at_s).exp()
    torch.testing.assert_close(law, data)


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("t", [1, 2, 9, 12])
def test_the_divergence_is_the_sum_over_states(schedule, t, K):
    belief = torch.softmax(torch.arange(K, dtype=F64) * -0.9, 0)
    for i in range(K):
        for j in range(K):
            true = bayes(schedule, one_hot(i, K)[0], j, t, t - 1, K)
            model = bayes(schedule, belief, j, t, t - 1, K)
            expected = sum(q * math.log(q / p) for q, p in zip(true.tolist(), model.tolist(), strict=True) if q > 0)
            found = MultinomialDiffusion(schedule).kl(
                belief.log()[None], one_hot(i, K), one_hot(j, K), torch.tensor([t])
            )
            assert found.item() == pytest.approx(expected, abs=1e-12)
            if t == 1:  # the reconstruction term
                assert found.item() == pytest.approx(-belief[i].log().item())


def test_the_divergence_is_0_for_the_truth_and_bounds_the_likelihood(schedule):
    """Summed over time under q, plus the term at T, it is no less than -log p(x_0), and equal for a certain x_0."""
    K, diffusion = 3, MultinomialDiffusion(schedule)
    certain = torch.tensor([[1 - 2e-12, 1e-12, 1e-12]], dtype=F64)
    for t in range(2, 13):
        assert diffusion.kl(certain.log(), one_hot(0, K), one_hot(1, K), torch.tensor([t])).item() < 1e-9
    data = torch.tensor([0.7, 0.2, 0.1], dtype=F64)
    bounds = []
    for i in range(K):
        bound = 0.0
        for t in range(1, 13):
            Q = transition(schedule, t, 0, K)
            for j in range(K):
                belief = data * Q[:, j] / (data @ Q[:, j])
                term = diffusion.kl(belief.log()[None], one_hot(i, K), one_hot(j, K), torch.tensor([t]))
                bound += Q[i, j].item() * term.item()
        last, marginal = transition(schedule, 12, 0, K)[i], data @ transition(schedule, 12, 0, K)
        bounds.append(bound + (last * (last / marginal).log()).sum().item())
    entropy = -(data * data.log()).sum().item()
    # with true beliefs the bound, averaged over the data, is the entropy itself
    assert (data * torch.tensor(bounds, dtype=F64)).sum().item() == pytest.approx(entropy, rel=1e-9)


def test_gradients_of_the_losses():
    diffusion = MultinomialDiffusion(cosine_schedule(12))
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 2, 3, generator=generator, dtype=F64).requires_grad_()
    x0, x_t = (torch.nn.functional.one_hot(torch.randint(3, (4, 2), generator=generator), 3).to(F64) for _ in range(2))
    t = torch.tensor([1, 2, 7, 12])
    assert torch.autograd.gradcheck(lambda o: diffusion.kl(torch.log_softmax(o, -1), x0, x_t, t), logits)
    bits = torch.randn(4, 2, generator=generator, dtype=F64).requires_grad_()
    states_0, states_t = (states_from_bits(torch.randint(2, (4, 2), generator=generator).to(F64)) for _ in range(2))
    assert torch.autograd.gradcheck(
        lambda o: diffusion.kl(log_probabilities_from_logits(o), states_0, states_t, t), bits
    )


def test_extreme_logits_give_finite_losses_and_gradients_in_single_precision():
    diffusion = MultinomialDiffusion(cosine_schedule(1000))
    logits = torch.tensor([[-200.0, 200.0, 80.0]] * 3).requires_grad_()
    x0 = states_from_bits(torch.tensor([[1.0, 1.0, 0.0]] * 3))
    loss = diffusion.kl(log_probabilities_from_logits(logits), x0, x0.flip(0), torch.tensor([1, 500, 1000]))
    assert torch.isfinite(loss).all()
    loss.sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert loss[0].tolist() == pytest.approx([200, 0, 80], abs=1e-5)


def test_gumbel_draws_have_the_probabilities_and_repeat_with_the_generator():
    p = torch.tensor([0.5, 0.3, 0.15, 0.05])
    diffusion = MultinomialDiffusion(cosine_schedule(12))
    log_p = p.log().expand(40_000, 4)
    drawn, again = (diffusion.sample(log_p, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(drawn, again)
    assert (drawn.sum(-1) == 1).all()
    assert (drawn.mean(0) - p).abs().max() < 4 * 0.5 / 200  # four standard errors
    impossible = diffusion.sample(torch.tensor([[0.0, -math.inf]]).expand(1000, 2), torch.Generator().manual_seed(0))
    assert (impossible[:, 0] == 1).all()


def test_bits_and_states_are_the_same_thing():
    bits = torch.tensor([[0.0, 1.0, 1.0]])
    assert states_from_bits(bits).tolist() == [[[1, 0], [0, 1], [0, 1]]]
    log_p = log_probabilities_from_logits(torch.tensor([[math.log(3.0)]], dtype=F64))
    assert log_p.exp()[0, 0].tolist() == pytest.approx([0.25, 0.75])
