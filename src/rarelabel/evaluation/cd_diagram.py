"""The critical-difference diagram (Demšar 2006, figure 1): methods by mean rank, bars over those not told apart."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rarelabel.evaluation.statistics import NemenyiResult
from rarelabel.evaluation.wilcoxon import WilcoxonResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_critical_difference"]

_INK, _QUIET, _BAR = "#262626", "#767676", "#0072B2"
_ROW, _LEVEL, _EDGE = 0.24, 0.1, 0.12  # inches: from name to name, from bar to bar, around it all
_NUMBER = 0.36  # inches kept for a mean rank beside its name


def plot_critical_difference(
    result: NemenyiResult | WilcoxonResult,
    *,
    width: float | None = None,
    longest_name: int = 60,
    figure: Figure | None = None,
) -> Figure:
    """Draw the critical-difference diagram of a test of all pairs.

    The axis is the mean rank, the best on the left. A bar joins methods that the test does not tell apart. The ruler
    above is the critical difference, which a Wilcoxon test has not.

    Parameters
    ----------
    result : NemenyiResult or WilcoxonResult
        What :func:`nemenyi`, or :func:`wilcoxon_holm` without control, returned.
    width : float, default=None
        Inches. None: as wide as the names and the methods need. Names that leave too little room for the axis are
        shortened in the middle; where that would make two alike, the figure is wider.
    longest_name : int, default=60
        Characters after which a name is shortened in the middle. At least 4.
    figure : matplotlib.figure.Figure, default=None
        What to draw on, for example ``plt.figure()`` to show it in a window or a notebook; its size is set. None makes
        a new figure that pyplot does not know.

    Returns
    -------
    matplotlib.figure.Figure
        Save it with ``savefig``.

    Raises
    ------
    ImportError
        If matplotlib is missing.
    ValueError
        If the methods were compared with a control only, ``width`` is below 5, or ``longest_name`` below 4.
    TypeError
        If ``result`` is of another test.

    Examples
    --------
    >>> from rarelabel.evaluation import nemenyi, plot_critical_difference
    >>> scores = [[0.5, 0.6, 0.7], [0.7, 0.9, 0.8], [0.2, 0.3, 0.4], [0.6, 0.7, 0.8]]
    >>> figure = plot_critical_difference(nemenyi(scores, methods=["none", "MLSMOTE", "MLROS"]))
    >>> [text.get_text() for text in figure.axes[0].texts if text.get_text().startswith("CD")]
    ['CD = 1.66']
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("plots need matplotlib: pip install 'rarelabel[report]'") from None
    _check_arguments(result, width, longest_name)
    order = np.argsort(result.mean_ranks, kind="stable")
    ranks = result.mean_ranks[order]
    position = {result.methods[j]: at for at, j in enumerate(order)}
    bars = [(position[group[0]], position[group[-1]]) for group in result.groups]
    if figure is None:
        figure = Figure()
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()

    k = len(ranks)
    half = (k + 1) // 2
    names, left, right = _fitted_names(ax, [result.methods[j] for j in order], half, width, longest_name)
    axis = max(_narrowest(k), width - left - right) if width is not None else max(3.2, min(7.5, 0.35 * (k - 1)))
    total = left + axis + right
    at = left + (ranks - 1) / (k - 1) * axis
    levels = _levels(bars, at)
    caption = fill(_caption(result), max(30, int(total / 0.066)))
    bottom = _EDGE + 0.16 * (caption.count("\n") + 1) + 0.12
    rows = bottom + _ROW * half
    base = rows + _LEVEL * (max(levels, default=-1) + 1) + 0.12
    height = base + (0.72 if isinstance(result, NemenyiResult) else 0.36) + _EDGE
    figure.set_size_inches(total, height)
    ax.set(xlim=(0, total), ylim=(0, height))

    _draw_axis(ax, left, axis, base, k)
    if isinstance(result, NemenyiResult):
        _draw_ruler(ax, left, axis, base + 0.5, result.critical_difference, k)
    _draw_names(ax, names, ranks, at, base, [left, left + axis], rows, half)
    _draw_bars(ax, bars, levels, at, base)
    ax.text(_EDGE, _EDGE, caption, fontsize=8, color=_QUIET, va="bottom", parse_math=False)
    return figure


def _check_arguments(result: Any, width: float | None, longest_name: int) -> None:
    if not isinstance(result, NemenyiResult | WilcoxonResult):
        raise TypeError(f"expected the result of nemenyi or wilcoxon_holm, got {type(result).__name__}")
    if width is not None and width < 5:
        raise ValueError(f"width must be at least 5 inches, got {width!r}")
    if longest_name < 4:
        raise ValueError(f"longest_name must be at least 4, got {longest_name!r}")


