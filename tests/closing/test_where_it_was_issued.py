"""A working folder remembers where it publishes and as which seller: nothing is issued elsewhere without a word."""

import shutil
from collections.abc import Generator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from workshop import Workshop

from monetization_pipeline.cli.working_folder import make_working_folder
from monetization_pipeline.closing.deciding import Cause, Decided, Does
from monetization_pipeline.closing.opening import opened_ledger, opened_provider
from monetization_pipeline.closing.places import BookedBeforeError
from monetization_pipeline.closing.publish import PublishedPeriod, look_at, publish_to, read_back
from monetization_pipeline.closing.wishes import AS_BEFORE, Wish
from monetization_pipeline.ledger.errors import OtherPlaceError, OtherSellerError
from monetization_pipeline.ledger.records import Place
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.publishing.keys import customer_key, publish_key
from monetization_pipeline.publishing.sandbox.server import start_stripe_sandbox
from monetization_pipeline.publishing.sellers import SellerFileError, new_seller_id, read_seller, write_seller
from monetization_pipeline.reports import listings

JULY, AUGUST = "2023-07", "2023-08"
BEGIN = date(2023, 7, 1)
FEE = {"price_id": "fee", "model": "flat", "amount": "10.00"}
SWITCH = Wish(switch_account=True)


def before_switch(done: PublishedPeriod) -> list[Decided]:
    return done.decision.because(Cause.BEFORE_SWITCH)


def at(month: int, day: int = 5) -> datetime:
    return datetime(2023, month, day, tzinfo=UTC)


@pytest.fixture
def sold(shop: Workshop) -> Workshop:
    """acme and birch pay 10.00 a month in arrears; July and August are made."""
    shop.catalog({"meters": [], "plans": [{"plan_id": "p", "currency": "USD", "interval": "month", "prices": [FEE]}]})
    shop.customers(
        {
            "subscriptions": [
                {"subscription_id": f"s-{name}", "company_id": name, "plan_id": "p", "start_at": "2023-07-01"}
                for name in ("acme", "birch")
            ]
        }
    )
    shop.bill_from(BEGIN)
    shop.run(JULY, AUGUST)
    return shop


@pytest.fixture
def accounts(tmp_path: Path) -> Generator[tuple[Account, Account], None, None]:
    """Two sandboxes: two accounts of one mode."""
    with ExitStack() as stack:
        found = [stack.enter_context(start_stripe_sandbox(tmp_path / f"{name}.db")) for name in ("one", "two")]
        yield Account("stripe", address=found[0]), Account("stripe", address=found[1])


def publish(shop: Workshop, account: Account, month: str, now: datetime, wish: Wish = AS_BEFORE) -> PublishedPeriod:
    return publish_to(shop.pipeline, account, month, clock=lambda: now, by="tester", wish=wish)


def place(shop: Workshop, account: Account) -> Place:
    with opened_provider(shop.pipeline, account) as provider:
        return Place("stripe", "sandbox", provider.account)


def shown(shop: Workshop, month: str) -> dict[str, tuple[str, list[str]]]:
    """Status of each company's invoice, and the accounts that it was issued at."""
    rows: list[Any] = listings.invoices(shop.pipeline, month, at(10))
    return {row["company_id"]: (row["status"], [each["account"] for each in row["issued_at"]]) for row in rows}


def remote(shop: Workshop, account: Account) -> int:
    """How many invoices there are."""
    with opened_provider(shop.pipeline, account) as provider:
        services: Any = provider
        return len(services._services().invoices.list({"limit": 100}).data)


def test_another_account_is_refused_and_so_is_its_dry_run(sold: Workshop, accounts: tuple[Account, Account]) -> None:
    one, two = accounts
    assert len(publish(sold, one, JULY, at(8)).report.issued) == 2
    here, there = place(sold, one), place(sold, two)
    says = f"this folder publishes to {here}, and the settings lead to {there}; nothing was booked or sent"
    for attempt in (
        lambda: publish(sold, two, JULY, at(9)),
        lambda: publish(sold, two, AUGUST, at(9)),
        lambda: look_at(sold.pipeline, two, AUGUST, at(9)),
    ):
        with pytest.raises(OtherPlaceError, match=says):
            attempt()
    assert remote(sold, two) == 0
    with opened_ledger(sold.pipeline) as ledger:
        assert ledger.booked_in(AUGUST) == ()
    assert publish(sold, one, AUGUST, at(9)).complete


