"""What Spark calls a column that gets no alias, where Sail calls it otherwise: casts and windows are told in full, and
functions with the arguments that they have by default. Held against Spark by tests/stack/test_engines_compared.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import types as T

from lakelet.etl.sail import engine, sql_items, sql_names
from lakelet.etl.sail.rules import GENERATORS
from lakelet.etl.sail.statements import statement_of
from lakelet.etl.sail.values import java_double
from lakelet.workspace.paths import Workspace

_qualifiers: set[str] = set()  # of columns: the names of data frames and views
_unknown: set[str] = set()  # names of columns here, which may be others on Spark
_functions: set[str] = set()  # of Python, a call of which may have another name on Spark
_STAR = "(*)"
_NAMED = re.compile(r"\s*(?:\w+|`[^`]+`)\s*")
_PART = re.compile(r"`([^`]+)`|([^.`]+)")
_DAYS = re.compile(r"\(.* [-+] .*\)", re.DOTALL)
SAID = "_lakelet_said"  # the text that an SQLExpression was made of
_INFIX = {"==": "=", "and": "AND", "or": "OR"} | {
    one: one for one in ("+", "-", "*", "/", "%", "<", "<=", ">", ">=", "<=>", "&", "|", "^")
}
CAPITALS = frozenset(
    (
        "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "ceil", "cos", "cosh", "cot", "csc",
        "degrees", "exp", "expm1", "floor", "hypot", "log10", "log1p", "log2", "power", "radians", "regexp",
        "regexp_like", "rlike", "sec", "signum", "sin", "sinh", "sqrt", "tan", "tanh",
    )
)  # fmt: skip
_OTHER: Mapping[str, str] = {
    "array_agg": "collect_list", "dateadd": "date_add", "dense_rank": "DENSE_RANK", "endsWith": "endswith",
    "isNaN": "isnan", "mean": "avg", "percent_rank": "PERCENT_RANK", "pow": "POWER", "rank": "RANK",
    "startsWith": "startswith",
}  # fmt: skip
# What is told after the arguments that are given, by the function and their number.
_DEFAULTS: Mapping[tuple[str, int], str] = {
    ("bround", 1): "0",
    ("from_unixtime", 1): "yyyy-MM-dd HH:mm:ss",
    ("lag", 2): "NULL",
    ("lead", 2): "NULL",
    ("listagg", 1): "NULL",
    ("months_between", 2): "true",
    ("overlay", 3): "-1",
    ("position", 2): "1",
    ("regexp_extract_all", 2): "1",
    ("regexp_instr", 2): "0",
    ("regexp_replace", 3): "1",
    ("replace", 2): "",
    ("round", 1): "0",
    ("split", 2): "-1",
    ("string_agg", 1): "NULL",
    ("substr", 2): "2147483647",
    ("to_unix_timestamp", 1): "yyyy-MM-dd HH:mm:ss",
}
_FORMS: Mapping[str, str] = {
    "isNotNull": "({} IS NOT NULL)",
    "isNull": "({} IS NULL)",
    "isnotnull": "({} IS NOT NULL)",
    "isnull": "({} IS NULL)",
    "like": "{} LIKE {}",
    "not": "(NOT {})",
    "positive": "(+ {})",
    "~": "~{}",
}
_ENDS = {f"{a}trim": f"TRIM({b} {{}} FROM {{}})" for a, b in (("l", "LEADING"), ("r", "TRAILING"), ("", "BOTH"))}
# Whose flag, for nulls or the order, is not told.
_FLAGS = frozenset(("first", "last", "any_value", "first_value", "last_value", "mode", "nth_value"))
_RANKS = frozenset(("row_number", "rank", "dense_rank", "ntile", "percent_rank"))
_SQL_TYPES = {"long": "BIGINT", "integer": "INT", "short": "SMALLINT", "byte": "TINYINT", "real": "FLOAT"}


def install(workspace: Workspace) -> None:
    """Have the names of data frames and views known, to tell their columns from fields."""
    from pyspark.sql.connect import plan

    _qualifiers.clear()
    _unknown.clear()
    _functions.clear()

    def noting(original: Any) -> Any:
        def init(self: Any, child: Any, name: str, *args: Any, **options: Any) -> None:
            _qualifiers.add(name.lower())
            original(self, child, name, *args, **options)

        return init

    for kind in (plan.CreateView, plan.SubqueryAlias):
        engine.replace(kind, "__init__", noting(kind.__init__))


def name_of(made: Any, value: Any) -> str | None:
    """What Spark calls an expression without an alias: a column that is cast gives its own name. None: as Sail does."""
    if getattr(value, "_name", "") in (*GENERATORS, "window"):
        return None
    if getattr(value, "_name", "") == "json_tuple":
        return "c0" if len(value._args) == 2 else None
    inner = value
    while isinstance(inner, made.CastExpression):
        inner = inner._expr
    if inner is not value and isinstance(inner, made.ColumnReference):
        *before, name = parts(inner)
        if not before or (is_alias(before[-1]) and not (before[1:] and is_alias(before[0]))):
            return name  # and not that of a field of a struct in what has the alias
        if inner is not value._expr:  # of a field that is cast twice the first cast is told
            return _told(made, value._expr)
    told = _told(made, value)
    sorts = getattr(value, "_name", "") == "array_sort" and len(value._args) == 1  # by a lambda, which is told
    if sorts or _STAR in told or any(_is_text(one) or _is_keyed(one) for one in _inside(value)):
        _unknown.add(told)
    return told


def cast_of(value: Any) -> tuple[list[str], str]:
    """The parts of the name of a column that is cast, and what Spark calls the cast where they are a struct and a field
    of it; none for what is no such cast."""
    first = value
    while type(first).__name__ == "CastExpression" and type(first._expr).__name__ == "CastExpression":
        first = first._expr
    inner = getattr(first, "_expr", None)
    if type(first).__name__ != "CastExpression" or type(inner).__name__ != "ColumnReference":
        return [], ""
    return parts(inner), _cast(first, ".".join(parts(inner)))


def is_alias(name: str) -> bool:
    """Whether a data frame or view was ever called so."""
    return name.lower() in _qualifiers


def note_call(call: Any) -> None:
    """Take note of a call of a Python function with more than columns and literals: Sail tells less of its arguments,
    and without an alias it may not be written."""
    from pyspark.sql.connect import expressions as made

    plain = (isinstance(one, made.ColumnReference) and len(parts(one)) == 1 for one in call._arguments)
    literal = (isinstance(one, made.LiteralExpression) for one in call._arguments)
    if not all(map(any, zip(plain, literal, strict=True))):
        _functions.add(call._function_name)


def is_otherwise(made: Any, value: Any) -> bool:
    """Whether Sail would name an expression otherwise, or leave a part of it out of its name."""
    if getattr(value, "_name", "") in ("array_sort", "json_tuple", "like"):
        return True
    told_less = (made.CastExpression, made.ColumnAlias, made.LambdaFunction, made.WindowExpression)
    return any(
        isinstance(one, told_less)
        or getattr(one, "_name", "") == "array_agg"
        or (isinstance(one, made.ColumnReference) and len(parts(one)) > 1)
        or _is_text(one)
        for one in _inside(value)
    )


def _inside(value: Any) -> Iterator[Any]:
    """All the expressions in one."""
    unseen = list(value.children)
    while unseen:
        one = unseen.pop()
        yield one
        unseen += one.children


def _is_text(value: Any) -> bool:
    """Whether it is SQL other than the name of a column: what it is called inside of something else is not known."""
    return not _NAMED.fullmatch(getattr(value, SAID, "a"))


def _is_keyed(value: Any) -> bool:
    """Whether it is a struct's field, or a map's value by a key, which has another name."""
    return isinstance(getattr(getattr(value, "_extraction", None), "_value", None), str)


def note(text: str) -> bool:
    """Whether Sail would name SQL text otherwise, that is no alias; it is known then, and may not be written."""
    unknown = sql_names.is_otherwise(text, _qualifiers)
    if unknown:
        _unknown.add(text)
    return unknown


def require_known(plan: Any, schema: T.StructType) -> None:
    """Refuse to write columns that have no alias, and another name on Spark. Raises UnsupportedError."""
    for field in schema:
        days = isinstance(field.dataType, T.DateType) and _DAYS.fullmatch(field.name)  # date_add(dt, 1)
        called = any(f"{name}(" in field.name for name in _functions)
        if days or called or field.name in _unknown:
            raise engine.refused(f"Writing the column {field.name} without an alias")
    while type(plan).__name__ in ("Filter", "Limit", "Offset", "Repartition", "Sort", "SubqueryAlias"):
        plan = plan._child
    for item in _items(statement_of(plan)):
        if sql_names.is_unknown(item, _qualifiers):
            raise engine.refused(f"Writing the column {item.sql('spark')[:80]} without an alias")


def _items(statement: Any) -> list[Any]:
    """The items of a SELECT, and of what it takes all columns of."""
    items = list(getattr(statement, "selects", ()))
    if any(one.is_star for one in items):
        from sqlglot import exp

        inner = [one for select in statement.find_all(exp.Select) if select is not statement for one in select.selects]
        return [*items, *inner]
    return items


def _told(made: Any, value: Any) -> str:
    if isinstance(value, made.UnresolvedFunction):
        return _of_function(made, value)
    if isinstance(value, made.CastExpression):
        return _cast(value, _told(made, value._expr))
    if isinstance(value, made.UnresolvedExtractValue):
        of, part = _told(made, value._child), getattr(value._extraction, "_value", None)
        return f"{of}.{part}" if isinstance(part, str) else f"{of}[{_told(made, value._extraction)}]"
    if isinstance(value, made.WindowExpression):
        return f"{_told(made, value._windowFunction)} OVER {_window(made, value)}"
    if isinstance(value, made.CaseWhen):
        branches = "".join(f" WHEN {_told(made, when)} THEN {_told(made, then)}" for when, then in value._branches)
        other = "" if value._else_value is None else f" ELSE {_told(made, value._else_value)}"
        return f"CASE{branches}{other} END"
    if isinstance(value, made.ColumnAlias):
        return f"{_told(made, value._child)} AS {','.join(value._alias)}"
    if isinstance(value, made.CallFunction):
        return f"{value._name}({', '.join(_told(made, one) for one in value._args)})"
    if isinstance(value, made.LambdaFunction):
        return f"lambdafunction({', '.join(_told(made, one) for one in (value._function, *value._arguments))})"
    return _leaf(made, value)


def _cast(value: Any, inner: str) -> str:
    kind = _sql_type(value._data_type)
    if kind.startswith(("ARRAY", "MAP", "STRUCT")):
        return inner
    return f"{'TRY_CAST' if value._eval_mode == 'try' else 'CAST'}({inner} AS {kind})"


def _leaf(made: Any, value: Any) -> str:
    """What an expression is called that has no other ones in it."""
    if isinstance(value, made.LiteralExpression):
        return _literal(value)
    if isinstance(value, made.SQLExpression):
        return sql_items.name_of(said := str(getattr(value, SAID, value))) or said
    if isinstance(value, made.UnresolvedNamedLambdaVariable):
        return "namedlambdavariable()"
    if isinstance(value, made.UnresolvedStar):
        return _STAR
    if isinstance(value, made.ColumnReference):
        told = parts(value)
        return ".".join(told[1:] if len(told) > 1 and told[0].lower() in _qualifiers else told)
    return str(value)


def parts(column: Any) -> list[str]:
    """The parts of a column's name, or of a text, of which those in backticks may have points in them."""
    name = column if isinstance(column, str) else column._unparsed_identifier
    return [quoted or plain for quoted, plain in _PART.findall(name)]


