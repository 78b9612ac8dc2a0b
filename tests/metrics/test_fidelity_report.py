"""The report is what the functions give one by one, at any size, and NaN where nothing is defined."""

import numpy as np
import pytest
from scipy import sparse

from rarelabel import MLSMOTE
from rarelabel import metrics as m
from rarelabel.datasets import read
from rarelabel.evaluation.records import FIDELITY_COLUMNS
from rarelabel.imbalance import cardinality


def tables(n=80, k=30, seed=0):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n + k, 4)), rng.random((n + k, 3)) < [0.5, 0.3, 0.1]
    X[:, 3] = rng.integers(3, size=n + k)
    return (X[:n], Y[:n]), (X[n:] + np.array([0.3, 0, 0, 0]), Y[n:])


def test_the_report_is_what_the_functions_give():
    real, new = tables()
    holdout, _ = tables(40, 1, seed=1)
    options = {"categorical_features": [3]}
    report = m.fidelity_report(real, new, holdout=holdout, random_state=0, **options)
    assert tuple(report.to_dict()) == FIDELITY_COLUMNS
    expected = {
        "label_frequency_correlation": m.label_frequency_correlation(real[1], new[1]),
        "cardinality_real": cardinality(real[1]),
        "cardinality_new": cardinality(new[1]),
        "minority_share_new": m.minority_share(real[1], new[1]),
        "wasserstein": m.wasserstein(real[0], new[0], **options),
        "total_variation": m.total_variation(real[0], new[0], **options),
        "c2st_auc": m.c2st_auc(real[0], new[0], Y_real=real[1], Y_new=new[1], random_state=0, **options),
        "mmd": m.mmd(real[0], new[0], **options),
        **vars(m.precision_recall_density_coverage(real[0], new[0], **options)),
        "cooccurrence_distance": m.cooccurrence_distance(real[1], new[1]),
        "dcr_median": np.median(m.distance_to_closest_record(real[0], new[0], **options)),
        "dcr_holdout_median": np.median(m.distance_to_closest_record(real[0], holdout[0], **options)),
        "nndr_median": np.median(m.nearest_neighbor_distance_ratio(real[0], new[0], **options)),
        "exact_duplicates": m.exact_duplicates(real[0], new[0], **options).mean(),
    }
    assert report.to_dict() == pytest.approx(expected)


def test_large_tables_are_drawn_from_and_copies_still_all_counted():
    (X, Y), _ = tables(500, 1)
    new = (np.concatenate([X[:100], X[:300] + np.array([0.01, 0, 0, 0])]), Y[:400])
    holdout = (X[:90] + np.array([0.01, 0, 0, 0]), Y[:90])
    report, again, other = (
        m.fidelity_report((X, Y), new, holdout=holdout, categorical_features=[3], max_rows=20, random_state=seed)
        for seed in (0, 0, 1)
    )
    assert report == again != other
    assert report.exact_duplicates == 0.25
    assert report.wasserstein == pytest.approx(m.wasserstein(X[:, :3], new[0][:, :3]), abs=0.15)


def test_closest_rows_are_sought_among_ten_times_the_bound():
    """All 150 real rows, though the bound is 20: a closest row that is left out would make copies look new."""
    (X, Y), _ = tables(150, 1)
    report = m.fidelity_report((X, Y), (X[:100], Y[:100]), holdout=(X[50:], Y[50:]), max_rows=20, random_state=0)
    assert report.dcr_median == report.dcr_holdout_median == report.nndr_median == 0


def test_no_new_rows_and_very_few():
    real, new = tables()
    for container in (np.asarray, sparse.csr_array):
        X = container(real[0])
        report = m.fidelity_report((X, real[1]), (X[:0], real[1][:0]), holdout=(X, real[1]), random_state=0)
        defined = {name for name, value in report.to_dict().items() if not np.isnan(value)}
        assert defined == {"cardinality_real", "dcr_holdout_median"}
        one = m.fidelity_report((X, real[1]), (container(new[0])[:1], new[1][:1]), random_state=0).to_dict()
        undefined = {name for name, value in one.items() if np.isnan(value)}
        assert undefined - {"label_frequency_correlation", "cooccurrence_distance"} == {
            *("total_variation", "c2st_auc", "mmd", "recall", "dcr_holdout_median")
        }


