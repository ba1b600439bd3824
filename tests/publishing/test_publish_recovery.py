"""Whatever call fails, however, and whenever it is done again: one final invoice with exactly our lines."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.opening import open_ledger
from monetization_pipeline.ledger.records import PublicationState
from monetization_pipeline.publishing.protocol import ProviderError
from monetization_pipeline.publishing.publisher import PublishReport, publish
from monetization_pipeline.publishing.stripe.limits import shown_amounts

#: Calls that publishing one invoice of a new company takes; a test below holds it to that.
CALLS = 9
FAULTS = ("before", "after", "500", "500_after", "429")

MakeInvoice = Callable[..., Invoice]
Publish = Callable[..., PublishReport]
Book = Callable[..., list[Invoice]]


class KilledError(BaseException):
    """The process dies here: nothing that follows is done."""


class Dying:
    """A provider whose process dies at the n-th call to it, before or after the call is made."""

    def __init__(self, provider: Any, dies_at: int, *, after: bool) -> None:
        self._provider = provider
        self._left = dies_at
        self._after = after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._provider, name)
        if not callable(found):
            return found

        def call(*arguments: Any) -> Any:
            self._left -= 1
            if self._left == 0 and not self._after:
                raise KilledError
            result = found(*arguments)
            if self._left == 0:
                raise KilledError
            return result

        return call


def try_to(publish_all: Publish, invoices: list[Invoice], provider: Any = None) -> None:
    with suppress(ProviderError, KilledError):
        publish_all(invoices, provider)


def assert_issued_once(sandbox: Any, ledger: Ledger, invoice: Invoice) -> None:
    assert len(sandbox.customers()) == 1
    (remote,) = sandbox.invoices()
    assert (remote["status"], remote["total"]) == ("open", 10001)
    assert sandbox.lines(remote["id"]) == {invoice.lines[0].line_id: 101, invoice.lines[1].line_id: 9900}
    (publication,) = ledger.publications("2023-07")
    assert publication.state is PublicationState.ISSUED
    assert (publication.provider_invoice_id, publication.number) == (remote["id"], remote["number"])


def test_one_invoice_of_a_new_company_takes_nine_calls(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    assert publish_all(booked(make_invoice())).complete
    assert [(call["method"], call["path"].rsplit("/")[-1][:10]) for call in sandbox.calls("POST")] == [
        ("POST", "customers"),
        ("POST", "invoices"),
        ("POST", "add_lines"),
        ("POST", "finalize"),
    ]
    assert len(sandbox.calls()) == CALLS


def test_the_ledger_keeps_the_number_and_the_total_that_the_provider_gave(
    sandbox: Any, tmp_path: Path, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    publish_all(booked(make_invoice()))
    (remote,) = sandbox.invoices()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        kept = connection.execute("SELECT number, total FROM publication_events WHERE state = 'issued'").fetchall()
    assert kept == [(remote["number"], "100.01")]


@pytest.mark.parametrize("forget", [False, True], ids=["at once", "a day later"])
@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("call", range(1, CALLS + 1))
def test_after_any_failure_of_any_call_publishing_again_issues_once(
    sandbox: Any,
    ledger: Ledger,
    make_invoice: MakeInvoice,
    booked: Book,
    publish_all: Publish,
    call: int,
    kind: str,
    forget: bool,
) -> None:
    (invoice,) = booked(make_invoice())
    sandbox.fault(call=call, kind=kind)
    try_to(publish_all, [invoice])
    if forget:
        sandbox.forget_keys()
    # A failure that the provider repeats for the same key costs one more time.
    try_to(publish_all, [invoice])
    report = publish_all([invoice])
    assert report.complete
    assert_issued_once(sandbox, ledger, invoice)


@pytest.mark.parametrize("forget", [False, True], ids=["at once", "a day later"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies_at", range(1, 9))
def test_after_dying_at_any_call_publishing_again_issues_once(
    sandbox: Any,
    ledger: Ledger,
    make_invoice: MakeInvoice,
    booked: Book,
    publish_all: Publish,
    dies_at: int,
    after: bool,
    forget: bool,
) -> None:
    (invoice,) = booked(make_invoice())
    try_to(publish_all, [invoice], Dying(sandbox.provider(), dies_at, after=after))
    if forget:
        sandbox.forget_keys()
    assert publish_all([invoice]).complete
    assert_issued_once(sandbox, ledger, invoice)


@pytest.mark.parametrize(
    ("first", "second"), list(product(["before", "after", "500", "500_after"], ["after", "500_after"])), ids=str
)
@pytest.mark.parametrize("path", ["/customers", "/invoices", "/add_lines", "/finalize"])
def test_two_failures_of_the_same_request_are_survived(
    sandbox: Any,
    ledger: Ledger,
    make_invoice: MakeInvoice,
    booked: Book,
    publish_all: Publish,
    path: str,
    first: str,
    second: str,
) -> None:
    (invoice,) = booked(make_invoice())
    for kind in (first, second):
        sandbox.fault(method="POST", path=path, kind=kind)
        try_to(publish_all, [invoice])
    for _ in range(2):
        try_to(publish_all, [invoice])
    assert publish_all([invoice]).complete
    assert_issued_once(sandbox, ledger, invoice)


def test_what_comes_too_fast_is_repeated_after_longer_and_longer_pauses(
    sandbox: Any, ledger: Ledger, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    (invoice,) = booked(make_invoice())
    for path in ("/customers", "/invoices", "/add_lines", "/finalize", "/finalize", "/finalize"):
        sandbox.fault(method="POST", path=path, kind="429")
    pauses: list[float] = []
    assert publish_all([invoice], sandbox.provider(pause=pauses.append)).complete
    assert_issued_once(sandbox, ledger, invoice)
    assert len(pauses) == 6
    assert all(0.25 <= pause / 2**doubled <= 0.75 for pause, doubled in zip(pauses[-3:], range(3), strict=True))


def test_a_ledger_that_lost_everything_adopts_what_the_provider_has(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish, tmp_path: Path, clock: Any
) -> None:
    (invoice,) = booked(make_invoice())
    publish_all([invoice])
    sandbox.forget_keys()
    with closing(open_ledger(f"sqlite:///{tmp_path / 'restored.db'}")) as restored:
        restored.book([invoice], period="2023-07", as_of=clock(), by="tester", at=clock())
        assert publish([invoice], sandbox.provider(), restored, clock, limits=shown_amounts).complete
        assert_issued_once(sandbox, restored, invoice)


def test_a_draft_deleted_by_hand_is_made_anew_though_the_provider_repeats_its_old_answer(
    sandbox: Any, ledger: Ledger, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    (invoice,) = booked(make_invoice())
    try_to(publish_all, [invoice], Dying(sandbox.provider(), 4, after=True))
    (draft,) = sandbox.invoices()
    sandbox.http.delete(f"/v1/invoices/{draft['id']}").raise_for_status()
    assert publish_all([invoice]).complete
    assert_issued_once(sandbox, ledger, invoice)
    assert any(call["replayed"] for call in sandbox.calls())


class Meddling:
    """A provider at which somebody deletes the first draft, just after its lines were added."""

    def __init__(self, provider: Any, delete: Callable[[str], Any]) -> None:
        self._provider = provider
        self._delete = delete
        self.deleted: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def add_lines(self, document: Any, provider_invoice_id: str, *rest: Any) -> None:
        self._provider.add_lines(document, provider_invoice_id, *rest)
        if not self.deleted:
            self._delete(f"/v1/invoices/{provider_invoice_id}").raise_for_status()
            self.deleted.append(provider_invoice_id)


def test_a_draft_deleted_by_hand_while_it_is_filled_is_made_anew(
    sandbox: Any, ledger: Ledger, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    (invoice,) = booked(make_invoice())
    meddling = Meddling(sandbox.provider(), sandbox.http.delete)
    assert publish_all([invoice], meddling).complete
    assert_issued_once(sandbox, ledger, invoice)
    assert [remote["id"] for remote in sandbox.invoices()] != meddling.deleted
    (issued,) = ledger.publications("2023-07")
    assert issued.attempt == 2, "the draft that is gone is recorded, and all keys are new"


def test_a_draft_with_a_line_of_somebody_else_is_made_anew(
    sandbox: Any, ledger: Ledger, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    (invoice,) = booked(make_invoice())
    sandbox.fault(method="POST", path="/finalize", kind="before")
    try_to(publish_all, [invoice])
    (draft,) = sandbox.invoices()
    sandbox.post(f"/v1/invoices/{draft['id']}/add_lines", **{"lines[0][amount]": "5000"}).raise_for_status()
    assert publish_all([invoice]).complete
    assert_issued_once(sandbox, ledger, invoice)
    assert sandbox.invoices()[0]["id"] != draft["id"]


def test_of_two_drafts_one_is_kept(
    sandbox: Any, ledger: Ledger, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    (invoice,) = booked(make_invoice())
    sandbox.fault(method="POST", path="/add_lines", kind="before")
    try_to(publish_all, [invoice])
    (draft,) = sandbox.invoices()
    copied = {f"metadata[{name}]": value for name, value in draft["metadata"].items()}
    sandbox.post("/v1/invoices", customer=draft["customer"], currency="usd", **copied).raise_for_status()
    assert publish_all([invoice]).complete
    assert_issued_once(sandbox, ledger, invoice)


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("and_a_draft", [False, True], ids=["finals alone", "and a draft"])
def test_several_final_invoices_for_one_key_stop_it_by_name_and_are_left_alone(
    sandbox: Any,
    ledger: Ledger,
    make_invoice: MakeInvoice,
    booked: Book,
    publish_all: Publish,
    copies: int,
    and_a_draft: bool,
) -> None:
    """Which of them is the right one nobody can tell: not even where each shows just what is booked."""
    (invoice,) = booked(make_invoice())
    sandbox.fault(method="POST", path="/finalize", kind="before")
    try_to(publish_all, [invoice])
    (first,) = sandbox.invoices()
    sandbox.post(f"/v1/invoices/{first['id']}/finalize").raise_for_status()
    finals = [first["id"], *(copy_of(sandbox, first, final=True) for _ in range(copies))]
    drafts = [copy_of(sandbox, first, final=False)] if and_a_draft else []

    for _ in range(2):
        report = publish_all([invoice])
        (failure,) = report.failed
        assert (report.issued, report.complete, failure.may_repeat) == ((), False, False)
        assert "several final invoices" in str(failure.error)
        assert all(each in str(failure.error) for each in finals)
    assert {each["id"]: each["status"] for each in sandbox.invoices()} == (
        dict.fromkeys(finals, "open") | dict.fromkeys(drafts, "draft")
    )
    assert [each.state for each in ledger.publications("2023-07")] != [PublicationState.ISSUED]


def copy_of(sandbox: Any, invoice: dict[str, Any], *, final: bool) -> str:
    """Another invoice at the provider that bears the same key and shows the same lines; its id."""
    metadata = {f"metadata[{name}]": value for name, value in invoice["metadata"].items()}
    made = sandbox.post("/v1/invoices", customer=invoice["customer"], currency="usd", **metadata).json()
    lines = {}
    for number, (key, amount) in enumerate(sandbox.lines(invoice["id"]).items()):
        lines |= {f"lines[{number}][amount]": amount, f"lines[{number}][metadata][line_key]": key}
    sandbox.post(f"/v1/invoices/{made['id']}/add_lines", **lines).raise_for_status()
    if final:
        sandbox.post(f"/v1/invoices/{made['id']}/finalize").raise_for_status()
    return made["id"]


def test_an_invoice_finalized_by_hand_is_recorded_and_not_made_again(
    sandbox: Any, ledger: Ledger, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    (invoice,) = booked(make_invoice())
    sandbox.fault(method="POST", path="/finalize", kind="before")
    try_to(publish_all, [invoice])
    (draft,) = sandbox.invoices()
    sandbox.post(f"/v1/invoices/{draft['id']}/finalize").raise_for_status()
    assert publish_all([invoice]).complete
    assert_issued_once(sandbox, ledger, invoice)
