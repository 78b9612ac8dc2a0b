"""Methods: what samplers there are, from the registry and their docstrings."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any, Literal

from rarelabel.registry import (
    SAMPLERS,
    SINGLE_LABEL_SAMPLERS,
    classifier_names,
    is_single_label,
    make_sampler,
    sampler_class,
)

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
    single_label : bool, default=False
        Whether it balances the classes of a single-label table alone.
    """

    name: str
    kind: Literal["adds", "removes", "splits"]
    summary: str
    paper: str
    parameters: dict[str, Any]
    single_label: bool = False


def methods() -> tuple[Method, ...]:
    """List all samplers.

    Returns
    -------
    tuple of Method
        Those that take several labels first, of these those that add rows, then those that remove some.

    Examples
    --------
    >>> from rarelabel import tasks
    >>> [method.name for method in tasks.methods() if method.kind == "splits"]
    ['REMEDIAL']
    """
    targets = {**SAMPLERS, **{name: part.target for name, part in SINGLE_LABEL_SAMPLERS.items()}}
    found = [_method(name, target) for name, target in targets.items()]
    return tuple(sorted(found, key=lambda method: (method.single_label, method.kind, method.name.lower())))


def classifiers() -> tuple[str, ...]:
    """Names of the classifiers that a comparison can use."""
    return classifier_names()


def _method(name: str, target: str) -> Method:
    try:
        cls = sampler_class(name)
    except ImportError as error:  # the message says which extra is missing
        return Method(name, "adds", str(error), "", {}, is_single_label(name))
    text = inspect.getdoc(cls) or ""
    kind: Literal["adds", "removes", "splits"] = "removes" if "under_sampling" in target else "adds"
    if name == "REMEDIAL":
        kind = "splits"
    _, _, after = text.partition("References\n----------\n")
    paper = after.partition("\n\n")[0]
    summary, parameters = text.partition("\n\n")[0].replace("\n", " "), make_sampler(name).get_params()
    return Method(name, kind, summary, _one_line(paper), parameters, is_single_label(name))


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text.removeprefix(".. [1]")).strip()
