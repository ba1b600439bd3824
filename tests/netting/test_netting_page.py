"""monetization_pipeline/netting/README.md: its files give its tables, in each order of ingesting them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from read_page import Block, blocks, items, table
from workshop import CORRECTING_MAPPING, Workshop

from monetization_pipeline.datasets import EVENTS
from monetization_pipeline.steps import events

PAGE = Path(__file__).resolve().parents[2] / "monetization_pipeline" / "netting" / "README.md"
FILES = {block.said.split()[0]: block for block in blocks(PAGE)}
COUNTS = {"raw events": "raw_events"} | {
    name: name for name in ("replacements", "events", "duplicates", "conflicts", "voided")
}

#: By file: the days that it touches.
Touched = dict[str, list[str]]


def ingested(folder: Path, files: Sequence[Block]) -> tuple[Workshop, Touched]:
    """A working folder that has ingested files, one after the other; and the days that each touched."""
    shop = Workshop(folder)
    shop.source("logs", mapping=CORRECTING_MAPPING)
    touched: Touched = {}
    for block in files:
        name, received_at = block.said.split()
        file = shop.take(block.text.encode(), received_at=datetime.fromisoformat(received_at))
        touched[name] = sorted({day.occurred_on.isoformat() for day in file.days})
    days = [day.isoformat() for day in shop.stale_days(EVENTS, "2023-07")]
    events.build(shop.pipeline, shop.known(), days)
    return shop, touched


def netted(shop: Workshop) -> list[dict[str, str]]:
    """What the page's table of days says, of the days that were made."""
    states = shop.pipeline.lake.table(EVENTS).states()
    ids = {day: sorted(row["event_id"] for row in shop.rows(EVENTS, [day])) for day in states}
    return [
        {"event day": day}
        | {column: str(state.counts[name]) for column, name in COUNTS.items()}
        | {"the events": ", ".join(ids[day])}
        for day, state in sorted(states.items())
    ]


@pytest.mark.parametrize("order", ["ABCD", "DCBA", "BDAC", "CADB"])
def test_each_order_of_ingesting_gives_the_table(tmp_path: Path, order: str) -> None:
    shop, _ = ingested(tmp_path, [FILES[name] for name in order])
    assert netted(shop) == table(PAGE, "event day", "raw events")


def test_each_file_touches_the_days_of_the_table(tmp_path: Path) -> None:
    _, touched = ingested(tmp_path, [FILES[name] for name in sorted(FILES)])
    assert touched == {row["file"]: items(row["touches"]) for row in table(PAGE, "file", "touches")}


def test_without_the_first_copy_the_second_is_the_event_that_is_replaced(tmp_path: Path) -> None:
    """As the page says of 11 July, had file A never come."""
    shop, _ = ingested(tmp_path, [FILES[name] for name in "BCD"])
    (day,) = [row for row in netted(shop) if row["event day"] == "2023-07-11"]
    assert (day["raw events"], day["voided"], day["conflicts"]) == ("1", "1", "0")
