"""Partition expressions, as GetPartitions takes them, compiled to SQL over the stored keys.

The grammar (AWS Glue Web API, GetPartitions, Expression): ``=``, ``<>``, ``!=``, ``<``, ``<=``, ``>``, ``>=``,
``AND``, ``OR``, ``NOT``, ``IN``, ``BETWEEN``, ``LIKE``, ``IS NULL`` over partition keys of the types string, varchar,
char, date, timestamp, tinyint, smallint, int, bigint, long and decimal. sqlglot parses it; only the nodes listed here
are let through, and every value travels as a bound parameter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
import sqlglot
from sqlglot import exp, tokens

from data.partitions import DEFAULT_PARTITION
from workspace.errors import InvalidInputException

MAX_NESTING = 200  # parentheses and NOTs; deeper ones exhaust the parser's stack
_WHOLE = frozenset({"tinyint", "smallint", "int", "integer", "bigint", "long"})
_TEXT = frozenset({"string", "varchar", "char"})
_COMPARISONS: dict[type[exp.Expr], Callable[[Any, Any], Any]] = {
    exp.EQ: lambda left, right: left == right,
    exp.NEQ: lambda left, right: left != right,
    exp.LT: lambda left, right: left < right,
    exp.LTE: lambda left, right: left <= right,
    exp.GT: lambda left, right: left > right,
    exp.GTE: lambda left, right: left >= right,
}
_MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ, exp.NEQ: exp.NEQ, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.GT: exp.LT, exp.GTE: exp.LTE,
}  # fmt: skip
# What a condition may have; a flag that is not listed here (as sqlglot adds them) might turn its meaning around.
_ARGUMENTS = frozenset({"this", "expression", "expressions", "low", "high", "negate"})


class _Grammar(sqlglot.Dialect):
    class Tokenizer(tokens.Tokenizer):
        IDENTIFIERS = ['"', "`"]  # noqa: RUF012  sqlglot's own form


@dataclass(frozen=True)
class _Key:
    position: int
    name: str
    type: str

    @property
    def base(self) -> str:
        return self.type.partition("(")[0].strip()


def compile_expression(
    expression: str, keys: Sequence[tuple[str, str]], stored: sa.ColumnElement[str]
) -> sa.ColumnElement[bool]:
    """The condition on ``stored`` (a column of JSON arrays of values) that the expression means.

    ``keys`` are the ``(name, Hive type)`` of the partition keys in order. Raises
    :class:`~workspace.errors.InvalidInputException` for anything outside the grammar.
    """
    tree = _parse(expression)
    compiler = _Compiler({name: _Key(i, name, kind) for i, (name, kind) in enumerate(keys)}, stored)
    condition = compiler.condition(tree)
    prefix = compiler.leading_values(tree)
    if prefix:
        # Equality on the first keys is a range of the primary key: the database seeks instead of scanning.
        text = json.dumps(prefix, ensure_ascii=False, separators=(",", ":"))[:-1]
        text += "," if len(prefix) < len(keys) else "]"
        return sa.and_(stored >= text, stored < text + "\U0010ffff", condition)
    return condition


@lru_cache(maxsize=512)
def _parse(expression: str) -> exp.Expr:
    if expression.count("(") > MAX_NESTING or expression.upper().count("NOT") > MAX_NESTING:
        raise InvalidInputException("The partition expression is nested too deeply: simplify it.")
    try:
        tree = sqlglot.parse_one(expression, dialect=_Grammar)
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else "nested too deeply"
        raise InvalidInputException(f"The partition expression {expression!r} cannot be parsed: {reason}") from error
    if not isinstance(tree, exp.Expr):
        raise InvalidInputException(f"The partition expression {expression!r} is not a condition.")
    return tree


class _Compiler:
    def __init__(self, keys: dict[str, _Key], stored: sa.ColumnElement[str]) -> None:
        self._keys = keys
        self._stored = stored

    def condition(self, node: exp.Expr) -> sa.ColumnElement[bool]:
        if strange := {name for name, value in node.args.items() if value} - _ARGUMENTS:
            raise InvalidInputException(f"The partition expression cannot contain {node.sql()!r} ({min(strange)}).")
        match node:
            case exp.Paren():
                return self.condition(node.this)
            case exp.And() | exp.Or():
                # A long chain is a deep tree: walk it flat.
                parts = [self.condition(part) for part in node.flatten()]
                return sa.and_(*parts) if isinstance(node, exp.And) else sa.or_(*parts)
            case exp.Not():
                return sa.not_(self.condition(node.this))
            case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
                key, kind, literal = self._sides(node)
                compared: sa.ColumnElement[bool] = _COMPARISONS[kind](self._typed(key), self._value(key, literal))
                return compared
            case exp.In() if node.expressions and not node.args.get("negate"):
                key = self._key(node.this)
                return self._typed(key).in_([self._value(key, item) for item in node.expressions])
            case exp.Between():
                key = self._key(node.this)
                return self._typed(key).between(self._value(key, node.args["low"]), self._value(key, node.args["high"]))
            case exp.Like():
                text = self._text(self._key(node.this))
                alike = text.op("GLOB", is_comparison=True)(_glob(_literal(node.expression)))
                return sa.not_(alike) if node.args.get("negate") else alike
            case exp.Is() if isinstance(node.expression, exp.Null):
                return self._text(self._key(node.this)).is_(None)
        raise InvalidInputException(f"The partition expression cannot contain {node.sql()!r}.")

    def leading_values(self, tree: exp.Expr) -> list[str]:
        """The text values that the first keys must equal, as far as the expression fixes them."""
        tree = tree.unnest()
        parts = [part.unnest() for part in tree.flatten()] if isinstance(tree, exp.And) else [tree]
        fixed: dict[int, str] = {}
        for part in parts:
            if isinstance(part, exp.EQ):
                key, _, literal = self._sides(part)
                if key.base in _TEXT:
                    fixed[key.position] = str(self._value(key, literal))
        prefix: list[str] = []
        while len(prefix) in fixed:
            prefix.append(fixed[len(prefix)])
        return prefix

    def _sides(self, node: exp.Expr) -> tuple[_Key, type[exp.Expr], exp.Expr]:
        left, right, kind = node.this, node.args["expression"], type(node)
        if isinstance(left, exp.Column):
            return self._key(left), kind, right
        return self._key(right), _MIRRORED[kind], left

    def _key(self, node: exp.Expr) -> _Key:
        if not isinstance(node, exp.Column) or node.table:
            raise InvalidInputException(f"The partition expression compares {node.sql()!r}, which is no partition key.")
        key = self._keys.get(node.name.lower())
        if key is None:
            raise InvalidInputException(
                f"The partition expression names {node.name!r}, but the partition keys are: {', '.join(self._keys)}."
            )
        if key.base not in _WHOLE | _TEXT | {"date", "timestamp", "decimal"}:
            raise InvalidInputException(f"Partition key {key.name} has type {key.type}, which expressions cannot use.")
        return key

    def _text(self, key: _Key) -> sa.ColumnElement[Any]:
        value = sa.func.json_extract(self._stored, f"$[{key.position}]", type_=sa.Text)
        return sa.func.nullif(value, DEFAULT_PARTITION, type_=sa.Text)

    def _typed(self, key: _Key) -> sa.ColumnElement[Any]:
        text = self._text(key)
        if key.base in _WHOLE:
            return sa.case((text.op("GLOB")("*[^-0-9]*"), None), else_=sa.cast(text, sa.BigInteger))
        if key.base == "decimal":
            return sa.case((text.op("GLOB")("*[^-.0-9]*"), None), else_=sa.cast(text, sa.REAL))
        if key.base == "date":
            return sa.func.date(text, type_=sa.Text)
        if key.base == "timestamp":
            return sa.func.strftime("%Y-%m-%d %H:%M:%f", text, type_=sa.Text)
        return text

    def _value(self, key: _Key, node: exp.Expr) -> str | int | float:
        text = _literal(node)
        try:
            if key.base in _WHOLE:
                number = int(text)
                if abs(number) >= 2**63:
                    raise ValueError
                return number
            if key.base == "decimal":
                return float(Decimal(text))
            if key.base == "date":
                return date.fromisoformat(text).isoformat()
            if key.base == "timestamp":
                return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        except (ValueError, InvalidOperation, OverflowError):
            raise InvalidInputException(
                f"The partition expression compares {key.name} with {text!r}, which is no {key.type}."
            ) from None
        return text


def _literal(node: exp.Expr) -> str:
    match node:
        case exp.Literal():
            return str(node.this)
        case exp.Neg() if isinstance(node.this, exp.Literal) and not node.this.is_string:
            return f"-{node.this.this}"
        case exp.Paren():
            return _literal(node.this)
        case exp.Cast() if node.to.this in (exp.DataType.Type.DATE, exp.DataType.Type.TIMESTAMP):
            return _literal(node.this)  # DATE '2013-01-01'
    raise InvalidInputException(f"The partition expression must compare with a plain value, not {node.sql()!r}.")


def _glob(pattern: str) -> str:
    """A LIKE pattern as SQLite's GLOB, which is case-sensitive as Glue's LIKE is."""
    return "".join({"%": "*", "_": "?"}.get(char, f"[{char}]" if char in "*?[" else char) for char in pattern)
