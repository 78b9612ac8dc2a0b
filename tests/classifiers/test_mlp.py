"""The network: its loss and gradients, what it learns, and that nothing but its seed decides."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler

from rarelabel.classifiers import MultilabelMLP, label_scores_and_predictions
from rarelabel.classifiers._mlp import balanced_weights, forward, initial_layers
from rarelabel.datasets import read

torch = pytest.importorskip("torch")

X = np.random.default_rng(0).normal(size=(300, 5))
LOGITS = X @ np.random.default_rng(1).normal(size=(5, 3))
Y = LOGITS + np.random.default_rng(2).logistic(size=LOGITS.shape) > [0, 0.5, 3]
QUICK = MultilabelMLP((16,), learning_rate=0.01, epochs=20, random_state=0)


def fitted(X=X, Y=Y, **parameters):
    return MultilabelMLP(**(QUICK.get_params() | parameters)).fit(X, Y)


def test_without_hidden_layers_and_decay_it_is_a_logistic_regression_per_label():
    network = fitted(hidden_layer_sizes=(), weight_decay=0.0, learning_rate=0.03, epochs=900, batch_size=300)
    for label in range(3):
        exact = LogisticRegression(C=np.inf, max_iter=1000, tol=1e-8).fit(X, Y[:, label])
        np.testing.assert_allclose(network.coefs_[0][:, label], exact.coef_[0], atol=0.01)
        np.testing.assert_allclose(network.intercepts_[0][label], exact.intercept_[0], atol=0.01)


def test_balanced_weights_give_the_balanced_logistic_regression():
    network = fitted(
        hidden_layer_sizes=(), weight_decay=0.0, learning_rate=0.03, epochs=900, batch_size=300, class_weight="balanced"
    )
    for label in range(3):
        exact = LogisticRegression(C=np.inf, max_iter=1000, tol=1e-8, class_weight="balanced").fit(X, Y[:, label])
        np.testing.assert_allclose(network.coefs_[0][:, label], exact.coef_[0], atol=0.02)
        np.testing.assert_allclose(network.intercepts_[0][label], exact.intercept_[0], atol=0.02)


def test_weights_of_a_label_are_equal_in_total_and_sum_to_n():
    """Three labels of ten rows, carried by 2, 0 and 5: 10 / (2 * 8) and 10 / (2 * 2), 1 and 1, 1 and 1."""
    labels = np.arange(10)[:, None] < [2, 0, 5]
    assert balanced_weights(labels).T.tolist() == [[0.625, 2.5], [1, 1], [1, 1]]


def test_probabilities_are_those_of_the_trained_network():
    network = fitted(hidden_layer_sizes=(8, 4), epochs=3)
    layers = list(zip(map(torch.from_numpy, network.coefs_), map(torch.from_numpy, network.intercepts_), strict=True))
    expected = expit(forward(layers, torch.from_numpy(X.astype(np.float32))).numpy())
    np.testing.assert_allclose(network.predict_proba(X), expected, atol=1e-6)
    np.testing.assert_array_equal(network.predict(X), network.predict_proba(X) > 0.5)


def test_every_label_starts_at_one_half():
    layers = initial_layers([5, 16, 3], np.random.default_rng(0))
    assert (forward(layers, torch.ones(4, 5)) == 0).all()
    hidden = layers[0][0].detach().numpy()
    assert np.abs(hidden).max() <= np.sqrt(6 / 5)
    assert hidden.var() == pytest.approx(2 / 5, rel=0.3)


def test_dropout_keeps_the_mean_and_draws_from_its_own_generator():
    """One hidden layer of ones: each output is the mean of 1000 units, of which 30 % are left out."""
    layers = [(torch.ones(1, 1000), torch.zeros(1000)), (torch.full((1000, 1), 1e-3), torch.zeros(1))]
    rows = torch.ones(200, 1)
    first, again = (
        forward(layers, rows, dropout=0.3, generator=torch.Generator().manual_seed(0)).numpy() for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    assert first.mean() == pytest.approx(1, abs=0.005)
    assert first.std() == pytest.approx(np.sqrt(0.3 / 0.7 / 1000), rel=0.2)
    np.testing.assert_allclose(forward(layers, rows).numpy(), 1, rtol=1e-5)


def test_it_learns_what_no_line_tells_apart():
    rows = np.random.default_rng(3).uniform(-1, 1, size=(400, 2))
    labels = np.column_stack([rows[:, 0] * rows[:, 1] > 0, (rows**2).sum(axis=1) < 0.5])
    network = fitted(rows[:300], labels[:300], hidden_layer_sizes=(64,), dropout=0.0, epochs=60)
    assert (network.predict(rows[300:]) == labels[300:]).mean() > 0.93


def test_with_weights_a_rare_label_is_predicted_more():
    shares = [fitted(class_weight=weight).predict(X)[:, 2].mean() for weight in (None, "balanced")]
    assert Y[:, 2].mean() < 0.2
    assert shares[1] > 1.5 * shares[0]


def test_sparse_rows_give_the_same_network():
    rows = np.where(np.abs(X) > 0.7, X, 0)
    dense, found = fitted(rows), fitted(sparse.csr_array(rows))
    np.testing.assert_array_equal(found.coefs_[0], dense.coefs_[0])
    np.testing.assert_allclose(found.predict_proba(sparse.csr_matrix(rows)), dense.predict_proba(rows), atol=1e-12)


def test_only_the_seed_decides_and_the_global_generators_are_left_alone():
    state = torch.get_rng_state()
    first = fitted(early_stopping=True)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    again, other = fitted(early_stopping=True), fitted(early_stopping=True, random_state=1)
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    np.testing.assert_array_equal(first.loss_history_, again.loss_history_)
    assert np.abs(first.predict_proba(X) - other.predict_proba(X)).max() > 0.001


def test_early_stopping_returns_to_the_best_epoch():
    rng = np.random.default_rng(0)
    noise = rng.random((60, 3)) < 0.5  # nothing to learn, so rows held out soon do worse
    network = fitted(X[:60], noise, early_stopping=True, patience=4, epochs=200, hidden_layer_sizes=(64,), dropout=0.0)
    held = network.loss_history_[:, 1]
    assert network.n_epochs_ == held.argmin() + 1
    assert len(held) == network.n_epochs_ + 4 < 200
    shorter = fitted(
        X[:60], noise, early_stopping=True, epochs=network.n_epochs_, hidden_layer_sizes=(64,), dropout=0.0
    )
    np.testing.assert_array_equal(shorter.coefs_[1], network.coefs_[1])


def test_without_early_stopping_every_epoch_is_done_and_the_loss_falls():
    network = fitted()
    assert network.loss_history_.shape == (20, 2)
    assert network.n_epochs_ == 20
    assert np.isnan(network.loss_history_[:, 1]).all()
    assert network.loss_history_[0, 0] == pytest.approx(np.log(2), rel=0.1)
    assert network.loss_history_[-1, 0] < 0.8 * network.loss_history_[0, 0]


def test_both_at_once_are_what_each_is_alone():
    network = fitted()
    scores, predicted = label_scores_and_predictions(network, X)
    np.testing.assert_array_equal(scores.values, network.predict_proba(X))
    np.testing.assert_array_equal(predicted, network.predict(X))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden_layer_sizes": (8, 0)}, r"hidden_layer_sizes must be a sequence of ints of at least 1, got \(8, 0\)"),
        ({"hidden_layer_sizes": 8}, "hidden_layer_sizes must be a sequence"),
        ({"dropout": 1.0}, r"dropout must be a number in \[0, 1\), got 1.0"),
        ({"validation_fraction": 0}, r"validation_fraction must be a number in \(0, 1\), got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0, got 0.0"),
        ({"weight_decay": -1}, "weight_decay must be a number of at least 0, got -1"),
        ({"epochs": 0}, "epochs must be an int of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be an int of at least 1, got 2.5"),
        ({"class_weight": "even"}, "class_weight must be 'balanced' or None, got 'even'"),
    ],
)
def test_wrong_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        fitted(**parameters)


def test_a_loss_that_is_lost_stops_with_advice():
    with pytest.raises(ValueError, match=r"the loss is (nan|inf) in epoch \d+; standardise X or lower learning_rate"):
        fitted(X * 1e39)  # infinite in single precision


def test_the_module_loads_without_torch_and_training_names_the_extra():
    code = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from rarelabel.classifiers import MultilabelMLP
try:
    MultilabelMLP().fit([[0.0], [1.0]], [[0], [1]])
except ImportError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "pip install 'rarelabel[torch]'" in found


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "to_the_end", "stopped"), [("emotions", 0.661, 0.671), ("birds", 0.200, 0.153), ("yeast", 0.415, 0.329)]
)
def test_scores_on_the_published_splits_with_and_without_early_stopping(data_folder, name, to_the_end, stopped):
    """Macro-F1 with the defaults, measured here: stopping by the loss of all labels costs where some are rare."""
    train, test = (read(data_folder / "multilabel" / f"{name}-{part}.arff.gz") for part in ("train", "test"))
    scaler = StandardScaler().fit(train.X)
    rows, unseen = scaler.transform(train.X), scaler.transform(test.X)
    found = [
        f1_score(
            test.Y,
            MultilabelMLP(early_stopping=stopping, random_state=0).fit(rows, train.Y).predict(unseen),
            average="macro",
            zero_division=0,
        )
        for stopping in (False, True)
    ]
    np.testing.assert_allclose(found, (to_the_end, stopped), atol=0.02)
