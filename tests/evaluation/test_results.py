"""Results: filters, means of blocks, pairs by fold, and a table that is the same bytes for the same runs."""

import csv

import numpy as np
import pytest

from rarelabel.evaluation.results import AbsentLabels, Block, Failure, Results


def run(dataset, approach, fold, *, classifier="mlknn", repeat=0, seed=0, status="ok", **more):
    key = f"{dataset}/{approach}/{classifier}/{repeat}/{fold}/{seed}"
    same = {"key": key, "dataset": dataset, "approach": approach, "classifier": classifier}
    return same | {"repeat": repeat, "fold": fold, "seed": seed, "status": status} | more


@pytest.fixture
def results():
    """Two data sets, three approaches, three folds; MLSOL fails on one fold of yeast."""
    values = {
        ("birds", "none"): [0.1, 0.2, 0.6],
        ("birds", "MLSMOTE"): [0.3, 0.4, 0.5],
        ("birds", "MLSOL"): [0.2, 0.2, 0.2],
        ("yeast", "none"): [0.5, 0.5, 0.5],
        ("yeast", "MLSMOTE"): [0.25, 0.5, 1.0],
        ("yeast", "MLSOL"): [0.9, None, 0.7],
    }
    runs = []
    for (dataset, approach), scores in values.items():
        for fold, score in enumerate(scores):
            failed = {"status": "failed", "error": "ValueError: no neighbours"} if score is None else {}
            more = {"absent_train": fold, "absent_test": 2, "wall": 1.0 + fold, "n_test": 10}
            runs.append(run(dataset, approach, fold, macro_f1=score, **more, **failed))
    resamplings = [
        {"key": f"{d}{f}", "dataset": d, "approach": "MLSMOTE", "repeat": 0, "fold": f, "seed": 0, "n_new": 5}
        for d in ("birds", "yeast")
        for f in range(3)
    ]
    vectors = {(each["key"], "f1"): np.full(2, float(i)) for i, each in enumerate(runs)}
    return Results.from_records(runs, resamplings=resamplings, vectors=vectors)


def test_blocks_and_approaches_come_in_table_order(results):
    assert results.blocks() == (Block("birds", "mlknn"), Block("yeast", "mlknn"))
    assert results.approaches == ("none", "MLSMOTE", "MLSOL")
    assert results.measures == ("macro_f1",)
    assert len(results) == 18


def test_scores_are_means_over_folds_and_an_approach_that_failed_has_none(results):
    scores = results.scores("macro_f1")
    # birds: (0.1 + 0.2 + 0.6) / 3, (0.3 + 0.4 + 0.5) / 3, 0.2; yeast: 0.5, (0.25 + 0.5 + 1) / 3, failed once
    np.testing.assert_allclose(scores.values, [[0.3, 0.4, 0.2], [0.5, 7 / 12, np.nan]], rtol=1e-14)
    # birds: sqrt((0.04 + 0.01 + 0.09) / 2), sqrt(0.02 / 2), 0
    np.testing.assert_allclose(scores.deviations[0], [np.sqrt(0.07), 0.1, 0.0], atol=1e-12)
    assert np.isnan(scores.deviations[1, 2])
    assert scores.counts.tolist() == [[3, 3, 3], [3, 3, 2]]


def test_scores_of_what_there_is(results):
    kept = results.scores("macro_f1", complete=False)
    assert kept.values[1, 2] == pytest.approx(0.8)
    assert kept.deviations[1, 2] == pytest.approx(np.sqrt(0.02))


def test_a_fold_on_which_the_measure_is_undefined_for_all_counts_for_none():
    runs = [run("birds", a, f, macro_auc=v) for a in ("none", "MLSOL") for f, v in enumerate([0.5, None, 0.75])]
    scores = Results.from_records(runs).scores("macro_auc")
    assert scores.values.tolist() == [[0.625, 0.625]]
    assert scores.counts.tolist() == [[2, 2]]


def test_differences_are_paired_by_fold_and_not_by_place(results):
    order = np.random.default_rng(0).permutation(len(results))
    shuffled = Results.from_records([results.table()[i] for i in order])
    for given in (results, shuffled):
        pairs = {pair.block.dataset: pair for pair in given.paired("macro_f1", "MLSOL")}
        differences = {
            fold: difference
            for (_, fold, _), difference in zip(
                pairs["yeast"].divisions.tolist(), pairs["yeast"].differences, strict=True
            )
        }
        assert differences == pytest.approx({0: 0.4, 2: 0.2})  # the failed fold is in no pair
        assert sorted(pairs["birds"].differences) == pytest.approx([-0.4, 0.0, 0.1])


