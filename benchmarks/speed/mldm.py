"""What MLDM costs: a training step, drawing, memory; and whether threads change its rows.

    export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
    python benchmarks/speed/mldm.py FOLDER > tables.md     # ARFF files of corel5k and emotions in FOLDER
    python benchmarks/speed/mldm.py FOLDER training        # one part: training, sampling, memory or threads

Training: the default recipe beside a plain writing of the released network and its loop at the same hidden width, both
on batches of 256 of the same rows, and beside the bare matrix products of the network's own layers. The three in turn,
CPU seconds, medians.
"""

import hashlib
import os
import resource
import subprocess
import sys
import time
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rarelabel import MLDM
from rarelabel.datasets import read
from rarelabel.diffusion import MixedDiffusion, Noised, cosine_schedule
from rarelabel.encoding import TableEncoder
from rarelabel.metrics import fidelity_report
from rarelabel.nn import ResidualMLPDenoiser
from rarelabel.schema import Column, Schema
from rarelabel.training import train

BATCH = 256


def milliseconds(function, runs):
    start = time.process_time()
    for _ in range(runs):
        function()
    return (time.process_time() - start) / runs * 1e3


# --- a step of training ---


class Released(nn.Module):
    """The released denoiser: the input projected to 128 units, the time added, two hidden layers."""

    def __init__(self, d, width):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 128))
        self.project = nn.Linear(d, 128)
        layers = (nn.Linear(128, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, d))
        self.layers = nn.Sequential(*layers)

    def forward(self, x, t):
        angles = t[:, None].float() * torch.exp(-np.log(10_000) * torch.arange(64) / 64)
        embedded = self.time(torch.cat([angles.cos(), angles.sin()], dim=1))
        return self.layers(self.project(x) + embedded)


class ReleasedLoop:
    """Its loop: noise predicted for all columns, AdamW, a rate that falls along a line, averaged weights."""

    def __init__(self, rows, width, steps=1000):
        self.rows, self.steps, self.done = rows, steps, 0
        self.net = Released(rows.shape[1], width)
        self.average = [p.detach().clone() for p in self.net.parameters()]
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3, weight_decay=1e-5)
        alphas_bar = cosine_schedule(1000).alphas_bar[1:]
        self.signal, self.noise = alphas_bar.sqrt().float(), (1 - alphas_bar).sqrt().float()

    def step(self):
        x0 = self.rows[torch.randint(len(self.rows), (BATCH,))]
        t = torch.randint(1000, (BATCH,))
        noise = torch.randn_like(x0)
        self.optimizer.zero_grad()
        loss = ((self.net(self.signal[t, None] * x0 + self.noise[t, None] * noise, t) - noise) ** 2).mean()
        loss.backward()
        self.optimizer.step()
        self.optimizer.param_groups[0]["lr"] = 1e-3 * (1 - self.done / self.steps)
        with torch.no_grad():
            for mean, weight in zip(self.average, self.net.parameters(), strict=True):
                mean.mul_(0.999).add_(weight, alpha=0.001)
        self.done += 1
        return loss.item()


def one_hot_pairs(encoder, Z):
    """Every column of 0 and 1 as two, as the released code has them."""
    is_bit = np.zeros(encoder.width_, dtype=bool)
    for block in encoder.blocks_:
        is_bit[block.columns] = not block.is_continuous and not block.is_one_hot
    return torch.from_numpy(np.hstack([Z, 1 - Z[:, is_bit]]).astype(np.float32))


def layers_of(net):
    return [layer for layer in net.modules() if isinstance(layer, nn.Linear)]


def products(net):
    """The three matrix products that each layer needs in a step, and nothing else."""
    tensors = [(torch.randn(BATCH, a.in_features), a.weight.detach(), torch.randn(BATCH, a.out_features))
               for a in layers_of(net)]  # fmt: skip

    def multiply():
        for x, W, g in tensors:
            torch.mm(x, W.t())
            torch.mm(g, W)
            torch.mm(g.t(), x)

    return multiply


def default_step(data, denoiser):
    """Milliseconds of each step of MLDM, drawing the batch and all; and the network."""
    clock = []
    model = MLDM(denoiser=denoiser, training_steps=150, patience=None, device="cpu", random_state=0,
                 progress=lambda record: clock.append((record.step, time.process_time())))  # fmt: skip
    model.fit(data.X, data.Y, schema=data.schema)
    taken = [(end - start) / (after - before) * 1e3 for (before, start), (after, end) in pairwise(clock)]
    return min(taken), model.trained_


