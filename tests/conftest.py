"""Fixtures that many tests share."""

import os
from pathlib import Path

import pytest

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
