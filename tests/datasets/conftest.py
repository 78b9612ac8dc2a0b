"""Small data sets that the format tests share."""

import numpy as np
import pytest

from rarelabel.datasets import Dataset
from rarelabel.schema import Column, Schema


@pytest.fixture
def flowers():
    """A numeric, an integer and a category column, a missing value in each, three labels."""
    X = np.array([[1.5, 3, 0], [np.nan, 4, 2], [-2e-7, np.nan, 1], [0, 0, np.nan]])
    Y = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0], [1, 1, 1]], dtype=bool)
    columns = (Column("petal width"), Column("count", "integer"), Column("co,lour", "category", ("red", "it's", "a b")))
    return Dataset(X, Y, Schema(columns, tuple(Column(n, "label") for n in ("rose", "l'œillet", '"x" & y'))), "flowers")


@pytest.fixture
def same():
    """The function that asserts that two data sets are equal, to the bit in X."""

    def assert_same(first, second, *, name=True):
        assert first.schema == second.schema
        assert np.array_equal(first.Y, second.Y)
        assert type(first.X) is type(second.X)
        dense = [d.X if isinstance(d.X, np.ndarray) else d.X.toarray() for d in (first, second)]
        np.testing.assert_array_equal(dense[0], dense[1])
        if name:
            assert first.name == second.name

    return assert_same
