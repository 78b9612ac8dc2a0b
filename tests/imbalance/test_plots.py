"""What is drawn is what the report holds; odd tables and names are drawn too."""

import io
import sys

import numpy as np
import pytest

from rarelabel.imbalance import describe, plot
from rarelabel.imbalance.plots import KINDS

matplotlib = pytest.importorskip("matplotlib")
pd = pytest.importorskip("pandas")

TABLE = pd.DataFrame({"sun": [1, 1, 1, 1, 1, 0], "sea": [1, 1, 0, 0, 0, 0], "fog": [0, 0, 1, 0, 0, 0]})
REPORT = describe(np.zeros((6, 2)), TABLE)


def bar_lengths(axes):
    return [round(patch.get_width()) for patch in axes.patches if patch.get_height() == pytest.approx(0.8)]


def drawn(figure):
    """All text of the figure as it is drawn."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg")
    return buffer.getvalue()


def test_bars_are_the_counts_of_labels_labelsets_and_attributes():
    labels = plot(REPORT, "LB").axes[0]
    assert bar_lengths(labels) == [5, 2, 1]
    assert [text.get_text() for text in labels.get_yticklabels()] == ["sun", "sea", "fog"]
    labelsets = plot(REPORT, "LSB").axes[0]
    assert bar_lengths(labelsets) == [2, 2, 1, 1]
    assert [text.get_text() for text in labelsets.get_yticklabels()] == ["sun + sea", "sun", "sun + fog", "(no label)"]
    assert bar_lengths(plot(REPORT, "AT").axes[0]) == [2, 3]


def test_histograms_count_every_row_label_and_labelset():
    assert [patch.get_height() for patch in plot(REPORT, "CH").axes[0].patches] == [1, 2, 3]
    assert [patch.get_height() for patch in plot(REPORT, "LSH").axes[0].patches] == [2, 2]
    assert sum(patch.get_height() for patch in plot(REPORT, "LH").axes[0].patches) == 3


def test_map_holds_shares_of_the_row_label():
    shown = plot(REPORT, "CO").axes[0].images[0].get_array()
    assert shown[1, 0] == pytest.approx(1)  # every row with sea has sun
    assert shown[0, 1] == pytest.approx(2 / 5)
    assert shown.mask.diagonal().all()


def test_all_draws_each_kind_once_and_leaves_out_attributes_without_x():
    def titles(report):
        figure = plot(report)
        return {axes.get_title(loc="left").split("\n")[0] for axes in figure.axes} - {""}

    assert titles(REPORT) == set(KINDS.values())
    assert titles(describe(None, TABLE)) == set(KINDS.values()) - {KINDS["AT"]}


def test_many_labels_are_cut_to_the_rarest_and_the_most_frequent():
    Y = np.tri(60, 300, dtype=bool)[:, ::-1][:, 240:]
    report = describe(None, Y)
    axes = plot(report, "LB", top=10).axes[0]
    assert bar_lengths(axes) == [*sorted(report.counts, reverse=True)[:5], *sorted(report.counts, reverse=True)[-5:]]
    assert "the 5 most frequent and the 5 rarest of 60" in axes.get_title(loc="left")
    assert len(plot(report, "CO").axes[0].get_xticklabels()) == 24
    assert len(plot(report, "LC", top=8).axes[0].texts) == 8


def test_names_of_labels_are_no_formulas_and_stay_on_one_line():
    names = ["$a_{b$", "<b>&amp;", "_hidden", "long " * 40 + "\nname"]
    report = describe(None, pd.DataFrame(np.tri(4, dtype=int), columns=names))
    for kind in ("LC", "LB", "LSB", "CO"):
        text = drawn(plot(report, kind))
        assert "$a_{b$" in text
        assert "long long" in text or kind == "LSB"  # there the four names share a line
        assert "long " * 12 not in text


@pytest.mark.parametrize(
    "Y", [np.zeros((4, 3)), np.array([[1], [0]]), np.ones((3, 2)), np.eye(3), [["a"], []]],
    ids=["all zero", "one label", "all one", "one label each", "a row without labels"],
)  # fmt: skip
def test_odd_tables_are_drawn(Y):
    assert "Rows per label" in drawn(plot(describe(np.zeros((len(Y), 1)), Y)))


def test_a_figure_of_the_caller_is_drawn_on():
    from matplotlib.figure import Figure

    figure = Figure()
    assert plot(REPORT, "CH", figure=figure) is figure
    assert len(figure.axes) == 1


def test_pyplot_is_left_alone():
    before = set(sys.modules)
    REPORT.plot("LB")
    assert "matplotlib.pyplot" not in set(sys.modules) - before


def test_what_cannot_be_drawn_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="kind must be 'all' or one of LC, LH, LB, CH, AT, LSH, LSB, CO, got 'PIE'"):
        plot(REPORT, "PIE")
    with pytest.raises(ValueError, match="top must be at least 2, got 1"):
        plot(REPORT, "LB", top=1)
    with pytest.raises(ValueError, match="made without X"):
        plot(describe(None, TABLE), "AT")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"plots need matplotlib: pip install 'rarelabel\[report\]'"):
        plot(REPORT, "LB")
