"""What the command line does, as plain functions: files in, results and files out, nothing printed."""

from rarelabel.tasks._converting import convert
from rarelabel.tasks._demo import Demonstration, Scores, demo
from rarelabel.tasks._diagnosing import diagnose
from rarelabel.tasks._listing import Method, methods
from rarelabel.tasks._outputs import Progress
from rarelabel.tasks._resampling import Provenance, Resampling, plan, resample, resample_dataset

__all__ = [
    "Demonstration",
    "Method",
    "Progress",
    "Provenance",
    "Resampling",
    "Scores",
    "convert",
    "demo",
    "diagnose",
    "methods",
    "plan",
    "resample",
    "resample_dataset",
]
