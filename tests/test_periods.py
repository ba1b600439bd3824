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
    billing_month,
    local_days,
    local_midnight,
    month_of,
    month_period,
    months_of,
    parse_month,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


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


@pytest.mark.parametrize("key", ["2023-13", "2023-00", "2023-7", "202307", "2023-07-01", "", "abcd-ef", "0000-01"])
def test_what_is_no_billing_period_is_refused(key: str) -> None:
    with pytest.raises(PeriodKeyError, match="is not a billing period"):
        parse_month(key)
