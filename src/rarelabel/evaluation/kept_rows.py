"""Rows that samplers made, kept in a folder: what differs in weights, thresholds or classifiers alone shares them."""

from __future__ import annotations

import builtins
import hashlib
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel._validation import Matrix
from rarelabel.datasets import atomic_path
from rarelabel.evaluation.metering import CpuClock

__all__ = ["KeptRows", "Made"]

Made: TypeAlias = tuple[Matrix, NDArray[np.bool_], NDArray[np.bool_]]
"""A resampled table and which of its rows are new."""


@dataclass(frozen=True)
class KeptRows:
    """A folder of resampled tables of one sampler on one data set; it may hold those of others too.

    Parameters
    ----------
    folder : Path
        It exists. Processes may share it: a file appears whole or not at all.
    key : str
        Hash of what rows hang on beside the training rows chosen and the seed: data, sampler, its parameters and code.

    Examples
    --------
    >>> import tempfile
    >>> def make():
    ...     print("drawing")
    ...     return np.eye(2), np.eye(2, dtype=bool), np.array([False, True])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept, rows = KeptRows(Path(folder), "f00d"), np.arange(2)
    ...     for _ in range(2):
    ...         X, Y, new = kept.made_once(rows, 0, make, CpuClock())
    drawing
    >>> X.tolist(), new.tolist()
    ([[1.0, 0.0], [0.0, 1.0]], [False, True])
    """

    folder: Path
    key: str

    def made_once(self, rows: NDArray[np.intp], seed: int, make: Callable[[], Made], clock: CpuClock) -> Made:
        """What ``make`` gives, or gave when it was called before for the same training rows and seed.

        Its warnings come again, and the clock goes on by the CPU seconds that it took when it was called. Rows that
        cannot be written are given all the same, with a warning.

        Parameters
        ----------
        rows : ndarray of int
            The training rows that are resampled.
        seed : int
            Of the sampler.
        make : callable
            Resamples them.
        clock : CpuClock

        Returns
        -------
        X, Y, new
        """
        of = hashlib.sha256(f"{self.key} {seed} ".encode() + np.asarray(rows, dtype="<i8").tobytes())
        path = self.folder / f"{of.hexdigest()}.npz"
        kept = _read(path)
        if kept is None:
            kept = _call(make)
            try:
                with atomic_path(path) as unfinished:
                    _write(unfinished, kept)
            except OSError as error:  # a full disk must not cost what took minutes
                warnings.warn(f"rows could not be kept in {self.folder}: {error}", UserWarning, stacklevel=3)
        else:
            for category, text in kept.warned:
                warnings.warn(text, _category(category), stacklevel=3)
        clock.seconds += kept.seconds
        return kept.made


@dataclass(frozen=True, eq=False)
class _Kept:
    made: Made
    seconds: float
    warned: tuple[tuple[str, str], ...]


def _call(make: Callable[[], Made]) -> _Kept:
    """What is made, and what it warns of, which is shown as well."""
    clock, warned, shown = CpuClock(), [], warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        warned.append((category.__name__, str(message)))
        shown(message, category, filename, lineno, file, line)

    with clock, warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        made = make()
    return _Kept(made, clock.seconds, tuple(warned))


def _write(path: Path, kept: _Kept) -> None:
    X, Y, new = kept.made
    columns: dict[str, Any] = {"X": X}
    if sparse.issparse(X):
        columns = {"data": X.data, "indices": X.indices, "indptr": X.indptr, "shape": np.array(X.shape)}
    warned = np.array(kept.warned, dtype=str).reshape(-1, 2)
    with path.open("wb") as file:
        np.savez_compressed(file, Y=Y, new=new, seconds=np.array(kept.seconds), warned=warned, **columns)


def _read(path: Path) -> _Kept | None:
    """What is there; None where nothing is, or a file that was cut or is of another making."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if "X" in file:
                X = file["X"]
            else:
                X = sparse.csr_array((file["data"], file["indices"], file["indptr"]), shape=tuple(file["shape"]))
            warned = tuple((str(category), str(text)) for category, text in file["warned"])
            return _Kept((X, file["Y"], file["new"]), float(file["seconds"]), warned)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _category(name: str) -> type[Warning]:
    """The warning of that name; of one that Python does not come with, what is left of it is its name."""
    known = getattr(builtins, name, None)
    return known if isinstance(known, type) and issubclass(known, Warning) else type(name, (UserWarning,), {})
