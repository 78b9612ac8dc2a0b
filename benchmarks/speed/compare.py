"""What the harness itself costs: CPU of a comparison beside the CPU spent inside samplers and classifiers.

    OMP_NUM_THREADS=1 python benchmarks/speed/compare.py emotions.arff.gz yeast.arff.gz ... -o compare.md

Each file is compared by itself, with the approaches and classifiers of ``benchmarks/paper/classical``, in one process,
into a store in a temporary folder. Everything counts: reading the file, hashing, folds, filling, encoding, measures,
writing.
"""

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from rarelabel.evaluation.comparing import run_spec
from rarelabel.evaluation.protocol import make_spec

APPROACHES = ["none", "weights", "thresholds", "lpros", "mlros", "mlsmote", "mlsol", "remedial", "mlenn"]
CLASSIFIERS = ["br-tree", "br-logistic", "mlknn", "cc-tree"]


def cost(path, cv, fidelity):
    """CPU seconds in all, inside samplers and classifiers, inside measures of predictions."""
    spec = make_spec(datasets=[str(path)], approaches=APPROACHES, classifiers=CLASSIFIERS, cv=cv, fidelity=fidelity)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        started = time.process_time()
        results = run_spec(spec, store=f"{folder}/runs.sqlite")
        total = time.process_time() - started
    runs = results.runs
    task = np.column_stack([runs["approach"], runs["repeat"], runs["fold"]]).astype(str)
    tasks = np.unique(task, axis=0, return_index=True)[1]
    inside = runs["cpu_sampler"][tasks].sum() + runs["cpu_classifier"].sum()
    return total, inside, runs["cpu_measures"].sum()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--cv", default="1x5")
    parser.add_argument("-o", "--out", type=Path)
    arguments = parser.parse_args()
    lines = [
        "# What the harness costs",
        "",
        f"`python benchmarks/speed/compare.py ... --cv {arguments.cv}`: {len(APPROACHES)} approaches, "
        f"{len(CLASSIFIERS)} classifiers, one process, CPU seconds. The overhead is all that is spent outside samplers "
        "and classifiers, in percent of what is spent inside. New rows are compared with real ones in the first fold, "
        "or not at all.",
        "",
        "| data | inside samplers and classifiers | overhead | of which measures | overhead without comparing rows |",
        "|---|---:|---:|---:|---:|",
    ]
    sums = np.zeros(4)
    for path in arguments.files:
        total, inside, measures = cost(path, arguments.cv, "first")
        plain_total, plain_inside, _ = cost(path, arguments.cv, "none")
        cells = [path.name.partition(".")[0], f"{inside:.1f} s", f"{(total - inside) / inside:.1%}"]
        cells += [f"{measures / inside:.1%}", f"{(plain_total - plain_inside) / plain_inside:.1%}"]
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
        sums += total, inside, plain_total, plain_inside
    shares = [f"{(sums[i] - sums[i + 1]) / sums[i + 1]:.1%}" for i in (0, 2)]
    lines.append(f"| all | {sums[1]:.1f} s | {shares[0]} | | {shares[1]} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.out:
        arguments.out.write_text(text)


main()
