"""The verdict of a comparison, and the few numbers it rests on, as values and as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from textwrap import fill

from rarelabel.evaluation.measures import DEFAULT_MEASURES, check_measures
from rarelabel.evaluation.report.gains import Gain, Grid, Judgement
from rarelabel.evaluation.report.verdict import Judged, Verdict, judge, label_of
from rarelabel.evaluation.results import Results

__all__ = ["JUDGEMENTS", "Summary", "chosen_measures", "summarize"]

_WIDTH = 100

JUDGEMENTS: dict[Judgement, str] = {
    "better": "clearly better",
    "worse": "clearly worse",
    "equal": "as good as none",
    "unclear": "no clear difference",
    "untested": "too little to tell",
}
"""What tables say of a gain."""


@dataclass(frozen=True, eq=False)
class Summary:
    """What :func:`summarize` returns. Its text is the verdict and a table of gains, at most 100 columns wide.

    Parameters
    ----------
    judged : tuple of Judged
        By each of the main measures, of which the first decides.
    datasets : tuple of str
    n_runs, n_planned, n_failed, n_skipped : int
    """

    judged: tuple[Judged, ...] = field(repr=False)
    datasets: tuple[str, ...]
    n_runs: int
    n_planned: int
    n_failed: int
    n_skipped: int

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Over all data sets, by each of the main measures."""
        return tuple(judged.verdict for judged in self.judged)

    @property
    def runs_sentence(self) -> str:
        """How many runs there are, and how many more are to come."""
        lost = f"{self.n_failed:,} failed, {self.n_skipped:,} skipped"
        if self.n_runs < self.n_planned:
            return f"Preliminary: {self.n_runs:,} of {self.n_planned:,} runs so far, {lost}."
        return f"{self.n_runs:,} runs, {lost}."

    def __str__(self) -> str:
        """The verdict and the table."""
        lines = []
        for i, verdict in enumerate(self.verdicts):
            lines += [f"{verdict.headline}." if i == 0 else f"By {label_of(verdict.measure)}: {verdict.headline}."]
            lines += [_wrapped(text) for text in verdict.sentences]
        if any(judged.gains for judged in self.judged):
            lines += ["", *_gain_table(self)]
        return "\n".join([*lines, "", self.runs_sentence])


def summarize(results: Results, *, measures: Sequence[str] | None = None) -> Summary:
    """Say whether resampling helped, by which approach and how much, and whether a cheap remedy does as well.

    See :mod:`rarelabel.evaluation.report.verdict` for the rules.

    Parameters
    ----------
    results : Results
    measures : sequence of str, default=None
        By what to judge: the first two are, the first decides. None: rare-label F1 and macro F1.

    Returns
    -------
    Summary

    Raises
    ------
    ValueError
        If a measure is unknown, or no run has it.

    Examples
    --------
    >>> from rarelabel.evaluation.results import Results
    >>> run = dict(dataset="birds", classifier="mlknn", repeat=0, seed=0, status="ok")
    >>> values = {"none": [0.25, 0.31, 0.28], "MLSMOTE": [0.35, 0.42, 0.38]}
    >>> results = Results.from_records(
    ...     run | dict(approach=name, fold=fold, rare_f1=value)
    ...     for name, folds in values.items()
    ...     for fold, value in enumerate(folds)
    ... )
    >>> print(summarize(results))
    Resampling helps.
      MLSMOTE, the only sampler tried, raises rare-label F1 from 0.280 to 0.383, by 0.103 ± 0.023.
    <BLANKLINE>
    gain over none  rare-label F1
    MLSMOTE         +0.103 ± 0.023 *
      * clearly better, ! clearly worse, = as good as none; ± is half of the 95 % interval
    <BLANKLINE>
    6 runs, 0 failed, 0 skipped.
    """
    main = chosen_measures(results, measures)[:2]
    grid = Grid.of(results)
    status = results.runs["status"]
    return Summary(
        judged=tuple(judge(grid, measure) for measure in main),
        datasets=grid.datasets,
        n_runs=len(results),
        n_planned=max(results.n_planned, len(results)),
        n_failed=int((status == "failed").sum()),
        n_skipped=int((status == "skipped").sum()),
    )


def chosen_measures(results: Results, measures: Sequence[str] | None = None) -> tuple[str, ...]:
    """The measures to show, the deciding one first: those asked for, else the usual ones that some run has.

    Raises
    ------
    ValueError
        If one is unknown, or no run has it.
    """
    if measures is None:
        return tuple(name for name in DEFAULT_MEASURES if name in results.measures) or results.measures
    chosen = tuple(dict.fromkeys(measures))
    missing = [name for name in chosen if name not in results.measures]
    check_measures(missing)
    if missing:
        raise ValueError(f"no run has the measure {missing[0]!r}; there are {', '.join(results.measures) or 'none'}")
    if not chosen:
        raise ValueError("expected at least one measure, got none")
    return chosen


def _wrapped(text: str) -> str:
    """Lines that fit; a spread stays beside its mean."""
    together = text.replace(" ± ", "\xa0±\xa0")
    filled = fill(together, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    return filled.replace("\xa0", " ")


def _gain_table(summary: Summary) -> list[str]:
    """One line for each approach, that with the largest gain first."""
    by_first = sorted(summary.judged[0].gains.values(), key=lambda gain: -gain.mean)
    rest = [name for judged in summary.judged[1:] for name in judged.gains]
    names = list(dict.fromkeys([*(gain.approach for gain in by_first), *rest]))
    cell = max(18, *(len(label_of(judged.verdict.measure)) for judged in summary.judged))
    width = max(len("gain over none"), min(max(map(len, names)), _WIDTH - (cell + 2) * len(summary.judged)))
    head = [f"{'gain over none':<{width}}", *(f"{label_of(j.verdict.measure):<{cell}}" for j in summary.judged)]
    lines = ["  ".join(head).rstrip()]
    for name in names:
        shown = name if len(name) <= width else f"{name[: width - 1]}…"
        cells = [_gain_cell(judged.gains.get(name)) for judged in summary.judged]
        lines.append("  ".join([f"{shown:<{width}}", *(f"{text:<{cell}}" for text in cells)]).rstrip())
    return [*lines, "  * clearly better, ! clearly worse, = as good as none; ± is half of the 95 % interval"]


def _gain_cell(gain: Gain | None) -> str:
    if gain is None:
        return "-"
    reach = "" if gain.reach != gain.reach else f" ± {gain.reach:.3f}"
    return f"{gain.mean:+.3f}{reach}{ {'better': ' *', 'worse': ' !', 'equal': ' ='}.get(gain.judgement, '') }"
