"""The label manager: worked cases, recovery of planted errors, rare labels, flat losses, reports, bad input."""

import csv

import numpy as np
import pytest

from rarelabel.augmentation import LabelManager
from rarelabel.datasets import flip_labels, mislabel


def simulated(rate=0.2, n=2000, priors=(0.4, 0.2, 0.1), sharpness=9, seed=0, noise=flip_labels):
    """Labels some of which are wrong, and a network that mostly knows the truth."""
    rng = np.random.default_rng(seed)
    noisy = noise(rng.random((n, len(priors))) < priors, rate, random_state=rng)
    truth = noisy.Y_true

    def view():
        return np.where(truth, rng.beta(sharpness, 1, truth.shape), rng.beta(1, sharpness, truth.shape))

    f = view()
    return noisy, -np.log(np.where(noisy.Y, f, 1 - f)), [view(), view()]


@pytest.mark.parametrize(("noise", "rate"), [(flip_labels, 0.2), (flip_labels, 0.4), (mislabel, 0.4)])
def test_planted_errors_are_found(noise, rate):
    """Tables 14 and 15 of the paper have precision 0.95 to 0.99, recall 0.85 to 0.95, accuracy 0.985."""
    noisy, losses, views = simulated(rate, noise=noise)
    managed = LabelManager(epsilon=0.9).fit(losses, noisy.Y).manage(losses, noisy.Y, views)
    scores = managed.score(noisy.Y_true)
    assert scores.clean_precision > 0.97
    assert scores.clean_recall > 0.9
    assert scores.relabelled_share > 0.3 * noisy.wrong.mean()
    assert scores.relabelling_accuracy > 0.98
    assert (managed.labels != noisy.Y_true).mean() < 0.6 * noisy.wrong.mean()


@pytest.mark.parametrize("seed", range(6))
def test_a_rare_label_most_of_whose_given_positives_are_wrong(seed):
    """Of 10 % positives and 40 % flipped labels, 36 of 42 given positives are wrong: clean ones are few."""
    noisy, losses, _ = simulated(0.4, seed=seed)
    managed = LabelManager().fit(losses, noisy.Y).manage(losses, noisy.Y)
    given, right = noisy.Y[:, 2], ~noisy.wrong[:, 2]
    clean = managed.clean[:, 2]
    assert right[given].mean() < 0.2
    assert right[given & clean].mean() > 0.95
    assert clean[given & right].mean() > 0.75


def test_the_rules_by_hand():
    """Positives with losses around 0.1 and 3; f of the views decides what becomes of the latter (epsilon 0.9)."""
    losses = np.r_[np.linspace(0.05, 0.15, 40), np.linspace(2.9, 3.1, 4)][:, None]
    Y = np.ones((44, 1), dtype=bool)
    first = np.r_[np.full(40, 0.02), 0.96, 0.05, 0.5, 0.96][:, None]
    second = np.r_[np.full(40, 0.02), 0.90, 0.01, 0.5, 0.80][:, None]  # means 0.93, 0.03, 0.5, 0.88
    managed = LabelManager(epsilon=0.9).fit(losses, Y).manage(losses, Y, (first, second))
    assert managed.clean[:, 0].tolist() == [True] * 40 + [False] * 4
    assert managed.relabelled[40:, 0].tolist() == [True, True, False, False]
    assert managed.ambiguous[40:, 0].tolist() == [False, False, True, True]
    assert managed.labels[:, 0].tolist() == [True] * 41 + [False] + [True] * 2
    p = managed.clean_probability[:, 0]
    np.testing.assert_array_equal(managed.weights[:, 0], np.r_[np.ones(42), p[42:]])
    assert {name: float(share[0]) for name, share in managed.shares().items()} == pytest.approx(
        {"clean": 40 / 44, "relabelled": 2 / 44, "ambiguous": 2 / 44}
    )
    without = LabelManager(epsilon=0.9).fit(losses, Y).manage(losses, Y)
    assert not without.relabelled.any()
    np.testing.assert_array_equal(without.labels, Y)


