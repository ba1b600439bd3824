"""Package: units are sold in packages; a package that is begun is charged whole."""

from typing import ClassVar, Literal

from pydantic import Field

from monetization_pipeline.catalog.fields import Amount, Positive
from monetization_pipeline.catalog.models.price import MeterPrice


class PackagePrice(MeterPrice, frozen=True):
    """`package_amount` for each `package_size` units; a package that is begun is charged whole."""

    takes: ClassVar = ("package_size", "package_amount")

    model: Literal["package"]
    package_size: Positive = Field(description="how many units a package holds")
    package_amount: Amount = Field(description="price of one package")
