"""A billing period as it was at an instant (rule 7): made anew, of what was received until then, in a root of its own.

The catalog is that of the last run until then; the ledger's rows are those of that time. So the invoices are the same,
byte for byte, as those that the run of that day made. The one exception are files that were given an earlier time of
receipt afterwards: they are told by name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import INVOICES, RATED_LINES, USAGE
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.lake.ingest_log import IngestedFile, read_log
from monetization_pipeline.rating.ids import instant_text
from monetization_pipeline.steps import customers, daily_usage, events, invoices, plan, rated_lines, usage
from monetization_pipeline.steps.attribution import Attribution
from monetization_pipeline.steps.catalogs import catalog_at, read_catalog, write_catalog
from monetization_pipeline.steps.pipeline import Pipeline


class LookBackError(MonetizeError):
    """A look back at what is still to come, or one that was not run."""


@dataclass(frozen=True, slots=True)
class LookBack:
    """What was made; and the files that count as received until then, but were ingested only later."""

    made: tuple[str, ...]
    ingested_later: tuple[IngestedFile, ...]


def run_as_of(
    pipeline: Pipeline, months: Sequence[str], as_of: datetime, now: datetime, report: Callable[[str], None]
) -> LookBack:
    """Make everything of some billing periods as it was at `as_of`; nothing is ingested, and nothing booked.

    Raises LookBackError for an instant that is still to come, NoCatalogError where nothing had been run until then.
    """
    if as_of > now:
        raise LookBackError(f"{instant_text(as_of)} is still to come; leave out --as-of for what is known now")
    view = pipeline.looking_back(as_of)
    write_catalog(catalog_at(pipeline, as_of), view.home.catalog)
    catalog = read_catalog(view)
    made: list[str] = []

    def making(what: str) -> None:
        report(what)
        made.append(what)

    for spec in customers.SPECS:
        if spec.name in plan.stale_customers(view):
            making(spec.name)
            customers.build(view, spec)
    for month in months:
        _make_month(view, catalog, month, making)
    return LookBack(tuple(made), read_log(view.lake).ingested_after(as_of).files)


def looking_back(pipeline: Pipeline, as_of: datetime, month: str | None = None) -> Pipeline:
    """The look back at an instant, to be read. Raises LookBackError where it, or a period of it, was not run."""
    view = pipeline.looking_back(as_of)
    run = view.home.catalog.is_dir() if month is None else view.lake.table(INVOICES).state(month) is not None
    if not run:
        instant, what = instant_text(as_of), month or "PERIOD"
        raise LookBackError(f"nothing was made as of {instant}; run `monetize run {what} --as-of {instant}`")
    return view


def _make_month(view: Pipeline, catalog: Catalog, month: str, making: Callable[[str], None]) -> None:
    if days := plan.stale_events(view, month):
        making(f"events of {month}")
        events.build(view, days)
    known = Attribution.read(view, catalog)
    if days := plan.stale_daily_usage(view, catalog, month):
        making(f"daily_usage of {month}")
        daily_usage.build(view, known, days)
    stale = plan.stale_period(view, catalog, month)
    for spec, build in (
        (USAGE, lambda: usage.build(view, known, month)),
        (RATED_LINES, lambda: rated_lines.build(view, known, month)),
        (INVOICES, lambda: invoices.build(view, month)),
    ):
        if spec.name in stale:
            making(f"{spec.name} of {month}")
            build()
