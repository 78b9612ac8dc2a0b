"""Pictures of the user guide, from the tables of ``crossover.py`` and ``studies.py``.

python pictures.py ../../../docs/user_guide
"""

import sys
from pathlib import Path

import matplotlib as mpl
from fidelity import read_lines
from matplotlib.figure import Figure

COLOURS = {"MLDM": "#d55e00", "MLSMOTE": "#0072b2", "MLSOL": "#009e73"}


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


def budget(lines):
    figure = Figure(figsize=(7, 3.4), layout="constrained")
    ax = figure.add_subplot()
    for number, data in enumerate(dict.fromkeys(line["data"] for line in lines)):
        for rows, style in {"MLDM": "o-", "bootstrap": "x:"}.items():
            mine = [line for line in lines if (line["data"], line["rows"]) == (data, rows)]
            shares = [100 * float(line["share"]) for line in mine]
            less = [float(line["mean_ir_reduction"]) for line in mine]
            name = f"{data}, {'MLDM' if rows == 'MLDM' else 'rows of S drawn again'}"
            ax.plot(shares, less, style, color=f"C{number}", label=name, markersize=4)
    ax.set(xlabel="new rows, % of n", ylabel="MeanIR, % less", ylim=(0, None))
    ax.grid(alpha=0.3)
    figure.legend(frameon=False, fontsize="small", loc="outside right center")
    return figure


def main():
    folder = Path(sys.argv[1])
    mpl.rcParams["svg.hashsalt"] = "rarelabel"  # the same bytes from the same table
    crossover(read_lines(Path("crossover.csv"))).savefig(folder / "mldm_crossover.svg", metadata={"Date": None})
    budget(read_lines(Path("budget.csv"))).savefig(folder / "mldm_budget.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
