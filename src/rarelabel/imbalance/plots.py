"""Pictures of an :class:`~rarelabel.imbalance.ImbalanceReport`: the seven plots of mldr, and a co-occurrence map.

Minority labels are vermilion and all else is blue throughout, from a palette that colour-blind readers can tell apart
(Okabe and Ito). No global matplotlib state is touched: every function draws on axes it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from rarelabel.imbalance.report import ImbalanceReport

__all__ = ["KINDS", "plot"]

_MAJORITY, _MINORITY, _QUIET = "#0072B2", "#D55E00", "#8C8C8C"

KINDS = {
    "LC": "Label concurrence",
    "LH": "Labels by frequency",
    "LB": "Rows per label",
    "CH": "Rows by number of labels",
    "AT": "Kinds of attributes",
    "LSH": "Labelsets by frequency",
    "LSB": "Rows per labelset",
    "CO": "Co-occurrence",
}
"""The codes that :func:`plot` takes, and what each draws."""


def plot(report: ImbalanceReport, kind: str = "all", *, top: int | None = None, figure: Figure | None = None) -> Figure:
    """Draw one or all of the plots of a report.

    Parameters
    ----------
    report : ImbalanceReport
        What :func:`rarelabel.imbalance.describe` returned.
    kind : {"all", "LC", "LH", "LB", "CH", "AT", "LSH", "LSB", "CO"}, default="all"
        LC: chords between labels that share rows. LH: histogram of label counts. LB: bars of label counts.
        CH: histogram of labels per row. AT: kinds of attributes. LSH: histogram of labelset counts. LSB: bars of
        labelset counts. CO: map of how often each label comes with each other.
    top : int, default=None
        How many labels or labelsets to show where there are more than fit. None: 12 in LC, 24 in LB, LSB and CO.

    figure : matplotlib.figure.Figure, default=None
        What to draw on, for example ``plt.figure()`` to show it in a window or a notebook. None makes a new figure that
        pyplot does not know.

    Returns
    -------
    matplotlib.figure.Figure
        Save it with ``savefig``.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If ``kind`` is unknown, ``top`` is below 2, or ``kind="AT"`` and the report was made without X.

    Examples
    --------
    >>> from rarelabel.imbalance import describe, plot
    >>> figure = plot(describe(None, [["sea", "sun"], ["sun"], []]), "LB")
    >>> figure.axes[0].get_xlabel()
    'rows'
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("plots need matplotlib: pip install 'rarelabel[report]'") from None
    if kind != "all" and kind not in KINDS:
        raise ValueError(f"kind must be 'all' or one of {', '.join(KINDS)}, got {kind!r}")
    if top is not None and top < 2:
        raise ValueError(f"top must be at least 2, got {top!r}")
    if kind == "AT" and report.inputs is None:
        raise ValueError("kind='AT' shows the kinds of inputs, and this report was made without X")
    if figure is None:
        size = (16, 26) if kind == "all" else (8, 8) if kind in ("LC", "CO") else (8, 5.5)
        figure = Figure(figsize=size, layout="constrained")
    if kind != "all":
        _DRAW[kind](figure.add_subplot(), report, top)
        return figure
    kinds = [code for code in KINDS if code != "AT" or report.inputs is not None]
    grid = figure.add_gridspec(4, 2, height_ratios=(1.5, 1, 1, 1.5))
    # Tall plots share rows: the chords with the map, the two bar charts with each other.
    places = {"LC": (0, 0), "CO": (0, 1), "LH": (1, 0), "CH": (1, 1), "LSH": (2, 0), "AT": (2, 1)}
    places |= {"LB": (3, 0), "LSB": (3, 1)}
    for code in kinds:
        row, column = places[code]
        _DRAW[code](figure.add_subplot(grid[row, column]), report, top)
    return figure


