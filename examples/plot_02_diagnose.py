"""
See how imbalanced a table is
=============================

Which labels are rare, and do they share their rows with frequent ones? The answers decide whether resampling can help
and which method to try.
"""

# %%
# Digit scenes are small pictures that show one or more digits, some of them rarely.
import matplotlib.pyplot as plt

from rarelabel.datasets import load_digit_scenes
from rarelabel.imbalance import describe

data = load_digit_scenes()
report = describe(data.X, data.Y, schema=data.schema)
print(report)

# %%
# Rows per label. Vermilion labels are minority labels: their imbalance ratio is above the mean.
report.plot("LB", figure=plt.figure(figsize=(8, 5), layout="constrained"))

# %%
# How many labels a row carries.
report.plot("CH", figure=plt.figure(figsize=(8, 4), layout="constrained"))

# %%
# Who comes with whom: of the rows that carry the label on the left, the share that also carries the one below.
# A minority label whose row is bright drags a frequent label along whenever its rows are cloned.
report.plot("CO", figure=plt.figure(figsize=(7, 7), layout="constrained"))

# %%
# The same as chords, as wide as the number of rows that two labels share.
report.plot("LC", figure=plt.figure(figsize=(7, 7), layout="constrained"))

# %%
# Numbers to compute with: one row for each label.
print(report.to_frame().sort_values("irlbl", ascending=False).round(3))
plt.show()
