"""Bytes of a file to text: compression, encoding, and which format it is."""

from __future__ import annotations

import gzip
import io
import re
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal, TypeVar

__all__ = ["Format", "decode_text", "detect_format", "read_bytes", "read_text", "stem", "suffix_format"]

Format = Literal["arff", "keel", "libsvm", "csv", "parquet"]
"""The formats that can be read and written."""

_SUFFIXES: dict[str, Format] = {
    ".arff": "arff",
    ".dat": "keel",
    ".libsvm": "libsvm",
    ".svm": "libsvm",
    ".svmlight": "libsvm",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_LIBSVM_LINE = re.compile(
    rb"\s*(?:[^\s:,]+(?:,[^\s:,]+)*)?(?:\s+[0-9]+:[^\s:]+)+\s*(?:#.*)?|\s*[0-9]+:[^\s:]+(?:\s.*)?"
)
_GZIP = b"\x1f\x8b"
_T = TypeVar("_T")


def suffix_format(path: Path) -> Format | None:
    """Return the format that the suffix names (before ``.gz``), None where it names none."""
    return _SUFFIXES.get(_plain(path).suffix.lower())


def stem(path: Path) -> Path:
    """Return the path without ``.gz`` and without the suffix of its format."""
    plain = _plain(path)
    return plain.with_suffix("") if plain.suffix else plain


def _plain(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() == ".gz" else path


def detect_format(path: Path) -> Format:
    """Tell the format by suffix, else by the first lines of the content.

    Raises
    ------
    ValueError
        If the content looks like none of them.
    """
    by_suffix = suffix_format(path)
    if by_suffix is not None:
        return by_suffix
    head = _guarded(path, lambda stream: stream.read(65536))
    if head.startswith(b"PAR1"):
        return "parquet"
    lines = [line for line in head.splitlines() if line.strip() and not line.lstrip().startswith((b"%", b"#"))]
    if not lines:
        raise ValueError(f"{path}: the file is empty")
    first = lines[0].lstrip(b"\xef\xbb\xbf").lstrip()
    if first.startswith(b"@"):
        keys = {line.split(None, 1)[0].lower() for line in lines}
        return "keel" if keys & {b"@inputs", b"@input", b"@outputs", b"@output"} else "arff"
    if _LIBSVM_LINE.fullmatch(lines[0]):
        return "libsvm"
    if b"," in first or b";" in first or b"\t" in first:
        return "csv"
    raise ValueError(f"{path}: cannot tell the format by suffix or content; pass format='arff', 'csv', ...")


def read_bytes(path: Path) -> bytes:
    """Return the content, decompressed."""
    return _guarded(path, lambda stream: stream.read())


def read_text(path: Path, parse: Callable[[IO[str]], _T], *, newline: str | None = None) -> _T:
    """Return what ``parse`` makes of the text: UTF-8, or else Latin-1 (as older Java programs wrote), with a warning.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the compressed data are damaged or cut short, or the text is UTF-16.
    """
    return _decoded(lambda use: _guarded(path, use), parse, str(path), newline)


def decode_text(content: bytes, parse: Callable[[IO[str]], _T], source: str, *, newline: str | None = None) -> _T:
    """Return what ``parse`` makes of a text in memory, by the rules of :func:`read_text`; errors call it ``source``."""
    return _decoded(lambda use: use(io.BytesIO(content)), parse, source, newline)


def _decoded(
    opened: Callable[[Callable[[IO[bytes]], Any]], Any],
    parse: Callable[[IO[str]], _T],
    source: str,
    newline: str | None,
) -> _T:
    """Return what ``parse`` makes of the bytes that ``opened`` hands to a function, each time from the start."""

    def attempt(encoding: str) -> _T:
        def decode(stream: IO[bytes]) -> _T:
            with io.TextIOWrapper(stream, encoding=encoding, newline=newline) as text:
                return parse(text)

        result: _T = opened(decode)
        return result

    if opened(lambda stream: stream.read(2)) in (b"\xff\xfe", b"\xfe\xff"):
        raise ValueError(f"{source}: the text is UTF-16; save it as UTF-8")
    try:
        return attempt("utf-8-sig")
    except UnicodeDecodeError:
        warnings.warn(f"{source}: the text is not UTF-8, it is read as Latin-1", stacklevel=4)
        return attempt("latin-1")


def _guarded(path: Path, use: Callable[[IO[bytes]], _T]) -> _T:
    """Return what ``use`` makes of the opened file, with errors that name the file."""
    if not path.exists():
        raise FileNotFoundError(f"no file {path}")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected a file")
    with path.open("rb") as probe:
        compressed = probe.read(2) == _GZIP
    try:
        with gzip.open(path, "rb") if compressed else path.open("rb") as stream:
            return use(stream)  # type: ignore[arg-type]
    except EOFError:
        raise ValueError(f"{path}: the compressed data end too early; the file is cut short") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path}: the compressed data are damaged ({error})") from None
