"""What a fitted MLDM draws later: after fit_resample too, as a data set too, and never for a table of before."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

pytest.importorskip("torch")

from rarelabel import MLDM

SMALL = {"width": 32, "training_steps": 20, "sampling_steps": 5, "random_state": 0}


def table(n=120):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=n).round(2).astype(object), rng.choice(["red", "blue"], n)])
    return X, (rng.random((n, 3)) < [0.8, 0.3, 0.1]).astype(np.int8)


def quietly(function, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few rows carry a rare label
        return function(*arguments)


def test_a_model_that_resampled_draws_what_a_fitted_one_draws():
    resampler, fitted = MLDM(**SMALL), MLDM(**SMALL)
    quietly(resampler.fit_resample, *table())
    quietly(fitted.fit, *table())
    for a, b in zip(resampler.sample(30), fitted.sample(30), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_data_set_holds_the_rows_as_codes_with_the_columns_of_the_table():
    model = quietly(MLDM(**SMALL).fit, *table())
    X, Y = model.sample(40, {"x1": "red"})
    drawn = model.sample_dataset(40, {"x1": "red"})
    assert drawn.schema == model.schema_
    np.testing.assert_array_equal(drawn.X[:, 0], X[:, 0].astype(float))
    assert [drawn.schema.features[1].categories[int(code)] for code in drawn.X[:, 1]] == X[:, 1].tolist()
    np.testing.assert_array_equal(drawn.Y, Y)


@pytest.mark.parametrize("method", ["fit", "fit_resample"])
def test_a_table_without_rare_labels_leaves_no_model_of_the_table_before(method):
    model = quietly(MLDM(**SMALL).fit, *table())
    X, _ = table()
    quietly(getattr(model, method), X, np.ones((120, 2), dtype=int))
    with pytest.raises(NotFittedError):
        model.sample(5)
    with pytest.raises(NotFittedError):
        model.sample_dataset(5)
