"""The Stripe account as a Dagster resource."""

from dataclasses import dataclass, field

import dagster as dg
from pydantic import Field


@dataclass(frozen=True, slots=True)
class Secret:
    """Text that shows in no repr. Being no configuration, it is neither stored with runs nor shown in the UI."""

    value: str = field(repr=False)


class StripeResource(dg.ConfigurableResource):
    """Where invoices go. `api_key` is empty for the sandbox, which needs none."""

    mode: str = Field(default="sandbox", description="sandbox, test or live")
    api_base: str | None = Field(default=None, description="address of the API, where it is not Stripe's")
    api_key: dg.ResourceDependency[Secret]
