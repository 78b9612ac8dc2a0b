"""Commands that make files with other rows: resample and generate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rarelabel.cli._main import list_files, main, print_json, tell_progress
from rarelabel.cli._options import (
    FILE,
    Labels,
    class_option,
    json_option,
    labels_option,
    parse_settings,
    parse_strategy,
    seed_option,
)

__all__ = ["generate", "resample"]


def _check_method(method: str, parameters: dict[str, Any]) -> str:
    """The method's own spelling; a usage error if there is no such method or parameter."""
    from rarelabel.registry import make_sampler

    try:
        return type(make_sampler(method, **parameters)).__name__
    except ValueError as error:
        raise click.UsageError(str(error)) from None


@main.command()
@click.argument("path", type=FILE)
@click.option("-m", "--method", required=True, metavar="METHOD", help="A sampler; 'rarelabel methods' lists them.")
@click.option("-o", "--out", type=FILE, metavar="OUT", help="The file to write, in the format of its suffix.")
@click.option("--plan", is_flag=True, help="Say what would be done; write nothing.")
@seed_option
@click.option(
    "--strategy",
    callback=parse_strategy,
    metavar="HOW_MUCH",
    help="auto (the method's own), a share of the rows (0.25), a number of rows (100), or rows for each label "
    "(label=10,other=5). Default: the method's own.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    callback=parse_settings,
    metavar="NAME=VALUE",
    help="Any other parameter of the method, such as k_neighbors=3. May be repeated.",
)
@labels_option
@class_option
@click.option("--provenance", type=FILE, metavar="FILE.csv", help="Write where each row of OUT comes from.")
@json_option
@click.option("--plot", type=FILE, metavar="FILE", help="Draw the labels before and after (.png, .svg, .pdf).")
@click.option(
    "--save-model",
    type=FILE,
    metavar="FILE",
    help="Keep the model that the method learns (MLDM, SEMResDDPM, ...), for 'rarelabel generate' (.safetensors).",
)
def resample(
    path: Path,
    method: str,
    out: Path | None,
    plan: bool,
    seed: int,
    strategy: Any,
    settings: dict[str, Any],
    labels: Labels,
    classes: str | None,
    provenance: Path | None,
    as_json: bool,
    plot: Path | None,
    save_model: Path | None,
) -> None:
    """Add or remove rows so that rare labels get their share."""
    from rarelabel import tasks

    parameters = dict(settings)
    if strategy is not None:
        parameters["sampling_strategy"] = strategy
    method = _check_method(method, parameters)
    if out is None and not plan:
        raise click.UsageError("Missing option '-o' / '--out': the file to write (or --plan, to write none).")
    if plan and save_model is not None:
        raise click.UsageError("--plan trains nothing, so --save-model has nothing to save; give one of them.")
    with tell_progress() as progress:
        result: Any
        if plan:
            result = tasks.plan(path, method, parameters, labels, classes=classes, seed=seed, progress=progress)
        else:
            result = tasks.resample(
                path,
                method,
                out or "",
                parameters,
                labels,
                classes=classes,
                seed=seed,
                provenance=provenance,
                picture=plot,
                save_model=save_model,
                progress=progress,
            )
    if as_json:
        print_json(result.to_dict())
        return
    click.echo(result)
    if plan:
        click.echo("A plan only: nothing was written.")
    else:
        list_files(result.files)


@main.command()
@click.argument("model", type=FILE)
@click.option("-n", "n", type=int, required=True, metavar="N", help="How many rows.")
@click.option(
    "-o", "--out", type=FILE, required=True, metavar="OUT", help="The file to write, in the format of its suffix."
)
@click.option(
    "--label", "labels", multiple=True, metavar="NAME=0|1", help="A label that all rows have, or lack. May be repeated."
)
@click.option(
    "--where",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="The value of a column in all rows; nothing after the =: a missing one. May be repeated.",
)
@seed_option
@click.option("--provenance", type=FILE, metavar="FILE.csv", help="Write the label that each row was drawn for.")
@click.option("--device", default="auto", show_default=True, help="Where to compute: cpu, cuda, ...")
@json_option
def generate(
    model: Path,
    n: int,
    out: Path,
    labels: tuple[str, ...],
    where: tuple[str, ...],
    seed: int,
    provenance: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Draw rows from a model that 'rarelabel resample --save-model' kept.

    Without conditions, each row is drawn for a rare label, or a class that rows were added to.
    """
    from rarelabel import tasks

    with tell_progress() as progress:
        result = tasks.generate(
            model,
            n,
            out,
            labels=labels,
            where=where,
            seed=seed,
            provenance=provenance,
            device=device,
            progress=progress,
        )
    if as_json:
        print_json(result.to_dict())
        return
    click.echo(result)
    list_files(result.files)
