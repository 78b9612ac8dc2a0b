"""A trial gives what the same steps give when they are written out with scikit-learn."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import f1_score, matthews_corrcoef, roc_auc_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from rarelabel.datasets import Dataset
from rarelabel.evaluation import trial as trial_module
from rarelabel.evaluation.approaches import Approach, parse_approach
from rarelabel.evaluation.measures import MEASURES
from rarelabel.evaluation.records import COST_COLUMNS, FIDELITY_COLUMNS, RUN_COLUMNS, Task
from rarelabel.evaluation.trial import ClassifierChoice, Setup, run_task
from rarelabel.model_selection import MultilabelStratifiedKFold
from rarelabel.schema import Schema

LOGISTIC = OneVsRestClassifier(LogisticRegression())


class Doubler(BaseEstimator):
    """Adds a copy of every row that has the last label."""

    def fit_resample(self, X, y):
        rows = np.flatnonzero(y == y.max() if y.ndim == 1 else y[:, -1])
        more = np.concatenate([np.arange(len(y)), rows])
        return X[more], y[more]


class Broken(BaseEstimator):
    def fit_resample(self, X, y):
        raise RuntimeError("no rows\n to be had")

    fit = fit_resample

    def predict(self, X):
        raise NotImplementedError


class Endless(Broken):
    def fit_resample(self, X, y):
        while True:
            pass

    fit = fit_resample


class Constant(ClassifierMixin, BaseEstimator):
    """Predicts the last label for every row, with a random score."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, Y):
        warnings.warn("it learns\nnothing", UserWarning, stacklevel=1)
        self.classes_ = [np.array([0, 1])] * Y.shape[1]
        return self

    def predict(self, X):
        return np.tile(np.arange(len(self.classes_)) == len(self.classes_) - 1, (len(X), 1)).astype(int)

    def decision_function(self, X):
        return np.random.default_rng(self.random_state).normal(size=(len(X), len(self.classes_)))


def make_data(n=90, q=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)) * [1, 5, 0.2, 1] + [0, 10, 0, 0]
    Y = rng.random((n, q)) < np.where(X[:, [0] * q] > 0, np.linspace(0.6, 0.4, q), np.linspace(0.3, 0.1, q))
    return Dataset(X, Y, Schema.numeric(4, [f"y{j}" for j in range(q)]), "made")


def make_classes(n=90, q=4, seed=0):
    rng = np.random.default_rng(seed)
    y = np.sort(np.minimum(rng.geometric(0.5, n) - 1, q - 1))
    X = rng.normal(size=(n, 3)) + np.eye(q, 3)[y] * 2
    return Dataset(
        X, y[:, None] == np.arange(q), Schema.numeric(3, [f"c{j}" for j in range(q)], exclusive=True), "made"
    )


def make_task(dataset, approach, classifiers, *, seed=7, fold=1, keys=None, **settings):
    approach = parse_approach(approach) if isinstance(approach, str) else approach
    choices = {name: ClassifierChoice(name, name, {}, instance) for name, instance in classifiers.items()}
    setup = Setup(approach, choices, np.arange(len(dataset.Y)) % 3, **settings)
    keys = {name: f"key of {name}" for name in choices}
    return Task(dataset.name, approach.name, 0, fold, seed, keys, "key of the rows", setup)


def run_one(dataset, approach, classifier=LOGISTIC, **options):
    outcome = run_task(make_task(dataset, approach, {"c": classifier}, **options), dataset)
    (run,) = outcome.runs
    return run, {name: value for (_, name), value in outcome.vectors.items()}


def probabilities(dataset, fit, held, double=False, weight=None):
    """Standardise by the training rows as they were, perhaps double, and one logistic regression for each label."""
    scaler = StandardScaler().fit(dataset.X[fit])
    rows = np.concatenate([fit, fit[dataset.Y[fit, -1]]]) if double else fit
    X, Y, X_held = scaler.transform(dataset.X[rows]), dataset.Y[rows], scaler.transform(dataset.X[held])
    models = [LogisticRegression(class_weight=weight).fit(X, y) for y in Y.T]
    return np.column_stack([model.predict_proba(X_held)[:, 1] for model in models])


