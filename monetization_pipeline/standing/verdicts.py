"""Verdicts on what lies in the lake: one table, which the asset checks show and the gate of publishing asks (rule 22).

A verdict is a list of problems in words; empty means that all is well. One of the whole closes the gate of each billing
period that is made from a partition on which it is red; one of a part is to block those that it names.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from monetization_pipeline.datasets import (
    DAILY_USAGE,
    ENTITY_CHANGES,
    EVENTS,
    INVOICES,
    LANDING_FILES,
    METER_REFUSALS,
    RAW_EVENTS,
    SET_ASIDE,
    SUBSCRIPTIONS,
    USAGE,
    WHOLE,
    DatasetSpec,
)
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.metering.charged import BUCKETS, METERED
from monetization_pipeline.standing.counts import EVENT_DAY, RECEIVED, Counts, count_days, count_period, count_received
from monetization_pipeline.standing.files_held import file_problems
from monetization_pipeline.standing.lasting import refused_records
from monetization_pipeline.standing.made_from import MadeFrom
from monetization_pipeline.standing.out_of_date import coming_in, reasons_on
from monetization_pipeline.standing.refused_values import unreadable_problems
from monetization_pipeline.steps.invoices import read_set_aside
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.road import ROAD, Grid, Row, rows_on

UP_TO_DATE, FILES, COUNTS_CLOSE = "up_to_date", "files", "counts_close"
NOTHING_SET_ASIDE, NOTHING_REFUSED, VALUES_READABLE = "nothing_set_aside", "nothing_refused", "values_readable"

#: Problems of partitions of one dataset.
Judge = Callable[[Pipeline, Known, Sequence[str]], list[str]]

_NO_COUNTS = Counts(dict.fromkeys(RECEIVED, 0), dict.fromkeys(EVENT_DAY, 0), dict.fromkeys(BUCKETS, 0))


class Of(StrEnum):
    """Whom a verdict concerns."""

    WHOLE = "the whole"
    PART = "a part"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One question about a dataset: of some partitions of its grid, or of all of it.

    A check called `name` of the asset `shown_by` shows it; it holds a run up where it `stops_runs`.

    Where one that comes `first` is red, nothing after it in the table can be judged.
    """

    name: str
    dataset: str
    shown_by: str
    grid: Grid
    meaning: str
    judge: Judge
    of: Of = Of.WHOLE
    first: bool = False
    stops_runs: bool = True

    def asked_of(self, pipeline: Pipeline, known: Known, keys: Sequence[str]) -> list[str]:
        """The problems of some partitions of the asset that shows it."""
        return self.judge(pipeline, known, [WHOLE] if self.grid is Grid.WHOLE else keys)


def files_of(spec: DatasetSpec, grid: Grid, shown_by: str, *, first: bool = False) -> Verdict:
    """The verdict on the files of a dataset."""

    def judge(pipeline: Pipeline, _: Known, keys: Sequence[str]) -> list[str]:
        return file_problems(pipeline.lake, spec, keys)

    meaning = "The files are there, with the columns that are declared and the rows that were committed."
    return Verdict(FILES, spec.name, shown_by, grid, meaning, judge, first=first)


def _files(row: Row) -> list[Verdict]:
    # To know what is out of date, customers and the list of what was ingested are read.
    return [
        files_of(spec, row.grid, row.name, first=row.grid is Grid.WHOLE) for spec in row.specs if spec != LANDING_FILES
    ]


def _coming_in(pipeline: Pipeline, known: Known, _: Sequence[str]) -> list[str]:
    return [str(reason) for reason in coming_in(pipeline, known)]


def _out_of_date(grid: Grid) -> Judge:
    def judge(pipeline: Pipeline, known: Known, keys: Sequence[str]) -> list[str]:
        return [str(reason) for reason in reasons_on(pipeline, known, grid, keys)]

    return judge


def _received(pipeline: Pipeline, _: Known, days: Sequence[str]) -> list[str]:
    log = read_log(pipeline.lake)
    counted = [(day, count_received(log.received_on([date.fromisoformat(day)]))) for day in days]
    return [f"{day}: {each}" for day, counts in counted for each in replace(_NO_COUNTS, received=counts).problems]


def _netted(pipeline: Pipeline, _: Known, days: Sequence[str]) -> list[str]:
    problems: list[str] = []
    log = read_log(pipeline.lake)
    for day in days:
        counts = count_days(pipeline, log, [date.fromisoformat(day)])
        # Where an event lies is known once it is metered: that is `_metered`.
        unmetered = dict.fromkeys(BUCKETS, 0) | {METERED: counts.days["events"]}
        problems += [f"{day}: {problem}" for problem in replace(counts, buckets=unmetered).problems]
    return problems


def _metered(pipeline: Pipeline, _: Known, days: Sequence[str]) -> list[str]:
    log = read_log(pipeline.lake)
    counted = [(day, count_days(pipeline, log, [date.fromisoformat(day)])) for day in days]
    return [f"{day}: {problem}" for day, counts in counted for problem in counts.problems]


def _summed(pipeline: Pipeline, _: Known, months: Sequence[str]) -> list[str]:
    return [f"{month}: {problem}" for month in months for problem in count_period(pipeline, month).problems]


def _set_aside(pipeline: Pipeline, _: Known, months: Sequence[str]) -> list[str]:
    return [
        f"{month}: invoice {each.invoice_id} of {each.company_id} is set aside: {'; '.join(each.reasons)}"
        for month in months
        for each in read_set_aside(pipeline, month)
    ]


