"""Algorithm 1 as a class: what each method trains with, resuming to the last bit, and what it says about labels."""

import json
import math
import os
import runpy
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.utils.data import TensorDataset  # noqa: E402

from rarelabel.augmentation import METHODS, BalanceMix, Method, random_stream  # noqa: E402
from rarelabel.datasets import flip_labels, keep_one_positive, make_imbalanced_multilabel, mislabel  # noqa: E402
from rarelabel.metrics import mean_average_precision  # noqa: E402

DATA, _ = make_imbalanced_multilabel(240, 12, 4, class_sep=1.5, random_state=0)
NOISY = flip_labels(DATA.Y, 0.2, random_state=1).Y
X = torch.tensor(DATA.X).float()
EXAMPLES = Path(__file__).parents[2] / "examples"


def network(d=12, k=4, hidden=16, seed=0):
    rng = np.random.default_rng(seed)
    net = nn.Sequential(nn.Linear(d, hidden), nn.ReLU(), nn.Linear(hidden, k))
    for parameter in net.parameters():
        parameter.data = torch.tensor(rng.uniform(-0.3, 0.3, parameter.shape)).float()
    return net


def jitter(x, generator):
    return x + 0.2 * torch.randn(x.shape, generator=generator)


def jitter_row(x, rng):
    return x + 0.2 * torch.tensor(rng.normal(size=x.shape)).float()


def trainer(net=None, **parameters):
    defaults = {
        "epochs": 4, "warmup": 2, "batch_size": 40, "learning_rate": 0.02, "epsilon": 0.8, "batch_view": jitter,
        "device": "cpu", "random_state": 3,
    }  # fmt: skip
    if "view" in parameters:
        del defaults["batch_view"]
    return BalanceMix(network() if net is None else net, **{**defaults, **parameters})


def weights(trained):
    return torch.cat([p.detach().ravel() for p in trained.model.parameters()]).numpy()


# --- what it computes ---


def test_the_plain_loop_of_the_example_gives_the_same_network_to_the_last_digit(capsys):
    found = runpy.run_path(str(EXAMPLES / "plot_08_balancemix_loop.py"))
    assert found["same"] is True
    scores = found["trained"].history_[-1].scores
    assert scores.clean_precision > 0.97
    assert scores.relabelling_accuracy > 0.9
    assert "the same to the last digit: True" in capsys.readouterr().out


def test_bce_is_descent_on_the_labels_as_given():
    """One step, whole batch, no view: w moves by rate times the mean gradient (f - y) x, for each label."""
    net = nn.Linear(12, 4)
    before = net.weight.detach().clone()
    logits = X @ before.T + net.bias.detach()
    gradient = (logits.sigmoid() - torch.tensor(NOISY).float()).T @ X / len(X)
    trained = trainer(net, method="bce", epochs=1, batch_size=240, augment=False, weight_decay=0.0).fit(X, NOISY)
    np.testing.assert_allclose(net.weight.detach(), before - 0.02 * gradient, atol=1e-6)
    losses = nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor(NOISY).float(), reduction="none")
    assert trained.history_[0].loss == pytest.approx(losses.sum(1).mean().item(), rel=1e-6)


class Recorder(nn.Module):
    """Keeps the batches it is trained on."""

    def __init__(self):
        super().__init__()
        self.net, self.seen = network(), []

    def forward(self, x):
        if self.training:
            self.seen.append(x.detach().clone())
        return self.net(x)


def test_mixed_rows_are_those_of_the_two_orders_at_the_weights_of_their_stream():
    net = Recorder()
    trainer(net, method="mixup", epochs=1, augment=False, alpha=2.0).fit(X, NOISY)
    order, partner = (random_stream(3, purpose, 0).permutation(240) for purpose in ("order", "partner"))
    assert len(net.seen) == 6
    x, r, m = net.seen[2], X[order[80:120]], X[partner[80:120]]
    lam = ((x - m) / (r - m)).median(dim=1).values
    np.testing.assert_allclose(x, lam[:, None] * r + (1 - lam[:, None]) * m, atol=1e-5)
    assert lam.min() >= 0.5
    assert lam.max() <= 1.0001
    assert len(lam.unique()) > 30  # one for each row


@pytest.mark.parametrize("name", METHODS)
def test_every_method_of_the_ladder_learns(name):
    trained = trainer(method=name, epochs=8).fit(X, DATA.Y, held_out=(X, DATA.Y))
    first, last = trained.history_[0], trained.history_[-1]
    assert last.held_out_map > max(first.held_out_map, 0.6)
    assert (last.clean is not None) == bool(METHODS[name].kinds)
    assert (last.spread is not None) == (METHODS[name].partner == "minority")
    if name in ("clean", "bce"):
        assert not last.relabelled
    by_hand = mean_average_precision(DATA.Y, trained.predict_proba(X))
    assert last.held_out_map == pytest.approx(by_hand)
    if last.clean is not None:
        assert last.clean + last.relabelled + last.ambiguous == pytest.approx(1)


