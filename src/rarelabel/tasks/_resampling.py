"""Resample: read a file, give it to a sampler, write what came out and say what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rarelabel.datasets import Dataset, WhichLabels, read, write
from rarelabel.imbalance import ImbalanceReport, describe
from rarelabel.selection import SamplingPlan
from rarelabel.tasks._outputs import (
    PathLike,
    Progress,
    check_outputs,
    check_picture,
    rehearse,
    save_picture,
    silent,
)
from rarelabel.tasks._pictures import draw_before_after
from rarelabel.tasks._sampling import Provenance, check_saving, plan_dataset, resample_dataset, write_provenance

__all__ = ["Provenance", "Resampling", "before_and_after", "plan", "resample", "resample_dataset", "shortened"]


@dataclass(frozen=True, eq=False)
class Resampling:
    """What :func:`resample` did. Print it, or call :meth:`to_dict`.

    Parameters
    ----------
    method : str
        Name of the sampler.
    parameters : dict of str to object
        Its parameters.
    name : str
        Of the file, or of a data set that came from none.
    before, after : ImbalanceReport
    n_added, n_removed : int
        Rows that are new and rows that went.
    rows_per_label : dict of str to int
        How many rows were made for each label; empty where rows are not made for single labels.
    files : tuple of Path
        What was written.
    """

    method: str
    parameters: dict[str, Any]
    name: str
    before: ImbalanceReport = field(repr=False)
    after: ImbalanceReport = field(repr=False)
    n_added: int
    n_removed: int
    rows_per_label: dict[str, int]
    files: tuple[Path, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give everything as a dictionary that ``json.dumps`` takes; what is undefined is None."""
        return {
            "method": self.method,
            "parameters": {name: _plain(value) for name, value in self.parameters.items()},
            "name": self.name,
            "rows_before": self.before.n_rows,
            "rows_added": self.n_added,
            "rows_removed": self.n_removed,
            "rows_after": self.after.n_rows,
            "rows_per_label": self.rows_per_label,
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "files": [str(file) for file in self.files],
        }

    def __str__(self) -> str:
        before, after = self.before, self.after
        lines = [
            f"{self.method} on {self.name}: {before.n_rows:,} rows -> {after.n_rows:,} "
            f"({self.n_added:,} added, {self.n_removed:,} removed)",
            "",
            f"  {'':<16}  {'before':>10}  {'after':>10}",
        ]
        for name, old, new in self._measures():
            lines.append(f"  {name:<16}  {old:>10}  {new:>10}")
        shown = before.rarest_first[:10]
        names = [shortened(before.label_names[label], 32) for label in shown]
        width = max(16, *map(len, names))
        lines += [
            "",
            f"  {'':<{width}}  {'rows that carry it':>22}    {'IRLbl (1: most frequent)':>24}",
            f"  {'Rarest labels':<{width}}  {'before':>10}  {'after':>10}    {'before':>11}  {'after':>11}",
        ]
        for label, name in zip(shown, names, strict=True):
            lines.append(
                f"  {name:<{width}}  {before.counts[label]:>10,}  {after.counts[label]:>10,}    "
                f"{before.irlbl[label]:>11.2f}  {after.irlbl[label]:>11.2f}"
            )
        if before.n_labels > len(shown):
            lines.append(f"  ... and {before.n_labels - len(shown):,} more frequent labels")
        lines += [f"\nNote: {note}" for note in after.notes]
        return "\n".join(lines)

    def _measures(self) -> list[tuple[str, str, str]]:
        measures = [
            ("rows", "n_rows", ",d"),
            ("MeanIR", "mean_ir", ".3f"),
            ("max IR", "max_ir", ".3f"),
            ("CVIR", "cvir", ".3f"),
            ("SCUMBLE", "scumble", ".4f"),
            ("labels per row", "cardinality", ".3f"),
            ("labelsets", "n_labelsets", ",d"),
        ]
        return [
            (name, format(getattr(self.before, key), form), format(getattr(self.after, key), form))
            for name, key, form in measures
        ]


