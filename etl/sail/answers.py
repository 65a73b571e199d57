"""What Sail answers otherwise than Spark, without a word, in the making of columns: it is refused, so that `auto` takes
Spark, or said to Sail as the rules have it (:mod:`etl.sail.rules`; :mod:`etl.sail.sql_text` does so in SQL).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from etl.sail import engine, rules, sql_text
from etl.sail.notations import Columns, Notation, Sql, Texts
from etl.sail.statements import bare
from workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import Column

_WINDOWED = frozenset({"collect_list", "collect_set"})
_DIVISORS = re.compile(r" / (?=(CAST\()?nullif\()")  # in Sail's explanation of a plan, where each is nullif(…, 0)
_INFIX = {"==": "=", "and": "AND", "or": "OR"} | {one: one for one in ("+", "-", "*", "/", "%", "<", "<=", ">", ">=")}
_VALUE = "_lakelet_v"
_LARGEST, _DEEPEST = 500, 12  # the expressions in a value, and one in another, that a rule may name more than once
_DONE = "_lakelet_done"  # a call that is Sail's own from here on


def install(workspace: Workspace) -> None:
    """Stand before the making of expressions, and before the actions of a script that divides."""
    from pyspark.sql.connect import expressions as made

    _refuse(made)
    _say_as_spark(made)
    _take_views()


def _take_views() -> None:
    """Texts in Arrow's newer form, in which a union of Parquet comes, and which pyspark has no name for."""
    import pyarrow as pa
    from pyspark.sql.pandas import types as arrow

    original = arrow.from_arrow_type

    def named(at: Any, *args: Any, **options: Any) -> Any:
        plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}.get(at, at)
        return original(plain, *args, **options)

    engine.replace(arrow, "from_arrow_type", named)


def _refuse(made: Any) -> None:
    function, window, text = (
        made.UnresolvedFunction.__init__,
        made.WindowExpression.__init__,
        made.SQLExpression.__init__,
    )

    def of_function(self: Any, name: str, args: Any, *more: Any, **given: Any) -> None:
        if why := rules.REFUSED.get(name.lower()):
            raise _otherwise(f"The function {name}", why)
        if name == "split" and len(args) > 1 and getattr(args[1], "_value", None) == "":
            raise _otherwise("split by an empty pattern", "there are empty texts at the ends")
        if name == "/":
            engine.before_actions(_require_no_decimals)
        function(self, name, args, *more, **given)

    def of_window(self: Any, windowFunction: Any, windowSpec: Any) -> None:
        name = getattr(windowFunction, "_name", "")
        if name in _WINDOWED:
            raise _otherwise(f"{name} over a window", "it takes nulls too")
        window(self, windowFunction, windowSpec)

    def of_text(self: Any, expr: str) -> None:
        text(self, as_spark(expr))
        if self._expr != expr and (name := sql_text.name_of(expr)):
            self._expr += f" AS `{name.replace('`', '``')}`"

    engine.replace(made.UnresolvedFunction, "__init__", of_function)
    engine.replace(made.WindowExpression, "__init__", of_window)
    engine.replace(made.SQLExpression, "__init__", of_text)


def as_spark(text: str) -> str:
    """SQL for Sail, for its answer to be Spark's. Raises UnsupportedError, now or before an action."""
    if "/" in bare(text):
        engine.before_actions(_require_no_decimals)
    return sql_text.as_spark(text)


