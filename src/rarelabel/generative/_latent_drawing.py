"""New rows from seeds: points of the latent space near them, decoded, thresholded, accepted."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from rarelabel._validation import Matrix
from rarelabel.encoding import Block, TableEncoder
from rarelabel.generative._copies import are_copies
from rarelabel.generative._label_model import LabelModel, choose_believed
from rarelabel.generative._latent_model import LatentRecipe, LatentSpace, decode_codes
from rarelabel.generative._seeds import choose_partners, plan_seeds, seeds_under
from rarelabel.generative._subset_model import in_order
from rarelabel.selection import Budget

__all__ = ["Drawn", "LabelThreshold", "TrainedSpace", "draw_rows", "draw_states", "label_thresholds", "latent_points"]

LabelThreshold = Literal["calibrated", "cardinality"] | float
"""How scores become labels; see :func:`label_thresholds`."""

_ATTEMPTS = 10
"""Rounds of drawing after which rows that were not accepted are given up."""

_CELLS = 2**22
"""Cells of decoded rows that are held at a time."""


@dataclass(frozen=True, eq=False)
class TrainedSpace:
    """All that drawing needs.

    Parameters
    ----------
    encoder : TableEncoder
        Of the features alone.
    space : LatentSpace
    recipe : LatentRecipe
    rows : ndarray of int, shape (s,)
        Rows of the training table that are seeds.
    codes : ndarray of float32, shape (s, z)
        Codes of their features.
    seeds : ndarray of bool, shape (s, q)
        The labels that each is a seed for.
    label_sets : ndarray of bool, shape (s, q)
        The labels that each carries.
    thresholds : ndarray of float, shape (q,)
        A label is carried whose probability is above; 1 for labels that no new row carries.
    hashes : ndarray of uint64
        Of the features of the rows that the training table has once, so that copies are known.
    unseen : ndarray of int
        Encoded columns of categories that no training row has.
    exclusive : bool
        Whether each row has exactly one label.
    """

    encoder: TableEncoder
    space: LatentSpace
    recipe: LatentRecipe
    rows: NDArray[np.intp]
    codes: NDArray[np.float32]
    seeds: NDArray[np.bool_]
    label_sets: NDArray[np.bool_]
    thresholds: NDArray[np.float64]
    hashes: NDArray[np.uint64]
    unseen: NDArray[np.intp]
    exclusive: bool

    def seeds_under(self, conditions: dict[int, bool]) -> NDArray[np.bool_]:
        """Seeds whose label sets meet conditions, for the labels that the conditions ask for, if any; as ``seeds``."""
        return seeds_under(conditions, self.seeds, self.label_sets)

    def plan(
        self, n: int, conditions: dict[int, bool], rng: np.random.Generator
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Seeds of n rows, by index, and the labels they are made for; none where no seed meets the conditions."""
        return plan_seeds(self.seeds_under(conditions), Budget(n), rng)


@dataclass(frozen=True, eq=False)
class Drawn:
    """New rows and where they come from.

    Parameters
    ----------
    X, Y : decoded rows, at most as many as asked for
    asked : ndarray of int
        Which of the rows asked for each is.
    first, second : ndarray of int
        Seeds of each row, as rows of the training table; -1 where there is no second.
    acceptance : float
        Of the rows decoded the share that was accepted, taken or not.
    """

    X: Matrix
    Y: NDArray[np.bool_]
    asked: NDArray[np.intp]
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    acceptance: float


