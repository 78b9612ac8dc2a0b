"""Laws of the folds: every row once, exact sizes, fair shares of labels, groups whole, the same seed the same folds."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier

from rarelabel.datasets import read
from rarelabel.model_selection import MultilabelStratifiedKFold, RepeatedMultilabelStratifiedKFold

pd = pytest.importorskip("pandas")

indicators = hnp.arrays(bool, st.tuples(st.integers(5, 40), st.integers(1, 8)))
quickly = settings(max_examples=60, deadline=None)
rare_is_fine = pytest.mark.filterwarnings("ignore:.*labels have fewer")


def zipf_labels(n, q, seed=0):
    """Labels of which the l-th is carried by about one in 2 + l rows, in twos and threes."""
    rng = np.random.default_rng(seed)
    return rng.random((n, q)) < 1 / np.arange(2, q + 2)


def folds_of(splitter, Y, groups=None):
    """The fold of each row; fails where a row is tested twice or never, or is trained on in its own fold."""
    fold = np.full(Y.shape[0], -1)
    for number, (train, test) in enumerate(splitter.split(np.zeros((Y.shape[0], 1)), Y, groups)):
        assert (fold[test] == -1).all()
        assert sorted([*train, *test]) == list(range(Y.shape[0]))
        fold[test] = number
    assert (fold >= 0).all()
    return fold


def imbalance_of(fold, Y):
    """Mean over labels and folds of how many positives a fold has too many or too few."""
    k = fold.max() + 1
    counts = np.array([Y[fold == number].sum(axis=0) for number in range(k)])
    return np.abs(counts - Y.sum(axis=0) / k).mean()


@rare_is_fine
@quickly
@given(indicators, st.integers(2, 5), st.sampled_from([1, 2]), st.integers(0, 3))
def test_every_row_is_tested_once_and_sizes_differ_by_one_at_most(Y, k, order, seed):
    fold = folds_of(MultilabelStratifiedKFold(k, order=order, random_state=seed), Y)
    sizes = np.bincount(fold, minlength=k)
    assert len(sizes) == k
    assert np.ptp(sizes) <= 1


@rare_is_fine
@quickly
@given(hnp.arrays(bool, st.tuples(st.integers(5, 60), st.just(1))), st.integers(2, 5), st.integers(0, 3))
def test_one_label_is_shared_out_to_the_row(Y, k, seed):
    fold = folds_of(MultilabelStratifiedKFold(k, random_state=seed), Y)
    assert np.ptp(np.bincount(fold[Y[:, 0]], minlength=k)) <= 1


@rare_is_fine
@quickly
@given(indicators, st.sampled_from([1, 2]))
def test_the_form_of_labels_does_not_matter(Y, order):
    splitter = MultilabelStratifiedKFold(3, order=order, random_state=0)
    expected = folds_of(splitter, Y)
    frame = pd.DataFrame(Y.astype(int), columns=[f"label {label}" for label in range(Y.shape[1])])
    for same in (sparse.csr_array(Y), sparse.coo_matrix(Y.astype(float)), frame):
        assert np.array_equal(folds_of(splitter, same), expected)


@pytest.mark.parametrize("order", [1, 2])
def test_shares_of_labels_are_far_better_than_by_chance(order):
    Y = zipf_labels(1003, 30)
    ours = [imbalance_of(folds_of(MultilabelStratifiedKFold(5, order=order, random_state=s), Y), Y) for s in range(5)]
    chance = [imbalance_of(folds_of(KFold(5, shuffle=True, random_state=s), Y), Y) for s in range(5)]
    assert max(ours) < 0.3 * min(chance)


def test_second_order_shares_out_pairs_of_labels():
    Y = zipf_labels(1000, 12)
    pairs = np.array([Y[:, a] & Y[:, b] for a in range(12) for b in range(a)]).T
    by_order = [
        np.mean(
            [imbalance_of(folds_of(MultilabelStratifiedKFold(5, order=o, random_state=s), Y), pairs) for s in range(5)]
        )
        for o in (1, 2)
    ]
    assert by_order[1] < 0.75 * by_order[0]


@rare_is_fine
def test_rows_without_labels_are_spread_evenly():
    Y = np.zeros((103, 3), dtype=bool)
    Y[:9, 0] = Y[9:20, 1] = Y[15:26, 2] = True
    fold = folds_of(MultilabelStratifiedKFold(4, random_state=0), Y)
    assert np.ptp(np.bincount(fold[~Y.any(axis=1)])) <= 2


@rare_is_fine
@quickly
@given(indicators, st.integers(2, 4), st.sampled_from([1, 2]), st.data())
def test_groups_stay_whole(Y, k, order, data):
    groups = np.array(data.draw(st.lists(st.integers(0, 7), min_size=len(Y), max_size=len(Y))))
    splitter = MultilabelStratifiedKFold(k, order=order, random_state=0)
    if len(np.unique(groups)) < k:
        with pytest.raises(ValueError, match="folds cannot be made of"):
            folds_of(splitter, Y, groups)
        return
    fold = folds_of(splitter, Y, groups)
    assert all(len(set(fold[groups == group])) == 1 for group in groups)


def test_small_groups_keep_sizes_and_shares():
    Y = zipf_labels(1200, 8)
    groups = np.array([f"patient {row // 4}" for row in range(1200)])
    fold = folds_of(MultilabelStratifiedKFold(5, random_state=0), Y, groups)
    assert np.bincount(fold).tolist() == [240] * 5
    by_chance = np.random.default_rng(0).permutation(300)[np.arange(1200) // 4] % 5
    assert imbalance_of(fold, Y) < 0.5 * imbalance_of(by_chance, Y)


def test_groups_of_one_row_are_like_no_groups():
    Y = zipf_labels(300, 6)
    fold = folds_of(MultilabelStratifiedKFold(4, random_state=0), Y, np.arange(300))
    assert np.bincount(fold).tolist() == [75] * 4
    assert imbalance_of(fold, Y) < 1


def test_one_huge_group_gets_a_fold_and_the_rest_is_shared_out():
    Y = zipf_labels(100, 3)
    groups = np.where(np.arange(100) < 70, 0, np.arange(100))
    fold = folds_of(MultilabelStratifiedKFold(3, random_state=0), Y, groups)
    sizes = sorted(np.bincount(fold))
    assert sizes[2] == 70
    assert sizes[1] - sizes[0] <= 2


def test_same_seed_same_folds_and_other_seeds_other_folds():
    Y = zipf_labels(200, 5)
    folds = [folds_of(MultilabelStratifiedKFold(3, random_state=seed), Y) for seed in (0, 0, 1)]
    assert np.array_equal(folds[0], folds[1])
    assert not np.array_equal(folds[0], folds[2])
    fixed = [folds_of(MultilabelStratifiedKFold(3, shuffle=False), Y) for _ in range(2)]
    assert np.array_equal(*fixed)


def test_global_randomness_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - it is the global state that is looked at
    folds_of(MultilabelStratifiedKFold(3), zipf_labels(50, 3))
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_repeats_differ_and_warn_once():
    Y = np.column_stack([zipf_labels(100, 3), np.arange(100) < 2])
    splitter = RepeatedMultilabelStratifiedKFold(n_splits=4, n_repeats=3, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tests = [tuple(test) for _, test in splitter.split(None, Y)]
    assert len(caught) == 1
    assert len(tests) == splitter.get_n_splits() == 12
    assert all(sorted(sum(tests[i : i + 4], ())) == list(range(100)) for i in (0, 4, 8))
    assert len(set(tests)) == 12
    with pytest.warns(UserWarning, match="y3"):
        assert tests == [tuple(test) for _, test in splitter.split(None, Y)]


def test_labels_with_fewer_positives_than_folds_are_named_once():
    Y = pd.DataFrame({"sun": [1] * 10, "sea": [1, 1, 1] + [0] * 7, "fog": [0] * 10})
    with pytest.warns(UserWarning, match="fewer positives") as caught:
        list(MultilabelStratifiedKFold(5).split(None, Y))
    assert len(caught) == 1
    message = str(caught[0].message)
    assert message.startswith("2 of 3 labels have fewer positives than the 5 parts")
    assert "'fog' (0), 'sea' (3)" in message
    assert "sun" not in message


def test_many_rare_labels_are_not_all_named():
    with pytest.warns(UserWarning, match=r"'y9' \(1\) and 20 more$"):
        list(MultilabelStratifiedKFold(5).split(None, np.eye(30)))


def test_labels_in_fewer_groups_than_folds_are_named():
    Y = np.array([[1, 1], [1, 1], [1, 1], [1, 0], [1, 0], [1, 0]])
    with pytest.warns(UserWarning, match=r"1 of 2 labels have fewer groups with a positive than the 3 .*'y1' \(2\)"):
        list(MultilabelStratifiedKFold(3).split(None, Y, groups=[0, 0, 1, 2, 3, 4]))


def test_works_as_cv_in_scikit_learn():
    rng = np.random.default_rng(0)
    Y = zipf_labels(120, 4)
    X = Y @ rng.normal(size=(4, 5)) + rng.normal(scale=0.1, size=(120, 5))
    splitter = MultilabelStratifiedKFold(3, random_state=0)
    scores = cross_validate(KNeighborsClassifier(), X, Y, cv=splitter, return_indices=True)
    assert [list(test) for test in scores["indices"]["test"]] == [list(test) for _, test in splitter.split(X, Y)]
    search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5]}, cv=splitter).fit(X, Y.astype(int))
    assert search.n_splits_ == 3
    assert repr(splitter) == "MultilabelStratifiedKFold(n_splits=3, order=1, random_state=0, shuffle=True)"


def test_groups_reach_the_splitter_by_metadata_routing():
    import sklearn

    Y = zipf_labels(60, 2)
    X, groups = np.column_stack([Y, ~Y]).astype(float), np.arange(60) // 3
    splitter = MultilabelStratifiedKFold(3, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = MultiOutputClassifier(LogisticRegression())
        scores = cross_validate(model, X, Y, cv=splitter, params={"groups": groups}, return_indices=True)
    for train, test in zip(scores["indices"]["train"], scores["indices"]["test"], strict=True):
        assert not set(groups[train]) & set(groups[test])


def test_one_dimensional_classes_are_stratified():
    y = np.array(["a"] * 9 + ["b"] * 6 + ["c"] * 3)
    for _, test in MultilabelStratifiedKFold(3, random_state=0).split(y, y):
        assert sorted(y[test]) == ["a"] * 3 + ["b"] * 2 + ["c"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_splits": 1}, "n_splits must be a whole number of at least 2, got 1"),
        ({"n_splits": 2.5}, "n_splits must be a whole number of at least 2, got 2.5"),
        ({"n_splits": True}, "n_splits must be a whole number"),
        ({"order": 3}, r"order must be 1 \(labels\) or 2 \(labels and pairs of labels\), got 3"),
        ({"shuffle": False, "random_state": 0}, "random_state has no effect with shuffle=False"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        MultilabelStratifiedKFold(**options)


@pytest.mark.parametrize(
    ("X", "Y", "groups", "message"),
    [
        (None, np.eye(4), None, "n_splits=5 folds cannot be made of 4 rows: use at most 4"),
        (np.zeros((9, 1)), np.eye(10), None, "X has 9 rows, Y 10"),
        (None, np.eye(10), np.zeros(9), r"groups must have one value for each of the 10 rows, got shape \(9,\)"),
        (None, np.eye(10), [None] * 10, "the group of row 0 is missing"),
        (None, np.eye(10), np.repeat([0, 1], 5), "n_splits=5 folds cannot be made of 2 groups"),
        (None, 2 * np.eye(10), None, "label 'y0' must hold 0 or 1 only"),
        (None, np.linspace(0, 1, 10), None, "continuous"),
        (None, None, None, "the target y is None"),
    ],
)
@rare_is_fine
def test_bad_input_is_refused(X, Y, groups, message):
    with pytest.raises(ValueError, match=message):
        list(MultilabelStratifiedKFold(5).split(X, Y, groups))


def test_random_state_of_the_wrong_kind_is_refused():
    with pytest.raises(ValueError, match="random_state"):
        list(MultilabelStratifiedKFold(2, random_state="zero").split(None, np.ones((4, 1))))


@rare_is_fine
@pytest.mark.data
@pytest.mark.parametrize("name", ["emotions", "flags", "birds", "yeast", "medical", "scene"])
@pytest.mark.parametrize("order", [1, 2])
def test_real_labels_are_shared_out_far_better_than_by_chance(name, order, data_folder):
    Y = read(data_folder / "multilabel" / f"{name}.arff.gz").Y
    ours = np.mean(
        [imbalance_of(folds_of(MultilabelStratifiedKFold(order=order, random_state=s), Y), Y) for s in range(5)]
    )
    chance = np.mean([imbalance_of(folds_of(KFold(5, shuffle=True, random_state=s), Y), Y) for s in range(5)])
    assert ours < 0.4 * chance