def test_each_label_and_value_has_its_own_mixture():
    noisy, losses, _ = simulated(n=600)
    manager = LabelManager().fit(losses, noisy.Y)
    assert sorted(manager.mixture_.ravel().tolist()) == list(range(6))
    p = manager.clean_probability(losses, noisy.Y)
    for label in range(3):
        for value in (False, True):
            rows = noisy.Y[:, label] == value
            alone = LabelManager().fit(losses[rows][:, [label]], noisy.Y[rows][:, [label]])
            one = alone.clean_probability(losses[rows][:, [label]], noisy.Y[rows][:, [label]])
            np.testing.assert_allclose(p[rows, label], one[:, 0], atol=1e-4)
    batch = [5, 3, 100]
    np.testing.assert_array_equal(manager.clean_probability(losses[batch], noisy.Y[batch]), p[batch])


def test_labels_with_names_may_come_in_another_order():
    """Everything of shape (n, K) is in the order of Y, whose names say to which mixtures its columns belong."""
    pd = pytest.importorskip("pandas")
    noisy, losses, views = simulated(n=600)
    names, order = ["sun", "sea", "sand"], [2, 0, 1]
    Y, turned = pd.DataFrame(noisy.Y, columns=names), [names[k] for k in order]
    manager = LabelManager(epsilon=0.9).fit(losses, Y)
    plain = manager.manage(losses, noisy.Y, views)
    assert plain.label_names == tuple(names)
    found = manager.manage(losses[:, order], Y[turned], [view[:, order] for view in views])
    assert found.label_names == tuple(turned)
    np.testing.assert_array_equal(found.clean_probability, plain.clean_probability[:, order])
    np.testing.assert_array_equal(found.labels, plain.labels[:, order])
    p = manager.clean_probability(losses[:, order], Y[turned])
    np.testing.assert_array_equal(p, plain.clean_probability[:, order])
    assert found.score(pd.DataFrame(noisy.Y_true, columns=names)) == plain.score(noisy.Y_true)
    with pytest.raises(
        ValueError, match="Y has other labels than the 3 expected: it lacks 'sand' and has besides 'sky'"
    ):
        manager.manage(losses, Y.rename(columns={"sand": "sky"}))
    with pytest.raises(ValueError, match="Y_true has other labels than the 3 expected: it lacks 'sea'"):
        plain.score(Y[["sun", "sand"]])
    # names that look like positions are names where a frame has them
    first = LabelManager(epsilon=0.9).fit(losses, pd.DataFrame(noisy.Y, columns=["y1", "y0", "y2"]))
    second = first.manage(losses[:, [1, 0, 2]], pd.DataFrame(noisy.Y[:, [1, 0, 2]], columns=["y0", "y1", "y2"]))
    np.testing.assert_array_equal(second.clean_probability, plain.clean_probability[:, [1, 0, 2]])
    np.testing.assert_array_equal(first.manage(losses, noisy.Y).clean_probability, plain.clean_probability)


def test_the_smallest_losses_are_never_doubted():
    """The clean component is the narrower one, and far below its mean the other is likelier, so Eq. 8 says."""
    rng = np.random.default_rng(0)
    noisy = flip_labels(rng.random((3000, 1)) < 0.1, 0.4, random_state=rng)
    truth = noisy.Y_true
    f = np.where(truth, rng.beta(1.2, 1.5, truth.shape), rng.beta(4, 12, truth.shape))
    losses = -np.log(np.where(noisy.Y, f, 1 - f))
    manager = LabelManager().fit(losses, noisy.Y)
    managed = manager.manage(losses, noisy.Y)
    for value in (0, 1):
        here = noisy.Y[:, 0] == value
        mean = manager.mixtures_.means[0, manager.mixture_[value, 0]]
        assert managed.clean[here & (losses[:, 0] <= mean), 0].all()