def _literal(value: Any) -> str:
    word = type(value._dataType).__name__.removesuffix("Type").upper()
    if word == "BOOLEAN":
        return str(value).lower()
    if word in ("DATE", "TIMESTAMP"):
        return f"{word} '{re.sub(r'[.]?0+$', '', str(value)) if word == 'TIMESTAMP' and '.' in str(value) else value}'"
    if word == "DOUBLE" and isinstance(value._value, float):
        return java_double(value._value)
    return str(value)


def _of_function(made: Any, value: Any) -> str:
    name, given = value._name, value._args
    if name in _FLAGS and isinstance(getattr(given[-1], "_value", None), bool):
        given = given[:-1]
    if name == "approx_count_distinct":  # whose accuracy is not told
        given = given[:1]
    told = [_told(made, one) for one in given]
    if name == "count" and told == [_STAR]:
        told = ["1"]
    if name == "in":
        return f"({told[0]} IN ({', '.join(told[1:])}))"
    if name in _INFIX and len(told) == 2:
        return f"({told[0]} {_INFIX[name]} {told[1]})"
    if form := _FORMS.get(name) or (_ENDS.get(name) if len(told) == 2 else None):
        return form.format(*told)
    if name in ("aggregate", "reduce") and len(told) == 3:
        told.append("lambdafunction(namedlambdavariable(), namedlambdavariable())")
    if (name, len(told)) in _DEFAULTS:
        told.append(_DEFAULTS[name, len(told)])
    spelled = name.upper() if name in CAPITALS else _OTHER.get(name, name)
    return f"{spelled}({'DISTINCT ' if value._is_distinct else ''}{', '.join(told)})"


