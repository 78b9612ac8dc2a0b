"""What samplers share that train a model once and draw rows from it as often as asked."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping
from numbers import Integral
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from rarelabel._device import choose_device
from rarelabel._random import RandomState, check_random_state
from rarelabel._validation import Container, Matrix, Table
from rarelabel.base import BaseSampler
from rarelabel.datasets import Dataset
from rarelabel.generative._persistence import (
    ModelFile,
    Parts,
    content_of,
    fitting_parts,
    read_model,
    restore_sampler,
    write_model,
)
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan

__all__ = ["GenerativeMixin"]

_OF_DRAWING = frozenset(
    {
        "cancel", "denoiser", "interpolation", "latent_noise", "n_choices", "n_threads", "progress", "random_state",
        "reject_copies", "sampling_steps",
    }
)  # fmt: skip
"""Parameters that may change once a model is trained."""

if TYPE_CHECKING:
    _Sampler = BaseSampler
else:  # a sampler has this mixin beside BaseSampler, not between itself and it
    _Sampler = object


class GenerativeMixin(_Sampler):
    """``fit``, ``sample``, ``save`` and ``load`` of a sampler, around what it says of its model.

    That is how it is trained (:meth:`_train`), how rows are drawn from it (:meth:`_draw`), and what a file holds of it
    (:meth:`_parts`, :meth:`_restore`). A trained sampler has the attributes ``trained_``, ``loss_history_`` and
    ``stopped_``.
    """

    trained_: Any
    random_state: RandomState
    _container: Container

    def fit(self, X: Any, Y: Any, *, schema: Schema | None = None) -> Self:
        """Train the model.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame, shape (n, d)
            Values may be missing.
        Y : array-like, sparse matrix, DataFrame, Series or list of label lists, n rows
            One-dimensional, it holds the class of each row. For methods that balance classes a table of one column
            does too, and an indicator of which each row carries one label is one of classes.
        schema : Schema, default=None
            As in :meth:`fit_resample`.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If the inputs or parameters cannot be used; the message names the column, label or class.
        """
        table = self._validate(X, Y, schema)
        rng = check_random_state(self.random_state)
        plan = self._plan(table.X, table.Y, table.schema, rng)
        self._remember_plan(plan)
        self._remember_form(table)
        self._train(table.X, table.Y, table.schema, plan, rng)
        return self

    def sample(
        self, n: int, conditions: Mapping[Hashable, Any] | None = None, *, random_state: RandomState = None
    ) -> tuple[Any, Any]:
        """Draw new rows from the trained model.

        Parameters
        ----------
        n : int
            Number of rows.
        conditions : dict, default=None
            What all rows are to have: name of a label or class to 1 or 0, name of a column to its value where the
            method can be told columns. A name is what ``fit`` was given, or its text; where it can be both, write
            ``("label", name)`` or ``("column", name)``. Without, rows are for the labels that :meth:`fit_resample` adds
            rows for, in the same shares.
        random_state : int, Generator or None, default=None
            None takes that of the sampler, so that the same fitted model gives the same rows.

        Returns
        -------
        X, Y
            In the containers that ``fit`` was given. Fewer than n rows, with a warning that says how many, where not
            all could be drawn.

        Raises
        ------
        ValueError
            If n is negative, or a condition names no label, class or column, or both, or asks for what cannot be: a
            category that no row has, a number beyond those of the table.
        sklearn.exceptions.NotFittedError
            If the model is not trained.
        """
        check_is_fitted(self, "trained_")
        return self._container.fill(*self._draw(_number(n), _named(conditions), self._stream(random_state)))

    def sample_dataset(
        self, n: int, conditions: Mapping[Hashable, Any] | None = None, *, random_state: RandomState = None
    ) -> Dataset:
        """Draw the rows that :meth:`sample` draws, as a data set to be written to a file.

        Parameters
        ----------
        n, conditions, random_state
            As in :meth:`sample`, which also says what is raised.

        Returns
        -------
        Dataset
            With the columns of the training table, whatever containers ``fit`` was given.
        """
        check_is_fitted(self, "trained_")
        X, Y = self._draw(_number(n), _named(conditions), self._stream(random_state))
        return Dataset(X, Y, self.schema_, f"rows drawn by {type(self).__name__}")

    @property
    def schema_(self) -> Schema:
        """Columns and labels of the training table."""
        check_is_fitted(self, "trained_")
        return self._container.schema

    def save(self, path: str | PathLike[str]) -> None:
        """Write the trained model to a file: tensors and JSON, nothing that could run.

        Parameters
        ----------
        path : path-like
            Usually ends in ``.safetensors``. It holds the ranges and quantiles of columns, the categories, and a hash
            of each row by which copies are known; the notes on the method say what else of the training rows.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the model is not trained.
        ImportError
            If safetensors is not installed.
        """
        check_is_fitted(self, "trained_")
        write_model(path, content_of(self, self._container, *self._parts()))

    @classmethod
    def load(cls, path: str | PathLike[str], *, device: str = "auto", **parameters: Any) -> Self:
        """Read a model that :meth:`save` wrote, trained on whatever device.

        Parameters
        ----------
        path : path-like
        device : str, default="auto"
        **parameters
            That replace those in the file, of drawing only; needed are those that a file cannot hold, such as a
            ``denoiser`` of your own.

        Returns
        -------
        sampler
            Ready to :meth:`sample`.

        Raises
        ------
        ValueError
            If the file is damaged, from another version or another method; the message says which. If a parameter is
            fixed by training.
        FileNotFoundError
            If there is no such file.
        """
        unknown = sorted(set(parameters) - set(cls._get_param_names()))
        if unknown:
            raise TypeError(f"{cls.__name__} has no parameter {unknown[0]!r}")
        choose_device(device)  # a wrong name is no fault of the file
        content = read_model(path, cls.__name__)
        for name, value in parameters.items():
            if name in content.parameters and name not in _OF_DRAWING and content.parameters[name] != value:
                raise ValueError(
                    f"{name}={value!r}: this is fixed by training, and {path} was trained with "
                    f"{content.parameters[name]!r}"
                )
        with fitting_parts(path):
            sampler = restore_sampler(cls, content, device=device, **parameters)
            sampler._container = content.container
            sampler._restore(content)
        return sampler

    @abstractmethod
    def _train(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> None:
        """Set ``trained_``, ``loss_history_`` and ``stopped_``; nothing where the plan has no label to learn."""

    @abstractmethod
    def _draw(
        self, n: int, conditions: Mapping[Hashable, Any] | None, rng: np.random.Generator
    ) -> tuple[Matrix, NDArray[np.bool_]]:
        """Draw n rows under conditions."""

    @abstractmethod
    def _parts(self) -> Parts:
        """What a file holds of the trained model."""

    @abstractmethod
    def _restore(self, content: ModelFile) -> None:
        """Set ``trained_``, and attributes of the method's own, from the file; ValueError where parts do not fit."""

    def _remember_form(self, table: Table) -> None:
        self._container = Container.of(table)
        self.__dict__.pop("trained_", None)  # that of a table before

    def _stream(self, random_state: RandomState) -> np.random.Generator:
        """Random numbers for drawing, which are not those of training."""
        return check_random_state(self.random_state if random_state is None else random_state).spawn(1)[0]


def _number(n: int) -> int:
    if isinstance(n, bool) or not isinstance(n, Integral) or n < 0:
        raise ValueError(f"n must be an int of at least 0, got {n!r}")
    return int(n)


def _named(conditions: Mapping[Hashable, Any] | None) -> Mapping[Hashable, Any] | None:
    if conditions is not None and not isinstance(conditions, Mapping):
        raise TypeError(f"conditions must be a dict of names to values, got {conditions!r}")
    return conditions
