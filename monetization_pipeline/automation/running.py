"""What `monetize run` and `monetize ingest` do: materialize what is out of date, in as few runs as can be."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from monetization_pipeline.automation.held import held_warnings
from monetization_pipeline.automation.in_process import CheckFailedError, InProcess, RunFailedError
from monetization_pipeline.automation.jobs import (
    BILLING_PERIODS,
    CUSTOMERS_AND_CATALOG,
    EVENT_DAYS,
    PUBLISHING,
    RECEIVED_DAYS,
)
from monetization_pipeline.automation.launching import consecutive, near
from monetization_pipeline.automation.shown_catalog import changed_catalog
from monetization_pipeline.closing.opening import opened_ledger
from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, RAW_EVENTS
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ids import instant_text
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.landing import customer_files
from monetization_pipeline.partitions import Grids, event_key, grids_from, received_key
from monetization_pipeline.periods import month_period
from monetization_pipeline.resources.account import Told
from monetization_pipeline.standing.lasting import lasting_warnings
from monetization_pipeline.standing.making import bring_up_to_date
from monetization_pipeline.standing.out_of_date import Judged, event_days, out_of_date
from monetization_pipeline.standing.refused_values import RefusedValues, refused_values
from monetization_pipeline.standing.rewritten import changed_periods, charged_in
from monetization_pipeline.standing.verdicts import problems_of_parts
from monetization_pipeline.steps.catalogs import keep_catalog
from monetization_pipeline.steps.known import Known, read_catalog
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.raw_events import IngestReport
from monetization_pipeline.steps.road import Grid, rows_on

if TYPE_CHECKING:
    from monetization_pipeline.closing.publish import PublishedPeriod

Report = Callable[[str], None]

#: Clocks of several machines are never quite the same.
_CLOCKS_DIFFER = timedelta(days=1)


class OffTheGridError(MonetizeError):
    """A day or a billing period that is before the first one, or still to come."""


@dataclass(frozen=True, slots=True)
class PeriodsRun:
    """What a run did: `made` is empty where everything was up to date; `warnings` are for somebody to look at.

    `refused` is what meters could not use of the events of its billing periods.
    """

    months: tuple[str, ...]
    ingested: IngestReport = field(default_factory=IngestReport)
    made: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refused: tuple[RefusedValues, ...] = ()


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

    Files of `customers/` enter as received `now`; `report` is told what is being done. What cannot be ingested stays
    where it is, is named in the warnings, and holds up nothing but the publishing. Raises MonetizeError: its own
    OffTheGridError, CustomersFileError and CatalogError before anything is run, RunFailedError for another step or a
    check that failed. What was made until then stays, and the next run goes on from there.
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
    ahead = _ahead(read_log(pipeline.lake).receipts, now)
    left = [f"not ingested, and nothing can be published while it waits: {problem}" for problem in run.problems]
    changed = changed_periods(before, known)
    warnings = dict.fromkeys(
        [
            *ahead,
            *left,
            *(str(each) for each in lasting_warnings(pipeline, known) if each.urgent),
            *([_says_otherwise(changed)] if changed else ()),
            *(str(each) for each in held_warnings(pipeline, known)),
            *problems_of_parts(pipeline, known, months),
            *(warning for month in months for warning in _warnings(pipeline, known, month)),
        ]
    )
    refused = tuple(refused_values(pipeline, months)) if run.made else ()
    return PeriodsRun(tuple(months), run.ingested, tuple(run.made), tuple(warnings), refused)


def run_publishing(
    dagster: InProcess, pipeline: Pipeline, asset: str, month: str, *, config: Mapping[str, object], told: Told
) -> "PublishedPeriod":
    """Publish a billing period in one run of a provider's asset; `told` is what the definitions were made with.

    Raises OffTheGridError, and RunFailedError where nothing was published or a check failed. A run that failed by some
    of the invoices says so in what it returns.
    """
    _check_month(grids_from(pipeline.seller.first_month), month)
    try:
        dagster.run(PUBLISHING, [asset], [month], {asset: {"publish": True, **config}})
    except RunFailedError:
        if not told.published or told.published[0].complete:
            raise
    return told.published[0]


def ingest_received_days(
    definitions: dg.Definitions, instance: dg.DagsterInstance, pipeline: Pipeline, days: Sequence[date], report: Report
) -> IngestReport:
    """Ingest what waits in landing of the given received days; nothing is run where nothing waits.

    Raises RunFailedError (a source that is not declared, a day off the grid) once all else is ingested.
    """
    run = _Run(InProcess(definitions, instance), pipeline, grids_from(pipeline.seller.first_month), report)
    wanted = [day.isoformat() for day in days]
    run.ingest(out_of_date(pipeline, Known.now(pipeline), Grid.RECEIVED_DAYS, wanted).partitions)
    if run.problems:
        raise RunFailedError("\n".join(run.problems))
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
        #: Why some of what waits could not be ingested.
        self.problems: list[str] = []

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
        """Received days in runs of consecutive ones; one that cannot be made is a problem, and holds up no other."""
        if not days:
            return
        known = read_log(self.pipeline.lake).identities
        problems: list[str] = []
        ingestible: list[date] = []
        for day in days:
            if self.grids.received_days.has_partition_key(Grid.RECEIVED_DAYS.shown(day)):
                ingestible.append(date.fromisoformat(day))
            else:
                problems.append(_off_the_grid(self.grids, day))
        for group in consecutive(ingestible):
            try:
                self._run(
                    RECEIVED_DAYS,
                    [RAW_EVENTS.name],
                    [received_key(day) for day in group],
                    _counted(len(group), "received day"),
                )
            except CheckFailedError:
                raise
            except RunFailedError as error:
                problems.append(str(error))
        self.problems += dict.fromkeys(problems)
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


def _off_the_grid(grids: Grids, day: str) -> str:
    first = grids.billing_periods.get_first_partition_key()
    return (
        f"files were received on {day}, which does not lie between {first} (the setting MONETIZATION_FIRST_MONTH) and "
        "today; `monetize landing` names them and the ways out"
    )


def _ahead(receipts: tuple[datetime, datetime] | None, now: datetime) -> Iterator[str]:
    if receipts is not None and receipts[1] > now + _CLOCKS_DIFFER:
        yield (
            f"files were ingested as received at {instant_text(receipts[1])}, which is still to come: this machine's "
            "clock was ahead then, or is behind now; what is received meanwhile counts as received before them"
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
