"""What each part of AEMLO does: terms of the loss, both-encoder decoding, noise, interpolation, the threshold rule.

    cd benchmarks/paper/aemlo; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python ablation.py ablation.csv --data yeast corel5k --seeds 1 > ablation.md

Every line is the default with one thing changed; ``recall.py`` says what is measured, and the two may share a CSV file.
"""

import argparse
import warnings
from pathlib import Path

from recall import run, write_table

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
    write_table(run(options.csv, jobs), ABLATIONS, options.data)


if __name__ == "__main__":
    main()
