"""A plan of pyspark's Connect client in which values are told in the types that Spark makes of them
(:mod:`lakelet.etl.sail.coercion`), and the fields of what lies in arrays and maps as it finds them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from lakelet.etl.sail import coerced_sql
from lakelet.etl.sail.coercion import as_target, targets
from lakelet.etl.sail.known import DONE
from lakelet.etl.sail.notations import Columns
from lakelet.etl.sail.protos import copied, nodes, parts
from lakelet.etl.sail.read_rows import bare
from lakelet.etl.sail.rules import GENERATORS

_PART = re.compile(r"`((?:[^`]|``)+)`|([^.`]+)")
_VALUE = "_lakelet_v"
_AROUND_NAMES = re.compile(r"[\w`]\s*\.\s*[\w`]")


def coerced(plan: Any, schema: Callable[[Any], Any]) -> Any:
    """The plan (``spark.connect.Plan``) by the types that ``schema`` finds of others; itself, if there is nothing."""
    own = copied(plan)
    for relation in nodes(own):
        node = getattr(relation, relation.WhichOneof("rel_type"))
        if node.DESCRIPTOR.name == "SQL":
            node.query = coerced_sql.of_statement(node.query, partial(_columns, schema)) or node.query
        elif rows := _rows_of(relation, node):
            coercing = _Coercing(schema, rows)
            for expression in _expressions(node):
                coercing.outermost(expression)
    return plan if own == plan else own


class _Coercing:
    """The expressions of one relation, whose input they are of."""

    def __init__(self, schema: Callable[[Any], Any], rows: Any) -> None:
        from pyspark.sql.connect import expressions as made

        class Given(made.Expression):
            """An expression that is planned already."""

            def __init__(self, planned: Any) -> None:
                super().__init__()
                self._planned = planned

            def to_plan(self, session: Any) -> Any:
                return self._planned

            def __repr__(self) -> str:
                return repr(self._planned)

        def own(expression: Any) -> Any:
            setattr(expression, DONE, True)
            return expression

        self._schema, self._rows, self._given, self._made = schema, rows, Given, made
        self._columns = Columns(made, own)
        self._kinds: dict[bytes, str] = {}
        self._coerced: dict[bytes, Any] = {}  # rules name a value several times

    def outermost(self, expression: Any) -> None:
        """Coerce what is in an expression, which keeps the name that it has without an alias."""
        before, name = expression.SerializeToString(), _name_of(expression, self._is_qualifier)
        self._inside(expression)
        if name and before != expression.SerializeToString():
            own = copied(expression)
            expression.alias.expr.CopyFrom(own)
            expression.alias.name.append(name)

    def _is_qualifier(self, name: str) -> bool:
        """Whether what is before a point is the name of rows, and not of a struct among their columns."""
        return not self._kind(self._column([name])).startswith("struct<")

    def _inside(self, expression: Any) -> None:
        said = expression.SerializeToString(deterministic=True)
        if said in self._coerced:
            expression.CopyFrom(self._coerced[said])
            return
        for one in _expressions(expression):
            self._inside(one)
        self._fit(expression)
        self._coerced[said] = copied(expression)

    def _fit(self, expression: Any) -> None:
        """Coerce what is right below an expression."""
        kind = expression.WhichOneof("expr_type")
        if kind == "expression_string":
            text = expression.expression_string.expression
            expression.expression_string.expression = coerced_sql.with_types(
                text, self._kind_in_sql, self._is_qualifier
            )
        elif kind == "unresolved_attribute" and "." in expression.unresolved_attribute.unparsed_identifier:
            self._path(expression)
        elif kind == "unresolved_extract_value":
            found = expression.unresolved_extract_value
            if found.extraction.literal.WhichOneof("literal_type") == "string":
                self._take(expression, copied(found.child), found.extraction.literal.string)
        elif kind == "unresolved_function":
            function = expression.unresolved_function
            self._function(function.function_name.lower(), function.arguments)

    def _function(self, name: str, arguments: Sequence[Any]) -> None:
        if name == "when":  # conditions and values, and the value of all others at the end
            name, arguments = "case", [*arguments[1::2], *(arguments[-1:] if len(arguments) % 2 else ())]
        if not coerced_sql.may_be_coerced(name):
            return
        for one, target in zip(arguments, targets(name, list(map(self._kind, arguments))), strict=True):
            if target:
                self._put(one, as_target(self._columns, self._given(copied(one)), target))

    def _path(self, expression: Any) -> None:
        """A path whose end is in a map, or in the structs of an array."""
        if self._kind(expression):
            return
        names = [
            quoted or plain for quoted, plain in _PART.findall(expression.unresolved_attribute.unparsed_identifier)
        ]
        for at in range(1, len(names)):
            value = self._column(names[:at])
            if self._kind(value).startswith(("map<", "array<struct<", "struct<")):
                for name in names[at:]:
                    value = self._member(value, name)
                expression.CopyFrom(value)
                return

    def _member(self, value: Any, name: str) -> Any:
        made = type(value)()
        made.unresolved_extract_value.child.CopyFrom(value)
        made.unresolved_extract_value.extraction.literal.string = name
        self._take(made, value, name)
        return made

    def _take(self, expression: Any, child: Any, name: str) -> None:
        """Have a member of a list of structs be the list of their members."""
        if not self._kind(child).startswith("array<struct<"):
            return
        made = self._made
        variable = made.UnresolvedNamedLambdaVariable([_VALUE])
        taken = made.LambdaFunction(self._columns.field(variable, name), [variable])
        self._put(expression, self._columns.call("transform", self._given(child), taken))

    def _column(self, names: Sequence[str]) -> Any:
        from pyspark.sql.connect.proto import Expression

        made = Expression()
        made.unresolved_attribute.unparsed_identifier = ".".join(f"`{one}`" for one in names)
        return made

    def _put(self, expression: Any, value: Any) -> None:
        expression.CopyFrom(value.to_plan(None))

    def _kind_in_sql(self, text: str) -> str:
        from pyspark.sql.connect.proto import Expression

        one = Expression()
        one.expression_string.expression = text
        return self._kind(one)

    def _kind(self, expression: Any) -> str:
        """The type of an expression, as SQL tells it; empty, if there is none for a row."""
        said = expression.SerializeToString(deterministic=True)
        if said not in self._kinds:
            self._kinds[said] = self._asked(expression)
        return self._kinds[said]

    def _asked(self, expression: Any) -> str:
        if expression.unresolved_function.function_name.lower() in GENERATORS:
            return ""
        kind, named = self._of_rows(expression, self._no_rows), [expression, *parts(expression)]
        return kind or (self._of_rows(expression, self._rows) if any(map(_is_of_one, named)) else "")

    @cached_property
    def _no_rows(self) -> Any:
        """A table of the input's columns: to ask for the types of what it is made of each time takes long."""
        from pyspark.errors import PySparkException
        from pyspark.sql.connect.proto import Plan, Relation

        plan, made = Plan(), Relation()
        plan.root.CopyFrom(self._rows)
        try:
            made.local_relation.schema = bare(self._schema(plan)).json()
        except PySparkException:  # the action itself will say it
            return self._rows
        return made

    def _of_rows(self, expression: Any, rows: Any) -> str:
        """The type of an expression of rows; empty, if it is none of theirs."""
        from pyspark.errors import PySparkException
        from pyspark.sql.connect.proto import Plan

        plan = Plan()
        plan.root.project.input.CopyFrom(rows)
        plan.root.project.expressions.append(expression)
        if rows is not self._rows:
            for part in parts(plan.root):
                if part.DESCRIPTOR.name == "UnresolvedAttribute":
                    part.ClearField("plan_id")
        try:
            return str(self._schema(plan).fields[0].dataType.simpleString())
        except PySparkException:
            return ""


