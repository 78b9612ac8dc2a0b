"""CVAE: its bound is the bound, a known p(x | y) comes back, and label sets are those of the table."""

import warnings

import numpy as np
import pytest
from scipy import sparse

torch = pytest.importorskip("torch")

from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence  # noqa: E402

from rarelabel import CVAE  # noqa: E402
from rarelabel.encoding import TableEncoder  # noqa: E402
from rarelabel.generative._variational import Autoencoder, VariationalRecipe, negative_elbo  # noqa: E402
from rarelabel.schema import Column, Schema  # noqa: E402

SMALL = {"width": 32, "latent_size": 4, "training_steps": 30, "batch_size": 64, "random_state": 0}
RECIPE = VariationalRecipe(
    latent_size=3, width=8, beta=1.0, steps=1, batch_size=4, learning_rate=1e-3, weight_decay=0.0, patience=None
)


def labels_of(n, seed=0):
    """Label 0 on most rows, label 1 on a fifth and 2 on a tenth."""
    return np.random.default_rng(seed).random((n, 3)) < [0.8, 0.2, 0.1]


def table(n=400, seed=0):
    """Two numbers whose means, deviations and correlation depend on the labels."""
    rng, Y = np.random.default_rng(seed + 1), labels_of(n, seed)
    first = 3.0 * Y[:, 1] + rng.normal(size=n)
    second = np.where(Y[:, 2], -2 + 0.9 * first, 0.0) + np.where(Y[:, 1], 0.3, 1.0) * rng.normal(size=n)
    return np.column_stack([first, second]), Y.astype(int)


