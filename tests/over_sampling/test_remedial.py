"""REMEDIAL splits rows above the mean SCUMBLE, row for row as the reference does."""

import csv
import gzip
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rarelabel import REMEDIAL
from rarelabel.imbalance import ir_per_label, mean_ir, scumble_per_row

TABLE = st.tuples(st.integers(2, 20), st.integers(2, 5))


def slowly(Y):
    """Charte et al. 2019, Algorithm 1: rows that keep minority labels, then clones that keep majority labels."""
    irlbl, mean = ir_per_label(Y), mean_ir(Y)
    scumble = []
    for row in Y:
        present = irlbl[row]
        scumble.append(1 - np.prod(present) ** (1 / len(present)) / present.mean() if len(present) else 0.0)
    kept, clones = [], []
    for row, value in zip(Y, scumble, strict=True):
        if value > np.mean(scumble) + 1e-12:
            kept.append([bool(has and irlbl[j] > mean) for j, has in enumerate(row)])
            clones.append([bool(has and irlbl[j] <= mean) for j, has in enumerate(row)])
        else:
            kept.append(row.tolist())
    return kept + clones


@given(hnp.arrays(bool, TABLE).filter(lambda Y: Y.any(axis=0).all()))
def test_labels_equal_the_loops(Y):
    if np.isclose(scumble_per_row(Y), scumble_per_row(Y).mean(), rtol=1e-9, atol=1e-11).any():
        return  # a row at the mean but for rounding may go either way
    _, Y_res = REMEDIAL().fit_resample(np.arange(float(len(Y)))[:, None], Y)
    assert Y_res.tolist() == slowly(Y)


def test_worked_example():
    """Counts 5 and 2: IRLbl 1 and 2.5, MeanIR 1.75. Only row 0 has both labels, so only it has a SCUMBLE above 0."""
    Y = np.array([[1, 1], [1, 0], [1, 0], [1, 0], [1, 0], [0, 1]])
    sampler = REMEDIAL()
    X_res, Y_res = sampler.fit_resample(np.arange(6)[:, None], Y)
    assert Y_res.tolist() == [[0, 1], [1, 0], [1, 0], [1, 0], [1, 0], [0, 1], [1, 0]]
    assert X_res.ravel().tolist() == [0, 1, 2, 3, 4, 5, 0]
    assert sampler.seed_rows_.tolist() == sampler.sample_indices_.tolist() == [0, 1, 2, 3, 4, 5, 0]


@given(hnp.arrays(bool, TABLE).filter(lambda Y: Y.any(axis=0).all()))
def test_keep_leaves_rows_whole_whose_labels_are_all_on_one_side(Y):
    _, Y_res = REMEDIAL(one_sided="keep").fit_resample(np.zeros((len(Y), 1)), Y)
    assert (Y_res.sum(axis=0) == Y.sum(axis=0)).all()
    assert (~Y_res.any(axis=1)).sum() == (~Y.any(axis=1)).sum()


def test_an_unknown_option_is_refused():
    with pytest.raises(ValueError, match="one_sided must be 'split' or 'keep', got 'drop'"):
        REMEDIAL(one_sided="drop").fit_resample(np.zeros((2, 1)), np.eye(2))


def cell(value):
    try:
        return float(value)
    except ValueError:
        return value


@pytest.mark.data
@pytest.mark.parametrize(("name", "before", "after"), [("emotions", 593, 815), ("flags", 194, 262)])
def test_the_rows_are_those_of_the_reference(data_folder, reference_folder, name, before, after):
    """The same rows, each as often, as mldr's remedial() gives; the order differs."""
    from rarelabel._validation import decode_categories
    from rarelabel.datasets import read

    dataset = read(data_folder / "multilabel" / f"{name}.arff.gz")
    assert len(dataset.Y) == before
    X_res, Y_res = REMEDIAL().fit_resample(dataset.X, dataset.Y)
    assert len(Y_res) == after
    columns = []
    for j, column in enumerate(dataset.schema.features):
        values = decode_categories(X_res[:, j], column) if column.kind == "category" else X_res[:, j]
        columns.append([cell(str(value)) for value in values])
    columns += [[float(value) for value in labels] for labels in Y_res.T]
    names = [*dataset.schema.feature_names, *dataset.schema.label_names]
    with gzip.open(reference_folder / "remedial" / f"{name}.csv.gz", "rt", newline="") as file:
        expected = list(csv.DictReader(file))

    def plain(text):
        return "".join(c for c in text.lower() if c.isalnum())

    position = {plain(column): column for column in expected[0]}
    order = [position[plain(column)] for column in names]
    theirs = Counter(tuple(cell(row[column]) for column in order) for row in expected)
    ours = Counter(zip(*columns, strict=True))
    assert ours == theirs
