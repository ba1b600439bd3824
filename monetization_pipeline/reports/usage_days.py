"""What makes up the usage of a billing period, by local day and by company: to be looked at, nothing is made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import reduce

from monetization_pipeline.catalog.models import Aggregation, Catalog
from monetization_pipeline.datasets import DAILY_USAGE, USAGE
from monetization_pipeline.engines.base import Session
from monetization_pipeline.metering.merge import per_meter_sql
from monetization_pipeline.money import EXACT
from monetization_pipeline.steps.pipeline import Pipeline

#: What can be added up over days, by aggregation; of all others the events are counted.
_MEASURES = {Aggregation.COUNT: ("count", "count_value"), Aggregation.SUM: ("sum", "sum_value")}
_EVENTS = ("events", "events")
#: The relation that is made of a period's states, and read by all that follows.
_BY_COMPANY = "by_company"


@dataclass(frozen=True, slots=True)
class MeterDays:
    """Usage of one meter over all companies. `measure` is what was added up: `count`, `sum`, or `events`.

    `days` are the local days from the first to the last on which any meter was used, each with its figure.
    """

    meter_id: str
    measure: str
    days: Mapping[date, Decimal]
    companies: Sequence[tuple[str, Decimal]]

    @property
    def total(self) -> Decimal:
        """The figures of all days added up."""
        return reduce(EXACT.add, self.days.values(), Decimal(0))


def usage_by_day(pipeline: Pipeline, catalog: Catalog, month: str, companies: int) -> list[MeterDays]:
    """Usage by day of each meter used in a billing period, in the catalog's order; with its largest `companies`.

    Read from `daily_usage`, as far as `usage` was made of it: what is not made yet is not in it.
    """
    state = pipeline.lake.table(USAGE).state(month)
    if state is None:
        return []
    days = [name.partition("/")[2] for name in state.inputs if name.startswith(f"{DAILY_USAGE.name}/")]
    with pipeline.engine.session() as session:
        session.view("states", DAILY_USAGE.schema, pipeline.lake.table(DAILY_USAGE).files(days))
        session.view("billed", USAGE.schema, pipeline.lake.table(USAGE).files([month]))
        session.keep(_BY_COMPANY, _by_company_sql("states", "billed"))
        used = {meter for (meter,) in session.rows(f"SELECT DISTINCT meter_id FROM {_BY_COMPANY}")}
        known = [meter.meter_id for meter in catalog.meters if meter.meter_id in used]
        span = _span(session)
        return [
            _meter_days(session, catalog, meter_id, span, companies)
            for meter_id in [*known, *sorted(used.difference(known))]
        ]


def quantities(pipeline: Pipeline, month: str) -> dict[str, Decimal]:
    """By meter: the quantities of all subscriptions added up, each once, however many groupings its prices ask for."""
    files = pipeline.lake.table(USAGE).files([month])
    with pipeline.engine.session() as session:
        session.view("billed", USAGE.schema, files)
        return dict(session.rows(_quantities_sql("billed")))


def _meter_days(session: Session, catalog: Catalog, meter_id: str, span: Sequence[date], companies: int) -> MeterDays:
    aggregation = next((meter.aggregation for meter in catalog.meters if meter.meter_id == meter_id), None)
    measure, column = _MEASURES.get(aggregation, _EVENTS) if aggregation else _EVENTS
    by_day = session.rows(
        f"SELECT usage_on, coalesce(sum({column}), 0) FROM {_BY_COMPANY} WHERE meter_id = ? GROUP BY usage_on",
        [meter_id],
    )
    largest = session.rows(
        f"""SELECT company_id, coalesce(sum({column}), 0) AS figure FROM {_BY_COMPANY}
        WHERE meter_id = ? GROUP BY company_id ORDER BY figure DESC, company_id LIMIT ?""",
        [meter_id, companies],
    )
    figures = dict.fromkeys(span, Decimal(0)) | {day: Decimal(figure) for day, figure in by_day}
    return MeterDays(meter_id, measure, figures, [(company, Decimal(figure)) for company, figure in largest])


def _span(session: Session) -> list[date]:
    first, last = session.rows(f"SELECT min(usage_on), max(usage_on) FROM {_BY_COMPANY}")[0]
    return [] if first is None else [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _by_company_sql(states: str, billed: str) -> str:
    return f"""
        SELECT owners.company_id, states.meter_id, usage_on, sum(events) AS events, sum(count_value) AS count_value,
            sum(sum_value) AS sum_value
        FROM ({per_meter_sql(states)}) AS states JOIN (
            SELECT DISTINCT subscription_id, segment_start, period_start, meter_id, company_id FROM {billed}
        ) AS owners USING (subscription_id, segment_start, period_start, meter_id)
        GROUP BY ALL"""


def _quantities_sql(billed: str) -> str:
    return f"""
        SELECT meter_id, sum(quantity) FROM {billed}
        WHERE (subscription_id, segment_start, period_start, meter_id, grouping) IN (
            SELECT subscription_id, segment_start, period_start, meter_id, max(grouping) FROM {billed}
            GROUP BY subscription_id, segment_start, period_start, meter_id)
        GROUP BY meter_id ORDER BY meter_id"""
