"""Expressions that Sail cannot plan where they stand, or takes long to: they are made columns of the rows below, which
are dropped above, or stay in the columns that they are.

- What a window is parted and put in order by: of some, as ``length(s) > 1`` and rounded quotients, Sail cannot tell
  that rows are in their order, and looks at all a long time. In SQL those are refused.
- A condition with a lambda in it, the script's or one of our rules, which Sail hands on to what reads Parquet, and then
  ends with an error. Such a column is told as one that may be another each time, or Sail would hand it on as well. So
  is a column with a lambda, for a condition above may name it.
- A column of columns of columns, as a loop makes them, for Sail puts each in the place of its name in conditions above:
  of one that is named twice in each, all are there 2, 4, 8, … times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from lakelet.etl.sail import engine
from lakelet.etl.sail.again import asked_again, with_plan
from lakelet.etl.sail.protos import copied, messages, nodes, parts
from lakelet.etl.sail.rules import GENERATORS
from lakelet.workspace.paths import Workspace

_UNTOLD = re.compile(r"\bPlan: \[\"")  # … does not satisfy order requirements
_LOST = 'No field named "?table?".'
_GENERATES = re.compile(rf"\b(?:{'|'.join(sorted(GENERATORS))})\b", re.IGNORECASE)
_NAME = re.compile(r"(?:\s+as\s+|(?<=[)\]])\s*)(\w+|`[^`]+`)\s*$", re.IGNORECASE)
_MADE = "_lakelet_made"
_CHANCE = "CASE WHEN rand(0) >= 0D THEN"
_LONGEST = 500  # columns that a column names
_THROUGH = frozenset(  # nodes that have the columns of those below
    ("Relation", "Project", "WithColumns", "Filter", "Drop", "Sort", "Limit", "Offset", "Deduplicate", "SubqueryAlias",
     "Repartition", "Hint", "Sample")
)  # fmt: skip


def install(workspace: Workspace) -> None:
    """Stand before the requests of pyspark's client."""
    from pyspark.sql.connect.client import SparkConnectClient

    def remedy(client: Any, plan: Any, error: Exception) -> Any:
        own, what = plan, ""
        if _UNTOLD.search(str(error)):
            what = "A window by what is compared or rounded"
        elif _LOST in str(error):
            own, what = conditions_in_columns(plan), "A filter of Parquet with a lambda"
        if what and own is plan:
            raise engine.refused(f"{what}, in SQL (select it as a column first),")
        return own

    again = asked_again(SparkConnectClient._execute_and_fetch_as_iterator, remedy)

    def fetched(client: Any, request: Any, *args: Any, **options: Any) -> Iterator[Any]:
        own = grown_ones_stay(keys_in_columns(request.plan))
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
    """The plan whose conditions with lambdas are columns, and whose columns with some stay; itself, if it has none."""
    own = copied(plan)
    for number, relation in enumerate(nodes(own)):
        if relation.HasField("filter") and any(map(_is_lambda, parts(relation.filter.condition))):
            condition = relation.filter.condition
            _stay(condition)
            _drop(relation, _below(relation.filter, [condition], f"{_MADE}_{number}"))
        elif relation.HasField("project") or relation.HasField("with_columns"):
            for call in [*_calls_of_lambdas(relation)]:
                _stay(call)
    return plan if own == plan else own


def grown_ones_stay(plan: Any) -> Any:
    """The plan whose columns stay that would be long in conditions above; itself, if it has none."""
    if not _grown(plan):
        return plan
    own = copied(plan)
    for expression in _grown(own):
        _stay(expression)
    return own


def _grown(plan: Any) -> list[Any]:
    """The expressions of columns that are too long."""
    grown: list[Any] = []
    _sizes(plan, grown)
    return grown


def _sizes(message: Any, grown: list[Any]) -> dict[str, int]:
    """The columns that a node and those below it make of others, and how many columns each names, those that are named
    in it included. What is too long is added to ``grown``, and is one from there on."""
    below: dict[str, int] = {}
    for part in messages(message):
        if part.DESCRIPTOR.name not in ("Expression", "Alias"):
            below |= _sizes(part, grown)
    made: dict[str, int] = {}
    for one in _aliases(message):
        named = [part.unparsed_identifier for part in parts(one) if part.DESCRIPTOR.name == "UnresolvedAttribute"]
        size = sum(below.get(name.strip("`"), 1) for name in named)
        is_grown = size > max(_LONGEST, len(named))
        if is_grown:
            grown.append(one.expr)
        made[one.name[0]] = 1 if is_grown else size
    return below | made if message.DESCRIPTOR.name in _THROUGH else {}


def _aliases(node: Any) -> Iterator[Any]:
    """The columns that a node makes, which have a name (``Alias``)."""
    if node.DESCRIPTOR.name == "WithColumns":
        yield from node.aliases
    elif node.DESCRIPTOR.name == "Project":
        yield from (one.alias for one in node.expressions if one.HasField("alias"))


def _calls_of_lambdas(message: Any) -> Iterator[Any]:
    """The calls of a node with lambdas, and texts that have some; not those in others, nor a text that is a column
    without a name."""
    for part in messages(message):
        if part.DESCRIPTOR.name == "Expression" and _stays(part):
            continue
        if part.DESCRIPTOR.name == "Expression" and any(map(_is_lambda, _own_parts(part))):
            if message.DESCRIPTOR.name != "Project" or _name(part.expression_string.expression):
                yield part
        elif part.DESCRIPTOR.name != "Relation":
            yield from _calls_of_lambdas(part)


def _own_parts(expression: Any) -> Iterator[Any]:
    """The arguments of a call, or what else an expression is."""
    for one in messages(expression):
        if one.DESCRIPTOR.name == "UnresolvedFunction":
            yield from (getattr(argument, argument.WhichOneof("expr_type")) for argument in one.arguments)
        else:
            yield one


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


def _is_lambda(part: Any) -> bool:
    name = part.DESCRIPTOR.name
    return name == "LambdaFunction" or (name == "ExpressionString" and "->" in part.expression)


def _name(text: str) -> re.Match[str] | None:
    """What stands behind a value as its name."""
    found = _NAME.search(text)
    return None if found is None or found[1].lower() == "end" else found


def _stays(expression: Any) -> bool:
    """Whether an expression is told as one that may be another each time."""
    call = expression.unresolved_function
    by_chance = call.function_name == "when" and "rand" in str(call.arguments[0])
    return by_chance or expression.expression_string.expression.startswith(_CHANCE)


def _stay(expression: Any) -> None:
    """Tell an expression as one that may be another each time, if it is one value."""
    if _GENERATES.search(str(expression)):
        return
    if text := expression.expression_string.expression:
        name = _name(text)
        value = text[: name.start()] if name else text
        expression.expression_string.expression = f"{_CHANCE} {value} END{name[0] if name else ''}"
        return
    made = type(expression)()
    made.unresolved_function.function_name = "when"
    always = made.unresolved_function.arguments.add().unresolved_function
    always.function_name = ">="
    by_chance = always.arguments.add().unresolved_function
    by_chance.function_name = "rand"
    by_chance.arguments.add().literal.integer = 0
    always.arguments.add().literal.double = 0.0
    made.unresolved_function.arguments.add().CopyFrom(expression)
    expression.CopyFrom(made)
