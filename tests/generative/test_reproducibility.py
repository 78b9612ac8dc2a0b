"""The same seed gives the same bytes, whatever the process was told about threads."""

import hashlib
import os
import subprocess
import sys

import pytest

pytest.importorskip("torch")

SCRIPT = """
import hashlib, sys, warnings
import numpy as np, torch
from rarelabel import MLDM

warnings.simplefilter("ignore")
torch.set_num_threads(int(sys.argv[1]))
rng = np.random.default_rng(0)
Y = rng.random((400, 3)) < [0.8, 0.2, 0.1]
X = np.column_stack([rng.normal(size=(400, 12)) + 3 * Y[:, [1]], rng.random((400, 80)) < 0.3 + 0.4 * Y[:, [2]]])
model = MLDM(training_steps=8, sampling_steps=4, random_state=0, device="cpu").fit(X, Y)
for numbers in (*model.sample(60), model.loss_history_):
    print(hashlib.sha256(np.ascontiguousarray(numbers).tobytes()).hexdigest())
model.save(sys.argv[2])
for numbers in MLDM.load(sys.argv[2], device="cpu").sample(60):
    print(hashlib.sha256(np.ascontiguousarray(numbers).tobytes()).hexdigest())
"""


def test_one_and_two_threads_give_the_same_rows_losses_and_file(tmp_path):
    """256 hidden units and batches of 256 rows: matrix products that two threads do share."""
    results = []
    for n_threads in (1, 2):
        path = tmp_path / f"{n_threads}.safetensors"
        environment = os.environ | {"OMP_NUM_THREADS": str(n_threads), "MKL_NUM_THREADS": str(n_threads)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(n_threads), str(path)],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        results.append((done.stdout.split(), hashlib.sha256(path.read_bytes()).hexdigest()))
    (X, Y, _, X_loaded, Y_loaded), _ = results[0]
    assert (X_loaded, Y_loaded) == (X, Y)
    assert results[0] == results[1]
