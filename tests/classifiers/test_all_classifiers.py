"""What every classifier promises: containers, copies, tuning, and the checks of scikit-learn."""

import pickle
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.datasets import make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils.estimator_checks import parametrize_with_checks

from rarelabel.classifiers import BinaryRelevance, ClassifierChain, LabelPowerset, MLkNN, MultilabelMLP, RAkEL
from rarelabel.over_sampling import MLSMOTE

X, Y = make_multilabel_classification(90, 6, n_classes=5, random_state=0)
X = scale(X)
LOGISTIC = LogisticRegression()
CLASSIFIERS = [
    BinaryRelevance(LOGISTIC),
    ClassifierChain(LOGISTIC, order="random", random_state=0),
    LabelPowerset(LOGISTIC),
    MLkNN(k=5),
    RAkEL(LOGISTIC, random_state=0),
]
if find_spec("torch"):
    CLASSIFIERS.append(MultilabelMLP((32,), dropout=0.1, learning_rate=0.01, random_state=0))
every = pytest.mark.parametrize("classifier", CLASSIFIERS, ids=lambda classifier: type(classifier).__name__)

EXPECTED = {
    "check_supervised_y_2d": "a column of Y is an indicator, and the check's column holds three classes",
}
WEIGHTED = {
    "check_class_weight_classifiers": "the check weights classes by a dict, which says nothing of labels",
}


def expected_failures(classifier):
    return EXPECTED | (WEIGHTED if "class_weight" in classifier.get_params() else {})


@parametrize_with_checks(CLASSIFIERS, expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(MLkNN: k=|RAkEL: labelset_size=|.*constant in training)", UserWarning)
        warnings.filterwarnings("ignore", "invalid value encountered in cast", RuntimeWarning)  # an infinite y
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        check(estimator)


@every
def test_beats_a_guess_on_rows_it_has_not_seen(classifier):
    rows, labels = make_multilabel_classification(400, 10, n_classes=5, random_state=1)
    rows = scale(rows)
    proba = clone(classifier).fit(rows[:200], labels[:200]).predict_proba(rows[200:])
    assert proba.shape == (200, 5)
    assert roc_auc_score(labels[200:], proba, average="macro") > 0.75


@every
@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csr_matrix, sparse.lil_array, np.ndarray.tolist])
def test_containers_of_labels_do_not_matter(classifier, container):
    expected = clone(classifier).fit(X, Y).predict(X)
    found = clone(classifier).fit(X, container(Y)).predict(X)
    assert type(found) is np.ndarray
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, expected)


@every
def test_frames_and_their_names(classifier):
    pd = pytest.importorskip("pandas")
    columns = [f"f{j}" for j in range(6)]
    X_frame, Y_frame = pd.DataFrame(X, columns=columns), pd.DataFrame(Y, columns=list("abcde"))
    fitted = clone(classifier).fit(X_frame, Y_frame)
    assert fitted.label_names_ == tuple("abcde")
    assert fitted.feature_names_in_.tolist() == columns
    np.testing.assert_array_equal(fitted.predict(X_frame), clone(classifier).fit(X, Y).predict(X))
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(X_frame.rename(columns={"f0": "other"}))
    mixed = X_frame.assign(colour=["red", "blue", "red"] * 30)
    with pytest.raises(ValueError, match=r"column 'colour' holds categories .*OneHotEncoder"):
        clone(classifier).fit(mixed, Y_frame)
    fitted.fit(X_frame.assign(flag=X[:, 0] > 0), Y_frame)
    assert fitted.n_features_in_ == 7


@every
def test_label_lists_are_an_indicator_in_the_order_of_the_names(classifier):
    lists = [[name for name, carried in zip("abcde", row, strict=True) if carried] for row in Y]
    fitted = clone(classifier).fit(X, lists)
    assert fitted.label_names_ == tuple("abcde")
    np.testing.assert_array_equal(fitted.predict(X), clone(classifier).fit(X, Y).predict(X))


@every
def test_clone_and_pickle_keep_parameters_and_results(classifier):
    assert is_classifier(classifier)
    copied = clone(classifier)
    assert str(copied.get_params()) == str(classifier.get_params())
    fitted = copied.fit(X, Y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), fitted.predict_proba(X))
    with pytest.raises(NotFittedError):
        clone(fitted).predict(X)


@every
def test_tuning_and_scoring_by_probability(classifier):
    tuned = {MLkNN: ("k", [2, 5]), MultilabelMLP: ("dropout", [0.0, 0.2])}
    name, values = tuned.get(type(classifier), ("estimator__C", [0.01, 1.0]))
    search = GridSearchCV(classifier, {name: values}, scoring="roc_auc", cv=3).fit(X, Y)
    assert search.best_params_[name] in values
    by_hand = roc_auc_score(Y, search.predict_proba(X))
    assert search.score(X, Y) == pytest.approx(by_hand)
    assert cross_val_score(classifier, X, Y[:, :3], scoring="average_precision", cv=2, error_score="raise").min() > 0


@every
def test_the_score_is_the_share_of_rows_that_are_right_in_every_label(classifier):
    fitted = clone(classifier).fit(X, Y)
    right = (fitted.predict(X) == Y).all(axis=1)
    assert fitted.score(X, Y) == pytest.approx(right.mean())
    assert fitted.score(X, sparse.csr_array(Y), sample_weight=right) == 1


@every
def test_in_a_pipeline_behind_a_sampler(classifier):
    pipeline = pytest.importorskip("imblearn.pipeline")
    model = pipeline.make_pipeline(StandardScaler(), MLSMOTE(random_state=0), classifier).fit(X, Y)
    scaled = StandardScaler().fit(X).transform(X)
    by_hand = clone(classifier).fit(*MLSMOTE(random_state=0).fit_resample(scaled, Y))
    np.testing.assert_array_equal(model.predict(X), by_hand.predict(scaled))
    assert make_pipeline(StandardScaler(), classifier).fit(X, Y).score(X, Y) > 0.2


@every
def test_bad_tables_are_named(classifier):
    with pytest.raises(ValueError, match="X has 90 rows, Y 3"):
        clone(classifier).fit(X, Y[:3])
    with pytest.raises(ValueError, match=r"label 'y1' must hold 0 or 1 only, got .*2.* in row 0"):
        clone(classifier).fit(X, np.where(np.arange(5) == 1, 2, Y))
    with pytest.raises(ValueError, match="X has 4 features"):
        clone(classifier).fit(X, Y).predict(X[:, :4])


@every
def test_the_inputs_and_the_global_generator_are_left_alone(classifier):
    rows, labels = X.copy(), Y.copy()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    clone(classifier).fit(rows, labels).predict_proba(rows)
    np.testing.assert_array_equal(rows, X)
    np.testing.assert_array_equal(labels, Y)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
