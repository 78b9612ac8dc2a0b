"""The numbers of a comparison as files: CSV, Parquet and LaTeX."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rarelabel.datasets import atomic_path
from rarelabel.evaluation.columns import UNKNOWN
from rarelabel.evaluation.report.cells import Cell, Table
from rarelabel.evaluation.report.gains import Grid
from rarelabel.evaluation.report.labels import label_scores
from rarelabel.evaluation.report.overview import overview_table
from rarelabel.evaluation.report.pictures import readable
from rarelabel.evaluation.report.quality import fidelity_means
from rarelabel.evaluation.report.ranking import ranking
from rarelabel.evaluation.report.summary import chosen_measures
from rarelabel.evaluation.results import Cost, Results

__all__ = ["write_tables"]

_VECTORS = ("f1", "average_precision", "precision", "recall")
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "−": "$-$", "±": r"$\pm$",
    "–": "--", "\xa0": "~", "\n": " ", "\r": " ", "\t": " ",
}  # fmt: skip

_SUMMARY = ("dataset", "classifier", "approach", "measure", "mean", "standard_deviation", "n_runs")
_RANKS = ("measure", "approach", "mean_rank", "n_blocks", "better", "tied", "worse", "median_difference", "p", "p_holm")
_LABELS = ("dataset", "classifier", "approach", "label", "n_rows", *_VECTORS)


def write_tables(
    results: Results, folder: str | os.PathLike[str], *, measures: Sequence[str] | None = None
) -> tuple[Path, ...]:
    """Write the tables of a comparison. Each file takes its place once it is whole.

    =================  ==============================================================================================
    File               One row for each
    =================  ==============================================================================================
    ``runs.csv``       run, without what it cost: the same bytes wherever it is run
    ``runs.parquet``   run, costs and warnings included
    ``summary.csv``    data set, classifier, approach and measure: mean and standard deviation over folds and seeds
    ``ranks.csv``      main measure and approach: mean rank, and the signed-rank test against none
    ``fidelity.csv``   data set and approach that resamples: how real and how private the new rows are
    ``costs.csv``      approach: mean processor seconds, clock seconds and megabytes of a run
    ``per_label.csv``  data set, classifier, approach and label: means over folds of F1, AP, precision and recall
    ``summary.tex``    approach: means of the main measures, for LaTeX with the package ``booktabs``
    =================  ==============================================================================================

    Parameters
    ----------
    results : Results
    folder : str or path-like
        Made where it is not there; files of these names in it are replaced.
    measures : sequence of str, default=None
        Of ``summary.tex``, and the first two of ``ranks.csv``. None: as :func:`write_report` has them.

    Returns
    -------
    tuple of Path
        The files.

    Raises
    ------
    ImportError
        If pyarrow is missing (extra ``data``).
    ValueError
        If a measure is unknown, or no run has it.

    Examples
    --------
    >>> import tempfile
    >>> from rarelabel.evaluation.results import Results
    >>> run = dict(dataset="birds", classifier="mlknn", repeat=0, seed=0, status="ok")
    >>> results = Results.from_records(
    ...     run | dict(approach=name, fold=fold, rare_f1=level + fold / 4)
    ...     for name, level in {"none": 0.25, "MLSMOTE": 0.5}.items()
    ...     for fold in range(3)
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = write_tables(results, folder)
    ...     print(files[2].name, files[2].read_text(), sep=chr(10))
    summary.csv
    dataset,classifier,approach,measure,mean,standard_deviation,n_runs
    birds,mlknn,none,rare_f1,0.5,0.25,3
    birds,mlknn,MLSMOTE,rare_f1,0.75,0.25,3
    <BLANKLINE>
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = chosen_measures(results, measures)
    grid = Grid.of(results)
    return (
        results.write_table(folder / "runs.csv"),
        _write_parquet(results, folder / "runs.parquet"),
        _write_csv(folder / "summary.csv", _SUMMARY, _summary_rows(results)),
        _write_csv(folder / "ranks.csv", _RANKS, _rank_rows(results, chosen[:2])),
        _write_csv(folder / "fidelity.csv", *_fidelity(results)),
        _write_csv(folder / "costs.csv", Cost._fields, results.costs()),
        _write_csv(folder / "per_label.csv", _LABELS, _label_rows(results, grid)),
        _write_text(folder / "summary.tex", latex_table(overview_table(grid, chosen))),
    )


def _write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([None if value != value else value for value in row] for row in rows)
    return path


def _write_text(path: Path, text: str) -> Path:
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))
    return path


