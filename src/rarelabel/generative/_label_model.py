"""What the features of a row say of its labels: a classifier that judges new rows, and labels them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rarelabel._random import with_seeds
from rarelabel._validation import Matrix
from rarelabel.classifiers import label_scores
from rarelabel.encoding import TableEncoder

__all__ = ["LabelModel", "check_label_model", "choose_believed", "fit_label_model"]

_DOUBT = 0.01
"""No label is held to be more certain than this allows; a forest of a hundred trees knows no smaller probability."""


@dataclass(frozen=True, eq=False)
class LabelModel:
    """P(label | features), learned from all rows of a table.

    Parameters
    ----------
    classifier : fitted classifier
        Of encoded features.
    encoder : TableEncoder
        Fitted with labels.
    """

    classifier: Any
    encoder: TableEncoder

    def probabilities(self, X: Matrix) -> NDArray[np.float64]:
        """Of each label of each row, shape (n, q)."""
        Z, labels = encode_features(self.encoder, X), self.encoder.blocks_[-1]
        if labels.kind == "classes":
            values = np.zeros((len(Z), labels.width))
            values[:, self.classifier.classes_] = self.classifier.predict_proba(Z)
            return values
        return label_scores(self.classifier, Z).values[
            :, -labels.width :
        ]  # a single label is the second of two classes

    def log_likelihood(self, X: Matrix, Y: NDArray[np.bool_]) -> NDArray[np.float64]:
        """How far each row's labels are believed, all of them together, shape (n,)."""
        p = np.clip(self.probabilities(X), _DOUBT, 1 - _DOUBT)
        return np.asarray(np.where(Y, np.log(p), np.log1p(-p)).sum(axis=1))

    def assign(self, X: Matrix, counts: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Give each label to as many rows as ``counts`` says, those where it is most probable.

        Of classes, each row gets the most probable.

        Examples
        --------
        >>> from sklearn.linear_model import LogisticRegression
        >>> from rarelabel.schema import Column, Schema
        >>> X, Y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([[0], [0], [1], [1]], dtype=bool)
        >>> encoder = TableEncoder("standard").fit(X, Schema((Column("x"),), (Column("l", "label"),)), Y)
        >>> model = fit_label_model(LogisticRegression(), encoder, X, Y, np.random.default_rng(0))
        >>> model.assign(np.array([[0.5], [2.5], [1.5]]), np.array([2])).ravel()
        array([False,  True,  True])
        """
        p = self.probabilities(X)
        if self.encoder.blocks_[-1].kind == "classes":
            return np.asarray(p.argmax(axis=1)[:, np.newaxis] == np.arange(p.shape[1]))
        rank = np.argsort(np.argsort(-p, axis=0, kind="stable"), axis=0)
        return np.asarray(rank < counts)


def fit_label_model(
    choice: Any, encoder: TableEncoder, X: Matrix, Y: NDArray[np.bool_], rng: np.random.Generator
) -> LabelModel:
    """Learn P(label | features) from rows.

    Parameters
    ----------
    choice : "forest" or classifier
        ``"forest"``: a random forest of a hundred trees, all labels in each, at least two rows in a leaf. A classifier
        is cloned.
    encoder : TableEncoder
        Fitted with labels.
    X, Y
        All rows of the table.
    rng : Generator

    Returns
    -------
    LabelModel
    """
    seed = int(rng.integers(2**31))
    if isinstance(choice, str):
        from sklearn.ensemble import RandomForestClassifier

        classifier = RandomForestClassifier(100, min_samples_leaf=2, random_state=seed)
    else:
        classifier = with_seeds(choice, np.random.default_rng(seed))
    labels = Y.argmax(axis=1) if encoder.blocks_[-1].kind == "classes" else Y.astype(np.int64)
    classifier.fit(encode_features(encoder, X), labels[:, 0] if labels.shape[1:] == (1,) else labels)
    return LabelModel(classifier, encoder)


def choose_believed(beliefs: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The valid candidate of each row that is believed most, beliefs of shape (m, c); -1 where none is valid.

    Examples
    --------
    >>> choose_believed(np.array([[-1.0, -2.0], [-1.0, -2.0]]), np.array([[True, True], [False, False]])).tolist()
    [0, -1]
    """
    return np.where(valid.any(axis=1), np.where(valid, beliefs, -np.inf).argmax(axis=1), -1)


def check_label_model(model: Any) -> None:
    """Raise ValueError where a sampler's ``label_model`` is none."""
    is_classifier = hasattr(model, "fit") and hasattr(model, "predict_proba")
    if not (model is None or is_classifier or (isinstance(model, str) and model == "forest")):
        raise ValueError(f"label_model must be None, 'forest' or a classifier with predict_proba, got {model!r}")


def encode_features(encoder: TableEncoder, X: Matrix) -> NDArray[np.float32]:
    """The encoded columns of X, without those of labels."""
    labels = encoder.blocks_[-1]
    nothing = np.zeros((X.shape[0], labels.width), dtype=bool)
    return np.asarray(encoder.transform(X, nothing, dtype=np.float32)[:, : labels.start])
