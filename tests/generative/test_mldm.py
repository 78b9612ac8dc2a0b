"""New rows carry the labels they are drawn for, look like the rows that carry them, and are nobody's copy."""

import warnings
from threading import Event

import numpy as np
import pytest
from scipy import sparse

torch = pytest.importorskip("torch")

from rarelabel import MLDM  # noqa: E402
from rarelabel.diffusion import MixedDiffusion, cosine_schedule  # noqa: E402
from rarelabel.encoding import Block  # noqa: E402
from rarelabel.generative._model import _revealing  # noqa: E402
from rarelabel.generative._subset_model import choose_candidates, choose_held_out, label_shares, subset_weights  # noqa: E402
from rarelabel.imbalance import minority_labels  # noqa: E402

SMALL = {"width": 64, "training_steps": 60, "sampling_steps": 10, "random_state": 0}


def quietly(method, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return method(*args, **options)


def table(n=400, seed=0):
    """Label 0 on most rows, label 1 on a fifth where x0 is about 3, label 2 on a tenth where x1 is about -3."""
    rng = np.random.default_rng(seed)
    Y = rng.random((n, 3)) < [0.8, 0.2, 0.1]
    X = rng.normal(size=(n, 2)) * 0.5 + np.column_stack([3 * Y[:, 1], -3 * Y[:, 2]])
    return X, Y.astype(int)


@pytest.fixture(scope="module")
def trained():
    """A model of the table, trained until it knows it."""
    return MLDM(width=64, training_steps=600, random_state=0).fit(*table())


# What is drawn


def test_rows_are_drawn_for_the_labels_that_were_planned_and_carry_them():
    X, Y = table()
    sampler = MLDM(**SMALL)
    plan = sampler.plan(X, Y)
    X_res, Y_res = sampler.fit_resample(X, Y)
    made_for = sampler.made_for_[400:]
    assert len(X_res) == 500
    np.testing.assert_array_equal(made_for, plan.made_for)
    assert plan.rows_per_label.keys() == {"y1", "y2"}
    assert Y_res[400:][np.arange(100), made_for].all()
    assert sampler.is_synthetic_.sum() == 100
    assert (sampler.seed_rows_[400:] == -1).all()


def test_rows_have_the_distribution_of_the_rows_with_rare_labels(trained):
    X, Y = table()
    inside = Y[:, 1:].any(axis=1)
    X_new, Y_new = trained.sample(400)
    np.testing.assert_allclose(Y_new.mean(axis=0), Y[inside].mean(axis=0), atol=0.03)
    np.testing.assert_allclose(X_new.mean(axis=0), X[inside].mean(axis=0), atol=0.25)
    np.testing.assert_allclose(X_new.std(axis=0), X[inside].std(axis=0), rtol=0.2)
    with_label = [X_new[Y_new[:, label] == 1, label - 1].mean() for label in (1, 2)]
    np.testing.assert_allclose(with_label, [3, -3], atol=0.35)


@pytest.mark.parametrize(("label", "column", "mean"), [("y1", 0, 3), ("y2", 1, -3)])
def test_rows_under_a_condition_have_the_conditional_distribution(trained, label, column, mean):
    X_new, Y_new = trained.sample(200, {label: 1})
    assert Y_new[:, int(label[1])].all()
    assert abs(X_new[:, column].mean() - mean) < 0.3
    assert (trained.drawn_for_ == -1).all()
    without, Y_without = trained.sample(200, {label: 0})
    assert not Y_without[:, int(label[1])].any()
    assert abs(without[:, column].mean()) < 0.5


def test_a_column_can_be_a_condition(trained):
    value = table()[0][7, 0]
    X_new, _ = trained.sample(50, {"x0": value})
    np.testing.assert_allclose(X_new[:, 0], value, rtol=1e-4)


def test_no_row_is_a_copy_and_values_stay_in_range(trained):
    X, _ = table()
    X_new, _ = trained.sample(300)
    assert not (X_new[:, None] == X).all(axis=2).any()
    assert (X_new >= X.min(axis=0)).all()
    assert (X_new <= X.max(axis=0)).all()


def test_copies_are_drawn_again_where_there_are_other_rows_and_told_of_where_there_are_none():
    rng = np.random.default_rng(0)
    Y = rng.random((300, 2)) < [0.7, 0.25]
    X = (rng.random((300, 9)) < 0.5).astype(float)
    X_res, _ = MLDM(**SMALL).fit_resample(X, Y)
    rows, counts = np.unique(X, axis=0, return_counts=True)
    singles, others = set(map(tuple, rows[counts == 1])), set(map(tuple, rows[counts > 1]))
    new = set(map(tuple, X_res[300:]))
    assert not new & singles
    assert new & others  # of which the table has more than one
    with pytest.warns(UserWarning, match="MLDM: 75 of the new rows equal rows of the table"):
        X_res, _ = MLDM(categorical_features=[0], **SMALL).fit_resample(np.arange(300.0)[:, None], Y)
    assert len(X_res) == 375
    copied, _ = quietly(MLDM(reject_copies=False, **SMALL).fit_resample, X, Y)
    assert set(map(tuple, copied[300:])) & singles


def test_the_candidate_is_taken_that_keeps_label_frequencies():
    """Wanted: every row label 0, half of them label 1. After a row without label 1, one with it is nearer."""
    Y = np.array([[[1, 0], [1, 1]]] * 4, dtype=bool)
    counts = np.zeros(2)
    chosen = choose_candidates(Y, np.ones((4, 2), dtype=bool), counts, np.array([1.0, 0.5]))
    assert chosen.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(counts, 0)
    valid = np.array([[False, True], [False, False], [True, True], [True, True]])
    assert choose_candidates(Y, valid, np.zeros(2), np.array([1.0, 0.5])).tolist() == [1, -1, 0, 0]


def test_more_candidates_bring_label_frequencies_nearer():
    X, Y = table()
    inside = Y[:, 1:].any(axis=1)
    off = []
    for n_choices in (1, 8):
        drawn = (
            MLDM(n_choices=n_choices, **{**SMALL, "random_state": seed}).fit_resample(X, Y)[1][400:]
            for seed in range(4)
        )
        off.append(np.mean([np.abs(Y_new.mean(axis=0) - Y[inside].mean(axis=0)).max() for Y_new in drawn]))
    assert off[1] < 0.5 * off[0]


# The parts


def test_shares_weights_and_held_out_rows_by_hand():
    Y = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]], dtype=bool)
    np.testing.assert_allclose(label_shares(Y, np.array([0, 1])), [1 / 6, 5 / 6])  # (1/2, 1/2 + 1 + 1) of 3 rows
    np.testing.assert_allclose(subset_weights(np.arange(40) < 1), [10, *[1] * 39])  # 39 would be half of what is drawn
    np.testing.assert_allclose(subset_weights(np.arange(4) < 3), 1)
    Y = np.zeros((400, 2), dtype=bool)
    Y[:200, 0], Y[:4, 1] = True, True
    held = choose_held_out(Y, np.array([0, 1]), np.random.default_rng(0))
    assert not held[:4].any()  # label 1 is on four rows: all of them are needed
    assert held.sum() == held[:200].sum() == 20
    assert choose_held_out(Y[:100], np.array([1]), np.random.default_rng(0))[4:].sum() == 10
    assert not choose_held_out(Y[:50], np.array([1]), np.random.default_rng(0)).any()


