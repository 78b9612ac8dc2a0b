"""Nine laws that published implementations break, each shown to notice the defect when it is put in by hand.

Every law is a function that asserts. One test applies it to the samplers as they are; its twin puts the defect in with
``monkeypatch`` and passes only if the law then fails, so that how a law was seen to fail is run every time.
"""

import itertools
import warnings

import numpy as np
import pytest
from scipy import sparse

from rarelabel import base
from rarelabel._validation import _labels, restore
from rarelabel.imbalance import ir_per_label, mean_ir, minority_labels, scumble_per_row
from rarelabel.over_sampling import _mlrknnos, _mlros, _mlsmote, _mlsol, _remedial
from rarelabel.registry import make_sampler, sampler_class, sampler_names
from rarelabel.under_sampling import _mlenn, _mlrus, _mltl

SAMPLERS = sampler_names(installed=True)

INTERPOLATING = ["MLSMOTE", "MLSOL", "MLRkNNOS"]
CLEANING = {"MLeNN": _mlenn, "MLTL": _mltl}
NOTICED = pytest.raises(AssertionError)


def table(seed=0, n=90):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 4))
    Y = np.column_stack([X[:, 0] > -0.3, X[:, 1] > 0.2, X[:, 2] > 0.6, X[:, 3] > 0.75]).astype(int)
    Y[rng.random(n) < 0.1] = 0
    return X, Y


def seeded(name, seed=0, **parameters):
    random = {"random_state": seed} if "random_state" in sampler_class(name)().get_params() else {}
    return make_sampler(name, **random, **parameters)