def by_hand(dataset, *, double=False, weight=None, tuned=False, seed=7, fold=1):
    """F1 and AUC of each label."""
    folds = np.arange(len(dataset.Y)) % 3
    fit, held = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
    thresholds = np.full(dataset.Y.shape[1], 0.5)
    if tuned:
        Y = dataset.Y[fit]
        unseen = np.zeros(Y.shape)
        state = int(np.random.SeedSequence([seed, 0, fold]).generate_state(3)[2])
        for a, b in MultilabelStratifiedKFold(3, shuffle=True, random_state=state).split(Y, Y):
            unseen[b] = probabilities(dataset, fit[a], fit[b], double, weight)
        for j, (y, p) in enumerate(zip(Y.T, unseen.T, strict=True)):
            steps = np.sort(p)[::-1]
            middles = np.append((steps[:-1] + steps[1:]) / 2, steps[-1])
            thresholds[j] = middles[np.argmax([f1_score(y, p >= each) for each in middles])]
    P = probabilities(dataset, fit, held, double, weight)
    truth = dataset.Y[held]
    return f1_score(truth, thresholds <= P, average=None), roc_auc_score(truth, P, average=None)


@pytest.mark.parametrize(
    ("approach", "steps"),
    [
        ("none", {}),
        ("weights", {"weight": "balanced"}),
        ("thresholds", {"tuned": True}),
        (Approach("doubled", instance=Doubler()), {"double": True}),
        (
            Approach("all", class_weights=True, thresholds=True, instance=Doubler()),
            {"double": True, "tuned": True, "weight": "balanced"},
        ),
        (Approach("doubled+thresholds", thresholds=True, instance=Doubler()), {"double": True, "tuned": True}),
    ],
)
@pytest.mark.parametrize("fold", [0, 2])
def test_scores_are_those_of_the_same_steps_by_hand(approach, steps, fold):
    dataset = make_data()
    run, vectors = run_one(dataset, approach, fold=fold)
    f1, auc = by_hand(dataset, fold=fold, **steps)
    assert run["status"] == "ok", run["error"]
    np.testing.assert_allclose(vectors["f1"], f1)
    assert run["macro_f1"] == pytest.approx(f1.mean())
    assert run["macro_auc"] == pytest.approx(auc.mean(), abs=1e-12)
    doubled = int(dataset.Y[np.arange(90) % 3 != fold, -1].sum()) if "double" in steps else 0
    assert (run["n_train"], run["n_resampled"], run["n_test"]) == (60, 60 + doubled, 30)


def test_the_approaches_by_hand_differ():
    """Else the test above could not tell one from another."""
    steps = [{}, {"weight": "balanced"}, {"tuned": True}, {"double": True}, {"double": True, "tuned": True}]
    found = {tuple(np.round(by_hand(make_data(), **each)[0], 6)) for each in steps}
    assert len(found) == len(steps)


def test_records_have_their_columns_in_order():
    outcome = run_task(make_task(make_data(), "mlros", {"a": LOGISTIC, "b": GaussianNB()}, fidelity=True), make_data())
    for run in outcome.runs:
        assert tuple(run)[: len(RUN_COLUMNS)] == tuple(RUN_COLUMNS)
    assert set(outcome.runs[0]) - set(RUN_COLUMNS) == {
        name for name in MEASURES if MEASURES[name].exclusive is not True
    }
    assert [run["status"] for run in outcome.runs] == ["ok", "failed"]  # naive Bayes takes no several labels
    assert set(outcome.vectors) == {
        ("key of a", name) for name in ("f1", "precision", "recall", "average_precision", "reliability")
    }
    assert outcome.resampling["key"] == "key of the rows"
    assert set(FIDELITY_COLUMNS) <= set(outcome.resampling)
    assert outcome.resampling["n_new"] == outcome.runs[0]["n_resampled"] - 60
    assert outcome.resampling["exact_duplicates"] == 1.0
    pickle.loads(pickle.dumps(outcome))


def test_a_sampler_that_fails_fails_every_run():
    classifiers = {"a": LOGISTIC, "b": LogisticRegression()}
    outcome = run_task(make_task(make_data(), Approach("broken", instance=Broken()), classifiers), make_data())
    assert [(run["status"], run["error"]) for run in outcome.runs] == [
        ("failed", "broken: RuntimeError: no rows to be had")
    ] * 2
    assert [run["n_resampled"] for run in outcome.runs] == [60, 60]
    assert outcome.resampling is None
    assert outcome.vectors == {}
    assert tuple(outcome.runs[0]) == tuple(RUN_COLUMNS)


def test_a_classifier_that_fails_fails_alone():
    outcome = run_task(make_task(make_data(), "none", {"a": Broken(), "b": LOGISTIC}), make_data())
    assert [(run["status"], run["error"]) for run in outcome.runs] == [
        ("failed", "a: RuntimeError: no rows to be had"),
        ("ok", ""),
    ]


