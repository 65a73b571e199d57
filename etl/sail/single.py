"""``coalesce(1)`` and ``repartition(1)`` on Sail: rows stay in their order, and are written as one object.

Sail drops a sort below them, and deals what it writes out among several objects, unless it is parted by a key: then a
key has one. So they are no change of the rows, and a write that they come before is parted by a key of one value.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lakelet.data.objects import list_objects, s3_client
from lakelet.data.zones import S3, split_uri
from lakelet.etl.sail import engine
from lakelet.workspace.paths import Workspace

_KEY = "_lakelet_single"
# Nodes of a plan that leave rows in the partitions that they are in.
_NARROW = frozenset(
    ("Drop", "Filter", "Project", "SubqueryAlias", "ToSchema", "WithColumns", "WithColumnsRenamed", "MapPartitions")
)


def install(workspace: Workspace) -> None:
    """Have the two said to Sail as a filter that lets every row through."""
    from pyspark.sql.connect.expressions import LiteralExpression
    from pyspark.sql.connect.plan import Repartition

    original = Repartition.plan

    def plan(self: Any, session: Any) -> Any:
        if not _is_single(self):
            return original(self, session)
        made = self._create_proto_relation()
        made.filter.input.CopyFrom(self._child.plan(session))
        made.filter.condition.CopyFrom(LiteralExpression._from_value(True).to_plan(session))
        return made

    engine.replace(Repartition, "plan", plan)


def is_asked(plan: Any) -> bool:
    """Whether the rows of a plan are in one partition because the script has asked for it."""
    while plan is not None and not _is_single(plan):
        plan = plan._child if type(plan).__name__ in _NARROW else None
    return plan is not None


def is_narrow(plan: Any) -> bool:
    """Whether a node of a plan leaves rows in their order, and in the partitions that they are in."""
    return type(plan).__name__ in _NARROW or _is_single(plan)


def part(rows: Any, write: Any) -> None:
    """Have a write (pyspark's ``WriteOperation``) of these rows leave one object, in a folder of its own."""
    from pyspark.sql import functions as F

    write._child, write.partitioning_cols = rows.withColumn(_KEY, F.lit("1"))._plan, [_KEY]


def lift(workspace: Workspace, folder: str) -> None:
    """Put what lies in that folder where it belongs; ``folder`` is ``s3a://…/``, or one of this machine."""
    if not folder.startswith(S3):
        for path in [one for one in Path(folder).glob(f"{_KEY}=*/*") if one.is_file()]:
            path.rename(Path(folder) / path.name)
            path.parent.rmdir()
        return
    client = s3_client(workspace)
    bucket, prefix = split_uri(folder)
    for one in list(list_objects(client, bucket, prefix)):
        source = {"Bucket": bucket, "Key": one.key}
        client.copy(source, bucket, f"{prefix}{one.key.rpartition('/')[2]}")
        client.delete_object(**source)


def _is_single(plan: Any) -> bool:
    return type(plan).__name__ == "Repartition" and plan._num_partitions == 1
