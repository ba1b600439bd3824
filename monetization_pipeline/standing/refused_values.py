"""Events that a meter meets and cannot use: absent and unreadable counted apart, whoever else counts them (rule 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from monetization_pipeline.datasets import DAILY_USAGE, METER_REFUSALS
from monetization_pipeline.metering.merge import per_meter_sql
from monetization_pipeline.metering.reported import ABSENT
from monetization_pipeline.money import EXACT, plain
from monetization_pipeline.steps.known import Customers
from monetization_pipeline.steps.pipeline import Pipeline

_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class RefusedValues:
    """Of some event days, what one meter met: `metered` events, and those it refused.

    `absent`: what it measures is not there. `unreadable`: something that it reads is there and cannot be used.
    """

    meter_id: str
    metered: int
    absent: int
    unreadable: int

    @property
    def met(self) -> int:
        """All events that the meter met."""
        return self.metered + self.absent + self.unreadable

    def too_many_unreadable(self, percent: Decimal) -> bool:
        """Whether more than so many of a hundred events cannot be read."""
        return EXACT.multiply(Decimal(self.unreadable), _PERCENT) > EXACT.multiply(Decimal(self.met), percent)


def refused_values(pipeline: Pipeline, months: Sequence[str]) -> list[RefusedValues]:
    """By meter, of the event days that billing periods span: what it could not use. A meter that used all has no row.

    An event that several subscriptions are charged for is metered for each.
    """
    customers = Customers(pipeline)
    days = sorted({day.isoformat() for month in months for day in customers.event_days(month)})
    refusals = pipeline.lake.table(METER_REFUSALS).states()
    if not any(day in refusals and refusals[day].rows for day in days):
        return []
    with pipeline.engine.session() as session:
        session.view("refused", METER_REFUSALS.schema, pipeline.lake.table(METER_REFUSALS).files(days))
        session.view("states", DAILY_USAGE.schema, pipeline.lake.table(DAILY_USAGE).files(days))
        rows = session.rows(
            f"""SELECT meter_id, coalesce(any_value(metered), 0), count(*) FILTER (reason = ?),
                count(*) FILTER (reason <> ?)
            FROM refused LEFT JOIN (
                SELECT meter_id, sum(events) AS metered FROM ({per_meter_sql("states")}) GROUP BY meter_id
            ) USING (meter_id) GROUP BY meter_id ORDER BY meter_id""",
            [ABSENT, ABSENT],
        )
    return [RefusedValues(meter_id, int(metered), absent, unreadable) for meter_id, metered, absent, unreadable in rows]


def unreadable_problems(pipeline: Pipeline, month: str) -> list[str]:
    """Meters of which more of a billing period's events are unreadable than the seller bears."""
    percent = pipeline.unreadable_percent
    return [
        f"{month}: meter {each.meter_id} cannot use what is there in {each.unreadable} of {each.met} events, more than "
        f"{plain(percent)} %; `monetize refusals --meters` names them"
        for each in refused_values(pipeline, [month])
        if each.too_many_unreadable(percent)
    ]
