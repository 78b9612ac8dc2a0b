"""The command line: parse, call a function of :mod:`rarelabel.tasks`, print what it returns.

Nothing heavy is imported before a command runs, so that help and mistakes in options come at once.
"""

from rarelabel.cli import _comparing, _looking, _resampling, _training  # noqa: F401 - they add their commands to main
from rarelabel.cli._main import main

__all__ = ["main"]
