"""Records of known programs, read without a mapping: what each field becomes, and what identifies an event."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from workshop import Workshop, lines

from monetization_pipeline.datasets import RAW_EVENTS, REFUSALS

KONG = {
    "request": {
        "method": "GET",
        "uri": "/v1/items?token=sesame",
        "url": "https://api.example.com:8443/v1/items?token=sesame",
        "size": 204,
        "querystring": {"token": "sesame"},
        "headers": {"x-consumer-custom-id": "somebody else", "authorization": "REDACTED", "x-request-id": "mine"},
    },
    "upstream_uri": "/items",
    "response": {"status": 200, "size": "934", "headers": {"content-type": "application/json"}},
    "latencies": {"kong": 3, "proxy": 120, "request": 123},
    "tries": [{"ip": "10.0.0.1", "port": 80, "balancer_latency": 0}],
    "client_ip": "203.0.113.5",
    "started_at": 1688990400123,
    "route": {"id": "r-1", "name": "items", "paths": ["/v1/items"]},
    "service": {"id": "s-1", "name": "catalog", "host": "upstream"},
    "consumer": {"id": "c-1", "username": "acme-user", "custom_id": "acme-42"},
    "authenticated_entity": {"id": "credential-1"},
}

GATEWAY = {
    "apiId": "a1b2c3",
    "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    "extendedRequestId": "JKJaXmPLvHcESHA=",
    "requestTime": "10/Jul/2023:14:00:00 +0200",
    "protocol": "HTTP/1.1",
    "httpMethod": "POST",
    "resourcePath": "/items/{id}",
    "path": "/prod/items/7",
    "requestHostHeader": "api.example.com",
    "requestUserAgentHeader": "curl/8",
    "ip": "203.0.113.5",
    "status": "201",
    "responseLength": "345",
    "durationMs": "17",
    "caller": "-",
    "user": "-",
    "principalId": "user-9",
    "cognitoIdentityId": "-",
    "userArn": "-",
    "apiKey": "sesame",
    "apiKeyId": "-",
    "companyId": "acme",
    "stage": "prod",
}

MOESIF = {
    "transaction_id": "a3765025-46ec-45dd-bc83-b136c8d1d257",
    "request": {"time": "2023-07-10T12:00:00.000", "uri": "https://api.example.com/v1/items", "verb": "GET"},
    "response": {"time": "2023-07-10T12:00:00.150", "status": 200},
    "company_id": "acme",
    "direction": "Outgoing",
    "weight": 2,
    "blocked_by": "64ca685a833073c6b41b15f3",
}

CLOUD = {
    "specversion": "1.0",
    "id": "A234-1234-1234",
    "source": "https://jobs.example.com/worker",
    "type": "com.example.job.done",
    "time": "2023-07-10T12:00:00.123Z",
    "subject": "acme",
    "datacontenttype": "application/json",
    "data": {"tokens": 123456789012345678, "model": "small"},
}
NOON = datetime(2023, 7, 10, 12, tzinfo=UTC)


def over(record: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A record with fields changed, or left out where None; `a__b` is b in a."""
    changed = json.loads(json.dumps(record))
    for path, value in fields.items():
        *outer, name = path.split("__")
        inner = changed
        for key in outer:
            inner = inner[key]
        inner[name] = value
    return changed


@dataclass(frozen=True)
class Case:
    """What some columns of the one event are; or why it is refused."""

    schema: str
    record: Mapping[str, Any]
    columns: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] | None = None
    refused: str | None = None


K, G, C, M = "kong-http-log", "aws-api-gateway", "cloudevents", "moesif"

