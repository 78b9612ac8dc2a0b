"""Classification measures: worked values, scikit-learn, a reference evaluation, rules for what is not defined."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn import metrics as sk

from rarelabel import metrics as m

#      rare  absent  always  common
Y = np.array([[1, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 0], [0, 0, 1, 1]])
P = np.array([[0, 0, 1, 1], [0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 1, 1]])
ROOT = np.sqrt(2 / 3)  # the G-mean of the common label, whose recall is 2/3

MEASURES = ["f1", "precision", "recall", "jaccard"]
IN_SCIKIT_LEARN = {
    "f1": sk.f1_score,
    "precision": sk.precision_score,
    "recall": sk.recall_score,
    "jaccard": sk.jaccard_score,
}


@st.composite
def pairs(draw, n_tables=2):
    shape = (draw(st.integers(1, 10)), draw(st.integers(2, 6)))
    return tuple(draw(hnp.arrays(bool, shape)) for _ in range(n_tables))


def test_values_worked_out_by_hand():
    np.testing.assert_allclose(m.precision_per_label(Y, P), [0, 0, 1, 1])
    np.testing.assert_allclose(m.recall_per_label(Y, P), [0, 0, 3 / 4, 2 / 3])
    np.testing.assert_allclose(m.f1_per_label(Y, P), [0, 0, 6 / 7, 4 / 5])
    np.testing.assert_allclose(m.specificity_per_label(Y, P), [2 / 3, 1, 0, 1])
    np.testing.assert_allclose(m.jaccard_per_label(Y, P), [0, 0, 3 / 4, 2 / 3])
    np.testing.assert_allclose(m.g_mean_per_label(Y, P), [0, np.nan, np.nan, np.sqrt(2 / 3)])
    assert m.f1(Y, P) == pytest.approx((6 / 7 + 4 / 5) / 4)
    assert m.f1(Y, P, average="micro") == pytest.approx(10 / (8 + 6))  # 2 TP over present and predicted
    assert m.f1(Y, P, average="samples") == pytest.approx((4 / 5 + 2 / 3 + 0 + 1) / 4)
    assert m.jaccard(Y, P) == pytest.approx((2 / 3 + 1 / 2 + 0 + 1) / 4)
    assert m.g_mean(Y, P) == pytest.approx(np.sqrt(2 / 3) / 2)
    assert m.hamming_loss(Y, P) == 4 / 16
    assert m.subset_accuracy(Y, P) == 1 / 4


@pytest.mark.parametrize(("rule", "absent"), [(0, 0.0), (1, 1.0), (np.nan, np.nan)])
def test_a_label_neither_present_nor_predicted_counts_what_the_rule_says(rule, absent):
    np.testing.assert_equal(m.f1_per_label(Y, P, zero_division=rule)[1], absent)
    rest = 6 / 7 + 4 / 5
    expected = rest / 3 if np.isnan(rule) else (rest + absent) / 4  # NaN: left out of the mean
    assert m.f1(Y, P, zero_division=rule) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("undefined", "expected"),
    [("skip", ROOT / 2), ("zero", ROOT / 4), ("one", (ROOT + 2) / 4), ("nan", np.nan)],
)
def test_g_mean_of_a_label_without_a_positive_or_a_negative(undefined, expected):
    assert m.g_mean(Y, P, undefined=undefined) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("average", ["macro", "micro", "samples"])
@pytest.mark.parametrize("name", MEASURES)
@given(tables=pairs(), rule=st.sampled_from([0.0, 1.0]))
@settings(max_examples=25)
def test_equal_to_scikit_learn(name, average, tables, rule):
    true, pred = tables
    expected = IN_SCIKIT_LEARN[name](true, pred, average=average, zero_division=rule)
    assert getattr(m, name)(true, pred, average=average, zero_division=rule) == pytest.approx(expected)


@given(tables=pairs())
@settings(max_examples=50)
def test_per_label_losses_and_symmetries(tables):
    true, pred = tables
    for name in MEASURES:
        found = getattr(m, f"{name}_per_label")(true, pred)
        np.testing.assert_allclose(found, IN_SCIKIT_LEARN[name](true, pred, average=None, zero_division=0))
    assert m.hamming_loss(true, pred) == pytest.approx(sk.hamming_loss(true, pred))
    assert m.subset_accuracy(true, pred) == pytest.approx(sk.accuracy_score(true, pred))
    np.testing.assert_allclose(m.specificity_per_label(true, pred), m.recall_per_label(~true, ~pred))
    np.testing.assert_allclose(m.g_mean_per_label(true, pred), m.g_mean_per_label(~true, ~pred))


@given(y=hnp.arrays(int, st.integers(4, 30), elements=st.integers(0, 3)), seed=st.integers(0, 1000))
@settings(max_examples=60)
def test_classes_equal_scikit_learn(y, seed):
    y[:3] = [0, 1, 2]
    rng = np.random.default_rng(seed)
    pred = np.where(rng.random(len(y)) < 0.5, y, rng.integers(0, 4, len(y)))
    names = np.array(["ant", "bee", "cat", "dog"])
    for true, given_ in ((y, pred), (names[y], names[pred])):
        assert m.class_f1(true, given_) == pytest.approx(sk.f1_score(true, given_, average="macro", zero_division=0))
        assert m.class_f1(true, given_, average="micro") == pytest.approx(sk.accuracy_score(true, given_))
        assert m.class_f1(true, given_) == pytest.approx(m.f1(true, given_))  # each class against the rest
        assert m.matthews_corrcoef(true, given_) == pytest.approx(sk.matthews_corrcoef(true, given_))
        recalls = sk.recall_score(true, given_, labels=np.unique(true), average=None)
        assert m.balanced_accuracy(true, given_) == pytest.approx(recalls.mean())
        assert m.class_g_mean(true, given_) == pytest.approx(recalls.prod() ** (1 / len(recalls)))
    scores = rng.integers(1, 5, (len(y), y.max() + 1)).astype(float)
    scores /= scores.sum(axis=1, keepdims=True)
    if len(np.unique(y)) == y.max() + 1:
        expected = sk.roc_auc_score(y, scores, multi_class="ovr", average="macro")
        assert m.class_auc(y, scores) == pytest.approx(expected)


def test_measures_of_labels_see_each_class_against_the_rest():
    y, scores = ["b", "a", "c", "a"], np.array([[1, 3, 2], [3, 1, 2], [1, 2, 2], [2, 2, 1]]) / 6
    assert m.roc_auc(y, scores) == pytest.approx(m.class_auc(y, scores))
    assert m.one_error(y, scores) == pytest.approx((0 + 0 + 0.5 + 0.5) / 4)
    assert m.class_auc([0, 1, 1], np.array([1, 3, 2], dtype=np.uint8)) == 1  # no wrap-around when scores are turned


def test_two_classes():
    y, pred, scores = [0, 0, 0, 1], [0, 1, 0, 1], [0.1, 0.9, 0.3, 0.8]
    assert m.class_f1(y, pred, positive=1) == pytest.approx(sk.f1_score(y, pred))
    assert m.class_f1(y, pred, positive=0) == pytest.approx(sk.f1_score(y, pred, pos_label=0))
    assert m.class_auc(y, scores) == pytest.approx(sk.roc_auc_score(y, scores))
    assert m.class_auc(y, np.column_stack([1 - np.array(scores), scores])) == pytest.approx(sk.roc_auc_score(y, scores))
    with pytest.raises(ValueError, match="positive=2 is no class; the classes are 0, 1"):
        m.class_f1(y, pred, positive=2)


@pytest.mark.parametrize("one", [0, 1, "b"])
def test_one_class_alone_is_measured_as_scikit_learn_does(one):
    """Rows that are held out may hold one class, and a classifier may predict no other."""
    y, other = [one] * 3, "a" if one == "b" else 2
    assert m.class_f1(y, y) == m.class_f1(y, y, positive=one) == 1 == sk.f1_score(y, y, average="macro")
    assert m.class_f1(y, y, positive=other) == 0  # neither present nor predicted
    assert np.isnan(m.class_f1(y, y, positive=other, zero_division=np.nan))
    assert m.class_g_mean(y, y) == m.balanced_accuracy(y, y) == 1
    with pytest.warns(UserWarning, match="A single label was found"):
        assert m.balanced_accuracy(y, y) == sk.balanced_accuracy_score(y, y)
    with pytest.warns(UserWarning, match="A single label was found"):
        assert m.matthews_corrcoef(y, y) == sk.matthews_corrcoef(y, y) == 0
    assert np.isnan(m.class_auc(y, [0.1, 0.5, 0.4]))
    assert np.isnan(m.class_auc(y, np.eye(3)[:, :2], classes=sorted([one, other])))
    assert m.class_auc(y, [0.1, 0.5, 0.4], undefined="one") == 1
    assert m.f1(y, y) == m.rare_f1(y, y) == m.subset_accuracy(y, y) == 1
    assert np.isnan(m.g_mean(y, y))
    mixed = [one, other, one]  # present is one class, predicted are two
    assert m.matthews_corrcoef(y, mixed) == m.matthews_corrcoef(mixed, y) == 0
    assert m.class_g_mean(y, mixed) == pytest.approx(2 / 3)


def test_by_default_rarity_is_counted_over_the_classes_of_truth_and_prediction():
    """Class c is predicted only: the rarest, with F1 of 0."""
    assert m.rare_f1(["a", "a", "b"], ["a", "c", "b"]) == 0


def test_a_class_that_the_fold_lacks_is_skipped_or_counted():
    scores = [[0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.6, 0.1, 0.3]]
    assert m.class_auc(["a", "b", "a"], scores, classes=["a", "b", "c"]) == 1
    assert m.class_auc(["a", "b", "a"], scores, classes=["a", "b", "c"], undefined="zero") == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match=r"expected 3 rows and 2 classes"):
        m.class_auc(["a", "b", "a"], scores)
    with pytest.raises(ValueError, match=r"row 1 has class .*'b'.*, which is not among"):
        m.class_auc(["a", "b", "a"], scores, classes=["a", "c", "d"])
    with pytest.raises(ValueError, match="expected one class for each row"):
        m.class_auc(Y, P)
    with pytest.raises(ValueError, match="expected one class for each row"):
        m.class_f1(Y, P)


def test_every_container_means_the_same():
    pd = pytest.importorskip("pandas")
    value = m.f1(Y, P)
    true, pred = (pd.DataFrame(table, columns=list("abcd")) for table in (Y, P))
    assert m.f1(sparse.csr_array(Y), sparse.coo_matrix(P)) == value
    assert m.f1(Y.astype(bool), P.astype(float)) == value
    assert m.f1(true, pred) == value
    assert m.f1(true, pred[["d", "b", "a", "c"]]) == value  # matched by name
    assert m.f1(true, P) == value
    assert m.f1(pd.Series(["a", "b", "b"]), np.array(["a", "b", "a"], dtype=object)) == m.f1([0, 1, 1], [0, 1, 0])


def test_label_lists_and_classes_are_matched_by_value():
    assert m.f1_per_label([["a", "c"], ["b"]], [["c"], []]).tolist() == [0, 0, 1]
    assert m.f1_per_label([["a"], []], [["b", "a"], []]).tolist() == [1, 0]  # the two differ in their labels
    assert m.recall_per_label([["a"], ["a", "b"]], [[], []]).tolist() == [0, 0]
    assert m.recall_per_label(["x", "y", "z"], ["x", "x", "x"]).tolist() == [1, 0, 0]  # a constant prediction


@pytest.mark.parametrize(
    ("true", "pred", "error", "message"),
    [
        ([[1, 0]], [[1, 0, 0]], ValueError, r"Y_true has shape \(1, 2\), Y_pred \(1, 3\): expected the same rows"),
        ([[1, 0]], [[1, 0], [1, 1]], ValueError, "expected the same rows"),
        ([[1, 0]], [[0.7, 0.2]], ValueError, "label 'y0' must hold 0 or 1 only, got .*0.7"),
        ([0, 1, 1], [0, 1], ValueError, "Y_true has 3 rows, Y_pred 2"),
        ([["a"], ["b"]], [["a"], [], ["b"]], ValueError, "Y_true has 2 rows, Y_pred 3"),
        ([0, 1], ["0", "1"], TypeError, "Y_true holds classes of type int64, Y_pred of type"),
        ([[1, 0]], None, ValueError, "the target y is None"),
    ],
)
def test_labels_that_do_not_fit_are_refused(true, pred, error, message):
    with pytest.raises(error, match=message):
        m.f1(true, pred)


def test_frames_of_different_labels_are_refused_by_name():
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="different labels: 'b', 'c' in one of them only"):
        m.f1(pd.DataFrame({"a": [1], "b": [0]}), pd.DataFrame({"a": [1], "c": [0]}))


def test_unknown_options_are_refused():
    with pytest.raises(ValueError, match="average must be 'macro', 'micro' or 'samples', got 'weighted'"):
        m.f1(Y, P, average="weighted")
    with pytest.raises(ValueError, match=r"zero_division must be 0, 1 or nan, got 0\.5"):
        m.f1(Y, P, zero_division=0.5)


def test_rarest_labels_take_all_that_are_as_rare_and_do_not_depend_on_order():
    counts = np.array([9, 2, 2, 7, 100, 2, 50, 0])
    assert m.rarest_labels(counts).tolist() == [False, True, True, False, False, True, False, True]  # 2 asked, 4 tied
    assert m.rarest_labels([5]).tolist() == [True]
    assert m.rarest_labels([5, 5, 5, 5, 6]).tolist() == [True] * 4 + [False]
    assert m.rarest_labels(np.arange(10), share=0.3).sum() == 3
    assert m.rarest_labels(np.arange(10), share=0.31).sum() == 4
    assert m.rarest_labels(np.arange(10), share=1.0).all()
    for bad in ([], [[1, 2]], [1, -2], [1, np.nan]):
        with pytest.raises(ValueError, match="count"):
            m.rarest_labels(bad)
    with pytest.raises(ValueError, match="share"):
        m.rarest_labels([1, 2], share=0)


def test_rare_measures_look_at_the_rare_labels_alone():
    counts = [1, 500, 800, 600]
    assert m.rare_f1(Y, P, counts=counts) == 0
    assert m.rare_f1(1 - Y, 1 - P, counts=counts) == m.f1_per_label(1 - Y, 1 - P)[0]
    assert m.rare_f1(Y, P) == 0  # by Y_true the absent label is the rarest
    assert np.isnan(m.rare_f1(Y, P, zero_division=np.nan))
    scores = np.array([[0.3, 0.5, 0.9, 0.8], [0.9, 0.5, 0.8, 0.7], [0.2, 0.5, 0.1, 0.2], [0.1, 0.5, 0.9, 0.9]])
    assert m.rare_average_precision(Y, scores, counts=counts) == 0.5
    assert m.rare_average_precision(Y, scores, counts=counts, share=1.0) == m.mean_average_precision(Y, scores)
    with pytest.raises(ValueError, match="counts has 2 values for 4 labels"):
        m.rare_f1(Y, P, counts=[1, 2])


def test_groups_have_the_bounds_of_the_long_tail_literature_and_part_all_labels():
    counts = [0, 19, 20, 100, 101, 5000]
    groups = m.label_groups(counts)
    assert {name: np.flatnonzero(mask).tolist() for name, mask in groups.items()} == {
        "many": [4, 5],
        "medium": [2, 3],
        "few": [0, 1],
    }
    assert np.sum(list(groups.values()), axis=0).tolist() == [1] * 6
    values = [0.0, np.nan, 0.4, 0.6, 0.8, 1.0]
    means = m.group_means(values, counts)
    assert means == pytest.approx({"many": 0.9, "medium": 0.5, "few": 0.0})
    assert m.group_means(values, counts, undefined="one")["few"] == 0.5
    assert np.isnan(m.group_means(values, counts, many=10_000)["many"])
    with pytest.raises(ValueError, match=r"few .* must not be above many"):
        m.label_groups(counts, many=10, few=20)
    with pytest.raises(ValueError, match="expected one each"):
        m.group_means(values, counts[:3])


@pytest.mark.data
def test_classification_measures_of_a_reference_evaluation(reference_folder):
    """All of them, to the digits given."""
    folder = reference_folder / "flags_evaluation"
    true, pred = (np.loadtxt(folder / f"{name}.csv", delimiter=",", skiprows=1) for name in ("expected", "bipartition"))
    lines = (folder / "measures.csv").read_text(encoding="utf-8").splitlines()[1:]
    expected = {name.strip('"'): float(value) for name, value in (line.split(",") for line in lines)}
    found = {
        "Hamming-Loss": m.hamming_loss(true, pred),
        "Subset-Accuracy": m.subset_accuracy(true, pred),
        "Precision": m.precision(true, pred, average="samples"),
        "Recall": m.recall(true, pred, average="samples"),
        "F-Measure": m.f1(true, pred, average="samples"),
        "Accuracy": m.jaccard(true, pred),
        "Specificity": m.specificity(true, pred, average="samples", zero_division=1),
    }
    for name, measure in (
        ("Precision", m.precision),
        ("Recall", m.recall),
        ("F-Measure", m.f1),
        ("Specificity", m.specificity),
    ):
        for average in ("micro", "macro"):
            found[f"{average.capitalize()}-{name}"] = measure(true, pred, average=average)
    assert {name: round(value, 4) for name, value in found.items()} == {name: expected[name] for name in found}
