"""What every sampler promises, whatever its method."""

import copy
import pickle
import random
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from rarelabel.registry import sampler_class, sampler_names

SAMPLERS = sampler_names(installed=True)

BUDGETED = [name for name in SAMPLERS if hasattr(sampler_class(name)(), "sampling_strategy")]
SEEDED = [name for name in SAMPLERS if hasattr(sampler_class(name)(), "random_state")]
NEIGHBORLY = {
    name: parameter
    for name in SAMPLERS
    for parameter in ("k_neighbors", "n_neighbors")
    if hasattr(sampler_class(name)(), parameter)
}
SELECTING = ["LPROS", "LPRUS", "MLROS", "MLRUS", "MLTL", "MLUL", "MLeNN", "REMEDIAL"]
METRIC = [name for name in SAMPLERS if hasattr(sampler_class(name)(), "metric")]
CARRYING_NAN = ["AEMLO", "CVAE", "LPROS", "MLDM", "LPRUS", "MLROS", "MLRUS", "REMEDIAL"]
DRAWING = ["CVAE", "MLDM"]  # new rows are made from no row in particular
REMOVING = ["LPRUS", "MLRUS", "MLTL", "MLUL", "MLeNN"]

every_sampler = pytest.mark.parametrize("name", SAMPLERS)


def seeded(name, seed=0, **parameters):
    return sampler_class(name)(**({"random_state": seed} if name in SEEDED else {}), **parameters)


