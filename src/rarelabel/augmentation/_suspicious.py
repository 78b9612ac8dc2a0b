"""A list of labels to look at."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from numpy.typing import NDArray

from rarelabel.datasets import atomic_path

__all__ = ["SuspiciousLabels"]

_SHOWN = 10


@dataclass(frozen=True, eq=False)
class SuspiciousLabels:
    """Labels that are probably wrong, the least probable first; all arrays have shape (s,).

    Made by :meth:`ManagedLabels.suspicious`.

    Parameters
    ----------
    row : ndarray
        Position or name of the row.
    label : ndarray of str
        Name of the label.
    given : ndarray of bool
    clean_probability : ndarray of float
        Probability that it was given rightly.
    loss : ndarray of float
    confidence : ndarray of float, default=None
        Of the model that the row carries the label, mean over its views, where there were any.
    suggested : ndarray of int
        What the label should be (0 or 1), or -1 where the model is not sure enough to say.
    """

    row: NDArray[Any]
    label: NDArray[Any]
    given: NDArray[np.bool_]
    clean_probability: NDArray[np.float64]
    loss: NDArray[np.float64]
    confidence: NDArray[np.float64] | None
    suggested: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.row)

    def __str__(self) -> str:
        """The first ten."""
        lines = [f"{len(self):,} suspicious label{'' if len(self) == 1 else 's'}"]
        shown = zip(*(values[:_SHOWN].tolist() for values in self._columns().values()), strict=True)
        for row, label, given, probability, loss, *_, suggested in shown:
            rest = "" if suggested < 0 else f"; the model says {suggested}"
            lines.append(
                f"  row {row}, label {label!r} given {given}: clean with probability {probability:.3f}, "
                f"loss {loss:.3f}{rest}"
            )
        return "\n".join([*lines, "  ..."] if len(self) > _SHOWN else lines)

    def to_frame(self, backend: str = "pandas") -> Any:
        """Give the list as a data frame with the columns above, ``given`` and ``suggested`` as whole numbers.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, default="pandas"

        Returns
        -------
        DataFrame

        Raises
        ------
        ImportError
            If the library is missing.
        """
        try:
            return nw.from_dict(self._columns(), backend=backend).to_native()  # type: ignore[arg-type]
        except ModuleNotFoundError:
            raise ImportError(f"to_frame needs {backend}: pip install 'rarelabel[data]'") from None

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write the list to a file with a header, whole or not at all.

        ``suggested`` is empty where it is -1.

        Parameters
        ----------
        path : str or path-like
            An existing file is replaced.
        """
        columns = self._columns()
        rows = zip(*(values.tolist() for values in columns.values()), strict=True)
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows((*row, "" if suggested < 0 else suggested) for *row, suggested in rows)

    def _columns(self) -> dict[str, NDArray[Any]]:
        columns = {
            "row": self.row,
            "label": self.label,
            "given": self.given.astype(np.int8),
            "clean_probability": self.clean_probability,
            "loss": self.loss,
            "confidence": self.confidence,
            "suggested": self.suggested,
        }
        return {name: values for name, values in columns.items() if values is not None}
