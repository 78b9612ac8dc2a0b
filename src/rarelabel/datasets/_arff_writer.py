"""The lines of ARFF (MULAN's and MEKA's) and KEEL files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from rarelabel.datasets._classes import class_codes, class_column_name
from rarelabel.datasets._dataset import Dataset
from rarelabel.schema import Column

__all__ = ["arff_lines", "dense_rows", "keel_lines", "quote"]

_PLAIN = re.compile(r"[A-Za-z0-9_./+:#*()\[\]-]+")
_ESCAPED = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "%": "\\%"})
# every other character at which some reader ends a line
_UNICODE_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def arff_lines(
    dataset: Dataset, *, labels_at: Literal["start", "end"], as_sparse: bool, meka: bool = False
) -> Iterator[str]:
    """Yield the lines of an ARFF file, each with its line end.

    Parameters
    ----------
    dataset : Dataset
    labels_at : {"start", "end"}
    as_sparse : bool
        Write ``{index value, ...}`` rows, without zeros and first categories.
    meka : bool, default=False
        Put MEKA's ``-C`` into the relation name. Labels that exclude each other are then columns of 0 and 1, as
        others are; else they are one nominal attribute.
    """
    schema = dataset.schema
    as_class = schema.exclusive and not meka
    classes, codes = [quote(name) for name in schema.label_names], class_codes(dataset) if as_class else []
    n, d = dataset.X.shape
    q = 1 if as_class else schema.n_labels
    relation = f"{dataset.name}: -C {q if labels_at == 'start' else -q}" if meka else dataset.name
    yield f"@relation {quote(relation)}\n\n"
    features = [f"@attribute {quote(column.name)} {_type(column)}\n" for column in schema.features]
    labels = [f"@attribute {name} {{0,1}}\n" for name in classes]
    if as_class:
        labels = [f"@attribute {quote(class_column_name(schema))} {{{','.join(classes)}}}\n"]
    yield from labels + features if labels_at == "start" else features + labels
    yield "\n@data\n"
    shown = [_shower(column) for column in schema.features]
    if not as_sparse:
        for i, (values, carried) in enumerate(dense_rows(dataset)):
            cells = [show(value) for show, value in zip(shown, values, strict=True)]
            bits = [classes[codes[i]]] if as_class else ["1" if bit else "0" for bit in carried]
            yield ",".join(bits + cells if labels_at == "start" else cells + bits) + "\n"
        return
    X = sparse.csr_array(dataset.X)
    x_at, y_at = (q, 0) if labels_at == "start" else (0, d)
    for i in range(n):
        row = slice(X.indptr[i], X.indptr[i + 1])
        pairs = zip(X.indices[row].tolist(), X.data[row].tolist(), strict=True)
        cells = [f"{x_at + j} {shown[j](value)}" for j, value in sorted(pairs) if value != 0]
        if as_class:
            bits = [f"{y_at} {classes[codes[i]]}"] if codes[i] else []
        else:
            bits = [f"{y_at + j} 1" for j in np.flatnonzero(dataset.Y[i]).tolist()]
        yield "{" + ",".join(bits + cells if labels_at == "start" else cells + bits) + "}\n"


def keel_lines(dataset: Dataset, *, labels_at: Literal["start", "end"]) -> Iterator[str]:
    """Yield the lines of a KEEL file; labels that exclude each other become one class attribute.

    Raises
    ------
    ValueError
        If the labels are said to exclude each other and a row does not carry exactly one.
    """
    schema = dataset.schema
    yield f"@relation {quote(dataset.name)}\n"
    X = dataset.X if isinstance(dataset.X, np.ndarray) else sparse.csc_array(dataset.X)
    features = [f"@attribute {quote(c.name)} {_type(c)}{_range(c, X[:, [j]])}\n" for j, c in enumerate(schema.features)]
    if schema.exclusive:
        codes = class_codes(dataset)
        outputs = [quote(class_column_name(schema))]
        labels = [f"@attribute {outputs[0]} {{{', '.join(map(quote, schema.label_names))}}}\n"]
    else:
        codes, outputs = [], [quote(name) for name in schema.label_names]
        # one nominal or integer output is a class; one real number that is 0 or 1 is a label
        kind = "{0, 1}" if len(outputs) > 1 else "real [0.0, 1.0]"
        labels = [f"@attribute {name} {kind}\n" for name in outputs]
    yield from labels + features if labels_at == "start" else features + labels
    yield f"@inputs {', '.join(quote(name) for name in schema.feature_names)}\n"
    yield f"@outputs {', '.join(outputs)}\n@data\n"
    shown = [_shower(column, missing="<null>") for column in schema.features]
    classes = [quote(name) for name in schema.label_names]
    for i, (values, carried) in enumerate(dense_rows(dataset)):
        cells = [show(value) for show, value in zip(shown, values, strict=True)]
        bits = [classes[codes[i]]] if schema.exclusive else ["1" if bit else "0" for bit in carried]
        yield ", ".join(bits + cells if labels_at == "start" else cells + bits) + "\n"


def quote(text: str) -> str:
    """Return the text as an ARFF name or value, in quotes where it needs them."""
    if _PLAIN.fullmatch(text):
        return text
    escaped = _UNICODE_BREAK.sub(lambda match: f"\\u{ord(match.group()):04x}", text.translate(_ESCAPED))
    return f"'{escaped}'"


def dense_rows(dataset: Dataset, block: int = 256) -> Iterator[tuple[list[float], list[bool]]]:
    """Yield the rows of X and Y as lists, a block at a time in memory."""
    for start in range(0, dataset.X.shape[0], block):
        X = dataset.X[start : start + block]
        values = X if isinstance(X, np.ndarray) else X.toarray()
        yield from zip(values.tolist(), dataset.Y[start : start + block].tolist(), strict=True)


def _type(column: Column) -> str:
    if column.kind == "category":
        return "{" + ",".join(quote(str(value)) for value in column.categories) + "}"
    return "integer" if column.kind == "integer" else "numeric"


def _range(column: Column, cells: NDArray[np.float64] | sparse.csc_array) -> str:
    """Return KEEL's ``[least, greatest]`` after the type of a number."""
    if column.kind == "category":
        return ""
    values = cells if isinstance(cells, np.ndarray) else cells.toarray()
    values = values[~np.isnan(values)]
    show = _shower(column)
    return f" [{show(float(values.min()))}, {show(float(values.max()))}]" if values.size else ""


def _shower(column: Column, missing: str = "?") -> Callable[[float], str]:
    """Return the function that writes one value of the column."""
    if column.kind == "category":
        values = [quote(str(value)) for value in column.categories]
        return lambda value: missing if value != value else values[int(value)]

    def number(value: float) -> str:
        return missing if value != value else repr(value).removesuffix(".0")

    return number
