"""The single-label tables of these benchmarks, from the folder that the variable RARELABEL_DATA names."""

import csv
import gzip
import os
import tempfile
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from rarelabel.datasets import Dataset, read
from rarelabel.schema import Schema

ADULT = [
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation",
    "relationship", "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "native_country",
    "class",
]  # fmt: skip
GERMAN = [
    "status", "duration", "history", "purpose", "amount", "savings", "employment", "instalment_rate",
    "personal_status", "debtors", "residence", "property", "age", "other_plans", "housing", "credits", "job",
    "dependents", "telephone", "foreign", "class",
]  # fmt: skip


def folder():
    return Path(os.environ["RARELABEL_DATA"]) / "tabular"


def load(name):
    """A data set by name; adult is 5,000 of its 32,561 rows, drawn with the shares of the classes kept."""
    return SPECIAL[name]() if name in SPECIAL else read(folder() / f"{name}.dat")


def adult():
    with gzip.open(folder() / "adult-train.csv.gz", "rt") as file:
        rows = [[value.strip() for value in row] for row in csv.reader(file) if row]
    kept, _ = train_test_split(range(len(rows)), train_size=5000, stratify=[row[-1] for row in rows], random_state=0)
    return from_rows(ADULT, [["" if value == "?" else value for value in rows[i]] for i in sorted(kept)])


def german():
    rows = [line.replace(",", " ").split() for line in (folder() / "german.csv").read_text().splitlines() if line]
    return from_rows(GERMAN, [[*row[:-1], {"1": "good", "2": "bad"}[row[-1]]] for row in rows])


def telco_churn():
    with (folder() / "telco_churn.csv").open() as file:
        header, *rows = csv.reader(file)
    return from_rows([*header[1:-1], "class"], [[value.strip() for value in row[1:]] for row in rows])


def from_rows(header, rows) -> Dataset:
    """Types are found as in any CSV file; the last column holds the classes."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "table.csv")
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        return read(path, labels=["class"])


SPECIAL = {"adult": adult, "german": german, "telco_churn": telco_churn}


def from_arrays(name, X, y):
    """A data set of numbers with the classes of y; columns that do not vary are left out."""
    X, y = np.asarray(X, dtype=np.float64)[:, np.ptp(X, axis=0) > 0], np.asarray(y)
    schema = Schema.numeric(X.shape[1], [f"class {each}" for each in np.unique(y)], exclusive=True)
    return Dataset(X, y[:, np.newaxis] == np.unique(y), schema, name)
