"""What meters could not use, and periods that are held, as a seller meets them on the command line."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from monetization_pipeline.cli import main
from monetization_pipeline.cli.working_folder import make_working_folder

MONTH, BEFORE = "2023-07", "2023-06"

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Monetize:
    """The command line on one folder, in this process."""

    home: Path

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, env={"MONETIZATION_HOME": str(self.home), "COLUMNS": "200"})

    def ok(self, *arguments: str) -> Result:
        result = self(*arguments)
        assert result.exit_code == 0, result.stdoutput
        return result

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--format", "json").stdout)

    def refused(self, *arguments: str) -> str:
        result = self(*arguments)
        assert (result.exit_code, result.stdout) == (1, ""), result.stdoutput
        return result.stderr


@pytest.fixture
def monetize(tmp_path: Path) -> Monetize:
    """acme makes four calls, one of which says how many tokens; a fee of 10.00 in advance, since July."""
    make_working_folder(tmp_path / "home", "starter")
    made = Monetize(tmp_path / "home")
    write_shop(made)
    made.ok("ingest", "--source", "logs", str(made.home / "calls.ndjson"))
    return made


TOKENS = ["5", None, "n/a", "1,500"]
MAPPING = {
    "event_id": "id",
    "event_type": "'api_call'",
    "occurred_at": "at",
    "company_id": "company",
    "metadata.tokens": "tokens",
}


def write_shop(home: Monetize) -> None:
    for starter in ("customers/customers.yaml", "sources/example.yaml"):
        (home.home / starter).unlink()
    prices = [
        {"price_id": "calls", "meter": "calls", "model": "per_unit", "unit_amount": "1"},
        {"price_id": "tokens", "meter": "tokens", "model": "per_unit", "unit_amount": "0.01"},
        {"price_id": "fee", "model": "flat", "amount": "10.00", "bill": "in_advance"},
    ]
    meters = [
        {"meter_id": "calls", "aggregation": "count"},
        {"meter_id": "tokens", "aggregation": "sum", "value": "metadata.tokens"},
    ]
    plan = {"plan_id": "payg", "currency": "USD", "interval": "month", "prices": prices}
    subscription = {"subscription_id": "s", "company_id": "acme", "plan_id": "payg", "start_at": "2023-07-01"}
    calls = [
        {"id": str(number), "at": f"2023-07-10T12:00:0{number}Z", "company": "acme", "tokens": tokens}
        for number, tokens in enumerate(TOKENS)
    ]
    files = {
        "catalog/catalog.yaml": yaml.safe_dump({"meters": meters, "plans": [plan]}),
        "sources/logs.yaml": yaml.safe_dump({"format": "ndjson", "mapping": MAPPING}),
        "customers/customers.yaml": yaml.safe_dump({"subscriptions": [subscription]}),
        "calls.ndjson": "".join(json.dumps(call) + "\n" for call in calls),
    }
    for name, content in files.items():
        (home.home / name).write_text(content)


def test_values_that_one_meter_refuses_are_told_though_another_counts_the_event(monetize: Monetize) -> None:
    run = monetize.ok("run", MONTH)
    assert "meter tokens: 3 of 4 events were refused, 1 without a value, 2 with one that cannot be read." in run.stdout
    assert "2023-07: meter tokens cannot use what is there in 2 of 4 events, more than 1 %" in run.stderr
    counted = monetize.json("counts", MONTH)
    assert counted["meters"] == [{"meter_id": "tokens", "metered": 1, "absent": 1, "unreadable": 2}]
    assert (counted["metered"], counted["meter_refused"]) == (4, 0)
    assert "meter tokens refused 1 without a value, 2 with one that cannot be read, and used 1." in (
        monetize.ok("counts", MONTH).stdout
    )
    rows = monetize.json("refusals", "--meters")
    assert [(row["reason"], row["events"], row["example"], row["first_on"]) for row in rows] == [
        ("the value is missing", 1, None, "2023-07-10"),
        ("the value is not a number that can be used", 2, "1,500", "2023-07-10"),
    ]
    standing = monetize.json("status")["warnings"]
    assert [each["about"] for each in standing] == [f"billing period {BEFORE}", MONTH]
    assert standing[1]["why"].startswith("meter tokens cannot use what is there in 2 of 4 events")
    (monetize.home / ".env").write_text("MONETIZATION_UNREADABLE_PERCENT=50\n")
    assert [each["about"] for each in monetize.json("status")["warnings"]] == [f"billing period {BEFORE}"]


def test_a_fee_that_is_due_before_the_first_event_is_held_until_somebody_says_so(monetize: Monetize) -> None:
    run = monetize.ok("run", f"{BEFORE}..{MONTH}")
    assert "billing period 2023-06 is held" in run.stderr
    for arguments in ((), ("--dry-run",)):
        assert "MONETIZATION_FIRST_INVOICE_AT" in monetize.refused("publish", BEFORE, *arguments)
    assert "1 invoices would be booked, 1 issued" in monetize.ok("publish", BEFORE, "--held", "--dry-run").stdout
    assert "1 invoices booked, 1 issued" in monetize.ok("publish", BEFORE, "--held").stdout
    assert [each["about"] for each in monetize.json("status")["warnings"]] == [MONTH]
    # Four calls, five tokens, and the fee of August.
    assert [(each["total"], each["publish"]) for each in monetize.json("invoices", MONTH)] == [("14.05", "issue")]


def test_what_is_refused_in_customers_keeps_everything_from_being_published(monetize: Monetize) -> None:
    (monetize.home / "customers" / "more.yaml").write_text("subscriptions:\n  - {subscription_id: t, plan_id: payg}\n")
    monetize.ok("run", MONTH)
    said = monetize.refused("publish", MONTH)
    assert "customers/more.yaml:2 is refused: company_id is missing" in said
    assert "--without-refused" in said
    assert "1 invoices booked, 1 issued" in monetize.ok("publish", MONTH, "--without-refused").stdout
