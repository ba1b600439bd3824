"""The program as a later version of it might be: invoices' lines have a field more. And what it says of a folder.

`write_later_program` makes that version: what it changes is all that a field more takes. The rest of this file is run
by it, in a process of its own: `python later_program.py FOLDER` does what stands in `ACTS` and prints JSON.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MONTH = "2023-07"
LATER = datetime(2023, 9, 5, tzinfo=UTC)

_MIGRATION = '''"""The plan of a line."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("booked_lines", sa.Column("plan_id", sa.Text(), nullable=True))
'''


def write_later_program(package: Path, folder: Path) -> None:
    """A copy of the package in which a line also names its plan, which `rated_lines` knows under the same name."""
    copy = folder / package.name
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    last = 'description: Annotated[str, Says(Kind.WORDS, "what the company reads, at most 500 characters")]\n'
    one_more = '    plan_id: Annotated[str | None, Says(Kind.TEXT, "plan", since=2)] = None\n'
    _replace(copy / "datasets" / "invoice_fields.py", last, last + one_more)
    (copy / "ledger" / "migrations" / "versions" / "0006_plan.py").write_text(_MIGRATION)
    _replace(copy / "ledger" / "opening.py", 'HEAD = "0005"', 'HEAD = "0006"')


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1, path
    path.write_text(text.replace(old, new), "utf-8")


def in_later_program(folder: Path, act: str, shop: Path) -> Any:
    """What the later version answers, in a process of its own."""
    places = os.pathsep.join([str(folder), str(Path(__file__).parent)])
    command = [sys.executable, __file__, act, str(shop)]
    environment = os.environ | {"PYTHONPATH": places}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run_and_look(shop_root: Path) -> Mapping[str, str]:
    """Make the month; the status of each invoice, by company."""
    from workshop import Workshop

    Workshop(shop_root).run(MONTH)
    return look(shop_root)


def look(shop_root: Path) -> Mapping[str, str]:
    """The status of each invoice of the month, by company, as it was made last."""
    from workshop import Workshop

    from monetization_pipeline.reports import listings

    shop = Workshop(shop_root)
    return {row["company_id"]: row["status"] for row in listings.invoices(shop.pipeline, MONTH, LATER)}


def shown(shop_root: Path) -> Mapping[str, Any]:
    """Each invoice of the month as people see it, by company, but for its status."""
    from workshop import Workshop

    from monetization_pipeline.reports import listings

    rows: list[dict[str, Any]] = [dict(row) for row in listings.invoices(Workshop(shop_root).pipeline, MONTH, LATER)]
    return {row["company_id"]: {name: row[name] for name in row if name != "status"} for row in rows}


def publish(shop_root: Path) -> Mapping[str, Any]:
    """Publish the month; by company what was issued just now and before, as the provider shows it, and what was not."""
    from workshop import Workshop

    from monetization_pipeline.closing import opening
    from monetization_pipeline.closing import publish as closing
    from monetization_pipeline.closing.wishes import Wish
    from monetization_pipeline.publishing.accounts import Account

    shop = Workshop(shop_root)
    with (
        opening.opened_ledger(shop.pipeline) as ledger,
        opening.opened_provider(shop.pipeline, Account("stripe")) as provider,
    ):
        # Nothing was received but customers, and that later.
        wish = Wish(held=True)
        done = closing.publish_period(
            shop.pipeline, ledger, provider, MONTH, clock=lambda: LATER, by="tester", wish=wish
        )
        company_of = {entry.invoice.invoice_id: entry.invoice.company_id for entry in ledger.booked_in(MONTH)}

        def hashes(publications: Any) -> dict[str, str | None]:
            return {
                company_of[each.intent.invoice_id]: remote and remote.content_hash
                for each in publications
                for remote in [provider.fetch(each.provider_invoice_id)]
            }

        return {
            "booked": [company_of[invoice_id] for invoice_id in done.booked],
            "issued": hashes(done.report.issued),
            "already issued": hashes(done.report.already_issued),
            "left alone": [each.state.invoice.company_id for each in done.left_alone],
        }


def booked(shop_root: Path) -> Mapping[str, Any]:
    """What the ledger holds, by company: form, hash, the plans of the lines."""
    from workshop import Workshop

    from monetization_pipeline.closing import opening

    with opening.opened_ledger(Workshop(shop_root).pipeline) as ledger:
        return {
            entry.invoice.company_id: {
                "form": entry.form,
                "content_hash": entry.content_hash,
                "plans": [getattr(line, "plan_id", "no such field") for line in entry.invoice.lines],
            }
            for entry in ledger.booked_in(MONTH)
        }


ACTS: Mapping[str, Callable[[Path], Mapping[str, Any]]] = {
    "look": look,
    "run and look": run_and_look,
    "shown": shown,
    "publish": publish,
    "booked": booked,
}

if __name__ == "__main__":
    json.dump(ACTS[sys.argv[1]](Path(sys.argv[2])), sys.stdout)
