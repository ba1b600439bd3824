"""Names under which a provider knows what we did: stable, made of ids alone, never of content (rule 18)."""

from monetization_pipeline.ids import make_id
from monetization_pipeline.ledger.records import Place


def publish_key(seller_id: str, place: Place, invoice_id: str, revision: int) -> str:
    """Identity of one revision of one invoice of a seller at one place; 30 characters."""
    return make_id("pub", *_seller(seller_id), *_at(place), invoice_id, str(revision))


def customer_key(seller_id: str, place: Place, company_id: str) -> str:
    """Identity of the customer of a seller's company at one place; 34 characters."""
    return make_id("company", *_seller(seller_id), *_at(place), company_id)


def _seller(seller_id: str) -> tuple[str, ...]:
    """What of a key names the seller: nothing where it published before sellers had ids, so that its keys stay."""
    return (seller_id,) if seller_id else ()


def _at(place: Place) -> tuple[str, str, str]:
    return place.provider, place.account, place.mode