def training(folder, rounds=3):
    print("| data | network | hidden | weights | ms a step | released, ms | released / ours | bare products, GFLOP/s | "
          "step, GFLOP/s | share |\n|---|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for name in ("corel5k", "emotions"):
        data = read(Path(folder) / f"{name}.arff.gz")
        for denoiser in ("resnet", "mlp"):
            taken: list[tuple[float, ...]] = []
            for _ in range(rounds):
                step, trained = default_step(data, denoiser)
                net = trained.model.denoiser
                width = net.project.out_features
                if not taken:
                    Z = trained.encoder.transform(data.X, data.Y.astype(bool), dtype=np.float32)
                    released = ReleasedLoop(one_hot_pairs(trained.encoder, Z), width)
                    multiply = products(net)
                    milliseconds(multiply, 5), milliseconds(released.step, 5)
                taken.append((step, milliseconds(released.step, 50), milliseconds(multiply, 20)))
            ours, theirs, bare = np.median(taken, axis=0)
            n_weights = sum(layer.weight.numel() for layer in layers_of(net))
            work = 3 * 2 * BATCH * n_weights / 1e6
            network = f"{denoiser} | {width} | {n_weights / 1e6:.2f} M"
            rates = f"{theirs / ours:.2f} | {work / bare:.0f} | {work / ours:.0f} | {bare / ours:.0%}"
            print(f"| {name} | {network} | {ours:.1f} | {theirs:.1f} | {rates} |", flush=True)


# --- drawing ---


def known_table(n, seed):
    """20 numbers of three factors, and 5 categories of ten values that follow the numbers."""
    mixing, rng = np.random.default_rng(0).normal(size=(3, 20)), np.random.default_rng(seed)
    factors = rng.normal(size=(n, 3)) + 2 * (rng.random((n, 1)) < 0.3)
    numbers = factors @ mixing + 0.5 * rng.normal(size=(n, 20))
    numbers[:, 10:] = np.exp(numbers[:, 10:] / 4)
    scores = numbers[:, :5, None] * np.linspace(-1, 1, 10) + rng.gumbel(size=(n, 5, 10))
    return np.hstack([numbers, scores.argmax(axis=2)])


def correlations(X, encoder):
    """Of all encoded columns, one-hot ones too."""
    return np.corrcoef(encoder.transform(X).T)


def fidelity(X, drawn, schema, encoder, seed):
    labels = np.ones((len(X), 1), dtype=bool), np.ones((len(drawn), 1), dtype=bool)
    report = fidelity_report((X, labels[0]), (drawn, labels[1]), schema=schema, random_state=seed)
    off = np.abs(correlations(X, encoder) - correlations(drawn, encoder))
    return report.c2st_auc, report.wasserstein, report.total_variation, off.mean()


def learned(X, schema):
    """The default recipe on all rows, without labels."""
    encoder = TableEncoder().fit(X, schema)
    Z = torch.from_numpy(encoder.transform(X, dtype=np.float32))
    bounds = tuple(torch.from_numpy(bound.astype(np.float32)) for bound in (encoder.lower_, encoder.upper_))
    diffusion = MixedDiffusion(encoder.blocks_, cosine_schedule(1000), bounds=bounds, known_share=0.5)
    net = ResidualMLPDenoiser(encoder.width_, width=256, dropout=0.1, conditional=True)
    train(net, lambda module, batch: diffusion.losses(module, Noised(*batch)), [Z],
          draw=lambda batch, generator: diffusion.draw(batch[0], generator),
          generator=torch.Generator().manual_seed(0), n_steps=2000, device="cpu", n_threads=1)  # fmt: skip
    return encoder, diffusion, net


def sampling(n=1000, draws=3):
    features = [Column(f"x{j}") for j in range(20)]
    features += [Column(f"c{j}", "category", tuple(range(10))) for j in range(5)]
    schema = Schema(tuple(features), ())
    X, others = known_table(10_000, 1), [known_table(n, 10 + draw) for draw in range(draws)]
    encoder, diffusion, net = learned(X, schema)
    print("| steps | noise | rows a second | C2ST AUC | W1 / sigma | total variation | correlations off by |\n"
          "|---|---|---|---|---|---|---|")  # fmt: skip

    def line(title, rate, measured):
        cells = (f"{m:.3f} ± {s:.3f}" for m, s in zip(np.mean(measured, 0), np.std(measured, 0, ddof=1), strict=True))
        print(f"| {title} | {rate} | " + " | ".join(cells) + " |", flush=True)

    line("fresh rows of the table | ", "", [fidelity(X, rows, schema, encoder, i) for i, rows in enumerate(others)])
    plans = [(steps, 0.0) for steps in (10, 20, 25, 50, 100, 250)] + [(25, 1.0), (50, 1.0), (1000, 1.0)]
    taken, measured = {plan: [] for plan in plans}, {plan: [] for plan in plans}
    for draw in range(draws):  # the plans in turn
        for steps, eta in plans:
            start = time.process_time()
            Z = diffusion.sample(n, net, generator=torch.Generator().manual_seed(draw), n_steps=steps, eta=eta,
                                 batch_size=1024)  # fmt: skip
            rows, _ = encoder.inverse_transform(Z.numpy())
            taken[steps, eta].append(time.process_time() - start)
            measured[steps, eta].append(fidelity(X, rows, schema, encoder, draw))
    for steps, eta in plans:
        name = "none (DDIM)" if eta == 0 else "ancestral"
        line(f"{steps} | {name}", f"{n / np.median(taken[steps, eta]):.0f}", measured[steps, eta])
    start = time.process_time()
    encoder.inverse_transform(
        diffusion.sample(10_000, net, generator=torch.Generator().manual_seed(9), n_steps=25, batch_size=1024).numpy()
    )
    seconds = time.process_time() - start
    slow = np.median(taken[1000, 1.0])
    ratios = ", ".join(f"{steps} steps {slow / np.median(taken[steps, 0.0]):.1f}" for steps in (20, 25, 50))
    print(f"\n10,000 rows in 25 steps: {seconds:.1f} s. Times as fast as 1000 ancestral steps: {ratios}.")


# --- memory and threads, each in a process of its own ---


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_memory(n):
    """MiB that fit and sample add to the peak."""
    rng = np.random.default_rng(0)
    X, Y = np.empty((n, 50)), np.empty((n, 3), dtype=bool)
    for start in range(0, n, 1000):  # no second copy
        X[start : start + 1000] = rng.normal(size=(len(X[start : start + 1000]), 50))
    Y[:] = X[:, :3] > [-1, 0, 1.5]
    options = {"training_steps": 20, "sampling_steps": 2, "n_choices": 1, "random_state": 0, "device": "cpu"}
    MLDM(**options).fit(X[:1000], Y[:1000]).sample(3000)  # what the libraries take for themselves
    before = peak()
    model = MLDM(**options).fit(X, Y)
    fitted = peak()
    X_new, Y_new = model.sample(n)
    encoded = n * model.trained_.encoder.width_ * 4 / 2**20
    print(f"| {n:,} | {X.nbytes / 2**20:.1f} | {encoded:.1f} | {fitted - before:.1f} | {peak() - fitted:.1f} | "
          f"{(X_new.nbytes + Y_new.nbytes) / 2**20:.1f} |")  # fmt: skip


def measure_threads(folder, name):
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    data = read(Path(folder) / f"{name}.arff.gz")
    sampler = MLDM(training_steps=100, sampling_steps=10, random_state=0, device="cpu")
    X, Y = sampler.fit_resample(data.X, data.Y, schema=data.schema)
    dense = X.toarray() if hasattr(X, "toarray") else X
    print(hashlib.sha256(np.ascontiguousarray(dense).tobytes() + np.asarray(Y).tobytes()).hexdigest()[:16])


def in_a_process(*arguments, threads=1):
    command = [sys.executable, __file__, *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def memory():
    print("| rows | table, MiB | encoded, MiB | fit adds | sample(n) adds on top | its rows, MiB |\n"
          "|---|---|---|---|---|---|")  # fmt: skip
    for n in (2_000, 20_000, 100_000):
        print(in_a_process("-", "memory-of", n), flush=True)


def threads(folder):
    print("| data | one thread | two threads |\n|---|---|---|")
    for name in ("emotions", "corel5k"):
        hashes = [in_a_process(folder, "threads-of", name, threads=n) for n in (1, 2)]
        print(f"| {name} | {hashes[0]} | {hashes[1]} |", flush=True)


def main():
    warnings.simplefilter("ignore")
    folder, *parts = sys.argv[1:]
    if parts and parts[0] == "memory-of":
        return measure_memory(int(parts[1]))
    if parts and parts[0] == "threads-of":
        return measure_threads(folder, parts[1])
    assert os.environ.get("OMP_NUM_THREADS") == "1", "export OMP_NUM_THREADS=1 first"
    runs = {"training": lambda: training(folder), "sampling": sampling, "memory": memory,
            "threads": lambda: threads(folder)}  # fmt: skip
    for part in parts or runs:
        print(f"\n{part}\n")
        runs[part]()


if __name__ == "__main__":
    main()
