"""The stand-in behaves as Stripe does where publishing depends on it."""

import importlib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import httpx
import pytest
import typing_extensions
from stripe._request_options import RequestOptions

from monetization_pipeline.publishing.sandbox import parameters
from monetization_pipeline.publishing.sandbox.parameters import Fields, Group, Groups, RefusedError, Text, decode
from monetization_pipeline.publishing.sandbox.server import SandboxError, start_stripe_sandbox

TABLES = [
    ("CUSTOMER_CREATE", "CustomerCreateParams"),
    ("CUSTOMER_LIST", "CustomerListParams"),
    ("INVOICE_CREATE", "InvoiceCreateParams"),
    ("INVOICE_LIST", "InvoiceListParams"),
    ("INVOICE_ADD_LINES", "InvoiceAddLinesParams"),
    ("INVOICE_FINALIZE", "InvoiceFinalizeInvoiceParams"),
    ("PAGE", "InvoiceListLinesParams"),
]


def client_type(name: str) -> Any:
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return getattr(importlib.import_module(f"stripe.params.{words}"), name)


def parts(hint: Any) -> list[Any]:
    """The types that a hint is made of, without what wraps them."""
    return [hint, *(part for each in get_args(hint) if get_origin(hint) is not Literal for part in parts(each))]


def assert_known(fields: Fields, params: Any) -> None:
    names = {**vars(importlib.import_module(params.__module__)), "StripeContext": Any, "Mapping": Mapping}
    hints = typing_extensions.get_type_hints(params, names)
    own = {name: hint for name, hint in hints.items() if name not in RequestOptions.__annotations__}
    assert fields.kinds.keys() <= own.keys()
    assert params.__required_keys__ & own.keys() <= fields.required, "the client demands more than the sandbox"
    for name, kind in fields.kinds.items():
        made_of = parts(own[name])
        if isinstance(kind, Group | Groups):
            assert isinstance(kind, Groups) == any(get_origin(part) is list for part in made_of), name
            (inner,) = [part for part in made_of if typing_extensions.is_typeddict(part)]
            assert_known(kind.fields, inner)
        if isinstance(kind, Text) and kind.choices:
            literals = {value for part in made_of if get_origin(part) is Literal for value in get_args(part)}
            assert set(kind.choices) <= literals, name


@pytest.mark.parametrize(("table", "params"), TABLES)
def test_every_parameter_that_it_takes_is_one_of_the_official_client(table: str, params: str) -> None:
    assert_known(getattr(parameters, table), client_type(params))


def test_brackets_become_nested_typed_values() -> None:
    pairs = [
        ("lines[10][amount]", "-5"),
        ("lines[9][amount]", "7"),
        ("lines[9][metadata][line_key]", "ln_1"),
        ("lines[9][period][start]", "1"),
        ("lines[9][period][end]", "2"),
    ]
    assert decode(pairs, parameters.INVOICE_ADD_LINES) == {
        "lines": [
            {"amount": 7, "metadata": {"line_key": "ln_1"}, "period": {"start": 1, "end": 2}},
            {"amount": -5},
        ]
    }


