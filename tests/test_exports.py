"""What a module promises in ``__all__`` is what it has, and importing the package stays light."""

import importlib
import inspect
import pkgutil
import subprocess
import sys
from importlib.util import find_spec

import pytest

import rarelabel

# units that cannot be imported without the extra
NEED_TORCH = ("nn", "diffusion", "training", "generative", "_device", "_team", "_tensor_files")
MODULES = [
    "rarelabel",
    *(m.name for m in pkgutil.walk_packages(rarelabel.__path__, "rarelabel.") if "__main__" not in m.name),
]
if find_spec("torch") is None:
    MODULES = [name for name in MODULES if name.split(".")[1:2] not in ([unit] for unit in NEED_TORCH)]
NEED_EXTRAS = ("rarelabel.evaluation.protocol",)  # says on import which extra it needs
if find_spec("pydantic") is None:
    MODULES = [name for name in MODULES if name not in NEED_EXTRAS]
PUBLIC = [name for name in MODULES if not any(part.startswith("_") for part in name.split("."))]
CORE = [
    name
    for name in PUBLIC
    if name.split(".")[1:2] not in ([unit] for unit in ("tasks", "cli", *NEED_TORCH)) and name not in NEED_EXTRAS
]
FACADES = [name for name in PUBLIC if hasattr(importlib.import_module(name), "__path__")]


def promised_by(module):
    """What is behind each name in ``__all__``, but for what says that it needs an extra which is not installed."""
    values = {}
    for name in module.__all__:
        try:
            values[name] = getattr(module, name)
        except ImportError as error:
            missing = find_spec("pydantic") is None or find_spec("torch") is None
            if not missing or "pip install 'rarelabel[" not in str(error):
                raise
    return values


@pytest.mark.parametrize("name", [name for name in PUBLIC if hasattr(importlib.import_module(name), "__all__")])
def test_every_promised_name_is_there_and_once(name):
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(value is not None for value in promised_by(module).values())


@pytest.mark.parametrize("name", FACADES)
def test_a_facade_exposes_exactly_what_it_promises(name):
    """Public names that are neither modules nor typing tools are all promised."""
    module = importlib.import_module(name)
    promised_by(module)
    exposed = {
        public
        for public, value in vars(module).items()
        if not public.startswith("_")
        and not inspect.ismodule(value)
        and getattr(value, "__module__", name).split(".")[0] == "rarelabel"
        and public not in ("annotations", "TYPE_CHECKING")
    }
    assert exposed <= set(module.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_module_and_public_name_is_documented(name):
    module = importlib.import_module(name)
    assert inspect.getdoc(module)
    for promised, value in (promised_by(module) if hasattr(module, "__all__") else {}).items():
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{name}.{promised}"


def test_the_package_lists_its_names_and_refuses_others():
    assert set(rarelabel.__all__) <= set(dir(rarelabel))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        rarelabel.nothing  # noqa: B018


def test_importing_the_package_pulls_in_nothing_heavy():
    heavy = {"torch", "pandas", "matplotlib", "pyarrow", "polars", "sklearn", "scipy"}
    code = f"import sys, rarelabel; print(*({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert found == []


def test_the_core_works_where_no_extra_is_installed():
    """scikit-learn itself loads pandas where there is one, so the extras are made impossible to import."""
    extras = ("torch", "pandas", "matplotlib", "pyarrow", "polars", "faiss", "imblearn", "pydantic", "jinja2", "dask")
    code = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {extras}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import numpy as np
import {", ".join(CORE)}
from rarelabel.registry import SAMPLERS, make_sampler
X, Y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40)[:, None] % [2, 3, 9] == 0
for name in SAMPLERS:
    if name not in ("AEMLO", "CVAE", "MLDM"):
        make_sampler(name).fit_resample(X, Y)
try:
    make_sampler("MLDM")
except ImportError as error:
    assert "rarelabel[torch]" in str(error)
else:
    raise AssertionError("there was to be no torch")
from rarelabel import tasks
assert "rarelabel[torch]" in next(method.summary for method in tasks.methods() if method.name == "MLDM")
import rarelabel.evaluation
assert rarelabel.evaluation.friedman and rarelabel.evaluation.Results and rarelabel.evaluation.compare
try:
    rarelabel.evaluation.Spec
except ImportError as error:
    assert "rarelabel[bench]" in str(error)
else:
    raise AssertionError("there was to be no pydantic")
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
