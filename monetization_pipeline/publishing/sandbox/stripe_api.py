"""What Stripe does, as far as it is needed to issue invoices: customers, drafts, lines, finalizing, voiding.

Every endpoint is a function of the store and the call.
Source: https://docs.stripe.com/api, as the official client's version describes it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monetization_pipeline.publishing.sandbox import parameters as accepted
from monetization_pipeline.publishing.sandbox.parameters import Fields, RefusedError
from monetization_pipeline.publishing.sandbox.store import Store, new_id

Params = Mapping[str, Any]

_MAX_LINES = 250
_DEFAULT_PAGE = 10
_FIRST_LINES = 10
# Amounts of these currencies are whole multiples of this (https://docs.stripe.com/currencies).
_MULTIPLES = {"bhd": 10, "jod": 10, "kwd": 10, "omr": 10, "tnd": 10, "isk": 100, "ugx": 100}
# Of these it is documented nowhere how they are taken.
_NO_CURRENCIES = frozenset({"iqd", "lyd"})


@dataclass(frozen=True, slots=True)
class Call:
    """What an endpoint is called with: the id in the path, the decoded parameters, the time in seconds."""

    id: str
    params: Params
    now: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A verb, a path, the parameters that it takes, and the function that answers."""

    method: str
    path: str
    fields: Fields
    answer: Callable[[Store, Call], dict[str, Any]]


def find_endpoint(method: str, path: str) -> tuple[Endpoint, str]:
    """The endpoint of a request and the id in its path, empty where it has none. RefusedError: no such endpoint."""
    for endpoint in ENDPOINTS:
        match = re.fullmatch(endpoint.path.replace("{id}", "([^/]+)"), path)
        if match and endpoint.method == method:
            return endpoint, "".join(match.groups())
    raise RefusedError(f"Unrecognized request URL ({method}: {path}): the sandbox does not have it", status=404)


def _account(store: Store, _call: Call) -> dict[str, Any]:
    return {"id": store.account, "object": "account", "country": "US", "default_currency": "usd", "type": "standard"}


def _create_customer(store: Store, call: Call) -> dict[str, Any]:
    email = call.params.get("email") or ""
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise RefusedError(f"Invalid email address: {email}", param="email", code="email_invalid")
    customer_id = new_id("cus")
    customer = {
        "id": customer_id,
        "object": "customer",
        "created": call.now,
        "name": call.params.get("name") or None,
        "email": call.params.get("email") or None,
        "description": call.params.get("description") or None,
        "metadata": call.params.get("metadata", {}),
        "livemode": False,
        "invoice_prefix": customer_id.removeprefix("cus_")[:8].upper(),
        "next_invoice_sequence": 1,
    }
    store.put("customer", customer)
    return customer


def _retrieve_customer(store: Store, call: Call) -> dict[str, Any]:
    found = _existing(store, "customer", call.id)
    return {"id": found["id"], "object": "customer", "deleted": True} if found.get("deleted") else found


def _list_customers(store: Store, call: Call) -> dict[str, Any]:
    customers = [
        each
        for each in reversed(store.all("customer"))
        if not each.get("deleted")
        and call.params.get("email") in (None, each["email"])
        and _created_within(each, call.params.get("created", {}))
    ]
    return _page("/v1/customers", customers, call.params)


def _delete_customer(store: Store, call: Call) -> dict[str, Any]:
    store.put("customer", {**_existing(store, "customer", call.id), "deleted": True})
    return {"id": call.id, "object": "customer", "deleted": True}


