"""Events, and the usage that they become."""

from collections.abc import Sequence

from monetization_pipeline.datasets.columns import (
    ADDED_TO_EVENTS,
    DAY,
    EVENT,
    INSTANT,
    LONG,
    OCCURRED_ON,
    PERIOD_KEY,
    SUM,
    TEXT,
    VALUE,
)
from monetization_pipeline.datasets.spec import Column, DatasetSpec, schema

EVENTS = DatasetSpec(
    "events",
    "events of a day, each once, sorted by company as sent",
    schema(*EVENT, OCCURRED_ON, added=ADDED_TO_EVENTS),
    ("source", "event_id"),
    "occurred_on",
    row_hash="content_hash",
)

DAILY_USAGE = DatasetSpec(
    "daily_usage",
    "mergeable states of meters, per subscription, dimensions and local day; events that the same meters count are one",
    schema(
        ("company_id", TEXT, "company charged"),
        ("subscription_id", TEXT, "subscription charged"),
        ("segment_start", INSTANT, "start of the segment"),
        ("period_start", INSTANT, "start of the full billing period"),
        ("meters", TEXT, "JSON list of the meters that this is a state of; they read the same value, or count"),
        ("dimensions", TEXT, "JSON object of all dimensions that any of the meters may have"),
        ("usage_on", DAY, "local day"),
        ("events", LONG, "events metered"),
        ("count_value", SUM, "sum of weights"),
        ("sum_value", SUM, "sum of values"),
        ("min_value", VALUE, "smallest value"),
        ("max_value", VALUE, "greatest value"),
        ("latest_value", VALUE, "value of the greatest (occurred_at, source, event_id)"),
        ("latest_at", INSTANT, "its occurred_at"),
        ("latest_source", TEXT, "its source"),
        ("latest_event_id", TEXT, "its event_id"),
        OCCURRED_ON,
    ),
    ("subscription_id", "segment_start", "period_start", "meters", "dimensions", "usage_on"),
    "occurred_on",
    # What the subscription says; usage takes it from there.
    volatile=("company_id", "usage_on", "occurred_on"),
)

EVENT_REPORT: Sequence[Column] = (
    ("source", TEXT, "source of the event"),
    ("event_id", TEXT, "id of the event"),
    ("meter_id", TEXT, "meter; empty where none"),
    ("company_id", TEXT, "company, where it is known"),
    ("reason", TEXT, "why"),
)

METER_REFUSALS = DatasetSpec(
    "meter_refusals",
    "events that a meter cannot use: its value is absent, or something that it reads is there and cannot be read",
    schema(*EVENT_REPORT, ("value", TEXT, "what is there, as sent; empty where it is absent"), OCCURRED_ON),
    ("source", "event_id", "meter_id"),
    "occurred_on",
)

UNBILLED = DatasetSpec(
    "unbilled",
    "events nobody is charged for, with the reason",
    schema(
        *EVENT_REPORT,
        ("user_id", TEXT, "user as sent"),
        ("subscription_id", TEXT, "subscription as sent"),
        ("occurred_at", INSTANT, "when it happened"),
        OCCURRED_ON,
    ),
    ("source", "event_id", "meter_id"),
    "occurred_on",
)

USAGE = DatasetSpec(
    "usage",
    "quantity of one meter for one segment in one billing period, per grouping",
    schema(
        ("company_id", TEXT, "company charged"),
        ("subscription_id", TEXT, "subscription charged"),
        ("plan_id", TEXT, "plan of the segment"),
        ("segment_start", INSTANT, "start of the segment"),
        ("segment_end", INSTANT, "end of the segment; empty where it does not lie before the period's end"),
        ("period_start", INSTANT, "start of the full billing period"),
        ("period_end", INSTANT, "end of the full billing period"),
        ("meter_id", TEXT, "meter"),
        ("grouping", TEXT, "JSON list of the dimensions grouped by"),
        ("group", TEXT, "JSON object of their values"),
        ("quantity", SUM, "quantity"),
        ("events", LONG, "events metered"),
        PERIOD_KEY,
    ),
    ("subscription_id", "segment_start", "period_start", "meter_id", "grouping", "group"),
    "billing_period",
)
