"""Samplers stand in an imbalanced-learn pipeline, under cross-validation and search, with a Y of any form."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier

from rarelabel.registry import sampler_class, sampler_names

SAMPLERS = sampler_names(installed=True)

pd = pytest.importorskip("pandas")
pytest.importorskip("imblearn")

PARAMETERS = {name: sampler_class(name)().get_params() for name in SAMPLERS}
BUDGETED = [name for name in SAMPLERS if "sampling_strategy" in PARAMETERS[name]]
NEIGHBORLY = {name: p for name in SAMPLERS for p in ("k_neighbors", "n_neighbors") if p in PARAMETERS[name]}


def seeded(name):
    return sampler_class(name)(**({"random_state": 0} if "random_state" in PARAMETERS[name] else {}))


def quietly(method, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return method(*args)


def forms_of(Y):
    return {"dense": Y, "sparse": sparse.csr_array(Y), "frame": pd.DataFrame(Y, columns=["a", "b", "c"])}


def predictor():
    """One that takes a sparse Y as well."""
    return OneVsRestClassifier(KNeighborsClassifier(3))


@pytest.fixture
def learnable():
    rng = np.random.default_rng(7)
    X = rng.uniform(-1, 1, size=(90, 3))
    return X, (X > [-0.4, 0.1, 0.5]).astype(int)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("form", ["dense", "sparse", "frame"])
def test_every_sampler_works_in_a_pipeline_under_cross_validation(name, form, learnable):
    """scikit-learn's cross_val_score refuses any sparse y by itself; a grid of one point cross-validates it."""
    pipeline = pytest.importorskip("imblearn.pipeline")
    X, Y = learnable
    model = pipeline.Pipeline([("sampler", seeded(name)), ("model", predictor())])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if form == "sparse":
            search = GridSearchCV(model, {}, cv=KFold(3), scoring="accuracy", error_score="raise")
            results = search.fit(X, forms_of(Y)[form]).cv_results_
            scores = [results[f"split{fold}_test_score"][0] for fold in range(3)]
        else:
            scores = cross_val_score(model, X, forms_of(Y)[form], cv=KFold(3), scoring="accuracy", error_score="raise")
    by_hand = []
    for train, test in KFold(3).split(X):
        X_res, Y_res = quietly(seeded(name).fit_resample, X[train], Y[train])
        by_hand.append((predictor().fit(X_res, Y_res).predict(X[test]) == Y[test]).all(axis=1).mean())
    np.testing.assert_allclose(scores, by_hand)


@pytest.mark.parametrize("name", BUDGETED)
@pytest.mark.parametrize("form", ["dense", "sparse", "frame"])
def test_parameters_can_be_searched(name, form, learnable):
    pipeline = pytest.importorskip("imblearn.pipeline")
    X, Y = learnable
    grid = {"sampler__sampling_strategy": [0.1, 0.4]}
    if name in NEIGHBORLY:
        grid[f"sampler__{NEIGHBORLY[name]}"] = [1, 4]
    model = pipeline.Pipeline([("sampler", seeded(name)), ("model", predictor())])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = GridSearchCV(model, grid, cv=KFold(2), scoring="accuracy", error_score="raise")
        search.fit(X, forms_of(Y)[form])
    assert len(search.cv_results_["params"]) == 2 * (2 if name in NEIGHBORLY else 1)
    assert set(search.best_params_) == set(grid)
    assert search.best_estimator_.predict(X).shape == (90, 3)


def test_a_pipeline_with_one_linear_model_for_each_label_predicts_without_resampling(learnable):
    pipeline = pytest.importorskip("imblearn.pipeline")
    X, Y = learnable
    model = pipeline.make_pipeline(seeded("MLSMOTE"), MultiOutputClassifier(LogisticRegression()))
    predicted = quietly(model.fit, X, Y).predict(X[:5])
    assert predicted.shape == (5, 3)
    X_res, Y_res = quietly(seeded("MLSMOTE").fit_resample, X, Y)
    alone = MultiOutputClassifier(LogisticRegression()).fit(X_res, Y_res)
    np.testing.assert_array_equal(predicted, alone.predict(X[:5]))
