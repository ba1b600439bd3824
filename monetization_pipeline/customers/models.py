"""Companies, users, subscriptions and the changes that they are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EntityKind(StrEnum):
    """What a record is about."""

    COMPANY = "company"
    USER = "user"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class EntityChange:
    """One upsert of a company, user or subscription, as it arrived.

    `valid_from` is the record's own (explicit, else `modified_time`), None where it names none: then it holds from
    `received_at`. `record` counts the records of one line, from 1. `fields` is the parsed JSON object, checked by
    `customers.changes`, with its ids and times still as they came.

    `landed`: the batch that its file landed with and the file's place in it; None where they were not noted yet.
    `written_in`: the file of `customers/` that it is a record of, None where it came from elsewhere. `cancelled_since`
    is known of a record of such a file whose earlier versions said so already.
    """

    kind: EntityKind
    entity_id: str
    valid_from: datetime | None
    received_at: datetime
    source: str
    file: str
    line: int
    record: int
    fields: Mapping[str, object]
    landed: tuple[int, int] | None = None
    written_in: str | None = None
    cancelled_since: datetime | None = None

    @property
    def is_of_a_version(self) -> bool:
        """Whether it is a record of a version of a file in `customers/`, received under rule 20 as it is now."""
        return self.written_in is not None and self.landed is not None

    @property
    def holds_since_ever(self) -> bool:
        """Whether it holds since ever: a record of such a version without `valid_from`."""
        return self.is_of_a_version and self.valid_from is None


@dataclass(frozen=True, slots=True)
class Company:
    """What is known of a company in `[valid_from, valid_to)`; None is open: since ever, or until now.

    `metadata` is canonical JSON: an object with sorted keys.
    """

    company_id: str
    name: str | None
    time_zone: str | None
    provider_customer_id: str | None
    email: str | None
    metadata: str
    valid_from: datetime | None
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class User:
    """The company that a user belongs to in `[valid_from, valid_to)`; None is open, or no company."""

    user_id: str
    company_id: str | None
    valid_from: datetime | None
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is known of a subscription in `[valid_from, valid_to)`; the current row has `valid_to` None.

    Active in `[start_at, end_at)` of the current row alone: None is open, since ever or without end.
    """

    subscription_id: str
    company_id: str
    plan_id: str | None
    start_at: datetime | None
    end_at: datetime | None
    status: str
    metadata: str
    valid_from: datetime | None
    valid_to: datetime | None
