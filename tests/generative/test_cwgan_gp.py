"""CWGAN-GP: its penalty and its states by hand, its loop, and what it refuses."""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rarelabel._device import forked_rng  # noqa: E402
from rarelabel.encoding import Block  # noqa: E402
from rarelabel.generative import CWGANGP, _wasserstein  # noqa: E402
from rarelabel.generative._wasserstein import Rows, critic_view, slope_penalty  # noqa: E402

BLOCKS = (
    Block("numeric", 0, 1, (0,)),
    Block("binary", 1, 2, (1,)),
    Block("category", 2, 5, (2,)),
    Block("classes", 5, 7, (0, 1)),
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Fixed(torch.nn.Module):
    """Gives the same output whatever the noise."""

    def __init__(self, *output):
        super().__init__()
        self.output = torch.tensor(output)

    def forward(self, noise, told):
        self.told = told
        return self.output.expand(len(noise), -1)


def form():
    return Rows(BLOCKS, torch.tensor([-4.0, 0, 0, 0, 0, 0, 0]), torch.tensor([2.0, 1, 1, 1, 1, 1, 1]))


def test_the_penalty_is_the_mean_squared_distance_of_the_slope_from_1():
    """D(x) = x0^2: its slope at x is 2 |x0|, so the penalty at x0 = 1.5 is (3 - 1)^2 = 4, and at 0.5 it is 0."""

    def critic(x):
        return x[:, :1] ** 2

    for x0, expected in ((1.5, 4.0), (0.5, 0.0)):
        point = torch.tensor([[x0, 7.0]])
        assert slope_penalty(critic, point, point, seeded()).item() == pytest.approx(expected, abs=1e-6)
    # between 0 and 1 evenly: the mean of (2 u - 1)^2 is 1/3
    ends = torch.zeros(20000, 1), torch.ones(20000, 1)
    assert slope_penalty(critic, *ends, seeded()).item() == pytest.approx(1 / 3, abs=0.01)


def test_the_penalty_has_a_gradient_in_the_weights_of_the_critic():
    with forked_rng(seeded()):
        critic = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
    rows = torch.randn(5, 2, generator=seeded(), dtype=torch.float64)
    weight = critic[0].weight

    def penalty():
        return slope_penalty(critic, rows, rows + 0, seeded(1))

    (found,) = torch.autograd.grad(penalty(), weight)
    with torch.no_grad():
        weight[3, 1] += 1e-5
    above = penalty().item()
    with torch.no_grad():
        weight[3, 1] -= 2e-5
    assert found[3, 1].item() == pytest.approx((above - penalty().item()) / 2e-5, rel=1e-4)


def test_numbers_fill_their_range_and_states_are_drawn_by_their_odds():
    """tanh(0.5) = 0.462: -4 + 6 (0.462 + 1) / 2 = 0.386. Logit log 3: a one in 3 of 4 draws. Weights 1, 2, 5 of 8."""
    like = torch.eye(2).repeat(4000, 1)
    like = torch.cat([torch.zeros(8000, 5), like], dim=1)
    network = Fixed(0.5, np.log(3), 0.0, np.log(2), np.log(5), 9.0, -9.0)
    drawn = form().make(network, like, seeded(), None)
    np.testing.assert_allclose(drawn[:, 0], -4 + 3 * (np.tanh(0.5) + 1), rtol=1e-5)
    assert set(drawn[:, 1:5].unique().tolist()) == {0, 1}
    np.testing.assert_allclose(drawn[:, 1:5].mean(dim=0), [0.75, 0.125, 0.25, 0.625], atol=0.02)
    assert (drawn[:, 2:5].sum(dim=1) == 1).all()
    assert torch.equal(drawn[:, 5:], like[:, 5:])
    assert torch.equal(network.told, like)
    relaxed = form().make(network, like, seeded(), 0.2)
    np.testing.assert_allclose(relaxed[:, 2:5].sum(dim=1), 1, rtol=1e-5)
    assert torch.equal(relaxed[:, 2:5].argmax(dim=1), drawn[:, 2:5].argmax(dim=1))  # the same noise: nearly the draw
    assert ((relaxed[:, 1] > 0) & (relaxed[:, 1] < 1)).float().mean() > 0.9


def test_the_other_columns_of_a_row_are_not_told():
    like = torch.full((3, 7), 0.7)
    network = Fixed(*[0.0] * 7)
    form().make(network, like, seeded(), None)
    assert (network.told[:, :5] == 0).all()
    assert (network.told[:, 5:] == 0.7).all()


def test_the_critic_sees_numbers_as_far_as_they_are_there():
    """Numbers of one row in four count double, by 1 / sqrt(1/4); of a row that comes four times as often, 4 of 7."""
    blocks = (Block("numeric", 0, 2, (0, 1)), Block("usual", 2, 3, (0,)), Block("missing", 3, 5, (0, 1)))
    rows = torch.tensor([[0, 0, 1, 0, 1], [0, 0, 0, 1, 1], [0, 0, 1, 0, 1], [2, 3, 0, 0, 0]], dtype=torch.float32)
    made = torch.tensor([[5.0, 7.0, 0.5, 0.0, 0.25], [5.0, 7.0, 0.5, 0.5, 1.0]], requires_grad=True)
    for weights, scale in ((torch.ones(4), 2.0), (torch.tensor([1.0, 1, 1, 4]), (7 / 4) ** 0.5)):
        view = critic_view(blocks, rows, weights.double())
        expected = [[2.5 * scale, 5.25 * scale], [1.25 * scale, 0.0]]
        np.testing.assert_allclose(view(made)[:, :2].detach(), expected, rtol=1e-6)
        assert torch.equal(view(made)[:, 2:], made[:, 2:])
        np.testing.assert_allclose(view(rows)[3, :2], [2 * scale, 3 * scale], rtol=1e-6)
        (gradient,) = torch.autograd.grad(view(made)[:, :2].sum(), made)
        assert (gradient[:, 2:] == 0).all()  # what a number would gain does not make it come more often
    assert critic_view(BLOCKS, torch.ones(2, 7), torch.ones(2))(made) is made


def test_numbers_that_most_rows_miss_keep_their_spread():
    """Where the 0 beside a missing value is learned too, their standard deviation is 0.05 instead of 1."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 3)), np.array(["a"] * 400 + ["b"] * 100)
    X[rng.random(500) < 0.9, 0] = np.nan
    X[:, 1] = np.where(np.isnan(X[:, 0]), X[:, 1], 0.9 * X[:, 0] + 0.4 * X[:, 1])
    sampler = CWGANGP(training_steps=400, critic_steps=3, batch_size=64, learning_rate=1e-3, random_state=0)
    with pytest.warns(UserWarning, match="missing values"):
        X_new = sampler.fit(X, y).sample(1000)[0]
    there = ~np.isnan(X_new[:, 0])
    assert there.mean() == pytest.approx(0.1, abs=0.05)
    assert X_new[there, 0].std() == pytest.approx(np.nanstd(X[:, 0]), rel=0.3)
    assert np.corrcoef(X_new[there, :2].T)[0, 1] > 0.5
    np.testing.assert_allclose(X_new[:, 1:].mean(axis=0), X[:, 1:].mean(axis=0), atol=0.3)


def test_the_generator_is_the_mean_of_its_last_steps(monkeypatch):
    """Of weights 9/11, 9/12 and 9/13 for the newest of three steps."""
    seen, descend = [], _wasserstein._descend

    def watched(optimizer, loss):
        before = optimizer.param_groups[0]["params"][0].detach().clone()
        is_finite = descend(optimizer, loss)
        seen.append((before, optimizer.param_groups[0]["params"][0].detach().clone()))
        return is_finite

    monkeypatch.setattr(_wasserstein, "_descend", watched)
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 4 == 0
    sampler = CWGANGP(training_steps=3, critic_steps=1, batch_size=8, random_state=0).fit(X, y)
    steps = seen[1::2]  # critic and generator take turns
    mean = steps[0][0]
    for (_, after), share in zip(steps, (9 / 11, 9 / 12, 9 / 13), strict=True):
        mean = (1 - share) * mean + share * after
    torch.testing.assert_close(next(sampler.trained_.model.denoiser.parameters()).detach(), mean)


def test_columns_cannot_be_asked_for():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 4 == 0
    model = CWGANGP(training_steps=2, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="CWGANGP is told the class alone; conditions name columns"):
        model.sample(3, {"True": 1, "x0": X[0, 0]})


def test_a_gradient_that_is_no_number_ends_training_with_the_weights_before():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 4 == 0
    sampler = CWGANGP(training_steps=30, critic_steps=1, learning_rate=1e30, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        X_res, _ = sampler.fit_resample(X, y)
    assert np.isfinite(X_res).all()
    assert sampler.stopped_ == "not finite"
    # the critic's first step makes its weights 1e30: the generator has no finite gradient, and makes no step
    assert any("after 0 steps; the weights before are used" in str(warning.message) for warning in caught)


def test_training_can_be_watched_and_cancelled():
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 4 == 0
    records = []
    sampler = CWGANGP(training_steps=400, critic_steps=1, batch_size=8, random_state=0)
    sampler.set_params(progress=records.append, cancel=lambda: bool(records)).fit(X, y)
    assert sampler.stopped_ == "cancelled"
    assert [record.step for record in records] == [50]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"critic_steps": 0}, "critic_steps must be an int of at least 1, got 0"),
        ({"gradient_penalty": -1}, "gradient_penalty must be a number of at least 0, got -1"),
        ({"temperature": 0}, "temperature must be a number above 0, got 0"),
        ({"temperature": float("inf")}, "temperature must be a number above 0, got inf"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(parameters, message):
    X, y = np.random.default_rng(0).normal(size=(40, 2)), np.arange(40) % 4 == 0
    with pytest.raises(ValueError, match=message):
        CWGANGP(**{"training_steps": 2, "random_state": 0} | parameters).fit(X, y)
