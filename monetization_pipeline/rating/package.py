"""Package: units are sold in packages; a package that is begun is charged whole."""

from decimal import Decimal
from fractions import Fraction

from monetization_pipeline.catalog.models import Price, present
from monetization_pipeline.money import plain
from monetization_pipeline.rating.amounts import product
from monetization_pipeline.rating.lines import Charge, Part


def charge(price: Price, units: Decimal) -> Charge:
    """`ceil(units ÷ package_size) × package_amount`; nothing at zero units."""
    size = present(price.package_size, "package_size")
    package_amount = present(price.package_amount, "package_amount")
    packages = Decimal(-(-Fraction(units) // Fraction(size)))
    amount = product(packages, package_amount)
    part: Part = {
        "units": plain(units),
        "package_size": plain(size),
        "packages": plain(packages),
        "package_amount": plain(package_amount),
        "amount": plain(amount),
    }
    return Charge(amount, (part,))
