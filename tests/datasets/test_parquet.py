"""Parquet from other programs, and what of it is refused."""

import datetime

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

from rarelabel.datasets import read, write  # noqa: E402


def test_kinds_follow_arrow_types(tmp_path):
    table = pa.table(
        {
            "f": pa.array([0.5, None, 2.0]),
            "i": pa.array([1, None, 3], pa.int16()),
            "t": ["b", None, "a"],
            "d": pa.array(["v", "u", None]).dictionary_encode(),
            "day": [datetime.date(2020, 1, 2), None, datetime.date(2020, 1, 1)],
            "flag": [True, None, False],
            "l": [True, False, True],
            "m": pa.array([0, 1, 1], pa.uint8()),
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    dataset = read(tmp_path / "a.parquet", ["m", "l"])
    assert [c.kind for c in dataset.schema.features] == ["numeric", "integer", *["category"] * 4]
    nan = np.nan
    expected = [[0.5, 1, 0, 0, 0, 1], [nan, nan, nan, 1, nan, nan], [2, 3, 1, nan, 1, 0]]
    np.testing.assert_array_equal(dataset.X, expected)
    assert [c.categories for c in dataset.schema.features[2:]] == [
        ("b", "a"),
        ("v", "u"),
        ("2020-01-02", "2020-01-01"),
        ("False", "True"),
    ]
    assert dataset.Y.tolist() == [[False, True], [True, False], [True, True]]


def test_dictionaries_that_differ_between_chunks(tmp_path):
    column = pa.chunked_array([pa.array(["x", "y"]).dictionary_encode(), pa.array(["z", "x"]).dictionary_encode()])
    parquet.write_table(pa.table({"c": column, "l": [0, 1, 1, 0]}), tmp_path / "a.parquet", row_group_size=2)
    dataset = read(tmp_path / "a.parquet", -1)
    words = [dataset.schema.features[0].categories[int(code)] for code in dataset.X[:, 0]]
    assert words == ["x", "y", "z", "x"]


def test_index_that_pandas_stored_is_left_out(tmp_path):
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame({"x": [1.0, 2.0], "l": [0, 1]}, index=["r", "s"]).to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", -1).feature_names == ("x",)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"x": [[1], [2]], "l": [0, 1]}, "column 'x': the type list"),
        ({"x": [1.0, float("inf")], "l": [0, 1]}, "column 'x': infinite value in row 2"),
        ({"x": [1.0, 2.0], "l": [0, 2]}, r"label 'l' is 2\.0 in row 2"),
    ],
)
def test_columns_that_are_refused(tmp_path, table, message):
    parquet.write_table(pa.table(table), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "a.parquet", ["l"])


def test_repeated_names_and_broken_notes(tmp_path, flowers):
    parquet.write_table(pa.table([[1.0], [2.0]], names=["a", "a"]), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="'a' stands more than once"):
        read(tmp_path / "a.parquet", -1)
    write(flowers, tmp_path / "b.parquet")
    table = parquet.read_table(tmp_path / "b.parquet")
    for note in (b"{", b"[]", b'{"features": [], "labels": [{"name": 3}]}'):
        parquet.write_table(table.replace_schema_metadata({b"rarelabel": note}), tmp_path / "b.parquet")
        with pytest.raises(ValueError, match=r"b\.parquet: the note on columns"):
            read(tmp_path / "b.parquet")
    parquet.write_table(table.drop_columns(["count"]), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=r"b\.parquet: the note on columns"):
        read(tmp_path / "b.parquet")


def test_other_labels_than_the_note_names_can_be_asked_for(tmp_path, flowers):
    write(flowers, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet", ["rose"]).label_names == ("rose",)


def test_not_parquet(tmp_path):
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(ValueError, match=r"a\.parquet: not a Parquet file"):
        read(tmp_path / "a.parquet")
