"""
Draw rows with rare labels
==========================

A diffusion model learns the rows with rare labels and draws new ones: for a label that you name, or as many for each
rare label as the table has too few.
"""

# %%
# A table in which two labels are rare: each has its own place, and one of them is a ring.
import matplotlib.pyplot as plt
import numpy as np

from rarelabel import MLDM
from rarelabel.metrics import fidelity_report

rng = np.random.default_rng(0)
Y = (rng.random((1200, 3)) < [0.9, 0.1, 0.07]).astype(int)
Y[Y[:, 1] == 1, 2] = 0
angle = rng.uniform(0, 2 * np.pi, 1200)
X = rng.normal(size=(1200, 2))
ring, corner = Y[:, 1] == 1, Y[:, 2] == 1
X[ring] = 4 * np.column_stack([np.cos(angle), np.sin(angle)])[ring] + 0.3 * X[ring]
X[corner] = [5, 5] + 0.4 * X[corner]

# %%
# Train, and look at the loss of held-out rows. It stops falling when rows begin to be learned by heart.
model = MLDM(width=64, training_steps=800, learning_rate=2e-3, random_state=0).fit(X, Y)
steps, loss, held_out = model.loss_history_.T
figure, axes = plt.subplots()
axes.plot(steps, loss, label="training")
axes.plot(steps, held_out, label="held out")
axes.set(xlabel="step", ylabel="loss")
axes.legend()

# %%
# Rows for each of the two rare labels. A row between two others, as interpolation makes it, could lie inside the ring.
figure, axes = plt.subplots(1, 2, sharex=True, sharey=True, figsize=(8, 4))
for label, panel in zip(("y1", "y2"), axes, strict=True):
    X_new, _ = model.sample(150, {label: 1})
    panel.scatter(*X.T, s=4, color="0.8")
    panel.scatter(*X_new.T, s=8, color="C3")
    panel.set(title=f"150 rows with {label}")

# %%
# Are they like the rows with rare labels, and are they new?
rare = Y[:, 1:].any(axis=1)
print(fidelity_report((X[rare], Y[rare]), model.sample(300), random_state=0))
