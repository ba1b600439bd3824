"""The account that invoices are published to, as a Dagster resource."""

import dagster as dg

from monetization_pipeline.publishing.accounts import Account


class AccountResource(dg.ConfigurableResource):
    """Where invoices go. Handed in whole, being no configuration: its secret is neither stored with runs nor shown."""

    account: dg.ResourceDependency[Account]
