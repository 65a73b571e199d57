"""Alembic's entry: run the migrations on the connection that ``lakelet.workspace.state.open_state`` hands over."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
