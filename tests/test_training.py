"""The training loop: repeatable, guarded, stoppable, and the same on several processes."""

import json
import math
import os
import signal
import subprocess
import sys
from threading import Event

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from rarelabel._device import choose_device, forked_rng, limited_threads, torch_generator  # noqa: E402
from rarelabel.training import Record, train  # noqa: E402


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def line(n=64):
    x = torch.linspace(-1, 1, n)[:, None]
    return [x, 3 * x + 1]


def squared(module, batch):
    return ((module(batch[0]) - batch[1]) ** 2).mean(dim=1)


def jitter(batch, generator):
    return [batch[0] + 0.1 * torch.randn(batch[0].shape, generator=generator), batch[1]]


def small_net(dropout=0.0, seed=1):
    with forked_rng(seeded(seed)):
        return nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Dropout(dropout), nn.Linear(8, 1))


class Scalar(nn.Module):
    """A module with one weight."""

    def __init__(self, value=0.0):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(value, dtype=torch.float64))


def run(module=None, loss=squared, data=None, **parameters):
    module = small_net() if module is None else module
    defaults = {"generator": seeded(), "device": "cpu", "n_steps": 40, "batch_size": 16, "record_every": 10}
    return module, train(module, loss, line() if data is None else data, **{**defaults, **parameters})


def weights(module):
    return torch.cat([p.detach().ravel() for p in module.parameters()])


# --- what it computes ---


def test_the_same_seed_gives_the_same_weights_and_leaves_global_randomness_alone():
    before = torch.get_rng_state()
    results = [run(small_net(dropout=0.5), draw=jitter, generator=seeded(s)) for s in (0, 0, 1)]
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(weights(results[0][0]), weights(results[1][0]))
    assert results[0][1] == results[1][1]
    assert not torch.equal(weights(results[0][0]), weights(results[2][0]))


def test_a_line_is_found():
    module, result = run(nn.Linear(1, 1), n_steps=600, learning_rate=0.05)
    assert result.stopped == "finished"
    assert (result.n_steps, result.best_step) == (600, 600)
    assert [r.step for r in result.history] == list(range(10, 601, 10))
    assert module.weight.item() == pytest.approx(3, abs=1e-3)
    assert module.bias.item() == pytest.approx(1, abs=1e-3)
    assert not module.training


@pytest.mark.parametrize("ema", [0.0, 0.4, 0.999])
def test_the_average_follows_its_formula(ema):
    """AdamW without decay of the weights, on loss = w: the gradient is always 1, so w falls by the rate."""
    n = 30
    module, _ = run(
        Scalar(), lambda m, b: m.w * b[0], [torch.ones(4, dtype=torch.float64)],
        n_steps=n, ema=ema, weight_decay=0.0, learning_rate=0.1,
    )  # fmt: skip
    w, average = 0.0, 0.0
    for k in range(1, n + 1):
        w -= 0.1 * (1 + math.cos(math.pi * (k - 1) / n)) / 2
        d = min(ema, k / (9 + k))
        average = d * average + (1 - d) * w
    assert module.w.item() == pytest.approx(average, rel=1e-6)


def test_the_rate_rises_and_falls_and_weights_decay():
    """With loss 0 only the decay acts: w is multiplied by 1 - rate * decay at every step."""
    module, _ = run(
        Scalar(1.0), lambda m, b: 0 * m.w * b[0], [torch.ones(4, dtype=torch.float64)],
        n_steps=10, ema=0.0, weight_decay=0.5, learning_rate=0.1, warmup=4,
    )  # fmt: skip
    expected = 1.0
    for k in range(10):
        expected *= 1 - 0.5 * 0.1 * min(1, (k + 1) / 5) * (1 + math.cos(math.pi * k / 10)) / 2
    assert module.w.item() == pytest.approx(expected, rel=1e-9)


def test_every_row_is_seen_once_in_each_epoch_and_often_where_there_are_few():
    seen = []

    def loss(module, batch):
        seen.append(batch[0].tolist())
        return module.w * batch[0]

    run(Scalar(), loss, [torch.arange(10.0, dtype=torch.float64)], n_steps=4, batch_size=4)
    assert all(len(rows) == 4 for rows in seen)
    assert sorted(value for rows in seen for value in rows) == sorted(list(range(10)) * 2)  # 5 batches of 4
    seen.clear()
    run(Scalar(), loss, [torch.arange(3.0, dtype=torch.float64)], n_steps=1, batch_size=9)
    assert sorted(seen[0]) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_rows_are_drawn_by_weight():
    seen = []

    def loss(module, batch):
        seen.extend(batch[0].tolist())
        return module.w * batch[0]

    row_weights = torch.tensor([0.0, 1.0, 3.0])
    run(Scalar(), loss, [torch.arange(3.0, dtype=torch.float64)], n_steps=200, batch_size=20, row_weights=row_weights)
    counts = np.bincount(np.array(seen, int), minlength=3) / len(seen)
    assert counts[0] == 0
    assert counts[2] == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize("bad", [[0.0, 0.0, 0.0], [1.0, -1.0, 2.0], [1.0, math.nan, 1.0], [1.0, math.inf, 1.0]])
