"""Many small questions to the meters, answered by one run: each has events of its own, told apart by their action."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from workshop import CORRECTING_MAPPING, RECEIVED, Workshop, lines

from monetization_pipeline.datasets import METER_REFUSALS, UNBILLED, USAGE

MONTH = "2023-07"


@dataclass(frozen=True)
class Question:
    """`events` lack their type, action and company. `groups` are the dimensions that the price groups by."""

    aggregation: str
    events: Sequence[Mapping[str, object]]
    value: str | None = None
    filter: str | None = None
    dimensions: Sequence[str] = ()
    groups: Sequence[str] = ()
    count_blocked: bool = False
    directions: Sequence[str] = ()
    #: Receipt and source of events, by position; others are received at RECEIVED from `logs`.
    received: Mapping[int, datetime] = field(default_factory=dict)
    sources: Mapping[int, str] = field(default_factory=dict)


@dataclass
class Answer:
    """By group (a JSON object's text): quantity and events; and what was refused or unbilled, in events."""

    quantities: dict[str, Fraction] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    unbilled: dict[str, int] = field(default_factory=dict)


def ask(shop: Workshop, questions: Mapping[str, Question]) -> dict[str, Answer]:
    """The answers, by the questions' names, in one run of July 2023; company acme's plan prices every meter."""
    names = {f"q{number}": name for number, name in enumerate(questions)}
    meters: list[dict[str, object]] = []
    prices: list[dict[str, object]] = []
    files: dict[tuple[str, datetime], list[dict[str, object]]] = {}
    owners: dict[tuple[str, object], str] = {}
    for action, question in zip(names, questions.values(), strict=True):
        meter = {"meter_id": action, "action_name": action, "aggregation": question.aggregation}
        optional = {"value": question.value, "filter": question.filter, "dimensions": list(question.dimensions)}
        optional |= {"directions": list(question.directions)}
        meters.append(
            meter | {key: value for key, value in optional.items() if value} | {"count_blocked": question.count_blocked}
        )
        price: dict[str, object] = {"price_id": f"p{action}", "model": "per_unit", "meter": action, "unit_amount": "0"}
        prices.append(price | {"group_by": list(question.groups)})
        for position, sent in enumerate(question.events):
            place = question.sources.get(position, "logs"), question.received.get(position, RECEIVED)
            default = {"type": "action", "action": action, "company": "acme", "at": "2023-07-10T12:00:00Z"}
            files.setdefault(place, []).append(default | dict(sent))
            # Two questions' events of one id would be copies of one event: the later question would not be asked.
            identity = (place[0], sent.get("id", object()))
            assert owners.setdefault(identity, action) == action, f"{names[action]}: {identity} is another question's"
    shop.catalog(
        {"meters": meters, "plans": [{"plan_id": "all", "currency": "USD", "interval": "month", "prices": prices}]}
    )
    shop.customers({"subscriptions": [{"subscription_id": "s", "company_id": "acme", "plan_id": "all"}]})
    for (source, received_at), records in files.items():
        shop.source(source, mapping=CORRECTING_MAPPING)
        shop.place(source, lines(_exact(record) for record in records), received_at)
    shop.run(MONTH)
    answers = {name: Answer() for name in questions}
    for row in shop.rows(USAGE, [MONTH]):
        answer = answers[names[row["meter_id"]]]
        assert row["group"] not in answer.quantities
        answer.quantities[row["group"]] = Fraction(row["quantity"])
        answer.events[row["group"]] = row["events"]
    for row in shop.rows(METER_REFUSALS):
        answers[names[row["meter_id"]]].refused += 1
    for row in shop.rows(UNBILLED):
        action = row["event_id"].split("-")[0]
        if action in names:
            unbilled = answers[names[action]].unbilled
            unbilled[row["reason"]] = unbilled.get(row["reason"], 0) + 1
    return answers


class Raw(str):
    """JSON that stands in a record as it is written."""

    __slots__ = ()


def _exact(record: Mapping[str, object]) -> str:
    """JSON in which decimals are numbers to their last digit, and `Raw` text stands as it is."""

    def text(value: object) -> str:
        if isinstance(value, Raw):
            return str(value)
        if isinstance(value, Decimal):
            return format(value, "f")
        if isinstance(value, Mapping):
            return "{" + ",".join(f"{json.dumps(key)}:{text(item)}" for key, item in value.items()) + "}"
        return json.dumps(value)

    return text(record)
