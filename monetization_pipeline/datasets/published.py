"""What was published to providers."""

from monetization_pipeline.datasets.columns import PERIOD_KEY, SUM, TEXT
from monetization_pipeline.datasets.spec import DatasetSpec, schema


def provider_invoices(name: str, title: str) -> DatasetSpec:
    """The dataset of what was published to one provider, of that name, which people know as `title`."""
    return DatasetSpec(
        f"{name}_invoices",
        f"invoices published to {title}, read from the ledger",
        schema(
            ("publication_id", TEXT, "id of the publication"),
            ("invoice_id", TEXT, "our invoice"),
            ("company_id", TEXT, "company"),
            ("currency", TEXT, "ISO 4217 code"),
            ("total", SUM, "total"),
            ("account", TEXT, "provider account"),
            ("mode", TEXT, "sandbox, test or live"),
            ("state", TEXT, "intent, draft or issued"),
            ("provider_invoice_id", TEXT, "the provider's id"),
            ("number", TEXT, "number that the provider gave"),
            PERIOD_KEY,
        ),
        ("publication_id",),
        "billing_period",
    )


STRIPE_INVOICES = provider_invoices("stripe", "Stripe")
