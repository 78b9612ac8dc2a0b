"""Samplers that learn classes: they balance them as asked, give valid rows of the right class, and bear hard tables."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

torch = pytest.importorskip("torch")

from rarelabel._validation import validate  # noqa: E402
from rarelabel.encoding import Block  # noqa: E402
from rarelabel.generative import CWGANGP, SEMResDDPM, TabDDPM, _class_diffusion, _class_model, _model  # noqa: E402
from rarelabel.generative._balancing import rows_to_add  # noqa: E402
from rarelabel.generative._class_model import class_weights, jittered  # noqa: E402
from rarelabel.schema import Schema  # noqa: E402

TINY = {"training_steps": 2, "batch_size": 16, "random_state": 0}
DIFFUSION = {"width": 16, "n_timesteps": 20, "sampling_steps": 2, **TINY}
SMALL = {SEMResDDPM: DIFFUSION, TabDDPM: DIFFUSION, CWGANGP: {"critic_steps": 1, **TINY}}

every_class = pytest.mark.parametrize("cls", SMALL)


def small(cls, **parameters):
    return cls(**SMALL[cls] | parameters)


def quietly(method, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return method(*args, **options)


def table(counts=(40, 12, 6), d=3, seed=0):
    """Rows of classes a, b, c, ..., class k around 2 k in every column, in random order."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    return rng.normal(size=(len(y), d)) * 0.5 + 2 * y[:, None], np.array(list("abcdefgh"))[y]


# How many rows


def exclusive(*counts):
    return np.repeat(np.eye(len(counts), dtype=bool), counts, axis=0)


@pytest.mark.parametrize(
    ("strategy", "counts", "added"),
    [
        ("auto", (9, 4, 2), [0, 5, 7]),
        ("not majority", (9, 4, 2), [0, 5, 7]),
        ("minority", (9, 4, 2), [0, 0, 7]),
        ("not minority", (9, 4, 2), [0, 5, 0]),
        ("all", (9, 4, 2), [0, 5, 7]),
        ("auto", (9, 9), [0, 0]),
        ("auto", (9, 0, 2), [0, 0, 7]),  # a class without rows stays without
        (0.5, (10, 3), [0, 2]),  # 5 of 10
        (0.45, (10, 3), [0, 1]),  # 4.5 is cut to 4, as imbalanced-learn does
        (1.0, (3, 10), [7, 0]),
        ({"c": 5}, (9, 4, 2), [0, 0, 3]),
        ({"a": 12, "b": 4}, (9, 4, 2), [3, 0, 0]),
        (lambda y: {"b": int((y == "a").sum())}, (9, 4, 2), [0, 5, 0]),
    ],
)
def test_rows_to_add_by_hand(strategy, counts, added):
    assert rows_to_add(strategy, exclusive(*counts), list("abc")[: len(counts)]).tolist() == added


@pytest.mark.parametrize("strategy", ["auto", "minority", "not minority", "all", 0.5, {"b": 20}])
def test_rows_to_add_are_those_of_imbalanced_learn(strategy):
    utils = pytest.importorskip("imblearn.utils")
    y = np.array(["a"] * 31 + ["b"] * 7)
    expected = utils.check_sampling_strategy(strategy, y, "over-sampling")
    found = rows_to_add(strategy, exclusive(31, 7), ["a", "b"])
    assert found.tolist() == [expected.get("a", 0), expected.get("b", 0)]


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ("most", "sampling_strategy must be one of 'auto', .* got 'most'"),
        (0.5, "sampling_strategy=0.5 is a ratio of two classes, y has 3"),
        (7, "sampling_strategy must be 'auto', a float .* got 7"),
        (True, "got True"),
        ({"b": 3}, "asks for 3 rows of class 'b', which has 12 already"),
        ({"z": 90}, "names 'z', which is not a class; classes are 'a', 'b', 'c'"),
        ({"b": 20.5}, "asks for 20.5 rows of class 'b'; expected an int"),
        ({"b": 10**13}, "do not fit into this computer's"),
    ],
)
@every_class
def test_a_strategy_that_cannot_be_is_refused(cls, strategy, message):
    with pytest.raises(ValueError, match=message):
        small(cls, sampling_strategy=strategy).fit_resample(*table())


def test_a_ratio_below_what_is_there_is_refused():
    for strategy, message in ((0.1, "its ratio is 0.3 already"), (1.5, r"a ratio in \(0, 1\], got 1.5")):
        with pytest.raises(ValueError, match=message):
            rows_to_add(strategy, exclusive(10, 3), ["a", "b"])


# What comes back


