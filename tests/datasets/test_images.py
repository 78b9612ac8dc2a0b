"""Tables of images: which columns are what, what decoding gives, what is refused and by which name."""

import csv
import io
import os
import pickle
import tarfile

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

from rarelabel.datasets import read_images  # noqa: E402

COLOURS = {"a.png": (255, 0, 0), "b.png": (0, 255, 0), "c.png": (0, 0, 255)}
TABLE = "path,car,tree\na.png,1,0\nb.png,0,1\nc.png,1,1\n"


def png(colour, size=(8, 8), mode="RGB", **options):
    stream = io.BytesIO()
    Image.new(mode, size, colour).save(stream, "PNG", **options)
    return stream.getvalue()


def tar_of(path, members):
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content
                tar.addfile(info)
    return path


@pytest.fixture
def folder(tmp_path):
    for name, colour in COLOURS.items():
        (tmp_path / name).write_bytes(png(colour))
    (tmp_path / "table.csv").write_text(TABLE)
    return tmp_path


def manifest(folder, text):
    (folder / "table.csv").write_text(text)
    return folder / "table.csv"


def test_pixels_labels_and_names(folder):
    images = read_images(folder / "table.csv", size=4)
    assert (len(images), images.paths, images.label_names) == (3, tuple(COLOURS), ("car", "tree"))
    assert images.Y.tolist() == [[True, False], [False, True], [True, True]]
    for row, colour in enumerate(COLOURS.values()):
        x, y = images[row]
        assert (x.dtype, x.shape, y.dtype) == (np.uint8, (3, 4, 4), np.float32)
        assert (x == np.array(colour)[:, None, None]).all()
        assert y.tolist() == images.Y[row].astype(float).tolist()
    with pytest.raises(IndexError):
        images[3]


def test_channels_rows_and_columns_stand_in_that_order(folder):
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)  # height 2, width 3
    Image.fromarray(pixels).save(folder / "a.png")
    x, _ = read_images(folder / "table.csv")[0]
    assert x.tolist() == pixels.transpose(2, 0, 1).tolist()


def test_resizing_averages_what_falls_together(folder):
    pixels = np.zeros((4, 4, 3), dtype=np.uint8)
    pixels[:2, :2] = 200
    Image.fromarray(pixels).save(folder / "a.png")
    x, _ = read_images(folder / "table.csv", size=1)[0]
    # bilinear shrinking by 4 weighs pixels 1, 3, 3, 1 of 8: half of either side is white, and so a quarter of the sum
    assert x.ravel().tolist() == [50, 50, 50]


@pytest.mark.parametrize("where", ["beside", "named", "only", "inside"])
def test_a_tar_file_holds_the_images(tmp_path, where):
    members = {f"./{name}": png(colour) for name, colour in COLOURS.items()}
    if where == "inside":
        images = read_images(tar_of(tmp_path / "all.tar", {**members, "table.csv": TABLE.encode()}), size=8)
    else:
        table = manifest(tmp_path, TABLE)
        name = {"beside": "table.tar", "named": "elsewhere/x.tar", "only": "pictures.tar"}[where]
        (tmp_path / "elsewhere").mkdir()
        tar_of(tmp_path / name, members)
        if where == "beside":
            tar_of(tmp_path / "other.tar", {})  # the one of the same name is meant
        images = read_images(table, tmp_path / name if where == "named" else None, size=8)
    assert [x[:, 0, 0].tolist() for x, _ in (images[row] for row in range(3))] == [list(c) for c in COLOURS.values()]


def test_the_folder_is_meant_where_any_of_the_images_lies_in_it(folder):
    tar_of(folder / "other.tar", {"README": b"unrelated"})
    (folder / "a.png").unlink()
    with pytest.raises(ValueError, match=r"the image 'a\.png' of row 1 is missing from .*: there is no such file$"):
        read_images(folder / "table.csv")
    with pytest.warns(UserWarning, match="1 of 3 images cannot be read"):
        images = read_images(folder / "table.csv", size=8, on_error="skip")
    assert images[0][0][:, 0, 0].tolist() == [0, 255, 0]


