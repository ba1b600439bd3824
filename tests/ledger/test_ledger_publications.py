"""An intent is one, its requests are all kept, and its keys change exactly when they must."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger.errors import PublicationDiffersError
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.records import CustomerKey, Intent, Outcome, PublicationState

MakeInvoice = Callable[..., Invoice]
AT = datetime(2023, 8, 2, tzinfo=UTC)
INTENT = Intent(
    publication_id="pub_1",
    provider="stripe",
    account="acct_1",
    mode="test",
    invoice_id="in_a",
    revision=1,
    content_hash="c" * 64,
    provider_customer_id="cus_1",
    currency="USD",
    total=Decimal("100.01"),
)
KEY = CustomerKey("stripe", "acct_1", "test", "acme")


@pytest.fixture
def booked(ledger: Ledger, make_invoice: MakeInvoice) -> Ledger:
    ledger.book([make_invoice("in_a"), make_invoice("in_b")], period="2023-07", as_of=AT, by="tester", at=AT)
    return ledger


def key_of(ledger: Ledger, outcome: Outcome | None, subject: str = "pub_1", step: str = "invoice") -> str:
    """Key of the next request, which then ends with `outcome` (None: is cut short)."""
    attempt = ledger.record_request(subject, step, AT)
    if outcome is not None:
        ledger.record_outcome(attempt.request_id, outcome, "because", AT)
    return attempt.idempotency_key


def test_a_publication_goes_from_intent_over_draft_to_issued(booked: Ledger) -> None:
    assert booked.publication("pub_1") is None
    begun = booked.record_intent(INTENT, AT)
    assert (begun.intent, begun.state, begun.provider_invoice_id) == (INTENT, PublicationState.INTENT, None)
    draft = booked.record_draft("pub_1", "in_stripe", AT + timedelta(seconds=1))
    assert (draft.state, draft.provider_invoice_id) == (PublicationState.DRAFT, "in_stripe")
    issued = booked.record_issued("pub_1", "in_stripe", "ACME-0001", Decimal("100.01"), AT + timedelta(seconds=2))
    assert (issued.state, issued.number) == (PublicationState.ISSUED, "ACME-0001")
    assert (issued.created_at, issued.changed_at) == (AT, AT + timedelta(seconds=2))
    assert booked.publication("pub_1") == issued
    assert booked.publications("2023-07") == (issued,) == booked.publications_of("stripe", "acct_1", "test")
    assert booked.publications("2023-08") == () == booked.publications_of("stripe", "acct_1", "live")


def test_the_same_intent_again_is_the_same_publication(booked: Ledger) -> None:
    first = booked.record_intent(INTENT, AT)
    assert booked.record_intent(INTENT, AT + timedelta(days=1)) == first


@pytest.mark.parametrize(
    "other",
    [
        replace(INTENT, content_hash="d" * 64),
        replace(INTENT, total=Decimal("1.00")),
        replace(INTENT, provider_customer_id="cus_2"),
    ],
    ids=["content", "total", "customer"],
)
def test_an_intent_never_changes(booked: Ledger, other: Intent) -> None:
    booked.record_intent(INTENT, AT)
    with pytest.raises(PublicationDiffersError, match="publication pub_1 of invoice in_a was begun with other content"):
        booked.record_intent(other, AT)


def test_an_invoice_has_one_publication_in_an_account_and_mode(booked: Ledger) -> None:
    booked.record_intent(INTENT, AT)
    with pytest.raises(IntegrityError):
        booked.record_intent(replace(INTENT, publication_id="pub_2"), AT)
    booked.record_intent(replace(INTENT, publication_id="pub_2", mode="live"), AT)
    assert len(booked.publications("2023-07")) == 2


def test_what_is_not_booked_is_not_published(booked: Ledger) -> None:
    with pytest.raises(IntegrityError):
        booked.record_intent(replace(INTENT, invoice_id="in_unknown"), AT)


def test_nothing_is_issued_twice(booked: Ledger) -> None:
    booked.record_intent(INTENT, AT)
    booked.record_issued("pub_1", "in_stripe", "ACME-0001", Decimal("100.01"), AT)
    with pytest.raises(IntegrityError):
        booked.record_issued("pub_1", "in_other", "ACME-0002", Decimal("100.01"), AT)


@pytest.mark.parametrize(
    ("ended", "attempt"),
    [(None, 1), (Outcome.UNKNOWN, 1), (Outcome.NOT_DONE, 1), (Outcome.DONE, 1), (Outcome.SPENT, 2)],
)
def test_a_key_changes_only_once_it_is_spent(booked: Ledger, ended: Outcome | None, attempt: int) -> None:
    booked.record_intent(INTENT, AT)
    assert key_of(booked, ended) == "pub_1:invoice:1"
    assert key_of(booked, None) == f"pub_1:invoice:{attempt}"


def test_the_keys_of_other_steps_and_subjects_do_not_change_with_it(booked: Ledger) -> None:
    booked.record_intent(INTENT, AT)
    key_of(booked, Outcome.SPENT)
    assert key_of(booked, None, step="finalize") == "pub_1:finalize:1"
    assert key_of(booked, None, subject="company_1") == "company_1:invoice:1"


def test_an_abandoned_draft_makes_all_keys_new_and_the_publication_an_intent_again(booked: Ledger) -> None:
    booked.record_intent(INTENT, AT)
    key_of(booked, Outcome.SPENT)
    booked.record_draft("pub_1", "in_stripe", AT)
    begun = booked.record_abandoned("pub_1", "in_stripe", "deleted by hand", AT)
    assert (begun.state, begun.provider_invoice_id, begun.attempt) == (PublicationState.INTENT, None, 2)
    assert key_of(booked, None) == "pub_1:invoice:3"
    assert key_of(booked, None, step="finalize") == "pub_1:finalize:2"


def test_a_customer_is_mapped_per_account_and_mode_and_the_last_mapping_holds(ledger: Ledger) -> None:
    assert ledger.customer(KEY) is None
    ledger.put_customer(KEY, "cus_1", AT)
    ledger.put_customer(KEY, "cus_1", AT)
    assert ledger.customer(KEY) == "cus_1"
    ledger.put_customer(KEY, "cus_2", AT)
    ledger.put_customer(KEY, "cus_1", AT)
    assert ledger.customer(KEY) == "cus_1"
    ledger.put_customer(KEY, "cus_3", AT)
    assert ledger.customer(KEY) == "cus_3"
    assert ledger.customer(replace(KEY, mode="live")) is None
    assert ledger.customer(replace(KEY, account="acct_2")) is None
