"""monetization_pipeline/publishing/README.md: its tables, as the sandbox sees them."""

import re
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from read_page import Row, items, table

from monetization_pipeline.invoicing.models import Invoice
from monetization_pipeline.ledger.opening import open_ledger
from monetization_pipeline.publishing.protocol import ProviderError
from monetization_pipeline.publishing.publisher import PublishReport, publish
from monetization_pipeline.publishing.stripe.amounts import showable
from monetization_pipeline.publishing.stripe.limits import shown_amounts

PAGE = Path(__file__).resolve().parents[2] / "monetization_pipeline" / "publishing" / "README.md"
FAILURES = table(PAGE, "call", "fails")
KINDS = {"never arrives": "before", "done, no answer": "after", "answered 500": "500"}

MakeInvoice = Callable[..., Invoice]
Publish = Callable[..., PublishReport]
Book = Callable[..., list[Invoice]]


def key_of(call: dict[str, Any]) -> str:
    """The step and the attempt of a request's key: what stands between them, the name of its lines, is left out."""
    step, *_, attempt = call["idempotency_key"].split(":")[1:]
    return f"{step}:{attempt}"


def sent(sandbox: Any, after: int = 0) -> list[str]:
    return [key_of(call) for call in sandbox.calls()[after:] if call["method"] == "POST"]


def what_is_there(sandbox: Any) -> str:
    found = [f"{each['status']} of {len(sandbox.lines(each['id']))} lines" for each in sandbox.invoices()]
    return ", ".join(found) or ("customer" if sandbox.customers() else "nothing")


def test_one_invoice_takes_the_calls_of_the_table(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    publish_all(booked(make_invoice()))
    found: list[Row] = []
    for number, call in enumerate(sandbox.calls(), 1):
        *_, last = re.sub(r"/invoices/in_\w+$", "/invoice", call["path"]).split("/")
        key = key_of(call) if call["method"] == "POST" else ""
        found.append({"call": str(number), "step": f"{call['method']} {last}", "key": key})
    assert found == table(PAGE, "call", "step")


@pytest.mark.parametrize("forget", [False, True], ids=["at once", "a day later"])
@pytest.mark.parametrize("row", FAILURES, ids=[f"call {row['call']} {row['fails']}" for row in FAILURES])
def test_what_a_failure_leaves_and_the_next_run_sends(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish, row: Row, forget: bool
) -> None:
    invoices = booked(make_invoice())
    sandbox.fault(call=int(row["call"]), kind=KINDS[row["fails"]])
    with suppress(ProviderError):
        assert not publish_all(invoices).complete
    assert what_is_there(sandbox) == row["is left"]
    if forget:
        sandbox.forget_keys()
    before = len(sandbox.calls())
    assert publish_all(invoices).complete
    assert sent(sandbox, before) == items(row["the next run sends"])
    after = len(sandbox.calls())
    assert publish_all(invoices).complete
    assert sent(sandbox, after) == []
    assert what_is_there(sandbox) == "open of 2 lines"
    assert [each["total"] for each in sandbox.invoices()] == [10001]


def test_amounts_that_cannot_be_shown() -> None:
    rows = [[Decimal(row[name]) for name in ("line 1", "line 2", "line 3", "total")] for row in table(PAGE, "KWD")]
    (*booked, total), (*shown, shown_total) = rows
    assert sum(booked) == total
    assert showable(booked, "KWD") == tuple(shown)
    assert sum(shown) == shown_total


def test_a_lost_ledger_finds_what_was_published(
    sandbox: Any,
    empty_ledger: Path,
    tmp_path: Path,
    make_invoice: MakeInvoice,
    booked: Book,
    publish_all: Publish,
    clock: Any,
) -> None:
    (invoice,) = booked(make_invoice())
    publish_all([invoice])
    calls = len(sandbox.calls())
    with closing(open_ledger(f"sqlite:///{shutil.copy(empty_ledger, tmp_path / 'new.db')}")) as new:
        new.book([invoice], period="2023-07", as_of=clock(), by="tester", at=clock())
        (issued,) = publish([invoice], sandbox.provider(), new, clock, limits=shown_amounts).issued
    assert issued.number is not None
    assert sent(sandbox, calls) == []


def test_another_account_is_another_place(
    sandbox: Any, make_invoice: MakeInvoice, booked: Book, publish_all: Publish
) -> None:
    invoices = booked(make_invoice())
    assert len(publish_all(invoices).issued) == 1
    # An emptied sandbox is another account.
    sandbox.http.post("/sandbox/reset").raise_for_status()
    assert len(publish_all(invoices).issued) == 1