def test_weights_of_rows_that_mean_nothing_are_refused(bad):
    with pytest.raises(ValueError, match="row_weights must be finite numbers of at least 0, and some above"):
        run(Scalar(), lambda m, b: m.w * b[0], [torch.ones(3)], row_weights=torch.tensor(bad))


def test_gradients_are_clipped():
    """The first AdamW steps do not see the scale of the gradient, so two of different size show it."""

    def loss(module, batch):
        return module.w * batch[0] * (1 if module.w == 0 else 1000)

    ends = []
    for max_norm in (None, 1.0):
        module, _ = run(
            Scalar(), loss, [torch.ones(4, dtype=torch.float64)],
            n_steps=2, ema=0.0, weight_decay=0.0, learning_rate=0.1, max_norm=max_norm,
        )  # fmt: skip
        ends.append(module.w.item())
    # clipped, both gradients are 1 and the second step (at half the rate) is 0.05
    assert ends[1] == pytest.approx(-0.15)
    # Adam: m = (0.9 * 0.1 * 1 + 0.1 * 1000) / (1 - 0.81), v = (0.999 * 0.001 + 0.001 * 1e6) / (1 - 0.999**2)
    m, v = (0.09 + 100) / 0.19, (0.000999 + 1000) / (1 - 0.999**2)
    assert ends[0] == pytest.approx(-0.1 - 0.05 * m / math.sqrt(v), rel=1e-6)


# --- why it stops ---


def test_nan_stops_with_the_last_good_weights():
    """The loss turns NaN once w has passed -1; the weights that are left give a finite loss."""

    def loss(module, batch):
        return (module.w + 1).clamp(max=1).sqrt() * batch[0]  # sqrt of a negative number

    module, result = run(Scalar(), loss, [torch.ones(4, dtype=torch.float64)], n_steps=500, learning_rate=0.3, ema=0.0)
    assert result.stopped == "not finite"
    assert 0 < result.n_steps < 500
    assert result.best_step == result.n_steps - 1
    assert math.isfinite(loss(module, [torch.ones(1)]).item())
    assert module.w.item() < 0  # and training had moved them


def test_an_infinite_gradient_stops_before_it_is_taken():
    module, result = run(Scalar(0.0), lambda m, b: m.w.abs().sqrt() * b[0] + b[0], [torch.ones(4, dtype=torch.float64)])
    assert (result.stopped, result.n_steps, module.w.item()) == ("not finite", 0, 0.0)


def test_data_that_are_not_finite_are_an_error():
    x, y = line()
    with pytest.raises(ValueError, match="the first loss is nan: the data or the module hold NaN"):
        run(data=[x, y * math.nan])


@pytest.mark.parametrize("as_event", [True, False])
def test_cancelling_ends_after_the_step_under_way(as_event):
    event, records = Event(), []

    def progress(record):
        records.append(record)
        if record.step == 20:
            event.set()

    _, result = run(n_steps=1000, progress=progress, cancel=event if as_event else event.is_set)
    assert result.stopped == "cancelled"
    assert result.n_steps in (20, 21)
    assert tuple(records) == result.history
    assert str(records[-1]).startswith("step 20 of 1,000: loss ")


def test_training_stops_when_the_held_out_loss_rises_and_keeps_the_best_weights():
    """Held-out rows that follow another line: w falls from 2 towards 0, the held-out loss is least at w = 1."""

    def loss(module, batch):
        return (module.w - batch[0]) ** 2

    train_rows, held_out = torch.zeros(8, dtype=torch.float64), torch.ones(8, dtype=torch.float64)
    module, result = run(
        Scalar(2.0), loss, [train_rows], held_out=[held_out], n_steps=5000, learning_rate=0.01, weight_decay=0.0,
        record_every=5, patience=3, ema=0.0,
    )  # fmt: skip
    assert result.stopped == "early"
    losses = {record.step: record.held_out_loss for record in result.history}
    assert result.best_step == min(losses, key=losses.get)
    assert result.n_steps == result.best_step + 15
    assert module.w.item() == pytest.approx(1, abs=0.03)
    assert loss(module, [held_out])[0].item() == pytest.approx(losses[result.best_step], rel=1e-12)
    assert "held out" in str(result.history[0])


def test_the_held_out_draws_are_made_once():
    sizes = []

    def draw(batch, generator):
        sizes.append(len(batch[0]))
        return jitter(batch, generator)

    run(nn.Linear(1, 1), draw=draw, held_out=[t[:5] for t in line()], n_steps=30)
    assert sizes == [40] + [16] * 31


