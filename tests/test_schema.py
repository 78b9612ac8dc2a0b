"""A schema says what each column is, and cannot contradict itself."""

import dataclasses
import pickle

import numpy as np
import pytest

from rarelabel.schema import Column, Schema

SCHEMA = Schema(
    (Column("age", "integer"), Column("sex", "category", ("f", "m")), Column("height")), (Column("ill", "label"),)
)


def test_masks_and_names_follow_the_columns():
    assert SCHEMA.feature_names == ("age", "sex", "height")
    assert SCHEMA.label_names == ("ill",)
    assert (SCHEMA.n_features, SCHEMA.n_labels) == (3, 1)
    np.testing.assert_array_equal(SCHEMA.is_category, [False, True, False])
    np.testing.assert_array_equal(SCHEMA.is_integer, [True, False, False])
    assert [column.n_categories for column in SCHEMA.features] == [0, 2, 0]


def test_a_table_of_numbers_has_numbered_columns():
    schema = Schema.numeric(2, ["a", "b"], exclusive=True)
    assert schema == Schema((Column("x0"), Column("x1")), (Column("a", "label"), Column("b", "label")), True)


def test_masks_of_no_columns_are_empty_and_boolean():
    assert Schema(()).is_category.dtype == bool
    assert Schema(()).is_category.shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "text"), "column 'a': unknown kind 'text'"),
        (("a", "numeric", ("x",)), "column 'a': a numeric column has no categories"),
        (("a", "category", ("x", "y", "x")), r"column 'a': categories are repeated: \('x', 'y', 'x'\)"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused_by_name(arguments, message):
    with pytest.raises(ValueError, match=message):
        Column(*arguments)


def test_a_schema_is_a_value():
    assert pickle.loads(pickle.dumps(SCHEMA)) == SCHEMA
    assert hash(SCHEMA) == hash(dataclasses.replace(SCHEMA))
    with pytest.raises(dataclasses.FrozenInstanceError):
        SCHEMA.exclusive = True
