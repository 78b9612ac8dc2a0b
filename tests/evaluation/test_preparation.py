"""What a classifier is trained on comes from training rows only, and is a complete table."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler

from rarelabel.datasets import Dataset
from rarelabel.evaluation.approaches import Approach, parse_approach
from rarelabel.evaluation.metering import CpuClock
from rarelabel.evaluation.preparation import Preparation, make_training, seeded
from rarelabel.over_sampling import MLROS
from rarelabel.schema import Column, Schema

NAN = np.nan
MIXED = (
    Column("size"),
    Column("age", "integer"),
    Column("colour", "category", ("red", "green", "blue")),
    Column("smoker", "category", ("no", "yes")),
)


def make_mixed(n=40, seed=0, q=3, exclusive=False, missing=0.0):
    """Numbers, whole numbers, categories of three and of two, with three labels."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(5, 2, n), rng.integers(18, 80, n), rng.integers(0, 3, n), rng.integers(0, 2, n)])
    X = np.where(rng.random(X.shape) < missing, NAN, X.astype(float))
    Y = np.arange(n)[:, None] % q == np.arange(q) if exclusive else rng.random((n, q)) < [0.5, 0.3, 0.2]
    labels = tuple(Column(f"y{j}", "label") for j in range(q))
    return Dataset(X, Y, Schema(MIXED, labels, exclusive), "mixed")


class Copier(BaseEstimator):
    """A sampler of another package: it gives the rows it was given, once more, after ``change``."""

    def __init__(self, change=None):
        self.change = change

    def fit_resample(self, X, y):
        stack = sparse.vstack if sparse.issparse(X) else np.concatenate
        X, y = stack([X, X]), np.concatenate([y, y])
        return (X, y) if self.change is None else self.change(X, y)


def train(dataset, approach="none", fit=None, held=None, seed=0):
    half = len(dataset.Y) // 2
    fit = np.arange(half) if fit is None else fit
    held = np.arange(half, len(dataset.Y)) if held is None else held
    approach = parse_approach(approach) if isinstance(approach, str) else approach
    return make_training(dataset, fit, held, approach, seed, CpuClock())


@pytest.mark.parametrize("approach", ["none", "mlsmote", "mlros", Approach("copies", instance=Copier())])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_nothing_that_is_trained_on_hangs_on_held_out_rows(approach, missing):
    dataset = make_mixed(n=100, missing=missing)
    X, Y = dataset.X.copy(), dataset.Y.copy()
    X[50:] = X[50:] * [1000, 3, 0, 0] + [7, 5, 2, 1]
    Y[50:] = ~Y[50:]
    one, two = train(dataset, approach), train(Dataset(X, Y, dataset.schema, "other"), approach)
    np.testing.assert_array_equal(one.X, two.X)
    np.testing.assert_array_equal(one.Y, two.Y)
    assert not np.array_equal(one.X_held, two.X_held)


def test_each_held_out_row_is_prepared_by_itself():
    dataset = make_mixed(missing=0.2)
    whole = train(dataset).X_held
    np.testing.assert_array_equal(train(dataset, held=np.array([25, 39])).X_held, whole[[5, 19]])


def test_mixed_columns_by_hand():
    """Numbers first: size of mean 2 and deviation 1, the two-state column as it is; then a column for each colour."""
    schema = Schema(
        (Column("colour", "category", ("red", "green", "blue")), Column("size"), Column("s", "category", (0, 1)))
    )
    preparation = Preparation.fit(np.array([[0, 1.0, 1], [2, 3.0, 0]]), schema)
    found = preparation.encode(np.array([[1.0, 4.0, 1.0], [2.0, 2.0, 0.0]]))
    assert found.tolist() == [[2.0, 1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]]


def test_numbers_are_standardised_as_scikit_learn_does():
    dataset = make_mixed()
    found = Preparation.fit(dataset.X[:20], dataset.schema).encode(dataset.X)
    expected = StandardScaler().fit(dataset.X[:20, :2]).transform(dataset.X[:, :2])
    np.testing.assert_allclose(found[:, :2], expected)


