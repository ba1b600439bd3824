"""Steps below zero: negative usage is shown as it was rounded, though it charges nothing (rule 10)."""

from decimal import Decimal

import pytest

from monetization_pipeline.catalog.models import Rounding, Transform
from monetization_pipeline.rating.quantity import transforming

THOUSANDS = [
    ("up is up above zero", Rounding.UP, "1001", "2"),
    ("up is up below zero", Rounding.UP, "-1999", "-1"),
    ("down is down above zero", Rounding.DOWN, "1999", "1"),
    ("down is down below zero", Rounding.DOWN, "-1001", "-2"),
    ("nearest cuts what is less than half", Rounding.NEAREST, "-1499", "-1"),
    ("nearest takes half away from zero", Rounding.NEAREST, "-1500", "-2"),
    ("nearest takes half away from zero above it", Rounding.NEAREST, "1500", "2"),
    ("whole steps stay", Rounding.UP, "-2000", "-2"),
]


@pytest.mark.parametrize(
    ("rounding", "quantity", "thousands"), [case[1:] for case in THOUSANDS], ids=[case[0] for case in THOUSANDS]
)
def test_thousands_begun(rounding: Rounding, quantity: str, thousands: str) -> None:
    assert transforming(Transform(divide=Decimal(1000), round=rounding))(Decimal(quantity)) == Decimal(thousands)
