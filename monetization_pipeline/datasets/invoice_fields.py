"""What an invoice and its lines say: the one list of their fields, which all others walk by name.

From it come the columns of `invoices` and `invoice_lines`, the invoice's JSON and its hash, the ledger's rows, and what
the console prints. It stands with the datasets, as nothing below needs it and all those stand above.

A field more is one line here, after the others, with the next form and None where nothing is known; where it comes
from (`steps/invoices.py` for a line, `invoicing/printing.py` for an invoice); a column of the ledger
(`ledger/migrations/`, `HEAD` in `ledger/opening.py`); and its key in `reports/promised.py`. Fields are only ever added:
an invoice that was booked in an earlier form can be printed in it for ever, and is compared in it
(`invoicing/comparing.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto
from types import NoneType
from typing import Annotated, get_args, get_type_hints


class Kind(Enum):
    """What a field holds: this alone decides its column, its text and its place on the console."""

    #: Text of letters, digits and underscores only: an id that is made here, a currency.
    ID = auto()
    #: Text of whoever wrote it, of any characters: an id from outside.
    TEXT = auto()
    #: What only people read. The other kinds say what is charged; another wording is no difference from what is booked.
    WORDS = auto()
    #: A UTC instant.
    INSTANT = auto()
    #: A quantity, with at most 12 digits after the point.
    QUANTITY = auto()
    #: Money, rounded to the currency's minor unit (rule 13).
    AMOUNT = auto()
    #: Money before it was rounded, with at most 24 digits after the point.
    EXACT_AMOUNT = auto()


@dataclass(frozen=True, slots=True)
class Says:
    """What stands beside a field's type in the classes below: its kind, its meaning, and the form that it came with."""

    kind: Kind
    doc: str
    since: int = 1


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line: `amount` is `exact_amount` rounded to the currency's minor unit, half away from zero (rule 13)."""

    line_id: Annotated[str, Says(Kind.ID, "rated line")]
    subscription_id: Annotated[str, Says(Kind.TEXT, "subscription")]
    price_id: Annotated[str, Says(Kind.TEXT, "price")]
    meter_id: Annotated[str | None, Says(Kind.TEXT, "meter; empty for a fee")]
    period_start: Annotated[datetime, Says(Kind.INSTANT, "start of the time charged")]
    period_end: Annotated[datetime, Says(Kind.INSTANT, "end of the time charged")]
    quantity: Annotated[Decimal, Says(Kind.QUANTITY, "quantity")]
    amount: Annotated[Decimal, Says(Kind.AMOUNT, "rounded amount")]
    exact_amount: Annotated[Decimal, Says(Kind.EXACT_AMOUNT, "exact amount")]
    description: Annotated[str, Says(Kind.WORDS, "what the company reads, at most 500 characters")]


@dataclass(frozen=True, slots=True)
class Invoice:
    """All that one company owes in one currency at one instant; `total` is the sum of the lines' rounded amounts.

    `subscription_id` is None where the lines have several.
    """

    invoice_id: Annotated[str, Says(Kind.ID, "id of the invoice; stays the same when figures change")]
    company_id: Annotated[str, Says(Kind.TEXT, "company")]
    subscription_id: Annotated[str | None, Says(Kind.TEXT, "subscription; empty where the lines have several")]
    currency: Annotated[str, Says(Kind.ID, "ISO 4217 code")]
    bill_at: Annotated[datetime, Says(Kind.INSTANT, "when it is due to be issued")]
    lines: tuple[InvoiceLine, ...]
    total: Annotated[Decimal, Says(Kind.AMOUNT, "sum of the rounded lines")]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an invoice or of a line, which came with form `since`; an `optional` one may be None."""

    name: str
    kind: Kind
    doc: str
    since: int
    optional: bool

    @property
    def charged(self) -> bool:
        """Whether it says something of what is charged, and not only something for people to read."""
        return self.kind is not Kind.WORDS


#: Characters of a text for people to read. Providers have bounds of their own, and none documents a shorter one.
MAX_WORDS = 500


def cut_words(text: str, most: int = MAX_WORDS) -> str:
    """A text for people to read, at most so many characters; what is cut off is seen to be.

    >>> cut_words("Egress (project: website)"), cut_words("Egress (project: website)", 12)
    ('Egress (project: website)', 'Egress (pro…')
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _fields_of(holder: type[InvoiceLine | Invoice]) -> Iterable[Field]:
    for name, annotated in get_type_hints(holder, include_extras=True).items():
        for says in getattr(annotated, "__metadata__", ()):
            kind_of_value, *_ = get_args(annotated)
            yield Field(name, says.kind, says.doc, says.since, optional=NoneType in get_args(kind_of_value))


#: Fields of a line, in the order in which they are shown.
LINE_FIELDS = tuple(_fields_of(InvoiceLine))

#: Fields of an invoice but for its lines, in the order in which they are shown.
INVOICE_FIELDS = tuple(_fields_of(Invoice))

#: The form that invoices are made and booked in now: the newest that a field came with.
FORM = max(field.since for field in (*INVOICE_FIELDS, *LINE_FIELDS))


def of_form(fields: Sequence[Field], form: int) -> list[Field]:
    """Those of `fields` that an invoice of form `form` has."""
    return [field for field in fields if field.since <= form]
