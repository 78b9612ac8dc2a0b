"""Commands that train networks: train-images."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from rarelabel.cli._main import list_files, main, print_json, tell_progress
from rarelabel.cli._options import FILE, json_option, parse_names, seed_option

__all__ = ["train_images"]

_METHODS = ("balancemix", "bce", "mixup", "asl", "asl-mixup", "minority", "clean", "relabelled")


@main.command("train-images")
@click.argument("manifest", type=FILE)
@click.option("-o", "--out", type=FILE, required=True, metavar="OUT", help="The model to write (.safetensors).")
@click.option("--images", type=FILE, metavar="PLACE", help="Folder or tar file. Default: beside the manifest.")
@click.option(
    "-m",
    "--method",
    type=click.Choice(_METHODS),
    default="balancemix",
    show_default=True,
    help="How to train; minority, clean and relabelled are BalanceMix without some of its parts.",
)
@click.option("--network", type=click.Choice(("small", "resnet18", "resnet50")), default="small", show_default=True)
@click.option("--head", type=click.Choice(("linear", "query")), default="linear", show_default=True)
@click.option("--checkpoint", type=FILE, metavar="FILE", help="Weights to start from (.pth, .safetensors).")
@click.option("--size", type=click.IntRange(min=1), default=64, show_default=True, help="Side of the images, pixels.")
@click.option("--epochs", type=click.IntRange(min=1), default=30, show_default=True)
@click.option("--warmup", type=click.IntRange(min=1), metavar="N", help="Epochs of warm-up. Default: a quarter of all.")
@click.option("--batch-size", type=click.IntRange(min=1), default=32, show_default=True)
@click.option("--learning-rate", type=float, default=0.05, show_default=True)
@click.option(
    "--epsilon", type=float, default=0.975, show_default=True, help="How sure views must be to re-label (0.5 to 1)."
)
@click.option(
    "--trusted", type=click.Choice(("negatives", "positives")), help="Given labels known to be right, never doubted."
)
@click.option("--magnitude", type=float, default=5.0, show_default=True, help="Strength of augmentation (0 to 10).")
@click.option("--flip", is_flag=True, help="Also turn images upside down, as for pictures from above.")
@click.option("--labels", "-l", callback=parse_names, metavar="NAMES", help="Label columns, or one that lists labels.")
@click.option("--path-column", metavar="NAME", help="Column with the names of the images.")
@click.option("--split", metavar="NAME", help="Column that says train, or anything else for held-out images.")
@click.option("--separator", metavar="TEXT", help="Between labels of one cell. Default: ';', '|' or ','.")
@click.option("--held-out", type=float, default=0.2, show_default=True, help="Share held out where no column says.")
@click.option("--on-error", type=click.Choice(("raise", "skip")), default="raise", show_default=True)
@click.option("--many", type=int, metavar="N", help="Labels with more positives are 'many'.")
@click.option("--few", type=int, metavar="N", help="Labels with fewer positives are 'few'.")
@click.option("--report", type=FILE, metavar="FILE.html", help="Write a page with pictures of suspicious labels.")
@click.option("--suspicious", type=FILE, metavar="FILE.csv", help="Write the list of suspicious labels.")
@click.option("--device", default="auto", show_default=True, help="Where to compute: cpu, cuda, ...")
@click.option("--workers", type=click.IntRange(min=0), default=0, show_default=True, help="Processes that load images.")
@seed_option
@json_option
def train_images(
    manifest: Path,
    out: Path,
    images: Path | None,
    labels: list[str] | None,
    path_column: str | None,
    split: str | None,
    separator: str | None,
    held_out: float,
    on_error: Literal["raise", "skip"],
    many: int | None,
    few: int | None,
    report: Path | None,
    suspicious: Path | None,
    device: str,
    workers: int,
    as_json: bool,
    checkpoint: Path | None,
    **options: Any,
) -> None:
    """Train a network on images whose labels are rare and partly wrong.

    MANIFEST is a CSV or Parquet file with a row for each image, or a tar file with one in it. Stopped, the same command
    goes on where it was.
    """
    from rarelabel import tasks

    with tell_progress() as progress:
        result = tasks.train_images(
            manifest,
            out,
            tasks.TrainingOptions(checkpoint=None if checkpoint is None else str(checkpoint), **options),
            images=images,
            labels=labels[0] if labels is not None and len(labels) == 1 else labels,
            path_column=path_column,
            split=split,
            separator=separator,
            held_out=held_out,
            on_error=on_error,
            many=many,
            few=few,
            report=report,
            suspicious=suspicious,
            device=device,
            workers=workers,
            progress=progress,
        )
    if as_json:
        print_json(result.to_dict())
        return
    click.echo(result)
    list_files(result.files)
