"""rated_lines → invoices and invoice_lines: draft invoices of a billing period."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from monetization_pipeline.datasets import INVOICE_LINES, INVOICES, RATED_LINES, SET_ASIDE, SUM
from monetization_pipeline.datasets.arrow import ArrowColumn, ArrowValues, listed, named_types
from monetization_pipeline.datasets.invoice_fields import FORM, INVOICE_FIELDS, LINE_FIELDS, Field, Kind
from monetization_pipeline.invoicing.build import build_invoices
from monetization_pipeline.invoicing.draft import LINE_ORDER, Draft, InvoiceKey
from monetization_pipeline.invoicing.models import Invoice, InvoiceLine, content_hashes
from monetization_pipeline.invoicing.printing import PrintedInvoices, invoice_ids
from monetization_pipeline.invoicing.texts import json_column
from monetization_pipeline.lake.columns import decimals, in_order, plain_texts, table_of, values
from monetization_pipeline.lake.rows import fingerprint_of, read_rows, read_table, write_table
from monetization_pipeline.lake.state import PartitionState, code_version
from monetization_pipeline.lake.table import ConcurrentCommitError, NewFile
from monetization_pipeline.steps.known import Known
from monetization_pipeline.steps.pipeline import Pipeline

#: A form more is a column more. Counted up beside it when figures change for the same inputs.
CODE_VERSION = code_version(INVOICES.name, FORM)

#: Fields of a line that are taken from the rated line; its amount is made here, by rounding.
_CARRIED = tuple(field for field in LINE_FIELDS if field.kind is not Kind.AMOUNT)


def expected_states(pipeline: Pipeline, _: Known, months: Sequence[str]) -> Mapping[str, PartitionState]:
    """By billing period: what `invoices` would be made from now."""
    return {month: _expected(pipeline, month) for month in months}


def _expected(pipeline: Pipeline, month: str) -> PartitionState:
    rated = pipeline.lake.table(RATED_LINES).state(month)
    return PartitionState("", 0, inputs={"rated_lines": rated.fingerprint if rated else ""}, code_version=CODE_VERSION)


def build(pipeline: Pipeline, _: Known, months: Sequence[str]) -> Mapping[str, PartitionState]:
    """Make `invoice_lines`, then `invoices`, of billing periods, one after another. Raises ConcurrentCommitError."""
    return {month: _build(pipeline, month) for month in months}


def _build(pipeline: Pipeline, month: str) -> PartitionState:
    lines_table, invoices_table = (pipeline.lake.table(spec) for spec in (INVOICE_LINES, INVOICES))
    lines_claim, claim = lines_table.claim([month]), invoices_table.claim([month])
    expected = _expected(pipeline, month)
    rated = read_table(RATED_LINES, pipeline.lake.table(RATED_LINES).files([month]))
    lines, invoices = invoices_of(_without(rated, read_set_aside(pipeline, month)), month)
    lines_path, path = lines_table.new_path(month), invoices_table.new_path(month)
    write_table(INVOICE_LINES, lines, lines_path)
    write_table(INVOICES, invoices, path)
    with pipeline.engine.session() as session:
        # Each invoice's content_hash is one of all that its lines say.
        fingerprint = fingerprint_of(session, INVOICES, [path])
    state = replace(expected, fingerprint=fingerprint, rows=invoices.num_rows)
    lines_state = replace(state, rows=lines.num_rows)
    lines_table.replace(lines_claim, [NewFile(lines_path, month, lines.num_rows)], {month: lines_state})
    invoices_table.replace(claim, [NewFile(path, month, invoices.num_rows)], {month: state})
    return state


@dataclass(frozen=True, slots=True)
class SetAside:
    """An invoice that is not made, as lines of it cannot be rated: `reasons` say of each why (rule 22)."""

    invoice_id: str
    company_id: str
    currency: str
    bill_at: datetime
    reasons: tuple[str, ...]


def read_set_aside(pipeline: Pipeline, month: str) -> list[SetAside]:
    """The invoices of a billing period that are set aside, in the order of invoices."""
    rows = read_rows(pipeline.lake.table(SET_ASIDE).files([month]))
    reasons: dict[InvoiceKey, list[str]] = {}
    for row in sorted(rows, key=lambda row: (row["subscription_id"], row["price_id"], row["group"])):
        key = (row["company_id"], row["currency"], row["bill_at"])
        reasons.setdefault(key, []).append(f"subscription {row['subscription_id']}: {row['reason']}")
    keys = sorted(reasons)
    return [
        SetAside(invoice_id, *key, tuple(reasons[key])) for invoice_id, key in zip(invoice_ids(keys), keys, strict=True)
    ]


def _without(rated: pa.Table, aside: Sequence[SetAside]) -> pa.Table:
    """Rated lines but for those of invoices that are set aside: a part of an invoice is none."""
    if not aside:
        return rated
    keys = {(each.company_id, each.currency, each.bill_at) for each in aside}
    rows = zip(values(rated["company_id"]), values(rated["currency"]), values(rated["bill_at"]), strict=True)
    return rated.filter(pa.array([key not in keys for key in rows], pa.bool_()))


def read_invoices(pipeline: Pipeline, month: str) -> list[Invoice]:
    """The invoices of a billing period as they are in the lake, in their order.

    Raises ConcurrentCommitError where invoices and lines are not of one run: one was cut short, or is at work.
    """
    lines, invoices = (read_rows(pipeline.lake.table(spec).files([month])) for spec in (INVOICE_LINES, INVOICES))
    found = put_together(lines, invoices)
    if found is None:
        raise ConcurrentCommitError(
            f"invoices of {month}: their lines are of another run, which was cut short or is at work; "
            f"run `monetize run {month}`"
        )
    return found


def put_together(lines: Iterable[Mapping[str, Any]], invoices: Iterable[Mapping[str, Any]]) -> list[Invoice] | None:
    """Rows of `invoice_lines` and `invoices` as invoices; None where they do not belong together."""
    held: dict[str, list[InvoiceLine]] = {}
    for row in lines:
        line = InvoiceLine(**{field.name: row[field.name] for field in LINE_FIELDS if field.name in row})
        held.setdefault(row["invoice_id"], []).append(line)
    found: list[Invoice] = []
    hashes: list[str] = []
    for row in invoices:
        own = tuple(held.pop(row["invoice_id"], ()))
        found.append(
            Invoice(**{field.name: row[field.name] for field in INVOICE_FIELDS if field.name in row}, lines=own)
        )
        hashes.append(row["content_hash"])
    # What an earlier version made has the form of then, until it is made again.
    whole = not held and any(content_hashes(found, form) == hashes for form in range(FORM, 0, -1))
    return found if whole else None


def invoices_of(rated: pa.Table, month: str) -> tuple[pa.Table, pa.Table]:
    """Rows of `rated_lines`, in any order, as rows of `invoice_lines` and of `invoices`."""
    rated = in_order(rated, LINE_ORDER)
    _check_once(rated)
    built = build_invoices(_draft(rated))
    return _line_table(rated, built, month), _invoice_table(built, month)


def _draft(rated: pa.Table) -> Draft:
    keys = zip(values(rated["company_id"]), values(rated["currency"]), values(rated["bill_at"]), strict=True)
    return Draft(
        list(keys),
        values(rated["subscription_id"]),
        decimals(rated["amount"]),
        {field.name: _json_column(field, rated[_source(field)]) for field in _CARRIED},
    )


def _source(field: Field) -> str:
    """The column of `rated_lines` that a field of a line is taken from."""
    return "amount" if field.kind is Kind.EXACT_AMOUNT else field.name


def _json_column(field: Field, column: ArrowColumn) -> list[str]:
    """A column as JSON; what repeats is converted once, what does not without a detour."""
    if column.null_count == 0:
        if field.kind is Kind.ID:
            return [f'"{text}"' for text in listed(column)]
        if field.kind in (Kind.QUANTITY, Kind.EXACT_AMOUNT):
            return [f'"{text}"' for text in plain_texts(column)]
    return values(column, lambda value: json_column(field, [value])[0])


def _check_once(rated: pa.Table) -> None:
    """A line that came twice would be charged twice."""
    ids = listed(rated["line_id"])
    if len(set(ids)) < len(ids):
        twice, _ = Counter(ids).most_common(1)[0]
        row = rated.slice(ids.index(twice), 1).to_pylist()[0]
        raise ValueError(f"line {twice} (price {row['price_id']} of {row['subscription_id']}) comes twice")


def _line_table(rated: pa.Table, built: PrintedInvoices, month: str) -> pa.Table:
    counted = zip(built.fields["invoice_id"], built.counts, strict=True)
    columns: dict[str, ArrowValues] = {field.name: rated[_source(field)] for field in _CARRIED}
    columns["invoice_id"] = pa.array([each for each, count in counted for _ in range(count)], pa.string())
    columns["amount"] = pa.array(built.amounts, SUM)
    return table_of(INVOICE_LINES, columns, month)


def _invoice_table(built: PrintedInvoices, month: str) -> pa.Table:
    columns = {**built.fields, "lines": built.counts, "content_hash": built.content_hashes}
    types = dict(named_types(INVOICES.schema))
    return table_of(INVOICES, {name: pa.array(column, types[name]) for name, column in columns.items()}, month)
