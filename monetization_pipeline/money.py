"""Currencies, their minor units, and the one place where money is rounded."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

from monetization_pipeline.errors import MonetizeError

#: Digits after the point that an exact amount keeps (unit amounts and quantities have at most 12 each).
EXACT_SCALE = 24

#: Wide enough that no sum or product of stored figures is ever rounded.
EXACT = Context(prec=76)

_DEFAULT_EXPONENT = 2
_OTHER_EXPONENTS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
}
_TWO_DIGITS = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
    "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR "
    "JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN "
    "NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
    "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW"
)

#: Minor-unit exponents of ISO 4217's currencies in use.
CURRENCIES: dict[str, int] = dict.fromkeys(_TWO_DIGITS.split(), _DEFAULT_EXPONENT) | {
    code: exponent for exponent, codes in _OTHER_EXPONENTS.items() for code in codes.split()
}

_MINOR_UNITS = {code: Decimal(1).scaleb(-exponent) for code, exponent in CURRENCIES.items()}


class UnknownCurrencyError(MonetizeError):
    """A currency that ISO 4217 does not list."""


def exponent_of(currency: str) -> int:
    """Digits after the point that an amount in `currency` has on an invoice.

    Raises UnknownCurrencyError for a code that ISO 4217 does not list.

    >>> exponent_of("USD"), exponent_of("JPY"), exponent_of("KWD")
    (2, 0, 3)
    """
    try:
        return CURRENCIES[currency]
    except KeyError:
        raise UnknownCurrencyError(
            f"currency {currency!r} is not an ISO 4217 code; write three capital letters, such as USD"
        ) from None


def round_amount(amount: Decimal, currency: str) -> Decimal:
    """`amount` to the currency's minor unit, half away from zero. The only rounding of money there is (rule 13).

    >>> round_amount(Decimal("0.125"), "EUR"), round_amount(Decimal("-2.5"), "JPY")
    (Decimal('0.13'), Decimal('-3'))
    """
    unit = _MINOR_UNITS.get(currency) or Decimal(1).scaleb(-exponent_of(currency))
    return amount.quantize(unit, ROUND_HALF_UP, EXACT)


def exact(fraction: Fraction) -> Decimal:
    """A quotient as a decimal with EXACT_SCALE digits, cut off towards zero where it does not end.

    Cutting (not rounding) means that a later `round_amount` sees on which side of the half the quotient lies.

    >>> exact(Fraction(2, 3)), exact(Fraction(-1, 8))
    (Decimal('0.666666666666666666666666'), Decimal('-0.125000000000000000000000'))
    """
    unit = Decimal(1).scaleb(-EXACT_SCALE)
    scaled = abs(fraction) * 10**EXACT_SCALE
    whole = Decimal(scaled.numerator // scaled.denominator)
    value = EXACT.multiply(whole, unit).quantize(unit, rounding=ROUND_DOWN, context=EXACT)
    return -value if fraction < 0 else value


def split_amount(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """`total` in parts proportional to `weights`, each a whole number of minor units, adding up to `total`.

    Largest remainder; equal remainders go to the earlier part. `total` must itself be whole minor units,
    weights must be non-negative and not all zero.

    >>> split_amount(Decimal("1.00"), [Decimal(1), Decimal(1), Decimal(1)], "USD")
    [Decimal('0.34'), Decimal('0.33'), Decimal('0.33')]
    """
    unit = Decimal(1).scaleb(-exponent_of(currency))
    units = Fraction(total) / Fraction(unit)
    whole = sum((Fraction(weight) for weight in weights), Fraction(0))
    if units.denominator != 1 or whole <= 0 or any(weight < 0 for weight in weights):
        raise ValueError("split_amount takes whole minor units and non-negative weights that are not all zero")
    sign, count = (-1, -units.numerator) if units < 0 else (1, units.numerator)
    shares = [count * Fraction(weight) / whole for weight in weights]
    parts = [share.numerator // share.denominator for share in shares]
    by_remainder = sorted(range(len(parts)), key=lambda index: (parts[index] - shares[index], index))
    for index in by_remainder[: count - sum(parts)]:
        parts[index] += 1
    return [sign * part * unit for part in parts]


def plain(value: Decimal) -> str:
    """A decimal as text without exponent and without trailing zeros after the point: `16.01`, `0`, `1000`.

    >>> plain(Decimal("16.010")), plain(Decimal("1E+3")), plain(Decimal("-0.00"))
    ('16.01', '1000', '0')
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
