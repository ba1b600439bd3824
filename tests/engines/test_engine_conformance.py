"""One suite for every engine: each aggregation × filter × dimensions over the same odd events, against the oracle."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import oracle_events
import oracle_money
import pytest
from engines_under_test import ENGINES
from oracle import Meter
from oracle_events import Event
from workshop import CORRECTING_MAPPING, RECEIVED, Workshop, lines

from monetization_pipeline.datasets import METER_REFUSALS, USAGE

MONTH = "2023-07"

#: The same in a catalog and in Python; what is unknown is not selected.
FILTERS: Mapping[str, tuple[str | None, Callable[[Event], bool]]] = {
    "all": (None, lambda _: True),
    "a comparison": ("status < 400", lambda e: e.status is not None and e.status < 400),
    "a negation": ("not (status >= 400)", lambda e: e.status is not None and not e.status >= 400),
    "a leaf that is null": ("metadata.k is null", lambda e: e.text("k") is None),
    "quotes and unicode": ("metadata.k in ('it''s', 'é😀')", lambda e: e.text("k") in ("it's", "é😀")),
    "a pattern": ("metadata.k like 'a%'", lambda e: (e.text("k") or "").startswith("a")),
    "either": ("status = 500 or metadata.k = 'a'", lambda e: e.status == 500 or e.text("k") == "a"),
    "nothing": ("status = 999", lambda _: False),
}


def _nested(event: Event) -> str | None:
    inner = event.metadata.get("in")
    found = inner.get("k") if isinstance(inner, dict) else None
    return str(found) if isinstance(found, str) else None if found is None else json.dumps(found)


DIMENSIONS: Mapping[str, Mapping[str, Callable[[Event], str | None]]] = {
    "none": {},
    "one": {"metadata.k": lambda e: e.text("k")},
    "nested": {"metadata.in.k": _nested},
    "two": {"metadata.k": lambda e: e.text("k"), "user_id": lambda e: e.user_id},
}
#: Of meters that take what is blocked, and of the others.
DIRECTIONS = {True: ("Incoming", "Outgoing"), False: ("Incoming",)}
AGGREGATIONS = ("count", "sum", "min", "max", "latest", "unique_count")

_VALUES = (
    *("1", "2.5", '"3"', "1e2", '"1E-3"', '"-0.000000000001"', "9999999999999999.999999999999", '"+4"', '".5"'),
    *('"NaN"', '"Infinity"', '"twelve"', "null", "true", "[1]", '{"x":1}', '"10000000000000000"', '"0.0000000000001"'),
)
_KINDS = ('"a"', '"ab"', "null", '"it\'s"', '"é😀"', '"\\""', "1", '""')
_STATUS = ("200", "399", "400", "500", "null")


def sent() -> list[str]:
    """As they stand in the file: every value and kind, blocked ones, weights, ties of instant, days without events."""
    found: list[str] = []
    for number, (value, kind) in enumerate(product(_VALUES, _KINDS)):
        at = f"2023-07-{(1, 1, 2, 15, 31)[number % 5]:02}T12:00:{number % 3:02}Z"
        parts = [
            f'"id":"e{number * 7919 % 1000:04}"',
            f'"at":"{at}"',
            '"company":"acme"',
            f'"status":{_STATUS[number % len(_STATUS)]}',
            f'"user":{("null", json.dumps("u1"), json.dumps("u2"))[number % 3]}',
            f'"m":{{"k":{kind},"v":{value},"in":{{"k":{_KINDS[number % len(_KINDS)]}}}}}',
        ]
        if number % 11 == 0:
            parts.append('"blocked_by":"rule"')
        if number % 13 < 3:
            parts.append(f'"direction":"{("Outgoing", "Internal", "Incoming")[number % 13]}"')
        if number % 7 == 0:
            parts.append(f'"weight":{number % 4}')
        found.append("{" + ",".join(parts) + "}")
    # A leaf that is not there, at all and below one that is no object; sums beyond 28 digits.
    found += ['{"id":"n1","at":"2023-07-03T00:00:00Z","company":"acme"}']
    found += ['{"id":"n2","at":"2023-07-03T00:00:00Z","company":"acme","m":{"in":5}}']
    found += [
        f'{{"id":"s{n}","at":"2023-07-04T00:00:00.{n:06}Z","company":"acme","m":{{"v":"9999999999999999.999999999999"}}}}'
        for n in range(200)
    ]
    return found


@dataclass(frozen=True)
class Case:
    """A meter in the catalog's words and in the oracle's."""

    name: str
    aggregation: str
    filter: str
    dimensions: str

    def meter(self, meter_id: str) -> Meter:
        select, dimensions = FILTERS[self.filter][1], DIMENSIONS[self.dimensions]
        value = (lambda e: e.text("k")) if self.aggregation == "unique_count" else (lambda e: e.text("v"))
        return Meter(
            meter_id,
            self.aggregation,
            select,
            value,
            dimensions,
            count_blocked=self.filter == "either",
            directions=DIRECTIONS[self.filter == "either"],
        )

    def declared(self, meter_id: str) -> dict[str, object]:
        declared: dict[str, object] = {"meter_id": meter_id, "aggregation": self.aggregation}
        if self.aggregation != "count":
            declared["value"] = "metadata.k" if self.aggregation == "unique_count" else "metadata.v"
        if FILTERS[self.filter][0]:
            declared["filter"] = FILTERS[self.filter][0]
        return declared | {
            "dimensions": list(DIMENSIONS[self.dimensions]),
            "count_blocked": self.filter == "either",
            "directions": list(DIRECTIONS[self.filter == "either"]),
        }


CASES = [
    Case(f"{aggregation} of {chosen}, by {dimensions}", aggregation, chosen, dimensions)
    for aggregation, chosen, dimensions in product(AGGREGATIONS, FILTERS, DIMENSIONS)
]
IDS = {case.name: f"m{number}" for number, case in enumerate(CASES)}

Figures = dict[tuple[str, tuple[str, ...], str], tuple[Fraction, int]]


def _catalog() -> dict[str, object]:
    prices = [
        {
            "price_id": f"{meter_id}_{'by' if grouped else 'all'}",
            "model": "per_unit",
            "meter": meter_id,
            "unit_amount": "0",
            "group_by": list(DIMENSIONS[case.dimensions]) if grouped else [],
        }
        for case in CASES
        for meter_id in [IDS[case.name]]
        for grouped in ((False, True) if DIMENSIONS[case.dimensions] else (False,))
    ]
    return {
        "meters": [case.declared(IDS[case.name]) for case in CASES],
        "plans": [{"plan_id": "p", "currency": "USD", "interval": "month", "prices": prices}],
    }


@pytest.fixture(scope="module", params=list(ENGINES))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Figures, dict[str, int]]:
    """By meter, grouping and group, quantity and events; by meter, the values refused. One run an engine."""
    shop = Workshop(tmp_path_factory.mktemp("engine"))
    shop.pipeline.__dict__["engine"] = ENGINES[request.param](shop.root / "spill")
    shop.source("logs", mapping=CORRECTING_MAPPING)
    shop.catalog(_catalog())
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "p"}]})
    shop.place("logs", lines(sent()))
    shop.run(MONTH)
    figures: Figures = {}
    for row in shop.rows(USAGE, [MONTH]):
        group = json.dumps(json.loads(row["group"]), sort_keys=True)
        figures[row["meter_id"], tuple(json.loads(row["grouping"])), group] = Fraction(row["quantity"]), row["events"]
    refused: defaultdict[str, int] = defaultdict(int)
    for row in shop.rows(METER_REFUSALS):
        refused[row["meter_id"]] += 1
    return figures, refused


@pytest.fixture(scope="module")
def events() -> list[Event]:
    """What the oracle reads in the file."""
    text = lines(sent()).decode()
    return oracle_events.deduplicate(oracle_events.read([oracle_events.RawFile("logs", "f", RECEIVED, text)])).events


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_engine_meters_as_the_oracle_does(
    made: tuple[Figures, dict[str, int]], events: list[Event], case: Case
) -> None:
    figures, refused = made
    meter_id = IDS[case.name]
    meter = case.meter(meter_id)
    passing = [event for event in events if meter.passes(event)]
    usable = [event for event in passing if meter.usable(event)]
    groupings = [(), tuple(meter.dimensions)] if meter.dimensions else [()]
    expected: Figures = {}
    for grouping in groupings:
        groups: defaultdict[str, list[Event]] = defaultdict(list)
        if not grouping:
            groups["{}"] = []
        for event in usable:
            values = {name: meter.dimensions[name](event) for name in grouping}
            groups[json.dumps(values, sort_keys=True)].append(event)
        for group, grouped in groups.items():
            expected[meter_id, grouping, group] = oracle_money.aggregate(meter, grouped), len(grouped)
    assert {key: figure for key, figure in figures.items() if key[0] == meter_id} == expected
    assert refused.get(meter_id, 0) == len(passing) - len(usable)
