"""Companies in four zones: whose month an instant lies in, what fees come to, what a change of zone does. By hand."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from workshop import Workshop, event, lines

from monetization_pipeline.datasets import DAILY_USAGE, RATED_LINES, REFUSALS, UNBILLED, USAGE
from monetization_pipeline.periods import days_of_month
from monetization_pipeline.reports import listings
from monetization_pipeline.steps import invoices

RECEIVED = datetime(2023, 12, 12, tzinfo=UTC)
ZONES = {
    "kolkata": "Asia/Kolkata",
    "st_johns": "America/St_Johns",
    "apia": "Pacific/Apia",
    "berlin": "Europe/Berlin",
}
CATALOG: dict[str, object] = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}, {"meter_id": "users", "aggregation": "unique_count"}],
    "plans": [
        {
            "plan_id": "p",
            "currency": "USD",
            "interval": "month",
            "prices": [
                {"price_id": "calls", "model": "per_unit", "meter": "calls", "unit_amount": "1"},
                {"price_id": "users", "model": "per_unit", "meter": "users", "unit_amount": "0"},
                {"price_id": "ahead", "model": "flat", "amount": "62.00", "bill": "in_advance"},
            ],
        }
    ],
}
CATALOG["meters"][1]["value"] = "user_id"  # type: ignore[index]

#: company, month, when it begins and ends: March and October have the clock changes of Berlin, March and November
#: those of St John's.
MONTHS = [
    ("kolkata", "2023-03", "2023-02-28T18:30", "2023-03-31T18:30"),
    ("st_johns", "2023-03", "2023-03-01T03:30", "2023-04-01T02:30"),
    ("apia", "2023-03", "2023-02-28T11:00", "2023-03-31T11:00"),
    ("berlin", "2023-03", "2023-02-28T23:00", "2023-03-31T22:00"),
    ("kolkata", "2023-10", "2023-09-30T18:30", "2023-10-31T18:30"),
    ("st_johns", "2023-10", "2023-10-01T02:30", "2023-11-01T02:30"),
    ("st_johns", "2023-11", "2023-11-01T02:30", "2023-12-01T03:30"),
    ("apia", "2023-10", "2023-09-30T11:00", "2023-10-31T11:00"),
    ("berlin", "2023-10", "2023-09-30T22:00", "2023-10-31T23:00"),
]
DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def customers_of(zones: dict[str, str]) -> dict[str, object]:
    return {
        "companies": [{"company_id": name, "time_zone": zone} for name, zone in zones.items()],
        "subscriptions": [{"subscription_id": f"s_{name}", "company_id": name, "plan_id": "p"} for name in ZONES],
    }


def calls(shop: Workshop, month: str) -> dict[str, int]:
    return {row["company_id"]: row["quantity"] for row in shop.rows(USAGE, [month]) if row["meter_id"] == "calls"}


@pytest.fixture
def zoned(shop: Workshop) -> Workshop:
    shop.catalog(CATALOG)
    shop.customers(customers_of(ZONES), RECEIVED)
    return shop


def around(month: str) -> list[tuple[str, str, datetime]]:
    """(company, month it belongs to, instant): the day, the microsecond before and after each edge, and the edge."""
    year, number = int(month[:4]), int(month[5:])
    before, after = f"{year}-{number - 1:02}", f"{year}-{number + 1:02}"
    found: list[tuple[str, str, datetime]] = []
    for company, _, start, end in (row for row in MONTHS if row[1] == month):
        for edge, earlier, later in ((utc(start), before, month), (utc(end), month, after)):
            found += [(company, earlier, edge - gap) for gap in (DAY, MICROSECOND)]
            found += [(company, later, edge + gap) for gap in (MICROSECOND * 0, MICROSECOND, DAY)]
    return found


@pytest.mark.parametrize("month", ["2023-03", "2023-10", "2023-11"])
def test_an_event_lies_in_the_month_of_its_companys_zone(zoned: Workshop, month: str) -> None:
    told = around(month)
    sent = [
        event(number, company=company, at=at.isoformat(), user=f"u{number}")
        for number, (company, _, at) in enumerate(told)
    ]
    zoned.place("logs", lines(sent), RECEIVED)
    expected = Counter((company, key) for company, key, _ in told)
    keys = sorted({key for _, key, _ in told})
    zoned.run(*keys)
    for meter in ("calls", "users"):
        found = {
            (row["company_id"], key): row["quantity"]
            for key in keys
            for row in zoned.rows(USAGE, [key])
            if row["meter_id"] == meter and row["quantity"]
        }
        assert found == expected, meter


LOCAL_DAYS = [
    ("the last microsecond of a day in Kolkata", "kolkata", "2023-07-10T18:29:59.999999Z", date(2023, 7, 10)),
    ("midnight in Kolkata", "kolkata", "2023-07-10T18:30:00Z", date(2023, 7, 11)),
    ("the last microsecond of a day in St John's", "st_johns", "2023-07-10T02:29:59.999999Z", date(2023, 7, 9)),
    ("midnight in St John's in summer", "st_johns", "2023-07-10T02:30:00Z", date(2023, 7, 10)),
    ("midnight in St John's in winter", "st_johns", "2023-12-10T03:30:00Z", date(2023, 12, 10)),
    ("midnight in Apia, a day ahead", "apia", "2023-07-10T11:00:00Z", date(2023, 7, 11)),
    ("the hour that Berlin has twice", "berlin", "2023-10-29T00:30:00Z", date(2023, 10, 29)),
    ("the last instant of Berlin's day of 25 hours", "berlin", "2023-10-29T22:59:59.999999Z", date(2023, 10, 29)),
    ("the last instant of Berlin's day of 23 hours", "berlin", "2023-03-26T21:59:59.999999Z", date(2023, 3, 26)),
    ("the first instant after it", "berlin", "2023-03-26T22:00:00Z", date(2023, 3, 27)),
]


def test_usage_is_of_the_local_day(zoned: Workshop) -> None:
    sent = [event(n, company=company, at=at) for n, (_, company, at, _) in enumerate(LOCAL_DAYS)]
    zoned.place("logs", lines(sent), RECEIVED)
    zoned.run("2023-03", "2023-07", "2023-10", "2023-12")
    found = Counter(
        {
            (row["subscription_id"], row["usage_on"], row["occurred_on"]): row["events"]
            for row in zoned.rows(DAILY_USAGE)
            if row["count_value"] is not None
        }
    )
    assert found == Counter((f"s_{company}", on, utc(at[:10]).date()) for _, company, at, on in LOCAL_DAYS)


def test_the_days_of_a_month_are_those_of_all_zones() -> None:
    assert days_of_month(["UTC"], "2023-02") == [date(2023, 2, day) for day in range(1, 29)]
    days = days_of_month(ZONES.values(), "2023-03")
    assert (days[0], days[-1], len(days)) == (date(2023, 2, 28), date(2023, 4, 1), 33)
    assert days_of_month(["Asia/Kolkata"], "2023-03")[-1] == date(2023, 3, 31)


def test_months_in_four_zones(zoned: Workshop) -> None:
    """July has 3 calls of each company at the same three instants, which are not July everywhere."""
    instants = ("2023-06-30T12:00:00Z", "2023-07-15T00:00:00Z", "2023-07-31T23:00:00Z")
    zoned.place(
        "logs",
        lines(
            event(f"{name}-{n}", company=name, at=at)  # type: ignore[arg-type]
            for name in ZONES
            for n, at in enumerate(instants)
        ),
        RECEIVED,
    )
    zoned.run("2023-06", "2023-07", "2023-08")
    assert calls(zoned, "2023-06") == {"kolkata": 1, "st_johns": 1, "apia": 0, "berlin": 1}
    assert calls(zoned, "2023-07") == {"kolkata": 1, "st_johns": 2, "apia": 2, "berlin": 1}
    assert calls(zoned, "2023-08") == {"kolkata": 1, "st_johns": 0, "apia": 1, "berlin": 1}
    made = {
        invoice.company_id: (invoice.bill_at.isoformat(), str(invoice.total.normalize()))
        for invoice in invoices.read_invoices(zoned.pipeline, "2023-07")
    }
    # Each pays for its calls, and 62 for August in advance, when August begins where it is.
    assert made == {
        "kolkata": ("2023-07-31T18:30:00+00:00", "63"),
        "st_johns": ("2023-08-01T02:30:00+00:00", "64"),
        "apia": ("2023-07-31T11:00:00+00:00", "64"),
        "berlin": ("2023-07-31T22:00:00+00:00", "63"),
    }
    assert zoned.reasons("2023-07") == []


def test_a_company_that_moves_to_another_zone_is_billed_by_that_one_for_all_time(zoned: Workshop) -> None:
    at = "2023-07-31T20:00:00Z"  # August in Kolkata, July in Berlin
    zoned.place("logs", lines([event(1, company="kolkata", at=at), event(2, company="berlin", at=at)]), RECEIVED)
    zoned.run("2023-07", "2023-08")
    assert (calls(zoned, "2023-07")["kolkata"], calls(zoned, "2023-08")["kolkata"]) == (0, 1)
    zoned.customers(customers_of(ZONES | {"kolkata": "Europe/Berlin"}), RECEIVED + DAY)
    zoned.ingest()
    zoned.merge()
    assert zoned.stale_days(DAILY_USAGE, "2023-07") == [date(2023, 7, 31)]
    zoned.run("2023-07", "2023-08")
    assert (calls(zoned, "2023-07")["kolkata"], calls(zoned, "2023-08")["kolkata"]) == (1, 0)
    assert (calls(zoned, "2023-07")["berlin"], calls(zoned, "2023-08")["berlin"]) == (1, 0)


def test_a_company_without_a_zone_has_the_sellers(shop: Workshop) -> None:
    shop.pipeline = replace(shop.pipeline, seller=replace(shop.pipeline.seller, zone="Asia/Kolkata"))
    shop.catalog(CATALOG)
    shop.customers(customers_of({"berlin": "Europe/Berlin"}), RECEIVED)
    at = "2023-07-31T20:00:00Z"
    shop.place("logs", lines([event(1, company="apia", at=at), event(2, company="berlin", at=at)]), RECEIVED)
    shop.run("2023-07", "2023-08")
    assert calls(shop, "2023-07") == {"kolkata": 0, "st_johns": 0, "apia": 0, "berlin": 1}
    assert calls(shop, "2023-08") == {"kolkata": 0, "st_johns": 0, "apia": 1, "berlin": 0}


def test_what_nobody_is_charged_for_is_shown_in_the_month_of_its_company(zoned: Workshop) -> None:
    ends = {"subscription_id": "s_apia", "company_id": "apia", "plan_id": "p", "end_at": "2020-01-01"}
    zoned.customers(customers_of(ZONES) | {"subscriptions": [ends]}, RECEIVED + DAY)
    sent = [event(n, company=company, at="2023-07-31T12:00:00Z") for n, company in enumerate(("apia", "nobody"))]
    zoned.place("logs", lines(sent), RECEIVED)
    zoned.run("2023-07", "2023-08")
    assert len(zoned.rows(UNBILLED)) == 2
    assert [row["company_id"] for row in listings.unbilled(zoned.pipeline, "2023-07")] == ["nobody"]
    assert [row["company_id"] for row in listings.unbilled(zoned.pipeline, "2023-08")] == ["apia"]


def test_an_end_in_a_later_month_leaves_earlier_ones_as_they_are(zoned: Workshop) -> None:
    zoned.place("logs", lines([event(1, company="berlin")]), RECEIVED)
    zoned.run("2023-07")
    before = [
        zoned.pipeline.lake.table(spec).state(key) for spec, key in ((USAGE, "2023-07"), (RATED_LINES, "2023-07"))
    ]
    content = customers_of(ZONES)
    content["subscriptions"] = [one | {"end_at": "2023-11-05T12:00:00Z"} for one in content["subscriptions"]]  # type: ignore[attr-defined]
    zoned.customers(content, RECEIVED + DAY)
    zoned.ingest()
    zoned.merge()
    assert zoned.reasons("2023-07") == []
    zoned.run("2023-07")
    after = [zoned.pipeline.lake.table(spec).state(key) for spec, key in ((USAGE, "2023-07"), (RATED_LINES, "2023-07"))]
    assert after == before
    assert {row["segment_end"] for row in zoned.rows(USAGE, ["2023-07"])} == {None}


def test_events_before_the_grid_are_refused(shop: Workshop) -> None:
    """The grid begins with the first billing period of the seller's zone, and never within an event day."""
    for zone, first in (("America/St_Johns", "2020-01-01T03:30:00Z"), ("Asia/Kolkata", "2020-01-01T00:00:00Z")):
        shop.pipeline = replace(shop.pipeline, seller=replace(shop.pipeline.seller, zone=zone))
        before = (utc(first[:-1]) - MICROSECOND).isoformat()
        refused = len(shop.rows(REFUSALS))
        file = shop.take(lines([event(1, at=before), event(2, at=first, company=zone)]), received_at=RECEIVED)
        assert (file.raw_events, file.refusals, len(shop.rows(REFUSALS))) == (1, 1, refused + 1)


def test_a_first_fee_lies_in_the_first_period_of_its_companys_zone(zoned: Workshop) -> None:
    """A fee due on the grid's first instant has no month before it to lie in."""
    zoned.run("2020-01")
    fees = {
        (row["company_id"], row["bill_at"].isoformat()): row["amount"]
        for row in zoned.rows(RATED_LINES, ["2020-01"])
        if row["kind"] == "fee"
    }
    assert fees == {
        (company, at): Decimal(62)
        for company, begins, ends in (
            ("kolkata", "2019-12-31T18:30:00+00:00", "2020-01-31T18:30:00+00:00"),
            ("st_johns", "2020-01-01T03:30:00+00:00", "2020-02-01T03:30:00+00:00"),
            ("apia", "2019-12-31T10:00:00+00:00", "2020-01-31T10:00:00+00:00"),
            ("berlin", "2019-12-31T23:00:00+00:00", "2020-01-31T23:00:00+00:00"),
        )
        for at in (begins, ends)
    }
