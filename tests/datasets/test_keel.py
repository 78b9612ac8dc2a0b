"""KEEL files: classes, several outputs, unused columns."""

import numpy as np
import pytest

from rarelabel.datasets import Dataset, read, write
from rarelabel.schema import Schema

HEAD = "@relation k\n@attribute A real [0.0, 1.0]\n@attribute B {u, v}\n"


def keel(tmp_path, text):
    path = tmp_path / "a.dat"
    path.write_text(text)
    return path


def test_one_class_column_becomes_exclusive_labels(tmp_path):
    path = keel(tmp_path, HEAD + "@attribute Class {p, n}\n@inputs A, B\n@outputs Class\n@data\n0.5, u, n  \n1, v, p\n")
    dataset = read(path)
    assert dataset.schema.exclusive
    assert dataset.label_names == ("p", "n")
    assert dataset.Y.tolist() == [[False, True], [True, False]]
    assert dataset.X.tolist() == [[0.5, 0], [1, 1]]


@pytest.mark.parametrize("classes", ["{0, 1}", "{p, n}"])
def test_without_outputs_the_last_column_is_the_class(tmp_path, classes):
    first = classes[1]
    dataset = read(keel(tmp_path, HEAD + f"@attribute C {classes}\n@data\n0.5, u, {first}\n"))
    assert dataset.label_names == (classes[1], classes[4])
    assert dataset.schema.exclusive
    assert dataset.Y.tolist() == [[True, False]]


def test_several_outputs_are_labels(tmp_path):
    text = HEAD + "@attribute l {0, 1}\n@attribute k {0, 1}\n@inputs A, B\n@outputs l, k\n@data\n0.5, u, 0, 1\n"
    dataset = read(keel(tmp_path, text))
    assert not dataset.schema.exclusive
    assert dataset.Y.tolist() == [[False, True]]


def test_columns_that_are_neither_input_nor_output_are_left_out_with_a_warning(tmp_path):
    text = HEAD + "@attribute C {p, n}\n@inputs A\n@outputs C\n@data\n0.5, u, p\n"
    with pytest.warns(UserWarning, match="left out: 'B'"):
        assert read(keel(tmp_path, text)).feature_names == ("A",)


def test_outputs_that_do_not_exist(tmp_path):
    with pytest.raises(ValueError, match="@outputs names the label 'D'"):
        read(keel(tmp_path, HEAD + "@attribute C {p, n}\n@outputs D\n@data\n0.5, u, p\n"))


def test_missing_class(tmp_path):
    with pytest.raises(ValueError, match="the class 'C' is missing in row 1"):
        read(keel(tmp_path, HEAD + "@attribute C {p, n}\n@data\n0.5, u, <null>\n"))


def test_written_file_reads_like_keels_own(tmp_path, flowers):
    path, *others = write(flowers, tmp_path / "a.dat")
    assert others == []
    lines = path.read_text().splitlines()
    assert lines[1] == "@attribute 'petal width' numeric [-2e-07, 1.5]"
    assert lines[2] == "@attribute count integer [0, 4]"
    assert lines[-1] == "0, 0, <null>, 1, 1, 1"


def test_class_needs_exactly_one_label_in_each_row(tmp_path):
    schema = Schema.numeric(1, ("a", "b"), exclusive=True)
    dataset = Dataset(np.zeros((2, 1)), np.array([[True, False], [True, True]]), schema)
    with pytest.raises(ValueError, match="row 2 does not carry exactly one of the classes"):
        write(dataset, tmp_path / "a.dat")
    assert list(tmp_path.iterdir()) == []