CASES = {
    "a call through Kong": Case(
        K,
        KONG,
        {
            "event_type": "api_call",
            "occurred_at": NOON.replace(microsecond=123000),
            "company_id": None,
            "user_id": "acme-42",
            "verb": "GET",
            "uri": "/v1/items?token=",
            "route": "items",
            "status": 200,
            "duration_ms": 123,
            "request_size": 204,
            "response_size": 934,
        },
        {"service": "catalog"},
    ),
    "a call through Kong 3.5 or later": Case(
        K,
        over(KONG, request__id="0a1b2c3d4e5f60718293a4b5c6d7e8f9", source="kong"),
        {"event_id": "0a1b2c3d4e5f60718293a4b5c6d7e8f9"},
        {"service": "catalog", "answered_by": "kong"},
    ),
    "a consumer without an id of ours": Case(K, over(KONG, consumer__custom_id=None), {"user_id": "acme-user"}),
    "a consumer with an id alone": Case(K, over(KONG, consumer={"id": "c-1"}), {"user_id": "c-1"}),
    "a call by nobody, to no route": Case(
        K,
        over(KONG, consumer=None, authenticated_entity=None, route=None, service=None),
        {"user_id": None, "session_token": None, "route": None},
        {},
    ),
    "a call whose time is a fraction": Case(
        K,
        over(KONG, started_at=1688990400123.25, latencies__request=0.5),
        {"occurred_at": NOON.replace(microsecond=123250), "duration_ms": None},
    ),
    "a call without its time": Case(K, over(KONG, started_at=None), refused="occurred_at is missing"),
    "a call through API Gateway": Case(
        G,
        GATEWAY,
        {
            "event_id": "JKJaXmPLvHcESHA=",
            "event_type": "api_call",
            "occurred_at": NOON,
            "company_id": "acme",
            "user_id": "user-9",
            "verb": "POST",
            "uri": "/prod/items/7",
            "route": "/items/{id}",
            "status": 201,
            "duration_ms": 17,
            "response_size": 345,
        },
        {"api_id": "a1b2c3", "stage": "prod", "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"},
    ),
    "a call to API Gateway that names an IAM user": Case(
        G, over(GATEWAY, user="AIDA1", apiKeyId="k"), {"user_id": "AIDA1"}
    ),
    "a call to API Gateway with an API key": Case(G, over(GATEWAY, apiKeyId="k-1"), {"user_id": "k-1"}),
    "a call to API Gateway that is told to the millisecond": Case(
        G, over(GATEWAY, requestTimeEpoch="1688990400123"), {"occurred_at": NOON.replace(microsecond=123000)}
    ),
    "a call to API Gateway of which all is absent": Case(
        G,
        dict.fromkeys(GATEWAY, "-") | {"requestTime": GATEWAY["requestTime"]},
        {"company_id": None, "user_id": None, "status": None, "duration_ms": None, "response_size": None, "uri": None},
        {},
    ),
    "a call that AWS WAF blocked": Case(G, over(GATEWAY, wafResponseCode="WAF_BLOCK"), {"blocked_by": "AWS WAF"}),
    "a call that AWS WAF let pass": Case(G, over(GATEWAY, wafResponseCode="WAF_ALLOW"), {"blocked_by": None}),
    "a call to API Gateway without its time": Case(G, over(GATEWAY, requestTime="-"), refused="occurred_at is missing"),
    "a call to API Gateway without the number of its time": Case(
        G, over(GATEWAY, requestTimeEpoch="-"), {"occurred_at": NOON}
    ),
    "a call to API Gateway without a length": Case(
        G, over(GATEWAY, responseLength="-"), {"response_size": None, "unreadable": "{}"}
    ),
    "a call to API Gateway with a status that is none": Case(
        G, over(GATEWAY, status="two"), {"status": None, "unreadable": '{"status":"two"}'}
    ),
    "an event of Moesif's": Case(
        M,
        MOESIF,
        {
            "event_id": "a3765025-46ec-45dd-bc83-b136c8d1d257",
            "direction": "Outgoing",
            "weight": 2,
            "blocked_by": "64ca685a833073c6b41b15f3",
            "duration_ms": 150,
        },
    ),
    "an event of Moesif's, its direction in small letters": Case(
        M, over(MOESIF, direction="internal"), {"direction": "Internal"}
    ),
    "an event of Moesif's that says no direction": Case(M, over(MOESIF, direction=None), {"direction": None}),
    "an event of Moesif's, its direction empty": Case(M, over(MOESIF, direction=""), {"direction": None}),
    "an event of Moesif's that goes nowhere": Case(
        M, over(MOESIF, direction="Sideways"), refused="direction is not Incoming, Outgoing or Internal: Sideways"
    ),
    "an event of Moesif's whose direction is an object": Case(
        M, over(MOESIF, direction={"a": 1}), refused='direction is not Incoming, Outgoing or Internal: {"a":1}'
    ),
    "a CloudEvent": Case(
        C,
        CLOUD,
        {
            "event_id": "https://jobs.example.com/worker A234-1234-1234",
            "event_type": "action",
            "action_name": "com.example.job.done",
            "occurred_at": NOON.replace(microsecond=123000),
            "company_id": "acme",
        },
        {"tokens": "123456789012345678", "model": "small"},
    ),
    "a CloudEvent of a later minor version": Case(C, over(CLOUD, specversion="1.1"), {"company_id": "acme"}),
    "a CloudEvent about nobody": Case(C, over(CLOUD, subject=None), {"company_id": None}),
    "a CloudEvent with bytes": Case(C, over(CLOUD, data=None, data_base64="AAAA"), {"metadata": None}),
    "a CloudEvent with a text": Case(C, over(CLOUD, data="<much wow/>"), {"metadata": None}),
    "a CloudEvent with a list": Case(C, over(CLOUD, data=[1, 2]), {"metadata": None}),
    "a CloudEvent without an id": Case(C, over(CLOUD, id=None), refused="the CloudEvent has no id"),
    "a CloudEvent with an empty id": Case(C, over(CLOUD, id=""), refused="the CloudEvent has no id"),
    "a CloudEvent without a source": Case(C, over(CLOUD, source=None), refused="the CloudEvent has no source"),
    "a CloudEvent without a type": Case(C, over(CLOUD, type=None), refused="the CloudEvent has no type"),
    "what is no CloudEvent": Case(C, over(CLOUD, specversion=None), refused="the CloudEvent has no specversion"),
    "a CloudEvent of an older version": Case(
        C, over(CLOUD, specversion="0.3"), refused="a CloudEvent of version 0.3 is not read, only 1.0"
    ),
    "a CloudEvent without a time": Case(C, over(CLOUD, time=None), refused="occurred_at is missing"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_record(shop: Workshop, case: Case) -> None:
    shop.source("known", schema=case.schema, mapping={})
    shop.take(lines([case.record]), source="known")
    if case.refused is not None:
        assert [row["reason"] for row in shop.rows(REFUSALS)] == [case.refused]
        return
    assert shop.rows(REFUSALS) == []
    (row,) = shop.rows(RAW_EVENTS)
    assert {name: row[name] for name in case.columns} == case.columns
    if case.metadata is not None:
        assert json.loads(row["metadata"]) == case.metadata
    assert "sesame" not in str(row)


@pytest.mark.parametrize(("schema", "record"), [(K, KONG), (G, GATEWAY), (C, CLOUD)], ids=[K, G, C])
def test_arrays_and_documents_of_records(shop: Workshop, schema: str, record: dict[str, Any]) -> None:
    shop.source("known", schema=schema, mapping={})
    shop.source("document", schema=schema, format="json", mapping={})
    other = record | {"id": "other", "extendedRequestId": "other", "started_at": 1688990400124}
    batch = json.dumps([record, other])
    shop.take(batch.encode() + b"\n", source="known")
    shop.take(batch.encode() + json.dumps(record).encode(), source="document")
    assert [row["source"] for row in sorted(shop.rows(RAW_EVENTS), key=lambda row: row["source"])] == [
        *["document"] * 3,
        *["known"] * 2,
    ]


def test_a_mapping_lies_over_the_built_in_one(shop: Workshop) -> None:
    shop.source("known", schema=K, mapping={"company_id": "consumer.username", "metadata.region": "'eu'"})
    shop.take(lines([KONG]), source="known")
    (row,) = shop.rows(RAW_EVENTS)
    assert (row["company_id"], row["user_id"]) == ("acme-user", "acme-42")
    assert json.loads(row["metadata"]) == {"region": "eu", "service": "catalog"}


def test_what_a_caller_says_of_himself_makes_no_two_calls_one(shop: Workshop) -> None:
    """Two calls under the same x-amzn-RequestId, or the same X-Request-Id through Kong, are two."""
    calls = (
        (G, GATEWAY, over(GATEWAY, extendedRequestId="another=")),
        (G, over(GATEWAY, extendedRequestId=None), over(GATEWAY, extendedRequestId=None, durationMs="18")),
        (K, KONG, over(KONG, latencies__request=124)),
        (K, over(KONG, request__id="1"), over(KONG, request__id="2")),
    )
    for number, (schema, first, second) in enumerate(calls):
        source = f"known{number}"
        shop.source(source, schema=schema, mapping={})
        shop.take(lines([first, second]), source=source)
        found = [row["event_id"] for row in shop.rows(RAW_EVENTS) if row["source"] == source]
        assert len(set(found)) == 2


def test_a_file_sent_again_brings_the_same_events(shop: Workshop) -> None:
    shop.source("known", schema=K, mapping={})
    shop.take(lines([KONG, KONG]), source="known")
    shop.take(lines([KONG, KONG, over(KONG, started_at=1688990400999)]), source="known")
    found = [row["event_id"] for row in shop.rows(RAW_EVENTS)]
    assert (len(found), len(set(found))) == (5, 3)


def test_a_batch_that_kong_sends_again_brings_the_same_events(shop: Workshop) -> None:
    """Each retry is a line of its own, among other records or in another order, in the same file or another."""
    shop.source("known", schema=K, mapping={})
    one, two, three = (over(KONG, request__id=f"id-{number}") for number in (1, 2, 3))
    shop.take(lines([json.dumps([one, two]), json.dumps([two, one, three])]), source="known")
    shop.take(lines([three]), source="known")
    found = [row["event_id"] for row in shop.rows(RAW_EVENTS)]
    assert (len(found), sorted(set(found))) == (6, ["id-1", "id-2", "id-3"])


def test_a_mapping_says_why_a_record_is_refused(shop: Workshop) -> None:
    refusal = "case when kind = 'test' then 'a test call: ' || note end"
    shop.source("known", schema=K, mapping={"refusal": refusal})
    shop.take(lines([KONG, KONG | {"kind": "test", "note": "mine"}]), source="known")
    assert len(shop.rows(RAW_EVENTS)) == 1
    assert [(row["line"], row["reason"]) for row in shop.rows(REFUSALS)] == [(2, "a test call: mine")]