def quietly(method, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return method(*args, **options)


@pytest.fixture(scope="module")
def trained():
    return CVAE(width=64, latent_size=4, training_steps=1500, random_state=0).fit(*table(3000))


# The bound


def test_the_loss_is_the_negative_bound_of_distributions():
    """A number, a state, a number with a usual value, and a category; in double precision, row by row."""
    rng = np.random.default_rng(0)
    X = np.column_stack([
        rng.normal(size=60), rng.random(60) < 0.4, rng.normal(size=60) * (rng.random(60) < 0.1), rng.integers(0, 3, 60)
    ])  # fmt: skip
    schema = Schema((Column("x"), Column("on"), Column("rain"), Column("city", "category", ("a", "b", "c"))), ())
    encoder = TableEncoder().fit(X, schema)
    Z, Y = torch.from_numpy(encoder.transform(X)), torch.from_numpy(labels_of(60).astype(float))
    torch.manual_seed(0)
    network = Autoencoder(encoder.width_, 3, RECIPE).double()
    with torch.no_grad():
        network.log_scale.normal_()
    noise = torch.randn(60, 3, dtype=torch.float64)
    found = negative_elbo(network, Z, Y, noise, encoder.blocks_, beta=0.7)

    mean, log_variance = network.encode(Z, Y)
    law = Normal(mean, (log_variance / 2).exp())
    decoded = network.decode(mean + law.stddev * noise, Y)
    log_likelihood = torch.zeros(60, dtype=torch.float64)
    usual = {b.sources[0]: Z[:, b.start] for b in encoder.blocks_ if b.kind == "usual"}
    assert usual
    for block in encoder.blocks_:
        columns = block.columns
        if block.is_one_hot:
            log_likelihood += Categorical(logits=decoded[:, columns]).log_prob(Z[:, columns].argmax(dim=1))
        elif block.is_continuous:
            for j, source in zip(range(block.start, block.stop), block.sources, strict=True):
                given = Normal(decoded[:, j], network.log_scale[j].exp()).log_prob(Z[:, j])
                log_likelihood += given * (1 - usual.get(source, 0.0))
        else:
            log_likelihood += Bernoulli(logits=decoded[:, columns]).log_prob(Z[:, columns]).sum(dim=1)
    divergence = kl_divergence(law, Normal(0.0, 1.0)).sum(dim=1)
    n_variables = sum(1 if b.is_one_hot else b.width for b in encoder.blocks_)
    torch.testing.assert_close(found, (0.7 * divergence - log_likelihood) / n_variables)


# What is drawn


def test_a_known_law_of_features_given_labels_comes_back(trained):
    """Under each condition: means, deviations, and the correlation that only label 2 makes.

    About 54 rows carry both labels, too few to tell a narrow band of them from the wider one of label 2 alone.
    """
    for conditions, mean, deviation, correlation in [
        ({"y1": 0, "y2": 1}, (0, -2), (1, np.hypot(0.9, 1)), 0.9 / np.hypot(0.9, 1)),
        ({"y1": 1, "y2": 0}, (3, 0), (1, 0.3), 0),
        ({"y1": 1, "y2": 1}, (3, 0.7), (1, np.hypot(0.9, 0.3)), None),
    ]:
        X_new, Y_new = trained.sample(2000, conditions)
        for name, value in conditions.items():
            assert (Y_new[:, int(name[1])] == value).all()
        np.testing.assert_allclose(X_new.mean(axis=0), mean, atol=0.3)
        np.testing.assert_allclose(X_new.std(axis=0), deviation, rtol=0.25, atol=0.15)
        if correlation is not None:
            assert np.corrcoef(X_new.T)[0, 1] == pytest.approx(correlation, abs=0.25)


def test_a_category_follows_the_labels():
    """About 160 rows carry label 2 without label 1; a share of 0.7 of these has a standard error of 0.036."""
    rng, Y = np.random.default_rng(2), labels_of(2000)
    p = np.where(Y[:, [2]], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1])
    city = (rng.random((2000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    schema = Schema((Column("city", "category", ("a", "b", "c")),), tuple(Column(f"y{i}", "label") for i in range(3)))
    model = CVAE(width=32, latent_size=4, training_steps=600, random_state=0)
    quietly(model.fit, city[:, np.newaxis].astype(float), Y, schema=schema)
    for value, expected in ((1, (0.1, 0.2, 0.7)), (0, (0.6, 0.3, 0.1))):
        X_new, _ = quietly(model.sample, 3000, {"y2": value, "y1": int(not value)})  # all rows are copies: three values
        np.testing.assert_allclose(np.bincount(X_new[:, 0].astype(int)) / 3000, expected, atol=3 * 0.036)


def test_numbers_vary_as_much_as_the_table_and_no_row_is_a_copy(trained):
    X, Y = table(3000)
    X_new, _ = trained.sample(2000)
    rare = Y[:, 2] == 1
    np.testing.assert_allclose(X_new.std(axis=0), X[rare].std(axis=0), rtol=0.15)
    assert not set(map(tuple, X_new)) & set(map(tuple, X))
    assert (X_new >= X.min(axis=0)).all()
    assert (X_new <= X.max(axis=0)).all()


def test_label_sets_are_those_of_rows_with_a_minority_label():
    X, Y = table()
    sampler = CVAE(**SMALL)
    plan = sampler.plan(X, Y)
    X_res, Y_res = sampler.fit_resample(X, Y)
    assert X_res.shape == (500, 2)
    np.testing.assert_array_equal(sampler.made_for_[400:], plan.made_for)
    assert Y_res[400:][np.arange(100), plan.made_for].all()
    inside = Y[Y[:, 1:].any(axis=1)]
    expected, found = (np.unique(sets, axis=0, return_counts=True) for sets in (inside, Y_res[400:]))
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1] / 100, expected[1] / len(inside), atol=3 * np.sqrt(0.25 / 100))


def test_all_seeds_are_used_equally_often():
    X, Y = table()
    n_seeds = int(Y[:, 1:].any(axis=1).sum())
    _, Y_res = CVAE(**SMALL, sampling_strategy=3 * n_seeds).fit_resample(X, Y)
    np.testing.assert_array_equal(Y_res[400:].sum(axis=0), 3 * Y[Y[:, 1:].any(axis=1)].sum(axis=0))


def test_conditions(trained):
    with pytest.warns(UserWarning, match="CVAE: 0 of 5 rows could be drawn, no training row meets the conditions"):
        assert trained.sample(5, {"y0": 0, "y1": 0, "y2": 0})[0].shape == (0, 2)
    with pytest.raises(ValueError, match="CVAE takes conditions on labels, 'y0', 'y1', 'y2'; got one on 'x0'"):
        trained.sample(5, {"x0": 1})
    _, Y_new = trained.sample(300, {"y2": 1})
    assert (trained.drawn_for_ == 2).all()
    assert Y_new[:, 0].mean() == pytest.approx(0.8, abs=0.1)  # as among the rows with label 2


def test_a_budget_by_label_names_labels_that_are_not_rare():
    X, Y = table()
    by_label = CVAE(**SMALL, sampling_strategy={"y0": 7, "y2": 3}).plan(X, Y)
    assert by_label.rows_per_label == {"y0": 7, "y2": 3}


def test_sparse_tables_stay_sparse_and_rows_that_come_once_are_copied_only_where_there_are_no_others():
    rng, Y = np.random.default_rng(0), labels_of(300)
    X = (rng.random((300, 9)) < 0.5).astype(float)
    dense, _ = CVAE(**SMALL).fit_resample(X, Y)
    found, _ = CVAE(**SMALL).fit_resample(sparse.csr_array(X), Y)
    assert sparse.issparse(found)
    np.testing.assert_array_equal(found.toarray(), dense)
    rows, counts = np.unique(X, axis=0, return_counts=True)
    singles, others = set(map(tuple, rows[counts == 1])), set(map(tuple, rows[counts > 1]))
    new = set(map(tuple, dense[300:]))
    assert not new & singles
    assert new & others
    assert set(map(tuple, CVAE(**SMALL, reject_copies=False).fit_resample(X, Y)[0][300:])) & singles
    with pytest.warns(UserWarning, match="CVAE: 75 of the new rows equal rows of the table") as caught:
        CVAE(**SMALL, categorical_features=[0]).fit_resample(np.arange(300.0)[:, None], Y)
    assert caught[0].filename == __file__


def test_missing_values_are_learned_and_drawn():
    X, Y = table()
    X[np.random.default_rng(0).random(400) < 0.4, 1] = np.nan
    X_res, _ = CVAE(**SMALL).fit_resample(X, Y)
    assert 0.2 < np.isnan(X_res[400:, 1]).mean() < 0.6
    assert not np.isnan(X_res[:, 0]).any()


# Files


def test_a_file_gives_the_same_rows_and_damaged_parts_are_refused(trained, tmp_path):
    pytest.importorskip("safetensors")
    trained.save(tmp_path / "model")
    again = CVAE.load(tmp_path / "model")
    for found, expected in zip(again.sample(50, {"y1": 1}), trained.sample(50, {"y1": 1}), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert again.n_subset_ == trained.n_subset_
    for part, wrong in {
        "label_sets": again.trained_.label_sets[:, :2],
        "set_counts": -again.trained_.set_counts,
        "labels": np.array([3]),
    }.items():
        before = getattr(again.trained_, part)
        object.__setattr__(again.trained_, part, wrong)
        again.save(tmp_path / "damaged")
        object.__setattr__(again.trained_, part, before)
        with pytest.raises(ValueError, match="damaged: its parts do not fit together"):
            CVAE.load(tmp_path / "damaged")


# Bad input


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"beta": -1}, "beta must be a number of at least 0, got -1"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0, got 0"),
        ({"latent_size": 0}, "latent_size must be None or an int of at least 1, got 0"),
        ({"training_steps": 2.5}, "training_steps must be an int of at least 1, got 2.5"),
        ({"numeric_transform": "log"}, "numeric_transform must be 'quantile' or 'standard' or 'minmax', got 'log'"),
        ({"threshold": "1"}, "threshold must be a number above 0, got '1'"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        CVAE(**parameters).fit_resample(*table(50))


def test_few_rows_are_told_of_and_a_label_with_one_positive_is_drawn():
    X, Y = table(100)
    Y[:, 2], Y[3] = 0, (1, 0, 1)
    with pytest.warns(UserWarning, match="CVAE: only 1 rows carry a minority label"):
        _, Y_res = CVAE(**SMALL).fit_resample(X, Y)
    assert (Y_res[100:] == [1, 0, 1]).all()


def test_a_loss_that_is_not_finite_ends_training_with_the_last_good_weights():
    X, Y = table()
    sampler = CVAE(**SMALL | {"learning_rate": 1e30})
    with pytest.warns(UserWarning, match="CVAE: the loss became NaN or infinite after"):
        X_res, _ = sampler.fit_resample(X, Y)
    assert sampler.stopped_ == "not finite"
    assert np.isfinite(X_res).all()


def test_numbers_of_which_most_are_missing_keep_their_spread():
    rng, Y = np.random.default_rng(0), labels_of(500)
    X = rng.normal(size=(500, 4))
    X[rng.random(X.shape) < 0.8] = np.nan
    X_new = CVAE(training_steps=400, random_state=0).fit_resample(X, Y)[0][500:]
    assert np.nanstd(X_new) == pytest.approx(np.nanstd(X), rel=0.15)


def test_a_table_of_constants_gives_constants_without_a_warning_of_torch():
    X, Y = table()
    X_res, _ = CVAE(**SMALL).fit_resample(np.ones_like(X), Y)
    assert (X_res == 1).all()
