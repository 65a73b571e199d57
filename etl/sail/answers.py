"""What Sail answers otherwise than Spark, without a word, in the making of columns: it is refused, so that `auto` takes
Spark, or said to Sail as the rules have it (:mod:`etl.sail.rules`; :mod:`etl.sail.sql_text` does so in SQL).
"""

from __future__ import annotations

import copy
import re
from typing import Any

from etl.sail import engine, rules, sql_text
from etl.sail.notations import Columns
from etl.sail.statements import bare
from workspace.paths import Workspace

_WINDOWED = frozenset({"collect_list", "collect_set"})
_DIVISORS = re.compile(r" / (?=(CAST\()?nullif\()")  # in Sail's explanation of a plan, where each is nullif(…, 0)
_INFIX = {"==": "=", "and": "AND", "or": "OR"} | {one: one for one in ("+", "-", "*", "/", "%", "<", "<=", ">", ">=")}
_VALUE = "_lakelet_v"
_OF_A_RULE, _HEAVIEST = 20, 1000  # how often a rule names its value, and the weight that is too much
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
        if name in rules.EXTREMES:  # NaN is right over windows
            windowFunction = _done(copy.copy(windowFunction))
            windowFunction._args = [rules.NO_NULL_INSIDE(Columns(made, _done), one) for one in windowFunction._args]
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
    planned, cast, case = made.UnresolvedFunction.to_plan, made.CastExpression.to_plan, made.CaseWhen.to_plan
    columns = Columns(made, _done)

    def bound(value: Any, rule: rules.Rule) -> Any:
        """A rule of a value: of one that is to be computed once, by a lambda."""
        if weight(value) < _HEAVIEST:
            return rule(columns, value)
        variable = made.UnresolvedNamedLambdaVariable([_VALUE])
        by_lambda = made.LambdaFunction(rule(columns, variable), [variable])
        return columns.call("element_at", columns.call("transform", columns.call("array", value), by_lambda), 1)

    def weight(value: Any) -> int:
        """How much it is to name a value more than once: too much, where it may be another each time."""
        if isinstance(value, made.CastExpression):
            return weight(value._expr) * (_OF_A_RULE if rules.cast(_target(value)) else 1)
        if isinstance(value, made.UnresolvedFunction):
            return _HEAVIEST if value._name in rules.NOT_TWICE else 1 + sum(map(weight, value._args))
        if isinstance(value, made.UnresolvedExtractValue | made.ColumnAlias | made.CaseWhen):
            return 1 + sum(map(weight, value.children))
        known = made.ColumnReference | made.LiteralExpression | made.UnresolvedNamedLambdaVariable
        return 1 if isinstance(value, known) else _HEAVIEST

    def named(value: Any, name: str) -> Any:
        return made.ColumnAlias(value, [name], None)

    def function_as_spark(self: Any, session: Any) -> Any:
        if hasattr(self, _DONE) or not self._args:
            return planned(self, session)
        own = _done(copy.copy(self))
        name, (first, *rest) = _shown(made, self), self._args
        if self._name in rules.EXTREMES and weight(first) < _HEAVIEST:
            return named(rules.extreme(columns, self._name, first), name).to_plan(session)
        if rule := rules.CALLS.get(self._name):

            def called(e: Any, value: Any) -> Any:
                own._args = [value, *rest]
                return rule(e, own, value, *rest)

            return named(bound(first, called), name).to_plan(session)
        if found := rules.ARGUMENTS.get(self._name) or rules.OF_SOME_ROWS.get(self._name):
            place, of_argument = found
            own._args = [
                named(bound(one, of_argument), _shown(made, one)) if place in (rules.EVERY, at) else one
                for at, one in enumerate(self._args)
            ]
        return planned(own, session)

    def cast_as_spark(self: Any, session: Any) -> Any:
        rule = rules.cast(_target(self), "TRY_CAST" if self._eval_mode == "try" else "CAST")
        if rule is None or hasattr(self, _DONE):
            return cast(self, session)
        inner = self._expr
        while isinstance(inner, made.CastExpression):
            inner = inner._expr
        # A column that is cast gives its own name to the result.
        plain = isinstance(inner, made.ColumnReference)
        name = inner._unparsed_identifier.rpartition(".")[2].strip("`") if plain else _shown(made, self)
        return named(bound(self._expr, rule), name).to_plan(session)

    def case_as_spark(self: Any, session: Any) -> Any:
        values = ends(self)
        kinds = {repr(getattr(one, "_dataType", one)) for one in values}  # literals of one type are alike
        if len(kinds) < 2 or hasattr(self, _DONE):
            return case(self, session)
        branches = [tuple(map(columns.expression, rules.of_one_type(columns, values))), *self._branches]
        return named(_done(made.CaseWhen(branches, self._else_value)), _shown(made, self)).to_plan(session)

    def ends(value: Any) -> list[Any]:
        """The values that an expression can come to: those of a CASE in a CASE too."""
        if not isinstance(value, made.CaseWhen):
            return [] if value is None else [value]
        return [end for one in (*(one for _, one in value._branches), value._else_value) for end in ends(one)]

    engine.replace(made.UnresolvedFunction, "to_plan", function_as_spark)
    engine.replace(made.CastExpression, "to_plan", cast_as_spark)
    engine.replace(made.CaseWhen, "to_plan", case_as_spark)


def own_cast(value: Any, target: str) -> Any:
    """A cast as Sail has it, where it is known to be Spark's: it takes less time."""
    from pyspark.sql.connect import expressions as made
    from pyspark.sql.connect.column import Column as Made

    made_column: Any = Made  # whose type says that it cannot be called
    return made_column(_done(made.CastExpression(value._expr, target)))


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
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
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
