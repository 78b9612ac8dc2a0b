"""The contract of a sampler: validate, plan, resample, give back in the caller's containers."""

from __future__ import annotations

import copy
import warnings
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin

from rarelabel._random import check_random_state
from rarelabel._validation import Matrix, Resampled, Table, restore, validate
from rarelabel.imbalance import label_counts
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan

__all__ = ["BaseSampler"]


class BaseSampler(OneToOneFeatureMixin, BaseEstimator, ABC):
    """Base of every sampler that turns one table into another.

    A sampler says in :meth:`_plan` what it is going to do and does it in :meth:`_fit_resample`; both see arrays only.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of str, shape (d,)
        Only where X came with column names.
    sampling_strategy_ : dict
        What was done: the plan as plain values.
    sample_indices_ : ndarray of int
        For samplers that only choose or repeat rows: which row of the input each row of the output is.
    is_synthetic_ : ndarray of bool, shape (n_out,)
        Which rows of the output are additions.
    seed_rows_, neighbor_rows_ : ndarray of int, shape (n_out,)
        Row of the input that each row of the output is or was made from, and the second row it was made with (-1:
        none).
    made_for_ : ndarray of int, shape (n_out,)
        Index of the label each new row was made for (-1: none in particular).
    """

    _estimator_type = "sampler"
    _allow_nan: ClassVar[bool] = False
    _takes_classes: ClassVar[bool] = False
    """Whether each row has one class: Y may then be a column of classes too."""

    def fit(self, X: Any, Y: Any, *, schema: Schema | None = None) -> BaseSampler:
        """Check the inputs and the parameters; nothing is resampled.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame, shape (n, d)
        Y : array-like, sparse matrix, DataFrame or list of label lists, n rows
        schema : Schema, default=None

        Returns
        -------
        self
        """
        self.plan(X, Y, schema=schema)
        return self

    def fit_resample(self, X: Any, Y: Any, *, schema: Schema | None = None) -> tuple[Any, Any]:
        """Resample a table.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame, shape (n, d)
        Y : array-like, sparse matrix, DataFrame or list of label lists, n rows
            A one-dimensional Y holds the class of each row.
        schema : Schema, default=None
            What the columns are, where that is known: X is then an array or sparse matrix of numbers and category
            codes and Y an indicator, as in a :class:`~rarelabel.datasets.Dataset`.

        Returns
        -------
        X_res, Y_res
            In the same containers and types: originals first and unchanged, then the rows that were made.

        Raises
        ------
        ValueError, TypeError
            If the inputs or parameters cannot be used; the message names the column or label.
        """
        table = self._validate(X, Y, schema)
        rng = check_random_state(getattr(self, "random_state", None))
        plan = self._plan(table.X, table.Y, table.schema, rng)
        self._remember_plan(plan)
        self._remember_form(table)
        resampled = self._fit_resample(table.X, table.Y, table.schema, plan, rng)
        self._remember_provenance(len(table.Y), resampled)
        return restore(table, resampled)

    def plan(self, X: Any, Y: Any, *, schema: Schema | None = None) -> SamplingPlan:
        """Say what :meth:`fit_resample` would do with the same data and ``random_state``, without doing it.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame, shape (n, d)
        Y : array-like, sparse matrix, DataFrame or list of label lists, n rows
        schema : Schema, default=None

        Returns
        -------
        SamplingPlan
            Prints as a table. The row counts are exact where ``random_state`` is fixed, or where they do not hang on
            chance.
        """
        table = self._validate(X, Y, schema)
        rng = check_random_state(copy.deepcopy(getattr(self, "random_state", None)))
        plan = self._plan(table.X, table.Y, table.schema, rng)
        self._remember_plan(plan)
        return plan

    @abstractmethod
    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        """Which labels and rows, and how many rows are made or removed."""

    @abstractmethod
    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        """Carry the plan out."""

    def _validate(self, X: Any, Y: Any, schema: Schema | None) -> Table:
        table = validate(
            X,
            Y,
            categorical_features=getattr(self, "categorical_features", "auto"),
            allow_nan=self._allow_nan,
            classes=self._takes_classes,
            schema=schema,
        )
        self._labels = table.labels.values
        self.n_features_in_ = table.schema.n_features
        if table.named:
            self.feature_names_in_ = np.array(table.schema.feature_names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        if len(table.Y) < 2:
            raise ValueError(f"{type(self).__name__} needs at least 2 rows, got n_samples = 1")
        never = [name for name, seen in zip(table.schema.label_names, label_counts(table.Y), strict=True) if not seen]
        if len(never) == len(table.schema.labels):
            raise ValueError("Y has no positive labels at all: every row is 0 in every column")
        if never:
            names = ", ".join(map(repr, never[:10])) + (", ..." if len(never) > 10 else "")
            warnings.warn(f"no row carries {names}: such labels are left alone", UserWarning, stacklevel=4)
        return table

    def _remember_form(self, table: Table) -> None:
        """Keep what rows that are drawn later need, so that they come in the caller's containers; most draw none."""
        return

    def _remember_plan(self, plan: SamplingPlan) -> None:
        self.sampling_strategy_ = plan.to_dict()

    def _remember_provenance(self, n: int, resampled: Resampled) -> None:
        rows = resampled.rows
        m = 0 if resampled.Y_new is None else len(resampled.Y_new)
        none = np.full(len(rows) + m, -1, dtype=np.intp)
        repeated = np.ones(len(rows), dtype=bool)
        repeated[np.unique(rows, return_index=True)[1]] = False
        self.is_synthetic_ = np.append(repeated, np.ones(m, dtype=bool))
        self.seed_rows_ = np.append(rows, none[:m]) if resampled.seeds is None else resampled.seeds
        self.neighbor_rows_ = none if resampled.neighbors is None else resampled.neighbors
        self.made_for_ = none if resampled.made_for is None else resampled.made_for
        if resampled.X_new is None:
            self.sample_indices_ = rows

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "sampler"
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = self._allow_nan
        tags.input_tags.string = True
        tags.no_validation = False
        return tags
