"""The names under which a provider knows what we did never change: under another one an invoice would come twice."""

import base64
import hashlib
import json

from monetization_pipeline.ledger.records import Place
from monetization_pipeline.publishing.keys import customer_key, publish_key

PLACE = Place("stripe", "test", "acct_1")
OTHERS = (Place("zuora", "test", "acct_1"), Place("stripe", "test", "acct_2"), Place("stripe", "live", "acct_1"))
SELLER = "seller_abcdefghijklmnopqrstuvwxyz"


def named(prefix: str, *parts: str) -> str:
    """`<prefix>_` and 26 characters of base32 of the SHA-256 of the parts as a JSON list, in lowercase."""
    digest = hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).digest()
    return f"{prefix}_{base64.b32encode(digest).decode().lower()[:26]}"


def test_keys_are_made_of_their_parts_alone() -> None:
    assert publish_key(SELLER, PLACE, "in_a", 1) == named("pub", SELLER, "stripe", "acct_1", "test", "in_a", "1")
    assert customer_key(SELLER, PLACE, "acme") == named("company", SELLER, "stripe", "acct_1", "test", "acme")


def test_who_published_before_sellers_had_ids_keeps_the_keys_of_then() -> None:
    assert publish_key("", PLACE, "in_a", 1) == named("pub", "stripe", "acct_1", "test", "in_a", "1")
    assert customer_key("", PLACE, "acme") == named("company", "stripe", "acct_1", "test", "acme")


def test_keys_differ_in_each_of_their_parts() -> None:
    invoices = {
        publish_key(SELLER, PLACE, "in_a", 1),
        publish_key(SELLER, PLACE, "in_a", 2),
        publish_key(SELLER, PLACE, "in_b", 1),
        publish_key("", PLACE, "in_a", 1),
        *(publish_key(SELLER, place, "in_a", 1) for place in OTHERS),
    }
    companies = {
        customer_key(SELLER, PLACE, "acme"),
        customer_key(SELLER, PLACE, "globex"),
        customer_key("", PLACE, "acme"),
        *(customer_key(SELLER, place, "acme") for place in OTHERS),
    }
    assert (len(invoices), len(companies)) == (7, 6)
