"""A model of the rows that carry a minority label, and the rows drawn from it: plan, encode, train, draw, accept."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._device import torch_generator
from rarelabel._validation import Matrix, as_csr
from rarelabel.encoding import Block, NumericTransform, TableEncoder
from rarelabel.generative._conditions import Known, known_label
from rarelabel.generative._copies import are_copies, single_rows
from rarelabel.generative._label_model import LabelModel, choose_believed
from rarelabel.generative._model import Recipe, TableModel, draw, first_model, learn
from rarelabel.schema import Schema
from rarelabel.training import TrainingResult

__all__ = [
    "Trained",
    "choose_held_out",
    "draw_for_labels",
    "draw_for_table",
    "label_shares",
    "subset_weights",
    "train_on_subset",
]

_ATTEMPTS = 30
"""Rounds of drawing after which rows that were not accepted are given up."""

_IN_VAIN = 10
"""Rounds in a row without a row accepted after which all are given up."""

_MOST_HELD_OUT = 8192
"""Held-out rows, whose loss is computed at once."""

_AT_ONCE = 1024
"""Rows whose candidates are held in memory at a time."""


@dataclass(frozen=True, eq=False)
class Trained:
    """All that drawing needs.

    Parameters
    ----------
    encoder : TableEncoder
    model : TableModel
    labels : ndarray of int, shape (r,)
        The labels rows are drawn for.
    shares : ndarray of float, shape (r,)
        How often each, sums to 1.
    frequencies : ndarray of float, shape (q,)
        Share of the rows of S that carry each label.
    seen : ndarray of bool, shape (q,)
        Labels that some training row carries; no new row carries another.
    hashes : ndarray of uint64
        Of the features of the rows that the training table has once, so that copies are known.
    label_sets : ndarray of bool, shape (u, q)
        The distinct rows of Y that were trained on.
    set_counts : ndarray of int, shape (u,)
        How many rows have each.
    """

    encoder: TableEncoder
    model: TableModel
    labels: NDArray[np.intp]
    shares: NDArray[np.float64]
    frequencies: NDArray[np.float64]
    seen: NDArray[np.bool_]
    hashes: NDArray[np.uint64]
    label_sets: NDArray[np.bool_]
    set_counts: NDArray[np.intp]


def train_on_subset(
    X: Matrix,
    Y: NDArray[np.bool_],
    schema: Schema,
    labels: NDArray[np.intp],
    *,
    on_all_rows: bool,
    recipe: Recipe,
    numeric_transform: NumericTransform,
    rng: np.random.Generator,
    **loop: Any,
) -> tuple[Trained, TrainingResult]:
    """Learn the rows S that carry one of ``labels`` (section 3 of the paper).

    Parameters
    ----------
    X, Y, schema
        The table.
    labels : ndarray of int
        The minority labels.
    on_all_rows : bool
        Train on the rows outside of S too; S is then drawn more often.
    recipe : Recipe
    numeric_transform : str
        Of :class:`~rarelabel.encoding.TableEncoder`.
    rng : Generator
    **loop
        ``device``, ``n_threads``, ``progress``, ``cancel`` of :func:`~rarelabel.training.train`.

    Returns
    -------
    Trained, TrainingResult
    """
    in_subset = np.asarray(Y[:, labels].any(axis=1))
    rows = np.arange(len(Y)) if on_all_rows else np.flatnonzero(in_subset)
    # the released code sees numbers only: no states of usual values, one-hot columns as they are
    usual_share = 0.8 if recipe.known_share else 1.0
    X_used, Y_used = (X, Y) if on_all_rows else (X[rows], Y[rows])
    encoder = TableEncoder(numeric_transform, usual_share=usual_share).fit(X_used, schema, Y_used)
    Z = encoder.transform(X_used, Y_used, dtype=np.float32)
    blocks = encoder.blocks_ if recipe.known_share else (Block("numeric", 0, encoder.width_, ()),)
    model = first_model(blocks, encoder, recipe, Z.mean(axis=0, dtype=np.float64), rng)
    held_out = np.zeros(len(rows), dtype=bool)
    if recipe.patience is not None:
        held_out = choose_held_out(Y_used, labels, rng)
    result = learn(
        model,
        Z,
        row_weights=subset_weights(in_subset) if on_all_rows else None,
        held_out=held_out,
        revealed=[encoder.blocks_[-1].start + int(label) for label in labels],
        rng=rng,
        **loop,
    )
    seen = np.asarray(Y_used.any(axis=0))
    shares, frequencies = label_shares(Y, labels), Y[in_subset].mean(axis=0)
    sets = np.unique(Y_used, axis=0, return_counts=True)
    return Trained(encoder, model, labels, shares, frequencies, seen, single_rows(X), *sets), result


def label_shares(Y: NDArray[np.bool_], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """How often each label is met by drawing a row of S, then one of the minority labels that it carries.

    Examples
    --------
    >>> label_shares(np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=bool), np.array([0, 1]))
    array([0.25, 0.75])
    """
    carried = Y[:, labels][Y[:, labels].any(axis=1)]
    return np.asarray((carried / carried.sum(axis=1, keepdims=True)).sum(axis=0) / len(carried))


def subset_weights(in_subset: NDArray[np.bool_], *, at_most: float = 10.0) -> NDArray[np.float64]:
    """Weights of training rows under which S is half of what is drawn.

    No row of S comes more than ten times as often as another row, though: a model that sees the same few rows all the
    time learns them by heart.

    Examples
    --------
    >>> subset_weights(np.array([True, False, False, False]))
    array([3., 1., 1., 1.])
    """
    inside = int(in_subset.sum())
    return np.where(in_subset, min(max((len(in_subset) - inside) / inside, 1.0), at_most), 1.0)


def choose_held_out(
    Y: NDArray[np.bool_], labels: NDArray[np.intp], rng: np.random.Generator, *, share: float = 0.1, least: int = 10
) -> NDArray[np.bool_]:
    """Rows whose loss decides when training ends, as a mask.

    A tenth of S, but no row whose minority labels are on fewer than five rows: they are needed for training. Where that
    leaves too few, a tenth of the other rows. None at all where that is too few as well.
    """
    counts = Y.sum(axis=0)
    in_subset = Y[:, labels].any(axis=1)
    spared = (Y[:, labels] & (counts[labels] < 5)).any(axis=1)
    held = np.zeros(len(Y), dtype=bool)
    for candidates in (in_subset & ~spared, ~in_subset):
        pool = np.flatnonzero(candidates)
        n_held = min(round(share * len(pool)), _MOST_HELD_OUT)
        if n_held >= least:
            held[rng.permutation(pool)[:n_held]] = True
            return held
    return held


def draw_for_labels(
    trained: Trained,
    made_for: NDArray[np.intp],
    *,
    conditions: Known | None = None,
    n_choices: int = 1,
    reject_copies: bool = True,
    judge: LabelModel | None = None,
    rng: np.random.Generator,
    **place: Any,
) -> tuple[Matrix, NDArray[np.bool_], NDArray[np.intp]]:
    """Draw a row for each label of ``made_for``.

    A candidate is accepted if it carries its label, meets the conditions, and equals no row that the training table has
    once; in the last round such copies are taken where there is nothing else. Of ``n_choices`` candidates for each row,
    the one is taken whose labels the judge believes most; without a judge the one that keeps the frequencies of all
    labels nearest to those of S; under conditions the first. Where none is accepted, others are drawn.

    Parameters
    ----------
    trained : Trained
    made_for : ndarray of int, shape (m,)
        Label each row is for; -1 for none in particular.
    conditions : Known, default=None
    n_choices : int, default=1
    reject_copies : bool, default=True
        Whether rows whose features equal those of a training row are drawn again.
    judge : LabelModel, default=None
    rng : Generator
    **place
        ``device``, ``n_threads``.

    Returns
    -------
    X, Y : decoded rows, at most m
    rows : ndarray of int
        Which entries of ``made_for`` they are for.
    """
    generator = torch_generator(rng)
    counts, missing = np.zeros(len(trained.frequencies)), rng.permutation(len(made_for))
    parts, n_copies, in_vain = [], 0, 0
    for attempt in range(_ATTEMPTS):
        is_last, failed = attempt == _ATTEMPTS - 1 or in_vain == _IN_VAIN - 1, []
        for slots in np.split(missing, range(_AT_ONCE, len(missing), _AT_ONCE)):
            wanted = np.repeat(made_for[slots], n_choices)
            X, Y = draw_once(trained, wanted, conditions, rng, generator, **place)
            valid = (wanted < 0) | Y[np.arange(len(wanted)), wanted]
            if conditions is not None:
                valid &= conditions.holds(X, Y)
                X = conditions.put(X)
            shape = len(slots), n_choices
            copied = valid & are_copies(X, trained.hashes) & reject_copies
            accepted = (valid & ~copied).reshape(shape)
            if is_last:  # the table has few distinct rows, and copies are right
                accepted |= valid.reshape(shape) & ~accepted.any(axis=1, keepdims=True)
            if judge is not None:
                chosen = choose_believed(judge.log_likelihood(X, Y).reshape(shape), accepted)
            else:
                wishes = trained.frequencies if conditions is None else None
                chosen = choose_candidates(Y.reshape(*shape, -1), accepted, counts, wishes)
            found = chosen >= 0
            taken = np.flatnonzero(found) * n_choices + chosen[found]
            parts.append((slots[found], X[taken], Y[taken]))
            failed.append(slots[~found])
            n_copies += int(copied[taken].sum())
        left = np.concatenate(failed)
        in_vain = in_vain + 1 if len(left) == len(missing) else 0
        missing = left
        if is_last or not len(missing):
            break
    if n_copies:
        warnings.warn(f"MLDM: {n_copies} of the new rows equal rows of the table", UserWarning, stacklevel=4)
    return in_order(parts)


def draw_for_table(
    trained: Trained,
    made_for: NDArray[np.intp],
    *,
    judge: LabelModel,
    n_choices: int,
    reject_copies: bool,
    rng: np.random.Generator,
    **place: Any,
) -> tuple[Matrix, NDArray[np.bool_], NDArray[np.intp]]:
    """Draw rows that a label model judges, and rows for no label that it labels.

    Rows for a label are the candidates it believes most. A row for none (-1 in ``made_for``) gets the labels it finds
    likeliest, each label on as many rows as the diffusion drew it.

    Parameters and returns are those of :func:`draw_for_labels`.
    """
    loop = {"reject_copies": reject_copies, "rng": rng, **place}
    for_labels, for_none = np.flatnonzero(made_for >= 0), np.flatnonzero(made_for < 0)
    X, Y, rows = draw_for_labels(trained, made_for[for_labels], n_choices=n_choices, judge=judge, **loop)
    if not len(for_none):
        return X, Y, for_labels[rows]
    X_more, Y_more, more = draw_for_labels(trained, made_for[for_none], **loop)
    Y_more = judge.assign(X_more, Y_more.sum(axis=0))
    return in_order([(for_labels[rows], X, Y), (for_none[more], X_more, Y_more)])


def choose_candidates(
    Y: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    counts: NDArray[np.float64],
    frequencies: NDArray[np.float64] | None,
) -> NDArray[np.intp]:
    """One candidate for each row, so that label counts stay near to what the frequencies ask for.

    Parameters
    ----------
    Y : ndarray of bool, shape (m, c, q)
        Labels of c candidates for each of m rows.
    valid : ndarray of bool, shape (m, c)
    counts : ndarray of float, shape (q,)
        Counts of the rows taken before less those that the frequencies asked for; brought up to date.
    frequencies : ndarray of float, shape (q,), or None
        None takes the first valid candidate.

    Returns
    -------
    ndarray of int, shape (m,)
        -1 where no candidate is valid.

    Examples
    --------
    >>> Y = np.array([[[1, 0], [1, 1]], [[1, 0], [1, 1]]], dtype=bool)
    >>> choose_candidates(Y, np.ones((2, 2), dtype=bool), np.zeros(2), np.array([1.0, 0.5])).tolist()
    [0, 1]
    """
    if frequencies is None:
        return np.where(valid.any(axis=1), valid.argmax(axis=1), -1)
    chosen = np.full(len(Y), -1, dtype=np.intp)
    for i in np.flatnonzero(valid.any(axis=1)):
        off = ((counts + Y[i] - frequencies) ** 2).sum(axis=1)
        chosen[i] = np.where(valid[i], off, np.inf).argmin()
        counts += Y[i, chosen[i]] - frequencies
    return chosen


def draw_once(
    trained: Trained,
    wanted: NDArray[np.intp],
    conditions: Known | None,
    rng: np.random.Generator,
    generator: torch.Generator,
    **place: Any,
) -> tuple[Matrix, NDArray[np.bool_]]:
    """Draw and decode one row for each wanted label.

    Under conditions real columns are drawn with the noise of ancestral sampling, which follows conditions on rows
    outside of S better.
    """
    encoder, eta = trained.encoder, None
    values = np.zeros((len(wanted), encoder.width_))
    known = np.zeros((len(wanted), encoder.width_), dtype=bool)
    for label in np.unique(wanted[wanted >= 0]):
        values[wanted == label], known[wanted == label] = known_label(encoder.blocks_, int(label))
    if conditions is not None:
        values = np.where(conditions.known, conditions.values, values)
        known |= conditions.known
        sets, eta = sets_under(trained, conditions, len(wanted), rng), 1.0
        if sets is not None:
            columns = encoder.blocks_[-1].columns
            values[:, columns], known[:, columns] = sets, True
    Z = draw(trained.model, len(wanted), generator=generator, values=values, known=known, eta=eta, **place)
    X, Y = encoder.inverse_transform(Z)
    return X, Y & trained.seen


def sets_under(trained: Trained, conditions: Known, n: int, rng: np.random.Generator) -> NDArray[np.bool_] | None:
    """Label sets of n rows under conditions on labels, each as often as among the training rows that meet them.

    p(row | l) is the sum over label sets y of p(y | l) p(row | y). The model knows p(y | l) for the labels that it
    draws rows for; for others it is tilted towards S, and the table says it exactly.

    Returns
    -------
    ndarray of bool, shape (n, q), or None
        None under conditions on columns of X, and where no training row meets them: the model draws the labels then.
    """
    meets = np.ones(len(trained.label_sets), dtype=bool)
    for label, value in conditions.labels.items():
        meets &= trained.label_sets[:, label] == value
    if conditions.features or not meets.any():
        return None
    counts = trained.set_counts * meets
    return trained.label_sets[rng.choice(len(meets), n, p=counts / counts.sum())]


def stack(parts: list[Matrix]) -> Matrix:
    """Tables below each other."""
    return as_csr(sparse.vstack(parts, format="csr")) if sparse.issparse(parts[0]) else np.concatenate(parts)


def in_order(
    parts: list[tuple[NDArray[np.intp], Matrix, NDArray[np.bool_]]],
) -> tuple[Matrix, NDArray[np.bool_], NDArray[np.intp]]:
    """X, Y and numbers of the rows of all parts, by number. Takes the parts away, so that memory holds two copies."""
    rows, Y = np.concatenate([part[0] for part in parts]), np.concatenate([part[2] for part in parts])
    order = np.argsort(rows)
    tables = [part[1] for part in parts]
    parts.clear()
    if sparse.issparse(tables[0]):
        return stack(tables)[order], Y[order], rows[order]
    X, places = np.empty((len(rows), tables[0].shape[1]), dtype=tables[0].dtype), np.argsort(order)
    while tables:
        table = tables.pop()
        X[places[len(places) - len(table) :]] = table
        places = places[: len(places) - len(table)]
    return X, Y[order], rows[order]