@pytest.mark.parametrize("kind", ["labels", "classes"])
def test_of_the_rows_told_a_label_each_that_carries_it_counts_alike(kind):
    blocks = (Block("numeric", 0, 1, (0,)), Block(kind, 1, 4, (0, 1, 2)))
    diffusion = MixedDiffusion(blocks, cosine_schedule(10), known_share=1e-12)
    rows = torch.tensor([[0.0, 0, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1], [0, 1, 0, 0]])
    if kind == "classes":
        rows = rows[[0, 2, 3]]
    noised = _revealing(diffusion, [2, 3])([rows.repeat(4000, 1)], torch.Generator().manual_seed(0))
    assert torch.equal(noised.x_t[noised.known], noised.x0[noised.known])
    told = noised.known.view(4000, len(rows), 4).float().mean(dim=0)
    if kind == "classes":
        np.testing.assert_allclose(told[:, 1:], [[0.5] * 3, [0.5] * 3, [0] * 3], atol=0.03)
        return
    # rows carry 1, 2, 1, 0 of the two labels, 4/3 where any: told with 0.5 / (4/3) for each label
    np.testing.assert_allclose(told[:, 2:], [[0.375, 0], [0.375, 0.375], [0, 0.375], [0, 0]], atol=0.03)
    assert not told[:, :2].any()


