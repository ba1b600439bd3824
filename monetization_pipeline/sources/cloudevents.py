"""CloudEvents 1.0 in the JSON format, structured mode: the built-in mapping.

`source` and `id` together identify an event (CloudEvents 1.0.2, "id"); no URI has a space in it, so one keeps them
apart. `type` is what was done, `subject` whom it concerns: the company, unless the declaration says otherwise. `data`
is kept as metadata where it is an object.
"""

SCHEMA = "cloudevents"

_REQUIRED = ("id", "source", "type", "specversion")

MAPPING = {
    "refusal": (
        "case "
        + " ".join(f"when coalesce({name}, '') = '' then 'the CloudEvent has no {name}'" for name in _REQUIRED)
        + " when specversion not like '1.%' then 'a CloudEvent of version ' || specversion || ' is not read, only 1.0'"
        " end"
    ),
    "event_id": "source || ' ' || id",
    "event_type": "'action'",
    "action_name": "type",
    "occurred_at": "time",
    "company_id": "subject",
    "metadata": "case when data like '{%' then data end",
}
