"""Which columns are labels, which format a file is, and what bad files get."""

import gzip

import numpy as np
import pytest
from scipy import sparse

from rarelabel.datasets import load_digit_scenes, read, write

ARFF = (
    "@relation r\n@attribute a {0,1}\n@attribute f numeric\n@attribute b {0,1}\n@attribute c {0,1}\n@data\n"
    "1,2,0,1\n0,3,1,1\n"
)
A, B, C = [True, False], [False, True], [True, True]


@pytest.fixture
def arff(tmp_path):
    path = tmp_path / "toy.arff"
    path.write_text(ARFF)
    return path


def labels_file(path, *names):
    path.write_text("<labels>" + "".join(f"<label name='{name}'/>" for name in names) + "</labels>")
    return path


@pytest.mark.parametrize(
    ("labels", "names", "columns"),
    [
        (["c", "a"], ("c", "a"), [C, A]),
        ("b", ("b",), [B]),
        (1, ("a",), [A]),
        (-2, ("b", "c"), [B, C]),
        (np.int64(-1), ("c",), [C]),
    ],
)
def test_labels_by_name_and_by_count(arff, labels, names, columns):
    dataset = read(arff, labels)
    assert dataset.label_names == names
    assert dataset.Y.T.tolist() == columns
    assert dataset.feature_names == tuple(name for name in "afbc" if name not in names)


def test_labels_by_file_given_or_lying_beside(arff, tmp_path):
    other = labels_file(tmp_path / "other.xml", "c", "b")
    assert read(arff, other).label_names == ("c", "b")
    assert read(arff, str(other)).label_names == ("c", "b")
    labels_file(tmp_path / "toy.xml", "a")
    assert read(arff).label_names == ("a",)


@pytest.mark.parametrize("name", ["toy-train.arff", "toy-test.arff.gz"])
def test_parts_share_the_label_file(tmp_path, name):
    labels_file(tmp_path / "toy.xml", "b", "a")
    path = tmp_path / name
    path.write_bytes(gzip.compress(ARFF.encode()) if name.endswith("gz") else ARFF.encode())
    assert read(path).label_names == ("b", "a")


@pytest.mark.parametrize(("count", "names"), [("1", ("a",)), ("-2", ("b", "c"))])
def test_meka_count(arff, count, names):
    arff.write_text(ARFF.replace("@relation r", f"@relation 'r: -C {count}'"))
    dataset = read(arff)
    assert (dataset.name, dataset.label_names) == ("r", names)


def test_meka_count_before_filters_warns(arff):
    arff.write_text(ARFF.replace("@relation r", "@relation 'r: -C 1-weka.filters.unsupervised.attribute.Remove-R1'"))
    with pytest.warns(UserWarning, match="filters were applied.*taking as labels 'a'"):
        read(arff)


def test_trailing_truth_columns_are_taken_with_a_warning_that_names_them(arff):
    with pytest.warns(UserWarning, match=r"taking the last 2 columns.*'b', 'c'.*labels=-n"):
        dataset = read(arff)
    assert dataset.label_names == ("b", "c")


def test_sparse_label_columns(tmp_path):
    path = tmp_path / "a.arff"
    path.write_text(
        "@relation r\n@attribute f numeric\n@attribute a {0,1}\n@attribute b numeric\n@data\n{2 1,0 4}\n{1 1}\n"
    )
    dataset = read(path, -2)
    assert isinstance(dataset.X, sparse.csr_array)
    assert dataset.Y.tolist() == [[False, True], [True, False]]


def test_class_column_gives_exclusive_labels(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("kind,x\nb,1\na,2\nb,3\n")
    dataset = read(path, ["kind"])
    assert dataset.schema.exclusive
    assert dataset.label_names == ("b", "a")
    assert dataset.Y.tolist() == [[True, False], [False, True], [True, False]]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "d"], "labels names the label 'd', which is not a column"),
        (["a", "a"], "'a' more than once"),
        ([], "names no label"),
        (0, "labels is 0, but the file has 4 columns"),
        (4, "expected 1 to 3"),
        (["f", "a"], r"label 'f' is 2\.0 in row 1; expected 0 or 1"),
    ],
)
def test_impossible_labels(arff, labels, message):
    with pytest.raises(ValueError, match=message) as caught:
        read(arff, labels)
    assert str(arff) in str(caught.value)


def test_label_file_with_an_unknown_label(arff, tmp_path):
    labels_file(tmp_path / "toy.xml", "a", "wrong")
    with pytest.raises(ValueError, match=r"toy\.arff: .*toy\.xml names the label 'wrong'"):
        read(arff)


def test_every_column_a_label(arff):
    with pytest.raises(ValueError, match="no feature is left"):
        read(arff, ["a", "b", "c", "f"])


