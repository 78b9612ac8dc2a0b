"""A number beside a state "usual value" or "missing" that is 1 means nothing: it is noise, unknown and not scored."""

import pytest

torch = pytest.importorskip("torch")

from rarelabel.diffusion import MixedDiffusion, cosine_schedule  # noqa: E402
from rarelabel.encoding import Block  # noqa: E402

# Z: a number, a number with a state, whether that is 1
USUAL, OTHER = torch.tensor([5.0, 0.0, 1.0]), torch.tensor([5.0, 3.0, 0.0])


@pytest.fixture(params=["usual", "missing"])
def diffusion(request):
    blocks = (Block("numeric", 0, 2, (0, 1)), Block(request.param, 2, 3, (1,)))
    return MixedDiffusion(blocks, cosine_schedule(100), known_share=1.0)


def drawn(diffusion, row, n=2000):
    return diffusion.draw(row.repeat(n, 1), torch.Generator().manual_seed(0))


def test_an_idle_number_is_drawn_from_a_standard_normal_and_never_known(diffusion):
    usual, other = drawn(diffusion, USUAL), drawn(diffusion, OTHER)
    idle = usual.x0[:, 1]
    assert (idle.mean().item(), idle.std().item()) == pytest.approx((0, 1), abs=0.06)
    assert not usual.known[:, 1].any()
    assert 0.2 < other.known[:, 1].float().mean() < 1
    assert (other.x0 == OTHER).all()
    assert (usual.x0[:, [0, 2]] == USUAL[[0, 2]]).all()
    assert (usual.x_t[usual.known] == usual.x0[usual.known]).all()


def test_an_idle_number_at_any_time_has_the_law_of_pure_noise(diffusion):
    x_t = drawn(diffusion, USUAL).x_t[:, 1]
    assert (x_t.mean().item(), x_t.std().item()) == pytest.approx((0, 1), abs=0.06)


@pytest.mark.parametrize(("row", "counts"), [(USUAL, False), (OTHER, True)])
def test_what_is_said_of_an_idle_number_does_not_count(diffusion, row, counts):
    noised = drawn(diffusion, row, 50)
    noised = noised._replace(known=torch.zeros_like(noised.known))
    first, second = (diffusion.losses(lambda x, *_, said=said: torch.tensor([5, said, 0.0]).expand(x.shape), noised)
                     for said in (0.0, 9.0))  # fmt: skip
    assert bool((first != second).all()) == counts
    if not counts:  # of two variables: the number is right, the state has probability 1/2
        assert second.tolist() == pytest.approx([torch.log(torch.tensor(2.0)).item() / 2] * 50)


def test_a_number_with_a_usual_value_that_may_be_missing_is_idle_under_either_state():
    blocks = (Block("numeric", 0, 1, (0,)), Block("usual", 1, 2, (0,)), Block("missing", 2, 3, (0,)))
    diffusion = MixedDiffusion(blocks, cosine_schedule(100), known_share=1.0)
    rows = torch.tensor([[2.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    noised = diffusion.draw(rows, torch.Generator().manual_seed(0))
    assert (noised.x0[:, 0] != rows[:, 0]).tolist() == [False, True, True]
    assert not noised.known[1:, 0].any()
