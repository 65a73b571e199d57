"""The rest of the Data Catalog: table versions, partition indexes, statistics, functions, tags, policies, settings."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
