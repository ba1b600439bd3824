"""Where invoices are issued: remembered from the first publication on, and changed only where somebody says so.

Each function works within the transaction of the connection it is given.
"""

from datetime import datetime

from sqlalchemy import Connection, insert, select

from monetization_pipeline.ledger.errors import OtherPlaceError, OtherSellerError
from monetization_pipeline.ledger.records import Place, SettledPlace
from monetization_pipeline.ledger.tables import PublishingPlaceRow


def places(connection: Connection, until: datetime | None = None) -> tuple[SettledPlace, ...]:
    """Every place that was published to, in order; the last one holds. With `until`: those of until then."""
    then = () if until is None else (PublishingPlaceRow.settled_at <= until,)
    query = select(PublishingPlaceRow.__table__).where(*then).order_by(PublishingPlaceRow.sequence)
    return tuple(
        SettledPlace(Place(row.provider, row.mode, row.account), row.seller_id, row.settled_at, row.settled_by)
        for row in connection.execute(query)
    )


def check_place(last: SettledPlace | None, place: Place, *, switch: bool) -> None:
    """Raises OtherPlaceError where something was published elsewhere last, and nobody says that it is to change."""
    if last is not None and last.place != place and not switch:
        raise OtherPlaceError(
            f"this folder publishes to {last.place}, and the settings lead to {place}; nothing was booked or sent. "
            "A setting in the environment wins over the folder's .env: is one exported? "
            "To publish to the other place from now on, say --switch-account"
        )


def check_seller(last: SettledPlace | None, seller_id: str) -> None:
    """Raises OtherSellerError where what was published bears another seller's id."""
    if last is not None and last.seller_id != seller_id:
        raise OtherSellerError(
            f"seller.id holds {seller_id!r}, and what this folder published bears {last.seller_id!r}; nothing was "
            "booked or sent. A folder is one seller: remove seller.id, and the next command writes it as it was; or "
            "is the ledger another folder's?"
        )


def settle(
    connection: Connection, place: Place, seller_id: str, at: datetime, by: str, *, switch: bool
) -> SettledPlace:
    """The place that holds from now on; a row is added where it is the first, or another one than before.

    Raises OtherPlaceError and OtherSellerError.
    """
    known = places(connection)
    last = known[-1] if known else None
    check_seller(last, seller_id)
    check_place(last, place, switch=switch)
    if last is not None and last.place == place:
        return last
    row = {
        "sequence": len(known) + 1,
        "provider": place.provider,
        "mode": place.mode,
        "account": place.account,
        "seller_id": seller_id,
        "settled_at": at,
        "settled_by": by,
    }
    connection.execute(insert(PublishingPlaceRow), [row])
    return SettledPlace(place, seller_id, at, by)
