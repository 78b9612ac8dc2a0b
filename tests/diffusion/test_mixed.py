"""One model of numbers, a category and labels: known mixtures come back, also under conditions."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rarelabel._device import forked_rng  # noqa: E402
from rarelabel.diffusion import Conditions, MixedDiffusion, Noised, cosine_schedule  # noqa: E402
from rarelabel.encoding import Block, TableEncoder  # noqa: E402
from rarelabel.nn import MLPDenoiser  # noqa: E402
from rarelabel.schema import Column, Schema  # noqa: E402
from rarelabel.training import train  # noqa: E402

F64 = torch.float64
BLOCKS = (Block("numeric", 0, 2, (0, 1)), Block("category", 2, 5, (2,)), Block("labels", 5, 7, (0, 1)))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def diffusion(T=100, **options):
    return MixedDiffusion(BLOCKS, cosine_schedule(T), **options)


def mixture(n, seed):
    """Three clusters in the plane; each has its own law of the category and of label 0, on which label 1 depends."""
    rng = np.random.default_rng(seed)
    cluster = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    centres = np.array([[-1.2, 0.0], [1.0, 1.0], [0.6, -1.5]])
    numbers = centres[cluster] + rng.normal(size=(n, 2)) * [0.4, 0.3]
    odds = (np.full((3, 3), 0.1) + 0.7 * np.eye(3))[cluster]
    category = (odds.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    first = rng.random(n) < np.array([0.1, 0.2, 0.9])[cluster]
    second = rng.random(n) < np.where(first, 0.8, 0.1)
    return np.column_stack([numbers, np.eye(3)[category], first, second]).astype(np.float32)


def summary(Z):
    """Means, shares of the categories and labels, both labels together, weight of the third cluster."""
    label_0, label_1 = Z[:, 5] > 0.5, Z[:, 6] > 0.5
    third = (Z[:, 1] < -0.75).mean()
    return np.array([*Z.mean(axis=0), (label_0 & label_1).mean(), third])


@pytest.fixture(scope="module")
def model():
    X = torch.tensor(mixture(8000, seed=0))
    generator = seeded()
    mixed = diffusion(1000, bounds=(X.amin(0), X.amax(0)), known_share=0.5)
    with forked_rng(generator):
        net = MLPDenoiser(7, width=128, conditional=True)
    result = train(
        net, mixed.losses, [X], draw=lambda batch, g: mixed.draw(batch[0], g), generator=generator,
        n_steps=2400, batch_size=256, learning_rate=3e-3, ema=0.998, n_threads=1, device="cpu",
    )  # fmt: skip
    assert result.stopped == "finished"
    return mixed, net


TRUTH = mixture(200_000, seed=1)


def test_a_known_mixture_comes_back(model):
    mixed, net = model
    Z = mixed.sample(6000, net, generator=seeded(1)).numpy()
    np.testing.assert_allclose(summary(Z), summary(TRUTH), atol=0.05)
    np.testing.assert_allclose(Z[:, :2].std(axis=0), TRUTH[:, :2].std(axis=0), rtol=0.06)
    assert set(np.unique(Z[:, 2:])) == {0.0, 1.0}
    assert (Z[:, 2:5].sum(axis=1) == 1).all()
    of_label = [part[part[:, 5] == 1] for part in (Z, TRUTH)]
    np.testing.assert_allclose(*(part[:, 6].mean() for part in of_label), atol=0.06)  # P(label 1 | label 0) = 0.8
    # numbers in the third cluster given label 0: 43 of 100
    np.testing.assert_allclose(*((part[:, 1] < -0.75).mean() for part in of_label), atol=0.07)


@pytest.mark.parametrize("given", [{5: 1}, {5: 0, 6: 1}, {5: 1, 6: 1}])
def test_rows_drawn_under_a_condition_have_the_conditional_distribution(model, given):
    mixed, net = model
    values, known = torch.zeros(7), torch.zeros(7, dtype=torch.bool)
    chosen = np.ones(len(TRUTH), dtype=bool)
    for column, value in given.items():
        values[column], known[column] = value, True
        chosen &= TRUTH[:, column] == value
    Z = mixed.sample(4000, net, generator=seeded(2), conditions=Conditions(values, known)).numpy()
    assert (Z[:, list(given)] == list(given.values())).all()
    np.testing.assert_allclose(summary(Z), summary(TRUTH[chosen]), atol=0.09)
    # far from what the condition does not change: a plain draw is off by more than three times that
    if 1 in given.values() and given[5] == 1:
        assert np.abs(summary(TRUTH) - summary(TRUTH[chosen])).max() > 0.27


def test_numbers_may_be_given_too(model):
    mixed, net = model
    values, known = torch.zeros(7), torch.zeros(7, dtype=torch.bool)
    values[:2], known[:2] = torch.tensor([0.6, -1.5]), True  # the centre of the third cluster
    Z = mixed.sample(3000, net, generator=seeded(3), conditions=Conditions(values, known)).numpy()
    assert Z[:, 5].mean() == pytest.approx(0.9, abs=0.08)
    assert Z[:, 4].mean() == pytest.approx(0.8, abs=0.08)


# --- a model that is not told: RePaint ---


def gaussian_pair(correlation):
    """The exact E[x_0 | x_t] of two standard normal columns, for all times."""
    schedule, C = cosine_schedule(1000), torch.tensor([[1, correlation], [correlation, 1]])

    def denoiser(x, time):
        alpha_bar = schedule.alphas_bar[(time[0] * 1000).round().long()].float()
        return x @ (alpha_bar.sqrt() * torch.linalg.solve(alpha_bar * C + (1 - alpha_bar) * torch.eye(2), C))

    return MixedDiffusion((Block("numeric", 0, 2, (0, 1)),), schedule), denoiser


def test_repaint_is_exact_on_what_is_known_and_comes_closer_with_resampling():
    mixed, denoiser = gaussian_pair(0.9)
    conditions = Conditions(torch.tensor([1.5, 0.0]), torch.tensor([True, False]))
    errors = []
    for n_resamples in (1, 10):
        rows = mixed.sample(
            4000, denoiser, generator=seeded(), conditions=conditions, n_resamples=n_resamples, eta=1.0, n_steps=50
        )
        assert (rows[:, 0] == 1.5).all()
        errors.append(abs(rows[:, 1].mean().item() - 0.9 * 1.5))
    assert errors[1] < 0.12 < 0.5 * errors[0]


def test_without_conditions_the_exact_denoiser_gives_the_exact_law():
    mixed, denoiser = gaussian_pair(0.9)
    for eta in (0.0, 1.0):
        rows = mixed.sample(20_000, denoiser, generator=seeded(), n_steps=200, eta=eta)
        np.testing.assert_allclose(np.cov(rows.numpy().T), [[1, 0.9], [0.9, 1]], atol=0.05)


# --- losses, by hand ---


def test_the_loss_of_a_row_is_the_mean_over_its_variables():
    x0 = torch.tensor([[0.5, -1.0, 0, 1, 0, 1, 0]], dtype=F64)
    output = torch.tensor([[0.0, 1.0, 0, math.log(2), 0, math.log(3), math.log(4)]], dtype=F64)
    none = torch.zeros(1, 7, dtype=torch.bool)
    noised = Noised(x0, torch.tensor([10]), torch.zeros_like(x0), x0, none)
    # squared errors 0.25 and 4; -log of 2/4, 3/4 and 1/5
    expected = [0.25, 4.0, math.log(2), math.log(4 / 3), math.log(5)]
    assert diffusion().losses(lambda x, time: output, noised).item() == pytest.approx(np.mean(expected))


def test_known_variables_are_not_scored():
    x0 = torch.tensor([[0.5, -1.0, 0, 1, 0, 1, 0]], dtype=F64)
    known = torch.tensor([[True, False, True, True, True, False, True]])
    noised = Noised(x0, torch.tensor([10]), torch.zeros_like(x0), x0, known)
    seen = []

    def denoiser(x, time, mask):
        seen.append(mask)
        return torch.zeros_like(x)

    found = diffusion(known_share=0.5).losses(denoiser, noised)
    assert found.item() == pytest.approx((1.0 + math.log(2)) / 2)
    assert torch.equal(seen[0], known)
    everything = noised._replace(known=torch.ones_like(known))
    assert diffusion(known_share=0.5).losses(denoiser, everything).item() == 0


def test_the_divergence_is_times_the_number_of_steps():
    x0 = torch.tensor([[0.0, 0, 0, 1, 0, 1, 0]], dtype=F64)
    mixed = diffusion(100, state_loss="kl")
    t, output = torch.tensor([1]), torch.zeros(1, 7, dtype=F64)
    noised = Noised(x0, t, torch.zeros_like(x0), x0, torch.zeros_like(x0, dtype=torch.bool))
    # at t = 1 the divergence is the negative log-likelihood of x_0
    assert mixed.losses(lambda x, time: output, noised).item() == pytest.approx(
        100 * (math.log(3) + 2 * math.log(2)) / 5
    )


@pytest.mark.parametrize("state_loss", ["cross_entropy", "kl"])
@pytest.mark.parametrize("prediction", ["x0", "epsilon", "v"])
def test_gradients_of_the_loss(prediction, state_loss):
    mixed = diffusion(20, prediction=prediction, state_loss=state_loss)
    noised = mixed.draw(torch.tensor(mixture(4, 0), dtype=F64), seeded(), t=torch.tensor([1, 2, 10, 20]))
    output = torch.randn(4, 7, generator=seeded(1), dtype=F64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda o: mixed.losses(lambda x, time: o, noised), output)


# --- noise ---


def test_rows_are_noised_as_much_as_their_time_says():
    mixed, n = diffusion(100), 20_000
    x0 = torch.tensor([[2.0, -1.0, 0, 1, 0, 1, 0]]).expand(n, -1)
    alpha_bar = cosine_schedule(100).alphas_bar[30].item()
    noised = mixed.draw(x0, seeded(), t=torch.full((n,), 30))
    mean = noised.x_t.mean(0)
    assert mean[:2].tolist() == pytest.approx([2 * alpha_bar**0.5, -(alpha_bar**0.5)], abs=0.02)
    assert noised.x_t[:, :2].var(0).tolist() == pytest.approx([1 - alpha_bar] * 2, abs=0.02)
    other = (1 - alpha_bar) / 3
    assert mean[2:5].tolist() == pytest.approx([other, alpha_bar + other, other], abs=0.02)
    assert mean[5:].tolist() == pytest.approx([(1 + alpha_bar) / 2, (1 - alpha_bar) / 2], abs=0.02)
    assert (noised.x_t[:, 2:5].sum(1) == 1).all()
    times = mixed.draw(x0, seeded()).t
    assert (times.min().item(), times.max().item()) == (1, 100)


def test_known_variables_keep_their_values_and_are_whole():
    mixed, n = diffusion(100, known_share=0.5), 20_000
    x0 = torch.tensor(mixture(n, 0))
    noised = mixed.draw(x0, seeded())
    known = noised.known
    assert torch.equal(noised.x_t[known], x0[known])
    assert torch.equal(known[:, 2], known[:, 3])
    assert torch.equal(known[:, 2], known[:, 4])
    given = known.any(1).float().mean().item()
    assert 0.3 < given <= 0.5  # some of the chosen rows are given nothing by chance
    only_labels = known[:, 5:].any(1) & ~known[:, :5].any(1)
    assert only_labels.float().mean().item() > 0.15
    assert not mixed.draw(x0, seeded()).known.all(1).all()
    assert not diffusion(100).draw(x0, seeded()).known.any()


# --- sampling ---


def zeros(x, time):
    return torch.zeros_like(x)


def test_beliefs_outside_the_bounds_are_held_in():
    bounds = (torch.tensor([-1.0, 0, 0, 0, 0, 0, 0]), torch.tensor([2.0, 3, 1, 1, 1, 1, 1]))

    def wild(x, time):
        return torch.full_like(x, 50.0)

    held = diffusion(bounds=bounds).sample(20, wild, generator=seeded(), n_steps=10)
    assert held[:, :2].unique(dim=0).tolist() == [[2, 3]]
    loose = diffusion(bounds=bounds).sample(20, wild, generator=seeded(), n_steps=10, clamp=False)
    assert loose[:, :2].unique().tolist() == [50]


def test_an_exploding_noise_prediction_is_held_in_too():
    bounds = (torch.full((7,), -1.0), torch.full((7,), 1.0))
    rows = diffusion(1000, prediction="epsilon", bounds=bounds).sample(50, zeros, generator=seeded(), n_steps=1000)
    assert rows[:, :2].abs().max() <= 1


def test_the_same_generator_gives_the_same_rows_and_global_randomness_stays():
    before = torch.get_rng_state()
    first, again, other = (diffusion().sample(30, zeros, generator=seeded(s), n_steps=5) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_more_rows_than_a_batch_and_none():
    rows = diffusion().sample(25, zeros, generator=seeded(), n_steps=5, batch_size=10)
    assert rows.shape == (25, 7)
    assert len(rows[:, 0].unique()) == 1  # the belief that every number is 0 ends there
    assert 0.2 < rows[:, 5].mean() < 0.8
    assert diffusion().sample(0, zeros, generator=seeded()).shape == (0, 7)


def test_each_row_may_have_its_own_condition():
    values = torch.zeros(6, 7)
    values[:, 5] = torch.tensor([0.0, 1, 0, 1, 0, 1])
    values[:, 3] = 1
    known = torch.zeros(6, 7, dtype=torch.bool)
    known[:, 5] = True
    known[2:, 2:5] = True
    rows = diffusion().sample(6, zeros, generator=seeded(), conditions=Conditions(values, known), batch_size=4)
    assert torch.equal(rows[:, 5], values[:, 5])
    assert torch.equal(rows[2:, 2:5], values[2:, 2:5])


def test_what_means_nothing_is_refused():
    known = torch.zeros(7, dtype=torch.bool)
    known[3] = True
    for conditions, message in [
        (Conditions(torch.zeros(7), known), r"a part of the one-hot block of column \(2,\)"),
        (Conditions(torch.zeros(6), known), r"conditions.values has shape \(6,\); expected \(7,\) or \(5, 7\)"),
        (Conditions(torch.zeros(7), known[None]), r"conditions.known has shape \(1, 7\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            diffusion().sample(5, zeros, generator=seeded(), conditions=conditions)
    with pytest.raises(ValueError, match="must be positive"):
        diffusion().sample(5, zeros, generator=seeded(), n_steps=0)
    with pytest.raises(ValueError, match="state_loss must be one of"):
        diffusion(state_loss="hinge")
    with pytest.raises(ValueError, match=r"known_share must be in \[0, 1\], got 2"):
        diffusion(known_share=2)
    with pytest.raises(ValueError, match="every column of the table is constant"):
        MixedDiffusion((), cosine_schedule(10))


def test_from_table_to_noise_and_back_to_valid_rows():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.lognormal(size=50), rng.integers(0, 9, 50), rng.integers(0, 4, 50), np.full(50, 7.0)])
    X[::7, 0] = np.nan
    schema = Schema(
        (Column("real"), Column("whole", "integer"), Column("kind", "category", tuple("abcd")), Column("same")),
        (Column("l", "label"),),
    )
    Y = rng.random((50, 1)) < 0.3
    encoder = TableEncoder().fit(X, schema, Y)
    bounds = torch.tensor(encoder.lower_), torch.tensor(encoder.upper_)
    mixed = MixedDiffusion(encoder.blocks_, cosine_schedule(50), bounds=bounds)
    Z = mixed.sample(200, lambda x, time: 3 * x, generator=seeded(), n_steps=10).numpy()
    rows, labels = encoder.inverse_transform(Z)
    assert labels.shape == (200, 1)
    assert (rows[:, 3] == 7).all()
    assert set(rows[:, 1]) <= set(range(9))
    assert set(rows[:, 2]) <= {0, 1, 2, 3}
    assert 0 < np.isnan(rows[:, 0]).mean() < 1
