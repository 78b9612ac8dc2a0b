"""UC Merced where every method has the learning rate that suits it, not the paper's: what remains of the differences?

For each kind of noise and each method the rate, and where labels are managed the warm-up, are those with the best mAP
on a fifth of the training pictures whose labels are right (one seed); trained on all of them with these, it is judged
by the test pictures. Only who has pictures with checked labels can choose like this.

    cd benchmarks/paper/balancemix; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python tuned.py validation.csv tuned.csv --embeddings ucmerced.npz --seeds 3 > tuned.md
"""

import sys
from itertools import product
from pathlib import Path

from ucmerced import NOISE, cell, parse, run_missing

METHODS = ("bce", "mixup", "asl", "balancemix", "balancemix:trusted=positives,epsilon=0.975")
RATES = (0.001, 0.002, 0.005, 0.01, 0.02)
WARMUPS = (5, 10)


def candidates(method):
    """The method with every setting to choose from."""
    warmups = WARMUPS if method.startswith("balancemix") else (None,)
    for rate, warmup in product(RATES, warmups):
        own = f"learning_rate={rate}" + ("" if warmup is None else f",warmup={warmup}")
        yield f"{method}{',' if ':' in method else ':'}{own}"


def main():
    validation, test = Path(sys.argv[1]), sys.argv[2:]
    options = parse([str(validation), *test[1:], "--validation"])
    options.seeds, options.methods = 1, [each for method in METHODS for each in candidates(method)]
    lines = run_missing(options)
    rows = {method: [] for method in METHODS}
    for noise in NOISE:
        seen = {line["method"]: float(line["map"]) for line in lines if line["noise"] == noise}
        chosen = {method: max(candidates(method), key=seen.get) for method in METHODS}
        options = parse(test)
        options.noise, options.methods = [noise], list(chosen.values())
        found = [line for line in run_missing(options) if line["noise"] == noise]
        for method, best in chosen.items():
            mine = [line for line in found if line["method"] == best]
            settings = dict(pair.split("=") for pair in best.partition(":")[2].split(","))
            shown = ", ".join(settings[name] for name in ("learning_rate", "warmup") if name in settings)
            rows[method].append(f"{cell(mine, 'map')} ({shown})")
    print("# UC Merced, learning rates chosen\n")
    print("`tuned.py`: mAP of the test pictures, mean and standard error; in brackets rate and warm-up of 20 epochs.\n")
    print(f"| method | {' | '.join(NOISE)} |\n|---{'|---' * len(NOISE)}|")
    for method, cells in rows.items():
        print(f"| {method} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