def _is_of_one(part: Any) -> bool:
    """Whether a name says which of the rows below it is of."""
    if part.DESCRIPTOR.name == "Expression":
        return bool(_AROUND_NAMES.search(part.expression_string.expression))
    return part.DESCRIPTOR.name == "UnresolvedAttribute" and (
        part.HasField("plan_id") or "." in part.unparsed_identifier
    )


def _rows_of(relation: Any, node: Any) -> Any:
    """The rows that the expressions of a relation are of; None, if it has no expressions."""
    if node.DESCRIPTOR.name != "Join":
        return node.input if "input" in node.DESCRIPTOR.fields_by_name and node.HasField("input") else None
    pairs = copied(relation)
    pairs.join.ClearField("join_condition")
    pairs.join.join_type = node.JOIN_TYPE_CROSS
    return pairs


def _inner(message: Any) -> Iterator[Any]:
    """The messages in one, one level below."""
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        yield from value if field.is_repeated else (value,)


def _expressions(message: Any) -> Iterator[Any]:
    """The expressions of a relation, or right below an expression."""
    for one in _inner(message):
        if one.DESCRIPTOR.full_name == "spark.connect.Expression":
            yield one
        elif one.DESCRIPTOR.name != "Relation":
            yield from _expressions(one)


def _columns(schema: Callable[[Any], Any], name: str) -> list[tuple[str, str]]:
    """The columns of a table or a view, and their types; none of what is no table."""
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.proto import Plan

    plan = Plan()
    plan.root.read.named_table.unparsed_identifier = name
    try:
        return [(one.name, one.dataType.simpleString()) for one in schema(plan).fields]
    except PySparkException:
        return []


def _name_of(expression: Any, is_qualifier: Callable[[str], bool], *, inside: bool = False) -> str:
    """What Spark calls an expression of columns and numbers in arithmetic; empty for one that has a name."""
    kind = expression.WhichOneof("expr_type")
    if kind == "unresolved_attribute":
        names = [told or plain for told, plain in _PART.findall(expression.unresolved_attribute.unparsed_identifier)]
        return coerced_sql.name_of_path(names, is_qualifier) if inside else str(names[-1])
    if kind == "expression_string":
        return coerced_sql.name_of(expression.expression_string.expression, is_qualifier)
    if kind == "literal":
        value = getattr(expression.literal, expression.literal.WhichOneof("literal_type"))
        return str(value) if isinstance(value, int | float | str) else ""
    function = expression.unresolved_function
    return coerced_sql.name_of_call(
        function.function_name, (_name_of(one, is_qualifier, inside=True) for one in function.arguments)
    )
