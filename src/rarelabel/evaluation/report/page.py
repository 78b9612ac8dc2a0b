"""The report as one HTML file that loads nothing and runs no script."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from rarelabel.datasets import atomic_path
from rarelabel.evaluation.report import account, overview, quality
from rarelabel.evaluation.report.cells import Cell, Table, p_text
from rarelabel.evaluation.report.gains import REFERENCE, Grid
from rarelabel.evaluation.report.labels import LabelScores, label_scores, reliability_curves
from rarelabel.evaluation.report.pictures import critical_difference_svg, gain_svg, label_svg, readable, reliability_svg
from rarelabel.evaluation.report.ranking import Ranking, ranking
from rarelabel.evaluation.report.summary import Summary, chosen_measures, summarize
from rarelabel.evaluation.report.verdict import Verdict, label_of
from rarelabel.evaluation.results import Results

__all__ = ["write_report"]

_LABELS = 30
"""How many labels of a data set are drawn; a table holds the others."""


def write_report(
    results: Results,
    path: str | os.PathLike[str],
    *,
    measures: Sequence[str] | None = None,
    title: str | None = None,
) -> Path:
    """Write the report of a comparison: one HTML file that loads nothing, runs no script and prints well.

    Equal results make equal bytes.

    Parameters
    ----------
    results : Results
    path : str or path-like
        An existing file is replaced once the new one is whole.
    measures : sequence of str, default=None
        Those in the tables. The first two judge, and the first decides. None: the usual ones, rare-label F1 first.
    title : str, default=None
        None: what was compared on what.

    Returns
    -------
    Path

    Raises
    ------
    ImportError
        If jinja2 or matplotlib is missing (extra ``report``).
    ValueError
        If a measure is unknown, or no run has it.

    Examples
    --------
    >>> import tempfile
    >>> from rarelabel.evaluation.results import Results
    >>> run = dict(dataset="birds", classifier="mlknn", repeat=0, seed=0, status="ok")
    >>> results = Results.from_records(
    ...     run | dict(approach=name, fold=fold, rare_f1=level + fold / 100)
    ...     for name, level in {"none": 0.2, "MLSMOTE": 0.3}.items()
    ...     for fold in range(3)
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(results, f"{folder}/report.html").read_text()
    >>> "raises rare-label F1 from 0.210 to 0.310" in page
    True
    """
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise ImportError("the report needs jinja2: pip install 'rarelabel[report]'") from None
    here = resources.files("rarelabel.evaluation.report")
    style = here.joinpath("report.css").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_printable
    )
    template = environment.from_string(here.joinpath("report.html.jinja").read_text(encoding="utf-8"))
    html = template.render(
        style=Markup(style),
        style_hash=Markup("sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()),
        label_of=label_of,
        **_contents(results, measures, title),
    )
    with atomic_path(path) as temporary:
        temporary.write_bytes(html.encode("utf-8"))
    return Path(path)


def _printable(value: Any) -> Any:
    """Names come from users: characters that no page may hold are replaced. A spread stays beside its mean."""
    return readable(value).replace(" ± ", "\xa0±\xa0").replace(" %", "\xa0%") if type(value) is str else value


def _contents(results: Results, measures: Sequence[str] | None, title: str | None) -> dict[str, Any]:
    summary = summarize(results, measures=measures)
    grid = Grid.of(results)
    chosen = chosen_measures(results, measures)
    calibration = [name for name in ("ece", "brier") if name in results.measures]
    shown = _shown(grid, summary.verdicts[0])
    curves = reliability_curves(results, grid, shown)
    ranks = [ranking(grid.scores(measure)) for measure in chosen[:2]]
    return {
        "title": title or f"Does resampling help? {_counted(len(grid.datasets), 'data set')} compared",
        "facts": _facts(results, grid),
        "preliminary": summary.runs_sentence if summary.n_runs < summary.n_planned else "",
        "runs_sentence": summary.runs_sentence,
        "verdicts": summary.verdicts,
        "how_to_read": _how_to_read(summary),
        "gain_pictures": _gain_pictures(summary),
        "verdict_tables": [overview.verdict_table(judged) for judged in summary.judged if len(grid.datasets) > 1],
        "overview": overview.overview_table(grid, chosen),
        "gain_tables": [overview.gain_table(summary, judged) for judged in summary.judged],
        "ranks": [_rank_section(found, grid, i) for i, found in enumerate(ranks)],
        "facts_table": account.dataset_facts(results),
        **_dataset_sections(results, grid, summary, chosen[:2]),
        "fidelity": quality.resampling_table(results, "How real the new rows are", quality.FIDELITY),
        "privacy": quality.resampling_table(results, "How private the new rows are", quality.PRIVACY),
        "fidelity_columns": quality.FIDELITY,
        "privacy_columns": quality.PRIVACY,
        "calibration": overview.overview_table(grid, calibration, "Calibration errors")
        if calibration
        else Table("", (), ()),
        "reliability_pictures": _reliability_pictures(curves),
        "reliability_legend": _legend(shown),
        "machine": _machine(results.environment),
        "costs": quality.cost_table(results),
        "failures": account.failure_table(results),
        "absent": account.absent_table(results),
        "notes": account.note_table(results),
        "protocol": account.protocol_words(results, grid),
        "command": results.command,
        "environment": _environment_table(results.environment),
        "spec": account.spec_text(results),
    }


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def _facts(results: Results, grid: Grid) -> str:
    return ", ".join(
        (
            _counted(len(grid.datasets), "data set"),
            _counted(len(grid.approaches), "approach", "approaches"),
            _counted(len(grid.classifiers), "classifier"),
            _counted(len(results), "run"),
        )
    )


def _how_to_read(summary: Summary) -> str:
    n_folds = "the folds of the data set, corrected for the training rows they share"
    over = f"the {len(summary.datasets)} data sets, each of which counts once" if len(summary.datasets) > 1 else n_folds
    return (
        f"Scores are of held-out rows. ± is half of the 95 % interval of the mean paired difference over {over}. "
        "“Clear” allows for the number of approaches tried; differences up to 0.01 count as none."
    )


def _shown(grid: Grid, verdict: Verdict) -> list[str]:
    """Doing nothing, the best sampler and the best cheap remedy, as far as there are such."""
    best = [gain.approach for gain in (verdict.sampler, verdict.remedy) if gain]
    return [REFERENCE, *best] if REFERENCE in grid.approaches else list(grid.approaches[:3])


def _legend(shown: Sequence[str]) -> list[dict[str, str]]:
    return [{"shape": shape, "text": name} for shape, name in zip("os^", shown, strict=False)]


def _picture(svg: str, caption: str = "", more: str = "") -> dict[str, Any]:
    from markupsafe import Markup

    return {"svg": Markup(svg), "caption": caption, "more": more}


def _gain_pictures(summary: Summary) -> list[dict[str, Any]]:
    pictures = []
    for i, judged in enumerate(summary.judged):
        found = sorted(judged.gains.values(), key=lambda gain: -gain.mean)
        if found:
            caption = f"Gain over {REFERENCE} in {label_of(judged.verdict.measure)}"
            pictures.append(_picture(gain_svg(f"gain{i}", caption, found), caption))
    return pictures


def _rank_section(found: Ranking, grid: Grid, i: int) -> dict[str, Any]:
    section: dict[str, Any] = {
        "measure": found.common.measure,
        "reason": found.reason,
        "left_out": overview.left_out(found.common, len(grid.blocks)),
        "table": overview.rank_table(found),
        "sentence": "",
        "picture": None,
    }
    test = found.friedman
    if test is None or found.nemenyi is None:
        return section
    n, k = len(found.common.blocks), len(test.methods)
    several = len({block.dataset for block in found.common.blocks}) < n
    section["sentence"] = (
        f"Approaches are ranked on each of {n} blocks (a classifier on a data set). Friedman’s test that all {k} are "
        f"equally good: χ²({k - 1}) = {test.chi2:.3g}, {p_text(test.p_value)}; Iman and Davenport’s "
        f"F({k - 1}, {(k - 1) * (n - 1)}) = {test.f:.3g}, {p_text(test.f_p_value)}."
    )
    if several:
        section["sentence"] += (
            " Blocks of one data set are alike, so that these p-values are smaller than they should be; the verdict "
            "above counts each data set once."
        )
    title = f"Critical-difference diagram by {label_of(found.common.measure)}"
    section["picture"] = _picture(critical_difference_svg(f"cd{i}", found.nemenyi, title), title)
    return section


def _dataset_sections(results: Results, grid: Grid, summary: Summary, measures: Sequence[str]) -> dict[str, Any]:
    labels = label_scores(results, grid, ("f1", "average_precision"))
    sections = []
    for d, dataset in enumerate(grid.datasets):
        verdict = summary.judged[0].on[dataset]
        alone = len(grid.datasets) == 1
        section: dict[str, Any] = {
            "name": dataset,
            "headline": "" if alone else f"{verdict.headline}.",
            "sentences": () if alone else verdict.sentences,
            "open": d == 0,
            "tables": [overview.dataset_table(grid, dataset, measure) for measure in measures],
            "pictures": [],
        }
        if dataset in labels:
            section |= _label_pictures(labels[dataset], _shown(grid, verdict), d)
        sections.append(section)
    return {"datasets": sections, "label_legend": bool(labels)}


def _label_pictures(labels: LabelScores, shown: list[str], d: int) -> dict[str, Any]:
    order = np.argsort(labels.counts, kind="stable")
    drawn = order[:_LABELS]
    names, counts = [labels.names[j] for j in drawn], labels.counts[drawn].tolist()
    pictures = []
    for vector, label in (("f1", "F1"), ("average_precision", "Average precision")):
        if vector in labels.values:
            values = labels.over_classifiers(vector, shown)[:, drawn]
            series = dict(zip(shown, values, strict=True))
            svg = label_svg(f"labels{d}-{vector}", f"{label} of each label", names, counts, series)
            pictures.append(_picture(svg, f"{label} of each label"))
    more = len(order) - len(drawn)
    return {
        "pictures": pictures,
        "legend": _legend(shown),
        "cut": f"The rarest {_LABELS} labels are drawn; the table holds the other {more} as well." if more else "",
        "labels": overview.label_table(labels, order.tolist(), shown),
    }


def _reliability_pictures(curves: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        _picture(reliability_svg(f"reliability{d}", f"Reliability on {dataset}", here), dataset)
        for d, (dataset, here) in enumerate(curves.items())
    ]


def _machine(environment: Mapping[str, Any]) -> str:
    platform = environment.get("platform")
    return f" (started on {platform})" if platform else ""


def _environment_table(environment: Mapping[str, Any]) -> Table:
    rows = tuple((Cell(str(name)), Cell(str(version), left=True)) for name, version in environment.items())
    return Table("What ran it", ("part", "version"), rows)
