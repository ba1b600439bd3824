"""A billing period as it was at an instant (rule 7): made anew, of what was received until then, in a root of its own.

The catalog is that of the last run until then; the ledger's rows are those of that time. So the invoices are the same,
byte for byte, as those that the run of that day made. The one exception are files that were given an earlier time of
receipt afterwards: they are told by name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from monetization_pipeline.datasets import INVOICES, WHOLE
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ids import instant_text
from monetization_pipeline.lake.ingest_log import IngestedFile
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.standing.making import bring_up_to_date, making_here
from monetization_pipeline.steps.catalogs import catalog_at, write_catalog
from monetization_pipeline.steps.known import read_catalog
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

    for month in months:

        def say(dataset: str, partitions: Sequence[str], month: str = month) -> None:
            making(dataset if WHOLE in partitions else f"{dataset} of {month}")

        bring_up_to_date(view, catalog, [month], making_here(view, say))
    return LookBack(tuple(made), read_log(view.lake).ingested_after(as_of).files)


def looking_back(pipeline: Pipeline, as_of: datetime, month: str | None = None) -> Pipeline:
    """The look back at an instant, to be read. Raises LookBackError where it, or a period of it, was not run."""
    view = pipeline.looking_back(as_of)
    run = view.home.catalog.is_dir() if month is None else view.lake.table(INVOICES).state(month) is not None
    if not run:
        instant, what = instant_text(as_of), month or "PERIOD"
        raise LookBackError(f"nothing was made as of {instant}; run `monetize run {what} --as-of {instant}`")
    return view
