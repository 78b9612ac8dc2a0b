"""Pictures as inline SVG: drawn by matplotlib, then stripped of styles so that the page's style sheet colours them.

A strict Content-Security-Policy allows no style attributes, and dark mode needs colours that are not fixed. So what
matplotlib writes as ``style="fill: #767676"`` becomes ``fill="#767676" class="f-quiet"``.
"""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import fill
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from rarelabel.evaluation.cd_diagram import plot_critical_difference
from rarelabel.evaluation.report.gains import ROPE, Gain
from rarelabel.evaluation.report.verdict import resamples
from rarelabel.evaluation.statistics import NemenyiResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "MARKS",
    "critical_difference_svg",
    "gain_svg",
    "label_svg",
    "new_figure",
    "readable",
    "reliability_svg",
    "to_svg",
]

_XLINK = "{http://www.w3.org/1999/xlink}href"
_CLASSES = {
    "#262626": "ink", "#767676": "quiet", "#0072b2": "blue", "#d55e00": "orange", "#d9d9d9": "line", "#ffffff": "paper",
}  # fmt: skip
_INK, _QUIET, _LINE, _PAPER = "#262626", "#767676", "#d9d9d9", "#ffffff"
MARKS = (("o", _QUIET), ("s", "#0072b2"), ("^", "#d55e00"))
"""Shapes and colours of doing nothing, of the best sampler and of the best cheap remedy."""


def new_figure(width: float, height: float) -> Figure:
    """A figure that pyplot does not know, in inches."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("the report needs matplotlib: pip install 'rarelabel[report]'") from None
    return Figure(figsize=(width, height))


def readable(name: str, longest: int = 0) -> str:
    """A name without characters that no page may hold; if wider than ``longest`` letters, its middle is left out."""
    name = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", "\ufffd", name)
    if not longest or _letters(name) <= longest:
        return name
    head, tail = name, ""
    for kept in range(min(len(name), longest) - 1, 0, -1):  # names of variants often differ at the end
        head, tail = name[: kept - kept // 2], name[len(name) - kept // 2 :]
        if _letters(head + tail) < longest:
            break
    return f"{head}…{tail}"


def _letters(name: str) -> int:
    """Width in letters; those of Chinese, Japanese and Korean are as wide as two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in name)


