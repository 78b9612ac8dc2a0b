"""Mixing: the law of lambda, which part of whom, batches that do not fit."""

import numpy as np
import pytest
from scipy.stats import beta, kstest

torch = pytest.importorskip("torch")

from rarelabel.augmentation import mixup  # noqa: E402


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("alpha", [0.3, 1, 4])
def test_lambda_is_the_larger_part_of_a_beta_variable(alpha):
    _, lam = mixup([torch.zeros(4000, dtype=torch.float64)], [torch.ones(4000)], alpha=alpha, generator=seeded())
    lam = lam.numpy()
    assert ((lam >= 0.5) & (lam <= 1)).all()
    law = beta(alpha, alpha)
    assert kstest(lam, lambda x: law.cdf(x) - law.cdf(1 - x)).pvalue > 0.01


@pytest.mark.parametrize("per_row", [True, False])
def test_every_tensor_is_mixed_with_the_same_parts(per_row):
    rng = np.random.default_rng(0)
    first = (torch.tensor(rng.normal(size=(6, 3, 2, 2))), rng.random((6, 4)) < 0.5, torch.arange(6.0))
    second = (torch.tensor(rng.normal(size=(6, 3, 2, 2))), rng.random((6, 4)) < 0.5, torch.zeros(6))
    mixed, lam = mixup(first, second, per_row=per_row, generator=seeded())
    assert lam.shape == (6,)
    assert len(set(lam.tolist())) == (6 if per_row else 1)
    for found, a, b in zip(mixed, first, second, strict=True):
        for i in range(6):
            part = lam[i].item()
            expected = part * np.asarray(a[i], dtype=float) + (1 - part) * np.asarray(b[i], dtype=float)
            np.testing.assert_allclose(found[i].numpy(), expected, rtol=1e-6)


def test_alpha_0_mixes_nothing_and_types_are_kept():
    x = torch.randn(5, 2, generator=seeded(), dtype=torch.float32)
    (mixed, y), lam = mixup((x, torch.ones(5, 1, dtype=torch.bool)), (x + 1, np.zeros((5, 1), dtype=int)), alpha=0)
    assert (lam == 1).all()
    assert torch.equal(mixed, x)
    assert mixed.dtype == y.dtype == torch.float32 == lam.dtype


def test_the_same_generator_gives_the_same_mix_and_global_randomness_is_left_alone():
    before = torch.get_rng_state()
    a, b, c = (mixup([torch.zeros(9)], [torch.ones(9)], generator=seeded(s))[1] for s in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert torch.equal(torch.get_rng_state(), before)


def test_gradients_pass():
    x = torch.zeros(3, 2, requires_grad=True)
    (mixed,), lam = mixup([x], [torch.ones(3, 2)], generator=seeded())
    mixed.sum().backward()
    assert torch.equal(x.grad, lam[:, None].expand(3, 2))


def test_bad_input_is_named():
    x = torch.zeros(3, 2)
    with pytest.raises(ValueError, match="alpha must be a number of at least 0, got -1"):
        mixup([x], [x], alpha=-1)
    for first, second in (([x], [x[:2]]), ([x], [x, x]), ([x, x[:2]], [x, x[:2]])):
        with pytest.raises(ValueError, match="same shapes and number of rows"):
            mixup(first, second)
    with pytest.raises(ValueError, match="at least one tensor"):
        mixup([], [])
    with pytest.raises(ValueError, match=r"lam has shape \(2,\), expected \(3,\): a weight for each row"):
        mixup([x], [x], lam=torch.ones(2))


def test_weights_may_be_an_array():
    (mixed,), lam = mixup([torch.ones(2, 2)], [torch.zeros(2, 2)], lam=np.array([0.5, 0.75]))
    assert mixed.tolist() == [[0.5, 0.5], [0.75, 0.75]]
    assert lam.tolist() == [0.5, 0.75]
