"""What is out of date, and so what a run of a billing period has to do: one function over fingerprints."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import INVOICES, RATED_LINES, USAGE
from monetization_pipeline.lake.ingest_log import read_log
from monetization_pipeline.steps import customers, daily_usage, events, invoices, rated_lines, raw_events, usage
from monetization_pipeline.steps.attribution import Attribution
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.zones import event_days

FILES_WAIT = "files in landing wait"
FILE_CHANGED = "the file changed"
CHANGES_WAIT = "changes of customers wait"
EVENTS_CHANGED = "raw events changed"
METERING_CHANGED = "events, customers or meters changed"
DAYS_FIRST = "its event days are made first"
PERIOD_NEW = "it was never made"
PERIOD_CHANGED = "what it is made from changed"


@dataclass(frozen=True, slots=True)
class Reason:
    """One partition that is out of date, and why."""

    dataset: str
    partition: str
    why: str

    def __str__(self) -> str:
        return f"{self.dataset} {self.partition}: {self.why}"


def received_days(pipeline: Pipeline) -> list[date]:
    """Received days with files in landing that were not ingested."""
    return sorted({file.received_on for file in raw_events.waiting(pipeline, read_log(pipeline.lake))})


def stale_customers(pipeline: Pipeline) -> list[str]:
    """Which of companies, users and subscriptions are out of date."""
    log = read_log(pipeline.lake)
    return [spec.name for spec in customers.SPECS if not customers.is_current(pipeline, log, spec)]


def stale_events(pipeline: Pipeline, month: str) -> list[date]:
    """Event days of a billing period whose `events` are out of date."""
    log = read_log(pipeline.lake)
    return [day for day in days_of(pipeline, month) if not events.is_current(pipeline, log, day)]


def stale_daily_usage(pipeline: Pipeline, catalog: Catalog, month: str) -> list[date]:
    """Event days of a billing period whose `daily_usage` is out of date; `events` must be up to date."""
    log = read_log(pipeline.lake)
    days = [day for day in days_of(pipeline, month) if day in log.days]
    expected = daily_usage.expected_states(pipeline, Attribution.read(pipeline, catalog), days)
    return [day for day in days if not daily_usage.is_current(pipeline, log, day, expected[day])]


def stale_period(pipeline: Pipeline, catalog: Catalog, month: str) -> list[str]:
    """Which of usage, rated_lines and invoices are out of date; `daily_usage` must be up to date."""
    return stale_datasets(pipeline, Attribution.read(pipeline, catalog), month)


def stale_datasets(pipeline: Pipeline, known: Attribution, month: str) -> list[str]:
    """The same with customers and catalog at hand. What is made from an out-of-date dataset is out of date too."""
    expected = (
        (USAGE, usage.expected_state(pipeline, known, month)),
        (RATED_LINES, rated_lines.expected_state(pipeline, known, month)),
        (INVOICES, invoices.expected_state(pipeline, month)),
    )
    for position, (spec, state) in enumerate(expected):
        made = pipeline.lake.table(spec).state(month)
        if made is None or not made.made_from(state):
            return [later.name for later, _ in expected[position:]]
    return []


def reasons(pipeline: Pipeline, catalog: Catalog, month: str) -> list[Reason]:
    """Everything that keeps a billing period from being up to date; empty where it is."""
    found = [Reason("raw_events", f"r{day}", FILES_WAIT) for day in received_days(pipeline)]
    found += [Reason("customers/", name, FILE_CHANGED) for name in customers.changed_files(pipeline)]
    found += [Reason(name, "all", CHANGES_WAIT) for name in stale_customers(pipeline)]
    if found:
        return found
    found += [Reason("events", str(day), EVENTS_CHANGED) for day in stale_events(pipeline, month)]
    if found:
        return found
    stale = stale_daily_usage(pipeline, catalog, month)
    found += [Reason("daily_usage", str(day), METERING_CHANGED) for day in stale]
    if found:
        return found
    return [Reason(name, month, PERIOD_CHANGED) for name in stale_period(pipeline, catalog, month)]


def days_of(pipeline: Pipeline, month: str) -> Sequence[date]:
    return event_days(pipeline, month)
