"""The examples of docs/price_models.yaml, worked out step by step by the code that rates."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import indent
from typing import Any

import yaml

from monetization_pipeline.catalog.loading import load_catalog
from monetization_pipeline.catalog.models import FlatPrice, MeterPrice, Plan, Price
from monetization_pipeline.customers.models import Subscription
from monetization_pipeline.metering.meters import meter_problems
from monetization_pipeline.periods import month_period
from monetization_pipeline.rating.due import active_part
from monetization_pipeline.rating.engine import DueFee, rate_fees
from monetization_pipeline.rating.explaining import explain_fee, explain_usage
from monetization_pipeline.rating.lines import Part, RatedLine, Span

FILE = Path(__file__).with_name("price_models.yaml")

_ZONE = "UTC"


@dataclass(frozen=True)
class Quantity:
    """What a period's usage comes to, and what that is to show."""

    shows: str
    quantity: str


@dataclass(frozen=True)
class Active:
    """The time that a subscription is active, `from..to` with either left open, and a billing period."""

    shows: str
    month: str
    time: str

    @property
    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Start and end in UTC, None where they are open."""
        start, end = (
            datetime.fromisoformat(each).replace(tzinfo=UTC) if each else None for each in self.time.split("..")
        )
        return start, end


@dataclass(frozen=True)
class Example:
    """A price as it is written in a catalog, and what is asked of it: quantities, or of a fee times."""

    name: str
    written: str
    plan: Plan
    price: Price
    quantities: Sequence[Quantity]
    active: Sequence[Active]


def surroundings() -> str:
    """The catalog that stands around every example, up to its list of prices."""
    return _said()["catalog"]


@cache
def examples() -> Mapping[str, Sequence[Example]]:
    """The examples of each price model. Raises CatalogError where one of them is no price of a right catalog."""
    said = [(word, each) for word, several in _said()["models"].items() for each in several]
    written = [_item(each["price"]) for _, each in said]
    with TemporaryDirectory() as folder:
        Path(folder, "catalog.yaml").write_text(surroundings() + "".join(written), "utf-8")
        (plan,) = load_catalog(Path(folder), meter_problems).plans
    found: dict[str, list[Example]] = {}
    for (word, each), text, price in zip(said, written, plan.prices, strict=True):
        quantities = [Quantity(**case) for case in each.get("quantities", ())]
        active = [Active(**case) for case in each.get("active", ())]
        found.setdefault(word, []).append(Example(each["name"], text, plan, price, quantities, active))
    return found


@cache
def _said() -> Mapping[str, Any]:
    return yaml.safe_load(FILE.read_text("utf-8"))


def _item(price: str) -> str:
    """A price as an item of the list that `surroundings` ends with."""
    return "      - " + indent(price, " " * 8).lstrip()


# --- usage -----------------------------------------------------------------------------------------------------------


def usage_steps(price: MeterPrice, quantity: Decimal) -> tuple[Sequence[str], Decimal]:
    """From a period's whole quantity to its exact amount, a calculation at a time, and that amount."""
    explained = explain_usage(price, quantity)
    before = [*_units_steps(explained)]
    *steps, last = CALCULATIONS[price.model](explained["parts"])
    return [*before, *steps, f"{last} = {number(explained['amount'])}"], Decimal(explained["amount"])


def _units_steps(explained: Mapping[str, Any]) -> Iterator[str]:
    """What the transform and the included units make of the quantity, where there are any."""
    quantity, units = explained["quantity"], explained["units"]
    if "transform" in explained:
        yield _transform_step(quantity, explained["transform"])
        quantity = explained["transform"]["quantity"]
    if "included_units" in explained:
        included = explained["included_units"]
        is_left = Decimal(quantity) - Decimal(included) == Decimal(units)
        yield f"{number(quantity)} − {number(included)}{' =' if is_left else ', at least 0:'} {number(units)}"


def _transform_step(quantity: str, transform: Mapping[str, str]) -> str:
    left = number(quantity)
    for name, sign in (("multiply", "×"), ("divide", "÷")):
        if name in transform:
            left += f" {sign} {number(transform[name])}"
    if "round" not in transform:
        return f"{left} = {number(transform['quantity'])}"
    steps = "" if transform["step"] == "1" else f" in steps of {transform['step']}"
    return f"{left}, rounded {transform['round']}{steps}: {number(transform['quantity'])}"


def _products(parts: Sequence[Part]) -> Sequence[str]:
    return [" + ".join(_product(part) for part in parts)]


def _product(part: Part) -> str:
    product = f"{number(part['units'])} × {number(part['unit_amount'])}"
    flat_amount = part.get("flat_amount", "0")
    return product if flat_amount == "0" else f"{product} + {number(flat_amount)}"


def _packages(parts: Sequence[Part]) -> Sequence[str]:
    (part,) = parts
    packages = number(part["packages"])
    return [
        f"{number(part['units'])} ÷ {number(part['package_size'])}, rounded up: {packages}",
        f"{packages} × {number(part['package_amount'])}",
    ]


#: How the parts of a price model's explanation read as calculations; the last one comes to the amount.
CALCULATIONS: dict[str, Callable[[Sequence[Part]], Sequence[str]]] = {
    "per_unit": _products,
    "graduated": _products,
    "volume": _products,
    "package": _packages,
}


# --- fees ------------------------------------------------------------------------------------------------------------


def fee_step(plan: Plan, price: FlatPrice, asked: Active) -> tuple[str, RatedLine | None]:
    """How much of a fee is due for a billing period, and its line; None where there is none."""
    start, end = asked.bounds
    subscription = Subscription("subscription", "company", plan.plan_id, start, end, "active", "{}", None, None)
    period = month_period(asked.month, _ZONE)
    active = active_part(subscription, period)
    if active is None:
        raise ValueError(f"{asked.time} is not active in {asked.month}")
    (part,) = explain_fee(price, Span(period, active), _ZONE)["parts"]
    line = next(iter(rate_fees([DueFee(plan, price, subscription, period, _ZONE)])[0]), None)
    return _fee(part), line


def _fee(part: Part) -> str:
    whole, amount = number(part["full_amount"]), number(part["amount"])
    unit = next((unit for unit in ("days", "seconds") if unit in part), None)
    if unit is None:
        return f"the whole {amount}"
    used, full = str(part[unit]), str(part[f"full_{unit}"])
    cut = Fraction(str(part["full_amount"])) * Fraction(used) / Fraction(full) != Fraction(str(part["amount"]))
    return f"{whole} × {number(used)} ÷ {number(full)} = {amount}{'…' if cut else ''}"


def number(figure: object) -> str:
    """A decimal's text for people, with all of its digits: `12,400.5`."""
    return f"{Decimal(str(figure)):,f}"