def resampled(name, X, Y, seed=0, **parameters):
    sampler = seeded(name, seed, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (sampler, *sampler.fit_resample(X, Y))


# 1. New rows lie between seed and neighbour


def stays_between(name):
    X, Y = table()
    sampler, X_res, _ = resampled(name, X, Y)
    ends = X[sampler.seed_rows_[90:]], X[sampler.neighbor_rows_[90:]]
    assert len(X_res) > 100
    assert (np.minimum(*ends) <= X_res[90:]).all()
    assert (X_res[90:] <= np.maximum(*ends)).all()


@pytest.mark.parametrize("name", INTERPOLATING)
def test_no_new_row_leaves_the_range_of_seed_and_neighbour(name):
    stays_between(name)


@pytest.mark.parametrize(("name", "module"), [("MLSMOTE", _mlsmote), ("MLSOL", _mlsol), ("MLRkNNOS", _mlrknnos)])
def test_a_difference_with_its_sign_reversed_is_noticed(name, module, monkeypatch):
    """Seen to fail with x_s - u (x_r - x_s), the mistake of the most copied Python script."""

    def backwards(X, schema, seeds, partners, rng):
        return X[seeds] - rng.random((len(seeds), X.shape[1])) * (X[partners] - X[seeds])

    monkeypatch.setattr(module, "interpolate", backwards)
    with NOTICED:
        stays_between(name)


# 2. The neighbour carries the label that the row is made for


def neighbours_carry_the_label(name):
    X, Y = table()
    sampler, _, _ = resampled(name, X, Y)
    made_for = sampler.made_for_[90:]
    assert len(made_for) > 10
    assert Y[sampler.seed_rows_[90:], made_for].all()
    assert Y[sampler.neighbor_rows_[90:], made_for].all()


@pytest.mark.parametrize("name", ["MLSMOTE", "MLRkNNOS"])
def test_every_neighbour_carries_the_boosted_label(name):
    neighbours_carry_the_label(name)


def test_a_partner_drawn_from_one_to_x_is_noticed(monkeypatch):
    """Seen to fail with R's sample(x, 1), which for a single row number draws from all rows up to it."""
    proper = _mlsmote.mlsmote

    def one_to_x(*args, rng, **options):
        X_new, Y_new, partners = proper(*args, rng=rng, **options)
        return X_new, Y_new, rng.integers(partners + 1)

    monkeypatch.setattr(_mlsmote, "mlsmote", one_to_x)
    with NOTICED:
        neighbours_carry_the_label("MLSMOTE")


def test_pairs_from_the_whole_table_are_noticed(monkeypatch):
    """Seen to fail where reverse neighbours are sought among all rows instead of the label's."""
    proper = _mlrknnos.reverse_pairs

    def among_all(E, bag, count, k, **options):
        return proper(E, np.arange(len(E)), count, k, **options)

    monkeypatch.setattr(_mlrknnos, "reverse_pairs", among_all)
    with NOTICED:
        neighbours_carry_the_label("MLRkNNOS")


# 3. As many rows as planned


def counts_are_the_plan(name, budget=None):
    X, Y = table()
    budget = {} if budget is None else {"sampling_strategy": budget}
    sampler = seeded(name, 3, **budget)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan = sampler.plan(X, Y)
        X_res, Y_res = sampler.fit_resample(X, Y)
    assert len(X_res) == len(Y_res) == plan.n_rows_after == sampler.sampling_strategy_["rows_after"]
    assert len(X_res) - sampler.is_synthetic_.sum() == plan.n_rows - plan.n_removed
    if isinstance(budget.get("sampling_strategy"), int):
        assert plan.n_new + plan.n_removed == budget["sampling_strategy"]


@pytest.mark.parametrize("name", SAMPLERS)
def test_rows_come_and_go_exactly_as_planned(name):
    counts_are_the_plan(name)
    if "sampling_strategy" in sampler_class(name)().get_params():
        counts_are_the_plan(name, 5)


@pytest.mark.parametrize("name", INTERPOLATING)
def test_a_dropped_first_row_is_noticed(name, monkeypatch):
    """Seen to fail where the first new row is left out, as newSamples[-1] does in R."""
    grown = base.Resampled.grown

    def without_the_first(n, X_new, Y_new, **rows):
        rows = {key: value if value is None else value[1:] for key, value in rows.items()}
        return grown(n, X_new[1:], Y_new[1:], **rows)

    monkeypatch.setattr(base.Resampled, "grown", staticmethod(without_the_first))
    with NOTICED:
        counts_are_the_plan(name)


def test_removing_with_replacement_is_noticed(monkeypatch):
    """Seen to fail where the rows to remove are drawn with replacement: repeated ones go once only."""
    monkeypatch.setattr(
        _mlrus, "mlrus", lambda Y, *, n_removed, eligible, rng: np.repeat(rng.integers(len(Y)), n_removed)
    )
    with NOTICED:
        counts_are_the_plan("MLRUS", 5)


# 4. Labels are 0 or 1


def labels_are_binary(name):
    X, Y = table()
    for dtype in (np.int64, np.float32, np.uint8):
        _, _, Y_res = resampled(name, X, Y.astype(dtype))
        assert Y_res.dtype == dtype
        assert set(np.unique(Y_res)) == {0, 1}


@pytest.mark.parametrize("name", SAMPLERS)
def test_labels_are_zero_or_one(name):
    labels_are_binary(name)


def test_a_label_added_to_a_label_is_noticed(monkeypatch):
    """Seen to fail where the prediction is added to the label the row was made for, which gives 2."""
    proper = _mlrknnos.predict_labels

    def added(E, Y, E_new, made_for, **options):
        labels = proper(E, Y, E_new, made_for, **options).astype(int)
        labels[np.arange(len(made_for)), made_for] += 1
        return labels

    monkeypatch.setattr(_mlrknnos, "predict_labels", added)
    with NOTICED:
        labels_are_binary("MLRkNNOS")


# 5. Rows without labels stay without


def empty_rows_stay_empty(name):
    X, Y = table()
    sampler, X_res, Y_res = resampled(name, X, Y)
    originals = ~sampler.is_synthetic_
    rows = sampler.seed_rows_[originals]
    empty = ~Y[rows].any(axis=1)
    assert empty.any()
    assert not Y_res[originals][empty].any()
    np.testing.assert_array_equal(X_res[originals], X[rows])


@pytest.mark.parametrize("name", SAMPLERS)
def test_rows_without_labels_stay_without(name):
    empty_rows_stay_empty(name)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_first_class_for_an_empty_row_is_noticed(name, monkeypatch):
    """Seen to fail where argmax over a row of zeros makes it class 0, as in imbalanced-learn."""

    def argmax(table, resampled):
        X_res, Y_res = restore(table, resampled)
        Y_res[~Y_res.any(axis=1), 0] = 1
        return X_res, Y_res

    monkeypatch.setattr(base, "restore", argmax)
    with NOTICED:
        empty_rows_stay_empty(name)


# 6. Cleaning follows its threshold and k


def removed(name, **parameters):
    X, Y = table(n=200)
    return set(seeded(name, **parameters).plan(X, Y).rows.tolist())


def cleaning_is_monotone(name):
    nested = [removed(name, threshold=threshold) for threshold in (1.0, 0.75, 0.5, 0.34, 0.25, 0.1, 0.0)]
    assert all(fewer <= more for fewer, more in itertools.pairwise(nested))
    assert len(nested[0]) + 1 < len(nested[-1])
    if name == "MLeNN":  # half of 2 m - 1 neighbours and half of 2 m are both m of them
        for m in (1, 2, 3, 5):
            odd, even = (removed(name, threshold=0.4, n_neighbors=k) for k in (2 * m - 1, 2 * m))
            assert odd <= even
            assert len(odd) > 1


@pytest.mark.parametrize("name", CLEANING)
def test_lower_thresholds_and_more_neighbours_remove_more(name):
    cleaning_is_monotone(name)


@pytest.mark.parametrize("name", CLEANING)
def test_a_rule_that_removes_one_row_at_most_is_noticed(name, monkeypatch):
    """Seen to fail where a scalar if keeps only the first row of the result, as ifelse does in R."""
    module = CLEANING[name]
    proper = getattr(module, name.lower())
    monkeypatch.setattr(module, name.lower(), lambda *args, **options: proper(*args, **options)[:1])
    with NOTICED:
        cleaning_is_monotone(name)


# 7. A label that has reached MeanIR gets no more rows


def cloning_stops(seed):
    _, Y = table(seed)
    sampler, _, _ = resampled("MLROS", np.zeros((90, 1)), Y, seed, sampling_strategy=400)
    stop, counts = mean_ir(Y), Y.sum(axis=0)
    clones = zip(sampler.seed_rows_[90:], sampler.made_for_[90:], strict=True)
    done = set()
    for row, label in clones:
        assert label not in done
        assert counts.max() / counts[label] > stop or counts[label] == Y[:, label].sum()
        counts = counts + Y[row]
        if counts.max() / counts[label] <= stop:
            done.add(label)
    assert done == set(np.flatnonzero(minority_labels(Y)))


@pytest.mark.parametrize("seed", range(5))
def test_cloning_for_a_label_stops_at_mean_ir(seed):
    cloning_stops(seed)


def test_a_stop_rule_that_is_never_reached_is_noticed(monkeypatch):
    """Seen to fail where the stop rule stands behind the return and so never acts."""
    monkeypatch.setattr(_mlros, "mean_ir", lambda Y: 0.0)
    with NOTICED:
        cloning_stops(0)


# 8. Order does not matter, seeds repeat, sparse labels are the same labels


def order_does_not_matter(name):
    """How often each row is a seed, kept or repeated, over many seeds, moves with the row when rows are shuffled."""
    X, Y = table(n=40)
    rows, labels = np.random.default_rng(5).permutation(40), np.random.default_rng(6).permutation(4)
    deterministic = "random_state" not in sampler_class(name)().get_params()
    runs = 1 if deterministic else 150
    used = []
    for order, columns in ((np.arange(40), np.arange(4)), (rows, labels)):
        counts = np.zeros(40)
        for seed in range(runs):
            sampler, _, _ = resampled(name, X[order], Y[order][:, columns], seed)
            counts += np.bincount(order[sampler.seed_rows_], minlength=40)
        used.append(counts / runs)
    assert np.abs(used[0] - used[1]).max() <= (0 if deterministic else 0.35)
    np.testing.assert_allclose(used[0].sum(), used[1].sum(), rtol=0 if deterministic else 0.03)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name not in ("MLRkNNOS", "MLDM", "AEMLO", "CVAE")])
