"""Pictures of the user guide, from the tables of ``crossover.py`` and ``studies.py``.

python pictures.py ../../../docs/user_guide
"""

import sys
from pathlib import Path

import matplotlib as mpl
from fidelity import read_lines
from matplotlib.figure import Figure

COLOURS = {"MLDM": "#d55e00", "MLSMOTE": "#0072b2", "MLSOL": "#009e73"}
MARKS = {"yeast": "o-", "emotions": "s--", "birds": "^:"}


def crossover(lines):
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    ax = figure.add_subplot()
    for method, colour in COLOURS.items():
        mine = sorted((int(line["n"]), float(line["seconds"])) for line in lines if line["method"] == method)
        ax.loglog(*zip(*mine, strict=True), "o-", color=colour, label=method)
    ax.set(xlabel="rows of the table", ylabel="CPU seconds")
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    return figure


def drawing_steps(lines):
    figure = Figure(figsize=(7.5, 2.8), layout="constrained")
    panels = {"wasserstein": "W1 / sigma", "c2st_auc": "C2ST AUC", "seconds": "CPU seconds of drawing"}
    for ax, (column, heading) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        for data in dict.fromkeys(line["data"] for line in lines):
            mine = [(int(line["sampling_steps"]), float(line[column])) for line in lines if line["data"] == data]
            ax.semilogx(*zip(*mine, strict=True), MARKS[data], label=data, markersize=4)
        ax.axvline(25, color="0.7", linewidth=0.8, zorder=0)
        ax.set(title=heading, xlabel="drawing steps")
    ax.legend(frameon=False)
    return figure


def main():
    folder = Path(sys.argv[1])
    mpl.rcParams["svg.hashsalt"] = "rarelabel"  # the same bytes from the same table
    crossover(read_lines(Path("crossover.csv"))).savefig(folder / "mldm_crossover.svg", metadata={"Date": None})
    drawing_steps(read_lines(Path("drawing_steps.csv"))).savefig(folder / "mldm_steps.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
