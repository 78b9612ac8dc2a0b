"""Multi-label classifiers that the papers on imbalance evaluate with and scikit-learn lacks, or lets fail.

All are scikit-learn classifiers: ``predict`` gives an indicator, ``predict_proba`` one probability for each label.
"""

from rarelabel.classifiers._base import MultilabelClassifier
from rarelabel.classifiers._br import BinaryRelevance
from rarelabel.classifiers._chain import ClassifierChain
from rarelabel.classifiers._lp import LabelPowerset
from rarelabel.classifiers._mlknn import MLkNN
from rarelabel.classifiers._mlp import MultilabelMLP, balanced_weights
from rarelabel.classifiers._rakel import RAkEL
from rarelabel.classifiers._scores import (
    LabelScores,
    label_predictions,
    label_scores,
    label_scores_and_predictions,
)
from rarelabel.classifiers._weights import with_class_weights

__all__ = [
    "BinaryRelevance",
    "ClassifierChain",
    "LabelPowerset",
    "LabelScores",
    "MLkNN",
    "MultilabelClassifier",
    "MultilabelMLP",
    "RAkEL",
    "balanced_weights",
    "label_predictions",
    "label_scores",
    "label_scores_and_predictions",
    "with_class_weights",
]
