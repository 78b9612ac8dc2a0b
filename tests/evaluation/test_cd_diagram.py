"""What the diagram shows is what the test found; names of any length and number fit."""

import io
from itertools import pairwise

import numpy as np
import pytest

from rarelabel.evaluation import friedman, nemenyi, plot_critical_difference, wilcoxon_holm

matplotlib = pytest.importorskip("matplotlib")
pytest.importorskip("matplotlib.figure")


def table(k, n=14, seed=3, spread=2.5):
    return np.random.default_rng(seed).normal(size=(n, k)) + np.linspace(0, spread, k)


def rank_scale(figure):
    """From inches to mean ranks: ticks of the axis are numbers that stand at their place."""
    ticks = {int(t.get_text()): t.get_position()[0] for t in figure.axes[0].texts if t.get_text().isdigit()}
    low, high = min(ticks), max(ticks)
    return lambda x: low + (x - ticks[low]) / (ticks[high] - ticks[low]) * (high - low)


def drawn_bars(figure):
    return [line for line in figure.axes[0].lines if line.get_gid() == "group"]


def drawn_texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def boxes(figure):
    """Extents of all text as drawn, in inches."""
    figure.draw_without_rendering()
    return [
        (text.get_text(), text.get_window_extent().transformed(figure.dpi_scale_trans.inverted()))
        for text in figure.axes[0].texts
    ]


def test_dots_stand_at_the_mean_ranks(demsar):
    result = nemenyi(demsar)
    figure = plot_critical_difference(result)
    to_rank = rank_scale(figure)
    dots = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == "o"]
    np.testing.assert_allclose([to_rank(x) for x in dots], np.sort(result.mean_ranks))


def test_bars_span_the_groups_and_the_ruler_the_critical_difference(demsar):
    result = nemenyi(demsar, alpha=0.10)
    figure = plot_critical_difference(result)
    to_rank = rank_scale(figure)
    ranks = dict(zip(result.methods, result.mean_ranks, strict=True))
    bars = drawn_bars(figure)
    assert len(bars) == len(result.groups) == 2
    for bar, group in zip(bars, result.groups, strict=True):
        start, stop = bar.get_xdata()
        assert to_rank(start + 0.05) == pytest.approx(ranks[group[0]])
        assert to_rank(stop - 0.05) == pytest.approx(ranks[group[-1]])
    top = max(line.get_ydata()[0] for line in figure.axes[0].lines if len(set(line.get_ydata())) == 1)
    (ruler,) = [line for line in figure.axes[0].lines if list(line.get_ydata()) == [top, top]]
    start, stop = (to_rank(x) for x in ruler.get_xdata())
    assert (start, stop - start) == pytest.approx((1, result.critical_difference))
    assert "CD = 1.12" in drawn_texts(figure)


def test_every_method_is_named_with_its_rank_the_better_half_on_the_left(demsar):
    result = nemenyi(demsar)
    figure = plot_critical_difference(result)
    places = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    assert set(result.methods) <= set(places)
    assert {f"{rank:.2f}" for rank in result.mean_ranks} <= set(places)
    sides = {name: "left" if places[name][0] < places["1"][0] else "right" for name in result.methods}
    assert sides == {"C4.5+m+cf": "left", "C4.5+m": "left", "C4.5+cf": "right", "C4.5": "right"}
    assert places["C4.5+m+cf"][1] > places["C4.5+m"][1]
    assert places["C4.5"][1] > places["C4.5+cf"][1]


def test_leading_lines_of_one_side_do_not_cross():
    figure = plot_critical_difference(nemenyi(table(9)))
    elbows = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 3]
    assert len(elbows) == 9
    for half in (elbows[:5], elbows[5:][::-1]):
        depths = [line.get_ydata()[-1] for line in half]
        inward = [abs(line.get_xdata()[0] - line.get_xdata()[-1]) for line in half]
        assert depths == sorted(depths, reverse=True)
        assert inward == sorted(inward)


