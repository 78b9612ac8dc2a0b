"""Real and new rows come out of the door in the same columns, codes and labels."""

import numpy as np
import pytest
from scipy import sparse

from rarelabel._validation import validate_feature_pair, validate_label_pair
from rarelabel.schema import Column, Schema


def test_codes_of_new_rows_follow_the_real_ones_and_unseen_values_come_after():
    pair = validate_feature_pair([["b", 1], ["a", 2]], [["c", 3], [None, 4], ["b", 5]])
    assert pair.schema.features == (Column("x0", "category", ("a", "b", "c")), Column("x1", "integer"))
    np.testing.assert_array_equal(pair.real, [[1, 1], [0, 2]])
    np.testing.assert_array_equal(pair.new, [[2, 3], [np.nan, 4], [1, 5]])


def test_kinds_that_go_together():
    """Whole numbers beside others are numbers; a column without a value takes the kind of the other side."""
    assert validate_feature_pair([[1], [2]], [[1.5], [2.5]]).schema.features[0].kind == "numeric"
    for real, new in (([["a"]], [[None]]), ([[None]], [["a"]]), ([[1.5]], [[None]]), ([[None]], [[1.5]])):
        kind = "category" if "a" in (real[0][0], new[0][0]) else "numeric"
        assert validate_feature_pair(real, new).schema.features[0].kind == kind
    with pytest.raises(ValueError, match="column 'x0' is category in the real rows, numeric in the new rows"):
        validate_feature_pair([["a"]], [[1.5]])


def test_the_callers_arrays_stay_as_they_are():
    real, new = np.array([[1.0, 5.0], [2.0, 6.0]]), np.array([[2.0, 5.0], [3.0, 6.0]])
    kept = real.copy(), new.copy()
    stored = sparse.csr_array(new)
    validate_feature_pair(real, new, categorical_features=[0])
    validate_feature_pair(sparse.csr_array(real), stored, categorical_features=[0])
    np.testing.assert_array_equal(real, kept[0])
    np.testing.assert_array_equal(new, kept[1])
    np.testing.assert_array_equal(stored.toarray(), kept[1])


def test_no_new_rows():
    schema = Schema((Column("c", "category", ("a", "b")), Column("x")))
    X, Y = np.array([[0.0, 1.5]]), np.array([[True, False]])
    assert validate_feature_pair(X, X[:0], schema=schema).new.shape == (0, 2)
    assert validate_feature_pair(sparse.csr_array(X), [], schema=schema).new.shape == (0, 2)
    assert validate_label_pair(Y, [])[1].shape == (0, 2)
    with pytest.raises(ValueError, match="minimum of 1 is required"):
        validate_feature_pair(X[:0], X)


def test_labels_of_lists_and_classes_are_joined_by_value():
    real, new = validate_label_pair([["a"], ["a", "b"]], [["c"], []])
    np.testing.assert_array_equal(real, [[1, 0, 0], [1, 1, 0]])
    np.testing.assert_array_equal(new, [[0, 0, 1], [0, 0, 0]])
    real, new = validate_label_pair(np.array([3, 5, 3]), np.array([5]))
    np.testing.assert_array_equal(new, [[0, 1]])
