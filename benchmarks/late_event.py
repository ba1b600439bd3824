"""One late event of an old day, to corrected draft invoices, against the whole month made the same way."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.folders import copied
from benchmarks.lake_sample import MONTH_DAYS, make_month
from benchmarks.measuring import Measured, Task, Totals, Watch, Work, compare, in_process, show_parts
from benchmarks.moesif_sample import land_moesif
from benchmarks.road import follow_landing, make_days, make_period, month_totals
from monetization_pipeline.settings import Settings, pipeline_of
from monetization_pipeline.steps import raw_events

_OLD_DAY = date(2025, 6, 10)


@dataclass(frozen=True, slots=True)
class Sizes:
    """One late event to corrected draft invoices, against the whole month."""

    events: int = 10_000_000
    companies: int = 15_000


def run(scratch: Path, rounds: int, sizes: Sizes) -> None:
    """With five meters, then with a sixth that counts distinct users and so reads the whole month's events."""
    plain = scratch / "late"
    make_month(plain, sizes.events, sizes.companies, skewed=True, raw=True)
    for unique in (False, True):
        with copied(plain, unique=unique) as home:
            in_process("late_event", "whole", home)
            land_moesif(pipeline_of(Settings(home)), 1, sizes.companies, start=_OLD_DAY, first=0)
            what = f"one late event among {sizes.events:,} of a month, {sizes.companies:,} companies"
            _against_whole(f"{what}, {'6 meters: users are counted as well' if unique else '5 meters'}", home, rounds)


def _against_whole(title: str, home: Path, rounds: int) -> None:
    tasks: dict[str, Task] = {
        "the whole month": lambda: _of_copy("whole", home),
        "the late event": lambda: _of_copy("late", home),
    }
    for name, results in compare(title, tasks, rounds).items():
        print(f"  {name}")
        show_parts(results)


def _of_copy(name: str, home: Path) -> Measured:
    with copied(home) as folder:
        return in_process("late_event", name, folder)


def _work_late(watch: Watch, home: str) -> Totals:
    return follow_landing(watch, pipeline_of(Settings(Path(home))))


def _work_whole(watch: Watch, home: str) -> Totals:
    pipeline = pipeline_of(Settings(Path(home)))
    raw_events.ingest(pipeline)
    make_days(watch, pipeline, MONTH_DAYS)
    make_period(watch, pipeline)
    return month_totals(pipeline)


WORK: dict[str, Work] = {"late": _work_late, "whole": _work_whole}
