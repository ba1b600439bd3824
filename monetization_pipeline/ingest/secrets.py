"""Secrets are masked before a refused record's text is kept."""

import re

_MASK = "***"
_NAMED = re.compile(
    r'("?(?:authorization|proxy-authorization|cookie|set-cookie|password|secret|token|session_token|api[-_]?key|'
    r'x-moesif-application-id|x-amz-firehose-access-key)"?\s*[:=]\s*"?)([^",}&\s][^",}&]*)',
    re.IGNORECASE,
)
_SHAPED = re.compile(r"\b(?:(?:sk|rk|pk|whsec)_[A-Za-z0-9_]{8,}|Bearer\s+[A-Za-z0-9._~+/-]{8,}=*|AKIA[0-9A-Z]{16})")


def mask(text: str) -> str:
    """Text with the values of well-known secret fields, and what looks like a key, replaced by `***`."""
    return _SHAPED.sub(_MASK, _NAMED.sub(rf"\1{_MASK}", text))
