"""Files that are received at one instant: the order in which they landed decides (rule 20)."""

import os
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from workshop import RECEIVED, Workshop, lines

from monetization_pipeline.datasets import COMPANIES, SUBSCRIPTIONS, USERS
from monetization_pipeline.landing.receiving import receive, take_inboxes
from monetization_pipeline.steps import invoices

MONTH = "2023-07"
CALLS: dict[str, object] = {
    "meters": [{"meter_id": "calls", "aggregation": "count"}],
    "plans": [
        {
            "plan_id": "p",
            "currency": "USD",
            "interval": "month",
            "prices": [{"price_id": "x", "model": "per_unit", "meter": "calls", "unit_amount": "1"}],
        }
    ],
}
CUSTOMERS = {
    "subscriptions": [
        {"subscription_id": f"s-{company}", "company_id": company, "plan_id": "p", "start_at": "2023-07-01"}
        for company in ("acme", "globex")
    ]
}
#: u1 belongs to acme by the second line of the one file, to globex by the first line of the other.
ACME = lines(
    [
        {"method": "POST", "path": "/v1/users", "body": {"user_id": "somebody"}},
        {"method": "POST", "path": "/v1/users", "body": {"user_id": "u1", "company_id": "acme"}},
    ]
)
GLOBEX = lines([{"method": "POST", "path": "/v1/users", "body": {"user_id": "u1", "company_id": "globex"}}])
CALL = lines([{"id": "e1", "at": "2023-07-10T12:00:00Z", "user": "u1"}])


@pytest.fixture
def opened(shop: Workshop, tmp_path: Path) -> Workshop:
    shop.catalog(CALLS)
    for name in ("moesif", "other"):
        shop.source(name, format="requests", mapping={})
    shop.customers(CUSTOMERS, RECEIVED - timedelta(days=1))
    shop.place("logs", CALL)
    for name, content in {"acme": ACME, "globex": GLOBEX}.items():
        (tmp_path / name).write_bytes(content)
    return shop


def command(shop: Workshop, *names: str, source: str = "moesif") -> None:
    """One `monetize ingest --received-at`, up to landing."""
    paths = [shop.root / name for name in names]
    receive(shop.pipeline.landing, shop.pipeline.home.sources, source, paths, RECEIVED)


def dropped(shop: Workshop, *names: str) -> None:
    """Files in the inbox, which come in by name."""
    inbox = shop.pipeline.landing.inbox("moesif")
    inbox.mkdir(parents=True)
    before = time.time() - 60
    for name in names:
        content = (shop.root / re.sub(r"^\d", "", name)).read_bytes()
        (inbox / name).write_bytes(content)
        os.utime(inbox / name, (before, before))
    take_inboxes(shop.pipeline.landing, shop.pipeline.home.sources, RECEIVED)


def charged(shop: Workshop) -> dict[str, Decimal]:
    shop.run(MONTH)
    return {each.company_id: each.total for each in invoices.read_invoices(shop.pipeline, MONTH) if each.total}


WAYS: dict[str, tuple[Callable[[Workshop], Sequence[None] | None], str]] = {
    "in one command": (lambda shop: command(shop, "acme", "globex"), "globex"),
    "in one command, the other way round": (lambda shop: command(shop, "globex", "acme"), "acme"),
    "one after the other": (lambda shop: [command(shop, "acme"), command(shop, "globex")], "globex"),
    "one after the other, the other way round": (lambda shop: [command(shop, "globex"), command(shop, "acme")], "acme"),
    "by two sources": (lambda shop: [command(shop, "acme", source="other"), command(shop, "globex")], "globex"),
    "by two sources, the other way round": (
        lambda shop: [command(shop, "globex", source="other"), command(shop, "acme")],
        "acme",
    ),
    "dropped into an inbox": (lambda shop: dropped(shop, "1acme", "2globex"), "globex"),
    "dropped into an inbox, the other way round": (lambda shop: dropped(shop, "1globex", "2acme"), "acme"),
}


