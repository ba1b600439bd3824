"""What people ask to see of a billing period, as plain rows ready for JSON: decimals and instants are text."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from monetization_pipeline.closing.gate import invoice_states
from monetization_pipeline.closing.opening import opened_ledger
from monetization_pipeline.datasets import CORRECTIONS, RAW_EVENTS, REFUSALS, UNBILLED, USAGE
from monetization_pipeline.ids import instant_text
from monetization_pipeline.invoicing.models import invoice_json
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.rows import read_rows
from monetization_pipeline.lake.visible import received_rows, view_received
from monetization_pipeline.money import plain
from monetization_pipeline.periods import month_period, parse_month
from monetization_pipeline.reports.promised import InvoiceRow, RefusalRow, UnbilledRow, UnreadableRow, UsageRow
from monetization_pipeline.reports.usage_days import MeterDays, usage_by_day
from monetization_pipeline.standing.out_of_date import reasons
from monetization_pipeline.steps.known import Customers, Known, read_catalog
from monetization_pipeline.steps.pipeline import Pipeline

_NOT_SHOWN = ("billing_period", "occurred_on", "received_on")
#: Companies that are named for each meter.
_COMPANIES = 5


def invoices(pipeline: Pipeline, month: str, now: datetime) -> list[InvoiceRow]:
    """Every invoice of a billing period with its status, by company."""
    month_period(month, pipeline.seller.zone)
    complete = not reasons(pipeline, Known.now(pipeline), month)
    with opened_ledger(pipeline) as ledger:
        states = invoice_states(pipeline, ledger, month, now, inputs_complete=complete)
    return [cast("InvoiceRow", invoice_json(state.invoice, state.form) | {"status": state.status}) for state in states]


def usage(pipeline: Pipeline, month: str) -> list[UsageRow]:
    """Usage rows of a billing period."""
    month_period(month, pipeline.seller.zone)
    return [cast("UsageRow", _shown(row)) for row in read_rows(pipeline.lake.table(USAGE).files([month]))]


def usage_days(pipeline: Pipeline, month: str) -> list[MeterDays]:
    """What the usage of a billing period is made of: each meter by local day, and its largest companies."""
    parse_month(month)
    return usage_by_day(pipeline, read_catalog(pipeline), month, _COMPANIES)


def unbilled(pipeline: Pipeline, month: str) -> list[UnbilledRow]:
    """Events of a billing period that nobody is charged for, and meters that are ambiguous for an event.

    The period is the month of the event's company, where that is known, else the seller's.
    """
    customers = Customers(pipeline)
    days = [day.isoformat() for day in customers.event_days(month)]
    rows = [
        row
        for row in read_rows(pipeline.lake.table(UNBILLED).files(days))
        if row["occurred_at"] in month_period(month, customers.zone_of(row["company_id"]))
    ]
    rows.sort(key=lambda row: (row["occurred_at"], row["source"], row["event_id"], row["meter_id"]))
    return [cast("UnbilledRow", _shown(row)) for row in rows]


def refusals(pipeline: Pipeline) -> list[RefusalRow]:
    """Every refused record, in the order received."""
    rows = received_rows(pipeline.lake, REFUSALS, read_log(pipeline.lake).bringing("refusals").batches)
    rows.sort(key=lambda row: (row["received_at"], row["source"], row["file"], row["line"], row["record"]))
    return [cast("RefusalRow", _shown(row)) for row in rows]


def unreadable(pipeline: Pipeline) -> list[UnreadableRow]:
    """What is there and cannot be read, of events that came in all the same: by source and field, with an example."""
    batches = read_log(pipeline.lake).bringing("unreadable").batches
    with pipeline.engine.session() as session:
        view_received(session, "as_sent", pipeline.lake, RAW_EVENTS, batches)
        view_received(session, "corrected", pipeline.lake, CORRECTIONS, batches)
        rows = session.rows(
            f"""SELECT source, field, count(*), min(text) FROM ({_unreadable_sql("as_sent")} UNION ALL
            {_unreadable_sql("corrected")}) GROUP BY ALL ORDER BY ALL"""
        )
    return [UnreadableRow(source=row[0], field=row[1], events=row[2], example=row[3]) for row in rows]


def _unreadable_sql(events: str) -> str:
    return f"""SELECT source, found.key AS field, json_extract_string(found.value, '$') AS text
        FROM {events} AS events, json_each(events.unreadable) AS found WHERE events.unreadable <> '{{}}'"""


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _text(value) for name, value in row.items() if name not in _NOT_SHOWN}


def _text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else value
