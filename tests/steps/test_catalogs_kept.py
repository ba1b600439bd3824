"""Every catalog that a run used is kept: lines are explained, and months repeated, by the prices of then."""

import json
import multiprocessing
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from workshop import RECEIVED, Workshop, event, lines

from monetization_pipeline.catalog.digests import meters_digest, prices_digest
from monetization_pipeline.catalog.models import Catalog
from monetization_pipeline.datasets import RATED_LINES
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.reports.explain import UnexplainedError, explain
from monetization_pipeline.steps.catalogs import NoCatalogError, catalog_at, catalog_of, keep_catalog, kept_catalogs
from monetization_pipeline.steps.known import read_catalog
from monetization_pipeline.steps.rated_lines import read_lines

MONTH = "2023-07"
DAY = timedelta(days=1)
EXAMPLES = Path(__file__).parents[2] / "examples"


def catalog(unit_amount: str, **price: object) -> Mapping[str, object]:
    calls = {"price_id": "x", "model": "per_unit", "meter": "calls", "unit_amount": unit_amount} | price
    plan = {"plan_id": "p", "currency": "USD", "interval": "month", "prices": [calls]}
    return {"meters": [{"meter_id": "calls", "aggregation": "count"}], "plans": [plan]}


def use(shop: Workshop, unit_amount: str, now: datetime) -> Catalog:
    shop.catalog(catalog(unit_amount))
    found = read_catalog(shop.pipeline)
    keep_catalog(shop.pipeline, found, now)
    return found


def used_from(shop: Workshop) -> list[datetime]:
    return [kept.used_from for kept in kept_catalogs(shop.pipeline)]


def test_a_catalog_is_kept_when_it_differs_from_the_one_before(shop: Workshop) -> None:
    prices = ("1", "1", "2", "2", "1")
    for day, price in enumerate(prices):
        use(shop, price, RECEIVED + day * DAY)
    assert used_from(shop) == [RECEIVED, RECEIVED + 2 * DAY, RECEIVED + 4 * DAY]


def test_the_catalog_at_an_instant_is_that_of_the_last_run_until_then(shop: Workshop) -> None:
    used = [use(shop, price, RECEIVED + day * DAY) for day, price in enumerate(("1", "2"))]
    second = timedelta(seconds=1)
    for instant, expected in (
        (RECEIVED, used[0]),
        (RECEIVED + DAY - second, used[0]),
        (RECEIVED + DAY, used[1]),
        (RECEIVED + 9 * DAY, used[1]),
    ):
        assert prices_digest(catalog_at(shop.pipeline, instant).catalog()) == prices_digest(expected)
    with pytest.raises(NoCatalogError, match=r"nothing was run until 2023-08-02T11:59:59.*2023-08-02T12:00:00Z on$"):
        catalog_at(shop.pipeline, RECEIVED - second)


def test_where_no_catalog_was_kept_a_run_comes_first(shop: Workshop) -> None:
    with pytest.raises(NoCatalogError, match=r"`monetize run PERIOD` comes first$"):
        catalog_at(shop.pipeline, RECEIVED)


def test_a_clock_that_goes_back_does_not_put_a_catalog_before_the_last(shop: Workshop) -> None:
    use(shop, "1", RECEIVED)
    use(shop, "2", RECEIVED - DAY)
    assert used_from(shop) == [RECEIVED, RECEIVED + timedelta(microseconds=1)]


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in EXAMPLES.glob("*/catalog")))
def test_a_kept_catalog_says_what_it_said(shop: Workshop, folder: str) -> None:
    for path in (EXAMPLES / folder / "catalog").iterdir():
        (shop.root / "catalog" / path.name).write_bytes(path.read_bytes())
    written = read_catalog(shop.pipeline)
    keep_catalog(shop.pipeline, written, RECEIVED)
    kept = kept_catalogs(shop.pipeline)[0].catalog()
    assert kept == written
    assert (meters_digest(kept), prices_digest(kept)) == (meters_digest(written), prices_digest(written))


