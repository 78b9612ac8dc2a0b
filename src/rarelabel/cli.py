"""The command line: parse, call a function of :mod:`rarelabel.tasks`, print what it returns.

Nothing heavy is imported before a command runs, so that help and mistakes in options come at once.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from rarelabel import __version__

__all__ = ["main"]

_FILE = click.Path(path_type=Path)
_STILL_SECONDS = 30.0
_FORMATS = ("arff", "keel", "libsvm", "csv", "parquet")
_Labels = str | int | list[str] | None


class _Commands(click.Group):
    """A group whose commands end with a line on stderr, not with a traceback, where the data are at fault."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; bad data end it with 1, Ctrl-C with 130."""
        try:
            with _warnings_as_lines():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("\nStopped. No file was left half-written.", err=True)
            ctx.exit(130)
        except (ValueError, TypeError, OSError, ImportError, MemoryError) as error:
            if ctx.params.get("debug") or isinstance(error, BrokenPipeError):
                raise
            raise click.ClickException(_message(error)) from error


def _message(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return f"out of memory: {error}" if str(error) else "out of memory"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Show each warning once, as a line on stderr."""
    seen: set[str] = set()

    def show(message: Warning | str, *where: Any, **more: Any) -> None:
        if str(message) not in seen:
            seen.add(str(message))
            click.echo(f"Warning: {message}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Tell stderr what is done: one changing line on a terminal where rich is installed, else a line for each step.

    A step that takes long is said to be still going on, with the seconds it has taken, every ``_STILL_SECONDS``.
    """
    try:
        console = import_module("rich.console").Console(stderr=True) if sys.stderr.isatty() else None
    except ImportError:
        console = None
    if console is None:
        with _heartbeat() as step:
            yield step
        return
    text = import_module("rich.text").Text
    with console.status("") as status:
        yield lambda message: status.update(text(f"{message} ..."))


@contextmanager
def _heartbeat() -> Iterator[Callable[[str], None]]:
    """Print each step, and every so often how long the present one has taken."""
    ended = threading.Event()
    started = [time.monotonic()]

    def step(message: str) -> None:
        started[0] = time.monotonic()
        click.echo(f"{message} ...", err=True)

    def beat() -> None:
        while not ended.wait(_STILL_SECONDS):
            click.echo(f"  still at it, {time.monotonic() - started[0]:.0f} s", err=True)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield step
    finally:
        ended.set()
        thread.join()


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def _parse_labels(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> _Labels:
    """An XML file, a count, names parted by commas; given more than once: one name each."""
    if not given:
        return None
    if len(given) > 1:
        return list(given)
    text = given[0]
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return int(text)
    if text.lower().endswith(".xml"):
        return text
    return [name.strip() for name in text.split(",") if name.strip()]


def _parse_strategy(ctx: click.Context, param: click.Parameter, text: str | None) -> Any:
    """A word, a share, a number of rows, or rows for each label."""
    if text is None:
        return None
    if re.fullmatch(r"[a-z]+", text):
        return text
    value = _literal(text)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    pairs = re.findall(r"\s*(.+?)\s*=\s*([+-]?[0-9]+)\s*(?:,|$)", text)
    if not pairs or re.sub(r"\s*(.+?)\s*=\s*([+-]?[0-9]+)\s*(?:,|$)", "", text):
        raise click.BadParameter(
            f"expected auto, a share such as 0.25, a number of rows such as 100, or label=rows,..., got {text!r}"
        )
    return {name: int(count) for name, count in pairs}


def _parse_settings(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> dict[str, Any]:
    settings = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"expected name=value, got {text!r}")
        settings[name.strip()] = _literal(value.strip())
    return settings


def _literal(text: str) -> Any:
    """A number, a truth value, None or a list, as in Python; anything else is text, or names parted by commas."""
    plain = {"true": True, "false": False, "none": None}
    if text.lower() in plain:
        return plain[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return [part.strip() for part in text.split(",")] if "," in text else text


def _check_method(method: str, parameters: dict[str, Any]) -> str:
    """The method's own spelling; a usage error if there is no such method or parameter."""
    from rarelabel.registry import make_sampler

    try:
        return type(make_sampler(method, **parameters)).__name__
    except ValueError as error:
        raise click.UsageError(str(error)) from None


_labels_option = click.option(
    "--labels",
    "-l",
    multiple=True,
    callback=_parse_labels,
    metavar="WHICH",
    help="Which columns are labels: a MULAN file (labels.xml), a count (6: the first, -6: the last), or names "
    "(beach,sunset; repeat the option for names with commas). Found by themselves where the file says so.",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Formats: .arff (MULAN, MEKA), .dat (KEEL), .libsvm, .csv, .parquet, each also with .gz.",
)
@click.version_option(__version__, prog_name="rarelabel")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Make rare labels learnable: measure and resample imbalanced multi-label data."""


@main.command()
@click.argument("path", type=_FILE)
@_labels_option
@_json_option
@click.option("--plot", type=_FILE, metavar="FILE", help="Draw all plots to a .png, .svg or .pdf file.")
def diagnose(path: Path, labels: _Labels, as_json: bool, plot: Path | None) -> None:
    """Measure how imbalanced the labels of a file are."""
    from rarelabel import tasks

    with _progress() as progress:
        report = tasks.diagnose(path, labels, picture=plot, progress=progress)
    if as_json:
        _print_json(report.to_dict())
    else:
        click.echo(report)
        _list_files([plot] if plot else [])


@main.command()
@click.argument("path", type=_FILE)
@click.option("-m", "--method", required=True, metavar="METHOD", help="A sampler; 'rarelabel methods' lists them.")
@click.option("-o", "--out", type=_FILE, metavar="OUT", help="The file to write, in the format of its suffix.")
@click.option("--plan", is_flag=True, help="Say what would be done; write nothing.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The same seed gives the same file."
)
@click.option(
    "--strategy",
    callback=_parse_strategy,
    metavar="HOW_MUCH",
    help="auto (the method's own), a share of the rows (0.25), a number of rows (100), or rows for each label "
    "(label=10,other=5). Default: the method's own.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=_parse_settings,
    metavar="NAME=VALUE",
    help="Any other parameter of the method, such as k_neighbors=3. May be repeated.",
)
@_labels_option
@click.option("--provenance", type=_FILE, metavar="FILE.csv", help="Write where each row of OUT comes from.")
@_json_option
@click.option("--plot", type=_FILE, metavar="FILE", help="Draw the labels before and after (.png, .svg, .pdf).")
def resample(
    path: Path,
    method: str,
    out: Path | None,
    plan: bool,
    seed: int,
    strategy: Any,
    settings: dict[str, Any],
    labels: _Labels,
    provenance: Path | None,
    as_json: bool,
    plot: Path | None,
) -> None:
    """Add or remove rows so that rare labels get their share."""
    from rarelabel import tasks

    parameters = dict(settings)
    if strategy is not None:
        parameters["sampling_strategy"] = strategy
    method = _check_method(method, parameters)
    if out is None and not plan:
        raise click.UsageError("Missing option '-o' / '--out': the file to write (or --plan, to write none).")
    with _progress() as progress:
        result: Any
        if plan:
            result = tasks.plan(path, method, parameters, labels, seed=seed, progress=progress)
        else:
            result = tasks.resample(
                path,
                method,
                out or "",
                parameters,
                labels,
                seed=seed,
                provenance=provenance,
                picture=plot,
                progress=progress,
            )
    if as_json:
        _print_json(result.to_dict())
        return
    click.echo(result)
    if plan:
        click.echo("A plan only: nothing was written.")
    else:
        _list_files(result.files)


@main.command()
@click.argument("path", type=_FILE)
@click.argument("out", type=_FILE)
@_labels_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(("meka", *_FORMATS)),
    help="Format of OUT; by default that of its suffix. meka: ARFF with the number of labels in its header.",
)
@click.option(
    "--input-format",
    type=click.Choice(_FORMATS),
    help="Format of PATH; by default that of its suffix, else of its content.",
)
def convert(path: Path, out: Path, labels: _Labels, format_: str | None, input_format: Any) -> None:
    """Write a file in another format."""
    from rarelabel import tasks

    with _progress() as progress:
        files = tasks.convert(path, out, labels, format=format_, input_format=input_format, progress=progress)
    _list_files(files)


def _parse_names(ctx: click.Context, param: click.Parameter, text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


@main.command()
@click.argument("data", nargs=-1, type=_FILE)
@click.option(
    "--samplers",
    callback=_parse_names,
    metavar="NAMES",
    help="Samplers, and combinations such as mlsmote+thresholds, parted by commas. none, weights and thresholds always "
    "take part.",
)
@click.option(
    "--classifiers",
    callback=_parse_names,
    metavar="NAMES",
    help="br-tree, br-logistic, cc-tree, mlknn, ... parted by commas; 'rarelabel methods' lists them. "
    "Default: br-logistic.",
)
@click.option("--cv", metavar="RxK", help="R repeats of K folds that are stratified by labels. Default: 1x5.")
@click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="Runs of each with other seeds. Default: 1.")
@click.option(
    "--measures",
    callback=_parse_names,
    metavar="NAMES",
    help="What tables show; the first decides. Default: rare_f1,...",
)
@click.option("--spec", "spec_file", type=_FILE, metavar="FILE.toml", help="All of this from a file.")
@_labels_option
@click.option(
    "--store",
    type=_FILE,
    default="results.sqlite",
    show_default=True,
    metavar="FILE",
    help="Keeps every run. Started again, the command goes on where it was stopped.",
)
@click.option("--report", "page", type=_FILE, metavar="FILE.html", help="Write a report.")
@click.option("--tables", type=_FILE, metavar="FOLDER", help="Write CSV, Parquet and LaTeX tables.")
@click.option("--jobs", "-j", type=int, default=1, show_default=True, metavar="N", help="Processes; -1: all cores.")
@click.option("--dask", metavar="ADDRESS", help="Run on a Dask cluster, such as tcp://127.0.0.1:8786, instead.")
@click.option("--time-limit", type=float, metavar="SECONDS", help="For one resampling, or to train one classifier.")
@click.option(
    "--fidelity",
    type=click.Choice(("first", "all", "none")),
    help="Compare new rows with real ones in the first fold of each repeat (default), in all, or not at all.",
)
@_json_option
def compare(
    data: tuple[Path, ...],
    samplers: list[str] | None,
    classifiers: list[str] | None,
    cv: str | None,
    seeds: int | None,
    measures: list[str] | None,
    spec_file: Path | None,
    labels: _Labels,
    store: Path,
    page: Path | None,
    tables: Path | None,
    jobs: int,
    dask: str | None,
    time_limit: float | None,
    fidelity: str | None,
    as_json: bool,
) -> None:
    """Find out on held-out rows whether resampling helps, and whether class weights or thresholds do as well."""
    from rarelabel import tasks

    if not data and spec_file is None:
        raise click.UsageError("Missing argument 'DATA...': the files to compare on (or --spec).")
    fields: dict[str, Any] = {"approaches": samplers, "cv": cv, "seeds": seeds, "measures": measures}
    fields |= {"classifiers": classifiers, "time_limit": time_limit, "fidelity": fidelity}
    if spec_file is None:
        fields["classifiers"] = classifiers or ["br-logistic"]
    try:
        spec = tasks.plan_comparison(data, spec_file, labels=labels, **fields)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    with _progress() as progress:
        result = tasks.compare(
            spec,
            store=store,
            report=page,
            tables=tables,
            n_jobs=jobs,
            client=dask,
            command=shlex.join(["rarelabel", *sys.argv[1:]]),
            progress=progress,
        )
    _tell_of(result, as_json)
    if not as_json:
        click.echo(f"Every run is kept in {store}.")


@main.command()
@click.argument("store", type=_FILE)
@click.option("-o", "--out", type=_FILE, metavar="FILE.html", help="The report to write. Default: the verdict only.")
@click.option("--tables", type=_FILE, metavar="FOLDER", help="Write CSV, Parquet and LaTeX tables.")
@click.option("--measures", callback=_parse_names, metavar="NAMES", help="What tables show; the first decides.")
@click.option("--spec", metavar="HASH", help="Which comparison, by how its hash begins. Default: the last one started.")
@_json_option
def report(
    store: Path, out: Path | None, tables: Path | None, measures: list[str] | None, spec: str | None, as_json: bool
) -> None:
    """Report the runs that 'rarelabel compare' has kept, finished or not."""
    from rarelabel import tasks

    with _progress() as progress:
        result = tasks.report(store, out, spec=spec, measures=measures, tables=tables, progress=progress)
    _tell_of(result, as_json)


def _tell_of(comparison: Any, as_json: bool) -> None:
    if as_json:
        _print_json(comparison.to_dict())
        return
    click.echo(comparison)
    _list_files(comparison.files)


@main.command()
@_json_option
def methods(as_json: bool) -> None:
    """List the samplers, their papers and parameters, and the classifiers of 'compare'."""
    from rarelabel import tasks

    known = tasks.methods()
    if as_json:
        _print_json([vars(method) for method in known])
        return
    for method in known:
        settings = ", ".join(f"{name}={value!r}" for name, value in method.parameters.items())
        click.echo(f"{method.name}: {method.kind} rows")
        for line in (method.summary, method.paper, f"Parameters: {settings}"):
            click.echo(click.wrap_text(line, 100, "    ", "    "))
        click.echo()
    click.echo(click.wrap_text(f"Classifiers: {', '.join(tasks.classifiers())}", 100, "", "    "))


@main.command()
@click.option(
    "-o", "--out", type=_FILE, default="demo-output", show_default=True, metavar="FOLDER", help="Where results go."
)
def demo(out: Path) -> None:
    """See it work on embedded data: diagnosis, resampling, and an honest look at whether it helped."""
    from rarelabel import tasks

    with _progress() as progress:
        result = tasks.demo(out, progress=progress)
    click.echo(result)
    _list_files(result.files)
    if result.missing:
        click.echo(f"Without pictures: {result.missing}")
    else:
        click.echo(f"Look at {out / 'scenes.png'} first: real scenes, and those that MLSMOTE made of them.")
    if result.comparison is not None:
        click.echo(f"Then open {out / 'comparison.html'}: the report of the comparison.")
    click.echo(f"Next: rarelabel resample {out / 'digit_scenes.arff'} -m MLSOL -o more.arff")


def _list_files(files: Sequence[Path]) -> None:
    if files:
        click.echo(f"\nWrote {', '.join(map(str, files))}")
