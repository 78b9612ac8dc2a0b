"""The value that every reader, maker and loader returns: numbers, labels and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel.schema import Schema

__all__ = ["Dataset"]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A table with its labels.

    Parameters
    ----------
    X : ndarray or scipy.sparse.csr_array of float64, shape (n, d)
        A category is held as its code, the position of its value in ``schema.features[j].categories``; a missing
        value is NaN.
    Y : ndarray of bool, shape (n, q)
        ``Y[i, l]`` is True where row i carries label l.
    schema : Schema
        Names and kinds of the d features and the q labels.
    name : str, default="dataset"
        What the data set is called.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or X or Y have another dtype.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel.schema import Schema
    >>> from rarelabel.datasets import Dataset
    >>> Dataset(np.zeros((3, 2)), np.eye(3, dtype=bool), Schema.numeric(2, ("a", "b", "c")), "toy")
    Dataset('toy', 3 rows, 2 features, 3 labels)
    """

    X: NDArray[np.float64] | sparse.csr_array
    Y: NDArray[np.bool_]
    schema: Schema
    name: str = "dataset"

    def __post_init__(self) -> None:
        if self.X.ndim != 2 or self.Y.ndim != 2:
            raise ValueError(f"X and Y must have two axes, got shapes {self.X.shape} and {self.Y.shape}")
        if self.X.dtype != np.float64 or self.Y.dtype != np.bool_:
            raise ValueError(f"X must be float64 and Y bool, got {self.X.dtype} and {self.Y.dtype}")
        if self.X.shape[0] != self.Y.shape[0]:
            raise ValueError(f"X has {self.X.shape[0]} rows, Y has {self.Y.shape[0]}")
        if (self.X.shape[1], self.Y.shape[1]) != (self.schema.n_features, self.schema.n_labels):
            raise ValueError(
                f"X has {self.X.shape[1]} columns and Y has {self.Y.shape[1]}, the schema names "
                f"{self.schema.n_features} features and {self.schema.n_labels} labels"
            )

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of X."""
        return self.schema.feature_names

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the columns of Y."""
        return self.schema.label_names

    def frame(self) -> tuple[Any, Any]:
        """Give X and Y as pandas DataFrames (needs the extra ``data``).

        Returns
        -------
        X : pandas.DataFrame, shape (n, d)
            Categories as ``category`` columns, integers as ``int64`` (``Int64`` where values are missing), numbers
            as ``float64``. Where ``self.X`` is sparse, numbers stay in pandas' sparse columns.
        Y : pandas.DataFrame of bool, shape (n, q)

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> from rarelabel.datasets import load_digit_scenes
        >>> X, Y = load_digit_scenes(10).frame()
        >>> X.shape, Y.shape
        ((10, 144), (10, 10))
        """
        pd = _pandas()
        labels = pd.DataFrame(self.Y, columns=list(self.label_names))
        if sparse.issparse(self.X):
            columns = sparse.csc_array(self.X)
            features = pd.DataFrame.sparse.from_spmatrix(columns)
            for j in np.flatnonzero(self.schema.is_category):
                features[j] = self._series(int(j), columns[:, [j]].toarray().ravel())
        else:
            features = pd.DataFrame({j: self._series(j, self.X[:, j]) for j in range(self.X.shape[1])})
        features.columns = list(self.feature_names)
        return features, labels

    def _series(self, j: int, values: NDArray[np.float64]) -> Any:
        pd = _pandas()
        column = self.schema.features[j]
        missing = np.isnan(values)
        if column.kind == "category":
            codes = np.where(missing, -1, values).astype(np.int64)
            return pd.Series(pd.Categorical.from_codes(codes, categories=list(column.categories)))
        if column.kind == "integer":
            return pd.Series(values).astype("Int64" if missing.any() else "int64")
        return pd.Series(values)

    def __repr__(self) -> str:
        form = ", sparse" if sparse.issparse(self.X) else ""
        (n, d), q = self.X.shape, self.Y.shape[1]
        return f"Dataset({self.name!r}, {n} rows, {d} features, {q} labels{form})"


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError("frame() needs pandas: pip install 'rarelabel[data]'") from error
    return pandas