def test_a_constant_column_does_not_blow_up():
    X = np.column_stack([np.full(10, 0.1), np.arange(10.0)])
    found = Preparation.fit(X, Schema.numeric(2)).encode(np.array([[0.1, 4.5], [1.1, 4.5]]))
    np.testing.assert_allclose(found, [[0, 0], [1, 0]], atol=1e-12)


def test_missing_values_get_the_median_or_the_most_frequent_of_training_rows():
    X = np.array([[1.0, 20, 2, 1], [2.0, 21, 2, 1], [9.0, 50, 0, NAN], [NAN, NAN, NAN, 0]])
    preparation = Preparation.fit(X, Schema(MIXED))
    held = np.array([[NAN, NAN, NAN, NAN], [100.0, NAN, 1, 0]])
    assert preparation.fill(held).tolist() == [[2.0, 21.0, 2.0, 1.0], [100.0, 21.0, 1.0, 0.0]]
    assert preparation.fill(X)[3].tolist() == [2.0, 21.0, 2.0, 0.0]


def test_the_median_of_whole_numbers_is_a_whole_number():
    X = np.array([[18.0], [21.0], [NAN]])
    assert Preparation.fit(X, Schema((Column("age", "integer"),))).fill(X)[2, 0] in (19.0, 20.0)
    assert Preparation.fit(X, Schema((Column("age"),))).fill(X)[2, 0] == 19.5


def test_a_column_of_which_nothing_is_known_becomes_zero():
    X = np.array([[NAN, 1.0], [NAN, 2.0]])
    preparation = Preparation.fit(X, Schema.numeric(2))
    assert preparation.fill(X)[:, 0].tolist() == [0.0, 0.0]
    assert np.isfinite(preparation.encode(preparation.fill(np.array([[5.0, 1.0]])))).all()


def test_rows_without_gaps_are_not_copied():
    dataset = make_mixed()
    assert Preparation.fit(dataset.X, dataset.schema).fill(dataset.X) is dataset.X


def test_sparse_rows_equal_dense_ones_but_for_the_centre_and_the_first_category():
    dense = make_mixed(missing=0.1)
    X = np.nan_to_num(dense.X, nan=0) * (np.random.default_rng(1).random(dense.X.shape) < 0.6)
    X[3, 0] = X[25, 2] = NAN
    rows = sparse.csr_array(X)
    plain, thin = (Preparation.fit(each[:20], dense.schema) for each in (X, rows))
    assert (thin.mean == 0).all()
    np.testing.assert_allclose(thin.scale, plain.scale)
    np.testing.assert_array_equal(thin.fill(rows).toarray(), plain.fill(X))
    wide = plain.encode(plain.fill(X))  # size, age, smoker, red, green, blue
    narrow = thin.encode(thin.fill(rows))  # size, age, green, blue, smoker
    assert sparse.issparse(narrow)
    expected = np.column_stack([wide[:, :2] + plain.mean[:2] / plain.scale[:2], wide[:, 4:], wide[:, 2]])
    np.testing.assert_allclose(narrow.toarray(), expected)


@pytest.mark.parametrize("approach", ["none", "mlros", Approach("copies", instance=Copier())])
def test_sparse_data_stay_sparse(approach):
    dense = make_mixed()
    dataset = Dataset(sparse.csr_array(dense.X), dense.Y, dense.schema, "sparse")
    training = train(dataset, approach)
    assert sparse.issparse(training.X)
    assert sparse.issparse(training.X_held)
    assert training.X.shape[1] == training.X_held.shape[1] == 5


def test_samplers_are_given_a_complete_table_of_the_same_columns():
    seen = []

    def look(X, y):
        seen.append((X, y))
        return X, y

    dataset = make_mixed(missing=0.2)
    training = train(dataset, Approach("look", instance=Copier(look)))
    X, y = seen[0]
    assert X.shape == (40, 4)
    assert not np.isnan(X).any()
    given = ~np.isnan(dataset.X[:20])
    np.testing.assert_array_equal(X[:20][given], dataset.X[:20][given])
    np.testing.assert_array_equal(y[:20], dataset.Y[:20])
    assert training.resampling.new.tolist() == [False] * 20 + [True] * 20
    assert training.resampling.X_held.shape == (20, 4)


