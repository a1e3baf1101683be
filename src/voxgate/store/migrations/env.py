"""Runs migrations on the connection, and in the transaction, of voxgate.store.schema.upgrade."""

from alembic import context

from voxgate.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite can alter little in place
)
with context.begin_transaction():
    context.run_migrations()
