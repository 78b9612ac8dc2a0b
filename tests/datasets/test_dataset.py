"""The value that readers return."""

import numpy as np
import pytest
from scipy import sparse

from rarelabel.datasets import Dataset
from rarelabel.schema import Column, Schema


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (np.zeros(3), np.ones((3, 1), bool), r"two axes, got shapes \(3,\)"),
        (np.zeros((3, 2), np.float32), np.ones((3, 1), bool), "got float32 and bool"),
        (np.zeros((3, 2)), np.ones((3, 1)), "got float64 and float64"),
        (np.zeros((2, 2)), np.ones((3, 1), bool), "X has 2 rows, Y has 3"),
        (np.zeros((3, 3)), np.ones((3, 1), bool), "X has 3 columns and Y has 1, the schema names 2 features and 1"),
        (np.zeros((3, 2)), np.ones((3, 2), bool), "Y has 2, the schema"),
    ],
)
def test_parts_must_fit_together(X, Y, message):
    with pytest.raises(ValueError, match=message):
        Dataset(X, Y, Schema.numeric(2, ("a",)))


def test_repr_is_short(flowers):
    assert repr(flowers) == "Dataset('flowers', 4 rows, 3 features, 3 labels)"
    as_sparse = Dataset(sparse.csr_array(flowers.X), flowers.Y, flowers.schema, "f")
    assert repr(as_sparse) == "Dataset('f', 4 rows, 3 features, 3 labels, sparse)"


@pytest.mark.parametrize("as_sparse", [False, True])
def test_frame(flowers, as_sparse):
    pandas = pytest.importorskip("pandas")
    X = sparse.csr_array(flowers.X) if as_sparse else flowers.X
    features, labels = Dataset(X, flowers.Y, flowers.schema).frame()
    assert list(features.columns) == list(flowers.feature_names)
    assert list(labels.columns) == list(flowers.label_names)
    assert labels.dtypes.eq(bool).all()
    assert np.array_equal(labels.to_numpy(), flowers.Y)
    assert list(features["co,lour"].cat.categories) == ["red", "it's", "a b"]
    assert features["co,lour"].tolist()[:3] == ["red", "a b", "it's"]
    assert pandas.isna(features["co,lour"][3])
    np.testing.assert_array_equal(np.asarray(features["petal width"], dtype=float), flowers.X[:, 0])
    np.testing.assert_array_equal(features["count"].to_numpy(dtype=float, na_value=np.nan), flowers.X[:, 1])
    if not as_sparse:
        assert features["count"].dtype == "Int64"


def test_frame_with_repeated_names_and_whole_integers():
    pytest.importorskip("pandas")
    schema = Schema((Column("a", "integer"), Column("a")), (Column("l", "label"),))
    features, _ = Dataset(np.array([[1.0, 0.5]]), np.ones((1, 1), bool), schema).frame()
    assert list(features.columns) == ["a", "a"]
    assert [str(dtype) for dtype in features.dtypes] == ["int64", "float64"]
