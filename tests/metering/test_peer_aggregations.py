"""What other billing systems' own tests expect of events: we give the same quantity, or say by which rule another.

The cases are plain data outside of this repository (`../shared/cases/aggregation.json`, from the test suites of Lago,
OpenMeter and Kill Bill). What differs, and what is not supported, is `peer_differences.yaml`. All events are moved
into July 2023, in their order; their own time stands in `metadata.time`, by which a case's window is a filter.
"""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from counting import Answer, Question, ask
from workshop import Workshop

from monetization_pipeline.catalog.models import Rounding, Transform
from monetization_pipeline.rating.quantity import transforming

_Case = dict[str, Any]
_FILE = Path(__file__).parents[2].parent / "shared" / "cases" / "aggregation.json"
CASES = cast("list[_Case]", json.loads(_FILE.read_text("utf-8"))) if _FILE.exists() else []
KNOWN = cast("_Case", yaml.safe_load((Path(__file__).parent / "peer_differences.yaml").read_text("utf-8")))
DIFFERENCES = {case["id"]: case for case in KNOWN["differences"]}
UNSUPPORTED = KNOWN["unsupported_aggregations"]
ROUNDED = [case for case in CASES if case["aggregation"] == "rounding"]
METERED = [case for case in CASES if case["aggregation"] not in UNSUPPORTED and case not in ROUNDED]
_START = datetime(2023, 7, 10, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not CASES, reason=f"the peers' cases are not beside the repository: {_FILE}")


def instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def questions_of(case: _Case) -> dict[str, Question]:
    """One question for each window of the case, by `id` or `id/window`."""
    expected = case["expected"]
    windows = expected if isinstance(expected, list) and "from" in expected[0] else [case.get("period") or {}]
    names = [case["id"]] if len(windows) == 1 else [f"{case['id']}/{window['from']}" for window in windows]
    return {name: _question(case, window) for name, window in zip(names, windows, strict=True)}


def _question(case: _Case, window: Mapping[str, str]) -> Question:
    times = sorted({instant(event["time"]) for event in case["events"] if "time" in event})
    groups = [f"metadata.{key}" for key in case.get("group_by", ())]
    return Question(
        case["aggregation"],
        [_event(event, times, case) for event in case["events"]],
        None if case["aggregation"] == "count" else f"metadata.{case.get('field') or 'value'}",
        " and ".join(_conditions(case, window)) or None,
        groups,
        groups,
        received={n: instant(e["stored_at"]) for n, e in enumerate(case["events"]) if "stored_at" in e},
        sources={n: e["source"] for n, e in enumerate(case["events"]) if "source" in e},
    )


def _event(event: _Case, times: list[datetime], case: _Case) -> dict[str, object]:
    metadata = {**event.get("properties", {}), **{key: event[key] for key in ("value", "unit") if key in event}}
    made: dict[str, object] = {"m": metadata}
    if "time" in event:
        metadata["time"] = instant(event["time"]).isoformat()
        made["at"] = (_START + timedelta(minutes=times.index(instant(event["time"])))).isoformat()
    identity = event.get("id") or event.get("transaction_id")
    return made | ({"id": f"{case['id']}-{identity}"} if identity else {})


def _conditions(case: _Case, window: Mapping[str, str]) -> list[str]:
    found = []
    if window:
        first, last = (instant(window[name]).isoformat() for name in ("from", "to"))
        found.append(f"metadata.time >= '{first}' and metadata.time < '{last}'")
    filters = case.get("filter", {})
    found += [f"metadata.{key} is null" for key in filters.get("missing", ())]
    found += [_one_of(key, values) for key, values in filters.get("match", {}).items()]
    for excluded in filters.get("exclude_any_of", ()):
        together = " and ".join(_one_of(key, values) for key, values in excluded.items())
        found.append(f"not ({together})")
    stored = case.get("stored_at_filter", {})
    signs = {"lt": "<", "gte": ">="}
    for bound in stored.get("and", [stored] if stored else []):
        found += [f"received_at {signs[sign]} '{text}'" for sign, text in bound.items()]
    return found


def _one_of(key: str, values: list[str]) -> str:
    return f"coalesce(metadata.{key}, '') in ({', '.join(repr(value) for value in values)})"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """All cases metered in one run."""
    shop = Workshop(tmp_path_factory.mktemp("peers"))
    return ask(shop, {name: question for case in METERED for name, question in questions_of(case).items()})


@pytest.mark.parametrize("case", METERED, ids=lambda case: case["id"])
def test_a_peers_case(answers: dict[str, Answer], case: _Case) -> None:
    names = list(questions_of(case))
    if case["expected"] == "invalid":
        assert (answers[names[0]].refused, answers[names[0]].quantities) == (len(case["events"]), {"{}": 0})
        return
    wanted = DIFFERENCES.get(case["id"], {}).get("ours", case["expected"])
    rows = wanted if isinstance(wanted, list) else [{"value": wanted}]
    if "from" in rows[0]:
        for name, row in zip(names, rows, strict=True):
            check(answers[name], case, [row])
    else:
        check(answers[names[0]], case, rows)


def check(answer: Answer, case: _Case, rows: list[_Case]) -> None:
    keys = case.get("group_by", ())
    found = {
        tuple(json.loads(group)[f"metadata.{key}"] for key in keys): quantity
        for group, quantity in answer.quantities.items()
    }
    if "value" not in rows[0]:  # one column for each group; a group without events has no row
        wanted = {(name,): Fraction(text) for name, text in rows[0].items() if name not in ("from", "to")}
        assert {group: found.get(group, 0) for group in wanted} == wanted
        return
    assert found == {tuple(row.get("group", {}).get(key) for key in keys): Fraction(row["value"]) for row in rows}


@pytest.mark.parametrize("case", ROUNDED, ids=lambda case: case["id"])
def test_a_peers_rounding_is_a_transform(case: _Case) -> None:
    function, precision = case["rounding"]["function"], case["rounding"]["precision"]
    names = {"round": Rounding.NEAREST, "ceil": Rounding.UP, "floor": Rounding.DOWN, None: None}
    step = Decimal(1).scaleb(-(precision or 0))
    transform = Transform(round=names[function], step=step) if function else None
    value = Decimal(case["value"])
    assert (transforming(transform)(value) if transform else value) == Decimal(case["expected"])


def test_every_case_is_accounted_for() -> None:
    assert Counter(case["aggregation"] for case in CASES if case["aggregation"] in UNSUPPORTED) == UNSUPPORTED
    assert len(METERED) + len(ROUNDED) + sum(UNSUPPORTED.values()) == len(CASES) == 35
    assert set(DIFFERENCES) <= {case["id"] for case in METERED}
