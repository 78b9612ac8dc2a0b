r"""BalanceMix, its parts and its rivals on UC Merced: 2,100 pictures from above, 17 labels, some made wrong on purpose.

Trained on the 1,680 pictures that the table calls train, with noise; judged by the others, as they are, after the last
epoch. Groups of labels go by clean training positives: many above 500 (6 labels), few below 100 (9), medium (2).
Methods are the ladder of the paper's Table 5 and the asymmetric loss; columns ``precision_25`` and so on are those of
Tables 14 and 15, of the labels as they were managed at 25, 50, 75 and 100 % of the epochs.

    cd benchmarks/paper/balancemix; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python ucmerced.py long.csv --epochs 200 --amp bfloat16 --seeds 3 --methods bce mixup asl balancemix > long.md
    python ucmerced.py embeddings.csv --embeddings ucmerced.npz --seeds 3 > embeddings.md

The first trains a small network from random weights. The second, after ``embeddings.py``, trains one hidden layer on
what a network with weights of ImageNet makes of the pictures, for the paper has such weights too, with the paper's
settings for its own set of about this size (Pascal VOC: 20 epochs, 5 of them warm-up, batches of 32, rate 0.01).
A method may have options, such as ``balancemix:trusted=positives`` or ``bce:learning_rate=0.002``.

``--validation`` trains on four fifths of the training pictures and judges by the others, to look at settings such as
``--epochs`` and ``--warmup`` without the test pictures.

Lines that the CSV file already has are not computed again, and a training that was stopped goes on after its last whole
epoch. On a GPU, with weights of ImageNet:

    python ucmerced.py gpu.csv --device cuda --network resnet50 --checkpoint resnet50.pth --size 224 \
        --learning-rate 0.01 --workers 8
"""

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
from embeddings import EfficientNetLite, make_network, plain, read_embeddings, read_pictures, view
from features import NOISE, split_method

from rarelabel.augmentation import METHODS, BalanceMix, ImageView, RandAugment
from rarelabel.metrics import average_precision_per_label, group_means
from rarelabel.nn import make_resnet

GROUPS = {"many": 500, "few": 100}
QUARTERS = (25, 50, 75, 100)
SCORES = {
    "precision": "clean_precision", "recall": "clean_recall", "share": "relabelled_share",
    "accuracy": "relabelling_accuracy",
}  # fmt: skip


def read_data(options):
    """What is trained on, and what is judged by."""
    train, test = read_embeddings(options.embeddings)[:2] if options.embeddings else read_pictures(options.size)
    if not options.validation:
        return train, test
    rows = np.random.default_rng(1).permutation(len(train.Y))
    n = len(rows) * 4 // 5
    return train.take(np.sort(rows[:n])), train.take(np.sort(rows[n:]))


def make_image_network(options, n_labels, seed):
    if options.network == "efficientnet-lite0":
        return EfficientNetLite(n_labels, seed)
    return make_resnet(options.network, n_labels, head=options.head, checkpoint=options.checkpoint, random_state=seed)


def make_trainer(options, n_labels, method, noise, seed, n_features=None):
    name, own = split_method(method)
    if options.embeddings:
        network, inputs = make_network(n_features, n_labels, seed), {"view": view, "transform": plain}
    else:
        network = make_image_network(options, n_labels, seed)
        inputs = {"view": ImageView(RandAugment(2, options.magnitude), flip=0.5)}
    settings = {
        "epochs": options.epochs,
        "warmup": options.warmup,
        "learning_rate": options.learning_rate,
        "epsilon": 0.55 if noise == "single positive" else options.epsilon,
    }
    return BalanceMix(
        network, method=name, batch_size=32, amp="auto" if options.amp is None else True, device=options.device,
        num_workers=options.workers, random_state=seed, **inputs, **settings | own,
    )  # fmt: skip


