"""Where a working folder publishes, and as which seller: remembered, and never changed without a word."""

from dataclasses import replace
from datetime import datetime

from monetization_pipeline.closing.deciding import Cause, Decided, Does
from monetization_pipeline.closing.gate import Decision
from monetization_pipeline.closing.wishes import Wish
from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.places import check_place, check_seller
from monetization_pipeline.ledger.records import Place, SettledPlace
from monetization_pipeline.publishing.protocol import Provider, place_of
from monetization_pipeline.publishing.sellers import new_seller_id, read_seller, write_seller
from monetization_pipeline.steps.pipeline import Home


class BookedBeforeError(MonetizeError):
    """Other invoices than somebody saw were booked before the folder was switched to another place."""


def reach(ledger: Ledger, provider: Provider, wish: Wish) -> Place:
    """Where a provider issues invoices; it is asked for its account only where provider and mode are as before.

    Raises OtherPlaceError, and a ProviderError where the account cannot be read.
    """
    last = _last(ledger)
    if last is not None and (last.place.provider, last.place.mode) != (provider.name, provider.mode):
        check_place(last, Place(provider.name, provider.mode, ""), switch=wish.switch_account)
    return place_of(provider)


def check(ledger: Ledger, home: Home, place: Place, wish: Wish) -> None:
    """Raises OtherPlaceError where a folder publishes elsewhere, OtherSellerError where its seller is another one."""
    last = _last(ledger)
    check_place(last, place, switch=wish.switch_account)
    seller_id = read_seller(home.seller_id)
    if seller_id is not None:
        check_seller(last, seller_id)


def settle(ledger: Ledger, home: Home, place: Place, wish: Wish, *, at: datetime, by: str) -> SettledPlace:
    """Remember where a folder publishes, and give it a seller's id if it has none. Raises what `check` does."""
    keep_seller(ledger, home)
    seller_id = read_seller(home.seller_id)
    if seller_id is None:
        seller_id = write_seller(home.seller_id, new_seller_id())
    return ledger.settle(place, seller_id, at, by, switch=wish.switch_account)


def keep_seller(ledger: Ledger, home: Home) -> None:
    """Write the seller's file of a folder that has published and has none: as what was published bears it.

    So it is '' where it published before sellers had ids.
    """
    if not home.seller_id.exists() and (last := _last(ledger)) is not None:
        write_seller(home.seller_id, last.seller_id)


def before_switch(ledger: Ledger, place: Place, decision: Decision) -> Decision:
    """Leave alone what would be issued at a place although it was booked before the folder was switched to it."""
    known = ledger.places()
    if not known or (len(known) == 1 and known[0].place == place):
        return decision
    since = known[-1].settled_at if known[-1].place == place else None
    return replace(decision, invoices=tuple(_left_behind(each, since) for each in decision.invoices))


def as_wished(decision: Decision, wish: Wish) -> Decision:
    """Issue what is left as it was booked before a switch, where somebody said so.

    Raises BookedBeforeError where there are others than somebody said.
    """
    held = decision.because(Cause.BEFORE_SWITCH)
    if not wish.booked_before:
        return decision
    if wish.booked_before != len(held):
        raise BookedBeforeError(
            f"{len(held)} invoices were booked before this folder was switched to another place, not "
            f"{wish.booked_before}; nothing was booked or sent. `monetize publish PERIOD --dry-run` lists them"
        )
    released = (
        replace(each, does=Does.ISSUE, why="", cause=None) if each.cause is Cause.BEFORE_SWITCH else each
        for each in decision.invoices
    )
    return replace(decision, invoices=tuple(released))


def _left_behind(each: Decided, since: datetime | None) -> Decided:
    booked = each.state.booked
    if each.does is not Does.ISSUE or booked is None or (since is not None and booked.booked_at >= since):
        return each
    why = "it was booked before this folder was switched to another place; --booked-before issues it, and asks first"
    return replace(each, does=Does.LEAVE, why=why, cause=Cause.BEFORE_SWITCH)


def _last(ledger: Ledger) -> SettledPlace | None:
    known = ledger.places()
    return known[-1] if known else None
