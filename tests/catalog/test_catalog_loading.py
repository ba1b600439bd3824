"""Catalogs that load, folders and files that do not, and how problems are put together."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from monetization_pipeline.catalog.loading import load_catalog
from monetization_pipeline.catalog.models import (
    Aggregation,
    BillTiming,
    Direction,
    FlatPrice,
    GraduatedPrice,
    Meter,
    PackagePrice,
    Proration,
    Rounding,
)
from monetization_pipeline.catalog.validation import CatalogError

METERS = """\
meters:
  - meter_id: api_calls
    event_type: api_call
    filter: "status < 400 and route like '/v1/%'"
    aggregation: count
    dimensions: [route, metadata.model]
  - meter_id: tokens
    aggregation: sum
    value: metadata.tokens
    count_blocked: true
    directions: [Outgoing, Incoming, Outgoing]
"""
PLANS = """\
plans:
  - plan_id: growth
    currency: USD
    interval: month
    description: 2024
    prices:
      - {price_id: growth_fee, model: flat, amount: "99.00", bill: in_advance, prorate: second}
      - price_id: growth_calls
        meter: api_calls
        model: graduated
        tiers: [{up_to: 10000, unit_amount: "0"}, {up_to: null, unit_amount: 0.002, flat_amount: 1e1}]
        group_by: [route, metadata.model]
      - {price_id: growth_tokens, meter: tokens, model: package, package_size: 1000, package_amount: .1,
         included_units: 5, transform: {divide: 3, round: up, step: 0.5}}
  - {plan_id: free, currency: JPY, interval: month, prices: [{price_id: growth_fee, model: flat, amount: 0}]}
