"""Compare: files in, every run into a store, a verdict and a report out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rarelabel.datasets import Dataset, WhichLabels
from rarelabel.tasks._outputs import PathLike, Progress, check_outputs, silent

if TYPE_CHECKING:
    from rarelabel.evaluation.protocol import Spec
    from rarelabel.evaluation.report import Summary
    from rarelabel.evaluation.results import Results
    from rarelabel.evaluation.runner import Progress as Step

__all__ = ["Comparison", "compare", "plan_comparison", "report"]

_SECONDS_BETWEEN_LINES = 5.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """What :func:`compare` found. Print it.

    Parameters
    ----------
    results : Results
        Every run.
    summary : Summary
        The verdict.
    files : tuple of Path
        What was written.
    """

    results: Results = field(repr=False)
    summary: Summary = field(repr=False)
    files: tuple[Path, ...] = ()

    def __str__(self) -> str:
        lines = [str(self.summary)]
        for each in self.results.failures()[:10]:
            where = ", ".join((each.dataset, each.approach, each.classifier))
            lines.append(f"  {each.status} {each.n_runs} x: {where}: {each.error}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Give the verdicts, and the gains they rest on, as a dictionary that ``json.dumps`` takes."""
        return {
            "verdicts": [_verdict(each.verdict, each.gains) for each in self.summary.judged],
            "on": {
                name: [_verdict(each.on[name], each.gains_on[name]) for each in self.summary.judged]
                for name in self.summary.datasets
            },
            "n_runs": self.summary.n_runs,
            "n_failed": self.summary.n_failed,
            "n_skipped": self.summary.n_skipped,
            "failures": [each._asdict() for each in self.results.failures()],
            "command": self.results.command,
            "files": [str(file) for file in self.files],
        }


def plan_comparison(
    data: Sequence[PathLike],
    spec_file: PathLike | None = None,
    *,
    labels: WhichLabels = None,
    classes: str | None = None,
    **fields: Any,
) -> Spec:
    """Write down what :func:`compare` would run, without running it.

    Parameters
    ----------
    data : sequence of path-like
        Files of any format that :func:`rarelabel.datasets.read` takes.
    spec_file : path-like, default=None
        A TOML file instead of ``data``.
    labels : path, str, sequence of str or int, default=None
        Which columns are labels, in every file.
    classes : str, default=None
        Column that holds the class of each row, in every file, in place of ``labels``. A spec file says it itself.
    **fields
        Other fields of :class:`rarelabel.evaluation.protocol.Spec`; of those of a file they take the place.

    Returns
    -------
    Spec

    Raises
    ------
    ValueError, OSError, ImportError
        If a name is unknown (the nearest are suggested), or a value cannot be used.
    """
    from rarelabel.evaluation.protocol import make_spec, name_of_file, read_spec

    given = {name: value for name, value in fields.items() if value is not None}
    if spec_file is not None:
        if classes is not None:
            raise ValueError(f"classes ({classes!r}) are told of files that are named, not of those in a spec file")
        if data:
            raise ValueError("data sets were given both by name and in a spec file; expected one of them")
        return make_spec(**read_spec(spec_file).to_dict() | given) if given else read_spec(spec_file)
    which = {"labels": labels, "classes": classes}
    datasets = [{"name": name_of_file(str(path)), "path": str(path), **which} for path in data]
    return make_spec(datasets=datasets, **given)


def compare(
    spec: Spec,
    datasets: dict[str, Dataset] | None = None,
    *,
    store: PathLike | None = None,
    report: PathLike | None = None,
    tables: PathLike | None = None,
    n_jobs: int = 1,
    client: Any = None,
    keep_rows: PathLike | None = None,
    command: str = "",
    progress: Progress = silent,
) -> Comparison:
    """Run a comparison, or what of it the store does not have yet, and say what came of it.

    Parameters
    ----------
    spec : Spec
        From :func:`plan_comparison`.
    datasets : dict of str to Dataset, default=None
        Those that are in memory, by name.
    store : path-like, default=None
        SQLite file that keeps every run. None: nothing is kept.
    report : path-like, default=None
        HTML file to write.
    tables : path-like, default=None
        Folder to write CSV, Parquet and LaTeX tables to.
    n_jobs : int, default=1
        Processes on this machine; -1 for all processors.
    client : dask.distributed.Client or str, default=None
        A Dask cluster, or its address, to run on instead.
    keep_rows : path-like, default=None
        Folder that keeps what samplers made, for approaches and classifiers that can use the same rows.
    command : str, default=""
        The command that reproduces it, for the report.
    progress : callable, default does nothing
        Called with a line every few seconds.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError, TypeError, OSError, ImportError
        If a file cannot be read or written, or an extra is missing. Runs that were finished stay in the store.
    """
    from rarelabel.evaluation.comparing import run_spec

    check_outputs([report, store], [each.path for each in spec.datasets if each.path])
    _check_extras(report, tables)
    progress(f"{spec.n_runs:,} runs: {len(spec.datasets)} data sets, {len(spec.approaches)} approaches")
    results = run_spec(
        spec,
        datasets,
        store=store,
        n_jobs=n_jobs,
        client=client,
        keep_rows=keep_rows,
        progress=_lines(progress),
        command=command,
    )
    return _written(results, report, tables, spec.measures, progress)


