"""The code that the numbers of a class come from, as one hash."""

from __future__ import annotations

import ast
import hashlib
import inspect
import marshal
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["installed_version", "source_of"]

_US = __name__.partition(".")[0]
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "imblearn": "imbalanced-learn", "PIL": "pillow", "faiss": "faiss-cpu"}


def source_of(kind: Any) -> str:
    """A class and the hash of the code behind it; of classes of other packages, the version of the package.

    The code of a class of this package is its module and all modules of this package that it imports, these
    themselves, and so on, without comments and docstrings, and the versions of other packages that these import, such
    as torch; of the user's own class, its file.

    Parameters
    ----------
    kind : type

    Returns
    -------
    str

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> source_of(DecisionTreeClassifier).startswith("sklearn.tree._classes.DecisionTreeClassifier:1.")
    True
    """
    package = kind.__module__.partition(".")[0]
    if package == _US:
        return f"{kind.__qualname__}:{_hash_of_modules(kind.__module__)}"
    try:
        file = None if installed_version(package) else inspect.getsourcefile(kind)
    except (OSError, TypeError):  # it was typed in, as in a notebook
        code = [marshal.dumps(each.__code__) for each in vars(kind).values() if hasattr(each, "__code__")]
        return f"{kind.__qualname__}:{hashlib.sha256(b''.join(code)).hexdigest()}"
    if file is not None and Path(file).is_file():
        return f"{kind.__qualname__}:{hashlib.sha256(Path(file).read_bytes()).hexdigest()}"
    return f"{kind.__module__}.{kind.__qualname__}:{installed_version(package)}"


def installed_version(package: str) -> str:
    """Version of an installed package by the name it is imported by; "" where there is none."""
    try:
        return version(_DISTRIBUTIONS.get(package, package))
    except PackageNotFoundError:
        return ""


@cache
def _hash_of_modules(module: str) -> str:
    """Of a module and all modules of this package behind it, and the versions of other packages that they import."""
    found, waiting = {module}, [module]
    while waiting:
        new = {each for each in _imported(waiting.pop()) if each.partition(".")[0] == _US} - found
        found |= new
        waiting += new
    others = {name.partition(".")[0] for each in found for name in _imported(each)} - {_US}
    versions = [f"{name} {installed_version(name)}" for name in sorted(others)]
    return hashlib.sha256("\n".join([*versions, *(_code(each) for each in sorted(found))]).encode()).hexdigest()


def _imported(module: str) -> Iterator[str]:
    """Modules that a module imports, wherever in it; names of this package by the module they are defined in."""
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == _US:
            yield from (_home(str(node.module), alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def _home(module: str, name: str) -> str:
    """The module in which a name that another one passes on is defined."""
    if _is_module(f"{module}.{name}"):
        return f"{module}.{name}"
    for node in _tree(module).body:
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == _US:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _home(str(node.module), alias.name)
    return module


@cache
def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # what it would be in is no package
        return False


@cache
def _tree(module: str) -> ast.Module:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return ast.Module([], [])
    return ast.parse(Path(spec.origin).read_bytes())


@cache
def _code(module: str) -> str:
    tree = _tree(module)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            del body[0]
    return f"{module}: {ast.dump(tree)}"