@contextmanager
def _any_glyph() -> Iterator[None]:
    """Matplotlib warns of glyphs that its font lacks; the browser, which draws the text, has other fonts."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        yield


def critical_difference_svg(ident: str, found: NemenyiResult, title: str) -> str:
    """The critical-difference diagram of ranks over blocks."""
    with _any_glyph():
        figure = plot_critical_difference(found, width=7.0, longest_name=24)
    for text in figure.axes[0].texts:
        if text.get_text().startswith("Mean rank over"):  # the rows ranked here are blocks
            width = max(map(len, text.get_text().split("\n")))
            text.set_text(fill(" ".join(text.get_text().split()).replace("data sets", "blocks", 1), width))
    order = np.argsort(found.mean_ranks, kind="stable")
    ranks = ", ".join(f"{readable(found.methods[j])} {found.mean_ranks[j]:.2f}" for j in order)
    return to_svg(figure, ident, title, f"Mean ranks, the best first: {ranks}.")


def gain_svg(ident: str, title: str, found: Sequence[Gain]) -> str:
    """One line for each approach, the first on top: its gain over doing nothing, and the 95 % interval."""
    k, width, row, bottom = len(found), 3.75, 0.25, 0.28
    height = k * row + bottom + 0.06
    figure = new_figure(width, height)
    ax = figure.add_axes((1.5 / width, bottom / height, (width - 1.62) / width, k * row / height))
    means = np.array([gain.mean for gain in found])
    reaches = np.nan_to_num(np.array([gain.reach for gain in found]))
    shown = np.minimum(reaches, 2 * np.abs(means).max() + 2 * ROPE)  # two data sets may leave all open
    low, high = min(-2 * ROPE, float((means - shown).min())), max(2 * ROPE, float((means + shown).max()))
    margin = 0.04 * (high - low)
    ax.set(xlim=(low - margin, high + margin), ylim=(k - 0.5, -0.5))
    _quiet_axes(ax, "x")
    ax.locator_params(axis="x", nbins=5)
    ax.xaxis.set_major_formatter(lambda x, _: "0" if abs(x) < 1e-9 else f"{x:+.3g}".replace("-", "−"))
    ax.axvspan(-ROPE, ROPE, color=_LINE, linewidth=0, zorder=0)
    ax.axvline(0, color=_QUIET, linewidth=1.0, zorder=1)
    for j, gain in enumerate(found):
        marker, color = MARKS[1 if resamples(gain.approach) else 2]
        name = readable(gain.approach, 22)
        ax.text(low - 2.5 * margin, j, name, ha="right", va="center", fontsize=8.5, color=_INK, parse_math=False)
        ends = [means[j] - shown[j], means[j] + shown[j]]
        ax.plot(ends, [j, j], color=color, linewidth=1.6, zorder=2)
        if shown[j] < reaches[j]:
            for end, arrow in zip(ends, "<>", strict=True):
                ax.plot(end, j, arrow, color=color, markersize=4.5, zorder=2)
        face = color if gain.judgement in ("better", "worse") else _PAPER
        ax.plot(means[j], j, marker, color=color, markerfacecolor=face, markersize=6, zorder=3)
    parts = [f"{readable(gain.approach)} {gain.mean:+.3f}" for gain in found]
    return to_svg(figure, ident, title, "Gains over none: " + ", ".join(parts) + ".")


def label_svg(
    ident: str, title: str, names: Sequence[str], counts: Sequence[int], series: Mapping[str, NDArray[np.float64]]
) -> str:
    """One line for each label, the first on top, with a dot for each approach.

    Parameters
    ----------
    ident : str
        Distinct on the page.
    title : str
    names, counts : sequence, shape (q,)
        Of the labels.
    series : mapping of str to ndarray, shape (q,)
        By approach, in the order of :data:`MARKS`.
    """
    q, width, row, top, bottom = len(names), 3.7, 0.2, 0.1, 0.36
    height = q * row + top + bottom
    figure = new_figure(width, height)
    ax = figure.add_axes((1.5 / width, bottom / height, (width - 1.66) / width, q * row / height))
    values = np.array(list(series.values()))
    high = min(1.0, max(0.1, np.ceil(10 * np.nanmax(values, initial=0.0)) / 10)) if not np.isnan(values).all() else 1.0
    ax.set(xlim=(-0.03 * high, 1.03 * high), ylim=(q - 0.5, -0.5))
    _quiet_axes(ax, "x")
    at = np.arange(q)
    for j in range(q):
        label = f"{readable(str(names[j]), 20)}  ({counts[j]:,})"
        ax.text(-0.07 * high, j, label, ha="right", va="center", fontsize=8, color=_INK, parse_math=False)
        ax.axhline(j, color=_LINE, linewidth=0.6, zorder=0)
    if len(values):
        low, up = (np.where(np.isnan(values), fill, values) for fill in (np.inf, -np.inf))
        spans = np.isfinite(low.min(axis=0))
        ax.hlines(at[spans], low.min(axis=0)[spans], up.max(axis=0)[spans], color=_QUIET, linewidth=1.2, zorder=1)
    for (marker, color), one in zip(MARKS, values, strict=False):
        ax.plot(one, at, marker, color=color, markersize=5, markerfacecolor=_PAPER if color == _QUIET else color)
    rows = [
        f"{readable(str(names[j]))}: " + ", ".join(f"{readable(name)} {one[j]:.2f}" for name, one in series.items())
        for j in range(min(q, 5))
    ]
    return to_svg(figure, ident, title, "; ".join(rows) + (" and so on" if q > 5 else "") + ".")


def reliability_svg(ident: str, title: str, curves: Mapping[str, NDArray[np.float64]]) -> str:
    """Share of positives against the mean probability in each bin that holds at least 10 probabilities."""
    figure = new_figure(2.6, 2.45)
    ax = figure.add_axes((0.17, 0.17, 0.79, 0.8))
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    _quiet_axes(ax, "both")
    ax.plot([0, 1], [0, 1], color=_QUIET, linewidth=0.8, dashes=(3, 3))
    parts = []
    for (marker, color), (name, (count, total, positives)) in zip(MARKS, curves.items(), strict=False):
        bins = count >= 10
        x, y = total[bins] / count[bins], positives[bins] / count[bins]
        ax.plot(x, y, marker=marker, color=color, markersize=4, linewidth=1.4)
        error = float(np.abs(total - positives).sum() / count.sum()) if count.sum() else float("nan")
        parts.append(f"{readable(name)} is off by {error:.2f} on average")
    ax.set_xlabel("probability predicted", fontsize=8, color=_INK, labelpad=2)
    ax.set_ylabel("share that is positive", fontsize=8, color=_INK, labelpad=2)
    return to_svg(figure, ident, title, "; ".join(parts) + ".")


def _quiet_axes(ax: Any, grid: str) -> None:
    ax.tick_params(length=0, labelsize=8, labelcolor=_QUIET, pad=3)
    ax.grid(axis=grid, color=_LINE, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_facecolor("none")
    for side in ax.spines.values():
        side.set_visible(False)
    if grid == "x":
        ax.set_yticks([])


def to_svg(figure: Figure, ident: str, title: str, description: str) -> str:
    """A figure as an SVG element: the same bytes for the same figure, no style attributes, text as text."""
    import matplotlib as mpl

    out = io.StringIO()
    figure.patch.set_visible(False)
    with mpl.rc_context({"svg.hashsalt": ident, "svg.fonttype": "none"}), _any_glyph():
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(out.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in ("metadata", "style"):
                parent.remove(child)
    _rename(root, ident)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        _plain_style(element)
    _shrink(root)
    width, height = (float(side) for side in root.attrib["viewBox"].split()[2:])
    root.attrib |= {
        "width": f"{width * 4 / 3:.0f}", "height": f"{height * 4 / 3:.0f}", "role": "img", "class": "picture",
        "aria-labelledby": f"{ident}-title {ident}-desc", "stroke-linejoin": "round", "stroke-linecap": "butt",
    }  # fmt: skip
    root.attrib.pop("version", None)
    for at, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(tag, {"id": f"{ident}-{tag}"})
        element.text = readable(text)
        root.insert(at, element)
    return ElementTree.tostring(root, encoding="unicode")


def _rename(root: ElementTree.Element, ident: str) -> None:
    """Keep the ids that something refers to, and make them distinct on the page."""
    text = ElementTree.tostring(root, encoding="unicode")
    used = set(re.findall(r'(?:url\(|href=")#([\w.-]+)', text))
    number = {old: f"{ident}-{i}" for i, old in enumerate(sorted(used))}
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in number:
            element.attrib["id"] = number[old]
        if _XLINK in element.attrib:
            element.attrib["href"] = "#" + number[element.attrib.pop(_XLINK)[1:]]
        for name, value in element.attrib.items():
            if value.startswith("url(#"):
                element.attrib[name] = f"url(#{number[value[5:-1]]})"


def _plain_style(element: ElementTree.Element) -> None:
    """Presentation attributes and classes in place of a style attribute."""
    style = element.attrib.pop("style", "")
    given = dict(part.strip().split(": ", 1) for part in style.split(";") if ": " in part)
    font = given.pop("font", "")
    if font:
        given["font-size"] = next(word for word in font.split() if word.endswith("px"))
    given.pop("font-family", None)
    if element.tag == "text" and "fill" not in given:
        given["fill"] = _INK
    classes = []
    for name in ("fill", "stroke"):
        color = given.get(name, "").lower()
        if color in _CLASSES:
            classes.append(f"{name[0]}-{_CLASSES[color]}")
            del given[name]
    element.attrib |= given
    if classes:
        element.attrib["class"] = " ".join(classes)


def _shrink(element: ElementTree.Element) -> None:
    """Drop empty groups, white space and digits that nobody sees."""
    for name in ("d", "x", "y", "transform"):
        if name in element.attrib:
            text = re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", element.attrib[name])
            element.attrib[name] = " ".join(text.split())
    if element.attrib.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    for child in list(element):
        _shrink(child)
        child.tail = None
        if child.tag in ("g", "defs") and not len(child):
            element.remove(child)
    if len(element):
        element.text = None