@every_class
def test_classes_are_balanced_by_new_rows_after_the_old_ones(cls):
    X, y = table()
    sampler = small(cls)
    plan = sampler.plan(X, y)
    X_res, y_res = sampler.fit_resample(X, y)
    assert plan.rows_per_label == {"b": 28, "c": 34}
    np.testing.assert_array_equal(X_res[:58], X)
    np.testing.assert_array_equal(y_res[:58], y)
    assert {name: int((y_res == name).sum()) for name in "abc"} == {"a": 40, "b": 40, "c": 40}
    np.testing.assert_array_equal(np.array(list("abc"))[sampler.made_for_[58:]], y_res[58:])
    assert sampler.is_synthetic_.tolist() == [False] * 58 + [True] * 62
    assert (X_res[58:] >= X.min(axis=0)).all()
    assert (X_res[58:] <= X.max(axis=0)).all()
    assert not (X_res[58:, None] == X).all(axis=2).any()


@every_class
def test_balanced_classes_are_left_alone_but_can_be_drawn_from(cls):
    X, y = table((20, 20))
    X_res, y_res = small(cls).fit_resample(X, y)
    np.testing.assert_array_equal(X_res, X)
    np.testing.assert_array_equal(y_res, y)
    assert sorted(small(cls).fit(X, y).sample(10)[1]) == ["a"] * 5 + ["b"] * 5


@every_class
def test_a_frame_and_a_series_come_back_as_they_came(cls):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "height": rng.normal(size=60).astype(np.float32),
            "age": rng.integers(0, 90, size=60).astype(np.int16),
            "children": pd.array([None, *rng.integers(0, 5, size=59)], "Int8"),
            "city": rng.choice(["Rome", "Oslo", "Bern"], size=60),
            "size": pd.Categorical(rng.choice(["s", "m", "l"], size=60), ["xs", "s", "m", "l"], ordered=True),
        }
    )
    y = pd.Series(pd.Categorical(["well"] * 45 + ["ill"] * 15), name="state")
    with pytest.warns(UserWarning, match="columns have missing values.*: 'children'; impute"):
        X_res, y_res = small(cls).fit_resample(X, y)
    assert X_res.dtypes.equals(X.dtypes)
    assert isinstance(y_res, pd.Series)
    assert (y_res.dtype, y_res.name) == (y.dtype, "state")
    assert y_res.value_counts().to_dict() == {"well": 45, "ill": 45}
    pd.testing.assert_frame_equal(X_res[:60], X)
    assert set(X_res["size"]) <= {"s", "m", "l"}  # no row is of size xs
    assert X_res["age"][60:].between(X["age"].min(), X["age"].max()).all()


@every_class
@pytest.mark.parametrize("kind", ["list", "polars", "sparse", "numbers"])
def test_other_containers(cls, kind):
    X, y = table((20, 8))
    if kind == "list":
        X_res, y_res = small(cls).fit_resample(X.tolist(), y.tolist())
        assert isinstance(X_res, list)
        assert isinstance(y_res, list)
        assert y_res[28:] == ["b"] * 12
    elif kind == "polars":
        pl = pytest.importorskip("polars")
        X_res, y_res = small(cls).fit_resample(pl.DataFrame(X, schema=["u", "v", "w"]), pl.Series("y", y))
        assert (X_res.columns, y_res.dtype) == (["u", "v", "w"], pl.String)
        assert y_res[28:].to_list() == ["b"] * 12
    elif kind == "sparse":
        X_res, y_res = quietly(small(cls).fit_resample, sparse.csr_array(np.where(X > 1, X, 0)), y)
        assert isinstance(X_res, sparse.csr_array)
        assert y_res[28:].tolist() == ["b"] * 12
    else:
        X_res, y_res = small(cls).fit_resample(X.astype(np.float32), np.where(y == "a", -1, 7))
        assert (X_res.dtype, y_res.dtype) == (np.float32, np.int64)
        assert y_res[28:].tolist() == [7] * 12
    assert np.shape(X_res)[0] == 40


def columns_of_classes():
    """Classes a and b (0 and 1) of 20 and 8 rows, as tables of one column."""
    y = np.repeat([0, 1], [20, 8])
    yield "array", y[:, None].astype(np.int16)
    yield "array of strings", np.array(["a", "b"])[y][:, None]
    yield "list", y[:, None].tolist()
    yield "list of strings", [[name] for name in np.array(["a", "b"])[y].tolist()]
    yield "sparse", sparse.csr_matrix(y[:, None])
    try:
        import pandas as pd
        import polars as pl
    except ImportError:
        return
    names = np.array(["a", "b"])[y]
    yield "pandas", pd.DataFrame({"t": names})
    yield "pandas numbers", pd.DataFrame(y.astype(np.int8))
    yield "pandas booleans", pd.DataFrame({"t": y == 1})
    yield "pandas categories", pd.DataFrame({"t": pd.Categorical(names, ["none", "b", "a"])})
    yield "polars", pl.DataFrame({"t": names})


COLUMNS_OF_CLASSES = dict(columns_of_classes())


