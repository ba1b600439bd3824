"""A small seller whose days have all that makes work: copies, lines without an id, refusals, customers that change."""

import gzip
import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

MONTH = "2023-07"

_FIRST = datetime(2023, 7, 10, tzinfo=UTC)
_COMPANIES = ("acme", "birch", "cedar", "dune", "ember")
_MODELS = ("small", "large", "vision")

_MAPPING = {
    "event_id": "id",
    "event_type": "'api_call'",
    "occurred_at": "at",
    "company_id": "company",
    "user_id": "user",
    "status": "status",
    "metadata": "m",
}
_METERS = [
    {"meter_id": "calls", "event_type": "api_call", "filter": "status < 400", "aggregation": "count"},
    {
        "meter_id": "tokens",
        "event_type": "api_call",
        "aggregation": "sum",
        "value": "metadata.tokens",
        "dimensions": ["metadata.model"],
    },
    {"meter_id": "users", "event_type": "api_call", "aggregation": "unique_count", "value": "user_id"},
    {"meter_id": "jobs", "event_type": "action", "aggregation": "max", "value": "metadata.rows"},
]


def _plans(unit_amount: str) -> list[Mapping[str, object]]:
    tiers = [{"up_to": 300, "unit_amount": "0"}, {"up_to": None, "unit_amount": "0.0125"}]
    by_model = {"price_id": "tokens", "meter": "tokens", "model": "per_unit", "group_by": ["metadata.model"]}
    return [
        {
            "plan_id": "growth",
            "currency": "USD",
            "interval": "month",
            "prices": [
                {"price_id": "fee", "model": "flat", "amount": "31.00", "bill": "in_advance"},
                {"price_id": "calls", "meter": "calls", "model": "graduated", "tiers": tiers},
                by_model | {"unit_amount": unit_amount},
                {"price_id": "users", "meter": "users", "model": "per_unit", "unit_amount": "0.5"},
                {"price_id": "jobs", "meter": "jobs", "model": "per_unit", "unit_amount": "0.07"},
            ],
        },
        {
            "plan_id": "starter",
            "currency": "EUR",
            "interval": "month",
            "prices": [{"price_id": "all_calls", "meter": "calls", "model": "per_unit", "unit_amount": "0.02"}],
        },
        {
            "plan_id": "beyond",
            "currency": "EUR",
            "interval": "month",
            "prices": [{"price_id": "too_much", "meter": "calls", "model": "per_unit", "unit_amount": "9" * 14}],
        },
    ]


def write_catalog(home: Path, unit_amount: str = "0.000125") -> None:
    """Meters and plans; the amount is that of a token."""
    (home / "catalog").mkdir(exist_ok=True)
    catalog = {"meters": _METERS, "plans": _plans(unit_amount)}
    (home / "catalog" / "catalog.yaml").write_text(yaml.safe_dump(catalog))


def write_customers(home: Path, dune_ends: str = "") -> None:
    """Companies, users and subscriptions; cedar changes its plan within the month, ember has none.

    What dune's second one comes to has more digits than an amount may have: its invoice is set aside.
    """
    (home / "customers").mkdir(exist_ok=True)
    companies = [{"company_id": company, "name": company.title()} for company in _COMPANIES]
    (home / "customers" / "companies.yaml").write_text(yaml.safe_dump({"companies": companies}))
    users = "".join(f"key-{company}-{n},{company}\n" for company in _COMPANIES[:3] for n in range(4))
    (home / "customers" / "users.csv").write_text(f"user_id,company_id\n{users}")
    (home / "customers" / "subscriptions.csv").write_text(
        "subscription_id,company_id,plan_id,start_at,end_at\n"
        "s-acme,acme,growth,2023-01-01,\n"
        "s-birch,birch,growth,2023-07-05T08:30:00Z,\n"
        "s-cedar-1,cedar,starter,2023-01-01,2023-07-11T12:00:00Z\n"
        "s-cedar-2,cedar,growth,2023-07-11T12:00:00Z,\n"
        f"s-dune,dune,growth,2023-01-01,{dune_ends}\n"
        "s-dune-2,dune,beyond,2023-07-01,\n"
    )


def write_sources(home: Path) -> None:
    """`logs` have ids and broken lines, `jobs` have no ids, `hooks` are recorded requests."""
    (home / "sources").mkdir(exist_ok=True)
    jobs = {
        "event_type": "'action'",
        "action_name": "'job'",
        "occurred_at": "at",
        "company_id": "company",
        "metadata.rows": "rows",
    }
    declared = {
        "logs": {"format": "ndjson", "mapping": _MAPPING},
        "jobs": {"format": "csv", "mapping": jobs},
        "hooks": {"format": "requests"},
    }
    for name, source in declared.items():
        (home / "sources" / f"{name}.yaml").write_text(yaml.safe_dump(source))


