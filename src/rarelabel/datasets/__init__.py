"""Data sets: files of every usual multi-label format, makers with known truth, public sets by name."""

from rarelabel.datasets._arff_reader import ArffError
from rarelabel.datasets._dataset import Dataset
from rarelabel.datasets._digits import load_digit_scenes
from rarelabel.datasets._fetching import fetch
from rarelabel.datasets._images import LabelledImages, read_images
from rarelabel.datasets._images_store import decode_image
from rarelabel.datasets._label_noise import NoisyLabels, flip_labels, keep_one_positive, mislabel
from rarelabel.datasets._opening import Format
from rarelabel.datasets._reading import read
from rarelabel.datasets._synthetic import MultilabelTruth, make_imbalanced_multilabel
from rarelabel.datasets._table import WhichLabels
from rarelabel.datasets._writing import atomic_path, write

__all__ = [
    "ArffError",
    "Dataset",
    "Format",
    "LabelledImages",
    "MultilabelTruth",
    "NoisyLabels",
    "WhichLabels",
    "atomic_path",
    "decode_image",
    "fetch",
    "flip_labels",
    "keep_one_positive",
    "load_digit_scenes",
    "make_imbalanced_multilabel",
    "mislabel",
    "read",
    "read_images",
    "write",
]
