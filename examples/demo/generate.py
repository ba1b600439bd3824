"""A seeded sample: three months of an LLM API company's calls and actions, as Moesif's clients would send them.

    python generate.py FOLDER

writes FOLDER/api/<day>.ndjson.gz and FOLDER/jobs/<day>.ndjson.gz. The same seed gives the same lines with every version
of Python, on every machine: of its random numbers only `random()` is used, and on them only exact arithmetic.
In it is what real logs have in them: batches sent twice, also on the next day; an id with another content; calls that
name a user only, or nobody; failed calls and blocked ones; values and lines that cannot be read.
"""

import csv
import gzip
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random

FIRST_DAY = date(2025, 1, 1)
LAST_DAY = date(2025, 3, 31)
DAY_MS = 86_400_000

#: One action in so many events.
ACTIONS = 40

_USERS = Path(__file__).with_name("customers") / "users.csv"
_MODELS = ("ink-small",) * 6 + ("ink-large",) * 3 + ("ink-embed",)
_REGIONS = ("eu-west", "us-east", "us-east", "ap-south")
_PATHS = {"ink-small": "chat/completions", "ink-large": "chat/completions", "ink-embed": "embeddings"}
_FAILURES = (400, 401, 422, 429, 429, 500, 503)

# Lines that no reader can use, and one whose time means nothing: all of them end among the refusals.
_UNREADABLE = (
    b'{"request":{"time":"2025-01-05T10:00:00.000Z","uri":"https://api.inkwell.exam',
    b"upstream timed out (110: Connection timed out) while reading response header\n",
    b'{"transaction_id":"caf\xe9","request":{"time":"2025-01-20T10:00:00Z","verb":"POST"}}\n',
    b"[1, 2, 3]\n",
    b'{"transaction_id":"no-time","request":{"time":"yesterday","verb":"POST","uri":"/v1/embeddings"}}\n',
    b"\x00\x00\x00\x00\n",
)


@dataclass(slots=True)
class _Log:
    """The lines of one source and day, and what its senders will send again."""

    lines: list[str] = field(default_factory=list[str])
    again_today: list[str] = field(default_factory=list[str])
    again_tomorrow: list[str] = field(default_factory=list[str])

    def add(self, line: str, chance: float) -> None:
        self.lines.append(line)
        if chance < 0.004:
            self.again_today.append(line)
        elif chance < 0.008:
            self.again_tomorrow.append(line)


