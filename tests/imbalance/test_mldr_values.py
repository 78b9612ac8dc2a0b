"""Every measure of every data set, equal to what the R package mldr 0.4.2 gives.

One option is needed: ``never_positive="mldr"`` (a label without a positive has IRLbl 0 and is averaged).
"""

import json

import numpy as np
import pytest

from rarelabel import imbalance
from rarelabel.datasets import read

pytestmark = pytest.mark.data

NAMES = [
    *("emotions", "birds", "cal500", "flags", "genbase", "medical", "stackex_chess", "scene", "yeast", "corel5k"),
    *("foodtruck", "bibtex", "tmc2007_500", "langlog", "slashdot", "ng20", "enron"),
    *("emotions_mulan", "cal500_mulan", "flags_mulan", "genbase_mulan", "medical_mulan"),
]


@pytest.fixture(scope="module")
def values(reference_folder):
    values = json.loads((reference_folder / "mldr_measures.json").read_text(encoding="utf-8"))
    assert sorted(values) == sorted(NAMES)
    return values


@pytest.fixture(scope="module", params=NAMES)
def case(request, values, data_folder):
    """Labels in the order of the reference, number of inputs, and the reference."""
    path = data_folder / "multilabel" / f"{request.param.removesuffix('_mulan')}.arff.gz"
    if not path.is_file():
        pytest.skip(f"the data set {path.name} is not here")
    expected = values[request.param]
    data = read(path)
    Y = data.Y[:, in_order_of(expected["labels"], data)]
    if request.param == "tmc2007_500":
        # The file ends in an empty line, which mldr reads as a 28,597th row, without labels.
        Y = np.vstack([Y, np.zeros((1, Y.shape[1]), dtype=bool)])
    return Y, data, expected


def in_order_of(labels, data):
    """Columns of data.Y in the order of the reference; by position where R has altered the names."""
    names = list(data.label_names)
    if set(names) == set(labels["name"]):
        return [names.index(name) for name in labels["name"]]
    return matching_counts(labels["count"], data.Y.sum(axis=0).tolist())


def matching_counts(expected, counts):
    if expected == counts:
        return list(range(len(counts)))
    pytest.fail("labels of the reference match neither by name nor by position")


def equal(actual, expected):
    """To 1e-9 relative; the reference has 15 digits, so that tiny SCUMBLEs carry an error of about 1e-16 absolute."""
    expected = np.array([np.nan if value is None else value for value in np.atleast_1d(expected)], dtype=float)
    np.testing.assert_allclose(np.atleast_1d(actual), expected, rtol=1e-9, atol=1e-15)


def test_summary(case):
    Y, data, reference = case
    expected = reference["measures"]
    assert len(Y) == expected["num.instances"]
    assert data.X.shape[1] == expected["num.inputs"]
    assert imbalance.n_labelsets(Y) == expected["num.labelsets"]
    assert imbalance.single_labelsets(Y) == expected["num.single.labelsets"]
    assert imbalance.max_labelset_frequency(Y) == expected["max.frequency"]
    equal(imbalance.cardinality(Y), expected["cardinality"])
    equal(imbalance.density(Y), expected["density"])
    equal(imbalance.mean_ir(Y, never_positive="mldr"), expected["meanIR"])
    equal(imbalance.scumble(Y), expected["scumble"])
    equal(imbalance.scumble_cv(Y), expected["scumble.cv"])
    equal(imbalance.tcs(Y, n_inputs=data.X.shape[1]), expected["tcs"])
    equal(imbalance.max_ir(Y), reference["maxIR"])
    equal(imbalance.cvir(Y, never_positive="mldr"), reference["CVIR"])


def test_labels(case):
    Y, _, reference = case
    expected = reference["labels"]
    assert imbalance.label_counts(Y).tolist() == expected["count"]
    equal(imbalance.label_frequencies(Y), expected["freq"])
    equal(imbalance.ir_per_label(Y, never_positive="mldr"), expected["IRLbl"])
    equal(imbalance.scumble_per_label(Y, never_positive="mldr"), expected["SCUMBLELbl"])
    equal(imbalance.scumble_cv_per_label(Y), expected["SCUMBLELbl.CV"])


def test_rows_and_labelsets(case):
    Y, _, reference = case
    head = reference["instance_scumble_head"]
    equal(imbalance.scumble_per_row(Y)[: len(head)], head)
    assert Y[: len(head)].sum(axis=1).tolist() == reference["instance_labelcount_head"]
    members, counts, _ = imbalance.labelsets(Y)
    keys = ["".join(row) for row in np.where(members, "1", "0").tolist()]
    found = dict(zip(keys, counts.tolist(), strict=True))
    assert {key: found.get(key) for key in reference["labelsets"]} == reference["labelsets"]


def test_the_report_has_mldr_s_keys_and_numbers(case):
    Y, _, reference = case
    report = imbalance.describe(None, Y, never_positive="mldr")
    numbers = report.to_dict()
    for key, value in reference["measures"].items():
        if key not in ("num.attributes", "num.inputs", "tcs"):
            equal(numbers[key], value)