def test_the_steps_of_the_ladder_differ_in_what_they_should_alone():
    """Up to the end of warm-up the upper four are the same run; after it each adds a kind of labels."""
    ladder = [trainer(method=name).fit(X, NOISY) for name in ("minority", "clean", "relabelled", "balancemix")]
    losses = np.array([[record.loss for record in trained.history_] for trained in ladder])
    np.testing.assert_array_equal(losses[1:, :2], np.tile(losses[0, :2], (3, 1)))
    assert len(set(losses[:, 2])) == 4
    assert losses[1, 2] < losses[3, 2]  # ambiguous labels add to the loss
    assert losses[3, 2] < losses[0, 2]  # and less than they would with weight 1


class Memory(nn.Module):
    """Logits that are parameters of their own, one for each row (the input is its number)."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, x):
        return self.logits[x[:, 0].long()]


def test_labels_are_sorted_as_by_hand():
    """Ten rows have large losses; views say the opposite with confidence 0.9 for five, and 0.6 for the others."""
    logits = torch.full((60, 1), -3.0)
    logits[:5], logits[5:10] = -2.1973, -0.4055  # confidences 0.1 and 0.4
    Y = np.zeros((60, 1), bool)
    Y[:10] = True
    Y[50:] = True
    logits[50:] = 3.0
    method = Method(kinds=("clean", "relabelled", "ambiguous"))
    rows = torch.arange(60.0)[:, None]
    net = Memory(logits)
    trained = BalanceMix(
        net, method=method, epochs=2, warmup=1, batch_size=60, epsilon=0.8, learning_rate=0.0, device="cpu",
        random_state=0,
    ).fit(rows, Y)  # fmt: skip
    record = trained.history_[1]
    assert record.relabelled == pytest.approx(5 / 60)
    assert record.clean + record.ambiguous == pytest.approx(55 / 60)
    assert record.positives_removed == pytest.approx(5 / 20)
    managed = trained.managed_labels()
    assert managed.relabelled[:5].all()
    assert not managed.labels[:5].any()
    # the loss is that of Eq. 10: labels as managed, ambiguous ones by their probability to be clean
    p = 1 / (1 + np.exp(-logits.numpy()))
    losses = -np.log(np.where(managed.labels, p, 1 - p))
    assert record.loss == pytest.approx((losses * managed.weights).mean(), rel=1e-5)


def test_positives_that_are_removed_by_the_mass_are_warned_of_once():
    """A network that gives every row 0.01, but for a few positives of small loss: all others become negatives."""
    logits = torch.full((60, 1), -4.6)
    logits[:4] = 3.0
    Y = np.zeros((60, 1), bool)
    Y[:20] = True
    trained = trainer(Memory(logits), epochs=3, warmup=1, learning_rate=0.0, batch_view=None)
    with pytest.warns(UserWarning, match="80% of the given positives became negatives in epoch 2; .*warm up") as found:
        trained.fit(torch.arange(60.0)[:, None], Y)
    assert len(found) == 1
    assert [record.positives_removed for record in trained.history_] == [None, 0.8, 0.8]
    assert "80.0% of the given positives removed" in str(trained.history_[-1])


# --- randomness ---


def test_the_same_seed_gives_the_same_bytes_and_global_generators_are_left_alone():
    dropout = [nn.Sequential(network(k=8), nn.Dropout(0.5), network(8)) for _ in range(3)]
    state, legacy = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, second, other = (
        trainer(net, random_state=seed).fit(X, NOISY) for net, seed in zip(dropout, (3, 3, 4), strict=True)
    )
    np.testing.assert_array_equal(weights(first), weights(second))
    assert not np.array_equal(weights(first), weights(other))
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], legacy)  # noqa: NPY002


def test_workers_change_nothing():
    """Views of single rows, drawn in no, one and two processes."""
    data = TensorDataset(X, torch.tensor(NOISY))
    alone, *others = (trainer(view=jitter_row, num_workers=n, epochs=3).fit(data) for n in (0, 1, 2))
    for trained in others:
        np.testing.assert_array_equal(weights(trained), weights(alone))
    assert alone.history_[2].relabelled > 0


def test_streams_of_different_places_differ():
    places = [("order", 0), ("order", 1), ("view", 0, 1), ("view", 1, 0), ("view", 0, 0, 1), ("partner", 0)]
    drawn = [random_stream(0, *place).integers(2**63) for place in places]
    assert len(set(drawn)) == len(places)
    assert random_stream(0, "view", 5, 7, 9).integers(2**63) == random_stream(0, "view", 5, 7, 9).integers(2**63)


# --- datasets ---


class Items:
    """Items that need a transform; labels beside them."""

    def __init__(self, labelled=True):
        self.labelled, self.reads = labelled, 0

    def __len__(self):
        return len(X)

    def __getitem__(self, row):
        self.reads += 1
        item = {"values": X[row].tolist()}
        return (item, NOISY[row].astype(int)) if self.labelled else item


class Batches(Items):
    def __getitems__(self, rows):
        return X[rows]

    Y = NOISY


def read_item(item):
    return torch.tensor(item["values"])


def test_all_ways_to_give_rows_and_labels_are_the_same():
    wanted = weights(trainer(epochs=2, warmup=1).fit(X, NOISY))
    for dataset, Y, transform in [
        (TensorDataset(X, torch.tensor(NOISY)), None, None),
        (TensorDataset(X), torch.tensor(NOISY), None),
        (Items(), None, read_item),
        (Items(labelled=False), NOISY, read_item),
        (Batches(), None, None),
    ]:
        trained = trainer(epochs=2, warmup=1, transform=transform).fit(dataset, Y)
        np.testing.assert_array_equal(weights(trained), wanted)


def test_labels_keep_their_names():
    pd = pytest.importorskip("pandas")
    trained = trainer(epochs=1, method="minority").fit(X, pd.DataFrame(NOISY, columns=list("abcd")))
    assert trained.label_names_ == tuple("abcd")
    assert set(trained.suspicious_labels().label) <= set("abcd")


def test_a_dataset_may_name_its_labels():
    pd = pytest.importorskip("pandas")
    named = TensorDataset(X, torch.tensor(NOISY))
    named.label_names = ("sun", "sea", "sand", "city")
    for Y in (None, NOISY, torch.tensor(NOISY)):
        trained = trainer(epochs=1, method="minority").fit(named, Y)
        assert trained.label_names_ == named.label_names
        assert set(trained.suspicious_labels().label) <= set(named.label_names)
    assert trainer(epochs=1, method="minority").fit(
        named, pd.DataFrame(NOISY, columns=list("abcd"))
    ).label_names_ == tuple("abcd")
    named.label_names = ("sun", "sea")
    with pytest.raises(ValueError, match="the dataset has 2 label_names, Y 4 labels"):
        trainer().fit(named)


def test_labels_are_matched_by_name():
    """The held-out labels and the truth have their columns in another order than those given."""
    pd = pytest.importorskip("pandas")
    given, truth = (pd.DataFrame(Y, columns=list("abcd")) for Y in (NOISY, DATA.Y))
    wanted = trainer().fit(X, given, Y_true=truth, held_out=(X, truth))
    turned = truth[list("dbca")]
    trained = trainer().fit(X, given, Y_true=turned, held_out=(X, turned))
    assert [r.held_out_map for r in trained.history_] == [r.held_out_map for r in wanted.history_]
    assert trained.history_[-1].scores == wanted.history_[-1].scores
    assert trained.score_labels(turned) == trained.score_labels(DATA.Y)  # an array goes by position
    other = truth.rename(columns={"b": "B"})
    for wrong in ({"Y_true": other}, {"held_out": (X, other)}):
        with pytest.raises(ValueError, match=r"other labels than the 4 expected: it lacks 'b' and has besides 'B'$"):
            trainer().fit(X, given, **wrong)
    with pytest.raises(ValueError, match="Y_true has other labels than the 4 expected"):
        trained.score_labels(other)
    named = TensorDataset(X, torch.tensor(DATA.Y[:, ::-1].copy()))
    named.label_names = tuple("dcba")  # of a dataset, too
    again = trainer().fit(X, given, held_out=named)
    assert [r.held_out_map for r in again.history_] == [r.held_out_map for r in wanted.history_]


def test_held_out_rows_need_not_show_every_label():
    lists = [[name for name, y in zip("abcd", row, strict=True) if y] for row in NOISY]
    held = [["a"], ["a"], []]
    as_lists, as_frame = (
        trainer(epochs=3).fit(X, lists, held_out=(X[:3], Y))
        for Y in (held, np.array([[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]))
    )
    assert as_lists.history_[-1].held_out_map == as_frame.history_[-1].held_out_map > 0
    classes = trainer(nn.Linear(12, 2), epochs=3)
    classes.fit(X, ["u", "v"] * 120, held_out=(X[:3], ["u"] * 3), Y_true=["v"] * 240)
    assert classes.history_[-1].held_out_map == 1.0


def test_labels_that_are_missing_or_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="the dataset gives no labels"):
        trainer().fit(X)
    with pytest.raises(ValueError, match="the dataset has 240 rows, Y 239"):
        trainer().fit(X, NOISY[:-1])
    with pytest.raises(ValueError, match=r"output of shape \(2, 3\) for 2 rows; expected a logit for each of 4"):
        trainer(network(k=3)).fit(X, NOISY)
    with pytest.raises(ValueError, match="the held-out dataset has 2 labels, expected 4"):
        trainer().fit(X, NOISY, held_out=(X, NOISY[:, :2]))


# --- going on ---

PROGRAM = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from test_balancemix import NOISY, X, jitter, trainer

calls = 0
def killing(x, generator):
    global calls
    calls += 1
    if calls == 34:  # in the third epoch: the two of warm-up have 12 views each, those after it 4 in each of 6 steps
        os.kill(os.getpid(), signal.SIGKILL)
    return jitter(x, generator)
trained = trainer(batch_view=killing)
trained.fit(X, NOISY, state=sys.argv[2])
"""


