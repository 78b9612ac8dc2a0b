"""Numbers that are one value nearly everywhere come back with their share of it, and with the spread of the others."""

import warnings

import numpy as np
import pytest

pytest.importorskip("torch")

from rarelabel import MLDM


@pytest.fixture(scope="module")
def tables():
    """Words' weights: each of 10 columns is 0 on nine of ten rows, 1 to e else; on rows with the rare label half."""
    rng = np.random.default_rng(0)
    Y = rng.random((600, 2)) < [0.7, 0.15]
    weights = np.exp(rng.random((600, 10)))
    present = rng.random((600, 10)) < np.where((np.arange(10) < 4) & Y[:, [1]], 0.5, 0.1)
    X = np.where(present, weights, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = MLDM(sampling_strategy=400, width=64, training_steps=500, n_choices=1, random_state=0)
        X_res, _ = sampler.fit_resample(X, Y)
    return X[Y[:, 1]], X_res[600:]


def test_shares_of_zeros_are_those_of_the_rows_with_the_label(tables):
    real, new = ((X != 0).mean(axis=0) for X in tables)
    assert new[:4].mean() == pytest.approx(real[:4].mean(), abs=0.08)
    assert new[4:].mean() == pytest.approx(real[4:].mean(), abs=0.04)


def test_the_others_are_spread_as_they_were(tables):
    real, new = (X[X != 0] for X in tables)
    assert new.min() >= 1
    levels = [0.1, 0.25, 0.5, 0.75, 0.9]
    assert np.quantile(new, levels) == pytest.approx(np.quantile(real, levels), rel=0.1)
