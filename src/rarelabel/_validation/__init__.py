"""The one door: raw X and Y in, arrays and a schema out; arrays in, the caller's containers out.

Nothing else in the package looks at what type an input has.
"""

from rarelabel._validation._containers import Container
from rarelabel._validation._features import Features, Matrix, as_csr, validate_features
from rarelabel._validation._labels import Labels, validate_classes, validate_labels
from rarelabel._validation._pairs import FeaturePair, validate_feature_pair, validate_label_pair
from rarelabel._validation._scores import validate_predictions, validate_scores
from rarelabel._validation._tables import Resampled, Table, decode_categories, restore, take_rows, validate

__all__ = [
    "Container",
    "FeaturePair",
    "Features",
    "Labels",
    "Matrix",
    "Resampled",
    "Table",
    "as_csr",
    "decode_categories",
    "restore",
    "take_rows",
    "validate",
    "validate_classes",
    "validate_feature_pair",
    "validate_features",
    "validate_label_pair",
    "validate_labels",
    "validate_predictions",
    "validate_scores",
]
