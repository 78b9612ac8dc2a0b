"""New rows keep the labels of their seeds, follow the table, and say where they come from."""

import warnings
from dataclasses import replace
from threading import Event

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

torch = pytest.importorskip("torch")

from rarelabel import AEMLO, load_model  # noqa: E402
from rarelabel.classifiers import BinaryRelevance  # noqa: E402
from rarelabel.encoding import TableEncoder  # noqa: E402
from rarelabel.generative import _latent_training  # noqa: E402
from rarelabel.generative._encoded_rows import EncodedRows  # noqa: E402
from rarelabel.generative._latent_drawing import label_thresholds, latent_points  # noqa: E402
from rarelabel.generative._latent_training import choose_held_out  # noqa: E402
from rarelabel.generative._seeds import choose_partners, choose_seeds, plan_seeds  # noqa: E402
from rarelabel.schema import Column, Schema  # noqa: E402
from rarelabel.selection import Budget  # noqa: E402

SMALL = {"width": 32, "latent_size": 8, "training_steps": 30, "batch_size": 64, "random_state": 0}


def quietly(method, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return method(*args, **options)


def table(n=400, seed=0):
    """Label 0 on most rows, label 1 on a fifth and 2 on a tenth; features are a line in the labels, and noise."""
    rng = np.random.default_rng(seed)
    Y = rng.random((n, 3)) < [0.8, 0.2, 0.1]
    X = 0.5 * rng.normal(size=(n, 3)) + Y @ np.array([[0, 0, 1.0], [3, 0, 0], [0, -3, 0]])
    return X, Y.astype(int)


@pytest.fixture(scope="module")
def trained():
    """A model of the table, trained until it knows it."""
    return AEMLO(width=64, latent_size=8, training_steps=400, random_state=0).fit(*table())


# What is drawn


def test_rows_carry_the_labels_that_were_planned_and_name_their_seeds():
    X, Y = table()
    sampler = AEMLO(**SMALL)
    plan = sampler.plan(X, Y)
    X_res, Y_res = sampler.fit_resample(X, Y)
    new = slice(400, 500)
    assert len(X_res) == 500
    np.testing.assert_array_equal(sampler.made_for_[new], plan.made_for)
    assert plan.rows_per_label.keys() == {"y1", "y2"}
    assert Y_res[new][np.arange(100), plan.made_for].all()
    for rows in (plan.rows, sampler.seed_rows_[new], sampler.neighbor_rows_[new]):
        assert Y[rows, plan.made_for].all()
    assert (sampler.seed_rows_[new] != sampler.neighbor_rows_[new]).all()


def effects_of_labels(model):
    """Of each label on each feature of 600 new rows, by least squares."""
    X_new, Y_new = model.sample(600)
    design = np.column_stack([np.ones(600), Y_new])
    return np.linalg.lstsq(design, X_new, rcond=None)[0][1:]


TRUE_EFFECTS = np.array([[0, 0, 1], [3, 0, 0], [0, -3, 0]])


def test_a_linear_dependence_of_features_on_labels_comes_back():
    """Rows decoded from near one seed each, three models.

    Noise of 0.5 gives an effect that is told from the table a standard error of up to 0.083, from 600 rows of S, where
    labels 1 and 2 go nearly without each other, 0.114; of the mean over three draws 0.083 and 0.066 together, 0.106.
    """
    model = AEMLO(width=64, latent_size=8, training_steps=400, interpolation=0.0)
    effects = [effects_of_labels(model.set_params(random_state=seed).fit(*table())) for seed in (0, 1, 5)]
    np.testing.assert_allclose(np.mean(effects, axis=0), TRUE_EFFECTS, atol=3 * 0.106)


def test_interpolation_leaves_the_sign_and_nine_tenths_of_what_a_label_does(trained):
    """Between a seed with a label and one without, features lie between as well, but the label is there or is not."""
    found = effects_of_labels(trained)
    large = np.abs(TRUE_EFFECTS) == 3
    shares = found[large] / TRUE_EFFECTS[large]
    standard_error = np.hypot(0.083, 0.114) / 3
    assert (shares > 0.9 - 3 * standard_error).all()
    assert (shares < 1 + 3 * standard_error).all()


def test_rows_keep_the_labels_of_their_seeds_and_vary_as_they_do(trained):
    X, Y = table()
    sampler = AEMLO(width=64, latent_size=8, training_steps=400, random_state=1)
    X_res, Y_res = sampler.fit_resample(X, Y)
    seeds = Y[sampler.seed_rows_[400:]]
    assert (Y_res[400:] & seeds)[:, 1:].sum() / seeds[:, 1:].sum() >= 0.9
    assert Y_res[400:].sum() == pytest.approx(seeds.sum(), rel=0.1)
    assert len(np.unique(X_res[400:], axis=0)) == 100
    inside = Y[:, 1:].any(axis=1)
    np.testing.assert_allclose(X_res[400:].std(axis=0), X[inside].std(axis=0), rtol=0.25)
    assert 0.1 < trained.latent_correlation_ <= 1


def test_values_stay_in_range_and_no_row_is_a_copy(trained):
    X, _ = table()
    X_new, _ = trained.sample(300)
    assert not (X_new[:, None] == X).all(axis=2).any()
    assert (X_new >= X.min(axis=0)).all()
    assert (X_new <= X.max(axis=0)).all()


def test_rows_that_the_table_has_once_are_copied_only_where_there_are_no_others():
    rng = np.random.default_rng(0)
    Y = rng.random((300, 2)) < [0.7, 0.25]
    X = (rng.random((300, 9)) < 0.5).astype(float)
    rows, counts = np.unique(X, axis=0, return_counts=True)
    singles, others = set(map(tuple, rows[counts == 1])), set(map(tuple, rows[counts > 1]))
    new = set(map(tuple, AEMLO(**SMALL).fit_resample(X, Y)[0][300:]))
    assert not new & singles
    assert new & others
    assert set(map(tuple, AEMLO(**SMALL, reject_copies=False).fit_resample(X, Y)[0][300:])) & singles
    with pytest.warns(UserWarning, match="AEMLO: 75 of the new rows equal rows of the table"):
        AEMLO(**SMALL, categorical_features=[0]).fit_resample(np.arange(300.0)[:, None], Y)


def test_labels_come_as_often_in_later_rows_however_few_were_planned():
    """Of three planned rows all may carry a label that half of the seeds have: it must not come always."""
    rng = np.random.default_rng(0)
    Y = np.c_[rng.random(400) < 0.6, rng.random(400) < 0.5, rng.random(400) < 0.08]
    X = Y @ rng.normal(size=(3, 6)) * 3 + rng.normal(size=(400, 6))
    seeds = Y[Y[:, 2]]
    for strategy in (3, 60):
        trained = AEMLO(**SMALL | {"training_steps": 300}, sampling_strategy=strategy).fit(X, Y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a row may lose its label ten times
            found = trained.sample(300)[1]
        np.testing.assert_allclose(found.mean(axis=0), seeds.mean(axis=0), atol=0.12)


def test_conditions_on_labels_are_met(trained):
    X_new, Y_new = trained.sample(50, {"y1": 1, "y2": 0})
    assert len(X_new) == 50
    assert Y_new[:, 1].all()
    assert not Y_new[:, 2].any()
    assert abs(X_new[:, 0].mean() - 3) < 0.4
    assert (trained.drawn_for_ == 1).all()
    with pytest.warns(UserWarning, match="0 of 5 rows could be drawn that carry .* and meet the conditions"):
        assert len(trained.sample(5, {"y1": 0, "y2": 0})[0]) == 0
    with pytest.raises(ValueError, match="conditions on labels, 'y0', 'y1', 'y2'; got one on 'x0'"):
        trained.sample(5, {"x0": 1})
    with pytest.raises(ValueError, match="label 'y1' must be 0 or 1, got 2"):
        trained.sample(5, {"y1": 2})
    assert trained.sample(0)[0].shape == (0, 3)


def test_the_same_seed_gives_the_same_bytes_whatever_torch_is_set_to():
    X, Y = table(200)
    drawn, before = [], torch.get_num_threads()
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        try:
            drawn.append(AEMLO(**SMALL).fit_resample(X, Y))
        finally:
            torch.set_num_threads(before)
    for found, expected in zip(*drawn, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_mixed_columns_are_valid_and_sparse_tables_stay_sparse():
    rng = np.random.default_rng(0)
    _, Y = table(300)
    X = np.column_stack([rng.integers(0, 4, 300), rng.normal(size=300), rng.integers(1, 9, 300), rng.random(300) < 0.1])
    schema = Schema(
        (Column("city", "category", ("a", "b", "c", "d")), Column("x"), Column("age", "integer"), Column("on")),
        tuple(Column(f"y{i}", "label") for i in range(3)),
    )
    X_res, _ = AEMLO(**SMALL).fit_resample(X.astype(float), Y, schema=schema)
    new = X_res[300:]
    assert set(new[:, 0]) == {0, 1, 2, 3}
    assert set(new[:, 2]) <= set(range(1, 9))
    assert set(new[:, 3]) <= {0, 1}
    from_sparse, _ = AEMLO(**SMALL).fit_resample(sparse.csr_array(X[:, 1:]), Y)
    from_dense, _ = AEMLO(**SMALL).fit_resample(X[:, 1:], Y)
    assert sparse.issparse(from_sparse)
    np.testing.assert_allclose(from_sparse.toarray(), from_dense)


def test_missing_values_are_learned_and_drawn():
    X, Y = table()
    X[np.random.default_rng(0).random(400) < 0.4, 2] = np.nan
    X_res, _ = AEMLO(**SMALL).fit_resample(X, Y)
    assert 0.2 < np.isnan(X_res[400:, 2]).mean() < 0.6
    assert not np.isnan(X_res[:, :2]).any()


@pytest.mark.parametrize("is_sparse", [False, True])
def test_batches_of_a_large_table_are_the_rows_of_its_encoding(is_sparse):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 6)) * (rng.random((50, 6)) < 0.15)
    X = sparse.csr_array(X) if is_sparse else X
    encoder = TableEncoder().fit(X, Schema.numeric(6))
    whole, batched = EncodedRows(X, encoder), EncodedRows(X, encoder, cells=1)
    some = np.array([3, 49, 3, 0])
    np.testing.assert_allclose(batched[some], encoder.transform(X[some]), atol=1e-6)
    np.testing.assert_array_equal(whole[some], batched[some])
    np.testing.assert_allclose(batched.mean(), encoder.transform(X).mean(axis=0), atol=1e-6)


# The parts


def test_seeds_are_rows_with_the_rarest_labels():
    Y = np.zeros((40, 4), dtype=bool)
    Y[:, 0], Y[:4, 1], Y[4:6, 2], Y[6, 3] = True, True, True, True  # IRLbl 1, 10, 20, 40; MeanIR 17.75
    assert np.flatnonzero(choose_seeds(Y, "minority", "AEMLO").any(axis=1)).tolist() == [4, 5, 6]
    assert np.flatnonzero(choose_seeds(Y, "top_k", "AEMLO", n_labels=1).any(axis=1)).tolist() == [6]
    chosen = choose_seeds(Y, lambda Y: Y[:, 1] | Y[:, 3], "AEMLO")
    assert [np.flatnonzero(row).tolist() for row in chosen[[0, 6]]] == [[1], [3]]
    every = choose_seeds(Y, "minority", "AEMLO", threshold=0.01)
    assert (every == Y).all()  # all labels minority


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "must give a mask of the 4 rows, or indices"),
        ([0.5], "must give a mask of the 4 rows, or indices"),
        ([7], "gave row 7 of 4 rows"),
        ([3], "gave row 3, which carries no label"),
    ],
)
def test_rows_that_cannot_be_seeds_are_refused(given, message):
    Y = np.array([[1, 0], [1, 1], [1, 0], [0, 0]], dtype=bool)
    with pytest.raises(ValueError, match=message):
        choose_seeds(Y, lambda Y: given, "AEMLO")


