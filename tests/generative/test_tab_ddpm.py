"""TabDDPM: what each of several classes looks like comes back, numbers and categories."""

import numpy as np
import pytest

pytest.importorskip("torch")

from rarelabel.generative import TabDDPM
from rarelabel.nn import MLPDenoiser


def test_classes_come_back_with_their_means_categories_and_missing_values():
    """Class b: x0 around 3, city mostly Oslo. Class c: x0 around -3, city mostly Rome, x1 missing on half."""
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], [300, 60, 60])
    x0 = rng.normal(size=420) * 0.5 + np.repeat([0, 3, -3], [300, 60, 60])
    x1 = np.where((y == "c") & (np.arange(420) % 2 == 0), np.nan, rng.normal(size=420))
    city = np.where(rng.random(420) < 0.1, "Bern", np.where(y == "b", "Oslo", "Rome"))
    X = np.column_stack([x0.astype(object), x1, city])
    small = {"width": 64, "training_steps": 300, "learning_rate": 3e-3, "batch_size": 64, "patience": None}
    model = TabDDPM(**small, random_state=0).fit(X, y)
    assert isinstance(model.trained_.model.denoiser, MLPDenoiser)
    for name, mean, town, gaps in (("a", 0, "Rome", 0), ("b", 3, "Oslo", 0), ("c", -3, "Rome", 0.5)):
        X_new, y_new = model.sample(200, {name: 1})
        assert set(y_new) == {name}
        assert abs(X_new[:, 0].astype(float).mean() - mean) < 0.4, name
        assert (X_new[:, 2] == town).mean() > 0.75, name
        assert abs(np.mean(X_new[:, 1].astype(float) != X_new[:, 1].astype(float)) - gaps) < 0.2, name
