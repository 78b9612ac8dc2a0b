"""Generate: draw rows from a trained model, under conditions, and write them to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rarelabel.datasets import Dataset, write
from rarelabel.imbalance import ImbalanceReport, describe
from rarelabel.registry import is_single_label
from rarelabel.schema import Column, Schema
from rarelabel.selection import check_memory
from rarelabel.tasks._outputs import PathLike, Progress, check_outputs, rehearse, silent
from rarelabel.tasks._resampling import shortened
from rarelabel.tasks._sampling import Provenance, near_names, write_provenance

__all__ = ["Generation", "generate"]


@dataclass(frozen=True, eq=False)
class Generation:
    """What :func:`generate` did. Print it, or call :meth:`to_dict`.

    Parameters
    ----------
    model : str
        Name of the model file.
    method : str
        What learned the model.
    n_training_rows : int
        Rows of the table it was made from.
    n_subset : int or None
        Those of them that carry a minority label; None for methods that make no use of that.
    path : {"subset", "all rows conditioned", "all rows"}
        Which of them it was trained on.
    n_asked : int
        Rows that were asked for; ``report.n_rows`` were drawn.
    conditions : dict of str to object
        Names of labels and columns to the values that all rows have.
    rows_per_label : dict of str to int
        How many rows were drawn for each label that any was drawn for.
    report : ImbalanceReport
        Of the rows drawn.
    files : tuple of Path
        What was written.
    """

    model: str
    method: str
    n_training_rows: int
    n_subset: int | None
    path: str
    n_asked: int
    conditions: dict[str, Any]
    rows_per_label: dict[str, int]
    report: ImbalanceReport = field(repr=False)
    files: tuple[Path, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give everything as a dictionary that ``json.dumps`` takes; what is undefined is None."""
        return {
            "model": self.model,
            "method": self.method,
            "training_rows": self.n_training_rows,
            "training_rows_with_a_minority_label": self.n_subset,
            "trained_on": self.path,
            "rows_asked": self.n_asked,
            "rows": self.report.n_rows,
            "conditions": self.conditions,
            "rows_per_label": self.rows_per_label,
            "report": self.report.to_dict(),
            "files": [str(file) for file in self.files],
        }

    def __str__(self) -> str:
        n = self.report.n_rows
        drawn = f"{n:,} rows" if n == self.n_asked else f"{n:,} of the {self.n_asked:,} rows asked for"
        asked = ", ".join(f"{name} = {_shown(value)}" for name, value in self.conditions.items())
        lines = [
            f"{drawn} drawn from {self.model}: {self.method}, trained on {self._training_rows()}",
            f"  conditions: {asked or self._unasked()}",
            *self._label_lines(),
        ]
        if n < self.n_asked:
            lines += [
                "",
                "Note: no more rows could be drawn that meet the conditions; the model may not know such rows",
            ]
        elif self.conditions:
            lines += ["", "Note: rows under conditions that no training row met are guesses; look before you use them"]
        return "\n".join(lines)

    def _training_rows(self) -> str:
        if self.n_subset is None:
            return f"all {self.n_training_rows:,} rows"
        if self.path == "subset":
            return f"the {self.n_subset:,} rows with a minority label"
        return f"all {self.n_training_rows:,} rows, of which {self.n_subset:,} carry a minority label"

    def _unasked(self) -> str:
        what = "a class that rows were to be added to" if is_single_label(self.method) else "a minority label"
        return f"none; each row was drawn for {what}"

    def _label_lines(self) -> list[str]:
        report = self.report
        by_name = {f"label {name}": label for label, name in enumerate(report.label_names)}
        by_name |= {name: label for label, name in enumerate(report.label_names)}
        asked = [by_name[name] for name in (self.conditions or self.rows_per_label) if name in by_name]
        shown = asked + [label for label in report.rarest_first.tolist() if label not in asked][:10]
        names = [shortened(report.label_names[label], 32) for label in shown]
        width = max(16, *map(len, names))
        head = f"  {'Labels':<{width}}  {'rows that carry it':>18}  {'share':>7}"
        lines = ["", head + ("" if self.conditions else f"  {'drawn for it':>12}")]
        for label, name in zip(shown, names, strict=True):
            count = int(report.counts[label])
            line = f"  {name:<{width}}  {count:>18,}  {count / report.n_rows:>7.1%}"
            if not self.conditions:
                line += f"  {self.rows_per_label.get(report.label_names[label], 0):>12,}"
            lines.append(line)
        if report.n_labels > len(shown):
            lines.append(f"  ... and {report.n_labels - len(shown):,} more frequent labels")
        return lines