def test_labels_come_by_shares_and_seeds_equally_often():
    seeds = np.array([[1, 1], [0, 1], [0, 1], [0, 0]], dtype=bool)  # shares 1/2 and 5/2 of 3
    rows, labels = plan_seeds(seeds, Budget(12), np.random.default_rng(0))
    assert np.bincount(labels).tolist() == [2, 10]
    assert sorted(np.bincount(rows[labels == 1]).tolist()) == [2, 4, 4]
    rows, labels = plan_seeds(seeds, Budget(3, {0: 3}), np.random.default_rng(0))
    assert rows.tolist() == [0, 0, 0]


def test_partners_are_evenly_drawn_others_of_the_label():
    seeds = np.array([[1], [0], [1], [1]], dtype=bool)
    rows, labels = np.full(3000, 2), np.zeros(3000, dtype=int)
    partners = choose_partners(rows, labels, seeds, np.random.default_rng(0))
    counts = np.bincount(partners, minlength=4)
    assert counts[[1, 2]].tolist() == [0, 0]
    np.testing.assert_allclose(counts[[0, 3]], 1500, atol=5 * np.sqrt(3000 / 4))


def test_points_keep_the_covariance_of_the_codes_and_stay_at_a_single_seed():
    """A plain mean of two independent codes would have 2/3 of the variance."""
    rng = np.random.default_rng(0)
    codes, seeds = rng.normal(5, 2, size=(500, 2)).astype(np.float32), np.ones((500, 1), dtype=bool)
    first, second = rng.integers(500, size=(2, 20_000))
    labels = np.zeros(20_000, dtype=int)
    points = latent_points(codes, seeds, first, second, labels, interpolation=1.0, noise=0.0, rng=rng)
    np.testing.assert_allclose(points.var(axis=0), codes.var(axis=0), rtol=0.05)
    alone = latent_points(codes, seeds, first, np.full(20_000, -1), labels, interpolation=1.0, noise=0.3, rng=rng)
    np.testing.assert_allclose((alone - codes[first]).std(), 0.3, rtol=0.03)


