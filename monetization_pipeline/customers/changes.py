"""From the JSON object of a record, in Moesif's shape or our own, to an EntityChange, or the reason why not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from monetization_pipeline.customers.models import EntityChange, EntityKind
from monetization_pipeline.customers.moesif import ID_FIELDS, NEVER_KEPT, TEXT_FIELDS, TIME_FIELDS, item_plan, status_of
from monetization_pipeline.customers.values import (
    RecordError,
    check_storable,
    instant_of,
    is_blank,
    object_of,
    shown,
    text_of,
)
from monetization_pipeline.periods import is_zone

#: They say from when on the others hold.
_WHEN = ("valid_from", "modified_time")


def change_of(
    kind: EntityKind,
    fields: Mapping[str, object],
    *,
    received_at: datetime,
    source: str,
    file: str,
    line: int,
    record: int = 1,
    landed: tuple[int, int] | None = None,
    written_in: str | None = None,
) -> EntityChange:
    """One record as a change, every field that billing reads checked.

    `fields` is the parsed JSON object. Nulls and blank texts at its top say nothing and are left out, so that they
    erase nothing; but of a record of `customers/` with `valid_from` they are kept, as nulls: it takes back what it
    names. Session tokens, IP addresses and user agents are left out too, since nothing needs them; fields that are not
    known are kept. Ids may be whole numbers: they are read as their digits.
    Raises RecordError (field and reason) for a missing id, a wrong type, a time that means nothing, an unknown
    status, a time zone that the IANA database does not have, items on several plans, or a record that JSON text
    cannot hold.
    """
    known = {name: value for name, value in fields.items() if name not in NEVER_KEPT}
    said = {name: value for name, value in known.items() if not is_blank(value)}
    check_storable(said)
    entity_id = required(said, ID_FIELDS[kind])
    for name in TEXT_FIELDS[kind]:
        text_of(said, name)
    for name in TIME_FIELDS[kind]:
        instant_of(said, name)
    object_of(said, "metadata")
    if kind is EntityKind.COMPANY:
        _check_zone(said)
    elif kind is EntityKind.SUBSCRIPTION:
        _check_subscription(said)
    change = EntityChange(
        kind=kind,
        entity_id=entity_id,
        valid_from=instant_of(said, "valid_from") or instant_of(said, "modified_time"),
        received_at=received_at,
        source=source,
        file=file,
        line=line,
        record=record,
        fields=said,
        landed=landed,
        written_in=written_in,
    )
    if not change.is_of_a_version or change.valid_from is None:
        return change
    taken_back = {name: None for name, value in known.items() if is_blank(value) and name not in _WHEN}
    return replace(change, fields={**said, **taken_back})


def required(fields: Mapping[str, object], name: str) -> str:
    """The text of a field that must be there. Raises RecordError where it is not."""
    text = text_of(fields, name)
    if text is None:
        raise RecordError(name, "is missing")
    return text


def _check_zone(fields: Mapping[str, object]) -> None:
    zone = text_of(fields, "time_zone")
    if zone is not None and not is_zone(zone):
        raise RecordError(
            "time_zone",
            f"{shown(zone)} is not a time zone of the IANA database; write a name such as Europe/Berlin, or none",
        )


def _check_subscription(fields: Mapping[str, object]) -> None:
    required(fields, "company_id")
    status_of(fields)
    if text_of(fields, "plan_id") is None:
        item_plan(fields)
