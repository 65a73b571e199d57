"""What Sail answers otherwise than Spark, without a word (found by tests/stack/test_engines_compared.py and before it):
functions and divisions of decimals are refused, so that `auto` takes Spark; what can be said in Sail's own words is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from etl.errors import UnsupportedError
from etl.sail import engine
from etl.sail.statements import bare
from workspace.paths import Workspace

if TYPE_CHECKING:
    from pyspark.sql import Column

# Functions whose value, for some argument, is not Spark's, and what is different.
REFUSED = {
    "approx_percentile": "it is interpolated",
    "conv": "text that begins with a number is null",
    "initcap": "a letter after a sign is made a capital",
    "nvl2": "numbers become text",
    "percentile_approx": "it is interpolated",
    "rint": "halves are rounded up",
    "sentences": "words are cut elsewhere",
    "timestampdiff": "days are counted by midnights",
    "weekday": "it is -1 for a Sunday before 1970",
}
_IN_TEXT = {"isnan": "null is null", **REFUSED}  # what is put right in a column is refused in SQL
_WINDOWED = frozenset({"collect_list", "collect_set"})
_WHOLE = frozenset({"date_diff", "datediff", "regexp_count"})  # ints in Spark, longs in Sail
_CALLS = re.compile(r"\b(\w+)\s*\(")
_COLLECTED = re.compile(rf"\b({'|'.join(sorted(_WINDOWED))})\s*\([^()]*\)\s*OVER\b", re.IGNORECASE)
_DIVISORS = re.compile(r" / (?=(CAST\()?nullif\()")  # in Sail's explanation of a plan, where each is nullif(…, 0)
# What has another value each time, or several: a cast to text names its value more than once.
_NOT_TWICE = frozenset(
    (
        "explode", "explode_outer", "inline", "inline_outer", "posexplode", "posexplode_outer", "json_tuple", "stack",
        "rand", "randn", "random", "uuid", "monotonically_increasing_id", "shuffle",
    )
)  # fmt: skip
_DATED = r"^\s*([+-]?\d{4,7}-\d{1,2}-\d{1,2})T.*$"
_PLAIN = "_lakelet_plain"  # a cast of our own, which stays what it is


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
        _require_function(name, REFUSED)
        if name == "split" and len(args) > 1 and getattr(args[1], "_value", None) == "":
            raise _otherwise("split by an empty pattern", "there are empty texts at the ends")
        if name == "/":
            engine.before_actions(_require_no_decimals)
        function(self, name, args, *more, **given)

    def of_window(self: Any, windowFunction: Any, windowSpec: Any) -> None:
        if (name := getattr(windowFunction, "_name", "")) in _WINDOWED:
            raise _otherwise(f"{name} over a window", "it takes nulls too")
        window(self, windowFunction, windowSpec)

    def of_text(self: Any, expr: str) -> None:
        require_text(expr)
        text(self, expr)

    engine.replace(made.UnresolvedFunction, "__init__", of_function)
    engine.replace(made.WindowExpression, "__init__", of_window)
    engine.replace(made.SQLExpression, "__init__", of_text)


def _say_as_spark(made: Any) -> None:
    from pyspark.sql.connect import column as columns

    planned, cast = made.UnresolvedFunction.to_plan, made.CastExpression.to_plan
    column: Any = getattr(columns, "Column")  # noqa: B009 - whose type says that it cannot be called

    def as_spark(self: Any, session: Any) -> Any:
        made_plan = planned(self, session)
        if self._name in _WHOLE:
            outer = type(made_plan)()
            outer.cast.expr.CopyFrom(made_plan)
            outer.cast.type_str = "int"
            return outer
        if self._name == "isnan":
            outer = type(made_plan)()
            outer.unresolved_function.function_name = "coalesce"
            null = type(made_plan)()
            null.literal.boolean = False
            outer.unresolved_function.arguments.extend([made_plan, null])
            return outer
        return made_plan

    def cast_as_spark(self: Any, session: Any) -> Any:
        wanted = self._data_type if isinstance(self._data_type, str) else self._data_type.simpleString()
        said = next((way for form, way in _CASTS.items() if re.fullmatch(form, wanted.strip().lower())), None)
        if said is None or hasattr(self, _PLAIN) or not repeatable(self._expr):
            return cast(self, session)

        def plain(target: Any, mode: str | None = self._eval_mode) -> Any:
            made_cast = made.CastExpression(self._expr, target, mode)
            setattr(made_cast, _PLAIN, True)
            return column(made_cast)

        name = str(self)  # what Spark calls the column; a column that is cast gives its own name
        inner = self._expr
        while isinstance(inner, made.CastExpression):
            inner = inner._expr
        if isinstance(inner, made.ColumnReference):
            name = inner._unparsed_identifier.rpartition(".")[2].strip("`")
        return said(F.typeof(column(self._expr)), self._data_type, plain).alias(name)._expr.to_plan(session)

    def repeatable(value: Any) -> bool:
        if isinstance(value, made.UnresolvedFunction):
            return value._name not in _NOT_TWICE and all(repeatable(one) for one in value._args)
        if isinstance(value, made.CastExpression):
            return repeatable(value._expr)
        return isinstance(value, made.ColumnReference | made.UnresolvedExtractValue | made.LiteralExpression)

    engine.replace(made.UnresolvedFunction, "to_plan", as_spark)
    engine.replace(made.CastExpression, "to_plan", cast_as_spark)


def require_text(text: str) -> None:
    """Refuse SQL whose answer would be another than Spark's. Raises UnsupportedError."""
    code = bare(text)
    for call in _CALLS.findall(code):
        _require_function(call, _IN_TEXT)
    if found := _COLLECTED.search(code):
        raise _otherwise(f"{found[1]} over a window", "it takes nulls too")
    if "/" in code:
        engine.before_actions(_require_no_decimals)