def write_files(home: Path) -> None:
    """All that will ever be ingested, in `home/files`."""
    folder = home / "files"
    folder.mkdir()
    generator = random.Random(20230710)
    lines = [_line(generator, number) for number in range(3_000)]
    for name, part in (("a", lines[:900]), ("b", lines[900:1_500]), ("c", lines[1_500:1_700])):
        _write_gzip(folder / f"logs-{name}.ndjson.gz", [*part, *_broken(generator, name)])
    # The second delivery holds copies of the first: as they were, with another time of another day, with other content.
    copies = [lines[n] for n in range(0, 1_500, 11)]
    moved = [line.replace("2023-07-10T", "2023-07-11T") for line in lines[:300:7]]
    conflicts = [line.replace('"status": 200', '"status": 500') for line in lines[5:400:13]]
    _write_gzip(folder / "logs-d.ndjson.gz", [*lines[1_700:2_400], *copies, *moved])
    _write_gzip(folder / "logs-e.ndjson.gz", [*lines[2_400:2_800], *conflicts, *_broken(generator, "e")])
    _write_gzip(folder / "logs-late.ndjson.gz", [*lines[2_800:], *lines[2_300:2_500:3], *_broken(generator, "late")])
    _write_corrections(folder)
    rows = [_job(generator) for _ in range(400)]
    (folder / "jobs.csv").write_text("at,company,rows\n" + "".join([*rows, *rows[:60], "yesterday,acme,3\n"]))
    (folder / "hooks.jsonl").write_text("".join(_requests(generator)))


def _write_corrections(folder: Path) -> None:
    """Of events that came before, that come later and that never do; of one another, too."""
    voided = [_correction(f"v-{n}", "void", f"call-{n}") for n in range(3, 2_990, 61)]
    moved = [_correction(f"r-{n}", "replacement", f"call-{n}", day=10 + n % 3) for n in range(7, 3_010, 83)]
    rivals = [_correction(f"s-{n}", "replacement", f"call-{n}", day=12) for n in range(7, 3_010, 166)]
    again = [_correction(f"v-{n}", "void", f"call-{n + 1}") for n in range(3, 2_990, 305)]
    undone = [_correction(f"u-{n}", "void", f"r-{n}", source="corrections") for n in range(7, 3_010, 249)]
    for name, lines in (("a", [*voided, *undone[1:]]), ("b", [*moved, *again]), ("late", [*rivals, undone[0], "{}\n"])):
        (folder / f"corrections-{name}.ndjson").write_text("".join(lines))


def _correction(event_id: str, kind: str, target: str, source: str = "logs", day: int = 10) -> str:
    event = {"event_type": "api_call", "occurred_at": f"2023-07-{day}T06:00:00Z", "company_id": "birch", "status": 200}
    said = {"event_id": event_id, "correction": kind, "target_source": source, "target_event_id": target}
    return json.dumps(said | (event if kind == "replacement" else {})) + "\n"


def _line(generator: random.Random, number: int) -> str:
    company = generator.choice(_COMPANIES)
    at = _FIRST + timedelta(milliseconds=generator.randrange(3 * 86_400_000))
    tokens: Any = generator.choice([generator.randrange(4_000), f"{generator.random():.12f}", "NaN", "a lot"])
    record = {
        "id": f"call-{number}",
        "at": at.isoformat(),
        # Some calls name the user alone, some nobody.
        "company": None if generator.random() < 0.2 else company,
        "user": None if generator.random() < 0.1 else f"key-{company}-{generator.randrange(5)}",
        "status": 429 if generator.random() < 0.1 else 200,
        "m": {"model": generator.choice(_MODELS), "tokens": tokens},
    }
    if generator.random() < 0.1:
        del record["id"]
    return json.dumps(record) + "\n"


def _broken(generator: random.Random, name: str) -> list[str]:
    return [f"{name} {n} is no JSON {generator.random()}\n" for n in range(7)] + [
        f'{{"id": "{name}", "at": "never"}}\n'
    ]


def _job(generator: random.Random) -> str:
    at = _FIRST + timedelta(seconds=generator.randrange(3 * 86_400))
    return f"{at:%Y-%m-%d %H:%M:%S},{generator.choice(_COMPANIES)},{generator.randrange(90)}\n"


def _requests(generator: random.Random) -> Iterator[str]:
    for number in range(120):
        at = _FIRST + timedelta(minutes=generator.randrange(3 * 1_440))
        event = {
            "transaction_id": f"hook-{number}",
            "user_id": f"key-hook-{number % 7}",
            "request": {"time": f"{at:%Y-%m-%dT%H:%M:%S}", "verb": "GET", "uri": "/"},
            "response": {"time": f"{at:%Y-%m-%dT%H:%M:%S}", "status": 200},
        }
        yield _request("/v1/events/batch", [event, event] if number % 10 == 0 else [event])
        if number % 20 == 0:
            users = [{"user_id": f"key-hook-{n}", "company_id": _COMPANIES[(n + number) % 4]} for n in range(7)]
            yield _request("/v1/users/batch", users)
            yield _request("/v1/companies", {"company_id": "acme", "metadata": {"seats": number}})
        yield json.dumps({"method": "GET", "path": "/v1/config", "body": None}) + "\n"


def _request(path: str, body: object) -> str:
    return json.dumps({"method": "POST", "path": path, "body": body}) + "\n"


def _write_gzip(path: Path, lines: list[str]) -> None:
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
