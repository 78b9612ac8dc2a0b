"""Class generators learn a known truth: numbers, two modes, categories, missing values, and what goes with the class.

Rows of the rare class have x0 around -2 or 2 alike, x1 around 1.5, x2 missing on half, and the town Oslo on 0.7; rows
of the frequent class x0 and x1 around 0, x2 never missing, and Oslo on 0.1. By chance a share or mean of m new rows of
a model of n rows misses the truth by sd sqrt(1/n + 1/m): four of these are allowed, and beyond them a slack for what so
short a training leaves. What the other class has lies further away.
"""

import numpy as np
import pytest

pytest.importorskip("torch")

from rarelabel.generative import CWGANGP, SEMResDDPM, TabDDPM
from rarelabel.nn import MLPDenoiser, SEMSTResNet

N_OFTEN, N_RARE, N_NEW = 600, 300, 500
DIFFUSION = {"batch_size": 128, "learning_rate": 3e-3, "patience": None}
LEARNING = {
    SEMResDDPM: {**DIFFUSION, "width": 64, "training_steps": 200},
    TabDDPM: {**DIFFUSION, "width": 64, "training_steps": 250},
    CWGANGP: {"training_steps": 300, "critic_steps": 3, "batch_size": 64, "learning_rate": 1e-3},
}
SLACK = {SEMResDDPM: 0.25, TabDDPM: 0.25, CWGANGP: 0.75}
"""Of means and spreads, in sd."""


def truth(seed):
    rng = np.random.default_rng(seed)
    n = N_OFTEN + N_RARE
    is_rare = np.arange(n) >= N_OFTEN
    x0 = np.where(is_rare, rng.choice([-2, 2], n) + 0.4 * rng.normal(size=n), rng.normal(size=n))
    x1 = np.where(is_rare, 1.5 + 0.5 * rng.normal(size=n), rng.normal(size=n))
    x2 = np.where(is_rare & (rng.random(n) < 0.5), np.nan, rng.normal(size=n))
    u = rng.random(n)
    town = np.select([u < np.where(is_rare, 0.7, 0.1), u < np.where(is_rare, 0.9, 0.3)], ["Oslo", "Rome"], "Bern")
    return np.column_stack([x0.astype(object), x1, x2, town]), np.where(is_rare, "rare", "often")


@pytest.fixture(
    scope="module",
    params=[(cls, seed) for cls in LEARNING for seed in range(3)],
    ids=lambda p: f"{p[0].__name__}-{p[1]}",
)
def drawn(request):
    """The method, its fitted model, and new rows of both classes: numbers (x0, x1, x2) and towns."""
    cls, seed = request.param
    with pytest.warns(UserWarning, match="columns have missing values"):
        model = cls(**LEARNING[cls], random_state=seed).fit(*truth(seed))
    rows = {}
    for name in ("rare", "often"):
        X, y = model.sample(N_NEW, {name: 1})
        assert set(y) == {name}
        rows[name] = X[:, :3].astype(float), X[:, 3]
    return cls, model, rows


def near(found, true, sd, n, slack):
    assert abs(found - true) < 4 * sd * np.sqrt(1 / n + 1 / N_NEW) + slack, (found, true)


def test_a_class_comes_back_with_its_means_spread_categories_and_missing_values(drawn):
    cls, _, rows = drawn
    slack = SLACK[cls]
    expected = {"rare": (N_RARE, 1.5, 0.5, 0.5, 0.7), "often": (N_OFTEN, 0.0, 1.0, 0.0, 0.1)}
    for name, (n, mean, sd, gaps, oslo) in expected.items():
        X, town = rows[name]
        near(X[:, 1].mean(), mean, sd, n, slack * sd)
        assert sd * (0.85 - slack) < X[:, 1].std() < sd * (1.15 + slack)
        near(np.isnan(X[:, 2]).mean(), gaps, 0.5, n, 0.15)
        near((town == "Oslo").mean(), oslo, np.sqrt(oslo * (1 - oslo)), n, 0.15)
        assert not np.isnan(X[:, :2]).any()


def test_both_modes_of_a_class_come_back(drawn):
    """Half of the rows each; of the frequent class 0.16 lie beyond -1 and beyond 1."""
    _, _, rows = drawn
    x0 = rows["rare"][0][:, 0]
    low, high = (x0 < -1).mean(), (x0 > 1).mean()
    chance = 4 * np.sqrt(0.25 * (1 / N_RARE + 1 / N_NEW))
    assert min(low, high) > 0.5 - chance - 0.15
    assert low + high > 0.65
    assert (np.abs(rows["often"][0][:, 0]) > 1).mean() < 0.32 + chance + 0.1


def test_networks_are_the_ones_of_the_papers(drawn):
    cls, model, _ = drawn
    expected = {SEMResDDPM: SEMSTResNet, TabDDPM: MLPDenoiser}
    assert cls not in expected or isinstance(model.trained_.model.denoiser, expected[cls])
