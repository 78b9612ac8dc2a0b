"""From a data set to batches of rows and views of them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pd = pytest.importorskip("pandas")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from scipy import sparse  # noqa: E402
from torch import nn  # noqa: E402
from torch.optim import AdamW  # noqa: E402
from torch.utils.data import DataLoader, IterableDataset, TensorDataset  # noqa: E402

from rarelabel._team import Team  # noqa: E402
from rarelabel.augmentation import BalanceMix  # noqa: E402
from rarelabel.augmentation._balancemix_run import split  # noqa: E402
from rarelabel.augmentation._rows import Request, RowLoader  # noqa: E402

Y = np.arange(24).reshape(12, 2) % 3 == 0


def linear():
    net = nn.Linear(3, 2)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    return net


@given(n=st.integers(1, 300), size=st.integers(1, 70))
def test_batches_have_all_rows_once_and_never_one_alone(n, size):
    batches = split(np.arange(n), size, Team())
    np.testing.assert_array_equal(np.concatenate(batches), np.arange(n))
    sizes = [len(batch) for batch in batches]
    assert max(sizes) - min(sizes) <= 1
    if size > 1 and n > 1:
        assert min(sizes) >= 2
    assert max(sizes) <= (3 if size == 2 and n % 2 else size)


def test_batch_normalisation_works_with_an_odd_number_of_rows_in_batches_of_two():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    trained = BalanceMix(net, epochs=2, batch_size=2, random_state=0).fit(torch.rand(5, 3), Y[:5])
    assert trained.stopped_ == "finished"
    with pytest.raises(ValueError, match="there are no rows; expected at least one"):
        trained.predict_proba(torch.rand(0, 3))


def add_one(x, _):
    return x.add_(1)


@pytest.mark.parametrize("views", [{"view": add_one}, {"batch_view": add_one}])
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("as_list", [True, False])
def test_a_view_that_changes_its_argument_changes_no_other(views, plain, as_list):
    X = torch.zeros(4, 3)
    dataset = [row.numpy() if "batch_view" in views else row for row in X] if as_list else TensorDataset(X)
    views = {"view": None, "batch_view": None} | views
    rows = RowLoader(dataset, None, **views, seed=0, num_workers=0, team=Team(), place=torch.device("cpu"))
    [[tensors]] = rows.load([[Request(np.arange(4), 2, plain)]])
    assert [tensor.unique().tolist() for tensor in tensors] == [[0.0]] * plain + [[1.0]] * 2
    assert not X.any()


class Stream(IterableDataset):
    def __iter__(self):
        return iter(())


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (DataLoader(TensorDataset(torch.zeros(12, 3))), "is a DataLoader, expected a map-style .* pass its dataset"),
        (Stream(), "is a Stream, expected a map-style dataset: it must have a length and give rows by number"),
        (pd.DataFrame(np.zeros((12, 3))), r"is a DataFrame, .* X\.to_numpy\(\) or .*, or take BalanceMixClassifier"),
        (
            pd.Series(np.zeros(12), index=range(12, 0, -1)),
            "is a Series, expected a map-style dataset: pass its numbers",
        ),
        (sparse.csr_array((12, 3)), r"is a csr_array, .* X\.toarray\(\), or take BalanceMixClassifier"),
    ],
)
def test_what_gives_no_rows_by_number_is_refused(dataset, message):
    with pytest.raises(TypeError, match=message):
        BalanceMix(linear()).fit(dataset, Y)
    trained = BalanceMix(linear(), method="bce", epochs=1).fit(torch.zeros(12, 3), Y)
    with pytest.raises(TypeError, match=message):
        trained.predict_proba(dataset)


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        (torch.zeros(4, 3), r"the held-out dataset gives no labels: .*, or labels beside it: \(dataset, labels\)"),
        ((torch.zeros(4, 3), Y[:4], Y[:4]), r"held_out is a tuple of 3, expected a dataset or \(dataset, labels\)"),
    ],
)
def test_held_out_rows_come_with_labels(held_out, message):
    with pytest.raises(ValueError, match=message):
        BalanceMix(linear(), method="bce", epochs=1).fit(torch.zeros(12, 3), Y, held_out=held_out)


class Damaged:
    """A dataset whose row 7 cannot be read."""

    def __len__(self):
        return 12

    def __getitem__(self, row):
        if row == 7:
            raise ValueError("the image 'g.png' cannot be read")
        return torch.zeros(3)


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_row_that_cannot_be_read_is_named_alone_whoever_reads_it(num_workers):
    with pytest.raises(ValueError, match=r"^the image 'g\.png' cannot be read") as caught:
        BalanceMix(linear(), epochs=1, method="bce", num_workers=num_workers).fit(Damaged(), Y)
    assert str(caught.value) == "the image 'g.png' cannot be read"
    notes = getattr(caught.value, "__notes__", [])
    assert len(notes) == num_workers  # where the worker was
    assert all("in __getitem__" in note for note in notes)


def test_a_rate_that_is_a_tensor_is_a_number(tmp_path):
    X = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))

    def trained(rate, stop):
        made = BalanceMix(linear(), method="bce", epochs=3, random_state=0, optimizer=lambda p: AdamW(p, lr=rate))
        done = []
        return made.fit(
            X, Y, state=tmp_path / f"{type(rate).__name__}", progress=done.append, cancel=lambda: len(done) == stop
        ).predict_proba(X)

    trained(torch.tensor(0.1), 1)
    np.testing.assert_allclose(trained(torch.tensor(0.1), 3), trained(0.1, 3), atol=1e-6)


def test_a_label_is_named_once():
    class Named(TensorDataset):
        label_names = ("a", "a")

    with pytest.raises(ValueError, match="names the label 'a' twice"):
        BalanceMix(linear()).fit(Named(torch.zeros(12, 3)), Y)


def test_numbers_of_numpy_are_numbers(tmp_path):
    """Rows and parameters as NumPy has them, and a state that is written and read with such parameters."""
    X = np.random.default_rng(0).normal(size=(12, 3))
    plain = {"epochs": 3, "warmup": 1, "batch_size": 4, "epsilon": 0.75, "temperature": 0.5, "learning_rate": 0.5}
    whole = {name: np.int64(value) if isinstance(value, int) else np.float32(value) for name, value in plain.items()}
    found = BalanceMix(linear(), random_state=0, **whole).fit(X, Y, state=tmp_path / "state")
    expected = BalanceMix(linear(), random_state=0, **plain).fit(torch.tensor(X).float(), Y)
    np.testing.assert_allclose(found.predict_proba(X), expected.predict_proba(torch.tensor(X).float()), atol=1e-6)
    again = BalanceMix(linear(), random_state=0, **plain).fit(X, Y, state=tmp_path / "state")
    np.testing.assert_array_equal(again.predict_proba(X), found.predict_proba(X))
    double = linear().double()
    BalanceMix(double, method="mixup", epochs=1, random_state=0).fit(X, Y)
    assert double.weight.dtype == torch.float64


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1.0])
def test_a_rate_that_cannot_be_used_is_refused(rate):
    with pytest.raises(ValueError, match="the learning rate must be a number of at least 0, got"):
        BalanceMix(linear(), learning_rate=rate)