@pytest.mark.parametrize(
    ("pairs", "param", "says"),
    [
        ([("customer", "cus_1"), ("colour", "red")], "colour", "unknown parameter"),
        ([], "customer", "Missing required"),
        ([("customer", "cus_1"), ("auto_advance", "yes")], "auto_advance", "Invalid boolean"),
        ([("customer", "cus_1"), ("collection_method", "cash")], "collection_method", "must be one of"),
        ([("customer[id]", "cus_1")], "customer", "Invalid string"),
        ([("customer", "cus_1"), ("customer[id]", "x")], "customer[id]", "both as a value and as a hash"),
        ([("customer", "cus_1"), ("metadata", "text")], "metadata", "set of key-value pairs"),
        ([("customer", "cus_1"), ("metadata[k][l]", "v")], "metadata", "set of key-value pairs"),
        ([("customer", "cus_1"), (f"metadata[{'k' * 41}]", "v")], f"metadata[{'k' * 41}]", "up to 40"),
        ([("customer", "cus_1"), ("metadata[k]", "v" * 501)], "metadata[k]", "up to 500"),
        ([("customer", "cus_1"), *((f"metadata[{n}]", "v") for n in range(51))], "metadata", "at most 50"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(pairs: list[tuple[str, str]], param: str, says: str) -> None:
    with pytest.raises(RefusedError, match=says) as caught:
        decode(pairs, parameters.INVOICE_CREATE)
    assert caught.value.param == param


REFUSED_IN_FULL = [
    ("/v1/customers", {"email": "e" * 503 + "@ab.example"}, "email", "at most 512 characters"),
    ("/v1/customers", {"email": "billing at acme"}, "email", "Invalid email address"),
    ("/v1/customers", {"description": "d" * 351}, "description", "at most 350 characters"),
    ("/v1/invoices", {"currency": "iqd"}, "currency", "Invalid currency: iqd"),
    ("/v1/invoices", {"currency": "lyd"}, "currency", "Invalid currency: lyd"),
    ("/v1/invoices", {"currency": "USD"}, "currency", "Invalid currency: USD"),
]


@pytest.mark.parametrize(("path", "data", "param", "says"), REFUSED_IN_FULL)
def test_what_stripe_documents_that_it_cannot_take_is_refused(
    sandbox: Any, path: str, data: Mapping[str, str], param: str, says: str
) -> None:
    customer = {"customer": sandbox.post("/v1/customers").json()["id"]} if path.endswith("invoices") else {}
    answer = sandbox.post(path, **(customer | dict(data)))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert says in answer.json()["error"]["message"]


def test_a_line_s_description_has_at_most_500_characters(sandbox: Any) -> None:
    add = f"/v1/invoices/{draft_of(sandbox)}/add_lines"
    for length, status in ((500, 200), (501, 400)):
        line = {"lines[0][amount]": "1", "lines[0][description]": "d" * length}
        assert sandbox.post(add, **line).status_code == status


@pytest.mark.parametrize("amount", ["1.5", "1e3", "", "½"])
def test_amounts_are_integers(sandbox: Any, amount: str) -> None:
    answer = sandbox.post(f"/v1/invoices/{draft_of(sandbox)}/add_lines", **{"lines[0][amount]": amount})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "parameter_invalid_integer")


def draft_of(sandbox: Any, **params: Any) -> str:
    customer = sandbox.post("/v1/customers").json()["id"]
    return sandbox.post("/v1/invoices", customer=customer, **params).raise_for_status().json()["id"]


def final_of(sandbox: Any) -> str:
    invoice = draft_of(sandbox)
    sandbox.post(f"/v1/invoices/{invoice}/add_lines", **{"lines[0][amount]": "100"}).raise_for_status()
    sandbox.post(f"/v1/invoices/{invoice}/finalize").raise_for_status()
    return invoice


def test_a_key_repeats_its_answer_and_refuses_other_parameters(sandbox: Any) -> None:
    def create(name: str) -> httpx.Response:
        return sandbox.http.post("/v1/customers", data={"name": name}, headers={"idempotency-key": "k"})

    first, again, other = create("Acme"), create("Acme"), create("Globex")
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
    sandbox.forget_keys()
    assert create("Globex").json()["id"] != first.json()["id"]


def test_a_refusal_is_not_remembered_and_a_failure_is(sandbox: Any) -> None:
    def create(**data: str) -> httpx.Response:
        return sandbox.http.post("/v1/customers", data=data, headers={"idempotency-key": "k"})

    assert create(colour="red").status_code == 400
    sandbox.fault(call=1, kind="500")
    assert [create(name="Acme").status_code for _ in range(2)] == [500, 500]
    assert sandbox.customers() == []


def test_a_final_invoice_is_not_changed_deleted_or_finalized_again(sandbox: Any) -> None:
    invoice = final_of(sandbox)
    before = sandbox.get(f"/v1/invoices/{invoice}")
    assert (before["status"], before["total"], before["number"][-5:]) == ("open", 100, "-0001")
    for answer in (
        sandbox.post(f"/v1/invoices/{invoice}/add_lines", **{"lines[0][amount]": "1"}),
        sandbox.post(f"/v1/invoices/{invoice}/finalize"),
        sandbox.http.delete(f"/v1/invoices/{invoice}"),
    ):
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "invalid_request_error"
    assert sandbox.get(f"/v1/invoices/{invoice}") == before
    assert sandbox.post(f"/v1/invoices/{invoice}/void").json()["status"] == "void"


def test_lines_are_added_all_or_none(sandbox: Any) -> None:
    invoice = draft_of(sandbox, currency="kwd")
    wrong = {"lines[0][amount]": "5120", "lines[1][amount]": "5124"}
    answer = sandbox.post(f"/v1/invoices/{invoice}/add_lines", **wrong)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "lines[1][amount]")
    assert sandbox.lines(invoice) == {}


def test_an_invoice_takes_250_lines(sandbox: Any) -> None:
    invoice = draft_of(sandbox)
    add = f"/v1/invoices/{invoice}/add_lines"
    sandbox.post(add, **{f"lines[{n}][amount]": "1" for n in range(250)}).raise_for_status()
    assert sandbox.post(add, **{"lines[0][amount]": "1"}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/v1/invoices/in_nobody", 404, "No such invoice: 'in_nobody'"),
        ("GET", "/v1/customers/cus_nobody", 404, "No such customer: 'cus_nobody'"),
        ("POST", "/v1/charges", 404, "the sandbox does not have it"),
        ("POST", "/v1/invoices?x=1", 400, "Missing required param: customer"),
    ],
)
def test_an_error_says_what_and_has_a_request_id(sandbox: Any, method: str, path: str, status: int, says: str) -> None:
    answer = sandbox.http.request(method, path)
    assert (answer.status_code, says in answer.json()["error"]["message"]) == (status, True)
    assert answer.headers["request-id"].startswith("req_")


