"""What all samplers with a trained model have in common, whatever their model is."""

import warnings
from operator import attrgetter

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sklearn.exceptions import NotFittedError  # noqa: E402

from rarelabel.generative._loading import METHODS  # noqa: E402
from rarelabel.schema import Column, Schema  # noqa: E402

SINGLE_LABEL = ("CWGANGP", "SEMResDDPM", "TabDDPM")


def table(method):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    rare = X[:, 0] > 1
    return X, rare.astype(int) if method in SINGLE_LABEL else np.column_stack([X[:, 1] > -1, rare]).astype(int)


def trained(method, **parameters):
    sampler = METHODS[method](training_steps=3, batch_size=16, random_state=0, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sampler.fit(*table(method))


@pytest.fixture(scope="module", params=METHODS)
def model(request):
    return trained(request.param)


def drawn(model, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three steps teach nothing: not all rows are accepted
        return model.sample(*arguments, **options)


@pytest.mark.parametrize("n", [-1, 2.5, "3", True])
def test_the_number_of_rows_is_a_count(model, n):
    with pytest.raises(ValueError, match=f"n must be an int of at least 0, got {n!r}"):
        model.sample(n)


def test_the_same_seed_draws_the_same_rows_and_another_seed_others(model):
    first, again, other = (drawn(model, 9, random_state=seed)[0] for seed in (None, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


def test_drawing_does_not_change_what_is_drawn_next(model):
    first = drawn(model, 5)
    drawn(model, 7)
    for mine, again in zip(first, drawn(model, 5), strict=True):
        np.testing.assert_array_equal(mine, again)


def test_a_model_of_a_table_before_is_forgotten_when_the_next_one_has_nothing_to_learn(model):
    method = type(model).__name__
    again = trained(method)
    X, _ = table(method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        balanced = np.arange(80) % 2 if method in SINGLE_LABEL else np.ones((80, 2), dtype=int)
        again.fit_resample(X, balanced)
    with pytest.raises(NotFittedError):
        again.sample(3)


def test_loading_takes_parameters_of_the_sampler_and_no_others(model, tmp_path):
    pytest.importorskip("safetensors")
    model.save(tmp_path / "model")
    again = type(model).load(tmp_path / "model", n_threads=2, random_state=5)
    assert (again.n_threads, again.random_state) == (2, 5)
    assert again.training_steps == model.training_steps
    with pytest.raises(TypeError, match=f"{type(model).__name__} has no parameter 'colour'"):
        type(model).load(tmp_path / "model", colour="red")


def test_loading_refuses_parameters_that_training_has_fixed(model, tmp_path):
    pytest.importorskip("safetensors")
    model.save(tmp_path / "model")
    with pytest.raises(ValueError, match=r"batch_size=7: this is fixed by training, and .*model was trained with \d+"):
        type(model).load(tmp_path / "model", batch_size=7)
    same = type(model).load(tmp_path / "model", batch_size=model.batch_size)
    for mine, again in zip(model.sample(9), same.sample(9), strict=True):
        np.testing.assert_array_equal(mine, again)


@pytest.mark.parametrize("method", ["MLDM", "SEMResDDPM", "TabDDPM"])
def test_steps_of_drawing_may_change_once_a_model_is_trained(method, tmp_path):
    pytest.importorskip("safetensors")
    model = trained(method)
    model.save(tmp_path / "model")
    before = model.sample(9)[0]
    other = METHODS[method].load(tmp_path / "model", sampling_steps=model.sampling_steps + 2).sample(9)[0]
    assert not np.array_equal(before, other)
    np.testing.assert_array_equal(model.set_params(sampling_steps=model.sampling_steps + 2).sample(9)[0], other)


@pytest.mark.parametrize(("method", "decoder"), [("AEMLO", "space.decode_features"), ("CVAE", "network.decoder")])
def test_a_category_that_no_row_has_is_never_drawn_whatever_the_network_says(method, decoder):
    X, Y = table(method)
    cities = np.random.default_rng(1).integers(0, 2, size=(80, 1))
    schema = Schema((Column("city", "category", ("a", "b", "c")), Column("x")), tuple(Column(n, "label") for n in "pq"))
    sampler = METHODS[method](training_steps=1, batch_size=16, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler.fit(np.column_stack([cities, X[:, 1]]), Y, schema=schema)
    (column,) = sampler.trained_.unseen
    with torch.no_grad():
        attrgetter(decoder)(sampler.trained_)[-1].bias[column] = 50.0
    X_new, _ = drawn(sampler, 200)
    assert set(X_new[:, 0]) == {0, 1}