def test_a_price_with_every_field_is_kept(shop: Workshop) -> None:
    tiers = [{"up_to": "10.5", "unit_amount": "0.000000000001", "flat_amount": "3"}, {"up_to": None}]
    prices = [
        {"price_id": "a", "model": "graduated", "meter": "calls", "tiers": tiers, "included_units": "0.5"},
        {"price_id": "b", "model": "package", "meter": "calls", "package_size": "3", "package_amount": "1e3"},
        {"price_id": "c", "model": "flat", "amount": "0", "bill": "in_advance", "prorate": "second"},
        {"price_id": "d", "model": "volume", "meter": "calls", "tiers": tiers, "group_by": ["route"]}
        | {"transform": {"multiply": "2", "round": "up", "step": "1"}},
    ]
    plan = {"plan_id": "p", "currency": "JPY", "interval": "month", "prices": prices}
    meters = [{"meter_id": "calls", "aggregation": "count", "dimensions": ["route"], "count_blocked": "true"}]
    shop.catalog({"meters": meters, "plans": [plan]})
    written = read_catalog(shop.pipeline)
    keep_catalog(shop.pipeline, written, RECEIVED)
    assert kept_catalogs(shop.pipeline)[0].catalog() == written


def _keep(root: Path, unit_amount: str) -> None:
    shop = Workshop(root)
    found = Catalog.model_validate(catalog(unit_amount))
    keep_catalog(shop.pipeline, found, datetime.now(UTC))


def test_processes_that_keep_at_once_lose_none(shop: Workshop) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_keep, args=(shop.root, str(number))) for number in range(1, 4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    kept = kept_catalogs(shop.pipeline)
    assert {worker.exitcode for worker in workers} == {0}
    assert {row.catalog().plans[0].prices[0].unit_amount for row in kept} == {Decimal(1), Decimal(2), Decimal(3)}
    assert len(set(used_from(shop))) == len(kept) == 3


def shop_with_a_line(shop: Workshop) -> str:
    shop.catalog(catalog("0.5", included_units="1"))
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    shop.place("logs", lines(event(number) for number in range(4)))
    keep_catalog(shop.pipeline, shop.run(MONTH), RECEIVED)
    (line,) = read_lines(shop.pipeline, MONTH)
    return line.line_id


def test_a_line_is_explained_by_the_price_of_its_run_though_the_catalog_says_another_now(shop: Workshop) -> None:
    line_id = shop_with_a_line(shop)
    shop.catalog(catalog("7"))
    explained = explain(shop.pipeline, line_id)
    assert json.loads(json.dumps(explained.explanation)) == {
        "model": "per_unit",
        "quantity": "4",
        "included_units": "1",
        "units": "3",
        "parts": [{"units": "3", "unit_amount": "0.5", "amount": "1.5"}],
        "amount": "1.5",
    }
    assert (explained.price.unit_amount, explained.line.amount, explained.events) == (Decimal("0.5"), Decimal("1.5"), 4)


def test_a_line_whose_prices_were_never_kept_is_explained_by_the_same_prices_or_not_at_all(shop: Workshop) -> None:
    shop.catalog(catalog("0.5"))
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    shop.run(MONTH)
    (line,) = read_lines(shop.pipeline, MONTH)
    assert explain(shop.pipeline, line.line_id).explanation["amount"] == "0"
    shop.catalog(catalog("0.6"))
    with pytest.raises(NoCatalogError, match="run the billing period again"):
        explain(shop.pipeline, line.line_id)


def test_an_amount_that_does_not_come_out_again_is_told(shop: Workshop) -> None:
    line_id = shop_with_a_line(shop)
    table = shop.pipeline.lake.table(RATED_LINES)
    state, claim = table.state(MONTH), table.claim([MONTH])
    assert state is not None
    forged = catalog("0.9", included_units="1")
    digest = prices_digest(Catalog.model_validate(forged))
    keep_catalog(shop.pipeline, Catalog.model_validate(forged), RECEIVED + DAY)
    copy = table.new_path(MONTH)
    copy.local.write_bytes(table.files([MONTH])[0].local.read_bytes())
    table.replace(claim, [NewFile(copy, MONTH, state.rows)], {MONTH: replace(state, digests={"prices": digest})})
    with pytest.raises(UnexplainedError, match=r"was rated at 1\.5, but its price and quantity come to 2\.7"):
        explain(shop.pipeline, line_id)
    assert catalog_of(shop.pipeline, digest).plans[0].prices[0].unit_amount == Decimal("0.9")
