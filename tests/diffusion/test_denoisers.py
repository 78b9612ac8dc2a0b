"""The networks that denoise."""

import pytest

torch = pytest.importorskip("torch")

from rarelabel._device import forked_rng  # noqa: E402
from rarelabel.nn import (  # noqa: E402
    KnownEmbedding,
    MLPDenoiser,
    ResidualMLPDenoiser,
    SEMSTResNet,
    TimeEmbedding,
    denoiser_width,
)

PERCEPTRONS = [MLPDenoiser, ResidualMLPDenoiser]
DENOISERS = [*PERCEPTRONS, SEMSTResNet]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def made(kind, d, seed=0, **options):
    with forked_rng(seeded(seed)):
        return kind(d, **options)


def test_the_width_follows_the_table_between_its_limits():
    assert [denoiser_width(d) for d in (1, 128, 129, 512, 513, 10**6)] == [256, 256, 320, 1024, 1024, 1024]


def test_the_embedding_starts_from_sines_and_cosines_of_the_time():
    with forked_rng(seeded()):
        embedding = TimeEmbedding(4, max_period=100)
    embedding.layers = torch.nn.Identity()
    angle = 0.3 * 1000
    expected = torch.tensor([angle, angle / 10, angle, angle / 10])
    expected = torch.cat([expected[:2].cos(), expected[2:].sin()])
    torch.testing.assert_close(embedding(torch.tensor([0.3]))[0], expected, rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match="must be even and positive, got 5"):
        TimeEmbedding(5)


@pytest.mark.parametrize("kind", DENOISERS)
def test_rows_are_denoised_by_themselves_and_times_matter(kind):
    net = made(kind, 5).eval()
    x, time = torch.randn(4, 5, generator=seeded()), torch.tensor([0.1, 0.1, 0.5, 1.0])
    out = net(x, time)
    torch.testing.assert_close(net(x[2:3], time[2:3]), out[2:3])
    assert not torch.allclose(net(x, time.flip(0))[0], out[0])


@pytest.mark.parametrize("kind", DENOISERS)
def test_only_a_conditional_network_looks_at_what_is_known(kind):
    x, time = torch.randn(3, 5, generator=seeded()), torch.full((3,), 0.5)
    known = torch.tensor([[True, False, False, False, True]]).expand(3, -1)
    plain, conditional = made(kind, 5).eval(), made(kind, 5, conditional=True).eval()
    torch.testing.assert_close(plain(x, time, known), plain(x, time))
    assert not torch.allclose(conditional(x, time, known), conditional(x, time))
    torch.testing.assert_close(conditional(x, time, torch.zeros_like(known)), conditional(x, time))


def test_one_known_label_is_as_loud_as_many_and_what_is_noised_is_not_heard():
    with forked_rng(seeded()):
        tell = KnownEmbedding(2000, 256, loud=True)
    tell.which.weight.data.zero_()
    x = torch.ones(2, 2000)
    known = torch.zeros(2, 2000, dtype=torch.bool)
    known[0, 7], known[1] = True, True
    one, many = tell(x, known)
    torch.testing.assert_close(one, tell.values.weight[:, 7])
    torch.testing.assert_close(many, tell.values.weight.sum(dim=1) / 2000**0.5)
    assert 0.5 < one.std() / many.std() < 2
    torch.testing.assert_close(tell(x, torch.zeros_like(known)), torch.zeros(2, 256))
    # a known 0 says which column is known, nothing else
    torch.testing.assert_close(tell(torch.zeros(2, 2000), known), torch.zeros(2, 256))


@pytest.mark.parametrize("kind", PERCEPTRONS)
def test_the_skip_path_lets_the_noise_of_a_wide_table_through_a_narrow_network(kind):
    """Columns without structure: the best guess of the noise in x_t at one time is a multiple of x_t."""
    errors = []
    for skip in (True, False):
        net = made(kind, 200, width=8, skip=skip)
        optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
        generator = seeded()
        for _ in range(150):
            signal, noise = torch.randn(2, 64, 200, generator=generator)
            guess = net(0.6 * signal + 0.8 * noise, torch.full((64,), 0.5))
            loss = ((guess - noise) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        errors.append(loss.item())
    # guess 0.8 x_t: the error is 1 - 0.64 = 0.36; through 8 units at most 8 of 200 directions can be told
    assert errors[0] == pytest.approx(0.36, abs=0.04)
    assert errors[1] > 0.9


@pytest.mark.parametrize("kind", DENOISERS)
def test_dropout_acts_in_training_only(kind):
    net = made(kind, 5, dropout=0.5)
    x, time = torch.randn(3, 5, generator=seeded()), torch.full((3,), 0.5)
    with forked_rng(seeded()):
        assert not torch.allclose(net(x, time), net(x, time))
    torch.testing.assert_close(net.eval()(x, time), net(x, time))
