"""Diagnosis and every sampler on every file through the command line: rows, imbalance, CPU seconds, peak memory.

Each cell is one run of ``rarelabel resample FILE -m METHOD -o OUT --json`` as a process of its own, so that seconds and
memory include reading and writing. Results are kept in a CSV file line by line; a second start skips what is there.

    cd benchmarks/classical; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
    python every_file.py FOLDER every_file.csv
    python every_file.py --table every_file.csv > every_file.md
"""

import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rarelabel.registry import SAMPLERS

WHAT = ["data", "rows", "features", "labels", "method", "rows_planned", "rows_after", "sparse_before", "sparse_after"]
VALUES = ["mean_ir_before", "mean_ir_after", "scumble_before", "scumble_after", "cpu_seconds", "peak_mb", "error"]
FIELDS = WHAT + VALUES
HEAD = """# Every sampler on every file

Each line is one run of `rarelabel diagnose` or `rarelabel resample` as a process of its own: rows before, rows the plan
said, rows there are, MeanIR and SCUMBLE before and after, CPU seconds and peak memory, both with starting Python
(about 2 s and 200 MB), reading and writing. Default parameters, seed 0, one thread. MeanIR going down is not evidence
that anything was gained; see "Should I resample?".

    cd benchmarks/classical; export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
    python every_file.py FOLDER every_file.csv
    python every_file.py --table every_file.csv > every_file.md
"""
DIAGNOSE = "(diagnose)"
SLOW_LAST = ("MLRkNNOS",)


def run(command, out):
    """Exit code, CPU seconds and peak memory (MB) of a command whose standard output goes to ``out``."""
    with out.open("wb") as stream, out.with_suffix(".err").open("wb") as errors:
        process = subprocess.Popen(command, stdout=stream, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def cell(path, method, folder):
    name = path.name.removesuffix(".arff.gz")
    written = folder / f"{name}.arff"
    program, answer = str(Path(sys.executable).with_name("rarelabel")), folder / "answer.json"
    command = [program, "resample", str(path), "-m", method, "--json", "-o", str(written)]
    if method == DIAGNOSE:
        command = [program, "diagnose", str(path), "--json"]
    code, seconds, peak = run(command, answer)
    row = {"data": name, "method": method, "cpu_seconds": f"{seconds:.2f}", "peak_mb": f"{peak:.0f}"}
    if code:
        return row | {"error": answer.with_suffix(".err").read_text().strip().splitlines()[-1]}
    result = json.loads(answer.read_text())
    if method == DIAGNOSE:
        result = {"before": result, "after": result, "rows_after": result["num.instances"]}
        written = path
    before, after = result["before"], result["after"]
    return row | {
        "rows": before["num.instances"],
        "features": before["num.inputs"],
        "labels": before["num.labels"],
        "rows_planned": result["rows_after"],
        "rows_after": after["num.instances"],
        "sparse_before": first_row_is_sparse(path),
        "sparse_after": first_row_is_sparse(written),
        "mean_ir_before": f"{before['meanIR']:.3f}",
        "mean_ir_after": f"{after['meanIR']:.3f}",
        "scumble_before": f"{before['scumble']:.4f}",
        "scumble_after": f"{after['scumble']:.4f}",
    }


def first_row_is_sparse(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.strip().lower() == "@data":
                return next(line for line in lines if line.strip() and not line.startswith("%")).lstrip()[0] == "{"
    return None


def main(folder, store):
    done = set()
    if store.exists():
        with store.open(newline="") as stream:
            done = {(row["data"], row["method"]) for row in csv.DictReader(stream)}
    else:
        store.write_text(",".join(FIELDS) + "\n")
    files = [path for path in folder.glob("*.arff.gz") if not path.name.endswith(("-train.arff.gz", "-test.arff.gz"))]
    methods = [DIAGNOSE, *(m for m in SAMPLERS if m not in SLOW_LAST)]
    cells = [(path, method) for some in (methods, SLOW_LAST) for path in sorted(files, key=size) for method in some]
    for path, method in cells:
        if (path.name.removesuffix(".arff.gz"), method) in done:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            row = cell(path, method, Path(scratch))
        with store.open("a", newline="") as stream:
            csv.DictWriter(stream, FIELDS).writerow(row)
        print(row, flush=True)


def size(path):
    return path.stat().st_size


def table(store):
    with store.open(newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: (row["data"].lower(), row["method"].lower()))
    print(HEAD)
    print("| data | sampler | rows | planned | after | MeanIR | after | SCUMBLE | after | CPU s | peak MB |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for r in rows:
        if r["error"]:
            print(f"| {r['data']} | {r['method']} | {r['error']} | | | | | | | {r['cpu_seconds']} | {r['peak_mb']} |")
            continue
        kept = "" if r["sparse_before"] == r["sparse_after"] else " (!)"
        print(
            f"| {r['data']}{' (sparse)' if r['sparse_before'] == 'True' else ''}{kept} | {r['method']} | {r['rows']} "
            f"| {r['rows_planned']} | {r['rows_after']} | {r['mean_ir_before']} | {r['mean_ir_after']} "
            f"| {r['scumble_before']} | {r['scumble_after']} | {r['cpu_seconds']} | {r['peak_mb']} |"
        )


if __name__ == "__main__":
    if sys.argv[1] == "--table":
        table(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
