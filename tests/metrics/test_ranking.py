"""Ranking measures: slow definitions, worked values, scikit-learn, a reference evaluation."""

import json
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from scipy.stats import rankdata
from sklearn import metrics as sk

from rarelabel import metrics as m

ERROR_OF_A_TIE = {"half": 0.5, "optimistic": 0.0, "pessimistic": 1.0}
TIES = list(ERROR_OF_A_TIE)


@st.composite
def tables(draw, max_rows=12, max_labels=6, levels=4):
    """Labels and scores of few levels, so that ties, empty rows and labels without positives are common."""
    shape = (draw(st.integers(1, max_rows)), draw(st.integers(1, max_labels)))
    Y = draw(hnp.arrays(bool, shape))
    scores = draw(hnp.arrays(np.float64, shape, elements=st.integers(0, levels).map(lambda level: level / 4)))
    return Y, scores


def wrong_pairs(y, scores, ties):
    """Errors and pairs of one line, pair by pair."""
    wrong = pairs = 0
    for i in np.flatnonzero(y):
        for j in np.flatnonzero(~y):
            pairs += 1
            wrong += (scores[i] < scores[j]) + ERROR_OF_A_TIE[ties] * (scores[i] == scores[j])
    return wrong, pairs


def orders(scores):
    """Every order of items in which the scores do not rise."""
    for order in permutations(range(len(scores))):
        if (np.diff(scores[list(order)]) <= 0).all():
            yield list(order)


def precision_in_order(y, order):
    hits = y[order]
    return (np.cumsum(hits) / np.arange(1, len(y) + 1))[hits].mean()


def precision_by_expected_places(y, scores):
    total = 0.0
    for value in np.unique(scores[y]):
        higher, equal = scores > value, scores == value
        k = (y & equal).sum()
        for i in range(1, k + 1):
            total += ((y & higher).sum() + i) / (higher.sum() + i * (equal.sum() + 1) / (k + 1))
    return total / y.sum()


@pytest.mark.parametrize("ties", TIES)
@given(table=tables())
@settings(max_examples=60)
def test_auc_of_a_label_and_ranking_loss_of_a_row_count_pairs(table, ties):
    Y, scores = table
    by_label = [wrong_pairs(Y[:, j], scores[:, j], ties) for j in range(Y.shape[1])]
    auc = [1 - wrong / pairs if pairs else np.nan for wrong, pairs in by_label]
    np.testing.assert_allclose(m.roc_auc_per_label(Y, scores, ties=ties), auc, atol=1e-12)
    by_row = [wrong_pairs(y, s, ties) for y, s in zip(Y, scores, strict=True)]
    loss = [wrong / pairs for wrong, pairs in by_row if pairs]
    assert m.ranking_loss(Y, scores, ties=ties) == pytest.approx(np.mean(loss) if loss else np.nan, nan_ok=True)
    sizes = [wrong for wrong, pairs in by_row if pairs]
    assert m.error_set_size(Y, scores, ties=ties) == pytest.approx(np.mean(sizes) if sizes else np.nan, nan_ok=True)
    wrong, pairs = wrong_pairs(Y.ravel(), scores.ravel(), ties)
    expected = 1 - wrong / pairs if pairs else np.nan
    assert m.roc_auc(Y, scores, average="micro", ties=ties) == pytest.approx(expected, nan_ok=True)


@given(table=tables(max_rows=5, max_labels=3, levels=2))
@settings(max_examples=60)
def test_average_precision_of_ties_is_that_of_the_best_and_worst_order(table):
    Y, scores = table
    for j in np.flatnonzero(Y.any(axis=0)):
        y, s = Y[:, [j]], scores[:, [j]]
        values = [precision_in_order(y[:, 0], order) for order in orders(s[:, 0])]
        best, worst = (m.mean_average_precision(y, s, ties=ties) for ties in ("optimistic", "pessimistic"))
        half = m.mean_average_precision(y, s, ties="half")
        assert best == pytest.approx(max(values))
        assert worst == pytest.approx(min(values))
        assert half == pytest.approx(precision_by_expected_places(y[:, 0], s[:, 0]))
        assert worst - 1e-12 <= half <= best + 1e-12


