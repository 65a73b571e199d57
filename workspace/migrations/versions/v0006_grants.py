"""Lake Formation: data lake settings, permissions and data cell filters."""

from __future__ import annotations

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the tables."""
