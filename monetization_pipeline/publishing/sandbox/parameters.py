"""Stripe's form-encoded parameters: parsed, and checked against what the sandbox understands.

The tables name fewer parameters than Stripe has; a test compares them with the official client's own types. Lengths:
its docstrings (an email), and https://docs.stripe.com/changelog of 2018-10-31 (descriptions).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_MAX_KEYS, _MAX_KEY, _MAX_VALUE = 50, 40, 500


class RefusedError(Exception):
    """A request that Stripe answers with an `invalid_request_error`."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Text:
    """A string; one of `choices` where there are any, of at most `most` characters where that is given."""

    choices: tuple[str, ...] = ()
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer, at least `least` and at most `most` where they are given."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """`true` or `false`."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Up to 50 keys of up to 40 characters, with values of up to 500."""


@dataclass(frozen=True, slots=True)
class Group:
    """Named parameters inside brackets."""

    fields: "Fields"


@dataclass(frozen=True, slots=True)
class Groups:
    """A list of groups: `lines[0][amount]`, `lines[1][amount]`."""

    fields: "Fields"


Kind = Text | Whole | Flag | Metadata | Group | Groups


@dataclass(frozen=True, slots=True)
class Fields:
    """Which parameters there may be, and which there must be."""

    kinds: Mapping[str, Kind] = field(default_factory=dict[str, Kind])
    required: frozenset[str] = frozenset()


_LIMIT = Whole(1, 100)
_CREATED = Group(Fields({"gt": Whole(), "gte": Whole(), "lt": Whole(), "lte": Whole()}))
_PERIOD = Group(Fields({"start": Whole(), "end": Whole()}, frozenset({"start", "end"})))
_LINE = Fields(
    {
        "amount": Whole(),
        "description": Text(most=500),
        "discountable": Flag(),
        "metadata": Metadata(),
        "period": _PERIOD,
    },
    frozenset({"amount"}),
)

NOTHING = Fields()
PAGE = Fields({"limit": _LIMIT, "starting_after": Text()})
CUSTOMER_CREATE = Fields(
    {"name": Text(), "email": Text(most=512), "description": Text(most=350), "metadata": Metadata()}
)
CUSTOMER_LIST = Fields({**PAGE.kinds, "email": Text(), "created": _CREATED})
INVOICE_CREATE = Fields(
    {
        "customer": Text(),
        "currency": Text(),
        "auto_advance": Flag(),
        "pending_invoice_items_behavior": Text(("exclude",)),
        "collection_method": Text(("charge_automatically", "send_invoice")),
        "days_until_due": Whole(0),
        "description": Text(),
        "discounts": Text(("",)),
        "metadata": Metadata(),
    },
    frozenset({"customer"}),
)
INVOICE_LIST = Fields(
    {
        **PAGE.kinds,
        "customer": Text(),
        "status": Text(("draft", "open", "paid", "uncollectible", "void")),
        "created": _CREATED,
    }
)
INVOICE_ADD_LINES = Fields({"lines": Groups(_LINE), "invoice_metadata": Metadata()}, frozenset({"lines"}))
INVOICE_FINALIZE = Fields({"auto_advance": Flag()})


#: Form fields as they nest, before it is known what they mean.
_Tree = dict[str, "str | _Tree"]


def decode(pairs: Sequence[tuple[str, str]], fields: Fields) -> dict[str, Any]:
    """Form fields such as `lines[0][amount]=100` as nested, typed values. Raises RefusedError."""
    tree: _Tree = {}
    for name, value in pairs:
        *parents, last = name.replace("]", "").split("[")
        node = tree
        for part in parents:
            inner = node.setdefault(part, {})
            if isinstance(inner, str):
                raise RefusedError(f"Invalid {name}: given both as a value and as a hash", param=name)
            node = inner
        node[last] = value
    return _group(tree, fields, "")


def _group(tree: _Tree, fields: Fields, prefix: str) -> dict[str, Any]:
    for name in sorted(fields.required - tree.keys()):
        param = _nested(prefix, name)
        raise RefusedError(f"Missing required param: {param}.", param=param, code="parameter_missing")
    decoded: dict[str, Any] = {}
    for name, value in tree.items():
        param = _nested(prefix, name)
        kind = fields.kinds.get(name)
        if kind is None:
            raise RefusedError(f"Received unknown parameter: {param}", param=param, code="parameter_unknown")
        decoded[name] = _value(value, kind, param)
    return decoded


def _nested(prefix: str, name: str) -> str:
    return f"{prefix}[{name}]" if prefix else name


def _value(value: str | _Tree, kind: Kind, param: str) -> Any:
    if isinstance(kind, Metadata):
        return _metadata(value, param)
    if isinstance(kind, Group | Groups):
        if isinstance(value, str):
            raise RefusedError(f"Invalid {'object' if isinstance(kind, Group) else 'array'}", param=param)
        if isinstance(kind, Group):
            return _group(value, kind.fields, param)
        names = sorted(value, key=_position(param))
        return [_group(_hash(value[name], param), kind.fields, _nested(param, name)) for name in names]
    if not isinstance(value, str):
        raise RefusedError("Invalid string: a hash was given", param=param)
    if isinstance(kind, Flag):
        return _flag(value, param)
    return _text(value, kind, param) if isinstance(kind, Text) else _whole(value, kind, param)


def _hash(value: str | _Tree, param: str) -> _Tree:
    if isinstance(value, str):
        raise RefusedError("Invalid object", param=param)
    return value


def _position(param: str) -> Callable[[str], int]:
    def position(name: str) -> int:
        if not name.isdecimal():
            raise RefusedError(f"Invalid array: {name!r} is no position", param=param)
        return int(name)

    return position


def _flag(value: str, param: str) -> bool:
    if value not in ("true", "false"):
        raise RefusedError(f"Invalid boolean: {value}", param=param)
    return value == "true"


def _text(value: str, kind: Text, param: str) -> str:
    if kind.most is not None and len(value) > kind.most:
        raise RefusedError(f"Invalid string: {value[:20]}…; must be at most {kind.most} characters", param=param)
    if kind.choices and value not in kind.choices:
        raise RefusedError(f"Invalid {param}: must be one of {', '.join(kind.choices) or 'nothing'}", param=param)
    return value


def _whole(value: str, kind: Whole, param: str) -> int:
    digits = value.removeprefix("-")
    if not (digits.isdecimal() and digits.isascii()):
        raise RefusedError(f"Invalid integer: {value}", param=param, code="parameter_invalid_integer")
    number = int(value)
    if (kind.least is not None and number < kind.least) or (kind.most is not None and number > kind.most):
        raise RefusedError(f"Invalid integer: {value} is not between {kind.least} and {kind.most}", param=param)
    return number


def _metadata(value: str | _Tree, param: str) -> dict[str, str]:
    if value == "":
        return {}
    texts = {} if isinstance(value, str) else {name: text for name, text in value.items() if isinstance(text, str)}
    if isinstance(value, str) or len(texts) < len(value):
        raise RefusedError("Invalid metadata: metadata must be a set of key-value pairs of text", param=param)
    if len(texts) > _MAX_KEYS:
        raise RefusedError(f"Metadata can have at most {_MAX_KEYS} keys", param=param)
    for name, text in texts.items():
        if len(name) > _MAX_KEY:
            raise RefusedError(f"Metadata keys can have up to {_MAX_KEY} characters", param=_nested(param, name))
        if len(text) > _MAX_VALUE:
            raise RefusedError(f"Metadata values can have up to {_MAX_VALUE} characters", param=_nested(param, name))
    return {name: text for name, text in texts.items() if text}