def _say_as_spark(made: Any) -> None:
    """Have the outermost expression of a tree plan what :class:`_Said` makes of it, by the name that Spark gives it."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    window = made.WindowExpression.to_plan
    is_planned: ContextVar[bool] = ContextVar("is_planned", default=False)

    class Apart(made.Expression):  # type: ignore[misc]
        """A part of a tree that is planned as it stands, or as an outermost one."""

        def __init__(self, value: Any, planned: bool) -> None:
            super().__init__()
            self._value, self._planned = value, planned

        def to_plan(self, session: Any) -> Any:
            before = is_planned.set(self._planned)
            try:
                return self._value.to_plan(session)
            finally:
                is_planned.reset(before)

        def __repr__(self) -> str:
            return str(self._value)

    def outermost(original: Any) -> Any:
        def to_plan(self: Any, session: Any) -> Any:
            if is_planned.get():
                return original(self, session)
            said = _Said(made, lambda part: Apart(part, False))
            value = said.of(self)
            if said.changed:
                value = made.ColumnAlias(value, [_name(made, self)], None)
            try:
                return Apart(value, True).to_plan(session)
            except DecodeError:  # what is 100 messages deep
                raise engine.refused("An expression that is nested as deeply as this") from None

        return to_plan

    def of_window(self: Any, session: Any) -> Any:
        own = copy.copy(self)  # whose function cannot have a name, and whose partitions and order are for themselves
        own._windowFunction = Apart(_Said(made, lambda part: Apart(part, False)).over(self._windowFunction), True)
        before = is_planned.set(False)
        try:
            return window(own, session)
        finally:
            is_planned.reset(before)

    for kind in (made.UnresolvedFunction, made.CastExpression, made.CaseWhen):
        engine.replace(kind, "to_plan", outermost(kind.to_plan))
    engine.replace(made.WindowExpression, "to_plan", of_window)


class _Said:
    """A tree of pyspark's expressions as Sail has to be asked it. What is no function, cast or CASE is ``apart``."""

    def __init__(self, made: Any, apart: Callable[[Any], Any]) -> None:
        self._made, self._apart, self.changed = made, apart, False
        self._columns = Columns(made, _done)

    def of(self, value: Any) -> Any:
        """The same expression by the rules; itself, if none is for it."""
        made = self._made
        if isinstance(value, made.ColumnReference | made.LiteralExpression | made.UnresolvedNamedLambdaVariable):
            return value
        if isinstance(value, made.UnresolvedFunction):
            own = self._with(value, _args=[self.of(one) for one in value._args])
            return own if hasattr(own, _DONE) else self._function(own)
        if isinstance(value, made.CastExpression):
            rule = rules.cast(_target(value), "TRY_CAST" if value._eval_mode == "try" else "CAST")
            own = self._with(value, _expr=self.of(value._expr))
            return own if rule is None or hasattr(own, _DONE) else self._bound(own._expr, rule)
        if isinstance(value, made.CaseWhen):
            return self._case(value)
        if isinstance(value, made.ColumnAlias):
            return self._with(value, _child=self.of(value._child))
        return self._apart(value)

    def over(self, function: Any) -> Any:
        """A window's function: NaN is right in ``max`` and ``min`` there."""
        if getattr(function, "_name", "") not in rules.EXTREMES:
            return self.of(function)
        return self._with(function, _args=[self._bound(self.of(one), rules.NO_NULL_INSIDE) for one in function._args])

    def _with(self, value: Any, **parts: Any) -> Any:
        if all(_are(getattr(value, name), part) for name, part in parts.items()):
            return value
        own = copy.copy(value)
        vars(own).update(parts)
        return own

    def _function(self, value: Any) -> Any:
        if not value._args:
            return value
        first, *rest = value._args
        if value._name in rules.EXTREMES and self._may_repeat(first):
            self.changed = True
            return rules.extreme(self._columns, value._name, first)
        if rule := rules.CALLS.get(value._name):

            def called(e: Notation, one: Any) -> Any:
                own = copy.copy(value)
                own._args = [one, *rest]
                return rule(e, _done(own), one, *rest)

            return self._bound(first, called, in_columns=True)
        if found := rules.ARGUMENTS.get(value._name) or rules.OF_SOME_ROWS.get(value._name):
            place, of_argument = found
            given = enumerate(value._args)
            args = [self._bound(one, of_argument) if place in (rules.EVERY, at) else one for at, one in given]
            return self._with(value, _args=args)
        return value

    def _case(self, value: Any) -> Any:
        branches = [(self.of(condition), self.of(one)) for condition, one in value._branches]
        own = self._with(value, _branches=branches, _else_value=value._else_value and self.of(value._else_value))
        ends = self._ends(value)
        kinds = {repr(getattr(one, "_dataType", one)) for one in ends}  # literals of one type are alike
        if len(kinds) < 2:
            return own
        self.changed = True
        typed = rules.of_one_type(self._columns, [self.of(one) for one in ends])
        return self._with(own, _branches=[tuple(map(self._columns.expression, typed)), *own._branches])

    def _ends(self, value: Any) -> list[Any]:
        """The values that an expression can come to: those of a CASE in a CASE too."""
        if not isinstance(value, self._made.CaseWhen):
            return [] if value is None else [value]
        return [end for one in (*(one for _, one in value._branches), value._else_value) for end in self._ends(one)]

    def _bound(self, value: Any, rule: rules.Rule, *, in_columns: bool = False) -> Any:
        """A rule of a value: of one that is to be computed once, or is deep, by a lambda."""
        self.changed = True
        if self._may_repeat(value):
            return rule(self._columns, value)
        variable = self._made.UnresolvedNamedLambdaVariable([_VALUE])
        body = rule(self._columns, variable) if in_columns else self._sql(str(rule(Texts(), Sql(_VALUE))))
        call = self._columns.call
        return call(
            "element_at", call("transform", call("array", value), self._made.LambdaFunction(body, [variable])), 1
        )

    def _sql(self, text: str) -> Any:
        expression = self._made.SQLExpression("true")
        expression._expr = text  # past the door of scripts' texts
        return expression

    def _may_repeat(self, value: Any) -> bool:
        """Whether a value may be named more than once: it is the same each time, not large, and not deep, for what
        protobuf takes is 100 messages deep."""
        unseen, seen = [(value, 1)], 0
        while unseen:
            one, depth = unseen.pop()
            seen += 1
            if seen > _LARGEST or depth > _DEEPEST or not self._is_plain(one):
                return False
            unseen += [(child, depth + 1) for child in one.children]
        return True

    def _is_plain(self, value: Any) -> bool:
        made = self._made
        if isinstance(value, made.UnresolvedFunction):
            return value._name not in rules.NOT_TWICE
        return isinstance(
            value,
            made.ColumnReference
            | made.LiteralExpression
            | made.UnresolvedNamedLambdaVariable
            | made.UnresolvedExtractValue
            | made.ColumnAlias
            | made.CastExpression
            | made.CaseWhen,
        )


