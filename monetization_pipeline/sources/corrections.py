"""Voids and replacements in our own words: the built-in mapping, in which every column is read from its own name.

A record says `correction` (void or replacement), `target_event_id`, `target_source` (its own source where it says
none) and `reason`; a replacement also says the new event.
"""

SCHEMA = "corrections"

MAPPING = {
    name: name
    for name in (
        "event_id",
        "target_event_id",
        "target_source",
        "reason",
        "event_type",
        "action_name",
        "occurred_at",
        "company_id",
        "user_id",
        "subscription_id",
        "session_token",
        "verb",
        "uri",
        "route",
        "status",
        "duration_ms",
        "request_size",
        "response_size",
        "api_version",
        "weight",
        "blocked_by",
        "direction",
        "metadata",
    )
    # A record that does not say what it is must not pass for an ordinary event.
} | {"correction": "coalesce(correction, 'none')"}
