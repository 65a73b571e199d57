"""Partition indexes on timestamp keys hold what is finer than a microsecond, too; until now it was cut off.

They are filled anew in the background, and are CREATING until then.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Empty these indexes, for the control process to fill."""
    connection = op.get_bind()
    tables = sa.table("catalog_tables", sa.column("id"), sa.column("definition", sa.JSON))
    indexes = sa.table(
        "catalog_partition_indexes",
        *map(sa.column, ("id", "table_id", "status", "filled")),
        sa.column("positions", sa.JSON),
        sa.column("errors", sa.JSON),
    )
    entries = sa.table("catalog_partition_entries", sa.column("index_id"))
    query = (
        sa.select(indexes.c.id, indexes.c.positions, tables.c.definition)
        .join_from(indexes, tables, indexes.c.table_id == tables.c.id)
        .where(indexes.c.status != "DELETING")
    )
    for index_id, positions, definition in connection.execute(query).all():
        keys = enumerate(definition.get("PartitionKeys") or ())
        if {number for number, key in keys if str(key.get("Type")).strip().lower() == "timestamp"} & {*positions}:
            connection.execute(sa.delete(entries).where(entries.c.index_id == index_id))
            emptied = sa.update(indexes).where(indexes.c.id == index_id)
            connection.execute(emptied.values(status="CREATING", filled="", errors=[]))
