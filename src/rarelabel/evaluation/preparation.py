"""From training rows to what a classifier is trained on: fill, resample, encode, each learned from those rows alone."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation import Matrix, take_rows, validate_labels
from rarelabel.base import BaseSampler
from rarelabel.datasets import Dataset
from rarelabel.evaluation.approaches import Approach
from rarelabel.evaluation.kept_rows import KeptRows, Made
from rarelabel.evaluation.metering import CpuClock
from rarelabel.schema import Schema

__all__ = ["Preparation", "Resampling", "Training", "make_training", "seeded"]

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Preparation:
    """Fill, then encode. Made by :meth:`fit`, which is the only place that looks at values.

    Filling gives a missing number the column's median and a missing category the most frequent one, and leaves a table
    of the same columns, which samplers take. Encoding gives each category of three or more a column of zeros and
    ones, and numbers mean 0 and standard deviation 1. Sparse data are scaled but not centred, and their first category
    gets no column, so that they stay sparse.

    Parameters
    ----------
    schema : Schema
    training : ndarray or csr_array of float, shape (n, d)
        The rows that values to fill in are taken from, as they came.
    mean, scale : ndarray of float, shape (d,)
        0 and 1 for columns that are not numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from rarelabel.schema import Column, Schema
    >>> schema = Schema((Column("size"), Column("colour", "category", ("red", "green", "blue"))))
    >>> preparation = Preparation.fit(np.array([[1.0, 0], [3.0, 2], [2.0, 2]]), schema)
    >>> preparation.encode(preparation.fill(np.array([[2.0, 1], [np.nan, np.nan]]))).tolist()
    [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    """

    schema: Schema
    training: Matrix
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, X: Matrix, schema: Schema) -> Preparation:
        """Learn from training rows.

        Parameters
        ----------
        X : ndarray or csr_array of float, shape (n, d)
            Categories as codes, missing values as NaN.
        schema : Schema

        Returns
        -------
        Preparation
        """
        filled = _filled(X, X, schema)
        number = ~schema.is_category
        if sparse.issparse(filled):
            mean = np.zeros(schema.n_features)
            squares = np.asarray(filled.multiply(filled).mean(axis=0)).ravel()
            deviation = np.sqrt(np.maximum(squares - np.asarray(filled.mean(axis=0)).ravel() ** 2, 0))
        else:
            mean = np.where(number, filled.mean(axis=0), 0.0)
            deviation = filled.std(axis=0)
        tiny = deviation <= 10 * np.finfo(np.float64).eps * np.abs(mean)
        return cls(schema, X, mean, np.where(number & ~tiny & (deviation > 0), deviation, 1.0))

    def fill(self, X: Matrix) -> Matrix:
        """Rows without missing values; the same object where there are none."""
        return _filled(X, self.training, self.schema)

    def encode(self, X: Matrix) -> Any:
        """Rows as numbers, shape (n, d'); sparse where X is."""
        return self._encode_sparse(X) if sparse.issparse(X) else self._encode_dense(X)

    def _encode_dense(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        wide = self._many_valued()
        numbers = (X[:, ~wide] - self.mean[~wide]) / self.scale[~wide]
        chosen = [X[:, j, None] == np.arange(self.schema.features[j].n_categories) for j in np.flatnonzero(wide)]
        return np.concatenate([numbers, *chosen], axis=1)

    def _encode_sparse(self, X: sparse.csr_array) -> sparse.csr_array:
        wide = self._many_valued()
        widths = np.array([column.n_categories - 1 for column in self.schema.features]) * wide + ~wide
        first = np.append(0, np.cumsum(widths))
        entries = X.tocoo()
        row, column = entries.coords
        code = np.where(wide[column], entries.data - 1, 0).astype(np.intp)
        data = np.where(wide[column], 1.0, entries.data / self.scale[column])
        there = entries.data != 0
        at = (row[there], first[column[there]] + code[there])
        return sparse.csr_array(sparse.coo_array((data[there], at), shape=(X.shape[0], int(first[-1]))))

    def _many_valued(self) -> NDArray[np.bool_]:
        return np.array([column.kind == "category" and column.n_categories > 2 for column in self.schema.features])


@dataclass(frozen=True, eq=False)
class Resampling:
    """What a sampler was given and gave back, before encoding.

    Parameters
    ----------
    X_given, X_held : ndarray or csr_array of float, shapes (n, d) and (m, d)
        Training rows and held-out rows, filled.
    X : ndarray or csr_array of float, shape (n', d)
    Y : ndarray of bool, shape (n', q)
    new : ndarray of bool, shape (n',)
        Which rows are additions.
    """

    X_given: Matrix
    X_held: Matrix
    X: Matrix
    Y: NDArray[np.bool_]
    new: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Training:
    """What a classifier is trained on, and the held-out rows in the same form.

    Parameters
    ----------
    X, X_held : ndarray or csr_array of float, shapes (n', d') and (m, d')
    Y : ndarray of bool, shape (n', q)
    resampling : Resampling, default=None
        Where rows were resampled.
    """

    X: Any
    Y: NDArray[np.bool_]
    X_held: Any
    resampling: Resampling | None = None


def make_training(
    dataset: Dataset,
    fit: Indices,
    held: Indices,
    approach: Approach,
    seed: int,
    clock: CpuClock,
    kept: KeptRows | None = None,
) -> Training:
    """Fill, resample and encode training rows, and bring held-out rows into the same form.

    Parameters
    ----------
    dataset : Dataset
    fit : ndarray of int
        Training rows. All that is learned is learned from them.
    held : ndarray of int
        Rows held out. Their labels are not looked at.
    approach : Approach
    seed : int
        Of the sampler.
    clock : CpuClock
        Runs while the sampler does.
    kept : KeptRows, default=None
        Where resampled rows are kept and looked for; None makes them.

    Returns
    -------
    Training

    Raises
    ------
    ValueError
        If the sampler gives back anything but a complete table of the same columns.
    """
    X, Y = take_rows(dataset.X, fit), dataset.Y[fit]
    preparation = Preparation.fit(X, dataset.schema)
    X, X_held = preparation.fill(X), preparation.fill(take_rows(dataset.X, held))
    if not approach.resamples:
        return Training(preparation.encode(X), Y, preparation.encode(X_held))

    def resample() -> Made:
        return _resample(seeded(approach.make_sampler(), seed), X, Y, dataset.schema)

    if kept is not None:
        X_res, Y_res, new = kept.made_once(fit, seed, resample, clock)
    else:
        with clock:
            X_res, Y_res, new = resample()
    resampling = Resampling(X, X_held, X_res, Y_res, new)
    return Training(preparation.encode(X_res), Y_res, preparation.encode(X_held), resampling)


def seeded(estimator: Any, seed: int) -> Any:
    """Set every ``random_state`` of an estimator and of those inside it; each gets a stream of its own."""
    names = sorted(
        name for name in estimator.get_params(deep=True) if name == "random_state" or name.endswith("__random_state")
    )
    states = np.random.SeedSequence(seed).generate_state(len(names)) if names else ()
    return estimator.set_params(**{name: int(state >> 1) for name, state in zip(names, states, strict=True)})


def _resample(sampler: Any, X: Matrix, Y: NDArray[np.bool_], schema: Schema) -> Made:
    """The resampled table and which of its rows are new; refuse what cannot be trained on."""
    if isinstance(sampler, BaseSampler):
        X_res, Y_res = sampler.fit_resample(X, Y, schema=schema)
        new = sampler.is_synthetic_
    else:  # one that may write into what it is given
        chosen = sampler.get_params().get("categorical_features")
        if isinstance(chosen, str) and chosen == "auto":  # of an array without types, SMOTENC cannot tell
            sampler.set_params(categorical_features=np.flatnonzero(schema.is_category).tolist())
        X_res, y_res = sampler.fit_resample(X.copy(), Y.argmax(axis=1) if schema.exclusive else Y.astype(np.int64))
        Y_res = np.asarray(y_res)[:, None] == np.arange(Y.shape[1]) if schema.exclusive else validate_labels(y_res).Y
        new = np.arange(len(Y_res)) >= len(Y)
        if schema.exclusive and not Y_res.any(axis=1).all():
            raise ValueError(f"gave {int((~Y_res.any(axis=1)).sum())} rows of a class that it was not given")
    if X_res.shape != (len(Y_res), X.shape[1]) or Y_res.shape[1] != Y.shape[1]:
        raise ValueError(f"gave X of shape {X_res.shape} and Y of shape {Y_res.shape} for {X.shape} and {Y.shape}")
    if len(Y_res) < 2 or not Y_res.any():
        raise ValueError(f"gave {len(Y_res)} rows with {int(Y_res.sum())} labels: nothing to learn from")
    finite = np.isfinite(X_res.data if sparse.issparse(X_res) else X_res)
    if not finite.all():
        wrong = len(X_res.data) - int(finite.sum()) if sparse.issparse(X_res) else int((~finite.all(axis=1)).sum())
        raise ValueError(f"gave {wrong} {'values' if sparse.issparse(X_res) else 'rows'} with NaN or infinity")
    X_res = sparse.csr_array(X_res) if sparse.issparse(X_res) else np.asarray(X_res, dtype=np.float64)
    if len(Y_res) == len(Y) and not new.any():
        warnings.warn(f"{type(sampler).__name__} added no row and took none away", UserWarning, stacklevel=3)
    odd = _no_codes(X_res, schema)
    if odd:
        named = ", ".join(map(repr, odd[:5])) + (f" and {len(odd) - 5} more" if len(odd) > 5 else "")
        warnings.warn(
            f"{type(sampler).__name__} took codes of categories for numbers, as SMOTENC does not: some of its rows "
            f"hold values that are no category in {named}",
            UserWarning,
            stacklevel=3,
        )
    return X_res, np.asarray(Y_res, dtype=bool), np.asarray(new, dtype=bool)


def _no_codes(X: Matrix, schema: Schema) -> list[str]:
    """Names of the columns of categories in which some value is no code of one."""
    columns = np.flatnonzero(schema.is_category)
    part = X[:, columns].tocoo() if sparse.issparse(X) else X[:, columns]
    values = part.data if sparse.issparse(X) else part.ravel()
    of = columns[part.coords[1]] if sparse.issparse(X) else np.tile(columns, len(part))
    limit = np.array([column.n_categories for column in schema.features])[of]
    wrong = (values < 0) | (values >= limit) | (values != np.floor(values))
    return [schema.feature_names[j] for j in np.unique(of[wrong])]


def _filled(X: Matrix, training: Matrix, schema: Schema) -> Matrix:
    values = X.data if sparse.issparse(X) else X
    missing = np.isnan(values)
    if not missing.any():
        return X
    column_of = X.indices if sparse.issparse(X) else np.broadcast_to(np.arange(X.shape[1]), X.shape)
    fill = np.zeros(X.shape[1])
    for j in np.unique(column_of[missing]):
        fill[j] = _typical(training[:, [j]], schema.features[j].kind)
    filled = np.where(missing, fill[column_of], values)
    return (
        sparse.csr_array((filled, X.indices.copy(), X.indptr.copy()), shape=X.shape) if sparse.issparse(X) else filled
    )


def _typical(column: Matrix, kind: str) -> float:
    """The median of numbers, the most frequent of categories; 0 where nothing is known."""
    values = (column.toarray() if sparse.issparse(column) else column).ravel()
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return 0.0
    if kind == "category":
        return float(np.bincount(values.astype(np.intp)).argmax())
    median = float(np.median(values))
    return float(np.round(median)) if kind == "integer" else median
