"""Class weights on a classifier, wherever in it they are set."""

from __future__ import annotations

from typing import Any

from sklearn.base import clone

__all__ = ["with_class_weights"]


def with_class_weights(classifier: Any) -> Any:
    """Copy a classifier so that rare values weigh as much as frequent ones.

    Sets ``class_weight="balanced"`` on the classifier itself if it has that parameter, else on the last step of a
    pipeline or on the ``estimator`` it is made of, as deep as needed.

    Parameters
    ----------
    classifier : classifier
        Fitted or not; left as it is.

    Returns
    -------
    classifier
        Not fitted.

    Raises
    ------
    TypeError
        If nothing in it takes class weights; the message says what.

    Notes
    -----
    What is balanced depends on the classes that the innermost estimator sees. In binary relevance and chains these are
    the two values of a label, so its positives weigh as much as its negatives. In a label powerset they are the
    labelsets: one seen once weighs as much as the most frequent, and a label as much as the share of distinct labelsets
    that hold it, which is not one half. In RAkEL they are the at most 2^k combinations within each labelset. A forest
    fitted on an indicator multiplies the weights of a row's labels.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from rarelabel.classifiers import BinaryRelevance
    >>> with_class_weights(BinaryRelevance(LogisticRegression()))
    BinaryRelevance(estimator=LogisticRegression(class_weight='balanced'))
    """
    return clone(classifier).set_params(**{_weight_parameter(classifier): "balanced"})


def _weight_parameter(classifier: Any) -> str:
    """Name of the parameter that weights classes, with the path to it."""
    parameters = classifier.get_params(deep=False) if hasattr(classifier, "get_params") else {}
    if "class_weight" in parameters:
        return "class_weight"
    if parameters.get("steps"):
        name, inner = parameters["steps"][-1]
    elif parameters.get("estimator") is not None:
        name, inner = "estimator", parameters["estimator"]
    else:
        raise TypeError(f"{type(classifier).__name__} takes no class weights: it has no parameter class_weight")
    return f"{name}__{_weight_parameter(inner)}"
