"""What booked lines charge for beside what they show: the group of each, and the plan of their subscriptions.

Of what is booked so far neither is known: the group of its lines is NULL, and it has no rows in `booked_plans`.
"""

import sqlalchemy as sa
from alembic import op

from monetization_pipeline.ledger.migrations.append_only import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("booked_lines", sa.Column("line_group", sa.Text(), nullable=True))
    op.create_table(
        "booked_plans",
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("subscription_id", "plan_id", "price_ids")),
        sa.PrimaryKeyConstraint("invoice_id", "revision", "subscription_id"),
        sa.ForeignKeyConstraint(["invoice_id", "revision"], ["booked_invoices.invoice_id", "booked_invoices.revision"]),
    )
    protect("booked_plans")