def test_a_table_inside_a_tar_file(tmp_path):
    """In Latin-1, beside what macOS adds, with paths as they are in its own folder; then with paths from the top."""
    table = "path,caf\xe9\na.png,1\nb.png,0\n".encode("latin-1")
    members = {
        "set/m.csv": table,
        "set/._m.csv": b"\x00\x05\x16\x07",
        "set/a.png": png("red"),
        "set/b.png": png("blue"),
    }
    path = tar_of(tmp_path / "all.tar", members)
    with pytest.warns(UserWarning, match=r"all\.tar: set/m\.csv: the text is not UTF-8, it is read as Latin-1"):
        images = read_images(path, size=4)
    assert (images.label_names, images.paths) == (("caf\xe9",), ("a.png", "b.png"))
    assert [images[row][0][:, 0, 0].tolist() for row in (0, 1)] == [[255, 0, 0], [0, 0, 255]]
    tar_of(path, {**members, "set/m.csv": b"path,car\nset/b.png,1\n", "set/._b.png": b""})
    assert read_images(path, size=4)[0][0][:, 0, 0].tolist() == [0, 0, 255]
    tar_of(path, {**members, "set/m.csv": b"path,car\na.png,1\nc.png,0\n"})
    with pytest.raises(ValueError, match=r"'c\.png' of row 2 is missing .* no such member$"):
        read_images(path)
    tar_of(path, {**members, "set/m.csv": "path,car\na.png,1\n".encode("utf-16")})
    with pytest.raises(ValueError, match=r"set/m\.csv: the text is UTF-16"):
        read_images(path)


def test_a_column_of_ones_and_nothing_is_not_passed_over(folder):
    """A rare label with empty cells for absent has few cells of 0 and 1, and would go unseen."""
    text = "path,car,comet,note\na.png,1,,\nb.png,0,1,\nc.png,1,,\n"
    with pytest.raises(
        ValueError, match=r"column 'comet' holds 0 or 1 in 1 of 3 rows, and nothing .* write 0 .*labels="
    ):
        read_images(manifest(folder, text))
    assert read_images(folder / "table.csv", labels=["car"]).label_names == ("car",)
    assert read_images(manifest(folder, text.replace("b.png,0,1", "b.png,0,bright"))).label_names == ("car",)
    with pytest.raises(ValueError, match="column 'comet' holds 0 or 1 in 1 of 3 rows"):
        read_images(manifest(folder, text.replace("a.png,1,", "a.png,1,NA").replace("c.png,1,", "c.png,1,None")))
    unknown = text.replace("a.png,1,", "a.png,1,-1.0").replace("c.png,1,", "c.png,1,-1")
    with pytest.raises(ValueError, match="column 'comet' holds 0 or 1 in 1 of 3 rows, and nothing or -1 in the others"):
        read_images(manifest(folder, unknown))
    assert read_images(manifest(folder, unknown.replace("b.png,0,1", "b.png,0,7"))).label_names == ("car",)
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pa.table({"path": list(COLOURS), "car": [1, 0, 1], "comet": [None, 1.0, float("nan")]})
    parquet.write_table(table, folder / "b.parquet")
    with pytest.raises(ValueError, match="column 'comet' holds 0 or 1 in 1 of 3 rows"):
        read_images(folder / "b.parquet")


def test_columns_are_told_apart_by_name_or_content(folder):
    text = "id,picture,note,car,tree,split\n7,a.png,x,1,0,train\n8,b.png,y,0,true,test\n1,c.png,z,FALSE,1.0,train\n"
    images = read_images(manifest(folder, text))
    assert (images.label_names, images.split.tolist()) == (("car", "tree"), ["train", "test", "train"])
    assert images.Y.tolist() == [[True, False], [False, True], [False, True]]
    named = read_images(folder / "table.csv", path_column="picture", labels=["tree"], split="note")
    assert (named.label_names, named.split.tolist()) == (("tree",), ["x", "y", "z"])
    assert read_images(folder / "table.csv", labels="car").label_names == ("car",)


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [("path,a;b;c,d", ","), ("path\ta,b,c,d\tc,d", "\t"), ("path;a,b;c,d", ";"), ('path,"a\nb;;;",c', ",")],
)
def test_the_delimiter_is_what_splits_the_rows_too(folder, header, delimiter):
    names = next(csv.reader(io.StringIO(header, newline=""), delimiter=delimiter))
    text = header + "\n" + "".join(f"{name}{delimiter}1{delimiter}0\n" for name in COLOURS)
    images = read_images(manifest(folder, text))
    assert images.label_names == tuple(names[1:])
    assert images.Y.astype(int).tolist() == [[1, 0]] * len(COLOURS)


