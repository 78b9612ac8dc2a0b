"""Losses: direct evaluation in high precision, gradients where sigmoids saturate, special cases, NaN."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rarelabel.augmentation import AsymmetricLoss, LabelManager, reliability_weighted_bce  # noqa: E402


def cells(seed=0, shape=(5, 4), scale=3.0):
    rng = np.random.default_rng(seed)
    return rng.normal(scale=scale, size=shape), rng.random(shape), rng.random(shape)


def bce(z, y):
    p = 1 / (1 + math.exp(-z))
    return -y * math.log(p) - (1 - y) * math.log(1 - p)


def asl(z, y, positive, negative, margin):
    p = 1 / (1 + math.exp(-z))
    pm = max(p - margin, 0)
    return -y * (1 - p) ** positive * math.log(p) - (1 - y) * pm**negative * math.log(1 - pm)


def total(loss, logits, targets, weights):
    """Sum over labels, mean over rows."""
    return sum(
        w * loss(z, y) for row in zip(logits, targets, weights, strict=True) for z, y, w in zip(*row, strict=True)
    ) / len(logits)


def test_weighted_bce_is_equation_10():
    logits, targets, weights = cells()
    found = reliability_weighted_bce(torch.tensor(logits), targets, weights)
    assert found.item() == pytest.approx(total(bce, logits, targets, weights), rel=1e-12)
    plain = reliability_weighted_bce(torch.tensor(logits), targets)
    assert plain.item() == pytest.approx(total(bce, logits, targets, np.ones_like(weights)), rel=1e-12)


@pytest.mark.parametrize("parameters", [(0, 4, 0.05), (1, 4, 0.05), (2, 2, 0), (0.5, 1.5, 0.2), (0, 0, 0)])
def test_asymmetric_loss_is_its_formula(parameters):
    logits, targets, weights = cells(1)
    positive, negative, margin = parameters
    loss = AsymmetricLoss(gamma_positive=positive, gamma_negative=negative, margin=margin)
    expected = total(lambda z, y: asl(z, y, *parameters), logits, targets, weights)
    assert loss(torch.tensor(logits), targets, weights).item() == pytest.approx(expected, rel=1e-10)
    z = torch.tensor(logits, requires_grad=True)
    loss(z, targets, weights).backward()
    h = 1e-6
    for i, k in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[i, k] = h
        difference = loss(z + torch.tensor(step), targets, weights) - loss(z - torch.tensor(step), targets, weights)
        assert z.grad[i, k].item() == pytest.approx(difference.item() / (2 * h), abs=1e-8)


def test_special_cases_of_the_asymmetric_loss():
    logits, targets, _ = cells(2)
    z = torch.tensor(logits)
    none = AsymmetricLoss(gamma_negative=0, margin=0)
    assert none(z, targets).item() == pytest.approx(reliability_weighted_bce(z, targets).item(), rel=1e-12)
    shifted = AsymmetricLoss(reduction="none")
    at_margin = math.log(0.05 / 0.95)
    assert shifted(torch.tensor([[at_margin - 0.01]]), [[0]]).item() == 0
    assert shifted(torch.tensor([[at_margin + 0.01]]), [[0]]).item() > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(
    "loss",
    [
        reliability_weighted_bce,
        AsymmetricLoss(),
        AsymmetricLoss(gamma_positive=0.5, gamma_negative=0.5, margin=0),
        AsymmetricLoss(gamma_positive=1, gamma_negative=0.5),
    ],
)
def test_saturated_logits_have_finite_losses_and_gradients(loss, dtype):
    z = torch.tensor([[100.0, -100.0, 100.0, -100.0, 0.0]], dtype=dtype, requires_grad=True)
    value = loss(z, [[1, 0, 0, 1, 1]], [[1, 1, 1, 1, 0.3]])
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(z.grad).all()
    grad = z.grad[0].tolist()
    assert abs(grad[0]) < 1e-6
    assert abs(grad[1]) < 1e-6
    assert grad[2] >= 0
    assert grad[3] < -0.1  # what is wrong for certain pulls
    assert grad[4] < 0


def test_a_batch_of_which_nothing_is_trusted():
    """All labels ambiguous with probability 0 of being clean: no loss, no gradient, no NaN."""
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    value = reliability_weighted_bce(logits, torch.ones(6, 3), torch.zeros(6, 3))
    value.backward()
    assert value.item() == 0
    assert (logits.grad == 0).all()
    losses = np.r_[np.linspace(0, 0.1, 50), np.linspace(20, 21, 12)][:, None]
    manager = LabelManager().fit(losses, np.ones((62, 1)))
    managed = manager.manage(losses[50:], np.ones((12, 1)), [np.full((12, 1), 0.5)])
    assert managed.ambiguous.all()
    value = reliability_weighted_bce(torch.zeros(12, 1), managed.labels, managed.weights)
    assert 0 <= value.item() < 1e-6


def test_reductions():
    logits, targets, weights = (torch.tensor(values) for values in cells(3))
    single = reliability_weighted_bce(logits, targets, weights, reduction="none")
    assert single.shape == (5, 4)
    assert reliability_weighted_bce(logits, targets, weights).item() == pytest.approx(single.sum().item() / 5)
    mean = reliability_weighted_bce(logits, targets, weights, reduction="mean")
    assert mean.item() == pytest.approx(single.sum().item() / 20)


@pytest.mark.parametrize("loss", [reliability_weighted_bce, AsymmetricLoss()])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_logit_that_is_no_number_is_named(loss, value):
    logits = torch.zeros(3, 4)
    logits[2, 1] = value
    with pytest.raises(ValueError, match=rf"the logit at \[2, 1\] \(row, label\) is {value}: expected finite numbers"):
        loss(logits, torch.zeros(3, 4))


def test_bad_input_is_named():
    z = torch.zeros(3, 4)
    with pytest.raises(ValueError, match=r"targets have shape \(3, 2\), logits \(3, 4\): expected the same"):
        reliability_weighted_bce(z, z[:, :2])
    with pytest.raises(ValueError, match=r"weights have shape \(4,\), logits \(3, 4\)"):
        reliability_weighted_bce(z, z, torch.ones(4))
    with pytest.raises(ValueError, match=r"reduction must be one of .* got 'sum'"):
        reliability_weighted_bce(z, z, reduction="sum")
    with pytest.raises(ValueError, match="gamma_negative must be at least 0, got -1"):
        AsymmetricLoss(gamma_negative=-1)
    with pytest.raises(ValueError, match=r"margin must lie in \[0, 1\), got 1"):
        AsymmetricLoss(margin=1)
    assert repr(AsymmetricLoss()) == (
        "AsymmetricLoss(gamma_positive=0.0, gamma_negative=4.0, margin=0.05, reduction='sum_mean')"
    )
