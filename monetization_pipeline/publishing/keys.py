"""Names under which a provider knows what we did: stable, made of ids alone, never of content (rule 18)."""

from monetization_pipeline.ids import make_id


def publish_key(provider: str, account: str, mode: str, invoice_id: str, revision: int) -> str:
    """Identity of one revision of one invoice in one mode of one provider's account; 30 characters."""
    return make_id("pub", provider, account, mode, invoice_id, str(revision))


def customer_key(provider: str, account: str, mode: str, company_id: str) -> str:
    """Identity of a company's customer in one mode of one provider's account; 34 characters."""
    return make_id("company", provider, account, mode, company_id)