def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path):
    program, state = tmp_path / "program.py", tmp_path / "state.safetensors"
    program.write_text(PROGRAM)
    killed = subprocess.run([sys.executable, program, Path(__file__).parent, state], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    whole = trainer().fit(X, NOISY, state=tmp_path / "whole.safetensors")
    records = []
    resumed = trainer(network(seed=9)).fit(X, NOISY, state=state, progress=records.append)
    assert [record.epoch for record in records] == [3, 4]  # it was killed in the third
    assert weights(resumed).tobytes() == weights(whole).tobytes()
    assert resumed.predict_proba(X).tobytes() == whole.predict_proba(X).tobytes()
    plain = [[replace(record, seconds=0) for record in trained.history_] for trained in (resumed, whole)]
    assert plain[0] == plain[1]
    again = trainer(network(seed=9)).fit(X, NOISY, state=state, progress=records.append)
    assert len(records) == 2  # nothing was left to do
    assert weights(again).tobytes() == weights(whole).tobytes()
    assert str(again.suspicious_labels(5)) == str(whole.suspicious_labels(5))


@pytest.mark.parametrize("stop", [1, 2, 3])
@pytest.mark.parametrize("name", ["mixup", "balancemix"])
def test_going_on_after_any_epoch_with_another_optimizer(tmp_path, name, stop):
    def adamw(parameters):
        return torch.optim.AdamW(parameters, lr=0.01)

    made = {"method": name, "optimizer": adamw}
    whole = trainer(**made).fit(X, NOISY)
    state, event = tmp_path / "state", Event()
    cut = trainer(**made)
    cut.fit(X, NOISY, state=state, progress=lambda record: record.epoch == stop and event.set(), cancel=event)
    assert (cut.stopped_, cut.n_epochs_) == ("cancelled", stop)
    resumed = trainer(**made).fit(X, NOISY, state=state)
    assert weights(resumed).tobytes() == weights(whole).tobytes()
    assert (resumed.stopped_, resumed.n_epochs_) == ("finished", 4)


def test_a_run_stopped_in_its_first_epoch_begins_anew_from_the_same_weights(tmp_path):
    whole = trainer().fit(X, NOISY)
    made, state, calls = trainer(), tmp_path / "state", []
    made.fit(X, NOISY, state=state, cancel=lambda: calls.append(0) or len(calls) > 3)
    assert made.n_epochs_ == 0
    assert not np.array_equal(weights(made), weights(trainer()))  # three steps were taken
    np.testing.assert_array_equal(weights(made.fit(X, NOISY, state=state)), weights(whole))
    calls.clear()
    trainer(epochs=3).fit(X, NOISY, state=state, resume=False, cancel=lambda: True)
    other = trainer().fit(X, NOISY, state=state)  # of another run, but nothing was done in it
    np.testing.assert_array_equal(weights(other), weights(whole))


def test_lazy_layers_have_their_weights_before_the_state_is_read(tmp_path):
    def lazy():
        return nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(4))

    whole = trainer(lazy()).fit(X, NOISY)
    state, event, before = tmp_path / "state", Event(), torch.get_rng_state()
    trainer(lazy()).fit(X, NOISY, state=state, progress=lambda record: event.set(), cancel=event)
    resumed = trainer(lazy()).fit(X, NOISY, state=state)
    np.testing.assert_array_equal(weights(resumed), weights(whole))
    assert torch.equal(torch.get_rng_state(), before)