def test_a_classifier_that_cannot_be_made_is_a_failed_run():
    task = make_task(make_data(), "none", {"br-tree": None})
    choices = {"br-tree": ClassifierChoice("br-tree", "br-tree", {"no_such": 1})}
    setup = Setup(task.settings.approach, choices, task.settings.folds)
    outcome = run_task(Task(*("made", "none", 0, 1, 7, task.keys, "", setup)), make_data())
    assert outcome.runs[0]["status"] == "failed"
    assert "no_such" in outcome.runs[0]["error"]


def test_a_classifier_without_class_weights_is_skipped_and_says_why():
    run, _ = run_one(make_data(), "weights", Constant())
    assert (run["status"], run["error"]) == (
        "skipped",
        "Constant takes no class weights: it has no parameter class_weight",
    )
    assert run_one(make_data(), "none", Constant())[0]["status"] == "ok"


def test_warnings_are_notes_and_are_not_shown():
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        run, _ = run_one(make_data(), "none", Constant())
        slow, _ = run_one(make_data(), "none", MLPClassifier((4,), max_iter=2))
    assert shown == []
    assert run["notes"] == "UserWarning: it learns nothing"
    assert slow["notes"].startswith("ConvergenceWarning: ")
    assert run_one(make_data(), "none")[0]["notes"] == ""


def test_notes_of_a_classifier_are_not_those_of_the_next():
    outcome = run_task(make_task(make_data(), "none", {"a": Constant(), "b": LOGISTIC}), make_data())
    assert [bool(run["notes"]) for run in outcome.runs] == [True, False]


def test_what_takes_too_long_fails():
    run, _ = run_one(make_data(), "none", Endless(), time_limit=0.05)
    assert (run["status"], run["error"]) == ("failed", "c: TimeoutError: training took longer than 0.05 s")
    run, _ = run_one(make_data(), Approach("endless", instance=Endless()), time_limit=0.05)
    assert (run["status"], run["error"]) == ("failed", "endless: TimeoutError: resampling took longer than 0.05 s")


def plain(outcome):
    runs = [{k: v for k, v in run.items() if k not in COST_COLUMNS} for run in outcome.runs]
    return runs, {k: v.tobytes() for k, v in outcome.vectors.items()}, outcome.resampling


@pytest.mark.parametrize("approach", ["none", "mlros", "mlros+thresholds"])
def test_the_same_seed_gives_the_same_record(approach):
    dataset, classifiers = make_data(), {"a": ExtraTreesClassifier(5), "b": Constant()}
    one, again, other = (
        plain(run_task(make_task(dataset, approach, classifiers, seed=seed), dataset)) for seed in (1, 1, 2)
    )
    assert one == again
    assert one[1] != other[1]


def test_a_classifier_gives_the_same_whichever_run_beside_it():
    dataset, classifiers = make_data(), {"a": ExtraTreesClassifier(5), "b": Constant()}
    task = make_task(dataset, "mlros+thresholds", classifiers)
    both, alone = (plain(run_task(each, dataset)) for each in (task, task.only(["b"])))
    assert both[0][1] == alone[0][0]


def test_approaches_meet_a_classifier_with_the_same_seed():
    """The scores of this one are nothing but its random numbers."""
    dataset = make_data()
    found = [run_one(dataset, approach, Constant())[1] for approach in ("none", "thresholds", "mlros", "mlsmote")]
    assert len({each["average_precision"].tobytes() for each in found}) == 1
    assert (
        found[0]["average_precision"].tobytes()
        != run_one(dataset, "none", Constant(), fold=2)[1]["average_precision"].tobytes()
    )


def test_rows_that_cannot_be_compared_are_a_note(monkeypatch):
    def refuse(*_, **__):
        raise ValueError("too\nfew")

    monkeypatch.setattr(trial_module, "fidelity_report", refuse)
    outcome = run_task(make_task(make_data(), "mlros", {"c": LOGISTIC}), make_data())
    assert outcome.runs[0]["status"] == "ok"
    assert "new rows could not be compared with real ones: ValueError: too few" in outcome.runs[0]["notes"]
    assert outcome.resampling["n_new"] > 0
    outcome = run_task(make_task(make_data(), "mlros", {"c": LOGISTIC}, fidelity=False), make_data())
    assert outcome.runs[0]["notes"] == ""


def test_removed_rows_are_counted():
    outcome = run_task(make_task(make_data(), "mlrus", {"c": LOGISTIC}), make_data())
    assert outcome.resampling["n_new"] == 0
    assert outcome.resampling["n_removed"] == 60 - outcome.runs[0]["n_resampled"] > 0
    assert not set(FIDELITY_COLUMNS) & set(outcome.resampling)


def test_global_random_numbers_are_left_alone():
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    run_one(make_data(), "mlros+thresholds", ExtraTreesClassifier(5))
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