def report(
    store: PathLike,
    out: PathLike | None = None,
    *,
    spec: str | None = None,
    measures: Sequence[str] | None = None,
    tables: PathLike | None = None,
    progress: Progress = silent,
) -> Comparison:
    """Say what the runs in a store came to, finished or not, and write a report of them.

    Parameters
    ----------
    store : path-like
    out : path-like, default=None
        HTML file to write.
    spec : str, default=None
        The beginning of the fingerprint of a spec. None: the one that was started last.
    measures : sequence of str, default=None
        Those to show, the deciding one first. None: those of the spec.
    tables : path-like, default=None
        Folder to write CSV, Parquet and LaTeX tables to.
    progress : callable, default does nothing

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError, OSError
        If there is no such store or spec in it, or a file cannot be written.
    """
    from rarelabel.evaluation.results import Results

    check_outputs([out], [store])
    _check_extras(out, tables)
    progress(f"Reading {store}")
    try:
        results = Results.read(store, spec)
    except LookupError as error:
        raise ValueError(str(error)) from None
    shown = list(measures or results.spec.get("measures", [])) or None
    return _written(results, out, tables, shown, progress)


def _written(
    results: Results,
    page: PathLike | None,
    tables: PathLike | None,
    measures: Sequence[str] | None,
    progress: Progress,
) -> Comparison:
    from rarelabel.evaluation.report import summarize, write_report, write_tables

    measures = None if measures is None else [name for name in measures if name in results.measures] or None
    files: list[Path] = []
    if page is not None:
        progress(f"Writing {page}")
        files.append(write_report(results, page, measures=measures))
    if tables is not None:
        progress(f"Writing tables to {tables}")
        files += write_tables(results, tables, measures=measures)
    return Comparison(results, summarize(results, measures=measures), tuple(files))


def _check_extras(page: PathLike | None, tables: PathLike | None) -> None:
    """Raise, before hours of work, if the report or the tables could not be written after them."""
    needed = {"matplotlib": "report", "jinja2": "report"} if page is not None else {}
    needed |= {"pyarrow": "data"} if tables is not None else {}
    for module, extra in needed.items():
        try:
            import_module(module)
        except ImportError:
            what = "a report" if extra == "report" else "a Parquet table"
            raise ImportError(f"{what} needs {module}: pip install 'rarelabel[{extra}]'") from None


def _lines(progress: Progress) -> Callable[[Step], None]:
    """Tell of runs as a line, but not more often than one can read."""
    told = [0.0]

    def tell(step: Step) -> None:
        if step.done < step.total and time.monotonic() - told[0] < _SECONDS_BETWEEN_LINES:
            return
        told[0] = time.monotonic()
        parts = [f"{step.done:,} of {step.total:,} runs"]
        parts += [f"{step.failed:,} failed"] * bool(step.failed) + [f"{step.skipped:,} skipped"] * bool(step.skipped)
        parts += [f"{_duration(step.seconds_left)} left"] if step.seconds_left and step.done < step.total else []
        progress(", ".join(parts) + (f" ({step.last})" if step.last else ""))

    return tell


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def _verdict(verdict: Any, gains: dict[str, Any]) -> dict[str, Any]:
    return {
        "measure": verdict.measure,
        "headline": verdict.headline,
        "sentences": list(verdict.sentences),
        "gains": {name: _plain(vars(gain)) for name, gain in gains.items()},
    }


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Values for JSON, which knows neither NaN nor infinity."""
    return {
        name: None if isinstance(value, float) and not abs(value) < float("inf") else value
        for name, value in fields.items()
    }
