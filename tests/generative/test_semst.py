"""SEMST-ResNet as the network of MLDM."""

import numpy as np
import pytest

pytest.importorskip("torch")

from rarelabel import MLDM


def test_the_columns_of_one_category_are_one_token_in_a_sampler():
    X = np.random.default_rng(0).normal(size=(80, 3))
    category = np.random.default_rng(1).integers(0, 4, size=80).astype(float)
    Y = np.column_stack([X[:, 0] > -1, X[:, 1] > 0.8])
    sampler = MLDM(denoiser="semst", categorical_features=[3], training_steps=2, sampling_steps=2, random_state=0)
    with pytest.warns(UserWarning, match="carry a minority label"):
        sampler.fit(np.column_stack([X, category]), Y)
    assert sampler.trained_.model.denoiser.n_tokens == 3 + 1 + 2


def test_mldm_draws_with_it_what_the_rows_hold(tmp_path):
    pytest.importorskip("safetensors")
    rng = np.random.default_rng(0)
    Y = rng.random((300, 2)) < [0.8, 0.2]
    X = rng.normal(size=(300, 2)) * 0.5 + np.column_stack([3 * Y[:, 1], np.zeros(300)])
    model = MLDM(
        denoiser="semst",
        width=64,
        training_steps=200,
        learning_rate=3e-3,
        patience=None,
        batch_size=128,
        random_state=0,
    ).fit(X, Y)
    X_new, Y_new = model.sample(150, {"y1": 1})
    assert Y_new[:, 1].all()
    np.testing.assert_allclose(X_new.mean(axis=0), [3, 0], atol=0.25)
    np.testing.assert_allclose(X_new.std(axis=0), 0.5, rtol=0.35)
    model.save(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(MLDM.load(tmp_path / "model.safetensors").sample(20)[0], model.sample(20)[0])
