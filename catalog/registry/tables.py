"""The registry's tables in the state database."""

from __future__ import annotations

import sqlalchemy as sa

from lakelet.workspace.state import metadata

registries = sa.Table(
    "schema_registries",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(255), nullable=False, unique=True),
    sa.Column("description", sa.Text),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
)

schemas = sa.Table(
    "schemas",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("registry_id", sa.Integer, sa.ForeignKey("schema_registries.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("data_format", sa.String(16), nullable=False),
    sa.Column("compatibility", sa.String(16), nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("checkpoint", sa.Integer, nullable=False),
    sa.Column("next_version", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("updated_at", sa.Float, nullable=False),
    sa.UniqueConstraint("registry_id", "name"),
)

versions = sa.Table(
    "schema_versions",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("schema_id", sa.Integer, sa.ForeignKey("schemas.id", ondelete="CASCADE"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.UniqueConstraint("schema_id", "number"),
    sa.Index("ix_schema_versions_schema_id_fingerprint", "schema_id", "fingerprint"),
)

pairs = sa.Table(
    "schema_version_metadata",
    metadata,
    sa.Column("version_id", sa.String(36), sa.ForeignKey("schema_versions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.String(128), primary_key=True),
    sa.Column("value", sa.String(256), primary_key=True),
    sa.Column("created_at", sa.Float, nullable=False),
)
