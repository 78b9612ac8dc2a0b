"""Fitting the label manager's mixtures: CPU, ours against a GaussianMixture of scikit-learn for each.

    python benchmarks/speed/label_manager.py [--rows 20000] [--labels 80] [--repeats 3] [--out label_manager.md]

Losses of clean labels are exponential (mean 0.2), those of wrong ones gamma (mean 2.8); a fifth is wrong. Both fit the
same 2 K mixtures in the same process, in turn. CPU is the least of the repeats:

- ``LabelManager.fit``: from the arrays of losses and labels, with all its checks;
- ``scikit-learn``: ``GaussianMixture(2)`` with the same ``reg_covar``; both end by ``tol=1e-3``, as they come;
- ``converged``: both with ``tol=1e-9``; there the mixtures are compared.

A likelihood has several maxima. Two mixtures are "the same" where their mean log-likelihoods differ by less than 1e-4.
"""

import argparse
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
from scipy.stats import norm
from sklearn.mixture import GaussianMixture

from rarelabel.augmentation import LabelManager

REG_COVAR = 0.01  # the label manager's own, for both


def made_up(n, n_labels):
    rng = np.random.default_rng(0)
    Y = rng.random((n, n_labels)) < np.geomspace(0.3, 0.003, n_labels)
    wrong = rng.random(Y.shape) < 0.2
    return Y, np.where(wrong, rng.gamma(4, 0.7, Y.shape), rng.exponential(0.2, Y.shape))


CONVERGED = {"tol": 1e-9, "max_iter": 5000}


def ours(losses, Y, **settings):
    return LabelManager(reg_covar=REG_COVAR, **settings).fit(losses, Y)


def one_by_one(losses, Y, **settings):
    """A mixture for each label and value."""
    return {
        (label, value): GaussianMixture(2, random_state=0, reg_covar=REG_COVAR, **settings).fit(
            losses[Y[:, label] == value][:, [label]]
        )
        for label in range(Y.shape[1])
        for value in (False, True)
    }


def agreement(manager, references, losses, Y):
    """How ours relates to scikit-learn's: same maximum, likelier, less likely, and the largest difference of p_G."""
    counts, difference = {"same": 0, "likelier": 0, "less likely": 0}, 0.0
    mixtures = manager.mixtures_
    for (label, value), reference in references.items():
        x = losses[Y[:, label] == value][:, [label]]
        k = manager.mixture_[int(value), label]
        joint = np.log(mixtures.weights[:, k]) + norm.logpdf(x, mixtures.means[:, k], mixtures.variances[:, k] ** 0.5)
        gain = np.logaddexp(*joint.T).mean() - reference.score(x)
        kind = "same" if abs(gain) < 1e-4 else "likelier" if gain > 0 else "less likely"
        counts[kind] += 1
        if kind == "same":
            p = reference.predict_proba(x)[:, reference.means_[:, 0].argmin()]
            difference = max(difference, np.abs(mixtures.posterior(x[:, 0], k) - p).max())
    return counts, difference


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--labels", type=int, default=80)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    Y, losses = made_up(arguments.rows, arguments.labels)
    ways = {
        "`LabelManager.fit`": ours,
        "scikit-learn": one_by_one,
        "`LabelManager.fit`, converged": partial(ours, **CONVERGED),
        "scikit-learn, converged": partial(one_by_one, **CONVERGED),
    }
    seconds, fitted = {way: [] for way in ways}, {}
    for repeat in range(arguments.repeats):
        for way, fit in ways.items():
            start = time.process_time()
            fitted[way] = fit(losses, Y)
            seconds[way].append(time.process_time() - start)
        sys.stderr.write(f"{repeat + 1} of {arguments.repeats}\n")
    best = {way: min(values) for way, values in seconds.items()}
    counts, difference = agreement(
        fitted["`LabelManager.fit`, converged"], fitted["scikit-learn, converged"], losses, Y
    )
    lines = [
        f"# {2 * arguments.labels} mixtures of two normal distributions: CPU seconds",
        "",
        f"`python benchmarks/speed/label_manager.py --rows {arguments.rows} --labels {arguments.labels} "
        f"--repeats {arguments.repeats}` (which says what the rows mean).",
        f"{arguments.rows:,} rows, {arguments.labels} labels, one thread.",
        "",
        "| | CPU s | times ours |",
        "|---|---|---|",
        *(f"| {way} | {cpu:.2f} | {cpu / best['`LabelManager.fit`']:.1f} |" for way, cpu in best.items()),
        "",
        f"Converged, beside scikit-learn: {counts['same']} mixtures are the same (largest difference of a p_G: "
        f"{difference:.0e}), {counts['likelier']} are likelier, {counts['less likely']} less likely.",
    ]
    text = "\n".join(lines) + "\n"
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
