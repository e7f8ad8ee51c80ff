"""What crosses from answers to tests: plain values as they are, and nothing that can act."""

import json
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachkit.course.box import exports
from teachkit.course.box.exports import MAX_BYTES, Opaque, pack, place, unpack

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
keys = st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
values = st.recursive(
    scalars | st.complex_numbers(allow_nan=False) | st.frozensets(st.integers()) | st.sets(st.text()),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(keys, inner),
    max_leaves=12,
)


def crossed(value):
    return unpack(pack({"value": value}))["value"]


@given(values)
@settings(max_examples=60, deadline=None)
def test_plain_values_cross_unchanged_and_keep_their_types(value):
    assert repr(crossed(value)) == repr(value) or crossed(value) == value
    assert type(crossed(value)) is type(value)


@pytest.mark.parametrize("kind", ["?", "u1", "i8", "f4", "f8", "c16", "U3", "S2"])
def test_arrays_keep_dtype_shape_and_values(kind):
    array = np.arange(6).reshape(2, 3).astype(kind)
    got = crossed(array)
    assert got.dtype == array.dtype
    assert np.array_equal(got, array)
    assert crossed(array[0, 0]) == array[0, 0]
    assert isinstance(array[0, 0], type(crossed(array[0, 0])))
    assert crossed(array[:, ::-1]).tolist() == array[:, ::-1].tolist()


@pytest.mark.parametrize("number", [Fraction(1, 4), Decimal("0.25"), np.float32(0.25), 0.25])
def test_numbers_of_other_libraries_cross_as_numbers(number):
    assert float(crossed(number)) == 0.25


def test_not_a_number_crosses():
    assert math.isnan(crossed(float("nan")))


class AlwaysEqual(float):
    def __eq__(self, other):
        return True

    __hash__ = float.__hash__


class Yes:
    def __eq__(self, other):
        return True

    __hash__ = None


class Bomb:
    @property
    def __array__(self):
        raise RuntimeError("looked at")


def test_a_number_that_equals_everything_becomes_the_number_it_is():
    assert AlwaysEqual(1) == 7
    assert crossed(AlwaysEqual(1)) != 7
    assert type(crossed(AlwaysEqual(1))) is float


@pytest.mark.parametrize(
    "thing",
    [Yes(), Bomb(), print, int, math, lambda: 1, object(), [[Yes()]], 2**40_000],
    ids=[
        "equal",
        "bomb",
        "function",
        "class",
        "module",
        "lambda",
        "object",
        "inside lists",
        "endless number",
    ],
)
def test_what_is_no_plain_value_equals_nothing(thing):
    got = crossed(thing)
    inner = got[0][0] if isinstance(got, list) else got
    assert isinstance(inner, Opaque)
    assert inner != 7
    assert "no plain value" in repr(inner)


def test_a_list_that_holds_itself_is_no_plain_value():
    loop = []
    loop.append(loop)
    assert isinstance(crossed(loop), Opaque)


def test_one_huge_answer_costs_only_itself():
    got = unpack(pack({"huge": "x" * (MAX_BYTES - 5), "many": list(range(10**6)), "small": 1}))
    assert isinstance(got["many"], Opaque)
    assert len(got["huge"]) < MAX_BYTES
    assert got["small"] == 1


def test_names_of_the_tests_of_python_and_of_the_shell_stay_behind():
    names = {"answer": 1, "marks": 2, "print": 3, "abs": 4, "_hidden": 5, "In": [6], "get_ipython": 7}
    assert unpack(pack(names, keep_out={"marks"})) == {"answer": 1}


def test_what_was_handed_over_before_does_not_stay():
    there = {"key": "mine"}
    place(there, repr(pack({"call": "a", "old": 1})))
    assert there == {"key": "mine", "call": "a", "old": 1}
    place(there, repr(pack({"call": "b"})))
    assert there == {"key": "mine", "call": "b"}
    place(there, repr(pack({})))
    assert there == {"key": "mine"}


@pytest.mark.parametrize(
    "text", ["__import__('os')", "1", "'[1]'", '\'{"a": "{\\\\"is\\\\": \\\\"exec\\\\"}"}\'']
)
def test_a_text_that_pack_did_not_make_is_refused_and_runs_nothing(text):
    there = {"key": "mine"}
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        place(there, text)
    assert there == {"key": "mine"}


def test_an_array_that_claims_more_than_it_has_is_refused():
    claim = {"is": "array", "of": "", "dtype": "<f8", "shape": [2**40]}
    with pytest.raises(exports.TooMuchError):
        unpack(json.dumps({"a": json.dumps(claim)}))
