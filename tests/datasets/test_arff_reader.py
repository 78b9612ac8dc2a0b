"""The ARFF grammar, its traps, and errors that say where."""

import numpy as np
import pytest
from scipy import sparse

from rarelabel.datasets import ArffError, read
from rarelabel.datasets._arff_reader import parse_arff


def parse(text, **options):
    return parse_arff(text.splitlines(), "toy.arff", **options)


HEAD = "@relation toy\n@attribute a numeric\n@attribute b {x,y}\n@attribute c {0,1}\n@data\n"


def test_dense_rows():
    table = parse(HEAD + "1.5,y,0\n-2e3,x,1\n")
    assert table.name == "toy"
    assert [(c.name, c.kind, c.categories) for c in table.columns] == [
        ("a", "numeric", ()),
        ("b", "category", ("x", "y")),
        ("c", "category", ("0", "1")),
    ]
    np.testing.assert_array_equal(table.values, [[1.5, 1, 0], [-2000, 0, 1]])


def test_absent_sparse_entry_is_zero_or_the_first_category_and_not_missing():
    table = parse(HEAD + "{}\n{ }\n{2 1, 0 7}\n{1 y,2 ?}\n{0 0,1 x}\n")
    assert isinstance(table.values, sparse.csr_array)
    expected = [[0, 0, 0], [0, 0, 0], [7, 0, 1], [0, 1, np.nan], [0, 0, 0]]
    np.testing.assert_array_equal(table.values.toarray(), expected)
    assert table.values.nnz == 4, "zeros and first categories are not stored, the missing value is"
    assert table.values.has_sorted_indices


def test_absent_label_whose_first_value_is_one_is_positive(tmp_path):
    path = tmp_path / "a.arff"
    path.write_text("@relation r\n@attribute f numeric\n@attribute l {1,0}\n@data\n{0 3}\n{1 0}\n")
    assert read(path, labels=["l"]).Y.tolist() == [[True], [False]]


def test_sparse_strings_are_empty_where_absent():
    table = parse("@relation r\n@attribute s string\n@attribute n numeric\n@data\n{0 'a b'}\n{1 2}\n{0 c}\n")
    assert table.columns[0].categories == ("", "a b", "c")
    assert table.values.toarray()[:, 0].tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("'d''e'", "d'e"),
        (r"'d\'e'", "d'e"),
        (r'"q\"uoted"', 'q"uoted'),
        ('"two ""quotes"""', 'two "quotes"'),
        ("'a, b'", "a, b"),
        ("' %{} '", " %{} "),
        (r"'tab\tline\n\\'", "tab\tline\n\\"),
        (r"'\u00e9\%'", "é%"),
        ("don't", "don't"),
        ("''", ""),
        ("ends\\", "ends\\"),
    ],
)
def test_quoted_names_and_values(written, meant):
    end = "" if written != "''" else "_"
    table = parse(f"@relation r\n@attribute {written} {{z,{written}}}\n@attribute n numeric\n@data\n{written},1\n")
    assert table.columns[0].name == meant
    assert table.columns[0].categories == ("z", meant)
    assert table.values[0, 0] == 1
    assert end in ("", "_")
    in_braces = parse(f"@relation r\n@attribute a {{z,{written}}}\n@attribute n numeric\n@data\n{{0 {written}, 1 4}}\n")
    assert in_braces.values.toarray().tolist() == [[1, 4]]


def test_question_mark_is_missing_only_without_quotes():
    table = parse("@relation r\n@attribute a {'?',b}\n@attribute n numeric\n@data\n?,?\n'?',1\n")
    np.testing.assert_array_equal(table.values, [[np.nan, np.nan], [0, 1]])


def test_keywords_in_any_case_tabs_comments_and_blank_lines():
    table = parse(
        "% comment\n\n@RELATION r % x\n@Attribute\ta\tREAL\n@ATTRIBUTE b\t{ u , v }  % nominal\n"
        "@attribute n{0 1}\n\n@DATA\n% comment\n\n 1 ,\tv , 0\n2\tu\t1\n3,u,1 % said\n"
    )
    assert [c.categories for c in table.columns] == [(), ("u", "v"), ("0", "1")]
    assert table.values.tolist() == [[1, 1, 0], [2, 0, 1], [3, 0, 1]]


def test_strings_and_dates_are_categories_in_order_of_appearance():
    table = parse(
        "@relation r\n@attribute s string\n@attribute d date 'yyyy-MM-dd'\n@attribute n integer\n@data\n"
        "b_1,2020-01-02,1\na,'2020-01-01',2\nb_1,?,3\n"
    )
    assert table.columns[0].categories == ("b_1", "a")
    assert table.columns[1].categories == ("2020-01-02", "2020-01-01")
    np.testing.assert_array_equal(table.values, [[0, 0, 1], [1, 1, 2], [0, np.nan, 3]])


def test_integer_attribute_with_fractions_is_numeric():
    text = "@relation r\n@attribute a integer\n@attribute b integer\n@data\n"
    assert [c.kind for c in parse(text + "1,2\n-3,2.5\n?,1\n").columns] == ["integer", "numeric"]
    assert [c.kind for c in parse(text + "{1 2}\n{0 0.5}\n").columns] == ["numeric", "integer"]


def test_dense_and_sparse_rows_in_one_file():
    rows = ["1,y,1", "{0 2}", "{1 y}"]
    expected = [[1, 1, 1], [2, 0, 0], [0, 1, 0]]
    assert parse(HEAD + "\n".join(rows)).values.tolist() == expected
    assert parse(HEAD + "\n".join(rows[::-1])).values.toarray().tolist() == expected[::-1]