def cells(Y):
    """Any table of one column as a flat list."""
    Y = Y.toarray() if sparse.issparse(Y) else Y
    return np.asarray(Y).ravel().tolist()


@pytest.mark.parametrize("form", COLUMNS_OF_CLASSES)
def test_a_column_of_classes_is_balanced_as_the_flat_classes_are_and_stays_a_column(form, tmp_path):
    pytest.importorskip("safetensors")
    X, Y = table((20, 8))[0], COLUMNS_OF_CLASSES[form]
    flat = np.array(cells(Y))
    X_flat, y_flat = small(TabDDPM).fit_resample(X, flat)
    X_res, Y_res = small(TabDDPM).fit_resample(X, Y)
    np.testing.assert_array_equal(X_res, X_flat)
    model = small(TabDDPM).fit(X, Y)
    model.save(tmp_path / "model.safetensors")
    drawn = [each.sample(6, {flat[-1]: 1})[1] for each in (model, TabDDPM.load(tmp_path / "model.safetensors"))]
    for made, expected in [(Y_res, y_flat.tolist()), *((part, [flat[-1]] * 6) for part in drawn)]:
        assert type(made) is type(Y)
        assert cells(made) == expected
        assert np.shape(made.toarray() if sparse.issparse(made) else made) == (len(expected), 1)
        for what in ("dtype", "dtypes", "columns"):
            assert np.all(getattr(made, what, None) == getattr(Y, what, None)), what


@pytest.mark.parametrize("kind", ["array", "frame", "lists"])
def test_an_indicator_of_which_rows_carry_one_label_each_is_one_of_classes(kind, tmp_path):
    pytest.importorskip("safetensors")
    X, y = table((20, 8))
    Y = np.column_stack([y == "b", y == "a"]).astype(int)
    if kind == "frame":
        Y = pytest.importorskip("pandas").DataFrame(Y, columns=["b", "a"])
    elif kind == "lists":
        Y = [{name} for name in y.tolist()]
    _, Y_res = small(TabDDPM).fit_resample(X, Y)
    model = small(TabDDPM).fit(X, Y)
    model.save(tmp_path / "model.safetensors")
    name = "y0" if kind == "array" else "b"
    drawn = [each.sample(6, {name: 1})[1] for each in (model, TabDDPM.load(tmp_path / "model.safetensors"))]
    for made, n_rare, n in [(Y_res, 20, 40), *((part, 6, 6) for part in drawn)]:
        assert type(made) is type(Y)
        is_rare = [row == {"b"} or row == ["b"] for row in made] if kind == "lists" else np.asarray(made)[:, 0]
        assert (sum(is_rare), len(made)) == (n_rare, n)
        if kind != "lists":
            assert (np.asarray(made).sum(axis=1) == 1).all()
    with pytest.raises(ValueError, match="got 2 labels of which a row may carry several"):
        small(TabDDPM).fit_resample(X, [{"a", "b"}, *[{"a"}] * 27] if kind == "lists" else np.ones_like(Y))


@every_class
def test_a_column_without_classes_is_refused(cls):
    X = table((20, 8))[0]
    for Y, message in (
        (np.linspace(0, 1, 28)[:, None], "continuous"),
        (np.zeros((28, 1)), "y has one class only"),
        ([[None]] + [["a"]] * 27, "the label of row 0 is missing"),
    ):
        with pytest.raises(ValueError, match=message):
            small(cls).fit_resample(X, Y)


@every_class
def test_a_class_that_no_row_has_stays_empty(cls):
    X, y = table((20, 8))
    schema = Schema.numeric(3, ("never", "a", "b"), exclusive=True)
    Y = np.column_stack([np.zeros(28), y == "a", y == "b"])
    sampler = small(cls)
    with pytest.warns(UserWarning, match="no row carries 'never'"):
        _, Y_res = sampler.fit_resample(X, Y, schema=schema)
    assert Y_res.sum(axis=0).tolist() == [0, 20, 20]
    with pytest.raises(ValueError, match="conditions ask for a class that no training row has"):
        sampler.sample(3, {"never": 1})


# Drawing, files, randomness


