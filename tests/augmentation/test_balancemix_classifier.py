"""BalanceMix for tables: columns of all kinds, views, and the interface of scikit-learn."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse

torch = pytest.importorskip("torch")

from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402
from sklearn.model_selection import KFold, cross_val_predict  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from rarelabel._validation import Features  # noqa: E402
from rarelabel.augmentation import BalanceMix, BalanceMixClassifier  # noqa: E402
from rarelabel.augmentation._table_rows import TableInputs, TableRows, TableViews  # noqa: E402
from rarelabel.datasets import flip_labels, make_imbalanced_multilabel, mislabel, read  # noqa: E402
from rarelabel.metrics import mean_average_precision  # noqa: E402
from rarelabel.registry import make_classifier  # noqa: E402
from rarelabel.schema import Column, Schema  # noqa: E402

DATA, _ = make_imbalanced_multilabel(400, 12, 4, class_sep=1.5, random_state=0)
X, Y = DATA.X[:200], DATA.Y[:200].astype(int)


def classifier(**parameters):
    defaults = {"epochs": 12, "warmup": 4, "batch_size": 20, "learning_rate": 0.02, "n_threads": 1, "random_state": 0}
    return BalanceMixClassifier((24,), **{**defaults, **parameters})


# --- scikit-learn ---


@parametrize_with_checks(
    [classifier(epochs=10, warmup=3, batch_size=16)],
    expected_failed_checks=lambda estimator: {
        "check_supervised_y_2d": "a column of Y is an indicator, and the check's column holds three classes",
        "check_class_weight_classifiers": "the check weights classes by a dict, which says nothing of labels",
    },
)
def test_scikit_learn_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "invalid value encountered in cast", RuntimeWarning)  # an infinite y
        check(estimator)


def test_clone_pickle_and_the_same_seed():
    made = classifier()
    fitted = made.fit(X, Y)
    again = clone(made).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X))
    other = clone(made).set_params(random_state=1).fit(X, Y)
    assert not np.array_equal(other.predict_proba(X), fitted.predict_proba(X))
    with pytest.raises(NotFittedError):
        classifier().predict(X)


def test_losses_that_count_as_alike_are_all_trusted():
    """While it is trained, and when its labels are looked at."""
    plain, alike = classifier().fit(X, Y), classifier(reg_covar=1e4).fit(X, Y)
    assert plain.history_[-1].clean < 1
    assert not plain.managed_labels(X, Y).clean.all()
    assert alike.history_[-1].clean == 1
    assert alike.managed_labels(X, Y).clean.all()


@pytest.mark.parametrize("method", ["bce", "asl", "mixup", "balancemix"])
def test_rows_that_were_not_seen_are_ranked(method):
    fitted = classifier(method=method).fit(X, Y)
    assert roc_auc_score(DATA.Y[200:], fitted.predict_proba(DATA.X[200:]), average="macro") > 0.85
    assert (fitted.predict(DATA.X[200:]) == DATA.Y[200:]).mean() > 0.8
    assert fitted.stopped_ == "finished"
    assert len(fitted.history_) == 12


def test_names_of_the_registry_are_the_same_network_by_three_methods():
    made = {name: make_classifier(name, random_state=0) for name in ("balancemix", "mlp-bce", "mlp-asl")}
    assert {name: each.method for name, each in made.items()} == {
        "balancemix": "balancemix", "mlp-bce": "bce", "mlp-asl": "asl",
    }  # fmt: skip
    plain = [each.set_params(method="bce").get_params() for each in made.values()]
    assert plain[0] == plain[1] == plain[2]


def test_one_class_for_each_row():
    y = np.array(["a", "b", "c"])[np.argmax(X[:, :3], axis=1)]
    fitted = classifier(method="bce").fit(X, y)
    assert fitted.score(X, y) > 0.8
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)


# --- columns ---


def mixed_frame(n=300, seed=0):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(seed)
    colour = rng.choice(["red", "green", "blue"], n)
    size = rng.normal(50, 10, n)
    size[rng.random(n) < 0.1] = np.nan
    flag = rng.random(n) < 0.5
    frame = pd.DataFrame({"colour": colour, "size": size, "flag": flag, "constant": 1.0})
    return frame, np.column_stack([colour == "red", np.nan_to_num(size, nan=80) > 55, flag]).astype(int)


def test_categories_and_missing_values_are_learned_from():
    frame, labels = mixed_frame()
    fitted = classifier(epochs=40).fit(frame, labels)
    unseen, truth = mixed_frame(seed=1)
    assert mean_average_precision(truth, fitted.predict_proba(unseen)) > 0.97


def test_rows_mean_the_same_whatever_categories_come_with_them():
    """Codes depend on the categories that rows come with; the network must not."""
    frame, labels = mixed_frame()
    fitted = classifier().fit(frame, labels)
    whole = fitted.predict_proba(frame)
    for colour in ("red", "green", "blue"):
        rows = (frame["colour"] == colour).to_numpy()
        np.testing.assert_allclose(fitted.predict_proba(frame[rows]), whole[rows], atol=1e-6)


def test_what_training_never_showed_says_nothing():
    frame, labels = mixed_frame()
    full = frame.assign(size=frame["size"].fillna(50.0))
    inputs = classifier().fit(full, labels).inputs_
    pd = pytest.importorskip("pandas")
    other = pd.DataFrame({"colour": ["violet"], "size": [np.nan], "flag": [True], "constant": [7.0]})
    from rarelabel._validation import validate_features

    encoded = inputs.rows(validate_features(other, allow_nan=True)).__getitems__([0]).numpy()[0]
    of = {name: inputs.sources == j for j, name in enumerate(("colour", "size", "flag"))}
    shares = [(frame["colour"] == colour).mean() for colour in ("blue", "green", "red")]
    np.testing.assert_allclose(encoded[of["colour"]], shares, atol=1e-6)
    np.testing.assert_allclose(encoded[of["size"]], 0, atol=1e-6)
    assert encoded[of["flag"]] == 1
    with pytest.raises(ValueError, match="column 'colour' held categories in training, now it holds numbers"):
        inputs.rows(Features(np.zeros((1, 4)), tuple(Column(name) for name in frame.columns), True))


def test_a_column_without_any_value_is_missing_whatever_it_held_in_training():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": X[:, 0], "c": np.where(X[:, 1] > 0, "u", "v"), "e": np.full(len(X), None)})
    fitted = classifier(epochs=4, warmup=1).fit(frame, Y)
    few = frame.head(3)
    for column in ("a", "c"):
        nan, none = (few.assign(**{column: np.full(3, value)}) for value in (np.nan, None))
        missing = fitted.predict_proba(pd.concat([nan, frame.tail(1)]))[:3]  # beside a row that has a value
        np.testing.assert_allclose(fitted.predict_proba(nan), missing, atol=1e-6)
        np.testing.assert_array_equal(fitted.predict_proba(none), fitted.predict_proba(nan))
        assert np.abs(missing - fitted.predict_proba(few)).max() > 1e-3
    known = fitted.predict_proba(few)
    for value in (3.0, "x", True, np.nan):  # nothing was learned of this column
        np.testing.assert_array_equal(fitted.predict_proba(few.assign(e=value)), known)
    with pytest.raises(ValueError, match="column 'a' held numbers in training, now it holds categories"):
        fitted.predict_proba(few.assign(a="x"))


def test_predictions_of_cross_validation_are_those_of_the_folds():
    found = cross_val_predict(classifier(epochs=4, warmup=1), X, Y, cv=KFold(2), method="predict_proba")
    first = classifier(epochs=4, warmup=1).fit(X[100:], Y[100:])
    assert first.classes_.tolist() == [[0, 1]] * 4
    np.testing.assert_array_equal(found[:100], first.predict_proba(X[:100]))


def test_rows_to_be_judged_need_not_show_every_label():
    lists = [[name for name, y in zip("abcd", row, strict=True) if y] for row in Y]
    fitted = classifier(epochs=4, warmup=1).fit(X, lists)
    given = fitted.managed_labels(X[:3], [["d"], [], ["d"]]).given
    assert given.astype(int).tolist() == [[0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 1]]
    with pytest.raises(ValueError, match=r"Y has other labels than the 4 expected: it lacks .* and has besides 'e'"):
        fitted.managed_labels(X[:3], [["e"], [], ["d"]])


def test_numbers_too_large_for_the_network_are_named():
    fitted = classifier(epochs=2, warmup=1, batch_size=np.int64(16)).fit(X, Y)
    far = np.array(X[:5], dtype=np.float64)
    far[3] *= 1e300
    message = "logits of 1 of 5 rows are not finite, the first is row 3"
    with np.errstate(over="ignore"), pytest.raises(ValueError, match=message):
        fitted.predict_proba(far)


def test_sparse_rows_are_the_dense_ones_and_are_encoded_when_asked_for(monkeypatch):
    rng = np.random.default_rng(0)
    rows = np.where(rng.random((120, 30)) < 0.2, rng.normal(size=(120, 30)), 0)
    rows[:, 20:] = rows[:, 20:] != 0
    labels = rows[:, :3] > 0
    dense = classifier(epochs=6, warmup=2).fit(rows, labels)
    largest = []
    encode = TableInputs.encode
    monkeypatch.setattr(
        TableInputs, "encode", lambda inputs, X, codes: (largest.append(len(X)), encode(inputs, X, codes))[1]
    )
    thin = classifier(epochs=6, warmup=2).fit(sparse.csr_array(rows), labels)
    assert max(largest) <= 4 * 20  # never more than the batch of the last look at all rows
    np.testing.assert_allclose(thin.predict_proba(sparse.csr_array(rows)), dense.predict_proba(rows), atol=1e-5)


def test_constant_tables_are_taken():
    fitted = classifier(epochs=2, warmup=1).fit(np.ones((40, 2)), np.arange(40)[:, None] % 2 == [0, 1])
    np.testing.assert_allclose(fitted.predict_proba(np.ones((3, 2))), 0.5, atol=0.1)


# --- views ---


def test_views_mask_columns_by_their_means_and_add_noise_to_numbers():
    schema = Schema((Column("age"), Column("job", "category", ("a", "b", "c")), Column("sick")))
    rng = np.random.default_rng(0)
    table = np.column_stack([rng.normal(40, 9, 5000), rng.integers(3, size=5000), rng.random(5000) < 0.3])
    inputs = TableInputs.fit(table, schema)
    x = TableRows(table, inputs, {}).__getitems__(range(5000))
    assert inputs.sources.tolist() == [0, 2, 1, 1, 1]
    seeded = torch.Generator().manual_seed(0)
    masked = TableViews.of(inputs, mask_share=0.3, noise=0.0)(x, seeded)
    same = (masked == x).numpy()
    job = same[:, 2:].all(axis=1)
    assert [same[:, 0].mean(), same[:, 1].mean(), job.mean()] == pytest.approx([0.7] * 3, abs=0.02)
    np.testing.assert_allclose(masked[~job, 2:], np.tile(inputs.means[2:], (np.sum(~job), 1)))  # the three go together
    assert np.corrcoef(same[:, 0], job)[0, 1] == pytest.approx(0, abs=0.05)
    noisy = TableViews.of(inputs, mask_share=0.0, noise=0.5)(x, seeded) - x
    assert noisy[:, 0].std() == pytest.approx(0.5, abs=0.02)
    assert (noisy[:, 1:] == 0).all()
    again = TableViews.of(inputs, mask_share=0.3, noise=0.5)
    torch.testing.assert_close(*(again(x, torch.Generator().manual_seed(1)) for _ in range(2)), rtol=0, atol=0)


def test_it_is_the_wrapper_with_views_of_rows():
    """The same network, trained by the wrapper from the same draws."""
    made = classifier(method="mixup")
    fitted = made.fit(X, Y)
    inputs = TableInputs.fit(X, Schema.numeric(12))
    from rarelabel._device import torch_generator
    from rarelabel.augmentation._balancemix_classifier import _network

    rng = np.random.default_rng(0)
    network = _network([12, 24, 4], 0.0, torch_generator(rng))
    BalanceMix(
        network, method="mixup", epochs=12, warmup=4, batch_size=20, learning_rate=0.02, n_threads=1, device="cpu",
        batch_view=TableViews.of(inputs, mask_share=0.1, noise=0.1), random_state=rng,
    ).fit(TableRows(X, inputs, {}), Y)  # fmt: skip
    for a, b in zip(fitted.network_.parameters(), network.parameters(), strict=True):
        assert torch.equal(a, b)


# --- labels ---


def test_wrong_labels_are_listed():
    noisy = mislabel(DATA.Y, 0.2, random_state=1)
    fitted = classifier(epochs=20, warmup=6, epsilon=0.9).fit(DATA.X, noisy.Y)
    managed = fitted.managed_labels(DATA.X, noisy.Y)
    assert managed.score(DATA.Y).clean_precision > 0.95
    worst = fitted.suspicious_labels(DATA.X, noisy.Y, 15, row_names=np.arange(400) + 1000)
    labels = [fitted.label_names_.index(label) for label in worst.label]
    assert (noisy.Y != DATA.Y)[worst.row - 1000, labels].mean() > 0.8
    with pytest.raises(ValueError, match="Y has 3 labels, expected 4"):
        fitted.managed_labels(DATA.X, noisy.Y[:, :3])


def test_labels_are_matched_by_name():
    pd = pytest.importorskip("pandas")
    given = pd.DataFrame(Y, columns=list("abcd"))
    fitted = classifier(epochs=4, warmup=2).fit(X, given)
    found, turned = fitted.managed_labels(X, given), fitted.managed_labels(X, given[list("cadb")])
    assert found.label_names == turned.label_names == tuple("abcd")
    np.testing.assert_array_equal(turned.given, Y == 1)
    np.testing.assert_array_equal(turned.clean_probability, found.clean_probability)
    with pytest.raises(ValueError, match="Y has other labels than the 4 expected: it lacks 'd' and has besides 'e'"):
        fitted.managed_labels(X, given.rename(columns={"d": "e"}))


@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
def test_labels_are_never_managed_by_other_columns():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    fitted = classifier(epochs=4, warmup=2).fit(table, Y)
    for other, message in (
        (table[table.columns[::-1]], "feature names should match"),
        (table.rename(columns={"x0": "z"}), "feature names should match"),
        (table.iloc[:, 1:], "feature names should match"),
        (X[:, 1:], f"X has {X.shape[1] - 1} features, but BalanceMixClassifier is expecting {X.shape[1]}"),
    ):
        for method in (fitted.managed_labels, fitted.suspicious_labels):
            with pytest.raises(ValueError, match=message):
                method(other, Y)


@pytest.mark.parametrize(
    ("method", "optimizer", "rate"),
    [("balancemix", "sgd", 0.05), ("clean", "sgd", 0.05), ("mixup", "sgd", 0.01), ("balancemix", "adamw", 0.01)],
)
def test_where_labels_are_managed_the_rate_is_higher(method, optimizer, rate):
    made = {"method": method, "optimizer": optimizer, "epochs": 3, "warmup": 1}
    found, expected = (classifier(**made, learning_rate=value).fit(X, Y).predict_proba(X) for value in (None, rate))
    np.testing.assert_array_equal(found, expected)


def test_warm_up_ends_before_training_does():
    assert [record.clean is None for record in classifier(epochs=10, warmup=None).fit(X, Y).history_] == [True] * 2 + [
        False
    ] * 8
    assert BalanceMixClassifier().warmup is None
    with pytest.warns(UserWarning, match="warmup=1 takes all of epochs=1"):
        classifier(epochs=1, warmup=None).fit(X, Y)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hidden_layer_sizes": 3}, "hidden_layer_sizes must be a sequence of ints"),
        ({"mask_share": 1}, r"mask_share must be a number in \[0, 1\), got 1"),
        ({"noise": -1}, "noise must be a number of at least 0"),
        ({"dropout": 1.0}, r"dropout must be a number in \[0, 1\)"),
        ({"optimizer": "adam"}, "optimizer must be 'sgd' or 'adamw', got 'adam'"),
        ({"learning_rate": "high"}, "learning_rate must be a number above 0"),
        ({"method": "none"}, "method must be a Method or one of bce, mixup"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        classifier().set_params(**changed).fit(X, Y)


@pytest.mark.data
def test_flipped_labels_of_yeast_cost_balancemix_less(data_folder):
    """40 % of all labels turned over: the six most frequent of the fourteen labels are enough to tell."""
    data = read(data_folder / "multilabel" / "yeast.arff.gz")
    order = np.random.default_rng(0).permutation(len(data.Y))
    given, held = order[:1000], order[1000:]
    noisy = flip_labels(data.Y[given], 0.4, random_state=1).Y
    found = {
        method: mean_average_precision(
            data.Y[held], classifier(method=method, epsilon=0.8).fit(data.X[given], noisy).predict_proba(data.X[held])
        )
        for method in ("bce", "balancemix")
    }
    assert found["balancemix"] > found["bce"]
