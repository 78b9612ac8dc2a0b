"""
Tell methods apart over data sets
=================================

Five samplers beside doing nothing, several tables: which differences are more than chance? The tables here are made by
:func:`~rarelabel.datasets.make_imbalanced_multilabel`, so that this page is quick; take real ones for a verdict.
"""

# %%
# One score for each data set and method: macro F1 of nearest neighbours on a held-out third.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import f1_score
from sklearn.neighbors import KNeighborsClassifier

from rarelabel.datasets import make_imbalanced_multilabel
from rarelabel.evaluation import (
    bayesian_signed_rank,
    friedman,
    nemenyi,
    plot_critical_difference,
    score_table,
    wilcoxon_holm,
)
from rarelabel.model_selection import train_test_split
from rarelabel.registry import make_sampler

METHODS = ["none", "LPROS", "MLROS", "MLSMOTE", "MLSOL", "MLeNN"]


def macro_f1(method, data, seed):
    X, X_test, Y, Y_test = train_test_split(data.X, data.Y, test_size=1 / 3, random_state=seed)
    if method != "none":
        sampler = make_sampler(method)
        if "random_state" in sampler.get_params():
            sampler.set_params(random_state=seed)
        X, Y = sampler.fit_resample(X, Y)
    predicted = KNeighborsClassifier(n_neighbors=5).fit(X, Y).predict(X_test)
    return f1_score(Y_test, predicted, average="macro", zero_division=0)


tables = [make_imbalanced_multilabel(n_samples=300, random_state=seed)[0] for seed in range(12)]
scores = score_table(
    np.array([[macro_f1(method, data, seed) for method in METHODS] for seed, data in enumerate(tables)]),
    methods=METHODS,
    datasets=[f"table {seed}" for seed in range(len(tables))],
)
print(scores)

# %%
# Is there any difference at all?
print(friedman(scores))

# %%
# Which pairs differ? A bar joins those that the test does not tell apart.
plot_critical_difference(nemenyi(scores), figure=plt.figure())

# %%
# Against doing nothing, each sampler by itself.
print(wilcoxon_holm(scores, control="none"))

# %%
# And is there a gain of more than 0.01?
best = METHODS.index("MLSMOTE")
print(bayesian_signed_rank(scores.values[:, best], scores.values[:, 0], names=["MLSMOTE", "none"], random_state=0))
plt.show()
