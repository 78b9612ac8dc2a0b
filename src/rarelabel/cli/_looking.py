"""Commands that show data, what there is, and what it does: diagnose, convert, methods and demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rarelabel.cli._main import list_files, main, print_json, tell_progress
from rarelabel.cli._options import FILE, FORMATS, Labels, class_option, json_option, labels_option

__all__ = ["convert", "demo", "diagnose", "methods"]


@main.command()
@click.argument("path", type=FILE)
@labels_option
@class_option
@json_option
@click.option("--plot", type=FILE, metavar="FILE", help="Draw all plots to a .png, .svg or .pdf file.")
def diagnose(path: Path, labels: Labels, classes: str | None, as_json: bool, plot: Path | None) -> None:
    """Measure how imbalanced the labels of a file are."""
    from rarelabel import tasks

    with tell_progress() as progress:
        report = tasks.diagnose(path, labels, classes=classes, picture=plot, progress=progress)
    if as_json:
        print_json(report.to_dict())
    else:
        click.echo(report)
        list_files([plot] if plot else [])


@main.command()
@click.argument("path", type=FILE)
@click.argument("out", type=FILE)
@labels_option
@class_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(("meka", *FORMATS)),
    help="Format of OUT; by default that of its suffix. meka: ARFF with the number of labels in its header.",
)
@click.option(
    "--input-format",
    type=click.Choice(FORMATS),
    help="Format of PATH; by default that of its suffix, else of its content.",
)
def convert(path: Path, out: Path, labels: Labels, classes: str | None, format_: str | None, input_format: Any) -> None:
    """Write a file in another format."""
    from rarelabel import tasks

    with tell_progress() as progress:
        files = tasks.convert(
            path, out, labels, classes=classes, format=format_, input_format=input_format, progress=progress
        )
    list_files(files)


@main.command()
@json_option
def methods(as_json: bool) -> None:
    """List the samplers, their papers and parameters, and the classifiers of 'compare'."""
    from rarelabel import tasks

    known = tasks.methods()
    if as_json:
        print_json([vars(method) for method in known])
        return
    for method in known:
        settings = ", ".join(f"{name}={value!r}" for name, value in method.parameters.items())
        click.echo(f"{method.name}: {method.kind} rows" + (", single-label tables only" if method.single_label else ""))
        for line in (method.summary, method.paper, f"Parameters: {settings}"):
            click.echo(click.wrap_text(line, 100, "    ", "    "))
        click.echo()
    click.echo(click.wrap_text(f"Classifiers: {', '.join(tasks.classifiers())}", 100, "", "    "))


@main.command()
@click.option(
    "-o", "--out", type=FILE, default="demo-output", show_default=True, metavar="FOLDER", help="Where results go."
)
def demo(out: Path) -> None:
    """See it work on embedded data: diagnosis, resampling, and an honest look at whether it helped."""
    from rarelabel import tasks

    with tell_progress() as progress:
        result = tasks.demo(out, progress=progress)
    click.echo(result)
    list_files(result.files)
    for line in result.missing:
        click.echo(f"Left out: {line}")
    written = {file.name: file for file in result.files}
    if "scenes.png" in written:
        click.echo(f"Look at {written['scenes.png']} first: real scenes, and those that MLSMOTE made of them.")
    if "scenes_mldm.png" in written:
        click.echo(f"{written['scenes_mldm.png']} shows scenes that MLDM drew, each beside the nearest real one.")
    if result.comparison is not None:
        click.echo(f"Then open {out / 'comparison.html'}: the report of the comparison.")
    click.echo(f"Next: rarelabel resample {out / 'digit_scenes.arff'} -m MLSOL -o more.arff")
    if "digit_scenes.safetensors" in written:
        model = written["digit_scenes.safetensors"]
        click.echo(f"  or: rarelabel generate {model} -n 100 --label digit_9=1 -o nines.arff")
