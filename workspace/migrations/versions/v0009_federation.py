"""Identity providers and MFA devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "iam_providers",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iam_providers")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_iam_providers_kind_name")),
    )
    op.create_table(
        "iam_mfa_devices",
        sa.Column("serial", sa.String(length=256), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=True),
        sa.Column("enabled_at", sa.Float(), nullable=True),
        sa.Column("drift", sa.Integer(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["iam_entities.id"], name=op.f("fk_iam_mfa_devices_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_iam_mfa_devices")),
    )
