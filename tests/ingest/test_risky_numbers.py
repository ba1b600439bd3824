"""The fast look for numbers that need the exact reader misses none that the regex finds, and passes ordinary lines."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monetization_pipeline.ingest.exact_json import RISKY, WHOLE_FRACTION
from monetization_pipeline.ingest.readers.risky_numbers import _TILE, risky_lines

RISKY_LINES = [
    '{"v":12345678901234}',
    '{"v": 1234567.8901234}',
    '{"v":-1234567890123}',
    '{"v":[1,\t0.123456789012]}',
    '{"v":1e5}',
    '{"v": 1E5}',
    '{"v":-1.5e-7}',
    '{"v":1e+5}',
    '{"v":NaN}',
    '{"v": -Infinity}',
    '{"v":inf ,"w":1}',
    '{"v":[nan]}',
    '{"v":1234567890123456789012345678901234567890e5}',
    '{"v":0.0000001}',
    '{"v": -0.0000000}',
]
#: Numbers that are whole and have digits after the point all the same.
WHOLE_LINES = [
    '{"v":7.0}',
    '{"v":7.00,"w":1}',
    '{"v":[1,2.0]}',
    '{"v":-0.0 }',
    '{"v":7.0  ,"w":1}',
    '{"v": 123456789.000\t}',
]
PLAIN_LINES = [
    '{"v":1234567890123,"w":-123456789012,"x":0.25}',
    '{"id":"12345678901234567890","ip":"203.000.113.250"}',
    '{"id":"1e5","hash":"0e462097431906509019562988736854","uuid":"1234e567-8e90-41e2-9e34-56789e123456"}',
    '{"name":"finance","info":"Nan, banana","at":"2023-07-10T12:00:00.123456789Z"}',
    '{"a":null,"b":true,"c":[1,2,3],"d":{"e":1}}',
    '{"agent":"Mozilla/5.0 (X11; rv:109.0) Chrome/119.0.0.0 Safari/537.36","ip":"10.0.0.1","x":0.05,"y":7.10}',
    '{"version":"1.0","of":"2.0 or 3.0 "}',
]


def found(lines: list[str]) -> list[bool]:
    data = np.frombuffer("".join(line + "\n" for line in lines).encode(), np.uint8)
    return risky_lines(data, np.flatnonzero(data == 10) + 1).tolist()


def matched(lines: list[str], regex: str = RISKY) -> list[bool]:
    return pc.match_substring_regex(pa.array(lines), regex).to_pylist()


@pytest.mark.parametrize("line", [*RISKY_LINES, *WHOLE_LINES])
def test_a_risky_line_is_found_wherever_it_stands(line: str) -> None:
    assert matched([line], WHOLE_FRACTION if line in WHOLE_LINES else RISKY) == [True]
    assert found(["{}", line, "{}"]) == [False, True, False]
    assert found([line]) == [True]
    for before in range(_TILE - len(line) - 2, _TILE + 2):
        assert found(["x" * before, line, "{}"]) == [False, True, False]


@pytest.mark.parametrize("line", PLAIN_LINES)
def test_an_ordinary_line_needs_no_closer_look(line: str) -> None:
    assert matched([line]) == matched([line], WHOLE_FRACTION) == [False]
    assert found([line, RISKY_LINES[0], line]) == [False, True, False]


@given(
    st.lists(
        st.one_of(
            st.text(st.sampled_from('0123456789.-+eEnNaAiIfF":,[]{} \tx'), max_size=40),
            st.lists(
                st.sampled_from(["1", "12345", ".", "e", "E", "-", "+", "nan", "INF", ":", ",", "[", " ", '"', "}"])
            ).map("".join),
            st.recursive(
                st.floats() | st.integers() | st.text(max_size=20),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
                max_leaves=5,
            ).map(json.dumps),
        ),
        min_size=1,
    )
)
def test_what_the_regex_finds_is_found(lines: list[str]) -> None:
    for regex, look in zip(matched(lines), found(lines), strict=True):
        assert look or not regex


@given(st.lists(st.recursive(st.floats() | st.integers(), lambda inner: st.lists(inner, max_size=4)), min_size=1))
def test_a_whole_fraction_is_found_in_any_json(values: list[object]) -> None:
    """Also beside white space, which other programs write."""
    written = [json.dumps({"v": value}) for value in values]
    lines = [*written, *(line.replace("]", " ]").replace("}", "\t}").replace(",", " \r,") for line in written)]
    for regex, look in zip(matched(lines, WHOLE_FRACTION), found(lines), strict=True):
        assert look or not regex