def rare_table():
    """Labels with 0, 1, 3 and 8 positives of 200 rows, and one with 60."""
    Y = np.zeros((200, 5), dtype=bool)
    for label, positives in enumerate((0, 1, 3, 8, 60)):
        Y[:positives, label] = True
    losses = np.random.default_rng(0).gamma(2, 0.05, Y.shape)
    losses[0, 2] = losses[0, 4] = 5.0  # wrong
    return losses, Y


def test_rare_labels_share_a_mixture():
    losses, Y = rare_table()
    manager = LabelManager().fit(losses, Y)
    assert len(set(manager.mixture_[1, :4].tolist())) == 1  # 1 + 3 + 8 = 12 positives
    assert manager.mixture_[1, 4] not in manager.mixture_[1, :4]
    assert manager.mixtures_.n_values[manager.mixture_[1, 0]] == 12
    p = manager.clean_probability(losses, Y)
    assert np.isfinite(p).all()
    assert p[0, 2] < 0.01
    assert p[0, 4] < 0.01
    assert (p[1:3, 2] > 0.5).all()


@pytest.mark.parametrize("settings", [{"rare": "skip"}, {"min_rows": 13}])
def test_rare_labels_are_trusted_where_no_mixture_can_be_had(settings):
    losses, Y = rare_table()
    manager = LabelManager(**settings).fit(losses, Y)
    assert manager.mixture_[1, :4].tolist() == [-1] * 4
    p = manager.clean_probability(losses, Y)
    assert (p[:, :4][Y[:, :4]] == 1).all()
    assert p[0, 4] < 0.01


def test_flat_losses_say_nothing_so_given_labels_are_trusted():
    Y = np.arange(60)[:, None] % [2, 3] == 0
    manager = LabelManager().fit(np.full(Y.shape, 0.693), Y)
    assert (manager.mixture_ == -1).all()
    assert (manager.clean_probability(np.full(Y.shape, 0.693), Y) == 1).all()
    assert manager.manage(np.full(Y.shape, 0.693), Y).clean.all()


def test_clean_labels_are_not_split_by_differences_of_a_tenth_of_a_nat():
    """Most losses of clean labels are nearly 0; a component as narrow as these leaves out those that are not quite."""
    rng = np.random.default_rng(0)
    logits = np.append(rng.normal(-4, 1.2, 960), rng.normal(2, 1, 40))[:, np.newaxis]  # the last forty are wrong
    losses, Y = np.log1p(np.exp(logits)), np.zeros(logits.shape)
    found = LabelManager().fit(losses, Y).manage(losses, Y).clean[:, 0]
    narrow = LabelManager(reg_covar=1e-6).fit(losses, Y).manage(losses, Y).clean[:, 0]
    assert (~found[:960]).mean() < 0.02 < 0.05 < (~narrow[:960]).mean()
    assert found[960:].mean() < 0.05


@pytest.mark.parametrize(("gap", "trusted"), [(0.09, True), (0.5, False)])
def test_means_nearer_than_the_root_of_reg_covar_tell_nothing(gap, trusted):
    losses = np.append(np.full(300, 0.3), np.full(300, 0.3 + gap))[:, np.newaxis]
    manager = LabelManager().fit(losses, np.ones_like(losses))
    assert (manager.mixture_[1, 0] == -1) == trusted


def unlearned_table():
    """Positives of label 0, not learned yet, and of label 1, learned; the first ten of each are wrong."""
    rng = np.random.default_rng(0)
    Y = np.arange(400)[:, np.newaxis] < [60, 60]
    confidences = np.where(Y, [0.1, 0.9], 0.03) * rng.uniform(0.8, 1.1, Y.shape)
    confidences[:10] = 0.02 * rng.uniform(0.8, 1.2, (10, 2))
    return -np.log(np.where(Y, confidences, 1 - confidences)), Y, [confidences]


