"""Moesif's events and actions: the built-in mapping (fields as in Moesif's collector API and its server integrations).

The identity is the body's `transaction_id`; the header `X-Moesif-Transaction-Id` is copied from the caller's own
request and is never used (rule 2).
"""

SCHEMA = "moesif"

MAPPING = {
    "event_id": "transaction_id",
    "event_type": "case when request.verb is null and action_name is not null then 'action' else 'api_call' end",
    "action_name": "action_name",
    "occurred_at": "request.time",
    "company_id": "company_id",
    "user_id": "user_id",
    "subscription_id": "subscription_id",
    "session_token": "session_token",
    "verb": "request.verb",
    "uri": "request.uri",
    "status": "response.status",
    "ended_at": "response.time",
    "api_version": "request.api_version",
    "direction": "direction",
    "weight": "weight",
    "blocked_by": "blocked_by",
    "metadata": "metadata",
}
