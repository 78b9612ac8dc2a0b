"""Pictures of the user guide, from the tables of ``ucmerced.py``: with embeddings, and from random weights.

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


def length_picture(short, long):
    """mAP after short (hollow) and long training (full) under each kind of noise, an arrow from one to the other."""
    figure = Figure(figsize=(7, 3.8), layout="constrained")
    ax = figure.add_subplot()
    kinds = list(dict.fromkeys(line["noise"] for line in read(Path("embeddings.csv"))))
    for number, method in enumerate(("bce", "mixup", "asl", "balancemix")):
        name, marker, colour = METHODS[method]
        ax.plot([], [], marker, color=colour, label=name)
        for at, kind in enumerate(kinds):
            x = at + 0.17 * (number - 1.5)
            before, after = (
                [100 * float(line["map"]) for line in lines if (line["noise"], line["method"]) == (kind, method)]
                for lines in (short, long)
            )
            if not (before and after):
                continue
            before, after = np.mean(before), np.mean(after)
            ax.annotate("", (x, after), (x, before), arrowprops={"arrowstyle": "-", "color": colour, "alpha": 0.6})
            ax.plot(x, before, marker, color=colour, markerfacecolor="white", markersize=5)
            ax.plot(x, after, marker, color=colour, markersize=6)
    ax.set(ylabel="mAP of the test pictures, %", ylim=(20, 100))
    ax.set_xticks(range(len(kinds)), kinds)
    ax.grid(axis="y", alpha=0.3)
    ax.legend(frameon=False, loc="lower left", title="hollow: 40 epochs, full: 200")
    return figure


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def main():
    mpl.rcParams["svg.hashsalt"] = "rarelabel"  # the same bytes from the same table
    short = [line for line in read(Path("scratch.csv")) if line["epochs"] == "40"]
    for name, figure in (
        ("balancemix_ucmerced", noise_picture(read(Path("embeddings.csv")))),
        ("balancemix_length", length_picture(short, read(Path("long.csv")))),
    ):
        figure.savefig(Path(sys.argv[1]) / f"{name}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
