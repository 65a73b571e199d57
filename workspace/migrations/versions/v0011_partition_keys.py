"""Partitions stand as they came, and their keys sort as their values; until now they were JSON arrays.

The indexes are filled anew from these keys, in the background: Lakelet's own are made again, those that were asked for
are CREATING until then.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_OLD = "catalog_partitions_of_json"
_CHUNK = 5_000
_STATISTICS = ("table_id", "key", "column_name", "column_type", "analyzed_at", "data")


def upgrade() -> None:
    """Rewrite the partitions and what refers to them."""
    connection = op.get_bind()
    statistics = [dict(row) for row in connection.execute(sa.select(_statistics())).mappings()]
    op.drop_table("catalog_partition_statistics")
    op.rename_table("catalog_partitions", _OLD)
    if connection.dialect.name == "postgresql":  # where an index's name is the schema's
        op.execute(f"ALTER TABLE {_OLD} RENAME CONSTRAINT pk_catalog_partitions TO pk_{_OLD}")
    op.create_table(
        "catalog_partitions",
        sa.Column("id", sa.Integer(), nullable=False),
        *_columns(),
        sa.ForeignKeyConstraint(
            ["table_id"], ["catalog_tables.id"], name=op.f("fk_catalog_partitions_table_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_partitions")),
        sa.UniqueConstraint("table_id", "key", name=op.f("uq_catalog_partitions_table_id_key")),
    )
    _copy(connection)
    op.drop_table(_OLD)
    _create_statistics()
    if statistics:
        rows = [row | {"key": _key(row["key"])} for row in statistics]
        connection.execute(sa.insert(_statistics()), rows)
    indexes = sa.table("catalog_partition_indexes", *map(sa.column, ("name", "status", "filled")),
                       sa.column("errors", sa.JSON))  # fmt: skip
    connection.execute(sa.delete(sa.table("catalog_partition_entries")))
    connection.execute(sa.delete(indexes).where(sa.or_(indexes.c.name.is_(None), indexes.c.status == "DELETING")))
    connection.execute(sa.update(indexes).values(status="CREATING", filled="", errors=[]))


def _copy(connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":  # which runs Python by itself: three times as fast
        driver: Any = connection.connection.dbapi_connection
        driver.create_function("partition_key", 1, _key, deterministic=True)
        connection.exec_driver_sql(
            "INSERT INTO catalog_partitions (table_id, key, segment, definition, created_at) "
            "SELECT table_id, partition_key(key), segment, definition, created_at FROM catalog_partitions_of_json "
            "ORDER BY table_id, key"
        )
        return
    old, new = (sa.Table(name, sa.MetaData(), *_columns()) for name in (_OLD, "catalog_partitions"))
    place: tuple[Any, Any] = (-1, "")
    while True:
        beyond = sa.tuple_(old.c.table_id, old.c.key) > sa.tuple_(*place)
        query = sa.select(old).where(beyond).order_by(old.c.table_id, old.c.key).limit(_CHUNK)
        rows = [dict(row) for row in connection.execute(query).mappings()]
        if not rows:
            return
        place = (rows[-1]["table_id"], rows[-1]["key"])
        connection.execute(sa.insert(new), [row | {"key": _key(row["key"])} for row in rows])


def _key(old: str) -> str:
    """The new key: a value is ``+``, its text and two characters 1; null is ``-``; no values are ``+``."""
    return "".join(map(_encoded, json.loads(old))) or "+"


def _encoded(text: str) -> str:
    if text == "__HIVE_DEFAULT_PARTITION__":
        return "-"
    return "+" + text.replace("\x01", "\x01\x03").replace("\x00", "\x01\x02") + "\x01\x01"


def _columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("table_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("segment", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
    ]


def _statistics() -> sa.TableClause:
    kinds: dict[str, Any] = {"data": sa.JSON}
    return sa.table("catalog_partition_statistics", *(sa.column(name, kinds.get(name)) for name in _STATISTICS))


def _create_statistics() -> None:
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
