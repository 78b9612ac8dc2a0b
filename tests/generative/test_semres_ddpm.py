"""SEMRes-DDPM: the parts of its network can be switched off, columns can be asked for, training can be watched."""

import numpy as np
import pytest

pytest.importorskip("torch")

from rarelabel.generative import SEMResDDPM

SMALL = {"width": 16, "n_timesteps": 50, "sampling_steps": 3, "training_steps": 4, "batch_size": 16, "random_state": 0}


def mixture(seed=0):
    """400 rows around 0 and 40 of a rare class: around -2 and 2 alike in x0, around 1.5 in x1."""
    rng = np.random.default_rng(seed)
    side = np.repeat([-2, 2], 20)
    rare = np.column_stack([side + 0.3 * rng.normal(size=40), 1.5 + 0.5 * rng.normal(size=40)])
    X = np.concatenate([rng.normal(size=(400, 2)), rare])
    return X, np.array(["often"] * 400 + ["rare"] * 40)


@pytest.mark.parametrize("part", ["attention", "shrinkage", "residual"])
def test_a_part_that_is_switched_off_is_not_trained(part, tmp_path):
    X, y = mixture()
    whole, without = (SEMResDDPM(**SMALL, **{part: on}).fit(X, y) for on in (True, False))
    blocks = [[name for name, _ in model.trained_.model.denoiser.named_parameters()] for model in (whole, without)]
    assert blocks[1] == [name for name in blocks[0] if f".{part}." not in name]
    assert without.trained_.model.denoiser.blocks[0].residual == (part != "residual")
    assert (whole.sample(10)[0] != without.sample(10)[0]).any()
    pytest.importorskip("safetensors")
    without.save(tmp_path / "model.safetensors")
    again = SEMResDDPM.load(tmp_path / "model.safetensors")
    assert getattr(again, part) is False
    np.testing.assert_array_equal(again.sample(10)[0], without.sample(10)[0])


def test_attention_is_there_when_asked_for():
    X, y = mixture()
    for parameters, expected in [({}, False), ({"attention": True}, True)]:
        blocks = SEMResDDPM(**SMALL | parameters).fit(X, y).trained_.model.denoiser.blocks
        assert [each.attention is not None for each in blocks] == [expected] * len(blocks)
        assert all(each.shrinkage is not None and each.residual for each in blocks)


def test_rows_can_be_drawn_under_a_condition_on_a_column():
    X, y = mixture()
    model = SEMResDDPM(**SMALL).fit(X, y)
    X_new, y_new = model.sample(12, {"rare": 1, "x1": X[3, 1]})
    np.testing.assert_allclose(X_new[:, 1], X[3, 1], rtol=1e-4)
    assert set(y_new) == {"rare"}
    with pytest.raises(ValueError, match="lies outside of what the training rows hold"):
        model.sample(3, {"x1": 99.0})


def test_training_can_be_watched_and_cancelled():
    X, y = mixture()
    records = []
    sampler = SEMResDDPM(**SMALL | {"training_steps": 500}, progress=records.append, cancel=lambda: bool(records))
    X_res, _ = sampler.fit_resample(X, y)
    assert sampler.stopped_ == "cancelled"
    assert sampler.loss_history_[:, 0].tolist() == [record.step for record in records] == [50]
    assert len(X_res) == 800
    assert np.isfinite(X_res).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_timesteps": 0}, "n_timesteps must be an int of at least 1, got 0"),
        ({"width": 0}, "width must be None or an int of at least 1, got 0"),
        ({"patience": "x"}, "patience must be None or an int of at least 1, got 'x'"),
        ({"attention": "no"}, "attention must be True or False, got 'no'"),
        ({"weight_decay": -1}, "weight_decay must be a number of at least 0, got -1"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"dropout": "x"}, r"dropout must be in \[0, 1\), got 'x'"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        SEMResDDPM(**SMALL | parameters).fit(*mixture())