def test_true_is_not_a_count(arff):
    with pytest.raises(TypeError, match="got True"):
        read(arff, True)


@pytest.mark.parametrize(
    ("cell", "message"), [("2", "label 'l' is 2.0 in row 2"), ("", "missing in row 2"), ("0.5", "is 0.5 in row 2")]
)
def test_label_values_must_be_0_or_1(tmp_path, cell, message):
    path = tmp_path / "a.csv"
    path.write_text(f"x,l,k\n1,0,1\n2,{cell},1\n")
    with pytest.raises(ValueError, match=message):
        read(path, ["l", "k"])


def test_words_of_truth(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,l,k\n1,True,FALSE\n2,false,true\n")
    assert read(path, -2).Y.tolist() == [[True, False], [False, True]]
    path.write_text("x,l,k\n1,yes,0\n2,no,1\n")
    with pytest.raises(ValueError, match="label 'l' is 'yes' in row 1"):
        read(path, -2)


def test_no_labels_to_be_found_says_how_to_name_them(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,2\n3,4\n")
    with pytest.raises(ValueError, match=r"labels='labels\.xml'.*labels=-n"):
        read(path)
    path.write_text("x,y\n1,0\n0,1\n")
    with pytest.raises(ValueError, match="cannot tell which columns are labels"):
        read(path)


@pytest.mark.parametrize("suffix", ["arff", "dat", "csv", "libsvm", "parquet"])
@pytest.mark.parametrize("packed", [False, True])
def test_format_is_found_by_content(tmp_path, flowers, suffix, packed):
    from dataclasses import replace

    if suffix == "libsvm":
        flowers = replace(
            flowers, X=np.ones((4, 1)), schema=replace(flowers.schema, features=flowers.schema.features[:1])
        )
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    written, *_ = write(flowers, tmp_path / f"a.{suffix}{'.gz' if packed else ''}")
    plain = tmp_path / ("a.data" if packed else "a")
    written.rename(plain)
    assert read(plain).label_names == flowers.label_names


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.arff"):
        read(tmp_path / "absent.arff")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read(tmp_path)


@pytest.mark.parametrize("suffix", ["arff", "dat", "csv", "libsvm", "parquet"])
def test_empty_file(tmp_path, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=f"a.{suffix}"):
        read(path)


@pytest.mark.parametrize(("name", "text"), [("a.arff", ARFF[: ARFF.index("1,2")]), ("a.csv", "x,y\n")])
def test_no_rows(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match="the table is empty"):
        read(path, -1)


@pytest.mark.parametrize("suffix", ["arff", "csv", "libsvm", "dat", "parquet"])
def test_truncated_and_damaged_gzip(tmp_path, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    path, *_ = write(load_digit_scenes(50), tmp_path / f"a.{suffix}.gz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"gz: the compressed data end too early; the file is cut short"):
        read(path)
    path.write_bytes(whole[:100] + bytes(200) + whole[300:])
    with pytest.raises(ValueError, match=r"gz: the compressed data are damaged"):
        read(path)


def test_latin_1_is_read_with_a_warning(arff):
    arff.write_bytes(ARFF.replace("attribute f", "attribute größe").encode("latin-1"))
    with pytest.warns(UserWarning, match="not UTF-8, it is read as Latin-1"):
        assert read(arff, -2).feature_names == ("a", "größe")


@pytest.mark.parametrize(
    "content",
    [
        ARFF.replace("attribute f", "attribute größe").encode("latin-1"),
        ARFF.encode(),
        ARFF.replace("1,2,0,1", "1,2,0,1,{2}").encode(),
        ARFF.replace("@relation r", "@relation 'r: -C 1-weka.filters.x'").encode(),
    ],
)
def test_warnings_point_at_the_caller(arff, content):
    arff.write_bytes(content)
    with pytest.warns(UserWarning, match=r"toy\.arff") as caught:
        read(arff)
    assert {warning.filename for warning in caught} == {__file__}


def test_byte_order_marks(arff):
    arff.write_bytes(b"\xef\xbb\xbf" + ARFF.encode())
    assert read(arff, -2).feature_names == ("a", "f")
    arff.write_bytes(ARFF.encode("utf-16"))
    with pytest.raises(ValueError, match="UTF-16"):
        read(arff, -2)


def test_unknown_format(arff):
    with pytest.raises(ValueError, match="format must be one of arff, keel"):
        read(arff, format="xlsx")
    path = arff.with_suffix(".what")
    path.write_text("some words\n")
    with pytest.raises(ValueError, match="cannot tell the format"):
        read(path)


def test_never_positive_label_is_kept(arff):
    arff.write_text(ARFF.replace("1,2,0,1", "0,2,0,1"))
    assert read(arff, ["a", "b"]).Y.sum(axis=0).tolist() == [0, 1]