@pytest.mark.skipif(os.name == "nt", reason="a: is a drive there")
def test_a_colon_is_a_letter_like_any_other(folder):
    (folder / "a.png").rename(folder / "a:b.png")
    images = read_images(manifest(folder, "path,car\na:b.png,1\n"), size=4)
    assert images.paths == ("a:b.png",)
    assert images[0][0].shape == (3, 4, 4)


@pytest.mark.parametrize(
    ("cells", "separator"),
    [(("car;old car", "tree", ""), None), (("car|old car", "tree", ""), None), (('"car,old car"', "tree", ""), None),
     (("car/old car", "tree", ""), "/")],
)  # fmt: skip
def test_a_column_can_list_labels(folder, cells, separator):
    text = "image,tags\n" + "".join(f"{name},{cell}\n" for name, cell in zip(COLOURS, cells, strict=True))
    images = read_images(manifest(folder, text), separator=separator)
    assert images.label_names == ("car", "old car", "tree")
    assert images.Y.astype(int).tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_lists_may_be_written_out_and_empty_ones_in_many_ways(folder):
    text = 'image,tags\na.png,"[\'car\', \'old car\']"\nb.png,"[""tree""]"\nc.png,[]\n'
    images = read_images(manifest(folder, text))
    assert images.label_names == ("car", "old car", "tree")
    assert images.Y.astype(int).tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 0]]
    for empty in ("", "NA", "nan", "None", "NULL", "<NA>", "n/a", "{}"):
        images = read_images(manifest(folder, f"image,tags\na.png,car\nb.png,{empty}\nc.png,car;tree\n"))
        assert (images.label_names, images.Y.sum(axis=1).tolist()) == (("car", "tree"), [1, 0, 2])
    for odd in ("[car, tree]", "{car,tree}", "['car' 'tree']", "['car'\n 'tree']", "[[1]]", "{'car': 1}", "[1.5]"):
        with pytest.raises(ValueError, match=r"column 'tags', row 2: .* is in brackets, but no list of labels"):
            read_images(manifest(folder, f'image,tags\na.png,car\nb.png,"{odd}"\nc.png,\n'))
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({"path": list(COLOURS), "labels": [["car", None], [], None]}), folder / "n.parquet")
    assert read_images(folder / "n.parquet").label_names == ("car",)


def test_words_without_a_separator_are_one_label_and_that_is_said(folder):
    table = manifest(folder, "image,tags\na.png,haze primary\nb.png,clear primary\nc.png,haze\n")
    with pytest.warns(UserWarning, match=r"column 'tags': 2 of 3 cells hold spaces and none .* pass separator=' '"):
        assert read_images(table).label_names == ("clear primary", "haze", "haze primary")
    assert read_images(table, separator=" ").label_names == ("clear", "haze", "primary")
    one = manifest(folder, "image,tags\na.png,old car\nb.png,tree\nc.png,tree\n")
    assert read_images(one).label_names == ("old car", "tree")


def test_the_column_of_parts_is_found_whatever_its_letters_and_has_no_gaps(folder):
    text = "path,Split,car\na.png,train,1\nb.png,test,0\nc.png,train,1\n"
    assert read_images(manifest(folder, text)).split.tolist() == ["train", "test", "train"]
    for empty in ("", "NA"):
        with pytest.raises(ValueError, match=r"column 'Split' names no part in row 2 \(b\.png\)"):
            read_images(manifest(folder, text.replace("test", empty)))


def test_parquet_with_lists_and_with_bits(folder):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    paths = list(COLOURS)
    parquet.write_table(pa.table({"path": paths, "labels": [["tree", "car"], [], None]}), folder / "lists.parquet")
    images = read_images(folder / "lists.parquet")
    assert (images.label_names, images.Y.astype(int).tolist()) == (("car", "tree"), [[1, 1], [0, 0], [0, 0]])
    parquet.write_table(pa.table({"path": paths, "car": [1, 0, 1], "tree": [True, False, True]}), folder / "b.parquet")
    assert read_images(folder / "b.parquet").Y.astype(int).tolist() == [[1, 1], [0, 0], [1, 1]]
    (folder / "no.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(ValueError, match=r"no\.parquet: not a Parquet file"):
        read_images(folder / "no.parquet")


def test_names_of_images_stay_text(folder):
    (folder / "0012").write_bytes(png("red"))
    assert read_images(manifest(folder, "path,car\n0012,1\n")).paths == ("0012",)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("L", 90, (90, 90, 90)),
        ("1", 1, (255, 255, 255)),
        ("P", 1, (10, 20, 30)),
        ("RGBA", (200, 100, 0, 255), (200, 100, 0)),
        ("RGBA", (200, 100, 0, 0), (255, 255, 255)),  # nothing to be seen: the white below
        ("LA", (100, 51), (224, 224, 224)),  # 51/255 = 1/5: 100/5 + 255 * 4/5
        ("I;16", 0x80FF, (128, 128, 128)),
    ],
)
def test_all_kinds_of_png_become_rgb(folder, mode, colour, expected):
    image = Image.new(mode, (4, 4), colour)
    if mode == "P":
        image.putpalette([0, 0, 0, 10, 20, 30])
    image.save(folder / "a.png")
    assert read_images(folder / "table.csv")[0][0][:, 1, 1].tolist() == list(expected)


