"""What a fitted MLDM draws later: after fit_resample too, as a data set too, and never for a table of before."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

pytest.importorskip("torch")

from rarelabel import MLDM
from rarelabel.generative import _subset_model
from rarelabel.generative._copies import single_rows
from rarelabel.generative._subset_model import draw_for_labels

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


# Rounds of drawing: candidates come from a script, in place of a network


def rounds(monkeypatch, candidates, n_slots, n_choices=1):
    """Rows that draw_for_labels takes, and how many rounds it asks for.

    ``candidates`` gives, for a round and a number of candidates, their one feature. 7 is the training table's; a
    negative one lacks the label.
    """
    asked = []

    def draw_once(trained, wanted, *given, **place):
        X = np.asarray(candidates(len(asked), len(wanted)), dtype=float)[:, None]
        asked.append(len(wanted))
        return X, X >= 0

    monkeypatch.setattr(_subset_model, "draw_once", draw_once)
    trained = SimpleNamespace(frequencies=np.ones(1), hashes=single_rows(np.array([[7.0]])))
    X, _, rows = draw_for_labels(trained, np.zeros(n_slots, int), n_choices=n_choices, rng=np.random.default_rng(0))
    return X[:, 0].tolist(), rows.tolist(), len(asked)


def test_drawing_goes_on_while_rows_are_accepted(monkeypatch):
    # one slot is served in each round, the other candidates are copies
    values, rows, n_rounds = rounds(monkeypatch, lambda r, m: [100 + r] + [7] * (m - 1), n_slots=25)
    assert (sorted(values), rows, n_rounds) == ([100.0 + r for r in range(25)], list(range(25)), 25)


@pytest.mark.parametrize(("value", "taken"), [(-1, []), (7, [7.0, 7.0])])
def test_drawing_in_vain_ends_after_ten_rounds_and_only_copies_are_taken_then(monkeypatch, value, taken):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        values, _, n_rounds = rounds(monkeypatch, lambda r, m: [value] * m, n_slots=2)
    assert (values, n_rounds) == (taken, 10)
    assert [str(each.message) for each in told] == ["MLDM: 2 of the new rows equal rows of the table"][: len(taken)]


def test_drawing_ends_after_thirty_rounds(monkeypatch):
    # every fifth round serves a slot
    values, _, n_rounds = rounds(monkeypatch, lambda r, m: [r if r % 5 == 4 else -1] + [-1] * (m - 1), n_slots=50)
    assert (sorted(values), n_rounds) == ([4.0, 9.0, 14.0, 19.0, 24.0, 29.0], 30)


def test_in_the_last_round_a_copy_is_taken_only_where_no_other_candidate_is(monkeypatch):
    # nine rounds of copies, then candidates in pairs: copy and not, not and copy, two copies
    last = [7, 8, 9, 7, 7, 7]
    with pytest.warns(UserWarning, match="MLDM: 1 of the new rows equal rows of the table"):
        values, _, n_rounds = rounds(monkeypatch, lambda r, m: last if r == 9 else [7] * m, n_slots=3, n_choices=2)
    assert (sorted(values), n_rounds) == ([7.0, 8.0, 9.0], 10)
