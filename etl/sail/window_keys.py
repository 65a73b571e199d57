"""What windows are parted and put in order by. Sail cannot tell that rows are in the order of some expressions, as
``length(s) > 1`` and rounded quotients, and ends with an error. Then they are made columns of the rows below the
window, which are dropped above it; in SQL they are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from etl.sail import engine
from etl.sail.again import asked_again
from etl.sail.protos import copied, nodes, parts
from workspace.paths import Workspace

_UNTOLD = re.compile(r"Error during planning: Plan: \[\"")  # … does not satisfy order requirements
_KEY = "_lakelet_key"


def install(workspace: Workspace) -> None:
    """Stand before the requests of pyspark's client."""
    from pyspark.sql.connect.client import SparkConnectClient

    def remedy(client: Any, plan: Any, error: Exception) -> Any:
        if not _UNTOLD.search(str(error)):
            return plan
        if (own := in_columns(plan)) is plan:
            raise engine.refused("A window by what is compared or rounded, in SQL (select it as a column first),")
        return own

    fetch = SparkConnectClient._execute_and_fetch_as_iterator
    engine.replace(SparkConnectClient, "_execute_and_fetch_as_iterator", asked_again(fetch, remedy))


def in_columns(plan: Any) -> Any:
    """The plan (``spark.connect.Plan``) whose windows have columns alone for keys; itself, if they have already."""
    own = copied(plan)
    for number, relation in enumerate(nodes(own)):
        kind = relation.WhichOneof("rel_type")
        if kind in ("project", "with_columns"):
            _tell(relation, kind, f"{_KEY}_{number}")
    return plan if own == plan else own


def _tell(relation: Any, kind: str, name: str) -> None:
    from pyspark.sql.connect.proto import Relation

    node = getattr(relation, kind)
    if not (keys := [key for key in _keys(node) if key.WhichOneof("expr_type") != "unresolved_attribute"]):
        return
    below = Relation()
    below.with_columns.input.CopyFrom(node.input)
    for number, key in enumerate(keys):
        alias = below.with_columns.aliases.add()
        alias.expr.CopyFrom(key)
        alias.name.append(f"{name}_{number}")
        key.Clear()
        key.unresolved_attribute.unparsed_identifier = alias.name[0]
    node.input.CopyFrom(below)
    has_all = kind == "with_columns" or any(part.DESCRIPTOR.name == "UnresolvedStar" for part in parts(relation))
    if has_all:
        above = Relation()
        above.drop.input.CopyFrom(relation)
        above.drop.column_names.extend(alias.name[0] for alias in below.with_columns.aliases)
        relation.CopyFrom(above)


def _keys(node: Any) -> Iterator[Any]:
    for part in parts(node):
        if part.DESCRIPTOR.name == "Window":
            yield from part.partition_spec
            yield from (one.child for one in part.order_spec)
