"""Data sets: files of every usual multi-label format, makers with known truth, public sets by name."""

from rarelabel.datasets._arff_reader import ArffError
from rarelabel.datasets._dataset import Dataset
from rarelabel.datasets._digits import load_digit_scenes
from rarelabel.datasets._reading import read
from rarelabel.datasets._writing import atomic_path, write

__all__ = ["ArffError", "Dataset", "atomic_path", "load_digit_scenes", "read", "write"]