def test_thresholds_give_the_labels_of_the_seeds():
    rng = np.random.default_rng(0)
    P, Y = rng.random((400, 3)) ** [1, 2, 5], rng.random((400, 3)) < [0.5, 0.3, 0]
    np.testing.assert_array_equal((label_thresholds("calibrated", P, Y) < P).sum(axis=0), Y.sum(axis=0))
    assert (label_thresholds("cardinality", P, Y) < P).sum() == Y.sum()
    assert label_thresholds(0.3, P, Y).tolist() == [0.3] * 3


def test_held_out_rows_are_no_seeds():
    is_seed = np.arange(300) < 150
    held = choose_held_out(is_seed, np.random.default_rng(0))
    assert held.sum() == 15
    assert not (held & is_seed).any()
    assert not choose_held_out(np.arange(100) < 50, np.random.default_rng(0)).any()  # five would be too few


def test_options_reach_what_they_are_of():
    X, Y = table()
    sampler = AEMLO(**SMALL, interpolation=0.0, seeds="top_k", n_labels=1, sampling_strategy=20)
    sampler.fit_resample(X, Y)
    assert (sampler.neighbor_rows_[400:] == -1).all()
    assert (sampler.made_for_[400:] == 2).all()
    by_label = AEMLO(**SMALL, sampling_strategy={"y0": 7, "y2": 3}).plan(X, Y)
    assert by_label.rows_per_label == {"y0": 7, "y2": 3}