def classes_by_hand(dataset, weight=None):
    y, folds = dataset.Y.argmax(axis=1), np.arange(len(dataset.Y)) % 3
    fit, held = folds != 1, folds == 1
    scaler = StandardScaler().fit(dataset.X[fit])
    model = LogisticRegression(class_weight=weight).fit(scaler.transform(dataset.X[fit]), y[fit])
    return (
        y[held],
        model.predict(scaler.transform(dataset.X[held])),
        model.predict_proba(scaler.transform(dataset.X[held])),
    )


@pytest.mark.parametrize("q", [2, 4])
@pytest.mark.parametrize("approach", ["none", "weights"])
def test_classes_by_hand(q, approach):
    dataset = make_classes(q=q)
    run, _ = run_one(dataset, approach, LogisticRegression())
    true, predicted, P = classes_by_hand(dataset, "balanced" if approach == "weights" else None)
    assert run["status"] == "ok", run["error"]
    assert run["mcc"] == pytest.approx(matthews_corrcoef(true, predicted))
    assert run["class_f1"] == pytest.approx(f1_score(true, predicted, average="macro"))
    expected = roc_auc_score(true, P[:, 1]) if q == 2 else roc_auc_score(true, P, multi_class="ovr")
    assert run["class_auc"] == pytest.approx(expected)


def test_the_threshold_of_two_classes_is_that_of_the_rarer():
    dataset = make_classes(q=2)
    run, _ = run_one(dataset, "thresholds", LogisticRegression())
    true, _, P = classes_by_hand(dataset)
    rarer = int(dataset.Y[np.arange(90) % 3 != 1].sum(axis=0).argmin())
    possible = [f1_score(true == rarer, P[:, rarer] >= t, zero_division=0) for t in np.append(P[:, rarer], 2.0)]
    assert run["status"] == "ok", run["error"]
    _, vectors = run_one(dataset, "thresholds", LogisticRegression())
    assert any(vectors["f1"][rarer] == pytest.approx(each) for each in possible)
    assert run["class_f1"] == pytest.approx(vectors["f1"].mean())


def test_a_fold_that_holds_out_one_class_is_measured_like_any_other():
    dataset = make_classes(q=2)
    is_rare = np.arange(90)[:, None] % 9 == 0  # rows of fold 0, while fold 1 is held out
    dataset = Dataset(dataset.X, np.hstack([~is_rare, is_rare]), dataset.schema, "made")
    run, vectors = run_one(dataset, "none", LogisticRegression())
    assert (run["status"], run["error"]) == ("ok", "")
    assert (run["balanced_accuracy"], run["class_g_mean"], run["class_f1"], run["mcc"]) == (1, 1, 1, 0)
    assert run["class_auc"] is run["rare_f1"] is None
    np.testing.assert_array_equal(vectors["f1"], [1, np.nan])


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_declared_class_without_rows_changes_nothing(at):
    """A KEEL file may declare one: it is not the rarer class, and two classes with rows have a threshold."""
    two = make_classes(q=2)
    Y = np.insert(two.Y, at, False, axis=1)
    names = [f"c{j}" for j in range(3)]
    declared = Dataset(two.X, Y, Schema.numeric(3, names, exclusive=True), "made")
    for approach in ("none", "weights", "thresholds"):
        for classifier in (LogisticRegression(), LinearSVC(random_state=0)):
            run, vectors = run_one(declared, approach, classifier)
            expected, of_two = run_one(two, approach, classifier)
            assert (run["status"], run["error"]) == ("ok", "")
            assert run["rare_f1"] is not None
            for name in ("rare_f1", "macro_f1", "class_f1", "class_auc", "mcc", "class_g_mean", "map", "accuracy"):
                assert run[name] == pytest.approx(expected[name]), name
            np.testing.assert_allclose(np.delete(vectors["f1"], at), of_two["f1"])
    notes = run_one(declared, "thresholds", LogisticRegression())[0]["notes"]
    assert notes.startswith("UserWarning: 1 of 3 classes have fewer rows than the 3 inner folds, so no threshold is ")
    assert notes.endswith(f": 'c{at}' (0)")


def test_notes_of_inner_folds_name_labels_as_the_data_do():
    dataset = make_data()
    Y = dataset.Y.copy()
    Y[:, 1] = np.isin(np.arange(90), [0, 2])  # none is held out
    named = Dataset(dataset.X, Y, Schema.numeric(4, ["sun", "fog", "sea"]), "made")
    run, _ = run_one(named, "thresholds")
    (note,) = {each for each in run["notes"].split("\n") if "inner folds" in each}
    assert note == (
        "UserWarning: 1 of 3 labels have fewer positives than the 3 inner folds, so no threshold is tuned for them: "
        "'fog' (2)"
    )
    assert "'y1'" not in run["notes"]


