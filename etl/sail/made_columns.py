"""Expressions that Sail cannot plan where they stand, or takes long to: they are made columns of the rows below, which
are dropped above.

- What a window is parted and put in order by: of some, as ``length(s) > 1`` and rounded quotients, Sail cannot tell
  that rows are in their order, and looks at all a long time. In SQL those are refused.
- A condition with a lambda in it, the script's or one of our rules, which Sail hands on to what reads Parquet, and then
  ends with an error. Such a column is one that may be another each time, or Sail would hand it on as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from etl.sail import engine
from etl.sail.again import asked_again, with_plan
from etl.sail.protos import copied, nodes, parts
from workspace.paths import Workspace

_UNTOLD = re.compile(r"\bPlan: \[\"")  # … does not satisfy order requirements
_LOST = 'No field named "?table?".'
_MADE = "_lakelet_made"


def install(workspace: Workspace) -> None:
    """Stand before the requests of pyspark's client."""
    from pyspark.sql.connect.client import SparkConnectClient

    def remedy(client: Any, plan: Any, error: Exception) -> Any:
        own, what = plan, ""
        if _UNTOLD.search(str(error)):
            what = "A window by what is compared or rounded"
        elif _LOST in str(error):
            own, what = conditions_in_columns(plan), "A filter of Parquet with a lambda" if _has_lambda(plan) else ""
        if what and own is plan:
            raise engine.refused(f"{what}, in SQL (select it as a column first),")
        return own

    again = asked_again(SparkConnectClient._execute_and_fetch_as_iterator, remedy)

    def fetched(client: Any, request: Any, *args: Any, **options: Any) -> Iterator[Any]:
        own = keys_in_columns(request.plan)
        if own.command.HasField("create_dataframe_view"):  # of which it is the statement over it that ends so
            own = conditions_in_columns(own)
        return again(client, request if own is request.plan else with_plan(request, own), *args, **options)

    engine.replace(SparkConnectClient, "_execute_and_fetch_as_iterator", fetched)


def keys_in_columns(plan: Any) -> Any:
    """The plan (``spark.connect.Plan``) whose windows have columns alone for keys; itself, if they have already."""
    if not any(_keys(one) for one in nodes(plan)):
        return plan
    own = copied(plan)
    for number, relation in enumerate(nodes(own)):
        if keys := _keys(relation):
            node = getattr(relation, relation.WhichOneof("rel_type"))
            names = _below(node, keys, f"{_MADE}_{number}")
            if relation.HasField("with_columns") or any(
                part.DESCRIPTOR.name == "UnresolvedStar" for part in parts(node)
            ):
                _drop(relation, names)
    return own


def conditions_in_columns(plan: Any) -> Any:
    """The plan whose conditions with lambdas are columns; itself, if it has none."""
    own = copied(plan)
    for number, relation in enumerate(nodes(own)):
        if relation.HasField("filter") and any(map(_is_lambda, parts(relation.filter.condition))):
            condition = relation.filter.condition
            _stay(condition)
            _drop(relation, _below(relation.filter, [condition], f"{_MADE}_{number}"))
    return plan if own == plan else own


def _below(node: Any, expressions: Sequence[Any], prefix: str) -> list[str]:
    """Make expressions of a node columns of its input, each once, and tell it those; their names."""
    from pyspark.sql.connect.proto import Relation

    below = Relation()
    below.with_columns.input.CopyFrom(node.input)
    names: dict[bytes, str] = {}
    for expression in expressions:
        if (said := expression.SerializeToString(deterministic=True)) not in names:
            names[said] = f"{prefix}_{len(names)}"
            alias = below.with_columns.aliases.add()
            alias.expr.CopyFrom(expression)
            alias.name.append(names[said])
        expression.Clear()
        expression.unresolved_attribute.unparsed_identifier = names[said]
    node.input.CopyFrom(below)
    return list(names.values())


def _drop(relation: Any, names: Sequence[str]) -> None:
    above = type(relation)()
    above.drop.input.CopyFrom(relation)
    above.drop.column_names.extend(names)
    relation.CopyFrom(above)


def _keys(relation: Any) -> list[Any]:
    """The keys of the windows of a node that are neither columns nor values."""
    if not (relation.HasField("project") or relation.HasField("with_columns")):
        return []
    windows = [part for part in parts(relation) if part.DESCRIPTOR.name == "Window"]
    keys = [key for one in windows for key in (*one.partition_spec, *(said.child for said in one.order_spec))]
    return [key for key in keys if key.WhichOneof("expr_type") not in ("unresolved_attribute", "literal")]


def _has_lambda(plan: Any) -> bool:
    """Whether a plan has statements of SQL with lambdas."""
    return any("->" in one.sql.query for one in nodes(plan) if one.WhichOneof("rel_type") == "sql")


def _is_lambda(part: Any) -> bool:
    name = part.DESCRIPTOR.name
    return name == "LambdaFunction" or (name == "ExpressionString" and "->" in part.expression)


def _stay(condition: Any) -> None:
    """Tell a condition as one that may be another each time."""
    made = type(condition)()
    made.unresolved_function.function_name = "when"
    always = made.unresolved_function.arguments.add().unresolved_function
    always.function_name = ">="
    by_chance = always.arguments.add().unresolved_function
    by_chance.function_name = "rand"
    by_chance.arguments.add().literal.integer = 0
    always.arguments.add().literal.double = 0.0
    for _ in ("then", "else"):
        made.unresolved_function.arguments.add().CopyFrom(condition)
    condition.CopyFrom(made)
