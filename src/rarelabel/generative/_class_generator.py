"""Samplers that learn what the rows of each class look like and draw new ones until classes are balanced."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Hashable, Mapping
from numbers import Integral
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from rarelabel._random import RandomState, check_random_state
from rarelabel._validation import Container, Matrix, Resampled, Table
from rarelabel.base import BaseSampler
from rarelabel.encoding import Block, NumericTransform, TableEncoder
from rarelabel.generative._balancing import BalancingStrategy, rows_to_add
from rarelabel.generative._conditions import Known, encode_conditions
from rarelabel.generative._diffusion_files import read_trained, trained_parts
from rarelabel.generative._model import Denoiser, TableModel
from rarelabel.generative._persistence import content_of, fitting_parts, read_model, restore_sampler, write_model
from rarelabel.generative._subset_model import Trained
from rarelabel.metrics import row_hashes
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan, apportion, check_memory
from rarelabel.training import TrainingResult

__all__ = ["ClassGenerator", "class_weights", "jittered"]

_ATTEMPTS = 10
"""Rounds of drawing after which copies of training rows are taken."""

_TOO_FEW = 3
"""Rows under which a class is not learned."""


class ClassGenerator(BaseSampler):
    """Base of the samplers that learn one model of all classes and are told the class of each row they draw.

    A method says in :meth:`_learn` how its model is trained and in :meth:`_draw` how encoded rows come from it.
    """

    sampling_strategy: BalancingStrategy
    numeric_transform: NumericTransform
    reject_copies: bool
    random_state: RandomState
    trained_: Trained

    _allow_nan: ClassVar[bool] = True
    _network: ClassVar[Denoiser | None] = None
    """What makes the network of a model file, where its name does not say."""
    _takes_columns: ClassVar[bool] = True
    """Whether rows can be drawn under conditions on columns."""
    _counts: ClassVar[tuple[str, ...]] = ("training_steps", "batch_size")
    """Parameters that are whole numbers of at least 1."""

    def fit(self, X: Any, Y: Any, *, schema: Schema | None = None) -> Self:
        """Train the model.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame, shape (n, d)
            Values may be missing.
        Y : array-like or Series, shape (n,)
            The class of each row.
        schema : Schema, default=None
            As in :meth:`fit_resample`.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If the inputs or parameters cannot be used; the message names the column or class.
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
        """Draw new rows.

        Parameters
        ----------
        n : int
            Number of rows.
        conditions : dict, default=None
            Name of a class to 1 (all rows are of it) or 0 (none is), and, where the method can be told columns, name of
            a column to its value. Without, classes come in the shares in which :meth:`fit_resample` adds rows, all
            alike where it adds none.
        random_state : int, Generator or None, default=None
            None takes that of the sampler, so that the same fitted model gives the same rows.

        Returns
        -------
        X, Y
            In the containers that ``fit`` was given.

        Raises
        ------
        ValueError
            If n is negative, or a condition names no class or column, or asks for what cannot be.
        sklearn.exceptions.NotFittedError
            If the model is not trained.
        """
        check_is_fitted(self, "trained_")
        if isinstance(n, bool) or not isinstance(n, Integral) or n < 0:
            raise ValueError(f"n must be an int of at least 0, got {n!r}")
        rng = check_random_state(self.random_state if random_state is None else random_state).spawn(1)[0]
        trained = self.trained_
        known = None if conditions is None else encode_conditions(conditions, self.schema_, trained.encoder)
        shares = np.zeros(self.schema_.n_labels)
        shares[trained.labels] = trained.shares
        if known is not None:
            if known.features and not self._takes_columns:
                raise ValueError(f"{type(self).__name__} is told the class alone; conditions name columns")
            shares = _shares_under(known, shares, trained.seen)
        drawn_for = rng.permutation(np.repeat(np.arange(len(shares)), apportion(int(n), shares)))
        return self._container.fill(*self._rows_of(drawn_for, rng, known))

    @property
    def schema_(self) -> Schema:
        """Columns and classes of the training table."""
        check_is_fitted(self, "trained_")
        return self._container.schema

    def save(self, path: str | PathLike[str]) -> None:
        """Write the trained model to a file: tensors and JSON, nothing that could run.

        Parameters
        ----------
        path : path-like
            Usually ends in ``.safetensors``. It holds the ranges and quantiles of columns, the categories, a hash of
            each row by which copies are known, and the rows of classes that were too small to be learned.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the model is not trained.
        ImportError
            If safetensors is not installed.
        """
        check_is_fitted(self, "trained_")
        tensors, facts = trained_parts(self.trained_)
        facts |= {
            "unseen": self._unseen.tolist(),
            "few": {str(label): rows.tolist() for label, rows in self._few.items()},
        }
        write_model(path, content_of(self, self._container, tensors, facts))

    @classmethod
    def load(cls, path: str | PathLike[str], *, device: str = "auto") -> Self:
        """Read a model that :meth:`save` wrote, trained on whatever device.

        Parameters
        ----------
        path : path-like
        device : str, default="auto"

        Returns
        -------
        sampler

        Raises
        ------
        ValueError
            If the file is damaged, from another version or another method; the message says which.
        FileNotFoundError
            If there is no such file.
        """
        content = read_model(path, cls.__name__)
        with fitting_parts(path):
            facts, trained = content.facts, read_trained(content, cls._network)
            model, width = restore_sampler(cls, content, device=device), trained.encoder.width_
            model.trained_, model._container = trained, content.container
            model._few = {int(label): np.array(rows, dtype=np.float32) for label, rows in facts["few"].items()}
            model._unseen = np.arange(width)[np.array(facts["unseen"], dtype=np.intp)]
            if any(rows.shape[1:] != (width,) or not np.isfinite(rows).all() for rows in model._few.values()):
                raise ValueError("rows of small classes")
        return model

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags

    # --- what a method says ---

    @abstractmethod
    def _learn(
        self,
        encoder: TableEncoder,
        Z: NDArray[np.float32],
        Y: NDArray[np.bool_],
        labels: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> tuple[TableModel, TrainingResult]:
        """Train a model of encoded rows, whose last block is the class; ``labels`` are the classes to be drawn."""

    @abstractmethod
    def _draw(
        self, values: NDArray[np.float32], known: NDArray[np.bool_], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Draw an encoded row for each row of ``values``, which it has where ``known``."""

    # --- the spine ---

    def _validate(self, X: Any, Y: Any, schema: Schema | None) -> Table:
        table = super()._validate(X, Y, schema)
        if not table.schema.exclusive:
            raise ValueError(
                f"{type(self).__name__} balances classes: expected a one-dimensional y with the class of each row, got "
                f"{table.schema.n_labels} labels of which a row may carry several; MLDM and MLSMOTE take these"
            )
        if (table.Y.sum(axis=0) > 0).sum() < 2:
            name = table.schema.label_names[int(table.Y.sum(axis=0).argmax())]
            raise ValueError(f"y has one class only ({name!r}); expected at least two")
        return table

    def _remember_form(self, table: Table) -> None:
        self._container = Container.of(table)
        self.__dict__.pop("trained_", None)  # that of a table before

    def _plan(self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, rng: np.random.Generator) -> SamplingPlan:
        for name in self._counts:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
                raise ValueError(f"{name} must be an int of at least 1, got {value!r}")
        added = rows_to_add(self.sampling_strategy, Y, schema.label_names)
        check_memory(int(added.sum()), X, schema.n_labels)
        labels, made_for = np.flatnonzero(added), np.repeat(np.arange(len(added)), added)
        name = type(self).__name__
        return SamplingPlan(name, len(Y), schema.label_names, labels, len(made_for), made_for=made_for)

    def _fit_resample(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> Resampled:
        n, made_for = len(Y), np.asarray(plan.made_for)
        if not plan.n_new:
            return Resampled(np.arange(n), X[:0], Y[:0])
        self._train(X, Y, schema, plan, rng)
        X_new, Y_new = self._rows_of(made_for, rng)
        return Resampled(np.arange(n), X_new, Y_new, made_for=np.append(np.full(n, -1), made_for))

    def _train(
        self, X: Matrix, Y: NDArray[np.bool_], schema: Schema, plan: SamplingPlan, rng: np.random.Generator
    ) -> None:
        counts = Y.sum(axis=0)
        seen = counts > 0
        labels = plan.labels if len(plan.labels) else np.flatnonzero(seen)
        shares = (
            np.bincount(np.asarray(plan.made_for), minlength=len(counts))[labels]
            if plan.n_new
            else np.ones(len(labels))
        )
        encoder = TableEncoder(self.numeric_transform).fit(X, schema, Y)
        Z = encoder.transform(X, Y, dtype=np.float32)
        self._unseen = _unseen_states(Z, encoder.blocks_)
        few = labels[counts[labels] < _TOO_FEW]
        self._few = {int(label): Z[Y[:, label]] for label in few}
        if len(few):
            names = ", ".join(f"{schema.label_names[label]!r} ({counts[label]})" for label in few[:10])
            message = (
                f"{type(self).__name__}: too few rows to learn from, so copies with small changes are made: {names}"
            )
            warnings.warn(message, UserWarning, stacklevel=4)
        model, result = self._learn(encoder, Z, Y, labels, rng)
        hashes = np.unique(row_hashes(X))
        sets = np.eye(len(counts), dtype=bool)[seen], counts[seen]
        self.trained_ = Trained(encoder, model, labels, shares / shares.sum(), counts / len(Y), seen, hashes, *sets)
        self.stopped_ = result.stopped
        self.loss_history_ = np.array(
            [(r.step, r.loss, np.nan if r.held_out_loss is None else r.held_out_loss) for r in result.history]
        ).reshape(-1, 3)
        if result.stopped == "not finite":
            message = f"{type(self).__name__}: the loss became NaN or infinite after {result.n_steps} steps; "
            warnings.warn(message + "the weights before are used", UserWarning, stacklevel=4)

    def _rows_of(
        self, classes: NDArray[np.intp], rng: np.random.Generator, conditions: Known | None = None
    ) -> tuple[Matrix, NDArray[np.bool_]]:
        """A row of each of these classes, no copy of a training row unless nothing else can be drawn."""
        trained = self.trained_
        Z = np.zeros((len(classes), trained.encoder.width_), dtype=np.float32)
        missing = np.arange(len(classes))
        for _ in range(_ATTEMPTS):
            Z[missing] = self._encoded_rows(classes[missing], conditions, rng)
            X, _ = trained.encoder.inverse_transform(Z[missing])
            missing = missing[np.isin(row_hashes(X), trained.hashes) & self.reject_copies]
            if not len(missing):
                break
        n_copies = int((~np.isin(classes[missing], list(self._few))).sum())
        if n_copies:
            message = f"{type(self).__name__}: {n_copies} of the new rows equal rows of the table"
            warnings.warn(message, UserWarning, stacklevel=4)
        return trained.encoder.inverse_transform(Z)

    def _encoded_rows(
        self, classes: NDArray[np.intp], conditions: Known | None, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        blocks = self.trained_.encoder.blocks_
        Z = np.zeros((len(classes), blocks[-1].stop), dtype=np.float32)
        known = np.zeros(Z.shape, dtype=bool)
        if conditions is not None:
            Z, known = Z + np.where(conditions.known, conditions.values, 0), known | conditions.known
        Z[:, blocks[-1].columns] = classes[:, np.newaxis] == np.arange(blocks[-1].width)
        known[:, blocks[-1].columns] = True
        learned, wanted = ~np.isin(classes, list(self._few)), Z.astype(np.float32)
        drawn = np.empty_like(wanted)
        if learned.any():
            drawn[learned] = self._draw(wanted[learned], known[learned], rng)
        for label, rows in self._few.items():
            here = np.flatnonzero(classes == label)
            seeds = rows[rng.integers(len(rows), size=len(here))]
            drawn[here] = jittered(seeds, blocks, self.trained_.model.bounds, rng)
        drawn[:, self._unseen] = -1  # a category that no row has is never the largest of its block
        return np.where(known, wanted, drawn)


def class_weights(Y: NDArray[np.bool_], *, at_most: float = 10.0) -> NDArray[np.float64]:
    """Weights of training rows under which all classes are drawn alike.

    No row comes more than ten times as often as one of the most frequent class, though: a model that sees the same few
    rows all the time learns them by heart.

    Examples
    --------
    >>> class_weights(np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=bool))
    array([1., 1., 1., 3.])
    """
    counts = Y.sum(axis=0)
    return np.minimum(counts.max() / np.maximum(counts, 1), at_most)[Y.argmax(axis=1)]


def jittered(
    Z: NDArray[np.float32],
    blocks: tuple[Block, ...],
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]],
    rng: np.random.Generator,
    *,
    share: float = 0.03,
) -> NDArray[np.float32]:
    """Encoded rows whose numbers are moved by a normal draw of a small share of their range, thrown back at its ends.

    Examples
    --------
    >>> block, bounds = Block("numeric", 0, 1, (0,)), (np.array([0.0]), np.array([1.0]))
    >>> rows = jittered(np.ones((1000, 1), dtype=np.float32), (block,), bounds, np.random.default_rng(0))
    >>> rows.max() <= 1, round((1 - rows).mean().item(), 2)  # 0.03 times the mean size of a normal draw, 0.8
    (np.True_, 0.02)
    """
    numbers = np.zeros(Z.shape[1], dtype=bool)
    for block in blocks:
        numbers[block.columns] = block.is_continuous
    low, high = bounds
    moved = Z + share * (high - low) * rng.standard_normal(Z.shape)
    moved = np.where(moved > high, 2 * high - moved, np.where(moved < low, 2 * low - moved, moved))
    moved = np.clip(moved, low, high)
    return np.where(numbers, moved, Z).astype(np.float32)


def _shares_under(known: Known, shares: NDArray[np.float64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Shares of the classes that conditions leave."""
    asked = [label for label, wanted in known.labels.items() if wanted]
    refused = [label for label, wanted in known.labels.items() if not wanted]
    if not seen[asked].all():
        raise ValueError("conditions ask for a class that no training row has")
    left = np.zeros_like(shares) if asked else shares.copy()
    left[asked], left[refused] = 1.0, 0.0
    if not (left * seen).any():  # only classes that are not to grow are left: those that rows have, alike
        left = seen.astype(float)
        left[refused] = 0.0
    return left * seen / (left * seen).sum()


def _unseen_states(Z: NDArray[np.float32], blocks: tuple[Block, ...]) -> NDArray[np.intp]:
    """Columns of one-hot blocks that no row has."""
    one_hot = [c for block in blocks if block.is_one_hot for c in range(block.start, block.stop)]
    return np.array([c for c in one_hot if not Z[:, c].any()], dtype=np.intp)
