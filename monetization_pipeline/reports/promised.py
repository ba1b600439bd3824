"""What `--format json` promises: the keys of each row, and what their texts mean.

A key is never taken away nor changes its meaning; new ones may come. JSON has no decimals and no instants, so both are
text that loses nothing.
"""

from typing import NewType, TypedDict

#: A decimal without exponent, as `16.01`.
DecimalText = NewType("DecimalText", str)
#: A UTC instant, as `2023-08-01T00:00:00Z`, with microseconds where it has any.
InstantText = NewType("InstantText", str)
#: A JSON object or list as text.
JsonText = NewType("JsonText", str)


class InvoiceLineRow(TypedDict):
    """A line of an invoice; `amount` is rounded, `exact_amount` is not."""

    line_id: str
    subscription_id: str
    price_id: str
    meter_id: str | None
    period_start: InstantText
    period_end: InstantText
    quantity: DecimalText
    amount: DecimalText
    exact_amount: DecimalText
    description: str


class IssuedRow(TypedDict):
    """Where an invoice was issued, and under which number of the provider's."""

    provider: str
    mode: str
    account: str
    number: str | None


class HeldBackRow(TypedDict):
    """A line that is not on its invoice, or only in part, as the invoice `charged_in` charges for the same already."""

    line_id: str
    description: str
    amount: DecimalText
    charged_in: str


class ElsewhereRow(TypedDict):
    """A line that was billed elsewhere, for its time begins before the first invoice here."""

    line_id: str
    description: str
    amount: DecimalText


class InvoiceRow(TypedDict):
    """`monetize invoices`: `status` is estimate, draft, final, booked, issued, `booked, differs by X`, set aside or
    elsewhere, where all of it was billed elsewhere; `elsewhere` names the lines of which that is so, and that are not
    on the invoice.

    It is issued where it was issued at the place that the folder publishes to; `issued_at` names every place.
    One that is set aside has no total, as a line of it cannot be rated; `why` says so.
    `publish` is what publishing would do with it now: issue, book only, nothing, wait (until `final_from`) or leave;
    `why` says so in words.
    """

    invoice_id: str
    company_id: str
    subscription_id: str | None
    currency: str
    bill_at: InstantText
    lines: list[InvoiceLineRow]
    total: DecimalText | None
    status: str
    publish: str
    why: str
    final_from: InstantText
    held_back: list[HeldBackRow]
    elsewhere: list[ElsewhereRow]
    issued_at: list[IssuedRow]


class UsageRow(TypedDict):
    """`monetize usage`: the quantity of one meter for one segment, by grouping and group."""

    company_id: str
    subscription_id: str
    plan_id: str
    segment_start: InstantText
    segment_end: InstantText | None
    period_start: InstantText
    period_end: InstantText
    meter_id: str
    grouping: JsonText
    group: JsonText
    quantity: DecimalText
    events: int


class FigureRow(TypedDict):
    """A company and its part of a meter."""

    company_id: str
    figure: DecimalText


class UsageDaysRow(TypedDict):
    """`monetize usage --chart`: one meter by local day. `measure` is what was added up: count, sum or events."""

    meter_id: str
    measure: str
    total: DecimalText
    days: dict[str, DecimalText]
    largest_companies: list[FigureRow]


class UnbilledRow(TypedDict):
    """`monetize unbilled`: an event that nobody is charged for; `meter_id` is empty where no one meter is meant."""

    source: str
    event_id: str
    meter_id: str
    company_id: str | None
    reason: str
    user_id: str | None
    subscription_id: str | None
    occurred_at: InstantText


class RefusalRow(TypedDict):
    """`monetize refusals`: a record that could not be used; secrets in its text are masked."""

    source: str
    file: str
    line: int
    record: int
    received_at: InstantText
    reason: str
    text: str


class LandingRow(TypedDict):
    """`monetize landing`: a file that was never ingested. `why` is what keeps it from it; empty: the next ingest."""

    source: str
    file: str
    received_at: InstantText
    why: str


class DecisionRow(TypedDict):
    """`monetize landing --decided`: `did` is `discarded`, or `received at another instant`, which is the last key's."""

    at: InstantText
    who: str
    why: str
    did: str
    source: str
    file: str
    received_at: InstantText
    now_received_at: InstantText | None


class UnreadableRow(TypedDict):
    """`monetize refusals --values`: a column, or a key of metadata, that so many events of a source have unreadable."""

    source: str
    field: str
    events: int
    example: str


class MeterCountsRow(TypedDict):
    """What a meter could not use: `absent` without a value, `unreadable` with something that cannot be read."""

    meter_id: str
    metered: int
    absent: int
    unreadable: int


class MeterRefusalRow(TypedDict):
    """`monetize refusals --meters`: how many events of a company a meter refused for one reason, with an example."""

    meter_id: str
    company_id: str | None
    reason: str
    events: int
    first_on: str
    last_on: str
    example: str | None
    source: str
    event_id: str


class CountsRow(TypedDict):
    """`monetize counts`: the buckets of rule 6, and by meter what it refused, whoever else counts the event."""

    records: int
    empty: int
    raw_events: int
    corrections: int
    entity_changes: int
    refusals: int
    replacements: int
    duplicates: int
    conflicts: int
    voided: int
    events: int
    metered: int
    no_company: int
    no_meter: int
    blocked: int
    meter_refused: int
    ambiguous_subscription: int
    no_subscription: int
    meters: list[MeterCountsRow]


class SourceFileRow(TypedDict):
    """A landing file, and how many of a line's events came in it."""

    source: str
    file: str
    events: int


class ExplainedRow(TypedDict):
    """`monetize explain`: `price` as the catalog writes it, `calculation` as `rating.explaining` gives it."""

    line_id: str
    billing_period: str
    company_id: str
    subscription_id: str
    plan_id: str
    price_id: str
    meter_id: str | None
    kind: str
    period_start: InstantText
    period_end: InstantText
    bill_at: InstantText
    group: dict[str, str | None]
    quantity: DecimalText
    currency: str
    exact_amount: DecimalText
    description: str
    price: dict[str, object]
    calculation: dict[str, object]
    sql: str
    events: int
    files: list[SourceFileRow]


class OutOfDateRow(TypedDict):
    """A partition that is out of date; `waits` says for what, empty where it is launched by itself."""

    dataset: str
    partition: str
    why: str
    tried: int
    waits: str
    last_run: str | None


class WarningRow(TypedDict):
    """What is amiss, and stays so until somebody mends it: `about` names it, `why` goes on from there.

    `urgent`: every run says so as well.
    """

    about: str
    why: str
    urgent: bool


class StandingRow(TypedDict):
    """`monetize status`: whether anything runs by itself, what is at work, what is out of date, and what is amiss."""

    automation: str
    at_work: list[str]
    out_of_date: list[OutOfDateRow]
    warnings: list[WarningRow]
