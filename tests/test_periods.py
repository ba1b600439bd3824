"""Calendar months, billing months and days: half-open, in a zone, from hand."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monetization_pipeline.periods import (
    Period,
    PeriodKeyError,
    active_days,
    add_months,
    billing_month,
    days_of_month,
    end_within,
    is_zone,
    local_days,
    local_midnight,
    month_key,
    month_of,
    month_period,
    months_between,
    months_of,
    months_of_range,
    parse_month,
    utc_days,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


JULY = Period(at("2023-07-01"), at("2023-08-01"))

OVERLAPS = [
    ("a stretch within", "2023-07-10", "2023-07-20", ("2023-07-10", "2023-07-20")),
    ("a stretch without end", "2023-07-10", None, ("2023-07-10", "2023-08-01")),
    ("a stretch all around", "2023-06-10", "2023-09-01", ("2023-07-01", "2023-08-01")),
    ("what ends as the period begins", "2023-06-10", "2023-07-01", None),
    ("what begins as the period ends", "2023-08-01", None, None),
    ("a stretch that is empty", "2023-07-10", "2023-07-10", None),
]


@pytest.mark.parametrize(("start", "end", "part"), [case[1:] for case in OVERLAPS], ids=[c[0] for c in OVERLAPS])
def test_the_part_of_a_stretch_that_lies_in_a_period(start: str, end: str | None, part: tuple[str, str] | None) -> None:
    expected = None if part is None else Period(at(part[0]), at(part[1]))
    assert JULY.overlap(at(start), None if end is None else at(end)) == expected


@pytest.mark.parametrize(
    ("instant", "inside"),
    [
        ("2023-06-30T23:59:59.999999", False),
        ("2023-07-01", True),
        ("2023-07-31T23:59:59.999999", True),
        ("2023-08-01", False),
    ],
)
def test_a_period_holds_its_start_and_not_its_end(instant: str, inside: bool) -> None:
    assert (at(instant) in JULY) is inside


@pytest.mark.parametrize(
    ("end", "within"), [("2023-07-31", "2023-07-31"), ("2023-08-01", None), ("2023-09-01", None), (None, None)]
)
def test_an_end_that_comes_later_says_nothing_of_a_period(end: str | None, within: str | None) -> None:
    assert end_within(end and at(end), JULY) == (within and at(within))


@pytest.mark.parametrize(("name", "known"), [("Europe/Berlin", True), ("europe/berlin", False), ("Berlin", False)])
def test_a_zone_is_spelled_as_in_the_database(name: str, known: bool) -> None:
    assert is_zone(name) is known


MONTHS = [
    (
        "the first instant belongs to its month",
        "2023-07-01T00:00:00",
        "UTC",
        "2023-07-01T00:00:00",
        "2023-08-01T00:00:00",
    ),
    ("the last instant does too", "2023-07-31T23:59:59.999999", "UTC", "2023-07-01T00:00:00", "2023-08-01T00:00:00"),
    ("December ends with the year", "2023-12-05T00:00:00", "UTC", "2023-12-01T00:00:00", "2024-01-01T00:00:00"),
    ("a leap February has 29 days", "2024-02-29T12:00:00", "UTC", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
    (
        "Berlin's March is an hour short",
        "2024-03-10T00:00:00",
        "Europe/Berlin",
        "2024-02-29T23:00:00",
        "2024-03-31T22:00:00",
    ),
    (
        "Kolkata is ahead by half an hour",
        "2024-01-31T18:30:00",
        "Asia/Kolkata",
        "2024-01-31T18:30:00",
        "2024-02-29T18:30:00",
    ),
]


@pytest.mark.parametrize(("instant", "zone", "start", "end"), [case[1:] for case in MONTHS], ids=[c[0] for c in MONTHS])
def test_the_month_that_holds_an_instant(instant: str, zone: str, start: str, end: str) -> None:
    assert month_of(at(instant), zone) == Period(at(start), at(end))


BILLED = [
    ("what is due when July ends is July's", "2023-08-01T00:00:00", "2023-07"),
    ("what is due a microsecond later is August's", "2023-08-01T00:00:00.000001", "2023-08"),
    ("what is due within a month is that month's", "2023-07-10T00:00:00", "2023-07"),
    ("what is due when the year ends is December's", "2024-01-01T00:00:00", "2023-12"),
]


@pytest.mark.parametrize(("due", "month"), [case[1:] for case in BILLED], ids=[case[0] for case in BILLED])
def test_a_line_lies_in_the_month_just_before_it_is_due(due: str, month: str) -> None:
    assert billing_month(at(due), "UTC") == month


def test_a_line_lies_in_the_month_of_its_zone() -> None:
    assert billing_month(at("2023-08-01T00:00:00"), "Asia/Tokyo") == "2023-08"
    assert billing_month(at("2023-08-01T04:00:00"), "America/New_York") == "2023-07"


ACTIVE = [
    ("a whole month", "2023-07-01T00:00:00", "2023-08-01T00:00:00", (31, 31)),
    (
        "from noon on the tenth: the tenth counts, for its last instant is active",
        "2023-07-10T12:00:00",
        "2023-08-01T00:00:00",
        (22, 31),
    ),
    ("until noon on the tenth: the tenth does not", "2023-07-01T00:00:00", "2023-07-10T12:00:00", (9, 31)),
    ("a few hours within one day", "2023-07-10T08:00:00", "2023-07-10T12:00:00", (0, 31)),
    ("exactly one day", "2023-07-10T00:00:00", "2023-07-11T00:00:00", (1, 31)),
]


@pytest.mark.parametrize(("start", "end", "days"), [case[1:] for case in ACTIVE], ids=[case[0] for case in ACTIVE])
def test_a_day_belongs_to_who_is_active_at_its_last_instant(start: str, end: str, days: tuple[int, int]) -> None:
    assert active_days(Period(at(start), at(end)), month_period("2023-07", "UTC"), "UTC") == days


@given(st.lists(st.integers(0, 31 * 86_400), min_size=2, max_size=6, unique=True))
def test_days_of_neighbouring_stretches_add_up_to_the_month(cuts: list[int]) -> None:
    month = month_period("2023-07", "UTC")
    bounds = sorted({0, 31 * 86_400, *cuts})
    stretches = [
        Period(month.start + timedelta(seconds=start), month.start + timedelta(seconds=end))
        for start, end in itertools.pairwise(bounds)
    ]
    assert sum(active_days(stretch, month, "UTC")[0] for stretch in stretches) == 31


@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia", "Europe/Berlin", "America/Sao_Paulo"]
)
def test_months_follow_each_other_without_gap(zone: str) -> None:
    months = list(months_of(at("2011-01-15T00:00:00"), at("2019-03-01T00:00:00"), zone))
    assert all(one.end == other.start for one, other in itertools.pairwise(months))
    assert months[0].start <= at("2011-01-15T00:00:00") < months[0].end
    for month in months:
        assert sum((day.end - day.start for _, day in local_days(month, zone)), timedelta()) == month.end - month.start


def test_a_day_that_never_was_takes_no_time() -> None:
    # Samoa went from 29 to 31 December 2011.
    assert local_midnight(date(2011, 12, 30), "Pacific/Apia") == local_midnight(date(2011, 12, 31), "Pacific/Apia")


def test_a_midnight_that_a_clock_change_skips_is_the_first_instant_after_it() -> None:
    start = local_midnight(date(2018, 11, 4), "America/Sao_Paulo")
    assert start.astimezone(ZoneInfo("America/Sao_Paulo")).isoformat() == "2018-11-04T01:00:00-02:00"


OF_A_STRETCH = [
    ("nothing of an empty one", "2023-07-10", "2023-07-10", []),
    ("nothing of one turned round", "2023-07-10", "2023-06-10", []),
    ("what ends with a month does not touch the next", "2023-07-10", "2023-08-01", ["2023-07"]),
    ("a microsecond more does", "2023-07-10", "2023-08-01T00:00:00.000001", ["2023-07", "2023-08"]),
]


@pytest.mark.parametrize(("start", "end", "months"), [c[1:] for c in OF_A_STRETCH], ids=[c[0] for c in OF_A_STRETCH])
def test_the_months_of_a_stretch(start: str, end: str, months: list[str]) -> None:
    assert [month_key(month.start.date()) for month in months_of(at(start), at(end), "UTC")] == months


DAYS = [
    ("a night touches two days", "2023-07-01T22:00:00", "2023-07-02T04:00:00", "UTC", ["2023-07-01", "2023-07-02"]),
    ("until midnight one day", "2023-07-01T22:00:00", "2023-07-02T00:00:00", "UTC", ["2023-07-01"]),
    ("Samoa's missing day", "2011-12-30T00:00:00", "2011-12-30T12:00:00", "Pacific/Apia", ["2011-12-29", "2011-12-31"]),
]


@pytest.mark.parametrize(("start", "end", "zone", "days"), [case[1:] for case in DAYS], ids=[case[0] for case in DAYS])
def test_the_local_days_of_a_stretch(start: str, end: str, zone: str, days: list[str]) -> None:
    assert [day.isoformat() for day, _ in local_days(Period(at(start), at(end)), zone)] == days


def test_the_days_that_hold_a_month_in_any_of_some_zones() -> None:
    days = [date(2023, 6, 30) + timedelta(days=n) for n in range(33)]
    assert days_of_month(["UTC"], "2023-07") == utc_days(JULY) == days[1:-1]
    # Tokyo's July begins at 15:00 of 30 June, New York's ends at 04:00 of 1 August.
    assert days_of_month(["America/New_York", "Asia/Tokyo"], "2023-07") == days
    assert days_of_month(["Asia/Tokyo", "America/New_York"], "2023-07") == days


@pytest.mark.parametrize(
    ("key", "year", "month"), [("2023-07", 2023, 7), ("2023-01", 2023, 1), ("2023-12", 2023, 12), ("0001-01", 1, 1)]
)
def test_a_billing_period_is_a_year_and_a_month(key: str, year: int, month: int) -> None:
    assert parse_month(key) == (year, month)


@pytest.mark.parametrize(
    ("key", "months", "other"),
    [
        ("2023-07", 0, "2023-07"),
        ("2023-11", 1, "2023-12"),
        ("2023-11", 2, "2024-01"),
        ("2023-12", 0, "2023-12"),
        ("2023-12", 1, "2024-01"),
        ("2023-01", -1, "2022-12"),
        ("2023-01", -12, "2022-01"),
        ("2023-01", -13, "2021-12"),
        ("2024-02", 11, "2025-01"),
        ("2023-06", 24, "2025-06"),
        ("0009-12", 1, "0010-01"),
    ],
)
def test_months_later_and_before(key: str, months: int, other: str) -> None:
    assert add_months(key, months) == other


RANGES = [
    ("2023-07", ["2023-07"]),
    ("2023-07..2023-07", ["2023-07"]),
    ("2023-11..2024-02", ["2023-11", "2023-12", "2024-01", "2024-02"]),
]


@pytest.mark.parametrize(("text", "months"), RANGES)
def test_a_range_of_billing_periods_holds_both_ends(text: str, months: list[str]) -> None:
    assert months_of_range(text) == months
    assert months_between(months[0], months[-1]) == months


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2023-08..2023-07", "^'2023-08..2023-07': 2023-07 comes before 2023-08$"),
        ("2023-07..", "^'' is not a billing period"),
        ("..2023-07", "^'' is not a billing period"),
        ("2023-07..2023-13", "^'2023-13' is not a billing period"),
        ("2023-07-2023-08", "^'2023-07-2023-08' is not a billing period"),
    ],
)
def test_what_is_no_range_of_billing_periods_is_refused(text: str, said: str) -> None:
    with pytest.raises(PeriodKeyError, match=said):
        months_of_range(text)


def test_a_range_that_ends_before_it_begins_is_empty() -> None:
    assert months_between("2023-08", "2023-07") == []


@pytest.mark.parametrize(
    "key",
    [
        "2023-13",
        "2023-00",
        "2023-7",
        "202307",
        "2023-07-01",
        "",
        "abcd-ef",
        "0000-01",
        "20233-1",
        "\u0662\u0660\u0662\u0663-\u0660\u0667",
        "1-2023",
    ],
)
def test_what_is_no_billing_period_is_refused(key: str) -> None:
    with pytest.raises(PeriodKeyError, match="is not a billing period"):
        parse_month(key)