def _sql_type(kind: Any) -> str:
    told = kind if isinstance(kind, str) else kind.simpleString()
    return _SQL_TYPES.get(told.strip().lower(), told.strip().upper())


def _window(made: Any, value: Any) -> str:
    spec = value._windowSpec
    keys = ", ".join(_told(made, one) for one in spec._partitionSpec)
    order = ", ".join(_order(made, one) for one in spec._orderSpec)
    parts = [f"PARTITION BY {keys}" if keys else "", f"ORDER BY {order}" if order else "", _frame(value)]
    return f"({' '.join(filter(None, parts))})"


def _order(made: Any, one: Any) -> str:
    way, nulls = "ASC" if one._ascending else "DESC", "FIRST" if one._nullsFirst else "LAST"
    return f"{_told(made, one._child)} {way} NULLS {nulls}"


def _frame(value: Any) -> str:
    spec, function = value._windowSpec, value._windowFunction
    name = getattr(function, "_name", "")
    if name in _RANKS:
        return "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    if name in ("lag", "lead") and len(function._args) > 1:
        away = (1 if name == "lead" else -1) * int(getattr(function._args[1], "_value", 1))
        return f"ROWS BETWEEN {away} FOLLOWING AND {away} FOLLOWING"
    if spec._frame is None:
        if spec._orderSpec:
            return "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        return "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
    kind = "ROWS" if spec._frame._isRowFrame else "RANGE"
    return f"{kind} BETWEEN {_bound(spec._frame._start, 'PRECEDING')} AND {_bound(spec._frame._end, 'FOLLOWING')}"


def _bound(at: Any, side: str) -> str:
    from pyspark.sql.window import Window

    if at == 0:
        return "CURRENT ROW"
    if at <= Window.unboundedPreceding or at >= Window.unboundedFollowing:
        return f"UNBOUNDED {side}"
    return f"{at} FOLLOWING"