@pytest.mark.parametrize("mode", ["live", "test"])
def test_another_mode_is_refused_before_anybody_is_asked(sold: Workshop, mode: str) -> None:
    """What a shell exports wins over the folder's .env: here, its sandbox becomes the real Stripe."""
    publish(sold, Account("stripe"), JULY, at(8))
    exported = Account("stripe", mode, SecretStr(f"sk_{mode}_51NobodyHasThisKey"))
    says = f"the settings lead to stripe, mode {mode}; nothing was booked or sent"
    with pytest.raises(OtherPlaceError, match=says):
        look_at(sold.pipeline, exported, AUGUST, at(9))
    with pytest.raises(OtherPlaceError, match=says):
        publish(sold, exported, AUGUST, at(9))
    found = read_back(sold.pipeline, exported, AUGUST, at(9))
    assert (found.ready, says in found.refused) == (None, True)
    with opened_ledger(sold.pipeline) as ledger:
        assert ledger.booked_in(AUGUST) == ()


def test_after_a_switch_nothing_booked_before_is_issued_unless_it_is_said(
    sold: Workshop, accounts: tuple[Account, Account]
) -> None:
    one, two = accounts
    publish(sold, one, JULY, at(8))
    ours, theirs = place(sold, one).account, place(sold, two).account

    dry = look_at(sold.pipeline, two, AUGUST, at(9), SWITCH)
    assert ([each.does for each in dry.decision.invoices], remote(sold, two)) == ([Does.ISSUE] * 2, 0)
    assert len(publish(sold, two, AUGUST, at(9), SWITCH).report.issued) == 2
    assert shown(sold, JULY) == {"acme": ("booked", [ours]), "birch": ("booked", [ours])}
    assert shown(sold, AUGUST) == {"acme": ("issued", [theirs]), "birch": ("issued", [theirs])}

    done = publish(sold, two, JULY, at(9, 6))
    assert (done.booked, done.report.issued, done.complete) == ((), (), True)
    assert [each.invoice.company_id for each in before_switch(done)] == ["acme", "birch"]
    with pytest.raises(BookedBeforeError, match="2 invoices were booked before this folder was switched"):
        publish(sold, two, JULY, at(9, 6), Wish(booked_before=1))
    assert (remote(sold, one), remote(sold, two)) == (2, 2)

    said = publish(sold, two, JULY, at(9, 6), Wish(booked_before=2))
    assert (len(said.report.issued), before_switch(said)) == (2, [])
    assert shown(sold, JULY) == {"acme": ("issued", [ours, theirs]), "birch": ("issued", [ours, theirs])}
    assert publish(sold, two, JULY, at(9, 7)).report.issued == ()
    assert (remote(sold, one), remote(sold, two)) == (2, 4)


def test_a_switch_back_issues_nothing_booked_before_it_either(
    sold: Workshop, accounts: tuple[Account, Account]
) -> None:
    one, two = accounts
    publish(sold, one, JULY, at(8))
    publish(sold, two, AUGUST, at(9), SWITCH)
    done = publish(sold, one, AUGUST, at(9, 6), SWITCH)
    assert (done.report.issued, len(before_switch(done))) == ((), 2)
    assert len(publish(sold, one, JULY, at(9, 7)).report.already_issued) == 2
    assert (remote(sold, one), remote(sold, two)) == (2, 2)


def test_nothing_is_remembered_of_a_publishing_that_is_refused(
    sold: Workshop, accounts: tuple[Account, Account]
) -> None:
    one, two = accounts
    assert len(publish(sold, one, AUGUST, at(8)).decision.that(Does.WAIT)) == 2
    assert publish(sold, two, JULY, at(8)).complete
    with opened_ledger(sold.pipeline) as ledger:
        assert [each.place for each in ledger.places()] == [place(sold, two)]


