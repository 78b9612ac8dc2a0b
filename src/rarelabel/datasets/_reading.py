"""One door for files: which format, which labels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

from rarelabel.datasets._arff_reader import parse_arff
from rarelabel.datasets._dataset import Dataset
from rarelabel.datasets._delimited import parse_csv
from rarelabel.datasets._libsvm import parse_libsvm
from rarelabel.datasets._mulan import read_label_file
from rarelabel.datasets._opening import Format, detect_format, read_bytes, read_text, stem
from rarelabel.datasets._parquet import dataset_from_parquet, table_from_parquet
from rarelabel.datasets._table import WhichLabels, to_dataset

__all__ = ["read"]


def read(path: str | os.PathLike[str], labels: WhichLabels = None, *, format: Format | None = None) -> Dataset:
    r"""Read a data set from a file, plain or gzipped.

    Parameters
    ----------
    path : str or path-like
        ``.arff`` (MULAN or MEKA, dense or sparse), ``.dat`` (KEEL), ``.libsvm``, ``.svm``, ``.csv``, ``.tsv``,
        ``.parquet``, each also with ``.gz``. Under another suffix the content decides.
    labels : path, str, sequence of str or int, default=None
        Which columns are labels:

        - a path, or text that ends in ``.xml``: the columns that MULAN's label file names;
        - names: these columns;
        - a count n > 0: the first n columns; n < 0: the last -n (the signs of MEKA's ``-C``);
        - None: found in this order: what the file itself says (KEEL's ``@outputs``, the note that :func:`write`
          leaves in Parquet); ``NAME.xml`` beside the file (``NAME-train`` and ``NAME-test`` share it); MEKA's ``-C``
          in the relation name; else the trailing columns that hold only 0 and 1, with a warning that names them.

        One column of classes (KEEL's output, or a category column whose values are not 0 and 1) gives one label per
        class, ``schema.exclusive`` True. In LIBSVM files names are given by an XML file or a list; a count has no
        meaning there.
    format : {"arff", "keel", "libsvm", "csv", "parquet"}, default=None
        None takes it from the suffix, else from the content.

    Returns
    -------
    Dataset
        X is a ``csr_array`` where the file is sparse.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ArffError
        For ARFF and KEEL, with line and attribute.
    ValueError
        If the content is not what the format asks for (with the line), compressed data are cut short, labels cannot
        be found, are unknown or are not 0/1, or the table is empty.

    Warns
    -----
    UserWarning
        If labels are guessed, instance weights are ignored, or the text is not UTF-8.

    Examples
    --------
    >>> import tempfile
    >>> from rarelabel.datasets import read
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(f"{folder}/toy.csv", "w") as file:
    ...         _ = file.write("age,town,ill,rich\n31,Ely,0,1\n,Bath,1,0\n")
    ...     toy = read(f"{folder}/toy.csv", labels=["ill", "rich"])
    >>> toy.X
    array([[31.,  0.],
           [nan,  1.]])
    >>> toy.Y.astype(int)
    array([[0, 1],
           [1, 0]])
    >>> toy.schema.features[1].categories
    ('Ely', 'Bath')
    """
    path = Path(path)
    if format is not None and format not in get_args(Format):
        raise ValueError(f"format must be one of {', '.join(get_args(Format))}, got {format!r}")
    chosen = format or detect_format(path)
    label_file = _label_file(path)
    if chosen == "libsvm":
        names, exclusive = _names(labels, label_file, path)
        name = stem(path).name
        return read_text(path, lambda lines: parse_libsvm(lines, str(path), names, name, exclusive=exclusive))
    if chosen == "parquet":
        content = read_bytes(path)
        dataset = dataset_from_parquet(content, str(path)) if labels is None else None
        return dataset or to_dataset(table_from_parquet(content, str(path)), labels, path, None)
    if chosen == "csv":
        table = read_text(path, lambda lines: parse_csv(lines, str(path)), newline="")
    else:
        table = read_text(path, lambda lines: parse_arff(lines, str(path), keel=chosen == "keel"))
    return to_dataset(table, labels, path, label_file)


def _label_file(path: Path) -> Path | None:
    """MULAN's label file beside ``path``: of the same name, or of the name without ``-train`` or ``-test``."""
    base = stem(path)
    names = [base.name] + [base.name.removesuffix(part) for part in ("-train", "-test") if base.name.endswith(part)]
    return next((file for name in names if (file := base.with_name(name + ".xml")).is_file()), None)


def _names(labels: WhichLabels, label_file: Path | None, path: Path) -> tuple[list[str] | None, bool]:
    """Return the labels of a LIBSVM file, None where it alone tells them, and whether they exclude each other."""
    if isinstance(labels, int):
        raise ValueError(f"{path}: LIBSVM rows list their labels; give names or an XML file, not the count {labels}")
    if labels is None:
        return (None, False) if label_file is None else read_label_file(label_file)
    if isinstance(labels, os.PathLike) or (isinstance(labels, str) and labels.lower().endswith(".xml")):
        return read_label_file(Path(labels))
    names = [labels] if isinstance(labels, str) else list(labels)
    if not names or len(set(names)) != len(names):
        raise ValueError(f"{path}: labels are empty or repeated: {names!r}")
    return names, False
