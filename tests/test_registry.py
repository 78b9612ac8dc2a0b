"""Every method is found by its name, and only what exists is found."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import f1_score, roc_auc_score

from rarelabel import over_sampling, under_sampling
from rarelabel.base import BaseSampler
from rarelabel.classifiers import MLkNN, label_scores, with_class_weights
from rarelabel.registry import (
    CLASSIFIERS,
    SAMPLERS,
    SINGLE_LABEL_CLASSIFIERS,
    SINGLE_LABEL_SAMPLERS,
    classifier_names,
    is_single_label,
    make_classifier,
    make_sampler,
    sampler_class,
    sampler_names,
)


def test_the_registry_holds_every_exported_sampler_and_no_other():
    pytest.importorskip("torch")
    from rarelabel import generative

    ours = {name for name, part in SINGLE_LABEL_SAMPLERS.items() if part.target.startswith("rarelabel.")}
    exported = [*generative.__all__, *over_sampling.__all__, *under_sampling.__all__]
    assert sorted({*SAMPLERS, *ours}) == sorted(set(exported) - {"load_model"})
    assert not set(SAMPLERS) & set(SINGLE_LABEL_SAMPLERS)


@pytest.mark.parametrize("name", sampler_names(installed=True))
def test_a_name_means_its_class_however_it_is_written(name):
    cls = sampler_class(name)
    assert cls.__name__ == name
    assert issubclass(cls, BaseSampler)
    for written in (name.lower(), name.upper(), f"{name[:2]}-{name[2:]}", f"{name[:2]}_{name[2:]}"):
        assert sampler_class(written) is cls


@pytest.mark.parametrize("wrong", ["SMOTEX", "", "mlsmote2"])
def test_an_unknown_name_is_refused_with_those_that_exist(wrong):
    with pytest.raises(ValueError, match=r"no method is called .*; there are AEMLO, CVAE, LPROS, LPRUS, MLDM, MLROS"):
        sampler_class(wrong)


@pytest.mark.parametrize("name", sampler_names(installed=True, single_label=True))
def test_samplers_of_classes_are_found_apart_from_those_of_labels(name):
    assert name not in sampler_names()
    for written in (name, name.lower(), f"{name[:2]}-{name[2:]}"):
        assert is_single_label(written)
        assert sampler_class(written).__name__ == name
    sampler = make_sampler(name, random_state=3)
    assert sampler.get_params()["random_state"] == 3
    assert sampler.get_params()["sampling_strategy"] == "auto"
    assert not is_single_label("MLSMOTE")


def test_a_sampler_of_imbalanced_learn_without_it_names_the_extra(monkeypatch):
    monkeypatch.setattr("rarelabel.registry.find_spec", lambda module: None)
    with pytest.raises(ImportError, match=r"'SMOTE' needs imblearn: pip install 'rarelabel\[imblearn\]'"):
        make_sampler("SMOTE")
    assert sampler_names(installed=True, single_label=True) == ()


def test_samplers_of_imbalanced_learn_are_its_own():
    over_sampling = pytest.importorskip("imblearn.over_sampling")
    for name in ("ADASYN", "BorderlineSMOTE", "SMOTE", "SMOTENC"):
        assert sampler_class(name) is getattr(over_sampling, name)
    rows = np.random.default_rng(0).normal(size=(40, 2))
    y = np.array(["often"] * 30 + ["rare"] * 10)
    found = make_sampler("smote", random_state=0, k_neighbors=3).fit_resample(rows, y)
    expected = over_sampling.SMOTE(random_state=0, k_neighbors=3).fit_resample(rows, y)
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1].tolist() == expected[1].tolist()


def test_parameters_are_passed_on_and_unknown_ones_refused_with_those_that_exist():
    assert make_sampler("mlsmote", k_neighbors=3).get_params()["k_neighbors"] == 3
    with pytest.raises(ValueError, match="MLROS has no parameter k_neighbors; it has random_state, sampling_strategy"):
        make_sampler("mlros", k_neighbors=3)


@pytest.mark.parametrize(("wrong", "near"), [("mlsmoot", "MLSMOTE"), ("ml-smot", "MLSMOTE"), ("mlenm", "MLeNN")])
def test_the_nearest_sampler_is_named(wrong, near):
    with pytest.raises(ValueError, match=rf"; did you mean .*{near}.*\?$"):
        sampler_class(wrong)


def test_the_registry_imports_no_method_before_it_is_asked():
    heavy = "{'rarelabel.over_sampling', 'rarelabel.classifiers', 'sklearn', 'lightgbm', 'torch'}"
    code = f"import sys, rarelabel.registry as r; r.classifier_names(); sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def made(name, **parameters):
    needed = [part.needs for part in (CLASSIFIERS[name].method, CLASSIFIERS[name].estimator) if part and part.needs]
    for module in needed:
        pytest.importorskip(module)
    return make_classifier(name, **QUICK.get(name, {}), **parameters)


QUICK = {"balancemix": {"epochs": 15, "warmup": 4}, "mlp-asl": {"epochs": 15}, "mlp-bce": {"epochs": 15}}
X = np.random.default_rng(0).normal(size=(160, 4))
Y = (X @ np.random.default_rng(1).normal(size=(4, 3)) > 0.5).astype(int)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_learns_and_the_same_seed_gives_the_same_scores(name):
    first, second = (label_scores(made(name, random_state=3).fit(X[:100], Y[:100]), X[100:]) for _ in range(2))
    assert first.probabilities
    assert roc_auc_score(Y[100:], first.values, average="macro") > 0.75
    np.testing.assert_array_equal(first.values, second.values)


@pytest.mark.parametrize("name", [name for name in CLASSIFIERS if "boosting" not in name])
def test_all_but_histogram_boosting_take_sparse_rows(name):
    rows = sparse.csr_array(np.where(np.abs(X) > 0.3, X, 0))
    dense, found = (
        label_scores(made(name, random_state=0).fit(each, Y), each).values for each in (rows.toarray(), rows)
    )
    np.testing.assert_allclose(found, dense, atol=0.02)  # solvers stop at slightly different places


def test_classifier_names_are_the_keys_however_they_are_written():
    assert classifier_names() == tuple(sorted(CLASSIFIERS))
    assert str(make_classifier("BR_Tree")) == str(make_classifier("br-tree"))
    assert isinstance(make_classifier("mlknn"), MLkNN)


def test_parameters_reach_the_classifier_or_its_estimator():
    rakel = make_classifier("rakel-tree", labelset_size=2, max_depth=4, estimator__min_samples_leaf=7)
    assert rakel.labelset_size == 2
    assert (rakel.estimator.max_depth, rakel.estimator.min_samples_leaf) == (4, 7)
    with pytest.raises(
        ValueError, match=r"'rakel-tree' has no parameter max_dept; there are .*; did you mean max_depth"
    ):
        make_classifier("rakel-tree", max_dept=4)
    with pytest.raises(
        ValueError, match=r"'mlknn' has no parameter estimator__k; there are class_weight, include_self"
    ):
        make_classifier("mlknn", estimator__k=4)


def test_a_seed_is_set_everywhere_and_a_generator_draws_one():
    rakel = make_classifier("rakel-tree", random_state=7)
    assert rakel.random_state == rakel.estimator.random_state == 7
    drawn = [make_classifier("rakel-tree", random_state=np.random.default_rng(seed)).random_state for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert make_classifier("br-tree").estimator.random_state is None
    assert make_classifier("br-tree", random_state=7, estimator__random_state=1).estimator.random_state == 1
    assert make_classifier("mlknn", random_state=0).get_params() == make_classifier("mlknn").get_params()
    with pytest.raises(ValueError, match="random_state must be a non-negative int"):
        make_classifier("mlknn", random_state=-1)


def test_an_unknown_classifier_is_refused_with_the_nearest_names():
    with pytest.raises(
        ValueError,
        match=r"no classifier is called 'br-tre'; there are balancemix, br-boosting, .*; did you mean br-tree",
    ):
        make_classifier("br-tre")
    with pytest.raises(ValueError, match=r"no classifier is called 'svc2'; there are balancemix, [^;]*$"):
        make_classifier("svc2")


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr("rarelabel.registry.find_spec", lambda module: None)
    with pytest.raises(ImportError, match=r"'br-lightgbm' needs lightgbm: pip install 'rarelabel\[boosting\]'"):
        make_classifier("br-lightgbm")


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_takes_class_weights(name):
    rng = np.random.default_rng(0)
    rare = rng.random((400, 3)) < [0.06, 0.4, 0.5]
    rows = rng.normal(size=(400, 3)) + 1.2 * rare
    # leaves of several rows: in pure ones, weights would move the splits alone
    leaves = {"min_samples_leaf": 10} if name.endswith(("tree", "forest")) else {}
    plain = made(name, random_state=0, **leaves)
    unseen = rng.normal(size=(2000, 3)) + 1.2 * (rng.random((2000, 3)) < [0.06, 0.4, 0.5])
    fitted = [each.fit(rows, rare) for each in (plain, with_class_weights(plain))]
    without, weighted = (label_scores(each, unseen).values[:, 0].mean() for each in fitted)
    assert weighted > without


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("name", SINGLE_LABEL_CLASSIFIERS)
def test_classifiers_of_one_class_per_row_are_found_apart_and_measured_on_the_rarer_of_two(name):
    from rarelabel.evaluation.measures import HeldOut, measure_held_out

    assert name in classifier_names(single_label=True)
    assert name not in classifier_names()
    rng = np.random.default_rng(0)
    y = np.repeat(["often", "rare"], [400, 100])
    rows = rng.normal(size=(500, 2)) + 3 * (y == "rare")[:, np.newaxis]
    training = rng.permutation(500) < 300
    classifier = make_classifier(name, random_state=0).fit(rows[training], y[training])
    assert classifier.classes_.tolist() == ["often", "rare"]  # one model, not one for each class
    truth, said = y[~training], classifier.predict(rows[~training])
    one_hot = [each[:, np.newaxis] == ["often", "rare"] for each in (truth, said)]
    held = HeldOut(*one_hot, one_hot[1].astype(float), np.array([400, 100]), exclusive=True)
    found = measure_held_out(held)[0]["rare_f1"]
    assert found == f1_score(truth, said, pos_label="rare") > 0.9
