"""A line that was booked as zero charges nobody: it may be booked with something on it in another invoice (rule 21).

So far a line_id was booked once whatever it came to: nothing of what is booked is in the way of the new index.
"""

import sqlalchemy as sa
from alembic import op

from monetization_pipeline.ledger.migrations.append_only import protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: Amounts are text; what has a digit other than 0 is not zero.
_CHARGES = sa.text("replace(replace(replace(amount, '0', ''), '.', ''), '-', '') <> ''")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("booked_lines_once", "booked_lines", type_="unique")
    else:
        # SQLite cannot drop a constraint: the table is copied, and its triggers go with the old one.
        with op.batch_alter_table("booked_lines", recreate="always") as table:
            table.drop_constraint("booked_lines_once", type_="unique")
        protect("booked_lines")
    op.create_index(
        "booked_lines_once",
        "booked_lines",
        ["line_id", "revision"],
        unique=True,
        sqlite_where=_CHARGES,
        postgresql_where=_CHARGES,
    )
