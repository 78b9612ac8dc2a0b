"""Measures of held-out rows: equal to scikit-learn's where both define them, and the rules where they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from rarelabel.evaluation.measures import (
    DEFAULT_MEASURES,
    MEASURES,
    HeldOut,
    check_measures,
    measure_held_out,
    reliability,
)


def make_held_out(seed=0, n=60, q=5, **fields):
    """Every label in some rows and not in others, every row with some label but not all, no equal scores."""
    rng = np.random.default_rng(seed)
    Y = rng.random((n, q)) < np.linspace(0.15, 0.5, q)
    Y[np.arange(n), rng.integers(0, q, n)] = True
    Y[np.arange(n), rng.integers(0, q, n)] = False
    Y[~Y.any(axis=1), 0] = True
    P = np.clip(0.3 * Y + 0.7 * rng.random((n, q)), 0, 1)
    return HeldOut(Y, P > 0.6, P, Y.sum(axis=0), **fields)


def make_classes(true, predicted, P, q, **fields):
    Y, Y_pred = (np.asarray(y)[:, None] == np.arange(q) for y in (true, predicted))
    return HeldOut(Y, Y_pred, np.asarray(P, dtype=float), Y.sum(axis=0), exclusive=True, **fields)


def test_they_equal_those_of_scikit_learn():
    held = make_held_out()
    Y, Y_pred, P = held.Y, held.Y_pred, held.Y_score
    values, _ = measure_held_out(held)
    expected = {
        "macro_f1": sk.f1_score(Y, Y_pred, average="macro"),
        "micro_f1": sk.f1_score(Y, Y_pred, average="micro"),
        "example_f1": sk.f1_score(Y, Y_pred, average="samples", zero_division=0),
        "macro_precision": sk.precision_score(Y, Y_pred, average="macro"),
        "macro_recall": sk.recall_score(Y, Y_pred, average="macro"),
        "macro_auc": sk.roc_auc_score(Y, P, average="macro"),
        "micro_auc": sk.roc_auc_score(Y, P, average="micro"),
        "map": sk.average_precision_score(Y, P, average="macro"),
        "ranking_loss": sk.label_ranking_loss(Y, P),
        "coverage": sk.coverage_error(Y, P),
        "lrap": sk.label_ranking_average_precision_score(Y, P),
        "hamming_loss": sk.hamming_loss(Y, Y_pred),
        "subset_accuracy": sk.accuracy_score(Y, Y_pred),
        "one_error": np.mean(~Y[np.arange(len(Y)), P.argmax(axis=1)]),
        "brier": np.mean([sk.brier_score_loss(y, p) for y, p in zip(Y.T, P.T, strict=True)]),
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected)


def test_for_data_of_classes_they_equal_those_of_scikit_learn():
    rng = np.random.default_rng(3)
    true = np.repeat([0, 1, 2, 3], [30, 12, 6, 4])
    P = rng.dirichlet(np.ones(4), len(true)) + 0.6 * np.eye(4)[true]
    P /= P.sum(axis=1, keepdims=True)
    predicted = P.argmax(axis=1)
    values, _ = measure_held_out(make_classes(true, predicted, P, 4))
    expected = {
        "class_f1": sk.f1_score(true, predicted, average="macro"),
        "balanced_accuracy": sk.balanced_accuracy_score(true, predicted),
        "mcc": sk.matthews_corrcoef(true, predicted),
        "accuracy": sk.accuracy_score(true, predicted),
        "class_auc": sk.roc_auc_score(true, P, multi_class="ovr"),
        "class_g_mean": np.prod(sk.recall_score(true, predicted, average=None)) ** (1 / 4),
        "one_error": 1 - sk.accuracy_score(true, predicted),
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    two = true > 1
    scores = np.column_stack([1 - P[:, 2], P[:, 2]])
    values, _ = measure_held_out(make_classes(two, scores[:, 1] > 0.3, scores, 2))
    assert values["class_auc"] == pytest.approx(sk.roc_auc_score(two, P[:, 2]))


def test_which_measures_there_are_hangs_on_the_kind_of_data():
    many, _ = measure_held_out(make_held_out())
    one, _ = measure_held_out(make_classes([0, 1, 0], [0, 1, 1], np.eye(2)[[0, 1, 1]], 2))
    assert set(many) == {name for name, measure in MEASURES.items() if measure.exclusive is not True}
    assert set(one) == {name for name, measure in MEASURES.items() if measure.exclusive is not False}
    assert not {"ranking_loss", "subset_accuracy", "example_f1"} & set(one)
    assert not {"mcc", "class_f1"} & set(many)
    assert list(many) == [name for name in MEASURES if name in many]  # order of columns


def test_an_absent_label_is_left_out_whatever_is_predicted_for_it():
    held = make_held_out()
    Y, counts = held.Y.copy(), held.Y.sum(axis=0)
    Y[:, 2] = False
    without = HeldOut(*(np.delete(each, 2, axis=1) for each in (Y, held.Y_pred, held.Y_score)), np.delete(counts, 2))
    expected, _ = measure_held_out(without)
    for predicted in (False, True):
        Y_pred = held.Y_pred.copy()
        Y_pred[:, 2] = predicted
        values, vectors = measure_held_out(HeldOut(Y, Y_pred, held.Y_score, counts))
        for name in ("macro_f1", "macro_precision", "macro_recall", "g_mean", "macro_auc", "map"):
            assert values[name] == pytest.approx(expected[name]), name
        for name in ("f1", "precision", "recall", "average_precision"):
            assert np.flatnonzero(np.isnan(vectors[name])).tolist() == [2]


def test_an_absent_class_is_left_out_whatever_is_predicted_for_it():
    """Else an approach that never predicts the class would be judged by fewer classes than one that does."""
    true = [0, 0, 0, 1, 1, 1]
    f1 = []
    for predicted in ([0, 0, 0, 1, 1, 0], [0, 0, 2, 1, 1, 0]):
        values, vectors = measure_held_out(make_classes(true, predicted, np.eye(3)[predicted], 3))
        f1.append((values["class_f1"], np.nanmean(vectors["f1"])))
        assert np.isnan(vectors["f1"][2])
        assert values["class_auc"] is not None
    # first: F1 6/7 and 4/5; then, with one row of class 0 lost to class 2: 4/6 and 4/5
    assert np.array(f1) == pytest.approx(np.array([[(6 / 7 + 4 / 5) / 2] * 2, [(4 / 6 + 4 / 5) / 2] * 2]))


def test_a_label_that_is_there_but_never_predicted_counts_zero():
    Y = np.array([[1, 1], [1, 0], [0, 1]], dtype=bool)
    Y_pred = np.array([[1, 0], [1, 0], [0, 0]], dtype=bool)
    values, vectors = measure_held_out(HeldOut(Y, Y_pred, Y_pred.astype(float), Y.sum(axis=0)))
    assert vectors["f1"].tolist() == vectors["precision"].tolist() == [1.0, 0.0]
    assert (values["macro_f1"], values["macro_precision"], values["g_mean"]) == (0.5, 0.5, 0.5)


def test_which_labels_are_rare_is_counted_in_the_whole_data_set():
    """In these rows label 0 is the rarest, in the data label 3."""
    held = make_held_out(q=4)
    counts = np.array([400, 50, 19, 7])
    values, vectors = measure_held_out(HeldOut(held.Y, held.Y_pred, held.Y_score, counts))
    assert held.Y.sum(axis=0).argmin() == 0
    assert values["rare_f1"] == vectors["f1"][3]
    assert values["rare_ap"] == vectors["average_precision"][3]
    assert values["many_f1"] == vectors["f1"][0]
    assert values["medium_f1"] == vectors["f1"][1]
    assert values["few_f1"] == pytest.approx(vectors["f1"][2:].mean())


def test_a_label_that_no_row_of_the_data_has_is_none_of_the_rare_ones():
    """Of eight labels two have no row: the rarest quarter of the other six are two, of 4 and of 7 rows."""
    held = make_held_out(q=8)
    counts = np.array([400, 0, 7, 50, 4, 80, 0, 90])
    Y = held.Y & (counts > 0)
    values, vectors = measure_held_out(HeldOut(Y, held.Y_pred, held.Y_score, counts))
    assert values["rare_f1"] == pytest.approx(vectors["f1"][[2, 4]].mean())
    assert values["rare_ap"] == pytest.approx(vectors["average_precision"][[2, 4]].mean())
    classes = make_classes([0, 0, 0, 1], [0, 0, 1, 1], np.eye(3)[[0, 0, 1, 1]], 3)  # the third is declared only
    assert measure_held_out(classes)[0]["rare_f1"] == pytest.approx(2 / 3)  # of class 1: 2 TP of 2 + 1


def test_rare_f1_is_unknown_where_no_rare_label_was_held_out():
    held = make_held_out(q=4)
    Y = held.Y.copy()
    Y[:, 3] = False
    values, _ = measure_held_out(HeldOut(Y, held.Y_pred, held.Y_score, np.array([400, 500, 300, 7])))
    assert values["rare_f1"] is None
    assert values["rare_ap"] is None
    assert values["few_f1"] is None
    assert values["medium_f1"] is None  # there is no such label
    assert values["macro_f1"] is not None


def test_scores_that_are_no_probabilities_have_no_calibration():
    held = make_held_out()
    plain, vectors = measure_held_out(held)
    scaled = HeldOut(held.Y, held.Y_pred, 10 * held.Y_score - 3, held.counts, probabilities=False)
    values, scaled_vectors = measure_held_out(scaled)
    assert values["ece"] is None
    assert values["brier"] is None
    assert "reliability" in vectors
    assert "reliability" not in scaled_vectors
    ranks = [name for name, measure in MEASURES.items() if name in plain and measure.needs != "probabilities"]
    assert {name: values[name] for name in ranks} == pytest.approx({name: plain[name] for name in ranks})


def test_nothing_to_tell_apart_gives_no_value_but_no_error():
    held = HeldOut(np.zeros((3, 2), bool), np.zeros((3, 2), bool), np.full((3, 2), 0.5), np.array([5, 4]))
    values, _ = measure_held_out(held)
    unknown = {"rare_f1", "macro_f1", "macro_recall", "g_mean", "macro_auc", "micro_auc", "map", "ranking_loss"}
    assert {name for name in unknown if values[name] is None} == unknown
    assert values["hamming_loss"] == 0
    only, _ = measure_held_out(make_classes([1, 1], [1, 0], [[0.2, 0.8], [0.6, 0.4]], 2))
    assert only["class_auc"] is None
    assert only["accuracy"] == 0.5
    same, _ = measure_held_out(make_classes([1, 1], [1, 1], [[0.2, 0.8], [0.4, 0.6]], 2))
    assert (same["class_f1"], same["class_g_mean"], same["balanced_accuracy"], same["mcc"]) == (1, 1, 1, 0)
    assert (same["class_auc"], same["g_mean"]) == (None, None)


def test_the_rules_of_aemlo_differ_on_ties_and_on_what_is_not_defined():
    """By hand: label 0 has one tie among 2 pairs, label 1 is absent; in row 0 its label ties with the other."""
    Y = np.array([[1, 0], [0, 0], [0, 0]], dtype=bool)
    P = np.array([[0.5, 0.5], [0.5, 0.2], [0.1, 0.3]])
    values, _ = measure_held_out(HeldOut(Y, P > 0.4, P, np.array([3, 1])))
    assert values["macro_auc"] == 0.75  # (1/2 + 1) / 2 of the label that has both
    assert values["macro_auc_aemlo"] == 0.5  # a tie counts 1: label 0 has 1; label 1 counts 0
    assert values["ranking_loss"] == 1.0  # a tie is an error, in the only row that has a label
    assert values["ranking_loss_aemlo"] == pytest.approx(1 / 3)  # the two rows without labels count 0


@given(
    hnp.arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 5))),
    st.integers(1, 12),
    st.integers(0, 2**32 - 1),
)
def test_reliability_sums_up_what_went_in(Y, n_bins, seed):
    rng = np.random.default_rng(seed)
    P = rng.choice([0.0, 1.0, 0.5, rng.random()], Y.shape)
    count, total, positives = reliability(Y, P, n_bins=n_bins)
    assert count.shape == (n_bins,)
    assert (count.sum(), positives.sum()) == (Y.size, Y.sum())
    assert total.sum() == pytest.approx(P.sum())
    some = count > 0
    low, high = np.arange(n_bins)[some] / n_bins, np.arange(1, n_bins + 1)[some] / n_bins
    assert (total[some] / count[some] >= low - 1e-12).all()
    assert (total[some] / count[some] <= high + 1e-12).all()


def test_ece_follows_from_the_reliability_of_one_label():
    held = make_held_out(q=5)
    one = HeldOut(held.Y[:, 1:2], held.Y_pred[:, 1:2], held.Y_score[:, 1:2], held.counts[1:2])
    values, vectors = measure_held_out(one)
    count, total, positives = vectors["reliability"]
    assert values["ece"] == pytest.approx(np.abs(total - positives).sum() / count.sum())


def test_default_measures_exist_and_unknown_ones_are_named():
    assert check_measures(DEFAULT_MEASURES) == DEFAULT_MEASURES
    with pytest.raises(ValueError, match="no measure 'rare_f2'; did you mean 'rare_f1'"):
        check_measures(["macro_f1", "rare_f2"])
    with pytest.raises(ValueError, match="no measure 'zzz'; there are rare_f1, macro_f1"):
        check_measures(["zzz"])


def test_better_means_nearer_to_the_truth():
    """Predictions that are right beat those that are inverted by every measure, in the direction it states."""
    held = make_held_out()
    right, _ = measure_held_out(HeldOut(held.Y, held.Y, held.Y.astype(float), held.counts))
    wrong, _ = measure_held_out(HeldOut(held.Y, ~held.Y, 1.0 - held.Y, held.counts))
    for name in right:
        if right[name] is not None:
            assert (right[name] > wrong[name]) == MEASURES[name].higher_is_better, name