@every_class
def test_rows_are_drawn_of_the_class_that_is_asked_for(cls):
    X, y = table()
    model = small(cls).fit(X, y)
    assert set(model.sample(8, {"c": 1})[1]) == {"c"}
    assert set(model.sample(8, {"a": 1})[1]) == {"a"}  # one that is not to grow
    assert set(model.sample(8, {"c": 0})[1]) == {"b"}
    assert set(model.sample(8, {"b": 0, "c": 0})[1]) == {"a"}
    X_new, y_new = model.sample(62)
    assert sorted(y_new) == ["b"] * 28 + ["c"] * 34  # the shares in which fit_resample adds
    assert len(model.sample(0)[0]) == 0
    np.testing.assert_array_equal(model.sample(62)[0], X_new)
    assert (model.sample(62, random_state=1)[0] != X_new).any()
    for n, conditions, message in (
        (-1, None, "n must be an int of at least 0, got -1"),
        (3, {"z": 1}, "'z', which is neither a column nor a label"),
        (3, {"a": 1, "b": 1}, "exactly one class"),
        (3, {"a": 0, "b": 0, "c": 0}, "exactly one class"),
    ):
        with pytest.raises(ValueError, match=message):
            model.sample(n, conditions)
    with pytest.raises(ValueError, match="not fitted"):
        cls().sample(3)
    with pytest.raises(TypeError, match=r"conditions must be a dict of names to values, got \['c'\]"):
        model.sample(3, ["c"])


@every_class
def test_the_same_seed_gives_the_same_bytes_and_another_one_others(cls):
    X, y = table()
    first, again, other = (small(cls, random_state=seed).fit_resample(X, y)[0].tobytes() for seed in (5, 5, 6))
    assert first == again != other


@every_class
def test_a_saved_model_draws_the_same_rows(cls, tmp_path):
    pytest.importorskip("safetensors")
    X, y = table((40, 12, 2))
    city = np.random.default_rng(0).choice(["Rome", "Oslo"], size=54)
    model = quietly(small(cls).fit, np.column_stack([X.astype(object), city]), y)
    model.save(tmp_path / "model.safetensors")
    again = cls.load(tmp_path / "model.safetensors")
    for before, after in zip(model.sample(30), again.sample(30), strict=True):
        assert before.dtype == after.dtype
        np.testing.assert_array_equal(before, after)
    assert again.get_params() == model.get_params()
    assert (again.stopped_, again.n_features_in_) == (model.stopped_, 4)
    np.testing.assert_array_equal(again.loss_history_, model.loss_history_)
    with pytest.raises(ValueError, match=r"device must be 'auto' or a device of torch such as .* got 'abacus'"):
        cls.load(tmp_path / "model.safetensors", device="abacus")
    other = TabDDPM if cls is not TabDDPM else SEMResDDPM
    with pytest.raises(ValueError, match=f"holds a model of '{cls.__name__}', not of '{other.__name__}'"):
        other.load(tmp_path / "model.safetensors")


# Hard tables


@every_class
@pytest.mark.parametrize("n_rare", [1, 2])
def test_a_class_of_one_or_two_rows_is_copied_with_small_changes_and_told_of_once(cls, n_rare):
    X, y = table((60, n_rare))
    with pytest.warns(UserWarning, match=rf"too few rows to learn from, .*: 'b' \({n_rare}\)") as caught:
        X_res, y_res = small(cls).fit_resample(X, y)
    assert len(caught) == 1
    new = X_res[len(y) :]
    assert (y_res[len(y) :] == "b").all()
    assert np.isfinite(new).all()
    assert len(np.unique(new, axis=0)) == len(new) == 60 - n_rare
    near = np.abs(new[:, None] - X[y == "b"]).max(axis=2).min(axis=1)
    assert np.median(near) < 0.5  # classes lie 2 apart
    assert (new >= X.min(axis=0)).all()
    assert (new <= X.max(axis=0)).all()


def watched(cls, **parameters):
    """A sampler, and the steps that its training reports."""
    steps = []
    return small(cls, progress=lambda record: steps.append(record.step), **parameters), steps


@every_class
def test_no_network_is_trained_where_no_class_to_grow_is_learned(cls):
    X, y = table((60, 2, 1))
    sampler, steps = watched(cls)
    X_res, y_res = quietly(sampler.fit_resample, X, y)
    assert steps == []
    assert (sampler.stopped_, sampler.loss_history_.shape) == ("finished", (0, 3))
    assert sorted(y_res[63:]) == ["b"] * 58 + ["c"] * 59
    again = quietly(small(cls).fit_resample, X, y)[0]
    assert again.tobytes() == X_res.tobytes()
    few = quietly(sampler.sample, 20)
    assert set(few[1]) == {"b", "c"}
    assert steps == []  # rows as they were added need none either
    learning, steps = watched(cls, sampling_strategy={"a": 70, "b": 10})
    quietly(learning.fit_resample, X, y)
    assert steps == [2]
    assert len(learning.loss_history_) == 1


@every_class
def test_a_network_that_waited_is_trained_once_when_another_class_is_asked_for(cls):
    """Whenever that is, it is the network that training at once would give."""
    X, y = table((60, 2))
    (early, steps), (late, late_steps) = watched(cls), watched(cls)
    quietly(early.fit, X, y)
    quietly(late.fit, X, y)
    before = late.sample(9)
    first = early.sample(15, {"a": 1})
    assert steps == [2]
    assert len(early.loss_history_) == 1
    assert set(first[1]) == {"a"}
    again = late.sample(15, {"a": 1})
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(late.sample(9)[0], before[0])
    late.sample(15, {"a": 1})
    assert late_steps == [2]


