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


def test_rows_under_conditions_on_labels_have_the_label_sets_of_the_rows_that_meet_them():
    X, Y = table(400)
    Y[:, 2] &= Y[:, 1]  # y2 is the rare label; of the rows with y1 a third carry it, of all others none
    model = quietly(MLDM(**SMALL).fit, X, Y)
    for conditions, meets in (
        ({"y1": 1}, Y[:, 1] == 1),
        ({"y0": 0, "y1": 1}, (Y[:, 0] == 0) & (Y[:, 1] == 1)),
        ({}, Y[:, 0] < 2),
    ):
        _, Y_new = model.sample(400, conditions)
        spread = 4 * np.sqrt(Y[meets].var(axis=0) / 400)
        assert (np.abs(Y_new.mean(axis=0) - Y[meets].mean(axis=0)) <= spread).all()


def test_labels_that_were_never_seen_together_are_drawn_by_the_model():
    X, Y = table(400)
    Y[:, 2] &= 1 - Y[:, 1]
    _, Y_new = quietly(MLDM(**SMALL).fit, X, Y).sample(100, {"y1": 1, "y2": 1})
    assert Y_new[:, 1:].all()
    assert len(np.unique(Y_new[:, 0])) == 2


def test_under_conditions_on_features_too_labels_come_from_the_model():
    X, Y = table(400)
    Y[:, 0] = X[:, 1] == "red"
    model = quietly(MLDM(**(SMALL | {"training_steps": 300, "width": 128})).fit, X, Y)
    for color, share in (("red", 1), ("blue", 0)):
        X_new, Y_new = model.sample(100, {"x1": color, "y1": 1})
        assert set(X_new[:, 1]) == {color}
        assert Y_new[:, 1].all()
        assert abs(Y_new[:, 0].mean() - share) < 0.2  # the label sets of all rows with y1: 0.5
