"""What each part of AEMLO does: terms of the loss, both-encoder decoding, noise, interpolation, the threshold rule.

    cd benchmarks/paper/aemlo; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python ablation.py ablation.csv --data yeast corel5k --seeds 1 > ablation.md

Every line is the default (``paper``) with one thing changed; ``recall.py`` says what is measured, and the two may share
a CSV file.
"""

import argparse
import warnings
from pathlib import Path

from recall import print_table, run, runs_of

ABLATIONS = (
    "paper",
    "paper:latent_weight=0",
    "paper:orthogonality=0",
    "paper:ranking_weight=0",
    "paper:label_weight=0",
    "paper:label_weight=1",
    "paper:feature_weight=0",
    "paper:decoded_from=labels",
    "paper:decoded_from=features",
    "paper:latent_noise=0",
    "paper:latent_noise=0.3",
    "paper:interpolation=0",
    "paper:interpolation=1",
    "paper:latent_noise=0,interpolation=0",
    "paper:label_threshold=cardinality",
    "paper:label_threshold=0.5",
    "paper:label_threshold=0.5,label_weight=0,decoded_from=labels,latent_noise=0,interpolation=0",
    "reference",
)


HEADINGS = (
    "new rows", "recall", "accepted", "distinct", "cardinality", "W1/sigma", "C2ST", "copies", "distance", "steps", "s",
)  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("csv", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--data", nargs="+", default=["yeast"])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    jobs = (
        {"data": name, "variant": variant, "seed": seed}
        for seed in range(options.seeds)
        for name in options.data
        for variant in ABLATIONS
    )
    lines = run(options.csv, jobs)
    print("# The parts of AEMLO\n")
    print("`ablation.py` and `recall.py` say what is measured. Means over the seeds; s: CPU seconds of one thread.")
    for name in options.data:
        print_table(name, "variant", {variant: runs_of(lines, name, variant) for variant in ABLATIONS}, HEADINGS)


if __name__ == "__main__":
    main()
