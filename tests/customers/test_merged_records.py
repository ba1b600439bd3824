"""Records of one company or subscription that follow each other: what the history keeps of them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from monetization_pipeline.customers.changes import change_of
from monetization_pipeline.customers.merge import merge_companies, merge_subscriptions
from monetization_pipeline.customers.models import EntityChange, EntityKind


def at(day: int) -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=day - 1)


def change(kind: EntityKind, day: int, fields: Mapping[str, object]) -> EntityChange:
    return change_of(kind, fields, received_at=at(day), source="customers", file="f", line=1)


def company(day: int, **fields: object) -> EntityChange:
    return change(EntityKind.COMPANY, day, {"company_id": "c", **fields})


def subscription(day: int, **fields: object) -> EntityChange:
    return change(EntityKind.SUBSCRIPTION, day, {"subscription_id": "s", "company_id": "c", **fields})


def test_a_company_moves_to_another_time_zone() -> None:
    history = merge_companies(
        [company(1, time_zone="Europe/Berlin"), company(5, name="Acme"), company(9, time_zone="UTC")]
    )
    assert [(row.time_zone, row.name, row.valid_from) for row in history] == [
        ("Europe/Berlin", None, None),
        ("Europe/Berlin", "Acme", at(5)),
        ("UTC", "Acme", at(9)),
    ]


def test_a_record_that_says_the_same_again_makes_no_row_and_ends_nothing() -> None:
    history = merge_companies([company(1, name="Old"), company(5, name="Old"), company(9, name="New")])
    assert [(row.name, row.valid_from, row.valid_to) for row in history] == [("Old", None, at(9)), ("New", at(9), None)]


@pytest.mark.parametrize("before", [[], [{"status": "active"}]], ids=["as its first record", "later"])
def test_a_cancelled_subscription_ends_when_it_became_so(before: list[dict[str, object]]) -> None:
    changes = [subscription(1, **fields) for fields in before]
    cancelled = [subscription(day, status="cancelled") for day in (5, 9)]
    assert merge_subscriptions([*changes, *cancelled])[-1].end_at == at(5)
