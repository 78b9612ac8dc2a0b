"""
Where new rows land
===================

Two features, three labels. The frequent label lies on the left, the second overlaps it, the rare one sits in two
clumps, one of them inside the frequent label's region. What each over-sampler adds for the rare label shows what it
believes: clones stand on their seeds, MLSMOTE fills the segments between rows with the rare label, MLSOL works where
the rare label meets the others, and REMEDIAL adds nothing new in X but takes labels apart.
"""

import matplotlib.pyplot as plt
import numpy as np

from rarelabel import MLROS, MLSMOTE, MLSOL, REMEDIAL, MLRkNNOS
from rarelabel.imbalance import mean_ir, scumble

rng = np.random.default_rng(0)
frequent = rng.normal([-1, 0], [1.0, 1.0], size=(300, 2))
second = rng.normal([1.2, 0.3], [0.8, 0.8], size=(120, 2))
rare = np.vstack([rng.normal([2.4, 2.2], 0.6, size=(10, 2)), rng.normal([-0.8, -1.0], 0.6, size=(8, 2))])
X = np.vstack([frequent, second, rare])
Y = np.zeros((len(X), 3), dtype=int)
Y[:300, 0] = 1
Y[300:420, 1] = 1
Y[420:, 2] = 1
Y[430:, 0] = 1  # the second clump also carries the frequent label
print(f"MeanIR {mean_ir(Y):.1f}, SCUMBLE {scumble(Y):.3f}")

# %%
# The same budget for all that have one: sixty rows for the rare label.

samplers = [
    MLROS(sampling_strategy={2: 60}, random_state=0),
    MLSMOTE(sampling_strategy={2: 60}, random_state=0),
    MLSOL(sampling_strategy={2: 60}, random_state=0),
    MLRkNNOS(sampling_strategy={2: 60}, random_state=0),
    REMEDIAL(),
]
colours = {"frequent": "#bdbdbd", "second": "#9ecae1", "rare": "#0072b2", "new": "#d55e00"}

figure, axes = plt.subplots(2, 3, figsize=(10.5, 6.4), sharex=True, sharey=True, layout="constrained")


def draw_originals(ax):
    ax.set(xlim=(-3, 4), ylim=(-2.6, 3.8))
    ax.scatter(*X[:300].T, s=9, color=colours["frequent"], label="frequent label")
    ax.scatter(*X[300:420].T, s=9, color=colours["second"], label="second label")
    ax.scatter(*X[420:].T, s=26, color=colours["rare"], label="rare label", zorder=3)


draw_originals(axes.flat[0])
axes.flat[0].set_title("as it is")
for ax, sampler in zip(axes.flat[1:], samplers, strict=True):
    X_res, Y_res = sampler.fit_resample(X, Y)
    new = sampler.is_synthetic_
    draw_originals(ax)
    jitter = rng.normal(scale=0.03, size=(new.sum(), 2)) if hasattr(sampler, "sample_indices_") else 0
    ax.scatter(*(X_res[new] + jitter).T, s=16, marker="x", linewidth=1, color=colours["new"], zorder=4, label="new row")
    ax.set_title(f"{type(sampler).__name__}: {new.sum()} new, MeanIR {mean_ir(Y_res):.1f}")
handles, labels = axes.flat[1].get_legend_handles_labels()
figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
plt.show()

# %%
# Clones and REMEDIAL's copies are drawn a little off their seeds. How many of the new rows carry the frequent label
# besides, which is what raises SCUMBLE:

for sampler in samplers:
    X_res, Y_res = sampler.fit_resample(X, Y)
    new = sampler.is_synthetic_
    print(f"{type(sampler).__name__:9} {Y_res[new, 0].mean():5.0%}   SCUMBLE {scumble(Y):.3f} -> {scumble(Y_res):.3f}")
