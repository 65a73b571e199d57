"""Lake Formation: data lake settings, permissions and data cell filters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "lake_settings",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lake_settings")),
    )
    op.create_table(
        "lake_seen_databases",
        sa.Column("database_name", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["database_name"],
            ["catalog_databases.name"],
            name=op.f("fk_lake_seen_databases_database_name"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("database_name", name=op.f("pk_lake_seen_databases")),
    )
    op.create_table(
        "lake_seen_tables",
        sa.Column("table_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["table_id"], ["catalog_tables.id"], name=op.f("fk_lake_seen_tables_table_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("table_id", name=op.f("pk_lake_seen_tables")),
    )
    op.create_table(
        "lake_locations",
        sa.Column("arn", sa.String(length=2048), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("modified_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("arn", name=op.f("pk_lake_locations")),
    )
    op.create_table(
        "lake_tags",
        sa.Column("tag_key", sa.String(length=128), nullable=False),
        sa.Column("tag_values", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tag_key", name=op.f("pk_lake_tags")),
    )
    op.create_table(
        "lake_tag_assignments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tag_key", sa.String(length=128), nullable=False),
        sa.Column("tag_value", sa.String(length=256), nullable=False),
        sa.Column("database_name", sa.String(length=255), nullable=True),
        sa.Column("table_id", sa.Integer(), nullable=True),
        sa.Column("column_name", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["tag_key"], ["lake_tags.tag_key"], name=op.f("fk_lake_tag_assignments_tag_key"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["database_name"],
            ["catalog_databases.name"],
            name=op.f("fk_lake_tag_assignments_database_name"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["table_id"], ["catalog_tables.id"], name=op.f("fk_lake_tag_assignments_table_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lake_tag_assignments")),
    )
    op.create_table(
        "lake_filters",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("table_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("version", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(
            ["table_id"], ["catalog_tables.id"], name=op.f("fk_lake_filters_table_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lake_filters")),
        sa.UniqueConstraint("table_id", "name", name=op.f("uq_lake_filters_table_id_name")),
    )
    op.create_table(
        "lake_grants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("principal", sa.String(length=255), nullable=False),
        sa.Column("resource_key", sa.String(length=64), nullable=False),
        sa.Column("column_name", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("structure", sa.JSON(), nullable=False),
        sa.Column("database_name", sa.String(length=255), nullable=True),
        sa.Column("table_id", sa.Integer(), nullable=True),
        sa.Column("filter_id", sa.Integer(), nullable=True),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("grantable", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.Column("updated_by", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["database_name"], ["catalog_databases.name"], name=op.f("fk_lake_grants_database_name"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["table_id"], ["catalog_tables.id"], name=op.f("fk_lake_grants_table_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["filter_id"], ["lake_filters.id"], name=op.f("fk_lake_grants_filter_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lake_grants")),
        sa.UniqueConstraint(
            "principal", "resource_key", "column_name", name=op.f("uq_lake_grants_principal_resource_key_column_name")
        ),
    )
