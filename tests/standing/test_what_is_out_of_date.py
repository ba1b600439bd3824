"""What makes a day or a period out of date, and that a rebuild of some days leaves none of them so."""

from datetime import date, timedelta

from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, UNBILLED, USAGE
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.standing import counts

MONTH = "2023-07"
CATALOG: dict[str, object] = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}],
    "plans": [
        {
            "plan_id": "p",
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": "x", "model": "per_unit", "meter": "calls", "unit_amount": "1"}],
        }
    ],
}
SUBSCRIPTIONS = [{"subscription_id": f"s-{name}", "company_id": name, "plan_id": "p"} for name in ("acme", "globex")]


def quantities(shop: Workshop) -> dict[str, int]:
    return {row["company_id"]: int(row["quantity"]) for row in shop.rows(USAGE, [MONTH])}


def on(number: int, day: int, **fields: object) -> dict[str, object]:
    return event(number, at=f"2023-07-{day:02}T12:00:00Z", **fields)


def test_a_rebuild_of_a_few_days_leaves_none_out_of_date(shop: Workshop) -> None:
    """A user moves to another company within the month: days are rebuilt one by one, with other days' users unseen."""
    users = [
        {"user_id": "u", "company_id": "acme", "valid_from": "2023-07-01"},
        {"user_id": "u", "company_id": "globex", "valid_from": "2023-07-15"},
        {"user_id": "v", "company_id": "globex", "valid_from": "2023-07-01"},
    ]
    shop.catalog(CATALOG)
    shop.customers({"subscriptions": SUBSCRIPTIONS, "users": users})
    shop.place("logs", lines(on(day, day, company=None, user="u") for day in (1, 2, 3, 14, 15, 20)))
    shop.run(MONTH)
    assert quantities(shop) == {"acme": 4, "globex": 2}
    for day in (3, 20, 15):
        shop.place("logs", lines([on(100 + day, day, company=None, user="v")]), RECEIVED + timedelta(hours=day))
        shop.ingest()
        assert shop.stale_days(EVENTS, MONTH) == [date(2023, 7, day)]
        shop.run(MONTH)
        assert shop.reasons(MONTH) == []
    assert quantities(shop) == {"acme": 4, "globex": 5}


def test_a_file_that_somebody_moved_to_another_days_folder_still_waits_and_is_billed(shop: Workshop) -> None:
    shop.catalog(CATALOG)
    shop.customers({"subscriptions": SUBSCRIPTIONS})
    shop.place("logs", lines([on(1, 1, company="acme")]))
    shop.run(MONTH)
    placed = shop.place("logs", lines([on(2, 2, company="acme")]), RECEIVED + timedelta(days=1))
    elsewhere = placed.path.parent.with_name("2023-09-30")
    placed.path.parent.rename(elsewhere)
    assert f"r{placed.received_on}" in [reason.partition for reason in shop.reasons(MONTH)]
    shop.run(MONTH)
    assert (quantities(shop), shop.reasons(MONTH)) == ({"acme": 2, "globex": 0}, [])


def test_a_user_who_moves_touches_only_the_days_since(shop: Workshop) -> None:
    shop.catalog(CATALOG)
    shop.customers(
        {
            "subscriptions": SUBSCRIPTIONS,
            "users": [{"user_id": "u", "company_id": "acme", "valid_from": "2023-07-01"}],
        }
    )
    shop.place("logs", lines([on(1, 1, company=None, user="u"), on(2, 20, company=None, user="u"), on(3, 21)]))
    shop.run(MONTH)
    assert quantities(shop) == {"acme": 3, "globex": 0}
    shop.customers(
        {"users": [{"user_id": "u", "company_id": "globex", "valid_from": "2023-07-20"}]}, RECEIVED + timedelta(hours=1)
    )
    shop.ingest()
    shop.merge()
    assert shop.stale_days(DAILY_USAGE, MONTH) == [date(2023, 7, 20)]
    shop.run(MONTH)
    assert quantities(shop) == {"acme": 2, "globex": 1}
    assert shop.reasons(MONTH) == []


def test_what_is_unbilled_is_billed_once_the_missing_record_arrives(shop: Workshop) -> None:
    shop.catalog(CATALOG)
    shop.place(
        "logs", lines([on(1, 1), on(2, 2, company=None, user="u"), on(3, 3, company=None, subscription="s-acme")])
    )
    shop.run(MONTH)
    assert sorted(row["reason"] for row in shop.rows(UNBILLED)) == ["no_company", "no_company", "no_subscription"]
    users = [{"user_id": "u", "company_id": "acme"}]
    shop.customers({"subscriptions": SUBSCRIPTIONS, "users": users}, RECEIVED + timedelta(hours=1))
    shop.run(MONTH)
    assert shop.rows(UNBILLED) == []
    assert quantities(shop) == {"acme": 3, "globex": 0}


def test_a_copy_that_was_received_earlier_takes_the_event_to_its_own_day(shop: Workshop) -> None:
    """The days touched are also those that hold another copy (rule 2): the event leaves the day it was on."""
    shop.catalog(CATALOG)
    shop.customers({"subscriptions": SUBSCRIPTIONS})
    shop.place("logs", lines([on(1, 10), on(2, 10)]), RECEIVED)
    shop.run(MONTH)
    shop.place("logs", lines([on(1, 25)]), RECEIVED - timedelta(hours=1))
    shop.ingest()
    assert shop.stale_days(EVENTS, MONTH) == [date(2023, 7, 10), date(2023, 7, 25)]
    shop.run(MONTH)
    assert sorted((row["event_id"], row["occurred_on"].day) for row in shop.rows(EVENTS)) == [("e1", 25), ("e2", 10)]
    made = counts.count_period(shop.pipeline, MONTH)
    assert (made.days["conflicts"], made.days["duplicates"], made.problems) == (1, 0, [])
    assert shop.reasons(MONTH) == []
    assert quantities(shop) == {"acme": 2, "globex": 0}


def test_copies_over_many_days_and_files_leave_one_event(shop: Workshop) -> None:
    shop.catalog(CATALOG)
    shop.customers({"subscriptions": SUBSCRIPTIONS})
    for number, day in enumerate((10, 20, 5, 10, 15)):
        shop.place("logs", lines([on(1, day, status=number)]), RECEIVED + timedelta(hours=5 - number))
        shop.run(MONTH)
    assert [(row["event_id"], row["occurred_on"].day) for row in shop.rows(EVENTS)] == [("e1", 15)]
    made = counts.count_period(shop.pipeline, MONTH)
    assert (made.days["raw_events"], made.days["events"], made.days["conflicts"], made.problems) == (5, 1, 4, [])
    assert len(read_log(shop.pipeline.lake).days) == 4


def test_a_new_price_makes_no_metering_out_of_date(shop: Workshop) -> None:
    shop.catalog(CATALOG)
    shop.customers({"subscriptions": SUBSCRIPTIONS})
    shop.place("logs", lines([on(1, 10)]))
    shop.run(MONTH)
    text = (shop.root / "catalog" / "catalog.yaml").read_text()
    (shop.root / "catalog" / "catalog.yaml").write_text(text.replace("'1'", "'2'"))
    reasons = shop.reasons(MONTH)
    assert [reason.dataset for reason in reasons] == ["rated_lines", "invoices"]
