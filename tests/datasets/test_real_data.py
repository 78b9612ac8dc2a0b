"""Every public file that is at hand reads to the numbers that are published for it."""

import numpy as np
import pytest

from rarelabel.datasets import read, write
from rarelabel.imbalance import cardinality, mean_ir

# rows, features, labels, cardinality, MeanIR
SETS = {
    "3sources_bbc1000": (352, 1000, 6, 1.1250, 1.718),
    "bibtex": (7395, 1836, 159, 2.4019, 12.498),
    "birds": (645, 260, 19, 1.0140, 5.407),
    "cal500": (502, 68, 174, 26.0438, 20.578),
    "corel5k": (5000, 499, 374, 3.5220, 189.568),
    "emotions": (593, 72, 6, 1.8685, 1.478),
    "flags": (194, 19, 7, 3.3918, 2.255),
    "foodtruck": (407, 21, 12, 2.2899, 7.095),
    "genbase": (662, 1186, 27, 1.2523, 37.315),
    "medical": (978, 1449, 45, 1.2454, 89.501),
    "ohsumed": (13929, 1002, 23, 1.6631, 7.869),
    "reutersk500": (6000, 500, 103, 1.4622, 54.081),
    "scene": (2407, 294, 6, 1.0740, 1.254),
    "stackex_chess": (1675, 585, 227, 2.4113, 85.790),
    "tmc2007_500": (28596, 500, 22, 2.1579, 15.157),
    "yeast": (2417, 103, 14, 4.2371, 7.197),
}
LARGE = {
    "delicious": (16105, 500, 983, 19.0200, 71.134),
    "imdb": (120919, 1001, 28, 1.9997, 25.124),
    "rcv1sub1": (6000, 47236, 101, 2.8797, 54.492),
}
PARTS = {"birds": (322, 323), "emotions": (391, 202), "flags": (129, 65), "genbase": (463, 199), "yeast": (1500, 917)}
TABLES = {"abalone19": (32, 4142), "car-good": (69, 1659), "ecoli1": (77, 259), "kddcup-land_vs_portsweep": (21, 1040)}


def check(folder, name, rows, features, labels, published_cardinality, published_mean_ir):
    dataset = read(folder / "multilabel" / f"{name}.arff.gz")
    assert (*dataset.X.shape, dataset.Y.shape[1]) == (rows, features, labels)
    assert cardinality(dataset.Y) == pytest.approx(published_cardinality, abs=6e-5)
    # the published mean leaves labels without any positive out
    seen = dataset.Y[:, dataset.Y.any(axis=0)]
    assert mean_ir(seen) == pytest.approx(published_mean_ir, abs=6e-4)
    data = dataset.X if isinstance(dataset.X, np.ndarray) else dataset.X.data
    assert np.isfinite(data).all()
    return dataset


@pytest.mark.data
@pytest.mark.parametrize("name", SETS)
def test_published_numbers(data_folder, name):
    check(data_folder, name, *SETS[name])


@pytest.mark.data
def test_published_numbers_of_the_large_sets(data_folder):
    for name, numbers in LARGE.items():
        check(data_folder, name, *numbers)


@pytest.mark.data
@pytest.mark.parametrize("name", PARTS)
def test_parts_share_labels_and_columns(data_folder, name):
    train, test = (read(data_folder / "multilabel" / f"{name}-{part}.arff.gz") for part in ("train", "test"))
    assert (len(train.X), len(test.X)) == PARTS[name]
    assert train.label_names == test.label_names
    assert train.feature_names == test.feature_names


@pytest.mark.data
@pytest.mark.parametrize("name", TABLES)
def test_keel_tables(data_folder, name):
    dataset = read(data_folder / "tabular" / f"{name}.dat")
    assert dataset.schema.exclusive
    assert tuple(sorted(dataset.Y.sum(axis=0))) == TABLES[name]
    assert np.isfinite(dataset.X).all()


@pytest.mark.data
def test_tables_without_and_with_header(data_folder):
    with pytest.raises(ValueError, match="expected a header"):
        read(data_folder / "tabular" / "adult-train.csv.gz", -1)
    churn = read(data_folder / "tabular" / "telco_churn.csv", ["Churn"])
    charges = churn.feature_names.index("TotalCharges")
    assert np.isnan(churn.X[:, charges]).sum() == 11
    assert churn.schema.features[charges].kind == "numeric"
    assert dict(zip(churn.label_names, churn.Y.sum(axis=0).tolist(), strict=True)) == {"No": 5174, "Yes": 1869}


@pytest.mark.data
@pytest.mark.parametrize("name", ["birds", "flags", "medical"])
@pytest.mark.parametrize("suffix", ["arff", "arff.gz", "dat", "csv", "parquet"])
def test_real_sets_survive_every_format(data_folder, tmp_path, name, suffix):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    dataset = read(data_folder / "multilabel" / f"{name}.arff.gz")
    path, *_ = write(dataset, tmp_path / f"{name}.{suffix}")
    back = read(path)
    assert np.array_equal(back.Y, dataset.Y)
    assert back.label_names == dataset.label_names
    assert back.feature_names == dataset.feature_names
    if suffix != "csv":
        assert back.schema == dataset.schema
        first, second = (d.X if isinstance(d.X, np.ndarray) else d.X.toarray() for d in (back, dataset))
        np.testing.assert_array_equal(first, second)
