"""Five folds by iterative stratification: CPU and balance, ours against the package iterative-stratification.

    python benchmarks/speed/split.py [FOLDER] [--repeats 3] [--out benchmarks/speed/split.md]

FOLDER holds MULAN files (``NAME.arff.gz`` and ``NAME.xml``); without it only made-up labels are split. Both packages
split the same labels in the same process, in turn. CPU is the least of the repeats; balance is their mean:

- ``rows off``: mean over labels and folds of |positives - positives / folds|;
- ``worst rate``: the greatest difference of a label's rate in a fold from its rate in all rows;
- ``pairs off``: as ``rows off``, over the pairs of labels that occur together;
- ``sizes``: rows of the smallest and the largest fold.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from iterstrat.ml_stratifiers import MultilabelStratifiedKFold as Reference
from scipy import sparse
from sklearn.model_selection import KFold

from rarelabel.datasets import read
from rarelabel.model_selection import MultilabelStratifiedKFold

FOLDS = 5
SPLITTERS = {
    "rarelabel, order 1": lambda seed: MultilabelStratifiedKFold(FOLDS, random_state=seed),
    "rarelabel, order 2": lambda seed: MultilabelStratifiedKFold(FOLDS, order=2, random_state=seed),
    "iterative-stratification": lambda seed: Reference(FOLDS, shuffle=True, random_state=seed),
    "KFold (by chance)": lambda seed: KFold(FOLDS, shuffle=True, random_state=seed),
}


def made_up(n, q):
    """Zipf-like label frequencies, independent."""
    return np.random.default_rng(0).random((n, q)) < 0.3 / np.arange(1, q + 1)


def fold_of_row(splitter, Y):
    fold = np.empty(len(Y), dtype=int)
    for number, (_, test) in enumerate(splitter.split(np.zeros((len(Y), 1)), Y)):
        fold[test] = number
    return fold


def pair_counts(Y):
    indicators = sparse.csr_array(Y, dtype=np.int32)
    return sparse.triu(indicators.T @ indicators, 1).tocsr()


def balance(fold, Y):
    sizes = np.bincount(fold)
    counts = np.array([Y[fold == number].sum(axis=0) for number in range(FOLDS)])
    pairs = pair_counts(Y)
    off = sum(abs(pair_counts(Y[fold == number]) - pairs / FOLDS).sum() for number in range(FOLDS))
    return (
        np.abs(counts - Y.sum(axis=0) / FOLDS).mean(),
        np.abs(counts / sizes[:, None] - Y.mean(axis=0)).max(),
        off / (FOLDS * max(pairs.nnz, 1)),
        sizes.min(),
        sizes.max(),
    )


def measure(name, Y, repeats):
    """One line of the table for each splitter, the CPU of ours as a ratio to the reference's."""
    seconds = {splitter: [] for splitter in SPLITTERS}
    balances = {splitter: [] for splitter in SPLITTERS}
    for seed in range(repeats):
        for splitter, make in SPLITTERS.items():
            start = time.process_time()
            fold = fold_of_row(make(seed), Y)
            seconds[splitter].append(time.process_time() - start)
            balances[splitter].append(balance(fold, Y))
    reference = min(seconds["iterative-stratification"])
    for splitter in SPLITTERS:
        values = np.array(balances[splitter])
        off, rate, pairs = values[:, :3].mean(axis=0)
        least, most = values[:, 3].min(), values[:, 4].max()
        cpu = min(seconds[splitter])
        yield (
            f"| {name} | {len(Y):,} x {Y.shape[1]} | {splitter} | {cpu:.3f} | {cpu / reference:.2f} "
            f"| {off:.3f} | {rate:.4f} | {pairs:.3f} | {least:,.0f} - {most:,.0f} |"
        )


def tables(folder):
    yield "made up", made_up(20_000, 200)
    for path in sorted(Path(folder).glob("*.arff.gz")) if folder else ():
        name = path.name.removesuffix(".arff.gz")
        if not name.endswith(("-train", "-test")):
            yield name, read(path).Y


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # rare labels are named by ours, not by the others
    lines = [
        "# Five folds: CPU seconds and balance",
        "",
        f"`python benchmarks/speed/split.py FOLDER --repeats {arguments.repeats}` (which says what the columns mean).",
        "Ratio: CPU over that of iterative-stratification on the same labels in the same run.",
        "",
        "| labels | rows x labels | splitter | CPU s | ratio | rows off | worst rate | pairs off | sizes |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, Y in tables(arguments.folder):
        lines += measure(name, Y, arguments.repeats)
        sys.stderr.write(f"{name}\n")
    text = "\n".join(lines) + "\n"
    if arguments.out:
        arguments.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