def measure(train, test, job, options, state):
    """One line of the CSV file."""
    noise, seed = job["noise"], job["seed"]
    truth = train.Y
    given = truth if NOISE[noise] is None else NOISE[noise](truth, seed).Y
    n_features = train[0].shape[-1] if options.embeddings else None
    trainer = make_trainer(options, truth.shape[1], job["method"], noise, seed, n_features)
    start = time.process_time()
    trainer.fit(train.take(Y=given), Y_true=truth, state=state)
    seconds = time.process_time() - start  # of the last stretch, where training was stopped in between
    precision = average_precision_per_label(test.Y, trainer.predict_proba(test))
    found = {"map": precision.mean(), **group_means(precision, truth.sum(axis=0), **GROUPS)}
    for quarter in QUARTERS:
        epoch = max(trainer.settings.warmup, options.epochs * quarter // 100 - 1)  # the first that manages, if later
        scores = trainer.history_[min(epoch, len(trainer.history_) - 1)].scores
        for short, name in SCORES.items():
            found[f"{short}_{quarter}"] = "" if scores is None else getattr(scores, name)
    return found | {"stopped": trainer.stopped_, "cpu_s": round(seconds, 1)}


def read_lines(path):
    return list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []


def append_line(path, line):
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, line, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(line)


def run_missing(options):
    """All lines of the CSV file, after those of the jobs that it lacks."""
    settings = {
        name: getattr(options, name) for name in ("network", "head", "size", "epochs", "warmup", "learning_rate",
                                                  "magnitude", "epsilon", "validation")
    }  # fmt: skip
    if options.amp is not None:
        settings["amp"] = options.amp
    settings["pretrained"] = bool(options.checkpoint or options.embeddings) or options.network == "efficientnet-lite0"
    data = None
    for seed in range(0 if options.show else options.seeds):
        for noise in options.noise:
            for method in options.methods:
                job = {"noise": noise, "method": method, "seed": seed, **settings}
                named = {key: str(value) for key, value in job.items()}
                if any(named.items() <= line.items() for line in read_lines(options.csv)):
                    continue
                data = data or read_data(options)
                name = "-".join(str(value).replace(" ", "") for value in job.values())
                state = options.csv.with_name(f".{options.csv.stem}-{name}.state")
                line = job | measure(*data, job, options, state)
                append_line(options.csv, line)
                state.unlink()
                print(noise, method, seed, f"mAP {line['map']:.3f}, {line['cpu_s']:.0f} s", file=sys.stderr)
    named = {key: str(value) for key, value in settings.items()}
    return [line for line in read_lines(options.csv) if named.items() <= line.items()]


def cell(lines, column):
    """Mean and standard error over the seeds."""
    values = np.array([float(line[column]) for line in lines if line[column] not in ("", "nan")])
    if not len(values):
        return "-"
    error = f" ± {100 * values.std(ddof=1) / len(values) ** 0.5:.1f}" if len(values) > 1 else ""
    return f"{100 * values.mean():.1f}{error}"


def write_tables(lines, options):
    by = {}
    for line in lines:
        by.setdefault((line["noise"], line["method"]), []).append(line)
    seconds = np.mean([float(line["cpu_s"]) for line in lines])
    print("# BalanceMix on UC Merced\n")
    precision = f" in {options.amp}" if options.amp else ""
    print(
        f"`ucmerced.py`: {options.network} network at {options.size} pixels, {options.epochs} epochs{precision}. "
        f"Percent, mean and standard error over seeds. A training takes {seconds:.0f} CPU seconds on average."
    )
    for column, title in (("map", "mAP, all labels"), ("many", "many"), ("medium", "medium"), ("few", "few")):
        print(f"\n## {title}\n\n| method | {' | '.join(options.noise)} |\n|---{'|---' * len(options.noise)}|")
        for method in options.methods:
            cells = (cell(by.get((noise, method), []), column) for noise in options.noise)
            print(f"| {method} | {' | '.join(cells)} |")
    if "balancemix" in options.methods:
        print("\n## Labels managed by BalanceMix\n")
        heads = [f"{short} {quarter} %" for short in SCORES for quarter in QUARTERS]
        print(f"| noise | {' | '.join(heads)} |\n|---{'|---' * len(heads)}|")
        for noise in options.noise:
            mine = by.get((noise, "balancemix"), [])
            print(f"| {noise} | {' | '.join(cell(mine, f'{s}_{q}') for s in SCORES for q in QUARTERS)} |")


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--noise", nargs="+", default=list(NOISE), choices=list(NOISE))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--embeddings", type=Path, help="a file of embeddings.py, in place of pictures")
    parser.add_argument("--network", default="small")
    parser.add_argument("--head", default="linear")
    parser.add_argument("--checkpoint")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--warmup", type=int, help="a quarter of the epochs by default")
    parser.add_argument("--show", action="store_true", help="train nothing, print what the CSV file has")
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--learning-rate", type=float, help="0.05 by default, 0.01 for embeddings")
    parser.add_argument("--magnitude", type=float, default=5.0)
    parser.add_argument("--epsilon", type=float, default=0.975)
    parser.add_argument("--amp", choices=["bfloat16"], help="on a CPU too, for a CSV file of its own")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.learning_rate is None:
        options.learning_rate = 0.01 if options.embeddings else 0.05
    if options.embeddings:
        about = read_embeddings(options.embeddings)[2]
        options.network, options.size, options.magnitude = "mlp", about["size"], about["magnitude"]
    if options.warmup is None:
        options.warmup = max(1, options.epochs // 4)
    return options


def main():
    options = parse()
    lines = run_missing(options)
    if lines:
        write_tables(lines, options)


if __name__ == "__main__":
    main()
