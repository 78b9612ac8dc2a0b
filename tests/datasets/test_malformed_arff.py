"""Ten thousand damaged files: each is read or refused by name, none crashes."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from rarelabel.datasets import read
from rarelabel.datasets._arff_reader import parse_arff
from rarelabel.datasets._table import to_dataset

VALID = [
    "@relation 'toy: -C 2'\n@attribute l1 {0,1}\n"
    "@attribute 'l 2' {0,1}\n@attribute a numeric\n"
    "@attribute 'b''c' {x,'y z',\"q\\\"\"}\n@attribute d integer\n@data\n"
    "1,0,1.5,x,3\n0,1,?,'y z',-2\n0,0,1e-3,?,0, {2}\n",
    "@RELATION r\n% c\n@attribute f1 real\n"
    "@attribute f2 {a,b}\n@attribute s string\n@attribute t {0,1}\n\n@data\n"
    "{}\n{0 1.5,3 1}\n{ 1 b, 2 'w, x' }\n{3 1, 0 ?}, {0.5}\n",
    "@relation k\n@attribute A real [0.0, 1.0]\n@attribute C {p, n}\n@inputs A\n@outputs C\n@data\n0.5, p\n<null>, n\n",
]
PIECES = [
    "'",
    '"',
    "{",
    "}",
    ",",
    "%",
    "\\",
    "?",
    "@",
    "\0",
    "é",
    "\u2028",
    "1e999",
    "nan",
    "-C",
    "\n",
    " ",
    "\t",
    "9" * 30,
]


def damaged(text, rng):
    """The text after one or two random edits, more of them among the rows than in the header."""
    for _ in range(rng.integers(1, 3)):
        data = max(text.find("@data"), 0)
        at = int(rng.integers(data if rng.random() < 0.7 else 0, len(text) + 1))
        to = at + int(rng.integers(1, 4))
        piece = PIECES[rng.integers(len(PIECES))]
        edits = [
            text[:at] + piece + text[at:],
            text[:at] + piece + text[to:],
            text[:at] + text[to:],
            text[:at] + text[at:to] * 2 + text[to:],
            text[:at] + text[at:to][::-1] + text[to:],
            text[:at],
        ]
        text = edits[rng.choice(6, p=[0.2, 0.2, 0.2, 0.2, 0.15, 0.05])]
    return text


def refusal(call, where):
    """Whether the call refuses its input by an error that names the file; any other error passes through."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return call(), None
        except ValueError as error:
            # a UnicodeError or a NumPy message would be a ValueError too, but not name the file
            if where not in str(error):
                raise
            return None, error


def test_ten_thousand_damaged_texts():
    rng = np.random.default_rng(20240229)
    n_refused = 0
    for i in range(10_000):
        text = damaged(VALID[i % 3], rng)

        def attempt(text=text, keel=i % 3 == 2):
            return to_dataset(parse_arff(text.split("\n"), "bad.arff", keel=keel), None, Path("bad.arff"), None)

        dataset, error = refusal(attempt, "bad.arff")
        n_refused += error is not None
        if dataset is not None:
            data = dataset.X if isinstance(dataset.X, np.ndarray) else dataset.X.data
            assert not np.isinf(data).any(), text
    assert 1000 < n_refused < 9000, "the damage is too mild or too wild to test anything"


@pytest.mark.parametrize("suffix", [".arff", ".dat", ".csv", ".libsvm", ".parquet", ".txt"])
def test_random_bytes_as_files(tmp_path, suffix):
    if suffix in (".parquet", ".txt"):  # a .txt file that begins as Parquet does is taken for it
        pytest.importorskip("pyarrow")
    rng = np.random.default_rng(7)
    path = tmp_path / f"bad{suffix}"
    n_refused = 0
    for i in range(100):
        damage = rng.integers(0, 256, size=rng.integers(0, 20), dtype=np.uint8).tobytes()
        path.write_bytes([b"", b"\x1f\x8b\x08", b"PAR1", b"@relation r\n", b"\xff\xfe", b"a,b\n1,"][i % 6] + damage)
        n_refused += refusal(lambda: read(path), str(path))[1] is not None
    assert n_refused > 80
