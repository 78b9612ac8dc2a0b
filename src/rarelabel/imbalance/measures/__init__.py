"""How imbalanced the labels of a multi-label table are, and how rare and frequent labels share rows.

Notation: n rows, q labels, c_l rows that carry label l. Everything follows from the indicator matrix Y (n, q):

- the **imbalance ratio** of a label, IRLbl(l) = max_k c_k / c_l, is 1 for the most frequent label and grows as a
  label gets rarer [1]_;
- a row's **SCUMBLE** is 1 - (geometric mean / arithmetic mean) of the IRLbl of the labels it carries: 0 where they
  are equally frequent, near 1 where a rare label shares the row with a frequent one, so that resampling the row
  moves both [2]_;
- a **labelset** is the set of labels that a row carries (the empty set included), and counts of labelsets say how
  much there is to learn [3]_.

Every function takes Y in any form that :func:`rarelabel._validation.validate_labels` accepts.

References
----------
.. [1] F. Charte, A. Rivera, M. J. del Jesus, F. Herrera. "Addressing imbalance in multilabel classification: Measures
   and random resampling algorithms". Neurocomputing 163 (2015), section 3.
.. [2] F. Charte, A. Rivera, M. J. del Jesus, F. Herrera. "Dealing with difficult minority labels in imbalanced
   multilabel data sets". Neurocomputing 326-327 (2019), section 3.
.. [3] F. Charte, A. Rivera, M. J. del Jesus, F. Herrera. "On the impact of dataset complexity and sampling strategy
   in multilabel classifiers performance". HAIS 2016, section 3 (TCS).
.. [4] M.-L. Zhang, Z.-H. Zhou. "A review on multi-label learning algorithms". IEEE TKDE 26 (2014), section 2.1.2.
"""

from rarelabel.imbalance.measures.concurrence import (
    scumble,
    scumble_cv,
    scumble_cv_per_label,
    scumble_per_label,
    scumble_per_row,
)
from rarelabel.imbalance.measures.counts import (
    cardinality,
    co_occurrence,
    density,
    label_counts,
    label_frequencies,
)
from rarelabel.imbalance.measures.labelset import (
    Labelsets,
    diversity,
    ir_per_labelset,
    labelsets,
    max_labelset_frequency,
    n_labelsets,
    single_labelsets,
    tcs,
)
from rarelabel.imbalance.measures.ratios import (
    NeverPositive,
    cvir,
    ir_per_label,
    max_ir,
    mean_ir,
    minority_labels,
)

__all__ = [
    "Labelsets",
    "NeverPositive",
    "cardinality",
    "co_occurrence",
    "cvir",
    "density",
    "diversity",
    "ir_per_label",
    "ir_per_labelset",
    "label_counts",
    "label_frequencies",
    "labelsets",
    "max_ir",
    "max_labelset_frequency",
    "mean_ir",
    "minority_labels",
    "n_labelsets",
    "scumble",
    "scumble_cv",
    "scumble_cv_per_label",
    "scumble_per_label",
    "scumble_per_row",
    "single_labelsets",
    "tcs",
]
