"""Plans: what is sold."""

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import model_validator

from monetization_pipeline.catalog.fields import Currency, Id
from monetization_pipeline.catalog.models.common import CatalogPart, checked
from monetization_pipeline.catalog.models.reading import AnyPrice
from monetization_pipeline.written import Loc


class Plan(CatalogPart, frozen=True):
    """What a subscription is charged: prices in one currency, each calendar month."""

    plan_id: Id
    currency: Currency
    interval: Literal["month"]
    description: str = ""
    prices: tuple[AnyPrice, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        return checked(self, _problems(self))


def _problems(plan: Plan) -> Iterator[tuple[Loc, str]]:
    if not plan.prices:
        yield ("prices",), "is empty; a plan has at least one price (a free one is a flat price of 0)"
    seen: set[str] = set()
    for index, price in enumerate(plan.prices):
        if price.price_id in seen:
            yield ("prices", index, "price_id"), f"{price.price_id} stands twice in this plan; give one another id"
        seen.add(price.price_id)
