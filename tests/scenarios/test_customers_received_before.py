"""What was received before rule 20 spoke of versions keeps its meaning, until a newer version says something else."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import yaml
from customer_versions import ACME, CALLS, ENDING, U1, Files, dated, opened_shop, subs, totals, users, write
from workshop import RECEIVED, Workshop, lines

from monetization_pipeline.datasets import REFUSALS


@pytest.fixture
def opened(shop: Workshop) -> Workshop:
    return opened_shop(shop)


def landed_before(shop: Workshop) -> Workshop:
    """The same folder, its files as an earlier program let them in."""
    for file in list(shop.pipeline.landing.files()):
        file.path.rename(file.path.with_name(re.sub(r"-\d+\.\d+@", "-", file.name)))
    return shop.reopened()


def before(shop: Workshop, written: Sequence[Files]) -> Workshop:
    """Versions that were received, an hour apart, before this rule."""
    for hours, files in enumerate(written):
        write(shop, files, datetime.fromisoformat("2023-07-17T11:00:00Z") + timedelta(hours=hours))
    shop = landed_before(shop)
    shop.ingest()
    return shop


BEFORE: dict[str, tuple[list[Files], dict[str, int]]] = {
    "an end that was removed": ([subs(ENDING), subs(ACME)], {"acme": 15}),
    "a trial": ([subs(ACME | {"status": "trialing"})], {"acme": 31}),
    "an id twice": ([subs(ACME, ENDING)], {"acme": 15}),
    "a plan by valid_from": ([subs(ACME | {"valid_from": "2023-07-01"}, dated(16, plan_id="big"))], {"acme": 310}),
    "a user who was written over": (
        [users(U1), users(U1 | {"company_id": "globex"})],
        {"acme": 1, "globex": 2},
    ),
}


@pytest.mark.parametrize("name", BEFORE)
def test_versions_received_before_keep_their_meaning(opened: Workshop, name: str) -> None:
    written, expected = BEFORE[name]
    opened.place("logs", lines(CALLS if "user" in name else []))
    opened = before(opened, written)
    assert totals(opened) == expected
    assert opened.rows(REFUSALS) == []


AFTERWARDS: dict[str, tuple[list[Files], Files, dict[str, int]]] = {
    "another record of the file is written": (
        [users(U1), users(U1 | {"company_id": "globex"})],
        users(U1 | {"company_id": "globex"}, {"user_id": "u2", "company_id": "acme"}),
        {"acme": 1, "globex": 2},
    ),
    "the record is written over": (
        [users(U1), users(U1 | {"company_id": "globex"})],
        users(U1 | {"company_id": "globex", "email": "a@b.test"}),
        {"globex": 3},
    ),
    "the record is left out": (
        [users(U1), users(U1 | {"company_id": "globex"})],
        users(),
        {"acme": 1, "globex": 2},
    ),
    "an end that was removed in vain": (
        [subs(ENDING), subs(ACME)],
        {"customers.yaml": {"subscriptions": [ACME], "companies": [{"company_id": "acme"}]}},
        {"acme": 31},
    ),
    "an end that stays": (
        [subs(ENDING)],
        {"customers.yaml": {"subscriptions": [ENDING], "companies": [{"company_id": "acme"}]}},
        {"acme": 15},
    ),
    "cancelled before, it stays so since then": (
        [subs(ACME), subs(ACME | {"status": "cancelled"})],
        subs(ACME | {"status": "cancelled", "metadata": {"a": "b"}}),
        {"acme": 16},
    ),
}


@pytest.mark.parametrize("name", AFTERWARDS)
def test_the_first_version_after_it(opened: Workshop, name: str) -> None:
    written, then, expected = AFTERWARDS[name]
    opened.place("logs", lines(CALLS if "user_id" in yaml.safe_dump(dict(then)) or "left out" in name else []))
    opened = before(opened, written)
    write(opened, then, RECEIVED)
    assert totals(opened) == expected
