"""The verdict follows from the paired differences, by the rules it states."""

import numpy as np
import pytest

from rarelabel.evaluation import correlated_t_test
from rarelabel.evaluation.report import summarize
from rarelabel.evaluation.report.gains import Grid, best_of, gains
from rarelabel.evaluation.results import Results

RUN = {"dataset": "birds", "classifier": "mlknn", "repeat": 0, "seed": 0, "status": "ok"}


def records(values, **same):
    """One run for each fold and approach."""
    return [
        RUN | same | {"approach": name, "fold": fold, "rare_f1": value}
        for name, folds in values.items()
        for fold, value in enumerate(folds)
    ]


def gain_of(runs, approach, **options):
    grid = Grid.of(Results.from_records(runs))
    per_dataset, overall = gains(grid, "rare_f1", [approach], **options)
    return per_dataset, overall[approach]


def test_gain_on_one_data_set_by_hand():
    # differences 0.10, 0.14, 0.12: mean 0.12, variance 0.0004; squared scale (1/3 + 1/2) 0.0004 = 0.000333;
    # t(0.975, 2) = 4.303, so half of the interval is 4.303 * 0.018257 = 0.07856
    _, gain = gain_of(records({"none": [0.2, 0.3, 0.25], "MLSMOTE": [0.3, 0.44, 0.37]}), "MLSMOTE")
    assert gain.mean == pytest.approx(0.12)
    assert gain.reach == pytest.approx(0.07856, rel=1e-3)
    assert (gain.score, gain.reference_score) == (pytest.approx(0.37), pytest.approx(0.25))


def test_seeds_and_classifiers_are_no_further_evidence(make_results):
    one = records({"none": [0.2, 0.3, 0.25], "MLSMOTE": [0.3, 0.44, 0.37]})
    twice = [run | {"seed": seed, "classifier": c} for run in one for seed in range(3) for c in ("mlknn", "br-tree")]
    _, alone = gain_of(one, "MLSMOTE")
    _, copied = gain_of(twice, "MLSMOTE")
    assert copied.reach == pytest.approx(alone.reach)
    assert copied.better == pytest.approx(alone.better)


def test_repeats_are_corrected_as_by_the_correlated_t_test():
    rng = np.random.default_rng(3)
    none, smote = rng.normal(0.3, 0.05, (2, 5)), rng.normal(0.33, 0.05, (2, 5))
    runs = [run for r in range(2) for run in records({"none": none[r], "MLSMOTE": smote[r]}, repeat=r)]
    _, gain = gain_of(runs, "MLSMOTE")
    expected = correlated_t_test(smote.ravel(), none.ravel(), n_repeats=2)
    assert gain.better == pytest.approx(expected.left)
    assert gain.reach == pytest.approx(expected.interval()[1] - expected.mean)


def test_a_classifier_with_a_lost_fold_does_not_count():
    good = records({"none": [0.2, 0.3, 0.25], "MLSMOTE": [0.3, 0.4, 0.35]})
    lost = records({"none": [0.2, 0.3, 0.25], "MLSMOTE": [0.9, 0.9, 0.9]}, classifier="br-tree")
    lost[-1] |= {"status": "failed", "rare_f1": None}
    per_dataset, gain = gain_of(good + lost, "MLSMOTE")
    assert gain.mean == pytest.approx(0.1)
    assert per_dataset["birds"]["MLSMOTE"].classifiers == ("mlknn",)


def test_the_best_of_many_must_be_clearer():
    runs = records({"none": [0.2, 0.3, 0.25, 0.28], "MLSMOTE": [0.225, 0.33, 0.278, 0.30]})
    _, single = gain_of(runs, "MLSMOTE")
    assert 0.95 < single.better < 0.995
    assert single.judgement == "better"
    assert gain_of(runs, "MLSMOTE", n_tried=10)[1].judgement == "unclear"


def test_three_data_sets_that_disagree_in_size_are_not_enough():
    # gains 0.02, 0.06 and 0.03: mean 0.0367, deviation 0.0208; half of the interval 4.303 * 0.0208 / sqrt(3) = 0.0517
    runs = [
        run
        for name, gain in {"birds": 0.025, "yeast": 0.065, "scene": 0.035}.items()
        for run in records({"none": [0.2, 0.3], "MLSMOTE": [0.2 + gain, 0.3 + gain]}, dataset=name)
    ]
    per_dataset, overall = gain_of(runs, "MLSMOTE")
    assert {found["MLSMOTE"].judgement for found in per_dataset.values()} == {"better"}
    assert overall.reach == pytest.approx(0.0517, rel=1e-3)
    assert overall.better > 0.95
    assert overall.judgement == "unclear"


def test_losses_count_the_other_way(make_results):
    runs = [
        RUN | {"approach": name, "fold": fold, "hamming_loss": value + fold / 100}
        for name, value in {"none": 0.3, "MLSMOTE": 0.2}.items()
        for fold in range(3)
    ]
    verdict = summarize(Results.from_records(runs)).verdicts[0]
    assert verdict.sampler.mean == pytest.approx(0.1)
    assert "lowers Hamming loss from 0.310 to 0.210" in verdict.sentences[0]


