"""Every dataset of the lake: Arrow schema, key, partition column and meaning. The only contract between steps."""

from monetization_pipeline.datasets.billing import (
    CATALOGS,
    ELSEWHERE,
    INVOICE_LINES,
    INVOICES,
    RATED_LINES,
    SET_ASIDE,
)
from monetization_pipeline.datasets.columns import DIRECTIONS, EVENT_CONTENT, EXACT_AMOUNT, INSTANT, SUM, VALUE, WHOLE
from monetization_pipeline.datasets.customers import COMPANIES, SUBSCRIPTIONS, USERS
from monetization_pipeline.datasets.published import STRIPE_INVOICES, provider_invoices
from monetization_pipeline.datasets.received import CORRECTIONS, ENTITY_CHANGES, LANDING_FILES, RAW_EVENTS, REFUSALS
from monetization_pipeline.datasets.spec import DatasetSpec
from monetization_pipeline.datasets.usage import DAILY_USAGE, EVENTS, METER_REFUSALS, UNBILLED, USAGE

#: In the order of the road; those of providers follow (`publishing.registry.every_dataset`).
ALL: tuple[DatasetSpec, ...] = (
    LANDING_FILES,
    RAW_EVENTS,
    REFUSALS,
    CORRECTIONS,
    ENTITY_CHANGES,
    COMPANIES,
    USERS,
    SUBSCRIPTIONS,
    EVENTS,
    DAILY_USAGE,
    METER_REFUSALS,
    UNBILLED,
    USAGE,
    CATALOGS,
    RATED_LINES,
    SET_ASIDE,
    ELSEWHERE,
    INVOICES,
    INVOICE_LINES,
)

__all__ = [
    "ALL",
    "CATALOGS",
    "COMPANIES",
    "CORRECTIONS",
    "DAILY_USAGE",
    "DIRECTIONS",
    "ELSEWHERE",
    "ENTITY_CHANGES",
    "EVENTS",
    "EVENT_CONTENT",
    "EXACT_AMOUNT",
    "INSTANT",
    "INVOICES",
    "INVOICE_LINES",
    "LANDING_FILES",
    "METER_REFUSALS",
    "RATED_LINES",
    "RAW_EVENTS",
    "REFUSALS",
    "SET_ASIDE",
    "STRIPE_INVOICES",
    "SUBSCRIPTIONS",
    "SUM",
    "UNBILLED",
    "USAGE",
    "USERS",
    "VALUE",
    "WHOLE",
    "DatasetSpec",
    "provider_invoices",
]
