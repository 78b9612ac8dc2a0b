"""What the rows of each class look like, learned by one model that is told the class, and new rows drawn from it.

A method says by two functions how its network is trained on encoded rows (:data:`Learn`) and how encoded rows come from
it (:data:`Draw`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation import Matrix, Resampled, as_csr
from rarelabel.encoding import Block, NumericTransform, TableEncoder
from rarelabel.generative._balancing import BalancingStrategy, rows_to_add
from rarelabel.generative._conditions import Known
from rarelabel.generative._copies import are_copies, single_rows
from rarelabel.generative._encoded_rows import unseen_states
from rarelabel.generative._label_model import LabelModel, choose_believed
from rarelabel.generative._model import DRAWN_AT_ONCE, TableModel
from rarelabel.schema import Schema
from rarelabel.selection import SamplingPlan, apportion, check_memory
from rarelabel.training import TrainingResult

__all__ = [
    "TOO_FEW",
    "ClassModel",
    "Draw",
    "DrawLearned",
    "Learn",
    "Train",
    "class_weights",
    "draw_classes",
    "jittered",
    "plan_classes",
    "prepare_class_model",
    "resample_classes",
    "sample_classes",
]

Encoded = NDArray[np.float32]
Mask = NDArray[np.bool_]

Learn = Callable[
    [TableEncoder, Encoded, Mask, NDArray[np.intp], np.random.Generator], tuple[TableModel, TrainingResult]
]
"""``learn(encoder, Z, Y, labels, rng)``: train on encoded rows, whose last block is the class. Rows will be drawn of
the classes ``labels``."""

Draw = Callable[[TableModel, Encoded, Mask, np.random.Generator], Encoded]
"""``draw(model, values, known, rng)``: an encoded row for each row of ``values``, which it has where ``known``."""

DrawLearned = Callable[[Encoded, Mask, np.random.Generator], Encoded]
""":data:`Draw` of a model that is known, or trained when it is first asked."""

Train = Callable[[], tuple[TableModel, TrainingResult]]
"""Trains the network."""

_ATTEMPTS = 10
"""Rounds of drawing after which copies of training rows are taken."""

TOO_FEW = 3
"""Rows under which a class is not learned."""


@dataclass(frozen=True, eq=False)
class ClassModel:
    """All that drawing needs.

    Parameters
    ----------
    encoder : TableEncoder
    model : TableModel or None
        None while no class was asked for that is learned.
    labels : ndarray of int, shape (r,)
        Classes that rows are added to, or all that rows have where none is.
    shares : ndarray of float, shape (r,)
        How often each, sums to 1.
    seen : ndarray of bool, shape (q,)
        Classes that some training row has.
    hashes : ndarray of uint64
        Of the features of the rows that the training table has once, so that copies are known.
    unseen : ndarray of int
        Encoded columns of categories and classes that no training row has.
    few : dict of int to ndarray of float32
        Classes that were too small to be learned, and their encoded rows.
    """

    encoder: TableEncoder
    model: TableModel | None
    labels: NDArray[np.intp]
    shares: NDArray[np.float64]
    seen: Mask
    hashes: NDArray[np.uint64]
    unseen: NDArray[np.intp]
    few: dict[int, Encoded]

    @property
    def needs_network(self) -> bool:
        """Whether a class that rows are added to is learned."""
        return bool((~np.isin(self.labels, list(self.few))).any())


def plan_classes(
    method: str, strategy: BalancingStrategy, X: Matrix, Y: Mask, schema: Schema, classes: Sequence[Hashable]
) -> SamplingPlan:
    """How many rows each class is to get; ``classes`` are the labels of the schema as the caller wrote them.

    Raises
    ------
    ValueError
        If rows may carry several labels, or all are of one class, or the strategy asks for what cannot be.
    """
    if not schema.exclusive:
        raise ValueError(
            f"{method} balances classes: expected a one-dimensional y with the class of each row, got "
            f"{schema.n_labels} labels of which a row may carry several; MLDM and MLSMOTE take these"
        )
    if Y.any(axis=0).sum() < 2:
        raise ValueError(f"y has one class only ({schema.label_names[int(Y[0].argmax())]!r}); expected at least two")
    added = rows_to_add(strategy, Y, classes)
    check_memory(int(added.sum()), X, schema.n_labels)
    labels, made_for = np.flatnonzero(added), np.repeat(np.arange(len(added)), added)
    return SamplingPlan(method, len(Y), schema.label_names, labels, len(made_for), made_for=made_for)


def prepare_class_model(
    X: Matrix,
    Y: Mask,
    schema: Schema,
    plan: SamplingPlan,
    learn: Learn,
    *,
    numeric_transform: NumericTransform,
    rng: np.random.Generator,
) -> tuple[ClassModel, Train]:
    """All that is known of the classes before the network is trained.

    Parameters
    ----------
    X, Y, schema
        The table; Y has one True in each row.
    plan : SamplingPlan
        The classes that rows are added to.
    learn : callable
        Trains the network.
    numeric_transform : str
        Of :class:`~rarelabel.encoding.TableEncoder`.
    rng : Generator

    Returns
    -------
    ClassModel
        Without its network.
    train : callable
        Where the network is not needed for the classes that rows are added to, it may be called later: it gives the
        network that it would give now.

    Warns
    -----
    UserWarning
        If a class that rows are added to has fewer than three rows. Of other classes with as few rows a warning comes
        when they are drawn. If columns have missing values, which new rows have too.
    """
    _warn_of_missing(X, schema, plan.method, stacklevel=6)
    counts = Y.sum(axis=0)
    labels, shares = np.flatnonzero(counts), np.ones((counts > 0).sum())
    if plan.n_new:
        labels = plan.labels
        shares = np.bincount(np.asarray(plan.made_for), minlength=len(counts))[labels].astype(float)
    encoder = TableEncoder(numeric_transform).fit(X, schema, Y)
    Z = encoder.transform(X, Y, dtype=np.float32)
    unseen = unseen_states(Z.mean(axis=0), encoder.blocks_)
    few = {int(label): Z[Y[:, label]] for label in np.flatnonzero((counts > 0) & (counts < TOO_FEW))}
    _warn_of_few([label for label in few if label in labels], few, schema, plan.method, stacklevel=6)
    prepared = ClassModel(encoder, None, labels, shares / shares.sum(), counts > 0, single_rows(X), unseen, few)
    return prepared, partial(learn, encoder, Z, Y, labels, rng if prepared.needs_network else deepcopy(rng))


def resample_classes(
    trained: ClassModel, plan: SamplingPlan, draw: DrawLearned, *, rng: np.random.Generator, **choice: Any
) -> Resampled:
    """The table and the rows of the plan; the rest as in :func:`draw_classes`."""
    n, made_for = plan.n_rows, np.asarray(plan.made_for)
    X_new, Y_new = draw_classes(trained, made_for, draw, plan.method, rng=rng, **choice)
    return Resampled(np.arange(n), X_new, Y_new, made_for=np.append(np.full(n, -1), made_for))


def sample_classes(
    trained: ClassModel,
    schema: Schema,
    n: int,
    conditions: Known | None,
    draw: DrawLearned,
    method: str,
    *,
    takes_columns: bool = True,
    reject_copies: bool,
    rng: np.random.Generator,
) -> tuple[Matrix, Mask, NDArray[np.intp]]:
    """Draw n rows: of the classes that conditions name or leave, else in the shares in which rows are added.

    Parameters
    ----------
    trained : ClassModel
    schema : Schema
    n : int
    conditions : Known or None
        What all rows have.
    draw, method, reject_copies, rng
        As in :func:`draw_classes`.
    takes_columns : bool, default=True
        Whether the network can be told columns.

    Returns
    -------
    X, Y : decoded rows
    classes : ndarray of int, shape (n,)
        The class each was drawn for.

    Raises
    ------
    ValueError
        If the conditions leave no class that rows have, or name columns and the network takes none.
    """
    shares = np.zeros(schema.n_labels)
    shares[trained.labels] = trained.shares
    if conditions is not None:
        if conditions.features and not takes_columns:
            raise ValueError(f"{method} is told the class alone; conditions name columns")
        shares = _shares_under(conditions, shares, trained.seen)
    classes = rng.permutation(np.repeat(np.arange(len(shares)), apportion(n, shares)))
    others = [label for label in trained.few if label in classes and label not in trained.labels]
    _warn_of_few(others, trained.few, schema, method, stacklevel=5)
    loop: dict[str, Any] = {"reject_copies": reject_copies, "rng": rng}
    return *draw_classes(trained, classes, draw, method, conditions, **loop), classes


def _warn_of_missing(X: Matrix, schema: Schema, method: str, *, stacklevel: int) -> None:
    columns = np.unique(X.indices[np.isnan(X.data)]) if sparse.issparse(X) else np.flatnonzero(np.isnan(X).any(axis=0))
    if len(columns):
        names = ", ".join(repr(schema.feature_names[j]) for j in columns[:5])
        more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
        message = (
            f"{method}: columns have missing values, and new rows miss them where rows like them do: {names}{more}"
        )
        warnings.warn(f"{message}; impute them before, if no new row may", UserWarning, stacklevel=stacklevel)


def _warn_of_few(
    labels: Sequence[int], few: Mapping[int, Encoded], schema: Schema, method: str, *, stacklevel: int
) -> None:
    if labels:
        names = ", ".join(f"{schema.label_names[label]!r} ({len(few[label])})" for label in labels[:10])
        message = f"{method}: too few rows to learn from, so copies with small changes are made: {names}"
        warnings.warn(message, UserWarning, stacklevel=stacklevel)


def draw_classes(
    trained: ClassModel,
    classes: NDArray[np.intp],
    draw: DrawLearned,
    method: str,
    conditions: Known | None = None,
    *,
    reject_copies: bool,
    judge: LabelModel | None = None,
    n_choices: int = 1,
    rng: np.random.Generator,
) -> tuple[Matrix, Mask]:
    """Draw a row of each of these classes, no copy of a training row unless nothing else can be drawn.

    Of ``n_choices`` candidates that one is taken whose class the judge believes most. Candidates are drawn and decoded
    at most ``DRAWN_AT_ONCE`` at a time, so that memory grows with the rows that come back alone.

    Parameters
    ----------
    trained : ClassModel
    classes : ndarray of int, shape (m,)
    draw : callable
        Draws encoded rows.
    method : str
        Who warns where copies are taken.
    conditions : Known, default=None
        What all rows have.
    reject_copies : bool
        Whether rows whose features equal those of a training row are drawn again, unless the table has that row
        more than once.
    judge : LabelModel, default=None
    n_choices : int, default=1
        Not used without a judge.
    rng : Generator

    Returns
    -------
    X, Y : decoded rows
    """
    n_choices = n_choices if judge else 1
    at_once = max(1, DRAWN_AT_ONCE // n_choices)
    parts, n_copies = [], 0
    for some in np.split(classes, range(at_once, len(classes), at_once)):
        Z, copied = _draw_part(trained, some, draw, conditions, reject_copies, judge, n_choices, rng)
        n_copies += int((~np.isin(some[copied], list(trained.few))).sum())
        parts.append(_decoded(trained, Z, conditions))
    if n_copies:
        warnings.warn(f"{method}: {n_copies} of the new rows equal rows of the table", UserWarning, stacklevel=5)
    X, Y = zip(*parts, strict=True)
    return as_csr(sparse.vstack(X)) if sparse.issparse(X[0]) else np.concatenate(X), np.concatenate(Y)


def _draw_part(
    trained: ClassModel,
    classes: NDArray[np.intp],
    draw: DrawLearned,
    conditions: Known | None,
    reject_copies: bool,
    judge: LabelModel | None,
    n_choices: int,
    rng: np.random.Generator,
) -> tuple[Encoded, NDArray[np.intp]]:
    """Encoded rows of these classes, and which of them are copies for want of others."""
    Z = np.zeros((len(classes), trained.encoder.width_), dtype=np.float32)
    missing = np.arange(len(classes))
    for _ in range(_ATTEMPTS):
        candidates = _encoded_rows(trained, np.repeat(classes[missing], n_choices), draw, conditions, rng)
        X, Y = _decoded(trained, candidates, conditions)
        is_new = ~(are_copies(X, trained.hashes) & reject_copies)
        beliefs = judge.log_likelihood(X, Y) if judge else np.zeros(len(Y))
        shape = len(missing), n_choices
        chosen = choose_believed(beliefs.reshape(shape), is_new.reshape(shape))
        Z[missing] = candidates[np.arange(len(missing)) * n_choices + chosen.clip(0)]
        missing = missing[chosen < 0]
        if not len(missing):
            break
    return Z, missing


def _decoded(trained: ClassModel, Z: Encoded, conditions: Known | None) -> tuple[Matrix, Mask]:
    X, Y = trained.encoder.inverse_transform(Z)
    return X if conditions is None else conditions.put(X), Y


def class_weights(Y: Mask, *, at_most: float = 10.0) -> NDArray[np.float64]:
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
    Z: Encoded,
    blocks: tuple[Block, ...],
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]],
    rng: np.random.Generator,
    *,
    share: float = 0.03,
) -> Encoded:
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


def _encoded_rows(
    trained: ClassModel,
    classes: NDArray[np.intp],
    draw: DrawLearned,
    conditions: Known | None,
    rng: np.random.Generator,
) -> Encoded:
    """Rows of these classes: drawn where the class was learned, else copies with small changes."""
    encoder, blocks = trained.encoder, trained.encoder.blocks_
    wanted = np.zeros((len(classes), blocks[-1].stop), dtype=np.float32)
    known = np.zeros(wanted.shape, dtype=bool)
    if conditions is not None:
        wanted[:, conditions.known], known[:, conditions.known] = conditions.values[conditions.known], True
    wanted[:, blocks[-1].columns] = classes[:, np.newaxis] == np.arange(blocks[-1].width)
    known[:, blocks[-1].columns] = True
    learned, drawn = ~np.isin(classes, list(trained.few)), np.empty_like(wanted)
    if learned.any():
        drawn[learned] = draw(wanted[learned], known[learned], rng)
    for label, rows in trained.few.items():
        here = np.flatnonzero(classes == label)
        seeds = rows[rng.integers(len(rows), size=len(here))]
        drawn[here] = jittered(seeds, blocks, (encoder.lower_, encoder.upper_), rng)
    drawn[:, trained.unseen] = -1  # a category that no row has is never the largest of its block
    return np.where(known, wanted, drawn)


def _shares_under(known: Known, shares: NDArray[np.float64], seen: Mask) -> NDArray[np.float64]:
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
    if not (left * seen).any():
        raise ValueError("conditions leave no class that a training row has")
    return left * seen / (left * seen).sum()