@every_class
def test_a_network_that_waited_is_trained_for_a_file(cls, tmp_path):
    pytest.importorskip("safetensors")
    X, y = table((60, 2))
    sampler, steps = watched(cls)
    quietly(sampler.fit, X, y).save(tmp_path / "model.safetensors")
    assert steps == [2]
    again = cls.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.loss_history_, sampler.loss_history_)
    for conditions in ({"a": 1}, None):
        np.testing.assert_array_equal(*(quietly(each.sample, 9, conditions)[0] for each in (sampler, again)))


def test_a_loss_that_is_not_finite_is_told_to_whoever_asked_for_the_network(tmp_path):
    pytest.importorskip("safetensors")
    X, y = table((40, 2))
    wild = {"training_steps": 30, "learning_rate": 1e30}
    asks = (
        lambda model: model.sample(3, {"a": 1}),
        lambda model: model.save(tmp_path / "model.safetensors"),
        lambda model: model.set_params(sampling_strategy={"a": 45}).fit_resample(X, y),
    )
    for ask in asks:
        model = quietly(small(CWGANGP, **wild).fit, X, y)
        with pytest.warns(UserWarning, match="the loss became NaN or infinite") as caught:
            ask(model)
        assert [warning.filename for warning in caught] == [__file__]
        assert model.stopped_ == "not finite"


@every_class
def test_five_rows_are_learned_without_a_warning(cls):
    X, y = table((60, 5))
    X_res, y_res = small(cls).fit_resample(X, y)
    assert np.isfinite(X_res).all()
    assert (y_res == "b").sum() == 60


@every_class
def test_columns_that_are_constant_equal_many_valued_or_nearly_constant(cls):
    """300 rows; 240 categories, of which one is in the type alone; a column that is 0 on 297 rows of 300."""
    pd = pytest.importorskip("pandas")
    X, y = table((270, 30))
    rng = np.random.default_rng(0)
    names = [f"protein {i}" for i in range(240)]
    frame = pd.DataFrame(
        {
            "x": X[:, 0],
            "again": X[:, 0],
            "one": 7,
            "none": np.nan,
            "name": pd.Categorical(np.array(names)[np.arange(300) % 239], names),
            "rarely": np.where(np.arange(300) % 100 == 3, 2.5, 0.0),
            "gaps": np.where(rng.random(300) < 0.4, np.nan, X[:, 1]),
        }
    )
    with pytest.warns(
        UserWarning, match="have missing values, and new rows miss them .*: 'none', 'gaps'; impute"
    ) as told:
        X_res, y_res = small(cls).fit_resample(frame, y)
    assert len(told) == 1
    new = X_res.iloc[300:]
    assert (y_res[300:] == "b").all()
    assert len(new) == 240
    assert (new["one"] == 7).all()
    assert new["none"].isna().all()
    assert new["name"].notna().all()
    assert set(new["name"]) <= set(names[:239])
    assert set(new["rarely"]) <= {0.0, 2.5}
    assert new[["x", "again", "rarely"]].notna().all(axis=None)
    assert 0 < new["gaps"].isna().sum() < 240


@every_class
@pytest.mark.parametrize("as_sparse", [False, True])
def test_columns_with_missing_values_are_named_once(cls, as_sparse):
    X, y = table((40, 12), d=8)
    X[3, [1, 2, 4, 5, 6, 7]] = np.nan
    X[:2, 4] = np.nan
    with pytest.warns(UserWarning, match="'x1', 'x2', 'x4', 'x5', 'x6' and 1 more; impute") as told:
        small(cls).fit_resample(sparse.csr_array(X) if as_sparse else X, y)
    assert len(told) == 1


@every_class
@pytest.mark.parametrize("n_rare", [1, 2, 5])
def test_missing_values_come_only_where_there_were_some(cls, n_rare):
    """Of a class that is copied, and of one that is learned."""
    X, y = table((40, n_rare))
    X[::3, 2] = np.nan
    X_new = quietly(small(cls).fit_resample, X, y)[0][40 + n_rare :]
    assert np.isfinite(X_new[:, :2]).all()
    here = X_new[:, 2][~np.isnan(X_new[:, 2])]
    assert ((here >= np.nanmin(X[:, 2])) & (here <= np.nanmax(X[:, 2]))).all()


@every_class
def test_an_infinite_number_is_refused(cls):
    X, y = table((20, 5))
    X[3, 1] = np.inf
    with pytest.raises(ValueError, match="inf"):
        small(cls).fit_resample(X, y)


@every_class
def test_a_table_of_constants_gives_constants(cls):
    y = np.array(["a"] * 20 + ["b"] * 5)
    X_res, y_res = small(cls).fit_resample(np.ones((25, 2)), y)
    assert (X_res == 1).all()
    assert (y_res == "b").sum() == 20


