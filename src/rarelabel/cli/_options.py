"""Options that several commands take, and how their texts are understood."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

__all__ = [
    "FILE",
    "FORMATS",
    "Labels",
    "class_option",
    "json_option",
    "labels_option",
    "parse_names",
    "parse_settings",
    "parse_strategy",
    "seed_option",
]

FILE = click.Path(path_type=Path)
FORMATS = ("arff", "keel", "libsvm", "csv", "parquet")
Labels = str | int | list[str] | None


def _parse_labels(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> Labels:
    """An XML file, a count, names parted by commas; given more than once: one name each."""
    if not given:
        return None
    _refuse_both(ctx, "classes")
    if len(given) > 1:
        return list(given)
    text = given[0]
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return int(text)
    if text.lower().endswith(".xml"):
        return text
    return [name.strip() for name in text.split(",") if name.strip()]


def _parse_class(ctx: click.Context, param: click.Parameter, name: str | None) -> str | None:
    if name is not None:
        _refuse_both(ctx, "labels")
    return name


def _refuse_both(ctx: click.Context, other: str) -> None:
    if ctx.params.get(other) is not None:
        raise click.UsageError("--class takes the place of --labels; give one of them.")


def parse_strategy(ctx: click.Context, param: click.Parameter, text: str | None) -> Any:
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


def parse_settings(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> dict[str, Any]:
    """Names and values, each as Python has it."""
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


def parse_names(ctx: click.Context, param: click.Parameter, text: str | None) -> list[str] | None:
    """Names parted by commas."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


labels_option = click.option(
    "--labels",
    "-l",
    multiple=True,
    callback=_parse_labels,
    metavar="WHICH",
    help="Which columns are labels: a MULAN file (labels.xml), a count (6: the first, -6: the last), or names "
    "(beach,sunset; repeat the option for names with commas). Found by themselves where the file says so.",
)
class_option = click.option(
    "--class",
    "classes",
    callback=_parse_class,
    metavar="COLUMN",
    help="The column that holds the class of each row, words or whole numbers such as 0 and 1, in place of --labels.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The same seed gives the same file."
)
