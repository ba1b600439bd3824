"""Amounts as Stripe takes them: whole numbers of a minor unit that is not always ISO 4217's.

Source: https://docs.stripe.com/currencies (zero-decimal, three-decimal, special cases), read in November 2026.
"""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from monetization_pipeline.money import EXACT, exponent_of

# Sent as they are: 500 is five hundred. ISO 4217 gives MGA two digits; Stripe gives it none.
_ZERO_DECIMAL = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
# Sent as if they had two digits, which are always 00.
_WHOLE_SENT_AS_CENTS = frozenset({"ISK", "UGX"})
# Sent with three digits, the last of them 0.
_THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# ISO 4217 gives these three digits, and Stripe's documentation does not say how it takes them.
_UNDOCUMENTED = frozenset({"IQD", "LYD"})


def is_documented(currency: str) -> bool:
    """Whether Stripe's documentation says in which unit it takes amounts of `currency`."""
    return currency not in _UNDOCUMENTED


def digits(currency: str) -> int:
    """Digits after the point that an amount sent to Stripe has."""
    if currency in _ZERO_DECIMAL:
        return 0
    if currency in _THREE_DECIMAL:
        return 3
    return 2


def step(currency: str) -> Decimal:
    """The smallest amount in major units that Stripe can show; it divides every amount sent."""
    if currency in _ZERO_DECIMAL | _WHOLE_SENT_AS_CENTS:
        return Decimal(1)
    return Decimal("0.01")


def showable(amounts: Sequence[Decimal], currency: str) -> tuple[Decimal, ...]:
    """`amounts` themselves where Stripe can show each, else ones that it can and that add up to the rounded total.

    Only three-decimal currencies and those to which ISO gives more digits than Stripe ever need the latter: the total
    is rounded half away from zero to Stripe's step, each line down, and what is missing goes to the lines with the
    largest remainders.
    """
    unit = step(currency)
    counts = [EXACT.divide(amount, unit) for amount in amounts]
    if all(count == count.to_integral_value() for count in counts):
        return tuple(amounts)
    wanted = int(sum(counts, Decimal(0)).to_integral_value(rounding=ROUND_HALF_UP))
    whole = [int(count.to_integral_value(rounding=ROUND_FLOOR)) for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda index: (whole[index] - counts[index], index))
    for index in by_remainder[: wanted - sum(whole)]:
        whole[index] += 1
    return tuple(_with_our_digits(count * unit, currency) for count in whole)


def to_stripe(amount: Decimal, currency: str) -> int:
    """A showable amount as the integer that Stripe takes."""
    scaled = amount.scaleb(digits(currency), context=EXACT)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} {currency} is no whole number of Stripe's minor units")
    return int(scaled)


def from_stripe(amount: int, currency: str) -> Decimal:
    """Stripe's integer as an amount in major units, with the digits that the currency has on our invoices."""
    return _with_our_digits(Decimal(amount).scaleb(-digits(currency), context=EXACT), currency)


def _with_our_digits(amount: Decimal, currency: str) -> Decimal:
    ours = amount.quantize(Decimal(1).scaleb(-exponent_of(currency)), context=EXACT)
    return ours if ours == amount else amount