def test_the_network_starts_from_the_frequencies():
    """Before any step the model's rows have the columns' frequencies: nothing is to be unlearned."""
    rng = np.random.default_rng(0)
    Y = rng.random((500, 40)) < [0.9, *[0.02] * 39]
    sampler = MLDM(**SMALL | {"training_steps": 1})
    sampler.fit(rng.normal(size=(500, 2)), Y)
    sampler.trained_.model.denoiser.eval()
    _, Y_new = sampler.sample(300, {"y0": 0})
    assert Y_new.sum(axis=1).mean() < 3


# Randomness


def test_the_same_seed_gives_the_same_bytes_on_one_and_two_threads():
    results = []
    before = torch.get_num_threads()
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            X_res, Y_res = MLDM(width=256, **{k: v for k, v in SMALL.items() if k != "width"}).fit_resample(*table())
            results.append(X_res.tobytes() + Y_res.tobytes())
    finally:
        torch.set_num_threads(before)
    assert results[0] == results[1]


def test_a_model_gives_the_same_rows_each_time_and_others_for_another_seed(trained):
    first, again, other = (trained.sample(20, random_state=seed)[0] for seed in (None, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


# Hard tables


@pytest.mark.parametrize("n_rare", [1, 5])
def test_few_rows_with_rare_labels_are_learned_beside_all_others(n_rare):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(200, 3)), np.zeros((200, 2), dtype=int)
    Y[:, 0], Y[:n_rare, 1] = 1, 1
    message = f"only {n_rare} rows carry a minority label; trained on all rows, drawn for minority labels"
    sampler = MLDM(**SMALL)
    with pytest.warns(UserWarning, match=message) as caught:
        X_res, Y_res = sampler.fit_resample(X, Y)
    assert len(caught) == 1
    assert sampler.path_ == "all rows conditioned"
    assert sampler.n_subset_ == n_rare
    assert Y_res[200:, 1].all()
    assert not (X_res[200:, None] == X).all(axis=2).any()


def test_without_a_rare_label_nothing_is_made():
    X, Y = np.random.default_rng(0).normal(size=(60, 2)), np.tile(np.eye(2, dtype=int), (30, 1))
    with pytest.warns(UserWarning, match="no label is rarer than the average"):
        X_res, _ = MLDM(**SMALL).fit_resample(X, Y)
    np.testing.assert_array_equal(X_res, X)


@pytest.mark.parametrize(("threshold", "labels"), [(0.5, [1, 2, 3]), (1.0, [2, 3]), (1.5, [3]), (2.0, [])])
def test_the_threshold_is_in_mean_ratios(threshold, labels):
    """On 60, 20, 15 and 12 rows: IRLbl 1, 3, 4, 5, MeanIR 3.25; the bounds are 1.625, 3.25, 4.875 and 6.5."""
    Y = np.arange(60)[:, None] < [60, 20, 15, 12]
    plan = quietly(MLDM(threshold=threshold).plan, np.zeros((60, 1)), Y)
    assert plan.labels.tolist() == labels
    assert plan.n_new == (15 if labels else 0)
    assert set(plan.made_for) == set(labels)


def test_a_low_threshold_takes_all_rows_for_rare_ones():
    X, Y = table()
    sampler = MLDM(threshold=0.01, **SMALL)
    _, Y_res = sampler.fit_resample(X, Y)
    assert sampler.n_subset_ == Y.any(axis=1).sum()
    assert Y_res[400:][np.arange(100), sampler.made_for_[400:]].all()


def test_labels_may_be_asked_for_whatever_their_frequency():
    X, Y = table()
    sampler = MLDM(sampling_strategy={"y0": 7, "y2": 3}, **SMALL)
    _, Y_res = sampler.fit_resample(X, Y)
    assert len(Y_res) == 410
    assert Y_res[400:407, 0].all()
    assert Y_res[407:, 2].all()


def test_a_share_is_of_all_rows_or_of_those_with_rare_labels():
    X, Y = table()
    inside = Y[:, 1:].any(axis=1).sum()
    assert MLDM(sampling_strategy=0.5).plan(X, Y).n_new == 200
    assert MLDM(sampling_strategy=0.5, budget="subset").plan(X, Y).n_new == np.floor(0.5 * inside + 0.5)


def test_missing_values_are_learned():
    """x0 is missing on every row with label 1, and on no other."""
    X, Y = table()
    X[Y[:, 1] == 1, 0] = np.nan
    X_res, Y_res = MLDM(**SMALL | {"training_steps": 400}).fit_resample(X, Y)
    gaps, carries = np.isnan(X_res[400:, 0]), Y_res[400:, 1] == 1
    assert gaps[carries].mean() > 0.8
    assert gaps[~carries].mean() < 0.2
    assert not np.isnan(X_res[400:, 1]).any()


def test_columns_without_a_value_with_one_value_and_with_as_many_as_rows():
    pd = pytest.importorskip("pandas")
    X, Y = table(120)
    frame = pd.DataFrame({"x": X[:, 0], "one": 7, "none": np.nan, "name": [f"protein {i}" for i in range(120)]})
    X_res, _ = quietly(MLDM(**SMALL).fit_resample, frame, Y)
    new = X_res.iloc[120:]
    assert (new["one"] == 7).all()
    assert new["none"].isna().all()
    assert set(new["name"]) <= set(frame["name"])
    assert X_res.dtypes.equals(frame.dtypes)


def test_rows_of_a_wide_table_have_the_words_of_the_rare_label_they_are_drawn_for():
    """Each of 12 labels has three words of 400, on nine tenths of its rows; all other words are on a twentieth."""
    rng = np.random.default_rng(0)
    Y = rng.random((600, 12)) < np.geomspace(0.5, 0.03, 12)
    X = rng.random((600, 400)) < 0.05
    for label in range(12):
        X[:, 3 * label : 3 * label + 3] |= Y[:, [label]] & (rng.random((600, 3)) < 0.9)
    model = MLDM(training_steps=300, width=128, random_state=0).fit(sparse.csr_array(X.astype(float)), Y.astype(int))
    found = []
    for label in (9, 10, 11):  # on 39, 23 and 16 rows
        drawn = model.sample(100, {f"y{label}": 1})[0].toarray()
        found.append(drawn[:, 3 * label : 3 * label + 3].mean())
        assert abs(drawn[:, 36:].mean() - 0.05) < 0.01
    assert np.mean(found) > 0.55  # 0.71; a label that is told no louder than a word: 0.36


def test_a_wide_sparse_table_stays_sparse():
    rng = np.random.default_rng(0)
    X = sparse.csr_array((rng.random((80, 1800)) < 0.01).astype(float))
    Y = rng.random((80, 3)) < [0.8, 0.3, 0.1]
    X_res, _ = quietly(MLDM(**SMALL | {"training_steps": 5}).fit_resample, X, Y)
    assert isinstance(X_res, sparse.csr_array)
    assert set(X_res.data) == {1.0}


# Conditions that cannot be


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"y9": 1}, "conditions name 'y9', which is neither a column nor a label"),
        ({"y1": 2}, "label 'y1' must be 0 or 1, got 2"),
        ({"x0": 99.0}, "conditions ask for 99.0 in column 'x0', which lies outside of what the training rows hold"),
        ({"x0": "red"}, "column 'x0' holds numbers, got 'red'"),
        ({"x0": None}, "column 'x0' has a missing value, but had none"),
    ],
)
def test_conditions_that_mean_nothing_are_refused(trained, conditions, message):
    with pytest.raises(ValueError, match=message):
        trained.sample(3, conditions)


