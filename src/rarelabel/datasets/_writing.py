"""Files written whole or not at all."""

from __future__ import annotations

import gzip
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from scipy import sparse

from rarelabel.datasets._arff_writer import arff_lines, keel_lines
from rarelabel.datasets._classes import class_column_name
from rarelabel.datasets._dataset import Dataset
from rarelabel.datasets._delimited import csv_lines
from rarelabel.datasets._libsvm import libsvm_lines
from rarelabel.datasets._mulan import class_column_in, label_file_text, read_label_file
from rarelabel.datasets._opening import Format, stem, suffix_format
from rarelabel.datasets._parquet import parquet_bytes

__all__ = ["atomic_path", "write"]


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Open a temporary path beside ``path`` that takes its place when the block ends well.

    If the block raises, the temporary file is removed and ``path`` is as it was.

    Parameters
    ----------
    path : str or path-like
        The file to write; an existing one is replaced.

    Yields
    ------
    Path
        Where to write meanwhile.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    IsADirectoryError
        If ``path`` is a folder.
    PermissionError
        If the folder cannot be written to.

    Examples
    --------
    >>> import pathlib
    >>> import tempfile
    >>> from rarelabel.datasets import atomic_path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(f"{folder}/note.txt") as temporary:
    ...         _ = temporary.write_text("whole")
    ...     print(pathlib.Path(folder, "note.txt").read_text())
    whole
    """
    # a link stays a link: the file it leads to is replaced
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {target.parent}")
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        temporary.open("xb").close()
    except OSError as error:
        raise type(error)(error.errno, f"cannot write {path}: {error.strerror}") from None
    try:
        yield temporary
        if target.exists():
            temporary.chmod(target.stat().st_mode & 0o777)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write(
    dataset: Dataset,
    path: str | os.PathLike[str],
    *,
    format: Format | None = None,
    style: Literal["mulan", "meka"] = "mulan",
    labels_at: Literal["start", "end"] | None = None,
    sparse: bool | None = None,
) -> tuple[Path, ...]:
    """Write a data set so that :func:`read` gives it back.

    ======== ================ =====================================================================================
    Format   Suffix           What does not come back
    ======== ================ =====================================================================================
    ARFF     ``.arff``        nothing; MEKA style has no place for "labels exclude each other"
    KEEL     ``.dat``         sparse X comes back dense
    Parquet  ``.parquet``     nothing
    CSV      ``.csv``         sparse X comes back dense; categories come back in order of appearance, without those
                              that no row has; a column without any value comes back as numbers; the name is the
                              file's
    LIBSVM   ``.libsvm``      names of features, integer kind; X comes back sparse; the name is the file's
    ======== ================ =====================================================================================

    Labels that exclude each other are written as one column of classes, called ``schema.class_name`` or, without one,
    ``Class``; classes that read as whole numbers are numbers there. MEKA style has a column of 0 and 1 for each.

    Everywhere, categories that are not text come back as text (Parquet: numbers stay numbers) and zeros stored in
    sparse X are not written; in ARFF a name that ends like MEKA's ``: -C 3`` is cut there. A suffix ``.gz``
    compresses.

    Parameters
    ----------
    dataset : Dataset
    path : str or path-like
    format : {"arff", "keel", "libsvm", "csv", "parquet"}, default=None
        None takes it from the suffix.
    style : {"mulan", "meka"}, default="mulan"
        For ARFF: MULAN's XML label file beside it (``NAME.xml``), or MEKA's label count in the relation name and no
        label file. CSV and LIBSVM files always get the label file, KEEL and Parquet never need one. Of a column of
        classes the label file says its name and the order of the classes, which MULAN does not understand.
    labels_at : {"start", "end"}, default=None
        Where label columns stand; None: at the end, for MEKA at the start.
    sparse : bool, default=None
        For ARFF: write sparse rows. None: where X is sparse.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ValueError
        If the format cannot hold the data set, or a label file of other labels lies in the way.
    OSError
        If the path cannot be written. Whatever the error, no file is left half-written.

    Examples
    --------
    >>> import tempfile
    >>> from rarelabel.datasets import load_digit_scenes, read, write
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write(load_digit_scenes(20), f"{folder}/scenes.arff.gz")
    ...     again = read(f"{folder}/scenes.arff.gz")
    >>> [file.name for file in files]
    ['scenes.arff.gz', 'scenes.xml']
    >>> again
    Dataset('digit scenes', 20 rows, 144 features, 10 labels)
    """
    path = Path(path)
    chosen = format or suffix_format(path)
    if chosen is None or chosen not in get_args(Format):
        raise ValueError(
            f"cannot tell a format from {path.name!r}; expected a suffix .arff, .dat, .libsvm, .csv or .parquet, or "
            f"format= one of {', '.join(get_args(Format))}, got {format!r}"
        )
    if style not in ("mulan", "meka") or (style == "meka" and chosen != "arff"):
        raise ValueError(f"style must be 'mulan', or 'meka' for ARFF, got {style!r} for {chosen}")
    if labels_at not in (None, "start", "end"):
        raise ValueError(f"labels_at must be 'start' or 'end', got {labels_at!r}")
    if sparse and chosen not in ("arff", "libsvm"):
        raise ValueError(f"sparse rows can be written as ARFF or LIBSVM, not as {chosen}")
    _check(dataset, _column(dataset, style == "meka"))
    place = labels_at or ("start" if style == "meka" else "end")
    label_file = None if chosen in ("keel", "parquet") else stem(path).with_name(stem(path).name + ".xml")
    with ExitStack() as stack:
        files = [path]
        if label_file is not None and _needed(label_file, dataset, path, style == "meka"):
            column = _column(dataset, style == "meka")
            text = label_file_text(dataset.label_names, exclusive=dataset.schema.exclusive, column=column)
            stack.enter_context(atomic_path(label_file)).write_text(text, encoding="utf-8", newline="\n")
            files.append(label_file)
        temporary = stack.enter_context(atomic_path(path))
        _write_content(dataset, temporary, path, chosen, style == "meka", place, sparse)
    return tuple(files)


def _check(dataset: Dataset, class_column: str | None) -> None:
    if 0 in dataset.X.shape or 0 in dataset.Y.shape:
        raise ValueError(f"nothing to write: X is {dataset.X.shape}, Y is {dataset.Y.shape}")
    if class_column is None:
        _check_names(dataset.feature_names + dataset.label_names, "column name")
    else:
        _check_names((*dataset.feature_names, class_column), "column name")
        _check_names(dataset.label_names, "class")
    data = dataset.X.data if sparse.issparse(dataset.X) else dataset.X
    if np.isinf(data).any():
        raise ValueError("X holds infinite values; a file could not be read back")
    _check_codes(dataset)
    for column in dataset.schema.features:
        if len({str(value) for value in column.categories}) != column.n_categories:
            raise ValueError(f"column {column.name!r}: categories read the same as text: {column.categories!r}")


def _check_names(names: Sequence[str], what: str) -> None:
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the {what} {twice!r} stands more than once; a file could not be read back")
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise ValueError(f"the {what} {name!r} cannot be encoded as UTF-8") from None


def _check_codes(dataset: Dataset) -> None:
    X, is_category = dataset.X, dataset.schema.is_category
    limits = np.array([column.n_categories for column in dataset.schema.features])
    data = X if isinstance(X, np.ndarray) else X.data
    at = np.broadcast_to(np.arange(X.shape[1]), X.shape) if isinstance(X, np.ndarray) else X.indices
    wrong = is_category[at] & ((data < 0) | (data >= limits[at]) | (data % 1 > 0))
    if wrong.any():
        column = dataset.schema.features[int(at[wrong][0])]
        raise ValueError(
            f"column {column.name!r} holds the code {float(data[wrong][0])!r}, which is none of its "
            f"{column.n_categories} categories"
        )


def _needed(label_file: Path, dataset: Dataset, path: Path, meka: bool) -> bool:
    """Whether the label file must be written; one that says the same is left as it is."""
    if not label_file.exists():
        return not meka
    try:
        (names, exclusive), column = read_label_file(label_file), class_column_in(label_file)
    except ValueError:
        names, exclusive, column = [], False, None
    same = names == list(dataset.label_names) and (meka or exclusive == dataset.schema.exclusive)
    same = same and column == _column(dataset, meka)
    if not same and (meka or not path.exists()):
        raise ValueError(f"{label_file} exists and names other labels; remove it or write to another name than {path}")
    return not same


def _column(dataset: Dataset, meka: bool) -> str | None:
    """Name of the column of classes in the file, None where each label is a column."""
    return class_column_name(dataset.schema) if dataset.schema.exclusive and not meka else None


def _write_content(
    dataset: Dataset,
    temporary: Path,
    path: Path,
    format: Format,
    meka: bool,
    labels_at: Literal["start", "end"],
    as_sparse: bool | None,
) -> None:
    if format == "parquet":
        chunks: Iterable[bytes] = [parquet_bytes(dataset, labels_at=labels_at)]
    else:
        rows = sparse.issparse(dataset.X) if as_sparse is None else as_sparse
        lines: Iterator[str] = {
            "arff": lambda: arff_lines(dataset, labels_at=labels_at, as_sparse=rows, meka=meka),
            "keel": lambda: keel_lines(dataset, labels_at=labels_at),
            "libsvm": lambda: libsvm_lines(dataset),
            "csv": lambda: csv_lines(dataset, labels_at=labels_at, delimiter="\t" if _is_tsv(path) else ","),
        }[format]()
        chunks = (line.encode() for line in lines)
    with temporary.open("wb") as raw:
        if path.suffix.lower() == ".gz":
            # without time and name, the same data give the same bytes
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
                packed.writelines(chunks)
        else:
            raw.writelines(chunks)


def _is_tsv(path: Path) -> bool:
    return ".tsv" in (suffix.lower() for suffix in path.suffixes[-2:])
