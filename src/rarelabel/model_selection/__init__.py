"""Splits that give every part its share of every label, the rare ones first."""

from rarelabel.model_selection.folds import MultilabelStratifiedKFold, RepeatedMultilabelStratifiedKFold
from rarelabel.model_selection.holdout import MultilabelStratifiedShuffleSplit, train_test_split
from rarelabel.model_selection.stratification import iterative_stratification

__all__ = [
    "MultilabelStratifiedKFold",
    "MultilabelStratifiedShuffleSplit",
    "RepeatedMultilabelStratifiedKFold",
    "iterative_stratification",
    "train_test_split",
]
