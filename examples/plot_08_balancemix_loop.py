"""
BalanceMix as a plain loop
==========================

Algorithm 1 of Song et al. (2024), written out with its parts. It draws its random numbers where
:class:`~rarelabel.augmentation.BalanceMix` does, so that both give the same network to the last digit.
"""

# %%
# A table of which 30 % of the labels are moved to where they do not belong, and a view: a row with some noise.
import math

import numpy as np
import torch
from torch import nn

from rarelabel.augmentation import (
    BalanceMix,
    LabelManager,
    MinoritySampler,
    mixup,
    random_stream,
    reliability_weighted_bce,
)
from rarelabel.datasets import make_imbalanced_multilabel, mislabel

data, _ = make_imbalanced_multilabel(1000, 30, 6, class_sep=1.5, random_state=0)
given = mislabel(data.Y, 0.3, random_state=1).Y
X, Y = torch.tensor(data.X).float(), torch.tensor(given).float()
SEED, EPOCHS, WARMUP, STEPS, RATE = 0, 12, 4, 20, 0.02


def torch_stream(*at):
    return torch.Generator().manual_seed(int(random_stream(SEED, *at).integers(2**63)))


def make_network():
    weights = np.random.default_rng(0)
    network = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 6))
    for parameter in network.parameters():
        parameter.data = torch.tensor(weights.uniform(-0.2, 0.2, parameter.shape)).float()
    return network


def view(x, generator):
    return x + 0.3 * torch.randn(x.shape, generator=generator)


# %%
# The loop. Two views of each row are looked at for re-labelling, and the first of them is trained on.
network = make_network()
optimizer = torch.optim.SGD(network.parameters(), lr=RATE, momentum=0.9, weight_decay=1e-4)
manager, sampler = LabelManager(epsilon=0.9), MinoritySampler(Y, random_state=SEED)
for epoch in range(EPOCHS):
    order = np.array_split(random_stream(SEED, "order", epoch).permutation(len(Y)), STEPS)
    drawn = np.array_split(np.array(list(sampler)), STEPS)
    for step, (random, minority) in enumerate(zip(order, drawn, strict=True)):
        views = []
        for rows, purpose in ((random, "view"), (minority, "partner view")):
            generator = torch_stream(purpose, epoch, step)
            views.append([view(X[rows], generator) for _ in range(2)])
        y_random, y_minority, weights = Y[random], Y[minority], None
        if epoch >= WARMUP:
            both = np.concatenate([random, minority])
            with torch.no_grad():
                looks = [torch.cat([network(x) for x in view]).sigmoid() for view in zip(*views, strict=True)]
            managed = manager.manage(losses[both], Y[both], looks)  # noqa: F821
            y_random, y_minority = np.split(managed.labels, [len(random)])
            weights = managed.weights[: len(random)]
        batches = (views[0][0], y_random), (views[1][0], y_minority)
        (x, y), _ = mixup(*batches, generator=torch_stream("mix", epoch, step))
        optimizer.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * (epoch + step / STEPS) / EPOCHS)) / 2
        optimizer.zero_grad()
        reliability_weighted_bce(network(x), y, weights).backward()
        optimizer.step()
    with torch.no_grad():
        logits = torch.cat([network(rows) for rows in X.split(len(X) // STEPS)])
    losses = reliability_weighted_bce(logits, Y, reduction="none")
    manager.fit(losses, Y)
    sampler.update(logits.sigmoid())

# %%
# The same by the class.
wrapped = make_network()
trained = BalanceMix(
    wrapped, epochs=EPOCHS, warmup=WARMUP, batch_size=50, learning_rate=RATE, epsilon=0.9, batch_view=view,
    device="cpu", random_state=SEED,
).fit(X, given, Y_true=data.Y)  # fmt: skip
same = all(torch.equal(a, b) for a, b in zip(network.parameters(), wrapped.parameters(), strict=True))
print(f"the same to the last digit: {same}")
print(trained.history_[-1])
print(trained.history_[-1].scores)