def test_of_classes_only_one_can_be_asked_for():
    X, y = table()[0], np.array(["common"] * 300 + ["rare"] * 60 + ["rarer"] * 40)
    model = quietly(MLDM(**SMALL).fit, X, y)
    assert set(model.sample(20, {"rarer": 1})[1]) == {"rarer"}
    assert "common" not in model.sample(20, {"common": 0})[1]
    with pytest.raises(ValueError, match="every row has exactly one class, asked for \\['rare', 'rarer'\\]"):
        model.sample(3, {"rare": 1, "rarer": 1})


def test_rows_that_cannot_be_drawn_are_counted():
    X, Y = table()
    Y[:, 0] = 0
    model = quietly(MLDM(**SMALL).fit, X, Y)
    with pytest.warns(UserWarning, match="MLDM: 0 of 10 rows could be drawn that meet the conditions {'y0': 1}"):
        X_new, Y_new = model.sample(10, {"y0": 1})
    assert X_new.shape == (0, 2)
    assert Y_new.shape == (0, 3)


def test_a_name_that_is_a_column_and_a_label_is_refused():
    pd = pytest.importorskip("pandas")
    X, Y = table()
    model = MLDM(**SMALL).fit(pd.DataFrame(X, columns=["a", "b"]), pd.DataFrame(Y, columns=["a", "c", "d"]))
    with pytest.raises(ValueError, match="'a', which is both a column and a label"):
        model.sample(3, {"a": 1})


