"""Which partitions of each dataset a billing period is made from, and no others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from monetization_pipeline.datasets import CORRECTIONS, ENTITY_CHANGES, LANDING_FILES, RAW_EVENTS, REFUSALS, WHOLE
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.standing.out_of_date import event_days
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.road import Grid


@dataclass(frozen=True)
class MadeFrom:
    """What a billing period is made from. Each grid is looked up once it is asked for: days lie in customers' zones."""

    pipeline: Pipeline
    known: Known
    month: str

    def partitions(self, grid: Grid, dataset: str) -> Sequence[str]:
        """The partitions of a dataset on a grid that the billing period is made from, itself included; in order."""
        match grid:
            case Grid.WHOLE:
                return [WHOLE]
            case Grid.RECEIVED_DAYS:
                return self._received_days[dataset]
            case Grid.EVENT_DAYS:
                return self._event_days
            case Grid.BILLING_PERIODS:
                return [self.month]

    @cached_property
    def _event_days(self) -> Sequence[str]:
        return event_days(self.known, self.month)

    @cached_property
    def _received_days(self) -> Mapping[str, Sequence[str]]:
        """Days that brought rows of the event days, or of days that hold copies of them; and, since these are netted
        and merged as a whole, all that brought corrections or changes of customers.
        """
        log = read_log(self.pipeline.lake)
        own = [log.days[day] for day in map(date.fromisoformat, self._event_days) if day in log.days]
        copies = [log.days[day] for each in own for day in each.copy_days if day in log.days]
        received = {
            RAW_EVENTS.name: {day for each in (*own, *copies) for day in each.received_days},
            CORRECTIONS.name: log.bringing("corrections").received_days,
            ENTITY_CHANGES.name: log.bringing("entity_changes").received_days,
        }
        every = {day for days in received.values() for day in days}
        # Of such a day all records are counted, those that were set aside as well.
        received |= {REFUSALS.name: every, LANDING_FILES.name: every}
        return {name: _keys(days) for name, days in received.items()}


def _keys(days: Iterable[date]) -> list[str]:
    return [day.isoformat() for day in sorted(days)]
