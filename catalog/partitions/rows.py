"""The tables of partitions and of the indexes on them, in the state database."""

from __future__ import annotations

import sqlalchemy as sa

from lakelet.workspace.state import metadata

# The rows stand as they came, and what is sorted by the values is an index a tenth of their size: a batch whose values
# lie far apart changes many pages of that, and few of the rows'. docs/adr/0015-partition-keys-sort-as-values.md
partitions = sa.Table(
    "catalog_partitions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("table_id", sa.Integer, sa.ForeignKey("catalog_tables.id", ondelete="CASCADE"), nullable=False),
    sa.Column("key", sa.Text, nullable=False),  # catalog.partitions.keys
    sa.Column("segment", sa.Integer, nullable=False),
    sa.Column("definition", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.UniqueConstraint("table_id", "key"),
)

# One row an index. Those without a name are Lakelet's own, one a partition key that the partitions are not sorted by
# anyway; the others were asked for.
indexes = sa.Table(
    "catalog_partition_indexes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("table_id", sa.Integer, sa.ForeignKey("catalog_tables.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", sa.String(255)),
    sa.Column("positions", sa.JSON, nullable=False),  # of the partition keys, in the order of the index
    sa.Column("status", sa.String(16), nullable=False, index=True),
    sa.Column("filled", sa.Text, nullable=False),  # while CREATING: the partitions up to this key are in it
    sa.Column("errors", sa.JSON, nullable=False),  # keys of some partitions whose values have not the key's type
    sa.Column("created_at", sa.Float, nullable=False),
    sa.UniqueConstraint("table_id", "name"),
    sqlite_autoincrement=True,  # an id is never given twice: a NextToken may name it
)

entries = sa.Table(
    "catalog_partition_entries",
    metadata,
    sa.Column(
        "index_id", sa.Integer, sa.ForeignKey("catalog_partition_indexes.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("entry", sa.Text, primary_key=True),  # the values, encoded so that they sort as values
    sa.Column("key", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)