def test_without_noise_and_a_second_seed_a_row_is_the_reconstruction_of_its_seed():
    X, Y = table()
    sampler = AEMLO(**SMALL, interpolation=0.0, latent_noise=0.0, sampling_strategy=200)
    X_res, _ = quietly(sampler.fit_resample, X, Y)  # one seed or another may not be given its label back
    seeds = sampler.seed_rows_[400:]
    for row in np.unique(seeds):
        assert (
            np.ptp(X_res[400:][seeds == row], axis=0).max() < 1e-4
        )  # sums of another order in batches of another size


# Bad input


def test_few_seeds_are_told_of_and_a_label_with_one_positive_is_made_from_it():
    X, Y = table(100)
    Y[:, 2] = 0
    Y[3, 2] = 1
    sampler = AEMLO(**SMALL)
    with pytest.warns(UserWarning, match="AEMLO: only 1 rows are seeds"):
        _, Y_res = sampler.fit_resample(X, Y)
    assert (sampler.seed_rows_[100:] == 3).all()
    assert (sampler.neighbor_rows_[100:] == -1).all()
    assert Y_res[100:, 2].all()


def test_rows_that_do_not_carry_their_label_are_drawn_again_then_reported():
    X, Y = table()
    model = AEMLO(**SMALL).fit(X, Y)
    model.trained_.thresholds[2] = 1.0  # label 2 is out of reach
    with pytest.warns(UserWarning, match=r"AEMLO: \d+ of 40 rows could be drawn that carry the label they"):
        _, Y_new = model.sample(40)
    assert 0 < len(Y_new) < 40
    assert (model.drawn_for_ == 1).all()
    assert round(len(Y_new) / model.acceptance_) >= 10 * (40 - len(Y_new))  # ten rounds, then given up


