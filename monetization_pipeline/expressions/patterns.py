r"""Constant patterns of regular expressions and of times, checked before an engine sees them.

Regular expressions are held to what RE2 (DuckDB), Java (Spark) and Python share, and to a size that RE2 compiles:
characters, `.`, classes, `\d \w \s \b` and their opposites, groups, `|`, `^`, `$`, and `* + ? {m,n}`, greedy or not.
What is refused: look-around, back-references, possessive quantifiers, flags other than a leading `(?i)`.
"""

import re
import warnings
from dataclasses import dataclass, field
from string import punctuation

from monetization_pipeline.expressions.model import ExpressionError

_MAX_LENGTH = 500
_MAX_REPEAT = 1_000  # RE2's own limit, also for the product of nested ones
_MAX_WEIGHT = 5_000

_ESCAPES = frozenset("dDwWsSbBnrt" + punctuation)
_CLASS_ESCAPES = frozenset("dDwWsSnrt" + punctuation)
_GROUP = re.compile(r"\((\?:|\?P<[A-Za-z_][A-Za-z0-9_]*>|(?!\?))", re.ASCII)
_REPEAT = re.compile(r"\{(\d{1,4})(,(\d{0,4}))?\}", re.ASCII)
_SET_OPERATORS = ("--", "&&", "~~", "||")

#: Directives of strptime that need nothing but the text itself; each must be DuckDB's.
_DIRECTIVES_TEXT = "Y y m -m d -d b B a A H -H I -I p M -M S -S f g n z %"
_DIRECTIVES = frozenset(_DIRECTIVES_TEXT.split())


@dataclass(slots=True)
class _Group:
    """An open group: how large it becomes when repetitions are written out, and the largest repetition inside."""

    weight: int = 0
    repeat: int = 1
    last: int = 0  # weight of the last atom, 0 where there is none to repeat
    last_repeat: int = 1


@dataclass(slots=True)
class _Scan:
    pattern: str
    at: int = 0
    stack: list[_Group] = field(default_factory=lambda: [_Group()])

    def refuse(self, what: str) -> ExpressionError:
        return ExpressionError(f"pattern '{self.pattern}': {what}")


def check_pattern(pattern: str) -> int:
    """The number of groups of a regular expression that every engine reads alike; ExpressionError for any other.

    >>> check_pattern("^/v1/(users|items)/([0-9]+)$")
    2
    """
    scan = _Scan(pattern)
    if len(pattern) > _MAX_LENGTH:
        raise ExpressionError(f"a pattern has at most {_MAX_LENGTH} characters; this one has {len(pattern)}")
    if pattern.startswith("(?i)"):
        scan.at = 4
    while scan.at < len(pattern):
        _step(scan)
    if len(scan.stack) > 1:
        raise scan.refuse("a ( is never closed")
    if scan.stack[0].weight > _MAX_WEIGHT:
        raise scan.refuse("it is too large once its repetitions are written out")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(pattern).groups
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise scan.refuse(f"it does not compile ({error})") from None


def check_time_format(time_format: str) -> frozenset[str]:
    """The directives of a strptime format, such as Y and z; ExpressionError for a format that is not allowed.

    >>> sorted(check_time_format("%Y-%m-%d %H:%M"))
    ['H', 'M', 'Y', 'd', 'm']
    """
    directives: list[str] = []
    at = 0
    while at < len(time_format):
        if time_format[at] != "%":
            at += 1
            continue
        size = 2 if time_format[at + 1 : at + 2] == "-" else 1
        directive = time_format[at + 1 : at + 1 + size]
        if directive not in _DIRECTIVES:
            allowed = " ".join(f"%{name}" for name in sorted(_DIRECTIVES))
            raise ExpressionError(f"time format '{time_format}': %{directive} is not allowed; there are {allowed}")
        directives.append(directive)
        at += 1 + size
    if not {"Y", "y"} & set(directives):
        raise ExpressionError(f"time format '{time_format}' has no year (%Y)")
    return frozenset(directives)


