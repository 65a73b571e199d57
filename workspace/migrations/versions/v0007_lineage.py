"""Lineage: which run read which table; and writes are found by their table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table and the index."""
    op.create_table(
        "catalog_reads",
        sa.Column("run_id", sa.String(length=255), nullable=False),
        sa.Column("database_name", sa.String(length=255), nullable=False),
        sa.Column("table_name", sa.String(length=255), nullable=False),
        sa.Column("read_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "database_name", "table_name", name=op.f("pk_catalog_reads")),
    )
    op.create_index(op.f("ix_catalog_reads_database_name_table_name"), "catalog_reads", ["database_name", "table_name"])
    op.create_index(op.f("ix_publishes_database_name_table_name"), "publishes", ["database_name", "table_name"])
