"""The schema registry: registries, schemas, their versions and metadata."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables."""
