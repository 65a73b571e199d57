"""Two notations of one expression: the SQL of a script's text, and the columns of pyspark's API. A rule is written once
(:mod:`lakelet.etl.sail.rules`) and put down in either.

Plain values of Python stand for literals in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

# Functions whose value is a double; averages and quotients of decimals are refused.
_DOUBLES = frozenset(
    ("/", "avg", "mean", "stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop", "sqrt", "exp",
     "corr")
)  # fmt: skip


_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_RAW = re.compile(r"""[rR](?:'[^']*'|"[^"]*")""")
_ELEMENT = "_lakelet_e"
_STRUCT = re.compile(r"[\s(]*(?:named_)?struct\s*\(", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)", re.DOTALL)
_ESCAPED = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "%": "\\%", "_": "\\_"}


class Notation(Protocol):
    """What rules are made of. An expression is a :class:`Sql`, or an ``Expression`` of pyspark's Connect client."""

    def call(self, name: str, *arguments: Any) -> Any:
        """A function of values."""

    def infix(self, left: Any, operator: str, right: Any) -> Any:
        """``=``, ``<>``, ``<``, ``>``, ``+``, ``-``, ``*``, ``%``, ``and`` or ``or`` of two values."""

    def case(self, *branches: tuple[Any, Any], otherwise: Any) -> Any:
        """CASE of conditions and values."""

    def cast(self, value: Any, target: str, keyword: str = "CAST") -> Any:
        """``CAST`` or ``TRY_CAST``, as Sail has it."""

    def each(self, value: Any, rule: Callable[[Any], Any]) -> Any:
        """A list of what a rule makes of the elements of another one."""

    def constant(self, value: Any) -> Any:
        """The value of a literal; None for any other expression, and for dates, times and intervals."""

    def field(self, value: Any, name: str) -> Any:
        """A field of a struct."""

    def fields(self, value: Any) -> Mapping[str, Any] | None:
        """The fields of a struct that is made by ``struct``; None for any other expression."""

    def makes_double(self, value: Any) -> bool:
        """Whether an expression is a double for sure, by the function that it is."""


class Sql(str):
    """An expression in SQL; other texts are literals."""

    __slots__ = ()


class Texts:
    """Expressions as SQL."""

    def call(self, name: str, *arguments: Any) -> Sql:
        return Sql(f"{name}({', '.join(map(_sql, arguments))})")

    def infix(self, left: Any, operator: str, right: Any) -> Sql:
        return Sql(f"({_sql(left)} {operator.upper()} {_sql(right)})")

    def case(self, *branches: tuple[Any, Any], otherwise: Any) -> Sql:
        told = "".join(f" WHEN {_sql(condition)} THEN {_sql(value)}" for condition, value in branches)
        return Sql(f"CASE{told} ELSE {_sql(otherwise)} END")

    def cast(self, value: Any, target: str, keyword: str = "CAST") -> Sql:
        return Sql(f"{keyword}({_sql(value)} AS {target})")

    def each(self, value: Any, rule: Callable[[Any], Any]) -> Sql:
        return self.call("transform", value, Sql(f"{_ELEMENT} -> {_sql(rule(Sql(_ELEMENT)))}"))

    def constant(self, value: Any) -> Any:
        text = str(value).strip("( )")
        if _RAW.fullmatch(text):
            return text[2:-1]
        if _LITERAL.fullmatch(text):
            return _ESCAPE.sub(_unescaped, text[1:-1])
        return int(text) if text.isdigit() else None

    def field(self, value: Any, name: str) -> Sql:
        return Sql(f"{_sql(value)}.{name}")

    def fields(self, value: Any) -> dict[str, Sql] | None:
        if not _STRUCT.match(str(value)):
            return None
        from lakelet.etl.sail.sql_tokens import Tokens

        found = Tokens(str(value)).fields()
        return None if found is None else {name: Sql(f"({told})") for name, told in found.items()}

    def makes_double(self, value: Any) -> bool:
        return False


class Columns:
    """Expressions of pyspark's Connect client; ``own`` marks those that are Sail's own from here on."""

    def __init__(self, made: Any, own: Any) -> None:
        from pyspark.sql import types as T

        self._made, self._own = made, own
        self._counted = (T.DatetimeType, T.AnsiIntervalType)  # whose literals pyspark keeps as numbers

    def call(self, name: str, *arguments: Any) -> Any:
        return self._own(self._made.UnresolvedFunction(name, list(map(self.expression, arguments))))

    def infix(self, left: Any, operator: str, right: Any) -> Any:
        if operator == "<>":
            return self.call("not", self.infix(left, "=", right))
        return self.call({"=": "=="}.get(operator, operator), left, right)

    def case(self, *branches: tuple[Any, Any], otherwise: Any) -> Any:
        pairs = [(self.expression(condition), self.expression(value)) for condition, value in branches]
        return self._own(self._made.CaseWhen(pairs, self.expression(otherwise)))

    def cast(self, value: Any, target: str, keyword: str = "CAST") -> Any:
        return self._own(
            self._made.CastExpression(self.expression(value), target, "try" if keyword == "TRY_CAST" else None)
        )

    def each(self, value: Any, rule: Callable[[Any], Any]) -> Any:
        element = self._made.UnresolvedNamedLambdaVariable([_ELEMENT])
        return self.call("transform", value, self._made.LambdaFunction(self.expression(rule(element)), [element]))

    def constant(self, value: Any) -> Any:
        return None if isinstance(getattr(value, "_dataType", None), self._counted) else getattr(value, "_value", None)

    def field(self, value: Any, name: str) -> Any:
        return self._made.UnresolvedExtractValue(value, self.expression(name))

    def fields(self, value: Any) -> dict[str, Any] | None:
        if not isinstance(value, self._made.UnresolvedFunction) or value._name != "struct":
            return None
        found: dict[str, Any] = {}
        for at, one in enumerate(value._args, 1):
            if isinstance(one, self._made.UnresolvedStar | self._made.UnresolvedRegex):
                return None
            if isinstance(one, self._made.ColumnAlias):
                found[one._alias[0]] = one._child
            elif isinstance(one, self._made.ColumnReference):
                found[one._unparsed_identifier.rpartition(".")[2].strip("`")] = one
            else:
                found[f"col{at}"] = one
        return found if len(found) == len(value._args) else None

    def makes_double(self, value: Any) -> bool:
        while isinstance(value, self._made.ColumnAlias):
            value = value._child
        if isinstance(value, self._made.CastExpression):
            target = value._data_type
            return (target if isinstance(target, str) else target.simpleString()) == "double"
        return isinstance(value, self._made.UnresolvedFunction) and value._name in _DOUBLES

    def expression(self, value: Any) -> Any:
        """An expression of one, or of a literal."""
        return value if isinstance(value, self._made.Expression) else self._made.LiteralExpression._from_value(value)


def _unescaped(found: re.Match[str]) -> str:
    told = found[1]
    if len(told) == 1:
        return _ESCAPED.get(told, told)
    return chr(int(told[1:], 16) if told[0] in "uU" else int(told, 8))


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _sql(value: Any) -> str:
    if isinstance(value, Sql):
        return str(value)
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, float):
        return f"{value!r}D"
    return "NULL" if value is None else str(value).lower()