def test_cmyk_jpeg_becomes_rgb(folder):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(folder / "a.png", "JPEG", quality=100)
    x, _ = read_images(folder / "table.csv")[0]
    assert x[0].min() > 245
    assert x[1:].max() < 10


def test_a_camera_that_was_turned(folder):
    exif = Image.Exif()
    exif[0x0112] = 6  # the top of the picture is its right side: turn it by 90 degrees clockwise
    image = Image.new("RGB", (16, 8), "black")
    image.paste((255, 255, 255), (0, 0, 8, 8))  # the left half is white
    image.save(folder / "a.png", "JPEG", exif=exif, quality=100)
    x, _ = read_images(folder / "table.csv")[0]
    assert x.shape == (3, 16, 8)
    assert x[:, :7].min() > 240  # what was left is above
    assert x[:, 9:].max() < 15


def test_damaged_and_missing_images_are_named(folder):
    whole = (folder / "b.png").read_bytes()
    (folder / "b.png").write_bytes(whole[:50])
    (folder / "c.png").write_bytes(b"no image at all")
    images = read_images(folder / "table.csv", size=4)
    assert images[0][0].shape == (3, 4, 4)
    with pytest.raises(ValueError, match=r"the image 'b\.png' cannot be read: .*truncated"):
        images[1]
    with pytest.raises(ValueError, match=r"the image 'c\.png' cannot be read: cannot identify"):
        images[2]
    (folder / "a.png").unlink()
    with pytest.raises(ValueError, match=r"table\.csv: the image 'a\.png' of row 1 is missing from .*no such file"):
        read_images(folder / "table.csv")
    with pytest.raises(ValueError, match=r"none of the 3 images can be read; the first: there is no such file"):
        read_images(folder / "table.csv", size=4, on_error="skip")


def test_bad_images_are_left_out_only_when_asked_and_counted(folder):
    (folder / "b.png").write_bytes(b"no image at all")
    (folder / "a.png").unlink()
    with pytest.warns(UserWarning, match=r"2 of 3 images cannot be read and are left out: 'a\.png', 'b\.png'"):
        images = read_images(folder / "table.csv", size=4, on_error="skip", cache=True)
    assert (images.paths, images.Y.tolist()) == (("c.png",), [[True, True]])
    assert images[0][0][:, 0, 0].tolist() == [0, 0, 255]
    assert [name for name, _ in images.skipped] == ["a.png", "b.png"]
    assert "cannot identify" in images.skipped[1][1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,car\na.png,1\nb.png,2\nc.png,0\n", r"label 'car' is '2' in row 2 \(b\.png\); expected 0 or 1"),
        ("path,car\na.png,1\nb.png,0\nc.png,\n", r"label 'car' is '' in row 3 \(c\.png\)"),
        ("path,car\na.png,1\n./a.png,0\n", r"the image 'a\.png' stands in row 1 and again in row 2"),
        ("path,car\na.png,1\n../b.png,0\n", r"the path '\.\./b\.png' in row 2 leads out of the folder"),
        ("path,car\n/etc/passwd,1\n", r"the path '/etc/passwd' in row 1 leads out"),
        ("path,car\nd\\..\\..\\x.png,1\n", r"leads out of the folder"),
        ("path,car\nC:\\x.png,1\n", r"leads out of the folder"),
        ("path,car\n,1\n", r"column 'path' names no image in row 1"),
        ("path,car\n", r"the table has columns but no rows"),
        ("", r"the file is empty"),
        ("path,car,car\na.png,1,0\n", r"the column name 'car' stands more than once"),
        ("path,car\na.png,1,0\n", r"line 2: expected 2 values as in the header, got 3"),
        ("path,note\na.png,x\n", r"no column holds 0 and 1, and none is called labels or tags; pass labels="),
        ("x,car\na,1\n", r"cannot tell which column names the images \('x', 'car'\); pass path_column="),
        ("path,tags\na.png,\n", r"column 'tags' lists no label in any row"),
        ('path,car\n"a.png,1\n', r"line 2: unexpected end of data"),
    ],
)
def test_bad_tables_are_refused_by_place(folder, text, message):
    with pytest.raises(ValueError, match=message):
        read_images(manifest(folder, text))


