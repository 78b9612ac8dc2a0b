"""Files are written whole or not at all."""

import os
import stat
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from rarelabel.datasets import Dataset, atomic_path, read, write
from rarelabel.schema import Column, Schema


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_atomic_path_replaces_at_the_end_only(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    target.chmod(0o640)
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
        assert temporary.parent == tmp_path, "os.replace is whole only within one file system"
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert listing(tmp_path) == ["a.txt"]


def test_atomic_path_leaves_everything_as_it_was_on_failure(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def fail():
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail()
    assert target.read_text() == "old"
    assert listing(tmp_path) == ["a.txt"]


def test_atomic_path_keeps_links(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    with atomic_path(tmp_path / "link.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_places_that_cannot_be_written(tmp_path, flowers):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        write(flowers, tmp_path / "absent" / "a.arff")
    (tmp_path / "a.arff").mkdir()
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        write(flowers, tmp_path / "a.arff")
    assert listing(tmp_path) == ["a.arff"], "the label file is not left behind alone"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_without_permission(tmp_path, flowers):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="cannot write"):
        write(flowers, tmp_path / "a.arff")
    tmp_path.chmod(0o700)


def test_failure_half_way_keeps_the_old_files(tmp_path, flowers, monkeypatch):
    write(flowers, tmp_path / "a.arff")
    before = {name: (tmp_path / name).read_bytes() for name in listing(tmp_path)}

    def break_off(*_, **__):
        yield "@relation half\n"
        raise OSError("no space left on device")

    monkeypatch.setattr("rarelabel.datasets._writing.arff_lines", break_off)
    fewer = replace(flowers, Y=flowers.Y[:, :2], schema=replace(flowers.schema, labels=flowers.schema.labels[:2]))
    with pytest.raises(OSError, match="no space left"):
        write(fewer, tmp_path / "a.arff")
    assert {name: (tmp_path / name).read_bytes() for name in listing(tmp_path)} == before


@pytest.mark.parametrize(
    ("options", "labels_first", "relation", "files"),
    [
        ({}, False, "flowers", ["a.arff", "a.xml"]),
        ({"labels_at": "start"}, True, "flowers", ["a.arff", "a.xml"]),
        ({"style": "meka"}, True, "'flowers: -C 3'", ["a.arff"]),
        ({"style": "meka", "labels_at": "end"}, False, "'flowers: -C -3'", ["a.arff"]),
    ],
)
def test_mulan_and_meka_style(tmp_path, flowers, same, options, labels_first, relation, files):
    written = write(flowers, tmp_path / "a.arff", **options)
    assert sorted(path.name for path in written) == listing(tmp_path) == files
    lines = (tmp_path / "a.arff").read_text().splitlines()
    assert lines[0] == f"@relation {relation}"
    assert lines[2].startswith("@attribute rose" if labels_first else "@attribute 'petal width'")
    same(read(tmp_path / "a.arff"), flowers)


def test_sparse_rows(tmp_path, flowers):
    write(flowers, tmp_path / "a.arff", sparse=True)
    rows = (tmp_path / "a.arff").read_text().split("@data\n")[1].splitlines()
    assert rows == ["{0 1.5,1 3,3 1}", "{0 ?,1 4,2 'a b',4 1,5 1}", r"{0 -2e-07,1 ?,2 'it\'s'}", "{2 ?,3 1,4 1,5 1}"]


def test_label_file_that_says_the_same_is_left_as_it_is(tmp_path, flowers):
    write(flowers, tmp_path / "a.arff")
    theirs = (tmp_path / "a.xml").read_text().replace("</labels>", "<!-- kept --></labels>")
    (tmp_path / "a.xml").write_text(theirs)
    assert write(flowers, tmp_path / "a.csv") == (tmp_path / "a.csv",)
    assert (tmp_path / "a.xml").read_text() == theirs


def test_label_file_of_other_data_is_not_overwritten(tmp_path, flowers):
    (tmp_path / "a.xml").write_text("<labels><label name='other'/></labels>")
    with pytest.raises(ValueError, match=r"a\.xml exists and names other labels"):
        write(flowers, tmp_path / "a.arff")
    assert listing(tmp_path) == ["a.xml"]


def test_own_label_file_follows_the_data(tmp_path, flowers, same):
    write(flowers, tmp_path / "a.arff")
    fewer = replace(flowers, Y=flowers.Y[:, :2], schema=replace(flowers.schema, labels=flowers.schema.labels[:2]))
    write(fewer, tmp_path / "a.arff")
    same(read(tmp_path / "a.arff"), fewer)


def test_meka_beside_a_label_file_of_other_labels_is_refused(tmp_path, flowers):
    (tmp_path / "a.xml").write_text("<labels><label name='rose'/></labels>")
    with pytest.raises(ValueError, match=r"a\.xml exists and names other labels"):
        write(flowers, tmp_path / "a.arff", style="meka")


def dataset(X=((1.0,),), features=("x",), labels=("l",)):
    X = np.array(X)
    return Dataset(
        X,
        np.ones((len(X), len(labels)), dtype=bool),
        Schema(tuple(Column(name) for name in features), tuple(Column(name, "label") for name in labels)),
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (dataset(np.empty((0, 1))), r"nothing to write: X is \(0, 1\)"),
        (dataset(labels=()), r"nothing to write: .* Y is \(1, 0\)"),
        (dataset(features=("l",)), "column name 'l' stands more than once"),
        (dataset([[np.inf]]), "infinite"),
        (dataset(features=("\ud800",)), "cannot be encoded"),
        (dataset(labels=("\0",)), "XML cannot hold"),
    ],
)
def test_what_could_not_be_read_back_is_refused(tmp_path, data, message):
    with pytest.raises(ValueError, match=message):
        write(data, tmp_path / "a.arff")
    assert listing(tmp_path) == []


@pytest.mark.parametrize("code", [7.0, -1.0, 0.5])
@pytest.mark.parametrize("as_sparse", [False, True])
def test_codes_without_a_category_are_refused(tmp_path, flowers, code, as_sparse):
    X = np.vstack([flowers.X[:3], [[9, 9, code]]])
    broken = replace(flowers, X=sparse.csr_array(X) if as_sparse else X)
    with pytest.raises(ValueError, match=rf"column 'co,lour' holds the code {code}, which is none of its 3 categories"):
        write(broken, tmp_path / "a.arff")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.xlsx", {}, r"cannot tell a format from 'a\.xlsx'"),
        ("a", {}, "cannot tell a format"),
        ("a.arff", {"format": "weka"}, "got 'weka'"),
        ("a.csv", {"style": "meka"}, "got 'meka' for csv"),
        ("a.arff", {"labels_at": "middle"}, "got 'middle'"),
        ("a.csv", {"sparse": True}, "not as csv"),
    ],
)
def test_impossible_options(tmp_path, flowers, name, options, message):
    with pytest.raises(ValueError, match=message):
        write(flowers, tmp_path / name, **options)


def test_format_can_be_said(tmp_path, flowers, same):
    write(flowers, tmp_path / "a.txt", format="keel")
    same(read(tmp_path / "a.txt", format="keel"), flowers)
