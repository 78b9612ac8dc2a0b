"""What the command line does, as plain functions: files in, results and files out, nothing printed."""

from rarelabel.tasks._comparing import Comparison, compare, plan_comparison, report
from rarelabel.tasks._converting import convert
from rarelabel.tasks._demo import Demonstration, demo
from rarelabel.tasks._diagnosing import diagnose
from rarelabel.tasks._generating import Generation, generate
from rarelabel.tasks._listing import Method, classifiers, methods
from rarelabel.tasks._outputs import Progress
from rarelabel.tasks._resampling import Provenance, Resampling, plan, resample, resample_dataset
from rarelabel.tasks._training_images import ImageTraining, TrainingOptions, train_images

__all__ = [
    "Comparison",
    "Demonstration",
    "Generation",
    "ImageTraining",
    "Method",
    "Progress",
    "Provenance",
    "Resampling",
    "TrainingOptions",
    "classifiers",
    "compare",
    "convert",
    "demo",
    "diagnose",
    "generate",
    "methods",
    "plan",
    "plan_comparison",
    "report",
    "resample",
    "resample_dataset",
    "train_images",
]
