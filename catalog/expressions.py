"""Partition expressions, as GetPartitions takes them: what they mean for a partition, and where an index has to look.

The grammar (AWS Glue Web API, GetPartitions, Expression): ``=``, ``<>``, ``!=``, ``<``, ``<=``, ``>``, ``>=``,
``AND``, ``OR``, ``NOT``, ``IN``, ``BETWEEN``, ``LIKE``, ``IS NULL`` over partition keys of the types that
:mod:`lakelet.catalog.partitions.values` knows. sqlglot parses it; only the nodes listed here are let through. Null is
neither true nor false, as in SQL.
"""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp, tokens

from lakelet.catalog.partitions import values
from lakelet.catalog.partitions.values import Interval, Kind, Value
from lakelet.workspace.errors import InvalidInputException

MAX_NESTING = 200  # parentheses and NOTs; deeper ones exhaust the parser's stack
_REMEMBERED = 10_000  # answers that a condition keeps, by the text of the value
_COMPARISONS: dict[type[exp.Expr], Callable[[Any, Any], bool]] = {
    exp.EQ: operator.eq, exp.NEQ: operator.ne, exp.LT: operator.lt, exp.LTE: operator.le, exp.GT: operator.gt,
    exp.GTE: operator.ge,
}  # fmt: skip
_MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ, exp.NEQ: exp.NEQ, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.GT: exp.LT, exp.GTE: exp.LTE,
}  # fmt: skip
# What a condition may have; a flag that is not listed here (as sqlglot adds them) might turn its meaning around.
_ARGUMENTS = frozenset({"this", "expression", "expressions", "low", "high", "negate"})


class _Grammar(sqlglot.Dialect):
    class Tokenizer(tokens.Tokenizer):
        IDENTIFIERS = ['"', "`"]  # noqa: RUF012  sqlglot's own form


class Condition(ABC):
    """A condition on a partition's values."""

    @abstractmethod
    def holds(self, texts: Sequence[str]) -> bool | None:
        """Whether it is true of a partition with these values; None when that cannot be known, as with null."""

    @abstractmethod
    def intervals(self, position: int, negated: bool = False) -> list[Interval] | None:
        """Where the key at ``position`` lies whenever the condition is true (when ``negated``, false).

        Disjoint, in order; None when it may lie anywhere.
        """


@dataclass(frozen=True)
class _Key:
    position: int
    name: str
    type: str
    kind: Kind


@dataclass(frozen=True)
class _Test(Condition):
    """A condition on one key; ``truth`` is not asked about null.

    It is false everywhere outside ``where``, and with ``exact`` true everywhere inside.
    """

    key: _Key
    truth: Callable[[Any], bool]
    where: Sequence[Interval] | None
    of_null: bool | None = None
    exact: bool = True
    _known: dict[str, bool | None] = field(default_factory=dict, compare=False)

    def holds(self, texts: Sequence[str]) -> bool | None:
        text = texts[self.key.position]
        try:
            return self._known[text]
        except KeyError:
            pass
        value = values.read(self.key.kind, text)
        answer = self.of_null if value is None else self.truth(value)
        if len(self._known) < _REMEMBERED:
            self._known[text] = answer
        return answer

    def intervals(self, position: int, negated: bool = False) -> list[Interval] | None:
        if position != self.key.position or self.where is None:
            return None
        if not negated:
            return list(self.where)
        return values.others(self.where) if self.exact else None


@dataclass(frozen=True)
class _Not(Condition):
    part: Condition

    def holds(self, texts: Sequence[str]) -> bool | None:
        answer = self.part.holds(texts)
        return None if answer is None else not answer

    def intervals(self, position: int, negated: bool = False) -> list[Interval] | None:
        return self.part.intervals(position, not negated)


@dataclass(frozen=True)
class _All(Condition):
    """Every part holds; with ``decisive`` turned, some part does."""

    parts: Sequence[Condition]
    decisive: bool = False  # the answer of a part that decides the whole

    def holds(self, texts: Sequence[str]) -> bool | None:
        answer: bool | None = not self.decisive
        for part in self.parts:
            one = part.holds(texts)
            if one is self.decisive:
                return self.decisive
            if one is None:
                answer = None
        return answer

    def intervals(self, position: int, negated: bool = False) -> list[Interval] | None:
        found = [part.intervals(position, negated) for part in self.parts]
        if self.decisive is not negated:  # one of them is enough
            known = [one for one in found if one is not None]
            return values.union([low_high for one in known for low_high in one]) if len(known) == len(found) else None
        common: list[Interval] | None = None
        for one in found:
            if one is not None:
                common = one if common is None else values.intersection(common, one)
        return common


def parse_expression(expression: str, keys: Sequence[tuple[str, str]]) -> Condition:
    """The condition that an expression means.

    ``keys`` are the ``(name, Hive type)`` of the partition keys in order. Raises
    :class:`~lakelet.workspace.errors.InvalidInputException` for anything outside the grammar.
    """
    return _Reader({name: (position, kind) for position, (name, kind) in enumerate(keys)}).condition(_parse(expression))


