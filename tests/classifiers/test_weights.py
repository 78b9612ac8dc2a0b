"""Class weights: where they are set, and what they do."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from rarelabel.classifiers import BinaryRelevance, ClassifierChain, LabelPowerset, MLkNN, RAkEL, with_class_weights

LOGISTIC = LogisticRegression()


@pytest.mark.parametrize(
    ("classifier", "parameter"),
    [
        (BinaryRelevance(LOGISTIC), "estimator__class_weight"),
        (ClassifierChain(DecisionTreeClassifier()), "estimator__class_weight"),
        (LabelPowerset(LOGISTIC), "estimator__class_weight"),
        (RAkEL(DecisionTreeClassifier()), "estimator__class_weight"),
        (MLkNN(), "class_weight"),
        (RandomForestClassifier(), "class_weight"),
        (BinaryRelevance(make_pipeline(StandardScaler(), LOGISTIC)), "estimator__logisticregression__class_weight"),
        (make_pipeline(StandardScaler(), BinaryRelevance(LOGISTIC)), "binaryrelevance__estimator__class_weight"),
        (GridSearchCV(MultiOutputClassifier(LOGISTIC), {}), "estimator__estimator__class_weight"),
    ],
    ids=str,
)
def test_weights_are_set_where_the_classes_are_learned(classifier, parameter):
    before = str(classifier.get_params())
    weighted = with_class_weights(classifier)
    assert weighted.get_params()[parameter] == "balanced"
    assert str(weighted.set_params(**{parameter: None})) == str(classifier)  # nothing else differs
    assert str(classifier.get_params()) == before


@pytest.mark.parametrize(
    ("classifier", "named"),
    [
        (BinaryRelevance(KNeighborsClassifier()), "KNeighborsClassifier"),
        (make_pipeline(StandardScaler(), GaussianNB()), "GaussianNB"),
        (KNeighborsClassifier(), "KNeighborsClassifier"),
        (BinaryRelevance(None), "BinaryRelevance"),
    ],
    ids=str,
)
def test_what_takes_no_weights_is_named(classifier, named):
    with pytest.raises(TypeError, match=f"{named} takes no class weights: it has no parameter class_weight"):
        with_class_weights(classifier)


def test_weights_of_a_fitted_classifier_are_those_of_an_unfitted_copy():
    fitted = BinaryRelevance(LOGISTIC).fit([[0.0], [1.0]], [[0], [1]])
    assert not hasattr(with_class_weights(fitted), "estimators_")


def rare_and_overlapping():
    rng = np.random.default_rng(0)
    Y = rng.random((600, 2)) < [0.05, 0.4]
    return rng.normal(size=(600, 2)) + 1.5 * Y, Y


@pytest.mark.parametrize("method", [BinaryRelevance, ClassifierChain])
def test_with_weights_a_rare_label_is_predicted_about_as_often_as_missed(method):
    """Means 0 and 1.5 apart, sd 1: the unweighted threshold hides the label, the weighted one lies halfway."""
    X, Y = rare_and_overlapping()
    plain, weighted = (each.fit(X, Y).predict(X) for each in (method(LOGISTIC), with_class_weights(method(LOGISTIC))))

    def recalls(predicted):
        return predicted[Y[:, 0], 0].mean(), 1 - predicted[~Y[:, 0], 0].mean()

    assert recalls(plain)[0] < 0.4
    assert abs(np.subtract(*recalls(weighted))) < 0.15


def test_in_a_powerset_labelsets_weigh_the_same_not_labels():
    """Labelsets {} x 6, {0} x 1, {0, 1} x 1 at one place.

    Unweighted P = (1 + 1)/8, 1/8; weighted each labelset has 1/3, so P = 1/3 + 1/3, 1/3.
    """
    X, Y = np.zeros((8, 1)), [[0, 0]] * 6 + [[1, 0], [1, 1]]
    stump = LabelPowerset(DecisionTreeClassifier())
    np.testing.assert_allclose(stump.fit(X, Y).predict_proba([[0.0]]), [[2 / 8, 1 / 8]])
    np.testing.assert_allclose(with_class_weights(stump).fit(X, Y).predict_proba([[0.0]]), [[2 / 3, 1 / 3]])


def test_lightgbm_takes_weights():
    lightgbm = pytest.importorskip("lightgbm")
    X, Y = rare_and_overlapping()
    plain = BinaryRelevance(lightgbm.LGBMClassifier(n_estimators=5, verbosity=-1, n_jobs=1))
    weighted = with_class_weights(plain)
    assert weighted.fit(X, Y).predict(X)[:, 0].mean() > plain.fit(X, Y).predict(X)[:, 0].mean() + 0.1
