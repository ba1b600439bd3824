"""Verdicts on what lies in the lake: schemas, and counts that close (rule 6). Asset checks show them, the gate asks.

A verdict is a list of problems in words; empty means that all is well.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date

import pyarrow as pa

from monetization_pipeline.datasets import ALL, DAILY_USAGE, EVENTS, DatasetSpec
from monetization_pipeline.datasets.arrow import named_types
from monetization_pipeline.engines.address import Address
from monetization_pipeline.lake import disk
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.visible import visible_files
from monetization_pipeline.metering.charged import BUCKETS, METERED
from monetization_pipeline.publishing.registry import every_dataset
from monetization_pipeline.standing.counts import EVENT_DAY, RECEIVED, Counts, count_days, count_period, count_received
from monetization_pipeline.steps.pipeline import Pipeline

#: What an ingest brings, each under its name in `landing_files`.
_BY_BATCH = tuple(spec for spec in ALL if spec.by_batch)
_NO_COUNTS = Counts(dict.fromkeys(RECEIVED, 0), dict.fromkeys(EVENT_DAY, 0), dict.fromkeys(BUCKETS, 0))


def schema_problems(
    pipeline: Pipeline, specs: Iterable[DatasetSpec] | None = None, partitions: Collection[str] | None = None
) -> list[str]:
    """Columns of Parquet files that are not those of `datasets/`: of the given partitions, else of the newest one."""
    problems: list[str] = []
    for spec in every_dataset() if specs is None else specs:
        table = pipeline.lake.table(spec)
        wanted = partitions
        if spec.partition_column is None:
            wanted = None
        elif wanted is None:
            wanted = table.partitions()[-1:]
        files = table.files(wanted)
        problems += [f"{spec.name}: {file.name}: {problem}" for file in files for problem in _differences(spec, file)]
    return problems


def received_problems(pipeline: Pipeline, days: Collection[date]) -> list[str]:
    """Received days whose records do not add up, or whose rows in the lake are not those that `landing_files` lists."""
    problems: list[str] = []
    log = read_log(pipeline.lake)
    for day in sorted(days):
        received = log.received_on([day])
        problems += replace(_NO_COUNTS, received=count_received(received)).problems
        for spec in _BY_BATCH:
            expected = received.total(spec.name)
            found = sum(disk.rows_in(file) for file in visible_files(pipeline.lake, spec, received.batches))
            if expected != found:
                problems.append(
                    f"received day {day}: landing_files lists {expected} {spec.name}, but there are {found}"
                )
    return problems


def event_day_problems(pipeline: Pipeline, days: Sequence[date]) -> list[str]:
    """Event days whose raw events are not all accounted for in `events`."""
    problems: list[str] = []
    log = read_log(pipeline.lake)
    for day in days:
        counts = count_days(pipeline, log, [day])
        # Where an event lies is known once it is metered: that is `metering_problems`.
        unmetered = dict.fromkeys(BUCKETS, 0) | {METERED: counts.days["events"]}
        problems += [f"{day}: {problem}" for problem in replace(counts, buckets=unmetered).problems]
        problems += _row_problems(pipeline, EVENTS, day)
    return problems


def metering_problems(pipeline: Pipeline, days: Sequence[date]) -> list[str]:
    """Event days whose events do not each lie in one bucket."""
    problems: list[str] = []
    log = read_log(pipeline.lake)
    for day in days:
        problems += [f"{day}: {problem}" for problem in count_days(pipeline, log, [day]).problems]
        problems += _row_problems(pipeline, DAILY_USAGE, day)
    return problems


def period_problems(pipeline: Pipeline, month: str) -> list[str]:
    """A billing period whose counts do not close."""
    return [f"{month}: {problem}" for problem in count_period(pipeline, month).problems]


def _row_problems(pipeline: Pipeline, spec: DatasetSpec, day: date) -> list[str]:
    table = pipeline.lake.table(spec)
    state = table.state(day.isoformat())
    expected = 0 if state is None else state.rows
    found = sum(disk.rows_in(file) for file in table.files([day.isoformat()]))
    if found == expected:
        return []
    return [f"{day}: {spec.name} was committed with {expected} rows, but its files hold {found}"]


def _differences(spec: DatasetSpec, file: Address) -> list[str]:
    found = disk.schema_of(file)
    missing = [f"column {name} is missing" for name in spec.schema.names if name not in {*found.names, *spec.added}]
    unknown = [f"column {name} is not one of {spec.name}" for name in found.names if name not in spec.schema.names]
    types = dict(named_types(found))
    wrong = [
        f"column {name} is {types[name]}, not {kind}"
        for name, kind in named_types(spec.schema)
        if name in types and not _same(types[name], kind)
    ]
    return [*missing, *unknown, *wrong]


def _same(found: pa.DataType, expected: pa.DataType) -> bool:
    # What a writer calls the elements of a list means nothing.
    if pa.types.is_list(found) and pa.types.is_list(expected):
        return _same(found.value_type, expected.value_type)
    if pa.types.is_struct(found) and pa.types.is_struct(expected):
        pairs = zip(named_types(found), named_types(expected), strict=False)
        return found.num_fields == expected.num_fields and all(
            name == other and _same(kind, wanted) for (name, kind), (other, wanted) in pairs
        )
    return found == expected
