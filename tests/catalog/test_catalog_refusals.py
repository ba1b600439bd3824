"""What a catalog may not say: each case a file, and every error with its place."""

from pathlib import Path
from typing import cast

import pytest
import yaml

from monetization_pipeline.catalog.loading import load_catalog
from monetization_pipeline.catalog.validation import CatalogError

_Case = dict[str, object]
CASES = cast("list[_Case]", yaml.safe_load((Path(__file__).parent / "refusals.yaml").read_text("utf-8")))

#: A plan around prices that are given alone: one price a line, the first on line 8.
_PLAN = """\
meters:
  - {meter_id: calls, aggregation: count, dimensions: [route]}
plans:
  - plan_id: p
    currency: USD
    interval: month
    prices:
"""


def errors_of(directory: Path) -> list[str]:
    with pytest.raises(CatalogError) as caught:
        load_catalog(directory)
    return [str(problem).removeprefix(f"{directory}/") for problem in caught.value.problems]


@pytest.mark.parametrize("case", [case for case in CASES if "yaml" in case], ids=lambda case: str(case["name"]))
def test_a_file_is_refused_with_line_and_field(case: _Case, tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_text(str(case["yaml"]), "utf-8")
    expected = [text.replace("FILE", str(path)) for text in cast("list[str]", case["errors"])]
    assert sorted(errors_of(tmp_path)) == sorted(f"catalog.yaml:{text}" for text in expected)


@pytest.mark.parametrize("case", [case for case in CASES if "prices" in case], ids=lambda case: str(case["name"]))
def test_a_price_is_refused_with_its_field(case: _Case, tmp_path: Path) -> None:
    prices = cast("list[dict[str, object]]", case["prices"])
    (tmp_path / "catalog.yaml").write_text(_PLAN + "".join(_price_line(price) for price in prices), "utf-8")
    expected = set[str]()
    for text in cast("list[str]", case["errors"]):
        field, _, problem = text.partition(": ")
        index = int(field.partition("[")[2].partition("]")[0])
        expected.add(f"catalog.yaml:{8 + index} (plans[0].{field}): {problem}")
    assert set(errors_of(tmp_path)) == expected


def _price_line(price: dict[str, object]) -> str:
    """As it stands in the data file: PyYAML's own numbers would hide how a figure was spelled."""
    text = yaml.safe_dump(price, default_flow_style=True, width=10_000, allow_unicode=True).strip()
    return f"      - {text}\n"


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("price", key)
        for key in (
            *("minimum", "maximum", "minimum_amount", "maximum_amount", "discounts", "discount", "credits", "tax"),
            *("effective_from", "trial", "trial_days", "interval", "matrix", "rate"),
        )
    ]
    + [
        ("plan", key)
        for key in (
            "minimum",
            "maximum",
            "discounts",
            "credits",
            "tax",
            "effective_from",
            "trial",
            "anchor",
            "time_zone",
        )
    ]
    + [("catalog", key) for key in ("discounts", "coupons", "credits", "tax")]
    + [("meter", key) for key in ("percentile", "weight")],
)
def test_a_feature_to_come_is_refused_by_name(section: str, key: str, tmp_path: Path) -> None:
    extra = {name: f"{key}: 5" if name == section else "" for name in ("price", "plan", "catalog", "meter")}
    price = f"{{price_id: f, model: flat, amount: 1, {extra['price']}}}"
    text = f"""\
meters: [{{meter_id: calls, aggregation: count, {extra["meter"]}}}]
plans: [{{plan_id: p, currency: USD, interval: month, prices: [{price}], {extra["plan"]}}}]
{extra["catalog"]}
"""
    (tmp_path / "catalog.yaml").write_text(text.replace(", }", "}"), "utf-8")
    [error] = errors_of(tmp_path)
    assert error.endswith(f": {key} is not supported yet; leave it out")


@pytest.mark.parametrize("aggregation", ["avg", "weighted_sum", "percentile"])
def test_an_aggregation_to_come_is_refused_by_name(aggregation: str, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(f"meters: [{{meter_id: m, aggregation: {aggregation}, value: x}}]", "utf-8")
    [error] = errors_of(tmp_path)
    assert f"aggregation {aggregation} is not supported yet; use count" in error


@pytest.mark.parametrize("model", ["stairstep", "percentage", "graduated_percentage", "dynamic", "matrix"])
def test_a_price_model_to_come_is_refused_by_name(model: str, tmp_path: Path) -> None:
    (tmp_path / "catalog.yaml").write_text(_PLAN + f"      - {{price_id: a, model: {model}, meter: calls}}", "utf-8")
    [error] = errors_of(tmp_path)
    assert f"price model {model} is not supported yet; use flat, per_unit" in error


@pytest.mark.parametrize("interval", ["day", "week", "quarter", "half_year", "year"])
def test_an_interval_to_come_is_refused_by_name(interval: str, tmp_path: Path) -> None:
    prices = "[{price_id: a, model: flat, amount: 1}]"
    text = f"plans: [{{plan_id: p, currency: USD, interval: {interval}, prices: {prices}}}]"
    (tmp_path / "catalog.yaml").write_text(text, "utf-8")
    assert errors_of(tmp_path) == [
        f"catalog.yaml:1 (plans[0].interval): interval {interval} is not supported yet; use month"
    ]