def _draw_chords(ax: Axes, report: ImbalanceReport, top: int | None) -> None:
    labels = _tangled_labels(report, top or 12)
    shared = report.co_occurrence[np.ix_(labels, labels)].astype(float)
    np.fill_diagonal(shared, 0.0)
    _title(ax, "LC", _selection(report, len(labels)))
    ax.set_axis_off()
    ax.set(xlim=(-2.1, 2.1), ylim=(-2.1, 2.1), aspect="equal")
    if not shared.any():
        ax.text(0, 0, "no two labels share a row", ha="center", va="center", color=_QUIET)
        return
    start, width = _arcs(shared.sum(axis=1))
    minority = report.minority[labels]
    for i in range(len(labels)):
        colour = _MINORITY if minority[i] else _MAJORITY
        ax.add_patch(_ring_segment(start[i], start[i] + width[i], colour))
        middle = start[i] + width[i] / 2
        left = np.cos(middle) < 0
        ax.text(
            1.12 * np.cos(middle),
            1.12 * np.sin(middle),
            f"{_name(report.label_names[labels[i]], 18)} ({report.counts[labels[i]]:,})",
            rotation=np.degrees(middle) + (180 if left else 0),
            rotation_mode="anchor",
            ha="right" if left else "left",
            va="center",
            fontsize=8,
            color=colour,
        )
    _ribbons(ax, shared, start, width, minority)


