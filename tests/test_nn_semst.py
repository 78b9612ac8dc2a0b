"""SEMST-ResNet: its equations, its switches, and what it may know of a row."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rarelabel._device import forked_rng  # noqa: E402
from rarelabel.nn import SEMSTResNet, soft_threshold  # noqa: E402
from rarelabel.nn._semst import _Attention, _columns_of_tokens, _Shrinkage  # noqa: E402

PARTS = ["attention", "shrinkage", "residual"]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def made(kind, *args, **options):
    with forked_rng(seeded()):
        return kind(*args, **options).eval()


def rows(n, d, seed=1):
    return torch.randn(n, d, generator=seeded(seed)), torch.linspace(0.1, 1, n)


# The equations, one number at a time


def test_the_soft_threshold_is_sign_x_times_what_is_left_of_its_size():
    x, tau = 3 * torch.randn(50, generator=seeded()), torch.rand(50, generator=seeded(1))
    slow = [np.sign(a) * max(abs(a) - t, 0.0) for a, t in zip(x.tolist(), tau.tolist(), strict=True)]
    np.testing.assert_allclose(soft_threshold(x, tau), slow, rtol=1e-6)
    assert soft_threshold(torch.tensor([0.9, -0.9, 1.5, -1.5]), torch.tensor(1.0)).tolist() == [0, 0, 0.5, -0.5]


def test_each_row_and_token_has_a_threshold_between_0_and_its_mean_size():
    shrink = made(_Shrinkage, 3)
    h = torch.randn(4, 3, 5, generator=seeded())
    out = shrink(h).detach()
    (W, b), (V, c) = ((layer.weight.tolist(), layer.bias.tolist()) for layer in (shrink.scale[0], shrink.scale[2]))
    for i in range(4):
        size = [sum(abs(u) for u in h[i, j].tolist()) / 5 for j in range(3)]
        hidden = [max(0.0, b[k] + sum(W[k][j] * size[j] for j in range(3))) for k in range(3)]
        for j in range(3):
            logit = c[j] + sum(V[j][k] * hidden[k] for k in range(3))
            alpha = 1 / (1 + np.exp(-logit))
            assert 0 < alpha < 1
            tau = alpha * size[j]
            slow = [np.sign(u) * max(abs(u) - tau, 0) for u in h[i, j].tolist()]
            np.testing.assert_allclose(out[i, j], slow, atol=1e-6)
    assert (out == 0).any()
    assert (out.abs().amax(dim=2) > 0).all()  # tau is below the mean size, so the largest unit is never lost


def test_the_gradient_of_the_threshold_is_that_of_finite_differences():
    shrink = made(_Shrinkage, 3).double()
    h = torch.randn(2, 3, 4, generator=seeded(), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(shrink, (h,))


def test_attention_is_the_softmax_of_scaled_products_and_knows_no_order_of_tokens():
    attend = made(_Attention, 8, 2)
    h = torch.randn(2, 5, 8, generator=seeded())
    out = attend(h).detach()
    query, key, value = attend.project(attend.norm(h)).detach().chunk(3, dim=2)
    slow = torch.zeros(2, 5, 8)
    for i in range(2):
        for head in (slice(0, 4), slice(4, 8)):
            for a in range(5):
                scores = torch.stack([query[i, a, head] @ key[i, b, head] / 2 for b in range(5)])  # sqrt(4) = 2
                slow[i, a, head] = torch.softmax(scores, 0) @ value[i, :, head]
    torch.testing.assert_close(out, attend.merge(slow).detach(), rtol=1e-4, atol=1e-5)
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(attend(h[:, order]), attend(h)[:, order], rtol=1e-4, atol=1e-5)


# Tokens


def test_variables_are_tokens_until_there_are_too_many_then_neighbours_share_one():
    assert _columns_of_tokens(4, None, 24) == [[0], [1], [2], [3]]
    assert _columns_of_tokens(5, [1, 3, 1], 24) == [[0], [1, 2, 3], [4]]
    assert _columns_of_tokens(6, None, 3) == [[0, 1], [2, 3], [4, 5]]
    # one of 4 columns and four of 1 in two tokens: those that start before column 8 * 1/2 = 4 share the first
    assert _columns_of_tokens(8, [4, 1, 1, 1, 1], 2) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    for d in (25, 100, 999):
        tokens = _columns_of_tokens(d, None, 24)
        assert [c for columns in tokens for c in columns] == list(range(d))
        assert len(tokens) == 24
        assert max(map(len, tokens)) - min(map(len, tokens)) <= 1
    with pytest.raises(ValueError, match="numbers of columns that sum to 5, got a sum of 4"):
        SEMSTResNet(5, variables=[1, 3])
    with pytest.raises(ValueError, match="token_dim must be a multiple of n_heads, got 10 and 4"):
        SEMSTResNet(5, token_dim=10, n_heads=4)


@pytest.mark.parametrize(("d", "variables"), [(6, None), (6, [1, 3, 2]), (60, None)])
def test_a_token_is_a_straight_map_of_its_own_columns(d, variables):
    net = made(SEMSTResNet, d, variables=variables)
    x, _ = rows(3, d)
    tokens = net.tokens(x)
    for number, columns in enumerate(_columns_of_tokens(d, variables, 24)):
        expected = x[:, columns] @ net.tokens.weight[columns] + net.tokens.bias[number]
        torch.testing.assert_close(tokens[:, number], expected)


# The switches


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_switched_off_is_gone(part):
    x, time = rows(4, 6)
    whole, without = made(SEMSTResNet, 6), made(SEMSTResNet, 6, **{part: False})
    names = {name for name, _ in without.named_parameters()}
    left = {name for name, _ in whole.named_parameters() if f".{part}." not in name}
    assert names == left
    assert (len(left) < len(list(whole.named_parameters()))) == (part != "residual")
    same = without.load_state_dict({k: v for k, v in whole.state_dict().items() if k in without.state_dict()})
    assert not same.missing_keys
    assert not torch.allclose(whole(x, time), without(x, time))


@pytest.mark.parametrize("part", PARTS)
def test_whole_and_without_a_part_differ_by_just_that_part(part):
    """What a block does, written out from its layers."""
    block = made(SEMSTResNet, 6, depth=1, **{part: False}).blocks[0]
    on = {name: name != part for name in PARTS}
    h, embedded = torch.randn(3, 6, 16, generator=seeded()), torch.randn(3, 128, generator=seeded(1))
    expected = h + block.time(embedded)[:, None]
    if on["attention"]:
        expected = block.attention(expected) + (expected if on["residual"] else 0)
    branch = block.layers(block.norm(expected).flatten(1)).view(3, 6, 16)
    if on["shrinkage"]:
        branch = block.shrinkage(branch)
    torch.testing.assert_close(block(h, embedded), branch + (expected if on["residual"] else 0))


def test_without_attention_and_layers_tokens_do_not_meet():
    """Attention is what lets one token see another: without it and with dead layers, a column stays with its token."""
    whole, without = (made(SEMSTResNet, 6, depth=1, attention=on) for on in (True, False))
    h = torch.randn(1, 6, 16, generator=seeded())
    other = h.clone()
    other[:, 0].neg_()
    embedded = torch.zeros(1, 128)
    for net, meets in ((whole, True), (without, False)):
        torch.nn.init.zeros_(net.blocks[0].layers[3].weight)
        changed = (net.blocks[0](other, embedded) - net.blocks[0](h, embedded)).abs().amax(dim=2)[0] > 1e-6
        assert changed.tolist() == [True, *[meets] * 5]


# Learning


def test_it_learns_to_tell_a_column_from_the_others():
    """x1 = x0 and noise: at a time without noise on x0 the best guess of x1 is x0, whatever x1 shows."""
    with forked_rng(seeded()):
        net = SEMSTResNet(2, width=32, depth=1, conditional=True, skip=False)
    optimizer, generator = torch.optim.Adam(net.parameters(), lr=3e-3), seeded()
    known = torch.tensor([[True, False]]).expand(128, -1)
    for _ in range(300):
        truth = torch.randn(128, 1, generator=generator)
        x = torch.cat([truth, torch.randn(128, 1, generator=generator)], dim=1)
        loss = ((net(x, torch.full((128,), 0.9), known)[:, 1] - truth[:, 0]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05  # 1 where nothing is learned
