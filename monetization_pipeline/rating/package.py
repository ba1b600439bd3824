"""Package: units are sold in packages; a package that is begun is charged whole."""

from decimal import Decimal
from fractions import Fraction

from monetization_pipeline.catalog.models import PackagePrice
from monetization_pipeline.money import EXACT, plain
from monetization_pipeline.rating.amounts import Pricing, product
from monetization_pipeline.rating.lines import Part


def pricing(price: PackagePrice) -> Pricing:
    """`ceil(units ÷ package_size) × package_amount`; nothing at zero units."""
    size, package_amount = price.package_size, price.package_amount
    divide, add, multiply = EXACT.divmod, EXACT.add, EXACT.multiply

    def cost(units: Decimal) -> Decimal:
        whole, begun = divide(units, size)
        return multiply(add(whole, 1) if begun else whole, package_amount)

    return cost


def parts(price: PackagePrice, units: Decimal) -> tuple[Part, ...]:
    """The packages."""
    size, package_amount = price.package_size, price.package_amount
    packages = Decimal(-(-Fraction(units) // Fraction(size)))
    return (
        {
            "units": plain(units),
            "package_size": plain(size),
            "packages": plain(packages),
            "package_amount": plain(package_amount),
            "amount": plain(product(packages, package_amount)),
        },
    )