def test_numbers_that_mean_nothing_are_refused():
    for parameters, message in [
        ({"n_steps": 0}, "n_steps must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"ema": 1.0}, r"ema must be in \[0, 1\), got 1.0"),
        ({"data": [torch.ones(3), torch.ones(4)]}, r"one length above 0, got lengths \[3, 4\]"),
        ({"n_threads": 0}, "n_threads must be at least 1"),
        ({"row_weights": torch.ones(3)}, "row_weights has 3 entries; expected one for each of 64 rows"),
    ]:
        with pytest.raises(ValueError, match=message):
            run(**parameters)


# --- several processes ---

PROGRAM = """
import json, os, sys
import torch
from torch import nn
from rarelabel._device import forked_rng
from rarelabel.training import train

x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
rank = int(os.environ.get("RANK", 0))
def draw(batch, generator):
    return [batch[0] + 0.1 * torch.randn(batch[0].shape, generator=generator, dtype=torch.float64), batch[1]]
def loss(module, batch):
    return ((module(batch[0]) - batch[1]) ** 2).mean(dim=1)
results = []
for again in range(2):
    with forked_rng(torch.Generator().manual_seed(rank)):  # other first weights on the second process
        module = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    result = train(module, loss, [x, x.sin()], draw=draw, generator=torch.Generator().manual_seed(5), n_steps=60,
                   batch_size=15, record_every=10, held_out=[x[:7], x[:7].sin()], device="cpu", learning_rate=0.01,
                   cancel=lambda: rank == 1 and again == 1 and module[0].weight.sum() > -1e9)
    results.append({"losses": [r.loss for r in result.history], "held_out": [r.held_out_loss for r in result.history],
                    "stopped": result.stopped, "weights": module[0].weight.ravel().tolist()})
with open(f"{sys.argv[1]}/{os.environ.get('WORLD_SIZE', 1)}-{rank}.json", "w") as file:
    json.dump(results, file)
"""


@pytest.mark.timeout(180)
def test_two_processes_do_what_one_does(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    subprocess.run([sys.executable, program, tmp_path], check=True, capture_output=True)
    launch = ["-m", "torch.distributed.run", "--nproc_per_node=2", "--master_addr=127.0.0.1", "--rdzv_backend=c10d"]
    launch += ["--rdzv_endpoint=127.0.0.1:0", "--local_addr=127.0.0.1"]
    command = [sys.executable, *launch, program, tmp_path]
    with (tmp_path / "log").open("w") as log:
        together = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        assert together.wait(timeout=150) == 0, (tmp_path / "log").read_text()
    finally:
        if together.poll() is None:
            os.killpg(together.pid, signal.SIGKILL)
    one, first, second = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("1-0", "2-0", "2-1"))
    assert first == second
    assert len(one[0]["losses"]) == 6
    assert first[0]["losses"] == pytest.approx(one[0]["losses"], rel=1e-9)
    assert first[0]["held_out"] == pytest.approx(one[0]["held_out"], rel=1e-9)
    assert first[0]["weights"] == pytest.approx(one[0]["weights"], rel=1e-7)
    assert first[1]["stopped"] == "cancelled"  # one process's wish is everybody's


# --- devices, generators, threads ---


def test_threads_are_set_while_training_and_put_back():
    before, during = torch.get_num_threads(), []
    try:
        torch.set_num_threads(2)
        run(n_threads=1, n_steps=10, progress=lambda record: during.append(torch.get_num_threads()))
        assert (during, torch.get_num_threads()) == ([1], 2)
        with pytest.raises(ZeroDivisionError), limited_threads(1):
            raise ZeroDivisionError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_forked_generator_depends_on_the_given_one_alone():
    state = torch.get_rng_state()
    drawn = []
    for seed in (0, 0, 1):
        torch.rand(1)  # global draws in between change nothing
        with forked_rng(seeded(seed)):
            drawn.append(torch.rand(2).tolist())
    assert drawn[0] == drawn[1] != drawn[2]
    generator = seeded()
    with forked_rng(generator):
        first = torch.rand(2).tolist()
    with forked_rng(generator):
        assert torch.rand(2).tolist() != first  # the given generator advanced
    torch.set_rng_state(state)


def test_generators_follow_the_numpy_one():
    rng = np.random.default_rng(0)
    a, b = torch_generator(rng), torch_generator(rng)
    assert torch.rand(1, generator=a) != torch.rand(1, generator=b)


def test_devices_are_found_or_refused_by_name():
    assert choose_device("cpu") == choose_device(torch.device("cpu"))
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="device must be 'auto' or a device of torch"):
        choose_device("abacus")
    with pytest.raises(ValueError, match="device 'cuda:99' was asked for, but torch finds"):
        choose_device("cuda:99")
    for absent in ("mps", "xpu"):
        if not getattr(torch, absent).is_available():
            with pytest.raises(ValueError, match=f"device '{absent}' was asked for, but torch cannot use it here: "):
                choose_device(absent)


def test_a_record_reads_as_a_line():
    assert str(Record(1200, 2000, 0.12345, 0.5)) == "step 1,200 of 2,000: loss 0.1235, held out 0.5"
