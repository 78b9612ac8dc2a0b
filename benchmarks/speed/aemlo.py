"""What AEMLO costs: an epoch beside the released losses, a step beside the bare matrix products, a sparse table.

    export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
    python benchmarks/speed/aemlo.py > tables.md          # all at bibtex size: 7,395 x 1,836, 159 labels; made-up rows
    python benchmarks/speed/aemlo.py epoch step           # some parts: epoch, step
    python benchmarks/speed/aemlo.py threads              # do two threads give the bytes of one?
    python benchmarks/speed/aemlo.py FILE.arff.gz         # fit on a file: CPU seconds and peak memory

Epoch: our loss and the released losses written as the released code has them, with a tensor of the differences of all
pairs of rows of a batch (n x n x d), same batches of 128 rows, each with its own network. The released one is timed on
a few batches and scaled up to an epoch. Step: forward, backward and update at the default sizes, and the matrix
products that its layers need, nothing else, in turn; medians of CPU seconds. Threads: a few steps, then new rows, in a
process of its own for each number of threads; a sparse table of bibtex's size and one of 400 x 5.
"""

import hashlib
import os
import resource
import subprocess
import sys
import time
import warnings

import numpy as np
import torch
from scipy import sparse
from torch import nn

from rarelabel import AEMLO
from rarelabel.datasets import read
from rarelabel.encoding import TableEncoder
from rarelabel.generative._latent_model import LatentRecipe, LatentSpace, loss_of
from rarelabel.schema import Schema

N, D, Q = 7395, 1836, 159


def made_up_rows(n):
    rng = np.random.default_rng(0)
    return (rng.random((n, D)) < 0.037).astype(np.float32), (rng.random((n, Q)) < 0.015).astype(np.float32)


def pairwise_loss(space, Z, Y):
    """The released losses by a tensor of pairs."""
    U, V = space.encode_features(Z), space.encode_labels(Y)
    n, identity = len(Z), torch.eye(U.shape[1])
    latent = ((U - V) ** 2).sum() + 0.1 * (((U.T @ U - identity) ** 2).sum() + ((V.T @ V - identity) ** 2).sum())
    scores = space.decode_labels(V)
    pairs = torch.exp(-(scores[:, :, None] - scores[:, None, :])) * Y[:, :, None] * (1 - Y)[:, None, :]
    label = (pairs.sum(dim=(1, 2)) / (Y.sum(1) * (1 - Y).sum(1) + 1e-4)).sum()
    decoded = space.decode_features(U)
    squares = [((A[:, None] - A[None]) ** 2).sum(-1) for A in (Z, decoded)]
    feature = (decoded - Z).abs().mean() + ((squares[0] - squares[1]) ** 2).sum() / (n * (n - 1))
    return (latent + label + feature) / n


def steps_of(loss, space):
    optimizer = torch.optim.AdamW(space.parameters(), lr=1e-4, fused=True)

    def step(*batch):
        optimizer.zero_grad()
        loss(space, *batch).backward()
        optimizer.step()

    return step


def seconds(function, *args):
    start = time.process_time()
    function(*args)
    return time.process_time() - start


def ours(recipe, X):
    encoder = TableEncoder().fit(X.astype(float), Schema.numeric(D))

    def loss(space, Z, Y):
        return loss_of(space, Z, Y, torch.zeros(len(Z), recipe.latent_size), encoder, recipe)

    return steps_of(loss, LatentSpace(D, Q, recipe))


def epoch():
    X, Y = made_up_rows(N)
    released = LatentRecipe(500, 200, 100, released=True)
    theirs = batches_of(X, Y, 128)
    step = steps_of(pairwise_loss, LatentSpace(D, Q, released))
    n_seconds = np.median([seconds(step, *batch) for batch in theirs[:4]]) * len(theirs)
    print("| epoch of 7,395 x 1,836, 159 labels | CPU s | times faster |\n|---|---|---|")
    print(f"| released losses, n x n x d, batches of 128 | {n_seconds:.1f} | 1 |")
    for name, recipe, size in (
        ("our loss, released sizes and batches", LatentRecipe(500, 200, 100), 128),
        ("our loss, default sizes, batches of 128", LatentRecipe(128, 384, 384), 128),
        ("our loss, default sizes and batches", LatentRecipe(128, 384, 384), 256),
    ):
        step, batches = ours(recipe, X), batches_of(X, Y, size)
        step(*batches[0])
        mine = np.median([seconds(lambda: [step(*batch) for batch in batches]) for _ in range(3)])  # noqa: B023
        print(f"| {name} | {mine:.2f} | {n_seconds / mine:.0f} |")
    print()


