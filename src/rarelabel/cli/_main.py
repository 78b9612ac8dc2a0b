"""The command ``rarelabel``: how every command ends where something is wrong, and what it says meanwhile."""

from __future__ import annotations

import json
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

__all__ = ["list_files", "main", "print_json", "tell_progress"]

_STILL_SECONDS = 30.0


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
def tell_progress() -> Iterator[Callable[[str], None]]:
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
            seconds = time.monotonic() - started[0]
            if seconds > _STILL_SECONDS / 2:  # else something was said just now
                click.echo(f"  still at it, {seconds:.0f} s", err=True)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield step
    finally:
        ended.set()
        thread.join()


def print_json(value: Any) -> None:
    """For programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def list_files(files: Sequence[Path]) -> None:
    """Say what was written."""
    if files:
        click.echo(f"\nWrote {', '.join(map(str, files))}")


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Formats: .arff (MULAN, MEKA), .dat (KEEL), .libsvm, .csv, .parquet, each also with .gz.",
)
@click.version_option(__version__, prog_name="rarelabel")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Make rare labels learnable: measure and resample imbalanced multi-label data."""
