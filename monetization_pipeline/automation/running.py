"""What `monetize run` and `monetize ingest` do: materialize what is out of date, in as few runs as can be."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import dagster as dg

from monetization_pipeline.automation.in_process import InProcess, RunFailedError
from monetization_pipeline.automation.jobs import (
    BILLING_PERIODS,
    CUSTOMERS_AND_CATALOG,
    EVENT_DAYS,
    RECEIVED_DAYS,
)
from monetization_pipeline.automation.launching import consecutive, near
from monetization_pipeline.automation.shown_catalog import changed_catalog
from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, RAW_EVENTS
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.lake.ingest_log import read_log
from monetization_pipeline.partitions import Grids, event_key, grids_from, received_key
from monetization_pipeline.periods import month_period
from monetization_pipeline.steps import customers, plan
from monetization_pipeline.steps.catalogs import keep_catalog, read_catalog
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.raw_events import IngestReport
from monetization_pipeline.steps.usage import billable
from monetization_pipeline.steps.zones import event_days

Report = Callable[[str], None]


class OffTheGridError(MonetizeError):
    """A day or a billing period that is before the first one, or still to come."""


@dataclass(frozen=True, slots=True)
class PeriodsRun:
    """What a run did: `made` is empty where everything was up to date; `warnings` are for somebody to look at."""

    months: tuple[str, ...]
    ingested: IngestReport = field(default_factory=IngestReport)
    made: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def run_periods(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    pipeline: Pipeline,
    months: Sequence[str],
    *,
    now: datetime,
    report: Report,
) -> PeriodsRun:
    """Everything of some billing periods that is out of date, from what waits in landing to draft invoices.

    Files of `customers/` enter as received `now`; `report` is told what is being done. Raises MonetizeError: its own
    OffTheGridError, CustomersFileError and CatalogError before anything is run, RunFailedError for a step or a check
    that failed. What was made until then stays, and the next run goes on from there.
    """
    grids = grids_from(pipeline.seller.first_month)
    for month in months:
        _check_month(grids, month)
    catalog = read_catalog(pipeline)
    run = _Run(InProcess(definitions, instance), pipeline, grids, report)
    customers.land_files(pipeline, now)
    keep_catalog(pipeline, catalog, now)
    ingested = run.ingest(plan.received_days(pipeline))
    run.refresh_customers(catalog)
    run.make_days(catalog, months)
    for month in months:
        run.make_period(catalog, month, month if len(months) > 1 else "")
    warnings = dict.fromkeys(warning for month in months for warning in _warnings(pipeline, catalog, month))
    return PeriodsRun(tuple(months), ingested, tuple(run.made), tuple(warnings))


def ingest_received_days(
    definitions: dg.Definitions, instance: dg.DagsterInstance, pipeline: Pipeline, days: Sequence[date], report: Report
) -> IngestReport:
    """Ingest what waits in landing of the given received days; nothing is run where nothing waits.

    Raises RunFailedError (a source that is not declared, for one) once all else is ingested, and OffTheGridError.
    """
    run = _Run(InProcess(definitions, instance), pipeline, grids_from(pipeline.seller.first_month), report)
    return run.ingest([day for day in plan.received_days(pipeline) if day in set(days)])


class _Run:
    """The runs of one command, and what they made."""

    def __init__(self, dagster: InProcess, pipeline: Pipeline, grids: Grids, report: Report) -> None:
        self.dagster = dagster
        self.pipeline = pipeline
        self.grids = grids
        self.report = report
        self.made: list[str] = []

    def ingest(self, days: Sequence[date]) -> IngestReport:
        """Received days in runs of consecutive ones; one that fails does not hold up the others."""
        if not days:
            return IngestReport()
        for day in days:
            _check_received(self.grids, day)
        known = read_log(self.pipeline.lake).identities
        problems: list[str] = []
        for group in consecutive(days):
            try:
                self._run(
                    RECEIVED_DAYS,
                    [RAW_EVENTS.name],
                    [received_key(day) for day in group],
                    _counted(len(group), "received day"),
                )
            except RunFailedError as error:
                problems.append(str(error))
        if problems:
            raise RunFailedError("\n".join(dict.fromkeys(problems)))
        return IngestReport(read_log(self.pipeline.lake).beyond(known).files)

    def refresh_customers(self, catalog: Catalog) -> None:
        """Companies, users, subscriptions, meters and prices, as far as they changed."""
        changed = changed_catalog(self.dagster.instance, catalog)
        if stale := [*plan.stale_customers(self.pipeline), *changed]:
            self._run(CUSTOMERS_AND_CATALOG, stale)

    def make_days(self, catalog: Catalog, months: Sequence[str]) -> None:
        """Event days that are out of date, in runs from the first to the last: the steps skip those between."""
        stale: set[date] = set()
        for month in months:
            stale.update(plan.stale_events(self.pipeline, month))
            # Of a day whose events are stale this may be wrong, but such a day is metered anew in any case.
            stale.update(plan.stale_daily_usage(self.pipeline, catalog, month))
        to_come = {day for day in stale if not self.grids.event_days.has_partition_key(event_key(day))}
        if to_come:
            self.report(f"events of {_span(sorted(to_come))} wait until that day has come")
        for days in near(stale - to_come):
            span = [days[0] + timedelta(days=offset) for offset in range((days[-1] - days[0]).days + 1)]
            self._run(
                EVENT_DAYS,
                [EVENTS.name, DAILY_USAGE.name],
                [event_key(day) for day in span],
                _counted(len(days), "day"),
            )

    def make_period(self, catalog: Catalog, month: str, said: str) -> None:
        """Usage, rated lines and invoices, from the first that is out of date; reported as those of `said`."""
        if stale := plan.stale_period(self.pipeline, catalog, month):
            self._run(BILLING_PERIODS, stale, [month], said)

    def _run(self, job: str, assets: Sequence[str], keys: Sequence[str] = (), said: str = "") -> None:
        suffix = f" ({said})" if said else ""
        self.report(f"{', '.join(assets)}{suffix}")
        self.dagster.run(job, assets, keys)
        self.made += [f"{name}{suffix}" for name in assets]


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _check_month(grids: Grids, month: str) -> None:
    month_period(month, "UTC")
    if not grids.billing_periods.has_partition_key(month):
        first = grids.billing_periods.get_first_partition_key()
        last = grids.billing_periods.get_last_partition_key()
        raise OffTheGridError(
            f"billing period {month} does not lie between {first} (the setting MONETIZATION_FIRST_MONTH) and {last}"
        )


def _check_received(grids: Grids, day: date) -> None:
    if not grids.received_days.has_partition_key(received_key(day)):
        first = grids.billing_periods.get_first_partition_key()
        raise OffTheGridError(
            f"files were received on {day}, which does not lie between {first} (the setting MONETIZATION_FIRST_MONTH) "
            "and today; see landing"
        )


def _span(days: Sequence[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _warnings(pipeline: Pipeline, catalog: Catalog, month: str) -> Iterator[str]:
    for subscription in billable(customers.read_subscriptions(pipeline)):
        if catalog.plan(subscription.plan_id) is None:
            name, plan_id = subscription.subscription_id, subscription.plan_id
            yield f"subscription {name} is charged nothing: the catalog has no plan {plan_id!r}"
    events, metered = pipeline.lake.table(EVENTS).states(), pipeline.lake.table(DAILY_USAGE).states()
    for day in event_days(pipeline, month):
        made, usage = events.get(day.isoformat()), metered.get(day.isoformat())
        if made is not None and made.counts.get("conflicts"):
            count = made.counts["conflicts"]
            yield f"{day}: {count} {'copy differs' if count == 1 else 'copies differ'} from the event first received"
        if usage is not None and "warning" in usage.notes:
            yield f"{day}: {usage.notes['warning']}"
