"""Commands that say whether resampling helps: compare and report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from rarelabel.cli._main import list_files, main, print_json, tell_progress
from rarelabel.cli._options import FILE, Labels, class_option, json_option, labels_option, parse_names

__all__ = ["compare", "report"]


@main.command()
@click.argument("data", nargs=-1, type=FILE)
@click.option(
    "--samplers",
    callback=parse_names,
    metavar="NAMES",
    help="Samplers, and combinations such as mlsmote+thresholds, parted by commas. none, weights and thresholds always "
    "take part.",
)
@click.option(
    "--classifiers",
    callback=parse_names,
    metavar="NAMES",
    help="br-tree, br-logistic, cc-tree, mlknn, ... parted by commas; 'rarelabel methods' lists them. "
    "Default: br-logistic.",
)
@click.option("--cv", metavar="RxK", help="R repeats of K folds that are stratified by labels. Default: 1x5.")
@click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="Runs of each with other seeds. Default: 1.")
@click.option(
    "--measures",
    callback=parse_names,
    metavar="NAMES",
    help="What tables show; the first decides. Default: rare_f1,...",
)
@click.option("--spec", "spec_file", type=FILE, metavar="FILE.toml", help="All of this from a file.")
@labels_option
@class_option
@click.option(
    "--store",
    type=FILE,
    default="results.sqlite",
    show_default=True,
    metavar="FILE",
    help="Keeps every run. Started again, the command goes on where it was stopped.",
)
@click.option(
    "--keep-rows",
    type=FILE,
    metavar="FOLDER",
    help="Keep what samplers made: a sampler with and without weights or thresholds shares its rows, now and later.",
)
@click.option("--report", "page", type=FILE, metavar="FILE.html", help="Write a report.")
@click.option("--tables", type=FILE, metavar="FOLDER", help="Write CSV, Parquet and LaTeX tables.")
@click.option("--jobs", "-j", type=int, default=1, show_default=True, metavar="N", help="Processes; -1: all cores.")
@click.option("--dask", metavar="ADDRESS", help="Run on a Dask cluster, such as tcp://127.0.0.1:8786, instead.")
@click.option("--time-limit", type=float, metavar="SECONDS", help="For one resampling, or to train one classifier.")
@click.option(
    "--fidelity",
    type=click.Choice(("first", "all", "none")),
    help="Compare new rows with real ones in the first fold of each repeat (default), in all, or not at all.",
)
@json_option
def compare(
    data: tuple[Path, ...],
    samplers: list[str] | None,
    classifiers: list[str] | None,
    cv: str | None,
    seeds: int | None,
    measures: list[str] | None,
    spec_file: Path | None,
    labels: Labels,
    classes: str | None,
    store: Path,
    keep_rows: Path | None,
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
        spec = tasks.plan_comparison(data, spec_file, labels=labels, classes=classes, **fields)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    with tell_progress() as progress:
        result = tasks.compare(
            spec,
            store=store,
            report=page,
            tables=tables,
            n_jobs=jobs,
            client=dask,
            keep_rows=keep_rows,
            command=shlex.join(["rarelabel", *sys.argv[1:]]),
            progress=progress,
        )
    _tell_of(result, as_json)
    if not as_json:
        click.echo(f"Every run is kept in {store}.")


@main.command()
@click.argument("store", type=FILE)
@click.option("-o", "--out", type=FILE, metavar="FILE.html", help="The report to write. Default: the verdict only.")
@click.option("--tables", type=FILE, metavar="FOLDER", help="Write CSV, Parquet and LaTeX tables.")
@click.option("--measures", callback=parse_names, metavar="NAMES", help="What tables show; the first decides.")
@click.option("--spec", metavar="HASH", help="Which comparison, by how its hash begins. Default: the last one started.")
@json_option
def report(
    store: Path, out: Path | None, tables: Path | None, measures: list[str] | None, spec: str | None, as_json: bool
) -> None:
    """Report the runs that 'rarelabel compare' has kept, finished or not."""
    from rarelabel import tasks

    with tell_progress() as progress:
        result = tasks.report(store, out, spec=spec, measures=measures, tables=tables, progress=progress)
    _tell_of(result, as_json)


def _tell_of(comparison: Any, as_json: bool) -> None:
    if as_json:
        print_json(comparison.to_dict())
        return
    click.echo(comparison)
    list_files(comparison.files)
