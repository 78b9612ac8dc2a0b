"""Pictures of what resampling did: labels before and after, and new rows beside those they were made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.imbalance import ImbalanceReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_before_after", "draw_scenes"]

_BEFORE, _AFTER, _QUIET = "#8C8C8C", "#D55E00", "#CCCCCC"


def draw_before_after(before: ImbalanceReport, after: ImbalanceReport, title: str, *, top: int = 24) -> Figure:
    """Draw rows and imbalance ratio of the rarest labels before and after resampling.

    Parameters
    ----------
    before, after : ImbalanceReport
    title : str
    top : int, default=24
        How many labels to show, the rarest.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    shown = before.rarest_first[:top]
    names = [_name(before.label_names[label], 28) for label in shown]
    figure = Figure(figsize=(13, 2.6 + 0.32 * len(shown)), layout="constrained")
    rows, ratios = figure.subplots(1, 2, sharey=True)
    _dumbbells(rows, before.counts[shown], after.counts[shown])
    rows.set_yticks(range(len(names)), names)
    rows.set_ylim(len(names) - 0.4, -0.6)
    rows.set(xlabel="rows that carry the label", title="Rows per label")
    _dumbbells(ratios, before.irlbl[shown], after.irlbl[shown])
    for mean, colour in ((before.mean_ir, _BEFORE), (after.mean_ir, _AFTER)):
        ratios.axvline(mean, color=colour, linestyle="--", linewidth=1, zorder=0)
    ratios.set(
        xlabel="IRLbl: rows of the most frequent label / rows of this one", title="Imbalance ratio (dashed: MeanIR)"
    )
    handles, texts = rows.get_legend_handles_labels()
    figure.legend(handles, texts, loc="outside lower center", ncols=2, frameon=False)
    some = "" if len(shown) == before.n_labels else f" (the {len(shown)} rarest of {before.n_labels:,} labels)"
    figure.suptitle(
        f"{_name(title, 80)}{some}\n{before.n_rows:,} → {after.n_rows:,} rows,  "
        f"MeanIR {before.mean_ir:.2f} → {after.mean_ir:.2f},  SCUMBLE {before.scumble:.3f} → {after.scumble:.3f}"
    )
    return figure


def _dumbbells(ax: Axes, before: NDArray[Any], after: NDArray[Any]) -> None:
    places = np.arange(len(before))
    ax.hlines(places, np.minimum(before, after), np.maximum(before, after), color=_QUIET, linewidth=3, zorder=1)
    ax.scatter(before, places, color=_BEFORE, s=42, label="before", zorder=3)
    ax.scatter(after, places, color=_AFTER, s=42, label="after", zorder=2)
    both = np.concatenate([before, after]).astype(float)
    both = both[np.isfinite(both) & (both > 0)]
    if len(both) and both.max() > 30 * both.min():
        ax.set_xscale("log")
    else:
        ax.set_xlim(left=0)
    ax.xaxis.set_major_formatter("{x:,.4g}")
    ax.grid(axis="x", color="#EEEEEE")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def draw_scenes(
    triples: Sequence[tuple[str, Sequence[tuple[NDArray[Any], NDArray[Any], NDArray[Any], str]]]], side: int
) -> Figure:
    """Draw created images beside the two real ones that each was made from, a line for each label.

    Parameters
    ----------
    triples : sequence of (label, sequence of (seed, neighbor, created, labels of the created))
        Images as rows of pixels, shape (side * side,).
    side : int

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    n_rows, n_columns = len(triples), max(len(made) for _, made in triples)
    figure = Figure(figsize=(1.0 + 4.2 * n_columns, 0.9 + 1.75 * n_rows), layout="constrained")
    grids = figure.add_gridspec(n_rows, n_columns, wspace=0.06, hspace=0.08)
    for i, (label, made) in enumerate(triples):
        for j, (*images, carried) in enumerate(made):
            cells = grids[i, j].subgridspec(1, 3, wspace=0.02)
            for k, (image, what) in enumerate(zip(images, ("real", "real", "created"), strict=True)):
                ax = figure.add_subplot(cells[k])
                ax.imshow(image.reshape(side, side), cmap="gray_r", vmin=0, vmax=16)
                ax.set(xticks=[], yticks=[])
                colour = _AFTER if what == "created" else _BEFORE
                for spine in ax.spines.values():
                    spine.set(color=colour, linewidth=2.5 if what == "created" else 1)
                ax.set_title(what, fontsize=9, color=colour, pad=3)
                if what == "created":
                    ax.set_xlabel(carried, fontsize=8)
                if j == k == 0:
                    ax.set_ylabel(f"for {label}", fontsize=11)
    figure.suptitle("MLSMOTE: each framed scene lies between the two real scenes to its left; below it, its labels")
    return figure


def _name(name: str, length: int) -> str:
    """A name that fits, on one line, with nothing matplotlib would take for a formula."""
    name = " ".join(name.split())
    name = name if len(name) <= length else name[: length - 1] + "…"
    return name.replace("$", r"\$")
