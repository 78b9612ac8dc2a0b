"""Any table of scores comes in with its names; gaps are named or left out, never passed on."""

import numpy as np
import pytest

from rarelabel.evaluation import ScoreTable, friedman, score_table


def test_names_come_from_a_frame_its_text_column_or_its_index():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"data": ["birds", "yeast"], "none": [0.5, 0.6], "MLROS": [1, 0]})
    for table in (score_table(frame), score_table(frame.set_index("data"))):
        assert table.datasets == ("birds", "yeast")
        assert table.methods == ("none", "MLROS")
        np.testing.assert_array_equal(table.values, [[0.5, 1], [0.6, 0]])
    assert score_table(frame[["none", "MLROS"]]).datasets == ("data set 1", "data set 2")


def test_polars_frames_are_read_alike():
    pl = pytest.importorskip("polars")
    table = score_table(pl.DataFrame({"none": [0.5, 0.6], "data": ["birds", "yeast"], "MLROS": [1, 0]}))
    assert (table.datasets, table.methods) == (("birds", "yeast"), ("none", "MLROS"))
    np.testing.assert_array_equal(table.values, [[0.5, 1], [0.6, 0]])


def test_given_names_go_before_found_ones_and_arrays_are_numbered():
    table = score_table([[1, 2], [3, 4]])
    assert (table.datasets, table.methods) == (("data set 1", "data set 2"), ("method 1", "method 2"))
    again = score_table(table, methods=["a", "b"], datasets=["x", "y"])
    assert (again.datasets, again.methods) == (("x", "y"), ("a", "b"))
    np.testing.assert_array_equal(again.values, [[1, 2], [3, 4]])


def test_the_input_is_copied():
    scores = np.array([[1.0, 2.0], [3.0, 4.0]])
    score_table(scores).values[:] = 0
    np.testing.assert_array_equal(scores, [[1, 2], [3, 4]])


@pytest.mark.parametrize("gap", [None, float("nan")])
def test_a_missing_score_is_named_by_method_and_data_set(gap):
    scores = [[0.1, 0.2], [0.3, gap], [0.5, 0.6]]
    with pytest.raises(ValueError, match="scores are missing: 'MLROS' on 'yeast'; run these again"):
        score_table(scores, methods=["none", "MLROS"], datasets=["birds", "yeast", "scene"])


def test_many_missing_scores_are_counted():
    with pytest.raises(ValueError, match="'method 1' on 'data set 3' and 3 more"):
        score_table(np.full((4, 2), np.nan))


def test_a_method_that_failed_everywhere_is_named():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"none": [0.5, 0.6], "MLROS": [None, None]}, index=["birds", "yeast"])
    with pytest.raises(ValueError, match="'MLROS' on 'birds', 'MLROS' on 'yeast'"):
        score_table(frame)


def test_a_data_set_without_name_is_refused():
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="row 1 of column 'data' names no data set"):
        score_table(pd.DataFrame({"data": ["birds", None], "none": [0.5, 0.6], "MLROS": [1, 0]}))


def test_dropping_names_the_data_sets_and_keeps_the_others():
    scores = [[0.1, 0.2], [0.3, np.nan], [0.5, 0.6], [np.nan, np.nan]]
    names = ["birds", "yeast", "scene", "flags"]
    with pytest.warns(UserWarning, match=r"left out 2 of 4 data sets .*: 'yeast', 'flags'"):
        table = score_table(scores, datasets=names, missing="drop")
    assert table.datasets == ("birds", "scene")
    np.testing.assert_array_equal(table.values, [[0.1, 0.2], [0.5, 0.6]])


def test_tests_count_only_the_data_sets_that_are_left():
    scores = np.array([[0.1, 0.2], [0.3, np.nan], [0.5, 0.6], [0.7, 0.6]])
    with pytest.warns(UserWarning, match="'data set 2'"):
        dropped = friedman(scores, missing="drop")
    assert dropped.n_datasets == 3
    assert dropped.chi2 == friedman(scores[[0, 2, 3]]).chi2


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        ([[1.0, 2.0], [3.0, np.inf]], {}, "'method 2'|column 'x1'"),
        (np.array([[1.0, 2.0], [3.0, np.inf]]), {"methods": ["a", "b"]}, "score of 'b' on 'data set 2' is inf"),
        ([[1, "high"], [2, "low"]], {}, "does not hold numbers"),
        ([[1, 2], [3, 4]], {"methods": ["a", "a"]}, "names of methods are repeated: 'a'"),
        ([[1, 2], [3, 4]], {"datasets": ["a", "a"]}, "names of data sets are repeated: 'a'"),
        ([[1, 2], [3, 4]], {"methods": ["a"]}, "2 methods, but 1 names"),
        ([[1, 2]], {}, "at least 2 methods on 2 data sets, got 2 on 1"),
        ([[1], [2]], {}, "at least 2 methods on 2 data sets, got 1 on 2"),
        ([[1, 2], [3, 4]], {"missing": "ignore"}, "missing must be 'raise' or 'drop', got 'ignore'"),
        ([1, 2, 3], {}, "Expected 2D array"),
    ],
)
def test_a_table_that_cannot_be_compared_is_refused(scores, options, message):
    with pytest.raises(ValueError, match=message):
        score_table(scores, **options)


def test_text_for_names_is_refused():
    with pytest.raises(TypeError, match="sequence of names of methods, got the text 'ab'"):
        score_table([[1, 2], [3, 4]], methods="ab")


def test_printing_shows_every_score():
    table = ScoreTable(np.array([[0.25, 1.0], [0.5, 2.0]]), ("birds", "a long name"), ("x", "another method"))
    assert str(table).splitlines()[2] == "a long name       0.5               2"