def test_a_value_that_is_not_learned_yet_is_trusted():
    losses, Y, views = unlearned_table()
    manager = LabelManager(unlearned="trust", reg_covar=1e-6).fit(losses, Y)
    assert (manager.mixture_ == -1).tolist() == [[False, False], [True, False]]
    managed = manager.manage(losses, Y, views)
    assert (managed.clean[:60, 0]).all()
    assert (managed.labels[:60, 0]).all()
    assert managed.clean[:60, 1].tolist() == [False] * 10 + [True] * 50
    assert not managed.labels[:10, 1].any()


def test_as_in_the_paper_an_unlearned_value_is_managed():
    losses, Y, views = unlearned_table()
    manager = LabelManager(reg_covar=1e-6).fit(losses, Y)
    assert (manager.mixture_ != -1).all()
    managed = manager.manage(losses, Y, views)
    assert managed.clean[:60].tolist() == [[False, False]] * 10 + [[True, True]] * 50
    trusting = LabelManager(unlearned="trust", reg_covar=1e-6).fit(losses, Y)
    assert (trusting.mixture_[:, 1] == manager.mixture_[:, 1]).all()
    learned = (slice(None), 1)
    np.testing.assert_array_equal(
        trusting.clean_probability(losses, Y)[learned], manager.clean_probability(losses, Y)[learned]
    )


@pytest.mark.parametrize(("confidence", "trusted"), [(0.501, False), (0.499, True)])
def test_learned_is_what_a_coin_does_not_say(confidence, trusted):
    rng = np.random.default_rng(0)
    losses = np.append(-np.log(confidence) + 1e-4 * rng.normal(size=300), 3 + 0.1 * rng.normal(size=100))[:, np.newaxis]
    manager = LabelManager(unlearned="trust").fit(losses, np.ones_like(losses))
    assert manager.mixtures_.means[0, 0] == pytest.approx(-np.log(confidence), abs=1e-3)
    assert (manager.mixture_[1, 0] == -1) == trusted


@pytest.mark.parametrize(("trusted", "value"), [("positives", 1), ("negatives", 0)])
def test_given_labels_that_are_known_to_be_right_are_never_doubted(trusted, value):
    """Of the other value nothing changes."""
    noisy, losses, views = simulated(n=600)
    plain = LabelManager(epsilon=0.9).fit(losses, noisy.Y).manage(losses, noisy.Y, views)
    manager = LabelManager(epsilon=0.9, trusted=trusted).fit(losses, noisy.Y)
    managed = manager.manage(losses, noisy.Y, views)
    assert (manager.mixture_[value] == -1).all()
    known = noisy.Y if value else ~noisy.Y
    assert not plain.clean[known].all()
    assert managed.clean[known].all()
    assert (managed.weights[known] == 1).all()
    assert (managed.labels == noisy.Y)[known].all()
    for name in ("clean", "relabelled", "labels"):
        np.testing.assert_array_equal(getattr(managed, name)[~known], getattr(plain, name)[~known])
    for name in ("weights", "clean_probability"):  # sums of mixtures side by side differ in their last digits
        np.testing.assert_allclose(getattr(managed, name)[~known], getattr(plain, name)[~known], rtol=0, atol=1e-9)


def test_fewer_rows_than_a_mixture_needs():
    manager = LabelManager().fit([[0.1], [0.2]], [[1], [0]])
    assert manager.mixtures_.means.shape == (2, 0)
    assert manager.clean_probability([[9.0]], [[1]]).tolist() == [[1.0]]