def test_lists_are_newest_first_in_pages_and_filtered(sandbox: Any) -> None:
    made = [sandbox.post("/v1/customers", email=f"{n % 2}@example.com").json()["id"] for n in range(5)]
    first = sandbox.get("/v1/customers", limit=3)
    assert ([each["id"] for each in first["data"]], first["has_more"]) == (made[:1:-1], True)
    rest = sandbox.get("/v1/customers", limit=3, starting_after=made[2])
    assert ([each["id"] for each in rest["data"]], rest["has_more"]) == ([made[1], made[0]], False)
    assert len(sandbox.get("/v1/customers", email="1@example.com")["data"]) == 2
    final_of(sandbox)
    draft_of(sandbox)
    assert len(sandbox.get("/v1/invoices", status="open")["data"]) == 1
    assert sandbox.get("/v1/invoices", **{"created[lt]": 1})["data"] == []


def test_a_live_key_is_refused(sandbox: Any) -> None:
    answer = sandbox.http.get("/v1/account", headers={"authorization": "Bearer sk_live_1234567890"})
    assert answer.status_code == 401
    assert "1234567890" not in answer.text


def test_a_restarted_sandbox_remembers_everything_and_another_file_is_another_account(tmp_path: Path) -> None:
    seen = []
    for name in ("one.db", "one.db", "two.db"):
        with start_stripe_sandbox(tmp_path / name) as base_url:
            headers = {"authorization": "Bearer sk_test_x", "idempotency-key": "k"}
            with httpx.Client(base_url=base_url, headers=headers, trust_env=False) as http:
                customer = http.post("/v1/customers", data={"name": "Acme"}).json()["id"]
                seen.append((http.get("/v1/account").json()["id"], customer))
    assert seen[0] == seen[1]
    assert seen[2][0] != seen[0][0]


def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    with start_stripe_sandbox(tmp_path / "one.db") as base_url:
        port = int(base_url.rpartition(":")[2])
        with (
            pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{port}"),
            start_stripe_sandbox(tmp_path / "two.db", port=port),
        ):
            pass


def test_a_fault_that_it_does_not_know_is_refused(sandbox: Any) -> None:
    answer = sandbox.http.post("/sandbox/faults", json={"kind": "earthquake", "call": 1})
    assert (answer.status_code, "needs a kind" in answer.json()["error"]) == (400, True)


def test_the_front_page_shows_the_invoices(sandbox: Any) -> None:
    invoice = final_of(sandbox)
    page = sandbox.get("/")
    assert page["invoices"][0] | {"id": invoice, "status": "open"} == page["invoices"][0]
    assert typing.cast("str", page["account"]).startswith("acct_")
