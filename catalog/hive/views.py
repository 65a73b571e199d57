"""What a client may read of a table when that is not all of it: a view, which any client of Hive's follows.

The view reads from the table by a name of its own (:meth:`lakelet.catalog.hive.face.Face.mark`), under which the
metastore shows all of it, its partitions and their filters. So the engine plans the read as ever, and prunes through
the view.
"""

from __future__ import annotations

from typing import Any

from lakelet.catalog.grants.store import columns_of
from lakelet.catalog.grants.visible import Visible
from lakelet.catalog.hive.shapes import VIEW, hive_table
from lakelet.catalog.model import Table


def filtered(table: Table, visible: Visible | None, source: str) -> Any:
    """The Hive view of the part of a table; None is all of it. ``source`` is the name that it reads from."""
    shown = visible or Visible(None, dict.fromkeys(columns_of(table)), columns_of(table))
    definition = table.definition
    described = [*(definition.get("StorageDescriptor") or {}).get("Columns", ()), *definition.get("PartitionKeys", ())]
    by_name = {column["Name"].lower(): column for column in described}
    query = shown.query(f"`{table.database}`.`{source}`")
    view = {
        **definition,
        "TableType": VIEW,
        "PartitionKeys": [],
        "Parameters": {},
        "StorageDescriptor": {
            "Columns": [by_name[name] for name in shown.columns if name in by_name],
            "InputFormat": "org.apache.hadoop.mapred.SequenceFileInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat",
        },
        "ViewOriginalText": query,
        "ViewExpandedText": query,
    }
    return hive_table(table, view)
