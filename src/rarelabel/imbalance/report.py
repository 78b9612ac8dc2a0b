"""One look at a table: all measures together, to print, to show in a notebook, to store, to draw."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rarelabel._validation import validate_features, validate_labels
from rarelabel.imbalance import measures
from rarelabel.imbalance.measures import NeverPositive
from rarelabel.schema import Schema

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Concurrence", "ImbalanceReport", "describe"]


class Concurrence(NamedTuple):
    """A minority label whose rows also carry majority labels.

    Attributes
    ----------
    label : str
        The minority label.
    rows : int
        Rows that carry it.
    scumble : float
        Mean SCUMBLE of those rows.
    partners : tuple of (str, int)
        Majority labels in those rows and in how many, the most frequent first.
    """

    label: str
    rows: int
    scumble: float
    partners: tuple[tuple[str, int], ...]


@dataclass(frozen=True, eq=False)
class ImbalanceReport:
    """What :func:`describe` found. Print it, or call :meth:`plot`, :meth:`to_frame`, :meth:`to_dict`.

    Parameters
    ----------
    label_names : tuple of str, shape (q,)
    inputs : dict of str to int, or None
        Number of inputs of each kind; None where no X was given.
    counts : ndarray of int, shape (q,)
        Rows that carry each label.
    irlbl, scumble_per_label, scumble_cv_per_label : ndarray of float, shape (q,)
        See :func:`ir_per_label`, :func:`scumble_per_label`, :func:`scumble_cv_per_label`.
    minority : ndarray of bool, shape (q,)
        See :func:`minority_labels`.
    rows_by_cardinality : ndarray of int
        At position c, the rows that carry c labels.
    labelset_members : ndarray of bool, shape (m, q)
    labelset_counts : ndarray of int, shape (m,)
        See :func:`labelsets`.
    co_occurrence : ndarray of int, shape (q, q)
        See :func:`co_occurrence`.
    mean_ir, max_ir, cvir, scumble, scumble_cv : float
        See the functions of these names.
    """

    label_names: tuple[str, ...]
    inputs: dict[str, int] | None
    counts: NDArray[np.int64] = field(repr=False)
    irlbl: NDArray[np.float64] = field(repr=False)
    scumble_per_label: NDArray[np.float64] = field(repr=False)
    scumble_cv_per_label: NDArray[np.float64] = field(repr=False)
    minority: NDArray[np.bool_] = field(repr=False)
    rows_by_cardinality: NDArray[np.int64] = field(repr=False)
    labelset_members: NDArray[np.bool_] = field(repr=False)
    labelset_counts: NDArray[np.int64] = field(repr=False)
    co_occurrence: NDArray[np.int64] = field(repr=False)
    mean_ir: float
    max_ir: float
    cvir: float
    scumble: float
    scumble_cv: float

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.rows_by_cardinality.sum())

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return len(self.label_names)

    @property
    def n_inputs(self) -> int | None:
        """Number of inputs (features); None where no X was given."""
        return None if self.inputs is None else sum(self.inputs.values())

    @property
    def n_labelsets(self) -> int:
        """Number of distinct labelsets."""
        return len(self.labelset_counts)

    @property
    def cardinality(self) -> float:
        """Labels per row, on average."""
        return float(self.counts.sum() / self.n_rows)

    @property
    def density(self) -> float:
        """Cardinality over the number of labels."""
        return self.cardinality / self.n_labels

    @property
    def single_labelsets(self) -> int:
        """Number of labelsets in one row only."""
        return int(np.count_nonzero(self.labelset_counts == 1))

    @property
    def max_labelset_frequency(self) -> int:
        """Rows that carry the most frequent labelset."""
        return int(self.labelset_counts[0])

    @property
    def tcs(self) -> float | None:
        """ln(inputs x labels x labelsets); None where no X was given."""
        return float(np.log(self.n_inputs * self.n_labels * self.n_labelsets)) if self.n_inputs else None

    @property
    def rarest_first(self) -> NDArray[np.intp]:
        """Labels in ascending order of their counts, shape (q,)."""
        return np.argsort(self.counts, kind="stable")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know to read the numbers right."""
        never = [self.label_names[label] for label in np.flatnonzero(self.counts == 0)]
        if len(never) == self.n_labels:
            return ("no label has a positive: the imbalance ratios are undefined",)
        if not never:
            return ()
        named = ", ".join(map(repr, never[:5])) + (f" and {len(never) - 5} more" if len(never) > 5 else "")
        return (f"{len(never)} of {self.n_labels} labels have no positive: {named}",)

    def concurrence(self, n_labels: int = 10, n_partners: int = 5) -> tuple[Concurrence, ...]:
        """Minority labels whose SCUMBLE is above the mean, and the majority labels they share rows with.

        Parameters
        ----------
        n_labels : int, default=10
            Most minority labels to list, by descending SCUMBLE.
        n_partners : int, default=5
            Most majority labels to list for each.

        Returns
        -------
        tuple of Concurrence
        """
        tangled = np.flatnonzero(self.minority & (np.nan_to_num(self.scumble_per_label) > self.scumble))
        tangled = tangled[np.argsort(-self.scumble_per_label[tangled], kind="stable")][:n_labels]
        found = []
        for label in tangled:
            shared = np.where(self.minority, 0, self.co_occurrence[label])
            partners = np.argsort(-shared, kind="stable")[:n_partners]
            named = tuple((self.label_names[other], int(shared[other])) for other in partners if shared[other])
            count, scumble = int(self.counts[label]), float(self.scumble_per_label[label])
            found.append(Concurrence(self.label_names[label], count, scumble, named))
        return tuple(found)

    def to_dict(self, n_labelsets: int = 20) -> dict[str, Any]:
        """Give all numbers as a dictionary that ``json.dumps`` takes; what is undefined is None.

        Parameters
        ----------
        n_labelsets : int, default=20
            How many labelsets to list, the most frequent first.

        Returns
        -------
        dict
            Keys as in the R package mldr where it has the number; ``labels`` and ``labelsets`` are lists.
        """
        n_inputs = self.n_inputs
        return {
            "num.attributes": None if n_inputs is None else n_inputs + self.n_labels,
            "num.instances": self.n_rows,
            "num.inputs": n_inputs,
            "num.labels": self.n_labels,
            "num.labelsets": self.n_labelsets,
            "num.single.labelsets": self.single_labelsets,
            "max.frequency": self.max_labelset_frequency,
            "cardinality": self.cardinality,
            "density": self.density,
            "meanIR": _or_none(self.mean_ir),
            "scumble": self.scumble,
            "scumble.cv": _or_none(self.scumble_cv),
            "tcs": self.tcs,
            "maxIR": _or_none(self.max_ir),
            "CVIR": _or_none(self.cvir),
            "diversity": self.n_labelsets / self.n_rows,
            "num.minority.labels": int(self.minority.sum()),
            "num.rows.without.labels": int(self.rows_by_cardinality[0]),
            "inputs": self.inputs,
            "labels": [
                {
                    "name": name,
                    "count": int(self.counts[label]),
                    "freq": float(self.counts[label] / self.n_rows),
                    "IRLbl": _or_none(self.irlbl[label]),
                    "SCUMBLE": _or_none(self.scumble_per_label[label]),
                    "SCUMBLE.CV": _or_none(self.scumble_cv_per_label[label]),
                    "minority": bool(self.minority[label]),
                }
                for label, name in enumerate(self.label_names)
            ],
            "labelsets": [
                {"labels": [self.label_names[label] for label in np.flatnonzero(members)], "count": int(count)}
                for members, count in zip(
                    self.labelset_members[:n_labelsets], self.labelset_counts[:n_labelsets], strict=True
                )
            ],
            "concurrence": [entry._asdict() for entry in self.concurrence()],
            "notes": list(self.notes),
        }

    def to_frame(self) -> Any:
        """Give the labels as a pandas DataFrame, one row each.

        Returns
        -------
        pandas.DataFrame
            Columns ``count, frequency, irlbl, scumble, scumble_cv, minority``; the index holds the label names.

        Raises
        ------
        ImportError
            If pandas is missing.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ImportError("to_frame needs pandas: pip install 'rarelabel[data]'") from None
        columns = {
            "count": self.counts,
            "frequency": self.counts / self.n_rows,
            "irlbl": self.irlbl,
            "scumble": self.scumble_per_label,
            "scumble_cv": self.scumble_cv_per_label,
            "minority": self.minority,
        }
        return pd.DataFrame(columns, index=pd.Index(self.label_names, name="label"))

    def plot(self, kind: str = "all", *, top: int | None = None, figure: Figure | None = None) -> Figure:
        """Draw the report; see :func:`rarelabel.imbalance.plot`."""
        from rarelabel.imbalance.plots import plot

        return plot(self, kind, top=top, figure=figure)

    def __str__(self) -> str:
        lines = [self._title()]
        lines += [f"  {name:<17}{value}" for name, value in self._summary()]
        names = [_shortened(self.label_names[label], 32) for label in self.rarest_first[:10]]
        width = max(5, *map(len, names))
        lines += ["", "Rarest labels", f"  {'label':<{width}}  {'rows':>8}  {'share':>8}  {'IRLbl':>9}  {'SCUMBLE':>8}"]
        for name, cells in zip(names, self._label_cells(), strict=True):
            lines.append(f"  {name:<{width}}  {cells[0]:>8}  {cells[1]:>8}  {cells[2]:>9}  {cells[3]:>8}  {cells[4]}")
        if self.n_labels > 10:
            lines.append(f"  ... and {self.n_labels - 10} more frequent labels")
        if tangled := self.concurrence(5, 3):
            lines += ["", "Minority labels that share rows with majority labels (rows)"]
            for label, rows, _, partners in tangled:
                shared = ", ".join(f"{_shortened(name, 24)} ({both})" for name, both in partners)
                lines.append(f"  {_shortened(label, 32)} ({rows}): {shared or 'none'}")
        lines += [f"\nNote: {note}" for note in self.notes]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        """Render in a notebook; names are escaped."""
        summary = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{escape(value)}</td></tr>"
            for name, value in self._summary()
        )
        head = "".join(f"<th>{name}</th>" for name in ("label", "rows", "share", "IRLbl", "SCUMBLE", ""))
        labels = "".join(
            f"<tr><td style='text-align:left'>{escape(self.label_names[label])}</td>"
            + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            + "</tr>"
            for label, cells in zip(self.rarest_first[:10], self._label_cells(), strict=True)
        )
        notes = "".join(f"<p>Note: {escape(note)}</p>" for note in self.notes)
        return (
            f"<div><p><b>{escape(self._title())}</b></p><table>{summary}</table>"
            f"<p><b>Rarest labels</b></p><table><thead><tr>{head}</tr></thead><tbody>{labels}</tbody></table>"
            f"{notes}</div>"
        )

    def _title(self) -> str:
        inputs = "" if self.n_inputs is None else f"{self.n_inputs:,} inputs, "
        return f"Imbalance of {self.n_rows:,} rows, {inputs}{self.n_labels:,} labels"

    def _summary(self) -> list[tuple[str, str]]:
        rows = [
            (
                "labels per row",
                f"{self.cardinality:.3f} (density {self.density:.3g}; {self.rows_by_cardinality[0]:,} rows without)",
            ),
            (
                "labelsets",
                f"{self.n_labelsets:,} ({self.single_labelsets:,} in one row only; "
                f"the most frequent in {self.max_labelset_frequency:,})",
            ),
            ("MeanIR", f"{self.mean_ir:.3f} (max {self.max_ir:.3f}, CVIR {self.cvir:.3f})"),
            ("SCUMBLE", f"{self.scumble:.4f} (CV {self.scumble_cv:.3f})"),
            ("minority labels", f"{self.minority.sum():,} of {self.n_labels:,} (IRLbl above MeanIR)"),
        ]
        if self.inputs is not None and self.tcs is not None:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.inputs.items())
            rows += [("inputs", kinds), ("TCS", f"{self.tcs:.3f}")]
        return rows

    def _label_cells(self) -> list[tuple[str, str, str, str, str]]:
        """Rows, share, IRLbl, SCUMBLE and mark of the ten rarest labels."""
        return [
            (
                f"{self.counts[label]:,}",
                f"{self.counts[label] / self.n_rows:.2%}",
                f"{self.irlbl[label]:.2f}",
                f"{self.scumble_per_label[label]:.4f}",
                "minority" if self.minority[label] else "",
            )
            for label in self.rarest_first[:10]
        ]


def describe(
    X: Any, Y: Any, *, schema: Schema | None = None, never_positive: NeverPositive = "ignore"
) -> ImbalanceReport:
    """Measure how imbalanced a table is.

    Parameters
    ----------
    X : array-like, sparse matrix, DataFrame or None, shape (n, d)
        Features, of which only number and kinds enter. None leaves out what needs them (TCS).
    Y : array-like, sparse matrix, DataFrame or list of label lists, shape (n, q) or (n,)
        Labels.
    schema : Schema, default=None
        Names and kinds of the columns, as in ``Dataset.schema``. None reads them off X and Y.
    never_positive : {"ignore", "mldr"}, default="ignore"
        Labels without a positive are left out of MeanIR and CVIR, or counted with an imbalance ratio of 0 as in the R
        package mldr.

    Returns
    -------
    ImbalanceReport

    Raises
    ------
    ValueError
        If X or Y is no table, they differ in length, or ``schema`` does not fit them.

    Examples
    --------
    >>> from rarelabel.imbalance import describe
    >>> report = describe(None, [["sea", "sun"], ["sun"], ["sun"], ["sun"]])
    >>> print(report)
    Imbalance of 4 rows, 2 labels
      labels per row   1.250 (density 0.625; 0 rows without)
      labelsets        2 (1 in one row only; the most frequent in 3)
      MeanIR           2.500 (max 4.000, CVIR 0.849)
      SCUMBLE          0.0500 (CV 2.000)
      minority labels  1 of 2 (IRLbl above MeanIR)
    <BLANKLINE>
    Rarest labels
      label      rows     share      IRLbl   SCUMBLE
      sea           1    25.00%       4.00    0.2000  minority
      sun           4   100.00%       1.00    0.0500
    <BLANKLINE>
    Minority labels that share rows with majority labels (rows)
      sea (1): sun (1)
    """
    labels = validate_labels(Y)
    Y, names = labels.Y, labels.names
    inputs = _input_kinds(X, len(Y), schema)
    if schema is not None:
        if schema.n_labels != len(names):
            raise ValueError(f"schema names {schema.n_labels} labels, Y has {len(names)}")
        names = schema.label_names
    members, labelset_counts, _ = measures.labelsets(Y)
    return ImbalanceReport(
        label_names=names,
        inputs=inputs,
        counts=measures.label_counts(Y),
        irlbl=measures.ir_per_label(Y, never_positive=never_positive),
        scumble_per_label=measures.scumble_per_label(Y, never_positive=never_positive),
        scumble_cv_per_label=measures.scumble_cv_per_label(Y),
        minority=measures.minority_labels(Y, threshold=measures.mean_ir(Y, never_positive=never_positive)),
        rows_by_cardinality=np.bincount(Y.sum(axis=1)),
        labelset_members=members,
        labelset_counts=labelset_counts,
        co_occurrence=measures.co_occurrence(Y),
        mean_ir=measures.mean_ir(Y, never_positive=never_positive),
        max_ir=measures.max_ir(Y),
        cvir=measures.cvir(Y, never_positive=never_positive),
        scumble=measures.scumble(Y),
        scumble_cv=measures.scumble_cv(Y),
    )


def _input_kinds(X: Any, n: int, schema: Schema | None) -> dict[str, int] | None:
    """Count the columns of X by kind."""
    if X is None and schema is None:
        return None
    if schema is None:
        features = validate_features(X, allow_nan=True)
        rows, columns = features.X.shape[0], features.columns
    else:
        columns = schema.features
        rows, width = (n, len(columns)) if X is None else X.shape
        if width != len(columns):
            raise ValueError(f"schema names {len(columns)} features, X has {width}")
    if rows != n:
        raise ValueError(f"X and Y have inconsistent numbers of samples: X has {rows} rows, Y {n}")
    kinds = [column.kind for column in columns]
    return {kind: kinds.count(kind) for kind in ("numeric", "integer", "category") if kind in kinds}


def _or_none(value: float) -> float | None:
    return float(value) if isfinite(value) else None


def _shortened(name: str, length: int) -> str:
    name = " ".join(name.split())
    return name if len(name) <= length else name[: length - 1] + "…"