def _step(scan: _Scan) -> None:
    char, group = scan.pattern[scan.at], scan.stack[-1]
    if char == "\\":
        _escape(scan, group)
    elif char == "[":
        _class(scan, group)
    elif char == "(":
        _open(scan)
    elif char == ")":
        _close(scan)
    elif char in "*+?{":
        _repeat(scan, group)
    elif char in "|^$":
        scan.at += 1
        group.last = 0
    else:
        scan.at += 1
        _atom(group, 1)


def _atom(group: _Group, weight: int, repeat: int = 1) -> None:
    group.weight += weight
    group.last, group.last_repeat = weight, repeat
    group.repeat = max(group.repeat, repeat)


def _escape(scan: _Scan, group: _Group) -> None:
    escaped = scan.pattern[scan.at + 1 : scan.at + 2]
    if not escaped or escaped not in _ESCAPES:
        raise scan.refuse(
            f"\\{escaped} is not allowed; there are \\d \\w \\s \\b \\D \\W \\S \\B \\n \\r \\t and \\ before a sign"
        )
    scan.at += 2
    if escaped in "bB":
        group.last = 0
    else:
        _atom(group, 1)


def _class(scan: _Scan, group: _Group) -> None:
    start = scan.at
    scan.at += 2 if scan.pattern[scan.at + 1 : scan.at + 2] == "^" else 1
    first = scan.at
    while scan.at < len(scan.pattern) and (scan.pattern[scan.at] != "]" or scan.at == first):
        char = scan.pattern[scan.at]
        if char == "[" or (char == "]" and scan.at == first):
            raise scan.refuse(f"write \\{char} for a {char} inside [ ]")
        if char == "\\" and scan.pattern[scan.at + 1 : scan.at + 2] not in _CLASS_ESCAPES:
            raise scan.refuse(f"\\{scan.pattern[scan.at + 1 : scan.at + 2]} is not allowed inside [ ]")
        if scan.pattern[scan.at : scan.at + 2] in _SET_OPERATORS:
            raise scan.refuse(f"{scan.pattern[scan.at : scan.at + 2]} is not allowed inside [ ]")
        scan.at += 2 if char == "\\" else 1
    if scan.at >= len(scan.pattern):
        raise scan.refuse("a [ is never closed")
    scan.at += 1
    _atom(group, scan.at - start)


def _open(scan: _Scan) -> None:
    found = _GROUP.match(scan.pattern, scan.at)
    if found is None:
        raise scan.refuse("only (…), (?:…), (?P<name>…) and a leading (?i) are allowed")
    scan.at = found.end()
    scan.stack.append(_Group())


def _close(scan: _Scan) -> None:
    if len(scan.stack) == 1:
        raise scan.refuse("a ) closes nothing")
    closed = scan.stack.pop()
    scan.at += 1
    _atom(scan.stack[-1], closed.weight + 1, closed.repeat)


def _repeat(scan: _Scan, group: _Group) -> None:
    if not group.last:
        raise scan.refuse(f"{scan.pattern[scan.at]} has nothing to repeat")
    count = 1
    if scan.pattern[scan.at] == "{":
        found = _REPEAT.match(scan.pattern, scan.at)
        if found is None:
            raise scan.refuse("write {m}, {m,} or {m,n} for a repetition, \\{ for the sign")
        least, most = int(found[1]), int(found[3] or found[1])
        count = max(least, most, 1)
        if least > most or count * group.last_repeat > _MAX_REPEAT:
            raise scan.refuse(f"{found[0]} repeats more than {_MAX_REPEAT} times in all, or less than it must")
        scan.at = found.end()
    else:
        scan.at += 1
    if scan.pattern[scan.at : scan.at + 1] == "?":
        scan.at += 1
    if scan.pattern[scan.at : scan.at + 1] in ("*", "+", "?", "{"):
        raise scan.refuse("a repetition cannot be repeated or made possessive")
    group.weight += group.last * count
    group.repeat = max(group.repeat, count * group.last_repeat)
    group.last = 0
