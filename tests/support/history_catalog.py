"""A catalog with every meter and price model, for the pipeline and, in plain Python, for the oracle."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from oracle import Meter
from oracle_events import Event, number

_METERS: list[dict[str, object]] = [
    {"meter_id": "calls", "event_type": "api_call", "filter": "status < 400", "aggregation": "count"},
    {
        "meter_id": "attempts",
        "event_type": "api_call",
        "filter": "status is null or not (status = 500)",
        "aggregation": "count",
        "count_blocked": True,
        "directions": ["Outgoing", "Incoming"],
    },
    {
        "meter_id": "tokens",
        "event_type": "api_call",
        "aggregation": "sum",
        "value": "metadata.v",
        "dimensions": ["metadata.k"],
    },
    {"meter_id": "low", "event_type": "action", "action_name": "job", "aggregation": "min", "value": "metadata.v"},
    {"meter_id": "peak", "filter": "not (metadata.k = 'a')", "aggregation": "max", "value": "metadata.v * 2 + 1"},
    {"meter_id": "last", "aggregation": "latest", "value": "metadata.v", "dimensions": ["user_id", "metadata.k"]},
    {
        "meter_id": "users",
        "filter": "status = 200 or not (weight > 1)",
        "aggregation": "unique_count",
        "value": "user_id",
        "dimensions": ["metadata.k"],
    },
    {"meter_id": "Tokens", "aggregation": "sum", "value": "metadata.V"},
]
_PLANS: list[dict[str, object]] = [
    {
        "plan_id": "basic",
        "currency": "USD",
        "interval": "month",
        "prices": [
            {"price_id": "basic_fee", "model": "flat", "amount": "31.00", "bill": "in_advance"},
            {
                "price_id": "basic_calls",
                "model": "graduated",
                "meter": "calls",
                "tiers": [
                    {"up_to": "2", "unit_amount": "0", "flat_amount": "1.005"},
                    {"up_to": "4", "unit_amount": "0.015"},
                    {"up_to": None, "unit_amount": "0.005", "flat_amount": "0.1"},
                ],
            },
            {
                "price_id": "basic_tokens",
                "model": "per_unit",
                "meter": "tokens",
                "group_by": ["metadata.k"],
                "transform": {"divide": "3", "round": "nearest", "step": "0.5"},
                "unit_amount": "0.333333333333",
            },
            {"price_id": "basic_users", "model": "per_unit", "meter": "users", "unit_amount": "4.5"},
        ],
    },
    {
        "plan_id": "pro",
        "currency": "USD",
        "interval": "month",
        "prices": [
            {"price_id": "pro_fee", "model": "flat", "amount": "99.99", "prorate": "second"},
            {
                "price_id": "pro_calls",
                "model": "volume",
                "meter": "attempts",
                "tiers": [
                    {"up_to": "3", "unit_amount": "0.125"},
                    {"up_to": None, "unit_amount": "0.1", "flat_amount": "1"},
                ],
            },
            {
                "price_id": "pro_tokens",
                "model": "package",
                "meter": "tokens",
                "package_size": "2.5",
                "package_amount": "0.335",
                "included_units": "1",
            },
            {
                "price_id": "pro_tokens_by_kind",
                "model": "graduated",
                "meter": "tokens",
                "group_by": ["metadata.k"],
                "tiers": [{"up_to": "2.5", "unit_amount": "0.5"}, {"up_to": None, "unit_amount": "0.1"}],
            },
            {"price_id": "pro_low", "model": "per_unit", "meter": "low", "unit_amount": "1"},
            {
                "price_id": "pro_peak",
                "model": "per_unit",
                "meter": "peak",
                "transform": {"multiply": "1.5", "round": "up"},
                "unit_amount": "0.01",
            },
            {"price_id": "pro_last", "model": "per_unit", "meter": "last", "unit_amount": "0.5"},
            {
                "price_id": "pro_users",
                "model": "per_unit",
                "meter": "users",
                "group_by": ["metadata.k"],
                "included_units": "1",
                "unit_amount": "2",
            },
        ],
    },
    {
        "plan_id": "extra",
        "currency": "EUR",
        "interval": "month",
        "prices": [
            {"price_id": "extra_fee", "model": "flat", "amount": "5", "prorate": "none", "bill": "in_advance"},
            {"price_id": "extra_calls", "model": "per_unit", "meter": "calls", "unit_amount": "0.01"},
            {"price_id": "extra_tokens", "model": "per_unit", "meter": "Tokens", "unit_amount": "3"},
            {
                "price_id": "extra_last",
                "model": "per_unit",
                "meter": "last",
                "group_by": ["metadata.k", "user_id"],
                "unit_amount": "1",
            },
        ],
    },
]
CATALOG: Mapping[str, object] = {"meters": _METERS, "plans": _PLANS}


def _peak_value(event: Event) -> str | None:
    """`metadata.v * 2 + 1`, as text where it is a number."""
    value = number(event.text("v"))
    return None if value is None else _decimal_text(value * 2 + 1)


def _decimal_text(value: Fraction) -> str:
    digits = str(abs(value) * 10**12 // 1).rjust(13, "0")
    return f"{'-' if value < 0 else ''}{digits[:-12]}.{digits[-12:]}"


def _kind(event: Event) -> str | None:
    return event.text("k")


def _user(event: Event) -> str | None:
    return event.user_id


def _value(event: Event) -> str | None:
    return event.text("v")


METERS: Sequence[Meter] = (
    Meter("calls", "count", lambda e: e.event_type == "api_call" and e.status is not None and e.status < 400),
    Meter(
        "attempts",
        "count",
        lambda e: e.event_type == "api_call" and e.status != 500,
        count_blocked=True,
        directions=("Incoming", "Outgoing"),
    ),
    Meter("tokens", "sum", lambda e: e.event_type == "api_call", _value, {"metadata.k": _kind}),
    Meter("low", "min", lambda e: e.event_type == "action" and e.action_name == "job", _value),
    Meter("peak", "max", lambda e: _kind(e) not in (None, "a"), _peak_value),
    Meter("last", "latest", lambda _: True, _value, {"user_id": _user, "metadata.k": _kind}),
    Meter("users", "unique_count", lambda e: e.status == 200 or e.weight <= 1, _user, {"metadata.k": _kind}),
    Meter("Tokens", "sum", lambda _: True, lambda e: e.text("V")),
)
PRICING: Mapping[str, Mapping[str, frozenset[str]]] = {
    "basic": {
        "calls": frozenset({"basic_calls"}),
        "tokens": frozenset({"basic_tokens"}),
        "users": frozenset({"basic_users"}),
    },
    "pro": {
        "attempts": frozenset({"pro_calls"}),
        "tokens": frozenset({"pro_tokens", "pro_tokens_by_kind"}),
        "low": frozenset({"pro_low"}),
        "peak": frozenset({"pro_peak"}),
        "last": frozenset({"pro_last"}),
        "users": frozenset({"pro_users"}),
    },
    "extra": {
        "calls": frozenset({"extra_calls"}),
        "Tokens": frozenset({"extra_tokens"}),
        "last": frozenset({"extra_last"}),
    },
}
