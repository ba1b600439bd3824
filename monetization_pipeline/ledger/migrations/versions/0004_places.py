"""Where invoices are issued. What was published so far says where that was: at a place from its first trace there on.

The seller of all that is '': publish keys did not name one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from alembic import op

from monetization_pipeline.ledger.migrations.append_only import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

#: Customers as well: one may have been made, and nothing more. Instants are text, which sorts as they do.
_TRACES = """
    SELECT provider, mode, account, created_at, booked_at FROM publications
    JOIN booked_invoices USING (invoice_id, revision)
    UNION ALL SELECT provider, mode, account, created_at, NULL FROM customer_mappings
    ORDER BY created_at, provider, mode, account
"""


@dataclass
class _Era:
    place: tuple[str, str, str]
    first: str
    last: str


def upgrade() -> None:
    texts = ("provider", "mode", "account", "seller_id", "settled_by")
    table = op.create_table(
        "publishing_places",
        sa.Column("sequence", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.Column("settled_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
    )
    rows = [
        {
            "sequence": number,
            **dict(zip(("provider", "mode", "account"), era.place, strict=True)),
            "seller_id": "",
            "settled_at": era.first,
            "settled_by": "upgrade",
        }
        for number, era in enumerate(_eras(), 1)
    ]
    op.bulk_insert(table, rows)
    protect("publishing_places")


def _eras() -> Iterator[_Era]:
    """Times of publishing to one place. One begins where what was published in it was booked, unless that is older than
    the end of the time before: that was booked for the place of then."""
    era: _Era | None = None
    for *place, created_at, booked_at in op.get_bind().execute(sa.text(_TRACES)).all():
        if era is not None and era.place == tuple(place):
            era.last = created_at
            continue
        ended = "" if era is None else era.last
        if era is not None:
            yield era
        begun = booked_at if booked_at is not None and booked_at > ended else created_at
        era = _Era((place[0], place[1], place[2]), begun, created_at)
    if era is not None:
        yield era