def batches_of(X, Y, size):
    return [(torch.from_numpy(X[i : i + size]), torch.from_numpy(Y[i : i + size])) for i in range(0, N, size)]


def products(space, n):
    """The products of each layer: its output and two gradients, one where its input is the table and has none."""
    first = {space.encode_features[0], space.encode_labels[0]}
    layers = [layer for layer in space.modules() if isinstance(layer, nn.Linear)]
    # labels are decoded from both codes
    layers += [layer for layer in space.decode_labels if isinstance(layer, nn.Linear)]
    parts = [
        (torch.randn(n, a.in_features), a.weight.detach(), torch.randn(n, a.out_features), a in first) for a in layers
    ]

    def run():
        for x, weight, gradient, is_first in parts:
            x @ weight.T
            gradient.T @ x
            if not is_first:
                gradient @ weight

    flops = sum((4 if is_first else 6) * n * weight.numel() for _, weight, _, is_first in parts)
    return run, flops


def step():
    X, Y = made_up_rows(512)
    recipe = LatentRecipe(128, 384, 384)
    ours_step, batch = ours(recipe, X), (torch.from_numpy(X[:256]), torch.from_numpy(Y[:256]))
    run, flops = products(LatentSpace(D, Q, recipe), 256)
    both = [(seconds(ours_step, *batch), seconds(run)) for _ in range(30)]
    whole, bare = np.median(both[5:], axis=0)
    print("| step at 256 x 1,836, 159 labels | ms | GFLOP/s |\n|---|---|---|")
    print(f"| training | {1e3 * whole:.0f} | {flops / whole / 1e9:.0f} |")
    print(f"| matrix products alone | {1e3 * bare:.0f} | {flops / bare / 1e9:.0f} |\n")


def digest(n_threads, size):
    """Print a hash of the new rows of a made-up table."""
    rng = np.random.default_rng(0)
    if size == "wide":
        X = sparse.random_array((N, D), density=0.037, format="csr", rng=rng)
        X.data[:] = 1
        Y = rng.random((N, Q)) < 0.015 * np.linspace(0.3, 3, Q)
    else:
        X, Y = rng.normal(size=(400, 5)), rng.random((400, 3)) < [0.8, 0.2, 0.1]
        X[:, :3] += Y
    warnings.simplefilter("ignore")
    sampler = AEMLO(training_steps=8 if size == "wide" else 40, random_state=0, n_threads=int(n_threads))
    X_res, Y_res = sampler.fit_resample(X, Y)
    dense = X_res.toarray() if sparse.issparse(X_res) else X_res
    print(hashlib.sha256(dense.tobytes() + Y_res.tobytes()).hexdigest())


def threads():
    print("| table | steps | two threads give the bytes of one |\n|---|---|---|")
    for size, name in (("wide", "7,395 x 1,836, sparse | 8"), ("narrow", "400 x 5 | 40")):
        found = {
            subprocess.run(
                [sys.executable, __file__, f"digest:{n}:{size}"],
                env={**os.environ, "OMP_NUM_THREADS": str(n)}, capture_output=True, check=True, text=True,
            ).stdout
            for n in (1, 2)
        }  # fmt: skip
        print(f"| {name} | {'yes' if len(found) == 1 else 'no'} |")
    print()


def fit(path):
    data = read(path)
    used = seconds(lambda: AEMLO(random_state=0).fit(data.X, data.Y, schema=data.schema))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print("| fit on | shape | CPU s | peak GB |\n|---|---|---|---|")
    print(f"| {data.name} | {data.X.shape} | {used:.0f} | {peak:.2f} |")


if __name__ == "__main__":
    parts = {"epoch": epoch, "step": step, "threads": threads}
    for part in sys.argv[1:] or ["epoch", "step"]:
        if part.startswith("digest:"):
            digest(*part.split(":")[1:])
        else:
            parts.get(part, lambda part=part: fit(part))()