@given(table=tables(), levels=st.integers(2, 12))
@settings(max_examples=40)
def test_interpolated_precision_is_the_best_at_or_beyond_each_recall(table, levels):
    Y, scores = table
    found = m.interpolated_average_precision_per_label(Y, scores, levels=levels)
    assert np.isnan(found[~Y.any(axis=0)]).all()
    for j in np.flatnonzero(Y.any(axis=0)):
        precision, recall, _ = sk.precision_recall_curve(Y[:, j], scores[:, j])
        precision, recall = precision[:-1], recall[:-1]  # without the point that scikit-learn appends
        best = [precision[recall >= level / (levels - 1)].max() for level in range(levels)]
        assert found[j] == pytest.approx(np.mean(best))
    with pytest.raises(ValueError, match="levels must be a whole number of at least 2, got 1"):
        m.interpolated_average_precision_per_label(Y, scores, levels=1)


@pytest.mark.parametrize("ties", TIES)
@given(table=tables(max_rows=4, max_labels=5, levels=2))
@settings(max_examples=40)
def test_coverage_is_the_place_of_the_last_label_in_the_best_worst_or_expected_order(table, ties):
    Y, scores = table
    depths = []
    for y, s in zip(Y, scores, strict=True):
        if y.any():
            places = [max(np.flatnonzero(y[order])) + 1 for order in orders(s)]
            depths.append({"optimistic": min, "pessimistic": max, "half": np.mean}[ties](places))
    expected = np.mean(depths) if depths else np.nan
    assert m.coverage_error(Y, scores, ties=ties) == pytest.approx(expected, nan_ok=True)
    from_zero = m.coverage_error(Y, scores, ties=ties, from_zero=True)
    assert from_zero == pytest.approx(expected - 1, nan_ok=True)


@given(table=tables())
@settings(max_examples=60)
def test_one_error_is_the_mean_over_the_labels_that_could_be_first(table):
    Y, scores = table
    half, low, high = [], [], []
    for y, s in zip(Y, scores, strict=True):
        if y.any():
            misses = 1 - y[s == s.max()].astype(float)
            half.append(misses.mean())
            low.append(misses.min())
            high.append(misses.max())
    for ties, values in (("half", half), ("optimistic", low), ("pessimistic", high)):
        expected = np.mean(values) if values else np.nan
        assert m.one_error(Y, scores, ties=ties) == pytest.approx(expected, nan_ok=True)


@given(table=tables())
@settings(max_examples=100)
def test_equal_to_scikit_learn_where_definitions_agree(table):
    Y, scores = table
    two_sided = Y.any(axis=0) & ~Y.all(axis=0)
    found = m.roc_auc_per_label(Y, scores)
    assert np.isnan(found[~two_sided]).all()
    for j in np.flatnonzero(two_sided):
        assert found[j] == pytest.approx(sk.roc_auc_score(Y[:, j], scores[:, j]))
    precisions = m.average_precision_per_label(Y, scores)
    assert np.isnan(precisions[~Y.any(axis=0)]).all()
    for j in np.flatnonzero(Y.any(axis=0)):
        assert precisions[j] == pytest.approx(sk.average_precision_score(Y[:, j], scores[:, j]))
    if Y.any() and not Y.all():
        assert m.roc_auc(Y, scores, average="micro") == pytest.approx(sk.roc_auc_score(Y.ravel(), scores.ravel()))
    if Y.shape[1] > 1:
        assert m.ranking_loss(Y, scores, undefined="zero") == pytest.approx(sk.label_ranking_loss(Y, scores))
        assert m.coverage_error(Y, scores, undefined="zero") == pytest.approx(sk.coverage_error(Y, scores))
        expected = sk.label_ranking_average_precision_score(Y, scores)
        assert m.label_ranking_average_precision(Y, scores, undefined="one") == pytest.approx(expected)


def aemlo_macro_auc(Y, scores):
    """Section 2.5 of its release in words: a tie is a win; labels without a value add 0; divide by all labels."""
    total = 0.0
    for j in range(Y.shape[1]):
        wrong, pairs = wrong_pairs(Y[:, j], scores[:, j], "optimistic")
        total += 1 - wrong / pairs if pairs else 0
    return total / Y.shape[1]


def aemlo_ranking_loss(Y, scores):
    """A tie is an error; rows without a value add 0; divide by all rows."""
    total = 0.0
    for y, s in zip(Y, scores, strict=True):
        wrong, pairs = wrong_pairs(y, s, "pessimistic")
        total += wrong / pairs if pairs else 0
    return total / len(Y)


