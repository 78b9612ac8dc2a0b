"""Does resampling help, and does a cheap remedy do as well? In sentences, by rules that the report prints as well.

- Everything is held against doing nothing, on the same folds.
- Of the approaches with a sampler the one with the largest mean gain is named, and how many were tried; so of the cheap
  remedies, class weights and thresholds. One that has results on at most half of the data sets is not named.
- A difference is clear where its posterior probability is at least 1 - 0.05 / (number of approaches other than none)
  and, over data sets, the 95 % interval of the mean gain excludes 0.
- Differences up to 0.01 count as none.
"""

from __future__ import annotations

from dataclasses import dataclass

from rarelabel.evaluation.measures import MEASURES
from rarelabel.evaluation.report.gains import (
    REFERENCE,
    ROPE,
    Gain,
    Grid,
    best_of,
    gains,
    higher_is_better,
)

__all__ = ["Judged", "Verdict", "judge", "label_of", "resamples"]


@dataclass(frozen=True)
class Verdict:
    """What a comparison says by one measure, on one data set or over all.

    Parameters
    ----------
    measure : str
    headline : str
        A few words.
    sentences : tuple of str
    sampler, remedy : Gain or None
        The best approach with a sampler, and the best without one, over doing nothing.
    direct : Gain or None
        What ``sampler`` gains over ``remedy``.
    """

    measure: str
    headline: str
    sentences: tuple[str, ...]
    sampler: Gain | None = None
    remedy: Gain | None = None
    direct: Gain | None = None


@dataclass(frozen=True)
class Judged:
    """Verdicts by one measure, and the gains over doing nothing they rest on: over all data sets, and on each."""

    verdict: Verdict
    on: dict[str, Verdict]
    gains: dict[str, Gain]
    gains_on: dict[str, dict[str, Gain]]


def judge(grid: Grid, measure: str) -> Judged:
    """Judge all approaches by one measure."""
    others = [name for name in grid.approaches if name != REFERENCE]
    if REFERENCE not in grid.approaches or not others:
        missing = "nothing but none was run" if not others else "the approach none, doing nothing, was not run"
        nothing = Verdict(measure, "Nothing to compare", (f"No gain can be told, because {missing}.",))
        return Judged(nothing, dict.fromkeys(grid.datasets, nothing), {}, {name: {} for name in grid.datasets})
    gains_on, overall = gains(grid, measure, others)
    verdict = _verdict(grid, measure, others, overall, grid.datasets)
    on = {dataset: _verdict(grid, measure, others, found, (dataset,)) for dataset, found in gains_on.items()}
    return Judged(verdict, on, overall, gains_on)


def resamples(approach: str) -> bool:
    """Whether an approach has a sampler: a part of its name that is not a cheap remedy."""
    return not set(approach.split("+")) <= {REFERENCE, "weights", "thresholds"}


def label_of(measure: str) -> str:
    """What tables call a measure."""
    return MEASURES[measure].label if measure in MEASURES else measure


def _verdict(grid: Grid, measure: str, others: list[str], found: dict[str, Gain], datasets: tuple[str, ...]) -> Verdict:
    samplers, remedies = [n for n in others if resamples(n)], [n for n in others if not resamples(n)]
    sampler, remedy = best_of(found, samplers, len(datasets)), best_of(found, remedies, len(datasets))
    direct = None
    if sampler and remedy:
        _, against = gains(grid, measure, [sampler.approach], remedy.approach, n_tried=len(others), datasets=datasets)
        direct = against.get(sampler.approach)
    sentences = [
        _gain_sentence(gain, measure, [found[name] for name in names if name in found], kind)
        for gain, names, kind in ((sampler, samplers, "sampler"), (remedy, remedies, "cheap remedy"))
        if gain
    ]
    if direct:
        sentences.append(_direct_sentence(direct, measure))
    if not sentences:
        sentences = ["No approach has scores on the same folds as doing nothing on more than half of the data sets."]
    return Verdict(measure, _headline(sampler, remedy, direct), tuple(sentences), sampler, remedy, direct)


def _headline(sampler: Gain | None, remedy: Gain | None, direct: Gain | None) -> str:
    helped, cheap = (gain is not None and gain.judgement == "better" for gain in (sampler, remedy))
    if helped and direct is not None and direct.judgement in ("worse", "equal"):
        return f"Resampling helps, but a cheap remedy does {'better' if direct.judgement == 'worse' else 'as well'}"
    if helped:
        unsure = cheap and (direct is None or direct.judgement != "better")
        return (
            "Resampling helps; so does a cheap remedy, and which is better is not clear"
            if unsure
            else ("Resampling helps, and more than the cheap remedies" if cheap else "Resampling helps")
        )
    if cheap:
        return "A cheap remedy helps; resampling does not clearly" if sampler else "A cheap remedy helps"
    if sampler is None:
        return "No cheap remedy clearly helps" if remedy else "Nothing to compare"
    if sampler.judgement == "untested":
        return "Too little was run to tell"
    unclear = "unclear" in (sampler.judgement, remedy.judgement if remedy else "")
    return "No clear difference" if unclear else "Resampling does not help"


def _gain_sentence(gain: Gain, measure: str, tried: list[Gain], kind: str) -> str:
    many = {"sampler": "samplers", "cheap remedy": "cheap remedies"}[kind]
    place = "best" if gain.mean >= max(each.mean for each in tried) else "clearest"
    who = f"{gain.approach}, the {f'{place} of the {len(tried)} {many}' if len(tried) > 1 else f'only {kind}'} tried,"
    label, by = label_of(measure), _amount(gain)
    levels = f"from {gain.reference_score:.3f} to {gain.score:.3f}"
    if gain.judgement == "better":
        return f"{who} {'raises' if higher_is_better(measure) else 'lowers'} {label} {levels}, by {by}."
    if gain.judgement == "worse":
        return f"{who} makes {label} worse, {levels}, by {by}."
    moved = f"{who} takes {label} {levels}, {'a gain' if gain.mean >= 0 else 'a loss'} of {by}"
    p, side = (gain.better, "gain") if gain.mean >= 0 else (gain.worse, "loss")
    open_ended = abs(gain.mean) <= gain.reach
    why = "the interval includes 0" if open_ended else f"probability of a {side} above {ROPE:g}: {min(p, 0.999):.3g}"
    return moved + {
        "equal": f": as good as none (differences up to {ROPE:g} count as none).",
        "unclear": f": no clear difference ({why}).",
    }.get(gain.judgement, ", from a single division of the rows: too little to tell.")


def _direct_sentence(direct: Gain, measure: str) -> str:
    sampler, remedy, by = direct.approach, direct.reference, _amount(direct)
    label = label_of(measure)
    if direct.judgement == "better":
        return f"{sampler} is clearly better than {remedy} in {label}, by {by}."
    if direct.judgement == "worse":
        return f"{remedy}, which makes no new rows, is clearly better than {sampler} in {label}, by {by}."
    if direct.judgement == "equal":
        return f"{remedy}, which makes no new rows, does as well as {sampler}: they differ by {by} in {label}."
    ahead = sampler if direct.mean > 0 else remedy
    return f"Which of {sampler} and {remedy} is better is not clear: {ahead} is ahead by {by} in {label}."


def _amount(gain: Gain) -> str:
    reach = "" if gain.reach != gain.reach else f" ± {gain.reach:.3f}"
    return f"{abs(gain.mean):.3f}{reach}"
