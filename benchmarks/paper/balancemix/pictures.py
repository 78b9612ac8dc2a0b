"""Picture of the user guide, from the table of ``ucmerced.py`` with embeddings.

python pictures.py ../../../docs/user_guide
"""

import csv
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

METHODS = {
    "bce": ("cross-entropy", "o", "#0072b2"),
    "mixup": ("Mixup", "s", "#56b4e9"),
    "asl": ("asymmetric loss", "^", "#009e73"),
    "balancemix": ("BalanceMix", "D", "#d55e00"),
    "balancemix:trusted=positives,epsilon=0.975": ("BalanceMix, positives trusted", "D", "#e69f00"),
}


def noise_picture(lines):
    """mAP of each method under each kind of noise; bars are standard errors."""
    figure = Figure(figsize=(7, 3.8), layout="constrained")
    ax = figure.add_subplot()
    kinds = list(dict.fromkeys(line["noise"] for line in lines))
    for number, (method, (name, marker, colour)) in enumerate(METHODS.items()):
        of_kind = [
            [100 * float(line["map"]) for line in lines if (line["noise"], line["method"]) == (kind, method)]
            for kind in kinds
        ]
        means = [np.mean(values) for values in of_kind]
        errors = [np.std(values, ddof=1) / len(values) ** 0.5 for values in of_kind]
        at = np.arange(len(kinds)) + 0.13 * (number - 2)
        ax.errorbar(at, means, errors, fmt=marker, color=colour, label=name, markersize=5, capsize=2)
    ax.set(ylabel="mAP of the test pictures, %", ylim=(20, 100))
    ax.set_xticks(range(len(kinds)), kinds)
    ax.grid(axis="y", alpha=0.3)
    ax.legend(frameon=False, loc="lower left")
    return figure


def main():
    mpl.rcParams["svg.hashsalt"] = "rarelabel"  # the same bytes from the same table
    with Path("embeddings.csv").open(newline="") as file:
        figure = noise_picture(list(csv.DictReader(file)))
    figure.savefig(Path(sys.argv[1]) / "balancemix_ucmerced.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