@pytest.mark.parametrize("rows", ["1,y,1, {5}\n2,x,0\n", "{0 1,1 y,2 1}, {0.5}\n{0 2}\n"])
def test_instance_weights_are_ignored_with_a_warning(rows):
    with pytest.warns(UserWarning, match=r"1 rows carry an instance weight \(the first in line 6\)"):
        table = parse(HEAD + rows)
    values = table.values if isinstance(table.values, np.ndarray) else table.values.toarray()
    assert values.tolist() == [[1, 1, 1], [2, 0, 0]]


@pytest.mark.parametrize(
    ("relation", "name", "count"),
    [
        ("'IMDB: -C 28'", "IMDB", 28),
        ("'x y: -C -3'", "x y", -3),
        ("'OH: -I 0 -C 23 -split 9'", "OH", 23),
        ("plain: -C 4", "plain", 4),
        ("no-C-here", "no-C-here", None),
    ],
)
def test_meka_label_count_in_the_relation(relation, name, count):
    table = parse(HEAD.replace("toy", relation) + "1,x,0\n")
    assert (table.name, table.label_count) == (name, count)


BAD = [
    ("1,y\n", 6, None, "expected 3 values, got 2"),
    ("1,y,0\n\n1,y,0,4\n", 8, None, "expected 3 values, got 4"),
    ("1,z,0\n", 6, "b", "expected one of x, y, got 'z'"),
    ("one,x,0\n", 6, "a", "expected a number, got 'one'"),
    ("1_0,x,0\n", 6, "a", "expected a number, got '1_0'"),
    (",x,0\n", 6, "a", "expected a number, got ''"),
    ("1,x,0\n1e999,x,0\n", 7, "a", "infinite"),
    ("{0 inf}\n", 6, "a", "infinite"),
    ("1,'x,0\n", 6, None, "not closed"),
    ("1,'x'y,0\n", 6, None, "expected a comma"),
    ("{0 1\n", 6, None, "no closing brace"),
    ("{3 1}\n", 6, None, "0 to 2, got '3'"),
    ("{-1 1}\n", 6, None, "0 to 2, got '-1'"),
    ("{0 1, 0 2}\n", 6, "a", "given twice"),
    ("{0 1 1 y}\n", 6, "a", "expected a number, got '1 1 y'"),
    ("{0 1} 3\n", 6, None, "after the closing brace"),
    ("{0 1}, {x}\n", 6, None, "weight"),
    ("{1 z}\n", 6, "b", "expected one of x, y, got 'z'"),
    ("{" + "9" * 5000 + " 1}\n", 6, None, "0 to 2"),
]


@pytest.mark.parametrize(("rows", "line", "column", "message"), BAD)
def test_bad_rows_are_named_by_line_and_attribute(rows, line, column, message):
    with pytest.raises(ArffError, match=message.replace("(", r"\(")) as caught:
        parse(HEAD + rows)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"toy.arff, line {line}")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("@relation r\n@attribute a numeric\n", "ends before @data"),
        ("", "ends before @data"),
        ("@relation r\n@data\n", "line 2: @data comes before any @attribute"),
        (
            "@relation r\n@attribute a numeric\n@attribute a real\n@data\n",
            "line 3, attribute 'a': this name is declared",
        ),
        ("@relation r\n@attribute a {x,y,x}\n@data\n", "'x' is declared twice"),
        ("@relation r\n@attribute a {x,'y}\n@data\n", "not closed"),
        ("@relation r\n@attribute a {x,y\n@data\n", "no closing brace"),
        ("@relation r\n@attribute a {}\n@data\n", "empty"),
        ("@relation r\n@attribute a {x} y\n@data\n", "unexpected 'y'"),
        ("@relation r\n@attribute a complex\n@data\n", "'complex' is not a type"),
        ("@relation r\n@attribute a relational\n@data\n", "not supported"),
        ("@relation r\n@attribute\n@data\n", "without a name"),
        ("nonsense\n", "line 1: expected @relation"),
    ],
)
def test_bad_headers(header, message):
    with pytest.raises(ArffError, match=message):
        parse(header)


def test_keel_header_and_blanks():
    table = parse(
        "@relation ecoli1\r\n@attribute Mcg real[0.0, 0.89]\r\n@attribute n integer [0, 3]\r\n"
        "@attribute Class{positive, negative}   \r\n@inputs Mcg, n\r\n@outputs Class\r\n@data\r\n"
        "0.49, 2, negative    \r\n<null>, 1,positive\r\n",
        keel=True,
    )
    assert (table.inputs, table.outputs) == (("Mcg", "n"), ("Class",))
    assert [c.kind for c in table.columns] == ["numeric", "integer", "category"]
    np.testing.assert_array_equal(table.values, [[0.49, 2, 1], [np.nan, 1, 0]])


def test_agrees_with_scipy_on_plain_files():
    """SciPy's reader agrees on plain files (it reads neither sparse rows nor all quotes)."""
    from io import StringIO

    from scipy.io import arff

    rng = np.random.default_rng(0)
    rows = [
        f"{a!r},{b},{c}"
        for a, b, c in zip(
            rng.normal(size=50).tolist(), rng.choice(list("xy"), 50), rng.integers(2, size=50), strict=True
        )
    ]
    text = HEAD + "\n".join(rows) + "\n"
    theirs, _ = arff.loadarff(StringIO(text))
    ours = parse(text)
    np.testing.assert_array_equal(ours.values[:, 0], theirs["a"])
    assert [ours.columns[1].categories[int(v)] for v in ours.values[:, 1]] == [v.decode() for v in theirs["b"]]
