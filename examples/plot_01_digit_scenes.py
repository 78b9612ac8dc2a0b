"""
Digit scenes: the data set that needs no file
=============================================

Every example in this gallery can run on scenes of overlaid handwritten digits. This one shows what they look like and
how rare the rare labels are.
"""

# %%
# Scenes and labels
# -----------------
# A scene shows one to three digits; label l says that digit l is among them. We show one scene for every digit, from
# the common 0 to the rare 9: the first in which it is the largest.

import matplotlib.pyplot as plt
import numpy as np

from rarelabel.datasets import load_digit_scenes
from rarelabel.imbalance import ir_per_label, mean_ir

scenes = load_digit_scenes()
print(scenes)

figure, axes = plt.subplots(2, 5, figsize=(9, 4.2), layout="constrained")
for digit, axis in enumerate(axes.flat):
    scene = np.flatnonzero(scenes.Y[:, digit] & ~scenes.Y[:, digit + 1 :].any(axis=1))[0]
    axis.imshow(scenes.X[scene].reshape(12, 12), cmap="gray_r", vmin=0, vmax=16)
    axis.set_title("labels " + ", ".join(map(str, np.flatnonzero(scenes.Y[scene]))))
    axis.set_axis_off()
figure.suptitle("One scene for each digit")

# %%
# How rare
# --------
# Frequencies follow Zipf's law. The imbalance ratio of a label is the count of the most frequent label over its own:
# a classifier sees digit 0 dozens of times as often as digit 8.

frequency = scenes.Y.mean(axis=0)
ratio = ir_per_label(scenes.Y)

figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
bars = axis.bar(scenes.label_names, 100 * frequency, color=np.where(ratio > mean_ir(scenes.Y), "tab:red", "tab:blue"))
axis.bar_label(bars, [f"{value:.1f} %" for value in 100 * frequency])
axis.set_yscale("log")
axis.set_ylim(1, 150)
axis.set_ylabel("scenes with the label (%)")
axis.set_title(f"Label frequencies; MeanIR {mean_ir(scenes.Y):.1f}, labels above it in red")
axis.tick_params(axis="x", rotation=30)
plt.show()
