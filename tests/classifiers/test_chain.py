"""ClassifierChain: scikit-learn's results where it copes, and the constants where it does not."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import ClassifierChain as TheirChain
from sklearn.preprocessing import scale
from sklearn.tree import DecisionTreeClassifier

from rarelabel.classifiers import ClassifierChain

X, Y = make_multilabel_classification(80, 6, n_classes=4, random_state=0)
X = scale(X)


@pytest.mark.parametrize("order", [None, [2, 0, 3, 1]])
@pytest.mark.parametrize("estimator", [LogisticRegression(), DecisionTreeClassifier(max_depth=3, random_state=0)])
def test_equals_scikit_learn_where_no_label_is_constant(estimator, order):
    ours, theirs = ClassifierChain(estimator, order=order).fit(X, Y), TheirChain(estimator, order=order).fit(X, Y)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)


def test_sparse_rows_and_labels_give_the_same():
    dense = ClassifierChain(LogisticRegression()).fit(X, Y).predict_proba(X)
    rows = sparse.csr_array(X)
    found = ClassifierChain(LogisticRegression()).fit(rows, sparse.csc_array(Y)).predict_proba(rows)
    np.testing.assert_allclose(found, dense, rtol=1e-3)


def test_constant_labels_stay_and_do_not_disturb_the_others():
    constant = np.column_stack([Y[:, 0], np.zeros(80), np.ones(80), Y[:, 3]]).astype(int)
    tree = DecisionTreeClassifier(max_depth=4, random_state=0)
    with pytest.warns(UserWarning, match=r"ClassifierChain.*'y1' \(always 0\), 'y2' \(always 1\)"):
        classifier = ClassifierChain(tree, order=[1, 2, 0, 3]).fit(X, constant)
    assert classifier.estimators_[:2] == [False, True]
    without = ClassifierChain(tree).fit(X, Y[:, [0, 3]])
    for method in ("predict", "predict_proba"):
        found = getattr(classifier, method)(X)
        assert found[:, 1:3].tolist() == [[0, 1]] * 80
    agreement = (classifier.predict(X)[:, [0, 3]] == without.predict(X)).mean()
    assert agreement > 0.95  # ties between splits may fall otherwise where columns are added


def test_a_later_label_follows_an_earlier_one():
    """The second label is the opposite of the first, which no single feature shows."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 2))
    first = rows[:, 0] * rows[:, 1] > 0
    labels = np.column_stack([first, ~first])
    predicted = ClassifierChain(DecisionTreeClassifier(max_depth=2, random_state=0)).fit(rows, labels).predict(rows)
    assert (predicted[:, 0] + predicted[:, 1]).tolist() == [1] * 400


def test_a_random_order_holds_every_label_and_follows_the_seed():
    orders = [
        ClassifierChain(LogisticRegression(), order="random", random_state=seed).fit(X, Y).order_.tolist()
        for seed in (0, 0, 1, 2, 3)
    ]
    assert orders[0] == orders[1]
    assert len(set(map(tuple, orders))) > 1
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)


@pytest.mark.parametrize(
    "order", [[0, 1, 2], [0, 1, 2, 2], [1, 2, 3, 4], "reverse", [0.0, 1.0, 2.0, 3.0], [[0, 1], [2, 3]]]
)
def test_an_order_that_is_none_is_refused(order):
    with pytest.raises(ValueError, match="order must"):
        ClassifierChain(LogisticRegression(), order=order).fit(X, Y)
