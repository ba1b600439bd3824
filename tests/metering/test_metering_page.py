"""monetization_pipeline/metering/README.md: its catalog, customers and events give its tables."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from read_page import Row, blocks, table
from workshop import Workshop

from monetization_pipeline.datasets import DAILY_USAGE, METER_REFUSALS, UNBILLED, USAGE, DatasetSpec
from monetization_pipeline.metering.charged import BUCKETS
from monetization_pipeline.metering.judged import metered_sql
from monetization_pipeline.metering.meters import meters_sql
from monetization_pipeline.money import plain
from monetization_pipeline.standing.counts import count_period
from monetization_pipeline.steps import charges

PAGE = Path(__file__).resolve().parents[2] / "monetization_pipeline" / "metering" / "README.md"
MONTH = "2023-07"
DAYS = (date(2023, 7, 10), date(2023, 7, 11))

_MASKS = """
    SELECT event_id, bit_or(used_0), bit_or(coalesce(CASE WHEN named IS NULL THEN charged_0 ELSE priced_0 END, 0)),
        bit_or(falls_0), min(bucket)
    FROM (SELECT * RENAME (subscription_id AS named) FROM ({metered})) GROUP BY event_id"""


@pytest.fixture
def made(shop: Workshop) -> Workshop:
    """A working folder in which the page's example was run."""
    said = {block.said: block.text for block in blocks(PAGE)}
    shop.catalog(yaml.safe_load(said["catalog"]))
    shop.customers(yaml.safe_load(said["customers"]))
    shop.place("logs", said["logs"].encode())
    shop.run(MONTH)
    return shop


def texts(row: Mapping[str, object], columns: Sequence[str]) -> Row:
    """Some columns of a row as a page writes them: figures without zeros at the end, nothing for what is absent."""

    def text(value: object) -> str:
        return "" if value is None else plain(value) if isinstance(value, Decimal) else str(value)

    return {name: text(row[name]) for name in columns}


def rows(shop: Workshop, spec: DatasetSpec, columns: Sequence[str]) -> list[Row]:
    return sorted((texts(row, columns) for row in shop.rows(spec)), key=lambda row: [*row.values()])


def test_masks_and_buckets_of_each_event(made: Workshop) -> None:
    known = made.known()
    meters = meters_sql(known.catalog)
    with made.pipeline.engine.session() as session:
        payers = charges.register(session, known, charges.window_of(DAYS))
        inputs = charges.open_events(made.pipeline, session, meters, payers, [day.isoformat() for day in DAYS])
        rows = session.rows(_MASKS.format(metered=metered_sql(inputs)))
    found = [(*map(str, row[:4]), BUCKETS[row[4]]) for row in rows]
    assert sorted(found) == sorted(tuple(row.values()) for row in table(PAGE, "event", "can use it"))


def test_each_event_lies_in_the_bucket_of_the_table_and_the_counts_close(made: Workshop) -> None:
    buckets = [row["bucket"] for row in table(PAGE, "event", "can use it")]
    counts = count_period(made.pipeline, MONTH)
    assert counts.buckets == {bucket: buckets.count(bucket) for bucket in BUCKETS}
    assert counts.problems == []


def test_the_states_of_acme(made: Workshop) -> None:
    expected = table(PAGE, "occurred_on", "usage_on")
    own = [row for row in made.rows(DAILY_USAGE) if row["subscription_id"] == "acme"]
    found = [texts(row | {"meters": ", ".join(json.loads(row["meters"]))}, [*expected[0]]) for row in own]
    assert sorted(found, key=lambda row: [*row.values()]) == expected


def test_the_usage_of_the_month(made: Workshop) -> None:
    expected = table(PAGE, "subscription_id", "meter_id")
    assert rows(made, USAGE, [*expected[0]]) == expected


def test_what_is_reported_beside(made: Workshop) -> None:
    """Refused values once a meter, ambiguous events once a meter, and the weight that nothing multiplies."""
    assert rows(made, METER_REFUSALS, ["event_id", "meter_id"]) == [
        {"event_id": "e4", "meter_id": "peak"},
        {"event_id": "e4", "meter_id": "tokens"},
    ]
    assert [row["meter_id"] for row in rows(made, UNBILLED, ["event_id", "meter_id"]) if row["event_id"] == "e8"] == [
        "calls",
        "peak",
        "tokens",
    ]
    notes = [state.notes for state in made.pipeline.lake.table(DAILY_USAGE).states().values() if state.notes]
    assert [note["warning"] for note in notes] == [
        "1 events with a weight other than 1 are metered by what weight does not multiply"
    ]
