"""MULAN's label file: an XML list of the columns that are labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

__all__ = ["class_column_in", "label_file_text", "read_label_file"]

_NAMESPACE = "http://mulan.sourceforge.net/labels"
# what XML 1.0 cannot hold, not even escaped
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _DoctypeError(Exception):
    pass


def read_label_file(path: Path) -> tuple[list[str], bool]:
    """Return the names of the labels, in document order; a hierarchy of labels is flattened.

    A document type definition is refused, and with it every entity, so that no document can expand in memory or
    reach for other files.

    Parameters
    ----------
    path : Path

    Returns
    -------
    names : list of str
    exclusive : bool
        True where the file says (``<labels exclusive="true">``) that every row carries exactly one of the labels.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not well formed, is not a list of labels, declares a DTD or names a label twice.
    """
    names, root = _parsed(path)
    return names, bool(root["exclusive"])


def class_column_in(path: Path) -> str | None:
    """Return the column that holds the labels as its classes, None where each label is a column.

    Such a file, which MULAN itself does not know, says ``<labels exclusive="true" column="NAME">``.

    Parameters
    ----------
    path : Path

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`read_label_file` does.
    """
    column: str | None = _parsed(path)[1]["column"]
    return column


def _parsed(path: Path) -> tuple[list[str], dict[str, Any]]:
    """Names of the labels, and what the root element says."""
    names: list[str] = []
    root: dict[str, Any] = {}
    parser = expat.ParserCreate(namespace_separator="\n")

    def start(tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition("\n")[2]
        if not root:
            exclusive = attributes.get("exclusive") == "true"
            root.update(tag=tag, exclusive=exclusive, column=attributes.get("column") if exclusive else None)
            if tag != "labels":
                raise ValueError(f"{path}: expected a MULAN label file with root <labels>, got <{tag}>")
        elif tag == "label":
            if "name" not in attributes:
                raise ValueError(f"{path}, line {parser.CurrentLineNumber}: a <label> without name")
            names.append(attributes["name"])

    def refuse(*_: Any) -> None:
        raise _DoctypeError

    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    if not path.is_file():
        raise FileNotFoundError(f"no label file {path}")
    try:
        parser.Parse(path.read_bytes(), True)
    except _DoctypeError:
        raise ValueError(
            f"{path}: refused, it declares a document type (DTD), which a label file does not need and through "
            "which entities could expand without bound"
        ) from None
    except expat.ExpatError as error:
        raise ValueError(f"{path}: not well-formed XML: {error}") from None
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{path}: the label {twice!r} is named more than once")
    if not names:
        raise ValueError(f"{path}: names no label")
    return names, root


def label_file_text(names: Sequence[str], *, exclusive: bool = False, column: str | None = None) -> str:
    """Return the text of the label file for ``names``, which are the classes of ``column`` where there is one.

    Raises
    ------
    ValueError
        If a name holds a character that XML cannot hold.
    """
    for name in [*names, *([] if column is None else [column])]:
        bad = _FORBIDDEN.search(name)
        if bad:
            raise ValueError(f"label {name!r} holds the character {bad.group()!r}, which XML cannot hold")
    told = ' exclusive="true"' if exclusive else ""
    told += f" column={quoteattr(column)}" if column is not None else ""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<labels xmlns="{_NAMESPACE}"{told}>',
        *(f"<label name={quoteattr(name)}></label>" for name in names),
        "</labels>",
    ]
    return "\n".join(lines) + "\n"
