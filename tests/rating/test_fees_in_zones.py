"""Fees of days with 23 and 25 hours, in the company's zone. Figures by hand."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from monetization_pipeline.catalog.models import BillTiming, FlatPrice, Plan, Proration
from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.money import plain
from monetization_pipeline.rating.due import fees_due
from monetization_pipeline.rating.engine import DueFee, rate_fees

#: zone, month, prorated by, amount of the full month, first instant, end, amount due
FEES = [
    ("the day of 23 hours is a day", "Europe/Berlin", "2023-03", "day", "31", "03-25T23:00", "03-26T22:00", "1"),
    ("the day of 25 hours is a day", "Europe/Berlin", "2023-10", "day", "31", "10-28T22:00", "10-29T23:00", "1"),
    (
        "23 hours of a month that is an hour short",
        "Europe/Berlin",
        "2023-03",
        "second",
        "2674.8",
        "03-25T23:00",
        "03-26T22:00",
        "82.8",
    ),
    (
        "25 hours of a month that is an hour long",
        "Europe/Berlin",
        "2023-10",
        "second",
        "2682",
        "10-28T22:00",
        "10-29T23:00",
        "90",
    ),
    (
        "an hour less than the day of 25 hours is no day",
        "Europe/Berlin",
        "2023-10",
        "day",
        "31",
        "10-28T22:00",
        "10-29T22:59:59.999999",
        None,
    ),
    (
        "from noon on the day of 23 hours to the month's end",
        "Europe/Berlin",
        "2023-03",
        "day",
        "31",
        "03-26T10:00",
        None,
        "6",
    ),
    ("St John's springs forward", "America/St_Johns", "2023-03", "day", "31", "03-12T03:30", "03-13T02:30", "1"),
    (
        "St John's springs forward, by seconds",
        "America/St_Johns",
        "2023-03",
        "second",
        "2674.8",
        "03-12T03:30",
        "03-13T02:30",
        "82.8",
    ),
    ("St John's falls back", "America/St_Johns", "2023-11", "day", "30", "11-05T02:30", "11-06T03:30", "1"),
    (
        "St John's falls back, by seconds",
        "America/St_Johns",
        "2023-11",
        "second",
        "2595.6",
        "11-05T02:30",
        "11-06T03:30",
        "90",
    ),
    ("a day in Kolkata", "Asia/Kolkata", "2023-07", "day", "31", "07-09T18:30", "07-10T18:30", "1"),
    ("a day of UTC is none of Kolkata's", "Asia/Kolkata", "2023-07", "day", "31", "07-10T00:00", "07-10T18:29", None),
    ("a day in Apia", "Pacific/Apia", "2023-07", "day", "31", "07-09T11:00", "07-10T11:00", "1"),
    (
        "December 2011 had 30 days in Apia",
        "Pacific/Apia",
        "2011-12",
        "day",
        "30",
        "12-01T10:00",
        "12-11T10:00",
        "10",
    ),
    (
        "the day that Apia left out is nobody's",
        "Pacific/Apia",
        "2011-12",
        "day",
        "30",
        "12-29T10:00",
        "12-30T10:00",
        "1",
    ),
    ("a whole month is whole", "Europe/Berlin", "2023-03", "day", "31", None, None, "31"),
    ("a whole month is whole, by seconds", "Europe/Berlin", "2023-03", "second", "7", None, None, "7"),
]


def at(year: str, text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{year}-{text}").replace(tzinfo=UTC)


def sold(amount: str, prorate: str, bill: str = "in_arrears") -> Plan:
    price = FlatPrice(
        price_id="fee",
        model="flat",
        amount=Decimal(amount),
        bill=BillTiming(bill),
        prorate=Proration(prorate),
    )
    return Plan(plan_id="plan", currency="USD", interval="month", prices=(price,))


@pytest.mark.parametrize(
    ("zone", "month", "prorate", "full", "start", "end", "due"),
    [case[1:] for case in FEES],
    ids=[case[0] for case in FEES],
)
def test_a_fee_in_a_zone(
    zone: str, month: str, prorate: str, full: str, start: str | None, end: str | None, due: str | None
) -> None:
    plan = sold(full, prorate)
    held = Subscription("s", "c", "plan", at(month[:4], start), at(month[:4], end), "active", "{}", None, None)
    lines, _ = rate_fees(DueFee(plan, price, held, period, zone) for price, period in fees_due(plan, held, month, zone))
    assert [plain(line.amount) for line in lines] == ([] if due is None else [due])


@pytest.mark.parametrize(
    ("zone", "bill_at"),
    [
        ("Asia/Kolkata", "07-31T18:30"),
        ("America/St_Johns", "08-01T02:30"),
        ("Pacific/Apia", "07-31T11:00"),
        ("Europe/Berlin", "07-31T22:00"),
    ],
)
def test_augusts_fee_in_advance_lies_in_july_wherever_august_begins(zone: str, bill_at: str) -> None:
    plan = sold("31", "day", "in_advance")
    held = Subscription("s", "c", "plan", at("2020", "01-01T00:00"), None, "active", "{}", None, None)
    ((price, period),) = fees_due(plan, held, "2023-07", zone)
    (line,), _ = rate_fees([DueFee(plan, price, held, period, zone)])
    assert line.bill_at == line.period_start == at("2023", bill_at)
    assert line.amount == 31
