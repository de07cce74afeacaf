"""Runs migrations on the connection that `engine.store.schema` hands over."""

from alembic import context

from engine.store.schema import target_metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=target_metadata,
    render_as_batch=True,
    compare_type=True,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