def test_repeats_and_seeds_are_counted_for_the_correlated_test():
    runs = [
        run("birds", approach, fold, repeat=repeat, seed=seed, macro_f1=0.5)
        for approach in ("none", "MLSOL")
        for repeat in range(3)
        for fold in range(2)
        for seed in (7, 8)
    ]
    (pair,) = Results.from_records(runs).paired("macro_f1", "MLSOL")
    assert (len(pair.differences), pair.n_repeats) == (12, 6)


def test_where_takes_all_that_belongs_to_the_runs_along(results):
    some = results.where(dataset="birds", approach=["none", "MLSMOTE"], fold=(0, 2))
    assert some.runs["macro_f1"].tolist() == [0.1, 0.6, 0.3, 0.5]
    assert some.resamplings["key"].tolist() == ["birds0", "birds2"]
    assert [v[0] for v in some.vectors("f1").values()] == [0.0, 2.0, 3.0, 5.0]
    assert some.vectors("precision") == {}
    assert some.where(fold=np.array([2])).runs["macro_f1"].tolist() == [0.6, 0.5]
    assert len(some.where(status="failed")) == 0
    assert some.where(status="failed").blocks() == ()


def test_failures_are_counted_by_reason():
    skipped = {"status": "skipped", "error": "MLkNN takes no class weights"}
    runs = [run("birds", "weights", fold, **skipped) for fold in range(3)]
    runs += [run("birds", "none", 0, macro_f1=0.5), run("birds", "MLSOL", 0, status="failed", error="ValueError: no")]
    assert Results.from_records(runs).failures() == (
        Failure("birds", "weights", "mlknn", "skipped", "MLkNN takes no class weights", 3),
        Failure("birds", "MLSOL", "mlknn", "failed", "ValueError: no", 1),
    )


def test_absent_labels_are_told_once_for_each_fold(results):
    assert results.absent_labels() == tuple(
        AbsentLabels(dataset, 0, fold, fold, 2) for dataset in ("birds", "yeast") for fold in range(3)
    )


def test_costs_are_means_of_what_ended_well(results):
    costs = {cost.approach: cost for cost in results.costs()}
    assert (costs["none"].n_runs, costs["none"].wall) == (6, 2.0)
    assert (costs["MLSOL"].n_runs, costs["MLSOL"].wall) == (5, pytest.approx((6 + 4) / 5))
    assert np.isnan(costs["none"].peak_mb)


def test_the_table_has_no_costs_and_its_csv_reads_back_to_the_last_bit(results, tmp_path):
    odd = run('b,"x"\n<y>', "none", 0, macro_f1=0.1 + 0.2, rare_f1=1e-300, wall=3.0, notes="takes 3 s")
    table = Results.from_records([*results.table(), odd])
    assert set(table.table()[0]).isdisjoint({"wall", "cpu_sampler", "notes"})
    path = table.write_table(tmp_path / "table.csv")
    with path.open(encoding="utf-8", newline="") as file:
        back = list(csv.DictReader(file))
    assert back[-1]["dataset"] == 'b,"x"\n<y>'
    assert [float(back[-1][name]) for name in ("macro_f1", "rare_f1")] == [0.1 + 0.2, 1e-300]
    assert sum(each["macro_f1"] == "" for each in back) == 1
    assert b",10," in path.read_bytes()  # whole numbers are written as such
    assert b"\r" not in path.read_bytes()
    assert path.read_bytes() == table.write_table(tmp_path / "again.csv").read_bytes()


def test_frame_has_every_column(results):
    pytest.importorskip("pandas")
    frame = results.frame()
    assert list(frame.columns) == list(results.runs)
    assert frame.groupby("approach")["wall"].mean()["none"] == 2.0


def test_what_is_not_there_is_named(results):
    with pytest.raises(ValueError, match="no run has the measure 'f2'; there are macro_f1"):
        results.scores("f2")
    with pytest.raises(ValueError, match="no run of an approach 'SMOTE'; there are none, MLSMOTE, MLSOL"):
        results.paired("macro_f1", "SMOTE")
    with pytest.raises(ValueError, match="runs have no column 'data'; they have key, dataset"):
        results.where(data="birds")


def test_no_runs_at_all():
    empty = Results.from_records([])
    assert (len(empty), empty.blocks(), empty.failures(), empty.costs(), empty.table()) == (0, (), (), (), [])
    assert empty.absent_labels() == ()
