"""MeanIR and SCUMBLE before and after a quarter of n new rows: MLDM's, and rows of S drawn with replacement.

    python imbalance.py > imbalance.md

reads ``fidelity.csv``, which ``fidelity.py`` writes.
"""

from pathlib import Path

from fidelity import DATA, means_of, read_lines

PUBLISHED = {"corel5k": "73.97", "emotions": "13.77"}
"""Reduction of MeanIR in per cent, as the paper's text has it (its figure 4); of other data sets it names none."""


def main():
    lines = read_lines(Path("fidelity.csv"))
    print(
        "# Imbalance before and after\n\n"
        "`imbalance.py`: rows given are 80 % of the table, seed 0. Reductions are in per cent, negative where the "
        "imbalance grew.\n"
    )
    headings = (
        "data", "MeanIR", "with MLDM", "less %", "bootstrap less %", "reference less %", "paper less %",
        "SCUMBLE", "with MLDM", "bootstrap", "reference",
    )  # fmt: skip
    print(f"| {' | '.join(headings)} |\n{'|---' * len(headings)}|")
    for name in DATA:
        found = {line["variant"]: means_of([line]) for line in lines if line["data"] == name and line["seed"] == "0"}
        if "paper" not in found:
            continue
        mldm = found["paper"]
        less = [
            f"{found[v]['mean_ir_reduction']:.1f}" if v in found else "-" for v in ("paper", "bootstrap", "reference")
        ]
        after = [f"{found[v]['scumble_after']:.3f}" if v in found else "-" for v in ("paper", "bootstrap", "reference")]
        before = [f"{mldm['mean_ir_before']:.2f}", f"{mldm['mean_ir_after']:.2f}"]
        cells = [*before, *less, PUBLISHED.get(name, "-"), f"{mldm['scumble_before']:.3f}", *after]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
