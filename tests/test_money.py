"""Rounding, splitting and currencies: every expected figure is from hand or from exact fractions."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monetization_pipeline.money import (
    EXACT_SCALE,
    UnknownCurrencyError,
    exact,
    exponent_of,
    plain,
    round_amount,
    split_amount,
)

ROUNDING = [
    ("half a cent goes up", "0.005", "USD", "0.01"),
    ("half a cent below zero goes away from zero", "-0.005", "USD", "-0.01"),
    ("just under half a cent goes down", "0.004999999999999999999999", "USD", "0.00"),
    ("an even neighbour makes no difference", "0.025", "USD", "0.03"),
    ("a yen has no parts", "0.5", "JPY", "1"),
    ("a dinar has three digits", "1.0005", "KWD", "1.001"),
    ("a large amount keeps all its digits", "99999999999999.995", "USD", "100000000000000.00"),
    ("what is round already stays", "16.01", "EUR", "16.01"),
    ("more digits than an ordinary decimal has", "1" * 30 + ".005", "USD", "1" * 30 + ".01"),
]


@pytest.mark.parametrize(
    ("amount", "currency", "expected"), [case[1:] for case in ROUNDING], ids=[c[0] for c in ROUNDING]
)
def test_rounding_is_half_away_from_zero(amount: str, currency: str, expected: str) -> None:
    assert str(round_amount(Decimal(amount), currency)) == expected


def test_a_currency_that_is_none_is_named() -> None:
    with pytest.raises(UnknownCurrencyError, match="'usd' is not an ISO 4217 code"):
        exponent_of("usd")
    with pytest.raises(UnknownCurrencyError, match="'usd' is not an ISO 4217 code"):
        round_amount(Decimal(1), "usd")


SPLITS = [
    ("a dollar in three", "1.00", ["1", "1", "1"], ["0.34", "0.33", "0.33"]),
    ("the largest remainder gets the cent", "0.10", ["1", "2"], ["0.03", "0.07"]),
    ("nothing for a weight of zero", "5.00", ["0", "1"], ["0.00", "5.00"]),
    ("a negative total", "-1.00", ["1", "1", "1"], ["-0.34", "-0.33", "-0.33"]),
]


@pytest.mark.parametrize(("total", "weights", "parts"), [case[1:] for case in SPLITS], ids=[c[0] for c in SPLITS])
def test_a_split_gives_whole_minor_units(total: str, weights: list[str], parts: list[str]) -> None:
    found = split_amount(Decimal(total), [Decimal(weight) for weight in weights], "USD")
    assert [f"{part:.2f}" for part in found] == parts


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any))
def test_a_split_adds_up_and_is_never_a_unit_off(cents: int, weights: list[int]) -> None:
    total = Decimal(cents) / 100
    parts = split_amount(total, [Decimal(weight) for weight in weights], "USD")
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(part) - Fraction(cents, 100) * weight / sum(weights)) < Fraction(1, 100)


@pytest.mark.parametrize("weights", [["0", "0"], ["-1", "2"]])
def test_a_split_needs_weights_to_go_by(weights: list[str]) -> None:
    with pytest.raises(ValueError, match="weights"):
        split_amount(Decimal(1), [Decimal(weight) for weight in weights], "USD")


QUOTIENTS = [
    ("two thirds are cut, not rounded", Fraction(2, 3), "0.666666666666666666666666"),
    ("below zero they are cut towards zero", Fraction(-2, 3), "-0.666666666666666666666666"),
    ("what ends is exact", Fraction(-1, 8), "-0.125000000000000000000000"),
    ("nothing has no sign", Fraction(0), "0.000000000000000000000000"),
]


@pytest.mark.parametrize(("quotient", "value"), [case[1:] for case in QUOTIENTS], ids=[c[0] for c in QUOTIENTS])
def test_a_quotient_as_a_decimal(quotient: Fraction, value: str) -> None:
    assert f"{exact(quotient):f}" == value


@given(st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**8))
def test_a_quotient_is_cut_towards_zero(quotient: Fraction) -> None:
    value = exact(quotient)
    assert abs(Fraction(value)) <= abs(quotient) < abs(Fraction(value)) + Fraction(1, 10**EXACT_SCALE)


PLAIN = [
    ("16.0100", "16.01"),
    ("0E-12", "0"),
    ("-0.00", "0"),
    ("1E+3", "1000"),
    ("1000", "1000"),
    ("0.000000000001",) * 2,
]


@pytest.mark.parametrize(("value", "text"), PLAIN)
def test_plain_text_has_no_exponent_and_no_idle_zeros(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text
