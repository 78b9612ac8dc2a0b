"""MULAN's label file, and what is refused in it."""

import pytest

from rarelabel.datasets._mulan import label_file_text, read_label_file

NASTY = ["plain", "a & b", "<c>", '"d"', "l'œ", "tab\tline\nend\r", "x > y"]


def read_text(tmp_path, text):
    path = tmp_path / "toy.xml"
    path.write_text(text, encoding="utf-8")
    return read_label_file(path)


@pytest.mark.parametrize("exclusive", [True, False])
def test_names_come_back(tmp_path, exclusive):
    assert read_text(tmp_path, label_file_text(NASTY, exclusive=exclusive)) == (NASTY, exclusive)


def test_hierarchy_is_flattened_in_document_order(tmp_path):
    text = """<labels xmlns="http://mulan.sourceforge.net/labels">
    <label name="a"><label name="b"/><label name="c"><label name="d"></label></label></label>
    <label name="e"/></labels>"""
    assert read_text(tmp_path, text) == (["a", "b", "c", "d", "e"], False)


def test_namespace_prefix_and_none_are_understood(tmp_path):
    assert read_text(tmp_path, "<labels><label name='a'/></labels>")[0] == ["a"]
    text = '<m:labels xmlns:m="http://mulan.sourceforge.net/labels"><m:label name="a"/></m:labels>'
    assert read_text(tmp_path, text)[0] == ["a"]


def test_entity_bomb_is_refused_before_it_expands(tmp_path):
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    bomb = f'<!DOCTYPE labels [<!ENTITY e0 "boom">{entities}]><labels><label name="&e11;"/></labels>'
    with pytest.raises(ValueError, match=r"toy\.xml: refused, it declares a document type"):
        read_text(tmp_path, bomb)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE labels><labels><label name="a"/></labels>',
        '<!DOCTYPE labels SYSTEM "file:///etc/passwd"><labels><label name="a"/></labels>',
        '<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><labels><label name="&x;"/></labels>',
    ],
)
def test_any_document_type_is_refused(tmp_path, text):
    with pytest.raises(ValueError, match="document type"):
        read_text(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<labels><label name='a'>", "not well-formed"),
        ("", "not well-formed"),
        ("<labels><label name='&x;'/></labels>", "not well-formed"),
        ("<html><label name='a'/></html>", "expected a MULAN label file with root <labels>, got <html>"),
        ("<labels>\n<label nom='a'/></labels>", "line 2: a <label> without name"),
        ("<labels><label name='a'/><label name='a'/></labels>", "'a' is named more than once"),
        ("<labels></labels>", "names no label"),
    ],
)
def test_what_is_no_label_file_is_refused_by_name(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_text(tmp_path, text)
    assert "toy.xml" in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.xml"):
        read_label_file(tmp_path / "absent.xml")


def test_names_that_xml_cannot_hold_are_refused():
    with pytest.raises(ValueError, match=r"label 'a\\x00' holds the character '\\x00'"):
        label_file_text(["a\0"])
