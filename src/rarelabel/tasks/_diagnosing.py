"""Diagnose: read a file and measure how imbalanced it is."""

from __future__ import annotations

from rarelabel.datasets import WhichLabels, read
from rarelabel.imbalance import ImbalanceReport, describe
from rarelabel.tasks._outputs import PathLike, Progress, check_outputs, check_picture, save_picture, silent

__all__ = ["diagnose"]


def diagnose(
    path: PathLike,
    labels: WhichLabels = None,
    *,
    classes: str | None = None,
    picture: PathLike | None = None,
    progress: Progress = silent,
) -> ImbalanceReport:
    """Measure how imbalanced the labels of a file are.

    Parameters
    ----------
    path : path-like
        A file of any format that :func:`rarelabel.datasets.read` takes.
    labels : path, str, sequence of str or int, default=None
        Which columns are labels; see :func:`rarelabel.datasets.read`.
    classes : str, default=None
        Column that holds the class of each row, in place of ``labels``; see :func:`rarelabel.datasets.read`.
    picture : path-like, default=None
        Where to draw all plots of the report (``.png``, ``.svg``, ``.pdf``).
    progress : callable, default does nothing
        Called with a line before each step.

    Returns
    -------
    ImbalanceReport

    Raises
    ------
    ValueError, OSError, ImportError
        If the file cannot be read, or ``picture`` not be written; the latter is found out before the file is read.

    Examples
    --------
    >>> import tempfile
    >>> from rarelabel import tasks
    >>> from rarelabel.datasets import load_digit_scenes, write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write(load_digit_scenes(50), f"{folder}/scenes.arff")
    ...     report = tasks.diagnose(f"{folder}/scenes.arff")
    >>> report.n_rows, report.n_labels
    (50, 10)
    """
    check_outputs([picture], [path])
    check_picture(picture)
    progress(f"Reading {path}")
    dataset = read(path, labels, classes=classes)
    progress(f"Measuring {dataset.Y.shape[0]:,} rows and {dataset.Y.shape[1]:,} labels")
    report = describe(dataset.X, dataset.Y, schema=dataset.schema)
    if picture is not None:
        progress(f"Drawing {picture}")
        save_picture(report.plot(), picture)
    return report
