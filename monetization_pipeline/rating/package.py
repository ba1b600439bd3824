"""Package: units are sold in packages; a package that is begun is charged whole."""

from decimal import Decimal
from fractions import Fraction

from monetization_pipeline.catalog.models import Price, present
from monetization_pipeline.money import EXACT, plain
from monetization_pipeline.rating.amounts import Pricing, product
from monetization_pipeline.rating.lines import Part


def pricing(price: Price) -> Pricing:
    """`ceil(units ÷ package_size) × package_amount`; nothing at zero units."""
    size = present(price.package_size, "package_size")
    package_amount = present(price.package_amount, "package_amount")
    divide, add, multiply = EXACT.divmod, EXACT.add, EXACT.multiply

    def cost(units: Decimal) -> Decimal:
        whole, begun = divide(units, size)
        return multiply(add(whole, 1) if begun else whole, package_amount)

    return cost


def parts(price: Price, units: Decimal) -> tuple[Part, ...]:
    """The packages."""
    size = present(price.package_size, "package_size")
    package_amount = present(price.package_amount, "package_amount")
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