def test_the_report_is_sorted_named_and_written(tmp_path):
    pd = pytest.importorskip("pandas")
    noisy, losses, views = simulated(n=400)
    Y = pd.DataFrame(noisy.Y, columns=["sun", "sea, deep", "crab"])
    managed = LabelManager(epsilon=0.8, reg_covar=1e-6).fit(losses, Y).manage(losses, Y, views)
    names = [f"image{i}.png" for i in range(400)]
    found = managed.suspicious(row_names=names)
    confirmed = managed.relabelled & (managed.labels == noisy.Y)
    assert confirmed.sum() > 10
    assert len(found) == (~managed.clean & ~confirmed).sum()
    assert not (found.suggested == found.given).any()
    assert (np.diff(found.clean_probability) >= 0).all()
    assert (found.clean_probability <= 0.5).all()
    frame = found.to_frame()
    assert list(frame.columns) == ["row", "label", "given", "clean_probability", "loss", "confidence", "suggested"]
    i, k = names.index(frame["row"][0]), ["sun", "sea, deep", "crab"].index(frame["label"][0])
    assert frame["given"][0] == noisy.Y[i, k]
    assert frame["loss"][0] == losses[i, k]
    assert frame["confidence"][0] == (views[0][i, k] + views[1][i, k]) / 2
    assert frame["suggested"][0] == (managed.labels[i, k] if managed.relabelled[i, k] else -1)
    assert set(frame["suggested"]) == {-1, 0, 1}

    found.to_csv(tmp_path / "look.csv")
    with (tmp_path / "look.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found)
    assert (rows[0]["row"], rows[0]["label"]) == (frame["row"][0], frame["label"][0])
    assert [float(row["clean_probability"]) for row in rows] == found.clean_probability.tolist()
    assert [int(row["suggested"] or -1) for row in rows] == found.suggested.tolist()
    assert [p.name for p in tmp_path.iterdir()] == ["look.csv"]

    pairs = managed.suspicious(row_names=[(i, "x") for i in range(400)])
    assert [names[i] for i, _ in pairs.row] == found.row.tolist()
    assert pairs.to_frame()["row"].tolist() == pairs.row.tolist()

    top = managed.suspicious(2)
    assert top.row.tolist() == [names.index(name) for name in found.row[:2]]
    assert str(managed.suspicious()).startswith(f"{len(found):,} suspicious labels\n  row ")
    assert "the model says" in str(found)


def test_rows_keep_their_names_as_they_are(tmp_path):
    pd = pytest.importorskip("pandas")
    losses = np.r_[np.linspace(0, 0.2, 30), 3.0][:, np.newaxis]
    managed = LabelManager().fit(losses, np.ones((31, 1))).manage(losses, np.ones((31, 1)))
    days = pd.date_range("2024-01-01", periods=31).as_unit("ns")
    found = managed.suspicious(row_names=days)
    assert found.row.tolist() == [pd.Timestamp("2024-01-31")]
    assert "row 2024-01-31 00:00:00, label" in str(found)
    found.to_csv(tmp_path / "look.csv")
    assert "\n2024-01-31 00:00:00,y0," in (tmp_path / "look.csv").read_text()
    assert managed.suspicious(row_names=["a", *range(30)]).row.tolist() == [29]
    assert managed.suspicious(row_names=[[i, "x"] for i in range(31)]).row.tolist() == [[30, "x"]]


def test_nothing_suspicious_is_an_empty_report(tmp_path):
    managed = LabelManager().fit(np.full((20, 1), 0.1), np.ones((20, 1))).manage([[0.1]], [[1]])
    assert str(managed.suspicious()) == "0 suspicious labels"
    managed.suspicious().to_csv(tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text() == "row,label,given,clean_probability,loss,suggested\n"


def test_scores_count_by_hand():
    """Given 1 1 0 0, truth 1 0 0 1; the first and third are held for clean, the second is turned over."""
    losses = np.r_[np.linspace(0, 0.1, 12), 3, np.linspace(0, 0.1, 12), 3][:, None]
    Y = np.r_[np.ones(13), np.zeros(13)][:, None]
    manager = LabelManager(epsilon=0.9).fit(losses, Y)
    managed = manager.manage([[0.05], [3], [0.05], [3]], [[1], [1], [0], [0]], [[[0.5], [0.01], [0.5], [0.5]]])
    scores = managed.score([[1], [0], [0], [1]])
    assert (scores.clean_precision, scores.clean_recall) == (1, 1)
    assert (scores.relabelled_share, scores.relabelling_accuracy) == (0.25, 1)
    worse = managed.score([[0], [1], [0], [1]])  # clean: wrong, right; right ones: third and second
    assert (worse.clean_precision, worse.clean_recall, worse.relabelling_accuracy) == (0.5, 0.5, 0)
    assert np.isnan(manager.manage([[0.05]], [[1]]).score([[1]]).relabelling_accuracy)


def test_tensors_are_taken_as_they_are():
    torch = pytest.importorskip("torch")
    noisy, losses, views = simulated(n=300)
    expected = LabelManager().fit(losses, noisy.Y).manage(losses, noisy.Y, views)
    tensors = [torch.tensor(values, requires_grad=True) for values in (losses, *views)]
    labels = torch.tensor(noisy.Y).float()
    found = LabelManager().fit(tensors[0], labels).manage(tensors[0], labels, tensors[1:])
    np.testing.assert_array_equal(found.weights, expected.weights)
    halves = LabelManager().fit(torch.tensor(losses).bfloat16(), labels)
    assert np.isfinite(halves.clean_probability(losses, noisy.Y)).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epsilon": 0.4}, r"epsilon must lie in \[0.5, 1\], got 0.4"),
        ({"epsilon": float("nan")}, "epsilon must lie in"),
        ({"min_rows": 1}, "min_rows must be at least 2, one for each component, got 1"),
        ({"rare": "guess"}, r"rare must be one of \('pool', 'skip'\), got 'guess'"),
        ({"unlearned": "x"}, r"unlearned must be one of \('manage', 'trust'\), got 'x'"),
        ({"trusted": "x"}, r"trusted must be None or one of \('negatives', 'positives'\), got 'x'"),
        ({"reg_covar": 0}, "reg_covar must be above 0, got 0"),
    ],
)
def test_bad_parameters_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        LabelManager(**settings)


