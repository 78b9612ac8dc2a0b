"""What an epoch of BalanceMix costs beside one of plain cross-entropy: CPU seconds, and rows through the network.

A table of random numbers and a network with two hidden layers, or random pictures, RandAugment and a residual network;
one thread. Every method trains the same network; epochs after warm-up are timed, the least of them counts.
``forward``: how often each row passes through the network in an epoch, ``with gradient``: and how often back too. A
pass back costs about two forward, so ``expected`` is (forward + 2 with gradient) over that of cross-entropy: the cost
where the network outweighs all else.

    export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
    python benchmarks/paper/balancemix/cost.py [--rows 4000] [--width 1024] [--device cpu] > cost.md
    python benchmarks/paper/balancemix/cost.py --rows 512 --labels 17 --network small --size 64 >> cost.md
    python benchmarks/paper/balancemix/cost.py --rows 512 --labels 17 --network small --size 128 >> cost.md
    python benchmarks/paper/balancemix/cost.py --rows 128 --labels 17 --network resnet18 --size 128 >> cost.md
"""

import argparse
import time
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from rarelabel._device import forked_rng
from rarelabel.augmentation import METHODS, BalanceMix, ImageView, RandAugment
from rarelabel.nn import make_resnet


class Counted(nn.Module):
    """A network that counts its rows."""

    def __init__(self, network):
        super().__init__()
        self.network, self.forward_rows, self.gradient_rows = network, 0, 0

    def forward(self, x):
        self.forward_rows += len(x)
        self.gradient_rows += len(x) * torch.is_grad_enabled()
        return self.network(x)


def view(x, generator):
    return x + 0.1 * torch.randn(x.shape, generator=generator)


def make_inputs(rng, options):
    """Rows, a network for them, and how they are viewed."""
    if options.network != "mlp":
        X = rng.integers(0, 256, (options.rows, 3, options.size, options.size), dtype=np.uint8)
        network = make_resnet(options.network, options.labels, random_state=0)
        return torch.from_numpy(X), network, {"view": ImageView(RandAugment(2, 5), flip=0.5)}
    X = torch.from_numpy(rng.normal(size=(options.rows, 100))).float()
    with forked_rng(torch.Generator().manual_seed(0)):
        widths = [100, options.width, options.width, options.labels]
        layers = [part for pair in pairwise(widths) for part in (nn.Linear(*pair), nn.ReLU())]
        return X, nn.Sequential(*layers[:-1]), {"batch_view": view}


def measure(method, options):
    """CPU seconds and rows through the network, forward and with gradient, of an epoch."""
    rng = np.random.default_rng(0)
    X, network, views = make_inputs(rng, options)
    Y = rng.random((options.rows, options.labels)) < np.geomspace(0.4, 0.02, options.labels)
    network = Counted(network)
    before, spent = (time.process_time(), 0, 0), []

    def note(_):
        nonlocal before
        now = time.process_time(), network.forward_rows, network.gradient_rows
        spent.append([after - earlier for after, earlier in zip(now, before, strict=True)])
        before = now

    BalanceMix(
        network, method=method, epochs=options.epochs, warmup=1, batch_size=64, learning_rate=1e-3,
        device=options.device, n_threads=1, random_state=0, **views,
    ).fit(X, Y, progress=note)  # fmt: skip
    seconds, forward, gradient = min(spent[1:])
    return seconds, forward / len(X), gradient / len(X)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--network", default="mlp", choices=("mlp", "small", "resnet18", "resnet50"))
    parser.add_argument("--size", type=int, default=64, help="side of pictures")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    what = f"two layers of {options.width}"
    if options.network != "mlp":
        what = f"pictures of {options.size} pixels, {options.network}"
    print(f"# An epoch of each method: {options.rows} rows, {options.labels} labels, {what}\n")
    print("| method | s | over bce | forward | with gradient | expected |\n|---|---|---|---|---|---|")
    base = None
    for method in METHODS:
        seconds, forward, gradient = measure(method, options)
        base = base or (seconds, forward + 2 * gradient)
        expected = (forward + 2 * gradient) / base[1]
        print(
            f"| {method} | {seconds:.2f} | {seconds / base[0]:.2f} | {forward:.1f} | {gradient:.1f} | {expected:.2f} |"
        )


if __name__ == "__main__":
    main()
