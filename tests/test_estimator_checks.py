"""The checks that scikit-learn and imbalanced-learn run on estimators, run on every sampler."""

import warnings

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from rarelabel.registry import sampler_class, sampler_names

SAMPLERS = sampler_names(installed=True)

CARRYING_NAN = ["AEMLO", "CVAE", "LPROS", "MLDM", "LPRUS", "MLROS", "MLRUS", "REMEDIAL"]


@parametrize_with_checks([sampler_class(name)() for name in SAMPLERS])
def test_scikit_learn_checks(estimator, check):
    """Every check of scikit-learn, with no failure expected."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore",
            "(no row carries|.*rarer than the average|.*(skips|makes|removes|fewer than)|(MLDM|AEMLO|CVAE): )",
            UserWarning,
        )
        check(estimator)


IMBLEARN_CHECKS = [
    "check_samplers_fit",
    "check_samplers_sparse",
    "check_samplers_pandas_sparse",
    "check_samplers_list",
    "check_samplers_preserve_dtype",
    "check_samplers_string",
    "check_samplers_nan",
]
"""Those that apply as they are. Left out, and tested in our own way in test_all_samplers.py: sample_indices asks for a
tag of imbalanced-learn's own base class, pandas for a frame with one column of classes (a frame is an indicator here),
and the feature-name checks call ``fit_resample`` with ``y=``."""


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("check", IMBLEARN_CHECKS)
def test_checks_of_imbalanced_learn(name, check):
    sampler = sampler_class(name)()
    checks = pytest.importorskip("imblearn.utils.estimator_checks")
    if check == "check_samplers_nan" and name not in CARRYING_NAN:
        with pytest.raises(ValueError, match="NaN"):
            checks.check_samplers_nan(name, sampler)
    else:
        if hasattr(sampler, "random_state"):
            sampler.set_params(random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            getattr(checks, check)(name, sampler)
