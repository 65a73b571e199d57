"""The rest of the Data Catalog: table versions, partition indexes, statistics, functions, tags, policies, settings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables. Indexes on the partitions that are there already are made by the control process."""
    op.create_table(
        "catalog_table_versions",
        sa.Column("table_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["table_id"], ["catalog_tables.id"], name=op.f("fk_catalog_table_versions_table_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("table_id", "version", name=op.f("pk_catalog_table_versions")),
    )
    op.create_table(
        "catalog_partition_indexes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("table_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("positions", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("filled", sa.Text(), nullable=False),
        sa.Column("errors", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["table_id"], ["catalog_tables.id"], name=op.f("fk_catalog_partition_indexes_table_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_partition_indexes")),
        sa.UniqueConstraint("table_id", "name", name=op.f("uq_catalog_partition_indexes_table_id_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_catalog_partition_indexes_status"), "catalog_partition_indexes", ["status"], unique=False)
    op.create_table(
        "catalog_partition_entries",
        sa.Column("index_id", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["index_id"],
            ["catalog_partition_indexes.id"],
            name=op.f("fk_catalog_partition_entries_index_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("index_id", "entry", "key", name=op.f("pk_catalog_partition_entries")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "catalog_policies",
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("resource", name=op.f("pk_catalog_policies")),
    )
    op.create_table(
        "catalog_settings",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_catalog_settings")),
    )
    op.create_table(
        "resource_tags",
        sa.Column("arn", sa.Text(), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("value", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("arn", "name", name=op.f("pk_resource_tags")),
    )
    op.create_table(
        "security_configurations",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_security_configurations")),
    )
    op.create_table(
        "catalog_functions",
        sa.Column("database_name", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["database_name"],
            ["catalog_databases.name"],
            name=op.f("fk_catalog_functions_database_name"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("database_name", "name", name=op.f("pk_catalog_functions")),
    )
    op.create_table(
        "catalog_table_statistics",
        sa.Column("table_id", sa.Integer(), nullable=False),
        sa.Column("column_name", sa.String(length=255), nullable=False),
        sa.Column("column_type", sa.Text(), nullable=False),
        sa.Column("analyzed_at", sa.Float(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["table_id"], ["catalog_tables.id"], name=op.f("fk_catalog_table_statistics_table_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("table_id", "column_name", name=op.f("pk_catalog_table_statistics")),
    )
    op.create_table(
        "catalog_partition_statistics",
        sa.Column("table_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("column_name", sa.String(length=255), nullable=False),
        sa.Column("column_type", sa.Text(), nullable=False),
        sa.Column("analyzed_at", sa.Float(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["table_id", "key"],
            ["catalog_partitions.table_id", "catalog_partitions.key"],
            name=op.f("fk_catalog_partition_statistics_table_id_key"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("table_id", "key", "column_name", name=op.f("pk_catalog_partition_statistics")),
    )