def test_wrong_arguments_are_named(folder):
    table = folder / "table.csv"
    for arguments, message in (
        ({"labels": ["boat"]}, r"there is no column 'boat'; columns are 'path', 'car', 'tree'"),
        ({"labels": ["car", "car"]}, "labels names the column 'car' twice"),
        ({"labels": []}, "labels names no column, expected at least one"),
        ({"split": "part"}, r"there is no column 'part'"),
        ({"size": 0}, "size must be at least 1, got 0"),
        ({"cache": True}, "cache=True needs size"),
        ({"on_error": "ignore"}, "on_error must be 'raise' or 'skip', got 'ignore'"),
    ):
        with pytest.raises(ValueError, match=message):
            read_images(table, **arguments)
    with pytest.raises(FileNotFoundError, match="no folder or tar file"):
        read_images(table, folder / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no file .*nothing\.csv"):
        read_images(folder / "nothing.csv")
    with pytest.raises(ValueError, match=r"expected a manifest in CSV or Parquet"):
        read_images(folder / "a.png")
    with pytest.raises(ValueError, match="keeps no decoded images"):
        read_images(table, size=4, cache=False).load()


def test_bad_tar_files_are_refused(tmp_path):
    table = manifest(tmp_path, TABLE)
    whole = {name: png(colour) for name, colour in COLOURS.items()}
    good = tar_of(tmp_path / "table.tar", whole).read_bytes()
    for cut, message in ((512, "cut short"), (1024 + 100, "damaged or cut short"), (300, "no whole blocks")):
        (tmp_path / "table.tar").write_bytes(good[:cut])
        with pytest.raises(ValueError, match=message):
            read_images(table)
    (tmp_path / "table.tar").write_bytes(good[:1024])  # ends where a member ends
    with pytest.raises(ValueError, match=r"'b\.png' of row 2 is missing .*no such member \(and 1 more\)"):
        read_images(table)
    tar_of(tmp_path / "table.tar", {**whole, "a.png": (tarfile.SYMTYPE, "/etc/passwd")})
    with pytest.raises(ValueError, match=r"'a\.png' of row 1 is missing .*it is a link, which is not followed"):
        read_images(table)
    tar_of(tmp_path / "table.tar", {**whole, "c.png": (tarfile.LNKTYPE, "a.png")})
    with pytest.raises(ValueError, match=r"'c\.png' of row 3 is missing .*it is a link"):
        read_images(table)
    tar_of(tmp_path / "table.tar", {**whole, "./a.png": png("black")})
    with pytest.raises(ValueError, match=r"the member 'a\.png' is there twice"):
        read_images(table)
    (tmp_path / "table.tar").write_bytes(b"\x1f\x8b" + good)
    with pytest.raises(ValueError, match="the tar file is compressed"):
        read_images(table)
    (tmp_path / "table.tar").unlink()
    for name in ("x.tar", "y.tar"):
        tar_of(tmp_path / name, whole)
    with pytest.raises(ValueError, match="2 tar files lie beside it"):
        read_images(table)
    tar_of(tmp_path / "x.tar", {**whole, "1.csv": b"", "2.csv": b""})
    with pytest.raises(ValueError, match="expected one CSV file among the members, found 2"):
        read_images(tmp_path / "x.tar")


def test_a_cache_decodes_once_and_is_shared_by_parts(folder):
    images = read_images(folder / "table.csv", size=4, cache=True).load()
    for name in COLOURS:
        (folder / name).unlink()
    part = images.take([2, 0], Y=~images.Y)
    assert [x[:, 0, 0].tolist() for x, _ in (part[0], part[1])] == [[0, 0, 255], [255, 0, 0]]
    assert (part.paths, part.Y.tolist()) == (("c.png", "a.png"), [[False, False], [False, True]])
    sent = pickle.loads(pickle.dumps(part))
    with pytest.raises(ValueError, match=r"'c\.png' is missing"):
        sent[0]  # decoded images stay behind
    with pytest.raises(ValueError, match=r"Y has shape \(2, 2\), expected \(3, 2\)"):
        images.take(Y=part.Y)


@pytest.mark.parametrize("cache", [True, False])
def test_pixels_belong_to_who_asked_for_them(folder, cache):
    images = read_images(folder / "table.csv", size=1, cache=cache)
    for _ in range(2):
        x, y = images[0]
        assert (x.ravel().tolist(), y.tolist()) == ([255, 0, 0], [1, 0])
        x[:], y[:] = 7, 7


@pytest.mark.parametrize("place", ["cached", "folder", "tar"])
def test_a_digest_changes_with_what_the_images_are(folder, place):
    """Pixels, where they are kept, else size and time of the file, and the place in a tar file."""

    def read():
        if place == "tar":
            tar_of(folder / "x.tar", {name: (folder / name).read_bytes() for name in COLOURS})
            os.utime(folder / "x.tar", ns=(0, 0))
        return read_images(folder / "table.csv", folder / "x.tar" if place == "tar" else None, size=4, cache=cached)

    cached = place == "cached"
    first = read()
    parts = [first, first.take([0, 1]), first.take([1, 0, 2]), first.take(Y=~first.Y), first.take([0, 1], Y=~first.Y)]
    digests = {part.digest() for part in parts}
    assert len(digests) == 5
    assert read().digest() in digests
    (folder / "c.png").write_bytes(png((9, 9, 9), size=(900, 900)))
    changed = read().digest()
    assert changed not in digests
    os.utime(folder / "c.png", ns=(0, 0))
    assert (read().digest() == changed) == (place != "folder")
    assert first.files == frozenset([folder / "x.tar"] if place == "tar" else [folder / name for name in COLOURS])


def test_parts_keep_their_share_of_everything(folder):
    images = read_images(manifest(folder, "path,car,split\na.png,1,x\nb.png,0,y\nc.png,1,x\n"))
    part = images.take(images.split == "x")
    assert (part.paths, part.split.tolist(), part.Y.ravel().tolist()) == (("a.png", "c.png"), ["x", "x"], [True, True])
    assert part.take([1]).paths == ("c.png",)


def test_other_labels_go_through_the_door(folder):
    images = read_images(folder / "table.csv")
    assert images.take(Y=[["tree"], [], ["tree"]]).Y.astype(int).tolist() == [[0, 1], [0, 0], [0, 1]]
    for value in (np.nan, -1):
        with pytest.raises(ValueError, match=r"label 'y0' (is missing \(NaN\)|must hold 0 or 1 only, got -1) in row 1"):
            images.take(Y=[[1, 0], [value, 0], [1, 1]])
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"tree": [0, 1, 0], "car": [1, 0, 0]})
    assert images.take(Y=frame).Y.astype(int).tolist() == [[1, 0], [0, 1], [0, 0]]