def _fitted_names(
    ax: Axes, names: list[str], half: int, width: float | None, longest: int
) -> tuple[list[str], float, float]:
    """Names short enough but still distinct, and the inches their two columns need."""
    names = [" ".join(name.split()) for name in names]
    distinct = len(set(names))
    shortest = next(
        n for n in range(4, 4 + max(map(len, names))) if len({_shortened(name, n) for name in names}) == distinct
    )
    longest = max(shortest, min(longest, max(map(len, names))))
    while True:
        shown = [_shortened(name, longest) for name in names]
        left, right = (
            max((_inches(ax, name) for name in column), default=0.0) + _NUMBER + 3 * _EDGE
            for column in (shown[:half], shown[half:])
        )
        if width is None or left + _narrowest(len(names)) + right <= width or longest == shortest:
            return shown, left, right
        longest -= 1


def _narrowest(k: int) -> float:
    """Inches of axis below which names are shortened."""
    return min(2.8, max(1.6, 0.13 * k))


def _shortened(name: str, length: int) -> str:
    """The name with its middle left out, since names of variants often differ at the end."""
    if len(name) <= length:
        return name
    tail = (length - 1) // 2
    return f"{name[: length - 1 - tail]}…{name[len(name) - tail :]}"


def _inches(ax: Axes, name: str) -> float:
    text = ax.text(0, 0, name, fontsize=10, parse_math=False)
    extent = text.get_window_extent()
    text.remove()
    return float(extent.width / ax.figure.dpi)


def _levels(bars: Sequence[tuple[int, int]], at: NDArray[np.float64]) -> list[int]:
    """The row of each bar, the first in which it overlaps no other."""
    ends: list[float] = []
    levels = []
    for start, stop in bars:
        level = next((i for i, end in enumerate(ends) if end < at[start] - 0.3), len(ends))
        ends[level : level + 1] = [at[stop]]
        levels.append(level)
    return levels


def _caption(result: NemenyiResult | WilcoxonResult) -> str:
    test = "Nemenyi test" if isinstance(result, NemenyiResult) else "Wilcoxon test with Holm's correction"
    joined = "a bar joins methods not told apart" if result.groups else "all methods differ"
    return f"Mean rank over {result.n_datasets} data sets, best on the left; {joined} ({test}, α = {result.alpha:g})."


def _draw_axis(ax: Axes, left: float, length: float, base: float, k: int) -> None:
    ax.plot([left, left + length], [base, base], color=_INK, linewidth=1.2, solid_capstyle="butt")
    step = int(np.ceil(0.24 * (k - 1) / length))  # numbers need a quarter of an inch
    for rank in range(1, k + 1):
        x = left + (rank - 1) / (k - 1) * length
        shown = (rank - 1) % step == 0
        ax.plot([x, x], [base, base + (0.08 if shown else 0.05)], color=_INK, linewidth=1.0)
        if shown:
            ax.text(x, base + 0.11, str(rank), ha="center", va="bottom", fontsize=9, color=_INK)


def _draw_ruler(ax: Axes, left: float, length: float, y: float, difference: float, k: int) -> None:
    reach = difference / (k - 1) * length
    label = f"CD = {difference:.2f}"
    if reach > length:  # then no two methods can differ
        label += ", wider than the axis"
    end = left + min(reach, length)
    ax.plot([left, end], [y, y], color=_INK, linewidth=1.2)
    for x in [left, end] if reach <= length else [left]:
        ax.plot([x, x], [y - 0.05, y + 0.05], color=_INK, linewidth=1.2)
    ax.text(end + 0.08, y, label, ha="left", va="center", fontsize=9, color=_INK)


def _draw_bars(
    ax: Axes, bars: Sequence[tuple[int, int]], levels: list[int], at: NDArray[np.float64], base: float
) -> None:
    for (start, stop), level in zip(bars, levels, strict=True):
        y = base - 0.12 - _LEVEL * level
        ends = [at[start] - 0.05, at[stop] + 0.05]
        ax.plot(ends, [y, y], color=_BAR, linewidth=3.5, solid_capstyle="round", zorder=3, gid="group")


def _draw_names(
    ax: Axes,
    names: list[str],
    ranks: NDArray[np.float64],
    at: NDArray[np.float64],
    base: float,
    edges: list[float],
    top: float,
    half: int,
) -> None:
    """Names of the better half on the left, of the others on the right, each led to its place on the axis."""
    style: dict[str, Any] = {"va": "center", "parse_math": False}
    for j, name in enumerate(names):
        better = j < half
        row = j if better else len(names) - 1 - j
        y = top - _ROW * (row + 0.5)
        side, edge = (-1, edges[0]) if better else (1, edges[1])
        ax.plot([at[j], at[j], edge + side * 0.06], [base, y, y], color=_QUIET, linewidth=0.8, zorder=1)
        ax.plot(at[j], base, "o", markersize=4, color=_INK, zorder=4)
        number = edge - 0.1 if better else edge + 0.1 + _NUMBER
        ax.text(number, y, f"{ranks[j]:.2f}", ha="right", fontsize=8, color=_QUIET, **style)
        align = "right" if better else "left"
        ax.text(edge + side * (_NUMBER + 0.2), y, name, ha=align, fontsize=10, color=_INK, **style)