# Training


class Failing(torch.nn.Module):
    """Gives NaN after some calls."""

    def __init__(self, d, calls):
        super().__init__()
        self.layer, self.left = torch.nn.Linear(d, d), calls

    def forward(self, x, time, known):
        if self.training:
            self.left -= 1
        return self.layer(x) * (float("nan") if self.left < 0 else 1.0)


def test_a_loss_that_is_no_number_ends_training_with_the_weights_before():
    sampler = MLDM(denoiser=lambda d: Failing(d, 10), training_steps=60, sampling_steps=5, random_state=0)
    with pytest.warns(UserWarning, match="the loss became NaN or infinite after 10 steps; the weights before are used"):
        sampler.fit(*table())
    assert sampler.stopped_ == "not finite"
    sampler.trained_.model.denoiser.left = 0
    assert np.isfinite(sampler.sample(20)[0]).all()


def test_training_can_be_watched_and_cancelled():
    records, cancel = [], Event()
    sampler = MLDM(progress=lambda record: (records.append(record), cancel.set()), cancel=cancel, **SMALL)
    sampler.set_params(training_steps=500)
    sampler.fit(*table())
    assert sampler.stopped_ == "cancelled"
    assert len(records) == len(sampler.loss_history_) == 1
    assert sampler.loss_history_[0, 0] == records[0].step == 50
    assert len(sampler.sample(5)[0]) == 5


def test_training_ends_where_held_out_rows_no_longer_gain():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(300, 6)), rng.random((300, 2)) < [0.9, 0.5]
    sampler = MLDM(width=256, learning_rate=0.01, patience=2, training_steps=2000, sampling_steps=2, random_state=0)
    sampler.fit(X, Y)
    assert sampler.stopped_ == "early"
    assert sampler.loss_history_[-1, 0] < 2000


