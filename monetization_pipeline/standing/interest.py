"""Which billing periods there are: they begin where something is due, be it before anything was used (rule 23)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

from monetization_pipeline.customers.activity import billable
from monetization_pipeline.datasets import DAILY_USAGE, UNBILLED
from monetization_pipeline.lake.ingest_log import IngestLog
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.periods import (
    MICROSECOND,
    add_months,
    billing_month,
    month_key,
    month_period,
    months_between,
)
from monetization_pipeline.rating.due import first_due_month
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

WHY_HELD = (
    "is held, as it lies before anything was received: what was there before may have billed it. "
    "MONETIZATION_FIRST_INVOICE_AT says from which day on you bill here; `monetize publish PERIOD --held` publishes it "
    "all the same"
)


def months_of_interest(pipeline: Pipeline, known: Known, now: datetime) -> list[str]:
    """Billing periods from the first in which anything is due, up to the open one, within the grid."""
    log = read_log(pipeline.lake)
    if log.receipts is None:
        return []
    last = month_key(now.astimezone(UTC).date())
    return months_between(_begin(pipeline, known, _first_received(pipeline, known, log)), last)


def held_months(pipeline: Pipeline, known: Known) -> list[str]:
    """Billing periods of interest that are held (`is_before_all`), in order."""
    log = read_log(pipeline.lake)
    if log.receipts is None or pipeline.seller.first_invoice_at is not None:
        return []
    begin = _begin(pipeline, known, _first_received(pipeline, known, log))
    first = _first_used(pipeline, known, log)
    return months_between(begin, add_months(first, -1)) if begin < first else []


def is_before_all(pipeline: Pipeline, known: Known, month: str) -> bool:
    """Whether a billing period lies before everything that was received, and nobody said that it is billed here.

    What was there before may have billed its fees: somebody has to say where billing here begins
    (MONETIZATION_FIRST_INVOICE_AT), or publish it by name.
    """
    log = read_log(pipeline.lake)
    if log.receipts is None or pipeline.seller.first_invoice_at is not None:
        return False
    return month < _first_used(pipeline, known, log)


def _first_received(pipeline: Pipeline, known: Known, log: IngestLog) -> str:
    """The billing period of the first event or, where it was before, of the first receipt, in any zone in use."""
    days = [*log.days, *(() if log.receipts is None else [log.receipts[0].date()])]
    start = datetime.combine(min(days), time.min, UTC)
    months = (billing_month(start + MICROSECOND, zone) for zone in known.customers.zones_in_use)
    return max(min(months), pipeline.seller.first_month)


def _first_used(pipeline: Pipeline, known: Known, log: IngestLog) -> str:
    """The billing period of the first event, each in its own company's zone; without any, that of the first receipt."""
    if log.days:
        # Local days begin up to fourteen hours before those of UTC, and end up to twelve hours after them.
        first = min(log.days)
        days = [day.isoformat() for day in log.days if day <= first + timedelta(days=1)]
        return max(min(_months_of(pipeline, known, days), default=f"{first:%Y-%m}"), pipeline.seller.first_month)
    return _first_received(pipeline, known, log)


def _months_of(pipeline: Pipeline, known: Known, days: Sequence[str]) -> Iterator[str]:
    """The billing periods that events of some days lie in, as far as those were made."""
    with pipeline.engine.session() as session:
        for spec, month in ((DAILY_USAGE, "usage_on"), (UNBILLED, "occurred_at")):
            session.view(spec.name, spec.schema, pipeline.lake.table(spec).files(days))
            rows = session.rows(f"SELECT company_id, min({month}) FROM {spec.name} GROUP BY company_id")
            for company_id, first in rows:
                zone = known.customers.zone_of(company_id)
                yield billing_month(first + MICROSECOND, zone) if isinstance(first, datetime) else f"{first:%Y-%m}"


def _begin(pipeline: Pipeline, known: Known, received: str) -> str:
    """The first billing period of all, which has something due, or of which something was received."""
    due = min(_first_due(pipeline, known, received), default=received)
    billed_from = pipeline.seller.first_invoice_at
    if billed_from is not None:
        # What is due before has no line here; fees in advance are due in the month before.
        due = max(due, add_months(month_key(billed_from), -1))
    return max(min(due, received), pipeline.seller.first_month)


def _first_due(pipeline: Pipeline, known: Known, received: str) -> Iterator[str]:
    """The first billing periods in which something of a subscription is due, where they may be the first of all."""
    since_ever: set[str] = set()
    starts: dict[tuple[str, bool], datetime] = {}
    in_advance = {plan.plan_id: any(price.in_advance for price in plan.prices) for plan in known.catalog.plans}
    for each in billable(known.customers.subscriptions):
        zone, advance = known.customers.zone_of(each.company_id), in_advance.get(each.plan_id or "")
        if advance is None:
            continue
        if each.start_at is None:
            since_ever |= {each.company_id} if advance else set()
        elif each.start_at <= month_period(received, zone).start:
            starts[zone, advance] = min(starts.get((zone, advance), each.start_at), each.start_at)
    yield from (first_due_month(start, zone, in_advance=advance) for (zone, advance), start in starts.items())
    # Without a start it counts from its company's first event, whose month has a fee that was due when it began.
    if since_ever and not since_ever.isdisjoint(_companies_of(pipeline, known, received)):
        yield add_months(received, -1)


def _companies_of(pipeline: Pipeline, known: Known, month: str) -> set[str]:
    """The companies of events of a billing period's days, as far as those were made."""
    days = [day.isoformat() for day in known.customers.event_days(month)]
    found: set[str] = set()
    with pipeline.engine.session() as session:
        for spec in (DAILY_USAGE, UNBILLED):
            session.view(spec.name, spec.schema, pipeline.lake.table(spec).files(days))
            rows = session.rows(f"SELECT DISTINCT company_id FROM {spec.name} WHERE company_id IS NOT NULL")
            found |= {company_id for (company_id,) in rows}
    return found
