"""An edit in place speaks for all time: the booked periods that it changes are told from the others."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from workshop import RECEIVED, Workshop

from monetization_pipeline.standing.rewritten import changed_periods, charged_in

BOOKED = ("2023-05", "2023-06", "2023-07")
CATALOG: dict[str, object] = {
    "meters": [],
    "plans": [
        {
            "plan_id": plan_id,
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": "fee", "model": "flat", "amount": "31", "bill": bill}],
        }
        for plan_id, bill in {"p": "in_arrears", "advance": "in_advance"}.items()
    ],
}
S = {"subscription_id": "s", "company_id": "acme", "plan_id": "p", "start_at": "2023-06-01"}
OTHER = S | {"subscription_id": "other"}
U1, U2 = {"user_id": "u1", "company_id": "acme"}, {"user_id": "u2", "company_id": "acme"}
WRITTEN: Mapping[str, object] = {"companies": [{"company_id": "acme"}], "users": [U1], "subscriptions": [S]}


def since(day: str) -> dict[str, object]:
    return {"user_id": "u1", "company_id": "globex", "valid_from": day}


EDITS: dict[str, tuple[Mapping[str, object], list[str]]] = {
    "nothing": ({}, []),
    "a name": ({"companies": [{"company_id": "acme", "name": "Acme"}]}, []),
    "an end": ({"subscriptions": [S | {"end_at": "2023-07-11"}]}, ["2023-07"]),
    "an end that is still to come": ({"subscriptions": [S | {"end_at": "2023-08-11"}]}, []),
    "an earlier start": ({"subscriptions": [S | {"start_at": "2023-05-11"}]}, ["2023-05"]),
    "another plan": ({"subscriptions": [S | {"plan_id": "advance"}]}, ["2023-05", "2023-06", "2023-07"]),
    "another company": ({"subscriptions": [S | {"company_id": "globex"}]}, ["2023-06", "2023-07"]),
    "a new subscription": ({"subscriptions": [S, OTHER | {"start_at": "2023-07-20"}]}, ["2023-07"]),
    "a new subscription that is still to come": ({"subscriptions": [S, OTHER | {"start_at": "2023-08-01"}]}, []),
    "a zone": (
        {"companies": [{"company_id": "acme", "time_zone": "Asia/Kolkata"}]},
        ["2023-05", "2023-06", "2023-07"],
    ),
    "a user's company": ({"users": [U1 | {"company_id": "globex"}]}, ["2023-05", "2023-06", "2023-07"]),
    "a user who moves": ({"users": [U1, since("2023-07-11")]}, ["2023-07"]),
    "a user who moves later": ({"users": [U1, since("2023-08-11")]}, []),
    "a new user": ({"users": [U1, U2]}, []),
}


@pytest.mark.parametrize("name", EDITS)
def test_which_booked_periods_an_edit_changes(shop: Workshop, name: str) -> None:
    edit, expected = EDITS[name]
    shop.catalog(CATALOG)
    shop.customers(WRITTEN)
    shop.ingest()
    shop.merge()
    before = charged_in(shop.known(), BOOKED)
    shop.customers({**WRITTEN, **edit}, RECEIVED + timedelta(hours=1))
    shop.ingest()
    shop.merge()
    assert changed_periods(before, shop.known()) == expected
