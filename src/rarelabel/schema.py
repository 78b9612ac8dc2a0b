"""What kind each column of a table is.

A :class:`Schema` is made once, where data enters, and travels beside the bare arrays: the arrays hold
numbers only (a category is the index of its value in :attr:`Column.categories`, a missing value is NaN), the
schema says what the numbers mean and lets every method give back valid rows.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Column", "Kind", "Schema"]

Kind = Literal["numeric", "integer", "category", "label"]
"""The kinds a column can be of. A label is a column of zeros and ones that a model is to predict."""


@dataclass(frozen=True)
class Column:
    """One column: its name, its kind and, for a category, its values in code order.

    Parameters
    ----------
    name : str
        Name as the user knows it.
    kind : {"numeric", "integer", "category", "label"}, default="numeric"
        ``"integer"`` columns hold whole numbers and are rounded after any arithmetic.
    categories : tuple, default=()
        For ``kind="category"``: the value with code 0, with code 1, and so on. Empty otherwise.

    Raises
    ------
    ValueError
        If a category column has no or repeated categories, or another column has any.

    Examples
    --------
    >>> from rarelabel.schema import Column
    >>> Column("colour", "category", ("blue", "red")).n_categories
    2
    """

    name: str
    kind: Kind = "numeric"
    categories: tuple[Hashable, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ("numeric", "integer", "category", "label"):
            raise ValueError(f"column {self.name!r}: unknown kind {self.kind!r}")
        if self.kind != "category" and self.categories:
            raise ValueError(f"column {self.name!r}: a {self.kind} column has no categories")
        if len(set(self.categories)) != len(self.categories):
            raise ValueError(f"column {self.name!r}: categories are repeated: {self.categories!r}")

    @property
    def n_categories(self) -> int:
        """Number of categories (0 for other kinds)."""
        return len(self.categories)


@dataclass(frozen=True)
class Schema:
    """The columns of a table, features first, then labels.

    Parameters
    ----------
    features : tuple of Column, shape (d,)
        The columns of X, in order.
    labels : tuple of Column, shape (q,)
        The columns of Y, in order, each of kind ``"label"``.
    exclusive : bool, default=False
        True where the labels are the classes of a one-dimensional y, so that every row carries exactly one.
    class_name : str or None, default=None
        Where ``exclusive``: name of the column that holds the classes, for files. None where it has none. It changes
        nothing for a method, and so takes no part in comparisons.

    Raises
    ------
    ValueError
        If there is a ``class_name``, but the labels do not exclude each other.

    Examples
    --------
    >>> from rarelabel.schema import Column, Schema
    >>> schema = Schema((Column("age", "integer"), Column("sex", "category", ("f", "m"))), (Column("ill", "label"),))
    >>> schema.feature_names, schema.label_names
    (('age', 'sex'), ('ill',))
    >>> schema.is_category
    array([False,  True])
    """

    features: tuple[Column, ...]
    labels: tuple[Column, ...] = ()
    exclusive: bool = False
    # outside the text of a schema, by which runs of a comparison are known again
    class_name: str | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.class_name is not None and not self.exclusive:
            raise ValueError(f"the class column {self.class_name!r} needs labels that exclude each other")

    @classmethod
    def numeric(cls, n_features: int, label_names: Sequence[str] = (), *, exclusive: bool = False) -> Schema:
        """A schema of ``n_features`` numeric columns named ``x0, x1, ...``."""
        features = tuple(Column(f"x{j}") for j in range(n_features))
        return cls(features, tuple(Column(name, "label") for name in label_names), exclusive)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of X."""
        return tuple(column.name for column in self.features)

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the columns of Y."""
        return tuple(column.name for column in self.labels)

    @property
    def n_features(self) -> int:
        """Number of columns of X."""
        return len(self.features)

    @property
    def n_labels(self) -> int:
        """Number of columns of Y."""
        return len(self.labels)

    @property
    def is_category(self) -> NDArray[np.bool_]:
        """Mask over the columns of X: True where a column holds categories, shape (d,)."""
        return np.array([column.kind == "category" for column in self.features], dtype=bool)

    @property
    def is_integer(self) -> NDArray[np.bool_]:
        """Mask over the columns of X: True where a column holds whole numbers, shape (d,)."""
        return np.array([column.kind == "integer" for column in self.features], dtype=bool)
