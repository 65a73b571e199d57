"""The history of the state database: one module in ``versions`` for each change of a table, run by alembic."""
