"""usage and fees × prices → rated_lines: exact amounts, in process."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa

from monetization_pipeline.catalog.models import Catalog, MeterPrice, Plan
from monetization_pipeline.customers.activity import billable
from monetization_pipeline.datasets import ELSEWHERE, EXACT_AMOUNT, INSTANT, RATED_LINES, SET_ASIDE, USAGE
from monetization_pipeline.datasets.arrow import ArrowArray, ArrowValues, listed, named_types
from monetization_pipeline.lake.columns import decimals, in_order, instant, microseconds, table_of, take_texts, values
from monetization_pipeline.lake.rows import fingerprint_of, read_rows, read_table, write_table
from monetization_pipeline.lake.state import PartitionState, code_version
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.periods import Period, add_months
from monetization_pipeline.rating.beginning import Beginning
from monetization_pipeline.rating.due import active_part, bill_at, fees_due
from monetization_pipeline.rating.engine import DueFee, Unrated, UnratedFee, UsagePrice, rate_fees, rate_usage
from monetization_pipeline.rating.lines import UNGROUPED, LineKind, PricedBy, RatedLine, Span, UsageRow
from monetization_pipeline.steps.catalogs import price_digests
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

CODE_VERSION = code_version(RATED_LINES.name, 2)

_ORDER = ("company_id", "currency", "bill_at", "subscription_id", "full_period_start", "price_id", "line_id")


def expected_states(pipeline: Pipeline, known: Known, months: Sequence[str]) -> Mapping[str, PartitionState]:
    """By billing period: what `rated_lines` would be made from now.

    Its fees are those of the month itself, and those in advance of the next one. On the grid's first instant, fees of
    the month before are due as well. Where billing here begins matters to the first months alone.
    """
    return {month: _expected(pipeline, known, month) for month in months}


def _expected(pipeline: Pipeline, known: Known, month: str) -> PartitionState:
    usage = pipeline.lake.table(USAGE).state(month)
    inputs = {
        "usage": usage.fingerprint if usage else "",
        "subscriptions": known.months.charged(month),
        "fees in advance": known.months.in_advance(add_months(month, 1)),
    }
    if month == pipeline.seller.first_month:
        inputs["fees before"] = known.months.charged(add_months(month, -1))
    beginning = _beginning(pipeline, known)
    if beginning.may_concern(month):
        inputs["first invoice at"] = f"{beginning.day}"
    return PartitionState("", 0, inputs=inputs, digests=price_digests(known.catalog), code_version=CODE_VERSION)


def build(pipeline: Pipeline, known: Known, months: Sequence[str]) -> Mapping[str, PartitionState]:
    """Make `rated_lines` of billing periods, one after another. Raises ConcurrentCommitError."""
    return {month: _build(pipeline, known, month) for month in months}


def _build(pipeline: Pipeline, known: Known, month: str) -> PartitionState:
    # Beside the lines first: they come with what they leave out.
    tables = {spec: pipeline.lake.table(spec) for spec in (SET_ASIDE, ELSEWHERE, RATED_LINES)}
    claims = {spec: table.claim([month]) for spec, table in tables.items()}
    expected = _expected(pipeline, known, month)
    here, elsewhere = _to_rate(pipeline, known, month)
    lines, aside = _rated(known.catalog, here, month)
    # What is billed elsewhere and cannot be rated is nobody's to mend here.
    made = {SET_ASIDE: aside, ELSEWHERE: _rated(known.catalog, elsewhere, month)[0], RATED_LINES: lines}
    paths = {spec: table.new_path(month) for spec, table in tables.items()}
    for spec, rows in made.items():
        write_table(spec, rows, paths[spec])
    with pipeline.engine.session() as session:
        fingerprint = fingerprint_of(session, RATED_LINES, [paths[RATED_LINES]])
        if aside.num_rows:
            fingerprint = f"{fingerprint} and {fingerprint_of(session, SET_ASIDE, [paths[SET_ASIDE]])}"
    state = replace(expected, fingerprint=fingerprint)
    for spec, table in tables.items():
        rows = made[spec].num_rows
        table.replace(claims[spec], [NewFile(paths[spec], month, rows)], {month: replace(state, rows=rows)})
    return replace(state, rows=lines.num_rows)


class _ToRate(NamedTuple):
    """Rows of `usage`, and fees."""

    usage: pa.Table
    fees: list[DueFee]


def _beginning(pipeline: Pipeline, known: Known) -> Beginning:
    return Beginning(pipeline.seller.first_invoice_at, known.customers.zone_of)


def _to_rate(pipeline: Pipeline, known: Known, month: str) -> tuple[_ToRate, _ToRate]:
    """What is due in a billing period: what is billed here, and what elsewhere (rule 23)."""
    usage = read_table(USAGE, pipeline.lake.table(USAGE).files([month]))
    fees = list(_fees(pipeline, known, month))
    beginning = _beginning(pipeline, known)
    if not beginning.may_concern(month):
        return _ToRate(usage, fees), _ToRate(usage.slice(0, 0), [])
    rows = zip(values(usage["company_id"]), values(usage["period_start"]), values(usage["segment_start"]), strict=True)
    usage_here = [not beginning.elsewhere(company_id, max(bounds)) for company_id, *bounds in rows]
    fees_here = [fee for fee in fees if not beginning.elsewhere(fee.subscription.company_id, _start(fee))]
    fees_elsewhere = [fee for fee in fees if beginning.elsewhere(fee.subscription.company_id, _start(fee))]
    return (
        _ToRate(usage.filter(pa.array(usage_here, pa.bool_())), fees_here),
        _ToRate(usage.filter(pa.array([not here for here in usage_here], pa.bool_())), fees_elsewhere),
    )


def _start(fee: DueFee) -> datetime:
    active = active_part(fee.subscription, fee.period)
    return fee.period.start if active is None else active.start


def _rated(catalog: Catalog, due: _ToRate, month: str) -> tuple[pa.Table, pa.Table]:
    """Rows of `rated_lines` in order, and rows of `set_aside`."""
    fees, unrated = rate_fees(due.fees)
    usage_rated, aside = usage_lines(catalog, due.usage, month)
    lines = in_order(pa.concat_tables([usage_rated, lines_table(fees, month)]), _ORDER)
    return lines, pa.concat_tables([aside, _fees_aside(unrated, month)])


def read_lines(pipeline: Pipeline, month: str) -> list[RatedLine]:
    """The rated lines of a billing period as they are in the lake."""
    return [rated_line(row) for row in read_rows(pipeline.lake.table(RATED_LINES).files([month]))]


def read_elsewhere(pipeline: Pipeline, month: str) -> list[RatedLine]:
    """The lines of a billing period that are billed elsewhere, in the order of rated lines."""
    return [rated_line(row) for row in read_rows(pipeline.lake.table(ELSEWHERE).files([month]))]


def rated_line(row: Mapping[str, Any]) -> RatedLine:
    """A row of `rated_lines`."""
    fields = {name: row[name] for name in RatedLine.__slots__ if name != "kind"}
    return RatedLine(**fields, kind=LineKind(row["kind"]))


def usage_lines(catalog: Catalog, usage: pa.Table, month: str) -> tuple[pa.Table, pa.Table]:
    """Rows of `usage` × prices as rows of `rated_lines`, and those that cannot be rated as rows of `set_aside`."""
    prices = [(plan, price) for plan in catalog.plans for price in plan.prices if isinstance(price, MeterPrice)]
    priced_by: dict[PricedBy, list[int]] = {}
    for number, (plan, price) in enumerate(prices):
        priced_by.setdefault((plan.plan_id, price.meter or "", price.group_by), []).append(number)
    numbers, spans = _spans(usage)
    rated = rate_usage([UsagePrice(price) for _, price in prices], priced_by, _usage_rows(usage, numbers, spans))
    aside = _usage_aside(usage, [spans[number] for number in numbers], prices, rated.unrated, month)
    of_span, of_price = pa.array(numbers, pa.int64()), pa.array(rated.prices, pa.int64())
    # Where each row is charged by one price, as most are, nothing needs to be copied.
    if rated.rows != list(range(usage.num_rows)):
        rows = pa.array(rated.rows, pa.int64())
        usage, of_span = usage.take(rows), of_span.take(rows)
    names = ("company_id", "subscription_id", "plan_id", "meter_id", "group", "quantity")
    columns: dict[str, ArrowValues] = {name: usage[name] for name in names}
    columns |= _span_columns(spans, of_span)
    columns |= {
        "bill_at": columns["full_period_end"],
        "line_id": pa.array(rated.line_ids, pa.string()),
        "price_id": take_texts([price.price_id for _, price in prices], of_price),
        "kind": pa.repeat(pa.scalar(LineKind.USAGE.value), usage.num_rows),
        "currency": take_texts([plan.currency for plan, _ in prices], of_price),
        "amount": pa.array(rated.amounts, EXACT_AMOUNT),
        "description": pa.array(rated.descriptions, pa.string()),
    }
    return table_of(RATED_LINES, columns, month), aside


def _usage_aside(
    usage: pa.Table,
    spans: Sequence[Span],
    prices: Sequence[tuple[Plan, MeterPrice]],
    unrated: Sequence[Unrated],
    month: str,
) -> pa.Table:
    rows = usage.take(pa.array([each.row for each in unrated], pa.int64()))
    columns: dict[str, ArrowValues] = {
        name: rows[name] for name in ("company_id", "subscription_id", "meter_id", "group")
    }
    columns |= {
        "currency": pa.array([prices[each.price][0].currency for each in unrated], pa.string()),
        "price_id": pa.array([prices[each.price][1].price_id for each in unrated], pa.string()),
        "bill_at": pa.array([spans[each.row].full.end for each in unrated], INSTANT),
        "reason": pa.array([each.reason for each in unrated], pa.string()),
    }
    return table_of(SET_ASIDE, columns, month)


def _fees_aside(unrated: Sequence[UnratedFee], month: str) -> pa.Table:
    rows: list[Mapping[str, object]] = [
        {
            "company_id": fee.subscription.company_id,
            "currency": fee.plan.currency,
            "bill_at": bill_at(fee.price, fee.subscription, fee.period),
            "subscription_id": fee.subscription.subscription_id,
            "price_id": fee.price.price_id,
            "meter_id": None,
            "group": UNGROUPED,
            "reason": reason,
        }
        for fee, reason in unrated
    ]
    types = dict(named_types(SET_ASIDE.schema))
    columns = {
        name: pa.array([row[name] for row in rows], kind)
        for name, kind in types.items()
        if name != SET_ASIDE.partition_column
    }
    return table_of(SET_ASIDE, columns, month)


def lines_table(lines: Sequence[RatedLine], month: str) -> pa.Table:
    """Lines as rows of `rated_lines`: the inverse of `rated_line`."""
    columns = {
        name: pa.array([getattr(line, name) for line in lines], kind)
        for name, kind in named_types(RATED_LINES.schema)
        if name != RATED_LINES.partition_column
    }
    return table_of(RATED_LINES, columns, month)


def _usage_rows(usage: pa.Table, numbers: Sequence[int], spans: Sequence[Span]) -> Iterator[UsageRow]:
    grouped_by = {text: tuple(json.loads(text)) for text in listed(usage["grouping"].unique())}
    priced_by = zip(
        values(usage["plan_id"]),
        values(usage["meter_id"]),
        [grouped_by[text] for text in values(usage["grouping"])],
        strict=True,
    )
    return zip(
        priced_by,
        values(usage["subscription_id"]),
        [spans[number] for number in numbers],
        values(usage["group"]),
        decimals(usage["quantity"]),
        strict=True,
    )


def _spans(usage: pa.Table) -> tuple[list[int], list[Span]]:
    """The distinct spans of usage rows, and the number of each row's."""
    found: dict[tuple[Any, ...], int] = {}
    names = ("period_start", "period_end", "segment_start", "segment_end")
    numbers = [
        found.setdefault(bounds, len(found))
        for bounds in zip(*(microseconds(usage[name]) for name in names), strict=True)
    ]
    spans: list[Span] = []
    for bounds in found:
        start, end, segment_start = map(instant, bounds[:3])
        segment_end = None if bounds[3] is None else instant(bounds[3])
        spans.append(Span.of(Period(start, end), segment_start, segment_end))
    return numbers, spans


def _span_columns(spans: Sequence[Span], numbers: pa.Int64Array) -> dict[str, ArrowArray]:
    columns = {
        "period_start": [span.active.start for span in spans],
        "period_end": [span.active.end for span in spans],
        "full_period_start": [span.full.start for span in spans],
        "full_period_end": [span.full.end for span in spans],
    }
    return {name: pa.array(values, INSTANT).take(numbers) for name, values in columns.items()}


def _fees(pipeline: Pipeline, known: Known, month: str) -> Iterator[DueFee]:
    plans = {plan.plan_id: plan for plan in known.catalog.plans if any(price.is_fee for price in plan.prices)}
    for subscription in billable([each for each in known.customers.subscriptions if each.plan_id in plans]):
        plan, zone = plans[subscription.plan_id or ""], known.customers.zone_of(subscription.company_id)
        for price, period in fees_due(plan, subscription, month, zone, pipeline.seller.first_month):
            yield DueFee(plan, price, subscription, period, zone)
