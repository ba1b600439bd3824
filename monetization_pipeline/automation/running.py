"""What `monetize run` and `monetize ingest` do: materialize what is out of date, in as few runs as can be."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial

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
from monetization_pipeline.closing.opening import opened_ledger
from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, RAW_EVENTS
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.landing import customer_files
from monetization_pipeline.partitions import Grids, event_key, grids_from, received_key
from monetization_pipeline.periods import month_period
from monetization_pipeline.standing.lasting import lasting_warnings
from monetization_pipeline.standing.making import bring_up_to_date
from monetization_pipeline.standing.out_of_date import Judged, event_days, out_of_date
from monetization_pipeline.standing.rewritten import changed_periods, charged_in
from monetization_pipeline.steps.catalogs import keep_catalog
from monetization_pipeline.steps.known import Known, read_catalog
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.raw_events import IngestReport
from monetization_pipeline.steps.road import Grid, rows_on

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
    rewritten = customer_files.land_files(pipeline.landing, pipeline.home.customers, now)
    booked = _booked_periods(pipeline) if rewritten else ()
    before = charged_in(Known.by(pipeline, catalog), booked)
    keep_catalog(pipeline, catalog, now)
    known = bring_up_to_date(pipeline, catalog, months, partial(run.make, named=len(months) > 1))
    changed = changed_periods(before, known)
    warnings = dict.fromkeys(
        [
            *(str(each) for each in lasting_warnings(pipeline, known) if each.urgent),
            *([_says_otherwise(changed)] if changed else ()),
            *(warning for month in months for warning in _warnings(pipeline, known, month)),
        ]
    )
    return PeriodsRun(tuple(months), run.ingested, tuple(run.made), tuple(warnings))


def ingest_received_days(
    definitions: dg.Definitions, instance: dg.DagsterInstance, pipeline: Pipeline, days: Sequence[date], report: Report
) -> IngestReport:
    """Ingest what waits in landing of the given received days; nothing is run where nothing waits.

    Raises RunFailedError (a source that is not declared, for one) once all else is ingested, and OffTheGridError.
    """
    run = _Run(InProcess(definitions, instance), pipeline, grids_from(pipeline.seller.first_month), report)
    wanted = [day.isoformat() for day in days]
    run.ingest(out_of_date(pipeline, Known.now(pipeline), Grid.RECEIVED_DAYS, wanted).partitions)
    return run.ingested


class _Run:
    """The runs of one command, and what they made."""

    def __init__(self, dagster: InProcess, pipeline: Pipeline, grids: Grids, report: Report) -> None:
        self.dagster = dagster
        self.pipeline = pipeline
        self.grids = grids
        self.report = report
        self.made: list[str] = []
        self.ingested = IngestReport()

    def make(self, known: Known, grid: Grid, judged: Judged, *, named: bool) -> None:
        """What is out of date of one grid, in as few runs as can be; `named`: said with its billing period."""
        match grid:
            case Grid.RECEIVED_DAYS:
                self.ingest(judged.partitions)
            case Grid.WHOLE:
                self._refresh([*judged.datasets, *changed_catalog(self.dagster.instance, known.catalog)])
            case Grid.EVENT_DAYS:
                self._make_days(judged.partitions)
            case Grid.BILLING_PERIODS:
                for month in judged.partitions:
                    self._run(BILLING_PERIODS, judged.datasets, [month], month if named else "")

    def ingest(self, days: Sequence[str]) -> None:
        """Received days in runs of consecutive ones; one that fails does not hold up the others."""
        if not days:
            return
        for day in days:
            _check_received(self.grids, day)
        known = read_log(self.pipeline.lake).identities
        problems: list[str] = []
        for group in consecutive(map(date.fromisoformat, days)):
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
        self.ingested = IngestReport(read_log(self.pipeline.lake).beyond(known).files)

    def _refresh(self, assets: Sequence[str]) -> None:
        """Companies, users, subscriptions, meters and prices, as far as they changed."""
        if assets:
            self._run(CUSTOMERS_AND_CATALOG, assets)

    def _make_days(self, days: Sequence[str]) -> None:
        """Event days in runs from the first to the last of some: the steps skip those between."""
        to_come = [day for day in days if not self.grids.event_days.has_partition_key(day)]
        if to_come:
            self.report(f"events of {_span(to_come)} wait until that day has come")
        for group in near(date.fromisoformat(day) for day in days if day not in to_come):
            span = [group[0] + timedelta(days=offset) for offset in range((group[-1] - group[0]).days + 1)]
            self._run(
                EVENT_DAYS,
                [row.name for row in rows_on(Grid.EVENT_DAYS)],
                [event_key(day) for day in span],
                _counted(len(group), "day"),
            )

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


def _check_received(grids: Grids, day: str) -> None:
    if not grids.received_days.has_partition_key(Grid.RECEIVED_DAYS.shown(day)):
        first = grids.billing_periods.get_first_partition_key()
        raise OffTheGridError(
            f"files were received on {day}, which does not lie between {first} (the setting MONETIZATION_FIRST_MONTH) "
            "and today; see landing"
        )


def _span(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _booked_periods(pipeline: Pipeline) -> Sequence[str]:
    if not pipeline.ledger_file.exists():
        return ()
    with opened_ledger(pipeline) as ledger:
        return ledger.periods()


def _says_otherwise(months: Sequence[str]) -> str:
    return (
        f"{', '.join(months)}: booked, and customers/ says now that something else was to be charged; what is booked "
        "stays, and once the period was run `monetize invoices PERIOD` shows by how much it differs"
    )


def _warnings(pipeline: Pipeline, known: Known, month: str) -> Iterator[str]:
    events, metered = pipeline.lake.table(EVENTS).states(), pipeline.lake.table(DAILY_USAGE).states()
    for day in event_days(known, month):
        made, usage = events.get(day), metered.get(day)
        if made is not None and made.counts.get("conflicts"):
            count = made.counts["conflicts"]
            yield f"{day}: {count} {'copy differs' if count == 1 else 'copies differ'} from the event first received"
        if usage is not None and "warning" in usage.notes:
            yield f"{day}: {usage.notes['warning']}"
