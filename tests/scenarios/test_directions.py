"""The seller's own calls are not the company's (rule 5), from a record of Moesif's to the invoice; lakes of before."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from workshop import CORRECTING_MAPPING, RECEIVED, Workshop, event, lines

from monetization_pipeline.datasets import CORRECTIONS, EVENTS, RAW_EVENTS, DatasetSpec
from monetization_pipeline.reports import listings
from monetization_pipeline.reports.explain import explain
from monetization_pipeline.standing.counts import count_period
from monetization_pipeline.standing.maintenance import maintain
from monetization_pipeline.standing.verdicts import problems_of_the_whole

MONTH = "2023-07"
CALL = {
    "request": {"time": "2023-07-10T12:00:00.000", "verb": "GET", "uri": "/"},
    "response": {"time": "2023-07-10T12:00:00.001", "status": 200},
    "company_id": "acme",
}


def catalog(*meters: Mapping[str, object]) -> Mapping[str, object]:
    """Each meter counts calls at 0.01."""
    prices = [
        {"price_id": f"p_{meter['meter_id']}", "meter": meter["meter_id"], "model": "per_unit", "unit_amount": "0.01"}
        for meter in meters
    ]
    return {
        "meters": [{"aggregation": "count"} | dict(meter) for meter in meters],
        "plans": [{"plan_id": "p", "currency": "USD", "interval": "month", "prices": prices}],
    }


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    made = Workshop(tmp_path)
    made.source("moesif", schema="moesif", mapping={})
    made.source("requests", format="requests", mapping={})
    made.source("logs", mapping=CORRECTING_MAPPING)
    made.catalog(catalog({"meter_id": "calls"}))
    made.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    return made


def calls(*directions: str | None) -> list[dict[str, object]]:
    return [
        CALL | {"transaction_id": f"t{number}"} | ({} if direction is None else {"direction": direction})
        for number, direction in enumerate(directions)
    ]


def total(shop: Workshop) -> Sequence[str]:
    return [invoice["total"] for invoice in listings.invoices(shop.pipeline, MONTH, RECEIVED)]


def quantities(shop: Workshop) -> Mapping[str, str]:
    return {row["meter_id"]: row["quantity"] for row in listings.usage(shop.pipeline, MONTH)}


def test_of_a_call_each_way_the_incoming_one_is_billed(shop: Workshop) -> None:
    shop.place("moesif", lines(calls("Incoming", "Outgoing")))
    shop.run(MONTH)
    assert total(shop) == ["0.01"]
    counts = count_period(shop.pipeline, MONTH)
    assert (counts.problems, counts.by_name()["metered"], counts.by_name()["blocked"]) == ([], 1, 1)
    assert [(row["event_id"], row["reason"]) for row in listings.unbilled(shop.pipeline, MONTH)] == [("t1", "blocked")]


def test_of_recorded_requests_too(shop: Workshop) -> None:
    request = {"method": "POST", "path": "/v1/events/batch", "body": calls("Internal", None, "Outgoing")}
    shop.place("requests", lines([request]))
    shop.run(MONTH)
    assert total(shop) == ["0.01"]


def test_a_meter_may_name_directions(shop: Workshop) -> None:
    shop.catalog(
        catalog(
            {"meter_id": "in"},
            {"meter_id": "out", "directions": ["Outgoing"]},
            {"meter_id": "all", "directions": ["Incoming", "Outgoing", "Internal"]},
        )
    )
    shop.place("moesif", lines(calls("Incoming", "Outgoing", None, "Internal", "Outgoing")))
    shop.run(MONTH)
    assert quantities(shop) == {"in": "2", "out": "2", "all": "5"}


def test_a_meter_that_names_another_direction_is_metered_anew(shop: Workshop) -> None:
    shop.place("moesif", lines(calls("Incoming", "Outgoing", "Outgoing")))
    shop.run(MONTH)
    shop.catalog(catalog({"meter_id": "calls", "directions": ["Outgoing"]}))
    shop.run(MONTH)
    assert total(shop) == ["0.02"]


def test_an_explained_line_says_what_it_counts(shop: Workshop) -> None:
    shop.place("moesif", lines(calls("Incoming", "Outgoing")))
    shop.run(MONTH)
    ((line,),) = (invoice["lines"] for invoice in listings.invoices(shop.pipeline, MONTH, RECEIVED))
    found = explain(shop.pipeline, line["line_id"])
    assert "AND coalesce(direction, 'Incoming') IN ('Incoming')" in found.sql
    assert found.events == 1


def test_a_replacement_may_turn_a_call_around(shop: Workshop) -> None:
    shop.place("logs", lines([event(1), event(2)]))
    shop.run(MONTH)
    assert total(shop) == ["0.02"]
    turned = event(3, correction="replacement", target="e2", direction="Outgoing")
    shop.place("logs", lines([turned]), name="later")
    shop.run(MONTH)
    assert total(shop) == ["0.01"]


def test_saying_incoming_or_nothing_is_no_other_content_and_another_direction_is(shop: Workshop) -> None:
    shop.place("logs", lines([event(1), event(2)]))
    shop.place("logs", lines([event(1, direction="Incoming"), event(2, direction="Outgoing")]), name="again")
    shop.run(MONTH)
    counts = count_period(shop.pipeline, MONTH).by_name()
    assert (counts["duplicates"], counts["conflicts"]) == (1, 1)


def forget_directions(shop: Workshop, spec: DatasetSpec) -> None:
    """Files of a dataset as a version wrote them that had no such column."""
    for file in shop.pipeline.lake.table(spec).files():
        table = pq.read_table(file.local)
        pq.write_table(table.drop_columns(["direction"]), file.local, compression="zstd")


@pytest.mark.parametrize("later", [[], calls("Incoming", "Outgoing", None)], ids=["as it is", "with later events"])
def test_a_lake_of_before_is_read_as_incoming(shop: Workshop, later: list[dict[str, Any]]) -> None:
    shop.place("logs", lines([event(1), event(2), event(3, correction="replacement", target="e1", at="2023-07-11")]))
    shop.run(MONTH)
    for spec in (RAW_EVENTS, CORRECTIONS, EVENTS):
        forget_directions(shop, spec)
    shop = shop.reopened()
    assert problems_of_the_whole(shop.pipeline, shop.known(), MONTH) == []
    assert shop.reasons(MONTH) == []
    shop.place("moesif", lines(later), name="later")
    shop.catalog(catalog({"meter_id": "calls"}, {"meter_id": "out", "directions": ["Outgoing"]}))
    shop.run(MONTH)
    assert quantities(shop) == ({"calls": "4", "out": "1"} if later else {"calls": "2", "out": "0"})
    assert problems_of_the_whole(shop.pipeline, shop.known(), MONTH) == []
    assert count_period(shop.pipeline, MONTH).problems == []


def test_files_with_and_without_directions_are_compacted_to_one(shop: Workshop) -> None:
    for number in range(8):
        shop.place("logs", lines([event(number, direction=("Incoming", "Outgoing")[number % 2])]), name=f"{number}")
        shop.ingest()
    first, *_ = shop.pipeline.lake.table(RAW_EVENTS).files()
    pq.write_table(pq.read_table(first.local).drop_columns(["direction"]), first.local, compression="zstd")
    for file in shop.pipeline.lake.table(RAW_EVENTS).files():
        # Nobody compacts what came a moment ago.
        os.utime(file.local, (0, 0))
    before = sorted((row["event_id"], row.get("direction")) for row in shop.rows(RAW_EVENTS))
    maintain(shop.pipeline, RECEIVED)
    after = sorted((row["event_id"], row["direction"]) for row in shop.rows(RAW_EVENTS))
    assert len(shop.pipeline.lake.table(RAW_EVENTS).files()) == 1
    assert (len(after), before) == (8, after)
