"""Run a spec of this folder, or a part of it, going on where it ended.

    export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive RARELABEL_DATA=FOLDER
    python run.py keel.toml --store keel.sqlite --keep-rows rows
    python run.py keel.toml --store keel.sqlite --data glass4 ecoli3 --approaches none SMOTE SEMResDDPM --minutes 20

A part is kept in the same store and not run again as part of the whole: a run is known by its data, fold, approach
and classifier. ``none``, ``weights`` and ``thresholds`` always take part.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

from data import SPECIAL, folder, load

from rarelabel.evaluation import make_spec, read_spec, run_spec


def part_of(spec, data, approaches, classifiers, seeds):
    """The spec with the data sets, approaches and classifiers named, and all paths set."""
    fields = spec.to_dict()
    for name, chosen in (("datasets", data), ("approaches", approaches), ("classifiers", classifiers)):
        if chosen:
            known = {each["name"]: each for each in fields[name]}
            fields[name] = [known[each] for each in chosen]
    fields["datasets"] = [
        {"name": each["name"], "path": "" if each["name"] in SPECIAL else str(folder() / f"{each['name']}.dat")}
        for each in fields["datasets"]
    ]
    return make_spec(**fields | ({"seeds": seeds} if seeds else {}))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("spec", type=Path)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--data", nargs="+")
    parser.add_argument("--approaches", nargs="+")
    parser.add_argument("--classifiers", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument(
        "--keep-rows", type=Path, help="folder in which resampled tables are kept for later classifiers"
    )
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="stop after about as long; start again later"
    )
    options = parser.parse_args()
    spec = part_of(read_spec(options.spec), options.data, options.approaches, options.classifiers, options.seeds)
    started = time.monotonic()

    def tell(progress):
        print(f"{progress.done:,} of {progress.total:,} runs, {progress.failed} failed", file=sys.stderr, flush=True)
        if time.monotonic() - started > 60 * options.minutes:
            sys.exit("stopped after the minutes given; the same command goes on from here")

    warnings.simplefilter("ignore")
    in_memory = {each.name: load(each.name) for each in spec.datasets if each.name in SPECIAL}
    results = run_spec(
        spec, in_memory, store=options.store, n_jobs=options.jobs, progress=tell, keep_rows=options.keep_rows
    )
    for failure in results.failures():
        if failure.status != "skipped":
            print(failure, file=sys.stderr)


if __name__ == "__main__":
    main()