def _require_function(name: str, refused: Mapping[str, str]) -> None:
    if why := refused.get(name.lower()):
        raise _otherwise(f"The function {name}", why)


def _otherwise(what: str, why: str) -> UnsupportedError:
    return engine.refused(f"{what}, which Sail answers otherwise than Spark ({why}),")


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


def _as_date(kind: Column, target: Any, cast: Callable[..., Any]) -> Any:
    """Text that begins with a date is one, whatever comes after its T."""
    return F.when(kind == "string", _plainly(F.regexp_replace(cast("string"), _DATED, "$1"), target)).otherwise(
        cast(target)
    )


def _as_decimal(kind: Column, target: Any, cast: Callable[..., Any]) -> Any:
    """Text may have an exponent."""
    plain = cast(target)
    powers = cast("string").rlike(r"^\s*[+-]?[\d.]+[eE][+-]?\d+\s*$")
    return F.when((kind == "string") & powers, _plainly(cast("double", "try"), target)).otherwise(plain)


def _as_long(kind: Column, target: Any, cast: Callable[..., Any]) -> Any:
    """Seconds of times before 1970 are those that have begun."""
    return F.when(kind == "timestamp", _plainly(F.floor(cast("double")), target)).otherwise(cast(target))


def _plainly(value: Any, target: Any) -> Any:
    """A cast that stays what it is."""
    made = value.try_cast(target)
    setattr(made._expr, _PLAIN, True)
    return made


def _as_text(kind: Column, target: Any, cast: Callable[..., Any]) -> Any:
    """Numbers with a point as Java writes them; of another type, which Sail knows as it plans, the text as it is.

    Each cast to text of a script is planned with it: it has few nodes, and is not deep.
    """
    shown, replace = cast(target), F.regexp_replace
    large = replace(replace(shown, r"^(-?\d)(\d+)\.(\d+)$", "$1.$2$3"), r"(\.\d+?)0*$", "$1")
    small = replace(replace(shown, r"^(-?)0\.0+([1-9])(\d*)$", "$1$2.$3"), r"\.$", ".0")
    java = (
        F.when(shown.endswith("inf"), replace(shown, "inf", "Infinity"))
        .when(shown.contains("e"), replace(replace(shown, r"^(-?\d)e", "$1.0e"), "e", "E"))
        .when(shown.rlike(r"^-?\d{8}"), F.concat(large, F.lit("E"), F.length(replace(shown, r"^-|\..*$", "")) - 1))
        .when(
            shown.rlike(r"^-?0\.000\d*[1-9]"),
            F.concat(small, F.lit("E-"), F.length(replace(shown, r"^-?0\.(0+)[1-9]\d*$", "$1")) + 1),
        )
        .otherwise(shown)
    )
    return F.when(kind.isin("double", "float"), java).otherwise(shown)


_CASTS: Mapping[str, Callable[..., Any]] = {
    "string": _as_text,
    "date": _as_date,
    r"(decimal|numeric|dec)\(.*": _as_decimal,
    "bigint|long": _as_long,
}
