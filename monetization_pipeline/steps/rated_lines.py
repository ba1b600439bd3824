"""usage and fees × prices → rated_lines: exact amounts, in process."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from monetization_pipeline.catalog.models import Catalog, Plan, Price
from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.datasets import RATED_LINES, USAGE
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.periods import Period, add_months
from monetization_pipeline.rating.engine import rate_fee, rate_usage
from monetization_pipeline.rating.lines import LineKind, RatedLine, Usage
from monetization_pipeline.rating.planning import fees_due
from monetization_pipeline.steps.attribution import Attribution, month_fingerprints
from monetization_pipeline.steps.catalogs import price_digests
from monetization_pipeline.steps.pipeline import CODE_VERSION, Pipeline
from monetization_pipeline.steps.tables import fingerprint_of, read_rows, write_table
from monetization_pipeline.steps.usage import billable


def expected_state(pipeline: Pipeline, known: Attribution, month: str) -> PartitionState:
    """What `rated_lines` of a billing period would be made from now.

    A fee is due in the month of its period, in the one before (in advance), or where its subscription starts.
    """
    usage = pipeline.lake.table(USAGE).state(month)
    around = [add_months(month, -1), month, add_months(month, 1)]
    subscriptions = month_fingerprints(known, {plan.plan_id for plan in known.catalog.plans}, around)
    inputs = {
        "usage": usage.fingerprint if usage else "",
        "subscriptions": " | ".join(subscriptions[each] for each in around),
    }
    return PartitionState("", 0, inputs=inputs, digests=price_digests(known.catalog), code_version=CODE_VERSION)


def build(pipeline: Pipeline, known: Attribution, month: str) -> PartitionState:
    """Make `rated_lines` of a billing period. Raises ConcurrentCommitError, RatingError."""
    table = pipeline.lake.table(RATED_LINES)
    claim = table.claim([month])
    expected = expected_state(pipeline, known, month)
    usages = (_usage(row) for row in read_rows(pipeline.lake.table(USAGE).files([month])))
    lines = [*_usage_lines(known.catalog, usages), *_fee_lines(pipeline, known, month)]
    lines.sort(key=lambda line: (line.company_id, line.bill_at, line.subscription_id, line.price_id, line.line_id))
    path = table.new_path(month)
    write_table(RATED_LINES, _table(lines, month), path)
    with pipeline.engine.session() as session:
        fingerprint = fingerprint_of(session, RATED_LINES, [path])
    state = replace(expected, fingerprint=fingerprint, rows=len(lines))
    table.replace(claim, [NewFile(path, month, len(lines))], {month: state})
    return state


def read_lines(pipeline: Pipeline, month: str) -> list[RatedLine]:
    """The rated lines of a billing period as they are in the lake."""
    names = RatedLine.__slots__
    return [
        RatedLine(**{name: row[name] for name in names if name != "kind"}, kind=LineKind(row["kind"]))
        for row in read_rows(pipeline.lake.table(RATED_LINES).files([month]))
    ]


def _usage_lines(catalog: Catalog, usages: Iterator[Usage]) -> Iterator[RatedLine]:
    prices: dict[tuple[str, str, tuple[str, ...]], list[Price]] = {}
    currencies = {plan.plan_id: plan.currency for plan in catalog.plans}
    for plan in catalog.plans:
        for price in plan.prices:
            if price.meter is not None:
                prices.setdefault((plan.plan_id, price.meter, price.group_by), []).append(price)
    for usage in usages:
        for price in prices.get((usage.plan_id, usage.meter_id, usage.grouping), ()):
            yield rate_usage(price, usage, currencies[usage.plan_id])


def _fee_lines(pipeline: Pipeline, known: Attribution, month: str) -> Iterator[RatedLine]:
    for subscription, plan, price, period in _fees(pipeline, known, month):
        line = rate_fee(price, plan, subscription, period, pipeline.seller.zone)
        if line is not None:
            yield line


def _fees(pipeline: Pipeline, known: Attribution, month: str) -> Iterator[tuple[Subscription, Plan, Price, Period]]:
    plans = {plan.plan_id: plan for plan in known.catalog.plans}
    for subscription in billable(known.subscriptions):
        plan = plans.get(subscription.plan_id or "")
        if plan is not None:
            for price, period in fees_due(plan, subscription, month, pipeline.seller.zone, pipeline.seller.first_month):
                yield subscription, plan, price, period


def _usage(row: Mapping[str, Any]) -> Usage:
    return Usage(
        company_id=row["company_id"],
        subscription_id=row["subscription_id"],
        plan_id=row["plan_id"],
        segment_start=row["segment_start"],
        segment_end=row["segment_end"],
        period=Period(row["period_start"], row["period_end"]),
        meter_id=row["meter_id"],
        grouping=tuple(json.loads(row["grouping"])),
        group=row["group"],
        quantity=row["quantity"],
        events=row["events"],
    )


def _table(lines: Sequence[RatedLine], month: str) -> pa.Table:
    columns = {
        field.name: pa.array([getattr(line, field.name) for line in lines], field.type)
        for field in RATED_LINES.schema
        if field.name != "billing_period"
    }
    return pa.table(columns | {"billing_period": pa.repeat(pa.scalar(month), len(lines))}, schema=RATED_LINES.schema)