def test_awkward_columns_and_labels():
    real = np.column_stack([np.ones(12), np.full(12, np.nan), np.arange(12) % 3, np.arange(12.0)])
    new = real[:6] + np.array([0, 0, 0, 0.5])
    Y = np.zeros((12, 2), dtype=bool)
    report = m.fidelity_report((real, Y), (new, Y[:6]), categorical_features=[2], random_state=0)
    assert report.cardinality_real == report.minority_share_new == 0
    assert np.isnan(report.label_frequency_correlation)
    assert report.dcr_median == pytest.approx(0.5 / 11)
    codes = m.fidelity_report((real[:, [2]], Y), (new[:, [2]], Y[:6]), categorical_features=[0], random_state=0)
    assert np.isnan(codes.wasserstein)
    assert codes.total_variation == 0
    assert codes.exact_duplicates == 1


def test_sparse_and_dense_tables_give_the_same_report_but_for_the_trees():
    real, new = tables()
    dense = m.fidelity_report(real, new, holdout=new, random_state=0).to_dict()
    (X, Y), (X_new, Y_new) = real, new
    sparse_new = (sparse.csr_array(X_new), Y_new)
    close = m.fidelity_report((sparse.csr_array(X), Y), sparse_new, holdout=sparse_new, random_state=0).to_dict()
    dense.pop("c2st_auc"), close.pop("c2st_auc")
    assert close == pytest.approx(dense, nan_ok=True)


def test_the_report_prints_a_dash_for_what_is_not_defined():
    report = m.fidelity_report(*tables(), random_state=0)
    lines = dict(line.split() for line in str(report).splitlines()[1:])
    assert lines["total_variation"] == lines["dcr_holdout_median"] == "-"
    assert lines["wasserstein"] == f"{report.wasserstein:.3f}"
    assert len(lines) == len(FIDELITY_COLUMNS)


def test_rows_that_do_not_fit_are_refused():
    (X, Y), new = tables()
    with pytest.raises(ValueError, match="X and Y of the new rows differ: X has 30 rows, Y 29"):
        m.fidelity_report((X, Y), (new[0], new[1][:-1]))
    with pytest.raises(ValueError, match="max_rows must be a whole number"):
        m.fidelity_report((X, Y), new, max_rows=0)


@pytest.mark.data
def test_rows_of_mlsmote_beside_held_out_rows_and_noise(data_folder):
    """On emotions: held-out rows pass every test, noise fails, and interpolated rows stand nearer than real ones."""
    data = read(data_folder / "multilabel" / "emotions.arff.gz")
    rng = np.random.default_rng(0)
    order = rng.permutation(len(data.Y))
    X, Y = np.asarray(data.X)[order], data.Y[order]
    real, held = (X[:400], Y[:400]), (X[400:], Y[400:])
    X_res, Y_res = MLSMOTE(random_state=0).fit_resample(*real)
    noise = (X[:150] + rng.normal(size=(150, X.shape[1])) * X.std(axis=0), Y[:150])
    made, fresh, bad = (
        m.fidelity_report(real, new, holdout=held, random_state=0) for new in ((X_res[400:], Y_res[400:]), held, noise)
    )
    assert fresh.c2st_auc < 0.6 < made.c2st_auc < 0.95 < bad.c2st_auc
    assert made.dcr_median < 0.8 * made.dcr_holdout_median
    assert made.dcr_holdout_median == fresh.dcr_median < bad.dcr_median
    assert made.minority_share_new == 1 > fresh.minority_share_new
    assert fresh.wasserstein < made.wasserstein < bad.wasserstein + 0.2
    assert bad.precision < 0.3 < 0.8 < fresh.precision
