"""What a network knows of missing positives when warm-up ends: why an epsilon of 0.55 fails on UC Merced.

One positive of each picture is kept. After the warm-up of the paper's settings (see ucmerced.py) all training pictures
are predicted; the table has the mean confidence of kept and missing positives and of negatives, and the shares above
0.55 and below 0.45, which Eq. 9 turns to 1 and 0 where the mixtures doubt a label. Takes half a minute.

    cd benchmarks/paper/balancemix; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python confidences.py ucmerced.npz > confidences.md
"""

import sys

import numpy as np
from embeddings import make_network, plain, read_embeddings, view
from features import NOISE

from rarelabel.augmentation import BalanceMix

EPOCHS, WARMUP, SEEDS = 20, 5, 3


def confidences(train, given, seed):
    """Of all training pictures, when warm-up ends."""
    network = make_network(train[0].shape[-1], train.Y.shape[1], seed)
    trainer = BalanceMix(network, epochs=EPOCHS, warmup=WARMUP, view=view, transform=plain, random_state=seed)
    done = []
    trainer.fit(train.take(Y=given), progress=done.append, cancel=lambda: len(done) == WARMUP)
    return trainer.predict_proba(train)


def main():
    train = read_embeddings(sys.argv[1])[0]
    lines = {}
    for seed in range(SEEDS):
        given = NOISE["single positive"](train.Y, seed).Y
        f = confidences(train, given, seed)
        for name, labels in (("kept", given), ("missing", train.Y & ~given), ("negatives", ~train.Y)):
            values = f[labels]
            lines.setdefault(name, []).append((values.mean(), (values > 0.55).mean(), (values < 0.45).mean()))
    per_picture = train.Y.sum(axis=1).mean()
    print("# Confidences with single positives, when warm-up ends\n")
    print(
        f"`confidences.py`: mean of {SEEDS} seeds; {per_picture:.1f} positives in a picture, one of them kept; "
        f"{WARMUP} epochs.\n"
    )
    print("| labels | mean | above 0.55 | below 0.45 |\n|---|---|---|---|")
    for name, found in lines.items():
        mean, above, below = np.mean(found, axis=0)
        print(f"| {name} | {mean:.2f} | {above:.1%} | {below:.1%} |")


if __name__ == "__main__":
    main()
