"""Who is billed for what: companies, users and subscriptions with their history."""

from monetization_pipeline.datasets.columns import INSTANT, TEXT, VALIDITY
from monetization_pipeline.datasets.spec import DatasetSpec, schema

COMPANIES = DatasetSpec(
    "companies",
    "who is billed: history as intervals",
    schema(
        ("company_id", TEXT, "our id"),
        ("name", TEXT, "name on the invoice"),
        ("time_zone", TEXT, "IANA zone; empty: the seller's"),
        ("provider_customer_id", TEXT, "the billing provider's id"),
        ("email", TEXT, "billing address"),
        ("metadata", TEXT, "JSON object"),
        *VALIDITY,
    ),
    ("company_id", "valid_from"),
)

USERS = DatasetSpec(
    "users",
    "persons and keys of companies: history as intervals",
    schema(("user_id", TEXT, "id of the user"), ("company_id", TEXT, "company it belongs to"), *VALIDITY),
    ("user_id", "valid_from"),
)

SUBSCRIPTIONS = DatasetSpec(
    "subscriptions",
    "companies on plans: history as intervals",
    schema(
        ("subscription_id", TEXT, "id of the subscription"),
        ("company_id", TEXT, "company that is charged"),
        ("plan_id", TEXT, "plan; without one it prices nothing"),
        ("start_at", INSTANT, "first instant; empty: ever since"),
        ("end_at", INSTANT, "instant of the end; empty: open"),
        ("status", TEXT, "status as sent; `in trial` while it is trialing, and so not active yet"),
        ("metadata", TEXT, "JSON object"),
        *VALIDITY,
    ),
    ("subscription_id", "valid_from"),
)