def test_thresholds_of_many_classes_are_skipped():
    run, _ = run_one(make_classes(), "thresholds", LogisticRegression())
    assert (run["status"], run["error"]) == (
        "skipped",
        "thresholds are tuned for labels or for two classes, not for more classes",
    )
    assert run["notes"] == ""  # no inner folds are made for nothing


@pytest.mark.parametrize("classifier", [LogisticRegression(), DecisionTreeClassifier(), LinearSVC(), RidgeClassifier()])
def test_a_class_that_training_misses_is_never_predicted_and_scores_lowest(classifier):
    dataset = make_classes()
    Y = dataset.Y.copy()
    Y[np.arange(90) % 3 != 1, 3] = False
    Y[~Y.any(axis=1), 0] = True
    assert Y[:, 3].any()
    dataset = Dataset(dataset.X, Y, dataset.schema, "made")
    run, vectors = run_one(dataset, "none", classifier)
    assert run["status"] == "ok", run["error"]
    assert (run["absent_train"], run["absent_test"]) == (1, 0)
    assert vectors["f1"][3] == 0.0
    # the missing class is never first: one-error is 1 - accuracy wherever the classifier predicts its first class
    assert run["one_error"] == pytest.approx(1 - run["accuracy"])


def test_a_class_that_is_not_held_out_is_left_out():
    dataset = make_classes()
    Y = dataset.Y.copy()
    Y[np.arange(90) % 3 == 1, 3] = False
    Y[~Y.any(axis=1), 0] = True
    run, vectors = run_one(Dataset(dataset.X, Y, dataset.schema, "made"), "none", LogisticRegression())
    assert (run["absent_train"], run["absent_test"]) == (0, 1)
    assert np.isnan(vectors["f1"]).tolist() == [False, False, False, True]
    assert run["class_auc"] is not None


@pytest.mark.parametrize("classifier", [LOGISTIC, DecisionTreeClassifier(), LogisticRegression()])
@pytest.mark.parametrize("approach", ["none", "thresholds", "weights"])
def test_a_single_label(classifier, approach):
    dataset = make_data(q=1, seed=2)
    run, vectors = run_one(dataset, approach, classifier)
    assert run["status"] == "ok", run["error"]
    assert vectors["f1"].shape == (1,)
    if approach == "none" and not isinstance(classifier, DecisionTreeClassifier):
        assert 0 < run["macro_f1"] == pytest.approx(by_hand(dataset)[0][-1])  # of one column: F1 of 0, and of 1


@pytest.mark.parametrize("name", ["br-tree", "own"])
def test_a_single_label_that_training_misses_is_never_predicted(name):
    """scikit-learn's tree has one column then, the probability that the label is absent."""
    dataset = make_data(q=1)
    Y = dataset.Y & (np.arange(90) % 3 == 1)[:, None]
    instance = DecisionTreeClassifier() if name == "own" else None
    outcome = run_task(make_task(dataset, "none", {name: instance}), Dataset(dataset.X, Y, dataset.schema, "made"))
    assert outcome.runs[0]["status"] == "ok", outcome.runs[0]["error"]
    assert outcome.runs[0]["macro_recall"] == 0.0
    assert outcome.runs[0]["brier"] == pytest.approx(Y.sum() / 30)


@pytest.mark.parametrize("approach", ["none", "thresholds", Approach("doubled", instance=Doubler())])
def test_sparse_rows_are_made_dense_for_a_classifier_that_takes_no_others(approach):
    plain_data = make_data()
    X = plain_data.X * (np.random.default_rng(0).random(plain_data.X.shape) < 0.5)
    thin = Dataset(sparse.csr_array(X), plain_data.Y, plain_data.schema, "made")
    shapes = []

    class Dense(Constant):
        def fit(self, X, Y):
            shapes.append((sparse.issparse(X), X.shape[1]))
            return super().fit(X, Y)

    class Sparse(Dense):
        def __sklearn_tags__(self):
            tags = super().__sklearn_tags__()
            tags.input_tags.sparse = True
            return tags

        def predict(self, X):
            return super().predict(X.toarray())

        def decision_function(self, X):
            return super().decision_function(X.toarray())

    assert run_one(thin, approach, Dense())[0]["status"] == "ok"
    assert set(shapes) == {(False, 4)}
    shapes.clear()
    assert run_one(thin, approach, Sparse())[0]["status"] == "ok"
    assert set(shapes) == {(True, 4)}
