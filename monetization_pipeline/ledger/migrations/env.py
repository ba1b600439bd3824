"""Run by Alembic: migrates over the connection that `ledger.opening` hands in."""

from alembic import context

from monetization_pipeline.ledger.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
