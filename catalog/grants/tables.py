"""Lake Formation's tables in the state database. What belongs to a database or table goes with it."""

from __future__ import annotations

import sqlalchemy as sa

from lakelet.workspace.state import metadata


def _database() -> sa.Column[str]:
    return sa.Column("database_name", sa.String(255), sa.ForeignKey("catalog_databases.name", ondelete="CASCADE"))


def _table() -> sa.Column[int]:
    return sa.Column("table_id", sa.Integer, sa.ForeignKey("catalog_tables.id", ondelete="CASCADE"))


settings = sa.Table(
    "lake_settings",
    metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("settings", sa.JSON, nullable=False),
)

# The databases and tables that have been given the default permissions: see GrantStore.settle.
seen_databases = sa.Table(
    "lake_seen_databases",
    metadata,
    sa.Column(
        "database_name",
        sa.String(255),
        sa.ForeignKey("catalog_databases.name", ondelete="CASCADE"),
        primary_key=True,
    ),
)

seen_tables = sa.Table(
    "lake_seen_tables",
    metadata,
    sa.Column(
        "table_id",
        sa.Integer,
        sa.ForeignKey("catalog_tables.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
)

locations = sa.Table(
    "lake_locations",
    metadata,
    sa.Column("arn", sa.String(2048), primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("modified_at", sa.Float, nullable=False),
)

tags = sa.Table(
    "lake_tags",
    metadata,
    sa.Column("tag_key", sa.String(128), primary_key=True),
    sa.Column("tag_values", sa.JSON, nullable=False),
)

assignments = sa.Table(
    "lake_tag_assignments",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("tag_key", sa.String(128), sa.ForeignKey("lake_tags.tag_key", ondelete="CASCADE"), nullable=False),
    sa.Column("tag_value", sa.String(256), nullable=False),
    _database(),
    _table(),
    sa.Column("column_name", sa.String(255), nullable=False),
)

filters = sa.Table(
    "lake_filters",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("table_id", sa.Integer, sa.ForeignKey("catalog_tables.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("version", sa.String(36), nullable=False),
    sa.UniqueConstraint("table_id", "name"),
)

grants = sa.Table(
    "lake_grants",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("principal", sa.String(255), nullable=False),
    sa.Column("resource_key", sa.String(64), nullable=False),
    sa.Column("column_name", sa.String(255), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("structure", sa.JSON, nullable=False),
    _database(),
    _table(),
    sa.Column("filter_id", sa.Integer, sa.ForeignKey("lake_filters.id", ondelete="CASCADE")),
    sa.Column("permissions", sa.JSON, nullable=False),
    sa.Column("grantable", sa.JSON, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.Column("updated_by", sa.String(255), nullable=False),
    sa.UniqueConstraint("principal", "resource_key", "column_name"),
)
