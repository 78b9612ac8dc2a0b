"""What is settled before long work begins: where results go, whether they can go there, who hears how far it is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rarelabel.datasets import Dataset, atomic_path, write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["PathLike", "Progress", "check_outputs", "check_picture", "rehearse", "save_picture", "silent"]

PathLike: TypeAlias = str | os.PathLike[str]

Progress: TypeAlias = Callable[[str], None]
"""Called with a line that says what is done next."""


def silent(message: str) -> None:
    """Tell nobody."""


def check_outputs(outputs: Iterable[PathLike | None], inputs: Iterable[PathLike] = ()) -> None:
    """Raise OSError or ValueError, before any work, for a file that could not be written or must not be replaced.

    Parameters
    ----------
    outputs : iterable of path-like or None
        Files that are going to be written.
    inputs : iterable of path-like, default=()
        Files that are read and so must stay.
    """
    taken = {Path(path).resolve() for path in inputs}
    for path in outputs:
        if path is None:
            continue
        target = Path(path).resolve()
        if target.is_dir():
            raise IsADirectoryError(f"cannot write {path}: it is a folder")
        if not target.parent.is_dir():
            raise FileNotFoundError(f"cannot write {path}: there is no folder {target.parent}")
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise PermissionError(f"cannot write {path}: the folder {target.parent} is not writable")
        if target in taken:
            raise ValueError(f"cannot write {path}: it is already the input or another output; choose another name")
        taken.add(target)


def rehearse(dataset: Dataset, out: PathLike, **options: str) -> None:
    """Raise what :func:`rarelabel.datasets.write` would raise for this data set, at the price of writing one row.

    A label file that lies beside ``out`` takes part, so that a clash with its labels is found as well.
    """
    first = Dataset(dataset.X[:1], dataset.Y[:1], dataset.schema, dataset.name)
    out = Path(out)
    label_file = out.with_name(out.name.removesuffix(".gz")).with_suffix(".xml")
    with tempfile.TemporaryDirectory() as folder:
        if label_file.is_file():
            shutil.copy(label_file, folder)
        if out.exists():
            Path(folder, out.name).touch()
        try:
            write(first, Path(folder, out.name), **options)  # type: ignore[arg-type]
        except ValueError as error:
            raise ValueError(str(error).replace(folder, str(out.parent))) from error


def check_picture(path: PathLike | None) -> None:
    """Raise ImportError or ValueError if no picture can be drawn to ``path``."""
    if path is None:
        return
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("pictures need matplotlib: pip install 'rarelabel[report]'") from None
    known = Figure().canvas.get_supported_filetypes()
    if _kind(path) not in known:
        raise ValueError(f"cannot draw to {path}: expected a suffix .png, .svg or .pdf")


def save_picture(figure: Figure, path: PathLike) -> Path:
    """Write a figure whole or not at all."""
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=_kind(path), dpi=110)
    return Path(path)


def _kind(path: PathLike) -> str:
    return Path(path).suffix.lower().removeprefix(".")