def _write_parquet(results: Results, path: Path) -> Path:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ImportError("Parquet files need pyarrow: pip install 'rarelabel[data]'") from None
    columns = {}
    for name, values in results.runs.items():
        if values.dtype == object:
            columns[name] = pa.array(values.tolist(), pa.string())
        else:
            columns[name] = pa.array(values, mask=values == UNKNOWN if values.dtype == np.int64 else np.isnan(values))
    with atomic_path(path) as temporary:
        pq.write_table(pa.table(columns), temporary)
    return path


def _summary_rows(results: Results) -> Iterable[Sequence[Any]]:
    for measure in results.measures:
        scores = results.scores(measure)
        values, deviations, counts = scores.values.tolist(), scores.deviations.tolist(), scores.counts.tolist()
        for b, block in enumerate(scores.blocks):
            for a, approach in enumerate(scores.approaches):
                yield (*block, approach, measure, values[b][a], deviations[b][a], counts[b][a])


def _rank_rows(results: Results, measures: Sequence[str]) -> Iterable[Sequence[Any]]:
    for measure in measures:
        found = ranking(results.scores(measure))
        if found.friedman is None:
            continue
        tests = {each.first: each for each in found.against_none.comparisons} if found.against_none else {}
        ranks = found.friedman.mean_ranks.tolist()
        for name, rank in zip(found.friedman.methods, ranks, strict=True):
            test = tests.get(name)
            against = (
                (test.wins, test.ties, test.losses, test.median_difference, test.p_value, test.adjusted_p_value)
                if test
                else (None,) * 6
            )
            yield (measure, name, rank, len(found.common.blocks), *against)


def _fidelity(results: Results) -> tuple[list[str], list[list[Any]]]:
    groups, means = fidelity_means(results, "dataset", "approach")
    rows = [[*group, *(values[g] for values in means.values())] for g, group in enumerate(groups)]
    return ["dataset", "approach", *means], rows


def _label_rows(results: Results, grid: Grid) -> Iterable[Sequence[Any]]:
    for dataset, labels in label_scores(results, grid, _VECTORS).items():
        nothing = np.full((len(labels.classifiers), len(labels.approaches), len(labels.names)), np.nan)
        values = np.stack([labels.values.get(name, nothing) for name in _VECTORS], axis=-1).tolist()
        counts = labels.counts.tolist()
        for c, classifier in enumerate(labels.classifiers):
            for a, approach in enumerate(labels.approaches):
                for j, name in enumerate(labels.names):
                    yield (dataset, classifier, approach, name, counts[j], *values[c][a][j])


def latex_table(table: Table) -> str:
    r"""A table for LaTeX with the package ``booktabs``; what is bold on the page is bold here.

    Examples
    --------
    >>> from rarelabel.evaluation.report.cells import Cell, Table
    >>> print(latex_table(Table("", ("approach", "F1"), ((Cell("a_b"), Cell("0.5", "± 0.1", True)),))))
    % needs \usepackage{booktabs}
    \begin{tabular}{lr}
    \toprule
    approach & F1 \\
    \midrule
    a\_b & \textbf{0.5} {\small $\pm$ 0.1} \\
    \bottomrule
    \end{tabular}
    <BLANKLINE>
    """
    lines = [
        r"% needs \usepackage{booktabs}",
        rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
        r"\toprule",
        " & ".join(map(_escaped, table.columns)) + r" \\",
        r"\midrule",
        *(" & ".join(map(_latex_cell, row)) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _latex_cell(cell: Cell) -> str:
    text = _escaped(cell.text)
    text = rf"\textbf{{{text}}}" if cell.strong else text
    return f"{text} {{\\small {_escaped(cell.spread)}}}" if cell.spread else text


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in readable(text))
