"""Versions of the files in `customers/`, one after the other, and what comes of them: 1.00 a day, and 1.00 a call."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import yaml
from workshop import RECEIVED, Workshop, lines

from monetization_pipeline.landing import customer_files
from monetization_pipeline.steps import invoices

MONTH = "2023-07"
#: A fee of 1.00 a day, and 1.00 a call.
CATALOG: dict[str, object] = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}],
    "plans": [
        {
            "plan_id": plan_id,
            "currency": "USD",
            "interval": "month",
            "prices": [
                {"price_id": "fee", "model": "flat", "amount": fee, "bill": "in_arrears"},
                {"price_id": "call", "model": "per_unit", "meter": "calls", "unit_amount": "1"},
            ],
        }
        for plan_id, fee in {"p": "31", "big": "310", "free": "0"}.items()
    ],
}
ACME = {"subscription_id": "s", "company_id": "acme", "plan_id": "p", "start_at": "2023-07-01"}
ENDING = ACME | {"end_at": "2023-07-16"}
FREE = [
    {"subscription_id": f"s-{company}", "company_id": company, "plan_id": "free", "start_at": "2023-07-01"}
    for company in ("acme", "globex")
]
U1 = {"user_id": "u1", "company_id": "acme"}
#: A call of u1 on the 10th, the 23rd and the 30th.
CALLS = [{"id": f"e{day}", "at": f"2023-07-{day}T12:00:00Z", "user": "u1"} for day in (10, 23, 30)]

Files = Mapping[str, object]


def opened_shop(shop: Workshop) -> Workshop:
    """With the catalog, and a source of recorded requests."""
    shop.catalog(CATALOG)
    shop.source("moesif", format="requests", mapping={})
    return shop


def write(shop: Workshop, files: Files, received_at: datetime) -> None:
    """Versions of files in `customers/`; what is text stands as it is."""
    for name, content in files.items():
        text = content if isinstance(content, str) else yaml.safe_dump(content)
        (shop.root / "customers" / name).write_text(text)
    customer_files.land_files(shop.pipeline.landing, shop.pipeline.home.customers, received_at)


def versions(shop: Workshop, written: Sequence[Files], first: datetime = RECEIVED) -> None:
    """One version after the other, an hour apart, each of them merged before the next comes."""
    for hours, files in enumerate(written):
        write(shop, files, first + timedelta(hours=hours))
        shop.ingest()
        shop.merge()


def totals(shop: Workshop) -> dict[str, Decimal]:
    shop.run(MONTH)
    return {each.company_id: each.total for each in invoices.read_invoices(shop.pipeline, MONTH) if each.total}


def subs(*records: Mapping[str, object]) -> Files:
    return {"customers.yaml": {"subscriptions": list(records)}}


def dated(day: int, **fields: object) -> dict[str, object]:
    return {"subscription_id": "s", "company_id": "acme", "valid_from": f"2023-07-{day:02}", **fields}


def users(*records: Mapping[str, object]) -> Files:
    return {"customers.yaml": {"users": list(records), "subscriptions": FREE}}


def since(day: int, company: str | None = "globex") -> dict[str, object]:
    return {"user_id": "u1", "company_id": company, "valid_from": f"2023-07-{day}"}


def request(path: str, body: Mapping[str, object]) -> bytes:
    return lines([{"method": "POST", "path": f"/v1/{path}", "body": dict(body)}])
