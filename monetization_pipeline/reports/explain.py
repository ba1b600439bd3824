"""A line back to its price, its figures, its events and the files that they came in."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from monetization_pipeline.catalog.models import Aggregation, FlatPrice, MeterPrice, Price
from monetization_pipeline.datasets import ELSEWHERE, RATED_LINES
from monetization_pipeline.engines.base import Session
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.expressions.quoting import text_literal
from monetization_pipeline.ids import instant_text
from monetization_pipeline.metering.charged import holds
from monetization_pipeline.metering.judged import Inputs, dimension_column, metered_sql
from monetization_pipeline.metering.meters import MeterSql, meter_sql, meters_sql
from monetization_pipeline.money import plain
from monetization_pipeline.periods import Period, utc_days
from monetization_pipeline.rating.explaining import Explanation, explain_fee, explain_usage
from monetization_pipeline.rating.lines import LineKind, RatedLine, Span
from monetization_pipeline.steps import charges
from monetization_pipeline.steps.catalogs import catalog_of
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline
from monetization_pipeline.steps.rated_lines import rated_line

#: What of a charge a line names.
_CHARGED = ("subscription_id", "period_start")


class UnknownLineError(MonetizeError):
    """No rated line has this id."""


class UnexplainedError(MonetizeError):
    """A line's amount does not come out again: what it was made from is not what is there."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A landing file and how many of the line's events came in it."""

    source: str
    file: str
    events: int


@dataclass(frozen=True, slots=True)
class Explained:
    """All that a line's amount comes from. `price` is the one that it was rated by, which may have changed since.

    `sql` computes the line's quantity from the dataset `events`, to be read and tried out; empty for a fee. It knows
    the company alone: not the events that are the company's by a user or a subscription, nor which of several
    subscriptions is charged. `events` and `files` are of those that were charged.
    """

    month: str
    line: RatedLine
    price: Price
    explanation: Explanation
    sql: str
    events: int
    files: Sequence[SourceFile]


def explain(pipeline: Pipeline, line_id: str) -> Explained:
    """Explain one rated line, from its quantity and the price that it was rated by.

    Raises UnknownLineError; NoCatalogError where that price was not kept; UnexplainedError where the amount does not
    come out.
    """
    month, line = _find(pipeline, line_id)
    state = pipeline.lake.table(RATED_LINES).state(month)
    catalog = catalog_of(pipeline, "" if state is None else state.digests.get("prices", ""))
    known = Known.by(pipeline, catalog)
    price, explanation = _explanation(known, line)
    if explanation["amount"] != plain(line.amount):
        raise UnexplainedError(
            f"line {line_id} was rated at {plain(line.amount)}, but its price and quantity come to "
            f"{explanation['amount']}; run `monetize run {month}`"
        )
    sql, files = _events(pipeline, known, line) if line.kind is LineKind.USAGE else ("", [])
    return Explained(month, line, price, explanation, sql, sum(file.events for file in files), files)


def _explanation(known: Known, line: RatedLine) -> tuple[Price, Explanation]:
    plan = known.catalog.plan(line.plan_id)
    price = next((price for price in plan.prices if price.price_id == line.price_id), None) if plan else None
    if not isinstance(price, FlatPrice | MeterPrice):
        raise UnexplainedError(f"line {line.line_id}: its catalog has no price {line.price_id} in plan {line.plan_id}")
    if isinstance(price, MeterPrice):
        return price, explain_usage(price, line.quantity)
    full = Period(line.full_period_start, line.full_period_end)
    span = Span(full, Period(line.period_start, line.period_end))
    return price, explain_fee(price, span, known.customers.zone_of(line.company_id))


def _find(pipeline: Pipeline, line_id: str) -> tuple[str, RatedLine]:
    with pipeline.engine.session() as session:
        for spec in (RATED_LINES, ELSEWHERE):
            session.view(spec.name, spec.schema, pipeline.lake.table(spec).files())
            if rows := session.arrow(f"SELECT * FROM {spec.name} WHERE line_id = ?", [line_id]).to_pylist():
                return rows[0]["billing_period"], rated_line(rows[0])
    raise UnknownLineError(
        f"no line has the id {line_id!r}; `monetize invoices PERIOD --format json` lists the lines of a period"
    )


def _events(pipeline: Pipeline, known: Known, line: RatedLine) -> tuple[str, list[SourceFile]]:
    meters = meters_sql(known.catalog)
    index = next((index for index, meter in enumerate(meters) if meter.meter.meter_id == line.meter_id), None)
    if index is None:
        return "", []
    days = utc_days(Period(line.full_period_start, line.full_period_end))
    with pipeline.engine.session() as session:
        payers = charges.register(session, known, charges.window_of(days))
        inputs = charges.open_events(pipeline, session, meters, payers, [day.isoformat() for day in days])
        # Where no event says a direction, nothing is to be said of it.
        directed = session.rows(f"SELECT count(*) FROM {inputs.events} WHERE direction IS NOT NULL")[0][0] > 0
        sql = _sql(meter_sql(known.catalog.meters[index]), line, directed=directed)
        return sql, _files(session, inputs, index, line)


def _files(session: Session, inputs: Inputs, index: int, line: RatedLine) -> list[SourceFile]:
    group = json.loads(line.group)
    conditions = [f"{dimension_column(inputs.meters, name)} IS NOT DISTINCT FROM ?" for name in group]
    rows = session.rows(
        f"""SELECT source, file, count(*)
        FROM ({metered_sql(inputs)}) AS metered JOIN {inputs.payers.charges} AS charges USING (row_no)
        WHERE {" AND ".join([holds("falls", index), *(f"charges.{name} = ?" for name in _CHARGED), *conditions])}
        GROUP BY source, file ORDER BY source, file""",
        [line.subscription_id, line.full_period_start, *group.values()],
    )
    return [SourceFile(*row) for row in rows]


def _sql(meter: MeterSql, line: RatedLine, *, directed: bool) -> str:
    group = json.loads(line.group)
    conditions = [
        f"occurred_at >= TIMESTAMPTZ '{instant_text(line.period_start)}'",
        f"occurred_at < TIMESTAMPTZ '{instant_text(line.period_end)}'",
        f"company_id = {text_literal(line.company_id)} -- or its users' company, or an explicit subscription",
        meter.selects,
        meter.unblocked,
        *([meter.directed] if directed else []),
        *(f"{meter.dimensions[name]} IS NOT DISTINCT FROM {_literal(value)}" for name, value in group.items()),
    ]
    return f"SELECT {_quantity(meter)} FROM events\nWHERE " + "\n  AND ".join(conditions)


def _quantity(meter: MeterSql) -> str:
    """The quantity over the selected events; what the checked value refuses would not be selected."""
    match meter.meter.aggregation:
        case Aggregation.COUNT:
            return "sum(weight)"
        case Aggregation.UNIQUE_COUNT:
            return f"count(DISTINCT {meter.value})"
        case Aggregation.LATEST:
            return f"arg_max({meter.value}, (occurred_at, source, event_id))"
        case Aggregation.SUM | Aggregation.MIN | Aggregation.MAX:
            return f"{meter.meter.aggregation.value}({meter.value})"


def _literal(value: str | None) -> str:
    return "NULL" if value is None else text_literal(value)


def explained_json(explained: Explained) -> dict[str, Any]:
    """An explained line, ready for `json.dumps`: decimals are text, instants look like `2023-08-01T00:00:00Z`."""
    line = explained.line
    return {
        "line_id": line.line_id,
        "billing_period": explained.month,
        "company_id": line.company_id,
        "subscription_id": line.subscription_id,
        "plan_id": line.plan_id,
        "price_id": line.price_id,
        "meter_id": line.meter_id,
        "kind": line.kind.value,
        "period_start": instant_text(line.period_start),
        "period_end": instant_text(line.period_end),
        "bill_at": instant_text(line.bill_at),
        "group": json.loads(line.group),
        "quantity": plain(line.quantity),
        "currency": line.currency,
        "exact_amount": plain(line.amount),
        "description": line.description,
        "price": explained.price.model_dump(mode="json", exclude_defaults=True),
        "calculation": explained.explanation,
        "sql": explained.sql,
        "events": explained.events,
        "files": [{"source": file.source, "file": file.file, "events": file.events} for file in explained.files],
    }