def latent_points(
    codes: NDArray[np.float32],
    seeds: NDArray[np.bool_],
    first: NDArray[np.intp],
    second: NDArray[np.intp],
    labels: NDArray[np.intp],
    *,
    interpolation: float,
    noise: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Points near the first seed, drawn towards the second.

    With m the mean code of the label's seeds and t from [0, ``interpolation``), a point is
    m + ((1 - t) (u - m) + t (u' - m)) / sqrt((1 - t)² + t²) + noise: a plain mean of two seeds lies nearer to m than
    seeds do, and rows decoded from such points vary too little.

    Parameters
    ----------
    codes : ndarray of float32, shape (s, z)
    seeds : ndarray of bool, shape (s, q)
        The labels that each is a seed for.
    first, second : ndarray of int, shape (m,)
        Indices of seeds; -1 where there is no second.
    labels : ndarray of int, shape (m,)
    interpolation, noise : float
    rng : Generator

    Returns
    -------
    ndarray of float32, shape (m, z)
    """
    centers = np.zeros((len(first), codes.shape[1]))
    for label in np.unique(labels):
        centers[labels == label] = codes[seeds[:, label]].mean(axis=0, dtype=np.float64)
    share = np.where(second >= 0, interpolation * rng.random(len(first)), 0.0)[:, np.newaxis]
    between = (1 - share) * (codes[first] - centers) + share * (codes[second] - centers)
    points = centers + between / np.hypot(1 - share, share) + noise * rng.standard_normal(centers.shape)
    return points.astype(np.float32)


def label_thresholds(
    rule: LabelThreshold, probabilities: NDArray[np.float64], Y: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Thresholds of decoded probabilities.

    Parameters
    ----------
    rule : {"calibrated", "cardinality"} or float
        ``"calibrated"``: one for each label, above which it is as often as on the seeds. ``"cardinality"``: one for all
        labels, above which rows have as many labels as the seeds on average. A float is the threshold itself.
    probabilities : ndarray of float, shape (m, q)
        Decoded from points near the seeds.
    Y : ndarray of bool, shape (m, q)
        Labels of the seeds.

    Returns
    -------
    ndarray of float, shape (q,)
        1 for labels that no seed carries, unless the rule is a number.

    Examples
    --------
    >>> P = np.array([[0.9, 0.2], [0.6, 0.1], [0.4, 0.3], [0.1, 0.0]])
    >>> Y = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], dtype=bool)
    >>> label_thresholds("calibrated", P, Y), label_thresholds("cardinality", P, Y)  # three labels on four rows
    (array([0.5 , 0.25]), array([0.35, 0.35]))
    """
    if rule == "calibrated":
        parts = [_cut(p, int(count)) for p, count in zip(probabilities.T, Y.sum(axis=0), strict=True)]
        return np.array(parts)
    if rule == "cardinality":
        return np.full(Y.shape[1], _cut(probabilities.ravel(), int(Y.sum())))
    return np.full(Y.shape[1], float(rule))


def _cut(values: NDArray[np.float64], count: int) -> float:
    """A threshold above which ``count`` of the values are, but for ties."""
    if count == 0:
        return 1.0
    ordered = np.sort(values)[::-1]
    return 0.0 if count == len(values) else float(ordered[count - 1] + ordered[count]) / 2


def decode_labels(trained: TrainedSpace, scores: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Labels of decoded scores; of classes the one that is furthest above its threshold."""
    probabilities = expit(scores.astype(np.float64))
    if not trained.exclusive:
        return np.asarray(probabilities > trained.thresholds)
    above = probabilities - np.where(trained.thresholds < 1, trained.thresholds, np.inf)
    return np.asarray(above.argmax(axis=1)[:, np.newaxis] == np.arange(scores.shape[1]))


def draw_states(
    decoded: NDArray[np.float32], blocks: tuple[Block, ...], unseen: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Encoded rows: states drawn with the decoded probabilities, numbers as they are.

    The most likely state of each column would make rare ones rarer. States of the columns ``unseen``, which no row has,
    are not drawn.
    """
    Z = decoded.astype(np.float64)
    Z[:, unseen] = -np.inf
    for block in blocks:
        part = Z[:, block.columns]
        if block.is_one_hot:
            Z[:, block.columns] = part + rng.gumbel(size=part.shape)  # its largest entry is a draw from the softmax
        elif not block.is_continuous:
            Z[:, block.columns] = expit(part) > rng.random(part.shape)
    return Z


def draw_rows(
    trained: TrainedSpace,
    first: NDArray[np.intp],
    labels: NDArray[np.intp],
    *,
    interpolation: float,
    noise: float,
    conditions: dict[int, bool] | None = None,
    reject_copies: bool = True,
    judge: LabelModel | None = None,
    n_choices: int = 1,
    rng: np.random.Generator,
    n_threads: int | None,
) -> Drawn:
    """Draw a row from each seed, for a label that it carries.

    A candidate is accepted if it carries its label, meets the conditions and is no copy of a training row. Of
    ``n_choices`` candidates from a seed, each towards a second seed of its own, the one is taken whose labels the judge
    believes most; without a judge there is one. Where none is accepted, others are drawn from the same seed, later from
    others of the same label. After ten rounds a row is given up; in the last one copies are taken, because the table
    has few distinct rows then.

    Parameters
    ----------
    trained : TrainedSpace
    first : ndarray of int, shape (m,)
        Indices of seeds.
    labels : ndarray of int, shape (m,)
    interpolation, noise : float
        As in :func:`latent_points`.
    conditions : dict of int to bool, default=None
        Labels that each row must have or must not have.
    reject_copies : bool, default=True
        Whether copies of rows that the table has once are drawn again.
    judge : LabelModel, default=None
    n_choices : int, default=1
    rng : Generator
    n_threads : int or None

    Returns
    -------
    Drawn
    """
    seeds = trained.seeds_under(conditions or {})
    n_choices = 1 if judge is None else n_choices
    first, second, missing = first.copy(), np.full(len(first), -1), np.arange(len(first))
    parts, n_copies, n_candidates, n_accepted = [], 0, 0, 0
    step = max(1, _CELLS // (max(trained.encoder.width_, 1) * n_choices))
    for attempt in range(_ATTEMPTS):
        failed = []
        if 2 * attempt >= _ATTEMPTS:
            others = choose_partners(first[missing], labels[missing], seeds, rng)
            first[missing] = np.where(others >= 0, others, first[missing])
        for slots in np.split(missing, range(step, len(missing), step)):
            ones, wanted = np.repeat(first[slots], n_choices), np.repeat(labels[slots], n_choices)
            partners = choose_partners(ones, wanted, seeds, rng) if interpolation else np.full(len(ones), -1)
            points = latent_points(
                trained.codes, seeds, ones, partners, wanted, interpolation=interpolation, noise=noise, rng=rng
            )
            decoded, scores = decode_codes(trained.space, points, n_threads=n_threads)
            X, _ = trained.encoder.inverse_transform(draw_states(decoded, trained.encoder.blocks_, trained.unseen, rng))
            Y = decode_labels(trained, scores)
            valid = Y[np.arange(len(wanted)), wanted]
            for label, value in (conditions or {}).items():
                valid &= Y[:, label] == value
            copied = valid & reject_copies & are_copies(X, trained.hashes)
            accepted = (valid & ~copied).reshape(-1, n_choices)
            if attempt == _ATTEMPTS - 1:
                accepted |= valid.reshape(-1, n_choices) & ~accepted.any(axis=1, keepdims=True)
            beliefs = np.zeros(len(Y)) if judge is None else judge.log_likelihood(X, Y)
            chosen = choose_believed(beliefs.reshape(-1, n_choices), accepted)
            found = chosen >= 0
            taken = np.flatnonzero(found) * n_choices + chosen[found]
            second[slots[found]] = partners[taken]
            n_candidates, n_accepted = n_candidates + len(wanted), n_accepted + int(accepted.sum())
            n_copies += int(copied[taken].sum())
            parts.append((slots[found], X[taken], Y[taken]))
            failed.append(slots[~found])
        missing = np.concatenate(failed)
        if not len(missing):
            break
    if n_copies:
        warnings.warn(f"AEMLO: {n_copies} of the new rows equal rows of the table", UserWarning, stacklevel=5)
    X, Y, asked = in_order(parts)
    pairs = trained.rows[first[asked]], np.where(second[asked] >= 0, trained.rows[second[asked]], -1)
    return Drawn(X, Y, asked, *pairs, n_accepted / max(n_candidates, 1))
