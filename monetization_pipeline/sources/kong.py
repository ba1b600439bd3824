"""Kong's log plugins (http-log, file-log, tcp-log and their like): the built-in mapping.

Fields as `kong.log.serialize` makes them (Kong, kong/pdk/log.lua). `request.id` is made by Kong itself since 3.5, one
for each request: the identity, so that a batch which a plugin sends again is the same calls. A record of before brings
none: equal lines of a file are several events, a file sent again is the same ones. Headers are the caller's own, and
are not read (rule 2).
"""

SCHEMA = "kong-http-log"

MAPPING = {
    "event_id": "request.id",
    "event_type": "'api_call'",
    "occurred_at": "epoch_ms(started_at)",
    "user_id": "coalesce(consumer.custom_id, consumer.username, consumer.id)",
    "session_token": "authenticated_entity.id",
    "verb": "request.method",
    "uri": "request.uri",
    "route": "coalesce(route.name, route.id)",
    "status": "response.status",
    # Sizes and times never cost an event: what is no whole number is left out.
    "duration_ms": "cast(latencies.request as integer)",
    "request_size": "cast(request.size as integer)",
    "response_size": "cast(response.size as integer)",
    "metadata.service": "coalesce(service.name, service.id)",
    # Who answered: `upstream`, or `kong` itself, as a plugin does that limits rates or asks for a key.
    "metadata.answered_by": "source",
}
