"""A seller with one meter and one price, 0.10 a call, and files of calls."""

import json
from pathlib import Path
from typing import Any

import yaml

CATALOG: dict[str, Any] = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}],
    "plans": [
        {
            "plan_id": "payg",
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": "per_call", "model": "per_unit", "meter": "calls", "unit_amount": "0.10"}],
        }
    ],
}
CUSTOMERS: dict[str, Any] = {"subscriptions": [{"subscription_id": "s1", "company_id": "acme", "plan_id": "payg"}]}
SOURCE: dict[str, Any] = {
    "format": "ndjson",
    "mapping": {"event_id": "id", "event_type": "'api_call'", "occurred_at": "at", "company_id": "company"},
}


def set_up(home: Path) -> None:
    """Make `home` the seller's working folder."""
    for folder, name, content in (
        ("catalog", "catalog", CATALOG),
        ("customers", "customers", CUSTOMERS),
        ("sources", "api", SOURCE),
    ):
        (home / folder).mkdir()
        (home / folder / f"{name}.yaml").write_text(yaml.safe_dump(content))


def calls(*events: tuple[str, str], company: str = "acme") -> bytes:
    """Calls as (id, instant), a line each."""
    return "".join(f"{json.dumps({'id': name, 'at': at, 'company': company})}\n" for name, at in events).encode()