@pytest.mark.parametrize("train_on", ["subset", "all"])
def test_what_is_trained_on_can_be_chosen(train_on):
    X, Y = table()
    sampler = MLDM(train_on=train_on, **SMALL).fit(X, Y)
    assert sampler.path_ == {"subset": "subset", "all": "all rows conditioned"}[train_on]
    low = X[Y[:, 1:].any(axis=1)].min(axis=0) if train_on == "subset" else X.min(axis=0)
    np.testing.assert_array_equal(sampler.trained_.encoder._low, low)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"budget": "all"}, "budget must be 'n' or 'subset', got 'all'"),
        ({"train_on": "S"}, "train_on must be 'auto' or 'subset' or 'all', got 'S'"),
        ({"variant": "released"}, "variant must be 'paper' or 'reference', got 'released'"),
        ({"denoiser": "unet"}, "denoiser must be one of 'mlp', 'resnet', 'semst' or a function of .* got 'unet'"),
        ({"training_steps": 0}, "training_steps must be an int of at least 1, got 0"),
        ({"n_choices": 1.5}, "n_choices must be an int of at least 1, got 1.5"),
        ({"threshold": 0}, "threshold must be a positive number, got 0"),
        ({"threshold": float("inf")}, "threshold must be a positive number, got inf"),
        ({"threshold": "1"}, "threshold must be a positive number, got '1'"),
        ({"dropout": 1}, r"dropout must be in \[0, 1\), got 1"),
        ({"numeric_transform": "log"}, "numeric_transform must be one of .* got 'log'"),
        ({"device": "abacus"}, "device must be 'auto' or a device of torch"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        MLDM(**SMALL | parameters).fit(*table())


def test_a_model_that_is_not_trained_draws_nothing():
    with pytest.raises(ValueError, match="not fitted"):
        MLDM().sample(3)


# The released code


def test_the_released_recipe_stretches_its_rows_over_the_range_and_is_far_from_the_data():
    X, Y = table()
    inside = Y[:, 1:].any(axis=1)
    released = MLDM(variant="reference", training_steps=300, n_timesteps=200, random_state=0)
    X_res, _ = released.fit_resample(X, Y)
    low, high = X[inside].min(axis=0), X[inside].max(axis=0)
    np.testing.assert_allclose([X_res[400:].min(axis=0), X_res[400:].max(axis=0)], [low, high])
    proper_X, _ = MLDM(**SMALL | {"training_steps": 300}).fit_resample(X, Y)
    off = [np.abs(A[400:].mean(axis=0) - X[inside].mean(axis=0)).max() for A in (X_res, proper_X)]
    assert off[1] < off[0]
    assert released.path_ == "subset"
    with pytest.raises(ValueError, match="takes no conditions"):
        released.fit(X, Y).sample(3, {"y1": 1})


def test_the_released_recipe_gives_the_same_rows_for_a_sparse_table():
    X, Y = table(120)
    X[X < 0.5] = 0
    released = MLDM(variant="reference", training_steps=20, n_timesteps=20, random_state=0)
    X_res, Y_res = released.fit_resample(X, Y)
    X_sparse, Y_sparse = released.fit_resample(sparse.csr_array(X), Y)
    np.testing.assert_allclose(X_sparse.toarray(), X_res, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(Y_sparse, Y_res)


@pytest.mark.data
def test_rows_of_yeast_carry_rare_labels_and_are_new(data_folder):
    from rarelabel.datasets import read
    from rarelabel.metrics import fidelity_report

    yeast = read(data_folder / "multilabel" / "yeast.arff.gz")
    X_res, Y_res = MLDM(training_steps=200, width=128, random_state=0).fit_resample(
        yeast.X, yeast.Y, schema=yeast.schema
    )
    n = len(yeast.Y)
    rare = minority_labels(yeast.Y)
    inside = yeast.Y[:, rare].any(axis=1)
    real = yeast.X[inside], yeast.Y[inside]
    report = fidelity_report(real, (X_res[n:], Y_res[n:]), schema=yeast.schema, random_state=0)
    assert report.label_frequency_correlation > 0.95
    assert abs(report.cardinality_new / report.cardinality_real - 1) < 0.1
    assert report.wasserstein < 0.25
    assert report.exact_duplicates == 0
    assert Y_res[n:][:, rare].any(axis=1).all()