@pytest.mark.parametrize("way", WAYS)
def test_of_two_files_of_one_instant_the_later_one_says_whose_the_user_is(opened: Workshop, way: str) -> None:
    come, company = WAYS[way]
    come(opened)
    assert charged(opened) == {company: 1}


def test_files_that_landed_before_their_order_was_noted_keep_the_order_they_had(opened: Workshop) -> None:
    """By line, then by digest: acme, whose line is the second of its file."""
    command(opened, "acme", "globex")
    for file in list(opened.pipeline.landing.files()):
        file.path.rename(file.path.with_name(re.sub(r"-\d+\.\d+@", "-", file.name)))
    again = opened.reopened()
    assert {file.landed for file in again.pipeline.landing.files()} == {None}
    assert charged(again) == {"acme": 1}


def test_a_file_that_lands_now_comes_after_one_of_its_instant_that_landed_before(opened: Workshop) -> None:
    command(opened, "acme")
    for file in [file for file in opened.pipeline.landing.files() if file.source == "moesif"]:
        file.path.rename(file.path.with_name(re.sub(r"-\d+\.\d+@", "-", file.name)))
    again = opened.reopened()
    command(again, "globex")
    assert charged(again) == {"globex": 1}


def merged(shop: Workshop) -> list[list[dict[str, Any]]]:
    shop.ingest()
    shop.merge()
    return [shop.rows(spec) for spec in (COMPANIES, USERS, SUBSCRIPTIONS)]


def test_the_captures_in_one_command_and_one_after_the_other_give_the_same_customers(
    tmp_path: Path, shared_data: Path
) -> None:
    captures = sorted((shared_data / "moesif").glob("*.jsonl"))
    assert len(captures) == 2
    received_at = datetime(2026, 11, 23, tzinfo=UTC)
    # One of the captures says that u1 is acme's; what comes after it is to say something else.
    moved = tmp_path / "moved.jsonl"
    moved.write_bytes(GLOBEX)
    found = []
    for order in ([*captures, moved], [moved, *reversed(captures)]):
        ways = []
        for way, commands in {"together": [order], "alone": [[path] for path in order]}.items():
            shop = Workshop(tmp_path / f"{len(found)}-{way}")
            shop.source("moesif", format="requests", mapping={})
            for paths in commands:
                receive(shop.pipeline.landing, shop.pipeline.home.sources, "moesif", paths, received_at)
            ways.append(merged(shop))
        assert ways[0] == ways[1]
        found.append({row["user_id"]: row["company_id"] for row in ways[0][1]})
    assert [users["u1"] for users in found] == ["globex", "acme"]


def test_a_file_knows_its_batch_and_its_place_and_those_that_were_known_count(opened: Workshop) -> None:
    landing = opened.pipeline.landing
    names = ["acme", "globex"]
    first = receive(landing, opened.pipeline.home.sources, "moesif", [opened.root / name for name in names], RECEIVED)
    (opened.root / "third").write_bytes(b"{}")
    names = ["globex", "third"]
    then = receive(landing, opened.pipeline.home.sources, "moesif", [opened.root / name for name in names], RECEIVED)
    # At this instant, a file of events has landed already; `globex` in the second command is no new file.
    assert [file.landed for file in [*first, *then]] == [(2, 1), (2, 2), (2, 2), (3, 2)]
    assert [file.original_name for file in [*first, *then]] == ["acme", "globex", "globex", "third"]


def test_a_command_that_was_cut_short_and_is_repeated_gives_its_files_the_places_that_they_would_have_had(
    opened: Workshop,
) -> None:
    command(opened, "acme")
    command(opened, "acme", "globex")
    assert {file.original_name: file.landed for file in opened.pipeline.landing.of_source("moesif")} == {
        "acme": (2, 1),
        "globex": (2, 2),
    }