def generate(directory: Path, seed: int = 7, events: int = 300_000) -> None:
    """Write `events` events, and what is wrong with some, to `directory`/api and `directory`/jobs, a file a day."""
    random = Random(seed)
    users = _read_users()
    companies = sorted({company for _, company in users})
    days = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    again = {"api": list[str](), "jobs": list[str]()}
    made = 0
    for index, (day, count) in enumerate(zip(days, _shares(days, events), strict=True)):
        api, jobs = _Log(), _Log()
        for millisecond in sorted(int((random.random() + random.random()) * (DAY_MS // 2)) for _ in range(count)):
            if made % ACTIONS:
                api.add(_call(random, day, millisecond, made, users), random.random())
            else:
                jobs.add(_action(random, day, millisecond, made, users), random.random())
            made += 1
        for company in companies:
            jobs.add(_storage(random, day, index, company), 1)
        if index % 29 == 11:
            api.lines.append(api.lines[0].replace('"status":200', '"status":202').replace('"weight":1', '"weight":2'))
        for name, log in (("api", api), ("jobs", jobs)):
            bad = _UNREADABLE[index // 7 % len(_UNREADABLE)] if name == "api" and index % 7 == 3 else b""
            lines = [*log.lines, *log.again_today, *again[name]]
            again[name] = log.again_tomorrow
            _write(directory / name / f"{day}.ndjson.gz", lines, bad)


def _read_users() -> list[tuple[str, str]]:
    with _USERS.open(encoding="utf-8", newline="") as file:
        return [(row["user_id"], row["company_id"]) for row in csv.DictReader(file)]


def _shares(days: Sequence[date], events: int) -> list[int]:
    """`events` over the days: fewer at weekends, a little more every day, and all of them."""
    weights = [(100 if day.weekday() < 5 else 55) * (200 + number) for number, day in enumerate(days)]
    total, before, shares = sum(weights), 0, list[int]()
    for weight in weights:
        shares.append(events * (before + weight) // total - events * before // total)
        before += weight
    return shares


def _identity(random: Random, number: int) -> str:
    return (
        f"{number:08x}-{int(random.random() * 65536):04x}-4{int(random.random() * 4096):03x}-8000-{number * 7919:012x}"
    )


def _time(day: date, millisecond: int) -> str:
    seconds, fraction = divmod(min(millisecond, DAY_MS - 1), 1000)
    minutes, second = divmod(seconds, 60)
    return f"{day}T{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}.{fraction:03d}Z"


def _who(random: Random, users: Sequence[tuple[str, str]]) -> tuple[str, str, str]:
    """(user, company, session) as JSON: mostly both, often the user alone, sometimes nobody that anybody knows."""
    chance, pick = random.random(), random.random()
    user, company = users[int(len(users) * pick * pick * pick)]
    session = f'"sk-{user}"'
    if chance < 0.70:
        return f'"{user}"', f'"{company}"', session
    if chance < 0.99:
        return f'"{user}"', "null", session
    return (f'"guest-{int(pick * 1000):03d}"' if chance < 0.995 else "null"), "null", "null"


def _call(random: Random, day: date, millisecond: int, number: int, users: Sequence[tuple[str, str]]) -> str:
    user, company, session = _who(random, users)
    model = _MODELS[int(random.random() * len(_MODELS))]
    status, blocked, size = 200, "null", random.random()
    fate = random.random()
    tokens = f',"prompt_tokens":{20 + int(size * size * 3000)}'
    if model != "ink-embed":
        tokens += f',"completion_tokens":{1 + int(random.random() * size * 900)}'
    else:
        tokens += ',"completion_tokens":0'
    if fate < 0.025:
        status, tokens = _FAILURES[int(fate * 280)], ""
    elif fate < 0.031:
        # A rule answered in the model's place: with an error, or with a polite text and a 200.
        status, blocked, tokens = (429 if fate < 0.028 else 200), '"rule-over-quota"', ""
    duration = 40 + int(size * 2500)
    return (
        f'{{"request":{{"time":"{_time(day, millisecond)}","uri":"https://api.inkwell.example/v1/{_PATHS[model]}",'
        f'"verb":"POST","headers":{{"Content-Type":"application/json"}},"api_version":"2025-01"}},'
        f'"response":{{"time":"{_time(day, millisecond + duration)}","status":{status},"headers":{{}}}},'
        f'"user_id":{user},"company_id":{company},"session_token":{session},'
        f'"transaction_id":"{_identity(random, number)}",'
        f'"metadata":{{"model":"{model}","region":"{_REGIONS[int(random.random() * 4)]}"{tokens}}},'
        f'"direction":"Incoming","weight":1,"blocked_by":{blocked}}}\n'
    )


def _action(random: Random, day: date, millisecond: int, number: int, users: Sequence[tuple[str, str]]) -> str:
    user, company, _ = _who(random, users)
    if random.random() < 0.35:
        name, metadata = "batch_job_completed", f'"rows":{1 + int(random.random() * 5000)}'
    else:
        pages = 1 + int(random.random() * 60)
        # A worker's bug: no meter can add this up.
        name, metadata = "document_parsed", f'"pages":{pages}' if number % 9000 else '"pages":"unknown"'
    return (
        f'{{"action_name":"{name}","request":{{"time":"{_time(day, millisecond)}"}},"user_id":{user},'
        f'"company_id":{company},"transaction_id":"{_identity(random, number)}","metadata":{{{metadata}}}}}\n'
    )


def _storage(random: Random, day: date, index: int, company: str) -> str:
    megabytes = len(company) * 9_000 + index * 137 + int(random.random() * 4_000)
    return (
        f'{{"action_name":"storage_measured","request":{{"time":"{day}T23:30:00.000Z"}},"company_id":"{company}",'
        f'"transaction_id":"storage-{company}-{day}",'
        f'"metadata":{{"gigabytes":"{megabytes // 1000}.{megabytes % 1000:03d}"}}}}\n'
    )


def _write(path: Path, lines: Sequence[str], bad: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    middle = len(lines) // 2
    ended = bad if not bad or bad.endswith(b"\n") else bad + b"\n"
    content = "".join(lines[:middle]).encode() + ended + "".join(lines[middle:]).encode()
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as file:
        file.write(content)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python generate.py FOLDER")
    generate(Path(sys.argv[1]))