def _customers_refused(pipeline: Pipeline, _: Known, __: Sequence[str]) -> list[str]:
    found = [f"{place} {why}" for place, why in refused_records(pipeline)]
    return [f"{each}; it may be anybody's (`monetize publish PERIOD --without-refused`)" for each in found]


def _unreadable(pipeline: Pipeline, _: Known, months: Sequence[str]) -> list[str]:
    return [problem for month in months for problem in unreadable_problems(pipeline, month)]


def _counts(spec: DatasetSpec, grid: Grid, meaning: str, judge: Judge, shown_by: str | None = None) -> Verdict:
    return Verdict(COUNTS_CLOSE, spec.name, shown_by or spec.name, grid, meaning, judge)


def _current(spec: DatasetSpec, grid: Grid, meaning: str, judge: Judge) -> Verdict:
    return Verdict(UP_TO_DATE, spec.name, spec.name, grid, meaning, judge, first=True)


#: In the order in which they are asked.
VERDICTS: tuple[Verdict, ...] = (
    files_of(LANDING_FILES, Grid.WHOLE, RAW_EVENTS.name, first=True),
    _current(
        RAW_EVENTS,
        Grid.WHOLE,
        "Nothing waits in inboxes, in landing, in customers/, or to be merged.",
        _coming_in,
    ),
    *(verdict for row in rows_on(Grid.WHOLE) for verdict in _files(row)),
    _current(
        DAILY_USAGE,
        Grid.EVENT_DAYS,
        "Every event day is made from what there is now.",
        _out_of_date(Grid.EVENT_DAYS),
    ),
    _current(
        INVOICES,
        Grid.BILLING_PERIODS,
        "Every billing period is made from what there is now.",
        _out_of_date(Grid.BILLING_PERIODS),
    ),
    *(verdict for row in ROAD if row.grid is not Grid.WHOLE for verdict in _files(row)),
    _counts(
        LANDING_FILES,
        Grid.RECEIVED_DAYS,
        "records = raw events + corrections + entity changes + refusals + empty lines",
        _received,
        RAW_EVENTS.name,
    ),
    _counts(
        EVENTS,
        Grid.EVENT_DAYS,
        "raw events + replacements = events + duplicates + conflicts + voided",
        _netted,
    ),
    _counts(
        DAILY_USAGE,
        Grid.EVENT_DAYS,
        "each event is metered, or lies in one bucket that says why not",
        _metered,
    ),
    _counts(
        USAGE,
        Grid.BILLING_PERIODS,
        "the counts of all days of the billing period close",
        _summed,
    ),
    Verdict(
        NOTHING_SET_ASIDE,
        SET_ASIDE.name,
        INVOICES.name,
        Grid.BILLING_PERIODS,
        "Every line can be rated: no invoice is set aside.",
        _set_aside,
        of=Of.PART,
        stops_runs=False,
    ),
    Verdict(
        VALUES_READABLE,
        METER_REFUSALS.name,
        USAGE.name,
        Grid.BILLING_PERIODS,
        "No meter meets more values that cannot be read than MONETIZATION_UNREADABLE_PERCENT.",
        _unreadable,
        of=Of.PART,
        stops_runs=False,
    ),
    Verdict(
        NOTHING_REFUSED,
        ENTITY_CHANGES.name,
        SUBSCRIPTIONS.name,
        Grid.WHOLE,
        "No record of customers/ is refused, as it is written now.",
        _customers_refused,
        stops_runs=False,
    ),
)


def shown_by(asset: str) -> Mapping[str, Sequence[Verdict]]:
    """The verdicts that checks of an asset show of the partitions they are asked about, by the check's name.

    Whether all is up to date is asked of all of history instead (`standing.outlook`).
    """
    found: dict[str, list[Verdict]] = {}
    for verdict in VERDICTS:
        if verdict.shown_by == asset and verdict.name != UP_TO_DATE:
            found.setdefault(verdict.name, []).append(verdict)
    return found


def problems_shown(pipeline: Pipeline, known: Known, asset: str, keys: Sequence[str]) -> list[str]:
    """All that the checks of an asset say of some partitions."""
    verdicts = [verdict for each in shown_by(asset).values() for verdict in each]
    return [problem for verdict in verdicts for problem in verdict.asked_of(pipeline, known, keys)]


def problems_of_parts(pipeline: Pipeline, known: Known, months: Sequence[str]) -> list[str]:
    """What the verdicts of parts say of billing periods: of whom it stops, or what is not counted."""
    return [
        problem for verdict in VERDICTS if verdict.of is Of.PART for problem in verdict.judge(pipeline, known, months)
    ]


def problems_of_the_whole(pipeline: Pipeline, known: Known, month: str, *, but: Collection[str] = ()) -> list[str]:
    """What the verdicts of the whole, `but` some, say of exactly the partitions that a billing period is made from."""
    made_from = MadeFrom(pipeline, known, month)
    problems: list[str] = []
    for verdict in VERDICTS:
        if verdict.of is Of.WHOLE and verdict.name not in but:
            found = verdict.judge(pipeline, known, made_from.partitions(verdict.grid, verdict.dataset))
            advice = f"; run `monetize run {month}`" if verdict.name == UP_TO_DATE else ""
            problems += [f"{problem}{advice}" for problem in found]
        if problems and verdict.first:
            break
    return problems
