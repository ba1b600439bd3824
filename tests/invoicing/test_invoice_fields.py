"""The list of an invoice's fields, and the JSON that is made by walking it."""

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monetization_pipeline.datasets.invoice_fields import INVOICE_FIELDS, LINE_FIELDS, Invoice, InvoiceLine, Kind
from monetization_pipeline.invoicing.texts import json_column, json_invoices, json_objects


def test_every_field_of_the_classes_is_in_the_list_with_kind_and_meaning() -> None:
    assert [field.name for field in LINE_FIELDS] == [field.name for field in fields(InvoiceLine)]
    assert [field.name for field in INVOICE_FIELDS] == [
        field.name for field in fields(Invoice) if field.name != "lines"
    ]
    assert all(field.doc for field in (*INVOICE_FIELDS, *LINE_FIELDS))


def test_a_field_that_may_be_none_is_optional() -> None:
    assert [field.name for field in (*INVOICE_FIELDS, *LINE_FIELDS) if field.optional] == [
        "subscription_id",
        "meter_id",
    ]


def test_a_line_has_one_amount_which_rounding_makes_and_the_exact_one_that_it_comes_from() -> None:
    """What a second one would be made from nobody says."""
    kinds = [field.kind for field in LINE_FIELDS]
    assert (kinds.count(Kind.AMOUNT), kinds.count(Kind.EXACT_AMOUNT)) == (1, 1)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@given(st.lists(st.tuples(texts, st.none() | texts), min_size=1), texts, texts)
def test_objects_are_those_of_an_encoder(values: list[tuple[str, str | None]], first: str, second: str) -> None:
    (field,) = (field for field in LINE_FIELDS if field.name == "meter_id")
    columns = {first: json_column(field, [one for one, _ in values])}
    columns |= {second: json_column(field, [other for _, other in values])}
    expected = [{first: one} | {second: other} for one, other in values]
    assert list(json_objects(columns)) == [json.dumps(each, sort_keys=True, separators=(",", ":")) for each in expected]


def test_columns_that_differ_in_length_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"there are \{'a': 1, 'b': 2\}"):
        json_objects({"a": ["1"], "b": ["1", "2"]})


@pytest.mark.parametrize("counts", [[1], [1, 5]])
def test_counts_that_do_not_fit_the_lines_are_a_mistake(counts: list[int]) -> None:
    invoices = {"invoice_id": ['"in_a"', '"in_b"'][: len(counts)]}
    with pytest.raises(ValueError, match="but there are 2"):
        json_invoices(invoices, {"line_id": ['"ln_a"', '"ln_b"']}, counts)
