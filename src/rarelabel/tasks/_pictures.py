"""Pictures of what resampling did: labels before and after, and new rows beside those they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.imbalance import ImbalanceReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Scene", "draw_before_after", "draw_scenes"]

_BEFORE, _AFTER, _QUIET = "#8C8C8C", "#D55E00", "#CCCCCC"


@dataclass(frozen=True, eq=False)
class Scene:
    """An image and what is written about it.

    Parameters
    ----------
    image : ndarray, shape (side * side,)
    carried : str
        Its labels, written below.
    heading : str, default="real"
    created : bool, default=False
        Whether it is framed.
    """

    image: NDArray[Any]
    carried: str
    heading: str = "real"
    created: bool = False


def draw_before_after(before: ImbalanceReport, after: ImbalanceReport, title: str, *, top: int = 24) -> Figure:
    """Draw rows and imbalance ratio of the labels before and after resampling.

    Parameters
    ----------
    before, after : ImbalanceReport
    title : str
    top : int, default=24
        Up to how many labels are shown by name; more are drawn as a curve from the most to the least frequent.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    named = before.n_labels <= top
    figure = Figure(figsize=(13, 2.6 + 0.32 * before.n_labels if named else 6.5), layout="constrained")
    if named:
        rows, ratios = figure.subplots(1, 2, sharey=True)
        shown = before.rarest_first
        _dumbbells(rows, before.counts[shown], after.counts[shown])
        _dumbbells(ratios, before.irlbl[shown], after.irlbl[shown])
        rows.set_yticks(range(len(shown)), [_name(before.label_names[label], 28) for label in shown])
        rows.set_ylim(len(shown) - 0.4, -0.6)
        rows.set(xlabel="rows that carry the label")
        ratios.set(xlabel="IRLbl: rows of the most frequent label / rows of this one")
        draw_mean = ratios.axvline
    else:
        rows, ratios = figure.subplots(1, 2)
        shown = before.rarest_first[::-1]
        _curves(rows, before.counts[shown], after.counts[shown])
        _curves(ratios, before.irlbl[shown], after.irlbl[shown])
        rows.set(ylabel="rows that carry the label")
        ratios.set(ylabel="IRLbl: rows of the most frequent label / rows of this one")
        draw_mean = ratios.axhline
    for mean, colour in ((before.mean_ir, _BEFORE), (after.mean_ir, _AFTER)):
        draw_mean(mean, color=colour, linestyle="--", linewidth=1, zorder=0)
    rows.set_title("Rows per label")
    ratios.set_title("Imbalance ratio (dashed: MeanIR)")
    handles, texts = rows.get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=2, frameon=False)
    figure.suptitle(
        f"{_name(title, 80)}\n{before.n_rows:,} → {after.n_rows:,} rows,  "
        f"MeanIR {before.mean_ir:.2f} → {after.mean_ir:.2f},  SCUMBLE {before.scumble:.3f} → {after.scumble:.3f}"
    )
    return figure


def _curves(ax: Axes, before: NDArray[Any], after: NDArray[Any]) -> None:
    """All labels from the most to the least frequent, too many to be named."""
    ranks = np.arange(1, len(before) + 1)
    for values, colour, what, order in ((before, _BEFORE, "before", 3), (after, _AFTER, "after", 2)):
        # a label that no row carries has no place on a logarithmic axis
        drawn = np.where(np.isfinite(values) & (values > 0), values, np.nan)
        ax.plot(ranks, drawn, ".", color=colour, markersize=5, label=what, zorder=order)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter("{x:,.4g}")
    ax.set(xlabel=f"the {len(before):,} labels, from the most to the least frequent before")
    ax.grid(axis="y", color="#EEEEEE")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _dumbbells(ax: Axes, before: NDArray[Any], after: NDArray[Any]) -> None:
    from matplotlib.ticker import MaxNLocator

    places = np.arange(len(before))
    ax.hlines(places, np.minimum(before, after), np.maximum(before, after), color=_QUIET, linewidth=3, zorder=1)
    ax.scatter(before, places, color=_BEFORE, s=42, label="before", zorder=3)
    ax.scatter(after, places, color=_AFTER, s=42, label="after", zorder=2)
    for place, (old, new) in enumerate(zip(before.tolist(), after.tolist(), strict=True)):
        if isfinite(old) and isfinite(new):
            text = f"{_number(old)} → {_number(new)}"
            ax.annotate(text, (max(old, new), place), (8, 0), textcoords="offset points", va="center", fontsize=8)
    ax.margins(x=0.15)
    both = np.concatenate([before, after]).astype(float)
    both = both[np.isfinite(both) & (both > 0)]
    if len(both) and both.max() > 30 * both.min():
        ax.set_xscale("log")
    else:
        ax.set_xlim(left=0)
        ax.xaxis.set_major_locator(MaxNLocator(integer=before.dtype.kind == "i"))
    ax.xaxis.set_major_formatter("{x:,.4g}")
    ax.grid(axis="x", color="#EEEEEE")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def draw_scenes(lines: Sequence[tuple[str, Sequence[Sequence[Scene]]]], side: int, title: str) -> Figure:
    """Draw created images beside real ones, a line for each label.

    Parameters
    ----------
    lines : sequence of (str, sequence of sequence of Scene)
        A label and groups of images that belong together. The k-th groups of all labels have the same length.
    side : int
        Pixels in a row of an image.
    title : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    longest = max((groups for _, groups in lines), key=len)
    # a narrow empty column parts the groups
    widths = [width for group in longest for width in [*[1.0] * len(group), 0.18]][:-1]
    figure = Figure(figsize=(1.4 + 1.5 * sum(map(len, longest)), 0.8 + 1.85 * len(lines)), layout="constrained")
    grid = figure.add_gridspec(len(lines), len(widths), width_ratios=widths)
    for i, (label, groups) in enumerate(lines):
        column = 0
        for group in groups:
            for scene in group:
                ax = figure.add_subplot(grid[i, column])
                _draw_scene(ax, scene, side)
                if column == 0:
                    ax.set_ylabel(f"for {label}", fontsize=12)
                column += 1
            column += 1
    figure.suptitle(title)
    return figure


def _draw_scene(ax: Axes, scene: Scene, side: int) -> None:
    ax.imshow(scene.image.reshape(side, side), cmap="gray_r", vmin=0, vmax=16)
    colour = _AFTER if scene.created else _BEFORE
    ax.set(xticks=[], yticks=[])
    ax.set_title(scene.heading, fontsize=9, color=colour, pad=3)
    ax.set_xlabel(scene.carried, fontsize=8 if len(scene.carried) <= 30 else 6.5)  # no wider than the image
    for spine in ax.spines.values():
        spine.set(color=colour, linewidth=2.5 if scene.created else 1)


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _name(name: str, length: int) -> str:
    """A name that fits, on one line, with nothing matplotlib would take for a formula."""
    name = " ".join(name.split())
    name = name if len(name) <= length else name[: length - 1] + "…"
    return name.replace("$", r"\$")