def test_a_label_model_takes_rows_whose_labels_it_believes():
    X, Y = table()
    model = BinaryRelevance(LogisticRegression())
    judge = model.fit(X, Y)

    def judged(**choice):
        sampler = AEMLO(**SMALL | {"training_steps": 300}, latent_noise=0.5, **choice)
        X_res, Y_res = quietly(sampler.fit_resample, X, Y)
        new = np.arange(len(X_res)) >= len(X)
        made_for, second = sampler.made_for_[new], sampler.neighbor_rows_[new]
        assert Y_res[new][np.arange(new.sum()), made_for].all()
        assert Y[second, made_for].all()
        return np.abs(judge.predict_proba(X_res[new]) - Y_res[new]).mean()

    of_one, of_eight = judged(), judged(label_model=model)
    assert of_eight < 0.5 * of_one
    assert judged(label_model=model, n_choices=1) > 0.8 * of_one  # nothing to choose from


def test_a_label_that_all_seeds_carry_is_given_to_every_decoded_row_unless_a_probability_is_asked_for():
    X, Y = table()
    calibrated, half = (AEMLO(**SMALL | {"training_steps": 1}, seeds="top_k", n_labels=1, label_threshold=rule)
                        for rule in ("calibrated", 0.5))  # fmt: skip
    calibrated.fit_resample(X, Y)
    assert calibrated.acceptance_ == 1  # of a network that knows nothing
    with pytest.warns(UserWarning, match="0 of 100 rows could be drawn that carry the label"):
        half.fit_resample(X, Y)


def test_a_table_of_constants_gives_constants_without_a_warning_of_torch():
    X, Y = table()
    X_res, _ = AEMLO(**SMALL, seeds="top_k", n_labels=1).fit_resample(np.ones_like(X), Y)
    assert len(X_res) == 500
    assert (X_res == 1).all()


def test_zero_rows_rows_without_labels_and_tables_smaller_than_a_batch():
    X, Y = table(60)
    X[:20], Y[:20] = 0, 0
    X_res, Y_res = quietly(AEMLO(**{**SMALL, "batch_size": 512}).fit_resample, X, Y)
    assert len(X_res) == 75
    assert np.isfinite(X_res).all()
    assert Y_res[60:].any(axis=1).all()


