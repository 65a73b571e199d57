"""IAM and STS: users, access keys, roles, policies, session credentials."""

from __future__ import annotations

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables."""
