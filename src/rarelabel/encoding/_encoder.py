"""Fit, encode, decode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Literal, Self, final, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from rarelabel._validation import Matrix, as_csr
from rarelabel.encoding._blocks import (
    CELLS,
    Block,
    column_facts,
    dense_columns,
    fill_values,
    lay_out,
    usual_values,
)
from rarelabel.encoding._quantiles import each_column, from_normal, quantile_nodes, to_normal
from rarelabel.schema import Schema

__all__ = ["NumericTransform", "TableEncoder"]

NumericTransform = Literal["quantile", "standard", "minmax"]
"""How numbers are scaled; see :class:`TableEncoder`."""


@final
class TableEncoder:
    """Encode mixed columns and labels as one matrix, and decode any such matrix into valid rows.

    Parameters
    ----------
    numeric_transform : {"quantile", "standard", "minmax"}, default="quantile"
        ``"quantile"`` maps numeric and integer columns to a standard normal: the sorted training values stand at the
        normal quantiles of (j - 1/2) / n with straight lines between. A tied value owns the stretch from its first to
        its last rank, is encoded as the middle of it (in probability), and the whole stretch decodes to it, so that
        spikes come back as spikes. ``"standard"`` gives mean 0 and standard deviation 1, ``"minmax"`` the range
        [-1, 1].
    n_quantiles : int, default=1000
        Most values of a numeric column whose quantiles are kept. Integer columns keep all, so that they are exact.
    usual_share : float in [0.5, 1], default=0.8
        A numeric or integer column of which one value holds more than this share gets a state "is it the usual value?"
        of its own. 1 gives no column one.

    Attributes
    ----------
    blocks_ : tuple of Block
        The columns of Z in order: numeric, integer, usual, binary, categories, missing, labels.
    width_ : int
        Number of columns of Z.
    lower_, upper_ : ndarray of float, shape (``width_``,)
        Range of each column of Z over the training table.

    Notes
    -----
    A numeric or integer column with just two values is a ``"binary"`` one: its two values are its states. One of which
    most values are the same has two columns of Z: the state in the block ``"usual"``, and the number, whose transform
    is fitted on the other values alone and which is 0, their middle, where the value is the usual one. As one column
    the others would be the far tail of a normal, where a model seldom goes. A column of X with one value is no part of
    Z and comes back as it was. A missing value is a one in the block ``"missing"``, beside it 0 for a number and the
    most frequent value for a state. Labels are never left out, constant or not: column l of their block is label l.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel.schema import Column, Schema
    >>> features = Column("age", "integer"), Column("job", "category", ("a", "b", "c"))
    >>> schema = Schema(features, (Column("ill", "label"),))
    >>> X, Y = np.array([[40, 2], [30, 0], [50, 1]]), np.array([[True], [False], [False]])
    >>> encoder = TableEncoder("minmax").fit(X, schema, Y)
    >>> Z = encoder.transform(X, Y)
    >>> Z
    array([[ 0.,  0.,  0.,  1.,  1.],
           [-1.,  1.,  0.,  0.,  0.],
           [ 1.,  0.,  1.,  0.,  0.]])
    >>> encoder.inverse_transform(Z + 0.3)[0]  # 43 and, at the end of the range, 50
    array([[43.,  2.],
           [33.,  0.],
           [50.,  1.]])
    """

    def __init__(
        self, numeric_transform: NumericTransform = "quantile", *, n_quantiles: int = 1000, usual_share: float = 0.8
    ) -> None:
        self.numeric_transform = numeric_transform
        self.n_quantiles = n_quantiles
        self.usual_share = usual_share

    def fit(self, X: Matrix, schema: Schema, Y: NDArray[np.bool_] | None = None) -> Self:
        """Learn what the columns hold.

        Parameters
        ----------
        X : ndarray or csr_array of float, shape (n, d)
            From the door: categories as codes, missing values as NaN, nothing infinite.
        schema : Schema
            The kinds of the columns.
        Y : ndarray of bool, shape (n, q), default=None
            Labels; None encodes X alone.

        Returns
        -------
        TableEncoder

        Raises
        ------
        ValueError
            If a parameter is unknown or the shapes of X and Y do not fit the schema.
        """
        if self.numeric_transform not in get_args(NumericTransform):
            expected = ", ".join(map(repr, get_args(NumericTransform)))
            raise ValueError(f"numeric_transform must be one of {expected}, got {self.numeric_transform!r}")
        if self.n_quantiles < 2:
            raise ValueError(f"n_quantiles must be at least 2, got {self.n_quantiles!r}")
        if not 0.5 <= self.usual_share <= 1:
            raise ValueError(f"usual_share must be in [0.5, 1], got {self.usual_share!r}")
        if X.shape[1] != schema.n_features or len(X.shape) != 2 or X.shape[0] == 0:
            raise ValueError(f"X has shape {X.shape}; expected rows of the schema's {schema.n_features} columns")
        if Y is not None and Y.shape != (X.shape[0], schema.n_labels):
            raise ValueError(f"Y has shape {Y.shape}; expected {(X.shape[0], schema.n_labels)}")
        self._names = schema.feature_names
        self._sparse = bool(sparse.issparse(X))
        facts = column_facts(X)
        columns = sparse.csc_array(X) if self._sparse else X
        usual = usual_values(columns, facts.numbers(schema), self.usual_share)
        self._usual = usual.value
        # of a column with a usual value the range of the others
        self._low, self._high = np.fmax(facts.low, usual.low), np.fmin(facts.high, usual.high)
        self.blocks_ = lay_out(facts, ~np.isnan(self._usual), schema, with_labels=Y is not None)
        self.width_ = self.blocks_[-1].stop if self.blocks_ else 0
        self._fill = fill_values(columns, self.blocks_, schema)
        self._fit_scales(columns)
        self.lower_, self.upper_ = np.zeros(self.width_), np.ones(self.width_)
        for block in filter(lambda block: block.is_continuous, self.blocks_):
            ends = self._scale(np.array([self._low, self._high])[:, list(block.sources)], block)
            self.lower_[block.columns], self.upper_[block.columns] = ends
        return self

    def transform(
        self, X: Matrix, Y: NDArray[np.bool_] | None = None, *, dtype: DTypeLike = np.float64
    ) -> NDArray[Any]:
        """Encode rows.

        Parameters
        ----------
        X : ndarray or csr_array of float, shape (n, d)
            Numbers outside the training range are encoded as its ends by ``"quantile"``.
        Y : ndarray of bool, shape (n, q), default=None
            Labels, where the encoder was fitted with labels.
        dtype : dtype, default=float64
            Of the encoded matrix. With float32 numbers come back to about seven digits.

        Returns
        -------
        ndarray, shape (n, ``width_``)

        Raises
        ------
        ValueError
            If the shape differs from the fitted one, labels are missing or not expected, or a value is missing in a
            column that had none missing.
        """
        self._check_shapes(X, Y)
        Z = np.zeros((X.shape[0], self.width_), dtype=dtype)
        for rows in self._batches(X.shape[0]):
            part = X[rows].toarray() if sparse.issparse(X) else X[rows]
            self._encode(part.astype(np.float64), Z[rows])
            if Y is not None:
                Z[rows, self.blocks_[-1].columns] = Y[rows]
        return Z

    def inverse_transform(self, Z: NDArray[Any]) -> tuple[Matrix, NDArray[np.bool_]]:
        """Decode any real matrix into valid rows.

        The largest column of a one-hot block wins, a state column above 1/2 is a one, numbers are clipped to the
        range seen while fitting.

        Parameters
        ----------
        Z : ndarray of float, shape (n, ``width_``)

        Returns
        -------
        X : ndarray of float, shape (n, d), or csr_array where the encoder was fitted on one
        Y : ndarray of bool, shape (n, q)
            Without columns where the encoder was fitted without labels.

        Raises
        ------
        ValueError
            If Z has another number of columns, or holds NaN.
        """
        if Z.ndim != 2 or Z.shape[1] != self.width_:
            raise ValueError(f"Z has shape {Z.shape}; expected {self.width_} columns")
        if np.isnan(Z.sum(dtype=np.float64)) and np.isnan(Z).any():
            raise ValueError(f"Z holds NaN, first in row {int(np.isnan(Z).any(axis=1).argmax())}")
        parts = [self._decode(Z[rows]) for rows in self._batches(len(Z))]
        Y = np.concatenate([Y for _, Y in parts])
        if self._sparse:
            return as_csr(sparse.vstack([X for X, _ in parts], format="csr")), Y
        return np.concatenate([X for X, _ in parts]), Y

    def to_state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The fitted encoder as arrays and a configuration that JSON can hold; see :meth:`from_state`."""
        arrays = {name: getattr(self, f"_{name}") for name in _STATE}
        config = {
            "numeric_transform": self.numeric_transform,
            "n_quantiles": self.n_quantiles,
            "usual_share": self.usual_share,
            "names": list(self._names),
            "sparse": self._sparse,
            "blocks": [asdict(block) for block in self.blocks_],
        }
        return {**arrays, "lower": self.lower_, "upper": self.upper_}, config

    @classmethod
    def from_state(cls, arrays: dict[str, NDArray[Any]], config: dict[str, Any]) -> Self:
        """The encoder that :meth:`to_state` wrote down.

        Examples
        --------
        >>> encoder = TableEncoder().fit(np.array([[1.0], [2.0], [4.0]]), Schema.numeric(1))
        >>> again = TableEncoder.from_state(*encoder.to_state())
        >>> again.inverse_transform(np.array([[0.0]]))[0]
        array([[2.]])
        """
        settings = {name: config[name] for name in ("n_quantiles", "usual_share")}
        encoder = cls(config["numeric_transform"], **settings)
        for name in _STATE:
            setattr(encoder, f"_{name}", np.asarray(arrays[name]))
        encoder.lower_, encoder.upper_ = np.asarray(arrays["lower"]), np.asarray(arrays["upper"])
        encoder._names, encoder._sparse = tuple(config["names"]), bool(config["sparse"])
        encoder.blocks_ = tuple(Block(**{**block, "sources": tuple(block["sources"])}) for block in config["blocks"])
        encoder.width_ = len(encoder.lower_)
        return encoder

    # --- one batch of rows ---

    def _encode(self, X: NDArray[np.float64], Z: NDArray[Any]) -> None:
        missing = np.isnan(X)
        unexpected = missing.copy()
        for block in self.blocks_:
            if block.kind == "missing":
                sources = list(block.sources)
                Z[:, block.columns] = missing[:, sources]
                unexpected[:, sources] = False
        if unexpected.any():
            j = int(unexpected.any(axis=0).argmax())
            if not np.isnan(self._low[j]):
                raise ValueError(
                    f"column {self._names[j]!r} has a missing value, but had none when it was encoded first"
                )
        X = np.where(missing, self._fill, X)
        for block in self.blocks_:
            part = X[:, list(block.sources)] if block.kind not in ("missing", "labels", "classes") else X[:, :0]
            if block.is_continuous:
                sources = list(block.sources)
                idle = (part == self._usual[sources]) | missing[:, sources]
                # a usual value far beyond the others would overflow on their scale
                inside = np.where(idle, self._low[sources], part)
                Z[:, block.columns] = np.where(idle, 0, self._scale(inside, block))
            elif block.kind == "usual":
                sources = list(block.sources)
                Z[:, block.columns] = (part == self._usual[sources]) & ~missing[:, sources]
            elif block.kind == "binary":
                sources = list(block.sources)
                # the middle of 0 and the smallest number is 0 again
                Z[:, block.columns] = (part > self._middle[sources]) | (part == self._high[sources])
            elif block.kind == "category":
                Z[np.arange(len(X)), block.start + part[:, 0].astype(np.intp)] = 1

    def _decode(self, Z: NDArray[Any]) -> tuple[Matrix, NDArray[np.bool_]]:
        X = np.tile(self._low, (len(Z), 1))  # the value of constant columns
        Y = np.zeros((len(Z), 0), dtype=bool)
        for block in self.blocks_:
            part, sources = Z[:, block.columns], list(block.sources)
            if block.is_continuous:
                X[:, sources] = self._unscale(part.astype(np.float64), block)
            elif block.kind == "usual":
                X[:, sources] = np.where(part > 0.5, self._usual[sources], X[:, sources])
            elif block.kind == "binary":
                X[:, sources] = np.where(part > 0.5, self._high[sources], self._low[sources])
            elif block.kind == "category":
                X[:, sources[0]] = part.argmax(axis=1)
            elif block.kind == "missing":
                X[:, sources] = np.where(part > 0.5, np.nan, X[:, sources])
            elif block.kind == "labels":
                Y = part > 0.5
            else:
                Y = part.argmax(axis=1)[:, np.newaxis] == np.arange(block.width)
        return (sparse.csr_array(X) if self._sparse else X), Y

    @property
    def _middle(self) -> NDArray[np.float64]:
        return self._low / 2 + self._high / 2  # halved first: the sum may overflow

    def _batches(self, n: int) -> Iterator[slice]:
        step = max(1, CELLS // max(1, self.width_, len(self._low)))
        return (slice(start, min(start + step, n)) for start in range(0, max(n, 1), step))

    def _check_shapes(self, X: Matrix, Y: NDArray[np.bool_] | None) -> None:
        if len(X.shape) != 2 or X.shape[1] != len(self._low):
            raise ValueError(f"X has shape {X.shape}; expected {len(self._low)} columns")
        labelled = self.blocks_[-1] if self.blocks_ and self.blocks_[-1].kind in ("labels", "classes") else None
        if labelled is None and Y is not None and Y.shape[1] > 0:
            raise ValueError("the encoder was fitted without labels; Y was given")
        if labelled is not None and (Y is None or Y.shape != (X.shape[0], labelled.width)):
            expected, got = (X.shape[0], labelled.width), "none" if Y is None else f"shape {Y.shape}"
            raise ValueError(f"the encoder was fitted with labels; expected Y of shape {expected}, got {got}")

    # --- numbers ---

    def _fit_scales(self, columns: Matrix) -> None:
        """Centre and scale, or the quantiles, of each numeric and integer column."""
        d = len(self._low)
        # huge and tiny numbers are first brought near 1 by a power of two, which loses nothing
        exponents = np.frexp(np.fmax(np.abs(self._low), np.abs(self._high)))[1]
        is_quantile = self.numeric_transform == "quantile"
        self._exponent = np.where(is_quantile, np.maximum(exponents - 1000, 0), exponents)
        self._center, self._spread = np.zeros(d), np.ones(d)
        nodes = [np.zeros((3, 0)) for _ in range(d)]
        for block in filter(lambda block: block.is_continuous, self.blocks_):
            for j, column in dense_columns(columns, block.sources):
                x = np.ldexp(column[~np.isnan(column) & (column != self._usual[j])], -self._exponent[j])
                if is_quantile:
                    nodes[j] = quantile_nodes(x, len(x) if block.kind == "integer" else self.n_quantiles)
                elif self.numeric_transform == "standard":
                    self._center[j], self._spread[j] = x.mean(), x.std()
                else:
                    self._center[j], self._spread[j] = x.min() / 2 + x.max() / 2, x.max() / 2 - x.min() / 2
        self._nodes = np.concatenate([*nodes, np.zeros((3, 0))], axis=1)
        self._ends = np.cumsum([part.shape[1] for part in nodes])

    def _nodes_of(self, j: int) -> NDArray[np.float64]:
        return self._nodes[:, (self._ends[j - 1] if j else 0) : self._ends[j]]

    def _scale(self, X: NDArray[np.float64], block: Block) -> NDArray[np.float64]:
        sources = list(block.sources)
        X = np.ldexp(X, -self._exponent[sources])
        if self.numeric_transform == "quantile":
            return each_column(to_normal, X, [self._nodes_of(j) for j in sources])
        return (X - self._center[sources]) / self._spread[sources]

    def _unscale(self, Z: NDArray[np.float64], block: Block) -> NDArray[np.float64]:
        sources = list(block.sources)
        Z = np.clip(Z, self.lower_[block.columns] - 1, self.upper_[block.columns] + 1)  # anything further is an end too
        if self.numeric_transform == "quantile":
            X = each_column(from_normal, Z, [self._nodes_of(j) for j in sources])
        else:
            X = Z * self._spread[sources] + self._center[sources]
        with np.errstate(over="ignore"):  # beyond the largest float is beyond the range
            X = np.ldexp(X, self._exponent[sources])
        X = np.clip(X, self._low[sources], self._high[sources])
        if block.kind == "numeric":
            return X
        whole, usual = np.rint(X), self._usual[sources]  # the usual value has a state, its neighbours come instead
        return np.where(whole == usual, np.where(usual > X, usual - 1, usual + 1), whole)


_STATE = ("low", "high", "usual", "fill", "exponent", "center", "spread", "nodes", "ends")