def quietly(method, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return method(*args)


@pytest.fixture
def table():
    """90 rows, 3 real columns, 4 labels from frequent to rare, some rows without any."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(90, 3))
    Y = np.column_stack([X[:, 0] > -0.3, X[:, 1] > 0.2, X[:, 2] > 0.6, X.sum(axis=1) > 1]).astype(int)
    Y[rng.random(90) < 0.1] = 0
    return X, Y


@pytest.fixture
def pd():
    """pandas, where it is installed."""
    return pytest.importorskip("pandas")


@pytest.fixture
def pl():
    """polars, where it is installed."""
    pytest.importorskip("polars.testing")
    return pytest.importorskip("polars")


@pytest.fixture
def mixed(pd):
    """The same in a frame of every kind of column."""
    rng = np.random.default_rng(1)
    X = pd.DataFrame(
        {
            "height": rng.normal(size=80).astype(np.float32),
            "age": rng.integers(0, 90, size=80).astype(np.int16),
            "children": pd.array(rng.integers(0, 5, size=80), "Int8"),
            "smoker": rng.random(80) < 0.3,
            "city": rng.choice(["Rome", "Oslo", "Bern"], size=80),
            "size": pd.Categorical(rng.choice(["s", "m", "l"], size=80), ["xs", "s", "m", "l"], ordered=True),
        },
        index=range(100, 180),
    )
    Y = pd.DataFrame(rng.random((80, 3)) < [0.6, 0.3, 0.12], columns=["often", "at times", "rarely"], index=X.index)
    return X, Y.astype("int8")


# The contract of scikit-learn and imbalanced-learn


@every_sampler
def test_parameters_are_kept_as_given_and_cloned(name):
    sampler = sampler_class(name)()
    changed = {key: object() for key in sampler.get_params()}
    for key, value in changed.items():
        assert sampler.set_params(**{key: value}).get_params()[key] is value
    assert clone(sampler_class(name)()).get_params() == sampler_class(name)().get_params()
    with pytest.raises(ValueError, match="Invalid parameter"):
        sampler.set_params(nothing=1)


@every_sampler
def test_parameters_are_named_and_not_changed_by_resampling(name, table):
    with pytest.raises(TypeError):
        sampler_class(name)(1)
    sampler = seeded(name)
    before = copy.deepcopy(sampler.get_params())
    quietly(sampler.fit_resample, *table)
    assert sampler.get_params() == before


@every_sampler
def test_a_sampler_that_has_resampled_can_be_pickled(name, table):
    sampler = seeded(name)
    X_res, Y_res = quietly(sampler.fit_resample, *table)
    again = pickle.loads(pickle.dumps(sampler))
    assert again.sampling_strategy_ == sampler.sampling_strategy_
    for found, expected in zip(quietly(again.fit_resample, *table), (X_res, Y_res), strict=True):
        np.testing.assert_array_equal(found, expected)


@every_sampler
def test_fit_checks_and_resamples_nothing(name, table):
    sampler = seeded(name)
    assert quietly(sampler.fit, *table) is sampler
    assert sampler.n_features_in_ == 3
    assert not hasattr(sampler, "is_synthetic_")
    assert list(sampler.get_feature_names_out()) == ["x0", "x1", "x2"]


@every_sampler
def test_names_of_columns_are_remembered_and_forgotten(name, mixed):
    X, Y = mixed
    sampler = seeded(name)
    quietly(sampler.fit_resample, X, Y)
    assert sampler.feature_names_in_.tolist() == X.columns.tolist() == list(sampler.get_feature_names_out())
    quietly(sampler.fit_resample, X[["height", "age"]].to_numpy(), Y)
    assert not hasattr(sampler, "feature_names_in_")
    assert sampler.n_features_in_ == 2


@every_sampler
def test_rows_that_are_only_chosen_have_their_indices(name, table):
    X, Y = table
    sampler = seeded(name)
    X_res, Y_res = quietly(sampler.fit_resample, X, Y)
    assert hasattr(sampler, "sample_indices_") == (name in SELECTING)
    if name in SELECTING:
        np.testing.assert_array_equal(X_res, X[sampler.sample_indices_])
    if name in SELECTING and name != "REMEDIAL":
        np.testing.assert_array_equal(Y_res, Y[sampler.sample_indices_])


@every_sampler
def test_provenance_has_a_value_for_every_row(name, table):
    X, Y = table
    sampler = seeded(name)
    X_res, _ = quietly(sampler.fit_resample, X, Y)
    for attribute in ("is_synthetic_", "seed_rows_", "neighbor_rows_", "made_for_"):
        assert getattr(sampler, attribute).shape == (len(X_res),)
    originals = ~sampler.is_synthetic_
    np.testing.assert_array_equal(X_res[originals], X[sampler.seed_rows_[originals]])
    assert (sampler.neighbor_rows_[originals] == -1).all()
    assert (sampler.made_for_[originals] == -1).all()
    assert sampler.seed_rows_[originals].min() >= 0
    assert (sampler.seed_rows_[~originals] >= 0).all() == (name not in DRAWING)
    assert sampler.seed_rows_.max() < len(X)


# What comes back


@every_sampler
def test_inputs_stay_as_they_are(name, table, mixed, pd):
    sampler = seeded(name)
    X, Y = table
    X.flags.writeable = Y.flags.writeable = False
    quietly(sampler.fit_resample, X, Y)
    for X, Y in (mixed, tuple(map(sparse.csr_array, table)), (table[0].tolist(), table[1].tolist())):
        before = copy.deepcopy((X, Y))
        X_res, Y_res = quietly(sampler.fit_resample, X, Y)
        for now, then in zip((X, Y), before, strict=True):
            if sparse.issparse(now):
                np.testing.assert_array_equal(now.toarray(), then.toarray())
            elif isinstance(now, list):
                assert now == then
            else:
                pd.testing.assert_frame_equal(now, then)
        assert X_res is not X
        assert Y_res is not Y


@every_sampler
def test_originals_come_first_and_unchanged(name, table):
    X, Y = table
    sampler = seeded(name)
    X_res, Y_res = quietly(sampler.fit_resample, X, Y)
    n_kept = (~sampler.is_synthetic_).sum()
    assert not sampler.is_synthetic_[:n_kept].any()
    rows = sampler.seed_rows_[:n_kept]
    assert (np.diff(rows) > 0).all()
    assert n_kept == 90 or name in REMOVING
    np.testing.assert_array_equal(X_res[:n_kept], X[rows])
    if name != "REMEDIAL":
        np.testing.assert_array_equal(Y_res[:n_kept], Y[rows])


@every_sampler
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "uint8"])
def test_dtypes_come_back(name, dtype, table):
    X, Y = (table[0] * 20 + 30).astype(dtype), table[1].astype(np.uint8)
    X_res, Y_res = quietly(seeded(name).fit_resample, X, Y)
    assert X_res.dtype == dtype
    assert Y_res.dtype == np.uint8


@every_sampler
def test_frames_keep_names_types_categories_and_ranges(name, mixed, pd):
    X, Y = mixed
    sampler = seeded(name)
    X_res, Y_res = quietly(sampler.fit_resample, X, Y)
    assert X_res.dtypes.equals(X.dtypes)
    assert Y_res.dtypes.equals(Y.dtypes)
    assert X_res.index.equals(Y_res.index)
    for column in ("smoker", "city", "size"):
        assert set(X_res[column]) <= set(X[column])
    for column in ("height", "age", "children"):
        assert X[column].min() <= X_res[column].min()
        assert X_res[column].max() <= X[column].max()
    if name in REMOVING:
        pd.testing.assert_frame_equal(X_res, X.loc[X_res.index])
    else:
        assert X_res.index.tolist() == list(range(len(X_res)))
        pd.testing.assert_frame_equal(X_res.iloc[:80], X.reset_index(drop=True))


@every_sampler
def test_polars_comes_back_as_pandas_does(name, mixed, pl):
    X, Y = mixed
    expected_X, expected_Y = quietly(seeded(name).fit_resample, X, Y)
    sizes = pl.col("size").cast(pl.Enum(["xs", "s", "m", "l"]))
    X_pl, Y_pl = pl.from_pandas(X).with_columns(sizes), pl.from_pandas(Y)
    X_res, Y_res = quietly(seeded(name).fit_resample, X_pl, Y_pl)
    assert X_res.schema == X_pl.schema
    pl.testing.assert_frame_equal(X_res, pl.from_pandas(expected_X).with_columns(sizes))
    pl.testing.assert_frame_equal(Y_res, pl.from_pandas(expected_Y))


@every_sampler
def test_lists_and_label_lists_come_back_as_lists(name, table):
    X, Y = table
    names = ["sun", "sea", "sky", "fox"]
    lists = [[names[j] for j in np.flatnonzero(row)] for row in Y]
    order = np.argsort(names)
    X_list, Y_list = quietly(seeded(name).fit_resample, X.tolist(), lists)
    X_res, Y_res = quietly(seeded(name).fit_resample, X, Y[:, order])
    assert X_list == X_res.tolist()
    assert [sorted(row) for row in Y_list] == [sorted(np.array(names)[order][row]) for row in Y_res.astype(bool)]


@every_sampler
def test_sparse_features_give_the_result_of_dense_ones(name, table):
    X, Y = table
    X = np.where(np.abs(X) < 0.3, 0, X)
    X = np.column_stack([X, np.linspace(0.1, 1, 90)])
    X_dense, Y_dense = quietly(seeded(name).fit_resample, X, Y)
    for container in (sparse.csr_array, sparse.csr_matrix, sparse.csc_array):
        X_res, Y_res = quietly(seeded(name).fit_resample, container(X), Y)
        assert type(X_res) is container
        assert X_res.dtype == X.dtype
        np.testing.assert_array_equal(X_res.toarray(), X_dense)
        np.testing.assert_array_equal(Y_res, Y_dense)


@every_sampler
def test_classes_in_one_dimension_come_back_as_classes(name, table, pd, pl):
    X, _ = table
    y = np.array(["common"] * 60 + ["rare"] * 20 + ["rarest"] * 10)
    for labels in (y, y.tolist(), pd.Series(y, name="kind"), pl.Series("kind", y)):
        X_res, y_res = quietly(seeded(name).fit_resample, X, labels)
        assert type(y_res) is type(labels)
        assert len(X_res) == len(y_res)
        assert set(y_res) <= {"common", "rare", "rarest"}
        originals = min(len(y_res), 90)
        if name not in REMOVING:
            assert list(y_res)[:originals] == y.tolist()


# Randomness


@pytest.mark.parametrize("name", SEEDED)
def test_seeds_give_different_results_and_the_same_seed_the_same(name, table):
    results = [
        quietly(seeded(name, seed, sampling_strategy=7).fit_resample, *table)[0].tobytes() for seed in (0, 1, 2, 3, 0)
    ]
    assert results[0] == results[4]
    assert len(set(results)) > 1


@every_sampler
def test_global_random_states_stay_as_they_are(name, table):
    legacy, plain = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    quietly(seeded(name).fit_resample, *table)
    quietly(sampler_class(name)().fit_resample, *table)
    np.testing.assert_array_equal(np.random.get_state()[1], legacy)  # noqa: NPY002
    assert random.getstate() == plain


@pytest.mark.parametrize("name", ["MLROS", "MLSMOTE", "MLRkNNOS", "LPROS", "MLSOL"])
def test_labels_with_the_same_rows_are_given_different_draws(name, table):
    """Two equal labels have equal bags; a stream that started anew for each would give both the same rows."""
    X, _ = table
    Y = np.zeros((90, 3), dtype=int)
    Y[:70, 0], Y[60:, 1], Y[60:, 2] = 1, 1, 1
    sampler = seeded(name, sampling_strategy={"y1": 15, "y2": 15})
    X_res, _ = quietly(sampler.fit_resample, X, Y)
    assert len(X_res) == 120
    assert X_res[90:105].tolist() != X_res[105:].tolist()


@pytest.mark.parametrize("name", SEEDED)
def test_a_plan_draws_from_no_generator_and_tells_what_will_be_done(name, table):
    rng = np.random.default_rng(3)
    sampler = sampler_class(name)(random_state=rng)
    before = copy.deepcopy(rng.bit_generator.state)
    plan = quietly(sampler.plan, *table)
    assert rng.bit_generator.state == before
    X_res, _ = quietly(sampler.fit_resample, *table)
    assert rng.bit_generator.state != before
    assert len(X_res) == plan.n_rows_after
    assert sampler.sampling_strategy_ == plan.to_dict()


# Hard tables


@every_sampler
def test_duplicate_rows_are_no_trouble(name, table):
    X, Y = np.repeat(table[0][:12], 8, axis=0), np.repeat(table[1][:12], 8, axis=0)
    Y[0, 3] = Y[9, 3] = Y[17, 2] = 1
    sampler = seeded(name)
    X_res, Y_res = quietly(sampler.fit_resample, X, Y)
    assert set(map(tuple, X_res[: 0 if name in REMOVING else 96])) <= set(map(tuple, X))
    made = sampler.neighbor_rows_ >= 0
    assert (sampler.neighbor_rows_[made] != sampler.seed_rows_[made]).all()
    assert len(X_res) == len(Y_res)


@every_sampler
def test_a_constant_column_stays_constant(name, table):
    X, Y = table
    X_res, _ = quietly(seeded(name).fit_resample, np.column_stack([X, np.full(90, 7.5)]), Y)
    assert (X_res[:, 3] == 7.5).all()


@every_sampler
@pytest.mark.filterwarnings("ignore:(MLDM|AEMLO|CVAE). only")
def test_a_label_that_no_row_carries_is_named_and_left_alone(name, table):
    X, Y = table
    Y = np.column_stack([Y, np.zeros(90, dtype=int)])
    with pytest.warns(UserWarning, match="no row carries 'y4': such labels are left alone"):
        _, Y_res = seeded(name).fit_resample(X, Y)
    assert not Y_res[:, 4].any()


@every_sampler
def test_a_label_with_one_positive_makes_no_row_between_nothing(name, table):
    X, Y = table
    Y = np.column_stack([Y, np.zeros(90, dtype=int)])
    Y[7, 4] = 1
    sampler = seeded(name)
    X_res, Y_res = quietly(sampler.fit_resample, X, Y)
    assert len(X_res) == quietly(sampler.plan, X, Y).n_rows_after
    if name in ("MLSMOTE", "MLRkNNOS"):
        assert not (sampler.made_for_ == 4).any()
    if name not in REMOVING:
        assert Y_res[:, 4].sum() >= 1


@every_sampler
def test_labels_that_are_all_equally_rare_are_no_trouble(name, table):
    X, _ = table
    Y = np.tile(np.eye(3, dtype=int), (30, 1))
    sampler = seeded(name)
    X_res, Y_res = quietly(sampler.fit_resample, X, Y)
    assert len(X_res) == len(Y_res) == quietly(sampler.plan, X, Y).n_rows_after
    if name in ("LPROS", "LPRUS", "MLROS", "MLRUS", "MLSMOTE", "REMEDIAL", "MLTL"):
        np.testing.assert_array_equal(X_res, X)


@every_sampler
def test_tables_of_two_rows_are_no_trouble(name):
    X, Y = np.array([[0.0], [1.0]]), np.array([[1, 0], [1, 1]])
    sampler = seeded(name)
    X_res, Y_res = quietly(sampler.fit_resample, X, Y)
    assert len(X_res) == len(Y_res) == sampler.sampling_strategy_["rows_after"]


@pytest.mark.parametrize("name", NEIGHBORLY)
def test_more_neighbours_than_there_are_rows_means_all_of_them(name, table):
    X, Y = table
    results = [quietly(seeded(name, **{NEIGHBORLY[name]: k}).fit_resample, X, Y)[0].tolist() for k in (89, 90, 10_000)]
    assert results[0] == results[1] == results[2]


# Budgets


@pytest.mark.parametrize("name", BUDGETED)
@pytest.mark.parametrize(
    "budget", [0, 0.0, -1, -0.5, np.nan, np.inf, 0.001, "all", True, {}, {"y0": 0}, {"nothing": 1}]
)
def test_a_budget_that_means_nothing_is_refused(name, budget, table):
    with pytest.raises(ValueError, match=r"sampling_strategy|max_samples"):
        quietly(seeded(name, sampling_strategy=budget).fit_resample, *table)


@pytest.mark.parametrize("name", BUDGETED)
@pytest.mark.parametrize(("budget", "rows"), [(1, 1), (4, 4), (0.05, 5), (1 / 180, 1), (lambda Y: 3, 3)])
def test_a_budget_is_met_to_the_row(name, budget, rows, table):
    """0.05 of 90 rows is 4.5, rounded half up."""
    X_res, _ = quietly(seeded(name, sampling_strategy=budget).fit_resample, *table)
    assert abs(len(X_res) - 90) == rows


@pytest.mark.parametrize("name", [name for name in BUDGETED if name not in REMOVING])
def test_a_budget_beyond_memory_is_refused_with_its_number_of_rows(name, table):
    with pytest.raises(ValueError, match=r"100,000,000,000,000? new rows|comes to 0"):
        quietly(seeded(name, sampling_strategy=10**14).fit_resample, *table)


@pytest.mark.parametrize("name", [name for name in BUDGETED if name not in REMOVING])
def test_rows_for_a_label_are_made_for_that_label(name, table):
    X, Y = table
    _, Y_res = quietly(seeded(name, sampling_strategy={"y3": 6, "y1": 5}).fit_resample, X, Y)
    assert len(Y_res) == 101
    assert Y_res[90:, 3].sum() >= 6
    assert Y_res[90:, 1].sum() >= 5


@pytest.mark.parametrize("name", [name for name in BUDGETED if name in REMOVING])
def test_rows_removed_for_a_label_carry_it(name, table):
    X, Y = table
    sampler = seeded(name, sampling_strategy={"y0": 4})
    plan = quietly(sampler.plan, X, Y)
    assert plan.n_removed == 4
    assert Y[plan.rows, 0].all()


# Errors


BAD = {
    "lengths": (np.zeros((5, 2)), np.eye(4), "X has 5 rows, Y 4"),
    "a two in Y": (np.zeros((3, 2)), np.array([[0, 1], [1, 0], [2, 0]]), "label 'y0' must hold 0 or 1 only, got .*2"),
    "nothing positive": (np.zeros((3, 2)), np.zeros((3, 2)), "Y has no positive labels at all"),
    "infinity": (np.array([[0.0], [np.inf], [1]]), np.eye(3), "infinity .* in column 'x0', row 1"),
    "mixed types": ([[1], ["a"], [2]], np.eye(3), "column 'x0' mixes types int, str"),
    "one row": (np.zeros((1, 2)), np.eye(1), "at least 2 rows"),
    "no rows": (np.zeros((0, 2)), np.zeros((0, 2)), "0 sample"),
    "one class": (np.zeros((3, 2)), np.array(["a", "a", "a"]), "one class only"),
    "no labels": (np.zeros((3, 2)), None, "y is None"),
}


@every_sampler
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_and_says_what_is_wrong(name, case):
    X, Y, message = BAD[case]
    with pytest.raises((ValueError, TypeError), match=message):
        seeded(name).fit_resample(X, Y)


@every_sampler
def test_missing_values_are_carried_or_refused_by_column_and_row(name, table):
    X, Y = table
    X[4, 1] = np.nan
    if name in CARRYING_NAN:
        X_res, _ = quietly(seeded(name).fit_resample, X, Y)
        if name not in DRAWING:
            assert np.isnan(X_res[:, 1]).sum() == (seeded_rows(name, X, Y) == 4).sum()
    else:
        with pytest.raises(ValueError, match=r"NaN .* in column 'x1', row 4"):
            seeded(name).fit_resample(X, Y)
    assert seeded(name).__sklearn_tags__().input_tags.allow_nan == (name in CARRYING_NAN)


def seeded_rows(name, X, Y):
    sampler = seeded(name)
    quietly(sampler.fit_resample, X, Y)
    return sampler.seed_rows_


@pytest.mark.parametrize("name", METRIC)
def test_an_unknown_metric_is_refused(name, table):
    with pytest.raises(ValueError, match="metric must be 'heom', 'vdm' or 'euclidean', got 'cosine'"):
        quietly(seeded(name, metric="cosine").fit_resample, *table)


@pytest.mark.parametrize("name", NEIGHBORLY)
@pytest.mark.parametrize("wrong", [0, -3, 2.5, "five", None])
def test_a_number_of_neighbours_that_is_none_is_refused(name, wrong, table):
    with pytest.raises((ValueError, TypeError), match=r"neighbours must be"):
        quietly(seeded(name, **{NEIGHBORLY[name]: wrong}).fit_resample, *table)


@pytest.mark.parametrize("name", SEEDED)
def test_a_random_state_that_is_none_is_refused(name, table):
    with pytest.raises(ValueError, match="random_state must be"):
        quietly(seeded(name, seed=-1).fit_resample, *table)


@pytest.mark.parametrize("name", NEIGHBORLY)
def test_fewer_neighbours_than_asked_for_are_named_once(name):
    """A table of 12 rows, a label of 3: who asks for 50 neighbours is told where there are not as many."""
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(12, 2)), np.zeros((12, 2), dtype=int)
    Y[:, 0], Y[:3, 1] = rng.permutation([1] * 9 + [0] * 3), 1
    where = "label 'y1' \\(3 rows\\)" if name in ("MLSMOTE", "MLRkNNOS") else "the table \\(12 rows\\)"
    with pytest.warns(UserWarning, match=f"{name}: fewer than 50 neighbours to be had in .*{where}") as caught:
        seeded(name, **{NEIGHBORLY[name]: 50}).fit_resample(X, Y)
    assert sum("fewer than" in str(warning.message) for warning in caught) == 1
