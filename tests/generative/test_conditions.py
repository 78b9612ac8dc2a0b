"""Conditions: which column or label a name means, what values may be asked for, and that rows have the very value."""

import json
import warnings

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import sparse

pytest.importorskip("torch")

from rarelabel import AEMLO, CVAE, MLDM, SEMResDDPM, TabDDPM, load_model
from rarelabel._validation import Container, validate
from rarelabel.cli import main
from rarelabel.datasets import read
from rarelabel.encoding import TableEncoder
from rarelabel.generative._conditions import Known, encode_conditions
from rarelabel.schema import Column, Schema

SMALL = {"width": 16, "n_timesteps": 20, "sampling_steps": 2, "training_steps": 2, "random_state": 0}

told_columns = pytest.mark.parametrize("cls", [MLDM, SEMResDDPM, TabDDPM])


def quietly(method, *args):
    """What few rows and few steps are warned of is no matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return method(*args)


def fitted(cls, X, y, **parameters):
    return quietly(cls(**SMALL | parameters).fit, X, y)


def classes(n=60, seed=0):
    """Three normal columns, and class 1 on a fifth of the rows."""
    return np.random.default_rng(seed).normal(size=(n, 3)), (np.arange(n) % 5 == 0).astype(int)


# A column of which most values are the same: its state, and the number where it is another one

SCHEMA = Schema((Column("gain"), Column("count", "integer")), (Column("l", "label"),))
X = np.array([[0, 3], [0, 3], [0, 3], [0, 4], [2, np.nan], [4, 3], [0, 3], [0, 9], [8, 3]])
Y = np.arange(9)[:, None] % 2 == 0
CONTAINER = Container.of(validate(X, Y, schema=SCHEMA, allow_nan=True))
ENCODER = TableEncoder(usual_share=0.5).fit(X, SCHEMA, Y)  # Z: gain, count, gain usual, count usual, count missing, l


@pytest.mark.parametrize(
    ("conditions", "states", "known"),
    [
        ({"gain": 0}, {2: 1.0}, [2]),
        ({"gain": 4.0}, {0: 0.0, 2: 0.0}, [0, 2]),  # 4 is the middle of the others, 2, 4 and 8
        ({"count": 3, "l": 1}, {3: 1.0, 4: 0.0, 5: 1.0}, [3, 4, 5]),
        ({"count": None}, {4: 1.0}, [4]),
    ],
)
def test_the_usual_value_is_a_state_and_another_one_a_number(conditions, states, known):
    found = encode_conditions(conditions, CONTAINER, ENCODER)
    assert np.flatnonzero(found.known).tolist() == known
    assert {c: found.values[c] for c in states} == pytest.approx(states)


@pytest.mark.parametrize(("name", "value"), [("gain", 0.0), ("gain", 2.0), ("gain", 8.0), ("count", 3), ("count", 9)])
def test_rows_that_have_the_known_entries_meet_the_conditions_whatever_else_they_hold(name, value):
    found = encode_conditions({name: value}, CONTAINER, ENCODER)
    Z = np.where(found.known, found.values, np.random.default_rng(0).normal(size=(200, ENCODER.width_)))
    assert found.holds(*ENCODER.inverse_transform(Z)).all()


def test_a_number_beyond_the_others_is_refused_though_the_usual_value_lies_further_out():
    # the others are 2 to 8, the usual value is 0: there is no row with 1
    with pytest.raises(ValueError, match=r"conditions ask for 1.0 in column 'gain', .*nearest: 2.0"):
        encode_conditions({"gain": 1}, CONTAINER, ENCODER)


# Which of two is meant


def both(columns, y):
    """Container and encoder of a frame with these columns, and classes."""
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(np.arange(12.0).reshape(6, 2) % 5, columns=pd.Index(columns, tupleize_cols=False))
    table = validate(X, np.resize(y, 6))
    return Container.of(table), TableEncoder().fit(table.X, table.schema, table.Y)


@pytest.mark.parametrize(
    ("columns", "y", "name", "features", "labels"),
    [
        (["0", "1"], [0, 1], 1, [], [1]),  # what is written so comes first
        (["0", "1"], [0, 1], "1", [1], []),
        (["0", "1"], [0, 1], np.int64(1), [], [1]),
        ([0, 1], ["0", "1"], "1", [], [1]),
        ([0, 1], ["0", "1"], 1, [1], []),
        ([0, 1], [False, True], True, [], [1]),
        ([0, 1], [False, True], 1, [1], []),
        ([0, 1], [0.0, 1.0], 1, [1], []),
        ([0, 1], [0.0, 1.0], 1.0, [], [1]),
        (["a", "b"], [False, True], 1, [], [1]),  # then what equals it
        (["a", "b"], [0, 1], "1", [], [1]),  # then its text
        ([0, 1], [0, 1], ("label", 1), [], [1]),
        ([0, 1], [0, 1], ("column", 1), [1], []),
        ([0, 1], [0, 1], ("column", "1"), [1], []),
        ([("label", 1), "b"], [0, 1], ("label", 1), [], [1]),
        ([("label", "c"), "b"], [0, 1], ("label", "c"), [0], []),  # no label, but the name of a column
        ([("label", 1), "b"], [0, 1], ("column", ("label", 1)), [0], []),
    ],
)
def test_a_name_means_what_the_caller_wrote_and_only_then_what_has_the_same_text(columns, y, name, features, labels):
    found = encode_conditions({name: 1}, *both(columns, y))
    assert (list(found.features), list(found.labels)) == (features, labels)


@pytest.mark.parametrize(
    ("columns", "y", "name"), [([0, 1], [0, 1], 1), (["a", "b"], ["a", "c"], "a"), ([0, 1], [0, 1], "1")]
)
def test_a_name_that_can_be_both_is_refused_with_the_two_spellings(columns, y, name):
    with pytest.raises(ValueError, match="which is both a column and a label") as caught:
        encode_conditions({name: 1}, *both(columns, y))
    assert str(caught.value).endswith(f"write ('column', {name!r}) or ('label', {name!r})")


@pytest.mark.parametrize("name", [("label", 7), ("column", "x"), ("row", 1), ("label", 1, 2), "x", None])
def test_a_name_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match="which is neither a column nor a label"):
        encode_conditions({name: 1}, *both([0, 1], [0, 1]))


@told_columns
def test_classes_of_a_frame_with_numbered_columns_can_be_asked_for(cls, tmp_path):
    """The commonest of tables: ``pd.DataFrame(array)`` and classes 0 and 1; also from a file."""
    pd, _ = pytest.importorskip("pandas"), pytest.importorskip("safetensors")
    X, y = classes()
    model = fitted(cls, pd.DataFrame(X), y)
    model.save(tmp_path / "model.safetensors")
    for each in (model, load_model(tmp_path / "model.safetensors")):
        with pytest.raises(ValueError, match="1, which is both a column and a label"):
            each.sample(4, {1: 1})
        X_new, y_new = each.sample(4, {("label", 1): 1, ("column", 1): 0.25})
        assert y_new.tolist() == [1] * 4
        assert X_new.columns.tolist() == [0, 1, 2]
        assert X_new[1].tolist() == [0.25] * 4
    named = fitted(cls, pd.DataFrame(X, columns=list("012")), y)
    assert set(named.sample(4, {0: 1})[1]) == {0}
    assert set(named.sample(4, {"0": 0.5, 1: 1})[0]["0"]) == {0.5}


@pytest.mark.parametrize("cls", [AEMLO, CVAE])
def test_methods_that_are_told_labels_alone_take_the_same_spelling(cls):
    pd = pytest.importorskip("pandas")
    X, _ = classes(200)
    Y = np.column_stack([X[:, 0] > -1, X[:, 0] > 1]).astype(int)
    model = cls(width=16, latent_size=4, training_steps=5, random_state=0)
    quietly(model.fit, pd.DataFrame(X), pd.DataFrame(Y))
    for name in (1, "1", ("label", 1)):
        Y_new = quietly(model.sample, 5, {name: 1})[1]
        assert Y_new.columns.tolist() == [0, 1]
        assert Y_new[1].all()
    for name in (("column", 1), ("label", 7)):
        with pytest.raises(ValueError, match="takes conditions on labels, '0', '1'; got one on"):
            model.sample(5, {name: 1})


# Values that may be asked for


@told_columns
def test_a_category_that_no_row_has_is_refused_by_name_and_also_from_a_file(cls, tmp_path):
    pd, _ = pytest.importorskip("pandas"), pytest.importorskip("safetensors")
    X, y = classes()
    frame = pd.DataFrame(
        {"x": X[:, 0], "o": pd.Categorical(np.resize(["lo", "mid"], 60), ["lo", "mid", "top"]), "b": True}
    )
    model = fitted(cls, frame, y)
    model.save(tmp_path / "model.safetensors")
    for each in (model, load_model(tmp_path / "model.safetensors")):
        assert set(each.sample(3, {"o": "mid"})[0]["o"]) == {"mid"}
        with pytest.raises(ValueError, match="column 'o' has the categories 'lo', 'mid', got 'top', which no row has"):
            each.sample(3, {"o": "top"})
        with pytest.raises(ValueError, match=r"column 'o' has the categories 'lo', 'mid', got 'low'$"):
            each.sample(3, {"o": "low"})
        with pytest.raises(ValueError, match="column 'b' has the categories True, got False, which no row has"):
            each.sample(3, {"b": False})


# The very value


@told_columns
@pytest.mark.parametrize("kind", ["array", "sparse"])
def test_rows_have_the_very_number_that_was_asked_for(cls, kind):
    X, y = classes()
    X = np.column_stack([X, 1e6 * X[:, 0], np.arange(60) % 7])
    asked = {"x0": 0.5, "x1": 0.1, "x3": 123456.789, "x4": 3}
    model = fitted(cls, sparse.csr_array(X) if kind == "sparse" else X, y)
    X_new, _ = model.sample(6, asked)
    X_file = model.sample_dataset(6, asked).X
    for made in (X_new, X_file):
        assert sparse.issparse(made) == (kind == "sparse")
        dense = made.toarray() if kind == "sparse" else made
        assert dense[:, [0, 1, 3, 4]].tolist() == [[0.5, 0.1, 123456.789, 3.0]] * 6
        assert len(set(dense[:, 2])) == 6


@told_columns
def test_whole_numbers_categories_and_missing_values_that_were_asked_for_come_too(cls):
    pd = pytest.importorskip("pandas")
    X, y = classes()
    frame = pd.DataFrame(
        {
            "big": (1e6 * X[:, 0]).astype(int),
            "town": np.resize(["Rome", "Oslo", "Bern"], 60),
            "gaps": np.where(np.arange(60) % 3, X[:, 1], np.nan),
        }
    )
    asked = int(frame["big"].median()) + 3
    X_new, _ = fitted(cls, frame, y).sample(6, {"big": asked, "town": "Bern", "gaps": None})
    assert X_new["big"].tolist() == [asked] * 6
    assert set(X_new["town"]) == {"Bern"}
    assert X_new["gaps"].isna().all()


def test_the_values_are_put_into_rows_of_either_kind_and_nothing_else_is_changed():
    known = Known(np.zeros(0), np.zeros(0, dtype=bool), {3: 0.1, 0: 0.0, 2: np.nan}, {})
    rows = np.array([[1.0, 2, 0, 4, 5], [0, 0, 6, 0, np.nan]])
    expected = [[0, 2, np.nan, 0.1, 5], [0, 0, np.nan, 0.1, np.nan]]
    np.testing.assert_array_equal(known.put(rows), expected)
    found = known.put(sparse.csr_array(rows))
    np.testing.assert_array_equal(found.toarray(), expected)
    assert found.nnz == 7
    assert rows[0].tolist() == [1, 2, 0, 4, 5]


@told_columns
def test_a_row_that_equals_one_of_the_table_once_it_has_the_value_is_a_copy(cls):
    """The number asked for is one that a single row has, and the other column has two values: half of the draws."""
    X, y = classes(200)
    X = np.column_stack([X[:, 0], np.arange(200) % 2])
    row = int(np.abs(X[:, 0] - 0.3).argmin())
    made, free = (fitted(cls, X, y, reject_copies=reject).sample(30, {"x0": X[row, 0]})[0] for reject in (True, False))
    copies, uncontrolled = ((part == X[row]).all(axis=1).sum() for part in (made, free))
    assert copies == 0 < uncontrolled < 30


@pytest.mark.parametrize("columns", [[0, 1, 2], ["0", "1", "2"]])
def test_the_command_line_says_which_of_two_is_meant(columns, tmp_path, monkeypatch):
    pd, _ = pytest.importorskip("pandas"), pytest.importorskip("safetensors")
    monkeypatch.chdir(tmp_path)
    X, y = classes()
    fitted(TabDDPM, pd.DataFrame(X, columns=columns), y).save("kept.safetensors")
    asked = ["--label", "1=1", "--where", "1=0.3"]
    result = CliRunner().invoke(main, ["generate", "kept.safetensors", "-n", "4", "-o", "new.dat", *asked, "--json"])
    assert result.exit_code == 0, result.output
    made = read("new.dat")
    assert made.X[:, 1].tolist() == [0.3] * 4
    assert made.Y[:, list(made.label_names).index("1")].all()
    assert json.loads(result.stdout)["conditions"] == {"label 1": 1, "column 1": 0.3}
