"""A month's events → daily_usage → usage, against bare DuckDB and pandas; one company has nine tenths of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.folders import copied, month_folder
from benchmarks.lake_sample import MONTH, MONTH_DAYS, keys
from benchmarks.measuring import Measured, Task, Totals, Watch, Work, compare, in_process, show_parts
from benchmarks.reference import metering_duckdb, metering_pandas
from benchmarks.road import in_full, usage_totals
from monetization_pipeline.datasets import DAILY_USAGE, EVENTS, USAGE
from monetization_pipeline.settings import Settings, pipeline_of
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.road import build


@dataclass(frozen=True, slots=True)
class Sizes:
    """events → daily_usage → usage of a month."""

    events: int = 30_000_000
    companies: int = 15_000


def run(scratch: Path, rounds: int, sizes: Sizes) -> None:
    """Five meters, then a sixth that counts distinct users, then a tenth against pandas."""
    home = month_folder(scratch, sizes.events, sizes.companies)
    what = f"{sizes.events:,} events, {sizes.companies:,} companies, one with nine tenths"
    _compare(f"metering of {what}, 5 meters", _duckdb(home, sizes), lambda: ours(home), rounds)
    title = f"metering of {what}, 6 meters: users are counted as well"
    _compare(title, _duckdb(home, sizes, unique=True), lambda: ours(home, unique=True), rounds)
    tenth = month_folder(scratch, sizes.events // 10, sizes.companies)
    title = f"metering of a tenth, {sizes.events // 10:,} events, because pandas holds all of it"
    _compare(
        title, {"pandas": lambda: in_process("metering", "pandas", tenth, sizes.companies)}, lambda: ours(tenth), 1
    )


def _duckdb(home: Path, sizes: Sizes, *, unique: bool = False) -> Mapping[str, Task]:
    wanted = "unique" if unique else ""
    return {"DuckDB SQL": lambda: in_process("metering", "duckdb", home, sizes.companies, wanted)}


def _compare(title: str, reference: Mapping[str, Task], own: Task, rounds: int) -> None:
    show_parts(compare(title, {**reference, "ours": own}, rounds)["ours"])


def ours(home: Path, *, unique: bool = False) -> Measured:
    """Meter a copy of the folder, as if for the first time."""
    with copied(home, unique=unique) as folder:
        return in_process("metering", "ours", folder)


def _work_ours(watch: Watch, home: str) -> Totals:
    pipeline = pipeline_of(Settings(Path(home)))
    known = Known.now(pipeline)
    with watch.part("daily_usage"):
        build(pipeline, known, DAILY_USAGE, keys(MONTH_DAYS))
    with watch.part("usage"):
        build(pipeline, known, USAGE, [MONTH])
    return usage_totals(pipeline)


def _work_duckdb(watch: Watch, home: str, companies: str, unique: str) -> Totals:
    files = _events(home)
    with watch.part("query"):
        totals = metering_duckdb.totals(files, int(companies), unique=bool(unique))
    return in_full(totals)


def _work_pandas(watch: Watch, home: str, companies: str) -> Totals:
    files = _events(home)
    with watch.part("frame"):
        totals = metering_pandas.totals(files, int(companies))
    return in_full(totals)


def _events(home: str) -> list[Path]:
    return [file.local for file in pipeline_of(Settings(Path(home))).lake.table(EVENTS).files()]


WORK: dict[str, Work] = {"ours": _work_ours, "duckdb": _work_duckdb, "pandas": _work_pandas}
