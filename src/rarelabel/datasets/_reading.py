"""One door for files: which format, which labels."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import get_args

from rarelabel.datasets._arff_reader import parse_arff
from rarelabel.datasets._dataset import Dataset
from rarelabel.datasets._delimited import parse_csv
from rarelabel.datasets._libsvm import parse_libsvm
from rarelabel.datasets._mulan import class_column_in, read_label_file
from rarelabel.datasets._opening import Format, detect_format, read_bytes, read_text, stem
from rarelabel.datasets._parquet import dataset_from_parquet, table_from_parquet
from rarelabel.datasets._table import WhichLabels, to_dataset

__all__ = ["read"]


def read(
    path: str | os.PathLike[str],
    labels: WhichLabels = None,
    *,
    classes: str | None = None,
    format: Format | None = None,
) -> Dataset:
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
          in the relation name; in ARFF the last attribute, where it is nominal and called ``class`` or has other values
          than 0 and 1; else the trailing columns that hold only 0 and 1. The last two warn, but for ``class``.

        One column of classes gives one label per class, ``schema.exclusive`` True. That is KEEL's only output, nominal
        or integer, and a column that stands alone and holds words, or three to a hundred whole numbers. A column of 0
        and 1 that stands alone is a label, unless ``classes`` names it. In LIBSVM files names are given by an XML file
        or a list; a count has no meaning there.
    classes : str, default=None
        Name of the column that holds the class of each row, in place of ``labels``: words, or whole numbers such as 0
        and 1. In LIBSVM files, where every row must then carry exactly one label, a name for what has none.
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
        be found, are unknown or are not 0/1, classes are missing or fractions, both are given, or the table is empty.

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

    A column of 0 and 1 as two classes:

    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(f"{folder}/fraud.csv", "w") as file:
    ...         _ = file.write("amount,target\n3.5,0\n80,1\n")
    ...     fraud = read(f"{folder}/fraud.csv", classes="target")
    >>> fraud.schema.class_name, fraud.label_names, fraud.schema.exclusive
    ('target', ('0', '1'), True)
    """
    path = Path(path)
    if format is not None and format not in get_args(Format):
        raise ValueError(f"format must be one of {', '.join(get_args(Format))}, got {format!r}")
    if labels is not None and classes is not None:
        raise ValueError(
            f"give labels ({labels!r}) or classes ({classes!r}), not both: a class takes the place of labels"
        )
    chosen = format or detect_format(path)
    label_file = _label_file(path)
    if chosen == "libsvm":
        names, exclusive, column = _names(labels, label_file, path)
        name, exclusive = stem(path).name, exclusive or classes is not None
        dataset = read_text(path, lambda lines: parse_libsvm(lines, str(path), names, name, exclusive=exclusive))
        return replace(dataset, schema=replace(dataset.schema, class_name=classes or column))
    if chosen == "parquet":
        content = read_bytes(path)
        found = dataset_from_parquet(content, str(path)) if labels is None else None
        if found is not None and classes in (None, found.schema.class_name):
            return found
        return to_dataset(table_from_parquet(content, str(path)), labels, path, None, classes=classes)
    if chosen == "csv":
        # the label file of a class column is our own, and so is the file beside it: all its words stand in quotes
        ours = labels is None and label_file is not None and class_column_in(label_file) is not None
        table = read_text(path, lambda lines: parse_csv(lines, str(path), quotes_tell=ours), newline="")
    else:
        table = read_text(path, lambda lines: parse_arff(lines, str(path), keel=chosen == "keel"))
    return to_dataset(table, labels, path, label_file, classes=classes)


def _label_file(path: Path) -> Path | None:
    """MULAN's label file beside ``path``: of the same name, or of the name without ``-train`` or ``-test``."""
    base = stem(path)
    names = [base.name] + [base.name.removesuffix(part) for part in ("-train", "-test") if base.name.endswith(part)]
    return next((file for name in names if (file := base.with_name(name + ".xml")).is_file()), None)


def _names(labels: WhichLabels, label_file: Path | None, path: Path) -> tuple[list[str] | None, bool, str | None]:
    """Return the labels of a LIBSVM file, None where it alone tells them, whether they exclude each other, and of what.

    The last is the name of the column that they are the classes of in other formats.
    """
    if isinstance(labels, int):
        raise ValueError(f"{path}: LIBSVM rows list their labels; give names or an XML file, not the count {labels}")
    if isinstance(labels, os.PathLike) or (isinstance(labels, str) and labels.lower().endswith(".xml")):
        return *read_label_file(Path(labels)), class_column_in(Path(labels))
    if labels is None and label_file is not None:
        return *read_label_file(label_file), class_column_in(label_file)
    if labels is None:
        return None, False, None
    names = [labels] if isinstance(labels, str) else list(labels)
    if not names or len(set(names)) != len(names):
        raise ValueError(f"{path}: labels are empty or repeated: {names!r}")
    return names, False, None
