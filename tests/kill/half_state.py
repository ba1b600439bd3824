"""What a working folder is: how far it came, what lies around half done, and the figures it gives."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kill_sample import MONTH

from monetization_pipeline.closing.gate import gate_problems
from monetization_pipeline.datasets import (
    ALL,
    COMPANIES,
    CORRECTIONS,
    ENTITY_CHANGES,
    LANDING_FILES,
    RAW_EVENTS,
    REFUSALS,
    SUBSCRIPTIONS,
    USERS,
    DatasetSpec,
)
from monetization_pipeline.engines.address import Address
from monetization_pipeline.lake.ingest_log import IngestLog
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.rows import fingerprint_of
from monetization_pipeline.lake.visible import visible_files
from monetization_pipeline.reports import listings
from monetization_pipeline.settings import Settings, pipeline_of
from monetization_pipeline.sources.declared import CUSTOMERS
from monetization_pipeline.standing.counts import RECEIVED
from monetization_pipeline.standing.out_of_date import reasons
from monetization_pipeline.standing.verdicts import problems_shown
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

_BATCHES = (RAW_EVENTS, REFUSALS, CORRECTIONS, ENTITY_CHANGES)
#: Made from the instant at which the user's customers were first seen.
_BY_RECEIPT = (COMPANIES, USERS, SUBSCRIPTIONS)
SCRATCH = "engine's scratch folder"
_SEEN_AT = datetime(2023, 8, 20, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Progress:
    """`done`: (dataset, number of its commits). `left`: (kind of half state, name of what is left)."""

    done: frozenset[tuple[str, str]]
    left: frozenset[tuple[str, str]]


def progress(home: Path) -> Progress:
    """How far a working folder came, and what lies in it that belongs to nothing finished."""
    pipeline = pipeline_of(Settings(home))
    log = read_log(pipeline.lake)
    done = {(spec.name, f"version {_version(pipeline, spec)}") for spec in ALL}
    left = {("file half copied", path.name) for path in pipeline.landing.root.glob("*/.staging/*")}
    left |= {("landed, not ingested", file.name) for file in _waiting(pipeline, log)}
    for spec in _BATCHES:
        unseen = {file for file in pipeline.lake.table(spec).files() if _batch(file) not in log.batches}
        left |= {(f"{spec.name} committed, not listed", file.name) for file in unseen}
    left |= {("written, not committed", path.name) for path in uncommitted(home)}
    left |= {(SCRATCH, path.name) for path in (home / ".monetization" / "spill").glob("*")}
    return Progress(frozenset(done), frozenset(left))


def ingested(home: Path) -> frozenset[tuple[str, str]]:
    """(source, sha256) of all that was ingested."""
    return read_log(pipeline_of(Settings(home)).lake).identities


def uncommitted(home: Path) -> list[Path]:
    """Parquet and temporary files in the lake that no commit ever added."""
    found: list[Path] = []
    for spec in ALL:
        root = home / ".monetization" / "lake" / spec.name
        added = {root / name for name in _added(root)}
        files = (path for path in root.rglob("*") if path.is_file() and "_delta_log" not in path.parts)
        found += [path for path in files if path not in added]
    return found


def unfinished(home: Path) -> str:
    """The dataset at which a run of the month stands; empty where all of it is up to date."""
    pipeline = pipeline_of(Settings(home))
    found = reasons(pipeline, Known.now(pipeline), MONTH)
    return found[0].dataset if found else ""


def figures(home: Path, *, same_clock: bool = True) -> Mapping[str, object]:
    """All that two working folders must have in common.

    With `same_clock` also what depends on when the user's files of customers were seen.
    """
    pipeline = pipeline_of(Settings(home))
    log, known = read_log(pipeline.lake), Known.now(pipeline)
    found: dict[str, object] = {
        "received": received(home, same_clock=same_clock),
        "invoices as listed": json.dumps(listings.invoices(pipeline, MONTH, _SEEN_AT)),
        "days": {
            day: (each.fingerprint, each.rows, each.copy_days, each.received_days) for day, each in log.days.items()
        },
        "problems": [
            *gate_problems(pipeline, known, MONTH),
            *problems_shown(pipeline, known, "daily_usage", [*map(str, sorted(log.days))]),
        ],
    }
    for spec in ALL:
        if spec is not LANDING_FILES and spec not in _BATCHES and (same_clock or spec not in _BY_RECEIPT):
            states = pipeline.lake.table(spec).states()
            found[spec.name] = {name: (state.fingerprint, state.rows, state.counts) for name, state in states.items()}
    return found


def received(home: Path, *, same_clock: bool = True) -> Mapping[str, object]:
    """What ingest made: files with their counts, and the fingerprints of all rows that can be seen."""
    pipeline = pipeline_of(Settings(home))
    log = read_log(pipeline.lake)
    found: dict[str, object] = {
        spec.name: _fingerprint(pipeline, log, spec) for spec in _BATCHES if same_clock or spec is not ENTITY_CHANGES
    }
    found["files"] = [
        (file.source, file.sha256, file.name, *(getattr(file, name) for name in RECEIVED))
        for file in log.files
        if same_clock or file.source != CUSTOMERS
    ]
    days = [*map(str, sorted(log.received_days))]
    found["problems"] = problems_shown(pipeline, Known.now(pipeline), "raw_events", days)
    return found


def _fingerprint(pipeline: Pipeline, log: IngestLog, spec: DatasetSpec) -> str:
    with pipeline.engine.session() as session:
        return fingerprint_of(session, spec, visible_files(pipeline.lake, spec, log.batches))


def _waiting(pipeline: Pipeline, log: IngestLog) -> Iterator:
    return (file for file in pipeline.landing.files() if (file.source, file.sha256) not in log.identities)


def _batch(file: Address) -> str:
    return file.name.partition("-")[0]


def _version(pipeline: Pipeline, spec: DatasetSpec) -> int:
    return len(list((pipeline.lake.table(spec).root / "_delta_log").glob("*.json")))


def _added(root: Path) -> Iterator[str]:
    for log in (root / "_delta_log").glob("*.json"):
        for line in log.read_text().splitlines():
            action = json.loads(line)
            if "add" in action:
                yield action["add"]["path"].replace("%3D", "=")