@lru_cache(maxsize=512)
def _parse(expression: str) -> exp.Expr:
    if expression.count("(") > MAX_NESTING or expression.upper().count("NOT") > MAX_NESTING:
        raise InvalidInputException("The partition expression is nested too deeply: simplify it.")
    try:
        tree = sqlglot.parse_one(expression, dialect=_Grammar)
    except sqlglot.errors.ParseError as error:
        place = error.errors[0].get("col") if error.errors else None
        where = f"at or before character {place}" if place else "as a whole"
        raise InvalidInputException(f"The partition expression {expression!r} cannot be read {where}.") from error
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError) as error:
        raise InvalidInputException(f"The partition expression {expression!r} cannot be read.") from error
    if not isinstance(tree, exp.Expr):
        raise InvalidInputException(f"The partition expression {expression!r} is not a condition.")
    return tree


class _Reader:
    def __init__(self, keys: dict[str, tuple[int, str]]) -> None:
        self._keys = keys

    def condition(self, node: exp.Expr) -> Condition:
        if strange := {name for name, value in node.args.items() if value} - _ARGUMENTS:
            raise InvalidInputException(f"The partition expression cannot contain {node.sql()!r} ({min(strange)}).")
        match node:
            case exp.Paren():
                return self.condition(node.this)
            case exp.And() | exp.Or():
                # A long chain is a deep tree: walk it flat.
                return _All([self.condition(part) for part in node.flatten()], decisive=isinstance(node, exp.Or))
            case exp.Not():
                return _Not(self.condition(node.this))
            case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
                return _comparison(*self._sides(node))
            case exp.In() if node.expressions and not node.args.get("negate"):
                key = self._key(node.this)
                wanted = frozenset(_value(key, item) for item in node.expressions)
                return _Test(key, wanted.__contains__, values.union([values.point(one) for one in wanted]))
            case exp.Between():
                key = self._key(node.this)
                ends = ((exp.GTE, node.args["low"]), (exp.LTE, node.args["high"]))
                return _All([_comparison(key, kind, _value(key, end)) for kind, end in ends])
            case exp.Like():
                alike = _like(self._key(node.this), _literal(node.expression))
                return _Not(alike) if node.args.get("negate") else alike
            case exp.Is() if isinstance(node.expression, exp.Null):
                return _Test(self._key(node.this), lambda value: False, [values.NULL], of_null=True)
        raise InvalidInputException(f"The partition expression cannot contain {node.sql()!r}.")

    def _sides(self, node: exp.Expr) -> tuple[_Key, type[exp.Expr], Value]:
        left, right, kind = node.this, node.args["expression"], type(node)
        if isinstance(left, exp.Column):
            return (key := self._key(left)), kind, _value(key, right)
        return (key := self._key(right)), _MIRRORED[kind], _value(key, left)

    def _key(self, node: exp.Expr) -> _Key:
        while isinstance(node, exp.Paren):  # (dt) IN ('a', 'b'), as Spark writes it
            node = node.this
        if not isinstance(node, exp.Column) or node.table:
            raise InvalidInputException(f"The partition expression compares {node.sql()!r}, which is no partition key.")
        name = node.name.lower()
        if name not in self._keys:
            raise InvalidInputException(
                f"The partition expression names {node.name!r}, but the partition keys are: {', '.join(self._keys)}."
            )
        position, hive_type = self._keys[name]
        kind = values.kind_of(hive_type)
        if kind is None:
            raise InvalidInputException(f"Partition key {name} has type {hive_type}, which expressions cannot use.")
        return _Key(position, name, hive_type, kind)


def _comparison(key: _Key, kind: type[exp.Expr], value: Value) -> Condition:
    compare = _COMPARISONS[kind]
    equal, less, greater = [values.point(value)], [values.below(value)], [values.above(value)]
    where: dict[type[exp.Expr], list[Interval]] = {
        exp.EQ: equal, exp.NEQ: less + greater, exp.LT: less, exp.LTE: less + equal, exp.GT: greater,
        exp.GTE: equal + greater,
    }  # fmt: skip
    return _Test(key, lambda found: compare(found, value), values.union(where[kind]))


def _like(key: _Key, pattern: str) -> Condition:
    """LIKE minds the case, and looks at the text of a value whatever its type."""
    first, *rest = [re.compile(re.escape(part).replace("_", "."), re.DOTALL) for part in pattern.split("%")]

    def alike(text: str) -> bool:
        """Each part as early as it can be: no pattern makes this try every way."""
        found = first.match(text)
        if not rest or found is None:
            return found is not None and found.end() == len(text)
        at = found.end()
        for part in rest[:-1]:
            found = part.search(text, at)
            if found is None:
                return False
            at = found.end()
        last = len(text) - len(pattern.rpartition("%")[2])
        return last >= at and rest[-1].match(text, last) is not None

    key = _Key(key.position, key.name, key.type, Kind.TEXT)
    beginning = re.split("[%_]", pattern, maxsplit=1)[0]
    exact = pattern in (beginning, f"{beginning}%")
    return _Test(key, alike, _texts(key, pattern, beginning), exact=exact)


def _texts(key: _Key, pattern: str, beginning: str) -> list[Interval] | None:
    if values.kind_of(key.type) is not Kind.TEXT:
        return None  # an index holds values, not their texts
    return [values.point(pattern)] if beginning == pattern else [values.starting_with(beginning)]


def _value(key: _Key, node: exp.Expr) -> Value:
    text = _literal(node)
    found = text if key.kind is Kind.TEXT else values.read(key.kind, text)
    if found is None:
        raise InvalidInputException(
            f"The partition expression compares {key.name} with {text!r}, which is no {key.type}."
        )
    return found


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
