"""What is amiss with the customers as they are now: warnings that last until somebody mends it.

They hold nothing up and change no figure; `monetize status` shows them, and the check `customers` does.
"""

from collections.abc import Iterator

from monetization_pipeline.customers.activity import billable
from monetization_pipeline.customers.near import nearest
from monetization_pipeline.datasets import DAILY_USAGE, REFUSALS, UNBILLED
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.visible import received_rows
from monetization_pipeline.landing import customer_files
from monetization_pipeline.sources.declared import CUSTOMERS
from monetization_pipeline.standing.warned import Warned
from monetization_pipeline.steps.customers import left_out
from monetization_pipeline.steps.known import Customers, Known
from monetization_pipeline.steps.pipeline import Pipeline

_SHOWN = 3


def lasting_warnings(pipeline: Pipeline, known: Known) -> list[Warned]:
    """All that is amiss with customers, in order. Raises CatalogError where the catalog is broken."""
    return [
        *(Warned(*each) for each in refused_records(pipeline)),
        *(Warned(f"customers/{name}", why) for name, why in customer_files.unread(pipeline.home.customers).items()),
        *_unknown_plans(known),
        *_mistaken_companies(pipeline, known.customers),
        *_without_start(known.customers),
    ]


def refused_records(pipeline: Pipeline) -> list[tuple[str, str]]:
    """Records of the files in `customers/`, as they are written now, that were not taken: the place, and why not."""
    newest = customer_files.newest_versions(pipeline.landing, pipeline.home.customers)
    versions = {file.name: file.original_name for file in newest}
    log = read_log(pipeline.lake).of_source(CUSTOMERS).bringing("refusals")
    refused = [
        (versions[row["file"]], row["line"], row["record"], row["reason"])
        for row in (received_rows(pipeline.lake, REFUSALS, log.batches) if len(log) else ())
        if row["source"] == CUSTOMERS and row["file"] in versions
    ]
    found = [(f"customers/{name}:{line}", f"is refused: {reason}") for name, line, _, reason in sorted(refused)]
    return [*found, *((f"customers/{place}", f"is left out: {why}") for place, why in left_out(pipeline))]


def _unknown_plans(known: Known) -> Iterator[Warned]:
    for subscription in billable(known.customers.subscriptions):
        if known.catalog.plan(subscription.plan_id) is None:
            why = f"is charged nothing: the catalog has no plan {subscription.plan_id!r}"
            yield Warned(f"subscription {subscription.subscription_id}", why)


def _without_start(customers: Customers) -> Iterator[Warned]:
    for subscription in billable(customers.subscriptions):
        if subscription.start_at is None:
            why = "has no start, and is charged since ever; give it a start_at"
            yield Warned(f"subscription {subscription.subscription_id}", why, urgent=False)


def _mistaken_companies(pipeline: Pipeline, customers: Customers) -> Iterator[Warned]:
    """Companies that only a subscription names, that never had an event, and that may be another one, misspelt."""
    subscriptions = [each for each in customers.subscriptions if each.valid_to is None]
    named = {*customers.companies, *(user.company_id for user in customers.users if user.company_id)}
    alone = {each.company_id for each in subscriptions} - named
    if not alone:
        return
    seen = _companies_of_events(pipeline)
    near = nearest(alone - seen, named | seen | alone)
    for company_id, other in near.items():
        ids = [each.subscription_id for each in subscriptions if each.company_id == company_id]
        those = ", ".join(sorted(ids)[:_SHOWN]) + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")
        why = f"is named by subscription {those} alone, and never had an event; is {other} meant?"
        yield Warned(f"company {company_id}", why)


def _companies_of_events(pipeline: Pipeline) -> set[str]:
    """The companies that events were charged to, or would have been: of all days that were made."""
    found: set[str] = set()
    with pipeline.engine.session() as session:
        for spec in (DAILY_USAGE, UNBILLED):
            session.view(spec.name, spec.schema, pipeline.lake.table(spec).files())
            sql = f"SELECT DISTINCT company_id FROM {spec.name} WHERE company_id IS NOT NULL"
            found |= {company_id for (company_id,) in session.rows(sql)}
    return found
