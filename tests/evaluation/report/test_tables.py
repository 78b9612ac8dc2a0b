"""The files hold the numbers of the results."""

import csv
import re

import numpy as np
import pytest

from rarelabel.evaluation.report import write_tables
from rarelabel.evaluation.report.cells import number, probability, signed

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def folder(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables") / "new"
    files = write_tables(results, folder)
    assert sorted(files) == sorted(folder.iterdir())  # and no temporary file is left
    return folder


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_runs_come_back(results, folder):
    import pyarrow.parquet as pq

    assert [row["key"] for row in rows(folder / "runs.csv")] == results.runs["key"].tolist()
    table = pq.read_table(folder / "runs.parquet")
    assert table.column_names == list(results.runs)
    skipped = results.runs["status"] == "skipped"
    assert table["n_resampled"].to_numpy(zero_copy_only=False)[~skipped][0] == 450
    assert table["n_resampled"].null_count == (results.runs["n_resampled"] == -1).sum() == 104
    ok = results.runs["status"] == "ok"
    np.testing.assert_array_equal(table["rare_f1"].to_numpy(zero_copy_only=False)[ok], results.runs["rare_f1"][ok])


def test_summary_is_the_mean_over_folds(results, folder):
    chosen = {"dataset": "birds", "classifier": "mlknn", "approach": "MLSMOTE"}
    row = next(r for r in rows(folder / "summary.csv") if r.items() >= (chosen | {"measure": "map"}).items())
    values = results.where(**chosen).runs["map"]
    assert float(row["mean"]) == pytest.approx(values.mean())
    assert float(row["standard_deviation"]) == pytest.approx(values.std(ddof=1))
    assert row["n_runs"] == "10"
    lost = next(r for r in rows(folder / "summary.csv") if r.items() >= (chosen | {"approach": "weights"}).items())
    assert (lost["mean"], lost["n_runs"]) == ("", "0")


def test_ranks_sum_to_what_ranks_must(folder):
    ranks = [float(row["mean_rank"]) for row in rows(folder / "ranks.csv") if row["measure"] == "rare_f1"]
    assert sum(ranks) == pytest.approx(9 * 10 / 2)
    smote = next(row for row in rows(folder / "ranks.csv") if row["approach"] == "MLSMOTE")
    assert (smote["n_blocks"], smote["better"], smote["worse"]) == ("12", "12", "0")
    assert float(smote["p"]) == pytest.approx(2 / 2**12)


def test_fidelity_and_costs(folder):
    row = next(r for r in rows(folder / "fidelity.csv") if (r["dataset"], r["approach"]) == ("birds", "MLROS"))
    assert (row["exact_duplicates"], row["n_new"], row["total_variation"]) == ("1.0", "110.0", "")
    costs = {row["approach"]: row for row in rows(folder / "costs.csv")}
    assert float(costs["weights"]["cpu_classifier"]) == pytest.approx(0.5 + (0 + 1 + 2) / 3)


def test_per_label_is_the_mean_over_folds(results, folder):
    row = next(r for r in rows(folder / "per_label.csv") if r["classifier"] == "mlknn" and r["approach"] == "MLSMOTE")
    assert (row["dataset"], row["label"]) == ("birds", "label 0")
    f1 = results.vectors("f1")
    mean = np.mean([f1[f"birds|MLSMOTE|mlknn|0|{fold}|0"][0] for fold in range(10)])
    assert float(row["f1"]) == pytest.approx(mean)
    lost = [r for r in rows(folder / "per_label.csv") if r["dataset"] == "yeast" and r["approach"] == "MLSOL"]
    assert {r["f1"] for r in lost} == {""}


def test_same_results_same_bytes(make_results, folder, tmp_path):
    for path in write_tables(make_results(), tmp_path):
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_latex_is_escaped_and_balanced(make_results, tmp_path):
    names = {"none": 0.0, "weights": 0.0, "a_b & 50% of $x$ \\input{y} #1 ~^": 0.06}
    write_tables(make_results(effects=names, gaps=False, vectors=False), tmp_path)
    text = (tmp_path / "summary.tex").read_text(encoding="utf-8")
    expected = r"a\_b \& 50\% of \$x\$ \textbackslash{}input\{y\} \#1 \textasciitilde{}\textasciicircum{} & \textbf{0."
    assert expected in text
    body = text.split("\\midrule\n")[1].split("\\bottomrule")[0]
    columns = text.count("r", text.index("{l"), text.index("}", text.index("{l"))) + 1
    assert all(len(re.findall(r"(?<!\\)&", line)) == columns - 1 for line in body.splitlines())
    assert text.isascii()


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0004, "0.000"), (-0.0004, "0.000"), (-0.0126, "−0.013"), (0.0126, "+0.013"), (np.nan, "–")]
)
def test_signed(value, shown):
    assert signed(value) == shown


def test_numbers():
    assert [number(12345.6, 0), probability(0.9994), probability(float("nan"))] == ["12,346", "0.999", "–"]