def test_pictures_have_their_own_size(folder):
    images = read_images(folder / "table.csv", size=2)
    assert (images.picture(0).size, images.picture(0).mode) == ((8, 8), "RGB")


def test_workers_read_a_tar_file_at_the_same_time(tmp_path):
    torch_data = pytest.importorskip("torch.utils.data")
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (60, 3)).tolist()
    tar_of(tmp_path / "table.tar", {f"{i}.png": png(tuple(colour)) for i, colour in enumerate(colours)})
    table = manifest(tmp_path, "path,car\n" + "".join(f"{i}.png,{i % 2}\n" for i in range(60)))
    images = read_images(table, size=8, cache=True)
    loader = torch_data.DataLoader(images, batch_size=7, num_workers=2)
    batches = list(loader)
    assert [x[:, 0, 0].tolist() for batch, _ in batches for x in batch] == colours
    assert [y.item() for _, labels in batches for y in labels] == [i % 2 for i in range(60)]


@pytest.mark.data
def test_uc_merced(data_folder):
    table = data_folder / "images" / "ucmerced_multilabel" / "labels.csv"
    images = read_images(table, size=16, split="repo_split")
    assert images.Y.sum(axis=0).tolist() == [
        100, 718, 691, 886, 115, 105, 100, 103, 975, 102, 1300, 294, 100, 102, 100, 1009, 203,
    ]  # fmt: skip
    assert (images.split == "train").sum() == 1680
    assert images[2099][0].std() > 0