def test_known_differences_come_back(results):
    summary = summarize(results)
    found = summary.judged[0].gains
    for name, effect in {"MLSMOTE": 0.05, "thresholds": 0.03, "MLRUS": -0.05, "LPROS": -0.002}.items():
        assert found[name].mean == pytest.approx(effect, abs=0.004)
        assert abs(found[name].mean - effect) <= 2 * found[name].reach
    assert {name: found[name].judgement for name in ("MLSMOTE", "MLRUS", "LPROS")} == {
        "MLSMOTE": "better",
        "MLRUS": "worse",
        "LPROS": "equal",
    }
    assert found["MLSOL"].n_datasets == 5
    assert summary.verdicts[0].headline == "Resampling helps, and more than the cheap remedies"
    assert "the best of the 6 samplers tried" in summary.verdicts[0].sentences[0]


@pytest.mark.parametrize(
    ("effects", "headline"),
    [
        ({"none": 0, "thresholds": 0.08, "MLSMOTE": 0.04}, "Resampling helps, but a cheap remedy does better"),
        ({"none": 0, "thresholds": 0.05, "MLSMOTE": 0.05}, "Resampling helps, but a cheap remedy does as well"),
        ({"none": 0, "thresholds": 0.0, "MLSMOTE": 0.05}, "Resampling helps"),
        ({"none": 0, "thresholds": 0.05, "MLSMOTE": 0.0}, "A cheap remedy helps; resampling does not clearly"),
        ({"none": 0, "thresholds": 0.0, "MLSMOTE": -0.05}, "Resampling does not help"),
        ({"none": 0, "thresholds": 0.0, "MLSMOTE": 0.001}, "Resampling does not help"),
        ({"none": 0, "weights": 0.05}, "A cheap remedy helps"),
        ({"none": 0}, "Nothing to compare"),
        ({"MLSMOTE": 0, "MLROS": 0.05}, "Nothing to compare"),
    ],
)
def test_headline(make_results, effects, headline):
    made = make_results(effects=effects, sizes={"birds": 6}, gaps=False, vectors=False, noise=0.003)
    assert summarize(made).verdicts[0].headline == headline


def test_noise_makes_no_clear_difference(make_results):
    clear = 0
    for seed in range(20):
        made = make_results(
            effects=dict.fromkeys(["none", "weights", "MLSMOTE", "MLROS", "MLSOL"], 0.0),
            sizes={"birds": 6}, classifiers=("br-tree",), gaps=False, vectors=False, noise=0.03, seed=seed,
        )  # fmt: skip
        clear += summarize(made).verdicts[0].sampler.judgement == "better"
    assert clear <= 1


def test_one_fold_is_too_little(make_results):
    made = make_results(sizes={"birds": 6}, n_folds=1, gaps=False)
    summary = summarize(made)
    assert summary.verdicts[0].headline == "Too little was run to tell"
    assert "±" not in " ".join(summary.verdicts[0].sentences)


def test_an_approach_that_ran_on_few_data_sets_is_not_named(make_results):
    runs = [
        RUN | {"dataset": name, "approach": approach, "fold": fold, "rare_f1": value + fold / 50}
        for name in ("birds", "yeast", "scene")
        for approach, value in (("none", 0.2), ("MLROS", 0.25), ("MLSOL", 0.6))
        for fold in range(3)
        if approach != "MLSOL" or name == "birds"
    ]
    _, overall = gains(Grid.of(Results.from_records(runs)), "rare_f1", ["MLROS", "MLSOL"])
    assert best_of(overall, ["MLROS", "MLSOL"], 3).approach == "MLROS"


def test_a_clear_gain_is_named_before_a_larger_one_that_is_not():
    values = {"none": [0.30, 0.30, 0.30, 0.30], "MLROS": [0.40, 0.41, 0.40, 0.39], "MLSOL": [0.90, 0.10, 0.80, 0.10]}
    runs = [
        RUN | {"dataset": "birds", "approach": approach, "fold": fold, "rare_f1": value}
        for approach, folds in values.items()
        for fold, value in enumerate(folds)
    ]
    verdict = summarize(Results.from_records(runs)).verdicts[0]
    assert verdict.headline == "Resampling helps"
    assert verdict.sampler.approach == "MLROS"
    assert verdict.sentences[0].startswith("MLROS, the clearest of the 2 samplers tried, raises rare-label F1 from 0.3")


def test_text_fits_the_terminal(results, make_results):
    long = make_results(effects={"none": 0.0, "MLSMOTE" * 30: 0.05, "weights": 0.0}, sizes={"b" * 200: 4}, gaps=False)
    for made in (results, long):
        lines = str(summarize(made)).splitlines()
        assert max(map(len, lines)) <= 100 or not any(" " in line.strip() for line in lines if len(line) > 100)
    text = str(summarize(results))
    assert "2,160 runs, 44 failed, 60 skipped." in text
    assert "MLSMOTE             +0.051 ± 0.001 *" in text


def test_a_comparison_under_way_says_so(results):
    from dataclasses import replace

    assert "Preliminary: 2,160 of 5,000 runs so far" in str(summarize(replace(results, n_planned=5000)))


def test_measures_are_checked(results):
    with pytest.raises(ValueError, match="there is no measure 'rare_f'; did you mean 'rare_f1'"):
        summarize(results, measures=["rare_f"])
    with pytest.raises(ValueError, match="no run has the measure 'mcc'"):
        summarize(results, measures=["mcc"])