class Noted(nn.Linear):
    """Keeps what is no tensor in its state."""

    def get_extra_state(self):
        return {"note": 1}

    def set_extra_state(self, state):
        pass


def test_what_no_state_can_hold_is_refused_before_training(tmp_path):
    with pytest.raises(TypeError, match="the module keeps '_extra_state' as dict, expected tensors in a state"):
        trainer(Noted(12, 4)).fit(X, NOISY, state=tmp_path / "state")
    assert list(tmp_path.iterdir()) == []
    assert trainer(Noted(12, 4), epochs=3).fit(X, NOISY).n_epochs_ == 3


def test_views_of_another_type_than_rows_are_told_of_before_training():
    class Bytes(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network()

        def forward(self, x):
            return self.net(x.float())

    def view(x, rng):
        return (10 * x).to(torch.uint8)

    with pytest.warns(UserWarning, match=r"a view gives whole numbers \(torch.uint8\), and a row .* floats"):
        trainer(Bytes(), method="mixup", epochs=1, view=view).fit(X, NOISY)
    records = []
    with (
        pytest.warns(UserWarning, match="a view gives whole numbers"),
        pytest.raises(RuntimeError, match="same dtype"),
    ):
        trainer(view=view).fit(X, NOISY, progress=records.append)
    assert records == []


def test_the_state_of_another_run_is_refused_by_what_differs(tmp_path):
    state = tmp_path / "state"
    trainer(epochs=2, warmup=1).fit(X, NOISY, state=state)
    for changed, message in [
        ({"epsilon": 0.9}, r"epsilon 0\.8, this one has 0\.9; remove the file, or pass resume=False"),
        ({"method": "mixup"}, "with partner 'minority', this one has 'random'"),
        ({"reg_covar": 1e-6}, r"with reg_covar 0\.01, this one has 1e-06"),
        ({"random_state": 4}, "with seed 3, this one has 4"),
        ({"learning_rate": 0.5}, "with optimizer .*0.02.*, this one has .*0.5"),
        ({"net": network(hidden=8)}, r"weights '0.weight' of shape \(16, 12\), the module \(8, 12\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            trainer(**{"epochs": 2, "warmup": 1, **changed}).fit(X, NOISY, state=state)
    with pytest.raises(ValueError, match="with Y '"):
        trainer(epochs=2, warmup=1).fit(X, DATA.Y, state=state)
    for betas in ((0.5, 0.9), (0.9, 0.999)):
        made = trainer(epochs=2, warmup=1, optimizer=partial(torch.optim.AdamW, lr=0.01, betas=betas))
        if betas[0] == 0.5:
            made.fit(X, NOISY, state=state, resume=False)
            continue
        with pytest.raises(ValueError, match=r"with optimizer .*0\.5, 0\.9.*, this one has .*0\.9, 0\.999"):
            made.fit(X, NOISY, state=state)
    anew = trainer(epochs=1, method="minority").fit(X, DATA.Y, state=state, resume=False)
    assert anew.n_epochs_ == 1


def test_files_that_are_no_states_are_refused_and_never_run(tmp_path):
    state, ran = tmp_path / "state", tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(ran),)

    torch.save({"model": Evil()}, state)
    with pytest.raises(ValueError, match="is no training state, or is cut short"):
        trainer().fit(X, NOISY, state=state)
    assert not ran.exists()
    trainer(epochs=1, method="minority").fit(X, NOISY, state=state, resume=False)
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(ValueError, match="cut short"):
        trainer(epochs=1, method="minority").fit(X, NOISY, state=state)


def test_a_state_whose_parts_do_not_fit_is_called_damaged(tmp_path):
    from rarelabel._tensor_files import read_tensor_file, write_tensor_file

    state = tmp_path / "state"
    trainer(epochs=1, method="minority").fit(X, NOISY, state=state)
    header, tensors = read_tensor_file(state)
    for broken in (
        {"history": 3}, {"history": header["history"] * 2}, {"sampler": {}},
        {"optimizer": {"pairs": [["state", {"tensor": "none"}]]}},
    ):  # fmt: skip
        write_tensor_file(state, header | broken, tensors)
        with pytest.raises(ValueError, match="is damaged: its parts do not fit together"):
            trainer(epochs=1, method="minority").fit(X, NOISY, state=state)
    write_tensor_file(state, header, {name: tensor for name, tensor in tensors.items() if name != "logits"})
    with pytest.raises(ValueError, match=r"is damaged: its parts do not fit together \(no logits\)"):
        trainer(epochs=1, method="minority").fit(X, NOISY, state=state)
    less = {name: value for name, value in header["identity"].items() if name != "trusted"}
    write_tensor_file(state, header | {"identity": less | {"seed": 3}}, tensors)
    trainer(epochs=1, method="minority").fit(X, NOISY, state=state)  # None is what it was without the setting
    write_tensor_file(state, header | {"identity": {}}, tensors)
    with pytest.raises(ValueError, match=r"is of a run with .* None, this one has .*; remove the file"):
        trainer(epochs=1, method="minority").fit(X, NOISY, state=state)
    write_tensor_file(state, {"kind": "model"}, {})
    with pytest.raises(ValueError, match="is no training state of format 2; remove the file"):
        trainer(epochs=1, method="minority").fit(X, NOISY, state=state)


# --- when things go wrong ---


class Breaking(nn.Module):
    """Gives NaN in training from a given call on."""

    def __init__(self, at, part="logits"):
        super().__init__()
        self.net, self.at, self.part, self.calls = network(), at, part, 0

    def forward(self, x):
        logits = self.net(x)
        self.calls += self.training
        if self.calls >= self.at:
            return logits * math.nan if self.part == "logits" else logits + (0 * logits).abs().sqrt()  # slope: NaN
        return logits


@pytest.mark.parametrize("part", ["logits", "gradient"])
def test_nan_stops_with_the_weights_of_the_last_good_epoch(part):
    with pytest.warns(
        UserWarning, match="BalanceMix: .* not finite for training rows in epoch 3; .* weights after epoch 2"
    ) as caught:
        broken = trainer(Breaking(6 * 2 + 4, part)).fit(X, NOISY)
    assert len(caught) == 1
    assert (broken.stopped_, broken.n_epochs_) == ("not finite", 2)
    event = Event()
    good = trainer(Breaking(10**9)).fit(
        X, NOISY, progress=lambda record: record.epoch == 2 and event.set(), cancel=event
    )
    np.testing.assert_array_equal(weights(broken), weights(good))


def test_nan_in_what_is_looked_at_ends_training_as_nan_in_training_does():
    """Weights that overflow in a step are seen first where the views of the next are looked at."""

    class Late(torch.optim.SGD):
        steps = 0

        def step(self, closure=None):
            self.steps += 1
            if self.steps == 6 * 2 + 2:  # in the third epoch, the first that looks at views
                for group in self.param_groups:
                    for parameter in group["params"]:
                        parameter.data.fill_(math.inf)
                return None
            return super().step(closure)

    with pytest.warns(UserWarning, match="not finite for training rows in epoch 3; .* weights after epoch 2"):
        broken = trainer(optimizer=partial(Late, lr=0.02)).fit(X, NOISY)
    assert (broken.stopped_, broken.n_epochs_) == ("not finite", 2)
    assert np.isfinite(weights(broken)).all()


def test_nan_in_the_first_epoch_is_an_error():
    broken = trainer(Breaking(2))
    with pytest.raises(ValueError, match="not finite for training rows in the first epoch: a smaller learning rate"):
        broken.fit(X, NOISY)
    with pytest.raises(ValueError, match="not fitted yet"):
        broken.predict_proba(X)


def test_rows_with_nan_are_named_and_not_the_learning_rate():
    broken = X.clone()
    broken[[70, 200], [3, 4]] = torch.tensor([math.nan, -math.inf])
    said = "2 of 240 hold NaN or infinity, the first is row 70$"
    with pytest.raises(ValueError, match=f"for training rows in the first epoch: {said}"):
        trainer().fit(broken, NOISY)
    made = trainer(epochs=1, method="bce")
    with pytest.raises(ValueError, match=f"for held-out rows in the first epoch: {said}"):
        made.fit(X, NOISY, held_out=(broken, NOISY))
    trained = trainer(epochs=1, method="bce").fit(X, NOISY)
    with pytest.raises(ValueError, match=said):
        trained.predict_proba(broken)


def test_weights_and_views_with_nan_are_named_and_not_the_learning_rate():
    bad = network()
    bad[2].bias.data[1] = math.nan
    with pytest.raises(ValueError, match=r"in the first epoch: the module came with NaN or infinity in '2\.bias'$"):
        trainer(bad).fit(X, NOISY)

    def view(row, rng):
        return row * math.nan if row[0] > X[:, 0].sort().values[-3] else row

    said = rf"2 of 240 hold, in a random view, NaN or infinity, the first is row {min(X[:, 0].topk(2).indices)}$"
    with pytest.raises(ValueError, match=said):
        trainer(view=view).fit(X, NOISY)


class Untouched(nn.Module):
    """Fails where it is asked for anything."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        raise AssertionError("training began")


class Pair(nn.Linear):
    """Gives more than logits."""

    def forward(self, x):
        return super().forward(x), x


def test_what_cannot_end_well_is_refused_before_training(tmp_path):
    made = trainer(Untouched())
    with pytest.raises(ValueError, match=r"Y_true has shape \(239, 4\), expected \(240, 4\)"):
        made.fit(X, NOISY, Y_true=DATA.Y[1:])
    with pytest.raises(ValueError, match="Y_true has 3 labels, expected 4"):
        made.fit(X, NOISY, Y_true=DATA.Y[:, 1:])
    with pytest.raises(FileNotFoundError, match=r"cannot write the state .*there is no folder .*nowhere"):
        made.fit(X, NOISY, state=tmp_path / "nowhere" / "state")
    with pytest.raises(IsADirectoryError, match=r"cannot write the state .*it is a folder"):
        made.fit(X, NOISY, state=tmp_path)
    with pytest.raises(ValueError, match="learning rate"):
        trainer(learning_rate=-1.0)
    with pytest.raises(TypeError, match="optimizer is a SGD, expected what makes one, such as lambda p: SGD"):
        trainer(optimizer=torch.optim.SGD(network().parameters(), lr=0.1))
    with pytest.raises(TypeError, match="the module gives a tuple, expected a tensor of logits"):
        trainer(Pair(12, 4)).fit(X, NOISY)


@pytest.mark.parametrize(("epochs", "warmup"), [(2, 2), (1, 4)])
def test_a_warm_up_without_end_is_said_once(epochs, warmup):
    with pytest.warns(
        UserWarning, match=f"warmup={warmup} takes all of epochs={epochs}, so labels are never man"
    ) as found:
        trained = trainer(epochs=epochs, warmup=warmup).fit(X, NOISY)
    assert len(found) == 1
    assert all(record.clean is None for record in trained.history_)
    trainer(epochs=1, warmup=4, method="mixup").fit(X, NOISY)  # manages none anyway


def test_warm_up_is_a_quarter_of_the_epochs_if_nothing_else_is_said():
    found = {epochs: BalanceMix(network(), epochs=epochs).settings.warmup for epochs in (1, 2, 5, 20, 40)}
    assert found == {1: 1, 2: 1, 5: 1, 20: 5, 40: 10}


def test_cancelling_ends_before_the_next_step():
    calls = []

    def cancel():
        calls.append(1)
        return len(calls) == 9

    trained = trainer().fit(X, NOISY, cancel=cancel)
    assert (trained.stopped_, trained.n_epochs_, len(calls)) == ("cancelled", 1, 9)
    assert trained.predict_proba(X).shape == (240, 4)


@pytest.mark.parametrize("positives", [0, 1, 3])
def test_labels_with_hardly_a_positive(positives):
    Y = DATA.Y.copy()
    Y[:, 1] = False
    Y[:positives, 1] = True
    trained = trainer().fit(X, Y, held_out=(X, Y))
    assert trained.stopped_ == "finished"
    assert np.isfinite(trained.predict_proba(X)).all()
    assert trained.history_[-1].held_out_map > 0.3
    assert trained.managed_labels().clean[:positives, 1].all()  # too few to be doubted


def test_flat_losses_are_trusted():
    """A network that says nothing: all logits 0 and no learning; no label is taken for wrong."""
    net = nn.Linear(12, 4)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    trained = trainer(net, learning_rate=0.0).fit(X, NOISY)
    assert [record.clean for record in trained.history_] == [None, None, 1.0, 1.0]
    assert trained.history_[-1].loss == pytest.approx(4 * math.log(2), rel=1e-6)
    assert trained.history_[-1].spread == pytest.approx(1)


def test_a_batch_in_which_nothing_is_trusted_moves_nothing(monkeypatch):
    from rarelabel.augmentation import LabelManager

    def doubt(manager, losses, Y, views=None):
        found = manage(manager, losses, Y, views)
        nothing = np.zeros_like(found.clean)
        return replace(found, clean=nothing, relabelled=nothing, weights=np.zeros(nothing.shape))

    manage = LabelManager.manage
    monkeypatch.setattr(LabelManager, "manage", doubt)
    trained = trainer(epochs=3, momentum=0.0, weight_decay=0.0).fit(X, NOISY)
    monkeypatch.undo()
    event = Event()
    warm = trainer(epochs=3, momentum=0.0, weight_decay=0.0)
    warm.fit(X, NOISY, progress=lambda record: record.epoch == 2 and event.set(), cancel=event)
    assert (trained.history_[2].loss, trained.history_[2].ambiguous) == (0, 1)
    np.testing.assert_array_equal(weights(trained), weights(warm))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"method": "magic"}, "method must be a Method or one of bce, mixup, .*, got 'magic'"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"warmup": 0}, "warmup must be at least 1 where labels are managed"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"alpha": -1}, "alpha must be a number of at least 0"),
        ({"epsilon": 0.2}, r"epsilon must lie in \[0.5, 1\]"),
        ({"temperature": 0}, "temperature must be a number above 0"),
        ({"max_norm": 0}, "max_norm must be above 0"),
        ({"amp": "yes"}, "amp must be 'auto', True or False"),
        ({"view": jitter_row, "batch_view": jitter}, "view and batch_view are both given"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        trainer(**changed)
    assert trainer(method="bce", warmup=0).settings.warmup == 0


def test_methods_that_mean_nothing_are_refused():
    for parts, message in [
        ({"partner": "rare"}, "partner must be one of"),
        ({"loss": "mse"}, "loss must be 'bce' or 'asl'"),
        ({"kinds": ("relabelled",)}, "kinds must be 'clean' and others"),
    ]:
        with pytest.raises(ValueError, match=message):
            Method(**parts)


# --- what it says about labels ---


def test_losses_that_count_as_alike_are_not_told_apart():
    """Means of a mixture that are nearer than 100 nats: every given label is trusted, as without a manager."""
    found, plain = trainer(reg_covar=1e4).fit(X, NOISY), trainer(method="minority").fit(X, NOISY)
    assert found.history_[-1].clean == 1
    for a, b in zip(found.model.parameters(), plain.model.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_what_is_not_learned_yet_can_be_trusted():
    """After a short warm-up positives are hardly learned: trusted, they all stay."""
    found = {way: trainer(unlearned=way, epochs=3).fit(X, NOISY) for way in ("manage", "trust")}
    assert {way: each.manager_.unlearned for way, each in found.items()} == {way: way for way in found}
    removed = {way: each.history_[-1].positives_removed for way, each in found.items()}
    assert removed["trust"] < removed["manage"]
    trusted = found["trust"].manager_.mixture_ == -1
    assert trusted[1].any()
    assert found["trust"].managed_labels().clean[:, trusted[1]][NOISY[:, trusted[1]]].all()
    with pytest.raises(ValueError, match="unlearned must be one of"):
        trainer(unlearned="guess")


def test_labels_known_to_be_right_stay():
    """Of one known positive of each row all are right, and only missing ones are looked for."""
    single = keep_one_positive(DATA.Y, random_state=0).Y
    found = {way: trainer(trusted=way, epsilon=0.55).fit(X, single, Y_true=DATA.Y) for way in (None, "positives")}
    removed = {way: each.history_[-1].positives_removed for way, each in found.items()}
    assert removed[None] > 0
    assert removed["positives"] == 0
    managed = found["positives"].managed_labels()
    assert managed.clean[single].all()
    assert not managed.clean.all()
    with pytest.raises(ValueError, match="trusted must be None or one of"):
        trainer(trusted="guess")


def test_wrong_labels_are_found_and_scored():
    data, _ = make_imbalanced_multilabel(800, 20, 4, class_sep=1.5, random_state=0)
    noisy = mislabel(data.Y, 0.2, random_state=1)
    rows = torch.tensor(data.X).float()
    trained = trainer(network(20), epochs=10, warmup=3).fit(rows, noisy.Y, Y_true=data.Y)
    scores = trained.score_labels(data.Y)
    assert scores.clean_precision > 0.97
    assert scores.clean_recall > 0.8
    assert trained.history_[1].scores is None
    assert trained.history_[-1].scores.clean_precision > 0.97
    worst = trained.suspicious_labels(20)
    column = {name: k for k, name in enumerate(trained.label_names_)}
    wrong = [(noisy.Y != data.Y)[row, column[label]] for row, label in zip(worst.row, worst.label, strict=True)]
    assert np.mean(wrong) > 0.9
    named = trained.suspicious_labels(3, row_names=[f"row{i}" for i in range(800)])
    assert named.row.tolist() == [f"row{row}" for row in worst.row[:3]]
    plain = trainer(network(20), method="bce", epochs=5).fit(rows, noisy.Y)
    assert plain.score_labels(data.Y).clean_precision > 0.95


def test_it_must_be_fitted_first():
    with pytest.raises(ValueError, match="not fitted yet"):
        trainer().predict_proba(X)


def test_a_record_reads_as_a_line():
    record = trainer(epochs=3).fit(X, NOISY, held_out=(X, NOISY)).history_[-1]
    assert str(record).startswith("epoch 3 of 3: loss ")
    assert "clean, " in str(record)
    assert "held-out mAP 0." in str(record)


def test_half_precision_is_nearly_the_same():
    full, half = (trainer(amp=amp, epochs=2, method="mixup").fit(X, NOISY) for amp in (False, True))
    difference = np.abs(weights(full) - weights(half)).max()
    assert 0 < difference < 0.02
    assert full.model[0].weight.dtype == half.model[0].weight.dtype == torch.float32


# --- several processes ---

TOGETHER = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from test_balancemix import DATA, NOISY, X, jitter_row, network, trainer, weights
rank = int(os.environ["RANK"])
found = []
for views in ({}, {"view": jitter_row}):
    trained = trainer(network(seed=rank), **views).fit(X, NOISY, Y_true=DATA.Y, held_out=(X, DATA.Y))
    found.append({"history": [[r.loss, r.relabelled, r.held_out_map] for r in trained.history_],
                  "weights": weights(trained).tolist()})
with open(f"{sys.argv[2]}/{rank}.json", "w") as file:
    json.dump(found, file)
"""


@pytest.mark.timeout(290)
def test_two_processes_do_what_one_does(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(TOGETHER)
    launch = ["-m", "torch.distributed.run", "--nproc_per_node=2", "--master_addr=127.0.0.1", "--rdzv_backend=c10d"]
    launch += ["--rdzv_endpoint=127.0.0.1:0", "--local_addr=127.0.0.1"]
    command = [sys.executable, *launch, program, Path(__file__).parent, tmp_path]
    with (tmp_path / "log").open("w") as log:
        together = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        assert together.wait(timeout=280) == 0, (tmp_path / "log").read_text()
    finally:
        if together.poll() is None:
            os.killpg(together.pid, signal.SIGKILL)
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    for found, views in zip(first, ({}, {"view": jitter_row}), strict=True):
        one = trainer(**views).fit(X, NOISY, held_out=(X, DATA.Y))
        for record, (loss, relabelled, held_out_map) in zip(one.history_, found["history"], strict=True):
            assert loss == pytest.approx(record.loss, rel=1e-4)
            assert held_out_map == pytest.approx(record.held_out_map, abs=1e-3)
            assert relabelled == (None if record.relabelled is None else pytest.approx(record.relabelled, abs=5e-3))
        assert found["weights"] == pytest.approx(weights(one).tolist(), abs=1e-3)