def test_rows_are_resampled_before_they_are_scaled_by_the_rows_as_they_were():
    """Copies change the mean of what is trained on, and must not change the scale that held-out rows are given."""
    dataset = make_mixed()
    assert train(dataset, "mlros").X_held.tolist() == train(dataset).X_held.tolist()


def test_a_sampler_of_another_package_is_given_classes_where_rows_have_one_label():
    seen = []

    def look(X, y):
        seen.append(y)
        return X, y

    dataset = make_mixed(exclusive=True)
    training = train(dataset, Approach("look", instance=Copier(look)))
    assert seen[0].tolist() == [0, 1, 2] * 6 + [0, 1] + [0, 1, 2] * 6 + [0, 1]
    np.testing.assert_array_equal(training.Y, np.tile(dataset.Y[:20], (2, 1)))


def test_random_over_sampling_of_imbalanced_learn_balances_classes():
    imblearn = pytest.importorskip("imblearn.over_sampling")
    dataset = make_mixed(n=60, exclusive=True)
    fit = np.r_[0:60:3, 1:10:3, 2:18:3]  # 20, 3 and 6 rows of the three classes
    training = train(dataset, Approach("ros", instance=imblearn.RandomOverSampler()), fit=fit, held=np.array([59]))
    assert training.Y.sum(axis=0).tolist() == [20, 20, 20]
    assert training.resampling.new.sum() == 60 - 29
    again = train(dataset, Approach("ros", instance=imblearn.RandomOverSampler()), fit=fit, held=np.array([59]))
    other = train(dataset, Approach("ros", instance=imblearn.RandomOverSampler()), fit=fit, held=np.array([59]), seed=1)
    np.testing.assert_array_equal(again.X, training.X)
    assert not np.array_equal(other.X, training.X)