def test_bad_input_is_named():
    noisy, losses, views = simulated(n=100)
    manager = LabelManager()
    with pytest.raises(ValueError, match="not fitted yet"):
        manager.manage(losses, noisy.Y)
    broken = losses.copy()
    broken[7, 1] = np.nan
    with pytest.raises(ValueError, match="the loss of label 'y1' in row 7 is nan: expected a finite number"):
        manager.fit(broken, noisy.Y)
    with pytest.raises(ValueError, match=r"losses have shape \(100, 2\), expected \(100, 3\)"):
        manager.fit(losses[:, :2], noisy.Y)
    with pytest.raises(ValueError, match="expected losses as a table of numbers, got list"):
        manager.fit([["a", "b"]], [[1, 0]])
    manager.fit(losses, noisy.Y)
    with pytest.raises(ValueError, match="Y has 2 labels, expected 3"):
        manager.manage(losses[:, :2], noisy.Y[:, :2])
    with pytest.raises(ValueError, match=r"confidence of label 'y0' in row 0 is 1.5: .* in \[0, 1\]"):
        manager.manage(losses, noisy.Y, [np.full(losses.shape, 1.5)])
    with pytest.raises(ValueError, match="at least one view"):
        manager.manage(losses, noisy.Y, [])
    managed = manager.manage(losses, noisy.Y, views)
    with pytest.raises(ValueError, match="there are 3 row_names for 100 rows"):
        managed.suspicious(row_names="abc")
    with pytest.raises(ValueError, match="top must not be negative, got -1"):
        managed.suspicious(-1)
    with pytest.raises(ValueError, match=r"Y_true has shape \(99, 3\), expected \(100, 3\)"):
        managed.score(noisy.Y[1:])
    with pytest.raises(ImportError, match=r"to_frame needs .*rarelabel\[data\]"):
        managed.suspicious().to_frame("modin")