"""


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / name.replace("_", ".")).write_text(text, "utf-8")
    return directory


def problem_of(directory: Path) -> str:
    with pytest.raises(CatalogError) as caught:
        load_catalog(directory)
    [problem] = caught.value.problems
    return str(problem).removeprefix(str(directory))


def test_files_are_merged_and_every_field_is_read(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path, b_yaml=METERS, a_yml=PLANS, notes_txt="not a catalog"))
    calls, tokens = catalog.meters
    assert calls.filter == "status < 400 and route like '/v1/%'"
    assert calls.dimensions == ("metadata.model", "route")
    assert (tokens.aggregation, tokens.value, tokens.count_blocked) == (Aggregation.SUM, "metadata.tokens", True)
    assert (calls.directions, tokens.directions) == (
        (Direction.INCOMING,),
        (Direction.INCOMING, Direction.OUTGOING),
    )
    growth, free = catalog.plans
    assert (growth.plan_id, growth.currency, growth.interval, growth.description) == ("growth", "USD", "month", "2024")
    fee, graduated, package = growth.prices
    assert isinstance(fee, FlatPrice)
    assert isinstance(graduated, GraduatedPrice)
    assert isinstance(package, PackagePrice)
    assert (fee.model, fee.amount, fee.bill, fee.prorate) == (
        *("flat", Decimal("99.00")),
        *(BillTiming.IN_ADVANCE, Proration.SECOND),
    )
    assert [(tier.up_to, tier.unit_amount, tier.flat_amount) for tier in graduated.tiers] == [
        (Decimal(10000), Decimal(0), Decimal(0)),
        (None, Decimal("0.002"), Decimal(10)),
    ]
    assert package.transform is not None
    assert (package.transform.divide, package.transform.round, package.transform.step) == (
        *(Decimal(3), Rounding.UP),
        Decimal("0.5"),
    )
    assert (package.package_size, package.package_amount, package.included_units) == (1000, Decimal("0.1"), 5)
    assert free.prices[0].price_id == fee.price_id, "the same price_id may stand in several plans"


def test_lookups_find_by_id_and_return_none_for_the_unknown(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path, a_yaml=METERS + PLANS))
    assert catalog.meter("tokens") is catalog.meters[1]
    assert catalog.plan("free") is catalog.plans[1]
    assert (catalog.meter("zzz"), catalog.plan("zzz"), catalog.plan(None)) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1", Decimal("0.1")),
        ("0.30000000000000004e0", None),
        ("0.300000000000000", Decimal("0.3")),
        ("9999999999999999.999999999999", Decimal("9999999999999999.999999999999")),
        ("0.000000000001", Decimal("0.000000000001")),
        ("1e-12", Decimal("0.000000000001")),
        ("1e-13", None),
        ("1e15", Decimal(10) ** 15),
        ("1e16", None),
        ("+5", Decimal(5)),
        ("007", Decimal(7)),
        ("0e99", Decimal(0)),
    ],
)
def test_a_figure_is_exactly_its_text_or_refused(text: str, expected: Decimal | None, tmp_path: Path) -> None:
    price = f"{{price_id: f, model: flat, amount: {text}}}"
    write(tmp_path, a_yaml=f"plans: [{{plan_id: p, currency: USD, interval: month, prices: [{price}]}}]")
    if expected is None:
        assert "has more than 16 whole or 12 fractional digits" in problem_of(tmp_path)
    else:
        assert load_catalog(tmp_path).plans[0].prices[0].amount == expected


def test_words_that_yaml_takes_for_something_else_stay_words(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="meters: [{meter_id: no, aggregation: count, filter: 2024-01-01, action_name: 0x1F}]")
    [meter] = load_catalog(tmp_path).meters
    assert (meter.meter_id, meter.filter, meter.action_name) == ("no", "2024-01-01", "0x1F")


def test_null_is_the_same_as_leaving_a_key_out(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="meters: [{meter_id: m, aggregation: count, filter: null, description: ~, dimensions: }]")
    assert load_catalog(tmp_path).meters == (Meter(meter_id="m", aggregation=Aggregation.COUNT),)


def test_an_alias_may_be_used_twice(tmp_path: Path) -> None:
    first_price = "{price_id: a, model: volume, meter: m, tiers: &steps [{up_to: 5, unit_amount: 1}, {up_to: null}]}"
    second_price = "{price_id: b, model: graduated, meter: m, tiers: *steps}"
    prices = f"[{first_price}, {second_price}]"
    plan = f"plans: [{{plan_id: p, currency: USD, interval: month, prices: {prices}}}]"
    write(tmp_path, a_yaml=f"meters: [{{meter_id: m, aggregation: count}}]\n{plan}")
    first, second = load_catalog(tmp_path).plans[0].prices
    assert first.tiers == second.tiers != ()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert problem_of(tmp_path / "nowhere") == ": does not exist; the catalog is a folder of YAML files"


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "catalog").write_text("meters: []")
    assert problem_of(tmp_path / "catalog") == ": is not a folder; the catalog is a folder of YAML files"


def test_a_folder_without_yaml(tmp_path: Path) -> None:
    assert problem_of(tmp_path) == ": holds no .yaml or .yml file; declare meters and plans in one"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "meters:\nplans: []\n"])
def test_a_catalog_with_nothing_in_it(text: str, tmp_path: Path) -> None:
    assert problem_of(write(tmp_path, a_yaml=text)) == ": the catalog is empty; declare meters and plans"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"meters:\n  - {meter_id: calls\nplans: []\n", "/a.yaml:3: is not valid YAML: "),
        (b"meters:\n\t- x\n", "/a.yaml:2: is not valid YAML: "),
        (b"meters: []\n---\nplans: []\n", "/a.yaml:2: is not valid YAML: expected a single document"),
        (b"meters: *nothing\n", "/a.yaml:1: is not valid YAML: "),
        (b"meters: \xff\n", "/a.yaml: is not UTF-8 text (byte 8); save it as UTF-8"),
        (b"meters: \x00\n", "/a.yaml: is not valid YAML: "),
        (b"[" * 5000, "/a.yaml"),
    ],
)
def test_text_that_is_no_yaml(content: bytes, expected: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    assert problem_of(tmp_path).startswith(expected)


def test_a_byte_order_mark_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbf" + METERS.encode())
    assert len(load_catalog(tmp_path).meters) == 2


def test_a_meter_twice_in_two_files_names_both(tmp_path: Path) -> None:
    meter = "meters:\n  - {meter_id: calls, aggregation: count}\n"
    write(tmp_path, a_yaml=meter, b_yaml=f"\n{meter}")
    assert problem_of(tmp_path) == (
        f"/b.yaml:3 (meters[0].meter_id): calls is declared twice, first at {tmp_path}/a.yaml:2; give one another id"
    )


def test_all_problems_of_all_files_come_at_once_in_order(tmp_path: Path) -> None:
    write(
        tmp_path, b_yaml="plans: 5", a_yaml="meters:\n  - {meter_id: m}\n  - {aggregation: sum, value: x}\n", c_yaml="{"
    )
    with pytest.raises(CatalogError) as caught:
        load_catalog(tmp_path)
    lines = str(caught.value).splitlines()
    assert lines[0] == "the catalog has 4 errors:"
    assert [line.removeprefix(f"  {tmp_path}/").split(": ")[0] for line in lines[1:]] == [
        "a.yaml:2 (meters[0].aggregation)",
        "a.yaml:3 (meters[1].meter_id)",
        "b.yaml:1 (plans)",
        "c.yaml:1",
    ]


def test_the_callers_own_check_of_meters_reports_at_the_fields_place(tmp_path: Path) -> None:
    def check(meter: Meter) -> Iterator[tuple[str, str]]:
        if meter.meter_id == "api_calls":
            yield "filter", "no such column: statsu"
            yield "dimensions[1]", "no such path"
            yield "value", "not there at all"

    write(tmp_path, a_yaml=METERS)
    with pytest.raises(CatalogError) as caught:
        load_catalog(tmp_path, check)
    assert {str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems} == {
        "a.yaml:4 (meters[0].filter): no such column: statsu",
        "a.yaml:6 (meters[0].dimensions[1]): no such path",
        "a.yaml:2 (meters[0].value): not there at all",
    }
    assert load_catalog(tmp_path, lambda meter: ())