def test_a_loss_that_becomes_nan_ends_training_with_the_weights_before(monkeypatch):
    loss, calls = _latent_training.loss_of, []

    def later_nan(*given):
        calls.append(0)
        return loss(*given) * (float("nan") if len(calls) == 12 else 1)

    monkeypatch.setattr(_latent_training, "loss_of", later_nan)
    sampler = AEMLO(**SMALL, patience=None)
    with pytest.warns(UserWarning, match="AEMLO: the loss became NaN or infinite after 11 steps"):
        X_res, _ = sampler.fit_resample(*table())
    assert sampler.stopped_ == "not finite"
    assert np.isfinite(X_res).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"variant": "release"}, "variant must be 'paper' or 'reference', got 'release'"),
        ({"seeds": "rare"}, "seeds must be 'minority', 'top_k' or a function of Y, got 'rare'"),
        ({"label_threshold": 1.0}, "label_threshold must be 'calibrated', 'cardinality' or in"),
        ({"interpolation": 1.5}, r"interpolation must be in \[0, 1\], got 1.5"),
        ({"latent_noise": -1}, "latent_noise must be a number of at least 0, got -1"),
        ({"latent_size": 0}, "latent_size must be None or an int of at least 1, got 0"),
        ({"learning_rate": -1}, "learning_rate must be a number above 0, got -1"),
        ({"weight_decay": "x"}, "weight_decay must be a number of at least 0, got 'x'"),
        ({"threshold": 0}, "threshold must be a positive number, got 0"),
        ({"label_model": "tree"}, "label_model must be None, 'forest' or a classifier with predict_proba, got 'tree'"),
        ({"n_choices": 0}, "n_choices must be an int of at least 1, got 0"),
        ({"label_model": "forest", "variant": "reference"}, "takes every row with a label, without a label_model"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        AEMLO(**parameters).plan(*table())


def test_training_can_be_watched_and_cancelled():
    seen, stop = [], Event()

    def watch(record):
        seen.append(record)
        stop.set()

    sampler = AEMLO(**{**SMALL, "training_steps": 500}, progress=watch, cancel=stop)
    sampler.fit(*table())
    assert sampler.stopped_ == "cancelled"
    assert [record.step for record in seen] == [50]


# The released recipe


def test_the_released_recipe_loses_the_minority_labels():
    """As on yeast: the label decoder never saw codes of features."""
    rng = np.random.default_rng(0)
    X = rng.random((300, 6))
    Y = rng.random((300, 4)) < [0.7, 0.6, 0.5, 0.06]
    kept, accepted = {}, {}
    for variant in ("paper", "reference"):
        # a half, as in the release: calibrated to seeds that all carry label 3, every decoded row would carry it
        sampler = AEMLO(variant=variant, training_steps=150, label_threshold=0.5, random_state=0)
        _, Y_res = quietly(sampler.fit_resample, X, Y)
        kept[variant], accepted[variant] = Y_res[300:, 3].mean(), sampler.acceptance_
    assert kept["paper"] == 1
    assert accepted["paper"] > 0.5
    assert kept["reference"] < 0.1
    assert (sampler.made_for_[300:] == -1).all()
    with pytest.raises(ValueError, match="takes no conditions"):
        sampler.sample(3, {"y3": 1})


# Files


def test_a_model_read_from_a_file_draws_the_same_rows(trained, tmp_path):
    path = tmp_path / "model.safetensors"
    trained.save(path)
    again = load_model(path)
    assert isinstance(again, AEMLO)
    for conditions in (None, {"y2": 1}):
        for found, expected in zip(again.sample(40, conditions), trained.sample(40, conditions), strict=True):
            np.testing.assert_array_equal(found, expected)
    assert again.n_subset_ == trained.n_subset_
    assert again.sampling_strategy_ == trained.sampling_strategy_
    assert again.sample_dataset(3).Y.shape == (3, 3)


def test_a_file_whose_parts_do_not_fit_is_refused(trained, tmp_path):
    path, model = tmp_path / "model.safetensors", AEMLO(random_state=0)
    model.__dict__.update(trained.__dict__)
    model.trained_ = replace(trained.trained_, codes=trained.trained_.codes[:-1])
    model.save(path)
    with pytest.raises(ValueError, match=r"is damaged: its parts do not fit together .*codes of the seeds"):
        AEMLO.load(path)
