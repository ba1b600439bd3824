"""entity_changes → companies, users, subscriptions."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from monetization_pipeline.customers.merge import merge_changes, set_aside
from monetization_pipeline.customers.models import Company, EntityChange, EntityKind, Subscription, User
from monetization_pipeline.datasets import COMPANIES, ENTITY_CHANGES, SUBSCRIPTIONS, USERS, DatasetSpec
from monetization_pipeline.lake.listing import read_log
from monetization_pipeline.lake.rows import fingerprint_of, write_rows
from monetization_pipeline.lake.state import PartitionState, code_version
from monetization_pipeline.lake.table import NewFile
from monetization_pipeline.lake.visible import received_rows
from monetization_pipeline.landing.store import landed_at, own_name
from monetization_pipeline.sources.declared import CUSTOMERS
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

#: The note on subscriptions of what they were merged without.
SET_ASIDE = "set aside"

#: What a change says in the words of `entity_changes`.
_SAME = ("entity_id", "valid_from", "received_at", "source", "file", "line", "record")


def expected_states(
    spec: DatasetSpec, pipeline: Pipeline, _: Known, keys: Sequence[str]
) -> Mapping[str, PartitionState]:
    """What one of companies, users and subscriptions would be made from now; `keys` is its one partition."""
    files = sorted(sha256 for _, sha256 in read_log(pipeline.lake).bringing("entity_changes").identities)
    inputs = {"entity_changes": hashlib.sha256(json.dumps(files).encode()).hexdigest()}
    return {key: PartitionState("", 0, inputs=inputs, code_version=version_of(spec)) for key in keys}


def build(spec: DatasetSpec, pipeline: Pipeline, known: Known, keys: Sequence[str]) -> Mapping[str, PartitionState]:
    """Make one of companies, users and subscriptions. Raises ConcurrentCommitError."""
    table = pipeline.lake.table(spec)
    claim = table.claim(keys)
    expected = expected_states(spec, pipeline, known, keys)
    changes = _changes(pipeline)
    customers = merge_changes(changes)
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
    notes: dict[str, object] = {SET_ASIDE: _set_aside(changes)} if spec is SUBSCRIPTIONS else {}
    states = {
        key: replace(state, fingerprint=fingerprint, rows=len(rows), notes=notes) for key, state in expected.items()
    }
    table.replace(claim, [NewFile(path, key, len(rows)) for key in keys], states)
    return states


def left_out(pipeline: Pipeline) -> list[tuple[str, str]]:
    """Records of `customers/` that the subscriptions were merged without: the place, `customers.yaml:5`, and why."""
    state = pipeline.lake.table(SUBSCRIPTIONS).state()
    found = cast("list[tuple[str, str]]", state.notes.get(SET_ASIDE, []) if state else [])
    return [(place, why) for place, why in found]


def _set_aside(changes: Sequence[EntityChange]) -> list[tuple[str, str]]:
    return [
        (f"{change.written_in}:{change.line}", f"subscription {change.entity_id}: {reason}")
        for change, reason in set_aside(changes)
    ]


def version_of(spec: DatasetSpec) -> str:
    """The code version of one of companies, users and subscriptions."""
    return code_version(spec.name, 1)


def _changes(pipeline: Pipeline) -> list[EntityChange]:
    batches = read_log(pipeline.lake).bringing("entity_changes").batches
    rows = received_rows(pipeline.lake, ENTITY_CHANGES, batches)
    return [_change(row) for row in rows]


def _change(row: Mapping[str, Any]) -> EntityChange:
    same = {name: row[name] for name in _SAME}
    fields = json.loads(row["fields"], parse_float=str)
    name = row["file"]
    written_in = own_name(name) if row["source"] == CUSTOMERS else None
    return EntityChange(
        kind=EntityKind(row["kind"]), fields=fields, landed=landed_at(name), written_in=written_in, **same
    )
