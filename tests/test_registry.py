"""Every method is found by its name, and only what exists is found."""

import subprocess
import sys

import pytest

from rarelabel import over_sampling, under_sampling
from rarelabel.base import BaseSampler
from rarelabel.registry import SAMPLERS, make_sampler, sampler_class


def test_the_registry_holds_every_exported_sampler_and_no_other():
    assert sorted(SAMPLERS) == sorted([*over_sampling.__all__, *under_sampling.__all__])


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_name_means_its_class_however_it_is_written(name):
    cls = sampler_class(name)
    assert cls.__name__ == name
    assert issubclass(cls, BaseSampler)
    for written in (name.lower(), name.upper(), f"{name[:2]}-{name[2:]}", f"{name[:2]}_{name[2:]}"):
        assert sampler_class(written) is cls


@pytest.mark.parametrize("wrong", ["SMOTE", "", "mlsmote2"])
def test_an_unknown_name_is_refused_with_those_that_exist(wrong):
    with pytest.raises(ValueError, match=r"no method is called .*; there are LPROS, LPRUS, MLROS"):
        sampler_class(wrong)


def test_parameters_are_passed_on_and_unknown_ones_refused_with_those_that_exist():
    assert make_sampler("mlsmote", k_neighbors=3).get_params()["k_neighbors"] == 3
    with pytest.raises(ValueError, match="MLROS has no parameter k_neighbors; it has random_state, sampling_strategy"):
        make_sampler("mlros", k_neighbors=3)


def test_the_registry_imports_no_method_before_it_is_asked():
    code = "import sys, rarelabel.registry; sys.exit('rarelabel.over_sampling' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
