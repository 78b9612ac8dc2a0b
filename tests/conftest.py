"""Fixtures that many tests share."""

import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

# Time limits for single examples fail on busy machines and say nothing of the code. CI draws the same examples each
# time, so that a change fails for what it changes; elsewhere they are fresh.
settings.register_profile("rarelabel", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("rarelabel")

_BESIDE_THE_CHECKOUT = Path(__file__).resolve().parents[2] / "shared"


def _folder(variable, name):
    """The folder that the environment variable names, else the one that lies beside the checkout."""
    folder = Path(os.environ.get(variable, _BESIDE_THE_CHECKOUT / name))
    if not folder.is_dir():
        pytest.skip(f"no {name} folder at {folder}; set {variable} to run this test")
    return folder


@pytest.fixture(scope="session")
def data_folder():
    """Folder with the real data sets (``multilabel/``, ``tabular/``)."""
    return _folder("RARELABEL_DATA", "data")


@pytest.fixture(scope="session")
def reference_folder():
    """Folder with values that reference implementations gave."""
    return _folder("RARELABEL_REFERENCE", "reference")


@pytest.fixture(autouse=True)
def _seeded():
    """The global generators start alike in each test, alone or after others: first weights of a network, and
    estimators of scikit-learn without ``random_state``, draw from them."""
    numpy_state = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002, TID251
    torch = sys.modules.get("torch")
    torch_state = None if torch is None else torch.get_rng_state()
    if torch is not None:
        torch.manual_seed(0)
    yield
    np.random.set_state(numpy_state)  # noqa: NPY002
    if torch_state is not None:
        torch.set_rng_state(torch_state)


@pytest.fixture(autouse=True)
def _quick_training(request, monkeypatch):
    """Samplers that train do so for two steps of a small network, but for their own tests (folder ``generative``)."""
    if "generative" in request.path.parts or find_spec("torch") is None:
        return
    from rarelabel.generative import _latent_training, _mldm, _variational

    small = {"steps": 2, "width": 16, "batch_size": 16}
    for module, more in (
        (_mldm, {"sampling_steps": 3}),
        (_latent_training, {"latent_size": 8, "label_width": 16}),
        (_variational, {"latent_size": 8}),
    ):
        monkeypatch.setattr(module, "recipe_of", _shrunk(module.recipe_of, small | more))


def _shrunk(recipe_of, small):
    return lambda *given: replace(recipe_of(*given), **small)
