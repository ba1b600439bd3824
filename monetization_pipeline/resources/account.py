"""The account that invoices are published to, as a Dagster resource."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import dagster as dg

from monetization_pipeline.publishing.accounts import Account

if TYPE_CHECKING:
    from monetization_pipeline.closing.publish import PublishedPeriod


@dataclass
class Told:
    """What runs of this process published: of each invoice, what became of it, also where the run failed by it."""

    published: "list[PublishedPeriod]" = field(default_factory=list)


class AccountResource(dg.ConfigurableResource):
    """Where invoices go. Handed in whole, being no configuration: its secret is neither stored with runs nor shown."""

    account: dg.ResourceDependency[Account]
    told: dg.ResourceDependency[Told]
