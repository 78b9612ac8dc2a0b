"""CSV: separators, quotes, kinds of columns."""

import numpy as np
import pytest

from rarelabel.datasets import read, write
from rarelabel.datasets._delimited import parse_csv


def parse(text):
    return parse_csv(text.splitlines(keepends=True), "a.csv")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_and_line_ends(delimiter, end):
    text = end.join(["x,y,z", "1,2.5,a", '-3,,"b,;\t"', ""]).replace(",", delimiter)
    table = parse(text)
    assert [(c.name, c.kind) for c in table.columns] == [("x", "integer"), ("y", "numeric"), ("z", "category")]
    assert table.columns[2].categories == ("a", "b,;\t".replace(",", delimiter))
    np.testing.assert_array_equal(table.values, [[1, 2.5, 0], [-3, np.nan, 1]])


def test_rfc_4180_quotes():
    table = parse('"say ""hi""","two\r\nlines",x\r\n"a""b","c,d",1\r\n"","e\nf",2\r\n')
    assert [c.name for c in table.columns] == ['say "hi"', "two\r\nlines", "x"]
    assert table.columns[0].categories == ('a"b', "")
    assert table.columns[1].categories == ("c,d", "e\nf")


def test_empty_is_missing_and_quoted_empty_is_text():
    table = parse('a,b\n,1\n"",2\nx,\n')
    assert table.columns[0].categories == ("", "x")
    np.testing.assert_array_equal(table.values, [[np.nan, 1], [0, 2], [1, np.nan]])


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ('"1",0\n"2",1\n', "category"),
        ('"1","0"\n"2","1"\n', "integer"),
        ('"1",0\n2,1\n', "integer"),
        ("1,0\n2.0,1\n", "numeric"),
        ("1,0\n1e3,1\n", "numeric"),
        ("1,0\nnan,1\n", "numeric"),
        ("01,0\nx,1\n", "category"),
        (",0\n,1\n", "numeric"),
    ],
)
def test_kind_of_a_column(rows, kind):
    assert parse("a,b\n" + rows).columns[0].kind == kind


def test_blank_lines_and_blanks_around_cells():
    assert parse("\n a , b \n 1 , x \n\n2,x\n").values.tolist() == [[1, 0], [2, 0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n", "line 3: expected 2 values as in the header, got 1"),
        ("a,b\n1,2,3\n", "line 2: expected 2 values as in the header, got 3"),
        ("a,a\n1,2\n", "column name 'a' stands more than once"),
        ("a,,b\n1,2,3\n", "column 2 has no name"),
        ("1,2,3\n4,5,6\n", "the first line holds only numbers; expected a header"),
        ("39,private,3\n40,state,1\n41,private,2\n", "'private', in the first line, is also a value of its column"),
        ('a,b\n1,"x\n', "line 2: a quote is not closed"),
        ('a,b\n1,x"y"\n', "line 2: misplaced quote"),
        ('a,b\n1,"x"y\n', "line 2: misplaced quote"),
        ("a,b\n1,2\n1,inf\n", "line 3, column 'b': infinite value"),
        ("a,b\n1,-1e999\n", "infinite value"),
        ("\n\n", "the file is empty"),
    ],
)
def test_bad_files(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse(text)
    assert str(caught.value).startswith("a.csv")


def test_numbered_columns_as_pandas_names_them():
    assert [c.name for c in parse("0,1,2\n4,5,6\n").columns] == ["0", "1", "2"]


def test_written_file(tmp_path, flowers):
    path, label_file = write(flowers, tmp_path / "a.csv")
    assert label_file.name == "a.xml"
    assert path.read_bytes().decode() == (
        '"petal width","count","co,lour","rose","l\'œillet","""x"" & y"\r\n'
        '1.5,3,"red",1,0,0\r\n,4,"a b",0,1,1\r\n-2e-07,,"it\'s",0,0,0\r\n0.0,0,,1,1,1\r\n'
    )


def test_pandas_reads_what_is_written(tmp_path, flowers):
    pandas = pytest.importorskip("pandas")
    write(flowers, tmp_path / "a.csv")
    frame = pandas.read_csv(tmp_path / "a.csv")
    assert list(frame.columns) == [*flowers.feature_names, *flowers.label_names]
    np.testing.assert_array_equal(frame["petal width"], flowers.X[:, 0])
    assert frame["co,lour"].tolist()[:3] == ["red", "a b", "it's"]


def test_reads_what_pandas_writes(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"n": [1, 2], "t": ["x, y", None], "f": [0.1, None], "l": [True, False]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    dataset = read(tmp_path / "a.csv", ["l"])
    np.testing.assert_array_equal(dataset.X, [[1, 0, 0.1], [2, np.nan, np.nan]])
    assert dataset.Y.ravel().tolist() == [True, False]
