"""
Does resampling help on my data?
================================

Three samplers beside doing nothing, class weights and tuned thresholds, on rows that are held out.
:func:`~rarelabel.evaluation.compare` resamples the training rows of each fold only.
"""

import matplotlib.pyplot as plt
import numpy as np

from rarelabel.datasets import load_digit_scenes
from rarelabel.evaluation import compare, summarize

scenes = load_digit_scenes(600)
results = compare(scenes, ["mlros", "mlsmote", "mlsmote+thresholds"], ["br-logistic", "mlknn"], cv="1x3")

# %%
# The verdict, in words. ± is half of a 95 % interval that allows for the training rows which folds share: with three
# folds it is wide, and the honest answer is often that there is no telling.

print(summarize(results))

# %%
# The same gains, fold by fold. Every point is a fold and a classifier; the approach is better than doing nothing on
# the right of the line.

approaches = [name for name in results.approaches if name != "none"]
figure, ax = plt.subplots(figsize=(6.4, 2.8), layout="constrained")
for at, approach in enumerate(approaches):
    for pairs, marker in zip(results.paired("macro_f1", approach), "os", strict=True):
        label = pairs.block.classifier if at == 0 else None
        ax.plot(pairs.differences, np.full(len(pairs.differences), at), marker, alpha=0.7, color="C0", label=label)
ax.axvline(0, color="0.4", linewidth=1)
ax.set(yticks=range(len(approaches)), yticklabels=approaches, xlabel="macro F1 minus that of doing nothing")
ax.invert_yaxis()
ax.legend(loc="best")
plt.show()

# %%
# A report with all measures, every label, and what the new rows are like goes into one HTML file:
#
# .. code-block:: python
#
#     from rarelabel.evaluation import write_report
#
#     write_report(results, "report.html")
