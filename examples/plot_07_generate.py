"""
Keep a model, draw rows from it later
=====================================

``rarelabel resample -m mldm --save-model`` keeps what was learned in a file without any code in it, and
``rarelabel generate`` draws from it: as many rows as you like, with the labels and values that you name. Here is the
same from Python.
"""

# %%
# Scenes of overlaid digits; the 9 is rare. MLDM is trained for seconds only, to be quick.
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

from rarelabel import tasks
from rarelabel.datasets import load_digit_scenes, read, write

folder = Path(tempfile.mkdtemp())
write(load_digit_scenes(), folder / "scenes.arff")
quick = {"training_steps": 300, "width": 256, "learning_rate": 2e-3}
model = folder / "scenes.safetensors"
print(tasks.resample(folder / "scenes.arff", "MLDM", folder / "more.arff", quick, save_model=model))

# %%
# Later, perhaps on another computer: a hundred scenes with a 9 and without a 0. The command is
# ``rarelabel generate scenes.safetensors -n 100 --label digit_9=1 --label digit_0=0 -o nines.arff``.
print(tasks.generate(model, 100, folder / "nines.arff", {"digit_9": 1, "digit_0": 0}))

# %%
# What was asked for holds in every row of the file; the pixels are the model's.
nines = read(folder / "nines.arff")
assert nines.Y[:, 9].all()
assert not nines.Y[:, 0].any()
figure, axes = plt.subplots(2, 6, figsize=(9, 3.6))
for panel, image, labels in zip(axes.ravel(), nines.X, nines.Y, strict=False):
    panel.imshow(image.reshape(12, 12), cmap="gray_r", vmin=0, vmax=16)
    carried = [name[-1] for name, has in zip(nines.label_names, labels, strict=True) if has]
    panel.set(xticks=[], yticks=[], title=" + ".join(carried))
