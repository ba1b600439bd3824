"""What people ask to see of a billing period, as plain rows ready for JSON: decimals and instants are text."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from monetization_pipeline.closing.books import Books
from monetization_pipeline.closing.charged_already import Held
from monetization_pipeline.closing.deciding import Decided, Does, closed, decide
from monetization_pipeline.closing.gate import problems_of
from monetization_pipeline.closing.opening import opened_ledger
from monetization_pipeline.closing.states import invoice_states
from monetization_pipeline.datasets import CORRECTIONS, METER_REFUSALS, RAW_EVENTS, REFUSALS, UNBILLED, USAGE
from monetization_pipeline.ids import instant_text
from monetization_pipeline.invoicing.draft import InvoiceKey
from monetization_pipeline.invoicing.models import invoice_json, minor_text
from monetization_pipeline.invoicing.printing import invoice_ids
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.rows import read_rows
from monetization_pipeline.lake.visible import received_rows, view_received
from monetization_pipeline.landing.decisions import decisions
from monetization_pipeline.ledger.records import Publication
from monetization_pipeline.money import plain, round_amount
from monetization_pipeline.periods import month_period, parse_month
from monetization_pipeline.rating.lines import RatedLine
from monetization_pipeline.reports.promised import (
    DecimalText,
    DecisionRow,
    ElsewhereRow,
    InstantText,
    InvoiceRow,
    IssuedRow,
    LandingRow,
    MeterRefusalRow,
    RefusalRow,
    UnbilledRow,
    UnreadableRow,
    UsageRow,
)
from monetization_pipeline.reports.usage_days import MeterDays, usage_by_day
from monetization_pipeline.standing.landed import waiting_in_landing
from monetization_pipeline.standing.out_of_date import reasons
from monetization_pipeline.steps.invoices import SetAside
from monetization_pipeline.steps.known import Customers, Known, read_catalog
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.rated_lines import read_elsewhere

_NOT_SHOWN = ("billing_period", "occurred_on", "received_on")
#: Companies that are named for each meter.
_COMPANIES = 5
_INVOICE_ORDER = ("company_id", "currency", "bill_at")


def invoices(pipeline: Pipeline, month: str, now: datetime) -> list[InvoiceRow]:
    """Every invoice of a billing period with its status and what publishing would do with it, by company."""
    month_period(month, pipeline.seller.zone)
    known = Known.now(pipeline)
    with opened_ledger(pipeline) as ledger:
        books = Books(pipeline, known, ledger)
        problems = problems_of(books, month)
        found = invoice_states(books, month, now, inputs_complete=not reasons(pipeline, known, month))
    rows = [
        _invoice_row(closed(state, problems) if problems else decide(state, now, issue_zero=pipeline.seller.issue_zero))
        for state in found.states
    ]
    rows += [_set_aside_row(each, pipeline.seller.grace) for each in found.set_aside]
    rows = _with_elsewhere(rows, read_elsewhere(pipeline, month), pipeline.seller.grace)
    return [
        cast("InvoiceRow", row) for row in sorted(rows, key=lambda row: [str(row[name]) for name in _INVOICE_ORDER])
    ]


def _with_elsewhere(
    rows: Sequence[dict[str, object]], lines: Sequence[RatedLine], grace: timedelta
) -> list[dict[str, object]]:
    """Invoices with what was billed elsewhere of what they would have; one that has nothing else is a row as well."""
    by_key: dict[InvoiceKey, list[RatedLine]] = {}
    for line in lines:
        by_key.setdefault((line.company_id, line.currency, line.bill_at), []).append(line)
    keys = sorted(by_key)
    found = {
        invoice_id: [_elsewhere_row(line) for line in by_key[key]]
        for invoice_id, key in zip(invoice_ids(keys), keys, strict=True)
    }
    known = {row["invoice_id"] for row in rows}
    alone = [
        _empty_row(invoice_id, key, minor_text(Decimal(0), key[1]), grace)
        | {"status": "elsewhere", "publish": Does.NOTHING.value, "why": "all of it was billed elsewhere"}
        for invoice_id, key in zip(found, keys, strict=True)
        if invoice_id not in known
    ]
    return [row | {"elsewhere": found.get(str(row["invoice_id"]), [])} for row in (*rows, *alone)]


def _elsewhere_row(line: RatedLine) -> ElsewhereRow:
    amount = minor_text(round_amount(line.amount, line.currency), line.currency)
    return {"line_id": line.line_id, "description": line.description, "amount": DecimalText(amount)}


def _invoice_row(decided: Decided) -> dict[str, object]:
    state = decided.state
    return invoice_json(state.invoice, state.form) | {
        "status": state.status,
        "publish": decided.does.value,
        "why": decided.why,
        "final_from": instant_text(state.final_from),
        "held_back": [_held_row(held, state.invoice.currency) for held in state.held],
        "issued_at": [_issued(publication) for publication in state.issued],
    }


def _set_aside_row(aside: SetAside, grace: timedelta) -> dict[str, object]:
    empty = _empty_row(aside.invoice_id, (aside.company_id, aside.currency, aside.bill_at), None, grace)
    return empty | {"status": "set aside", "publish": Does.LEAVE.value, "why": "; ".join(aside.reasons)}


def _empty_row(invoice_id: str, key: InvoiceKey, total: str | None, grace: timedelta) -> dict[str, object]:
    """A row without lines; what is left to say of it is where it stands."""
    company_id, currency, bill_at = key
    return {
        "invoice_id": invoice_id,
        "company_id": company_id,
        "subscription_id": None,
        "currency": currency,
        "bill_at": instant_text(bill_at),
        "lines": [],
        "total": total,
        "final_from": instant_text(bill_at + grace),
        "held_back": [],
        "issued_at": [],
    }


def _held_row(held: Held, currency: str) -> dict[str, object]:
    return {
        "line_id": held.line.line_id,
        "description": held.line.description,
        "amount": minor_text(held.line.amount, currency),
        "charged_in": held.charged_in,
    }


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


def _issued(publication: Publication) -> IssuedRow:
    place = publication.intent.place
    return {
        "provider": place.provider,
        "mode": place.mode,
        "account": place.account,
        "number": publication.number,
    }


def landing(pipeline: Pipeline, now: datetime) -> list[LandingRow]:
    """Every file in landing that was never ingested, by source and in order of receipt."""
    return [
        LandingRow(
            source=waits.file.source,
            file=waits.file.name,
            received_at=InstantText(instant_text(waits.file.received_at)),
            why=waits.why,
        )
        for waits in waiting_in_landing(pipeline, now)
    ]


def landing_decisions(pipeline: Pipeline) -> list[DecisionRow]:
    """All that was decided about files in landing, the first first."""
    return [cast("DecisionRow", asdict(decision)) for decision in decisions(pipeline.landing)]


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


def meter_refusals(pipeline: Pipeline) -> list[MeterRefusalRow]:
    """Events that came in and that a meter could not use: by meter, company and reason, with the last one of them."""
    with pipeline.engine.session() as session:
        session.view("refused", METER_REFUSALS.schema, pipeline.lake.table(METER_REFUSALS).files())
        rows = session.rows(
            """SELECT meter_id, company_id, reason, count(*), min(occurred_on), max(occurred_on),
                max(struct_pack(d := occurred_on, s := source, e := event_id, v := value)) AS last
            FROM refused GROUP BY meter_id, company_id, reason ORDER BY meter_id, company_id NULLS FIRST, reason"""
        )
    return [
        MeterRefusalRow(
            meter_id=meter_id,
            company_id=company_id,
            reason=reason,
            events=events,
            first_on=first_on.isoformat(),
            last_on=last_on.isoformat(),
            example=last["v"],
            source=last["s"],
            event_id=last["e"],
        )
        for meter_id, company_id, reason, events, first_on, last_on, last in rows
    ]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _text(value) for name, value in row.items() if name not in _NOT_SHOWN}


def _text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else value
