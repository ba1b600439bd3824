"""The road: one row a dataset, in the order in which they are made from one another.

Whoever asks what is out of date, makes it, launches it, or shows what comes from what, walks this list. What is not on
it is made by no step from datasets before it: `catalogs` are kept by runs, a provider's invoices are read back from the
ledger.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from monetization_pipeline.datasets import (
    COMPANIES,
    CORRECTIONS,
    DAILY_USAGE,
    ELSEWHERE,
    ENTITY_CHANGES,
    EVENTS,
    INVOICE_LINES,
    INVOICES,
    LANDING_FILES,
    METER_REFUSALS,
    RATED_LINES,
    RAW_EVENTS,
    REFUSALS,
    SET_ASIDE,
    SUBSCRIPTIONS,
    UNBILLED,
    USAGE,
    USERS,
    DatasetSpec,
)
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.steps import customers, daily_usage, events, invoices, rated_lines, raw_events, usage
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

#: What of the catalog a dataset is made from: no datasets, but shown like them.
METERS, PRICES = "meters", "prices"

NEVER_MADE = "it was never made"


class Grid(StrEnum):
    """By what a dataset is partitioned."""

    RECEIVED_DAYS = "received days"
    WHOLE = "no partitions"
    EVENT_DAYS = "event days"
    BILLING_PERIODS = "billing periods"

    def shown(self, partition: str) -> str:
        """How a partition is named to people: an `r` keeps anybody from taking a received day for an event day."""
        return f"r{partition}" if self is Grid.RECEIVED_DAYS else partition


@dataclass(frozen=True, slots=True)
class Row:
    """One dataset, and those that are committed `beside` it.

    `inputs` names what it is made from. `expected` gives, by partition, what it would be made from now; a partition
    that there is nothing for is not in it. `build` makes partitions, whether they are out of date or not, and raises
    ConcurrentCommitError. `changed` says in words why one is out of date that was made before, `new` of one that was
    not.
    """

    spec: DatasetSpec
    grid: Grid
    inputs: tuple[str, ...]
    code_version: str
    expected: Callable[[Pipeline, Known, Sequence[str]], Mapping[str, PartitionState]]
    build: Callable[[Pipeline, Known, Sequence[str]], object]
    changed: str
    new: str
    beside: tuple[DatasetSpec, ...] = ()

    @property
    def name(self) -> str:
        """The dataset's."""
        return self.spec.name

    @property
    def specs(self) -> tuple[DatasetSpec, ...]:
        """All that the step commits."""
        return (self.spec, *self.beside)

    @property
    def stated(self) -> tuple[DatasetSpec, ...]:
        """What has states of partitions, one and the same but for `rows`; what grows by batches has none."""
        return () if self.spec.by_batch else self.specs


def _merged(spec: DatasetSpec) -> Row:
    return Row(
        spec,
        Grid.WHOLE,
        (ENTITY_CHANGES.name,),
        customers.version_of(spec),
        partial(customers.expected_states, spec),
        partial(customers.build, spec),
        changed="changes of customers wait",
        new="changes of customers wait",
    )


ROAD: tuple[Row, ...] = (
    Row(
        RAW_EVENTS,
        Grid.RECEIVED_DAYS,
        (),
        raw_events.CODE_VERSION,
        raw_events.expected_states,
        raw_events.build,
        changed="files in landing wait",
        new="files in landing wait",
        beside=(REFUSALS, CORRECTIONS, ENTITY_CHANGES, LANDING_FILES),
    ),
    _merged(COMPANIES),
    _merged(USERS),
    _merged(SUBSCRIPTIONS),
    Row(
        EVENTS,
        Grid.EVENT_DAYS,
        (RAW_EVENTS.name, CORRECTIONS.name),
        events.CODE_VERSION,
        events.expected_states,
        events.build,
        changed="raw events changed",
        new="raw events changed",
    ),
    Row(
        DAILY_USAGE,
        Grid.EVENT_DAYS,
        (EVENTS.name, COMPANIES.name, USERS.name, SUBSCRIPTIONS.name, METERS),
        daily_usage.CODE_VERSION,
        daily_usage.expected_states,
        daily_usage.build,
        changed="events, customers or meters changed",
        new="events, customers or meters changed",
        beside=(METER_REFUSALS, UNBILLED),
    ),
    Row(
        USAGE,
        Grid.BILLING_PERIODS,
        (DAILY_USAGE.name, SUBSCRIPTIONS.name, METERS),
        usage.CODE_VERSION,
        usage.expected_states,
        usage.build,
        changed="what it is made from changed",
        new=NEVER_MADE,
    ),
    Row(
        RATED_LINES,
        Grid.BILLING_PERIODS,
        (USAGE.name, SUBSCRIPTIONS.name, PRICES),
        rated_lines.CODE_VERSION,
        rated_lines.expected_states,
        rated_lines.build,
        changed="what it is made from changed",
        new=NEVER_MADE,
        beside=(SET_ASIDE, ELSEWHERE),
    ),
    Row(
        INVOICES,
        Grid.BILLING_PERIODS,
        (RATED_LINES.name,),
        invoices.CODE_VERSION,
        invoices.expected_states,
        invoices.build,
        changed="what it is made from changed",
        new=NEVER_MADE,
        beside=(INVOICE_LINES,),
    ),
)


def rows_on(grid: Grid) -> tuple[Row, ...]:
    """The rows of one grid, in order."""
    return tuple(row for row in ROAD if row.grid is grid)


def row_of(name: str) -> Row:
    """The row of a dataset. Raises KeyError for one that has none of its own."""
    return {row.name: row for row in ROAD}[name]


def build(pipeline: Pipeline, known: Known, spec: DatasetSpec, partitions: Sequence[str]) -> object:
    """Make partitions of a dataset, whether they are out of date or not. Raises ConcurrentCommitError."""
    return row_of(spec.name).build(pipeline, known, partitions)


def downstream(rows: Sequence[Row], names: Collection[str]) -> tuple[Row, ...]:
    """Those of `rows` that are named, or made from one that is: what has to be made once the named ones are."""
    found: list[Row] = []
    for row in rows:
        if row.name in names or any(other.name in row.inputs for other in found):
            found.append(row)
    return tuple(found)
