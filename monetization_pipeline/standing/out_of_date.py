"""What is out of date, and why: one function over fingerprints, that everybody asks.

A partition is out of date where it was made from other inputs, digests or code than it would be now, or is made from
one that is. Commands, jobs, sensors, checks and the gate all come here, and say it in the same words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monetization_pipeline.datasets import WHOLE
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.landing import customer_files
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.road import Grid, Row, downstream, rows_on

FILE_CHANGED = "the file changed"

#: The states of the partitions of each table that a step commits; what grows by batches has none, and what waits for it
#: is in none.
_Made = Sequence[Mapping[str, PartitionState]]


@dataclass(frozen=True, slots=True)
class Reason:
    """One partition that is out of date, and why."""

    dataset: str
    partition: str
    why: str

    def __str__(self) -> str:
        return f"{self.dataset} {self.partition}: {self.why}"


@dataclass(frozen=True, slots=True)
class Judged:
    """Partitions of one grid held against what they would be made from now.

    `expected` is that, by dataset and partition. `stale` names by partition the datasets that have to be made, in the
    order of the road; a partition that is up to date is not in it.
    """

    expected: Mapping[str, Mapping[str, PartitionState]]
    stale: Mapping[str, Sequence[Reason]]

    @property
    def partitions(self) -> list[str]:
        """The partitions that are out of date."""
        return list(self.stale)

    @property
    def datasets(self) -> list[str]:
        """The datasets of which any partition is out of date, in the order of the road."""
        found = {reason.dataset for reasons in self.stale.values() for reason in reasons}
        return [name for name in self.expected if name in found]

    def of(self, dataset: str) -> list[str]:
        """The partitions of one dataset that are out of date."""
        return [key for key, reasons in self.stale.items() if any(each.dataset == dataset for each in reasons)]


def out_of_date(pipeline: Pipeline, known: Known, grid: Grid, partitions: Sequence[str]) -> Judged:
    """What is out of date of some partitions of a grid.

    What comes before the grid on the road is taken as it is: days are judged once customers are merged, billing periods
    once their days are made.
    """
    rows = rows_on(grid)
    expected = {row.name: row.expected(pipeline, known, partitions) for row in rows}
    made = {row.name: _made(pipeline, row) for row in rows}
    stale: dict[str, Sequence[Reason]] = {}
    for key in partitions:
        own = [row.name for row in rows if _is_stale(made[row.name], expected[row.name], key)]
        if own:
            stale[key] = [_reason(row, key, made[row.name]) for row in downstream(rows, own)]
    return Judged(expected, stale)


def stale_alone(pipeline: Pipeline, known: Known, row: Row, partitions: Sequence[str]) -> list[str]:
    """The partitions of one dataset that are out of date, what it is made from being taken as it is."""
    expected, made = row.expected(pipeline, known, partitions), _made(pipeline, row)
    return [key for key in partitions if _is_stale(made, expected, key)]


def reasons(pipeline: Pipeline, known: Known, month: str) -> list[Reason]:
    """What keeps a billing period from being up to date: all that has to be made next, before anything else is judged.

    Empty where it is up to date.
    """
    return (
        coming_in(pipeline, known)
        or reasons_on(pipeline, known, Grid.EVENT_DAYS, event_days(known, month))
        or reasons_on(pipeline, known, Grid.BILLING_PERIODS, [month])
    )


def coming_in(pipeline: Pipeline, known: Known) -> list[Reason]:
    """What waits in landing, in `customers/`, or to be merged."""
    return [
        *waiting_files(pipeline, known),
        *changed_files(pipeline),
        *reasons_on(pipeline, known, Grid.WHOLE, [WHOLE]),
    ]


def reasons_on(pipeline: Pipeline, known: Known, grid: Grid, partitions: Sequence[str]) -> list[Reason]:
    """What is out of date of some partitions of a grid, as reasons."""
    judged = out_of_date(pipeline, known, grid, partitions)
    return [reason for reasons in judged.stale.values() for reason in reasons]


def waiting_files(pipeline: Pipeline, known: Known) -> list[Reason]:
    """Received days with files in landing that were not ingested."""
    return reasons_on(pipeline, known, Grid.RECEIVED_DAYS, received_days(pipeline))


def changed_files(pipeline: Pipeline) -> list[Reason]:
    """Files of `customers/` whose newest version is not in landing yet."""
    names = customer_files.changed_files(pipeline.landing, pipeline.home.customers)
    return [Reason("customers/", name, FILE_CHANGED) for name in names]


def received_days(pipeline: Pipeline) -> list[str]:
    """Received days of which there is anything in landing."""
    return [day.isoformat() for day in pipeline.landing.days()]


def event_days(known: Known, month: str) -> list[str]:
    """Event days that a billing period spans in the zones in use."""
    return [day.isoformat() for day in known.customers.event_days(month)]


def _made(pipeline: Pipeline, row: Row) -> _Made:
    return [pipeline.lake.table(spec).states() for spec in row.stated]


def _is_stale(made: _Made, expected: Mapping[str, PartitionState], key: str) -> bool:
    """Whether any table of the step holds what was made from something else: a run of it may have been cut short.

    A table beside the first that never had anything of a partition has nothing wrong of it: the first is committed
    last.
    """
    if key not in expected:
        return False
    if not made or key not in made[0]:
        return True
    return not all(states[key].made_from(expected[key]) for states in made if key in states)


def _reason(row: Row, partition: str, made: _Made) -> Reason:
    return Reason(row.name, row.grid.shown(partition), row.changed if made and partition in made[0] else row.new)