@given(table=tables())
@settings(max_examples=60)
def test_two_options_give_what_the_code_of_aemlo_gives(table):
    Y, scores = table
    assert m.roc_auc(Y, scores, ties="optimistic", undefined="zero") == pytest.approx(aemlo_macro_auc(Y, scores))
    assert m.ranking_loss(Y, scores, ties="pessimistic", undefined="zero") == pytest.approx(
        aemlo_ranking_loss(Y, scores)
    )


def test_a_label_without_positives_drags_the_macro_auc_of_aemlo_and_not_ours():
    Y, scores = np.array([[1, 0], [0, 0], [1, 0]]), np.array([[0.9, 0.1], [0.4, 0.2], [0.4, 0.3]])
    assert m.roc_auc(Y, scores) == 0.75
    assert m.roc_auc(Y, scores, ties="optimistic") == 1.0
    assert m.roc_auc(Y, scores, ties="optimistic", undefined="zero") == 0.5
    assert m.roc_auc(Y, scores, undefined="one") == 0.875
    assert np.isnan(m.roc_auc(Y, scores, undefined="nan"))


@pytest.mark.parametrize(
    "measure",
    [
        m.roc_auc,
        m.mean_average_precision,
        m.label_ranking_average_precision,
        m.ranking_loss,
        m.error_set_size,
        m.is_error,
        m.coverage_error,
        m.one_error,
    ],
)
def test_rules_for_lines_without_a_value(measure):
    """Nothing is defined where nothing is present: the value is what the rule says, and nothing warns."""
    Y, scores = np.zeros((3, 2), dtype=int), np.full((3, 2), 0.5)
    assert np.isnan(measure(Y, scores))
    assert measure(Y, scores, undefined="zero") == 0
    assert measure(Y, scores, undefined="one") == 1
    assert np.isnan(measure(Y, scores, undefined="nan"))
    with pytest.raises(ValueError, match="undefined must be 'skip', 'zero', 'one' or 'nan', got 'none'"):
        measure(Y, scores, undefined="none")
    with pytest.raises(ValueError, match=r"ties must be .*, got 'average'"):
        measure(Y, scores, ties="average")


@given(table=tables(), seed=st.integers(0, 100))
@settings(max_examples=40)
def test_order_of_rows_and_labels_and_increasing_changes_of_scores_do_not_matter(table, seed):
    Y, scores = table
    rng = np.random.default_rng(seed)
    rows, labels = rng.permutation(Y.shape[0]), rng.permutation(Y.shape[1])
    mixed = Y[rows][:, labels], np.exp(scores[rows][:, labels])
    for measure in (m.roc_auc, m.mean_average_precision, m.ranking_loss, m.coverage_error, m.one_error, m.is_error):
        assert measure(Y, scores) == pytest.approx(measure(*mixed), nan_ok=True)


def test_many_lines_give_what_each_line_gives(monkeypatch):
    """Sorting in chunks changes nothing."""
    rng = np.random.default_rng(0)
    Y, scores = rng.random((50, 7)) < 0.3, rng.integers(0, 9, (50, 7)) / 9
    whole = [m.ranking_loss(Y, scores), m.mean_average_precision(Y, scores), m.coverage_error(Y, scores)]
    monkeypatch.setattr("rarelabel.metrics._ranking._CHUNK", 20)
    assert [m.ranking_loss(Y, scores), m.mean_average_precision(Y, scores), m.coverage_error(Y, scores)] == whole


def test_every_container_of_labels_and_scores_means_the_same():
    pd = pytest.importorskip("pandas")
    Y, scores = np.array([[1, 0, 1], [0, 1, 0]]), np.array([[0.2, 0.5, 0.0], [0.1, 0.9, 0.3]])
    value = m.ranking_loss(Y, scores)
    frames = pd.DataFrame(Y, columns=list("abc")), pd.DataFrame(scores, columns=list("abc"))
    assert m.ranking_loss(sparse.csr_array(Y), scores) == value
    assert m.ranking_loss(sparse.csc_matrix(Y), sparse.csr_matrix(scores)) == value
    assert m.ranking_loss(*frames) == value
    assert m.ranking_loss(frames[0], frames[1][["c", "a", "b"]]) == value  # matched by name
    assert m.ranking_loss([["a", "c"], ["b"]], frames[1][["c", "a", "b"]]) == value
    assert m.ranking_loss(Y.tolist(), scores.tolist()) == value
    assert m.ranking_loss(Y, scores.astype(np.float32)) == value


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([[0.1, np.nan]], "score of label 'y1' in row 0 is nan: expected a finite number"),
        ([[-np.inf, 0.1]], "score of label 'y0' in row 0 is -inf"),
        ([[0.1]], r"Y_true has shape \(1, 2\), Y_score \(1, 1\): expected the same rows and labels"),
        ([0.1, 0.2], "expected the same rows and labels"),
        ([["low", "high"]], "expected Y_score as a table of real numbers"),
        ([[1j, 0]], "expected Y_score as a table of real numbers"),
        (None, "expected the same rows and labels"),
    ],
)
def test_scores_that_are_wrong_are_refused_by_label_and_row(scores, message):
    with pytest.raises(ValueError, match=message):
        m.roc_auc([[1, 0]], scores)