@pytest.mark.parametrize("width", [None, 8])
@pytest.mark.parametrize("k", [2, 3, 9, 20])
def test_all_text_lies_inside_the_figure_and_apart(k, width):
    names = [f"a method with quite a long name, variant {i}" for i in range(k)]
    figure = plot_critical_difference(nemenyi(table(k), methods=names), width=width)
    wide, high = figure.get_size_inches()
    found = boxes(figure)
    for text, box in found:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= wide, text
        assert box.y1 <= high, text
    for i, (text, box) in enumerate(found):
        assert not any(box.overlaps(other) for _, other in found[i + 1 :]), text


def test_a_given_width_is_kept_by_shortening_names_in_the_middle():
    names = [f"binary relevance of trees after oversampling with variant {i}" for i in range(6)]
    figure = plot_critical_difference(nemenyi(table(6), methods=names), width=7)
    assert figure.get_size_inches()[0] == pytest.approx(7)
    shown = [text for text in drawn_texts(figure) if "…" in text]
    assert len(shown) == len(set(shown)) == 6
    assert all(text.startswith("binary") and text[-1].isdigit() for text in shown)


def test_names_that_differ_in_the_middle_only_stay_apart():
    names = [f"classifier chain of {base} trees with class weights" for base in ("shallow", "stunted", "boosted")]
    figure = plot_critical_difference(nemenyi(table(3), methods=names), width=5, longest_name=10)
    shown = {text for text in drawn_texts(figure) if text.startswith("cl")}
    assert len(shown) == 3
    assert max(box.x1 for _, box in boxes(figure)) <= figure.get_size_inches()[0]


def test_bars_on_one_level_do_not_touch():
    figure = plot_critical_difference(wilcoxon_holm(table(20, n=20, spread=5)))
    ends = {}
    for bar in drawn_bars(figure):
        ends.setdefault(bar.get_ydata()[0], []).append(tuple(bar.get_xdata()))
    assert len(ends) > 1
    for bars in ends.values():
        bars.sort()
        assert all(left[1] + 0.1 < right[0] for left, right in pairwise(bars))


def test_a_wilcoxon_test_has_no_ruler(demsar):
    figure = plot_critical_difference(wilcoxon_holm(demsar))
    assert not any(text.startswith("CD") for text in drawn_texts(figure))
    assert any("Wilcoxon" in text for text in drawn_texts(figure))


def test_a_critical_difference_beyond_the_axis_says_so():
    figure = plot_critical_difference(nemenyi([[1, 2, 3], [3, 2, 1]]))
    assert "CD = 2.34, wider than the axis" in drawn_texts(figure)


def test_where_all_methods_differ_the_caption_says_so():
    figure = plot_critical_difference(nemenyi([[1, 2, 3]] * 40))
    assert drawn_bars(figure) == []
    assert any("all methods differ" in text for text in drawn_texts(figure))


def test_names_are_drawn_as_they_are_written():
    result = nemenyi(table(3), methods=["$a", "b$_2$", "two\nlines & <tag>"])
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        plot_critical_difference(result).savefig(buffer, format="svg")
    for written in ("$a", "b$_2$", "two lines &amp; &lt;tag&gt;"):
        assert f">{written}<" in buffer.getvalue()


def test_a_figure_of_the_caller_is_drawn_on(demsar):
    figure = matplotlib.figure.Figure()
    assert plot_critical_difference(nemenyi(demsar), figure=figure) is figure
    assert len(figure.axes) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [({"width": 3}, "width must be at least 5 inches, got 3"), ({"longest_name": 2}, "at least 4, got 2")],
)
def test_sizes_that_cannot_be_drawn_are_refused(demsar, options, message):
    with pytest.raises(ValueError, match=message):
        plot_critical_difference(nemenyi(demsar), **options)


def test_other_results_are_refused(demsar):
    with pytest.raises(TypeError, match="expected the result of nemenyi or wilcoxon_holm, got FriedmanResult"):
        plot_critical_difference(friedman(demsar))
    with pytest.raises(ValueError, match="groups need all pairs"):
        plot_critical_difference(wilcoxon_holm(demsar, control="C4.5"))
