"""Rows drawn under ``{label: 1}`` for rare labels: do they carry it, do they look like the rows that carry it?

    cd benchmarks/paper/mldm; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python conditions.py --data yeast corel5k --seeds 1

writes ``conditions.csv``, going on where it ended before, and ``conditions.md``. MLDM is fitted to all rows with its
defaults, or another threshold. Labels are the five rarest, and the five rarest on at least five rows, which are enough
to be compared with. MMD (squared, unbiased) of features between 200 drawn rows and the rows that carry the label,
between the same drawn rows and equally many rows without it, and between the latter two, 20 times anew. Columns are
divided by their ranges, kernels are Gaussian, of one width for the whole table: the median distance of its rows.
Closer: how many of the 20 times the rows with the label were nearer to the drawn ones than the others. Copies: drawn
rows whose features equal those of a row of the table.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from fidelity import means_of, read_data, run_missing
from scipy.spatial.distance import pdist

from rarelabel import MLDM
from rarelabel.imbalance import ir_per_label, mean_ir
from rarelabel.metrics import row_hashes

SHOWN = {
    "IRLbl / MeanIR": "ir", "rows with it": "n_with", "drawn": "n_drawn", "carry it": "share",
    "MMD to rows with it": "mmd_with", "to others": "mmd_others", "rows with it to others": "mmd_real",
    "closer of 20": "closer", "copies": "copies",
}  # fmt: skip
"""Heading to column of the CSV file."""


def rarest(Y, at_least):
    """The five rarest labels on so many rows, the rarest first."""
    counts = Y.sum(axis=0)
    by_count = np.argsort(counts, kind="stable")
    return by_count[counts[by_count] >= at_least][:5]


def dense(X):
    return X.toarray() if hasattr(X, "toarray") else X


def measure(data, seed, threshold):
    """A line for each label."""
    dataset = read_data(data)
    X, Y, names, rng = dense(dataset.X), dataset.Y, dataset.schema.label_names, np.random.default_rng(seed)
    ratios, start = ir_per_label(Y) / mean_ir(Y), time.process_time()
    model = MLDM(random_state=seed, threshold=threshold).fit(dataset.X, Y, schema=dataset.schema)
    seconds = round(time.process_time() - start, 1)
    ranges = np.where(np.ptp(X, axis=0) > 0, np.ptp(X, axis=0), 1)
    width = np.median(pdist(X[rng.permutation(len(X))[:1000]] / ranges))
    for label in dict.fromkeys([*rarest(Y, 5), *rarest(Y, 1)]):
        X_new, Y_new = model.sample(200, {names[label]: 1})
        X_new, with_it = dense(X_new), np.flatnonzero(Y[:, label])
        without = np.flatnonzero(~Y[:, label])
        others = [rng.choice(without, len(with_it), replace=False) for _ in range(20)]
        near = mmd(X_new / ranges, X[with_it] / ranges, width)
        far = np.array([mmd(X_new / ranges, X[rows] / ranges, width) for rows in others])
        apart = np.mean([mmd(X[with_it] / ranges, X[rows] / ranges, width) for rows in others])
        yield {
            "label": names[label], "ir": ratios[label], "n_with": len(with_it), "n_drawn": len(Y_new),
            "share": Y_new[:, label].mean(),
            "mmd_with": near, "mmd_others": np.mean(far), "mmd_real": apart,
            "closer": (near < far).sum() if len(with_it) > 1 else np.nan,
            "copies": np.isin(row_hashes(X_new), row_hashes(X)).mean(), "bandwidth": width, "seconds": seconds,
        }  # fmt: skip


def mmd(A, B, width):
    """Squared maximum mean discrepancy, unbiased (Gretton et al. 2012, equation 3); NaN with fewer than two rows."""

    def kernels(left, right):
        squared = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
        return np.exp(-squared / (2 * width**2))

    within = [(kernels(rows, rows).sum() - len(rows)) / (len(rows) * (len(rows) - 1) or np.nan) for rows in (A, B)]
    return sum(within) - 2 * kernels(A, B).mean()


def write_table(path, lines):
    with path.open("w") as file:
        print(
            "# Rows drawn under conditions\n\n`conditions.py` says what is measured. Means over the seeds.\n", file=file
        )
        print(f"| data | threshold | label | seeds | {' | '.join(SHOWN)} |\n{'|---' * (len(SHOWN) + 4)}|", file=file)
        keys = ("data", "threshold", "label")
        for key in dict.fromkeys(tuple(line[part] for part in keys) for line in lines):
            mine = [line for line in lines if tuple(line[part] for part in keys) == key]
            means = means_of(mine)
            values = (
                f"{means[column]:.{0 if column in ('n_with', 'n_drawn', 'closer') else 3}f}".replace("nan", "-")
                for column in SHOWN.values()
            )
            print(f"| {' | '.join(key)} | {len(mine)} | {' | '.join(values)} |", file=file)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", nargs="+", default=["yeast", "corel5k", "bibtex"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threshold", type=float, default=1.0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    jobs = (
        {"data": name, "seed": seed, "threshold": options.threshold}
        for seed in range(options.seeds)
        for name in options.data
    )
    write_table(Path("conditions.md"), run_missing(Path("conditions.csv"), jobs, measure))


if __name__ == "__main__":
    main()
