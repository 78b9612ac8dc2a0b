"""Convert: read a file of one format, write it in another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rarelabel.datasets import Format, WhichLabels, read, write
from rarelabel.tasks._outputs import PathLike, Progress, check_outputs, rehearse, silent

__all__ = ["convert"]


def convert(
    path: PathLike,
    out: PathLike,
    labels: WhichLabels = None,
    *,
    classes: str | None = None,
    format: str | None = None,
    input_format: Format | None = None,
    progress: Progress = silent,
) -> tuple[Path, ...]:
    """Write a data set in another format.

    Parameters
    ----------
    path : path-like
        The file to read.
    out : path-like
        The file to write; ``.gz`` at the end compresses it.
    labels : path, str, sequence of str or int, default=None
        Which columns are labels; see :func:`rarelabel.datasets.read`.
    classes : str, default=None
        Column that holds the class of each row, in place of ``labels``; see :func:`rarelabel.datasets.read`.
    format : {"arff", "meka", "keel", "libsvm", "csv", "parquet"}, default=None
        Format to write. None takes it from the suffix; ``"meka"`` is ARFF with the number of labels in its relation
        name in place of a label file.
    input_format : {"arff", "keel", "libsvm", "csv", "parquet"}, default=None
        Format to read. None takes it from the suffix, else from the content.
    progress : callable, default does nothing
        Called with a line before each step.

    Returns
    -------
    tuple of Path
        The files written: ``out``, and the label file beside it where there is one.

    Raises
    ------
    ValueError, OSError, ImportError
        If the file cannot be read, or the data set not be written so. Nothing is left half-written.

    Examples
    --------
    >>> import tempfile
    >>> from rarelabel import tasks
    >>> from rarelabel.datasets import load_digit_scenes, write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write(load_digit_scenes(20), f"{folder}/scenes.arff")
    ...     files = tasks.convert(f"{folder}/scenes.arff", f"{folder}/scenes.csv.gz")
    >>> [file.name for file in files]
    ['scenes.csv.gz']
    """
    check_outputs([out], [path])
    progress(f"Reading {path}")
    dataset = read(path, labels, classes=classes, format=input_format)
    options: dict[str, Any] = {} if format is None else {"format": format}
    if format == "meka":
        options = {"format": "arff", "style": "meka"}
    rehearse(dataset, out, **options)
    progress(f"Writing {out}")
    return write(dataset, out, **options)