@every_class
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(30, dtype=int), "y has one class only"),
        (np.random.default_rng(0).random((30, 3)) < 0.5, "balances classes: expected a one-dimensional y .* 3 labels"),
        (np.linspace(0, 1, 30), "continuous"),
        (np.arange(29) % 2, "inconsistent numbers of samples"),
        ([None] + [1] * 29, "the label of row 0 is missing"),
    ],
)
def test_a_y_without_classes_is_refused(cls, y, message):
    with pytest.raises(ValueError, match=message):
        small(cls).fit_resample(np.random.default_rng(0).normal(size=(30, 2)), y)


@every_class
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"batch_size": 2.5}, "batch_size must be an int of at least 1, got 2.5"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0, got 0"),
        ({"n_threads": 0}, "n_threads must be None or an int of at least 1, got 0"),
        ({"reject_copies": "no"}, "reject_copies must be True or False, got 'no'"),
        ({"numeric_transform": "log"}, "numeric_transform must be one of .* got 'log'"),
        ({"n_choices": 0}, "n_choices must be an int of at least 1, got 0"),
        ({"label_model": "tree"}, "label_model must be None, 'forest' or a classifier with predict_proba, got 'tree'"),
        ({"device": "abacus"}, "device must be 'auto' or a device of torch"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(cls, parameters, message):
    with pytest.raises(ValueError, match=message):
        small(cls, **parameters).fit_resample(*table())


@every_class
def test_only_diffusions_choose_their_training_steps_themselves(cls):
    or_none = "" if cls is CWGANGP else "None or "
    with pytest.raises(ValueError, match=f"^training_steps must be {or_none}an int of at least 1, got 0$"):
        small(cls, training_steps=0).fit_resample(*table())


# The parts


def test_weights_of_rows_by_hand():
    """40, 8 and 2 rows: weights 1, 40/8 = 5, and 10 in place of 40/2 = 20."""
    weights = class_weights(exclusive(40, 8, 2))
    assert weights.tolist() == [1] * 40 + [5] * 8 + [10] * 2


@pytest.mark.parametrize("cls", [SEMResDDPM, TabDDPM])
def test_a_diffusion_is_told_the_weights_the_classes_and_which_rows_to_hold_out(cls, monkeypatch):
    """40, 12 and 6 rows: weights 1, 40/12 and 40/6. A tenth of the rows to be drawn for, 18, is too few to hold out."""
    given = {}

    def learn(model, Z, **options):
        given.update(options, Z=Z.copy())
        return _model.learn(model, Z, **options)

    monkeypatch.setattr(_class_diffusion, "learn", learn)
    X, y = table()
    small(cls).fit(X, y)
    np.testing.assert_allclose(given["row_weights"], 40 / np.array([(y == name).sum() for name in y]))
    assert given["revealed"] == [3, 4, 5]
    np.testing.assert_array_equal(given["Z"][:, 3:], y[:, None] == np.array(list("abc")))
    assert given["held_out"].sum() == 0


@pytest.mark.parametrize(("counts", "held", "steps"), [((200, 60), 0, 1000), ((200, 120), 12, 2000)])
@pytest.mark.parametrize("training_steps", [None, 3])
def test_only_rows_of_classes_to_be_drawn_decide_when_training_ends(counts, held, steps, training_steps, monkeypatch):
    """A tenth of 60 rows is too few; a tenth of the 200 others would end training before the 60 are learned."""
    given = {}

    def learn(model, Z, **options):
        given.update(options, steps=model.recipe.steps)
        return _model.learn(replace(model, recipe=replace(model.recipe, steps=3)), Z, **options)

    monkeypatch.setattr(_class_diffusion, "learn", learn)
    X, y = table(counts)
    model = small(TabDDPM, training_steps=training_steps).fit(X, y)
    assert (given["held_out"] & (y == "b")).sum() == given["held_out"].sum() == held
    assert np.isfinite(model.loss_history_[:, 2]).any() == (held > 0)
    assert given["steps"] == (training_steps or steps)


def test_the_gan_draws_real_rows_by_the_weights_of_their_classes(monkeypatch):
    given = []
    monkeypatch.setattr(torch, "multinomial", lambda weights, *_, **__: given.append(weights) or torch.arange(16))
    X, y = table()
    small(CWGANGP).fit(X, y)
    np.testing.assert_allclose(given[0], 40 / np.array([(y == name).sum() for name in y]))


@every_class
def test_copies_of_training_rows_are_drawn_again_and_those_that_stay_are_counted(cls):
    """Two columns of whole numbers from 0 to 9: of 100 rows that there could be, half are in the table."""
    X = np.stack(np.divmod(np.arange(100), 10), axis=1)[np.random.default_rng(0).permutation(100)[:50]]
    y = np.array(["a"] * 40 + ["b"] * 10)

    def copies(reject):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            X_new = small(cls, reject_copies=reject).fit_resample(X, y)[0][50:]
        return int((X_new[:, None] == X).all(axis=2).any(axis=1).sum()), [str(w.message) for w in caught]

    (fewer, told), (more, untold) = copies(True), copies(False)
    assert fewer < more
    assert told == ([f"{cls.__name__}: {fewer} of the new rows equal rows of the table"] if fewer else [])
    assert untold == []


def test_rows_that_come_often_come_as_often_among_the_new_ones():
    """Of rows of six rare bits most are zeros: were these drawn again, the bits would be twice as frequent."""
    rng = np.random.default_rng(0)
    X, y = (rng.random((600, 6)) < 0.08).astype(float), np.array(["a"] * 450 + ["b"] * 150)
    sampler = TabDDPM(width=64, training_steps=400, sampling_strategy={"b": 450}, random_state=0)
    X_new = sampler.fit_resample(X, y)[0][600:]
    assert X_new.mean() == pytest.approx(X[450:].mean(), rel=0.3)
    assert (X_new == 0).all(axis=1).mean() == pytest.approx((X[450:] == 0).all(axis=1).mean(), abs=0.1)


def test_numbers_of_which_most_are_missing_keep_their_spread():
    """Were medians learned where values are missing, the standard deviation of 1 would be halved."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 4)), np.array(["a"] * 400 + ["b"] * 100)
    X[rng.random(X.shape) < 0.8] = np.nan
    with pytest.warns(UserWarning, match="missing values"):
        X_new = TabDDPM(width=64, training_steps=400, random_state=0).fit_resample(X, y)[0][500:]
    assert np.nanstd(X_new) == pytest.approx(np.nanstd(X[400:]), rel=0.15)
    assert np.isnan(X_new).mean() == pytest.approx(0.8, abs=0.05)


@every_class
def test_a_class_too_small_to_be_learned_that_is_not_to_grow_is_copied_when_asked_for(cls):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(51, 3)), np.array(["a"] * 40 + ["b"] * 10 + ["c"])
    X[-1] = 5
    sampler = small(cls, sampling_strategy={"b": 20}).fit(X, y)
    with pytest.warns(UserWarning, match="too few rows to learn from, .*: 'c' \\(1\\)"):
        X_new, y_new = sampler.sample(8, {"c": 1})
    assert (y_new == "c").all()
    assert (X_new > X[:50].max(axis=0)).all()


@every_class
def test_conditions_that_leave_no_class_are_named(cls):
    table = validate(np.arange(40.0)[:, None] % 7, np.eye(3)[[0] * 25 + [1] * 15])
    schema = replace(table.schema, exclusive=True)
    sampler = quietly(small(cls).fit, table.X, table.Y, schema=schema)
    with pytest.raises(ValueError, match="conditions leave no class that a training row has"):
        sampler.sample(4, dict.fromkeys(schema.label_names[:2], 0))


@every_class
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_however_many_rows_are_asked_for_few_candidates_are_held_at_once(cls, kind, monkeypatch):
    """Three candidates for each of 100 rows: 24 at once are eight rows twelve times, and four rows; 300 are all."""
    X, y = table((110, 10))
    X = sparse.csr_array(np.where(X > 1, X, 0)) if kind == "sparse" else X
    sampler = small(cls, label_model=LogisticRegression(), n_choices=3, reject_copies=False)
    asked, encoded_rows = [], _class_model._encoded_rows

    def counted(trained, classes, *others):
        asked.append(len(classes))
        return encoded_rows(trained, classes, *others)

    monkeypatch.setattr(_class_model, "_encoded_rows", counted)
    for at_once, expected in ((24, [24] * 12 + [12]), (300, [300]), (2, [3] * 100)):
        monkeypatch.setattr(_class_model, "DRAWN_AT_ONCE", at_once)
        asked.clear()
        X_res, y_res = sampler.fit_resample(X, y)
        assert asked == expected
        assert X_res.shape == (220, 3)
        assert (y_res[120:] == "b").all()
        assert sparse.issparse(X_res) == (kind == "sparse")


@every_class
def test_rows_of_several_batches_are_those_of_their_classes_and_copies_are_counted_once(cls, monkeypatch):
    monkeypatch.setattr(_class_model, "DRAWN_AT_ONCE", 7)
    y = np.array(["a"] * 30 + ["b"] * 10 + ["c"] * 5)
    sampler = small(cls, categorical_features=[0])
    with pytest.warns(UserWarning, match="45 of the new rows equal rows of the table") as caught:
        X_res, y_res = sampler.fit_resample(np.arange(45.0)[:, None], y)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert X_res.shape == (90, 1)
    assert {name: int((y_res == name).sum()) for name in "abc"} == dict.fromkeys("abc", 30)
    assert set(quietly(sampler.sample, 20)[1]) == {"b", "c"}
    assert sampler.sample(0)[0].shape == (0, 1)


@every_class
@pytest.mark.parametrize(("y", "strategy"), [
    ([0.0] * 30 + [1.0] * 10, {1: 20}),
    ([False] * 30 + [True] * 10, {1: 20}),
    ([0] * 30 + [1] * 10, lambda y: {1: int((y == 0).sum()) - 10}),
    (["a"] * 30 + ["b"] * 10, lambda y: {"b": int((y == "a").sum()) - 10}),
])  # fmt: skip
def test_strategies_name_classes_as_the_caller_wrote_them(cls, y, strategy):
    X = np.random.default_rng(0).normal(size=(40, 2))
    assert len(small(cls, sampling_strategy=strategy).plan(X, y).made_for) == 10


@pytest.mark.parametrize("cls", [SEMResDDPM, TabDDPM])
def test_a_label_model_takes_the_rows_whose_class_it_believes(cls):
    """Classes overlap along the diagonal; of eight candidates the one that is least like the other class is taken."""
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b"], [120, 40])
    X = rng.normal(size=(160, 2)) + (y == "b")[:, None]
    along = {}
    for judge in (None, "forest", LogisticRegression()):
        sampler = small(cls, label_model=judge, n_choices=8, training_steps=100, sampling_steps=5)
        X_res, y_res = sampler.fit_resample(X, y)
        assert (y_res[160:] == "b").all()
        assert not set(map(tuple, X_res[160:])) & set(map(tuple, X))
        along[str(judge)] = X_res[160:].mean()
    assert along["forest"] > along["None"] + 0.3
    assert along["LogisticRegression()"] > along["None"] + 0.5  # it goes by the diagonal alone
    one, none = (
        quietly(small(cls, **choice).fit_resample, X, y)[0] for choice in ({"n_choices": 1}, {"label_model": None})
    )
    np.testing.assert_array_equal(one, none)


def test_jitter_moves_numbers_by_a_share_of_their_range_and_keeps_states():
    blocks = (Block("numeric", 0, 2, (0, 1)), Block("category", 2, 5, (2,)))
    bounds = np.array([-1.0, 0, 0, 0, 0]), np.array([1.0, 10, 1, 1, 1])
    rows = np.tile(np.array([0, 5, 0, 1, 0], dtype=np.float32), (4000, 1))
    moved = jittered(rows, blocks, bounds, np.random.default_rng(0))
    np.testing.assert_array_equal(moved[:, 2:], rows[:, 2:])
    np.testing.assert_allclose(moved[:, :2].std(axis=0), [0.03 * 2, 0.03 * 10], rtol=0.05)
    at_the_end = jittered(np.ones_like(rows), blocks, bounds, np.random.default_rng(0))
    assert at_the_end[:, 0].max() <= 1
    assert len(np.unique(at_the_end[:, 0])) > 3900  # thrown back, not piled up at the end


# Contracts of others


@parametrize_with_checks([small(cls) for cls in SMALL])
def test_scikit_learn_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(no row carries|.*too few rows to learn from|.*equal rows)", UserWarning)
        check(estimator)


IMBLEARN_CHECKS = [
    "check_target_type",
    "check_samplers_one_label",
    "check_samplers_fit",
    "check_samplers_fit_resample",
    "check_samplers_sampling_strategy_fit_resample",
    "check_samplers_sparse",
    "check_samplers_pandas",
    "check_samplers_pandas_sparse",
    "check_samplers_list",
    "check_samplers_multiclass_ova",
    "check_samplers_2d_target",
    "check_samplers_preserve_dtype",
    "check_samplers_string",
    "check_samplers_nan",
]
"""All that say something of an over-sampler. Those left out ask for a tag of imbalanced-learn's own base class, or call
``fit_resample`` with ``y=``."""


@every_class
@pytest.mark.parametrize("check", IMBLEARN_CHECKS)
def test_checks_of_imbalanced_learn(cls, check):
    checks = pytest.importorskip("imblearn.utils.estimator_checks")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(checks, check)(cls.__name__, small(cls))


@every_class
def test_they_work_in_a_pipeline_under_cross_validation(cls):
    pipeline = pytest.importorskip("imblearn.pipeline")
    X, y = table((40, 12))
    model = pipeline.make_pipeline(small(cls), LogisticRegression())
    scores = cross_val_score(model, X, y, cv=KFold(3), error_score="raise")
    by_hand = []
    for train, test in KFold(3).split(X):
        fitted = LogisticRegression().fit(*small(cls).fit_resample(X[train], y[train]))
        by_hand.append(fitted.score(X[test], y[test]))
    np.testing.assert_allclose(scores, by_hand)
