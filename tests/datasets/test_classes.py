"""One column of classes: how it is found, what it is called, and that it is written as it was."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rarelabel.datasets import Dataset, read, write
from rarelabel.schema import Column, Schema

from .test_round_trip import NASTY, again, assert_same, datasets, quick

FRAUD = "amount,target\n1.5,0\n2.5,1\n3.5,0\n"
FORMATS = ["a.csv", "a.tsv", "a.arff", "a.arff.gz", "a.dat", "a.parquet"]


def file(tmp_path, text, name="fraud.csv"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def check_fraud(dataset, name="target"):
    assert dataset.schema.exclusive
    assert (dataset.label_names, dataset.schema.class_name) == (("0", "1"), name)
    assert dataset.Y.tolist() == [[True, False], [False, True], [True, False]]
    assert dataset.feature_names == ("amount",)


def test_a_column_of_0_and_1_is_two_classes_where_that_is_said(tmp_path):
    path = file(tmp_path, FRAUD)
    check_fraud(read(path, classes="target"))
    label = read(path, "target")
    assert (label.schema.exclusive, label.label_names, label.Y.tolist()) == (
        False,
        ("target",),
        [[False], [True], [False]],
    )
    assert label.schema.class_name is None


def test_parquet_of_other_programs(tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    amount, target = pa.array([1.5, 2.5, 3.5]), [0, 1, 0]
    path = tmp_path / "a.parquet"
    for kind in (pa.int64(), pa.uint8(), pa.float64()):
        parquet.write_table(pa.table({"amount": amount, "target": pa.array(target, kind)}), path)
        check_fraud(read(path, classes="target"))
    parquet.write_table(pa.table({"amount": amount, "target": pa.array(target).cast(pa.bool_())}), path)
    flags = read(path, classes="target")
    assert flags.label_names == ("False", "True")
    write(flags, tmp_path / "b.parquet")
    assert parquet.read_table(tmp_path / "b.parquet").column("target").to_pylist() == [False, True, False]
    assert read(tmp_path / "b.parquet").schema.label_names == ("False", "True")


@pytest.mark.parametrize("labels", ["target", ["target"], -1])
@pytest.mark.parametrize("cells", [("0", "1", "2"), ("2", "0.0", "1"), ("-1", "1", "3")])
def test_more_than_two_whole_numbers_are_classes_by_themselves(tmp_path, labels, cells):
    dataset = read(file(tmp_path, "x,target\n" + "".join(f"1.5,{cell}\n" for cell in cells)), labels)
    names = sorted({str(int(float(cell))) for cell in cells}, key=int)
    assert (dataset.schema.exclusive, dataset.schema.class_name) == (True, "target")
    assert dataset.label_names == tuple(names)
    assert [names[at] for at in dataset.Y.argmax(axis=1)] == [str(int(float(cell))) for cell in cells]


@pytest.mark.parametrize("cells", [("0", "2"), ("1", "2"), ("0.5", "1.5", "2.5"), [str(i) for i in range(101)]])
def test_other_numbers_are_refused_with_the_way_to_say_it(tmp_path, cells):
    path = file(tmp_path, "x,target\n" + "".join(f"1.5,{cell}\n" for cell in cells))
    with pytest.raises(ValueError, match=r"label 'target' is .* expected 0 or 1, or classes='target'"):
        read(path, "target")
    if "." in cells[0]:
        with pytest.raises(ValueError, match=r"the class 'target' is 0\.5 in row 1; expected whole numbers or text"):
            read(path, classes="target")
    else:
        assert read(path, classes="target").Y.sum() == len(cells)


def test_labels_and_classes_are_not_both_given(tmp_path):
    path = file(tmp_path, FRAUD)
    with pytest.raises(ValueError, match="not both"):
        read(path, "target", classes="target")
    with pytest.raises(ValueError, match="classes names the column 'what', which is not a column"):
        read(path, classes="what")
    with pytest.raises(TypeError, match="name of a column, got 1"):
        read(path, classes=1)


# Files that say it themselves


@pytest.mark.parametrize("kind", ["{0, 1}", "integer [0, 1]", "integer [1, 2]", "{p, n}"])
@pytest.mark.parametrize("labels", [None, "Class", -1])
def test_the_only_output_of_keel_holds_classes(tmp_path, kind, labels):
    first, second = (kind[1], kind[4]) if kind[0] == "{" else (kind[9], kind[12])
    head = f"@relation k\n@attribute A real [0.0, 1.0]\n@attribute Class {kind}\n@inputs A\n@outputs Class\n@data\n"
    dataset = read(file(tmp_path, f"{head}0.5, {second}\n1, {first}\n", "a.dat"), labels)
    assert dataset.schema.exclusive
    assert (dataset.label_names, dataset.schema.class_name) == ((first, second), "Class")
    assert dataset.Y.tolist() == [[False, True], [True, False]]


def test_the_class_of_weka(tmp_path):
    head = "@relation r\n@attribute x numeric\n@attribute flag {0,1}\n@attribute %s\n@data\n1,0,%s\n2,1,%s\n"
    for kind in ("class {0,1}", "'Class' {no,yes}"):
        first, second = kind.split("{")[1].rstrip("}").split(",")
        path = file(tmp_path, head % (kind, first, second), "a.arff")
        for labels in (None, kind.split()[0].strip("'")):
            dataset = read(path, labels)
            assert (dataset.label_names, dataset.schema.exclusive) == ((first, second), True)
            assert dataset.feature_names == ("x", "flag")
    path = file(tmp_path, head % ("play {no,yes}", "no", "yes"), "a.arff")
    with pytest.warns(UserWarning, match="taking the last attribute, 'play', as the class of each row") as caught:
        assert read(path).label_names == ("no", "yes")
    assert caught[0].filename == __file__
    # what only holds 0 and 1 and is not called class stays a label, with the warning of before
    path = file(tmp_path, head % ("ill {0,1}", "0", "1"), "a.arff")
    with pytest.warns(UserWarning, match="taking the last 2 columns"):
        assert not read(path).schema.exclusive


def test_libsvm_whose_rows_have_one_label_each(tmp_path):
    path = file(tmp_path, "+1 1:2\n-1 1:3\n+1 2:1\n", "a.svm")
    dataset = read(path, classes="sign")
    assert (dataset.schema.exclusive, dataset.schema.class_name) == (True, "sign")
    assert dataset.label_names == ("+1", "-1")
    with pytest.raises(ValueError, match="some rows carry none or several"):
        read(file(tmp_path, "1,2 1:2\n2 1:3\n", "b.svm"), classes="sign")


# What is written


def towns(class_name="target", names=("0", "1", "2"), features=("x", "A")):
    X = np.array([[1.5, 0.0], [np.nan, 1.0], [3.0, 0.0]])
    columns = (Column(features[0]), Column(features[1], "category", ("u", "v")))
    schema = Schema(columns, tuple(Column(name, "label") for name in names), True, class_name)
    return Dataset(X, np.array([[0, 1, 0], [1, 0, 0], [0, 1, 0]], dtype=bool), schema, "towns")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("names", [("0", "1", "2"), ("2", "0", "1"), ("no", "yes", "per'haps"), ("A", "x", "target")])
def test_the_class_column_comes_back_by_its_name(tmp_path, name, names):
    if "parquet" in name:
        pytest.importorskip("pyarrow")
    dataset = towns(names=names)  # no row has the last class; names may be those of columns
    write(dataset, tmp_path / name)
    back = read(tmp_path / name)
    assert_same(dataset, back)
    assert back.schema.class_name == "target"


def test_the_class_column_stands_in_the_file_as_it_was(tmp_path):
    source = 'x,Churn,z\n1.5,No,3\n2.5,"Yes, twice",4\n'
    write(read(file(tmp_path, source), classes="Churn"), tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_text().splitlines() == ['"x","z","Churn"', '1.5,3,"No"', '2.5,4,"Yes, twice"']
    fraud = read(file(tmp_path, FRAUD), classes="target")
    write(fraud, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines()[1:] == ["1.5,0", "2.5,1", "3.5,0"]
    write(fraud, tmp_path / "p.arff")
    assert "@attribute target {0,1}\n" in (tmp_path / "p.arff").read_text()
    write(fraud, tmp_path / "p.dat")
    assert "@outputs target\n" in (tmp_path / "p.dat").read_text()
    parquet = pytest.importorskip("pyarrow.parquet")
    write(fraud, tmp_path / "p.parquet")
    table = parquet.read_table(tmp_path / "p.parquet")
    assert (table.column_names, str(table.schema.field("target").type)) == (["amount", "target"], "int64")
    for name in ("p.csv", "p.arff", "p.dat", "p.parquet"):
        check_fraud(read(tmp_path / name))
        check_fraud(read(tmp_path / name, classes="target"))


def test_words_stay_words_where_every_cell_stands_in_quotes(tmp_path):
    columns = (Column("floor", "category", ("1", "2")),)
    schema = Schema(columns, (Column("low", "label"), Column("high", "label")), True, "rent")
    dataset = Dataset(np.array([[0.0], [1.0]]), np.eye(2, dtype=bool), schema)
    write(dataset, tmp_path / "a.csv")
    assert_same(dataset, read(tmp_path / "a.csv"))


def test_classes_without_a_column_are_written_in_one(tmp_path):
    dataset = towns(None, features=("x", "Class"))
    write(dataset, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[0] == '"x","Class","Class_"'
    assert read(tmp_path / "a.csv").schema == dataset.schema


def test_meka_has_a_column_for_each_class(tmp_path):
    write(towns(), tmp_path / "a.arff", style="meka")
    assert read(tmp_path / "a.arff").label_names == ("0", "1", "2")
    write(towns(), tmp_path / "b.arff")
    with pytest.raises(ValueError, match=r"b\.xml exists and names other labels"):
        write(towns(), tmp_path / "b.arff", style="meka")


def test_names_that_clash_and_classes_that_are_not_known(tmp_path):
    with pytest.raises(ValueError, match="the column name 'x' stands more than once"):
        write(towns("x"), tmp_path / "a.csv")
    with pytest.raises(ValueError, match="the class 'a' stands more than once"):
        write(towns(names=("a", "b", "a")), tmp_path / "a.csv")
    with pytest.raises(ValueError, match="row 2 does not carry exactly one"):
        write(replace(towns(), Y=np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]], dtype=bool)), tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []
    write(towns(), tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text()
    (tmp_path / "a.csv").write_text(text + '4,"u",7\n')
    with pytest.raises(ValueError, match="the class 'target' is '7' in row 4, which is none of the 3 classes"):
        read(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text(text.replace("target", "goal"))
    with pytest.raises(ValueError, match=r"a\.xml names the column 'target', which is not a column"):
        read(tmp_path / "a.csv")
    with pytest.raises(ValueError, match="class column 'y' needs labels that exclude each other"):
        Schema((), (), False, "y")


def test_files_of_before_still_load(tmp_path):
    one_hot = '"x","No","Yes"\n1.5,1,0\n2.5,0,1\n'
    (tmp_path / "a.xml").write_text('<labels exclusive="true"><label name="No"/><label name="Yes"/></labels>')
    dataset = read(file(tmp_path, one_hot, "a.csv"))
    assert (dataset.label_names, dataset.schema.exclusive, dataset.schema.class_name) == (("No", "Yes"), True, None)
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    note = (
        b'{"name": "t", "sparse": false, "exclusive": true, "features": [{"name": "x", "kind": "numeric", '
        b'"categories": []}], "labels": [{"name": "No", "kind": "label", "categories": []}, {"name": "Yes", "kind": '
        b'"label", "categories": []}]}'
    )
    table = pa.table({"x": [1.5, 2.5], "No": [True, False], "Yes": [False, True]})
    parquet.write_table(table.replace_schema_metadata({b"rarelabel": note}), tmp_path / "a.parquet")
    again = read(tmp_path / "a.parquet")
    assert again.schema == dataset.schema
    assert np.array_equal(again.Y, dataset.Y)


@quick
@given(datasets(), st.sampled_from(["start", "end"]), st.sampled_from(["a.arff", "a.dat", "a.parquet"]), NASTY)
def test_any_class_column_comes_back(dataset, labels_at, name, class_name):
    if not dataset.schema.exclusive or class_name in dataset.feature_names:
        return
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    dataset = replace(dataset, schema=replace(dataset.schema, class_name=class_name))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = again(dataset, name, labels_at=labels_at)
    assert_same(dataset, back)
    assert back.schema.class_name == class_name
