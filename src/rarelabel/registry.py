"""Every sampler by name, without importing any before it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["SAMPLERS", "make_sampler", "sampler_class"]

SAMPLERS: dict[str, str] = {
    "LPROS": "rarelabel.over_sampling:LPROS",
    "LPRUS": "rarelabel.under_sampling:LPRUS",
    "MLROS": "rarelabel.over_sampling:MLROS",
    "MLRUS": "rarelabel.under_sampling:MLRUS",
    "MLRkNNOS": "rarelabel.over_sampling:MLRkNNOS",
    "MLSMOTE": "rarelabel.over_sampling:MLSMOTE",
    "MLSOL": "rarelabel.over_sampling:MLSOL",
    "MLTL": "rarelabel.under_sampling:MLTL",
    "MLUL": "rarelabel.under_sampling:MLUL",
    "MLeNN": "rarelabel.under_sampling:MLeNN",
    "REMEDIAL": "rarelabel.over_sampling:REMEDIAL",
}
"""Name to ``module:class``. Names are matched without regard to case."""


def sampler_class(name: str) -> type[Any]:
    """The class of a sampler.

    Parameters
    ----------
    name : str
        In any case, with or without hyphens: ``"mlsmote"``, ``"ML-ROS"``.

    Raises
    ------
    ValueError
        If no sampler has that name; the message lists those that exist.

    Examples
    --------
    >>> sampler_class("ml-ros").__name__
    'MLROS'
    """
    known = {key.lower(): target for key, target in SAMPLERS.items()}
    target = known.get(name.replace("-", "").replace("_", "").lower())
    if target is None:
        raise ValueError(f"no method is called {name!r}; there are {', '.join(SAMPLERS)}")
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def make_sampler(name: str, **parameters: Any) -> Any:
    """A sampler with the given parameters; those it does not have are an error that lists the ones it has.

    Examples
    --------
    >>> make_sampler("mlsmote", k_neighbors=3)
    MLSMOTE(k_neighbors=3)
    """
    cls = sampler_class(name)
    allowed = cls().get_params()
    unknown = sorted(set(parameters) - set(allowed))
    if unknown:
        raise ValueError(f"{cls.__name__} has no parameter {', '.join(unknown)}; it has {', '.join(sorted(allowed))}")
    return cls(**parameters)