def with_value(value):
    def change(X, y):
        X[0, 1] = X[3, 2] = value
        return X, y

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_value(NAN), "gave 2 rows with NaN or infinity"),
        (with_value(np.inf), "gave 2 rows with NaN or infinity"),
        (lambda X, y: (X[:, :3], y), r"gave X of shape \(40, 3\) and Y of shape \(40, 3\) for \(20, 4\) and \(20, 3\)"),
        (lambda X, y: (X[:10], y), r"gave X of shape \(10, 4\) and Y of shape \(40, 3\)"),
        (lambda X, y: (X, y[:, :2]), r"and Y of shape \(40, 2\)"),
        (lambda X, y: (X[:, 0], y), r"gave X of shape \(40,\)"),
        (lambda X, y: (X[:1], y[:1]), "gave 1 rows .*: nothing to learn from"),
        (lambda X, y: (X[:0], y[:0]), "Y is empty"),
        (lambda X, y: (X, 0 * y), "gave 40 rows with 0 labels: nothing to learn from"),
        (lambda X, y: (X, 2 * y), "0"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        train(make_mixed(), Approach("bad", instance=Copier(change)))


def test_a_class_that_does_not_exist_is_refused():
    """Its rows would else silently become rows of the first class."""
    with pytest.raises(ValueError, match="gave 12 rows of a class that it was not given"):
        train(make_mixed(exclusive=True), Approach("bad", instance=Copier(lambda X, y: (X, 2 * y))))


def test_infinities_in_sparse_rows_are_counted():
    dense = make_mixed()
    dataset = Dataset(sparse.csr_array(dense.X), dense.Y, dense.schema, "sparse")

    def spoil(X, y):
        X = sparse.csr_array(X)
        X.data[:3] = np.inf
        return X, y

    with pytest.raises(ValueError, match="gave 3 values with NaN or infinity"):
        train(dataset, Approach("bad", instance=Copier(spoil)))


def test_a_sampler_that_writes_into_its_input_spoils_no_data():
    dataset = make_mixed()
    before = dataset.X.copy()

    class Writer(Copier):
        def fit_resample(self, X, y):
            X[:] = 0
            return X, y

    with pytest.warns(UserWarning, match="^Writer added no row"):
        training = train(dataset, Approach("writer", instance=Writer()))
    np.testing.assert_array_equal(dataset.X, before)
    np.testing.assert_array_equal(training.resampling.X_given, before[:20])


def test_the_clock_runs_for_the_sampler_only(monkeypatch):
    clock, entered = CpuClock(), []
    monkeypatch.setattr(CpuClock, "__enter__", lambda self: entered.append(1) or self)
    make_training(make_mixed(), np.arange(20), np.arange(20, 40), parse_approach("none"), 0, clock)
    assert entered == []
    make_training(make_mixed(), np.arange(20), np.arange(20, 40), parse_approach("mlros"), 0, clock)
    assert entered == [1]


def test_every_random_state_is_set_and_each_has_its_own():
    from sklearn.ensemble import BaggingClassifier
    from sklearn.tree import DecisionTreeClassifier

    made = [seeded(BaggingClassifier(DecisionTreeClassifier()), seed) for seed in (1, 1, 2)]
    states = [(each.random_state, each.estimator.random_state) for each in made]
    assert states[0] == states[1]
    assert len({*states[0], *states[2]}) == 4
    assert seeded(MLROS(), 1).random_state is not None
    assert seeded(Copier(), 1).change is None


def test_the_same_seed_gives_the_same_rows_and_another_others():
    dataset = make_mixed()
    one, again, other = (train(dataset, "mlros", seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.X, again.X)
    assert not np.array_equal(one.X, other.X)


def test_smotenc_by_name_is_told_which_columns_hold_categories():
    pytest.importorskip("imblearn")
    dataset = make_mixed(n=60, exclusive=True, q=2)
    keep = np.append(np.flatnonzero(dataset.Y[:, 0]), np.flatnonzero(dataset.Y[:, 1])[:12])
    training = train(dataset, "smotenc", fit=keep, held=np.flatnonzero(dataset.Y[:, 1])[12:])
    new = training.resampling.X[training.resampling.new]
    assert len(new) == 18
    assert set(new[:, 2]) <= {0.0, 1.0, 2.0}
    assert len(set(new[:, 0]) - set(dataset.X[:, 0])) == 18


@pytest.mark.parametrize("name", ["smote", "adasyn", "borderlinesmote"])
def test_codes_taken_for_numbers_are_told(name):
    """What lies between two codes is no category; SMOTENC and the samplers of this package make no such rows."""
    pytest.importorskip("imblearn")
    dataset = make_mixed(n=60, exclusive=True, q=2)
    keep = np.append(np.flatnonzero(dataset.Y[:, 0]), np.flatnonzero(dataset.Y[:, 1])[:12])
    with pytest.warns(UserWarning, match=r"took codes .* as SMOTENC does not: .* in 'colour', 'smoker'$") as told:
        training = train(dataset, name, fit=keep, held=np.array([59]))
    assert str(told[0].message).lower().startswith(name)
    new = training.resampling.X[training.resampling.new]
    assert set(new[:, 2]) - {0.0, 1.0, 2.0}
    # where numbers alone are made up nothing is said, nor where rows are copied
    numbers = Dataset(dataset.X[:, :2], dataset.Y, Schema(MIXED[:2], dataset.schema.labels, True), "numbers")
    train(numbers, name, fit=keep, held=np.array([59]))
    for other in ("smotenc", "mlros", Approach("copies", instance=Copier())):
        train(dataset, other, fit=keep, held=np.array([59]))


def test_a_sampler_that_does_nothing_is_told():
    dataset = make_mixed()
    half = Copier(lambda X, y: (X[: len(X) // 2], y[: len(y) // 2]))
    with pytest.warns(UserWarning, match="^Copier added no row and took none away$"):
        train(dataset, Approach("half", instance=half))
    train(dataset, Approach("fewer", instance=Copier(lambda X, y: (X[:10], y[:10]))))


def test_codes_taken_for_numbers_are_told_of_sparse_rows():
    dense = make_mixed()
    dataset = Dataset(sparse.csr_array(dense.X), dense.Y, dense.schema, "sparse")

    def between(X, y):
        X = sparse.lil_array(X)
        X[25, 2] = 0.5
        return sparse.csr_array(X), y

    with pytest.warns(UserWarning, match=r"^Copier took codes .* no category in 'colour'$"):
        train(dataset, Approach("between", instance=Copier(between)))
