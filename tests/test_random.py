"""``random_state`` becomes one generator, and nothing global is touched."""

import random

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rarelabel._random import check_random_state, with_seeds


def drawn(random_state):
    return check_random_state(random_state).integers(10**9, size=4).tolist()


@pytest.mark.parametrize("seed", [0, 7, np.int64(7), np.uint32(7)])
def test_a_seed_gives_one_stream(seed):
    assert drawn(seed) == drawn(seed) == np.random.default_rng(int(seed)).integers(10**9, size=4).tolist()


def test_seeds_give_different_streams():
    assert len({tuple(drawn(seed)) for seed in range(50)}) == 50


def test_a_generator_is_used_itself_and_advances():
    rng = np.random.default_rng(0)
    assert check_random_state(rng) is rng
    assert drawn(rng) != drawn(rng)


def test_a_legacy_state_seeds_a_generator_and_advances():
    assert drawn(np.random.RandomState(3)) == drawn(np.random.RandomState(3))
    state = np.random.RandomState(3)
    assert drawn(state) != drawn(state)


def test_none_is_fresh_entropy():
    assert drawn(None) != drawn(None)


@pytest.mark.parametrize("wrong", [-1, 1.0, "7", True, [1]])
def test_anything_else_is_refused(wrong):
    with pytest.raises(ValueError, match="non-negative int, a Generator, a RandomState or None, got"):
        check_random_state(wrong)


def test_global_states_stay_as_they_are():
    numpy_before, python_before = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    drawn(None), drawn(1)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
    assert random.getstate() == python_before


def test_only_states_that_are_not_set_are_seeded_and_the_estimator_stays_as_it_is():
    forest = RandomForestClassifier()
    nested = make_pipeline(StandardScaler(), BaggingClassifier(forest, random_state=3))
    first, again, other = (with_seeds(nested, np.random.default_rng(seed)) for seed in (0, 0, 1))
    inner = [each.get_params()["baggingclassifier__estimator__random_state"] for each in (first, again, other)]
    assert inner[0] == inner[1] != inner[2]
    assert None not in inner
    assert first.get_params()["baggingclassifier__random_state"] == 3
    assert forest.random_state is None
    assert with_seeds(LinearRegression(), np.random.default_rng(0)).get_params() == LinearRegression().get_params()
