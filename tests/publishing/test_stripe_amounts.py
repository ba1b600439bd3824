"""Amounts that Stripe cannot show are shown as near as it can, and add up."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monetization_pipeline.money import CURRENCIES, round_amount
from monetization_pipeline.publishing.stripe.amounts import from_stripe, showable, step, to_stripe

AMOUNTS = st.decimals(min_value="-9999.999", max_value="99999.999", places=3)


@pytest.mark.parametrize(
    ("currency", "amounts", "shown"),
    [
        ("USD", ["1.01", "-0.50"], ["1.01", "-0.50"]),
        ("KWD", ["5.124"], ["5.120"]),
        ("KWD", ["5.125"], ["5.130"]),
        ("KWD", ["1.004", "1.004", "1.004"], ["1.010", "1.000", "1.000"]),
        ("MGA", ["0.40", "0.60"], ["0", "1"]),
    ],
)
def test_what_is_shown(currency: str, amounts: list[str], shown: list[str]) -> None:
    assert showable([Decimal(each) for each in amounts], currency) == tuple(map(Decimal, shown))


@given(currency=st.sampled_from(sorted(CURRENCIES)), amounts=st.lists(AMOUNTS, min_size=1, max_size=8))
def test_shown_amounts_are_near_add_up_and_survive_the_way_to_stripe_and_back(
    currency: str, amounts: list[Decimal]
) -> None:
    ours = [round_amount(amount, currency) for amount in amounts]
    shown = showable(ours, currency)
    unit = step(currency)
    assert all(abs(there - here) < unit for there, here in zip(shown, ours, strict=True))
    assert abs(sum(shown) - sum(ours)) <= unit / 2
    assert [from_stripe(to_stripe(amount, currency), currency) for amount in shown] == list(shown)
    assert all(to_stripe(amount, currency) == int(to_stripe(amount, currency)) for amount in shown)
