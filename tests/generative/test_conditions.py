"""Conditions on a column of which most values are the same: its state, and the number where it is another one."""

import numpy as np
import pytest

pytest.importorskip("torch")

from rarelabel.encoding import TableEncoder
from rarelabel.generative._conditions import encode_conditions
from rarelabel.schema import Column, Schema

SCHEMA = Schema((Column("gain"), Column("count", "integer")), (Column("l", "label"),))
X = np.array([[0, 3], [0, 3], [0, 3], [0, 4], [2, np.nan], [4, 3], [0, 3], [0, 9], [8, 3]])
Y = np.arange(9)[:, None] % 2 == 0
ENCODER = TableEncoder(usual_share=0.5).fit(X, SCHEMA, Y)  # Z: gain, count, gain usual, count usual, count missing, l


@pytest.mark.parametrize(
    ("conditions", "states", "known"),
    [
        ({"gain": 0}, {2: 1.0}, [2]),
        ({"gain": 4.0}, {0: 0.0, 2: 0.0}, [0, 2]),  # 4 is the middle of the others, 2, 4 and 8
        ({"count": 3, "l": 1}, {3: 1.0, 4: 0.0, 5: 1.0}, [3, 4, 5]),
        ({"count": None}, {4: 1.0}, [4]),
    ],
)
def test_the_usual_value_is_a_state_and_another_one_a_number(conditions, states, known):
    found = encode_conditions(conditions, SCHEMA, ENCODER)
    assert np.flatnonzero(found.known).tolist() == known
    assert {c: found.values[c] for c in states} == pytest.approx(states)


@pytest.mark.parametrize(("name", "value"), [("gain", 0.0), ("gain", 2.0), ("gain", 8.0), ("count", 3), ("count", 9)])
def test_rows_that_have_the_known_entries_meet_the_conditions_whatever_else_they_hold(name, value):
    found = encode_conditions({name: value}, SCHEMA, ENCODER)
    Z = np.where(found.known, found.values, np.random.default_rng(0).normal(size=(200, ENCODER.width_)))
    assert found.holds(*ENCODER.inverse_transform(Z)).all()


def test_a_number_beyond_the_others_is_refused_though_the_usual_value_lies_further_out():
    # the others are 2 to 8, the usual value is 0: there is no row with 1
    with pytest.raises(ValueError, match=r"conditions ask for 1.0 in column 'gain', .*nearest: 2.0"):
        encode_conditions({"gain": 1}, SCHEMA, ENCODER)
