"""entity_changes → companies, users, subscriptions; and what the user writes in `customers/` on its way in."""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from monetization_pipeline.customers.loading import SUFFIXES, load_records
from monetization_pipeline.customers.merge import merge_changes
from monetization_pipeline.customers.models import Company, EntityChange, EntityKind, Subscription, User
from monetization_pipeline.customers.records import CustomersFileError
from monetization_pipeline.datasets import COMPANIES, ENTITY_CHANGES, SUBSCRIPTIONS, USERS, WHOLE, DatasetSpec
from monetization_pipeline.errors import Place
from monetization_pipeline.ingest.sources import CUSTOMERS
from monetization_pipeline.lake.ingest_log import IngestLog, read_log
from monetization_pipeline.lake.landing import LandingFile, name_in_landing
from monetization_pipeline.lake.state import PartitionState
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.steps.pipeline import CODE_VERSION, Pipeline
from monetization_pipeline.steps.received import received_rows
from monetization_pipeline.steps.tables import fingerprint_of, read_rows, write_rows

SPECS: tuple[DatasetSpec, ...] = (COMPANIES, USERS, SUBSCRIPTIONS)


def land_files(pipeline: Pipeline, now: datetime) -> list[LandingFile]:
    """Files of `customers/` whose newest version has not entered landing yet, entered as received `now`.

    Raises CustomersFileError for a file that cannot be read: nothing of it enters.
    """
    entered: list[LandingFile] = []
    for name, content in _changed(pipeline):
        load_records(name, content)
        # Writing an earlier content again is a change too: it must not be taken for the file that came then.
        identity = f"{name}\0{now.isoformat()}\0".encode()
        entered.append(pipeline.landing.place(CUSTOMERS, name, io.BytesIO(content), now, identity))
    return entered


def changed_files(pipeline: Pipeline) -> list[str]:
    """Names of the files of `customers/` that `land_files` would let in now."""
    return [name for name, _ in _changed(pipeline)]


def written_digest(pipeline: Pipeline, name: str) -> str:
    """The hash of what a file of `customers/` holds now, by its name in landing; empty where it is gone."""
    path = _written(pipeline.home.customers).get(name)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path is not None and path.exists() else ""


def expected_state(log: IngestLog) -> PartitionState:
    """What companies, users and subscriptions would be made from now."""
    files = sorted(sha256 for _, sha256 in log.bringing("entity_changes").identities)
    inputs = {"entity_changes": hashlib.sha256(json.dumps(files).encode()).hexdigest()}
    return PartitionState("", 0, inputs=inputs, code_version=CODE_VERSION)


def is_current(pipeline: Pipeline, log: IngestLog, spec: DatasetSpec) -> bool:
    """Whether one of the three datasets was made from what there is now."""
    state = pipeline.lake.table(spec).state()
    return state is not None and state.made_from(expected_state(log))


def build(pipeline: Pipeline, spec: DatasetSpec) -> PartitionState:
    """Make one of companies, users and subscriptions. Raises ConcurrentCommitError."""
    table = pipeline.lake.table(spec)
    claim = table.claim()
    log = read_log(pipeline.lake)
    customers = merge_changes(_changes(pipeline, log))
    entities: Mapping[str, Sequence[Company] | Sequence[User] | Sequence[Subscription]] = {
        COMPANIES.name: customers.companies,
        USERS.name: customers.users,
        SUBSCRIPTIONS.name: customers.subscriptions,
    }
    rows = [{name: getattr(entity, name) for name in spec.schema.names} for entity in entities[spec.name]]
    path = table.new_path()
    write_rows(spec, rows, path)
    with pipeline.engine.session() as session:
        fingerprint = fingerprint_of(session, spec, [path])
    expected = expected_state(log)
    state = PartitionState(fingerprint, len(rows), inputs=expected.inputs, code_version=CODE_VERSION)
    table.replace(claim, [NewFile(path, WHOLE, len(rows))], {WHOLE: state})
    return state


def read_companies(pipeline: Pipeline) -> list[Company]:
    """Current and earlier versions of all companies."""
    return [Company(**row) for row in read_rows(pipeline.lake.table(COMPANIES).files())]


def read_users(pipeline: Pipeline) -> list[User]:
    """Current and earlier versions of all users."""
    return [User(**row) for row in read_rows(pipeline.lake.table(USERS).files())]


def read_subscriptions(pipeline: Pipeline) -> list[Subscription]:
    """Current and earlier versions of all subscriptions."""
    return [Subscription(**row) for row in read_rows(pipeline.lake.table(SUBSCRIPTIONS).files())]


def _changes(pipeline: Pipeline, log: IngestLog) -> list[EntityChange]:
    rows = received_rows(pipeline.lake, ENTITY_CHANGES, log.bringing("entity_changes").batches)
    return [_change(row) for row in rows]


def _change(row: Mapping[str, Any]) -> EntityChange:
    names = EntityChange.__slots__
    fields = {name: row[name] for name in names if name not in ("kind", "fields")}
    return EntityChange(kind=EntityKind(row["kind"]), fields=json.loads(row["fields"], parse_float=str), **fields)


def _changed(pipeline: Pipeline) -> Iterator[tuple[str, bytes]]:
    """Files whose newest version is not in landing, under the names that they have there."""
    landed = _newest(pipeline)
    for name, path in _written(pipeline.home.customers).items():
        content = path.read_bytes()
        before = landed.get(name)
        if before is None or before.path.read_bytes() != content:
            yield name, content


def _written(folder: Path) -> Mapping[str, Path]:
    """What the user wrote, by the names that the files have in landing."""
    written: dict[str, Path] = {}
    if folder.is_dir():
        for path in sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES):
            other = written.setdefault(name_in_landing(path.name), path)
            if other is not path:
                raise CustomersFileError(
                    Place(str(path)), f"cannot be told apart from {other.name}; rename one of them"
                )
    return written


def _newest(pipeline: Pipeline) -> Mapping[str, LandingFile]:
    files = [file for file in pipeline.landing.files() if file.source == CUSTOMERS]
    return {file.original_name: file for file in sorted(files)}
