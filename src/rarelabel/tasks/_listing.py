"""Methods: what samplers there are, from the registry and their docstrings."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any, Literal

from rarelabel.registry import SAMPLERS, classifier_names, sampler_class

__all__ = ["Method", "classifiers", "methods"]


@dataclass(frozen=True)
class Method:
    """A sampler, in words.

    Parameters
    ----------
    name : str
    kind : {"adds", "removes", "splits"}
        What becomes of the rows.
    summary : str
        One line.
    paper : str
        Where the method was published.
    parameters : dict of str to object
        Names and defaults.
    """

    name: str
    kind: Literal["adds", "removes", "splits"]
    summary: str
    paper: str
    parameters: dict[str, Any]


def methods() -> tuple[Method, ...]:
    """List all samplers.

    Returns
    -------
    tuple of Method
        Those that add rows first, then those that remove some.

    Examples
    --------
    >>> from rarelabel import tasks
    >>> [method.name for method in tasks.methods() if method.kind == "splits"]
    ['REMEDIAL']
    """
    found = [_method(name, target) for name, target in SAMPLERS.items()]
    return tuple(sorted(found, key=lambda method: (method.kind, method.name.lower())))


def classifiers() -> tuple[str, ...]:
    """Names of the classifiers that a comparison can use."""
    return classifier_names()


def _method(name: str, target: str) -> Method:
    try:
        cls = sampler_class(name)
    except ImportError as error:  # the message says which extra is missing
        return Method(name, "adds", str(error), "", {})
    text = inspect.getdoc(cls) or ""
    kind: Literal["adds", "removes", "splits"] = "removes" if "under_sampling" in target else "adds"
    if name == "REMEDIAL":
        kind = "splits"
    _, _, after = text.partition("References\n----------\n")
    paper = after.partition("\n\n")[0]
    return Method(name, kind, text.partition("\n\n")[0].replace("\n", " "), _one_line(paper), cls().get_params())


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text.removeprefix(".. [1]")).strip()
