"""The form that an invoice was booked in. What is booked so far has the first.

A column with a constant default touches no row: what refuses to change rows stays in force meanwhile.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("booked_invoices", sa.Column("form", sa.Integer(), nullable=False, server_default="1"))
