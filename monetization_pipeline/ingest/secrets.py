"""Secrets are masked before a refused record's text is kept."""

import re

_MASK = "***"
#: A name, whatever stands before it, and its value: quoted (also as JSON within JSON), a list, or up to a delimiter.
_NAMED = re.compile(
    r"""((?:authorization|cookie|password|passwd|secret|token|api[-_]?key|x-moesif-application-id|
        x-amz-firehose-access-key)\\*["']?\s*[:=]\s*)
        (?: (?P<escaped>\\+") (?:(?!\\+").)*
          | (?P<quoted>") (?:[^"\\]|\\.)*
          | (?P<list>\[) [^\]]*
          | [^",}&\s][^",}&]* )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_SHAPED = re.compile(
    r"\b(?:(?:sk|rk|pk|whsec)_[A-Za-z0-9_]{8,}|Bearer\s+[A-Za-z0-9._~+/-]{8,}=*|AKIA[0-9A-Z]{16})"
    r"|(?<=://)[^/\s:@\"]+:[^/\s@\"]+(?=@)"
)


def mask(text: str) -> str:
    """Text with the values of well-known secret fields, and what looks like a key, replaced by `***`."""
    return _SHAPED.sub(_MASK, _NAMED.sub(_masked, text))


def _masked(found: re.Match[str]) -> str:
    opening = found["escaped"] or found["quoted"] or found["list"] or ""
    return f"{found[1]}{opening}{_MASK}"