def plan(
    path: PathLike,
    method: str,
    parameters: Mapping[str, Any] | None = None,
    labels: WhichLabels = None,
    *,
    classes: str | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> SamplingPlan:
    """Say what :func:`resample` would do with the same arguments, without doing it.

    Parameters
    ----------
    path, method, parameters, labels, classes, seed, progress
        As in :func:`resample`.

    Returns
    -------
    SamplingPlan

    Raises
    ------
    ValueError, OSError, ImportError
        As :func:`resample` does.
    """
    progress(f"Reading {path}")
    dataset = read(path, labels, classes=classes)
    progress(f"Planning {method}")
    return plan_dataset(dataset, method, parameters, seed=seed)


def resample(
    path: PathLike,
    method: str,
    out: PathLike,
    parameters: Mapping[str, Any] | None = None,
    labels: WhichLabels = None,
    *,
    classes: str | None = None,
    seed: int = 0,
    provenance: PathLike | None = None,
    picture: PathLike | None = None,
    save_model: PathLike | None = None,
    progress: Progress = silent,
) -> Resampling:
    """Resample a file.

    Parameters
    ----------
    path : path-like
        A file of any format that :func:`rarelabel.datasets.read` takes.
    method : str
        Name of a sampler; see :func:`methods`.
    out : path-like
        The file to write, in the format of its suffix. Names, kinds and categories of the columns are those of the
        input; label columns, or the column of classes, come last.
    parameters : mapping of str to object, default=None
        Parameters of the sampler, ``sampling_strategy`` among them. Labels and columns go by their names in the file.
    labels : path, str, sequence of str or int, default=None
        Which columns are labels; see :func:`rarelabel.datasets.read`.
    classes : str, default=None
        Column that holds the class of each row, in place of ``labels``; see :func:`rarelabel.datasets.read`.
    seed : int, default=0
        The sampler's ``random_state`` where it has one.
    provenance : path-like, default=None
        CSV file to write with a line for each row of ``out``: whether it is new, the rows of the input (counted from
        0) it was made from, and the label it was made for.
    picture : path-like, default=None
        Where to draw the labels before and after.
    save_model : path-like, default=None
        Where to write the model that the new rows are drawn from, for :func:`generate`; for methods that learn one.
    progress : callable, default does nothing
        Called with a line before each step, and every few seconds while a model is trained.

    Returns
    -------
    Resampling

    Raises
    ------
    ValueError, TypeError, OSError, ImportError
        If the method or a parameter is unknown, a file cannot be read or written. Nothing is left half-written, and
        what can be known before the work is found out before it.

    Examples
    --------
    >>> import tempfile
    >>> from rarelabel import tasks
    >>> from rarelabel.datasets import load_digit_scenes, write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write(load_digit_scenes(200), f"{folder}/scenes.arff")
    ...     budget = {"sampling_strategy": {"digit_9": 20}}
    ...     result = tasks.resample(f"{folder}/scenes.arff", "MLROS", f"{folder}/more.arff", budget)
    >>> result.before.n_rows, result.after.n_rows, [file.name for file in result.files]
    (200, 220, ['more.arff', 'more.xml'])
    """
    check_outputs([out, provenance, picture, save_model], [path])
    check_picture(picture)
    if save_model is not None:
        check_saving(method)
    progress(f"Reading {path}")
    dataset = read(path, labels, classes=classes)
    rehearse(dataset, out)
    n, q = dataset.Y.shape
    progress(f"{method}: {n:,} rows, {dataset.X.shape[1]:,} features, {q:,} labels")
    resampled, origin = resample_dataset(
        dataset, method, parameters, seed=seed, save_model=save_model, progress=progress
    )
    progress(f"Measuring {len(resampled.Y):,} rows")
    result = replace(before_and_after(dataset, resampled, origin), name=Path(path).name)
    progress(f"Writing {out}")
    files = [*write(resampled, out), *([Path(save_model)] if save_model is not None else [])]
    if provenance is not None:
        files.append(write_provenance(origin, provenance))
    if picture is not None:
        progress(f"Drawing {picture}")
        figure = draw_before_after(result.before, result.after, f"{result.method} on {result.name}")
        files.append(save_picture(figure, picture))
    return replace(result, files=tuple(files))


def before_and_after(dataset: Dataset, resampled: Dataset, origin: Provenance) -> Resampling:
    """Measure a data set before and after.

    Parameters
    ----------
    dataset, resampled : Dataset
    origin : Provenance
        What :func:`resample_dataset` returned with ``resampled``.

    Returns
    -------
    Resampling
        Without files.
    """
    return Resampling(
        method=origin.method,
        parameters=origin.parameters,
        name=dataset.name,
        before=describe(dataset.X, dataset.Y, schema=dataset.schema),
        after=describe(resampled.X, resampled.Y, schema=dataset.schema),
        n_added=int(origin.is_synthetic.sum()),
        n_removed=len(dataset.Y) - int((~origin.is_synthetic).sum()),
        rows_per_label=origin.rows_per_label(),
    )


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return repr(value)


def shortened(name: str, length: int) -> str:
    """A name on one line that is not longer than ``length``."""
    name = " ".join(name.split())
    return name if len(name) <= length else name[: length - 1] + "…"
