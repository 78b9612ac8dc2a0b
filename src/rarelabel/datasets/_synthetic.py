"""Data drawn from a model that is written down, to check whether a method finds what is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse as sp

from rarelabel._random import RandomState, check_random_state
from rarelabel.datasets._dataset import Dataset
from rarelabel.schema import Column, Schema

__all__ = ["MultilabelTruth", "make_imbalanced_multilabel"]

_MOST = 0.95


@dataclass(frozen=True, eq=False)
class MultilabelTruth:
    """What :func:`make_imbalanced_multilabel` drew from; m numeric and c categorical features, q labels.

    Parameters
    ----------
    label_probabilities : ndarray, shape (q,)
        P(label l).
    pair_probabilities : ndarray, shape (q, q)
        P(label l and label k); ``label_probabilities`` on the diagonal.
    intercept : ndarray, shape (m,)
        E[x] of a row without labels.
    weights : ndarray, shape (q, m)
        What each label adds: E[x | Y] = intercept + Y @ weights.
    label_means : ndarray, shape (q, m)
        E[x | label l], averaged over the company that label l keeps.
    categorical_labels : ndarray of int, shape (c,)
        The label that each categorical feature depends on.
    category_probabilities : ndarray, shape (c, 2, n_categories)
        P(category | that label absent), P(category | that label present).
    """

    label_probabilities: NDArray[np.float64]
    pair_probabilities: NDArray[np.float64]
    intercept: NDArray[np.float64]
    weights: NDArray[np.float64]
    label_means: NDArray[np.float64]
    categorical_labels: NDArray[np.intp]
    category_probabilities: NDArray[np.float64]


def make_imbalanced_multilabel(
    n_samples: int = 1000,
    n_features: int = 20,
    n_labels: int = 10,
    *,
    zipf: float = 1.0,
    cardinality: float = 2.0,
    dependence: float = 0.5,
    n_informative: int | None = None,
    n_categorical: int = 0,
    n_categories: int = 3,
    class_sep: float = 1.0,
    noise: float = 1.0,
    missing_rate: float = 0.0,
    sparse: bool = False,
    random_state: RandomState = None,
) -> tuple[Dataset, MultilabelTruth]:
    r"""Draw imbalanced multi-label data from a known model.

    Labels: :math:`P(l) \propto (l + 1)^{-zipf}`, scaled to the cardinality and kept below 0.95. Every row belongs to
    one of up to four topics, equally likely; label l is at home in topic l mod 4 and is more likely there, less
    likely elsewhere; within a topic labels are independent. So P(l and k) is known exactly.

    Features: the mean of a numeric feature is linear in the labels, the noise around it normal. With
    ``sparse=True`` features are counts instead, Poisson around a mean that is linear in the labels, most of them 0.
    The last ``n_categorical`` features are categories, each depending on one label.

    Parameters
    ----------
    n_samples, n_features, n_labels : int, default=1000, 20, 10
        n, d and q.
    zipf : float, default=1.0
        Exponent of the label frequencies; 0 makes all labels equally frequent.
    cardinality : float, default=2.0
        Expected number of labels per row, below 0.95 q.
    dependence : float in [0, 1], default=0.5
        0: labels independent; 1: a label occurs in its topic only (as far as its frequency lets it).
    n_informative : int, default=None
        Numeric features whose mean depends on labels; None: all.
    n_categorical : int, default=0
        How many of the features are categories.
    n_categories : int, default=3
        Values of each of them.
    class_sep : float, default=1.0
        Scale of the weights: how far a label moves the mean.
    noise : float, default=1.0
        Standard deviation around the mean (of no effect on counts).
    missing_rate : float in [0, 1), default=0.0
        Probability, for every entry of X alone, to be missing.
    sparse : bool, default=False
        Counts in a ``csr_array``.
    random_state : int, Generator, RandomState or None, default=None

    Returns
    -------
    dataset : Dataset
    truth : MultilabelTruth

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Examples
    --------
    >>> from rarelabel.datasets import make_imbalanced_multilabel
    >>> data, truth = make_imbalanced_multilabel(500, 8, 5, n_categorical=2, random_state=0)
    >>> data
    Dataset('synthetic', 500 rows, 8 features, 5 labels)
    >>> truth.label_probabilities.round(2)
    array([0.88, 0.44, 0.29, 0.22, 0.18])
    """
    m = n_features - n_categorical
    n_informative = m if n_informative is None else n_informative
    _check_ranges(
        n_samples=(n_samples, 1, np.inf),
        n_labels=(n_labels, 1, np.inf),
        zipf=(zipf, 0, np.inf),
        dependence=(dependence, 0, 1),
        n_categorical=(n_categorical, 0, n_features),
        n_features=(n_features, 1, np.inf),
        n_categories=(n_categories, 2, np.inf),
        n_informative=(n_informative, 0, m),
        class_sep=(class_sep, 0, np.inf),
        noise=(noise, 0, np.inf),
        missing_rate=(missing_rate, 0, np.nextafter(1, 0)),
        cardinality=(cardinality, np.nextafter(0, 1), _MOST * n_labels),
    )
    rng = check_random_state(random_state)
    marginals = _zipf(n_labels, zipf, cardinality)
    in_topic = _topics(marginals, dependence)
    weights = np.zeros((n_labels, m))
    weights[:, :n_informative] = class_sep * rng.normal(size=(n_labels, n_informative))
    intercept = np.zeros(m)
    if sparse:
        # like words in a text: a label brings some, the others are rare
        weights, intercept = np.abs(weights) * (rng.random(weights.shape) < 0.1), np.full(m, 0.02)
    truth = _truth(marginals, in_topic, intercept, weights, n_categorical, n_categories, rng)

    topic = rng.integers(len(in_topic), size=n_samples)
    Y = rng.random((n_samples, n_labels)) < in_topic[topic]
    mean = intercept + Y @ weights
    numbers = rng.poisson(mean).astype(np.float64) if sparse else mean + noise * rng.normal(size=mean.shape)
    X = np.hstack([numbers, _categories(Y, truth, rng)])
    X[rng.random(X.shape) < missing_rate] = np.nan
    columns = [Column(f"x{j}", "integer" if sparse else "numeric") for j in range(m)]
    values = tuple(f"v{code}" for code in range(n_categories))
    columns += [Column(f"c{j}", "category", values) for j in range(n_categorical)]
    schema = Schema(tuple(columns), tuple(Column(f"label{label}", "label") for label in range(n_labels)))
    return Dataset(sp.csr_array(X) if sparse else X, Y, schema, "synthetic"), truth


def _check_ranges(**bounds: tuple[float, float, float]) -> None:
    for name, (value, least, most) in bounds.items():
        whole = name.startswith("n_")
        if not least <= value <= most or (whole and int(value) != value):
            kind = "a whole number" if whole else "a number"
            raise ValueError(f"{name} must be {kind} from {least:g} to {most:g}, got {value!r}")


def _zipf(q: int, exponent: float, cardinality: float) -> NDArray[np.float64]:
    """Return label probabilities that sum to the cardinality, none above the most that is allowed."""
    shape = np.arange(1, q + 1) ** -float(exponent)
    marginals = cardinality * shape / shape.sum()
    for _ in range(q):
        over = marginals >= _MOST
        if over.all() or not (marginals > _MOST).any():
            break
        marginals[over] = _MOST
        marginals[~over] = shape[~over] * (cardinality - _MOST * over.sum()) / shape[~over].sum()
    allowed: NDArray[np.float64] = np.minimum(marginals, _MOST)
    return allowed


def _topics(marginals: NDArray[np.float64], dependence: float) -> NDArray[np.float64]:
    """Return P(label | topic), shape (topics, q), whose mean over topics is P(label)."""
    q = len(marginals)
    n_topics = min(4, q)
    if n_topics == 1:
        return marginals[None, :]
    # at home the probability grows by this times (topics - 1), and must stay a probability
    strength = np.minimum(dependence, (1 / marginals - 1) / (n_topics - 1))
    at_home = np.arange(n_topics)[:, None] == np.arange(q) % n_topics
    probabilities: NDArray[np.float64] = marginals * (1 + strength * np.where(at_home, n_topics - 1, -1))
    return np.clip(probabilities, 0, 1)


def _truth(
    marginals: NDArray[np.float64],
    in_topic: NDArray[np.float64],
    intercept: NDArray[np.float64],
    weights: NDArray[np.float64],
    n_categorical: int,
    n_categories: int,
    rng: np.random.Generator,
) -> MultilabelTruth:
    pairs = in_topic.T @ in_topic / len(in_topic)
    np.fill_diagonal(pairs, marginals)
    # absent: the first category is the usual one; present: any can be
    absent = rng.dirichlet(np.r_[5.0 * n_categories, np.ones(n_categories - 1)], size=n_categorical)
    present = rng.dirichlet(np.ones(n_categories), size=n_categorical)
    return MultilabelTruth(
        label_probabilities=marginals,
        pair_probabilities=pairs,
        intercept=intercept,
        weights=weights,
        label_means=intercept + (pairs / marginals[:, None]) @ weights,
        categorical_labels=np.arange(n_categorical) % len(marginals),
        category_probabilities=np.stack([absent, present], axis=1),
    )


def _categories(Y: NDArray[np.bool_], truth: MultilabelTruth, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the categorical features as codes, shape (n, c)."""
    codes = np.empty((len(Y), len(truth.categorical_labels)))
    for j, label in enumerate(truth.categorical_labels):
        upper = truth.category_probabilities[j].cumsum(axis=1)[Y[:, label].astype(np.intp), :-1]
        codes[:, j] = (rng.random(len(Y))[:, None] >= upper).sum(axis=1)
    return codes