def _are(one: Any, other: Any) -> bool:
    """Whether parts of expressions are the same objects: their ``==`` makes an expression of the two."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_are, one, other))
    return one is other


def _name(made: Any, value: Any) -> str:
    """What Spark calls an expression without an alias: a column that is cast gives its own name."""
    inner = value
    while isinstance(inner, made.CastExpression):
        inner = inner._expr
    if inner is not value and isinstance(inner, made.ColumnReference):
        return str(inner._unparsed_identifier.rpartition(".")[2].strip("`"))
    return _shown(made, value)


def own_cast(value: Any, target: str) -> Column:
    """A cast as Sail has it, where it is known to be Spark's: it takes less time."""
    from pyspark.sql.connect import expressions as made

    return _column(made.CastExpression(value._expr, target))


def own_call(name: str, *values: Any) -> Column:
    """A function as Sail has it, likewise."""
    from pyspark.sql.connect import expressions as made

    return _column(made.UnresolvedFunction(name, [value._expr for value in values]))


def _column(expression: Any) -> Column:
    from pyspark.sql.connect.column import Column as Made

    made: Any = Made  # whose type says that it cannot be called
    column: Column = made(_done(expression))
    return column


def _target(cast: Any) -> str:
    return cast._data_type if isinstance(cast._data_type, str) else str(cast._data_type.simpleString())


def _shown(made: Any, value: Any) -> str:
    """What Spark calls an expression."""
    if isinstance(value, made.UnresolvedFunction) and value._name in _INFIX and len(value._args) == 2:
        left, right = (_shown(made, one) for one in value._args)
        return f"({left} {_INFIX[value._name]} {right})"
    if isinstance(value, made.UnresolvedFunction):
        given = ", ".join(_shown(made, one) for one in value._args)
        return f"{value._name}({'DISTINCT ' if value._is_distinct else ''}{given})"
    return str(value)


def _done(function: Any) -> Any:
    setattr(function, _DONE, True)
    return function


def _otherwise(what: str, why: str) -> Exception:
    return engine.refused(rules.otherwise(what, why))


def _require_no_decimals(client: Any, plan: Any) -> None:
    """Refuse a plan that divides decimals."""
    from google.protobuf.message import DecodeError
    from pyspark.errors import PySparkException

    try:
        if not plan.HasField("root"):
            plan = type(plan)(root=plan.command.write_operation.input)
        told = client.explain_string(plan, "extended")
    except (PySparkException, DecodeError):  # the action itself will say it; a plan of great depth cannot be sent twice
        return
    if any(_is_decimal(_first_call(told[found.end() :])) for found in _DIVISORS.finditer(told)):
        raise _otherwise("The division of decimals", "with fewer digits, which are cut and not rounded")


def _is_decimal(divisor: str) -> bool:
    return "Decimal128(" in divisor and not divisor.endswith("AS Float64)")


def _first_call(text: str) -> str:
    """A text that begins with a call, up to the parenthesis that closes it."""
    depth = 0
    for at, one in enumerate(text):
        depth += (one == "(") - (one == ")")
        if one == ")" and not depth:
            return text[: at + 1]
    return text
