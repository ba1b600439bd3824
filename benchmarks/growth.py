"""Whether time grows no faster than the data worked on: months of more events, and more months in the lake."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from benchmarks import metering
from benchmarks.folders import copied, month_folder
from benchmarks.lake_sample import FIRST_DAY, Density, add_customers, add_days, keys, write_catalog
from benchmarks.measuring import (
    Measured,
    Totals,
    Watch,
    Work,
    check_equal,
    heading,
    in_process,
    in_turns,
    median_parts,
    peak_of,
    seconds_of,
)
from benchmarks.moesif_sample import land_moesif
from benchmarks.road import follow_landing, make_period
from monetization_pipeline.datasets import DAILY_USAGE
from monetization_pipeline.periods import month_key
from monetization_pipeline.settings import Settings, pipeline_of
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.road import build

_WORKED_ON = FIRST_DAY + timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Sizes:
    """The same work with more events in the month, and with more months in the lake."""

    events: int = 30_000_000
    companies: int = 15_000
    months: int = 24
    day_events: int = 10_000
    month_companies: int = 1_000


def run(scratch: Path, rounds: int, sizes: Sizes) -> None:
    """Metering at a tenth, a third and all of the events; a month's work at 1 month of history, at half and at all."""
    _metering(scratch, rounds, sizes)
    _history(scratch, rounds, sizes)


def _metering(scratch: Path, rounds: int, sizes: Sizes) -> None:
    heading(f"metering of a month, {sizes.companies:,} companies, one with nine tenths of the events")
    for events in (sizes.events // 10, sizes.events // 3, sizes.events):
        home = month_folder(scratch, events, sizes.companies)
        done = in_turns({"ours": lambda home=home: metering.ours(home)}, rounds)["ours"]
        seconds = seconds_of(done)
        million = seconds / events * 1e6
        print(f"  {events:>12,} events{seconds:9.2f} s{peak_of(done):8,} MB{million:9.3f} s a million", flush=True)


def _history(scratch: Path, rounds: int, sizes: Sizes) -> None:
    home = scratch / "history"
    write_catalog(pipeline_of(Settings(home)))
    add_customers(pipeline_of(Settings(home)), sizes.month_companies)
    what = f"{sizes.month_companies:,} companies, {sizes.day_events:,} events a day"
    heading(f"a day's file ingested and its month made anew, {what}; totals equal")
    done: dict[str, list[Measured]] = {}
    held = 0
    for months in sorted({1, sizes.months // 2, sizes.months}):
        while held < months:
            _add_month(pipeline_of(Settings(home)), _month_start(held), sizes)
            held += 1
        name = f"months in the lake: {months}"
        done[name] = [_work_on_copy(home, sizes) for _ in range(rounds)]
        check_equal(done)
        print(f"  {name:<34}{seconds_of(done[name]):9.2f} s{peak_of(done[name]):8,} MB", flush=True)
        print("    " + ", ".join(f"{part} {seconds:.2f}" for part, seconds in median_parts(done[name]).items()))


def _month_start(back: int) -> date:
    """The first day of the month so many before June 2025: the month worked on is always the last."""
    number = FIRST_DAY.year * 12 + FIRST_DAY.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def _days_from(start: date) -> Iterator[date]:
    day = start
    while day.month == start.month:
        yield day
        day += timedelta(days=1)


def _add_month(pipeline: Pipeline, start: date, sizes: Sizes) -> None:
    """A month's days, each with a file and commits of its own, up to draft invoices."""
    days = list(_days_from(start))
    add_days(pipeline, days, Density(sizes.day_events, sizes.month_companies), raw=True)
    build(pipeline, Known.now(pipeline), DAILY_USAGE, keys(days))
    make_period(Watch(), pipeline, month_key(start))


def _work_on_copy(home: Path, sizes: Sizes) -> Measured:
    with copied(home) as folder:
        land_moesif(pipeline_of(Settings(folder)), sizes.day_events, sizes.month_companies, start=_WORKED_ON, first=0)
        return in_process("growth", "month", folder)


def _work_month(watch: Watch, home: str) -> Totals:
    return follow_landing(watch, pipeline_of(Settings(Path(home))))


WORK: dict[str, Work] = {"month": _work_month}
