"""The names under which a provider knows what we did never change: under another one an invoice would come twice."""

import base64
import hashlib
import json

from monetization_pipeline.publishing.keys import customer_key, publish_key

INVOICE = ("stripe", "acct_1", "test", "in_a")
COMPANY = ("stripe", "acct_1", "test", "acme")


def named(prefix: str, *parts: str) -> str:
    """`<prefix>_` and 26 characters of base32 of the SHA-256 of the parts as a JSON list, in lowercase."""
    digest = hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).digest()
    return f"{prefix}_{base64.b32encode(digest).decode().lower()[:26]}"


def test_keys_are_made_of_their_parts_alone() -> None:
    assert publish_key(*INVOICE, 1) == named("pub", *INVOICE, "1")
    assert customer_key(*COMPANY) == named("company", *COMPANY)


def test_keys_differ_in_each_of_their_parts() -> None:
    invoices = {
        publish_key(*INVOICE, 1),
        publish_key(*INVOICE, 2),
        publish_key("zuora", "acct_1", "test", "in_a", 1),
        publish_key("stripe", "acct_2", "test", "in_a", 1),
        publish_key("stripe", "acct_1", "live", "in_a", 1),
        publish_key("stripe", "acct_1", "test", "in_b", 1),
    }
    companies = {
        customer_key(*COMPANY),
        customer_key("zuora", "acct_1", "test", "acme"),
        customer_key("stripe", "acct_2", "test", "acme"),
        customer_key("stripe", "acct_1", "live", "acme"),
        customer_key("stripe", "acct_1", "test", "globex"),
    }
    assert (len(invoices), len(companies)) == (6, 5)