def test_the_first_publication_makes_the_seller_and_every_key_names_it(sold: Workshop) -> None:
    assert not sold.pipeline.home.seller_id.exists()
    publish(sold, Account("stripe"), JULY, at(8))
    seller_id = read_seller(sold.pipeline.home.seller_id)
    assert seller_id
    here = place(sold, Account("stripe"))
    with opened_ledger(sold.pipeline) as ledger:
        assert [each.seller_id for each in ledger.places()] == [seller_id]
        keys = {each.publication_id for each in ledger.publications(JULY)}
        ids = [each.invoice.invoice_id for each in ledger.booked_in(JULY)]
    assert keys == {publish_key(seller_id, here, invoice_id, 1) for invoice_id in ids}
    assert len({customer_key(seller_id, here, name) for name in ("acme", "birch")}) == 2


def test_a_seller_s_file_that_was_there_is_used(sold: Workshop) -> None:
    seller_id = write_seller(sold.pipeline.home.seller_id, new_seller_id())
    publish(sold, Account("stripe"), JULY, at(8))
    with opened_ledger(sold.pipeline) as ledger:
        assert [each.seller_id for each in ledger.places()] == [seller_id]


def test_a_lost_ledger_finds_by_the_seller_what_it_published_and_a_copy_is_the_same_seller(
    sold: Workshop, accounts: tuple[Account, Account], tmp_path: Path
) -> None:
    one, _ = accounts
    publish(sold, one, JULY, at(8))
    copy = tmp_path.parent / f"{tmp_path.name}-copy"
    shutil.copytree(tmp_path, copy)
    for root in (tmp_path, copy):
        (root / ".monetization" / "ledger.db").unlink()
        again = publish(Workshop(root, first_invoice_at=BEGIN), one, JULY, at(9))
        assert (len(again.booked), len(again.report.issued)) == (2, 2)
    assert remote(sold, one) == 2


def test_another_folder_of_the_same_companies_in_one_account_is_another_seller(
    sold: Workshop, accounts: tuple[Account, Account], tmp_path: Path
) -> None:
    one, _ = accounts
    copy = tmp_path.parent / f"{tmp_path.name}-other"
    shutil.copytree(tmp_path, copy)
    publish(sold, one, JULY, at(8))
    assert publish(Workshop(copy, first_invoice_at=BEGIN), one, JULY, at(8)).complete
    assert remote(sold, one) == 4


def test_a_lost_seller_s_file_is_written_as_it_was(sold: Workshop) -> None:
    publish(sold, Account("stripe"), JULY, at(8))
    file = sold.pipeline.home.seller_id
    content = file.read_bytes()
    file.unlink()
    with opened_ledger(sold.pipeline):
        assert file.read_bytes() == content


def test_another_seller_s_file_is_refused(sold: Workshop) -> None:
    publish(sold, Account("stripe"), JULY, at(8))
    file = sold.pipeline.home.seller_id
    known = file.read_text().strip()
    file.write_text(f"{new_seller_id()}\n")
    with pytest.raises(OtherSellerError, match=f"what this folder published bears '{known}'"):
        publish(sold, Account("stripe"), AUGUST, at(9))
    with pytest.raises(OtherSellerError):
        look_at(sold.pipeline, Account("stripe"), AUGUST, at(9))
    file.write_text("nonsense\n")
    with pytest.raises(SellerFileError, match="'nonsense', which is no seller's id"):
        publish(sold, Account("stripe"), AUGUST, at(9))


def test_a_new_working_folder_has_a_seller_of_its_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_working_folder(tmp_path / name, "starter")
    first, second = (read_seller(tmp_path / name / "seller.id") for name in ("one", "two"))
    assert first
    assert second not in ("", None, first)


def test_two_that_write_a_seller_at_once_are_one(tmp_path: Path) -> None:
    first = write_seller(tmp_path / "seller.id", new_seller_id())
    assert write_seller(tmp_path / "seller.id", new_seller_id()) == first
    assert [path.name for path in tmp_path.iterdir()] == ["seller.id"]
