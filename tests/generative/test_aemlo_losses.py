"""The terms of AEMLO's loss against slow direct evaluations, hand-worked examples and their gradients."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from rarelabel.encoding import Block, TableEncoder  # noqa: E402
from rarelabel.generative._latent_losses import (  # noqa: E402
    feature_loss,
    latent_loss,
    mean_correlation,
    ranking_loss,
    soft_ranking_loss,
)
from rarelabel.generative._latent_model import LatentRecipe, LatentSpace  # noqa: E402
from rarelabel.generative._released_space import released_loss, squared_distances  # noqa: E402


def views(n=12, z=3, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(n, z, generator=generator, dtype=dtype) for _ in range(2))


def direct_latent_loss(U, V, orthogonality):
    """Row by row and entry by entry, in double precision."""
    U, V = np.asarray(U, dtype=float), np.asarray(V, dtype=float)
    n, z = U.shape
    distance = sum(((u - v) ** 2).sum() for u, v in zip(U, V, strict=True)) / n
    departure = 0.0
    for A in (U, V):
        mean = A.mean(axis=0)
        for j in range(z):
            for k in range(z):
                covariance = sum((a[j] - mean[j]) * (a[k] - mean[k]) for a in A) / n
                departure += (covariance - (j == k)) ** 2
    return (distance + orthogonality * departure) / z


@pytest.mark.parametrize("orthogonality", [0.0, 0.1, 2.0])
def test_the_latent_loss_is_that_of_a_direct_evaluation(orthogonality):
    U, V = views()
    found = latent_loss(U, V, orthogonality).item()
    assert found == pytest.approx(direct_latent_loss(U, V, orthogonality), rel=1e-12)
    of_floats = latent_loss(U.float(), V.float(), orthogonality).item()
    assert of_floats == pytest.approx(found, rel=1e-5)


def test_the_latent_loss_stands_a_mean_far_from_0():
    """In single precision the covariances of numbers near 10,000 would have no right digit."""
    U, V = views(n=200)
    far = latent_loss((U + 1e4).float(), (V + 1e4).float()).item()
    assert far == pytest.approx(latent_loss(U, V).item(), rel=1e-2)


def test_gradients_of_the_latent_and_the_ranking_loss():
    U, V = (view.requires_grad_() for view in views(n=6))
    assert torch.autograd.gradcheck(latent_loss, (U, V))
    Y = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 1], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda scores: ranking_loss(scores, Y), (U,))


def test_the_correlation_of_views_is_that_of_each_dimension():
    U, V = views(n=400, z=5)
    assert mean_correlation(U, 3 * U + 2) == pytest.approx(1)
    by_hand = np.mean([np.corrcoef(u, v)[0, 1] for u, v in zip(U.T.numpy(), (U + V).T.numpy(), strict=True)])
    assert mean_correlation(U, U + V) == pytest.approx(by_hand)
    half = torch.cat([U[:, :2], torch.zeros_like(U[:, 2:])], dim=1)  # three that do not vary count 0
    assert mean_correlation(U, half) == pytest.approx(2 / 5)


def test_views_of_few_rows_that_have_nothing_in_common_have_no_correlation():
    """Canonical correlations would find 0.9 here: 16 directions are free, and there are 20 rows."""
    found = [mean_correlation(*(torch.randn(20, 16, generator=torch.Generator().manual_seed(2 * i + j))
                                for j in (0, 1))) for i in range(20)]  # fmt: skip
    assert np.mean(found) == pytest.approx(0, abs=0.05)


def test_the_soft_ranking_loss_is_finite_however_far_scores_are_apart():
    scores = torch.tensor([[-50.0, 50.0], [3.0, 1.0], [1.0, 2.0]], requires_grad=True)
    Y = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    loss = soft_ranking_loss(scores, Y)
    assert loss.tolist() == pytest.approx([100, np.log1p(np.exp(-2)), 0])
    loss.sum().backward()
    slope = 1 / (1 + np.exp(2))
    np.testing.assert_allclose(scores.grad, [[-1, 1], [-slope, slope], [0, 0]], rtol=1e-5)


def test_under_the_constraint_the_least_distance_is_the_largest_correlation():
    """With covariances I and means 0: E|u - v|² = 2 z - 2 tr Cov(u, v)."""
    U, V = (torch.linalg.qr(view - view.mean(0))[0] * 50**0.5 for view in views(n=50))
    trace = (U * V).sum().item() / 50
    assert latent_loss(U, V, 7.0).item() == pytest.approx((2 * 3 - 2 * trace) / 3, rel=1e-9)


def test_the_ranking_loss_is_the_mean_over_pairs():
    scores = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.5, 1.0]])
    Y = torch.tensor([[1.0, 0, 0], [0, 1, 1]])
    by_hand = [(np.exp(-2) + np.exp(-3)) / 2, (np.exp(0) + np.exp(-0.5)) / 2]
    np.testing.assert_allclose(ranking_loss(scores, Y), by_hand, rtol=1e-6)


def test_the_ranking_loss_of_rows_without_pairs_is_0_with_no_gradient():
    scores = torch.randn(2, 4, requires_grad=True)
    loss = ranking_loss(scores, torch.tensor([[0.0] * 4, [1.0] * 4]))
    loss.sum().backward()
    assert loss.tolist() == [0, 0]
    assert scores.grad.abs().sum() == 0


def test_the_feature_loss_by_hand():
    """A number 0.3 off, an even guess at a bit and at one of two categories; one number beside its usual state."""
    blocks = (
        Block("numeric", 0, 2, (0, 1)), Block("usual", 2, 3, (1,)), Block("binary", 3, 4, (2,)),
        Block("category", 4, 6, (3,)),
    )  # fmt: skip
    Z = torch.tensor([[1.0, 0.0, 1.0, 1.0, 0.0, 1.0], [1.0, 0.5, 0.0, 1.0, 0.0, 1.0]])
    decoded = torch.tensor([[1.3, 9.0, 50.0, 0.0, 0.0, 0.0], [1.3, 0.6, -50.0, 0.0, 0.0, 0.0]])
    by_hand = [(0.3 + 2 * np.log(2)) / 5, (0.3 + 0.1 + 2 * np.log(2)) / 5]  # the 9 means nothing
    np.testing.assert_allclose(feature_loss(decoded, Z, blocks), by_hand, rtol=1e-5)


def test_the_released_loss_is_that_of_its_tensor_of_pairs():
    """Differences of all pairs of rows and label pairs one by one, as the released code has them."""
    rng = np.random.default_rng(0)
    n, d, q = 7, 4, 3
    X, Y = rng.uniform(-1, 1, size=(n, d)), rng.random((n, q)) < 0.5
    Y[0] = [True, False, True]
    from rarelabel.schema import Schema

    encoder = TableEncoder("minmax", usual_share=1.0).fit(X, Schema.numeric(d))
    recipe = LatentRecipe(latent_size=5, width=6, label_width=4, released=True)
    with torch.random.fork_rng():
        space = LatentSpace(d, q, recipe).double()
    Z, T = torch.from_numpy((encoder.transform(X) + 1) / 2), torch.from_numpy(Y.astype(float))
    found = released_loss(space, Z, T, torch.zeros(n, 5), encoder, recipe).item()
    U, V = space.encode_features(Z), space.encode_labels(T)
    identity = torch.eye(5)
    latent = ((U - V) ** 2).sum() + 0.1 * (((U.T @ U - identity) ** 2).sum() + ((V.T @ V - identity) ** 2).sum())
    label, scores = 0.0, space.decode_labels(V)
    for s, y in zip(scores, Y, strict=True):
        pairs = [torch.exp(-(s[p] - s[r])) for p in np.flatnonzero(y) for r in np.flatnonzero(~y)]
        label += sum(pairs) / (y.sum() * (~y).sum() + 1e-4)
    decoded = space.decode_features(U)
    squares = [((A[:, None] - A[None]) ** 2).sum(-1) for A in (Z, decoded)]
    feature = (decoded - Z).abs().mean() + ((squares[0] - squares[1]) ** 2).sum() / (n * (n - 1))
    assert found == pytest.approx(((latent + label + feature) / n).item(), rel=1e-6)


def test_squared_distances_by_hand():
    assert squared_distances(torch.tensor([[0.0, 0], [3, 4]])).tolist() == [[0, 25], [25, 0]]
