"""Counts that close (rule 6), over received days, event days and billing periods."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

from monetization_pipeline.datasets import DAILY_USAGE, EVENTS
from monetization_pipeline.lake.ingest_log import IngestLog
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.metering.charged import BUCKETS
from monetization_pipeline.steps.known import Customers
from monetization_pipeline.steps.pipeline import Pipeline

RECEIVED = ("records", "empty", "raw_events", "corrections", "entity_changes", "refusals")
EVENT_DAY = ("raw_events", "replacements", "duplicates", "conflicts", "voided", "events")


@dataclass(frozen=True, slots=True)
class Counts:
    """The buckets of some received days and event days, each by its name."""

    received: Mapping[str, int]
    days: Mapping[str, int]
    buckets: Mapping[str, int]
    conflicts: Sequence[str] = ()

    @property
    def problems(self) -> list[str]:
        """Every sum that does not close, in words; empty where all do."""
        found: list[str] = []
        received = sum(self.received[name] for name in RECEIVED[1:])
        if self.received["records"] != received:
            found.append(f"received days: {self.received['records']} records, but {received} in all buckets")
        sent = self.days["raw_events"] + self.days["replacements"]
        days = sum(self.days[name] for name in EVENT_DAY[2:])
        if sent != days:
            found.append(f"event days: {sent} raw events and replacements, but {days} in all buckets")
        metered = sum(self.buckets[name] for name in BUCKETS)
        if self.days["events"] != metered:
            found.append(f"event days: {self.days['events']} events, but {metered} in all buckets")
        return found

    def by_name(self) -> dict[str, int]:
        """All buckets under the names of rule 6; `raw_events` are those of the event days."""
        return {**self.received, **self.days, **{name: self.buckets[name] for name in BUCKETS}}


def count_received(log: IngestLog) -> Mapping[str, int]:
    """The received-day buckets of the files of a log, or of some of them."""
    return {name: log.total(name) for name in RECEIVED}


def count_days(pipeline: Pipeline, log: IngestLog, days: Sequence[date]) -> Counts:
    """The buckets of event days, and of the received days that hold their events."""
    events, usage = pipeline.lake.table(EVENTS).states(), pipeline.lake.table(DAILY_USAGE).states()
    by_day: Counter[str] = Counter(dict.fromkeys(EVENT_DAY, 0))
    buckets: Counter[str] = Counter(dict.fromkeys(BUCKETS, 0))
    conflicts: list[str] = []
    for day in days:
        made, metered = events.get(day.isoformat()), usage.get(day.isoformat())
        if made is not None:
            by_day.update(made.counts)
            named = made.notes.get("conflicts", ())
            conflicts += [str(each) for each in cast("list[object]", named if isinstance(named, list) else [])]
        if metered is not None:
            buckets.update({name: metered.counts[name] for name in BUCKETS})
    received_on = {received for day in days if day in log.days for received in log.days[day].received_days}
    return Counts(count_received(log.received_on(received_on)), dict(by_day), dict(buckets), conflicts)


def count_period(pipeline: Pipeline, month: str) -> Counts:
    """The buckets of the event days that a billing period spans."""
    return count_days(pipeline, read_log(pipeline.lake), Customers(pipeline).event_days(month))
