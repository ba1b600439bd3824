"""The engine reads plain lines, Python the hard ones: the same content gives the same rows, digit by digit."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workshop import PLAIN_MAPPING, Workshop, event, lines

from monetization_pipeline.datasets import RAW_EVENTS, REFUSALS
from monetization_pipeline.expressions.decimals import python_decimal

#: A text that looks like a number with an exponent makes a line hard, and means nothing.
HARD = ', "unread": ": 1e5"}'

NUMBERS = ["0", "-0", "1", "-7", "0.1", "-2.50", "1.0", "1234567890123", "123456789.123", "0.25", "100.00", "0.001"]
#: A number that is read in Python, and its one text.
EXACT = {
    "12345678.123456789012": "12345678.123456789012",
    "123456789012345678901234567890": "123456789012345678901234567890",
    "0.1234567890123456789": "0.1234567890123456789",
    "-1234567890123": "-1234567890123",
    "12345678901234": "12345678901234",
    "1e5": "100000",
    "1E-3": "0.001",
    "-1.5e+2": "-150",
    "1e400": "1e400",
    "0.00000000000000000001": "0.00000000000000000001",
    "0.0000001": "0.0000001",
    "-0.00000015": "-0.00000015",
    "1.000000000000": "1",
}
#: Each number by several spellings, and its one text.
SPELLINGS = {
    "7": ["7", "7.0", "7.00", "7e0", "0.7e1", "70E-1", "7.000000000000", "7.0 "],
    "-2.5": ["-2.5", "-2.50", "-25e-1", "-2.500000000000"],
    "0": ["0", "-0", "0.0", "-0.0", "0e5", "0.000000000000", "-0.0000000"],
    "100": ["100", "100.0", "1e2", "1.0E+2"],
    "0.000001": ["0.000001", "1e-6", "0.0000010"],
    "0.0000001": ["0.0000001", "1e-7", "0.00000010"],
    "123456789012": ["123456789012", "123456789012.0", "123456789012.00000"],
}


def both_ways(shop: Workshop, text: str) -> list[dict[str, Any]]:
    """Rows of a line as it is, and of the same line made hard, without what tells them apart."""
    found = []
    for content in (text, text[:-1] + HARD):
        again = Workshop(shop.root / str(len(found)))
        again.source("logs")
        again.take(content.encode() + b"\n")
        rows = again.rows(RAW_EVENTS) + again.rows(REFUSALS)
        found.append([{name: value for name, value in row.items() if name not in ("file", "text")} for row in rows])
    plain, hard = found
    assert len(plain) == len(hard) == 1
    return [plain[0], hard[0]]


LINES = [
    event(1),
    event(2, company='é\u2028\\"/\n\t😀', m={"k": 'é\u2028\\"/\n\t😀', "path": "a/b"}),
    event(
        3, status=200, weight=3, blocked_by="rule", verb="GET", user="u", subscription="s", type="action", action="x"
    ),
    event(4, m={"b": {"a": [1, 2.5, None, True, {"x": []}]}, "a": {}}),
    event(5, uri="https://h/p?token=secret&x=1#f", session="s"),
    event(6, company=12, user=1.5, m=None),
    event(7, company="", status=""),
    event(8, status="abc"),
    event(9, company={"a": 1}),
    event(10, at="noon"),
    event(11, at="2023-07-10T12:00:00.123456789+05:30"),
    event(12, m="text"),
    event(13, m={"": 1, "a b": {"c.d": 2}, 'q"': 3}),
]


@pytest.mark.parametrize("record", LINES, ids=lambda record: record["id"])
def test_a_hard_line_gives_the_row_of_the_plain_one(shop: Workshop, record: dict[str, object]) -> None:
    plain, hard = both_ways(shop, json.dumps(record))
    assert plain == hard


@pytest.mark.parametrize("number", NUMBERS)
def test_a_short_number_is_the_same_both_ways(shop: Workshop, number: str) -> None:
    plain, hard = both_ways(shop, f'{{"id": "e", "at": "2023-07-10", "company": {number}, "m": {{"v": {number}}}}}')
    assert plain == hard
    assert Decimal(json.loads(plain["metadata"], parse_float=Decimal)["v"]) == Decimal(number)


@pytest.mark.parametrize(("number", "text"), EXACT.items())
def test_a_long_number_arrives_to_its_last_digit_and_text_as_it_was_written(
    shop: Workshop, number: str, text: str
) -> None:
    shop.take(f'{{"id": "e", "at": "2023-07-10", "m": {{"v": {number}, "t": "{number}", "w": [{number}]}}}}\n'.encode())
    (row,) = shop.rows(RAW_EVENTS)
    assert json.loads(row["metadata"], parse_float=str, parse_int=str) == {"v": text, "t": number, "w": [text]}


def test_a_number_has_one_text_however_it_was_written(shop: Workshop) -> None:
    """As a leaf, in metadata, in a text, as an id; in plain lines, in hard ones and in a document."""
    mapping = PLAIN_MAPPING | {"event_id": "null", "metadata.leaf": "leaf", "user_id": "leaf", "company_id": "name"}
    shop.source("logs", mapping=mapping)
    shop.source("document", format="json", mapping=mapping)
    records = [
        f'{{"name": "{text} {place}", "at": "2023-07-10", "leaf": {written}, "m": {metadata}}}'
        for text, spelled in SPELLINGS.items()
        for place, written in enumerate(spelled)
        for metadata in (f'{{"v": [{written}, "{written}"]}}',)
    ]
    shop.take(lines([*records, *(record[:-1] + HARD for record in records)]))
    shop.take(f"[{','.join(records)}]".encode(), source="document")
    rows = shop.rows(RAW_EVENTS)
    assert len(rows) == 3 * len(records)
    for row in rows:
        text, place = row["company_id"].split(" ")
        assert row["user_id"] == text
        sent = SPELLINGS[text][int(place)]
        found = json.loads(row["metadata"], parse_float=str, parse_int=str)
        assert found == {"leaf": text, "v": [text, sent]}


def test_metadata_that_is_text_with_json_in_it_has_one_text_for_a_number(shop: Workshop) -> None:
    texts = ['{"v":7.0,"w":"5.0, 6"}', '{"v":7,"w":"5.0, 6"}', '{"v":7.00 ,"w":"5.0, 6"}']
    shop.take(lines(event(number, m=text) for number, text in enumerate(texts)))
    assert {row["metadata"].replace(" ,", ",") for row in shop.rows(RAW_EVENTS)} == {texts[1]}


@pytest.mark.parametrize("text", ['{"id": "x", "at": "2023-07-10", "v": 1.0.0}', '{"id": "x", "v": .0}', '{"v": 7.0'])
def test_what_is_no_json_does_not_become_some(shop: Workshop, text: str) -> None:
    shop.take(text.encode())
    assert [row["text"].rstrip() for row in shop.rows(REFUSALS)] == [text]
    assert shop.rows(RAW_EVENTS) == []


@settings(max_examples=15)
@given(
    st.lists(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(10**18), 10**18)
            | st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9)
            | st.text(st.characters(codec="utf-8"), max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        min_size=1,
        max_size=30,
    )
)
def test_any_metadata_is_the_same_both_ways(tmp_path_factory: pytest.TempPathFactory, values: list[Any]) -> None:
    shop = Workshop(tmp_path_factory.mktemp("shop"))
    shop.source("logs")

    def text(value: object) -> str:
        """JSON in which decimals are numbers, to their last digit."""
        if isinstance(value, dict):
            return "{" + ",".join(f"{json.dumps(key)}:{text(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(text, value)) + "]"
        return str(value) if isinstance(value, Decimal) else json.dumps(value)

    plain = [f'{{"id":"e{n}","at":"2023-07-10","m":{{"v":{text(value)}}}}}' for n, value in enumerate(values)]
    hard = [line[:-1].replace('"id":"e', '"id":"h') + HARD for line in plain]
    shop.take(lines([*plain, *hard]))
    kept = {row["event_id"]: json.loads(row["metadata"], parse_float=str) for row in shop.rows(RAW_EVENTS)}
    assert len(kept) == 2 * len(values)
    for number, value in enumerate(values):
        assert _numbers_as_decimals(kept[f"e{number}"]) == _numbers_as_decimals(kept[f"h{number}"]), value


def _numbers_as_decimals(value: object) -> object:
    """Numbers below 0.0001 are written in several ways that mean the same."""
    if isinstance(value, dict):
        return {key: _numbers_as_decimals(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers_as_decimals(item) for item in value]
    number = python_decimal(value) if isinstance(value, str) else None
    return value if number is None else number.normalize()


def test_an_event_without_an_id_has_the_same_identity_however_it_is_read(shop: Workshop) -> None:
    """The same bytes in a file of plain lines and in one with a hard line: duplicates of each other.

    The bytes, not what they mean: 7.0 is another record than 7, as it always was.
    """
    nameless = '{"at": "2023-07-10T12:00:00Z", "company": "acme", "m": {"v": 7.0}}'
    hard = '{"at": "2023-07-10T12:00:00Z", "m": {"v": 1e5}}'
    shop.take(lines([nameless, nameless, hard]))
    shop.take(lines([nameless, hard, hard, "nonsense"]))
    found = [row["event_id"] for row in shop.rows(RAW_EVENTS)]
    assert len(found) == 6
    assert len(set(found)) == 4


def test_equal_records_without_an_id_are_several_events_within_a_file_only(shop: Workshop) -> None:
    content = lines(['{"at": "2023-07-10T12:00:00Z", "company": "acme"}'] * 3)
    shop.take(content)
    shop.take(content + lines([event(1)]))
    found = [row["event_id"] for row in shop.rows(RAW_EVENTS) if row["event_id"] != "e1"]
    assert len(found) == 6
    assert {found.count(event_id) for event_id in found} == {2}


def test_a_space_more_in_csv_is_another_record_and_a_quote_more_is_not(shop: Workshop) -> None:
    shop.take(b'at,company\n2023-07-10,acme\n"2023-07-10",acme\n2023-07-10, acme\n', source="table")
    assert len({row["event_id"].split("-")[0] for row in shop.rows(RAW_EVENTS)}) == 2
