"""Weights for the small network from the training pictures alone, without labels: SimCLR (Chen et al. 2020).

The paper starts from weights of ImageNet; these are what UC Merced itself can give in their place. Of every picture in
a batch there are two views (crops, turns and mirrors, brightness, contrast, colour); the network learns which belong
together. Takes ten minutes on one core.

    cd benchmarks/paper/balancemix; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python simclr.py simclr.pth
    python ucmerced.py pretrained.csv --checkpoint simclr.pth --learning-rate 0.01 --validation \\
        --noise "mislabel 40" "flip 40" --methods bce mixup balancemix
"""

import argparse
import math
import sys
from pathlib import Path

import torch
from embeddings import read_pictures
from torch import nn
from torch.nn import functional as F

from rarelabel._device import forked_rng
from rarelabel.nn import make_resnet

BATCH, RATE, TEMPERATURE = 240, 2e-3, 0.2


def uniform(n, low, high, generator):
    """One number for each picture, shape (n, 1, 1, 1)."""
    return low + (high - low) * torch.rand(n, 1, 1, 1, generator=generator)


def crop(x, generator):
    """A part of a quarter to all of each picture, at the size of the whole, mirrored and turned by right angles."""
    n = len(x)
    side, aspect = uniform(n, 0.25, 1, generator).sqrt(), (uniform(n, -1, 1, generator) * math.log(4 / 3) / 2).exp()
    scales = [(side * aspect).clamp(max=1).view(n), (side / aspect).clamp(max=1).view(n)]
    shifts = [uniform(n, -1, 1, generator).view(n) * (1 - scale) for scale in scales]
    signs = [uniform(n, -1, 1, generator).view(n).sign() for _ in scales]
    turned = uniform(n, -1, 1, generator).view(n, 1) > 0
    axes = torch.eye(2).expand(n, 2, 2)
    rows = [torch.where(turned, axes[:, 1 - k], axes[:, k]) * (scales[k] * signs[k])[:, None] for k in range(2)]
    maps = torch.cat([torch.stack(rows, dim=1), torch.stack(shifts, dim=1)[:, :, None]], dim=2)
    grid = F.affine_grid(maps, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False, padding_mode="reflection")


def recolour(x, generator):
    """Other brightness, contrast, saturation and tint; one picture of five is grey."""
    n = len(x)
    x = x * uniform(n, 0.6, 1.4, generator)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = mean + (x - mean) * uniform(n, 0.6, 1.4, generator)
    grey = x.mean(dim=1, keepdim=True)
    x = grey + (x - grey) * uniform(n, 0.6, 1.4, generator)
    x = x * (0.9 + 0.2 * torch.rand(n, 3, 1, 1, generator=generator))
    return torch.where(uniform(n, 0, 1, generator) < 0.2, grey, x).clamp(0, 255)


def contrast(z):
    """Cross-entropy of finding the other view among all of the batch; z of shape (2b, d), first views first."""
    n = len(z)
    z = F.normalize(z.float(), dim=1)
    likeness = (z @ z.T / TEMPERATURE).fill_diagonal_(-math.inf)
    return F.cross_entropy(likeness, torch.arange(n).roll(n // 2))


def pretrain(pixels, epochs, seed):
    """The network after so many passes over the pictures, uint8 of shape (n, 3, side, side)."""
    generator = torch.Generator().manual_seed(seed)
    network = make_resnet("small", 1, random_state=seed)
    width, network.fc = network.fc.in_features, nn.Identity()
    with forked_rng(generator):
        head = nn.Sequential(nn.Linear(width, 256), nn.ReLU(), nn.Linear(256, 64))
    parameters = [*network.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, RATE, weight_decay=1e-4)
    n_batches = len(pixels) // BATCH
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=n_batches * epochs, pct_start=0.1)
    for epoch in range(epochs):
        order = torch.randperm(len(pixels), generator=generator)
        for rows in order[: n_batches * BATCH].split(BATCH):
            x = pixels[rows].float()
            views = torch.cat([recolour(crop(x, generator), generator) for _ in range(2)])
            with torch.autocast("cpu", torch.bfloat16):
                z = head(network(views))
            loss = contrast(z)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.step()
        if epoch % 20 == 19:
            print(f"epoch {epoch + 1}: loss {loss.item():.3f}", file=sys.stderr)
    return network


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    train = read_pictures(options.size)[0]
    pixels = torch.stack([torch.as_tensor(train[row][0]) for row in range(len(train))])
    torch.save(pretrain(pixels, options.epochs, options.seed).state_dict(), options.out)


if __name__ == "__main__":
    main()