def test_frames_of_different_labels_are_refused_by_name():
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="different labels: 'b', 'c' in one of them only"):
        m.roc_auc(pd.DataFrame({"a": [1], "b": [0]}), pd.DataFrame({"a": [0.1], "c": [0.2]}))


def later_first(scores):
    """Scores without ties that rank labels as mldr does: of equal ones the later column first."""
    return -np.apply_along_axis(lambda s: rankdata(-s[::-1], method="ordinal")[::-1], 1, np.asarray(scores))


@pytest.mark.data
def test_ranking_values_of_mldr(reference_folder):
    values = json.loads((reference_folder / "ranking_worked_values.json").read_text(encoding="utf-8"))
    scores, a, b, c = (values[name] for name in ("scores", "labels_a", "labels_b", "labels_c"))
    precision, one, coverage = values["average_precision"], values["one_error"], values["coverage"]
    assert m.label_ranking_average_precision(a, scores, undefined="one") == precision["labels_a, ties min"]
    assert m.label_ranking_average_precision(b, scores, ties="optimistic") == pytest.approx(
        precision["labels_b, ties min"]
    )
    assert m.label_ranking_average_precision(b, scores, ties="half") == pytest.approx(
        precision["labels_b, ties average"]
    )
    assert m.one_error(a, scores, undefined="one") == pytest.approx(one["labels_a"])
    assert m.one_error(c, scores, ties="pessimistic") == pytest.approx(one["labels_c"])
    options = {"undefined": "zero", "from_zero": True}
    assert m.coverage_error(a, scores, **options) == pytest.approx(coverage["labels_a"])
    assert m.coverage_error(c, scores, ties="half", **options) == pytest.approx(coverage["labels_c, ties average"])
    assert m.coverage_error(c, later_first(scores), **options) == pytest.approx(coverage["labels_c"])
    for name, labels in (("labels_a", a), ("labels_c", c)):
        assert m.ranking_loss(labels, scores, undefined="zero") == pytest.approx(values["ranking_loss"][name])


@pytest.mark.data
def test_ranking_measures_of_a_reference_evaluation(reference_folder):
    """All of them to the digits given. Rankings there break ties by position, which is done here beforehand."""
    folder = reference_folder / "flags_evaluation"
    Y, scores = (np.loadtxt(folder / f"{name}.csv", delimiter=",", skiprows=1) for name in ("expected", "scores"))
    lines = (folder / "measures.csv").read_text(encoding="utf-8").splitlines()[1:]
    expected = {name.strip('"'): float(value) for name, value in (line.split(",") for line in lines)}
    ranked = later_first(scores)
    earlier_row_first = -np.apply_along_axis(lambda s: rankdata(-s, method="ordinal"), 0, scores)
    per_label = m.average_precision_per_label(Y, earlier_row_first)
    interpolated = m.interpolated_average_precision_per_label(Y, earlier_row_first, levels=10)
    found = {
        "Average-Precision": m.label_ranking_average_precision(Y, ranked),
        "Coverage": m.coverage_error(Y, ranked, from_zero=True),
        "OneError": m.one_error(Y, ranked),
        "IsError": m.is_error(Y, ranked, undefined="zero"),
        "ErrorSetSize": m.error_set_size(Y, ranked, undefined="zero"),
        "Ranking-Loss": m.ranking_loss(Y, ranked, undefined="zero"),
        "Mean-Average-Precision": per_label.mean(),
        "Geometric-Mean-Average-Precision": np.exp(np.log(per_label).mean()),
        "Mean-Average-Interpolated-Precision": interpolated.mean(),
        "Geometric-Mean-Average-Interpolated-Precision": np.exp(np.log(interpolated).mean()),
        "Micro-AUC": m.roc_auc(Y, scores, average="micro"),
        "Macro-AUC": m.roc_auc(Y, scores),
    }
    assert {name: round(value, 4) for name, value in found.items()} == {name: expected[name] for name in found}