def generate(
    model: PathLike,
    n: int,
    out: PathLike,
    conditions: Mapping[str | tuple[str, str], Any] | None = None,
    *,
    labels: Sequence[str] = (),
    where: Sequence[str] = (),
    seed: int = 0,
    provenance: PathLike | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> Generation:
    """Draw rows from a trained model and write them to a file.

    Parameters
    ----------
    model : path-like
        A file that ``save`` of a sampler such as :class:`rarelabel.MLDM` or :func:`resample` with ``save_model`` wrote.
    n : int
        How many rows.
    out : path-like
        The file to write, in the format of its suffix. Names, kinds and categories of the columns are those of the
        table that the model was trained on.
    conditions : mapping of str to object, default=None
        Name of a label to 0 or 1, name of a column to its value: all rows have them. ``("label", name)`` and
        ``("column", name)`` say which is meant. None given at all: each row is
        drawn for a minority label, or a class that rows were to be added to. CWGANGP takes no columns.
    labels, where : sequence of str, default=()
        More conditions, on labels and on columns, as texts such as ``"rare=1"`` and ``"age=61"``. An empty value of a
        column, or ``?``, is a missing one. A name may hold ``=``: the last one that leaves a name parts it.
    seed : int, default=0
        The same seed gives the same rows.
    provenance : path-like, default=None
        CSV file to write with the label that each row was drawn for, in the columns that :func:`resample` writes.
    device : str, default="auto"
        Of torch: ``"cpu"``, ``"cuda"``, ...
    progress : callable, default does nothing
        Called with a line before each step.

    Returns
    -------
    Generation
        With a warning that says how many rows were drawn, where they are fewer than ``n``.

    Raises
    ------
    ValueError, OSError, ImportError
        If the model cannot be read, a condition names nothing, asks for what cannot be, or is one that the method
        cannot take, no row could be drawn that
        meets the conditions, or the file cannot be written. Nothing is left half-written, and what can be known
        before the work is found out before it.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, got {n}")
    check_outputs([out, provenance], [model])
    progress(f"Reading {model}")
    from rarelabel.generative import load_model

    trained = load_model(model, device)
    schema, plan = trained.schema_, trained.sampling_strategy_
    n_training_rows = plan.get("rows_before") if isinstance(plan, Mapping) else None
    n_subset = getattr(trained, "n_subset_", None)
    if not isinstance(n_training_rows, int) or not isinstance(n_subset, int | None):
        raise ValueError(f"{model} is damaged: it does not say how many rows it was trained on")
    wanted = _conditions(schema, conditions or {}, labels, where)
    rehearse(_one_row(schema), out)
    check_memory(n, np.zeros((1, schema.n_features)), schema.n_labels, asked_by="n")
    progress(f"Drawing {n:,} rows")
    dataset = trained.sample_dataset(n, wanted or None, random_state=seed)
    told = {name if isinstance(name, str) else " ".join(map(str, name)): value for name, value in wanted.items()}
    if not len(dataset.Y):
        asked = ", ".join(f"{name} = {_shown(value)}" for name, value in told.items())
        raise ValueError(
            f"{model}: none of {n:,} rows could be drawn that meets the conditions {asked}; nothing is written"
        )
    method = type(trained).__name__
    origin = _origin(dataset, method, trained.drawn_for_)
    progress(f"Writing {out}")
    files = [*write(dataset, out)]
    if provenance is not None:
        files.append(write_provenance(origin, provenance))
    return Generation(
        model=Path(model).name,
        method=method,
        n_training_rows=n_training_rows,
        n_subset=n_subset,
        path=getattr(trained, "path_", "all rows"),
        n_asked=n,
        conditions=told,
        rows_per_label=origin.rows_per_label(),
        report=describe(dataset.X, dataset.Y, schema=schema),
        files=tuple(files),
    )


def _conditions(
    schema: Schema, given: Mapping[str | tuple[str, str], Any], labels: Sequence[str], where: Sequence[str]
) -> dict[str | tuple[str, str], Any]:
    """All conditions by name; values are those of the columns. A name of two is told with the one that is meant."""
    columns = {column.name: column for column in schema.features}
    both = set(columns) & set(schema.label_names)
    pairs: list[tuple[str | tuple[str, str], Any]] = [
        (name if isinstance(name, tuple) else str(name), value) for name, value in given.items()
    ]
    pairs += [
        (("label", name) if name in both else name, _label_value(name, text))
        for name, text in _split(labels, schema.label_names, columns, "label")
    ]
    pairs += [
        (("column", name) if name in both else name, _column_value(columns[name], text))
        for name, text in _split(where, schema.feature_names, schema.label_names, "column")
    ]
    found: dict[str | tuple[str, str], Any] = {}
    for name, value in pairs:
        if isinstance(name, str) and name not in columns and name not in schema.label_names:
            known = (*schema.label_names, *schema.feature_names)
            raise ValueError(
                f"conditions name {name!r}, which is neither a column nor a label; {near_names(name, known)}"
            )
        if name in found and not _same(found[name], value):
            raise ValueError(f"{name!r} is asked to be both {_shown(found[name])} and {_shown(value)}")
        found[name] = value
    return found


def _split(texts: Sequence[str], names: Sequence[str], others: Any, what: str) -> list[tuple[str, str]]:
    """Names and values; the last = that leaves a known name on its left parts them."""
    parted, other = [], {"label": "a column: use --where", "column": "a label: use --label"}[what]
    for text in texts:
        if "=" not in text:
            raise ValueError(f"expected {what}=value, got {text!r}")
        places = [i for i, sign in enumerate(text) if sign == "="][::-1]
        splits = [(text[:i].strip(), text[i + 1 :].strip()) for i in places]
        known = [split for split in splits if split[0] in names]
        if not known:
            name = splits[0][0] if what == "label" else splits[-1][0]
            hint = f"it is {other}" if name in others else near_names(name, names)
            raise ValueError(f"{text!r} names {name!r}, which is not a {what}; {hint}")
        parted.append(known[0])
    return parted


def _label_value(name: str, text: str) -> int:
    if text not in ("0", "1"):
        raise ValueError(f"label {name!r} is 0 or 1, got {text!r}")
    return int(text)


def _column_value(column: Column, text: str) -> Any:
    """A number, a category or None for a missing value."""
    by_text = {str(category): category for category in column.categories}
    if text in by_text:
        return by_text[text]
    if text in ("", "?"):
        return None
    if column.kind == "category":
        raise ValueError(f"column {column.name!r} has no category {text!r}; {near_names(text, list(by_text))}")
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"column {column.name!r} holds numbers, got {text!r}") from None


def _same(a: Any, b: Any) -> bool:
    return bool(a == b) or (a is None and b is None)


def _shown(value: Any) -> str:
    return "missing" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _one_row(schema: Schema) -> Dataset:
    """A row of the kind that will be drawn, to see whether it can be written."""
    Y = np.zeros((1, schema.n_labels), dtype=bool)
    Y[0, 0] = schema.exclusive
    return Dataset(np.zeros((1, schema.n_features)), Y, schema)


def _origin(dataset: Dataset, method: str, drawn_for: Any) -> Provenance:
    none = np.full(len(dataset.Y), -1, dtype=np.intp)
    new = np.ones(len(dataset.Y), dtype=bool)
    return Provenance(method, {}, dataset.label_names, new, none, none, drawn_for)
