"""The fields that records may have, ours and Moesif's, and how a subscription is read from either.

Shapes: Moesif's Collector API (users, companies, subscriptions) with the fields that its Management API adds to a
subscription; and our own, which is what files in `customers/` hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monetization_pipeline.customers.models import EntityKind
from monetization_pipeline.customers.values import RecordError, instant_of, is_blank, is_list, is_object, shown, text_of

#: A subscription with one of these bills nothing, whatever its start and end.
NEVER_BILLED = frozenset({"draft", "pending", "paused"})

CANCELLED = frozenset({"cancelled", "canceled"})

TRIALING = "trialing"

#: What a subscription's status is called while it is `trialing`: not active until it says so. Of what was received
#: before that rule the status stays `trialing`, and bills like `active`.
IN_TRIAL = "in trial"

#: `future` bills from its start on, the cancelled ones until their end.
STATUSES = NEVER_BILLED | CANCELLED | {"active", TRIALING, "future"}

ID_FIELDS = {
    EntityKind.COMPANY: "company_id",
    EntityKind.USER: "user_id",
    EntityKind.SUBSCRIPTION: "subscription_id",
}

TIME_FIELDS = {
    EntityKind.COMPANY: ("valid_from", "modified_time"),
    EntityKind.USER: ("valid_from", "modified_time"),
    EntityKind.SUBSCRIPTION: (
        "valid_from",
        "modified_time",
        "start_at",
        "start_date",
        "current_period_start",
        "end_at",
        "cancel_time",
    ),
}

TEXT_FIELDS = {
    EntityKind.COMPANY: ("name", "time_zone", "provider_customer_id", "email"),
    EntityKind.USER: ("company_id",),
    EntityKind.SUBSCRIPTION: ("company_id", "plan_id", "status"),
}

#: Secrets and traces of a person that billing has no use for: taken without complaint, and never stored.
NEVER_KEPT = frozenset({"session_token", "ip_address", "user_agent_string"})

_TRACKING_FIELDS = NEVER_KEPT | {"campaign", "created", "metadata"}

#: Known, kept with the record, and of no meaning for billing (`metadata` and `items` are read by name).
OTHER_FIELDS = {
    EntityKind.COMPANY: _TRACKING_FIELDS | {"company_domain"},
    EntityKind.USER: _TRACKING_FIELDS | {"email", "name", "first_name", "last_name", "phone", "photo_url"},
    EntityKind.SUBSCRIPTION: {"metadata", "items", "created", "current_period_end", "trial_start", "trial_end"}
    | {"provider", "external_id", "company_external_id", "payment_status", "collection_method", "version_id"},
}

KNOWN_FIELDS: dict[EntityKind, frozenset[str]] = {
    kind: frozenset({ID_FIELDS[kind], *TIME_FIELDS[kind], *TEXT_FIELDS[kind], *OTHER_FIELDS[kind]})
    for kind in EntityKind
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a subscription's record says of plan, time and status; `status` is `active` where it says none."""

    plan_id: str | None
    start_at: datetime | None
    period_start: datetime | None
    end_at: datetime | None
    status: str


def terms_of(fields: Mapping[str, object]) -> Terms:
    """Read a subscription's record, one change or merged.

    plan_id: `plan_id`, else the one plan of `items`. start_at: `start_at`, else `start_date`; `period_start`
    (`current_period_start`) stays apart, since it moves on each period. end_at: `end_at`, else `cancel_time`.
    An item's `price_id` is not read: a subscription has its plan's prices. Raises RecordError.
    """
    return Terms(
        plan_id=text_of(fields, "plan_id") or item_plan(fields),
        start_at=instant_of(fields, "start_at") or instant_of(fields, "start_date"),
        period_start=instant_of(fields, "current_period_start"),
        end_at=instant_of(fields, "end_at") or instant_of(fields, "cancel_time"),
        status=status_of(fields),
    )


def status_of(fields: Mapping[str, object]) -> str:
    """The status of a subscription's record. Raises RecordError for one that is not in STATUSES."""
    status = text_of(fields, "status") or "active"
    if status not in STATUSES:
        raise RecordError("status", f"{shown(status)} is not known; write one of {', '.join(sorted(STATUSES))}")
    return status


def item_plan(fields: Mapping[str, object]) -> str | None:
    """The plan that Moesif's `items` are on, None where they name none.

    Raises RecordError where they name several: charging the first one alone would lose the others unseen.
    """
    items = fields.get("items")
    if is_blank(items):
        return None
    if not is_list(items):
        raise RecordError("items", "is not a list")
    plans: list[str] = []
    for index, item in enumerate(items):
        if not is_object(item):
            raise RecordError(f"items[{index}]", "is not an object")
        try:
            plan = text_of(item, "plan_id")
        except RecordError as error:
            raise RecordError(f"items[{index}].{error.field}", error.reason) from None
        if plan is not None and plan not in plans:
            plans.append(plan)
    if len(plans) > 1:
        raise RecordError(
            "items", f"on several plans ({', '.join(plans)}) is not supported yet; send a subscription for each plan"
        )
    return plans[0] if plans else None