def test_shuffling_rows_and_labels_shuffles_the_result(name):
    order_does_not_matter(name)


def test_shuffling_rows_and_labels_shuffles_the_result_of_a_fast_classifier_too(monkeypatch):
    monkeypatch.setattr(_mlrknnos, "predict_labels", lambda E, Y, E_new, made_for, **options: Y[made_for])
    order_does_not_matter("MLRkNNOS")


def test_seeds_taken_in_the_order_of_the_rows_are_noticed(monkeypatch):
    """Seen to fail where seeds are the first rows instead of drawn ones."""
    monkeypatch.setattr(_mlsol, "_draw", lambda weights, fallback, count, rng: np.arange(count))
    with NOTICED:
        order_does_not_matter("MLSOL")


def same_seed_same_bytes(name):
    X, Y = table()
    one, other = (resampled(name, X, Y, 11) for _ in range(2))
    assert one[1].tobytes() == other[1].tobytes()
    assert one[2].tobytes() == other[2].tobytes()
    for attribute in ("is_synthetic_", "seed_rows_", "neighbor_rows_", "made_for_"):
        np.testing.assert_array_equal(getattr(one[0], attribute), getattr(other[0], attribute))


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_same_seed_gives_the_same_bytes(name):
    same_seed_same_bytes(name)


