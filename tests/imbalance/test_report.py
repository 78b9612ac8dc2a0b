"""The report says what the measures say, survives odd names and undefined numbers, and refuses what does not fit."""

import json
import sys

import numpy as np
import pytest

from rarelabel import imbalance
from rarelabel.imbalance import describe
from rarelabel.schema import Column, Schema

pd = pytest.importorskip("pandas")

Y = pd.DataFrame(
    {"sun": [1, 1, 1, 1, 1, 1, 0, 0], "sea": [1, 1, 0, 0, 0, 0, 0, 0], "<b>fog & $x$</b>": [1, 0, 0, 0, 0, 0, 0, 0]}
)
X = pd.DataFrame({"height": np.arange(8.0), "rooms": np.arange(8), "town": list("abababab")})


def test_numbers_are_those_of_the_measures():
    report = describe(X, Y)
    for name in ("mean_ir", "max_ir", "cvir", "scumble", "scumble_cv", "cardinality", "density", "n_labelsets"):
        assert getattr(report, name) == getattr(imbalance, name)(Y), name
    assert report.tcs == pytest.approx(imbalance.tcs(Y, n_inputs=3))
    assert report.inputs == {"numeric": 1, "integer": 1, "category": 1}
    assert report.rows_by_cardinality.tolist() == [2, 4, 1, 1]
    assert (report.n_rows, report.n_labels, report.single_labelsets, report.max_labelset_frequency) == (8, 3, 2, 4)


def test_text_shows_the_rarest_label_first_and_what_it_comes_with():
    text = str(describe(X, Y))
    assert text.startswith("Imbalance of 8 rows, 3 inputs, 3 labels\n")
    assert text.index("<b>fog") < text.index("\n  sea ") < text.index("\n  sun ")
    assert "MeanIR           3.333 (max 6.000, CVIR 0.755)" in text
    assert "<b>fog & $x$</b> (1): sun (1), sea (1)" in text
    assert "TCS" not in str(describe(None, Y))


def test_names_are_escaped_in_notebooks():
    html = describe(X, Y)._repr_html_()
    assert "&lt;b&gt;fog &amp; $x$&lt;/b&gt;" in html
    assert "<b>fog" not in html


def test_dictionary_is_json_and_undefined_numbers_are_null():
    never = Y.assign(snow=0)
    numbers = json.loads(json.dumps(describe(X, never).to_dict(), allow_nan=False))
    assert numbers["num.attributes"] == 7
    assert numbers["labels"][3] == {
        "name": "snow", "count": 0, "freq": 0.0, "IRLbl": None, "SCUMBLE": None, "SCUMBLE.CV": None, "minority": False,
    }  # fmt: skip
    assert numbers["labelsets"][0] == {"labels": ["sun"], "count": 4}
    assert numbers["notes"] == ["1 of 4 labels have no positive: 'snow'"]
    empty = json.loads(json.dumps(describe(None, np.zeros((3, 2))).to_dict(), allow_nan=False))
    assert (empty["meanIR"], empty["CVIR"], empty["tcs"]) == (None, None, None)


def test_concurrence_lists_tangled_minority_labels_by_scumble():
    entries = describe(X, Y).concurrence()
    assert [entry.label for entry in entries] == ["<b>fog & $x$</b>"]
    assert entries[0].partners == (("sun", 1), ("sea", 1))
    assert entries[0].scumble == pytest.approx(imbalance.scumble_per_label(Y)[2])
    assert describe(X, Y).concurrence(n_labels=0) == ()
    assert describe(X, Y).concurrence(n_partners=1)[0].partners == (("sun", 1),)


def test_frame_holds_one_row_per_label():
    frame = describe(X, Y).to_frame()
    assert frame.index.tolist() == list(Y.columns)
    assert frame["count"].tolist() == [6, 2, 1]
    assert frame.loc["sea", "irlbl"] == 3
    assert frame["minority"].tolist() == [False, False, True]


def test_schema_names_columns():
    schema = Schema((Column("a", "integer"), Column("b", "category", ("u", "v"))), (Column("p", "label"),))
    report = describe(np.zeros((2, 2)), np.array([[1], [0]]), schema=schema)
    assert report.label_names == ("p",)
    assert report.inputs == {"integer": 1, "category": 1}


def test_what_does_not_fit_is_refused():
    schema = Schema((Column("a"),), (Column("p", "label"),))
    with pytest.raises(ValueError, match="X has 7 rows, Y 8"):
        describe(X[:7], Y)
    with pytest.raises(ValueError, match="schema names 1 labels, Y has 3"):
        describe(None, Y, schema=schema)
    with pytest.raises(ValueError, match="schema names 1 features, X has 3"):
        describe(X, Y[["sea"]], schema=schema)


def test_never_positive_labels_as_in_mldr():
    report = describe(None, Y.assign(snow=0), never_positive="mldr")
    assert report.mean_ir == pytest.approx((1 + 3 + 6 + 0) / 4)
    assert report.irlbl.tolist() == [1, 3, 6, 0]


def test_missing_pandas_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"to_frame needs pandas: pip install 'rarelabel\[data\]'"):
        describe(None, Y.to_numpy()).to_frame()