def _arcs(weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Start and width of every label's arc: half of the ring in equal parts, so that names fit, half by weight."""
    gap = 0.04
    free = 2 * np.pi - gap * len(weights)
    width = free * (0.5 / len(weights) + 0.5 * weights / weights.sum())
    start = np.concatenate(([0.0], np.cumsum(width[:-1] + gap)))
    return start, width


def _ring_segment(start: float, stop: float, colour: str) -> Any:
    from matplotlib.patches import Wedge

    return Wedge((0, 0), 1.06, np.degrees(start), np.degrees(stop), width=0.06, facecolor=colour, linewidth=0)


def _ribbons(
    ax: Axes,
    shared: NDArray[np.float64],
    start: NDArray[np.float64],
    width: NDArray[np.float64],
    minority: NDArray[np.bool_],
) -> None:
    """Draw a band between every two labels, as wide at each end as its share of that label's pairs."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    total = np.maximum(shared.sum(axis=1), 1)
    reached = start.copy()
    ends: dict[tuple[int, int], tuple[float, float]] = {}
    for i in range(len(shared)):
        # Clockwise from i, so that the bands of one label do not cross at its arc.
        for j in [(i - step) % len(shared) for step in range(1, len(shared))]:
            if shared[i, j]:
                stop = reached[i] + width[i] * shared[i, j] / total[i]
                ends[i, j] = (reached[i], stop)
                reached[i] = stop
    for i, j in sorted(ends, key=lambda pair: -shared[pair]):
        if i < j:
            (a, b), (c, d) = ends[i, j], ends[j, i]
            outline = np.vstack([_on_circle(a, b), [[0, 0]], _on_circle(c, d), [[0, 0]], _on_circle(a, a)[:1]])
            arc = len(_on_circle(a, b))
            codes = [Path.MOVETO, *[Path.LINETO] * (arc - 1), Path.CURVE3, Path.CURVE3]
            codes += [*[Path.LINETO] * (arc - 1), Path.CURVE3, Path.CURVE3]
            rare = minority[i] or minority[j]
            colour, alpha = (_MINORITY, 0.45) if rare else (_MAJORITY, 0.22)
            ax.add_patch(PathPatch(Path(outline, codes), facecolor=colour, alpha=alpha, linewidth=0))


def _on_circle(start: float, stop: float) -> NDArray[np.float64]:
    angles = np.linspace(start, stop, 12)
    return 0.99 * np.column_stack([np.cos(angles), np.sin(angles)])


def _draw_label_histogram(ax: Axes, report: ImbalanceReport, top: int | None) -> None:
    counts = report.counts[report.counts > 0]
    never = report.n_labels - len(counts)
    _title(ax, "LH", f"{never} labels without a positive are not shown" if never else "")
    _whole_number_axes(ax, "rows that carry the label", "labels")
    if not len(counts):
        return
    wide = counts.max() > 30 * counts.min()
    if wide:
        edges = np.geomspace(counts.min(), counts.max() * 1.001, 21)
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter("{x:,.0f}")
    else:
        edges = np.linspace(counts.min(), counts.max() + 1, min(20, int(np.ptp(counts)) + 1) + 1)
    rare, frequent = counts[report.minority[report.counts > 0]], counts[~report.minority[report.counts > 0]]
    colours = [_MINORITY, _MAJORITY]
    ax.hist([rare, frequent], edges.tolist(), stacked=True, color=colours, edgecolor="white", linewidth=0.5)
    rarest_majority = counts.max() / report.mean_ir
    ax.axvline(rarest_majority, color="black", linestyle="--", linewidth=1)
    ax.text(
        rarest_majority, 1.0, " MeanIR: minority labels to the left", transform=ax.get_xaxis_transform(), va="bottom",
        ha="center", fontsize=8,
    )  # fmt: skip


def _draw_label_bars(ax: Axes, report: ImbalanceReport, top: int | None) -> None:
    shown = top or 24
    order = report.rarest_first[::-1]
    if report.n_labels > shown:
        head = order[: shown // 2]
        order = np.concatenate([head, order[report.n_labels - (shown - len(head)) :]])
        _title(ax, "LB", f"the {len(head)} most frequent and the {shown - len(head)} rarest of {report.n_labels:,}")
    else:
        _title(ax, "LB", "")
    names = [_name(report.label_names[label], 30) for label in order]
    colours = [_MINORITY if report.minority[label] else _MAJORITY for label in order]
    _bars(ax, names, report.counts[order], colours)
    for text, colour in zip(ax.get_yticklabels(), colours, strict=True):
        text.set_color(colour)
    if report.n_labels > shown:
        ax.axhline(shown // 2 - 0.5, color=_QUIET, linestyle=":", linewidth=1)
    _legend(ax, "lower right")


def _draw_cardinality(ax: Axes, report: ImbalanceReport, top: int | None) -> None:
    rows = report.rows_by_cardinality
    _title(ax, "CH", "")
    _whole_number_axes(ax, "labels in a row", "rows")
    ax.bar(np.arange(len(rows)), rows, color=_MAJORITY, width=0.85)
    ax.axvline(report.cardinality, color="black", linestyle="--", linewidth=1)
    ax.text(
        report.cardinality, 1.0, f"mean {report.cardinality:.2f}", transform=ax.get_xaxis_transform(), va="bottom",
        ha="center", fontsize=8,
    )  # fmt: skip
    ax.set_xlim(-0.6, max(len(rows) - 0.4, 1.6))


def _draw_attributes(ax: Axes, report: ImbalanceReport, top: int | None) -> None:
    kinds = dict(report.inputs or {}) | {"label": report.n_labels}
    _title(ax, "AT", "")
    _bars(ax, list(kinds), np.array(list(kinds.values())), [_MAJORITY] * (len(kinds) - 1) + [_QUIET], "attributes")


def _draw_labelset_histogram(ax: Axes, report: ImbalanceReport, top: int | None) -> None:
    _title(ax, "LSH", f"{report.n_labelsets:,} labelsets, {report.single_labelsets:,} of them in one row only")
    bins = np.floor(np.log2(report.labelset_counts)).astype(int)
    heights = np.bincount(bins)
    names = ["1", "2–3", *(f"{2**b:,}–{2 ** (b + 1) - 1:,}" for b in range(2, len(heights)))][: len(heights)]
    bars = ax.bar(names, heights, color=_MAJORITY, width=0.85)
    ax.bar_label(bars, [f"{height:,}" if height else "" for height in heights], fontsize=8, padding=2)
    _whole_number_axes(ax, "rows that carry the labelset", "labelsets", numeric_x=False)
    if len(names) > 6:
        ax.tick_params(axis="x", labelrotation=30)
    ax.margins(y=0.1)


def _draw_labelset_bars(ax: Axes, report: ImbalanceReport, top: int | None) -> None:
    shown = min(top or 24, report.n_labelsets)
    more = report.n_labelsets > shown
    _title(ax, "LSB", f"the {shown} most frequent of {report.n_labelsets:,}" if more else "")
    names = []
    for members in report.labelset_members[:shown]:
        carried = [report.label_names[label] for label in np.flatnonzero(members)]
        names.append(_labelset_name(carried, 44))
    _bars(ax, names, report.labelset_counts[:shown], [_MAJORITY] * shown)


def _draw_co_occurrence(ax: Axes, report: ImbalanceReport, top: int | None) -> None:
    from matplotlib import colormaps

    labels = _tangled_labels(report, top or 24)
    labels = labels[np.argsort(-report.counts[labels], kind="stable")]
    shared = report.co_occurrence[np.ix_(labels, labels)].astype(float)
    share = shared / np.maximum(report.counts[labels], 1)[:, None]
    np.fill_diagonal(share, np.nan)
    most = max(0.1, np.nanmax(share, initial=0.0))
    image = ax.imshow(share, cmap=colormaps["cividis"].with_extremes(bad="#DDDDDD"), vmin=0, vmax=most)
    _title(ax, "CO", _selection(report, len(labels)))
    names = [_name(report.label_names[label], 22) for label in labels]
    size = 9 if len(labels) <= 16 else 7
    ax.set_xticks(range(len(labels)), names, rotation=90, fontsize=size)
    rows = [f"{name} ({report.counts[label]:,})" for name, label in zip(names, labels, strict=True)]
    ax.set_yticks(range(len(labels)), rows, fontsize=size)
    for axis in (ax.get_xticklabels(), ax.get_yticklabels()):
        for text, label in zip(axis, labels, strict=True):
            text.set_color(_MINORITY if report.minority[label] else "black")
    ax.set(xlabel="... that also carry", ylabel="of the rows with (rows)")
    if len(labels) <= 12:
        for i, j in np.argwhere(shared):
            if i != j:
                dark = share[i, j] < most / 2
                ax.text(j, i, f"{shared[i, j]:,.0f}", ha="center", va="center", fontsize=8, color="w" if dark else "k")
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.7, pad=0.02)
    bar.set_label("share of the rows")


def _tangled_labels(report: ImbalanceReport, shown: int) -> NDArray[np.intp]:
    """All labels if they fit; else minority labels with high SCUMBLE and the majority labels they occur with most."""
    if report.n_labels <= shown:
        return report.rarest_first[::-1]
    scumble = np.where(report.minority, np.nan_to_num(report.scumble_per_label), -1.0)
    minority = np.argsort(-scumble, kind="stable")[: min(shown // 2, int(report.minority.sum()))]
    partners = report.co_occurrence[minority].sum(axis=0) if len(minority) else report.counts.copy()
    partners[report.minority] = -1
    partners[minority] = -1
    others = np.argsort(-partners, kind="stable")[: shown - len(minority)]
    return np.concatenate([minority, others])


def _selection(report: ImbalanceReport, shown: int) -> str:
    if shown == report.n_labels:
        return ""
    return f"{shown} of {report.n_labels:,} labels: minority labels with high SCUMBLE and their majority partners"


def _bars(ax: Axes, names: list[str], values: NDArray[Any], colours: list[str], unit: str = "rows") -> None:
    """Horizontal bars, the first on top, each with its number at the end."""
    from matplotlib.ticker import MaxNLocator

    bars = ax.barh(range(len(names)), values, color=colours, height=0.8)
    ax.bar_label(bars, [f"{value:,}" for value in values], fontsize=8, padding=3)
    ax.set_yticks(range(len(names)), names, fontsize=9 if len(names) <= 24 else 7)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.margins(x=0.12)
    ax.set_xlabel(unit)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.spines[["top", "right"]].set_visible(False)


def _legend(ax: Axes, place: str) -> None:
    from matplotlib.patches import Patch

    ax.legend(handles=[Patch(color=_MAJORITY, label="majority"), Patch(color=_MINORITY, label="minority")], loc=place)


def _whole_number_axes(ax: Axes, xlabel: str, ylabel: str, *, numeric_x: bool = True) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.spines[["top", "right"]].set_visible(False)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter("{x:,.0f}")
    if numeric_x:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.xaxis.set_major_formatter("{x:,.0f}")


def _title(ax: Axes, kind: str, detail: str) -> None:
    ax.set_title(f"{KINDS[kind]}\n{detail}" if detail else KINDS[kind], loc="left", fontsize=11, pad=14)


def _name(name: str, length: int) -> str:
    """A label name that fits, on one line, with nothing matplotlib would take for a formula."""
    name = " ".join(name.split())
    name = name if len(name) <= length else name[: length - 1] + "…"
    return name.replace("$", r"\$")


def _labelset_name(carried: list[str], length: int) -> str:
    if not carried:
        return "(no label)"
    each = max(8, length // len(carried) - 3)
    joined = " + ".join(_name(name, each) for name in carried)
    if len(joined) <= length:
        return joined
    fitting = max(1, (length - 12) // (each + 3))
    rest = len(carried) - fitting
    return " + ".join(_name(name, each) for name in carried[:fitting]) + (f" + {rest} more" if rest else "")


_DRAW: dict[str, Callable[[Any, ImbalanceReport, int | None], None]] = {
    "LC": _draw_chords,
    "LH": _draw_label_histogram,
    "LB": _draw_label_bars,
    "CH": _draw_cardinality,
    "AT": _draw_attributes,
    "LSH": _draw_labelset_histogram,
    "LSB": _draw_labelset_bars,
    "CO": _draw_co_occurrence,
}