@pytest.mark.parametrize("name", ["MLROS", "MLSMOTE", "MLSOL", "MLUL", "LPROS"])
def test_fresh_entropy_is_noticed(name, monkeypatch):
    """Seen to fail where the seed is not passed on."""
    monkeypatch.setattr(base, "check_random_state", lambda random_state: np.random.default_rng())
    with NOTICED:
        same_seed_same_bytes(name)


def sparse_labels_are_the_same(name):
    X, Y = table()
    _, X_dense, Y_dense = resampled(name, X, Y)
    for container in (sparse.csr_array, sparse.csc_matrix):
        _, X_sparse, Y_sparse = resampled(name, X, container(Y))
        assert isinstance(Y_sparse, container)
        np.testing.assert_array_equal(X_sparse, X_dense)
        np.testing.assert_array_equal(Y_sparse.toarray(), Y_dense)


@pytest.mark.parametrize("name", SAMPLERS)
def test_sparse_labels_give_the_result_of_dense_ones(name):
    sparse_labels_are_the_same(name)


def test_columns_of_sparse_labels_in_another_order_are_noticed(monkeypatch):
    """Seen to fail where the columns of a sparse Y are read in reverse."""
    proper = _labels._from_sparse
    monkeypatch.setattr(_labels, "_from_sparse", lambda Y: proper(Y[:, ::-1]))
    with NOTICED:
        sparse_labels_are_the_same("MLSMOTE")


# 9. REMEDIAL keeps every positive and adds a row for each above the mean SCUMBLE


def decoupling_keeps_positives(Y):
    _, _, Y_res = resampled("REMEDIAL", np.zeros((len(Y), 1)), Y)
    concurrence = scumble_per_row(Y)
    assert len(Y_res) == len(Y) + (concurrence > concurrence.mean()).sum()
    assert (Y_res.sum(axis=0) == Y.sum(axis=0)).all()


@pytest.mark.parametrize("seed", range(5))
def test_remedial_keeps_every_positive_and_adds_a_row_for_each_above_the_mean(seed):
    decoupling_keeps_positives(table(seed)[1])


def test_clones_that_keep_all_labels_are_noticed(monkeypatch):
    """Seen to fail where the clone keeps the majority labels as well."""
    monkeypatch.setattr(_remedial, "remedial", lambda Y, rows, minority: (Y.copy(), Y[rows]))
    with NOTICED:
        decoupling_keeps_positives(table()[1])


@pytest.mark.data
@pytest.mark.parametrize(("name", "split", "one_sided"), [("emotions", 222, 3), ("birds", 140, 91)])
def test_one_sided_rows_of_real_data_are_split_or_kept_as_asked(data_folder, name, split, one_sided):
    from rarelabel.datasets import read

    Y = read(data_folder / "multilabel" / f"{name}.arff.gz").Y
    decoupling_keeps_positives(Y)
    added = [
        len(resampled("REMEDIAL", np.zeros((len(Y), 1)), Y, one_sided=option)[2]) - len(Y)
        for option in ("split", "keep")
    ]
    assert added == [split, split - one_sided]
    assert (ir_per_label(Y) > mean_ir(Y)).any()
