"""Access logs of AWS API Gateway in JSON: the built-in mapping. A value `-` is an absent one.

Keys are the names of the `$context` variables that Amazon's own format and its console use. The identity is
`extendedRequestId`. `requestId` is none: the caller may set it by the header x-amzn-RequestId, and so make many calls
one (Amazon API Gateway, Developer Guide, "Access logging for REST APIs"; rule 2).
"""

SCHEMA = "aws-api-gateway"

_CLF = "%d/%b/%Y:%H:%M:%S %z"
#: Who called, the most telling first.
_CALLERS = ("user", "apiKeyId", "principalId", "cognitoIdentityId", "caller", "userArn")


def _said(key: str) -> str:
    return f"nullif({key}, '-')"


def _whole(key: str) -> str:
    return f"cast({key} as integer)"


MAPPING = {
    "event_id": _said("extendedRequestId"),
    "event_type": "'api_call'",
    "occurred_at": f"coalesce(epoch_ms({_said('requestTimeEpoch')}), parse_time({_said('requestTime')}, '{_CLF}'))",
    "company_id": _said("companyId"),
    "user_id": f"coalesce({', '.join(map(_said, _CALLERS))})",
    "verb": _said("httpMethod"),
    "uri": f"coalesce({_said('path')}, {_said('resourcePath')})",
    "route": f"coalesce({_said('resourcePath')}, {_said('routeKey')})",
    "status": _said("status"),
    "duration_ms": _whole(f"coalesce({_said('durationMs')}, {_said('responseLatency')})"),
    "response_size": _whole(_said("responseLength")),
    "blocked_by": "case when wafResponseCode = 'WAF_BLOCK' then 'AWS WAF' end",
    "metadata.api_id": _said("apiId"),
    "metadata.stage": _said("stage"),
    "metadata.request_id": _said("requestId"),
}
