"""The worked example of Demšar (2006)."""

import numpy as np
import pytest

from rarelabel.evaluation import ScoreTable

# Table 6: AUC of C4.5 with and without tuning of m and cf
_METHODS = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")
_DATASETS = (
    *("adult", "breast cancer", "breast cancer wisconsin", "cmc", "ionosphere", "iris", "liver disorders"),
    *("lung cancer", "lymphography", "mushroom", "primary tumor", "rheum", "voting", "wine"),
)
_AUC = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.975, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


@pytest.fixture
def demsar():
    """AUC of four variants of C4.5 on 14 data sets."""
    return ScoreTable(_AUC, _DATASETS, _METHODS)


@pytest.fixture
def demsar_ranked():
    """The same, as the paper must have ranked it.

    Its mean ranks follow from the printed table but for half a rank, on voting: there C4.5+cf stands before C4.5+m+cf,
    and both print as 0.975. So the paper ranked values of more digits.
    """
    auc = _AUC.copy()
    auc[12, 2] += 0.0001
    return ScoreTable(auc, _DATASETS, _METHODS)