def _create_invoice(store: Store, call: Call) -> dict[str, Any]:
    customer = store.get("customer", call.params["customer"])
    if customer is None or customer.get("deleted"):
        raise _missing("customer", call.params["customer"], status=400)
    currency = call.params.get("currency", "usd")
    if not re.fullmatch("[a-z]{3}", currency) or currency in _NO_CURRENCIES:
        raise RefusedError(f"Invalid currency: {currency}", param="currency")
    invoice_id = new_id("in")
    invoice = {
        "id": invoice_id,
        "object": "invoice",
        "attempted": False,
        "auto_advance": call.params.get("auto_advance", False),
        "billing_reason": "manual",
        "collection_method": call.params.get("collection_method", "charge_automatically"),
        "created": call.now,
        "currency": currency,
        "customer": customer["id"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "description": call.params.get("description") or None,
        "livemode": False,
        "metadata": call.params.get("metadata", {}),
        "number": None,
        "period_start": call.now,
        "period_end": call.now,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
    }
    store.put("invoice", invoice)
    return _with_lines(store, invoice)


def _retrieve_invoice(store: Store, call: Call) -> dict[str, Any]:
    return _with_lines(store, _existing(store, "invoice", call.id))


def _list_invoices(store: Store, call: Call) -> dict[str, Any]:
    invoices = [
        each
        for each in reversed(store.all("invoice"))
        if call.params.get("customer") in (None, each["customer"])
        and call.params.get("status") in (None, each["status"])
        and _created_within(each, call.params.get("created", {}))
    ]
    page = _page("/v1/invoices", invoices, call.params)
    return {**page, "data": [_with_lines(store, each) for each in page["data"]]}


def _delete_invoice(store: Store, call: Call) -> dict[str, Any]:
    _draft(store, call.id, "You can only delete draft invoices.")
    store.delete(call.id)
    return {"id": call.id, "object": "invoice", "deleted": True}


def _add_lines(store: Store, call: Call) -> dict[str, Any]:
    invoice = _draft(store, call.id, "This invoice is no longer editable.")
    if len(store.all("line", invoice["id"])) + len(call.params["lines"]) > _MAX_LINES:
        raise RefusedError(f"An invoice can have at most {_MAX_LINES} items.", param="lines")
    for position, given in enumerate(call.params["lines"]):
        store.put("line", _line(given, f"lines[{position}]", invoice, call.now), owner=invoice["id"])
    invoice["metadata"] |= call.params.get("invoice_metadata", {})
    store.put("invoice", invoice)
    return _with_lines(store, invoice)


def _list_lines(store: Store, call: Call) -> dict[str, Any]:
    invoice = _existing(store, "invoice", call.id)
    return _page(f"/v1/invoices/{call.id}/lines", store.all("line", invoice["id"]), call.params)


def _finalize(store: Store, call: Call) -> dict[str, Any]:
    invoice = _draft(store, call.id, "This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    lines = store.all("line", invoice["id"])
    if not lines:
        raise RefusedError("You can't finalize an invoice without lines.", code="invoice_no_customer_line_items")
    total = sum(line["amount"] for line in lines)
    customer = _existing(store, "customer", invoice["customer"])
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    store.put("customer", {**customer, "next_invoice_sequence": customer["next_invoice_sequence"] + 1})
    paid = total <= 0
    invoice |= {
        "auto_advance": call.params.get("auto_advance", invoice["auto_advance"]),
        "number": number,
        "status": "paid" if paid else "open",
        "status_transitions": invoice["status_transitions"]
        | {"finalized_at": call.now, "paid_at": call.now if paid else None},
    }
    store.put("invoice", invoice)
    return _with_lines(store, invoice)


def _void(store: Store, call: Call) -> dict[str, Any]:
    invoice = _existing(store, "invoice", call.id)
    if invoice["status"] not in ("open", "uncollectible"):
        raise RefusedError(f"You can only void open or uncollectible invoices; this one is {invoice['status']}.")
    invoice |= {"status": "void", "status_transitions": invoice["status_transitions"] | {"voided_at": call.now}}
    store.put("invoice", invoice)
    return _with_lines(store, invoice)


def _line(given: Params, param: str, invoice: Params, now: int) -> dict[str, Any]:
    currency, amount = invoice["currency"], given["amount"]
    multiple = _MULTIPLES.get(currency, 1)
    if amount % multiple:
        raise RefusedError(f"Amounts in {currency} must be multiples of {multiple}.", param=f"{param}[amount]")
    period = given.get("period", {"start": now, "end": now})
    if period["end"] < period["start"]:
        raise RefusedError("The period's end must not lie before its start.", param=f"{param}[period][end]")
    return {
        "id": new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": given.get("description") or None,
        "discountable": given.get("discountable", amount >= 0),
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": False,
        "metadata": given.get("metadata", {}),
        "period": period,
        "quantity": 1,
        "subtotal": amount,
    }


def _with_lines(store: Store, invoice: dict[str, Any]) -> dict[str, Any]:
    lines = store.all("line", invoice["id"])
    total = sum(line["amount"] for line in lines)
    due = max(total, 0) if invoice["status"] in ("draft", "open") else 0
    return {
        **invoice,
        "lines": {
            "object": "list",
            "data": lines[:_FIRST_LINES],
            "has_more": len(lines) > _FIRST_LINES,
            "url": f"/v1/invoices/{invoice['id']}/lines",
        },
        "subtotal": total,
        "total": total,
        "amount_due": max(total, 0),
        "amount_paid": 0,
        "amount_remaining": due,
    }


def _existing(store: Store, kind: str, object_id: str) -> dict[str, Any]:
    found = store.get(kind, object_id)
    if found is None:
        raise _missing(kind, object_id, status=404)
    return found


def _draft(store: Store, invoice_id: str, message: str) -> dict[str, Any]:
    invoice = _existing(store, "invoice", invoice_id)
    if invoice["status"] != "draft":
        raise RefusedError(message, code="invoice_not_editable")
    return invoice


def _missing(kind: str, object_id: str, *, status: int) -> RefusedError:
    return RefusedError(f"No such {kind}: '{object_id}'", param=kind, code="resource_missing", status=status)


def _created_within(each: Params, bounds: Params) -> bool:
    created = each["created"]
    return bounds.get("gt", created - 1) < created < bounds.get("lt", created + 1) and bounds.get(
        "gte", created
    ) <= created <= bounds.get("lte", created)


def _page(url: str, every: Sequence[dict[str, Any]], params: Params) -> dict[str, Any]:
    after = params.get("starting_after")
    start = 0
    if after is not None:
        ids = [each["id"] for each in every]
        if after not in ids:
            raise RefusedError(f"No such object: '{after}'", param="starting_after", code="resource_missing")
        start = ids.index(after) + 1
    end = start + params.get("limit", _DEFAULT_PAGE)
    return {"object": "list", "url": url, "data": list(every[start:end]), "has_more": end < len(every)}


ENDPOINTS = (
    Endpoint("GET", "/v1/account", accepted.NOTHING, _account),
    Endpoint("POST", "/v1/customers", accepted.CUSTOMER_CREATE, _create_customer),
    Endpoint("GET", "/v1/customers", accepted.CUSTOMER_LIST, _list_customers),
    Endpoint("GET", "/v1/customers/{id}", accepted.NOTHING, _retrieve_customer),
    Endpoint("DELETE", "/v1/customers/{id}", accepted.NOTHING, _delete_customer),
    Endpoint("POST", "/v1/invoices", accepted.INVOICE_CREATE, _create_invoice),
    Endpoint("GET", "/v1/invoices", accepted.INVOICE_LIST, _list_invoices),
    Endpoint("GET", "/v1/invoices/{id}", accepted.NOTHING, _retrieve_invoice),
    Endpoint("DELETE", "/v1/invoices/{id}", accepted.NOTHING, _delete_invoice),
    Endpoint("POST", "/v1/invoices/{id}/add_lines", accepted.INVOICE_ADD_LINES, _add_lines),
    Endpoint("GET", "/v1/invoices/{id}/lines", accepted.PAGE, _list_lines),
    Endpoint("POST", "/v1/invoices/{id}/finalize", accepted.INVOICE_FINALIZE, _finalize),
    Endpoint("POST", "/v1/invoices/{id}/void", accepted.NOTHING, _void),
)
